/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAL units out of an access unit: what H.264 and HEVC have in common.
 */
#ifndef V4L2_CODEC_NALSPLIT_H
#define V4L2_CODEC_NALSPLIT_H

#include <glib.h>

G_BEGIN_DECLS

/* One NAL unit without start code or length; FALSE ends the splitting. */
typedef gboolean (*NalFunc) (gpointer user_data, const guint8 * data, gsize size);

/* Annex B. Returns FALSE if @func did. */
gboolean nal_split_byte_stream (const guint8 * data, gsize size, NalFunc func, gpointer user_data);

/* ISO 14496-15: each after its length in @length_size bytes. A length that exceeds what is left is
 * cut and sets @damaged. Returns FALSE if @func did. */
gboolean nal_split_prefixed (const guint8 * data, gsize size, guint length_size, NalFunc func,
    gpointer user_data, gboolean * damaged);

/* Two bytes, big endian, at any address (GST_READ_UINT16_BE wants an even one of the sanitizers). */
static inline guint
nal_read_u16 (const guint8 * data)
{
  return (guint) data[0] << 8 | data[1];
}

G_END_DECLS
#endif
