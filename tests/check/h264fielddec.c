/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Field pictures through dmaresvh264dec on a device.  The streams are written
 * here: I fields of I_PCM macroblocks, so that the samples are known, and P
 * fields that skip every macroblock, so copy the first field of their list.
 */
#include <string.h>

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "bits.h"
#include "h264bits.h"

#define DECODER "dmaresvh264dec"
#define CAPS "video/x-h264,stream-format=byte-stream,alignment=au"

enum
{
  TOP = 1,
  BOTTOM = 2
};

static BitsSps sps;
static BitsPps pps;
static GstHarness *h;
static guint n_units;

static void
setup (void)
{
  sps = BITS_SPS;
  sps.interlaced = TRUE;
  memset (&pps, 0, sizeof (pps));
  n_units = 0;
  h = gst_harness_new (DECODER);
  gst_harness_set_src_caps_str (h, CAPS);
}

static void
teardown (void)
{
  gst_harness_teardown (h);
}

static guint8
sample (guint picture, guint mb, guint i)
{
  return 1 + (picture * 31 + mb * 17 + i * 5 + i / 16) % 250;
}

/* One field as an access unit; pcm 0: skips all macroblocks. Of an IDR it starts with the headers. */
static void
push_field (guint structure, gboolean idr, guint ref_idc, guint frame_num, guint poc_lsb, guint pcm)
{
  guint n_mbs = sps.width_mbs * sps.height_mbs / 2;
  GByteArray *unit = g_byte_array_new ();
  Bits bits = { {0}, 0 };
  GstBuffer *buffer;

  if (idr) {
    bits_sps (unit, &sps);
    bits_pps (unit, &pps);
  }
  bits_put_ue (&bits, 0);
  bits_put_ue (&bits, pcm ? 2 : 0);
  bits_put_ue (&bits, 0);
  bits_put (&bits, sps.log2_max_frame_num, frame_num);
  bits_put (&bits, 1, 1);
  bits_put (&bits, 1, structure == BOTTOM);
  if (idr)
    bits_put_ue (&bits, n_units % 3);
  bits_put (&bits, sps.log2_max_poc_lsb, poc_lsb);
  if (!pcm)
    bits_put (&bits, 2, 0);     /* num_ref_idx_active_override, list modification */
  if (idr)
    bits_put (&bits, 2, 0);
  else if (ref_idc)
    bits_put (&bits, 1, 0);
  bits_put_se (&bits, 0);
  if (!pcm)
    bits_put_ue (&bits, n_mbs);
  for (guint mb = 0; pcm && mb < n_mbs; mb++) {
    bits_put_ue (&bits, 25);
    if (bits.n_bits % 8)
      bits_put (&bits, 8 - bits.n_bits % 8, 0);
    for (guint i = 0; i < 384; i++)
      bits_put (&bits, 8, sample (pcm, mb, i));
  }
  bits_emit (unit, ref_idc << 5 | (idr ? 5 : 1), &bits);
  buffer = gst_buffer_new_wrapped_full (0, unit->data, unit->len, 0, unit->len, unit,
      (GDestroyNotify) g_byte_array_unref);
  GST_BUFFER_PTS (buffer) = n_units++ * 20 * GST_MSECOND;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
}

static void
push_pair (gboolean idr, guint ref_idc, guint frame_num, guint pcm)
{
  push_field (TOP, idr, ref_idc, frame_num, 4 * frame_num, pcm);
  push_field (BOTTOM, FALSE, ref_idc, frame_num, 4 * frame_num + 1, pcm ? pcm + 1 : 0);
}

/* The next frame's luma: the field @top has picture @pcm's samples, and so has or has not the other. */
static void
expect_frame (GstVideoBufferFlags flags, guint top, guint bottom)
{
  const GstVideoBufferFlags all = GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF
      | GST_VIDEO_BUFFER_FLAG_ONEFIELD | GST_BUFFER_FLAG_CORRUPTED;
  GstBuffer *buffer = gst_harness_pull (h);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (h->sinkpad);
  GstVideoFrame frame;
  GstVideoInfo info;

  fail_unless (buffer != NULL, "no frame");
  fail_unless (gst_video_info_from_caps (&info, caps));
  fail_unless_equals_int (GST_VIDEO_INFO_INTERLACE_MODE (&info), GST_VIDEO_INTERLACE_MODE_MIXED);
  fail_unless_equals_int (GST_BUFFER_FLAGS (buffer) & all, flags);
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
  for (guint y = 0; y < sps.height_mbs * 16; y++) {
    const guint8 *line = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
        + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
    guint f = y / 2;

    for (guint x = 0; x < sps.width_mbs * 16; x++)
      fail_unless_equals_int (line[x], sample (y & 1 ? bottom : top,
              f / 16 * sps.width_mbs + x / 16, f % 16 * 16 + x % 16));
  }
  gst_video_frame_unmap (&frame);
  gst_buffer_unref (buffer);
}

#define PAIR (GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF)

static void
expect_end (void)
{
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
}

/* The second field from the first, fields from fields of the same parity before. */
GST_START_TEST (test_pairs)
{
  push_pair (TRUE, 3, 0, 1);
  for (guint i = 1; i < 12; i++)
    push_pair (FALSE, 2, i, 0);
  push_field (TOP, TRUE, 3, 0, 0, 7);
  push_field (BOTTOM, FALSE, 3, 0, 1, 0);
  expect_end ();
  for (guint i = 0; i < 12; i++)
    expect_frame (PAIR, 1, 2);
  expect_frame (PAIR, 7, 7);
  fail_unless (gst_harness_try_pull (h) == NULL);
}

GST_END_TEST;

/* Fields that stay alone, also as the last thing in the stream: no wait for the others, and nothing of
 * what the buffer had before is seen between their lines. */
GST_START_TEST (test_lone_fields)
{
  push_pair (TRUE, 3, 0, 1);
  push_field (TOP, FALSE, 2, 1, 4, 3);
  push_field (TOP, FALSE, 2, 2, 8, 4);
  push_field (BOTTOM, FALSE, 2, 3, 13, 5);
  push_pair (FALSE, 0, 4, 6);
  push_field (BOTTOM, FALSE, 0, 4, 21, 8);
  expect_end ();
  expect_frame (PAIR, 1, 2);
  expect_frame (PAIR | GST_VIDEO_BUFFER_FLAG_ONEFIELD, 3, 3);
  expect_frame (PAIR | GST_VIDEO_BUFFER_FLAG_ONEFIELD, 4, 4);
  expect_frame (GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_ONEFIELD, 5, 5);
  expect_frame (PAIR, 6, 7);
  expect_frame (GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_ONEFIELD, 8, 8);
}

GST_END_TEST;

/* A seek between the fields of a frame, and one right after it has begun: the buffer that waits for
 * the second field comes back, and what is decoded next gets its own. */
GST_START_TEST (test_flush_between_fields)
{
  for (guint i = 0; i < 40; i++) {
    push_field (TOP, TRUE, 3, 0, 0, 1 + i);
    if (i % 2)
      push_field (TOP, FALSE, 2, 1, 4, 0);
    fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
    fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
    gst_harness_set_src_caps_str (h, CAPS);
  }
  push_pair (TRUE, 3, 0, 50);
  expect_end ();
  expect_frame (PAIR, 50, 51);
}

GST_END_TEST;

/* The sequence changes while a buffer waits for a second field. */
GST_START_TEST (test_sequence_between_fields)
{
  push_field (TOP, TRUE, 3, 0, 0, 1);
  sps.width_mbs = 3;
  push_pair (TRUE, 3, 0, 3);
  sps.width_mbs = 4;
  push_field (TOP, TRUE, 3, 0, 0, 5);
  expect_end ();
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 3);
  gst_buffer_unref (gst_harness_pull (h));
  gst_buffer_unref (gst_harness_pull (h));
  expect_frame (PAIR | GST_VIDEO_BUFFER_FLAG_ONEFIELD, 5, 5);
}

GST_END_TEST;

static Suite *
h264fielddec_suite (void)
{
  Suite *s = suite_create ("h264fielddec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  if (g_getenv ("VRK_FAULT"))
    return s;
  tcase_add_test (tc, test_pairs);
  tcase_add_test (tc, test_lone_fields);
  tcase_add_test (tc, test_flush_between_fields);
  tcase_add_test (tc, test_sequence_between_fields);

  return s;
}

GST_CHECK_MAIN (h264fielddec);
