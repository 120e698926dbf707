/* SPDX-License-Identifier: GPL-2.0 */
/* Between the VPU2 model's dispatch (vpu2.c) and its codecs. */
#ifndef SILICON_VPU2_H
#define SILICON_VPU2_H

#include "context.h"
#include "silicon.h"
#include "vpu2-regs.h"

/* One job in the making. */
struct vpu2_run {
	const struct silicon *silicon;
	const struct job *job;
	uint32_t regs[VPU2_N_REGS];	/* as they were at the start write */
	struct bus bus;
	struct hw_context *context;
};

/* Logs why a job fails, with its number and context. */
void vpu2_complain(const struct vpu2_run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* False is an error; a bus fault is in run->bus. */
bool vpu2_vp8_run(struct vpu2_run *run);
bool vpu2_mpeg2_run(struct vpu2_run *run);

#endif
