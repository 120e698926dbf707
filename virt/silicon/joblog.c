// SPDX-License-Identifier: GPL-2.0
#include "joblog.h"

#include <stdlib.h>
#include <string.h>

bool joblog_open(struct joblog *log, const char *target)
{
	if (*target && strspn(target, "0123456789") == strlen(target))
		log->file = fdopen(atoi(target), "w");
	else
		log->file = fopen(target, "we");
	if (!log->file)
		return false;
	fputs("unit,context,job,start_ns,end_ns,status\n", log->file);
	return !fflush(log->file);
}

void joblog_add(struct joblog *log, uint32_t unit, const struct job *job,
		uint64_t start_ns, uint64_t end_ns)
{
	static const char *const names[VRK_N_UNITS] = {
		[VRK_RGA] = "rga", [VRK_VPU] = "vpu", [VRK_RKVDEC] = "rkvdec",
	};
	static const char *const statuses[] = {
		[JOB_OK] = "ok", [JOB_ERROR] = "error", [JOB_LOST] = "lost",
		[JOB_FAULT] = "fault",
	};

	if (!log->file)
		return;
	fprintf(log->file, "%s,%u,%llu,%llu,%llu,%s\n", names[unit], job->context,
		(unsigned long long)job->number, (unsigned long long)start_ns,
		(unsigned long long)end_ns, statuses[job->status]);
	fflush(log->file);
}
