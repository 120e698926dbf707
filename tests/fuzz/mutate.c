/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Damages streams in many ways and gives them to the codecs:
 *
 *   mutate ROUNDS FILE...
 *
 * The codec is known by the name's end: h264, h265, m2v, vp8.ivf, vp9.ivf.  Damage is flipped and
 * overwritten bits, units (access units, frames) cut, dropped, repeated, exchanged or taken from
 * elsewhere, and seeks.  The same ROUNDS do the same.
 */
#include <stdio.h>
#include <string.h>

#include "h264.h"
#include "h265.h"
#include "mpeg2.h"
#include "vp8.h"
#include "vp9.h"

/* Aborts where a client could be harmed, not only where memory is. */
typedef struct
{
  guint alive, max_alive;
  guint64 last_key;
} Client;

typedef struct
{
  Client *client;
  gboolean readable, output;
} Buffer;

typedef gboolean (*StartsUnit) (const guint8 * nal);

typedef struct
{
  const gchar *suffix;
  const CodecCore *core;
  StartsUnit starts_unit;       /* NULL: IVF */
} Kind;

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

  g_assert (client->alive == 0 || sequence->keeps_references);
  g_assert (sequence->dpb_size >= 1 && sequence->dpb_size <= 16);
  g_assert (sequence->reorder <= sequence->dpb_size);
  g_assert (sequence->width > 0 && sequence->crop_x + sequence->width <= sequence->coded_width);
  g_assert (sequence->height > 0 && sequence->crop_y + sequence->height <= sequence->coded_height);
  g_assert (sequence->fps_d > 0 && sequence->par_n > 0 && sequence->par_d > 0);
  client->max_alive = sequence->dpb_size + 2;

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
  buffer->readable = (picture->flags & (CODEC_PICTURE_GAP | CODEC_PICTURE_REPEAT)) != 0;
  picture->client_data = buffer;
  picture->client_destroy = buffer_free;
  client->alive++;
  g_assert (client->alive <= client->max_alive);

  return TRUE;
}

static gboolean
submit (CodecPicture * picture, const CodecJob * job, gpointer user_data G_GNUC_UNUSED)
{
  Buffer *buffer = picture->client_data;

  g_assert (job->size >= 1 && job->n_refs <= G_N_ELEMENTS (job->refs));
  g_assert (job->n_controls <= CODEC_MAX_CONTROLS);
  for (guint i = 0; i < job->n_refs; i++)
    g_assert (((Buffer *) job->refs[i]->client_data)->readable);
  buffer->readable = TRUE;

  return TRUE;
}

static gboolean
output (CodecPicture * picture, gpointer user_data G_GNUC_UNUSED)
{
  Buffer *buffer = picture->client_data;

  g_assert (!(picture->flags & (CODEC_PICTURE_GAP | CODEC_PICTURE_HIDDEN)));
  g_assert (buffer->readable && !buffer->output);
  buffer->output = TRUE;

  return TRUE;
}

static gboolean
starts_h264 (const guint8 * nal)
{
  return ((nal[0] & 0x1f) == 1 || (nal[0] & 0x1f) == 5) && nal[1] & 0x80;
}

static gboolean
starts_h265 (const guint8 * nal)
{
  return nal[0] >> 1 < 32 && nal[2] & 0x80;
}

static gboolean
starts_mpeg2 (const guint8 * nal)
{
  return nal[0] == 0;
}

static void
take_unit (GPtrArray * units, const gchar * data, gsize size)
{
  if (size > 0)
    g_ptr_array_add (units, g_byte_array_append (g_byte_array_new (), (const guint8 *) data, size));
}

static GPtrArray *
split (const Kind * kind, const gchar * data, gsize size)
{
  GPtrArray *units = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  gsize start = 0;

  if (!kind->starts_unit) {
    for (gsize at = 32; at + 12 < size;) {
      guint32 length;

      /* at any address: GST_READ_UINT32_LE() wants it aligned in GStreamer 1.22 */
      memcpy (&length, data + at, sizeof (length));
      length = GUINT32_FROM_LE (length);
      at += 12;
      take_unit (units, data + at, MIN (length, size - at));
      at += MIN (length, size - at);
    }
    return units;
  }
  for (gsize at = 3; at + 3 < size; at++) {
    if (memcmp (data + at - 3, "\0\0\1", 3) || !kind->starts_unit ((const guint8 *) data + at))
      continue;
    /* what stands before the first picture goes with it */
    if (units->len > 0 || start > 0)
      take_unit (units, data + start, at - 3 - start);
    start = units->len > 0 || start > 0 ? at - 3 : 1;
  }
  take_unit (units, data + start, size - start);

  return units;
}

/* Most damage is near the start, where headers are. */
static guint
somewhere (GRand * rand, guint size)
{
  return g_rand_boolean (rand) ? g_rand_int_range (rand, 0, size)
      : g_rand_int_range (rand, 0, MIN (size, 40));
}

static GByteArray *
damage (GRand * rand, const GByteArray * unit)
{
  GByteArray *copy = g_byte_array_append (g_byte_array_new (), unit->data, unit->len);

  for (guint n = g_rand_int_range (rand, 0, 6); n > 0 && copy->len > 0; n--) {
    guint at = somewhere (rand, copy->len);

    switch (g_rand_int_range (rand, 0, 6)) {
      case 0:
        copy->data[at] = g_rand_int (rand);
        break;
      case 1:
        copy->data[at] = g_rand_boolean (rand) ? 0 : 0xff;
        break;
      case 2:
        if (g_rand_int_range (rand, 0, 4) == 0)
          g_byte_array_set_size (copy, at);
        break;
      default:
        copy->data[at] ^= 1 << g_rand_int_range (rand, 0, 8);
        break;
    }
  }

  return copy;
}

static void
run (const Kind * kind, const GPtrArray * units, guint32 seed)
{
  static const CodecClient callbacks = { new_sequence, new_picture, submit, output };
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint often = g_rand_int_range (rand, 2, 20);
  Client client = { 0, };
  gpointer codec = kind->core->create (&callbacks, &client);

  for (guint i = 0; i < units->len; i++) {
    GByteArray *unit = g_ptr_array_index (units, i);
    g_autoptr (GByteArray) damaged = NULL;

    if (g_rand_int_range (rand, 0, often) == 0) {
      switch (g_rand_int_range (rand, 0, 8)) {
        case 0:
          continue;
        case 1:
          unit = g_ptr_array_index (units, g_rand_int_range (rand, 0, units->len));
          break;
        case 2:
          i = g_rand_int_range (rand, 0, 4) == 0 ? i : MAX (i, 1) - 1;
          break;
        case 3:
          kind->core->flush (codec);
          break;
        case 4:
          kind->core->drain (codec, NULL);
          break;
        default:
          unit = damaged = damage (rand, unit);
          break;
      }
    }
    kind->core->decode (codec, unit->data, unit->len, i, NULL);
  }
  kind->core->drain (codec, NULL);
  kind->core->destroy (codec);
  g_assert (client.alive == 0);
}

int
main (int argc, char **argv)
{
  static const Kind kinds[] = {
    {"h264", &codec_h264_core, starts_h264},
    {"h265", &codec_h265_core, starts_h265},
    {"m2v", &codec_mpeg2_core, starts_mpeg2},
    {"vp8.ivf", &codec_vp8_core, NULL},
    {"vp9.ivf", &codec_vp9_core, NULL},
  };
  guint rounds = argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 0;

  gst_init (NULL, NULL);
  gst_debug_set_active (FALSE);
  for (int i = 2; i < argc; i++) {
    g_autoptr (GPtrArray) units = NULL;
    g_autofree gchar *data = NULL;
    const Kind *kind = NULL;
    gsize size;

    for (guint k = 0; k < G_N_ELEMENTS (kinds); k++) {
      if (g_str_has_suffix (argv[i], kinds[k].suffix))
        kind = &kinds[k];
    }
    if (!kind || !g_file_get_contents (argv[i], &data, &size, NULL)) {
      fprintf (stderr, "%s: of no known kind, or cannot be read\n", argv[i]);
      return 1;
    }
    units = split (kind, data, size);
    for (guint seed = 0; seed < rounds; seed++) {
      /* the last line tells which one failed */
      fprintf (stderr, "\r%s %u", argv[i], seed);
      run (kind, units, seed);
    }
    fprintf (stderr, "\n");
  }

  return 0;
}
