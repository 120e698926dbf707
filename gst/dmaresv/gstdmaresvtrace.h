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

/**
 * GstDmaResvCause:
 * @GST_DMARESV_CAUSE_NONE: not told.
 * @GST_DMARESV_CAUSE_ACQUIRE: a reader waits for the writer.
 * @GST_DMARESV_CAUSE_RELEASE: a writer waits for the readers.
 * @GST_DMARESV_CAUSE_MAP: the CPU waits.
 * @GST_DMARESV_CAUSE_JOB: for the driver to give a job back.
 * @GST_DMARESV_CAUSE_FENCE: a reuse is delayed by a reader's fence.
 * @GST_DMARESV_CAUSE_MEMORY: a reuse is delayed by somebody who holds the memory itself.
 */
typedef enum
{
  GST_DMARESV_CAUSE_NONE,
  GST_DMARESV_CAUSE_ACQUIRE,
  GST_DMARESV_CAUSE_RELEASE,
  GST_DMARESV_CAUSE_MAP,
  GST_DMARESV_CAUSE_JOB,
  GST_DMARESV_CAUSE_FENCE,
  GST_DMARESV_CAUSE_MEMORY
} GstDmaResvCause;

/**
 * GstDmaResvEventState:
 * @GST_DMARESV_STATE_NONE: not told.
 * @GST_DMARESV_STATE_PENDING: of a fence.
 * @GST_DMARESV_STATE_SIGNALLED: of a fence; a wait ended well.
 * @GST_DMARESV_STATE_FAILED: a wait, or a job, failed.
 * @GST_DMARESV_STATE_TIMEOUT: a wait took too long.
 * @GST_DMARESV_STATE_CANCELLED: a wait was interrupted, by a flush.
 * @GST_DMARESV_STATE_EARLY: handed over while the job may be running.
 * @GST_DMARESV_STATE_FINISHED: handed over after it.
 */
typedef enum
{
  GST_DMARESV_STATE_NONE,
  GST_DMARESV_STATE_PENDING,
  GST_DMARESV_STATE_SIGNALLED,
  GST_DMARESV_STATE_FAILED,
  GST_DMARESV_STATE_TIMEOUT,
  GST_DMARESV_STATE_CANCELLED,
  GST_DMARESV_STATE_EARLY,
  GST_DMARESV_STATE_FINISHED
} GstDmaResvEventState;

#define GST_DMARESV_NO_FRAME G_MAXUINT64

/**
 * GstDmaResvEvent:
 * @type: what happened; it decides which of the fields below are told.
 * @ts: when, CLOCK_MONOTONIC ns; filled in by gst_dmaresv_trace_emit().
 * @id: pairs a wait's begin with its end, a queued job with the one done; 0 unknown.
 * @unit: the driver's name (v4l2_capability.driver).
 * @cause: why.
 * @state: of the fence, or how it ended.
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
  GstDmaResvCause cause;
  GstDmaResvEventState state;
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

/* Fills in what of @event is to be found out. Thread-safe, never blocks on anything but a slow log. */
void     gst_dmaresv_trace_emit (GstDmaResvEvent * event);

/* A number for @id, never 0; 0 when nobody listens. */
guint64  gst_dmaresv_trace_next_id (void);

/* The inode behind a descriptor, or behind a buffer's first memory; 0 for none. */
guint64  gst_dmaresv_trace_inode (gint fd);
guint64  gst_dmaresv_trace_buffer_inode (GstBuffer * buffer);

/* A wait for @unit's driver that began at @start, gst_util_get_timestamp(), is over. */
void     gst_dmaresv_trace_job_wait (const gchar * unit, GstClockTime start, gboolean ok);
/* @buffer is about to be pushed; @early: the job that writes it may be running. */
void     gst_dmaresv_trace_hand_over (GstBuffer * buffer, guint64 frame, gboolean early);

/* The longest text of an event, with the terminating zero. */
#define GST_DMARESV_TRACE_TEXT 1024

/* Writes "event, key=value, ..." (@typed: "dmaresv, event=(string)..., key=(type)value, ...;", which
 * gst_structure_from_string() reads). Returns: its length */
gsize    gst_dmaresv_trace_format (const GstDmaResvEvent * event, gboolean typed,
    gchar text[GST_DMARESV_TRACE_TEXT]);

typedef void (*GstDmaResvTraceFunc) (const GstDmaResvEvent * event, gpointer user_data);

/* @func is called for each event, in the thread where it happens but one at a time, until it was
 * removed; it must not add or remove functions, or tell events, itself. */
void     gst_dmaresv_trace_add_func (GstDmaResvTraceFunc func, gpointer user_data);
void     gst_dmaresv_trace_remove_func (GstDmaResvTraceFunc func, gpointer user_data);

/* "dmaresvfence" */
GstDebugCategory *gst_dmaresv_trace_category (void);

/* The words for the log. */
const gchar *gst_dmaresv_trace_type_name (GstDmaResvEventType type);
const gchar *gst_dmaresv_trace_cause_name (GstDmaResvCause cause);
const gchar *gst_dmaresv_trace_state_name (GstDmaResvEventState state);

G_END_DECLS
#endif
