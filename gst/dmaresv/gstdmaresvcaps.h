/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DMABuf caps in the form that the running GStreamer speaks:
 * from 1.24  video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=NV12
 * before     video/x-raw(memory:DMABuf),format=NV12
 * Every dma-buf here is linear (DRM_FORMAT_MOD_LINEAR).
 */
#ifndef GST_DMARESV_CAPS_H
#define GST_DMARESV_CAPS_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Whether DMABuf caps use format=DMA_DRM (compiled and running >= 1.24). */
gboolean gst_dmaresv_caps_use_drm (void);

/* Template caps for a list of formats (GST_VIDEO_FORMAT_UNKNOWN ends it): DMABuf
 * first, then system memory.  On >= 1.24 the DMABuf part names only formats that
 * have a DRM fourcc. width/height/framerate: full ranges. */
GstCaps *gst_dmaresv_caps_template (const GstVideoFormat * formats);

/* Fixed caps for @info, as DMABuf or as system memory (transfer full). NULL when
 * DMABuf is asked for and the format has no DRM fourcc. */
GstCaps *gst_dmaresv_caps_from_info (const GstVideoInfo * info, gboolean dmabuf);

/* The other way: fixed caps of either form and either memory. @dmabuf (out, nullable). */
gboolean gst_dmaresv_caps_to_info (const GstCaps * caps, GstVideoInfo * info, gboolean * dmabuf);

/* Whether the first structure that has them / any structure has memory:DMABuf. */
gboolean gst_dmaresv_caps_has_dmabuf (const GstCaps * caps);

/* DRM fourcc (libdrm's drm_fourcc.h) of a GstVideoFormat, 0 when there is none. */
guint32        gst_dmaresv_format_to_fourcc (GstVideoFormat format);
GstVideoFormat gst_dmaresv_format_from_fourcc (guint32 fourcc);

G_END_DECLS
#endif
