/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a unit of the SoC sees memory.
 *
 * Every access of a model goes through here and is checked page by page
 * against the tables that the driver has set up, and against the size of the
 * guest's RAM.  A miss is remembered as the fault and stops the access; the
 * model then raises the fault interrupt.  Nothing outside of what the tables
 * map is ever read or written.
 *
 * Layouts, learnt from Linux 7.2:
 *  - BUS_RK_IOMMU: drivers/iommu/rockchip-iommu.c, version 1: a directory of
 *    1024 entries (bit 0: valid, bits 31..12: page table), page tables of 1024
 *    entries (bit 0 valid, bit 1 readable, bit 2 writable, 31..12: page).
 *  - BUS_PAGE_LIST: drivers/media/platform/rockchip/rga/rga-buf.c
 *    (fill_descriptors): one 32-bit page address per 4 KiB, from address 0 on.
 *    There is no valid bit; a zero or unaligned entry counts as a miss, since
 *    no driver ever puts one in.
 */
#ifndef SILICON_BUS_H
#define SILICON_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_PAGE_SIZE	4096u

struct bus_journal;

/* The guest's RAM; DMA address 0 is its first byte. */
struct dram {
	uint8_t *base;
	uint64_t size;
	struct bus_journal *journal;	/* of the job that is modelled, or NULL */
};

enum bus_kind {
	BUS_FLAT,		/* addresses are DRAM addresses */
	BUS_RK_IOMMU,
	BUS_PAGE_LIST,
};

struct bus_fault {
	bool hit;
	bool write;
	uint32_t addr;
};

struct bus {
	const struct dram *dram;
	enum bus_kind kind;
	uint64_t table;		/* DRAM address of the directory / page list */
	struct bus_fault fault;	/* the first miss */
};

void bus_init(struct bus *bus, const struct dram *dram, enum bus_kind kind,
	      uint64_t table);

/*
 * Pointer to memory at addr, of which *len bytes (never more than asked, never
 * 0) are contiguous; NULL is a miss.
 */
uint8_t *bus_span(struct bus *bus, uint32_t addr, size_t *len, bool write);

/* All of the range or false; a miss in the middle leaves the rest untouched. */
bool bus_read(struct bus *bus, uint32_t addr, void *to, size_t len);
bool bus_write(struct bus *bus, uint32_t addr, const void *from, size_t len);
/*
 * What a job writes while it takes time.  Silicon fills a picture line by
 * line, and whoever reads it before the interrupt gets rubbish.  So with a
 * journal, bus_write() keeps the data back and puts a loud pattern in its
 * place; bus_journal_apply() writes the data when the job's time is over.
 * A model must not read back what it has written in the same job.
 */
struct bus_journal {
	struct bus_span_write {
		struct bus bus;
		uint32_t addr;
		uint8_t *to;
		size_t len;
		size_t offset;		/* in data */
	} *spans;
	size_t n_spans, max_spans;
	uint8_t *data;
	size_t len, max_len;
};

#define BUS_UNFINISHED	0xa5	/* every byte that a running job is going to write */

/*
 * Writes what is still mapped where it was: a driver that has given up on the
 * job may have freed its buffers.  Returns how many bytes were left out.
 */
size_t bus_journal_apply(struct bus_journal *journal);
/* Forgets it all, and frees what it took. */
void bus_journal_clear(struct bus_journal *journal);

/* Checks that the range is mapped. */
bool bus_probe(struct bus *bus, uint32_t addr, size_t len, bool write);

#endif
