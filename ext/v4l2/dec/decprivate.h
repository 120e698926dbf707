/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of GstDmaResvDecoder, for its four parts: gstdmaresvdecoder.c
 * (streaming and states), decsequence.c (setting the device up),
 * decnegotiate.c (caps, pools) and decoutput.c (what leaves, and when).
 */
#ifndef DEC_PRIVATE_H
#define DEC_PRIVATE_H

#include <gio/gio.h>

#include <gst/dmaresv/gstdmaresvhandover.h>

#include "decframe.h"
#include "gstdmaresvdecoder.h"

G_BEGIN_DECLS

/* CAPTURE buffers beyond the DPB, the current picture and what downstream asks for: those in the
 * hardware's queue, and decoded ones that have not left. */
#define EXTRA_BUFFERS 4
#define ACQUIRE_TIMEOUT (5 * GST_SECOND)
/* The slowest frame rate that a stream is believed to have, for its latency. */
#define MAX_FRAME_DURATION (10 * GST_SECOND)

/* Next in output order. */
typedef struct
{
  GstVideoCodecFrame *frame;
  DecPicture *picture;
  CodecPictureFlags flags;      /* the codec's word */
  guint64 inode;                /* of what leaves, for the trace; 0: not known */
} Output;

typedef struct _DecOutputThread DecOutputThread;

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
  DecFrameFix fix;              /* what keeps the layout from being that picture */
  gboolean dmabuf;
  gboolean copy;                /* every frame */
  DecFrameCount *held;          /* of the current pool's buffers, by downstream */
  guint may_hold;               /* so many leave enough for decoding */

  GQueue outputs;               /* of Output */
  GQueue handed;                /* of DecPicture: left before they were decoded */
  gboolean early_allowed;       /* by the user and by downstream */
  guint n_unseen;               /* pictures in a row that were looked at, and no fence was ever seen */
  GstDmaResvHandOver hand_over; /* under the object lock */
  guint64 n_early, n_finished;  /* likewise */
  DecOutputThread *output_thread;
  GstFlowReturn output_flow;    /* what stopped the output thread, for upstream */
  GstPadChainFunction base_chain;
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
/* Pushes what is next in output order and may leave, without waiting. FALSE: priv->flow says why. */
gboolean gst_dmaresv_decoder_push_ready (GstDmaResvDecoder * self);
/* Pushes all, waiting for the hardware. */
gboolean gst_dmaresv_decoder_push_all (GstDmaResvDecoder * self);
/* Waits until another job may be queued. */
gboolean gst_dmaresv_decoder_make_room (GstDmaResvDecoder * self);

/* The thread that pushes while no input comes; not to be called with the stream lock. */
void     gst_dmaresv_decoder_start_output_thread (GstDmaResvDecoder * self);
void     gst_dmaresv_decoder_stop_output_thread (GstDmaResvDecoder * self);
/* A thread is about to bring input (before the stream lock is taken), and has done so. */
void     gst_dmaresv_decoder_input_begins (GstDmaResvDecoder * self);
void     gst_dmaresv_decoder_input_ends (GstDmaResvDecoder * self);

/* Gives priv->input_state to the codec core. FALSE with @error if it refuses them. */
gboolean gst_dmaresv_decoder_tell_format (GstDmaResvDecoder * self, GError ** error);

/* negotiate() and decide_allocation() */
void gst_dmaresv_decoder_negotiate_class_init (GstVideoDecoderClass * klass);

G_END_DECLS
#endif
