/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "formats.h"

/* Younger than some distributions' kernel headers. */
#ifndef V4L2_PIX_FMT_P010
#define V4L2_PIX_FMT_P010 v4l2_fourcc ('P', '0', '1', '0')
#endif

/*
 * V4L2 names 32-bit RGB by the little-endian word, from the top byte or not, by age; what counts
 * is the order of the bytes in memory, as in Documentation/userspace-api/media/v4l/pixfmt-rgb.rst:
 * ABGR32 ("AR24") is B, G, R, A in memory, which GStreamer calls BGRA.
 *
 * The first of several entries is what v4l2_format_from_video() gives.
 */
static const struct
{
  guint32 pixelformat;
  GstVideoFormat format;
} formats[] = {
  {V4L2_PIX_FMT_NV12, GST_VIDEO_FORMAT_NV12},
  {V4L2_PIX_FMT_NV12M, GST_VIDEO_FORMAT_NV12},
  {V4L2_PIX_FMT_NV21, GST_VIDEO_FORMAT_NV21},
  {V4L2_PIX_FMT_NV16, GST_VIDEO_FORMAT_NV16},
  {V4L2_PIX_FMT_NV61, GST_VIDEO_FORMAT_NV61},
  {V4L2_PIX_FMT_NV24, GST_VIDEO_FORMAT_NV24},
  {V4L2_PIX_FMT_NV15, GST_VIDEO_FORMAT_NV12_10LE40},
#if GST_CHECK_VERSION (1, 28, 0)
  {V4L2_PIX_FMT_NV20, GST_VIDEO_FORMAT_NV16_10LE40},
#endif
  {V4L2_PIX_FMT_P010, GST_VIDEO_FORMAT_P010_10LE},
  {V4L2_PIX_FMT_YUV420, GST_VIDEO_FORMAT_I420},
  {V4L2_PIX_FMT_YVU420, GST_VIDEO_FORMAT_YV12},
  {V4L2_PIX_FMT_YUV422P, GST_VIDEO_FORMAT_Y42B},
  {V4L2_PIX_FMT_YUYV, GST_VIDEO_FORMAT_YUY2},
  {V4L2_PIX_FMT_YVYU, GST_VIDEO_FORMAT_YVYU},
  {V4L2_PIX_FMT_UYVY, GST_VIDEO_FORMAT_UYVY},
  {V4L2_PIX_FMT_VYUY, GST_VIDEO_FORMAT_VYUY},
  {V4L2_PIX_FMT_GREY, GST_VIDEO_FORMAT_GRAY8},
  {V4L2_PIX_FMT_ABGR32, GST_VIDEO_FORMAT_BGRA},
  {V4L2_PIX_FMT_XBGR32, GST_VIDEO_FORMAT_BGRx},
  {V4L2_PIX_FMT_ARGB32, GST_VIDEO_FORMAT_ARGB},
  {V4L2_PIX_FMT_XRGB32, GST_VIDEO_FORMAT_xRGB},
  {V4L2_PIX_FMT_RGBA32, GST_VIDEO_FORMAT_RGBA},
  {V4L2_PIX_FMT_RGBX32, GST_VIDEO_FORMAT_RGBx},
  {V4L2_PIX_FMT_BGRA32, GST_VIDEO_FORMAT_ABGR},
  {V4L2_PIX_FMT_BGRX32, GST_VIDEO_FORMAT_xBGR},
  {V4L2_PIX_FMT_RGB24, GST_VIDEO_FORMAT_RGB},
  {V4L2_PIX_FMT_BGR24, GST_VIDEO_FORMAT_BGR},
  {V4L2_PIX_FMT_RGB565, GST_VIDEO_FORMAT_RGB16},
  {V4L2_PIX_FMT_XRGB555, GST_VIDEO_FORMAT_RGB15},
};

GstVideoFormat
v4l2_format_to_video (guint32 pixelformat)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].pixelformat == pixelformat)
      return formats[i].format;
  }
  return GST_VIDEO_FORMAT_UNKNOWN;
}

guint32
v4l2_format_from_video (GstVideoFormat format)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (formats) && format != GST_VIDEO_FORMAT_UNKNOWN; i++) {
    if (formats[i].format == format)
      return formats[i].pixelformat;
  }
  return 0;
}

/* Bytes from line to line of @plane, from those of plane 0. */
static guint64
plane_stride (const GstVideoFormatInfo * finfo, guint plane, guint64 stride0)
{
  /* Component n is in plane n for the first of each plane's, in every format of the table. */
  guint w_sub = GST_VIDEO_FORMAT_INFO_W_SUB (finfo, plane);

  if (plane == 0)
    return stride0;
  /* Two planes: Cb and Cr share the lines of the second. */
  if (GST_VIDEO_FORMAT_INFO_N_PLANES (finfo) == 2)
    return (stride0 * 2) >> w_sub;
  return stride0 >> w_sub;
}

/**
 * v4l2_format_to_info:
 * @format: as S_FMT or G_FMT returned it
 * @width: pixels, at most the format's
 * @height: pixels, at most the format's
 *
 * Sets strides, offsets and size; the size is that of the buffer (the sum of sizeimage), which
 * may be larger than the picture. For several memory planes the offsets are those within the
 * memories put one after another, as in a GstVideoMeta.
 *
 * Returns: %FALSE where the format is unknown, the visible size is larger than the coded size, or
 *   sizeimage does not hold the picture
 */
gboolean
v4l2_format_to_info (const V4l2Format * format, guint width, guint height, GstVideoInfo * info)
{
  GstVideoFormat video = v4l2_format_to_video (format->pixelformat);
  const GstVideoFormatInfo *finfo;
  guint64 offset = 0, memory_end = 0;
  guint plane;

  if (video == GST_VIDEO_FORMAT_UNKNOWN || format->n_planes == 0
      || format->n_planes > V4L2_M2M_MAX_PLANES || width > format->width
      || height > format->height || !gst_video_info_set_format (info, video, width, height))
    return FALSE;

  finfo = info->finfo;
  if (format->n_planes > 1 && format->n_planes != GST_VIDEO_FORMAT_INFO_N_PLANES (finfo))
    return FALSE;

  for (plane = 0; plane < GST_VIDEO_FORMAT_INFO_N_PLANES (finfo); plane++) {
    gboolean own = format->n_planes > 1;
    guint64 stride = own ? format->planes[plane].bytesperline :
        plane_stride (finfo, plane, format->planes[0].bytesperline);
    guint64 lines = GST_VIDEO_SUB_SCALE (GST_VIDEO_FORMAT_INFO_H_SUB (finfo, plane),
        format->height);

    if (stride == 0 || stride > G_MAXINT)
      return FALSE;
    if (own || plane == 0) {
      offset = memory_end;
      memory_end += format->planes[plane].sizeimage;
    }
    info->stride[plane] = stride;
    info->offset[plane] = offset;
    offset += stride * lines;
    if (offset > memory_end)
      return FALSE;
  }
  info->size = memory_end;
  return TRUE;
}

/* --- colorimetry --- */

typedef struct
{
  guint32 v4l2;
  gint gst;
} Pair;

/* The first entry of a V4L2 value is what get gives for it. */
static const Pair primaries[] = {
  {V4L2_COLORSPACE_REC709, GST_VIDEO_COLOR_PRIMARIES_BT709},
  {V4L2_COLORSPACE_SRGB, GST_VIDEO_COLOR_PRIMARIES_BT709},
  {V4L2_COLORSPACE_JPEG, GST_VIDEO_COLOR_PRIMARIES_BT709},
  {V4L2_COLORSPACE_SMPTE170M, GST_VIDEO_COLOR_PRIMARIES_SMPTE170M},
  {V4L2_COLORSPACE_SMPTE240M, GST_VIDEO_COLOR_PRIMARIES_SMPTE240M},
  {V4L2_COLORSPACE_470_SYSTEM_M, GST_VIDEO_COLOR_PRIMARIES_BT470M},
  {V4L2_COLORSPACE_470_SYSTEM_BG, GST_VIDEO_COLOR_PRIMARIES_BT470BG},
  {V4L2_COLORSPACE_BT2020, GST_VIDEO_COLOR_PRIMARIES_BT2020},
  {V4L2_COLORSPACE_OPRGB, GST_VIDEO_COLOR_PRIMARIES_ADOBERGB},
  {V4L2_COLORSPACE_DCI_P3, GST_VIDEO_COLOR_PRIMARIES_SMPTERP431},
};

static const Pair matrices[] = {
  {V4L2_YCBCR_ENC_601, GST_VIDEO_COLOR_MATRIX_BT601},
  {V4L2_YCBCR_ENC_709, GST_VIDEO_COLOR_MATRIX_BT709},
  {V4L2_YCBCR_ENC_XV601, GST_VIDEO_COLOR_MATRIX_BT601},
  {V4L2_YCBCR_ENC_XV709, GST_VIDEO_COLOR_MATRIX_BT709},
  {V4L2_YCBCR_ENC_BT2020, GST_VIDEO_COLOR_MATRIX_BT2020},
  {V4L2_YCBCR_ENC_SMPTE240M, GST_VIDEO_COLOR_MATRIX_SMPTE240M},
};

static const Pair transfers[] = {
  {V4L2_XFER_FUNC_709, GST_VIDEO_TRANSFER_BT709},
  {V4L2_XFER_FUNC_709, GST_VIDEO_TRANSFER_BT601},
  {V4L2_XFER_FUNC_709, GST_VIDEO_TRANSFER_BT2020_10},
  {V4L2_XFER_FUNC_709, GST_VIDEO_TRANSFER_BT2020_12},
  {V4L2_XFER_FUNC_SRGB, GST_VIDEO_TRANSFER_SRGB},
  {V4L2_XFER_FUNC_OPRGB, GST_VIDEO_TRANSFER_ADOBERGB},
  {V4L2_XFER_FUNC_SMPTE240M, GST_VIDEO_TRANSFER_SMPTE240M},
  {V4L2_XFER_FUNC_NONE, GST_VIDEO_TRANSFER_GAMMA10},
  {V4L2_XFER_FUNC_SMPTE2084, GST_VIDEO_TRANSFER_SMPTE2084},
};

static guint32
to_v4l2 (const Pair * pairs, guint n_pairs, gint gst)
{
  guint i;

  for (i = 0; i < n_pairs; i++) {
    if (pairs[i].gst == gst)
      return pairs[i].v4l2;
  }
  return 0;                     /* *_DEFAULT in every one of these enumerations */
}

static gint
to_gst (const Pair * pairs, guint n_pairs, guint32 v4l2)
{
  guint i;

  for (i = 0; i < n_pairs; i++) {
    if (pairs[i].v4l2 == v4l2)
      return pairs[i].gst;
  }
  return 0;                     /* *_UNKNOWN in every one of these enumerations */
}

void
v4l2_format_set_colorimetry (V4l2Format * format, const GstVideoColorimetry * colorimetry)
{
  format->colorspace = to_v4l2 (primaries, G_N_ELEMENTS (primaries), colorimetry->primaries);
  format->ycbcr_enc = to_v4l2 (matrices, G_N_ELEMENTS (matrices), colorimetry->matrix);
  format->xfer_func = to_v4l2 (transfers, G_N_ELEMENTS (transfers), colorimetry->transfer);

  /* Rec. 709 primaries with the sRGB curve have a colorspace of their own. */
  if (format->colorspace == V4L2_COLORSPACE_REC709
      && colorimetry->transfer == GST_VIDEO_TRANSFER_SRGB)
    format->colorspace = V4L2_COLORSPACE_SRGB;

  switch (colorimetry->range) {
    case GST_VIDEO_COLOR_RANGE_0_255:
      format->quantization = V4L2_QUANTIZATION_FULL_RANGE;
      break;
    case GST_VIDEO_COLOR_RANGE_16_235:
      format->quantization = V4L2_QUANTIZATION_LIM_RANGE;
      break;
    default:
      format->quantization = V4L2_QUANTIZATION_DEFAULT;
      break;
  }
}

/* A member left at DEFAULT beside a known colorspace has that colorspace's value
 * (V4L2_MAP_*_DEFAULT in videodev2.h); without a colorspace it is unknown. */
void
v4l2_format_get_colorimetry (const V4l2Format * format, GstVideoColorimetry * colorimetry)
{
  GstVideoFormat video = v4l2_format_to_video (format->pixelformat);
  gboolean rgb = video != GST_VIDEO_FORMAT_UNKNOWN
      && GST_VIDEO_FORMAT_INFO_IS_RGB (gst_video_format_get_info (video));
  gboolean known = format->colorspace != V4L2_COLORSPACE_DEFAULT;
  guint32 enc = format->ycbcr_enc, xfer = format->xfer_func, quant = format->quantization;

  if (enc == V4L2_YCBCR_ENC_DEFAULT && known)
    enc = V4L2_MAP_YCBCR_ENC_DEFAULT (format->colorspace);
  if (xfer == V4L2_XFER_FUNC_DEFAULT && known)
    xfer = V4L2_MAP_XFER_FUNC_DEFAULT (format->colorspace);
  if (quant == V4L2_QUANTIZATION_DEFAULT && known)
    quant = V4L2_MAP_QUANTIZATION_DEFAULT (rgb, format->colorspace, enc);

  colorimetry->primaries = to_gst (primaries, G_N_ELEMENTS (primaries), format->colorspace);
  colorimetry->transfer = to_gst (transfers, G_N_ELEMENTS (transfers), xfer);
  if (rgb)
    colorimetry->matrix = GST_VIDEO_COLOR_MATRIX_RGB;
  else
    colorimetry->matrix = to_gst (matrices, G_N_ELEMENTS (matrices), enc);
  colorimetry->range = quant == V4L2_QUANTIZATION_FULL_RANGE ? GST_VIDEO_COLOR_RANGE_0_255 :
      quant == V4L2_QUANTIZATION_LIM_RANGE ? GST_VIDEO_COLOR_RANGE_16_235 :
      GST_VIDEO_COLOR_RANGE_UNKNOWN;
}
