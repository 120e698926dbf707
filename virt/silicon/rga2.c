// SPDX-License-Identifier: GPL-2.0
/*
 * RGA2, the 2D engine: copy, convert, scale, crop, rotate, mirror.
 *
 * Registers and their meaning are learnt from Linux 7.2,
 * drivers/media/platform/rockchip/rga: rga-hw.h, rga-hw.c
 * (rga_cmd_set_trans_info: sizes, scaling factors and colour modes;
 * rga_get_corner_addrs, rga_lookup_draw_pos: the destination's start corner;
 * formats[]: memory layouts by format and swap bits), rga-buf.c (page table).
 *
 * Scaling comes first, in the source's colour space, then colour conversion,
 * then rotation clockwise, then mirroring.  The base address of the destination
 * is the pixel where the first source pixel goes: rga_lookup_draw_pos() is only
 * consistent with "mirror X" turning left and right around in the destination,
 * "mirror Y" top and bottom.
 *
 * Silicon's filters and rounding are not documented.  Here: bilinear up, area
 * average down, chroma repeated on input and averaged on output, integer
 * arithmetic, 16 fractional bits in colour conversion.  So pictures are right
 * within a tolerance only, where anything is scaled or converted.
 */
#include <stdlib.h>
#include <string.h>

#include "rga2-regs.h"
#include "silicon.h"

#define RGA_MAX_SCALE	16

/* One pixel: R, G, B, A or Y, U, V, A */
struct pixel {
	uint8_t c[4];
};

struct surface {
	struct bus bus;
	unsigned int format, swap;
	uint32_t y, u, v;		/* of the left top pixel */
	uint32_t stride, uv_stride;
	unsigned int width, height;
	unsigned int bytes;		/* of a pixel in the first plane */
	bool yuv, planar;		/* planar: U and V apart */
	unsigned int v_div;		/* luma rows to a chroma row */
	uint8_t *line, *line_u, *line_v;
};

/* Weights of 1 << 14 over a run of source samples, for one output sample. */
struct taps {
	unsigned int start, count;
	uint16_t *weights;
};

struct axis {
	struct taps *taps;
	uint16_t *weights;
};

struct blit {
	const struct job *job;
	struct surface src, dst;
	unsigned int rotate, mirror;
	unsigned int csc;		/* RGA_CSC_* of the side that is YUV */
	struct axis x, y;
	unsigned int width, height;	/* scaled, not yet rotated */
	struct pixel *image;		/* scaled and converted */
};

/* ---- formats ------------------------------------------------------------- */

static bool surface_format(struct surface *s)
{
	static const uint8_t bytes[16] = {
		[RGA_COLOR_FMT_ABGR8888] = 4, [RGA_COLOR_FMT_XBGR8888] = 4,
		[RGA_COLOR_FMT_RGB888] = 3, [RGA_COLOR_FMT_BGR565] = 2,
		[RGA_COLOR_FMT_ABGR1555] = 2, [RGA_COLOR_FMT_ABGR4444] = 2,
		[RGA_COLOR_FMT_YUV422SP] = 1, [RGA_COLOR_FMT_YUV422P] = 1,
		[RGA_COLOR_FMT_YUV420SP] = 1, [RGA_COLOR_FMT_YUV420P] = 1,
	};

	s->bytes = bytes[s->format];
	s->yuv = s->format >= RGA_COLOR_FMT_YUV422SP;
	s->planar = s->format == RGA_COLOR_FMT_YUV422P || s->format == RGA_COLOR_FMT_YUV420P;
	s->v_div = s->format >= RGA_COLOR_FMT_YUV420SP ? 2 : 1;
	s->uv_stride = s->planar ? s->stride / 2 : s->stride;
	if (!s->bytes || s->stride < s->width * s->bytes ||
	    (uint64_t)s->stride * s->height > UINT32_MAX)
		return false;
	s->line = malloc(s->width * 4 + 8);
	s->line_u = malloc(s->width + 8);
	s->line_v = malloc(s->width + 8);
	if (!s->line || !s->line_u || !s->line_v)
		abort();
	return true;
}

static void surface_free(struct surface *s)
{
	free(s->line);
	free(s->line_u);
	free(s->line_v);
}

static unsigned int chroma_width(const struct surface *s)
{
	return s->width > 1 ? s->width / 2 : 1;
}

static unsigned int chroma_rows(const struct surface *s)
{
	return s->height > s->v_div ? s->height / s->v_div : 1;
}

static void swap_bytes(uint8_t *a, uint8_t *b)
{
	uint8_t t = *a;

	*a = *b;
	*b = t;
}

/* To and from memory order; RB and alpha swap are their own format bits. */
static void unpack_32(const struct surface *s, const uint8_t *p, struct pixel *out)
{
	bool rb = s->swap & RGA_COLOR_RB_SWAP, alpha = s->swap & RGA_COLOR_ALPHA_SWAP;
	bool opaque = s->format == RGA_COLOR_FMT_XBGR8888;
	unsigned int c = alpha ? 1 : 0, a = alpha ? 0 : 3;

	for (unsigned int x = 0; x < s->width; x++, p += 4) {
		out[x].c[0] = p[c + (rb ? 2 : 0)];
		out[x].c[1] = p[c + 1];
		out[x].c[2] = p[c + (rb ? 0 : 2)];
		out[x].c[3] = opaque ? 255 : p[a];
	}
}

static void pack_32(const struct surface *s, uint8_t *p, const struct pixel *in)
{
	bool rb = s->swap & RGA_COLOR_RB_SWAP, alpha = s->swap & RGA_COLOR_ALPHA_SWAP;
	bool opaque = s->format == RGA_COLOR_FMT_XBGR8888;
	unsigned int c = alpha ? 1 : 0, a = alpha ? 0 : 3;

	for (unsigned int x = 0; x < s->width; x++, p += 4) {
		p[c + (rb ? 2 : 0)] = in[x].c[0];
		p[c + 1] = in[x].c[1];
		p[c + (rb ? 0 : 2)] = in[x].c[2];
		p[a] = opaque ? 255 : in[x].c[3];
	}
}

static void unpack_24(const struct surface *s, const uint8_t *p, struct pixel *out)
{
	bool rb = s->swap & RGA_COLOR_RB_SWAP;

	for (unsigned int x = 0; x < s->width; x++, p += 3)
		out[x] = (struct pixel){ { p[rb ? 2 : 0], p[1], p[rb ? 0 : 2], 255 } };
}

static void pack_24(const struct surface *s, uint8_t *p, const struct pixel *in)
{
	bool rb = s->swap & RGA_COLOR_RB_SWAP;

	for (unsigned int x = 0; x < s->width; x++, p += 3) {
		p[rb ? 2 : 0] = in[x].c[0];
		p[1] = in[x].c[1];
		p[rb ? 0 : 2] = in[x].c[2];
	}
}

/* Bits per channel of the 16-bit formats, red in the least significant. */
static const uint8_t *bits_16(const struct surface *s)
{
	static const uint8_t b565[4] = { 5, 6, 5, 0 };
	static const uint8_t b1555[4] = { 5, 5, 5, 1 };
	static const uint8_t b4444[4] = { 4, 4, 4, 4 };

	return s->format == RGA_COLOR_FMT_BGR565 ? b565 :
	       s->format == RGA_COLOR_FMT_ABGR1555 ? b1555 : b4444;
}

static uint8_t expand(unsigned int value, unsigned int bits)
{
	static const uint8_t max[] = { 0, 1, 3, 7, 15, 31, 63 };

	return bits ? (value * 255 + max[bits] / 2) / max[bits] : 255;
}

static void unpack_16(const struct surface *s, const uint8_t *p, struct pixel *out)
{
	const uint8_t *bits = bits_16(s);

	for (unsigned int x = 0; x < s->width; x++, p += 2) {
		unsigned int v = p[0] | p[1] << 8;

		for (unsigned int c = 0; c < 4; c++) {
			out[x].c[c] = expand(v & ((1u << bits[c]) - 1), bits[c]);
			v >>= bits[c];
		}
		if (s->swap & RGA_COLOR_RB_SWAP)
			swap_bytes(&out[x].c[0], &out[x].c[2]);
	}
}

static void pack_16(const struct surface *s, uint8_t *p, const struct pixel *in)
{
	const uint8_t *bits = bits_16(s);

	for (unsigned int x = 0; x < s->width; x++, p += 2) {
		struct pixel px = in[x];
		unsigned int v = 0, shift = 0;

		if (s->swap & RGA_COLOR_RB_SWAP)
			swap_bytes(&px.c[0], &px.c[2]);
		for (unsigned int c = 0; c < 4; c++) {
			if (bits[c])
				v |= (unsigned int)(px.c[c] >> (8 - bits[c])) << shift;
			shift += bits[c];
		}
		p[0] = v;
		p[1] = v >> 8;
	}
}

/* ---- rows in memory ------------------------------------------------------ */

static bool read_chroma(struct surface *s, unsigned int y)
{
	unsigned int row = y / s->v_div, n = chroma_width(s);
	bool ok;

	if (row >= chroma_rows(s))
		row = chroma_rows(s) - 1;
	if (s->planar) {
		ok = bus_read(&s->bus, s->u + row * s->uv_stride, s->line_u, n) &&
		     bus_read(&s->bus, s->v + row * s->uv_stride, s->line_v, n);
	} else {
		uint8_t *uv = s->line + s->width;

		ok = bus_read(&s->bus, s->u + row * s->uv_stride, uv, n * 2);
		for (unsigned int x = 0; ok && x < n; x++) {
			s->line_u[x] = uv[2 * x];
			s->line_v[x] = uv[2 * x + 1];
		}
	}
	if (s->swap & RGA_COLOR_UV_SWAP) {
		uint8_t *t = s->line_u;

		s->line_u = s->line_v;
		s->line_v = t;
	}
	return ok;
}

static bool read_row(struct surface *s, unsigned int y, struct pixel *out)
{
	unsigned int last = chroma_width(s) - 1;

	if (!bus_read(&s->bus, s->y + y * s->stride, s->line, s->width * s->bytes))
		return false;
	if (!s->yuv) {
		if (s->bytes == 4)
			unpack_32(s, s->line, out);
		else if (s->bytes == 3)
			unpack_24(s, s->line, out);
		else
			unpack_16(s, s->line, out);
		return true;
	}
	if (!read_chroma(s, y))
		return false;
	for (unsigned int x = 0; x < s->width; x++) {
		unsigned int cx = x / 2 < last ? x / 2 : last;

		out[x] = (struct pixel){ { s->line[x], s->line_u[cx], s->line_v[cx], 255 } };
	}
	return true;
}

static bool write_chroma(struct surface *s, unsigned int row, const struct pixel *a,
			 const struct pixel *b)
{
	unsigned int n = chroma_width(s);
	unsigned int iu = s->swap & RGA_COLOR_UV_SWAP ? 2 : 1;
	unsigned int iv = s->swap & RGA_COLOR_UV_SWAP ? 1 : 2;
	uint8_t *u = s->line_u, *v = s->line_v;

	for (unsigned int x = 0; x < n; x++) {
		unsigned int x1 = 2 * x + 1 < s->width ? 2 * x + 1 : 2 * x;

		u[x] = (a[2 * x].c[iu] + a[x1].c[iu] + b[2 * x].c[iu] + b[x1].c[iu] + 2) / 4;
		v[x] = (a[2 * x].c[iv] + a[x1].c[iv] + b[2 * x].c[iv] + b[x1].c[iv] + 2) / 4;
	}
	if (s->planar)
		return bus_write(&s->bus, s->u + row * s->uv_stride, u, n) &&
		       bus_write(&s->bus, s->v + row * s->uv_stride, v, n);
	for (unsigned int x = 0; x < n; x++) {
		s->line[2 * x] = u[x];
		s->line[2 * x + 1] = v[x];
	}
	return bus_write(&s->bus, s->u + row * s->uv_stride, s->line, n * 2);
}

/* before: the row above, for the average of vertically subsampled chroma */
static bool write_row(struct surface *s, unsigned int y, const struct pixel *row,
		      const struct pixel *before)
{
	if (!s->yuv) {
		if (s->bytes == 4)
			pack_32(s, s->line, row);
		else if (s->bytes == 3)
			pack_24(s, s->line, row);
		else
			pack_16(s, s->line, row);
		return bus_write(&s->bus, s->y + y * s->stride, s->line, s->width * s->bytes);
	}
	for (unsigned int x = 0; x < s->width; x++)
		s->line[x] = row[x].c[0];
	if (!bus_write(&s->bus, s->y + y * s->stride, s->line, s->width))
		return false;
	if (s->v_div == 1)
		return write_chroma(s, y, row, row);
	if (!(y & 1) && y + 1 < s->height)
		return true;
	if (y / 2 >= chroma_rows(s))
		return true;
	return write_chroma(s, y / 2, y & 1 ? before : row, row);
}

/* ---- colour conversion --------------------------------------------------- */

/* Fixed point, 16 bits: rows R, G, B of the inverse and Y, U, V forward */
struct csc {
	int y, rv, gu, gv, bu;		/* YUV to RGB */
	int fwd[3][3];
	int y_offset;
};

static const struct csc *csc_get(unsigned int mode)
{
	static const struct csc bt601 = {
		76309, 104597, -25675, -53279, 132201,
		{ { 16829, 33039, 6416 }, { -9714, -19070, 28784 }, { 28784, -24103, -4681 } },
		16,
	};
	static const struct csc bt601_full = {
		65536, 91881, -22554, -46802, 116130,
		{ { 19595, 38470, 7471 }, { -11058, -21710, 32768 }, { 32768, -27439, -5329 } },
		0,
	};
	static const struct csc bt709 = {
		76309, 117489, -13975, -34925, 138438,
		{ { 11966, 40254, 4064 }, { -6596, -22189, 28785 }, { 28784, -26145, -2639 } },
		16,
	};

	return mode == RGA_CSC_BT709_R0 ? &bt709 :
	       mode == RGA_CSC_BT601_R1 ? &bt601_full : &bt601;
}

static uint8_t clip(int v)
{
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

static void to_rgb(struct pixel *row, unsigned int n, unsigned int mode)
{
	const struct csc *m = csc_get(mode);

	for (unsigned int x = 0; x < n; x++) {
		int y = (row[x].c[0] - m->y_offset) * m->y + 32768;
		int u = row[x].c[1] - 128, v = row[x].c[2] - 128;

		row[x].c[0] = clip((y + m->rv * v) >> 16);
		row[x].c[1] = clip((y + m->gu * u + m->gv * v) >> 16);
		row[x].c[2] = clip((y + m->bu * u) >> 16);
	}
}

static void to_yuv(struct pixel *row, unsigned int n, unsigned int mode)
{
	const struct csc *m = csc_get(mode);

	for (unsigned int x = 0; x < n; x++) {
		int r = row[x].c[0], g = row[x].c[1], b = row[x].c[2];
		int out[3];

		for (unsigned int c = 0; c < 3; c++)
			out[c] = (m->fwd[c][0] * r + m->fwd[c][1] * g +
				  m->fwd[c][2] * b + 32768) >> 16;
		row[x].c[0] = clip(out[0] + m->y_offset);
		row[x].c[1] = clip(out[1] + 128);
		row[x].c[2] = clip(out[2] + 128);
	}
}

static void convert(const struct blit *b, struct pixel *row)
{
	if (b->src.yuv == b->dst.yuv || b->csc == RGA_CSC_BYPASS)
		return;
	if (b->src.yuv)
		to_rgb(row, b->width, b->csc);
	else
		to_yuv(row, b->width, b->csc);
}

/* ---- scaling ------------------------------------------------------------- */

#define WEIGHT_BITS	14
#define WEIGHT_ONE	(1u << WEIGHT_BITS)

/* Position out * factor, 16 fractional bits; bilinear */
static void taps_up(struct taps *t, unsigned int out, unsigned int src, uint32_t factor)
{
	uint64_t pos = (uint64_t)out * factor;

	t->start = pos >> 16 < src ? pos >> 16 : src - 1;
	t->count = t->start + 1 < src ? 2 : 1;
	t->weights[0] = WEIGHT_ONE;
	if (t->count == 2) {
		t->weights[1] = (pos & 0xffff) >> (16 - WEIGHT_BITS);
		t->weights[0] = WEIGHT_ONE - t->weights[1];
	}
}

/* Each source sample is factor / 65536 of an output sample. */
static void taps_down(struct taps *t, unsigned int out, unsigned int src, uint32_t factor,
		      unsigned int max)
{
	uint64_t from = (uint64_t)out << 16, to = from + 65536;
	uint64_t first = from / factor;
	unsigned int sum = 0;

	t->start = first < src ? first : src - 1;
	t->count = 0;
	for (uint64_t i = t->start; i < src && i * factor < to && t->count < max; i++) {
		uint64_t a = i * factor > from ? i * factor : from;
		uint64_t b = (i + 1) * factor < to ? (i + 1) * factor : to;

		t->weights[t->count] = b > a ? (b - a) >> (16 - WEIGHT_BITS) : 0;
		sum += t->weights[t->count++];
	}
	if (!t->count)
		t->count = 1, t->weights[0] = 0;
	/* Rounding, and the last sample's rest. */
	t->weights[t->count / 2] += WEIGHT_ONE - sum;
}

static bool axis_init(struct axis *axis, unsigned int mode, uint32_t factors,
		      unsigned int src, unsigned int dst)
{
	unsigned int max = RGA_MAX_SCALE + 2;
	uint32_t up = RGA_FACTOR_UP(factors), down = RGA_FACTOR_DOWN(factors);

	if (mode == 3 || (mode == RGA_SCL_DOWN && down < 65536 / RGA_MAX_SCALE))
		return false;
	axis->taps = calloc(dst, sizeof(*axis->taps));
	axis->weights = calloc((size_t)dst * max, sizeof(*axis->weights));
	if (!axis->taps || !axis->weights)
		abort();
	for (unsigned int i = 0; i < dst; i++) {
		struct taps *t = &axis->taps[i];

		t->weights = axis->weights + (size_t)i * max;
		if (mode == RGA_SCL_UP)
			taps_up(t, i, src, up);
		else if (mode == RGA_SCL_DOWN)
			taps_down(t, i, src, down, max);
		else
			taps_up(t, i, src, 65536);
	}
	return true;
}

static void scale_row(const struct axis *axis, const struct pixel *in,
		      struct pixel *out, unsigned int n)
{
	for (unsigned int x = 0; x < n; x++) {
		const struct taps *t = &axis->taps[x];
		uint32_t sum[4] = { WEIGHT_ONE / 2, WEIGHT_ONE / 2, WEIGHT_ONE / 2, WEIGHT_ONE / 2 };

		for (unsigned int i = 0; i < t->count; i++)
			for (unsigned int c = 0; c < 4; c++)
				sum[c] += t->weights[i] * in[t->start + i].c[c];
		for (unsigned int c = 0; c < 4; c++)
			out[x].c[c] = sum[c] >> WEIGHT_BITS;
	}
}

static bool same_size(const struct blit *b)
{
	return b->src.width == b->width && b->src.height == b->height;
}

/* Rows scaled horizontally, kept while a later output row still needs them. */
struct row_cache {
	struct pixel *rows;
	unsigned int *index;		/* source row + 1 */
};

#define CACHE_ROWS	(RGA_MAX_SCALE + 2)

static struct pixel *cached_row(struct blit *b, struct row_cache *cache,
				struct pixel *raw, unsigned int y)
{
	unsigned int slot = y % CACHE_ROWS;
	struct pixel *row = cache->rows + (size_t)slot * b->width;

	if (cache->index[slot] != y + 1) {
		if (!read_row(&b->src, y, raw))
			return NULL;
		scale_row(&b->x, raw, row, b->width);
		cache->index[slot] = y + 1;
	}
	return row;
}

static bool scale_rows(struct blit *b, struct row_cache *cache, struct pixel *raw,
		       uint32_t *sums)
{
	for (unsigned int y = 0; y < b->height; y++) {
		const struct taps *t = &b->y.taps[y];
		struct pixel *out = b->image + (size_t)y * b->width;

		for (unsigned int i = 0; i < b->width * 4; i++)
			sums[i] = WEIGHT_ONE / 2;
		for (unsigned int i = 0; i < t->count; i++) {
			const struct pixel *row = cached_row(b, cache, raw, t->start + i);

			if (!row)
				return false;
			for (unsigned int k = 0; k < b->width * 4; k++)
				sums[k] += t->weights[i] * row[k / 4].c[k % 4];
		}
		for (unsigned int k = 0; k < b->width * 4; k++)
			out[k / 4].c[k % 4] = sums[k] >> WEIGHT_BITS;
		convert(b, out);
	}
	return true;
}

/* Fills b->image. */
static bool render(struct blit *b)
{
	struct row_cache cache;
	struct pixel *raw;
	uint32_t *sums;
	bool ok = true;

	if (same_size(b)) {
		for (unsigned int y = 0; ok && y < b->height; y++) {
			struct pixel *row = b->image + (size_t)y * b->width;

			ok = read_row(&b->src, y, row);
			if (ok)
				convert(b, row);
		}
		return ok;
	}
	cache.rows = calloc((size_t)b->width * CACHE_ROWS, sizeof(*cache.rows));
	cache.index = calloc(CACHE_ROWS, sizeof(*cache.index));
	raw = malloc(b->src.width * sizeof(*raw));
	sums = malloc(b->width * 4 * sizeof(*sums));
	if (!cache.rows || !cache.index || !raw || !sums)
		abort();
	ok = scale_rows(b, &cache, raw, sums);
	free(cache.rows);
	free(cache.index);
	free(raw);
	free(sums);
	return ok;
}

/* ---- output -------------------------------------------------------------- */

/* Row y of the destination, gathered from the scaled image. */
static void gather(const struct blit *b, unsigned int y, struct pixel *out)
{
	unsigned int w = b->dst.width, h = b->dst.height;

	if (b->mirror & RGA_MIRROR_Y)
		y = h - 1 - y;
	for (unsigned int i = 0; i < w; i++) {
		unsigned int x = b->mirror & RGA_MIRROR_X ? w - 1 - i : i;
		unsigned int sx = x, sy = y;

		if (b->rotate == RGA_ROT_90)
			sx = y, sy = w - 1 - x;
		else if (b->rotate == RGA_ROT_180)
			sx = w - 1 - x, sy = h - 1 - y;
		else if (b->rotate == RGA_ROT_270)
			sx = h - 1 - y, sy = x;
		out[i] = b->image[(size_t)sy * b->width + sx];
	}
}

static bool output(struct blit *b)
{
	struct pixel *rows[2];
	bool straight = !b->rotate && !b->mirror, ok = true;
	/* What an error interrupts is written only in part. */
	unsigned int end = b->job->inject_error ? b->dst.height / 2 : b->dst.height;

	rows[0] = calloc(b->dst.width, sizeof(**rows));
	rows[1] = calloc(b->dst.width, sizeof(**rows));
	if (!rows[0] || !rows[1])
		abort();
	for (unsigned int y = 0; ok && y < end; y++) {
		if (straight) {
			struct pixel *row = b->image + (size_t)y * b->width;

			ok = write_row(&b->dst, y, row, row - (y ? b->width : 0));
			continue;
		}
		gather(b, y, rows[y & 1]);
		ok = write_row(&b->dst, y, rows[y & 1], rows[~y & 1]);
	}
	free(rows[0]);
	free(rows[1]);
	return ok;
}

/* ---- the common case: a decoder's picture to 32-bit RGB, as it is --------- */

static bool is_plain(const struct blit *b)
{
	return same_size(b) && !b->rotate && !b->mirror && b->csc != RGA_CSC_BYPASS &&
	       b->src.yuv && !b->src.planar && b->dst.bytes == 4 && b->src.width % 2 == 0;
}

static void plain_row(const struct blit *b, const uint8_t *y, const uint8_t *uv, uint8_t *out)
{
	const struct csc *m = csc_get(b->csc);
	unsigned int iu = b->src.swap & RGA_COLOR_UV_SWAP ? 1 : 0, iv = 1 - iu;
	unsigned int c = b->dst.swap & RGA_COLOR_ALPHA_SWAP ? 1 : 0;
	unsigned int red = c + (b->dst.swap & RGA_COLOR_RB_SWAP ? 2 : 0);
	unsigned int blue = c + (b->dst.swap & RGA_COLOR_RB_SWAP ? 0 : 2);

	for (unsigned int x = 0; x < b->src.width; x += 2, uv += 2) {
		int u = uv[iu] - 128, v = uv[iv] - 128;
		int r = m->rv * v, g = m->gu * u + m->gv * v, bl = m->bu * u;

		for (unsigned int k = 0; k < 2; k++, out += 4) {
			int luma = (y[x + k] - m->y_offset) * m->y + 32768;

			out[red] = clip((luma + r) >> 16);
			out[c + 1] = clip((luma + g) >> 16);
			out[blue] = clip((luma + bl) >> 16);
			out[c ? 0 : 3] = 255;
		}
	}
}

/* NULL or the bus that faulted */
static struct bus *run_plain(struct blit *b)
{
	struct surface *s = &b->src, *d = &b->dst;
	unsigned int end = b->job->inject_error ? d->height / 2 : d->height;
	uint8_t *uv = s->line + s->width;

	for (unsigned int y = 0; y < end; y++) {
		unsigned int row = y / s->v_div < chroma_rows(s) ? y / s->v_div : chroma_rows(s) - 1;

		if (!bus_read(&s->bus, s->y + y * s->stride, s->line, s->width) ||
		    !bus_read(&s->bus, s->u + row * s->uv_stride, uv, s->width))
			return &s->bus;
		plain_row(b, s->line, uv, d->line);
		if (!bus_write(&d->bus, d->y + y * d->stride, d->line, d->width * 4))
			return &d->bus;
	}
	return NULL;
}

/* ---- the job ------------------------------------------------------------- */

#define REG(offset)	cmd[((offset) - RGA_MODE_BASE_REG) / 4]

static void set_bus(struct surface *s, const struct silicon *silicon, bool mmu,
		    uint32_t table)
{
	bus_init(&s->bus, &silicon->dram, mmu ? BUS_PAGE_LIST : BUS_FLAT,
		 mmu ? RGA_MMU_TABLE(table) : 0);
}

/* Moves the base addresses from the start corner to the left top one. */
static void to_left_top(struct blit *b)
{
	/* Corner of the first pixel, bit 0: right, bit 1: bottom */
	static const uint8_t corner[4] = {
		[RGA_ROT_0] = 0, [RGA_ROT_90] = 1, [RGA_ROT_180] = 3, [RGA_ROT_270] = 2,
	};
	unsigned int start = corner[b->rotate] ^ b->mirror;
	struct surface *s = &b->dst;

	if (start & 1) {
		/* Pairs are pointed at by their second byte. */
		uint32_t back = s->planar ? s->width / 2 - 1 : s->width - 1;

		s->y -= (s->width - 1) * s->bytes;
		s->u -= back;
		s->v -= back;
	}
	if (start & 2) {
		s->y -= (s->height - 1) * s->stride;
		s->u -= (s->height / s->v_div - 1) * s->uv_stride;
		s->v -= (s->height / s->v_div - 1) * s->uv_stride;
	}
}

static const char *setup(struct blit *b, const struct silicon *silicon,
			 const uint32_t *cmd)
{
	uint32_t si = REG(RGA_SRC_INFO), di = REG(RGA_DST_INFO);
	struct surface *s = &b->src, *d = &b->dst;
	bool turned;

	if (RGA_MODE_RENDER(REG(RGA_MODE_CTRL)) != RGA_MODE_RENDER_BITBLT ||
	    RGA_MODE_BITBLT(REG(RGA_MODE_CTRL)) || REG(RGA_ALPHA_CTRL0))
		return "only bit block transfer without blending is modelled";
	set_bus(s, silicon, REG(RGA_MMU_CTRL1) & RGA_MMU_SRC_ENABLE, REG(RGA_MMU_SRC_BASE));
	set_bus(d, silicon, REG(RGA_MMU_CTRL1) & RGA_MMU_DST_ENABLE, REG(RGA_MMU_DST_BASE));
	s->format = RGA_INFO_FORMAT(si);
	s->swap = RGA_INFO_SWAP(si);
	s->y = REG(RGA_SRC_Y_RGB_BASE_ADDR);
	s->u = REG(RGA_SRC_CB_BASE_ADDR);
	s->v = REG(RGA_SRC_CR_BASE_ADDR);
	s->stride = RGA_VIR_STRIDE(REG(RGA_SRC_VIR_INFO));
	s->width = RGA_SRC_ACT_WIDTH(REG(RGA_SRC_ACT_INFO));
	s->height = RGA_SRC_ACT_HEIGHT(REG(RGA_SRC_ACT_INFO));
	d->format = RGA_INFO_FORMAT(di);
	d->swap = RGA_INFO_SWAP(di);
	d->y = REG(RGA_DST_Y_RGB_BASE_ADDR);
	d->u = REG(RGA_DST_CB_BASE_ADDR);
	d->v = REG(RGA_DST_CR_BASE_ADDR);
	d->stride = RGA_VIR_STRIDE(REG(RGA_DST_VIR_INFO));
	d->width = RGA_DST_ACT_WIDTH(REG(RGA_DST_ACT_INFO));
	d->height = RGA_DST_ACT_HEIGHT(REG(RGA_DST_ACT_INFO));
	if (!surface_format(s))
		return "source format or stride";
	if (!surface_format(d))
		return "destination format or stride";
	if ((s->yuv && s->width < 2) || (d->yuv && (d->width < 2 || d->height < 2)))
		return "size";

	b->rotate = RGA_SRC_ROT_MODE(si);
	b->mirror = RGA_SRC_MIR_MODE(si);
	b->csc = s->yuv ? RGA_SRC_CSC_MODE(si) : RGA_DST_CSC_MODE(di);
	turned = b->rotate == RGA_ROT_90 || b->rotate == RGA_ROT_270;
	b->width = turned ? d->height : d->width;
	b->height = turned ? d->width : d->height;
	to_left_top(b);
	if (!axis_init(&b->x, RGA_SRC_HSCL_MODE(si), REG(RGA_SRC_X_FACTOR), s->width, b->width) ||
	    !axis_init(&b->y, RGA_SRC_VSCL_MODE(si), REG(RGA_SRC_Y_FACTOR), s->height, b->height))
		return "scaling factor";
	b->image = malloc((size_t)b->width * b->height * sizeof(*b->image));
	if (!b->image)
		abort();
	return NULL;
}

/* The addresses of the page tables tell contexts apart well enough to log. */
static uint32_t context_number(uint32_t cmdbuf)
{
	static uint32_t known[64];
	static unsigned int n;

	for (unsigned int i = 0; i < n; i++)
		if (known[i] == cmdbuf)
			return i + 1;
	if (n == ARRAY_SIZE(known))
		return 0;
	known[n++] = cmdbuf;
	return n;
}

static void finish(struct job *job, uint32_t bits)
{
	job_set_reg(job, VRK_RGA, RGA_INT, bits);
	job_raise(job, VRK_IRQ_RGA);
}

void rga2_run(struct silicon *silicon, struct job *job)
{
	uint32_t base = silicon->regs[VRK_RGA][RGA_CMD_BASE / 4];
	uint32_t cmd[RGA_CMDBUF_SIZE / 4];
	struct blit b = { .job = job };
	const char *error = NULL;
	const struct bus_fault *fault = NULL;
	struct bus bus;

	job->context = context_number(base);
	bus_init(&bus, &silicon->dram, BUS_FLAT, 0);
	if (!bus_read(&bus, base, cmd, sizeof(cmd)))
		fault = &bus.fault;
	else
		error = setup(&b, silicon, cmd);
	if (!fault && !error) {
		silicon_debug(silicon, "rga job %llu: format %u %ux%u to format %u %ux%u, rotate %u mirror %u",
			      (unsigned long long)job->number, b.src.format, b.src.width,
			      b.src.height, b.dst.format, b.dst.width, b.dst.height,
			      b.rotate, b.mirror);
		if (is_plain(&b)) {
			struct bus *missed = run_plain(&b);

			fault = missed ? &missed->fault : NULL;
		} else if (!render(&b)) {
			fault = &b.src.bus.fault;
		} else if (!output(&b)) {
			fault = &b.dst.bus.fault;
		}
	}
	if (fault) {
		silicon_log("rga job %llu: page fault: %s at %08x", (unsigned long long)job->number,
			    fault->write ? "write" : "read", fault->addr);
		job->status = JOB_FAULT;
		finish(job, RGA_INT_MMU | RGA_INT_ERROR);
	} else if (error || job->inject_error) {
		silicon_log("rga job %llu: bad %s", (unsigned long long)job->number,
			    error ? error : "luck: injected error");
		job->status = JOB_ERROR;
		finish(job, RGA_INT_ERROR);
	} else {
		finish(job, RGA_INT_COMMAND_FINISHED);
	}
	surface_free(&b.src);
	surface_free(&b.dst);
	free(b.x.taps);
	free(b.x.weights);
	free(b.y.taps);
	free(b.y.weights);
	free(b.image);
}
