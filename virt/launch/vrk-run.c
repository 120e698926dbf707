// SPDX-License-Identifier: GPL-2.0
/*
 * vrk-run: boots the virtual RK3399, runs one command in it and behaves as if
 * it had been run here: standard streams, signals, exit status.
 *
 * The guest's root is a folder of this machine, read-only, but for the
 * folders named with --rw and /tmp.  See vrk-wire.h for how the two sides talk.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

#include "vrk-wire.h"

#define STATUS_TIMEOUT	124
#define STATUS_FAILED	125	/* ours, not the command's */

#define MEMORY_MIB	2048	/* sparse: only what the guest touches counts */

struct options {
	const char *kernel, *dtb, *init, *silicon, *root, *jobs, *log, *extra;
	bool virtual_time;
	int timeout;		/* seconds, 0: none */
	FILE *spec;
};

static char tmp[PATH_MAX];	/* ours alone, removed at the end */
static pid_t uml = -1;

static void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "vrk-run: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(STATUS_FAILED);
}

static void clean_up(void)
{
	char command[PATH_MAX + 16];

	if (uml > 0)
		kill(-uml, SIGKILL);
	if (*tmp) {
		snprintf(command, sizeof(command), "rm -rf '%s'", tmp);
		if (system(command))
			fprintf(stderr, "vrk-run: could not remove %s\n", tmp);
	}
}

static void spec_put(struct options *o, const char *key, const char *value)
{
	fprintf(o->spec, "%s%s", key, value);
	fputc(0, o->spec);
}

static void spec_silicon(struct options *o, const char *option, const char *value)
{
	spec_put(o, VRK_SPEC_SILICON, option);
	spec_put(o, VRK_SPEC_SILICON, value);
}

static void make_tmp(struct options *o)
{
	char path[PATH_MAX + 8];

	snprintf(tmp, sizeof(tmp), "/tmp/vrk-%d-XXXXXX", getpid());
	if (!mkdtemp(tmp)) {
		*tmp = 0;
		fail("cannot make a folder in /tmp: %s", strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/spec", tmp);
	o->spec = fopen(path, "we");
	if (!o->spec)
		fail("%s: %s", path, strerror(errno));
}

static const char usage[] =
	"usage: vrk-run --kernel FILE --dtb FILE --init FILE --silicon FILE [options] -- CMD...\n"
	"  --root DIR           the guest's root folder (default /)\n"
	"  --rw DIR, --ro DIR   a folder of this machine, at the same place in the guest\n"
	"  --virtual-time       time advances only when everything is idle\n"
	"  --latency U=US,...   --fault U:KIND@N   for the silicon daemon\n"
	"  --silicon-option O=V  any other option of the daemon\n"
	"  --jobs FILE          the silicon's job log, CSV\n"
	"  --timeout S          end the command after S seconds (exit status 124)\n"
	"  --log FILE           the guest kernel's messages\n"
	"  --append ARGS        more kernel arguments\n";

static void parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "kernel", 1, 0, 'k' }, { "dtb", 1, 0, 'd' }, { "init", 1, 0, 'i' },
		{ "silicon", 1, 0, 's' }, { "root", 1, 0, 'r' }, { "rw", 1, 0, 'w' },
		{ "ro", 1, 0, 'R' }, { "virtual-time", 0, 0, 'v' }, { "latency", 1, 0, 'l' },
		{ "fault", 1, 0, 'f' }, { "silicon-option", 1, 0, 'O' }, { "jobs", 1, 0, 'j' },
		{ "timeout", 1, 0, 't' }, { "log", 1, 0, 'L' }, { "append", 1, 0, 'a' },
		{ "help", 0, 0, 'h' }, { 0 }
	};
	char option[PATH_MAX];
	char *eq, *end;
	int c;

	o->root = "/";
	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (strchr("lfO", c) && !o->silicon)
			fail("--silicon comes before its options");
		switch (c) {
		case 'k': o->kernel = optarg; break;
		case 'd': o->dtb = optarg; break;
		case 'i': o->init = optarg; break;
		case 's':
			o->silicon = optarg;
			spec_put(o, VRK_SPEC_SILICON, optarg);
			spec_silicon(o, "--jobs", "3");
			break;
		case 'r': o->root = optarg; break;
		case 'w': spec_put(o, VRK_SPEC_MOUNT_RW, optarg); break;
		case 'R': spec_put(o, VRK_SPEC_MOUNT_RO, optarg); break;
		case 'v': o->virtual_time = true; break;
		case 'l': spec_silicon(o, "--latency", optarg); break;
		case 'f': spec_silicon(o, "--fault", optarg); break;
		case 'O':
			eq = strchr(optarg, '=');
			snprintf(option, sizeof(option), "--%.*s",
				 (int)(eq ? eq - optarg : (int)strlen(optarg)), optarg);
			spec_put(o, VRK_SPEC_SILICON, option);
			if (eq)
				spec_put(o, VRK_SPEC_SILICON, eq + 1);
			break;
		case 'j': o->jobs = optarg; break;
		case 't':
			o->timeout = strtol(optarg, &end, 10);
			if (o->timeout <= 0 || *end)
				fail("--timeout takes a whole number of seconds, not '%s'", optarg);
			break;
		case 'L': o->log = optarg; break;
		case 'a': o->extra = optarg; break;
		default:
			fputs(usage, stderr);
			exit(STATUS_FAILED);
		}
	}
	if (!o->kernel || !o->dtb || !o->init || optind == argc) {
		fputs(usage, stderr);
		exit(STATUS_FAILED);
	}
}

static void finish_spec(struct options *o, char **argv)
{
	char *cwd = getcwd(NULL, 0);

	spec_put(o, VRK_SPEC_CWD, cwd ? cwd : "/");
	free(cwd);
	for (char **e = environ; *e; e++)
		spec_put(o, VRK_SPEC_ENV, *e);
	for (; *argv; argv++)
		spec_put(o, VRK_SPEC_ARG, *argv);
	if (fclose(o->spec))
		fail("%s/spec: %s", tmp, strerror(errno));
}

/* The guest's RAM is a file; it goes to /dev/shm where that is large enough. */
static const char *ram_folder(void)
{
	struct statfs fs;

	if (!statfs("/dev/shm", &fs) &&
	    (uint64_t)fs.f_bavail * fs.f_bsize > (uint64_t)MEMORY_MIB << 20 &&
	    !access("/dev/shm", W_OK))
		return "/dev/shm";
	return tmp;
}

/* User-Mode Linux spends its time in switches: one core is faster than two. */
static void pin_to_one_core(void)
{
	cpu_set_t all, one;
	int want, i;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	want = getpid() % CPU_COUNT(&all);
	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all) && !want--)
			break;
	CPU_ZERO(&one);
	CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void exec_uml(const struct options *o, const char *log, int from_host, int to_host)
{
	int fd_log = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int fd_null = open("/dev/null", O_RDONLY);
	char *args[40], **a = args;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* above what dup2 below writes to */
	from_host = fcntl(from_host, F_DUPFD, 10);
	to_host = fcntl(to_host, F_DUPFD, 10);
	if (fd_log < 0 || fd_null < 0 || from_host < 0 || to_host < 0)
		_exit(STATUS_FAILED);
	dup2(fd_null, 0);
	dup2(fd_log, 1);
	dup2(fd_log, 2);
	pin_to_one_core();
	setenv("TMPDIR", ram_folder(), 1);
	*a++ = (char *)o->kernel;
#define ARG(...) do { if (asprintf(a++, __VA_ARGS__) < 0) _exit(STATUS_FAILED); } while (0)
	ARG("mem=%dM", MEMORY_MIB);
	ARG("dtb=%s", o->dtb);
	ARG("uml_dir=%s", tmp);
	ARG("umid=guest");
	ARG("seccomp=on");
	ARG("con=null");
	ARG("con0=null,fd:2");	/* the kernel's messages: our log */
	ARG("ssl=null");
	ARG("ssl0=fd:%d,fd:%d", from_host, to_host);
	ARG("root=/dev/root");
	ARG("rootfstype=hostfs");
	ARG("rootflags=%s", o->root);
	ARG("ro");
	ARG("init=%s", o->init);
	ARG("vrk_spec=%s/spec", tmp);
	ARG("panic=-1");
	ARG("loglevel=7");
	if (o->virtual_time)
		ARG("time-travel=inf-cpu");
	if (o->extra)
		ARG("%s", o->extra);
#undef ARG
	*a = NULL;
	execv(o->kernel, args);
	dprintf(2, "%s: %s\n", o->kernel, strerror(errno));
	_exit(STATUS_FAILED);
}

struct session {
	int to_guest, from_guest;
	int jobs, log;		/* descriptors, -1: dropped */
	int signals;
	bool stdin_open, stdin_waits;	/* waits: for the guest's acknowledgement */
	bool ready;		/* the guest has sent its first one */
	int status;		/* -1 until the guest told */
	int interrupts;
	struct timespec deadline;	/* tv_sec 0: none */
	struct vrk_receiver rx;
};

static void set_deadline(struct session *s, int seconds)
{
	clock_gettime(CLOCK_MONOTONIC, &s->deadline);
	s->deadline.tv_sec += seconds;
}

static int ms_left(const struct session *s)
{
	struct timespec now;
	int64_t ms;

	if (!s->deadline.tv_sec)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (s->deadline.tv_sec - now.tv_sec) * 1000LL +
	     (s->deadline.tv_nsec - now.tv_nsec) / 1000000;
	return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : ms;
}

static void on_frame(struct session *s, uint8_t type, const uint8_t *data, int len)
{
	int fd = -1;

	switch (type) {
	case VRK_FRAME_STDOUT: fd = STDOUT_FILENO; break;
	case VRK_FRAME_STDERR: fd = STDERR_FILENO; break;
	case VRK_FRAME_JOBS: fd = s->jobs; break;
	case VRK_FRAME_LOG: fd = s->log; break;
	case VRK_FRAME_STDIN_ACK: s->ready = true; s->stdin_waits = false; break;
	case VRK_FRAME_EXIT: s->status = len ? data[0] : STATUS_FAILED; break;
	}
	if (fd >= 0 && vrk_write_all(fd, data, len) && fd == STDOUT_FILENO) {
		/* our reader is gone: tell the command as a pipe would have */
		uint8_t sig = SIGPIPE;

		vrk_send_frame(s->to_guest, VRK_FRAME_SIGNAL, &sig, 1);
	}
}

/* FALSE when the guest is gone. */
static bool from_guest(struct session *s)
{
	int len;

	if (vrk_receive(&s->rx, s->from_guest) <= 0)
		return false;
	while ((len = vrk_frame_ready(&s->rx)) >= 0) {
		on_frame(s, s->rx.buf[0], s->rx.buf + VRK_FRAME_HEADER, len);
		vrk_frame_drop(&s->rx, len);
	}
	return true;
}

static void from_stdin(struct session *s)
{
	uint8_t buf[VRK_FRAME_MAX / 2];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		s->stdin_open = false;
	vrk_send_frame(s->to_guest, VRK_FRAME_STDIN, buf, n > 0 ? n : 0);
	s->stdin_waits = true;
}

/* FALSE when there is no use in waiting: nothing runs yet, or it takes no hint. */
static bool on_signal(struct session *s)
{
	struct signalfd_siginfo si;
	uint8_t sig;

	if (read(s->signals, &si, sizeof(si)) != sizeof(si))
		return true;
	if (si.ssi_signo == SIGCHLD)
		return true;
	if (!s->ready)
		return false;
	sig = si.ssi_signo;
	vrk_send_frame(s->to_guest, VRK_FRAME_SIGNAL, &sig, 1);
	return ++s->interrupts < 3;
}

/* What became of the command; STATUS_FAILED when the guest died before it told. */
static int converse(struct session *s, int timeout)
{
	if (timeout)
		set_deadline(s, timeout);
	while (s->status < 0) {
		struct pollfd p[3] = {
			{ .fd = s->from_guest, .events = POLLIN },
			{ .fd = s->signals, .events = POLLIN },
			{ .fd = s->stdin_open && !s->stdin_waits ? STDIN_FILENO : -1,
			  .events = POLLIN },
		};
		int n = poll(p, 3, ms_left(s));

		if (!n) {
			fprintf(stderr, "vrk-run: the command did not end within %d s\n", timeout);
			return STATUS_TIMEOUT;
		}
		if (n > 0 && p[0].revents && !from_guest(s))
			break;
		if (n > 0 && p[1].revents && !on_signal(s))
			return 128 + SIGINT;
		if (n > 0 && p[2].revents)
			from_stdin(s);
	}
	return s->status < 0 ? STATUS_FAILED : s->status;
}

/* The guest powers off by itself after its last frame. */
static void wait_for_power_off(void)
{
	for (int i = 0; i < 2000; i++) {
		pid_t pid = waitpid(uml, NULL, WNOHANG);

		if (pid == uml || pid < 0) {
			kill(-uml, SIGKILL);	/* what it may have left behind */
			uml = -1;
			return;
		}
		usleep(1000);
	}
}

static void show_log_tail(const char *log)
{
	char command[PATH_MAX + 64];

	fprintf(stderr, "vrk-run: the virtual machine could not run the command; its last words:\n");
	snprintf(command, sizeof(command), "tail -n 30 '%s' >&2", log);
	if (system(command))
		fprintf(stderr, "vrk-run: no log at %s\n", log);
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Where the caller closed one, nothing of ours may get its number. */
static void fill_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

int main(int argc, char **argv)
{
	static struct session s = { .jobs = -1, .log = -1, .status = -1, .stdin_open = true, .stdin_waits = true };
	struct options o = { 0 };
	char log[PATH_MAX + 8];
	int down[2], up[2], status;

	fill_standard_streams();
	atexit(clean_up);
	make_tmp(&o);
	parse_options(&o, argc, argv);
	finish_spec(&o, argv + optind);
	if (o.log)
		snprintf(log, sizeof(log), "%s", o.log);
	else
		snprintf(log, sizeof(log), "%s/log", tmp);
	if (o.jobs) {
		s.jobs = open(o.jobs, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (s.jobs < 0)
			fail("%s: %s", o.jobs, strerror(errno));
	}
	s.signals = block_signals();
	if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC) || s.signals < 0)
		fail("%s", strerror(errno));
	uml = fork();
	if (!uml)
		exec_uml(&o, log, down[0], up[1]);
	close(down[0]);
	close(up[1]);
	s.to_guest = down[1];
	s.from_guest = up[0];
	/* after the child has truncated it */
	s.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	status = converse(&s, o.timeout);
	if (s.status >= 0)
		wait_for_power_off();
	if (status == STATUS_FAILED)
		show_log_tail(log);
	return status;
}
