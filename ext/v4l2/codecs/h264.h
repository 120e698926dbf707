/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * H.264 (ITU-T H.264 / ISO 14496-10) for stateless hardware in the frame
 * based, Annex B mode: parameter sets, slice headers, decoded picture buffer
 * (clause 8.2.5 marking, C.4 output order) -> V4L2_CID_STATELESS_H264_*.
 */
#ifndef V4L2_CODEC_H264_H
#define V4L2_CODEC_H264_H

#include "codec.h"

G_BEGIN_DECLS

typedef struct _CodecH264 CodecH264;

typedef enum
{
  CODEC_H264_BYTE_STREAM,       /* Annex B start codes */
  CODEC_H264_AVC                /* NAL length prefixes; parameter sets in avcC (avc3: also in-band) */
} CodecH264Format;

CodecH264 *codec_h264_new (const CodecClient * client, gpointer user_data);
void       codec_h264_free (CodecH264 * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CodecH264, codec_h264_free)

/*
 * From caps: the stream's form and, for AVC, the avcC box (codec_data; ISO 14496-15 5.3.3).
 * May be called again on new caps; parameter sets that are equal keep the sequence.
 */
gboolean   codec_h264_set_format (CodecH264 * self, CodecH264Format format, const guint8 * codec_data,
    gsize codec_data_size, GError ** error);

/*
 * Output as early as bumping allows no reordering to be broken: low_latency outputs as soon as the
 * picture is provably next (POC type 2, max_num_reorder_frames 0, consecutive POC); FALSE waits
 * for C.4.5.3's bumping alone. Both give the same order.
 */
void       codec_h264_set_low_latency (CodecH264 * self, gboolean low_latency);

/*
 * One access unit. Several slices are one job. A second picture inside the same unit (both fields,
 * or a caller that does not align) is handled; a picture is finished at the end of the unit.
 * CODEC_ERROR_BITSTREAM: nothing in it could be used. Where a part could, there is no error and the
 * picture is flagged CORRUPT. With the other errors jobs may have been submitted all the same.
 * Returns TRUE if at least one job was submitted; FALSE without error: nothing to decode in it
 * (parameter sets only, or non-base-layer NALs).
 */
gboolean   codec_h264_decode (CodecH264 * self, const guint8 * data, gsize size, guint64 tag,
    GError ** error);

/* End of stream: outputs every waiting picture. References stay until the next IDR. */
gboolean   codec_h264_drain (CodecH264 * self, GError ** error);

/* Seek: drops all pictures without output; parameter sets stay; the next picture must be a random
 * access point (IDR, recovery point SEI or I slices only), others before it are dropped. */
void       codec_h264_flush (CodecH264 * self);

extern const CodecCore codec_h264_core;

G_END_DECLS
#endif
