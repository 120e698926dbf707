/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <linux/media.h>
#include <poll.h>

#include "v4l2-ioctl.h"

#define GST_CAT_DEFAULT v4l2_debug_category ()

struct _V4l2RequestPool
{
  V4l2M2m *m2m;                 /* not owned */
  GMutex lock;
  GQueue idle;                  /* V4l2Request, reinitialised */
  guint outstanding;
};

struct _V4l2Request
{
  const gchar *path;            /* the device's, for messages; owned by the V4l2M2m */
  gint fd;
  gboolean queued;              /* since the last REINIT */
};

static void
request_free (V4l2Request * request)
{
  v4l2_node_close (&request->fd);
  g_free (request);
}

/**
 * v4l2_request_pool_new:
 * @m2m: a device with a media device; must outlive the pool
 *
 * The pool may be used from several threads, a request from one at a time.
 *
 * Returns: (transfer full): an empty pool
 */
V4l2RequestPool *
v4l2_request_pool_new (V4l2M2m * m2m)
{
  V4l2RequestPool *pool = g_new0 (V4l2RequestPool, 1);

  pool->m2m = m2m;
  g_mutex_init (&pool->lock);
  g_queue_init (&pool->idle);
  return pool;
}

/**
 * v4l2_request_pool_free:
 * @pool: (transfer full) (nullable): every request has to have been put back
 */
void
v4l2_request_pool_free (V4l2RequestPool * pool)
{
  if (!pool)
    return;
  if (pool->outstanding)
    g_critical ("%u media requests are still in use", pool->outstanding);
  g_queue_clear_full (&pool->idle, (GDestroyNotify) request_free);
  g_mutex_clear (&pool->lock);
  g_free (pool);
}

/**
 * v4l2_request_pool_get:
 *
 * Takes an idle request or allocates one (MEDIA_IOC_REQUEST_ALLOC).
 *
 * Returns: (transfer full) (nullable): a request without controls and buffers, or %NULL with @error
 */
V4l2Request *
v4l2_request_pool_get (V4l2RequestPool * pool, GError ** error)
{
  const V4l2DeviceInfo *info = v4l2_m2m_get_info (pool->m2m);
  V4l2Request *request;
  gint fd = -1;

  g_mutex_lock (&pool->lock);
  request = g_queue_pop_head (&pool->idle);
  if (request)
    pool->outstanding++;
  g_mutex_unlock (&pool->lock);
  if (request)
    return request;

  if (v4l2_m2m_get_media_fd (pool->m2m) < 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "%s has no media device to allocate requests from", info->video_path);
    return NULL;
  }
  if (!V4L2_IOCTL (v4l2_m2m_get_media_fd (pool->m2m), info->media_path, MEDIA_IOC_REQUEST_ALLOC,
          &fd, error))
    return NULL;

  request = g_new0 (V4l2Request, 1);
  request->path = info->media_path;
  request->fd = fd;
  g_mutex_lock (&pool->lock);
  pool->outstanding++;
  g_mutex_unlock (&pool->lock);
  return request;
}

/**
 * v4l2_request_pool_put:
 * @request: (transfer full) (nullable): from v4l2_request_pool_get()
 *
 * MEDIA_REQUEST_IOC_REINIT is refused (EBUSY) while a request is queued, so one that has not
 * completed is closed; the kernel keeps it until its job is done.
 */
void
v4l2_request_pool_put (V4l2RequestPool * pool, V4l2Request * request)
{
  gboolean keep;

  if (!request)
    return;

  keep = !request->queued || v4l2_request_is_done (request);
  if (keep)
    keep = V4L2_IOCTL (request->fd, request->path, MEDIA_REQUEST_IOC_REINIT, NULL, NULL);
  else
    GST_DEBUG ("%s: closing request %d, which has not completed", request->path, request->fd);

  g_mutex_lock (&pool->lock);
  pool->outstanding--;
  if (keep) {
    request->queued = FALSE;
    g_queue_push_tail (&pool->idle, g_steal_pointer (&request));
  }
  g_mutex_unlock (&pool->lock);

  if (request)
    request_free (request);
}

gint
v4l2_request_get_fd (const V4l2Request * request)
{
  return request->fd;
}

/**
 * v4l2_request_queue:
 *
 * MEDIA_REQUEST_IOC_QUEUE. With an idle device the job starts inside this call. An error leaves
 * the request as it was: G_IO_ERROR_NOT_FOUND (ENOENT) when it holds no buffer, among others.
 */
gboolean
v4l2_request_queue (V4l2Request * request, GError ** error)
{
  if (!V4L2_IOCTL (request->fd, request->path, MEDIA_REQUEST_IOC_QUEUE, NULL, error))
    return FALSE;
  request->queued = TRUE;
  return TRUE;
}

gboolean
v4l2_request_is_done (V4l2Request * request)
{
  gshort revents;

  return request->queued
      && v4l2_node_poll (request->fd, request->path, POLLPRI, 0, NULL, "a request's completion",
      &revents, NULL) && (revents & POLLPRI);
}

/**
 * v4l2_request_wait:
 * @timeout: ns
 *
 * Waits for the request's completion (POLLPRI). POLLERR means that it is not queued.
 */
gboolean
v4l2_request_wait (V4l2Request * request, GstClockTime timeout, GCancellable * cancellable,
    GError ** error)
{
  gshort revents;

  if (!v4l2_node_poll (request->fd, request->path, POLLPRI, timeout, cancellable,
          "a request's completion", &revents, error))
    return FALSE;
  if (!(revents & POLLPRI)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "Request %d of %s is not queued, so it cannot complete", request->fd, request->path);
    return FALSE;
  }
  return TRUE;
}
