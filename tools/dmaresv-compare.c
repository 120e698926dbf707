/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dmaresv-compare: runs two pipelines side by side and compares what they
 * give frame by frame: number, order, size, format and every visible pixel.
 *
 *   dmaresv-compare 'filesrc location=F ! h264parse ! dmaresvh264dec' \
 *                   'filesrc location=F ! h264parse ! avdec_h264'
 *
 * Each description ends where a sink would follow. Exit status 0 when all
 * frames match, 1 when not, 2 when a pipeline failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "gstdmaresvcaps.h"

/* How long one frame may take to come. A software decoder in the virtual
 * machine is slow, a hung one must still end. */
#define FRAME_TIMEOUT (60 * GST_SECOND)

typedef struct
{
  const gchar *what;
  GstElement *pipeline;
  GstElement *sink;
} Side;

static gchar *opt_name = NULL;
static gchar *opt_png = NULL;
static gint opt_png_frame = 0;
static gint opt_tolerance = 0;
static gint opt_frames = G_MAXINT;
static gboolean opt_checksums = FALSE;
static gboolean opt_stats = FALSE;

static const GOptionEntry entries[] = {
  {"name", 'n', 0, G_OPTION_ARG_STRING, &opt_name, "What to call the comparison", "TEXT"},
  {"tolerance", 't', 0, G_OPTION_ARG_INT, &opt_tolerance,
      "Largest difference of a sample that still matches (default 0)", "N"},
  {"png", 'p', 0, G_OPTION_ARG_FILENAME, &opt_png, "Write a frame of the first pipeline", "FILE"},
  {"png-frame", 0, 0, G_OPTION_ARG_INT, &opt_png_frame, "Which frame to write (default 0)", "N"},
  {"frames", 'f', 0, G_OPTION_ARG_INT, &opt_frames, "End after so many frames", "N"},
  {"checksums", 'c', 0, G_OPTION_ARG_NONE, &opt_checksums,
      "Print both checksums of every frame", NULL},
  {"stats", 's', 0, G_OPTION_ARG_NONE, &opt_stats,
      "Print the property stats of the first pipeline's elements", NULL},
  {NULL}
};

static gboolean
side_start (Side * side, const gchar * description)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_strdup_printf
      ("%s ! appsink name=compare sync=false max-buffers=1 wait-on-eos=false", description);

  side->pipeline = gst_parse_launch (text, &error);
  if (error) {
    g_printerr ("%s: %s\n", side->what, error->message);
    return FALSE;
  }
  side->sink = gst_bin_get_by_name (GST_BIN (side->pipeline), "compare");
  gst_element_set_state (side->pipeline, GST_STATE_PLAYING);
  return TRUE;
}

static void
side_stop (Side * side)
{
  if (side->pipeline)
    gst_element_set_state (side->pipeline, GST_STATE_NULL);
  gst_clear_object (&side->sink);
  gst_clear_object (&side->pipeline);
}

static gboolean
side_failed (Side * side)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (side->pipeline);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;

  if (!message)
    return FALSE;
  gst_message_parse_error (message, &error, &debug);
  g_printerr ("%s: %s: %s (%s)\n", side->what, GST_OBJECT_NAME (message->src),
      error->message, debug ? debug : "");
  return TRUE;
}

/* The next frame, or NULL: at the end (@failed FALSE) or after an error. */
static GstSample *
side_pull (Side * side, gboolean * failed)
{
  GstClockTime waited = 0;

  while (waited < FRAME_TIMEOUT) {
    GstSample *sample = gst_app_sink_try_pull_sample (GST_APP_SINK (side->sink),
        GST_SECOND / 5);

    if (sample)
      return sample;
    if (side_failed (side)) {
      *failed = TRUE;
      return NULL;
    }
    if (gst_app_sink_is_eos (GST_APP_SINK (side->sink)))
      return NULL;
    waited += GST_SECOND / 5;
  }
  g_printerr ("%s: no frame within %" G_GUINT64_FORMAT " s\n", side->what,
      (guint64) (FRAME_TIMEOUT / GST_SECOND));
  *failed = TRUE;
  return NULL;
}

static gboolean
map_sample (GstSample * sample, GstVideoFrame * frame)
{
  GstVideoInfo info;

  return gst_dmaresv_caps_to_info (gst_sample_get_caps (sample), &info, NULL)
      && gst_video_frame_map (frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ);
}

/* A row of @bytes of both frames; the largest difference of a byte. */
static gint
row_difference (const guint8 * p, const guint8 * q, gsize bytes, GChecksum * sum_a,
    GChecksum * sum_b)
{
  gint largest = 0;

  g_checksum_update (sum_a, p, bytes);
  g_checksum_update (sum_b, q, bytes);
  for (gsize x = 0; x < bytes; x++)
    largest = MAX (largest, ABS (p[x] - q[x]));
  return largest;
}

/* The same of formats whose samples are not bytes: what lies beside the picture is left out. */
static gint
unpacked_difference (GstVideoFrame * a, GstVideoFrame * b, GChecksum * sum_a, GChecksum * sum_b)
{
  const GstVideoFormatInfo *finfo = a->info.finfo;
  gint width = GST_VIDEO_FRAME_WIDTH (a), largest = 0;
  gsize bytes = (gsize) width * 4 *
      GST_VIDEO_FORMAT_INFO_BITS (gst_video_format_get_info (finfo->unpack_format)) / 8;
  g_autofree guint8 *p = g_malloc (bytes + 64), *q = g_malloc (bytes + 64);

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (a); y++) {
    finfo->unpack_func (finfo, GST_VIDEO_PACK_FLAG_NONE, p, a->data, a->info.stride, 0, y, width);
    finfo->unpack_func (finfo, GST_VIDEO_PACK_FLAG_NONE, q, b->data, b->info.stride, 0, y, width);
    largest = MAX (largest, row_difference (p, q, bytes, sum_a, sum_b));
  }
  return largest;
}

/* Visits every visible row of both frames; the largest difference of a byte. */
static gint
frame_difference (GstVideoFrame * a, GstVideoFrame * b, GChecksum * sum_a, GChecksum * sum_b)
{
  gint largest = 0;

  if (GST_VIDEO_FRAME_COMP_PSTRIDE (a, 0) == 0)
    return unpacked_difference (a, b, sum_a, sum_b);
  for (guint c = 0; c < GST_VIDEO_FRAME_N_PLANES (a); c++) {
    gint comp[GST_VIDEO_MAX_COMPONENTS];
    gsize bytes, rows;

    gst_video_format_info_component (a->info.finfo, c, comp);
    rows = GST_VIDEO_FRAME_COMP_HEIGHT (a, comp[0]);
    bytes = GST_VIDEO_FRAME_COMP_WIDTH (a, comp[0]) * GST_VIDEO_FRAME_COMP_PSTRIDE (a, comp[0]);
    for (gsize y = 0; y < rows; y++) {
      const guint8 *p = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (a, c)
          + y * GST_VIDEO_FRAME_PLANE_STRIDE (a, c);
      const guint8 *q = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (b, c)
          + y * GST_VIDEO_FRAME_PLANE_STRIDE (b, c);

      largest = MAX (largest, row_difference (p, q, bytes, sum_a, sum_b));
    }
  }
  return largest;
}

static gboolean
compare_samples (GstSample * sample_a, GstSample * sample_b, guint n, gint * largest)
{
  g_autoptr (GChecksum) sum_a = g_checksum_new (G_CHECKSUM_MD5);
  g_autoptr (GChecksum) sum_b = g_checksum_new (G_CHECKSUM_MD5);
  GstVideoFrame a, b;
  gboolean same = FALSE;
  gint difference;

  if (!map_sample (sample_a, &a)) {
    g_printerr ("frame %u of the first pipeline cannot be mapped\n", n);
    return FALSE;
  }
  if (!map_sample (sample_b, &b)) {
    g_printerr ("frame %u of the second pipeline cannot be mapped\n", n);
    gst_video_frame_unmap (&a);
    return FALSE;
  }
  if (GST_VIDEO_FRAME_FORMAT (&a) != GST_VIDEO_FRAME_FORMAT (&b)
      || GST_VIDEO_FRAME_WIDTH (&a) != GST_VIDEO_FRAME_WIDTH (&b)
      || GST_VIDEO_FRAME_HEIGHT (&a) != GST_VIDEO_FRAME_HEIGHT (&b)) {
    g_printerr ("frame %u is %s %dx%d in the first pipeline, %s %dx%d in the second\n", n,
        a.info.finfo->name, GST_VIDEO_FRAME_WIDTH (&a), GST_VIDEO_FRAME_HEIGHT (&a),
        b.info.finfo->name, GST_VIDEO_FRAME_WIDTH (&b), GST_VIDEO_FRAME_HEIGHT (&b));
  } else {
    difference = frame_difference (&a, &b, sum_a, sum_b);
    *largest = MAX (*largest, difference);
    same = difference <= opt_tolerance;
    if (opt_checksums)
      g_print ("%6u %s %s%s\n", n, g_checksum_get_string (sum_a),
          g_checksum_get_string (sum_b), same ? "" : "  differs");
  }
  gst_video_frame_unmap (&a);
  gst_video_frame_unmap (&b);
  return same;
}

static void
write_png (GstSample * sample)
{
  g_autoptr (GstCaps) png = gst_caps_new_empty_simple ("image/png");
  g_autoptr (GError) error = NULL;
  g_autoptr (GstSample) system = NULL;
  g_autoptr (GstSample) image = NULL;
  g_autoptr (GstCaps) caps = NULL;
  GstVideoInfo info;
  GstMapInfo map;

  /* the converter elements know system memory: say so, the mapping does the rest */
  if (!gst_dmaresv_caps_to_info (gst_sample_get_caps (sample), &info, NULL))
    return;
  caps = gst_dmaresv_caps_from_info (&info, FALSE);
  system = gst_sample_new (gst_sample_get_buffer (sample), caps, NULL, NULL);
  image = gst_video_convert_sample (system, png, 30 * GST_SECOND, &error);
  if (!image) {
    g_printerr ("%s: %s\n", opt_png, error->message);
    return;
  }
  if (gst_buffer_map (gst_sample_get_buffer (image), &map, GST_MAP_READ)) {
    if (!g_file_set_contents (opt_png, (gchar *) map.data, map.size, &error))
      g_printerr ("%s\n", error->message);
    gst_buffer_unmap (gst_sample_get_buffer (image), &map);
  }
}

static void
print_stats (const GValue * item, gpointer user_data)
{
  GstElement *element = g_value_get_object (item);
  g_autoptr (GstStructure) stats = NULL;
  g_autofree gchar *text = NULL;

  (void) user_data;
  if (!g_object_class_find_property (G_OBJECT_GET_CLASS (element), "stats"))
    return;
  g_object_get (element, "stats", &stats, NULL);
  text = stats ? gst_structure_to_string (stats) : NULL;
  g_print ("%s: %s\n", GST_OBJECT_NAME (element), text ? text : "none");
}

static gint
compare (Side * first, Side * second)
{
  guint n = 0, matched = 0, n_first = 0, n_second = 0;
  gboolean failed = FALSE;
  gint largest = 0;

  for (; n < (guint) opt_frames; n++) {
    g_autoptr (GstSample) a = side_pull (first, &failed);
    g_autoptr (GstSample) b = side_pull (second, &failed);

    if (failed || (!a && !b))
      break;
    n_first += a != NULL;
    n_second += b != NULL;
    if (a && b && compare_samples (a, b, n, &largest))
      matched++;
    if (a && opt_png && n == (guint) opt_png_frame)
      write_png (a);
  }
  g_print ("%-44s %u of %u frames match", opt_name ? opt_name : "", matched, n_second);
  if (opt_tolerance)
    g_print (" (largest difference %d, %d allowed)", largest, opt_tolerance);
  if (n_first != n_second)
    g_print (", the first pipeline gave %u", n_first);
  g_print ("\n");
  if (failed)
    return 2;
  return n_second > 0 && matched == n_second && n_first == n_second ? 0 : 1;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("PIPELINE REFERENCE-PIPELINE");
  g_autoptr (GError) error = NULL;
  Side first = {.what = "first pipeline" };
  Side second = {.what = "reference pipeline" };
  gint status = 2;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3) {
    g_printerr ("%s\n", error ? error->message : "two pipelines are needed; see --help");
    return 2;
  }
  if (side_start (&first, argv[1]) && side_start (&second, argv[2]))
    status = compare (&first, &second);
  if (opt_stats && first.pipeline) {
    GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (first.pipeline));

    gst_iterator_foreach (elements, print_stats, NULL);
    gst_iterator_free (elements);
  }
  side_stop (&first);
  side_stop (&second);
  return status;
}
