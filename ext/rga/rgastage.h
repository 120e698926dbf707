/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pictures in dma-bufs that are larger than the driver takes, moved by the
 * hardware into one that is not.  See the essay in rgastage.c.
 */
#ifndef RGA_STAGE_H
#define RGA_STAGE_H

#include "rgadevice.h"
#include "rgaimport.h"

G_BEGIN_DECLS

typedef struct _RgaStage RgaStage;

/* @limits: of the driver, live longer than the stage. @cancellable: as for rga_device_open() */
RgaStage *rga_stage_new (const V4l2DeviceInfo * info, const RgaLimits * limits,
    GCancellable * cancellable, GError ** error);
void      rga_stage_free (RgaStage * stage);

/*
 * Moves the first @bytes of @import's dma-buf and makes it name the new one, which belongs to the
 * stage and holds the picture until the next move. Waits at most @timeout ns. @hold: a GstBuffer
 * (transfer none, a reference is taken) that must last as long as the job.
 */
gboolean  rga_stage_move (RgaStage * stage, RgaImport * import, gsize bytes, GstBuffer * hold,
    GstClockTime timeout, GError ** error);

G_END_DECLS
#endif
