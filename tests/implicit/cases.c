/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * implicit-cases: frames that leave before they are done, where something goes
 * wrong or in between.
 *
 *   implicit-cases error|lost STREAM    the silicon fails one job (--fault)
 *   implicit-cases play PIPELINE        runs it, and says how many frames of dec and last left early
 *   implicit-cases storm SEEKABLE       flushing seeks, stops, hoarding and dead consumers
 *
 * Prints a line "ok ..." or "not ok ..." for each finding.  It calls
 * gst_deinit(), so GST_TRACERS=leaks has its say at the end.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gstdmafence.h"
#include "gstdmafencemeta.h"
#include "kit.h"

#define CONVERTED "video/x-raw(ANY),format=BGRx"
#define TIMEOUT (120 * GST_SECOND)

static gint failures = 0;

static void
G_GNUC_PRINTF (2, 3)
found (gboolean good, const gchar * format, ...)
{
  g_autofree gchar *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s %s\n", good ? "ok" : "not ok", text);
  failures += !good;
}

/* What passed the decoder, and what came of it behind the converter. */
typedef struct
{
  GMutex lock;
  GPtrArray *states;            /* GstDmaFenceState, NULL for a finished frame */
  GArray *failed_at_end;        /* guint, indices of corrupted frames behind the converter */
  GArray *failed_at_decoder;
  guint decoded, converted;
} Frames;

static GstPadProbeReturn
on_decoded (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstDmaFenceMeta *meta = gst_buffer_get_dma_fence_meta (buffer);
  Frames *f = user_data;

  (void) pad;
  g_mutex_lock (&f->lock);
  g_ptr_array_add (f->states, meta ? gst_dma_fence_state_ref (meta->state) : NULL);
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED))
    g_array_append_val (f->failed_at_decoder, f->decoded);
  f->decoded++;
  g_mutex_unlock (&f->lock);

  return GST_PAD_PROBE_OK;
}

static void
on_converted (GstElement * sink, GstBuffer * buffer, GstPad * pad, gpointer user_data)
{
  Frames *f = user_data;

  (void) sink;
  (void) pad;
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED))
    g_array_append_val (f->failed_at_end, f->converted);
  f->converted++;
}

/* Counts the decoder's warnings as they are posted. */
static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  (void) bus;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING
      && g_str_equal (GST_MESSAGE_SRC_NAME (message), "dec"))
    g_atomic_int_inc ((gint *) user_data);

  return GST_BUS_PASS;
}

/* One decode job fails after its frame was handed over. */
static void
fault (const gchar * what, const gchar * stream)
{
  g_autofree gchar *text = g_strdup_printf ("filesrc location=%s ! h264parse ! dmaresvh264dec "
      "name=dec hand-over=early ! queue ! rgaconvert name=last ! " CONVERTED, stream);
  GstElement *pipeline = pipeline_new (text, "sync=false signal-handoffs=true");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstElement) dec = gst_bin_get_by_name (GST_BIN (pipeline), "dec");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (dec, "src");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autofree gchar *error = NULL;
  Frames f = { 0, };
  guint i, n_failed = 0, failed = 0;
  gint warnings = 0;

  g_mutex_init (&f.lock);
  f.states = g_ptr_array_new ();
  f.failed_at_end = g_array_new (FALSE, FALSE, sizeof (guint));
  f.failed_at_decoder = g_array_new (FALSE, FALSE, sizeof (guint));
  sink_prepare (sink, FALSE);
  gst_bus_set_sync_handler (bus, on_message, &warnings, NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_decoded, &f, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (on_converted), &f);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = pipeline_wait (pipeline, TIMEOUT);

  for (i = 0; i < f.states->len; i++) {
    GstDmaFenceState *state = f.states->pdata[i];

    if (state && gst_dma_fence_state_get (state) < 0) {
      failed = i;
      n_failed++;
    }
    if (state)
      gst_dma_fence_state_unref (state);
  }
  found (!error, "%s: the stream goes on to its end (%u frames)%s%s", what, f.converted,
      error ? ": " : "", error ? error : "");
  found (stat_of (pipeline, "dec", "frames-early") > 0 && n_failed == 1
      && f.failed_at_decoder->len == 0, "%s: the frame was handed over early, and its meta has "
      "the failure (%u early frames, %u failed, %u flagged before)", what,
      (guint) stat_of (pipeline, "dec", "frames-early"), n_failed, f.failed_at_decoder->len);
  found (warnings == 1, "%s: the decoder posts one warning (%u)", what, warnings);
  found (f.failed_at_end->len == 1 && g_array_index (f.failed_at_end, guint, 0) == failed,
      "%s: what was converted from it is flagged CORRUPTED, and nothing else (%u flagged)", what,
      f.failed_at_end->len);
  found (f.converted == f.decoded, "%s: no frame is lost between them", what);
  found (pipeline_end (pipeline, 5 * GST_SECOND), "%s: it stops", what);
  g_ptr_array_unref (f.states);
  g_array_unref (f.failed_at_end);
  g_array_unref (f.failed_at_decoder);
  g_mutex_clear (&f.lock);
}

/* --- storms --- */

typedef struct
{
  gint frames;                  /* atomic, since the last flush */
  gint timeline;
  guint32 value;
  GMutex lock;
  GPtrArray *kept;              /* under the lock */
} Consumer;

static GstPadProbeReturn
on_flush (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Consumer *c = user_data;

  (void) pad;
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP)
    g_atomic_int_set (&c->frames, 0);

  return GST_PAD_PROBE_OK;
}

static void
on_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad, gpointer user_data)
{
  Consumer *c = user_data;

  (void) sink;
  (void) pad;
  g_atomic_int_inc (&c->frames);
  g_mutex_lock (&c->lock);
  if (c->kept)
    g_ptr_array_add (c->kept, gst_buffer_ref (buffer));
  g_mutex_unlock (&c->lock);
  if (c->timeline >= 0) {
    gint fence = timeline_fence (c->timeline, ++c->value);

    if (!gst_dma_fence_import_buffer (buffer, fence, GST_DMA_ACCESS_READ, NULL))
      g_error ("a reader's fence is refused");
    close (fence);
  }
}

static GstElement *
start (const gchar * chain, const gchar * stream, Consumer * c)
{
  g_autofree gchar *text = g_strdup_printf ("filesrc location=%s ! qtdemux ! h264parse ! %s",
      stream, chain);
  GstElement *pipeline = pipeline_new (text, "sync=false signal-handoffs=true");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");

  sink_prepare (sink, TRUE);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_flush, c, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (on_frame), c);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  if (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT) == GST_STATE_CHANGE_FAILURE)
    g_printerr ("%s: no preroll\n", text);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);

  return pipeline;
}

static gboolean
seek_to (GstElement * pipeline, GstClockTime position)
{
  return gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, position);
}

/* @n flushing seeks at any moment, then all of the stream. */
static void
seek_storm (const gchar * name, const gchar * chain, const gchar * stream, guint n)
{
  GRand *rand = g_rand_new_with_seed (5);
  Consumer c = {.timeline = -1 };
  GstElement *pipeline = start (chain, stream, &c);
  g_autofree gchar *error = NULL;
  guint i;

  for (i = 0; i < n; i++) {
    if (!seek_to (pipeline, g_rand_int_range (rand, 0, 4000) * GST_MSECOND))
      break;
    g_usleep (g_rand_int_range (rand, 0, 30000));
  }
  seek_to (pipeline, 0);
  /* an EOS from before the last seek */
  gst_bus_set_flushing (GST_ELEMENT_BUS (pipeline), TRUE);
  gst_bus_set_flushing (GST_ELEMENT_BUS (pipeline), FALSE);
  error = pipeline_wait (pipeline, TIMEOUT);
  found (i == n && !error && c.frames == 100, "%s: %u flushing seeks, then %d of 100 frames%s%s",
      name, i, c.frames, error ? ": " : "", error ? error : "");
  found (pipeline_end (pipeline, 5 * GST_SECOND), "%s: it stops", name);
  g_rand_free (rand);
}

/* Stopped while jobs run whose frames have left. */
static void
stop_storm (const gchar * name, const gchar * chain, const gchar * stream, guint n)
{
  GRand *rand = g_rand_new_with_seed (6);
  guint i, slow = 0;

  for (i = 0; i < n; i++) {
    Consumer c = {.timeline = -1 };
    GstElement *pipeline = start (chain, stream, &c);

    g_usleep (g_rand_int_range (rand, 0, 100000));
    slow += !pipeline_end (pipeline, 2 * GST_SECOND);
  }
  found (!slow, "%s: %u stops, %u took longer than 2 s", name, n, slow);
  g_rand_free (rand);
}

/* A consumer that keeps every buffer for longer than any bound, as a paused one may: no error, and
 * everything comes once it lets go; or (@stop) it is stopped instead. */
static void
hoard (const gchar * name, const gchar * chain, const gchar * stream, gboolean stop)
{
  GPtrArray *kept = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  Consumer c = {.timeline = -1,.kept = kept };
  GstElement *pipeline = start (chain, stream, &c);
  g_autofree gchar *error = pipeline_wait (pipeline, 8 * GST_SECOND);
  gint n = g_atomic_int_get (&c.frames);

  found (error && strstr (error, "it hangs") && n < 100, "%s: it waits, with %d of 100 frames out",
      name, n);
  g_clear_pointer (&error, g_free);
  if (!stop) {
    g_mutex_lock (&c.lock);
    c.kept = NULL;
    g_mutex_unlock (&c.lock);
    g_ptr_array_set_size (kept, 0);
    error = pipeline_wait (pipeline, TIMEOUT);
    found (!error && c.frames == 100, "%s: then goes on, %d of 100 frames%s%s", name, c.frames,
        error ? ": " : "", error ? error : "");
  }
  found (pipeline_end (pipeline, GST_SECOND), "%s: it stops within 1 s", name);
  g_ptr_array_unref (kept);
}

/* A consumer whose fences never signal. */
static void
dead_consumer (const gchar * name, const gchar * chain, const gchar * stream)
{
  Consumer c = {.timeline = timeline_new () };
  g_autofree gchar *error = NULL;
  GstClockTime begin = gst_util_get_timestamp (), took;
  GstElement *pipeline;
  gboolean stopped;

  pipeline = start (chain, stream, &c);
  error = pipeline_wait (pipeline, 30 * GST_SECOND);
  took = gst_util_get_timestamp () - begin;
  found (error && strstr (error, "fence") && took < 15 * GST_SECOND,
      "%s: after %d frames and %.1f s an error: %s", name, c.frames, took / 1e9,
      error ? error : "none");
  stopped = pipeline_end (pipeline, 3 * GST_SECOND);
  found (stopped, "%s: it stops", name);
  close (c.timeline);
}

/* Stopped while it waits for such a consumer. */
static void
stop_while_waiting (const gchar * name, const gchar * chain, const gchar * stream)
{
  Consumer c = {.timeline = timeline_new () };
  GstElement *pipeline = start (chain, stream, &c);
  GstClockTime begin;
  gboolean stopped;

  g_usleep (2 * G_USEC_PER_SEC);
  begin = gst_util_get_timestamp ();
  stopped = pipeline_end (pipeline, GST_SECOND);
  found (stopped, "%s: stopped while it waits, in %u ms", name,
      (guint) ((gst_util_get_timestamp () - begin) / GST_MSECOND));
  close (c.timeline);
}

#define DECODE "dmaresvh264dec name=dec hand-over=early"
#define CONVERT DECODE " ! rgaconvert name=last hand-over=early ! " CONVERTED
/* A consumer of dma-bufs: what it holds is not copied. */
#define CONVERT_DMABUF DECODE " ! rgaconvert name=last hand-over=early ! " \
    "video/x-raw(memory:DMABuf),width=160,height=120"
#define QUEUED DECODE " ! queue ! rgaconvert name=last hand-over=early ! " CONVERTED " ! queue"

static void
storm (const gchar * stream)
{
  guint fds = 0, round, stop, n =
      g_getenv ("IMPLICIT_SEEKS") ? atoi (g_getenv ("IMPLICIT_SEEKS")) : 100;

  for (round = 0; round < 2; round++) {
    seek_storm ("seeks, decoder", DECODE, stream, round ? n : 3);
    seek_storm ("seeks, decoder and converter", CONVERT, stream, round ? n : 3);
    seek_storm ("seeks, with queues", QUEUED, stream, round ? n : 3);
    stop_storm ("stops", QUEUED, stream, round ? n / 5 : 2);
    for (stop = 0; stop < 2; stop++) {
      hoard ("decoder, everything kept", DECODE " ! video/x-raw(memory:DMABuf)", stream, stop);
      hoard ("converter, everything kept", CONVERT_DMABUF, stream, stop);
    }
    dead_consumer ("decoder, dead fences", DECODE " ! video/x-raw(memory:DMABuf)", stream);
    dead_consumer ("converter, dead fences", CONVERT_DMABUF, stream);
    stop_while_waiting ("decoder", DECODE " ! video/x-raw(memory:DMABuf)", stream);
    stop_while_waiting ("converter", QUEUED, stream);
    /* GLib and GStreamer make descriptors of their own in the first round. */
    if (!round)
      fds = count_fds ();
  }
  found (count_fds () <= fds, "descriptors: %u after it all, %u before", count_fds (), fds);
}

static void
play (const gchar * description)
{
  GstElement *pipeline = pipeline_new (description, "sync=false");
  g_autofree gchar *error = NULL;

  if (!pipeline) {
    failures++;
    return;
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = pipeline_wait (pipeline, TIMEOUT);
  if (error) {
    g_printerr ("%s\n", error);
    failures++;
  }
  g_print ("dec early %u finished %u last early %u finished %u\n",
      (guint) stat_of (pipeline, "dec", "frames-early"),
      (guint) stat_of (pipeline, "dec", "frames-finished"),
      (guint) stat_of (pipeline, "last", "frames-early"),
      (guint) stat_of (pipeline, "last", "frames-finished"));
  if (!pipeline_end (pipeline, 10 * GST_SECOND))
    failures++;
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc != 3) {
    g_printerr ("usage: %s error|lost|storm|play STREAM\n", argv[0]);
    return 2;
  }
  if (g_str_equal (argv[1], "storm"))
    storm (argv[2]);
  else if (g_str_equal (argv[1], "play"))
    play (argv[2]);
  else
    fault (argv[1], argv[2]);
  gst_deinit ();

  return failures != 0;
}
