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
 * 8-bit 4:2:0 streams (Main) are decoded, with all their sub-layers.  The sink
 * caps say what the driver found at registration can do; "video-device-path"
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
};

static gpointer
h265_create (const CodecClient * client, gpointer user_data)
{
  return codec_h265_new (client, user_data);
}

static void
h265_destroy (gpointer codec)
{
  codec_h265_free (codec);
}

static gboolean
h265_set_format (gpointer codec, GstVideoCodecState * state, gboolean live, GError ** error)
{
  const GstStructure *s = gst_caps_get_structure (state->caps, 0);
  const gchar *form = gst_structure_get_string (s, "stream-format");
  CodecH265Format format = CODEC_H265_BYTE_STREAM;
  GstMapInfo map = GST_MAP_INFO_INIT;
  gboolean ret;

  if (g_strcmp0 (form, "hvc1") == 0 || g_strcmp0 (form, "hev1") == 0)
    format = CODEC_H265_HVC;
  if (state->codec_data && !gst_buffer_map (state->codec_data, &map, GST_MAP_READ)) {
    g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_BITSTREAM, "codec_data cannot be mapped");
    return FALSE;
  }
  /* The SPS says exactly how much is reordered: @live changes nothing. */
  ret = codec_h265_set_format (codec, format, map.data, map.size, error);
  if (map.memory)
    gst_buffer_unmap (state->codec_data, &map);
  return ret;
}

static gboolean
h265_decode (gpointer codec, const guint8 * data, gsize size, guint64 tag, GError ** error)
{
  return codec_h265_decode (codec, data, size, tag, error);
}

static gboolean
h265_drain (gpointer codec, GError ** error)
{
  return codec_h265_drain (codec, error);
}

static void
h265_flush (gpointer codec)
{
  codec_h265_flush (codec);
}

static const GstDmaResvCodec h265_codec = {
  h265_create, h265_destroy, h265_set_format, h265_decode, h265_drain, h265_flush
};

static GstCaps *
h265_make_caps (DecDevice * device)
{
  GstCaps *caps;

  if (!gst_dmaresv_decoder_has_modes (device, mode_controls, G_N_ELEMENTS (mode_controls)))
    return NULL;

  /* chroma-format and the depths are what h265parse says of the SPS: a stream that cannot be
   * decoded is refused at the caps, where another decoder can step in. */
  caps = gst_caps_from_string ("video/x-h265, stream-format=(string){ byte-stream, hvc1, hev1 }, "
      "alignment=(string)au, chroma-format=(string)4:2:0, bit-depth-luma=(uint)8, "
      "bit-depth-chroma=(uint)8");
  if (!gst_dmaresv_decoder_set_profiles (caps, device, V4L2_CID_MPEG_VIDEO_HEVC_PROFILE, profiles,
          G_N_ELEMENTS (profiles)))
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
  decoder_class->codec = &h265_codec;
  gst_dmaresv_decoder_class_setup (decoder_class, class_data, "HEVC");
}

gboolean
gst_dmaresv_h265_dec_register (GstPlugin * plugin)
{
  GST_DEBUG_CATEGORY_INIT (gst_dmaresv_h265_dec_debug, "dmaresvh265dec", 0,
      "V4L2 stateless HEVC decoder");
  return gst_dmaresv_decoder_register (plugin, "h265", "H265Dec", V4L2_PIX_FMT_HEVC_SLICE,
      gst_dmaresv_h265_dec_class_init, h265_make_caps);
}
