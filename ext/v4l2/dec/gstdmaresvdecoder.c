/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvdecoder.h"

#include <gst/dmaresv/gstdmaresvpool.h>

#include "decframe.h"
#include "decprivate.h"

GST_DEBUG_CATEGORY (gst_dmaresv_decoder_debug);
#define GST_CAT_DEFAULT gst_dmaresv_decoder_debug

/*
 * The way of a frame
 *
 *   handle_frame() ── codec decode ─┬─ new_sequence: the device is set up anew
 *                                   ├─ new_picture:  a CAPTURE buffer from the pool
 *                                   ├─ submit:       a job in flight (dec_device_submit)
 *                                   └─ output:       joins the outputs queue
 *
 * The codec decides what comes next (the outputs queue is in output order);
 * decoutput.c decides what may leave, and when.
 *
 * A GstVideoCodecFrame is bound to its pictures by the tag, which is its
 * system_frame_number.  It ends in one of three ways: finished or dropped when
 * its picture was output; released when its last picture dies without having
 * been output (picture_freed()); dropped or released by handle_frame() when no
 * picture came of it.
 *
 * FLUSH_START and PAUSED->READY come from other threads: they cancel the
 * cancellable, on which all waiting for the hardware depends, and set the pool
 * flushing, on which waiting for a buffer depends.  Everything else runs under
 * the stream lock.
 */

enum
{
  PROP_0,
  PROP_VIDEO_DEVICE_PATH,
  PROP_MEDIA_DEVICE_PATH,
  PROP_HAND_OVER,
  PROP_STATS
};

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (GstDmaResvDecoder, gst_dmaresv_decoder, GST_TYPE_VIDEO_DECODER,
    G_ADD_PRIVATE (GstDmaResvDecoder);
    GST_DEBUG_CATEGORY_INIT (gst_dmaresv_decoder_debug, "dmaresvdecoder", 0,
        "V4L2 stateless decoder base class"));

#define PRIV(self) gst_dmaresv_decoder_get_private (GST_DMARESV_DECODER (self))
#define parent_class (GST_VIDEO_DECODER_CLASS (gst_dmaresv_decoder_parent_class))

GstDmaResvDecoderPrivate *
gst_dmaresv_decoder_get_private (GstDmaResvDecoder * self)
{
  return gst_dmaresv_decoder_get_instance_private (self);
}

/* Errors */

/* A wait for the hardware (or a queue) failed.  Keeps the reason in priv->flow. */
gboolean
gst_dmaresv_decoder_wait_failed (GstDmaResvDecoder * self, const GError * err)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  if (g_error_matches (err, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    GST_DEBUG_OBJECT (self, "%s", err->message);
    priv->flow = GST_FLOW_FLUSHING;
  } else {
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        ("The video decoder hardware did not finish a picture."), ("%s", err->message));
    priv->flow = GST_FLOW_ERROR;
  }
  return FALSE;
}

gboolean
gst_dmaresv_decoder_unsupported (GstDmaResvDecoder * self, const gchar * what)
{
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      ("This kind of video is not supported by the decoder."), ("%s", what));
  PRIV (self)->flow = GST_FLOW_NOT_NEGOTIATED;
  return FALSE;
}

/* The codec's client: pictures */

/* A buffer without waiting (pushing comes after the next job has been queued), or after all that can
 * be pushed has been, or after waiting for downstream for as long as it holds any. */
static GstFlowReturn
gst_dmaresv_decoder_acquire (GstDmaResvDecoder * self, GstBuffer ** buffer)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstBufferPoolAcquireParams params = { 0, };
  GstDmaResvPoolStats stats;
  g_autoptr (GError) err = NULL;
  GstFlowReturn flow;

  params.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
  flow = gst_buffer_pool_acquire_buffer (priv->pool, buffer, &params);
  if (flow == GST_FLOW_OK || flow == GST_FLOW_FLUSHING)
    return flow;

  /* What we hold back ourselves would be waited for in vain: frames to be pushed, and references of
   * jobs that nobody has taken back. */
  if (!gst_dmaresv_decoder_push_all (self))
    return priv->flow;
  if (!dec_device_wait_idle (priv->device, priv->cancellable, &err)) {
    gst_dmaresv_decoder_wait_failed (self, err);
    return priv->flow;
  }
  for (;;) {
    GstClockTime start = gst_util_get_timestamp (), waited;

    flow = gst_buffer_pool_acquire_buffer (priv->pool, buffer, NULL);
    waited = gst_util_get_timestamp () - start;
    gst_dmaresv_pool_get_stats (GST_DMARESV_POOL (priv->pool), &stats);
    GST_LOG_OBJECT (self, "waited %" GST_TIME_FORMAT " for a CAPTURE buffer (%s)",
        GST_TIME_ARGS (waited), gst_flow_get_name (flow));
    if (flow == GST_FLOW_OK || flow == GST_FLOW_FLUSHING)
      return flow;
    /* A paused sink may keep its frames for hours; only when none is out is something wrong, or
     * when it is the base class that keeps them, until we have decoded the whole GOP. */
    if (waited < ACQUIRE_TIMEOUT / 2 || priv->reverse
        || stats.allocated - stats.free - stats.pending <= priv->n_pictures)
      break;
    GST_INFO_OBJECT (self, "downstream holds all buffers, waiting on");
  }
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, ("No buffer to decode into."),
      ("%u CAPTURE buffers exist, %u are references or in work, %u wait for consumers' fences%s",
          stats.allocated, priv->n_pictures, stats.pending,
          priv->reverse ? "; backwards, each GOP has to fit as a whole" : ""));
  return GST_FLOW_ERROR;
}

static void
gst_dmaresv_decoder_picture_unref (gpointer data)
{
  dec_picture_unref (data);
}

static gboolean
gst_dmaresv_decoder_new_picture (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  GstDmaResvDecoder *self = user_data;
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstBuffer *buffer = NULL;
  DecPicture *mine;

  if (!priv->have_sequence) {
    GST_WARNING_OBJECT (self, "a picture without a sequence");
    priv->flow = GST_FLOW_NOT_NEGOTIATED;
    return FALSE;
  }
  if (picture->flags & CODEC_PICTURE_REPEAT) {
    picture->client_data = dec_picture_ref (conceal->client_data);
    picture->client_destroy = gst_dmaresv_decoder_picture_unref;
    return TRUE;
  }
  if (picture->flags & CODEC_PICTURE_GAP) {
    /* The driver finds a reference by the timestamp that a job left on its CAPTURE buffer, and no
     * job will run for this one.  With the key of the picture that conceals it, it *is* that
     * picture: nothing to copy, and nothing the driver cannot find. */
    if (conceal && conceal->client_data) {
      picture->key = conceal->key;
      picture->client_data = dec_picture_ref (conceal->client_data);
      picture->client_destroy = gst_dmaresv_decoder_picture_unref;
    }
    return TRUE;
  }

  if ((priv->flow = gst_dmaresv_decoder_acquire (self, &buffer)) != GST_FLOW_OK)
    return FALSE;
  mine = dec_picture_new (buffer, picture->tag, gst_dmaresv_decoder_picture_freed, self);
  priv->n_pictures++;
  /* A hidden one has no frame to end. */
  mine->output = (picture->flags & CODEC_PICTURE_HIDDEN) != 0;
  if (!mine->output)
    priv->pictures = g_list_prepend (priv->pictures, mine);
  picture->client_data = mine;
  picture->client_destroy = gst_dmaresv_decoder_picture_unref;
  return TRUE;
}

static gboolean
gst_dmaresv_decoder_submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  GstDmaResvDecoder *self = user_data;
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  DecPicture *mine = picture->client_data;
  V4l2Control controls[CODEC_MAX_CONTROLS];
  DecDeviceJob desc = { 0, };
  g_autoptr (GError) err = NULL;
  guint i;

  g_return_val_if_fail (mine != NULL, FALSE);

  if (!gst_dmaresv_decoder_make_room (self))
    return FALSE;
  desc.data = job->data;
  desc.size = job->size;
  desc.key = job->capture_key;
  desc.first_field = job->first_field;
  for (i = 0; i < job->n_controls; i++)
    controls[i] = (V4l2Control) {
    job->controls[i].id, job->controls[i].size, (gpointer) job->controls[i].data};
  desc.controls = controls;
  desc.n_controls = job->n_controls;
  for (i = 0; i < job->n_refs; i++) {
    if (job->refs[i]->client_data)
      desc.refs[desc.n_refs++] = job->refs[i]->client_data;
  }
  if (dec_device_submit (priv->device, mine, &desc, priv->cancellable, &err))
    return TRUE;
  if (g_error_matches (err, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (err, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return gst_dmaresv_decoder_wait_failed (self, err);

  /* This picture only; the stream goes on. */
  mine->state = DEC_PICTURE_FAILED;
  GST_VIDEO_DECODER_ERROR (self, 1, STREAM, DECODE, ("A picture could not be decoded."),
      ("Frame %" G_GUINT64_FORMAT " was not queued: %s", picture->tag, err->message), priv->flow);
  return priv->flow == GST_FLOW_OK;
}

static gboolean
gst_dmaresv_decoder_output (CodecPicture * picture, gpointer user_data)
{
  GstDmaResvDecoder *self = user_data;
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  DecPicture *mine = picture->client_data;
  GstVideoCodecFrame *frame;
  Output *output;

  if (!mine || (mine->output && !(picture->flags & CODEC_PICTURE_REPEAT)))
    return TRUE;
  if (!(picture->flags & CODEC_PICTURE_REPEAT)) {
    mine->output = TRUE;
    priv->pictures = g_list_remove (priv->pictures, mine);
  }

  frame = gst_video_decoder_get_frame (GST_VIDEO_DECODER (self), picture->tag);
  if (frame && gst_dmaresv_decoder_has_output (self, picture->tag))
    g_clear_pointer (&frame, gst_video_codec_frame_unref);
  if (!frame) {
    /* A second picture in one input buffer: there is no frame, and no time, for it. */
    GST_WARNING_OBJECT (self, "frame %" G_GUINT64_FORMAT " has another picture, which is not "
        "output: the stream is not aligned to access units", picture->tag);
    return TRUE;
  }
  output = g_new0 (Output, 1);
  output->frame = frame;
  output->picture = dec_picture_ref (mine);
  output->flags = picture->flags;
  if (picture->flags & CODEC_PICTURE_KEY)
    GST_VIDEO_CODEC_FRAME_SET_SYNC_POINT (frame);
  dec_device_end_picture (priv->device, mine);
  /* Pushed after the codec has queued what it has: pushing may take long. */
  g_queue_push_tail (&priv->outputs, output);
  return TRUE;
}

static const CodecClient codec_client = {
  gst_dmaresv_decoder_new_sequence,
  gst_dmaresv_decoder_new_picture,
  gst_dmaresv_decoder_submit,
  gst_dmaresv_decoder_output
};

/* Negotiation is in decnegotiate.c */

/* Exact: decodebin tries no other decoder once this one has said yes.  What the caps do not name
 * is no reason to refuse, but for the form, without which nothing can be parsed. */
static gboolean
gst_dmaresv_decoder_sink_query (GstVideoDecoder * decoder, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    GstCaps *exact = GST_DMARESV_DECODER_GET_CLASS (decoder)->sink_caps, *caps = NULL;

    gst_query_parse_accept_caps (query, &caps);
    gst_query_set_accept_caps_result (query, gst_caps_is_fixed (caps)
        && gst_caps_can_intersect (caps, exact));
    return TRUE;
  }
  return parent_class->sink_query (decoder, query);
}

/* Streaming */

static gboolean
gst_dmaresv_decoder_upstream_is_live (GstDmaResvDecoder * self)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (GST_VIDEO_DECODER_SINK_PAD (self), query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  return live;
}

/* Everything that the codec and the hardware still have, pushed. */
static GstFlowReturn
gst_dmaresv_decoder_drain (GstVideoDecoder * decoder)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstDmaResvDecoderClass *klass = GST_DMARESV_DECODER_GET_CLASS (self);
  g_autoptr (GError) err = NULL;

  GST_DEBUG_OBJECT (self, "draining");
  priv->flow = GST_FLOW_OK;
  if (!klass->codec->drain (priv->codec, &err) && err
      && !g_error_matches (err, CODEC_ERROR, CODEC_ERROR_CLIENT))
    GST_WARNING_OBJECT (self, "draining: %s", err->message);
  /* Frames after the end of a segment go the same way, to be clipped, and none waits for the next
   * segment, whose frames come after this. */
  if (priv->flow == GST_FLOW_OK || priv->flow == GST_FLOW_EOS) {
    do
      gst_dmaresv_decoder_push_all (self);
    while (priv->flow == GST_FLOW_EOS && !g_queue_is_empty (&priv->outputs));
  }
  if (priv->output_flow == GST_FLOW_EOS)
    priv->output_flow = GST_FLOW_OK;
  return priv->flow;
}

static gboolean
gst_dmaresv_decoder_set_format (GstVideoDecoder * decoder, GstVideoCodecState * state)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  g_autoptr (GError) err = NULL;

  /* Earlier frames leave with the caps that they came with. */
  if (priv->have_sequence) {
    GstFlowReturn flow = gst_dmaresv_decoder_drain (decoder);

    if (flow != GST_FLOW_OK)
      GST_DEBUG_OBJECT (self, "draining before new caps: %s", gst_flow_get_name (flow));
    priv->need_negotiate = TRUE;
  }
  if (priv->input_state)
    gst_video_codec_state_unref (priv->input_state);
  priv->input_state = gst_video_codec_state_ref (state);

  priv->live = gst_dmaresv_decoder_upstream_is_live (self);
  GST_INFO_OBJECT (self, "input is %s%" GST_PTR_FORMAT, priv->live ? "live " : "", state->caps);
  if (!gst_dmaresv_decoder_tell_format (self, &err)) {
    GST_ELEMENT_ERROR (self, STREAM, DECODE, ("The stream's format cannot be decoded."),
        ("%s", err ? err->message : "caps refused"));
    return FALSE;
  }
  return TRUE;
}

static GstFlowReturn
gst_dmaresv_decoder_decode_failed (GstDmaResvDecoder * self, guint number, const GError * err)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstFlowReturn ret = GST_FLOW_OK;

  if (g_error_matches (err, CODEC_ERROR, CODEC_ERROR_CLIENT)) {
    return priv->flow != GST_FLOW_OK ? priv->flow : GST_FLOW_ERROR;
  } else if (g_error_matches (err, CODEC_ERROR, CODEC_ERROR_UNSUPPORTED)) {
    gst_dmaresv_decoder_unsupported (self, err->message);
    return priv->flow;
  }
  if (g_error_matches (err, CODEC_ERROR, CODEC_ERROR_SKIPPED)) {
    GST_ELEMENT_WARNING (self, STREAM, DECODE, ("A part of the video cannot be decoded."),
        ("From frame %u on: %s", number, err->message));
    return GST_FLOW_OK;
  }
  GST_VIDEO_DECODER_ERROR (self, 1, STREAM, DECODE, ("The stream is damaged."),
      ("Frame %u: %s", number, err->message), ret);
  return ret;
}

static GstFlowReturn
gst_dmaresv_decoder_handle_frame (GstVideoDecoder * decoder, GstVideoCodecFrame * frame)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstDmaResvDecoderClass *klass = GST_DMARESV_DECODER_GET_CLASS (self);
  guint number = frame->system_frame_number;
  g_autoptr (GError) err = NULL;
  GstFlowReturn ret = GST_FLOW_OK;
  GstVideoCodecFrame *kept;
  GstMapInfo map;

  GST_LOG_OBJECT (self, "frame %u, %" GST_PTR_FORMAT, number, frame->input_buffer);
  if (priv->output_flow != GST_FLOW_OK) {
    ret = priv->output_flow;
    priv->output_flow = GST_FLOW_OK;
    gst_video_decoder_release_frame (decoder, frame);
    return ret;
  }
  priv->flow = GST_FLOW_OK;
  if (priv->reverse != (decoder->input_segment.rate < 0.0)) {
    priv->reverse = !priv->reverse;
    priv->need_negotiate |= priv->have_sequence;
  }
  if (!gst_buffer_map (frame->input_buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, ("The stream could not be read."),
        ("Frame %u cannot be mapped", number));
    gst_video_decoder_release_frame (decoder, frame);
    return GST_FLOW_ERROR;
  }
  klass->codec->decode (priv->codec, map.data, map.size, number, &err);
  gst_buffer_unmap (frame->input_buffer, &map);
  if (err)
    ret = gst_dmaresv_decoder_decode_failed (self, number, err);

  /* With a picture, the frame ends with it; without, here. */
  kept = gst_video_decoder_get_frame (decoder, number);
  gst_video_codec_frame_unref (frame);
  if (kept && gst_dmaresv_decoder_has_picture (self, number)) {
    gst_video_codec_frame_unref (kept);
  } else if (kept && err && ret == GST_FLOW_OK) {
    ret = gst_video_decoder_drop_frame (decoder, kept);
  } else if (kept) {
    GST_DEBUG_OBJECT (self, "frame %u has no picture", number);
    gst_video_decoder_release_frame (decoder, kept);
  }

  if (ret == GST_FLOW_OK && !gst_dmaresv_decoder_push_ready (self))
    ret = priv->flow;
  return ret;
}

static GstFlowReturn
gst_dmaresv_decoder_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (parent);
  GstFlowReturn ret;

  gst_dmaresv_decoder_input_begins (self);
  ret = PRIV (self)->base_chain (pad, parent, buffer);
  gst_dmaresv_decoder_input_ends (self);
  return ret;
}

static void
gst_dmaresv_decoder_set_flushing (GstDmaResvDecoder * self, gboolean flushing)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstBufferPool *pools[2];
  guint i;

  if (flushing)
    g_cancellable_cancel (priv->cancellable);
  else
    g_cancellable_reset (priv->cancellable);
  GST_OBJECT_LOCK (self);
  pools[0] = priv->pool ? gst_object_ref (priv->pool) : NULL;
  pools[1] = priv->copy_pool ? gst_object_ref (priv->copy_pool) : NULL;
  GST_OBJECT_UNLOCK (self);
  for (i = 0; i < G_N_ELEMENTS (pools); i++) {
    if (pools[i])
      gst_buffer_pool_set_flushing (pools[i], flushing);
    gst_clear_object (&pools[i]);
  }
}

/* The hardware is let finish (a few jobs, each bounded by the driver's watchdog), so that the
 * queues keep running; where it does not, STREAMOFF ends it. */
static void
gst_dmaresv_decoder_settle_device (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  g_autoptr (GError) err = NULL;

  if (dec_device_wait_idle (priv->device, NULL, &err))
    return;
  GST_WARNING_OBJECT (self, "%s", err->message);
  g_clear_error (&err);
  if (!dec_device_reset (priv->device, &err))
    GST_ERROR_OBJECT (self, "%s", err->message);
}

static gboolean
gst_dmaresv_decoder_flush (GstVideoDecoder * decoder)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  GST_DEBUG_OBJECT (self, "flushing, %u jobs in flight", dec_device_get_in_flight (priv->device));
  gst_dmaresv_decoder_drop_outputs (self);
  GST_DMARESV_DECODER_GET_CLASS (self)->codec->flush (priv->codec);
  gst_dmaresv_decoder_settle_device (self);
  gst_dmaresv_decoder_set_flushing (self, FALSE);
  /* A flush that crosses PAUSED->READY must not undo what ends the waiting there. */
  if (g_atomic_int_get (&priv->stopping))
    gst_dmaresv_decoder_set_flushing (self, TRUE);
  priv->flow = priv->output_flow = GST_FLOW_OK;
  return TRUE;
}

static gboolean
gst_dmaresv_decoder_sink_event (GstVideoDecoder * decoder, GstEvent * event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
    gst_dmaresv_decoder_set_flushing (GST_DMARESV_DECODER (decoder), TRUE);
  return parent_class->sink_event (decoder, event);
}

/* States */

static gboolean
gst_dmaresv_decoder_open (GstVideoDecoder * decoder)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderClass *klass = GST_DMARESV_DECODER_GET_CLASS (self);
  g_autoptr (GError) err = NULL;

  PRIV (self)->device = dec_device_open (klass->device, klass->coded_format, &err);
  if (!PRIV (self)->device) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE,
        ("The video decoder device could not be opened."), ("%s", err->message));
    return FALSE;
  }
  return TRUE;
}

static gboolean
gst_dmaresv_decoder_close (GstVideoDecoder * decoder)
{
  g_clear_pointer (&PRIV (decoder)->device, dec_device_close);
  return TRUE;
}

static gboolean
gst_dmaresv_decoder_start (GstVideoDecoder * decoder)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  g_atomic_int_set (&priv->stopping, FALSE);
  g_cancellable_reset (priv->cancellable);
  priv->codec = GST_DMARESV_DECODER_GET_CLASS (self)->codec->create (&codec_client, self);
  priv->flow = priv->output_flow = GST_FLOW_OK;
  priv->have_sequence = FALSE;
  priv->need_negotiate = FALSE;
  priv->reverse = FALSE;
  priv->n_unseen = 0;
  GST_OBJECT_LOCK (self);
  priv->n_early = priv->n_finished = 0;
  GST_OBJECT_UNLOCK (self);
  gst_dmaresv_decoder_start_output_thread (self);
  return TRUE;
}

static gboolean
gst_dmaresv_decoder_stop (GstVideoDecoder * decoder)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  gst_dmaresv_decoder_stop_output_thread (self);
  gst_dmaresv_decoder_drop_outputs (self);
  g_clear_pointer (&priv->codec, GST_DMARESV_DECODER_GET_CLASS (self)->codec->destroy);
  gst_dmaresv_decoder_settle_device (self);
  g_queue_clear_full (&priv->handed, (GDestroyNotify) dec_picture_unref);
  gst_dmaresv_decoder_set_pool (self, &priv->pool, NULL);
  gst_dmaresv_decoder_set_pool (self, &priv->copy_pool, NULL);
  g_clear_pointer (&priv->input_state, gst_video_codec_state_unref);
  priv->have_sequence = FALSE;
  return TRUE;
}

static GstStateChangeReturn
gst_dmaresv_decoder_change_state (GstElement * element, GstStateChange transition)
{
  /* Before the pads are stopped: their thread may be waiting for the hardware or a buffer. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    g_atomic_int_set (&PRIV (element)->stopping, TRUE);
    gst_dmaresv_decoder_set_flushing (GST_DMARESV_DECODER (element), TRUE);
  }
  return GST_ELEMENT_CLASS (gst_dmaresv_decoder_parent_class)->change_state (element, transition);
}

/* Class */

static void
gst_dmaresv_decoder_get_property (GObject * object, guint id, GValue * value, GParamSpec * pspec)
{
  const V4l2DeviceInfo *device = GST_DMARESV_DECODER_GET_CLASS (object)->device;

  switch (id) {
    case PROP_VIDEO_DEVICE_PATH:
      g_value_set_string (value, device ? device->video_path : NULL);
      break;
    case PROP_MEDIA_DEVICE_PATH:
      g_value_set_string (value, device ? device->media_path : NULL);
      break;
    case PROP_HAND_OVER:
      GST_OBJECT_LOCK (object);
      g_value_set_enum (value, PRIV (object)->hand_over);
      GST_OBJECT_UNLOCK (object);
      break;
    case PROP_STATS:
      GST_OBJECT_LOCK (object);
      g_value_take_boxed (value, gst_structure_new ("application/x-dmaresv-decoder-stats",
              "frames-early", G_TYPE_UINT64, PRIV (object)->n_early,
              "frames-finished", G_TYPE_UINT64, PRIV (object)->n_finished, NULL));
      GST_OBJECT_UNLOCK (object);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_dmaresv_decoder_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  switch (id) {
    case PROP_HAND_OVER:
      GST_OBJECT_LOCK (object);
      PRIV (object)->hand_over = g_value_get_enum (value);
      GST_OBJECT_UNLOCK (object);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
gst_dmaresv_decoder_finalize (GObject * object)
{
  g_clear_object (&PRIV (object)->cancellable);
  g_clear_pointer (&PRIV (object)->held, dec_frame_count_unref);
  G_OBJECT_CLASS (gst_dmaresv_decoder_parent_class)->finalize (object);
}

static void
gst_dmaresv_decoder_init (GstDmaResvDecoder * self)
{
  GstPad *sinkpad = GST_VIDEO_DECODER_SINK_PAD (self);
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  priv->cancellable = g_cancellable_new ();
  g_queue_init (&priv->outputs);
  g_queue_init (&priv->handed);
  priv->base_chain = GST_PAD_CHAINFUNC (sinkpad);
  gst_pad_set_chain_function (sinkpad, gst_dmaresv_decoder_chain);
  gst_video_decoder_set_packetized (GST_VIDEO_DECODER (self), TRUE);
  gst_video_decoder_set_needs_format (GST_VIDEO_DECODER (self), TRUE);
}

static void
gst_dmaresv_decoder_class_init (GstDmaResvDecoderClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstVideoDecoderClass *decoder_class = GST_VIDEO_DECODER_CLASS (klass);

  object_class->get_property = gst_dmaresv_decoder_get_property;
  object_class->set_property = gst_dmaresv_decoder_set_property;
  object_class->finalize = gst_dmaresv_decoder_finalize;
  g_object_class_install_property (object_class, PROP_VIDEO_DEVICE_PATH,
      g_param_spec_string ("video-device-path", "Video Device Path",
          "Path of the V4L2 node", NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_MEDIA_DEVICE_PATH,
      g_param_spec_string ("media-device-path", "Media Device Path",
          "Path of the media node", NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_HAND_OVER,
      gst_dmaresv_hand_over_param_spec ());
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "How many frames left before (frames-early) and after (frames-finished) their job was "
          "done, since the last start", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  GST_ELEMENT_CLASS (klass)->change_state = gst_dmaresv_decoder_change_state;
  decoder_class->open = gst_dmaresv_decoder_open;
  decoder_class->close = gst_dmaresv_decoder_close;
  decoder_class->start = gst_dmaresv_decoder_start;
  decoder_class->stop = gst_dmaresv_decoder_stop;
  decoder_class->set_format = gst_dmaresv_decoder_set_format;
  gst_dmaresv_decoder_negotiate_class_init (decoder_class);
  decoder_class->sink_query = gst_dmaresv_decoder_sink_query;
  decoder_class->sink_event = gst_dmaresv_decoder_sink_event;
  decoder_class->handle_frame = gst_dmaresv_decoder_handle_frame;
  decoder_class->flush = gst_dmaresv_decoder_flush;
  decoder_class->drain = gst_dmaresv_decoder_drain;
  decoder_class->finish = gst_dmaresv_decoder_drain;
  gst_type_mark_as_plugin_api (GST_TYPE_DMARESV_DECODER, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_DMARESV_HAND_OVER, 0);
}
