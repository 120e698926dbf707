/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Media requests (MEDIA_IOC_REQUEST_ALLOC and the request descriptor's
 * QUEUE / REINIT), kept in a pool because making one costs a descriptor.
 */
#ifndef V4L2_REQUEST_H
#define V4L2_REQUEST_H

#include "m2m.h"

G_BEGIN_DECLS

typedef struct _V4l2RequestPool V4l2RequestPool;
typedef struct _V4l2Request V4l2Request;

V4l2RequestPool *v4l2_request_pool_new (V4l2M2m * m2m);
void             v4l2_request_pool_free (V4l2RequestPool * pool);

/* A request ready to take controls and buffers (transfer full; give it back with put). */
V4l2Request *v4l2_request_pool_get (V4l2RequestPool * pool, GError ** error);
/* Returns it to the pool: REINIT when it completed or was never queued, closed otherwise. */
void         v4l2_request_pool_put (V4l2RequestPool * pool, V4l2Request * request);

gint         v4l2_request_get_fd (const V4l2Request * request);
gboolean     v4l2_request_queue (V4l2Request * request, GError ** error);
/* Whether it completed (POLLPRI), without waiting. */
gboolean     v4l2_request_is_done (V4l2Request * request);
/* G_IO_ERROR_TIMED_OUT after @timeout ns, G_IO_ERROR_CANCELLED when cancelled. */
gboolean     v4l2_request_wait (V4l2Request * request, GstClockTime timeout,
    GCancellable * cancellable, GError ** error);

G_END_DECLS
#endif
