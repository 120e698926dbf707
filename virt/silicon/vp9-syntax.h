/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The uncompressed header of a VP9 frame (VP9 bitstream specification, 6.2),
 * as far as rkvdec's VP9 mode reads it from the stream itself.
 */
#ifndef SILICON_VP9_SYNTAX_H
#define SILICON_VP9_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VP9_REF_SLOTS		8
#define VP9_REFS		3
#define VP9_SEGMENTS		8

enum vp9_seg_feature {
	VP9_SEG_ALT_Q,
	VP9_SEG_ALT_L,
	VP9_SEG_REF_FRAME,
	VP9_SEG_SKIP,
	VP9_SEG_FEATURES,
};

/* What a frame inherits from the one before (7.2.8, 7.2.10). */
struct vp9_inherited {
	int8_t ref_deltas[4];
	int8_t mode_deltas[2];
	bool seg_abs;
	uint8_t seg_enabled[VP9_SEGMENTS];		/* BIT(enum vp9_seg_feature) */
	int16_t seg_data[VP9_SEGMENTS][VP9_SEG_FEATURES];
};

struct vp9_header {
	bool key_frame, show_frame, error_resilient, intra_only;
	bool refresh_frame_context, frame_parallel;
	bool lossless, high_precision_mv;
	uint8_t reset_frame_context, frame_context_idx;
	uint8_t refresh_flags;
	uint8_t ref_slot[VP9_REFS];
	bool sign_bias[VP9_REFS];
	uint8_t interp_filter;		/* 0 regular, 1 smooth, 2 sharp, 3 bilinear, 4 switchable */
	unsigned int width, height;	/* pixels */
	struct vp9_inherited state;	/* after this header */
	bool seg_on, seg_update_map, seg_temporal_update;
	uint8_t tree_probs[7], pred_probs[3];
	uint8_t base_q_idx;
	uint8_t tile_cols_log2, tile_rows_log2;
	size_t size, compressed_size;	/* bytes */
};

static inline bool vp9_is_intra(const struct vp9_header *h)
{
	return h->key_frame || h->intra_only;
}

struct vp9_ref_size {
	unsigned int width, height;
};

/*
 * NULL or what is wrong.  before: of the frame decoded last; refs: sizes of the
 * three references, from the registers.
 */
const char *vp9_parse_header(struct vp9_header *h, const struct vp9_inherited *before,
			     const struct vp9_ref_size refs[VP9_REFS],
			     const uint8_t *data, size_t size);

#endif
