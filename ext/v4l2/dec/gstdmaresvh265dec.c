/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-dmaresvh265dec
 * @title: dmaresvh265dec
 * @short_description: V4L2 stateless HEVC decoder with implicit sync
 *
 * Decodes H.265 / HEVC (ITU-T H.265) on hardware that speaks the V4L2
 * stateless API, such as rkvdec of the RK3399.  Frames are dma-bufs on the
 * device's own buffers: a buffer goes back to the hardware only when no element
 * holds it and no fence of a consumer is pending in its dma_resv.
 *
 * 4:2:0 streams of 8 and 10 bits (Main, Main 10) are decoded, with all their
 * sub-layers.  The sink caps say what the driver found at registration can do; "video-device-path"
 * names it.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! qtdemux ! h265parse ! dmaresvh265dec ! waylandsink
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvh265dec.h"

#include "../codecs/h265.h"
#include "gstdmaresvdecoder.h"

GST_DEBUG_CATEGORY_STATIC (gst_dmaresv_h265_dec_debug);
#define GST_CAT_DEFAULT gst_dmaresv_h265_dec_debug

/* rkvdec takes whole frames with start codes. */
static gint32 decode_mode = V4L2_STATELESS_HEVC_DECODE_MODE_FRAME_BASED;
static gint32 start_code = V4L2_STATELESS_HEVC_START_CODE_ANNEX_B;

static const V4l2Control mode_controls[] = {
  {V4L2_CID_STATELESS_HEVC_DECODE_MODE, sizeof (decode_mode), &decode_mode},
  {V4L2_CID_STATELESS_HEVC_START_CODE, sizeof (start_code), &start_code},
};

/* What the codec core decodes, by what the driver has to name for it. */
static const GstDmaResvProfile profiles[] = {
  {V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN, "main"},
  /* A decoder of Main decodes it (A.3.4). */
  {V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN, "main-still-picture"},
  {V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN_10, "main-10"},
};

static gboolean
h265_set_format (gpointer codec, const GstStructure * s, const guint8 * codec_data, gsize size,
    GError ** error)
{
  const gchar *form = gst_structure_get_string (s, "stream-format");
  CodecH265Format format = CODEC_H265_BYTE_STREAM;

  if (g_strcmp0 (form, "hvc1") == 0 || g_strcmp0 (form, "hev1") == 0)
    format = CODEC_H265_HVC;
  return codec_h265_set_format (codec, format, codec_data, size, error);
}

static GstCaps *
h265_make_caps (DecDevice * device)
{
  GstCaps *caps;

  if (!gst_dmaresv_decoder_has_modes (device, mode_controls, G_N_ELEMENTS (mode_controls)))
    return NULL;

  /* chroma-format and the depths are what h265parse says of the SPS: a stream that cannot be
   * decoded is refused at the caps, where another decoder can step in. */
  caps = gst_caps_from_string ("video/x-h265, stream-format=(string){ byte-stream, hvc1, hev1 }, "
      "alignment=(string)au");
  if (!gst_dmaresv_decoder_set_profiles (caps, device, V4L2_CID_MPEG_VIDEO_HEVC_PROFILE, profiles,
          G_N_ELEMENTS (profiles))
      || !gst_dmaresv_decoder_set_depths (&caps, device, V4L2_PIX_FMT_HEVC_SLICE))
    gst_clear_caps (&caps);
  return caps;
}

static void
gst_dmaresv_h265_dec_class_init (gpointer klass, gpointer class_data)
{
  GstDmaResvDecoderClass *decoder_class = klass;

  decoder_class->coded_format = V4L2_PIX_FMT_HEVC_SLICE;
  decoder_class->mode_controls = mode_controls;
  decoder_class->n_mode_controls = G_N_ELEMENTS (mode_controls);
  decoder_class->codec = &codec_h265_core;
  decoder_class->set_format = h265_set_format;
  gst_dmaresv_decoder_class_setup (decoder_class, class_data, "HEVC");
}

gboolean
gst_dmaresv_h265_dec_register (GstPlugin * plugin)
{
  GST_DEBUG_CATEGORY_INIT (gst_dmaresv_h265_dec_debug, "dmaresvh265dec", 0,
      "V4L2 stateless HEVC decoder");
  return gst_dmaresv_decoder_register (plugin, "h265", "H265", V4L2_PIX_FMT_HEVC_SLICE,
      gst_dmaresv_h265_dec_class_init, h265_make_caps);
}
