/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one place where the media, request and V4L2 device nodes are opened,
 * asked and waited for: EINTR is retried, failures become a GError that names
 * the call and the node, and everything shows in the category "dmaresvv4l2".
 *
 * Private to ext/v4l2.
 */
#ifndef V4L2_IOCTL_H
#define V4L2_IOCTL_H

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* The category "dmaresvv4l2"; thread-safe, made on first use. */
GstDebugCategory *v4l2_debug_category (void);

/* Opens @path read-write, non-blocking and close-on-exec. -1 with @error from errno. */
gint     v4l2_node_open (const gchar * path, GError ** error);

/*
 * ioctl @request on @fd. @name (its uAPI name) and @path are for messages. @arg has been zeroed by
 * the caller but for its inputs. FALSE: errno kept, and @error (G_IO_ERROR, nullable) from it.
 */
gboolean v4l2_node_ioctl (gint fd, const gchar * path, gulong request, const gchar * name,
    gpointer arg, GError ** error);

#define V4L2_IOCTL(fd, path, request, arg, error) \
  v4l2_node_ioctl ((fd), (path), (request), #request, (arg), (error))

/*
 * Waits until @fd has one of @events (POLLIN, POLLOUT, POLLPRI) or POLLERR, at most @timeout ns
 * (GST_CLOCK_TIME_NONE: no bound, so give a @cancellable). @what names the wait for the log.
 * FALSE: G_IO_ERROR_TIMED_OUT, G_IO_ERROR_CANCELLED or poll's own errno. @revents: nullable.
 */
gboolean v4l2_node_poll (gint fd, const gchar * path, gshort events, GstClockTime timeout,
    GCancellable * cancellable, const gchar * what, gshort * revents, GError ** error);

/* close() with @fd set to -1; nothing for a negative one. */
void     v4l2_node_close (gint * fd);

G_END_DECLS
#endif
