/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-rgaconvert
 * @title: rgaconvert
 * @short_description: Scales and converts video with Rockchip's RGA, dma-buf to dma-buf
 *
 * Scales by 1/16 to 16 and converts between RGB and YUV formats (BT.601 and BT.709, limited range)
 * in the RGA of Rockchip's chips, through the mainline V4L2 driver rockchip-rga.
 *
 * An incoming dma-buf, a decoder's padded frame as well, is imported where it is, and no CPU
 * touches it.  Its implicit acquire fence is waited for first, as V4L2 waits for none.  (The driver
 * of Linux 7.2 does not take a dma-buf that is larger than its picture, as rkvdec's are; then the
 * hardware moves the picture in a job of its own first.)  Other memory is copied once into a buffer
 * of the driver.  What comes out is a dma-buf, for DMABuf and for system memory caps alike, and is
 * written again only when every fence of its readers has signalled.
 *
 * Waits for a producer's fence and for a job of the hardware end after 3 seconds with an error
 * message on the bus, and at once when the element flushes or stops.  The driver, though, has
 * neither a watchdog nor a way to stop a job (Linux 7.2), and ignores the hardware's error
 * interrupt: after a lost or an error interrupt the element posts its error and reaches
 * %GST_STATE_NULL, but when the process ends and its descriptors are closed, the kernel waits for
 * the job without a bound; nothing can kill the process then, and no other process can use the RGA
 * until the machine restarts.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! qtdemux ! h264parse ! dmaresvh264dec ! rgaconvert ! \
 *     "video/x-raw(memory:DMABuf),width=1280,height=720" ! waylandsink
 * ]| decodes, scales to 720p and shows, without a copy
 * |[
 * gst-launch-1.0 videotestsrc ! rgaconvert ! video/x-raw,format=BGRx,width=1280,height=720 ! \
 *     videoconvert ! autovideosink
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstrgaconvert.h"

#include <gst/allocators/allocators.h>
#include <gst/video/video.h>
#include <string.h>

#include "gstdmafence.h"
#include "gstdmaresvallocator.h"
#include "gstdmaresvcaps.h"
#include "gstdmaresvpool.h"
#include "media.h"
#include "rgacaps.h"
#include "rgaconvertpriv.h"
#include "rgapool.h"

GST_DEBUG_CATEGORY (gst_rga_convert_debug);
#define GST_CAT_DEFAULT gst_rga_convert_debug
GST_DEBUG_CATEGORY_STATIC (CAT_PERFORMANCE);

/* VIDEO_MAX_FRAME, which vb2 queues hold at most on all kernels. */
#define MAX_BUFFERS 32

enum
{
  PROP_0,
  PROP_DEVICE_PATH,
  PROP_HAND_OVER,
  PROP_STATS
};

/* Abstract: each device is a type of its own below it, with its RgaClassData as qdata. */
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GstRgaConvertBase, gst_rga_convert_base,
    GST_TYPE_BASE_TRANSFORM);

#define PRIV(self) rga_convert_get_private (GST_RGA_CONVERT_BASE (self))

static GQuark class_data_quark;
static GQuark index_quark;

GstRgaConvertBasePrivate *
rga_convert_get_private (GstRgaConvertBase * self)
{
  return gst_rga_convert_base_get_instance_private (self);
}

const RgaClassData *
rga_convert_get_class_data (gpointer self)
{
  return g_type_get_qdata (G_OBJECT_TYPE (self), class_data_quark);
}

gint
rga_convert_capture_index (GstBuffer * buffer)
{
  return GPOINTER_TO_INT (gst_mini_object_get_qdata (GST_MINI_OBJECT_CAST (gst_buffer_peek_memory
              (buffer, 0)), index_quark)) - 1;
}

/* Makes @pool (transfer full, nullable) the one to capture into. */
static void
take_pool (GstRgaConvertBase * self, GstBufferPool * pool)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  GstBufferPool *old;

  GST_OBJECT_LOCK (self);
  old = priv->pool;
  priv->pool = pool;
  GST_OBJECT_UNLOCK (self);

  if (old) {
    gst_buffer_pool_set_active (old, FALSE);
    gst_object_unref (old);
  }
  if (priv->spare_pool)
    gst_buffer_pool_set_active (priv->spare_pool, FALSE);
  gst_clear_object (&priv->spare_pool);
}

/* --- caps --- */

static GstCaps *
gst_rga_convert_transform_caps (GstBaseTransform * trans, GstPadDirection direction,
    GstCaps * caps, GstCaps * filter)
{
  GstCaps *result =
      rga_caps_transform (rga_convert_get_class_data (trans)->limits, direction, caps);

  if (filter) {
    GstCaps *filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);

    gst_caps_replace (&result, filtered);
    gst_caps_unref (filtered);
  }
  GST_DEBUG_OBJECT (trans, "%s %" GST_PTR_FORMAT " -> %" GST_PTR_FORMAT,
      direction == GST_PAD_SINK ? "sink" : "src", caps, result);
  return result;
}

static GstCaps *
gst_rga_convert_fixate_caps (GstBaseTransform * trans, GstPadDirection direction, GstCaps * caps,
    GstCaps * othercaps)
{
  othercaps =
      rga_caps_fixate (rga_convert_get_class_data (trans)->limits, direction, caps, othercaps);
  GST_DEBUG_OBJECT (trans, "fixated to %" GST_PTR_FORMAT, othercaps);
  return othercaps;
}

/* A player links by this answer and does not come back: say yes only to what converts. */
static gboolean
gst_rga_convert_accept_caps (GstBaseTransform * trans, GstPadDirection direction, GstCaps * caps)
{
  const RgaClassData *data = rga_convert_get_class_data (trans);
  g_autoptr (GstCaps) other = NULL;
  GstVideoInfo info;

  if (!gst_caps_can_intersect (caps, direction == GST_PAD_SINK ? data->sink_caps : data->src_caps)
      || !gst_dmaresv_caps_to_info (caps, &info, NULL))
    return FALSE;
  other = rga_caps_transform (data->limits, direction, caps);
  return !gst_caps_is_empty (other);
}

static gboolean
gst_rga_convert_set_caps (GstBaseTransform * trans, GstCaps * incaps, GstCaps * outcaps)
{
  GstRgaConvertBase *self = GST_RGA_CONVERT_BASE (trans);
  GstRgaConvertBasePrivate *priv = PRIV (self);
  g_autoptr (GError) error = NULL;

  if (!gst_dmaresv_caps_to_info (incaps, &priv->in, NULL)
      || !gst_dmaresv_caps_to_info (outcaps, &priv->out, &priv->dmabuf_out)) {
    GST_ERROR_OBJECT (trans, "cannot read caps %" GST_PTR_FORMAT " or %" GST_PTR_FORMAT, incaps,
        outcaps);
    return FALSE;
  }
  if (gst_caps_is_equal (incaps, outcaps)) {
    /* Passthrough: the driver's buffers would lie idle. */
    g_clear_pointer (&priv->running, gst_dma_fence_state_unref);
    take_pool (self, NULL);
    rga_device_stop (priv->device);
    g_clear_pointer (&priv->stage, rga_stage_free);
    return TRUE;
  }

  if (!rga_check_conversion (rga_convert_get_class_data (trans)->limits, &priv->in, &priv->out,
          &error)) {
    GST_ELEMENT_WARNING (trans, STREAM, FORMAT, ("This conversion is not supported."), ("%s",
            error->message));
    return FALSE;
  }
  if (GST_VIDEO_INFO_IS_YUV (&priv->in) && GST_VIDEO_INFO_IS_YUV (&priv->out)
      && priv->in.colorimetry.matrix != priv->out.colorimetry.matrix)
    GST_WARNING_OBJECT (trans, "the colour matrix stays that of the input");

  priv->bt709 = rga_uses_bt709 (&priv->in, &priv->out);
  priv->import_refused = FALSE;
  g_clear_pointer (&priv->stage, rga_stage_free);
  return TRUE;
}

static gboolean
gst_rga_convert_get_unit_size (GstBaseTransform * trans, GstCaps * caps, gsize * size)
{
  GstVideoInfo info;

  if (!gst_dmaresv_caps_to_info (caps, &info, NULL))
    return FALSE;
  *size = GST_VIDEO_INFO_SIZE (&info);
  return TRUE;
}

/* --- allocation --- */

static gboolean
gst_rga_convert_propose_allocation (GstBaseTransform * trans, GstQuery * decide_query,
    GstQuery * query)
{
  if (!GST_BASE_TRANSFORM_CLASS (gst_rga_convert_base_parent_class)->propose_allocation (trans,
          decide_query, query))
    return FALSE;
  /* In passthrough downstream has answered. */
  if (decide_query) {
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
    gst_query_add_allocation_meta (query, GST_VIDEO_CROP_META_API_TYPE, NULL);
    /* Unfinished frames are welcome: transform() waits for their fences. */
    gst_query_add_allocation_meta (query, GST_DMA_FENCE_META_API_TYPE, NULL);
  }
  return TRUE;
}

/*
 * A CAPTURE buffer, its dma-buf, its GstMemory and its GstBuffer are made together here and stay
 * together: sinks keep imports by GstMemory, and the pool never swaps memories.  The index is on
 * the memory, as the buffer is only a view of it.
 *
 * The element outlives every call: only its own streaming thread makes the pool allocate.
 */
static GstBuffer *
alloc_capture (GstDmaResvPool * pool, gpointer user_data, GError ** error)
{
  GstRgaConvertBase *self = user_data;
  GstRgaConvertBasePrivate *priv = PRIV (self);
  GstVideoInfo *layout = &priv->out_layout;
  GstBuffer *buffer;
  GstMemory *memory;
  guint index;
  gsize size;
  gint fd;

  if (!rga_device_add_capture (priv->device, &index, &fd, &size, error))
    return NULL;

  memory = gst_dmaresv_allocator_wrap (priv->allocator, fd, size);
  gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (memory), index_quark,
      GUINT_TO_POINTER (index + 1), NULL);
  buffer = gst_buffer_new ();
  gst_buffer_append_memory (buffer, memory);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (layout), GST_VIDEO_INFO_WIDTH (layout),
      GST_VIDEO_INFO_HEIGHT (layout), GST_VIDEO_INFO_N_PLANES (layout), layout->offset,
      layout->stride);
  GST_DEBUG_OBJECT (self, "CAPTURE buffer %u, %" G_GSIZE_FORMAT " bytes", index, size);
  return buffer;
}

/* A pool with driver buffers for @caps; transfer full. */
static GstBufferPool *
make_pool (GstRgaConvertBase * self, GstCaps * caps, guint min)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  GstBufferPool *pool = gst_dmaresv_pool_new (alloc_capture, self, NULL);
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, GST_VIDEO_INFO_SIZE (&priv->out_layout), min,
      MAX_BUFFERS);
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  /* A full queue in PAUSED may rightly keep every buffer for ever; flushing ends the wait. */
  gst_dmaresv_pool_set_timeout (GST_DMARESV_POOL (pool), GST_CLOCK_TIME_NONE);
  if (!gst_buffer_pool_set_config (pool, config)) {
    GST_ERROR_OBJECT (self, "the pool refuses its configuration");
    gst_clear_object (&pool);
  }
  return pool;
}

/* An odd YUV picture is converted with its padding column; an RGB result of the same width takes
 * that along, as it would be scaled by a pixel otherwise. */
static guint
active_out_width (GstRgaConvertBasePrivate * priv)
{
  guint width = GST_VIDEO_INFO_WIDTH (&priv->out);

  if (width == (guint) GST_VIDEO_INFO_WIDTH (&priv->in))
    return MAX (rga_active_size (priv->in.finfo, width), rga_active_size (priv->out.finfo, width));
  return rga_active_size (priv->out.finfo, width);
}

static gboolean
gst_rga_convert_decide_allocation (GstBaseTransform * trans, GstQuery * query)
{
  GstRgaConvertBase *self = GST_RGA_CONVERT_BASE (trans);
  GstRgaConvertBasePrivate *priv = PRIV (self);
  gboolean has_meta = gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gboolean update = gst_query_get_n_allocation_pools (query) > 0;
  g_autoptr (GError) error = NULL;
  GstBufferPool *pool, *base_pool;
  GstDmaResvHandOver hand_over;
  guint min = 0, size;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (update)
    gst_query_parse_nth_allocation_pool (query, 0, NULL, NULL, &min, NULL);
  /* One that is being written beside those that downstream keeps. */
  min = CLAMP (min, 1, MAX_BUFFERS - 1) + 1;
  if (rga_convert_settle (self) != GST_FLOW_OK)
    return FALSE;
  GST_OBJECT_LOCK (self);
  hand_over = priv->hand_over;
  GST_OBJECT_UNLOCK (self);

  if (!rga_device_set_capture (priv->device, &priv->out, active_out_width (priv),
          &priv->out_layout, &error)) {
    /* The base class asks again after a flush. */
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("The converter refuses its output format."),
          ("%s", error->message));
    return FALSE;
  }

  pool = make_pool (self, caps, min);
  if (!pool)
    return FALSE;
  priv->copy_out = !priv->dmabuf_out && !has_meta && !rga_layout_is_default (&priv->out_layout);
  priv->early_allowed = !priv->copy_out
      && gst_dmaresv_hand_over_allowed (hand_over, GST_BASE_TRANSFORM_SRC_PAD (trans), query);
  size = GST_VIDEO_INFO_SIZE (&priv->out_layout);
  if (priv->copy_out) {
    GST_CAT_INFO_OBJECT (CAT_PERFORMANCE, self, "downstream has no GstVideoMeta, so every frame is "
        "copied to default strides");
    if (!gst_buffer_pool_set_active (pool, TRUE)) {
      gst_object_unref (pool);
      return FALSE;
    }
    size = GST_VIDEO_INFO_SIZE (&priv->out);
    base_pool = rga_system_pool_new (caps, size, min);
  } else {
    base_pool = gst_object_ref (pool);
  }

  if (update)
    gst_query_set_nth_allocation_pool (query, 0, base_pool, size, min, MAX_BUFFERS);
  else
    gst_query_add_allocation_pool (query, base_pool, size, min, MAX_BUFFERS);
  gst_object_unref (base_pool);
  take_pool (self, pool);
  return TRUE;
}

static gboolean
pool_has_free (GstRgaConvertBasePrivate * priv)
{
  GstDmaResvPoolStats stats = { 0, };

  if (priv->pool)
    gst_dmaresv_pool_get_stats (GST_DMARESV_POOL (priv->pool), &stats);
  return stats.free > 0;
}

/* All buffers that videobuf2 knows, but for one to convert into, are somewhere else. */
static gboolean
pool_is_used_up (GstRgaConvertBasePrivate * priv)
{
  GstDmaResvPoolStats stats;

  gst_dmaresv_pool_get_stats (GST_DMARESV_POOL (priv->pool), &stats);
  return stats.allocated - stats.free >= MAX_BUFFERS - 1;
}

/* A consumer of system memory expects no limit: an encoder's lookahead may keep more buffers than
 * there are, and wait for the next.  transform() copies into these.  (One of dma-bufs knows what
 * it holds.) */
static GstFlowReturn
acquire_spare (GstRgaConvertBase * self, GstBuffer ** output)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);

  if (!priv->spare_pool) {
    g_autoptr (GstCaps) caps = gst_dmaresv_caps_from_info (&priv->out, FALSE);

    GST_CAT_INFO_OBJECT (CAT_PERFORMANCE, self, "downstream keeps %u buffers, so frames are copied "
        "until it returns some", MAX_BUFFERS - 1);
    priv->spare_pool = rga_system_pool_new (caps, GST_VIDEO_INFO_SIZE (&priv->out), 0);
    if (!gst_buffer_pool_set_active (priv->spare_pool, TRUE)) {
      gst_clear_object (&priv->spare_pool);
      return GST_FLOW_ERROR;
    }
  }
  return gst_buffer_pool_acquire_buffer (priv->spare_pool, output, NULL);
}

static GstFlowReturn
gst_rga_convert_prepare_output_buffer (GstBaseTransform * trans, GstBuffer * input,
    GstBuffer ** output)
{
  GstRgaConvertBase *self = GST_RGA_CONVERT_BASE (trans);
  GstRgaConvertBasePrivate *priv = PRIV (self);
  GstBaseTransformClass *klass = GST_BASE_TRANSFORM_CLASS (gst_rga_convert_base_parent_class);
  GstFlowReturn ret;

  /* The device keeps the buffer of a job that it has not seen to end, and would be waited for. */
  if (priv->running && !pool_has_free (priv) && (ret = rga_convert_settle (self)) != GST_FLOW_OK)
    return ret;
  if (!gst_base_transform_is_passthrough (trans) && priv->pool && !priv->dmabuf_out
      && !priv->copy_out && pool_is_used_up (priv)) {
    ret = acquire_spare (self, output);
    if (ret == GST_FLOW_OK && !klass->copy_metadata (trans, input, *output))
      GST_DEBUG_OBJECT (self, "could not copy metadata");
  } else {
    ret = klass->prepare_output_buffer (trans, input, output);
  }
  if (ret == GST_FLOW_ERROR)
    GST_ELEMENT_ERROR (trans, RESOURCE, NO_SPACE_LEFT, ("No buffer to convert into."),
        ("The pool gave no CAPTURE buffer: downstream holds all of them, or a reader's fence does "
            "not signal"));
  return ret;
}

/* Metas about the picture's content go along as long as what they speak of is the same. */
static gboolean
gst_rga_convert_transform_meta (GstBaseTransform * trans, GstBuffer * outbuf, GstMeta * meta,
    GstBuffer * inbuf)
{
  GstRgaConvertBasePrivate *priv = PRIV (trans);
  const gchar *const *tags = gst_meta_api_type_get_tags (meta->info->api);
  gboolean same_size = GST_VIDEO_INFO_WIDTH (&priv->in) == GST_VIDEO_INFO_WIDTH (&priv->out)
      && GST_VIDEO_INFO_HEIGHT (&priv->in) == GST_VIDEO_INFO_HEIGHT (&priv->out);

  if (meta->info->api == GST_VIDEO_META_API_TYPE || meta->info->api == GST_VIDEO_CROP_META_API_TYPE)
    return FALSE;

  for (; tags && *tags; tags++) {
    if (g_str_equal (*tags, GST_META_TAG_MEMORY_STR))
      return FALSE;
    if (g_str_equal (*tags, GST_META_TAG_VIDEO_SIZE_STR) && !same_size)
      return FALSE;
    if (g_str_equal (*tags, GST_META_TAG_VIDEO_COLORSPACE_STR)
        && GST_VIDEO_INFO_IS_RGB (&priv->in) != GST_VIDEO_INFO_IS_RGB (&priv->out))
      return FALSE;
  }
  return TRUE;
}

/* Only in passthrough: the class has transform(), too. */
static GstFlowReturn
gst_rga_convert_transform_ip (GstBaseTransform * trans, GstBuffer * buffer)
{
  GST_OBJECT_LOCK (trans);
  PRIV (trans)->n_passed++;
  GST_OBJECT_UNLOCK (trans);
  return GST_FLOW_OK;
}

/* --- flushing and states --- */

/* Wakes whoever waits in the streaming thread, for good if @stop, or lets it wait again. */
static void
set_flushing (GstRgaConvertBase * self, gboolean flushing, gboolean stop)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);
  GstBufferPool *base_pool = gst_base_transform_get_buffer_pool (GST_BASE_TRANSFORM (self));
  GstBufferPool *pool = NULL;

  g_mutex_lock (&priv->flush_lock);
  priv->stopping |= stop;
  flushing |= priv->stopping;
  GST_OBJECT_LOCK (self);
  if (priv->pool)
    pool = gst_object_ref (priv->pool);
  GST_OBJECT_UNLOCK (self);

  if (flushing)
    g_cancellable_cancel (priv->cancellable);
  else
    g_cancellable_reset (priv->cancellable);
  if (pool && gst_buffer_pool_is_active (pool))
    gst_buffer_pool_set_flushing (pool, flushing);
  if (base_pool && base_pool != pool && gst_buffer_pool_is_active (base_pool))
    gst_buffer_pool_set_flushing (base_pool, flushing);
  g_mutex_unlock (&priv->flush_lock);
  gst_clear_object (&pool);
  gst_clear_object (&base_pool);
}

static gboolean
gst_rga_convert_sink_event (GstBaseTransform * trans, GstEvent * event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
    set_flushing (GST_RGA_CONVERT_BASE (trans), TRUE, FALSE);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    rga_convert_settle (GST_RGA_CONVERT_BASE (trans));
  else if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    set_flushing (GST_RGA_CONVERT_BASE (trans), FALSE, FALSE);
  return GST_BASE_TRANSFORM_CLASS (gst_rga_convert_base_parent_class)->sink_event (trans, event);
}

static gboolean
gst_rga_convert_start (GstBaseTransform * trans)
{
  GstRgaConvertBasePrivate *priv = PRIV (trans);

  g_mutex_lock (&priv->flush_lock);
  priv->stopping = FALSE;
  g_cancellable_reset (priv->cancellable);
  g_mutex_unlock (&priv->flush_lock);
  GST_OBJECT_LOCK (trans);
  priv->n_imported = priv->n_staged = priv->n_copied = priv->n_passed = 0;
  priv->n_early = priv->n_finished = 0;
  GST_OBJECT_UNLOCK (trans);
  return TRUE;
}

static gboolean
gst_rga_convert_stop (GstBaseTransform * trans)
{
  take_pool (GST_RGA_CONVERT_BASE (trans), NULL);
  rga_device_stop (PRIV (trans)->device);
  g_clear_pointer (&PRIV (trans)->running, gst_dma_fence_state_unref);
  g_clear_pointer (&PRIV (trans)->stage, rga_stage_free);
  return TRUE;
}

static gboolean
open_device (GstRgaConvertBase * self)
{
  const RgaClassData *data = rga_convert_get_class_data (self);
  g_autoptr (GError) error = NULL;

  PRIV (self)->device = rga_device_open (data->info, PRIV (self)->cancellable, &error);
  if (!PRIV (self)->device) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE, ("Cannot open the converter."),
        ("%s", error->message));
    return FALSE;
  }
  return TRUE;
}

static GstStateChangeReturn
gst_rga_convert_change_state (GstElement * element, GstStateChange transition)
{
  GstRgaConvertBase *self = GST_RGA_CONVERT_BASE (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_device (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    set_flushing (self, TRUE, TRUE);

  ret = GST_ELEMENT_CLASS (gst_rga_convert_base_parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_READY_TO_NULL
      || (transition == GST_STATE_CHANGE_NULL_TO_READY && ret == GST_STATE_CHANGE_FAILURE))
    g_clear_pointer (&PRIV (self)->device, rga_device_close);
  return ret;
}

/* --- class --- */

static void
gst_rga_convert_get_property (GObject * object, guint id, GValue * value, GParamSpec * pspec)
{
  GstRgaConvertBasePrivate *priv = PRIV (object);

  switch (id) {
    case PROP_DEVICE_PATH:
      g_value_set_string (value, rga_convert_get_class_data (object)->info->video_path);
      break;
    case PROP_HAND_OVER:
      GST_OBJECT_LOCK (object);
      g_value_set_enum (value, priv->hand_over);
      GST_OBJECT_UNLOCK (object);
      break;
    case PROP_STATS:
      GST_OBJECT_LOCK (object);
      g_value_take_boxed (value, gst_structure_new ("application/x-rgaconvert-stats",
              "frames-imported", G_TYPE_UINT64, priv->n_imported,
              "frames-staged", G_TYPE_UINT64, priv->n_staged,
              "frames-copied", G_TYPE_UINT64, priv->n_copied,
              "frames-passed", G_TYPE_UINT64, priv->n_passed,
              "frames-early", G_TYPE_UINT64, priv->n_early,
              "frames-finished", G_TYPE_UINT64, priv->n_finished, NULL));
      GST_OBJECT_UNLOCK (object);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static void
gst_rga_convert_set_property (GObject * object, guint id, const GValue * value, GParamSpec * pspec)
{
  switch (id) {
    case PROP_HAND_OVER:
      GST_OBJECT_LOCK (object);
      PRIV (object)->hand_over = g_value_get_enum (value);
      GST_OBJECT_UNLOCK (object);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static void
gst_rga_convert_finalize (GObject * object)
{
  GstRgaConvertBasePrivate *priv = PRIV (object);

  g_mutex_clear (&priv->flush_lock);
  g_clear_object (&priv->cancellable);
  gst_clear_object (&priv->allocator);
  G_OBJECT_CLASS (gst_rga_convert_base_parent_class)->finalize (object);
}

static void
gst_rga_convert_base_init (GstRgaConvertBase * self)
{
  GstRgaConvertBasePrivate *priv = PRIV (self);

  g_mutex_init (&priv->flush_lock);
  priv->cancellable = g_cancellable_new ();
  priv->allocator = gst_dmaresv_allocator_new ();
}

static void
gst_rga_convert_base_class_init (GstRgaConvertBaseClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  class_data_quark = g_quark_from_static_string ("rgaconvert-class-data");
  index_quark = g_quark_from_static_string ("rgaconvert-capture-index");

  object_class->get_property = gst_rga_convert_get_property;
  object_class->set_property = gst_rga_convert_set_property;
  object_class->finalize = gst_rga_convert_finalize;
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_rga_convert_change_state);

  trans_class->passthrough_on_same_caps = TRUE;
  trans_class->transform_ip_on_passthrough = TRUE;
  trans_class->start = GST_DEBUG_FUNCPTR (gst_rga_convert_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_rga_convert_stop);
  trans_class->transform_caps = GST_DEBUG_FUNCPTR (gst_rga_convert_transform_caps);
  trans_class->fixate_caps = GST_DEBUG_FUNCPTR (gst_rga_convert_fixate_caps);
  trans_class->accept_caps = GST_DEBUG_FUNCPTR (gst_rga_convert_accept_caps);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_rga_convert_set_caps);
  trans_class->get_unit_size = GST_DEBUG_FUNCPTR (gst_rga_convert_get_unit_size);
  trans_class->propose_allocation = GST_DEBUG_FUNCPTR (gst_rga_convert_propose_allocation);
  trans_class->decide_allocation = GST_DEBUG_FUNCPTR (gst_rga_convert_decide_allocation);
  trans_class->prepare_output_buffer = GST_DEBUG_FUNCPTR (gst_rga_convert_prepare_output_buffer);
  trans_class->transform_meta = GST_DEBUG_FUNCPTR (gst_rga_convert_transform_meta);
  trans_class->transform = GST_DEBUG_FUNCPTR (rga_convert_transform);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_rga_convert_transform_ip);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_rga_convert_sink_event);

  /**
   * GstRgaConvert:device-path:
   *
   * The video node of the converter, which is found by its driver's name.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_DEVICE_PATH,
      g_param_spec_string ("device-path", "Device Path",
          "Path of the V4L2 video node that converts", NULL,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  /**
   * GstRgaConvert:hand-over:
   *
   * Whether frames may leave before they are converted, where the kernel publishes fences for the
   * converter's jobs.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_HAND_OVER,
      gst_dmaresv_hand_over_param_spec ());

  /**
   * GstRgaConvert:stats:
   *
   * Counters since the last start: `frames-imported`, whose dma-buf the hardware read where it was;
   * `frames-staged`, those of them that the hardware had to move first, as their dma-buf is larger
   * than the driver takes; `frames-copied`, copied by the CPU; `frames-passed`, passed on unchanged;
   * `frames-early` and `frames-finished`, which left before and after their job was done (all
   * #guint64).
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "How many frames were imported, copied and passed on since the last start",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

/* --- registration --- */

static void
device_class_init (gpointer klass, gpointer user_data)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const RgaClassData *data = user_data;

  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, data->sink_caps));
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, data->src_caps));
  gst_element_class_set_metadata (element_class, "Rockchip RGA video converter",
      "Filter/Converter/Video/Scaler/Hardware",
      "Scales and converts video with Rockchip's RGA, dma-buf to dma-buf without a copy",
      "The gst-dmaresv developers");
}

static gboolean
register_device (GstPlugin * plugin, V4l2DeviceInfo * info, gboolean first)
{
  g_autofree gchar *node = g_path_get_basename (info->video_path);
  g_autofree gchar *element = first ? g_strdup ("rgaconvert") : g_strconcat ("rgaconvert", node,
      NULL);
  /* Instances are named after it: rgaconvert0, rgaconvert1, ... */
  g_autofree gchar *type_name = g_strconcat ("GstRgaConvert", first ? NULL : node, NULL);
  GTypeInfo type_info = {.class_size = sizeof (GstRgaConvertBaseClass),
    .instance_size = sizeof (GstRgaConvertBase),.class_init = device_class_init
  };
  g_autoptr (GError) error = NULL;
  RgaLimits *limits = rga_limits_probe (info, &error);
  RgaClassData *data;
  GType type;

  if (!limits) {
    GST_WARNING ("%s is not usable: %s", info->video_path, error->message);
    return TRUE;
  }

  /* Like the type that it describes, never freed. */
  data = g_new0 (RgaClassData, 1);
  data->info = v4l2_device_info_copy (info);
  data->limits = limits;
  data->sink_caps = rga_caps_template (limits, GST_PAD_SINK);
  data->src_caps = rga_caps_template (limits, GST_PAD_SRC);
  GST_MINI_OBJECT_FLAG_SET (data->sink_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
  GST_MINI_OBJECT_FLAG_SET (data->src_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);

  type_info.class_data = data;
  type = g_type_register_static (GST_TYPE_RGA_CONVERT_BASE, type_name, &type_info, 0);
  g_type_set_qdata (type, class_data_quark, data);
  GST_INFO ("%s: %s, %ux%u to %ux%u", element, info->video_path, limits->min_width,
      limits->min_height, limits->max_width, limits->max_height);
  return gst_element_register (plugin, element, GST_RANK_NONE, type);
}

/**
 * gst_rga_convert_register:
 * @plugin: the plugin
 *
 * Finds the nodes of the driver rockchip-rga and registers an element for each.
 *
 * Returns: %FALSE if an element could not be registered; %TRUE without a device
 */
gboolean
gst_rga_convert_register (GstPlugin * plugin)
{
  g_autoptr (GPtrArray) infos = NULL;
  gboolean ret = TRUE;
  guint i;

  GST_DEBUG_CATEGORY_INIT (gst_rga_convert_debug, "rgaconvert", 0, "Rockchip RGA converter");
  GST_DEBUG_CATEGORY_GET (CAT_PERFORMANCE, "GST_PERFORMANCE");
  class_data_quark = g_quark_from_static_string ("rgaconvert-class-data");

  infos = v4l2_media_find_m2m ("rockchip-rga");
  if (infos->len == 0)
    GST_INFO ("no rgaconvert: none of /dev/video* belongs to the driver rockchip-rga");
  else
    gst_type_mark_as_plugin_api (GST_TYPE_RGA_CONVERT_BASE, 0);
  for (i = 0; i < infos->len; i++)
    ret &= register_device (plugin, g_ptr_array_index (infos, i), i == 0);
  return ret;
}
