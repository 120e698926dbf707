/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a decoder's frame may have to be moved
 *
 * rga_buf_init() in the driver (Linux 7.2) makes each buffer's MMU table as long as the *format's*
 * sizeimage, and rga_buf_prepare() then writes every page of the *dma-buf* into it; a dma-buf that
 * is larger fails with EINVAL.  rkvdec keeps motion vectors behind each picture, in the same
 * dma-buf, so that none of its frames can be imported: a larger format would cover it, but moves
 * the chroma, which the driver derives from the height.
 *
 * As bytes the dma-buf fits, though: 32-bit pixels, as many to a line as the picture's stride, and
 * lines enough to cover all of it.  In that shape the hardware moves the part with the picture,
 * unscaled and unconverted, into a dma-buf of the right size.  It costs a second job a frame; the
 * CPU would take longer, as on the RK3399 it would read uncached memory.
 *
 * A driver that takes the dma-buf as it is never gets here: direct import is tried first.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rgastage.h"

#include <unistd.h>

GST_DEBUG_CATEGORY_EXTERN (gst_rga_convert_debug);
#define GST_CAT_DEFAULT gst_rga_convert_debug

/* Alpha in, alpha out: all 32 bits of a pixel are moved. */
#define STAGE_FORMAT GST_VIDEO_FORMAT_BGRA
#define PIXEL 4

struct _RgaStage
{
  RgaDevice *device;
  const RgaLimits *limits;
  guint stride, lines;          /* of the staged picture, as STAGE_FORMAT */
  guint index;                  /* of the CAPTURE buffer */
  gint fd;                      /* its dma-buf */
};

RgaStage *
rga_stage_new (const V4l2DeviceInfo * info, const RgaLimits * limits, GCancellable * cancellable,
    GError ** error)
{
  RgaDevice *device = rga_device_open (info, cancellable, error);
  RgaStage *stage;

  if (!device)
    return NULL;
  stage = g_new0 (RgaStage, 1);
  stage->device = device;
  stage->limits = limits;
  stage->fd = -1;
  return stage;
}

void
rga_stage_free (RgaStage * stage)
{
  if (!stage)
    return;
  if (stage->fd >= 0)
    close (stage->fd);
  rga_device_close (stage->device);
  g_free (stage);
}

/* A line length for the dma-buf: the picture's stride, or a part of it where lines are so long that
 * whole ones would leave pages at the end uncovered, or a multiple where they are too short for the
 * driver. */
static guint
choose_stride (const RgaStage * stage, guint stride)
{
  guint least = stage->limits->min_width * PIXEL;
  guint page = sysconf (_SC_PAGESIZE);

  if (stride < least)
    return stride * ((least + stride - 1) / stride);
  while (stride > page && stride % (2 * PIXEL) == 0 && stride / 2 >= least)
    stride /= 2;
  return stride;
}

static gboolean
configure (RgaStage * stage, guint stride, guint lines, GError ** error)
{
  GstVideoInfo info, layout;
  gsize size;

  if (stage->fd >= 0 && stage->stride == stride && stage->lines == lines)
    return TRUE;

  if (stage->fd >= 0)
    close (stage->fd);
  stage->fd = -1;
  gst_video_info_set_format (&info, STAGE_FORMAT, stride / PIXEL, lines);
  if (!rga_device_set_capture (stage->device, &info, stride / PIXEL, &layout, error)
      || !rga_device_add_capture (stage->device, &stage->index, &stage->fd, &size, error))
    return FALSE;
  if (GST_VIDEO_INFO_PLANE_STRIDE (&layout, 0) != (gint) stride) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "The driver made %d of the stride %u", GST_VIDEO_INFO_PLANE_STRIDE (&layout, 0), stride);
    return FALSE;
  }
  stage->stride = stride;
  stage->lines = lines;
  GST_DEBUG ("staging %u lines of %u bytes", lines, stride);
  return TRUE;
}

gboolean
rga_stage_move (RgaStage * stage, RgaImport * import, gsize bytes, GstBuffer * hold,
    GstClockTime timeout, GError ** error)
{
  guint stride = choose_stride (stage, import->layout.stride);
  guint lines = (bytes + stride - 1) / stride;
  RgaLayout layout = {.format = STAGE_FORMAT,.stride = stride,.coded_width = stride / PIXEL,
    .coded_height = import->size / stride,.width = stride / PIXEL,.height = lines
  };
  RgaJob job = {.fd = import->fd,.inode = import->inode,.size = import->size,
    .release = (GDestroyNotify) gst_buffer_unref
  };
  gboolean corrupt = FALSE;

  if (stride % PIXEL || layout.coded_height < lines) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "A dma-buf of %" G_GSIZE_FORMAT " bytes does not hold %" G_GSIZE_FORMAT
        " bytes of lines with %u", import->size, bytes, stride);
    return FALSE;
  }
  if (!configure (stage, stride, lines, error)
      || !rga_device_set_output (stage->device, &layout, V4L2_MEMORY_DMABUF, FALSE, error))
    return FALSE;

  job.capture = stage->index;
  job.hold[0] = gst_buffer_ref (hold);
  if (!rga_device_start (stage->device, &job, error)) {
    gst_buffer_unref (hold);
    return FALSE;
  }
  if (!rga_device_finish (stage->device, timeout, &corrupt, error))
    return FALSE;
  if (corrupt)
    GST_WARNING ("the driver flagged a staged picture as damaged");
  return rga_import_set_fd (import, stage->fd);
}
