// SPDX-License-Identifier: GPL-2.0
/*
 * rkvdec's VP9 mode (profile 0).
 *
 * Layouts learnt from Linux 7.2, drivers/media/platform/rockchip/rkvdec:
 * rkvdec-regs.h (struct rkvdec_vp9_regs), rkvdec-vp9.c (config_registers,
 * config_ref_registers, get_mv_base_addr).
 *
 * The hardware parses both headers of the frame itself; from the registers come
 * the references (address, size, strides), and what a frame inherits from the
 * last one.  libavcodec does the arithmetic, and the model makes it follow the
 * registers:
 *  - each reference that the frame uses is refreshed in libavcodec's picture
 *    from the CAPTURE memory at the address that the register names, which must
 *    be of the size that the register names; every other picture is poison.  A
 *    reference that the driver did not find is the output's own address, and is
 *    poison, too;
 *  - sizes taken over from a reference are those in the registers.
 *
 * What libavcodec cannot be made to follow is checked, and a mismatch is the
 * error interrupt: the loop filter deltas and the segment features of the last
 * frame (the driver never clears the enable bits, so features that are set
 * without need are no mismatch), the scale factors, the size of the last frame.
 *
 * So are the probabilities: the table in memory must be what the frame's context
 * and compressed header make of it, and the registers' transform and reference
 * modes those of that header.  The tiles are decoded a second time, with the
 * table in memory and by a parser of the model's own (vp9-tile.h), which counts
 * the symbols as the hardware does; from these counts the driver adapts its
 * contexts, and so does the model, which is how the next table is known.  A
 * table or a count that is wrong ends in other symbols than libavcodec's, which
 * adapts by itself: the parser then does not end where the tile's data ends, or,
 * where libavcodec tells them, in other blocks; either is a decode error.  So is
 * damage of the tiles, of which silicon may decode more.
 *
 * Motion vectors are written behind the picture and read from where the register
 * says, in a layout of the model's own.  The segment map is the model's: when the
 * hardware reads and when it writes its two buffers for it, nobody has written
 * down.
 *
 * libavcodec has state which is the driver's and the memory's on silicon
 * (probabilities, motion vectors and segment map of the frame before).  After an
 * error it is void, and what follows ends in errors until the next frame that
 * needs none: a key frame, or an intra frame that resets all contexts.
 */
#include <stdlib.h>
#include <string.h>

#include "avdec.h"
#include "bits.h"
#include "rkvdec.h"
#include "vp9-tile.h"

struct vp9_state {
	struct avdec *dec;
	bool in_step;			/* libavcodec's state is that of the stream */
	AVFrame *slots[VP9_REF_SLOTS];	/* as the stream names them */
	struct vp9_inherited inherited;
	struct vp9_probs contexts[4];
	unsigned int width, height;	/* of the last frame */
	bool show_frame, intra, key;	/* the last frame's */
	uint8_t *segments;		/* of the last frame that had any */
};

struct picture {
	struct rkvdec_run *run;
	struct vp9_state *state;
	uint8_t *stream;
	size_t size;
	struct vp9_ref_size ref_sizes[VP9_REFS];
	struct vp9_header h;
	struct vp9_probs probs;		/* as they should be */
	struct vp9_table table;		/* as they are in memory */
	struct vp9_tiles tiles;
	unsigned int context;		/* frame_context_idx, 0 where it is reset */
	uint32_t out, stride, uv_offset, yuv;
	unsigned int width, height;	/* even */
};

#define complain(p, ...) rkvdec_complain((p)->run, __VA_ARGS__)

static void slot_set(struct vp9_state *state, unsigned int i, const AVFrame *frame)
{
	av_frame_free(&state->slots[i]);
	if (frame) {
		state->slots[i] = av_frame_clone(frame);
		if (!state->slots[i])
			abort();
	}
}

static void state_reset(struct vp9_state *state)
{
	avdec_close(state->dec);
	free(state->segments);
	for (unsigned int i = 0; i < VP9_REF_SLOTS; i++)
		slot_set(state, i, NULL);
	memset(state, 0, sizeof(*state));
}

static void state_free(void *data)
{
	state_reset(data);
	free(data);
}

static bool read_stream(struct picture *p)
{
	p->stream = rkvdec_read_stream(p->run, &p->size);
	return p->stream;
}

static bool read_header(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	const char *error;
	uint32_t last;

	for (unsigned int i = 0; i < VP9_REFS; i++) {
		p->ref_sizes[i].width = RKVDEC_VP9_REF_WIDTH(r[RKVDEC_VP9_REF_SIZE(i)]);
		p->ref_sizes[i].height = RKVDEC_VP9_REF_HEIGHT(r[RKVDEC_VP9_REF_SIZE(i)]);
	}
	error = vp9_parse_header(&p->h, &p->state->inherited, p->ref_sizes, p->stream, p->size);
	if (error) {
		complain(p, "bad %s", error);
		return false;
	}
	last = p->size - p->h.size - p->h.compressed_size;
	if (RKVDEC_VP9_LASTTILE_BYTES(r[RKVDEC_VP9_LASTTILE]) != last) {
		complain(p, "tiles are %u bytes, the register says %u", last,
			 RKVDEC_VP9_LASTTILE_BYTES(r[RKVDEC_VP9_LASTTILE]));
		return false;
	}
	return true;
}

static bool check_geometry(struct picture *p)
{
	const uint32_t *r = p->run->regs;

	p->width = (p->h.width + 1) & ~1u;
	p->height = (p->h.height + 1) & ~1u;
	p->out = r[RKVDEC_DECOUT_BASE] & ~15u;
	p->stride = RKVDEC_Y_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]);
	p->uv_offset = RKVDEC_Y_VIRSTRIDE_BYTES(r[RKVDEC_Y_VIRSTRIDE]);
	p->yuv = RKVDEC_YUV_VIRSTRIDE_BYTES(r[RKVDEC_YUV_VIRSTRIDE]);
	if (!p->width || !p->height || p->width > 4096 || p->height > 2304 ||
	    p->stride < p->width || p->stride % 64 ||
	    p->stride != RKVDEC_UV_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]) ||
	    p->uv_offset < p->stride * ((p->height + 63) & ~63u) ||
	    p->yuv < p->uv_offset * 3 / 2) {
		complain(p, "%ux%u does not fit stride %u, planes at %u and %u", p->h.width,
			 p->h.height, p->stride, p->uv_offset, p->yuv);
		return false;
	}
	return true;
}

static bool check_inherited(struct picture *p)
{
	const struct vp9_inherited *s = &p->state->inherited;
	const uint32_t *r = p->run->regs;

	for (unsigned int i = 0; i < 6; i++) {
		uint32_t word = r[i < 4 ? RKVDEC_VP9_REF_DELTAS : RKVDEC_VP9_LASTFRAME];
		int32_t delta = sign_extend(word >> (i < 4 ? i : i - 4) * 7 & 0x7f, 7);

		if (delta != (i < 4 ? s->ref_deltas[i] : s->mode_deltas[i - 4])) {
			complain(p, "loop filter delta %u of the last frame is %d, not %d", i,
				 i < 4 ? s->ref_deltas[i] : s->mode_deltas[i - 4], delta);
			return false;
		}
	}
	for (unsigned int i = 0; i < VP9_SEGMENTS; i++) {
		uint32_t word = r[RKVDEC_VP9_SEGMENT(i)];
		const int16_t *data = s->seg_data[i];
		uint8_t on = s->seg_enabled[i];

		if ((on & BIT(VP9_SEG_ALT_Q) &&
		     (!(word & BIT(1)) || sign_extend(word >> 2 & 0x1ff, 9) != data[VP9_SEG_ALT_Q])) ||
		    (on & BIT(VP9_SEG_ALT_L) &&
		     (!(word & BIT(11)) || sign_extend(word >> 12 & 0x7f, 7) != data[VP9_SEG_ALT_L])) ||
		    (on & BIT(VP9_SEG_REF_FRAME) &&
		     (!(word & BIT(19)) || (int)(word >> 20 & 3) != data[VP9_SEG_REF_FRAME])) ||
		    (on & BIT(VP9_SEG_SKIP) && !(word & BIT(22)))) {
			complain(p, "features of segment %u of the last frame: register %08x", i, word);
			return false;
		}
	}
	return true;
}

static bool check_last(struct picture *p)
{
	const struct vp9_state *s = p->state;
	uint32_t info = p->run->regs[RKVDEC_VP9_LASTFRAME];
	bool same = s->width == p->h.width && s->height == p->h.height;

	if (!!(info & RKVDEC_VP9_LAST_SHOW_FRAME) == s->show_frame &&
	    !!(info & RKVDEC_VP9_LAST_INTRA_ONLY) == s->intra &&
	    !!(info & RKVDEC_VP9_LAST_SAME_SIZE) == same)
		return true;
	complain(p, "last frame: shown %d, intra %d, same size %d; the register says %08x",
		 s->show_frame, s->intra, same, info);
	return false;
}

/* 7.2: setup_past_independence() and what it does to the saved contexts */
static void reset_contexts(struct picture *p)
{
	const struct vp9_header *h = &p->h;

	p->context = h->frame_context_idx;
	if (!vp9_is_intra(h) && !h->error_resilient)
		return;
	for (unsigned int i = 0; i < 4; i++)
		if (h->key_frame || h->error_resilient || h->reset_frame_context == 3 ||
		    (h->reset_frame_context == 2 && i == h->frame_context_idx))
			vp9_probs_default(&p->state->contexts[i]);
	p->context = 0;
}

static bool check_probs(struct picture *p)
{
	uint32_t modes = p->run->regs[RKVDEC_VP9_CPRHEADER];
	uint8_t table[VP9_PROB_TABLE_BYTES];
	struct bus *bus = &p->run->bus;
	struct vp9_compressed *c = &p->tiles.c;
	const char *what;

	reset_contexts(p);
	p->probs = p->state->contexts[p->context];
	if (!vp9_probs_update(&p->probs, c, &p->h, p->stream + p->h.size, p->h.compressed_size)) {
		complain(p, "bad compressed header");
		return false;
	}
	if (RKVDEC_VP9_TX_MODE(modes) != c->tx_mode ||
	    (!vp9_is_intra(&p->h) && RKVDEC_VP9_REFERENCE_MODE(modes) != c->reference_mode)) {
		complain(p, "transform mode %u, reference mode %u: register %08x", c->tx_mode,
			 c->reference_mode, modes);
		return false;
	}
	if (!bus_read(bus, p->run->regs[RKVDEC_CABACTBL_BASE], table, sizeof(table)))
		return false;
	what = vp9_probs_compare(&p->probs, &p->h, table);
	if (what)
		complain(p, "%s probabilities in memory are not the frame's", what);
	vp9_table_read(&p->table, &p->h, table);
	return !what;
}

/* 6.1.2: refresh_probs() */
static void save_probs(struct picture *p)
{
	struct vp9_probs *saved = &p->state->contexts[p->context];

	if (!p->h.refresh_frame_context)
		return;
	if (p->h.frame_parallel)
		*saved = p->probs;
	else
		vp9_probs_adapt(saved, &p->probs, &p->tiles.counts, &p->h, &p->tiles.c,
				p->state->key);
}

static size_t n_blocks(const struct vp9_header *h)
{
	return (size_t)((h->width + 7) / 8) * ((h->height + 7) / 8);
}

/* What resets the map (7.2: setup_past_independence, 7.2.5) */
static void prepare_segments(struct picture *p)
{
	struct vp9_state *s = p->state;
	bool same = (s->width + 7) / 8 == (p->h.width + 7) / 8 &&
		    (s->height + 7) / 8 == (p->h.height + 7) / 8;

	if (!s->segments || !same || vp9_is_intra(&p->h) || p->h.error_resilient) {
		free(s->segments);
		s->segments = calloc(n_blocks(&p->h), 1);
		if (!s->segments)
			abort();
	}
	p->tiles.prev_segments = s->segments;
}

/* The same blocks in the same order; without segments, libavcodec 59 does not tell. */
static bool same_blocks(struct picture *p)
{
	const AVVideoEncParams *blocks = avdec_blocks(p->state->dec);

	if (!blocks || (!blocks->nb_blocks && !p->h.seg_on))
		return blocks;
	if (blocks->nb_blocks != p->tiles.n_pieces)
		return false;
	for (unsigned int i = 0; i < p->tiles.n_pieces; i++) {
		const AVVideoBlockParams *b =
			av_video_enc_params_block((AVVideoEncParams *)blocks, i);
		const struct vp9_piece *piece = &p->tiles.pieces[i];

		if (b->src_x != piece->col * 8 || b->src_y != piece->row * 8 ||
		    b->w != piece->w * 8 || b->h != piece->h * 8)
			return false;
	}
	return true;
}

/* NULL: not to be used; *fault: they should be. */
static struct vp9_saved_mv *read_mvs(struct picture *p, bool *fault)
{
	uint32_t info = p->run->regs[RKVDEC_VP9_LASTFRAME];
	size_t size = n_blocks(&p->h) * sizeof(struct vp9_saved_mv);
	struct vp9_saved_mv *mvs;

	*fault = false;
	if (vp9_is_intra(&p->h) || p->h.error_resilient || info & RKVDEC_VP9_LAST_INTRA_ONLY ||
	    !(info & RKVDEC_VP9_LAST_SHOW_FRAME) || !(info & RKVDEC_VP9_LAST_SAME_SIZE))
		return NULL;
	mvs = malloc(size);
	if (!mvs)
		abort();
	*fault = !bus_read(&p->run->bus, p->run->regs[RKVDEC_VP9_REFCOLMV_BASE], mvs, size);
	return mvs;
}

/* Reads the tiles as the driver's table says; writes counts and motion vectors. */
static bool run_tiles(struct picture *p)
{
	size_t skip = p->h.size + p->h.compressed_size;
	uint8_t memory[VP9_COUNT_BYTES];
	struct bus *bus = &p->run->bus;
	struct vp9_saved_mv *mvs;
	const char *error = NULL;
	bool fault;

	prepare_segments(p);
	mvs = read_mvs(p, &fault);
	p->tiles.h = &p->h;
	p->tiles.table = &p->table;
	p->tiles.prev_mvs = mvs;
	if (!fault)
		error = vp9_tiles_decode(&p->tiles, p->stream + skip, p->size - skip);
	free(mvs);
	if (fault)
		return false;
	if (!error && !same_blocks(p))
		error = "blocks: not those of libavcodec";
	if (error) {
		complain(p, "bad %s", error);
		return false;
	}
	if (p->run->job->zero_counts) {
		complain(p, "symbol counts lost");
		memset(memory, 0, sizeof(memory));
	} else {
		vp9_counts_write(&p->tiles.counts, vp9_is_intra(&p->h), memory);
	}
	return bus_write(bus, p->run->regs[RKVDEC_VP9_COUNT_BASE], memory, sizeof(memory)) &&
	       bus_write(bus, p->out + p->yuv, p->tiles.mvs,
			 n_blocks(&p->h) * sizeof(struct vp9_saved_mv));
}

/* Fills libavcodec's picture for reference i as the registers say. */
static bool load_ref(struct picture *p, unsigned int i)
{
	const uint32_t *r = p->run->regs;
	uint32_t addr = r[RKVDEC_VP9_REF_BASE(i)] & ~15u;
	uint32_t strides = r[RKVDEC_VP9_REF_STRIDE(i)];
	uint32_t scale = r[RKVDEC_VP9_REF_SCALE(i)];
	AVFrame *frame = p->state->slots[p->h.ref_slot[i]];
	const struct vp9_ref_size *size = &p->ref_sizes[i];

	if (!frame) {
		complain(p, "reference %u (slot %u) was never decoded", i, p->h.ref_slot[i]);
		return false;
	}
	/* A reference that the driver did not find */
	if (addr == p->out) {
		avdec_poison(frame);
		return true;
	}
	if ((unsigned int)frame->width != size->width || (unsigned int)frame->height != size->height) {
		complain(p, "reference %u (slot %u) is %dx%d, the registers say %ux%u", i,
			 p->h.ref_slot[i], frame->width, frame->height, size->width, size->height);
		return false;
	}
	if ((scale & 0xffff) != ((size->width << 14) / p->h.width & 0xffff) ||
	    scale >> 16 != ((size->height << 14) / p->h.height & 0xffff)) {
		complain(p, "reference %u: scale %08x", i, scale);
		return false;
	}
	return avdec_load_nv12(frame, &p->run->bus, addr,
			       addr + RKVDEC_Y_VIRSTRIDE_BYTES(r[RKVDEC_VP9_REF_Y_BYTES(i)]),
			       RKVDEC_Y_HOR_VIRSTRIDE(strides), (size->width + 1) & ~1u,
			       (size->height + 1) & ~1u);
}

static bool load_refs(struct picture *p)
{
	bool used[VP9_REF_SLOTS] = { false };

	for (unsigned int i = 0; i < VP9_REFS && !vp9_is_intra(&p->h); i++) {
		uint32_t addr = p->run->regs[RKVDEC_VP9_REF_BASE(i)];

		for (unsigned int j = 0; j < i; j++) {
			if (p->h.ref_slot[j] == p->h.ref_slot[i] &&
			    addr != p->run->regs[RKVDEC_VP9_REF_BASE(j)]) {
				complain(p, "slot %u at two addresses", p->h.ref_slot[i]);
				return false;
			}
		}
		used[p->h.ref_slot[i]] = true;
	}
	/* Slots share pictures: first the poison, then what is named. */
	for (unsigned int i = 0; i < VP9_REF_SLOTS; i++)
		if (!used[i] && p->state->slots[i])
			avdec_poison(p->state->slots[i]);
	for (unsigned int i = 0; i < VP9_REFS && !vp9_is_intra(&p->h); i++)
		if (!load_ref(p, i))
			return false;
	return true;
}

static bool open_decoder(struct picture *p)
{
	struct vp9_state *state = p->state;

	if (state->dec && (state->in_step || !p->h.key_frame))
		return true;
	state_reset(state);
	state->dec = avdec_open(AV_CODEC_ID_VP9);
	if (!state->dec)
		complain(p, "cannot open libavcodec's VP9 decoder");
	return state->dec;
}

static bool needs_no_past(const struct vp9_header *h)
{
	return h->key_frame || (h->intra_only && (h->error_resilient || h->reset_frame_context == 3));
}

static void commit(struct picture *p, const AVFrame *frame)
{
	struct vp9_state *s = p->state;

	for (unsigned int i = 0; i < VP9_REF_SLOTS; i++)
		if (p->h.refresh_flags & BIT(i))
			slot_set(s, i, frame);
	save_probs(p);
	if (p->h.seg_on) {
		free(s->segments);
		s->segments = p->tiles.segments;
		p->tiles.segments = NULL;
	}
	s->inherited = p->h.state;
	s->width = p->h.width;
	s->height = p->h.height;
	s->show_frame = p->h.show_frame;
	s->intra = vp9_is_intra(&p->h);
	s->key = p->h.key_frame;
	s->in_step = true;
}

static uint32_t run_picture(struct picture *p)
{
	struct bus *bus = &p->run->bus;
	unsigned int height;
	bool ok;
	AVFrame *frame;

	if (!read_stream(p) || !read_header(p) || !check_geometry(p) || !open_decoder(p))
		return RKVDEC_ERR_STA;
	if (!p->state->in_step && !needs_no_past(&p->h)) {
		complain(p, "depends on a frame that ended in an error");
		return RKVDEC_ERR_STA;
	}
	if (!vp9_is_intra(&p->h) && (!check_inherited(p) || !check_last(p)))
		return RKVDEC_ERR_STA;
	if (!check_probs(p) || !load_refs(p))
		return RKVDEC_ERR_STA;
	/* After the references are read: an output may overwrite one. */
	if (!avdec_poison_nv12(bus, p->out, p->out + p->uv_offset, p->stride, p->stride,
			       (p->height + 63) & ~63u))
		return RKVDEC_ERR_STA;
	ok = avdec_decode(p->state->dec, p->stream, p->size);
	if (!ok)
		complain(p, "libavcodec: %s", avdec_error(p->state->dec));
	frame = avdec_picture(p->state->dec);
	if (!frame)
		return RKVDEC_ERR_STA;
	if (frame->width != (int)p->h.width || frame->height != (int)p->h.height) {
		complain(p, "libavcodec made %dx%d of %ux%u", frame->width, frame->height,
			 p->h.width, p->h.height);
		return RKVDEC_ERR_STA;
	}
	/* What an error interrupts is written only in part. */
	height = p->run->job->inject_error ? p->height / 2 & ~1u : p->height;
	if (!avdec_store_nv12(frame, bus, p->out, p->out + p->uv_offset, p->stride, p->width, height))
		return RKVDEC_ERR_STA;
	ok = ok && run_tiles(p);
	if (ok)
		commit(p, frame);
	return ok ? RKVDEC_RDY_STA : RKVDEC_ERR_STA;
}

uint32_t rkvdec_vp9_run(struct rkvdec_run *run)
{
	struct picture p = { .run = run };
	uint32_t status;

	p.state = hw_context_state(run->context, sizeof(struct vp9_state), state_free);
	status = run_picture(&p);
	if (!(status & RKVDEC_RDY_STA) || run->bus.fault.hit || run->job->inject_error)
		p.state->in_step = false;
	free(p.stream);
	vp9_tiles_free(&p.tiles);
	return status;
}
