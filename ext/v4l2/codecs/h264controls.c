/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h264controls.h"

#include <string.h>

/* Controls */

/**
 * h264_controls_fill_sps:
 *
 * Members that the SPS does not carry are 0, as the kernel wants them.
 */
void
h264_controls_fill_sps (struct v4l2_ctrl_h264_sps *ctrl, const GstH264SPS * sps)
{
  memset (ctrl, 0, sizeof (*ctrl));

  ctrl->profile_idc = sps->profile_idc;
  ctrl->constraint_set_flags =
      (sps->constraint_set0_flag ? V4L2_H264_SPS_CONSTRAINT_SET0_FLAG : 0) |
      (sps->constraint_set1_flag ? V4L2_H264_SPS_CONSTRAINT_SET1_FLAG : 0) |
      (sps->constraint_set2_flag ? V4L2_H264_SPS_CONSTRAINT_SET2_FLAG : 0) |
      (sps->constraint_set3_flag ? V4L2_H264_SPS_CONSTRAINT_SET3_FLAG : 0) |
      (sps->constraint_set4_flag ? V4L2_H264_SPS_CONSTRAINT_SET4_FLAG : 0) |
      (sps->constraint_set5_flag ? V4L2_H264_SPS_CONSTRAINT_SET5_FLAG : 0);
  ctrl->level_idc = sps->level_idc;
  ctrl->seq_parameter_set_id = sps->id;
  ctrl->chroma_format_idc = sps->chroma_format_idc;
  ctrl->bit_depth_luma_minus8 = sps->bit_depth_luma_minus8;
  ctrl->bit_depth_chroma_minus8 = sps->bit_depth_chroma_minus8;
  ctrl->log2_max_frame_num_minus4 = sps->log2_max_frame_num_minus4;
  ctrl->pic_order_cnt_type = sps->pic_order_cnt_type;
  if (sps->pic_order_cnt_type == 0) {
    ctrl->log2_max_pic_order_cnt_lsb_minus4 = sps->log2_max_pic_order_cnt_lsb_minus4;
  } else if (sps->pic_order_cnt_type == 1) {
    G_STATIC_ASSERT (sizeof (ctrl->offset_for_ref_frame) == sizeof (sps->offset_for_ref_frame));

    ctrl->num_ref_frames_in_pic_order_cnt_cycle = sps->num_ref_frames_in_pic_order_cnt_cycle;
    memcpy (ctrl->offset_for_ref_frame, sps->offset_for_ref_frame,
        sps->num_ref_frames_in_pic_order_cnt_cycle * sizeof (sps->offset_for_ref_frame[0]));
    ctrl->offset_for_non_ref_pic = sps->offset_for_non_ref_pic;
    ctrl->offset_for_top_to_bottom_field = sps->offset_for_top_to_bottom_field;
  }
  ctrl->max_num_ref_frames = sps->num_ref_frames;
  ctrl->pic_width_in_mbs_minus1 = sps->pic_width_in_mbs_minus1;
  ctrl->pic_height_in_map_units_minus1 = sps->pic_height_in_map_units_minus1;

  if (sps->separate_colour_plane_flag)
    ctrl->flags |= V4L2_H264_SPS_FLAG_SEPARATE_COLOUR_PLANE;
  if (sps->qpprime_y_zero_transform_bypass_flag)
    ctrl->flags |= V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS;
  if (sps->pic_order_cnt_type == 1 && sps->delta_pic_order_always_zero_flag)
    ctrl->flags |= V4L2_H264_SPS_FLAG_DELTA_PIC_ORDER_ALWAYS_ZERO;
  if (sps->gaps_in_frame_num_value_allowed_flag)
    ctrl->flags |= V4L2_H264_SPS_FLAG_GAPS_IN_FRAME_NUM_VALUE_ALLOWED;
  if (sps->frame_mbs_only_flag)
    ctrl->flags |= V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY;
  else if (sps->mb_adaptive_frame_field_flag)
    ctrl->flags |= V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD;
  if (sps->direct_8x8_inference_flag)
    ctrl->flags |= V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
}

/**
 * h264_controls_fill_pps:
 * @sps: the one that @pps refers to
 */
void
h264_controls_fill_pps (struct v4l2_ctrl_h264_pps *ctrl, const GstH264PPS * pps,
    const GstH264SPS * sps)
{
  memset (ctrl, 0, sizeof (*ctrl));

  ctrl->pic_parameter_set_id = pps->id;
  ctrl->seq_parameter_set_id = sps->id;
  ctrl->num_slice_groups_minus1 = pps->num_slice_groups_minus1;
  ctrl->num_ref_idx_l0_default_active_minus1 = pps->num_ref_idx_l0_active_minus1;
  ctrl->num_ref_idx_l1_default_active_minus1 = pps->num_ref_idx_l1_active_minus1;
  ctrl->weighted_bipred_idc = pps->weighted_bipred_idc;
  ctrl->pic_init_qp_minus26 = pps->pic_init_qp_minus26;
  ctrl->pic_init_qs_minus26 = pps->pic_init_qs_minus26;
  ctrl->chroma_qp_index_offset = pps->chroma_qp_index_offset;
  ctrl->second_chroma_qp_index_offset = (gint8) pps->second_chroma_qp_index_offset;

  if (pps->entropy_coding_mode_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE;
  if (pps->pic_order_present_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_BOTTOM_FIELD_PIC_ORDER_IN_FRAME_PRESENT;
  if (pps->weighted_pred_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_WEIGHTED_PRED;
  if (pps->deblocking_filter_control_present_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_DEBLOCKING_FILTER_CONTROL_PRESENT;
  if (pps->constrained_intra_pred_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_CONSTRAINED_INTRA_PRED;
  if (pps->redundant_pic_cnt_present_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_REDUNDANT_PIC_CNT_PRESENT;
  if (pps->transform_8x8_mode_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE;
  /* The uAPI's flag means "not Flat_16", so an SPS's lists count (7.4.2.1.1). */
  if (sps->scaling_matrix_present_flag || pps->pic_scaling_matrix_present_flag)
    ctrl->flags |= V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT;
}

/**
 * h264_controls_fill_scaling_matrix:
 *
 * The lists in force after fall-back (Table 7-2), in raster order (8.5.6).  The
 * parser resolves fall-back into the PPS, and gives lists in zigzag order.
 */
void
h264_controls_fill_scaling_matrix (struct v4l2_ctrl_h264_scaling_matrix *ctrl,
    const GstH264PPS * pps, const GstH264SPS * sps)
{
  const guint n_8x8 = sps->chroma_format_idc == 3 ? 6 : 2;

  memset (ctrl, 0, sizeof (*ctrl));

  for (guint i = 0; i < 6; i++)
    gst_h264_quant_matrix_4x4_get_raster_from_zigzag (ctrl->scaling_list_4x4[i],
        pps->scaling_lists_4x4[i]);
  for (guint i = 0; i < n_8x8; i++)
    gst_h264_quant_matrix_8x8_get_raster_from_zigzag (ctrl->scaling_list_8x8[i],
        pps->scaling_lists_8x8[i]);
  /* Cb and Cr have 8x8 lists in 4:4:4 only; elsewhere they would inherit luma's. */
  for (guint i = n_8x8; i < 6; i++)
    memcpy (ctrl->scaling_list_8x8[i], ctrl->scaling_list_8x8[i % 2],
        sizeof (ctrl->scaling_list_8x8[i]));
}

/**
 * h264_controls_fill_decode_params:
 * @current: with the order counts of all fields that are decoded or are about to be
 *
 * Everything but the dpb array, which h264_controls_fill_dpb() fills.
 */
void
h264_controls_fill_decode_params (struct v4l2_ctrl_h264_decode_params *ctrl,
    const H264PictureSyntax * syntax, const H264Frame * current)
{
  const GstH264SliceHdr *hdr = syntax->hdr;

  memset (ctrl, 0, sizeof (*ctrl));

  ctrl->nal_ref_idc = syntax->nal_ref_idc;
  ctrl->frame_num = hdr->frame_num;
  ctrl->top_field_order_cnt = current->poc[0];
  ctrl->bottom_field_order_cnt = current->poc[1];
  ctrl->idr_pic_id = hdr->idr_pic_id;
  ctrl->pic_order_cnt_lsb = hdr->pic_order_cnt_lsb;
  ctrl->delta_pic_order_cnt_bottom = hdr->delta_pic_order_cnt_bottom;
  ctrl->delta_pic_order_cnt0 = hdr->delta_pic_order_cnt[0];
  ctrl->delta_pic_order_cnt1 = hdr->delta_pic_order_cnt[1];
  ctrl->dec_ref_pic_marking_bit_size = hdr->dec_ref_pic_marking.bit_size;
  ctrl->pic_order_cnt_bit_size = hdr->pic_order_cnt_bit_size;
  ctrl->slice_group_change_cycle = hdr->slice_group_change_cycle;

  if (syntax->idr)
    ctrl->flags |= V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC;
  if (hdr->field_pic_flag)
    ctrl->flags |= V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC;
  if (hdr->field_pic_flag && hdr->bottom_field_flag)
    ctrl->flags |= V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
  /* One kind per picture: a picture with any B slice needs what a B picture needs. */
  if (syntax->has_b)
    ctrl->flags |= V4L2_H264_DECODE_PARAM_FLAG_BFRAME;
  else if (syntax->has_p)
    ctrl->flags |= V4L2_H264_DECODE_PARAM_FLAG_PFRAME;
}

/* Which fields of a frame a picture of this structure may predict from (8.2.4.1). */
static guint8
referable_fields (const H264Frame * frame, guint8 structure, gboolean * long_term)
{
  *long_term = FALSE;

  if (structure == H264_FRAME) {
    if (frame->short_term == H264_FRAME)
      return H264_FRAME;
    *long_term = TRUE;
    return frame->long_term == H264_FRAME ? H264_FRAME : 0;
  }

  /* The uAPI has one flag per frame; fields marked differently go by the long-term one. */
  *long_term = frame->long_term != 0;
  return frame->short_term | frame->long_term;
}

static void
fill_dpb_entry (struct v4l2_h264_dpb_entry *entry, const H264Frame * frame, guint8 structure,
    guint8 fields, gboolean long_term)
{
  gint64 num = long_term ? (gint64) frame->long_term_frame_idx : frame->frame_num_wrap;

  entry->reference_ts = frame->picture->key;
  /* PicNum or LongTermPicNum, (8-28) to (8-33); for fields the one of the current parity. */
  entry->pic_num = structure == H264_FRAME ? num : 2 * num + ((fields & structure) != 0);
  entry->frame_num = long_term ? frame->long_term_frame_idx : frame->frame_num;
  entry->fields = fields;
  /* A field that is not there must not read as an order count of 0. */
  entry->top_field_order_cnt = frame->poc[frame->fields == H264_BOTTOM_FIELD];
  entry->bottom_field_order_cnt = frame->poc[frame->fields != H264_TOP_FIELD];
  entry->flags = V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
  if (long_term)
    entry->flags |= V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM;
  if (frame->field_coded)
    entry->flags |= V4L2_H264_DPB_ENTRY_FLAG_FIELD;
}

/**
 * h264_controls_fill_dpb:
 * @structure: the current picture's field mask
 * @skip_non_existing: leave out frames made for gaps in frame_num
 * @refs: (out): the pictures entered, not referenced
 *
 * Enters what the current picture may predict from, after
 * h264_dpb_update_frame_num_wrap().
 *
 * Returns: how many entries
 */
guint
h264_controls_fill_dpb (struct v4l2_ctrl_h264_decode_params *ctrl, const H264Dpb * dpb,
    guint8 structure, gboolean skip_non_existing, CodecPicture * refs[H264_DPB_MAX_FRAMES])
{
  guint n = 0;

  G_STATIC_ASSERT (G_N_ELEMENTS (ctrl->dpb) == H264_DPB_MAX_FRAMES);

  for (guint i = 0; i < dpb->n_frames; i++) {
    const H264Frame *frame = dpb->frames[i];
    gboolean long_term;
    guint8 fields = referable_fields (frame, structure, &long_term);

    if (!fields || (skip_non_existing && frame->non_existing))
      continue;
    fill_dpb_entry (&ctrl->dpb[n], frame, structure, fields, long_term);
    refs[n++] = frame->picture;
  }

  return n;
}

/* Sequences */

/* Table A-1: MaxDpbMbs, in macroblocks. */
static const struct
{
  guint8 level_idc;
  guint max_dpb_mbs;
  gint v4l2_level;
} levels[] = {
  {9, 396, V4L2_MPEG_VIDEO_H264_LEVEL_1B},
  {10, 396, V4L2_MPEG_VIDEO_H264_LEVEL_1_0},
  {11, 900, V4L2_MPEG_VIDEO_H264_LEVEL_1_1},
  {12, 2376, V4L2_MPEG_VIDEO_H264_LEVEL_1_2},
  {13, 2376, V4L2_MPEG_VIDEO_H264_LEVEL_1_3},
  {20, 2376, V4L2_MPEG_VIDEO_H264_LEVEL_2_0},
  {21, 4752, V4L2_MPEG_VIDEO_H264_LEVEL_2_1},
  {22, 8100, V4L2_MPEG_VIDEO_H264_LEVEL_2_2},
  {30, 8100, V4L2_MPEG_VIDEO_H264_LEVEL_3_0},
  {31, 18000, V4L2_MPEG_VIDEO_H264_LEVEL_3_1},
  {32, 20480, V4L2_MPEG_VIDEO_H264_LEVEL_3_2},
  {40, 32768, V4L2_MPEG_VIDEO_H264_LEVEL_4_0},
  {41, 32768, V4L2_MPEG_VIDEO_H264_LEVEL_4_1},
  {42, 34816, V4L2_MPEG_VIDEO_H264_LEVEL_4_2},
  {50, 110400, V4L2_MPEG_VIDEO_H264_LEVEL_5_0},
  {51, 184320, V4L2_MPEG_VIDEO_H264_LEVEL_5_1},
  {52, 184320, V4L2_MPEG_VIDEO_H264_LEVEL_5_2},
  {60, 696320, V4L2_MPEG_VIDEO_H264_LEVEL_6_0},
  {61, 696320, V4L2_MPEG_VIDEO_H264_LEVEL_6_1},
  {62, 696320, V4L2_MPEG_VIDEO_H264_LEVEL_6_2},
};

/* Index into levels, -1 if the level is none of H.264's. */
static gint
find_level (const GstH264SPS * sps)
{
  guint level_idc = sps->level_idc;

  /* A.3.1: these profiles have level 1b as 11 with constraint_set3_flag */
  if (level_idc == 11 && sps->constraint_set3_flag
      && (sps->profile_idc == 66 || sps->profile_idc == 77 || sps->profile_idc == 88))
    level_idc = 9;

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++) {
    if (levels[i].level_idc == level_idc)
      return i;
  }

  return -1;
}

static gint
find_profile (const GstH264SPS * sps)
{
  const gboolean intra = sps->constraint_set3_flag;

  switch (sps->profile_idc) {
    case 44:
      return V4L2_MPEG_VIDEO_H264_PROFILE_CAVLC_444_INTRA;
    case 66:
      return sps->constraint_set1_flag ? V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_BASELINE :
          V4L2_MPEG_VIDEO_H264_PROFILE_BASELINE;
    case 77:
      return V4L2_MPEG_VIDEO_H264_PROFILE_MAIN;
    case 83:
      return V4L2_MPEG_VIDEO_H264_PROFILE_SCALABLE_BASELINE;
    case 86:
      return intra ? V4L2_MPEG_VIDEO_H264_PROFILE_SCALABLE_HIGH_INTRA :
          V4L2_MPEG_VIDEO_H264_PROFILE_SCALABLE_HIGH;
    case 88:
      return V4L2_MPEG_VIDEO_H264_PROFILE_EXTENDED;
    case 100:
      return sps->constraint_set4_flag && sps->constraint_set5_flag ?
          V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_HIGH : V4L2_MPEG_VIDEO_H264_PROFILE_HIGH;
    case 110:
      return intra ? V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_10_INTRA :
          V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_10;
    case 118:
      return V4L2_MPEG_VIDEO_H264_PROFILE_MULTIVIEW_HIGH;
    case 122:
      return intra ? V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_422_INTRA :
          V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_422;
    case 128:
      return V4L2_MPEG_VIDEO_H264_PROFILE_STEREO_HIGH;
    case 244:
      return intra ? V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_444_INTRA :
          V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_444_PREDICTIVE;
    default:
      return -1;
  }
}

/* E.2.1: where max_num_reorder_frames and max_dec_frame_buffering are inferred to be 0. */
static gboolean
is_intra_profile (const GstH264SPS * sps)
{
  if (sps->profile_idc == 44)
    return TRUE;

  return sps->constraint_set3_flag && (sps->profile_idc == 86 || sps->profile_idc == 100
      || sps->profile_idc == 110 || sps->profile_idc == 122 || sps->profile_idc == 244);
}

static guint
frame_height_in_mbs (const GstH264SPS * sps)
{
  return (sps->pic_height_in_map_units_minus1 + 1) * (2 - sps->frame_mbs_only_flag);
}

/**
 * h264_sps_dpb_size:
 *
 * Returns: max_dec_frame_buffering, or where it is not signalled MaxDpbFrames (A.3.1 h); 0 to 16.
 *   A stream may have more references than that, in spite of the specification.
 */
guint
h264_sps_dpb_size (const GstH264SPS * sps)
{
  guint mbs = (sps->pic_width_in_mbs_minus1 + 1) * frame_height_in_mbs (sps);
  gint level = find_level (sps);

  if (sps->vui_parameters_present_flag && sps->vui_parameters.bitstream_restriction_flag)
    return MIN (sps->vui_parameters.max_dec_frame_buffering, H264_DPB_MAX_FRAMES);
  if (is_intra_profile (sps))
    return 0;
  if (level < 0)
    return H264_DPB_MAX_FRAMES;

  return CLAMP (levels[level].max_dpb_mbs / mbs, 1, H264_DPB_MAX_FRAMES);
}

/**
 * h264_sps_reorder:
 *
 * Returns: max_num_reorder_frames, as signalled or inferred (E.2.1)
 */
guint
h264_sps_reorder (const GstH264SPS * sps, guint dpb_size)
{
  /* Output order is decoding order, 8.2.1.3. */
  if (sps->pic_order_cnt_type == 2 || is_intra_profile (sps))
    return 0;
  if (sps->vui_parameters_present_flag && sps->vui_parameters.bitstream_restriction_flag)
    return MIN (sps->vui_parameters.num_reorder_frames, dpb_size);

  return dpb_size;
}

/**
 * h264_sps_check:
 *
 * Returns: FALSE with #CODEC_ERROR_UNSUPPORTED for what no #CodecSequence can say
 */
gboolean
h264_sps_check (const GstH264SPS * sps, GError ** error)
{
  /* Level 6.2: PicWidthInMbs and FrameHeightInMbs up to Sqrt (MaxFS * 8), A.3.1. */
  const guint max_mbs = 1055;

  if (sps->pic_width_in_mbs_minus1 >= max_mbs || sps->pic_height_in_map_units_minus1 >= max_mbs
      || frame_height_in_mbs (sps) > max_mbs) {
    g_set_error (error, CODEC_ERROR, CODEC_ERROR_UNSUPPORTED,
        "A picture of %u by %u macroblocks is larger than any H.264 level allows",
        sps->pic_width_in_mbs_minus1 + 1, sps->pic_height_in_map_units_minus1 + 1);
    return FALSE;
  }
  if (sps->chroma_format_idc != 0 && sps->bit_depth_luma_minus8 != sps->bit_depth_chroma_minus8) {
    g_set_error (error, CODEC_ERROR, CODEC_ERROR_UNSUPPORTED,
        "%u bit luma with %u bit chroma", sps->bit_depth_luma_minus8 + 8,
        sps->bit_depth_chroma_minus8 + 8);
    return FALSE;
  }

  return TRUE;
}

/* 7.4.2.1.1: (7-19) to (7-22); cropping that leaves nothing is no cropping. */
static void
fill_crop (const GstH264SPS * sps, CodecSequence * seq)
{
  guint array_type = sps->separate_colour_plane_flag ? 0 : sps->chroma_format_idc;
  guint64 unit_x = array_type == 1 || array_type == 2 ? 2 : 1;
  guint64 unit_y = (array_type == 1 ? 2 : 1) * (2 - sps->frame_mbs_only_flag);
  guint64 left, right, top, bottom;

  seq->width = seq->coded_width;
  seq->height = seq->coded_height;
  if (!sps->frame_cropping_flag)
    return;

  left = unit_x * sps->frame_crop_left_offset;
  right = unit_x * sps->frame_crop_right_offset;
  top = unit_y * sps->frame_crop_top_offset;
  bottom = unit_y * sps->frame_crop_bottom_offset;
  if (left + right >= seq->coded_width || top + bottom >= seq->coded_height)
    return;

  seq->crop_x = left;
  seq->crop_y = top;
  seq->width -= left + right;
  seq->height -= top + bottom;
}

static void
fill_vui (const GstH264SPS * sps, CodecSequence * seq)
{
  const GstH264VUIParams *vui = &sps->vui_parameters;

  if (!sps->vui_parameters_present_flag)
    return;

  gst_h264_video_calculate_framerate (sps, 0, 0, &seq->fps_n, &seq->fps_d);
  if (seq->fps_n > 0 && seq->fps_d > 0) {
    gint gcd = gst_util_greatest_common_divisor (seq->fps_n, seq->fps_d);

    seq->fps_n /= gcd;
    seq->fps_d /= gcd;
  } else {
    seq->fps_n = 0;
    seq->fps_d = 1;
  }
  if (vui->par_n > 0 && vui->par_d > 0) {
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
 * h264_sps_to_sequence:
 * @sequence: (out caller-allocates): without controls
 */
void
h264_sps_to_sequence (const GstH264SPS * sps, CodecSequence * seq)
{
  gint level = find_level (sps);
  guint dpb_size = h264_sps_dpb_size (sps);

  memset (seq, 0, sizeof (*seq));

  seq->coded_width = (sps->pic_width_in_mbs_minus1 + 1) * 16;
  seq->coded_height = frame_height_in_mbs (sps) * 16;
  fill_crop (sps, seq);
  seq->bit_depth = sps->bit_depth_luma_minus8 + 8;
  seq->chroma_format_idc = sps->chroma_format_idc;
  seq->interlaced = !sps->frame_mbs_only_flag;
  seq->profile = find_profile (sps);
  seq->level = level < 0 ? -1 : levels[level].v4l2_level;
  seq->dpb_size = CLAMP (dpb_size, CLAMP (sps->num_ref_frames, 1, H264_DPB_MAX_FRAMES),
      H264_DPB_MAX_FRAMES);
  seq->reorder = h264_sps_reorder (sps, dpb_size);
  seq->fps_d = 1;
  seq->par_n = seq->par_d = 1;
  fill_vui (sps, seq);
}
