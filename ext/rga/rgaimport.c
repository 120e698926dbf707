/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rgaimport.h"

#include <gst/allocators/allocators.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Narrows @layout to a crop meta's rectangle; chroma lets it start at even pixels only. */
static gboolean
crop_layout (RgaLayout * layout, const GstVideoFormatInfo * finfo, const GstVideoCropMeta * crop)
{
  if (GST_VIDEO_FORMAT_INFO_IS_YUV (finfo) && ((crop->x | crop->y) & 1))
    return FALSE;
  if ((guint64) crop->x + crop->width > layout->width
      || (guint64) crop->y + crop->height > layout->height)
    return FALSE;
  layout->x += crop->x;
  layout->y += crop->y;
  layout->width = crop->width;
  layout->height = crop->height;
  return TRUE;
}

gboolean
rga_import_set_fd (RgaImport * import, gint fd)
{
  off_t end = lseek (fd, 0, SEEK_END);
  struct stat st;

  if (end <= 0 || fstat (fd, &st) < 0)
    return FALSE;
  import->fd = fd;
  import->size = end;
  import->inode = st.st_ino;
  return TRUE;
}

gboolean
rga_import_from_buffer (RgaImport * import, GstBuffer * buffer, const GstVideoInfo * info,
    const gchar ** reason)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);
  GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (buffer);
  guint width = GST_VIDEO_INFO_WIDTH (info), height = GST_VIDEO_INFO_HEIGHT (info);
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 }, mem_offset = 0;
  gint stride[GST_VIDEO_MAX_PLANES] = { 0 };
  GstMemory *memory;
  guint i;

  memset (import, 0, sizeof (*import));
  memory = gst_buffer_n_memory (buffer) == 1 ? gst_buffer_peek_memory (buffer, 0) : NULL;
  if (!memory || !gst_is_dmabuf_memory (memory)) {
    *reason = "not in one dma-buf";
    return FALSE;
  }
  /* Not its format: with DMA_DRM caps some producers write an opaque one. */
  if (meta && meta->n_planes != GST_VIDEO_INFO_N_PLANES (info)) {
    *reason = "its GstVideoMeta contradicts the caps";
    return FALSE;
  }

  gst_memory_get_sizes (memory, &mem_offset, NULL);
  for (i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++) {
    offset[i] = mem_offset + (meta ? meta->offset[i] : info->offset[i]);
    stride[i] = meta ? meta->stride[i] : info->stride[i];
  }
  if (crop && meta) {
    width = meta->width;
    height = meta->height;
  }
  if (!rga_layout_from_planes (&import->layout, GST_VIDEO_INFO_FORMAT (info), width, height,
          offset, stride, reason))
    return FALSE;
  if (crop && !crop_layout (&import->layout, info->finfo, crop)) {
    *reason = "its crop rectangle is odd or outside";
    return FALSE;
  }
  if (!rga_import_set_fd (import, gst_dmabuf_memory_get_fd (memory))) {
    *reason = "its descriptor has no size";
    return FALSE;
  }
  return TRUE;
}

void
rga_frame_over (GstVideoFrame * frame, const GstVideoInfo * info, gpointer data)
{
  guint i;

  memset (frame, 0, sizeof (*frame));
  frame->info = *info;
  for (i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++)
    frame->data[i] = (guint8 *) data + info->offset[i];
}

gboolean
rga_frame_crop (GstVideoFrame * frame, const GstVideoInfo * info, const GstVideoCropMeta * crop)
{
  const GstVideoFormatInfo *finfo = frame->info.finfo;
  guint plane;

  if ((guint64) crop->x + GST_VIDEO_INFO_WIDTH (info) > (guint) GST_VIDEO_FRAME_WIDTH (frame)
      || (guint64) crop->y + GST_VIDEO_INFO_HEIGHT (info) > (guint) GST_VIDEO_FRAME_HEIGHT (frame))
    return FALSE;
  /* In each format here the component of a plane's number has that plane's subsampling. */
  for (plane = 0; plane < GST_VIDEO_FRAME_N_PLANES (frame); plane++)
    frame->data[plane] = GST_VIDEO_FRAME_PLANE_DATA (frame, plane)
        + (gsize) (crop->y >> GST_VIDEO_FORMAT_INFO_H_SUB (finfo, plane))
        * GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane)
        + (gsize) (crop->x >> GST_VIDEO_FORMAT_INFO_W_SUB (finfo, plane))
        * GST_VIDEO_FRAME_COMP_PSTRIDE (frame, plane);
  return TRUE;
}
