// SPDX-License-Identifier: GPL-2.0
/* wait_fences: a job is not scheduled before what others do to its buffers is over. */
#include <poll.h>
#include <unistd.h>

#include "m2m.h"

static struct m2m waiting_vim2m(unsigned int ms, uint32_t output_memory)
{
	knob("wait_fences", 1);
	return m2m_vim2m(ms, MMAP, output_memory);
}

static void acquire_and_release(void)
{
	struct m2m c = waiting_vim2m(100, DMABUF);
	int d = m2m_export(&c, c.capture, 0, 0), heap = heap_buffer(c.output_size);
	int timeline = timeline_new();
	volatile uint8_t *out = m2m_map(&c, c.capture, 0);
	uint8_t *in = map_dmabuf(heap, c.output_size), stale;
	double begin;

	memset(in, 0x5a, c.output_size);
	NEED(-m2m_queue(&c, c.output, 0, heap, 0));
	NEED(-m2m_queue_capture(&c, 0));
	EXPECT(m2m_finish(&c), "the job failed");
	stale = out[0];

	import_fence(heap, timeline_fence(timeline, 1), true);
	import_fence(d, timeline_fence(timeline, 2), false);
	NEED(-m2m_queue(&c, c.output, 0, heap, 0));
	NEED(-m2m_queue_capture(&c, 0));
	EXPECT(!poll_fd(c.fd, POLLIN, 400), "it did not wait for the producer");
	EXPECT(buffer_status(d, false) == READY, "a job that waits has a fence of its own");
	memset(in, 0xa5, c.output_size);
	timeline_step(timeline);
	EXPECT(!poll_fd(c.fd, POLLIN, 400), "it did not wait for the reader");
	begin = now_ms();
	timeline_step(timeline);
	EXPECT(m2m_finish(&c), "the job failed");
	expect_took("the job after the last fence", begin, 100);
	EXPECT(out[0] != stale, "it read the stale pixels");
}

static void stop_while_waiting(void)
{
	struct m2m c = waiting_vim2m(100, DMABUF);
	int heap = heap_buffer(c.output_size), timeline = timeline_new();
	double begin;

	import_fence(heap, timeline_fence(timeline, 1), true);
	NEED(-m2m_queue(&c, c.output, 0, heap, 0));
	NEED(-m2m_queue_capture(&c, 0));
	begin = now_ms();
	m2m_stream(&c, c.output, false);
	expect_took("STREAMOFF", begin, 0);
	m2m_stream(&c, c.output, true);
	NEED(-m2m_queue(&c, c.output, 0, heap, 0));
	begin = now_ms();
	m2m_close(&c);
	expect_took("close", begin, 0);
	/* the callback is gone with the context */
	timeline_step(timeline);
	sleep_ms(50);
}

/* Decoder and converter: one's CAPTURE is the other's OUTPUT, both queued at once. */
static void chain(void)
{
	struct m2m first = waiting_vim2m(300, MMAP), second = waiting_vim2m(50, DMABUF);
	int d = m2m_export(&first, first.capture, 0, 0);
	uint8_t *in = m2m_map(&first, first.output, 0);
	volatile uint8_t *between = m2m_map(&first, first.capture, 0);
	volatile uint8_t *out = m2m_map(&second, second.capture, 0);
	double begin = now_ms();

	memset(in, 0x77, first.output_size);
	m2m_job(&first, 0);
	NEED(-m2m_queue(&second, second.output, 0, d, 0));
	NEED(-m2m_queue_capture(&second, 0));
	EXPECT(m2m_finish(&second), "the second job failed");
	expect_took("the chain", begin, 350);
	EXPECT(m2m_finish(&first), "the first job failed");
	EXPECT(between[0] && out[0], "nothing came through");
}

static void vgem_reader(void)
{
	struct m2m c = waiting_vim2m(50, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), vgem = NEED(drm_open("vgem"));
	uint32_t handle = drm_import(vgem, d), fence;
	double begin;

	EXPECT(!vgem_attach(vgem, handle, false, &fence), "vgem refuses its fence");
	m2m_job(&c, 0);
	EXPECT(!poll_fd(c.fd, POLLIN, 500), "it did not wait for vgem");
	begin = now_ms();
	vgem_signal(vgem, fence);
	EXPECT(m2m_finish(&c), "the job failed");
	expect_took("the job after vgem", begin, 50);
	/* a reader that forgets: vgem's fences expire after 10 s */
	EXPECT(!vgem_attach(vgem, handle, false, &fence), "vgem refuses its fence");
	m2m_job(&c, 0);
	EXPECT(poll_fd(c.fd, POLLIN, 15000), "it waits for ever");
	EXPECT(m2m_finish(&c), "the job failed");
}

const struct test consumer_tests[] = {
	{ "consumer-acquire-and-release", acquire_and_release, ON_SERIES },
	{ "consumer-stop-while-waiting", stop_while_waiting, ON_SERIES },
	{ "consumer-chain", chain, ON_SERIES },
	{ "consumer-vgem-reader", vgem_reader, ON_SERIES },
	{ }
};
