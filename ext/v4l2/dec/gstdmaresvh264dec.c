/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-dmaresvh264dec
 * @title: dmaresvh264dec
 * @short_description: V4L2 stateless H.264 decoder with implicit sync
 *
 * Decodes H.264 / AVC (ITU-T H.264) on hardware that speaks the V4L2 stateless
 * API, such as rkvdec of the RK3399.  Frames are dma-bufs on the device's own
 * buffers: a buffer goes back to the hardware only when no element holds it and
 * no fence of a consumer is pending in its dma_resv.
 *
 * Streams of 8 and 10 bits, monochrome, 4:2:0 and 4:2:2, progressive and
 * interlaced ones (frames, fields, MBAFF), are decoded.  The sink caps say what
 * the driver found at registration can do, and for which of it GStreamer has a
 * format; "video-device-path" names it.  Monochrome video gets its chroma plane
 * in a copy to system memory.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! qtdemux ! h264parse ! dmaresvh264dec ! waylandsink
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvh264dec.h"

#include "../codecs/h264.h"
#include "gstdmaresvdecoder.h"

GST_DEBUG_CATEGORY_STATIC (gst_dmaresv_h264_dec_debug);
#define GST_CAT_DEFAULT gst_dmaresv_h264_dec_debug

/* rkvdec and what else has appeared in mainline since takes whole frames with start codes. */
static gint32 decode_mode = V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED;
static gint32 start_code = V4L2_STATELESS_H264_START_CODE_ANNEX_B;

static const V4l2Control mode_controls[] = {
  {V4L2_CID_STATELESS_H264_DECODE_MODE, sizeof (decode_mode), &decode_mode},
  {V4L2_CID_STATELESS_H264_START_CODE, sizeof (start_code), &start_code},
};

/* What the codec core decodes, by what the driver has to name for it. */
static const GstDmaResvProfile profiles[] = {
  {V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_BASELINE, "constrained-baseline"},
  /* Hardly any baseline stream uses what its constrained form forbids (slice groups, arbitrary
   * slice order); one that does gets an error from the codec core. */
  {V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_BASELINE, "baseline"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_MAIN, "main"},
  /* Nor does a stream of the extended profile have to use what only that has (data partitioning,
   * switching slices, slice groups); the rest of it is in Main. */
  {V4L2_MPEG_VIDEO_H264_PROFILE_MAIN, "extended"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH, "high"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH, "progressive-high"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH, "constrained-high"},
  /* h264parse names the profile of the subset SPS; the base view, which is what is decoded, is in
   * High (H.10.1.1). */
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH, "multiview-high"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH, "stereo-high"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_10, "high-10"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_10, "progressive-high-10"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_422, "high-4:2:2"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_10_INTRA, "high-10-intra"},
  {V4L2_MPEG_VIDEO_H264_PROFILE_HIGH_422_INTRA, "high-4:2:2-intra"},
};

static gboolean
h264_set_format (gpointer codec, const GstStructure * s, const guint8 * codec_data, gsize size,
    GError ** error)
{
  const gchar *form = gst_structure_get_string (s, "stream-format");
  CodecH264Format format = CODEC_H264_BYTE_STREAM;

  if (g_strcmp0 (form, "avc") == 0 || g_strcmp0 (form, "avc3") == 0)
    format = CODEC_H264_AVC;
  /* As early as the order allows: what the VUI says of reordering is believed. */
  codec_h264_set_low_latency (codec, TRUE);
  return codec_h264_set_format (codec, format, codec_data, size, error);
}

static GstCaps *
h264_make_caps (DecDevice * device)
{
  GstCaps *caps;

  if (!gst_dmaresv_decoder_has_modes (device, mode_controls, G_N_ELEMENTS (mode_controls)))
    return NULL;

  /* chroma-format and the depths are what h264parse says of the SPS: a
   * stream that cannot be decoded is refused at the caps, where another decoder can step in. */
  caps = gst_caps_from_string ("video/x-h264, stream-format=(string){ byte-stream, avc, avc3 }, "
      "alignment=(string)au");
  if (!gst_dmaresv_decoder_set_profiles (caps, device, V4L2_CID_MPEG_VIDEO_H264_PROFILE, profiles,
          G_N_ELEMENTS (profiles))
      || !gst_dmaresv_decoder_set_depths (&caps, device, V4L2_PIX_FMT_H264_SLICE))
    gst_clear_caps (&caps);
  return caps;
}

static void
gst_dmaresv_h264_dec_class_init (gpointer klass, gpointer class_data)
{
  GstDmaResvDecoderClass *decoder_class = klass;

  decoder_class->coded_format = V4L2_PIX_FMT_H264_SLICE;
  decoder_class->mode_controls = mode_controls;
  decoder_class->n_mode_controls = G_N_ELEMENTS (mode_controls);
  decoder_class->codec = &codec_h264_core;
  decoder_class->set_format = h264_set_format;
  gst_dmaresv_decoder_class_setup (decoder_class, class_data, "H.264");
}

gboolean
gst_dmaresv_h264_dec_register (GstPlugin * plugin)
{
  GST_DEBUG_CATEGORY_INIT (gst_dmaresv_h264_dec_debug, "dmaresvh264dec", 0,
      "V4L2 stateless H.264 decoder");
  return gst_dmaresv_decoder_register (plugin, "h264", "H264", V4L2_PIX_FMT_H264_SLICE,
      gst_dmaresv_h264_dec_class_init, h264_make_caps);
}
