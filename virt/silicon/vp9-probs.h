/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VP9's probability contexts (VP9 bitstream specification, 10.5) and their
 * forward updates by the compressed header (6.3).
 */
#ifndef SILICON_VP9_PROBS_H
#define SILICON_VP9_PROBS_H

#include "vp9-syntax.h"

/* All members are bytes: no padding, default_probs is laid out the same. */
struct vp9_probs {
	uint8_t tx8[2][1], tx16[2][2], tx32[2][3];
	uint8_t coef[4][2][2][6][6][3];
	uint8_t skip[3];
	uint8_t inter_mode[7][3];
	uint8_t interp_filter[4][2];
	uint8_t is_inter[4];
	uint8_t comp_mode[5];
	uint8_t single_ref[5][2];
	uint8_t comp_ref[5];
	uint8_t y_mode[4][9], uv_mode[10][9];
	uint8_t partition[16][3];
	uint8_t mv_joint[3];
	uint8_t mv_sign[2];
	uint8_t mv_classes[2][10];
	uint8_t mv_class0_bit[2];
	uint8_t mv_bits[2][10];
	uint8_t mv_class0_fr[2][2][3];
	uint8_t mv_fr[2][3];
	uint8_t mv_class0_hp[2];
	uint8_t mv_hp[2];
};

struct vp9_compressed {
	uint8_t tx_mode;
	uint8_t reference_mode;		/* 0 single, 1 compound, 2 select */
};

void vp9_probs_default(struct vp9_probs *probs);

/* Applies the compressed header's updates to probs; false: damaged. */
bool vp9_probs_update(struct vp9_probs *probs, struct vp9_compressed *c,
		      const struct vp9_header *h, const uint8_t *data, size_t size);

/*
 * Size of the table of probabilities that rkvdec reads, and the place where two
 * differ: NULL when the table holds probs (and the segmentation's) for a frame
 * with this header.
 */
#define VP9_PROB_TABLE_BYTES	(80 + 96 + 2048 + 128 + 69)
const char *vp9_probs_compare(const struct vp9_probs *probs, const struct vp9_header *h,
			      const uint8_t *table);

#endif
