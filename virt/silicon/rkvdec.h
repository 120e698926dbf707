/* SPDX-License-Identifier: GPL-2.0 */
/* Between the rkvdec model's dispatch (rkvdec.c) and its codecs. */
#ifndef SILICON_RKVDEC_H
#define SILICON_RKVDEC_H

#include "rkvdec-regs.h"
#include "silicon.h"

/* The hardware has no state; what libavcodec needs is kept per context. */
struct rkvdec_context {
	uint32_t dte, table, mode;	/* key; dte 0: no IOMMU */
	uint32_t number;
	uint64_t used;			/* job, for LRU; 0: free slot */
	void *state;			/* the codec's */
	void (*free_state)(void *state);
};

/* One job in the making. */
struct rkvdec_run {
	const struct silicon *silicon;
	const struct job *job;
	uint32_t regs[RKVDEC_N_REGS];	/* as they were at the start write */
	struct bus bus;
	struct rkvdec_context *context;
};

/* Logs why a job fails, with its number and context. */
void rkvdec_complain(const struct rkvdec_run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Returns the status bits for RKVDEC_INTERRUPT: RKVDEC_RDY_STA or an error's.
 * A bus fault is in run->bus.
 */
uint32_t rkvdec_h264_run(struct rkvdec_run *run);
uint32_t rkvdec_hevc_run(struct rkvdec_run *run);
uint32_t rkvdec_vp9_run(struct rkvdec_run *run);

#endif
