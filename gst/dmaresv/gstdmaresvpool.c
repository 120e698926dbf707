/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SECTION:gstdmaresvpool
 * @title: GstDmaResvPool
 * @short_description: a pool that waits for the consumers' fences
 *
 * The life of a buffer in this pool
 * =================================
 *
 * A buffer stands for something of the producer's that must not get lost, a
 * V4L2 index most of all.  So the pool never discards a buffer that comes back
 * changed, as the base class does: what belongs together is kept in a PoolSlot,
 * from the alloc function to stop().
 *
 *            alloc()                        acquire_buffer()
 *   (none) ----------> free list --------------------------> out
 *                        ^   ^                                |
 *          all signalled |   | nothing pending                | last unref
 *                        |   +--------------------------------+ release_buffer()
 *                        |                                    |
 *                     pending list <--------------------------+
 *                                     a reader is left
 *
 * Three things can still read a picture after the last GstBuffer reference is
 * gone, and each has its own rule:
 *
 *  1. A job of another device (the GPU samples it, a display engine scales it).
 *     It left a fence in the dma_resv of each dma-buf.  release_buffer() exports
 *     the fences that a writer has to wait for, writers and readers alike, as
 *     one sync_file per distinct dma-buf.  The producer becomes a writer when
 *     it queues the buffer again, and V4L2 itself waits for nobody.  The
 *     sync_file is a snapshot: no job may be added by somebody who holds no
 *     reference any more.
 *  2. A GstMemory of the buffer, or a sub-memory of it, that is in another
 *     buffer by now.  That is common: gst_buffer_make_writable() on a buffer
 *     with two holders makes a copy that shares the memories, and GStreamer
 *     1.22 does not keep the source alive for it (later versions do, through
 *     GstParentBufferMeta).  The slot holds a reference to each memory and knows
 *     how many there were when the buffer was made: more means a reader.  No
 *     notification exists for this, so waiting looks again each 2 ms.  Fences
 *     are exported after that reader has gone, as it may have added some.
 *     (The producer may hold references of its own from inside its alloc
 *     function on, but must not take any later.)
 *  3. A mapping by the CPU holds a memory reference: the same as 2.
 *
 * A buffer whose memories were replaced, removed or resized gets the slot's
 * memories back at their first offset and size.  Metas are the base class's
 * business: those from alloc() are POOLED and stay, all others go.
 *
 * Who owns what: the slot owns the GstBuffer while that is in a list; while it
 * is out, its holders do, and GstBuffer's dispose hands it back.  The sync_files
 * are in counted PoolFences, as a thread may be polling one, unlocked, while
 * another finds it signalled and drops it.  Where nothing can be exported
 * (before Linux 6.0, or no descriptor left) the dma-buf itself is polled; that
 * descriptor is borrowed from the slot's memory, which lives until stop(), and
 * the base class does not call stop() while a thread is in acquire_buffer().
 *
 * Waiting: each waiting thread has an eventfd of its own in the list of waiters;
 * a release and a flush write to all of them, under the lock under which the
 * waiter looked and found nothing.  release_buffer() itself never waits.
 *
 * stop(): called by the base class when no buffer is out, at the latest by the
 * last release after set_active (FALSE).  It frees all slots, the pending ones
 * included: a reader's fence keeps no reference to the dma-buf, but its job does,
 * and nobody writes to the buffer any more.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* ppoll() */
#endif

#include "gstdmaresvpool.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <gst/allocators/allocators.h>
#include <gst/video/video.h>

#include "gstdmafence.h"
#include "gstdmaresvtrace.h"

GST_DEBUG_CATEGORY_STATIC (dmaresv_pool_debug);
#define GST_CAT_DEFAULT dmaresv_pool_debug

#define DEFAULT_TIMEOUT (5 * GST_SECOND)
/* For a configured maximum of 0: as many as videobuf2 knows by default
 * (VIDEO_MAX_FRAME). */
#define MAX_UNLIMITED 32
/* The longest sleep without a look around: with a shared memory, which cannot
 * wake anybody, and without. */
#define SLICE_SHARED (2 * GST_MSECOND)
#define SLICE (1 * GST_SECOND)

/* Something to poll until it is ready: a sync_file, or a borrowed dma-buf. */
typedef struct
{
  gint fd;
  gshort events;
  gboolean owned;
} PoolFence;

typedef struct
{
  GstMemory *mem;
  gsize offset;
  gsize size;
  gint refs;                    /* with ours, before anybody else had the buffer */
} SlotMemory;

typedef struct
{
  GstBuffer *buffer;
  GArray *memories;             /* SlotMemory */
  GPtrArray *fences;            /* PoolFence; NULL: not exported yet */
  gboolean shared;              /* somebody holds a memory of a released buffer */
  gboolean told;                /* that a reader is left, in the statistics and the trace */
  GstClockTime released;
  guint64 inode;                /* of the first memory, for the trace */
} PoolSlot;

/* A thread in acquire_buffer(); lives on its stack. */
typedef struct
{
  gint fd;                      /* eventfd, -1 until it has to sleep */
  GstClockTime start;
  GstClockTime timeout;
  guint64 id;                   /* of its trace */
  GstClockTime fences_since;    /* since when fences alone keep all buffers, or NONE */
  gboolean warned;
} PoolWaiter;

struct _GstDmaResvPool
{
  GstBufferPool parent;

  GstDmaResvPoolAllocFunc alloc;
  gpointer user_data;
  GDestroyNotify notify;

  GMutex alloc_lock;            /* one alloc() at a time; taken before lock */

  GMutex lock;                  /* all below */
  GPtrArray *slots;             /* PoolSlot, owned: every buffer that exists */
  GQueue free;                  /* PoolSlot, oldest release first */
  GQueue pending;               /* PoolSlot, oldest release first */
  GList *waiters;               /* PoolWaiter */
  guint growing;                /* alloc() calls under way */
  guint max;
  gboolean exhausted;           /* alloc() had no more to give */
  GstClockTime timeout;
  guint64 delayed;
};

G_DEFINE_TYPE_WITH_CODE (GstDmaResvPool, gst_dmaresv_pool,
    GST_TYPE_BUFFER_POOL,
    GST_DEBUG_CATEGORY_INIT (dmaresv_pool_debug, "dmaresvpool", 0,
        "pool that waits for consumers' fences"));

static GQuark
slot_quark (void)
{
  return g_quark_from_static_string ("gst-dmaresv-pool-slot");
}

/* Fences of a slot */

static void
pool_fence_clear (gpointer data)
{
  PoolFence *fence = data;

  if (fence->owned)
    close (fence->fd);
}

static void
pool_fence_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, pool_fence_clear);
}

static PoolFence *
pool_fence_new (GstDmaResvPool * self, gint dmabuf_fd)
{
  PoolFence *fence = g_atomic_rc_box_new0 (PoolFence);
  g_autoptr (GError) error = NULL;

  fence->fd = gst_dma_fence_export_untold (dmabuf_fd, GST_DMA_ACCESS_WRITE, &error);
  if (fence->fd >= 0) {
    fence->events = POLLIN;
    fence->owned = TRUE;
    return fence;
  }

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    GST_LOG_OBJECT (self, "%s, polling the descriptor", error->message);
  else
    GST_WARNING_OBJECT (self, "%s, polling the descriptor", error->message);
  fence->fd = dmabuf_fd;
  fence->events = POLLOUT;

  return fence;
}

/* Ready also when the descriptor cannot be polled: POLLERR and POLLNVAL do not
 * go away, and a buffer that waits for them would be lost. */
static gboolean
pool_fence_is_ready (const PoolFence * fence)
{
  struct pollfd pfd = {.fd = fence->fd,.events = fence->events };
  gint n;

  do {
    n = poll (&pfd, 1, 0);
  } while (n < 0 && errno == EINTR);

  return n > 0;
}

/* Slots */

static gboolean
slot_has_fd_before (PoolSlot * slot, guint n, gint fd)
{
  guint i;

  for (i = 0; i < n; i++) {
    GstMemory *mem = g_array_index (slot->memories, SlotMemory, i).mem;

    if (gst_dmabuf_memory_get_fd (mem) == fd)
      return TRUE;
  }

  return FALSE;
}

static void
slot_export_fences (GstDmaResvPool * self, PoolSlot * slot)
{
  guint i;

  slot->fences = g_ptr_array_new_with_free_func (pool_fence_unref);

  for (i = 0; i < slot->memories->len; i++) {
    GstMemory *mem = g_array_index (slot->memories, SlotMemory, i).mem;
    gint fd = gst_dmabuf_memory_get_fd (mem);

    if (!slot_has_fd_before (slot, i, fd))
      g_ptr_array_add (slot->fences, pool_fence_new (self, fd));
  }
}

static gboolean
slot_is_shared (PoolSlot * slot)
{
  guint i;

  for (i = 0; i < slot->memories->len; i++) {
    SlotMemory *sm = &g_array_index (slot->memories, SlotMemory, i);

    if (GST_MINI_OBJECT_REFCOUNT_VALUE (sm->mem) > sm->refs)
      return TRUE;
  }

  return FALSE;
}

/* Puts the slot's memories back; at release, when nobody else has the buffer. */
static void
slot_restore_memories (GstDmaResvPool * self, PoolSlot * slot)
{
  GstBuffer *buffer = slot->buffer;
  gboolean same = gst_buffer_n_memory (buffer) == slot->memories->len;
  guint i;

  for (i = 0; same && i < slot->memories->len; i++)
    same = gst_buffer_peek_memory (buffer, i) == g_array_index (slot->memories, SlotMemory, i).mem;

  if (!same) {
    GST_DEBUG_OBJECT (self, "buffer %p came back with other memories, "
        "restoring its own", buffer);
    gst_buffer_remove_all_memory (buffer);
    for (i = 0; i < slot->memories->len; i++)
      gst_buffer_append_memory (buffer, gst_memory_ref (g_array_index
              (slot->memories, SlotMemory, i).mem));
  }

  GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_TAG_MEMORY);
}

/* Undoes gst_buffer_resize(); only when nobody else sees the memories. */
static void
slot_restore_sizes (PoolSlot * slot)
{
  guint i;

  for (i = 0; i < slot->memories->len; i++) {
    SlotMemory *sm = &g_array_index (slot->memories, SlotMemory, i);

    if (sm->mem->offset != sm->offset || sm->mem->size != sm->size)
      gst_memory_resize (sm->mem, (gssize) sm->offset - (gssize) sm->mem->offset, sm->size);
  }
}

/* Whether a released slot has no reader left. Never blocks. */
static gboolean
slot_check_ready (GstDmaResvPool * self, PoolSlot * slot)
{
  guint i;

  slot->shared = slot_is_shared (slot);
  if (slot->shared)
    return FALSE;

  if (slot->fences == NULL)
    slot_export_fences (self, slot);

  for (i = slot->fences->len; i > 0; i--) {
    if (pool_fence_is_ready (g_ptr_array_index (slot->fences, i - 1)))
      g_ptr_array_remove_index_fast (slot->fences, i - 1);
  }

  if (slot->fences->len > 0)
    return FALSE;

  g_clear_pointer (&slot->fences, g_ptr_array_unref);
  slot_restore_sizes (slot);

  return TRUE;
}

static void
slot_free (gpointer data)
{
  PoolSlot *slot = data;
  guint i;

  g_clear_pointer (&slot->fences, g_ptr_array_unref);
  gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (slot->buffer), slot_quark (), NULL, NULL);
  gst_clear_buffer (&slot->buffer);
  for (i = 0; i < slot->memories->len; i++)
    gst_memory_unref (g_array_index (slot->memories, SlotMemory, i).mem);
  g_array_unref (slot->memories);
  g_free (slot);
}

static gboolean
mark_meta_pooled (GstBuffer * buffer, GstMeta ** meta, gpointer user_data)
{
  (void) buffer;
  (void) user_data;

  GST_META_FLAG_SET (*meta, GST_META_FLAG_POOLED);
  GST_META_FLAG_SET (*meta, GST_META_FLAG_LOCKED);

  return TRUE;
}

static gboolean
buffer_is_all_dmabuf (GstBuffer * buffer)
{
  guint i, n = gst_buffer_n_memory (buffer);

  for (i = 0; i < n; i++) {
    if (!gst_is_dmabuf_memory (gst_buffer_peek_memory (buffer, i)))
      return FALSE;
  }

  return n > 0;
}

/* @buffer: (transfer full) */
static PoolSlot *
slot_new (GstBuffer * buffer)
{
  PoolSlot *slot = g_new0 (PoolSlot, 1);
  guint i, n = gst_buffer_n_memory (buffer);

  slot->buffer = buffer;
  slot->memories = g_array_sized_new (FALSE, TRUE, sizeof (SlotMemory), n);
  for (i = 0; i < n; i++) {
    SlotMemory sm = {.mem = gst_buffer_get_memory (buffer, i) };

    sm.offset = sm.mem->offset;
    sm.size = sm.mem->size;
    g_array_append_val (slot->memories, sm);
  }
  /* Counted when all our references are taken: a memory may be in twice. */
  for (i = 0; i < n; i++) {
    SlotMemory *sm = &g_array_index (slot->memories, SlotMemory, i);

    sm->refs = GST_MINI_OBJECT_REFCOUNT_VALUE (sm->mem);
  }

  slot->inode = gst_dmaresv_trace_buffer_inode (buffer);
  gst_buffer_foreach_meta (buffer, mark_meta_pooled, NULL);
  GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_TAG_MEMORY);
  gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (buffer), slot_quark (), slot, NULL);

  return slot;
}

/* Calls the producer, unlocked. NULL without an error: it has no more. */
static PoolSlot *
pool_alloc_slot (GstDmaResvPool * self, GError ** error)
{
  GstBuffer *buffer;

  g_mutex_lock (&self->alloc_lock);
  buffer = self->alloc (self, self->user_data, error);
  g_mutex_unlock (&self->alloc_lock);

  if (buffer == NULL)
    return NULL;

  if (!buffer_is_all_dmabuf (buffer)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "the producer's buffer of %u memories is not made of dma-bufs",
        gst_buffer_n_memory (buffer));
    gst_buffer_unref (buffer);
    return NULL;
  }

  return slot_new (buffer);
}

/* The lists; called with the lock */

static void
pool_wake_waiters (GstDmaResvPool * self)
{
  const guint64 one = 1;
  GList *l;

  for (l = self->waiters; l; l = l->next) {
    PoolWaiter *waiter = l->data;
    gssize n;

    do {
      n = write (waiter->fd, &one, sizeof (one));
    } while (n < 0 && errno == EINTR);
  }
}

/* Once a release; with the lock. */
static void
pool_tell_delayed (GstDmaResvPool * self, PoolSlot * slot)
{
  if (slot->told)
    return;
  slot->told = TRUE;
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSE_DELAYED,.inode =
      slot->inode,.cause = slot->shared ? GST_DMARESV_CAUSE_MEMORY : GST_DMARESV_CAUSE_FENCE);
  if (!slot->shared)
    self->delayed++;
}

/* Moves what has become ready; TRUE when a shared memory has to be looked after. */
static gboolean
pool_check_pending (GstDmaResvPool * self)
{
  gboolean shared = FALSE;
  GList *l, *next;

  for (l = self->pending.head; l; l = next) {
    PoolSlot *slot = l->data;

    next = l->next;
    if (!slot_check_ready (self, slot)) {
      pool_tell_delayed (self, slot);
    } else {
      GST_LOG_OBJECT (self, "buffer %p is free %" GST_TIME_FORMAT " after its "
          "release", slot->buffer, GST_TIME_ARGS (gst_util_get_timestamp () - slot->released));
      GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSE_READY,.inode = slot->inode,.waited =
          gst_util_get_timestamp () - slot->released);
      g_queue_unlink (&self->pending, l);
      g_queue_push_tail_link (&self->free, l);
    }
    shared |= slot->shared;
  }

  return shared;
}

static gboolean
pool_can_grow (GstDmaResvPool * self)
{
  return !self->exhausted && self->slots->len + self->growing < self->max;
}

/* Waiting for a buffer */

/* Who keeps us waiting, for a human. Called with the lock. */
static gchar *
pool_describe_blocker (GstDmaResvPool * self)
{
  guint out = self->slots->len - self->free.length - self->pending.length;
  GList *l;

  for (l = self->pending.head; l; l = l->next) {
    PoolSlot *slot = l->data;
    GstDmaFenceInfo info;
    PoolFence *fence;

    if (slot->shared)
      return g_strdup_printf ("a memory of released buffer %p is still "
          "referenced; %u pending, %u buffers in use", slot->buffer, self->pending.length, out);

    if (slot->fences == NULL || slot->fences->len == 0)
      continue;

    fence = g_ptr_array_index (slot->fences, 0);
    if (fence->owned && gst_dma_fence_get_info (fence->fd, &info, NULL))
      return g_strdup_printf ("the fence %s/%s on released buffer %p; "
          "%u pending, %u buffers in use", info.driver, info.timeline,
          slot->buffer, self->pending.length, out);

    return g_strdup_printf ("dma-buf %d of released buffer %p; %u pending, %u "
        "buffers in use", fence->fd, slot->buffer, self->pending.length, out);
  }

  return g_strdup_printf ("no buffer came back: all %u are in use", out);
}

/* A buffer that somebody holds may rightly be held for ever (a paused sink); a fence has to signal
 * in finite time. Called with the lock. */
static gboolean
pool_waits_for_fences_only (GstDmaResvPool * self, gboolean shared)
{
  return !shared && !self->growing && self->pending.length == self->slots->len;
}

/* How long the next sleep may be, 0 when the time is up. */
static GstClockTime
pool_waiter_slice (PoolWaiter * waiter, gboolean shared)
{
  GstClockTime slice = shared ? SLICE_SHARED : SLICE;
  GstClockTime now = gst_util_get_timestamp ();
  GstClockTime elapsed = now - waiter->start;

  if (!GST_CLOCK_TIME_IS_VALID (waiter->timeout)) {
    if (GST_CLOCK_TIME_IS_VALID (waiter->fences_since)
        && now - waiter->fences_since >= DEFAULT_TIMEOUT)
      return 0;
    return slice;
  }
  if (elapsed >= waiter->timeout)
    return 0;

  return MIN (slice, waiter->timeout - elapsed);
}

/* Sleeps until a fence signals, somebody wakes us or the slice is over. Called
 * with the lock, which it drops meanwhile. */
static gboolean
pool_sleep (GstDmaResvPool * self, PoolWaiter * waiter, GstClockTime slice)
{
  g_autoptr (GPtrArray) fences = g_ptr_array_new_with_free_func (pool_fence_unref);
  g_autoptr (GArray) fds = g_array_new (FALSE, TRUE, sizeof (struct pollfd));
  struct pollfd pfd = {.fd = waiter->fd,.events = POLLIN };
  struct timespec ts;
  guint64 count;
  GList *l;
  guint i;
  gint n, errsv;

  g_array_append_val (fds, pfd);
  for (l = self->pending.head; l; l = l->next) {
    PoolSlot *slot = l->data;

    for (i = 0; slot->fences && i < slot->fences->len; i++) {
      PoolFence *fence = g_ptr_array_index (slot->fences, i);

      g_ptr_array_add (fences, g_atomic_rc_box_acquire (fence));
      pfd = (struct pollfd) {.fd = fence->fd,.events = fence->events };
      g_array_append_val (fds, pfd);
    }
  }

  GST_TIME_TO_TIMESPEC (slice, ts);

  g_mutex_unlock (&self->lock);
  n = ppoll ((struct pollfd *) fds->data, fds->len, &ts, NULL);
  errsv = errno;
  /* Empty it; non-blocking, so an EAGAIN only says that nobody wrote. */
  while (read (waiter->fd, &count, sizeof (count)) < 0 && errno == EINTR);
  g_mutex_lock (&self->lock);

  if (n < 0 && errsv != EINTR && errsv != EAGAIN) {
    GST_ERROR_OBJECT (self, "poll of %u descriptors: %s", fds->len, g_strerror (errsv));
    return FALSE;
  }

  return TRUE;
}

/* Tells whose fence is in the way, where it is one. Called with the lock. */
static void
pool_trace_wait_begin (GstDmaResvPool * self, PoolWaiter * waiter)
{
  PoolSlot *slot = g_queue_peek_head (&self->pending);
  PoolFence *fence = slot && slot->fences && slot->fences->len > 0 ?
      g_ptr_array_index (slot->fences, 0) : NULL;
  GstDmaFenceInfo info = { 0, };

  if (!gst_dmaresv_trace_is_on ())
    return;
  if (fence && fence->owned)
    gst_dma_fence_get_info (fence->fd, &info, NULL);
  waiter->id = gst_dmaresv_trace_next_id ();
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_WAIT_BEGIN,.id = waiter->id,.cause =
      GST_DMARESV_CAUSE_RELEASE,.inode = slot ? slot->inode : 0,.access =
      GST_DMA_ACCESS_WRITE,.extra = info.driver,.n_extra = GST_DMARESV_EXTRA_FENCE);
}

/* One round of waiting. Called with the lock. */
static GstFlowReturn
pool_wait (GstDmaResvPool * self, PoolWaiter * waiter, gboolean shared)
{
  GstClockTime slice, waited;

  if (waiter->fd < 0) {
    g_autofree gchar *what = pool_describe_blocker (self);

    GST_DEBUG_OBJECT (self, "waiting, at most %" GST_TIME_FORMAT ": %s",
        GST_TIME_ARGS (self->timeout), what);

    waiter->start = gst_util_get_timestamp ();
    waiter->timeout = self->timeout;
    waiter->fences_since = GST_CLOCK_TIME_NONE;
    waiter->fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (waiter->fd < 0) {
      GST_ERROR_OBJECT (self, "no eventfd to wait with: %s", g_strerror (errno));
      return GST_FLOW_ERROR;
    }
    self->waiters = g_list_prepend (self->waiters, waiter);
    pool_trace_wait_begin (self, waiter);
  }

  if (!pool_waits_for_fences_only (self, shared))
    waiter->fences_since = GST_CLOCK_TIME_NONE;
  else if (!GST_CLOCK_TIME_IS_VALID (waiter->fences_since))
    waiter->fences_since = gst_util_get_timestamp ();

  slice = pool_waiter_slice (waiter, shared);
  waited = gst_util_get_timestamp () - waiter->start;
  if (slice == 0 || (waited >= DEFAULT_TIMEOUT && !waiter->warned)) {
    g_autofree gchar *what = pool_describe_blocker (self);

    GST_WARNING_OBJECT (self, "no buffer within %" GST_TIME_FORMAT ", %s: %s",
        GST_TIME_ARGS (waited), slice ? "waiting on for" : "waited for", what);
    waiter->warned = TRUE;
    if (slice == 0)
      return GST_FLOW_ERROR;
  }

  return pool_sleep (self, waiter, slice) ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static void
pool_waiter_finish (GstDmaResvPool * self, PoolWaiter * waiter, GstFlowReturn result)
{
  if (waiter->fd < 0)
    return;

  self->waiters = g_list_remove (self->waiters, waiter);
  close (waiter->fd);
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_WAIT_END,.id = waiter->id,.cause =
      GST_DMARESV_CAUSE_RELEASE,.state =
      result == GST_FLOW_OK ? GST_DMARESV_STATE_SIGNALLED : result ==
      GST_FLOW_FLUSHING ? GST_DMARESV_STATE_CANCELLED : GST_DMARESV_STATE_TIMEOUT,.access =
      GST_DMA_ACCESS_WRITE,.waited = gst_util_get_timestamp () - waiter->start);
  GST_DEBUG_OBJECT (self, "waited %" GST_TIME_FORMAT " for a buffer",
      GST_TIME_ARGS (gst_util_get_timestamp () - waiter->start));
}

/* Makes one more buffer.  Called with the lock, which it drops meanwhile.
 * GST_FLOW_EOS: no more to be had, but others exist and will come back. */
static GstFlowReturn
pool_grow (GstDmaResvPool * self, PoolSlot ** slot)
{
  g_autoptr (GError) error = NULL;
  guint others;

  self->growing++;
  g_mutex_unlock (&self->lock);
  *slot = pool_alloc_slot (self, &error);
  g_mutex_lock (&self->lock);
  self->growing--;

  if (*slot) {
    g_ptr_array_add (self->slots, *slot);
    GST_DEBUG_OBJECT (self, "grew to %u of %u buffers", self->slots->len, self->max);
    return GST_FLOW_OK;
  }

  self->exhausted = TRUE;
  others = self->slots->len + self->growing;
  if (error)
    GST_WARNING_OBJECT (self, "could not grow past %u buffers: %s", others, error->message);
  else
    GST_INFO_OBJECT (self, "the producer has no more than %u buffers", others);

  return others > 0 ? GST_FLOW_EOS : GST_FLOW_ERROR;
}

/* The GstBufferPool class */

static GstFlowReturn
gst_dmaresv_pool_acquire_buffer (GstBufferPool * pool, GstBuffer ** buffer,
    GstBufferPoolAcquireParams * params)
{
  GstDmaResvPool *self = GST_DMARESV_POOL (pool);
  gboolean dontwait = params && (params->flags & GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT);
  PoolWaiter waiter = {.fd = -1 };
  GstFlowReturn ret = GST_FLOW_OK;
  PoolSlot *slot = NULL;

  g_mutex_lock (&self->lock);

  while (slot == NULL && ret == GST_FLOW_OK) {
    gboolean shared;

    if (GST_BUFFER_POOL_IS_FLUSHING (pool)) {
      ret = GST_FLOW_FLUSHING;
      break;
    }

    shared = pool_check_pending (self);
    slot = g_queue_pop_head (&self->free);
    if (slot)
      break;

    if (pool_can_grow (self)) {
      ret = pool_grow (self, &slot);
      /* The lock was dropped: something may have come back, look again. */
      if (ret == GST_FLOW_EOS)
        ret = GST_FLOW_OK;
      continue;
    }

    if (dontwait) {
      GST_LOG_OBJECT (self, "no buffer, and not to wait for one");
      ret = GST_FLOW_EOS;
    } else {
      ret = pool_wait (self, &waiter, shared);
    }
  }

  pool_waiter_finish (self, &waiter, ret);
  g_mutex_unlock (&self->lock);

  if (slot) {
    GST_LOG_OBJECT (self, "acquired buffer %p", slot->buffer);
    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED,.inode = slot->inode);
    *buffer = slot->buffer;
  }

  return ret;
}

static void
gst_dmaresv_pool_reset_buffer (GstBufferPool * pool, GstBuffer * buffer)
{
  /* The base class resizes to the configured size unless the memory is tagged;
   * sizes are restored here, from what the producer made. */
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_TAG_MEMORY);
  GST_BUFFER_POOL_CLASS (gst_dmaresv_pool_parent_class)->reset_buffer (pool, buffer);
}

static void
gst_dmaresv_pool_release_buffer (GstBufferPool * pool, GstBuffer * buffer)
{
  GstDmaResvPool *self = GST_DMARESV_POOL (pool);
  PoolSlot *slot = gst_mini_object_get_qdata (GST_MINI_OBJECT_CAST (buffer),
      slot_quark ());

  if (slot == NULL) {
    GST_WARNING_OBJECT (self, "buffer %p is not of this pool", buffer);
    gst_buffer_unref (buffer);
    return;
  }

  slot_restore_memories (self, slot);
  slot->released = gst_util_get_timestamp ();
  slot->told = FALSE;
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_RELEASE,.inode = slot->inode);

  if (slot_check_ready (self, slot)) {
    GST_LOG_OBJECT (self, "released buffer %p", buffer);
    g_mutex_lock (&self->lock);
    g_queue_push_tail (&self->free, slot);
  } else {
    GST_LOG_OBJECT (self, "released buffer %p, but %s", buffer, slot->shared ?
        "its memory is referenced" : "a fence is pending");
    g_mutex_lock (&self->lock);
    g_queue_push_tail (&self->pending, slot);
    /* A GstBuffer gives up its parent before its memories: those are often gone in a moment. */
    if (!slot->shared)
      pool_tell_delayed (self, slot);
  }
  pool_wake_waiters (self);
  g_mutex_unlock (&self->lock);
}

static void
gst_dmaresv_pool_flush_start (GstBufferPool * pool)
{
  GstDmaResvPool *self = GST_DMARESV_POOL (pool);

  g_mutex_lock (&self->lock);
  pool_wake_waiters (self);
  g_mutex_unlock (&self->lock);
}

static gboolean
gst_dmaresv_pool_stop (GstBufferPool * pool)
{
  GstDmaResvPool *self = GST_DMARESV_POOL (pool);
  g_autoptr (GPtrArray) slots = NULL;

  g_mutex_lock (&self->lock);
  if (self->pending.length > 0)
    GST_DEBUG_OBJECT (self, "stopping with %u buffers still being read", self->pending.length);
  g_queue_clear (&self->free);
  g_queue_clear (&self->pending);
  slots = g_steal_pointer (&self->slots);
  self->slots = g_ptr_array_new_with_free_func (slot_free);
  self->exhausted = FALSE;
  g_mutex_unlock (&self->lock);

  /* Freed without the lock: memories run destroy notifies of others. */
  GST_DEBUG_OBJECT (self, "freeing %u buffers", slots->len);

  return TRUE;
}

static gboolean
gst_dmaresv_pool_start (GstBufferPool * pool)
{
  GstDmaResvPool *self = GST_DMARESV_POOL (pool);
  GstStructure *config = gst_buffer_pool_get_config (pool);
  guint min = 0, max = 0, i;

  gst_buffer_pool_config_get_params (config, NULL, NULL, &min, &max);
  gst_structure_free (config);

  g_mutex_lock (&self->lock);
  self->max = max > 0 ? max : MAX (min, MAX_UNLIMITED);
  self->exhausted = FALSE;
  g_mutex_unlock (&self->lock);

  for (i = 0; i < min; i++) {
    g_autoptr (GError) error = NULL;
    PoolSlot *slot = pool_alloc_slot (self, &error);

    if (slot == NULL) {
      GST_WARNING_OBJECT (self, "got %u of the %u buffers to start with: %s", i,
          min, error ? error->message : "the producer has no more");
      gst_dmaresv_pool_stop (pool);
      return FALSE;
    }

    g_mutex_lock (&self->lock);
    g_ptr_array_add (self->slots, slot);
    g_queue_push_tail (&self->free, slot);
    g_mutex_unlock (&self->lock);
  }

  return TRUE;
}

/* The producer attaches a video meta itself; peers ask for it by this option. */
static const gchar **
gst_dmaresv_pool_get_options (GstBufferPool * pool)
{
  static const gchar *options[] = { GST_BUFFER_POOL_OPTION_VIDEO_META, NULL };

  (void) pool;

  return options;
}

static void
gst_dmaresv_pool_finalize (GObject * object)
{
  GstDmaResvPool *self = GST_DMARESV_POOL (object);

  g_ptr_array_unref (self->slots);
  if (self->notify)
    self->notify (self->user_data);
  g_mutex_clear (&self->alloc_lock);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (gst_dmaresv_pool_parent_class)->finalize (object);
}

static void
gst_dmaresv_pool_class_init (GstDmaResvPoolClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstBufferPoolClass *pool_class = GST_BUFFER_POOL_CLASS (klass);

  object_class->finalize = gst_dmaresv_pool_finalize;

  pool_class->get_options = gst_dmaresv_pool_get_options;
  pool_class->start = gst_dmaresv_pool_start;
  pool_class->stop = gst_dmaresv_pool_stop;
  pool_class->acquire_buffer = gst_dmaresv_pool_acquire_buffer;
  pool_class->reset_buffer = gst_dmaresv_pool_reset_buffer;
  pool_class->release_buffer = gst_dmaresv_pool_release_buffer;
  pool_class->flush_start = gst_dmaresv_pool_flush_start;
}

static void
gst_dmaresv_pool_init (GstDmaResvPool * self)
{
  g_mutex_init (&self->alloc_lock);
  g_mutex_init (&self->lock);
  g_queue_init (&self->free);
  g_queue_init (&self->pending);
  self->slots = g_ptr_array_new_with_free_func (slot_free);
  self->timeout = DEFAULT_TIMEOUT;
}

/**
 * gst_dmaresv_pool_new:
 * @alloc: makes the buffers; one call at a time
 * @user_data: for @alloc
 * @notify: (nullable): frees @user_data with the pool
 *
 * The pool is configured and activated like any #GstBufferPool.  Of its
 * configuration only the minimum and the maximum count (0: at most 32); the size
 * is whatever @alloc makes.
 *
 * acquire_buffer() returns %GST_FLOW_FLUSHING, %GST_FLOW_EOS (no buffer, with
 * %GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT) or %GST_FLOW_ERROR (timeout, or @alloc
 * failed and there is no other buffer to wait for).
 *
 * Returns: (transfer full): a new pool
 */
GstBufferPool *
gst_dmaresv_pool_new (GstDmaResvPoolAllocFunc alloc, gpointer user_data, GDestroyNotify notify)
{
  GstDmaResvPool *self;

  g_return_val_if_fail (alloc != NULL, NULL);

  self = g_object_new (GST_TYPE_DMARESV_POOL, NULL);
  self->alloc = alloc;
  self->user_data = user_data;
  self->notify = notify;

  return GST_BUFFER_POOL (gst_object_ref_sink (self));
}

/**
 * gst_dmaresv_pool_set_timeout:
 * @self: a #GstDmaResvPool
 * @timeout: ns; %GST_CLOCK_TIME_NONE waits for a buffer or a flush
 *
 * Bounds each acquire_buffer() that starts to wait after this call; 5 seconds at
 * first.
 */
void
gst_dmaresv_pool_set_timeout (GstDmaResvPool * self, GstClockTime timeout)
{
  g_return_if_fail (GST_IS_DMARESV_POOL (self));

  g_mutex_lock (&self->lock);
  self->timeout = timeout;
  g_mutex_unlock (&self->lock);
}

/**
 * gst_dmaresv_pool_get_stats:
 * @self: a #GstDmaResvPool
 * @stats: (out caller-allocates): how many buffers are where at this moment
 */
void
gst_dmaresv_pool_get_stats (GstDmaResvPool * self, GstDmaResvPoolStats * stats)
{
  g_return_if_fail (GST_IS_DMARESV_POOL (self));
  g_return_if_fail (stats != NULL);

  g_mutex_lock (&self->lock);
  pool_check_pending (self);
  stats->allocated = self->slots->len;
  stats->free = self->free.length;
  stats->pending = self->pending.length;
  stats->delayed = self->delayed;
  g_mutex_unlock (&self->lock);
}
