// SPDX-License-Identifier: GPL-2.0
#include "hevc-syntax.h"

#include <stdlib.h>
#include <string.h>

#define NAL_VPS		32
#define NAL_SPS		33
#define NAL_PPS		34

static unsigned int ceil_log2(uint32_t v)
{
	unsigned int n = 0;

	while (n < 31 && 1u << n < v)
		n++;
	return n;
}

/* ---- the driver's tables ------------------------------------------------- */

void hevc_ps_unpack(struct hevc_ps *ps, const uint32_t packet[HEVC_PS_PACKET_WORDS])
{
#define F(offset, n)	table_field(packet, offset, n)
#define S(offset, n)	sign_extend(table_field(packet, offset, n), n)
	*ps = (struct hevc_ps){
		.chroma_format_idc = F(8, 2), .width = F(10, 13), .height = F(23, 13),
		.bit_depth_luma = F(36, 4), .bit_depth_chroma = F(40, 4),
		.log2_max_poc_lsb = F(44, 5),
		.log2_diff_max_min_cb = F(49, 2), .log2_min_cb = F(51, 3),
		.log2_min_tb = F(54, 3), .log2_diff_max_min_tb = F(57, 2),
		.max_transform_hierarchy_depth_inter = F(59, 3),
		.max_transform_hierarchy_depth_intra = F(62, 3),
		.scaling_list_enabled_flag = F(65, 1), .amp_enabled_flag = F(66, 1),
		.sao_enabled_flag = F(67, 1), .pcm_enabled_flag = F(68, 1),
		.pcm_depth_luma = F(69, 4), .pcm_depth_chroma = F(73, 4),
		.pcm_loop_filter_disabled_flag = F(77, 1),
		.log2_diff_max_min_pcm_cb = F(78, 3), .log2_min_pcm_cb = F(81, 3),
		.temporal_mvp_enabled_flag = F(98, 1),
		.strong_intra_smoothing_enabled_flag = F(99, 1),
		.pps_id = F(128, 6), .dependent_slice_segments_enabled_flag = F(138, 1),
		.output_flag_present_flag = F(139, 1),
		.num_extra_slice_header_bits = F(140, 13),
		.sign_data_hiding_enabled_flag = F(153, 1),
		.cabac_init_present_flag = F(154, 1),
		.num_ref_idx_default = { F(155, 4), F(159, 4) },
		.init_qp_minus26 = S(163, 7),
		.constrained_intra_pred_flag = F(170, 1),
		.transform_skip_enabled_flag = F(171, 1),
		.cu_qp_delta_enabled_flag = F(172, 1),
		.log2_min_cu_qp_delta_size = F(173, 3),
		.cb_qp_offset = S(176, 5), .cr_qp_offset = S(181, 5),
		.slice_chroma_qp_offsets_present_flag = F(186, 1),
		.weighted_pred_flag = F(187, 1), .weighted_bipred_flag = F(188, 1),
		.transquant_bypass_enabled_flag = F(189, 1), .tiles_enabled_flag = F(190, 1),
		.entropy_coding_sync_enabled_flag = F(191, 1),
		.loop_filter_across_slices_enabled_flag = F(192, 1),
		.loop_filter_across_tiles_enabled_flag = F(193, 1),
		.deblocking_filter_override_enabled_flag = F(194, 1),
		.deblocking_filter_disabled_flag = F(195, 1),
		.beta_offset_div2 = S(196, 4), .tc_offset_div2 = S(200, 4),
		.lists_modification_present_flag = F(204, 1),
		.log2_parallel_merge_level = F(205, 3),
		.slice_header_extension_present_flag = F(208, 1),
		.num_tile_columns = F(212, 5), .num_tile_rows = F(217, 5),
		.scaling_list_address = F(592, 32),
	};
	for (unsigned int i = 0; i < 20; i++)
		ps->column_width[i] = F(256 + 8 * i, 8) + 1;
	for (unsigned int i = 0; i < 22; i++)
		ps->row_height[i] = F(416 + 8 * i, 8) + 1;
#undef F
#undef S
}

void hevc_rps_unpack(struct hevc_rps *rps, const uint32_t table[HEVC_RPS_WORDS])
{
	*rps = (struct hevc_rps){
		.bits = table_field(table, 183, 10),
		.num_poc = table_field(table, 202, 4),
	};
	for (unsigned int i = 0; i < HEVC_MAX_LIST; i++) {
		rps->list[0][i].long_term = table_field(table, i * 5, 1);
		rps->list[0][i].idx = table_field(table, 1 + i * 5, 4);
		/* a hole of 32 bits between the fifth's flag and its index */
		rps->list[1][i].long_term = table_field(table, (i < 5 ? 75 : 107) + i * 5, 1);
		rps->list[1][i].idx = table_field(table, (i < 4 ? 76 : 108) + i * 5, 4);
	}
}

/* ---- parameter sets ------------------------------------------------------ */

static void begin_nal(struct bit_writer *w, uint8_t *rbsp, size_t size, unsigned int type)
{
	bw_init(w, rbsp, size);
	bw_u(w, 8, type << 1);
	bw_u(w, 8, 1);
}

/* profile_tier_level(1, 0) */
static void write_ptl(struct bit_writer *w, const struct hevc_ps *ps)
{
	unsigned int profile = ps->bit_depth_luma > 8 ? 2 : 1;

	bw_u(w, 3, 0);
	bw_u(w, 5, profile);
	bw_u(w, 32, 1u << (31 - profile));
	bw_u(w, 4, 9);			/* progressive, frame only */
	bw_u(w, 32, 0);
	bw_u(w, 12, 0);
	bw_u(w, 8, 186);		/* level 6.2 */
}

static size_t write_vps(uint8_t *out, size_t size, const struct hevc_ps *ps)
{
	uint8_t rbsp[128];
	struct bit_writer w;

	begin_nal(&w, rbsp, sizeof(rbsp), NAL_VPS);
	bw_u(&w, 4, 0);
	bw_u(&w, 2, 3);
	bw_u(&w, 6, 0);
	bw_u(&w, 3, 0);
	bw_u(&w, 1, 1);
	bw_u(&w, 16, 0xffff);
	write_ptl(&w, ps);
	bw_u(&w, 1, 1);
	bw_ue(&w, 15);
	bw_ue(&w, 0);
	bw_ue(&w, 0);
	bw_u(&w, 6, 0);
	bw_ue(&w, 0);
	bw_u(&w, 1, 0);			/* timing */
	bw_u(&w, 1, 0);			/* extension */
	return bw_finish_nal(&w, out, size);
}

/* No RPS and no scaling lists in it: those are in each slice and in the PPS. */
static size_t write_sps(uint8_t *out, size_t size, const struct hevc_ps *ps)
{
	uint8_t rbsp[256];
	struct bit_writer w;

	begin_nal(&w, rbsp, sizeof(rbsp), NAL_SPS);
	bw_u(&w, 4, 0);
	bw_u(&w, 3, 0);
	bw_u(&w, 1, 1);
	write_ptl(&w, ps);
	bw_ue(&w, 0);
	bw_ue(&w, ps->chroma_format_idc);
	bw_ue(&w, ps->width);
	bw_ue(&w, ps->height);
	bw_u(&w, 1, 0);			/* no cropping */
	bw_ue(&w, ps->bit_depth_luma - 8);
	bw_ue(&w, ps->bit_depth_chroma - 8);
	bw_ue(&w, HEVC_POC_LSB_BITS - 4);
	bw_u(&w, 1, 1);
	bw_ue(&w, 15);			/* sps_max_dec_pic_buffering_minus1 */
	bw_ue(&w, 0);			/* no reordering: output at once */
	bw_ue(&w, 0);
	bw_ue(&w, ps->log2_min_cb - 3);
	bw_ue(&w, ps->log2_diff_max_min_cb);
	bw_ue(&w, ps->log2_min_tb - 2);
	bw_ue(&w, ps->log2_diff_max_min_tb);
	bw_ue(&w, ps->max_transform_hierarchy_depth_inter);
	bw_ue(&w, ps->max_transform_hierarchy_depth_intra);
	bw_u(&w, 1, ps->scaling_list_enabled_flag);
	if (ps->scaling_list_enabled_flag)
		bw_u(&w, 1, 0);
	bw_u(&w, 1, ps->amp_enabled_flag);
	bw_u(&w, 1, ps->sao_enabled_flag);
	bw_u(&w, 1, ps->pcm_enabled_flag);
	if (ps->pcm_enabled_flag) {
		bw_u(&w, 4, ps->pcm_depth_luma - 1);
		bw_u(&w, 4, ps->pcm_depth_chroma - 1);
		bw_ue(&w, ps->log2_min_pcm_cb - 3);
		bw_ue(&w, ps->log2_diff_max_min_pcm_cb);
		bw_u(&w, 1, ps->pcm_loop_filter_disabled_flag);
	}
	bw_ue(&w, 0);			/* num_short_term_ref_pic_sets */
	bw_u(&w, 1, 1);			/* long_term_ref_pics_present_flag */
	bw_ue(&w, 0);
	bw_u(&w, 1, ps->temporal_mvp_enabled_flag);
	bw_u(&w, 1, ps->strong_intra_smoothing_enabled_flag);
	bw_u(&w, 1, 0);			/* VUI */
	bw_u(&w, 1, 0);			/* extension */
	return bw_finish_nal(&w, out, size);
}

size_t hevc_write_vps_sps(uint8_t *out, size_t size, const struct hevc_ps *ps)
{
	size_t vps = write_vps(out, size, ps);
	size_t sps = vps ? write_sps(out + vps, size - vps, ps) : 0;

	return sps ? vps + sps : 0;
}

/* 7.3.4, from a matrix [x][y] along the up-right diagonal scan (6.5.3) */
static void write_list(struct bit_writer *w, const uint8_t *matrix, unsigned int n, int dc)
{
	int next = dc >= 0 ? dc : 8;

	bw_u(w, 1, 1);			/* explicit */
	if (dc >= 0)
		bw_se(w, dc - 8);
	for (unsigned int d = 0; d <= 2 * (n - 1); d++) {
		for (unsigned int x = 0; x <= d; x++) {
			unsigned int y = d - x;
			int delta;

			if (x >= n || y >= n)
				continue;
			delta = matrix[x * n + y] - next;
			next = matrix[x * n + y];
			bw_se(w, (int8_t)delta);
		}
	}
}

static void write_lists(struct bit_writer *w, const struct hevc_scaling *s)
{
	for (unsigned int i = 0; i < 6; i++)
		write_list(w, s->list_4x4[i], 4, -1);
	for (unsigned int i = 0; i < 6; i++)
		write_list(w, s->list_8x8[i], 8, -1);
	for (unsigned int i = 0; i < 6; i++)
		write_list(w, s->list_16x16[i], 8, s->dc[i]);
	write_list(w, s->list_32x32_0, 8, s->dc[6]);
	write_list(w, s->list_32x32_1, 8, s->dc[9]);
}

size_t hevc_write_pps(uint8_t *out, size_t size, const struct hevc_ps *ps,
		      const struct hevc_scaling *scaling)
{
	uint8_t rbsp[HEVC_PS_MAX_BYTES / 2];
	struct bit_writer w;

	begin_nal(&w, rbsp, sizeof(rbsp), NAL_PPS);
	bw_ue(&w, ps->pps_id);
	bw_ue(&w, 0);
	bw_u(&w, 1, ps->dependent_slice_segments_enabled_flag);
	bw_u(&w, 1, 0);			/* output_flag_present_flag */
	bw_u(&w, 3, 0);			/* num_extra_slice_header_bits */
	bw_u(&w, 1, ps->sign_data_hiding_enabled_flag);
	bw_u(&w, 1, ps->cabac_init_present_flag);
	bw_ue(&w, 0);
	bw_ue(&w, 0);
	bw_se(&w, ps->init_qp_minus26);
	bw_u(&w, 1, ps->constrained_intra_pred_flag);
	bw_u(&w, 1, ps->transform_skip_enabled_flag);
	bw_u(&w, 1, ps->cu_qp_delta_enabled_flag);
	if (ps->cu_qp_delta_enabled_flag)
		bw_ue(&w, ps->log2_min_cb + ps->log2_diff_max_min_cb -
			  ps->log2_min_cu_qp_delta_size);
	bw_se(&w, ps->cb_qp_offset);
	bw_se(&w, ps->cr_qp_offset);
	bw_u(&w, 1, ps->slice_chroma_qp_offsets_present_flag);
	bw_u(&w, 1, ps->weighted_pred_flag);
	bw_u(&w, 1, ps->weighted_bipred_flag);
	bw_u(&w, 1, ps->transquant_bypass_enabled_flag);
	bw_u(&w, 1, ps->tiles_enabled_flag);
	bw_u(&w, 1, ps->entropy_coding_sync_enabled_flag);
	if (ps->tiles_enabled_flag) {
		bw_ue(&w, ps->num_tile_columns - 1);
		bw_ue(&w, ps->num_tile_rows - 1);
		bw_u(&w, 1, 0);		/* uniform_spacing_flag */
		for (unsigned int i = 0; i + 1 < ps->num_tile_columns; i++)
			bw_ue(&w, ps->column_width[i] - 1);
		for (unsigned int i = 0; i + 1 < ps->num_tile_rows; i++)
			bw_ue(&w, ps->row_height[i] - 1);
		bw_u(&w, 1, ps->loop_filter_across_tiles_enabled_flag);
	}
	bw_u(&w, 1, ps->loop_filter_across_slices_enabled_flag);
	bw_u(&w, 1, 1);			/* deblocking_filter_control_present_flag */
	bw_u(&w, 1, ps->deblocking_filter_override_enabled_flag);
	bw_u(&w, 1, ps->deblocking_filter_disabled_flag);
	if (!ps->deblocking_filter_disabled_flag) {
		bw_se(&w, ps->beta_offset_div2);
		bw_se(&w, ps->tc_offset_div2);
	}
	bw_u(&w, 1, scaling != NULL);
	if (scaling)
		write_lists(&w, scaling);
	bw_u(&w, 1, 1);			/* lists_modification_present_flag */
	bw_ue(&w, ps->log2_parallel_merge_level - 2);
	bw_u(&w, 1, 0);			/* slice header extension */
	bw_u(&w, 1, 0);			/* PPS extension */
	return bw_finish_nal(&w, out, size);
}

/* ---- slices -------------------------------------------------------------- */

/* Reads from one slice segment header, writes another. */
struct rewriter {
	struct bit_reader r;
	struct bit_writer w;
	const struct hevc_ps *ps;
	const struct hevc_rps *rps;
	const struct hevc_slice_out *out;	/* NULL: only parsing */
	struct hevc_slice *s;
	const char *error;
};

static uint32_t copy_u(struct rewriter *x, unsigned int n)
{
	uint32_t v = br_u(&x->r, n);

	bw_u(&x->w, n, v);
	return v;
}

static uint32_t copy_ue(struct rewriter *x)
{
	uint32_t v = br_ue(&x->r);

	bw_ue(&x->w, v);
	return v;
}

static void copy_se(struct rewriter *x)
{
	bw_se(&x->w, br_se(&x->r));
}

static void skip(struct bit_reader *r, uint32_t bits)
{
	for (; bits > 32; bits -= 32)
		br_u(r, 32);
	br_u(r, bits);
}

uint32_t hevc_peek_pps_id(const uint8_t *rbsp, size_t size)
{
	struct bit_reader r;
	uint32_t type, id;

	br_init(&r, rbsp, size);
	br_u(&r, 1);
	type = br_u(&r, 6);
	br_u(&r, 9);
	br_u(&r, 1 + HEVC_IS_IRAP(type));
	id = br_ue(&r);
	return r.overrun ? UINT32_MAX : id;
}

/*
 * Which entries of out->pics come in the order of RefPicListTemp0 (list 0) or 1
 * (8.3.4): short-term before, after, long-term; for list 1 after, before.
 */
static unsigned int temp_list(const struct hevc_slice_out *out, unsigned int l,
			      unsigned int order[HEVC_MAX_PICS])
{
	unsigned int n = 0;

	for (unsigned int pass = 0; pass < 3; pass++) {
		unsigned int start = n;

		for (unsigned int i = 0; i < out->n_pics; i++) {
			bool before = out->pics[i].poc < out->poc;
			unsigned int k = n;

			if (!out->pics[i].used || out->pics[i].long_term != (pass == 2) ||
			    (pass < 2 && before != ((pass == 0) != (l == 1))))
				continue;
			/* the nearest first; long-term as they come */
			for (; pass < 2 && k > start; k--) {
				int32_t other = out->pics[order[k - 1]].poc;

				if (before ? other > out->pics[i].poc : other < out->pics[i].poc)
					break;
				order[k] = order[k - 1];
			}
			order[k] = i;
			n++;
		}
	}
	return n;
}

/* short_term_ref_pic_set_sps_flag up to the end of the long-term pictures */
static void write_rps(struct bit_writer *w, const struct hevc_slice_out *out)
{
	unsigned int n[2] = { 0, 0 }, n_long = 0;

	for (unsigned int i = 0; i < out->n_pics; i++) {
		if (out->pics[i].long_term)
			n_long++;
		else
			n[out->pics[i].poc > out->poc]++;
	}
	bw_u(w, HEVC_POC_LSB_BITS, out->poc & ((1u << HEVC_POC_LSB_BITS) - 1));
	bw_u(w, 1, 0);
	bw_ue(w, n[0]);
	bw_ue(w, n[1]);
	for (unsigned int after = 0; after < 2; after++) {
		int64_t last = out->poc;

		for (unsigned int k = 0; k < n[after]; k++) {
			unsigned int best = out->n_pics;

			for (unsigned int i = 0; i < out->n_pics; i++) {
				int64_t poc = out->pics[i].poc;

				if (out->pics[i].long_term || (after ? poc <= last : poc >= last))
					continue;
				if (best == out->n_pics || (after ? poc < out->pics[best].poc :
							    poc > out->pics[best].poc))
					best = i;
			}
			if (best == out->n_pics)	/* two of the same POC */
				return;
			bw_ue(w, llabs(out->pics[best].poc - last) - 1);
			bw_u(w, 1, out->pics[best].used);
			last = out->pics[best].poc;
		}
	}
	bw_ue(w, n_long);
	for (unsigned int i = 0; i < out->n_pics; i++) {
		if (!out->pics[i].long_term)
			continue;
		bw_u(w, HEVC_POC_LSB_BITS, out->pics[i].poc & ((1u << HEVC_POC_LSB_BITS) - 1));
		bw_u(w, 1, out->pics[i].used);
		bw_u(w, 1, 0);
	}
}

static void write_list_entries(struct rewriter *x, unsigned int l)
{
	const struct hevc_slice_out *out = x->out;
	unsigned int order[HEVC_MAX_PICS], n = temp_list(out, l, order);

	bw_u(&x->w, 1, 1);
	for (unsigned int e = 0; e < x->s->num_ref_idx[l]; e++) {
		unsigned int at = 0;

		while (at + 1 < n && order[at] != out->list[l][e])
			at++;
		bw_u(&x->w, ceil_log2(n), at);
	}
}

static void rewrite_lists(struct rewriter *x)
{
	struct hevc_slice *s = x->s;
	unsigned int lists = s->type == HEVC_B ? 2 : 1, used = 0;
	bool override = br_u(&x->r, 1);

	for (unsigned int l = 0; l < lists; l++) {
		s->num_ref_idx[l] = override ? br_ue(&x->r) + 1 : x->ps->num_ref_idx_default[l];
		if (!s->num_ref_idx[l] || s->num_ref_idx[l] > HEVC_MAX_LIST) {
			x->error = "num_ref_idx_active";
			return;
		}
	}
	bw_u(&x->w, 1, 1);
	for (unsigned int l = 0; l < lists; l++)
		bw_ue(&x->w, s->num_ref_idx[l] - 1);

	if (x->ps->lists_modification_present_flag && x->rps->num_poc > 1)
		for (unsigned int l = 0; l < lists; l++)
			if (br_u(&x->r, 1))
				skip(&x->r, s->num_ref_idx[l] * ceil_log2(x->rps->num_poc));
	if (!x->out)
		return;
	for (unsigned int i = 0; i < x->out->n_pics; i++)
		used += x->out->pics[i].used;
	if (used > 1)
		for (unsigned int l = 0; l < lists; l++)
			write_list_entries(x, l);
}

/* pred_weight_table(), 7.3.6.3 */
static void copy_weights(struct rewriter *x)
{
	bool chroma = x->ps->chroma_format_idc;

	copy_ue(x);
	if (chroma)
		copy_se(x);
	for (unsigned int l = 0; l < (x->s->type == HEVC_B ? 2u : 1u); l++) {
		unsigned int n = x->s->num_ref_idx[l];
		bool luma_flag[HEVC_MAX_LIST], chroma_flag[HEVC_MAX_LIST] = { false };

		for (unsigned int i = 0; i < n; i++)
			luma_flag[i] = copy_u(x, 1);
		for (unsigned int i = 0; chroma && i < n; i++)
			chroma_flag[i] = copy_u(x, 1);
		for (unsigned int i = 0; i < n; i++)
			for (unsigned int k = 0; k < 2u * luma_flag[i] + 4u * chroma_flag[i]; k++)
				copy_se(x);
	}
}

static void rewrite_inter(struct rewriter *x)
{
	const struct hevc_ps *ps = x->ps;
	struct hevc_slice *s = x->s;

	rewrite_lists(x);
	if (x->error)
		return;
	if (s->type == HEVC_B)
		copy_u(x, 1);		/* mvd_l1_zero_flag */
	if (ps->cabac_init_present_flag)
		copy_u(x, 1);
	if (s->temporal_mvp) {
		s->collocated_from_l0 = s->type == HEVC_B ? copy_u(x, 1) : 1;
		if (s->num_ref_idx[!s->collocated_from_l0] > 1)
			s->collocated_ref_idx = copy_ue(x);
		if (s->collocated_ref_idx >= s->num_ref_idx[!s->collocated_from_l0]) {
			x->error = "collocated_ref_idx";
			return;
		}
	}
	if (s->type == HEVC_P ? ps->weighted_pred_flag : ps->weighted_bipred_flag)
		copy_weights(x);
	copy_ue(x);			/* five_minus_max_num_merge_cand */
}

static void rewrite_independent(struct rewriter *x)
{
	const struct hevc_ps *ps = x->ps;
	struct hevc_slice *s = x->s;
	bool idr = HEVC_IS_IDR(s->nal_unit_type), sao = false, override = false;
	bool disabled = ps->deblocking_filter_disabled_flag;

	br_u(&x->r, ps->num_extra_slice_header_bits & 7);
	s->type = copy_ue(x);
	if (s->type > HEVC_I) {
		x->error = "slice_type";
		return;
	}
	if (ps->output_flag_present_flag)
		br_u(&x->r, 1);
	if (!idr) {
		br_u(&x->r, ps->log2_max_poc_lsb);
		br_u(&x->r, 1);
		skip(&x->r, x->rps->bits);
	}
	if (x->out)
		write_rps(&x->w, x->out);
	if (ps->temporal_mvp_enabled_flag) {
		s->temporal_mvp = !idr && br_u(&x->r, 1);
		bw_u(&x->w, 1, s->temporal_mvp);
	}
	if (ps->sao_enabled_flag) {
		sao = copy_u(x, 1);
		if (ps->chroma_format_idc)
			sao |= copy_u(x, 1);
	}
	if (s->type != HEVC_I)
		rewrite_inter(x);
	if (x->error)
		return;
	copy_se(x);			/* slice_qp_delta */
	if (ps->slice_chroma_qp_offsets_present_flag) {
		copy_se(x);
		copy_se(x);
	}
	if (ps->deblocking_filter_override_enabled_flag)
		override = copy_u(x, 1);
	if (override) {
		disabled = copy_u(x, 1);
		if (!disabled) {
			copy_se(x);
			copy_se(x);
		}
	}
	if (ps->loop_filter_across_slices_enabled_flag && (sao || !disabled))
		copy_u(x, 1);
}

static void copy_entry_points(struct rewriter *x)
{
	uint32_t n = copy_ue(x), len;

	/* A picture of 8192x8192 has 512 rows of CTBs; with tiles 22 times 512 at most. */
	if (n > 22 * 512) {
		x->error = "num_entry_point_offsets";
		return;
	}
	if (!n)
		return;
	len = copy_ue(x) + 1;
	if (len > 32) {
		x->error = "offset_len_minus1";
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		copy_u(x, len);
}

/* slice_segment_header(), 7.3.6.1, with byte_alignment() */
static void rewrite_header(struct rewriter *x)
{
	const struct hevc_ps *ps = x->ps;
	unsigned int log2_ctb = ps->log2_min_cb + ps->log2_diff_max_min_cb;
	uint32_t ctbs = ((ps->width + (1u << log2_ctb) - 1) >> log2_ctb) *
			((ps->height + (1u << log2_ctb) - 1) >> log2_ctb);
	struct hevc_slice *s = x->s;

	br_u(&x->r, 1);
	s->nal_unit_type = br_u(&x->r, 6);
	br_u(&x->r, 9);
	bw_u(&x->w, 16, HEVC_NAL_TRAIL_R << 9 | 1);
	s->first = copy_u(x, 1);
	if (HEVC_IS_IRAP(s->nal_unit_type))
		br_u(&x->r, 1);
	s->pps_id = copy_ue(x);
	if (!s->first) {
		if (ps->dependent_slice_segments_enabled_flag)
			s->dependent = copy_u(x, 1);
		s->address = copy_u(x, ceil_log2(ctbs));
		if (!s->address || s->address >= ctbs)
			x->error = "slice_segment_address";
	}
	if (!s->dependent && !x->error)
		rewrite_independent(x);
	if (!x->error && (ps->tiles_enabled_flag || ps->entropy_coding_sync_enabled_flag))
		copy_entry_points(x);
	if (ps->slice_header_extension_present_flag) {
		uint32_t n = br_ue(&x->r);

		if (n > 256)
			x->error = "slice_segment_header_extension_length";
		else
			skip(&x->r, n * 8);
	}
	br_u(&x->r, 1);
	br_u(&x->r, -x->r.pos & 7);
	bw_u(&x->w, 1, 1);
	bw_align(&x->w, 0);
	if (!x->error && x->r.overrun)
		x->error = "length";
}

const char *hevc_parse_slice(struct hevc_slice *slice, const struct hevc_ps *ps,
			     const struct hevc_rps *rps, const uint8_t *rbsp, size_t size)
{
	struct rewriter x = { .ps = ps, .rps = rps, .s = slice };
	uint8_t scratch[16];

	*slice = (struct hevc_slice){ 0 };
	br_init(&x.r, rbsp, size);
	bw_init(&x.w, scratch, sizeof(scratch));
	rewrite_header(&x);
	return x.error;
}

size_t hevc_rewrite_slice(uint8_t *out, size_t out_size, const struct hevc_ps *ps,
			  const struct hevc_rps *rps, const struct hevc_slice_out *with,
			  const uint8_t *rbsp, size_t size)
{
	struct hevc_slice slice = { 0 };
	struct rewriter x = { .ps = ps, .rps = rps, .out = with, .s = &slice };
	size_t header_size = size + 1024, data, n = 0;
	uint8_t *nal = malloc(header_size + size);

	if (!nal)
		abort();
	br_init(&x.r, rbsp, size);
	bw_init(&x.w, nal, header_size);
	rewrite_header(&x);
	data = x.r.pos / 8;
	if (!x.error && !x.w.overrun && data <= size) {
		memcpy(nal + x.w.pos / 8, rbsp + data, size - data);
		n = nal_write(out, out_size, nal, x.w.pos / 8 + size - data);
	}
	free(nal);
	return n;
}
