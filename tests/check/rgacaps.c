/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rgaconvert makes of caps and layouts (ext/rga/rgacaps.c); no device. */
#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

#include "gstdmaresvcaps.h"
#include "rgacaps.h"

static GstVideoFormat all_formats[] = {
  GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_BGRA, GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_RGB,
  GST_VIDEO_FORMAT_BGR, GST_VIDEO_FORMAT_RGB16, GST_VIDEO_FORMAT_NV21, GST_VIDEO_FORMAT_NV61,
  GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_NV16, GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_Y42B,
  GST_VIDEO_FORMAT_YV12, GST_VIDEO_FORMAT_UNKNOWN
};

/* The RK3399's, from the driver's table. */
static const RgaLimits limits = {
  .sink_formats = all_formats,.src_formats = all_formats,
  .min_width = 34,.max_width = 8192,.min_height = 34,.max_height = 8192,.max_scale = 16
};

static GstCaps *
fixed_caps (GstVideoFormat format, gint width, gint height, gboolean dmabuf)
{
  GstVideoInfo info;

  gst_video_info_set_format (&info, format, width, height);
  info.fps_n = 25;
  return gst_dmaresv_caps_from_info (&info, dmabuf);
}

/* What in basetransform's hands @in becomes for a peer that takes @peer. */
static GstCaps *
negotiate (GstCaps * in, const gchar * peer)
{
  g_autoptr (GstCaps) peer_caps = gst_caps_from_string (peer);
  g_autoptr (GstCaps) other = rga_caps_transform (&limits, GST_PAD_SINK, in);
  GstCaps *both = gst_caps_intersect_full (peer_caps, other, GST_CAPS_INTERSECT_FIRST);

  fail_if (gst_caps_is_empty (both), "%s", peer);
  both = rga_caps_fixate (&limits, GST_PAD_SINK, in, both);
  fail_unless (gst_caps_is_fixed (both), "%" GST_PTR_FORMAT, both);
  return both;
}

static void
check_result (const gchar * peer, GstVideoFormat in_format, gint in_w, gint in_h, gint in_par_n,
    gint in_par_d, gint out_w, gint out_h, gint out_par_n, gint out_par_d)
{
  g_autoptr (GstCaps) in = fixed_caps (in_format, in_w, in_h, FALSE);
  g_autoptr (GstCaps) out = NULL;
  GstVideoInfo info;

  gst_caps_set_simple (in, "pixel-aspect-ratio", GST_TYPE_FRACTION, in_par_n, in_par_d, NULL);
  out = negotiate (in, peer);
  fail_unless (gst_dmaresv_caps_to_info (out, &info, NULL));
  GST_INFO ("%" GST_PTR_FORMAT, out);
  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (&info), out_w);
  fail_unless_equals_int (GST_VIDEO_INFO_HEIGHT (&info), out_h);
  fail_unless_equals_int (GST_VIDEO_INFO_PAR_N (&info), out_par_n);
  fail_unless_equals_int (GST_VIDEO_INFO_PAR_D (&info), out_par_d);
}

GST_START_TEST (test_template)
{
  g_autoptr (GstCaps) templ = rga_caps_template (&limits, GST_PAD_SINK);
  g_autoptr (GstCaps) good = fixed_caps (GST_VIDEO_FORMAT_NV12, 640, 480, TRUE);
  g_autoptr (GstCaps) small = fixed_caps (GST_VIDEO_FORMAT_NV12, 32, 480, TRUE);
  g_autoptr (GstCaps) plain = fixed_caps (GST_VIDEO_FORMAT_I420, 640, 480, FALSE);
  g_autoptr (GstCaps) ten = fixed_caps (GST_VIDEO_FORMAT_NV12_10LE40, 640, 480, FALSE);

  fail_unless (gst_dmaresv_caps_has_dmabuf (templ));
  fail_unless (gst_caps_can_intersect (templ, good));
  fail_unless (gst_caps_can_intersect (templ, plain));
  fail_if (gst_caps_can_intersect (templ, small));
  fail_if (gst_caps_can_intersect (templ, ten));
  /* Nor as dma-bufs, in either form of the caps. */
  gst_caps_set_features_simple (ten, gst_caps_features_new ("memory:DMABuf", NULL));
  fail_if (gst_caps_can_intersect (templ, ten));
  gst_caps_set_simple (ten, "format", G_TYPE_STRING, "DMA_DRM", "drm-format", G_TYPE_STRING, "NV15",
      NULL);
  fail_if (gst_caps_can_intersect (templ, ten));
}

GST_END_TEST;

GST_START_TEST (test_unchanged)
{
  guint dmabuf;

  /* With a peer that takes everything nothing changes, to the last field: passthrough. */
  for (dmabuf = 0; dmabuf < 2; dmabuf++) {
    g_autoptr (GstCaps) in = fixed_caps (GST_VIDEO_FORMAT_NV12, 1920, 1080, dmabuf);
    g_autoptr (GstCaps) other = rga_caps_transform (&limits, GST_PAD_SINK, in);
    g_autoptr (GstCaps) out = rga_caps_fixate (&limits, GST_PAD_SINK, in, gst_caps_ref (other));

    fail_unless (gst_caps_is_equal (in, out), "%" GST_PTR_FORMAT, out);
    fail_unless (gst_caps_is_subset (in, other));
  }
}

GST_END_TEST;

GST_START_TEST (test_bare_caps_unchanged)
{
  g_autoptr (GstCaps) in =
      gst_caps_from_string ("video/x-raw,format=NV12,width=1920,height=1080,framerate=25/1");
  g_autoptr (GstCaps) other = rga_caps_transform (&limits, GST_PAD_SINK, in);
  g_autoptr (GstCaps) out = rga_caps_fixate (&limits, GST_PAD_SINK, in, gst_caps_ref (other));

  fail_unless (gst_caps_is_equal (in, out), "%" GST_PTR_FORMAT, out);
}

GST_END_TEST;

GST_START_TEST (test_memory_kept)
{
  g_autoptr (GstCaps) in = fixed_caps (GST_VIDEO_FORMAT_NV12, 640, 480, TRUE);
  g_autoptr (GstCaps) templ = rga_caps_template (&limits, GST_PAD_SRC);
  g_autofree gchar *any = gst_caps_to_string (templ);
  g_autoptr (GstCaps) out = negotiate (in, any);
  g_autoptr (GstCaps) system = NULL;

  fail_unless (gst_dmaresv_caps_has_dmabuf (out));
  system = negotiate (in, "video/x-raw,format=NV12");
  fail_if (gst_dmaresv_caps_has_dmabuf (system));
}

GST_END_TEST;

GST_START_TEST (test_format_choice)
{
  static const struct
  {
    GstVideoFormat in;
    const gchar *peer;
    GstVideoFormat out;
  } cases[] = {
    {GST_VIDEO_FORMAT_NV12, "video/x-raw,format={BGRx,NV12}", GST_VIDEO_FORMAT_NV12},
    {GST_VIDEO_FORMAT_NV12, "video/x-raw,format={BGRx,I420}", GST_VIDEO_FORMAT_I420},
    {GST_VIDEO_FORMAT_NV16, "video/x-raw,format={NV12,NV61}", GST_VIDEO_FORMAT_NV61},
    {GST_VIDEO_FORMAT_BGRA, "video/x-raw,format={BGRx,ARGB,NV12}", GST_VIDEO_FORMAT_ARGB},
    {GST_VIDEO_FORMAT_NV12, "video/x-raw,format={RGB16,BGRA,BGRx}", GST_VIDEO_FORMAT_BGRx},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) in = fixed_caps (cases[i].in, 640, 480, FALSE);
    g_autoptr (GstCaps) out = negotiate (in, cases[i].peer);
    GstVideoInfo info;

    fail_unless (gst_dmaresv_caps_to_info (out, &info, NULL));
    fail_unless (GST_VIDEO_INFO_FORMAT (&info) == cases[i].out, "%s gave %s", cases[i].peer,
        GST_VIDEO_INFO_NAME (&info));
  }
}

GST_END_TEST;

GST_START_TEST (test_size_choice)
{
  /* peer, format, in: w h par, out: w h par */
  check_result ("video/x-raw", GST_VIDEO_FORMAT_NV12, 1920, 1080, 1, 1, 1920, 1080, 1, 1);
  check_result ("video/x-raw,width=1280", GST_VIDEO_FORMAT_NV12, 1920, 1080, 1, 1, 1280, 720, 1, 1);
  check_result ("video/x-raw,height=360", GST_VIDEO_FORMAT_NV12, 1920, 1080, 1, 1, 640, 360, 1, 1);
  /* Both sizes given: the pixels become what keeps the picture's shape. */
  check_result ("video/x-raw,width=640,height=480", GST_VIDEO_FORMAT_NV12, 1920, 1080, 1, 1,
      640, 480, 4, 3);
  /* Square pixels wanted from wide ones: the width grows. */
  check_result ("video/x-raw,pixel-aspect-ratio=1/1", GST_VIDEO_FORMAT_NV12, 720, 576, 16, 11,
      1047, 576, 1, 1);
  /* A peer with a largest size. */
  check_result ("video/x-raw,width=[1,800],height=[1,600],pixel-aspect-ratio=1/1",
      GST_VIDEO_FORMAT_NV12, 1920, 1080, 1, 1, 800, 450, 1, 1);
}

GST_END_TEST;

GST_START_TEST (test_scale_limits)
{
  g_autoptr (GstCaps) in = fixed_caps (GST_VIDEO_FORMAT_NV12, 1920, 1088, FALSE);
  g_autoptr (GstCaps) out = rga_caps_transform (&limits, GST_PAD_SINK, in);
  g_autoptr (GstCaps) back = NULL;
  g_autoptr (GstCaps) tiny = fixed_caps (GST_VIDEO_FORMAT_NV12, 33, 1080, FALSE);
  g_autoptr (GstCaps) none = rga_caps_transform (&limits, GST_PAD_SINK, tiny);
  g_autoptr (GstCaps) least = fixed_caps (GST_VIDEO_FORMAT_NV12, 120, 68, FALSE);
  g_autoptr (GstCaps) less = fixed_caps (GST_VIDEO_FORMAT_NV12, 119, 68, FALSE);

  /* Their default colorimetry differs from a large picture's. */
  gst_structure_remove_field (gst_caps_get_structure (least, 0), "colorimetry");
  gst_structure_remove_field (gst_caps_get_structure (less, 0), "colorimetry");
  fail_unless (gst_caps_can_intersect (out, least));
  fail_if (gst_caps_can_intersect (out, less));
  back = rga_caps_transform (&limits, GST_PAD_SRC, less);
  fail_if (gst_caps_can_intersect (back, in));
  fail_unless (gst_caps_is_empty (none), "%" GST_PTR_FORMAT, none);
}

GST_END_TEST;

GST_START_TEST (test_conversion_check)
{
  g_autoptr (GError) error = NULL;
  GstVideoInfo in, out;

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_NV12, 1600, 544);
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_BGRx, 100, 34);
  fail_unless (rga_check_conversion (&limits, &in, &out, &error));
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_BGRx, 99, 34);
  fail_if (rga_check_conversion (&limits, &in, &out, &error));
  fail_unless (error != NULL);
  g_clear_error (&error);

  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_BGRx, 1600, 544);
  in.colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
  fail_if (rga_check_conversion (&limits, &in, &out, &error));
  g_clear_error (&error);
  /* No colour is computed from YUV to YUV, so any range does. */
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_NV16, 1600, 544);
  fail_unless (rga_check_conversion (&limits, &in, &out, &error));

  /* Lines of two fields must not be mixed. */
  GST_VIDEO_INFO_INTERLACE_MODE (&in) = GST_VIDEO_INTERLACE_MODE_INTERLEAVED;
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_NV16, 800, 544);
  fail_unless (rga_check_conversion (&limits, &in, &out, &error));
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_NV16, 1600, 272);
  fail_if (rga_check_conversion (&limits, &in, &out, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED));
}

GST_END_TEST;

GST_START_TEST (test_colorimetry)
{
  g_autoptr (GstCaps) yuv = fixed_caps (GST_VIDEO_FORMAT_NV12, 1920, 1080, FALSE);
  g_autoptr (GstCaps) rgb = fixed_caps (GST_VIDEO_FORMAT_BGRx, 1920, 1080, FALSE);
  g_autoptr (GstCaps) full = gst_caps_copy (yuv);
  g_autoptr (GstCaps) from_full = NULL, out = NULL, small = NULL, bt601 = NULL, bare = NULL;
  g_autoptr (GstCaps) bare_out = NULL;
  GstVideoInfo info;

  /* Scaled below the size where the default changes, the pixels stay BT.709, and say so. */
  small = negotiate (yuv, "video/x-raw,format=NV12,width=320,height=180");
  fail_unless (gst_dmaresv_caps_to_info (small, &info, NULL));
  fail_unless_equals_int (info.colorimetry.matrix, GST_VIDEO_COLOR_MATRIX_BT709);
  bare = gst_caps_from_string ("video/x-raw,format=NV12,width=1920,height=1080,framerate=25/1");
  bare_out = negotiate (bare, "video/x-raw,format=NV12,width=320,height=180");
  fail_unless (gst_dmaresv_caps_to_info (bare_out, &info, NULL));
  fail_unless_equals_int (info.colorimetry.matrix, GST_VIDEO_COLOR_MATRIX_BT709);

  out = negotiate (rgb, "video/x-raw,format=NV12");
  fail_unless (gst_dmaresv_caps_to_info (out, &info, NULL));
  fail_unless_equals_int (info.colorimetry.matrix, GST_VIDEO_COLOR_MATRIX_BT709);
  bt601 = negotiate (rgb, "video/x-raw,format=NV12,colorimetry=bt601");
  fail_unless (gst_dmaresv_caps_to_info (bt601, &info, NULL));
  fail_unless_equals_int (info.colorimetry.matrix, GST_VIDEO_COLOR_MATRIX_BT601);

  /* Full range does not become RGB, but may still be scaled. */
  gst_caps_set_simple (full, "colorimetry", G_TYPE_STRING, "1:4:7:1", NULL);
  from_full = rga_caps_transform (&limits, GST_PAD_SINK, full);
  fail_if (gst_caps_can_intersect (from_full, rgb));
  fail_unless (gst_caps_can_intersect (from_full, full));
}

GST_END_TEST;

static gboolean
layout_of (RgaLayout * l, GstVideoFormat format, guint w, guint h, const gsize * offset,
    const gint * stride)
{
  const gchar *reason;
  gboolean ret;

  memset (l, 0, sizeof (*l));
  ret = rga_layout_from_planes (l, format, w, h, offset, stride, &reason);
  fail_unless (ret == (reason == NULL));
  return ret;
}

static void
check_layout (const RgaLayout * l, guint coded_w, guint coded_h, guint x, guint y)
{
  fail_unless_equals_int (l->coded_width, coded_w);
  fail_unless_equals_int (l->coded_height, coded_h);
  fail_unless_equals_int (l->x, x);
  fail_unless_equals_int (l->y, y);
}

GST_START_TEST (test_layout_padded)
{
  RgaLayout l;

  /* A decoder's: whole macroblocks, the chroma behind the coded lines. */
  fail_unless (layout_of (&l, GST_VIDEO_FORMAT_NV12, 1910, 1080, (gsize[]) {
          0, 1920 * 1088}, (gint[]) {
          1920, 1920}));
  check_layout (&l, 1920, 1088, 0, 0);
  /* Cropped at the left and the top by its offsets. */
  fail_unless (layout_of (&l, GST_VIDEO_FORMAT_NV12, 1000, 1000, (gsize[]) {
          1920 * 16 + 8, 1920 * 1088 + 1920 * 8 + 8}, (gint[]) {
          1920, 1920}));
  check_layout (&l, 1920, 1088, 8, 16);
  fail_unless (layout_of (&l, GST_VIDEO_FORMAT_I420, 300, 200, (gsize[]) {
          320 * 6 + 4, 320 * 240 + 160 * 3 + 2, 320 * 240 + 160 * 120 + 160 * 3 + 2}, (gint[]) {
          320, 160, 160}));
  check_layout (&l, 320, 240, 4, 6);
  fail_unless (layout_of (&l, GST_VIDEO_FORMAT_Y42B, 320, 240, (gsize[]) {
          0, 320 * 256, 320 * 256 + 160 * 256}, (gint[]) {
          320, 160, 160}));
  check_layout (&l, 320, 256, 0, 0);
  fail_unless (layout_of (&l, GST_VIDEO_FORMAT_BGRx, 300, 200, (gsize[]) {
          0}, (gint[]) {
          1280}));
  check_layout (&l, 320, 200, 0, 0);
  fail_unless (layout_of (&l, GST_VIDEO_FORMAT_RGB, 641, 480, (gsize[]) {
          0}, (gint[]) {
          1924}));
  check_layout (&l, 641, 480, 0, 0);
}

GST_END_TEST;

GST_START_TEST (test_layout_refused)
{
  RgaLayout l;

  /* The chroma not right behind whole lines. */
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_NV12, 320, 240, (gsize[]) {
          0, 320 * 240 + 64}, (gint[]) {
          320, 320}));
  /* Another stride for the chroma. */
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_NV12, 320, 240, (gsize[]) {
          0, 320 * 240}, (gint[]) {
          320, 384}));
  /* In front of the luma. */
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_NV12, 320, 240, (gsize[]) {
          320 * 240, 0}, (gint[]) {
          320, 320}));
  /* Fewer coded lines than visible ones. */
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_NV12, 320, 240, (gsize[]) {
          0, 320 * 238}, (gint[]) {
          320, 320}));
  /* V before U. */
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_I420, 320, 240, (gsize[]) {
          0, 320 * 240 + 160 * 120, 320 * 240}, (gint[]) {
          320, 160, 160}));
  /* A stride that the driver aligns away. */
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_NV12, 318, 240, (gsize[]) {
          0, 318 * 240}, (gint[]) {
          318, 318}));
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_I420, 324, 240, (gsize[]) {
          0, 324 * 240, 324 * 240 + 162 * 120}, (gint[]) {
          324, 162, 162}));
  /* Narrower lines than the picture, none, and a start inside a pixel. */
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_BGRx, 320, 240, (gsize[]) {
          0}, (gint[]) {
          1276}));
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_BGRx, 320, 240, (gsize[]) {
          0}, (gint[]) {
          0}));
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_BGRx, 320, 240, (gsize[]) {
          0}, (gint[]) {
          -1280}));
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_BGRx, 300, 240, (gsize[]) {
          2}, (gint[]) {
          1280}));
  fail_if (layout_of (&l, GST_VIDEO_FORMAT_NV12, 300, 200, (gsize[]) {
          1, 320 * 240 + 1}, (gint[]) {
          320, 320}));
}

GST_END_TEST;

static Suite *
rgacaps_suite (void)
{
  Suite *s = suite_create ("rgacaps");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_template);
  tcase_add_test (tc, test_unchanged);
  tcase_add_test (tc, test_bare_caps_unchanged);
  tcase_add_test (tc, test_memory_kept);
  tcase_add_test (tc, test_format_choice);
  tcase_add_test (tc, test_size_choice);
  tcase_add_test (tc, test_scale_limits);
  tcase_add_test (tc, test_conversion_check);
  tcase_add_test (tc, test_colorimetry);
  tcase_add_test (tc, test_layout_padded);
  tcase_add_test (tc, test_layout_refused);
  return s;
}

GST_CHECK_MAIN (rgacaps);
