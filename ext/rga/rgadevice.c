/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a job does not come back
 *
 * rockchip-rga has neither a watchdog nor m2m_ops.job_abort (Linux 7.2).  If an interrupt is lost,
 * or reports an error, which rga_handle_irq() acknowledges and forgets, its job stays "running" for
 * the mem2mem core, and VIDIOC_STREAMOFF as well as close() wait for it in v4l2_m2m_cancel_job()
 * with wait_event(): uninterruptible, without a bound, and close() with the driver's mutex held,
 * which then blocks every other user of the device too.  No descriptor option helps, and the device
 * runs no other context's job meanwhile, so a new open would not either.
 *
 * So after a timeout the context is *stuck*: it keeps the references to the job's memory, which
 * the hardware may still be writing, and neither stops, frees nor closes anything.  Each later
 * use looks whether the job has ended after all (a late interrupt) and goes on if so.  A context
 * that is still stuck when the element closes it is left open on purpose, and said so in the log:
 * a leaked descriptor costs less than a process that cannot be killed.  (At the process's end the
 * kernel closes it, and waits; only the driver can mend that.)
 *
 * A wait that is cancelled (flushing) leaves its job running in the same way, but such a job is
 * young: whatever needs an idle context next first waits for it, until the job's own deadline.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rgadevice.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gst/dmaresv/gstdmaresvtrace.h>

#include "formats.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rga_convert_debug);
#define GST_CAT_DEFAULT gst_rga_convert_debug

/* Imports are remembered by OUTPUT index: the kernel keeps a dma-buf attached and mapped for the
 * hardware while the same one is queued at the same index. More than any decoder's pool needs. */
#define N_IMPORTS 32

typedef struct
{
  guint64 inode;                /* of the dma-buf attached here; it cannot be reused meanwhile */
  guint64 used;                 /* the job that used it last, 0: none */
} Import;

struct _RgaDevice
{
  V4l2M2m *m2m;
  GCancellable *cancellable;

  gboolean capture_set, output_set;
  gboolean streaming[2];        /* by V4l2M2mDir */
  V4l2Format capture, output;

  RgaLayout layout;             /* of the OUTPUT format */
  guint32 memory;
  gboolean bt709;
  guint n_outputs;
  Import imports[N_IMPORTS];
  gpointer map;                 /* of OUTPUT buffer 0, when memory is MMAP */
  gsize map_size;

  guint64 n_jobs;
  gboolean running;             /* queued, not dequeued */
  gboolean stuck;               /* running, and once timed out */
  GstClockTime deadline;        /* when the running job times out, gst_util_get_timestamp() */
  gboolean have[2];             /* dequeued already, of the running job, by V4l2M2mDir */
  gboolean corrupt;
  RgaJob job;
  guint64 trace_id;             /* of the running job */
  guint64 capture_inodes[VIDEO_MAX_FRAME];      /* for the trace, by index */
  guint8 unit;                  /* the driver's name, likewise */
};

/* --- limits --- */

static GstVideoFormat *
probe_formats (V4l2M2m * m2m, V4l2M2mDir dir)
{
  g_autoptr (GArray) formats = g_array_new (TRUE, TRUE, sizeof (GstVideoFormat));
  guint32 pixelformat;
  guint i, j;

  G_STATIC_ASSERT (GST_VIDEO_FORMAT_UNKNOWN == 0);

  for (i = 0; v4l2_m2m_enum_format (m2m, dir, i, &pixelformat); i++) {
    GstVideoFormat format = v4l2_format_to_video (pixelformat);

    if (format == GST_VIDEO_FORMAT_UNKNOWN) {
      GST_DEBUG ("no video format for %" GST_FOURCC_FORMAT, GST_FOURCC_ARGS (pixelformat));
      continue;
    }
    for (j = 0; j < formats->len; j++) {
      if (g_array_index (formats, GstVideoFormat, j) == format)
        break;
    }
    /* The layout is that of one memory, so NV12M alone would not do. */
    if (j == formats->len && v4l2_format_from_video (format) == pixelformat)
      g_array_append_val (formats, format);
  }
  return (GstVideoFormat *) g_array_free (g_steal_pointer (&formats), FALSE);
}

/* The driver has no VIDIOC_ENUM_FRAMESIZES; TRY_FMT clamps. */
static gboolean
probe_sizes (V4l2M2m * m2m, RgaLimits * limits, GError ** error)
{
  V4l2M2mDir dir;

  limits->min_width = limits->min_height = 1;
  limits->max_width = limits->max_height = G_MAXUINT16;
  for (dir = V4L2_M2M_OUTPUT; dir <= V4L2_M2M_CAPTURE; dir++) {
    const GstVideoFormat *formats =
        dir == V4L2_M2M_OUTPUT ? limits->sink_formats : limits->src_formats;
    V4l2Format least = {.width = 1,.height = 1,.pixelformat = v4l2_format_from_video (formats[0]) };
    V4l2Format most = least;

    most.width = most.height = G_MAXUINT16 & ~15;
    if (!v4l2_m2m_try_format (m2m, dir, &least, error)
        || !v4l2_m2m_try_format (m2m, dir, &most, error))
      return FALSE;
    limits->min_width = MAX (limits->min_width, least.width);
    limits->min_height = MAX (limits->min_height, least.height);
    limits->max_width = MIN (limits->max_width, most.width);
    limits->max_height = MIN (limits->max_height, most.height);
  }
  return TRUE;
}

RgaLimits *
rga_limits_probe (const V4l2DeviceInfo * info, GError ** error)
{
  g_autoptr (V4l2M2m) m2m = v4l2_m2m_open (info, error);
  g_autoptr (RgaLimits) limits = NULL;

  if (!m2m)
    return NULL;

  limits = g_new0 (RgaLimits, 1);
  limits->sink_formats = probe_formats (m2m, V4L2_M2M_OUTPUT);
  limits->src_formats = probe_formats (m2m, V4L2_M2M_CAPTURE);
  /* The uAPI does not tell; max_scaling_factor of rga2_hw and rga3_hw in the driver. */
  limits->max_scale = g_str_equal (info->card, "rga3") ? 8 : 16;
  if (!limits->sink_formats[0] || !limits->src_formats[0]) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "%s lists no video format that is known here", info->video_path);
    return NULL;
  }
  if (!probe_sizes (m2m, limits, error))
    return NULL;
  return g_steal_pointer (&limits);
}

void
rga_limits_free (RgaLimits * limits)
{
  if (!limits)
    return;
  g_free (limits->sink_formats);
  g_free (limits->src_formats);
  g_free (limits);
}

/* --- jobs --- */

guint64
rga_device_get_inode (const RgaDevice * dev, guint index)
{
  return index < VIDEO_MAX_FRAME ? dev->capture_inodes[index] : 0;
}

static void
release_job (RgaDevice * dev)
{
  guint i;

  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_JOB_DONE,.id = dev->trace_id,.unit =
      dev->unit,.inode = rga_device_get_inode (dev, dev->job.capture),.state =
      dev->corrupt ? GST_DMARESV_STATE_FAILED : GST_DMARESV_STATE_NONE);
  for (i = 0; i < G_N_ELEMENTS (dev->job.hold); i++) {
    if (dev->job.hold[i])
      dev->job.release (dev->job.hold[i]);
  }
  memset (&dev->job, 0, sizeof (dev->job));
  dev->running = dev->stuck = FALSE;
}

/* Dequeues what of the running job is done. */
static gboolean
dequeue_side (RgaDevice * dev, V4l2M2mDir dir, GstClockTime deadline, GCancellable * cancellable,
    GError ** error)
{
  guint32 memory = dir == V4L2_M2M_OUTPUT ? dev->memory : V4L2_MEMORY_MMAP;
  GstClockTime now = gst_util_get_timestamp ();
  V4l2Buffer buffer;
  gboolean ok;

  if (dev->have[dir])
    return TRUE;
  ok = v4l2_m2m_wait (dev->m2m, dir, deadline > now ? deadline - now : 0, cancellable, error);
  /* The other side is done at the same moment. */
  if (dir == V4L2_M2M_CAPTURE)
    gst_dmaresv_trace_job_wait (dev->unit, now, ok);
  if (!ok || !v4l2_m2m_dequeue (dev->m2m, dir, memory, &buffer, error))
    return FALSE;
  dev->have[dir] = TRUE;
  if (buffer.flags & V4L2_BUF_FLAG_ERROR)
    dev->corrupt = TRUE;
  return TRUE;
}

/* Waits until @deadline for the running job and takes it back from the driver. */
static gboolean
reap_job (RgaDevice * dev, GstClockTime deadline, GCancellable * cancellable, gboolean * corrupt,
    GError ** error)
{
  g_autoptr (GError) err = NULL;

  if (dequeue_side (dev, V4L2_M2M_CAPTURE, deadline, cancellable, &err)
      && dequeue_side (dev, V4L2_M2M_OUTPUT, deadline, cancellable, &err)) {
    if (corrupt)
      *corrupt = dev->corrupt;
    release_job (dev);
    return TRUE;
  }

  /* Whatever went wrong, the job may be running. */
  if (!g_error_matches (err, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    dev->stuck = TRUE;
  g_propagate_error (error, g_steal_pointer (&err));
  return FALSE;
}

gboolean
rga_device_finish (RgaDevice * dev, GstClockTime timeout, gboolean * corrupt, GError ** error)
{
  g_return_val_if_fail (dev->running, FALSE);

  dev->deadline = gst_util_get_timestamp () + timeout;
  return reap_job (dev, dev->deadline, dev->cancellable, corrupt, error);
}

/* Whether no job runs; a young one is waited for until @deadline, one that had timed out gets a
 * look only. */
static gboolean
is_idle (RgaDevice * dev, GstClockTime deadline, GCancellable * cancellable, GError ** error)
{
  gboolean stuck = dev->stuck;
  g_autoptr (GError) err = NULL;

  if (!dev->running)
    return TRUE;
  if (reap_job (dev, stuck ? 0 : deadline, cancellable, NULL, &err)) {
    if (stuck)
      GST_WARNING ("job %" G_GUINT64_FORMAT " ended late", dev->n_jobs);
    else
      GST_DEBUG ("job %" G_GUINT64_FORMAT ", not waited for before, has ended", dev->n_jobs);
    return TRUE;
  }
  GST_DEBUG ("job %" G_GUINT64_FORMAT " has still not ended: %s", dev->n_jobs, err->message);
  g_propagate_error (error, g_steal_pointer (&err));
  return FALSE;
}

static gboolean
require_idle (RgaDevice * dev, GError ** error)
{
  g_autoptr (GError) err = NULL;

  if (is_idle (dev, dev->deadline, dev->cancellable, &err))
    return TRUE;
  if (g_error_matches (err, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, g_steal_pointer (&err));
    return FALSE;
  }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
      "%s has not finished an earlier job; its driver cannot stop one",
      v4l2_m2m_get_info (dev->m2m)->video_path);
  return FALSE;
}

static gboolean
set_streaming (RgaDevice * dev, V4l2M2mDir dir, gboolean on, GError ** error)
{
  if (dev->streaming[dir] == on)
    return TRUE;
  if (!v4l2_m2m_stream (dev->m2m, dir, on, error))
    return FALSE;
  dev->streaming[dir] = on;
  return TRUE;
}

/* The index where the dma-buf is attached, or else the one unused for longest. */
static guint
import_index (RgaDevice * dev, guint64 inode)
{
  guint i, oldest = 0;

  for (i = 0; i < dev->n_outputs; i++) {
    if (dev->imports[i].used && dev->imports[i].inode == inode) {
      oldest = i;
      break;
    }
    if (dev->imports[i].used < dev->imports[oldest].used)
      oldest = i;
  }
  if (!dev->imports[oldest].used || dev->imports[oldest].inode != inode)
    GST_LOG ("attaching dma-buf inode %" G_GUINT64_FORMAT " at OUTPUT %u", inode, oldest);
  dev->imports[oldest].inode = inode;
  dev->imports[oldest].used = dev->n_jobs;
  return oldest;
}

static gboolean
queue_output (RgaDevice * dev, const RgaJob * job, GError ** error)
{
  V4l2Buffer buffer = V4L2_BUFFER_INIT;

  buffer.memory = dev->memory;
  buffer.field = V4L2_FIELD_NONE;
  buffer.timestamp = dev->n_jobs * GST_USECOND;
  buffer.n_planes = 1;
  buffer.planes[0].fd = -1;
  buffer.planes[0].bytesused = dev->output.planes[0].sizeimage;
  if (dev->memory == V4L2_MEMORY_DMABUF) {
    buffer.index = import_index (dev, job->inode);
    buffer.planes[0].fd = job->fd;
    buffer.planes[0].length = MIN (job->size, G_MAXUINT32);
  }
  if (v4l2_m2m_queue (dev->m2m, V4L2_M2M_OUTPUT, &buffer, error))
    return TRUE;
  dev->imports[buffer.index].used = 0;
  return FALSE;
}

gboolean
rga_device_start (RgaDevice * dev, const RgaJob * job, GError ** error)
{
  V4l2Buffer buffer = V4L2_BUFFER_INIT;

  g_return_val_if_fail (dev->capture_set && dev->output_set, FALSE);

  if (!require_idle (dev, error))
    return FALSE;

  dev->n_jobs++;
  dev->have[V4L2_M2M_OUTPUT] = dev->have[V4L2_M2M_CAPTURE] = FALSE;
  dev->corrupt = FALSE;

  /* OUTPUT first: that is the side which can be refused, and then nothing is queued. */
  if (!queue_output (dev, job, error))
    return FALSE;

  buffer.index = job->capture;
  buffer.n_planes = 1;
  if (!set_streaming (dev, V4L2_M2M_OUTPUT, TRUE, error)
      || !set_streaming (dev, V4L2_M2M_CAPTURE, TRUE, error)
      || !v4l2_m2m_queue (dev->m2m, V4L2_M2M_CAPTURE, &buffer, error)) {
    /* No job has started without a CAPTURE buffer, so this does not wait. */
    dev->streaming[V4L2_M2M_OUTPUT] = FALSE;
    v4l2_m2m_stream (dev->m2m, V4L2_M2M_OUTPUT, FALSE, NULL);
    return FALSE;
  }

  dev->job = *job;
  dev->running = TRUE;
  dev->trace_id = gst_dmaresv_trace_next_id ();
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_JOB_QUEUED,.id = dev->trace_id,.unit =
      dev->unit,.inode = rga_device_get_inode (dev, job->capture),.extra = &job->inode,.n_extra =
      job->fd >= 0,.key = dev->n_jobs * GST_USECOND,.frame = GST_DMARESV_NO_FRAME);
  return TRUE;
}

/* --- CAPTURE --- */

/* Stops a queue and lets its buffers go. Exported ones live on as long as somebody has them
 * (V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS). */
static gboolean
free_buffers (RgaDevice * dev, V4l2M2mDir dir, guint32 memory, GError ** error)
{
  guint count = 0;

  return set_streaming (dev, dir, FALSE, error)
      && v4l2_m2m_request_buffers (dev->m2m, dir, memory, &count, NULL, error);
}

/* The part of the coded picture that is converted; S_FMT has set it to all. */
static gboolean
set_rectangle (RgaDevice * dev, V4l2M2mDir dir, guint x, guint y, guint width, guint height,
    GError ** error)
{
  guint32 target = dir == V4L2_M2M_OUTPUT ? V4L2_SEL_TGT_CROP : V4L2_SEL_TGT_COMPOSE;
  struct v4l2_rect rect = {.left = x,.top = y,.width = width,.height = height };

  if (!v4l2_m2m_set_selection (dev->m2m, dir, target, &rect, error))
    return FALSE;
  if (rect.left == (gint) x && rect.top == (gint) y && rect.width == width && rect.height == height)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "The driver made %ux%u at %d,%d of the rectangle %ux%u at %u,%u", rect.width, rect.height,
      rect.left, rect.top, width, height, x, y);
  return FALSE;
}

gboolean
rga_device_set_capture (RgaDevice * dev, const GstVideoInfo * out, guint active_width,
    GstVideoInfo * layout, GError ** error)
{
  guint width = GST_VIDEO_INFO_WIDTH (out), height = GST_VIDEO_INFO_HEIGHT (out);
  guint32 pixelformat = v4l2_format_from_video (GST_VIDEO_INFO_FORMAT (out));
  V4l2Format format = {.pixelformat = pixelformat,.n_planes = 1,.field = V4L2_FIELD_NONE };

  if (!require_idle (dev, error))
    return FALSE;
  dev->capture_set = FALSE;
  if (!free_buffers (dev, V4L2_M2M_CAPTURE, V4L2_MEMORY_MMAP, error))
    return FALSE;

  format.width = active_width;
  format.height = rga_active_size (out->finfo, height);
  if (!v4l2_m2m_set_format (dev->m2m, V4L2_M2M_CAPTURE, &format, error))
    return FALSE;
  if (format.pixelformat != pixelformat || format.n_planes != 1 || format.width < active_width
      || !v4l2_format_to_info (&format, width, height, layout)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The driver made %" GST_FOURCC_FORMAT " %ux%u of the CAPTURE format %s %ux%u",
        GST_FOURCC_ARGS (format.pixelformat), format.width, format.height,
        gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (out)), width, height);
    return FALSE;
  }
  if (!set_rectangle (dev, V4L2_M2M_CAPTURE, 0, 0, active_width,
          rga_active_size (out->finfo, height), error))
    return FALSE;

  dev->capture = format;
  dev->capture_set = TRUE;
  return TRUE;
}

gboolean
rga_device_add_capture (RgaDevice * dev, guint * index, gint * fd, gsize * size, GError ** error)
{
  V4l2Buffer buffer;
  guint count = 1;

  g_return_val_if_fail (dev->capture_set, FALSE);

  if (!v4l2_m2m_create_buffers (dev->m2m, V4L2_M2M_CAPTURE, V4L2_MEMORY_MMAP, &count, index, error))
    return FALSE;
  if (count == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "%s gives no more CAPTURE buffers",
        v4l2_m2m_get_info (dev->m2m)->video_path);
    return FALSE;
  }
  if (!v4l2_m2m_query_buffer (dev->m2m, V4L2_M2M_CAPTURE, *index, &buffer, error))
    return FALSE;
  *fd = v4l2_m2m_export (dev->m2m, V4L2_M2M_CAPTURE, *index, 0, error);
  if (*index < VIDEO_MAX_FRAME)
    dev->capture_inodes[*index] = gst_dmaresv_trace_inode (*fd);
  *size = buffer.planes[0].length;
  return *fd >= 0;
}

/* --- OUTPUT --- */

static gboolean
free_output (RgaDevice * dev, GError ** error)
{
  if (dev->map)
    munmap (dev->map, dev->map_size);
  dev->map = NULL;
  memset (dev->imports, 0, sizeof (dev->imports));
  if (!dev->output_set)
    return TRUE;
  dev->output_set = FALSE;
  dev->n_outputs = 0;
  return free_buffers (dev, V4L2_M2M_OUTPUT, dev->memory, error);
}

static void
init_output_format (V4l2Format * format, GstVideoFormat video, guint width, guint height,
    gboolean bt709)
{
  memset (format, 0, sizeof (*format));
  format->pixelformat = v4l2_format_from_video (video);
  format->width = width;
  format->height = height;
  format->n_planes = 1;
  format->field = V4L2_FIELD_NONE;
  /* The driver chooses its matrix, of YUV -> RGB and of RGB -> YUV alike, by the *colorspace* of
   * this queue: it copies it to CAPTURE and ignores ycbcr_enc. */
  format->colorspace = bt709 ? V4L2_COLORSPACE_REC709 : V4L2_COLORSPACE_SMPTE170M;
}

gboolean
rga_device_set_output (RgaDevice * dev, const RgaLayout * layout, guint32 memory, gboolean bt709,
    GError ** error)
{
  const GstVideoFormatInfo *finfo = gst_video_format_get_info (layout->format);
  guint count = memory == V4L2_MEMORY_DMABUF ? N_IMPORTS : 1;
  V4l2Format format;

  if (dev->output_set && dev->memory == memory && dev->bt709 == bt709
      && memcmp (&dev->layout, layout, sizeof (*layout)) == 0)
    return TRUE;
  if (!require_idle (dev, error) || !free_output (dev, error))
    return FALSE;

  init_output_format (&format, layout->format, layout->coded_width, layout->coded_height, bt709);
  if (!v4l2_m2m_set_format (dev->m2m, V4L2_M2M_OUTPUT, &format, error))
    return FALSE;
  if (format.pixelformat != v4l2_format_from_video (layout->format) || format.n_planes != 1
      || format.planes[0].bytesperline != layout->stride || format.height != layout->coded_height) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The driver made %" GST_FOURCC_FORMAT " %ux%u with stride %u of the OUTPUT format %s "
        "%ux%u with stride %u", GST_FOURCC_ARGS (format.pixelformat), format.width, format.height,
        format.planes[0].bytesperline, gst_video_format_to_string (layout->format),
        layout->coded_width, layout->coded_height, layout->stride);
    return FALSE;
  }

  if (!set_rectangle (dev, V4L2_M2M_OUTPUT, layout->x, layout->y,
          rga_active_size (finfo, layout->width), rga_active_size (finfo, layout->height), error)
      || !v4l2_m2m_request_buffers (dev->m2m, V4L2_M2M_OUTPUT, memory, &count, NULL, error))
    return FALSE;

  dev->memory = memory;
  dev->bt709 = bt709;
  dev->layout = *layout;
  dev->output = format;
  dev->n_outputs = MIN (count, N_IMPORTS);
  dev->output_set = TRUE;
  return TRUE;
}

gsize
rga_device_get_output_size (const RgaDevice * dev)
{
  return dev->output.planes[0].sizeimage;
}

/* The driver's check of its MMU table's end is late by one (fill_descriptors(): n_desc > max_desc):
 * with exactly one page too many it writes a word behind the table, and where the table ends with
 * a page, into somebody else's memory. */
gboolean
rga_device_takes_size (const RgaDevice * dev, gsize size)
{
  gsize page = sysconf (_SC_PAGESIZE);
  gsize table = (rga_device_get_output_size (dev) + page - 1) / page;
  gsize pages = (size + page - 1) / page;

  return pages != table + 1 || table % (page / sizeof (guint32)) != 0;
}

gboolean
rga_device_copy_layout (RgaDevice * dev, const GstVideoInfo * in, RgaLayout * layout,
    GError ** error)
{
  V4l2Format format;

  init_output_format (&format, GST_VIDEO_INFO_FORMAT (in),
      rga_active_size (in->finfo, GST_VIDEO_INFO_WIDTH (in)),
      rga_active_size (in->finfo, GST_VIDEO_INFO_HEIGHT (in)), FALSE);
  if (!v4l2_m2m_try_format (dev->m2m, V4L2_M2M_OUTPUT, &format, error))
    return FALSE;

  memset (layout, 0, sizeof (*layout));
  layout->format = GST_VIDEO_INFO_FORMAT (in);
  layout->stride = format.planes[0].bytesperline;
  layout->coded_width = format.width;
  layout->coded_height = format.height;
  layout->width = GST_VIDEO_INFO_WIDTH (in);
  layout->height = GST_VIDEO_INFO_HEIGHT (in);
  return TRUE;
}

gpointer
rga_device_map_output (RgaDevice * dev, const GstVideoInfo * in, GstVideoInfo * layout,
    GError ** error)
{
  g_return_val_if_fail (dev->output_set && dev->memory == V4L2_MEMORY_MMAP, NULL);

  if (!require_idle (dev, error))
    return NULL;
  if (!v4l2_format_to_info (&dev->output, GST_VIDEO_INFO_WIDTH (in), GST_VIDEO_INFO_HEIGHT (in),
          layout)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The OUTPUT format does not hold %ux%u",
        GST_VIDEO_INFO_WIDTH (in), GST_VIDEO_INFO_HEIGHT (in));
    return NULL;
  }
  if (!dev->map)
    dev->map = v4l2_m2m_map (dev->m2m, V4L2_M2M_OUTPUT, 0, &dev->map_size, error);
  if (dev->map && dev->map_size < GST_VIDEO_INFO_SIZE (layout)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "The OUTPUT buffer has %" G_GSIZE_FORMAT " bytes, its picture needs %" G_GSIZE_FORMAT,
        dev->map_size, GST_VIDEO_INFO_SIZE (layout));
    return NULL;
  }
  return dev->map;
}

/* --- life --- */

/* How long stopping, and closing again, wait for a job that flushing left running. */
#define LAST_CHANCE (200 * GST_MSECOND)

RgaDevice *
rga_device_open (const V4l2DeviceInfo * info, GCancellable * cancellable, GError ** error)
{
  g_autoptr (V4l2M2m) m2m = v4l2_m2m_open (info, error);
  RgaDevice *dev;

  if (!m2m)
    return NULL;
  dev = g_new0 (RgaDevice, 1);
  dev->m2m = g_steal_pointer (&m2m);
  dev->unit = gst_dmaresv_trace_name (v4l2_m2m_get_info (dev->m2m)->driver);
  dev->cancellable = g_object_ref (cancellable);
  return dev;
}

void
rga_device_stop (RgaDevice * dev)
{
  g_autoptr (GError) error = NULL;

  if (!is_idle (dev, gst_util_get_timestamp () + LAST_CHANCE, NULL, NULL)) {
    GST_WARNING ("%s has a job that does not end; not stopping its queues, which would wait for it "
        "without a bound", v4l2_m2m_get_info (dev->m2m)->video_path);
    return;
  }
  if (!free_output (dev, &error)) {
    GST_WARNING ("%s", error->message);
    g_clear_error (&error);
  }
  if (dev->capture_set && !free_buffers (dev, V4L2_M2M_CAPTURE, V4L2_MEMORY_MMAP, &error))
    GST_WARNING ("%s", error->message);
  dev->capture_set = FALSE;
}

void
rga_device_close (RgaDevice * dev)
{
  if (!dev)
    return;
  /* One more wait, also for one that had timed out: this is its last chance. */
  dev->stuck = FALSE;
  if (!is_idle (dev, gst_util_get_timestamp () + LAST_CHANCE, NULL, NULL)) {
    GST_ERROR ("%s has a job that does not end. Closing it would wait without a bound in the "
        "kernel (v4l2_m2m_cancel_job), so its descriptor and the job's two buffers stay open",
        v4l2_m2m_get_info (dev->m2m)->video_path);
    return;
  }
  rga_device_stop (dev);
  v4l2_m2m_close (dev->m2m);
  g_object_unref (dev->cancellable);
  g_free (dev);
}
