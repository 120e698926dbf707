/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h265controls.h"

#include <string.h>

/* Parameter sets */

/**
 * h265_controls_fill_sps:
 *
 * The limits are those of HighestTid: all sub-layers are decoded.
 */
void
h265_controls_fill_sps (struct v4l2_ctrl_hevc_sps *ctrl, const GstH265SPS * sps)
{
  guint tid = MIN (sps->max_sub_layers_minus1, GST_H265_MAX_SUB_LAYERS - 1);

  memset (ctrl, 0, sizeof (*ctrl));

  ctrl->video_parameter_set_id = sps->vps_id;
  ctrl->seq_parameter_set_id = sps->id;
  ctrl->pic_width_in_luma_samples = sps->pic_width_in_luma_samples;
  ctrl->pic_height_in_luma_samples = sps->pic_height_in_luma_samples;
  ctrl->bit_depth_luma_minus8 = sps->bit_depth_luma_minus8;
  ctrl->bit_depth_chroma_minus8 = sps->bit_depth_chroma_minus8;
  ctrl->log2_max_pic_order_cnt_lsb_minus4 = sps->log2_max_pic_order_cnt_lsb_minus4;
  ctrl->sps_max_dec_pic_buffering_minus1 = sps->max_dec_pic_buffering_minus1[tid];
  ctrl->sps_max_num_reorder_pics = sps->max_num_reorder_pics[tid];
  ctrl->sps_max_latency_increase_plus1 = sps->max_latency_increase_plus1[tid];
  ctrl->log2_min_luma_coding_block_size_minus3 = sps->log2_min_luma_coding_block_size_minus3;
  ctrl->log2_diff_max_min_luma_coding_block_size = sps->log2_diff_max_min_luma_coding_block_size;
  ctrl->log2_min_luma_transform_block_size_minus2 = sps->log2_min_transform_block_size_minus2;
  ctrl->log2_diff_max_min_luma_transform_block_size = sps->log2_diff_max_min_transform_block_size;
  ctrl->max_transform_hierarchy_depth_inter = sps->max_transform_hierarchy_depth_inter;
  ctrl->max_transform_hierarchy_depth_intra = sps->max_transform_hierarchy_depth_intra;
  if (sps->pcm_enabled_flag) {
    ctrl->pcm_sample_bit_depth_luma_minus1 = sps->pcm_sample_bit_depth_luma_minus1;
    ctrl->pcm_sample_bit_depth_chroma_minus1 = sps->pcm_sample_bit_depth_chroma_minus1;
    ctrl->log2_min_pcm_luma_coding_block_size_minus3 =
        sps->log2_min_pcm_luma_coding_block_size_minus3;
    ctrl->log2_diff_max_min_pcm_luma_coding_block_size =
        sps->log2_diff_max_min_pcm_luma_coding_block_size;
  }
  ctrl->num_short_term_ref_pic_sets = sps->num_short_term_ref_pic_sets;
  ctrl->num_long_term_ref_pics_sps = sps->num_long_term_ref_pics_sps;
  ctrl->chroma_format_idc = sps->chroma_format_idc;
  ctrl->sps_max_sub_layers_minus1 = sps->max_sub_layers_minus1;

#define FLAG(cond, flag) if (cond) ctrl->flags |= V4L2_HEVC_SPS_FLAG_ ## flag
  FLAG (sps->separate_colour_plane_flag, SEPARATE_COLOUR_PLANE);
  FLAG (sps->scaling_list_enabled_flag, SCALING_LIST_ENABLED);
  FLAG (sps->amp_enabled_flag, AMP_ENABLED);
  FLAG (sps->sample_adaptive_offset_enabled_flag, SAMPLE_ADAPTIVE_OFFSET);
  FLAG (sps->pcm_enabled_flag, PCM_ENABLED);
  FLAG (sps->pcm_enabled_flag && sps->pcm_loop_filter_disabled_flag, PCM_LOOP_FILTER_DISABLED);
  FLAG (sps->long_term_ref_pics_present_flag, LONG_TERM_REF_PICS_PRESENT);
  FLAG (sps->temporal_mvp_enabled_flag, SPS_TEMPORAL_MVP_ENABLED);
  FLAG (sps->strong_intra_smoothing_enabled_flag, STRONG_INTRA_SMOOTHING_ENABLED);
#undef FLAG
}

/* (6-3), (6-4): also for uniform spacing, as hardware does not derive it. */
static void
fill_tiles (guint8 * size_minus1, guint n, gboolean uniform, const guint32 * explicit_minus1,
    guint in_ctbs)
{
  guint left = in_ctbs;

  for (guint i = 0; i < n; i++) {
    guint size;

    if (uniform)
      size = (i + 1) * in_ctbs / n - i * in_ctbs / n;
    else
      size = i + 1 < n ? explicit_minus1[i] + 1 : left;
    size_minus1[i] = size - 1;
    left -= MIN (size, left);
  }
}

void
h265_controls_fill_pps (struct v4l2_ctrl_hevc_pps *ctrl, const GstH265PPS * pps)
{
  const GstH265SPS *sps = pps->sps;

  memset (ctrl, 0, sizeof (*ctrl));

  ctrl->pic_parameter_set_id = pps->id;
  ctrl->num_extra_slice_header_bits = pps->num_extra_slice_header_bits;
  ctrl->num_ref_idx_l0_default_active_minus1 = pps->num_ref_idx_l0_default_active_minus1;
  ctrl->num_ref_idx_l1_default_active_minus1 = pps->num_ref_idx_l1_default_active_minus1;
  ctrl->init_qp_minus26 = pps->init_qp_minus26;
  ctrl->diff_cu_qp_delta_depth = pps->diff_cu_qp_delta_depth;
  ctrl->pps_cb_qp_offset = pps->cb_qp_offset;
  ctrl->pps_cr_qp_offset = pps->cr_qp_offset;
  if (pps->tiles_enabled_flag) {
    guint log2_ctb = sps->log2_min_luma_coding_block_size_minus3 + 3
        + sps->log2_diff_max_min_luma_coding_block_size;
    guint ctb = (1 << log2_ctb) - 1;

    ctrl->num_tile_columns_minus1 = MIN (pps->num_tile_columns_minus1, 19);
    ctrl->num_tile_rows_minus1 = MIN (pps->num_tile_rows_minus1, 21);
    fill_tiles (ctrl->column_width_minus1, ctrl->num_tile_columns_minus1 + 1,
        pps->uniform_spacing_flag, pps->column_width_minus1,
        (sps->pic_width_in_luma_samples + ctb) >> log2_ctb);
    fill_tiles (ctrl->row_height_minus1, ctrl->num_tile_rows_minus1 + 1,
        pps->uniform_spacing_flag, pps->row_height_minus1,
        (sps->pic_height_in_luma_samples + ctb) >> log2_ctb);
  }
  ctrl->pps_beta_offset_div2 = pps->beta_offset_div2;
  ctrl->pps_tc_offset_div2 = pps->tc_offset_div2;
  ctrl->log2_parallel_merge_level_minus2 = pps->log2_parallel_merge_level_minus2;

#define FLAG(cond, flag) if (cond) ctrl->flags |= V4L2_HEVC_PPS_FLAG_ ## flag
  FLAG (pps->dependent_slice_segments_enabled_flag, DEPENDENT_SLICE_SEGMENT_ENABLED);
  FLAG (pps->output_flag_present_flag, OUTPUT_FLAG_PRESENT);
  FLAG (pps->sign_data_hiding_enabled_flag, SIGN_DATA_HIDING_ENABLED);
  FLAG (pps->cabac_init_present_flag, CABAC_INIT_PRESENT);
  FLAG (pps->constrained_intra_pred_flag, CONSTRAINED_INTRA_PRED);
  FLAG (pps->transform_skip_enabled_flag, TRANSFORM_SKIP_ENABLED);
  FLAG (pps->cu_qp_delta_enabled_flag, CU_QP_DELTA_ENABLED);
  FLAG (pps->slice_chroma_qp_offsets_present_flag, PPS_SLICE_CHROMA_QP_OFFSETS_PRESENT);
  FLAG (pps->weighted_pred_flag, WEIGHTED_PRED);
  FLAG (pps->weighted_bipred_flag, WEIGHTED_BIPRED);
  FLAG (pps->transquant_bypass_enabled_flag, TRANSQUANT_BYPASS_ENABLED);
  FLAG (pps->tiles_enabled_flag, TILES_ENABLED);
  FLAG (pps->entropy_coding_sync_enabled_flag, ENTROPY_CODING_SYNC_ENABLED);
  FLAG (pps->loop_filter_across_tiles_enabled_flag, LOOP_FILTER_ACROSS_TILES_ENABLED);
  FLAG (pps->loop_filter_across_slices_enabled_flag, PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED);
  FLAG (pps->deblocking_filter_override_enabled_flag, DEBLOCKING_FILTER_OVERRIDE_ENABLED);
  FLAG (pps->deblocking_filter_disabled_flag, PPS_DISABLE_DEBLOCKING_FILTER);
  FLAG (pps->lists_modification_present_flag, LISTS_MODIFICATION_PRESENT);
  FLAG (pps->slice_segment_header_extension_present_flag, SLICE_SEGMENT_HEADER_EXTENSION_PRESENT);
  FLAG (pps->deblocking_filter_control_present_flag, DEBLOCKING_FILTER_CONTROL_PRESENT);
  FLAG (pps->tiles_enabled_flag && pps->uniform_spacing_flag, UNIFORM_SPACING);
#undef FLAG
}

/* Table 7-6, in scan order; the 4x4 lists are flat (Table 7-5). */
static const guint8 default_intra[64] = {
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 16, 17, 16, 17, 18,
  17, 18, 18, 17, 18, 21, 19, 20, 21, 20, 19, 21, 24, 22, 22, 24,
  24, 22, 22, 24, 25, 25, 27, 30, 27, 25, 25, 29, 31, 35, 35, 31,
  29, 36, 41, 44, 41, 36, 47, 54, 54, 47, 65, 70, 65, 88, 88, 115
};

static const guint8 default_inter[64] = {
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 18,
  18, 18, 18, 18, 18, 20, 20, 20, 20, 20, 20, 20, 24, 24, 24, 24,
  24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 28, 28, 28, 28, 28,
  28, 33, 33, 33, 33, 33, 41, 41, 41, 41, 54, 54, 54, 71, 71, 91
};

static void
fill_default_lists (GstH265ScalingList * list)
{
  memset (list->scaling_lists_4x4, 16, sizeof (list->scaling_lists_4x4));
  for (guint i = 0; i < 6; i++) {
    const guint8 *from = i < 3 ? default_intra : default_inter;

    memcpy (list->scaling_lists_8x8[i], from, 64);
    memcpy (list->scaling_lists_16x16[i], from, 64);
    list->scaling_list_dc_coef_minus8_16x16[i] = 8;
  }
  for (guint i = 0; i < 2; i++) {
    memcpy (list->scaling_lists_32x32[i], i ? default_inter : default_intra, 64);
    list->scaling_list_dc_coef_minus8_32x32[i] = 8;
  }
}

/**
 * h265_controls_fill_scaling_matrix:
 *
 * In raster order. The PPS's lists where it has any, else the SPS's, else the
 * default ones (7.4.3.2.1), which the parser leaves out.
 */
void
h265_controls_fill_scaling_matrix (struct v4l2_ctrl_hevc_scaling_matrix *ctrl,
    const GstH265PPS * pps, const GstH265SPS * sps)
{
  const GstH265ScalingList *list = pps->scaling_list_data_present_flag ? &pps->scaling_list
      : &sps->scaling_list;
  GstH265ScalingList defaults;

  memset (ctrl, 0, sizeof (*ctrl));
  if (!sps->scaling_list_enabled_flag)
    return;
  if (!pps->scaling_list_data_present_flag && !sps->scaling_list_data_present_flag) {
    fill_default_lists (&defaults);
    list = &defaults;
  }

  for (guint i = 0; i < 6; i++) {
    gst_h265_quant_matrix_4x4_get_raster_from_uprightdiagonal (ctrl->scaling_list_4x4[i],
        list->scaling_lists_4x4[i]);
    gst_h265_quant_matrix_8x8_get_raster_from_uprightdiagonal (ctrl->scaling_list_8x8[i],
        list->scaling_lists_8x8[i]);
    gst_h265_quant_matrix_8x8_get_raster_from_uprightdiagonal (ctrl->scaling_list_16x16[i],
        list->scaling_lists_16x16[i]);
    ctrl->scaling_list_dc_coef_16x16[i] = list->scaling_list_dc_coef_minus8_16x16[i] + 8;
  }
  for (guint i = 0; i < 2; i++) {
    gst_h265_quant_matrix_8x8_get_raster_from_uprightdiagonal (ctrl->scaling_list_32x32[i],
        list->scaling_lists_32x32[i]);
    ctrl->scaling_list_dc_coef_32x32[i] = list->scaling_list_dc_coef_minus8_32x32[i] + 8;
  }
}

/* Slices */

/* (7-56) */
static gint8
chroma_offset (const GstH265PredWeightTable * table, gint delta_weight, gint delta_offset)
{
  gint shift = table->luma_log2_weight_denom + table->delta_chroma_log2_weight_denom;
  gint weight;

  shift = CLAMP (shift, 0, 7);
  weight = (1 << shift) + delta_weight;

  return CLAMP (128 + delta_offset - ((128 * weight) >> shift), -128, 127);
}

static void
fill_weights (struct v4l2_hevc_pred_weight_table *ctrl, const GstH265SliceHdr * hdr)
{
  const GstH265PredWeightTable *t = &hdr->pred_weight_table;

  ctrl->luma_log2_weight_denom = t->luma_log2_weight_denom;
  ctrl->delta_chroma_log2_weight_denom = t->delta_chroma_log2_weight_denom;
  for (guint i = 0; i < G_N_ELEMENTS (t->delta_luma_weight_l0); i++) {
    if (t->luma_weight_l0_flag[i]) {
      ctrl->delta_luma_weight_l0[i] = t->delta_luma_weight_l0[i];
      ctrl->luma_offset_l0[i] = t->luma_offset_l0[i];
    }
    if (t->luma_weight_l1_flag[i]) {
      ctrl->delta_luma_weight_l1[i] = t->delta_luma_weight_l1[i];
      ctrl->luma_offset_l1[i] = t->luma_offset_l1[i];
    }
    for (guint c = 0; c < 2; c++) {
      if (t->chroma_weight_l0_flag[i]) {
        ctrl->delta_chroma_weight_l0[i][c] = t->delta_chroma_weight_l0[i][c];
        ctrl->chroma_offset_l0[i][c] = chroma_offset (t, t->delta_chroma_weight_l0[i][c],
            t->delta_chroma_offset_l0[i][c]);
      }
      if (t->chroma_weight_l1_flag[i]) {
        ctrl->delta_chroma_weight_l1[i][c] = t->delta_chroma_weight_l1[i][c];
        ctrl->chroma_offset_l1[i][c] = chroma_offset (t, t->delta_chroma_weight_l1[i][c],
            t->delta_chroma_offset_l1[i][c]);
      }
    }
  }
}

/**
 * h265_controls_fill_slice_params:
 * @ctrl: for a dependent slice segment, what the one before it had; otherwise anything
 *
 * All but the reference lists, the order count and what depends on where the
 * slice segment is in the job.
 */
void
h265_controls_fill_slice_params (struct v4l2_ctrl_hevc_slice_params *ctrl,
    const GstH265SliceHdr * hdr, const GstH265NalUnit * nalu)
{
  if (!hdr->dependent_slice_segment_flag)
    memset (ctrl, 0, sizeof (*ctrl));

  ctrl->bit_size = nalu->size * 8;
  /* header_size counts emulation prevention bytes, too */
  ctrl->data_byte_offset = nalu->header_bytes + (hdr->header_size + 7) / 8;
  ctrl->num_entry_point_offsets = hdr->num_entry_point_offsets;
  ctrl->nal_unit_type = nalu->type;
  ctrl->nuh_temporal_id_plus1 = nalu->temporal_id_plus1;
  ctrl->slice_segment_addr = hdr->segment_address;
  if (hdr->dependent_slice_segment_flag) {
    ctrl->flags |= V4L2_HEVC_SLICE_PARAMS_FLAG_DEPENDENT_SLICE_SEGMENT;
    return;
  }

  ctrl->slice_type = hdr->type;
  ctrl->colour_plane_id = hdr->colour_plane_id;
  if (hdr->type != GST_H265_I_SLICE) {
    ctrl->num_ref_idx_l0_active_minus1 = MIN (hdr->num_ref_idx_l0_active_minus1, 14);
    if (hdr->type == GST_H265_B_SLICE)
      ctrl->num_ref_idx_l1_active_minus1 = MIN (hdr->num_ref_idx_l1_active_minus1, 14);
    ctrl->collocated_ref_idx = hdr->temporal_mvp_enabled_flag ? hdr->collocated_ref_idx : 0xff;
    ctrl->five_minus_max_num_merge_cand = hdr->five_minus_max_num_merge_cand;
    if ((hdr->type == GST_H265_P_SLICE && hdr->pps->weighted_pred_flag)
        || (hdr->type == GST_H265_B_SLICE && hdr->pps->weighted_bipred_flag))
      fill_weights (&ctrl->pred_weight_table, hdr);
  }
  ctrl->slice_qp_delta = hdr->qp_delta;
  ctrl->slice_cb_qp_offset = hdr->cb_qp_offset;
  ctrl->slice_cr_qp_offset = hdr->cr_qp_offset;
  ctrl->slice_beta_offset_div2 = hdr->beta_offset_div2;
  ctrl->slice_tc_offset_div2 = hdr->tc_offset_div2;
  ctrl->short_term_ref_pic_set_size = hdr->short_term_ref_pic_set_sps_flag ? 0
      : hdr->short_term_ref_pic_set_size;
  ctrl->long_term_ref_pic_set_size = hdr->long_term_ref_pic_set_size;

#define FLAG(cond, flag) if (cond) ctrl->flags |= V4L2_HEVC_SLICE_PARAMS_FLAG_ ## flag
  FLAG (hdr->sao_luma_flag, SLICE_SAO_LUMA);
  FLAG (hdr->sao_chroma_flag, SLICE_SAO_CHROMA);
  FLAG (hdr->temporal_mvp_enabled_flag, SLICE_TEMPORAL_MVP_ENABLED);
  FLAG (hdr->mvd_l1_zero_flag, MVD_L1_ZERO);
  FLAG (hdr->cabac_init_flag, CABAC_INIT);
  FLAG (hdr->collocated_from_l0_flag, COLLOCATED_FROM_L0);
  FLAG (hdr->deblocking_filter_disabled_flag, SLICE_DEBLOCKING_FILTER_DISABLED);
  FLAG (hdr->loop_filter_across_slices_enabled_flag, SLICE_LOOP_FILTER_ACROSS_SLICES_ENABLED);
#undef FLAG
}

static guint8
dpb_index (const H265Dpb * dpb, const H265Frame * frame)
{
  guint8 index = 0;

  for (guint i = 0; i < dpb->n_frames && dpb->frames[i] != frame; i++)
    index += dpb->frames[i]->marking != H265_UNUSED;

  return index;
}

static guint8
fill_set (guint8 * indices, const H265Dpb * dpb, const H265RefSet * set)
{
  for (guint i = 0; i < set->n; i++)
    indices[i] = dpb_index (dpb, set->frames[i]);

  return set->n;
}

/**
 * h265_controls_fill_dpb:
 *
 * Every picture of the RPS, also those that only later pictures use; and the
 * sets of the current picture as indices of them.
 */
void
h265_controls_fill_dpb (struct v4l2_ctrl_hevc_decode_params *ctrl, const H265Dpb * dpb,
    const H265Rps * rps)
{
  guint n = 0;

  for (guint i = 0; i < dpb->n_frames && n < V4L2_HEVC_DPB_ENTRIES_NUM_MAX; i++) {
    const H265Frame *frame = dpb->frames[i];
    struct v4l2_hevc_dpb_entry *entry = &ctrl->dpb[n];

    if (frame->marking == H265_UNUSED)
      continue;
    entry->timestamp = frame->picture->key;
    entry->pic_order_cnt_val = frame->poc;
    if (frame->marking == H265_LONG_TERM)
      entry->flags = V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE;
    n++;
  }
  ctrl->num_active_dpb_entries = n;
  ctrl->num_poc_st_curr_before = fill_set (ctrl->poc_st_curr_before, dpb, &rps->st_curr_before);
  ctrl->num_poc_st_curr_after = fill_set (ctrl->poc_st_curr_after, dpb, &rps->st_curr_after);
  ctrl->num_poc_lt_curr = fill_set (ctrl->poc_lt_curr, dpb, &rps->lt_curr);
}

/* 8.3.4, one list; the candidates are the three sets in their order, over and over. */
static void
fill_list (guint8 * list, guint n, const H265Dpb * dpb, const H265RefSet * const sets[3],
    gboolean modified, const guint32 * entries)
{
  const H265Frame *candidates[3 * H265_DPB_MAX_FRAMES];
  guint total = 0;

  for (guint s = 0; s < 3; s++)
    for (guint i = 0; i < sets[s]->n; i++)
      candidates[total++] = sets[s]->frames[i];
  for (guint i = 0; i < n && total > 0; i++)
    list[i] = dpb_index (dpb, candidates[(modified ? entries[i] : i) % total]);
}

/**
 * h265_controls_fill_lists:
 * @ctrl: of an independent slice segment, without its lists
 * @modification: its ref_pic_lists_modification()
 */
void
h265_controls_fill_lists (struct v4l2_ctrl_hevc_slice_params *ctrl, const H265Dpb * dpb,
    const H265Rps * rps, const GstH265RefPicListModification * modification)
{
  const H265RefSet *l0[] = { &rps->st_curr_before, &rps->st_curr_after, &rps->lt_curr };
  const H265RefSet *l1[] = { &rps->st_curr_after, &rps->st_curr_before, &rps->lt_curr };

  if (ctrl->slice_type != GST_H265_I_SLICE)
    fill_list (ctrl->ref_idx_l0, ctrl->num_ref_idx_l0_active_minus1 + 1, dpb, l0,
        modification->ref_pic_list_modification_flag_l0, modification->list_entry_l0);
  if (ctrl->slice_type == GST_H265_B_SLICE)
    fill_list (ctrl->ref_idx_l1, ctrl->num_ref_idx_l1_active_minus1 + 1, dpb, l1,
        modification->ref_pic_list_modification_flag_l1, modification->list_entry_l1);
}

/* Sequences */

gboolean
h265_sps_check (const GstH265SPS * sps, GError ** error)
{
  const gchar *what = NULL;

  if (sps->bit_depth_luma_minus8 != sps->bit_depth_chroma_minus8)
    what = "unequal bit depths of luma and chroma are";
  else if (sps->separate_colour_plane_flag)
    what = "separate colour planes are";
  else if (sps->sps_scc_extension_flag || sps->sps_3d_extension_flag
      || sps->sps_multilayer_extension_flag)
    what = "screen content, 3D and multilayer extensions are";
  else if (sps->sps_range_extension_flag) {
    const GstH265SPSExtensionParams *ext = &sps->sps_extension_params;

    /* A range extension that says nothing but defaults changes nothing. */
    if (ext->transform_skip_rotation_enabled_flag || ext->transform_skip_context_enabled_flag
        || ext->implicit_rdpcm_enabled_flag || ext->explicit_rdpcm_enabled_flag
        || ext->extended_precision_processing_flag || ext->intra_smoothing_disabled_flag
        || ext->high_precision_offsets_enabled_flag
        || ext->persistent_rice_adaptation_enabled_flag || ext->cabac_bypass_alignment_enabled_flag)
      what = "range extensions' tools are";
  }
  if (!what)
    return TRUE;
  g_set_error (error, CODEC_ERROR, CODEC_ERROR_UNSUPPORTED, "%s not supported", what);

  return FALSE;
}

static gint
find_profile (const GstH265SPS * sps)
{
  switch (sps->profile_tier_level.profile_idc) {
    case 1:
      return V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN;
    case 2:
      return V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN_10;
    case 3:
      return V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN_STILL_PICTURE;
    default:
      return -1;
  }
}

/* general_level_idc is 30 times the level (A.4.1) */
static gint
find_level (guint idc)
{
  static const guint8 idcs[] = { 30, 60, 63, 90, 93, 120, 123, 150, 153, 156, 180, 183, 186 };

  for (guint i = 0; i < G_N_ELEMENTS (idcs); i++) {
    if (idcs[i] == idc)
      return V4L2_MPEG_VIDEO_HEVC_LEVEL_1 + i;
  }

  return -1;
}

/* 7.4.3.2.1: the conformance window; one that leaves nothing is no window. */
static void
fill_crop (const GstH265SPS * sps, CodecSequence * seq)
{
  guint64 unit_x = sps->chroma_format_idc == 1 || sps->chroma_format_idc == 2 ? 2 : 1;
  guint64 unit_y = sps->chroma_format_idc == 1 ? 2 : 1;
  guint64 left = unit_x * sps->conf_win_left_offset, right = unit_x * sps->conf_win_right_offset;
  guint64 top = unit_y * sps->conf_win_top_offset, bottom = unit_y * sps->conf_win_bottom_offset;

  seq->width = seq->coded_width;
  seq->height = seq->coded_height;
  if (!sps->conformance_window_flag || left + right >= seq->coded_width
      || top + bottom >= seq->coded_height)
    return;
  seq->crop_x = left;
  seq->crop_y = top;
  seq->width -= left + right;
  seq->height -= top + bottom;
}

static void
fill_vui (const GstH265SPS * sps, CodecSequence * seq)
{
  const GstH265VUIParams *vui = &sps->vui_params;

  if (!sps->vui_parameters_present_flag)
    return;

  if (vui->timing_info_present_flag && vui->num_units_in_tick > 0 && vui->time_scale > 0) {
    guint gcd = gst_util_greatest_common_divisor_int64 (vui->time_scale, vui->num_units_in_tick);

    if (vui->time_scale / gcd <= G_MAXINT && vui->num_units_in_tick / gcd <= G_MAXINT) {
      seq->fps_n = vui->time_scale / gcd;
      seq->fps_d = vui->num_units_in_tick / gcd;
    }
  }
  if (vui->par_n > 0 && vui->par_d > 0 && vui->par_n <= G_MAXINT && vui->par_d <= G_MAXINT) {
    seq->par_n = vui->par_n;
    seq->par_d = vui->par_d;
  }
  if (vui->video_signal_type_present_flag) {
    seq->colorimetry.range = vui->video_full_range_flag ? GST_VIDEO_COLOR_RANGE_0_255 :
        GST_VIDEO_COLOR_RANGE_16_235;
    if (vui->colour_description_present_flag)
      codec_sequence_set_colours (seq, vui->colour_primaries, vui->transfer_characteristics,
          vui->matrix_coefficients);
  }
  if (vui->chroma_loc_info_present_flag && sps->chroma_format_idc == 1)
    seq->chroma_site = codec_chroma_site (vui->chroma_sample_loc_type_top_field);
}

/**
 * h265_sps_to_sequence:
 * @sequence: (out caller-allocates): without controls
 */
void
h265_sps_to_sequence (const GstH265SPS * sps, CodecSequence * seq)
{
  H265Dpb dpb = { {NULL,}, 0, };

  memset (seq, 0, sizeof (*seq));

  h265_dpb_configure (&dpb, sps);
  seq->coded_width = sps->pic_width_in_luma_samples;
  seq->coded_height = sps->pic_height_in_luma_samples;
  fill_crop (sps, seq);
  seq->bit_depth = sps->bit_depth_luma_minus8 + 8;
  seq->chroma_format_idc = sps->chroma_format_idc;
  seq->profile = find_profile (sps);
  seq->level = find_level (sps->profile_tier_level.level_idc);
  seq->dpb_size = dpb.size;
  seq->reorder = dpb.max_reorder;
  seq->fps_d = 1;
  seq->par_n = seq->par_d = 1;
  fill_vui (sps, seq);
}
