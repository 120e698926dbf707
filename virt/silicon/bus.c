// SPDX-License-Identifier: GPL-2.0
#include "bus.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_MASK	(~(uint64_t)(BUS_PAGE_SIZE - 1))

#define RK_DTE_PT_VALID		0x1u
#define RK_PTE_PAGE_VALID	0x1u
#define RK_PTE_PAGE_READABLE	0x2u
#define RK_PTE_PAGE_WRITABLE	0x4u

void bus_init(struct bus *bus, const struct dram *dram, enum bus_kind kind,
	      uint64_t table)
{
	*bus = (struct bus){ .dram = dram, .kind = kind, .table = table };
}

static bool dram_read32(const struct dram *dram, uint64_t addr, uint32_t *value)
{
	if (addr & 3 || dram->size < 4 || addr > dram->size - 4)
		return false;
	/* The guest may be writing it: one load, no tearing. */
	*value = *(volatile uint32_t *)(dram->base + addr);
	return true;
}

static bool rk_iommu_walk(const struct bus *bus, uint32_t iova, bool write,
			  uint64_t *page)
{
	uint32_t need = RK_PTE_PAGE_VALID |
			(write ? RK_PTE_PAGE_WRITABLE : RK_PTE_PAGE_READABLE);
	uint32_t dte, pte;

	if (!dram_read32(bus->dram, bus->table + (iova >> 22) * 4, &dte) ||
	    !(dte & RK_DTE_PT_VALID))
		return false;
	if (!dram_read32(bus->dram, (dte & PAGE_MASK) + (iova >> 12 & 1023) * 4, &pte) ||
	    (pte & need) != need)
		return false;
	*page = pte & PAGE_MASK;
	return true;
}

static bool bus_walk(const struct bus *bus, uint32_t addr, bool write,
		     uint64_t *page)
{
	uint32_t entry;

	switch (bus->kind) {
	case BUS_FLAT:
		*page = addr & PAGE_MASK;
		break;
	case BUS_RK_IOMMU:
		if (!rk_iommu_walk(bus, addr, write, page))
			return false;
		break;
	case BUS_PAGE_LIST:
		if (!dram_read32(bus->dram, bus->table + (uint64_t)(addr >> 12) * 4, &entry) ||
		    !entry || entry & ~PAGE_MASK)
			return false;
		*page = entry;
		break;
	}
	return bus->dram->size >= BUS_PAGE_SIZE &&
	       *page <= bus->dram->size - BUS_PAGE_SIZE;
}

uint8_t *bus_span(struct bus *bus, uint32_t addr, size_t *len, bool write)
{
	uint32_t in_page = addr & (BUS_PAGE_SIZE - 1);
	size_t have = BUS_PAGE_SIZE - in_page;
	uint64_t page, next;

	if (!bus_walk(bus, addr, write, &page)) {
		if (!bus->fault.hit)
			bus->fault = (struct bus_fault){ true, write, addr };
		return NULL;
	}
	/* Pages that happen to be neighbours make one span. */
	while (have < *len && have <= UINT32_MAX - addr &&
	       bus_walk(bus, addr + have, write, &next) &&
	       next == page + in_page + have)
		have += BUS_PAGE_SIZE;
	if (have < *len)
		*len = have;
	return bus->dram->base + page + in_page;
}

static void journal_add(struct bus_journal *j, const struct bus *bus, uint32_t addr,
			uint8_t *to, const uint8_t *data, size_t len)
{
	if (j->n_spans == j->max_spans) {
		j->max_spans = j->max_spans ? 2 * j->max_spans : 1024;
		j->spans = realloc(j->spans, j->max_spans * sizeof(*j->spans));
	}
	if (j->len + len > j->max_len) {
		j->max_len = 2 * (j->len + len);
		j->data = realloc(j->data, j->max_len);
	}
	if (!j->spans || !j->data)
		abort();
	j->spans[j->n_spans++] = (struct bus_span_write){ *bus, addr, to, len, j->len };
	memcpy(j->data + j->len, data, len);
	j->len += len;
	memset(to, BUS_UNFINISHED, len);
}

size_t bus_journal_apply(struct bus_journal *journal)
{
	size_t left_out = 0;

	for (size_t i = 0; i < journal->n_spans; i++) {
		struct bus_span_write *w = &journal->spans[i];
		size_t len = w->len;

		if (bus_span(&w->bus, w->addr, &len, true) == w->to && len == w->len)
			memcpy(w->to, journal->data + w->offset, len);
		else
			left_out += w->len;
	}
	return left_out;
}

void bus_journal_clear(struct bus_journal *journal)
{
	free(journal->spans);
	free(journal->data);
	*journal = (struct bus_journal){ 0 };
}

enum bus_op { BUS_OP_READ, BUS_OP_WRITE, BUS_OP_PROBE };

static bool bus_access(struct bus *bus, uint32_t addr, void *data, size_t len,
		       enum bus_op op, bool write)
{
	uint8_t *bytes = data;

	while (len) {
		size_t n = len;
		uint8_t *p = bus_span(bus, addr, &n, write);

		if (!p)
			return false;
		if (op == BUS_OP_READ)
			memcpy(bytes, p, n);
		else if (op == BUS_OP_WRITE && bus->dram->journal)
			journal_add(bus->dram->journal, bus, addr, p, bytes, n);
		else if (op == BUS_OP_WRITE)
			memcpy(p, bytes, n);
		if (bytes)
			bytes += n;
		len -= n;
		if (len && addr + (uint64_t)n > UINT32_MAX) {
			if (!bus->fault.hit)
				bus->fault = (struct bus_fault){ true, write, UINT32_MAX };
			return false;
		}
		addr += n;
	}
	return true;
}

bool bus_read(struct bus *bus, uint32_t addr, void *to, size_t len)
{
	return bus_access(bus, addr, to, len, BUS_OP_READ, false);
}

bool bus_write(struct bus *bus, uint32_t addr, const void *from, size_t len)
{
	return bus_access(bus, addr, (void *)from, len, BUS_OP_WRITE, true);
}

bool bus_probe(struct bus *bus, uint32_t addr, size_t len, bool write)
{
	return bus_access(bus, addr, NULL, len, BUS_OP_PROBE, write);
}
