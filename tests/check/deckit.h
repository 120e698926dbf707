/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Common ground of everything that runs decoders: the codecs and their
 * elements, and what came out of a pipeline.  Functions fail the running
 * test, so they have no error returns; what they return is the caller's.
 */
#ifndef DEC_KIT_H
#define DEC_KIT_H

#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

/* Longer than any wait of the decoder's, and than a slow machine needs for a short stream. */
#define TIMEOUT (60 * GST_SECOND)

/* Of a stream in the folder that DMARESV_STREAMS names. */
gchar      *stream_path (const gchar * name);
/* Launch line from the file to the parsed access units, by the name's end. */
gchar      *stream_source (const gchar * name);

/* What came out of one pipeline. */
typedef struct
{
  guint frames;
  guint corrupted;
  guint dmabuf;
  guint video_meta;
  guint writable;               /* frames whose memory downstream could have written to */
  guint caps_events;
  gint segments_done;           /* atomic: ends of segments that have arrived */
  guint size_errors;
  GstClockTime last_pts;
  guint unordered;
  GChecksum *md5;               /* of the visible pixels as I420 */
  GArray *frame_sums;           /* FrameSum, when not NULL */
  gchar *sink_checksum;         /* what videocodectestsink says */
  gchar *error;                 /* of the first error: element, text, details */
  gchar *warning;               /* of the first warning */
  gboolean hash;
  gboolean flush_resets;        /* a flush forgets the frames before it */
  GstVideoInfo info;
  GstSegment segment;
} Result;

typedef struct
{
  GstClockTime time;            /* ns, stream time: what seeks are to */
  gchar md5[33];
} FrameSum;

/* A Result with what a probe needs. */
void        result_init (Result * r);
void        result_clear (Result * r);
/* Adds the frame's visible pixels, as I420, to the checksum. */
void        hash_frame (const GstVideoInfo * info, GstBuffer * buffer, GChecksum * sum);
/* Writes down in @r what passes the element's sink pad. */
void        result_watch (Result * r, GstElement * element);

/* The stream through a decoder (or filters) to a sink that becomes "sink". */
GstElement *make_pipeline (const gchar * name, const gchar * decoder, const gchar * sink,
    Result * r);
/* Until EOS (TRUE), an error (TRUE) or the time's end (FALSE). */
gboolean    wait_end_within (GstElement * pipeline, Result * r, GstClockTime timeout);
/* Until EOS (TRUE), errors before it or not, or the time's end (FALSE). */
gboolean    wait_eos_within (GstElement * pipeline, Result * r, GstClockTime timeout);
/* Until EOS or an error. */
void        wait_end (GstElement * pipeline, Result * r);
void        end_pipeline (GstElement * pipeline);
/* All of it, from start to end. */
void        run (const gchar * name, const gchar * decoder, const gchar * sink, Result * r);

/* The access units of a stream, with times as they would be live: 40 ms each. caps: out. */
GPtrArray  *access_units (const gchar * name, const gchar * filter, GstCaps ** caps);

#endif
