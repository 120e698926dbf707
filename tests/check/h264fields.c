/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Field pictures of H.264: pairing, references and marking by field, lone
 * fields, how frames are to be shown.
 */
#include "h264kit.h"

enum
{
  FRAME,
  TOP,
  BOTTOM
};

#define P 0
#define B 1
#define I 2

static void
fields_setup (void)
{
  setup ();
  sps.interlaced = TRUE;
}

static void
write_picture (guint structure, guint type, guint ref_idc, guint frame_num, guint poc_lsb,
    const BitsMmco * mmco)
{
  BitsSlice slice = {.nal_type = 1,.ref_idc = ref_idc,.type = type,.mmco = mmco,
    .frame_num = frame_num,.poc_lsb = poc_lsb,.structure = structure
  };

  bits_slice (stream, &sps, &pps, &slice);
}

/* Each field is an access unit of its own. */
static void
field (guint structure, guint type, guint ref_idc, guint frame_num, guint poc_lsb,
    const BitsMmco * mmco)
{
  write_picture (structure, type, ref_idc, frame_num, poc_lsb, mmco);
  decode_ok ();
}

/* An IDR top field and its P bottom field */
static void
idr_pair (void)
{
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = I,.structure = TOP };

  headers ();
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  field (BOTTOM, P, 3, 0, 1, NULL);
}

static void
pair (guint type, guint ref_idc, guint frame_num, guint poc_lsb)
{
  field (TOP, type, ref_idc, frame_num, poc_lsb, NULL);
  field (BOTTOM, type, ref_idc, frame_num, poc_lsb + 1, NULL);
}

GST_START_TEST (test_pair)
{
  const struct v4l2_h264_dpb_entry *ref;
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = I,.structure = TOP };

  headers ();
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  fail_unless (rec->sequence.interlaced);
  fail_unless (rec->first_field);
  fail_unless (rec->params.flags & V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC);
  fail_unless (rec->params.flags & V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC);
  fail_if (rec->params.flags & V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD);
  fail_unless_equals_int (rec->n_refs, 0);

  /* The first field is a reference of the second. */
  field (BOTTOM, P, 3, 0, 1, NULL);
  fail_if (rec->first_field);
  fail_unless (rec->params.flags & V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD);
  fail_if (rec->params.flags & V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC);
  fail_unless_equals_int (rec->params.top_field_order_cnt, 0);
  fail_unless_equals_int (rec->params.bottom_field_order_cnt, 1);
  expect_refs (1, 0);
  ref = find_ref (0);
  fail_unless_equals_int (ref->fields, V4L2_H264_TOP_FIELD_REF);
  fail_unless (ref->flags & V4L2_H264_DPB_ENTRY_FLAG_FIELD);
  fail_unless_equals_int (ref->pic_num, 0);     /* 2 * FrameNumWrap, as it is of the other parity */
  expect_log ("S N0 J0 J0 ");

  /* The next frame's fields have both of it; pic_num is that of the field of the same parity. */
  field (TOP, P, 2, 1, 4, NULL);
  ref = find_ref (0);
  fail_unless_equals_int (ref->fields, V4L2_H264_FRAME_REF);
  fail_unless_equals_int (ref->pic_num, 1);
  fail_unless_equals_int (ref->top_field_order_cnt, 0);
  fail_unless_equals_int (ref->bottom_field_order_cnt, 1);
  field (BOTTOM, P, 2, 1, 5, NULL);
  expect_refs (2, 0, 1);
  fail_unless_equals_int (find_ref (1)->fields, V4L2_H264_TOP_FIELD_REF);
  drain ();
  expect_log ("N1 J1 J1 O0 O1 ");
  fail_unless_equals_int (rec->output_flags[1] & CODEC_PICTURE_ONE_FIELD, 0);
}

GST_END_TEST;

/* A frame after fields (PAFF): whole frames only, and pic_num counts frames. */
GST_START_TEST (test_frame_after_fields)
{
  static const BitsMmco unmark_bottom[] = { {1, 1, 0}, {0} };

  idr_pair ();
  pair (P, 2, 1, 4);
  write_picture (FRAME, P, 2, 2, 8, NULL);
  decode_ok ();
  fail_if (rec->params.flags & V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC);
  fail_if (rec->first_field);
  expect_refs (2, 0, 1);
  fail_unless_equals_int (find_ref (1)->pic_num, 1);
  fail_unless_equals_int (find_ref (1)->fields, V4L2_H264_FRAME_REF);
  fail_unless (find_ref (1)->flags & V4L2_H264_DPB_ENTRY_FLAG_FIELD);

  /* CurrPicNum 7, less 2 is picNum 5: a top field unmarks the top field of frame_num 2. */
  field (TOP, P, 2, 3, 12, unmark_bottom);
  fail_unless_equals_int (find_ref (2)->fields, V4L2_H264_FRAME_REF);
  field (BOTTOM, P, 2, 3, 13, NULL);
  fail_unless_equals_int (find_ref (2)->fields, V4L2_H264_BOTTOM_FIELD_REF);
  fail_if (find_ref (2)->flags & V4L2_H264_DPB_ENTRY_FLAG_FIELD);
  /* What is left of it is a reference for fields only. */
  write_picture (FRAME, P, 2, 4, 16, NULL);
  decode_ok ();
  expect_refs (3, 0, 1, 3);
}

GST_END_TEST;

GST_START_TEST (test_long_term_fields)
{
  /* picNum 1 and 0 of CurrPicNum 3: the field of the same parity of frame_num 0 */
  static const BitsMmco first[] = { {3, 1, 2}, {0} };
  static const BitsMmco second[] = { {3, 1, 2}, {0} };
  static const BitsMmco drop_top[] = { {2, 5, 0}, {0} };
  const struct v4l2_h264_dpb_entry *ref;

  idr_pair ();
  field (TOP, P, 2, 1, 4, first);
  field (BOTTOM, P, 2, 1, 5, second);
  field (TOP, P, 2, 2, 8, drop_top);
  ref = find_ref (0);
  fail_unless (ref->flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM);
  fail_unless_equals_int (ref->fields, V4L2_H264_FRAME_REF);
  fail_unless_equals_int (ref->frame_num, 2);   /* LongTermFrameIdx */
  fail_unless_equals_int (ref->pic_num, 5);     /* LongTermPicNum */
  field (BOTTOM, P, 2, 2, 9, NULL);
  ref = find_ref (0);
  fail_unless_equals_int (ref->fields, V4L2_H264_BOTTOM_FIELD_REF);
  fail_unless (ref->flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM);
}

GST_END_TEST;

/* The second field makes its own first field, and itself, long-term. */
GST_START_TEST (test_long_term_pair)
{
  static const BitsMmco current[] = { {6, 1, 0}, {0} };
  const struct v4l2_h264_dpb_entry *ref;

  idr_pair ();
  field (TOP, P, 2, 1, 4, current);
  field (BOTTOM, P, 2, 1, 5, current);
  fail_unless_equals_int (find_ref (1)->fields, V4L2_H264_TOP_FIELD_REF);
  fail_unless (find_ref (1)->flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM);
  pair (P, 2, 2, 8);
  ref = find_ref (1);
  fail_unless_equals_int (ref->fields, V4L2_H264_FRAME_REF);
  fail_unless (ref->flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM);
  fail_unless_equals_int (ref->frame_num, 1);
}

GST_END_TEST;

GST_START_TEST (test_window_slides_by_frames)
{
  sps.num_ref_frames = 2;
  idr_pair ();
  pair (P, 2, 1, 4);
  field (TOP, P, 2, 2, 8, NULL);
  expect_refs (2, 0, 1);
  /* The first field has taken a frame's place; the second takes none. */
  field (BOTTOM, P, 2, 2, 9, NULL);
  expect_refs (2, 1, 2);
  field (TOP, P, 2, 3, 12, NULL);
  expect_refs (2, 1, 2);
}

GST_END_TEST;

GST_START_TEST (test_mmco5_in_field)
{
  static const BitsMmco reset[] = { {5, 0, 0}, {0} };

  idr_pair ();
  pair (P, 2, 1, 4);
  field (TOP, P, 2, 2, 20, reset);
  /* frame_num is 0 from here on, and so is the first field's order count. */
  field (BOTTOM, P, 2, 0, 1, NULL);
  expect_refs (1, 2);
  fail_unless_equals_int (find_ref (2)->fields, V4L2_H264_TOP_FIELD_REF);
  fail_unless_equals_int (rec->params.top_field_order_cnt, 0);
  fail_unless_equals_int (rec->params.bottom_field_order_cnt, 1);
  pair (P, 2, 1, 4);
  expect_refs (2, 2, 3);
  drain ();
  expect_log ("S N0 J0 J0 N1 J1 J1 N2 J2 O0 O1 J2 N3 J3 J3 O2 O3 ");
}

GST_END_TEST;

/* Fields whose other half never comes are frames, and say so; none waits for anything. */
GST_START_TEST (test_lone_fields)
{
  idr_pair ();
  field (TOP, P, 2, 1, 4, NULL);
  field (TOP, P, 2, 2, 8, NULL);
  fail_unless_equals_int (find_ref (1)->fields, V4L2_H264_TOP_FIELD_REF);
  fail_unless_equals_int (find_ref (1)->bottom_field_order_cnt, 4);
  field (BOTTOM, P, 2, 3, 13, NULL);
  /* of no use to a frame */
  write_picture (FRAME, P, 0, 4, 16, NULL);
  decode_ok ();
  expect_refs (1, 0);
  field (BOTTOM, B, 0, 4, 19, NULL);
  drain ();
  expect_log ("S N0 J0 J0 N1 J1 N2 J2 N3 J3 N4 J4 N5 J5 O0 O1 O2 O3 O4 O5 ");
  for (guint i = 0; i < 6; i++) {
    gboolean lone = i != 0 && i != 4;

    fail_unless_equals_int (!!(rec->output_flags[i] & CODEC_PICTURE_ONE_FIELD), lone);
  }
  fail_unless (rec->output_flags[1] & CODEC_PICTURE_TOP_FIELD_FIRST);
  fail_if (rec->output_flags[3] & CODEC_PICTURE_TOP_FIELD_FIRST);
  fail_if (rec->output_flags[5] & CODEC_PICTURE_TOP_FIELD_FIRST);
}

GST_END_TEST;

/* A lone field at a seek is forgotten, what comes then is no second field of it. */
GST_START_TEST (test_flush_between_fields)
{
  idr_pair ();
  field (TOP, P, 2, 1, 4, NULL);
  codec_h264_flush (codec);
  headers ();
  write_picture (BOTTOM, I, 2, 1, 5, NULL);
  decode_ok ();
  fail_unless (rec->first_field);
  drain ();
  expect_log ("S N0 J0 J0 N1 J1 N2 J2 O2 ");
  fail_unless (rec->output_flags[2] & CODEC_PICTURE_ONE_FIELD);
}

GST_END_TEST;

/* Pairs that are no references share frame_num with each other. */
GST_START_TEST (test_non_reference_pairs)
{
  idr_pair ();
  pair (P, 2, 1, 12);
  pair (B, 0, 2, 4);
  expect_refs (2, 0, 1);        /* not its own first field */
  pair (B, 0, 2, 8);
  drain ();
  expect_log ("S N0 J0 J0 N1 J1 J1 N2 J2 J2 N3 J3 J3 O0 O2 O3 O1 ");
}

GST_END_TEST;

GST_START_TEST (test_reference_after_non_reference)
{
  idr_pair ();
  /* No pair: 3.30 wants both or neither to be references. */
  field (TOP, P, 0, 1, 4, NULL);
  field (BOTTOM, P, 2, 1, 9, NULL);
  drain ();
  expect_log ("S N0 J0 J0 N1 J1 N2 J2 O0 O1 O2 ");
  fail_unless (rec->output_flags[1] & CODEC_PICTURE_ONE_FIELD);
}

GST_END_TEST;

/* Frames lost in a field stream: with the flag they never were, without it the next one says so. */
GST_START_TEST (test_gap)
{
  for (guint allowed = 0; allowed < 2; allowed++) {
    guint base = rec->n_pictures;

    sps.gaps_allowed = allowed;
    idr_pair ();
    field (TOP, P, 2, 3, 12, NULL);
    /* frame_num 1 and 2 */
    fail_unless_equals_int (rec->n_pictures, base + 4);
    expect_refs (3, base, base + 1, base + 2);
    fail_unless_equals_int (find_ref (base + 2)->fields, V4L2_H264_FRAME_REF);
    fail_unless_equals_int (!!(rec->flags[base + 3] & CODEC_PICTURE_CORRUPT), !allowed);
    /* No further one between the fields of a frame */
    field (BOTTOM, P, 2, 3, 13, NULL);
    fail_unless_equals_int (rec->n_pictures, base + 4);
    expect_refs (4, base, base + 1, base + 2, base + 3);
  }
}

GST_END_TEST;

GST_START_TEST (test_first_slice_lost)
{
  BitsSlice slice = {.nal_type = 1,.ref_idc = 2,.type = P,.frame_num = 1,.poc_lsb = 5,
    .structure = BOTTOM,.first_mb = 4
  };

  idr_pair ();
  field (TOP, P, 2, 1, 4, NULL);
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  drain ();
  fail_if (rec->output_flags[0] & CODEC_PICTURE_CORRUPT);
  fail_unless (rec->output_flags[1] & CODEC_PICTURE_CORRUPT);
  expect_log ("S N0 J0 J0 N1 J1 J1 O0 O1 ");
}

GST_END_TEST;

/* The second field has another SPS: it is none, and not for the device as it was set up. */
GST_START_TEST (test_sequence_changes_between_fields)
{
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = I,.structure = TOP };

  headers ();
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  sps.width_mbs = 8;
  headers ();
  write_picture (BOTTOM, P, 3, 0, 1, NULL);
  fail_if (decode (NULL));
  idr_pair ();
  drain ();
  expect_log ("S N0 J0 O0 S N1 J1 J1 O1 ");
  fail_unless (rec->output_flags[0] & CODEC_PICTURE_ONE_FIELD);
}

GST_END_TEST;

/* A PPS may change between any two pictures, so between fields. */
GST_START_TEST (test_pps_changes_between_fields)
{
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = I,.structure = TOP };

  headers ();
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  fail_if (rec->pps.flags & V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
  pps.transform_8x8 = TRUE;
  bits_pps (stream, &pps);
  write_picture (BOTTOM, P, 3, 0, 1, NULL);
  decode_ok ();
  fail_unless (rec->pps.flags & V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
  drain ();
  expect_log ("S N0 J0 J0 O0 ");
}

GST_END_TEST;

static void
expect_shown (guint number, CodecPictureFlags flags)
{
  fail_unless_equals_int (rec->output_flags[number] & (CODEC_PICTURE_INTERLACED
          | CODEC_PICTURE_TOP_FIELD_FIRST | CODEC_PICTURE_REPEAT_FIELD), flags);
}

/* By how they were coded: fields, MBAFF; the order of fields by their order counts. */
GST_START_TEST (test_shown_as_coded)
{
  idr_pair ();
  field (BOTTOM, P, 2, 1, 4, NULL);
  field (TOP, P, 2, 1, 5, NULL);
  write_picture (FRAME, P, 2, 2, 8, NULL);      /* no order between its fields */
  decode_ok ();
  drain ();
  expect_shown (0, CODEC_PICTURE_INTERLACED | CODEC_PICTURE_TOP_FIELD_FIRST);
  expect_shown (1, CODEC_PICTURE_INTERLACED);
  expect_shown (2, CODEC_PICTURE_NONE);

  sps.mbaff = TRUE;
  headers ();
  idr ();
  decode_ok ();
  drain ();
  expect_shown (3, CODEC_PICTURE_INTERLACED | CODEC_PICTURE_TOP_FIELD_FIRST);
}

GST_END_TEST;

/* Table D-1 has the last word on frames. */
GST_START_TEST (test_shown_as_said)
{
  static const struct
  {
    guint pic_struct;
    gint ct_type;
    CodecPictureFlags flags;
  } cases[] = {
    {0, -1, CODEC_PICTURE_NONE},
    {3, -1, CODEC_PICTURE_INTERLACED | CODEC_PICTURE_TOP_FIELD_FIRST},
    {4, -1, CODEC_PICTURE_INTERLACED},
    {5, 1, CODEC_PICTURE_INTERLACED | CODEC_PICTURE_TOP_FIELD_FIRST | CODEC_PICTURE_REPEAT_FIELD},
    {6, 1, CODEC_PICTURE_INTERLACED | CODEC_PICTURE_REPEAT_FIELD},
    /* film, pulled down */
    {5, 0, CODEC_PICTURE_TOP_FIELD_FIRST | CODEC_PICTURE_REPEAT_FIELD},
    {3, 0, CODEC_PICTURE_NONE},
    {7, -1, CODEC_PICTURE_NONE},
  };
  guint n = G_N_ELEMENTS (cases);

  sps.mbaff = TRUE;
  sps.pic_struct_present = TRUE;
  for (guint i = 0; i < n; i++) {
    headers ();
    bits_pic_timing (stream, cases[i].pic_struct, cases[i].ct_type);
    idr ();
    decode_ok ();
  }
  /* What one picture's SEI says is not the next one's. */
  picture (P, TRUE, 1, 2, NULL);
  decode_ok ();
  drain ();
  for (guint i = 0; i < n; i++)
    expect_shown (i, cases[i].flags);
  expect_shown (n, CODEC_PICTURE_INTERLACED | CODEC_PICTURE_TOP_FIELD_FIRST);
}

GST_END_TEST;

GST_START_TEST (test_progressive_to_interlaced)
{
  sps.interlaced = FALSE;
  headers ();
  idr ();
  decode_ok ();
  fail_if (rec->sequence.interlaced);
  sps.interlaced = TRUE;
  idr_pair ();
  fail_unless (rec->sequence.interlaced);
  sps.interlaced = FALSE;
  headers ();
  idr ();
  decode_ok ();
  drain ();
  expect_log ("S N0 J0 O0 S N1 J1 J1 O1 S N2 J2 O2 ");
  expect_shown (2, CODEC_PICTURE_NONE);
}

GST_END_TEST;

static Suite *
h264fields_suite (void)
{
  Suite *s = suite_create ("h264fields");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, fields_setup, teardown);
  tcase_add_test (tc, test_pair);
  tcase_add_test (tc, test_frame_after_fields);
  tcase_add_test (tc, test_long_term_fields);
  tcase_add_test (tc, test_long_term_pair);
  tcase_add_test (tc, test_window_slides_by_frames);
  tcase_add_test (tc, test_mmco5_in_field);
  tcase_add_test (tc, test_lone_fields);
  tcase_add_test (tc, test_flush_between_fields);
  tcase_add_test (tc, test_non_reference_pairs);
  tcase_add_test (tc, test_reference_after_non_reference);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_first_slice_lost);
  tcase_add_test (tc, test_sequence_changes_between_fields);
  tcase_add_test (tc, test_pps_changes_between_fields);
  tcase_add_test (tc, test_shown_as_coded);
  tcase_add_test (tc, test_shown_as_said);
  tcase_add_test (tc, test_progressive_to_interlaced);

  return s;
}

GST_CHECK_MAIN (h264fields);
