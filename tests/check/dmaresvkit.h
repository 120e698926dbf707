/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Common ground of the dmaresv suites: dma-bufs and fences of the kernel, and
 * things that another thread does a while later.
 *
 * What needs fences of the kernel takes dma-bufs from /dev/udmabuf or the
 * system DMA heap, and fences from sw_sync (debugfs) or vgem.  Where these are
 * missing the test says SKIP and why; with DMARESV_REQUIRE_KERNEL=1 in the
 * environment that is a failure.
 *
 * What does not need them runs anywhere, on descriptors that poll alike: an
 * eventfd is not readable until somebody writes, as a sync_file is until it
 * signals; and a full eventfd is not writable until somebody reads, as a
 * dma-buf with a pending reader is.  The latter is no dma-buf, so it takes the
 * library's path for kernels that cannot export.
 */
#ifndef DMARESV_KIT_H
#define DMARESV_KIT_H

#include <gst/check/gstcheck.h>

#include "fdkit.h"
#include "gstdmafence.h"

#define BUFFER_SIZE (4 * 65536)
#define MS GST_MSECOND
/* What a loaded machine may add to a wait. */
#define SLACK (2 * GST_SECOND)

#define assert_took(took, least) G_STMT_START {                             \
  fail_unless ((took) >= (least) && (took) < (least) + SLACK,               \
      "took %" GST_TIME_FORMAT, GST_TIME_ARGS (took));                      \
} G_STMT_END

/* Tells that a test could not run; fails it where it has to. */
void skip (const gchar * what);

/* Whether there are dma-bufs and fences to test with; skip()s when not. */
gboolean have_kernel (void);

gint memfd_new (gsize size);

/* -1 when there is no allocator. size: bytes */
gint dmabuf_new (gsize size);

/* A sw_sync timeline at 0; closing it ends its fences with -ENOENT. */
gint timeline_new (void);

/* A sync_file that signals when the timeline gets to value. */
gint timeline_fence (gint timeline, guint32 value);

void timeline_advance (gint timeline);

/* Has a pending job of that access at work on the dma-buf. */
void dmabuf_attach (gint dmabuf, gint timeline, guint32 value, GstDmaAccess access);

/* A thread that calls func in delay ns; to be joined. */
GThread *later_do (GstClockTime delay, void (*func) (gpointer), gpointer data);

#endif
