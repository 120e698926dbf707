/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * h264order [--low-latency] FILE...: what the H.264 codec makes of Annex B
 * files, one line per picture in output order: its number in decoding order,
 * order counts and flags.  For comparing output order with other decoders.
 */
#include <stdio.h>
#include <string.h>

#include <linux/v4l2-controls.h>

#include "h264.h"

typedef struct
{
  guint n_decoded, n_output, n_gaps, n_sequences;
  gboolean quiet;
} Order;

typedef struct
{
  guint number;
  gint32 poc[2];
} Info;

static gboolean
new_sequence (const CodecSequence * sequence, gpointer user_data)
{
  Order *order = user_data;

  order->n_sequences++;
  printf ("# sequence %ux%u+%u+%u of %ux%u bits %u chroma %u interlaced %d profile %d level %d "
      "dpb %u reorder %u fps %d/%d par %d/%d\n", sequence->width, sequence->height,
      sequence->crop_x, sequence->crop_y, sequence->coded_width, sequence->coded_height,
      sequence->bit_depth, sequence->chroma_format_idc, sequence->interlaced, sequence->profile,
      sequence->level, sequence->dpb_size, sequence->reorder, sequence->fps_n, sequence->fps_d,
      sequence->par_n, sequence->par_d);

  return TRUE;
}

static gboolean
new_picture (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  Order *order = user_data;
  Info *info;

  (void) conceal;
  if (picture->flags & CODEC_PICTURE_GAP) {
    order->n_gaps++;
    return TRUE;
  }
  info = g_new0 (Info, 1);
  info->number = order->n_decoded++;
  picture->client_data = info;
  picture->client_destroy = g_free;

  return TRUE;
}

static gboolean
submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  Info *info = picture->client_data;

  (void) user_data;
  for (guint i = 0; i < job->n_controls; i++) {
    const struct v4l2_ctrl_h264_decode_params *params = job->controls[i].data;

    if (job->controls[i].id != V4L2_CID_STATELESS_H264_DECODE_PARAMS)
      continue;
    info->poc[0] = params->top_field_order_cnt;
    info->poc[1] = params->bottom_field_order_cnt;
  }

  return TRUE;
}

static gboolean
output (CodecPicture * picture, gpointer user_data)
{
  Order *order = user_data;
  const Info *info = picture->client_data;

  order->n_output++;
  if (!order->quiet)
    printf ("%u poc %d %d%s%s\n", info->number, info->poc[0], info->poc[1],
        picture->flags & CODEC_PICTURE_CORRUPT ? " corrupt" : "",
        picture->flags & CODEC_PICTURE_KEY ? " key" : "");

  return TRUE;
}

static gboolean
run (const gchar * path, gboolean low_latency)
{
  static const CodecClient client = { new_sequence, new_picture, submit, output };
  Order order = { 0, };
  g_autoptr (CodecH264) codec = codec_h264_new (&client, &order);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, &error)) {
    fprintf (stderr, "%s\n", error->message);
    return FALSE;
  }
  codec_h264_set_low_latency (codec, low_latency);
  if (!codec_h264_decode (codec, (const guint8 *) data, size, 0, &error) && error)
    printf ("# error: %s\n", error->message);
  g_clear_error (&error);
  codec_h264_drain (codec, NULL);
  printf ("# %s: %u decoded, %u output, %u gaps, %u sequences\n", path, order.n_decoded,
      order.n_output, order.n_gaps, order.n_sequences);

  return order.n_decoded == order.n_output;
}

int
main (int argc, char **argv)
{
  gboolean low_latency = FALSE, ok = TRUE;

  gst_init (NULL, NULL);
  for (int i = 1; i < argc; i++) {
    if (strcmp (argv[i], "--low-latency") == 0)
      low_latency = TRUE;
    else
      ok &= run (argv[i], low_latency);
  }

  return ok ? 0 : 1;
}
