/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "codec.h"

G_DEFINE_QUARK (dmaresv - codec - error - quark, codec_error);

/**
 * codec_picture_new:
 * @key: the V4L2 reference timestamp, in ns and whole microseconds
 * @tag: the caller's name for the access unit
 *
 * Returns: (transfer full): a picture without flags or client data
 */
CodecPicture *
codec_picture_new (guint64 key, guint64 tag)
{
  CodecPicture *picture = g_new0 (CodecPicture, 1);

  picture->ref_count = 1;
  picture->key = key;
  picture->tag = tag;

  return picture;
}

/**
 * codec_picture_ref:
 *
 * Returns: (transfer full): @picture
 */
CodecPicture *
codec_picture_ref (CodecPicture * picture)
{
  g_return_val_if_fail (picture != NULL && picture->ref_count > 0, NULL);

  picture->ref_count++;

  return picture;
}

/**
 * codec_picture_unref:
 * @picture: (transfer full): the last reference runs client_destroy
 */
void
codec_picture_unref (CodecPicture * picture)
{
  g_return_if_fail (picture != NULL && picture->ref_count > 0);

  if (--picture->ref_count > 0)
    return;

  if (picture->client_destroy)
    picture->client_destroy (picture->client_data);
  g_free (picture);
}

/**
 * codec_sequence_equal:
 *
 * Returns: whether nothing but the controls differs
 */
gboolean
codec_sequence_equal (const CodecSequence * a, const CodecSequence * b)
{
  return a->coded_width == b->coded_width && a->coded_height == b->coded_height
      && a->crop_x == b->crop_x && a->crop_y == b->crop_y
      && a->width == b->width && a->height == b->height
      && a->bit_depth == b->bit_depth && a->chroma_format_idc == b->chroma_format_idc
      && a->interlaced == b->interlaced && a->profile == b->profile && a->level == b->level
      && a->dpb_size == b->dpb_size && a->reorder == b->reorder
      && a->fps_n == b->fps_n && a->fps_d == b->fps_d
      && a->par_n == b->par_n && a->par_d == b->par_d
      && gst_video_colorimetry_is_equal (&a->colorimetry, &b->colorimetry)
      && a->chroma_site == b->chroma_site;
}

/**
 * codec_sequence_set_colours:
 * @primaries: colour_primaries, as MPEG-2, H.264 and HEVC number them (ISO 23091-2)
 * @transfer: transfer_characteristics, likewise
 * @matrix: matrix_coefficients, likewise
 */
void
codec_sequence_set_colours (CodecSequence * sequence, guint primaries, guint transfer, guint matrix)
{
  sequence->colorimetry.primaries = gst_video_color_primaries_from_iso (primaries);
  sequence->colorimetry.transfer = gst_video_transfer_function_from_iso (transfer);
  sequence->colorimetry.matrix = gst_video_color_matrix_from_iso (matrix);
}

/**
 * codec_chroma_site:
 * @chroma_sample_loc_type: of the VUI, which H.264 and HEVC have in common (Figure E-1)
 */
GstVideoChromaSite
codec_chroma_site (guint chroma_sample_loc_type)
{
  switch (chroma_sample_loc_type) {
    case 0:
      return GST_VIDEO_CHROMA_SITE_MPEG2;
    case 1:
      return GST_VIDEO_CHROMA_SITE_JPEG;
    case 2:
      return GST_VIDEO_CHROMA_SITE_COSITED;
    case 3:
      return GST_VIDEO_CHROMA_SITE_V_COSITED;
    default:
      return GST_VIDEO_CHROMA_SITE_UNKNOWN;
  }
}

void
codec_set_error (GstDebugCategory * category, GError ** slot, CodecError code,
    const gchar * format, ...)
{
  va_list args;
  g_autofree gchar *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  GST_CAT_DEBUG (category, "%s", message);
  if (*slot && code != CODEC_ERROR_BITSTREAM
      && g_error_matches (*slot, CODEC_ERROR, CODEC_ERROR_BITSTREAM))
    g_clear_error (slot);
  if (!*slot)
    *slot = g_error_new_literal (CODEC_ERROR, code, message);
}

gboolean
codec_take_error (GError ** slot, gboolean result, GError ** error)
{
  if (result && g_error_matches (*slot, CODEC_ERROR, CODEC_ERROR_BITSTREAM))
    g_clear_error (slot);
  if (!*slot)
    return result;
  g_propagate_error (error, g_steal_pointer (slot));

  return FALSE;
}

gboolean
codec_activate_sequence (GstDebugCategory * category, const CodecClient * client,
    gpointer user_data, CodecSequence * active, const CodecSequence * sequence, guint32 id,
    gconstpointer sps, gsize size)
{
  *active = *sequence;
  active->controls[0].id = id;
  active->controls[0].size = size;
  active->controls[0].data = sps;
  active->n_controls = 1;
  GST_CAT_DEBUG (category, "sequence: %ux%u in %ux%u, profile %d, level %d, DPB %u, reorder %u",
      active->width, active->height, active->coded_width, active->coded_height, active->profile,
      active->level, active->dpb_size, active->reorder);

  return client->new_sequence (active, user_data);
}

void
codec_job_add_control (CodecJob * job, guint32 id, gconstpointer data, gsize size)
{
  CodecControl *control = &job->controls[job->n_controls++];

  control->id = id;
  control->data = data;
  control->size = size;
}
