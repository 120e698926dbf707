/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A GstBufferPool that gives a buffer back to its producer (the hardware)
 * only when nobody reads it any more: GStreamer's last reference is gone and
 * every fence in its dma-bufs' dma_resv (an export for writing) has
 * signalled.  A released buffer whose fences are pending sits in a poll set;
 * meanwhile the pool hands out others, or grows up to its maximum.
 */
#ifndef GST_DMARESV_POOL_H
#define GST_DMARESV_POOL_H

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DMARESV_POOL (gst_dmaresv_pool_get_type ())
G_DECLARE_FINAL_TYPE (GstDmaResvPool, gst_dmaresv_pool, GST, DMARESV_POOL, GstBufferPool)

/**
 * GstDmaResvPoolAllocFunc:
 * Makes the pool's next buffer (transfer full), all memories dma-bufs and all
 * metas attached (they get GST_META_FLAG_POOLED by the pool), or returns NULL
 * when the producer can give no more.  Called from gst_buffer_pool_set_active()
 * for the configured minimum, and from acquire_buffer() when the pool grows.
 */
typedef GstBuffer *(*GstDmaResvPoolAllocFunc) (GstDmaResvPool * pool, gpointer user_data,
    GError ** error);

GstBufferPool *gst_dmaresv_pool_new (GstDmaResvPoolAllocFunc alloc, gpointer user_data,
    GDestroyNotify notify);

/*
 * Upper bound for one acquire_buffer(), ns; GST_CLOCK_TIME_NONE waits until a
 * buffer comes back or the pool is set flushing or inactive.  The wait for
 * *fences* alone (all GStreamer references are gone, no buffer outstanding) is
 * bounded by this too, and by 5 seconds where this is GST_CLOCK_TIME_NONE.
 * Default 5 seconds.
 */
void           gst_dmaresv_pool_set_timeout (GstDmaResvPool * self, GstClockTime timeout);

typedef struct
{
  guint allocated;              /* buffers that exist */
  guint free;                   /* ready to be acquired */
  guint pending;                /* released by GStreamer, a fence not signalled yet */
  guint64 delayed;              /* releases so far that had to wait for a fence */
} GstDmaResvPoolStats;

void           gst_dmaresv_pool_get_stats (GstDmaResvPool * self, GstDmaResvPoolStats * stats);

G_END_DECLS
#endif
