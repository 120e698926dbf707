/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "mpeg2.h"

#include <string.h>

#include <gst/codecparsers/gstmpegvideoparser.h>
#include <linux/v4l2-controls.h>

GST_DEBUG_CATEGORY_STATIC (codec_mpeg2_debug);
#define GST_CAT_DEFAULT codec_mpeg2_debug

/* Table 6-14; GStreamer's parser leaves them as numbers */
enum
{
  TOP_FIELD = 1,
  BOTTOM_FIELD = 2,
  FRAME = 3
};

/* One coded picture, a frame or a field, in the making. */
typedef struct
{
  gboolean active;
  gboolean have_ext;
  gboolean damaged;
  gboolean after_sequence;      /* a sequence header precedes it */
  GstMpegVideoPictureHdr hdr;
  GstMpegVideoPictureExt ext;
  GByteArray *data;             /* slices with their start codes */
} CurrentPicture;

struct _CodecMpeg2
{
  CodecClient client;
  gpointer user_data;
  GError *error;
  guint64 tag;
  guint64 n_pictures;
  guint n_submitted;            /* in this call */

  gboolean have_header, have_ext, have_display;
  gboolean scalable;
  GstMpegVideoSequenceHdr seq_hdr;
  GstMpegVideoSequenceExt seq_ext;
  GstMpegVideoSequenceDisplayExt display;
  struct v4l2_ctrl_mpeg2_quantisation quant;
  gboolean sequence_seen;       /* since the last picture */
  gboolean closed_gop, broken_link;

  gboolean have_sequence;
  CodecSequence sequence;
  gboolean low_delay;
  gboolean need_access_point;

  CurrentPicture pic;
  CodecPicture *older, *newer;  /* reference frames, in output order */
  CodecPicture *held;           /* the newer one, until it is output */
  CodecPicture *first_field;    /* of a frame that may get a second */
  guint8 first_structure, first_type;
  guint16 first_reference;      /* its temporal_reference */
};

static void
set_error (CodecMpeg2 * self, CodecError code, const gchar * message)
{
  codec_set_error (GST_CAT_DEFAULT, &self->error, code, "%s", message);
}

static void
reset_current (CurrentPicture * pic)
{
  GByteArray *data = pic->data;

  g_byte_array_set_size (data, 0);
  memset (pic, 0, sizeof (*pic));
  pic->data = data;
}

static void
set_picture (CodecPicture ** slot, CodecPicture * picture)
{
  CodecPicture *old = *slot;

  *slot = picture ? codec_picture_ref (picture) : NULL;
  if (old)
    codec_picture_unref (old);
}

/* Output order */

static gboolean
output (CodecMpeg2 * self, CodecPicture * picture)
{
  GST_LOG ("output key %" G_GUINT64_FORMAT, picture->key);
  if (self->client.output (picture, self->user_data))
    return TRUE;
  set_error (self, CODEC_ERROR_CLIENT, "The client refused a picture for output");

  return FALSE;
}

static gboolean
output_held (CodecMpeg2 * self)
{
  g_autoptr (CodecPicture) picture = g_steal_pointer (&self->held);

  return !picture || output (self, picture);
}

/* 6.1.1.11: B pictures are output at once, others when the next of them comes. */
static gboolean
complete_frame (CodecMpeg2 * self, CodecPicture * picture)
{
  if (!(picture->flags & CODEC_PICTURE_REFERENCE))
    return output (self, picture);
  if (!output_held (self))
    return FALSE;
  set_picture (&self->older, self->newer);
  set_picture (&self->newer, picture);
  if (self->low_delay)
    return output (self, picture);
  set_picture (&self->held, picture);

  return TRUE;
}

/* The first field stays alone. */
static gboolean
end_first_field (CodecMpeg2 * self)
{
  g_autoptr (CodecPicture) picture = g_steal_pointer (&self->first_field);

  if (!picture)
    return TRUE;
  picture->flags |= CODEC_PICTURE_ONE_FIELD;

  return complete_frame (self, picture);
}

static void
drop_references (CodecMpeg2 * self)
{
  set_picture (&self->older, NULL);
  set_picture (&self->newer, NULL);
  self->need_access_point = TRUE;
}

static gboolean
end_sequence (CodecMpeg2 * self)
{
  gboolean ok = end_first_field (self) && output_held (self);

  drop_references (self);

  return ok;
}

/* Sequences */

static void
fill_colorimetry (CodecMpeg2 * self, CodecSequence * seq)
{
  seq->chroma_site = GST_VIDEO_CHROMA_SITE_MPEG2;
  if (!self->have_display || !self->display.colour_description_flag)
    return;
  codec_sequence_set_colours (seq, self->display.colour_primaries,
      self->display.transfer_characteristics, self->display.matrix_coefficients);
}

/* Table 8-2 to V4L2's numbers */
static gint
v4l2_profile (guint profile)
{
  static const gint profiles[] = { -1, V4L2_MPEG_VIDEO_MPEG2_PROFILE_HIGH,
    V4L2_MPEG_VIDEO_MPEG2_PROFILE_SPATIALLY_SCALABLE, V4L2_MPEG_VIDEO_MPEG2_PROFILE_SNR_SCALABLE,
    V4L2_MPEG_VIDEO_MPEG2_PROFILE_MAIN, V4L2_MPEG_VIDEO_MPEG2_PROFILE_SIMPLE
  };

  return profile < G_N_ELEMENTS (profiles) ? profiles[profile] : -1;
}

static void
make_sequence (CodecMpeg2 * self, CodecSequence * seq)
{
  GstMpegVideoSequenceHdr hdr = self->seq_hdr;

  gst_mpeg_video_finalise_mpeg2_sequence_header (&hdr, &self->seq_ext,
      self->have_display ? &self->display : NULL);
  memset (seq, 0, sizeof (*seq));
  seq->width = hdr.width;
  seq->height = hdr.height;
  seq->coded_width = GST_ROUND_UP_16 (hdr.width);
  /* 6.3.3, mb_height: fields have whole macroblocks, too */
  seq->coded_height = self->seq_ext.progressive ? GST_ROUND_UP_16 (hdr.height)
      : GST_ROUND_UP_32 (hdr.height);
  seq->exact_size = TRUE;
  seq->bit_depth = 8;
  seq->chroma_format_idc = self->seq_ext.chroma_format;
  seq->interlaced = !self->seq_ext.progressive;
  seq->profile = v4l2_profile (self->seq_ext.profile);
  seq->level = -1;
  seq->reorder = self->seq_ext.low_delay ? 0 : 1;
  seq->dpb_size = 2;
  seq->fps_n = hdr.fps_n;
  seq->fps_d = hdr.fps_d > 0 ? hdr.fps_d : 1;
  seq->par_n = hdr.par_w > 0 ? hdr.par_w : 1;
  seq->par_d = hdr.par_h > 0 ? hdr.par_h : 1;
  fill_colorimetry (self, seq);
}

static gboolean
check_supported (CodecMpeg2 * self)
{
  const gchar *what = NULL;

  if (!self->have_header) {
    GST_DEBUG ("no sequence header yet");
    return FALSE;
  }
  if (!self->have_ext)
    what = "MPEG-1 video is not supported";
  else if (self->scalable)
    what = "Scalable MPEG-2 video is not supported";
  if (what)
    set_error (self, CODEC_ERROR_UNSUPPORTED, what);

  return !what;
}

/* Whether the sequences differ in nothing but how the pictures are to be shown.  Broadcasts change that
 * at any sequence header, without an end code, and the next B pictures still refer to what was before. */
static gboolean
differs_in_display (const CodecSequence * a, const CodecSequence * b)
{
  CodecSequence shown = *b;

  shown.fps_n = a->fps_n;
  shown.fps_d = a->fps_d;
  shown.par_n = a->par_n;
  shown.par_d = a->par_d;
  shown.colorimetry = a->colorimetry;

  return memcmp (a, &shown, sizeof (shown)) == 0;
}

/* Makes the last sequence header's the active one. FALSE if the client failed. */
static gboolean
activate_sequence (CodecMpeg2 * self)
{
  CodecSequence seq;
  gboolean keep;

  if (!self->sequence_seen && self->have_sequence)
    return TRUE;
  make_sequence (self, &seq);
  /* Both are zeroed before they are filled. */
  if (self->have_sequence && memcmp (&seq, &self->sequence, sizeof (seq)) == 0)
    return TRUE;

  keep = self->have_sequence && differs_in_display (&seq, &self->sequence);
  if (!(keep ? output_held (self) : end_sequence (self)))
    return FALSE;
  self->sequence = seq;
  seq.keeps_references = keep;
  self->low_delay = seq.reorder == 0;
  GST_DEBUG ("sequence: %ux%u, profile %d%s", seq.width, seq.height, seq.profile,
      seq.interlaced ? ", interlaced" : "");
  self->have_sequence = self->client.new_sequence (&seq, self->user_data);
  if (!self->have_sequence)
    set_error (self, CODEC_ERROR_CLIENT, "The client refused the sequence");

  return self->have_sequence;
}

/* Controls */

static guint32
picture_flags (CodecMpeg2 * self, gboolean second)
{
  const GstMpegVideoPictureExt *ext = &self->pic.ext;
  gboolean tff = ext->top_field_first;
  guint32 flags = 0;

  /* It is always 0 in field pictures (6.3.10); drivers tell by it which field is the first. */
  if (ext->picture_structure != FRAME)
    tff = (ext->picture_structure == TOP_FIELD) != second;
  if (tff)
    flags |= V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST;
  if (ext->frame_pred_frame_dct)
    flags |= V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT;
  if (ext->concealment_motion_vectors)
    flags |= V4L2_MPEG2_PIC_FLAG_CONCEALMENT_MV;
  if (ext->q_scale_type)
    flags |= V4L2_MPEG2_PIC_FLAG_Q_SCALE_TYPE;
  if (ext->intra_vlc_format)
    flags |= V4L2_MPEG2_PIC_FLAG_INTRA_VLC;
  if (ext->alternate_scan)
    flags |= V4L2_MPEG2_PIC_FLAG_ALT_SCAN;
  if (ext->repeat_first_field)
    flags |= V4L2_MPEG2_PIC_FLAG_REPEAT_FIRST;
  if (ext->progressive_frame)
    flags |= V4L2_MPEG2_PIC_FLAG_PROGRESSIVE;

  return flags;
}

static void
fill_sequence (CodecMpeg2 * self, struct v4l2_ctrl_mpeg2_sequence *to)
{
  memset (to, 0, sizeof (*to));
  to->horizontal_size = self->sequence.width;
  to->vertical_size = self->sequence.height;
  to->vbv_buffer_size = self->seq_hdr.vbv_buffer_size_value
      | (guint32) self->seq_ext.vbv_buffer_size_extension << 10;
  to->profile_and_level_indication = self->seq_ext.profile << 4 | self->seq_ext.level;
  to->chroma_format = self->seq_ext.chroma_format;
  if (self->seq_ext.progressive)
    to->flags |= V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE;
}

/* Missing references are the picture itself, so that hardware reads what is ours. */
static void
fill_picture (CodecMpeg2 * self, struct v4l2_ctrl_mpeg2_picture *to, CodecPicture * picture,
    gboolean second, CodecJob * job)
{
  const CurrentPicture *pic = &self->pic;
  CodecPicture *forward = NULL, *backward = NULL;

  memset (to, 0, sizeof (*to));
  to->picture_coding_type = pic->hdr.pic_type;
  to->picture_structure = pic->ext.picture_structure;
  to->intra_dc_precision = pic->ext.intra_dc_precision;
  memcpy (to->f_code, pic->ext.f_code, sizeof (to->f_code));
  to->flags = picture_flags (self, second);
  if (pic->hdr.pic_type == GST_MPEG_VIDEO_PICTURE_TYPE_P) {
    forward = self->newer;
  } else if (pic->hdr.pic_type == GST_MPEG_VIDEO_PICTURE_TYPE_B) {
    backward = self->newer;
    forward = self->older ? self->older : backward;
  }
  to->forward_ref_ts = forward ? forward->key : picture->key;
  to->backward_ref_ts = backward ? backward->key : picture->key;
  if (forward)
    job->refs[job->n_refs++] = forward;
  if (backward && backward != forward)
    job->refs[job->n_refs++] = backward;
}

static gboolean
submit (CodecMpeg2 * self, CodecPicture * picture, gboolean second)
{
  struct v4l2_ctrl_mpeg2_sequence seq;
  struct v4l2_ctrl_mpeg2_picture pic;
  CodecJob job = { 0, };

  fill_sequence (self, &seq);
  fill_picture (self, &pic, picture, second, &job);
  job.data = self->pic.data->data;
  job.size = self->pic.data->len;
  job.capture_key = picture->key;
  job.controls[0] = (CodecControl) {
  V4L2_CID_STATELESS_MPEG2_SEQUENCE, sizeof (seq), &seq};
  job.controls[1] = (CodecControl) {
  V4L2_CID_STATELESS_MPEG2_PICTURE, sizeof (pic), &pic};
  job.controls[2] = (CodecControl) {
  V4L2_CID_STATELESS_MPEG2_QUANTISATION, sizeof (self->quant), &self->quant};
  job.n_controls = 3;
  if (self->client.submit (picture, &job, self->user_data)) {
    self->n_submitted++;
    return TRUE;
  }
  set_error (self, CODEC_ERROR_CLIENT, "The client refused a job");

  return FALSE;
}

/* Pictures */

/* 6.1.1.4.1: opposite parity; an I field may be followed by a P field, other types stay.  6.3.9: both
 * have one temporal_reference, without which all fields after a lost one would get a wrong partner. */
static gboolean
is_second_field (const CodecMpeg2 * self)
{
  guint8 type = self->pic.hdr.pic_type;

  return self->first_field && self->pic.ext.picture_structure == (FRAME ^ self->first_structure)
      && self->pic.hdr.tsn == self->first_reference
      && (type == self->first_type || (self->first_type == GST_MPEG_VIDEO_PICTURE_TYPE_I
          && type == GST_MPEG_VIDEO_PICTURE_TYPE_P));
}

/* Whether what the picture predicts from is there, as far as it has to be. */
static gboolean
check_references (CodecMpeg2 * self, gboolean * corrupt)
{
  switch (self->pic.hdr.pic_type) {
    case GST_MPEG_VIDEO_PICTURE_TYPE_I:
      self->need_access_point = FALSE;
      return TRUE;
    case GST_MPEG_VIDEO_PICTURE_TYPE_P:
      /* Streams that are refreshed by intra slices may have no I picture. */
      *corrupt = !self->newer;
      if (self->need_access_point && !self->pic.after_sequence)
        return FALSE;
      self->need_access_point = FALSE;
      return TRUE;
    default:
      /* 6.3.8: after a cut, the first B pictures' forward reference is another than was meant. */
      *corrupt = self->broken_link && !self->closed_gop;
      return self->newer && (self->older || self->closed_gop);
  }
}

static CodecPicture *
new_picture (CodecMpeg2 * self, gboolean corrupt)
{
  const CurrentPicture *pic = &self->pic;
  /* A number of its own: two pictures may share a time stamp, but no two share a key. */
  g_autoptr (CodecPicture) picture = codec_picture_new (++self->n_pictures * 1000, self->tag);

  if (pic->hdr.pic_type == GST_MPEG_VIDEO_PICTURE_TYPE_I)
    picture->flags |= CODEC_PICTURE_KEY;
  if (pic->hdr.pic_type != GST_MPEG_VIDEO_PICTURE_TYPE_B)
    picture->flags |= CODEC_PICTURE_REFERENCE;
  if (corrupt)
    picture->flags |= CODEC_PICTURE_CORRUPT;
  if (!pic->ext.progressive_frame)
    picture->flags |= CODEC_PICTURE_INTERLACED;
  if (pic->ext.picture_structure == TOP_FIELD || pic->ext.top_field_first)
    picture->flags |= CODEC_PICTURE_TOP_FIELD_FIRST;
  if (pic->ext.picture_structure == FRAME && pic->ext.repeat_first_field)
    picture->flags |= CODEC_PICTURE_REPEAT_FIELD;
  if (!self->client.new_picture (picture, NULL, self->user_data)) {
    set_error (self, CODEC_ERROR_CLIENT, "The client has no buffer for a picture");
    return NULL;
  }

  return g_steal_pointer (&picture);
}

static gboolean
decode_second_field (CodecMpeg2 * self)
{
  g_autoptr (CodecPicture) picture = g_steal_pointer (&self->first_field);

  if (self->pic.damaged)
    picture->flags |= CODEC_PICTURE_CORRUPT;

  return submit (self, picture, TRUE) && complete_frame (self, picture);
}

static gboolean
decode_picture (CodecMpeg2 * self)
{
  const CurrentPicture *pic = &self->pic;
  g_autoptr (CodecPicture) picture = NULL;
  gboolean corrupt = FALSE;

  if (is_second_field (self))
    return decode_second_field (self);
  if (!end_first_field (self) || !activate_sequence (self))
    return FALSE;
  self->sequence_seen = FALSE;
  if (!check_references (self, &corrupt)) {
    GST_DEBUG ("a picture of type %u without its references is dropped", pic->hdr.pic_type);
    return TRUE;
  }
  if (!(picture = new_picture (self, corrupt || pic->damaged)) || !submit (self, picture, FALSE))
    return FALSE;
  if (pic->hdr.pic_type != GST_MPEG_VIDEO_PICTURE_TYPE_B)
    self->broken_link = FALSE;
  if (pic->ext.picture_structure == FRAME)
    return complete_frame (self, picture);
  self->first_field = g_steal_pointer (&picture);
  self->first_structure = pic->ext.picture_structure;
  self->first_type = pic->hdr.pic_type;
  self->first_reference = pic->hdr.tsn;

  return TRUE;
}

/* FALSE if the client failed. */
static gboolean
finish_picture (CodecMpeg2 * self)
{
  CurrentPicture *pic = &self->pic;
  gboolean ok = TRUE;

  if (pic->active && check_supported (self)) {
    guint8 type = pic->hdr.pic_type;

    if (!pic->have_ext || pic->ext.picture_structure < TOP_FIELD
        || type < GST_MPEG_VIDEO_PICTURE_TYPE_I || type > GST_MPEG_VIDEO_PICTURE_TYPE_B
        || (pic->ext.picture_structure != FRAME && self->seq_ext.progressive))
      set_error (self, CODEC_ERROR_BITSTREAM, "Damaged picture header");
    else if (pic->data->len == 0)
      set_error (self, CODEC_ERROR_BITSTREAM, "A picture without slices");
    else
      ok = decode_picture (self);
  }
  reset_current (pic);

  return ok;
}

/* Start codes' contents */

/* Chroma's matrices follow luma's unless they are given themselves (6.3.11). */
static void
reset_quant (CodecMpeg2 * self)
{
  struct v4l2_ctrl_mpeg2_quantisation *q = &self->quant;

  memcpy (q->intra_quantiser_matrix, self->seq_hdr.intra_quantizer_matrix, 64);
  memcpy (q->non_intra_quantiser_matrix, self->seq_hdr.non_intra_quantizer_matrix, 64);
  memcpy (q->chroma_intra_quantiser_matrix, self->seq_hdr.intra_quantizer_matrix, 64);
  memcpy (q->chroma_non_intra_quantiser_matrix, self->seq_hdr.non_intra_quantizer_matrix, 64);
}

static void
handle_quant (CodecMpeg2 * self, const GstMpegVideoPacket * packet)
{
  struct v4l2_ctrl_mpeg2_quantisation *q = &self->quant;
  GstMpegVideoQuantMatrixExt ext;

  memset (&ext, 0, sizeof (ext));
  if (!gst_mpeg_video_packet_parse_quant_matrix_extension (packet, &ext)) {
    set_error (self, CODEC_ERROR_BITSTREAM, "Damaged quantiser matrices");
    return;
  }
  if (ext.load_intra_quantiser_matrix) {
    memcpy (q->intra_quantiser_matrix, ext.intra_quantiser_matrix, 64);
    memcpy (q->chroma_intra_quantiser_matrix, ext.intra_quantiser_matrix, 64);
  }
  if (ext.load_non_intra_quantiser_matrix) {
    memcpy (q->non_intra_quantiser_matrix, ext.non_intra_quantiser_matrix, 64);
    memcpy (q->chroma_non_intra_quantiser_matrix, ext.non_intra_quantiser_matrix, 64);
  }
  if (ext.load_chroma_intra_quantiser_matrix)
    memcpy (q->chroma_intra_quantiser_matrix, ext.chroma_intra_quantiser_matrix, 64);
  if (ext.load_chroma_non_intra_quantiser_matrix)
    memcpy (q->chroma_non_intra_quantiser_matrix, ext.chroma_non_intra_quantiser_matrix, 64);
}

static void
handle_sequence_header (CodecMpeg2 * self, const GstMpegVideoPacket * packet)
{
  GstMpegVideoSequenceHdr hdr;

  memset (&hdr, 0, sizeof (hdr));
  if (!gst_mpeg_video_packet_parse_sequence_header (packet, &hdr)) {
    set_error (self, CODEC_ERROR_BITSTREAM, "Damaged sequence header");
    return;
  }
  self->seq_hdr = hdr;
  self->have_header = self->sequence_seen = TRUE;
  self->have_ext = self->have_display = self->scalable = FALSE;
  reset_quant (self);
}

static void
handle_extension (CodecMpeg2 * self, const GstMpegVideoPacket * packet)
{
  gboolean ok = TRUE;

  switch (packet->data[packet->offset] >> 4) {
    case GST_MPEG_VIDEO_PACKET_EXT_SEQUENCE:
      ok = self->have_ext = gst_mpeg_video_packet_parse_sequence_extension (packet, &self->seq_ext);
      break;
    case GST_MPEG_VIDEO_PACKET_EXT_SEQUENCE_DISPLAY:
      memset (&self->display, 0, sizeof (self->display));
      self->have_display =
          gst_mpeg_video_packet_parse_sequence_display_extension (packet, &self->display);
      break;
    case GST_MPEG_VIDEO_PACKET_EXT_SEQUENCE_SCALABLE:
      self->scalable = TRUE;
      break;
    case GST_MPEG_VIDEO_PACKET_EXT_QUANT_MATRIX:
      handle_quant (self, packet);
      break;
    case GST_MPEG_VIDEO_PACKET_EXT_PICTURE:
      ok = gst_mpeg_video_packet_parse_picture_extension (packet, &self->pic.ext);
      self->pic.have_ext = ok && self->pic.active;
      break;
  }
  if (!ok)
    set_error (self, CODEC_ERROR_BITSTREAM, "Damaged extension");
}

static void
handle_gop (CodecMpeg2 * self, const GstMpegVideoPacket * packet)
{
  GstMpegVideoGop gop;

  memset (&gop, 0, sizeof (gop));
  if (!gst_mpeg_video_packet_parse_gop (packet, &gop))
    return;
  self->closed_gop = gop.closed_gop;
  self->broken_link = gop.broken_link;
}

static void
begin_picture (CodecMpeg2 * self, const GstMpegVideoPacket * packet)
{
  CurrentPicture *pic = &self->pic;

  pic->active = TRUE;
  pic->after_sequence = self->sequence_seen;
  if (!gst_mpeg_video_packet_parse_picture_header (packet, &pic->hdr))
    pic->hdr.pic_type = 0;      /* which is refused later */
}

static void
handle_slice (CodecMpeg2 * self, const GstMpegVideoPacket * packet)
{
  CurrentPicture *pic = &self->pic;
  guint rows = (self->seq_hdr.height | self->seq_ext.vert_size_ext << 12) + 15;

  if (!pic->active)
    return;
  if (!self->have_ext || self->seq_ext.progressive)
    rows /= 16;
  else
    rows = (rows + 16) / 32 * (pic->ext.picture_structure == FRAME ? 2 : 1);
  /* slice_vertical_position_extension belongs to pictures that no device here takes */
  if (packet->type > rows || packet->size < 2) {
    pic->damaged = TRUE;
    return;
  }
  g_byte_array_append (pic->data, packet->data + packet->offset - 4, packet->size + 4);
}

/* FALSE if the client failed. */
static gboolean
handle_packet (CodecMpeg2 * self, const GstMpegVideoPacket * packet)
{
  if (packet->type >= GST_MPEG_VIDEO_PACKET_SLICE_MIN
      && packet->type <= GST_MPEG_VIDEO_PACKET_SLICE_MAX) {
    handle_slice (self, packet);
    return TRUE;
  }
  switch (packet->type) {
    case GST_MPEG_VIDEO_PACKET_PICTURE:
      if (!finish_picture (self))
        return FALSE;
      begin_picture (self, packet);
      return TRUE;
    case GST_MPEG_VIDEO_PACKET_SEQUENCE:
      if (!finish_picture (self))
        return FALSE;
      handle_sequence_header (self, packet);
      return TRUE;
    case GST_MPEG_VIDEO_PACKET_GOP:
      if (!finish_picture (self))
        return FALSE;
      handle_gop (self, packet);
      return TRUE;
    case GST_MPEG_VIDEO_PACKET_EXTENSION:
      if (packet->size == 0)
        return TRUE;
      /* Of a picture whose header was lost: its slices are not the picture's before. */
      if (packet->data[packet->offset] >> 4 == GST_MPEG_VIDEO_PACKET_EXT_PICTURE
          && self->pic.data->len > 0 && !finish_picture (self))
        return FALSE;
      handle_extension (self, packet);
      return TRUE;
    case GST_MPEG_VIDEO_PACKET_SEQUENCE_END:
      return finish_picture (self) && end_sequence (self);
    default:
      return TRUE;
  }
}

/* The offset of the next 00 00 01 from @pos, or @size */
static gsize
find_start_code (const guint8 * data, gsize size, gsize pos)
{
  for (; pos + 3 < size; pos++) {
    if (data[pos] == 0 && data[pos + 1] == 0 && data[pos + 2] == 1)
      return pos;
  }

  return size;
}

static gboolean
split (CodecMpeg2 * self, const guint8 * data, gsize size)
{
  gsize pos = find_start_code (data, size, 0);

  while (pos < size) {
    gsize next = find_start_code (data, size, pos + 4);
    GstMpegVideoPacket packet = {
      .data = data,
      .type = data[pos + 3],
      .offset = pos + 4,
      .size = next - pos - 4,
    };

    if (!handle_packet (self, &packet))
      return FALSE;
    pos = next;
  }

  return finish_picture (self);
}

static gboolean
end_call (CodecMpeg2 * self, gboolean result, GError ** error)
{
  reset_current (&self->pic);

  return codec_take_error (&self->error, result, error);
}

/* API */

gboolean
codec_mpeg2_set_headers (CodecMpeg2 * self, const guint8 * data, gsize size, GError ** error)
{
  g_clear_error (&self->error);
  split (self, data, size);

  return end_call (self, !self->error, error);
}

gboolean
codec_mpeg2_decode (CodecMpeg2 * self, const guint8 * data, gsize size, guint64 tag,
    GError ** error)
{
  g_clear_error (&self->error);
  self->n_submitted = 0;
  self->tag = tag;
  if (size <= G_MAXINT32)
    split (self, data, size);

  return end_call (self, self->n_submitted > 0, error);
}

gboolean
codec_mpeg2_drain (CodecMpeg2 * self, GError ** error)
{
  g_clear_error (&self->error);
  if (end_first_field (self))
    output_held (self);

  return end_call (self, !self->error, error);
}

void
codec_mpeg2_flush (CodecMpeg2 * self)
{
  set_picture (&self->held, NULL);
  set_picture (&self->first_field, NULL);
  drop_references (self);
  self->broken_link = FALSE;
  /* Its B pictures, if any, are not after a closed group's I picture any more. */
  self->closed_gop = FALSE;
  reset_current (&self->pic);
}

CodecMpeg2 *
codec_mpeg2_new (const CodecClient * client, gpointer user_data)
{
  CodecMpeg2 *self = g_new0 (CodecMpeg2, 1);

  GST_DEBUG_CATEGORY_INIT (codec_mpeg2_debug, "dmaresvcodecmpeg2", 0,
      "MPEG-2 syntax and references");

  self->client = *client;
  self->user_data = user_data;
  self->pic.data = g_byte_array_new ();
  self->need_access_point = TRUE;

  return self;
}

void
codec_mpeg2_free (CodecMpeg2 * self)
{
  codec_mpeg2_flush (self);
  g_byte_array_unref (self->pic.data);
  g_clear_error (&self->error);
  g_free (self);
}

CODEC_DEFINE_CORE (CodecMpeg2, codec_mpeg2);
