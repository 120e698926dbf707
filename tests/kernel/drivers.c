// SPDX-License-Identifier: GPL-2.0
/*
 * rkvdec, hantro and rockchip-rga on modelled silicon whose jobs take
 * KERNEL_LATENCY milliseconds.  The faults are injected from outside: a case
 * named driver-UNIT-error (-lost) wants --fault UNIT:error@1 (:lost@1).
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/dma-buf.h>

#include "units.h"

static void job(const struct unit *u)
{
	struct m2m c = unit_open(u, MMAP);
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ };
	int d = m2m_export(&c, c.capture, 0, 0), two = m2m_export(&c, c.capture, 0, 0), kept;
	uint8_t *frame = m2m_map(&c, c.capture, 0);
	unsigned int ms = unit_job_ms();
	double begin;

	expect_ready("before QBUF", d);
	begin = now_ms();
	m2m_job(&c, 0);
	expect_running("job running", d);
	expect_running("second export", two);
	close(two);
	two = m2m_export(&c, c.capture, 0, 0);
	expect_running("exported while the job runs", two);
	kept = export_fence(d, true);
	EXPECT(poll_fd(kept, POLLIN, 5000), "the fence never signals");
	expect_took("poll of the sync_file", begin, fences ? ms : 0);
	EXPECT(m2m_finish(&c), "the job failed");
	unit_check_frame(u, frame);
	expect_status("done", kept, READY);
	expect_ready("after DQBUF", d);

	begin = now_ms();
	m2m_job(&c, 0);
	EXPECT(poll_fd(d, POLLIN, 5000), "poll of the dma-buf never ends");
	expect_took("poll of the dma-buf", begin, fences ? ms : 0);
	EXPECT(m2m_finish(&c), "the job failed");

	begin = now_ms();
	m2m_job(&c, 1);
	expect_ready("the buffer of no job", d);
	two = m2m_export(&c, c.capture, 1, 0);
	NEED(ioctl(two, DMA_BUF_IOCTL_SYNC, &sync));
	expect_took("DMA_BUF_IOCTL_SYNC", begin, fences ? ms : 0);
	EXPECT(m2m_finish(&c), "the job failed");
	m2m_close(&c);
	expect_status("device closed", kept, READY);
}

static void imported(const struct unit *u)
{
	struct m2m c = unit_open(u, DMABUF);
	/* what a video decoder keeps behind the picture needs room, too */
	int heap = heap_buffer(c.capture_size), kept;

	NEED(-m2m_queue(&c, c.capture, 0, heap, 0));
	expect_ready("imported, no job", heap);
	NEED(-m2m_queue_output(&c, 0));
	expect_running("imported, job running", heap);
	kept = export_fence(heap, false);
	EXPECT(m2m_finish(&c), "the job failed");
	expect_status("done", kept, READY);
	unit_check_frame(u, map_dmabuf(heap, c.capture_size));
}

static void two_contexts(const struct unit *u)
{
	struct m2m a = unit_open(u, MMAP), b = unit_open(u, MMAP);
	int da = m2m_export(&a, a.capture, 0, 0), db = m2m_export(&b, b.capture, 0, 0), kept;

	m2m_job(&a, 0);
	m2m_job(&b, 0);
	expect_running("the first one's", da);
	/* the hole: the hardware is busy elsewhere, and the export says ready */
	expect_ready("the second one's, queued", db);
	EXPECT(m2m_finish(&a), "the first job failed");
	sleep_ms(20);
	expect_running("the second one's, running", db);
	kept = export_fence(db, false);
	EXPECT(m2m_finish(&b), "the second job failed");
	expect_status("the second one's, done", kept, READY);
}

/* A consumer still reads the frame: the series has the job wait, stock overwrites. */
static void waits(const struct unit *u)
{
	struct m2m c = unit_open(u, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), timeline = timeline_new();
	int reader = timeline_fence(timeline, 1);
	double begin = now_ms();

	import_fence(d, reader, false);
	m2m_job(&c, 0);
	EXPECT(buffer_status(d, false) == READY, "a job that does not run has a fence");
	if (fences) {
		EXPECT(!poll_fd(c.fd, POLLIN, unit_job_ms() + 200), "the job did not wait for the reader");
		begin = now_ms();
		timeline_step(timeline);
		sleep_ms(20);
		expect_running("the reader is done", d);
	}
	EXPECT(m2m_finish(&c), "the job failed");
	expect_took("the job", begin, unit_job_ms());
	expect_status("the reader", reader, fences ? READY : PENDING);

	/* and when the reader never ends, close does */
	import_fence(d, timeline_fence(timeline, 9), false);
	m2m_job(&c, 0);
	begin = now_ms();
	m2m_close(&c);
	EXPECT(now_ms() - begin < unit_job_ms() + 100, "close took %.0f ms", now_ms() - begin);
	timeline_step(timeline);
}

/* What the plugin does: the decoder's frame goes to the converter while it is decoded. */
static void chain(void)
{
	const struct unit *decoder = &units[UNIT_RKVDEC], *converter = &units[UNIT_RGA];
	struct m2m first = unit_open(decoder, MMAP), second;
	int d = m2m_export(&first, first.capture, 0, 0);
	double begin;

	EXPECT(m2m_find(&second, converter->card), "there is no %s", converter->card);
	unit_set_format(&second, second.output, converter->fourcc);
	unit_set_format(&second, second.capture, V4L2_PIX_FMT_NV12);
	m2m_start_streaming(&second, MMAP, DMABUF);
	begin = now_ms();
	m2m_job(&first, 0);
	NEED(-m2m_queue_capture(&second, 0));
	NEED(-m2m_queue(&second, second.output, 0, d, 0));
	EXPECT(m2m_finish(&second), "the conversion failed");
	expect_took("the chain", begin, 2 * unit_job_ms());
	EXPECT(m2m_finish(&first), "the decoding failed");
	unit_check_frame(decoder, m2m_map(&second, second.capture, 0));
}

static void broken(const struct unit *u, int error)
{
	struct m2m c = unit_open(u, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;
	double begin = now_ms();

	m2m_job(&c, 0);
	expect_running("the bad job", d);
	kept = export_fence(d, false);
	EXPECT(!m2m_finish(&c), "the buffer has no error flag");
	note("%s: over after %.0f ms", u->name, now_ms() - begin);
	expect_status("the bad job's fence", kept, fences ? error : READY);
	expect_ready("a new export", d);
	m2m_job(&c, 0);
	expect_running("the next job", d);
	kept = export_fence(d, false);
	EXPECT(m2m_finish(&c), "the next job failed");
	expect_status("the next job's fence", kept, READY);
}

static void unbound(const struct unit *u, const char *driver, const char *device)
{
	struct m2m c = unit_open(u, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;
	char path[128];
	double begin;

	m2m_job(&c, 0);
	expect_running("job running", d);
	kept = export_fence(d, false);
	begin = now_ms();
	snprintf(path, sizeof(path), "/sys/bus/platform/drivers/%s/unbind", driver);
	EXPECT(write_text(path, device), "%s of %s: %s", path, device, strerror(errno));
	EXPECT(poll_fd(kept, POLLIN, 5000), "the fence never signals");
	note("unbinding took %.0f ms, the fence has status %d", now_ms() - begin, fence_status(kept));
	EXPECT(fence_status(kept) != PENDING, "the fence is pending");
	m2m_close(&c);
	close(d);
	EXPECT(fence_status(kept) != PENDING, "the fence is pending after close");
}

#define CASES(unit, index)								\
	static void unit##_job(void) { job(&units[index]); }				\
	static void unit##_imported(void) { imported(&units[index]); }			\
	static void unit##_two(void) { two_contexts(&units[index]); }			\
	static void unit##_waits(void) { waits(&units[index]); }			\
	static void unit##_error(void) { broken(&units[index], -EIO); }			\
	static void unit##_lost(void) { broken(&units[index], -ETIMEDOUT); }

CASES(rkvdec, UNIT_RKVDEC)
CASES(vpu, UNIT_VPU)
CASES(rga, UNIT_RGA)

static void rkvdec_unbound(void)
{
	unbound(&units[UNIT_RKVDEC], "rkvdec", "ff660000.video-codec");
}

static void vpu_unbound(void)
{
	unbound(&units[UNIT_VPU], "hantro-vpu", "ff650000.video-codec");
}

static void rga_unbound(void)
{
	unbound(&units[UNIT_RGA], "rockchip-rga", "ff680000.rga");
}

/* On the stock driver, a lost job of RGA ends with the machine, and so does unbinding under one. */
const struct test driver_tests[] = {
	{ "driver-rkvdec-job", rkvdec_job },
	{ "driver-rkvdec-imported", rkvdec_imported },
	{ "driver-rkvdec-two-contexts", rkvdec_two },
	{ "driver-rkvdec-reader", rkvdec_waits },
	{ "driver-rkvdec-error", rkvdec_error },
	{ "driver-rkvdec-lost", rkvdec_lost },
	{ "driver-rkvdec-unbound", rkvdec_unbound, ON_SERIES },
	{ "driver-vpu-job", vpu_job },
	{ "driver-vpu-imported", vpu_imported },
	{ "driver-vpu-two-contexts", vpu_two },
	{ "driver-vpu-reader", vpu_waits },
	{ "driver-vpu-error", vpu_error },
	{ "driver-vpu-lost", vpu_lost },
	{ "driver-vpu-unbound", vpu_unbound, ON_SERIES },
	{ "driver-rga-job", rga_job },
	{ "driver-rga-imported", rga_imported },
	{ "driver-rga-two-contexts", rga_two },
	{ "driver-rga-reader", rga_waits },
	{ "driver-chain-rkvdec-rga", chain, ON_SERIES },
	{ "driver-rga-error", rga_error, ON_SERIES },
	{ "driver-rga-lost", rga_lost, ON_SERIES },
	{ "driver-rga-unbound", rga_unbound, ON_SERIES },
	{ }
};
