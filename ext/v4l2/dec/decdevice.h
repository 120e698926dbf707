/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A decoding session on one V4L2 stateless device: formats, both queues, the
 * requests, the CAPTURE buffers as a GstBufferPool and the jobs in flight.
 * It knows no codec: bitstream, controls and references are handed in.
 *
 * Everything but dec_device_poll() is to be called from one thread at a time
 * (the streaming thread, or whoever holds its lock).  Errors are GErrors
 * of G_IO_ERROR that name the ioctl; G_IO_ERROR_CANCELLED and
 * G_IO_ERROR_TIMED_OUT come from waiting for the hardware, and only from it.
 */
#ifndef DEC_DEVICE_H
#define DEC_DEVICE_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include <gst/dmaresv/gstdmafencemeta.h>

#include "../formats.h"
#include "../m2m.h"

G_BEGIN_DECLS

typedef struct _DecDevice DecDevice;
typedef struct _DecPicture DecPicture;

/* Requests (and OUTPUT buffers) that may be in flight. */
#define DEC_DEVICE_MAX_JOBS 4
/* References of one job: a full DPB and the picture itself (the other field). */
#define DEC_DEVICE_MAX_REFS 17
/* How long one job may take. rkvdec's own watchdog fires after 2 seconds and then completes the
 * job with an error, so longer than this nothing more is to be expected. */
#define DEC_DEVICE_TIMEOUT (3 * GST_SECOND)

/**
 * DecPictureState:
 * @DEC_PICTURE_EMPTY: has a buffer, no job was queued for it.
 * @DEC_PICTURE_QUEUED: the hardware has it.
 * @DEC_PICTURE_DECODED: done, possibly with errors (see DecPicture.error).
 * @DEC_PICTURE_FAILED: its job could not be queued or was cancelled; the buffer's content is
 *    whatever was in it before.
 */
typedef enum
{
  DEC_PICTURE_EMPTY,
  DEC_PICTURE_QUEUED,
  DEC_PICTURE_DECODED,
  DEC_PICTURE_FAILED
} DecPictureState;

/* Called when the last reference goes; before the buffer returns to its pool. */
typedef void (*DecPictureFreeFunc) (DecPicture * picture, gpointer user_data);

/* One picture being decoded or referenced: it keeps one CAPTURE buffer. */
struct _DecPicture
{
  gint ref_count;
  GstBuffer *buffer;            /* the pool's own, never pushed itself */
  DecPictureState state;
  gboolean error;               /* V4L2_BUF_FLAG_ERROR */
  GstDmaFenceState *fence;      /* the owner's: the job's fence, once it was seen pending */
  guint looks;                  /* the owner's: times when no fence was seen, though it was next */
  guint64 inode;                /* of its first dma-buf, once it was queued with tracing on */
  guint64 tag;                  /* the owner's */
  gboolean output;              /* the owner's: was given to output */
  DecPictureFreeFunc free_func;
  gpointer user_data;
};

/* buffer: transfer full. */
DecPicture *dec_picture_new (GstBuffer * buffer, guint64 tag, DecPictureFreeFunc free_func,
    gpointer user_data);
DecPicture *dec_picture_ref (DecPicture * picture);
void        dec_picture_unref (DecPicture * picture);

/* Opens the device; @coded_format is the OUTPUT queue's V4L2_PIX_FMT_*. */
DecDevice  *dec_device_open (const V4l2DeviceInfo * info, guint32 coded_format, GError ** error);
/* Stops, frees the queues and closes the descriptors now; drops the caller's reference. Buffers
 * and pools that are still held elsewhere stay valid. */
void        dec_device_close (DecDevice * self);

typedef struct
{
  guint coded_width, coded_height;      /* pixels */
  gboolean exact_size;          /* none larger will do */
  gsize bitstream_size;         /* bytes: the largest access unit */
  const V4l2Control *mode_controls;     /* decode mode, start code: once */
  guint n_mode_controls;
  const V4l2Control *controls;  /* the sequence's (SPS) */
  guint n_controls;
} DecDeviceConfig;

/* Waits for the jobs in flight, frees both queues and sets the coded format for a new sequence.
 * Then: enum_formats, set_capture, create_pool (and activate it), start. */
gboolean    dec_device_configure (DecDevice * self, const DecDeviceConfig * config,
    GError ** error);
/* CAPTURE's @index-th format that GStreamer has a name for; UNKNOWN at the end. */
GstVideoFormat dec_device_enum_format (DecDevice * self, guint index);
/* @format: out, what the driver made of it. */
gboolean    dec_device_set_capture (DecDevice * self, GstVideoFormat video_format,
    V4l2Format * format, GError ** error);
/* Size of one pool buffer: what a reader of the picture may see, bytes. */
gsize       dec_device_get_picture_size (DecDevice * self);
/* An inactive GstDmaResvPool on the CAPTURE queue (transfer full). */
GstBufferPool *dec_device_create_pool (DecDevice * self, GstCaps * caps, guint min_buffers,
    GError ** error);
/* OUTPUT buffers and STREAMON of both queues; the pool must be active. */
gboolean    dec_device_start (DecDevice * self, GError ** error);

typedef struct
{
  const guint8 *data;           /* copied */
  gsize size;                   /* bytes */
  guint64 key;                  /* the V4L2 timestamp, ns */
  const V4l2Control *controls;
  guint n_controls;
  DecPicture *refs[DEC_DEVICE_MAX_REFS];        /* each kept until the job is done */
  guint n_refs;
  gboolean first_field;         /* the next job may be the other field, into the same picture */
} DecDeviceJob;

/* Queues the job that decodes into @picture; waits when DEC_DEVICE_MAX_JOBS are in flight. */
gboolean    dec_device_submit (DecDevice * self, DecPicture * picture, const DecDeviceJob * job,
    GCancellable * cancellable, GError ** error);
/* Takes back what is done, without waiting. */
gboolean    dec_device_reap (DecDevice * self, GError ** error);
/* No other field of @picture comes: a job that holds its buffer for one lets it go. */
void        dec_device_end_picture (DecDevice * self, DecPicture * picture);
/* Waits until @picture is no longer DEC_PICTURE_QUEUED; no other field is expected then. */
gboolean    dec_device_wait (DecDevice * self, DecPicture * picture, GCancellable * cancellable,
    GError ** error);
/* Waits until fewer than @max_jobs are in flight; for each that has to end first, @timeout (ns) at
 * most. */
gboolean    dec_device_wait_room (DecDevice * self, guint max_jobs, GstClockTime timeout,
    GCancellable * cancellable, GError ** error);
/* Waits until some job may be done, @timeout (ns) at most; takes nothing back. From any thread.
 * G_IO_ERROR_FAILED when no job is in flight. */
gboolean    dec_device_poll (DecDevice * self, GstClockTime timeout, GCancellable * cancellable,
    GError ** error);
/* Whether @picture's is the first of the jobs in flight, which runs or is the next of ours to. */
gboolean    dec_device_is_next (DecDevice * self, DecPicture * picture);
/* Waits for all jobs. */
gboolean    dec_device_wait_idle (DecDevice * self, GCancellable * cancellable, GError ** error);
/* STREAMOFF and STREAMON: every job is cancelled, every reference is forgotten by the driver. */
gboolean    dec_device_reset (DecDevice * self, GError ** error);
guint       dec_device_get_in_flight (DecDevice * self);

V4l2M2m    *dec_device_get_m2m (DecDevice * self);

G_END_DECLS
#endif
