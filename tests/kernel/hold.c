// SPDX-License-Identifier: GPL-2.0
/* V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF: a frame of several jobs, which userspace ends. */
#include <poll.h>
#include <unistd.h>

#include "m2m.h"

#define SLICE	V4L2_BUF_FLAG_TIMESTAMP_COPY
#define MORE	(SLICE | V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF)

static void two_slices(void)
{
	struct m2m c;
	int d, kept;

	knob("hold", 1);
	c = m2m_vim2m(200, MMAP, MMAP);
	d = m2m_export(&c, c.capture, 0, 0);
	NEED(-m2m_queue_capture(&c, 0));
	NEED(-m2m_queue(&c, c.output, 0, -1, MORE));
	/* a fence would wait for the second slice, that is: for userspace */
	expect_ready("a slice that holds the buffer", d);
	EXPECT(poll_fd(c.fd, POLLOUT, 2000) & POLLOUT, "the first slice does not end");
	EXPECT(m2m_dequeue(&c, c.output, NULL) == 0, "the first slice is not there");
	EXPECT(m2m_dequeue(&c, c.capture, NULL) == -EAGAIN, "the frame is out after one slice");
	expect_ready("held, no job", d);
	sleep_ms(2000);
	NEED(-m2m_queue(&c, c.output, 1, -1, SLICE));
	expect_running("the last slice", d);
	kept = export_fence(d, false);
	EXPECT(m2m_finish(&c), "the frame has an error");
	expect_status("done", kept, READY);
}

static void held_and_stream_off(void)
{
	struct m2m c;
	int d;

	knob("hold", 1);
	c = m2m_vim2m(100, MMAP, MMAP);
	d = m2m_export(&c, c.capture, 0, 0);
	NEED(-m2m_queue_capture(&c, 0));
	NEED(-m2m_queue(&c, c.output, 0, -1, MORE));
	m2m_stream(&c, c.capture, false);
	expect_ready("held, then STREAMOFF", d);
}

const struct test hold_tests[] = {
	{ "hold-two-slices", two_slices, ON_SERIES },
	{ "hold-stream-off", held_and_stream_off, ON_SERIES },
	{ }
};
