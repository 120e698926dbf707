// SPDX-License-Identifier: GPL-2.0
/* Buffers of two memory planes: vim2m, bound again as a multi-planar device. */
#include <poll.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "m2m.h"

static void bind_again(unsigned int multiplanar)
{
	knob("multiplanar", multiplanar);
	EXPECT(write_text("/sys/bus/platform/drivers/vim2m/unbind", "vim2m.0"), "unbind: %s",
	       strerror(errno));
	EXPECT(write_text("/sys/bus/platform/drivers/vim2m/bind", "vim2m.0"), "bind: %s",
	       strerror(errno));
}

/* With MMAP memory, each plane has a dma-buf of its own and the job one fence. */
static void two_planes(void)
{
	struct m2m c;
	int d[2], kept[2];

	knob("planes", 2);
	bind_again(2);
	c = m2m_vim2m(300, MMAP, MMAP);
	EXPECT(c.planes == 2, "%u planes", c.planes);
	for (unsigned int i = 0; i < 2; i++)
		d[i] = m2m_export(&c, c.capture, 0, i);
	m2m_job(&c, 0);
	for (unsigned int i = 0; i < 2; i++) {
		expect_running(i ? "plane 1" : "plane 0", d[i]);
		kept[i] = export_fence(d[i], false);
	}
	EXPECT(fence_count(merge_fences(kept[0], kept[1])) == 1, "the planes have different fences");
	EXPECT(poll_fd(d[1], POLLIN, 1000), "plane 1 is never readable");
	EXPECT(m2m_finish(&c), "the job failed");
	for (unsigned int i = 0; i < 2; i++)
		expect_status("done", kept[i], READY);
}

/* Imported planes: two dma-bufs, then one dma-buf for both. */
static void imported_planes(void)
{
	knob("planes", 2);
	bind_again(2);
	for (unsigned int same = 0; same < 2; same++) {
		struct m2m c = m2m_vim2m(200, DMABUF, MMAP);
		struct v4l2_plane planes[VIDEO_MAX_PLANES] = { 0 };
		struct v4l2_buffer b = {
			.type = c.capture, .memory = DMABUF, .m.planes = planes, .length = 2,
		};
		int heap[2] = { heap_buffer(c.capture_size + c.output_size + 4096), 0 }, kept;

		heap[1] = same ? heap[0] : heap_buffer(c.capture_size + 4096);
		planes[0].m.fd = heap[0];
		planes[1].m.fd = heap[1];
		NEED(ioctl(c.fd, VIDIOC_QBUF, &b));
		NEED(-m2m_queue_output(&c, 0));
		expect_running("plane 0", heap[0]);
		expect_running("plane 1", heap[1]);
		kept = export_fence(heap[1], true);
		EXPECT(fence_count(kept) == 1, "%u fences", fence_count(kept));
		EXPECT(m2m_finish(&c), "the job failed");
		expect_status("done", kept, READY);
		m2m_close(&c);
		expect_ready("device closed", heap[0]);
	}
}

static void back_to_one(void)
{
	struct m2m c;

	if (fences)
		knob("planes", 1);
	bind_again(1);
	c = m2m_vim2m(50, MMAP, MMAP);
	EXPECT(!c.mplane, "vim2m is still multi-planar");
	m2m_job(&c, 0);
	EXPECT(m2m_finish(&c), "the job failed");
}

const struct test planes_tests[] = {
	{ "planes-two", two_planes, ON_SERIES },
	{ "planes-imported", imported_planes, ON_SERIES },
	{ "planes-back-to-one", back_to_one },
	{ }
};
