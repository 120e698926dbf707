/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decframe.h"

#include <string.h>

/* Four samples in five bytes, the first in the lowest bits. */
#define PACKED_BYTES(samples) (((samples) * 10 + 7) / 8)

gboolean
dec_frame_is_packed (GstVideoFormat format)
{
#if GST_CHECK_VERSION (1, 28, 0)
  if (format == GST_VIDEO_FORMAT_NV16_10LE40)
    return TRUE;
#endif
  return format == GST_VIDEO_FORMAT_NV12_10LE40;
}

/* @samples of a packed line, from the @skip'th on; skip is even. */
static void
copy_packed_line (guint8 * dest, const guint8 * src, guint samples, guint skip)
{
  guint from = skip * 10 / 8, n = PACKED_BYTES (samples), i;

  if (skip * 10 % 8 == 0) {
    memcpy (dest, src + from, n);
    return;
  }
  /* Two samples are two bytes and a half. */
  for (i = 0; i < n; i++) {
    guint high = from + i + 1 < PACKED_BYTES (samples + skip) ? src[from + i + 1] : 0;

    dest[i] = src[from + i] >> 4 | high << 4;
  }
}

/* Cb and Cr of no colour. */
static void
fill_neutral_line (guint8 * dest, guint samples, gboolean packed)
{
  static const guint8 four[] = { 0x00, 0x02, 0x08, 0x20, 0x80 };
  guint i;

  if (!packed) {
    memset (dest, 0x80, samples);
    return;
  }
  for (i = 0; i < PACKED_BYTES (samples); i++)
    dest[i] = four[i % sizeof (four)];
}

/* Two planes; a line of either has as many samples, but for a chroma pair that is cut in half. */
static gboolean
copy_semiplanar (GstVideoFrame * dest, GstVideoFrame * src, DecFrameFix fix)
{
  gboolean packed = dec_frame_is_packed (GST_VIDEO_FRAME_FORMAT (dest));
  guint plane, y;

  if (GST_VIDEO_FRAME_N_PLANES (dest) != 2)
    return FALSE;
  for (plane = 0; plane < 2; plane++) {
    guint samples = plane ? GST_ROUND_UP_2 (GST_VIDEO_FRAME_WIDTH (dest)) :
        GST_VIDEO_FRAME_WIDTH (dest);
    guint8 *to = GST_VIDEO_FRAME_PLANE_DATA (dest, plane);
    const guint8 *from = GST_VIDEO_FRAME_PLANE_DATA (src, plane);

    for (y = 0; y < (guint) GST_VIDEO_FRAME_COMP_HEIGHT (dest, plane); y++) {
      if (plane && fix.neutral_chroma)
        fill_neutral_line (to, samples, packed);
      else if (packed)
        copy_packed_line (to, from, samples, fix.skip_x);
      else
        memcpy (to, from + fix.skip_x, samples);
      to += GST_VIDEO_FRAME_PLANE_STRIDE (dest, plane);
      from += GST_VIDEO_FRAME_PLANE_STRIDE (src, plane);
    }
  }
  return TRUE;
}

GstFlowReturn
dec_frame_copy (GstBuffer * wrapped, const GstVideoInfo * layout, DecFrameFix fix,
    GstBufferPool * pool, const GstVideoInfo * info, GstBuffer ** copy)
{
  GstVideoFrame src, dest;
  GstBuffer *buffer = NULL;
  GstFlowReturn flow;
  gboolean ok;

  if ((flow = gst_buffer_pool_acquire_buffer (pool, &buffer, NULL)) != GST_FLOW_OK)
    return flow;
  if (!gst_video_frame_map (&src, layout, wrapped, GST_MAP_READ)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  ok = gst_video_frame_map (&dest, info, buffer, GST_MAP_WRITE);
  if (ok) {
    /* gst_video_frame_copy() takes lines of packed formats to be as long as their strides. */
    if (dec_frame_needs_fix (fix) || dec_frame_is_packed (GST_VIDEO_INFO_FORMAT (info)))
      ok = copy_semiplanar (&dest, &src, fix);
    else
      ok = gst_video_frame_copy (&dest, &src);
    gst_video_frame_unmap (&dest);
  }
  gst_video_frame_unmap (&src);
  if (!ok) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  *copy = buffer;
  return GST_FLOW_OK;
}
