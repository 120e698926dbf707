/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-dmaresvmpeg2dec
 * @title: dmaresvmpeg2dec
 * @short_description: V4L2 stateless MPEG-2 decoder with implicit sync
 *
 * Decodes MPEG-2 video (ITU-T H.262) on hardware that speaks the V4L2 stateless API, such
 * as the RK3399's hantro VPU.  Frames are dma-bufs on the device's own buffers:
 * a buffer goes back to the hardware only when no element holds it and no fence
 * of a consumer is pending in its dma_resv.
 *
 * The sink caps say which sizes the driver found at registration can do;
 * "video-device-path" names it.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=clip.mpg ! mpegpsdemux ! mpegvideoparse ! dmaresvmpeg2dec ! waylandsink
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvmpeg2dec.h"

#include "../codecs/mpeg2.h"
#include "gstdmaresvdecoder.h"

static gboolean
mpeg2_set_format (gpointer codec, const GstStructure * s G_GNUC_UNUSED, const guint8 * codec_data,
    gsize size, GError ** error)
{
  return !codec_data || codec_mpeg2_set_headers (codec, codec_data, size, error);
}

static GstCaps *
mpeg2_make_caps (DecDevice * device)
{
  /* High without its scalability and 4:2:2 is Main with one more DC precision. */
  GstCaps *caps = gst_caps_from_string ("video/mpeg, mpegversion=(int)2, "
      "systemstream=(boolean)false, parsed=(boolean)true, "
      "profile=(string){ simple, main, high }");

  gst_dmaresv_decoder_set_sizes (caps, device, V4L2_PIX_FMT_MPEG2_SLICE, TRUE);
  return caps;
}

static void
gst_dmaresv_mpeg2_dec_class_init (gpointer klass, gpointer class_data)
{
  GstDmaResvDecoderClass *decoder_class = klass;

  decoder_class->coded_format = V4L2_PIX_FMT_MPEG2_SLICE;
  decoder_class->codec = &codec_mpeg2_core;
  decoder_class->set_format = mpeg2_set_format;
  gst_dmaresv_decoder_class_setup (decoder_class, class_data, "MPEG-2");
}

gboolean
gst_dmaresv_mpeg2_dec_register (GstPlugin * plugin)
{
  return gst_dmaresv_decoder_register (plugin, "mpeg2", "Mpeg2", V4L2_PIX_FMT_MPEG2_SLICE,
      gst_dmaresv_mpeg2_dec_class_init, mpeg2_make_caps);
}
