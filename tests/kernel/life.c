// SPDX-License-Identifier: GPL-2.0
/* A buffer's fence from before its job to after close(), over all of its exports. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/media.h>

#include "m2m.h"

static void before_queue(void)
{
	struct m2m c = m2m_vim2m(600, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0);

	expect_ready("never queued", d);
}

static void without_output(void)
{
	struct m2m c = m2m_vim2m(100, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;
	double begin;

	NEED(-m2m_queue_capture(&c, 0));
	expect_ready("CAPTURE queued alone", d);
	kept = export_fence(d, false);
	/* a fence here would wait for userspace: the finite-time rule forbids it */
	EXPECT(poll_fd(kept, POLLIN, 3000), "a fence waits for a job that may never come");
	expect_ready("still alone after 3 s", d);
	begin = now_ms();
	m2m_stream(&c, c.capture, false);
	expect_took("STREAMOFF of a starved queue", begin, 0);
	expect_status("after STREAMOFF", kept, READY);
}

/*
 * What a series cannot close: an export of a buffer that waits for the hardware
 * says ready, on both kernels, and nothing is in the buffer.
 */
static void hole_behind_another_context(void)
{
	struct m2m busy = m2m_vim2m(700, MMAP, MMAP), c = m2m_vim2m(300, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;
	volatile uint8_t *in = m2m_map(&c, c.output, 0), *out = m2m_map(&c, c.capture, 0);

	memset((void *)in, 0x77, c.output_size);
	memset((void *)out, 0x11, c.capture_size);
	m2m_job(&busy, 0);
	m2m_job(&c, 0);
	kept = export_fence(d, false);
	expect_status("queued behind another context", kept, READY);
	EXPECT(poll_fd(kept, POLLIN, 0), "the export is not readable");
	EXPECT(out[0] == 0x11, "the job has already run");
	EXPECT(m2m_finish(&busy), "the other context's job failed");
	sleep_ms(50);
	expect_running("its turn has come", d);
	EXPECT(m2m_finish(&c), "the job failed");
	EXPECT(out[0] != 0x11, "the job wrote nothing");
	expect_ready("done", d);
}

static void running(void)
{
	struct m2m c = m2m_vim2m(600, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), read_fence, write_fence;
	double begin = now_ms();

	m2m_job(&c, 0);
	expect_running("job running", d);
	read_fence = export_fence(d, false);
	write_fence = export_fence(d, true);
	expect_status("for writing", write_fence, fence_status(read_fence));
	EXPECT(poll_fd(read_fence, POLLIN, 3000), "the fence never signals");
	expect_took("poll of the sync_file", begin, fences ? 600 : 0);
	if (fences)
		EXPECT(poll_fd(c.fd, POLLIN, 20), "the fence signalled before the buffer was done");
	EXPECT(m2m_finish(&c), "the job failed");
	expect_status("kept, done", read_fence, READY);
	if (fences)
		EXPECT(now_ms() - fence_time_ns(read_fence) / 1e6 < 100, "its time is not when the job ended");
	expect_ready("new export after DQBUF", d);
}

static void done_before_dequeue(void)
{
	struct m2m c = m2m_vim2m(100, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0);

	m2m_job(&c, 0);
	EXPECT(poll_fd(c.fd, POLLIN, 2000), "the job does not end");
	expect_ready("done, not dequeued", d);
}

static void second_export(void)
{
	struct m2m c = m2m_vim2m(300, MMAP, MMAP);
	int one = m2m_export(&c, c.capture, 0, 0), two = m2m_export(&c, c.capture, 0, 0);
	int other = m2m_export(&c, c.capture, 1, 0), a, b;

	m2m_job(&c, 0);
	expect_running("first export", one);
	expect_running("second export", two);
	expect_ready("another buffer", other);
	a = export_fence(one, false);
	b = export_fence(two, false);
	EXPECT(fence_count(merge_fences(a, b)) == 1, "the two exports have different fences");
	EXPECT(poll_fd(b, POLLIN, 1000), "the second export's fence never signals");
	EXPECT(m2m_finish(&c), "the job failed");
}

static void exported_during_job(void)
{
	struct m2m c = m2m_vim2m(400, MMAP, MMAP);
	double begin = now_ms();
	int d;

	m2m_job(&c, 0);
	d = m2m_export(&c, c.capture, 0, 0);
	expect_running("exported while the job runs", d);
	close(d);
	d = m2m_export(&c, c.capture, 0, 0);
	expect_running("closed and exported again", d);
	EXPECT(poll_fd(d, POLLIN, 3000), "poll of the dma-buf never ends");
	expect_took("poll of the dma-buf", begin, fences ? 400 : 0);
	EXPECT(m2m_finish(&c), "the job failed");
}

static void dmabuf_closed_during_job(void)
{
	struct m2m c = m2m_vim2m(200, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;

	m2m_job(&c, 0);
	kept = export_fence(d, false);
	close(d);
	expect_status("dma-buf closed, job running", kept, fences ? PENDING : READY);
	EXPECT(m2m_finish(&c), "the job failed");
	expect_status("job done", kept, READY);
}

static void sync_file_outlives_device(void)
{
	struct m2m c = m2m_vim2m(200, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), kept;
	uint64_t time;

	m2m_job(&c, 0);
	kept = export_fence(d, false);
	EXPECT(m2m_finish(&c), "the job failed");
	time = fence_time_ns(kept);
	m2m_close(&c);
	close(d);
	expect_status("device closed", kept, READY);
	EXPECT(fence_time_ns(kept) == time, "its time has changed");
	EXPECT(*fence_driver(kept), "its driver has no name");
}

static void imported_capture(void)
{
	struct m2m c = m2m_vim2m(300, DMABUF, MMAP);
	int heap = heap_buffer(c.capture_size + c.output_size), kept;

	NEED(-m2m_queue(&c, c.capture, 0, heap, 0));
	expect_ready("imported, no job", heap);
	NEED(-m2m_queue_output(&c, 0));
	expect_running("imported, job running", heap);
	kept = export_fence(heap, false);
	EXPECT(m2m_finish(&c), "the job failed");
	expect_status("done", kept, READY);
	m2m_close(&c);
	expect_ready("device closed", heap);
}

static void two_contexts(void)
{
	struct m2m a = m2m_vim2m(200, MMAP, MMAP), b = m2m_vim2m(300, MMAP, MMAP);
	int da = m2m_export(&a, a.capture, 0, 0), db = m2m_export(&b, b.capture, 1, 0), fa, fb;

	m2m_job(&a, 0);
	m2m_job(&b, 1);
	expect_running("the first one's", da);
	fa = export_fence(da, false);
	EXPECT(m2m_finish(&a), "the first job failed");
	sleep_ms(30);
	expect_status("the first one's, done", fa, READY);
	expect_running("the second one's", db);
	fb = export_fence(db, false);
	expect_ready("the first one's buffer", da);
	EXPECT(m2m_finish(&b), "the second job failed");
	expect_status("the second one's, done", fb, READY);
}

static void request(void)
{
	struct m2m c = m2m_vim2m(100, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0);

	for (int i = 0; i < 3; i++) {
		int r = m2m_request(&c), kept;

		NEED(-m2m_queue_capture(&c, 0));
		NEED(-m2m_queue_in_request(&c, 0, r));
		expect_ready("buffers queued, request not", d);
		NEED(ioctl(r, MEDIA_REQUEST_IOC_QUEUE, NULL));
		expect_running("request queued", d);
		kept = export_fence(d, false);
		EXPECT(poll_fd(r, POLLPRI, 1000) & POLLPRI, "the request does not end");
		EXPECT(m2m_finish(&c), "the job failed");
		expect_status("done", kept, READY);
		close(kept);
		close(r);
	}
}

/* An idle device starts a job inside of QBUF: an export right after always sees it. */
static void hundred_jobs(void)
{
	struct m2m c = m2m_vim2m(1, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), seen = 0;

	for (int i = 0; i < 100; i++) {
		int kept;

		m2m_job(&c, 0);
		kept = export_fence(d, false);
		seen += fence_status(kept) == PENDING;
		EXPECT(poll_fd(kept, POLLIN, 1000), "job %d: the fence never signals", i);
		EXPECT(m2m_finish(&c), "job %d failed", i);
		expect_status("done", kept, READY);
		close(kept);
	}
	note("%d of 100 exports were pending", seen);
	/* on a busy machine a job of 1 ms may be done before the export */
	EXPECT(fences ? seen >= 90 : !seen, "%d of 100 exports were pending", seen);
}

const struct test life_tests[] = {
	{ "life-before-queue", before_queue },
	{ "life-without-output", without_output },
	{ "life-hole-behind-another-context", hole_behind_another_context },
	{ "life-running", running },
	{ "life-done-before-dequeue", done_before_dequeue },
	{ "life-second-export", second_export },
	{ "life-exported-during-job", exported_during_job },
	{ "life-dmabuf-closed-during-job", dmabuf_closed_during_job },
	{ "life-sync-file-outlives-device", sync_file_outlives_device },
	{ "life-imported-capture", imported_capture },
	{ "life-two-contexts", two_contexts },
	{ "life-request", request },
	{ "life-hundred-jobs", hundred_jobs },
	{ }
};
