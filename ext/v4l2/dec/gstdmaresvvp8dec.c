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
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvvp8dec.h"

#include "../codecs/vp8.h"
#include "gstdmaresvdecoder.h"

static GstCaps *
vp8_make_caps (DecDevice * device)
{
  /* With an alpha channel it is the bin's, which decodes that, too. */
  GstCaps *caps = gst_caps_from_string ("video/x-vp8, codec-alpha=(boolean)false");

  gst_dmaresv_decoder_set_sizes (caps, device, V4L2_PIX_FMT_VP8_FRAME, TRUE);
  return caps;
}

static void
gst_dmaresv_vp8_dec_class_init (gpointer klass, gpointer class_data)
{
  GstDmaResvDecoderClass *decoder_class = klass;

  decoder_class->coded_format = V4L2_PIX_FMT_VP8_FRAME;
  decoder_class->codec = &codec_vp8_core;
  gst_dmaresv_decoder_class_setup (decoder_class, class_data, "VP8");
}

gboolean
gst_dmaresv_vp8_dec_register (GstPlugin * plugin)
{
  return gst_dmaresv_decoder_register (plugin, "vp8", "Vp8", V4L2_PIX_FMT_VP8_FRAME,
      gst_dmaresv_vp8_dec_class_init, vp8_make_caps);
}
