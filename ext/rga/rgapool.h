/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffers of system memory beside the driver's, for what a reader of those cannot do. */
#ifndef RGA_POOL_H
#define RGA_POOL_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/* Whether @layout is what a reader without GstVideoMeta assumes. */
gboolean       rga_layout_is_default (const GstVideoInfo * layout);

/* An inactive pool without a limit, of buffers of @size bytes (transfer full). */
GstBufferPool *rga_system_pool_new (GstCaps * caps, gsize size, guint min);

G_END_DECLS
#endif
