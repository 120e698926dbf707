/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of rgaconvert, for its two parts: gstrgaconvert.c (caps, allocation, states) and
 * rgaconversion.c (the way of one frame).
 */
#ifndef RGA_CONVERT_PRIV_H
#define RGA_CONVERT_PRIV_H

#include <gio/gio.h>

#include "gstdmaresvhandover.h"
#include "gstrgaconvert.h"
#include "rgadevice.h"
#include "rgastage.h"

G_BEGIN_DECLS

/* One a type, from registration; lives as long as the type. */
typedef struct
{
  V4l2DeviceInfo *info;
  RgaLimits *limits;
  GstCaps *sink_caps, *src_caps;
} RgaClassData;

typedef struct
{
  RgaDevice *device;
  RgaStage *stage;              /* made when a driver turns out to need it */
  GCancellable *cancellable;
  GstAllocator *allocator;

  /* Negotiated */
  GstVideoInfo in, out;
  gboolean dmabuf_out;
  gboolean bt709;
  gboolean import_refused;      /* with these caps, so do not try every frame */

  /* CAPTURE */
  GstBufferPool *pool;          /* protected by the object lock */
  GstBufferPool *spare_pool;    /* system memory, made when downstream keeps too many */
  GstVideoInfo out_layout;
  gboolean copy_out;            /* downstream wants default strides, the driver has others */

  /* Early hand-over */
  gboolean early_allowed;       /* by the user and by downstream */
  GstDmaFenceState *running;    /* of a job whose buffer has left already */

  /* Protected by the object lock */
  guint64 n_imported, n_staged, n_copied, n_passed;
  guint64 n_early, n_finished;
  GstDmaResvHandOver hand_over;

  GMutex flush_lock;            /* one flush or stop after another */
  gboolean stopping;            /* a FLUSH_STOP must not let the streaming thread wait again */
} GstRgaConvertBasePrivate;

GstRgaConvertBasePrivate *rga_convert_get_private (GstRgaConvertBase * self);
const RgaClassData       *rga_convert_get_class_data (gpointer self);
/* Of a buffer that rgaconvert's pool made, -1 for any other. */
gint                      rga_convert_capture_index (GstBuffer * buffer);

/* GstBaseTransformClass.transform */
GstFlowReturn rga_convert_transform (GstBaseTransform * trans, GstBuffer * inbuf,
    GstBuffer * outbuf);
/* Waits for the job whose buffer has left already, if there is one. */
GstFlowReturn rga_convert_settle (GstRgaConvertBase * self);

G_END_DECLS
#endif
