// SPDX-License-Identifier: GPL-2.0
/*
 * kernel-fences --kernel stock|fences|debug [PATTERN...]: the cases whose name
 * matches a shell pattern, each in a process of its own.  Without a pattern,
 * all but the real drivers' (driver-*).
 *
 * What a case expects depends on the kernel it is told: with the series, a
 * buffer under a running job has a fence; without, it has none.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "m2m.h"

#define CASE_SECONDS	60

static const struct test *const topics[] = {
	life_tests, wait_tests, error_tests, hold_tests, consumer_tests, display_tests,
	publish_tests, stress_tests, memory_tests, driver_tests, lost_tests,
	planes_tests, unbind_tests, stop_tests, suspend_tests,
};

static const char *kernel = "stock";
static unsigned int failed, left_out;

static bool wanted(const char *name, char **patterns, int n)
{
	if (!n)
		return strncmp(name, "driver-", 7);
	for (int i = 0; i < n; i++)
		if (!fnmatch(patterns[i], name, 0))
			return true;
	return false;
}

static void set_knobs(void)
{
	static const char *const off[] = { "fail_jobs", "lose_jobs", "hold", "wait_fences" };

	if (!fences)
		return;
	knob("fences", 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(off); i++)
		knob(off[i], 0);
}

/* In the child: what it prints to standard output is the reason of a failure. */
static void run_child(const struct test *test, int out)
{
	dup2(out, STDOUT_FILENO);
	close(out);
	if (access("/sys/module/vim2m/parameters", F_OK) == 0)
		set_knobs();
	test->run();
	fflush(stdout);
	_exit(0);
}

/* The child's status; -1 when it had to be killed, and -2 when that did not help. */
static int wait_for(pid_t pid)
{
	double begin = now_ms();
	bool killed = false;
	int status;

	for (;;) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return killed ? -1 : status;
		if (!killed && now_ms() - begin > CASE_SECONDS * 1000) {
			kill(pid, SIGKILL);
			killed = true;
		}
		if (now_ms() - begin > CASE_SECONDS * 1500)
			return -2;
		sleep_ms(5);
	}
}

static void run(const struct test *test)
{
	char reason[1024] = "";
	int status, out[2];
	double begin = now_ms();
	ssize_t n;
	pid_t pid;

	NEED(pipe(out));
	fprintf(stderr, "%s: %s\n", kernel, test->name);
	fflush(stdout);
	pid = NEED(fork());
	if (!pid) {
		close(out[0]);
		run_child(test, out[1]);
	}
	close(out[1]);
	status = wait_for(pid);
	n = status == -2 ? 0 : read(out[0], reason, sizeof(reason) - 1);
	reason[n > 0 ? n : 0] = 0;
	close(out[0]);
	if (!status) {
		printf("ok %s: %s\n", kernel, test->name);
	} else {
		failed++;
		if (status == -2)
			snprintf(reason, sizeof(reason), "its process cannot be killed");
		else if (status == -1)
			snprintf(reason, sizeof(reason), "not done after %u s", CASE_SECONDS);
		else if (WIFSIGNALED(status))
			snprintf(reason, sizeof(reason), "signal %d", WTERMSIG(status));
		printf("not ok %s: %s: %s\n", kernel, test->name, reason);
	}
	fprintf(stderr, "    %.0f ms\n", now_ms() - begin);
}

int main(int argc, char **argv)
{
	bool series, debug;

	if (argc < 3 || strcmp(argv[1], "--kernel")) {
		fprintf(stderr, "usage: %s --kernel stock|fences|debug [PATTERN...]\n", argv[0]);
		return 2;
	}
	kernel = argv[2];
	debug = !strcmp(kernel, "debug");
	series = fences = strcmp(kernel, "stock");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(topics); i++)
		for (const struct test *t = topics[i]; t->name; t++) {
			if (!wanted(t->name, argv + 3, argc - 3))
				continue;
			if ((t->on == ON_SERIES && !series) || (t->on == ON_DEBUG && !debug)) {
				fprintf(stderr, "%s: %s: not on this kernel\n", kernel, t->name);
				left_out++;
				continue;
			}
			run(t);
		}
	if (left_out)
		printf("# %s: %u cases need what this kernel has not (knobs of the series, fault injection)\n",
		       kernel, left_out);
	return failed ? 1 : 0;
}
