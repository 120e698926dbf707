/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decprivate.h"

GST_DEBUG_CATEGORY_EXTERN (gst_dmaresv_decoder_debug);
#define GST_CAT_DEFAULT gst_dmaresv_decoder_debug

#define PRIV(self) gst_dmaresv_decoder_get_private (GST_DMARESV_DECODER (self))

/* Pictures and frames */

gboolean
gst_dmaresv_decoder_has_output (GstDmaResvDecoder * self, guint64 tag)
{
  GList *l;

  for (l = PRIV (self)->outputs.head; l; l = l->next) {
    if (((Output *) l->data)->frame->system_frame_number == tag)
      return TRUE;
  }
  return FALSE;
}

gboolean
gst_dmaresv_decoder_has_picture (GstDmaResvDecoder * self, guint64 tag)
{
  GList *l;

  for (l = PRIV (self)->pictures; l; l = l->next) {
    if (((DecPicture *) l->data)->tag == tag)
      return TRUE;
  }
  return gst_dmaresv_decoder_has_output (self, tag);
}

/* DecPictureFreeFunc: nobody has @picture any more.  A frame of which nothing was output is done
 * with it. */
void
gst_dmaresv_decoder_picture_freed (DecPicture * picture, gpointer user_data)
{
  GstDmaResvDecoder *self = user_data;
  GstVideoDecoder *decoder = user_data;
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstVideoCodecFrame *frame;

  priv->n_pictures--;
  if (picture->output)
    return;
  priv->pictures = g_list_remove (priv->pictures, picture);
  if (gst_dmaresv_decoder_has_picture (self, picture->tag))
    return;
  if ((frame = gst_video_decoder_get_frame (decoder, picture->tag))) {
    GST_DEBUG_OBJECT (self, "frame %u is never output", frame->system_frame_number);
    gst_video_decoder_release_frame (decoder, frame);
  }
}

static void
output_free (Output * output)
{
  dec_picture_unref (output->picture);
  g_free (output);
}

/* Frames that will not be pushed any more (flush, stop). */
void
gst_dmaresv_decoder_drop_outputs (GstDmaResvDecoder * self)
{
  Output *output;

  while ((output = g_queue_pop_head (&PRIV (self)->outputs))) {
    gst_video_decoder_release_frame (GST_VIDEO_DECODER (self), output->frame);
    output_free (output);
  }
}

/* Where downstream changed its mind, the frames that follow are made as it wants them. */
gboolean
gst_dmaresv_decoder_renegotiate (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstPad *srcpad = GST_VIDEO_DECODER_SRC_PAD (self);

  priv->need_negotiate |= gst_pad_check_reconfigure (srcpad);
  if (!priv->need_negotiate)
    return TRUE;
  if (!gst_video_decoder_negotiate (GST_VIDEO_DECODER (self))) {
    gst_pad_mark_reconfigure (srcpad);
    if (priv->flow == GST_FLOW_OK)
      priv->flow = GST_PAD_IS_FLUSHING (srcpad) ? GST_FLOW_FLUSHING : GST_FLOW_NOT_NEGOTIATED;
    return FALSE;
  }
  priv->need_negotiate = FALSE;
  return TRUE;
}

/* videobuf2 knows 32 buffers, and a consumer of system memory expects no limit: an encoder's
 * lookahead may keep more, and wait for the next.  What exceeds what decoding can spare is copied.
 * A consumer of dma-bufs knows what it holds, and waits. */
static gboolean
gst_dmaresv_decoder_has_to_copy (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  if (priv->copy || priv->dmabuf || dec_frame_count_get (priv->held) < priv->may_hold)
    return priv->copy;
  GST_LOG_OBJECT (self, "downstream holds %u buffers, copying a frame",
      dec_frame_count_get (priv->held));
  return TRUE;
}

static void
gst_dmaresv_decoder_flag_fields (GstBuffer * buffer, CodecPictureFlags flags)
{
  if (flags & CODEC_PICTURE_INTERLACED)
    GST_BUFFER_FLAG_SET (buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
  if (flags & CODEC_PICTURE_TOP_FIELD_FIRST)
    GST_BUFFER_FLAG_SET (buffer, GST_VIDEO_BUFFER_FLAG_TFF);
  if (flags & CODEC_PICTURE_REPEAT_FIELD)
    GST_BUFFER_FLAG_SET (buffer, GST_VIDEO_BUFFER_FLAG_RFF);
  if (flags & CODEC_PICTURE_ONE_FIELD)
    GST_BUFFER_FLAG_SET (buffer, GST_VIDEO_BUFFER_FLAG_ONEFIELD);
}

static GstFlowReturn
gst_dmaresv_decoder_make_buffer (GstDmaResvDecoder * self, Output * output)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  gboolean has_to_copy = gst_dmaresv_decoder_has_to_copy (self);
  GstBuffer *buffer = dec_frame_wrap (output->picture->buffer, &priv->layout, priv->held);

  if (has_to_copy) {
    GstBuffer *copy = NULL;
    GstFlowReturn flow;

    if (!gst_dmaresv_decoder_ensure_copy_pool (self, 0)) {
      gst_buffer_unref (buffer);
      return GST_FLOW_ERROR;
    }
    flow = dec_frame_copy (buffer, &priv->layout, priv->copy_pool, &priv->info, &copy);
    gst_buffer_unref (buffer);
    if (flow != GST_FLOW_OK)
      return flow;
    buffer = copy;
  }
  if (output->picture->error || (output->flags & CODEC_PICTURE_CORRUPT)) {
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_CORRUPTED);
    GST_VIDEO_CODEC_FRAME_FLAG_SET (output->frame, GST_VIDEO_CODEC_FRAME_FLAG_CORRUPTED);
  }
  if (priv->sequence.interlaced)
    gst_dmaresv_decoder_flag_fields (buffer, output->flags);
  output->frame->output_buffer = buffer;
  return GST_FLOW_OK;
}

/* Takes @output's frame. */
static GstFlowReturn
gst_dmaresv_decoder_finish_output (GstDmaResvDecoder * self, Output * output)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  guint number = output->frame->system_frame_number;
  GstFlowReturn flow;

  if (output->picture->state != DEC_PICTURE_DECODED) {
    GST_DEBUG_OBJECT (self, "frame %u was not decoded, dropping it", number);
    return gst_video_decoder_drop_frame (decoder, output->frame);
  }
  if (output->picture->error)
    GST_WARNING_OBJECT (self, "frame %u was decoded with errors", number);
  if (!gst_dmaresv_decoder_renegotiate (self)) {
    gst_video_decoder_release_frame (decoder, output->frame);
    return priv->flow;
  }
  if ((flow = gst_dmaresv_decoder_make_buffer (self, output)) != GST_FLOW_OK) {
    if (flow != GST_FLOW_FLUSHING)
      GST_ELEMENT_ERROR (self, RESOURCE, READ, ("A decoded picture could not be read."),
          ("Copying frame %u to system memory failed (%s)", number, gst_flow_get_name (flow)));
    gst_video_decoder_release_frame (decoder, output->frame);
    return flow;
  }
  GST_LOG_OBJECT (self, "pushing frame %u", number);
  return gst_video_decoder_finish_frame (decoder, output->frame);
}

/* Pushes what is next in output order and done; waits for the hardware until no more than
 * @max_pending frames remain. FALSE: priv->flow says why. */
gboolean
gst_dmaresv_decoder_push_outputs (GstDmaResvDecoder * self, guint max_pending)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  Output *output;

  while ((output = g_queue_peek_head (&priv->outputs))) {
    g_autoptr (GError) err = NULL;

    if (!dec_device_reap (priv->device, &err))
      return gst_dmaresv_decoder_wait_failed (self, err);
    if (output->picture->state == DEC_PICTURE_QUEUED) {
      if (g_queue_get_length (&priv->outputs) <= max_pending)
        return TRUE;
      if (!dec_device_wait (priv->device, output->picture, priv->cancellable, &err))
        return gst_dmaresv_decoder_wait_failed (self, err);
    }
    g_queue_pop_head (&priv->outputs);
    priv->flow = gst_dmaresv_decoder_finish_output (self, output);
    output_free (output);
    if (priv->flow != GST_FLOW_OK)
      return FALSE;
  }
  return TRUE;
}
