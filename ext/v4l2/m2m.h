/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One open V4L2 memory-to-memory device: its OUTPUT queue (what goes into the
 * hardware) and its CAPTURE queue (what comes out), in the single- or the
 * multi-planar API, whichever the driver has; the difference ends here.
 *
 * Functions return FALSE (or -1, NULL) with a GError of G_IO_ERROR made from
 * errno, whose message names the ioctl and the device.  Not thread-safe, but
 * for v4l2_m2m_queue / v4l2_m2m_dequeue / v4l2_m2m_wait on different queues.
 */
#ifndef V4L2_M2M_H
#define V4L2_M2M_H

#include <gio/gio.h>
#include <gst/gst.h>
#include <linux/videodev2.h>

#include "media.h"

G_BEGIN_DECLS

typedef struct _V4l2M2m V4l2M2m;

typedef enum
{
  V4L2_M2M_OUTPUT,
  V4L2_M2M_CAPTURE
} V4l2M2mDir;

#define V4L2_M2M_MAX_PLANES 4

typedef struct
{
  guint32 pixelformat;          /* V4L2_PIX_FMT_* */
  guint width, height;          /* pixels */
  guint n_planes;               /* memory planes (1 for NV12, 2 for NV12M) */
  struct
  {
    guint bytesperline;         /* bytes */
    guint sizeimage;            /* bytes */
  } planes[V4L2_M2M_MAX_PLANES];
  guint32 colorspace, ycbcr_enc, quantization, xfer_func;
  guint32 field;
} V4l2Format;

typedef struct
{
  guint index;
  guint n_planes;
  struct
  {
    gint fd;                    /* DMABUF import; not owned */
    guint bytesused;            /* bytes, data_offset included */
    guint length;               /* bytes */
    guint data_offset;          /* bytes */
  } planes[V4L2_M2M_MAX_PLANES];
  guint32 memory;               /* V4L2_MEMORY_MMAP or V4L2_MEMORY_DMABUF */
  guint32 flags;                /* in and out: V4L2_BUF_FLAG_*; ERROR after dequeue */
  guint32 field;
  guint64 timestamp;            /* ns; V4L2 keeps whole microseconds */
  gint request_fd;              /* -1: no request */
} V4l2Buffer;

#define V4L2_BUFFER_INIT { .request_fd = -1, .memory = V4L2_MEMORY_MMAP }

V4l2M2m        *v4l2_m2m_open (const V4l2DeviceInfo * info, GError ** error);
void            v4l2_m2m_close (V4l2M2m * m2m);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (V4l2M2m, v4l2_m2m_close)

const V4l2DeviceInfo *v4l2_m2m_get_info (const V4l2M2m * m2m);
gint            v4l2_m2m_get_fd (const V4l2M2m * m2m);
gint            v4l2_m2m_get_media_fd (const V4l2M2m * m2m);    /* -1: none */

/* Formats. enum: FALSE at the end of the list, without a GError. */
gboolean        v4l2_m2m_enum_format (V4l2M2m * m2m, V4l2M2mDir dir, guint index,
    guint32 * pixelformat);
gboolean        v4l2_m2m_enum_frame_size (V4l2M2m * m2m, guint32 pixelformat, guint index,
    struct v4l2_frmsizeenum *size);
gboolean        v4l2_m2m_get_format (V4l2M2m * m2m, V4l2M2mDir dir, V4l2Format * format,
    GError ** error);
gboolean        v4l2_m2m_try_format (V4l2M2m * m2m, V4l2M2mDir dir, V4l2Format * format,
    GError ** error);
gboolean        v4l2_m2m_set_format (V4l2M2m * m2m, V4l2M2mDir dir, V4l2Format * format,
    GError ** error);
gboolean        v4l2_m2m_set_selection (V4l2M2m * m2m, V4l2M2mDir dir, guint32 target,
    struct v4l2_rect *rect, GError ** error);
gboolean        v4l2_m2m_get_selection (V4l2M2m * m2m, V4l2M2mDir dir, guint32 target,
    struct v4l2_rect *rect, GError ** error);

/* Buffers. @count: in wanted, out given. @caps: out, V4L2_BUF_CAP_*, nullable. */
gboolean        v4l2_m2m_request_buffers (V4l2M2m * m2m, V4l2M2mDir dir, guint32 memory,
    guint * count, guint32 * caps, GError ** error);
gboolean        v4l2_m2m_create_buffers (V4l2M2m * m2m, V4l2M2mDir dir, guint32 memory,
    guint * count, guint * first_index, GError ** error);
/* A new dma-buf descriptor (transfer full) for one plane of an MMAP buffer, -1 on error. */
gint            v4l2_m2m_export (V4l2M2m * m2m, V4l2M2mDir dir, guint index, guint plane,
    GError ** error);
/* The buffer's planes as the driver laid them out: n_planes, length, data_offset. */
gboolean        v4l2_m2m_query_buffer (V4l2M2m * m2m, V4l2M2mDir dir, guint index,
    V4l2Buffer * buffer, GError ** error);
/* Maps plane 0 of an MMAP buffer for the CPU; unmap with munmap(). NULL on error. */
gpointer        v4l2_m2m_map (V4l2M2m * m2m, V4l2M2mDir dir, guint index, gsize * size,
    GError ** error);

gboolean        v4l2_m2m_stream (V4l2M2m * m2m, V4l2M2mDir dir, gboolean on, GError ** error);
gboolean        v4l2_m2m_queue (V4l2M2m * m2m, V4l2M2mDir dir, const V4l2Buffer * buffer,
    GError ** error);
/* VIDIOC_DECODER_CMD: the CAPTURE buffer that the last OUTPUT buffer holds
 * (V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF) is done with its job. */
gboolean        v4l2_m2m_release_held (V4l2M2m * m2m, GError ** error);
/* Non-blocking: G_IO_ERROR_WOULD_BLOCK when none is done. */
gboolean        v4l2_m2m_dequeue (V4l2M2m * m2m, V4l2M2mDir dir, guint32 memory,
    V4l2Buffer * buffer, GError ** error);
/* Waits for a buffer to dequeue (CAPTURE: POLLIN, OUTPUT: POLLOUT). G_IO_ERROR_TIMED_OUT after
 * @timeout ns, G_IO_ERROR_CANCELLED when cancelled. */
gboolean        v4l2_m2m_wait (V4l2M2m * m2m, V4l2M2mDir dir, GstClockTime timeout,
    GCancellable * cancellable, GError ** error);

/* Controls */
typedef struct
{
  guint32 id;                   /* V4L2_CID_* */
  gsize size;                   /* bytes */
  gpointer data;                /* the compound payload, or a gint32 for an integer control */
} V4l2Control;

gboolean        v4l2_m2m_query_control (V4l2M2m * m2m, guint32 id,
    struct v4l2_query_ext_ctrl *query);
/* Whether menu item @value of menu control @id exists (profiles, decode modes). */
gboolean        v4l2_m2m_has_menu_item (V4l2M2m * m2m, guint32 id, gint64 value);
/* Sets all in one VIDIOC_S_EXT_CTRLS; each payload's size is checked against the driver's
 * first (an array control takes any whole number of elements). @request_fd -1: set at once. */
gboolean        v4l2_m2m_set_controls (V4l2M2m * m2m, gint request_fd, const V4l2Control * controls,
    guint n_controls, GError ** error);
gboolean        v4l2_m2m_get_control (V4l2M2m * m2m, V4l2Control * control, GError ** error);

G_END_DECLS
#endif
