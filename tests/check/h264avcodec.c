/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Output order against libavcodec's, for every byte stream in the folder that
 * H264_STREAMS names: the same number of pictures, in the same order.
 */
#include <gst/check/gstcheck.h>

#include <libavcodec/avcodec.h>

#include "h264.h"

static gboolean
accept_sequence (const CodecSequence * sequence, gpointer user_data)
{
  return TRUE;
}

static gboolean
accept_picture (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  return TRUE;
}

static gboolean
accept_job (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  return TRUE;
}

static gboolean
take_output (CodecPicture * picture, gpointer user_data)
{
  g_array_append_val ((GArray *) user_data, picture->tag);

  return TRUE;
}

static void
take_frames (AVCodecContext * context, AVFrame * frame, GArray * order)
{
  while (avcodec_receive_frame (context, frame) == 0) {
    guint64 number = frame->pts;

    g_array_append_val (order, number);
    av_frame_unref (frame);
  }
}

/* The units are those that libavcodec's parser finds; both get the same. */
static void
compare (const gchar * name, const guint8 * data, gsize size)
{
  static const CodecClient client = { accept_sequence, accept_picture, accept_job, take_output };
  g_autoptr (GArray) ours = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GArray) theirs = g_array_new (FALSE, FALSE, sizeof (guint64));
  const AVCodec *decoder = avcodec_find_decoder (AV_CODEC_ID_H264);
  AVCodecParserContext *parser = av_parser_init (AV_CODEC_ID_H264);
  AVCodecContext *context = avcodec_alloc_context3 (decoder);
  AVPacket *packet = av_packet_alloc ();
  AVFrame *frame = av_frame_alloc ();
  CodecH264 *codec = codec_h264_new (&client, ours);
  guint64 n = 0;
  gboolean end = FALSE;

  context->thread_count = 1;
  /* Else it guesses how far to reorder, and drops pictures where the guess was low. */
  context->strict_std_compliance = FF_COMPLIANCE_STRICT;
  fail_unless (avcodec_open2 (context, decoder, NULL) == 0);
  while (!end) {
    int used = av_parser_parse2 (parser, context, &packet->data, &packet->size, data, size,
        AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);

    end = size == 0 && packet->size == 0;
    data += used;
    size -= used;
    if (packet->size == 0)
      continue;
    packet->pts = n;
    fail_unless (codec_h264_decode (codec, packet->data, packet->size, n, NULL), "%s: unit %u",
        name, (guint) n);
    avcodec_send_packet (context, packet);
    take_frames (context, frame, theirs);
    n++;
  }
  fail_unless (codec_h264_drain (codec, NULL));
  avcodec_send_packet (context, NULL);
  take_frames (context, frame, theirs);

  fail_unless (ours->len > 0, "%s", name);
  fail_unless (ours->len == theirs->len, "%s: %u pictures, libavcodec has %u", name, ours->len,
      theirs->len);
  for (guint i = 0; i < ours->len; i++)
    fail_unless_equals_uint64 (g_array_index (ours, guint64, i),
        g_array_index (theirs, guint64, i));

  codec_h264_free (codec);
  av_frame_free (&frame);
  av_packet_free (&packet);
  avcodec_free_context (&context);
  av_parser_close (parser);
}

GST_START_TEST (test_order)
{
  const gchar *folder = g_getenv ("H264_STREAMS");
  g_autoptr (GDir) dir = folder ? g_dir_open (folder, 0, NULL) : NULL;
  const gchar *name;
  guint n = 0;

  if (!dir) {
    g_print ("SKIP: h264avcodec: H264_STREAMS names no folder\n");
    return;
  }
  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (folder, name, NULL);
    g_autofree gchar *data = NULL;
    g_autofree guint8 *padded = NULL;
    gsize size;

    if (!g_str_has_suffix (name, ".h264") && !g_str_has_suffix (name, ".264"))
      continue;
    fail_unless (g_file_get_contents (path, &data, &size, NULL));
    padded = g_malloc0 (size + AV_INPUT_BUFFER_PADDING_SIZE);
    memcpy (padded, data, size);
    compare (name, padded, size);
    n++;
  }
  fail_unless (n > 0, "no stream in %s", folder);
}

GST_END_TEST;

static Suite *
h264avcodec_suite (void)
{
  static const gint timeout = 120;      /* seconds */
  Suite *s = suite_create ("h264avcodec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, timeout);
  tcase_add_test (tc, test_order);

  return s;
}

GST_CHECK_MAIN (h264avcodec);
