/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MPEG-2 video (ITU-T H.262 / ISO 13818-2) for stateless hardware: headers,
 * references, output order -> V4L2_CID_STATELESS_MPEG2_*.  One job is one
 * coded picture: both fields of a frame are jobs for the same CodecPicture.
 */
#ifndef V4L2_CODEC_MPEG2_H
#define V4L2_CODEC_MPEG2_H

#include "codec.h"

G_BEGIN_DECLS

typedef struct _CodecMpeg2 CodecMpeg2;

CodecMpeg2 *codec_mpeg2_new (const CodecClient * client, gpointer user_data);
/* Drops all pictures without output. */
void        codec_mpeg2_free (CodecMpeg2 * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CodecMpeg2, codec_mpeg2_free)

/* Headers that are not in the stream (codec_data). */
gboolean    codec_mpeg2_set_headers (CodecMpeg2 * self, const guint8 * data, gsize size,
    GError ** error);

/*
 * One or more whole pictures with the headers before them; a frame's fields may come together or in
 * two calls (the frame has the first one's @tag).  Returns TRUE if a job was submitted; FALSE without
 * an error: there was nothing to decode, or nothing that could be without what came before.
 */
gboolean    codec_mpeg2_decode (CodecMpeg2 * self, const guint8 * data, gsize size, guint64 tag,
    GError ** error);

/* End of stream: outputs the picture that waits. References stay. */
gboolean    codec_mpeg2_drain (CodecMpeg2 * self, GError ** error);

/* Seek: drops all pictures without output; headers stay; decoding starts at the next I picture, or
 * P picture after a sequence header. */
void        codec_mpeg2_flush (CodecMpeg2 * self);

extern const CodecCore codec_mpeg2_core;

G_END_DECLS
#endif
