/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A context of a V4L2 memory-to-memory device: vim2m, whose jobs take as long
 * as they are told, or one of the RK3399's drivers on modelled silicon.
 */
#ifndef KERNEL_M2M_H
#define KERNEL_M2M_H

#include <linux/videodev2.h>

#include "kit.h"

#define M2M_BUFFERS	2

#define MMAP		V4L2_MEMORY_MMAP
#define DMABUF		V4L2_MEMORY_DMABUF

struct m2m {
	int fd;
	bool mplane;
	unsigned int planes, output_planes;	/* of memory, in a buffer */
	uint32_t capture, output;	/* buffer types */
	uint32_t capture_memory, output_memory;
	size_t capture_size, output_size;	/* of plane 0 */
	int media;			/* < 0: jobs without requests */
	/* sets the controls of a job's request */
	void (*controls)(const struct m2m *c, int request);
	size_t payload;			/* bytesused of OUTPUT buffers; 0: all */
};

/* The node whose card is CARD, opened; false when there is none. */
bool m2m_find(struct m2m *c, const char *card);
/* Buffers and STREAMON of both queues, for what the formats are. */
void m2m_start_streaming(struct m2m *c, uint32_t capture_memory, uint32_t output_memory);
/* A context of vim2m whose jobs take MS milliseconds. */
struct m2m m2m_vim2m(unsigned int ms, uint32_t capture_memory, uint32_t output_memory);
void m2m_set_time(const struct m2m *c, unsigned int ms);

int m2m_export(const struct m2m *c, uint32_t type, unsigned int index, unsigned int plane);
void *m2m_map(const struct m2m *c, uint32_t type, unsigned int index);
/* Queues a buffer (of MMAP memory: dmabuf is not used); 0 or an error number. */
int m2m_queue(const struct m2m *c, uint32_t type, unsigned int index, int dmabuf, uint32_t flags);
int m2m_queue_capture(const struct m2m *c, unsigned int index);
int m2m_queue_output(const struct m2m *c, unsigned int index);
/* Both buffers of the index, so that a job can run. */
void m2m_job(const struct m2m *c, unsigned int index);
/* The request of the device's media node. */
int m2m_request(const struct m2m *c);
int m2m_queue_in_request(const struct m2m *c, unsigned int index, int request);
/* The dequeued buffer's index, or a negative error number. */
int m2m_dequeue(const struct m2m *c, uint32_t type, uint32_t *flags);
/* Waits for the job and takes both buffers; true when it was without error. */
bool m2m_finish(const struct m2m *c);
void m2m_stream(const struct m2m *c, uint32_t type, bool on);
void m2m_close(struct m2m *c);

/* Sets a parameter of vim2m; the series has more than the stock driver. */
void knob(const char *name, unsigned int value);

#endif
