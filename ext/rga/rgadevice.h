/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One conversion context of the RGA driver: formats, buffers by index, one
 * job at a time.  Knows no GstBuffer; what a job works on is held for it
 * through opaque references.  Not thread-safe.
 */
#ifndef RGA_DEVICE_H
#define RGA_DEVICE_H

#include "m2m.h"
#include "rgacaps.h"

G_BEGIN_DECLS

typedef struct _RgaDevice RgaDevice;

/* What the driver has; transfer full, rga_limits_free(). */
RgaLimits *rga_limits_probe (const V4l2DeviceInfo * info, GError ** error);
void       rga_limits_free (RgaLimits * limits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RgaLimits, rga_limits_free)

/* @cancellable (a reference is taken) ends waits for jobs with G_IO_ERROR_CANCELLED, in every
 * function that can wait, but for rga_device_stop() and rga_device_close(). */
RgaDevice *rga_device_open (const V4l2DeviceInfo * info, GCancellable * cancellable,
    GError ** error);
/* Never waits long: see the essay in rgadevice.c. */
void       rga_device_close (RgaDevice * dev);

/* Sets the CAPTURE format for pictures of @out; all earlier CAPTURE buffers become orphans, whose
 * exported memory stays valid. @layout: @out with the driver's strides, offsets and size. */
gboolean   rga_device_set_capture (RgaDevice * dev, const GstVideoInfo * out, guint active_width,
    GstVideoInfo * layout, GError ** error);
/* Makes one more CAPTURE buffer: its @index, a descriptor of its dma-buf (transfer full), its
 * length in bytes. */
gboolean   rga_device_add_capture (RgaDevice * dev, guint * index, gint * fd, gsize * size,
    GError ** error);

/* Sets the OUTPUT format and crop; a no-op when they are set. @memory: V4L2_MEMORY_DMABUF to
 * import, V4L2_MEMORY_MMAP to copy into rga_device_map_output(). */
gboolean   rga_device_set_output (RgaDevice * dev, const RgaLayout * layout, guint32 memory,
    gboolean bt709, GError ** error);
/* The layout that rga_device_set_output() needs for copies of @in. */
gboolean   rga_device_copy_layout (RgaDevice * dev, const GstVideoInfo * in, RgaLayout * layout,
    GError ** error);
/* The one OUTPUT buffer to copy into; @layout as for rga_device_set_capture(). */
gpointer   rga_device_map_output (RgaDevice * dev, const GstVideoInfo * in, GstVideoInfo * layout,
    GError ** error);

/* The picture's bytes in an OUTPUT buffer (sizeimage). */
gsize      rga_device_get_output_size (const RgaDevice * dev);
/* FALSE for a dma-buf of @size bytes that must not even be tried; see rgadevice.c. */
gboolean   rga_device_takes_size (const RgaDevice * dev, gsize size);

typedef struct
{
  gint fd;                      /* the dma-buf to convert, -1 for what has been copied; not owned */
  guint64 inode;                /* of the dma-buf */
  gsize size;                   /* bytes, of the whole dma-buf */
  guint capture;                /* index to convert into */
  gpointer hold[2];             /* references that must last as long as the job */
  GDestroyNotify release;
} RgaJob;

/* Queues; waits only for an earlier job whose rga_device_finish() was cancelled. On failure nothing
 * is queued, and @job's references are the caller's. */
gboolean   rga_device_start (RgaDevice * dev, const RgaJob * job, GError ** error);
/* Waits for the job; G_IO_ERROR_TIMED_OUT after @timeout ns and G_IO_ERROR_CANCELLED when
 * cancelled: the job may still be running and keeps its references until it is seen to have ended,
 * by whichever function is called next. @corrupt: the driver flagged the picture
 * (V4L2_BUF_FLAG_ERROR). */
gboolean   rga_device_finish (RgaDevice * dev, GstClockTime timeout, gboolean * corrupt,
    GError ** error);

/* Of a CAPTURE buffer's dma-buf, for the trace; 0: not known. */
guint64    rga_device_get_inode (const RgaDevice * dev, guint index);

/* Stops both queues and frees all buffers, unless a job hangs. */
void       rga_device_stop (RgaDevice * dev);

G_END_DECLS
#endif
