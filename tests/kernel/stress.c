// SPDX-License-Identifier: GPL-2.0
/* Two contexts, four threads that export and poll, STREAMOFF in between. */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "m2m.h"

#define JOBS	400

static void *watch(void *data)
{
	int d = *(int *)data;

	for (int i = 0; i < 300; i++) {
		int kept = export_fence(d, i & 1);

		EXPECT(poll_fd(kept, POLLIN, 5000), "a fence never signals");
		EXPECT(fence_status(kept) != PENDING, "a fence that poll called done is pending");
		close(kept);
		EXPECT(poll_fd(d, POLLIN, 5000), "the dma-buf is never readable");
	}
	return NULL;
}

static void stress(void)
{
	struct m2m c[2] = { m2m_vim2m(1, MMAP, MMAP), m2m_vim2m(1, MMAP, MMAP) };
	int d[2] = { m2m_export(&c[0], c[0].capture, 0, 0), m2m_export(&c[1], c[1].capture, 1, 0) };
	pthread_t threads[4];

	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		NEED(-pthread_create(&threads[i], NULL, watch, &d[i & 1]));
	for (unsigned int i = 0; i < JOBS; i++) {
		int timeline = -1;

		if (i % 7 == 0) {
			int fence;

			timeline = timeline_new();
			fence = timeline_fence(timeline, 1);
			import_fence(d[i & 1], fence, false);
			close(fence);
		}
		for (unsigned int j = 0; j < 2; j++)
			m2m_job(&c[j], i & 1);
		if (timeline >= 0) {
			timeline_step(timeline);
			close(timeline);
		}
		for (unsigned int j = 0; j < 2; j++)
			EXPECT(m2m_finish(&c[j]), "job %u of context %u failed", i, j);
		if (i % 100 == 50) {
			m2m_stream(&c[0], c[0].capture, false);
			m2m_stream(&c[0], c[0].capture, true);
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

/* Jobs cut off at every moment of their life: nothing may stay pending. */
static void stop_at_any_time(void)
{
	for (unsigned int i = 0; i < 60; i++) {
		struct m2m c = m2m_vim2m(1 + i % 3 * 10, MMAP, MMAP);
		int d = m2m_export(&c, c.capture, 0, 0), kept[2];

		m2m_job(&c, 0);
		kept[0] = export_fence(d, false);
		m2m_job(&c, 1);
		sleep_ms(i % 5 * 5);
		kept[1] = export_fence(d, true);
		if (i & 1)
			m2m_stream(&c, i & 2 ? c.capture : c.output, false);
		m2m_close(&c);
		for (unsigned int j = 0; j < 2; j++) {
			EXPECT(poll_fd(kept[j], POLLIN, 2000), "round %u: a fence never signals", i);
			close(kept[j]);
		}
		close(d);
	}
}

const struct test stress_tests[] = {
	{ "stress-two-contexts-four-watchers", stress },
	{ "stress-stop-at-any-time", stop_at_any_time },
	{ }
};
