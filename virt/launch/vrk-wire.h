/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the launcher on the host (vrk-run) and the first process in the guest
 * (vrk-init) say to each other: frames over one serial line of User-Mode
 * Linux, so that standard output, standard error, the exit status and the
 * silicon's job log arrive apart from each other and byte for byte.
 *
 * What the guest is to run is not sent but lies in a file, the "spec": a
 * sequence of NUL-terminated strings "KEY=VALUE", in the order of use.
 */
#ifndef VRK_WIRE_H
#define VRK_WIRE_H

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

enum vrk_frame_type {
	/* guest to host */
	VRK_FRAME_STDOUT = 'O',
	VRK_FRAME_STDERR = 'E',
	VRK_FRAME_JOBS = 'J',		/* a piece of the job log */
	VRK_FRAME_LOG = 'L',		/* what the silicon daemon or init has to say */
	VRK_FRAME_STDIN_ACK = 'A',	/* ready for a STDIN or SIGNAL frame */
	VRK_FRAME_EXIT = 'X',		/* one byte: the command's exit status; the last frame */
	/* host to guest */
	VRK_FRAME_STDIN = 'I',		/* empty: end of file */
	VRK_FRAME_SIGNAL = 'S',		/* one byte: the signal for the command */
};

/* The header is the type, then the payload's length, little endian. */
#define VRK_FRAME_HEADER	3
#define VRK_FRAME_MAX		2048

/* The spec's keys */
#define VRK_SPEC_MOUNT_RW	"rw="		/* a host folder, at the same place in the guest */
#define VRK_SPEC_MOUNT_RO	"ro="
#define VRK_SPEC_SILICON	"silicon="	/* the daemon's argv, one string each */
#define VRK_SPEC_CWD		"cwd="
#define VRK_SPEC_ENV		"env="
#define VRK_SPEC_ARG		"arg="		/* the command's argv */

/* All of @len, however often it takes, also where @fd is non-blocking. 0 or -1 with errno. */
static inline int vrk_write_all(int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd full = { .fd = fd, .events = POLLOUT };

			poll(&full, 1, -1);
			continue;
		}
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static inline int vrk_send_frame(int fd, uint8_t type, const void *buf, size_t len)
{
	uint8_t frame[VRK_FRAME_HEADER + VRK_FRAME_MAX];

	frame[0] = type;
	frame[1] = len & 0xff;
	frame[2] = len >> 8;
	for (size_t i = 0; i < len; i++)
		frame[VRK_FRAME_HEADER + i] = ((const uint8_t *)buf)[i];
	return vrk_write_all(fd, frame, VRK_FRAME_HEADER + len);
}

/* Collects bytes until a frame is whole. */
struct vrk_receiver {
	uint8_t buf[4 * (VRK_FRAME_HEADER + VRK_FRAME_MAX)];
	size_t used;
};

/* Reads once; returns what read(2) did. */
static inline ssize_t vrk_receive(struct vrk_receiver *r, int fd)
{
	ssize_t n;

	do {
		n = read(fd, r->buf + r->used, sizeof(r->buf) - r->used);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		r->used += n;
	return n;
}

/* The payload's length, -1 when no frame is whole yet. The payload is at buf + header. */
static inline int vrk_frame_ready(const struct vrk_receiver *r)
{
	size_t len;

	if (r->used < VRK_FRAME_HEADER)
		return -1;
	len = r->buf[1] | r->buf[2] << 8;
	return r->used >= VRK_FRAME_HEADER + len ? (int)len : -1;
}

static inline void vrk_frame_drop(struct vrk_receiver *r, size_t len)
{
	size_t n = VRK_FRAME_HEADER + len;

	for (size_t i = n; i < r->used; i++)
		r->buf[i - n] = r->buf[i];
	r->used -= n;
}

#endif
