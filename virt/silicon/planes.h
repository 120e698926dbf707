/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pictures in the guest's memory: a luma plane, and behind it a plane of Cb and
 * Cr in turns.  Their layouts are learnt from Linux 7.2,
 * Documentation/userspace-api/media/v4l/pixfmt-yuv-planar.rst:
 *  - 8 bits: a byte a sample (NV12, NV16);
 *  - 10 bits: four samples in five bytes, the first in the lowest bits (NV15,
 *    NV20).
 */
#ifndef SILICON_PLANES_H
#define SILICON_PLANES_H

#include <libavutil/frame.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"

struct planes {
	uint32_t y, uv;			/* addresses */
	uint32_t stride;		/* bytes, of both planes */
	unsigned int width, height;	/* luma samples; even, with 10 bits whole fours */
	unsigned int depth;		/* 8 or 10 */
	unsigned int chroma;		/* chroma_format_idc: 0 (no chroma plane), 1, 2 */
};

static inline uint32_t planes_line_bytes(unsigned int width, unsigned int depth)
{
	return (width * depth + 7) / 8;
}

static inline unsigned int planes_chroma_lines(unsigned int height, unsigned int chroma)
{
	return chroma == 1 ? height / 2 : chroma == 2 ? height : 0;
}

/*
 * From memory to libavcodec's frame, back, and poison into memory; false is a
 * bus fault.  Without a chroma plane neither side's chroma is touched.
 */
bool planes_load(const struct planes *p, struct bus *bus, AVFrame *frame);
bool planes_store(const struct planes *p, struct bus *bus, const AVFrame *frame);
bool planes_poison(const struct planes *p, struct bus *bus);

/* A line of n samples; packed has planes_line_bytes(n, depth). */
void planes_unpack(const uint8_t *packed, unsigned int depth, unsigned int n, uint16_t *samples);
void planes_pack(const uint16_t *samples, unsigned int depth, unsigned int n, uint8_t *packed);

#endif
