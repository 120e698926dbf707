/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A test of the silicon model: is it as unkind as hardware?
 *
 * The same stream is decoded right, and then wrong on purpose: with two
 * reference addresses swapped in one job, and with a CAPTURE buffer recycled
 * while it is still a reference.  Hardware would then show other pixels; a
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
#include "media.h"

#define CAPTURE_BUFFERS 20

typedef enum
{
  MISTAKE_NONE,
  MISTAKE_SWAP_REFERENCES,      /* two entries of the DPB name each other's buffer */
  MISTAKE_EARLY_REUSE           /* a buffer is queued again while a later job reads it */
} Mistake;

typedef struct
{
  DecDevice *device;
  CodecH264 *codec;
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
  gint32 mode = V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED;
  gint32 start = V4L2_STATELESS_H264_START_CODE_ANNEX_B;
  V4l2Control modes[] = {
    {V4L2_CID_STATELESS_H264_DECODE_MODE, sizeof (mode), &mode},
    {V4L2_CID_STATELESS_H264_START_CODE, sizeof (start), &start},
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
  config.mode_controls = modes;
  config.n_mode_controls = G_N_ELEMENTS (modes);
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

  if (run->mistake == MISTAKE_EARLY_REUSE && run->n_jobs == 8 && run->last_reference) {
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

/* Names the first two references by each other's timestamps. */
static gboolean
swap_references (struct v4l2_ctrl_h264_decode_params *params)
{
  struct v4l2_h264_dpb_entry *first = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (params->dpb); i++) {
    struct v4l2_h264_dpb_entry *entry = &params->dpb[i];
    guint64 ts;

    if (!(entry->flags & V4L2_H264_DPB_ENTRY_FLAG_ACTIVE))
      continue;
    if (!first) {
      first = entry;
      continue;
    }
    ts = first->reference_ts;
    first->reference_ts = entry->reference_ts;
    entry->reference_ts = ts;
    return TRUE;
  }
  return FALSE;
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
  struct v4l2_ctrl_h264_decode_params params;
  DecDeviceJob dec = {.data = job->data,.size = job->size,.key = picture->key };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < job->n_controls; i++) {
    controls[i] = (V4l2Control) {
    job->controls[i].id, job->controls[i].size, (gpointer) job->controls[i].data};
    if (run->mistake != MISTAKE_SWAP_REFERENCES || run->made || run->n_jobs < 8
        || job->controls[i].id != V4L2_CID_STATELESS_H264_DECODE_PARAMS)
      continue;
    params = *(const struct v4l2_ctrl_h264_decode_params *) job->controls[i].data;
    run->made = swap_references (&params);
    controls[i].data = &params;
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
  g_autofree gchar *text = g_strdup_printf ("filesrc location=%s/%s ! h264parse ! "
      "video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false",
      g_getenv ("DMARESV_STREAMS"), name);
  GstElement *pipeline = gst_parse_launch (text, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstSample *sample;
  guint64 tag = 0;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 20 * GST_SECOND))) {
    g_autoptr (GError) error = NULL;
    GstMapInfo map;

    fail_unless (gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ));
    codec_h264_decode (run->codec, map.data, map.size, tag++, &error);
    fail_unless (error == NULL, "%s", error ? error->message : "");
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

static void
run_stream (Run * run, const gchar * name, Mistake mistake)
{
  static const CodecClient client = { new_sequence, new_picture, submit, output };
  g_autoptr (GPtrArray) devices = v4l2_media_find_decoders ();
  g_autoptr (GError) error = NULL;
  const V4l2DeviceInfo *info = NULL;

  for (guint i = 0; i < devices->len; i++) {
    const V4l2DeviceInfo *d = g_ptr_array_index (devices, i);

    if (g_strcmp0 (d->driver, "rkvdec") == 0)
      info = d;
  }
  fail_unless (info != NULL, "no rkvdec here");
  memset (run, 0, sizeof (*run));
  run->mistake = mistake;
  run->checksums = g_ptr_array_new_with_free_func (g_free);
  run->device = dec_device_open (info, V4L2_PIX_FMT_H264_SLICE, &error);
  fail_unless (run->device != NULL);
  run->codec = codec_h264_new (&client, run);
  decode_file (run, name);
  codec_h264_drain (run->codec, &error);
  g_clear_pointer (&run->last_reference, codec_picture_unref);
  codec_h264_free (run->codec);
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
check_mistake (const gchar * stream, Mistake mistake)
{
  Run right, wrong;

  run_stream (&right, stream, MISTAKE_NONE);
  fail_unless (right.n_jobs > 10);
  fail_unless_equals_int (right.n_errors, 0);
  run_stream (&wrong, stream, mistake);
  fail_unless (wrong.made, "the stream gave no chance for the mistake");
  fail_unless (differences (&right, &wrong) > 0, "the model hides the mistake");
  g_ptr_array_unref (right.checksums);
  g_ptr_array_unref (wrong.checksums);
}

/* Twice the same, or none of the differences below would mean anything. */
GST_START_TEST (test_repeatable)
{
  Run a, b;

  run_stream (&a, "bframes.h264", MISTAKE_NONE);
  run_stream (&b, "bframes.h264", MISTAKE_NONE);
  fail_unless_equals_int (a.n_errors, 0);
  fail_unless_equals_int (differences (&a, &b), 0);
  g_ptr_array_unref (a.checksums);
  g_ptr_array_unref (b.checksums);
}

GST_END_TEST;

GST_START_TEST (test_swapped_references)
{
  check_mistake ("refs16.h264", MISTAKE_SWAP_REFERENCES);
  check_mistake ("high10.h264", MISTAKE_SWAP_REFERENCES);
}

GST_END_TEST;

GST_START_TEST (test_early_reuse)
{
  check_mistake ("bframes.h264", MISTAKE_EARLY_REUSE);
  check_mistake ("high10.h264", MISTAKE_EARLY_REUSE);
}

GST_END_TEST;

static Suite *
model_suite (void)
{
  Suite *s = suite_create ("model");
  TCase *tc = tcase_create ("honest");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_repeatable);
  tcase_add_test (tc, test_swapped_references);
  tcase_add_test (tc, test_early_reuse);
  return s;
}

GST_CHECK_MAIN (model);
