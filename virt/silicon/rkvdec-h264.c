// SPDX-License-Identifier: GPL-2.0
/*
 * rkvdec's H.264 mode.
 *
 * Layouts learnt from Linux 7.2, drivers/media/platform/rockchip/rkvdec:
 *  - registers: rkvdec-regs.h, rkvdec-h264.c (config_registers);
 *  - SPS + PPS packet, 32 bytes, at RKVDEC_PPS_BASE + 32 * pps_id, the id from
 *    the slice header: rkvdec-h264.c (assemble_hw_pps);
 *  - RPS table (FrameNumWrap or LongTermFrameIdx of the 16 references, initial
 *    lists P, B0, B1) and scaling lists: rkvdec-h264-common.[ch];
 *  - motion vectors behind the picture: rkvdec.c (rkvdec_colmv_size).
 *
 * The stream is rewritten so that libavcodec follows the registers and tables
 * rather than a decoded picture buffer of its own:
 *  - parameter sets come from the packet alone, those in the stream are skipped;
 *  - the POCs in the slice headers are those of RKVDEC_CUR_POC / CUR_POC1;
 *  - reference lists are built as silicon does, from the RPS table and the
 *    slice's modifications, and written out entry by entry;
 *  - frame_num is the model's own count, and marking only removes what the
 *    registers no longer name, so gaps and sliding windows do not matter;
 *  - each named reference is a picture of libavcodec's with the POCs and the
 *    long-term flag that the registers give, filled with the bytes found at the
 *    address that they give.  If there is none (never decoded here, or with
 *    other POCs), a blank picture is decoded to take those bytes.
 * Pictures that the registers do not name, and list entries with no picture
 * behind them, are poison.
 *
 * What libavcodec cannot be made to follow is the co-located picture's motion:
 * it uses what it decoded, silicon reads it from behind the picture.  So the
 * model writes a stamp there and B slices check it; a stamp overwritten, or a
 * picture that has no motion here, is an error interrupt.
 *
 * The parameter sets say the bit depth and the chroma format, and with them how
 * samples are packed (planes.h).  Of monochrome the driver puts the motion
 * vectors right behind the luma plane (RKVDEC_YUV_VIRSTRIDE): nothing is written
 * as chroma then, and what the picture format has there are motion vectors.
 *
 * Fields: libavcodec has frames, of which it decodes one field or the other.  A
 * field is the second one of a frame when it is written to the same place right
 * after one of the other parity; silicon does not care.  Only its lines are
 * written, and of a reference only the fields that the registers name are read:
 * the others are poison.  A field in the initial lists that its register does
 * not name is a missing one.  What libavcodec cannot be told of fields:
 *  - that one of a frame is a long-term reference and the other is not; nor can
 *    the registers;
 *  - a pair of which only the first field is a reference: it takes the other
 *    for one, too, but nothing comes of that unless registers name it;
 *  - a reference frame of two fields that it did not decode as a pair: it is a
 *    picture not decoded here, and without motion;
 *  - that the co-located picture of a second field is the first one: it asks its
 *    own, not yet written macroblock whether that is a field's.  Macroblocks in
 *    direct mode may get other motion vectors then than silicon would give them.
 *
 * Not modelled, refused with the error interrupt: other bit depths than 8 and
 * 10, 4:4:4.
 */
#include <stdlib.h>
#include <string.h>

#include "rkvdec-h264.h"

#define MAX_SLICES		8192
#define HOST_PPS_ID		255

static void state_reset(struct h264_state *state)
{
	avdec_close(state->dec);
	for (unsigned int i = 0; i < PICS; i++)
		h264_pic_drop(&state->pics[i]);
	memset(state, 0, sizeof(*state));
}

static void state_free(void *data)
{
	state_reset(data);
	free(data);
}

/* ---- stream -------------------------------------------------------------- */

static bool add_nal(struct picture *p, const uint8_t *data, size_t size)
{
	unsigned int type;

	while (size && !data[size - 1])
		size--;			/* trailing_zero_8bits */
	if (size < 2)
		return true;
	type = data[0] & 31;
	if (type != H264_NAL_SLICE && type != H264_NAL_IDR_SLICE)
		return true;
	if (p->n_slices == MAX_SLICES) {
		complain(p, "more than %u slices", MAX_SLICES);
		return false;
	}
	if (!(p->n_slices & (p->n_slices - 1))) {
		size_t n = p->n_slices ? 2 * p->n_slices : 1;
		struct nal *nals = realloc(p->nals, n * sizeof(*nals));

		if (!nals)
			abort();
		p->nals = nals;
	}
	p->nals[p->n_slices].rbsp = malloc(size);
	if (!p->nals[p->n_slices].rbsp)
		abort();
	p->nals[p->n_slices].size = nal_unescape(p->nals[p->n_slices].rbsp, data, size);
	p->n_slices++;
	return true;
}

static bool split_stream(struct picture *p, size_t size)
{
	const uint8_t *s = p->stream;
	size_t start = 0;

	for (size_t i = 0; i + 2 < size; i++) {
		if (s[i] || s[i + 1] || s[i + 2] != 1)
			continue;
		if (start && !add_nal(p, s + start, i - start))
			return false;
		start = i + 3;
		i += 2;
	}
	if (start && !add_nal(p, s + start, size - start))
		return false;
	if (!p->n_slices)
		complain(p, "no slice in %zu bytes of stream", size);
	return p->n_slices;
}

static bool read_stream(struct picture *p)
{
	size_t size;

	p->stream = rkvdec_read_stream(p->run, &size);
	return p->stream && split_stream(p, size);
}

static bool read_slices(struct picture *p)
{
	uint32_t base = p->run->regs[RKVDEC_PPS_BASE] & ~15u;

	p->slices = calloc(p->n_slices, sizeof(*p->slices));
	p->ps = calloc(p->n_slices, sizeof(*p->ps));
	if (!p->slices || !p->ps)
		abort();
	for (unsigned int i = 0; i < p->n_slices; i++) {
		const struct nal *nal = &p->nals[i];
		uint32_t id = h264_peek_pps_id(nal->rbsp, nal->size);
		uint32_t packet[H264_PS_PACKET_WORDS];
		const char *error;

		if (id > 255) {
			complain(p, "slice %u: pic_parameter_set_id %u", i, id);
			return false;
		}
		if (!bus_read(&p->run->bus, base + id * sizeof(packet), packet, sizeof(packet)))
			return false;
		h264_ps_unpack(&p->ps[i], packet);
		if (p->ps[i].pps_id != id || !p->ps[i].width_in_mbs ||
		    !p->ps[i].height_in_map_units) {
			complain(p, "slice %u: no packet for pic_parameter_set_id %u", i, id);
			return false;
		}
		error = h264_parse_slice(&p->slices[i], &p->ps[i], nal->rbsp, nal->size);
		if (error) {
			complain(p, "slice %u: bad %s", i, error);
			return false;
		}
	}
	return true;
}

/* ---- geometry ------------------------------------------------------------ */

/* The lines of a picture: every other one for a field. */
static struct planes planes_at(const struct picture *p, uint32_t addr, uint8_t structure)
{
	uint32_t first = addr + (structure == BOTTOM_FIELD ? p->stride : 0);

	return (struct planes){
		.y = first, .uv = first + p->uv_offset,
		.stride = p->stride << (structure != FRAME),
		.width = p->mb_width * 16, .height = p->mb_height * (structure == FRAME ? 16 : 8),
		.depth = p->ps->bit_depth_luma_minus8 + 8, .chroma = p->ps->chroma_format_idc,
	};
}

static bool check_geometry(struct picture *p)
{
	const struct h264_ps *ps = p->ps;
	const uint32_t *r = p->run->regs;
	uint32_t yuv = RKVDEC_YUV_VIRSTRIDE_BYTES(r[RKVDEC_YUV_VIRSTRIDE]);
	unsigned int depth = ps->bit_depth_luma_minus8 + 8;
	uint64_t end;

	if (ps->chroma_format_idc > 2 || (depth != 8 && depth != 10) ||
	    ps->bit_depth_chroma_minus8 != ps->bit_depth_luma_minus8) {
		complain(p, "chroma_format_idc %u, bit depth %u/%u: not modelled",
			 ps->chroma_format_idc, ps->bit_depth_luma_minus8 + 8,
			 ps->bit_depth_chroma_minus8 + 8);
		return false;
	}
	p->structure = !p->slices->field_pic_flag ? FRAME :
		       p->slices->bottom_field_flag ? BOTTOM_FIELD : TOP_FIELD;
	for (unsigned int i = 1; i < p->n_slices; i++) {
		if (p->slices[i].field_pic_flag != p->slices->field_pic_flag ||
		    p->slices[i].bottom_field_flag != p->slices->bottom_field_flag) {
			complain(p, "slice %u is of another picture", i);
			return false;
		}
	}
	p->mb_width = ps->width_in_mbs;
	p->mb_height = ps->height_in_map_units * (2 - ps->frame_mbs_only_flag);
	p->out = r[RKVDEC_DECOUT_BASE] & ~15u;
	p->stride = RKVDEC_Y_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]);
	p->uv_offset = RKVDEC_Y_VIRSTRIDE_BYTES(r[RKVDEC_Y_VIRSTRIDE]);
	p->colmv_offset = yuv;
	if (p->mb_width > 256 || p->mb_height > 256 ||
	    p->stride < planes_line_bytes(p->mb_width * 16, depth) ||
	    p->stride != RKVDEC_UV_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]) ||
	    p->uv_offset < p->stride * p->mb_height * 16 ||
	    yuv < p->uv_offset + p->stride * planes_chroma_lines(p->mb_height * 16,
								 ps->chroma_format_idc)) {
		complain(p, "%ux%u macroblocks do not fit strides %u/%u, planes at %u and %u",
			 p->mb_width, p->mb_height, p->stride,
			 RKVDEC_UV_HOR_VIRSTRIDE(r[RKVDEC_PICPAR]), p->uv_offset, yuv);
		return false;
	}
	end = (uint64_t)p->out + yuv +
	      (uint64_t)p->mb_width * p->mb_height * RKVDEC_COLMV_BYTES_PER_MB;
	if (end > 1ull << 32) {
		complain(p, "picture at %08x ends beyond the address space", p->out);
		return false;
	}
	return true;
}

size_t h264_colmv_size(const struct picture *p)
{
	return (size_t)p->mb_width * p->mb_height * RKVDEC_COLMV_BYTES_PER_MB;
}

/* The top field's half comes first; nobody has documented how silicon lays fields out. */
static void colmv_range(const struct picture *p, uint8_t fields, size_t *start, size_t *end)
{
	size_t half = h264_colmv_size(p) / 2;

	*start = fields & TOP_FIELD ? 0 : half;
	*end = fields & BOTTOM_FIELD ? 2 * half : half;
}

/* Motion vectors are stood for by a stamp, repeated. */
static bool write_colmv(struct picture *p, uint64_t stamp)
{
	uint64_t line[RKVDEC_COLMV_BYTES_PER_MB / 8];
	uint32_t addr = p->out + p->colmv_offset;
	size_t start, end;

	for (unsigned int i = 0; i < ARRAY_SIZE(line); i++)
		line[i] = stamp;
	colmv_range(p, p->structure, &start, &end);
	for (size_t i = start; i < end; i += sizeof(line))
		if (!bus_write(&p->run->bus, addr + i, line, sizeof(line)))
			return false;
	return true;
}

/* Is the motion of a co-located picture still there?  One look a KiB. */
bool h264_check_colmv(struct picture *p, const struct ref *ref, uint8_t fields)
{
	size_t half = h264_colmv_size(p) / 2, start, end;
	uint64_t found;

	colmv_range(p, fields, &start, &end);
	for (size_t i = start; i < end; i += 1024) {
		bool known = false;

		if (!bus_read(&p->run->bus, ref->addr + p->colmv_offset + i, &found, 8))
			return false;
		if (found == ref->pic->stamp[i >= half])
			continue;
		for (unsigned int k = 0; k < PICS; k++)
			known |= found && (p->state->pics[k].stamp[0] == found ||
					   p->state->pics[k].stamp[1] == found);
		complain(p, "motion of the co-located picture at %08x is %s", ref->addr,
			 known ? "another picture's" : "overwritten");
		return known;
	}
	return true;
}

/* ---- blank pictures ------------------------------------------------------ */

/*
 * slice_data() of a picture whose macroblocks are all Intra_16x16, DC
 * prediction, no residual: mb_type 3, intra_chroma_pred_mode 0 (if there is
 * chroma), mb_qp_delta 0, no coefficients in the DC block.
 */
static void write_blank_mbs(struct bit_writer *w, const struct h264_ps *ps,
			    unsigned int n_mbs)
{
	bool pairs = !ps->frame_mbs_only_flag && ps->mb_adaptive_frame_field_flag;

	for (unsigned int i = 0; i < n_mbs; i++) {
		if (pairs && !(i & 1))
			bw_u(w, 1, 0);	/* mb_field_decoding_flag */
		bw_u(w, 5, 4);
		if (ps->chroma_format_idc)
			bw_u(w, 1, 1);
		bw_u(w, 2, 3);
	}
	bw_trailing(w);
}

static bool decode_blank(struct picture *p, const struct h264_slice *slice,
			 const struct h264_slice_out *out)
{
	struct h264_state *state = p->state;
	struct h264_ps ps = p->ps[0];
	unsigned int n_mbs = p->mb_width * p->mb_height;
	size_t rbsp_size = n_mbs * 2 + 512, size = rbsp_size * 2 + 1024, n, pps;
	uint8_t *rbsp = malloc(rbsp_size), *au = malloc(size);
	struct bit_writer w;
	bool ok = false;

	if (!rbsp || !au)
		abort();
	ps.pps_id = slice->pps_id;
	ps.entropy_coding_mode_flag = 0;
	ps.deblocking_filter_control_present_flag = 1;
	ps.redundant_pic_cnt_present_flag = 0;
	ps.transform_8x8_mode_flag = 0;
	ps.scaling_list_enable_flag = 0;
	bw_init(&w, rbsp, rbsp_size);
	h264_write_slice_start(&w, slice, &ps, out, NULL, 0);
	bw_se(&w, 0);			/* slice_qp_delta */
	bw_ue(&w, 1);			/* disable_deblocking_filter_idc */
	write_blank_mbs(&w, &ps, n_mbs);

	memcpy(au, state->sps, state->sps_size);
	n = state->sps_size;
	pps = h264_write_pps(au + n, size - n, &ps, NULL);
	n += pps;
	if (pps && !w.overrun) {
		n += nal_write(au + n, size - n, rbsp, w.pos / 8);
		ok = avdec_decode(state->dec, au, n);
	}
	if (!ok)
		complain(p, "blank picture: %s", avdec_error(state->dec));
	free(rbsp);
	free(au);
	return ok;
}

/* A picture in libavcodec's DPB, to be filled with other bytes. */
struct pic *h264_add_blank(struct picture *p, bool idr, const int32_t poc[2],
			     bool long_term)
{
	struct h264_state *state = p->state;
	struct h264_slice slice = {
		.nal_unit_type = idr ? H264_NAL_IDR_SLICE : H264_NAL_SLICE,
		.nal_ref_idc = 1, .slice_type = H264_I, .pps_id = HOST_PPS_ID,
		.long_term_reference_flag = idr && long_term,
	};
	struct h264_slice_out out = {
		.frame_num = idr ? 0 : (state->prev_ref_frame_num + 1) & (MAX_FRAME_NUM - 1),
		.poc = { wrap_add(poc[0], state->poc_offset),
			 wrap_add(poc[1], state->poc_offset) },
	};
	int32_t long_idx = h264_free_long_idx(state);
	struct pic *pic;

	/* No field is paired over it. */
	memset(&state->first, 0, sizeof(state->first));
	p->second = false;
	if (h264_count_pics(state) >= H264_DPB_SIZE) {
		pic = h264_find_unnamed(state);
		if (!pic)
			return NULL;
		out.mmcos[out.n_mmcos++] = h264_mmco_remove(pic, out.frame_num);
		h264_pic_drop(pic);
	}
	if (long_term && !idr)
		out.mmcos[out.n_mmcos++] = (struct h264_mmco){
			.op = 6, .long_term_frame_idx = long_idx,
		};
	pic = h264_find_free(state);
	if (!pic || (long_term && long_idx < 0) || !decode_blank(p, &slice, &out))
		return NULL;
	*pic = (struct pic){
		.frame = av_frame_clone(avdec_picture(state->dec)),
		.fields = FRAME,
		.poc = { poc[0], poc[1] },
		.frame_num = out.frame_num,
		.long_term = long_term,
		.long_idx = long_term ? long_idx : 0,
	};
	state->prev_ref_frame_num = out.frame_num;
	return pic;
}

static bool host_refs(struct picture *p)
{
	for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
		struct ref *ref = &p->refs[i];

		if (!ref->active || ref->missing || ref->pic)
			continue;
		complain(p, "reference %u at %08x, POC %d/%d%s: not decoded here, takes the memory's bytes",
			 i, ref->addr, ref->poc[0], ref->poc[1],
			 ref->long_term ? ", long-term" : "");
		ref->pic = h264_add_blank(p, false, ref->poc, ref->long_term);
		if (!ref->pic) {
			complain(p, "no room for reference %u", i);
			return false;
		}
		ref->pic->named = ref->fields;
		ref->pic->addr = ref->addr;
	}
	return true;
}

AVFrame h264_field_of(const AVFrame *frame, uint8_t field)
{
	AVFrame view = *frame;

	for (unsigned int i = 0; i < 3; i++) {
		if (field == BOTTOM_FIELD)
			view.data[i] += view.linesize[i];
		view.linesize[i] *= 2;
	}
	view.height = (view.height + (field == TOP_FIELD)) / 2;
	return view;
}

static bool load_field(struct picture *p, const struct ref *ref, uint8_t field)
{
	AVFrame view = h264_field_of(ref->pic->frame, field);
	struct planes planes = planes_at(p, ref->addr, field);

	ref->pic->poisoned &= ~field;
	return planes_load(&planes, &p->run->bus, &view);
}

/* What the registers do not name of a frame. */
static void poison_unnamed(struct picture *p, struct pic *pic)
{
	for (uint8_t field = TOP_FIELD; field <= BOTTOM_FIELD; field++) {
		AVFrame view;

		if ((pic->named | pic->poisoned) & field)
			continue;
		/* That is what is being decoded. */
		if (p->second && pic == p->state->first.pic && field == p->structure)
			continue;
		view = h264_field_of(pic->frame, field);
		avdec_poison(&view);
		pic->poisoned |= field;
	}
}

static bool load_refs(struct picture *p)
{
	for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
		struct ref *ref = &p->refs[i];

		for (uint8_t field = TOP_FIELD; field <= BOTTOM_FIELD; field++)
			if (ref->pic && ref->fields & field && !load_field(p, ref, field))
				return false;
	}
	for (unsigned int k = 0; k < PICS; k++)
		if (p->state->pics[k].frame)
			poison_unnamed(p, &p->state->pics[k]);
	return true;
}

/* ---- decoding ------------------------------------------------------------ */

static bool open_decoder(struct picture *p)
{
	struct h264_state *state = p->state;
	static const int32_t zero[2];
	uint8_t sps[sizeof(state->sps)];
	size_t size = h264_write_sps(sps, sizeof(sps), p->ps);

	if (state->dec && size == state->sps_size && !memcmp(sps, state->sps, size) &&
	    state->errors_in_row < 2)
		return true;
	state_reset(state);
	state->dec = avdec_open(AV_CODEC_ID_H264);
	if (!state->dec || !size) {
		complain(p, "cannot open libavcodec's H.264 decoder");
		return false;
	}
	memcpy(state->sps, sps, size);
	state->sps_size = size;
	debug(p, "profile %u, %ux%u macroblocks", p->ps->profile_idc, p->mb_width,
	      p->mb_height);
	/*
	 * An IDR picture first, so that libavcodec takes any picture from then
	 * on as recovered and does not paint it black before decoding.
	 */
	return h264_add_blank(p, true, zero, false);
}

static bool write_parameter_sets(struct picture *p, uint8_t *au, size_t size,
				 size_t *used)
{
	size_t n = p->state->sps_size;

	memcpy(au, p->state->sps, n);
	for (unsigned int i = 0; i < p->n_slices; i++) {
		const struct h264_ps *ps = &p->ps[i];
		struct h264_scaling scaling = { 0 };
		size_t pps;

		if (i && ps->pps_id == ps[-1].pps_id)
			continue;
		if (ps->scaling_list_enable_flag &&
		    !bus_read(&p->run->bus, ps->scaling_list_address, &scaling, sizeof(scaling)))
			return false;
		pps = h264_write_pps(au + n, size - n, ps, &scaling);
		if (!pps) {
			complain(p, "picture parameter set %u too big", ps->pps_id);
			return false;
		}
		n += pps;
	}
	*used = n;
	return true;
}

static void fill_out(const struct picture *p, unsigned int i, struct h264_slice_out *out,
		     struct list_entry lists[2][H264_MAX_LIST])
{
	const struct h264_slice *s = &p->slices[i];

	*out = (struct h264_slice_out){
		.frame_num = p->frame_num,
		.poc = { wrap_add(p->poc[0], p->state->poc_offset),
			 wrap_add(p->poc[1], p->state->poc_offset) },
		.n_mmcos = p->n_mmcos,
	};
	if (s->nal_unit_type == H264_NAL_IDR_SLICE)
		memcpy(out->poc, p->poc, sizeof(out->poc));
	memcpy(out->mmcos, p->mmcos, sizeof(out->mmcos));
	for (unsigned int l = 0; l < 2; l++)
		h264_spell_list(p, lists[l], s->num_ref_idx_active[l], out, l);
}

#define MAX_ALIGNED_PPS		8

/*
 * I_PCM samples of CAVLC slices start at whole bytes, counted from where the
 * source's slice data starts: it has to start at the same bit of a byte here.
 * What makes up for the difference is an identifier of the length needed and
 * redundant_pic_cnt, which is 0 and one bit long.
 */
static void align_slices(struct picture *p, struct list_entry (*lists)[2][H264_MAX_LIST])
{
	uint32_t sources[MAX_ALIGNED_PPS];
	unsigned int n_sources = 0, k;

	for (unsigned int i = 0; i < p->n_slices; i++) {
		for (k = 0; k < n_sources && sources[k] != p->ps[i].pps_id; k++)
			;
		if (k == MAX_ALIGNED_PPS || p->ps[i].entropy_coding_mode_flag ||
		    p->slices[i].redundant_pic_cnt)
			return;
		if (k == n_sources)
			sources[n_sources++] = p->ps[i].pps_id;
	}
	for (unsigned int i = 0; i < p->n_slices; i++) {
		struct h264_slice *s = &p->slices[i];
		struct h264_ps *ps = &p->ps[i];
		struct h264_slice_out out;
		struct bit_writer w;
		uint8_t header[2048];
		unsigned int pad;

		for (k = 0; sources[k] != ps->pps_id; k++)
			;
		s->pps_id = 15;
		ps->redundant_pic_cnt_present_flag = 0;
		fill_out(p, i, &out, lists[i]);
		memset(header, 0, sizeof(header));
		bw_init(&w, header, sizeof(header));
		h264_write_slice_start(&w, s, ps, &out, p->nals[i].rbsp, p->nals[i].size);
		pad = (s->tail_start - w.pos) & 7;
		ps->redundant_pic_cnt_present_flag = pad & 1;
		/* 15 to 30 take 9 bits, 31 to 62 take 11, and so on */
		s->pps_id = (16u << pad / 2) - 1 + 2 * k + (pad & 1);
		ps->pps_id = s->pps_id;
	}
}

static size_t write_slice(struct picture *p, unsigned int i, uint8_t *au, size_t size,
			  struct list_entry lists[2][H264_MAX_LIST])
{
	const struct h264_slice *s = &p->slices[i];
	const struct nal *nal = &p->nals[i];
	size_t rbsp_size = nal->size + 1024, n;
	uint8_t *rbsp = calloc(1, rbsp_size);
	struct h264_slice_out out;
	struct bit_writer w;

	if (!rbsp)
		abort();
	fill_out(p, i, &out, lists);
	bw_init(&w, rbsp, rbsp_size);
	h264_write_slice_start(&w, s, &p->ps[i], &out, nal->rbsp, nal->size);
	h264_write_slice_rest(&w, s, &p->ps[i], nal->rbsp, nal->size);
	n = w.overrun ? 0 : nal_write(au, size, rbsp, w.pos / 8);
	if (!n)
		complain(p, "slice %u does not fit", i);
	free(rbsp);
	return n;
}

/*
 * The second field of a frame goes to the same output right after the first
 * one.  libavcodec wants both or neither to be references; here it makes no
 * difference, as nothing follows from it but what later registers name.
 */
static void find_first_field(struct picture *p)
{
	const struct h264_slice *s = p->slices;

	p->second = p->structure != FRAME && p->state->first.addr == p->out &&
		    p->state->first.structure == (FRAME ^ p->structure) &&
		    s->nal_unit_type != H264_NAL_IDR_SLICE &&
		    (!s->nal_ref_idc || p->state->first.pic);
	for (unsigned int i = 0; p->second && p->state->first.pic && i < p->n_slices; i++)
		p->slices[i].nal_ref_idc = 1;
}

static uint32_t next_frame_num(const struct picture *p)
{
	if (p->second)
		return p->state->first.frame_num;
	return p->slices->nal_unit_type == H264_NAL_IDR_SLICE ? 0 :
	       (p->state->prev_ref_frame_num + 1) & (MAX_FRAME_NUM - 1);
}

/* Libavcodec pairs fields by frame_num and parity: what is no pair gets a frame in between. */
static bool choose_frame_num(struct picture *p)
{
	p->frame_num = next_frame_num(p);
	if (p->second || p->structure != (FRAME ^ p->state->first.structure) ||
	    p->frame_num != p->state->first.frame_num || !p->state->first.structure)
		return true;
	if (!h264_add_blank(p, false, p->poc, false))
		return false;
	p->frame_num = next_frame_num(p);
	return true;
}

static bool decode_au(struct picture *p)
{
	struct list_entry (*lists)[2][H264_MAX_LIST] = calloc(p->n_slices, sizeof(*lists));
	size_t size = 8192, n = 0;
	uint8_t *au = NULL;
	bool ok = false;

	if (!lists)
		abort();
	/* Lists first: they may need blank pictures, which count as frames. */
	for (unsigned int i = 0; i < p->n_slices; i++)
		if (!h264_resolve_lists(p, i, lists[i]))
			goto out;
	if (!choose_frame_num(p))
		goto out;
	h264_plan_marking(p);

	align_slices(p, lists);
	for (unsigned int i = 0; i < p->n_slices; i++)
		size += (p->nals[i].size + 1024) * 3 / 2 + 8 + H264_PS_MAX_BYTES;
	au = malloc(size);
	if (!au)
		abort();
	if (!write_parameter_sets(p, au, size, &n))
		goto out;
	for (unsigned int i = 0; i < p->n_slices; i++) {
		size_t slice = write_slice(p, i, au + n, size - n, lists[i]);

		if (!slice)
			goto out;
		n += slice;
	}
	ok = p->second ? avdec_decode_second_field(p->state->dec, au, n) :
			 avdec_decode(p->state->dec, au, n);
	p->decoded = avdec_picture(p->state->dec);
	if (!ok)
		complain(p, "libavcodec: %s", avdec_error(p->state->dec));
out:
	free(au);
	free(lists);
	return ok;
}

static bool mb_is_missing(const struct picture *p, unsigned int x, unsigned int y)
{
	const struct avdec *dec = p->state->dec;

	if (p->structure != FRAME)
		return avdec_field_mb_is_untouched(dec, p->structure == BOTTOM_FIELD, x, y);
	if (p->ps->frame_mbs_only_flag || !p->ps->mb_adaptive_frame_field_flag)
		return avdec_mb_is_untouched(dec, x, y);
	/* Pairs are there as a whole, and deblocking by lines of fields reaches further. */
	return avdec_field_mb_is_untouched(dec, 0, x, y / 2) &&
	       avdec_field_mb_is_untouched(dec, 1, x, y / 2);
}

static bool all_decoded(struct picture *p)
{
	for (unsigned int y = 0; y < p->mb_height >> (p->structure != FRAME); y++) {
		for (unsigned int x = 0; x < p->mb_width; x++) {
			if (!mb_is_missing(p, x, y))
				continue;
			complain(p, "macroblock %u,%u is not in the stream", x, y);
			return false;
		}
	}
	return true;
}

static uint32_t run_picture(struct picture *p)
{
	struct bus *bus = &p->run->bus;
	struct planes planes;
	uint32_t status = RKVDEC_RDY_STA;
	uint64_t stamp;
	AVFrame frame;

	if (!read_stream(p) || !read_slices(p) || !check_geometry(p) || !h264_read_refs(p) ||
	    !open_decoder(p))
		return RKVDEC_ERR_STA;
	find_first_field(p);
	p->poc[0] = p->run->regs[RKVDEC_CUR_POC];
	p->poc[1] = p->run->regs[RKVDEC_CUR_POC1];
	planes = planes_at(p, p->out, p->structure);
	stamp = ++p->state->stamps << 32 | p->out | 1;
	h264_match_refs(p);
	if (!host_refs(p) || !load_refs(p))
		return RKVDEC_ERR_STA;
	/* After the references are read: an output may overwrite one. */
	if (!planes_poison(&planes, bus) ||
	    !bus_probe(bus, p->out + p->colmv_offset, h264_colmv_size(p), true))
		return RKVDEC_ERR_STA;
	if (!decode_au(p))
		status = RKVDEC_ERR_STA;
	if (!p->decoded)
		return RKVDEC_ERR_STA;
	frame = *avdec_picture(p->state->dec);
	if (p->structure != FRAME)
		frame = h264_field_of(&frame, p->structure);
	if (status == RKVDEC_RDY_STA && !all_decoded(p))
		status = RKVDEC_ERR_STA | RKVDEC_BUF_EMPTY_STA;
	h264_commit_marking(p, stamp);
	/* What an error interrupts is written only in part. */
	if (p->run->job->inject_error)
		planes.height = (planes.height / 2) & ~15u;
	if (!write_colmv(p, stamp) || !planes_store(&planes, bus, &frame))
		return RKVDEC_ERR_STA;
	return status;
}

uint32_t rkvdec_h264_run(struct rkvdec_run *run)
{
	struct picture p = { .run = run };
	uint32_t status;

	p.state = hw_context_state(run->context, sizeof(struct h264_state), state_free);
	status = run_picture(&p);
	p.state->errors_in_row = status & RKVDEC_RDY_STA ? 0 : p.state->errors_in_row + 1;
	for (unsigned int i = 0; i < p.n_slices; i++)
		free(p.nals[i].rbsp);
	free(p.nals);
	free(p.slices);
	free(p.ps);
	free(p.stream);
	return status;
}
