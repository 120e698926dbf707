// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "context.h"

static void context_clear(struct hw_context *context)
{
	if (context->state)
		context->free_state(context->state);
	*context = (struct hw_context){ 0 };
}

struct hw_context *hw_context_get(struct hw_contexts *contexts, const struct bus *bus,
				  uint32_t table, uint32_t mode, uint64_t job)
{
	uint32_t dte = bus->kind == BUS_RK_IOMMU ? bus->table : 0;
	struct hw_context *c, *oldest = &contexts->slots[0];

	for (unsigned int i = 0; i < MAX_CONTEXTS; i++) {
		c = &contexts->slots[i];
		if (c->used && c->dte == dte && c->table == table && c->mode == mode) {
			c->used = job;
			return c;
		}
		if (c->used < oldest->used)
			oldest = c;
	}
	context_clear(oldest);
	*oldest = (struct hw_context){
		.dte = dte, .table = table, .mode = mode,
		.number = ++contexts->n_numbers, .used = job,
	};
	return oldest;
}

void *hw_context_state(struct hw_context *context, size_t size, void (*free_state)(void *state))
{
	if (!context->state) {
		context->state = calloc(1, size);
		if (!context->state)
			abort();
		context->free_state = free_state;
	}
	return context->state;
}

void hw_contexts_free(struct hw_contexts *contexts)
{
	if (!contexts)
		return;
	for (unsigned int i = 0; i < MAX_CONTEXTS; i++)
		context_clear(&contexts->slots[i]);
	free(contexts);
}
