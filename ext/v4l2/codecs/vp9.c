/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vp9.h"

#include <string.h>

#include "vp9header.h"

GST_DEBUG_CATEGORY_STATIC (codec_vp9_debug);
#define GST_CAT_DEFAULT codec_vp9_debug

/* Pictures are made of superblocks of 64 x 64. */
#define SUPERBLOCK 64

typedef struct
{
  CodecPicture *picture;        /* NULL: never filled, or lost */
  guint width, height;
} Slot;

struct _CodecVp9
{
  CodecClient client;
  gpointer user_data;
  GstVp9Parser *parser;

  Slot slots[GST_VP9_REF_FRAMES];
  /* The picture decoded last: its motion vectors predict those of the next, which the driver finds
   * behind its buffer as long as nothing else is decoded into it. */
  CodecPicture *last;
  Vp9Persistent persistent;
  GstVideoColorimetry colorimetry;      /* the key frame's: others do not say */
  gboolean have_sequence;
  CodecSequence sequence;
  gboolean need_access_point;
  gboolean damaged;             /* since the last key frame */

  guint64 last_key;
  guint64 tag;
  CodecPicture *shown;          /* by this unit, not output yet */
  gboolean done_something;
  GError *error;
};

/* (self, CodecError code, const gchar * format, ...) */
#define set_error(self, ...) codec_set_error (GST_CAT_DEFAULT, &(self)->error, __VA_ARGS__)

/* A frame was lost: what follows may show it. */
static gboolean
lose_frame (CodecVp9 * self, const gchar * why)
{
  self->damaged = TRUE;
  set_error (self, CODEC_ERROR_BITSTREAM, "%s", why);
  return TRUE;
}

static gboolean
client_failed (CodecVp9 * self, const gchar * what)
{
  set_error (self, CODEC_ERROR_CLIENT, "The client could not %s", what);
  return FALSE;
}

/* References */

static void
clear_slots (CodecVp9 * self)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (self->slots); i++)
    g_clear_pointer (&self->slots[i].picture, codec_picture_unref);
  g_clear_pointer (&self->last, codec_picture_unref);
}

static void
refresh_slots (CodecVp9 * self, const GstVp9FrameHdr * hdr, CodecPicture * picture)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (self->slots); i++) {
    Slot *slot = &self->slots[i];

    if (hdr->frame_type != GST_VP9_KEY_FRAME && !(hdr->refresh_frame_flags & (1 << i)))
      continue;
    g_clear_pointer (&slot->picture, codec_picture_unref);
    slot->picture = codec_picture_ref (picture);
    slot->width = hdr->width;
    slot->height = hdr->height;
  }
  g_clear_pointer (&self->last, codec_picture_unref);
  self->last = codec_picture_ref (picture);
}

/* Sequences */

static void
fill_colorimetry (CodecVp9 * self, GstVideoColorimetry * color)
{
  memset (color, 0, sizeof (*color));
  color->range = self->parser->color_range == GST_VP9_CR_FULL ? GST_VIDEO_COLOR_RANGE_0_255 :
      GST_VIDEO_COLOR_RANGE_16_235;
  switch (self->parser->color_space) {
    case GST_VP9_CS_BT_601:
    case GST_VP9_CS_SMPTE_170:
      color->matrix = GST_VIDEO_COLOR_MATRIX_BT601;
      color->transfer = GST_VIDEO_TRANSFER_BT601;
      color->primaries = GST_VIDEO_COLOR_PRIMARIES_SMPTE170M;
      break;
    case GST_VP9_CS_BT_709:
      color->matrix = GST_VIDEO_COLOR_MATRIX_BT709;
      color->transfer = GST_VIDEO_TRANSFER_BT709;
      color->primaries = GST_VIDEO_COLOR_PRIMARIES_BT709;
      break;
    case GST_VP9_CS_SMPTE_240:
      color->matrix = GST_VIDEO_COLOR_MATRIX_SMPTE240M;
      color->transfer = GST_VIDEO_TRANSFER_SMPTE240M;
      color->primaries = GST_VIDEO_COLOR_PRIMARIES_SMPTE240M;
      break;
    case GST_VP9_CS_BT_2020:
      color->matrix = GST_VIDEO_COLOR_MATRIX_BT2020;
      color->transfer = GST_VIDEO_TRANSFER_BT2020_10;
      color->primaries = GST_VIDEO_COLOR_PRIMARIES_BT2020;
      break;
    default:
      break;
  }
}

static void
fill_sequence (CodecVp9 * self, guint width, guint height, CodecSequence * seq)
{
  memset (seq, 0, sizeof (*seq));
  seq->coded_width = GST_ROUND_UP_N (width, SUPERBLOCK);
  seq->coded_height = GST_ROUND_UP_N (height, SUPERBLOCK);
  seq->width = width;
  seq->height = height;
  seq->bit_depth = 8;
  seq->chroma_format_idc = 1;
  seq->profile = V4L2_MPEG_VIDEO_VP9_PROFILE_0;
  seq->level = -1;
  /* The slots, and the picture decoded last. */
  seq->dpb_size = GST_VP9_REF_FRAMES + 1;
  seq->fps_d = seq->par_n = seq->par_d = 1;
  seq->colorimetry = self->colorimetry;
}

static gboolean
output_shown (CodecVp9 * self)
{
  g_autoptr (CodecPicture) picture = g_steal_pointer (&self->shown);

  if (!picture)
    return TRUE;
  GST_LOG ("output key %" G_GUINT64_FORMAT, picture->key);
  self->done_something = TRUE;
  return self->client.output (picture, self->user_data) || client_failed (self, "output a picture");
}

/* @width, @height: of what is decoded or shown next. */
static gboolean
activate_sequence (CodecVp9 * self, guint width, guint height)
{
  CodecSequence seq;
  gboolean keep;

  fill_sequence (self, width, height, &seq);
  keep = self->have_sequence && seq.coded_width == self->sequence.coded_width
      && seq.coded_height == self->sequence.coded_height;
  if (keep && seq.width == self->sequence.width && seq.height == self->sequence.height
      && gst_video_colorimetry_is_equal (&seq.colorimetry, &self->sequence.colorimetry))
    return TRUE;
  if (!output_shown (self))
    return FALSE;
  seq.keeps_references = keep;
  if (!keep)
    clear_slots (self);
  self->have_sequence = FALSE;
  if (!self->client.new_sequence (&seq, self->user_data))
    return client_failed (self, "start a sequence");
  self->sequence = seq;
  self->have_sequence = TRUE;
  return TRUE;
}

/* Frames */

/* Does the frame reset every probability context (7.2, setup_past_independence)? */
static gboolean
resets_contexts (const GstVp9FrameHdr * hdr)
{
  return hdr->frame_type == GST_VP9_KEY_FRAME || (hdr->intra_only && (hdr->error_resilient_mode
          || hdr->reset_frame_context == 3));
}

/* Whether the frame can be decoded with what there is. FALSE: dropped, maybe with an error. */
static gboolean
check_access (CodecVp9 * self, const GstVp9FrameHdr * hdr)
{
  gboolean same_buffers = self->have_sequence
      && GST_ROUND_UP_N (hdr->width, SUPERBLOCK) == self->sequence.coded_width
      && GST_ROUND_UP_N (hdr->height, SUPERBLOCK) == self->sequence.coded_height;
  guint i;

  if (resets_contexts (hdr))
    return TRUE;
  if (!same_buffers) {
    /* S_FMT frees all buffers, and with them the references. */
    set_error (self, CODEC_ERROR_SKIPPED, "The size changes from %ux%u to %ux%u without a key "
        "frame, which the hardware's driver cannot do: frames are dropped up to the next key frame",
        self->sequence.width, self->sequence.height, hdr->width, hdr->height);
    self->need_access_point = TRUE;
    return FALSE;
  }
  for (i = 0; !vp9_is_intra (hdr) && i < GST_VP9_REFS_PER_FRAME; i++) {
    if (!self->slots[hdr->ref_frame_indices[i]].picture) {
      lose_frame (self, "A frame refers to one that was never received");
      return FALSE;
    }
  }
  return TRUE;
}

static void
add_ref (CodecJob * job, CodecPicture * picture)
{
  guint i;

  for (i = 0; i < job->n_refs; i++) {
    if (job->refs[i] == picture)
      return;
  }
  job->refs[job->n_refs++] = picture;
}

static gboolean
submit (CodecVp9 * self, const GstVp9FrameHdr * hdr, CodecPicture * picture, const guint8 * data,
    gsize size, const struct v4l2_ctrl_vp9_compressed_hdr *compressed, guint8 reference_mode)
{
  struct v4l2_ctrl_vp9_frame frame;
  CodecJob job = { 0, };
  __u64 *stamps[] = { &frame.last_frame_ts, &frame.golden_frame_ts, &frame.alt_frame_ts };
  guint i;

  vp9_persistent_update (&self->persistent, hdr);
  vp9_fill_frame_control (&frame, hdr, &self->persistent);
  frame.reference_mode = reference_mode;
  for (i = 0; !vp9_is_intra (hdr) && i < G_N_ELEMENTS (stamps); i++) {
    CodecPicture *ref = self->slots[hdr->ref_frame_indices[i]].picture;

    *stamps[i] = ref->key;
    add_ref (&job, ref);
  }
  if (self->last)
    add_ref (&job, self->last);
  job.data = data;
  job.size = size;
  job.capture_key = picture->key;
  codec_job_add_control (&job, V4L2_CID_STATELESS_VP9_FRAME, &frame, sizeof (frame));
  codec_job_add_control (&job, V4L2_CID_STATELESS_VP9_COMPRESSED_HDR, compressed,
      sizeof (*compressed));
  GST_LOG ("submit key %" G_GUINT64_FORMAT " %ux%u flags %03x refresh %02x refs %u",
      picture->key, hdr->width, hdr->height, frame.flags, hdr->refresh_frame_flags, job.n_refs);
  if (!self->client.submit (picture, &job, self->user_data))
    return client_failed (self, "submit a picture");
  self->done_something = TRUE;
  return TRUE;
}

/* @conceal: the picture that a REPEAT shows again. */
static CodecPicture *
new_picture (CodecVp9 * self, CodecPictureFlags flags, CodecPicture * conceal)
{
  CodecPicture *picture;

  self->last_key += GST_USECOND;
  picture = codec_picture_new (self->last_key, self->tag);
  picture->flags = flags;
  if (self->client.new_picture (picture, conceal, self->user_data))
    return picture;
  client_failed (self, "get a buffer");
  codec_picture_unref (picture);
  return NULL;
}

/* Only the last that a unit shows is output. */
static void
show (CodecVp9 * self, CodecPicture * picture)
{
  CodecPicture *old = self->shown;

  self->shown = codec_picture_ref (picture);
  if (old) {
    GST_DEBUG ("key %" G_GUINT64_FORMAT " is not output: its superframe shows another", old->key);
    codec_picture_unref (old);
  }
}

static gboolean
repeat_frame (CodecVp9 * self, guint index)
{
  Slot *slot = &self->slots[index];
  g_autoptr (CodecPicture) picture = NULL;

  if (self->need_access_point)
    return TRUE;
  if (!slot->picture)
    return lose_frame (self, "A frame that was never received is to be shown");
  if (!activate_sequence (self, slot->width, slot->height))
    return FALSE;
  picture = new_picture (self, CODEC_PICTURE_REPEAT |
      (slot->picture->flags & CODEC_PICTURE_CORRUPT), slot->picture);
  if (!picture)
    return FALSE;
  show (self, picture);
  return TRUE;
}

static gboolean
decode_picture (CodecVp9 * self, const GstVp9FrameHdr * hdr, const guint8 * data, gsize size)
{
  struct v4l2_ctrl_vp9_compressed_hdr compressed;
  g_autoptr (CodecPicture) picture = NULL;
  CodecPictureFlags flags = CODEC_PICTURE_NONE;
  guint8 reference_mode;
  gsize headers = (gsize) hdr->frame_header_length_in_bytes + hdr->first_partition_size;

  if (hdr->first_partition_size == 0 || headers > size
      || !vp9_parse_compressed_header (hdr, data + hdr->frame_header_length_in_bytes,
          hdr->first_partition_size, &compressed, &reference_mode))
    return lose_frame (self, "Damaged compressed header");
  if (!check_access (self, hdr))
    return TRUE;
  if (resets_contexts (hdr)) {
    self->need_access_point = FALSE;
    self->damaged = FALSE;
  }
  if (hdr->frame_type == GST_VP9_KEY_FRAME)
    fill_colorimetry (self, &self->colorimetry);
  if (!activate_sequence (self, hdr->width, hdr->height))
    return FALSE;

  if (hdr->frame_type == GST_VP9_KEY_FRAME)
    flags |= CODEC_PICTURE_KEY;
  if (hdr->refresh_frame_flags)
    flags |= CODEC_PICTURE_REFERENCE;
  if (!hdr->show_frame)
    flags |= CODEC_PICTURE_HIDDEN;
  if (self->damaged)
    flags |= CODEC_PICTURE_CORRUPT;
  if (!(picture = new_picture (self, flags, NULL)))
    return FALSE;
  if (!submit (self, hdr, picture, data, size, &compressed, reference_mode))
    return FALSE;
  refresh_slots (self, hdr, picture);
  if (hdr->show_frame)
    show (self, picture);
  return TRUE;
}

/* FALSE if the client failed. */
static gboolean
decode_frame (CodecVp9 * self, const guint8 * data, gsize size)
{
  GstVp9FrameHdr hdr;

  memset (&hdr, 0, sizeof (hdr));
  if (gst_vp9_parser_parse_frame_header (self->parser, &hdr, data, size) != GST_VP9_PARSER_OK)
    return lose_frame (self, "Damaged frame header");
  if (hdr.profile != GST_VP9_PROFILE_0 || self->parser->bit_depth > 8) {
    /* Between key frames it cannot change: damage. */
    if (hdr.show_existing_frame || hdr.frame_type != GST_VP9_KEY_FRAME)
      return lose_frame (self, "A frame of another profile");
    set_error (self, CODEC_ERROR_UNSUPPORTED, "Profile %u, %u bits: only profile 0 is supported",
        hdr.profile, self->parser->bit_depth);
    self->need_access_point = TRUE;
    return TRUE;
  }
  if (hdr.show_existing_frame)
    return repeat_frame (self, hdr.frame_to_show & (GST_VP9_REF_FRAMES - 1));
  if (self->need_access_point && !resets_contexts (&hdr)) {
    GST_DEBUG ("frame dropped: no key frame yet");
    return TRUE;
  }
  if (!hdr.width || !hdr.height || hdr.width > G_MAXUINT16 || hdr.height > G_MAXUINT16)
    return lose_frame (self, "A frame without a size");
  return decode_picture (self, &hdr, data, size);
}

static gboolean
decode_unit (CodecVp9 * self, const guint8 * data, gsize size)
{
  GstVp9SuperframeInfo info;
  gsize pos = 0;
  guint i;

  memset (&info, 0, sizeof (info));
  if (gst_vp9_parser_parse_superframe_info (self->parser, &info, data, size) != GST_VP9_PARSER_OK)
    return lose_frame (self, "Damaged superframe index");
  for (i = 0; i < info.frames_in_superframe; i++) {
    gsize frame = info.frame_sizes[i];

    if (frame > size - pos)
      return lose_frame (self, "A superframe is cut off");
    if (frame > 0 && !decode_frame (self, data + pos, frame))
      return FALSE;
    pos += frame;
  }
  return TRUE;
}

/**
 * codec_vp9_new:
 * @client: copied; all four callbacks are needed
 *
 * Returns: (transfer full): a decoder
 */
CodecVp9 *
codec_vp9_new (const CodecClient * client, gpointer user_data)
{
  CodecVp9 *self = g_new0 (CodecVp9, 1);

  GST_DEBUG_CATEGORY_INIT (codec_vp9_debug, "dmaresvcodecvp9", 0, "VP9 syntax and references");
  self->client = *client;
  self->user_data = user_data;
  self->parser = gst_vp9_parser_new ();
  self->need_access_point = TRUE;
  return self;
}

/**
 * codec_vp9_free:
 *
 * Drops all pictures.
 */
void
codec_vp9_free (CodecVp9 * self)
{
  clear_slots (self);
  g_clear_pointer (&self->shown, codec_picture_unref);
  g_clear_error (&self->error);
  gst_vp9_parser_free (self->parser);
  g_free (self);
}

gboolean
codec_vp9_decode (CodecVp9 * self, const guint8 * data, gsize size, guint64 tag, GError ** error)
{
  gboolean ok;

  g_clear_error (&self->error);
  self->tag = tag;
  self->done_something = FALSE;
  /* Zero-length frames are dropped frames: the picture before stays. */
  if (size == 0)
    return FALSE;
  ok = decode_unit (self, data, size);
  if (ok)
    output_shown (self);
  g_clear_pointer (&self->shown, codec_picture_unref);
  return codec_take_error (&self->error, self->done_something, error);
}

gboolean
codec_vp9_drain (CodecVp9 * self G_GNUC_UNUSED, GError ** error G_GNUC_UNUSED)
{
  return TRUE;
}

void
codec_vp9_flush (CodecVp9 * self)
{
  clear_slots (self);
  g_clear_pointer (&self->shown, codec_picture_unref);
  self->need_access_point = TRUE;
  self->damaged = FALSE;
}

CODEC_DEFINE_CORE (CodecVp9, codec_vp9);
