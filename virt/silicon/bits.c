// SPDX-License-Identifier: GPL-2.0
#include "bits.h"

#include <string.h>

void br_init(struct bit_reader *r, const uint8_t *data, size_t bytes)
{
	*r = (struct bit_reader){ .data = data, .bits = bytes * 8 };
}

uint32_t br_u(struct bit_reader *r, unsigned int count)
{
	uint32_t value = 0;

	if (count > r->bits - r->pos) {
		r->overrun = true;
		r->pos = r->bits;
		return 0;
	}
	while (count--) {
		value = value << 1 | (r->data[r->pos >> 3] >> (7 - (r->pos & 7)) & 1);
		r->pos++;
	}
	return value;
}

uint32_t br_ue(struct bit_reader *r)
{
	unsigned int zeros = 0;

	while (!br_u(r, 1)) {
		if (r->overrun || ++zeros > 31) {
			r->overrun = true;
			return 0;
		}
	}
	return (uint32_t)((1ull << zeros) - 1) + br_u(r, zeros);
}

int32_t br_se(struct bit_reader *r)
{
	uint32_t v = br_ue(r);

	return v & 1 ? (int32_t)(v / 2 + 1) : -(int32_t)(v / 2);
}

void bw_init(struct bit_writer *w, uint8_t *data, size_t bytes)
{
	*w = (struct bit_writer){ .data = data, .bits = bytes * 8 };
}

void bw_u(struct bit_writer *w, unsigned int count, uint32_t value)
{
	if (count > w->bits - w->pos) {
		w->overrun = true;
		return;
	}
	while (count--) {
		uint8_t mask = 0x80 >> (w->pos & 7);

		if (value >> count & 1)
			w->data[w->pos >> 3] |= mask;
		else
			w->data[w->pos >> 3] &= ~mask;
		w->pos++;
	}
}

void bw_ue(struct bit_writer *w, uint32_t value)
{
	uint64_t v = (uint64_t)value + 1;
	unsigned int length = 0;

	while (v >> (length + 1))
		length++;
	bw_u(w, length, 0);
	if (length == 32) {
		bw_u(w, 1, 1);
		bw_u(w, 32, (uint32_t)v);
	} else {
		bw_u(w, length + 1, (uint32_t)v);
	}
}

void bw_se(struct bit_writer *w, int32_t value)
{
	bw_ue(w, value > 0 ? 2 * (uint32_t)value - 1 : 2 * -(uint32_t)value);
}

void bw_align(struct bit_writer *w, unsigned int bit)
{
	while (w->pos & 7 && !w->overrun)
		bw_u(w, 1, bit);
}

void bw_trailing(struct bit_writer *w)
{
	bw_u(w, 1, 1);
	bw_align(w, 0);
}

void bw_copy_rest(struct bit_writer *w, struct bit_reader *from)
{
	while (from->pos & 7 && from->pos < from->bits)
		bw_u(w, 1, br_u(from, 1));
	if (!(w->pos & 7) && !(from->pos & 7)) {
		size_t n = (from->bits - from->pos) / 8;

		if (n * 8 > w->bits - w->pos) {
			w->overrun = true;
			return;
		}
		memcpy(w->data + w->pos / 8, from->data + from->pos / 8, n);
		w->pos += n * 8;
		from->pos += n * 8;
		return;
	}
	while (from->bits - from->pos >= 8 && !w->overrun) {
		unsigned int shift = w->pos & 7;
		uint8_t byte = from->data[from->pos >> 3];

		if (w->bits - w->pos < 16) {
			bw_u(w, 8, byte);
		} else {
			uint8_t *p = w->data + (w->pos >> 3);

			p[0] = (p[0] & ~(0xff >> shift)) | byte >> shift;
			p[1] = byte << (8 - shift);
			w->pos += 8;
		}
		from->pos += 8;
	}
	bw_align(w, 0);
}

uint32_t table_field(const uint32_t *table, unsigned int offset,
		     unsigned int count)
{
	unsigned int bit = offset % 32;
	uint64_t v = table[offset / 32];

	if (bit + count > 32)
		v |= (uint64_t)table[offset / 32 + 1] << 32;
	return v >> bit & ((1ull << count) - 1);
}

int32_t sign_extend(uint32_t value, unsigned int bits)
{
	uint32_t sign = 1u << (bits - 1);

	return (int32_t)((value ^ sign) - sign);
}

size_t nal_unescape(uint8_t *out, const uint8_t *in, size_t size)
{
	unsigned int zeros = 0;
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (zeros >= 2 && in[i] == 3) {
			zeros = 0;
			continue;
		}
		zeros = in[i] ? 0 : zeros + 1;
		out[n++] = in[i];
	}
	return n;
}

size_t nal_escape(uint8_t *out, const uint8_t *in, size_t size)
{
	unsigned int zeros = 0;
	size_t n = 0;

	/* A NAL unit may not end in a zero byte (7.4.1); padding goes. */
	while (size && !in[size - 1])
		size--;

	for (size_t i = 0; i < size; i++) {
		if (zeros >= 2 && in[i] <= 3) {
			out[n++] = 3;
			zeros = 0;
		}
		zeros = in[i] ? 0 : zeros + 1;
		out[n++] = in[i];
	}
	return n;
}

size_t nal_write(uint8_t *out, size_t size, const uint8_t *rbsp, size_t rbsp_size)
{
	if (size < 4 + rbsp_size + rbsp_size / 2 + 1)
		return 0;
	memcpy(out, "\0\0\0\1", 4);
	return 4 + nal_escape(out + 4, rbsp, rbsp_size);
}

size_t bw_finish_nal(struct bit_writer *w, uint8_t *out, size_t size)
{
	bw_trailing(w);
	return w->overrun ? 0 : nal_write(out, size, w->data, w->pos / 8);
}
