/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The H.264 codec without any device: sequences, pictures, random access,
 * controls, damage; and real streams, where H264_STREAMS names a folder.
 */
#include "h264kit.h"

/* Sequences */

GST_START_TEST (test_sequence_repeated)
{
  headers ();
  idr ();
  decode_ok ();
  headers ();
  idr ();
  decode_ok ();
  expect_log ("S N0 J0 O0 N1 J1 ");
  /* Nor does another id make another sequence. */
  sps.id = 3;
  pps.sps_id = 3;
  pps.id = 0;
  headers ();
  idr ();
  decode_ok ();
  expect_log ("O1 N2 J2 ");
  fail_unless_equals_int (rec->sps.seq_parameter_set_id, 3);
  fail_unless_equals_int (rec->pps.seq_parameter_set_id, 3);
}

GST_END_TEST;

GST_START_TEST (test_sequence_changes_with_same_id)
{
  BitsSlice no_output = {.nal_type = 5,.ref_idc = 3,.type = 2,.no_output_of_prior_pics = TRUE };

  headers ();
  idr ();
  picture (0, TRUE, 1, 2, NULL);
  decode_ok ();
  fail_unless_equals_int (rec->sequence.coded_width, 64);
  sps.width_mbs = 8;
  sps.crop[0] = 1;
  sps.crop[1] = 2;
  sps.crop[2] = 3;
  headers ();
  bits_slice (stream, &sps, &pps, &no_output);
  decode_ok ();
  expect_log ("S N0 J0 N1 J1 O0 O1 S N2 J2 ");
  fail_unless_equals_int (rec->sequence.coded_width, 128);
  fail_unless_equals_int (rec->sequence.crop_x, 2);
  fail_unless_equals_int (rec->sequence.crop_y, 6);
  fail_unless_equals_int (rec->sequence.width, 122);
  fail_unless_equals_int (rec->sequence.height, 58);
  fail_unless_equals_int (rec->sps.pic_width_in_mbs_minus1, 7);
}

GST_END_TEST;

GST_START_TEST (test_sequence_fields)
{
  headers ();
  idr ();
  decode_ok ();
  fail_unless_equals_int (rec->sequence.profile, V4L2_MPEG_VIDEO_H264_PROFILE_HIGH);
  fail_unless_equals_int (rec->sequence.level, V4L2_MPEG_VIDEO_H264_LEVEL_4_0);
  fail_unless_equals_int (rec->sequence.dpb_size, 16);
  fail_if (rec->sequence.interlaced);

  /* 1.1 with constraint_set3_flag is 1b; constraint_set1_flag makes Baseline constrained. */
  sps.profile_idc = 66;
  sps.level_idc = 11;
  sps.constraint_flags = 0x50;
  sps.width_mbs = 11;
  sps.height_mbs = 9;
  headers ();
  idr ();
  decode_ok ();
  fail_unless_equals_int (rec->sequence.profile, V4L2_MPEG_VIDEO_H264_PROFILE_CONSTRAINED_BASELINE);
  fail_unless_equals_int (rec->sequence.level, V4L2_MPEG_VIDEO_H264_LEVEL_1B);
  fail_unless_equals_int (rec->sequence.dpb_size, 4);   /* 396 / 99 */
  fail_unless_equals_int (rec->sps.constraint_set_flags,
      V4L2_H264_SPS_CONSTRAINT_SET1_FLAG | V4L2_H264_SPS_CONSTRAINT_SET3_FLAG);

  sps = BITS_SPS;
  sps.profile_idc = 244;
  sps.chroma_format_idc = 3;
  sps.bit_depth = 10;
  headers ();
  idr ();
  decode_ok ();
  fail_unless_equals_int (rec->sequence.chroma_format_idc, 3);
  fail_unless_equals_int (rec->sequence.bit_depth, 10);
}

GST_END_TEST;

GST_START_TEST (test_sequence_too_large)
{
  sps.width_mbs = 5000;
  headers ();
  idr ();
  decode_fails (CODEC_ERROR_UNSUPPORTED);
  expect_log ("");
}

GST_END_TEST;

/* Slices and pictures */

static void
write_idr_slice (guint first_mb)
{
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = 2,.first_mb = first_mb };

  bits_slice (stream, &sps, &pps, &slice);
}

GST_START_TEST (test_slices_are_one_job)
{
  static const guint8 start[] = { 0, 0, 1, 0x65 };
  guint n = 0;

  headers ();
  write_idr_slice (0);
  write_idr_slice (4);
  write_idr_slice (8);
  decode_ok ();
  drain ();
  expect_log ("S N0 J0 O0 ");
  fail_if (rec->flags[0] & CODEC_PICTURE_CORRUPT);
  for (guint i = 0; i + 4 <= rec->data->len; i++)
    n += memcmp (rec->data->data + i, start, 4) == 0;
  fail_unless_equals_int (n, 3);
}

GST_END_TEST;

GST_START_TEST (test_first_slice_lost)
{
  headers ();
  write_idr_slice (4);
  write_idr_slice (8);
  decode_ok ();
  fail_unless (rec->flags[0] & CODEC_PICTURE_CORRUPT);
  fail_unless (rec->flags[0] & CODEC_PICTURE_KEY);
}

GST_END_TEST;

/* One slice of a P picture */
static void
picture_at (guint first_mb, guint frame_num, guint poc_lsb)
{
  BitsSlice slice = {.nal_type = 1,.ref_idc = 2 };

  slice.first_mb = first_mb;
  slice.frame_num = frame_num;
  slice.poc_lsb = poc_lsb;
  bits_slice (stream, &sps, &pps, &slice);
}

GST_START_TEST (test_slices_in_arbitrary_order)
{
  g_autoptr (GByteArray) in_order = g_byte_array_new ();

  headers ();
  write_idr_slice (0);
  write_idr_slice (4);
  write_idr_slice (8);
  decode_ok ();
  g_byte_array_append (in_order, rec->data->data, rec->data->len);

  /* in another order and with one of them twice */
  write_idr_slice (8);
  write_idr_slice (0);
  write_idr_slice (4);
  write_idr_slice (0);
  decode_ok ();
  fail_unless_equals_int (rec->data->len, in_order->len);
  fail_unless (memcmp (rec->data->data, in_order->data, in_order->len) == 0);
  fail_if (rec->flags[1] & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

/* A parser that waits for first_mb_in_slice 0 cuts such pictures in two. */
GST_START_TEST (test_slices_in_arbitrary_order_cut)
{
  sps.profile_idc = 66;
  headers ();
  write_idr_slice (4);
  fail_if (decode (NULL));
  bits_nal (stream, 9, 1);      /* h264parse's access unit delimiter */
  write_idr_slice (0);
  write_idr_slice (8);
  decode_ok ();
  expect_log ("S N0 J0 ");
  fail_if (rec->flags[0] & CODEC_PICTURE_CORRUPT);

  /* the rest never comes: another picture does, or the end */
  picture_at (4, 1, 2);
  fail_if (decode (NULL));
  picture_at (0, 2, 4);
  decode_ok ();
  expect_log ("N1 J1 N2 J2 ");
  fail_unless (rec->flags[1] & CODEC_PICTURE_CORRUPT);
  fail_if (rec->flags[2] & CODEC_PICTURE_CORRUPT);
  picture_at (4, 3, 6);
  fail_if (decode (NULL));
  drain ();
  expect_log ("N3 J3 O0 O1 O2 O3 ");

  /* after a flush it is forgotten */
  picture_at (4, 4, 8);
  fail_if (decode (NULL));
  codec_h264_flush (codec);
  drain ();
  expect_log ("");

  /* Constrained Baseline has no arbitrary order: nothing waits. */
  sps.constraint_flags = 0x40;
  headers ();
  write_idr_slice (4);
  decode_ok ();
  fail_unless (rec->flags[4] & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

GST_START_TEST (test_redundant_slices)
{
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = 2 };
  guint size;

  pps.redundant_pic_cnt_present = TRUE;
  headers ();
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  size = rec->data->len;
  bits_slice (stream, &sps, &pps, &slice);
  slice.redundant_pic_cnt = 1;
  bits_slice (stream, &sps, &pps, &slice);
  decode_ok ();
  fail_unless_equals_int (rec->data->len, size);
}

GST_END_TEST;

GST_START_TEST (test_pictures_in_one_unit)
{
  BitsPps second = {.id = 1 };
  BitsSlice slice = {.nal_type = 1,.ref_idc = 2,.frame_num = 2,.poc_lsb = 4,.pps_id = 1 };

  /* No first_mb_in_slice of 0 marks where the second picture begins, only 7.4.1.2.4 does. */
  headers ();
  idr ();
  picture (0, TRUE, 1, 2, NULL);
  /* A PPS in between, and one that replaces what the first pictures use. */
  bits_pps (stream, &second);
  pps.transform_8x8 = TRUE;
  bits_pps (stream, &pps);
  bits_slice (stream, &sps, &second, &slice);
  slice.first_mb = 5;
  slice.ref_idc = 0;
  slice.frame_num = 3;
  slice.poc_lsb = 6;
  bits_slice (stream, &sps, &second, &slice);
  decode_ok ();
  drain ();
  expect_log ("S N0 J0 N1 J1 N2 J2 N3 J3 O0 O1 O2 O3 ");
  fail_if (rec->flags[2] & CODEC_PICTURE_CORRUPT);
  fail_unless (rec->flags[3] & CODEC_PICTURE_CORRUPT);
  fail_unless_equals_int (rec->pps.pic_parameter_set_id, 1);
  fail_if (rec->pps.flags & V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
}

GST_END_TEST;

GST_START_TEST (test_other_nal_units)
{
  guint size;

  headers ();
  write_idr_slice (0);
  decode_ok ();
  size = rec->data->len;

  bits_nal (stream, 0x09, 1);   /* access unit delimiter */
  headers ();
  bits_nal (stream, 0x06, 12);  /* SEI, of nonsense */
  bits_nal (stream, 0x6e, 8);   /* prefix */
  bits_nal (stream, 0x6f, 20);  /* subset SPS */
  write_idr_slice (0);
  bits_nal (stream, 0x74, 20);  /* slice extension */
  bits_nal (stream, 0x73, 20);  /* auxiliary picture */
  bits_nal (stream, 0x0c, 20);  /* filler */
  bits_nal (stream, 0x18, 20);  /* unspecified */
  decode_ok ();
  fail_unless_equals_int (rec->data->len, size);
  expect_log ("S N0 J0 O0 N1 J1 ");

  /* End of sequence: all out, and only an access point goes on. */
  bits_nal (stream, 0x0a, 0);
  fail_if (decode (NULL));
  expect_log ("O1 ");
  picture (0, TRUE, 1, 2, NULL);
  fail_if (decode (NULL));
  expect_log ("");
}

GST_END_TEST;

GST_START_TEST (test_unsupported)
{
  sps.profile_idc = 66;
  pps.num_slice_groups = 2;
  headers ();
  idr ();
  decode_fails (CODEC_ERROR_UNSUPPORTED);

  /* What the profile does not have is a damaged header. */
  sps.profile_idc = 77;
  headers ();
  idr ();
  decode_fails (CODEC_ERROR_BITSTREAM);

  sps.profile_idc = 88;
  pps.num_slice_groups = 0;
  headers ();
  idr ();
  decode_ok ();
  bits_nal (stream, 0x42, 20);  /* data partition A */
  decode_fails (CODEC_ERROR_UNSUPPORTED);
}

GST_END_TEST;

GST_START_TEST (test_missing_parameter_sets)
{
  bits_pps (stream, &pps);
  fail_if (decode (NULL));
  idr ();
  decode_fails (CODEC_ERROR_BITSTREAM);
  /* The SPS comes late; the PPS before it must not have been lost. */
  bits_sps (stream, &sps);
  idr ();
  decode_ok ();
}

GST_END_TEST;

GST_START_TEST (test_damaged_slice_marks_picture)
{
  headers ();
  write_idr_slice (0);
  decode_ok ();
  write_idr_slice (0);
  bits_nal (stream, 0x65, 0);
  g_byte_array_append (stream, (const guint8 *) "\0\0\1\x65\x00\x00\x03\x00\x01", 9);
  write_idr_slice (8);
  decode_ok ();
  fail_unless (rec->flags[1] & CODEC_PICTURE_CORRUPT);
  fail_unless_equals_int (rec->n_pictures, 2);
}

GST_END_TEST;

GST_START_TEST (test_client_refuses)
{
  headers ();
  idr ();
  rec->refuse_new = TRUE;
  decode_fails (CODEC_ERROR_CLIENT);
  rec->refuse_new = FALSE;
  picture (0, TRUE, 1, 2, NULL);
  decode_ok ();
  fail_unless (rec->flags[rec->n_pictures - 1] & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

/* Random access */

GST_START_TEST (test_start_without_idr)
{
  headers ();
  picture (0, TRUE, 4, 10, NULL);
  picture (1, FALSE, 5, 8, NULL);
  fail_if (decode (NULL));
  expect_log ("");

  picture (2, TRUE, 5, 20, NULL);
  picture (1, FALSE, 6, 16, NULL);      /* leads: it predicts from what is not there */
  picture (0, TRUE, 6, 24, NULL);
  decode_ok ();
  drain ();
  expect_log ("S N0 J0 N1 J1 N2 J2 O1 O0 O2 ");
  fail_if (rec->flags[0] & (CODEC_PICTURE_CORRUPT | CODEC_PICTURE_KEY));
  fail_unless (rec->flags[1] & CODEC_PICTURE_CORRUPT);
  fail_if (rec->flags[2] & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

GST_START_TEST (test_recovery_point)
{
  headers ();
  bits_recovery_point (stream, 2);
  picture (0, TRUE, 7, 10, NULL);
  decode_ok ();
  picture (0, TRUE, 8, 12, NULL);
  decode_ok ();
  picture (0, TRUE, 9, 14, NULL);
  decode_ok ();
  drain ();
  /* There is nothing to predict from, so something is made. */
  expect_log ("S G0 N1 J1 N2 J2 N3 J3 O1 O2 O3 ");
  fail_unless (rec->flags[1] & CODEC_PICTURE_CORRUPT);
  fail_unless (rec->flags[2] & CODEC_PICTURE_CORRUPT);
  fail_if (rec->flags[3] & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  headers ();
  idr ();
  picture (0, TRUE, 1, 8, NULL);
  decode_ok ();
  codec_h264_flush (codec);
  fail_unless_equals_int (rec->n_alive, 0);
  drain ();
  expect_log ("S N0 J0 N1 J1 ");
  picture (0, TRUE, 2, 12, NULL);
  fail_if (decode (NULL));
  /* The sequence is still the same. */
  idr ();
  decode_ok ();
  drain ();
  expect_log ("N2 J2 O2 ");
}

GST_END_TEST;

/* Controls */

GST_START_TEST (test_decode_params)
{
  headers ();
  idr ();
  decode_ok ();
  fail_unless_equals_int (rec->params.flags, V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC);
  fail_unless_equals_int (rec->params.nal_ref_idc, 3);
  fail_unless_equals_int (rec->params.dec_ref_pic_marking_bit_size, 2);
  fail_unless_equals_int (rec->params.pic_order_cnt_bit_size, sps.log2_max_poc_lsb);

  picture (0, TRUE, 1, 6, NULL);
  decode_ok ();
  fail_unless_equals_int (rec->params.flags, V4L2_H264_DECODE_PARAM_FLAG_PFRAME);
  fail_unless_equals_int (rec->params.frame_num, 1);
  fail_unless_equals_int (rec->params.pic_order_cnt_lsb, 6);
  fail_unless_equals_int (rec->params.top_field_order_cnt, 6);
  fail_unless_equals_int (rec->params.dec_ref_pic_marking_bit_size, 1);
  fail_unless_equals_int (find_ref (0)->fields, V4L2_H264_FRAME_REF);
  fail_unless_equals_int (find_ref (0)->flags,
      V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE);

  picture (1, FALSE, 2, 4, NULL);
  decode_ok ();
  fail_unless_equals_int (rec->params.flags, V4L2_H264_DECODE_PARAM_FLAG_BFRAME);
  fail_unless_equals_int (rec->params.nal_ref_idc, 0);
  fail_unless_equals_int (rec->params.dec_ref_pic_marking_bit_size, 0);
}

GST_END_TEST;

GST_START_TEST (test_scaling_lists)
{
  gint list[64];
  guint8 zigzag[64], raster[64];

  /* none at all: Flat_16 */
  headers ();
  idr ();
  decode_ok ();
  fail_if (rec->pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT);
  for (guint i = 0; i < 16; i++)
    fail_unless_equals_int (rec->scaling.scaling_list_4x4[2][i], 16);
  for (guint i = 0; i < 64; i++)
    fail_unless_equals_int (rec->scaling.scaling_list_8x8[5][i], 16);

  /* The SPS has one list, inter 8x8; the others fall back to the defaults (rule A). */
  for (guint i = 0; i < 64; i++)
    zigzag[i] = list[i] = 10 + 2 * i;
  gst_h264_quant_matrix_8x8_get_raster_from_zigzag (raster, zigzag);
  sps.scaling_8x8_inter = list;
  headers ();
  idr ();
  decode_ok ();
  fail_unless (rec->pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT);
  fail_unless (memcmp (rec->scaling.scaling_list_8x8[1], raster, 64) == 0);
  fail_unless_equals_int (rec->scaling.scaling_list_8x8[0][0], 6);      /* Default_8x8_Intra */
  fail_unless_equals_int (rec->scaling.scaling_list_8x8[0][63], 42);
  fail_unless_equals_int (rec->scaling.scaling_list_4x4[0][15], 42);    /* Default_4x4_Intra */
  fail_unless_equals_int (rec->scaling.scaling_list_4x4[0][1], 13);
  fail_unless_equals_int (rec->scaling.scaling_list_4x4[0][4], 13);
  fail_unless_equals_int (rec->scaling.scaling_list_4x4[5][15], 34);    /* Default_4x4_Inter */

  /* The PPS has a matrix without any list: each falls back to the SPS's (rule B). */
  pps.transform_8x8 = pps.scaling = TRUE;
  headers ();
  idr ();
  decode_ok ();
  fail_unless (rec->pps.flags & V4L2_H264_PPS_FLAG_TRANSFORM_8X8_MODE);
  fail_unless (memcmp (rec->scaling.scaling_list_8x8[1], raster, 64) == 0);
  fail_unless_equals_int (rec->scaling.scaling_list_8x8[0][63], 42);
  fail_unless_equals_int (rec->pps.chroma_qp_index_offset, -2);
  fail_unless_equals_int (rec->pps.second_chroma_qp_index_offset, 3);

  /* A new SPS of the same id changes what the old PPS inherits. */
  for (guint i = 0; i < 64; i++)
    zigzag[i] = list[i] = 90 - i;
  gst_h264_quant_matrix_8x8_get_raster_from_zigzag (raster, zigzag);
  bits_sps (stream, &sps);
  idr ();
  decode_ok ();
  fail_unless (memcmp (rec->scaling.scaling_list_8x8[1], raster, 64) == 0);
}

GST_END_TEST;

/* AVC */

/* The NAL units of an Annex B stream, with length prefixes. */
static GByteArray *
to_avc (const GByteArray * annexb, guint length_size)
{
  GByteArray *out = g_byte_array_new ();
  guint start = 4;

  for (guint i = 4; i <= annexb->len; i++) {
    if (i < annexb->len && (i + 4 > annexb->len || memcmp (annexb->data + i, "\0\0\0\1", 4) != 0))
      continue;
    for (guint n = length_size; n > 0; n--) {
      guint8 byte = (i - start) >> (8 * (n - 1));

      g_byte_array_append (out, &byte, 1);
    }
    g_byte_array_append (out, annexb->data + start, i - start);
    start = i + 4;
  }

  return out;
}

GST_START_TEST (test_avc)
{
  g_autoptr (GByteArray) sets = NULL, avcc = g_byte_array_new (), unit = NULL;
  g_autoptr (GError) error = NULL;
  guint sps_size;

  headers ();
  sets = to_avc (stream, 2);
  g_byte_array_set_size (stream, 0);
  sps_size = 2 + (sets->data[0] << 8 | sets->data[1]);

  g_byte_array_append (avcc, (const guint8 *) "\1\x64\0\x28\xfd\xe1", 6);
  g_byte_array_append (avcc, sets->data, sps_size);
  g_byte_array_append (avcc, (const guint8 *) "\1", 1);
  g_byte_array_append (avcc, sets->data + sps_size, sets->len - sps_size);

  /* Any part of it must be read without harm. */
  for (guint i = 0; i < avcc->len; i++) {
    g_autofree guint8 *part = g_memdup2 (avcc->data, i);

    fail_if (codec_h264_set_format (codec, CODEC_H264_AVC, part, i, &error));
    fail_unless (g_error_matches (error, CODEC_ERROR, CODEC_ERROR_BITSTREAM));
    g_clear_error (&error);
  }
  fail_unless (codec_h264_set_format (codec, CODEC_H264_AVC, avcc->data, avcc->len, &error));

  idr ();
  unit = to_avc (stream, 2);
  fail_unless (codec_h264_decode (codec, unit->data, unit->len, 1, &error));
  expect_log ("S N0 J0 ");
  /* Equal caps again keep the sequence. */
  fail_unless (codec_h264_set_format (codec, CODEC_H264_AVC, avcc->data, avcc->len, &error));
  fail_unless (codec_h264_decode (codec, unit->data, unit->len, 1, &error));
  expect_log ("O0 N1 J1 ");

  /* A length that points behind the end */
  unit->data[0] = 0xff;
  codec_h264_decode (codec, unit->data, unit->len, 1, NULL);
}

GST_END_TEST;

/* The box is for parameter sets: slices in it belong to no access unit. */
GST_START_TEST (test_avc_slices_in_box)
{
  g_autoptr (GByteArray) sets = NULL, avcc = g_byte_array_new ();

  headers ();
  idr ();
  bits_nal (stream, 0x09, 1);
  sets = to_avc (stream, 2);
  g_byte_array_append (avcc, (const guint8 *) "\1\x64\0\x28\xfd\xe4", 6);
  g_byte_array_append (avcc, sets->data, sets->len);
  g_byte_array_append (avcc, (const guint8 *) "", 1);
  fail_unless (codec_h264_set_format (codec, CODEC_H264_AVC, avcc->data, avcc->len, NULL));
  expect_log ("");
  g_byte_array_set_size (stream, 0);
}

GST_END_TEST;

/* Hostile input */

static void
decode_copy (CodecH264 * self, const guint8 * data, gsize size)
{
  /* a copy of exactly that size, so that a checker of memory sees one byte too far */
  g_autofree guint8 *copy = g_memdup2 (data, size);

  codec_h264_decode (self, copy, size, 0, NULL);
}

static void
torture (const guint8 * data, gsize size, guint n_flips)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (264);

  for (guint round = 0; round < n_flips; round++) {
    Recorder *r = h264_recorder_new ();
    CodecH264 *self = codec_h264_new (&recorder_client, r);
    g_autofree guint8 *copy = g_memdup2 (data, size);

    for (guint i = 0; i <= round % 8; i++)
      copy[g_rand_int_range (random, 0, size)] ^= 1 << g_rand_int_range (random, 0, 8);
    codec_h264_set_low_latency (self, round % 2);
    decode_copy (self, copy, size);
    codec_h264_drain (self, NULL);
    fail_unless_equals_int (r->n_decoded, r->n_output);
    codec_h264_free (self);
    recorder_free (r);
  }
}

static void
write_mixture (void)
{
  const BitsMmco mmco[] = { {4, 2, 0}, {3, 0, 1}, {1, 1, 0}, {6, 0, 0}, {0, 0, 0} };
  const BitsMmco reset[] = { {5, 0, 0}, {0, 0, 0} };

  pps.transform_8x8 = TRUE;
  sps.gaps_allowed = TRUE;
  headers ();
  bits_recovery_point (stream, 3);
  idr ();
  write_pyramid (1, 0);
  picture (0, TRUE, 3, 16, mmco);
  picture (0, TRUE, 6, 22, NULL);
  picture (0, TRUE, 7, 24, reset);
  write_pyramid (1, 0);
  sps.width_mbs = 6;
  headers ();
  write_idr_slice (0);
  write_idr_slice (6);
  write_pyramid (1, 0);
}

GST_START_TEST (test_truncated)
{
  write_mixture ();
  for (guint i = 0; i <= stream->len; i++) {
    Recorder *r = h264_recorder_new ();
    CodecH264 *self = codec_h264_new (&recorder_client, r);

    decode_copy (self, stream->data, i);
    decode_copy (self, stream->data + i, stream->len - i);
    codec_h264_drain (self, NULL);
    fail_unless_equals_int (r->n_decoded, r->n_output);
    codec_h264_free (self);
    recorder_free (r);
  }
}

GST_END_TEST;

GST_START_TEST (test_bit_flips)
{
  write_mixture ();
  torture (stream->data, stream->len, 4000);
}

GST_END_TEST;

GST_START_TEST (test_too_many_syntax_elements)
{
  BitsMmco many[200];
  BitsSlice slice = {.nal_type = 1,.ref_idc = 2,.type = 1,.frame_num = 1,.poc_lsb = 2 };

  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    many[i] = (BitsMmco) {
    1, i % 15, 0};
  many[G_N_ELEMENTS (many) - 1].op = 0;

  headers ();
  idr ();
  decode_ok ();
  slice.n_modifications = 200;
  bits_slice (stream, &sps, &pps, &slice);
  decode (NULL);
  slice.n_modifications = 0;
  slice.mmco = many;
  bits_slice (stream, &sps, &pps, &slice);
  decode (NULL);
}

GST_END_TEST;

/* Real streams */

static gboolean
is_byte_stream (const gchar * name)
{
  return g_str_has_suffix (name, ".h264") || g_str_has_suffix (name, ".264");
}

/* Every picture goes out once, and early output changes no order. */
GST_START_TEST (test_streams)
{
  const gchar *folder = g_getenv ("H264_STREAMS");
  g_autoptr (GDir) dir = folder ? g_dir_open (folder, 0, NULL) : NULL;
  const gchar *name;

  if (!dir) {
    g_print ("SKIP: h264codec streams: H264_STREAMS names no folder\n");
    return;
  }
  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    g_autofree gchar *data = NULL;
    GString *outputs[2];
    gsize size;

    if (!is_byte_stream (name))
      continue;
    fail_unless (g_file_get_contents (path, &data, &size, NULL));
    for (guint mode = 0; mode < 2; mode++) {
      Recorder *r = h264_recorder_new ();
      CodecH264 *self = codec_h264_new (&recorder_client, r);
      gchar **events;

      codec_h264_set_low_latency (self, mode);
      fail_unless (codec_h264_decode (self, (guint8 *) data, size, 0, NULL), "%s", name);
      fail_unless (codec_h264_drain (self, NULL));
      fail_unless_equals_int (r->n_decoded, r->n_output);
      for (guint i = 0; i < MIN (r->n_pictures, 256); i++)
        fail_if (r->flags[i] & (CODEC_PICTURE_CORRUPT | CODEC_PICTURE_GAP), "%s: picture %u", name,
            i);
      outputs[mode] = g_string_new (NULL);
      events = g_strsplit (r->log->str, " ", -1);
      for (guint i = 0; events[i]; i++) {
        if (events[i][0] == 'O')
          g_string_append (outputs[mode], events[i]);
      }
      g_strfreev (events);
      codec_h264_free (self);
      recorder_free (r);
    }
    fail_unless (g_string_equal (outputs[0], outputs[1]), "%s", name);
    g_string_free (outputs[0], TRUE);
    g_string_free (outputs[1], TRUE);
    torture ((guint8 *) data, MIN (size, 30000), 20);
  }
}

GST_END_TEST;

static Suite *
h264codec_suite (void)
{
  static const gint timeout = 120;      /* seconds, under ASan on a slow machine */
  Suite *s = suite_create ("h264codec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, timeout);
  tcase_add_checked_fixture (tc, setup, teardown);

  tcase_add_test (tc, test_sequence_repeated);
  tcase_add_test (tc, test_sequence_changes_with_same_id);
  tcase_add_test (tc, test_sequence_fields);
  tcase_add_test (tc, test_sequence_too_large);
  tcase_add_test (tc, test_slices_are_one_job);
  tcase_add_test (tc, test_first_slice_lost);
  tcase_add_test (tc, test_slices_in_arbitrary_order);
  tcase_add_test (tc, test_slices_in_arbitrary_order_cut);
  tcase_add_test (tc, test_redundant_slices);
  tcase_add_test (tc, test_pictures_in_one_unit);
  tcase_add_test (tc, test_other_nal_units);
  tcase_add_test (tc, test_unsupported);
  tcase_add_test (tc, test_missing_parameter_sets);
  tcase_add_test (tc, test_damaged_slice_marks_picture);
  tcase_add_test (tc, test_client_refuses);
  tcase_add_test (tc, test_start_without_idr);
  tcase_add_test (tc, test_recovery_point);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_decode_params);
  tcase_add_test (tc, test_scaling_lists);
  tcase_add_test (tc, test_avc);
  tcase_add_test (tc, test_avc_slices_in_box);
  tcase_add_test (tc, test_truncated);
  tcase_add_test (tc, test_bit_flips);
  tcase_add_test (tc, test_too_many_syntax_elements);
  tcase_add_test (tc, test_streams);

  return s;
}

GST_CHECK_MAIN (h264codec);
