/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "h264kit.h"

static void
check_sequence (Recorder * recorder G_GNUC_UNUSED, const CodecSequence * sequence)
{
  fail_unless_equals_int (sequence->n_controls, 1);
  fail_unless_equals_int (sequence->controls[0].id, V4L2_CID_STATELESS_H264_SPS);
  fail_unless_equals_int (sequence->controls[0].size, sizeof (struct v4l2_ctrl_h264_sps));
}

static void
check_job (Recorder * recorder, const CodecJob * job)
{
  fail_unless (job->size >= 5);
  fail_unless (memcmp (job->data, "\0\0\1", 3) == 0);
  fail_unless_equals_int (job->n_controls, 4);
  fail_unless (job->n_refs <= 16);
  for (guint i = 0; i < job->n_refs; i++)
    fail_unless_equals_uint64 (recorder->params.dpb[i].reference_ts, job->refs[i]->key);
}

Recorder *
h264_recorder_new (void)
{
  Recorder *recorder = recorder_new ();

  recorder->max_alive = 17;     /* a DPB and a current one */
  recorder->check_sequence = check_sequence;
  recorder->check_job = check_job;

  return recorder;
}

Recorder *rec;
CodecH264 *codec;
GByteArray *stream;
BitsSps sps;
BitsPps pps;

void
setup (void)
{
  rec = h264_recorder_new ();
  codec = codec_h264_new (&recorder_client, rec);
  stream = g_byte_array_new ();
  sps = BITS_SPS;
  memset (&pps, 0, sizeof (pps));
}

void
teardown (void)
{
  codec_h264_free (codec);
  g_byte_array_unref (stream);
  recorder_free (rec);
}

gboolean
decode (GError ** error)
{
  static guint64 tag;
  gboolean result = codec_h264_decode (codec, stream->data, stream->len, ++tag, error);

  g_byte_array_set_size (stream, 0);

  return result;
}

void
decode_ok (void)
{
  GError *error = NULL;

  fail_unless (decode (&error), "%s", error ? error->message : "no job");
  fail_unless (error == NULL);
}

void
decode_fails (CodecError code)
{
  g_autoptr (GError) error = NULL;

  fail_if (decode (&error));
  fail_unless (g_error_matches (error, CODEC_ERROR, code), "%s",
      error ? error->message : "no error");
}

void
headers (void)
{
  bits_sps (stream, &sps);
  bits_pps (stream, &pps);
}

void
idr (void)
{
  static guint id;
  BitsSlice slice = {.nal_type = 5,.ref_idc = 3,.type = 2,.idr_pic_id = ++id % 4 };

  bits_slice (stream, &sps, &pps, &slice);
}

/* A picture of one slice; type as slice_type. */
void
picture (guint type, gboolean reference, guint frame_num, guint poc_lsb, const BitsMmco * mmco)
{
  BitsSlice slice = {.nal_type = 1,.ref_idc = reference ? 2 : 0,.type = type,.mmco = mmco };

  slice.frame_num = frame_num & ((1 << sps.log2_max_frame_num) - 1);
  slice.poc_lsb = poc_lsb & ((1 << sps.log2_max_poc_lsb) - 1);
  bits_slice (stream, &sps, &pps, &slice);
}

void
expect_log (const gchar * log)
{
  fail_unless_equals_string (rec->log->str, log);
  g_string_truncate (rec->log, 0);
}

void
drain (void)
{
  fail_unless (codec_h264_drain (codec, NULL));
}

/* Has the last job these references, given as number of the picture, in any order? */
void
expect_refs (guint n, ...)
{
  va_list args;

  fail_unless_equals_int (rec->n_refs, n);
  va_start (args, n);
  for (guint i = 0; i < n; i++) {
    guint64 key = (va_arg (args, guint) + 1) * 1000;
    gboolean found = FALSE;

    for (guint j = 0; j < 16; j++)
      found |= rec->params.dpb[j].reference_ts == key
          && (rec->params.dpb[j].flags & V4L2_H264_DPB_ENTRY_FLAG_ACTIVE);
    fail_unless (found, "key %" G_GUINT64_FORMAT " is no reference", key);
  }
  va_end (args);
}

const struct v4l2_h264_dpb_entry *
find_ref (guint number)
{
  for (guint i = 0; i < 16; i++) {
    if (rec->params.dpb[i].flags && rec->params.dpb[i].reference_ts == (number + 1) * 1000)
      return &rec->params.dpb[i];
  }
  fail ("picture %u is no reference", number);

  return NULL;
}

/* I P B b b: decoding order 0 8 4 2 6 */
void
write_pyramid (guint first_frame_num, guint base)
{
  picture (0, TRUE, first_frame_num, base + 8, NULL);
  picture (1, TRUE, first_frame_num + 1, base + 4, NULL);
  picture (1, FALSE, first_frame_num + 2, base + 2, NULL);
  picture (1, FALSE, first_frame_num + 2, base + 6, NULL);
}
