/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VP8's codec core, fed from frames whose headers are written here
 * (RFC 6386, 9.2 to 9.11).
 */
#include "vp8.h"
#include "reckit.h"

#include "../../virt/silicon/vpu2-vp8-header.h"

static Recorder *rec;
static CodecVp8 *codec;
static guint64 tag;
static struct vp8_header hdr;
static struct vp8_probs base;
static gboolean show;
static guint8 frame[8192];
static gsize frame_size;

/* The frame that hdr describes: a header, and a first partition that goes on with zeros. */
static void
write_frame (void)
{
  const guint start = hdr.key ? 10 : 3;
  struct vp8_writer w;
  gsize part;

  memset (frame, 0, sizeof (frame));
  hdr.base = hdr.key ? &vp8_default_probs : &base;
  vp8_writer_init (&w, frame + start, sizeof (frame) - start - 1024);
  fail_unless (vp8_write_header (&w, &hdr, VP8_ANY_RANGE));
  part = w.pos / 8 + 16;
  GST_WRITE_UINT24_LE (frame, (guint) ! hdr.key | hdr.version << 1 | (guint) show << 4 | part << 5);
  if (hdr.key) {
    memcpy (frame + 3, "\x9d\x01\x2a", 3);
    GST_WRITE_UINT16_LE (frame + 6, hdr.mb_width);
    GST_WRITE_UINT16_LE (frame + 8, hdr.mb_height);
  }
  frame_size = start + part + 3 * ((1 << hdr.log2_partitions) - 1) + 32;
}

static void
decode_ok (void)
{
  g_autoptr (GError) error = NULL;

  codec_vp8_decode (codec, frame, frame_size, ++tag, &error);
  fail_unless (error == NULL, "%s", error ? error->message : "");
}

static void
decode_frame (void)
{
  write_frame ();
  decode_ok ();
}

static void
decode_fails (void)
{
  g_autoptr (GError) error = NULL;

  fail_if (codec_vp8_decode (codec, frame, frame_size, ++tag, &error));
  fail_unless (g_error_matches (error, CODEC_ERROR, CODEC_ERROR_BITSTREAM));
}

static void
key_frame (void)
{
  hdr.key = TRUE;
  hdr.refresh_probs = TRUE;
  decode_frame ();
  hdr.key = FALSE;
}

static void
setup (void)
{
  memset (&hdr, 0, sizeof (hdr));
  hdr.mb_width = 176;           /* pixels here */
  hdr.mb_height = 99;
  hdr.mb_skip = TRUE;
  hdr.prob_skip = 200;
  hdr.prob_intra = hdr.prob_last = hdr.prob_golden = 128;
  hdr.probs = base = vp8_default_probs;
  hdr.refresh_last = TRUE;
  show = TRUE;
  tag = 0;
  rec = recorder_new ();
  codec = codec_vp8_new (&recorder_client, rec);
}

static void
teardown (void)
{
  codec_vp8_free (codec);
  recorder_free (rec);
}

static void
expect_refs (guint last, guint golden, guint alt)
{
  fail_unless_equals_uint64 (rec->vp8.last_frame_ts, (last + 1) * 1000);
  fail_unless_equals_uint64 (rec->vp8.golden_frame_ts, (golden + 1) * 1000);
  fail_unless_equals_uint64 (rec->vp8.alt_frame_ts, (alt + 1) * 1000);
}

GST_START_TEST (test_key_frame)
{
  hdr.log2_partitions = 2;
  hdr.quant[0] = 77;
  hdr.quant_delta[4] = -9;
  hdr.filter_level = 33;
  hdr.sharpness = 5;
  hdr.ref_delta[1] = -3;
  hdr.version = 2;
  key_frame ();
  recorder_expect (rec, "S N0 J0 O0");
  fail_unless_equals_int (rec->sequence.coded_width, 176);
  fail_unless_equals_int (rec->sequence.coded_height, 112);
  fail_unless_equals_int (rec->sequence.height, 99);
  fail_unless_equals_int (rec->vp8.quant.y_ac_qi, 77);
  fail_unless_equals_int (rec->vp8.quant.uv_ac_delta, -9);
  fail_unless_equals_int (rec->vp8.lf.level, 33);
  fail_unless_equals_int (rec->vp8.lf.sharpness_level, 5);
  fail_unless_equals_int (rec->vp8.lf.ref_frm_delta[1], -3);
  fail_unless_equals_int (rec->vp8.version, 2);
  fail_unless_equals_int (rec->vp8.num_dct_parts, 4);
  fail_unless_equals_int (rec->vp8.dct_part_sizes[3], 32);
  fail_unless_equals_int (rec->data->len, frame_size);
  fail_unless (V4L2_VP8_FRAME_IS_KEY_FRAME (&rec->vp8));
}

GST_END_TEST;

/* Golden and altref swap: each gets what the other was before. */
GST_START_TEST (test_references)
{
  key_frame ();
  decode_frame ();
  expect_refs (0, 0, 0);
  hdr.refresh_golden = TRUE;
  hdr.refresh_last = FALSE;
  decode_frame ();
  expect_refs (1, 0, 0);
  hdr.refresh_golden = FALSE;
  hdr.copy_to_golden = hdr.copy_to_alt = 2;
  hdr.sign_bias_alt = TRUE;
  decode_frame ();
  expect_refs (1, 2, 0);
  fail_unless (rec->vp8.flags & V4L2_VP8_FRAME_FLAG_SIGN_BIAS_ALT);
  fail_if (rec->vp8.flags & V4L2_VP8_FRAME_FLAG_SIGN_BIAS_GOLDEN);
  hdr.copy_to_golden = 1;
  hdr.copy_to_alt = 0;
  hdr.refresh_last = TRUE;
  decode_frame ();
  expect_refs (1, 0, 2);
  decode_frame ();
  /* golden was the last frame before the one that replaced it */
  expect_refs (4, 1, 2);
}

GST_END_TEST;

GST_START_TEST (test_hidden_and_empty)
{
  frame_size = 0;
  decode_ok ();
  recorder_expect (rec, "");
  key_frame ();
  show = FALSE;
  hdr.refresh_alt = TRUE;
  decode_frame ();
  recorder_expect (rec, "S N0 J0 O0 N1 J1");
  fail_unless (rec->flags[1] & CODEC_PICTURE_HIDDEN);
  frame_size = 0;
  decode_ok ();
  recorder_expect (rec, "R2:0 O2");
  fail_unless_equals_uint64 (rec->tags[2], tag);
}

GST_END_TEST;

/* Probabilities are kept for the next frame, or not. */
GST_START_TEST (test_entropy)
{
  key_frame ();
  hdr.refresh_probs = FALSE;
  hdr.probs.coeff[100] = 7;
  hdr.probs.mv[3] = 44;
  decode_frame ();
  fail_unless_equals_int (((guint8 *) rec->vp8.entropy.coeff_probs)[100], 7);
  fail_unless_equals_int (rec->vp8.entropy.mv_probs[0][3], 44);
  hdr.refresh_probs = TRUE;
  hdr.probs = vp8_default_probs;
  hdr.probs.coeff[101] = 9;
  decode_frame ();
  fail_unless (memcmp (rec->vp8.entropy.coeff_probs, hdr.probs.coeff,
          sizeof (hdr.probs.coeff)) == 0);
  fail_unless (memcmp (rec->vp8.entropy.mv_probs, hdr.probs.mv, sizeof (hdr.probs.mv)) == 0);
  base = hdr.probs;
  decode_frame ();
  fail_unless_equals_int (((guint8 *) rec->vp8.entropy.coeff_probs)[101], 9);
}

GST_END_TEST;

GST_START_TEST (test_size_changes)
{
  key_frame ();
  key_frame ();
  hdr.mb_width = 320;
  key_frame ();
  recorder_expect (rec, "S N0 J0 O0 N1 J1 O1 S N2 J2 O2");
  codec_vp8_flush (codec);
  decode_frame ();
  recorder_expect (rec, "");
}

GST_END_TEST;

/* Every partition has to end inside the frame; what was before goes on. */
GST_START_TEST (test_damage)
{
  gsize whole;

  key_frame ();
  hdr.log2_partitions = 1;
  write_frame ();
  whole = frame_size;
  for (frame_size = 1; frame_size < whole - 32; frame_size += 3)
    decode_fails ();
  frame_size = whole;
  frame[frame_size - 32 - 1] = 1;       /* the first partition's size: 65536 */
  decode_fails ();
  hdr.key = TRUE;
  hdr.mb_height = 0;
  write_frame ();
  decode_fails ();
  hdr.key = FALSE;
  decode_frame ();
  recorder_expect (rec, "S N0 J0 O0 N1 J1 O1");
}

GST_END_TEST;

static Suite *
vp8codec_suite (void)
{
  Suite *suite = suite_create ("vp8codec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_key_frame);
  tcase_add_test (tc, test_references);
  tcase_add_test (tc, test_hidden_and_empty);
  tcase_add_test (tc, test_entropy);
  tcase_add_test (tc, test_size_changes);
  tcase_add_test (tc, test_damage);

  return suite;
}

GST_CHECK_MAIN (vp8codec);
