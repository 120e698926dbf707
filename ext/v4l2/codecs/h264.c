/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h264.h"

#include <string.h>

#include "h264controls.h"
#include "h264dpb.h"

GST_DEBUG_CATEGORY_STATIC (codec_h264_debug);
#define GST_CAT_DEFAULT codec_h264_debug

/* Parameter sets are kept as they came; no real one is near this many bytes. */
#define MAX_PARAMETER_SET_SIZE 65535

/* One slice of the current picture, in CurrentPicture.data. */
typedef struct
{
  guint32 first_mb;             /* first_mb_in_slice */
  gsize offset, size;           /* bytes, with the start code */
} Slice;

/*
 * The picture whose slices are being collected.  Nothing of it is decoded
 * before all are there: only then is it known whether it can start a stream,
 * what slice types it has and whether its first slice is missing.  Parameter
 * sets are copied, as others may come in the meantime.
 */
typedef struct
{
  gboolean active;
  GstH264SliceHdr hdr;          /* of the slice that came first; its pps pointer is not to be followed */
  guint pps_id;
  guint nal_ref_idc;
  gboolean idr;
  GstH264SPS sps;
  struct v4l2_ctrl_h264_sps sps_ctrl;
  struct v4l2_ctrl_h264_pps pps_ctrl;
  struct v4l2_ctrl_h264_scaling_matrix scaling_ctrl;

  gboolean has_p, has_b;
  gboolean damaged;             /* a slice of it could not be used */
  gboolean has_recovery_point;
  guint recovery_frame_cnt;
  guint64 tag;
  GArray *slices;               /* of Slice */
  GByteArray *data;
} CurrentPicture;

struct _CodecH264
{
  CodecClient client;
  gpointer user_data;

  GstH264NalParser *parser;
  GBytes *sps_nals[GST_H264_MAX_SPS_COUNT];
  GBytes *pps_nals[GST_H264_MAX_PPS_COUNT];
  CodecH264Format format;
  guint nal_length_size;        /* bytes, AVC only */

  CodecSequence sequence;
  gboolean have_sequence;

  CurrentPicture pic;
  GByteArray *sorted;           /* scratch for slices in arbitrary order */
  H264Dpb dpb;
  H264PocState poc;
  H264Frame *first_field;       /* waits for its second field */
  gboolean first_field_stored;  /* the DPB owns it */
  guint prev_ref_frame_num;     /* PrevRefFrameNum, 7.4.3 */
  guint64 n_pictures;           /* what keys are made from */

  /* Random access: nothing decodes until a picture that can. */
  gboolean need_access_point;
  gboolean recovering;          /* started at a picture that is no IDR */
  gboolean have_recovery_poc;
  guint recovery_start;         /* its frame_num */
  guint recovery_frame_cnt;
  gint32 recovery_poc;          /* pictures before it, in output order, are not whole */

  /* Of the access unit at hand. */
  guint64 tag;
  guint n_submitted;
  GError *error;                /* the first one */
  gboolean stop;                /* the client failed */
  gboolean slice_lost;          /* before the picture's first good one */
  gboolean au_recovery_point;
  guint au_recovery_frame_cnt;
};

G_GNUC_PRINTF (3, 4)
static void
set_error (CodecH264 * self, CodecError code, const gchar * format, ...)
{
  va_list args;
  g_autofree gchar *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  GST_DEBUG ("%s", message);
  if (code == CODEC_ERROR_CLIENT)
    self->stop = TRUE;
  /* What ends decoding outranks what merely damages a picture. */
  if (self->error && code != CODEC_ERROR_BITSTREAM
      && g_error_matches (self->error, CODEC_ERROR, CODEC_ERROR_BITSTREAM))
    g_clear_error (&self->error);
  if (!self->error)
    self->error = g_error_new_literal (CODEC_ERROR, code, message);
}

static gboolean
output_picture (CodecPicture * picture, gpointer user_data)
{
  CodecH264 *self = user_data;

  GST_LOG ("output key %" G_GUINT64_FORMAT, picture->key);
  if (self->client.output (picture, self->user_data))
    return TRUE;
  set_error (self, CODEC_ERROR_CLIENT, "The client refused a picture for output");

  return FALSE;
}

/* Fields */

/* The first field stays alone, or has been completed. */
static gboolean
end_first_field (CodecH264 * self)
{
  H264Frame *frame = g_steal_pointer (&self->first_field);

  if (!frame)
    return TRUE;
  if (self->first_field_stored)
    return h264_dpb_output_early (&self->dpb);

  return h264_dpb_store (&self->dpb, frame, FALSE);
}

static void
drop_first_field (CodecH264 * self)
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
static gboolean
end_coded_video_sequence (CodecH264 * self)
{
  gboolean ok = end_first_field (self);

  ok &= h264_dpb_output_all (&self->dpb);
  h264_dpb_unmark_all (&self->dpb);

  return ok;
}

/* Makes the picture's SPS the active one. FALSE if the client failed. */
static gboolean
activate_sps (CodecH264 * self)
{
  CurrentPicture *pic = &self->pic;
  CodecSequence sequence;
  gboolean changed;

  h264_sps_to_sequence (&pic->sps, &sequence);
  changed = !self->have_sequence || !h264_sequence_equal (&sequence, &self->sequence);

  /* Between IDR pictures an SPS cannot change (7.4.1.2.1): an IDR was lost, or never was. */
  if (!pic->idr && changed && self->have_sequence && !self->need_access_point) {
    GST_DEBUG ("sequence changes without an IDR picture");
    self->need_access_point = TRUE;
  }
  if (!pic->idr && !changed)
    return TRUE;
  if (!pic->idr && self->need_access_point && (pic->has_p || pic->has_b)
      && !pic->has_recovery_point)
    return TRUE;

  if (!end_coded_video_sequence (self))
    return FALSE;
  h264_dpb_configure (&self->dpb, h264_sps_dpb_size (&pic->sps), pic->sps.num_ref_frames,
      sequence.reorder);
  if (!changed)
    return TRUE;

  self->sequence = sequence;
  self->sequence.controls[0].id = V4L2_CID_STATELESS_H264_SPS;
  self->sequence.controls[0].size = sizeof (pic->sps_ctrl);
  self->sequence.controls[0].data = &pic->sps_ctrl;
  self->sequence.n_controls = 1;
  GST_DEBUG ("sequence: %ux%u in %ux%u, profile %d, level %d, DPB %u, reorder %u",
      sequence.width, sequence.height, sequence.coded_width, sequence.coded_height,
      sequence.profile, sequence.level, sequence.dpb_size, sequence.reorder);

  self->have_sequence = self->client.new_sequence (&self->sequence, self->user_data);
  if (!self->have_sequence)
    set_error (self, CODEC_ERROR_CLIENT, "The client refused the sequence");

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
    set_error (self, CODEC_ERROR_CLIENT, "The client has no buffer for a picture");
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

  for (; n > 0; n--) {
    gint32 poc[2] = { 0, 0 };

    unused = (frame_num - n) & (max_frame_num - 1);
    infer_poc (self, unused, poc);
    if (n <= self->dpb.max_refs && !infer_frame (self, unused, poc))
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

static void
job_add_control (CodecJob * job, guint32 id, gconstpointer data, gsize size)
{
  CodecControl *control = &job->controls[job->n_controls++];

  control->id = id;
  control->data = data;
  control->size = size;
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
  job_add_control (&job, V4L2_CID_STATELESS_H264_SPS, &pic->sps_ctrl, sizeof (pic->sps_ctrl));
  job_add_control (&job, V4L2_CID_STATELESS_H264_PPS, &pic->pps_ctrl, sizeof (pic->pps_ctrl));
  job_add_control (&job, V4L2_CID_STATELESS_H264_SCALING_MATRIX, &pic->scaling_ctrl,
      sizeof (pic->scaling_ctrl));
  job_add_control (&job, V4L2_CID_STATELESS_H264_DECODE_PARAMS, &decode_params,
      sizeof (decode_params));

  GST_LOG ("submit key %" G_GUINT64_FORMAT " frame_num %u POC %d/%d fields %u slices %u refs %u",
      job.capture_key, pic->hdr.frame_num, frame->poc[0], frame->poc[1], structure,
      pic->slices->len, job.n_refs);
  if (!self->client.submit (frame->picture, &job, self->user_data)) {
    set_error (self, CODEC_ERROR_CLIENT, "The client could not submit a picture");
    return FALSE;
  }
  self->n_submitted++;

  return TRUE;
}

/* Pictures */

/* Marks and stores what was decoded: 8.2.5.1, C.4.4, C.4.5.  Takes @frame. */
static gboolean
end_decoding (CodecH264 * self, H264Frame * frame, guint8 structure, gboolean second_field)
{
  CurrentPicture *pic = &self->pic;
  gboolean reset = FALSE, ok = TRUE;
  gboolean first_field = structure != H264_FRAME && !second_field;

  frame->fields |= structure;
  if (pic->nal_ref_idc) {
    reset = h264_dpb_mark (&self->dpb, frame, structure, pic->idr, &pic->hdr.dec_ref_pic_marking);
    self->prev_ref_frame_num = reset ? 0 : pic->hdr.frame_num;
  }
  h264_poc_commit (&self->poc, pic->nal_ref_idc != 0, reset, structure, frame->poc[0]);

  if (second_field)
    return end_first_field (self);

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

  self->tag = pic->tag;
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
  H264Frame *frame;

  if (!end_first_field (self) || !activate_sps (self))
    return FALSE;
  if (!check_access_point (self)) {
    GST_DEBUG ("frame_num %u dropped: no random access point yet", pic->hdr.frame_num);
    return TRUE;
  }
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

static void
reset_current (CurrentPicture * pic)
{
  pic->active = FALSE;
  pic->has_p = pic->has_b = pic->damaged = pic->has_recovery_point = FALSE;
  g_array_set_size (pic->slices, 0);
  g_byte_array_set_size (pic->data, 0);
}

/* All slices of the picture have been seen. */
static gboolean
finish_picture (CodecH264 * self)
{
  CurrentPicture *pic = &self->pic;
  guint32 first_mb = G_MAXUINT32;
  gboolean corrupt, ok;

  if (!pic->active)
    return TRUE;

  for (guint i = 0; i < pic->slices->len; i++)
    first_mb = MIN (first_mb, g_array_index (pic->slices, Slice, i).first_mb);
  corrupt = pic->damaged || first_mb != 0;

  ok = is_second_field (self) ? decode_second_field (self, corrupt)
      : decode_new_frame (self, corrupt);
  reset_current (pic);

  return ok;
}

/* NAL units */

static void
init_nalu (GstH264NalUnit * nalu, const guint8 * data, gsize size)
{
  memset (nalu, 0, sizeof (*nalu));
  nalu->ref_idc = (data[0] >> 5) & 3;
  nalu->type = data[0] & 0x1f;
  nalu->idr_pic_flag = nalu->type == GST_H264_NAL_SLICE_IDR;
  nalu->size = size;
  nalu->header_bytes = 1;
  nalu->data = (guint8 *) data;
  nalu->valid = TRUE;
}

static gboolean
same_bytes (GBytes * bytes, const guint8 * data, gsize size)
{
  gsize old_size;
  gconstpointer old;

  if (!bytes)
    return FALSE;
  old = g_bytes_get_data (bytes, &old_size);

  return old_size == size && memcmp (old, data, size) == 0;
}

static GstH264ParserResult
parse_pps (CodecH264 * self, const guint8 * data, gsize size, guint * id)
{
  GstH264NalUnit nalu;
  GstH264PPS pps;
  GstH264ParserResult result;

  memset (&pps, 0, sizeof (pps));
  init_nalu (&nalu, data, size);
  result = gst_h264_parser_parse_pps (self->parser, &nalu, &pps);
  *id = pps.id;
  if (result == GST_H264_PARSER_OK)
    gst_h264_pps_clear (&pps);

  return result;
}

/* A PPS is parsed by its SPS, and inherits lists from it: parse all again that depend on one. */
static void
reparse_pps (CodecH264 * self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->pps_nals); i++) {
    gsize size;
    gconstpointer data;
    guint id;

    if (!self->pps_nals[i])
      continue;
    data = g_bytes_get_data (self->pps_nals[i], &size);
    parse_pps (self, data, size, &id);
  }
}

static void
handle_sps (CodecH264 * self, const guint8 * data, gsize size)
{
  GstH264NalUnit nalu;
  GstH264SPS sps;

  memset (&sps, 0, sizeof (sps));
  init_nalu (&nalu, data, size);
  if (size > MAX_PARAMETER_SET_SIZE || gst_h264_parse_sps (&nalu, &sps) != GST_H264_PARSER_OK
      || sps.id < 0 || sps.id >= GST_H264_MAX_SPS_COUNT) {
    set_error (self, CODEC_ERROR_BITSTREAM, "Damaged sequence parameter set");
    return;
  }
  if (!same_bytes (self->sps_nals[sps.id], data, size)) {
    g_clear_pointer (&self->sps_nals[sps.id], g_bytes_unref);
    self->sps_nals[sps.id] = g_bytes_new (data, size);
    gst_h264_parser_update_sps (self->parser, &sps);
    reparse_pps (self);
  }
  gst_h264_sps_clear (&sps);
}

/*
 * A PPS whose SPS is missing is no error yet: the SPS may follow, or be the
 * subset SPS of a layer that nobody decodes here.
 */
static void
handle_pps (CodecH264 * self, const guint8 * data, gsize size)
{
  GstH264ParserResult result;
  guint id = 0;

  if (size > MAX_PARAMETER_SET_SIZE) {
    set_error (self, CODEC_ERROR_BITSTREAM, "Damaged picture parameter set");
    return;
  }
  result = parse_pps (self, data, size, &id);
  if (id >= GST_H264_MAX_PPS_COUNT
      || (result != GST_H264_PARSER_OK && result != GST_H264_PARSER_BROKEN_LINK)) {
    set_error (self, CODEC_ERROR_BITSTREAM, "Damaged picture parameter set");
    return;
  }
  if (same_bytes (self->pps_nals[id], data, size))
    return;
  g_clear_pointer (&self->pps_nals[id], g_bytes_unref);
  self->pps_nals[id] = g_bytes_new (data, size);
}

/* Of all SEI messages only the recovery point matters (D.2.8). */
static void
handle_sei (CodecH264 * self, const guint8 * data, gsize size)
{
  GstH264NalUnit nalu;
  GArray *messages = NULL;

  init_nalu (&nalu, data, size);
  gst_h264_parser_parse_sei (self->parser, &nalu, &messages);
  if (!messages)
    return;
  for (guint i = 0; i < messages->len; i++) {
    const GstH264SEIMessage *sei = &g_array_index (messages, GstH264SEIMessage, i);

    if (sei->payloadType == GST_H264_SEI_RECOVERY_POINT) {
      self->au_recovery_point = TRUE;
      self->au_recovery_frame_cnt = sei->payload.recovery_point.recovery_frame_cnt;
    }
  }
  g_array_unref (messages);
}

/* 7.4.1.2.4: whether the slice is the first of another primary coded picture. */
static gboolean
starts_picture (const CurrentPicture * pic, const GstH264SliceHdr * hdr, const GstH264NalUnit * nalu)
{
  const GstH264SliceHdr *last = &pic->hdr;
  gboolean idr = nalu->idr_pic_flag;

  if (hdr->frame_num != last->frame_num || (guint) hdr->pps->id != pic->pps_id
      || hdr->field_pic_flag != last->field_pic_flag
      || hdr->bottom_field_flag != last->bottom_field_flag
      || (nalu->ref_idc == 0) != (pic->nal_ref_idc == 0) || idr != pic->idr)
    return TRUE;
  if (idr && hdr->idr_pic_id != last->idr_pic_id)
    return TRUE;
  if (pic->sps.pic_order_cnt_type == 0)
    return hdr->pic_order_cnt_lsb != last->pic_order_cnt_lsb
        || hdr->delta_pic_order_cnt_bottom != last->delta_pic_order_cnt_bottom;
  if (pic->sps.pic_order_cnt_type == 1)
    return hdr->delta_pic_order_cnt[0] != last->delta_pic_order_cnt[0]
        || hdr->delta_pic_order_cnt[1] != last->delta_pic_order_cnt[1];

  return FALSE;
}

/* What valid streams have and no device here decodes. */
static gboolean
check_supported (CodecH264 * self, const GstH264SliceHdr * hdr)
{
  GError *error = NULL;

  if (hdr->pps->num_slice_groups_minus1 > 0) {
    set_error (self, CODEC_ERROR_UNSUPPORTED, "Slice groups (FMO, %u of them) are not supported",
        hdr->pps->num_slice_groups_minus1 + 1);
    return FALSE;
  }
  if (GST_H264_IS_SP_SLICE (hdr) || GST_H264_IS_SI_SLICE (hdr)) {
    set_error (self, CODEC_ERROR_UNSUPPORTED,
        "Switching slices (SP, SI; Extended profile) are not supported");
    return FALSE;
  }
  if (!h264_sps_check (hdr->pps->sequence, &error)) {
    set_error (self, CODEC_ERROR_UNSUPPORTED, "%s", error->message);
    g_clear_error (&error);
    return FALSE;
  }

  return TRUE;
}

static void
begin_picture (CodecH264 * self, const GstH264SliceHdr * hdr, const GstH264NalUnit * nalu)
{
  CurrentPicture *pic = &self->pic;
  const GstH264SPS *sps = hdr->pps->sequence;

  reset_current (pic);
  pic->active = TRUE;
  pic->hdr = *hdr;
  pic->pps_id = hdr->pps->id;
  pic->nal_ref_idc = nalu->ref_idc;
  pic->idr = nalu->idr_pic_flag;
  pic->sps = *sps;
  pic->tag = self->tag;
  pic->damaged = self->slice_lost;
  self->slice_lost = FALSE;
  pic->has_recovery_point = self->au_recovery_point;
  pic->recovery_frame_cnt = self->au_recovery_frame_cnt;
  self->au_recovery_point = FALSE;

  h264_controls_fill_sps (&pic->sps_ctrl, sps);
  h264_controls_fill_pps (&pic->pps_ctrl, hdr->pps, sps);
  h264_controls_fill_scaling_matrix (&pic->scaling_ctrl, hdr->pps, sps);
}

static void
append_slice (CurrentPicture * pic, const GstH264SliceHdr * hdr, const guint8 * data, gsize size)
{
  static const guint8 start_code[] = { 0, 0, 1 };
  Slice slice = {
    .first_mb = hdr->first_mb_in_slice,
    .offset = pic->data->len,
    .size = size + sizeof (start_code),
  };

  pic->has_p |= GST_H264_IS_P_SLICE (hdr);
  pic->has_b |= GST_H264_IS_B_SLICE (hdr);
  g_byte_array_append (pic->data, start_code, sizeof (start_code));
  g_byte_array_append (pic->data, data, size);
  g_array_append_val (pic->slices, slice);
}

/* A slice that cannot be read: the picture around it has a hole. */
static void
lose_slice (CodecH264 * self)
{
  if (self->pic.active)
    self->pic.damaged = TRUE;
  else
    self->slice_lost = TRUE;
}

static gboolean
handle_slice (CodecH264 * self, const guint8 * data, gsize size)
{
  CurrentPicture *pic = &self->pic;
  GstH264NalUnit nalu;
  GstH264SliceHdr hdr;
  GstH264ParserResult result;

  memset (&hdr, 0, sizeof (hdr));
  init_nalu (&nalu, data, size);
  result = gst_h264_parser_parse_slice_hdr (self->parser, &nalu, &hdr, TRUE, TRUE);
  if (result != GST_H264_PARSER_OK || !hdr.pps || !hdr.pps->sequence) {
    lose_slice (self);
    set_error (self, CODEC_ERROR_BITSTREAM, result == GST_H264_PARSER_BROKEN_LINK ?
        "A slice refers to a parameter set that was not received" : "Damaged slice header");
    return TRUE;
  }
  if (hdr.redundant_pic_cnt > 0)
    return TRUE;
  if (!check_supported (self, &hdr)) {
    self->need_access_point = TRUE;
    return TRUE;
  }

  if (pic->active && starts_picture (pic, &hdr, &nalu)) {
    if (!finish_picture (self))
      return FALSE;
  }
  if (!pic->active)
    begin_picture (self, &hdr, &nalu);
  append_slice (pic, &hdr, data, size);

  return TRUE;
}

/* FALSE if the client failed. */
static gboolean
handle_nal (CodecH264 * self, const guint8 * data, gsize size)
{
  /* cabac_zero_words and trailing_zero_8bits are no part of the picture (7.4.2.10, B.1) */
  while (size > 0 && data[size - 1] == 0)
    size--;
  if (size == 0 || (data[0] & 0x80))
    return TRUE;

  switch (data[0] & 0x1f) {
    case GST_H264_NAL_SLICE:
    case GST_H264_NAL_SLICE_IDR:
      return size < 2 || handle_slice (self, data, size);
    case GST_H264_NAL_SLICE_DPA:
    case GST_H264_NAL_SLICE_DPB:
    case GST_H264_NAL_SLICE_DPC:
      lose_slice (self);
      set_error (self, CODEC_ERROR_UNSUPPORTED,
          "Data partitioning (Extended profile) is not supported");
      return TRUE;
    case GST_H264_NAL_SEI:
      handle_sei (self, data, size);
      return TRUE;
    case GST_H264_NAL_SPS:
      handle_sps (self, data, size);
      return TRUE;
    case GST_H264_NAL_PPS:
      handle_pps (self, data, size);
      return TRUE;
    case GST_H264_NAL_AU_DELIMITER:
      return finish_picture (self);
    case GST_H264_NAL_SEQ_END:
    case GST_H264_NAL_STREAM_END:
      /* 7.4.1.2.1: the next picture is an IDR. If it is not, no reference to before is meant. */
      if (!finish_picture (self) || !end_coded_video_sequence (self))
        return FALSE;
      self->need_access_point = TRUE;
      return TRUE;
    default:
      /* Filler, extensions' NAL units (SVC, MVC, depth), auxiliary pictures, unspecified. */
      return TRUE;
  }
}

/* The offset just past the next 00 00 01 from @pos, or @size. @end gets where that NAL before ends. */
static gsize
next_start_code (const guint8 * data, gsize size, gsize pos, gsize * end)
{
  for (gsize i = pos; i + 2 < size;) {
    if (data[i + 2] > 1) {
      i += 3;
    } else if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1) {
      *end = i;
      return i + 3;
    } else {
      i++;
    }
  }
  *end = size;

  return size;
}

/* Annex B */
static gboolean
split_byte_stream (CodecH264 * self, const guint8 * data, gsize size)
{
  gsize end;
  gsize pos = next_start_code (data, size, 0, &end);

  while (pos < size) {
    gsize next = next_start_code (data, size, pos, &end);

    if (!handle_nal (self, data + pos, end - pos))
      return FALSE;
    pos = next;
  }

  return TRUE;
}

/* ISO 14496-15, 5.3.4.2 */
static gboolean
split_avc (CodecH264 * self, const guint8 * data, gsize size)
{
  gsize pos = 0;

  while (size - pos >= self->nal_length_size) {
    gsize nal_size = 0;

    for (guint i = 0; i < self->nal_length_size; i++)
      nal_size = nal_size << 8 | data[pos++];
    if (nal_size > size - pos) {
      set_error (self, CODEC_ERROR_BITSTREAM,
          "A NAL unit of %" G_GSIZE_FORMAT " bytes with %" G_GSIZE_FORMAT " left", nal_size,
          size - pos);
      nal_size = size - pos;
    }
    if (nal_size > 0 && !handle_nal (self, data + pos, nal_size))
      return FALSE;
    pos += nal_size;
  }

  return TRUE;
}

/* Gives up what was collected, after the client failed. */
static gboolean
end_unit (CodecH264 * self, gboolean result, GError ** error)
{
  reset_current (&self->pic);
  self->au_recovery_point = FALSE;
  self->slice_lost = FALSE;

  /* A picture that went out damaged says so itself (CODEC_PICTURE_CORRUPT). */
  if (result && g_error_matches (self->error, CODEC_ERROR, CODEC_ERROR_BITSTREAM))
    g_clear_error (&self->error);
  if (!self->error)
    return result;

  g_propagate_error (error, g_steal_pointer (&self->error));

  return FALSE;
}

static void
begin_unit (CodecH264 * self)
{
  g_clear_error (&self->error);
  self->n_submitted = 0;
  self->stop = FALSE;
}

/**
 * codec_h264_new:
 * @client: copied; all four callbacks are needed
 *
 * Returns: (transfer full): a decoder that expects a byte stream
 */
CodecH264 *
codec_h264_new (const CodecClient * client, gpointer user_data)
{
  CodecH264 *self = g_new0 (CodecH264, 1);

  GST_DEBUG_CATEGORY_INIT (codec_h264_debug, "dmaresvcodech264", 0, "H.264 syntax and DPB");

  self->client = *client;
  self->user_data = user_data;
  self->parser = gst_h264_nal_parser_new ();
  self->format = CODEC_H264_BYTE_STREAM;
  self->nal_length_size = 4;
  self->pic.slices = g_array_new (FALSE, FALSE, sizeof (Slice));
  self->pic.data = g_byte_array_new ();
  self->sorted = g_byte_array_new ();
  self->dpb.output = output_picture;
  self->dpb.user_data = self;
  h264_dpb_configure (&self->dpb, 1, 1, 0);
  self->need_access_point = TRUE;

  return self;
}

/**
 * codec_h264_free:
 *
 * Drops all pictures without output.
 */
void
codec_h264_free (CodecH264 * self)
{
  drop_first_field (self);
  h264_dpb_clear (&self->dpb);
  for (guint i = 0; i < G_N_ELEMENTS (self->sps_nals); i++)
    g_clear_pointer (&self->sps_nals[i], g_bytes_unref);
  for (guint i = 0; i < G_N_ELEMENTS (self->pps_nals); i++)
    g_clear_pointer (&self->pps_nals[i], g_bytes_unref);
  gst_h264_nal_parser_free (self->parser);
  g_array_unref (self->pic.slices);
  g_byte_array_unref (self->pic.data);
  g_byte_array_unref (self->sorted);
  g_clear_error (&self->error);
  g_free (self);
}

/* ISO 14496-15, 5.3.3.1 */
static gboolean
read_avcc (CodecH264 * self, const guint8 * data, gsize size)
{
  gsize pos = 5;

  if (!data || size < 7 || data[0] != 1)
    return FALSE;
  self->nal_length_size = (data[4] & 3) + 1;

  /* numOfSequenceParameterSets has 5 bits, numOfPictureParameterSets 8 */
  for (guint set = 0; set < 2; set++) {
    guint n;

    if (pos >= size)
      return FALSE;
    n = set == 0 ? data[pos] & 0x1f : data[pos];
    pos++;
    for (; n > 0; n--) {
      gsize nal_size;

      if (size - pos < 2)
        return FALSE;
      nal_size = GST_READ_UINT16_BE (data + pos);
      pos += 2;
      if (nal_size > size - pos)
        return FALSE;
      handle_nal (self, data + pos, nal_size);
      pos += nal_size;
    }
  }

  return TRUE;
}

gboolean
codec_h264_set_format (CodecH264 * self, CodecH264Format format, const guint8 * codec_data,
    gsize codec_data_size, GError ** error)
{
  begin_unit (self);
  self->format = format;
  if (format == CODEC_H264_AVC && !read_avcc (self, codec_data, codec_data_size)) {
    set_error (self, CODEC_ERROR_BITSTREAM, "Missing or damaged avcC box (codec_data)");
    return end_unit (self, FALSE, error);
  }
  /* A damaged parameter set in it may never be used. */
  g_clear_error (&self->error);

  return end_unit (self, TRUE, error);
}

void
codec_h264_set_low_latency (CodecH264 * self, gboolean low_latency)
{
  self->dpb.low_latency = low_latency;
}

gboolean
codec_h264_decode (CodecH264 * self, const guint8 * data, gsize size, guint64 tag, GError ** error)
{
  gboolean ok;

  begin_unit (self);
  self->tag = tag;
  ok = self->format == CODEC_H264_AVC ? split_avc (self, data, size)
      : split_byte_stream (self, data, size);
  if (ok)
    finish_picture (self);

  return end_unit (self, self->n_submitted > 0, error);
}

gboolean
codec_h264_drain (CodecH264 * self, GError ** error)
{
  begin_unit (self);
  end_first_field (self);
  h264_dpb_output_all (&self->dpb);

  return end_unit (self, !self->error, error);
}

void
codec_h264_flush (CodecH264 * self)
{
  begin_unit (self);
  drop_first_field (self);
  h264_dpb_clear (&self->dpb);
  reset_current (&self->pic);
  memset (&self->poc, 0, sizeof (self->poc));
  self->recovering = FALSE;
  self->need_access_point = TRUE;
  end_unit (self, TRUE, NULL);
}
