/* SPDX-License-Identifier: GPL-2.0 */
/* Between the rkvdec model's dispatch (rkvdec.c) and its codecs. */
#ifndef SILICON_RKVDEC_H
#define SILICON_RKVDEC_H

#include "rkvdec-regs.h"
#include "context.h"
#include "silicon.h"

/* One job in the making. */
struct rkvdec_run {
	const struct silicon *silicon;
	const struct job *job;
	uint32_t regs[RKVDEC_N_REGS];	/* as they were at the start write */
	struct bus bus;
	struct hw_context *context;
};

/* Logs why a job fails, with its number and context. */
void rkvdec_complain(const struct rkvdec_run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The job's bitstream, to be freed; NULL if its length makes no sense, or at a fault. */
uint8_t *rkvdec_read_stream(struct rkvdec_run *run, size_t *size);

/*
 * Returns the status bits for RKVDEC_INTERRUPT: RKVDEC_RDY_STA or an error's.
 * A bus fault is in run->bus.
 */
uint32_t rkvdec_h264_run(struct rkvdec_run *run);
uint32_t rkvdec_hevc_run(struct rkvdec_run *run);
uint32_t rkvdec_vp9_run(struct rkvdec_run *run);

#endif
