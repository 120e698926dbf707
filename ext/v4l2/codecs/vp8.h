/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VP8 (RFC 6386) for stateless hardware: frame header, the three references
 * -> V4L2_CID_STATELESS_VP8_FRAME.
 */
#ifndef V4L2_CODEC_VP8_H
#define V4L2_CODEC_VP8_H

#include "codec.h"

G_BEGIN_DECLS

typedef struct _CodecVp8 CodecVp8;

CodecVp8 *codec_vp8_new (const CodecClient * client, gpointer user_data);
/* Drops all pictures without output. */
void      codec_vp8_free (CodecVp8 * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CodecVp8, codec_vp8_free)

/*
 * One frame.  Returns TRUE if a job was submitted; FALSE without an error: there is nothing to
 * decode in it (an empty frame, which repeats the one before; no key frame yet).
 */
gboolean  codec_vp8_decode (CodecVp8 * self, const guint8 * data, gsize size, guint64 tag,
    GError ** error);

/* Nothing ever waits for output; the references stay. */
gboolean  codec_vp8_drain (CodecVp8 * self, GError ** error);

/* Seek: drops the references; the next frame must be a key frame, others before it are dropped. */
void      codec_vp8_flush (CodecVp8 * self);

extern const CodecCore codec_vp8_core;

G_END_DECLS
#endif
