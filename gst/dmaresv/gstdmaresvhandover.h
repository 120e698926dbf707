/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a buffer may be handed on before the job that writes it is done.
 *
 * Two things have to hold: the job's fence was *seen pending* in the dma-buf
 * (an export that says "ready" may as well mean that the job has not begun),
 * and whoever gets the buffer respects implicit fences.
 */
#ifndef GST_DMARESV_HAND_OVER_H
#define GST_DMARESV_HAND_OVER_H

#include <gst/gst.h>

#include "gstdmafencemeta.h"

G_BEGIN_DECLS

/**
 * GstDmaResvHandOver:
 * @GST_DMARESV_HAND_OVER_AUTO: early where downstream is known to respect implicit fences.
 * @GST_DMARESV_HAND_OVER_FINISHED: never before the job is done.
 * @GST_DMARESV_HAND_OVER_EARLY: early whoever is downstream; still only where a fence was seen.
 */
typedef enum
{
  GST_DMARESV_HAND_OVER_AUTO,
  GST_DMARESV_HAND_OVER_FINISHED,
  GST_DMARESV_HAND_OVER_EARLY
} GstDmaResvHandOver;

#define GST_TYPE_DMARESV_HAND_OVER (gst_dmaresv_hand_over_get_type ())
GType      gst_dmaresv_hand_over_get_type (void);
/* The property "hand-over", the same for every element that has it (transfer floating). */
GParamSpec *gst_dmaresv_hand_over_param_spec (void);

/* Whether @mode and what is behind @srcpad let unfinished buffers through. @allocation: downstream's
 * answer to the allocation query. */
gboolean   gst_dmaresv_hand_over_allowed (GstDmaResvHandOver mode, GstPad * srcpad,
    GstQuery * allocation);

/* (transfer full, nullable): the job's fence, if it was seen pending on all of @buffer's dma-bufs
 * that have one. NULL: nothing is proven. */
GstDmaFenceState *gst_dmaresv_hand_over_prove (GstBuffer * buffer);

G_END_DECLS
#endif
