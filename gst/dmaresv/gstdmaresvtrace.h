/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens to buffers and their fences, told in one place: each event is
 * one line of the debug category "dmaresvfence", and goes to the functions that
 * were added here (the tracer "dmaresv").  While neither is wanted, a place that
 * tells an event costs a look at two words that do not change.
 */
#ifndef GST_DMARESV_TRACE_H
#define GST_DMARESV_TRACE_H

#include <gst/gst.h>

#include "gstdmafence.h"

G_BEGIN_DECLS

/**
 * GstDmaResvEventType:
 * @GST_DMARESV_EVENT_EXPORT: a dma-buf's fences were taken as a sync_file.
 * @GST_DMARESV_EVENT_IMPORT: a sync_file's fences were attached to a dma-buf.
 * @GST_DMARESV_EVENT_WAIT_BEGIN: somebody waits; only when there is something to wait for.
 * @GST_DMARESV_EVENT_WAIT_END: the wait is over; alone, with 0 ns, when there was nothing to wait for.
 * @GST_DMARESV_EVENT_JOB_QUEUED: the driver has a job.
 * @GST_DMARESV_EVENT_JOB_DONE: the driver has given it back, or it was cancelled.
 * @GST_DMARESV_EVENT_HAND_OVER: a buffer is about to be pushed.
 * @GST_DMARESV_EVENT_RELEASE: the last reference to a pool's buffer is gone.
 * @GST_DMARESV_EVENT_REUSE_DELAYED: it may not be written yet.
 * @GST_DMARESV_EVENT_REUSE_READY: a delayed one may be.
 * @GST_DMARESV_EVENT_REUSED: the pool has given it out again.
 */
typedef enum
{
  GST_DMARESV_EVENT_EXPORT,
  GST_DMARESV_EVENT_IMPORT,
  GST_DMARESV_EVENT_WAIT_BEGIN,
  GST_DMARESV_EVENT_WAIT_END,
  GST_DMARESV_EVENT_JOB_QUEUED,
  GST_DMARESV_EVENT_JOB_DONE,
  GST_DMARESV_EVENT_HAND_OVER,
  GST_DMARESV_EVENT_RELEASE,
  GST_DMARESV_EVENT_REUSE_DELAYED,
  GST_DMARESV_EVENT_REUSE_READY,
  GST_DMARESV_EVENT_REUSED
} GstDmaResvEventType;

/* Values of GstDmaResvEvent.cause: why somebody waits, and what delays a reuse. */
#define GST_DMARESV_CAUSE_ACQUIRE "acquire"     /* a reader, for the writer */
#define GST_DMARESV_CAUSE_RELEASE "release"     /* a writer, for the readers */
#define GST_DMARESV_CAUSE_MAP "map"     /* the CPU */
#define GST_DMARESV_CAUSE_JOB "job"     /* for the driver to give a job back */
#define GST_DMARESV_CAUSE_FENCE "fence" /* a reader's fence is pending */
#define GST_DMARESV_CAUSE_MEMORY "memory"       /* somebody holds the memory itself */

#define GST_DMARESV_NO_FRAME G_MAXUINT64

/**
 * GstDmaResvEvent:
 * @type: what happened; it decides which of the fields below are told.
 * @ts: when, CLOCK_MONOTONIC ns; filled in by gst_dmaresv_trace_emit().
 * @id: pairs a wait's begin with its end, a queued job with the one done; 0 unknown.
 * @unit: the driver's name (v4l2_capability.driver).
 * @cause: GST_DMARESV_CAUSE_*.
 * @state: of a fence, "pending", "signalled" or "failed"; how a wait ended, "signalled", "timeout",
 *    "cancelled" or "failed"; how a buffer was handed over, "early" or "finished".
 * @buffer: (nullable): whose first memory's dma-buf this is about, where @fd is not given.
 * @inode: of the dma-buf: its name as long as it exists. 0: found by @fd.
 * @fd: a descriptor of it, 0 or less for none.
 * @access: what for; 0 for none.
 * @sync_fd: a sync_file, 0 or less for none.
 * @driver: (nullable): who will signal, while it is pending.
 * @timeline: (nullable): likewise.
 * @waited: ns that the wait took, or between the release and now.
 * @reads: the dma-bufs that a job reads, as inodes; 0 are skipped.
 * @n_reads: their number.
 * @key: the V4L2 timestamp by which the driver knows the job, ns.
 * @frame: the element's number of the frame, or %GST_DMARESV_NO_FRAME.
 * @error: a job's result: 0, or not.
 */
typedef struct
{
  GstDmaResvEventType type;
  GstClockTime ts;
  guint64 id;
  const gchar *unit;
  const gchar *cause;
  const gchar *state;
  GstBuffer *buffer;
  guint64 inode;
  gint fd;
  GstDmaAccess access;
  gint sync_fd;
  const gchar *driver;
  const gchar *timeline;
  GstClockTime waited;
  const guint64 *reads;
  guint n_reads;
  guint64 key;
  guint64 frame;
  gint error;
} GstDmaResvEvent;

/* Not to be used directly: how many functions were added. */
extern gint _gst_dmaresv_trace_active;

static inline gboolean
gst_dmaresv_trace_is_on (void)
{
#ifndef GST_DISABLE_GST_DEBUG
  if (G_UNLIKELY (GST_LEVEL_DEBUG <= _gst_debug_min))
    return TRUE;
#endif
  return G_UNLIKELY (__atomic_load_n (&_gst_dmaresv_trace_active, __ATOMIC_RELAXED) > 0);
}

/* Tells an event, given as designated initialisers; they are evaluated only when somebody listens:
 *   GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED, .buffer = buffer); */
#define GST_DMARESV_TRACE(...)                                  \
  G_STMT_START {                                                \
    if (gst_dmaresv_trace_is_on ())                             \
      gst_dmaresv_trace_emit (&(GstDmaResvEvent) {              \
        __VA_ARGS__                                             \
      });                                                       \
  } G_STMT_END

/* Thread-safe, never blocks on anything but a slow log. */
void     gst_dmaresv_trace_emit (const GstDmaResvEvent * event);

/* A number for @id, never 0; 0 when nobody listens. */
guint64  gst_dmaresv_trace_next_id (void);

/* The inode behind a descriptor, or behind a buffer's first memory; 0 for none. */
guint64  gst_dmaresv_trace_inode (gint fd);
guint64  gst_dmaresv_trace_buffer_inode (GstBuffer * buffer);

/* For the tellers whose event takes more than one line to put together. */
void     gst_dmaresv_trace_export (gint dmabuf_fd, GstDmaAccess access, gint sync_fd);
/* @unit's job; returns the wait's id for gst_dmaresv_trace_job_wait_end(). */
guint64  gst_dmaresv_trace_job_wait_begin (const gchar * unit);
void     gst_dmaresv_trace_job_wait_end (const gchar * unit, guint64 id, GstClockTime start,
    gboolean ok);
void     gst_dmaresv_trace_hand_over (GstBuffer * buffer, guint64 frame, gboolean early);

/* The longest text of an event, with the terminating zero. */
#define GST_DMARESV_TRACE_TEXT 1024

/* Writes "event, key=value, ..." (@typed: "dmaresv, event=(string)..., key=(type)value, ...;", which
 * gst_structure_from_string() reads). Returns: its length */
gsize    gst_dmaresv_trace_format (const GstDmaResvEvent * event, gboolean typed,
    gchar text[GST_DMARESV_TRACE_TEXT]);

typedef void (*GstDmaResvTraceFunc) (const GstDmaResvEvent * event, gpointer user_data);

/* @func is called for each event, in the thread where it happens, until it was removed; it must not
 * add or remove functions itself. */
void     gst_dmaresv_trace_add_func (GstDmaResvTraceFunc func, gpointer user_data);
void     gst_dmaresv_trace_remove_func (GstDmaResvTraceFunc func, gpointer user_data);

/* "dmaresvfence" */
GstDebugCategory *gst_dmaresv_trace_category (void);

G_END_DECLS
#endif
