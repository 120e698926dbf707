/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decode: runs pipelines, all at once, and says what came out of each.
 *
 *   decode [--timeout S] [--frames FILE] 'filesrc location=F ! h264parse ! dmaresvh264dec'...
 *
 * Each description ends where a sink would follow.  One line a pipeline, with
 * tabs between: how it ended (eos, error, hang, or bad), frames, corrupted
 * frames, videocodectestsink's MD5 ("-": none), GLib's criticals and the first
 * error or warning ("-": none).  --frames writes the MD5 of each frame of the
 * last pipeline.  The exit status is 0 unless the command line is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deckit.h"

/* How long after an error the end of the stream is waited for. */
#define AFTER_ERROR GST_SECOND

static gint opt_timeout = 60;
static gchar *opt_frames = NULL;
static gchar **opt_descriptions = NULL;
static gint n_criticals;

static const GOptionEntry entries[] = {
  {"timeout", 0, 0, G_OPTION_ARG_INT, &opt_timeout, "Seconds without a message that are a hang",
      "S"},
  {"frames", 0, 0, G_OPTION_ARG_FILENAME, &opt_frames, "Write the MD5 of each frame", "FILE"},
  {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt_descriptions, "", "DESCRIPTION..."},
  {NULL, 0, 0, 0, NULL, NULL, NULL}
};

static void
count_criticals (const gchar * domain, GLogLevelFlags level, const gchar * message,
    gpointer user_data)
{
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR))
    g_atomic_int_inc (&n_criticals);
  g_log_default_handler (domain, level, message, user_data);
}

static GstElement *
start (const gchar * description, Result * r)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_strdup_printf ("%s ! videocodectestsink name=sink", description);
  GstElement *pipeline = gst_parse_launch (text, &error);
  GstElement *sink;

  if (error) {
    r->error = g_strdup (error->message);
    gst_clear_object (&pipeline);
    return NULL;
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  result_init (r);
  result_watch (r, sink);
  gst_object_unref (sink);
  return pipeline;
}

static void
report (const gchar * end, Result * r)
{
  const gchar *text = r->error ? r->error : r->warning;
  g_autofree gchar *line = g_strdelimit (g_strdup (text ? text : "-"), "\t\r\n", ' ');

  printf ("%s\t%u\t%u\t%s\t%d\t%s\n", end, r->frames, r->corrupted,
      r->sink_checksum ? r->sink_checksum : "-", g_atomic_int_get (&n_criticals), line);
}

static void
write_sums (GArray * sums)
{
  FILE *f = fopen (opt_frames, "w");

  for (guint i = 0; f && i < sums->len; i++)
    fprintf (f, "%s\n", g_array_index (sums, FrameSum, i).md5);
  if (!f || fclose (f))
    perror (opt_frames);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- run decoders side by side");
  g_autoptr (GError) error = NULL;
  GstElement *pipelines[8] = { NULL, };
  Result results[8];
  guint n;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || !opt_descriptions
      || (n = g_strv_length (opt_descriptions)) > G_N_ELEMENTS (results)) {
    g_printerr ("decode: %s\n", error ? error->message : "one to eight pipelines");
    return 2;
  }
  g_log_set_default_handler (count_criticals, NULL);
  memset (results, 0, sizeof (results));
  for (guint i = 0; i < n; i++) {
    pipelines[i] = start (opt_descriptions[i], &results[i]);
    if (opt_frames && i == n - 1)
      results[i].frame_sums = g_array_new (FALSE, FALSE, sizeof (FrameSum));
  }
  for (guint i = 0; i < n; i++) {
    if (pipelines[i])
      gst_element_set_state (pipelines[i], GST_STATE_PLAYING);
  }
  for (guint i = 0; i < n; i++) {
    const gchar *end = "bad";

    if (pipelines[i]) {
      end = wait_end_within (pipelines[i], &results[i], opt_timeout * GST_SECOND) ?
          results[i].error ? "error" : "eos" : "hang";
      /* the frames before an error may all be there, and the end of the stream behind it */
      if (results[i].error)
        wait_eos_within (pipelines[i], &results[i], AFTER_ERROR);
      /* what hangs may do so for ever: the line above has to be out by then */
      if (!strcmp (end, "hang")) {
        report (end, &results[i]);
        fflush (stdout);
        _Exit (0);
      }
      gst_element_set_state (pipelines[i], GST_STATE_NULL);
      gst_object_unref (pipelines[i]);
    }
    report (end, &results[i]);
    if (opt_frames && results[i].frame_sums)
      write_sums (results[i].frame_sums);
    result_clear (&results[i]);
  }
  return 0;
}
