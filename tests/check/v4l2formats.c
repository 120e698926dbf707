/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pixel formats, layouts and colorimetry of ext/v4l2/formats.c; no device. */
#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

#include "formats.h"

#ifndef V4L2_PIX_FMT_NV15
#define V4L2_PIX_FMT_NV15 v4l2_fourcc ('N', 'V', '1', '5')
#endif

GST_START_TEST (test_format_byte_order)
{
  /* V4L2's names of 32-bit RGB read a word, GStreamer's the bytes: pixfmt-rgb.rst. */
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_ABGR32), GST_VIDEO_FORMAT_BGRA);
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_XBGR32), GST_VIDEO_FORMAT_BGRx);
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_ARGB32), GST_VIDEO_FORMAT_ARGB);
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_RGB24), GST_VIDEO_FORMAT_RGB);
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_YVU420), GST_VIDEO_FORMAT_YV12);
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_NV15), GST_VIDEO_FORMAT_NV12_10LE40);
#if GST_CHECK_VERSION (1, 28, 0)
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_NV20), GST_VIDEO_FORMAT_NV16_10LE40);
#else
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_NV20), GST_VIDEO_FORMAT_UNKNOWN);
#endif
  fail_unless_equals_int (v4l2_format_to_video (v4l2_fourcc ('?', '?', '?', '?')),
      GST_VIDEO_FORMAT_UNKNOWN);
}

GST_END_TEST;

GST_START_TEST (test_format_round_trip)
{
  gint format, known = 0;

  /* Of all formats that GStreamer has, those with a V4L2 name come back as themselves. */
  for (format = GST_VIDEO_FORMAT_I420; gst_video_format_to_string (format); format++) {
    guint32 pixelformat = v4l2_format_from_video (format);

    if (!pixelformat)
      continue;
    known++;
    fail_unless_equals_int (v4l2_format_to_video (pixelformat), format);
  }
  fail_unless (known >= 20, "only %d formats", known);
  /* One memory is what a GstVideoInfo means: never the two of NV12M. */
  fail_unless_equals_int (v4l2_format_from_video (GST_VIDEO_FORMAT_NV12), V4L2_PIX_FMT_NV12);
  fail_unless_equals_int (v4l2_format_to_video (V4L2_PIX_FMT_NV12M), GST_VIDEO_FORMAT_NV12);
  fail_unless_equals_int (v4l2_format_from_video (GST_VIDEO_FORMAT_UNKNOWN), 0);
  fail_unless_equals_int (v4l2_format_from_video (GST_VIDEO_FORMAT_ENCODED), 0);
}

GST_END_TEST;

static V4l2Format
make_format (guint32 pixelformat, guint width, guint height, guint stride, guint size)
{
  V4l2Format format = {.pixelformat = pixelformat,.width = width,.height = height,.n_planes = 1 };

  format.planes[0].bytesperline = stride;
  format.planes[0].sizeimage = size;
  return format;
}

GST_START_TEST (test_info_padded)
{
  /* 1080p out of rkvdec: 1088 coded lines, the chroma behind them, motion vectors at the end. */
  V4l2Format format = make_format (V4L2_PIX_FMT_NV12, 1920, 1088, 1920, 1920 * 1088 * 2);
  GstVideoInfo info;

  fail_unless (v4l2_format_to_info (&format, 1920, 1080, &info));
  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (&info), 1920);
  fail_unless_equals_int (GST_VIDEO_INFO_HEIGHT (&info), 1080);
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&info, 1), 1920);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&info, 0), 0);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&info, 1), 1920 * 1088);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_SIZE (&info), 1920 * 1088 * 2);
}

GST_END_TEST;

GST_START_TEST (test_info_planes)
{
  V4l2Format format = make_format (V4L2_PIX_FMT_YUV420, 320, 240, 384, 384 * 240 * 3 / 2);
  GstVideoInfo info;

  fail_unless (v4l2_format_to_info (&format, 318, 239, &info));
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&info, 1), 192);
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&info, 2), 192);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&info, 1), 384 * 240);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&info, 2), 384 * 240 + 192 * 120);

  format = make_format (V4L2_PIX_FMT_YUV422P, 320, 240, 320, 320 * 240 * 2);
  fail_unless (v4l2_format_to_info (&format, 320, 240, &info));
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&info, 2), 320 * 240 + 160 * 240);

  format = make_format (V4L2_PIX_FMT_NV24, 320, 240, 320, 320 * 240 * 3);
  fail_unless (v4l2_format_to_info (&format, 320, 240, &info));
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&info, 1), 640);

  /* NV15: four pixels in five bytes. */
  format = make_format (V4L2_PIX_FMT_NV15, 640, 480, 800, 800 * 480 * 3 / 2);
  fail_unless (v4l2_format_to_info (&format, 640, 480, &info));
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&info, 0), 800);
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&info, 1), 800);
}

GST_END_TEST;

GST_START_TEST (test_info_two_memories)
{
  V4l2Format format = {.pixelformat = V4L2_PIX_FMT_NV12M,.width = 320,.height = 240,.n_planes = 2 };
  GstVideoInfo info;

  format.planes[0].bytesperline = 384;
  format.planes[0].sizeimage = 384 * 240 + 4096;
  format.planes[1].bytesperline = 448;
  format.planes[1].sizeimage = 448 * 120;
  fail_unless (v4l2_format_to_info (&format, 320, 240, &info));
  /* The second memory begins after the whole first one, padding included. */
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&info, 1), 384 * 240 + 4096);
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&info, 1), 448);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_SIZE (&info), 384 * 240 + 4096 + 448 * 120);
}

GST_END_TEST;

GST_START_TEST (test_info_refused)
{
  V4l2Format format = make_format (V4L2_PIX_FMT_NV12, 320, 240, 320, 320 * 240 * 3 / 2);
  GstVideoInfo info;

  fail_unless (v4l2_format_to_info (&format, 320, 240, &info));
  fail_if (v4l2_format_to_info (&format, 321, 240, &info));
  fail_if (v4l2_format_to_info (&format, 320, 241, &info));
  /* A driver whose sizeimage does not hold its own picture. */
  format.planes[0].sizeimage--;
  fail_if (v4l2_format_to_info (&format, 320, 240, &info));
  format = make_format (v4l2_fourcc ('S', '2', '6', '4'), 320, 240, 0, 1 << 20);
  fail_if (v4l2_format_to_info (&format, 320, 240, &info));
  format = make_format (V4L2_PIX_FMT_NV12, 320, 240, 0, 1 << 20);
  fail_if (v4l2_format_to_info (&format, 320, 240, &info));
}

GST_END_TEST;

GST_START_TEST (test_colorimetry)
{
  static const gchar *const names[] = {
    GST_VIDEO_COLORIMETRY_BT709, GST_VIDEO_COLORIMETRY_SMPTE240M, GST_VIDEO_COLORIMETRY_SRGB
  };
  V4l2Format format = make_format (V4L2_PIX_FMT_NV12, 320, 240, 320, 320 * 240 * 3 / 2);
  GstVideoColorimetry in, out;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    fail_unless (gst_video_colorimetry_from_string (&in, names[i]));
    format.pixelformat = in.matrix == GST_VIDEO_COLOR_MATRIX_RGB ? V4L2_PIX_FMT_XBGR32 :
        V4L2_PIX_FMT_NV12;
    v4l2_format_set_colorimetry (&format, &in);
    v4l2_format_get_colorimetry (&format, &out);
    fail_unless (gst_video_colorimetry_is_equal (&in, &out), "%s", names[i]);
  }

  fail_unless (gst_video_colorimetry_from_string (&in, GST_VIDEO_COLORIMETRY_BT601));
  format.pixelformat = V4L2_PIX_FMT_NV12;
  v4l2_format_set_colorimetry (&format, &in);
  fail_unless_equals_int (format.colorspace, V4L2_COLORSPACE_SMPTE170M);
  fail_unless_equals_int (format.ycbcr_enc, V4L2_YCBCR_ENC_601);
  fail_unless_equals_int (format.quantization, V4L2_QUANTIZATION_LIM_RANGE);
}

GST_END_TEST;

GST_START_TEST (test_colorimetry_unknown)
{
  V4l2Format format = make_format (V4L2_PIX_FMT_NV12, 320, 240, 320, 320 * 240 * 3 / 2);
  GstVideoColorimetry c = { 0 };

  v4l2_format_set_colorimetry (&format, &c);
  fail_unless_equals_int (format.colorspace, V4L2_COLORSPACE_DEFAULT);
  fail_unless_equals_int (format.ycbcr_enc, V4L2_YCBCR_ENC_DEFAULT);
  fail_unless_equals_int (format.quantization, V4L2_QUANTIZATION_DEFAULT);
  fail_unless_equals_int (format.xfer_func, V4L2_XFER_FUNC_DEFAULT);
  memset (&c, 0xff, sizeof (c));
  v4l2_format_get_colorimetry (&format, &c);
  fail_unless_equals_int (c.range, GST_VIDEO_COLOR_RANGE_UNKNOWN);
  fail_unless_equals_int (c.matrix, GST_VIDEO_COLOR_MATRIX_UNKNOWN);
  fail_unless_equals_int (c.transfer, GST_VIDEO_TRANSFER_UNKNOWN);
  fail_unless_equals_int (c.primaries, GST_VIDEO_COLOR_PRIMARIES_UNKNOWN);

  /* DEFAULT beside a colorspace is that colorspace's. */
  format.colorspace = V4L2_COLORSPACE_REC709;
  v4l2_format_get_colorimetry (&format, &c);
  fail_unless_equals_int (c.matrix, GST_VIDEO_COLOR_MATRIX_BT709);
  fail_unless_equals_int (c.range, GST_VIDEO_COLOR_RANGE_16_235);
}

GST_END_TEST;

static Suite *
v4l2formats_suite (void)
{
  Suite *s = suite_create ("v4l2formats");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_format_byte_order);
  tcase_add_test (tc, test_format_round_trip);
  tcase_add_test (tc, test_info_padded);
  tcase_add_test (tc, test_info_planes);
  tcase_add_test (tc, test_info_two_memories);
  tcase_add_test (tc, test_info_refused);
  tcase_add_test (tc, test_colorimetry);
  tcase_add_test (tc, test_colorimetry_unknown);
  return s;
}

GST_CHECK_MAIN (v4l2formats);
