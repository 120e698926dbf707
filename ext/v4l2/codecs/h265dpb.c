/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h265dpb.h"

#include <string.h>

/**
 * h265_frame_new:
 * @picture: (transfer full): what it decodes into
 */
H265Frame *
h265_frame_new (CodecPicture * picture, gint32 poc)
{
  H265Frame *frame = g_new0 (H265Frame, 1);

  frame->picture = picture;
  frame->poc = poc;
  frame->marking = H265_SHORT_TERM;

  return frame;
}

static void
frame_free (H265Frame * frame)
{
  codec_picture_unref (frame->picture);
  g_free (frame);
}

/**
 * h265_dpb_configure:
 *
 * The limits of HighestTid, as all sub-layers are decoded.
 */
void
h265_dpb_configure (H265Dpb * dpb, const GstH265SPS * sps)
{
  guint tid = MIN (sps->max_sub_layers_minus1, GST_H265_MAX_SUB_LAYERS - 1);

  dpb->size = MIN (sps->max_dec_pic_buffering_minus1[tid] + 1, H265_DPB_MAX_FRAMES);
  dpb->max_reorder = MIN (sps->max_num_reorder_pics[tid], dpb->size - 1);
  dpb->max_latency = 0;
  if (sps->max_latency_increase_plus1[tid])     /* (7-9) */
    dpb->max_latency = sps->max_num_reorder_pics[tid] + sps->max_latency_increase_plus1[tid] - 1;
}

/**
 * h265_dpb_clear:
 *
 * Drops everything, without output.
 */
void
h265_dpb_clear (H265Dpb * dpb)
{
  for (guint i = 0; i < dpb->n_frames; i++)
    g_clear_pointer (&dpb->frames[i], frame_free);
  dpb->n_frames = 0;
}

static void
dpb_remove (H265Dpb * dpb, guint index)
{
  frame_free (dpb->frames[index]);
  dpb->n_frames--;
  memmove (&dpb->frames[index], &dpb->frames[index + 1],
      (dpb->n_frames - index) * sizeof (dpb->frames[0]));
  dpb->frames[dpb->n_frames] = NULL;
}

static void
dpb_remove_unused (H265Dpb * dpb)
{
  guint i = 0;

  while (i < dpb->n_frames) {
    if (dpb->frames[i]->wanted || dpb->frames[i]->marking != H265_UNUSED)
      i++;
    else
      dpb_remove (dpb, i);
  }
}

/* Output, C.5.2 */

static H265Frame *
dpb_first_wanted (const H265Dpb * dpb, guint * n_wanted, gboolean * late)
{
  H265Frame *first = NULL;

  *n_wanted = 0;
  *late = FALSE;
  for (guint i = 0; i < dpb->n_frames; i++) {
    H265Frame *frame = dpb->frames[i];

    if (!frame->wanted)
      continue;
    (*n_wanted)++;
    *late |= dpb->max_latency && frame->latency >= dpb->max_latency;
    if (!first || frame->poc < first->poc)
      first = frame;
  }

  return first;
}

/* C.5.2.4, once. FALSE: nothing to output. @ok: cleared if the client refused. */
static gboolean
dpb_bump (H265Dpb * dpb, gboolean * ok)
{
  gboolean late;
  guint n_wanted;
  H265Frame *frame = dpb_first_wanted (dpb, &n_wanted, &late);

  if (!frame)
    return FALSE;
  frame->wanted = FALSE;
  *ok &= dpb->output (frame->picture, dpb->user_data);
  dpb_remove_unused (dpb);

  return TRUE;
}

/* While more wait than may be reordered, or for longer than they may. */
static gboolean
dpb_bump_due (H265Dpb * dpb)
{
  gboolean ok = TRUE, late;
  guint n_wanted;

  while (dpb_first_wanted (dpb, &n_wanted, &late) && (n_wanted > dpb->max_reorder || late))
    dpb_bump (dpb, &ok);

  return ok;
}

/**
 * h265_dpb_output_all:
 *
 * Gives out every waiting picture in order; references stay.
 *
 * Returns: FALSE if the client refused any
 */
gboolean
h265_dpb_output_all (H265Dpb * dpb)
{
  gboolean ok = TRUE;

  while (dpb_bump (dpb, &ok));
  dpb_remove_unused (dpb);

  return ok;
}

/**
 * h265_dpb_unmark_all:
 * @discard: NoOutputOfPriorPicsFlag
 *
 * Before an IRAP picture with NoRaslOutputFlag (C.5.2.2): no reference is left,
 * and what waits goes out or is discarded.
 *
 * Returns: FALSE if the client refused an output
 */
gboolean
h265_dpb_unmark_all (H265Dpb * dpb, gboolean discard)
{
  for (guint i = 0; i < dpb->n_frames; i++) {
    dpb->frames[i]->marking = H265_UNUSED;
    if (discard)
      dpb->frames[i]->wanted = FALSE;
  }

  return h265_dpb_output_all (dpb);
}

/**
 * h265_dpb_make_room:
 *
 * C.5.2.2 for any other picture, after its RPS was applied.
 *
 * Returns: FALSE if the client refused an output
 */
gboolean
h265_dpb_make_room (H265Dpb * dpb)
{
  gboolean ok = TRUE;

  dpb_remove_unused (dpb);
  ok &= dpb_bump_due (dpb);
  while (dpb->n_frames >= dpb->size && dpb_bump (dpb, &ok));

  return ok;
}

/**
 * h265_dpb_store:
 * @frame: (transfer full): the current picture
 *
 * C.5.2.3.
 *
 * Returns: FALSE if the client refused an output
 */
gboolean
h265_dpb_store (H265Dpb * dpb, H265Frame * frame)
{
  for (guint i = 0; i < dpb->n_frames; i++) {
    if (dpb->frames[i]->wanted)
      dpb->frames[i]->latency++;
  }
  /* Only a damaged stream has so many references. */
  if (dpb->n_frames >= MIN (dpb->size + 1, H265_DPB_MAX_FRAMES))
    dpb_remove (dpb, 0);
  dpb->frames[dpb->n_frames++] = frame;

  return dpb_bump_due (dpb);
}

/* Reference picture sets, 8.3.2 */

/**
 * h265_dpb_nearest:
 *
 * Returns: (nullable): the picture whose POC is the nearest
 */
H265Frame *
h265_dpb_nearest (const H265Dpb * dpb, gint32 poc)
{
  H265Frame *nearest = NULL;
  gint64 distance = G_MAXINT64;

  for (guint i = 0; i < dpb->n_frames; i++) {
    gint64 d = ABS ((gint64) dpb->frames[i]->poc - poc);

    if (d < distance) {
      nearest = dpb->frames[i];
      distance = d;
    }
  }

  return nearest;
}

/* @mask: of the POC bits that are to be equal */
static H265Frame *
find_reference (const H265Dpb * dpb, gint32 poc, guint32 mask, gboolean short_term_only)
{
  for (guint i = 0; i < dpb->n_frames; i++) {
    H265Frame *frame = dpb->frames[i];

    if (frame->marking == H265_UNUSED || (short_term_only && frame->marking != H265_SHORT_TERM))
      continue;
    if ((((guint32) frame->poc ^ (guint32) poc) & mask) == 0)
      return frame;
  }

  return NULL;
}

typedef struct
{
  H265Dpb *dpb;
  H265Rps *rps;
  H265Marking marks[H265_DPB_MAX_FRAMES + 1];   /* what the RPS leaves */
} RpsBuilder;

/* @set: NULL for what only later pictures may use */
static void
rps_add (RpsBuilder * b, H265RefSet * set, H265Frame * frame, gint32 poc, H265Marking marking)
{
  if (!frame && set) {
    /* 8.3.3 makes up a grey picture; what is nearest looks better. */
    b->rps->incomplete = TRUE;
    frame = h265_dpb_nearest (b->dpb, poc);
  }
  if (!frame)
    return;
  for (guint i = 0; i < b->dpb->n_frames; i++) {
    if (b->dpb->frames[i] == frame && b->marks[i] != H265_LONG_TERM)
      b->marks[i] = marking;
  }
  if (set && set->n < G_N_ELEMENTS (set->frames))
    set->frames[set->n++] = frame;
}

static void
rps_add_long_term (RpsBuilder * b, const GstH265SPS * sps, const GstH265SliceHdr * hdr, gint32 poc)
{
  gint32 max_lsb = 1 << (sps->log2_max_pic_order_cnt_lsb_minus4 + 4);
  guint n = MIN (hdr->num_long_term_sps + hdr->num_long_term_pics, 16);
  gint64 cycle = 0;

  for (guint i = 0; i < n; i++) {
    gboolean from_sps = i < hdr->num_long_term_sps;
    guint idx = from_sps ? MIN (hdr->lt_idx_sps[i], 31) : 0;
    gint32 pic_poc = from_sps ? sps->lt_ref_pic_poc_lsb_sps[idx] : (gint32) hdr->poc_lsb_lt[i];
    gboolean used = from_sps ? sps->used_by_curr_pic_lt_sps_flag[idx]
        : hdr->used_by_curr_pic_lt_flag[i];
    guint32 mask = max_lsb - 1;

    /* (7-52) */
    if (i == 0 || i == hdr->num_long_term_sps)
      cycle = 0;
    cycle += hdr->delta_poc_msb_cycle_lt[i];
    if (hdr->delta_poc_msb_present_flag[i]) {
      pic_poc += (gint32) ((guint32) poc - (guint32) (cycle * max_lsb)) - (poc & (max_lsb - 1));
      mask = G_MAXUINT32;
    }
    rps_add (b, used ? &b->rps->lt_curr : NULL, find_reference (b->dpb, pic_poc, mask, FALSE),
        pic_poc, H265_LONG_TERM);
  }
}

static void
rps_add_short_term (RpsBuilder * b, const GstH265ShortTermRefPicSet * set, gint32 poc)
{
  for (guint i = 0; i < MIN (set->NumNegativePics, 16); i++) {
    gint32 pic_poc = (gint32) ((guint32) poc + (guint32) set->DeltaPocS0[i]);

    rps_add (b, set->UsedByCurrPicS0[i] ? &b->rps->st_curr_before : NULL,
        find_reference (b->dpb, pic_poc, G_MAXUINT32, TRUE), pic_poc, H265_SHORT_TERM);
  }
  for (guint i = 0; i < MIN (set->NumPositivePics, 16); i++) {
    gint32 pic_poc = (gint32) ((guint32) poc + (guint32) set->DeltaPocS1[i]);

    rps_add (b, set->UsedByCurrPicS1[i] ? &b->rps->st_curr_after : NULL,
        find_reference (b->dpb, pic_poc, G_MAXUINT32, TRUE), pic_poc, H265_SHORT_TERM);
  }
}

/**
 * h265_dpb_apply_rps:
 * @hdr: of a picture that is no IDR
 * @poc: its PicOrderCntVal
 * @rps: (out caller-allocates)
 *
 * Derives the current picture's reference picture set and marks accordingly.
 * A missing picture is replaced by the nearest one.
 *
 * Returns: FALSE if one is missing and there is none to replace it
 */
gboolean
h265_dpb_apply_rps (H265Dpb * dpb, const GstH265SPS * sps, const GstH265SliceHdr * hdr, gint32 poc,
    H265Rps * rps)
{
  const GstH265ShortTermRefPicSet *set = &hdr->short_term_ref_pic_sets;
  RpsBuilder b = { dpb, rps, {H265_UNUSED,} };

  memset (rps, 0, sizeof (*rps));
  if (hdr->short_term_ref_pic_set_sps_flag)
    set = &sps->short_term_ref_pic_set[MIN (hdr->short_term_ref_pic_set_idx, 64)];

  rps_add_long_term (&b, sps, hdr, poc);
  rps_add_short_term (&b, set, poc);
  for (guint i = 0; i < dpb->n_frames; i++)
    dpb->frames[i]->marking = b.marks[i];

  return !rps->incomplete || dpb->n_frames > 0;
}
