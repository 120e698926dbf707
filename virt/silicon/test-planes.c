// SPDX-License-Identifier: GPL-2.0
/* Pictures in memory (planes.c): their packing, their bounds, poison. */
#include <libavutil/pixfmt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avdec.h"
#include "planes.h"

#define check(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);					\
		}							\
	} while (0)

#define WIDTH	32
#define HEIGHT	16
#define STRIDE	64
#define DRAM	65536

static void test_packing(void)
{
	static const uint16_t four[] = { 0x001, 0x3ff, 0x200, 0x155 };
	/* as Documentation/userspace-api/media/v4l/pixfmt-yuv-planar.rst draws NV15 */
	static const uint8_t five[] = { 0x01, 0xfc, 0x0f, 0x60, 0x55 };
	uint8_t packed[5];
	uint16_t samples[4];

	planes_pack(four, 10, 4, packed);
	check(!memcmp(packed, five, sizeof(five)));
	planes_unpack(packed, 10, 4, samples);
	check(!memcmp(samples, four, sizeof(four)));
	check(planes_line_bytes(64, 10) == 80 && planes_line_bytes(64, 8) == 64);
}

static AVFrame *new_frame(unsigned int depth, unsigned int chroma)
{
	AVFrame *frame = av_frame_alloc();

	check(frame);
	frame->format = chroma == 2 ? (depth == 8 ? AV_PIX_FMT_YUV422P : AV_PIX_FMT_YUV422P10) :
			(depth == 8 ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV420P10);
	frame->width = WIDTH;
	frame->height = HEIGHT;
	check(!av_frame_get_buffer(frame, 0));
	return frame;
}

static unsigned int get(const AVFrame *frame, unsigned int plane, unsigned int x, unsigned int y,
			unsigned int depth)
{
	const uint8_t *row = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];

	return depth == 8 ? row[x] : ((const uint16_t *)row)[x];
}

/* To memory and back, next to nothing else; short of memory it is a fault. */
static void test_round_trip(unsigned int depth, unsigned int chroma)
{
	struct dram dram = { malloc(DRAM), DRAM };
	struct planes p = { 4096, 8192, STRIDE, WIDTH, HEIGHT, depth, chroma };
	AVFrame *a = new_frame(depth, chroma), *b = new_frame(depth, chroma);
	uint32_t end = 8192 + planes_chroma_lines(HEIGHT, chroma) * STRIDE;
	struct bus bus;

	memset(dram.base, 0xa5, DRAM);
	bus_init(&bus, &dram, BUS_FLAT, 0);
	avdec_poison(a);
	check(planes_store(&p, &bus, a));
	check(planes_load(&p, &bus, b));
	for (unsigned int plane = 0; plane < (chroma ? 3 : 1); plane++)
		for (unsigned int y = 0; y < (plane ? planes_chroma_lines(HEIGHT, chroma) : HEIGHT); y++)
			for (unsigned int x = 0; x < WIDTH >> !!plane; x++)
				check(get(a, plane, x, y, depth) == get(b, plane, x, y, depth));
	for (uint32_t i = 0; i < DRAM; i++) {
		bool line = i % STRIDE < planes_line_bytes(WIDTH, depth);
		bool luma = i >= 4096 && i < 4096 + HEIGHT * STRIDE;

		if (!line || !(luma || (i >= 8192 && i < end)))
			check(dram.base[i] == 0xa5);
	}
	/* Poison is the same in memory as in a frame. */
	memset(dram.base, 0, DRAM);
	check(planes_poison(&p, &bus) && planes_load(&p, &bus, b));
	check(get(b, 0, 9, 5, depth) == (unsigned int)avdec_poison_sample(0, 9, 5) << (depth - 8));
	check(get(b, 0, 9, 5, depth) == get(a, 0, 9, 5, depth));

	p.y = DRAM - HEIGHT * STRIDE + STRIDE;
	check(!planes_store(&p, &bus, a) && bus.fault.hit && bus.fault.write);
	bus_init(&bus, &dram, BUS_FLAT, 0);
	check(!planes_load(&p, &bus, b) && bus.fault.hit && !bus.fault.write);
	av_frame_free(&a);
	av_frame_free(&b);
	free(dram.base);
}

int main(void)
{
	test_packing();
	for (unsigned int chroma = 0; chroma < 3; chroma++) {
		test_round_trip(8, chroma);
		test_round_trip(10, chroma);
	}
	return 0;
}
