/* SPDX-License-Identifier: GPL-2.0 */
/* The log of hardware jobs: CSV, one line a job, flushed each. */
#ifndef SILICON_JOBLOG_H
#define SILICON_JOBLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "silicon.h"

struct joblog {
	FILE *file;	/* NULL: no log wanted */
};

/* target: a decimal file descriptor or a path; writes the header line. */
bool joblog_open(struct joblog *log, const char *target);

/* Times are CLOCK_MONOTONIC; end_ns of a lost job is 0. */
void joblog_add(struct joblog *log, uint32_t unit, const struct job *job,
		uint64_t start_ns, uint64_t end_ns);

#endif
