/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decframe.h"

#include <string.h>

/* @samples of a packed line, from the @skip'th on; skip is even. */
static void
copy_packed_line (guint8 * dest, const guint8 * src, guint samples, guint skip)
{
  guint from = skip * 10 / 8, n = DEC_FRAME_PACKED_BYTES (samples), i;

  if (skip * 10 % 8 == 0) {
    memcpy (dest, src + from, n);
    return;
  }
  /* Two samples are two bytes and a half. */
  for (i = 0; i < n; i++) {
    guint high = from + i + 1 < DEC_FRAME_PACKED_BYTES (samples + skip) ? src[from + i + 1] : 0;

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
  for (i = 0; i < DEC_FRAME_PACKED_BYTES (samples); i++)
    dest[i] = four[i % sizeof (four)];
}

/* @samples of a packed line, every @step'th one from the @first on, as two bytes each. */
static void
unpack_line (guint8 * dest, const guint8 * src, guint samples, guint first, guint step)
{
  guint i, n;

  for (i = 0, n = first; i < samples; i++, n += step) {
    const guint8 *p = src + n * 10 / 8;

    GST_WRITE_UINT16_LE (dest + 2 * i, (p[0] | p[1] << 8) >> (n * 10 % 8) & 0x3ff);
  }
}

/* From two packed planes to three. */
static gboolean
unpack_semiplanar (GstVideoFrame * dest, GstVideoFrame * src, DecFrameFix fix)
{
  guint comp, y;

  if (GST_VIDEO_FRAME_N_PLANES (dest) != 3 || GST_VIDEO_FRAME_N_PLANES (src) != 2)
    return FALSE;
  for (comp = 0; comp < 3; comp++) {
    guint8 *to = GST_VIDEO_FRAME_PLANE_DATA (dest, comp);
    const guint8 *from = GST_VIDEO_FRAME_PLANE_DATA (src, MIN (comp, 1));

    for (y = 0; y < (guint) GST_VIDEO_FRAME_COMP_HEIGHT (dest, comp); y++) {
      /* Cb and Cr take turns. */
      unpack_line (to, from, GST_VIDEO_FRAME_COMP_WIDTH (dest, comp),
          fix.skip_x + (comp == 2), comp ? 2 : 1);
      to += GST_VIDEO_FRAME_PLANE_STRIDE (dest, comp);
      from += GST_VIDEO_FRAME_PLANE_STRIDE (src, MIN (comp, 1));
    }
  }
  return TRUE;
}

/* Two planes; a line of either has as many samples, but for a chroma pair that is cut in half. */
static gboolean
copy_semiplanar (GstVideoFrame * dest, GstVideoFrame * src, DecFrameFix fix)
{
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
        fill_neutral_line (to, samples, fix.packed);
      else if (fix.packed)
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
    if (fix.unpack)
      ok = unpack_semiplanar (&dest, &src, fix);
    else if (dec_frame_needs_fix (fix) || fix.packed)
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
