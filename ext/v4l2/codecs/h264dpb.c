/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h264dpb.h"

/* Frames */

/**
 * h264_frame_new:
 * @picture: (transfer full): what it decodes into
 */
H264Frame *
h264_frame_new (CodecPicture * picture)
{
  H264Frame *frame = g_new0 (H264Frame, 1);

  frame->picture = picture;

  return frame;
}

void
h264_frame_free (H264Frame * frame)
{
  g_clear_pointer (&frame->picture, codec_picture_unref);
  g_free (frame);
}

/**
 * h264_frame_poc:
 *
 * Returns: PicOrderCnt (8-1) over the fields that are there
 */
gint32
h264_frame_poc (const H264Frame * frame)
{
  switch (frame->fields) {
    case H264_TOP_FIELD:
      return frame->poc[0];
    case H264_BOTTOM_FIELD:
      return frame->poc[1];
    default:
      return MIN (frame->poc[0], frame->poc[1]);
  }
}

static gint32
frame_max_poc (const H264Frame * frame)
{
  return frame->fields == H264_FRAME ? MAX (frame->poc[0], frame->poc[1]) : h264_frame_poc (frame);
}

static gint32
clamp_poc (gint64 poc)
{
  /* The range that 8.2.1 allows; hostile offsets leave it. */
  return (gint32) CLAMP (poc, G_MININT32, G_MAXINT32);
}

gboolean
h264_frame_is_reference (const H264Frame * frame)
{
  return (frame->short_term | frame->long_term) != 0;
}

static void
frame_unmark (H264Frame * frame, guint8 fields)
{
  frame->short_term &= ~fields;
  frame->long_term &= ~fields;
}

/* The buffer */

static gboolean
mask_has (guint8 mask, guint8 structure)
{
  return (mask & structure) == structure;
}

/**
 * h264_dpb_configure:
 * @size: MaxDpbFrames or max_dec_frame_buffering; 0 if no picture is ever held back
 * @max_num_ref_frames: of the active SPS
 * @reorder: how many frames may precede one in decoding order and follow it in output order
 *
 * For an empty buffer.  A stream that needs more references than its level has
 * room for gets that room.
 */
void
h264_dpb_configure (H264Dpb * dpb, guint size, guint max_num_ref_frames, guint reorder)
{
  dpb->immediate = size == 0;
  dpb->max_refs = CLAMP (max_num_ref_frames, 1, H264_DPB_MAX_FRAMES);
  dpb->size = CLAMP (size, dpb->max_refs, H264_DPB_MAX_FRAMES);
  dpb->reorder = MIN (reorder, dpb->size);
}

/**
 * h264_dpb_clear:
 *
 * Drops everything, without output.
 */
void
h264_dpb_clear (H264Dpb * dpb)
{
  for (guint i = 0; i < dpb->n_frames; i++)
    g_clear_pointer (&dpb->frames[i], h264_frame_free);
  dpb->n_frames = 0;
  dpb->have_last_poc = FALSE;
}

static void
dpb_remove (H264Dpb * dpb, guint index)
{
  h264_frame_free (dpb->frames[index]);
  dpb->n_frames--;
  memmove (&dpb->frames[index], &dpb->frames[index + 1],
      (dpb->n_frames - index) * sizeof (dpb->frames[0]));
  dpb->frames[dpb->n_frames] = NULL;
}

/* C.4.4, C.4.5.3: a buffer is emptied once it is neither waited for nor predicted from. */
static void
dpb_remove_unused (H264Dpb * dpb)
{
  guint i = 0;

  while (i < dpb->n_frames) {
    const H264Frame *frame = dpb->frames[i];

    if (frame->wanted || h264_frame_is_reference (frame))
      i++;
    else
      dpb_remove (dpb, i);
  }
}

/**
 * h264_dpb_update_frame_num_wrap:
 * @frame_num: of the current picture
 *
 * FrameNumWrap of every short-term reference (8-27).
 */
void
h264_dpb_update_frame_num_wrap (H264Dpb * dpb, guint frame_num, guint max_frame_num)
{
  for (guint i = 0; i < dpb->n_frames; i++) {
    H264Frame *frame = dpb->frames[i];

    frame->frame_num_wrap = frame->frame_num;
    if (frame->frame_num > frame_num)
      frame->frame_num_wrap -= (gint32) max_frame_num;
  }
}

/**
 * h264_dpb_count_references:
 * @except: (nullable): not counted
 *
 * Returns: frames of which any field is marked as used for reference
 */
guint
h264_dpb_count_references (const H264Dpb * dpb, const H264Frame * except)
{
  guint n = 0;

  for (guint i = 0; i < dpb->n_frames; i++) {
    if (dpb->frames[i] != except && h264_frame_is_reference (dpb->frames[i]))
      n++;
  }

  return n;
}

/**
 * h264_dpb_nearest_reference:
 *
 * Returns: (nullable): the reference decoded last, one with a decoded picture if there is any
 */
H264Frame *
h264_dpb_nearest_reference (const H264Dpb * dpb)
{
  H264Frame *inferred = NULL;

  for (guint i = dpb->n_frames; i > 0; i--) {
    H264Frame *frame = dpb->frames[i - 1];

    if (!h264_frame_is_reference (frame))
      continue;
    if (!frame->non_existing)
      return frame;
    if (!inferred)
      inferred = frame;
  }

  return inferred;
}

/* Marking, 8.2.5 */

/**
 * h264_dpb_unmark_all:
 *
 * All reference pictures become "unused for reference", as an IDR picture or
 * memory_management_control_operation 5 has it.
 */
void
h264_dpb_unmark_all (H264Dpb * dpb)
{
  for (guint i = 0; i < dpb->n_frames; i++)
    frame_unmark (dpb->frames[i], H264_FRAME);
  dpb_remove_unused (dpb);
}

/**
 * h264_dpb_slide_window:
 * @current: (nullable): the picture that room is made for; not counted
 *
 * 8.2.5.3.  Goes on until there is room, as a damaged stream may have left too
 * many references; then, and only then, a long-term one may have to go.
 */
void
h264_dpb_slide_window (H264Dpb * dpb, const H264Frame * current)
{
  while (h264_dpb_count_references (dpb, current) >= dpb->max_refs) {
    H264Frame *oldest = NULL;

    for (guint i = 0; i < dpb->n_frames; i++) {
      H264Frame *frame = dpb->frames[i];

      if (frame == current || !h264_frame_is_reference (frame))
        continue;
      if (!oldest || (frame->short_term && !oldest->short_term)
          || (frame->short_term && frame->frame_num_wrap < oldest->frame_num_wrap))
        oldest = frame;
    }
    frame_unmark (oldest, H264_FRAME);
  }
}

/* The field mask of @frame that a short-term picNumX names ((8-28), (8-30), (8-31)), or 0. */
static guint8
match_short_term (const H264Frame * frame, guint8 structure, gint64 pic_num)
{
  gint64 wrap = frame->frame_num_wrap;

  if (structure == H264_FRAME)
    return frame->short_term == H264_FRAME && wrap == pic_num ? H264_FRAME : 0;

  for (guint8 field = H264_TOP_FIELD; field <= H264_BOTTOM_FIELD; field++) {
    if ((frame->short_term & field) && 2 * wrap + (field == structure) == pic_num)
      return field;
  }

  return 0;
}

/* The same for a LongTermPicNum, (8-29), (8-32), (8-33). */
static guint8
match_long_term (const H264Frame * frame, guint8 structure, gint64 pic_num)
{
  gint64 idx = frame->long_term_frame_idx;

  if (structure == H264_FRAME)
    return frame->long_term == H264_FRAME && idx == pic_num ? H264_FRAME : 0;

  for (guint8 field = H264_TOP_FIELD; field <= H264_BOTTOM_FIELD; field++) {
    if ((frame->long_term & field) && 2 * idx + (field == structure) == pic_num)
      return field;
  }

  return 0;
}

/* Frees a LongTermFrameIdx that any frame but @except has. */
static void
release_long_term_idx (H264Dpb * dpb, guint32 idx, const H264Frame * except)
{
  for (guint i = 0; i < dpb->n_frames; i++) {
    H264Frame *frame = dpb->frames[i];

    if (frame != except && frame->long_term && frame->long_term_frame_idx == idx)
      frame_unmark (frame, frame->long_term);
  }
}

static void
assign_long_term (H264Dpb * dpb, H264Frame * frame, guint8 fields, guint32 idx)
{
  release_long_term_idx (dpb, idx, frame);
  /* A field pair has one index (8.2.5.4.3): a field with another one loses it. */
  if (frame->long_term && frame->long_term_frame_idx != idx)
    frame->long_term = 0;
  frame->short_term &= ~fields;
  frame->long_term |= fields;
  frame->long_term_frame_idx = idx;
}

/* 8.2.5.4.1 and 8.2.5.4.3: operations 1 and 3 name a short-term picture relative to CurrPicNum. */
static void
mmco_short_term (H264Dpb * dpb, const H264Frame * current, guint8 structure,
    const GstH264RefPicMarking * op)
{
  gint64 curr_pic_num = structure == H264_FRAME ? current->frame_num : 2 * current->frame_num + 1;
  gint64 pic_num = curr_pic_num - ((gint64) op->difference_of_pic_nums_minus1 + 1);

  for (guint i = 0; i < dpb->n_frames; i++) {
    H264Frame *frame = dpb->frames[i];
    guint8 fields = match_short_term (frame, structure, pic_num);

    if (!fields)
      continue;
    if (op->memory_management_control_operation == 1)
      frame_unmark (frame, fields);
    else
      assign_long_term (dpb, frame, fields, op->long_term_frame_idx);
    return;
  }
}

/* 8.2.5.4.2 */
static void
mmco_unmark_long_term (H264Dpb * dpb, guint8 structure, guint32 long_term_pic_num)
{
  for (guint i = 0; i < dpb->n_frames; i++) {
    guint8 fields = match_long_term (dpb->frames[i], structure, long_term_pic_num);

    if (fields) {
      frame_unmark (dpb->frames[i], fields);
      return;
    }
  }
}

/*
 * 8.2.5.4.4.  MaxLongTermFrameIdx itself is not kept: valid streams assign no
 * index beyond it, and in others any index within the buffer does no harm.
 */
static void
mmco_limit_long_term (H264Dpb * dpb, guint32 max_plus1)
{
  for (guint i = 0; i < dpb->n_frames; i++) {
    H264Frame *frame = dpb->frames[i];

    if (frame->long_term && frame->long_term_frame_idx >= max_plus1)
      frame_unmark (frame, frame->long_term);
  }
}

/* 8.2.5.4.5, and what 8.2.1 and 7.4.3 have follow for the current picture once it is decoded. */
static void
mmco_reset (H264Dpb * dpb, H264Frame * current, guint8 structure)
{
  for (guint i = 0; i < dpb->n_frames; i++)
    frame_unmark (dpb->frames[i], H264_FRAME);

  current->frame_num = 0;
  current->frame_num_wrap = 0;
  if (structure == H264_FRAME) {
    gint64 temp_pic_order_cnt = MIN (current->poc[0], current->poc[1]);

    current->poc[0] = clamp_poc (current->poc[0] - temp_pic_order_cnt);
    current->poc[1] = clamp_poc (current->poc[1] - temp_pic_order_cnt);
  } else {
    current->poc[structure == H264_BOTTOM_FIELD] = 0;
  }
}

/* 8.2.5.4; returns whether there was an operation 5. */
static gboolean
mark_adaptive (H264Dpb * dpb, H264Frame * current, guint8 structure,
    const GstH264DecRefPicMarking * marking)
{
  gboolean second_field = (current->short_term | current->long_term) != 0;
  gboolean reset = FALSE;
  guint n = MIN (marking->n_ref_pic_marking, G_N_ELEMENTS (marking->ref_pic_marking));

  for (guint i = 0; i < n; i++) {
    const GstH264RefPicMarking *op = &marking->ref_pic_marking[i];

    switch (op->memory_management_control_operation) {
      case 3:
        if (op->long_term_frame_idx >= H264_DPB_MAX_FRAMES)
          break;
        /* fall through */
      case 1:
        mmco_short_term (dpb, current, structure, op);
        break;
      case 2:
        mmco_unmark_long_term (dpb, structure, op->long_term_pic_num);
        break;
      case 4:
        mmco_limit_long_term (dpb, op->max_long_term_frame_idx_plus1);
        break;
      case 5:
        /* Not allowed in the second field of a reference frame (7.4.3.3): it would drop its own. */
        if (!second_field) {
          mmco_reset (dpb, current, structure);
          reset = TRUE;
        }
        break;
      case 6:
        if (op->long_term_frame_idx < H264_DPB_MAX_FRAMES)
          assign_long_term (dpb, current, structure, op->long_term_frame_idx);
        break;
      default:
        break;
    }
  }

  return reset;
}

/**
 * h264_dpb_mark:
 * @current: the decoded reference picture; in the buffer only if this is its second field
 * @structure: the field mask of what was just decoded
 * @marking: its dec_ref_pic_marking()
 *
 * 8.2.5.1, after h264_dpb_update_frame_num_wrap().  With operation 5 the frame's
 * order counts and frame_num are those after it; the caller then puts out all
 * earlier pictures.
 *
 * Returns: whether there was a memory_management_control_operation 5
 */
gboolean
h264_dpb_mark (H264Dpb * dpb, H264Frame * current, guint8 structure, gboolean idr,
    const GstH264DecRefPicMarking * marking)
{
  gboolean reset = FALSE;

  if (idr) {
    h264_dpb_unmark_all (dpb);
    if (marking->long_term_reference_flag)
      assign_long_term (dpb, current, structure, 0);
  } else if (marking->adaptive_ref_pic_marking_mode_flag) {
    reset = mark_adaptive (dpb, current, structure, marking);
  }

  /*
   * The window slides for whatever takes up a new frame's place, so not for the
   * second field of a reference frame.  After adaptive marking there is room
   * already, unless the stream is wrong.
   */
  h264_dpb_slide_window (dpb, current);

  if (!mask_has (current->long_term, structure))
    current->short_term |= structure;

  return reset;
}

/* Output, C.4 */

static H264Frame *
dpb_first_wanted (const H264Dpb * dpb, guint * n_wanted)
{
  H264Frame *first = NULL;
  guint n = 0;

  for (guint i = 0; i < dpb->n_frames; i++) {
    H264Frame *frame = dpb->frames[i];

    if (!frame->wanted)
      continue;
    n++;
    if (!first || h264_frame_poc (frame) < h264_frame_poc (first))
      first = frame;
  }
  if (n_wanted)
    *n_wanted = n;

  return first;
}

static gboolean
dpb_output_frame (H264Dpb * dpb, H264Frame * frame)
{
  frame->wanted = FALSE;
  dpb->have_last_poc = TRUE;
  dpb->last_poc = frame_max_poc (frame);

  return dpb->output (frame->picture, dpb->user_data);
}

/* C.4.5.3, once. FALSE in @ok if the client refused. */
static gboolean
dpb_bump (H264Dpb * dpb, gboolean * ok)
{
  H264Frame *frame = dpb_first_wanted (dpb, NULL);

  if (!frame)
    return FALSE;
  *ok &= dpb_output_frame (dpb, frame);
  dpb_remove_unused (dpb);

  return TRUE;
}

/*
 * Nothing that comes later can go before it: more pictures wait than may be
 * reordered, or no order count is left between it and the one before.
 */
static gboolean
dpb_is_next (const H264Dpb * dpb, const H264Frame * frame, guint n_wanted)
{
  if (n_wanted > dpb->reorder)
    return TRUE;

  return dpb->have_last_poc && (gint64) h264_frame_poc (frame) <= (gint64) dpb->last_poc + 1;
}

/**
 * h264_dpb_output_early:
 *
 * Gives out what is certain to be next, if that is wanted: without delay where
 * the stream holds no picture back, otherwise with low_latency.
 *
 * Returns: FALSE if the client refused
 */
gboolean
h264_dpb_output_early (H264Dpb * dpb)
{
  gboolean ok = TRUE;

  if (!dpb->immediate && !dpb->low_latency)
    return TRUE;

  for (;;) {
    guint n_wanted;
    H264Frame *frame = dpb_first_wanted (dpb, &n_wanted);

    if (!frame || !(dpb->immediate || dpb_is_next (dpb, frame, n_wanted)))
      break;
    ok &= dpb_output_frame (dpb, frame);
  }
  dpb_remove_unused (dpb);

  return ok;
}

/**
 * h264_dpb_output_all:
 *
 * Gives out every waiting picture in order; references stay.
 *
 * Returns: FALSE if the client refused any
 */
gboolean
h264_dpb_output_all (H264Dpb * dpb)
{
  gboolean ok = TRUE;

  while (dpb_bump (dpb, &ok));
  dpb_remove_unused (dpb);
  dpb->have_last_poc = FALSE;

  return ok;
}

/**
 * h264_dpb_store:
 * @frame: (transfer full): the current picture, marked; may be gone on return
 * @first_field: its second field is to come; it is not given out before h264_dpb_output_early()
 *
 * C.4.5.1, C.4.5.2 and C.4.2 (non-existing frames).
 *
 * Returns: FALSE if the client refused an output
 */
gboolean
h264_dpb_store (H264Dpb * dpb, H264Frame * frame, gboolean first_field)
{
  gboolean ok = TRUE;

  dpb_remove_unused (dpb);

  while (dpb->n_frames >= dpb->size) {
    const H264Frame *first = dpb_first_wanted (dpb, NULL);

    /* C.4.5.2: nobody needs a non-reference picture that comes first anyway. */
    if (!h264_frame_is_reference (frame) && !first_field
        && (!first || h264_frame_poc (frame) < h264_frame_poc (first))) {
      if (frame->wanted)
        ok &= dpb_output_frame (dpb, frame);
      h264_frame_free (frame);
      return ok;
    }
    /* Marking leaves room for a reference, but not in every damaged stream. */
    if (!dpb_bump (dpb, &ok)) {
      frame_unmark (dpb->frames[0], H264_FRAME);
      dpb_remove_unused (dpb);
    }
  }

  dpb->frames[dpb->n_frames++] = frame;
  if (!first_field)
    ok &= h264_dpb_output_early (dpb);

  return ok;
}

/* Picture order count, 8.2.1 */

/* 8.2.1.1 */
static void
poc_type_0 (H264PocState * state, const GstH264SPS * sps, const GstH264SliceHdr * hdr,
    gint64 poc[2])
{
  gint32 max_lsb = 1 << (sps->log2_max_pic_order_cnt_lsb_minus4 + 4);
  gint32 lsb = hdr->pic_order_cnt_lsb;
  gint64 msb = state->prev_msb;

  if (lsb < state->prev_lsb && state->prev_lsb - lsb >= max_lsb / 2)
    msb += max_lsb;
  else if (lsb > state->prev_lsb && lsb - state->prev_lsb > max_lsb / 2)
    msb -= max_lsb;

  state->msb = clamp_poc (msb);
  state->lsb = lsb;
  poc[0] = poc[1] = (gint64) state->msb + lsb;
  if (!hdr->field_pic_flag)
    poc[1] += hdr->delta_pic_order_cnt_bottom;
}

/* 8.2.1.2 */
static void
poc_type_1 (H264PocState * state, const GstH264SPS * sps, const GstH264SliceHdr * hdr,
    gboolean reference, gint64 poc[2])
{
  guint n = sps->num_ref_frames_in_pic_order_cnt_cycle;
  gint64 abs_frame_num = n ? state->frame_num_offset + hdr->frame_num : 0;
  gint64 expected = 0;

  if (!reference && abs_frame_num > 0)
    abs_frame_num--;

  if (abs_frame_num > 0) {
    gint64 cycle_cnt = (abs_frame_num - 1) / n;
    guint in_cycle = (abs_frame_num - 1) % n;
    gint64 per_cycle = 0;

    for (guint i = 0; i < n; i++)
      per_cycle += sps->offset_for_ref_frame[i];
    expected = cycle_cnt * per_cycle;
    for (guint i = 0; i <= in_cycle; i++)
      expected += sps->offset_for_ref_frame[i];
  }
  if (!reference)
    expected += sps->offset_for_non_ref_pic;

  poc[0] = expected + hdr->delta_pic_order_cnt[0];
  poc[1] = poc[0] + sps->offset_for_top_to_bottom_field;
  if (!hdr->field_pic_flag)
    poc[1] += hdr->delta_pic_order_cnt[1];
}

/* 8.2.1.3 */
static void
poc_type_2 (H264PocState * state, const GstH264SliceHdr * hdr, gboolean idr, gboolean reference,
    gint64 poc[2])
{
  gint64 temp = 0;

  if (!idr)
    temp = 2 * (state->frame_num_offset + hdr->frame_num) - !reference;
  poc[0] = poc[1] = temp;
}

/**
 * h264_poc_derive:
 * @hdr: slice header of the current picture
 * @reference: nal_ref_idc is not 0
 * @poc: (out): TopFieldOrderCnt and BottomFieldOrderCnt; of a field only its own is set
 */
void
h264_poc_derive (H264PocState * state, const GstH264SPS * sps, const GstH264SliceHdr * hdr,
    gboolean idr, gboolean reference, gint32 poc[2])
{
  gint64 wide[2] = { 0, 0 };

  if (idr)
    memset (state, 0, sizeof (*state));

  state->frame_num = hdr->frame_num;
  state->frame_num_offset = state->prev_frame_num_offset;
  if (state->prev_frame_num > hdr->frame_num)
    state->frame_num_offset += 1 << (sps->log2_max_frame_num_minus4 + 4);
  /* No order count is that high (8.2.1), and the products below stay within 64 bits. */
  if (state->frame_num_offset > (1 << 30))
    state->frame_num_offset = 0;

  switch (sps->pic_order_cnt_type) {
    case 0:
      poc_type_0 (state, sps, hdr, wide);
      break;
    case 1:
      poc_type_1 (state, sps, hdr, reference, wide);
      break;
    default:
      poc_type_2 (state, hdr, idr, reference, wide);
      break;
  }

  if (!hdr->field_pic_flag || !hdr->bottom_field_flag)
    poc[0] = clamp_poc (wide[0]);
  if (!hdr->field_pic_flag || hdr->bottom_field_flag)
    poc[1] = clamp_poc (wide[1]);
}

/**
 * h264_poc_commit:
 * @mmco5: the picture had a memory_management_control_operation 5
 * @structure: its field mask
 * @top_poc: its TopFieldOrderCnt, after operation 5 if there was one
 *
 * What the picture last derived leaves to the next one.
 */
void
h264_poc_commit (H264PocState * state, gboolean reference, gboolean mmco5, guint8 structure,
    gint32 top_poc)
{
  if (mmco5) {
    state->prev_msb = 0;
    state->prev_lsb = structure == H264_BOTTOM_FIELD ? 0 : top_poc;
    state->prev_frame_num = 0;
    state->prev_frame_num_offset = 0;
    return;
  }

  if (reference) {
    state->prev_msb = state->msb;
    state->prev_lsb = state->lsb;
  }
  state->prev_frame_num = state->frame_num;
  state->prev_frame_num_offset = state->frame_num_offset;
}
