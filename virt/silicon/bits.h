/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bit reader and writer for parameter sets and slice headers: most significant
 * bit first, with the Exp-Golomb codes of H.264 clause 9.1 (HEVC clause 9.2).
 * Neither ever leaves its buffer: running off the end sets a flag, reads then
 * give zero and writes are dropped.
 */
#ifndef SILICON_BITS_H
#define SILICON_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bit_reader {
	const uint8_t *data;
	size_t bits;		/* size of data in bits */
	size_t pos;
	bool overrun;
};

struct bit_writer {
	uint8_t *data;
	size_t bits;		/* capacity in bits */
	size_t pos;
	bool overrun;
};

void br_init(struct bit_reader *r, const uint8_t *data, size_t bytes);
/* count: 0 to 32 */
uint32_t br_u(struct bit_reader *r, unsigned int count);
uint32_t br_ue(struct bit_reader *r);
int32_t br_se(struct bit_reader *r);

void bw_init(struct bit_writer *w, uint8_t *data, size_t bytes);
void bw_u(struct bit_writer *w, unsigned int count, uint32_t value);
void bw_ue(struct bit_writer *w, uint32_t value);
void bw_se(struct bit_writer *w, int32_t value);
/* Fills up to the next byte boundary with copies of bit. */
void bw_align(struct bit_writer *w, unsigned int bit);
/* rbsp_trailing_bits() */
void bw_trailing(struct bit_writer *w);
/* Copies the bits from *from on up to the end of the reader's data. */
void bw_copy_rest(struct bit_writer *w, struct bit_reader *from);

/* Field of count bits (at most 32) at bit offset in a little endian table. */
uint32_t table_field(const uint32_t *table, unsigned int offset,
		     unsigned int count);
int32_t sign_extend(uint32_t value, unsigned int bits);

/*
 * Emulation prevention of H.264/HEVC byte streams.  nal_unescape() writes at
 * most size bytes to out and returns how many; nal_escape() needs room for
 * 3 / 2 * size + 1 bytes.
 */
size_t nal_unescape(uint8_t *out, const uint8_t *in, size_t size);
size_t nal_escape(uint8_t *out, const uint8_t *in, size_t size);
/*
 * A NAL unit with its start code, from its header and RBSP.  Returns its bytes, 0 if out is too
 * small.  bw_finish_nal() ends the RBSP that w has written first.
 */
size_t nal_write(uint8_t *out, size_t size, const uint8_t *rbsp, size_t rbsp_size);
size_t bw_finish_nal(struct bit_writer *w, uint8_t *out, size_t size);

#endif
