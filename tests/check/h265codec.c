/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The HEVC codec without any device: reference picture sets and lists, output
 * order, random access, controls, damage. The streams are written bit by bit;
 * a pure codec never reads slice data.
 */
#include <gst/check/gstcheck.h>

#include <linux/videodev2.h>
#include <linux/v4l2-controls.h>
#include <string.h>

#include "bits.h"
#include "h265.h"
#include "nalsplit.h"

enum
{
  TRAIL_N = 0, TRAIL_R = 1, RADL_N = 6, RASL_N = 8, IDR = 19, CRA = 21, SPS = 33, PPS = 34, AUD =
      35, EOS = 36
};

typedef struct
{
  guint nal, poc;               /* the POC's lsb, of 4 bits */
  guint type;                   /* 0 B, 1 P, 2 I */
  gint refs[4];                 /* POC differences, ends with 0: before, then after */
  guint long_term;              /* lsb + 1 of one long-term reference */
  gboolean not_first, dependent, no_output_of_prior;
} Slice;

static GString *trace;
static GByteArray *stream;
static CodecH265 *codec;
static guint n_alive;
static CodecPictureFlags flags;
static CodecSequence sequence;
static struct v4l2_ctrl_hevc_decode_params params;
static struct v4l2_ctrl_hevc_pps pps;
static struct v4l2_ctrl_hevc_slice_params slices[8];
static guint n_slices;
static GByteArray *job_data;
static guint max_sub_layers, tiles, in_sps;
static gboolean extensions, slice_extensions, entry_points, bad_alignment;
static guint slice_extension_length;    /* bytes */

static void
picture_gone (gpointer data)
{
  n_alive--;
}

static gboolean
on_sequence (const CodecSequence * s, gpointer user_data)
{
  sequence = *s;
  g_string_append (trace, "S ");
  return TRUE;
}

static gboolean
on_picture (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  n_alive++;
  flags = picture->flags;
  picture->client_data = GUINT_TO_POINTER (1);
  picture->client_destroy = picture_gone;
  return TRUE;
}

static gboolean
on_submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  g_string_append_printf (trace, "J%u ", (guint) (picture->key / 1000));
  g_byte_array_set_size (job_data, 0);
  g_byte_array_append (job_data, job->data, job->size);
  for (guint i = 0; i < job->n_controls; i++) {
    const CodecControl *c = &job->controls[i];

    if (c->id == V4L2_CID_STATELESS_HEVC_DECODE_PARAMS)
      memcpy (&params, c->data, sizeof (params));
    if (c->id == V4L2_CID_STATELESS_HEVC_PPS)
      memcpy (&pps, c->data, sizeof (pps));
    if (c->id == V4L2_CID_STATELESS_HEVC_SLICE_PARAMS) {
      n_slices = c->size / sizeof (slices[0]);
      fail_unless (n_slices <= G_N_ELEMENTS (slices));
      memcpy (slices, c->data, c->size);
    }
  }
  fail_unless_equals_int (job->n_refs, params.num_active_dpb_entries);
  for (guint i = 0; i < job->n_refs; i++)
    fail_unless_equals_uint64 (job->refs[i]->key, params.dpb[i].timestamp);
  return TRUE;
}

static gboolean
on_output (CodecPicture * picture, gpointer user_data)
{
  g_string_append_printf (trace, "O%u ", (guint) (picture->key / 1000));
  return TRUE;
}

static const CodecClient client = { on_sequence, on_picture, on_submit, on_output };

static void
setup (void)
{
  trace = g_string_new (NULL);
  stream = g_byte_array_new ();
  job_data = g_byte_array_new ();
  codec = codec_h265_new (&client, NULL);
  max_sub_layers = 1;
  tiles = 0;
  in_sps = 0;
  extensions = slice_extensions = entry_points = bad_alignment = FALSE;
  slice_extension_length = 0;
}

static void
teardown (void)
{
  codec_h265_free (codec);
  fail_unless_equals_int (n_alive, 0);
  g_byte_array_unref (stream);
  g_byte_array_unref (job_data);
  g_string_free (trace, TRUE);
}

/* The second byte of the NAL header comes first: layer 0, TemporalId 0. */
static void
begin (Bits * b)
{
  memset (b, 0, sizeof (*b));
  bits_put (b, 8, 1);
}

/* 256x128, CTBs of 16; DPB 5, reorder 2 for the highest sub-layer and 0 for the others */
static void
put_sps (void)
{
  Bits b;

  begin (&b);
  bits_put (&b, 4, 0);
  bits_put (&b, 3, max_sub_layers - 1);
  bits_put (&b, 1, 1);
  bits_put (&b, 8, 1);          /* Main */
  bits_put (&b, 32, 0x60000000);
  bits_put (&b, 32, 0x90000000);
  bits_put (&b, 16, 0);
  bits_put (&b, 8, 93);
  if (max_sub_layers > 1)
    bits_put (&b, 16, 0);       /* no sub-layer says more */
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 1);
  bits_put_ue (&b, 256);
  bits_put_ue (&b, 128);
  bits_put (&b, 1, 1);
  bits_put_ue (&b, 1);
  bits_put_ue (&b, 2);
  bits_put_ue (&b, 3);
  bits_put_ue (&b, 4);
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 0);          /* 4 bits of POC lsb */
  bits_put (&b, 1, 1);
  for (guint i = 0; i < max_sub_layers; i++) {
    gboolean highest = i == max_sub_layers - 1;

    bits_put_ue (&b, highest ? 4 : 0);
    bits_put_ue (&b, highest ? 2 : 0);
    bits_put_ue (&b, 0);
  }
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 1);
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 1);
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 0);
  bits_put (&b, 4, 0);          /* scaling lists, AMP, SAO, PCM */
  bits_put_ue (&b, in_sps);
  for (guint i = 0; i < in_sps; i++) {  /* set i: one picture, i + 1 before */
    if (i)
      bits_put (&b, 1, 0);
    bits_put_ue (&b, 1);
    bits_put_ue (&b, 0);
    bits_put_ue (&b, i);
    bits_put (&b, 1, 1);
  }
  bits_put (&b, 1, 1);          /* long-term pictures */
  bits_put_ue (&b, 0);
  bits_put (&b, 3, 0);          /* no temporal MVs, no strong smoothing, VUI */
  bits_put (&b, 1, extensions);
  if (extensions)
    bits_put (&b, 17, 0x80 << 9 | 0x155);       /* range: every other tool */
  bits_emit (stream, SPS << 1, &b);
}

static void
put_pps (void)
{
  Bits b;

  begin (&b);
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 0);
  bits_put (&b, 1, 1);          /* dependent slice segments */
  bits_put (&b, 6, 0);
  bits_put_ue (&b, 0);
  bits_put_ue (&b, 0);
  bits_put_se (&b, 0);
  bits_put (&b, 3, 0);
  bits_put_se (&b, 0);
  bits_put_se (&b, 0);
  bits_put (&b, 4, 0);
  bits_put (&b, 1, tiles > 0);
  bits_put (&b, 1, 0);
  if (tiles) {
    bits_put_ue (&b, tiles - 1);
    bits_put_ue (&b, 0);
    bits_put (&b, 2, 3);        /* uniform */
  }
  bits_put (&b, 4, 0);
  bits_put_ue (&b, 0);
  bits_put (&b, 1, slice_extensions);
  bits_put (&b, 1, extensions);
  if (extensions) {             /* range, with cu_chroma_qp_offset_enabled_flag in slice headers */
    bits_put (&b, 10, 0x80 << 2 | 1);
    bits_put (&b, 6, 0x3f);     /* six times 0 */
  }
  bits_emit (stream, PPS << 1, &b);
}

static void
put_rps (Bits * b, const Slice * s)
{
  guint n[2] = { 0, 0 };
  gint last[2] = { 0, 0 };

  for (guint i = 0; i < 4 && s->refs[i]; i++)
    n[s->refs[i] > 0]++;
  bits_put_ue (b, n[0]);
  bits_put_ue (b, n[1]);
  for (guint i = 0; i < n[0] + n[1]; i++) {
    gint *from = &last[s->refs[i] > 0];

    bits_put_ue (b, ABS (s->refs[i] - *from) - 1);
    bits_put (b, 1, 1);
    *from = s->refs[i];
  }
}

static void
put_slice (Slice s)
{
  Bits b;

  begin (&b);
  bits_put (&b, 1, !s.not_first);
  if (s.nal >= 16 && s.nal <= 23)
    bits_put (&b, 1, s.no_output_of_prior);
  bits_put_ue (&b, 0);
  if (s.not_first) {
    bits_put (&b, 1, s.dependent);
    bits_put (&b, 7, 9);
  }
  if (!s.dependent) {
    bits_put_ue (&b, s.type);
    if (s.nal != IDR) {
      bits_put (&b, 4, s.poc);
      bits_put (&b, 1, in_sps > 0);
      if (!in_sps) {
        put_rps (&b, &s);
      } else if (in_sps > 1) {
        bits_put (&b, g_bit_storage (in_sps - 1), s.poc % in_sps);
      }
      bits_put_ue (&b, s.long_term != 0);
      if (s.long_term) {
        bits_put (&b, 4, s.long_term - 1);
        bits_put (&b, 2, 2);
      }
    }
    if (s.type != 2) {
      bits_put (&b, 1, 1);
      bits_put_ue (&b, 1);
      if (s.type == 0) {
        bits_put_ue (&b, 1);
        bits_put (&b, 1, 0);
      }
      bits_put_ue (&b, 0);
    }
    bits_put_se (&b, 0);
  }
  if (tiles)
    bits_put_ue (&b, entry_points);
  if (entry_points) {           /* one of 0 in 32 bits: emulation prevention */
    bits_put_ue (&b, 31);
    bits_put (&b, 32, 0);
  }
  if (slice_extensions)
    bits_put_ue (&b, slice_extension_length);
  for (guint i = 0; slice_extensions && i < slice_extension_length; i++)
    bits_put (&b, 8, i % 5 / 4);
  bits_put (&b, 1, 1);
  if (bad_alignment)
    bits_put (&b, 1, 1);
  bits_put (&b, -b.n_bits & 7, 0);
  bits_put (&b, 32, 0x5a5a5a5a);
  bits_emit (stream, s.nal << 1, &b);
}

#define SLICE(...) put_slice ((Slice) { __VA_ARGS__ })

static gboolean
decode (GError ** error)
{
  gboolean ret = codec_h265_decode (codec, stream->data, stream->len, 0, error);

  g_byte_array_set_size (stream, 0);
  return ret;
}

static void
decode_ok (void)
{
  GError *error = NULL;

  fail_unless (decode (&error), "%s", error ? error->message : "nothing decoded");
}

/* What came since the last call, and what draining gives. */
static void
expect (const gchar * before, const gchar * drained)
{
  fail_unless_equals_string (trace->str, before);
  g_string_truncate (trace, 0);
  if (drained) {
    codec_h265_drain (codec, NULL);
    fail_unless_equals_string (trace->str, drained);
    g_string_truncate (trace, 0);
  }
}

static void
start (guint nal)
{
  put_sps ();
  put_pps ();
  SLICE (.nal = nal,.type = 2);
  decode_ok ();
}

GST_START_TEST (test_sequence)
{
  start (IDR);
  expect ("S J1 ", "O1 ");
  fail_unless_equals_int (sequence.coded_width, 256);
  fail_unless_equals_int (sequence.crop_x, 2);
  fail_unless_equals_int (sequence.crop_y, 6);
  fail_unless_equals_int (sequence.width, 256 - 6);
  fail_unless_equals_int (sequence.height, 128 - 14);
  fail_unless_equals_int (sequence.level, V4L2_MPEG_VIDEO_HEVC_LEVEL_3_1);
  /* the same again is no new one */
  start (IDR);
  expect ("J2 ", "O2 ");
}

GST_END_TEST;

GST_START_TEST (test_lists)
{
  start (IDR);
  SLICE (.nal = TRAIL_R,.poc = 4,.type = 1,.refs = { -4 });
  decode_ok ();
  SLICE (.nal = TRAIL_R,.poc = 2,.refs = { -2, 2 });
  decode_ok ();
  expect ("S J1 J2 J3 O1 ", "O3 O2 ");
  fail_unless_equals_int (params.num_active_dpb_entries, 2);
  fail_unless_equals_int (params.pic_order_cnt_val, 2);
  fail_unless_equals_int (params.num_poc_st_curr_before, 1);
  fail_unless_equals_int (params.num_poc_st_curr_after, 1);
  fail_unless_equals_int (slices[0].ref_idx_l0[0], 0);
  fail_unless_equals_int (slices[0].ref_idx_l0[1], 1);
  fail_unless_equals_int (slices[0].ref_idx_l1[0], 1);
  fail_unless_equals_int (slices[0].ref_idx_l1[1], 0);
  /* two ue(v) of "1", then for each a difference of 2 (3 bits) and a flag */
  fail_unless_equals_int (slices[0].short_term_ref_pic_set_size, 3 + 3 + 2 * 4);
  fail_unless_equals_int (slices[0].long_term_ref_pic_set_size, 1);
}

GST_END_TEST;

GST_START_TEST (test_rps_of_sps)
{
  in_sps = 3;
  start (IDR);
  SLICE (.nal = TRAIL_R,.poc = 1,.type = 2);
  decode_ok ();
  SLICE (.nal = TRAIL_R,.poc = 3,.type = 1);    /* set 0: one before: missing */
  decode_ok ();
  fail_unless (flags & CODEC_PICTURE_CORRUPT);
  fail_unless_equals_int (slices[0].short_term_ref_pic_set_size, 0);
  fail_unless_equals_int (params.num_active_dpb_entries, 1);
  fail_unless_equals_int (params.dpb[0].pic_order_cnt_val, 1);
}

GST_END_TEST;

GST_START_TEST (test_long_term)
{
  start (IDR);
  SLICE (.nal = TRAIL_R,.poc = 1,.type = 1,.refs = { -1 },);
  decode_ok ();
  SLICE (.nal = TRAIL_R,.poc = 2,.type = 1,.refs = { -1 },.long_term = 1);
  decode_ok ();
  fail_unless_equals_int (params.num_poc_lt_curr, 1);
  fail_unless_equals_int (params.num_active_dpb_entries, 2);
  fail_unless_equals_int (params.dpb[0].flags, V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE);
  fail_unless_equals_int (params.dpb[1].flags, 0);
  fail_unless_equals_int (slices[0].ref_idx_l0[0], 1);
  fail_unless_equals_int (slices[0].ref_idx_l0[1], 0);
  /* once long-term, it is no short-term reference again */
  SLICE (.nal = TRAIL_R,.poc = 3,.type = 1,.refs = { -3 });
  decode_ok ();
  fail_unless (flags & CODEC_PICTURE_CORRUPT);
}

GST_END_TEST;

GST_START_TEST (test_random_access)
{
  start (CRA);
  SLICE (.nal = RASL_N,.poc = 14,.type = 1,.refs = { 2 });
  fail_if (decode (NULL));
  SLICE (.nal = RADL_N,.poc = 15,.type = 1,.refs = { 1 });
  decode_ok ();
  fail_unless_equals_int (params.pic_order_cnt_val, -1);
  expect ("S J1 J2 ", NULL);
  /* a CRA picture within a sequence has whole leading pictures */
  SLICE (.nal = CRA,.poc = 8,.type = 2);
  decode_ok ();
  SLICE (.nal = RASL_N,.poc = 6,.type = 1,.refs = { 2 });
  decode_ok ();
  fail_unless_equals_int (params.pic_order_cnt_val, 6);
  /* but not behind an end of sequence */
  g_byte_array_append (stream, (const guint8 *) "\0\0\1\110\1", 5);
  SLICE (.nal = CRA,.poc = 4,.type = 2);
  decode_ok ();
  fail_unless_equals_int (params.pic_order_cnt_val, 4);
  fail_unless_equals_int (params.num_active_dpb_entries, 0);
  SLICE (.nal = RASL_N,.poc = 2,.type = 1,.refs = { 2 });
  fail_if (decode (NULL));
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  start (IDR);
  codec_h265_flush (codec);
  SLICE (.nal = TRAIL_R,.poc = 1,.type = 1,.refs = { -1 });
  fail_if (decode (NULL));
  SLICE (.nal = CRA,.poc = 2,.type = 2);
  decode_ok ();
  expect ("S J1 J2 ", "O2 ");
}

GST_END_TEST;

GST_START_TEST (test_no_output_of_prior)
{
  start (IDR);
  SLICE (.nal = IDR,.type = 2,.no_output_of_prior = TRUE);
  decode_ok ();
  SLICE (.nal = IDR,.type = 2);
  decode_ok ();
  expect ("S J1 J2 O2 J3 ", "O3 ");
}

GST_END_TEST;

/* Output waits for what the highest sub-layer reorders, not the lowest. */
GST_START_TEST (test_sub_layers)
{
  max_sub_layers = 2;
  start (IDR);
  SLICE (.nal = TRAIL_R,.poc = 4,.type = 1,.refs = { -4 });
  decode_ok ();
  expect ("S J1 J2 ", "O1 O2 ");
  fail_unless_equals_int (sequence.reorder, 2);
}

GST_END_TEST;

GST_START_TEST (test_slices)
{
  put_sps ();
  put_pps ();
  SLICE (.nal = IDR,.type = 2);
  SLICE (.nal = IDR,.not_first = TRUE,.dependent = TRUE);
  SLICE (.nal = IDR,.not_first = TRUE,.type = 2);
  decode_ok ();
  expect ("S J1 ", NULL);
  fail_unless_equals_int (n_slices, 3);
  fail_unless_equals_int (slices[1].slice_segment_addr, 9);
  fail_unless (slices[1].flags & V4L2_HEVC_SLICE_PARAMS_FLAG_DEPENDENT_SLICE_SEGMENT);
  fail_if (slices[2].flags & V4L2_HEVC_SLICE_PARAMS_FLAG_DEPENDENT_SLICE_SEGMENT);
  fail_if (flags & CODEC_PICTURE_CORRUPT);
  /* the first one lost */
  SLICE (.nal = IDR,.not_first = TRUE,.type = 2);
  decode_ok ();
  fail_unless (flags & CODEC_PICTURE_CORRUPT);
  /* one that depends on nothing */
  SLICE (.nal = IDR,.not_first = TRUE,.dependent = TRUE);
  fail_if (decode (NULL));
}

GST_END_TEST;

/* Streams of version 1 may have any bits there: no profile of it has a tool that they could turn on. */
GST_START_TEST (test_extension_data)
{
  extensions = TRUE;
  start (IDR);
  SLICE (.nal = TRAIL_R,.type = 1,.poc = 1,.refs = { -1 });
  decode_ok ();
  expect ("S J1 J2 ", "O1 O2 ");
  fail_unless_equals_int (n_slices, 1);
  fail_unless_equals_int (params.num_active_dpb_entries, 1);
}

GST_END_TEST;

/* Slice data begins where data_byte_offset says. */
static void
check_data_offsets (void)
{
  for (guint i = 0; i < n_slices; i++) {
    fail_unless (slices[i].data_byte_offset + 4 <= job_data->len);
    fail_unless (memcmp (job_data->data + slices[i].data_byte_offset, "ZZZZ", 4) == 0);
  }
}

GST_START_TEST (test_data_offset)
{
  tiles = 2;
  entry_points = TRUE;
  start (IDR);
  check_data_offsets ();
}

GST_END_TEST;

static void
decode_two_segments (void)
{
  start (IDR);
  SLICE (.nal = TRAIL_R,.poc = 1,.refs = { -1 });
  SLICE (.nal = TRAIL_R,.not_first = TRUE,.dependent = TRUE);
  decode_ok ();
  fail_unless_equals_int (n_slices, 2);
  check_data_offsets ();
}

/* What the hardware gets is the same as without extensions of the slice headers. */
GST_START_TEST (test_slice_extension)
{
  static const guint lengths[] = { 0, 1, 3, 255, 256 };
  g_autoptr (GByteArray) plain = NULL;
  struct v4l2_ctrl_hevc_slice_params second;

  tiles = 2;
  entry_points = TRUE;
  decode_two_segments ();
  plain = g_steal_pointer (&job_data);
  job_data = g_byte_array_new ();
  second = slices[1];

  slice_extensions = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    slice_extension_length = lengths[i];
    decode_two_segments ();
    fail_if (pps.flags & V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT);
    fail_unless_equals_int (job_data->len, plain->len);
    fail_unless (memcmp (job_data->data, plain->data, plain->len) == 0);
    fail_unless (memcmp (&slices[1], &second, sizeof (second)) == 0);
  }
}

GST_END_TEST;

/* No job comes of a picture without any slice segment. */
GST_START_TEST (test_slice_extension_damaged)
{
  GError *error = NULL;

  slice_extensions = bad_alignment = TRUE;
  put_sps ();
  put_pps ();
  SLICE (.nal = IDR,.type = 2);
  SLICE (.nal = IDR,.not_first = TRUE,.dependent = TRUE);
  fail_if (decode (&error));
  fail_unless (g_error_matches (error, CODEC_ERROR, CODEC_ERROR_BITSTREAM));
  g_clear_error (&error);
  expect ("", "");
}

GST_END_TEST;

GST_START_TEST (test_tiles)
{
  static const guint8 widths[] = { 5 - 1, 5 - 1, 6 - 1 };

  tiles = 3;
  start (IDR);
  fail_unless (memcmp (pps.column_width_minus1, widths, sizeof (widths)) == 0);
  fail_unless_equals_int (pps.row_height_minus1[0], 8 - 1);
}

GST_END_TEST;

/* NalFunc */
static gboolean
append_prefixed (gpointer array, const guint8 * data, gsize size)
{
  const guint8 length[] = { size >> 8, size };

  g_byte_array_append (array, length, sizeof (length));
  g_byte_array_append (array, data, size);
  return TRUE;
}

/* What the stream has so far, each NAL unit after its length in two bytes. */
static GByteArray *
take_prefixed (void)
{
  GByteArray *out = g_byte_array_new ();

  nal_split (stream->data, stream->len, 0, append_prefixed, out, NULL);
  g_byte_array_set_size (stream, 0);
  return out;
}

static void
put_aud (void)
{
  static const guint8 aud[] = { AUD << 1, 1, 0x50 };

  nal_append (stream, aud, sizeof (aud));
}

/* An hvcC box whose one array has the @n NAL units of the stream. */
static GByteArray *
take_hvcc (guint n)
{
  const guint8 header[23] = {[0] = 1,[21] = 1,[22] = 1 };
  const guint8 array[3] = { SPS, 0, n };
  GByteArray *box = g_byte_array_new ();
  GByteArray *nals = take_prefixed ();

  g_byte_array_append (box, header, sizeof (header));
  g_byte_array_append (box, array, sizeof (array));
  g_byte_array_append (box, nals->data, nals->len);
  g_byte_array_unref (nals);
  return box;
}

GST_START_TEST (test_hvcc)
{
  GByteArray *box, *unit;
  GError *error = NULL;

  put_sps ();
  put_pps ();
  box = take_hvcc (2);
  for (gsize size = 0; size < box->len; size++) {
    guint8 *part = g_memdup2 (box->data, size);

    fail_if (codec_h265_set_format (codec, CODEC_H265_HVC, part, size, &error), "%zu bytes", size);
    fail_unless (g_error_matches (error, CODEC_ERROR, CODEC_ERROR_BITSTREAM));
    g_clear_error (&error);
    g_free (part);
  }
  fail_unless (codec_h265_set_format (codec, CODEC_H265_HVC, box->data, box->len, &error));
  g_byte_array_unref (box);

  SLICE (.nal = IDR,.type = 2);
  unit = take_prefixed ();
  fail_unless (codec_h265_decode (codec, unit->data, unit->len, 0, &error));
  expect ("S J1 ", "O1 ");
  g_byte_array_unref (unit);
}

GST_END_TEST;

/* A picture in the box is in no access unit. */
GST_START_TEST (test_hvcc_picture)
{
  GByteArray *box;

  put_sps ();
  put_pps ();
  SLICE (.nal = IDR,.type = 2);
  put_aud ();
  box = take_hvcc (4);
  fail_unless (codec_h265_set_format (codec, CODEC_H265_HVC, box->data, box->len, NULL));
  expect ("", "");
  g_byte_array_unref (box);
}

GST_END_TEST;

static Suite *
h265codec_suite (void)
{
  Suite *s = suite_create ("h265codec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_sequence);
  tcase_add_test (tc, test_lists);
  tcase_add_test (tc, test_rps_of_sps);
  tcase_add_test (tc, test_long_term);
  tcase_add_test (tc, test_random_access);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_no_output_of_prior);
  tcase_add_test (tc, test_sub_layers);
  tcase_add_test (tc, test_slices);
  tcase_add_test (tc, test_extension_data);
  tcase_add_test (tc, test_data_offset);
  tcase_add_test (tc, test_slice_extension);
  tcase_add_test (tc, test_slice_extension_damaged);
  tcase_add_test (tc, test_tiles);
  tcase_add_test (tc, test_hvcc);
  tcase_add_test (tc, test_hvcc_picture);
  return s;
}

GST_CHECK_MAIN (h265codec);
