/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vp8.h"

#include <string.h>

#include <gst/codecparsers/gstvp8parser.h>
#include <linux/v4l2-controls.h>

GST_DEBUG_CATEGORY_STATIC (codec_vp8_debug);
#define GST_CAT_DEFAULT codec_vp8_debug

/* 9.1: the frame tag, on key frames with start code and size after it */
#define TAG_SIZE 3
#define KEY_TAG_SIZE 10

enum
{
  REF_LAST,
  REF_GOLDEN,
  REF_ALT,
  N_REFS
};

struct _CodecVp8
{
  CodecClient client;
  gpointer user_data;

  GstVp8Parser parser;
  gboolean have_sequence;
  CodecSequence sequence;
  /* All three are set from the first key frame on. */
  CodecPicture *refs[N_REFS];
  CodecPicture *shown;          /* the last that was output */
  guint64 n_pictures;
};

/* Controls */

static void
fill_segment (struct v4l2_vp8_segment *to, const GstVp8Segmentation * from)
{
  G_STATIC_ASSERT (sizeof (to->quant_update) == sizeof (from->quantizer_update_value));
  G_STATIC_ASSERT (sizeof (to->lf_update) == sizeof (from->lf_update_value));

  if (!from->segmentation_enabled)
    return;
  memcpy (to->quant_update, from->quantizer_update_value, sizeof (to->quant_update));
  memcpy (to->lf_update, from->lf_update_value, sizeof (to->lf_update));
  memcpy (to->segment_probs, from->segment_prob, sizeof (to->segment_probs));
  to->flags = V4L2_VP8_SEGMENT_FLAG_ENABLED;
  if (from->update_mb_segmentation_map)
    to->flags |= V4L2_VP8_SEGMENT_FLAG_UPDATE_MAP;
  if (from->update_segment_feature_data)
    to->flags |= V4L2_VP8_SEGMENT_FLAG_UPDATE_FEATURE_DATA;
  if (!from->segment_feature_mode)
    to->flags |= V4L2_VP8_SEGMENT_FLAG_DELTA_VALUE_MODE;
}

static void
fill_loop_filter (struct v4l2_vp8_loop_filter *to, const GstVp8MbLfAdjustments * from,
    const GstVp8FrameHdr * hdr)
{
  memcpy (to->ref_frm_delta, from->ref_frame_delta, sizeof (to->ref_frm_delta));
  memcpy (to->mb_mode_delta, from->mb_mode_delta, sizeof (to->mb_mode_delta));
  to->sharpness_level = hdr->sharpness_level;
  to->level = hdr->loop_filter_level;
  if (from->loop_filter_adj_enable)
    to->flags |= V4L2_VP8_LF_ADJ_ENABLE;
  if (from->mode_ref_lf_delta_update)
    to->flags |= V4L2_VP8_LF_DELTA_UPDATE;
  if (hdr->filter_type)
    to->flags |= V4L2_VP8_LF_FILTER_TYPE_SIMPLE;
}

static void
fill_entropy (struct v4l2_vp8_entropy *to, const GstVp8FrameHdr * hdr)
{
  /* What key frames code their modes with is fixed (11.2, 11.4); they have no other. */
  static const guint8 key_y_mode_probs[] = { 145, 156, 163, 128 };
  static const guint8 key_uv_mode_probs[] = { 142, 114, 183 };

  G_STATIC_ASSERT (sizeof (to->coeff_probs) == sizeof (hdr->token_probs.prob));
  G_STATIC_ASSERT (sizeof (to->mv_probs) == sizeof (hdr->mv_probs.prob));

  memcpy (to->coeff_probs, hdr->token_probs.prob, sizeof (to->coeff_probs));
  memcpy (to->mv_probs, hdr->mv_probs.prob, sizeof (to->mv_probs));
  if (hdr->key_frame) {
    memcpy (to->y_mode_probs, key_y_mode_probs, sizeof (to->y_mode_probs));
    memcpy (to->uv_mode_probs, key_uv_mode_probs, sizeof (to->uv_mode_probs));
  } else {
    memcpy (to->y_mode_probs, hdr->mode_probs.y_prob, sizeof (to->y_mode_probs));
    memcpy (to->uv_mode_probs, hdr->mode_probs.uv_prob, sizeof (to->uv_mode_probs));
  }
}

static guint64
frame_flags (const GstVp8FrameHdr * hdr)
{
  guint64 flags = 0;

  if (hdr->key_frame)
    flags |= V4L2_VP8_FRAME_FLAG_KEY_FRAME;
  if (hdr->show_frame)
    flags |= V4L2_VP8_FRAME_FLAG_SHOW_FRAME;
  if (hdr->mb_no_skip_coeff)
    flags |= V4L2_VP8_FRAME_FLAG_MB_NO_SKIP_COEFF;
  if (!hdr->key_frame && hdr->sign_bias_golden)
    flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_GOLDEN;
  if (!hdr->key_frame && hdr->sign_bias_alternate)
    flags |= V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT;

  return flags;
}

static void
fill_frame (CodecVp8 * self, struct v4l2_ctrl_vp8_frame *frame, const GstVp8FrameHdr * hdr)
{
  memset (frame, 0, sizeof (*frame));
  fill_segment (&frame->segment, &self->parser.segmentation);
  fill_loop_filter (&frame->lf, &self->parser.mb_lf_adjust, hdr);
  frame->quant.y_ac_qi = hdr->quant_indices.y_ac_qi;
  frame->quant.y_dc_delta = hdr->quant_indices.y_dc_delta;
  frame->quant.y2_dc_delta = hdr->quant_indices.y2_dc_delta;
  frame->quant.y2_ac_delta = hdr->quant_indices.y2_ac_delta;
  frame->quant.uv_dc_delta = hdr->quant_indices.uv_dc_delta;
  frame->quant.uv_ac_delta = hdr->quant_indices.uv_ac_delta;
  fill_entropy (&frame->entropy, hdr);
  frame->coder_state.range = hdr->rd_range;
  frame->coder_state.value = hdr->rd_value;
  frame->coder_state.bit_count = hdr->rd_count;
  /* Only key frames carry the size; it holds for those that follow. */
  frame->width = self->sequence.width;
  frame->height = self->sequence.height;
  if (hdr->key_frame) {
    frame->horizontal_scale = hdr->horiz_scale_code;
    frame->vertical_scale = hdr->vert_scale_code;
  }
  frame->version = hdr->version;
  frame->prob_skip_false = hdr->prob_skip_false;
  frame->prob_intra = hdr->prob_intra;
  frame->prob_last = hdr->prob_last;
  frame->prob_gf = hdr->prob_gf;
  frame->num_dct_parts = 1 << hdr->log2_nbr_of_dct_partitions;
  frame->first_part_size = hdr->first_part_size;
  frame->first_part_header_bits = hdr->header_size;
  for (guint i = 0; i < frame->num_dct_parts; i++)
    frame->dct_part_sizes[i] = hdr->partition_size[i];
  frame->flags = frame_flags (hdr);
  if (!hdr->key_frame) {
    frame->last_frame_ts = self->refs[REF_LAST]->key;
    frame->golden_frame_ts = self->refs[REF_GOLDEN]->key;
    frame->alt_frame_ts = self->refs[REF_ALT]->key;
  }
}

/* Sequences */

static gboolean
start_sequence (CodecVp8 * self, const GstVp8FrameHdr * hdr, GError ** error)
{
  CodecSequence *seq = &self->sequence;

  if (self->have_sequence && seq->width == hdr->width && seq->height == hdr->height
      && seq->profile == hdr->version)
    return TRUE;

  codec_vp8_flush (self);
  memset (seq, 0, sizeof (*seq));
  seq->width = hdr->width;
  seq->height = hdr->height;
  seq->coded_width = GST_ROUND_UP_16 (hdr->width);
  seq->coded_height = GST_ROUND_UP_16 (hdr->height);
  seq->exact_size = TRUE;
  seq->bit_depth = 8;
  seq->chroma_format_idc = 1;
  seq->profile = hdr->version;
  seq->level = -1;
  seq->dpb_size = N_REFS + 1;   /* and what is shown */
  seq->par_n = seq->par_d = 1;
  seq->fps_d = 1;
  GST_DEBUG ("sequence: %ux%u, version %u", seq->width, seq->height, hdr->version);

  self->have_sequence = self->client.new_sequence (seq, self->user_data);
  if (!self->have_sequence)
    g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_CLIENT, "The client refused the sequence");

  return self->have_sequence;
}

/* References */

static void
set_ref (CodecVp8 * self, guint i, CodecPicture * picture)
{
  CodecPicture *old = self->refs[i];

  self->refs[i] = picture ? codec_picture_ref (picture) : NULL;
  if (old)
    codec_picture_unref (old);
}

/* 9.7: copies are of what the references were before this frame, also where both swap. */
static void
update_references (CodecVp8 * self, const GstVp8FrameHdr * hdr, CodecPicture * current)
{
  CodecPicture *last = self->refs[REF_LAST];
  CodecPicture *golden = self->refs[REF_GOLDEN];
  CodecPicture *alt = self->refs[REF_ALT];
  CodecPicture *new_golden = golden, *new_alt = alt;

  if (hdr->key_frame || hdr->refresh_golden_frame)
    new_golden = current;
  else if (hdr->copy_buffer_to_golden)
    new_golden = hdr->copy_buffer_to_golden == 1 ? last : alt;
  if (hdr->key_frame || hdr->refresh_alternate_frame)
    new_alt = current;
  else if (hdr->copy_buffer_to_alternate)
    new_alt = hdr->copy_buffer_to_alternate == 1 ? last : golden;

  /* Kept by the new ones until all are set. */
  if (last)
    codec_picture_ref (last);
  if (new_golden)
    codec_picture_ref (new_golden);
  set_ref (self, REF_ALT, new_alt);
  set_ref (self, REF_GOLDEN, new_golden);
  if (hdr->key_frame || hdr->refresh_last)
    set_ref (self, REF_LAST, current);
  if (last)
    codec_picture_unref (last);
  if (new_golden)
    codec_picture_unref (new_golden);
}

/* Frames */

static void
set_damaged (GError ** error, const gchar * what)
{
  GST_DEBUG ("%s", what);
  g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_BITSTREAM, what);
}

/* Everything that a device computes addresses from is inside the frame. */
static gboolean
check_partitions (const GstVp8FrameHdr * hdr, gsize size)
{
  guint n = 1 << hdr->log2_nbr_of_dct_partitions;
  guint64 end = (hdr->key_frame ? KEY_TAG_SIZE : TAG_SIZE) + (guint64) hdr->first_part_size;

  if ((hdr->header_size + 8) / 8 > hdr->first_part_size)
    return FALSE;
  end += 3 * (n - 1);
  for (guint i = 0; i < n; i++)
    end += hdr->partition_size[i];

  return end <= size;
}

static gboolean
parse_header (CodecVp8 * self, GstVp8FrameHdr * hdr, const guint8 * data, gsize size,
    GError ** error)
{
  GstVp8Parser before = self->parser;

  memset (hdr, 0, sizeof (*hdr));
  if (gst_vp8_parser_parse_frame_header (&self->parser, hdr, data, size) == GST_VP8_PARSER_OK
      && check_partitions (hdr, size)
      && (!hdr->key_frame || (hdr->width > 0 && hdr->height > 0)))
    return TRUE;

  /* What a damaged header set is not kept. */
  self->parser = before;
  set_damaged (error, "Damaged frame header");

  return FALSE;
}

static gboolean
submit (CodecVp8 * self, CodecPicture * picture, const GstVp8FrameHdr * hdr, const guint8 * data,
    gsize size, GError ** error)
{
  struct v4l2_ctrl_vp8_frame frame;
  CodecJob job = { 0, };

  fill_frame (self, &frame, hdr);
  /* With the tag: hardware (hantro) counts from the frame's start. */
  job.data = data;
  job.size = size;
  job.capture_key = picture->key;
  job.controls[0].id = V4L2_CID_STATELESS_VP8_FRAME;
  job.controls[0].size = sizeof (frame);
  job.controls[0].data = &frame;
  job.n_controls = 1;
  for (guint i = 0; !hdr->key_frame && i < N_REFS; i++)
    job.refs[job.n_refs++] = self->refs[i];
  if (self->client.submit (picture, &job, self->user_data))
    return TRUE;
  g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_CLIENT, "The client refused a job");

  return FALSE;
}

static gboolean
output (CodecVp8 * self, CodecPicture * picture, GError ** error)
{
  if (self->client.output (picture, self->user_data))
    return TRUE;
  g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_CLIENT,
      "The client refused a picture for output");

  return FALSE;
}

static gboolean
decode_frame (CodecVp8 * self, const GstVp8FrameHdr * hdr, const guint8 * data, gsize size,
    guint64 tag, GError ** error)
{
  /* A number of its own: two frames may share a time stamp, but no two share a key. */
  g_autoptr (CodecPicture) picture = codec_picture_new (++self->n_pictures * 1000, tag);

  if (hdr->key_frame)
    picture->flags |= CODEC_PICTURE_KEY;
  if (hdr->key_frame || hdr->refresh_last || hdr->refresh_golden_frame
      || hdr->refresh_alternate_frame)
    picture->flags |= CODEC_PICTURE_REFERENCE;
  if (!hdr->show_frame)
    picture->flags |= CODEC_PICTURE_HIDDEN;
  if (!self->client.new_picture (picture, NULL, self->user_data)) {
    g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_CLIENT,
        "The client has no buffer for a picture");
    return FALSE;
  }
  if (!submit (self, picture, hdr, data, size, error))
    return FALSE;
  update_references (self, hdr, picture);
  if (!hdr->show_frame)
    return TRUE;
  g_clear_pointer (&self->shown, codec_picture_unref);
  self->shown = codec_picture_ref (picture);

  return output (self, picture, error);
}

/* An encoder dropped a frame: the one before is shown on. */
static gboolean
repeat_frame (CodecVp8 * self, guint64 tag, GError ** error)
{
  g_autoptr (CodecPicture) picture = NULL;

  if (!self->shown)
    return FALSE;
  picture = codec_picture_new (++self->n_pictures * 1000, tag);
  picture->flags = CODEC_PICTURE_REPEAT | (self->shown->flags & CODEC_PICTURE_CORRUPT);
  if (!self->client.new_picture (picture, self->shown, self->user_data)) {
    g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_CLIENT,
        "The client has no buffer for a picture");
    return FALSE;
  }
  output (self, picture, error);

  return FALSE;
}

gboolean
codec_vp8_decode (CodecVp8 * self, const guint8 * data, gsize size, guint64 tag, GError ** error)
{
  GstVp8FrameHdr hdr;

  if (size == 0)
    return repeat_frame (self, tag, error);
  if (size < TAG_SIZE) {
    set_damaged (error, "A frame of less than three bytes");
    return FALSE;
  }
  /* frame_type 0 is a key frame */
  if (!self->refs[REF_LAST] && (data[0] & 1)) {
    GST_DEBUG ("no key frame yet");
    return FALSE;
  }
  if (!parse_header (self, &hdr, data, size, error))
    return FALSE;
  if (hdr.key_frame && !start_sequence (self, &hdr, error))
    return FALSE;

  return decode_frame (self, &hdr, data, size, tag, error);
}

gboolean
codec_vp8_drain (CodecVp8 * self G_GNUC_UNUSED, GError ** error G_GNUC_UNUSED)
{
  return TRUE;
}

void
codec_vp8_flush (CodecVp8 * self)
{
  for (guint i = 0; i < N_REFS; i++)
    set_ref (self, i, NULL);
  g_clear_pointer (&self->shown, codec_picture_unref);
}

CodecVp8 *
codec_vp8_new (const CodecClient * client, gpointer user_data)
{
  CodecVp8 *self = g_new0 (CodecVp8, 1);

  GST_DEBUG_CATEGORY_INIT (codec_vp8_debug, "dmaresvcodecvp8", 0, "VP8 syntax and references");

  self->client = *client;
  self->user_data = user_data;
  gst_vp8_parser_init (&self->parser);

  return self;
}

void
codec_vp8_free (CodecVp8 * self)
{
  codec_vp8_flush (self);
  g_free (self);
}

CODEC_DEFINE_CORE (CodecVp8, codec_vp8);
