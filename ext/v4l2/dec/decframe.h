/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What leaves the decoder: GstBuffers on a CAPTURE buffer's memory, and
 * copies for those who cannot read that memory's layout.
 */
#ifndef DEC_FRAME_H
#define DEC_FRAME_H

#include <gst/video/video.h>

#include "../formats.h"

G_BEGIN_DECLS

/*
 * What frames decoded to @pixelformat are in caps: v4l2_format_to_video(), but for NV20, for which GStreamer has
 * no name before 1.28. There it is I422_10LE, the same samples, unpacked by a copy.
 */
GstVideoFormat dec_frame_video_format (guint32 pixelformat);

/* Whether frames of dec_frame_video_format() are not what the CAPTURE buffer has. */
gboolean   dec_frame_is_unpacked (guint32 pixelformat);

/* v4l2_format_to_info(). What has no name in GStreamer is described as the format with the same planes and
 * subsampling; its lines then have more bytes than that one's samples. */
gboolean   dec_frame_format_to_info (const V4l2Format * format, guint width, guint height,
    GstVideoInfo * info);

/*
 * Where the visible picture lies in a CAPTURE buffer: @layout gets strides and plane offsets of
 * the @width x @height pixels at @crop_x, @crop_y.  Cropping is done in the offsets, not with a
 * GstVideoCropMeta: it needs nothing from downstream beyond the GstVideoMeta (or the offsets of a
 * DRM import) that the padding to whole macroblocks needs anyway, and the caps are the same for
 * every consumer.  FALSE when the origin is inside a chroma sample.
 *
 * An offset is in bytes, and of the packed 10-bit formats only every fourth sample begins with one.
 * Where the origin is between, @layout is wider by @skip_x pixels on the left (otherwise 0), and
 * only a copy is the visible picture.
 */
gboolean   dec_frame_layout (const V4l2Format * format, guint crop_x, guint crop_y, guint width,
    guint height, GstVideoInfo * layout, guint * skip_x);

/**
 * DecFrameFix: what has to be put right in a CAPTURE buffer's picture, by a copy.
 * @skip_x: pixels on the left of each line that are not visible.
 * @neutral_chroma: there is no chroma in the stream, and the hardware leaves something else where
 *    the format has it (rkvdec: motion vectors).
 * @packed: four samples are in five bytes, the first in the lowest bits (NV15, NV20). Not wrong by itself.
 * @unpack: the copy is planar, each sample in two bytes.
 */
typedef struct
{
  guint skip_x;
  gboolean neutral_chroma;
  gboolean packed;
  gboolean unpack;
} DecFrameFix;

/* Of a line with so many packed samples. */
#define DEC_FRAME_PACKED_BYTES(samples) (((samples) * 10 + 7) / 8)

/* Fills @fix, but for neutral_chroma, which is the stream's. */
void       dec_frame_fix_init (DecFrameFix * fix, guint32 pixelformat);

static inline gboolean
dec_frame_needs_fix (DecFrameFix fix)
{
  return fix.skip_x || fix.neutral_chroma || fix.unpack;
}

/* Whether @layout is what a reader without GstVideoMeta assumes. @size: the memory's bytes. */
gboolean   dec_frame_layout_is_default (const GstVideoInfo * layout, gsize size);

/* Whether @format holds pictures of @bit_depth and @chroma_format_idc (H.264 table 6-1) as they
 * are; monochrome also where 4:2:0 is. */
gboolean   dec_frame_format_matches (GstVideoFormat format, guint bit_depth,
    guint chroma_format_idc);

/*
 * How many pool buffers downstream holds through what dec_frame_wrap() made, shallow copies
 * included.  Counted from any thread, and over the end of whoever asks.
 */
typedef struct _DecFrameCount DecFrameCount;

DecFrameCount *dec_frame_count_new (void);
void           dec_frame_count_unref (DecFrameCount * count);
guint          dec_frame_count_get (const DecFrameCount * count);

/* A buffer of its own on @pool_buffer's memories, which it keeps from returning to the pool
 * (GstParentBufferMeta), with a GstVideoMeta. (transfer full) */
GstBuffer *dec_frame_wrap (GstBuffer * pool_buffer, const GstVideoInfo * layout,
    DecFrameCount * count);

/* Fills the lines of the field that never came with those of the other one (@bottom: the bottom field
 * is there), so that the frame shows nothing of what the buffer had before. @pool_buffer must not be
 * wrapped yet. FALSE: it cannot be written to. */
gboolean   dec_frame_double_field (GstBuffer * pool_buffer, const GstVideoInfo * layout,
    DecFrameFix fix, gboolean bottom);

/* Copies @wrapped (from dec_frame_wrap), put right, into a buffer of @pool, laid out as @info says.  Mapping
 * waits for the picture's fences. GST_FLOW_FLUSHING when the pool is. @copy: transfer full. */
GstFlowReturn dec_frame_copy (GstBuffer * wrapped, const GstVideoInfo * layout, DecFrameFix fix,
    GstBufferPool * pool, const GstVideoInfo * info, GstBuffer ** copy);

G_END_DECLS
#endif
