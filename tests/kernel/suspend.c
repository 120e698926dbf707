// SPDX-License-Identifier: GPL-2.0
/*
 * The system is suspended while the units have a running and a queued job.  In
 * the sleep a unit has no power: a job that it was working on is gone, and a
 * register that is touched is a line in the kernel's log.  The cases named
 * driver-UNIT-lost-suspend want --fault UNIT:lost@1.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "units.h"

#define ALARM_S		10	/* later than any watchdog */
#define WAKE_ALARM	"/sys/class/rtc/rtc0/wakealarm"

struct busy {
	struct unit_context x;
	int kept;
};

static double asleep_ms(void)
{
	struct timespec boot, awake;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &awake);
	return (boot.tv_sec - awake.tv_sec) * 1e3 + (boot.tv_nsec - awake.tv_nsec) / 1e6;
}

static void suspend_system(void)
{
	double before = asleep_ms();
	char text[16];

	snprintf(text, sizeof(text), "+%u", ALARM_S);
	EXPECT(write_text(WAKE_ALARM, "0") && write_text(WAKE_ALARM, text), "%s: %s",
	       WAKE_ALARM, strerror(errno));
	EXPECT(write_text("/sys/power/state", "mem"), "/sys/power/state: %s", strerror(errno));
	note("asleep for %.0f ms", asleep_ms() - before);
	EXPECT(asleep_ms() - before > 1000, "the system slept for %.0f ms", asleep_ms() - before);
}

static void start(struct busy *b)
{
	m2m_job(&b->x.c, 0);
	m2m_job(&b->x.c, 1);
	expect_running("running", b->x.d[0]);
	expect_ready("queued", b->x.d[1]);
	b->kept = export_fence(b->x.d[0], false);
}

/* The running job has ended before the sleep. */
static void expect_drained(struct busy *b, double begin, double resumed, bool lost)
{
	double ended;

	expect_status(b->x.u->name, b->kept, lost ? -ETIMEDOUT : READY);
	ended = fence_time_ns(b->kept) / 1e6;
	EXPECT(ended <= resumed, "%s: the job ended after the sleep", b->x.u->name);
	if (lost)
		unit_expect_watchdog(b->x.u->name, ended - begin);
	else
		EXPECT(ended - begin > unit_job_ms() - 20. && ended - begin < unit_job_ms() + 30.,
		       "%s: the job ended after %.0f ms", b->x.u->name, ended - begin);
	EXPECT(m2m_finish(&b->x.c) == !lost, "%s: the running job's error flag is wrong", b->x.u->name);
	if (!lost)
		unit_check_frame(b->x.u, b->x.frame[0]);
}

/*
 * The queued job was started by the driver's resume.  Had it been started before
 * the sleep, it would be lost.
 */
static void expect_resumed(struct busy *b, double resumed)
{
	int next;

	expect_running("resumed", b->x.d[1]);
	next = export_fence(b->x.d[1], false);
	EXPECT(m2m_finish(&b->x.c), "%s: the queued job failed", b->x.u->name);
	expect_took("the queued job, since the sleep", resumed, unit_job_ms());
	expect_status("the queued one", next, READY);
	unit_check_frame(b->x.u, b->x.frame[1]);
}

/* Without the series the unit is switched off under the job: the frame is lost. */
static void expect_lost(struct busy *b)
{
	EXPECT(!m2m_finish(&b->x.c), "%s: a job without power was a success", b->x.u->name);
	EXPECT(m2m_finish(&b->x.c), "%s: the queued job failed", b->x.u->name);
	unit_check_frame(b->x.u, b->x.frame[1]);
}

static void suspend(const struct unit *u, bool lost)
{
	struct busy b;
	double begin, resumed;

	b.x = unit_open_exported(u);
	begin = now_ms();
	start(&b);
	suspend_system();
	resumed = now_ms();
	if (!fences) {
		expect_lost(&b);
		return;
	}
	expect_drained(&b, begin, resumed, lost);
	expect_resumed(&b, resumed);
}

/*
 * Devices go to sleep one after the other: while the first waits for its job,
 * the others go on to their next.  That of the first is left for after the sleep.
 */
static void suspend_all(void)
{
	struct busy all[UNIT_RGA + 1];
	unsigned int n_left = 0;
	double begin, resumed;

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		all[i].x = unit_open_exported(&units[i]);
	begin = now_ms();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		start(&all[i]);
	suspend_system();
	resumed = now_ms();
	note("awake for %.0f ms with all units busy", resumed - begin);
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		expect_drained(&all[i], begin, resumed, false);
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		if (buffer_status(all[i].x.d[1], false) == PENDING) {
			n_left++;
			expect_resumed(&all[i], resumed);
			continue;
		}
		EXPECT(m2m_finish(&all[i].x.c), "%s: the queued job failed", all[i].x.u->name);
		unit_check_frame(all[i].x.u, all[i].x.frame[1]);
	}
	EXPECT(n_left, "all queued jobs ran before the sleep");
	EXPECT(resumed - begin < 2 * unit_job_ms() + 30, "falling asleep took %.0f ms",
	       resumed - begin);
}

/* Nothing runs: what the drivers did before is not forgotten. */
static void idle(void)
{
	struct busy all[UNIT_RGA + 1];

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		all[i].x = unit_open_exported(&units[i]);
	suspend_system();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		m2m_job(&all[i].x.c, 0);
		expect_running("after an idle sleep", all[i].x.d[0]);
		EXPECT(m2m_finish(&all[i].x.c), "%s: the job failed", all[i].x.u->name);
		unit_check_frame(all[i].x.u, all[i].x.frame[0]);
	}
}

static void rkvdec(void)
{
	suspend(&units[UNIT_RKVDEC], false);
}

static void vpu(void)
{
	suspend(&units[UNIT_VPU], false);
}

static void rga(void)
{
	suspend(&units[UNIT_RGA], false);
}

static void rkvdec_lost(void)
{
	suspend(&units[UNIT_RKVDEC], true);
}

static void vpu_lost(void)
{
	suspend(&units[UNIT_VPU], true);
}

static void rga_lost(void)
{
	suspend(&units[UNIT_RGA], true);
}

/* On stock, driver-rga-suspend does not end: the driver never gets over a job that is gone. */
const struct test suspend_tests[] = {
	{ "driver-suspend-idle", idle },
	{ "driver-suspend-rkvdec", rkvdec },
	{ "driver-rkvdec-lost-suspend", rkvdec_lost },
	{ "driver-suspend-vpu", vpu },
	{ "driver-vpu-lost-suspend", vpu_lost },
	{ "driver-rga-suspend", rga },
	{ "driver-rga-lost-suspend", rga_lost, ON_SERIES },
	{ "driver-suspend-all", suspend_all, ON_SERIES },
	{ }
};
