// SPDX-License-Identifier: GPL-2.0
/* The boolean decoder of the VP9 bitstream specification, 9.2, several bytes at a time. */
#include "vp9-tile.h"

static void fill(struct vp9_bool *b)
{
	for (; b->bits <= 40; b->bits += 8, b->data++)
		b->value = b->value << 8 | (b->data < b->end ? *b->data : 0);
}

bool vp9_bool_init(struct vp9_bool *b, const uint8_t *data, size_t size)
{
	*b = (struct vp9_bool){ .data = data, .end = data + size, .range = 255, .bits = -8 };
	fill(b);
	return size && !vp9_read_bool(b, 128);
}

unsigned int vp9_read_bool(struct vp9_bool *b, unsigned int probability)
{
	uint32_t split = 1 + (((b->range - 1) * probability) >> 8);
	uint64_t scaled;
	unsigned int bit, shift;

	if (b->bits < 8)
		fill(b);
	scaled = (uint64_t)split << b->bits;
	bit = b->value >= scaled;
	b->value -= bit ? scaled : 0;
	b->range = bit ? b->range - split : split;
	shift = __builtin_clz(b->range) - 24;
	b->range <<= shift;
	b->bits -= shift;
	return bit;
}

/*
 * 9.2.3: all bits that were not looked at are zero, and no more were needed than
 * there are.  After a symbol read with a wrong probability that is hardly so.
 */
bool vp9_bool_exit(const struct vp9_bool *b)
{
	if (b->data > b->end && (b->data - b->end) * 8 > b->bits + 8)
		return false;
	if (b->value & ((1ull << b->bits) - 1))
		return false;
	for (const uint8_t *p = b->data; p < b->end; p++)
		if (*p)
			return false;
	return true;
}

unsigned int vp9_read_tree(struct vp9_bool *b, const int8_t *tree, const uint8_t *probs)
{
	int i = 0;

	do
		i = tree[i + vp9_read_bool(b, probs[i >> 1])];
	while (i > 0);
	return -i;
}
