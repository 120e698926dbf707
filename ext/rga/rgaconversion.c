/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>

#include "gstdmafence.h"
#include "gstdmaresvtrace.h"
#include "rgaconvertpriv.h"
#include "rgaimport.h"
#include "rgapool.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rga_convert_debug);
#define GST_CAT_DEFAULT gst_rga_convert_debug
GST_DEBUG_CATEGORY_STATIC (performance_debug);

/* The longest that a producer's fence, and a job of the hardware, may take. Drivers' watchdogs end a
 * job after 2 seconds, with an error that this has to let come. */
#define FENCE_TIMEOUT (3 * GST_SECOND)
#define JOB_TIMEOUT (3 * GST_SECOND)

#define PRIV(self) rga_convert_get_private (GST_RGA_CONVERT_BASE (self))

/*
 * The way of a frame
 *
 *   wait for the producer's fence ── start: import, or stage and import, or copy
 *     ── early:  the job's fence is pending in the CAPTURE dma-buf, and downstream respects it
 *     ── or else wait for the job
 *
 * A frame that left early keeps the converter's one job running.  The device
 * holds both buffers until the job is seen to have ended, and the next frame
 * waits for that before it starts its own (rga_convert_settle()): the RGA does
 * one job at a time anyway.  Until then nobody but the fence knows how it went.
 */

/* Posts what went wrong with the device or a fence. */
static GstFlowReturn
flow_from_error (GstRgaConvertBase * self, const gchar * what, const GError * error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    GST_DEBUG_OBJECT (self, "%s: %s", what, error->message);
    return GST_FLOW_FLUSHING;
  }
  GST_ELEMENT_ERROR (self, RESOURCE, READ, ("%s", what), ("%s", error->message));
  return GST_FLOW_ERROR;
}

/* @corrupt: the producer's job failed after its buffer had been handed on. */
static GstFlowReturn
wait_for_producer (GstRgaConvertBase * self, GstBuffer * inbuf, gboolean * corrupt)
{
  GstDmaFenceMeta *meta = gst_buffer_get_dma_fence_meta (inbuf);
  g_autoptr (GError) error = NULL;
  GstClockTime waited = 0;

  if (!gst_dma_fence_wait_buffer (inbuf, GST_DMA_ACCESS_READ, FENCE_TIMEOUT,
          PRIV (self)->cancellable, &waited, &error))
    return flow_from_error (self, "The frame to convert did not become ready.", error);
  GST_LOG_OBJECT (self, "waited %" GST_TIME_FORMAT " for the acquire fence",
      GST_TIME_ARGS (waited));
  /* The dma-buf has forgotten the fence by now; the sync_file that came along has not. */
  if (meta && gst_dma_fence_state_get (meta->state) < 0)
    *corrupt = TRUE;
  return GST_FLOW_OK;
}

GstFlowReturn
rga_convert_settle (GstRgaConvertBase * self)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  g_autoptr (GError) error = NULL;
  GstDmaFenceState *state;
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean corrupt = FALSE;

  state = g_steal_pointer (&priv->running);
  if (!state)
    return GST_FLOW_OK;
  if (!rga_device_finish (priv->device, JOB_TIMEOUT, &corrupt, &error)) {
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      gst_dma_fence_state_fail (state, -ETIMEDOUT);
    ret = flow_from_error (self, "The converter does not finish its job.", error);
  } else if (corrupt) {
    gst_dma_fence_state_fail (state, -EIO);
    GST_ELEMENT_WARNING (self, STREAM, FAILED, ("A picture was damaged while it was shown."),
        ("A frame was handed over before it was converted, and its job failed"));
  }
  gst_dma_fence_state_unref (state);
  return ret;
}

/* Whether @outbuf may leave while its job runs. */
static gboolean
leave_early (GstRgaConvertBase * self, GstBuffer * outbuf)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);

  if (!priv->early_allowed || !(priv->running = gst_dmaresv_hand_over_prove (outbuf)))
    return FALSE;
  gst_buffer_add_dma_fence_meta (outbuf, priv->running);
  return TRUE;
}

/* The hardware moves what the driver does not take as it is (rgastage.c). */
static gboolean
start_staged (GstRgaConvertBase * self, GstBuffer * inbuf, RgaImport * src, RgaJob * job,
    GError ** error)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  RgaImport staged = *src;

  if (!priv->stage)
    priv->stage =
        rga_stage_new (rga_convert_get_class_data (self)->info,
        rga_convert_get_class_data (self)->limits, priv->cancellable, error);
  if (!priv->stage
      || !rga_stage_move (priv->stage, &staged, rga_device_get_output_size (priv->device), inbuf,
          JOB_TIMEOUT, error))
    return FALSE;

  job->fd = staged.fd;
  job->inode = staged.inode;
  job->size = staged.size;
  if (!rga_device_start (priv->device, job, error))
    return FALSE;
  GST_OBJECT_LOCK (self);
  priv->n_staged++;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

/* FALSE without an error where the buffer has to be copied instead, with one where nothing helps:
 * the device hangs, or the element flushes. */
static gboolean
start_import (GstRgaConvertBase * self, GstBuffer * inbuf, RgaJob * job, GError ** fatal)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  g_autoptr (GError) error = NULL;
  const gchar *reason;
  RgaImport src;

  if (priv->import_refused)
    return FALSE;
  if (!rga_import_from_buffer (&src, inbuf, &priv->in, &reason)) {
    GST_CAT_DEBUG_OBJECT (performance_debug, self, "cannot import: %s", reason);
    return FALSE;
  }

  GST_DEBUG_OBJECT (self, "importing dma-buf inode %" G_GUINT64_FORMAT ": %ux%u at %u,%u in %ux%u",
      src.inode, src.layout.width, src.layout.height, src.layout.x, src.layout.y,
      src.layout.coded_width, src.layout.coded_height);
  job->fd = src.fd;
  job->inode = src.inode;
  job->size = src.size;
  if (!rga_device_set_output (priv->device, &src.layout, V4L2_MEMORY_DMABUF, priv->bt709, &error))
    goto refused;

  if (!priv->stage) {
    if (rga_device_takes_size (priv->device, src.size)
        && rga_device_start (priv->device, job, &error))
      goto imported;
    if (!error || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
      GST_CAT_INFO_OBJECT (performance_debug, self, "the driver does not take a dma-buf of %"
          G_GSIZE_FORMAT " bytes for a picture of %" G_GSIZE_FORMAT ": from now on the hardware "
          "moves each picture into a smaller one first", src.size,
          rga_device_get_output_size (priv->device));
    else
      goto refused;
    g_clear_error (&error);
  }
  if (!start_staged (self, inbuf, &src, job, &error))
    goto refused;

imported:
  GST_OBJECT_LOCK (self);
  priv->n_imported++;
  GST_OBJECT_UNLOCK (self);
  return TRUE;

refused:
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (fatal, g_steal_pointer (&error));
    return FALSE;
  }
  GST_WARNING_OBJECT (self, "the driver refuses the frame, copying from now on: %s",
      error->message);
  priv->import_refused = TRUE;
  return FALSE;
}

static gboolean
start_copy (GstRgaConvertBase * self, GstBuffer * inbuf, RgaJob * job, GError ** error)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (inbuf);
  GstVideoFrame from, to;
  GstVideoInfo layout_info;
  RgaLayout layout;
  gpointer data;

  if (!rga_device_copy_layout (priv->device, &priv->in, &layout, error)
      || !rga_device_set_output (priv->device, &layout, V4L2_MEMORY_MMAP, priv->bt709, error)
      || !(data = rga_device_map_output (priv->device, &priv->in, &layout_info, error)))
    return FALSE;

  if (!gst_video_frame_map (&from, &priv->in, inbuf, GST_MAP_READ)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The incoming buffer cannot be mapped");
    return FALSE;
  }
  GST_CAT_DEBUG_OBJECT (performance_debug, self, "copying a frame into the driver's memory");
  rga_frame_over (&to, &layout_info, data);
  if ((crop && !rga_frame_crop (&from, &priv->in, crop)) || !gst_video_frame_copy (&to, &from)) {
    gst_video_frame_unmap (&from);
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The incoming buffer does not hold the picture that its caps and metas promise");
    return FALSE;
  }
  gst_video_frame_unmap (&from);

  job->fd = -1;
  if (!rga_device_start (priv->device, job, error))
    return FALSE;
  GST_OBJECT_LOCK (self);
  priv->n_copied++;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

/* @early: the result may leave before it is done. */
static GstFlowReturn
convert (GstRgaConvertBase * self, GstBuffer * inbuf, GstBuffer * outbuf, gboolean early,
    gboolean * corrupt)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  gint index = rga_convert_capture_index (outbuf);
  RgaJob job = {.fd = -1,.release = (GDestroyNotify) gst_mini_object_unref };
  gboolean job_corrupt = FALSE;
  GstClockTime start = gst_util_get_timestamp ();
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret;

  g_return_val_if_fail (index >= 0, GST_FLOW_ERROR);

  if ((ret = wait_for_producer (self, inbuf, corrupt)) != GST_FLOW_OK
      || (ret = rga_convert_settle (self)) != GST_FLOW_OK)
    return ret;

  job.capture = index;
  job.hold[0] = gst_buffer_ref (inbuf);
  /* Not the buffer, which is to be written (metas) while the job runs. */
  job.hold[1] = gst_buffer_get_memory (outbuf, 0);
  if (!start_import (self, inbuf, &job, &error)
      && (error || !start_copy (self, inbuf, &job, &error))) {
    gst_buffer_unref (inbuf);
    gst_memory_unref (job.hold[1]);
    return flow_from_error (self, "The converter does not take the frame.", error);
  }

  early = early && leave_early (self, outbuf);
  GST_OBJECT_LOCK (self);
  if (early)
    priv->n_early++;
  else
    priv->n_finished++;
  GST_OBJECT_UNLOCK (self);
  if (early) {
    gst_dmaresv_trace_hand_over (outbuf, rga_device_get_inode (priv->device, index),
        GST_DMARESV_NO_FRAME, TRUE);
    return GST_FLOW_OK;
  }

  /* Flushing ends the wait, not the job: the device keeps both buffers until the job has ended,
   * and looks for that before it starts another and when it stops. */
  if (!rga_device_finish (priv->device, JOB_TIMEOUT, &job_corrupt, &error))
    return flow_from_error (self, "The converter does not finish its job.", error);
  *corrupt |= job_corrupt;
  if (!priv->copy_out)
    gst_dmaresv_trace_hand_over (outbuf, rga_device_get_inode (priv->device, index),
        GST_DMARESV_NO_FRAME, FALSE);
  GST_LOG_OBJECT (self, "converted into CAPTURE %u in %" GST_TIME_FORMAT, job.capture,
      GST_TIME_ARGS (gst_util_get_timestamp () - start));
  return GST_FLOW_OK;
}

/* Through a buffer of the driver into one of system memory, with default strides. */
static GstFlowReturn
convert_and_copy (GstRgaConvertBase * self, GstBuffer * inbuf, GstBuffer * outbuf,
    gboolean * corrupt)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  g_autoptr (GstBuffer) captured = NULL;
  GstVideoFrame from, to;
  GstFlowReturn ret;

  ret = gst_buffer_pool_acquire_buffer (priv->pool, &captured, NULL);
  if (ret == GST_FLOW_OK)
    ret = convert (self, inbuf, captured, FALSE, corrupt);
  if (ret != GST_FLOW_OK)
    return ret;

  if (!gst_video_frame_map (&from, &priv->out, captured, GST_MAP_READ))
    goto no_map;
  if (!gst_video_frame_map (&to, &priv->out, outbuf, GST_MAP_WRITE)) {
    gst_video_frame_unmap (&from);
    goto no_map;
  }
  gst_video_frame_copy (&to, &from);
  gst_video_frame_unmap (&to);
  gst_video_frame_unmap (&from);
  return GST_FLOW_OK;

no_map:
  GST_ELEMENT_ERROR (self, RESOURCE, READ, ("A converted frame cannot be mapped."), (NULL));
  return GST_FLOW_ERROR;
}

GstFlowReturn
rga_convert_transform (GstBaseTransform * trans, GstBuffer * inbuf, GstBuffer * outbuf)
{
  GstRgaConvertBase *self = GST_RGA_CONVERT_BASE (trans);
  gboolean corrupt = FALSE;
  GstFlowReturn ret;

  if (!performance_debug)
    GST_DEBUG_CATEGORY_GET (performance_debug, "GST_PERFORMANCE");

  if (rga_convert_capture_index (outbuf) >= 0)
    ret = convert (self, inbuf, outbuf, TRUE, &corrupt);
  else
    ret = convert_and_copy (self, inbuf, outbuf, &corrupt);

  if (ret == GST_FLOW_OK && corrupt) {
    GST_WARNING_OBJECT (self, "the picture at %" GST_TIME_FORMAT " is damaged",
        GST_TIME_ARGS (GST_BUFFER_PTS (inbuf)));
    GST_BUFFER_FLAG_SET (outbuf, GST_BUFFER_FLAG_CORRUPTED);
  }
  return ret;
}
