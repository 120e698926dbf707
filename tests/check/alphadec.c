/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dmaresvvp8alphadecodebin and dmaresvvp9alphadecodebin on a device.
 *
 * The truth is what libvpx, through libavcodec, made of the same files (planar
 * Y, U, V and A in NAME.yuva); streams are in the folder DMARESV_STREAMS.
 */
#include <string.h>

#include <gst/allocators/allocators.h>
#include <gst/app/gstappsink.h>
#include <gst/check/gstcheck.h>
#include <gst/video/gstvideocodecalphameta.h>
#include <gst/video/video.h>

/* Longer than a slow machine needs for a short stream. */
#define TIMEOUT (60 * GST_SECOND)
#define N_FRAMES 20

static const struct
{
  const gchar *name;
  const gchar *parse;
  const gchar *bin;
  const gchar *other;           /* a stream without alpha, in another size */
} codecs[] = {
  {"alpha-vp8", "identity", "dmaresvvp8alphadecodebin", "odd.webm"},
  {"alpha-vp9", "vp9parse", "dmaresvvp9alphadecodebin", "altref.vp9.webm"},
};

typedef struct
{
  GstElement *pipeline, *sink, *bin;
  GstBus *bus;
  gchar *truth;
  gsize truth_size;
} Player;

static gchar *
stream_path (const gchar * name)
{
  gchar *path = g_build_filename (g_getenv ("DMARESV_STREAMS"), name, NULL);

  fail_unless (g_file_test (path, G_FILE_TEST_EXISTS), "no stream %s", path);
  return path;
}

static void
player_start (Player * p, guint codec, const gchar * decode)
{
  gchar *webm = g_strdup_printf ("%s.webm", codecs[codec].name), *path = stream_path (webm);
  gchar *yuva = g_strdup_printf ("%s.yuva", codecs[codec].name), *truth = stream_path (yuva);
  gchar *text = g_strdup_printf ("filesrc location=%s ! %s ! appsink name=sink sync=false "
      "max-buffers=2", path, decode);
  GError *error = NULL;

  p->pipeline = gst_parse_launch (text, &error);
  fail_unless (error == NULL, "%s: %s", text, error ? error->message : "");
  p->sink = gst_bin_get_by_name (GST_BIN (p->pipeline), "sink");
  p->bin = gst_bin_get_by_name (GST_BIN (p->pipeline), "bin");
  p->bus = gst_element_get_bus (p->pipeline);
  fail_unless (g_file_get_contents (truth, &p->truth, &p->truth_size, NULL));
  g_free (webm);
  g_free (path);
  g_free (yuva);
  g_free (truth);
  g_free (text);
}

static void
player_start_bin (Player * p, guint codec)
{
  gchar *text = g_strdup_printf ("matroskademux ! %s ! %s name=bin", codecs[codec].parse,
      codecs[codec].bin);

  player_start (p, codec, text);
  g_free (text);
}

static void
player_stop (Player * p)
{
  fail_unless_equals_int (gst_element_set_state (p->pipeline, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  gst_object_unref (p->bus);
  gst_object_unref (p->sink);
  gst_clear_object (&p->bin);
  gst_object_unref (p->pipeline);
  g_free (p->truth);
}

/* The next frame; NULL at the end.  Errors, and frames that do not come, fail. */
static GstSample *
player_pull (Player * p)
{
  GstSample *sample = gst_app_sink_try_pull_sample (GST_APP_SINK (p->sink), TIMEOUT);
  GstMessage *message = gst_bus_pop_filtered (p->bus, GST_MESSAGE_ERROR);
  GError *error = NULL;

  if (message) {
    gst_message_parse_error (message, &error, NULL);
    fail ("%s", error->message);
  }
  fail_unless (sample || gst_app_sink_is_eos (GST_APP_SINK (p->sink)), "no frame came");
  return sample;
}

static guint
frame_number (GstSample * sample)
{
  return gst_util_uint64_scale_round (GST_BUFFER_PTS (gst_sample_get_buffer (sample)), 25,
      GST_SECOND);
}

/* Whether @sample's component @c is frame @number's of the truth. */
static gboolean
plane_is (Player * p, GstVideoFrame * f, guint c, guint number)
{
  gsize w = GST_VIDEO_FRAME_WIDTH (f), h = GST_VIDEO_FRAME_HEIGHT (f);
  gsize cw = (w + 1) / 2, ch = (h + 1) / 2;
  gsize offsets[] = { 0, w * h, w * h + cw * ch, w * h + 2 * cw * ch };
  gsize size = 2 * w * h + 2 * cw * ch, x, y;
  gsize width = GST_VIDEO_FRAME_COMP_WIDTH (f, c), height = GST_VIDEO_FRAME_COMP_HEIGHT (f, c);
  const guint8 *truth = (guint8 *) p->truth + number * size + offsets[c];

  fail_unless ((number + 1) * size <= p->truth_size);
  for (y = 0; y < height; y++) {
    const guint8 *line = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (f, c) +
        y * GST_VIDEO_FRAME_COMP_STRIDE (f, c);

    for (x = 0; x < width; x++) {
      if (line[x * GST_VIDEO_FRAME_COMP_PSTRIDE (f, c)] != truth[y * width + x])
        return FALSE;
    }
  }
  return TRUE;
}

/* The picture has to be its own; returns whether the alpha is frame @alpha's. */
static gboolean
check_frame (Player * p, GstSample * sample, guint alpha)
{
  guint number = frame_number (sample), c;
  GstVideoFrame frame;
  GstVideoInfo info;
  gboolean ret;

  fail_unless (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  fail_unless_equals_int (GST_VIDEO_INFO_FORMAT (&info), GST_VIDEO_FORMAT_AV12);
  fail_unless (gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ));
  for (c = 0; c < 3; c++)
    fail_unless (plane_is (p, &frame, c, number), "frame %u: component %u differs", number, c);
  ret = plane_is (p, &frame, 3, alpha);
  gst_video_frame_unmap (&frame);
  return ret;
}

/* Every component of every frame, in order. */
static void
check_all (Player * p)
{
  GstSample *sample;
  guint n = 0;

  while ((sample = player_pull (p))) {
    fail_unless_equals_int (frame_number (sample), n);
    fail_unless (check_frame (p, sample, n), "frame %u: the alpha differs", n);
    gst_sample_unref (sample);
    n++;
  }
  fail_unless_equals_int (n, N_FRAMES);
}

static GstPadProbeReturn
answer_video_meta (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return GST_PAD_PROBE_HANDLED;
}

static void
want_video_meta (Player * p)
{
  GstPad *pad = gst_element_get_static_pad (p->sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PUSH,
      answer_video_meta, NULL, NULL);
  gst_object_unref (pad);
}

GST_START_TEST (test_exact)
{
  Player p = { NULL, };

  player_start_bin (&p, __i__);
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  check_all (&p);
  player_stop (&p);
}

GST_END_TEST;

/* Downstream that understands GstVideoMeta gets the decoders' own dma-bufs. */
GST_START_TEST (test_no_copy)
{
  Player p = { NULL, };
  GstSample *sample;
  guint n = 0, i;

  player_start_bin (&p, __i__);
  want_video_meta (&p);
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  while ((sample = player_pull (&p))) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);

    fail_unless_equals_int (gst_buffer_n_memory (buffer), 2);
    for (i = 0; i < 2; i++)
      fail_unless (gst_is_dmabuf_memory (gst_buffer_peek_memory (buffer, i)));
    fail_unless (check_frame (&p, sample, n++));
    gst_sample_unref (sample);
  }
  fail_unless_equals_int (n, N_FRAMES);
  player_stop (&p);
}

GST_END_TEST;

static gboolean
is_factory (GstElement * element, const gchar * name)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  return factory && g_str_equal (GST_OBJECT_NAME (factory), name);
}

/* decodebin3 as playbin3 has it: for alpha the bin, which is made of our decoder twice. */
GST_START_TEST (test_autoplugged)
{
  Player p = { NULL, };
  GstIterator *it;
  GValue item = G_VALUE_INIT;
  gboolean found = FALSE;

  player_start (&p, __i__, "decodebin3");
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  check_all (&p);
  it = gst_bin_iterate_recurse (GST_BIN (p.pipeline));
  while (gst_iterator_next (it, &item) == GST_ITERATOR_OK) {
    found |= is_factory (g_value_get_object (&item), codecs[__i__].bin);
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (it);
  fail_unless (found, "decodebin3 took something else");
  player_stop (&p);
}

GST_END_TEST;

/* Drops the buffers that user_data's bits say. */
static GstPadProbeReturn
drop_some (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  guint number = gst_util_uint64_scale_round (GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)), 25,
      GST_SECOND);

  return (GPOINTER_TO_UINT (user_data) >> number) & 1 ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static void
drop_in (Player * p, const gchar * child, const gchar * pad_name, guint bits)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (p->bin), child);
  GstPad *pad = gst_element_get_static_pad (element, pad_name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, drop_some, GUINT_TO_POINTER (bits), NULL);
  gst_object_unref (pad);
  gst_object_unref (element);
}

/* Frames 8 and 16 are key frames: what is lost from 3 to 7 disturbs nothing after them.  One stream
 * is far ahead of the other then, more than any queue of a few frames would take. */
GST_START_TEST (test_alpha_lost)
{
  Player p = { NULL, };
  GstSample *sample;
  guint n = 0;

  player_start_bin (&p, __i__);
  drop_in (&p, "alphadec", "sink", 0xf8);
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  while ((sample = player_pull (&p))) {
    fail_unless_equals_int (frame_number (sample), n);
    fail_unless (check_frame (&p, sample, n >= 3 && n < 8 ? 2 : n), "frame %u", n);
    gst_sample_unref (sample);
    n++;
  }
  fail_unless_equals_int (n, N_FRAMES);
  player_stop (&p);
}

GST_END_TEST;

GST_START_TEST (test_picture_lost)
{
  Player p = { NULL, };
  GstSample *sample;
  guint n = 0, number;

  player_start_bin (&p, __i__);
  drop_in (&p, "maindec", "sink", 0xf8);
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  while ((sample = player_pull (&p))) {
    number = frame_number (sample);
    fail_unless_equals_int (number, n < 3 ? n : n + 5);
    fail_unless (check_frame (&p, sample, number), "frame %u has another's alpha", number);
    gst_sample_unref (sample);
    n++;
  }
  fail_unless_equals_int (n, N_FRAMES - 5);
  player_stop (&p);
}

GST_END_TEST;

/* The alpha ends first: the last one stays, and the stream ends. */
GST_START_TEST (test_alpha_ends)
{
  Player p = { NULL, };
  GstSample *sample;
  guint n = 0;

  player_start_bin (&p, __i__);
  drop_in (&p, "alphadec", "sink", 0xfff00);
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  while ((sample = player_pull (&p))) {
    fail_unless (check_frame (&p, sample, MIN (n, 7)), "frame %u", n);
    gst_sample_unref (sample);
    n++;
  }
  fail_unless_equals_int (n, N_FRAMES);
  player_stop (&p);
}

GST_END_TEST;

/* Seeks and stops at any moment: no hang, and after each seek true pairs. */
GST_START_TEST (test_seek)
{
  Player p = { NULL, };
  GstSample *sample;
  guint i, k;

  player_start_bin (&p, __i__);
  want_video_meta (&p);
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (gst_element_get_state (p.pipeline, NULL, NULL, TIMEOUT),
      GST_STATE_CHANGE_SUCCESS);
  for (i = 0; i < 12; i++) {
    for (k = 0; k < i % 4; k++) {
      fail_unless ((sample = player_pull (&p)) != NULL);
      fail_unless (check_frame (&p, sample, frame_number (sample)));
      gst_sample_unref (sample);
    }
    fail_unless (gst_element_seek_simple (p.pipeline, GST_FORMAT_TIME,
            GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, (i * 7 % 12) * GST_SECOND / 25));
  }
  fail_unless (gst_element_seek_simple (p.pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, 0));
  check_all (&p);
  player_stop (&p);
}

GST_END_TEST;

GST_START_TEST (test_stop)
{
  guint i;

  for (i = 0; i < 6; i++) {
    Player p = { NULL, };
    GstSample *sample;
    guint k;

    player_start_bin (&p, __i__);
    gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
    for (k = 0; k < i; k++) {
      fail_unless ((sample = player_pull (&p)) != NULL);
      gst_sample_unref (sample);
    }
    player_stop (&p);
  }
}

GST_END_TEST;

/* The first buffer of a file. */
static GstBuffer *
first_buffer (const gchar * name)
{
  gchar *path = stream_path (name);
  gchar *text = g_strdup_printf ("filesrc location=%s ! matroskademux ! appsink name=sink", path);
  GstElement *pipeline = gst_parse_launch (text, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstSample *sample;
  GstBuffer *buffer;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), TIMEOUT);
  fail_unless (sample != NULL);
  buffer = gst_buffer_copy_deep (gst_sample_get_buffer (sample));
  gst_sample_unref (sample);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  g_free (text);
  g_free (path);
  return buffer;
}

static GstPadProbeReturn
replace_alpha (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info), *other;

  other = gst_buffer_copy_deep (user_data);
  GST_BUFFER_PTS (other) = GST_BUFFER_PTS (buffer);
  gst_buffer_replace (&buffer, other);
  gst_buffer_unref (other);
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

/* A smaller (VP8) or larger (VP9) alpha does not become a frame that is read past its end. */
GST_START_TEST (test_other_size)
{
  GstBuffer *other = first_buffer (codecs[__i__].other);
  Player p = { NULL, };
  GstElement *decoder;
  GstMessage *message;
  GError *error = NULL;
  gchar *debug = NULL;
  GstPad *pad;

  player_start_bin (&p, __i__);
  decoder = gst_bin_get_by_name (GST_BIN (p.bin), "alphadec");
  pad = gst_element_get_static_pad (decoder, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, replace_alpha, other, NULL);
  gst_element_set_state (p.pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (p.bus, TIMEOUT, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
  fail_unless (GST_MESSAGE_SRC (message) == GST_OBJECT (p.bin));
  gst_message_parse_error (message, &error, &debug);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE));
  fail_unless (strstr (debug, "its alpha") != NULL, "%s", debug);
  fail_unless (gst_app_sink_try_pull_sample (GST_APP_SINK (p.sink), 0) == NULL);
  g_clear_error (&error);
  g_free (debug);
  gst_message_unref (message);
  gst_object_unref (pad);
  gst_object_unref (decoder);
  player_stop (&p);
  gst_buffer_unref (other);
}

GST_END_TEST;

static Suite *
alphadec_suite (void)
{
  Suite *s = suite_create ("alphadec");
  TCase *tc = tcase_create ("general");
  guint n = G_N_ELEMENTS (codecs);

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_loop_test (tc, test_exact, 0, n);
  tcase_add_loop_test (tc, test_no_copy, 0, n);
  tcase_add_loop_test (tc, test_autoplugged, 0, n);
  tcase_add_loop_test (tc, test_alpha_lost, 0, n);
  tcase_add_loop_test (tc, test_picture_lost, 0, n);
  tcase_add_loop_test (tc, test_alpha_ends, 0, n);
  tcase_add_loop_test (tc, test_seek, 0, n);
  tcase_add_loop_test (tc, test_stop, 0, n);
  tcase_add_loop_test (tc, test_other_size, 0, n);
  return s;
}

GST_CHECK_MAIN (alphadec);
