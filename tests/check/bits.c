/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bits.h"

void
bits_put (Bits * bits, guint n, guint32 value)
{
  while (n-- > 0) {
    g_assert (bits->n_bits < 8 * sizeof (bits->data));
    if ((value >> n) & 1)
      bits->data[bits->n_bits / 8] |= 0x80 >> (bits->n_bits % 8);
    bits->n_bits++;
  }
}

void
bits_put_ue (Bits * bits, guint32 value)
{
  guint n = g_bit_storage (value + 1);

  bits_put (bits, n - 1, 0);
  bits_put (bits, n, value + 1);
}

void
bits_put_se (Bits * bits, gint32 value)
{
  bits_put_ue (bits, value > 0 ? 2 * value - 1 : -2 * value);
}

void
bits_emit (GByteArray * out, guint8 header, Bits * bits)
{
  static const guint8 start_code[] = { 0, 0, 0, 1 };
  guint zeros = 0;

  bits_put (bits, 1, 1);
  g_byte_array_append (out, start_code, sizeof (start_code));
  g_byte_array_append (out, &header, 1);
  for (guint i = 0; i < (bits->n_bits + 7) / 8; i++) {
    static const guint8 three = 3;

    if (zeros == 2 && bits->data[i] <= 3) {
      g_byte_array_append (out, &three, 1);
      zeros = 0;
    }
    g_byte_array_append (out, &bits->data[i], 1);
    zeros = bits->data[i] ? 0 : zeros + 1;
  }
}
