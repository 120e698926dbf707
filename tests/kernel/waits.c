// SPDX-License-Identifier: GPL-2.0
/* Who waits for a running job, and whom V4L2 does not wait for without being asked. */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/dma-buf.h>

#include "m2m.h"

#define JOB_MS	400

static void poll_waits(int event)
{
	struct m2m c = m2m_vim2m(JOB_MS, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0);
	double begin;

	EXPECT(poll_fd(d, event, 0) == event, "idle, but not ready");
	m2m_job(&c, 0);
	begin = now_ms();
	EXPECT(poll_fd(d, event, 3000) == event, "poll never ends");
	expect_took("poll of the dma-buf", begin, fences ? JOB_MS : 0);
	EXPECT(m2m_finish(&c), "the job failed");
}

static void poll_read(void)
{
	poll_waits(POLLIN);
}

static void poll_write(void)
{
	poll_waits(POLLOUT);
}

static void sync_waits(uint64_t flags)
{
	struct m2m c = m2m_vim2m(JOB_MS, MMAP, MMAP);
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | flags };
	int d = m2m_export(&c, c.capture, 0, 0);
	double begin;

	m2m_job(&c, 0);
	begin = now_ms();
	NEED(ioctl(d, DMA_BUF_IOCTL_SYNC, &sync));
	expect_took("DMA_BUF_IOCTL_SYNC", begin, fences ? JOB_MS : 0);
	sync.flags = DMA_BUF_SYNC_END | flags;
	NEED(ioctl(d, DMA_BUF_IOCTL_SYNC, &sync));
	EXPECT(m2m_finish(&c), "the job failed");
}

static void sync_read(void)
{
	sync_waits(DMA_BUF_SYNC_READ);
}

static void sync_write(void)
{
	sync_waits(DMA_BUF_SYNC_RW);
}

static void *queue_output_later(void *data)
{
	sleep_ms(50);
	m2m_queue_output(data, 0);
	return NULL;
}

/* A wait that began before the job did knows nothing of it. */
static void poll_before_job(void)
{
	struct m2m c = m2m_vim2m(JOB_MS, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0);
	pthread_t thread;
	double begin;

	NEED(-m2m_queue_capture(&c, 0));
	pthread_create(&thread, NULL, queue_output_later, &c);
	begin = now_ms();
	EXPECT(poll_fd(d, POLLIN, 3000), "poll never ends");
	expect_took("poll", begin, 0);
	pthread_join(thread, NULL);
	EXPECT(m2m_finish(&c), "the job failed");
}

/* Without wait_fences, a job overwrites what a consumer is still reading. */
static void reader_is_not_waited_for(void)
{
	struct m2m c = m2m_vim2m(100, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), timeline = timeline_new();
	int reader = timeline_fence(timeline, 1);
	volatile uint8_t *out = m2m_map(&c, c.capture, 0);
	uint8_t *in = m2m_map(&c, c.output, 0), first;

	memset(in, 0x11, c.output_size);
	m2m_job(&c, 0);
	EXPECT(m2m_finish(&c), "the job failed");
	first = out[0];
	import_fence(d, reader, false);
	EXPECT(buffer_status(d, false) == READY, "a reader must wait for a reader");
	EXPECT(buffer_status(d, true) == PENDING, "a writer need not wait for a reader");
	EXPECT(poll_fd(d, POLLIN | POLLOUT, 0) == POLLIN, "poll does not tell readers from writers");
	memset(in, 0x22, c.output_size);
	m2m_job(&c, 0);
	EXPECT(m2m_finish(&c), "the job failed");
	expect_status("the reader", reader, PENDING);
	EXPECT(out[0] != first, "the job did not write");
	timeline_step(timeline);
	expect_ready("the reader is done", d);
}

/* Without wait_fences, a job reads what a producer has not written yet. */
static void producer_is_not_waited_for(void)
{
	struct m2m c = m2m_vim2m(50, MMAP, DMABUF);
	int heap = heap_buffer(c.output_size), timeline = timeline_new();
	int producer = timeline_fence(timeline, 1);
	double begin = now_ms();

	import_fence(heap, producer, true);
	NEED(-m2m_queue(&c, c.output, 0, heap, 0));
	NEED(-m2m_queue_capture(&c, 0));
	EXPECT(m2m_finish(&c), "the job failed");
	expect_took("a job on a buffer that is being written", begin, 50);
	expect_status("the producer", producer, PENDING);
	timeline_step(timeline);
}

/* The same with a driver's fence: vgem plays the GPU that samples the frame. */
static void vgem_reader_is_not_waited_for(void)
{
	struct m2m c = m2m_vim2m(50, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), vgem = NEED(drm_open("vgem")), kept;
	uint32_t handle = drm_import(vgem, d), fence;

	EXPECT(!vgem_attach(vgem, handle, false, &fence), "vgem refuses its fence");
	kept = export_fence(d, true);
	expect_status("vgem reads", kept, PENDING);
	m2m_job(&c, 0);
	EXPECT(m2m_finish(&c), "the job failed");
	expect_status("vgem after the job", kept, PENDING);
	vgem_signal(vgem, fence);
	expect_status("vgem is done", kept, READY);
}

const struct test wait_tests[] = {
	{ "wait-poll-read", poll_read },
	{ "wait-poll-write", poll_write },
	{ "wait-sync-read", sync_read },
	{ "wait-sync-write", sync_write },
	{ "wait-poll-before-job", poll_before_job },
	{ "wait-reader-overwritten", reader_is_not_waited_for },
	{ "wait-stale-pixels-read", producer_is_not_waited_for },
	{ "wait-vgem-reader-overwritten", vgem_reader_is_not_waited_for },
	{ }
};
