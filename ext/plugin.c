/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gst-dmaresv: the plugin.  What it registers depends on the machine's video
 * hardware, so the registry is told what to look at before it trusts its
 * cache.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/gst.h>

#include <gst/dmaresv/gstdmaresvtracer.h>

#include "rga/gstrgaconvert.h"
#include "v4l2/dec/gstdmaresvh264dec.h"
#include "v4l2/dec/gstdmaresvmpeg2dec.h"
#include "v4l2/dec/gstdmaresvh265dec.h"
#include "v4l2/dec/gstdmaresvvp8dec.h"
#include "v4l2/dec/gstdmaresvvp9dec.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  gst_plugin_add_dependency_simple (plugin, NULL, "/dev", "video,media",
      GST_PLUGIN_DEPENDENCY_FLAG_FILE_NAME_IS_PREFIX);

  return gst_dmaresv_tracer_register (plugin)
      && gst_dmaresv_h264_dec_register (plugin)
      && gst_dmaresv_mpeg2_dec_register (plugin)
      && gst_dmaresv_h265_dec_register (plugin)
      && gst_dmaresv_vp8_dec_register (plugin)
      && gst_dmaresv_vp9_dec_register (plugin)
      && gst_rga_convert_register (plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, dmaresv,
    "V4L2 stateless decoders and RGA conversion with implicitly synchronised dma-bufs",
    plugin_init, PACKAGE_VERSION, GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
