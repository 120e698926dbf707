/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzzing of the H.264 codec.  With -fsanitize=fuzzer a libFuzzer target; with
 * -DFUZZ_REPLAY a program that reads the files given to it, as any other fuzzer
 * wants it.
 *
 * The first byte says how the rest is used: bit 0 AVC instead of a byte stream,
 * bit 1 low latency, bits 2 and 3 what is done between access units.  Access
 * units are split by 0xfe 0xca, so that a fuzzer can move the border.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "h264.h"

/* Aborts where a client could be harmed, not only where memory is. */
typedef struct
{
  guint alive, n_decoded, n_output;
  guint64 last_key;
} Client;

typedef struct
{
  Client *client;
  gboolean readable, output;
} Buffer;

static void
buffer_free (gpointer data)
{
  Buffer *buffer = data;

  buffer->client->alive--;
  g_free (buffer);
}

static gboolean
new_sequence (const CodecSequence * sequence, gpointer user_data)
{
  Client *client = user_data;

  g_assert (client->alive == 0);
  g_assert (sequence->dpb_size >= 1 && sequence->dpb_size <= 16);
  g_assert (sequence->reorder <= sequence->dpb_size);
  g_assert (sequence->width > 0 && sequence->crop_x + sequence->width <= sequence->coded_width);
  g_assert (sequence->height > 0 && sequence->crop_y + sequence->height <= sequence->coded_height);
  g_assert (sequence->fps_d > 0 && sequence->par_n > 0 && sequence->par_d > 0);

  return TRUE;
}

static gboolean
new_picture (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  Client *client = user_data;
  Buffer *buffer = g_new0 (Buffer, 1);

  g_assert (!conceal || ((Buffer *) conceal->client_data)->readable);
  g_assert (picture->key > client->last_key);
  client->last_key = picture->key;
  buffer->client = client;
  buffer->readable = (picture->flags & CODEC_PICTURE_GAP) != 0;
  picture->client_data = buffer;
  picture->client_destroy = buffer_free;
  g_assert (++client->alive <= 17);

  return TRUE;
}

static gboolean
submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  Client *client = user_data;
  Buffer *buffer = picture->client_data;

  g_assert (job->size >= 4 && job->n_refs <= 16 && job->n_controls <= CODEC_MAX_CONTROLS);
  for (guint i = 0; i < job->n_refs; i++)
    g_assert (((Buffer *) job->refs[i]->client_data)->readable);
  if (!buffer->readable)
    client->n_decoded++;
  buffer->readable = TRUE;

  return TRUE;
}

static gboolean
output (CodecPicture * picture, gpointer user_data)
{
  Client *client = user_data;
  Buffer *buffer = picture->client_data;

  g_assert (!(picture->flags & CODEC_PICTURE_GAP) && buffer->readable && !buffer->output);
  buffer->output = TRUE;
  client->n_output++;

  return TRUE;
}

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  static const CodecClient callbacks = { new_sequence, new_picture, submit, output };
  Client client = { 0, };
  CodecH264 *codec;
  guint8 how;

  if (size < 1)
    return 0;
  how = data[0];
  data++;
  size--;

  codec = codec_h264_new (&callbacks, &client);
  codec_h264_set_low_latency (codec, how & 2);
  if ((how & 1) && size > 64) {
    codec_h264_set_format (codec, CODEC_H264_AVC, data, 64, NULL);
    data += 64;
    size -= 64;
  }
  while (size > 0) {
    const guint8 *border = memmem (data, size, "\xfe\xca", 2);
    gsize unit = border ? (gsize) (border - data) : size;

    codec_h264_decode (codec, data, unit, 0, NULL);
    if (how & 4)
      codec_h264_drain (codec, NULL);
    if (how & 8) {
      codec_h264_flush (codec);
      client.n_output = client.n_decoded;
    }
    unit = MIN (unit + 2, size);
    data += unit;
    size -= unit;
  }
  codec_h264_drain (codec, NULL);
  g_assert (client.n_decoded == client.n_output);
  codec_h264_free (codec);
  g_assert (client.alive == 0);

  return 0;
}

#ifdef FUZZ_REPLAY
int
main (int argc, char **argv)
{
  gst_debug_set_active (FALSE);
  for (int i = 1; i < argc; i++) {
    g_autofree gchar *data = NULL;
    gsize size;

    if (!g_file_get_contents (argv[i], &data, &size, NULL)) {
      fprintf (stderr, "%s: cannot be read\n", argv[i]);
      return 1;
    }
    LLVMFuzzerTestOneInput ((const uint8_t *) data, size);
  }

  return 0;
}
#endif
