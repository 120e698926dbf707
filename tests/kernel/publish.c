// SPDX-License-Identifier: GPL-2.0
/* What userspace can do on its own on an unpatched driver, and where that ends. */
#include <poll.h>
#include <unistd.h>

#include "m2m.h"

/* IMPORT_SYNC_FILE reaches the other exports of a buffer only where they share a dma_resv. */
static void imported_fence(void)
{
	struct m2m c = m2m_vim2m(100, MMAP, MMAP);
	int one = m2m_export(&c, c.capture, 0, 0), two = m2m_export(&c, c.capture, 0, 0);
	int timeline = timeline_new();

	import_fence(one, timeline_fence(timeline, 1), true);
	EXPECT(buffer_status(one, false) == PENDING, "the imported fence is not there");
	EXPECT(buffer_status(two, false) == (fences ? PENDING : READY),
	       "the other export has status %d", buffer_status(two, false));
	m2m_job(&c, 0);
	EXPECT(m2m_finish(&c), "the job failed");
	EXPECT(buffer_status(one, false) == PENDING, "the job signalled a fence of userspace's");
	timeline_step(timeline);
	expect_ready("signalled", one);
}

/* A process that dies leaves its fence with an error, not pending. */
static void publisher_dies(void)
{
	struct m2m c = m2m_vim2m(100, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), timeline = timeline_new(), kept;

	import_fence(d, timeline_fence(timeline, 1), true);
	kept = export_fence(d, false);
	expect_status("published", kept, PENDING);
	close(timeline);
	EXPECT(fence_status(kept) == -ENOENT, "timeline closed: status %d", fence_status(kept));
	expect_ready("a new export", d);
}

static void vgem_publishes(void)
{
	struct m2m c = m2m_vim2m(100, MMAP, MMAP);
	int d = m2m_export(&c, c.capture, 0, 0), vgem = NEED(drm_open("vgem")), kept;
	uint32_t handle = drm_import(vgem, d), fence;

	EXPECT(!vgem_attach(vgem, handle, true, &fence), "vgem refuses its fence");
	kept = export_fence(d, false);
	expect_status("vgem writes", kept, PENDING);
	close(vgem);
	EXPECT(fence_status(kept) != PENDING, "vgem closed, but its fence is pending");
}

const struct test publish_tests[] = {
	{ "publish-imported-fence", imported_fence },
	{ "publish-publisher-dies", publisher_dies },
	{ "publish-vgem", vgem_publishes },
	{ }
};
