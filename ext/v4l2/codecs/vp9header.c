/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vp9header.h"

#include <string.h>

/* Boolean decoder (9.2) */

#define PROB_UPDATE 252         /* 6.3.3: update_prob, update_mv_prob */
#define BITS 64

typedef struct
{
  const guint8 *data, *end;
  guint64 value;                /* the next bits, from the top */
  gint n_bits;                  /* of them that are the stream's */
  guint range;
  gboolean overrun;
} Bool;

static void
bool_fill (Bool * b)
{
  while (b->n_bits <= BITS - 8 && b->data < b->end) {
    b->value |= (guint64) * b->data++ << (BITS - 8 - b->n_bits);
    b->n_bits += 8;
  }
}

static guint
bool_read (Bool * b, guint probability)
{
  guint split = 1 + (((b->range - 1) * probability) >> 8);
  guint bit, shift;

  if (b->n_bits < 8)
    bool_fill (b);
  bit = (b->value >> (BITS - 8)) >= split;
  if (bit) {
    b->value -= (guint64) split << (BITS - 8);
    b->range -= split;
  } else {
    b->range = split;
  }
  shift = 8 - g_bit_storage (b->range);
  b->range <<= shift;
  b->value <<= shift;
  b->n_bits -= shift;
  /* Eight bits are always looked at, the last seven of them beyond the data at its very end. */
  if (b->n_bits < 0)
    b->overrun = TRUE;
  return bit;
}

static guint
bool_literal (Bool * b, guint n)
{
  guint value = 0;

  while (n--)
    value = value << 1 | bool_read (b, 128);
  return value;
}

/* FALSE: no data, or the marker bit is set. */
static gboolean
bool_init (Bool * b, const guint8 * data, gsize size)
{
  memset (b, 0, sizeof (*b));
  b->data = data;
  b->end = data + size;
  b->range = 255;
  return size > 0 && !bool_read (b, 128);
}

/* Probability updates */

/* 6.3.4: decode_term_subexp() */
static guint
read_term_subexp (Bool * b)
{
  guint v;

  if (!bool_read (b, 128))
    return bool_literal (b, 4);
  if (!bool_read (b, 128))
    return bool_literal (b, 4) + 16;
  if (!bool_read (b, 128))
    return bool_literal (b, 5) + 32;
  v = bool_literal (b, 7);
  if (v < 65)
    return v + 64;
  return (v << 1) - 1 + bool_read (b, 128);
}

/* 6.3.5: inv_map_table[]: 20 coarse steps first, then all the values between them. */
static guint8
inv_map (guint index)
{
  guint fine;

  if (index < 20)
    return 7 + 13 * index;
  /* The only index past the table that can be coded, read as its last entry by all decoders. */
  fine = MIN (index, 253) - 20;
  /* Twelve values between each two steps, six before the first. */
  return fine < 6 ? fine + 1 : 8 + (fine - 6) / 12 * 13 + (fine - 6) % 12;
}

static void
read_probs (Bool * b, guint8 * probs, guint n)
{
  while (n--) {
    if (bool_read (b, PROB_UPDATE))
      *probs = inv_map (read_term_subexp (b));
    probs++;
  }
}

static void
read_mv_probs_n (Bool * b, guint8 * probs, guint n)
{
  while (n--) {
    if (bool_read (b, PROB_UPDATE))
      *probs = bool_literal (b, 7) << 1 | 1;
    probs++;
  }
}

static void
read_tx_mode (Bool * b, const GstVp9FrameHdr * hdr, struct v4l2_ctrl_vp9_compressed_hdr *out)
{
  out->tx_mode = V4L2_VP9_TX_MODE_ONLY_4X4;
  if (!hdr->lossless_flag) {
    out->tx_mode = bool_literal (b, 2);
    if (out->tx_mode == V4L2_VP9_TX_MODE_ALLOW_32X32)
      out->tx_mode += bool_literal (b, 1);
  }
  if (out->tx_mode == V4L2_VP9_TX_MODE_SELECT) {
    read_probs (b, &out->tx8[0][0], sizeof (out->tx8));
    read_probs (b, &out->tx16[0][0], sizeof (out->tx16));
    read_probs (b, &out->tx32[0][0], sizeof (out->tx32));
  }
}

static void
read_coef_probs (Bool * b, struct v4l2_ctrl_vp9_compressed_hdr *out)
{
  guint max = MIN (out->tx_mode, V4L2_VP9_TX_MODE_ALLOW_32X32);
  guint tx, i, j, band;

  for (tx = 0; tx <= max; tx++) {
    if (!bool_literal (b, 1))
      continue;
    for (i = 0; i < 2; i++) {
      for (j = 0; j < 2; j++) {
        for (band = 0; band < 6; band++)
          read_probs (b, &out->coef[tx][i][j][band][0][0], (band ? 6 : 3) * 3);
      }
    }
  }
}

static guint8
read_reference_mode (Bool * b, const GstVp9FrameHdr * hdr)
{
  gboolean allowed = FALSE;
  guint i;

  for (i = 1; i < GST_VP9_REFS_PER_FRAME; i++)
    allowed |= hdr->ref_frame_sign_bias[i] != hdr->ref_frame_sign_bias[0];
  if (!allowed || !bool_literal (b, 1))
    return V4L2_VP9_REFERENCE_MODE_SINGLE_REFERENCE;
  return bool_literal (b, 1) ? V4L2_VP9_REFERENCE_MODE_SELECT :
      V4L2_VP9_REFERENCE_MODE_COMPOUND_REFERENCE;
}

static void
read_mv_probs (Bool * b, gboolean high_precision, struct v4l2_vp9_mv_probs *mv)
{
  guint i;

  read_mv_probs_n (b, mv->joint, sizeof (mv->joint));
  for (i = 0; i < 2; i++) {
    read_mv_probs_n (b, &mv->sign[i], 1);
    read_mv_probs_n (b, mv->classes[i], sizeof (mv->classes[i]));
    read_mv_probs_n (b, &mv->class0_bit[i], 1);
    read_mv_probs_n (b, mv->bits[i], sizeof (mv->bits[i]));
  }
  for (i = 0; i < 2; i++) {
    read_mv_probs_n (b, &mv->class0_fr[i][0][0], sizeof (mv->class0_fr[i]));
    read_mv_probs_n (b, mv->fr[i], sizeof (mv->fr[i]));
  }
  for (i = 0; high_precision && i < 2; i++) {
    read_mv_probs_n (b, &mv->class0_hp[i], 1);
    read_mv_probs_n (b, &mv->hp[i], 1);
  }
}

static void
read_inter_probs (Bool * b, const GstVp9FrameHdr * hdr,
    struct v4l2_ctrl_vp9_compressed_hdr *out, guint8 * reference_mode)
{
  read_probs (b, &out->inter_mode[0][0], sizeof (out->inter_mode));
  if (hdr->mcomp_filter_type == GST_VP9_INTERPOLATION_FILTER_SWITCHABLE)
    read_probs (b, &out->interp_filter[0][0], sizeof (out->interp_filter));
  read_probs (b, out->is_inter, sizeof (out->is_inter));
  *reference_mode = read_reference_mode (b, hdr);
  if (*reference_mode == V4L2_VP9_REFERENCE_MODE_SELECT)
    read_probs (b, out->comp_mode, sizeof (out->comp_mode));
  if (*reference_mode != V4L2_VP9_REFERENCE_MODE_COMPOUND_REFERENCE)
    read_probs (b, &out->single_ref[0][0], sizeof (out->single_ref));
  if (*reference_mode != V4L2_VP9_REFERENCE_MODE_SINGLE_REFERENCE)
    read_probs (b, out->comp_ref, sizeof (out->comp_ref));
  read_probs (b, &out->y_mode[0][0], sizeof (out->y_mode));
  read_probs (b, &out->partition[0][0], sizeof (out->partition));
  read_mv_probs (b, hdr->allow_high_precision_mv, &out->mv);
}

gboolean
vp9_parse_compressed_header (const GstVp9FrameHdr * hdr, const guint8 * data, gsize size,
    struct v4l2_ctrl_vp9_compressed_hdr *out, guint8 * reference_mode)
{
  Bool b;

  memset (out, 0, sizeof (*out));
  *reference_mode = V4L2_VP9_REFERENCE_MODE_SINGLE_REFERENCE;
  if (!bool_init (&b, data, size))
    return FALSE;
  read_tx_mode (&b, hdr, out);
  read_coef_probs (&b, out);
  read_probs (&b, out->skip, sizeof (out->skip));
  if (!vp9_is_intra (hdr))
    read_inter_probs (&b, hdr, out, reference_mode);
  return !b.overrun;
}

/* Uncompressed header */

void
vp9_persistent_update (Vp9Persistent * self, const GstVp9FrameHdr * hdr)
{
  const GstVp9LoopFilter *lf = &hdr->loopfilter;
  const GstVp9SegmentationInfo *seg = &hdr->segmentation;
  guint i;

  /* setup_past_independence() */
  if (vp9_is_intra (hdr) || hdr->error_resilient_mode) {
    memset (self, 0, sizeof (*self));
    self->ref_deltas[0] = 1;
    self->ref_deltas[2] = -1;
    self->ref_deltas[3] = -1;
  }
  if (lf->mode_ref_delta_enabled && lf->mode_ref_delta_update) {
    for (i = 0; i < G_N_ELEMENTS (self->ref_deltas); i++) {
      if (lf->update_ref_deltas[i])
        self->ref_deltas[i] = lf->ref_deltas[i];
    }
    for (i = 0; i < G_N_ELEMENTS (self->mode_deltas); i++) {
      if (lf->update_mode_deltas[i])
        self->mode_deltas[i] = lf->mode_deltas[i];
    }
  }
  if (!seg->enabled || !seg->update_data)
    return;
  self->seg_absolute = seg->abs_delta;
  for (i = 0; i < G_N_ELEMENTS (self->seg_data); i++) {
    const GstVp9SegmentationInfoData *data = &seg->data[i];
    gint16 *to = self->seg_data[i];

    self->seg_enabled[i] = (data->alternate_quantizer_enabled ? 1 << V4L2_VP9_SEG_LVL_ALT_Q : 0)
        | (data->alternate_loop_filter_enabled ? 1 << V4L2_VP9_SEG_LVL_ALT_L : 0)
        | (data->reference_frame_enabled ? 1 << V4L2_VP9_SEG_LVL_REF_FRAME : 0)
        | (data->reference_skip ? 1 << V4L2_VP9_SEG_LVL_SKIP : 0);
    to[V4L2_VP9_SEG_LVL_ALT_Q] = data->alternate_quantizer_enabled ? data->alternate_quantizer : 0;
    to[V4L2_VP9_SEG_LVL_ALT_L] =
        data->alternate_loop_filter_enabled ? data->alternate_loop_filter : 0;
    to[V4L2_VP9_SEG_LVL_REF_FRAME] = data->reference_frame_enabled ? data->reference_frame : 0;
    to[V4L2_VP9_SEG_LVL_SKIP] = 0;
  }
}

static void
fill_segmentation (struct v4l2_vp9_segmentation *ctrl, const GstVp9SegmentationInfo * seg,
    const Vp9Persistent * persistent)
{
  guint i;

  memcpy (ctrl->feature_data, persistent->seg_data, sizeof (ctrl->feature_data));
  memcpy (ctrl->feature_enabled, persistent->seg_enabled, sizeof (ctrl->feature_enabled));
  memset (ctrl->tree_probs, 255, sizeof (ctrl->tree_probs));
  memset (ctrl->pred_probs, 255, sizeof (ctrl->pred_probs));
  if (persistent->seg_absolute)
    ctrl->flags |= V4L2_VP9_SEGMENTATION_FLAG_ABS_OR_DELTA_UPDATE;
  if (!seg->enabled)
    return;
  ctrl->flags |= V4L2_VP9_SEGMENTATION_FLAG_ENABLED;
  if (seg->update_data)
    ctrl->flags |= V4L2_VP9_SEGMENTATION_FLAG_UPDATE_DATA;
  if (!seg->update_map)
    return;
  ctrl->flags |= V4L2_VP9_SEGMENTATION_FLAG_UPDATE_MAP;
  for (i = 0; i < G_N_ELEMENTS (ctrl->tree_probs); i++) {
    if (seg->update_tree_probs[i])
      ctrl->tree_probs[i] = seg->tree_probs[i];
  }
  if (!seg->temporal_update)
    return;
  ctrl->flags |= V4L2_VP9_SEGMENTATION_FLAG_TEMPORAL_UPDATE;
  for (i = 0; i < G_N_ELEMENTS (ctrl->pred_probs); i++) {
    if (seg->update_pred_probs[i])
      ctrl->pred_probs[i] = seg->pred_probs[i];
  }
}

static guint32
frame_flags (const GstVp9FrameHdr * hdr)
{
  /* Profile 0 is always 4:2:0 */
  guint32 flags = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;

  if (hdr->frame_type == GST_VP9_KEY_FRAME)
    flags |= V4L2_VP9_FRAME_FLAG_KEY_FRAME;
  if (hdr->show_frame)
    flags |= V4L2_VP9_FRAME_FLAG_SHOW_FRAME;
  if (hdr->error_resilient_mode)
    flags |= V4L2_VP9_FRAME_FLAG_ERROR_RESILIENT;
  if (hdr->frame_type != GST_VP9_KEY_FRAME && hdr->intra_only)
    flags |= V4L2_VP9_FRAME_FLAG_INTRA_ONLY;
  if (!vp9_is_intra (hdr) && hdr->allow_high_precision_mv)
    flags |= V4L2_VP9_FRAME_FLAG_ALLOW_HIGH_PREC_MV;
  /* 7.2: an error resilient frame has neither bit; they are inferred */
  if (!hdr->error_resilient_mode && hdr->refresh_frame_context)
    flags |= V4L2_VP9_FRAME_FLAG_REFRESH_FRAME_CTX;
  if (hdr->error_resilient_mode || hdr->frame_parallel_decoding_mode)
    flags |= V4L2_VP9_FRAME_FLAG_PARALLEL_DEC_MODE;
  return flags;
}

void
vp9_fill_frame_control (struct v4l2_ctrl_vp9_frame *ctrl, const GstVp9FrameHdr * hdr,
    const Vp9Persistent * persistent)
{
  guint i;

  memset (ctrl, 0, sizeof (*ctrl));
  memcpy (ctrl->lf.ref_deltas, persistent->ref_deltas, sizeof (ctrl->lf.ref_deltas));
  memcpy (ctrl->lf.mode_deltas, persistent->mode_deltas, sizeof (ctrl->lf.mode_deltas));
  ctrl->lf.level = hdr->loopfilter.filter_level;
  ctrl->lf.sharpness = hdr->loopfilter.sharpness_level;
  if (hdr->loopfilter.mode_ref_delta_enabled)
    ctrl->lf.flags |= V4L2_VP9_LOOP_FILTER_FLAG_DELTA_ENABLED;
  if (hdr->loopfilter.mode_ref_delta_enabled && hdr->loopfilter.mode_ref_delta_update)
    ctrl->lf.flags |= V4L2_VP9_LOOP_FILTER_FLAG_DELTA_UPDATE;
  ctrl->quant.base_q_idx = hdr->quant_indices.y_ac_qi;
  ctrl->quant.delta_q_y_dc = hdr->quant_indices.y_dc_delta;
  ctrl->quant.delta_q_uv_dc = hdr->quant_indices.uv_dc_delta;
  ctrl->quant.delta_q_uv_ac = hdr->quant_indices.uv_ac_delta;
  fill_segmentation (&ctrl->seg, &hdr->segmentation, persistent);

  ctrl->flags = frame_flags (hdr);
  ctrl->compressed_header_size = hdr->first_partition_size;
  ctrl->uncompressed_header_size = hdr->frame_header_length_in_bytes;
  ctrl->frame_width_minus_1 = hdr->width - 1;
  ctrl->frame_height_minus_1 = hdr->height - 1;
  ctrl->render_width_minus_1 = (hdr->display_size_enabled ? hdr->display_width : hdr->width) - 1;
  ctrl->render_height_minus_1 = (hdr->display_size_enabled ? hdr->display_height : hdr->height) - 1;
  for (i = 0; !vp9_is_intra (hdr) && i < GST_VP9_REFS_PER_FRAME; i++) {
    /* V4L2_VP9_SIGN_BIAS_LAST, _GOLDEN, _ALT are consecutive bits */
    if (hdr->ref_frame_sign_bias[i])
      ctrl->ref_frame_sign_bias |= V4L2_VP9_SIGN_BIAS_LAST << i;
  }
  /* 7.2: 0 and 1 both mean none */
  if (hdr->reset_frame_context > 1)
    ctrl->reset_frame_context = hdr->reset_frame_context - 1;
  ctrl->frame_context_idx = hdr->frame_context_idx;
  ctrl->profile = hdr->profile;
  ctrl->bit_depth = 8;
  if (!vp9_is_intra (hdr))
    ctrl->interpolation_filter = hdr->mcomp_filter_type;
  ctrl->tile_cols_log2 = hdr->log2_tile_columns;
  ctrl->tile_rows_log2 = hdr->log2_tile_rows;
}
