// SPDX-License-Identifier: GPL-2.0
/* See units.h. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "frames.h"
#include "units.h"

const struct unit units[] = {
	[UNIT_RKVDEC] = {
		"rkvdec", "rkvdec", V4L2_PIX_FMT_H264_SLICE, h264_frame, h264_controls, FRAME_CODED,
	},
	[UNIT_VPU] = {
		"vpu", "rockchip,rk3399-vpu-dec", V4L2_PIX_FMT_MPEG2_SLICE, mpeg2_frame, mpeg2_controls,
		FRAME_CODED,
	},
	[UNIT_RGA] = { "rga", "rga2", V4L2_PIX_FMT_NV12, raw_frame, NULL, FRAME_RAW, 100 },
};

unsigned int unit_job_ms(void)
{
	const char *text = getenv("KERNEL_LATENCY");

	EXPECT(text, "KERNEL_LATENCY is not set");
	return atoi(text);
}

void unit_set_format(const struct m2m *c, uint32_t type, uint32_t fourcc)
{
	struct v4l2_format f = { .type = type };

	f.fmt.pix_mp.width = f.fmt.pix_mp.height = UNIT_SIZE;
	f.fmt.pix_mp.pixelformat = fourcc;
	f.fmt.pix_mp.num_planes = 1;
	if (type == c->output && fourcc != V4L2_PIX_FMT_NV12)
		f.fmt.pix_mp.plane_fmt[0].sizeimage = 65536;
	NEED(ioctl(c->fd, VIDIOC_S_FMT, &f));
	EXPECT(f.fmt.pix_mp.pixelformat == fourcc, "S_FMT gave another format");
	EXPECT(f.fmt.pix_mp.width == UNIT_SIZE && f.fmt.pix_mp.height == UNIT_SIZE, "S_FMT gave %ux%u",
	       f.fmt.pix_mp.width, f.fmt.pix_mp.height);
}

struct m2m unit_open(const struct unit *u, uint32_t capture_memory)
{
	struct m2m c;

	EXPECT(m2m_find(&c, u->card), "there is no %s", u->card);
	unit_set_format(&c, c.output, u->fourcc);
	c.controls = u->controls;
	if (c.controls)		/* the parameter sets decide on the CAPTURE format */
		c.controls(&c, -1);
	unit_set_format(&c, c.capture, V4L2_PIX_FMT_NV12);
	m2m_start_streaming(&c, capture_memory, MMAP);
	for (unsigned int i = 0; i < M2M_BUFFERS; i++) {
		uint8_t *data = m2m_map(&c, c.output, i);

		c.payload = u->fill(data, c.output_size);
		/* a mapping would keep the device open */
		munmap(data, c.output_size);
	}
	return c;
}

struct unit_context unit_open_exported(const struct unit *u)
{
	struct unit_context x = { .u = u, .c = unit_open(u, MMAP) };

	for (unsigned int i = 0; i < M2M_BUFFERS; i++) {
		x.d[i] = m2m_export(&x.c, x.c.capture, i, 0);
		x.frame[i] = map_dmabuf(x.d[i], x.c.capture_size);
		memset(x.frame[i], UNIT_UNTOUCHED, UNIT_FRAME_BYTES);
	}
	return x;
}

void unit_expect_watchdog(const char *what, double took_ms)
{
	/* so far away, the kernel's timers are 80 ms apart */
	EXPECT(took_ms > 1980 && took_ms < 2120, "%s: it took %.0f ms, and the watchdog 2000",
	       what, took_ms);
}

void unit_check_frame(const struct unit *u, const uint8_t *frame)
{
	for (unsigned int i = 0; i < UNIT_FRAME_BYTES; i++)
		EXPECT(frame[i] == u->result, "byte %u of the frame is %#x, not %#x", i, frame[i], u->result);
}
