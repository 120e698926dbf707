/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What leaves the decoders in packed 10-bit and monochrome pictures: layouts, cropping, copies. No
 * device: the CAPTURE buffers are plain memory.
 */
#include <gst/check/gstcheck.h>
#include <linux/videodev2.h>
#include <string.h>

#include "decframe.h"

#define CODED_WIDTH 64
#define CODED_HEIGHT 48
#define STRIDE 80               /* bytes: 64 samples of 10 bits */
#define LUMA (STRIDE * CODED_HEIGHT)

static V4l2Format
make_format (guint32 pixelformat, guint stride)
{
  V4l2Format format = {.pixelformat = pixelformat,.width = CODED_WIDTH,.height = CODED_HEIGHT,
    .n_planes = 1
  };

  format.planes[0].bytesperline = stride;
  format.planes[0].sizeimage = stride * CODED_HEIGHT * 2;
  return format;
}

/* 10 bits that differ from those of all neighbours. */
static guint
sample (guint plane, guint x, guint y)
{
  return (x * 37 + y * 101 + plane * 211) & 0x3ff;
}

static guint
get_packed (const guint8 * line, guint x)
{
  const guint8 *at = line + x * 10 / 8;

  return ((at[0] | at[1] << 8) >> (x * 10 % 8)) & 0x3ff;
}

/* @h_sub: 1 for 4:2:0, 0 for 4:2:2 */
static GstBuffer *
make_capture (guint h_sub)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, STRIDE * CODED_HEIGHT * 2, NULL);
  GstMapInfo map;
  guint x, y, plane;

  gst_buffer_memset (buffer, 0, 0, -1);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  for (plane = 0; plane < 2; plane++) {
    for (y = 0; y < (guint) CODED_HEIGHT >> (plane ? h_sub : 0); y++) {
      for (x = 0; x < CODED_WIDTH; x++) {
        guint8 *at = map.data + plane * LUMA + y * STRIDE + x * 10 / 8;
        guint bits = sample (plane, x, y) << (x * 10 % 8);

        at[0] |= bits;
        at[1] |= bits >> 8;
      }
    }
  }
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

static GstBufferPool *
make_pool (const GstVideoInfo * info)
{
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  g_autoptr (GstCaps) caps = gst_video_info_to_caps (info);

  gst_buffer_pool_config_set_params (config, caps, GST_VIDEO_INFO_SIZE (info), 0, 0);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  fail_unless (gst_buffer_pool_set_active (pool, TRUE));
  return pool;
}

/* A visible picture out of a CAPTURE buffer, as dec_frame_copy() makes it. */
typedef struct
{
  GstBuffer *capture, *wrapped, *copy;
  DecFrameCount *count;
  GstBufferPool *pool;
  GstVideoFrame frame;          /* the copy, mapped */
} Copied;

/* @fix: what is to be put right besides what the format itself needs */
static void
copied_init (Copied * c, guint32 pixelformat, DecFrameFix fix, GstVideoFormat as, guint crop_x,
    guint crop_y, guint width, guint height)
{
  V4l2Format format = make_format (pixelformat, STRIDE);
  GstVideoInfo layout, info;
  DecFrameFix own;

  dec_frame_fix_init (&own, pixelformat);
  fail_unless (own.packed);
  fix.packed = TRUE;
  fail_unless (dec_frame_layout (&format, crop_x, crop_y, width, height, &layout, &fix.skip_x));
  fail_unless_equals_int (fix.skip_x, crop_x % 4);
  gst_video_info_set_format (&info, as, width, height);
  c->capture = make_capture (pixelformat == V4L2_PIX_FMT_NV15);
  c->count = dec_frame_count_new ();
  c->pool = make_pool (&info);
  c->wrapped = dec_frame_wrap (c->capture, &layout, c->count);
  fail_unless_equals_int (dec_frame_copy (c->wrapped, &layout, fix, c->pool, &info, &c->copy),
      GST_FLOW_OK);
  fail_unless (gst_video_frame_map (&c->frame, &info, c->copy, GST_MAP_READ));
}

static void
copied_clear (Copied * c)
{
  gst_video_frame_unmap (&c->frame);
  gst_buffer_unref (c->copy);
  gst_buffer_unref (c->wrapped);
  gst_buffer_unref (c->capture);
  dec_frame_count_unref (c->count);
  gst_buffer_pool_set_active (c->pool, FALSE);
  gst_object_unref (c->pool);
}

static void
copy_cropped (guint crop_x, guint crop_y, guint width, guint height, gboolean neutral)
{
  Copied c = { NULL, };
  guint x, y, plane;

  copied_init (&c, V4L2_PIX_FMT_NV15, (DecFrameFix) {
      .neutral_chroma = neutral}, GST_VIDEO_FORMAT_NV12_10LE40, crop_x, crop_y, width, height);
  for (plane = 0; plane < 2; plane++) {
    const guint8 *line = GST_VIDEO_FRAME_PLANE_DATA (&c.frame, plane);

    for (y = 0; y < (height + plane) >> plane; y++) {
      for (x = 0; x < width; x++)
        fail_unless_equals_int (get_packed (line, x), plane && neutral ? 512 :
            sample (plane, crop_x + x, (crop_y >> plane) + y));
      line += GST_VIDEO_FRAME_PLANE_STRIDE (&c.frame, plane);
    }
  }
  copied_clear (&c);
}

/* Origins on and between bytes, sizes of all remainders, up to the last sample of the buffer. */
GST_START_TEST (test_copy_packed)
{
  guint width;

  for (width = 33; width <= 40; width++) {
    copy_cropped (0, 0, width, 30, FALSE);
    copy_cropped (8, 2, width, 31, FALSE);
    copy_cropped (2, 4, width, 30, FALSE);
    copy_cropped (22, 0, width, 30, FALSE);
  }
  copy_cropped (6, 2, CODED_WIDTH - 6, CODED_HEIGHT - 2, FALSE);
  copy_cropped (4, 2, CODED_WIDTH - 4, CODED_HEIGHT - 2, FALSE);
}

GST_END_TEST;

GST_START_TEST (test_copy_monochrome)
{
  copy_cropped (0, 0, CODED_WIDTH, CODED_HEIGHT, TRUE);
  copy_cropped (2, 2, 37, 30, TRUE);
}

GST_END_TEST;

/* NV20, as it is for a GStreamer that has no name for it. */
static void
unpack_cropped (guint crop_x, guint crop_y, guint width, guint height)
{
  Copied c = { NULL, };
  guint x, y, comp;

  copied_init (&c, V4L2_PIX_FMT_NV20, (DecFrameFix) {
      .unpack = TRUE}, GST_VIDEO_FORMAT_I422_10LE, crop_x, crop_y, width, height);
  for (comp = 0; comp < 3; comp++) {
    guint step = comp ? 2 : 1;

    for (y = 0; y < height; y++) {
      const guint8 *line = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&c.frame, comp) +
          y * GST_VIDEO_FRAME_COMP_STRIDE (&c.frame, comp);

      for (x = 0; x < (width + step - 1) / step; x++)
        fail_unless_equals_int (GST_READ_UINT16_LE (line + 2 * x),
            sample (MIN (comp, 1), crop_x + x * step + (comp == 2), crop_y + y));
    }
  }
  copied_clear (&c);
}

GST_START_TEST (test_copy_unpacked)
{
  guint width;

  for (width = 33; width <= 40; width++) {
    unpack_cropped (0, 0, width, 30);
    unpack_cropped (8, 3, width, 31);
    unpack_cropped (2, 4, width, 30);
  }
  unpack_cropped (0, 0, CODED_WIDTH, CODED_HEIGHT);
  unpack_cropped (6, 1, CODED_WIDTH - 6, CODED_HEIGHT - 1);
}

GST_END_TEST;

/* What NV20 is called depends on the version that this is built with; its size and samples do not. */
GST_START_TEST (test_nv20)
{
  GstVideoFormat format = dec_frame_video_format (V4L2_PIX_FMT_NV20);

#if GST_CHECK_VERSION (1, 28, 0)
  fail_unless_equals_int (format, GST_VIDEO_FORMAT_NV16_10LE40);
  fail_if (dec_frame_is_unpacked (V4L2_PIX_FMT_NV20));
#else
  fail_unless_equals_int (format, GST_VIDEO_FORMAT_I422_10LE);
  fail_unless (dec_frame_is_unpacked (V4L2_PIX_FMT_NV20));
#endif
  fail_unless (dec_frame_format_matches (format, 10, 2));
  fail_if (dec_frame_format_matches (format, 8, 2));
  fail_if (dec_frame_is_unpacked (V4L2_PIX_FMT_NV15));
  fail_if (dec_frame_is_unpacked (V4L2_PIX_FMT_NV12));
}

GST_END_TEST;

/* The lines of a field that never came, of a picture of 34 columns (between bytes) that begins at column 8. */
GST_START_TEST (test_double_field_packed)
{
  static const struct
  {
    guint32 pixelformat;
    guint h_sub;
  } formats[] = { {V4L2_PIX_FMT_NV15, 1}, {V4L2_PIX_FMT_NV20, 0} };
  guint i, bottom, plane, x, y;

  for (i = 0; i < G_N_ELEMENTS (formats); i++) {
    for (bottom = 0; bottom < 2; bottom++) {
      V4l2Format format = make_format (formats[i].pixelformat, STRIDE);
      GstBuffer *capture = make_capture (formats[i].h_sub);
      GstMapInfo map;
      GstVideoInfo layout;
      DecFrameFix fix;

      dec_frame_fix_init (&fix, format.pixelformat);
      fail_unless (dec_frame_layout (&format, 8, 0, 34, CODED_HEIGHT, &layout, &fix.skip_x));
      fail_unless (dec_frame_double_field (capture, &layout, fix, bottom));
      fail_unless (gst_buffer_map (capture, &map, GST_MAP_READ));
      for (plane = 0; plane < 2; plane++) {
        for (y = 0; y < (guint) CODED_HEIGHT >> (plane ? formats[i].h_sub : 0); y++) {
          for (x = 8; x < 8 + 34; x++)
            fail_unless_equals_int (get_packed (map.data + plane * LUMA + y * STRIDE, x),
                sample (plane, x, (y & ~1u) + bottom));
        }
      }
      gst_buffer_unmap (capture, &map);
      gst_buffer_unref (capture);
    }
  }
}

GST_END_TEST;

GST_START_TEST (test_layout)
{
  V4l2Format format = make_format (V4L2_PIX_FMT_NV15, STRIDE);
  GstVideoInfo layout;
  guint skip = 99;

  fail_unless (dec_frame_layout (&format, 8, 2, 40, 30, &layout, &skip));
  fail_unless_equals_int (skip, 0);
  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (&layout), 40);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&layout, 0), 2 * STRIDE + 10);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&layout, 1), LUMA + STRIDE + 10);

  fail_unless (dec_frame_layout (&format, 10, 2, 40, 30, &layout, &skip));
  fail_unless_equals_int (skip, 2);
  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (&layout), 42);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&layout, 0), 2 * STRIDE + 10);

  /* Inside a chroma sample; outside of the buffer. */
  fail_if (dec_frame_layout (&format, 9, 2, 40, 30, &layout, &skip));
  fail_if (dec_frame_layout (&format, 8, 1, 40, 30, &layout, &skip));
  fail_if (dec_frame_layout (&format, 26, 0, 40, 30, &layout, &skip));

  format = make_format (V4L2_PIX_FMT_NV16, CODED_WIDTH);
  fail_unless (dec_frame_layout (&format, 2, 1, 40, 30, &layout, &skip));
  fail_unless_equals_int (skip, 0);
  fail_unless_equals_uint64 (GST_VIDEO_INFO_PLANE_OFFSET (&layout, 1),
      CODED_WIDTH * CODED_HEIGHT + CODED_WIDTH + 2);
}

GST_END_TEST;

GST_START_TEST (test_format_matches)
{
  fail_unless (dec_frame_format_matches (GST_VIDEO_FORMAT_NV12, 8, 1));
  fail_unless (dec_frame_format_matches (GST_VIDEO_FORMAT_NV12, 8, 0));
  fail_unless (dec_frame_format_matches (GST_VIDEO_FORMAT_NV16, 8, 2));
  fail_unless (dec_frame_format_matches (GST_VIDEO_FORMAT_NV12_10LE40, 10, 1));
  fail_if (dec_frame_format_matches (GST_VIDEO_FORMAT_NV12_10LE40, 8, 1));
  fail_if (dec_frame_format_matches (GST_VIDEO_FORMAT_NV12_10LE40, 12, 1));
  fail_if (dec_frame_format_matches (GST_VIDEO_FORMAT_NV12, 10, 1));
  fail_if (dec_frame_format_matches (GST_VIDEO_FORMAT_NV16, 8, 1));
  fail_if (dec_frame_format_matches (GST_VIDEO_FORMAT_NV16, 8, 0));
  fail_if (dec_frame_format_matches (GST_VIDEO_FORMAT_NV12, 8, 3));
}

GST_END_TEST;

/* The suites compare packed pictures as I420_10LE: nothing is lost on the way, if not dithered. */
GST_START_TEST (test_unpacking_is_lossless)
{
  GstStructure *config = gst_structure_new ("GstVideoConverter",
      GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD,
      GST_VIDEO_DITHER_NONE, NULL);
  GstBuffer *capture = make_capture (1), *planar;
  GstVideoFrame src, dest;
  GstVideoInfo in, out;
  GstVideoConverter *converter;
  guint x, y, pass;

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_NV12_10LE40, CODED_WIDTH, CODED_HEIGHT);
  gst_video_info_set_format (&out, GST_VIDEO_FORMAT_I420_10LE, CODED_WIDTH, CODED_HEIGHT);
  fail_unless_equals_int (GST_VIDEO_INFO_PLANE_STRIDE (&in, 0), STRIDE);
  planar = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&out), NULL);
  fail_unless ((converter = gst_video_converter_new (&in, &out, config)) != NULL);
  fail_unless (gst_video_frame_map (&src, &in, capture, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&dest, &out, planar, GST_MAP_READWRITE));
  gst_video_converter_frame (converter, &src, &dest);
  for (pass = 0; pass < CODED_HEIGHT * 2; pass++) {
    y = pass / 2;
    for (x = 0; x < CODED_WIDTH; x++) {
      guint c = pass & 1 ? 1 + (x & 1) : 0;
      const guint8 *plane = GST_VIDEO_FRAME_PLANE_DATA (&dest, c);
      gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (&dest, c);

      if (c) {
        fail_unless_equals_int (GST_READ_UINT16_LE (plane + y / 2 * stride + x / 2 * 2),
            sample (1, x, y / 2));
      } else {
        fail_unless_equals_int (GST_READ_UINT16_LE (plane + y * stride + x * 2), sample (0, x, y));
      }
    }
  }
  gst_video_frame_unmap (&dest);
  gst_video_frame_unmap (&src);
  gst_video_converter_free (converter);
  gst_buffer_unref (planar);
  gst_buffer_unref (capture);
}

GST_END_TEST;

static Suite *
decframe_suite (void)
{
  Suite *s = suite_create ("decframe");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_layout);
  tcase_add_test (tc, test_copy_packed);
  tcase_add_test (tc, test_copy_monochrome);
  tcase_add_test (tc, test_copy_unpacked);
  tcase_add_test (tc, test_nv20);
  tcase_add_test (tc, test_double_field_packed);
  tcase_add_test (tc, test_format_matches);
  tcase_add_test (tc, test_unpacking_is_lossless);
  return s;
}

GST_CHECK_MAIN (decframe);
