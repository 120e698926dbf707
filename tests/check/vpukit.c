/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vpukit.h"

typedef struct
{
  VpuRecorder *recorder;
  guint number;
  gboolean submitted;
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
  VpuRecorder *rec = user_data;

  rec->sequence = *sequence;
  g_string_append (rec->log, "S ");

  return TRUE;
}

static gboolean
record_new (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  VpuRecorder *rec = user_data;
  Buffer *buffer = g_new0 (Buffer, 1);

  fail_unless (picture->key % 1000 == 0);
  buffer->recorder = rec;
  buffer->number = rec->n_pictures++;
  fail_unless (buffer->number < MAX_PICTURES);
  picture->client_data = buffer;
  picture->client_destroy = buffer_free;
  rec->flags[buffer->number] = picture->flags;
  rec->tags[buffer->number] = picture->tag;
  rec->n_alive++;
  fail_unless (rec->n_alive <= rec->sequence.dpb_size + 2, "more pictures than were announced");
  if (picture->flags & CODEC_PICTURE_REPEAT) {
    Buffer *shown = conceal->client_data;

    buffer->submitted = shown->submitted;
    g_string_append_printf (rec->log, "R%u:%u ", buffer->number, shown->number);
  } else {
    g_string_append_printf (rec->log, "N%u ", buffer->number);
  }

  return TRUE;
}

static gboolean
record_submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  VpuRecorder *rec = user_data;
  Buffer *buffer = picture->client_data;

  fail_unless_equals_uint64 (job->capture_key, picture->key);
  rec->key = picture->key;
  g_byte_array_set_size (rec->data, 0);
  g_byte_array_append (rec->data, job->data, job->size);
  for (guint i = 0; i < job->n_controls; i++) {
    const CodecControl *control = &job->controls[i];

#define TAKE(cid, member) \
    if (control->id == cid) { \
      fail_unless_equals_int (control->size, sizeof (rec->member)); \
      memcpy (&rec->member, control->data, control->size); \
    }
    TAKE (V4L2_CID_STATELESS_VP8_FRAME, vp8);
    TAKE (V4L2_CID_STATELESS_MPEG2_SEQUENCE, mpeg2_sequence);
    TAKE (V4L2_CID_STATELESS_MPEG2_PICTURE, mpeg2_picture);
    TAKE (V4L2_CID_STATELESS_MPEG2_QUANTISATION, mpeg2_quant);
#undef TAKE
  }
  for (guint i = 0; i < job->n_refs; i++)
    fail_unless (((Buffer *) job->refs[i]->client_data)->submitted);
  buffer->submitted = TRUE;
  g_string_append_printf (rec->log, "J%u ", buffer->number);

  return TRUE;
}

static gboolean
record_output (CodecPicture * picture, gpointer user_data)
{
  VpuRecorder *rec = user_data;
  Buffer *buffer = picture->client_data;

  fail_unless (buffer->submitted);
  fail_if (picture->flags & CODEC_PICTURE_HIDDEN);
  rec->flags[buffer->number] = picture->flags;
  g_string_append_printf (rec->log, "O%u ", buffer->number);

  return TRUE;
}

const CodecClient vpu_client = {
  record_sequence, record_new, record_submit, record_output
};

VpuRecorder *
vpu_recorder_new (void)
{
  VpuRecorder *rec = g_new0 (VpuRecorder, 1);

  rec->log = g_string_new (NULL);
  rec->data = g_byte_array_new ();

  return rec;
}

void
vpu_recorder_free (VpuRecorder * rec)
{
  fail_unless_equals_int (rec->n_alive, 0);
  g_string_free (rec->log, TRUE);
  g_byte_array_unref (rec->data);
  g_free (rec);
}

void
vpu_expect (VpuRecorder * rec, const gchar * log)
{
  if (rec->log->len > 0)
    g_string_truncate (rec->log, rec->log->len - 1);
  fail_unless_equals_string (rec->log->str, log);
  g_string_truncate (rec->log, 0);
}
