/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <sys/mman.h>

#include <gst/allocators/allocators.h>
#include <gst/app/gstappsink.h>

#include "gstdmaresvcaps.h"
#include "rgakit.h"

gchar *
stream_path (const gchar * name)
{
  gchar *path = g_build_filename (g_getenv ("DMARESV_STREAMS"), name, NULL);

  fail_unless (g_file_test (path, G_FILE_TEST_EXISTS), "no stream %s", path);
  return path;
}

/* DMABuf caps of one format, in the form of the running GStreamer. */
gchar *
dmabuf_caps (GstVideoFormat format)
{
  guint32 fourcc = gst_dmaresv_format_to_fourcc (format);

  if (!gst_dmaresv_caps_use_drm ())
    return g_strdup_printf ("video/x-raw(memory:DMABuf),format=%s",
        gst_video_format_to_string (format));
  return g_strdup_printf ("video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=%"
      GST_FOURCC_FORMAT, GST_FOURCC_ARGS (fourcc));
}

GstElement *
parse (const gchar * desc)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (desc, &error);

  fail_unless (pipeline && !error, "%s: %s", desc, error ? error->message : "?");
  return pipeline;
}

/* From the file to the encoded access units. */
gchar *
source (const gchar * name)
{
  gchar *path = stream_path (name);
  gchar *desc = g_strdup_printf ("filesrc location=\"%s\" ! %s h264parse", path,
      g_str_has_suffix (name, ".mp4") ? "qtdemux !" : "");

  g_free (path);
  return desc;
}

/* NULL at the end of the stream, or the error. */
gchar *
wait_end (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *msg = gst_bus_timed_pop_filtered (bus, TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gchar *text = NULL, *debug = NULL;
  GError *error = NULL;

  fail_unless (msg != NULL, "neither EOS nor an error");
  if (GST_MESSAGE_TYPE (msg) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (msg, &error, &debug);
    text = g_strdup_printf ("%s: %s (%s)", GST_OBJECT_NAME (msg->src), error->message, debug);
    g_error_free (error);
    g_free (debug);
  }
  gst_message_unref (msg);
  gst_object_unref (bus);
  return text;
}

void
end_pipeline (GstElement * pipeline)
{
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (pipeline);
}

void
add_probe (GstElement * pipeline, const gchar * element, const gchar * pad_name,
    GstPadProbeType type, GstPadProbeCallback func, gpointer data)
{
  GstElement *e = gst_bin_get_by_name (GST_BIN (pipeline), element);
  GstPad *pad = gst_element_get_static_pad (e, pad_name);

  gst_pad_add_probe (pad, type, func, data, NULL);
  gst_object_unref (pad);
  gst_object_unref (e);
}

guint64
stat_of (GstElement * converter, const gchar * name)
{
  GstStructure *stats = NULL;
  guint64 value = 0;

  g_object_get (converter, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);
  gst_structure_free (stats);
  return value;
}

/* Every frame of a pipeline that ends in "appsink name=out". */
GPtrArray *
gather (const gchar * desc)
{
  GPtrArray *samples = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_sample_unref);
  GstElement *pipeline = parse (desc);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstSample *sample;
  gchar *error;

  g_object_set (sink, "sync", FALSE, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), TIMEOUT)))
    g_ptr_array_add (samples, sample);
  error = wait_end (pipeline);
  fail_unless (!error, "%s: %s", desc, error);
  gst_object_unref (sink);
  end_pipeline (pipeline);
  return samples;
}

/* --- pictures --- */

const guint8 *
component_line (const GstVideoFrame * f, guint c, guint y)
{
  const guint8 *first = GST_VIDEO_FRAME_COMP_DATA (f, c);
  gsize stride = GST_VIDEO_FRAME_COMP_STRIDE (f, c);

  return first + y * stride;
}

/* Over all components of two pictures of the same format and size. */
static Difference
compare_frames (const GstVideoFrame * a, const GstVideoFrame * b)
{
  Difference d = { 0, };
  guint64 sum = 0, n = 0;
  gint c, x, y;

  fail_unless_equals_int (GST_VIDEO_FRAME_FORMAT (a), GST_VIDEO_FRAME_FORMAT (b));
  fail_unless_equals_int (GST_VIDEO_FRAME_WIDTH (a), GST_VIDEO_FRAME_WIDTH (b));
  fail_unless_equals_int (GST_VIDEO_FRAME_HEIGHT (a), GST_VIDEO_FRAME_HEIGHT (b));
  for (c = 0; c < (gint) GST_VIDEO_FRAME_N_COMPONENTS (a); c++) {
    gint step = GST_VIDEO_FRAME_COMP_PSTRIDE (a, c);

    for (y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (a, c); y++) {
      const guint8 *p = component_line (a, c, y), *q = component_line (b, c, y);

      for (x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (a, c); x++, n++) {
        guint diff = ABS (p[x * step] - q[x * step]);

        d.max = MAX (d.max, diff);
        sum += diff;
      }
    }
  }
  d.mean = (gdouble) sum / n;
  return d;
}

static Difference
compare_samples (GstSample * a, GstSample * b)
{
  GstVideoInfo info;
  GstVideoFrame f, g;
  Difference d;

  fail_unless (gst_video_info_from_caps (&info, gst_sample_get_caps (a)));
  fail_unless (gst_video_frame_map (&f, &info, gst_sample_get_buffer (a), GST_MAP_READ));
  fail_unless (gst_video_info_from_caps (&info, gst_sample_get_caps (b)));
  fail_unless (gst_video_frame_map (&g, &info, gst_sample_get_buffer (b), GST_MAP_READ));
  d = compare_frames (&f, &g);
  gst_video_frame_unmap (&g);
  gst_video_frame_unmap (&f);
  return d;
}

/* The same source through rgaconvert and through software. */
Difference
compare_with_software (const gchar * pattern, const gchar * in, const gchar * out)
{
  gchar *src = g_strdup_printf ("videotestsrc num-buffers=3 pattern=%s ! video/x-raw,%s", pattern,
      in);
  gchar *hw = g_strdup_printf ("%s ! " CONVERTER " ! video/x-raw,%s ! appsink name=out", src, out);
  gchar *sw = g_strdup_printf ("%s ! videoconvert dither=none ! videoscale add-borders=false ! "
      "video/x-raw,%s ! appsink name=out", src, out);
  GPtrArray *a = gather (hw), *b = gather (sw);
  Difference d = { 0, }, one;
  guint i;

  fail_unless_equals_int (a->len, 3);
  fail_unless_equals_int (b->len, 3);
  for (i = 0; i < 3; i++) {
    one = compare_samples (a->pdata[i], b->pdata[i]);
    d.max = MAX (d.max, one.max);
    d.mean = MAX (d.mean, one.mean);
    fail_if (gst_buffer_get_video_crop_meta (gst_sample_get_buffer (a->pdata[i])));
    fail_unless_equals_uint64 (GST_BUFFER_PTS (gst_sample_get_buffer (a->pdata[i])),
        GST_BUFFER_PTS (gst_sample_get_buffer (b->pdata[i])));
  }
  g_ptr_array_unref (a);
  g_ptr_array_unref (b);
  g_free (src);
  g_free (hw);
  g_free (sw);
  return d;
}

/* --- one buffer at a time --- */

GstHarness *
harness (const gchar * in, const gchar * out)
{
  GstHarness *h = gst_harness_new (CONVERTER);

  gst_harness_set_live (h, FALSE);
  gst_harness_set_caps_str (h, in, out);
  return h;
}

static guint8
pic_luma (guint x, guint y, guint8 seed)
{
  return 16 + (x * 3 + y * 5 + seed) % 200;
}

static void
draw (guint8 * data, guint8 seed)
{
  guint x, y;

  for (y = 0; y < PIC_H; y++)
    for (x = 0; x < PIC_W; x++)
      data[y * PIC_W + x] = pic_luma (x, y, seed);
  for (y = 0; y < PIC_H / 2; y++)
    for (x = 0; x < PIC_W; x++)
      data[PIC_W * (PIC_H + y) + x] = 64 + (x + y + seed) % 128;
}

static void
add_pic_meta (GstBuffer * buffer)
{
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0, PIC_W * PIC_H };
  gint stride[GST_VIDEO_MAX_PLANES] = { PIC_W, PIC_W };

  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_NV12, PIC_W,
      PIC_H, 2, offset, stride);
}

GstBuffer *
system_picture (guint8 seed)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, PIC_SIZE, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  draw (map.data, seed);
  gst_buffer_unmap (buffer, &map);
  add_pic_meta (buffer);
  return buffer;
}

/* @fd: taken over */
GstBuffer *
dmabuf_picture (gint fd)
{
  GstAllocator *allocator = gst_dmabuf_allocator_new ();
  GstBuffer *buffer = gst_buffer_new ();

  gst_buffer_append_memory (buffer, gst_dmabuf_allocator_alloc (allocator, fd, PIC_SIZE));
  gst_object_unref (allocator);
  add_pic_meta (buffer);
  return buffer;
}

void
draw_dmabuf (gint fd, guint8 seed)
{
  guint8 *data = mmap (NULL, PIC_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  fail_unless (data != MAP_FAILED);
  draw (data, seed);
  munmap (data, PIC_SIZE);
}

/* Luma of a converted NV12 or I420 buffer against the picture at (x0, y0). */
guint
luma_errors (GstHarness * h, GstBuffer * buffer, guint x0, guint y0, guint8 seed)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);
  guint errors = 0, x, y;
  GstVideoInfo info;
  GstVideoFrame f;

  fail_unless (gst_dmaresv_caps_to_info (caps, &info, NULL));
  fail_unless (gst_video_frame_map (&f, &info, buffer, GST_MAP_READ));
  for (y = 0; y < (guint) GST_VIDEO_INFO_HEIGHT (&info); y++) {
    for (x = 0; x < (guint) GST_VIDEO_INFO_WIDTH (&info); x++)
      errors += component_line (&f, 0, y)[x] != pic_luma (x0 + x, y0 + y, seed);
  }
  gst_video_frame_unmap (&f);
  gst_caps_unref (caps);
  return errors;
}
