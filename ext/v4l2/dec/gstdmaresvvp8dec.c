/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-dmaresvvp8dec
 * @title: dmaresvvp8dec
 * @short_description: V4L2 stateless VP8 decoder with implicit sync
 *
 * Decodes VP8 (RFC 6386) on hardware that speaks the V4L2 stateless API, such
 * as the RK3399's hantro VPU.  Frames are dma-bufs on the device's own buffers:
 * a buffer goes back to the hardware only when no element holds it and no fence
 * of a consumer is pending in its dma_resv.
 *
 * The sink caps say which sizes the driver found at registration can do;
 * "video-device-path" names it.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=clip.webm ! matroskademux ! dmaresvvp8dec ! waylandsink
 * ]|
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvvp8dec.h"

#include "../codecs/vp8.h"
#include "gstdmaresvdecoder.h"

static gpointer
vp8_create (const CodecClient * client, gpointer user_data)
{
  return codec_vp8_new (client, user_data);
}

static void
vp8_destroy (gpointer codec)
{
  codec_vp8_free (codec);
}

/* There is one form, and nothing outside of the frames. */
static gboolean
vp8_set_format (gpointer codec G_GNUC_UNUSED, GstVideoCodecState * state G_GNUC_UNUSED,
    gboolean live G_GNUC_UNUSED, GError ** error G_GNUC_UNUSED)
{
  return TRUE;
}

static gboolean
vp8_decode (gpointer codec, const guint8 * data, gsize size, guint64 tag, GError ** error)
{
  return codec_vp8_decode (codec, data, size, tag, error);
}

static gboolean
vp8_drain (gpointer codec, GError ** error)
{
  return codec_vp8_drain (codec, error);
}

static void
vp8_flush (gpointer codec)
{
  codec_vp8_flush (codec);
}

static const GstDmaResvCodec vp8_codec = {
  vp8_create, vp8_destroy, vp8_set_format, vp8_decode, vp8_drain, vp8_flush
};

static GstCaps *
vp8_make_caps (DecDevice * device)
{
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-vp8");

  gst_dmaresv_decoder_set_sizes (caps, device, V4L2_PIX_FMT_VP8_FRAME, TRUE);
  return caps;
}

static void
gst_dmaresv_vp8_dec_class_init (gpointer klass, gpointer class_data)
{
  GstDmaResvDecoderClass *decoder_class = klass;

  decoder_class->coded_format = V4L2_PIX_FMT_VP8_FRAME;
  decoder_class->codec = &vp8_codec;
  gst_dmaresv_decoder_class_setup (decoder_class, class_data, "VP8");
}

gboolean
gst_dmaresv_vp8_dec_register (GstPlugin * plugin)
{
  return gst_dmaresv_decoder_register (plugin, "vp8", "VP8Dec", V4L2_PIX_FMT_VP8_FRAME,
      gst_dmaresv_vp8_dec_class_init, vp8_make_caps);
}
