/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_DMARESV_TRACER_H
#define GST_DMARESV_TRACER_H

#include <gst/gst.h>
#include <gst/gsttracer.h>

G_BEGIN_DECLS

#define GST_TYPE_DMARESV_TRACER (gst_dmaresv_tracer_get_type ())
G_DECLARE_FINAL_TYPE (GstDmaResvTracer, gst_dmaresv_tracer, GST, DMARESV_TRACER, GstTracer)

/* A tracer records from its making to this, which drops the reference that it holds of itself. */
void     gst_dmaresv_tracer_stop (GstDmaResvTracer * self);

/* Registers the tracer "dmaresv". */
gboolean gst_dmaresv_tracer_register (GstPlugin * plugin);

G_END_DECLS
#endif
