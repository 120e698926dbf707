/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HEVC (ITU-T H.265 / ISO 23008-2) for stateless hardware in the frame based,
 * Annex B mode: parameter sets, slice headers, reference picture sets (8.3.2),
 * reference lists (8.3.4), output order (C.5.2) -> V4L2_CID_STATELESS_HEVC_*.
 */
#ifndef V4L2_CODEC_H265_H
#define V4L2_CODEC_H265_H

#include "codec.h"

G_BEGIN_DECLS

typedef struct _CodecH265 CodecH265;

typedef enum
{
  CODEC_H265_BYTE_STREAM,       /* Annex B start codes */
  CODEC_H265_HVC                /* NAL length prefixes; parameter sets in hvcC (hev1: also in-band) */
} CodecH265Format;

CodecH265 *codec_h265_new (const CodecClient * client, gpointer user_data);
void       codec_h265_free (CodecH265 * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CodecH265, codec_h265_free)

/*
 * From caps: the stream's form and, for HVC, the hvcC box (codec_data; ISO 14496-15 8.3.3).
 * May be called again on new caps; parameter sets that are equal keep the sequence.
 */
gboolean   codec_h265_set_format (CodecH265 * self, CodecH265Format format, const guint8 * codec_data,
    gsize codec_data_size, GError ** error);

/*
 * One access unit; all its slice segments are one job. Only the base layer (nuh_layer_id 0) is
 * decoded. Errors and the return value are those of codec_h264_decode(); FALSE without error also
 * for leading pictures that cannot be decoded (RASL after a random access).
 */
gboolean   codec_h265_decode (CodecH265 * self, const guint8 * data, gsize size, guint64 tag,
    GError ** error);

/* End of stream: outputs every waiting picture. References stay. */
gboolean   codec_h265_drain (CodecH265 * self, GError ** error);

/* Seek: drops all pictures without output; parameter sets stay; what comes before the next IRAP
 * picture is dropped. */
void       codec_h265_flush (CodecH265 * self);

extern const CodecCore codec_h265_core;

G_END_DECLS
#endif
