/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dmaresvh264dec on a device: real hardware, or the virtual RK3399.
 *
 * Streams come from the folder that DMARESV_STREAMS names; every expected
 * checksum is made here, by a software decoder in the same process.  VRK_FAULT
 * tells which fault the modelled silicon was started with ("rkvdec:error@5",
 * "rkvdec:lost@5"); then only the tests of that fault run.
 */
#include <stdlib.h>
#include <string.h>

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "deckit.h"
#include "fdkit.h"

#define DECODER "dmaresvh264dec"
#define AU_CAPS "video/x-h264,stream-format=byte-stream,alignment=au"

/* Streams */

static const gchar *const streams[] = {
  "base.h264", "bframes.h264", "main.h264", "cavlc.h264", "slices.h264", "cqm.h264",
  "refs16.h264", "intra.h264", "refresh.h264", "lowdelay.h264", "odd.h264", "hd.h264",
  "weightp.h264", "fade-b.h264", "resize.h264", "avc.mp4"
};

/* Every frame comes, once, in order, and with the pixels that a software decoder gives. */
GST_START_TEST (test_checksum)
{
  const gchar *name = streams[__i__];
  Result hw = { 0, }, sw = { 0, };

  run (name, "avdec_h264 max-threads=1", "videocodectestsink", &sw);
  run (name, DECODER, "videocodectestsink", &hw);
  fail_unless (!sw.error && !hw.error, "%s: %s", name, sw.error ? sw.error : hw.error);
  fail_unless (sw.frames > 0 && sw.sink_checksum);
  fail_unless (hw.frames == sw.frames, "%s: %u of %u frames", name, hw.frames, sw.frames);
  fail_unless (!g_strcmp0 (hw.sink_checksum, sw.sink_checksum), "%s: %s instead of %s", name,
      hw.sink_checksum, sw.sink_checksum);
  fail_unless (hw.unordered <= sw.unordered, "%s: %u time stamps go back, %u in software", name,
      hw.unordered, sw.unordered);
  fail_unless_equals_int (hw.corrupted, 0);
  result_clear (&hw);
  result_clear (&sw);
}

GST_END_TEST;

/* avdec_h264 moves a left crop to where its SIMD likes it: ffmpeg, told not to, has left its MD5
 * beside the stream when that was made. */
GST_START_TEST (test_crop_left_top)
{
  g_autofree gchar *path = stream_path ("crop.md5");
  g_autofree gchar *wanted = NULL;
  Result hw = { 0, };

  fail_unless (g_file_get_contents (path, &wanted, NULL, NULL), "%s is missing", path);
  g_strstrip (wanted);
  run ("crop.h264", DECODER, "videocodectestsink", &hw);
  fail_unless (!hw.error && hw.sink_checksum, "%s", hw.error);
  fail_unless (g_str_has_suffix (wanted, hw.sink_checksum), "%s instead of %s", hw.sink_checksum,
      wanted);
  result_clear (&hw);
}

GST_END_TEST;

/* Three caps, in order, and every frame before and after. */
GST_START_TEST (test_resize)
{
  Result r = { 0, };

  run ("resize.h264", DECODER, "fakesink", &r);
  fail_unless (!r.error, "%s", r.error);
  fail_unless_equals_int (r.frames, 30);
  fail_unless_equals_int (r.caps_events, 3);
  result_clear (&r);
}

GST_END_TEST;

/* Memory */

/* DMABuf caps: dma-bufs that nobody can write to while they may be references, with their layout;
 * and the same pixels. */
GST_START_TEST (test_dmabuf)
{
  Result hw = { 0, }, sw = { 0, };

  hw.hash = sw.hash = TRUE;
  run ("bframes.h264", DECODER " ! video/x-raw(memory:DMABuf)", "fakesink", &hw);
  run ("bframes.h264", "avdec_h264 max-threads=1", "fakesink", &sw);
  fail_unless (!hw.error, "%s", hw.error);
  fail_unless (hw.frames > 0 && hw.frames == sw.frames);
  fail_unless_equals_int (hw.dmabuf, hw.frames);
  fail_unless_equals_int (hw.video_meta, hw.frames);
  fail_unless_equals_int (hw.writable, 0);
  fail_unless_equals_string (g_checksum_get_string (hw.md5), g_checksum_get_string (sw.md5));
  result_clear (&hw);
  result_clear (&sw);
}

GST_END_TEST;

/* Whoever has never heard of GstVideoMeta gets frames laid out as GStreamer's default. */
GST_START_TEST (test_system_memory)
{
  Result hw = { 0, }, sw = { 0, };

  hw.hash = sw.hash = TRUE;
  run ("odd.h264", DECODER, "fakesink", &hw);
  run ("odd.h264", "avdec_h264 max-threads=1", "fakesink", &sw);
  fail_unless (!hw.error, "%s", hw.error);
  fail_unless (hw.frames > 0 && hw.frames == sw.frames);
  fail_unless_equals_int (hw.dmabuf, 0);
  fail_unless_equals_int (hw.size_errors, 0);
  fail_unless_equals_string (g_checksum_get_string (hw.md5), g_checksum_get_string (sw.md5));
  result_clear (&hw);
  result_clear (&sw);
}

GST_END_TEST;

/* Frames that downstream keeps stay as they are, over the end of the decoder's life. */
GST_START_TEST (test_kept_frames)
{
  GstElement *pipeline;
  GstElement *sink;
  GstSample *sample = NULL;
  Result r = { 0, }, again = { 0, };
  guint fds;

  pipeline = make_pipeline ("base.h264", DECODER " ! video/x-raw(memory:DMABuf)", "fakesink", &r);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_end (pipeline, &r);
  fail_unless (!r.error, "%s", r.error);
  g_object_get (sink, "last-sample", &sample, NULL);
  fail_unless (sample != NULL);
  again.info = r.info;
  again.md5 = g_checksum_new (G_CHECKSUM_MD5);
  hash_frame (&again.info, gst_sample_get_buffer (sample), again.md5);
  gst_object_unref (sink);
  end_pipeline (pipeline);

  fds = count_fds ();
  g_checksum_reset (r.md5);
  hash_frame (&r.info, gst_sample_get_buffer (sample), r.md5);
  fail_unless_equals_string (g_checksum_get_string (r.md5), g_checksum_get_string (again.md5));
  gst_sample_unref (sample);
  fail_unless (count_fds () < fds, "the last buffer's descriptor leaked");
  result_clear (&again);
  result_clear (&r);
}

GST_END_TEST;

/* Flushing and states */

static void
seek_to (GstElement * pipeline, GstClockTime position)
{
  fail_unless (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, position));
}

GST_START_TEST (test_seek_storm)
{
  Result r = { 0, }, sw = { 0, };
  GstElement *pipeline;
  GRand *rand = g_rand_new_with_seed (4711);
  guint i;

  run ("seek.mp4", "avdec_h264 max-threads=1", "fakesink", &sw);
  pipeline = make_pipeline ("seek.mp4", DECODER, "fakesink", &r);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (i = 0; i < 40; i++) {
    seek_to (pipeline, g_rand_int_range (rand, 0, 4000) * GST_MSECOND);
    g_usleep (g_rand_int_range (rand, 0, 30000));
  }
  seek_to (pipeline, 0);
  /* An EOS from before the last seek is flushed off the bus's meaning: only count from here. */
  gst_bus_set_flushing (GST_ELEMENT_BUS (pipeline), TRUE);
  gst_bus_set_flushing (GST_ELEMENT_BUS (pipeline), FALSE);
  wait_end (pipeline, &r);
  fail_unless (!r.error, "%s", r.error);
  fail_unless (r.frames == sw.frames, "%u of %u frames after the last seek", r.frames, sw.frames);
  end_pipeline (pipeline);
  g_rand_free (rand);
  result_clear (&r);
  result_clear (&sw);
}

GST_END_TEST;

GST_START_TEST (test_state_storm_leaks_nothing)
{
  guint before = 0, i;

  for (i = 0; i < 12; i++) {
    Result r = { 0, };
    GstElement *pipeline = make_pipeline ("bframes.h264",
        i & 1 ? DECODER " ! video/x-raw(memory:DMABuf)" : DECODER, "fakesink", &r);

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    if (i % 3 == 2)
      wait_end (pipeline, &r);
    else
      g_usleep (i * 7000);
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

/* NULL again while the sink is not prerolled on and the decoder waits for buffers. */
GST_START_TEST (test_stop_while_blocked)
{
  Result r = { 0, };
  GstElement *pipeline = make_pipeline ("seek.mp4", DECODER " ! video/x-raw(memory:DMABuf) ! "
      "queue max-size-buffers=64 max-size-bytes=0 max-size-time=0", "fakesink sync=true", &r);
  GstClockTime start;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT),
      GST_STATE_CHANGE_SUCCESS);
  /* All 32 CAPTURE buffers are in the queue by now or soon; the decoder must go on waiting. */
  g_usleep (1500000);
  start = gst_util_get_timestamp ();
  end_pipeline (pipeline);
  fail_unless (gst_util_get_timestamp () - start < 5 * GST_SECOND);
  result_clear (&r);
}

GST_END_TEST;

/* Two decoders at once do not mix their pictures up. */
GST_START_TEST (test_two_at_once)
{
  static const gchar *const names[] = { "bframes.h264", "main.h264" };
  Result hw[2] = { {0,}, {0,} }, sw[2] = { {0,}, {0,} };
  GstElement *pipelines[2];
  guint i;

  for (i = 0; i < 2; i++)
    run (names[i], "avdec_h264 max-threads=1", "videocodectestsink", &sw[i]);
  for (i = 0; i < 2; i++) {
    pipelines[i] = make_pipeline (names[i], DECODER, "videocodectestsink", &hw[i]);
    gst_element_set_state (pipelines[i], GST_STATE_PLAYING);
  }
  for (i = 0; i < 2; i++) {
    wait_end (pipelines[i], &hw[i]);
    end_pipeline (pipelines[i]);
    fail_unless (!hw[i].error, "%s", hw[i].error);
    fail_unless_equals_string (hw[i].sink_checksum, sw[i].sink_checksum);
    result_clear (&hw[i]);
    result_clear (&sw[i]);
  }
}

GST_END_TEST;

/* One access unit at a time */

/* Without reordering each frame comes out though no input follows, live (__i__) or not. */
GST_START_TEST (test_low_latency)
{
  GstHarness *h = gst_harness_new (DECODER);
  GstCaps *caps;
  GPtrArray *units = access_units ("lowdelay.h264", AU_CAPS, &caps);
  guint i, ms;

  gst_harness_set_live (h, __i__ == 0);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < units->len; i++) {
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (units->pdata[i])), GST_FLOW_OK);
    for (ms = 0; ms < 3000 && gst_harness_buffers_received (h) < i + 1; ms++)
      g_usleep (G_TIME_SPAN_MILLISECOND);
    fail_unless (gst_harness_buffers_received (h) == i + 1, "%u frames out after %u in",
        gst_harness_buffers_received (h), i + 1);
  }
  g_ptr_array_unref (units);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A flush at every point of a GOP; afterwards decoding starts at the next key frame and gives
 * every frame from there. */
GST_START_TEST (test_flush)
{
  GstHarness *h = gst_harness_new (DECODER);
  GstCaps *caps;
  GPtrArray *units = access_units ("bframes.h264", AU_CAPS, &caps);
  guint n, i;

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps (h, caps);
  for (n = 1; n < 12; n++) {
    GstSegment segment;

    for (i = 0; i < n; i++)
      fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (units->pdata[i])), GST_FLOW_OK);
    fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
    fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
    while (gst_harness_buffers_in_queue (h))
      gst_buffer_unref (gst_harness_pull (h));
    gst_segment_init (&segment, GST_FORMAT_TIME);
    fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  }
  for (i = 0; i < units->len; i++)
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (units->pdata[i])), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_unless (gst_harness_buffers_in_queue (h) == units->len, "%u of %u frames after the flush",
      gst_harness_buffers_in_queue (h), units->len);
  g_ptr_array_unref (units);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Damage: a unit of noise and one that is cut short cost no more than what depends on them. */
GST_START_TEST (test_damage)
{
  GstHarness *h = gst_harness_new (DECODER);
  GstCaps *caps;
  GPtrArray *units = access_units ("base.h264", AU_CAPS, &caps);
  guint8 *noise = g_malloc (3000);
  GRand *rand = g_rand_new_with_seed (1);
  guint i;

  for (i = 0; i < 3000; i++)
    noise[i] = g_rand_int (rand);
  memcpy (noise, "\0\0\0\1\x41", 5);
  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < units->len; i++) {
    GstBuffer *unit = gst_buffer_ref (units->pdata[i]);

    if (i == 6) {
      gst_buffer_unref (unit);
      unit = gst_buffer_new_memdup (noise, 3000);
    } else if (i == 9) {
      gst_buffer_unref (unit);
      unit = gst_buffer_copy_region (units->pdata[i], GST_BUFFER_COPY_ALL, 0,
          gst_buffer_get_size (units->pdata[i]) / 2);
    }
    fail_unless_equals_int (gst_harness_push (h, unit), GST_FLOW_OK);
  }
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_unless (gst_harness_buffers_in_queue (h) >= units->len - 2, "%u of %u frames",
      gst_harness_buffers_in_queue (h), units->len);
  g_rand_free (rand);
  g_free (noise);
  g_ptr_array_unref (units);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Two access units in one buffer, whatever the caps say: one frame per buffer, as there is but one
 * time, and the other picture's CAPTURE buffer comes back. */
GST_START_TEST (test_unaligned)
{
  GstHarness *h = gst_harness_new (DECODER);
  GstCaps *caps;
  GPtrArray *units = access_units ("base.h264", AU_CAPS, &caps);
  GstClockTime last = GST_CLOCK_TIME_NONE;
  guint n, i;

  gst_harness_set_live (h, FALSE);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i + 1 < units->len; i += 2)
    fail_unless_equals_int (gst_harness_push (h,
            gst_buffer_append (gst_buffer_ref (units->pdata[i]),
                gst_buffer_ref (units->pdata[i + 1]))), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  n = gst_harness_buffers_in_queue (h);
  fail_unless (n == units->len / 2, "%u frames of %u buffers", n, units->len / 2);
  for (i = 0; i < n; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    fail_unless (GST_BUFFER_PTS (buffer) != last);
    last = GST_BUFFER_PTS (buffer);
    ASSERT_BUFFER_REFCOUNT (buffer, "frame", 1);
    gst_buffer_unref (buffer);
  }
  g_ptr_array_unref (units);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A frame rate that no video has, as a damaged VUI may say, is no latency. */
GST_START_TEST (test_absurd_rate)
{
  GstHarness *h = gst_harness_new (DECODER);
  GstCaps *caps;
  GPtrArray *units = access_units ("bframes.h264", AU_CAPS, &caps);

  caps = gst_caps_make_writable (caps);
  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 1, G_MAXINT, NULL);
  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (units->pdata[0])), GST_FLOW_OK);
  fail_unless (gst_harness_query_latency (h) <= 16 * 10 * GST_SECOND);
  g_ptr_array_unref (units);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Backwards, the base class keeps a whole GOP, which is more than there are CAPTURE buffers: each
 * frame comes, in system memory, and where that is not wanted there is an error instead of a wait. */
GST_START_TEST (test_reverse)
{
  static const gchar *const sinks[] = {
    "video/x-raw", "video/x-raw(memory:DMABuf);video/x-raw", "video/x-raw(memory:DMABuf)"
  };
  gboolean possible = __i__ < 2;
  GstHarness *h = gst_harness_new (DECODER);
  GstCaps *caps;
  GPtrArray *units = access_units ("refs16.h264", AU_CAPS, &caps);
  GstSegment segment;
  guint i;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = -1.0;
  segment.stop = segment.duration = units->len * 40 * GST_MSECOND;
  gst_harness_set_live (h, FALSE);
  gst_harness_set_sink_caps_str (h, sinks[__i__]);
  gst_harness_set_src_caps (h, caps);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  for (i = 0; i < units->len; i++) {
    GstBuffer *unit = gst_buffer_copy (units->pdata[i]);

    if (i == 0)
      GST_BUFFER_FLAG_SET (unit, GST_BUFFER_FLAG_DISCONT);
    fail_unless_equals_int (gst_harness_push (h, unit), GST_FLOW_OK);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless ((gst_harness_buffers_in_queue (h) == units->len) == possible, "%u of %u frames",
      gst_harness_buffers_in_queue (h), units->len);
  g_ptr_array_unref (units);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Refused */

GST_START_TEST (test_refused)
{
  static const gchar *const names[] = { "yuv444.h264" };
  Result r = { 0, };

  run (names[__i__], DECODER, "fakesink", &r);
  fail_unless (r.error != NULL, "%s was decoded to %u frames", names[__i__], r.frames);
  fail_unless_equals_int (r.frames, 0);
  result_clear (&r);
}

GST_END_TEST;

/* The same without what h264parse says in its caps: the SPS itself is refused. */
GST_START_TEST (test_refused_by_sps)
{
  GstHarness *h = gst_harness_new (DECODER);
  GstCaps *full, *caps;
  GPtrArray *units = access_units ("yuv444.h264", AU_CAPS, &full);
  GstBus *bus = gst_bus_new ();
  GstMessage *msg;

  gst_caps_unref (full);
  caps = gst_caps_from_string ("video/x-h264,stream-format=byte-stream,alignment=au");
  gst_element_set_bus (h->element, bus);
  gst_harness_set_src_caps (h, caps);
  fail_unless (gst_harness_push (h, gst_buffer_ref (units->pdata[0])) != GST_FLOW_OK);
  msg = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (msg != NULL);
  gst_message_unref (msg);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  g_ptr_array_unref (units);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Faults of the silicon: one job ends with an error, by itself or by the driver's watchdog. Its
 * frame says so; every other one is there. */
GST_START_TEST (test_fault)
{
  Result hw = { 0, };

  run ("intra.h264", DECODER, "fakesink", &hw);
  fail_unless (!hw.error, "%s", hw.error);
  fail_unless_equals_int (hw.frames, 10);
  fail_unless_equals_int (hw.corrupted, 1);
  result_clear (&hw);
}

GST_END_TEST;

static Suite *
h264dec_suite (void)
{
  Suite *s = suite_create (DECODER);
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 300);
  if (g_getenv ("VRK_FAULT")) {
    tcase_add_test (tc, test_fault);
    return s;
  }
  tcase_add_loop_test (tc, test_checksum, 0, G_N_ELEMENTS (streams));
  tcase_add_test (tc, test_crop_left_top);
  tcase_add_test (tc, test_resize);
  tcase_add_test (tc, test_dmabuf);
  tcase_add_test (tc, test_system_memory);
  tcase_add_test (tc, test_kept_frames);
  tcase_add_test (tc, test_seek_storm);
  tcase_add_test (tc, test_state_storm_leaks_nothing);
  tcase_add_test (tc, test_stop_while_blocked);
  tcase_add_test (tc, test_two_at_once);
  tcase_add_loop_test (tc, test_low_latency, 0, 2);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_damage);
  tcase_add_test (tc, test_unaligned);
  tcase_add_test (tc, test_absurd_rate);
  tcase_add_loop_test (tc, test_reverse, 0, 3);
  tcase_add_loop_test (tc, test_refused, 0, 1);
  tcase_add_test (tc, test_refused_by_sps);
  return s;
}

int
main (int argc, char **argv)
{
  GstPluginFeature *feature;

  gst_check_init (&argc, &argv);
  if (!g_getenv ("DMARESV_STREAMS")) {
    g_print ("SKIP: h264dec: DMARESV_STREAMS does not name a folder of streams\n");
    return 77;
  }
  feature = gst_registry_lookup_feature (gst_registry_get (), DECODER);
  if (!feature) {
    g_printerr ("There is no " DECODER ": no device, or the plugin is not on the path\n");
    return 1;
  }
  gst_object_unref (feature);
  return gst_check_run_suite (h264dec_suite (), "h264dec", __FILE__);
}
