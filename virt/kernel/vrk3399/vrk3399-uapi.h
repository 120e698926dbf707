/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vrk3399: the agreement between the glue driver in the guest kernel and the
 * silicon daemon (virt/silicon), which plays the hardware.
 *
 * The real drivers write registers through logic_iomem; a write that would
 * start a unit queues one struct vrk_event.  The daemon reads it, does the
 * work on the guest's memory and answers with VRK_IOC_DONE; the glue driver
 * sets the result registers and raises the interrupts from a hard timer,
 * exactly latency_ns after the start write.
 */
#ifndef VRK3399_UAPI_H
#define VRK3399_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Register files, each VRK_REGS_SIZE bytes, in this order in the mapping. */
enum vrk_unit {
	VRK_RGA,	/* RGA2 raster engine, TRM address 0xff680000 */
	VRK_VPU,	/* hantro VPU2: encoder at 0, decoder at 0x400; 0xff650000 */
	VRK_RKVDEC,	/* rkvdec, 0xff660000 */
	VRK_VPU_MMU,	/* rockchip,iommu of the VPU, 0xff650800 */
	VRK_RKVDEC_MMU,	/* rockchip,iommu of rkvdec: two banks 0x40 apart, 0xff660480 */
	VRK_N_UNITS
};

/* Interrupt lines of the virtual interrupt controller (device tree numbers). */
enum vrk_irq {
	VRK_IRQ_VEPU,
	VRK_IRQ_VDPU,
	VRK_IRQ_RKVDEC,
	VRK_IRQ_RGA,
	VRK_IRQ_VPU_MMU,
	VRK_IRQ_RKVDEC_MMU,
	VRK_N_IRQS
};

#define VRK_REGS_SIZE	0x10000u

/* One start write, from read(2). */
struct vrk_event {
	__u32 unit;		/* enum vrk_unit */
	__u32 offset;		/* of the register that was written, bytes */
	__u32 value;
	__u32 seq;		/* grows with each of the unit's start writes */
	__u64 start_ns;		/* CLOCK_MONOTONIC at the start write */
};

#define VRK_DONE_MAX_REGS	12

struct vrk_reg {
	__u32 unit;		/* whose register file (an MMU's, for a fault) */
	__u32 offset;		/* bytes */
	__u32 value;
};

/*
 * The end of a job.  Fails with ESTALE when seq is no longer the unit's
 * newest start (the driver gave up on the job and started another) or the unit
 * was reset or lost its power since, and with EALREADY when that job has been
 * answered before.
 */
struct vrk_done {
	__u32 unit;
	__u32 seq;
	__u64 latency_ns;	/* from the start write; already past: at once */
	__u32 irq_mask;		/* BIT(enum vrk_irq), raised in ascending order */
	__u32 n_regs;
	struct vrk_reg regs[VRK_DONE_MAX_REGS];	/* set just before the interrupts */
};

#define VRK_IOC_DONE	_IOW('V', 1, struct vrk_done)

/* Size of the guest's RAM in bytes: DMA addresses are 0 .. size - 1. */
#define VRK_IOC_DRAM_SIZE	_IOR('V', 2, __u64)

/* Asks what VRK_IOC_DONE would answer: a job that is gone must write nothing more. */
struct vrk_running {
	__u32 unit;
	__u32 seq;
};

#define VRK_IOC_RUNNING	_IOW('V', 3, struct vrk_running)

/* mmap(2) offsets */
#define VRK_MAP_REGS	0ULL			/* + unit * VRK_REGS_SIZE */
#define VRK_MAP_DRAM	0x100000000ULL		/* + DMA address */

#endif
