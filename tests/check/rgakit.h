/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Common ground of rgaconvert's suite: pipelines, pictures, and what software
 * elements make of the same.  Functions fail the running test, so they have
 * no error returns; what they return is the caller's.
 */
#ifndef RGA_KIT_H
#define RGA_KIT_H

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#define CONVERTER "rgaconvert"
/* Longer than any wait of an element's, and than a slow machine needs for a short stream. */
#define TIMEOUT (60 * GST_SECOND)

/* Of a stream in the folder that DMARESV_STREAMS names. */
gchar      *stream_path (const gchar * name);
/* Launch line from the file to the parsed access units. */
gchar      *source (const gchar * name);
/* DMABuf caps of one format, in the form of the running GStreamer. */
gchar      *dmabuf_caps (GstVideoFormat format);

GstElement *parse (const gchar * desc);
/* NULL at the end of the stream, or the error's text, beginning with its element's name. */
gchar      *wait_end (GstElement * pipeline);
void        end_pipeline (GstElement * pipeline);
void        add_probe (GstElement * pipeline, const gchar * element, const gchar * pad_name,
    GstPadProbeType type, GstPadProbeCallback func, gpointer data);
guint64     stat_of (GstElement * converter, const gchar * name);
/* The GstSamples of a pipeline that ends in "appsink name=out". */
GPtrArray  *gather (const gchar * desc);

typedef struct
{
  guint max;
  gdouble mean;
} Difference;

/* videotestsrc's pattern with caps fields @in through the converter and through software to caps
 * fields @out: differences of all components' samples. */
Difference  compare_with_software (const gchar * pattern, const gchar * in, const gchar * out);

/* A converter between these caps. */
GstHarness *harness (const gchar * in, const gchar * out);

/* An NV12 picture whose luma tells where it is, and which one (seed). */
#define PIC_W 128
#define PIC_H 64
#define PIC_SIZE (PIC_W * PIC_H * 3 / 2)
#define PIC_CAPS "video/x-raw,format=NV12,width=128,height=64,framerate=0/1"

GstBuffer  *system_picture (guint8 seed);
/* fd: transfer full, of a dma-buf with at least PIC_SIZE bytes */
GstBuffer  *dmabuf_picture (gint fd);
/* Without begin and end of CPU access: no implicit wait. */
void        draw_dmabuf (gint fd, guint8 seed);
/* Luma samples of a converted YUV buffer that are not the picture's from (x0, y0). */
guint       luma_errors (GstHarness * h, GstBuffer * buffer, guint x0, guint y0, guint8 seed);
const guint8 *component_line (const GstVideoFrame * f, guint c, guint y);

#endif
