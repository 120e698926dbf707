/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nalsplit.h"

/* The offset just past the next 00 00 01 from @pos, or @size; @end is where the NAL before ends. */
static gsize
next_start_code (const guint8 * data, gsize size, gsize pos, gsize * end)
{
  for (gsize i = pos; i + 2 < size;) {
    if (data[i + 2] > 1) {
      i += 3;
    } else if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1) {
      *end = i;
      return i + 3;
    } else {
      i++;
    }
  }
  *end = size;

  return size;
}

static gboolean
split_byte_stream (const guint8 * data, gsize size, NalFunc func, gpointer user_data)
{
  gsize end;
  gsize pos = next_start_code (data, size, 0, &end);

  while (pos < size) {
    gsize next = next_start_code (data, size, pos, &end);

    if (!func (user_data, data + pos, end - pos))
      return FALSE;
    pos = next;
  }

  return TRUE;
}

static gboolean
split_prefixed (const guint8 * data, gsize size, guint length_size, NalFunc func,
    gpointer user_data, gboolean * damaged)
{
  gsize pos = 0;

  while (size - pos >= length_size) {
    gsize nal_size = 0;

    for (guint i = 0; i < length_size; i++)
      nal_size = nal_size << 8 | data[pos++];
    if (nal_size > size - pos) {
      *damaged = TRUE;
      nal_size = size - pos;
    }
    if (nal_size > 0 && !func (user_data, data + pos, nal_size))
      return FALSE;
    pos += nal_size;
  }

  return TRUE;
}

gboolean
nal_split (const guint8 * data, gsize size, guint length_size, NalFunc func, gpointer user_data,
    gboolean * damaged)
{
  if (length_size == 0)
    return split_byte_stream (data, size, func, user_data);

  return split_prefixed (data, size, length_size, func, user_data, damaged);
}

gboolean
nal_split_array (const guint8 * data, gsize size, gsize * pos, guint n, NalFunc func,
    gpointer user_data)
{
  for (; n > 0; n--) {
    gsize nal_size;

    if (size - *pos < 2)
      return FALSE;
    nal_size = nal_read_u16 (data + *pos);
    *pos += 2;
    if (nal_size > size - *pos)
      return FALSE;
    if (nal_size > 0 && !func (user_data, data + *pos, nal_size))
      return FALSE;
    *pos += nal_size;
  }

  return TRUE;
}

void
nal_append (GByteArray * to, const guint8 * data, gsize size)
{
  static const guint8 start_code[NAL_START_CODE_SIZE] = { 0, 0, 1 };

  g_byte_array_append (to, start_code, sizeof (start_code));
  g_byte_array_append (to, data, size);
}
