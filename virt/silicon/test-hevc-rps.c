// SPDX-License-Identifier: GPL-2.0
/*
 * The table of a slice's references, written one field after the other as
 * rkvdec's driver describes it above assemble_sw_rps(): list 0, list 1 with 32
 * bits of padding behind the flag of its fifth entry, low delay, the two bit
 * offsets, the number of references.
 */
#include <stdio.h>
#include <string.h>

#include "hevc-syntax.h"

static uint32_t table[HEVC_RPS_WORDS];
static unsigned int at;

static void put(unsigned int value, unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++, at++)
		table[at / 32] |= (value >> i & 1) << at % 32;
}

int main(void)
{
	struct hevc_rps rps;
	unsigned int bad = 0;

	for (unsigned int list = 0; list < 2; list++) {
		for (unsigned int i = 0; i < HEVC_MAX_LIST; i++) {
			put((i + list) % 3 == 0, 1);
			if (list == 1 && i == 4)
				put(~0u, 32);	/* nobody is to read it */
			put((7 * i + list) % 16, 4);
		}
	}
	put(1, 1);
	put(700, 10);
	put(300, 9);
	put(13, 4);

	hevc_rps_unpack(&rps, table);
	for (unsigned int list = 0; list < 2; list++) {
		for (unsigned int i = 0; i < HEVC_MAX_LIST; i++) {
			if (rps.list[list][i].long_term == ((i + list) % 3 == 0) &&
			    rps.list[list][i].idx == (7 * i + list) % 16)
				continue;
			printf("entry %u of list %u is read wrong\n", i, list);
			bad++;
		}
	}
	if (rps.bits != 700 || rps.num_poc != 13) {
		printf("bits %u, pictures %u\n", rps.bits, rps.num_poc);
		bad++;
	}
	return bad > 0;
}
