// SPDX-License-Identifier: GPL-2.0
/*
 * rkvdec's HEVC mode.
 *
 * Layouts learnt from Linux 7.2, drivers/media/platform/rockchip/rkvdec:
 *  - registers: rkvdec-regs.h, rkvdec-hevc.c (config_registers): references at
 *    10 to 24, a mask of those in use in the low bits of the first four, their
 *    POCs at 25 to 39, the number of slice segments in the upper bits of 3;
 *  - SPS + PPS packet, 80 bytes, at RKVDEC_PPS_BASE + 80 * pps_id, the id from
 *    the slice header (assemble_hw_pps); scaling lists at an address in it;
 *  - RPS table, 32 bytes a slice segment, at RKVDEC_RPS_BASE (assemble_sw_rps):
 *    the reference lists as indices of the registers, and how many bits of RPS
 *    syntax are to be skipped in the slice header.
 *
 * The driver's comment and its REF_PIC_*_L1 macros disagree on where the list 1
 * entries from the fifth on are: the comment packs them behind a hole of 32 bits,
 * up to the low delay flag; the macros leave 20 or 25 bits out, and from the
 * twelfth on run into other fields.  The comment is followed here, with which
 * Rockchip's own library (MPP, hal_h265d_slice_output_rps) agrees: on a driver
 * with these macros B slices with more than four entries in list 1 are wrong.
 *
 * The stream is rewritten so that libavcodec follows the registers and tables
 * rather than a decoded picture buffer of its own:
 *  - parameter sets come from the packet alone, those in the stream are skipped;
 *  - every picture becomes a trailing picture with the POC of RKVDEC_CUR_POC;
 *  - the RPS in the slice header is written anew: all pictures that the model
 *    has, those in the slices' lists as "used by the current picture";
 *  - reference lists are spelt out from the RPS table, entry by entry;
 *  - each named reference is filled with the bytes at the address that the
 *    registers give.
 * Pictures that the registers do not name, and list entries with no picture
 * behind them, are poison.
 *
 * What libavcodec cannot be made to follow is the collocated picture's motion:
 * it uses what it decoded, silicon reads it from behind the picture.  So the
 * model writes a stamp there and slices with temporal motion vectors check it.
 * A reference that was never decoded in this context has no motion and no
 * POCs of its own here; naming one is an error interrupt.
 *
 * The parameter sets say the bit depth, and with it how samples are packed
 * (planes.h).
 *
 * Not modelled, refused with the error interrupt: other bit depths than 8 and
 * 10, other chroma formats than 4:2:0.
 */
#include <stdlib.h>
#include <string.h>

#include "avdec.h"
#include "hevc-syntax.h"
#include "planes.h"
#include "rkvdec.h"

#define MAX_SLICES		600	/* entries of the RPS table */
#define MAX_POC_STEP		32767

/* A reference picture of libavcodec's. */
struct pic {
	AVFrame *frame;		/* NULL: free */
	uint32_t addr;		/* where its picture was written; 0: nowhere */
	int32_t poc;		/* in the registers' terms */
	int64_t host_poc;	/* in the rewritten stream */
	uint64_t stamp;		/* of its motion vectors */
	bool named;		/* by the registers of the current job */
	bool poisoned;
};

struct hevc_state {
	struct avdec *dec;
	uint8_t sets[512];	/* VPS and SPS that dec was opened for */
	size_t sets_size;
	struct pic pics[HEVC_MAX_PICS];
	int64_t prev_poc;	/* in the rewritten stream */
	int64_t poc_offset;	/* from the registers' POCs to the stream's */
	uint64_t stamps;
	unsigned int errors_in_row;
};

struct nal {
	uint8_t *rbsp;		/* NAL header, then RBSP */
	size_t size;
	struct hevc_slice slice;
	struct hevc_rps rps;
};

struct ref {
	bool active;
	bool missing;		/* in use, but there is no picture */
	uint32_t addr;
	int32_t poc;
	struct pic *pic;
	bool used, long_term;	/* in a list of the current picture */
};

struct picture {
	struct rkvdec_run *run;
	struct hevc_state *state;
	struct nal *nals;
	unsigned int n_nals;
	struct hevc_ps ps;
	struct ref refs[HEVC_DPB_SIZE];
	struct pic *poison;	/* stands for list entries with no picture */
	int32_t poc;
	int64_t host_poc;
	bool repeated;		/* libavcodec may still have one of that POC */
	bool decoded;		/* libavcodec has begun and ended it */
	/* geometry */
	uint32_t out, stride, uv_offset, colmv_offset;
};

#define complain(p, ...)	rkvdec_complain((p)->run, __VA_ARGS__)

static void pic_drop(struct pic *pic)
{
	av_frame_free(&pic->frame);
	*pic = (struct pic){ 0 };
}

static void state_reset(struct hevc_state *state)
{
	avdec_close(state->dec);
	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++)
		pic_drop(&state->pics[k]);
	memset(state, 0, sizeof(*state));
}

static void state_free(void *data)
{
	state_reset(data);
	free(data);
}

/* ---- stream -------------------------------------------------------------- */

static void add_nal(struct picture *p, const uint8_t *data, size_t size)
{
	struct nal *nal = &p->nals[p->n_nals];

	if (size < 3 || data[0] >> 1 & 0x20 || data[0] & 0x80)
		return;			/* no slice segment */
	nal->rbsp = malloc(size);
	if (!nal->rbsp)
		abort();
	nal->size = nal_unescape(nal->rbsp, data, size);
	p->n_nals++;
}

/* As many slice segments as the registers say; behind them is padding. */
static bool split_stream(struct picture *p, const uint8_t *s, size_t size, unsigned int want)
{
	size_t start = 0;

	p->nals = calloc(want, sizeof(*p->nals));
	if (!p->nals)
		abort();
	for (size_t i = 0; i + 2 < size && p->n_nals < want; i++) {
		if (s[i] || s[i + 1] || s[i + 2] != 1)
			continue;
		if (start)
			add_nal(p, s + start, i - start);
		start = i + 3;
		i += 2;
	}
	if (start && p->n_nals < want)
		add_nal(p, s + start, size - start);
	if (p->n_nals < want)
		complain(p, "%u slice segments instead of %u in %zu bytes of stream", p->n_nals,
			 want, size);
	return p->n_nals == want;
}

static bool read_stream(struct picture *p)
{
	unsigned int want = p->run->regs[RKVDEC_PICPAR] >> 21;
	uint8_t *stream;
	size_t size;
	bool ok;

	if (!want || want > MAX_SLICES) {
		complain(p, "%u slice segments", want);
		return false;
	}
	stream = rkvdec_read_stream(p->run, &size);
	ok = stream && split_stream(p, stream, size, want);
	free(stream);
	return ok;
}

static const char *check_ps(const struct hevc_ps *ps)
{
	if (ps->chroma_format_idc != 1 || (ps->bit_depth_luma != 8 && ps->bit_depth_luma != 10) ||
	    ps->bit_depth_chroma != ps->bit_depth_luma)
		return "chroma format or bit depth is not modelled";
	if (ps->log2_min_cb < 3 || ps->log2_min_cb + ps->log2_diff_max_min_cb > 6 ||
	    ps->width < 8 || ps->height < 8 || ps->width & ((1u << ps->log2_min_cb) - 1) ||
	    ps->height & ((1u << ps->log2_min_cb) - 1))
		return "size or coding block size";
	if (ps->log2_min_tb < 2 || ps->log2_max_poc_lsb < 4 || ps->log2_max_poc_lsb > 16)
		return "transform block size or POC bits";
	if (!ps->num_tile_columns || ps->num_tile_columns > 20 || !ps->num_tile_rows ||
	    ps->num_tile_rows > 22)
		return "tiles";
	if (ps->log2_parallel_merge_level < 2)
		return "log2_parallel_merge_level";
	if (ps->pcm_enabled_flag && (!ps->pcm_depth_luma || !ps->pcm_depth_chroma ||
				     ps->log2_min_pcm_cb < 3))
		return "PCM sizes";
	return NULL;
}

static bool read_slices(struct picture *p)
{
	uint32_t packet[HEVC_PS_PACKET_WORDS], table[HEVC_RPS_WORDS];
	uint32_t id = hevc_peek_pps_id(p->nals[0].rbsp, p->nals[0].size);
	const char *error;

	if (id > 63) {
		complain(p, "slice_pic_parameter_set_id %u", id);
		return false;
	}
	if (!bus_read(&p->run->bus, (p->run->regs[RKVDEC_PPS_BASE] & ~15u) + id * sizeof(packet),
		      packet, sizeof(packet)))
		return false;
	hevc_ps_unpack(&p->ps, packet);
	error = p->ps.pps_id != id ? "it is another's" : check_ps(&p->ps);
	if (error) {
		complain(p, "parameters of pic_parameter_set_id %u: %s", id, error);
		return false;
	}
	for (unsigned int i = 0; i < p->n_nals; i++) {
		struct nal *nal = &p->nals[i];

		if (!bus_read(&p->run->bus, (p->run->regs[RKVDEC_RPS_BASE] & ~15u) +
			      i * sizeof(table), table, sizeof(table)))
			return false;
		hevc_rps_unpack(&nal->rps, table);
		error = hevc_parse_slice(&nal->slice, &p->ps, &nal->rps, nal->rbsp, nal->size);
		if (!error && nal->slice.pps_id != id)
			error = "slice_pic_parameter_set_id";
		if (error) {
			complain(p, "slice segment %u: bad %s", i, error);
			return false;
		}
	}
	return true;
}

/* ---- geometry ------------------------------------------------------------ */

static size_t colmv_size(const struct picture *p)
{
	return (size_t)((p->ps.width + 15) / 16) * ((p->ps.height + 15) / 16) *
	       RKVDEC_COLMV_BYTES_PER_MB;
}

static struct planes planes_at(const struct picture *p, uint32_t addr)
{
	return (struct planes){
		.y = addr, .uv = addr + p->uv_offset, .stride = p->stride,
		.width = p->ps.width, .height = p->ps.height,
		.depth = p->ps.bit_depth_luma, .chroma = p->ps.chroma_format_idc,
	};
}

static bool check_geometry(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	uint32_t yuv = RKVDEC_YUV_VIRSTRIDE_BYTES(r[RKVDEC_YUV_VIRSTRIDE]);
	uint32_t w = p->ps.width, h = p->ps.height;

	p->out = r[RKVDEC_DECOUT_BASE] & ~15u;
	p->stride = RKVDEC_Y_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]);
	p->uv_offset = RKVDEC_Y_VIRSTRIDE_BYTES(r[RKVDEC_Y_VIRSTRIDE]);
	p->colmv_offset = yuv;
	if (p->stride < planes_line_bytes(w, p->ps.bit_depth_luma) ||
	    p->stride != RKVDEC_UV_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]) ||
	    p->uv_offset < p->stride * h || yuv < p->uv_offset + p->stride * h / 2) {
		complain(p, "%ux%u does not fit strides %u/%u, planes at %u and %u", w, h, p->stride,
			 RKVDEC_UV_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]), p->uv_offset, yuv);
		return false;
	}
	if ((uint64_t)p->out + yuv + colmv_size(p) > 1ull << 32) {
		complain(p, "picture at %08x ends beyond the address space", p->out);
		return false;
	}
	return true;
}

/* Motion vectors are stood for by a stamp, repeated. */
static bool write_colmv(struct picture *p, uint64_t stamp)
{
	uint64_t line[RKVDEC_COLMV_BYTES_PER_MB / 8];

	for (unsigned int i = 0; i < ARRAY_SIZE(line); i++)
		line[i] = stamp;
	for (size_t i = 0; i < colmv_size(p); i += sizeof(line))
		if (!bus_write(&p->run->bus, p->out + p->colmv_offset + i, line, sizeof(line)))
			return false;
	return true;
}

/* Is the motion of a collocated picture still there?  One look a KiB. */
static bool check_colmv(struct picture *p, const struct ref *ref)
{
	uint64_t found;

	for (size_t i = 0; i < colmv_size(p); i += 1024) {
		if (!bus_read(&p->run->bus, ref->addr + p->colmv_offset + i, &found, 8))
			return false;
		if (found == ref->pic->stamp)
			continue;
		complain(p, "motion of the collocated picture at %08x is overwritten", ref->addr);
		return false;
	}
	return true;
}

/* ---- references ---------------------------------------------------------- */

static void read_refs(struct picture *p)
{
	const uint32_t *r = p->run->regs;

	for (unsigned int i = 0; i < HEVC_DPB_SIZE; i++) {
		uint32_t mask = r[RKVDEC_REF_BASE(i / 4)] & 15;

		p->refs[i] = (struct ref){
			.active = mask >> i % 4 & 1,
			.addr = RKVDEC_REF_ADDR(r[RKVDEC_REF_BASE(i)]),
			.poc = r[RKVDEC_HEVC_REF_POC(i)],
		};
		/* For a picture it does not have, the driver gives the output. */
		p->refs[i].missing = p->refs[i].addr == p->out;
	}
}

/* First by address and POC, then by POC: the bytes come from the address. */
static void match_refs(struct picture *p)
{
	struct pic *pics = p->state->pics;

	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++)
		pics[k].named = false;
	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < HEVC_DPB_SIZE; i++) {
			struct ref *ref = &p->refs[i];

			if (!ref->active || ref->missing || ref->pic)
				continue;
			for (unsigned int k = 0; k < HEVC_MAX_PICS && !ref->pic; k++) {
				struct pic *pic = &pics[k];

				if (!pic->frame || pic->poc != ref->poc ||
				    (pass ? pic->named : pic->addr != ref->addr))
					continue;
				ref->pic = pic;
				pic->named = true;
				if (pass)
					complain(p, "reference %u: POC %d is named at %08x, was written to %08x",
						 i, ref->poc, ref->addr, pic->addr);
			}
		}
	}
}

static struct ref *list_ref(struct picture *p, const struct nal *nal, unsigned int l,
			    unsigned int e)
{
	unsigned int idx = nal->rps.list[l][e].idx;
	struct ref *ref = idx < HEVC_DPB_SIZE ? &p->refs[idx] : NULL;

	return ref && ref->active && !ref->missing ? ref : NULL;
}

/* The picture that stands for a list entry with nothing behind it. */
static bool find_poison(struct picture *p)
{
	for (unsigned int k = 0; k < HEVC_MAX_PICS && !p->poison; k++)
		if (p->state->pics[k].frame && !p->state->pics[k].named)
			p->poison = &p->state->pics[k];
	return p->poison;
}

static bool resolve_entry(struct picture *p, unsigned int i, unsigned int l, unsigned int e)
{
	const struct nal *nal = &p->nals[i];
	struct ref *ref = list_ref(p, nal, l, e);

	if (!ref) {
		complain(p, "slice segment %u: list %u entry %u names no picture", i, l, e);
		return find_poison(p);
	}
	if (!ref->pic) {
		complain(p, "slice segment %u: reference at %08x, POC %d, was not decoded here",
			 i, ref->addr, ref->poc);
		return false;
	}
	ref->used = true;
	ref->long_term |= nal->rps.list[l][e].long_term;
	return true;
}

static bool resolve_lists(struct picture *p)
{
	for (unsigned int i = 0; i < p->n_nals; i++) {
		const struct hevc_slice *s = &p->nals[i].slice;

		for (unsigned int l = 0; l < 2; l++)
			for (unsigned int e = 0; e < s->num_ref_idx[l]; e++)
				if (!resolve_entry(p, i, l, e))
					return false;
		if (s->temporal_mvp && s->type != HEVC_I) {
			struct ref *ref = list_ref(p, &p->nals[i], !s->collocated_from_l0,
						   s->collocated_ref_idx);

			if (ref && !check_colmv(p, ref))
				return false;
		}
	}
	return true;
}

static bool load_refs(struct picture *p)
{
	for (unsigned int i = 0; i < HEVC_DPB_SIZE; i++) {
		struct ref *ref = &p->refs[i];
		struct planes planes = planes_at(p, ref->addr);

		if (!ref->pic)
			continue;
		ref->pic->poisoned = false;
		if (!planes_load(&planes, &p->run->bus, ref->pic->frame))
			return false;
	}
	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++) {
		struct pic *pic = &p->state->pics[k];

		if (!pic->frame || pic->named || pic->poisoned)
			continue;
		avdec_poison(pic->frame);
		pic->poisoned = true;
	}
	return true;
}

/* ---- POCs ---------------------------------------------------------------- */

/*
 * POCs of the rewritten stream never start again, as libavcodec would need an
 * IRAP picture for that.  Where the registers' do, they are shifted: at an IRAP
 * picture for which no picture is kept, whatever its type says.
 */
static bool choose_poc(struct picture *p)
{
	struct hevc_state *state = p->state;
	int64_t highest = state->prev_poc;
	bool any = false;

	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++) {
		any |= state->pics[k].named;
		if (state->pics[k].frame && state->pics[k].host_poc > highest)
			highest = state->pics[k].host_poc;
	}
	p->host_poc = p->poc + state->poc_offset;
	if (HEVC_IS_IDR(p->nals[0].slice.nal_unit_type) ||
	    (!any && HEVC_IS_IRAP(p->nals[0].slice.nal_unit_type)) ||
	    (!any && llabs(p->host_poc - state->prev_poc) > MAX_POC_STEP)) {
		for (unsigned int k = 0; k < HEVC_MAX_PICS; k++)
			if (!state->pics[k].named)
				pic_drop(&state->pics[k]);
		p->host_poc = highest + 1;
		state->poc_offset = p->host_poc - p->poc;
	}
	if (llabs(p->host_poc - state->prev_poc) > MAX_POC_STEP || llabs(p->host_poc) > INT32_MAX / 2) {
		complain(p, "POC %d is too far from the one before", p->poc);
		return false;
	}
	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++) {
		struct pic *pic = &state->pics[k];
		bool same = pic->frame && pic->host_poc == p->host_poc;
		bool far = pic->frame && llabs(pic->host_poc - p->host_poc) > MAX_POC_STEP;

		if (!same && !far)
			continue;
		if (pic->named) {
			complain(p, "reference with POC %d for a picture with POC %d", pic->poc, p->poc);
			return false;
		}
		p->repeated |= same;
		pic_drop(pic);
	}
	return true;
}

/* ---- decoding ------------------------------------------------------------ */

static bool open_decoder(struct picture *p)
{
	struct hevc_state *state = p->state;
	uint8_t sets[sizeof(state->sets)];
	size_t size = hevc_write_vps_sps(sets, sizeof(sets), &p->ps);

	if (state->dec && size == state->sets_size && !memcmp(sets, state->sets, size) &&
	    state->errors_in_row < 2)
		return true;
	state_reset(state);
	state->dec = avdec_open(AV_CODEC_ID_HEVC);
	if (!state->dec || !size) {
		complain(p, "cannot open libavcodec's HEVC decoder");
		return false;
	}
	memcpy(state->sets, sets, size);
	state->sets_size = size;
	return true;
}

static unsigned int pic_index(const struct picture *p, const struct pic *pic)
{
	unsigned int n = 0;

	for (const struct pic *k = p->state->pics; k < pic; k++)
		n += k->frame != NULL;
	return n;
}

/* What libavcodec has to know of references; the lists are each slice's own. */
static void describe_pics(const struct picture *p, struct hevc_slice_out *out)
{
	*out = (struct hevc_slice_out){ .poc = p->host_poc };
	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++) {
		const struct pic *pic = &p->state->pics[k];

		if (!pic->frame)
			continue;
		out->pics[out->n_pics].poc = pic->host_poc;
		out->pics[out->n_pics].used = pic == p->poison;
		out->n_pics++;
	}
	for (unsigned int i = 0; i < HEVC_DPB_SIZE; i++) {
		const struct ref *ref = &p->refs[i];

		if (!ref->used)
			continue;
		out->pics[pic_index(p, ref->pic)].used = true;
		out->pics[pic_index(p, ref->pic)].long_term |= ref->long_term;
	}
}

static void describe_lists(struct picture *p, const struct nal *nal, struct hevc_slice_out *out)
{
	for (unsigned int l = 0; l < 2; l++) {
		for (unsigned int e = 0; e < nal->slice.num_ref_idx[l]; e++) {
			const struct ref *ref = list_ref(p, nal, l, e);

			out->list[l][e] = pic_index(p, ref ? ref->pic : p->poison);
		}
	}
}

static size_t write_parameter_sets(struct picture *p, uint8_t *au, size_t size)
{
	struct hevc_scaling scaling = { 0 };
	size_t n = p->state->sets_size, pps;

	memcpy(au, p->state->sets, n);
	if (p->ps.scaling_list_enabled_flag &&
	    !bus_read(&p->run->bus, p->ps.scaling_list_address, &scaling, sizeof(scaling)))
		return 0;
	pps = hevc_write_pps(au + n, size - n, &p->ps,
			     p->ps.scaling_list_enabled_flag ? &scaling : NULL);
	if (!pps)
		complain(p, "picture parameter set %u too big", p->ps.pps_id);
	return pps ? n + pps : 0;
}

static bool decode_as(struct picture *p, int64_t poc)
{
	size_t size = 2 * HEVC_PS_MAX_BYTES, n;
	struct hevc_slice_out out;
	uint8_t *au;
	bool ok = false;

	for (unsigned int i = 0; i < p->n_nals; i++)
		size += (p->nals[i].size + 1024) * 3 / 2 + 8;
	au = malloc(size);
	if (!au)
		abort();
	describe_pics(p, &out);
	out.poc = poc;
	n = write_parameter_sets(p, au, size);
	for (unsigned int i = 0; n && i < p->n_nals; i++) {
		const struct nal *nal = &p->nals[i];
		size_t slice;

		describe_lists(p, nal, &out);
		slice = hevc_rewrite_slice(au + n, size - n, &p->ps, &nal->rps, &out, nal->rbsp,
					   nal->size);
		if (!slice)
			complain(p, "slice segment %u does not fit", i);
		n = slice ? n + slice : 0;
	}
	if (n) {
		ok = avdec_decode(p->state->dec, au, n);
		p->decoded = avdec_picture(p->state->dec);
	}
	free(au);
	return ok;
}

static bool decode_au(struct picture *p)
{
	int64_t highest = p->host_poc;

	/*
	 * libavcodec takes no POC that one of its pictures still has.  It forgets
	 * that one with the RPS of a picture before: the same under another POC.
	 */
	for (unsigned int k = 0; p->repeated && k < HEVC_MAX_PICS; k++)
		if (p->state->pics[k].frame && p->state->pics[k].host_poc > highest)
			highest = p->state->pics[k].host_poc;
	if (p->repeated)
		decode_as(p, highest + 1);
	if (decode_as(p, p->host_poc))
		return true;
	complain(p, "libavcodec: %s", avdec_error(p->state->dec));
	return false;
}

static bool all_decoded(struct picture *p)
{
	for (unsigned int y = 0; y < p->ps.height / 16; y++) {
		for (unsigned int x = 0; x < p->ps.width / 16; x++) {
			if (!avdec_mb_is_untouched(p->state->dec, x, y))
				continue;
			complain(p, "samples at %u,%u are not in the stream", x * 16, y * 16);
			return false;
		}
	}
	return true;
}

/* Room for the current picture among those kept: the one unnamed the longest goes. */
static struct pic *make_room(struct hevc_state *state)
{
	struct pic *oldest = NULL;

	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++) {
		struct pic *pic = &state->pics[k];

		if (!pic->frame)
			return pic;
		if (!oldest || (oldest->named && !pic->named) ||
		    (oldest->named == pic->named && pic->stamp >> 32 < oldest->stamp >> 32))
			oldest = pic;
	}
	pic_drop(oldest);
	return oldest;
}

static void commit(struct picture *p, uint64_t stamp)
{
	struct hevc_state *state = p->state;
	struct pic *cur;

	/* Nothing written before is at this address any more. */
	for (unsigned int k = 0; k < HEVC_MAX_PICS; k++)
		if (state->pics[k].frame && state->pics[k].addr == p->out)
			state->pics[k].addr = 0;
	state->prev_poc = p->host_poc;
	cur = make_room(state);
	*cur = (struct pic){
		.frame = av_frame_clone(avdec_picture(state->dec)),
		.addr = p->out, .poc = p->poc, .host_poc = p->host_poc, .stamp = stamp,
	};
	if (!cur->frame)
		abort();
}

static uint32_t run_picture(struct picture *p)
{
	struct bus *bus = &p->run->bus;
	uint32_t status = RKVDEC_RDY_STA;
	struct planes planes;
	uint64_t stamp;

	if (!read_stream(p) || !read_slices(p) || !check_geometry(p) || !open_decoder(p))
		return RKVDEC_ERR_STA;
	p->poc = p->run->regs[RKVDEC_CUR_POC];
	planes = planes_at(p, p->out);
	stamp = ++p->state->stamps << 32 | p->out | 1;
	read_refs(p);
	match_refs(p);
	if (!choose_poc(p) || !resolve_lists(p) || !load_refs(p))
		return RKVDEC_ERR_STA;
	/* After the references are read: an output may overwrite one. */
	if (!planes_poison(&planes, bus) ||
	    !bus_probe(bus, p->out + p->colmv_offset, colmv_size(p), true))
		return RKVDEC_ERR_STA;
	if (!decode_au(p))
		status = RKVDEC_ERR_STA;
	if (!p->decoded)
		return RKVDEC_ERR_STA;
	if (status == RKVDEC_RDY_STA && !all_decoded(p))
		status = RKVDEC_ERR_STA | RKVDEC_BUF_EMPTY_STA;
	commit(p, stamp);
	/* What an error interrupts is written only in part. */
	if (p->run->job->inject_error)
		planes.height = (planes.height / 2) & ~15u;
	if (!write_colmv(p, stamp) ||
	    !planes_store(&planes, bus, avdec_picture(p->state->dec)))
		return RKVDEC_ERR_STA;
	return status;
}

uint32_t rkvdec_hevc_run(struct rkvdec_run *run)
{
	struct picture p = { .run = run };
	uint32_t status;

	p.state = hw_context_state(run->context, sizeof(struct hevc_state), state_free);
	status = run_picture(&p);
	p.state->errors_in_row = status & RKVDEC_RDY_STA ? 0 : p.state->errors_in_row + 1;
	for (unsigned int i = 0; i < p.n_nals; i++)
		free(p.nals[i].rbsp);
	free(p.nals);
	return status;
}
