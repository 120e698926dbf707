/* SPDX-License-Identifier: GPL-2.0 */
/* The RK3399's units on modelled silicon, and a 64x64 frame for each. */
#ifndef KERNEL_UNITS_H
#define KERNEL_UNITS_H

#include "m2m.h"

struct unit {
	const char *name, *card;
	uint32_t fourcc;		/* of OUTPUT */
	/* writes the coded frame, or pixels, and returns the number of bytes */
	size_t (*fill)(uint8_t *data, size_t size);
	void (*controls)(const struct m2m *c, int request);
	uint8_t result;			/* every byte of the frame */
	unsigned int abort_ms;		/* the series ends a stopped job after this; 0: never */
};

enum { UNIT_RKVDEC, UNIT_VPU, UNIT_RGA };

#define UNIT_SIZE	64	/* of all pictures, both ways; they are NV12 */
#define UNIT_FRAME_BYTES	(UNIT_SIZE * UNIT_SIZE * 3 / 2)

extern const struct unit units[];

/* How long a job takes, as the caller of the tests says. */
unsigned int unit_job_ms(void);

/* A context that streams, with a frame in each OUTPUT buffer. */
struct m2m unit_open(const struct unit *u, uint32_t capture_memory);

/* A context whose CAPTURE buffers are exported; a mapping of the exports keeps no device open. */
struct unit_context {
	const struct unit *u;
	struct m2m c;
	int d[M2M_BUFFERS];
	uint8_t *frame[M2M_BUFFERS];
};

#define UNIT_UNTOUCHED	0x11	/* every byte of its frames, before */

struct unit_context unit_open_exported(const struct unit *u);

void unit_set_format(const struct m2m *c, uint32_t type, uint32_t fourcc);
/* A lost job was given up by the driver's watchdog, after two seconds, that many since it began. */
void unit_expect_watchdog(const char *what, double took_ms);
void unit_check_frame(const struct unit *u, const uint8_t *frame);

#endif
