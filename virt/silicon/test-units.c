// SPDX-License-Identifier: GPL-2.0
/*
 * RGA2 against plain float arithmetic and per-pixel geometry, the page tables,
 * the bit reader and writer, and both models on random registers: none of it
 * may touch a byte that is not mapped.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "faults.h"
#include "rga2-regs.h"
#include "rkvdec-regs.h"
#include "silicon.h"

#define DRAM_SIZE	(32u << 20)

#define check(cond) do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, #cond); \
			exit(1); \
		} \
	} while (0)

static struct silicon soc;
static uint32_t next_page;

static uint32_t rnd(void)
{
	static uint64_t s = 88172645463325252ull;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s >> 16;
}

static uint32_t new_page(void)
{
	uint32_t n = DRAM_SIZE / 4096 - 64;

	check(next_page < n);
	return (64 + (uint32_t)((uint64_t)next_page++ * 3571 % n)) * 4096;
}

static uint32_t *dram32(uint32_t addr)
{
	return (uint32_t *)(soc.dram.base + addr);
}

static void reset(void)
{
	next_page = 0;
	memset(soc.dram.base, 0, DRAM_SIZE);
}

/* ---- RGA ----------------------------------------------------------------- */

struct image {
	unsigned int format, swap, width, height, stride, bytes, size;
	uint32_t table;			/* page list, DRAM address */
	uint32_t u, v;			/* plane offsets */
	uint8_t *data;			/* the test's copy */
};

static bool is_yuv(const struct image *i)
{
	return i->format >= RGA_COLOR_FMT_YUV422SP;
}

static bool is_planar(const struct image *i)
{
	return i->format == RGA_COLOR_FMT_YUV422P || i->format == RGA_COLOR_FMT_YUV420P;
}

static unsigned int v_div(const struct image *i)
{
	return i->format >= RGA_COLOR_FMT_YUV420SP ? 2 : 1;
}

static void image_init(struct image *i, unsigned int format, unsigned int swap,
		       unsigned int width, unsigned int height)
{
	static const uint8_t bytes[16] = { 4, 4, 3, 0, 2, 2, 2, 0, 1, 1, 1, 1 };
	uint32_t page = 0;

	*i = (struct image){ .format = format, .swap = swap, .width = width, .height = height,
			     .bytes = bytes[format] };
	i->stride = (width * i->bytes + 11) & ~3u;
	i->u = i->stride * height;
	i->v = i->u + i->stride * height / 2 / v_div(i);
	i->size = i->stride * height;
	if (is_yuv(i))
		i->size += i->stride * height / v_div(i);
	i->data = calloc(1, i->size);
	i->table = new_page();
	for (uint32_t n = 0; n * 4096 < i->size; n++) {
		if (n && !(n & 1023))
			check(!"table of one page");
		page = new_page();
		dram32(i->table)[n] = page;
	}
}

static void image_move(struct image *i, bool to_dram)
{
	struct bus bus;

	bus_init(&bus, &soc.dram, BUS_PAGE_LIST, i->table);
	check(to_dram ? bus_write(&bus, 0, i->data, i->size) : bus_read(&bus, 0, i->data, i->size));
}

static void image_random(struct image *i)
{
	for (unsigned int n = 0; n < i->size; n++)
		i->data[n] = rnd();
	image_move(i, true);
}

/* Channels of a pixel, by memory order that the test spells out itself. */
static void image_get(const struct image *i, unsigned int x, unsigned int y, double c[4])
{
	const uint8_t *p = i->data + y * i->stride + x * i->bytes;
	unsigned int cw = i->width / 2 - 1, cx = x / 2 < cw ? x / 2 : cw, v;
	const uint8_t *u;

	c[3] = 255;
	switch (i->format) {
	case RGA_COLOR_FMT_ABGR8888:
	case RGA_COLOR_FMT_XBGR8888:
		/* none: R G B A; RB swap: B G R A; alpha swap: A R G B */
		for (unsigned int k = 0; k < 3; k++)
			c[k] = i->swap == RGA_COLOR_ALPHA_SWAP ? p[k + 1] :
			       i->swap == RGA_COLOR_RB_SWAP ? p[2 - k] : p[k];
		if (i->format == RGA_COLOR_FMT_ABGR8888)
			c[3] = i->swap == RGA_COLOR_ALPHA_SWAP ? p[0] : p[3];
		return;
	case RGA_COLOR_FMT_RGB888:
		for (unsigned int k = 0; k < 3; k++)
			c[k] = i->swap == RGA_COLOR_RB_SWAP ? p[2 - k] : p[k];
		return;
	case RGA_COLOR_FMT_BGR565:	/* with RB swap: V4L2_PIX_FMT_RGB565 */
		v = p[0] | p[1] << 8;
		c[0] = (v >> 11) * 255.0 / 31;
		c[1] = (v >> 5 & 63) * 255.0 / 63;
		c[2] = (v & 31) * 255.0 / 31;
		return;
	}
	u = i->data + i->u + y / v_div(i) * (is_planar(i) ? i->stride / 2 : i->stride);
	c[0] = *p;
	if (is_planar(i)) {
		c[1] = u[cx];
		c[2] = (u + (i->v - i->u))[cx];
	} else {
		c[1] = u[2 * cx];
		c[2] = u[2 * cx + 1];
	}
	if (i->swap == RGA_COLOR_UV_SWAP) {
		double t = c[1];

		c[1] = c[2];
		c[2] = t;
	}
}

struct blit {
	unsigned int rotate, mirror, csc;
	unsigned int sx, sy, sw, sh, dx, dy, dw, dh;	/* crop, compose */
};

/* rga_get_corner_addrs(), rga_lookup_draw_pos() */
static void corner(const struct image *i, const struct blit *b, bool dst, uint32_t out[3])
{
	static const char points[4][4][3] = {
		{ "LT", "RT", "LB", "RB" }, { "RT", "LT", "RB", "LB" },
		{ "RB", "LB", "RT", "LT" }, { "LB", "RB", "LT", "RT" },
	};
	const char *at = dst ? points[b->rotate][b->mirror] : "LT";
	unsigned int x = dst ? b->dx : b->sx, y = dst ? b->dy : b->sy;
	unsigned int w = dst ? b->dw : b->sw, h = dst ? b->dh : b->sh;
	unsigned int x_div = is_planar(i) ? 2 : 1, uv_stride = i->stride / x_div;

	out[0] = y * i->stride + x * i->bytes;
	out[1] = i->u + y / v_div(i) * uv_stride + x / x_div;
	out[2] = i->v + y / v_div(i) * uv_stride + x / x_div;
	if (at[1] == 'B') {
		out[0] += (h - 1) * i->stride;
		out[1] += (h / v_div(i) - 1) * uv_stride;
		out[2] += (h / v_div(i) - 1) * uv_stride;
	}
	if (at[0] == 'R') {
		out[0] += (w - 1) * i->bytes;
		out[1] += w / x_div - 1;
		out[2] += w / x_div - 1;
	}
}

static uint32_t factor(unsigned int src, unsigned int dst, uint32_t *mode)
{
	*mode = src == dst ? RGA_SCL_NO : src > dst ? RGA_SCL_DOWN : RGA_SCL_UP;
	if (src == dst)
		return 0;
	return src > dst ? (dst << 16) / src + 1 : ((src - 1) << 16) / (dst - 1) << 16;
}

static uint32_t blit(const struct image *s, const struct image *d, const struct blit *b,
		     struct job *job)
{
	uint32_t *cmd = dram32(8192), at[3], h, v;
	bool turned = b->rotate & 1;

#define CMD(r)	cmd[((r) - RGA_MODE_BASE_REG) / 4]
	memset(cmd, 0, RGA_CMDBUF_SIZE);
	CMD(RGA_SRC_X_FACTOR) = factor(b->sw, turned ? b->dh : b->dw, &h);
	CMD(RGA_SRC_Y_FACTOR) = factor(b->sh, turned ? b->dw : b->dh, &v);
	CMD(RGA_MODE_CTRL) = 1 << 6;
	CMD(RGA_SRC_INFO) = s->format | s->swap << 4 | (is_yuv(s) ? b->csc : 0) << 8 |
			    b->rotate << 10 | b->mirror << 12 | h << 14 | v << 16;
	CMD(RGA_DST_INFO) = d->format | d->swap << 4 | (is_yuv(d) ? b->csc : 0) << 16;
	corner(s, b, false, at);
	for (unsigned int i = 0; i < 3; i++)
		CMD(RGA_SRC_Y_RGB_BASE_ADDR + 4 * i) = at[i];
	corner(d, b, true, at);
	for (unsigned int i = 0; i < 3; i++)
		CMD(RGA_DST_Y_RGB_BASE_ADDR + 4 * i) = at[i];
	CMD(RGA_SRC_VIR_INFO) = s->stride / 4;
	CMD(RGA_DST_VIR_INFO) = d->stride / 4;
	CMD(RGA_SRC_ACT_INFO) = (b->sh - 1) << 16 | (b->sw - 1);
	CMD(RGA_DST_ACT_INFO) = (b->dh - 1) << 16 | (b->dw - 1);
	CMD(RGA_MMU_CTRL1) = 0x777;
	CMD(RGA_MMU_SRC_BASE) = s->table >> 4;
	CMD(RGA_MMU_DST_BASE) = d->table >> 4;
	soc.regs[VRK_RGA][RGA_CMD_BASE / 4] = 8192;
	*job = (struct job){ .number = 1 };
	rga2_run(&soc, job);
	check(job->done.irq_mask == BIT(VRK_IRQ_RGA) && job->done.n_regs == 1);
	check(job->done.regs[0].offset == RGA_INT);
	return job->done.regs[0].value;
}

static void whole(struct blit *b, const struct image *s, const struct image *d)
{
	b->sw = s->width;
	b->sh = s->height;
	b->dw = d->width;
	b->dh = d->height;
}

static void float_rgb(const double yuv[3], bool bt709, double rgb[3])
{
	double kr = bt709 ? 0.2126 : 0.299, kb = bt709 ? 0.0722 : 0.114, kg = 1 - kr - kb;
	double y = (yuv[0] - 16) / 219, u = (yuv[1] - 128) / 224, v = (yuv[2] - 128) / 224;

	rgb[0] = 255 * (y + 2 * (1 - kr) * v);
	rgb[1] = 255 * (y - 2 * (1 - kb) * kb / kg * u - 2 * (1 - kr) * kr / kg * v);
	rgb[2] = 255 * (y + 2 * (1 - kb) * u);
	for (unsigned int k = 0; k < 3; k++)
		rgb[k] = fmin(fmax(rgb[k], 0), 255);
}

static void test_to_rgb(unsigned int format, unsigned int swap, unsigned int out_format,
			unsigned int out_swap, unsigned int csc, double tolerance)
{
	struct image s, d;
	struct blit b = { .csc = csc };
	struct job job;

	reset();
	image_init(&s, format, swap, 98, 66);
	image_init(&d, out_format, out_swap, 98, 66);
	image_random(&s);
	whole(&b, &s, &d);
	check(blit(&s, &d, &b, &job) == RGA_INT_COMMAND_FINISHED);
	image_move(&d, false);
	for (unsigned int y = 0; y < d.height; y++) {
		for (unsigned int x = 0; x < d.width; x++) {
			double in[4], want[3], got[4];

			image_get(&s, x, y, in);
			image_get(&d, x, y, got);
			float_rgb(in, csc == RGA_CSC_BT709_R0, want);
			for (unsigned int k = 0; k < 3; k++)
				check(fabs(want[k] - got[k]) <= tolerance);
		}
		/* behind each row: untouched */
		for (unsigned int x = d.width * d.bytes; x < d.stride; x++)
			check(!d.data[y * d.stride + x]);
	}
	free(s.data);
	free(d.data);
}

/* RGB to YUV and back; smooth, since chroma is halved. */
static void test_there_and_back(unsigned int format, unsigned int swap, unsigned int csc)
{
	struct image s, m, d;
	struct blit b = { .csc = csc };
	struct job job;

	reset();
	image_init(&s, RGA_COLOR_FMT_ABGR8888, RGA_COLOR_RB_SWAP, 128, 64);
	image_init(&m, format, swap, 128, 64);
	image_init(&d, RGA_COLOR_FMT_RGB888, 0, 128, 64);
	for (unsigned int y = 0; y < s.height; y++)
		for (unsigned int x = 0; x < s.width; x++) {
			uint8_t *p = s.data + y * s.stride + x * 4;

			p[0] = 20 + x;
			p[1] = 30 + y * 2;
			p[2] = 200 - x;
		}
	image_move(&s, true);
	whole(&b, &s, &m);
	check(blit(&s, &m, &b, &job) == RGA_INT_COMMAND_FINISHED);
	check(blit(&m, &d, &b, &job) == RGA_INT_COMMAND_FINISHED);
	image_move(&d, false);
	for (unsigned int y = 0; y < s.height; y++)
		for (unsigned int x = 0; x < s.width; x++) {
			double want[4], got[4];

			image_get(&s, x, y, want);
			image_get(&d, x, y, got);
			for (unsigned int k = 0; k < 3; k++)
				check(fabs(want[k] - got[k]) <= 4);
		}
	free(s.data);
	free(m.data);
	free(d.data);
}

/* Every rotation and mirror, cropped and composed, exact */
static void test_turn(unsigned int format, unsigned int rotate, unsigned int mirror)
{
	struct image s, d;
	struct job job;
	struct blit b = { .rotate = rotate, .mirror = mirror, .sx = 8, .sy = 4, .sw = 72, .sh = 40,
			  .dx = 6, .dy = 10 };

	reset();
	image_init(&s, format, 0, 96, 64);
	image_init(&d, format, 0, 90, 94);
	image_random(&s);
	b.dw = rotate & 1 ? b.sh : b.sw;
	b.dh = rotate & 1 ? b.sw : b.sh;
	check(blit(&s, &d, &b, &job) == RGA_INT_COMMAND_FINISHED);
	image_move(&d, false);
	for (unsigned int y = 0; y < d.height; y++) {
		for (unsigned int x = 0; x < d.width; x++) {
			double want[4] = { 0 }, got[4];
			unsigned int ox = x - b.dx, oy = y - b.dy, ix = 0, iy = 0;

			image_get(&d, x, y, got);
			if (ox >= b.dw || oy >= b.dh) {
				check(got[0] == 0 && got[1] == 0 && got[2] == 0);
				continue;
			}
			if (mirror & RGA_MIRROR_X)
				ox = b.dw - 1 - ox;
			if (mirror & RGA_MIRROR_Y)
				oy = b.dh - 1 - oy;
			/* clockwise: the source's left column becomes the top row */
			switch (rotate) {
			case 0: ix = ox; iy = oy; break;
			case 1: ix = oy; iy = b.sh - 1 - ox; break;
			case 2: ix = b.sw - 1 - ox; iy = b.sh - 1 - oy; break;
			case 3: ix = b.sw - 1 - oy; iy = ox; break;
			}
			image_get(&s, b.sx + ix, b.sy + iy, want);
			for (unsigned int k = 0; k < 3; k++)
				check(want[k] == got[k]);
		}
	}
	free(s.data);
	free(d.data);
}

static void test_scale(unsigned int dw, unsigned int dh, double tolerance)
{
	struct image s, d;
	struct blit b = { .csc = 0 };
	struct job job;

	reset();
	image_init(&s, RGA_COLOR_FMT_ABGR8888, RGA_COLOR_RB_SWAP, 160, 120);
	image_init(&d, RGA_COLOR_FMT_ABGR8888, RGA_COLOR_RB_SWAP, dw, dh);
	for (unsigned int y = 0; y < s.height; y++)
		for (unsigned int x = 0; x < s.width; x++) {
			uint8_t *p = s.data + y * s.stride + x * 4;

			p[0] = x * 255 / 159;
			p[1] = y * 255 / 119;
			p[2] = 77;
			p[3] = 255;
		}
	image_move(&s, true);
	whole(&b, &s, &d);
	check(blit(&s, &d, &b, &job) == RGA_INT_COMMAND_FINISHED);
	image_move(&d, false);
	for (unsigned int y = 0; y < dh; y++)
		for (unsigned int x = 0; x < dw; x++) {
			const uint8_t *p = d.data + y * d.stride + x * 4;

			check(fabs(p[0] - (x + 0.5) * 255 / dw) <= tolerance);
			check(fabs(p[1] - (y + 0.5) * 255 / dh) <= tolerance);
			check(p[2] == 77 && p[3] == 255);
		}
	free(s.data);
	free(d.data);
}

static void test_rga_faults(void)
{
	struct image s, d;
	struct blit b = { .csc = RGA_CSC_BT601_R0 };
	struct job job;

	reset();
	image_init(&s, RGA_COLOR_FMT_YUV420SP, 0, 128, 96);
	image_init(&d, RGA_COLOR_FMT_ABGR8888, 0, 128, 96);
	image_random(&s);
	whole(&b, &s, &d);
	dram32(d.table)[5] = 0;
	check(blit(&s, &d, &b, &job) == (RGA_INT_MMU | RGA_INT_ERROR));
	check(job.status == JOB_FAULT);
	dram32(d.table)[5] = DRAM_SIZE;
	check(blit(&s, &d, &b, &job) == (RGA_INT_MMU | RGA_INT_ERROR));
	s.format = 13;
	s.bytes = 1;
	check(blit(&s, &d, &b, &job) == RGA_INT_ERROR && job.status == JOB_ERROR);
	free(s.data);
	free(d.data);
}

/* ---- bus, bits, options -------------------------------------------------- */

static void test_bus(void)
{
	struct bus bus;
	uint8_t out[9000], in[9000];
	uint32_t pages[3];

	reset();
	*dram32(4096 + 4 * 3) = 8192 | 1;	/* IOVA 0xc00000 up */
	for (unsigned int i = 0; i < 3; i++) {
		pages[i] = new_page();
		*dram32(8192 + 4 * i) = pages[i] | 7;
	}
	for (unsigned int i = 0; i < sizeof(in); i++)
		in[i] = rnd();
	bus_init(&bus, &soc.dram, BUS_RK_IOMMU, 4096);
	check(bus_write(&bus, 0xc00064, in, sizeof(in)));
	check(bus_read(&bus, 0xc00064, out, sizeof(out)) && !memcmp(in, out, sizeof(in)));
	check(!memcmp(soc.dram.base + pages[1], in + 4096 - 0x64, 4096));
	check(!bus.fault.hit);
	/* read-only page */
	*dram32(8192 + 4) = pages[1] | 3;
	check(bus_read(&bus, 0xc00064, out, sizeof(out)));
	check(!bus_write(&bus, 0xc00064, in, sizeof(in)));
	check(bus.fault.hit && bus.fault.write && bus.fault.addr == 0xc01000);
	/* behind the table, and a page beyond DRAM */
	bus_init(&bus, &soc.dram, BUS_RK_IOMMU, 4096);
	check(!bus_read(&bus, 0xc02ff0, out, 32) && bus.fault.addr == 0xc03000 && !bus.fault.write);
	*dram32(8192) = DRAM_SIZE | 7;
	check(!bus_probe(&bus, 0xc00000, 1, false));
	bus_init(&bus, &soc.dram, BUS_RK_IOMMU, 0xcafeb000);
	check(!bus_probe(&bus, 0xc00000, 1, false));
	bus_init(&bus, &soc.dram, BUS_FLAT, 0);
	check(bus_probe(&bus, DRAM_SIZE - 4096, 4096, true));
	check(!bus_probe(&bus, DRAM_SIZE - 4096, 4097, true));
	check(!bus_probe(&bus, 0xfffff000, 8192, true));
}

/* What a running job writes is not there before its end, and nowhere else then. */
static void test_journal(void)
{
	struct bus_journal journal = { 0 };
	struct bus bus;
	uint8_t out[9000], in[9000];
	uint32_t pages[3], other;

	reset();
	*dram32(4096 + 4 * 3) = 8192 | 1;
	for (unsigned int i = 0; i < 3; i++) {
		pages[i] = new_page();
		*dram32(8192 + 4 * i) = pages[i] | 7;
	}
	for (unsigned int i = 0; i < sizeof(in); i++)
		in[i] = rnd();
	bus_init(&bus, &soc.dram, BUS_RK_IOMMU, 4096);
	soc.dram.journal = &journal;
	check(bus_write(&bus, 0xc00064, in, sizeof(in)));
	soc.dram.journal = NULL;
	check(bus_read(&bus, 0xc00064, out, sizeof(out)));
	for (unsigned int i = 0; i < sizeof(out); i++)
		check(out[i] == BUS_UNFINISHED);

	/* the second page is another's by now */
	other = new_page();
	memset(soc.dram.base + other, 7, 4096);
	*dram32(8192 + 4) = other | 7;
	check(bus_journal_apply(&journal) == 4096);
	bus_journal_clear(&journal);
	check(soc.dram.base[other] == 7 && soc.dram.base[other + 4095] == 7);
	check(!memcmp(soc.dram.base + pages[0] + 0x64, in, 4096 - 0x64));
	check(soc.dram.base[pages[1]] == BUS_UNFINISHED);
	check(!memcmp(soc.dram.base + pages[2], in + 8192 - 0x64, sizeof(in) - 8192 + 0x64));
}

static void test_bits(void)
{
	uint8_t data[4096] = { 0 }, escaped[8192], back[4096];
	struct bit_writer w;
	struct bit_reader r;
	size_t n;

	bw_init(&w, data, sizeof(data));
	for (uint32_t i = 0; i < 300; i++) {
		bw_ue(&w, i * i * 7);
		bw_se(&w, (int32_t)(i * 31) * (i & 1 ? -1 : 1));
		bw_u(&w, i % 33, 0x5a5a5a5a & (uint32_t)((1ull << i % 33) - 1));
	}
	bw_trailing(&w);
	check(!w.overrun);
	br_init(&r, data, w.pos / 8);
	for (uint32_t i = 0; i < 300; i++) {
		check(br_ue(&r) == i * i * 7);
		check(br_se(&r) == (int32_t)(i * 31) * (i & 1 ? -1 : 1));
		check(br_u(&r, i % 33) == (0x5a5a5a5a & (uint32_t)((1ull << i % 33) - 1)));
	}
	check(!r.overrun);
	br_u(&r, 32);
	check(r.overrun && !br_ue(&r));
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = rnd() % 5;
	data[sizeof(data) - 1] = 1;
	n = nal_escape(escaped, data, sizeof(data));
	for (size_t i = 0; i + 2 < n; i++)
		check(escaped[i] || escaped[i + 1] || escaped[i + 2] > 2);
	check(nal_unescape(back, escaped, n) == sizeof(data) && !memcmp(back, data, sizeof(data)));
	/* copy at every bit offset */
	for (unsigned int shift = 0; shift < 64; shift++) {
		br_init(&r, data, 100);
		br_u(&r, shift / 8);
		bw_init(&w, escaped, 200);
		bw_u(&w, shift % 8, 0);
		bw_copy_rest(&w, &r);
		check(!w.overrun);
		br_init(&r, data, 100);
		br_u(&r, shift / 8);
		bw_init(&w, back, 200);
		bw_u(&w, shift % 8, 0);
		while (r.pos < r.bits)
			bw_u(&w, 1, br_u(&r, 1));
		bw_align(&w, 0);
		check(!memcmp(escaped, back, w.pos / 8));
	}
	check(sign_extend(0x7f, 7) == -1 && sign_extend(0x3f, 7) == 63);
}

static void test_options(void)
{
	struct faults f;

	faults_init(&f);
	check(faults_parse_latency(&f, "rga=6000,rkvdec=0-20000"));
	check(faults_latency_ns(&f, VRK_RGA, 1) == 6000000);
	for (unsigned int i = 0; i < 1000; i++)
		check(faults_latency_ns(&f, VRK_RKVDEC, i) <= 20000000);
	check(!faults_parse_latency(&f, "rga") && !faults_parse_latency(&f, "gpu=1") &&
	      !faults_parse_latency(&f, "rga=5-1") && !faults_parse_latency(&f, "rga=1,"));
	check(faults_parse_fault(&f, "rkvdec:error@3") && faults_parse_fault(&f, "rga:lost@1") &&
	      faults_parse_fault(&f, "rga:latency@2=77"));
	check(!faults_parse_fault(&f, "rga:lost@0") && !faults_parse_fault(&f, "rga:lost@1x"));
	check(faults_latency_ns(&f, VRK_RGA, 2) == 77000);
	check(faults_match(&f, VRK_RKVDEC, 3, FAULT_ERROR) &&
	      !faults_match(&f, VRK_RKVDEC, 4, FAULT_ERROR));
}

/* ---- random registers ---------------------------------------------------- */

/* All of DRAM holds a pattern; only the mapped page may change. */
static void fuzz(uint32_t unit, unsigned int rounds)
{
	uint32_t mapped;

	reset();
	for (uint32_t i = 65536; i < DRAM_SIZE; i += 4)
		*dram32(i) = 0xfffffff8;	/* neither a valid PTE nor a page */
	mapped = new_page();
	for (unsigned int n = 0; n < rounds; n++) {
		volatile uint32_t *r = soc.regs[unit];
		struct job job = { .number = n + 1, .inject_error = !(n & 7) };

		for (unsigned int i = 0; i < 128; i++)
			r[i] = rnd() & (rnd() & 1 ? 0xffffffff : 0xfff0);
		if (unit == VRK_RGA) {
			r[RGA_CMD_BASE / 4] = 8192;
			for (unsigned int i = 0; i < RGA_CMDBUF_SIZE / 4; i++)
				*dram32(8192 + 4 * i) = rnd() & (rnd() & 1 ? 0xff0fff : 0x3ff03ff);
			*dram32(8192) = 0;
			*dram32(8192 + RGA_ALPHA_CTRL0 - RGA_MODE_BASE_REG) = 0;
			*dram32(8192 + RGA_MMU_CTRL1 - RGA_MODE_BASE_REG) = 0x777;
			*dram32(8192 + RGA_MMU_SRC_BASE - RGA_MODE_BASE_REG) = 12288 >> 4;
			*dram32(8192 + RGA_MMU_DST_BASE - RGA_MODE_BASE_REG) = 12288 >> 4;
			for (unsigned int i = 0; i < 1024; i++)
				*dram32(12288 + 4 * i) = mapped;
			rga2_run(&soc, &job);
		} else {
			r[RKVDEC_SYSCTRL] = RKVDEC_MODE_H264 << 20;
			r[RKVDEC_STREAM_LEN] = rnd() & 0xfff;
			soc.regs[VRK_RKVDEC_MMU][0] = 4096;
			soc.regs[VRK_RKVDEC_MMU][1] = RK_MMU_STATUS_PAGING_ENABLED;
			for (unsigned int i = 0; i < 1024; i++) {
				*dram32(4096 + 4 * i) = 12288 | 1;
				*dram32(12288 + 4 * i) = mapped | 7;
			}
			for (unsigned int i = 0; i < 1024; i++)
				*dram32(mapped + 4 * i) = rnd() & (i & 1 ? rnd() : ~0u);
			/* a slice, now and then */
			for (unsigned int i = 0; i < 4096; i += 256)
				memcpy(soc.dram.base + mapped + i, "\0\0\1\x65\x88\x84", 6);
			rkvdec_run(&soc, &job);
		}
		check(job.done.irq_mask && job.done.n_regs);
	}
	for (uint32_t i = 65536; i < DRAM_SIZE; i += 4)
		check((i & ~4095u) == mapped || *dram32(i) == 0xfffffff8);
	rkvdec_free(&soc);
}

int main(void)
{
	soc.dram = (struct dram){ .base = malloc(DRAM_SIZE), .size = DRAM_SIZE };
	for (unsigned int i = 0; i < VRK_N_UNITS; i++)
		soc.regs[i] = calloc(1, VRK_REGS_SIZE);
	test_bits();
	test_bus();
	test_journal();
	test_options();
	test_to_rgb(RGA_COLOR_FMT_YUV420SP, 0, RGA_COLOR_FMT_XBGR8888, RGA_COLOR_RB_SWAP,
		    RGA_CSC_BT601_R0, 1);
	test_to_rgb(RGA_COLOR_FMT_YUV420SP, RGA_COLOR_UV_SWAP, RGA_COLOR_FMT_ABGR8888,
		    RGA_COLOR_ALPHA_SWAP, RGA_CSC_BT709_R0, 1);
	test_to_rgb(RGA_COLOR_FMT_YUV420P, 0, RGA_COLOR_FMT_RGB888, 0, RGA_CSC_BT601_R0, 1);
	test_to_rgb(RGA_COLOR_FMT_YUV422SP, 0, RGA_COLOR_FMT_RGB888, RGA_COLOR_RB_SWAP,
		    RGA_CSC_BT709_R0, 1);
	test_to_rgb(RGA_COLOR_FMT_YUV422P, 0, RGA_COLOR_FMT_BGR565, RGA_COLOR_RB_SWAP,
		    RGA_CSC_BT601_R0, 8.3);
	test_to_rgb(RGA_COLOR_FMT_YUV420P, RGA_COLOR_UV_SWAP, RGA_COLOR_FMT_XBGR8888,
		    RGA_COLOR_RB_SWAP, RGA_CSC_BT709_R0, 1);
	for (unsigned int format = RGA_COLOR_FMT_YUV422SP; format <= RGA_COLOR_FMT_YUV420P; format++) {
		test_there_and_back(format, 0, RGA_CSC_BT601_R0);
		test_there_and_back(format, RGA_COLOR_UV_SWAP, RGA_CSC_BT709_R0);
	}
	for (unsigned int rotate = 0; rotate < 4; rotate++) {
		for (unsigned int mirror = 0; mirror < 4; mirror++) {
			test_turn(RGA_COLOR_FMT_ABGR8888, rotate, mirror);
			test_turn(RGA_COLOR_FMT_RGB888, rotate, mirror);
			test_turn(RGA_COLOR_FMT_ABGR1555 - 1, rotate, mirror);
			test_turn(RGA_COLOR_FMT_YUV420SP, rotate, mirror);
			test_turn(RGA_COLOR_FMT_YUV420P, rotate, mirror);
		}
	}
	test_scale(320, 240, 2);
	test_scale(80, 60, 2);
	test_scale(1000, 77, 4);
	test_scale(34, 34, 3);
	test_rga_faults();
	fuzz(VRK_RGA, 400);
	fuzz(VRK_RKVDEC, 400);
	for (unsigned int i = 0; i < VRK_N_UNITS; i++)
		free((void *)soc.regs[i]);
	free(soc.dram.base);
	return 0;
}
