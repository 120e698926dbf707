/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GstBuffers as the hardware has to see them.
 */
#ifndef RGA_IMPORT_H
#define RGA_IMPORT_H

#include <gst/video/video.h>

#include "rgacaps.h"

G_BEGIN_DECLS

typedef struct
{
  gint fd;                      /* not owned */
  guint64 inode;                /* of the dma-buf: tells it from all others that exist */
  gsize size;                   /* bytes, of the whole dma-buf */
  RgaLayout layout;
} RgaImport;

/* How the hardware can read @buffer, a picture of @info, where it is; crop metas are applied. FALSE
 * with a static @reason where it cannot. */
gboolean rga_import_from_buffer (RgaImport * import, GstBuffer * buffer, const GstVideoInfo * info,
    const gchar ** reason);

/* Sets fd, inode and size of a dma-buf; FALSE where @fd is none. */
gboolean rga_import_set_fd (RgaImport * import, gint fd);

/* A frame over plain memory, without a GstBuffer; not to be unmapped. */
void     rga_frame_over (GstVideoFrame * frame, const GstVideoInfo * info, gpointer data);
/* Moves the planes of a mapped frame to a crop meta's corner. FALSE where a picture of @info does
 * not fit there. */
gboolean rga_frame_crop (GstVideoFrame * frame, const GstVideoInfo * info,
    const GstVideoCropMeta * crop);

G_END_DECLS
#endif
