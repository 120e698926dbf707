// SPDX-License-Identifier: GPL-2.0
/*
 * rkvdec: dispatch to the codec, contexts, and how a job ends.
 *
 * Learnt from Linux 7.2: rkvdec/rkvdec.c (rk3399_irq_handler: a job is done
 * only with RKVDEC_RDY_STA), drivers/iommu/rockchip-iommu.c (rk_iommu_irq: which
 * fault registers are read).  Which of the IOMMU's two banks serves which
 * traffic is not documented; reads fault on bank 0 and writes on bank 1 here.
 *
 * A context is told from another by the IOMMU's directory and the address of
 * the driver's private table (where the CABAC table is).  Both may be reused
 * after a session ends; the codecs must not trust what they remember.
 */
#include "rkvdec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_STREAM_BYTES	(64u << 20)

void rkvdec_complain(const struct rkvdec_run *run, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	silicon_log("rkvdec job %llu (context %u): %s",
		    (unsigned long long)run->job->number,
		    run->context ? run->context->number : 0, text);
}

uint8_t *rkvdec_read_stream(struct rkvdec_run *run, size_t *size)
{
	uint8_t *stream;

	*size = run->regs[RKVDEC_STREAM_LEN];
	if (!*size || *size > MAX_STREAM_BYTES) {
		rkvdec_complain(run, "stream length %zu", *size);
		return NULL;
	}
	stream = malloc(*size);
	if (!stream)
		abort();
	if (bus_read(&run->bus, run->regs[RKVDEC_STRM_RLC_BASE], stream, *size))
		return stream;
	free(stream);
	return NULL;
}

/* Test hook: the first two different reference addresses change places. */
static void swap_refs(struct rkvdec_run *run)
{
	uint32_t *first = NULL;

	for (unsigned int i = 0; i < 16; i++) {
		uint32_t *r = &run->regs[RKVDEC_REF_BASE(i)];

		if (!(*r & RKVDEC_REF_COLMV_USE))
			continue;
		if (!first) {
			first = r;
		} else if (RKVDEC_REF_ADDR(*r) != RKVDEC_REF_ADDR(*first)) {
			uint32_t a = RKVDEC_REF_ADDR(*first), b = RKVDEC_REF_ADDR(*r);

			*first = b | (*first & 15);
			*r = a | (*r & 15);
			rkvdec_complain(run, "references at %08x and %08x swapped", a, b);
			return;
		}
	}
	rkvdec_complain(run, "nothing to swap");
}

static void set_fault(const struct silicon *silicon, struct job *job,
		      const struct bus_fault *fault)
{
	uint32_t bank = fault->write ? RK_MMU_BANK_SIZE : 0;
	volatile uint32_t *mmu = silicon->regs[VRK_RKVDEC_MMU];
	uint32_t status = mmu[(bank + RK_MMU_STATUS) / 4] |
			  RK_MMU_STATUS_PAGE_FAULT_ACTIVE;

	status &= ~RK_MMU_STATUS_PAGE_FAULT_IS_WRITE;
	if (fault->write)
		status |= RK_MMU_STATUS_PAGE_FAULT_IS_WRITE;
	job_set_reg(job, VRK_RKVDEC_MMU, bank + RK_MMU_STATUS, status);
	job_set_reg(job, VRK_RKVDEC_MMU, bank + RK_MMU_PAGE_FAULT_ADDR, fault->addr);
	job_set_reg(job, VRK_RKVDEC_MMU, bank + RK_MMU_INT_RAWSTAT, RK_MMU_IRQ_PAGE_FAULT);
	job_set_reg(job, VRK_RKVDEC_MMU, bank + RK_MMU_INT_STATUS, RK_MMU_IRQ_PAGE_FAULT);
	job_raise(job, VRK_IRQ_RKVDEC_MMU);
}

static uint32_t run_codec(struct rkvdec_run *run)
{
	uint32_t mode = RKVDEC_DEC_MODE(run->regs[RKVDEC_SYSCTRL]);

	switch (mode) {
	case RKVDEC_MODE_HEVC:
		return rkvdec_hevc_run(run);
	case RKVDEC_MODE_H264:
		return rkvdec_h264_run(run);
	case RKVDEC_MODE_VP9:
		return rkvdec_vp9_run(run);
	default:
		rkvdec_complain(run, "mode %u is not modelled", mode);
		return RKVDEC_ERR_STA;
	}
}

void rkvdec_run(struct silicon *silicon, struct job *job)
{
	struct rkvdec_run run = { .silicon = silicon, .job = job };
	volatile uint32_t *mmu = silicon->regs[VRK_RKVDEC_MMU];
	uint32_t status;

	if (!silicon->rkvdec)
		silicon->rkvdec = calloc(1, sizeof(*silicon->rkvdec));
	if (!silicon->rkvdec)
		abort();
	for (unsigned int i = 0; i < RKVDEC_N_REGS; i++)
		run.regs[i] = silicon->regs[VRK_RKVDEC][i];
	if (mmu[RK_MMU_STATUS / 4] & RK_MMU_STATUS_PAGING_ENABLED)
		bus_init(&run.bus, &silicon->dram, BUS_RK_IOMMU,
			 mmu[RK_MMU_DTE_ADDR / 4] & RK_MMU_DTE_MASK);
	else
		bus_init(&run.bus, &silicon->dram, BUS_FLAT, 0);
	run.context = hw_context_get(silicon->rkvdec, &run.bus, run.regs[RKVDEC_CABACTBL_BASE],
				     RKVDEC_DEC_MODE(run.regs[RKVDEC_SYSCTRL]), job->number);
	job->context = run.context->number;
	if (job->swap_refs)
		swap_refs(&run);

	status = run_codec(&run);
	if (run.bus.fault.hit) {
		rkvdec_complain(&run, "page fault: %s at %08x",
				run.bus.fault.write ? "write" : "read", run.bus.fault.addr);
		status = RKVDEC_BUS_STA | RKVDEC_ERR_STA;
		set_fault(silicon, job, &run.bus.fault);
		job->status = JOB_FAULT;
	} else if (job->inject_error) {
		rkvdec_complain(&run, "injected error");
		status = RKVDEC_ERR_STA;
	}
	if (!(status & RKVDEC_RDY_STA) && job->status == JOB_OK)
		job->status = JOB_ERROR;
	job_set_reg(job, VRK_RKVDEC, RKVDEC_INTERRUPT * 4,
		    status | RKVDEC_IRQ | RKVDEC_IRQ_RAW);
	job_raise(job, VRK_IRQ_RKVDEC);
}

void rkvdec_free(struct silicon *silicon)
{
	hw_contexts_free(silicon->rkvdec);
	silicon->rkvdec = NULL;
}
