/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* ppoll */
#endif
#include "v4l2-ioctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

GstDebugCategory *
v4l2_debug_category (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once)) {
    GstDebugCategory *category = _gst_debug_category_new ("dmaresvv4l2", 0,
        "V4L2, media and request ioctls");
    /* NULL where GStreamer has been built without its log: any non-zero value ends the once. */
    g_once_init_leave (&once, category ? (gsize) category : 1);
  }
  return once == 1 ? NULL : (GstDebugCategory *) once;
}

#define GST_CAT_DEFAULT v4l2_debug_category ()

gint
v4l2_node_open (const gchar * path, GError ** error)
{
  gint fd;

  do
    fd = open (path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);

  if (fd < 0) {
    gint err = errno;

    GST_DEBUG ("open %s: %s", path, g_strerror (err));
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (err), "Cannot open %s: %s", path,
        g_strerror (err));
    errno = err;
  }
  return fd;
}

gboolean
v4l2_node_ioctl (gint fd, const gchar * path, gulong request, const gchar * name, gpointer arg,
    GError ** error)
{
  gint ret, err;

  do
    ret = ioctl (fd, request, arg);
  while (ret < 0 && errno == EINTR);

  if (ret >= 0) {
    GST_TRACE ("%s: %s", path, name);
    return TRUE;
  }

  err = errno;
  /* The ends of enumerations and an empty queue are answers, not failures. */
  if (err == EAGAIN || err == EINVAL)
    GST_LOG ("%s: %s: %s", path, name, g_strerror (err));
  else
    GST_DEBUG ("%s: %s: %s", path, name, g_strerror (err));
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (err), "%s on %s failed: %s", name, path,
      g_strerror (err));
  errno = err;
  return FALSE;
}

/* One ppoll() until @deadline (monotonic ns, GST_CLOCK_TIME_NONE: none), EINTR retried. */
static gint
poll_until (struct pollfd *fds, guint n_fds, GstClockTime deadline)
{
  gint ret;

  do {
    struct timespec ts = { 0, 0 };

    if (GST_CLOCK_TIME_IS_VALID (deadline)) {
      GstClockTime now = gst_util_get_timestamp ();

      if (deadline > now)
        GST_TIME_TO_TIMESPEC (deadline - now, ts);
    }
    ret = ppoll (fds, n_fds, GST_CLOCK_TIME_IS_VALID (deadline) ? &ts : NULL, NULL);
  } while (ret < 0 && errno == EINTR);

  return ret;
}

gboolean
v4l2_node_poll (gint fd, const gchar * path, gshort events, GstClockTime timeout,
    GCancellable * cancellable, const gchar * what, gshort * revents, GError ** error)
{
  struct pollfd fds[2] = { {.fd = fd,.events = events}, {.fd = -1} };
  GstClockTime start = gst_util_get_timestamp ();
  GstClockTime deadline = GST_CLOCK_TIME_NONE;
  GPollFD cancel_fd;
  guint n_fds = 1;
  gint ret, err;

  if (revents)
    *revents = 0;
  if (GST_CLOCK_TIME_IS_VALID (timeout))
    deadline = timeout < GST_CLOCK_TIME_NONE - 1 - start ? start + timeout : GST_CLOCK_TIME_NONE;
  if (cancellable && g_cancellable_make_pollfd (cancellable, &cancel_fd)) {
    fds[1].fd = cancel_fd.fd;
    fds[1].events = POLLIN;
    n_fds = 2;
  }

  ret = poll_until (fds, n_fds, deadline);
  err = errno;
  if (n_fds == 2)
    g_cancellable_release_fd (cancellable);

  GST_LOG ("%s: waited %" GST_TIME_FORMAT " for %s: %s", path,
      GST_TIME_ARGS (gst_util_get_timestamp () - start), what,
      ret < 0 ? g_strerror (err) : ret == 0 ? "timed out" : fds[0].revents ? "done" : "cancelled");

  if (ret < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (err), "Waiting for %s on %s failed: %s",
        what, path, g_strerror (err));
    return FALSE;
  }
  if (ret == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
        "%s did not come from %s within %" G_GUINT64_FORMAT " ms", what, path,
        (guint64) (timeout / GST_MSECOND));
    return FALSE;
  }
  if (!fds[0].revents) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Waiting for %s on %s was cancelled",
        what, path);
    return FALSE;
  }
  if (revents)
    *revents = fds[0].revents;
  return TRUE;
}

void
v4l2_node_close (gint * fd)
{
  /* Never retried: on Linux the descriptor is gone even after EINTR. */
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}
