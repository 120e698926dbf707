/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the units share: the SoC as the daemon sees it, and one job (the work
 * that one start write asks for).  The models know nothing of /dev/vrk3399:
 * they read registers from an array, memory through a bus, and leave result
 * registers and interrupts in the job, so tests can drive them directly.
 */
#ifndef SILICON_H
#define SILICON_H

#include <stdbool.h>
#include <stdint.h>

#include "../kernel/vrk3399/vrk3399-uapi.h"
#include "bus.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1u << (n))

struct hw_contexts;

struct silicon {
	struct dram dram;
	volatile uint32_t *regs[VRK_N_UNITS];
	struct hw_contexts *rkvdec;
	struct hw_contexts *vpu2;
	bool verbose;
};

enum job_status {
	JOB_OK,
	JOB_ERROR,	/* the unit's error interrupt */
	JOB_LOST,	/* no interrupt at all (injected) */
	JOB_FAULT,	/* a page fault, with the unit's error interrupt */
};

struct job {
	uint64_t number;	/* of the unit, from 1 */
	uint32_t context;	/* small number per hardware context */
	enum job_status status;
	bool inject_error;	/* in: end in an error as silicon would */
	bool swap_refs;		/* in: test hook, see rkvdec.c, vpu2.c */
	bool zero_counts;	/* in: test hook, see rkvdec-vp9.c */
	struct vrk_done done;	/* out: registers and interrupts */
};

void job_set_reg(struct job *job, uint32_t unit, uint32_t offset, uint32_t value);
void job_raise(struct job *job, enum vrk_irq irq);

/* One line to stderr; silicon_debug() only with --verbose. */
void silicon_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define silicon_debug(silicon, ...) \
	do { if ((silicon)->verbose) silicon_log(__VA_ARGS__); } while (0)

void rga2_run(struct silicon *silicon, struct job *job);
void rkvdec_run(struct silicon *silicon, struct job *job);
/* Frees every context of the decoder. */
void rkvdec_free(struct silicon *silicon);
void vpu2_run(struct silicon *silicon, struct job *job);
void vpu2_free(struct silicon *silicon);

#endif
