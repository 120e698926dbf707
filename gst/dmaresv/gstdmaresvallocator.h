/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The implicit-sync dma-buf allocator: wraps descriptors that others
 * allocated (V4L2 exports, DRM primes) into GstMemory whose mapping waits for
 * the fences that concern it and is bracketed by DMA_BUF_IOCTL_SYNC.
 *
 * It derives from GstDmaBufAllocator, so gst_is_dmabuf_memory() holds and
 * every sink that imports dma-bufs takes its memory.
 */
#ifndef GST_DMARESV_ALLOCATOR_H
#define GST_DMARESV_ALLOCATOR_H

#include <gst/allocators/allocators.h>

G_BEGIN_DECLS

#define GST_TYPE_DMARESV_ALLOCATOR (gst_dmaresv_allocator_get_type ())
G_DECLARE_FINAL_TYPE (GstDmaResvAllocator, gst_dmaresv_allocator, GST, DMARESV_ALLOCATOR,
    GstDmaBufAllocator)

GstAllocator *gst_dmaresv_allocator_new (void);

/* fd: transfer full, closed with the memory.  size: bytes. */
GstMemory    *gst_dmaresv_allocator_wrap (GstAllocator * allocator, gint fd, gsize size);

/* How long a mapping may wait for fences, in ns; default 3 seconds. */
void          gst_dmaresv_allocator_set_timeout (GstDmaResvAllocator * self, GstClockTime timeout);

G_END_DECLS
#endif
