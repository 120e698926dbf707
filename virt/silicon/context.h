/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a model keeps of one driver's context.  The hardware itself keeps
 * nothing: the driver's tables tell contexts apart, and a context may be
 * thrown away at any time.
 */
#ifndef SILICON_CONTEXT_H
#define SILICON_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "bus.h"

#define MAX_CONTEXTS	16

struct hw_context {
	uint32_t dte, table, mode;	/* key; dte 0: no IOMMU */
	uint32_t number;		/* for the log, from 1 */
	uint64_t used;			/* job, for LRU; 0: free slot */
	void *state;			/* the codec's */
	void (*free_state)(void *state);
};

/* Of one unit; all zero: none yet. */
struct hw_contexts {
	struct hw_context slots[MAX_CONTEXTS];
	uint32_t n_numbers;
};

/*
 * The context of job number @job: the one with the same page tables, private
 * table and mode, or a new one in place of the longest unused.
 */
struct hw_context *hw_context_get(struct hw_contexts *contexts, const struct bus *bus,
				  uint32_t table, uint32_t mode, uint64_t job);
/* The codec's state of @size bytes, all zero at first; @free_state ends it with the context. */
void *hw_context_state(struct hw_context *context, size_t size, void (*free_state)(void *state));
/* Frees @contexts and every state; NULL is fine. */
void hw_contexts_free(struct hw_contexts *contexts);

#endif
