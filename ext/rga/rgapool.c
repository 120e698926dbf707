/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rgapool.h"

gboolean
rga_layout_is_default (const GstVideoInfo * layout)
{
  GstVideoInfo def;
  guint i;

  gst_video_info_set_format (&def, GST_VIDEO_INFO_FORMAT (layout), GST_VIDEO_INFO_WIDTH (layout),
      GST_VIDEO_INFO_HEIGHT (layout));
  for (i = 0; i < GST_VIDEO_INFO_N_PLANES (layout); i++) {
    if (def.offset[i] != layout->offset[i] || def.stride[i] != layout->stride[i])
      return FALSE;
  }
  return TRUE;
}

GstBufferPool *
rga_system_pool_new (GstCaps * caps, gsize size, guint min)
{
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, size, min, 0);
  gst_buffer_pool_set_config (pool, config);
  return pool;
}
