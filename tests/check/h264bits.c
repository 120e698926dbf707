/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bits.h"
#include "h264bits.h"

#include <string.h>

const BitsSps BITS_SPS = {
  .profile_idc = 100,
  .level_idc = 40,
  .chroma_format_idc = 1,
  .bit_depth = 8,
  .log2_max_frame_num = 4,
  .log2_max_poc_lsb = 6,
  .num_ref_frames = 4,
  .width_mbs = 4,
  .height_mbs = 4,
};

static void
put_scaling_list (Bits * bits, const gint * list, guint n)
{
  gint last = 8;

  for (guint i = 0; i < n; i++) {
    gint delta = list[i] - last;

    bits_put_se (bits, delta > 127 ? delta - 256 : delta < -128 ? delta + 256 : delta);
    last = list[i];
  }
}

static void
put_high_profile (Bits * bits, const BitsSps * sps)
{
  bits_put_ue (bits, sps->chroma_format_idc);
  if (sps->chroma_format_idc == 3)
    bits_put (bits, 1, 0);
  bits_put_ue (bits, sps->bit_depth - 8);
  bits_put_ue (bits, sps->bit_depth - 8);
  bits_put (bits, 1, 0);        /* qpprime_y_zero_transform_bypass_flag */
  bits_put (bits, 1, sps->scaling_8x8_inter != NULL);
  if (!sps->scaling_8x8_inter)
    return;
  for (guint i = 0; i < (sps->chroma_format_idc == 3 ? 12 : 8); i++) {
    bits_put (bits, 1, i == 7);
    if (i == 7)
      put_scaling_list (bits, sps->scaling_8x8_inter, 64);
  }
}

static void
put_vui (Bits * bits, const BitsSps * sps)
{
  bits_put (bits, 1, sps->bitstream_restriction || sps->pic_struct_present);
  if (!sps->bitstream_restriction && !sps->pic_struct_present)
    return;
  bits_put (bits, 7, 0);        /* nothing up to vcl_hrd_parameters_present_flag */
  bits_put (bits, 1, sps->pic_struct_present);
  bits_put (bits, 1, sps->bitstream_restriction);
  if (!sps->bitstream_restriction)
    return;
  bits_put (bits, 1, 1);
  bits_put_ue (bits, 0);
  bits_put_ue (bits, 0);
  bits_put_ue (bits, 16);
  bits_put_ue (bits, 16);
  bits_put_ue (bits, sps->num_reorder_frames);
  bits_put_ue (bits, sps->max_dec_frame_buffering);
}

/* 7.3.2.1.1 */
void
bits_sps (GByteArray * out, const BitsSps * sps)
{
  Bits bits = { {0}, 0 };

  bits_put (&bits, 8, sps->profile_idc);
  bits_put (&bits, 8, sps->constraint_flags);
  bits_put (&bits, 8, sps->level_idc);
  bits_put_ue (&bits, sps->id);
  if (sps->profile_idc >= 100)
    put_high_profile (&bits, sps);
  bits_put_ue (&bits, sps->log2_max_frame_num - 4);
  bits_put_ue (&bits, sps->poc_type);
  if (sps->poc_type == 0) {
    bits_put_ue (&bits, sps->log2_max_poc_lsb - 4);
  } else if (sps->poc_type == 1) {
    bits_put (&bits, 1, 1);     /* delta_pic_order_always_zero_flag */
    bits_put_se (&bits, sps->offset_for_non_ref_pic);
    bits_put_se (&bits, 0);
    bits_put_ue (&bits, sps->num_ref_frames_in_cycle);
    for (guint i = 0; i < sps->num_ref_frames_in_cycle; i++)
      bits_put_se (&bits, sps->offset_for_ref_frame[i]);
  }
  bits_put_ue (&bits, sps->num_ref_frames);
  bits_put (&bits, 1, sps->gaps_allowed);
  bits_put_ue (&bits, sps->width_mbs - 1);
  bits_put_ue (&bits, sps->height_mbs / (sps->interlaced ? 2 : 1) - 1);
  bits_put (&bits, 1, !sps->interlaced);        /* frame_mbs_only_flag */
  if (sps->interlaced)
    bits_put (&bits, 1, sps->mbaff);
  bits_put (&bits, 1, 1);       /* direct_8x8_inference_flag */
  bits_put (&bits, 1, (sps->crop[0] | sps->crop[1] | sps->crop[2] | sps->crop[3]) != 0);
  if (sps->crop[0] | sps->crop[1] | sps->crop[2] | sps->crop[3]) {
    for (guint i = 0; i < 4; i++)
      bits_put_ue (&bits, sps->crop[i]);
  }
  put_vui (&bits, sps);
  bits_emit (out, 0x67, &bits);
}

/* 7.3.2.2 */
void
bits_pps (GByteArray * out, const BitsPps * pps)
{
  Bits bits = { {0}, 0 };

  bits_put_ue (&bits, pps->id);
  bits_put_ue (&bits, pps->sps_id);
  bits_put (&bits, 2, 0);       /* CAVLC, no bottom_field_pic_order */
  bits_put_ue (&bits, MAX (pps->num_slice_groups, 1) - 1);
  if (pps->num_slice_groups > 1) {
    bits_put_ue (&bits, 1);     /* slice_group_map_type: dispersed */
  }
  bits_put_ue (&bits, 0);
  bits_put_ue (&bits, 0);
  bits_put (&bits, 3, 0);       /* no weighted prediction */
  bits_put_se (&bits, 0);
  bits_put_se (&bits, 0);
  bits_put_se (&bits, -2);
  bits_put (&bits, 2, 0);
  bits_put (&bits, 1, pps->redundant_pic_cnt_present);
  if (pps->transform_8x8) {
    bits_put (&bits, 1, 1);
    bits_put (&bits, 1, pps->scaling);
    if (pps->scaling)
      bits_put (&bits, 8, 0);   /* 8 lists, all by fall-back rule B */
    bits_put_se (&bits, 3);
  }
  bits_emit (out, 0x68, &bits);
}

static void
put_marking (Bits * bits, const BitsSlice * slice)
{
  const BitsMmco *mmco = slice->mmco;

  if (slice->nal_type == 5) {
    bits_put (bits, 1, slice->no_output_of_prior_pics);
    bits_put (bits, 1, slice->long_term_reference);
    return;
  }
  bits_put (bits, 1, mmco != NULL);
  if (!mmco)
    return;
  for (; mmco->op; mmco++) {
    bits_put_ue (bits, mmco->op);
    if (mmco->op != 5)
      bits_put_ue (bits, mmco->a);
    if (mmco->op == 3)
      bits_put_ue (bits, mmco->b);
  }
  bits_put_ue (bits, 0);
}

/* 7.3.3 */
void
bits_slice (GByteArray * out, const BitsSps * sps, const BitsPps * pps, const BitsSlice * slice)
{
  Bits bits = { {0}, 0 };

  bits_put_ue (&bits, slice->first_mb);
  bits_put_ue (&bits, slice->type);
  bits_put_ue (&bits, slice->pps_id);
  bits_put (&bits, sps->log2_max_frame_num, slice->frame_num);
  if (sps->interlaced)
    bits_put (&bits, 1, slice->structure != 0);
  if (slice->structure)
    bits_put (&bits, 1, slice->structure == 2);
  if (slice->nal_type == 5)
    bits_put_ue (&bits, slice->idr_pic_id);
  if (sps->poc_type == 0)
    bits_put (&bits, sps->log2_max_poc_lsb, slice->poc_lsb);
  if (pps->redundant_pic_cnt_present)
    bits_put_ue (&bits, slice->redundant_pic_cnt);
  if (slice->type == 1)
    bits_put (&bits, 1, 1);     /* direct_spatial_mv_pred_flag */
  if (slice->type < 2)
    bits_put (&bits, 1, 0);     /* num_ref_idx_active_override_flag */
  for (guint list = 0; list < (slice->type == 1 ? 2 : slice->type == 0 ? 1 : 0); list++) {
    bits_put (&bits, 1, slice->n_modifications > 0);
    for (guint i = 0; i < slice->n_modifications; i++) {
      bits_put_ue (&bits, 0);
      bits_put_ue (&bits, 0);
    }
    if (slice->n_modifications > 0)
      bits_put_ue (&bits, 3);
  }
  if (slice->ref_idc)
    put_marking (&bits, slice);
  bits_put_se (&bits, 0);       /* slice_qp_delta */
  for (guint i = 0; i < MAX (slice->payload, 2); i++)
    bits_put (&bits, 8, 0x55 + slice->first_mb);
  bits_emit (out, slice->ref_idc << 5 | slice->nal_type, &bits);
}

/* D.1.8 */
void
bits_recovery_point (GByteArray * out, guint recovery_frame_cnt)
{
  Bits bits = { {0}, 0 }, payload = { {0}, 0 };

  bits_put_ue (&payload, recovery_frame_cnt);
  bits_put (&payload, 4, 8);    /* exact_match_flag */
  if (payload.n_bits % 8) {
    bits_put (&payload, 1, 1);
    bits_put (&payload, (8 - payload.n_bits % 8) % 8, 0);
  }
  bits_put (&bits, 8, 6);
  bits_put (&bits, 8, payload.n_bits / 8);
  for (guint i = 0; i < payload.n_bits / 8; i++)
    bits_put (&bits, 8, payload.data[i]);
  bits_emit (out, 6, &bits);
}

/* D.1.2 */
void
bits_pic_timing (GByteArray * out, guint pic_struct, gint ct_type)
{
  static const guint clocks[] = { 1, 1, 1, 2, 2, 3, 3, 2, 3 };
  Bits bits = { {0}, 0 }, payload = { {0}, 0 };

  bits_put (&payload, 4, pic_struct);
  for (guint i = 0; i < clocks[pic_struct]; i++) {
    bits_put (&payload, 1, ct_type >= 0);
    if (ct_type < 0)
      continue;
    bits_put (&payload, 2, ct_type);
    bits_put (&payload, 6, 0);  /* nuit_field_based_flag, counting_type */
    bits_put (&payload, 3, 0);  /* full_timestamp, discontinuity, cnt_dropped */
    bits_put (&payload, 8, 0);  /* n_frames */
    bits_put (&payload, 1, 0);  /* seconds_flag */
    bits_put (&payload, 24, 0); /* time_offset */
  }
  if (payload.n_bits % 8) {
    bits_put (&payload, 1, 1);
    bits_put (&payload, (8 - payload.n_bits % 8) % 8, 0);
  }
  bits_put (&bits, 8, 1);
  bits_put (&bits, 8, payload.n_bits / 8);
  for (guint i = 0; i < payload.n_bits / 8; i++)
    bits_put (&bits, 8, payload.data[i]);
  bits_emit (out, 6, &bits);
}

void
bits_nal (GByteArray * out, guint8 header, guint size)
{
  Bits bits = { {0}, 0 };

  for (guint i = 0; i < size; i++)
    bits_put (&bits, 8, 0xa5);
  bits_emit (out, header, &bits);
}
