// SPDX-License-Identifier: GPL-2.0
#include "faults.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t unit;
} units[] = {
	{ "rga", VRK_RGA }, { "rkvdec", VRK_RKVDEC }, { "vpu", VRK_VPU },
};

void faults_init(struct faults *faults)
{
	*faults = (struct faults){ .seed = 0x9e3779b97f4a7c15ull };
}

/* Consumes a unit's name and the character after it. */
static bool parse_unit(const char **text, char after, uint32_t *unit)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(units); i++) {
		size_t n = strlen(units[i].name);

		if (!strncmp(*text, units[i].name, n) && (*text)[n] == after) {
			*unit = units[i].unit;
			*text += n + 1;
			return true;
		}
	}
	return false;
}

static bool parse_number(const char **text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return *value <= UINT64_MAX / 1000;
}

bool faults_parse_latency(struct faults *faults, const char *text)
{
	for (;;) {
		uint64_t min, max;
		uint32_t unit;

		if (!parse_unit(&text, '=', &unit) || !parse_number(&text, &min))
			return false;
		max = min;
		if (*text == '-') {
			text++;
			if (!parse_number(&text, &max) || max < min)
				return false;
		}
		faults->latency[unit].min_us = min;
		faults->latency[unit].max_us = max;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

static bool add(struct faults *faults, const struct fault *fault)
{
	if (faults->count == FAULTS_MAX || !fault->job)
		return false;
	faults->list[faults->count++] = *fault;
	return true;
}

bool faults_parse_fault(struct faults *faults, const char *text)
{
	static const struct {
		const char *name;
		enum fault_kind kind;
	} kinds[] = {
		{ "error@", FAULT_ERROR }, { "lost@", FAULT_LOST },
		{ "latency@", FAULT_LATENCY },
	};
	struct fault fault = { 0 };
	unsigned int i;

	if (!parse_unit(&text, ':', &fault.unit))
		return false;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strncmp(text, kinds[i].name, strlen(kinds[i].name)))
			break;
	if (i == ARRAY_SIZE(kinds))
		return false;
	fault.kind = kinds[i].kind;
	text += strlen(kinds[i].name);
	if (!parse_number(&text, &fault.job))
		return false;
	if (fault.kind == FAULT_LATENCY) {
		if (*text++ != '=' || !parse_number(&text, &fault.latency_us))
			return false;
	}
	return !*text && add(faults, &fault);
}

bool faults_parse_corrupt(struct faults *faults, const char *text)
{
	struct fault fault = { .unit = VRK_RKVDEC, .kind = FAULT_SWAP_REF };

	if (!strncmp(text, "vpu:", 4)) {
		fault.unit = VRK_VPU;
		text += 4;
	}
	if (fault.unit == VRK_RKVDEC && !strncmp(text, "zero-counts@", 12)) {
		fault.kind = FAULT_ZERO_COUNTS;
		text += 12;
	} else if (!strncmp(text, "swap-ref@", 9)) {
		text += 9;
	} else {
		return false;
	}
	return parse_number(&text, &fault.job) && !*text && add(faults, &fault);
}

static const struct fault *find(const struct faults *faults, uint32_t unit,
				uint64_t job, enum fault_kind kind)
{
	for (unsigned int i = 0; i < faults->count; i++) {
		const struct fault *f = &faults->list[i];

		if (f->unit == unit && f->job == job && f->kind == kind)
			return f;
	}
	return NULL;
}

bool faults_match(const struct faults *faults, uint32_t unit, uint64_t job,
		  enum fault_kind kind)
{
	return find(faults, unit, job, kind);
}

uint64_t faults_latency_ns(struct faults *faults, uint32_t unit, uint64_t job)
{
	const struct fault *f = find(faults, unit, job, FAULT_LATENCY);
	uint64_t min = faults->latency[unit].min_us;
	uint64_t max = faults->latency[unit].max_us;
	uint64_t us = min;

	if (max > min) {
		/* xorshift64: the same delays in each run */
		faults->seed ^= faults->seed << 13;
		faults->seed ^= faults->seed >> 7;
		faults->seed ^= faults->seed << 17;
		us = min + faults->seed % (max - min + 1);
	}
	return (f ? f->latency_us : us) * 1000;
}
