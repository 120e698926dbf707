/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * H.264 order counts, reference marking, gaps in frame_num and output order,
 * seen from what the codec asks of its client.
 */
#include "h264kit.h"

/* Picture order count */

static void
check_poc (H264PocState * state, const GstH264SPS * s, guint frame_num, guint lsb, gboolean is_idr,
    gboolean reference, gint32 expected)
{
  GstH264SliceHdr hdr = { 0, };
  gint32 poc[2] = { -1, -1 };

  hdr.frame_num = frame_num;
  hdr.pic_order_cnt_lsb = lsb;
  hdr.delta_pic_order_cnt_bottom = 1;
  h264_poc_derive (state, s, &hdr, is_idr, reference, poc);
  h264_poc_commit (state, reference, FALSE, H264_FRAME, poc[0]);
  fail_unless_equals_int (poc[0], expected);
  fail_unless_equals_int (poc[1], s->pic_order_cnt_type == 0 ? expected + 1 : expected);
}

GST_START_TEST (test_poc_type_0)
{
  GstH264SPS s = {.pic_order_cnt_type = 0,.log2_max_pic_order_cnt_lsb_minus4 = 0 };
  H264PocState state = { 0, };

  check_poc (&state, &s, 0, 0, TRUE, TRUE, 0);
  check_poc (&state, &s, 1, 6, FALSE, TRUE, 6);
  check_poc (&state, &s, 2, 2, FALSE, FALSE, 2);
  check_poc (&state, &s, 2, 12, FALSE, TRUE, 12);
  check_poc (&state, &s, 3, 2, FALSE, TRUE, 18);        /* wraps up */
  check_poc (&state, &s, 4, 14, FALSE, FALSE, 14);      /* before the wrap */
  check_poc (&state, &s, 4, 10, FALSE, FALSE, 26);      /* half of MaxPicOrderCntLsb ahead stays */
  check_poc (&state, &s, 4, 11, FALSE, FALSE, 11);      /* more than half is behind */
  check_poc (&state, &s, 0, 0, TRUE, TRUE, 0);
  check_poc (&state, &s, 1, 14, FALSE, FALSE, -2);
}

GST_END_TEST;

GST_START_TEST (test_poc_type_1)
{
  GstH264SPS s = {
    .pic_order_cnt_type = 1,
    .offset_for_non_ref_pic = -3,
    .num_ref_frames_in_pic_order_cnt_cycle = 2,
  };
  H264PocState state = { 0, };

  s.offset_for_ref_frame[0] = 4;
  s.offset_for_ref_frame[1] = 6;
  check_poc (&state, &s, 0, 0, TRUE, TRUE, 0);
  check_poc (&state, &s, 1, 0, FALSE, TRUE, 4);
  check_poc (&state, &s, 2, 0, FALSE, TRUE, 10);
  check_poc (&state, &s, 3, 0, FALSE, FALSE, 7);        /* as frame 2, less 3 */
  check_poc (&state, &s, 3, 0, FALSE, TRUE, 14);
  check_poc (&state, &s, 1, 0, FALSE, TRUE, 4 + 8 * 10);        /* frame_num wraps at 16 */
}

GST_END_TEST;

GST_START_TEST (test_poc_type_2)
{
  GstH264SPS s = {.pic_order_cnt_type = 2 };
  H264PocState state = { 0, };

  check_poc (&state, &s, 0, 0, TRUE, TRUE, 0);
  check_poc (&state, &s, 1, 0, FALSE, TRUE, 2);
  check_poc (&state, &s, 2, 0, FALSE, FALSE, 3);
  check_poc (&state, &s, 2, 0, FALSE, TRUE, 4);
  check_poc (&state, &s, 0, 0, FALSE, TRUE, 32);
}

GST_END_TEST;

GST_START_TEST (test_poc_hostile)
{
  GstH264SPS s = {.pic_order_cnt_type = 1,.num_ref_frames_in_pic_order_cnt_cycle = 255 };
  GstH264SliceHdr hdr = { 0, };
  H264PocState state = { 0, };
  gint32 poc[2];

  for (guint i = 0; i < 255; i++)
    s.offset_for_ref_frame[i] = G_MAXINT32;
  s.log2_max_frame_num_minus4 = 12;
  /* Must stay defined for as long as anybody cares to send it. */
  for (guint i = 0; i < 100000; i++) {
    hdr.frame_num = i % 2 ? 0 : 65535;
    h264_poc_derive (&state, &s, &hdr, FALSE, TRUE, poc);
    h264_poc_commit (&state, TRUE, FALSE, H264_FRAME, poc[0]);
  }
}

GST_END_TEST;

/* Operation 5 moves order counts that lie further apart than 31 bits say. */
GST_START_TEST (test_poc_hostile_reset)
{
  H264Frame frame = {.poc = {G_MININT32, G_MAXINT32}
  };
  GstH264DecRefPicMarking marking = {
    .adaptive_ref_pic_marking_mode_flag = 1,.n_ref_pic_marking = 1
  };
  H264Dpb dpb = { 0, };

  marking.ref_pic_marking[0].memory_management_control_operation = 5;
  h264_dpb_configure (&dpb, 1, 1, 0);
  fail_unless (h264_dpb_mark (&dpb, &frame, H264_FRAME, FALSE, &marking));
  fail_unless_equals_int (frame.poc[0], 0);
  fail_unless_equals_int (frame.poc[1], G_MAXINT32);
}

GST_END_TEST;

/* Marking */

GST_START_TEST (test_sliding_window)
{
  sps.num_ref_frames = 2;
  headers ();
  idr ();
  decode_ok ();
  fail_unless_equals_int (rec->n_refs, 0);
  for (guint i = 1; i <= 40; i++) {
    picture (0, TRUE, i, 2 * i, NULL);
    decode_ok ();
    if (i == 1)
      expect_refs (1, 0);
    else
      expect_refs (2, i - 1, i - 2);
    /* PicNum of a frame is FrameNumWrap (8-28), which is negative past the wrap. */
    fail_unless_equals_int ((gint32) find_ref (i - 1)->pic_num, i % 16 ? (gint) (i % 16) - 1 : -1);
    fail_unless_equals_int (find_ref (i - 1)->frame_num, (i - 1) % 16);
  }
}

GST_END_TEST;

GST_START_TEST (test_mmco_short_term)
{
  const BitsMmco drop_second_last[] = { {1, 1, 0}, {0, 0, 0} };

  headers ();
  idr ();
  decode_ok ();
  for (guint i = 1; i < 3; i++) {
    picture (0, TRUE, i, 2 * i, NULL);
    decode_ok ();
  }
  picture (0, TRUE, 3, 6, drop_second_last);
  decode_ok ();
  expect_refs (3, 0, 1, 2);
  picture (0, TRUE, 4, 8, NULL);
  decode_ok ();
  expect_refs (3, 0, 2, 3);
}

GST_END_TEST;

GST_START_TEST (test_mmco_long_term)
{
  const BitsMmco previous_to_long[] = { {4, 2, 0}, {3, 0, 1}, {0, 0, 0} };
  const BitsMmco current_to_long[] = { {6, 0, 0}, {0, 0, 0} };
  const BitsMmco same_index[] = { {3, 1, 0}, {0, 0, 0} };
  const BitsMmco drop_long[] = { {2, 1, 0}, {0, 0, 0} };
  const BitsMmco no_long[] = { {4, 0, 0}, {0, 0, 0} };
  const struct v4l2_h264_dpb_entry *ref;

  sps.poc_type = 2;
  headers ();
  idr ();
  decode_ok ();
  picture (0, TRUE, 1, 0, previous_to_long);    /* 0: long 1 */
  decode_ok ();
  picture (0, TRUE, 2, 0, current_to_long);     /* 2: long 0 */
  decode_ok ();
  expect_refs (2, 0, 1);
  ref = find_ref (0);
  fail_unless (ref->flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM);
  fail_unless_equals_int (ref->pic_num, 1);
  fail_unless_equals_int (ref->frame_num, 1);   /* LongTermFrameIdx, not frame_num 0 */
  fail_if (find_ref (1)->flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM);

  picture (0, TRUE, 3, 0, same_index);  /* 1: long 0, so 2 goes */
  decode_ok ();
  expect_refs (3, 0, 1, 2);
  fail_unless_equals_int (find_ref (2)->pic_num, 0);
  picture (0, TRUE, 4, 0, drop_long);   /* long 1: 0 */
  decode_ok ();
  expect_refs (3, 0, 1, 3);
  picture (0, TRUE, 5, 0, no_long);
  decode_ok ();
  expect_refs (3, 1, 3, 4);
  picture (0, TRUE, 6, 0, NULL);
  decode_ok ();
  expect_refs (3, 3, 4, 5);
}

GST_END_TEST;

GST_START_TEST (test_long_term_idr_outlives_window)
{
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = 2,.long_term_reference = TRUE };

  sps.num_ref_frames = 2;
  headers ();
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  for (guint i = 1; i < 10; i++) {
    picture (0, TRUE, i, 2 * i, NULL);
    decode_ok ();
  }
  expect_refs (2, 0, 8);
  fail_unless (find_ref (0)->flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM);
}

GST_END_TEST;

GST_START_TEST (test_mmco5)
{
  const BitsMmco reset[] = { {5, 0, 0}, {0, 0, 0} };

  headers ();
  idr ();
  decode_ok ();
  picture (0, TRUE, 1, 8, NULL);
  decode_ok ();
  picture (1, FALSE, 2, 4, NULL);
  decode_ok ();
  g_string_truncate (rec->log, 0);
  /* Decoded with the order count that it has, and after it counting starts again from 0. */
  picture (0, TRUE, 2, 6, reset);
  decode_ok ();
  expect_log ("N3 J3 O0 O2 O1 ");
  fail_unless_equals_int (rec->params.top_field_order_cnt, 6);
  expect_refs (2, 0, 1);

  picture (0, TRUE, 1, 2, NULL);
  decode_ok ();
  expect_refs (1, 3);
  fail_unless_equals_int (find_ref (3)->frame_num, 0);
  fail_unless_equals_int (find_ref (3)->top_field_order_cnt, 0);
  fail_unless_equals_int (rec->params.top_field_order_cnt, 2);
  drain ();
  expect_log ("N4 J4 O3 O4 ");
}

GST_END_TEST;

GST_START_TEST (test_hostile_mmco)
{
  /* Long-term for all, out of range, and none ever dropped: the buffer must hold. */
  const BitsMmco wild[] = { {4, 4000, 0}, {6, 4000, 0}, {3, 70000, 2}, {2, 99999, 0}, {0, 0, 0} };

  headers ();
  idr ();
  decode_ok ();
  for (guint i = 1; i < 60; i++) {
    BitsMmco to_long[] = { {6, i % 17, 0}, {3, 0, i % 16}, {0, 0, 0}
    };

    picture (0, TRUE, i, 2 * i, i % 3 ? to_long : wild);
    decode_ok ();
    fail_unless (rec->n_refs <= sps.num_ref_frames);
  }
  drain ();
  fail_unless_equals_int (rec->n_output, 60);
}

GST_END_TEST;

/* Gaps in frame_num */

GST_START_TEST (test_gap_allowed)
{
  sps.gaps_allowed = TRUE;
  sps.num_ref_frames = 3;
  headers ();
  idr ();
  decode_ok ();
  picture (0, TRUE, 1, 2, NULL);
  decode_ok ();
  picture (0, TRUE, 4, 8, NULL);
  decode_ok ();
  drain ();
  expect_log ("S N0 J0 N1 J1 G2 G3 N4 J4 O0 O1 O4 ");
  expect_refs (3, 1, 2, 3);
  fail_unless_equals_int (find_ref (2)->frame_num, 2);
  fail_if (rec->flags[4] & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

GST_START_TEST (test_gap_is_loss)
{
  headers ();
  idr ();
  decode_ok ();
  picture (0, TRUE, 3, 6, NULL);
  decode_ok ();
  picture (0, TRUE, 4, 8, NULL);
  decode_ok ();
  drain ();
  expect_log ("S N0 J0 G1 G2 N3 J3 N4 J4 O0 O3 O4 ");
  fail_unless (rec->flags[3] & CODEC_PICTURE_CORRUPT);
  fail_if (rec->flags[4] & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

GST_START_TEST (test_gap_is_bounded)
{
  sps.log2_max_frame_num = 16;
  sps.gaps_allowed = TRUE;
  headers ();
  idr ();
  decode_ok ();
  picture (0, TRUE, 65535, 6, NULL);
  decode_ok ();
  expect_log ("S N0 J0 G1 G2 G3 G4 N5 J5 ");
}

GST_END_TEST;

GST_START_TEST (test_gap_poc_type_2_wraps)
{
  sps.gaps_allowed = TRUE;
  sps.poc_type = 2;
  headers ();
  idr ();
  decode_ok ();
  picture (0, TRUE, 1, 0, NULL);
  decode_ok ();
  picture (0, TRUE, 0, 0, NULL);        /* 14 frames are missing: 2 to 15 */
  decode_ok ();
  fail_unless_equals_int (rec->params.top_field_order_cnt, 32);
}

GST_END_TEST;

GST_START_TEST (test_non_existing_in_b)
{
  sps.gaps_allowed = TRUE;
  headers ();
  idr ();
  decode_ok ();
  picture (0, TRUE, 2, 8, NULL);
  decode_ok ();
  expect_refs (2, 0, 1);
  picture (1, FALSE, 3, 4, NULL);
  decode_ok ();
  expect_refs (2, 0, 2);
}

GST_END_TEST;

/* Output */

static gchar *
output_order (gboolean low_latency, guint reorder, guint buffering)
{
  GString *order = g_string_new (NULL);
  gchar **events;

  codec_h264_set_low_latency (codec, low_latency);
  sps.bitstream_restriction = TRUE;
  sps.num_reorder_frames = reorder;
  sps.max_dec_frame_buffering = buffering;
  headers ();
  idr ();
  for (guint i = 0; i < 5; i++)
    write_pyramid (2 * i + 1, 8 * i);
  decode_ok ();
  drain ();
  events = g_strsplit (rec->log->str, " ", -1);
  for (guint i = 0; events[i]; i++) {
    if (events[i][0] == 'O')
      g_string_append_printf (order, "%s ", events[i]);
  }
  g_strfreev (events);

  return g_string_free (order, FALSE);
}

#define PYRAMID_ORDER "O0 O3 O2 O4 O1 O7 O6 O8 O5 O11 O10 O12 O9 O15 O14 O16 O13 O19 O18 O20 O17 "

GST_START_TEST (test_bumping)
{
  g_autofree gchar *order = output_order (FALSE, 2, 4);

  fail_unless_equals_string (order, PYRAMID_ORDER);
  fail_unless_equals_int (rec->sequence.reorder, 2);
  fail_unless_equals_int (rec->sequence.dpb_size, 4);
  /* C.4.5.3 alone: the first goes out when the fifth needs a buffer. */
  fail_unless (g_str_has_prefix (rec->log->str, "S N0 J0 N1 J1 N2 J2 N3 J3 N4 J4 O0 "));
}

GST_END_TEST;

GST_START_TEST (test_low_latency)
{
  g_autofree gchar *order = output_order (TRUE, 2, 4);

  fail_unless_equals_string (order, PYRAMID_ORDER);
  fail_unless (g_str_has_prefix (rec->log->str, "S N0 J0 N1 J1 N2 J2 O0 N3 J3 O3 "));
}

GST_END_TEST;

GST_START_TEST (test_low_latency_no_reorder)
{
  codec_h264_set_low_latency (codec, TRUE);
  sps.poc_type = 2;
  headers ();
  idr ();
  picture (0, TRUE, 1, 0, NULL);
  picture (0, FALSE, 2, 0, NULL);
  decode_ok ();
  expect_log ("S N0 J0 O0 N1 J1 O1 N2 J2 O2 ");
}

GST_END_TEST;

GST_START_TEST (test_no_frame_buffering)
{
  /* max_dec_frame_buffering 0: nothing may be held back, whatever the mode. */
  sps.bitstream_restriction = TRUE;
  sps.num_ref_frames = 1;
  headers ();
  idr ();
  picture (2, TRUE, 1, 2, NULL);
  decode_ok ();
  expect_log ("S N0 J0 O0 N1 J1 O1 ");
}

GST_END_TEST;

GST_START_TEST (test_non_reference_goes_directly)
{
  /* C.4.5.2: with one frame buffer taken by a reference, B pictures need none. */
  sps.num_ref_frames = 1;
  sps.bitstream_restriction = TRUE;
  sps.max_dec_frame_buffering = 1;
  headers ();
  idr ();
  picture (0, FALSE, 1, 2, NULL);
  picture (0, FALSE, 1, 4, NULL);
  decode_ok ();
  expect_log ("S N0 J0 N1 J1 O0 O1 N2 J2 O2 ");
}

GST_END_TEST;

static Suite *
h264dpb_suite (void)
{
  static const gint timeout = 120;      /* seconds, under ASan on a slow machine */
  Suite *s = suite_create ("h264dpb");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, timeout);
  tcase_add_checked_fixture (tc, setup, teardown);

  tcase_add_test (tc, test_poc_type_0);
  tcase_add_test (tc, test_poc_type_1);
  tcase_add_test (tc, test_poc_type_2);
  tcase_add_test (tc, test_poc_hostile);
  tcase_add_test (tc, test_poc_hostile_reset);
  tcase_add_test (tc, test_sliding_window);
  tcase_add_test (tc, test_mmco_short_term);
  tcase_add_test (tc, test_mmco_long_term);
  tcase_add_test (tc, test_long_term_idr_outlives_window);
  tcase_add_test (tc, test_mmco5);
  tcase_add_test (tc, test_hostile_mmco);
  tcase_add_test (tc, test_gap_allowed);
  tcase_add_test (tc, test_gap_is_loss);
  tcase_add_test (tc, test_gap_is_bounded);
  tcase_add_test (tc, test_gap_poc_type_2_wraps);
  tcase_add_test (tc, test_non_existing_in_b);
  tcase_add_test (tc, test_bumping);
  tcase_add_test (tc, test_low_latency);
  tcase_add_test (tc, test_low_latency_no_reorder);
  tcase_add_test (tc, test_no_frame_buffering);
  tcase_add_test (tc, test_non_reference_goes_directly);

  return s;
}

GST_CHECK_MAIN (h264dpb);
