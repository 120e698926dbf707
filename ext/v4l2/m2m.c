/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "m2m.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "v4l2-ioctl.h"

#define GST_CAT_DEFAULT v4l2_debug_category ()

/* What VIDIOC_QUERY_EXT_CTRL said, kept because every request sets the same few controls. */
typedef struct
{
  guint32 id;
  gboolean known;               /* the driver has it */
  gboolean payload;             /* V4L2_CTRL_FLAG_HAS_PAYLOAD */
  gboolean dynamic;             /* V4L2_CTRL_FLAG_DYNAMIC_ARRAY */
  gsize elem_size;              /* bytes */
  gsize max_size;               /* bytes, of the whole array */
} ControlInfo;

struct _V4l2M2m
{
  V4l2DeviceInfo *info;
  gint fd;
  gint media_fd;
  gboolean mplane;
  GArray *controls;             /* ControlInfo */
};

/* Not by way of V4L2_IOCTL, which would get the request expanded and name it by its number. */
#define M2M_IOCTL(m2m, request, arg, error) \
  v4l2_node_ioctl ((m2m)->fd, (m2m)->info->video_path, (request), #request, (arg), (error))

static const gchar *
dir_name (V4l2M2mDir dir)
{
  return dir == V4L2_M2M_OUTPUT ? "OUTPUT" : "CAPTURE";
}

static guint32
buf_type (const V4l2M2m * m2m, V4l2M2mDir dir)
{
  if (m2m->mplane)
    return dir == V4L2_M2M_OUTPUT ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
        V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
  return dir == V4L2_M2M_OUTPUT ? V4L2_BUF_TYPE_VIDEO_OUTPUT : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

/**
 * v4l2_m2m_open:
 * @info: the nodes; copied
 *
 * Opens the video node, and the media node where there is one. Each open is a context of its own
 * with its own formats, controls and queues.
 *
 * Returns: (transfer full) (nullable): the device, or %NULL with @error
 */
V4l2M2m *
v4l2_m2m_open (const V4l2DeviceInfo * info, GError ** error)
{
  g_autoptr (V4l2M2m) m2m = g_new0 (V4l2M2m, 1);

  m2m->media_fd = -1;
  m2m->info = v4l2_device_info_copy (info);
  m2m->controls = g_array_new (FALSE, TRUE, sizeof (ControlInfo));
  m2m->mplane = (info->device_caps & V4L2_CAP_VIDEO_M2M_MPLANE) != 0;

  m2m->fd = v4l2_node_open (info->video_path, error);
  if (m2m->fd < 0)
    return NULL;
  if (info->media_path) {
    m2m->media_fd = v4l2_node_open (info->media_path, error);
    if (m2m->media_fd < 0)
      return NULL;
  }
  return g_steal_pointer (&m2m);
}

/**
 * v4l2_m2m_close:
 * @m2m: (transfer full) (nullable):
 *
 * Closing stops both queues. The kernel waits in there, without a bound, for a running job of a
 * driver that has no job_abort (v4l2_m2m_cancel_job() in v4l2-mem2mem.c), so a caller that has
 * seen a job time out has to think first.
 */
void
v4l2_m2m_close (V4l2M2m * m2m)
{
  if (!m2m)
    return;
  v4l2_node_close (&m2m->fd);
  v4l2_node_close (&m2m->media_fd);
  v4l2_device_info_free (m2m->info);
  g_array_unref (m2m->controls);
  g_free (m2m);
}

const V4l2DeviceInfo *
v4l2_m2m_get_info (const V4l2M2m * m2m)
{
  return m2m->info;
}

gint
v4l2_m2m_get_fd (const V4l2M2m * m2m)
{
  return m2m->fd;
}

gint
v4l2_m2m_get_media_fd (const V4l2M2m * m2m)
{
  return m2m->media_fd;
}

/* --- formats --- */

gboolean
v4l2_m2m_enum_format (V4l2M2m * m2m, V4l2M2mDir dir, guint index, guint32 * pixelformat)
{
  struct v4l2_fmtdesc desc = {.index = index,.type = buf_type (m2m, dir) };

  if (!M2M_IOCTL (m2m, VIDIOC_ENUM_FMT, &desc, NULL))
    return FALSE;
  *pixelformat = desc.pixelformat;
  return TRUE;
}

gboolean
v4l2_m2m_enum_frame_size (V4l2M2m * m2m, guint32 pixelformat, guint index,
    struct v4l2_frmsizeenum *size)
{
  memset (size, 0, sizeof (*size));
  size->index = index;
  size->pixel_format = pixelformat;
  return M2M_IOCTL (m2m, VIDIOC_ENUM_FRAMESIZES, size, NULL);
}

/* Whether a CAPTURE format asks for a colorimetry of its own (V4L2_PIX_FMT_FLAG_SET_CSC). */
static gboolean
wants_csc (V4l2M2mDir dir, const V4l2Format * format)
{
  return dir == V4L2_M2M_CAPTURE && (format->colorspace || format->ycbcr_enc
      || format->quantization || format->xfer_func);
}

static void
format_to_mplane (V4l2M2mDir dir, const V4l2Format * format, struct v4l2_pix_format_mplane *pix)
{
  guint i;

  pix->pixelformat = format->pixelformat;
  pix->width = format->width;
  pix->height = format->height;
  pix->field = format->field;
  pix->colorspace = format->colorspace;
  pix->ycbcr_enc = format->ycbcr_enc;
  pix->quantization = format->quantization;
  pix->xfer_func = format->xfer_func;
  pix->flags = wants_csc (dir, format) ? V4L2_PIX_FMT_FLAG_SET_CSC : 0;
  pix->num_planes = MIN (format->n_planes, V4L2_M2M_MAX_PLANES);
  for (i = 0; i < pix->num_planes; i++) {
    pix->plane_fmt[i].bytesperline = format->planes[i].bytesperline;
    pix->plane_fmt[i].sizeimage = format->planes[i].sizeimage;
  }
}

static void
format_to_single (V4l2M2mDir dir, const V4l2Format * format, struct v4l2_pix_format *pix)
{
  pix->pixelformat = format->pixelformat;
  pix->width = format->width;
  pix->height = format->height;
  pix->field = format->field;
  pix->colorspace = format->colorspace;
  /* Without the magic the kernel takes the members after priv for garbage and clears them. */
  pix->priv = V4L2_PIX_FMT_PRIV_MAGIC;
  pix->ycbcr_enc = format->ycbcr_enc;
  pix->quantization = format->quantization;
  pix->xfer_func = format->xfer_func;
  pix->flags = wants_csc (dir, format) ? V4L2_PIX_FMT_FLAG_SET_CSC : 0;
  pix->bytesperline = format->planes[0].bytesperline;
  pix->sizeimage = format->planes[0].sizeimage;
}

static void
format_from_kernel (const V4l2M2m * m2m, const struct v4l2_format *fmt, V4l2Format * format)
{
  guint i;

  memset (format, 0, sizeof (*format));
  if (m2m->mplane) {
    const struct v4l2_pix_format_mplane *pix = &fmt->fmt.pix_mp;

    format->pixelformat = pix->pixelformat;
    format->width = pix->width;
    format->height = pix->height;
    format->field = pix->field;
    format->colorspace = pix->colorspace;
    format->ycbcr_enc = pix->ycbcr_enc;
    format->quantization = pix->quantization;
    format->xfer_func = pix->xfer_func;
    format->n_planes = MIN (pix->num_planes, V4L2_M2M_MAX_PLANES);
    for (i = 0; i < format->n_planes; i++) {
      format->planes[i].bytesperline = pix->plane_fmt[i].bytesperline;
      format->planes[i].sizeimage = pix->plane_fmt[i].sizeimage;
    }
  } else {
    const struct v4l2_pix_format *pix = &fmt->fmt.pix;

    format->pixelformat = pix->pixelformat;
    format->width = pix->width;
    format->height = pix->height;
    format->field = pix->field;
    format->colorspace = pix->colorspace;
    if (pix->priv == V4L2_PIX_FMT_PRIV_MAGIC) {
      format->ycbcr_enc = pix->ycbcr_enc;
      format->quantization = pix->quantization;
      format->xfer_func = pix->xfer_func;
    }
    format->n_planes = 1;
    format->planes[0].bytesperline = pix->bytesperline;
    format->planes[0].sizeimage = pix->sizeimage;
  }
}

static void
log_format (const V4l2M2m * m2m, V4l2M2mDir dir, const gchar * what, const V4l2Format * format)
{
  GST_DEBUG ("%s: %s %s: %" GST_FOURCC_FORMAT " %ux%u, %u plane(s), stride %u, size %u, "
      "colorspace %u/%u/%u/%u", m2m->info->video_path, what, dir_name (dir),
      GST_FOURCC_ARGS (format->pixelformat), format->width, format->height, format->n_planes,
      format->planes[0].bytesperline, format->planes[0].sizeimage, format->colorspace,
      format->ycbcr_enc, format->quantization, format->xfer_func);
}

gboolean
v4l2_m2m_get_format (V4l2M2m * m2m, V4l2M2mDir dir, V4l2Format * format, GError ** error)
{
  struct v4l2_format fmt = {.type = buf_type (m2m, dir) };

  if (!M2M_IOCTL (m2m, VIDIOC_G_FMT, &fmt, error))
    return FALSE;
  format_from_kernel (m2m, &fmt, format);
  log_format (m2m, dir, "G_FMT", format);
  return TRUE;
}

static void
format_to_kernel (const V4l2M2m * m2m, V4l2M2mDir dir, const V4l2Format * format,
    struct v4l2_format *fmt)
{
  memset (fmt, 0, sizeof (*fmt));
  fmt->type = buf_type (m2m, dir);
  if (m2m->mplane)
    format_to_mplane (dir, format, &fmt->fmt.pix_mp);
  else
    format_to_single (dir, format, &fmt->fmt.pix);
}

gboolean
v4l2_m2m_try_format (V4l2M2m * m2m, V4l2M2mDir dir, V4l2Format * format, GError ** error)
{
  struct v4l2_format fmt;

  format_to_kernel (m2m, dir, format, &fmt);
  if (!M2M_IOCTL (m2m, VIDIOC_TRY_FMT, &fmt, error))
    return FALSE;
  format_from_kernel (m2m, &fmt, format);
  log_format (m2m, dir, "TRY_FMT", format);
  return TRUE;
}

gboolean
v4l2_m2m_set_format (V4l2M2m * m2m, V4l2M2mDir dir, V4l2Format * format, GError ** error)
{
  struct v4l2_format fmt;

  format_to_kernel (m2m, dir, format, &fmt);
  if (!M2M_IOCTL (m2m, VIDIOC_S_FMT, &fmt, error))
    return FALSE;
  format_from_kernel (m2m, &fmt, format);
  log_format (m2m, dir, "S_FMT", format);
  return TRUE;
}

/* The selection API takes the single-planar types, whatever API the queues speak
 * (VIDIOC_G_SELECTION in the uAPI documentation). */
static guint32
selection_type (V4l2M2mDir dir)
{
  return dir == V4L2_M2M_OUTPUT ? V4L2_BUF_TYPE_VIDEO_OUTPUT : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}

gboolean
v4l2_m2m_set_selection (V4l2M2m * m2m, V4l2M2mDir dir, guint32 target, struct v4l2_rect *rect,
    GError ** error)
{
  struct v4l2_selection sel = {.type = selection_type (dir),.target = target,.r = *rect };

  if (!M2M_IOCTL (m2m, VIDIOC_S_SELECTION, &sel, error)) {
    g_prefix_error (error, "%ux%u at %d,%d: ", rect->width, rect->height, rect->left, rect->top);
    return FALSE;
  }
  *rect = sel.r;
  return TRUE;
}

gboolean
v4l2_m2m_get_selection (V4l2M2m * m2m, V4l2M2mDir dir, guint32 target, struct v4l2_rect *rect,
    GError ** error)
{
  struct v4l2_selection sel = {.type = selection_type (dir),.target = target };

  if (!M2M_IOCTL (m2m, VIDIOC_G_SELECTION, &sel, error))
    return FALSE;
  *rect = sel.r;
  return TRUE;
}

/* --- buffers --- */

gboolean
v4l2_m2m_request_buffers (V4l2M2m * m2m, V4l2M2mDir dir, guint32 memory, guint * count,
    guint32 * caps, GError ** error)
{
  struct v4l2_requestbuffers req = {
    .count = *count,.type = buf_type (m2m, dir),.memory = memory
  };

  if (!M2M_IOCTL (m2m, VIDIOC_REQBUFS, &req, error))
    return FALSE;
  GST_DEBUG ("%s: %u %s buffers, %u wanted, capabilities 0x%x", m2m->info->video_path, req.count,
      dir_name (dir), *count, req.capabilities);
  *count = req.count;
  if (caps)
    *caps = req.capabilities;
  return TRUE;
}

gboolean
v4l2_m2m_create_buffers (V4l2M2m * m2m, V4l2M2mDir dir, guint32 memory, guint * count,
    guint * first_index, GError ** error)
{
  struct v4l2_create_buffers create = {.count = *count,.memory = memory };

  create.format.type = buf_type (m2m, dir);
  if (!M2M_IOCTL (m2m, VIDIOC_G_FMT, &create.format, error)
      || !M2M_IOCTL (m2m, VIDIOC_CREATE_BUFS, &create, error))
    return FALSE;
  GST_DEBUG ("%s: %u more %s buffers from index %u, %u wanted", m2m->info->video_path,
      create.count, dir_name (dir), create.index, *count);
  *count = create.count;
  *first_index = create.index;
  return TRUE;
}

gint
v4l2_m2m_export (V4l2M2m * m2m, V4l2M2mDir dir, guint index, guint plane, GError ** error)
{
  struct v4l2_exportbuffer exp = {
    .type = buf_type (m2m, dir),.index = index,.plane = plane,.flags = O_CLOEXEC | O_RDWR
  };

  if (!M2M_IOCTL (m2m, VIDIOC_EXPBUF, &exp, error))
    return -1;
  return exp.fd;
}

/* A kernel buffer without a payload; its planes, in the multi-planar API, are in @planes. */
static void
kernel_buffer_init (const V4l2M2m * m2m, V4l2M2mDir dir, guint32 memory, guint index,
    struct v4l2_buffer *buf, struct v4l2_plane planes[VIDEO_MAX_PLANES])
{
  memset (buf, 0, sizeof (*buf));
  memset (planes, 0, VIDEO_MAX_PLANES * sizeof (*planes));
  buf->type = buf_type (m2m, dir);
  buf->memory = memory;
  buf->index = index;
  if (m2m->mplane) {
    buf->m.planes = planes;
    buf->length = VIDEO_MAX_PLANES;
  }
}

static void
kernel_buffer_read (const V4l2M2m * m2m, const struct v4l2_buffer *buf, V4l2Buffer * buffer)
{
  guint i;

  memset (buffer, 0, sizeof (*buffer));
  buffer->index = buf->index;
  buffer->memory = buf->memory;
  buffer->flags = buf->flags;
  buffer->field = buf->field;
  buffer->timestamp = GST_TIMEVAL_TO_TIME (buf->timestamp);
  buffer->request_fd = -1;
  if (m2m->mplane) {
    buffer->n_planes = MIN (buf->length, V4L2_M2M_MAX_PLANES);
    for (i = 0; i < buffer->n_planes; i++) {
      buffer->planes[i].bytesused = buf->m.planes[i].bytesused;
      buffer->planes[i].length = buf->m.planes[i].length;
      buffer->planes[i].data_offset = buf->m.planes[i].data_offset;
      buffer->planes[i].fd = buf->memory == V4L2_MEMORY_DMABUF ? buf->m.planes[i].m.fd : -1;
    }
  } else {
    buffer->n_planes = 1;
    buffer->planes[0].bytesused = buf->bytesused;
    buffer->planes[0].length = buf->length;
    buffer->planes[0].fd = buf->memory == V4L2_MEMORY_DMABUF ? buf->m.fd : -1;
  }
}

gboolean
v4l2_m2m_query_buffer (V4l2M2m * m2m, V4l2M2mDir dir, guint index, V4l2Buffer * buffer,
    GError ** error)
{
  struct v4l2_plane planes[VIDEO_MAX_PLANES];
  struct v4l2_buffer buf;

  kernel_buffer_init (m2m, dir, V4L2_MEMORY_MMAP, index, &buf, planes);
  if (!M2M_IOCTL (m2m, VIDIOC_QUERYBUF, &buf, error))
    return FALSE;
  kernel_buffer_read (m2m, &buf, buffer);
  return TRUE;
}

gpointer
v4l2_m2m_map (V4l2M2m * m2m, V4l2M2mDir dir, guint index, gsize * size, GError ** error)
{
  struct v4l2_plane planes[VIDEO_MAX_PLANES];
  struct v4l2_buffer buf;
  gsize length;
  off_t offset;
  gpointer data;

  kernel_buffer_init (m2m, dir, V4L2_MEMORY_MMAP, index, &buf, planes);
  if (!M2M_IOCTL (m2m, VIDIOC_QUERYBUF, &buf, error))
    return NULL;
  length = m2m->mplane ? planes[0].length : buf.length;
  offset = m2m->mplane ? planes[0].m.mem_offset : buf.m.offset;

  data = mmap (NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, m2m->fd, offset);
  if (data == MAP_FAILED) {
    gint err = errno;

    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (err),
        "mmap of %s buffer %u of %s (%" G_GSIZE_FORMAT " bytes) failed: %s", dir_name (dir), index,
        m2m->info->video_path, length, g_strerror (err));
    return NULL;
  }
  *size = length;
  return data;
}

gboolean
v4l2_m2m_stream (V4l2M2m * m2m, V4l2M2mDir dir, gboolean on, GError ** error)
{
  gint type = buf_type (m2m, dir);
  gboolean ret;

  ret = on ? M2M_IOCTL (m2m, VIDIOC_STREAMON, &type, error) :
      M2M_IOCTL (m2m, VIDIOC_STREAMOFF, &type, error);
  if (!ret)
    g_prefix_error (error, "%s: ", dir_name (dir));
  else
    GST_DEBUG ("%s: %s streaming %s", m2m->info->video_path, dir_name (dir), on ? "on" : "off");
  return ret;
}

static void
kernel_buffer_write (const V4l2M2m * m2m, const V4l2Buffer * buffer, struct v4l2_buffer *buf)
{
  gboolean dmabuf = buffer->memory == V4L2_MEMORY_DMABUF;
  guint i;

  buf->flags = buffer->flags;
  buf->field = buffer->field;
  GST_TIME_TO_TIMEVAL (buffer->timestamp, buf->timestamp);
  if (buffer->request_fd >= 0) {
    buf->flags |= V4L2_BUF_FLAG_REQUEST_FD;
    buf->request_fd = buffer->request_fd;
  }
  if (m2m->mplane) {
    buf->length = MIN (buffer->n_planes, V4L2_M2M_MAX_PLANES);
    for (i = 0; i < buf->length; i++) {
      buf->m.planes[i].bytesused = buffer->planes[i].bytesused;
      buf->m.planes[i].length = buffer->planes[i].length;
      buf->m.planes[i].data_offset = buffer->planes[i].data_offset;
      if (dmabuf)
        buf->m.planes[i].m.fd = buffer->planes[i].fd;
    }
  } else {
    buf->bytesused = buffer->planes[0].bytesused;
    buf->length = buffer->planes[0].length;
    if (dmabuf)
      buf->m.fd = buffer->planes[0].fd;
  }
}

/**
 * v4l2_m2m_queue:
 *
 * VIDIOC_QBUF. The kernel keeps a reference to an imported dma-buf until the index is queued with
 * another one or the queue is freed, so its descriptor may be closed at once.
 */
gboolean
v4l2_m2m_queue (V4l2M2m * m2m, V4l2M2mDir dir, const V4l2Buffer * buffer, GError ** error)
{
  struct v4l2_plane planes[VIDEO_MAX_PLANES];
  struct v4l2_buffer buf;

  if (!m2m->mplane && buffer->n_planes > 1) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "%s speaks the single-planar API, %u planes were queued", m2m->info->video_path,
        buffer->n_planes);
    return FALSE;
  }

  kernel_buffer_init (m2m, dir, buffer->memory, buffer->index, &buf, planes);
  kernel_buffer_write (m2m, buffer, &buf);
  if (!M2M_IOCTL (m2m, VIDIOC_QBUF, &buf, error)) {
    g_prefix_error (error, "%s buffer %u: ", dir_name (dir), buffer->index);
    return FALSE;
  }
  GST_LOG ("%s: queued %s %u, timestamp %" G_GUINT64_FORMAT ", request %d",
      m2m->info->video_path, dir_name (dir), buffer->index, buffer->timestamp, buffer->request_fd);
  return TRUE;
}

gboolean
v4l2_m2m_release_held (V4l2M2m * m2m, GError ** error)
{
  struct v4l2_decoder_cmd cmd = {.cmd = V4L2_DEC_CMD_FLUSH };

  return M2M_IOCTL (m2m, VIDIOC_DECODER_CMD, &cmd, error);
}

gboolean
v4l2_m2m_dequeue (V4l2M2m * m2m, V4l2M2mDir dir, guint32 memory, V4l2Buffer * buffer,
    GError ** error)
{
  struct v4l2_plane planes[VIDEO_MAX_PLANES];
  struct v4l2_buffer buf;

  kernel_buffer_init (m2m, dir, memory, 0, &buf, planes);
  if (!M2M_IOCTL (m2m, VIDIOC_DQBUF, &buf, error)) {
    g_prefix_error (error, "%s: ", dir_name (dir));
    return FALSE;
  }
  kernel_buffer_read (m2m, &buf, buffer);
  GST_LOG ("%s: dequeued %s %u, timestamp %" G_GUINT64_FORMAT ", flags 0x%x%s",
      m2m->info->video_path, dir_name (dir), buffer->index, buffer->timestamp, buffer->flags,
      buffer->flags & V4L2_BUF_FLAG_ERROR ? " (ERROR)" : "");
  return TRUE;
}

gboolean
v4l2_m2m_wait (V4l2M2m * m2m, V4l2M2mDir dir, GstClockTime timeout, GCancellable * cancellable,
    GError ** error)
{
  gshort events = dir == V4L2_M2M_OUTPUT ? POLLOUT : POLLIN;
  gshort revents;

  if (!v4l2_node_poll (m2m->fd, m2m->info->video_path, events, timeout, cancellable,
          dir == V4L2_M2M_OUTPUT ? "an OUTPUT buffer" : "a CAPTURE buffer", &revents, error))
    return FALSE;
  if (!(revents & events)) {
    /* v4l2_m2m_poll_for_data(): neither queue is streaming with a buffer in it. */
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "Waiting for a %s buffer of %s: nothing is queued", dir_name (dir), m2m->info->video_path);
    return FALSE;
  }
  return TRUE;
}

/* --- controls --- */

gboolean
v4l2_m2m_query_control (V4l2M2m * m2m, guint32 id, struct v4l2_query_ext_ctrl *query)
{
  memset (query, 0, sizeof (*query));
  query->id = id;
  return M2M_IOCTL (m2m, VIDIOC_QUERY_EXT_CTRL, query, NULL);
}

gboolean
v4l2_m2m_has_menu_item (V4l2M2m * m2m, guint32 id, gint64 value)
{
  struct v4l2_query_ext_ctrl query;
  struct v4l2_querymenu menu = {.id = id,.index = (guint32) value };

  if (!v4l2_m2m_query_control (m2m, id, &query))
    return FALSE;
  if (value < query.minimum || value > query.maximum)
    return FALSE;
  return M2M_IOCTL (m2m, VIDIOC_QUERYMENU, &menu, NULL);
}

static const ControlInfo *
lookup_control (V4l2M2m * m2m, guint32 id)
{
  struct v4l2_query_ext_ctrl query;
  ControlInfo info = {.id = id };
  guint i;

  for (i = 0; i < m2m->controls->len; i++) {
    if (g_array_index (m2m->controls, ControlInfo, i).id == id)
      return &g_array_index (m2m->controls, ControlInfo, i);
  }

  if (v4l2_m2m_query_control (m2m, id, &query)) {
    info.known = TRUE;
    info.payload = (query.flags & V4L2_CTRL_FLAG_HAS_PAYLOAD) != 0;
    info.dynamic = (query.flags & V4L2_CTRL_FLAG_DYNAMIC_ARRAY) != 0;
    info.elem_size = query.elem_size;
    /* elems of a dynamic array is its present length, dims[0] is its bound. */
    info.max_size = (gsize) query.elem_size * (info.dynamic ? query.dims[0] : query.elems);
  }
  g_array_append_val (m2m->controls, info);
  return &g_array_index (m2m->controls, ControlInfo, m2m->controls->len - 1);
}

static gboolean
check_control (V4l2M2m * m2m, const V4l2Control * control, const ControlInfo ** info,
    GError ** error)
{
  *info = lookup_control (m2m, control->id);
  if (!(*info)->known) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s has no control 0x%08x",
        m2m->info->video_path, control->id);
    return FALSE;
  }

  if (!(*info)->payload) {
    if (control->size == sizeof (gint32))
      return TRUE;
  } else if ((*info)->dynamic) {
    if (control->size && control->size <= (*info)->max_size
        && control->size % (*info)->elem_size == 0)
      return TRUE;
  } else if (control->size == (*info)->max_size) {
    return TRUE;
  }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "Control 0x%08x of %s: %" G_GSIZE_FORMAT " bytes given, the driver's elements have %"
      G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT " in all", control->id, m2m->info->video_path,
      control->size, (*info)->elem_size, (*info)->max_size);
  return FALSE;
}

#define MAX_CONTROLS 32

gboolean
v4l2_m2m_set_controls (V4l2M2m * m2m, gint request_fd, const V4l2Control * controls,
    guint n_controls, GError ** error)
{
  struct v4l2_ext_control ctrls[MAX_CONTROLS] = { 0 };
  struct v4l2_ext_controls arg = { 0 };
  guint i;

  g_return_val_if_fail (n_controls <= MAX_CONTROLS, FALSE);

  if (n_controls == 0)
    return TRUE;
  for (i = 0; i < n_controls; i++) {
    const ControlInfo *info;

    if (!check_control (m2m, &controls[i], &info, error))
      return FALSE;
    ctrls[i].id = controls[i].id;
    if (info->payload) {
      ctrls[i].size = controls[i].size;
      ctrls[i].ptr = controls[i].data;
    } else {
      memcpy (&ctrls[i].value, controls[i].data, sizeof (gint32));
    }
  }

  arg.which = request_fd >= 0 ? V4L2_CTRL_WHICH_REQUEST_VAL : V4L2_CTRL_WHICH_CUR_VAL;
  arg.request_fd = MAX (request_fd, 0);
  arg.count = n_controls;
  arg.controls = ctrls;
  if (M2M_IOCTL (m2m, VIDIOC_S_EXT_CTRLS, &arg, error))
    return TRUE;

  /* error_idx == count: refused before any was looked at closely. */
  if (arg.error_idx < n_controls)
    g_prefix_error (error, "Control 0x%08x: ", controls[arg.error_idx].id);
  return FALSE;
}

gboolean
v4l2_m2m_get_control (V4l2M2m * m2m, V4l2Control * control, GError ** error)
{
  struct v4l2_ext_control ctrl = {.id = control->id };
  struct v4l2_ext_controls arg = {
    .which = V4L2_CTRL_WHICH_CUR_VAL,.count = 1,.controls = &ctrl
  };
  const ControlInfo *info;

  if (!check_control (m2m, control, &info, error))
    return FALSE;
  if (info->payload) {
    ctrl.size = control->size;
    ctrl.ptr = control->data;
  }
  if (!M2M_IOCTL (m2m, VIDIOC_G_EXT_CTRLS, &arg, error)) {
    g_prefix_error (error, "Control 0x%08x: ", control->id);
    return FALSE;
  }
  if (!info->payload)
    memcpy (control->data, &ctrl.value, sizeof (gint32));
  return TRUE;
}
