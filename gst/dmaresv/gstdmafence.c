/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SECTION:gstdmafence
 * @title: dma-buf fences
 * @short_description: export, import, inspect and wait for implicit fences
 *
 * The uAPI behind these functions: linux/dma-buf.h (DMA_BUF_IOCTL_SYNC,
 * DMA_BUF_IOCTL_EXPORT_SYNC_FILE and DMA_BUF_IOCTL_IMPORT_SYNC_FILE, the latter
 * two since Linux 6.0) and linux/sync_file.h (SYNC_IOC_FILE_INFO,
 * SYNC_IOC_MERGE).
 *
 * What an export proves, and what not: the kernel answers "nothing was ever
 * attached" and "everything has signalled" with the same stub fence of status
 * 1.  Only a fence seen pending is known to be a real one.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* ppoll() */
#endif

#include "gstdmafence.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <gst/allocators/allocators.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "gstdmaresvtrace.h"

#define GST_CAT_DEFAULT gst_dmaresv_trace_category ()

/* What a wait is about: the descriptor polled, and words for the log. */
typedef struct
{
  gint fd;
  gshort events;
  gint dmabuf_fd;               /* -1: a bare sync_file */
  GstDmaAccess access;          /* meaningful with dmabuf_fd only */
  GstDmaResvCause cause;
  GstDmaFenceInfo info;         /* taken while pending, if at all */
} FenceWait;

/* The one place that calls ioctl(): linux/dma-buf.h asks to restart the dma-buf
 * calls on EINTR and EAGAIN.  Every argument struct is zeroed by its caller, so
 * that fields which later kernels add read as "not used". */
static gint
dma_fence_ioctl (gint fd, gulong request, gpointer arg)
{
  gint ret;

  do {
    ret = ioctl (fd, request, arg);
  } while (ret < 0 && (errno == EINTR || errno == EAGAIN));

  return ret;
}

/* ENOTTY has no G_IO_ERROR of its own; callers need to tell "this kernel or this
 * descriptor cannot do that" from a failure. */
static void
dma_fence_set_error (GError ** error, gint errsv, const gchar * what, gint fd)
{
  gint code = g_io_error_from_errno (errsv);

  if (errsv == ENOTTY)
    code = G_IO_ERROR_NOT_SUPPORTED;
  else if (errsv == EBADF)
    code = G_IO_ERROR_INVALID_ARGUMENT;

  g_set_error (error, G_IO_ERROR, code, "%s on descriptor %d: %s", what, fd, g_strerror (errsv));
}

static guint32
dma_access_to_sync_flags (GstDmaAccess access)
{
  guint32 flags = 0;

  if (access & GST_DMA_ACCESS_READ)
    flags |= DMA_BUF_SYNC_READ;
  if (access & GST_DMA_ACCESS_WRITE)
    flags |= DMA_BUF_SYNC_WRITE;

  return flags;
}

static const gchar *
dma_access_name (GstDmaAccess access)
{
  switch (access) {
    case GST_DMA_ACCESS_READ:
      return "read";
    case GST_DMA_ACCESS_WRITE:
      return "write";
    case GST_DMA_ACCESS_RW:
      return "read and write";
  }

  return "no access";
}

static gint
dma_fence_export (gint dmabuf_fd, GstDmaAccess access, GError ** error)
{
  struct dma_buf_export_sync_file arg;

  memset (&arg, 0, sizeof (arg));
  arg.flags = dma_access_to_sync_flags (access);
  arg.fd = -1;

  if (dma_fence_ioctl (dmabuf_fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg) < 0) {
    dma_fence_set_error (error, errno, "DMA_BUF_IOCTL_EXPORT_SYNC_FILE", dmabuf_fd);
    return -1;
  }

  return arg.fd;
}

/**
 * gst_dma_fence_export:
 * @dmabuf_fd: a dma-buf
 * @access: what the caller is about to do with the dma-buf
 * @error: (out) (optional): return location for a #GError
 *
 * Takes a snapshot of the fences that @access has to wait for: of the writers
 * for reading, of the writers and readers for writing
 * (DMA_BUF_IOCTL_EXPORT_SYNC_FILE).  Fences attached later are not in it.
 * Does not wait for any fence.
 *
 * Fails with %G_IO_ERROR_NOT_SUPPORTED where the kernel is older than 6.0 or
 * @dmabuf_fd is no dma-buf.
 *
 * Returns: (transfer full): a sync_file descriptor (close-on-exec) for the
 *     caller to close, or -1 with @error set
 */
gint
gst_dma_fence_export (gint dmabuf_fd, GstDmaAccess access, GError ** error)
{
  gint fd = dma_fence_export (dmabuf_fd, access, error);

  if (fd >= 0)
    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_EXPORT,.fd = dmabuf_fd,.access = access,.sync_fd =
        fd);

  return fd;
}

gint
gst_dma_fence_export_untold (gint dmabuf_fd, GstDmaAccess access, GError ** error)
{
  return dma_fence_export (dmabuf_fd, access, error);
}

/**
 * gst_dma_fence_import:
 * @dmabuf_fd: a dma-buf
 * @sync_fd: (transfer none): a sync_file
 * @access: what the job behind @sync_fd does with the dma-buf
 * @error: (out) (optional): return location for a #GError
 *
 * Attaches the fences of @sync_fd to the dma-buf's dma_resv
 * (DMA_BUF_IOCTL_IMPORT_SYNC_FILE), as a writer's when @access has
 * %GST_DMA_ACCESS_WRITE, else as a reader's.  @sync_fd stays the caller's.
 *
 * Returns: %FALSE with @error set on failure
 */
gboolean
gst_dma_fence_import (gint dmabuf_fd, gint sync_fd, GstDmaAccess access, GError ** error)
{
  struct dma_buf_import_sync_file arg;

  memset (&arg, 0, sizeof (arg));
  arg.flags = dma_access_to_sync_flags (access);
  arg.fd = sync_fd;

  if (dma_fence_ioctl (dmabuf_fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg) < 0) {
    dma_fence_set_error (error, errno, "DMA_BUF_IOCTL_IMPORT_SYNC_FILE", dmabuf_fd);
    return FALSE;
  }

  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_IMPORT,.fd = dmabuf_fd,.access = access,.sync_fd =
      sync_fd);

  return TRUE;
}

/* The file's own status is the first one that is not "signalled well"; with an
 * early failure and a later pending fence that would read as finished. */
static void
dma_fence_info_from_list (GstDmaFenceInfo * info,
    const struct sync_fence_info *fences, guint n_fences)
{
  gint failed = 0;
  guint n_pending = 0, i;
  guint64 timestamp = 0;

  for (i = 0; i < n_fences; i++) {
    if (fences[i].status == 0)
      n_pending++;
    else if (fences[i].status < 0 && failed == 0)
      failed = fences[i].status;
    timestamp = MAX (timestamp, fences[i].timestamp_ns);
  }

  info->n_fences = n_fences;
  if (n_pending > 0) {
    info->status = 0;
  } else {
    info->status = failed < 0 ? failed : 1;
    info->timestamp = timestamp;
  }

  g_strlcpy (info->driver, fences[0].driver_name, sizeof (info->driver));
  g_strlcpy (info->timeline, fences[0].obj_name, sizeof (info->timeline));
}

/**
 * gst_dma_fence_get_info:
 * @sync_fd: a sync_file
 * @info: (out caller-allocates): where to put what the kernel says
 * @error: (out) (optional): return location for a #GError
 *
 * Asks for the state of a sync_file (SYNC_IOC_FILE_INFO, first for the number
 * of fences and then for each of them).  @info's status is 0 as long as any
 * fence is pending, then the first failure, else 1.
 *
 * Returns: %FALSE with @error set on failure; @info then is all zero, but its
 *     timestamp is %GST_CLOCK_TIME_NONE
 */
gboolean
gst_dma_fence_get_info (gint sync_fd, GstDmaFenceInfo * info, GError ** error)
{
  g_autofree struct sync_fence_info *fences = NULL;
  struct sync_file_info arg;
  guint n_fences;

  g_return_val_if_fail (info != NULL, FALSE);

  memset (info, 0, sizeof (*info));
  info->timestamp = GST_CLOCK_TIME_NONE;

  memset (&arg, 0, sizeof (arg));
  if (dma_fence_ioctl (sync_fd, SYNC_IOC_FILE_INFO, &arg) < 0)
    goto failed;

  n_fences = arg.num_fences;
  if (n_fences == 0) {
    info->status = arg.status;
    return TRUE;
  }

  fences = g_new0 (struct sync_fence_info, n_fences);
  memset (&arg, 0, sizeof (arg));
  arg.num_fences = n_fences;
  arg.sync_fence_info = (guintptr) fences;
  if (dma_fence_ioctl (sync_fd, SYNC_IOC_FILE_INFO, &arg) < 0)
    goto failed;

  dma_fence_info_from_list (info, fences, CLAMP (arg.num_fences, 1, n_fences));

  return TRUE;

failed:
  dma_fence_set_error (error, errno, "SYNC_IOC_FILE_INFO", sync_fd);
  return FALSE;
}

/**
 * gst_dma_fence_merge:
 * @name: (nullable): the new sync_file's name, cut to 31 bytes
 * @sync_fd1: (transfer none): a sync_file
 * @sync_fd2: (transfer none): another one
 * @error: (out) (optional): return location for a #GError
 *
 * Makes a sync_file that signals when both have (SYNC_IOC_MERGE).
 *
 * Returns: (transfer full): a sync_file descriptor (close-on-exec) for the
 *     caller to close, or -1 with @error set
 */
gint
gst_dma_fence_merge (const gchar * name, gint sync_fd1, gint sync_fd2, GError ** error)
{
  struct sync_merge_data arg;

  memset (&arg, 0, sizeof (arg));
  g_strlcpy (arg.name, name ? name : "dmaresv", sizeof (arg.name));
  arg.fd2 = sync_fd2;
  arg.fence = -1;

  if (dma_fence_ioctl (sync_fd1, SYNC_IOC_MERGE, &arg) < 0) {
    dma_fence_set_error (error, errno, "SYNC_IOC_MERGE", sync_fd1);
    return -1;
  }

  return arg.fence;
}

static gchar *
fence_wait_describe (const FenceWait * wait)
{
  g_autofree gchar *who = NULL;

  if (wait->info.driver[0] != '\0')
    who = g_strdup_printf (" (%u fence%s, %s/%s)", wait->info.n_fences,
        wait->info.n_fences == 1 ? "" : "s", wait->info.driver, wait->info.timeline);

  if (wait->dmabuf_fd < 0)
    return g_strdup_printf ("sync_file %d%s", wait->fd, who ? who : "");

  return g_strdup_printf ("dma-buf %d for %s%s", wait->dmabuf_fd,
      dma_access_name (wait->access), who ? who : "");
}

/* Polls until ready, cancelled or @timeout ns are over.  Interrupted or not, it
 * ends at the same moment: what is left is computed from the start each time. */
static gboolean
fence_wait_poll (const FenceWait * wait, GstClockTime timeout,
    GCancellable * cancellable, GstClockTime start, GError ** error)
{
  struct pollfd fds[2];
  GPollFD cancel_fd;
  gboolean have_cancel, ret = FALSE;

  memset (fds, 0, sizeof (fds));
  fds[0].fd = wait->fd;
  fds[0].events = wait->events;

  have_cancel = g_cancellable_make_pollfd (cancellable, &cancel_fd);
  fds[1].fd = have_cancel ? cancel_fd.fd : -1;
  fds[1].events = have_cancel ? cancel_fd.events : 0;

  while (TRUE) {
    struct timespec ts;
    GstClockTime elapsed = gst_util_get_timestamp () - start;
    gint n;

    if (GST_CLOCK_TIME_IS_VALID (timeout))
      GST_TIME_TO_TIMESPEC (timeout > elapsed ? timeout - elapsed : 0, ts);

    n = ppoll (fds, 2, GST_CLOCK_TIME_IS_VALID (timeout) ? &ts : NULL, NULL);
    if (n < 0) {
      if (errno == EINTR || errno == EAGAIN)
        continue;
      dma_fence_set_error (error, errno, "poll", wait->fd);
      break;
    }

    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      break;

    if (fds[0].revents & wait->events) {
      ret = TRUE;
      break;
    }

    if (fds[0].revents != 0) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "descriptor %d cannot be waited for: poll says 0x%x", wait->fd, (guint) fds[0].revents);
      break;
    }

    if (n == 0) {
      g_autofree gchar *what = fence_wait_describe (wait);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
          "%s still pending after %" GST_TIME_FORMAT, what, GST_TIME_ARGS (timeout));
      break;
    }
  }

  if (have_cancel)
    g_cancellable_release_fd (cancellable);

  return ret;
}

/* A job that failed has still ended: nothing to wait for, but worth a word. */
static void
fence_wait_check_status (const FenceWait * wait)
{
  struct sync_file_info arg;

  memset (&arg, 0, sizeof (arg));
  if (dma_fence_ioctl (wait->fd, SYNC_IOC_FILE_INFO, &arg) == 0 && arg.status < 0) {
    g_autofree gchar *what = fence_wait_describe (wait);

    GST_WARNING ("%s: the job failed: %s", what, g_strerror (-arg.status));
  }
}

static GstDmaResvEventState
fence_wait_result (const GError * failure)
{
  if (!failure)
    return GST_DMARESV_STATE_SIGNALLED;
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return GST_DMARESV_STATE_TIMEOUT;

  return g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? GST_DMARESV_STATE_CANCELLED :
      GST_DMARESV_STATE_FAILED;
}

static gboolean
fence_wait_run (FenceWait * wait, GstClockTime timeout,
    GCancellable * cancellable, GstClockTime * waited, GError ** error)
{
  struct pollfd pfd;
  g_autoptr (GError) failure = NULL;
  GstClockTime start = gst_util_get_timestamp ();
  GstClockTime elapsed;
  guint64 id, inode = 0;

  if (waited)
    *waited = 0;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  /* poll() ignores a negative descriptor: that would wait for nothing at all. */
  if (wait->fd < 0) {
    dma_fence_set_error (error, EBADF, "poll", wait->fd);
    return FALSE;
  }

  /* The names are worth two ioctls only when there is something to wait for,
   * and they are gone once the fence has signalled. */
  pfd = (struct pollfd) {.fd = wait->fd,.events = wait->events };
  if (poll (&pfd, 1, 0) == 1 && (pfd.revents & wait->events)) {
    fence_wait_check_status (wait);
    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_WAIT_END,.cause = wait->cause,.state =
        GST_DMARESV_STATE_SIGNALLED,.fd = wait->dmabuf_fd,.access = wait->access);
    return TRUE;
  }

  gst_dma_fence_get_info (wait->fd, &wait->info, NULL);
  id = gst_dmaresv_trace_next_id ();
  if (id != 0)
    inode = gst_dmaresv_trace_inode (wait->dmabuf_fd);
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_WAIT_BEGIN,.id = id,.cause = wait->cause,.state =
      GST_DMARESV_STATE_PENDING,.inode = inode,.fd = wait->dmabuf_fd,.access =
      wait->access,.sync_fd = wait->fd,.extra = wait->info.driver,.n_extra =
      GST_DMARESV_EXTRA_FENCE);

  fence_wait_poll (wait, timeout, cancellable, start, &failure);

  elapsed = gst_util_get_timestamp () - start;
  if (waited)
    *waited = elapsed;

  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_WAIT_END,.id = id,.cause = wait->cause,.state =
      fence_wait_result (failure),.inode = inode,.fd = wait->dmabuf_fd,.access =
      wait->access,.sync_fd = wait->fd,.extra = wait->info.driver,.n_extra =
      GST_DMARESV_EXTRA_FENCE,.waited = elapsed);
  if (failure) {
    g_autofree gchar *what = fence_wait_describe (wait);

    GST_INFO ("waited %" GST_TIME_FORMAT " in vain for %s: %s",
        GST_TIME_ARGS (elapsed), what, failure->message);
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
  }

  fence_wait_check_status (wait);

  return TRUE;
}

/**
 * gst_dma_fence_wait:
 * @sync_fd: (transfer none): a sync_file
 * @timeout: how long to wait at most in ns; 0 only looks, %GST_CLOCK_TIME_NONE
 *     waits until signalled or cancelled
 * @cancellable: (nullable): ends the wait early
 * @waited: (out) (optional): how long it took, in ns, failed or not; 0 when
 *     there was nothing to wait for
 * @error: (out) (optional): return location for a #GError
 *
 * Waits until all fences of @sync_fd have signalled, well or not: a failed job
 * has ended too.  Use gst_dma_fence_get_info() to tell.
 *
 * Returns: %TRUE when signalled; %FALSE with @error set: %G_IO_ERROR_TIMED_OUT,
 *     %G_IO_ERROR_CANCELLED, %G_IO_ERROR_INVALID_ARGUMENT (no descriptor)
 */
gboolean
gst_dma_fence_wait (gint sync_fd, GstClockTime timeout,
    GCancellable * cancellable, GstClockTime * waited, GError ** error)
{
  FenceWait wait = {.fd = sync_fd,.events = POLLIN,.dmabuf_fd = -1,.cause =
        GST_DMARESV_CAUSE_ACQUIRE
  };

  return fence_wait_run (&wait, timeout, cancellable, waited, error);
}

static gboolean
fence_wait_dmabuf (gint dmabuf_fd, GstDmaAccess access, GstDmaResvCause cause,
    GstClockTime timeout, GCancellable * cancellable, GstClockTime * waited, GError ** error)
{
  FenceWait wait = {.events = POLLIN,.dmabuf_fd = dmabuf_fd,.access = access,.cause = cause };
  g_autoptr (GError) failure = NULL;
  gboolean ret;
  gint sync_fd;

  if (waited)
    *waited = 0;

  sync_fd = dma_fence_export (dmabuf_fd, access, &failure);
  if (sync_fd < 0) {
    if (!g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
    GST_LOG ("%s, polling the descriptor instead", failure->message);
    wait.fd = dmabuf_fd;
    wait.events = (access & GST_DMA_ACCESS_WRITE) ? POLLOUT : POLLIN;
    return fence_wait_run (&wait, timeout, cancellable, waited, error);
  }

  wait.fd = sync_fd;
  ret = fence_wait_run (&wait, timeout, cancellable, waited, error);
  close (sync_fd);

  return ret;
}

/**
 * gst_dma_fence_wait_dmabuf:
 * @dmabuf_fd: (transfer none): a dma-buf
 * @access: what the caller is about to do with it
 * @timeout: as in gst_dma_fence_wait()
 * @cancellable: (nullable): ends the wait early
 * @waited: (out) (optional): how long it took, in ns
 * @error: (out) (optional): return location for a #GError
 *
 * Waits for the fences that @access has to wait for and that are attached at
 * the moment of the call.  Where they cannot be exported (before Linux 6.0), it
 * polls the dma-buf itself: POLLIN for reading, POLLOUT for writing.  That also
 * lets a descriptor pass which is no dma-buf and always ready, like a memfd.
 *
 * Returns: as gst_dma_fence_wait()
 */
gboolean
gst_dma_fence_wait_dmabuf (gint dmabuf_fd, GstDmaAccess access,
    GstClockTime timeout, GCancellable * cancellable, GstClockTime * waited, GError ** error)
{
  return fence_wait_dmabuf (dmabuf_fd, access, access & GST_DMA_ACCESS_WRITE ?
      GST_DMARESV_CAUSE_RELEASE : GST_DMARESV_CAUSE_ACQUIRE, timeout, cancellable, waited, error);
}

/**
 * gst_dma_fence_wait_cpu:
 * @dmabuf_fd: (transfer none): a dma-buf that is about to be mapped
 * @access: what for
 * @timeout: as in gst_dma_fence_wait()
 * @error: (out) (optional): return location for a #GError
 *
 * gst_dma_fence_wait_dmabuf(), traced as the CPU's wait.
 *
 * Returns: as gst_dma_fence_wait()
 */
gboolean
gst_dma_fence_wait_cpu (gint dmabuf_fd, GstDmaAccess access, GstClockTime timeout, GError ** error)
{
  return fence_wait_dmabuf (dmabuf_fd, access, GST_DMARESV_CAUSE_MAP, timeout, NULL, NULL, error);
}

static gboolean
buffer_has_fd_before (GstBuffer * buffer, guint n, gint fd)
{
  guint i;

  for (i = 0; i < n; i++) {
    GstMemory *mem = gst_buffer_peek_memory (buffer, i);

    if (gst_is_dmabuf_memory (mem) && gst_dmabuf_memory_get_fd (mem) == fd)
      return TRUE;
  }

  return FALSE;
}

/**
 * gst_dma_fence_wait_buffer:
 * @buffer: (transfer none): a buffer
 * @access: what the caller is about to do with it
 * @timeout: how long to wait at most in ns, for all memories together
 * @cancellable: (nullable): ends the wait early
 * @waited: (out) (optional): how long it took in total, in ns
 * @error: (out) (optional): return location for a #GError
 *
 * gst_dma_fence_wait_dmabuf() for each dma-buf of @buffer, each once.  Memories
 * that are no dma-bufs have no fences and are passed over.
 *
 * Returns: as gst_dma_fence_wait()
 */
gboolean
gst_dma_fence_wait_buffer (GstBuffer * buffer, GstDmaAccess access,
    GstClockTime timeout, GCancellable * cancellable, GstClockTime * waited, GError ** error)
{
  GstClockTime total = 0;
  gboolean ret = TRUE;
  guint i;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), FALSE);

  for (i = 0; ret && i < gst_buffer_n_memory (buffer); i++) {
    GstMemory *mem = gst_buffer_peek_memory (buffer, i);
    GstClockTime left = timeout, took = 0;
    gint fd;

    if (!gst_is_dmabuf_memory (mem))
      continue;

    fd = gst_dmabuf_memory_get_fd (mem);
    if (buffer_has_fd_before (buffer, i, fd))
      continue;

    if (GST_CLOCK_TIME_IS_VALID (timeout))
      left = timeout > total ? timeout - total : 0;

    ret = gst_dma_fence_wait_dmabuf (fd, access, left, cancellable, &took, error);
    total += took;
  }

  if (waited)
    *waited = total;

  return ret;
}

/* The descriptor of the @n-th memory, if it is a dma-buf that no memory before it is; else -1. */
static gint
buffer_next_fd (GstBuffer * buffer, guint n)
{
  GstMemory *mem = gst_buffer_peek_memory (buffer, n);
  gint fd;

  if (!gst_is_dmabuf_memory (mem))
    return -1;
  fd = gst_dmabuf_memory_get_fd (mem);

  return buffer_has_fd_before (buffer, n, fd) ? -1 : fd;
}

static void
dma_fence_set_no_dmabuf (GError ** error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "the buffer has no dma-buf that could have fences");
}

/**
 * gst_dma_fence_collect:
 * @all: (inout): a sync_file descriptor, or -1 when nothing has been collected yet
 * @sync_fd: (transfer full): the sync_file to add; -1, from a call that failed and
 *     set @error, is passed on as the failure it is
 * @error: (inout) (optional): return location for a #GError
 *
 * gst_dma_fence_merge() for a loop: what comes first becomes @all, the rest is
 * merged into it.
 *
 * Returns: %FALSE with @error set on failure; then @all has been closed and is -1
 */
gboolean
gst_dma_fence_collect (gint * all, gint sync_fd, GError ** error)
{
  gint merged = sync_fd;

  if (sync_fd >= 0 && *all >= 0) {
    merged = gst_dma_fence_merge ("dmaresv-buffer", *all, sync_fd, error);
    close (sync_fd);
  }
  if (*all >= 0)
    close (*all);
  *all = merged;

  return merged >= 0;
}

/**
 * gst_dma_fence_export_buffer:
 * @buffer: (transfer none): a buffer
 * @access: what the caller is about to do with it
 * @error: (out) (optional): return location for a #GError
 *
 * gst_dma_fence_export() for all dma-bufs of @buffer, merged into one sync_file:
 * what an explicitly synchronised user takes as its acquire fence (KMS: the
 * plane property IN_FENCE_FD; GL: EGL_ANDROID_native_fence_sync; Vulkan: a
 * semaphore imported from VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT).
 *
 * The buffer must be finished or have been handed over early with its fence
 * seen pending (#GstDmaFenceMeta): of a job that is queued but has not begun,
 * no export knows.  Memories that are no dma-bufs are passed over.
 *
 * Returns: (transfer full): a sync_file descriptor for the caller to close, or -1
 *     with @error set: %G_IO_ERROR_NOT_SUPPORTED before Linux 6.0 and when there
 *     is no dma-buf in @buffer
 */
gint
gst_dma_fence_export_buffer (GstBuffer * buffer, GstDmaAccess access, GError ** error)
{
  gint all = -1;
  guint i;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), -1);

  for (i = 0; i < gst_buffer_n_memory (buffer); i++) {
    gint dmabuf_fd = buffer_next_fd (buffer, i);

    if (dmabuf_fd >= 0
        && !gst_dma_fence_collect (&all, gst_dma_fence_export (dmabuf_fd, access, error), error))
      return -1;
  }

  if (all < 0)
    dma_fence_set_no_dmabuf (error);

  return all;
}

/**
 * gst_dma_fence_import_buffer:
 * @buffer: (transfer none): a buffer
 * @sync_fd: (transfer none): a sync_file
 * @access: what the job behind @sync_fd does with @buffer
 * @error: (out) (optional): return location for a #GError
 *
 * gst_dma_fence_import() for all dma-bufs of @buffer.  It is how an explicitly
 * synchronised consumer gives its release fence back: with
 * %GST_DMA_ACCESS_READ, before its last reference to @buffer goes, the producer's
 * pool does not use the memory again before the fence has signalled
 * (#GstDmaResvPool).  The fence must signal in finite time, whatever happens.
 *
 * When it fails, dma-bufs before the one that failed have the fence; that
 * delays their reuse and does no other harm.
 *
 * Returns: %FALSE with @error set on failure: %G_IO_ERROR_NOT_SUPPORTED before
 *     Linux 6.0 and when there is no dma-buf in @buffer (then wait for @sync_fd
 *     with gst_dma_fence_wait() before the buffer is let go)
 */
gboolean
gst_dma_fence_import_buffer (GstBuffer * buffer, gint sync_fd, GstDmaAccess access, GError ** error)
{
  gboolean any = FALSE;
  guint i;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), FALSE);

  for (i = 0; i < gst_buffer_n_memory (buffer); i++) {
    gint dmabuf_fd = buffer_next_fd (buffer, i);

    if (dmabuf_fd < 0)
      continue;
    if (!gst_dma_fence_import (dmabuf_fd, sync_fd, access, error))
      return FALSE;
    any = TRUE;
  }

  if (!any)
    dma_fence_set_no_dmabuf (error);

  return any;
}

/**
 * gst_dma_fence_cpu_access:
 * @dmabuf_fd: a dma-buf
 * @access: what the CPU is about to do, or has done
 * @begin: %TRUE before the access (DMA_BUF_SYNC_START), %FALSE after it
 *     (DMA_BUF_SYNC_END)
 * @error: (out) (optional): return location for a #GError
 *
 * Makes the CPU's view of a dma-buf coherent (DMA_BUF_IOCTL_SYNC).  At its
 * begin the kernel also waits for the fences, without a bound: wait with
 * gst_dma_fence_wait_dmabuf() first.
 *
 * Returns: %FALSE with @error set on failure; %G_IO_ERROR_NOT_SUPPORTED when
 *     @dmabuf_fd is no dma-buf
 */
gboolean
gst_dma_fence_cpu_access (gint dmabuf_fd, GstDmaAccess access, gboolean begin, GError ** error)
{
  struct dma_buf_sync arg;

  memset (&arg, 0, sizeof (arg));
  arg.flags = dma_access_to_sync_flags (access);
  arg.flags |= begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END;

  if (dma_fence_ioctl (dmabuf_fd, DMA_BUF_IOCTL_SYNC, &arg) < 0) {
    dma_fence_set_error (error, errno, "DMA_BUF_IOCTL_SYNC", dmabuf_fd);
    return FALSE;
  }

  return TRUE;
}
