/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reckit.h"

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

  if (rec->check_sequence)
    rec->check_sequence (rec, sequence);
  rec->sequence = *sequence;
  g_string_append (rec->log, "S ");

  return TRUE;
}

static gboolean
record_new (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  Recorder *rec = user_data;
  guint max = rec->max_alive ? rec->max_alive : rec->sequence.dpb_size + 2;
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
  rec->flags[buffer->number % MAX_PICTURES] = picture->flags;
  rec->tags[buffer->number % MAX_PICTURES] = picture->tag;
  rec->n_alive++;
  fail_unless (rec->n_alive <= max, "more pictures than were announced");
  if (picture->flags & CODEC_PICTURE_REPEAT) {
    Buffer *shown = conceal->client_data;

    buffer->submitted = shown->submitted;
    g_string_append_printf (rec->log, "R%u:%u ", buffer->number, shown->number);
  } else {
    g_string_append_printf (rec->log, "%c%u ", buffer->gap ? 'G' : 'N', buffer->number);
  }

  return TRUE;
}

static void
take_control (Recorder * rec, const CodecControl * control)
{
#define TAKE(cid, member) \
  if (control->id == cid) { \
    fail_unless_equals_int (control->size, sizeof (rec->member)); \
    memcpy (&rec->member, control->data, control->size); \
  }
  TAKE (V4L2_CID_STATELESS_H264_SPS, sps);
  TAKE (V4L2_CID_STATELESS_H264_PPS, pps);
  TAKE (V4L2_CID_STATELESS_H264_SCALING_MATRIX, scaling);
  TAKE (V4L2_CID_STATELESS_H264_DECODE_PARAMS, params);
  TAKE (V4L2_CID_STATELESS_VP8_FRAME, vp8);
  TAKE (V4L2_CID_STATELESS_MPEG2_SEQUENCE, mpeg2_sequence);
  TAKE (V4L2_CID_STATELESS_MPEG2_PICTURE, mpeg2_picture);
  TAKE (V4L2_CID_STATELESS_MPEG2_QUANTISATION, mpeg2_quant);
#undef TAKE
}

static gboolean
record_submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  Recorder *rec = user_data;
  Buffer *buffer = picture->client_data;

  fail_unless (!buffer->gap);
  fail_unless_equals_uint64 (job->capture_key, picture->key);
  fail_unless (job->n_refs <= G_N_ELEMENTS (job->refs));
  rec->key = picture->key;
  rec->n_refs = job->n_refs;
  rec->first_field = job->first_field;
  rec->n_controls = job->n_controls;
  g_byte_array_set_size (rec->data, 0);
  g_byte_array_append (rec->data, job->data, job->size);
  for (guint i = 0; i < job->n_controls; i++)
    take_control (rec, &job->controls[i]);
  for (guint i = 0; i < job->n_refs; i++) {
    Buffer *ref = job->refs[i]->client_data;

    fail_unless (ref && (ref->gap || ref->submitted), "a reference without contents");
  }
  if (rec->check_job)
    rec->check_job (rec, job);
  buffer->submitted = TRUE;
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
  fail_if (picture->flags & CODEC_PICTURE_HIDDEN);
  buffer->output = TRUE;
  rec->output_flags[buffer->number % MAX_PICTURES] = picture->flags;
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

void
recorder_expect (Recorder * rec, const gchar * log)
{
  if (rec->log->len > 0)
    g_string_truncate (rec->log, rec->log->len - 1);
  fail_unless_equals_string (rec->log->str, log);
  g_string_truncate (rec->log, 0);
}
