/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "h264kit.h"

typedef struct
{
  Recorder *recorder;
  guint number;
  gboolean gap, submitted, output;
} Buffer;

static void
buffer_free (gpointer data)
{
  Buffer *buffer = data;

  buffer->recorder->n_alive--;
  g_free (buffer);
}

static gboolean
record_sequence (const CodecSequence * sequence, gpointer user_data)
{
  Recorder *rec = user_data;

  fail_unless_equals_int (sequence->n_controls, 1);
  fail_unless_equals_int (sequence->controls[0].id, V4L2_CID_STATELESS_H264_SPS);
  fail_unless_equals_int (sequence->controls[0].size, sizeof (struct v4l2_ctrl_h264_sps));
  rec->sequence = *sequence;
  g_string_append (rec->log, "S ");

  return TRUE;
}

static gboolean
record_new (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  Recorder *rec = user_data;
  Buffer *buffer;

  if (rec->refuse_new)
    return FALSE;
  fail_unless (picture->key % 1000 == 0);
  fail_unless (!conceal || conceal->client_data);

  buffer = g_new0 (Buffer, 1);
  buffer->recorder = rec;
  buffer->number = rec->n_pictures++;
  buffer->gap = (picture->flags & CODEC_PICTURE_GAP) != 0;
  picture->client_data = buffer;
  picture->client_destroy = buffer_free;
  rec->flags[buffer->number % 256] = picture->flags;
  rec->tags[buffer->number % 256] = picture->tag;
  rec->n_alive++;
  fail_unless (rec->n_alive <= 17, "more pictures than a DPB and a current one");
  g_string_append_printf (rec->log, "%c%u ", buffer->gap ? 'G' : 'N', buffer->number);

  return TRUE;
}

static gboolean
record_submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  Recorder *rec = user_data;
  Buffer *buffer = picture->client_data;

  fail_unless (!buffer->gap);
  buffer->submitted = TRUE;
  fail_unless_equals_uint64 (job->capture_key, picture->key);
  fail_unless (job->size >= 5);
  fail_unless (memcmp (job->data, "\0\0\1", 3) == 0);
  fail_unless (job->n_refs <= 16);

  g_byte_array_set_size (rec->data, 0);
  g_byte_array_append (rec->data, job->data, job->size);
  fail_unless_equals_int (job->n_controls, 4);
  for (guint i = 0; i < job->n_controls; i++) {
    const CodecControl *control = &job->controls[i];

#define TAKE(cid, member) \
    if (control->id == cid) { \
      fail_unless_equals_int (control->size, sizeof (rec->member)); \
      memcpy (&rec->member, control->data, control->size); \
    }
    TAKE (V4L2_CID_STATELESS_H264_SPS, sps);
    TAKE (V4L2_CID_STATELESS_H264_PPS, pps);
    TAKE (V4L2_CID_STATELESS_H264_SCALING_MATRIX, scaling);
    TAKE (V4L2_CID_STATELESS_H264_DECODE_PARAMS, params);
#undef TAKE
  }
  rec->n_refs = job->n_refs;
  rec->first_field = job->first_field;
  for (guint i = 0; i < job->n_refs; i++) {
    Buffer *ref = job->refs[i]->client_data;

    fail_unless (ref && (ref->gap || ref->submitted), "a reference without contents");
    fail_unless_equals_uint64 (rec->params.dpb[i].reference_ts, job->refs[i]->key);
  }
  rec->n_decoded++;
  g_string_append_printf (rec->log, "J%u ", buffer->number);

  return TRUE;
}

static gboolean
record_output (CodecPicture * picture, gpointer user_data)
{
  Recorder *rec = user_data;
  Buffer *buffer = picture->client_data;

  fail_unless (!buffer->gap && buffer->submitted && !buffer->output);
  buffer->output = TRUE;
  rec->output_flags[buffer->number % 256] = picture->flags;
  rec->n_output++;
  g_string_append_printf (rec->log, "O%u ", buffer->number);

  return TRUE;
}

const CodecClient recorder_client = {
  record_sequence, record_new, record_submit, record_output
};

Recorder *
recorder_new (void)
{
  Recorder *rec = g_new0 (Recorder, 1);

  rec->log = g_string_new (NULL);
  rec->data = g_byte_array_new ();

  return rec;
}

void
recorder_free (Recorder * rec)
{
  fail_unless_equals_int (rec->n_alive, 0);
  g_string_free (rec->log, TRUE);
  g_byte_array_unref (rec->data);
  g_free (rec);
}

Recorder *rec;
CodecH264 *codec;
GByteArray *stream;
BitsSps sps;
BitsPps pps;

void
setup (void)
{
  rec = recorder_new ();
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
