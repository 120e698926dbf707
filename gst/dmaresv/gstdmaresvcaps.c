/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SECTION:gstdmaresvcaps
 * @title: DMABuf caps
 * @short_description: DMABuf caps before and after DMA_DRM
 *
 * The DMA_DRM form is video/x-raw(memory:DMABuf), format=DMA_DRM, drm-format=
 * the four characters of the DRM fourcc, followed by ":0x" and the modifier
 * unless that is DRM_FORMAT_MOD_LINEAR.  Both forms are read with every
 * GStreamer version; which one is written depends on the running one.  The
 * fourcc table is ours rather than gst_video_dma_drm_fourcc_from_format()'s
 * (since 1.24), as that lacks NV15 in the versions which this has to run on.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvcaps.h"

#include <drm_fourcc.h>
#include <gst/allocators/allocators.h>
#include <string.h>

/* Younger than some distributions' libdrm. */
#ifndef DRM_FORMAT_NV20
#define DRM_FORMAT_NV20 fourcc_code ('N', 'V', '2', '0')
#endif

/* GStreamer names the bytes in memory order; DRM names the components of a
 * little-endian word from its most significant bits down.  So the byte formats
 * read backwards in the other column, and the 16-bit ones (which GStreamer, too,
 * names as a word) do not. */
static const struct
{
  GstVideoFormat format;
  guint32 fourcc;
} format_map[] = {
  {GST_VIDEO_FORMAT_NV12, DRM_FORMAT_NV12},
  {GST_VIDEO_FORMAT_NV21, DRM_FORMAT_NV21},
  {GST_VIDEO_FORMAT_NV16, DRM_FORMAT_NV16},
  {GST_VIDEO_FORMAT_NV61, DRM_FORMAT_NV61},
  {GST_VIDEO_FORMAT_I420, DRM_FORMAT_YUV420},
  {GST_VIDEO_FORMAT_YV12, DRM_FORMAT_YVU420},
  {GST_VIDEO_FORMAT_Y42B, DRM_FORMAT_YUV422},
  {GST_VIDEO_FORMAT_NV12_10LE40, DRM_FORMAT_NV15},
#if GST_CHECK_VERSION (1, 28, 0)
  {GST_VIDEO_FORMAT_NV16_10LE40, DRM_FORMAT_NV20},
#endif
  {GST_VIDEO_FORMAT_P010_10LE, DRM_FORMAT_P010},
  {GST_VIDEO_FORMAT_BGRx, DRM_FORMAT_XRGB8888},
  {GST_VIDEO_FORMAT_BGRA, DRM_FORMAT_ARGB8888},
  {GST_VIDEO_FORMAT_RGBx, DRM_FORMAT_XBGR8888},
  {GST_VIDEO_FORMAT_RGBA, DRM_FORMAT_ABGR8888},
  {GST_VIDEO_FORMAT_xRGB, DRM_FORMAT_BGRX8888},
  {GST_VIDEO_FORMAT_ARGB, DRM_FORMAT_BGRA8888},
  {GST_VIDEO_FORMAT_xBGR, DRM_FORMAT_RGBX8888},
  {GST_VIDEO_FORMAT_ABGR, DRM_FORMAT_RGBA8888},
  {GST_VIDEO_FORMAT_RGB, DRM_FORMAT_BGR888},
  {GST_VIDEO_FORMAT_BGR, DRM_FORMAT_RGB888},
  {GST_VIDEO_FORMAT_RGB16, DRM_FORMAT_RGB565},
  {GST_VIDEO_FORMAT_RGB15, DRM_FORMAT_XRGB1555},
  {GST_VIDEO_FORMAT_YUY2, DRM_FORMAT_YUYV},
  {GST_VIDEO_FORMAT_UYVY, DRM_FORMAT_UYVY},
};

/**
 * gst_dmaresv_format_to_fourcc:
 * @format: a #GstVideoFormat
 *
 * Returns: the DRM fourcc with the same bytes in memory, 0 when there is none
 */
guint32
gst_dmaresv_format_to_fourcc (GstVideoFormat format)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (format_map); i++) {
    if (format_map[i].format == format)
      return format_map[i].fourcc;
  }

  return 0;
}

/**
 * gst_dmaresv_format_from_fourcc:
 * @fourcc: a DRM fourcc
 *
 * Returns: the #GstVideoFormat with the same bytes in memory,
 *     %GST_VIDEO_FORMAT_UNKNOWN when there is none
 */
GstVideoFormat
gst_dmaresv_format_from_fourcc (guint32 fourcc)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (format_map); i++) {
    if (format_map[i].fourcc == fourcc)
      return format_map[i].format;
  }

  return GST_VIDEO_FORMAT_UNKNOWN;
}

/**
 * gst_dmaresv_caps_use_drm:
 *
 * Returns: whether DMABuf caps are written as format=DMA_DRM: compiled against
 *     GStreamer 1.24 or later and running with it
 */
gboolean
gst_dmaresv_caps_use_drm (void)
{
#if GST_CHECK_VERSION (1, 24, 0)
  guint major, minor, micro, nano;

  gst_version (&major, &minor, &micro, &nano);

  return major > 1 || (major == 1 && minor >= 24);
#else
  return FALSE;
#endif
}

/* Linear, so without a modifier: the form that gst_video_dma_drm_fourcc_to_string
 * gives and that peers compare as a string. */
static gchar *
drm_format_to_string (guint32 fourcc)
{
  return g_strdup_printf ("%c%c%c%c", fourcc & 0xff, (fourcc >> 8) & 0xff,
      (fourcc >> 16) & 0xff, (fourcc >> 24) & 0xff);
}

/* 0 for what is malformed, and for what is not linear: nobody here can read it. */
static guint32
drm_format_from_string (const gchar * str)
{
  gsize len = strlen (str);

  if (len < 4)
    return 0;

  if (len > 4) {
    guint64 modifier;

    if (str[4] != ':'
        || !g_ascii_string_to_unsigned (str + 5 +
            (g_ascii_strncasecmp (str + 5, "0x", 2) == 0 ? 2 : 0), 16, 0,
            G_MAXUINT64, &modifier, NULL) || modifier != DRM_FORMAT_MOD_LINEAR)
      return 0;
  }

  return fourcc_code (str[0], str[1], str[2], str[3]);
}

static GstCaps *
template_part (const gchar * field, GValue * formats, const gchar * feature)
{
  GstCaps *caps = gst_caps_new_simple ("video/x-raw",
      "width", GST_TYPE_INT_RANGE, 1, G_MAXINT,
      "height", GST_TYPE_INT_RANGE, 1, G_MAXINT,
      "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, NULL);

  if (g_str_equal (field, "drm-format"))
    gst_caps_set_simple (caps, "format", G_TYPE_STRING, "DMA_DRM", NULL);

  /* A list of one is not the same as the value in caps comparisons. */
  if (gst_value_list_get_size (formats) == 1)
    gst_caps_set_value (caps, field, gst_value_list_get_value (formats, 0));
  else
    gst_caps_set_value (caps, field, formats);

  if (feature)
    gst_caps_set_features_simple (caps, gst_caps_features_new (feature, NULL));

  return caps;
}

static void
list_append_string (GValue * list, const gchar * str)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, str);
  gst_value_list_append_and_take_value (list, &value);
}

/**
 * gst_dmaresv_caps_template:
 * @formats: formats, ended by %GST_VIDEO_FORMAT_UNKNOWN
 *
 * Returns: (transfer full): DMABuf caps, if a format has them, then caps for
 *     system memory; empty for an empty list.  Width and height in pixels
 */
GstCaps *
gst_dmaresv_caps_template (const GstVideoFormat * formats)
{
  GValue dmabuf = G_VALUE_INIT, system = G_VALUE_INIT;
  gboolean drm = gst_dmaresv_caps_use_drm ();
  GstCaps *caps = gst_caps_new_empty ();

  g_return_val_if_fail (formats != NULL, caps);

  g_value_init (&dmabuf, GST_TYPE_LIST);
  g_value_init (&system, GST_TYPE_LIST);

  for (; *formats != GST_VIDEO_FORMAT_UNKNOWN; formats++) {
    const gchar *name = gst_video_format_to_string (*formats);
    guint32 fourcc = gst_dmaresv_format_to_fourcc (*formats);

    list_append_string (&system, name);
    if (drm && fourcc != 0) {
      g_autofree gchar *str = drm_format_to_string (fourcc);

      list_append_string (&dmabuf, str);
    } else if (!drm && fourcc != 0) {
      list_append_string (&dmabuf, name);
    }
  }

  if (gst_value_list_get_size (&dmabuf) > 0)
    gst_caps_append (caps, template_part (drm ? "drm-format" : "format",
            &dmabuf, GST_CAPS_FEATURE_MEMORY_DMABUF));
  if (gst_value_list_get_size (&system) > 0)
    gst_caps_append (caps, template_part ("format", &system, NULL));

  g_value_unset (&dmabuf);
  g_value_unset (&system);

  return caps;
}

/**
 * gst_dmaresv_caps_from_info:
 * @info: a #GstVideoInfo with a format that is not encoded or unknown
 * @dmabuf: whether the caps are for dma-bufs
 *
 * Returns: (transfer full) (nullable): fixed caps, or %NULL when @dmabuf is
 *     asked for and @info's format has no DRM fourcc
 */
GstCaps *
gst_dmaresv_caps_from_info (const GstVideoInfo * info, gboolean dmabuf)
{
  guint32 fourcc;
  GstCaps *caps;

  g_return_val_if_fail (info != NULL, NULL);

  if (!dmabuf)
    return gst_video_info_to_caps (info);

  fourcc = gst_dmaresv_format_to_fourcc (GST_VIDEO_INFO_FORMAT (info));
  if (fourcc == 0)
    return NULL;

  caps = gst_video_info_to_caps (info);
  if (caps == NULL)
    return NULL;

  if (gst_dmaresv_caps_use_drm ()) {
    g_autofree gchar *str = drm_format_to_string (fourcc);

    gst_caps_set_simple (caps, "format", G_TYPE_STRING, "DMA_DRM",
        "drm-format", G_TYPE_STRING, str, NULL);
  }
  gst_caps_set_features_simple (caps, gst_caps_features_new (GST_CAPS_FEATURE_MEMORY_DMABUF, NULL));

  return caps;
}

/* The same caps in the plain form, which gst_video_info_from_caps() reads in all
 * versions (from 1.24 on it takes format=DMA_DRM for an opaque format). */
static GstCaps *
caps_drm_to_plain (const GstCaps * caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  const gchar *str = gst_structure_get_string (s, "drm-format");
  GstVideoFormat format;
  GstStructure *plain;

  if (str == NULL)
    return NULL;

  format = gst_dmaresv_format_from_fourcc (drm_format_from_string (str));
  if (format == GST_VIDEO_FORMAT_UNKNOWN)
    return NULL;

  plain = gst_structure_copy (s);
  gst_structure_remove_field (plain, "drm-format");
  gst_structure_set (plain, "format", G_TYPE_STRING, gst_video_format_to_string (format), NULL);

  return gst_caps_new_full (plain, NULL);
}

/**
 * gst_dmaresv_caps_to_info:
 * @caps: fixed caps
 * @info: (out caller-allocates): the picture; strides and offsets are
 *     GStreamer's defaults, a #GstVideoMeta has the buffer's own
 * @dmabuf: (out) (optional): whether the caps are for dma-bufs
 *
 * Returns: %FALSE for caps that are not fixed, no raw video, or in a DRM format
 *     or modifier that is not known here
 */
gboolean
gst_dmaresv_caps_to_info (const GstCaps * caps, GstVideoInfo * info, gboolean * dmabuf)
{
  g_autoptr (GstCaps) plain = NULL;
  const gchar *format;

  g_return_val_if_fail (caps != NULL && info != NULL, FALSE);

  if (dmabuf)
    *dmabuf = gst_dmaresv_caps_has_dmabuf (caps);

  if (!gst_caps_is_fixed (caps))
    return FALSE;

  format = gst_structure_get_string (gst_caps_get_structure (caps, 0), "format");
  if (g_strcmp0 (format, "DMA_DRM") != 0)
    return gst_video_info_from_caps (info, caps);

  plain = caps_drm_to_plain (caps);

  return plain != NULL && gst_video_info_from_caps (info, plain);
}

/**
 * gst_dmaresv_caps_has_dmabuf:
 * @caps: any caps
 *
 * Returns: whether any structure of @caps has the feature memory:DMABuf
 */
gboolean
gst_dmaresv_caps_has_dmabuf (const GstCaps * caps)
{
  guint i;

  g_return_val_if_fail (caps != NULL, FALSE);

  for (i = 0; i < gst_caps_get_size (caps); i++) {
    GstCapsFeatures *features = gst_caps_get_features (caps, i);

    if (features && gst_caps_features_contains (features, GST_CAPS_FEATURE_MEMORY_DMABUF))
      return TRUE;
  }

  return FALSE;
}
