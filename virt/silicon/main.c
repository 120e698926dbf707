// SPDX-License-Identifier: GPL-2.0
/*
 * vrk-silicon: plays the RK3399's media units behind /dev/vrk3399, whose ABI
 * is virt/kernel/vrk3399/vrk3399-uapi.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"
#include "joblog.h"
#include "silicon.h"

static const char usage[] =
"usage: vrk-silicon [--device PATH] [--latency UNIT=US[,...]] [--fault SPEC]...\n"
"                   [--jobs FD_OR_PATH] [--verbose] [--check]\n"
"  --latency   modelled time from start write to interrupt, microseconds;\n"
"              UNIT is rga, rkvdec or vpu; UNIT=MIN-MAX draws it (fixed seed)\n"
"  --fault     UNIT:error@N, UNIT:lost@N or UNIT:latency@N=US, for the unit's\n"
"              Nth job, counted from 1; repeatable\n"
"  --jobs      CSV log of the jobs\n"
"  --check     only look whether the arguments are right\n";

/* How long before its end a job's pixels appear: the daemon needs time, too. */
#define APPLY_AHEAD_NS	20000

/* A job that has been modelled and takes its time. */
struct pending {
	bool busy;
	struct vrk_event event;
	struct job job;
	uint64_t latency_ns;
	struct bus_journal journal;
};

struct daemon {
	int fd;
	struct pending pending[VRK_N_UNITS];
	struct silicon silicon;
	struct faults faults;
	struct joblog joblog;
	uint64_t jobs[VRK_N_UNITS];
	bool check_only;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static bool parse_options(struct daemon *d, int argc, char **argv,
			  const char **device)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "latency", required_argument, NULL, 'l' },
		{ "fault", required_argument, NULL, 'f' },
		{ "corrupt", required_argument, NULL, 'c' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "check", no_argument, NULL, 'C' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		bool ok = true;

		switch (c) {
		case 'd':
			*device = optarg;
			break;
		case 'l':
			ok = faults_parse_latency(&d->faults, optarg);
			break;
		case 'f':
			ok = faults_parse_fault(&d->faults, optarg);
			break;
		case 'c':
			ok = faults_parse_corrupt(&d->faults, optarg);
			break;
		case 'j':
			ok = joblog_open(&d->joblog, optarg);
			if (!ok)
				perror(optarg);
			break;
		case 'C':
			d->check_only = true;
			break;
		case 'v':
			d->silicon.verbose = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			return false;
		}
		if (!ok) {
			fprintf(stderr, "vrk-silicon: bad argument '%s'\n%s", optarg, usage);
			return false;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return false;
	}
	return true;
}

static bool map_device(struct daemon *d, const char *device)
{
	__u64 size = 0;
	void *map;

	d->fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (d->fd < 0) {
		perror(device);
		return false;
	}
	if (ioctl(d->fd, VRK_IOC_DRAM_SIZE, &size)) {
		perror("VRK_IOC_DRAM_SIZE");
		return false;
	}
	for (unsigned int i = 0; i < VRK_N_UNITS; i++) {
		map = mmap(NULL, VRK_REGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   d->fd, VRK_MAP_REGS + (off_t)i * VRK_REGS_SIZE);
		if (map == MAP_FAILED) {
			perror("mmap registers");
			return false;
		}
		d->silicon.regs[i] = map;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd,
		   VRK_MAP_DRAM);
	if (map == MAP_FAILED) {
		perror("mmap DRAM");
		return false;
	}
	d->silicon.dram = (struct dram){ .base = map, .size = size };
	return true;
}

static void finish(struct daemon *d, const struct vrk_event *event,
		   struct job *job, uint64_t latency_ns)
{
	uint64_t end_ns, now;
	int ret;

	if (job->status == JOB_LOST) {
		joblog_add(&d->joblog, event->unit, job, event->start_ns, 0);
		return;
	}
	job->done.unit = event->unit;
	job->done.seq = event->seq;
	job->done.latency_ns = latency_ns;
	now = now_ns();
	end_ns = event->start_ns + latency_ns;
	if (end_ns < now)
		end_ns = now;
	/* Before the interrupt, so that whoever it wakes finds the line. */
	joblog_add(&d->joblog, event->unit, job, event->start_ns, end_ns);
	do {
		ret = ioctl(d->fd, VRK_IOC_DONE, &job->done);
	} while (ret && errno == EINTR);
	if (ret)
		silicon_log("unit %u job %llu: VRK_IOC_DONE: %s", event->unit,
			    (unsigned long long)job->number, strerror(errno));
}

/* Given up by the driver, reset or without power: what it would have written is not. */
static void drop_pending(struct pending *p)
{
	silicon_log("unit %u job %llu is never finished", p->event.unit,
		    (unsigned long long)p->job.number);
	bus_journal_clear(&p->journal);
	p->busy = false;
}

static void finish_pending(struct daemon *d, struct pending *p)
{
	struct vrk_running job = { .unit = p->event.unit, .seq = p->event.seq };
	size_t left_out;

	if (ioctl(d->fd, VRK_IOC_RUNNING, &job)) {
		drop_pending(p);
		return;
	}
	left_out = bus_journal_apply(&p->journal);
	if (left_out)
		silicon_debug(&d->silicon, "unit %u job %llu: %zu bytes are no longer mapped",
			      p->event.unit, (unsigned long long)p->job.number, left_out);
	bus_journal_clear(&p->journal);
	p->busy = false;
	finish(d, &p->event, &p->job, p->latency_ns);
}

/* Ends what is due; the time until the next, -1 for none. */
static int64_t finish_due(struct daemon *d)
{
	int64_t next = -1;

	for (unsigned int i = 0; i < VRK_N_UNITS; i++) {
		struct pending *p = &d->pending[i];
		uint64_t due = p->event.start_ns + p->latency_ns - APPLY_AHEAD_NS;
		uint64_t now = now_ns();

		if (!p->busy)
			continue;
		if (due <= now)
			finish_pending(d, p);
		else if (next < 0 || due - now < (uint64_t)next)
			next = due - now;
	}
	return next;
}

static void run(struct daemon *d, const struct vrk_event *event)
{
	uint64_t latency_ns, t0 = now_ns();
	struct pending *pending;
	struct job job = { 0 };

	if (event->unit >= VRK_N_UNITS) {
		silicon_log("start of unknown unit %u", event->unit);
		return;
	}
	pending = &d->pending[event->unit];
	if (pending->busy)
		drop_pending(pending);
	job.number = ++d->jobs[event->unit];
	latency_ns = faults_latency_ns(&d->faults, event->unit, job.number);
	job.inject_error = faults_match(&d->faults, event->unit, job.number, FAULT_ERROR);
	job.swap_refs = faults_match(&d->faults, event->unit, job.number, FAULT_SWAP_REF);
	if (latency_ns > APPLY_AHEAD_NS)
		d->silicon.dram.journal = &pending->journal;
	job.zero_counts = faults_match(&d->faults, event->unit, job.number, FAULT_ZERO_COUNTS);

	switch (event->unit) {
	case VRK_RGA:
		rga2_run(&d->silicon, &job);
		break;
	case VRK_RKVDEC:
		rkvdec_run(&d->silicon, &job);
		break;
	case VRK_VPU:
		if (event->offset < 0x400)
			goto unknown;
		vpu2_run(&d->silicon, &job);
		break;
	default:
unknown:
		silicon_log("unit %u is not modelled: register %#x = %#x gets no answer",
			    event->unit, event->offset, event->value);
		job.status = JOB_LOST;
		break;
	}
	if (faults_match(&d->faults, event->unit, job.number, FAULT_LOST))
		job.status = JOB_LOST;
	silicon_debug(&d->silicon, "unit %u job %llu: modelled in %llu us",
		      event->unit, (unsigned long long)job.number,
		      (unsigned long long)(now_ns() - t0) / 1000);
	if (!d->silicon.dram.journal) {
		finish(d, event, &job, latency_ns);
		return;
	}
	d->silicon.dram.journal = NULL;
	pending->event = *event;
	pending->job = job;
	pending->latency_ns = latency_ns;
	pending->busy = true;
}

/* Waits for a start write, at most until a job is due. False at the end. */
static bool wait_event(struct daemon *d, int64_t timeout_ns)
{
	struct timespec t = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	struct pollfd fd = { .fd = d->fd, .events = POLLIN };

	for (;;) {
		int n = ppoll(&fd, 1, timeout_ns < 0 ? NULL : &t, NULL);

		if (n >= 0)
			return true;
		if (errno != EINTR && errno != EAGAIN)
			return false;
	}
}

int main(int argc, char **argv)
{
	const char *device = "/dev/vrk3399";
	static struct daemon d;
	struct vrk_event event;
	ssize_t n;

	faults_init(&d.faults);
	if (!parse_options(&d, argc, argv, &device))
		return 2;
	if (d.check_only)
		return 0;
	if (!map_device(&d, device))
		return 1;
	silicon_debug(&d.silicon, "%llu MiB of DRAM",
		      (unsigned long long)d.silicon.dram.size >> 20);
	/* to the nanosecond: in virtual time only this counts */
	prctl(PR_SET_TIMERSLACK, 1);
	while (wait_event(&d, finish_due(&d))) {
		n = read(d.fd, &event, sizeof(event));
		if (n == sizeof(event))
			run(&d, &event);
		else if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			break;
	}
	perror("/dev/vrk3399");
	rkvdec_free(&d.silicon);
	vpu2_free(&d.silicon);
	return 1;
}
