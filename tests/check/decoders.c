/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every decoder element has to do, on a device: one set of tests, and a
 * table of the codecs.  What is H.264's alone is in h264dec.c.
 *
 * Streams come from the folder that DMARESV_STREAMS names; what is compared
 * with is a software decoder in the same process.
 */
#include <string.h>

#include <gst/check/gstharness.h>

#include "deckit.h"
#include "fdkit.h"

typedef struct
{
  const gchar *decoder, *software;
  const gchar *stream;          /* reordered or hidden frames, several key frames */
  const gchar *other;           /* of another, odd size */
  const gchar *caps;            /* of access units */
  const gchar *refused;         /* caps that no hardware here decodes */
} Codec;

static const Codec codecs[] = {
  {"dmaresvh264dec", "avdec_h264 max-threads=1", "bframes.h264", "odd.h264",
        "video/x-h264,stream-format=byte-stream,alignment=au",
      "video/x-h264,stream-format=byte-stream,alignment=au,profile=high-4:4:4,width=320,height=240"},
  {"dmaresvh265dec", "avdec_h265 max-threads=1", "wpp.h265", "odd.h265",
        "video/x-h265,stream-format=byte-stream,alignment=au",
      "video/x-h265,stream-format=byte-stream,alignment=au,profile=main-444,width=320,height=240"},
  {"dmaresvvp9dec", "avdec_vp9 max-threads=1", "altref.vp9.webm", "aq.vp9.webm",
        "video/x-vp9,alignment=super-frame",
      "video/x-vp9,alignment=super-frame,profile=(string)2,width=320,height=240"},
  {"dmaresvvp8dec", "avdec_vp8 max-threads=1", "clip-vp8.webm", "odd.webm",
      "video/x-vp8", "video/x-vp8,width=16,height=16"},
  {"dmaresvmpeg2dec", "avdec_mpeg2video max-threads=1", "frames.m2v", "odd.m2v",
        "video/mpeg,mpegversion=2,systemstream=false,parsed=true",
      "video/mpeg,mpegversion=1,systemstream=false,parsed=true,width=320,height=240"},
};

#define CODEC (&codecs[__i__])

typedef struct
{
  GstHarness *h;
  GPtrArray *units;
  GstCaps *caps;                /* the harness's */
  guint n_frames;               /* that software gives */
} Feed;

static guint
software_frames (const Codec * codec, const gchar * stream)
{
  Result sw = { 0, };
  guint n;

  run (stream, codec->software, "fakesink", &sw);
  fail_unless (!sw.error && sw.frames > 0, "%s: %s", stream, sw.error);
  n = sw.frames;
  result_clear (&sw);
  return n;
}

/* How many frames software makes of some of the units. */
static guint
software_frames_of (const Codec * codec, Feed * feed, guint from, guint to)
{
  GstHarness *h = gst_harness_new_parse (codec->software);
  guint n;

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps (h, gst_caps_ref (feed->caps));
  for (guint i = from; i < to; i++)
    gst_harness_push (h, gst_buffer_ref (feed->units->pdata[i]));
  gst_harness_push_event (h, gst_event_new_eos ());
  n = gst_harness_buffers_in_queue (h);
  gst_harness_teardown (h);
  return n;
}

static void
feed_init (Feed * feed, const Codec * codec, const gchar * sink_caps)
{
  feed->units = access_units (codec->stream, codec->caps, &feed->caps);
  feed->n_frames = software_frames (codec, codec->stream);
  feed->h = gst_harness_new (codec->decoder);
  gst_harness_set_live (feed->h, FALSE);
  if (sink_caps)
    gst_harness_set_sink_caps_str (feed->h, sink_caps);
  gst_harness_set_src_caps (feed->h, gst_caps_ref (feed->caps));
}

static void
feed_clear (Feed * feed)
{
  gst_harness_teardown (feed->h);
  g_ptr_array_unref (feed->units);
  gst_caps_unref (feed->caps);
}

static void
feed_push (Feed * feed, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    fail_unless_equals_int (gst_harness_push (feed->h, gst_buffer_ref (feed->units->pdata[i])),
        GST_FLOW_OK);
}

static guint
feed_drop_output (Feed * feed)
{
  guint n = 0;

  for (; gst_harness_buffers_in_queue (feed->h); n++)
    gst_buffer_unref (gst_harness_pull (feed->h));
  return n;
}

static void
feed_expect (Feed * feed, guint n, const gchar * when)
{
  fail_unless (gst_harness_buffers_in_queue (feed->h) == n, "%u of %u frames %s",
      gst_harness_buffers_in_queue (feed->h), n, when);
}

/* The second unit that starts from nothing. */
static guint
feed_second_key (Feed * feed)
{
  for (guint i = 1; i < feed->units->len; i++) {
    if (!GST_BUFFER_FLAG_IS_SET (feed->units->pdata[i], GST_BUFFER_FLAG_DELTA_UNIT))
      return i;
  }
  return 0;
}

/* Frames */

/* Every frame, once, in order, with the pixels of software. */
GST_START_TEST (test_checksum)
{
  const gchar *names[] = { CODEC->stream, CODEC->other };

  for (guint i = 0; i < 2; i++) {
    Result hw = { 0, }, sw = { 0, };

    run (names[i], CODEC->software, "videocodectestsink", &sw);
    run (names[i], CODEC->decoder, "videocodectestsink", &hw);
    fail_unless (!sw.error && !hw.error, "%s: %s", names[i], sw.error ? sw.error : hw.error);
    fail_unless (hw.frames > 0 && hw.frames == sw.frames, "%s: %u of %u frames", names[i],
        hw.frames, sw.frames);
    fail_unless (hw.sink_checksum && !g_strcmp0 (hw.sink_checksum, sw.sink_checksum), "%s: %s "
        "instead of %s", names[i], hw.sink_checksum, sw.sink_checksum);
    fail_unless (hw.unordered <= sw.unordered);
    fail_unless_equals_int (hw.corrupted, 0);
    result_clear (&hw);
    result_clear (&sw);
  }
}

GST_END_TEST;

/* As dma-bufs, that nobody may write to, and in system memory without any meta: the same pixels. */
GST_START_TEST (test_memory)
{
  Result dma = { 0, }, sys = { 0, }, sw = { 0, };
  g_autofree gchar *dmabuf = g_strdup_printf ("%s ! video/x-raw(memory:DMABuf)", CODEC->decoder);

  dma.hash = sys.hash = sw.hash = TRUE;
  run (CODEC->other, dmabuf, "fakesink", &dma);
  run (CODEC->other, CODEC->decoder, "fakesink", &sys);
  run (CODEC->other, CODEC->software, "fakesink", &sw);
  fail_unless (!dma.error && !sys.error, "%s", dma.error ? dma.error : sys.error);
  fail_unless (sw.frames > 0 && dma.frames == sw.frames && sys.frames == sw.frames);
  fail_unless_equals_int (dma.dmabuf, dma.frames);
  fail_unless_equals_int (dma.video_meta, dma.frames);
  fail_unless_equals_int (dma.writable, 0);
  fail_unless_equals_int (sys.dmabuf, 0);
  fail_unless_equals_int (sys.size_errors, 0);
  fail_unless_equals_string (g_checksum_get_string (dma.md5), g_checksum_get_string (sw.md5));
  fail_unless_equals_string (g_checksum_get_string (sys.md5), g_checksum_get_string (sw.md5));
  result_clear (&dma);
  result_clear (&sys);
  result_clear (&sw);
}

GST_END_TEST;

/* Downstream knows GstVideoMeta, or refuses the allocation query: frames say or have their layout. */
GST_START_TEST (test_allocation)
{
  for (guint i = 0; i < 2; i++) {
    Feed feed;
    GstBuffer *frame;
    GstVideoMeta *meta;

    feed_init (&feed, CODEC, "video/x-raw");
    if (i)
      gst_harness_add_propose_allocation_meta (feed.h, GST_VIDEO_META_API_TYPE, NULL);
    feed_push (&feed, 0, feed.units->len);
    fail_unless (gst_harness_push_event (feed.h, gst_event_new_eos ()));
    feed_expect (&feed, feed.n_frames, "of an allocation");
    frame = gst_harness_pull (feed.h);
    meta = gst_buffer_get_video_meta (frame);
    fail_unless (meta || !i);
    if (!i) {
      fail_unless_equals_int (gst_buffer_get_size (frame), 320 * 240 * 3 / 2);
      fail_unless (!meta || (meta->stride[0] == 320 && meta->offset[1] == 320 * 240),
          "a layout that only GstVideoMeta tells");
    }
    gst_buffer_unref (frame);
    feed_clear (&feed);
  }
}

GST_END_TEST;

/* Flushes, drains, gaps */

/* At every point of the first GOP; afterwards every frame comes. */
GST_START_TEST (test_flush)
{
  Feed feed;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  feed_init (&feed, CODEC, NULL);
  for (guint n = 1; n < 12; n++) {
    feed_push (&feed, 0, n);
    fail_unless (gst_harness_push_event (feed.h, gst_event_new_flush_start ()));
    fail_unless (gst_harness_push_event (feed.h, gst_event_new_flush_stop (TRUE)));
    feed_drop_output (&feed);
    fail_unless (gst_harness_push_event (feed.h, gst_event_new_segment (&segment)));
  }
  feed_push (&feed, 0, feed.units->len);
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_eos ()));
  feed_expect (&feed, feed.n_frames, "after the flush");
  feed_clear (&feed);
}

GST_END_TEST;

/* A still frame drains: all that went in is out, and decoding goes on at the next key frame. */
GST_START_TEST (test_drain)
{
  Feed feed;
  guint key;

  feed_init (&feed, CODEC, NULL);
  key = feed_second_key (&feed);
  fail_unless (key > 1, "%s has one key frame only", CODEC->stream);
  feed_push (&feed, 0, key);
  fail_unless (gst_harness_push_event (feed.h, gst_video_event_new_still_frame (TRUE)));
  feed_expect (&feed, software_frames_of (CODEC, &feed, 0, key), "after a drain");
  feed_push (&feed, key, feed.units->len);
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_eos ()));
  feed_expect (&feed, feed.n_frames, "at the end");
  feed_clear (&feed);
}

GST_END_TEST;

static guint
count_events (GstHarness * h, GstEventType type)
{
  GstEvent *event;
  guint n = 0;

  while ((event = gst_harness_try_pull_event (h))) {
    n += GST_EVENT_TYPE (event) == type;
    gst_event_unref (event);
  }
  return n;
}

/* Gaps, before anything is known of the stream, and between its GOPs: they arrive, and cost no
 * frame. */
GST_START_TEST (test_gap)
{
  Feed feed;
  guint key;

  feed_init (&feed, CODEC, NULL);
  key = feed_second_key (&feed);
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_gap (0, 20 * GST_MSECOND)));
  feed_push (&feed, 0, key);
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_gap (key * 40 * GST_MSECOND,
              20 * GST_MSECOND)));
  feed_push (&feed, key, feed.units->len);
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_eos ()));
  feed_expect (&feed, feed.n_frames, "at the end");
  fail_unless_equals_int (count_events (feed.h, GST_EVENT_GAP), 2);
  feed_clear (&feed);
}

GST_END_TEST;

/* Caps */

static gint
height_of_last_caps (GstHarness * h)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);
  gint height = 0;

  fail_unless (caps != NULL);
  gst_structure_get_int (gst_caps_get_structure (caps, 0), "height", &height);
  gst_caps_unref (caps);
  return height;
}

/* Another size and back again, by caps: all frames of all three parts. */
GST_START_TEST (test_caps_change)
{
  Feed feed;
  GstCaps *caps;
  GPtrArray *units = access_units (CODEC->other, CODEC->caps, &caps);
  guint n_other = software_frames (CODEC, CODEC->other);

  feed_init (&feed, CODEC, NULL);
  feed_push (&feed, 0, feed.units->len);
  gst_harness_set_src_caps (feed.h, caps);
  for (guint i = 0; i < units->len; i++)
    fail_unless_equals_int (gst_harness_push (feed.h, gst_buffer_ref (units->pdata[i])),
        GST_FLOW_OK);
  fail_unless_equals_int (height_of_last_caps (feed.h), 146);
  gst_harness_set_src_caps (feed.h, gst_caps_ref (feed.caps));
  feed_push (&feed, 0, feed.units->len);
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_eos ()));
  fail_unless_equals_int (height_of_last_caps (feed.h), 240);
  feed_expect (&feed, 2 * feed.n_frames + n_other, "over two changes");
  g_ptr_array_unref (units);
  feed_clear (&feed);
}

GST_END_TEST;

/* Downstream asks for other memory in mid-stream: no frame is lost over it. */
GST_START_TEST (test_renegotiation)
{
  Feed feed;
  guint n = 0;

  feed_init (&feed, CODEC, "video/x-raw");
  for (guint i = 0; i < feed.units->len; i++) {
    if (i == 10)
      gst_harness_push_upstream_event (feed.h, gst_event_new_reconfigure ());
    if (i == 15)
      gst_harness_set_sink_caps_str (feed.h, "video/x-raw(memory:DMABuf);video/x-raw");
    feed_push (&feed, i, i + 1);
    /* who keeps dma-bufs keeps the decoder waiting */
    n += feed_drop_output (&feed);
  }
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_eos ()));
  n += feed_drop_output (&feed);
  fail_unless (n == feed.n_frames, "%u of %u frames", n, feed.n_frames);
  feed_clear (&feed);
}

GST_END_TEST;

/* What the driver does not list is refused where another decoder can still step in; before that
 * the template is tried, which has to take the stream that is decoded. */
GST_START_TEST (test_accept_caps)
{
  Feed feed;
  GstCaps *refused = gst_caps_from_string (CODEC->refused);
  GstPad *pad;

  feed_init (&feed, CODEC, NULL);
  pad = gst_element_get_static_pad (feed.h->element, "sink");
  fail_unless (gst_pad_query_accept_caps (pad, feed.caps));
  fail_if (gst_pad_query_accept_caps (pad, refused), "takes %s", CODEC->refused);
  gst_object_unref (pad);
  gst_caps_unref (refused);
  feed_clear (&feed);
}

GST_END_TEST;

/* States */

/* Through all states, from the start, the middle and the end of a stream. */
GST_START_TEST (test_states)
{
  g_autofree gchar *dmabuf = g_strdup_printf ("%s ! video/x-raw(memory:DMABuf)", CODEC->decoder);
  guint before = 0;

  for (guint i = 0; i < 9; i++) {
    Result r = { 0, };
    GstElement *pipeline = make_pipeline (CODEC->stream, i & 1 ? dmabuf : CODEC->decoder,
        "fakesink", &r);

    gst_element_set_state (pipeline, GST_STATE_READY);
    if (i % 3 == 1) {
      gst_element_set_state (pipeline, GST_STATE_PAUSED);
      fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT),
          GST_STATE_CHANGE_SUCCESS);
      gst_element_set_state (pipeline, GST_STATE_READY);
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
    }
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    if (i % 3)
      g_usleep (i * 9000);
    else
      wait_end (pipeline, &r);
    fail_unless (!r.error, "%s", r.error);
    end_pipeline (pipeline);
    result_clear (&r);
    /* GLib and GStreamer make descriptors of their own in the first rounds. */
    if (i == 2)
      before = count_fds ();
  }
  fail_unless (count_fds () <= before, "%u descriptors, %u before", count_fds (), before);
}

GST_END_TEST;

/* Damage */

/* The headers of a unit, then noise; and a unit that is cut short. They cost what depends on them:
 * no error, and after the next key frame every frame is right and says so. */
GST_START_TEST (test_damage)
{
  Feed feed;
  GRand *rand = g_rand_new_with_seed (1);
  guint key, n;

  feed_init (&feed, CODEC, NULL);
  key = feed_second_key (&feed);
  fail_unless (key > 7, "the first GOP has %u units", key);
  for (guint i = 0; i < feed.units->len; i++) {
    GstBuffer *unit = gst_buffer_copy_deep (feed.units->pdata[i]);
    GstMapInfo map;

    if (i == 3) {
      fail_unless (gst_buffer_map (unit, &map, GST_MAP_READWRITE));
      for (gsize at = MIN (16, map.size); at < map.size; at++)
        map.data[at] = g_rand_int (rand);
      gst_buffer_unmap (unit, &map);
    } else if (i == 6) {
      gst_buffer_set_size (unit, gst_buffer_get_size (unit) / 2);
    }
    fail_unless (gst_harness_push (feed.h, unit) == GST_FLOW_OK, "unit %u", i);
  }
  fail_unless (gst_harness_push_event (feed.h, gst_event_new_eos ()));
  n = gst_harness_buffers_in_queue (feed.h);
  fail_unless (n + key >= feed.n_frames, "%u of %u frames", n, feed.n_frames);
  for (guint i = 0; i < n; i++) {
    GstBuffer *frame = gst_harness_pull (feed.h);

    if (GST_BUFFER_PTS (frame) >= (key + 3) * 40 * GST_MSECOND)
      fail_if (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_CORRUPTED), "frame %u of %u", i, n);
    gst_buffer_unref (frame);
  }
  g_rand_free (rand);
  feed_clear (&feed);
}

GST_END_TEST;

/* Nothing but noise: an end, and no frame that pretends to be whole. */
GST_START_TEST (test_noise)
{
  Feed feed;
  GRand *rand = g_rand_new_with_seed (2);
  guint n;

  feed_init (&feed, CODEC, NULL);
  for (guint i = 0; i < 10; i++) {
    GstBuffer *unit = gst_buffer_new_allocate (NULL, 700, NULL);
    GstMapInfo map;

    fail_unless (gst_buffer_map (unit, &map, GST_MAP_WRITE));
    for (gsize at = 0; at < map.size; at++)
      map.data[at] = g_rand_int (rand);
    gst_buffer_unmap (unit, &map);
    GST_BUFFER_PTS (unit) = i * 40 * GST_MSECOND;
    if (gst_harness_push (feed.h, unit) != GST_FLOW_OK)
      break;
  }
  gst_harness_push_event (feed.h, gst_event_new_eos ());
  n = gst_harness_buffers_in_queue (feed.h);
  for (guint i = 0; i < n; i++) {
    GstBuffer *frame = gst_harness_pull (feed.h);

    fail_unless (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_CORRUPTED));
    gst_buffer_unref (frame);
  }
  g_rand_free (rand);
  feed_clear (&feed);
}

GST_END_TEST;

static Suite *
decoders_suite (void)
{
  Suite *s = suite_create ("decoders");
  TCase *tc = tcase_create ("general");
  const gint n = G_N_ELEMENTS (codecs);

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 300);
  tcase_add_loop_test (tc, test_checksum, 0, n);
  tcase_add_loop_test (tc, test_memory, 0, n);
  tcase_add_loop_test (tc, test_allocation, 0, n);
  tcase_add_loop_test (tc, test_flush, 0, n);
  tcase_add_loop_test (tc, test_drain, 0, n);
  tcase_add_loop_test (tc, test_gap, 0, n);
  tcase_add_loop_test (tc, test_caps_change, 0, n);
  tcase_add_loop_test (tc, test_renegotiation, 0, n);
  tcase_add_loop_test (tc, test_accept_caps, 0, n);
  tcase_add_loop_test (tc, test_states, 0, n);
  tcase_add_loop_test (tc, test_damage, 0, n);
  tcase_add_loop_test (tc, test_noise, 0, n);
  return s;
}

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  if (!g_getenv ("DMARESV_STREAMS")) {
    g_print ("SKIP: decoders: DMARESV_STREAMS does not name a folder of streams\n");
    return 77;
  }
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++) {
    GstPluginFeature *feature = gst_registry_lookup_feature (gst_registry_get (),
        codecs[i].decoder);

    if (!feature) {
      g_printerr ("There is no %s: no device, or the plugin is not on the path\n",
          codecs[i].decoder);
      return 1;
    }
    gst_object_unref (feature);
  }
  return gst_check_run_suite (decoders_suite (), "decoders", __FILE__);
}
