/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h264priv.h"

#include <string.h>

GST_DEBUG_CATEGORY_EXTERN (codec_h264_debug);
#define GST_CAT_DEFAULT codec_h264_debug

gboolean
h264_output_picture (CodecPicture * picture, gpointer user_data)
{
  CodecH264 *self = user_data;

  GST_LOG ("output key %" G_GUINT64_FORMAT, picture->key);
  if (self->client.output (picture, self->user_data))
    return TRUE;
  h264_set_error (self, CODEC_ERROR_CLIENT, "The client refused a picture for output");

  return FALSE;
}

/* Fields */

/* The first field stays alone, or has been completed. */
gboolean
h264_end_first_field (CodecH264 * self)
{
  H264Frame *frame = g_steal_pointer (&self->first_field);

  if (!frame)
    return TRUE;
  if (frame->fields != H264_FRAME) {
    GST_DEBUG ("frame_num %u has no second field", frame->frame_num);
    frame->picture->flags |= CODEC_PICTURE_ONE_FIELD;
  }
  if (self->first_field_stored)
    return h264_dpb_output_early (&self->dpb);

  return h264_dpb_store (&self->dpb, frame, FALSE);
}

void
h264_drop_first_field (CodecH264 * self)
{
  if (!self->first_field_stored)
    g_clear_pointer (&self->first_field, h264_frame_free);
  self->first_field = NULL;
}

/*
 * 3.30 and 3.31: two fields of opposite parity and equal frame_num, one after
 * the other, the second no IDR.  A reference field may be followed by a
 * non-reference one in practice; the other way round they are two frames.
 */
static gboolean
is_second_field (const CodecH264 * self)
{
  const CurrentPicture *pic = &self->pic;
  const H264Frame *first = self->first_field;
  guint8 structure = pic->hdr.bottom_field_flag ? H264_BOTTOM_FIELD : H264_TOP_FIELD;

  return first && pic->hdr.field_pic_flag && !pic->idr
      && first->fields == (H264_FRAME ^ structure) && first->frame_num == pic->hdr.frame_num
      && (!pic->nal_ref_idc || (first->picture->flags & CODEC_PICTURE_REFERENCE));
}

/* Sequences */

/*
 * Everything earlier goes out before an IDR picture (C.4.4), also where
 * no_output_of_prior_pics_flag would let a decoder discard it: what is decoded
 * is shown, and that flag is for decoders short of memory.
 */
gboolean
h264_end_sequence (CodecH264 * self)
{
  gboolean ok = h264_end_first_field (self);

  ok &= h264_dpb_output_all (&self->dpb);
  h264_dpb_unmark_all (&self->dpb);

  return ok;
}

/* Whether the picture's SPS says something else to a device than the one in force. */
static gboolean
sequence_changes (CodecH264 * self, CodecSequence * sequence)
{
  h264_sps_to_sequence (&self->pic.sps, sequence);

  return !self->have_sequence || !codec_sequence_equal (sequence, &self->sequence);
}

/* Makes the picture's SPS the active one (7.4.1.2.1). FALSE if the client failed. */
static gboolean
activate_sps (CodecH264 * self, const CodecSequence * sequence, gboolean changed)
{
  CurrentPicture *pic = &self->pic;

  if (!h264_end_sequence (self))
    return FALSE;
  h264_dpb_configure (&self->dpb, h264_sps_dpb_size (&pic->sps), pic->sps.num_ref_frames,
      sequence->reorder);
  if (!changed)
    return TRUE;

  self->have_sequence = codec_activate_sequence (GST_CAT_DEFAULT, &self->client, self->user_data,
      &self->sequence, sequence, V4L2_CID_STATELESS_H264_SPS, &pic->sps_ctrl,
      sizeof (pic->sps_ctrl));
  if (!self->have_sequence)
    h264_set_error (self, CODEC_ERROR_CLIENT, "The client refused the sequence");

  return self->have_sequence;
}

/* Random access */

/*
 * Whether decoding can go on or start with the picture.  Other than at an IDR
 * it starts at a recovery point SEI (D.2.8), or at an intra picture, as many
 * streams have no SEI there.
 */
static gboolean
check_access_point (CodecH264 * self)
{
  const CurrentPicture *pic = &self->pic;

  if (pic->idr) {
    self->need_access_point = FALSE;
    self->recovering = FALSE;
    return TRUE;
  }
  if (!self->need_access_point)
    return TRUE;
  if (!pic->has_recovery_point && (pic->has_p || pic->has_b))
    return FALSE;

  self->need_access_point = FALSE;
  self->recovering = TRUE;
  self->have_recovery_poc = FALSE;
  self->recovery_start = pic->hdr.frame_num;
  self->recovery_frame_cnt = pic->has_recovery_point ? pic->recovery_frame_cnt : 0;

  /* Nothing is known of what was before: no gap in frame_num, no wrap of the order count. */
  self->prev_ref_frame_num = pic->hdr.frame_num;
  memset (&self->poc, 0, sizeof (self->poc));
  self->poc.prev_lsb = pic->hdr.pic_order_cnt_lsb;
  self->poc.prev_frame_num = pic->hdr.frame_num;

  return TRUE;
}

/* Whether the picture precedes, in output order, the one from which on all is whole (D.2.8). */
static gboolean
is_before_recovery (CodecH264 * self, const H264Frame * frame, guint8 structure)
{
  const CurrentPicture *pic = &self->pic;
  gint32 poc = structure == H264_FRAME ? MIN (frame->poc[0], frame->poc[1])
      : frame->poc[structure == H264_BOTTOM_FIELD];

  if (!self->recovering)
    return FALSE;
  if (!self->have_recovery_poc && pic->nal_ref_idc) {
    guint distance = (pic->hdr.frame_num - self->recovery_start) & (pic->sps.max_frame_num - 1);

    if (distance >= self->recovery_frame_cnt) {
      self->have_recovery_poc = TRUE;
      self->recovery_poc = poc;
    }
  }

  return !self->have_recovery_poc || poc < self->recovery_poc;
}

/* Gaps in frame_num */

static CodecPicture *
new_picture (CodecH264 * self, CodecPictureFlags flags, CodecPicture * conceal)
{
  /* A number of its own: two pictures may share a time stamp, but no two share a key. */
  g_autoptr (CodecPicture) picture = codec_picture_new (++self->n_pictures * 1000, self->tag);

  picture->flags = flags;
  if (!self->client.new_picture (picture, conceal, self->user_data)) {
    h264_set_error (self, CODEC_ERROR_CLIENT, "The client has no buffer for a picture");
    return NULL;
  }

  return g_steal_pointer (&picture);
}

/* 8.2.5.2: one "non-existing" frame, marked by the sliding window. */
static gboolean
infer_frame (CodecH264 * self, guint frame_num, const gint32 poc[2])
{
  const CurrentPicture *pic = &self->pic;
  H264Frame *nearest = h264_dpb_nearest_reference (&self->dpb);
  CodecPicture *picture;
  H264Frame *frame;

  h264_dpb_update_frame_num_wrap (&self->dpb, frame_num, pic->sps.max_frame_num);
  picture = new_picture (self, CODEC_PICTURE_GAP | CODEC_PICTURE_REFERENCE,
      nearest ? nearest->picture : NULL);
  if (!picture)
    return FALSE;
  GST_LOG ("frame_num %u inferred, key %" G_GUINT64_FORMAT, frame_num, picture->key);

  frame = h264_frame_new (picture);
  frame->fields = H264_FRAME;
  frame->non_existing = TRUE;
  frame->frame_num = frame->frame_num_wrap = frame_num;
  memcpy (frame->poc, poc, sizeof (frame->poc));

  h264_dpb_slide_window (&self->dpb, NULL);
  frame->short_term = H264_FRAME;

  return h264_dpb_store (&self->dpb, frame, FALSE);
}

/*
 * The order count that a non-existing frame would have, so that drivers that
 * sort references find it near its neighbours. Of type 0 there is none: its
 * predecessor's serves.
 */
static void
infer_poc (CodecH264 * self, guint frame_num, gint32 poc[2])
{
  const GstH264SPS *sps = &self->pic.sps;
  const H264Frame *nearest = h264_dpb_nearest_reference (&self->dpb);

  if (sps->pic_order_cnt_type != 0) {
    GstH264SliceHdr hdr = { 0, };

    hdr.frame_num = frame_num;
    h264_poc_derive (&self->poc, sps, &hdr, FALSE, TRUE, poc);
    h264_poc_commit (&self->poc, TRUE, FALSE, H264_FRAME, poc[0]);
  } else if (nearest) {
    memcpy (poc, nearest->poc, 2 * sizeof (poc[0]));
  }
}

/*
 * 8.2.5.2, also where the SPS allows no gaps: frames were lost then, and
 * @corrupt is set. Only the frames that the window still holds in the end are
 * made, as the gap may be 65535 frames wide.
 */
static gboolean
fill_frame_num_gap (CodecH264 * self, gboolean * corrupt)
{
  const CurrentPicture *pic = &self->pic;
  const guint max_frame_num = pic->sps.max_frame_num;
  guint frame_num = pic->hdr.frame_num;
  guint unused, n;

  if (pic->idr || frame_num == self->prev_ref_frame_num)
    return TRUE;
  n = (frame_num - self->prev_ref_frame_num - 1) & (max_frame_num - 1);
  if (n == 0)
    return TRUE;

  if (!pic->sps.gaps_in_frame_num_value_allowed_flag) {
    GST_DEBUG ("%u frames lost before frame_num %u", n, frame_num);
    *corrupt = TRUE;
  }

  /* Those that the window will have dropped again only move the order count on. */
  if (n > self->dpb.max_refs) {
    gint32 poc[2];

    n = self->dpb.max_refs;
    unused = (frame_num - n - 1) & (max_frame_num - 1);
    infer_poc (self, unused, poc);
    self->prev_ref_frame_num = unused;
  }
  for (; n > 0; n--) {
    gint32 poc[2] = { 0, 0 };

    unused = (frame_num - n) & (max_frame_num - 1);
    infer_poc (self, unused, poc);
    if (!infer_frame (self, unused, poc))
      return FALSE;
    self->prev_ref_frame_num = unused;
  }

  return TRUE;
}

/* A P or B picture without any reference: gives it one, so that hardware reads what is ours. */
static gboolean
ensure_reference (CodecH264 * self, gboolean * corrupt)
{
  const CurrentPicture *pic = &self->pic;
  guint before = (pic->hdr.frame_num - 1) & (pic->sps.max_frame_num - 1);
  gint32 poc[2] = { 0, 0 };

  if ((!pic->has_p && !pic->has_b) || h264_dpb_count_references (&self->dpb, NULL) > 0)
    return TRUE;

  GST_DEBUG ("no reference for frame_num %u", pic->hdr.frame_num);
  *corrupt = TRUE;

  return infer_frame (self, before, poc);
}

/* Jobs */

static gint
compare_slices (gconstpointer a, gconstpointer b)
{
  const Slice *left = a, *right = b;

  return left->first_mb < right->first_mb ? -1 : left->first_mb > right->first_mb;
}

/*
 * The job's bitstream.  Slices in arbitrary order (Baseline) are put into
 * raster order: none predicts from another within the picture, and deblocking
 * follows the whole of it (8.7), so this is the same picture.
 */
static GByteArray *
job_bitstream (CodecH264 * self)
{
  CurrentPicture *pic = &self->pic;
  gboolean in_order = TRUE;

  for (guint i = 1; i < pic->slices->len && in_order; i++)
    in_order = compare_slices (&g_array_index (pic->slices, Slice, i - 1),
        &g_array_index (pic->slices, Slice, i)) < 0;
  if (in_order)
    return pic->data;

  g_array_sort (pic->slices, compare_slices);
  g_byte_array_set_size (self->sorted, 0);
  for (guint i = 0; i < pic->slices->len; i++) {
    const Slice *slice = &g_array_index (pic->slices, Slice, i);

    /* The same slice twice is a duplicate; hardware would decode over the first one. */
    if (i > 0 && slice->first_mb == g_array_index (pic->slices, Slice, i - 1).first_mb)
      continue;
    g_byte_array_append (self->sorted, pic->data->data + slice->offset, slice->size);
  }

  return self->sorted;
}

static gboolean
submit_picture (CodecH264 * self, H264Frame * frame, guint8 structure)
{
  CurrentPicture *pic = &self->pic;
  H264PictureSyntax syntax = {
    .hdr = &pic->hdr,
    .nal_ref_idc = pic->nal_ref_idc,
    .idr = pic->idr,
    .has_p = pic->has_p,
    .has_b = pic->has_b,
  };
  struct v4l2_ctrl_h264_decode_params decode_params;
  GByteArray *bitstream = job_bitstream (self);
  CodecJob job = { 0, };
  /* 8.2.4.2.3: without order counts, non-existing frames are in no initial list of a B slice. */
  gboolean skip_non_existing = pic->has_b && !pic->has_p && pic->sps.pic_order_cnt_type == 0;

  h264_controls_fill_decode_params (&decode_params, &syntax, frame);
  if (!pic->idr)
    job.n_refs = h264_controls_fill_dpb (&decode_params, &self->dpb, structure, skip_non_existing,
        job.refs);

  job.data = bitstream->data;
  job.size = bitstream->len;
  job.capture_key = frame->picture->key;
  job.first_field = structure != H264_FRAME && frame != self->first_field;
  codec_job_add_control (&job, V4L2_CID_STATELESS_H264_SPS, &pic->sps_ctrl, sizeof (pic->sps_ctrl));
  codec_job_add_control (&job, V4L2_CID_STATELESS_H264_PPS, &pic->pps_ctrl, sizeof (pic->pps_ctrl));
  codec_job_add_control (&job, V4L2_CID_STATELESS_H264_SCALING_MATRIX, &pic->scaling_ctrl,
      sizeof (pic->scaling_ctrl));
  codec_job_add_control (&job, V4L2_CID_STATELESS_H264_DECODE_PARAMS, &decode_params,
      sizeof (decode_params));

  GST_LOG ("submit key %" G_GUINT64_FORMAT " frame_num %u POC %d/%d fields %u slices %u refs %u",
      job.capture_key, pic->hdr.frame_num, frame->poc[0], frame->poc[1], structure,
      pic->slices->len, job.n_refs);
  if (!self->client.submit (frame->picture, &job, self->user_data)) {
    h264_set_error (self, CODEC_ERROR_CLIENT, "The client could not submit a picture");
    return FALSE;
  }
  self->n_submitted++;

  return TRUE;
}

/* Pictures */

/*
 * How the frame is to be shown: for frames as pic_struct says (Table D-1), or
 * else by how it was coded; the order of fields is that of their order counts.
 */
static void
flag_fields (const CurrentPicture * pic, H264Frame * frame)
{
  gboolean interlaced = frame->field_coded || frame->poc[0] != frame->poc[1]
      || pic->sps.mb_adaptive_frame_field_flag;
  gboolean top_first = frame->fields == H264_FRAME ? frame->poc[0] <= frame->poc[1]
      : frame->fields == H264_TOP_FIELD;
  gboolean repeat = FALSE;

  if (!frame->field_coded) {
    switch (pic->pic_struct) {
      case GST_H264_SEI_PIC_STRUCT_FRAME:
      case GST_H264_SEI_PIC_STRUCT_FRAME_DOUBLING:
      case GST_H264_SEI_PIC_STRUCT_FRAME_TRIPLING:
        interlaced = FALSE;
        break;
      case GST_H264_SEI_PIC_STRUCT_TOP_BOTTOM_TOP:
      case GST_H264_SEI_PIC_STRUCT_BOTTOM_TOP_BOTTOM:
        repeat = TRUE;
        /* fall through */
      case GST_H264_SEI_PIC_STRUCT_TOP_BOTTOM:
      case GST_H264_SEI_PIC_STRUCT_BOTTOM_TOP:
        interlaced = !pic->progressive;
        top_first = pic->pic_struct == GST_H264_SEI_PIC_STRUCT_TOP_BOTTOM
            || pic->pic_struct == GST_H264_SEI_PIC_STRUCT_TOP_BOTTOM_TOP;
        break;
      default:
        break;
    }
  }

  frame->picture->flags &= ~(CODEC_PICTURE_INTERLACED | CODEC_PICTURE_TOP_FIELD_FIRST);
  if (interlaced)
    frame->picture->flags |= CODEC_PICTURE_INTERLACED;
  if (top_first && (interlaced || repeat))
    frame->picture->flags |= CODEC_PICTURE_TOP_FIELD_FIRST;
  if (repeat)
    frame->picture->flags |= CODEC_PICTURE_REPEAT_FIELD;
}

/* Marks and stores what was decoded: 8.2.5.1, C.4.4, C.4.5.  Takes @frame. */
static gboolean
end_decoding (CodecH264 * self, H264Frame * frame, guint8 structure, gboolean second_field)
{
  CurrentPicture *pic = &self->pic;
  gboolean reset = FALSE, ok = TRUE;
  gboolean first_field = structure != H264_FRAME && !second_field;

  frame->fields |= structure;
  if (!pic->sps.frame_mbs_only_flag)
    flag_fields (pic, frame);
  if (pic->nal_ref_idc) {
    reset = h264_dpb_mark (&self->dpb, frame, structure, pic->idr, &pic->hdr.dec_ref_pic_marking);
    self->prev_ref_frame_num = reset ? 0 : pic->hdr.frame_num;
  }
  h264_poc_commit (&self->poc, pic->nal_ref_idc != 0, reset, structure, frame->poc[0]);

  if (second_field)
    return h264_end_first_field (self);

  if (reset) {
    self->recovering = FALSE;
    ok &= h264_dpb_output_all (&self->dpb);
  }
  if (first_field) {
    self->first_field = frame;
    self->first_field_stored = pic->nal_ref_idc != 0;
    if (!self->first_field_stored)
      return ok;
  }

  return h264_dpb_store (&self->dpb, frame, first_field) && ok;
}

static H264Frame *
begin_frame (CodecH264 * self, guint8 structure, gboolean corrupt)
{
  CurrentPicture *pic = &self->pic;
  CodecPictureFlags flags = CODEC_PICTURE_NONE;
  H264Frame *nearest = h264_dpb_nearest_reference (&self->dpb);
  H264Frame *frame = h264_frame_new (NULL);

  h264_poc_derive (&self->poc, &pic->sps, &pic->hdr, pic->idr, pic->nal_ref_idc != 0, frame->poc);
  if (structure == H264_TOP_FIELD)
    frame->poc[1] = frame->poc[0];
  else if (structure == H264_BOTTOM_FIELD)
    frame->poc[0] = frame->poc[1];
  frame->frame_num = frame->frame_num_wrap = pic->hdr.frame_num;
  frame->field_coded = structure != H264_FRAME;
  frame->wanted = TRUE;

  if (corrupt || is_before_recovery (self, frame, structure))
    flags |= CODEC_PICTURE_CORRUPT;
  if (pic->idr)
    flags |= CODEC_PICTURE_KEY;
  if (pic->nal_ref_idc)
    flags |= CODEC_PICTURE_REFERENCE;

  frame->picture = new_picture (self, flags, nearest ? nearest->picture : NULL);
  if (!frame->picture)
    g_clear_pointer (&frame, h264_frame_free);

  return frame;
}

/* A picture that begins a frame: a frame, a first field or an unpaired one. */
static gboolean
decode_new_frame (CodecH264 * self, gboolean corrupt)
{
  CurrentPicture *pic = &self->pic;
  guint8 structure = !pic->hdr.field_pic_flag ? H264_FRAME :
      pic->hdr.bottom_field_flag ? H264_BOTTOM_FIELD : H264_TOP_FIELD;
  CodecSequence sequence;
  gboolean changed, starts;
  H264Frame *frame;

  if (!h264_end_first_field (self))
    return FALSE;

  changed = sequence_changes (self, &sequence);
  /* Between IDR pictures an SPS cannot change: an IDR was lost. */
  if (changed)
    self->need_access_point = TRUE;
  starts = pic->idr || self->need_access_point;
  if (!check_access_point (self)) {
    GST_DEBUG ("frame_num %u dropped: no random access point yet", pic->hdr.frame_num);
    return TRUE;
  }
  if (starts && !activate_sps (self, &sequence, changed))
    return FALSE;
  if (!fill_frame_num_gap (self, &corrupt) || !ensure_reference (self, &corrupt))
    return FALSE;

  h264_dpb_update_frame_num_wrap (&self->dpb, pic->hdr.frame_num, pic->sps.max_frame_num);
  frame = begin_frame (self, structure, corrupt);
  if (!frame)
    return FALSE;
  if (!submit_picture (self, frame, structure)) {
    h264_frame_free (frame);
    return FALSE;
  }

  return end_decoding (self, frame, structure, FALSE);
}

static gboolean
decode_second_field (CodecH264 * self, gboolean corrupt)
{
  CurrentPicture *pic = &self->pic;
  guint8 structure = pic->hdr.bottom_field_flag ? H264_BOTTOM_FIELD : H264_TOP_FIELD;
  H264Frame *frame = self->first_field;

  h264_dpb_update_frame_num_wrap (&self->dpb, pic->hdr.frame_num, pic->sps.max_frame_num);
  h264_poc_derive (&self->poc, &pic->sps, &pic->hdr, FALSE, pic->nal_ref_idc != 0, frame->poc);
  if (corrupt)
    frame->picture->flags |= CODEC_PICTURE_CORRUPT;
  if (!submit_picture (self, frame, structure))
    return FALSE;

  return end_decoding (self, frame, structure, TRUE);
}

void
h264_reset_current (CurrentPicture * pic)
{
  pic->active = FALSE;
  pic->has_p = pic->has_b = pic->damaged = pic->has_recovery_point = FALSE;
  g_array_set_size (pic->slices, 0);
  g_byte_array_set_size (pic->data, 0);
}

/* All slices of the picture have been seen. */
gboolean
h264_finish_picture (CodecH264 * self)
{
  CurrentPicture *pic = &self->pic;
  guint32 first_mb = G_MAXUINT32;
  CodecSequence sequence;
  gboolean corrupt, ok;

  if (!pic->active)
    return TRUE;

  for (guint i = 0; i < pic->slices->len; i++)
    first_mb = MIN (first_mb, g_array_index (pic->slices, Slice, i).first_mb);
  corrupt = pic->damaged || first_mb != 0;

  /* With another SPS it is a new frame, of a sequence whose start was lost. */
  ok = is_second_field (self) && !sequence_changes (self, &sequence) ?
      decode_second_field (self, corrupt) : decode_new_frame (self, corrupt);
  h264_reset_current (pic);

  return ok;
}
