/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tile data of a VP9 frame (VP9 bitstream specification, 6.4): every symbol
 * is decoded with the probabilities that the driver wrote, and counted as the
 * hardware counts it.  Nothing is reconstructed; motion vectors and segment ids
 * are, since later symbols depend on them.
 */
#ifndef SILICON_VP9_TILE_H
#define SILICON_VP9_TILE_H

#include "vp9-probs.h"

/* What rkvdec reads from its table of probabilities. */
struct vp9_table {
	struct vp9_probs probs;
	uint8_t kf_y_mode[10][10][9];	/* intra frames: above, left */
	uint8_t kf_uv_mode[10][9];
};

void vp9_table_read(struct vp9_table *table, const struct vp9_header *h, const uint8_t *memory);

struct vp9_coef_count {
	uint32_t more[2];		/* how often it was asked, how often the answer was no */
	uint32_t token[3];		/* zero, one, more */
};

/*
 * Symbol counts in the order in which the hardware writes them after inter
 * frames (Linux 7.2, rkvdec-vp9.c: struct rkvdec_vp9_inter_frame_symbol_counts).
 */
struct vp9_counts {
	uint32_t partition[16][4], skip[3][2], is_inter[4][2];
	uint32_t tx32[2][4], tx16[2][4], tx8[2][2];
	uint32_t y_mode[4][10], uv_mode[10][10];
	uint32_t comp_mode[5][2], comp_ref[5][2], single_ref[5][2][2];
	uint32_t inter_mode[7][4];
	uint32_t interp_filter[4][3];
	uint32_t mv_joint[4], mv_sign[2][2], mv_classes[2][12], mv_class0[2][2];
	uint32_t mv_bits[2][10][2], mv_class0_fr[2][2][4], mv_fr[2][4];
	uint32_t mv_class0_hp[2][2], mv_hp[2][2];
	struct vp9_coef_count coef[2][4][2][6][6];	/* inter, size, plane type, band, context */
};

#define VP9_COUNT_BYTES		13232
/* The table in memory, VP9_COUNT_BYTES, as after an intra or an inter frame. */
void vp9_counts_write(const struct vp9_counts *counts, bool intra, uint8_t *memory);

/*
 * 8.4.2: the adaptation of @probs, those of the saved context, by @counts.
 * @decoded: the frame's own, of which intra frames keep some.
 */
void vp9_probs_adapt(struct vp9_probs *probs, const struct vp9_probs *decoded,
		     const struct vp9_counts *counts, const struct vp9_header *h,
		     const struct vp9_compressed *c, bool after_key);

struct vp9_mv {
	int16_t row, col;		/* eighths of a pixel */
};

enum { VP9_NONE = -1, VP9_INTRA, VP9_LAST, VP9_GOLDEN, VP9_ALTREF };

/* Of 8 x 8 pixels; written behind the picture for the frame that follows. */
struct vp9_saved_mv {
	struct vp9_mv mv[2];
	int8_t ref[2];
	int8_t padding[6];
};

enum vp9_block_size {
	BS_4X4, BS_4X8, BS_8X4, BS_8X8, BS_8X16, BS_16X8, BS_16X16,
	BS_16X32, BS_32X16, BS_32X32, BS_32X64, BS_64X32, BS_64X64,
};

struct vp9_block {
	uint8_t size, segment, skip, tx, filter;
	uint8_t mode, uv_mode;		/* mode: that of the last sub-block */
	uint8_t sub_modes[4];
	int8_t ref[2];
	struct vp9_mv mv[4][2];
};

/* A block as decoded: position and size in units of 8 pixels */
struct vp9_piece {
	uint16_t row, col;
	uint8_t w, h, segment;
};

struct vp9_bool {
	const uint8_t *data, *end;
	uint64_t value;
	uint32_t range;
	int bits;			/* valid ones of value below the top byte */
};

struct vp9_tiles {
	/* in */
	const struct vp9_header *h;
	struct vp9_compressed c;
	const struct vp9_table *table;
	const struct vp9_saved_mv *prev_mvs;	/* NULL: not to be used */
	const uint8_t *prev_segments;

	/* out, rows * cols each, to be freed by vp9_tiles_free() */
	struct vp9_counts counts;
	struct vp9_saved_mv *mvs;
	uint8_t *segments;
	struct vp9_piece *pieces;
	unsigned int n_pieces;
	unsigned int rows, cols;		/* of 8 x 8 pixels */

	/* private */
	struct vp9_bool b;
	struct vp9_block *blocks;
	unsigned int row, col, col_start, col_end;
	const struct vp9_block *above, *left;
	uint8_t *above_nonzero[3], *above_partition, *above_pred;
	uint8_t left_nonzero[3][16], left_partition[8], left_pred[8];
	uint8_t fixed_ref, var_ref[2];
};

/* NULL, or what is wrong with the data (the tiles of the frame, after both headers). */
const char *vp9_tiles_decode(struct vp9_tiles *tiles, const uint8_t *data, size_t size);
void vp9_tiles_free(struct vp9_tiles *tiles);

/* Between the files of the parser */
extern const uint16_t *const vp9_scans[4][4];
extern const uint8_t vp9_pareto[128][8];
extern const uint8_t vp9_block_w8[13], vp9_block_h8[13];

unsigned int vp9_read_bool(struct vp9_bool *b, unsigned int probability);
bool vp9_bool_init(struct vp9_bool *b, const uint8_t *data, size_t size);
bool vp9_bool_exit(const struct vp9_bool *b);
/* @tree: pairs of next index, or minus the symbol */
unsigned int vp9_read_tree(struct vp9_bool *b, const int8_t *tree, const uint8_t *probs);

static inline bool vp9_is_inter(const struct vp9_block *b)
{
	return b->ref[0] > VP9_INTRA;
}

void vp9_read_refs(struct vp9_tiles *t, struct vp9_block *block);
void vp9_read_mvs(struct vp9_tiles *t, struct vp9_block *block);
bool vp9_read_residual(struct vp9_tiles *t, struct vp9_block *block);

#endif
