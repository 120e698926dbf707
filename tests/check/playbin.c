/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A player on our decoders: playbin3 picks them by itself in every container,
 * plays to the end, seeks in every way, and takes software for what the
 * hardware cannot do.
 *
 * Clips come from the folder that DMARESV_STREAMS names.  Every frame is
 * compared, by time stamp, with what the same player gives with software.
 */
#include <string.h>

#include "deckit.h"

/* playbin3's flags: video alone, as the decoder gives it, without converters */
#define FLAGS (0x1 | 0x40)
#define FRAME (40 * GST_MSECOND)

typedef struct
{
  const gchar *clip, *decoder;
  gboolean exact;               /* seeks are to the frame: the container has an index */
} Clip;

static const Clip clips[] = {
  {"clip-h264.mp4", "dmaresvh264dec", TRUE},
  {"clip-hevc.mp4", "dmaresvh265dec", TRUE},
  {"clip-vp9.webm", "dmaresvvp9dec", TRUE},
  {"clip-vp8.webm", "dmaresvvp8dec", TRUE},
  {"clip-mpeg2.mkv", "dmaresvmpeg2dec", TRUE},
  {"clip-h264.mkv", "dmaresvh264dec", TRUE},
  {"clip-hevc.mkv", "dmaresvh265dec", TRUE},
  {"clip-vp9.mkv", "dmaresvvp9dec", TRUE},
  {"clip-vp8.mkv", "dmaresvvp8dec", TRUE},
  {"clip-h264.ts", "dmaresvh264dec", FALSE},
  {"clip-hevc.ts", "dmaresvh265dec", FALSE},
  {"clip-mpeg2.ts", "dmaresvmpeg2dec", FALSE},
  {"clip-mpeg2.mpg", "dmaresvmpeg2dec", FALSE},
};

/* one of each codec */
#define N_CODECS 5
#define CLIP (&clips[__i__])

/* What no element of ours takes. */
static const gchar *const soft_clips[] = { "soft-h264.mp4", "soft-hevc.mkv", "soft-vp9.webm" };

typedef struct
{
  GstElement *playbin, *sink;
  Result r;
} Player;

/* Ours above all, or no hardware at all. The peers' elements on the same hardware are never to play:
 * they refuse what the driver cannot do after decodebin3's last choice. */
static void
rank_hardware (gboolean ours)
{
  GList *all = gst_element_factory_list_get_elements (GST_ELEMENT_FACTORY_TYPE_DECODER,
      GST_RANK_NONE);

  for (GList * l = all; l; l = l->next) {
    const gchar *klass = gst_element_factory_get_metadata (l->data, GST_ELEMENT_METADATA_KLASS);
    gboolean is_ours = g_str_has_prefix (GST_OBJECT_NAME (l->data), "dmaresv");

    if (is_ours || strstr (klass, "Hardware"))
      gst_plugin_feature_set_rank (l->data, ours && is_ours ? GST_RANK_PRIMARY + 2 : GST_RANK_NONE);
  }
  gst_plugin_feature_list_free (all);
}

static gboolean
is_hardware (const gchar * decoder)
{
  return g_str_has_prefix (decoder, "dmaresv") || g_str_has_prefix (decoder, "v4l2");
}

static void
player_open (Player * p, const gchar * clip)
{
  g_autofree gchar *path = stream_path (clip);
  g_autofree gchar *uri = g_filename_to_uri (path, NULL, NULL);

  memset (p, 0, sizeof (*p));
  p->playbin = gst_element_factory_make ("playbin3", NULL);
  p->sink = gst_element_factory_make ("fakesink", NULL);
  fail_unless (p->playbin && p->sink);
  result_init (&p->r);
  if (!g_str_has_prefix (clip, "soft"))
    p->r.frame_sums = g_array_new (FALSE, FALSE, sizeof (FrameSum));
  result_watch (&p->r, p->sink);
  g_object_set (p->playbin, "uri", uri, "video-sink", p->sink, "flags", FLAGS, NULL);
}

static void
player_close (Player * p)
{
  end_pipeline (p->playbin);
  result_clear (&p->r);
}

/* The video decoder that plays: its factory's name (transfer full), or NULL. */
static gchar *
player_decoder (Player * p)
{
  GstIterator *it = gst_bin_iterate_recurse (GST_BIN (p->playbin));
  GValue item = G_VALUE_INIT;
  gchar *name = NULL;

  while (gst_iterator_next (it, &item) == GST_ITERATOR_OK) {
    GstElementFactory *factory = gst_element_get_factory (g_value_get_object (&item));

    if (factory && gst_element_factory_list_is_type (factory, GST_ELEMENT_FACTORY_TYPE_DECODER
            | GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO)
        && strstr (gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS),
            "Decoder/Video")) {
      g_free (name);
      name = g_strdup (GST_OBJECT_NAME (factory));
    }
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (it);
  return name;
}

/* Opens the clip and waits, paused, for its first frame.
 *
 * GStreamer 1.22's uridecodebin3 may start its source before its decodebin3 takes data, and then
 * stands still for ever.  No decoder exists at that point, so that is what tells: once more, after
 * other pauses, as a race that is lost by a hair may be lost again. */
static void
player_preroll (Player * p, const gchar * clip)
{
  for (guint i = 0; i < 20; i++) {
    g_autofree gchar *decoder = NULL;
    GstStateChangeReturn ret;

    player_open (p, clip);
    if (i > 0) {
      gst_element_set_state (p->playbin, GST_STATE_READY);
      g_usleep (i * 7 * G_TIME_SPAN_MILLISECOND);
    }
    gst_element_set_state (p->playbin, GST_STATE_PAUSED);
    ret = gst_element_get_state (p->playbin, NULL, NULL, 3 * GST_SECOND);
    decoder = player_decoder (p);
    if (ret == GST_STATE_CHANGE_ASYNC && decoder)
      ret = gst_element_get_state (p->playbin, NULL, NULL, TIMEOUT);
    if (ret == GST_STATE_CHANGE_SUCCESS)
      return;
    wait_end_within (p->playbin, &p->r, 0);
    fail_unless (ret == GST_STATE_CHANGE_ASYNC && !decoder
        && !p->r.error, "%s: no preroll with %s: %s", clip, decoder, p->r.error);
    GST_WARNING ("%s: uridecodebin3 stands still, once more", clip);
    player_close (p);
  }
  fail ("%s: uridecodebin3 does not start", clip);
}

static void
player_play (Player * p)
{
  gst_element_set_state (p->playbin, GST_STATE_PLAYING);
  wait_end (p->playbin, &p->r);
  fail_unless (!p->r.error, "%s", p->r.error);
}

/* Opens the clip for software to play. */
static void
open_software (Player * p, const gchar * clip)
{
  g_autofree gchar *decoder = NULL;

  rank_hardware (FALSE);
  player_preroll (p, clip);
  decoder = player_decoder (p);
  fail_unless (decoder && !is_hardware (decoder), "%s is played by %s", clip, decoder);
  rank_hardware (TRUE);
}

/* The whole clip in software: the reference (transfer full). */
static GArray *
play_software (const gchar * clip)
{
  Player p;
  GArray *sums;

  open_software (&p, clip);
  player_play (&p);
  sums = g_array_ref (p.r.frame_sums);
  player_close (&p);
  fail_unless (sums->len >= 10);
  return sums;
}

static const FrameSum *
sum_at (GArray * sums, guint i)
{
  return &g_array_index (sums, FrameSum, i);
}

/* The number of a frame, by its time (containers round to ms) or by its pixels; -1: none. */
static gint
number_of (const FrameSum * frame, GArray * sums, gboolean by_time)
{
  for (guint i = 0; i < sums->len; i++) {
    if (by_time ? ABS (GST_CLOCK_DIFF (sum_at (sums, i)->time, frame->time))
        < (GstClockTimeDiff) FRAME / 2 : !strcmp (sum_at (sums, i)->md5, frame->md5))
      return i;
  }
  return -1;
}

/* Every frame of @got is one of software's, which at its time unless the container has no index, one
 * after the other in @step. Returns the first one's number. */
static gint
compare (const Clip * clip, GArray * got, GArray * wanted, gint step, const gchar * when)
{
  gint first = got->len ? number_of (sum_at (got, 0), wanted, clip->exact) : -1;

  fail_unless (first >= 0, "%s, %s: no frame, or none of software's", clip->clip, when);
  for (guint i = 0; i < got->len; i++) {
    gint at = number_of (sum_at (got, i), wanted, clip->exact);

    fail_unless (at == first + (gint) i * step, "%s, %s: frame %u is number %d instead of %d",
        clip->clip, when, i, at, first + (gint) i * step);
    fail_unless (!strcmp (sum_at (got, i)->md5, sum_at (wanted, at)->md5), "%s, %s: frame %d is "
        "wrong", clip->clip, when, at);
  }
  return first;
}

/* The same frames in the same order. */
static gboolean
same_frames (GArray * a, GArray * b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++) {
    if (strcmp (sum_at (a, i)->md5, sum_at (b, i)->md5))
      return FALSE;
  }
  return TRUE;
}

static void
seek (Player * p, gdouble rate, GstSeekFlags flags, GstClockTime start, GstClockTime stop)
{
  fail_unless (gst_element_seek (p->playbin, rate, GST_FORMAT_TIME, flags, GST_SEEK_TYPE_SET, start,
          GST_CLOCK_TIME_IS_VALID (stop) ? GST_SEEK_TYPE_SET : GST_SEEK_TYPE_NONE, stop));
}

static void
seek_and_preroll (Player * p, gdouble rate, GstSeekFlags flags, GstClockTime start,
    GstClockTime stop)
{
  seek (p, rate, flags | GST_SEEK_FLAG_FLUSH, start, stop);
  fail_unless_equals_int (gst_element_get_state (p->playbin, NULL, NULL, TIMEOUT),
      GST_STATE_CHANGE_SUCCESS);
}

static void
open_ours (Player * p, const Clip * clip)
{
  g_autofree gchar *decoder = NULL;

  player_preroll (p, clip->clip);
  decoder = player_decoder (p);
  fail_unless (!g_strcmp0 (decoder, clip->decoder), "%s is played by %s", clip->clip, decoder);
}

/* Picked, and every frame to the end. */
GST_START_TEST (test_play)
{
  GArray *wanted = play_software (CLIP->clip);
  Player p;

  open_ours (&p, CLIP);
  player_play (&p);
  fail_unless_equals_int (p.r.frames, 100);
  fail_unless_equals_int (wanted->len, 100);
  fail_unless_equals_int (compare (CLIP, p.r.frame_sums, wanted, 1, "played"), 0);
  player_close (&p);
  g_array_unref (wanted);
}

GST_END_TEST;

/* Accurate: the frame that is shown at that time, paused; then on to the end. */
GST_START_TEST (test_accurate)
{
  static const guint targets[] = { 60, 37, 99, 0, 74, 26, 25, 24 };
  GArray *wanted = play_software (CLIP->clip);
  Player p;
  gint first;

  open_ours (&p, CLIP);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    seek_and_preroll (&p, 1.0, GST_SEEK_FLAG_ACCURATE, targets[i] * FRAME + FRAME / 4, -1);
    first = compare (CLIP, p.r.frame_sums, wanted, 1, "after an accurate seek");
    fail_unless (!CLIP->exact || first == (gint) targets[i], "frame %d instead of %u", first,
        targets[i]);
  }
  player_play (&p);
  first = compare (CLIP, p.r.frame_sums, wanted, 1, "after the last seek");
  fail_unless (first + p.r.frame_sums->len == 100, "frames %d to %u", first,
      first + p.r.frame_sums->len);
  player_close (&p);
  g_array_unref (wanted);
}

GST_END_TEST;

/* To key frames: each one starts there. */
GST_START_TEST (test_key_unit)
{
  GArray *wanted = play_software (CLIP->clip);
  Player p;
  gint first;

  open_ours (&p, CLIP);
  for (guint i = 0; i < 4; i++) {
    seek_and_preroll (&p, 1.0, GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_SNAP_BEFORE,
        (3 - i) * GST_SECOND + 400 * GST_MSECOND, -1);
    first = compare (CLIP, p.r.frame_sums, wanted, 1, "after a seek to a key frame");
    /* MPEG-2's GOPs are open: frames before the key frame are not there */
    fail_unless (first <= (gint) (3 - i) * 25 + 10
        && first >= (gint) (3 - i) * 25, "frame %d", first);
  }
  player_play (&p);
  first = compare (CLIP, p.r.frame_sums, wanted, 1, "after the last seek");
  fail_unless (first + p.r.frame_sums->len == 100);
  player_close (&p);
  g_array_unref (wanted);
}

GST_END_TEST;

/* Many in a row, without waiting for any but the last. */
GST_START_TEST (test_storm)
{
  GArray *wanted = play_software (CLIP->clip);
  GRand *rand = g_rand_new_with_seed (4711);
  Player p;
  gint first;

  open_ours (&p, CLIP);
  gst_element_set_state (p.playbin, GST_STATE_PLAYING);
  for (guint i = 0; i < 25; i++) {
    seek (&p, 1.0, GST_SEEK_FLAG_FLUSH | (i & 1 ? GST_SEEK_FLAG_ACCURATE : GST_SEEK_FLAG_KEY_UNIT),
        g_rand_int_range (rand, 0, 3900) * GST_MSECOND, -1);
    g_usleep (g_rand_int_range (rand, 0, 25000));
  }
  gst_element_set_state (p.playbin, GST_STATE_PAUSED);
  gst_element_get_state (p.playbin, NULL, NULL, TIMEOUT);
  seek_and_preroll (&p, 1.0, GST_SEEK_FLAG_ACCURATE, 2 * GST_SECOND + 10 * GST_MSECOND, -1);
  /* an EOS of before the last seek says nothing about what comes now */
  gst_bus_set_flushing (GST_ELEMENT_BUS (p.playbin), TRUE);
  gst_bus_set_flushing (GST_ELEMENT_BUS (p.playbin), FALSE);
  player_play (&p);
  first = compare (CLIP, p.r.frame_sums, wanted, 1, "after the last seek");
  fail_unless (first + p.r.frame_sums->len == 100, "frames %d to %u", first,
      first + p.r.frame_sums->len);
  player_close (&p);
  g_rand_free (rand);
  g_array_unref (wanted);
}

GST_END_TEST;

static void
wait_segment_done (Player * p, gint n)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (p->playbin);
  GstMessage *msg = gst_bus_timed_pop_filtered (bus, TIMEOUT,
      GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_ERROR | GST_MESSAGE_EOS);

  fail_unless (msg && GST_MESSAGE_TYPE (msg) == GST_MESSAGE_SEGMENT_DONE, "%s",
      msg ? GST_MESSAGE_TYPE_NAME (msg) : "nothing");
  gst_message_unref (msg);
  /* the message is the demuxer's, whose frames may still be in queues */
  for (guint i = 0; i < 500 && g_atomic_int_get (&p->r.segments_done) < n; i++)
    g_usleep (20000);
  fail_unless_equals_int (g_atomic_int_get (&p->r.segments_done), n);
}

/* From here to there, and on without a flush: the frames played (transfer full). */
static GArray *
play_segments (Player * p)
{
  GArray *sums;

  seek_and_preroll (p, 1.0, GST_SEEK_FLAG_ACCURATE | GST_SEEK_FLAG_SEGMENT, 30 * FRAME, 45 * FRAME);
  gst_element_set_state (p->playbin, GST_STATE_PLAYING);
  wait_segment_done (p, 1);
  seek (p, 1.0, GST_SEEK_FLAG_ACCURATE | GST_SEEK_FLAG_SEGMENT, 45 * FRAME, 60 * FRAME);
  wait_segment_done (p, 2);
  sums = g_array_ref (p->r.frame_sums);
  player_close (p);
  return sums;
}

/* All thirty, or those that software gives: what a demuxer makes of a segment is not ours. */
GST_START_TEST (test_segment)
{
  GArray *wanted = play_software (CLIP->clip);
  GArray *hw, *sw;
  Player p;

  open_software (&p, CLIP->clip);
  sw = play_segments (&p);
  open_ours (&p, CLIP);
  hw = play_segments (&p);
  if (!same_frames (hw, sw)) {
    fail_unless (hw->len == 30, "%u frames, %u in software", hw->len, sw->len);
    fail_unless_equals_int (compare (CLIP, hw, wanted, 1, "in segments"), 30);
  }
  g_array_unref (hw);
  g_array_unref (sw);
  g_array_unref (wanted);
}

GST_END_TEST;

/* Backwards from the end: the frames played (transfer full). */
static GArray *
play_backwards (Player * p)
{
  GArray *sums;

  seek_and_preroll (p, -1.0, GST_SEEK_FLAG_ACCURATE, 0, 100 * FRAME);
  player_play (p);
  sums = g_array_ref (p->r.frame_sums);
  player_close (p);
  return sums;
}

/* Every frame, in that order, or what software makes of it in the same base class. */
GST_START_TEST (test_reverse)
{
  GArray *wanted = play_software (CLIP->clip);
  GArray *hw, *sw;
  Player p;

  open_software (&p, CLIP->clip);
  sw = play_backwards (&p);
  open_ours (&p, CLIP);
  hw = play_backwards (&p);
  if (!same_frames (hw, sw)) {
    fail_unless (hw->len == 100, "%u frames, %u in software", hw->len, sw->len);
    compare (CLIP, hw, wanted, -1, "backwards");
  }
  g_array_unref (hw);
  g_array_unref (sw);
  g_array_unref (wanted);
}

GST_END_TEST;

/* What the hardware cannot decode is refused early enough for another decoder. */
GST_START_TEST (test_software)
{
  const gchar *clip = soft_clips[__i__];
  g_autofree gchar *decoder = NULL;
  Player p;

  rank_hardware (TRUE);
  player_preroll (&p, clip);
  decoder = player_decoder (&p);
  fail_unless (decoder && !is_hardware (decoder), "%s: %s", clip, decoder);
  player_play (&p);
  fail_unless_equals_int (p.r.frames, 10);
  player_close (&p);
}

GST_END_TEST;

static Suite *
playbin_suite (void)
{
  Suite *s = suite_create ("playbin");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_loop_test (tc, test_play, 0, G_N_ELEMENTS (clips));
  tcase_add_loop_test (tc, test_accurate, 0, G_N_ELEMENTS (clips));
  tcase_add_loop_test (tc, test_key_unit, 0, N_CODECS);
  tcase_add_loop_test (tc, test_storm, 0, N_CODECS);
  tcase_add_loop_test (tc, test_segment, 0, N_CODECS);
  tcase_add_loop_test (tc, test_reverse, 0, N_CODECS);
  tcase_add_loop_test (tc, test_software, 0, G_N_ELEMENTS (soft_clips));
  return s;
}

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  if (!g_getenv ("DMARESV_STREAMS")) {
    g_print ("SKIP: playbin: DMARESV_STREAMS does not name a folder of streams\n");
    return 77;
  }
  return gst_check_run_suite (playbin_suite (), "playbin", __FILE__);
}
