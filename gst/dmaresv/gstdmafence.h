/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fences of a dma-buf's dma_resv, as userspace can see them: sync_files.
 *
 * Every function here is thread-safe: it works on descriptors only and keeps
 * no state.  A sync_file descriptor belongs to whoever called the function
 * that returned it.
 */
#ifndef GST_DMA_FENCE_H
#define GST_DMA_FENCE_H

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * GstDmaAccess:
 * @GST_DMA_ACCESS_READ: the caller wants to read: it has to wait for writers
 *    (DMA_BUF_SYNC_READ).
 * @GST_DMA_ACCESS_WRITE: the caller wants to write: it has to wait for writers
 *    and readers (DMA_BUF_SYNC_WRITE).
 * @GST_DMA_ACCESS_RW: both.
 */
typedef enum
{
  GST_DMA_ACCESS_READ = 1 << 0,
  GST_DMA_ACCESS_WRITE = 1 << 1,
  GST_DMA_ACCESS_RW = GST_DMA_ACCESS_READ | GST_DMA_ACCESS_WRITE
} GstDmaAccess;

/**
 * GstDmaFenceInfo:
 * @status: 0 pending, 1 signalled, a negative errno when the job failed
 *    (struct sync_file_info.status).
 * @timestamp: CLOCK_MONOTONIC of the last signal in ns, or GST_CLOCK_TIME_NONE
 *    while one is pending.
 * @n_fences: how many fences the sync_file collects.
 * @driver: the first fence's driver name; never compare it, a signalled fence
 *    has lost its own (for the log only).
 * @timeline: the first fence's timeline name (for the log only).
 */
typedef struct
{
  gint status;
  GstClockTime timestamp;
  guint n_fences;
  gchar driver[32];
  gchar timeline[32];
} GstDmaFenceInfo;

gint     gst_dma_fence_export (gint dmabuf_fd, GstDmaAccess access, GError ** error);

/* The same, for a wait: the trace tells the wait, if there is one. */
gint     gst_dma_fence_export_untold (gint dmabuf_fd, GstDmaAccess access, GError ** error);

gboolean gst_dma_fence_import (gint dmabuf_fd, gint sync_fd, GstDmaAccess access, GError ** error);

gboolean gst_dma_fence_get_info (gint sync_fd, GstDmaFenceInfo * info, GError ** error);

gint     gst_dma_fence_merge (const gchar * name, gint sync_fd1, gint sync_fd2, GError ** error);

gboolean gst_dma_fence_collect (gint * all, gint sync_fd, GError ** error);

gboolean gst_dma_fence_wait (gint sync_fd, GstClockTime timeout, GCancellable * cancellable,
    GstClockTime * waited, GError ** error);

gboolean gst_dma_fence_wait_dmabuf (gint dmabuf_fd, GstDmaAccess access, GstClockTime timeout,
    GCancellable * cancellable, GstClockTime * waited, GError ** error);

gboolean gst_dma_fence_wait_cpu (gint dmabuf_fd, GstDmaAccess access, GstClockTime timeout,
    GError ** error);

gboolean gst_dma_fence_wait_buffer (GstBuffer * buffer, GstDmaAccess access, GstClockTime timeout,
    GCancellable * cancellable, GstClockTime * waited, GError ** error);

/* Bridges to explicit synchronisation: a whole buffer, all its dma-bufs, one sync_file. */

gint     gst_dma_fence_export_buffer (GstBuffer * buffer, GstDmaAccess access, GError ** error);

gboolean gst_dma_fence_import_buffer (GstBuffer * buffer, gint sync_fd, GstDmaAccess access,
    GError ** error);

gboolean gst_dma_fence_cpu_access (gint dmabuf_fd, GstDmaAccess access, gboolean begin,
    GError ** error);

G_END_DECLS
#endif
