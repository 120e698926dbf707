/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decformat.h"

#include <linux/v4l2-controls.h>

#define PROBE_WIDTH 640
#define PROBE_HEIGHT 480

static const gchar *const chroma_names[] = { "4:0:0", "4:2:0", "4:2:2" };

GstVideoFormat
dec_format_find (DecDevice * device, guint bit_depth, guint chroma_format_idc)
{
  GstVideoFormat format;
  guint i = 0;

  do {
    format = dec_device_enum_format (device, i++);
  } while (format != GST_VIDEO_FORMAT_UNKNOWN
      && !dec_frame_format_matches (format, bit_depth, chroma_format_idc));
  return format;
}

/* Probing */

static gboolean
set_h264_sps (DecDevice * device, guint bit_depth, guint chroma_format_idc)
{
  struct v4l2_ctrl_h264_sps sps = {
    .profile_idc = chroma_format_idc == 2 ? 122 : bit_depth > 8 ? 110 : 100,
    .level_idc = 40,
    .chroma_format_idc = chroma_format_idc,
    .bit_depth_luma_minus8 = bit_depth - 8,
    .bit_depth_chroma_minus8 = bit_depth - 8,
    .max_num_ref_frames = 1,
    .pic_width_in_mbs_minus1 = PROBE_WIDTH / 16 - 1,
    .pic_height_in_map_units_minus1 = PROBE_HEIGHT / 16 - 1,
    .flags = V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY | V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE,
  };
  V4l2Control control = { V4L2_CID_STATELESS_H264_SPS, sizeof (sps), &sps };

  return v4l2_m2m_set_controls (dec_device_get_m2m (device), -1, &control, 1, NULL);
}

static gboolean
set_hevc_sps (DecDevice * device, guint bit_depth, guint chroma_format_idc)
{
  struct v4l2_ctrl_hevc_sps sps = {
    .pic_width_in_luma_samples = PROBE_WIDTH,
    .pic_height_in_luma_samples = PROBE_HEIGHT,
    .bit_depth_luma_minus8 = bit_depth - 8,
    .bit_depth_chroma_minus8 = bit_depth - 8,
    .log2_max_pic_order_cnt_lsb_minus4 = 4,
    .log2_diff_max_min_luma_coding_block_size = 3,
    .log2_diff_max_min_luma_transform_block_size = 3,
    .chroma_format_idc = chroma_format_idc,
  };
  V4l2Control control = { V4L2_CID_STATELESS_HEVC_SPS, sizeof (sps), &sps };

  return v4l2_m2m_set_controls (dec_device_get_m2m (device), -1, &control, 1, NULL);
}

/* What the codec core knows to handle. */
static gboolean
core_takes (guint32 coded_format, guint bit_depth, guint chroma_format_idc)
{
  if (coded_format == V4L2_PIX_FMT_H264_SLICE)
    return TRUE;
  if (coded_format == V4L2_PIX_FMT_HEVC_SLICE)
    return chroma_format_idc == 1;
  return bit_depth == 8 && chroma_format_idc == 1;
}

GstVideoFormat
dec_format_probe (DecDevice * device, guint32 coded_format, guint bit_depth,
    guint chroma_format_idc)
{
  V4l2Format output = {.pixelformat = coded_format,.width = PROBE_WIDTH,.height = PROBE_HEIGHT,
    .n_planes = 1,.field = V4L2_FIELD_NONE
  };

  if (!core_takes (coded_format, bit_depth, chroma_format_idc) ||
      !v4l2_m2m_set_format (dec_device_get_m2m (device), V4L2_M2M_OUTPUT, &output, NULL))
    return GST_VIDEO_FORMAT_UNKNOWN;
  if (coded_format == V4L2_PIX_FMT_H264_SLICE
      && !set_h264_sps (device, bit_depth, chroma_format_idc))
    return GST_VIDEO_FORMAT_UNKNOWN;
  if (coded_format == V4L2_PIX_FMT_HEVC_SLICE
      && !set_hevc_sps (device, bit_depth, chroma_format_idc))
    return GST_VIDEO_FORMAT_UNKNOWN;
  return dec_format_find (device, bit_depth, chroma_format_idc);
}

void
dec_format_probe_all (DecDevice * device, guint32 coded_format,
    GstVideoFormat formats[DEC_FORMAT_MAX])
{
  guint n = 0, chroma, depth, i;

  for (chroma = 1; chroma <= 2; chroma++) {
    for (depth = 8; depth <= 10; depth += 2) {
      GstVideoFormat format = dec_format_probe (device, coded_format, depth, chroma);

      for (i = 0; i < n && formats[i] != format; i++);
      if (i == n && format != GST_VIDEO_FORMAT_UNKNOWN)
        formats[n++] = format;
    }
  }
  formats[n] = GST_VIDEO_FORMAT_UNKNOWN;
}

static void
append_depth (GstCaps * caps, const GstStructure * base, guint depth, const GValue * chroma)
{
  GstStructure *s = gst_structure_copy (base);

  gst_structure_set (s, "bit-depth-luma", G_TYPE_UINT, depth, "bit-depth-chroma", G_TYPE_UINT,
      depth, NULL);
  gst_structure_set_value (s, "chroma-format", chroma);
  gst_caps_append_structure (caps, s);
}

/* Monochrome in structures of its own: h264parse says 0 for the depth of what is not there. */
gboolean
gst_dmaresv_decoder_set_depths (GstCaps ** caps, DecDevice * device, guint32 coded_format)
{
  const GstStructure *base = gst_caps_get_structure (*caps, 0);
  GstCaps *all = gst_caps_new_empty ();
  guint chroma, depth;

  for (depth = 8; depth <= 10; depth += 2) {
    g_auto (GValue) names = G_VALUE_INIT;
    g_auto (GValue) name = G_VALUE_INIT;

    g_value_init (&names, GST_TYPE_LIST);
    g_value_init (&name, G_TYPE_STRING);
    for (chroma = 1; chroma < G_N_ELEMENTS (chroma_names); chroma++) {
      if (dec_format_probe (device, coded_format, depth, chroma) == GST_VIDEO_FORMAT_UNKNOWN)
        continue;
      g_value_set_static_string (&name, chroma_names[chroma]);
      gst_value_list_append_value (&names, &name);
    }
    /* A list of one is not the same as the value in caps comparisons. */
    if (gst_value_list_get_size (&names))
      append_depth (all, base, depth, gst_value_list_get_size (&names) == 1 ?
          gst_value_list_get_value (&names, 0) : &names);
    if (dec_format_probe (device, coded_format, depth, 0) != GST_VIDEO_FORMAT_UNKNOWN) {
      g_value_set_static_string (&name, chroma_names[0]);
      append_depth (all, base, depth, &name);
      gst_structure_set (gst_caps_get_structure (all, gst_caps_get_size (all) - 1),
          "bit-depth-chroma", G_TYPE_UINT, 0, NULL);
    }
  }
  gst_caps_unref (*caps);
  *caps = all;
  return !gst_caps_is_empty (all);
}

/* Sequences */

gboolean
dec_format_set_layout (GstDmaResvDecoder * self, const CodecSequence * seq)
{
  GstDmaResvDecoderPrivate *priv = gst_dmaresv_decoder_get_private (self);
  g_autofree gchar *what = NULL;

  dec_frame_fix_init (&priv->fix, priv->capture.pixelformat);
  priv->fix.neutral_chroma = seq->chroma_format_idc == 0
      && GST_VIDEO_FORMAT_INFO_N_PLANES (gst_video_format_get_info (v4l2_format_to_video
          (priv->capture.pixelformat))) > 1;
  if (dec_frame_layout (&priv->capture, seq->crop_x, seq->crop_y, seq->width, seq->height,
          &priv->layout, &priv->fix.skip_x))
    return TRUE;
  what = g_strdup_printf ("%ux%u at %u,%u of a %ux%u picture cannot be shown", seq->width,
      seq->height, seq->crop_x, seq->crop_y, priv->capture.width, priv->capture.height);
  return gst_dmaresv_decoder_unsupported (self, what);
}

gboolean
dec_format_configure_capture (GstDmaResvDecoder * self)
{
  GstDmaResvDecoderPrivate *priv = gst_dmaresv_decoder_get_private (self);
  const CodecSequence *seq = &priv->sequence;
  GstVideoFormat format = dec_format_find (priv->device, seq->bit_depth, seq->chroma_format_idc);
  g_autofree gchar *what = NULL;
  g_autoptr (GError) err = NULL;

  if (format == GST_VIDEO_FORMAT_UNKNOWN) {
    what = g_strdup_printf ("%u-bit video of chroma_format_idc %u has no format here",
        seq->bit_depth, seq->chroma_format_idc);
    return gst_dmaresv_decoder_unsupported (self, what);
  }
  if (!dec_device_set_capture (priv->device, format, &priv->capture, &err))
    return gst_dmaresv_decoder_unsupported (self, err->message);
  return dec_format_set_layout (self, seq);
}
