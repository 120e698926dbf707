/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>

#include <gst/dmaresv/gstdmaresvtrace.h>

#include "decprivate.h"

GST_DEBUG_CATEGORY_EXTERN (gst_dmaresv_decoder_debug);
#define GST_CAT_DEFAULT gst_dmaresv_decoder_debug

#define PRIV(self) gst_dmaresv_decoder_get_private (GST_DMARESV_DECODER (self))

/*
 * What may leave, and who pushes it
 *
 * The codec decides the order; the head of the outputs queue leaves
 *
 *  - when its job is done; or
 *  - early, while its job runs, where downstream respects implicit fences and
 *    the job's fence was *seen pending* in the dma-buf.  A job that is queued
 *    behind another has no fence yet, and looks like one that is done: it waits
 *    for its turn.  Our own job before it tells when that is; another process's
 *    does not, so who waits looks again from time to time (must_look()).
 *    The sync_file is kept (GstDmaFenceMeta): a failure shows in
 *    it, and in V4L2_BUF_FLAG_ERROR when the job is taken back (check_handed()).
 *
 * Two threads push, one at a time, under the stream lock.  The thread that
 * brings input pushes whatever may leave when it comes by.  While it is away
 * (upstream has nothing) the output thread follows the hardware, so that no
 * frame waits for the next input.  The stream lock is held while downstream has
 * a frame: so the output thread lets go of it as soon as there is input again,
 * or it would keep new jobs from being queued.
 *
 * Jobs are queued two pictures deep: the hardware goes on with the next one by
 * itself, and no picture is decoded long before it can leave.  For the same
 * reason an early frame leaves only when another job is queued behind it, as
 * pushing may take as long as decoding; a live source has no other one yet.
 */

/* Pictures in the hardware's queue, and decoded ones ahead of a new job. */
#define MAX_IN_FLIGHT 2
#define MAX_WAITING 1

/* How often to look whether a job has begun that has to wait for another process's: often enough to
 * be worth it, and nothing that would be noticed otherwise. */
#define LOOK_AGAIN GST_MSECOND
/* After so many pictures without a fence while they were looked at, the kernel publishes none. */
#define MAX_UNSEEN 8

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
    flow = dec_frame_copy (buffer, &priv->layout, priv->fix, priv->copy_pool, &priv->info, &copy);
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
  if (output->picture->state == DEC_PICTURE_QUEUED)
    gst_buffer_add_dma_fence_meta (buffer, output->picture->fence);
  output->frame->output_buffer = buffer;
  output->inode = has_to_copy ? 0 : output->picture->inode;
  return GST_FLOW_OK;
}

/* Takes @output's frame. */
static GstFlowReturn
gst_dmaresv_decoder_finish_output (GstDmaResvDecoder * self, Output * output)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  guint number = output->frame->system_frame_number;
  gboolean early = output->picture->state == DEC_PICTURE_QUEUED;
  GstFlowReturn flow;

  if (!early && output->picture->state != DEC_PICTURE_DECODED) {
    GST_DEBUG_OBJECT (self, "frame %u was not decoded, dropping it", number);
    return gst_video_decoder_drop_frame (decoder, output->frame);
  }
  if (output->picture->error)
    GST_WARNING_OBJECT (self, "frame %u was decoded with errors", number);
  if (!gst_dmaresv_decoder_renegotiate (self)) {
    gst_video_decoder_release_frame (decoder, output->frame);
    return priv->flow;
  }
  if (output->flags & CODEC_PICTURE_ONE_FIELD
      && !dec_frame_double_field (output->picture->buffer, &priv->layout, priv->fix,
          !(output->flags & CODEC_PICTURE_TOP_FIELD_FIRST)))
    GST_WARNING_OBJECT (self, "frame %u has one field, and the other one's lines are undefined",
        number);
  if ((flow = gst_dmaresv_decoder_make_buffer (self, output)) != GST_FLOW_OK) {
    if (flow != GST_FLOW_FLUSHING)
      GST_ELEMENT_ERROR (self, RESOURCE, READ, ("A decoded picture could not be read."),
          ("Copying frame %u to system memory failed (%s)", number, gst_flow_get_name (flow)));
    gst_video_decoder_release_frame (decoder, output->frame);
    return flow;
  }
  if (early)
    g_queue_push_tail (&priv->handed, dec_picture_ref (output->picture));
  GST_OBJECT_LOCK (self);
  if (early)
    priv->n_early++;
  else
    priv->n_finished++;
  GST_OBJECT_UNLOCK (self);
  GST_LOG_OBJECT (self, "pushing frame %u%s", number, early ? ", not finished" : "");
  gst_dmaresv_trace_hand_over (output->frame->output_buffer, output->inode, number, early);
  return gst_video_decoder_finish_frame (decoder, output->frame);
}

/* What became of the frames that were handed over early: a failure is told to whoever still has
 * the buffer, and on the bus. */
static void
gst_dmaresv_decoder_check_handed (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  DecPicture *picture;

  while ((picture = g_queue_peek_head (&priv->handed))
      && picture->state != DEC_PICTURE_QUEUED) {
    g_queue_pop_head (&priv->handed);
    if (picture->error || picture->state == DEC_PICTURE_FAILED) {
      gst_dma_fence_state_fail (picture->fence,
          picture->state == DEC_PICTURE_FAILED ? -ECANCELED : -EIO);
      GST_ELEMENT_WARNING (self, STREAM, DECODE, ("A picture was damaged while it was shown."),
          ("Frame %" G_GUINT64_FORMAT " was handed over before it was decoded, and its job failed",
              picture->tag));
    }
    dec_picture_unref (picture);
  }
}

/* Whether frames may leave while their jobs run. */
static gboolean
gst_dmaresv_decoder_allows_early (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  /* A frame of two fields has two jobs, and a fence of the first says nothing of the second. What
   * downstream said before it asked for a new negotiation may be true no more. */
  return priv->early_allowed && !priv->sequence.interlaced && !priv->need_negotiate
      && !gst_pad_needs_reconfigure (GST_VIDEO_DECODER_SRC_PAD (self))
      && !gst_dmaresv_decoder_has_to_copy (self)
      && (priv->live || dec_device_get_in_flight (priv->device) >= MAX_IN_FLIGHT);
}

/* Whether the head's job runs, and it may leave. */
static gboolean
gst_dmaresv_decoder_may_leave_early (GstDmaResvDecoder * self, Output * output)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  DecPicture *picture = output->picture;

  if (!gst_dmaresv_decoder_allows_early (self))
    return FALSE;
  if (!picture->fence)
    picture->fence = gst_dmaresv_hand_over_prove (picture->buffer);
  if (picture->fence)
    priv->n_unseen = 0;
  else if (dec_device_is_next (priv->device, picture) && picture->looks++ == 1)
    priv->n_unseen++;
  return picture->fence != NULL;
}

/* Whether the head may leave as soon as its job begins, and nothing but looking will show that. */
static gboolean
gst_dmaresv_decoder_must_look (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  Output *output = g_queue_peek_head (&priv->outputs);

  return output && output->picture->state == DEC_PICTURE_QUEUED && !output->picture->fence
      && priv->n_unseen < MAX_UNSEEN && gst_dmaresv_decoder_allows_early (self)
      && dec_device_is_next (priv->device, output->picture);
}

static gboolean
gst_dmaresv_decoder_push_head (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  Output *output = g_queue_pop_head (&priv->outputs);

  priv->flow = gst_dmaresv_decoder_finish_output (self, output);
  output_free (output);
  return priv->flow == GST_FLOW_OK;
}

static gboolean
gst_dmaresv_decoder_reap (GstDmaResvDecoder * self)
{
  g_autoptr (GError) err = NULL;

  if (!dec_device_reap (PRIV (self)->device, &err))
    return gst_dmaresv_decoder_wait_failed (self, err);
  gst_dmaresv_decoder_check_handed (self);
  return TRUE;
}

static guint
gst_dmaresv_decoder_count_waiting (GstDmaResvDecoder * self)
{
  guint n = 0;
  GList *l;

  for (l = PRIV (self)->outputs.head; l; l = l->next)
    n += ((Output *) l->data)->picture->state != DEC_PICTURE_QUEUED;
  return n;
}

/* After a push, which may have taken long: whether the hardware lacks work that new input would
 * bring. */
static gboolean
gst_dmaresv_decoder_wants_input (GstDmaResvDecoder * self)
{
  return dec_device_get_in_flight (PRIV (self)->device) < MAX_IN_FLIGHT
      && gst_dmaresv_decoder_count_waiting (self) <= MAX_WAITING;
}

gboolean
gst_dmaresv_decoder_push_ready (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  gboolean pushed = FALSE;
  Output *output;

  for (;;) {
    if (!gst_dmaresv_decoder_reap (self))
      return FALSE;
    output = g_queue_peek_head (&priv->outputs);
    if (!output || (pushed && gst_dmaresv_decoder_wants_input (self)))
      return TRUE;
    if (output->picture->state == DEC_PICTURE_QUEUED
        && !gst_dmaresv_decoder_may_leave_early (self, output))
      return TRUE;
    if (!gst_dmaresv_decoder_push_head (self))
      return FALSE;
    pushed = TRUE;
  }
}

gboolean
gst_dmaresv_decoder_push_all (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  Output *output;

  while ((output = g_queue_peek_head (&priv->outputs))) {
    g_autoptr (GError) err = NULL;

    if (!dec_device_wait (priv->device, output->picture, priv->cancellable, &err))
      return gst_dmaresv_decoder_wait_failed (self, err);
    gst_dmaresv_decoder_check_handed (self);
    if (!gst_dmaresv_decoder_push_head (self))
      return FALSE;
  }
  return TRUE;
}

/* Waits for room in the hardware's queue; pushes the head meanwhile if its job is seen to begin. */
static gboolean
gst_dmaresv_decoder_wait_room (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  /* Each field is a job. */
  guint max_jobs = priv->sequence.interlaced ? 2 * MAX_IN_FLIGHT : MAX_IN_FLIGHT;
  GstClockTime waited = 0;

  for (;;) {
    g_autoptr (GError) err = NULL;
    GstClockTime timeout = DEC_DEVICE_TIMEOUT - waited;

    if (gst_dmaresv_decoder_must_look (self))
      timeout = MIN (timeout, LOOK_AGAIN);
    waited += timeout;
    if (dec_device_wait_room (priv->device, max_jobs, timeout, priv->cancellable, &err))
      return TRUE;
    if (!g_error_matches (err, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) || waited >= DEC_DEVICE_TIMEOUT)
      return gst_dmaresv_decoder_wait_failed (self, err);
    if (!gst_dmaresv_decoder_push_ready (self))
      return FALSE;
  }
}

gboolean
gst_dmaresv_decoder_make_room (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  guint may_wait;

  if (!gst_dmaresv_decoder_wait_room (self))
    return FALSE;
  gst_dmaresv_decoder_check_handed (self);
  /* A key frame may let two out at once: idle hardware is not to wait for the first to be taken. */
  may_wait = dec_device_get_in_flight (priv->device) ? MAX_WAITING : MAX_WAITING + 1;
  while (gst_dmaresv_decoder_count_waiting (self) > may_wait) {
    Output *output = g_queue_peek_head (&priv->outputs);

    if (output->picture->state == DEC_PICTURE_QUEUED)
      break;
    if (!gst_dmaresv_decoder_push_head (self))
      return FALSE;
  }
  return TRUE;
}

/* The output thread */

struct _DecOutputThread
{
  GThread *thread;
  GMutex lock;                  /* all below */
  GCond cond;
  gboolean quit;
  gboolean look;                /* something may have to be pushed */
  guint input;                  /* threads that bring input */
  gint64 input_end;             /* when the last one was done, g_get_monotonic_time() */
};

/* Whoever has more input brings it within this time, us: pushing now would be in its way. */
#define INPUT_GRACE 1000

/* Waits until it is this thread's turn. FALSE to end. */
static gboolean
output_thread_wait_turn (DecOutputThread * self)
{
  gboolean quit;

  g_mutex_lock (&self->lock);
  while (!self->quit) {
    if (self->input > 0 || !self->look)
      g_cond_wait (&self->cond, &self->lock);
    else if (!g_cond_wait_until (&self->cond, &self->lock, self->input_end + INPUT_GRACE))
      break;
  }
  self->look = FALSE;
  quit = self->quit;
  g_mutex_unlock (&self->lock);
  return !quit;
}

static gboolean
output_thread_has_turn (DecOutputThread * self)
{
  gboolean turn;

  g_mutex_lock (&self->lock);
  turn = !self->quit && self->input == 0;
  g_mutex_unlock (&self->lock);
  return turn;
}

/* Pushes what may leave. Whether there is more; its job is to be waited for that long (@wait, 0 if
 * it is done). */
static gboolean
output_thread_push (GstDmaResvDecoder * self, GstClockTime * wait)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  gboolean more = FALSE;

  *wait = 0;
  GST_VIDEO_DECODER_STREAM_LOCK (decoder);
  if (output_thread_has_turn (priv->output_thread) && priv->output_flow == GST_FLOW_OK
      && !g_cancellable_is_cancelled (priv->cancellable)) {
    priv->flow = GST_FLOW_OK;
    if (gst_dmaresv_decoder_push_ready (self)) {
      Output *output = g_queue_peek_head (&priv->outputs);

      more = output != NULL;
      if (more && output->picture->state == DEC_PICTURE_QUEUED)
        *wait = gst_dmaresv_decoder_must_look (self) ? LOOK_AGAIN : DEC_DEVICE_TIMEOUT;
    } else {
      priv->output_flow = priv->flow;
    }
  }
  GST_VIDEO_DECODER_STREAM_UNLOCK (decoder);
  return more;
}

/* A job that never ends: nobody else may be there to notice. */
static void
output_thread_timed_out (GstDmaResvDecoder * self, const GError * err)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  GST_VIDEO_DECODER_STREAM_LOCK (decoder);
  if (output_thread_has_turn (priv->output_thread)) {
    gst_dmaresv_decoder_wait_failed (self, err);
    priv->output_flow = priv->flow;
  }
  GST_VIDEO_DECODER_STREAM_UNLOCK (decoder);
}

/* Waits for a job, without the stream lock. Whether to look again. @waited: since a job ended. */
static gboolean
output_thread_wait (GstDmaResvDecoder * self, GstClockTime timeout, GstClockTime * waited)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  g_autoptr (GError) err = NULL;

  /* That nothing is queued (any more) is no error. */
  if (dec_device_poll (priv->device, timeout, priv->cancellable, &err)
      || g_error_matches (err, G_IO_ERROR, G_IO_ERROR_FAILED)) {
    *waited = 0;
    return TRUE;
  }
  *waited += timeout;
  if (g_error_matches (err, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) && *waited < DEC_DEVICE_TIMEOUT)
    return TRUE;
  if (!g_error_matches (err, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    output_thread_timed_out (self, err);
  return FALSE;
}

static gpointer
output_thread_run (gpointer user_data)
{
  GstDmaResvDecoder *self = user_data;
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  DecOutputThread *thread = priv->output_thread;

  while (output_thread_wait_turn (thread)) {
    GstClockTime wait, waited = 0;

    while (output_thread_push (self, &wait)) {
      if (wait > 0 && !output_thread_wait (self, wait, &waited))
        break;
    }
  }
  return NULL;
}

void
gst_dmaresv_decoder_start_output_thread (GstDmaResvDecoder * self)
{
  DecOutputThread *thread = g_new0 (DecOutputThread, 1);

  g_mutex_init (&thread->lock);
  g_cond_init (&thread->cond);
  PRIV (self)->output_thread = thread;
  thread->thread = g_thread_new ("dmaresvdec-out", output_thread_run, self);
}

void
gst_dmaresv_decoder_stop_output_thread (GstDmaResvDecoder * self)
{
  DecOutputThread *thread = PRIV (self)->output_thread;

  if (!thread)
    return;
  g_mutex_lock (&thread->lock);
  thread->quit = TRUE;
  g_cond_signal (&thread->cond);
  g_mutex_unlock (&thread->lock);
  g_thread_join (thread->thread);
  PRIV (self)->output_thread = NULL;
  g_cond_clear (&thread->cond);
  g_mutex_clear (&thread->lock);
  g_free (thread);
}

void
gst_dmaresv_decoder_input_begins (GstDmaResvDecoder * self)
{
  DecOutputThread *thread = PRIV (self)->output_thread;

  g_mutex_lock (&thread->lock);
  thread->input++;
  g_mutex_unlock (&thread->lock);
}

void
gst_dmaresv_decoder_input_ends (GstDmaResvDecoder * self)
{
  DecOutputThread *thread = PRIV (self)->output_thread;

  g_mutex_lock (&thread->lock);
  thread->input--;
  thread->input_end = g_get_monotonic_time ();
  thread->look = TRUE;
  g_cond_signal (&thread->cond);
  g_mutex_unlock (&thread->lock);
}
