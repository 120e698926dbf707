// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation of a job fails in turn (/proc/PID/task/TID/fail-nth): QBUF says
 * ENOMEM or the job runs to its end; either way no fence stays, and the next
 * job has one.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "m2m.h"

#define MAX_ALLOCATIONS	200

static int fail_nth_fd(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth", syscall(SYS_gettid));
	return NEED(open(path, O_RDWR | O_CLOEXEC));
}

/* Arms it, or with 0 ends it; the return value is what was left: 0 when it struck. */
static int fail_nth(int fd, int nth)
{
	char text[16] = "";
	int left;

	NEED(pread(fd, text, sizeof(text) - 1, 0));
	left = atoi(text);
	snprintf(text, sizeof(text), "%d", nth);
	NEED(pwrite(fd, text, strlen(text), 0));
	return left;
}

static void each_allocation_fails(void)
{
	struct m2m c = m2m_vim2m(30, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), fd = fail_nth_fd(), nth;
	unsigned int refused = 0, without = 0;

	/* allocations that may sleep fail, too */
	EXPECT(write_text("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"), "failslab: %s",
	       strerror(errno));
	for (nth = 1; nth < MAX_ALLOCATIONS; nth++) {
		int error, left, kept;

		NEED(-m2m_queue_capture(&c, 0));
		fail_nth(fd, nth);
		error = m2m_queue_output(&c, 0);
		left = fail_nth(fd, 0);
		kept = export_fence(d, false);
		if (error) {
			EXPECT(error == ENOMEM, "QBUF: %s", strerror(error));
			refused++;
			expect_status("no job", kept, READY);
			NEED(-m2m_queue_output(&c, 0));
		} else if (fence_status(kept) != PENDING) {
			without++;
		}
		m2m_finish(&c);
		EXPECT(poll_fd(kept, POLLIN, 5000), "allocation %d failed: a fence never signals", nth);
		expect_ready("after the job", d);
		close(kept);
		if (left > 0)
			break;
	}
	note("%d allocations: QBUF refused %u times, %u jobs had no fence", nth - 1, refused, without);
	EXPECT(nth > 1 && nth < MAX_ALLOCATIONS, "%d allocations failed", nth - 1);
	m2m_job(&c, 0);
	expect_running("with all the memory again", d);
	EXPECT(m2m_finish(&c), "the last job failed");
}

const struct test memory_tests[] = {
	{ "memory-each-allocation-fails", each_allocation_fails, ON_DEBUG },
	{ }
};
