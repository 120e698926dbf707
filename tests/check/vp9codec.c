/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VP9 core, fed from bitstreams that are written here by the specification
 * (6.2, 6.3, 9.2.1's inverse): no device, no decoder.
 */
#include <gst/check/gstcheck.h>

#include "vp9.h"
#include "vp9header.h"

/* Boolean encoder */

typedef struct
{
  GByteArray *out;
  guint32 range, bottom;
  gint bits;
} Encoder;

static void
carry (Encoder * e)
{
  guint i = e->out->len;

  while (i > 0 && ++e->out->data[--i] == 0);
}

static void
put_bool (Encoder * e, guint probability, guint value)
{
  guint32 split = 1 + (((e->range - 1) * probability) >> 8);

  if (value) {
    e->bottom += split;
    e->range -= split;
  } else {
    e->range = split;
  }
  for (; e->range < 128; e->range <<= 1) {
    if (e->bottom >> 31)
      carry (e);
    e->bottom <<= 1;
    if (--e->bits == 0) {
      guint8 byte = e->bottom >> 24;

      g_byte_array_append (e->out, &byte, 1);
      e->bottom &= 0xffffff;
      e->bits = 8;
    }
  }
}

static void
put_literal (Encoder * e, guint n, guint value)
{
  while (n--)
    put_bool (e, 128, value >> n & 1);
}

static void
encoder_start (Encoder * e)
{
  *e = (Encoder) {
  g_byte_array_new (), 255, 0, 24};
  put_bool (e, 128, 0);
}

/* Enough zeros to push everything out. */
static GByteArray *
encoder_end (Encoder * e)
{
  put_literal (e, 32, 0);
  return e->out;
}

static void
put_no_updates (Encoder * e, guint n)
{
  while (n--)
    put_bool (e, 252, 0);
}

/* decode_term_subexp() of the largest value that can be coded */
static void
put_largest_delta (Encoder * e)
{
  put_literal (e, 3, 7);
  put_literal (e, 7, 127);
  put_literal (e, 1, 1);
}

/* tx_mode ONLY_4X4, no updates at all */
static GByteArray *
plain_compressed_header (gboolean intra)
{
  Encoder e;

  encoder_start (&e);
  put_literal (&e, 2, 0);
  put_literal (&e, 1, 0);
  put_no_updates (&e, 3);
  if (!intra)
    put_no_updates (&e, 21 + 4 + 10 + 36 + 48 + 3 + 2 * (1 + 10 + 1 + 10) + 2 * 9);
  return encoder_end (&e);
}

/* Frames */

typedef struct
{
  gboolean key, intra_only, show, error_resilient;
  guint profile;
  guint reset;                  /* reset_frame_context */
  guint width, height;          /* of an inter frame: 0 takes that of the first reference */
  guint refresh;
  guint refs[3];
} Spec;

typedef struct
{
  GByteArray *out;
  guint n;
} Bits;

static void
put_bits (Bits * b, guint n, guint value)
{
  static const guint8 zero;

  while (n--) {
    if (b->n % 8 == 0)
      g_byte_array_append (b->out, &zero, 1);
    b->out->data[b->n / 8] |= (value >> n & 1) << (7 - b->n % 8);
    b->n++;
  }
}

static void
put_size (Bits * b, const Spec * spec)
{
  put_bits (b, 16, spec->width - 1);
  put_bits (b, 16, spec->height - 1);
}

static void
put_inter (Bits * b, const Spec * spec)
{
  guint i;

  put_bits (b, 8, spec->refresh);
  for (i = 0; i < 3; i++)
    put_bits (b, 4, spec->refs[i] << 1);
  if (spec->width) {
    put_bits (b, 3, 0);
    put_size (b, spec);
  } else {
    put_bits (b, 1, 1);
  }
  put_bits (b, 1, 0);
  put_bits (b, 1, 0);
  put_bits (b, 3, 1);
}

static GByteArray *
make_frame (const Spec * spec)
{
  GByteArray *compressed = plain_compressed_header (spec->key || spec->intra_only);
  Bits b = { g_byte_array_new (), 0 };

  put_bits (&b, 2, 2);
  put_bits (&b, 1, spec->profile & 1);
  put_bits (&b, 1, spec->profile >> 1);
  put_bits (&b, 1, 0);
  put_bits (&b, 1, !spec->key);
  put_bits (&b, 1, spec->show);
  put_bits (&b, 1, spec->error_resilient);
  if (!spec->key) {
    if (!spec->show)
      put_bits (&b, 1, spec->intra_only);
    if (!spec->error_resilient)
      put_bits (&b, 2, spec->reset);
  }
  if (spec->key || spec->intra_only) {
    put_bits (&b, 24, 0x498342);
    if (spec->key)
      put_bits (&b, spec->profile == 1 ? 7 : 4, spec->profile == 1 ? 2 << 4 : 2 << 1);
    else
      put_bits (&b, 8, spec->refresh);
    put_size (&b, spec);
    put_bits (&b, 1, 0);
  } else {
    put_inter (&b, spec);
  }
  if (!spec->error_resilient)
    put_bits (&b, 2, 3);
  put_bits (&b, 2, 0);
  put_bits (&b, 10, 8 << 4);
  put_bits (&b, 11, 60 << 3);
  put_bits (&b, 1, 0);
  put_bits (&b, 1, 0);
  put_bits (&b, 16, compressed->len);
  g_byte_array_append (b.out, compressed->data, compressed->len);
  g_byte_array_append (b.out, (const guint8 *) "tile", 4);
  g_byte_array_unref (compressed);
  return b.out;
}

static const Spec key_frame = {.key = TRUE,.show = TRUE,.width = 320,.height = 240 };
static const Spec inter_frame = {.show = TRUE,.refresh = 1 };

/* A client that writes down what it is told. */

typedef struct
{
  GString *log;
  struct v4l2_ctrl_vp9_frame frame;
  guint64 key;
} Client;

static gboolean
on_sequence (const CodecSequence * sequence, gpointer user_data)
{
  g_string_append_printf (((Client *) user_data)->log, "%s%ux%u/%ux%u ",
      sequence->keeps_references ? "keep" : "new", sequence->width, sequence->height,
      sequence->coded_width, sequence->coded_height);
  return TRUE;
}

static gboolean
on_picture (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  if (picture->flags & CODEC_PICTURE_REPEAT) {
    fail_unless (conceal != NULL);
    picture->client_data = GUINT_TO_POINTER ((guint) conceal->tag);
  }
  return TRUE;
}

static gboolean
on_submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  Client *client = user_data;

  fail_unless_equals_int (job->n_controls, 2);
  fail_unless_equals_int (job->controls[0].id, V4L2_CID_STATELESS_VP9_FRAME);
  fail_unless_equals_int (job->controls[0].size, sizeof (client->frame));
  memcpy (&client->frame, job->controls[0].data, sizeof (client->frame));
  client->key = job->capture_key;
  g_string_append_printf (client->log, "job%u%s%s ", (guint) picture->tag,
      picture->flags & CODEC_PICTURE_HIDDEN ? "h" : "",
      picture->flags & CODEC_PICTURE_CORRUPT ? "c" : "");
  return TRUE;
}

static gboolean
on_output (CodecPicture * picture, gpointer user_data)
{
  if (picture->flags & CODEC_PICTURE_REPEAT)
    g_string_append_printf (((Client *) user_data)->log, "again%u ",
        GPOINTER_TO_UINT (picture->client_data));
  else
    g_string_append_printf (((Client *) user_data)->log, "out%u ", (guint) picture->tag);
  return TRUE;
}

static const CodecClient callbacks = { on_sequence, on_picture, on_submit, on_output };

static Client the_client;
static CodecVp9 *codec;

static void
setup (void)
{
  the_client.log = g_string_new (NULL);
  codec = codec_vp9_new (&callbacks, &the_client);
}

static void
teardown (void)
{
  codec_vp9_free (codec);
  g_string_free (the_client.log, TRUE);
}

/* @code: -1 for no error */
static void
decode_bytes (const guint8 * data, gsize size, guint tag, gint code)
{
  g_autoptr (GError) err = NULL;

  codec_vp9_decode (codec, data, size, tag, &err);
  if (code < 0)
    fail_unless (err == NULL, "%s", err ? err->message : "");
  else
    fail_unless (g_error_matches (err, CODEC_ERROR, code), "%s", err ? err->message : "no error");
}

static void
decode_spec (Spec spec, guint tag, gint code)
{
  g_autoptr (GByteArray) frame = make_frame (&spec);

  decode_bytes (frame->data, frame->len, tag, code);
}

static void
expect (const gchar * log)
{
  fail_unless_equals_string (the_client.log->str, log);
  g_string_truncate (the_client.log, 0);
}

GST_START_TEST (test_references)
{
  guint64 start;
  Spec spec = inter_frame;

  decode_spec (key_frame, 0, -1);
  start = the_client.key;
  fail_unless (the_client.frame.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME);
  fail_unless_equals_int (the_client.frame.lf.ref_deltas[0], 1);
  fail_unless_equals_int (the_client.frame.lf.ref_deltas[3], -1);
  fail_unless_equals_int (the_client.frame.frame_width_minus_1, 319);
  spec.refresh = 2;
  decode_spec (spec, 1, -1);
  fail_unless_equals_uint64 (the_client.frame.last_frame_ts, start);
  spec.refs[1] = 1;
  decode_spec (spec, 2, -1);
  fail_unless_equals_uint64 (the_client.frame.last_frame_ts, start);
  fail_unless_equals_uint64 (the_client.frame.golden_frame_ts, start + 1000);
  fail_unless_equals_uint64 (the_client.frame.alt_frame_ts, start);
  expect ("new320x240/320x256 job0 out0 job1 out1 job2 out2 ");
}

GST_END_TEST;

GST_START_TEST (test_hidden_and_repeated)
{
  static const guint8 show_slot_1[] = { 0x89 };
  Spec spec = inter_frame;

  decode_spec (key_frame, 0, -1);
  spec.show = FALSE;
  spec.refresh = 2;
  decode_spec (spec, 1, -1);
  decode_bytes (show_slot_1, 1, 2, -1);
  decode_bytes (show_slot_1, 1, 3, -1);
  expect ("new320x240/320x256 job0 out0 job1h again1 again1 ");
}

GST_END_TEST;

/* Annex B */
GST_START_TEST (test_superframe)
{
  g_autoptr (GByteArray) one = make_frame (&inter_frame);
  g_autoptr (GByteArray) super = g_byte_array_new ();
  const guint8 index[] = { 0xc1, one->len, one->len, 0xc1 };

  decode_spec (key_frame, 0, -1);
  g_byte_array_append (super, one->data, one->len);
  g_byte_array_append (super, one->data, one->len);
  g_byte_array_append (super, index, sizeof (index));
  decode_bytes (super->data, super->len, 1, -1);
  expect ("new320x240/320x256 job0 out0 job1 job1 out1 ");
}

GST_END_TEST;

GST_START_TEST (test_resize)
{
  Spec spec = inter_frame;

  decode_spec (key_frame, 0, -1);
  /* in the same buffers */
  spec.width = 300;
  spec.height = 200;
  decode_spec (spec, 1, -1);
  expect ("new320x240/320x256 job0 out0 keep300x200/320x256 job1 out1 ");
  /* not in the same: said once */
  spec.width = 160;
  spec.height = 120;
  decode_spec (spec, 2, CODEC_ERROR_SKIPPED);
  decode_spec (spec, 3, -1);
  decode_spec (inter_frame, 4, -1);
  expect ("");
  spec = key_frame;
  spec.width = 160;
  spec.height = 120;
  decode_spec (spec, 5, -1);
  decode_spec (inter_frame, 6, -1);
  expect ("new160x120/192x128 job5 out5 job6 out6 ");
}

GST_END_TEST;

GST_START_TEST (test_access)
{
  Spec spec = key_frame;

  decode_spec (inter_frame, 0, -1);
  expect ("");
  decode_spec (key_frame, 1, -1);
  codec_vp9_flush (codec);
  decode_spec (inter_frame, 2, -1);
  decode_spec (key_frame, 3, -1);
  expect ("new320x240/320x256 job1 out1 job3 out3 ");

  /* An intra frame is one if it resets all contexts; it fills only what it refreshes. */
  codec_vp9_flush (codec);
  spec = (Spec) {
  .intra_only = TRUE,.error_resilient = TRUE,.width = 320,.height = 240,.refresh = 1};
  decode_spec (spec, 4, -1);
  decode_spec (inter_frame, 5, -1);
  spec = inter_frame;
  spec.refs[2] = 7;
  decode_spec (spec, 6, CODEC_ERROR_BITSTREAM);
  decode_spec (inter_frame, 7, -1);
  expect ("job4h job5 out5 job7c out7 ");
}

GST_END_TEST;

/* 7.2: reset_frame_context.  Only 3 resets all contexts, which is what decoding can start with. */
GST_START_TEST (test_reset_contexts)
{
  Spec spec = {.intra_only = TRUE,.width = 320,.height = 240,.refresh = 0x81 };

  for (spec.reset = 0; spec.reset < 3; spec.reset++)
    decode_spec (spec, spec.reset, -1);
  expect ("");
  decode_spec (spec, 3, -1);
  expect ("new320x240/320x256 job3h ");
  fail_unless_equals_int (the_client.frame.reset_frame_context, V4L2_VP9_RESET_FRAME_CTX_ALL);
  fail_unless (the_client.frame.flags & V4L2_VP9_FRAME_FLAG_INTRA_ONLY);
  fail_if (the_client.frame.flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME);
  /* in mid-stream each is decoded */
  for (spec.reset = 0; spec.reset < 4; spec.reset++) {
    static const guint expected[] = { V4L2_VP9_RESET_FRAME_CTX_NONE, V4L2_VP9_RESET_FRAME_CTX_NONE,
      V4L2_VP9_RESET_FRAME_CTX_SPEC, V4L2_VP9_RESET_FRAME_CTX_ALL
    };

    decode_spec (spec, 4 + spec.reset, -1);
    fail_unless_equals_int (the_client.frame.reset_frame_context, expected[spec.reset]);
  }
  expect ("job4h job5h job6h job7h ");
}

GST_END_TEST;

/* show_existing_frame of a key frame, more than once, also after a hidden one took its slot */
GST_START_TEST (test_key_repeated)
{
  static const guint8 show_slot_5[] = { 0x8d };
  Spec hidden = key_frame;

  hidden.show = FALSE;
  decode_spec (hidden, 0, -1);
  expect ("new320x240/320x256 job0h ");
  decode_bytes (show_slot_5, 1, 1, -1);
  decode_bytes (show_slot_5, 1, 2, -1);
  decode_spec (inter_frame, 3, -1);
  decode_bytes (show_slot_5, 1, 4, -1);
  expect ("again0 again0 job3 out3 again0 ");
}

GST_END_TEST;

/* Annex B: frames of no bytes are not there, and an index that claims too much is damage. */
GST_START_TEST (test_superframe_index)
{
  g_autoptr (GByteArray) one = NULL, super = g_byte_array_new ();
  Spec hidden = inter_frame;
  const guint8 huge[] = { 0xc0, 0xff, 0xc0 };

  hidden.show = FALSE;
  one = make_frame (&hidden);
  {
    const guint8 index[] = { 0xc2, one->len, 0, 1, 0xc2 };
    const guint8 show_slot_0 = 0x88;

    g_byte_array_append (super, one->data, one->len);
    g_byte_array_append (super, &show_slot_0, 1);
    g_byte_array_append (super, index, sizeof (index));
  }
  decode_spec (key_frame, 0, -1);
  decode_bytes (super->data, super->len, 1, -1);
  expect ("new320x240/320x256 job0 out0 job1h again1 ");

  g_byte_array_set_size (super, one->len);
  memcpy (super->data, one->data, one->len);
  g_byte_array_append (super, huge, sizeof (huge));
  decode_bytes (super->data, super->len, 2, CODEC_ERROR_BITSTREAM);
  decode_spec (inter_frame, 3, -1);
  expect ("job3c out3 ");
}

GST_END_TEST;

/* Any size has whole superblocks of buffer. */
GST_START_TEST (test_sizes)
{
  Spec spec = key_frame;
  guint w, h;

  for (w = 1; w <= 66; w++) {
    for (h = 1; h <= 66; h++) {
      g_autofree gchar *end = g_strdup_printf ("%ux%u/%ux%u job1 out1 ", w, h, w > 64 ? 128 : 64,
          h > 64 ? 128 : 64);

      spec.width = w;
      spec.height = h;
      decode_spec (spec, 1, -1);
      fail_unless (g_str_has_suffix (the_client.log->str, end), "%s", the_client.log->str);
      g_string_truncate (the_client.log, 0);
    }
  }
}

GST_END_TEST;

GST_START_TEST (test_profile)
{
  Spec spec = key_frame;

  spec.profile = 1;
  decode_spec (spec, 0, CODEC_ERROR_UNSUPPORTED);
  expect ("");
}

GST_END_TEST;

/* Every cut of a frame: an error, or (in the tile) the hardware's business. */
GST_START_TEST (test_cut_off)
{
  g_autoptr (GByteArray) frame = make_frame (&key_frame);
  gsize size;

  for (size = 1; size < frame->len - 4; size++) {
    g_autofree guint8 *cut = g_memdup2 (frame->data, size);

    decode_bytes (cut, size, size, CODEC_ERROR_BITSTREAM);
  }
  decode_bytes (frame->data, 0, 0, -1);
  expect ("");
}

GST_END_TEST;

GST_START_TEST (test_compressed_header)
{
  struct v4l2_ctrl_vp9_compressed_hdr out;
  GstVp9FrameHdr hdr = { 0, };
  g_autoptr (GByteArray) data = NULL;
  guint8 mode;
  Encoder e;

  hdr.frame_type = GST_VP9_INTER_FRAME;
  hdr.ref_frame_sign_bias[2] = 1;
  encoder_start (&e);
  put_literal (&e, 3, 7);       /* TX_MODE_SELECT */
  put_no_updates (&e, 2 + 4 + 5);
  put_bool (&e, 252, 1);        /* tx32[1][2] */
  put_literal (&e, 1, 0);
  put_literal (&e, 4, 1);
  put_literal (&e, 1, 1);       /* 4x4 */
  put_no_updates (&e, 9);
  put_bool (&e, 252, 1);        /* coef[0][0][0][1][0][0] */
  put_largest_delta (&e);
  put_no_updates (&e, 4 * 99 - 10);
  put_literal (&e, 3, 0);
  put_no_updates (&e, 3 + 21 + 4);
  put_literal (&e, 2, 3);       /* REFERENCE_MODE_SELECT */
  put_no_updates (&e, 5 + 10 + 5 + 36 + 48);
  put_bool (&e, 252, 1);        /* mv.joint[0] */
  put_literal (&e, 7, 100);
  put_no_updates (&e, 2 + 2 * 22 + 2 * 9);
  data = encoder_end (&e);

  fail_unless (vp9_parse_compressed_header (&hdr, data->data, data->len, &out, &mode));
  fail_unless_equals_int (out.tx_mode, V4L2_VP9_TX_MODE_SELECT);
  fail_unless_equals_int (out.tx32[1][2], 20);
  fail_unless_equals_int (out.tx32[1][1], 0);
  fail_unless_equals_int (out.coef[0][0][0][1][0][0], 253);
  fail_unless_equals_int (out.coef[0][0][0][0][3][0], 0);
  fail_unless_equals_int (mode, V4L2_VP9_REFERENCE_MODE_SELECT);
  fail_unless_equals_int (out.mv.joint[0], 201);
  fail_unless_equals_int (out.mv.joint[1], 0);
  fail_if (vp9_parse_compressed_header (&hdr, data->data, data->len / 2, &out, &mode));
  fail_if (vp9_parse_compressed_header (&hdr, data->data, 0, &out, &mode));
  data->data[0] |= 0x80;        /* the marker */
  fail_if (vp9_parse_compressed_header (&hdr, data->data, data->len, &out, &mode));
}

GST_END_TEST;

static Suite *
vp9codec_suite (void)
{
  Suite *s = suite_create ("vp9codec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_references);
  tcase_add_test (tc, test_hidden_and_repeated);
  tcase_add_test (tc, test_superframe);
  tcase_add_test (tc, test_resize);
  tcase_add_test (tc, test_access);
  tcase_add_test (tc, test_reset_contexts);
  tcase_add_test (tc, test_key_repeated);
  tcase_add_test (tc, test_superframe_index);
  tcase_add_test (tc, test_sizes);
  tcase_add_test (tc, test_profile);
  tcase_add_test (tc, test_cut_off);
  tcase_add_test (tc, test_compressed_header);
  return s;
}

GST_CHECK_MAIN (vp9codec);
