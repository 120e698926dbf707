// SPDX-License-Identifier: GPL-2.0
/*
 * hantro VPU2's VP8 mode.
 *
 * Layouts learnt from Linux 7.2, drivers/media/platform/verisilicon:
 *  - registers: rockchip_vpu2_hw_vp8_dec.c;
 *  - probability table: hantro_vp8.c (hantro_vp8_prob_update).
 *
 * Nothing of the frame's own header is read.  A header is written anew from the
 * registers and the table, and the macroblocks' data follows it, from the bit on
 * and with the state of the boolean decoder that the registers name
 * (vpu2-vp8-header.h).  References: no frame updates any of libavcodec's; its
 * three are frames of ours, filled before each job with the bytes at the
 * registers' addresses, or with poison where the driver names the output.
 *
 * The segment map in memory cannot be fed to libavcodec, which keeps its own.
 * A stamp stands for it in memory: what the frame before left there, or zeros
 * after a key frame, must be there still, or the job ends in an error.
 */
#include <stdlib.h>
#include <string.h>

#include "avdec.h"
#include "bits.h"
#include "vpu2.h"
#include "vpu2-vp8-header.h"

#define MAX_STREAM_BYTES	(16u << 20)
#define N_REFS			3

struct vp8_state {
	struct avdec *dec;
	unsigned int mb_width, mb_height;
	AVFrame *refs[N_REFS];		/* last, golden, altref */
	bool separate;			/* they are three different ones */
	struct vp8_probs probs;		/* that libavcodec keeps from frame to frame */
	uint64_t map_stamp;		/* stands for libavcodec's map; 0: all zero */
	uint64_t stamps;
};

struct picture {
	struct vpu2_run *run;
	struct vp8_state *state;
	struct vp8_header header;
	uint32_t out, uv_offset, stride;
	unsigned int n_partitions;
	uint32_t part_addr[9];		/* and where the last one ends */
	uint8_t *packet;
	size_t size;
};

static const unsigned int ref_regs[N_REFS] = { VP8_REF_LAST, VP8_REF_GOLDEN, VP8_REF_ALT };

static void state_reset(struct vp8_state *state)
{
	avdec_close(state->dec);
	for (unsigned int i = 0; i < N_REFS; i++)
		av_frame_free(&state->refs[i]);
	*state = (struct vp8_state){ .stamps = state->stamps };
}

static void state_free(void *data)
{
	state_reset(data);
	free(data);
}

/* ---- registers ----------------------------------------------------------- */

static bool read_geometry(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	struct vp8_header *h = &p->header;

	h->mb_width = VDPU_MB_WIDTH(r[VDPU_PIC_SIZE]) & 511;
	h->mb_height = VDPU_MB_HEIGHT(r[VDPU_PIC_SIZE]) & 255;
	p->out = r[VDPU_DST];
	p->stride = h->mb_width * 16;
	p->uv_offset = p->stride * h->mb_height * 16;
	if (!h->mb_width || !h->mb_height || h->mb_width > 256 || p->out & 15 ||
	    p->out + (uint64_t)p->uv_offset * 3 / 2 > 1ull << 32) {
		vpu2_complain(p->run, "%ux%u macroblocks at %08x", h->mb_width,
			      h->mb_height, p->out);
		return false;
	}
	return true;
}

/* rockchip_vpu2_hw_vp8_dec.c, cfg_tap: the six-tap filters (RFC 6386, 18.3) */
static bool check_taps(const struct picture *p)
{
	static const int16_t taps[8][6] = {
		{ 0, 0, 128, 0, 0, 0 }, { 0, -6, 123, 12, -1, 0 },
		{ 2, -11, 108, 36, -8, 1 }, { 0, -9, 93, 50, -6, 0 },
		{ 3, -16, 77, 77, -16, 3 }, { 0, -6, 50, 93, -9, 0 },
		{ 1, -8, 36, 108, -11, 2 }, { 0, -1, 12, 123, -6, 0 },
	};
	const uint32_t *r = p->run->regs;
	uint32_t outer = r[VP8_PRED_FLT(10)];

	for (unsigned int i = 0; i < 8; i++) {
		for (unsigned int j = 1; j < 5; j++) {
			unsigned int n = i * 4 + j - 1;
			uint32_t field = r[VP8_PRED_FLT(n / 3)] >> (22 - n % 3 * 10) & 0x3ff;

			if (field != ((uint32_t)taps[i][j] & 0x3ff))
				return false;
		}
	}
	for (unsigned int i = 2; i < 8; i += 2)
		if ((outer >> (14 - 2 * i) & 3) != (uint32_t)taps[i][0] ||
		    (outer >> (12 - 2 * i) & 3) != (uint32_t)taps[i][5])
			return false;
	return true;
}

static void read_quantizers(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	struct vp8_header *h = &p->header;
	bool segments = r[VP8_SEGMENT] & VP8_SEGMENT_ENABLED;
	uint32_t q0 = r[VP8_QUANTER0], q1 = r[VP8_QUANTER1], level = r[VP8_FILTER_LEVEL];
	uint32_t quant[4] = { q0 >> 11 & 0x7ff, q0 & 0x7ff, q1 >> 11 & 0x7ff, q1 & 0x7ff };

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int from = segments ? i : 0;

		/* What is out of range cannot be coded, and ends in an error. */
		h->quant[i] = quant[from] > 255 ? 255 : quant[from];
		h->level[i] = level >> (18 - 6 * from) & 63;
		h->mode_delta[i] = sign_extend(r[VP8_FILTER_MB_ADJ] >> (21 - 7 * i) & 127, 7);
		h->ref_delta[i] = sign_extend(r[VP8_FILTER_REF_ADJ] >> (21 - 7 * i) & 127, 7);
	}
	h->quant_delta[0] = sign_extend(q0 >> 27, 5);
	h->quant_delta[1] = sign_extend(q0 >> 22 & 31, 5);
	h->quant_delta[2] = sign_extend(q1 >> 27, 5);
	h->quant_delta[3] = sign_extend(q1 >> 22 & 31, 5);
	h->quant_delta[4] = sign_extend(r[VP8_QUANTER2] >> 27, 5);
	h->filter_simple = r[VP8_FILTER_MB_ADJ] & VP8_FILTER_SIMPLE;
	h->sharpness = r[VP8_FILTER_MB_ADJ] >> 28 & 7;
	/* The segments' levels count; this one only says whether there is any. */
	h->filter_level = r[VDPU_DEC_CTRL0] & VDPU_FILTERING_DIS ? 0 : 63;
}

static void read_mv_probs(struct vp8_header *h, const uint8_t *table)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint8_t *mv = h->probs.mv + i * 19;

		mv[0] = table[16 + i];
		mv[1] = table[18 + i];
		for (unsigned int j = 0; j < 8; j++)
			mv[9 + j] = table[24 + i * 8 + j];
		mv[17] = table[20 + i * 2];
		mv[18] = table[21 + i * 2];
		for (unsigned int j = 0; j < 7; j++)
			mv[2 + j] = table[40 + i * 8 + j];
	}
}

#define PROB_TABLE_SIZE	(8 * 55 + 96 * 8)

static bool read_probs(struct picture *p)
{
	struct vp8_header *h = &p->header;
	uint8_t table[PROB_TABLE_SIZE];

	if (!bus_read(&p->run->bus, p->run->regs[VDPU_QTABLE], table, sizeof(table)))
		return false;
	h->prob_skip = table[0];
	h->prob_intra = table[1];
	h->prob_last = table[2];
	h->prob_golden = table[3];
	memcpy(h->segment_probs, table + 4, 3);
	memcpy(h->y_mode_probs, table + 8, 4);
	memcpy(h->uv_mode_probs, table + 12, 3);
	read_mv_probs(h, table);
	for (unsigned int i = 0; i < 96; i++) {
		memcpy(h->probs.coeff + i * 11, table + 8 * 7 + i * 4, 4);
		memcpy(h->probs.coeff + i * 11 + 4, table + 8 * 55 + i * 8, 7);
	}
	return true;
}

static bool read_header(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	struct vp8_header *h = &p->header;
	bool bilinear = r[VP8_DCT_START_BIT] & VP8_BILIN_MC;

	h->key = !(r[VDPU_EN] & VDPU_EN_PIC_INTER);
	h->version = !bilinear ? 0 : r[VP8_DCT_START_BIT] & VP8_NOT_VERSION_3 ? 1 : 3;
	h->update_map = (r[VP8_SEGMENT] & VP8_SEGMENT_ENABLED) &&
			(r[VP8_SEGMENT] & VP8_SEGMENT_UPDATE);
	h->mb_skip = !(r[VDPU_DEC_CTRL0] & VDPU_SKIP_MODE);
	h->sign_bias_golden = r[VP8_REF_GOLDEN] & VP8_REF_SIGN_BIAS;
	h->sign_bias_alt = r[VP8_REF_ALT] & VP8_REF_SIGN_BIAS;
	if (!bilinear && !check_taps(p)) {
		vpu2_complain(p->run, "these are not VP8's six-tap filters");
		return false;
	}
	read_quantizers(p);
	return read_probs(p);
}

/* ---- the segment map ----------------------------------------------------- */

static size_t map_size(const struct picture *p)
{
	size_t mbs = (size_t)p->header.mb_width * p->header.mb_height;

	return ((mbs + 3) / 4 + 63) & ~(size_t)63;
}

static bool check_map(struct picture *p)
{
	uint32_t addr = p->run->regs[VP8_SEGMENT] & ~7u;
	uint64_t found;

	for (size_t i = 0; i < map_size(p); i += 64) {
		if (!bus_read(&p->run->bus, addr + i, &found, 8))
			return false;
		if (found != p->state->map_stamp) {
			vpu2_complain(p->run, "the segment map at %08x is not the last frame's",
				      addr);
			return false;
		}
	}
	return true;
}

static bool write_map(struct picture *p)
{
	uint32_t addr = p->run->regs[VP8_SEGMENT] & ~7u;
	uint64_t line[8];

	p->state->map_stamp = ++p->state->stamps << 32 | p->out | 1;
	for (unsigned int i = 0; i < ARRAY_SIZE(line); i++)
		line[i] = p->state->map_stamp;
	for (size_t i = 0; i < map_size(p); i += sizeof(line))
		if (!bus_write(&p->run->bus, addr + i, line, sizeof(line)))
			return false;
	return true;
}

/* ---- partitions ---------------------------------------------------------- */

static bool read_partitions(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	uint32_t start_bits[8] = {
		r[VP8_CTRL0] >> 26, r[VP8_DCT_START_BIT] >> 26, r[VP8_DCT_START_BIT] >> 20 & 63,
		r[VP8_DCT_START_BIT2] >> 24 & 63, r[VP8_DCT_START_BIT2] >> 18 & 63,
		r[VP8_DCT_START_BIT2] >> 12 & 63, r[VP8_DCT_START_BIT2] >> 6 & 63,
		r[VP8_DCT_START_BIT2] & 63,
	};
	unsigned int n = (r[VP8_DATA_VAL] >> 24 & 15) + 1;
	uint32_t first;

	if (n != 1 && n != 2 && n != 4 && n != 8) {
		vpu2_complain(p->run, "%u partitions", n);
		return false;
	}
	p->n_partitions = n;
	p->header.log2_partitions = n == 8 ? 3 : n / 2;
	for (unsigned int i = 0; i < n; i++) {
		p->part_addr[i] = (r[VP8_DCT_BASE(i)] & ~7u) + start_bits[i] / 8;
		if (i && p->part_addr[i] < p->part_addr[i - 1]) {
			vpu2_complain(p->run, "partition %u precedes the one before", i);
			return false;
		}
	}
	/* The length counts from the aligned word where the partitions' sizes are. */
	first = p->part_addr[0] - 3 * (n - 1);
	p->part_addr[n] = (first & ~7u) + VDPU_STREAM_LEN_BYTES(r[VDPU_STREAM_LEN]);
	if (p->part_addr[n] < p->part_addr[n - 1] ||
	    p->part_addr[n] - p->part_addr[0] > MAX_STREAM_BYTES) {
		vpu2_complain(p->run, "stream length %u",
			      VDPU_STREAM_LEN_BYTES(r[VDPU_STREAM_LEN]));
		return false;
	}
	return true;
}

static void put_le(uint8_t *to, unsigned int bytes, uint32_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		to[i] = value >> (8 * i);
}

/* 9.1; returns the size. */
static size_t write_tag(uint8_t *to, const struct vp8_header *h, size_t first_part_size)
{
	static const uint8_t start_code[] = { 0x9d, 0x01, 0x2a };

	put_le(to, 3, (h->key ? 0 : 1) | h->version << 1 | 1 << 4 | (uint32_t)first_part_size << 5);
	if (!h->key)
		return 3;
	memcpy(to + 3, start_code, sizeof(start_code));
	put_le(to + 6, 2, h->mb_width * 16);
	put_le(to + 8, 2, h->mb_height * 16);
	return 10;
}

/* The header of ours, and the macroblocks' modes from where the registers say. */
static bool write_first_partition(struct picture *p, uint8_t *to, size_t size, size_t *used)
{
	const uint32_t *r = p->run->regs;
	uint32_t addr = r[VP8_CTRL_PART], len = r[VP8_DATA_VAL] & 0x3fffff;
	uint32_t start = r[VP8_CTRL0] >> 18 & 63, range = r[VP8_CTRL0] & 255;
	uint8_t *modes = calloc(1, len + 8);
	struct vp8_writer w;
	struct bit_writer bits;
	struct bit_reader from;
	bool ok = false;

	if (!modes)
		abort();
	if (!bus_read(&p->run->bus, addr, modes, len))
		goto out;
	vp8_writer_init(&w, to, size);
	if (!vp8_write_header(&w, &p->header, range))
		goto out;
	vp8_writer_add(&w, r[VP8_CTRL0] >> 8 & 255);
	bw_init(&bits, to, size);
	bits.pos = w.pos + 8;
	/* A partition that ends within the header's last byte goes on with zeros. */
	br_init(&from, modes, start <= len * 8 ? len : start / 8 + 1);
	from.pos = start;
	bw_copy_rest(&bits, &from);
	bw_align(&bits, 0);
	*used = bits.pos / 8 + 2;
	ok = !bits.overrun && !w.overrun && *used < size;
	if (*used >= 1 << 19) {
		vpu2_complain(p->run, "the first partition has %zu bytes", *used);
		ok = false;
	}
out:
	free(modes);
	return ok;
}

static bool write_packet(struct picture *p)
{
	size_t first_max = (p->run->regs[VP8_DATA_VAL] & 0x3fffff) + 4096, first = 0, n;
	uint32_t parts = p->part_addr[p->n_partitions] - p->part_addr[0];
	uint8_t *part = malloc(first_max);

	p->packet = calloc(1, first_max + parts + 64);
	if (!p->packet || !part)
		abort();
	if (!write_first_partition(p, part, first_max, &first)) {
		free(part);
		return false;
	}
	n = write_tag(p->packet, &p->header, first);
	memcpy(p->packet + n, part, first);
	free(part);
	n += first;
	for (unsigned int i = 0; i + 1 < p->n_partitions; i++, n += 3)
		put_le(p->packet + n, 3, p->part_addr[i + 1] - p->part_addr[i]);
	p->size = n + parts;
	return bus_read(&p->run->bus, p->part_addr[0], p->packet + n, parts);
}

/* ---- blank frames -------------------------------------------------------- */

/* Intra macroblocks of segment 0 without residual. */
static void write_blank_mb(struct vp8_writer *w, const struct vp8_header *h)
{
	if (h->update_map) {
		vp8_write_bool(w, h->segment_probs[0], 0);
		vp8_write_bool(w, h->segment_probs[1], 0);
	}
	vp8_write_bool(w, h->prob_skip, 1);
	if (h->key) {
		/* DC_PRED in kf_ymode_tree and uv_mode_tree (11.2, 11.4) */
		vp8_write_bool(w, 145, 1);
		vp8_write_bool(w, 156, 0);
		vp8_write_bool(w, 163, 0);
		vp8_write_bool(w, 142, 0);
	} else {
		vp8_write_bool(w, h->prob_intra, 0);
		vp8_write_bool(w, h->y_mode_probs[0], 0);
		vp8_write_bool(w, h->uv_mode_probs[0], 0);
	}
}

/* Returns the frame, for references; NULL is an error. */
static AVFrame *decode_blank(struct picture *p, bool key, bool last, bool golden,
			     const struct vp8_probs *probs)
{
	struct vp8_header h = {
		.key = key, .mb_width = p->header.mb_width, .mb_height = p->header.mb_height,
		.update_map = key, .segment_probs = { 255, 255, 255 },
		.refresh_last = last, .refresh_golden = golden,
		.mb_skip = true, .prob_skip = 1, .prob_intra = 255,
		.prob_last = 128, .prob_golden = 128,
		.y_mode_probs = { 128, 128, 128, 128 }, .uv_mode_probs = { 128, 128, 128 },
		.probs = *probs, .refresh_probs = true,
		.base = key ? &vp8_default_probs : &p->state->probs,
	};
	size_t size = 4096 + (size_t)h.mb_width * h.mb_height, n;
	uint8_t *part = malloc(size), *packet = malloc(size + 64);
	AVFrame *frame = NULL;
	struct vp8_writer w;

	if (!part || !packet)
		abort();
	vp8_writer_init(&w, part, size);
	if (vp8_write_header(&w, &h, VP8_ANY_RANGE)) {
		for (unsigned int i = 0; i < h.mb_width * h.mb_height; i++)
			write_blank_mb(&w, &h);
		n = write_tag(packet, &h, w.pos / 8 + 2);
		memcpy(packet + n, part, w.pos / 8 + 2);
		n += w.pos / 8 + 2;
		memset(packet + n, 0, 16);
		if (!w.overrun && avdec_decode(p->state->dec, packet, n + 16))
			frame = av_frame_clone(avdec_picture(p->state->dec));
	}
	p->state->probs = *probs;
	if (!frame)
		vpu2_complain(p->run, "blank frame: %s", avdec_error(p->state->dec));
	free(part);
	free(packet);
	return frame;
}

static void set_ref(struct vp8_state *state, unsigned int i, AVFrame *frame)
{
	av_frame_free(&state->refs[i]);
	state->refs[i] = frame;
}

static bool decode_blank_key(struct picture *p)
{
	AVFrame *frame = decode_blank(p, true, true, true, &vp8_default_probs);

	if (!frame)
		return false;
	set_ref(p->state, 2, frame);
	p->state->separate = false;
	p->state->map_stamp = 0;
	return true;
}

static bool open_decoder(struct picture *p)
{
	struct vp8_state *state = p->state;
	const struct vp8_header *h = &p->header;

	if (state->dec && state->mb_width == h->mb_width && state->mb_height == h->mb_height)
		return true;
	state_reset(state);
	state->dec = avdec_open(AV_CODEC_ID_VP8);
	if (!state->dec) {
		vpu2_complain(p->run, "cannot open libavcodec's VP8 decoder");
		return false;
	}
	state->mb_width = h->mb_width;
	state->mb_height = h->mb_height;
	return decode_blank_key(p);
}

/* ---- decoding ------------------------------------------------------------ */

/*
 * The packet needs a header that ends with the right range.  What the stream's
 * own header left as it was, ours must be able to leave, too: where it is not,
 * libavcodec is given this frame's probabilities before.
 */
static bool make_packet(struct picture *p)
{
	struct vp8_state *state = p->state;
	AVFrame *frame;

	p->header.base = p->header.key ? &vp8_default_probs : &state->probs;
	if (write_packet(p))
		return true;
	if (p->run->bus.fault.hit)
		return false;
	if (!p->header.key && vp8_probs_can_follow(&p->header.probs, &state->probs)) {
		free(p->packet);
		p->packet = NULL;
		frame = decode_blank(p, false, false, false, &p->header.probs);
		av_frame_free(&frame);
		if (write_packet(p))
			return true;
	}
	vpu2_complain(p->run, "no header leads to the boolean decoder's range %u",
		      p->run->regs[VP8_CTRL0] & 255);
	return false;
}

/* Motion vectors' probabilities that cannot be coded are got back from a key frame. */
static bool reset_probs(struct picture *p)
{
	if (p->header.key || vp8_probs_can_follow(&p->header.probs, &p->state->probs))
		return true;
	if (p->state->map_stamp) {
		vpu2_complain(p->run, "cannot follow the probabilities and keep the segment map");
		return false;
	}
	return decode_blank_key(p);
}

static bool load_refs(struct picture *p)
{
	struct vp8_state *state = p->state;

	if (!state->separate) {
		set_ref(state, 0, decode_blank(p, false, true, false, &state->probs));
		set_ref(state, 1, decode_blank(p, false, false, true, &state->probs));
		if (!state->refs[0] || !state->refs[1])
			return false;
		state->separate = true;
	}
	for (unsigned int i = 0; i < N_REFS; i++) {
		uint32_t addr = p->run->regs[ref_regs[i]] & ~1u;

		if (addr == p->out)
			avdec_poison(state->refs[i]);
		else if (!avdec_load_nv12(state->refs[i], &p->run->bus, addr,
					  addr + p->uv_offset, p->stride,
					  p->header.mb_width * 16, p->header.mb_height * 16))
			return false;
	}
	return true;
}

static bool prepare(struct picture *p)
{
	uint32_t segment = p->run->regs[VP8_SEGMENT];

	if (!read_geometry(p) || !read_header(p) || !read_partitions(p) || !open_decoder(p))
		return false;
	/* The driver clears the map in memory before a key frame. */
	if (p->header.key && p->state->map_stamp && !decode_blank_key(p))
		return false;
	if (segment & VP8_SEGMENT_ENABLED && !p->header.update_map && !check_map(p))
		return false;
	return reset_probs(p) && (p->header.key || load_refs(p)) && make_packet(p);
}

static bool all_decoded(struct picture *p)
{
	for (unsigned int y = 0; y < p->header.mb_height; y++) {
		for (unsigned int x = 0; x < p->header.mb_width; x++) {
			if (!avdec_mb_is_untouched(p->state->dec, x, y))
				continue;
			vpu2_complain(p->run, "macroblock %u,%u is not in the stream", x, y);
			return false;
		}
	}
	return true;
}

static bool run_picture(struct picture *p)
{
	struct bus *bus = &p->run->bus;
	unsigned int width, height;
	AVFrame *frame;
	bool ok;

	if (!prepare(p))
		return false;
	width = p->header.mb_width * 16;
	height = p->header.mb_height * 16;
	/* After the references are read: an output may overwrite one. */
	if (!avdec_poison_nv12(bus, p->out, p->out + p->uv_offset, p->stride, width, height))
		return false;
	ok = avdec_decode(p->state->dec, p->packet, p->size);
	frame = avdec_picture(p->state->dec);
	if (!ok)
		vpu2_complain(p->run, "libavcodec: %s", avdec_error(p->state->dec));
	else
		ok = all_decoded(p);
	if (p->header.key && frame) {
		p->state->probs = vp8_default_probs;
		set_ref(p->state, 2, av_frame_clone(frame));
		p->state->separate = false;
	}
	if (p->header.update_map && !write_map(p))
		return false;
	/* What an error interrupts is written only in part. */
	if (p->run->job->inject_error)
		height = (height / 2) & ~15u;
	return (!frame || avdec_store_nv12(frame, bus, p->out, p->out + p->uv_offset, p->stride,
					   width, height)) && ok;
}

bool vpu2_vp8_run(struct vpu2_run *run)
{
	struct picture p = { .run = run };
	bool ok;

	p.state = hw_context_state(run->context, sizeof(struct vp8_state), state_free);
	ok = run_picture(&p);
	free(p.packet);
	return ok;
}
