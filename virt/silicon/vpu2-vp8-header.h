/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VP8 frame headers (RFC 6386, 9.2 to 9.11, 19.2), written so that any
 * arithmetic code can follow: the driver gives the hardware the state of the
 * boolean decoder after the header ("range", "value") and where the macroblocks'
 * data goes on, and the header's fields in registers.  A boolean code is a
 * number, low + the rest, so another header can precede the same macroblocks
 * as long as it ends with the same range.  It is steered there by spelling
 * out probabilities that would not need to be.
 */
#ifndef SILICON_VPU2_VP8_HEADER_H
#define SILICON_VPU2_VP8_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vpu2-vp8-tables.h"

struct vp8_probs {
	uint8_t coeff[VP8_N_COEFF_PROBS];
	uint8_t mv[VP8_N_MV_PROBS];
};

struct vp8_header {
	bool key;
	unsigned int version;
	unsigned int mb_width, mb_height;
	bool update_map;
	uint8_t segment_probs[3];
	uint8_t quant[4], level[4];	/* of the segments */
	int8_t quant_delta[5];
	bool filter_simple;
	uint8_t filter_level, sharpness;
	int8_t ref_delta[4], mode_delta[4];
	unsigned int log2_partitions;
	bool refresh_golden, refresh_alt, refresh_last;
	unsigned int copy_to_golden, copy_to_alt;
	bool sign_bias_golden, sign_bias_alt;
	bool mb_skip;			/* mb_no_skip_coeff */
	uint8_t prob_skip, prob_intra, prob_last, prob_golden;
	uint8_t y_mode_probs[4], uv_mode_probs[3];
	struct vp8_probs probs;
	/* What the decoder has before this header, and whether it keeps the new. */
	const struct vp8_probs *base;
	bool refresh_probs;
};

/* As a decoder has them at a key frame. */
extern const struct vp8_probs vp8_default_probs;
/* Can a header turn one into the other?  Odd ones of motion vectors cannot be coded. */
bool vp8_probs_can_follow(const struct vp8_probs *probs, const struct vp8_probs *base);

/* A boolean encoder; data holds the bits so far, pos counts them. */
struct vp8_writer {
	uint8_t *data;
	size_t size;		/* bytes; zero beyond pos */
	size_t pos;		/* of the window of 8 bits */
	unsigned int range;
	bool overrun;
};

void vp8_writer_init(struct vp8_writer *w, uint8_t *data, size_t size);
void vp8_write_bool(struct vp8_writer *w, uint8_t prob, bool bit);
/* Adds value to the window. */
void vp8_writer_add(struct vp8_writer *w, uint8_t value);

#define VP8_ANY_RANGE	0
/* False when no such header ends with the range, or fields cannot be coded. */
bool vp8_write_header(struct vp8_writer *w, const struct vp8_header *header,
		      unsigned int range);

#endif
