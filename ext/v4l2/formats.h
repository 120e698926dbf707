/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * V4L2 pixel formats and colorimetry in GstVideo's terms: tables and pure
 * functions, no device.
 */
#ifndef V4L2_FORMATS_H
#define V4L2_FORMATS_H

#include <gst/video/video.h>

#include "m2m.h"

/* Younger than some distributions' kernel headers. */
#ifndef V4L2_PIX_FMT_NV15
#define V4L2_PIX_FMT_NV15 v4l2_fourcc ('N', 'V', '1', '5')
#endif
#ifndef V4L2_PIX_FMT_NV20
#define V4L2_PIX_FMT_NV20 v4l2_fourcc ('N', 'V', '2', '0')
#endif

G_BEGIN_DECLS

/* GST_VIDEO_FORMAT_UNKNOWN / 0 where the other side has none. NV12M and NV12 both map to NV12. */
GstVideoFormat v4l2_format_to_video (guint32 pixelformat);
guint32        v4l2_format_from_video (GstVideoFormat format);

/*
 * The picture of @format (visible size @width x @height inside it) as a GstVideoInfo with the
 * driver's strides and plane offsets: bytesperline is plane 0's, the others follow from it, and
 * plane n starts after plane n-1's coded lines (format->height, not the visible height).
 */
gboolean       v4l2_format_to_info (const V4l2Format * format, guint width, guint height,
    GstVideoInfo * info);

/* Colorimetry both ways; unknown stays unknown (GST: UNKNOWN, V4L2: DEFAULT). */
void           v4l2_format_set_colorimetry (V4l2Format * format,
    const GstVideoColorimetry * colorimetry);
void           v4l2_format_get_colorimetry (const V4l2Format * format,
    GstVideoColorimetry * colorimetry);

G_END_DECLS
#endif
