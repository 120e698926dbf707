// SPDX-License-Identifier: GPL-2.0
/* Jobs that fail, never end, or are cancelled. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/dma-buf.h>

#include "m2m.h"

static void failed_job(void)
{
	struct m2m c;
	int d, kept;

	knob("fail_jobs", 1);
	c = m2m_vim2m(200, MMAP, MMAP);
	d = m2m_export(&c, c.capture, 0, 0);
	m2m_job(&c, 0);
	kept = export_fence(d, false);
	expect_status("running", kept, PENDING);
	EXPECT(poll_fd(kept, POLLIN, 3000), "the fence never signals");
	expect_status("failed", kept, -EIO);
	EXPECT(poll_fd(d, POLLIN, 0), "the dma-buf is not readable");
	EXPECT(!m2m_finish(&c), "the buffer has no error flag");
	expect_ready("a new export after the error", d);
	m2m_close(&c);
	expect_status("device closed", kept, -EIO);
}

/* An error ends a wait as success does: SYNC returns 0. */
static void failed_job_and_sync(void)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ };
	double begin;
	struct m2m c;
	int d;

	knob("fail_jobs", 1);
	c = m2m_vim2m(300, MMAP, MMAP);
	d = m2m_export(&c, c.capture, 0, 0);
	m2m_job(&c, 0);
	begin = now_ms();
	NEED(ioctl(d, DMA_BUF_IOCTL_SYNC, &sync));
	expect_took("DMA_BUF_IOCTL_SYNC", begin, 300);
	EXPECT(!m2m_finish(&c), "the buffer has no error flag");
}

/* vim2m stops a job that is cancelled. */
static void expect_cancelled(const char *what, int kept)
{
	expect_status(what, kept, fences ? -ECANCELED : READY);
}

static void stream_off(bool output)
{
	struct m2m c = m2m_vim2m(700, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), waiting = m2m_export(&c, c.capture, 1, 0), kept;
	double begin;

	m2m_job(&c, 0);
	m2m_job(&c, 1);
	expect_running("the running one", d);
	expect_ready("the waiting one", waiting);
	kept = export_fence(d, false);
	begin = now_ms();
	m2m_stream(&c, output ? c.output : c.capture, false);
	EXPECT(now_ms() - begin < 800, "STREAMOFF took %.0f ms", now_ms() - begin);
	expect_cancelled("after STREAMOFF", kept);
	expect_ready("a new export", d);
	expect_ready("of the waiting one", waiting);
}

static void stream_off_capture(void)
{
	stream_off(false);
}

static void stream_off_output(void)
{
	stream_off(true);
}

static void close_during_job(void)
{
	struct m2m c = m2m_vim2m(700, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;
	double begin;

	m2m_job(&c, 0);
	kept = export_fence(d, false);
	begin = now_ms();
	m2m_close(&c);
	EXPECT(now_ms() - begin < 800, "close took %.0f ms", now_ms() - begin);
	expect_cancelled("after close", kept);
	expect_ready("a new export", d);
}

/* The device loses its interrupt: a driver that opts in has a watchdog. */
static void lost_job(void)
{
	struct m2m c;
	double begin;
	int d, kept;

	knob("lose_jobs", 1);
	c = m2m_vim2m(100, MMAP, MMAP);
	d = m2m_export(&c, c.capture, 0, 0);
	begin = now_ms();
	m2m_job(&c, 0);
	knob("lose_jobs", 0);
	kept = export_fence(d, false);
	expect_status("lost", kept, PENDING);
	EXPECT(poll_fd(kept, POLLIN, 15000), "the fence never signals");
	note("the watchdog came after %.0f ms", now_ms() - begin);
	expect_status("given up", kept, -ETIMEDOUT);
	EXPECT(!m2m_finish(&c), "the buffer has no error flag");
	/* and the device goes on */
	m2m_job(&c, 0);
	expect_running("the next job", d);
	EXPECT(m2m_finish(&c), "the next job failed");
}

static void lost_job_and_stream_off(void)
{
	struct m2m c;
	int d, kept;

	knob("lose_jobs", 1);
	c = m2m_vim2m(100, MMAP, MMAP);
	d = m2m_export(&c, c.capture, 0, 0);
	m2m_job(&c, 0);
	knob("lose_jobs", 0);
	kept = export_fence(d, false);
	m2m_stream(&c, c.capture, false);
	expect_cancelled("after STREAMOFF", kept);
}

const struct test error_tests[] = {
	{ "error-failed-job", failed_job, ON_SERIES },
	{ "error-failed-job-and-sync", failed_job_and_sync, ON_SERIES },
	{ "error-stream-off-capture", stream_off_capture },
	{ "error-stream-off-output", stream_off_output },
	{ "error-close-during-job", close_during_job },
	{ }
};

/* Run late: where there is no watchdog, nothing runs after these. */
const struct test lost_tests[] = {
	{ "lost-job", lost_job, ON_SERIES },
	{ "lost-job-and-stream-off", lost_job_and_stream_off, ON_SERIES },
	{ }
};

static void unbind_during_job(void)
{
	struct m2m c = m2m_vim2m(1000, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;
	double begin;

	m2m_job(&c, 0);
	kept = export_fence(d, false);
	expect_status("running", kept, fences ? PENDING : READY);
	begin = now_ms();
	EXPECT(write_text("/sys/bus/platform/drivers/vim2m/unbind", "vim2m.0"), "unbind: %s",
	       strerror(errno));
	EXPECT(poll_fd(kept, POLLIN, 4000), "the fence never signals");
	note("unbinding took %.0f ms, the fence has status %d", now_ms() - begin, fence_status(kept));
	EXPECT(fence_status(kept) != PENDING, "unbound: the fence is pending");
	m2m_close(&c);
	close(d);
	EXPECT(fence_status(kept) != PENDING, "closed: the fence is pending");
	EXPECT(*fence_driver(kept), "its driver has no name");
}

const struct test unbind_tests[] = {
	{ "unbind-during-job", unbind_during_job },
	{ }
};
