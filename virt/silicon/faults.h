/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the command line asks the units to do: how long jobs take, and which
 * jobs go wrong.
 */
#ifndef SILICON_FAULTS_H
#define SILICON_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "silicon.h"

enum fault_kind {
	FAULT_ERROR,	/* error interrupt, picture left damaged */
	FAULT_LOST,	/* no interrupt */
	FAULT_LATENCY,	/* this job takes latency_us */
	FAULT_SWAP_REF,	/* --corrupt: two reference addresses swapped */
	FAULT_ZERO_COUNTS,	/* --corrupt: VP9's symbol counts written as zero */
};

struct fault {
	uint32_t unit;		/* enum vrk_unit */
	enum fault_kind kind;
	uint64_t job;		/* number of the unit's job, from 1 */
	uint64_t latency_us;
};

#define FAULTS_MAX	64

struct faults {
	struct fault list[FAULTS_MAX];
	unsigned int count;
	struct {
		uint64_t min_us, max_us;	/* equal: fixed */
	} latency[VRK_N_UNITS];
	uint64_t seed;
};

void faults_init(struct faults *faults);

/*
 * UNIT=US[,...] or UNIT=MIN-MAX (uniform, from a fixed seed): microseconds
 * from the start write to the interrupt.  UNIT: rga, rkvdec, vpu.
 */
bool faults_parse_latency(struct faults *faults, const char *text);
/* UNIT:error@N, UNIT:lost@N, UNIT:latency@N=US */
bool faults_parse_fault(struct faults *faults, const char *text);
/* swap-ref@N, vpu:swap-ref@N, zero-counts@N */
bool faults_parse_corrupt(struct faults *faults, const char *text);

bool faults_match(const struct faults *faults, uint32_t unit, uint64_t job,
		  enum fault_kind kind);
/* Nanoseconds that this job takes; draws a number: call once a job. */
uint64_t faults_latency_ns(struct faults *faults, uint32_t unit, uint64_t job);

#endif
