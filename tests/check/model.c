/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A test of the silicon model: is it as unkind as hardware?
 *
 * A stream of each codec is decoded right, and then wrong on purpose: with two
 * reference addresses swapped, and with a CAPTURE buffer recycled while it is
 * still a reference.  Hardware would then show other pixels; a
 * model that keeps pictures of its own would hide the mistake.
 *
 * It drives the codec and the device layer without any element, as an element
 * would be wrong in other ways as well.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/app/gstappsink.h>
#include <gst/check/gstcheck.h>
#include <gst/video/video.h>
#include <linux/v4l2-controls.h>

#include "decdevice.h"
#include "h264.h"
#include "h265.h"
#include "media.h"
#include "mpeg2.h"
#include "vp8.h"
#include "vp9.h"

#define CAPTURE_BUFFERS 20

typedef enum
{
  MISTAKE_NONE,
  MISTAKE_SWAP_REFERENCES,      /* two references name each other's buffer, from job 8 on */
  MISTAKE_EARLY_REUSE           /* a buffer is queued again while a later job reads it */
} Mistake;

/* Exchanges two of the timestamps if they name different pictures. */
static gboolean
exchange (__u64 * a, __u64 * b)
{
  __u64 ts = *a;

  if (*a == *b)
    return FALSE;
  *a = *b;
  *b = ts;
  return TRUE;
}

static gboolean
swap_h264 (gpointer control)
{
  struct v4l2_ctrl_h264_decode_params *params = control;
  struct v4l2_h264_dpb_entry *first = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (params->dpb); i++) {
    struct v4l2_h264_dpb_entry *entry = &params->dpb[i];

    if (!(entry->flags & V4L2_H264_DPB_ENTRY_FLAG_ACTIVE))
      continue;
    if (first)
      return exchange (&first->reference_ts, &entry->reference_ts);
    first = entry;
  }
  return FALSE;
}

static gboolean
swap_hevc (gpointer control)
{
  struct v4l2_ctrl_hevc_decode_params *params = control;

  return params->num_active_dpb_entries > 1
      && exchange (&params->dpb[0].timestamp, &params->dpb[1].timestamp);
}

static gboolean
swap_vp9 (gpointer control)
{
  struct v4l2_ctrl_vp9_frame *frame = control;

  return !(frame->flags & V4L2_VP9_FRAME_FLAG_KEY_FRAME)
      && (exchange (&frame->last_frame_ts, &frame->golden_frame_ts)
      || exchange (&frame->last_frame_ts, &frame->alt_frame_ts));
}

static gboolean
swap_vp8 (gpointer control)
{
  struct v4l2_ctrl_vp8_frame *frame = control;

  return !(frame->flags & V4L2_VP8_FRAME_FLAG_KEY_FRAME)
      && (exchange (&frame->last_frame_ts, &frame->golden_frame_ts)
      || exchange (&frame->last_frame_ts, &frame->alt_frame_ts));
}

static gboolean
swap_mpeg2 (gpointer control)
{
  struct v4l2_ctrl_mpeg2_picture *picture = control;

  return picture->picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B
      && exchange (&picture->forward_ref_ts, &picture->backward_ref_ts);
}

typedef struct
{
  const gchar *driver;
  guint32 coded_format;
  const CodecCore *core;
  guint32 mode_controls[2];     /* whole frames, start codes of Annex B; 0: none */
  guint32 references;           /* the control that names them */
    gboolean (*swap) (gpointer control);
  const gchar *stream, *many_references;        /* for early reuse, for swaps */
  const gchar *elements;
} Codec;

static const Codec codecs[] = {
  {"rkvdec", V4L2_PIX_FMT_H264_SLICE, &codec_h264_core,
        {V4L2_CID_STATELESS_H264_DECODE_MODE, V4L2_CID_STATELESS_H264_START_CODE},
        V4L2_CID_STATELESS_H264_DECODE_PARAMS, swap_h264, "bframes.h264", "refs16.h264",
      "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au"},
  {"rkvdec", V4L2_PIX_FMT_H264_SLICE, &codec_h264_core,
        {V4L2_CID_STATELESS_H264_DECODE_MODE, V4L2_CID_STATELESS_H264_START_CODE},
        V4L2_CID_STATELESS_H264_DECODE_PARAMS, swap_h264, "high10.h264", "high10.h264",
      "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au"},
  {"rkvdec", V4L2_PIX_FMT_HEVC_SLICE, &codec_h265_core,
        {V4L2_CID_STATELESS_HEVC_DECODE_MODE, V4L2_CID_STATELESS_HEVC_START_CODE},
        V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, swap_hevc, "wpp.h265", "rasl.h265",
      "h265parse ! video/x-h265,stream-format=byte-stream,alignment=au"},
  {"rkvdec", V4L2_PIX_FMT_VP9_FRAME, &codec_vp9_core, {0, 0}, V4L2_CID_STATELESS_VP9_FRAME,
      swap_vp9, "altref.vp9.webm", "altref.vp9.webm",
      "matroskademux ! vp9parse ! video/x-vp9,alignment=frame"},
  {"hantro-vpu", V4L2_PIX_FMT_VP8_FRAME, &codec_vp8_core, {0, 0}, V4L2_CID_STATELESS_VP8_FRAME,
      swap_vp8, "altref.webm", "altref.webm", "matroskademux"},
  {"hantro-vpu", V4L2_PIX_FMT_MPEG2_SLICE, &codec_mpeg2_core, {0, 0},
      V4L2_CID_STATELESS_MPEG2_PICTURE, swap_mpeg2, "frames.m2v", "frames.m2v",
      "mpegvideoparse"},
};

typedef struct
{
  const Codec *kind;
  DecDevice *device;
  gpointer codec;
  GstBufferPool *pool;
  V4l2Format format;
  guint width, height;
  guint line_bytes;             /* of the visible picture */
  Mistake mistake;
  gboolean made;                /* the mistake has been made */
  guint n_jobs, n_errors;
  CodecPicture *last_reference; /* the newest picture that later ones may read */
  GPtrArray *checksums;         /* one a job, in decoding order */
} Run;

static void
picture_free (gpointer data)
{
  dec_picture_unref (data);
}

static gboolean
new_sequence (const CodecSequence * sequence, gpointer user_data)
{
  Run *run = user_data;
  /* frame based and Annex B are 1 for HEVC as well */
  gint32 mode = V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED;
  gint32 start = V4L2_STATELESS_H264_START_CODE_ANNEX_B;
  V4l2Control modes[] = {
    {run->kind->mode_controls[0], sizeof (mode), &mode},
    {run->kind->mode_controls[1], sizeof (start), &start},
  };
  V4l2Control controls[CODEC_MAX_CONTROLS];
  DecDeviceConfig config = { 0, };
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("video/x-raw");

  for (guint i = 0; i < sequence->n_controls; i++)
    controls[i] = (V4l2Control) {
    sequence->controls[i].id, sequence->controls[i].size, (gpointer) sequence->controls[i].data};
  run->width = sequence->width;
  run->height = sequence->height;
  run->line_bytes = sequence->width * sequence->bit_depth / 8;
  config.coded_width = sequence->coded_width;
  config.coded_height = sequence->coded_height;
  config.bitstream_size = 1 << 20;
  config.exact_size = sequence->exact_size;
  config.mode_controls = modes;
  config.n_mode_controls = run->kind->mode_controls[0] ? G_N_ELEMENTS (modes) : 0;
  config.controls = controls;
  config.n_controls = sequence->n_controls;
  fail_unless (dec_device_configure (run->device, &config, &error), "%s",
      error ? error->message : "");
  fail_unless (dec_device_set_capture (run->device, sequence->bit_depth == 10 ?
          GST_VIDEO_FORMAT_NV12_10LE40 : GST_VIDEO_FORMAT_NV12, &run->format, &error));
  run->pool = dec_device_create_pool (run->device, caps, CAPTURE_BUFFERS, &error);
  fail_unless (run->pool != NULL);
  fail_unless (gst_buffer_pool_set_active (run->pool, TRUE));
  fail_unless (dec_device_start (run->device, &error));
  return TRUE;
}

static gboolean
new_picture (CodecPicture * picture, CodecPicture * conceal, gpointer user_data)
{
  Run *run = user_data;
  GstBuffer *buffer = NULL;

  if (picture->flags & CODEC_PICTURE_REPEAT) {
    buffer = gst_buffer_ref (((DecPicture *) conceal->client_data)->buffer);
  } else if (run->mistake == MISTAKE_EARLY_REUSE && run->n_jobs == 8 && run->last_reference) {
    DecPicture *victim = run->last_reference->client_data;

    buffer = gst_buffer_ref (victim->buffer);
    run->made = TRUE;
  } else {
    fail_unless_equals_int (gst_buffer_pool_acquire_buffer (run->pool, &buffer, NULL), GST_FLOW_OK);
  }
  picture->client_data = dec_picture_new (buffer, picture->tag, NULL, NULL);
  picture->client_destroy = picture_free;
  return TRUE;
}

static gchar *
checksum_of (Run * run, DecPicture * picture)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_MD5);
  guint stride = run->format.planes[0].bytesperline;
  GstMapInfo map;
  gchar *text;

  fail_unless (gst_buffer_map (picture->buffer, &map, GST_MAP_READ));
  for (guint y = 0; y < run->height; y++)
    g_checksum_update (sum, map.data + y * stride, run->line_bytes);
  for (guint y = 0; y < run->height / 2; y++)
    g_checksum_update (sum, map.data + (run->format.height + y) * stride, run->line_bytes);
  gst_buffer_unmap (picture->buffer, &map);
  text = g_strdup (g_checksum_get_string (sum));
  g_checksum_free (sum);
  return text;
}

static gboolean
submit (CodecPicture * picture, const CodecJob * job, gpointer user_data)
{
  Run *run = user_data;
  DecPicture *target = picture->client_data;
  V4l2Control controls[CODEC_MAX_CONTROLS];
  g_autofree gpointer wrong = NULL;
  DecDeviceJob dec = {.data = job->data,.size = job->size,.key = picture->key };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < job->n_controls; i++) {
    controls[i] = (V4l2Control) {
    job->controls[i].id, job->controls[i].size, (gpointer) job->controls[i].data};
    if (run->mistake != MISTAKE_SWAP_REFERENCES || run->n_jobs < 8
        || job->controls[i].id != run->kind->references)
      continue;
    wrong = g_memdup2 (job->controls[i].data, job->controls[i].size);
    run->made |= run->kind->swap (wrong);
    controls[i].data = wrong;
  }
  dec.controls = controls;
  dec.n_controls = job->n_controls;
  fail_unless (dec_device_submit (run->device, target, &dec, NULL, &error), "%s",
      error ? error->message : "");
  fail_unless (dec_device_wait (run->device, target, NULL, &error), "%s",
      error ? error->message : "");
  run->n_errors += target->error;
  run->n_jobs++;
  g_ptr_array_add (run->checksums, checksum_of (run, target));
  if (picture->flags & CODEC_PICTURE_REFERENCE) {
    g_clear_pointer (&run->last_reference, codec_picture_unref);
    run->last_reference = codec_picture_ref (picture);
  }
  return TRUE;
}

static gboolean
output (CodecPicture * picture, gpointer user_data)
{
  return TRUE;
}

static void
decode_file (Run * run, const gchar * name)
{
  g_autofree gchar *text = g_strdup_printf ("filesrc location=%s/%s ! %s ! "
      "appsink name=sink sync=false", g_getenv ("DMARESV_STREAMS"), name, run->kind->elements);
  GstElement *pipeline = gst_parse_launch (text, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstSample *sample;
  guint64 tag = 0;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 20 * GST_SECOND))) {
    g_autoptr (GError) error = NULL;
    GstMapInfo map;

    fail_unless (gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ));
    run->kind->core->decode (run->codec, map.data, map.size, tag++, &error);
    fail_unless (error == NULL, "%s", error ? error->message : "");
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

static void
run_stream (Run * run, const Codec * kind, const gchar * name, Mistake mistake)
{
  static const CodecClient client = { new_sequence, new_picture, submit, output };
  g_autoptr (GPtrArray) devices = v4l2_media_find_decoders ();
  g_autoptr (GError) error = NULL;
  const V4l2DeviceInfo *info = NULL;

  for (guint i = 0; i < devices->len; i++) {
    const V4l2DeviceInfo *d = g_ptr_array_index (devices, i);

    if (g_strcmp0 (d->driver, kind->driver) == 0)
      info = d;
  }
  fail_unless (info != NULL, "no %s here", kind->driver);
  memset (run, 0, sizeof (*run));
  run->kind = kind;
  run->mistake = mistake;
  run->checksums = g_ptr_array_new_with_free_func (g_free);
  run->device = dec_device_open (info, kind->coded_format, &error);
  fail_unless (run->device != NULL);
  run->codec = kind->core->create (&client, run);
  decode_file (run, name);
  kind->core->drain (run->codec, &error);
  g_clear_pointer (&run->last_reference, codec_picture_unref);
  kind->core->destroy (run->codec);
  gst_buffer_pool_set_active (run->pool, FALSE);
  gst_object_unref (run->pool);
  dec_device_close (run->device);
  GST_INFO ("%s: %u jobs, %u errors", name, run->n_jobs, run->n_errors);
}

/* In how many pictures the two runs differ. */
static guint
differences (Run * a, Run * b)
{
  guint n = 0;

  fail_unless_equals_int (a->checksums->len, b->checksums->len);
  for (guint i = 0; i < a->checksums->len; i++)
    n += !g_str_equal (g_ptr_array_index (a->checksums, i), g_ptr_array_index (b->checksums, i));
  return n;
}

static void
check_mistake (const Codec * kind, const gchar * stream, Mistake mistake)
{
  Run right, wrong;

  run_stream (&right, kind, stream, MISTAKE_NONE);
  fail_unless (right.n_jobs > 10);
  fail_unless_equals_int (right.n_errors, 0);
  run_stream (&wrong, kind, stream, mistake);
  fail_unless (wrong.made, "the stream gave no chance for the mistake");
  fail_unless (differences (&right, &wrong) > 0, "the model hides the mistake");
  g_ptr_array_unref (right.checksums);
  g_ptr_array_unref (wrong.checksums);
}

#define CODEC (&codecs[__i__])

/* Twice the same, or none of the differences below would mean anything. */
GST_START_TEST (test_repeatable)
{
  Run a, b;

  run_stream (&a, CODEC, CODEC->stream, MISTAKE_NONE);
  run_stream (&b, CODEC, CODEC->stream, MISTAKE_NONE);
  fail_unless_equals_int (a.n_errors, 0);
  fail_unless_equals_int (differences (&a, &b), 0);
  g_ptr_array_unref (a.checksums);
  g_ptr_array_unref (b.checksums);
}

GST_END_TEST;

GST_START_TEST (test_swapped_references)
{
  check_mistake (CODEC, CODEC->many_references, MISTAKE_SWAP_REFERENCES);
}

GST_END_TEST;

GST_START_TEST (test_early_reuse)
{
  check_mistake (CODEC, CODEC->stream, MISTAKE_EARLY_REUSE);
}

GST_END_TEST;

static Suite *
model_suite (void)
{
  Suite *s = suite_create ("model");
  TCase *tc = tcase_create ("honest");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_loop_test (tc, test_repeatable, 0, G_N_ELEMENTS (codecs));
  tcase_add_loop_test (tc, test_swapped_references, 0, G_N_ELEMENTS (codecs));
  tcase_add_loop_test (tc, test_early_reuse, 0, G_N_ELEMENTS (codecs));
  return s;
}

GST_CHECK_MAIN (model);
