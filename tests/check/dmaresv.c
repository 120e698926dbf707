/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Suite for gst/dmaresv: fences, the allocator, caps. See dmaresvkit.h. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* memfd_create() */
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>

#include <gst/video/video.h>

#include "dmaresvkit.h"
#include "gstdmaresvallocator.h"
#include "gstdmaresvcaps.h"

/* drm/vgem_drm.h is not among the headers that distributions install */
struct drm_vgem_fence_attach
{
  guint32 handle;
  guint32 flags;
  guint32 out_fence;
  guint32 pad;
};

struct drm_vgem_fence_signal
{
  guint32 fence;
  guint32 flags;
};

#define VGEM_FENCE_WRITE 0x1
#define DRM_IOCTL_VGEM_FENCE_ATTACH \
    DRM_IOWR (DRM_COMMAND_BASE + 0x1, struct drm_vgem_fence_attach)
#define DRM_IOCTL_VGEM_FENCE_SIGNAL \
    DRM_IOW (DRM_COMMAND_BASE + 0x2, struct drm_vgem_fence_signal)

static void
later_eventfd_write (gpointer data)
{
  fail_unless_equals_int (eventfd_write (GPOINTER_TO_INT (data), 1), 0);
}

static void
later_advance (gpointer data)
{
  timeline_advance (GPOINTER_TO_INT (data));
}

static void
later_cancel (gpointer data)
{
  g_cancellable_cancel (data);
}

/* Fences, on any descriptor that polls */

GST_START_TEST (test_wait_times_out)
{
  gint fd = eventfd (0, EFD_CLOEXEC);
  GError *error = NULL;
  GstClockTime took;

  fail_if (gst_dma_fence_wait (fd, 60 * MS, NULL, &took, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  assert_took (took, 60 * MS);
  g_clear_error (&error);

  /* 0 only looks */
  fail_if (gst_dma_fence_wait (fd, 0, NULL, &took, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  fail_unless (took < SLACK);
  g_clear_error (&error);

  close (fd);
}

GST_END_TEST;

GST_START_TEST (test_wait_signalled_by_thread)
{
  gint fd = eventfd (0, EFD_CLOEXEC);
  GThread *thread = later_do (80 * MS, later_eventfd_write,
      GINT_TO_POINTER (fd));
  GstClockTime took;

  fail_unless (gst_dma_fence_wait (fd, 10 * GST_SECOND, NULL, &took, NULL));
  /* The thread may have got ahead a bit */
  fail_unless (took > 20 * MS && took < SLACK);

  fail_unless (gst_dma_fence_wait (fd, 10 * GST_SECOND, NULL, &took, NULL));
  fail_unless_equals_uint64 (took, 0);

  g_thread_join (thread);
  close (fd);
}

GST_END_TEST;

GST_START_TEST (test_wait_cancelled)
{
  gint fd = eventfd (0, EFD_CLOEXEC);
  GCancellable *cancellable = g_cancellable_new ();
  guint fds = count_fds ();
  GThread *thread = later_do (50 * MS, later_cancel, cancellable);
  GError *error = NULL;
  GstClockTime took;

  fail_if (gst_dma_fence_wait (fd, GST_CLOCK_TIME_NONE, cancellable, &took, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  fail_unless (took < SLACK);
  g_clear_error (&error);
  g_thread_join (thread);

  /* Cancelled before it began */
  fail_if (gst_dma_fence_wait (fd, GST_CLOCK_TIME_NONE, cancellable, &took, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_clear_error (&error);

  fail_unless_equals_int (count_fds (), fds);
  g_object_unref (cancellable);
  close (fd);
}

GST_END_TEST;

static volatile sig_atomic_t n_alarms;

static void
on_alarm (int sig)
{
  (void) sig;
  n_alarms++;
}

/* Interrupted every 10 ms, a wait of 150 ms still takes 150 ms, and ends. */
GST_START_TEST (test_wait_interrupted)
{
  struct itimerval every = { {0, 10000}, {0, 10000} };
  struct itimerval never = { {0, 0}, {0, 0} };
  struct sigaction action, old;
  gint fd = eventfd (0, EFD_CLOEXEC);
  GError *error = NULL;
  GstClockTime took;

  memset (&action, 0, sizeof (action));
  action.sa_handler = on_alarm;
  fail_unless_equals_int (sigaction (SIGALRM, &action, &old), 0);
  n_alarms = 0;
  setitimer (ITIMER_REAL, &every, NULL);
  fail_if (gst_dma_fence_wait (fd, 150 * MS, NULL, &took, &error));
  setitimer (ITIMER_REAL, &never, NULL);
  sigaction (SIGALRM, &old, NULL);

  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  fail_unless (n_alarms > 2);
  assert_took (took, 150 * MS);
  g_clear_error (&error);
  close (fd);
}

GST_END_TEST;

GST_START_TEST (test_bad_descriptors)
{
  gint fd = eventfd (1, EFD_CLOEXEC);
  GstDmaFenceInfo info;
  GError *error = NULL;

  fail_unless_equals_int (gst_dma_fence_export (fd, GST_DMA_ACCESS_READ, &error), -1);
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED));
  g_clear_error (&error);
  fail_if (gst_dma_fence_get_info (fd, &info, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED));
  fail_unless_equals_uint64 (info.timestamp, GST_CLOCK_TIME_NONE);
  g_clear_error (&error);
  fail_unless_equals_int (gst_dma_fence_merge (NULL, fd, fd, &error), -1);
  g_clear_error (&error);
  fail_if (gst_dma_fence_import (fd, fd, GST_DMA_ACCESS_READ, &error));
  g_clear_error (&error);
  close (fd);

  /* Closed, and never one: both at once, not after the timeout */
  fail_if (gst_dma_fence_wait (fd, GST_CLOCK_TIME_NONE, NULL, NULL, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT));
  g_clear_error (&error);
  fail_if (gst_dma_fence_wait (-1, GST_CLOCK_TIME_NONE, NULL, NULL, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT));
  g_clear_error (&error);
  fail_if (gst_dma_fence_wait_dmabuf (fd, GST_DMA_ACCESS_RW,
          GST_CLOCK_TIME_NONE, NULL, NULL, &error));
  g_clear_error (&error);
}

GST_END_TEST;

/* Fences of the kernel */

GST_START_TEST (test_export_and_info)
{
  gint dmabuf, timeline, idle, busy, reader;
  guint fds = count_fds ();
  GstDmaFenceInfo info;
  GstClockTime before;

  if (!have_kernel ())
    return;

  dmabuf = dmabuf_new (BUFFER_SIZE);
  timeline = timeline_new ();

  idle = gst_dma_fence_export (dmabuf, GST_DMA_ACCESS_WRITE, NULL);
  fail_unless (gst_dma_fence_get_info (idle, &info, NULL));
  fail_unless_equals_int (info.status, 1);

  /* A reader's fence concerns writers only */
  dmabuf_attach (dmabuf, timeline, 1, GST_DMA_ACCESS_READ);
  busy = gst_dma_fence_export (dmabuf, GST_DMA_ACCESS_WRITE, NULL);
  reader = gst_dma_fence_export (dmabuf, GST_DMA_ACCESS_READ, NULL);
  fail_unless (busy >= 0 && reader >= 0);
  fail_unless (gst_dma_fence_get_info (reader, &info, NULL));
  fail_unless_equals_int (info.status, 1);
  fail_unless (gst_dma_fence_get_info (busy, &info, NULL));
  fail_unless_equals_int (info.status, 0);
  fail_unless_equals_int (info.n_fences, 1);
  fail_unless_equals_uint64 (info.timestamp, GST_CLOCK_TIME_NONE);
  fail_unless_equals_string (info.driver, "sw_sync");

  before = gst_util_get_timestamp ();
  timeline_advance (timeline);
  fail_unless (gst_dma_fence_get_info (busy, &info, NULL));
  fail_unless_equals_int (info.status, 1);
  fail_unless (info.timestamp >= before && info.timestamp <= gst_util_get_timestamp ());

  close (idle);
  close (busy);
  close (reader);
  close (timeline);
  close (dmabuf);
  fail_unless_equals_int (count_fds (), fds);
}

GST_END_TEST;

GST_START_TEST (test_merge)
{
  gint t1, t2, f1, f2, both;
  GstDmaFenceInfo info;

  if (!have_kernel ())
    return;

  t1 = timeline_new ();
  t2 = timeline_new ();
  f1 = timeline_fence (t1, 1);
  f2 = timeline_fence (t2, 1);
  both = gst_dma_fence_merge ("both", f1, f2, NULL);
  fail_unless (both >= 0);
  fail_unless (gst_dma_fence_get_info (both, &info, NULL));
  fail_unless_equals_int (info.n_fences, 2);
  fail_unless_equals_int (info.status, 0);

  timeline_advance (t2);
  fail_unless (gst_dma_fence_get_info (both, &info, NULL));
  fail_unless_equals_int (info.status, 0);
  timeline_advance (t1);
  fail_unless (gst_dma_fence_wait (both, GST_SECOND, NULL, NULL, NULL));
  fail_unless (gst_dma_fence_get_info (both, &info, NULL));
  fail_unless_equals_int (info.status, 1);

  close (both);
  close (f1);
  close (f2);
  close (t1);
  close (t2);
}

GST_END_TEST;

/* A timeline that is closed ends its fences with -ENOENT. */
GST_START_TEST (test_failed_job)
{
  gint timeline, failed, other, pending, both;
  GstDmaFenceInfo info;

  if (!have_kernel ())
    return;

  timeline = timeline_new ();
  failed = timeline_fence (timeline, 1);
  other = timeline_new ();
  pending = timeline_fence (other, 1);
  both = gst_dma_fence_merge (NULL, failed, pending, NULL);
  close (timeline);

  fail_unless (gst_dma_fence_wait (failed, GST_SECOND, NULL, NULL, NULL));
  fail_unless (gst_dma_fence_get_info (failed, &info, NULL));
  fail_unless_equals_int (info.status, -ENOENT);

  /* One failed, one still at work: pending, not over */
  fail_unless (gst_dma_fence_get_info (both, &info, NULL));
  fail_unless_equals_int (info.status, 0);
  timeline_advance (other);
  fail_unless (gst_dma_fence_get_info (both, &info, NULL));
  fail_unless_equals_int (info.status, -ENOENT);

  close (both);
  close (failed);
  close (pending);
  close (other);
}

GST_END_TEST;

GST_START_TEST (test_wait_buffer)
{
  GstAllocator *allocator = gst_dmaresv_allocator_new ();
  gint timeline, fds[2], i;
  GstBuffer *buffer = gst_buffer_new ();
  GError *error = NULL;
  GstClockTime took;
  guint n_fds = count_fds ();
  GThread *thread;

  if (!have_kernel ())
    goto done;

  timeline = timeline_new ();
  gst_buffer_append_memory (buffer, gst_allocator_alloc (NULL, 16, NULL));
  for (i = 0; i < 2; i++) {
    fds[i] = dmabuf_new (BUFFER_SIZE);
    gst_buffer_append_memory (buffer, gst_dmaresv_allocator_wrap (allocator, fds[i], BUFFER_SIZE));
  }
  /* The second one is what counts */
  dmabuf_attach (fds[1], timeline, 1, GST_DMA_ACCESS_WRITE);

  fail_if (gst_dma_fence_wait_buffer (buffer, GST_DMA_ACCESS_READ, 50 * MS, NULL, &took, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  assert_took (took, 50 * MS);
  g_clear_error (&error);

  thread = later_do (60 * MS, later_advance, GINT_TO_POINTER (timeline));
  fail_unless (gst_dma_fence_wait_buffer (buffer, GST_DMA_ACCESS_READ,
          10 * GST_SECOND, NULL, &took, NULL));
  fail_unless (took > 10 * MS && took < SLACK);
  g_thread_join (thread);
  close (timeline);

done:
  gst_buffer_unref (buffer);
  gst_object_unref (allocator);
  fail_unless_equals_int (count_fds (), n_fds);
}

GST_END_TEST;

/* A buffer with two dma-bufs, one of them twice, and system memory between them. */
static GstBuffer *
planes_new (GstAllocator * allocator, gint fds[2])
{
  GstBuffer *buffer = gst_buffer_new ();
  gint i;

  for (i = 0; i < 2; i++) {
    fds[i] = dmabuf_new (BUFFER_SIZE);
    gst_buffer_append_memory (buffer, gst_dmaresv_allocator_wrap (allocator, fds[i], BUFFER_SIZE));
    gst_buffer_append_memory (buffer, gst_allocator_alloc (NULL, 16, NULL));
  }
  gst_buffer_append_memory (buffer, gst_memory_share (gst_buffer_peek_memory (buffer, 0), 0, 16));

  return buffer;
}

static gint
buffer_status (GstBuffer * buffer, GstDmaAccess access)
{
  GstDmaFenceInfo info;
  GError *error = NULL;
  gint fd = gst_dma_fence_export_buffer (buffer, access, &error);

  fail_unless (fd >= 0, "%s", error ? error->message : "?");
  fail_unless (gst_dma_fence_get_info (fd, &info, NULL));
  close (fd);

  return info.status;
}

/* One sync_file for all planes: pending as long as any plane's writer is. */
GST_START_TEST (test_export_buffer)
{
  GstAllocator *allocator = gst_dmaresv_allocator_new ();
  guint n_fds = count_fds ();
  gint timelines[2], fds[2], i;
  GstBuffer *buffer;

  if (!have_kernel ())
    goto done;

  buffer = planes_new (allocator, fds);
  fail_unless_equals_int (buffer_status (buffer, GST_DMA_ACCESS_READ), 1);
  for (i = 0; i < 2; i++) {
    timelines[i] = timeline_new ();
    dmabuf_attach (fds[i], timelines[i], 1, GST_DMA_ACCESS_WRITE);
  }
  for (i = 0; i < 2; i++) {
    fail_unless_equals_int (buffer_status (buffer, GST_DMA_ACCESS_READ), 0);
    timeline_advance (timelines[i]);
  }
  fail_unless_equals_int (buffer_status (buffer, GST_DMA_ACCESS_READ), 1);
  for (i = 0; i < 2; i++)
    close (timelines[i]);
  gst_buffer_unref (buffer);

done:
  gst_object_unref (allocator);
  fail_unless_equals_int (count_fds (), n_fds);
}

GST_END_TEST;

/* A consumer's release fence: readers need not wait for it, a writer has to, on every plane. */
GST_START_TEST (test_import_buffer)
{
  GstAllocator *allocator = gst_dmaresv_allocator_new ();
  guint n_fds = count_fds ();
  gint timeline, fence, fds[2], i;
  GError *error = NULL;
  GstBuffer *buffer;

  if (!have_kernel ())
    goto done;

  buffer = planes_new (allocator, fds);
  timeline = timeline_new ();
  fence = timeline_fence (timeline, 1);
  fail_unless (gst_dma_fence_import_buffer (buffer, fence, GST_DMA_ACCESS_READ, &error),
      "%s", error ? error->message : "?");
  close (fence);
  fail_unless_equals_int (buffer_status (buffer, GST_DMA_ACCESS_READ), 1);
  fail_unless_equals_int (buffer_status (buffer, GST_DMA_ACCESS_WRITE), 0);
  for (i = 0; i < 2; i++) {
    fail_if (gst_dma_fence_wait_dmabuf (fds[i], GST_DMA_ACCESS_WRITE, 0, NULL, NULL, NULL));
    fail_unless (gst_dma_fence_wait_dmabuf (fds[i], GST_DMA_ACCESS_READ, 0, NULL, NULL, NULL));
  }
  timeline_advance (timeline);
  fail_unless_equals_int (buffer_status (buffer, GST_DMA_ACCESS_WRITE), 1);
  close (timeline);
  gst_buffer_unref (buffer);

done:
  gst_object_unref (allocator);
  fail_unless_equals_int (count_fds (), n_fds);
}

GST_END_TEST;

/* What has no dma-buf, or one that is none, is told apart; nothing stays open. */
GST_START_TEST (test_bridge_errors)
{
  GstAllocator *allocator = gst_dmaresv_allocator_new ();
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16, NULL);
  guint n_fds = count_fds ();
  GError *error = NULL;
  gint other = eventfd (0, 0), i;

  for (i = 0; i < 2; i++) {
    fail_unless_equals_int (gst_dma_fence_export_buffer (buffer, GST_DMA_ACCESS_READ, &error), -1);
    fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED));
    g_clear_error (&error);
    fail_if (gst_dma_fence_import_buffer (buffer, other, GST_DMA_ACCESS_READ, &error));
    fail_unless (error != NULL);
    g_clear_error (&error);
    /* a memfd maps like a dma-buf and has no fences */
    if (i == 0)
      gst_buffer_append_memory (buffer, gst_dmaresv_allocator_wrap (allocator, memfd_new (4096),
              4096));
  }
  close (other);
  gst_buffer_unref (buffer);
  gst_object_unref (allocator);
  fail_unless_equals_int (count_fds (), n_fds);
}

GST_END_TEST;

/* A fence that a driver of the kernel attaches by itself. */
static gint
vgem_open (void)
{
  guint i;

  for (i = 0; i < 64; i++) {
    g_autofree gchar *path = g_strdup_printf ("/dev/dri/card%u", i);
    gint fd = open (path, O_RDWR | O_CLOEXEC);
    struct drm_version version;
    gchar name[16] = { 0, };

    if (fd < 0)
      continue;
    memset (&version, 0, sizeof (version));
    version.name = name;
    version.name_len = sizeof (name) - 1;
    if (ioctl (fd, DRM_IOCTL_VERSION, &version) == 0 && g_str_equal (name, "vgem"))
      return fd;
    close (fd);
  }

  return -1;
}

GST_START_TEST (test_vgem_fence)
{
  struct drm_mode_create_dumb dumb;
  struct drm_prime_handle prime;
  struct drm_vgem_fence_attach attach;
  struct drm_vgem_fence_signal done;
  gint vgem = vgem_open ();
  GError *error = NULL;

  if (vgem < 0) {
    skip ("no vgem in /dev/dri");
    return;
  }

  memset (&dumb, 0, sizeof (dumb));
  dumb.width = dumb.height = 64;
  dumb.bpp = 32;
  fail_unless_equals_int (ioctl (vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
  memset (&prime, 0, sizeof (prime));
  prime.handle = dumb.handle;
  prime.flags = O_RDWR | O_CLOEXEC;
  fail_unless_equals_int (ioctl (vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);

  memset (&attach, 0, sizeof (attach));
  attach.handle = dumb.handle;
  attach.flags = VGEM_FENCE_WRITE;
  fail_unless_equals_int (ioctl (vgem, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach), 0);

  fail_if (gst_dma_fence_wait_dmabuf (prime.fd, GST_DMA_ACCESS_READ, 30 * MS, NULL, NULL, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  g_clear_error (&error);

  memset (&done, 0, sizeof (done));
  done.fence = attach.out_fence;
  fail_unless_equals_int (ioctl (vgem, DRM_IOCTL_VGEM_FENCE_SIGNAL, &done), 0);
  fail_unless (gst_dma_fence_wait_dmabuf (prime.fd, GST_DMA_ACCESS_READ,
          GST_SECOND, NULL, NULL, NULL));

  close (prime.fd);
  close (vgem);
}

GST_END_TEST;

/* The allocator */

static void
check_map (GstAllocator * allocator, gint fd)
{
  GstMemory *mem = gst_dmaresv_allocator_wrap (allocator, fd, BUFFER_SIZE);
  GstMemory *sub;
  GstMapInfo info, nested;
  gsize i;

  fail_unless (gst_is_dmabuf_memory (mem));
  fail_unless_equals_int (gst_dmabuf_memory_get_fd (mem), fd);

  fail_unless (gst_memory_map (mem, &info, GST_MAP_WRITE));
  for (i = 0; i < info.size; i++)
    info.data[i] = i % 251;
  gst_memory_unmap (mem, &info);

  sub = gst_memory_share (mem, 1000, 5000);
  fail_unless (gst_memory_map (mem, &info, GST_MAP_READ));
  fail_unless (gst_memory_map (sub, &nested, GST_MAP_READ));
  fail_unless_equals_int (nested.size, 5000);
  fail_unless_equals_int (memcmp (nested.data, info.data + 1000, 5000), 0);
  fail_unless_equals_int (nested.data[7], 1007 % 251);
  gst_memory_unmap (mem, &info);
  fail_unless_equals_int (nested.data[8], 1008 % 251);
  gst_memory_unmap (sub, &nested);
  gst_memory_unref (sub);

  fail_unless (gst_memory_map (mem, &info, GST_MAP_READWRITE));
  fail_unless_equals_int (info.data[252], 1);
  gst_memory_unmap (mem, &info);
  gst_memory_unref (mem);
}

GST_START_TEST (test_allocator_memfd)
{
  GstAllocator *allocator = gst_dmaresv_allocator_new ();
  guint fds = count_fds ();

  check_map (allocator, memfd_new (BUFFER_SIZE));
  fail_unless (gst_dmaresv_allocator_wrap (allocator, -1, 16) == NULL);
  fail_unless (gst_dmaresv_allocator_wrap (allocator, memfd_new (4096), 0) == NULL);
  fail_unless_equals_int (count_fds (), fds);
  gst_object_unref (allocator);
}

GST_END_TEST;

/* An eventfd is "read by somebody" and then cannot be mapped: the reasons
 * differ, the mapping fails both times and nothing hangs. */
GST_START_TEST (test_allocator_map_fails)
{
  GstAllocator *allocator = gst_dmaresv_allocator_new ();
  gint fd = eventfd (0, EFD_CLOEXEC);
  GstMemory *mem = gst_dmaresv_allocator_wrap (allocator, fd, 4096);
  GstClockTime start = gst_util_get_timestamp (), took;
  GstMapInfo info;

  gst_dmaresv_allocator_set_timeout (GST_DMARESV_ALLOCATOR (allocator), 60 * MS);
  fail_unless_equals_int (eventfd_write (fd, G_MAXUINT64 - 1), 0);
  fail_if (gst_memory_map (mem, &info, GST_MAP_WRITE));
  took = gst_util_get_timestamp () - start;
  assert_took (took, 60 * MS);

  start = gst_util_get_timestamp ();
  fail_if (gst_memory_map (mem, &info, GST_MAP_READ));
  took = gst_util_get_timestamp () - start;
  fail_unless (took < 60 * MS + SLACK);

  gst_memory_unref (mem);
  gst_object_unref (allocator);
}

GST_END_TEST;

GST_START_TEST (test_allocator_waits_for_fence)
{
  GstAllocator *allocator = gst_dmaresv_allocator_new ();
  GstClockTime start, took;
  gint timeline, fd;
  GThread *thread;
  GstMemory *mem;
  GstMapInfo info;

  if (!have_kernel ())
    goto done;

  gst_dmaresv_allocator_set_timeout (GST_DMARESV_ALLOCATOR (allocator), 60 * MS);
  check_map (allocator, dmabuf_new (BUFFER_SIZE));

  fd = dmabuf_new (BUFFER_SIZE);
  mem = gst_dmaresv_allocator_wrap (allocator, fd, BUFFER_SIZE);
  timeline = timeline_new ();

  /* A reader: another one may map, a writer may not */
  dmabuf_attach (fd, timeline, 1, GST_DMA_ACCESS_READ);
  fail_unless (gst_memory_map (mem, &info, GST_MAP_READ));
  gst_memory_unmap (mem, &info);
  fail_if (gst_memory_map (mem, &info, GST_MAP_WRITE));
  timeline_advance (timeline);
  fail_unless (gst_memory_map (mem, &info, GST_MAP_WRITE));
  gst_memory_unmap (mem, &info);

  /* A writer: nobody may */
  dmabuf_attach (fd, timeline, 2, GST_DMA_ACCESS_WRITE);
  fail_if (gst_memory_map (mem, &info, GST_MAP_READ));

  gst_dmaresv_allocator_set_timeout (GST_DMARESV_ALLOCATOR (allocator), 10 * GST_SECOND);
  thread = later_do (80 * MS, later_advance, GINT_TO_POINTER (timeline));
  start = gst_util_get_timestamp ();
  fail_unless (gst_memory_map (mem, &info, GST_MAP_READ));
  took = gst_util_get_timestamp () - start;
  fail_unless (took > 20 * MS && took < SLACK);
  gst_memory_unmap (mem, &info);

  g_thread_join (thread);
  close (timeline);
  gst_memory_unref (mem);
done:
  gst_object_unref (allocator);
}

GST_END_TEST;

/* Caps */

static const GstVideoFormat all_formats[] = {
  GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_NV21, GST_VIDEO_FORMAT_NV16,
  GST_VIDEO_FORMAT_NV61, GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_YV12,
  GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_NV12_10LE40,
#if GST_CHECK_VERSION (1, 28, 0)
  GST_VIDEO_FORMAT_NV16_10LE40,
#endif
  GST_VIDEO_FORMAT_P010_10LE, GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_BGRA,
  GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_xRGB,
  GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_xBGR, GST_VIDEO_FORMAT_ABGR,
  GST_VIDEO_FORMAT_RGB, GST_VIDEO_FORMAT_BGR, GST_VIDEO_FORMAT_RGB16,
  GST_VIDEO_FORMAT_RGB15, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_UYVY,
  GST_VIDEO_FORMAT_UNKNOWN
};

GST_START_TEST (test_caps_round_trip)
{
  guint i, memory;

  for (i = 0; all_formats[i] != GST_VIDEO_FORMAT_UNKNOWN; i++) {
    guint32 fourcc = gst_dmaresv_format_to_fourcc (all_formats[i]);

    fail_unless (fourcc != 0);
    fail_unless_equals_int (gst_dmaresv_format_from_fourcc (fourcc), all_formats[i]);

    for (memory = 0; memory < 2; memory++) {
      GstVideoInfo info, back;
      gboolean dmabuf;
      GstCaps *caps;

      gst_video_info_set_format (&info, all_formats[i], 322, 242);
      info.fps_n = 25;
      info.fps_d = 1;
      /* newer GStreamer reads a default where the caps say nothing */
      if (GST_VIDEO_INFO_IS_YUV (&info))
        info.chroma_site = GST_VIDEO_CHROMA_SITE_MPEG2;
      caps = gst_dmaresv_caps_from_info (&info, memory);
      fail_unless (gst_caps_is_fixed (caps));
      fail_unless_equals_int (gst_dmaresv_caps_has_dmabuf (caps), memory);
      fail_unless (gst_dmaresv_caps_to_info (caps, &back, &dmabuf));
      fail_unless_equals_int (dmabuf, memory);
      fail_unless (gst_video_info_is_equal (&info, &back),
          "%s comes back different", gst_video_format_to_string (all_formats[i]));
#if GST_CHECK_VERSION (1, 24, 0)
      /* What GStreamer itself says of the same caps; NV15 it may not know */
      if (memory && gst_dmaresv_caps_use_drm ()
          && gst_video_dma_drm_fourcc_from_format (all_formats[i]) != DRM_FORMAT_INVALID) {
        GstVideoInfoDmaDrm drm;

        fail_unless (gst_video_info_dma_drm_from_caps (&drm, caps));
        fail_unless_equals_int (drm.drm_fourcc, fourcc);
        fail_unless_equals_uint64 (drm.drm_modifier, DRM_FORMAT_MOD_LINEAR);
        fail_unless_equals_int (gst_video_dma_drm_fourcc_from_format (all_formats[i]), fourcc);
      }
#endif
      gst_caps_unref (caps);
    }
  }

  /* GStreamer's byte order against DRM's word order */
  fail_unless_equals_int (gst_dmaresv_format_to_fourcc (GST_VIDEO_FORMAT_BGRx),
      DRM_FORMAT_XRGB8888);
  fail_unless_equals_int (gst_dmaresv_format_to_fourcc (GST_VIDEO_FORMAT_RGB), DRM_FORMAT_BGR888);
  fail_unless_equals_int (gst_dmaresv_format_to_fourcc (GST_VIDEO_FORMAT_GRAY16_BE), 0);
  fail_unless_equals_int (gst_dmaresv_format_from_fourcc (0), GST_VIDEO_FORMAT_UNKNOWN);
}

GST_END_TEST;

GST_START_TEST (test_caps_forms)
{
  static const struct
  {
    const gchar *caps;
    GstVideoFormat format;      /* UNKNOWN: must be refused */
    gboolean dmabuf;
  } cases[] = {
#define DRM "video/x-raw(memory:DMABuf),width=64,height=32,framerate=25/1," \
    "format=DMA_DRM"
    {"video/x-raw,format=NV12,width=64,height=32", GST_VIDEO_FORMAT_NV12,
        FALSE},
    {"video/x-raw(memory:DMABuf),format=NV12,width=64,height=32",
        GST_VIDEO_FORMAT_NV12, TRUE},
    {DRM ",drm-format=NV12", GST_VIDEO_FORMAT_NV12, TRUE},
    {DRM ",drm-format=XR24", GST_VIDEO_FORMAT_BGRx, TRUE},
    {DRM ",drm-format=(string)NV12:0x0000000000000000", GST_VIDEO_FORMAT_NV12,
        TRUE},
    /* Tiled, malformed, unknown, none */
    {DRM ",drm-format=(string)NV12:0x0100000000000001",
        GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {DRM ",drm-format=(string)NV12:", GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {DRM ",drm-format=(string)NV12:0x", GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {DRM ",drm-format=(string)NV12x", GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {DRM ",drm-format=(string)N", GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {DRM ",drm-format=(string)ZZZZ", GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {DRM, GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {DRM ",drm-format={NV12,NV21}", GST_VIDEO_FORMAT_UNKNOWN, TRUE},
    {"video/x-raw(memory:DMABuf)", GST_VIDEO_FORMAT_UNKNOWN, TRUE},
#undef DRM
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstCaps *caps = gst_caps_from_string (cases[i].caps);
    GstVideoInfo info;
    gboolean dmabuf = !cases[i].dmabuf, ret;

    fail_unless (caps != NULL, "%s", cases[i].caps);
    ret = gst_dmaresv_caps_to_info (caps, &info, &dmabuf);
    fail_unless_equals_int (dmabuf, cases[i].dmabuf);
    fail_unless (ret == (cases[i].format != GST_VIDEO_FORMAT_UNKNOWN), "%s", cases[i].caps);
    if (ret)
      fail_unless_equals_int (GST_VIDEO_INFO_FORMAT (&info), cases[i].format);
    gst_caps_unref (caps);
  }
}

GST_END_TEST;

GST_START_TEST (test_caps_template)
{
  static const GstVideoFormat one[] = {
    GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_UNKNOWN
  };
  static const GstVideoFormat none[] = { GST_VIDEO_FORMAT_UNKNOWN };
  GstCaps *all = gst_dmaresv_caps_template (all_formats);
  GstCaps *caps = gst_dmaresv_caps_template (none);
  GstVideoInfo info;
  guint memory;

  fail_unless (gst_caps_is_empty (caps));
  gst_caps_unref (caps);

  /* DMABuf first; and what it negotiates to is a subset */
  fail_unless_equals_int (gst_caps_get_size (all), 2);
  fail_unless (gst_caps_features_contains (gst_caps_get_features (all, 0),
          GST_CAPS_FEATURE_MEMORY_DMABUF));
  fail_if (gst_caps_features_contains (gst_caps_get_features (all, 1),
          GST_CAPS_FEATURE_MEMORY_DMABUF));

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_NV12, 64, 64);
  for (memory = 0; memory < 2; memory++) {
    GstCaps *fixed = gst_dmaresv_caps_from_info (&info, memory);
    GstCaps *small = gst_dmaresv_caps_template (one);

    fail_unless (gst_caps_is_subset (fixed, all));
    fail_unless (gst_caps_is_subset (fixed, small));
    gst_caps_unref (small);
    gst_caps_unref (fixed);
  }
  gst_caps_unref (all);

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GRAY16_BE, 64, 64);
  fail_unless (gst_dmaresv_caps_from_info (&info, TRUE) == NULL);
}

GST_END_TEST;

static Suite *
dmaresv_suite (void)
{
  Suite *s = suite_create ("dmaresv");
  TCase *fence = tcase_create ("fence");
  TCase *allocator = tcase_create ("allocator");
  TCase *caps = tcase_create ("caps");

  suite_add_tcase (s, fence);
  tcase_add_test (fence, test_wait_times_out);
  tcase_add_test (fence, test_wait_signalled_by_thread);
  tcase_add_test (fence, test_wait_cancelled);
  tcase_add_test (fence, test_wait_interrupted);
  tcase_add_test (fence, test_bad_descriptors);
  tcase_add_test (fence, test_export_and_info);
  tcase_add_test (fence, test_merge);
  tcase_add_test (fence, test_failed_job);
  tcase_add_test (fence, test_wait_buffer);
  tcase_add_test (fence, test_export_buffer);
  tcase_add_test (fence, test_import_buffer);
  tcase_add_test (fence, test_bridge_errors);
  tcase_add_test (fence, test_vgem_fence);

  suite_add_tcase (s, allocator);
  tcase_add_test (allocator, test_allocator_memfd);
  tcase_add_test (allocator, test_allocator_map_fails);
  tcase_add_test (allocator, test_allocator_waits_for_fence);

  suite_add_tcase (s, caps);
  tcase_add_test (caps, test_caps_round_trip);
  tcase_add_test (caps, test_caps_forms);
  tcase_add_test (caps, test_caps_template);

  return s;
}

GST_CHECK_MAIN (dmaresv);
