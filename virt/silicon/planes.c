// SPDX-License-Identifier: GPL-2.0
#include "planes.h"

#include <stdlib.h>
#include <string.h>

#include "avdec.h"

void planes_unpack(const uint8_t *packed, unsigned int depth, unsigned int n, uint16_t *samples)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *at = packed + i * 10 / 8;

		samples[i] = depth == 8 ? packed[i] : (at[0] | at[1] << 8) >> i * 10 % 8 & 0x3ff;
	}
}

void planes_pack(const uint16_t *samples, unsigned int depth, unsigned int n, uint8_t *packed)
{
	memset(packed, 0, planes_line_bytes(n, depth));
	for (unsigned int i = 0; i < n; i++) {
		uint8_t *at = packed + i * 10 / 8;
		unsigned int bits = (samples[i] & 0x3ff) << i * 10 % 8;

		if (depth == 8) {
			packed[i] = samples[i];
			continue;
		}
		at[0] |= bits;
		at[1] |= bits >> 8;
	}
}

/* A line of the packed plane, and its samples. */
struct line {
	uint8_t *packed;
	uint16_t *samples;
};

static struct line line_new(const struct planes *p)
{
	struct line line = {
		malloc(planes_line_bytes(p->width, p->depth)),
		malloc(p->width * sizeof(uint16_t)),
	};

	if (!line.packed || !line.samples)
		abort();
	return line;
}

static void line_free(struct line *line)
{
	free(line->packed);
	free(line->samples);
}

static uint8_t *frame_line(const AVFrame *frame, unsigned int plane, unsigned int y)
{
	return frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];
}

static bool load_luma(const struct planes *p, struct bus *bus, AVFrame *frame, struct line *line)
{
	for (unsigned int i = 0; i < p->height; i++) {
		uint8_t *to = frame_line(frame, 0, i);

		if (!bus_read(bus, p->y + i * p->stride, p->depth == 8 ? to : line->packed,
			      planes_line_bytes(p->width, p->depth)))
			return false;
		if (p->depth != 8)
			planes_unpack(line->packed, p->depth, p->width, (uint16_t *)to);
	}
	return true;
}

bool planes_load(const struct planes *p, struct bus *bus, AVFrame *frame)
{
	struct line line = line_new(p);
	bool ok = load_luma(p, bus, frame, &line);

	for (unsigned int i = 0; ok && i < planes_chroma_lines(p->height, p->chroma); i++) {
		uint8_t *u = frame_line(frame, 1, i), *v = frame_line(frame, 2, i);

		ok = bus_read(bus, p->uv + i * p->stride, line.packed,
			      planes_line_bytes(p->width, p->depth));
		if (ok && p->depth != 8)
			planes_unpack(line.packed, p->depth, p->width, line.samples);
		for (unsigned int x = 0; ok && x < p->width / 2; x++) {
			if (p->depth == 8) {
				u[x] = line.packed[2 * x];
				v[x] = line.packed[2 * x + 1];
			} else {
				((uint16_t *)u)[x] = line.samples[2 * x];
				((uint16_t *)v)[x] = line.samples[2 * x + 1];
			}
		}
	}
	line_free(&line);
	return ok;
}

static bool store_luma(const struct planes *p, struct bus *bus, const AVFrame *frame,
		       struct line *line)
{
	for (unsigned int i = 0; i < p->height; i++) {
		const uint8_t *from = frame_line(frame, 0, i);

		if (p->depth != 8)
			planes_pack((const uint16_t *)from, p->depth, p->width, line->packed);
		if (!bus_write(bus, p->y + i * p->stride, p->depth == 8 ? from : line->packed,
			       planes_line_bytes(p->width, p->depth)))
			return false;
	}
	return true;
}

bool planes_store(const struct planes *p, struct bus *bus, const AVFrame *frame)
{
	struct line line = line_new(p);
	bool ok = store_luma(p, bus, frame, &line);

	for (unsigned int i = 0; ok && i < planes_chroma_lines(p->height, p->chroma); i++) {
		const uint8_t *u = frame_line(frame, 1, i), *v = frame_line(frame, 2, i);

		for (unsigned int x = 0; x < p->width / 2; x++) {
			if (p->depth == 8) {
				line.packed[2 * x] = u[x];
				line.packed[2 * x + 1] = v[x];
			} else {
				line.samples[2 * x] = ((const uint16_t *)u)[x];
				line.samples[2 * x + 1] = ((const uint16_t *)v)[x];
			}
		}
		if (p->depth != 8)
			planes_pack(line.samples, p->depth, p->width, line.packed);
		ok = bus_write(bus, p->uv + i * p->stride, line.packed,
			       planes_line_bytes(p->width, p->depth));
	}
	line_free(&line);
	return ok;
}

bool planes_poison(const struct planes *p, struct bus *bus)
{
	struct line line = line_new(p);
	uint32_t bytes = planes_line_bytes(p->width, p->depth);
	bool ok = true;

	for (unsigned int i = 0; ok && i < p->height; i++) {
		/* It repeats every eight samples, which are whole bytes. */
		for (unsigned int x = 0; x < 8 && x < p->width; x++)
			line.samples[x] = avdec_poison_sample(0, x, i) << (p->depth - 8);
		planes_pack(line.samples, p->depth, p->width < 8 ? p->width : 8, line.packed);
		for (unsigned int n = p->depth; n < bytes; n++)
			line.packed[n] = line.packed[n - p->depth];
		ok = bus_write(bus, p->y + i * p->stride, line.packed, bytes);
	}
	for (unsigned int x = 0; x < p->width; x++)
		line.samples[x] = avdec_poison_sample(1 + (x & 1), x, 0) << (p->depth - 8);
	planes_pack(line.samples, p->depth, p->width, line.packed);
	for (unsigned int i = 0; ok && i < planes_chroma_lines(p->height, p->chroma); i++)
		ok = bus_write(bus, p->uv + i * p->stride, line.packed, bytes);
	line_free(&line);
	return ok;
}

/* ---- 8-bit 4:2:0 --------------------------------------------------------- */

bool avdec_load_nv12(AVFrame *frame, struct bus *bus, uint32_t y, uint32_t uv,
		     uint32_t stride, unsigned int width, unsigned int height)
{
	const struct planes p = { y, uv, stride, width, height, 8, 1 };

	return planes_load(&p, bus, frame);
}

bool avdec_store_nv12(const AVFrame *frame, struct bus *bus, uint32_t y,
		      uint32_t uv, uint32_t stride, unsigned int width,
		      unsigned int height)
{
	const struct planes p = { y, uv, stride, width, height, 8, 1 };

	return planes_store(&p, bus, frame);
}

bool avdec_poison_nv12(struct bus *bus, uint32_t y, uint32_t uv, uint32_t stride,
		       unsigned int width, unsigned int height)
{
	const struct planes p = { y, uv, stride, width, height, 8, 1 };

	return planes_poison(&p, bus);
}
