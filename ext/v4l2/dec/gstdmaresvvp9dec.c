/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-dmaresvvp9dec
 * @title: dmaresvvp9dec
 * @short_description: V4L2 stateless VP9 decoder with implicit sync
 *
 * Decodes VP9 on hardware that speaks the V4L2 stateless API, such as rkvdec of
 * the RK3399.  Frames are dma-bufs on the device's own buffers: a buffer goes
 * back to the hardware only when no element holds it and no fence of a consumer
 * is pending in its dma_resv.
 *
 * Profile 0 is decoded.  Of the frames that a superframe shows, the last is
 * output.  Where the size changes between key frames by more than the buffers
 * of the session can take, a warning says so and frames are dropped up to the
 * next key frame.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=clip.webm ! matroskademux ! vp9parse ! dmaresvvp9dec ! waylandsink
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvvp9dec.h"

#include "../codecs/vp9.h"
#include "gstdmaresvdecoder.h"

GST_DEBUG_CATEGORY_STATIC (gst_dmaresv_vp9_dec_debug);
#define GST_CAT_DEFAULT gst_dmaresv_vp9_dec_debug

static GstCaps *
vp9_make_caps (DecDevice * device)
{
  V4l2M2m *m2m = dec_device_get_m2m (device);

  if (!v4l2_m2m_has_menu_item (m2m, V4L2_CID_MPEG_VIDEO_VP9_PROFILE, V4L2_MPEG_VIDEO_VP9_PROFILE_0)) {
    GST_WARNING ("%s does not decode profile 0", v4l2_m2m_get_info (m2m)->video_path);
    return NULL;
  }
  /* The profile, the depth and the chroma format are what vp9parse says of the key frame: a stream
   * that cannot be decoded is refused at the caps, where another decoder can step in. */
  return gst_caps_from_string ("video/x-vp9, alignment=(string){ super-frame, frame }, "
      "profile=(string)0, chroma-format=(string)4:2:0, bit-depth-luma=(uint)8, "
      "bit-depth-chroma=(uint)8, codec-alpha=(boolean)false");
}

static void
gst_dmaresv_vp9_dec_class_init (gpointer klass, gpointer class_data)
{
  GstDmaResvDecoderClass *decoder_class = klass;

  decoder_class->coded_format = V4L2_PIX_FMT_VP9_FRAME;
  decoder_class->codec = &codec_vp9_core;
  gst_dmaresv_decoder_class_setup (decoder_class, class_data, "VP9");
}

gboolean
gst_dmaresv_vp9_dec_register (GstPlugin * plugin)
{
  GST_DEBUG_CATEGORY_INIT (gst_dmaresv_vp9_dec_debug, "dmaresvvp9dec", 0,
      "V4L2 stateless VP9 decoder");
  return gst_dmaresv_decoder_register (plugin, "vp9", "Vp9", V4L2_PIX_FMT_VP9_FRAME,
      gst_dmaresv_vp9_dec_class_init, vp9_make_caps);
}
