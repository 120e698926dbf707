/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decframe.h"

#include <string.h>

/* The first component of each plane: its subsampling and pixel stride are the plane's. */
static gint
dec_frame_plane_component (const GstVideoFormatInfo * finfo, guint plane)
{
  gint comp[GST_VIDEO_MAX_COMPONENTS];

  gst_video_format_info_component (finfo, plane, comp);
  return comp[0];
}

GstVideoFormat
dec_frame_video_format (guint32 pixelformat)
{
  GstVideoFormat format = v4l2_format_to_video (pixelformat);

  if (format == GST_VIDEO_FORMAT_UNKNOWN && pixelformat == V4L2_PIX_FMT_NV20)
    return GST_VIDEO_FORMAT_I422_10LE;
  return format;
}

gboolean
dec_frame_is_unpacked (guint32 pixelformat)
{
  return dec_frame_video_format (pixelformat) != v4l2_format_to_video (pixelformat);
}

gboolean
dec_frame_format_to_info (const V4l2Format * format, guint width, guint height, GstVideoInfo * info)
{
  V4l2Format planes = *format;

  if (dec_frame_is_unpacked (format->pixelformat))
    planes.pixelformat = V4L2_PIX_FMT_NV16;
  return v4l2_format_to_info (&planes, width, height, info);
}

void
dec_frame_fix_init (DecFrameFix * fix, guint32 pixelformat)
{
  *fix = (DecFrameFix) {
  .packed = pixelformat == V4L2_PIX_FMT_NV15 || pixelformat == V4L2_PIX_FMT_NV20,.unpack =
        dec_frame_is_unpacked (pixelformat)};
}

gboolean
dec_frame_layout (const V4l2Format * format, guint crop_x, guint crop_y, guint width,
    guint height, GstVideoInfo * layout, guint * skip_x)
{
  gsize memory_start = 0;
  DecFrameFix fix;
  guint plane;

  if (crop_x + width > format->width || crop_y + height > format->height)
    return FALSE;
  /* Only every fourth sample of the packed formats begins with a byte. */
  dec_frame_fix_init (&fix, format->pixelformat);
  *skip_x = fix.packed ? crop_x % 4 : 0;
  crop_x -= *skip_x;
  width += *skip_x;
  if ((*skip_x & 1) || !dec_frame_format_to_info (format, width, height, layout))
    return FALSE;

  for (plane = 0; plane < GST_VIDEO_INFO_N_PLANES (layout); plane++) {
    gint c = dec_frame_plane_component (layout->finfo, plane);
    guint w_sub = GST_VIDEO_FORMAT_INFO_W_SUB (layout->finfo, c);
    guint h_sub = GST_VIDEO_FORMAT_INFO_H_SUB (layout->finfo, c);
    gint pstride = GST_VIDEO_FORMAT_INFO_PSTRIDE (layout->finfo, c);
    gsize left = fix.packed ? crop_x / 4 * 5 : (gsize) (crop_x >> w_sub) * MAX (pstride, 0);

    if ((crop_x & ((1 << w_sub) - 1)) || (crop_y & ((1 << h_sub) - 1)) || (crop_x && pstride <= 0
            && !fix.packed))
      return FALSE;
    if (format->n_planes > 1) {
      GST_VIDEO_INFO_PLANE_OFFSET (layout, plane) = memory_start;
      if (plane < format->n_planes)
        memory_start += format->planes[plane].sizeimage;
    }
    GST_VIDEO_INFO_PLANE_OFFSET (layout, plane) +=
        (gsize) (crop_y >> h_sub) * GST_VIDEO_INFO_PLANE_STRIDE (layout, plane) + left;
  }
  return TRUE;
}

gboolean
dec_frame_layout_is_default (const GstVideoInfo * layout, gsize size)
{
  GstVideoInfo info;
  guint plane;

  if (!gst_video_info_set_format (&info, GST_VIDEO_INFO_FORMAT (layout),
          GST_VIDEO_INFO_WIDTH (layout), GST_VIDEO_INFO_HEIGHT (layout)))
    return FALSE;
  for (plane = 0; plane < GST_VIDEO_INFO_N_PLANES (&info); plane++) {
    if (GST_VIDEO_INFO_PLANE_OFFSET (&info, plane) != GST_VIDEO_INFO_PLANE_OFFSET (layout, plane)
        || GST_VIDEO_INFO_PLANE_STRIDE (&info, plane) != GST_VIDEO_INFO_PLANE_STRIDE (layout,
            plane))
      return FALSE;
  }
  return GST_VIDEO_INFO_SIZE (&info) == size;
}

gboolean
dec_frame_format_matches (GstVideoFormat format, guint bit_depth, guint chroma_format_idc)
{
  const GstVideoFormatInfo *finfo = gst_video_format_get_info (format);
  guint w_sub, h_sub;

  if (!GST_VIDEO_FORMAT_INFO_IS_YUV (finfo) || GST_VIDEO_FORMAT_INFO_DEPTH (finfo, 0) != bit_depth)
    return FALSE;
  if (GST_VIDEO_FORMAT_INFO_N_COMPONENTS (finfo) < 3)
    return chroma_format_idc == 0;
  w_sub = GST_VIDEO_FORMAT_INFO_W_SUB (finfo, 1);
  h_sub = GST_VIDEO_FORMAT_INFO_H_SUB (finfo, 1);
  switch (chroma_format_idc) {
    case 0:                    /* with a chroma plane that says nothing */
    case 1:
      return w_sub == 1 && h_sub == 1;
    case 2:
      return w_sub == 1 && h_sub == 0;
    case 3:
      return w_sub == 0 && h_sub == 0;
    default:
      return FALSE;
  }
}

struct _DecFrameCount
{
  gint n;
};

DecFrameCount *
dec_frame_count_new (void)
{
  return g_atomic_rc_box_new0 (DecFrameCount);
}

void
dec_frame_count_unref (DecFrameCount * count)
{
  g_atomic_rc_box_release (count);
}

guint
dec_frame_count_get (const DecFrameCount * count)
{
  return g_atomic_int_get (&count->n);
}

static void
dec_frame_count_down (gpointer user_data, GstMiniObject * holder)
{
  DecFrameCount *count = user_data;

  g_atomic_int_add (&count->n, -1);
  dec_frame_count_unref (count);
}

/* A buffer without memory between the frame and the pool's buffer: shallow copies of the frame
 * hold it as well (GstParentBufferMeta is copied along), so it goes with the last of them. */
static GstBuffer *
dec_frame_holder_new (GstBuffer * pool_buffer, DecFrameCount * count)
{
  GstBuffer *holder = gst_buffer_new ();

  gst_buffer_add_parent_buffer_meta (holder, pool_buffer);
  g_atomic_int_inc (&count->n);
  gst_mini_object_weak_ref (GST_MINI_OBJECT_CAST (holder), dec_frame_count_down,
      g_atomic_rc_box_acquire (count));
  return holder;
}

GstBuffer *
dec_frame_wrap (GstBuffer * pool_buffer, const GstVideoInfo * layout, DecFrameCount * count)
{
  GstBuffer *holder = dec_frame_holder_new (pool_buffer, count);
  GstBuffer *buffer = gst_buffer_new ();
  guint i;

  for (i = 0; i < gst_buffer_n_memory (pool_buffer); i++)
    gst_buffer_append_memory (buffer, gst_buffer_get_memory (pool_buffer, i));
  gst_buffer_add_parent_buffer_meta (buffer, holder);
  gst_buffer_unref (holder);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (layout), GST_VIDEO_INFO_WIDTH (layout),
      GST_VIDEO_INFO_HEIGHT (layout), GST_VIDEO_INFO_N_PLANES (layout),
      (gsize *) layout->offset, (gint *) layout->stride);
  return buffer;
}

gboolean
dec_frame_double_field (GstBuffer * pool_buffer, const GstVideoInfo * layout, DecFrameFix fix,
    gboolean bottom)
{
  GstVideoInfo info = *layout;
  GstVideoFrame frame;
  guint plane;

  /* The format's own size counts what is behind the picture as well. */
  GST_VIDEO_INFO_SIZE (&info) = gst_buffer_get_size (pool_buffer);
  if (!gst_video_frame_map (&frame, &info, pool_buffer, GST_MAP_READWRITE))
    return FALSE;
  for (plane = 0; plane < GST_VIDEO_FRAME_N_PLANES (&frame); plane++) {
    guint c = dec_frame_plane_component (layout->finfo, plane);
    guint lines = GST_VIDEO_FRAME_COMP_HEIGHT (&frame, c), y;
    gsize stride = GST_VIDEO_FRAME_PLANE_STRIDE (&frame, plane);
    guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (&frame, plane);
    gsize size = GST_VIDEO_FRAME_COMP_WIDTH (&frame, c) * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, c);

    if (fix.packed)
      size = DEC_FRAME_PACKED_BYTES (plane ? GST_ROUND_UP_2 (GST_VIDEO_FRAME_WIDTH (&frame)) :
          GST_VIDEO_FRAME_WIDTH (&frame));
    for (y = 0; y + 1 < lines; y += 2)
      memcpy (data + (y + !bottom) * stride, data + (y + bottom) * stride, size);
  }
  gst_video_frame_unmap (&frame);
  return TRUE;
}
