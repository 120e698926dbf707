/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Slice segments without their slice_segment_header_extension (7.3.6.1), which
 * no profile of version 1 uses.  Hardware reads the slice header by itself, and
 * Rockchip's own library (MPP) cuts the extension out for this generation of
 * rkvdec, so that nothing depends on whether it skips one.
 */
#ifndef V4L2_CODEC_H265_EXTENSION_H
#define V4L2_CODEC_H265_EXTENSION_H

#include <gst/codecparsers/gsth265parser.h>

G_BEGIN_DECLS

/*
 * @nalu: a slice segment whose PPS has slice_segment_header_extension_present_flag
 * @hdr: its parsed header
 * @header_size: (out): the new header's, in bits, with emulation prevention as the parser counts it
 *
 * Returns: (transfer full) (nullable): the NAL unit as it were with a PPS that does not have the
 * flag; NULL if what was parsed does not add up to what is there
 */
GByteArray *h265_slice_without_extension (const GstH265NalUnit * nalu, const GstH265SliceHdr * hdr,
    guint * header_size);

G_END_DECLS
#endif
