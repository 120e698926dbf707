/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A buffer that was handed on before its job was done: the meta keeps the
 * job's sync_file, as seen pending, and what became of the job.
 *
 * The dma_resv itself forgets a fence that has signalled, and with it a
 * failure (a new export says "ready, all well"); the kept sync_file is where
 * the truth stays.  The state outlives the buffer and is shared by copies.
 */
#ifndef GST_DMA_FENCE_META_H
#define GST_DMA_FENCE_META_H

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstDmaFenceState GstDmaFenceState;

/* sync_fd: transfer full. */
GstDmaFenceState *gst_dma_fence_state_new (gint sync_fd);
GstDmaFenceState *gst_dma_fence_state_ref (GstDmaFenceState * state);
void              gst_dma_fence_state_unref (GstDmaFenceState * state);
/* The job's owner knows more than the fence (V4L2_BUF_FLAG_ERROR). @error: a negative errno. */
void              gst_dma_fence_state_fail (GstDmaFenceState * state, gint error);
/* 0 pending, 1 done, a negative errno when the job failed. Does not wait. */
gint              gst_dma_fence_state_get (GstDmaFenceState * state);
/* The sync_file (transfer none). */
gint              gst_dma_fence_state_get_fd (GstDmaFenceState * state);

/**
 * GstDmaFenceMeta:
 * @state: the job that writes the buffer's memory.
 *
 * As an allocation meta (gst_query_add_allocation_meta()) its API type says: frames that are not
 * finished are welcome here, their implicit fences are respected.
 */
typedef struct
{
  GstMeta meta;

  GstDmaFenceState *state;
} GstDmaFenceMeta;

#define GST_DMA_FENCE_META_API_TYPE (gst_dma_fence_meta_api_get_type ())
GType              gst_dma_fence_meta_api_get_type (void);
const GstMetaInfo *gst_dma_fence_meta_get_info (void);

#define gst_buffer_get_dma_fence_meta(b) \
  ((GstDmaFenceMeta *) gst_buffer_get_meta ((b), GST_DMA_FENCE_META_API_TYPE))
GstDmaFenceMeta *gst_buffer_add_dma_fence_meta (GstBuffer * buffer, GstDmaFenceState * state);

G_END_DECLS
#endif
