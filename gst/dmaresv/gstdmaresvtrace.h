/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens to buffers and their fences, told in one place: each event is
 * one line of the debug category "dmaresvfence", and is recorded where there is a
 * tracer "dmaresv".  While neither is wanted, a place that tells an event costs a
 * look at two words that do not change.
 */
#ifndef GST_DMARESV_TRACE_H
#define GST_DMARESV_TRACE_H

#include <stddef.h>

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
 * @size: for the tracer.
 * @type: #GstDmaResvEventType: what happened; it decides which of the fields below are told.
 * @cause: #GstDmaResvCause: why.
 * @state: #GstDmaResvEventState: of the fence, or how it ended; of a job that is done, FAILED or not.
 * @access: #GstDmaAccess: what for; 0 for none.
 * @unit: the driver's name (v4l2_capability.driver), from gst_dmaresv_trace_name(); 0 for none.
 * @n_extra: the length of @extra, in units of 8 bytes.
 * @fd: a descriptor of the dma-buf, 0 or less for none.
 * @sync_fd: a sync_file, 0 or less for none.
 * @ts: when, CLOCK_MONOTONIC ns; 0: filled in by gst_dmaresv_trace_emit().
 * @id: pairs a wait's begin with its end, a queued job with the one done; 0 unknown.
 * @inode: of the dma-buf: its name as long as it exists. 0: found by @buffer or @fd, by a system call.
 * @waited: ns that the wait took, or between the release and now.
 * @key: of a queued job: the V4L2 timestamp by which the driver knows it, ns.
 * @frame: the element's number of the frame, or %GST_DMARESV_NO_FRAME.
 * @extra: of a queued job: the dma-bufs that it reads, as guint64 inodes; 0 are skipped. Of a wait:
 *   who will signal, as driver and timeline of #GstDmaFenceInfo.
 *
 * What is before @extra is how the tracer's file has it, and @extra's contents follow there.
 */
typedef struct
{
  guint16 size;
  guint8 type, cause, state, access;
  guint8 unit, n_extra;
  gint32 fd, sync_fd;
  GstClockTime ts;
  guint64 id;
  guint64 inode;
  union
  {
    GstClockTime waited;
    guint64 key;
  };
  guint64 frame;

  gconstpointer extra;
} GstDmaResvEvent;

/* For .extra and .n_extra of a wait */
#define GST_DMARESV_EXTRA_FENCE 8
G_STATIC_ASSERT (sizeof (((GstDmaFenceInfo *) 0)->driver) == 32);
G_STATIC_ASSERT (offsetof (GstDmaFenceInfo, timeline) == offsetof (GstDmaFenceInfo, driver) + 32);

/* Not to be used directly: how many tracers there are. */
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
 *   GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED,.inode = inode); */
#define GST_DMARESV_TRACE(...)                                  \
  G_STMT_START {                                                \
    if (gst_dmaresv_trace_is_on ())                             \
      gst_dmaresv_trace_emit (&(GstDmaResvEvent) {              \
        __VA_ARGS__                                             \
      });                                                       \
  } G_STMT_END

/* Fills in what of @event is to be found out. Thread-safe, never blocks on anything but a slow log. */
void     gst_dmaresv_trace_emit (GstDmaResvEvent * event);

/* A number for @name, the same as long as the process lives, so that no event has to carry the
 * text; 0 when it is empty, or one too many. For names of which there are few, and not each time. */
guint8   gst_dmaresv_trace_name (const gchar * name);
/* And back; NULL for one that was never given. */
const gchar *gst_dmaresv_trace_name_text (guint8 number);

/* Not to be used directly: the number given last. */
extern guint64 _gst_dmaresv_trace_last_id;

/* A number for @id, never 0; 0 when nobody listens. */
static inline guint64
gst_dmaresv_trace_next_id (void)
{
  return gst_dmaresv_trace_is_on ()?
      __atomic_add_fetch (&_gst_dmaresv_trace_last_id, 1, __ATOMIC_RELAXED) : 0;
}

/* gst_util_get_timestamp(); 0 when nobody listens. */
static inline GstClockTime
gst_dmaresv_trace_now (void)
{
  return gst_dmaresv_trace_is_on ()? gst_util_get_timestamp () : 0;
}

/* The inode behind a descriptor, or behind a buffer's first memory; 0 for none. */
guint64  gst_dmaresv_trace_inode (gint fd);
guint64  gst_dmaresv_trace_buffer_inode (GstBuffer * buffer);

/* A wait for @unit's driver that began at @start, gst_dmaresv_trace_now(), is over. */
static inline void
gst_dmaresv_trace_job_wait (guint8 unit, GstClockTime start, gboolean ok)
{
  GstClockTime now = gst_dmaresv_trace_now ();

  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_WAIT_END,.cause = GST_DMARESV_CAUSE_JOB,.state =
      ok ? GST_DMARESV_STATE_SIGNALLED : GST_DMARESV_STATE_FAILED,.unit = unit,.ts = now,.waited =
      start ? now - start : 0);
}

/* @buffer is about to be pushed; @inode: of its first dma-buf, 0: to be found out; @early: the job that
 * writes it may be running. */
static inline void
gst_dmaresv_trace_hand_over (GstBuffer * buffer, guint64 inode, guint64 frame, gboolean early)
{
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_HAND_OVER,.state =
      early ? GST_DMARESV_STATE_EARLY : GST_DMARESV_STATE_FINISHED,.inode =
      inode ? inode : gst_dmaresv_trace_buffer_inode (buffer),.frame = frame);
}

/* The longest text of an event, with the terminating zero. */
#define GST_DMARESV_TRACE_TEXT 1024

/* Writes "event, key=value, ..." (@typed: "dmaresv, event=(string)..., key=(type)value, ...;", which
 * gst_structure_from_string() reads). Returns: its length */
gsize    gst_dmaresv_trace_format (const GstDmaResvEvent * event, gboolean typed,
    gchar text[GST_DMARESV_TRACE_TEXT]);

/* The longest event, in bytes: what of its extra is more is cut. */
#define GST_DMARESV_EVENT_SIZE offsetof (GstDmaResvEvent, extra)
#define GST_DMARESV_MAX_EXTRA 32
#define GST_DMARESV_MAX_EVENT (GST_DMARESV_EVENT_SIZE + 8 * GST_DMARESV_MAX_EXTRA)

/**
 * GstDmaResvTraceSink:
 * @at: where the next event goes; aligned for guint64. NULL: nowhere.
 * @end: the end of the memory there; what has no room is lost.
 * @wake_at: when @at is behind that, @wake is called.
 * @wake: called in the thread that tells the event, while all others wait; it may change @wake_at only.
 * @user_data: for @wake.
 * @lost: how many events were lost.
 *
 * Memory into which events are copied, one after the other.
 */
typedef struct _GstDmaResvTraceSink GstDmaResvTraceSink;
struct _GstDmaResvTraceSink
{
  gchar *at, *end, *wake_at;
  void (*wake) (GstDmaResvTraceSink * sink);
  gpointer user_data;
  guint lost;
};

/* Exchanges the process's one sink and @sink: no event goes into the old one any more when this
 * returns. */
void     gst_dmaresv_trace_exchange (GstDmaResvTraceSink * sink);

/* A tracer comes, or goes: while there is one, events are told, and as records in GST_TRACER, too. */
void     gst_dmaresv_trace_add_tracer (gint n);

/* "dmaresvfence" */
GstDebugCategory *gst_dmaresv_trace_category (void);

/* The words for the log. */
const gchar *gst_dmaresv_trace_type_name (GstDmaResvEventType type);
const gchar *gst_dmaresv_trace_cause_name (GstDmaResvCause cause);
const gchar *gst_dmaresv_trace_state_name (GstDmaResvEventState state);

G_END_DECLS
#endif
