/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of GstDmaResvDecoder, for its four parts: gstdmaresvdecoder.c
 * (streaming and states), decsequence.c (setting the device up),
 * decnegotiate.c (caps, pools) and decoutput.c (what leaves, and when).
 */
#ifndef DEC_PRIVATE_H
#define DEC_PRIVATE_H

#include <gio/gio.h>

#include "decframe.h"
#include "gstdmaresvdecoder.h"

G_BEGIN_DECLS

/* Frames that may wait in the outputs queue while upstream is not live. One less than the jobs in
 * flight would only make submit wait instead. */
#define MAX_PENDING 2
/* CAPTURE buffers beyond the DPB, the current picture and what downstream asks for. */
#define EXTRA_BUFFERS (MAX_PENDING + 1)
#define ACQUIRE_TIMEOUT (5 * GST_SECOND)
/* The slowest frame rate that a stream is believed to have, for its latency. */
#define MAX_FRAME_DURATION (10 * GST_SECOND)

/* Next in output order. */
typedef struct
{
  GstVideoCodecFrame *frame;
  DecPicture *picture;
  CodecPictureFlags flags;      /* the codec's word */
} Output;

typedef struct
{
  DecDevice *device;
  gpointer codec;
  GstVideoCodecState *input_state;
  gboolean live;
  gboolean reverse;             /* the segment's rate is negative */

  GCancellable *cancellable;
  gint stopping;                /* atomic: PAUSED->READY has begun */
  GstBufferPool *pool;          /* set under the object lock */
  GstBufferPool *copy_pool;     /* likewise */

  gboolean have_sequence;
  gboolean need_negotiate;
  CodecSequence sequence;       /* without its controls */
  V4l2Format capture;
  GstVideoInfo layout;          /* the visible picture in a CAPTURE buffer */
  GstVideoInfo info;            /* what the caps say */
  gboolean dmabuf;
  gboolean copy;                /* every frame */
  DecFrameCount *held;          /* of the current pool's buffers, by downstream */
  guint may_hold;               /* so many leave enough for decoding */

  GQueue outputs;               /* of Output */
  GList *pictures;              /* DecPictures not output yet */
  guint n_pictures;             /* all that hold a buffer */
  GstFlowReturn flow;           /* why a callback returned FALSE */
} GstDmaResvDecoderPrivate;

GstDmaResvDecoderPrivate *gst_dmaresv_decoder_get_private (GstDmaResvDecoder * self);

/* Replaces priv->pool or priv->copy_pool. @pool: transfer full, nullable. */
void gst_dmaresv_decoder_set_pool (GstDmaResvDecoder * self, GstBufferPool ** slot,
    GstBufferPool * pool);

/* priv->copy_pool, if there is none yet. */
gboolean gst_dmaresv_decoder_ensure_copy_pool (GstDmaResvDecoder * self, guint min_buffers);

/* A wait for the hardware (or a queue) failed. FALSE; keeps the reason in priv->flow. */
gboolean gst_dmaresv_decoder_wait_failed (GstDmaResvDecoder * self, const GError * err);
/* Posts that @what, valid as it may be, is nothing for this device. FALSE; sets priv->flow. */
gboolean gst_dmaresv_decoder_unsupported (GstDmaResvDecoder * self, const gchar * what);

/* CodecClient.new_sequence */
gboolean gst_dmaresv_decoder_new_sequence (const CodecSequence * sequence, gpointer user_data);

/* Whether frame @tag waits to be pushed; whether it does or has a picture that will be output. */
gboolean gst_dmaresv_decoder_has_output (GstDmaResvDecoder * self, guint64 tag);
gboolean gst_dmaresv_decoder_has_picture (GstDmaResvDecoder * self, guint64 tag);
/* DecPictureFreeFunc: nobody has @picture any more. A frame of which nothing was output is done
 * with it. */
void     gst_dmaresv_decoder_picture_freed (DecPicture * picture, gpointer user_data);
/* Frames that will not be pushed any more (flush, stop). */
void     gst_dmaresv_decoder_drop_outputs (GstDmaResvDecoder * self);
/* Where downstream changed its mind, the frames that follow are made as it wants them. FALSE:
 * priv->flow says why. */
gboolean gst_dmaresv_decoder_renegotiate (GstDmaResvDecoder * self);
/* Pushes what is next in output order and done; waits for the hardware until no more than
 * @max_pending frames remain. FALSE: priv->flow says why. */
gboolean gst_dmaresv_decoder_push_outputs (GstDmaResvDecoder * self, guint max_pending);

/* Gives priv->input_state and priv->live to the codec core. FALSE with @error if it refuses them. */
gboolean gst_dmaresv_decoder_tell_format (GstDmaResvDecoder * self, GError ** error);

/* negotiate() and decide_allocation() */
void gst_dmaresv_decoder_negotiate_class_init (GstVideoDecoderClass * klass);

G_END_DECLS
#endif
