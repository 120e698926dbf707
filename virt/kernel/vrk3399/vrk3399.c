// SPDX-License-Identifier: GPL-2.0
/*
 * vrk3399: the RK3399's media block for User-Mode Linux.
 *
 * The real drivers see register windows at the addresses of the RK3399 TRM, an
 * interrupt controller, power domains, clocks and resets, all described by
 * vrk3399.dts.  Here is only what a bus and the switches around it do; what the
 * units do is up to the daemon that has /dev/vrk3399 open (vrk3399-uapi.h is
 * the agreement).
 *
 * Which writes have side effects was learnt from the drivers:
 * rockchip/rga/rga-hw.c, rockchip/rkvdec/rkvdec-h264.c,
 * verisilicon/rockchip_vpu2_regs.h, iommu/rockchip-iommu.c (Linux 7.2).
 */
#include <linux/clk-provider.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/kfifo.h>
#include <linux/logic_iomem.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/pm_domain.h>
#include <linux/poll.h>
#include <linux/reset-controller.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <as-layout.h>
#include "vrk3399-uapi.h"

/* RGA2 */
#define RGA_CMD_CTRL		0x04
#define RGA_CMD_CTRL_START	BIT(0)
#define RGA_INT			0x10
#define RGA_INT_STATUS		GENMASK(3, 0)
#define RGA_INT_CLEAR		GENMASK(7, 4)
#define RGA_VERSION_INFO	0x28
#define RGA_VERSION_3_2		0x03200000

/* rkvdec */
#define RKVDEC_INTERRUPT	0x04
#define RKVDEC_INTERRUPT_DEC_E	BIT(0)

/* hantro VPU2 */
#define VPU_VEPU_ENCODE_START	(103 * 4)
#define VPU_VDPU_EN		(0x400 + 57 * 4)
#define VPU_ENABLE		BIT(0)

/* rockchip,iommu: one bank */
#define MMU_BANK_SIZE		0x40
#define MMU_STATUS		0x04
#define MMU_COMMAND		0x08
#define MMU_FAULT_ADDR		0x0c
#define MMU_INT_RAWSTAT		0x14
#define MMU_INT_CLEAR		0x18
#define MMU_INT_STATUS		0x20
#define MMU_LAST_REG		0x28
#define MMU_STATUS_PAGING	BIT(0)
#define MMU_STATUS_FAULT	BIT(1)
#define MMU_STATUS_STALL	BIT(2)
#define MMU_STATUS_IDLE		BIT(3)
#define MMU_STATUS_NOT_STALLED	BIT(31)
enum {
	MMU_CMD_ENABLE_PAGING,
	MMU_CMD_DISABLE_PAGING,
	MMU_CMD_ENABLE_STALL,
	MMU_CMD_DISABLE_STALL,
	MMU_CMD_ZAP_CACHE,
	MMU_CMD_PAGE_FAULT_DONE,
	MMU_CMD_FORCE_RESET,
};

/* Power domains (device tree numbers), as the RK3399's: a unit's IOMMU is in the unit's. */
enum vrk_domain {
	VRK_PD_VCODEC,
	VRK_PD_VDU,
	VRK_PD_RGA,
	VRK_N_DOMAINS
};

/* Clocks (device tree numbers); an ACLK and an HCLK are the way to the registers. */
enum vrk_clk {
	VRK_ACLK_VCODEC,
	VRK_HCLK_VCODEC,
	VRK_ACLK_VDU,
	VRK_HCLK_VDU,
	VRK_SCLK_VDU_CABAC,
	VRK_SCLK_VDU_CORE,
	VRK_ACLK_RGA,
	VRK_HCLK_RGA,
	VRK_SCLK_RGA_CORE,
	VRK_N_CLKS
};

struct vrk_unit_state {
	const char *name;
	u32 base, size;		/* inside the SoC window, bytes */
	enum vrk_domain domain;
	u32 *regs;		/* VRK_REGS_SIZE, shared with the daemon */
	ktime_t started;
	u32 seq;		/* of the newest start write, or what ended it since */
	u32 answered;		/* seq of the newest VRK_IOC_DONE */
	struct hrtimer timer;
	struct vrk_done done;	/* what the timer will do */
};

static struct vrk_unit_state units[VRK_N_UNITS] = {
	[VRK_RGA]	 = { "rga",	   0x680000, 0x10000,		VRK_PD_RGA },
	[VRK_VPU]	 = { "vpu",	   0x650000, 0x800,		VRK_PD_VCODEC },
	[VRK_RKVDEC]	 = { "rkvdec",	   0x660000, 0x480,		VRK_PD_VDU },
	[VRK_VPU_MMU]	 = { "vpu_mmu",	   0x650800, MMU_BANK_SIZE,	VRK_PD_VCODEC },
	[VRK_RKVDEC_MMU] = { "rkvdec_mmu", 0x660480, 2 * MMU_BANK_SIZE,	VRK_PD_VDU },
};

static struct resource vrk_window = {
	.name = "vrk3399 mmio", .flags = IORESOURCE_MEM,
};

static struct irq_domain *vrk_irq_domain;
static DEFINE_SPINLOCK(vrk_lock);	/* the fifo and every unit's seq, done */
static DEFINE_KFIFO(vrk_events, struct vrk_event, 64);
static DECLARE_WAIT_QUEUE_HEAD(vrk_wait);

/* Registers */

static bool vrk_is_start(enum vrk_unit unit, u32 off, u32 val)
{
	switch (unit) {
	case VRK_RGA:
		return off == RGA_CMD_CTRL && (val & RGA_CMD_CTRL_START);
	case VRK_RKVDEC:
		return off == RKVDEC_INTERRUPT && (val & RKVDEC_INTERRUPT_DEC_E);
	case VRK_VPU:
		return (off == VPU_VDPU_EN || off == VPU_VEPU_ENCODE_START) &&
		       (val & VPU_ENABLE);
	default:
		return false;
	}
}

/* The job that a unit may have is gone: it neither ends nor raises an interrupt. */
static void vrk_drop_job(struct vrk_unit_state *u)
{
	unsigned long flags;

	spin_lock_irqsave(&vrk_lock, flags);
	u->seq++;
	spin_unlock_irqrestore(&vrk_lock, flags);
	hrtimer_cancel(&u->timer);
}

static void vrk_start(struct vrk_unit_state *u, u32 off, u32 val)
{
	struct vrk_event ev = { .unit = u - units, .offset = off, .value = val };
	unsigned long flags;

	/* a unit that is started again has dropped what it was doing */
	hrtimer_cancel(&u->timer);
	spin_lock_irqsave(&vrk_lock, flags);
	u->started = ktime_get();
	ev.seq = ++u->seq;
	ev.start_ns = ktime_to_ns(u->started);
	if (!kfifo_put(&vrk_events, ev))
		pr_err("vrk3399: no daemon takes the jobs of %s\n", u->name);
	spin_unlock_irqrestore(&vrk_lock, flags);
	wake_up_interruptible(&vrk_wait);
}

static void vrk_mmu_reset(u32 *bank)
{
	memset(bank, 0, MMU_LAST_REG);
	bank[MMU_STATUS / 4] = MMU_STATUS_NOT_STALLED | MMU_STATUS_IDLE;
}

static void vrk_mmu_command(u32 *bank, u32 cmd)
{
	u32 *status = &bank[MMU_STATUS / 4];

	switch (cmd) {
	case MMU_CMD_ENABLE_PAGING:
		*status |= MMU_STATUS_PAGING;
		break;
	case MMU_CMD_DISABLE_PAGING:
		*status &= ~MMU_STATUS_PAGING;
		break;
	case MMU_CMD_ENABLE_STALL:
		*status |= MMU_STATUS_STALL;
		*status &= ~MMU_STATUS_NOT_STALLED;
		break;
	case MMU_CMD_DISABLE_STALL:
		*status &= ~MMU_STATUS_STALL;
		*status |= MMU_STATUS_NOT_STALLED;
		break;
	case MMU_CMD_PAGE_FAULT_DONE:
		*status &= ~MMU_STATUS_FAULT;
		break;
	case MMU_CMD_FORCE_RESET:
		vrk_mmu_reset(bank);
		break;
	case MMU_CMD_ZAP_CACHE:	/* the daemon keeps no translations */
		break;
	}
}

static void vrk_mmu_write(struct vrk_unit_state *u, u32 off, u32 val)
{
	u32 *bank = u->regs + round_down(off, MMU_BANK_SIZE) / 4;

	switch (off % MMU_BANK_SIZE) {
	case MMU_STATUS:
	case MMU_FAULT_ADDR:
	case MMU_INT_STATUS:
		return;		/* read only */
	case MMU_COMMAND:
		vrk_mmu_command(bank, val);
		return;
	case MMU_INT_CLEAR:
		bank[MMU_INT_RAWSTAT / 4] &= ~val;
		bank[MMU_INT_STATUS / 4] &= ~val;
		return;
	}
	WRITE_ONCE(u->regs[off / 4], val);
}

static void vrk_write32(struct vrk_unit_state *u, u32 off, u32 val)
{
	enum vrk_unit unit = u - units;

	if (unit == VRK_VPU_MMU || unit == VRK_RKVDEC_MMU) {
		vrk_mmu_write(u, off, val);
		return;
	}
	if (unit == VRK_RGA && off == RGA_INT) {
		/* bits 4..7 clear the status bits 0..3 */
		u32 status = u->regs[off / 4] & RGA_INT_STATUS;

		status &= ~((val & RGA_INT_CLEAR) >> 4);
		WRITE_ONCE(u->regs[off / 4],
			   (val & ~(RGA_INT_STATUS | RGA_INT_CLEAR)) | status);
		return;
	}
	if (unit == VRK_RGA && off == RGA_VERSION_INFO)
		return;
	WRITE_ONCE(u->regs[off / 4], val);
	if (vrk_is_start(unit, off, val))
		vrk_start(u, off, val);
}

/* Power domains */

static struct generic_pm_domain vrk_domains[VRK_N_DOMAINS];
static bool vrk_power[VRK_N_DOMAINS];

static void vrk_reset_regs(struct vrk_unit_state *u)
{
	memset(u->regs, 0, VRK_REGS_SIZE);
	switch (u - units) {
	case VRK_RGA:
		u->regs[RGA_VERSION_INFO / 4] = RGA_VERSION_3_2;
		break;
	case VRK_RKVDEC_MMU:
		vrk_mmu_reset(u->regs + MMU_BANK_SIZE / 4);
		fallthrough;
	case VRK_VPU_MMU:
		vrk_mmu_reset(u->regs);
		break;
	}
}

static int vrk_power_on(struct generic_pm_domain *pd)
{
	unsigned int i, domain = pd - vrk_domains;

	for (i = 0; i < VRK_N_UNITS; i++)
		if (units[i].domain == domain)
			vrk_reset_regs(&units[i]);
	WRITE_ONCE(vrk_power[domain], true);
	return 0;
}

static int vrk_power_off(struct generic_pm_domain *pd)
{
	unsigned int i, domain = pd - vrk_domains;

	WRITE_ONCE(vrk_power[domain], false);
	for (i = 0; i < VRK_N_UNITS; i++)
		if (units[i].domain == domain)
			vrk_drop_job(&units[i]);
	return 0;
}

/* Clocks */

static unsigned long vrk_clks_on;	/* BIT(enum vrk_clk) */
static struct clk_hw vrk_clk_hw[VRK_N_CLKS];

static int vrk_clk_enable(struct clk_hw *hw)
{
	set_bit(hw - vrk_clk_hw, &vrk_clks_on);
	return 0;
}

static void vrk_clk_disable(struct clk_hw *hw)
{
	clear_bit(hw - vrk_clk_hw, &vrk_clks_on);
}

static unsigned long vrk_clk_rate(struct clk_hw *hw, unsigned long parent_rate)
{
	return 300000000;
}

static const struct clk_ops vrk_clk_ops = {
	.enable = vrk_clk_enable,
	.disable = vrk_clk_disable,
	.recalc_rate = vrk_clk_rate,
};

static int __init vrk_clks_init(struct device_node *np)
{
	static const char *const names[VRK_N_CLKS] = {
		"aclk_vcodec", "hclk_vcodec", "aclk_vdu", "hclk_vdu", "sclk_vdu_ca",
		"sclk_vdu_core", "aclk_rga", "hclk_rga", "sclk_rga_core",
	};
	struct clk_hw_onecell_data *data;
	unsigned int i;
	int ret;

	data = kzalloc(struct_size(data, hws, VRK_N_CLKS), GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	data->num = VRK_N_CLKS;
	for (i = 0; i < VRK_N_CLKS; i++) {
		struct clk_init_data init = { .name = names[i], .ops = &vrk_clk_ops };

		vrk_clk_hw[i].init = &init;
		ret = of_clk_hw_register(np, &vrk_clk_hw[i]);
		if (ret)
			return ret;
		data->hws[i] = &vrk_clk_hw[i];
	}
	return of_clk_add_hw_provider(np, of_clk_hw_onecell_get, data);
}

/* The SoC hangs if not; here, the log says why. */
static bool vrk_reachable(struct vrk_unit_state *u, unsigned int off, const char *what)
{
	static const unsigned long bus_clks[VRK_N_DOMAINS] = {
		[VRK_PD_VCODEC] = BIT(VRK_ACLK_VCODEC) | BIT(VRK_HCLK_VCODEC),
		[VRK_PD_VDU] = BIT(VRK_ACLK_VDU) | BIT(VRK_HCLK_VDU),
		[VRK_PD_RGA] = BIT(VRK_ACLK_RGA) | BIT(VRK_HCLK_RGA),
	};
	bool power = READ_ONCE(vrk_power[u->domain]);

	if (likely(power && !(bus_clks[u->domain] & ~READ_ONCE(vrk_clks_on))))
		return true;
	pr_err_ratelimited("vrk3399: BUG: %s of %s's register %#x without %s\n",
			   what, u->name, off, power ? "a clock" : "power");
	return false;
}

static int __init vrk_domains_init(struct device_node *np)
{
	static const char *const names[] = { "vcodec", "vdu", "rga" };
	static struct generic_pm_domain *all[VRK_N_DOMAINS];
	static struct genpd_onecell_data data = {
		.domains = all, .num_domains = VRK_N_DOMAINS,
	};
	unsigned int i;
	int ret;

	for (i = 0; i < VRK_N_DOMAINS; i++) {
		vrk_domains[i] = (struct generic_pm_domain) {
			.name = names[i], .flags = GENPD_FLAG_NO_SYNC_STATE,
			.power_on = vrk_power_on, .power_off = vrk_power_off,
		};
		ret = pm_genpd_init(&vrk_domains[i], NULL, true);
		if (ret)
			return ret;
		all[i] = &vrk_domains[i];
	}
	return of_genpd_add_provider_onecell(np, &data);
}

/* logic_iomem: @off is inside a VRK_REGS_SIZE aligned area */

static unsigned long vrk_read(void *priv, unsigned int off, int size)
{
	struct vrk_unit_state *u = priv;
	unsigned long val = 0;

	if (!vrk_reachable(u, off % VRK_REGS_SIZE, "read"))
		return ~0ul;
	memcpy(&val, (u8 *)u->regs + off % VRK_REGS_SIZE, size);
	return val;
}

static void vrk_write(void *priv, unsigned int off, int size, unsigned long val)
{
	struct vrk_unit_state *u = priv;

	off %= VRK_REGS_SIZE;
	if (!vrk_reachable(u, off, "write"))
		return;
	if (size == 8) {
		vrk_write32(u, off, val);
		vrk_write32(u, off + 4, val >> 32);
	} else if (size == 4) {
		vrk_write32(u, off, val);
	} else {
		memcpy((u8 *)u->regs + off, &val, size);
	}
}

static void vrk_copy_to(void *priv, unsigned int off, const void *buf, int size)
{
	struct vrk_unit_state *u = priv;
	int i;

	off %= VRK_REGS_SIZE;
	if (!vrk_reachable(u, off, "write"))
		return;
	for (i = 0; i + 4 <= size; i += 4)
		vrk_write32(u, off + i, *(const u32 *)(buf + i));
}

static void vrk_copy_from(void *priv, void *buf, unsigned int off, int size)
{
	struct vrk_unit_state *u = priv;

	if (!vrk_reachable(u, off % VRK_REGS_SIZE, "read")) {
		memset(buf, 0xff, size);
		return;
	}
	memcpy(buf, (u8 *)u->regs + off % VRK_REGS_SIZE, size);
}

static const struct logic_iomem_ops vrk_iomem_ops = {
	.read = vrk_read,
	.write = vrk_write,
	.copy_to = vrk_copy_to,
	.copy_from = vrk_copy_from,
};

static long vrk_map(unsigned long offset, size_t size,
		    const struct logic_iomem_ops **ops, void **priv)
{
	int i;

	for (i = 0; i < VRK_N_UNITS; i++) {
		struct vrk_unit_state *u = &units[i];

		if (offset < u->base || offset + size > u->base + u->size)
			continue;
		*ops = &vrk_iomem_ops;
		*priv = u;
		return offset - u->base;
	}
	return -ENOENT;
}

static const struct logic_iomem_region_ops vrk_region_ops = { .map = vrk_map };

/* Interrupt controller and resets */

static void vrk_irq_nop(struct irq_data *d) { }

static int vrk_irq_set_type(struct irq_data *d, unsigned int type)
{
	return 0;
}

static struct irq_chip vrk_irq_chip = {
	.name = "vrk3399-gic",
	.irq_mask = vrk_irq_nop,
	.irq_unmask = vrk_irq_nop,
	.irq_set_type = vrk_irq_set_type,
};

static int vrk_irq_map(struct irq_domain *d, unsigned int virq, irq_hw_number_t hw)
{
	irq_set_chip_and_handler(virq, &vrk_irq_chip, handle_simple_irq);
	return 0;
}

static const struct irq_domain_ops vrk_irq_domain_ops = {
	.map = vrk_irq_map,
	.xlate = irq_domain_xlate_onecell,
};

/* The RGA's are all that there are, in the device tree's order: core, axi, ahb. */
static int vrk_reset_assert(struct reset_controller_dev *r, unsigned long id)
{
	vrk_drop_job(&units[VRK_RGA]);
	vrk_reset_regs(&units[VRK_RGA]);
	return 0;
}

static int vrk_reset_nop(struct reset_controller_dev *r, unsigned long id)
{
	return 0;
}

static const struct reset_control_ops vrk_reset_ops = {
	.assert = vrk_reset_assert,
	.deassert = vrk_reset_nop,
	.reset = vrk_reset_assert,
};

static struct reset_controller_dev vrk_resets = {
	.ops = &vrk_reset_ops,
	.nr_resets = 3,
};

/* Completion */

static void vrk_set_reg(const struct vrk_reg *reg)
{
	u32 *p = &units[reg->unit].regs[reg->offset / 4];

	if (reg->unit == VRK_RGA && reg->offset == RGA_INT)
		*p |= reg->value & RGA_INT_STATUS;
	else
		WRITE_ONCE(*p, reg->value);
}

static enum hrtimer_restart vrk_complete(struct hrtimer *t)
{
	struct vrk_unit_state *u = container_of(t, struct vrk_unit_state, timer);
	unsigned long irqs = u->done.irq_mask;
	unsigned int i;

	for (i = 0; i < u->done.n_regs; i++)
		vrk_set_reg(&u->done.regs[i]);
	for_each_set_bit(i, &irqs, VRK_N_IRQS)
		generic_handle_domain_irq_safe(vrk_irq_domain, i);
	return HRTIMER_NORESTART;
}

/* /dev/vrk3399 */

/* Who plays the silicon is not stopped with the processes when the system is suspended. */
static int vrk_open(struct inode *inode, struct file *f)
{
	current->flags |= PF_NOFREEZE;
	return 0;
}

static ssize_t vrk_fread(struct file *f, char __user *buf, size_t n, loff_t *pos)
{
	struct vrk_event ev;
	int got = 0, ret;

	if (n < sizeof(ev))
		return -EINVAL;
	while (!got) {
		if ((f->f_flags & O_NONBLOCK) && kfifo_is_empty(&vrk_events))
			return -EAGAIN;
		ret = wait_event_interruptible(vrk_wait, !kfifo_is_empty(&vrk_events));
		if (ret)
			return ret;
		spin_lock_irq(&vrk_lock);
		got = kfifo_get(&vrk_events, &ev);
		spin_unlock_irq(&vrk_lock);
	}
	return copy_to_user(buf, &ev, sizeof(ev)) ? -EFAULT : sizeof(ev);
}

static __poll_t vrk_poll(struct file *f, poll_table *pt)
{
	poll_wait(f, &vrk_wait, pt);
	return kfifo_is_empty(&vrk_events) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static bool vrk_done_valid(const struct vrk_done *done)
{
	unsigned int i;

	if (done->unit >= VRK_N_UNITS || done->n_regs > VRK_DONE_MAX_REGS ||
	    done->irq_mask >= BIT(VRK_N_IRQS))
		return false;
	for (i = 0; i < done->n_regs; i++)
		if (done->regs[i].unit >= VRK_N_UNITS || done->regs[i].offset % 4 ||
		    done->regs[i].offset >= VRK_REGS_SIZE)
			return false;
	return true;
}

/* vrk_lock is held. */
static int vrk_runs(const struct vrk_unit_state *u, u32 seq)
{
	if (seq != u->seq)
		return -ESTALE;
	return seq == u->answered ? -EALREADY : 0;
}

static int vrk_ioc_running(const struct vrk_running *job)
{
	unsigned long flags;
	int ret;

	if (job->unit >= VRK_N_UNITS)
		return -EINVAL;
	spin_lock_irqsave(&vrk_lock, flags);
	ret = vrk_runs(&units[job->unit], job->seq);
	spin_unlock_irqrestore(&vrk_lock, flags);
	return ret;
}

static int vrk_ioc_done(const struct vrk_done *done)
{
	struct vrk_unit_state *u;
	unsigned long flags;
	int ret;

	if (!vrk_done_valid(done))
		return -EINVAL;
	u = &units[done->unit];
	spin_lock_irqsave(&vrk_lock, flags);
	ret = vrk_runs(u, done->seq);
	if (!ret) {
		u->answered = done->seq;
		u->done = *done;
		/* always from hard interrupt context, at an exact time after the start */
		hrtimer_start(&u->timer, ktime_add_ns(u->started, done->latency_ns),
			      HRTIMER_MODE_ABS_HARD);
	}
	spin_unlock_irqrestore(&vrk_lock, flags);
	return ret;
}

static long vrk_ioctl(struct file *f, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;
	struct vrk_running job;
	struct vrk_done done;
	u64 size = physmem_size;

	switch (cmd) {
	case VRK_IOC_DONE:
		if (copy_from_user(&done, p, sizeof(done)))
			return -EFAULT;
		return vrk_ioc_done(&done);
	case VRK_IOC_RUNNING:
		if (copy_from_user(&job, p, sizeof(job)))
			return -EFAULT;
		return vrk_ioc_running(&job);
	case VRK_IOC_DRAM_SIZE:
		return copy_to_user(p, &size, sizeof(size)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

static int vrk_mmap(struct file *f, struct vm_area_struct *vma)
{
	u64 off = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 len = vma->vm_end - vma->vm_start;

	if (off < VRK_MAP_DRAM) {
		if (off / VRK_REGS_SIZE >= VRK_N_UNITS)
			return -EINVAL;
		return remap_vmalloc_range(vma, units[off / VRK_REGS_SIZE].regs,
					   (off % VRK_REGS_SIZE) >> PAGE_SHIFT);
	}
	off -= VRK_MAP_DRAM;
	if (off + len > physmem_size)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, off >> PAGE_SHIFT, len,
			       vma->vm_page_prot);
}

static const struct file_operations vrk_fops = {
	.owner = THIS_MODULE,
	.open = vrk_open,
	.read = vrk_fread,
	.poll = vrk_poll,
	.unlocked_ioctl = vrk_ioctl,
	.mmap = vrk_mmap,
};

static struct miscdevice vrk_misc = {
	.minor = MISC_DYNAMIC_MINOR, .name = "vrk3399", .fops = &vrk_fops,
};

/*
 * Before the IOMMU and media drivers probe: their ioremap() and interrupts
 * need the window and the domain.
 */
static int __init vrk_early_init(void)
{
	struct device_node *np = of_find_compatible_node(NULL, NULL, "vrk3399,soc");
	struct resource res;
	int i, ret;

	if (!np)
		return 0;	/* booted without the device tree */
	ret = of_address_to_resource(np, 0, &res);
	if (ret)
		return ret;
	vrk_window.start = res.start;
	vrk_window.end = res.end;
	for (i = 0; i < VRK_N_UNITS; i++) {
		units[i].regs = vmalloc_user(VRK_REGS_SIZE);
		if (!units[i].regs)
			return -ENOMEM;
		hrtimer_setup(&units[i].timer, vrk_complete, CLOCK_MONOTONIC,
			      HRTIMER_MODE_ABS_HARD);
	}
	ret = logic_iomem_add_region(&vrk_window, &vrk_region_ops);
	if (ret)
		return ret;
	vrk_irq_domain = irq_domain_create_linear(of_fwnode_handle(np), VRK_N_IRQS,
						  &vrk_irq_domain_ops, NULL);
	if (!vrk_irq_domain)
		return -ENOMEM;
	ret = vrk_domains_init(np);
	if (ret)
		return ret;
	ret = vrk_clks_init(np);
	if (ret)
		return ret;
	vrk_resets.of_node = np;
	return reset_controller_register(&vrk_resets);
}
postcore_initcall(vrk_early_init);

static int __init vrk_device_init(void)
{
	return vrk_irq_domain ? misc_register(&vrk_misc) : 0;
}
device_initcall(vrk_device_init);
