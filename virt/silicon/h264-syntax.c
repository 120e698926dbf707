// SPDX-License-Identifier: GPL-2.0
#include "h264-syntax.h"

#include <string.h>

void h264_ps_unpack(struct h264_ps *ps, const uint32_t packet[H264_PS_PACKET_WORDS])
{
#define FIELD(offset, bits)	table_field(packet, offset, bits)
	*ps = (struct h264_ps){
		.sps_id = FIELD(0, 4),
		.profile_idc = FIELD(4, 8),
		.constraint_set3_flag = FIELD(12, 1),
		.chroma_format_idc = FIELD(13, 2),
		.bit_depth_luma_minus8 = FIELD(15, 3),
		.bit_depth_chroma_minus8 = FIELD(18, 3),
		.qpprime_y_zero_transform_bypass_flag = FIELD(21, 1),
		.log2_max_frame_num_minus4 = FIELD(22, 4),
		.max_num_ref_frames = FIELD(26, 5),
		.pic_order_cnt_type = FIELD(31, 2),
		.log2_max_pic_order_cnt_lsb_minus4 = FIELD(33, 4),
		.delta_pic_order_always_zero_flag = FIELD(37, 1),
		.width_in_mbs = FIELD(38, 9),
		.height_in_map_units = FIELD(47, 9),
		.frame_mbs_only_flag = FIELD(56, 1),
		.mb_adaptive_frame_field_flag = FIELD(57, 1),
		.direct_8x8_inference_flag = FIELD(58, 1),
		.pps_id = FIELD(128, 8),
		.pps_sps_id = FIELD(136, 5),
		.entropy_coding_mode_flag = FIELD(141, 1),
		.bottom_field_pic_order_in_frame_present_flag = FIELD(142, 1),
		.num_ref_idx_default_active_minus1 = { FIELD(143, 5), FIELD(148, 5) },
		.weighted_pred_flag = FIELD(153, 1),
		.weighted_bipred_idc = FIELD(154, 2),
		.pic_init_qp_minus26 = sign_extend(FIELD(156, 7), 7),
		.pic_init_qs_minus26 = sign_extend(FIELD(163, 6), 6),
		.chroma_qp_index_offset = sign_extend(FIELD(169, 5), 5),
		.deblocking_filter_control_present_flag = FIELD(174, 1),
		.constrained_intra_pred_flag = FIELD(175, 1),
		.redundant_pic_cnt_present_flag = FIELD(176, 1),
		.transform_8x8_mode_flag = FIELD(177, 1),
		.second_chroma_qp_index_offset = sign_extend(FIELD(178, 5), 5),
		.scaling_list_enable_flag = FIELD(183, 1),
		.scaling_list_address = FIELD(184, 32),
		.long_term = FIELD(216, 16),
	};
#undef FIELD
}

static bool is_high_profile(const struct h264_ps *ps)
{
	switch (ps->profile_idc) {
	case 44: case 83: case 86: case 100: case 110: case 118: case 122:
	case 128: case 244:
		return true;
	}
	return false;
}

/* seq_parameter_set_data(), 7.3.2.1.1 */
size_t h264_write_sps(uint8_t *out, size_t size, const struct h264_ps *ps)
{
	uint8_t rbsp[256];
	struct bit_writer w;

	bw_init(&w, rbsp, sizeof(rbsp));
	bw_u(&w, 8, 3 << 5 | H264_NAL_SPS);
	bw_u(&w, 8, ps->profile_idc);
	bw_u(&w, 8, ps->constraint_set3_flag << 4);
	bw_u(&w, 8, 62);
	bw_ue(&w, ps->sps_id);
	if (is_high_profile(ps)) {
		bw_ue(&w, ps->chroma_format_idc);
		bw_ue(&w, ps->bit_depth_luma_minus8);
		bw_ue(&w, ps->bit_depth_chroma_minus8);
		bw_u(&w, 1, ps->qpprime_y_zero_transform_bypass_flag);
		bw_u(&w, 1, 0);		/* scaling lists: in the PPS */
	}
	bw_ue(&w, H264_OUT_FRAME_NUM_BITS - 4);
	bw_ue(&w, 0);			/* pic_order_cnt_type */
	bw_ue(&w, H264_OUT_POC_LSB_BITS - 4);
	bw_ue(&w, H264_DPB_SIZE);
	bw_u(&w, 1, 0);			/* frame_num gaps: never, here */
	bw_ue(&w, ps->width_in_mbs - 1);
	bw_ue(&w, ps->height_in_map_units - 1);
	bw_u(&w, 1, ps->frame_mbs_only_flag);
	if (!ps->frame_mbs_only_flag)
		bw_u(&w, 1, ps->mb_adaptive_frame_field_flag);
	bw_u(&w, 1, ps->direct_8x8_inference_flag);
	bw_u(&w, 1, 0);			/* cropping */
	bw_u(&w, 1, 1);			/* VUI: only bitstream_restriction */
	bw_u(&w, 4, 0);
	bw_u(&w, 4, 0);			/* timing, HRD, pic_struct */
	bw_u(&w, 1, 1);
	bw_u(&w, 1, 1);			/* motion vectors over boundaries */
	bw_ue(&w, 0);
	bw_ue(&w, 0);
	bw_ue(&w, 16);
	bw_ue(&w, 16);
	bw_ue(&w, 0);			/* max_num_reorder_frames: output at once */
	bw_ue(&w, H264_DPB_SIZE);
	return bw_finish_nal(&w, out, size);
}

static const uint8_t zigzag_4x4[16] = {
	0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15
};

static const uint8_t zigzag_8x8[64] = {
	 0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
};

/* scaling_list(), 7.3.2.1.1.1: always explicit */
static void write_scaling_list(struct bit_writer *w, const uint8_t *raster,
			       const uint8_t *zigzag, unsigned int count)
{
	uint8_t last = 8;

	bw_u(w, 1, 1);
	for (unsigned int i = 0; i < count; i++) {
		uint8_t value = raster[zigzag[i]];

		bw_se(w, (int8_t)(value - last));
		last = value;
	}
}

/* pic_parameter_set_rbsp(), 7.3.2.2 */
size_t h264_write_pps(uint8_t *out, size_t size, const struct h264_ps *ps,
		      const struct h264_scaling *scaling)
{
	uint8_t rbsp[H264_PS_MAX_BYTES / 2];
	struct bit_writer w;

	bw_init(&w, rbsp, sizeof(rbsp));
	bw_u(&w, 8, 3 << 5 | H264_NAL_PPS);
	bw_ue(&w, ps->pps_id);
	bw_ue(&w, ps->sps_id);
	bw_u(&w, 1, ps->entropy_coding_mode_flag);
	bw_u(&w, 1, 1);			/* delta_pic_order_cnt_bottom present */
	bw_ue(&w, 0);			/* slice groups: not in the packet */
	bw_ue(&w, ps->num_ref_idx_default_active_minus1[0]);
	bw_ue(&w, ps->num_ref_idx_default_active_minus1[1]);
	bw_u(&w, 1, ps->weighted_pred_flag);
	bw_u(&w, 2, ps->weighted_bipred_idc);
	bw_se(&w, ps->pic_init_qp_minus26);
	bw_se(&w, ps->pic_init_qs_minus26);
	bw_se(&w, ps->chroma_qp_index_offset);
	bw_u(&w, 1, ps->deblocking_filter_control_present_flag);
	bw_u(&w, 1, ps->constrained_intra_pred_flag);
	bw_u(&w, 1, ps->redundant_pic_cnt_present_flag);
	if (is_high_profile(ps)) {
		bw_u(&w, 1, ps->transform_8x8_mode_flag);
		bw_u(&w, 1, ps->scaling_list_enable_flag);
		if (ps->scaling_list_enable_flag) {
			for (unsigned int i = 0; i < 6; i++)
				write_scaling_list(&w, scaling->list_4x4[i], zigzag_4x4, 16);
			for (unsigned int i = 0; ps->transform_8x8_mode_flag && i < 2; i++)
				write_scaling_list(&w, scaling->list_8x8[i], zigzag_8x8, 64);
		}
		bw_se(&w, ps->second_chroma_qp_index_offset);
	}
	return bw_finish_nal(&w, out, size);
}

uint32_t h264_peek_pps_id(const uint8_t *rbsp, size_t size)
{
	struct bit_reader r;

	br_init(&r, rbsp, size);
	br_u(&r, 8);
	br_ue(&r);
	br_ue(&r);
	return br_ue(&r);
}

static const char *parse_list_mods(struct h264_slice *s, struct bit_reader *r,
				   unsigned int list)
{
	if (!br_u(r, 1))
		return NULL;
	for (;;) {
		struct h264_list_mod mod = { .idc = br_ue(r) };

		if (mod.idc == 3)
			return NULL;
		if (mod.idc > 3 || r->overrun)
			return "modification_of_pic_nums_idc";
		if (s->n_mods[list] == H264_MAX_LIST)
			return "too many list modifications";
		mod.value = br_ue(r);
		s->mods[list][s->n_mods[list]++] = mod;
	}
}

/* pred_weight_table(), 7.3.3.2, only to know its length */
static void skip_weights(const struct h264_slice *s, const struct h264_ps *ps,
			 struct bit_reader *r)
{
	unsigned int lists = h264_type(s) == H264_B ? 2 : 1;

	br_ue(r);
	if (ps->chroma_format_idc)
		br_ue(r);
	for (unsigned int l = 0; l < lists; l++) {
		for (unsigned int i = 0; i < s->num_ref_idx_active[l] && !r->overrun; i++) {
			if (br_u(r, 1)) {
				br_se(r);
				br_se(r);
			}
			if (ps->chroma_format_idc && br_u(r, 1)) {
				for (unsigned int k = 0; k < 4; k++)
					br_se(r);
			}
		}
	}
}

/* dec_ref_pic_marking(), 7.3.3.3 */
static const char *parse_marking(struct h264_slice *s, struct bit_reader *r)
{
	if (s->nal_unit_type == H264_NAL_IDR_SLICE) {
		s->no_output_of_prior_pics_flag = br_u(r, 1);
		s->long_term_reference_flag = br_u(r, 1);
		return NULL;
	}
	s->adaptive_ref_pic_marking_mode_flag = br_u(r, 1);
	if (!s->adaptive_ref_pic_marking_mode_flag)
		return NULL;
	for (;;) {
		struct h264_mmco m = { 0 };
		uint32_t op = br_ue(r);

		if (!op)
			return NULL;
		if (op > 6 || r->overrun)
			return "memory_management_control_operation";
		if (s->n_mmcos == H264_MAX_MMCO)
			return "too many memory management operations";
		m.op = op;
		if (op == 1 || op == 3)
			m.difference_of_pic_nums_minus1 = br_ue(r);
		if (op == 2)
			m.long_term_pic_num = br_ue(r);
		if (op == 3 || op == 4 || op == 6)
			m.long_term_frame_idx = br_ue(r);
		s->mmcos[s->n_mmcos++] = m;
	}
}

static bool has_weights(const struct h264_slice *s, const struct h264_ps *ps)
{
	enum h264_slice_type type = h264_type(s);

	return (ps->weighted_pred_flag && (type == H264_P || type == H264_SP)) ||
	       (ps->weighted_bipred_idc == 1 && type == H264_B);
}

static const char *parse_refs(struct h264_slice *s, const struct h264_ps *ps,
			      struct bit_reader *r)
{
	enum h264_slice_type type = h264_type(s);
	unsigned int max = s->field_pic_flag ? 32 : 16;
	unsigned int lists = type == H264_B ? 2 : type == H264_P || type == H264_SP;
	const char *error;

	if (type == H264_B)
		s->direct_spatial_mv_pred_flag = br_u(r, 1);
	if (!lists)
		return NULL;
	for (unsigned int l = 0; l < lists; l++)
		s->num_ref_idx_active[l] = ps->num_ref_idx_default_active_minus1[l] + 1;
	if (br_u(r, 1)) {
		for (unsigned int l = 0; l < lists; l++)
			s->num_ref_idx_active[l] = br_ue(r) + 1;
	}
	for (unsigned int l = 0; l < lists; l++)
		if (!s->num_ref_idx_active[l] || s->num_ref_idx_active[l] > max)
			return "num_ref_idx_active";
	for (unsigned int l = 0; l < lists; l++) {
		error = parse_list_mods(s, r, l);
		if (error)
			return error;
	}
	s->weights_start = r->pos;
	if (has_weights(s, ps))
		skip_weights(s, ps, r);
	s->weights_end = r->pos;
	return NULL;
}

static void parse_poc(struct h264_slice *s, const struct h264_ps *ps,
		      struct bit_reader *r)
{
	bool bottom = ps->bottom_field_pic_order_in_frame_present_flag &&
		      !s->field_pic_flag;

	if (ps->pic_order_cnt_type == 0) {
		s->pic_order_cnt_lsb = br_u(r, ps->log2_max_pic_order_cnt_lsb_minus4 + 4);
		if (bottom)
			s->delta_pic_order_cnt_bottom = br_se(r);
	} else if (ps->pic_order_cnt_type == 1 &&
		   !ps->delta_pic_order_always_zero_flag) {
		s->delta_pic_order_cnt[0] = br_se(r);
		if (bottom)
			s->delta_pic_order_cnt[1] = br_se(r);
	}
}

/* From cabac_init_idc on: copied as it is, parsed to know where it ends. */
static const char *parse_tail(struct h264_slice *s, const struct h264_ps *ps,
			      struct bit_reader *r)
{
	enum h264_slice_type type = h264_type(s);

	s->tail_start = r->pos;
	if (ps->entropy_coding_mode_flag && type != H264_I && type != H264_SI &&
	    br_ue(r) > 2)
		return "cabac_init_idc";
	br_se(r);			/* slice_qp_delta */
	if (type == H264_SP || type == H264_SI) {
		if (type == H264_SP)
			br_u(r, 1);
		br_se(r);
	}
	if (ps->deblocking_filter_control_present_flag && br_ue(r) != 1) {
		br_se(r);
		br_se(r);
	}
	s->data_start = r->pos;
	return NULL;
}

const char *h264_parse_slice(struct h264_slice *s, const struct h264_ps *ps,
			     const uint8_t *rbsp, size_t size)
{
	const char *error;
	struct bit_reader r;

	memset(s, 0, sizeof(*s));
	br_init(&r, rbsp, size);
	br_u(&r, 1);
	s->nal_ref_idc = br_u(&r, 2);
	s->nal_unit_type = br_u(&r, 5);
	s->first_mb_in_slice = br_ue(&r);
	s->slice_type = br_ue(&r);
	if (s->slice_type > 9)
		return "slice_type";
	s->pps_id = br_ue(&r);
	s->frame_num = br_u(&r, ps->log2_max_frame_num_minus4 + 4);
	if (!ps->frame_mbs_only_flag) {
		s->field_pic_flag = br_u(&r, 1);
		if (s->field_pic_flag)
			s->bottom_field_flag = br_u(&r, 1);
	}
	if (s->nal_unit_type == H264_NAL_IDR_SLICE)
		s->idr_pic_id = br_ue(&r);
	parse_poc(s, ps, &r);
	if (ps->redundant_pic_cnt_present_flag)
		s->redundant_pic_cnt = br_ue(&r);
	error = parse_refs(s, ps, &r);
	if (!error && s->nal_ref_idc)
		error = parse_marking(s, &r);
	if (!error)
		error = parse_tail(s, ps, &r);
	if (!error && r.overrun)
		error = "slice header cut short";
	return error;
}

static void write_mods(struct bit_writer *w, const struct h264_slice_out *out,
		       unsigned int list)
{
	bw_u(w, 1, out->n_mods[list] > 0);
	if (!out->n_mods[list])
		return;
	for (unsigned int i = 0; i < out->n_mods[list]; i++) {
		bw_ue(w, out->mods[list][i].idc);
		bw_ue(w, out->mods[list][i].value);
	}
	bw_ue(w, 3);
}

static void write_marking(struct bit_writer *w, const struct h264_slice *s,
			  const struct h264_slice_out *out)
{
	if (s->nal_unit_type == H264_NAL_IDR_SLICE) {
		bw_u(w, 1, s->no_output_of_prior_pics_flag);
		bw_u(w, 1, s->long_term_reference_flag);
		return;
	}
	bw_u(w, 1, out->n_mmcos > 0);
	if (!out->n_mmcos)
		return;
	for (unsigned int i = 0; i < out->n_mmcos; i++) {
		const struct h264_mmco *m = &out->mmcos[i];

		bw_ue(w, m->op);
		if (m->op == 1 || m->op == 3)
			bw_ue(w, m->difference_of_pic_nums_minus1);
		if (m->op == 2)
			bw_ue(w, m->long_term_pic_num);
		if (m->op == 3 || m->op == 4 || m->op == 6)
			bw_ue(w, m->long_term_frame_idx);
	}
	bw_ue(w, 0);
}

static void copy_bits(struct bit_writer *w, const uint8_t *source,
		      size_t source_size, size_t start, size_t end)
{
	struct bit_reader r;

	br_init(&r, source, source_size);
	r.pos = start;
	while (r.pos < end && !r.overrun)
		bw_u(w, 1, br_u(&r, 1));
}

void h264_write_slice_start(struct bit_writer *w, const struct h264_slice *s,
			    const struct h264_ps *ps,
			    const struct h264_slice_out *out,
			    const uint8_t *source, size_t source_size)
{
	enum h264_slice_type type = h264_type(s);
	unsigned int lists = type == H264_B ? 2 : type == H264_P || type == H264_SP;

	bw_u(w, 8, (s->nal_ref_idc ? 3 << 5 : 0) | s->nal_unit_type);
	bw_ue(w, s->first_mb_in_slice);
	bw_ue(w, type);
	bw_ue(w, s->pps_id);
	bw_u(w, H264_OUT_FRAME_NUM_BITS, out->frame_num);
	if (!ps->frame_mbs_only_flag)
		bw_u(w, 1, s->field_pic_flag);
	if (s->field_pic_flag)
		bw_u(w, 1, s->bottom_field_flag);
	if (s->nal_unit_type == H264_NAL_IDR_SLICE)
		bw_ue(w, s->idr_pic_id);
	bw_u(w, H264_OUT_POC_LSB_BITS, (uint32_t)out->poc[s->bottom_field_flag] & 0xffff);
	if (!s->field_pic_flag)
		bw_se(w, (int32_t)((uint32_t)out->poc[1] - (uint32_t)out->poc[0]));
	if (ps->redundant_pic_cnt_present_flag)
		bw_ue(w, s->redundant_pic_cnt);
	if (type == H264_B)
		bw_u(w, 1, s->direct_spatial_mv_pred_flag);
	if (lists) {
		bw_u(w, 1, 1);		/* num_ref_idx_active_override_flag */
		for (unsigned int l = 0; l < lists; l++)
			bw_ue(w, s->num_ref_idx_active[l] - 1);
		for (unsigned int l = 0; l < lists; l++)
			write_mods(w, out, l);
		copy_bits(w, source, source_size, s->weights_start, s->weights_end);
	}
	if (s->nal_ref_idc)
		write_marking(w, s, out);
}

void h264_write_slice_rest(struct bit_writer *w, const struct h264_slice *s,
			   const struct h264_ps *ps, const uint8_t *source,
			   size_t source_size)
{
	struct bit_reader r;

	copy_bits(w, source, source_size, s->tail_start, s->data_start);
	br_init(&r, source, source_size);
	r.pos = s->data_start;
	if (ps->entropy_coding_mode_flag) {
		bw_align(w, 1);		/* cabac_alignment_one_bit */
		r.pos = (r.pos + 7) & ~(size_t)7;
		if (r.pos > r.bits)
			r.pos = r.bits;
	}
	bw_copy_rest(w, &r);
}
