// SPDX-License-Identifier: GPL-2.0
/* Tiles, partitions and modes: VP9 bitstream specification, 6.4.1 to 6.4.17. */
#include "vp9-tile.h"

#include <stdlib.h>
#include <string.h>

enum { NONE, HORZ, VERT, SPLIT };

const uint8_t vp9_block_w8[13] = { 1, 1, 1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8 };
const uint8_t vp9_block_h8[13] = { 1, 1, 1, 1, 2, 1, 2, 4, 2, 4, 8, 4, 8 };

static const int8_t intra_tree[] = {
	0, 2, -9, 4, -1, 6, 8, 12, -2, 10, -4, -5, -3, 14, -8, 16, -6, -7,
};
static const int8_t partition_tree[] = { 0, 2, -1, 4, -2, -3 };
static const int8_t segment_tree[] = { 2, 4, 6, 8, 10, 12, 0, -1, -2, -3, -4, -5, -6, -7 };

static unsigned int min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* ---- segments ------------------------------------------------------------ */

static void set_segment(struct vp9_tiles *t, unsigned int w, unsigned int h, uint8_t segment)
{
	for (unsigned int y = 0; y < min(h, t->rows - t->row); y++)
		memset(&t->segments[(t->row + y) * t->cols + t->col], segment,
		       min(w, t->cols - t->col));
}

static uint8_t predicted_segment(const struct vp9_tiles *t, unsigned int w, unsigned int h)
{
	uint8_t segment = 7;

	for (unsigned int y = 0; y < min(h, t->rows - t->row); y++)
		for (unsigned int x = 0; x < min(w, t->cols - t->col); x++)
			segment = min(segment, t->prev_segments[(t->row + y) * t->cols + t->col + x]);
	return segment;
}

static uint8_t inter_segment(struct vp9_tiles *t, unsigned int w, unsigned int h)
{
	unsigned int ctx = t->above_pred[t->col] + t->left_pred[t->row & 7];
	bool predicted;

	if (!t->h->seg_update_map)
		return predicted_segment(t, w, h);
	if (!t->h->seg_temporal_update)
		return vp9_read_tree(&t->b, segment_tree, t->h->tree_probs);
	predicted = vp9_read_bool(&t->b, t->h->pred_probs[ctx]);
	memset(t->above_pred + t->col, predicted, w);
	memset(t->left_pred + (t->row & 7), predicted, h);
	return predicted ? predicted_segment(t, w, h) :
			   vp9_read_tree(&t->b, segment_tree, t->h->tree_probs);
}

static uint8_t read_segment(struct vp9_tiles *t, unsigned int w, unsigned int h)
{
	uint8_t segment = 0;

	if (!t->h->seg_on)
		return 0;
	if (!vp9_is_intra(t->h))
		segment = inter_segment(t, w, h);
	else if (t->h->seg_update_map)
		segment = vp9_read_tree(&t->b, segment_tree, t->h->tree_probs);
	set_segment(t, w, h, segment);
	return segment;
}

/* ---- modes --------------------------------------------------------------- */

static bool feature(const struct vp9_tiles *t, const struct vp9_block *b, enum vp9_seg_feature f)
{
	return t->h->seg_on && t->h->state.seg_enabled[b->segment] & 1u << f;
}

static void read_skip(struct vp9_tiles *t, struct vp9_block *b)
{
	unsigned int ctx = (t->above ? t->above->skip : 0) + (t->left ? t->left->skip : 0);

	b->skip = 1;
	if (feature(t, b, VP9_SEG_SKIP))
		return;
	b->skip = vp9_read_bool(&t->b, t->table->probs.skip[ctx]);
	t->counts.skip[ctx][b->skip]++;
}

static void read_tx(struct vp9_tiles *t, struct vp9_block *b, bool select)
{
	const struct vp9_probs *p = &t->table->probs;
	unsigned int side = min(vp9_block_w8[b->size], vp9_block_h8[b->size]);
	unsigned int max = b->size < BS_8X8 ? 0 : side < 2 ? 1 : side < 4 ? 2 : 3;
	unsigned int above = max, left = max, ctx;
	const uint8_t *probs[] = { NULL, NULL, NULL, NULL };
	uint32_t *counts;

	if (!select || t->c.tx_mode != 4 || !max) {
		b->tx = min(max, min(t->c.tx_mode, 3));
		return;
	}
	if (t->above && !t->above->skip)
		above = t->above->tx;
	if (t->left && !t->left->skip)
		left = t->left->tx;
	if (!t->left)
		left = above;
	if (!t->above)
		above = left;
	ctx = above + left > max;
	probs[1] = p->tx8[ctx];
	probs[2] = p->tx16[ctx];
	probs[3] = p->tx32[ctx];
	counts = max == 1 ? t->counts.tx8[ctx] : max == 2 ? t->counts.tx16[ctx] : t->counts.tx32[ctx];
	for (b->tx = 0; b->tx < max && vp9_read_bool(&t->b, probs[max][b->tx]); b->tx++)
		;
	counts[b->tx]++;
}

typedef uint8_t (*read_sub_mode)(struct vp9_tiles *t, const struct vp9_block *b, unsigned int sub);

/* The modes of up to four parts of an intra block */
static void read_intra_modes(struct vp9_tiles *t, struct vp9_block *b, read_sub_mode read)
{
	unsigned int w = b->size == BS_4X4 || b->size == BS_4X8 ? 1 : 2;
	unsigned int h = b->size == BS_4X4 || b->size == BS_8X4 ? 1 : 2;

	for (unsigned int y = 0; y < 2; y += h) {
		for (unsigned int x = 0; x < 2; x += w) {
			uint8_t mode = read(t, b, 2 * y + x);

			for (unsigned int i = 0; i < w * h; i++)
				b->sub_modes[2 * (y + i / w) + x + i % w] = mode;
		}
	}
	b->mode = b->sub_modes[3];
}

static uint8_t read_kf_mode(struct vp9_tiles *t, const struct vp9_block *b, unsigned int sub)
{
	uint8_t above = 0, left = 0;

	if (sub & 2)
		above = b->sub_modes[sub - 2];
	else if (t->above)
		above = t->above->sub_modes[sub + 2];
	if (sub & 1)
		left = b->sub_modes[sub - 1];
	else if (t->left)
		left = t->left->sub_modes[sub + 1];
	return vp9_read_tree(&t->b, intra_tree, t->table->kf_y_mode[above][left]);
}

static uint8_t read_y_mode(struct vp9_tiles *t, const struct vp9_block *b, unsigned int sub)
{
	static const uint8_t groups[13] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3 };
	unsigned int group = groups[b->size];
	uint8_t mode = vp9_read_tree(&t->b, intra_tree, t->table->probs.y_mode[group]);

	(void)sub;
	t->counts.y_mode[group][mode]++;
	return mode;
}

static void read_intra_frame_block(struct vp9_tiles *t, struct vp9_block *b)
{
	read_skip(t, b);
	read_tx(t, b, true);
	read_intra_modes(t, b, read_kf_mode);
	b->uv_mode = vp9_read_tree(&t->b, intra_tree, t->table->kf_uv_mode[b->mode]);
}

static bool read_is_inter(struct vp9_tiles *t, const struct vp9_block *b)
{
	const struct vp9_block *edge = t->above ? t->above : t->left;
	unsigned int ctx = 0;
	bool inter;

	if (feature(t, b, VP9_SEG_REF_FRAME))
		return t->h->state.seg_data[b->segment][VP9_SEG_REF_FRAME] != VP9_INTRA;
	if (t->above && t->left)
		ctx = !vp9_is_inter(t->above) && !vp9_is_inter(t->left) ? 3 :
		      !vp9_is_inter(t->above) || !vp9_is_inter(t->left);
	else if (edge)
		ctx = 2 * !vp9_is_inter(edge);
	inter = vp9_read_bool(&t->b, t->table->probs.is_inter[ctx]);
	t->counts.is_inter[ctx][inter]++;
	return inter;
}

static void read_inter_frame_block(struct vp9_tiles *t, struct vp9_block *b)
{
	bool inter;

	read_skip(t, b);
	inter = read_is_inter(t, b);
	read_tx(t, b, !b->skip || !inter);
	if (inter) {
		vp9_read_refs(t, b);
		vp9_read_mvs(t, b);
		return;
	}
	read_intra_modes(t, b, read_y_mode);
	b->uv_mode = vp9_read_tree(&t->b, intra_tree, t->table->probs.uv_mode[b->mode]);
	t->counts.uv_mode[b->mode][b->uv_mode]++;
}

/* ---- blocks -------------------------------------------------------------- */

static void store(struct vp9_tiles *t, const struct vp9_block *b, unsigned int w, unsigned int h)
{
	struct vp9_saved_mv saved = {
		.mv = { b->mv[3][0], b->mv[3][1] }, .ref = { b->ref[0], b->ref[1] },
	};

	for (unsigned int y = 0; y < min(h, t->rows - t->row); y++) {
		for (unsigned int x = 0; x < min(w, t->cols - t->col); x++) {
			size_t at = (size_t)(t->row + y) * t->cols + t->col + x;

			t->blocks[at] = *b;
			t->mvs[at] = saved;
		}
	}
}

static void read_block(struct vp9_tiles *t, unsigned int size)
{
	unsigned int w = vp9_block_w8[size], h = vp9_block_h8[size];
	struct vp9_block b = { .size = size, .ref = { VP9_INTRA, VP9_NONE } };

	t->above = t->row ? &t->blocks[(t->row - 1) * t->cols + t->col] : NULL;
	t->left = t->col > t->col_start ? &t->blocks[t->row * t->cols + t->col - 1] : NULL;
	b.segment = read_segment(t, w, h);
	if (vp9_is_intra(t->h))
		read_intra_frame_block(t, &b);
	else
		read_inter_frame_block(t, &b);
	/* A block without coefficients is a skipped one for those that follow, too. */
	if (!vp9_read_residual(t, &b) && vp9_is_inter(&b) && size >= BS_8X8)
		b.skip = 1;
	store(t, &b, w, h);
	t->pieces[t->n_pieces++] = (struct vp9_piece){ t->row, t->col, w, h, b.segment };
}

static unsigned int read_partition(struct vp9_tiles *t, unsigned int log2, bool rows, bool cols)
{
	/* log2: 0 for 8 x 8 */
	unsigned int bit = 1u << (3 - log2);
	unsigned int ctx = log2 * 4 + 2 * !!(t->left_partition[t->row & 7] & bit) +
			   !!(t->above_partition[t->col] & bit);
	const uint8_t *p = t->table->probs.partition[ctx];
	unsigned int partition = SPLIT;

	if (rows && cols)
		partition = vp9_read_tree(&t->b, partition_tree, p);
	else if (cols)
		partition = vp9_read_bool(&t->b, p[1]) ? SPLIT : HORZ;
	else if (rows)
		partition = vp9_read_bool(&t->b, p[2]) ? SPLIT : VERT;
	t->counts.partition[ctx][partition]++;
	return partition;
}

static void read_square(struct vp9_tiles *t, unsigned int row, unsigned int col, unsigned int log2)
{
	/* by size and partition */
	static const uint8_t sizes[4][4] = {
		{ BS_8X8, BS_8X4, BS_4X8, BS_4X4 }, { BS_16X16, BS_16X8, BS_8X16, BS_8X8 },
		{ BS_32X32, BS_32X16, BS_16X32, BS_16X16 }, { BS_64X64, BS_64X32, BS_32X64, BS_32X32 },
	};
	unsigned int n = 1u << log2, half = n / 2, partition, size;
	bool rows = row + half < t->rows, cols = col + half < t->cols;

	if (row >= t->rows || col >= t->cols)
		return;
	t->row = row;
	t->col = col;
	partition = read_partition(t, log2, rows, cols);
	size = sizes[log2][partition];
	if (log2 && partition == SPLIT) {
		for (unsigned int i = 0; i < 4; i++)
			read_square(t, row + (i / 2) * half, col + (i % 2) * half, log2 - 1);
		return;
	}
	read_block(t, size);
	if (log2 && partition == HORZ && rows) {
		t->row = row + half;
		read_block(t, size);
	} else if (log2 && partition == VERT && cols) {
		t->col = col + half;
		read_block(t, size);
	}
	/* widths of 4, 8, 16, 32, 64: 15, 7, 3, 1, 0 */
	memset(t->above_partition + col, 7 >> log2, n);
	memset(t->left_partition + (row & 7), 7 >> log2, n);
	if (partition == VERT || partition == SPLIT)
		memset(t->above_partition + col, 15 >> log2, n);
	if (partition == HORZ || partition == SPLIT)
		memset(t->left_partition + (row & 7), 15 >> log2, n);
}

static void read_tile(struct vp9_tiles *t, unsigned int row, unsigned int row_end)
{
	for (; row < row_end; row += 8) {
		memset(t->left_nonzero, 0, sizeof(t->left_nonzero));
		memset(t->left_partition, 0, sizeof(t->left_partition));
		memset(t->left_pred, 0, sizeof(t->left_pred));
		for (unsigned int col = t->col_start; col < t->col_end; col += 8)
			read_square(t, row, col, 3);
	}
}

/* ---- the frame ----------------------------------------------------------- */

static unsigned int tile_start(unsigned int i, unsigned int n, unsigned int log2)
{
	return min((i * ((n + 7) / 8) >> log2) * 8, n);
}

static void *alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

/* The contexts above are cleared once a frame: tile rows are not independent. */
static void allocate(struct vp9_tiles *t)
{
	size_t cols, all;

	t->rows = (t->h->height + 7) / 8;
	t->cols = (t->h->width + 7) / 8;
	cols = (t->cols + 7) & ~7u;
	all = (size_t)t->rows * t->cols;
	t->mvs = alloc(all, sizeof(*t->mvs));
	t->segments = alloc(all, 1);
	t->pieces = alloc(all, sizeof(*t->pieces));
	t->blocks = alloc(all, sizeof(*t->blocks));
	for (unsigned int i = 0; i < 3; i++)
		t->above_nonzero[i] = alloc(cols, 2);
	t->above_partition = alloc(cols, 1);
	t->above_pred = alloc(cols, 1);
}

static void set_compound(struct vp9_tiles *t)
{
	const bool *bias = t->h->sign_bias;

	if (bias[0] == bias[1]) {
		t->fixed_ref = VP9_ALTREF;
		t->var_ref[0] = VP9_LAST;
		t->var_ref[1] = VP9_GOLDEN;
	} else if (bias[0] == bias[2]) {
		t->fixed_ref = VP9_GOLDEN;
		t->var_ref[0] = VP9_LAST;
		t->var_ref[1] = VP9_ALTREF;
	} else {
		t->fixed_ref = VP9_LAST;
		t->var_ref[0] = VP9_GOLDEN;
		t->var_ref[1] = VP9_ALTREF;
	}
}

const char *vp9_tiles_decode(struct vp9_tiles *t, const uint8_t *data, size_t size)
{
	unsigned int n_cols = 1u << t->h->tile_cols_log2, n_rows = 1u << t->h->tile_rows_log2;

	allocate(t);
	set_compound(t);
	for (unsigned int i = 0; i < n_cols * n_rows; i++) {
		size_t bytes = size;
		unsigned int r = i / n_cols, c = i % n_cols;

		if (i + 1 < n_cols * n_rows) {
			if (size < 4)
				return "tile size";
			bytes = (size_t)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
			data += 4;
			size -= 4;
		}
		if (bytes > size || !vp9_bool_init(&t->b, data, bytes))
			return "tile data";
		t->col_start = tile_start(c, t->cols, t->h->tile_cols_log2);
		t->col_end = tile_start(c + 1, t->cols, t->h->tile_cols_log2);
		read_tile(t, tile_start(r, t->rows, t->h->tile_rows_log2),
			  tile_start(r + 1, t->rows, t->h->tile_rows_log2));
		if (!vp9_bool_exit(&t->b))
			return "tile data: the symbols do not end where it ends";
		data += bytes;
		size -= bytes;
	}
	return NULL;
}

void vp9_tiles_free(struct vp9_tiles *t)
{
	free(t->mvs);
	free(t->segments);
	free(t->pieces);
	free(t->blocks);
	for (unsigned int i = 0; i < 3; i++)
		free(t->above_nonzero[i]);
	free(t->above_partition);
	free(t->above_pred);
	memset(t, 0, sizeof(*t));
}
