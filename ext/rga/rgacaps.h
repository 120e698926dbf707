/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the converter can make of what: caps, sizes, colours and memory
 * layouts, as pure functions of the driver's limits.  Opens nothing.
 */
#ifndef RGA_CAPS_H
#define RGA_CAPS_H

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct
{
  GstVideoFormat *sink_formats; /* of the OUTPUT queue, ended by GST_VIDEO_FORMAT_UNKNOWN */
  GstVideoFormat *src_formats;  /* of the CAPTURE queue, likewise */
  guint min_width, max_width;   /* pixels */
  guint min_height, max_height;
  guint max_scale;              /* up and down, each axis */
} RgaLimits;

/* The caps of the pad on side @direction (transfer full). */
GstCaps *rga_caps_template (const RgaLimits * limits, GstPadDirection direction);

/* What the other pad may have when the pad on side @direction has @caps (transfer full). */
GstCaps *rga_caps_transform (const RgaLimits * limits, GstPadDirection direction,
    const GstCaps * caps);

/* Fixed caps out of @othercaps (transfer full, both ways) that change the picture of the fixed
 * @caps least: memory, format, then size, with the display aspect ratio kept. */
GstCaps *rga_caps_fixate (const RgaLimits * limits, GstPadDirection direction,
    const GstCaps * caps, GstCaps * othercaps);

/* Whether sizes and colours are ones that the hardware converts; G_IO_ERROR_NOT_SUPPORTED names
 * what is not. */
gboolean rga_check_conversion (const RgaLimits * limits, const GstVideoInfo * in,
    const GstVideoInfo * out, GError ** error);

/* Whether the conversion of @in to @out computes with BT.709 (else BT.601). */
gboolean rga_uses_bt709 (const GstVideoInfo * in, const GstVideoInfo * out);

/*
 * A picture inside memory, as S_FMT and the CROP selection have to say it.  The driver takes one
 * stride, puts each plane directly behind the coded lines of the one before, and starts at the
 * first byte of the dma-buf.
 */
typedef struct
{
  GstVideoFormat format;
  guint stride;                 /* bytes, plane 0 */
  guint coded_width;            /* pixels: all that the stride holds */
  guint coded_height;           /* lines in front of plane 1 */
  guint x, y;                   /* pixels, inside the coded size */
  guint width, height;          /* pixels, visible */
} RgaLayout;

/* @offset, @stride: bytes from the memory's start, by plane. FALSE with the @reason (static, for
 * the log) where the driver has no way to say it. */
gboolean rga_layout_from_planes (RgaLayout * layout, GstVideoFormat format, guint width,
    guint height, const gsize * offset, const gint * stride, const gchar ** reason);

/* The part of a picture that the hardware works on: YUV formats take even numbers of pixels, so
 * an odd visible size takes the padding column or line along. */
guint    rga_active_size (const GstVideoFormatInfo * finfo, guint size);

G_END_DECLS
#endif
