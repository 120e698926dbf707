/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bit writer for tests that make H.264 and HEVC headers. */
#ifndef CHECK_BITS_H
#define CHECK_BITS_H

#include <glib.h>

typedef struct
{
  guint8 data[4096];
  guint n_bits;
} Bits;

void bits_put (Bits * bits, guint n, guint32 value);
void bits_put_ue (Bits * bits, guint32 value);
void bits_put_se (Bits * bits, gint32 value);
/* Start code, header byte, the bits with rbsp_trailing_bits and emulation prevention (7.3.1, B.1) */
void bits_emit (GByteArray * out, guint8 header, Bits * bits);

#endif
