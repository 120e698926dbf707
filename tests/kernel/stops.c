// SPDX-License-Identifier: GPL-2.0
/*
 * STREAMOFF and close on the RK3399's drivers: what becomes of the job depends
 * on its state and on the driver, and on nothing else.  The cases named
 * driver-UNIT-lost-* want --fault UNIT:lost@1.
 */
#include <unistd.h>

#include "units.h"

enum stop { CAPTURE_OFF, OUTPUT_OFF, CLOSE };

static void stop(struct unit_context *x, enum stop how)
{
	if (how == CLOSE)
		m2m_close(&x->c);
	else
		m2m_stream(&x->c, how == CAPTURE_OFF ? x->c.capture : x->c.output, false);
}

static void expect_untouched(const char *what, const struct unit_context *x, unsigned int index)
{
	for (unsigned int i = 0; i < UNIT_FRAME_BYTES; i++)
		EXPECT(x->frame[index][i] == UNIT_UNTOUCHED, "%s: byte %u is %#x", what, i,
		       x->frame[index][i]);
}

static void expect_next_job(const struct unit *u)
{
	struct unit_context x = unit_open_exported(u);
	int kept;

	m2m_job(&x.c, 0);
	expect_running("the next job", x.d[0]);
	kept = export_fence(x.d[0], false);
	EXPECT(m2m_finish(&x.c), "the next job failed");
	expect_status("the next job's fence", kept, READY);
	unit_check_frame(u, x.frame[0]);
	m2m_close(&x.c);
}

/*
 * One job runs, one is queued behind it.  A driver without job_abort has the
 * running one end by itself: a success.  With job_abort (RGA's on the series)
 * it is ended after ABORT_MS and writes nothing more.  The other has no fence,
 * ever, and is not run.
 */
static void stop_running(const struct unit *u, enum stop how)
{
	struct unit_context x = unit_open_exported(u);
	bool aborted = fences && u->abort_ms;
	double begin = now_ms();
	int kept, waiting;

	m2m_job(&x.c, 0);
	m2m_job(&x.c, 1);
	expect_running("the running one", x.d[0]);
	kept = export_fence(x.d[0], false);
	waiting = export_fence(x.d[1], false);
	expect_status("the waiting one", waiting, READY);
	stop(&x, how);
	expect_took("stopping", begin, aborted ? u->abort_ms : unit_job_ms());
	expect_status("the running one, stopped", kept, aborted ? -ECANCELED : READY);
	expect_ready("a new export of the running one", x.d[0]);
	expect_ready("a new export of the waiting one", x.d[1]);
	if (aborted)		/* the buffer is ours, and stays as it is */
		memset(x.frame[0], UNIT_UNTOUCHED, UNIT_FRAME_BYTES);
	sleep_ms(2 * unit_job_ms());
	if (aborted)
		expect_untouched("the aborted one", &x, 0);
	else
		unit_check_frame(u, x.frame[0]);
	expect_untouched("the waiting one", &x, 1);
	if (how == CLOSE)
		return;

	/* the context goes on */
	m2m_stream(&x.c, x.c.capture, false);
	m2m_stream(&x.c, x.c.output, false);
	m2m_stream(&x.c, x.c.capture, true);
	m2m_stream(&x.c, x.c.output, true);
	m2m_job(&x.c, 1);
	expect_running("streaming again", x.d[1]);
	EXPECT(m2m_finish(&x.c), "the job after STREAMON failed");
	unit_check_frame(u, x.frame[1]);
}

/* Shortly before its end, a job ends by itself even where it can be aborted. */
static void stop_late(const struct unit *u)
{
	struct unit_context x = unit_open_exported(u);
	double begin = now_ms();
	int kept;

	m2m_job(&x.c, 0);
	kept = export_fence(x.d[0], false);
	sleep_ms(unit_job_ms() - 50);
	stop(&x, CAPTURE_OFF);
	expect_took("stopping", begin, unit_job_ms());
	expect_status("stopped late", kept, READY);
	unit_check_frame(u, x.frame[0]);
}

/* Behind another context's job there is nothing to wait for. */
static void stop_queued(const struct unit *u, enum stop how)
{
	struct unit_context busy = unit_open_exported(u), x = unit_open_exported(u);
	double begin = now_ms(), stopped;
	int kept, waiting;

	m2m_job(&busy.c, 0);
	m2m_job(&x.c, 0);
	kept = export_fence(busy.d[0], false);
	waiting = export_fence(x.d[0], false);
	expect_status("queued behind another context", waiting, READY);
	stopped = now_ms();
	stop(&x, how);
	expect_took("stopping the queued one", stopped, 0);
	expect_ready("a new export of the queued one", x.d[0]);
	expect_status("the other context's job", kept, fences ? PENDING : READY);
	EXPECT(m2m_finish(&busy.c), "the other context's job failed");
	expect_took("the other context's job", begin, unit_job_ms());
	expect_status("the other context's job, done", kept, READY);
	unit_check_frame(u, busy.frame[0]);
	sleep_ms(2 * unit_job_ms());
	expect_untouched("the queued one", &x, 0);
}

/* The interrupt never comes: the watchdog ends the job, and before it job_abort. */
static void stop_lost(const struct unit *u, enum stop how)
{
	struct unit_context x = unit_open_exported(u);
	bool aborted = fences && u->abort_ms;
	double begin = now_ms();
	int kept;

	m2m_job(&x.c, 0);
	expect_running("the lost job", x.d[0]);
	kept = export_fence(x.d[0], false);
	stop(&x, how);
	if (aborted)
		expect_took("stopping", begin, u->abort_ms);
	else
		unit_expect_watchdog("stopping", now_ms() - begin);
	expect_status("the lost job, stopped", kept, fences ? -ECANCELED : READY);
	expect_ready("a new export", x.d[0]);
	if (how != CLOSE)
		m2m_close(&x.c);
	expect_next_job(u);
}

#define CASES(unit, index)								\
	static void unit##_capture(void) { stop_running(&units[index], CAPTURE_OFF); }	\
	static void unit##_output(void) { stop_running(&units[index], OUTPUT_OFF); }	\
	static void unit##_close(void) { stop_running(&units[index], CLOSE); }		\
	static void unit##_late(void) { stop_late(&units[index]); }			\
	static void unit##_queued(void) { stop_queued(&units[index], CAPTURE_OFF); }	\
	static void unit##_queued_close(void) { stop_queued(&units[index], CLOSE); }	\
	static void unit##_lost(void) { stop_lost(&units[index], CAPTURE_OFF); }	\
	static void unit##_lost_close(void) { stop_lost(&units[index], CLOSE); }

CASES(rkvdec, UNIT_RKVDEC)
CASES(vpu, UNIT_VPU)
CASES(rga, UNIT_RGA)

#define ENTRIES(unit, on_lost)						\
	{ "driver-" #unit "-stop-capture", unit##_capture },		\
	{ "driver-" #unit "-stop-output", unit##_output },		\
	{ "driver-" #unit "-stop-close", unit##_close },		\
	{ "driver-" #unit "-stop-late", unit##_late },			\
	{ "driver-" #unit "-stop-queued", unit##_queued },		\
	{ "driver-" #unit "-stop-queued-close", unit##_queued_close },	\
	{ "driver-" #unit "-lost-stream-off", unit##_lost, on_lost },		\
	{ "driver-" #unit "-lost-close", unit##_lost_close, on_lost }

/* The stock driver of RGA never gets over a lost job. */
const struct test stop_tests[] = {
	ENTRIES(rkvdec, ON_ALL),
	ENTRIES(vpu, ON_ALL),
	ENTRIES(rga, ON_SERIES),
	{ }
};
