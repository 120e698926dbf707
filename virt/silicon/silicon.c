// SPDX-License-Identifier: GPL-2.0
#include "silicon.h"

#include <stdarg.h>
#include <stdio.h>

void job_set_reg(struct job *job, uint32_t unit, uint32_t offset, uint32_t value)
{
	struct vrk_done *done = &job->done;

	if (done->n_regs == ARRAY_SIZE(done->regs)) {
		silicon_log("job %llu: too many result registers",
			    (unsigned long long)job->number);
		return;
	}
	done->regs[done->n_regs++] = (struct vrk_reg){ unit, offset, value };
}

void job_raise(struct job *job, enum vrk_irq irq)
{
	job->done.irq_mask |= BIT(irq);
}

void silicon_log(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "vrk-silicon: %s\n", line);
}
