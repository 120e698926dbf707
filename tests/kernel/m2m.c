// SPDX-License-Identifier: GPL-2.0
/* See m2m.h. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/media.h>

#include "m2m.h"

#define CID_TRANS_TIME_MSEC	(V4L2_CID_USER_BASE + 0x1000)	/* vim2m.c */

static int open_media(int video)
{
	char path[280];
	struct dirent *entry;
	int media = -1;
	DIR *folder;

	snprintf(path, sizeof(path), "/sys/class/video4linux/video%d/device", video);
	folder = opendir(path);
	while (folder && media < 0 && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, "media", 5))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		media = open(path, O_RDWR | O_CLOEXEC);
	}
	if (folder)
		closedir(folder);
	return media;
}

bool m2m_find(struct m2m *c, const char *card)
{
	struct v4l2_capability caps;
	char path[32];

	*c = (struct m2m){ .media = -1, .planes = 1, .output_planes = 1 };
	for (int i = 0; i < 32; i++) {
		snprintf(path, sizeof(path), "/dev/video%d", i);
		c->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (c->fd < 0)
			continue;
		memset(&caps, 0, sizeof(caps));
		if (!ioctl(c->fd, VIDIOC_QUERYCAP, &caps) && !strcmp((char *)caps.card, card)) {
			c->mplane = caps.device_caps & V4L2_CAP_VIDEO_M2M_MPLANE;
			c->capture = c->mplane ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
						 V4L2_BUF_TYPE_VIDEO_CAPTURE;
			c->output = c->mplane ? V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE :
						V4L2_BUF_TYPE_VIDEO_OUTPUT;
			c->media = open_media(i);
			return true;
		}
		close(c->fd);
	}
	return false;
}

/* A buffer that v4l2 can fill in or take; planes has VIDEO_MAX_PLANES. */
static struct v4l2_buffer buffer(const struct m2m *c, uint32_t type, unsigned int index,
				 struct v4l2_plane *planes)
{
	struct v4l2_buffer b = {
		.type = type, .index = index,
		.memory = type == c->capture ? c->capture_memory : c->output_memory,
	};

	memset(planes, 0, VIDEO_MAX_PLANES * sizeof(*planes));
	if (c->mplane) {
		b.m.planes = planes;
		b.length = VIDEO_MAX_PLANES;
	}
	return b;
}

static size_t query(const struct m2m *c, uint32_t type, unsigned int index, off_t *offset,
		    unsigned int *n_planes)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
	struct v4l2_buffer b = buffer(c, type, index, planes);

	NEED(ioctl(c->fd, VIDIOC_QUERYBUF, &b));
	*offset = c->mplane ? planes[0].m.mem_offset : b.m.offset;
	*n_planes = c->mplane ? b.length : 1;
	return c->mplane ? planes[0].length : b.length;
}

static void request_buffers(const struct m2m *c, uint32_t type, uint32_t memory)
{
	struct v4l2_requestbuffers arg = { .count = M2M_BUFFERS, .type = type, .memory = memory };

	NEED(ioctl(c->fd, VIDIOC_REQBUFS, &arg));
	EXPECT(arg.count >= M2M_BUFFERS, "REQBUFS gave %u buffers", arg.count);
}

void m2m_stream(const struct m2m *c, uint32_t type, bool on)
{
	NEED(ioctl(c->fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type));
}

void m2m_start_streaming(struct m2m *c, uint32_t capture_memory, uint32_t output_memory)
{
	off_t offset;

	c->capture_memory = capture_memory;
	c->output_memory = output_memory;
	request_buffers(c, c->output, output_memory);
	request_buffers(c, c->capture, capture_memory);
	c->output_size = query(c, c->output, 0, &offset, &c->output_planes);
	c->capture_size = query(c, c->capture, 0, &offset, &c->planes);
	m2m_stream(c, c->output, true);
	m2m_stream(c, c->capture, true);
}

void m2m_set_time(const struct m2m *c, unsigned int ms)
{
	struct v4l2_control arg = { .id = CID_TRANS_TIME_MSEC, .value = ms };

	NEED(ioctl(c->fd, VIDIOC_S_CTRL, &arg));
}

struct m2m m2m_vim2m(unsigned int ms, uint32_t capture_memory, uint32_t output_memory)
{
	struct m2m c;

	EXPECT(m2m_find(&c, "vim2m"), "there is no vim2m");
	m2m_set_time(&c, ms);
	m2m_start_streaming(&c, capture_memory, output_memory);
	return c;
}

int m2m_export(const struct m2m *c, uint32_t type, unsigned int index, unsigned int plane)
{
	struct v4l2_exportbuffer arg = {
		.type = type, .index = index, .plane = plane, .flags = O_RDWR | O_CLOEXEC,
	};

	NEED(ioctl(c->fd, VIDIOC_EXPBUF, &arg));
	return arg.fd;
}

void *m2m_map(const struct m2m *c, uint32_t type, unsigned int index)
{
	unsigned int n_planes;
	off_t offset;
	size_t size = query(c, type, index, &offset, &n_planes);
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, offset);

	EXPECT(map != MAP_FAILED, "mmap: %s", strerror(errno));
	return map;
}

static int queue(const struct m2m *c, uint32_t type, unsigned int index, int dmabuf,
		 uint32_t flags, int request)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
	struct v4l2_buffer b = buffer(c, type, index, planes);

	b.flags = flags;
	b.field = V4L2_FIELD_NONE;
	b.timestamp.tv_sec = 7;		/* the slices of one frame have the same */
	if (request >= 0) {
		b.flags |= V4L2_BUF_FLAG_REQUEST_FD;
		b.request_fd = request;
	}
	if (c->mplane) {
		b.length = type == c->capture ? c->planes : c->output_planes;
		planes[0].bytesused = type == c->output ? c->payload : 0;
		if (b.memory == V4L2_MEMORY_DMABUF)
			planes[0].m.fd = dmabuf;
	} else if (b.memory == V4L2_MEMORY_DMABUF) {
		b.m.fd = dmabuf;
	}
	return ioctl(c->fd, VIDIOC_QBUF, &b) ? errno : 0;
}

int m2m_queue(const struct m2m *c, uint32_t type, unsigned int index, int dmabuf, uint32_t flags)
{
	return queue(c, type, index, dmabuf, flags, -1);
}

int m2m_queue_capture(const struct m2m *c, unsigned int index)
{
	return queue(c, c->capture, index, -1, 0, -1);
}

int m2m_request(const struct m2m *c)
{
	int request;

	EXPECT(c->media >= 0, "the device has no media node");
	NEED(ioctl(c->media, MEDIA_IOC_REQUEST_ALLOC, &request));
	return request;
}

int m2m_queue_in_request(const struct m2m *c, unsigned int index, int request)
{
	return queue(c, c->output, index, -1, 0, request);
}

int m2m_queue_output(const struct m2m *c, unsigned int index)
{
	int request, error;

	if (!c->controls)
		return queue(c, c->output, index, -1, 0, -1);
	request = m2m_request(c);
	c->controls(c, request);
	error = m2m_queue_in_request(c, index, request);
	if (!error && ioctl(request, MEDIA_REQUEST_IOC_QUEUE, NULL))
		error = errno;
	/* the kernel keeps a queued request */
	close(request);
	return error;
}

void m2m_job(const struct m2m *c, unsigned int index)
{
	int error = m2m_queue_capture(c, index);

	if (!error)
		error = m2m_queue_output(c, index);
	EXPECT(!error, "queueing a job: %s", strerror(error));
}

int m2m_dequeue(const struct m2m *c, uint32_t type, uint32_t *flags)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES];
	struct v4l2_buffer b = buffer(c, type, 0, planes);

	if (ioctl(c->fd, VIDIOC_DQBUF, &b))
		return -errno;
	if (flags)
		*flags = b.flags;
	return b.index;
}

bool m2m_finish(const struct m2m *c)
{
	uint32_t flags = 0;
	int index;

	EXPECT(poll_fd(c->fd, POLLIN, 10000) & POLLIN, "no job ended within 10 s");
	index = m2m_dequeue(c, c->capture, &flags);
	EXPECT(index >= 0, "DQBUF of CAPTURE: %s", strerror(-index));
	index = m2m_dequeue(c, c->output, NULL);
	EXPECT(index >= 0, "DQBUF of OUTPUT: %s", strerror(-index));
	return !(flags & V4L2_BUF_FLAG_ERROR);
}

void m2m_close(struct m2m *c)
{
	close(c->fd);
	if (c->media >= 0)
		close(c->media);
	c->fd = c->media = -1;
}

void knob(const char *name, unsigned int value)
{
	char path[96], text[16];

	snprintf(path, sizeof(path), "/sys/module/vim2m/parameters/%s", name);
	snprintf(text, sizeof(text), "%u", value);
	EXPECT(write_text(path, text), "vim2m's parameter %s: %s", name, strerror(errno));
}
