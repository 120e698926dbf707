/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Suite for gst/dmaresv: the pool. See dmaresvkit.h. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* memfd_create() */
#endif

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <gst/video/video.h>

#include "dmaresvkit.h"
#include "gstdmaresvallocator.h"
#include "gstdmaresvpool.h"

static void
later_unref_buffer (gpointer data)
{
  gst_buffer_unref (data);
}

static void
later_flush (gpointer data)
{
  gst_buffer_pool_set_flushing (data, TRUE);
}

/* The pool, on dma-bufs that can be held by a reader: of the kernel, or eventfds */

typedef struct
{
  gboolean kernel;
  GstAllocator *allocator;
  guint n_mem;
  guint limit;                  /* alloc() gives no more than this */
  guint made;
  gboolean wrong_memory;
  GstBufferPool *pool;
  guint fds;
} PoolTest;

/* A pending reader of a memory */
typedef struct
{
  gboolean kernel;
  gint fd;                      /* timeline, or the eventfd (borrowed) */
} Reader;

static Reader
reader_attach (PoolTest * test, GstBuffer * buffer, guint mem)
{
  gint fd = gst_dmabuf_memory_get_fd (gst_buffer_peek_memory (buffer, mem));
  Reader reader = {.kernel = test->kernel,.fd = fd };

  if (test->kernel) {
    reader.fd = timeline_new ();
    fail_unless (reader.fd >= 0);
    dmabuf_attach (fd, reader.fd, 1, GST_DMA_ACCESS_READ);
  } else {
    fail_unless_equals_int (eventfd_write (fd, G_MAXUINT64 - 1), 0);
  }

  return reader;
}

static void
reader_finish (gpointer data)
{
  Reader *reader = data;
  eventfd_t value;

  if (reader->kernel) {
    timeline_advance (reader->fd);
    close (reader->fd);
  } else {
    fail_unless_equals_int (eventfd_read (reader->fd, &value), 0);
  }
}

static GstBuffer *
pool_test_alloc (GstDmaResvPool * pool, gpointer user_data, GError ** error)
{
  PoolTest *test = user_data;
  GstBuffer *buffer;
  guint i;

  (void) pool;
  if (test->made >= test->limit) {
    if (test->limit == 0)
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "none at all");
    return NULL;
  }
  test->made++;

  buffer = gst_buffer_new ();
  for (i = 0; i < test->n_mem; i++) {
    gint fd = test->kernel ? dmabuf_new (BUFFER_SIZE) : eventfd (0,
        EFD_CLOEXEC);

    gst_buffer_append_memory (buffer,
        gst_dmaresv_allocator_wrap (test->allocator, fd, BUFFER_SIZE));
  }
  if (test->wrong_memory)
    gst_buffer_append_memory (buffer, gst_allocator_alloc (NULL, 16, NULL));
  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_NV12, 64, 64);

  return buffer;
}

static void
pool_test_configure (PoolTest * test, guint min, guint max)
{
  GstStructure *config = gst_buffer_pool_get_config (test->pool);

  gst_buffer_pool_config_set_params (config, NULL, BUFFER_SIZE, min, max);
  fail_unless (gst_buffer_pool_set_config (test->pool, config));
}

/* @i: 0 on eventfds, 1 on the kernel's dma-bufs */
static gboolean
pool_test_init (PoolTest * test, int i)
{
  memset (test, 0, sizeof (*test));
  if (i == 1 && !have_kernel ())
    return FALSE;

  test->fds = count_fds ();
  test->kernel = i == 1;
  test->allocator = gst_dmaresv_allocator_new ();
  test->n_mem = 2;
  test->limit = G_MAXUINT;
  test->pool = gst_dmaresv_pool_new (pool_test_alloc, test, NULL);
  gst_dmaresv_pool_set_timeout (GST_DMARESV_POOL (test->pool), 10 * GST_SECOND);

  return TRUE;
}

static void
pool_test_clear (PoolTest * test)
{
  gst_buffer_pool_set_active (test->pool, FALSE);
  ASSERT_OBJECT_REFCOUNT (test->pool, "pool", 1);
  gst_object_unref (test->pool);
  ASSERT_OBJECT_REFCOUNT (test->allocator, "allocator", 1);
  gst_object_unref (test->allocator);
  fail_unless_equals_int (count_fds (), test->fds);
}

static GstBuffer *
pool_test_acquire (PoolTest * test)
{
  GstBuffer *buffer = NULL;

  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test->pool, &buffer, NULL), GST_FLOW_OK);
  fail_unless (buffer != NULL);

  return buffer;
}

static GstFlowReturn
pool_test_try (PoolTest * test)
{
  GstBufferPoolAcquireParams params;
  GstBuffer *buffer = NULL;
  GstFlowReturn ret;

  memset (&params, 0, sizeof (params));
  params.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
  ret = gst_buffer_pool_acquire_buffer (test->pool, &buffer, &params);
  if (buffer)
    gst_buffer_unref (buffer);

  return ret;
}

#define assert_stats(test, n_allocated, n_free, n_pending) G_STMT_START {   \
  GstDmaResvPoolStats stats;                                                \
  gst_dmaresv_pool_get_stats (GST_DMARESV_POOL ((test)->pool), &stats);     \
  fail_unless_equals_int (stats.allocated, (n_allocated));                  \
  fail_unless_equals_int (stats.free, (n_free));                            \
  fail_unless_equals_int (stats.pending, (n_pending));                      \
} G_STMT_END

GST_START_TEST (test_pool_holds_back)
{
  GstDmaResvPoolStats stats;
  GstBuffer *first, *other, *third;
  PoolTest test;
  Reader reader;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 1, 2);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  assert_stats (&test, 1, 1, 0);

  /* The second memory is read on */
  first = pool_test_acquire (&test);
  reader = reader_attach (&test, first, 1);
  gst_buffer_unref (first);
  assert_stats (&test, 1, 0, 1);

  /* Grows instead, up to the maximum, and no further */
  other = pool_test_acquire (&test);
  fail_unless (other != first);
  assert_stats (&test, 2, 0, 1);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);

  /* The other one comes back and goes out while the first still waits */
  gst_buffer_unref (other);
  third = pool_test_acquire (&test);
  fail_unless (third == other);

  reader_finish (&reader);
  assert_stats (&test, 2, 1, 0);
  other = pool_test_acquire (&test);
  fail_unless (other == first);

  gst_dmaresv_pool_get_stats (GST_DMARESV_POOL (test.pool), &stats);
  fail_unless_equals_uint64 (stats.delayed, 1);

  gst_buffer_unref (other);
  gst_buffer_unref (third);
  assert_stats (&test, 2, 2, 0);
  pool_test_clear (&test);
}

GST_END_TEST;

GST_START_TEST (test_pool_wait_is_bounded)
{
  GstBuffer *buffer, *none = NULL;
  GstClockTime start, took;
  PoolTest test;
  Reader reader;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 0, 1);
  gst_dmaresv_pool_set_timeout (GST_DMARESV_POOL (test.pool), 80 * MS);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));

  /* In use by somebody */
  buffer = pool_test_acquire (&test);
  start = gst_util_get_timestamp ();
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test.pool, &none, NULL), GST_FLOW_ERROR);
  took = gst_util_get_timestamp () - start;
  assert_took (took, 80 * MS);

  /* Only a fence is left */
  reader = reader_attach (&test, buffer, 0);
  gst_buffer_unref (buffer);
  start = gst_util_get_timestamp ();
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test.pool, &none, NULL), GST_FLOW_ERROR);
  took = gst_util_get_timestamp () - start;
  assert_took (took, 80 * MS);
  fail_unless (none == NULL);

  /* And it is not lost by that */
  reader_finish (&reader);
  gst_buffer_unref (pool_test_acquire (&test));
  pool_test_clear (&test);
}

GST_END_TEST;

/* Without a bound a buffer in use is waited for, but not a fence that never signals. */
GST_START_TEST (test_pool_dead_fence_is_bounded)
{
  GstBuffer *buffer, *none = NULL;
  GstClockTime start;
  PoolTest test;
  Reader reader;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 0, 1);
  gst_dmaresv_pool_set_timeout (GST_DMARESV_POOL (test.pool), GST_CLOCK_TIME_NONE);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  buffer = pool_test_acquire (&test);
  reader = reader_attach (&test, buffer, 0);
  gst_buffer_unref (buffer);
  start = gst_util_get_timestamp ();
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test.pool, &none, NULL), GST_FLOW_ERROR);
  assert_took (gst_util_get_timestamp () - start, 5 * GST_SECOND);
  reader_finish (&reader);
  gst_buffer_unref (pool_test_acquire (&test));
  pool_test_clear (&test);
}

GST_END_TEST;

GST_START_TEST (test_pool_wakes)
{
  GstClockTime start, took;
  GstBuffer *buffer;
  GThread *thread;
  PoolTest test;
  Reader reader;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 1, 1);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));

  /* By a release */
  buffer = pool_test_acquire (&test);
  thread = later_do (60 * MS, later_unref_buffer, buffer);
  start = gst_util_get_timestamp ();
  buffer = pool_test_acquire (&test);
  took = gst_util_get_timestamp () - start;
  fail_unless (took > 10 * MS && took < 800 * MS, "took %" GST_TIME_FORMAT, GST_TIME_ARGS (took));
  g_thread_join (thread);

  /* By the fence */
  reader = reader_attach (&test, buffer, 0);
  gst_buffer_unref (buffer);
  thread = later_do (60 * MS, reader_finish, &reader);
  start = gst_util_get_timestamp ();
  buffer = pool_test_acquire (&test);
  took = gst_util_get_timestamp () - start;
  fail_unless (took > 10 * MS && took < 800 * MS, "took %" GST_TIME_FORMAT, GST_TIME_ARGS (took));
  g_thread_join (thread);

  gst_buffer_unref (buffer);
  pool_test_clear (&test);
}

GST_END_TEST;

GST_START_TEST (test_pool_flush_interrupts)
{
  GstBuffer *buffer, *none = NULL;
  GstClockTime start, took;
  GThread *thread;
  PoolTest test;
  Reader reader;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 1, 1);
  gst_dmaresv_pool_set_timeout (GST_DMARESV_POOL (test.pool), GST_CLOCK_TIME_NONE);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));

  buffer = pool_test_acquire (&test);
  reader = reader_attach (&test, buffer, 0);
  gst_buffer_unref (buffer);

  thread = later_do (60 * MS, later_flush, test.pool);
  start = gst_util_get_timestamp ();
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test.pool, &none,
          NULL), GST_FLOW_FLUSHING);
  took = gst_util_get_timestamp () - start;
  fail_unless (took < 800 * MS);
  g_thread_join (thread);

  /* Flushing forgets no reader */
  gst_buffer_pool_set_flushing (test.pool, FALSE);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);
  reader_finish (&reader);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_OK);
  pool_test_clear (&test);
}

GST_END_TEST;

/* Two threads wait; each release lets one go on, and nobody is forgotten. */
static gpointer
acquire_many (gpointer data)
{
  PoolTest *test = data;
  guint i;

  for (i = 0; i < 200; i++) {
    GstBuffer *buffer = pool_test_acquire (test);

    if (i % 16 == 0)
      g_usleep (200);
    gst_buffer_unref (buffer);
  }

  return NULL;
}

GST_START_TEST (test_pool_threads)
{
  GThread *threads[4];
  PoolTest test;
  guint i;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 1, 2);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("acquire", acquire_many, &test);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  assert_stats (&test, test.made, test.made, 0);
  fail_unless (test.made <= 2);
  pool_test_clear (&test);
}

GST_END_TEST;

/* A buffer comes back robbed, stuffed and resized, and goes out as it was made. */
GST_START_TEST (test_pool_restores)
{
  GstMemory *first, *second;
  GstBuffer *buffer;
  GstVideoMeta *vmeta;
  PoolTest test;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 1, 1);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));

  buffer = pool_test_acquire (&test);
  first = gst_buffer_peek_memory (buffer, 0);
  second = gst_buffer_peek_memory (buffer, 1);
  vmeta = gst_buffer_get_video_meta (buffer);
  gst_memory_resize (second, 16, 32);
  gst_buffer_remove_memory (buffer, 0);
  gst_buffer_append_memory (buffer, gst_allocator_alloc (NULL, 16, NULL));
  gst_buffer_add_video_crop_meta (buffer);
  GST_BUFFER_PTS (buffer) = 42;
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_CORRUPTED);
  gst_buffer_unref (buffer);
  assert_stats (&test, 1, 1, 0);

  buffer = pool_test_acquire (&test);
  fail_unless_equals_int (gst_buffer_n_memory (buffer), 2);
  fail_unless (gst_buffer_peek_memory (buffer, 0) == first);
  fail_unless (gst_buffer_peek_memory (buffer, 1) == second);
  fail_unless_equals_int (second->offset, 0);
  fail_unless_equals_int (second->size, BUFFER_SIZE);
  fail_unless (gst_buffer_get_video_meta (buffer) == vmeta);
  fail_unless (gst_buffer_get_video_crop_meta (buffer) == NULL);
  fail_if (GST_BUFFER_PTS_IS_VALID (buffer));
  fail_if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (buffer);
  fail_unless_equals_int (test.made, 1);
  pool_test_clear (&test);
}

GST_END_TEST;

/* A memory taken out, and a sub-memory: readers both. */
GST_START_TEST (test_pool_shared_memory)
{
  GstMemory *mem, *sub;
  GstBuffer *buffer;
  PoolTest test;
  Reader reader;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 1, 1);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));

  buffer = pool_test_acquire (&test);
  mem = gst_buffer_get_memory (buffer, 0);
  gst_buffer_unref (buffer);
  assert_stats (&test, 1, 0, 1);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);
  sub = gst_memory_share (mem, 0, 16);
  gst_memory_unref (mem);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);
  gst_memory_unref (sub);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_OK);

  /* A fence of the one who had the memory counts too */
  buffer = pool_test_acquire (&test);
  mem = gst_buffer_get_memory (buffer, 0);
  reader = reader_attach (&test, buffer, 0);
  gst_buffer_unref (buffer);
  gst_memory_unref (mem);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);
  reader_finish (&reader);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_OK);

  /* And a waiter finds it without being told */
  buffer = pool_test_acquire (&test);
  mem = gst_buffer_get_memory (buffer, 1);
  gst_buffer_unref (buffer);
  {
    GThread *thread = later_do (50 * MS, (void (*)(gpointer)) gst_memory_unref,
        mem);

    gst_buffer_unref (pool_test_acquire (&test));
    g_thread_join (thread);
  }
  pool_test_clear (&test);
}

GST_END_TEST;

/* A shallow copy keeps its source out of the pool: in GStreamer 1.22 only by the
 * memories that it shares, later by GstParentBufferMeta too. */
GST_START_TEST (test_pool_copied_buffer)
{
  GstBuffer *buffer, *copy;
  PoolTest test;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 1, 1);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  buffer = pool_test_acquire (&test);
  copy = gst_buffer_copy (buffer);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);
  gst_buffer_unref (copy);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_OK);
  pool_test_clear (&test);
}

GST_END_TEST;

/* Inactive with one buffer out and one being read: all is freed, once. */
GST_START_TEST (test_pool_stop)
{
  GstBuffer *out, *read, *none = NULL;
  PoolTest test;
  Reader reader;
  guint round;

  if (!pool_test_init (&test, __i__))
    return;
  pool_test_configure (&test, 2, 2);

  for (round = 0; round < 3; round++) {
    gint timeline = -1;

    fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
    out = pool_test_acquire (&test);
    read = pool_test_acquire (&test);
    reader = reader_attach (&test, read, 0);
    if (reader.kernel)
      timeline = reader.fd;
    gst_buffer_unref (read);
    fail_unless (gst_buffer_pool_set_active (test.pool, FALSE));
    assert_stats (&test, 2, 0, 1);
    fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test.pool, &none,
            NULL), GST_FLOW_FLUSHING);
    gst_buffer_unref (out);
    assert_stats (&test, 0, 0, 0);
    if (timeline >= 0)
      close (timeline);
  }
  fail_unless_equals_int (test.made, 6);
  pool_test_clear (&test);
}

GST_END_TEST;

GST_START_TEST (test_pool_producer_ends)
{
  GstBuffer *buffer, *none = NULL;
  PoolTest test;

  if (!pool_test_init (&test, __i__))
    return;

  /* Fewer than the minimum */
  test.limit = 1;
  pool_test_configure (&test, 2, 4);
  fail_if (gst_buffer_pool_set_active (test.pool, TRUE));
  assert_stats (&test, 0, 0, 0);

  /* Fewer than the maximum */
  test.made = 0;
  pool_test_configure (&test, 0, 4);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  buffer = pool_test_acquire (&test);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_OK);
  fail_unless (gst_buffer_pool_set_active (test.pool, FALSE));

  /* None at all, and not what was asked for: errors at once */
  test.limit = 0;
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test.pool, &none, NULL), GST_FLOW_ERROR);
  fail_unless (gst_buffer_pool_set_active (test.pool, FALSE));
  test.limit = G_MAXUINT;
  test.wrong_memory = TRUE;
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (test.pool, &none, NULL), GST_FLOW_ERROR);
  fail_unless (none == NULL);
  pool_test_clear (&test);
}

GST_END_TEST;

/* A maximum of 0 is not for ever. */
GST_START_TEST (test_pool_unlimited)
{
  GstBuffer *buffers[32];
  PoolTest test;
  guint i;

  if (!pool_test_init (&test, __i__))
    return;
  test.n_mem = 1;
  pool_test_configure (&test, 0, 0);
  fail_unless (gst_buffer_pool_set_active (test.pool, TRUE));
  for (i = 0; i < G_N_ELEMENTS (buffers); i++)
    buffers[i] = pool_test_acquire (&test);
  fail_unless_equals_int (pool_test_try (&test), GST_FLOW_EOS);
  for (i = 0; i < G_N_ELEMENTS (buffers); i++)
    gst_buffer_unref (buffers[i]);
  pool_test_clear (&test);
}

GST_END_TEST;

static Suite *
dmaresvpool_suite (void)
{
  Suite *s = suite_create ("dmaresvpool");
  TCase *pool = tcase_create ("pool");

  /* Each on eventfds (0), then on the kernel's dma-bufs (1) */
  suite_add_tcase (s, pool);
  tcase_set_timeout (pool, 30);
  tcase_add_loop_test (pool, test_pool_holds_back, 0, 2);
  tcase_add_loop_test (pool, test_pool_wait_is_bounded, 0, 2);
  tcase_add_loop_test (pool, test_pool_dead_fence_is_bounded, 0, 2);
  tcase_add_loop_test (pool, test_pool_wakes, 0, 2);
  tcase_add_loop_test (pool, test_pool_flush_interrupts, 0, 2);
  tcase_add_loop_test (pool, test_pool_threads, 0, 2);
  tcase_add_loop_test (pool, test_pool_restores, 0, 2);
  tcase_add_loop_test (pool, test_pool_shared_memory, 0, 2);
  tcase_add_loop_test (pool, test_pool_copied_buffer, 0, 2);
  tcase_add_loop_test (pool, test_pool_stop, 0, 2);
  tcase_add_loop_test (pool, test_pool_producer_ends, 0, 2);
  tcase_add_loop_test (pool, test_pool_unlimited, 0, 2);

  return s;
}

GST_CHECK_MAIN (dmaresvpool);
