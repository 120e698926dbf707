/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decdevice.h"

#include <string.h>
#include <sys/mman.h>

#include <gst/dmaresv/gstdmaresvallocator.h>
#include <gst/dmaresv/gstdmaresvpool.h>
#include <gst/dmaresv/gstdmaresvtrace.h>

#include "../request.h"
#include "decframe.h"

GST_DEBUG_CATEGORY_STATIC (dec_device_debug);
#define GST_CAT_DEFAULT dec_device_debug

/*
 * Who keeps what alive
 *
 * A CAPTURE buffer exists three times: as an index in the driver's queue, as a
 * dma-buf descriptor, and as a GstBuffer of the pool around one GstMemory per
 * plane.  The GstMemory is made once (VIDIOC_CREATE_BUFS, VIDIOC_EXPBUF) and
 * lives as long as the pool buffer, because sinks cache what they import from
 * it by its address.  The queue index rides on the first memory as qdata.
 *
 * Whoever needs the picture's content holds the pool buffer, directly or not:
 *
 *   codec's DPB ── CodecPicture ──┐
 *   a job in flight ──────────────┼── DecPicture ── pool GstBuffer ── GstMemory
 *   a job that reads it ──────────┤                      │               │
 *   waiting to be pushed ─────────┘                      │               │
 *   downstream ── output GstBuffer ── GstParentBufferMeta┘               │
 *                        └───────────────────────────────────────────────┘
 *
 * The pool buffer itself is never pushed.  Downstream gets a GstBuffer of its
 * own on the same memory, so its metadata is downstream's to change, while the
 * memory, being shared by two buffers, is not writable for anyone: a picture
 * that is still a reference cannot be painted over.  When the last of all
 * these is gone the pool takes the buffer back, waits for the fences that
 * consumers left in its dma_resv, and only then may it be queued again.
 *
 * A job keeps the DecPictures that it reads, even when the codec has let go of
 * them meanwhile: queueing a CAPTURE buffer again erases the timestamp by which
 * the driver would find it as a reference when that job's turn comes.
 *
 * A new sequence frees the queue's buffers with REQBUFS(0).  Every kernel that
 * has the stateless API orphans those whose dma-bufs are still held
 * (V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS, since 4.20), so frames downstream stay
 * as they are.  Their pool was set inactive: it dies with its last buffer.  Its
 * allocation function knows by the generation number that its queue is no more.
 */

typedef struct
{
  gboolean busy;
  gboolean output_done, capture_done;
  gboolean continued;           /* the job of its other field returns the CAPTURE buffer */
  guint capture_index;
  DecPicture *picture;
  DecPicture *refs[DEC_DEVICE_MAX_REFS];
  guint n_refs;
  V4l2Request *request;
  GstClockTime queued_at;
  guint64 number;               /* in the order of submission */
  guint64 trace_id;
  /* the OUTPUT buffer with this job's number */
  gpointer data;
  gsize size;
} Job;

struct _DecDevice
{
  gint ref_count;
  V4l2M2m *m2m;                 /* NULL once closed */
  V4l2RequestPool *requests;
  GstAllocator *allocator;
  guint32 coded_format;

  V4l2Format capture;
  gsize picture_size;
  guint n_capture;
  guint64 inodes[VIDEO_MAX_FRAME];      /* of the first planes, for the trace */
  guint8 unit;                  /* the driver's name, likewise */
  guint generation;             /* of the CAPTURE queue's buffers */

  Job jobs[DEC_DEVICE_MAX_JOBS];
  gsize controls_size;          /* bytes, of the job submitted last */
  guint n_jobs;                 /* OUTPUT buffers */
  guint in_flight;
  guint64 n_submitted;
  gboolean streaming;
  gboolean can_hold;            /* V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF */
  Job *held;                    /* submitted last, and its CAPTURE buffer waits for the other field */
};

typedef struct
{
  DecDevice *device;
  guint generation;
} PoolData;

static GQuark
dec_device_index_quark (void)
{
  return g_quark_from_static_string ("dmaresv-capture-index");
}

/* Pictures */

DecPicture *
dec_picture_new (GstBuffer * buffer, guint64 tag, DecPictureFreeFunc free_func, gpointer user_data)
{
  DecPicture *picture = g_new0 (DecPicture, 1);

  picture->ref_count = 1;
  picture->buffer = buffer;
  picture->tag = tag;
  picture->free_func = free_func;
  picture->user_data = user_data;
  return picture;
}

DecPicture *
dec_picture_ref (DecPicture * picture)
{
  g_atomic_int_inc (&picture->ref_count);
  return picture;
}

void
dec_picture_unref (DecPicture * picture)
{
  if (!g_atomic_int_dec_and_test (&picture->ref_count))
    return;
  if (picture->free_func)
    picture->free_func (picture, picture->user_data);
  gst_clear_buffer (&picture->buffer);
  g_clear_pointer (&picture->fence, gst_dma_fence_state_unref);
  g_free (picture);
}

/* Life */

static DecDevice *
dec_device_ref (DecDevice * self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
dec_device_unref (DecDevice * self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  gst_clear_object (&self->allocator);
  g_free (self);
}

DecDevice *
dec_device_open (const V4l2DeviceInfo * info, guint32 coded_format, GError ** error)
{
  g_autoptr (V4l2M2m) m2m = NULL;
  DecDevice *self;

  GST_DEBUG_CATEGORY_INIT (dec_device_debug, "dmaresvdecdevice", 0,
      "V4L2 stateless decoding session");

  if (!(m2m = v4l2_m2m_open (info, error)))
    return NULL;
  if (v4l2_m2m_get_media_fd (m2m) < 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "%s has no media device: requests cannot be made", info->video_path);
    return NULL;
  }

  self = g_new0 (DecDevice, 1);
  self->ref_count = 1;
  self->coded_format = coded_format;
  self->m2m = g_steal_pointer (&m2m);
  self->unit = gst_dmaresv_trace_name (v4l2_m2m_get_info (self->m2m)->driver);
  self->requests = v4l2_request_pool_new (self->m2m);
  self->allocator = gst_dmaresv_allocator_new ();
  return self;
}

V4l2M2m *
dec_device_get_m2m (DecDevice * self)
{
  return self->m2m;
}

guint
dec_device_get_in_flight (DecDevice * self)
{
  return self->in_flight;
}

/* Jobs */

static void
dec_device_trace_job (DecDevice * self, Job * job, guint64 key)
{
  guint64 reads[DEC_DEVICE_MAX_REFS];
  guint i;

  if (!gst_dmaresv_trace_is_on ())
    return;
  if (job->capture_index < VIDEO_MAX_FRAME)
    job->picture->inode = self->inodes[job->capture_index];
  for (i = 0; i < job->n_refs; i++)
    reads[i] = job->refs[i]->inode;
  job->trace_id = gst_dmaresv_trace_next_id ();
  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_JOB_QUEUED,.id = job->trace_id,.unit =
      self->unit,.inode = job->picture->inode,.extra = reads,.n_extra =
      job->n_refs,.key = key,.frame = job->picture->tag);
}

/* Takes the job apart.  The request goes back to its pool, which reinits it when it completed and
 * closes it otherwise. */
static void
dec_device_end_job (DecDevice * self, Job * job, DecPictureState state)
{
  guint i;

  GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_JOB_DONE,.id = job->trace_id,.unit =
      self->unit,.inode = job->picture->inode,.state = state != DEC_PICTURE_DECODED
      || job->picture->error ? GST_DMARESV_STATE_FAILED : GST_DMARESV_STATE_NONE);
  if (!job->continued)
    job->picture->state = state;
  if (self->held == job)
    self->held = NULL;
  g_clear_pointer (&job->picture, dec_picture_unref);
  for (i = 0; i < job->n_refs; i++)
    g_clear_pointer (&job->refs[i], dec_picture_unref);
  job->n_refs = 0;
  v4l2_request_pool_put (self->requests, g_steal_pointer (&job->request));
  job->busy = FALSE;
  self->in_flight--;
}

static void
dec_device_stream_off (DecDevice * self)
{
  V4l2M2mDir dirs[] = { V4L2_M2M_OUTPUT, V4L2_M2M_CAPTURE };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (dirs); i++) {
    g_autoptr (GError) err = NULL;

    if (!v4l2_m2m_stream (self->m2m, dirs[i], FALSE, &err))
      GST_WARNING ("%s", err->message);
  }
  for (i = 0; i < self->n_jobs; i++) {
    if (self->jobs[i].busy) {
      GST_DEBUG ("job %u was cancelled", i);
      dec_device_end_job (self, &self->jobs[i], DEC_PICTURE_FAILED);
    }
  }
  self->streaming = FALSE;
}

static void
dec_device_free_queues (DecDevice * self)
{
  V4l2M2mDir dirs[] = { V4L2_M2M_OUTPUT, V4L2_M2M_CAPTURE };
  guint i;

  dec_device_stream_off (self);
  for (i = 0; i < self->n_jobs; i++) {
    if (self->jobs[i].data)
      munmap (self->jobs[i].data, self->jobs[i].size);
    self->jobs[i].data = NULL;
    self->jobs[i].size = 0;
  }
  for (i = 0; i < G_N_ELEMENTS (dirs); i++) {
    g_autoptr (GError) err = NULL;
    guint count = 0;

    if (!v4l2_m2m_request_buffers (self->m2m, dirs[i], V4L2_MEMORY_MMAP, &count, NULL, &err))
      GST_WARNING ("%s", err->message);
  }
  self->n_jobs = 0;
  self->n_capture = 0;
  self->generation++;
}

void
dec_device_close (DecDevice * self)
{
  dec_device_free_queues (self);
  g_clear_pointer (&self->requests, v4l2_request_pool_free);
  g_clear_pointer (&self->m2m, v4l2_m2m_close);
  dec_device_unref (self);
}

gboolean
dec_device_reset (DecDevice * self, GError ** error)
{
  if (!self->streaming)
    return TRUE;
  GST_INFO ("resetting the queues of %s with %u jobs in flight",
      v4l2_m2m_get_info (self->m2m)->video_path, self->in_flight);
  dec_device_stream_off (self);
  if (!v4l2_m2m_stream (self->m2m, V4L2_M2M_OUTPUT, TRUE, error) ||
      !v4l2_m2m_stream (self->m2m, V4L2_M2M_CAPTURE, TRUE, error))
    return FALSE;
  self->streaming = TRUE;
  return TRUE;
}

/* Set-up */

gboolean
dec_device_configure (DecDevice * self, const DecDeviceConfig * config, GError ** error)
{
  V4l2Format format = { 0, };
  g_autoptr (GError) err = NULL;

  /* One that never ends is cancelled by the STREAMOFF below. */
  if (!dec_device_wait_idle (self, NULL, &err))
    GST_WARNING ("%s", err->message);
  dec_device_free_queues (self);

  format.pixelformat = self->coded_format;
  format.width = config->coded_width;
  format.height = config->coded_height;
  format.field = V4L2_FIELD_NONE;
  format.n_planes = 1;
  format.planes[0].sizeimage = config->bitstream_size;
  if (!v4l2_m2m_set_format (self->m2m, V4L2_M2M_OUTPUT, &format, error))
    return FALSE;
  if (format.pixelformat != self->coded_format || format.width < config->coded_width
      || format.height < config->coded_height || (config->exact_size
          && (format.width != config->coded_width || format.height != config->coded_height))) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "%s cannot decode %" GST_FOURCC_FORMAT " of %ux%u pixels (offers %ux%u)",
        v4l2_m2m_get_info (self->m2m)->video_path, GST_FOURCC_ARGS (self->coded_format),
        config->coded_width, config->coded_height, format.width, format.height);
    return FALSE;
  }

  if (config->n_mode_controls && !v4l2_m2m_set_controls (self->m2m, -1, config->mode_controls,
          config->n_mode_controls, error))
    return FALSE;
  /* Without a request and before any CAPTURE buffer exists: this decides which CAPTURE formats the
   * driver enumerates, and inside a request such a change would fail with EBUSY. */
  return !config->n_controls || v4l2_m2m_set_controls (self->m2m, -1, config->controls,
      config->n_controls, error);
}

GstVideoFormat
dec_device_enum_format (DecDevice * self, guint index)
{
  guint32 fourcc;
  guint i;

  for (i = 0; v4l2_m2m_enum_format (self->m2m, V4L2_M2M_CAPTURE, i, &fourcc); i++) {
    GstVideoFormat format = dec_frame_video_format (fourcc);

    if (format != GST_VIDEO_FORMAT_UNKNOWN && index-- == 0)
      return format;
  }
  return GST_VIDEO_FORMAT_UNKNOWN;
}

/* Bytes from the buffer's start to the end of the last picture plane.  What follows (rkvdec's
 * motion vectors) is the hardware's, and no reader should take it for pixels. */
static gsize
dec_device_visible_size (const V4l2Format * format)
{
  GstVideoInfo info;
  gsize end = 0;
  guint plane;

  if (format->n_planes != 1 || !dec_frame_format_to_info (format, format->width, format->height,
          &info))
    return 0;
  for (plane = 0; plane < GST_VIDEO_INFO_N_PLANES (&info); plane++) {
    gint comp[GST_VIDEO_MAX_COMPONENTS];
    gsize lines;

    gst_video_format_info_component (info.finfo, plane, comp);
    lines = GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (info.finfo, comp[0], format->height);
    end = MAX (end, GST_VIDEO_INFO_PLANE_OFFSET (&info, plane)
        + lines * GST_VIDEO_INFO_PLANE_STRIDE (&info, plane));
  }
  return MIN (end, format->planes[0].sizeimage);
}

gboolean
dec_device_set_capture (DecDevice * self, GstVideoFormat video_format, V4l2Format * format,
    GError ** error)
{
  guint32 fourcc = 0;
  guint i;

  /* NV12 and NV12M are one GstVideoFormat: the driver's own fourcc counts. */
  for (i = 0; v4l2_m2m_enum_format (self->m2m, V4L2_M2M_CAPTURE, i, &fourcc); i++) {
    if (dec_frame_video_format (fourcc) == video_format)
      break;
    fourcc = 0;
  }
  if (!v4l2_m2m_get_format (self->m2m, V4L2_M2M_CAPTURE, format, error))
    return FALSE;
  format->pixelformat = fourcc;
  if (!fourcc || !v4l2_m2m_set_format (self->m2m, V4L2_M2M_CAPTURE, format, error)
      || format->pixelformat != fourcc) {
    if (error && !*error)
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s does not decode to %s",
          v4l2_m2m_get_info (self->m2m)->video_path, gst_video_format_to_string (video_format));
    return FALSE;
  }

  self->capture = *format;
  self->picture_size = dec_device_visible_size (format);
  if (!self->picture_size) {
    for (i = 0; i < format->n_planes; i++)
      self->picture_size += format->planes[i].sizeimage;
  }
  GST_INFO ("CAPTURE is %" GST_FOURCC_FORMAT " %ux%u, %u bytes per line, %u bytes (%"
      G_GSIZE_FORMAT " of picture)", GST_FOURCC_ARGS (fourcc), format->width, format->height,
      format->planes[0].bytesperline, format->planes[0].sizeimage, self->picture_size);
  return TRUE;
}

gsize
dec_device_get_picture_size (DecDevice * self)
{
  return self->picture_size;
}

static GstMemory *
dec_device_export_plane (DecDevice * self, guint index, guint plane, gsize length, GError ** error)
{
  GstMemory *mem;
  gint fd;

  if ((fd = v4l2_m2m_export (self->m2m, V4L2_M2M_CAPTURE, index, plane, error)) < 0)
    return NULL;
  if (!(mem = gst_dmaresv_allocator_wrap (self->allocator, fd, length))) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "Could not wrap dma-buf %d of CAPTURE buffer %u", fd, index);
    return NULL;
  }
  if (self->capture.n_planes == 1 && self->picture_size < length)
    gst_memory_resize (mem, 0, self->picture_size);
  if (plane == 0 && index < VIDEO_MAX_FRAME)
    self->inodes[index] = gst_dmaresv_trace_inode (fd);
  if (plane == 0)
    gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (mem), dec_device_index_quark (),
        GUINT_TO_POINTER (index + 1), NULL);
  return mem;
}

/* GstDmaResvPoolAllocFunc: one more CAPTURE buffer, also while streaming. */
static GstBuffer *
dec_device_alloc_buffer (GstDmaResvPool * pool, gpointer user_data, GError ** error)
{
  PoolData *data = user_data;
  DecDevice *self = data->device;
  g_autoptr (GstBuffer) buffer = NULL;
  V4l2Buffer layout = V4L2_BUFFER_INIT;
  guint count = 1, index, i;

  if (!self->m2m || data->generation != self->generation) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED,
        "The CAPTURE queue of this pool has been freed");
    return NULL;
  }
  if (self->n_capture >= VIDEO_MAX_FRAME) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "All %u CAPTURE buffers exist",
        self->n_capture);
    return NULL;
  }
  if (!v4l2_m2m_create_buffers (self->m2m, V4L2_M2M_CAPTURE, V4L2_MEMORY_MMAP, &count, &index,
          error))
    return NULL;
  if (count < 1) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "The driver made no buffer");
    return NULL;
  }
  self->n_capture = MAX (self->n_capture, index + 1);
  if (!v4l2_m2m_query_buffer (self->m2m, V4L2_M2M_CAPTURE, index, &layout, error))
    return NULL;

  buffer = gst_buffer_new ();
  for (i = 0; i < layout.n_planes; i++) {
    GstMemory *mem = dec_device_export_plane (self, index, i, layout.planes[i].length, error);

    if (!mem)
      return NULL;
    gst_buffer_append_memory (buffer, mem);
  }
  GST_DEBUG_OBJECT (pool, "CAPTURE buffer %u", index);
  return g_steal_pointer (&buffer);
}

static void
pool_data_free (gpointer user_data)
{
  PoolData *data = user_data;

  dec_device_unref (data->device);
  g_free (data);
}

GstBufferPool *
dec_device_create_pool (DecDevice * self, GstCaps * caps, guint min_buffers, GError ** error)
{
  PoolData *data = g_new0 (PoolData, 1);
  GstBufferPool *pool;
  GstStructure *config;

  data->device = dec_device_ref (self);
  data->generation = self->generation;
  pool = gst_dmaresv_pool_new (dec_device_alloc_buffer, data, pool_data_free);
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, self->picture_size,
      MIN (min_buffers, VIDEO_MAX_FRAME), VIDEO_MAX_FRAME);
  if (!gst_buffer_pool_set_config (pool, config)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "The pool refused its configuration");
    gst_object_unref (pool);
    return NULL;
  }
  return pool;
}

gboolean
dec_device_start (DecDevice * self, GError ** error)
{
  guint count = DEC_DEVICE_MAX_JOBS, i;
  guint32 caps = 0;

  if (!v4l2_m2m_request_buffers (self->m2m, V4L2_M2M_OUTPUT, V4L2_MEMORY_MMAP, &count, &caps,
          error))
    return FALSE;
  self->can_hold = (caps & V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF) != 0 && count > 1;
  for (i = 0; i < MIN (count, DEC_DEVICE_MAX_JOBS); i++) {
    Job *job = &self->jobs[i];

    if (!(job->data = v4l2_m2m_map (self->m2m, V4L2_M2M_OUTPUT, i, &job->size, error)))
      return FALSE;
    self->n_jobs = i + 1;
  }
  if (!v4l2_m2m_stream (self->m2m, V4L2_M2M_OUTPUT, TRUE, error))
    return FALSE;
  self->streaming = TRUE;
  return v4l2_m2m_stream (self->m2m, V4L2_M2M_CAPTURE, TRUE, error);
}

/* Running */

static void
dec_device_job_progress (DecDevice * self, Job * job)
{
  if (!job->output_done || !job->capture_done)
    return;
  GST_LOG ("CAPTURE buffer %u done after %" GST_TIME_FORMAT "%s", job->capture_index,
      GST_TIME_ARGS (gst_util_get_timestamp () - job->queued_at),
      job->picture->error ? ", with errors" : "");
  dec_device_end_job (self, job, DEC_PICTURE_DECODED);
}

static void
dec_device_captured (DecDevice * self, const V4l2Buffer * buffer)
{
  guint i;

  for (i = 0; i < self->n_jobs; i++) {
    Job *job = &self->jobs[i];

    if (job->busy && !job->capture_done && job->capture_index == buffer->index) {
      job->capture_done = TRUE;
      job->picture->error |= (buffer->flags & V4L2_BUF_FLAG_ERROR) != 0;
      dec_device_job_progress (self, job);
      return;
    }
  }
  GST_WARNING ("CAPTURE buffer %u was dequeued, but no job has it", buffer->index);
}

/* Takes back all that is done on one queue. */
static gboolean
dec_device_dequeue (DecDevice * self, V4l2M2mDir dir, GError ** error)
{
  for (;;) {
    g_autoptr (GError) err = NULL;
    V4l2Buffer buffer = V4L2_BUFFER_INIT;

    if (!v4l2_m2m_dequeue (self->m2m, dir, V4L2_MEMORY_MMAP, &buffer, &err)) {
      if (g_error_matches (err, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&err));
      return FALSE;
    }
    if (dir == V4L2_M2M_CAPTURE) {
      dec_device_captured (self, &buffer);
    } else if (buffer.index < self->n_jobs && self->jobs[buffer.index].busy) {
      /* A buffer that is held on does not say so later. */
      self->jobs[buffer.index].picture->error |= (buffer.flags & V4L2_BUF_FLAG_ERROR) != 0;
      self->jobs[buffer.index].output_done = TRUE;
      dec_device_job_progress (self, &self->jobs[buffer.index]);
    } else {
      GST_WARNING ("OUTPUT buffer %u was dequeued, but no job has it", buffer.index);
    }
  }
}

gboolean
dec_device_reap (DecDevice * self, GError ** error)
{
  /* The kernel ends a job on the OUTPUT queue first (v4l2_m2m_buf_done_and_job_finish), so when
   * asked in this order no job is found half done for long. */
  return !self->in_flight || (dec_device_dequeue (self, V4L2_M2M_CAPTURE, error)
      && dec_device_dequeue (self, V4L2_M2M_OUTPUT, error));
}

/* A wait that is shorter than a job may take ends for its caller to look at something else. */
static void
dec_device_trace_wait (DecDevice * self, GstClockTime start, GstClockTime timeout, gboolean ok)
{
  gst_dmaresv_trace_job_wait (self->unit, start, ok || timeout < DEC_DEVICE_TIMEOUT);
}

/* Waits until one more buffer of some job is done. */
static gboolean
dec_device_wait_one (DecDevice * self, GstClockTime timeout, GCancellable * cancellable,
    GError ** error)
{
  V4l2M2mDir dir = V4L2_M2M_OUTPUT;
  GstClockTime start = gst_util_get_timestamp ();
  gboolean ok;
  guint i;

  for (i = 0; i < self->n_jobs; i++) {
    /* One that is held does not come by itself. */
    if (self->jobs[i].busy && !self->jobs[i].capture_done && &self->jobs[i] != self->held)
      dir = V4L2_M2M_CAPTURE;
  }
  ok = v4l2_m2m_wait (self->m2m, dir, timeout, cancellable, error);
  dec_device_trace_wait (self, start, timeout, ok);
  if (!ok) {
    g_prefix_error (error, "Waited %" G_GUINT64_FORMAT " ms for %s to finish a job (%u in "
        "flight, %s queue): ", (gst_util_get_timestamp () - start) / GST_MSECOND,
        v4l2_m2m_get_info (self->m2m)->video_path, self->in_flight,
        dir == V4L2_M2M_CAPTURE ? "CAPTURE" : "OUTPUT");
    return FALSE;
  }
  GST_LOG ("waited %" GST_TIME_FORMAT " for a job",
      GST_TIME_ARGS (gst_util_get_timestamp () - start));
  return dec_device_reap (self, error);
}

/* The other field will not come. (At a picture of another timestamp the kernel sees that itself.) */
static void
dec_device_release_held (DecDevice * self)
{
  g_autoptr (GError) err = NULL;

  if (!self->held)
    return;
  GST_LOG ("CAPTURE buffer %u stays with one field", self->held->capture_index);
  self->held = NULL;
  if (!v4l2_m2m_release_held (self->m2m, &err))
    GST_WARNING ("%s", err->message);
}

void
dec_device_end_picture (DecDevice * self, DecPicture * picture)
{
  if (self->held && self->held->picture == picture)
    dec_device_release_held (self);
}

gboolean
dec_device_wait (DecDevice * self, DecPicture * picture, GCancellable * cancellable,
    GError ** error)
{
  if (!dec_device_reap (self, error))
    return FALSE;
  dec_device_end_picture (self, picture);
  while (picture->state == DEC_PICTURE_QUEUED) {
    if (!dec_device_wait_one (self, DEC_DEVICE_TIMEOUT, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
dec_device_wait_room (DecDevice * self, guint max_jobs, GstClockTime timeout,
    GCancellable * cancellable, GError ** error)
{
  if (!dec_device_reap (self, error))
    return FALSE;
  if (max_jobs <= 1)
    dec_device_release_held (self);
  while (self->in_flight >= max_jobs) {
    if (!dec_device_wait_one (self, timeout, cancellable, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
dec_device_wait_idle (DecDevice * self, GCancellable * cancellable, GError ** error)
{
  return dec_device_wait_room (self, 1, DEC_DEVICE_TIMEOUT, cancellable, error);
}

gboolean
dec_device_poll (DecDevice * self, GstClockTime timeout, GCancellable * cancellable,
    GError ** error)
{
  GstClockTime start = gst_dmaresv_trace_now ();
  gboolean ok = v4l2_m2m_wait (self->m2m, V4L2_M2M_CAPTURE, timeout, cancellable, error);

  dec_device_trace_wait (self, start, timeout, ok);
  return ok;
}

gboolean
dec_device_is_next (DecDevice * self, DecPicture * picture)
{
  Job *next = NULL;
  guint i;

  for (i = 0; i < self->n_jobs; i++) {
    Job *job = &self->jobs[i];

    if (job->busy && (!next || job->number < next->number))
      next = job;
  }
  return next && next->picture == picture;
}

static Job *
dec_device_free_job (DecDevice * self, GCancellable * cancellable, GError ** error)
{
  guint i;

  if (!dec_device_reap (self, error))
    return NULL;
  for (;;) {
    for (i = 0; i < self->n_jobs; i++) {
      if (!self->jobs[i].busy)
        return &self->jobs[i];
    }
    if (!dec_device_wait_one (self, DEC_DEVICE_TIMEOUT, cancellable, error))
      return NULL;
  }
}

static gboolean
dec_device_queue_output (DecDevice * self, Job * job, const DecDeviceJob * desc, GError ** error)
{
  V4l2Buffer buffer = V4L2_BUFFER_INIT;

  memcpy (job->data, desc->data, desc->size);
  buffer.index = job - self->jobs;
  buffer.n_planes = 1;
  buffer.planes[0].bytesused = desc->size;
  buffer.planes[0].length = job->size;
  buffer.field = V4L2_FIELD_NONE;
  if (desc->first_field && self->can_hold)
    buffer.flags = V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
  buffer.timestamp = desc->key;
  buffer.request_fd = v4l2_request_get_fd (job->request);
  return v4l2_m2m_queue (self->m2m, V4L2_M2M_OUTPUT, &buffer, error);
}

static gboolean
dec_device_queue_capture (DecDevice * self, Job * job, GError ** error)
{
  V4l2Buffer buffer = V4L2_BUFFER_INIT;
  guint i;

  buffer.index = job->capture_index;
  buffer.n_planes = self->capture.n_planes;
  for (i = 0; i < self->capture.n_planes; i++)
    buffer.planes[i].length = self->capture.planes[i].sizeimage;
  return v4l2_m2m_queue (self->m2m, V4L2_M2M_CAPTURE, &buffer, error);
}

/* A queued request that has got no CAPTURE buffer would take the next job's.  The jobs before it
 * are let finish; STREAMOFF on OUTPUT alone then cancels it, and the timestamps on CAPTURE, by
 * which references are found, stay. */
static void
dec_device_cancel_starved (DecDevice * self)
{
  g_autoptr (GError) err = NULL;

  if (!dec_device_wait_idle (self, NULL, &err) ||
      !v4l2_m2m_stream (self->m2m, V4L2_M2M_OUTPUT, FALSE, &err) ||
      !v4l2_m2m_stream (self->m2m, V4L2_M2M_OUTPUT, TRUE, &err))
    GST_ERROR ("cancelling a job failed: %s", err->message);
}

/*
 * rkvdec (Linux 7.2) takes the number of elements of a dynamic array, so of
 * slices, from the request whose controls were set last, not from the one that
 * it runs: jobs are in flight together only if their controls are of one size.
 */
static gboolean
dec_device_settle_arrays (DecDevice * self, const DecDeviceJob * desc, GCancellable * cancellable,
    GError ** error)
{
  gsize size = 0;
  guint i;

  for (i = 0; i < desc->n_controls; i++)
    size += desc->controls[i].size;
  if (size != self->controls_size && !dec_device_wait_idle (self, cancellable, error))
    return FALSE;
  self->controls_size = size;
  return TRUE;
}

gboolean
dec_device_submit (DecDevice * self, DecPicture * picture, const DecDeviceJob * desc,
    GCancellable * cancellable, GError ** error)
{
  GstMemory *mem = gst_buffer_peek_memory (picture->buffer, 0);
  Job *job, *first;
  guint i;

  /* A second field: its frame's buffer is in the CAPTURE queue, held there for it.  Not every driver
   * can do that; where it cannot, the buffer is queued again after the first field is done. */
  if (picture->state == DEC_PICTURE_QUEUED && !(self->held && self->held->picture == picture)
      && !dec_device_wait (self, picture, cancellable, error))
    return FALSE;
  if (!(job = dec_device_free_job (self, cancellable, error)))
    return FALSE;
  if (desc->size > job->size) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
        "An access unit of %" G_GSIZE_FORMAT " bytes does not fit the OUTPUT buffer of %"
        G_GSIZE_FORMAT " bytes", desc->size, job->size);
    return FALSE;
  }
  if (!dec_device_settle_arrays (self, desc, cancellable, error)
      || !(job->request = v4l2_request_pool_get (self->requests, error)))
    return FALSE;
  job->capture_index = GPOINTER_TO_UINT (gst_mini_object_get_qdata (GST_MINI_OBJECT_CAST (mem),
          dec_device_index_quark ())) - 1;

  if ((desc->n_controls && !v4l2_m2m_set_controls (self->m2m, v4l2_request_get_fd (job->request),
              desc->controls, desc->n_controls, error)) ||
      !dec_device_queue_output (self, job, desc, error) ||
      !v4l2_request_queue (job->request, error)) {
    v4l2_request_pool_put (self->requests, g_steal_pointer (&job->request));
    return FALSE;
  }
  first = self->held && self->held->picture == picture ? self->held : NULL;
  /* After the request: one that fails leaves no CAPTURE buffer behind for the next to take. */
  if (!first && !dec_device_queue_capture (self, job, error)) {
    dec_device_cancel_starved (self);
    v4l2_request_pool_put (self->requests, g_steal_pointer (&job->request));
    return FALSE;
  }

  job->busy = TRUE;
  job->output_done = job->capture_done = job->continued = FALSE;
  job->queued_at = gst_util_get_timestamp ();
  job->number = self->n_submitted++;
  job->picture = dec_picture_ref (picture);
  job->n_refs = MIN (desc->n_refs, DEC_DEVICE_MAX_REFS);
  for (i = 0; i < job->n_refs; i++)
    job->refs[i] = dec_picture_ref (desc->refs[i]);
  picture->state = DEC_PICTURE_QUEUED;
  self->in_flight++;
  dec_device_trace_job (self, job, desc->key);
  self->held = desc->first_field && self->can_hold ? job : NULL;
  if (first) {
    first->continued = first->capture_done = TRUE;
    dec_device_job_progress (self, first);
  }
  GST_LOG ("job %u: %" G_GSIZE_FORMAT " bytes, key %" G_GUINT64_FORMAT " into CAPTURE buffer %u, "
      "%u in flight", (guint) (job - self->jobs), desc->size, desc->key, job->capture_index,
      self->in_flight);
  return TRUE;
}
