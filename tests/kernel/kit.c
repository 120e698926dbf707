// SPDX-License-Identifier: GPL-2.0
/* See kit.h. */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <drm.h>

#include "kit.h"

#define TICK_MS	10		/* CONFIG_HZ=100 */

bool fences;

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "    ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}

double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

int poll_fd(int fd, int events, int ms)
{
	struct pollfd p = { fd, events, 0 };
	int n;

	do {
		n = poll(&p, 1, ms);
	} while (n < 0 && errno == EINTR);
	NEED(n);
	return n ? p.revents : 0;
}

void expect_took(const char *what, double begin, double ms)
{
	double took = now_ms() - begin;

	EXPECT(took > ms - 2 * TICK_MS && took < ms + 3 * TICK_MS,
	       "%s took %.0f ms instead of %.0f", what, took, ms);
}

bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) >= 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

const char *read_text(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = 0;
	return text;
}

/* ---- fences ------------------------------------------------------------- */

int export_fence(int dmabuf, bool write)
{
	struct dma_buf_export_sync_file arg = {
		.flags = write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ, .fd = -1,
	};

	NEED(ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg));
	return arg.fd;
}

void import_fence(int dmabuf, int sync_file, bool write)
{
	struct dma_buf_import_sync_file arg = {
		.flags = write ? DMA_BUF_SYNC_WRITE : DMA_BUF_SYNC_READ, .fd = sync_file,
	};

	NEED(ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg));
}

static struct sync_file_info file_info(int sync_file, struct sync_fence_info *first)
{
	static struct sync_fence_info all[16];
	struct sync_file_info info = {
		.num_fences = ARRAY_SIZE(all), .sync_fence_info = (uintptr_t)all,
	};

	memset(all, 0, sizeof(all));
	NEED(ioctl(sync_file, SYNC_IOC_FILE_INFO, &info));
	*first = all[0];
	return info;
}

int fence_status(int sync_file)
{
	struct sync_fence_info first;

	return file_info(sync_file, &first).status;
}

unsigned int fence_count(int sync_file)
{
	struct sync_fence_info first;

	return file_info(sync_file, &first).num_fences;
}

uint64_t fence_time_ns(int sync_file)
{
	struct sync_fence_info first;

	file_info(sync_file, &first);
	return first.timestamp_ns;
}

const char *fence_driver(int sync_file)
{
	static struct sync_fence_info first;

	file_info(sync_file, &first);
	return first.driver_name;
}

int merge_fences(int a, int b)
{
	struct sync_merge_data arg = { .name = "merged", .fd2 = b };

	NEED(ioctl(a, SYNC_IOC_MERGE, &arg));
	return arg.fence;
}

int buffer_status(int dmabuf, bool write)
{
	int sync_file = export_fence(dmabuf, write);
	int status = fence_status(sync_file);

	close(sync_file);
	return status;
}

void expect_running(const char *what, int dmabuf)
{
	int status = buffer_status(dmabuf, false);

	if (fences)
		EXPECT(status == PENDING, "%s: an export has status %d, not pending", what, status);
	else
		EXPECT(status == READY, "%s: an export has status %d where no fence is expected",
		       what, status);
}

void expect_status(const char *what, int sync_file, int status)
{
	int got = fence_status(sync_file);

	EXPECT(got == status, "%s: status %d instead of %d", what, got, status);
}

void expect_ready(const char *what, int dmabuf)
{
	int status = buffer_status(dmabuf, true);

	EXPECT(status == READY, "%s: an export has status %d", what, status);
}

/* ---- others' fences and buffers ----------------------------------------- */

/* drivers/dma-buf/sw_sync.c has no header for programs. */
struct sw_sync_create_fence_data {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW('W', 1, uint32_t)

int timeline_new(void)
{
	return NEED(open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC));
}

int timeline_fence(int timeline, unsigned int value)
{
	struct sw_sync_create_fence_data arg = { .value = value, .name = "test" };

	NEED(ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &arg));
	return arg.fence;
}

void timeline_step(int timeline)
{
	uint32_t one = 1;

	NEED(ioctl(timeline, SW_SYNC_IOC_INC, &one));
}

int heap_buffer(size_t size)
{
	struct dma_heap_allocation_data arg = {
		.len = (size + 4095) & ~4095ul, .fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = NEED(open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC));

	NEED(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &arg));
	close(heap);
	return arg.fd;
}

void *map_dmabuf(int dmabuf, size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	EXPECT(map != MAP_FAILED, "mmap: %s", strerror(errno));
	return map;
}

int drm_open(const char *driver)
{
	char path[32], name[64];
	int fd;

	for (int i = 0; i < 16; i++) {
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(name, 0, sizeof(name));
		if (!ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, driver))
			return fd;
		close(fd);
	}
	return -1;
}

uint32_t drm_import(int drm, int dmabuf)
{
	struct drm_prime_handle arg = { .fd = dmabuf };

	NEED(ioctl(drm, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg));
	return arg.handle;
}

/* <drm/vgem_drm.h>, which libdrm lacks in some releases */
struct vgem_fence_attach {
	uint32_t handle, flags, out_fence, pad;
};

struct vgem_fence_signal {
	uint32_t fence, flags;
};

#define VGEM_IOCTL_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_fence_attach)
#define VGEM_IOCTL_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_fence_signal)

int vgem_attach(int vgem, uint32_t handle, bool write, uint32_t *fence)
{
	struct vgem_fence_attach arg = { .handle = handle, .flags = write };

	if (ioctl(vgem, VGEM_IOCTL_ATTACH, &arg))
		return errno;
	*fence = arg.out_fence;
	return 0;
}

void vgem_signal(int vgem, uint32_t fence)
{
	struct vgem_fence_signal arg = { .fence = fence };

	NEED(ioctl(vgem, VGEM_IOCTL_SIGNAL, &arg));
}
