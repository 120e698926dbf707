/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <gst/allocators/allocators.h>

#include "deckit.h"
#include "gstdmaresvcaps.h"

gchar *
stream_path (const gchar * name)
{
  gchar *path;

  if (g_path_is_absolute (name))
    return g_strdup (name);
  path = g_build_filename (g_getenv ("DMARESV_STREAMS"), name, NULL);
  fail_unless (g_file_test (path, G_FILE_TEST_EXISTS), "no stream %s", path);
  return path;
}

gchar *
stream_source (const gchar * name)
{
  static const struct
  {
    const gchar *end, *elements;
  } sources[] = {
    {".mp4", "qtdemux ! h264parse"},
    {".h264", "h264parse"},
    {".h265", "h265parse"},
    {".vp9.webm", "matroskademux ! vp9parse"},
    {".webm", "matroskademux"},
    {".m2v", "mpegvideoparse"},
  };
  g_autofree gchar *path = stream_path (name);

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++) {
    if (g_str_has_suffix (name, sources[i].end))
      return g_strdup_printf ("filesrc location=\"%s\" ! %s", path, sources[i].elements);
  }
  fail ("%s: no such kind of stream", name);
  return NULL;
}

void
result_init (Result * r)
{
  r->last_pts = GST_CLOCK_TIME_NONE;
  r->flush_resets = TRUE;
  r->md5 = g_checksum_new (G_CHECKSUM_MD5);
}

void
result_clear (Result * r)
{
  g_clear_pointer (&r->md5, g_checksum_free);
  g_clear_pointer (&r->frame_sums, g_array_unref);
  g_free (r->sink_checksum);
  g_free (r->error);
  g_free (r->warning);
  memset (r, 0, sizeof (*r));
}

void
hash_frame (const GstVideoInfo * info, GstBuffer * buffer, GChecksum * sum)
{
  GstVideoFrame f;
  gint x, y, c;

  /* not fail_unless(): "decode" is no test */
  if (!gst_video_frame_map (&f, info, buffer, GST_MAP_READ))
    g_error ("a frame cannot be mapped");
  for (c = 0; c < (gint) GST_VIDEO_FRAME_N_COMPONENTS (&f); c++) {
    gint w = GST_VIDEO_FRAME_COMP_WIDTH (&f, c), step = GST_VIDEO_FRAME_COMP_PSTRIDE (&f, c);
    guint8 *line = g_malloc (w);

    for (y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&f, c); y++) {
      const guint8 *p = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&f, c)
          + (gsize) y * GST_VIDEO_FRAME_COMP_STRIDE (&f, c);

      for (x = 0; x < w; x++)
        line[x] = p[x * step];
      g_checksum_update (sum, line, w);
    }
    g_free (line);
  }
  gst_video_frame_unmap (&f);
}

static void
sum_frame (Result * r, GstBuffer * buffer)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_MD5);
  FrameSum frame = {.time = gst_segment_to_stream_time (&r->segment, GST_FORMAT_TIME,
        GST_BUFFER_PTS (buffer))
  };

  hash_frame (&r->info, buffer, sum);
  g_strlcpy (frame.md5, g_checksum_get_string (sum), sizeof (frame.md5));
  g_array_append_val (r->frame_sums, frame);
  g_checksum_free (sum);
}

static void
look_at_buffer (Result * r, GstBuffer * buffer)
{
  GstMemory *mem = gst_buffer_peek_memory (buffer, 0);

  r->frames++;
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED))
    r->corrupted++;
  if (gst_is_dmabuf_memory (mem)) {
    r->dmabuf++;
    if (gst_memory_is_writable (mem))
      r->writable++;
  }
  if (gst_buffer_get_video_meta (buffer))
    r->video_meta++;
  else if (gst_buffer_get_size (buffer) != GST_VIDEO_INFO_SIZE (&r->info))
    r->size_errors++;
  if (GST_BUFFER_PTS_IS_VALID (buffer)) {
    if (GST_CLOCK_TIME_IS_VALID (r->last_pts) && GST_BUFFER_PTS (buffer) <= r->last_pts)
      r->unordered++;
    r->last_pts = GST_BUFFER_PTS (buffer);
  }
  if (r->hash)
    hash_frame (&r->info, buffer, r->md5);
  if (r->frame_sums)
    sum_frame (r, buffer);
}

static GstPadProbeReturn
sink_probe (GstPad * pad G_GNUC_UNUSED, GstPadProbeInfo * info, gpointer user_data)
{
  Result *r = user_data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    look_at_buffer (r, GST_PAD_PROBE_INFO_BUFFER (info));
  } else if (GST_EVENT_TYPE (info->data) == GST_EVENT_CAPS) {
    GstCaps *caps;

    gst_event_parse_caps (info->data, &caps);
    r->caps_events++;
    if (!gst_dmaresv_caps_to_info (caps, &r->info, NULL))
      gst_video_info_init (&r->info);
  } else if (GST_EVENT_TYPE (info->data) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment (info->data, &r->segment);
  } else if (GST_EVENT_TYPE (info->data) == GST_EVENT_SEGMENT_DONE) {
    g_atomic_int_inc (&r->segments_done);
  } else if (GST_EVENT_TYPE (info->data) == GST_EVENT_FLUSH_STOP && r->flush_resets) {
    r->frames = 0;
    r->last_pts = GST_CLOCK_TIME_NONE;
    if (r->frame_sums)
      g_array_set_size (r->frame_sums, 0);
  }
  return GST_PAD_PROBE_OK;
}

void
result_watch (Result * r, GstElement * element)
{
  GstPad *pad = gst_element_get_static_pad (element, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
      | GST_PAD_PROBE_TYPE_EVENT_FLUSH, sink_probe, r, NULL);
  gst_object_unref (pad);
}

GstElement *
make_pipeline (const gchar * name, const gchar * decoder, const gchar * sink, Result * r)
{
  g_autofree gchar *source = stream_source (name);
  g_autofree gchar *desc = g_strdup_printf ("%s ! %s ! %s name=sink", source, decoder, sink);
  g_autoptr (GError) err = NULL;
  GstElement *pipeline = gst_parse_launch (desc, &err);
  GstElement *element;

  fail_unless (pipeline && !err, "%s: %s", desc, err ? err->message : "?");
  element = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  result_init (r);
  result_watch (r, element);
  gst_object_unref (element);
  return pipeline;
}

static gchar *
message_text (GstMessage * msg)
{
  g_autoptr (GError) err = NULL;
  g_autofree gchar *debug = NULL;

  if (GST_MESSAGE_TYPE (msg) == GST_MESSAGE_ERROR)
    gst_message_parse_error (msg, &err, &debug);
  else
    gst_message_parse_warning (msg, &err, &debug);
  return g_strdup_printf ("%s: %s (%s)", GST_MESSAGE_SRC_NAME (msg), err->message,
      debug ? debug : "");
}

/* Takes what the messages on the bus say into @r, until one of @last or until none comes within
 * @timeout; FALSE then. */
static gboolean
watch_bus (GstElement * pipeline, Result * r, GstMessageType last, GstClockTime timeout)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessageType type = 0;

  while (!(type & last)) {
    GstMessage *msg = gst_bus_timed_pop_filtered (bus, timeout,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_ELEMENT);

    if (!msg)
      return FALSE;
    type = GST_MESSAGE_TYPE (msg);
    if (type == GST_MESSAGE_ERROR) {
      if (!r->error)
        r->error = message_text (msg);
    } else if (type == GST_MESSAGE_WARNING) {
      if (!r->warning)
        r->warning = message_text (msg);
    } else if (gst_message_has_name (msg, "conformance/checksum")) {
      g_free (r->sink_checksum);
      r->sink_checksum = g_strdup (gst_structure_get_string (gst_message_get_structure (msg),
              "checksum"));
    }
    gst_message_unref (msg);
  }
  return TRUE;
}

gboolean
wait_end_within (GstElement * pipeline, Result * r, GstClockTime timeout)
{
  return watch_bus (pipeline, r, GST_MESSAGE_EOS | GST_MESSAGE_ERROR, timeout);
}

gboolean
wait_eos_within (GstElement * pipeline, Result * r, GstClockTime timeout)
{
  return watch_bus (pipeline, r, GST_MESSAGE_EOS, timeout);
}

void
wait_end (GstElement * pipeline, Result * r)
{
  fail_unless (wait_end_within (pipeline, r, TIMEOUT), "neither EOS nor an error after %u frames",
      r->frames);
}

void
end_pipeline (GstElement * pipeline)
{
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (pipeline);
}

void
run (const gchar * name, const gchar * decoder, const gchar * sink, Result * r)
{
  GstElement *pipeline = make_pipeline (name, decoder, sink, r);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_end (pipeline, r);
  end_pipeline (pipeline);
}

static GstPadProbeReturn
collect_probe (GstPad * pad G_GNUC_UNUSED, GstPadProbeInfo * info, gpointer user_data)
{
  g_ptr_array_add (user_data, gst_buffer_ref (GST_PAD_PROBE_INFO_BUFFER (info)));
  return GST_PAD_PROBE_OK;
}

GPtrArray *
access_units (const gchar * name, const gchar * filter, GstCaps ** caps)
{
  GPtrArray *units = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstElement *pipeline, *sink;
  Result r = { 0, };
  GstPad *pad;
  guint i;

  pipeline = make_pipeline (name, filter, "fakesink", &r);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, collect_probe, units, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_end (pipeline, &r);
  *caps = gst_pad_get_current_caps (pad);
  gst_object_unref (pad);
  gst_object_unref (sink);
  end_pipeline (pipeline);
  for (i = 0; i < units->len; i++) {
    GstBuffer *buffer = gst_buffer_copy_deep (units->pdata[i]);

    GST_BUFFER_PTS (buffer) = i * 40 * GST_MSECOND;
    GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
    gst_buffer_unref (units->pdata[i]);
    units->pdata[i] = buffer;
  }
  result_clear (&r);
  return units;
}
