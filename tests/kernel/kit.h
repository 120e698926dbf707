/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel tests share: cases, time, fences of dma-bufs, and the
 * sources of fences and buffers that are no V4L2 device.
 *
 * A case runs in a process of its own.  What goes wrong ends it, with a text
 * that becomes the reason of its "not ok" line.
 */
#ifndef KERNEL_KIT_H
#define KERNEL_KIT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	ON_ALL = 0,
	ON_SERIES = 1,		/* needs a knob that only the series has */
	ON_DEBUG = 2,		/* needs fault injection */
};

struct test {
	const char *name;
	void (*run)(void);
	int on;
};

/* The kernel has the series: said by the caller, not found out. */
extern bool fences;

extern const struct test life_tests[], wait_tests[], error_tests[], hold_tests[];
extern const struct test consumer_tests[], display_tests[], publish_tests[];
extern const struct test stress_tests[], memory_tests[], driver_tests[], lost_tests[];
extern const struct test planes_tests[], unbind_tests[], stop_tests[], suspend_tests[];

/* Ends the case. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* A line that stays, on standard error. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define EXPECT(condition, ...) do { if (!(condition)) fail(__VA_ARGS__); } while (0)

/* The result of a system call that must not fail. */
#define NEED(call) ({						\
	__typeof__(call) result_ = (call);			\
	if (result_ < 0)					\
		fail("%s: %s", #call, strerror(errno));		\
	result_; })

double now_ms(void);
void sleep_ms(unsigned int ms);

/* What poll(2) reports within MS milliseconds; 0 when nothing. */
int poll_fd(int fd, int events, int ms);

/* The elapsed time since BEGIN is the job's, give or take two ticks. */
void expect_took(const char *what, double begin, double ms);

/* Writes TEXT to PATH; false with errno. */
bool write_text(const char *path, const char *text);
/* The contents of a small file, "" when there is none; static storage. */
const char *read_text(const char *path);

/* ---- fences ------------------------------------------------------------- */

#define PENDING	0
#define READY	1

/* A sync_file of what must be waited for to read (or, with write, to write). */
int export_fence(int dmabuf, bool write);
/* Adds the sync_file's fences to the dma-buf as a reader's or a writer's. */
void import_fence(int dmabuf, int sync_file, bool write);
/* SYNC_IOC_FILE_INFO's status: PENDING, READY or a negative error number. */
int fence_status(int sync_file);
uint64_t fence_time_ns(int sync_file);
unsigned int fence_count(int sync_file);
/* The name of the driver of the first fence; static storage. */
const char *fence_driver(int sync_file);
int merge_fences(int a, int b);
/* Status of a new export. */
int buffer_status(int dmabuf, bool write);
/* A job writes the buffer now: pending with the series, not seen without. */
void expect_running(const char *what, int dmabuf);
void expect_status(const char *what, int sync_file, int status);
void expect_ready(const char *what, int dmabuf);

/* ---- others' fences and buffers ----------------------------------------- */

int timeline_new(void);			/* sw_sync */
int timeline_fence(int timeline, unsigned int value);
void timeline_step(int timeline);
int heap_buffer(size_t size);		/* dma-buf of the system heap */
void *map_dmabuf(int dmabuf, size_t size);
int drm_open(const char *driver);	/* < 0: there is none */
uint32_t drm_import(int drm, int dmabuf);
/* Attaches a vgem fence; 0, or an error number. */
int vgem_attach(int vgem, uint32_t handle, bool write, uint32_t *fence);
void vgem_signal(int vgem, uint32_t fence);

#endif
