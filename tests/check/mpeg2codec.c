/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MPEG-2's codec core, fed from streams that are written here bit by bit
 * (ITU-T H.262, 6.2).
 */
#include "mpeg2.h"
#include "reckit.h"

enum
{
  TOP = 1,
  BOTTOM,
  FRAME
};

static Recorder *rec;
static CodecMpeg2 *codec;
static GByteArray *stream;
static guint n_bits;
static guint64 tag;

/* What the writers below use; set back by setup(). */
static struct
{
  guint width, height, profile, aspect, temporal_reference;
  gboolean progressive, low_delay, tff;
  const guint8 *intra_matrix;
} opts;

static void
put (guint count, guint32 value)
{
  while (count--) {
    guint8 zero = 0;

    if (n_bits % 8 == 0)
      g_byte_array_append (stream, &zero, 1);
    stream->data[n_bits / 8] |= (value >> count & 1) << (7 - n_bits % 8);
    n_bits++;
  }
}

static void
start_code (guint8 code)
{
  n_bits = stream->len * 8;
  put (32, 0x100 | code);
}

static void
sequence_header (gboolean mpeg1)
{
  start_code (0xb3);
  put (12, opts.width);
  put (12, opts.height);
  put (8, opts.aspect << 4 | 3);
  put (18, 1000);
  put (1, 1);
  put (10, 100);
  put (1, 0);
  put (1, opts.intra_matrix != NULL);
  for (guint i = 0; opts.intra_matrix && i < 64; i++)
    put (8, opts.intra_matrix[i]);
  put (1, 0);
  if (mpeg1)
    return;
  start_code (0xb5);
  put (4, 1);
  put (8, opts.profile << 4 | 8);
  put (1, opts.progressive);
  put (2, 1);
  put (4, 0);
  put (12, 0);
  put (1, 1);
  put (8, 0);
  put (1, opts.low_delay);
  put (7, 0);
}

static void
gop (gboolean closed, gboolean broken)
{
  start_code (0xb8);
  put (12, 0);
  put (1, 1);
  put (12, 0);
  put (1, closed);
  put (1, broken);
}

static void
picture_extension (guint structure)
{
  start_code (0xb5);
  put (4, 8);
  put (16, 0x1234);
  put (2, 2);
  put (2, structure);
  put (1, structure == FRAME && opts.tff);
  put (1, 1);
  put (8, 0);
  put (1, opts.progressive);
  put (1, opts.progressive);
  put (1, 0);
}

/* type: 1 I, 2 P, 3 B */
static void
picture_header (guint type, guint structure)
{
  start_code (0x00);
  put (10, opts.temporal_reference);
  put (3, type);
  put (16, 0xffff);
  for (guint i = 1; i < type; i++)
    put (4, 7);
  put (1, 0);
  picture_extension (structure);
}

static void
slice (guint8 row)
{
  start_code (row);
  put (32, 0x12345678);
}

static void
picture (guint type, guint structure)
{
  picture_header (type, structure);
  slice (1);
}

static gboolean
decode (GError ** error)
{
  gboolean ret = codec_mpeg2_decode (codec, stream->data, stream->len, ++tag, error);

  g_byte_array_set_size (stream, 0);
  n_bits = 0;

  return ret;
}

static void
decode_ok (void)
{
  g_autoptr (GError) error = NULL;

  decode (&error);
  fail_unless (error == NULL, "%s", error ? error->message : "");
}

static void
decode_fails (CodecError code)
{
  g_autoptr (GError) error = NULL;

  fail_if (decode (&error));
  fail_unless (g_error_matches (error, CODEC_ERROR, code));
}

static void
decode_picture (guint type, guint structure)
{
  picture (type, structure);
  decode_ok ();
}

static void
drain (void)
{
  fail_unless (codec_mpeg2_drain (codec, NULL));
}

static void
setup (void)
{
  memset (&opts, 0, sizeof (opts));
  opts.width = 320;
  opts.height = 240;
  opts.profile = 4;
  opts.aspect = 1;
  opts.progressive = TRUE;
  rec = recorder_new ();
  codec = codec_mpeg2_new (&recorder_client, rec);
  stream = g_byte_array_new ();
  n_bits = tag = 0;
}

static void
teardown (void)
{
  codec_mpeg2_free (codec);
  recorder_free (rec);
  g_byte_array_unref (stream);
}

GST_START_TEST (test_order)
{
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  decode_picture (2, FRAME);
  recorder_expect (rec, "S N0 J0 N1 J1 O0");
  fail_unless_equals_uint64 (rec->mpeg2_picture.forward_ref_ts, 1000);
  decode_picture (3, FRAME);
  recorder_expect (rec, "N2 J2 O2");
  fail_unless_equals_uint64 (rec->mpeg2_picture.forward_ref_ts, 1000);
  fail_unless_equals_uint64 (rec->mpeg2_picture.backward_ref_ts, 2000);
  fail_unless_equals_int (rec->mpeg2_picture.f_code[1][1], 4);
  fail_unless_equals_int (rec->mpeg2_picture.intra_dc_precision, 2);
  drain ();
  recorder_expect (rec, "O1");
  fail_unless_equals_int (rec->sequence.reorder, 1);
  fail_unless_equals_int (rec->sequence.coded_height, 240);
}

GST_END_TEST;

GST_START_TEST (test_low_delay)
{
  opts.low_delay = TRUE;
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  decode_picture (2, FRAME);
  recorder_expect (rec, "S N0 J0 O0 N1 J1 O1");
}

GST_END_TEST;

/* One picture, two jobs; drivers tell by TOP_FIELD_FIRST which is the first. */
GST_START_TEST (test_fields)
{
  opts.progressive = FALSE;
  sequence_header (FALSE);
  picture (1, BOTTOM);
  picture (2, TOP);
  decode_ok ();
  recorder_expect (rec, "S N0 J0 J0");
  fail_unless_equals_int (rec->sequence.coded_height, 256);
  fail_unless (rec->sequence.interlaced);
  fail_if (rec->mpeg2_picture.flags & V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST);
  /* of a frame before, there is none: itself */
  fail_unless_equals_uint64 (rec->mpeg2_picture.forward_ref_ts, 1000);

  /* in two calls */
  decode_picture (2, TOP);
  recorder_expect (rec, "N1 J1");
  fail_unless (rec->mpeg2_picture.flags & V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST);
  decode_picture (2, BOTTOM);
  recorder_expect (rec, "J1 O0");
  fail_unless (rec->mpeg2_picture.flags & V4L2_MPEG2_PIC_FLAG_TOP_FIELD_FIRST);
  fail_unless_equals_uint64 (rec->mpeg2_picture.forward_ref_ts, 1000);
  fail_unless_equals_uint64 (rec->tags[1], 2);
  drain ();
  recorder_expect (rec, "O1");
  fail_if (rec->output_flags[0] & CODEC_PICTURE_TOP_FIELD_FIRST);
  fail_unless (rec->output_flags[1] & CODEC_PICTURE_TOP_FIELD_FIRST);
}

GST_END_TEST;

GST_START_TEST (test_unpaired_field)
{
  opts.progressive = FALSE;
  sequence_header (FALSE);
  decode_picture (1, TOP);
  decode_picture (2, TOP);
  decode_picture (2, BOTTOM);
  drain ();
  recorder_expect (rec, "S N0 J0 N1 J1 J1 O0 O1");
  fail_unless (rec->output_flags[0] & CODEC_PICTURE_ONE_FIELD);
  fail_if (rec->output_flags[1] & CODEC_PICTURE_ONE_FIELD);
}

GST_END_TEST;

/* The next field of opposite parity is another frame's. */
GST_START_TEST (test_lost_field)
{
  opts.progressive = FALSE;
  sequence_header (FALSE);
  decode_picture (1, TOP);
  decode_picture (2, BOTTOM);
  opts.temporal_reference = 1;
  decode_picture (2, BOTTOM);
  opts.temporal_reference = 2;
  decode_picture (2, TOP);
  decode_picture (2, BOTTOM);
  drain ();
  recorder_expect (rec, "S N0 J0 J0 N1 J1 O0 N2 J2 J2 O1 O2");
  fail_unless (rec->output_flags[1] & CODEC_PICTURE_ONE_FIELD);
  fail_if (rec->output_flags[2] & CODEC_PICTURE_ONE_FIELD);
}

GST_END_TEST;

/* Chroma's follow luma's, an extension's stay, a sequence header takes all back. */
GST_START_TEST (test_matrices)
{
  guint8 matrix[64];

  for (guint i = 0; i < 64; i++)
    matrix[i] = 8 + i;
  opts.intra_matrix = matrix;
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  fail_unless (memcmp (rec->mpeg2_quant.intra_quantiser_matrix, matrix, 64) == 0);
  fail_unless (memcmp (rec->mpeg2_quant.chroma_intra_quantiser_matrix, matrix, 64) == 0);
  fail_unless_equals_int (rec->mpeg2_quant.non_intra_quantiser_matrix[5], 16);

  picture_header (2, FRAME);
  start_code (0xb5);
  put (4, 3);
  put (2, 1);
  for (guint i = 0; i < 64; i++)
    put (8, 100 + i);
  put (2, 0);
  slice (1);
  decode_ok ();
  fail_unless_equals_int (rec->mpeg2_quant.non_intra_quantiser_matrix[5], 105);
  fail_unless_equals_int (rec->mpeg2_quant.chroma_non_intra_quantiser_matrix[5], 105);
  decode_picture (2, FRAME);
  fail_unless_equals_int (rec->mpeg2_quant.non_intra_quantiser_matrix[5], 105);
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  fail_unless_equals_int (rec->mpeg2_quant.non_intra_quantiser_matrix[5], 16);
  recorder_expect (rec, "S N0 J0 N1 J1 O0 N2 J2 O1 N3 J3 O2");
}

GST_END_TEST;

GST_START_TEST (test_sequence_changes)
{
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  opts.profile = 5;
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  opts.width = 640;
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  recorder_expect (rec, "S N0 J0 O0 S N1 J1 O1 S N2 J2");
  fail_unless_equals_int (rec->sequence.coded_width, 640);
}

GST_END_TEST;

/* As broadcasts do: no end of sequence, and an open group of pictures follows. */
GST_START_TEST (test_display_changes)
{
  sequence_header (FALSE);
  gop (TRUE, FALSE);
  decode_picture (1, FRAME);
  decode_picture (2, FRAME);
  opts.aspect = 3;
  sequence_header (FALSE);
  gop (FALSE, FALSE);
  decode_picture (1, FRAME);
  decode_picture (3, FRAME);
  recorder_expect (rec, "S N0 J0 N1 J1 O0 O1 S N2 J2 N3 J3 O3");
  fail_unless (rec->sequence.keeps_references);
  fail_unless_equals_int (rec->sequence.par_n * 3, rec->sequence.par_d * 4);
  fail_unless_equals_uint64 (rec->mpeg2_picture.forward_ref_ts, 2000);
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  opts.width = 640;
  sequence_header (FALSE);
  decode_picture (1, FRAME);
  recorder_expect (rec, "N4 J4 O2 O4 S N5 J5");
  fail_if (rec->sequence.keeps_references);
}

GST_END_TEST;

GST_START_TEST (test_missing_references)
{
  sequence_header (FALSE);
  gop (FALSE, FALSE);
  decode_picture (1, FRAME);
  decode_picture (3, FRAME);
  recorder_expect (rec, "S N0 J0");
  codec_mpeg2_flush (codec);
  decode_picture (2, FRAME);
  recorder_expect (rec, "");
  gop (TRUE, FALSE);
  decode_picture (1, FRAME);
  decode_picture (3, FRAME);
  recorder_expect (rec, "N1 J1 N2 J2 O2");
  fail_unless_equals_uint64 (rec->mpeg2_picture.forward_ref_ts, 2000);
  gop (FALSE, TRUE);
  decode_picture (1, FRAME);
  decode_picture (3, FRAME);
  recorder_expect (rec, "N3 J3 O1 N4 J4 O4");
}

GST_END_TEST;

GST_START_TEST (test_damage)
{
  decode_picture (1, FRAME);
  sequence_header (TRUE);
  picture (1, FRAME);
  decode_fails (CODEC_ERROR_UNSUPPORTED);
  sequence_header (FALSE);
  picture_header (1, FRAME);
  decode_fails (CODEC_ERROR_BITSTREAM);
  picture_header (1, TOP);
  slice (1);
  decode_fails (CODEC_ERROR_BITSTREAM);
  recorder_expect (rec, "");
  /* a slice below the picture */
  picture (1, FRAME);
  slice (16);
  decode_ok ();
  drain ();
  recorder_expect (rec, "S N0 J0 O0");
  fail_unless (rec->output_flags[0] & CODEC_PICTURE_CORRUPT);
  fail_unless_equals_int (rec->data->len, 8);
}

GST_END_TEST;

/* What follows is another picture's, not the one's before. */
GST_START_TEST (test_lost_picture_header)
{
  sequence_header (FALSE);
  picture (1, FRAME);
  picture_extension (FRAME);
  slice (1);
  slice (2);
  decode_ok ();
  fail_unless_equals_int (rec->data->len, 8);
  decode_picture (2, FRAME);
  recorder_expect (rec, "S N0 J0 N1 J1 O0");
}

GST_END_TEST;

static Suite *
mpeg2codec_suite (void)
{
  Suite *suite = suite_create ("mpeg2codec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_order);
  tcase_add_test (tc, test_low_delay);
  tcase_add_test (tc, test_fields);
  tcase_add_test (tc, test_unpaired_field);
  tcase_add_test (tc, test_lost_field);
  tcase_add_test (tc, test_matrices);
  tcase_add_test (tc, test_sequence_changes);
  tcase_add_test (tc, test_display_changes);
  tcase_add_test (tc, test_missing_references);
  tcase_add_test (tc, test_damage);
  tcase_add_test (tc, test_lost_picture_header);

  return suite;
}

GST_CHECK_MAIN (mpeg2codec);
