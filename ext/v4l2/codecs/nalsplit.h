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

/*
 * @length_size 0: Annex B. Otherwise ISO 14496-15, each after its length in so many bytes; a length
 * that exceeds what is left is cut and sets @damaged. Returns FALSE if @func did.
 */
gboolean nal_split (const guint8 * data, gsize size, guint length_size, NalFunc func,
    gpointer user_data, gboolean * damaged);

/* @n NAL units of an avcC or hvcC box from @pos, each after its length in two bytes; moves @pos
 * behind them. FALSE if the box ends before they do, or if @func returned FALSE. */
gboolean nal_split_array (const guint8 * data, gsize size, gsize * pos, guint n, NalFunc func,
    gpointer user_data);

/* Appends the NAL unit with a start code of NAL_START_CODE_SIZE bytes. */
#define NAL_START_CODE_SIZE 3
void     nal_append (GByteArray * to, const guint8 * data, gsize size);

/* Two bytes, big endian, at any address (GST_READ_UINT16_BE wants an even one of the sanitizers). */
static inline guint
nal_read_u16 (const guint8 * data)
{
  return (guint) data[0] << 8 | data[1];
}

G_END_DECLS
#endif
