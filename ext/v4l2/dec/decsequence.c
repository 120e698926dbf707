/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decformat.h"

GST_DEBUG_CATEGORY_EXTERN (gst_dmaresv_decoder_debug);
#define GST_CAT_DEFAULT gst_dmaresv_decoder_debug

#define PRIV(self) gst_dmaresv_decoder_get_private (GST_DMARESV_DECODER (self))

static void
gst_dmaresv_decoder_report_latency (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  const GstVideoInfo *in = &priv->input_state->info;
  gint fps_n = GST_VIDEO_INFO_FPS_N (in), fps_d = GST_VIDEO_INFO_FPS_D (in);
  GstClockTime latency;

  if (fps_n <= 0 || fps_d <= 0) {
    fps_n = priv->sequence.fps_n;
    fps_d = priv->sequence.fps_d;
  }
  /* Without any rate, one that is common and slow. */
  if (fps_n <= 0 || fps_d <= 0) {
    fps_n = 25;
    fps_d = 1;
  }
  latency = gst_util_uint64_scale (priv->sequence.reorder * GST_SECOND, fps_d, fps_n);
  /* Nobody waits for centuries because a VUI says so. */
  latency = MIN (latency, priv->sequence.reorder * MAX_FRAME_DURATION);
  GST_INFO_OBJECT (self, "%u frames of reordering are %" GST_TIME_FORMAT " of latency",
      priv->sequence.reorder, GST_TIME_ARGS (latency));
  gst_video_decoder_set_latency (GST_VIDEO_DECODER (self), latency, latency);
}

/* A sequence in the buffers of the one before. */
static gboolean
gst_dmaresv_decoder_change_visible (GstDmaResvDecoder * self, const CodecSequence * sequence)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);

  priv->sequence = *sequence;
  priv->sequence.n_controls = 0;
  priv->have_sequence = TRUE;
  priv->need_negotiate = TRUE;
  if (dec_format_set_layout (self, sequence) && gst_dmaresv_decoder_renegotiate (self))
    return TRUE;
  priv->have_sequence = FALSE;
  return FALSE;
}

/* OUTPUT format and the sequence's controls. */
static gboolean
gst_dmaresv_decoder_configure (GstDmaResvDecoder * self, const CodecSequence * sequence)
{
  GstDmaResvDecoderClass *klass = GST_DMARESV_DECODER_GET_CLASS (self);
  V4l2Control controls[CODEC_MAX_CONTROLS];
  DecDeviceConfig config = { 0, };
  g_autofree gchar *what = NULL;
  g_autoptr (GError) err = NULL;
  gsize samples;
  guint i;

  for (i = 0; i < sequence->n_controls; i++)
    controls[i] = (V4l2Control) {
    sequence->controls[i].id, sequence->controls[i].size, (gpointer) sequence->controls[i].data};

  /* No codec's picture is larger than its samples by more than what escapes cost (H.264 A.3.1:
   * 3200 bits per macroblock of 384 samples, which is 1/24 more); the rest is for headers. */
  samples = (gsize) sequence->coded_width * sequence->coded_height;
  samples += sequence->chroma_format_idc == 3 ? 2 * samples :
      sequence->chroma_format_idc == 2 ? samples : samples / 2;
  config.bitstream_size = samples * (sequence->bit_depth > 8 ? 2 : 1);
  config.bitstream_size += config.bitstream_size / 16 + 64 * 1024;
  config.coded_width = sequence->coded_width;
  config.coded_height = sequence->coded_height;
  config.exact_size = sequence->exact_size;
  config.mode_controls = klass->mode_controls;
  config.n_mode_controls = klass->n_mode_controls;
  config.controls = controls;
  config.n_controls = sequence->n_controls;
  if (dec_device_configure (PRIV (self)->device, &config, &err))
    return TRUE;
  what = g_strdup_printf ("%u-bit video of %ux%u pixels and chroma_format_idc %u: %s",
      sequence->bit_depth, sequence->coded_width, sequence->coded_height,
      sequence->chroma_format_idc, err->message);
  return gst_dmaresv_decoder_unsupported (self, what);
}

gboolean
gst_dmaresv_decoder_new_sequence (const CodecSequence * sequence, gpointer user_data)
{
  GstDmaResvDecoder *self = user_data;
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  g_autoptr (GError) err = NULL;

  GST_INFO_OBJECT (self, "sequence: %ux%u at %u,%u in %ux%u, %u bits, chroma %u, profile %d, "
      "DPB %u, reorder %u%s", sequence->width, sequence->height, sequence->crop_x,
      sequence->crop_y, sequence->coded_width, sequence->coded_height, sequence->bit_depth,
      sequence->chroma_format_idc, sequence->profile, sequence->dpb_size, sequence->reorder,
      sequence->interlaced ? ", interlaced" : "");

  if (!gst_dmaresv_decoder_push_all (self))
    return FALSE;
  priv->have_sequence = FALSE;
  if (sequence->keeps_references)
    return gst_dmaresv_decoder_change_visible (self, sequence);

  gst_dmaresv_decoder_set_pool (self, &priv->pool, NULL);
  if (!gst_dmaresv_decoder_configure (self, sequence))
    return FALSE;
  priv->sequence = *sequence;
  priv->sequence.n_controls = 0;
  if (!dec_format_configure_capture (self))
    return FALSE;

  priv->have_sequence = TRUE;
  gst_dmaresv_decoder_report_latency (self);
  priv->need_negotiate = TRUE;
  if (!gst_dmaresv_decoder_renegotiate (self)) {
    priv->have_sequence = FALSE;
    return FALSE;
  }
  if (!dec_device_start (priv->device, &err)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("The video decoder could not be started."),
        ("%s", err->message));
    priv->flow = GST_FLOW_ERROR;
    priv->have_sequence = FALSE;
    return FALSE;
  }
  return TRUE;
}
