// SPDX-License-Identifier: GPL-2.0
/*
 * hantro VPU2, the decoder: dispatch to the codec, contexts, and how a job
 * ends.
 *
 * Learnt from Linux 7.2: verisilicon/rockchip_vpu_hw.c (rockchip_vpu2_vdpu_irq:
 * a job is sound when VDPU_INT_IRQ is set, so it is left out here after an
 * error), drivers/iommu/rockchip-iommu.c (one bank).
 *
 * A context is told from another by the IOMMU's directory and the address of
 * the driver's private table (VP8's probabilities, MPEG-2's matrices).  Both
 * may be reused after a session ends; the codecs do not trust what they
 * remember.
 *
 * The registers are zero when the next job is programmed: the VP8 driver does a
 * soft reset before, and reads, modifies and writes after it; the MPEG-2 driver
 * writes all it uses.
 */
#include "vpu2.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rkvdec-regs.h"

void vpu2_complain(const struct vpu2_run *run, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	silicon_log("vpu job %llu (context %u): %s",
		    (unsigned long long)run->job->number,
		    run->context ? run->context->number : 0, text);
}

/* Test hook: two references change places. */
static void swap_refs(struct vpu2_run *run)
{
	bool vp8 = (run->regs[VDPU_DEC_MODE] & 15) == VDPU_MODE_VP8;
	uint32_t *a = &run->regs[vp8 ? VP8_REF_LAST : MPEG2_REF_FWD_TOP];
	uint32_t *b = &run->regs[vp8 ? VP8_REF_GOLDEN : MPEG2_REF_BWD_TOP];
	uint32_t t = *a & ~1u;

	vpu2_complain(run, "references at %08x and %08x swapped", *a, *b);
	*a = (*b & ~1u) | (*a & 1);
	*b = t | (*b & 1);
}

static void set_fault(const struct silicon *silicon, struct job *job,
		      const struct bus_fault *fault)
{
	uint32_t status = silicon->regs[VRK_VPU_MMU][RK_MMU_STATUS / 4] |
			  RK_MMU_STATUS_PAGE_FAULT_ACTIVE;

	status &= ~RK_MMU_STATUS_PAGE_FAULT_IS_WRITE;
	if (fault->write)
		status |= RK_MMU_STATUS_PAGE_FAULT_IS_WRITE;
	job_set_reg(job, VRK_VPU_MMU, RK_MMU_STATUS, status);
	job_set_reg(job, VRK_VPU_MMU, RK_MMU_PAGE_FAULT_ADDR, fault->addr);
	job_set_reg(job, VRK_VPU_MMU, RK_MMU_INT_RAWSTAT, RK_MMU_IRQ_PAGE_FAULT);
	job_set_reg(job, VRK_VPU_MMU, RK_MMU_INT_STATUS, RK_MMU_IRQ_PAGE_FAULT);
	job_raise(job, VRK_IRQ_VPU_MMU);
}

static bool run_codec(struct vpu2_run *run)
{
	uint32_t mode = run->regs[VDPU_DEC_MODE] & 15;

	switch (mode) {
	case VDPU_MODE_VP8:
		return vpu2_vp8_run(run);
	case VDPU_MODE_MPEG2:
		return vpu2_mpeg2_run(run);
	default:
		vpu2_complain(run, "mode %u is not modelled", mode);
		return false;
	}
}

static void read_registers(struct silicon *silicon, struct vpu2_run *run)
{
	volatile uint32_t *regs = silicon->regs[VRK_VPU] + VPU2_DEC_BASE;
	volatile uint32_t *mmu = silicon->regs[VRK_VPU_MMU];

	for (unsigned int i = VPU2_FIRST_REG; i < VPU2_N_REGS; i++) {
		run->regs[i] = regs[i];
		regs[i] = 0;
	}
	if (mmu[RK_MMU_STATUS / 4] & RK_MMU_STATUS_PAGING_ENABLED)
		bus_init(&run->bus, &silicon->dram, BUS_RK_IOMMU,
			 mmu[RK_MMU_DTE_ADDR / 4] & RK_MMU_DTE_MASK);
	else
		bus_init(&run->bus, &silicon->dram, BUS_FLAT, 0);
}

void vpu2_run(struct silicon *silicon, struct job *job)
{
	struct vpu2_run run = { .silicon = silicon, .job = job };
	uint32_t status;

	if (!silicon->vpu2)
		silicon->vpu2 = calloc(1, sizeof(*silicon->vpu2));
	if (!silicon->vpu2)
		abort();
	read_registers(silicon, &run);
	run.context = hw_context_get(silicon->vpu2, &run.bus, run.regs[VDPU_QTABLE],
				     run.regs[VDPU_DEC_MODE] & 15, job->number);
	job->context = run.context->number;
	if (job->swap_refs)
		swap_refs(&run);

	status = run_codec(&run) ? VDPU_INT_IRQ | VDPU_INT_RDY : VDPU_INT_ERROR;
	if (run.bus.fault.hit) {
		vpu2_complain(&run, "page fault: %s at %08x",
			      run.bus.fault.write ? "write" : "read", run.bus.fault.addr);
		status = VDPU_INT_BUS;
		set_fault(silicon, job, &run.bus.fault);
		job->status = JOB_FAULT;
	} else if (job->inject_error) {
		vpu2_complain(&run, "injected error");
		status = VDPU_INT_ERROR;
	}
	if (!(status & VDPU_INT_RDY) && job->status == JOB_OK)
		job->status = JOB_ERROR;
	job_set_reg(job, VRK_VPU, (VPU2_DEC_BASE + VDPU_INTERRUPT) * 4, status);
	job_raise(job, VRK_IRQ_VDPU);
}

void vpu2_free(struct silicon *silicon)
{
	hw_contexts_free(silicon->vpu2);
	silicon->vpu2 = NULL;
}
