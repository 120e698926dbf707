/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the decoders say to ACCEPT_CAPS, asked with the caps that parsers and
 * demuxers really give, and to READY.  decodebin tries nothing else once an
 * element has said yes to both, so a wrong yes ends in an error and a wrong no
 * on the CPU.
 *
 * Streams are in the folder DMARESV_STREAMS.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gst/check/gstcheck.h>

#define TIMEOUT (60 * GST_SECOND)

typedef struct
{
  const gchar *stream;
  const gchar *parse;           /* what comes between the file and the decoder */
  const gchar *decoder;
  gboolean accepted;
  const gchar *change;          /* fields that are set in the parser's caps before the question */
} Case;

#define BYTES "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au"
#define AVC "qtdemux ! h264parse ! video/x-h264,stream-format=avc,alignment=au"
#define NALS "h264parse ! video/x-h264,stream-format=byte-stream,alignment=nal"
#define HEVC "h265parse ! video/x-h265,stream-format=byte-stream,alignment=au"
#define HVC1 "h265parse ! video/x-h265,stream-format=hvc1,alignment=au"
#define VP8 "matroskademux"
#define VP9 "matroskademux ! vp9parse ! video/x-vp9,alignment=super-frame"
#define VP9_FRAMES "matroskademux ! vp9parse ! video/x-vp9,alignment=frame"
#define MPEG "mpegvideoparse"

static const Case cases[] = {
  {"base.h264", BYTES, "dmaresvh264dec", TRUE, NULL},
  {"main.h264", BYTES, "dmaresvh264dec", TRUE, NULL},
  {"bframes.h264", BYTES, "dmaresvh264dec", TRUE, NULL},
  {"avc.mp4", AVC, "dmaresvh264dec", TRUE, NULL},
  {"odd.h264", BYTES, "dmaresvh264dec", TRUE, NULL},
  {"base.h264", BYTES, "dmaresvh264dec", TRUE, "width=(int)4096, height=(int)2304"},
  {"base.h264", BYTES, "dmaresvh264dec", FALSE, "width=(int)4097"},
  {"base.h264", BYTES, "dmaresvh264dec", FALSE, "height=(int)2561"},
  {"base.h264", NALS, "dmaresvh264dec", FALSE, NULL},
  {"yuv444.h264", BYTES, "dmaresvh264dec", FALSE, NULL},
  {"wpp.h265", HEVC, "dmaresvh264dec", FALSE, NULL},

  {"wpp.h265", HEVC, "dmaresvh265dec", TRUE, NULL},
  {"wpp.h265", HVC1, "dmaresvh265dec", TRUE, NULL},
  {"odd.h265", HEVC, "dmaresvh265dec", TRUE, NULL},
  {"wpp.h265", HEVC, "dmaresvh265dec", FALSE, "width=(int)4097"},
  {"refused-444.h265", HEVC, "dmaresvh265dec", FALSE, NULL},
  {"refused-12.h265", HEVC, "dmaresvh265dec", FALSE, NULL},

  {"altref.webm", VP8, "dmaresvvp8dec", TRUE, NULL},
  {"odd.webm", VP8, "dmaresvvp8dec", TRUE, NULL},
  {"altref.webm", VP8, "dmaresvvp8dec", FALSE, "width=(int)3841"},
  {"altref.webm", VP8, "dmaresvvp8dec", FALSE, "height=(int)2161"},
  {"refused-small.webm", VP8, "dmaresvvp8dec", FALSE, NULL},
  {"alpha-vp8.webm", VP8, "dmaresvvp8dec", FALSE, NULL},
  {"altref.vp9.webm", VP9, "dmaresvvp8dec", FALSE, NULL},

  {"alpha-vp8.webm", VP8, "dmaresvvp8alphadecodebin", TRUE, NULL},
  {"altref.webm", VP8, "dmaresvvp8alphadecodebin", FALSE, NULL},
  {"alpha-vp8.webm", VP8, "dmaresvvp8alphadecodebin", FALSE, "codec-alpha=(boolean)false"},
  {"alpha-vp8.webm", VP8, "dmaresvvp8alphadecodebin", FALSE, "width=(int)3841"},

  {"altref.vp9.webm", VP9, "dmaresvvp9dec", TRUE, NULL},
  {"altref.vp9.webm", VP9_FRAMES, "dmaresvvp9dec", TRUE, NULL},
  {"tiles.vp9.webm", VP9, "dmaresvvp9dec", TRUE, NULL},
  {"altref.vp9.webm", VP9, "dmaresvvp9dec", FALSE, "width=(int)4097"},
  {"refused-1.vp9.webm", VP9, "dmaresvvp9dec", FALSE, NULL},
  {"refused-2.vp9.webm", VP9, "dmaresvvp9dec", FALSE, NULL},
  {"refused-3.vp9.webm", VP9, "dmaresvvp9dec", FALSE, NULL},
  {"alpha-vp9.webm", VP9, "dmaresvvp9dec", FALSE, NULL},

  {"alpha-vp9.webm", VP9, "dmaresvvp9alphadecodebin", TRUE, NULL},
  {"altref.vp9.webm", VP9, "dmaresvvp9alphadecodebin", FALSE, NULL},
  {"alpha-vp9.webm", VP9, "dmaresvvp9alphadecodebin", FALSE, "profile=(string)1"},
  {"alpha-vp9.webm", VP9, "dmaresvvp9alphadecodebin", FALSE, "alignment=(string)frame"},

  {"frames.m2v", MPEG, "dmaresvmpeg2dec", TRUE, NULL},
  {"interlaced.m2v", MPEG, "dmaresvmpeg2dec", TRUE, NULL},
  {"frames.m2v", MPEG, "dmaresvmpeg2dec", FALSE, "width=(int)1921"},
  {"frames.m2v", MPEG, "dmaresvmpeg2dec", FALSE, "height=(int)1089"},
  {"refused.m1v", MPEG, "dmaresvmpeg2dec", FALSE, NULL},
  {"refused-422.m2v", MPEG, "dmaresvmpeg2dec", FALSE, NULL},
};

static const gchar *const decoders[] = { "dmaresvh264dec", "dmaresvh265dec", "dmaresvvp8dec",
  "dmaresvvp9dec", "dmaresvmpeg2dec", "dmaresvvp8alphadecodebin", "dmaresvvp9alphadecodebin"
};

/* What the last element of @c's parser says of the stream. */
static GstCaps *
parsed_caps (const Case * c)
{
  gchar *path = g_build_filename (g_getenv ("DMARESV_STREAMS"), c->stream, NULL);
  gchar *text = g_strdup_printf ("filesrc location=%s ! %s ! fakesink name=sink", path, c->parse);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error), *sink;
  GstCaps *caps;
  GstPad *pad;

  fail_unless (g_file_test (path, G_FILE_TEST_EXISTS), "no stream %s", path);
  fail_unless (error == NULL, "%s: %s", text, error ? error->message : "");
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT),
      GST_STATE_CHANGE_SUCCESS);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  caps = gst_pad_get_current_caps (pad);
  fail_unless (caps != NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_free (text);
  g_free (path);
  return caps;
}

static void
change_caps (GstCaps ** caps, const gchar * change)
{
  gchar *text = g_strdup_printf ("change, %s", change);
  GstStructure *fields = gst_structure_from_string (text, NULL);
  gint i;

  fail_unless (fields != NULL, "%s", text);
  *caps = gst_caps_make_writable (*caps);
  for (i = 0; i < gst_structure_n_fields (fields); i++) {
    const gchar *name = gst_structure_nth_field_name (fields, i);

    gst_caps_set_value (*caps, name, gst_structure_get_value (fields, name));
  }
  gst_structure_free (fields);
  g_free (text);
}

/* In NULL, as decodebin3 asks first, and in READY. */
GST_START_TEST (test_accept_caps)
{
  const Case *c = &cases[__i__];
  GstElement *decoder = gst_element_factory_make (c->decoder, NULL);
  GstPad *pad = gst_element_get_static_pad (decoder, "sink");
  GstCaps *caps = parsed_caps (c), *any;
  gchar *text;

  if (c->change)
    change_caps (&caps, c->change);
  text = gst_caps_to_string (caps);
  fail_unless (gst_pad_query_accept_caps (pad, caps) == c->accepted, "%s says %s to %s",
      c->decoder, c->accepted ? "no" : "yes", text);
  fail_unless_equals_int (gst_element_set_state (decoder, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless (gst_pad_query_accept_caps (pad, caps) == c->accepted, "%s in READY: %s",
      c->decoder, text);
  /* Nor must the caps query promise less; of more, caps without "codec-alpha" are an example. */
  any = gst_pad_query_caps (pad, caps);
  fail_unless (!c->accepted || !gst_caps_is_empty (any), "%s: %s", c->decoder, text);
  gst_caps_unref (any);
  gst_element_set_state (decoder, GST_STATE_NULL);
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_object_unref (decoder);
  g_free (text);
}

GST_END_TEST;

/* How many of this process's descriptors are @path. */
static guint
count_open (const gchar * path)
{
  GDir *dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const gchar *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir))) {
    gchar *link = g_build_filename ("/proc/self/fd", name, NULL);
    gchar *target = g_file_read_link (link, NULL);

    n += g_strcmp0 (target, path) == 0;
    g_free (target);
    g_free (link);
  }
  g_dir_close (dir);
  return n;
}

static gchar *
device_of (GstElement * element, const gchar * property)
{
  GstElement *child = GST_IS_BIN (element) ? gst_bin_get_by_name (GST_BIN (element), "maindec") :
      gst_object_ref (element);
  gchar *path = NULL;

  g_object_get (child, property, &path, NULL);
  fail_unless (path != NULL);
  gst_object_unref (child);
  return path;
}

GST_START_TEST (test_ready_opens)
{
  GstElement *decoder = gst_element_factory_make (decoders[__i__], NULL);
  gchar *video = device_of (decoder, "video-device-path");
  gchar *media = device_of (decoder, "media-device-path");
  guint n = GST_IS_BIN (decoder) ? 2 : 1;

  fail_unless_equals_int (count_open (video), 0);
  fail_unless_equals_int (gst_element_set_state (decoder, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (count_open (video), n);
  fail_unless_equals_int (count_open (media), n);
  gst_element_set_state (decoder, GST_STATE_NULL);
  fail_unless_equals_int (count_open (video), 0);
  fail_unless_equals_int (count_open (media), 0);
  gst_object_unref (decoder);
  g_free (video);
  g_free (media);
}

GST_END_TEST;

/* READY fails, and says which device. */
static void
check_ready_fails (GstElement * decoder, const gchar * path)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GError *error = NULL;
  gchar *debug = NULL;

  gst_bin_add (GST_BIN (pipeline), gst_object_ref (decoder));
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "no error message");
  gst_message_parse_error (message, &error, &debug);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE));
  fail_unless (strstr (debug, path) != NULL, "%s is not named: %s", path, debug);
  g_clear_error (&error);
  g_free (debug);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_node_gone)
{
  const gchar *const properties[] = { "video-device-path", "media-device-path" };
  GstElement *decoder = gst_element_factory_make (decoders[__i__], NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (properties); i++) {
    gchar *path = device_of (decoder, properties[i]);
    gchar *away = g_strconcat (path, "-away", NULL);

    fail_unless (rename (path, away) == 0, "cannot rename %s: %s", path, g_strerror (errno));
    check_ready_fails (decoder, path);
    fail_unless (rename (away, path) == 0);
    fail_unless_equals_int (gst_element_set_state (decoder, GST_STATE_READY),
        GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (decoder, GST_STATE_NULL);
    g_free (away);
    g_free (path);
  }
  gst_object_unref (decoder);
}

GST_END_TEST;

/* A node that cannot be opened, here for want of descriptors. */
GST_START_TEST (test_node_busy)
{
  GstElement *decoder = gst_element_factory_make (decoders[__i__], NULL);
  GArray *taken = g_array_new (FALSE, FALSE, sizeof (gint));
  struct rlimit limit, small;
  GstElement *pipeline;
  guint i;
  gint fd;

  /* whatever GLib and GStreamer open once only */
  gst_element_set_state (decoder, GST_STATE_READY);
  gst_element_set_state (decoder, GST_STATE_NULL);
  pipeline = gst_pipeline_new (NULL);
  gst_object_unref (pipeline);

  fail_unless (getrlimit (RLIMIT_NOFILE, &limit) == 0);
  small = limit;
  small.rlim_cur = 64;
  fail_unless (setrlimit (RLIMIT_NOFILE, &small) == 0);
  while ((fd = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    g_array_append_val (taken, fd);
  /* a bus needs three */
  for (i = 0; i < 3 && taken->len; i++) {
    close (g_array_index (taken, gint, taken->len - 1));
    g_array_set_size (taken, taken->len - 1);
  }
  check_ready_fails (decoder, "Cannot open /dev/");
  for (i = 0; i < taken->len; i++)
    close (g_array_index (taken, gint, i));
  fail_unless (setrlimit (RLIMIT_NOFILE, &limit) == 0);
  fail_unless_equals_int (gst_element_set_state (decoder, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (decoder, GST_STATE_NULL);
  g_array_unref (taken);
  gst_object_unref (decoder);
}

GST_END_TEST;

/* What decodebin and decodebin3 make of a stream: the element that decodes it. */
static void
check_autoplug (const gchar * decodebin, const gchar * stream, const gchar * wanted)
{
  gchar *path = g_build_filename (g_getenv ("DMARESV_STREAMS"), stream, NULL);
  gchar *text = g_strdup_printf ("filesrc location=%s ! %s ! fakesink", path, decodebin);
  GstElement *pipeline = gst_parse_launch (text, NULL);
  GValue item = G_VALUE_INIT;
  GString *all = g_string_new (NULL);
  GstIterator *it;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT) == GST_STATE_CHANGE_SUCCESS,
      "%s does not preroll", text);
  it = gst_bin_iterate_recurse (GST_BIN (pipeline));
  while (gst_iterator_next (it, &item) == GST_ITERATOR_OK) {
    GstElementFactory *factory = gst_element_get_factory (g_value_get_object (&item));

    g_string_append_printf (all, " %s ", factory ? GST_OBJECT_NAME (factory) : "?");
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (it);
  fail_unless (strstr (all->str, wanted) != NULL, "%s: no %s in%s", text, wanted, all->str);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_string_free (all, TRUE);
  g_free (text);
  g_free (path);
}

static const gchar *const plugs[][2] = {
  {"avc.mp4", " dmaresvh264dec "}, {"base.h264", " dmaresvh264dec "},
  {"yuv444.h264", " avdec_h264 "},
  {"demo-hevc.mp4", " dmaresvh265dec "}, {"refused-12.h265", " avdec_h265 "},
  {"altref.webm", " dmaresvvp8dec "}, {"refused-small.webm", " vp8dec "},
  {"altref.vp9.webm", " dmaresvvp9dec "}, {"refused-1.vp9.webm", " vp9dec "},
  {"frames.m2v", " dmaresvmpeg2dec "}, {"refused.m1v", " avdec_mpeg"},
  {"alpha-vp8.webm", " dmaresvvp8alphadecodebin "},
  {"alpha-vp9.webm", " dmaresvvp9alphadecodebin "},
};

/* Others' elements for the same hardware say yes to what it cannot decode, and would be next. */
static void
ignore_plugin (const gchar * name)
{
  GList *features = gst_registry_get_feature_list_by_plugin (gst_registry_get (), name), *l;

  for (l = features; l; l = l->next)
    gst_plugin_feature_set_rank (l->data, GST_RANK_NONE);
  gst_plugin_feature_list_free (features);
}

GST_START_TEST (test_autoplug)
{
  ignore_plugin ("v4l2codecs");
  if (g_str_has_prefix (plugs[__i__][1], " dmaresv"))
    check_autoplug ("decodebin", plugs[__i__][0], plugs[__i__][1]);
  check_autoplug ("decodebin3", plugs[__i__][0], plugs[__i__][1]);
}

GST_END_TEST;

static Suite *
deccaps_suite (void)
{
  Suite *s = suite_create ("deccaps");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_loop_test (tc, test_accept_caps, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tc, test_ready_opens, 0, G_N_ELEMENTS (decoders));
  tcase_add_loop_test (tc, test_node_gone, 0, G_N_ELEMENTS (decoders));
  tcase_add_loop_test (tc, test_node_busy, 0, G_N_ELEMENTS (decoders));
  tcase_add_loop_test (tc, test_autoplug, 0, G_N_ELEMENTS (plugs));
  return s;
}

GST_CHECK_MAIN (deccaps);
