// SPDX-License-Identifier: GPL-2.0
/*
 * vrk-silicon: plays the RK3399's media units behind /dev/vrk3399, whose ABI
 * is virt/kernel/vrk3399/vrk3399-uapi.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

struct daemon {
	int fd;
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

	d->fd = open(device, O_RDWR | O_CLOEXEC);
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

static void run(struct daemon *d, const struct vrk_event *event)
{
	struct job job = { 0 };
	uint64_t latency_ns, t0 = now_ns();

	if (event->unit >= VRK_N_UNITS) {
		silicon_log("start of unknown unit %u", event->unit);
		return;
	}
	job.number = ++d->jobs[event->unit];
	latency_ns = faults_latency_ns(&d->faults, event->unit, job.number);
	job.inject_error = faults_match(&d->faults, event->unit, job.number, FAULT_ERROR);
	job.swap_refs = faults_match(&d->faults, event->unit, job.number, FAULT_SWAP_REF);
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
	finish(d, event, &job, latency_ns);
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
	for (;;) {
		n = read(d.fd, &event, sizeof(event));
		if (n == sizeof(event))
			run(&d, &event);
		else if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			break;
	}
	perror("read");
	rkvdec_free(&d.silicon);
	vpu2_free(&d.silicon);
	return 1;
}
