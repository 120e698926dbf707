// SPDX-License-Identifier: GPL-2.0
/*
 * vrk-init: the first process of the virtual RK3399.  Mounts what programs
 * expect, starts the silicon daemon, runs one command and carries its
 * standard streams over the serial line (vrk-wire.h), then powers off.
 *
 * Statically linked, so that it runs on any root file system.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <termios.h>

#include "vrk-wire.h"

#define MAX_STRINGS	4096

struct spec {
	char *mounts[64];
	bool mount_rw[64];
	int n_mounts;
	char *silicon[64];
	int n_silicon;
	char *env[MAX_STRINGS];
	int n_env;
	char *argv[MAX_STRINGS];
	int argc;
	char *cwd;
};

enum { FROM_STDOUT, FROM_STDERR, FROM_JOBS, FROM_LOG, N_STREAMS };

static const uint8_t stream_type[N_STREAMS] = {
	VRK_FRAME_STDOUT, VRK_FRAME_STDERR, VRK_FRAME_JOBS, VRK_FRAME_LOG,
};

static int line = -1;
static int streams[N_STREAMS] = { -1, -1, -1, -1 };

static void say(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(text) - 1)
		n = sizeof(text) - 1;
	if (line >= 0)
		vrk_send_frame(line, VRK_FRAME_LOG, text, n);
}

static void power_off(int status)
{
	uint8_t byte = status;

	if (line >= 0) {
		vrk_send_frame(line, VRK_FRAME_EXIT, &byte, 1);
		tcdrain(line);
	}
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static char *read_file(const char *path, size_t *size)
{
	size_t used = 0, room = 1 << 16;
	char *text = malloc(room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || !text)
		return NULL;
	while ((n = read(fd, text + used, room - used - 1)) > 0) {
		used += n;
		if (room - used < 4096)
			text = realloc(text, room *= 2);
		if (!text)
			return NULL;
	}
	close(fd);
	text[used] = 0;
	*size = used;
	return text;
}

static bool take(const char *entry, const char *key, char **value)
{
	size_t n = strlen(key);

	if (strncmp(entry, key, n))
		return false;
	*value = (char *)entry + n;
	return true;
}

static bool parse_spec(const char *path, struct spec *spec)
{
	size_t size = 0;
	char *text = read_file(path, &size);
	char *value;

	if (!text)
		return false;
	for (char *p = text; p < text + size; p += strlen(p) + 1) {
		if (take(p, VRK_SPEC_MOUNT_RW, &value) || take(p, VRK_SPEC_MOUNT_RO, &value)) {
			if (spec->n_mounts == 64)
				return false;
			spec->mount_rw[spec->n_mounts] = p[1] == 'w';
			spec->mounts[spec->n_mounts++] = value;
		} else if (take(p, VRK_SPEC_SILICON, &value) && spec->n_silicon < 63) {
			spec->silicon[spec->n_silicon++] = value;
		} else if (take(p, VRK_SPEC_ENV, &value) && spec->n_env < MAX_STRINGS - 1) {
			spec->env[spec->n_env++] = value;
		} else if (take(p, VRK_SPEC_ARG, &value) && spec->argc < MAX_STRINGS - 1) {
			spec->argv[spec->argc++] = value;
		} else if (take(p, VRK_SPEC_CWD, &value)) {
			spec->cwd = value;
		} else {
			return false;
		}
	}
	return spec->argc > 0 && spec->cwd;
}

static void mount_or_say(const char *type, const char *target, unsigned long flags,
			 const char *data)
{
	if (mount("none", target, type, flags, data))
		say("vrk-init: cannot mount %s on %s: %s\n", type, target, strerror(errno));
}

static void mount_basics(void)
{
	mount_or_say("proc", "/proc", 0, NULL);
	mount_or_say("sysfs", "/sys", 0, NULL);
	mount_or_say("debugfs", "/sys/kernel/debug", 0, NULL);
	mkdir("/dev/shm", 01777);
	mount_or_say("tmpfs", "/dev/shm", 0, "mode=1777");
	mount_or_say("tmpfs", "/run", 0, "mode=755");
	mkdir("/run/user", 0700);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void mount_folders(const struct spec *spec)
{
	for (int i = 0; i < spec->n_mounts; i++)
		mount_or_say("hostfs", spec->mounts[i],
			     spec->mount_rw[i] ? 0 : MS_RDONLY, spec->mounts[i]);
}

static bool open_line(void)
{
	struct termios t;

	/* devtmpfs first: the line is a device node */
	if (mount("none", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		return false;
	line = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (line < 0 || tcgetattr(line, &t))
		return false;
	cfmakeraw(&t);
	return !tcsetattr(line, TCSANOW, &t);
}

static void in_child(char **argv, char **env, const char *cwd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* ours is ignored, and what is ignored stays so across execve(2) */
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (cwd && chdir(cwd)) {
		fprintf(stderr, "cannot change to %s: %s\n", cwd, strerror(errno));
		_exit(126);
	}
	/* execvp() looks in our own PATH, which must be the caller's */
	environ = env;
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* The daemon writes the job log to its descriptor 3 (--jobs 3), all else is log. */
static pid_t start_silicon(struct spec *spec)
{
	int jobs[2], log[2];
	pid_t pid;

	if (!spec->n_silicon)
		return 0;
	if (pipe2(jobs, O_CLOEXEC) || pipe2(log, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(log[1], 1);
		dup2(log[1], 2);
		if (jobs[1] != 3)
			dup2(jobs[1], 3);
		else
			fcntl(3, F_SETFD, 0);
		in_child(spec->silicon, environ, "/");
	}
	close(jobs[1]);
	close(log[1]);
	streams[FROM_JOBS] = jobs[0];
	streams[FROM_LOG] = log[0];
	return pid;
}

static pid_t start_command(struct spec *spec, int *to_stdin)
{
	int in[2], out[2], err[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		in_child(spec->argv, spec->env, spec->cwd);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	streams[FROM_STDOUT] = out[0];
	streams[FROM_STDERR] = err[0];
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	*to_stdin = in[1];
	return pid;
}

/* Passes on what one stream has ready. FALSE at its end. */
static bool forward(int i)
{
	uint8_t buf[VRK_FRAME_MAX];
	ssize_t n = read(streams[i], buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n > 0) {
		vrk_send_frame(line, stream_type[i], buf, n);
		return true;
	}
	close(streams[i]);
	streams[i] = -1;
	return false;
}

/* What is left in the pipes when the writers are gone or do not matter any more. */
static void drain_streams(void)
{
	for (int i = 0; i < N_STREAMS; i++) {
		struct pollfd p = { .fd = streams[i], .events = POLLIN };

		while (streams[i] >= 0 && poll(&p, 1, 0) > 0 && forward(i))
			p.fd = streams[i];
	}
}

/*
 * The command's standard input. The host sends one frame and waits for its
 * acknowledgement, so one frame is all there ever is to keep.
 */
struct input {
	int fd;			/* non-blocking, -1 when closed */
	uint8_t buf[VRK_FRAME_MAX];
	size_t len, done;
};

static void input_write(struct input *in)
{
	ssize_t n = write(in->fd, in->buf + in->done, in->len - in->done);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {		/* nobody reads any more */
		close(in->fd);
		in->fd = -1;
		in->len = 0;
		return;
	}
	in->done += n;
	if (in->done < in->len)
		return;
	in->len = 0;
	vrk_send_frame(line, VRK_FRAME_STDIN_ACK, "", 0);
}

static void input_frame(struct input *in, const uint8_t *data, int len)
{
	if (in->fd < 0 || in->len)
		return;
	if (!len) {
		close(in->fd);
		in->fd = -1;
		return;
	}
	memcpy(in->buf, data, len);
	in->len = len;
	in->done = 0;
	input_write(in);
}

static void from_host(struct vrk_receiver *rx, pid_t command, struct input *in)
{
	int len;

	if (vrk_receive(rx, line) <= 0)
		return;
	while ((len = vrk_frame_ready(rx)) >= 0) {
		const uint8_t *data = rx->buf + VRK_FRAME_HEADER;

		if (rx->buf[0] == VRK_FRAME_SIGNAL && len == 1)
			kill(-command, data[0]);
		else if (rx->buf[0] == VRK_FRAME_STDIN && len <= VRK_FRAME_MAX)
			input_frame(in, data, len);
		vrk_frame_drop(rx, len);
	}
}

/*
 * TRUE when the command has ended, with its status; or the silicon, without
 * which nothing that the command says would mean anything.
 */
static bool reap(pid_t command, pid_t silicon, int *status)
{
	bool ended = false;
	pid_t pid;
	int st;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid == command) {
			*status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
			ended = true;
		} else if (pid == silicon) {
			say("vrk-init: the silicon daemon ended, %s %d\n",
			    WIFSIGNALED(st) ? "signal" : "status",
			    WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
			*status = 125;
			return true;
		}
	}
	return ended;
}

static int carry(pid_t command, pid_t silicon, int signals, struct input *in)
{
	static struct vrk_receiver rx;
	int status = 1;

	/* ready: what came before the line was open would not wake us up */
	vrk_send_frame(line, VRK_FRAME_STDIN_ACK, "", 0);
	for (;;) {
		struct pollfd p[N_STREAMS + 3];
		struct signalfd_siginfo si;

		for (int i = 0; i < N_STREAMS; i++)
			p[i] = (struct pollfd) { .fd = streams[i], .events = POLLIN };
		p[N_STREAMS] = (struct pollfd) { .fd = line, .events = POLLIN };
		p[N_STREAMS + 1] = (struct pollfd) { .fd = signals, .events = POLLIN };
		p[N_STREAMS + 2] = (struct pollfd) {
			.fd = in->len ? in->fd : -1, .events = POLLOUT
		};
		if (poll(p, N_STREAMS + 3, -1) < 0)
			continue;
		for (int i = 0; i < N_STREAMS; i++)
			if (p[i].revents)
				forward(i);
		if (p[N_STREAMS].revents)
			from_host(&rx, command, in);
		if (p[N_STREAMS + 2].revents)
			input_write(in);
		if (p[N_STREAMS + 1].revents &&
		    read(signals, &si, sizeof(si)) == sizeof(si) &&
		    reap(command, silicon, &status))
			return status;
	}
}

/* A process that hangs in a driver does not die: power off all the same. */
static void wait_for_the_rest(void)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return;
		if (!pid)
			usleep(5000);
	}
	say("vrk-init: a process does not die\n");
}

/*
 * The kernel's timers are as coarse as its tick (10 ms) until the second tick
 * or so; in virtual time that would show in the first job's latency.
 */
static void await_fine_timers(void)
{
	struct timespec t = { .tv_nsec = 30000000 };

	nanosleep(&t, NULL);
}

int main(void)
{
	static struct spec spec;
	const char *path = getenv("vrk_spec");
	pid_t silicon, command;
	static struct input input;
	int signals, status;
	sigset_t chld;

	if (!open_line())
		power_off(125);
	mount_basics();
	/* the host's /tmp, for its own sake and because the spec lies in it */
	mount_or_say("hostfs", "/tmp", 0, "/tmp");
	if (!path || !parse_spec(path, &spec)) {
		say("vrk-init: cannot use the spec %s\n", path ? path : "(none)");
		power_off(125);
	}
	mount_folders(&spec);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signals = signalfd(-1, &chld, SFD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	silicon = start_silicon(&spec);
	await_fine_timers();
	command = start_command(&spec, &input.fd);
	if (signals < 0 || silicon < 0 || command < 0) {
		say("vrk-init: %s\n", strerror(errno));
		power_off(125);
	}
	status = carry(command, silicon, signals, &input);
	drain_streams();
	/* the daemon flushes its log line by line: nothing is lost */
	kill(-1, SIGKILL);
	wait_for_the_rest();
	drain_streams();
	power_off(status);
}
