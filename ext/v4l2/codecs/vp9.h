/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VP9 (VP9 Bitstream & Decoding Process Specification, version 0.6), profile 0,
 * for stateless hardware: frame headers, the eight reference slots, hidden and
 * repeated frames -> V4L2_CID_STATELESS_VP9_FRAME and _COMPRESSED_HDR.
 *
 * Probabilities and their adaptation (8.4) are the driver's: it keeps the four
 * frame contexts and applies what the compressed header control says.
 */
#ifndef V4L2_CODEC_VP9_H
#define V4L2_CODEC_VP9_H

#include "codec.h"

G_BEGIN_DECLS

typedef struct _CodecVp9 CodecVp9;

CodecVp9 *codec_vp9_new (const CodecClient * client, gpointer user_data);
void      codec_vp9_free (CodecVp9 * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CodecVp9, codec_vp9_free)

/*
 * One frame or one superframe (annex B).  Of the frames that a superframe shows, the last is output
 * (spatial layers are only shown complete).
 * CODEC_ERROR_SKIPPED: frames are dropped up to the next key frame, because the size changed between
 * key frames in a way that no buffer of the running session can follow; said once.
 * Returns TRUE if at least one job was submitted or one frame output; FALSE without error: nothing
 * in it could be decoded before the next key frame.
 */
gboolean  codec_vp9_decode (CodecVp9 * self, const guint8 * data, gsize size, guint64 tag,
    GError ** error);

/* Nothing ever waits: frames are output in decoding order. */
gboolean  codec_vp9_drain (CodecVp9 * self, GError ** error);

/* Seek: all references are dropped, and everything up to the next key frame will be. */
void      codec_vp9_flush (CodecVp9 * self);

extern const CodecCore codec_vp9_core;

G_END_DECLS
#endif
