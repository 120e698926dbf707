// SPDX-License-Identifier: GPL-2.0
/* Coefficients: VP9 bitstream specification, 6.4.23 (residual) and 6.4.24 (tokens). */
#include <string.h>

#include "vp9-tile.h"

enum { DCT_DCT, ADST_DCT, DCT_ADST, ADST_ADST };

static const uint8_t mode_transforms[10] = {
	DCT_DCT, ADST_DCT, DCT_ADST, DCT_DCT, ADST_ADST, ADST_DCT, DCT_ADST, DCT_ADST, ADST_DCT,
	ADST_ADST,
};

struct transform {
	unsigned int plane, size;	/* size: 0 for 4 x 4, and so on */
	const uint16_t *scan;
	bool by_row, by_col;
	uint8_t energy[1024];
};

static unsigned int band_of(unsigned int size, unsigned int c)
{
	static const uint8_t small[16] = { 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 5 };

	if (!size)
		return small[c];
	return c < 10 ? small[c] : c < 21 ? 4 : 5;
}

static unsigned int context_of(const struct transform *x, unsigned int c)
{
	unsigned int log2 = 2 + x->size, pos = x->scan[c];
	unsigned int i = pos >> log2, j = pos & ((1u << log2) - 1);
	unsigned int above = pos - (1u << log2), left = pos - 1;

	if (!i || (j && x->by_row))
		above = left;
	else if (!j || x->by_col)
		left = above;
	return (1 + x->energy[above] + x->energy[left]) >> 1;
}

static void skip_extra(struct vp9_bool *b, const uint8_t *probs, unsigned int n)
{
	while (n--)
		vp9_read_bool(b, *probs++);
}

/* What is larger than one; returns its energy class. */
static unsigned int read_large(struct vp9_bool *b, unsigned int pivot)
{
	static const uint8_t cats[6][14] = {
		{ 159 }, { 165, 145 }, { 173, 148, 140 }, { 176, 155, 140, 135 },
		{ 180, 157, 141, 134, 130 },
		{ 254, 254, 254, 252, 249, 243, 230, 196, 177, 153, 140, 133, 130, 129 },
	};
	static const uint8_t bits[6] = { 1, 2, 3, 4, 5, 14 };
	/* two, three, four, categories 1 to 6 as 5 to 10 */
	static const int8_t tree[] = {
		2, 6, -2, 4, -3, -4, 8, 10, -5, -6, 12, 14, -7, -8, -9, -10,
	};
	unsigned int row = (pivot - 1) / 2, token;
	uint8_t probs[8];

	for (unsigned int i = 0; i < 8; i++)
		probs[i] = pivot & 1 ? vp9_pareto[row][i] :
				       (vp9_pareto[row][i] + vp9_pareto[row + 1][i]) >> 1;
	token = vp9_read_tree(b, tree, probs);
	if (token >= 5)
		skip_extra(b, cats[token - 5], bits[token - 5]);
	return token == 2 ? 2 : token < 5 ? 3 : token < 7 ? 4 : 5;
}

/* Returns whether there are any. */
static bool read_tokens(struct vp9_tiles *t, struct transform *x, bool inter, unsigned int ctx)
{
	unsigned int n = 16u << (2 * x->size), plane_type = x->plane > 0, c = 0;
	bool ask = true;

	for (; c < n; c++) {
		unsigned int band = band_of(x->size, c), energy = 1;
		const uint8_t *p;
		struct vp9_coef_count *count;

		if (c)
			ctx = context_of(x, c);
		p = t->table->probs.coef[x->size][plane_type][inter][band][ctx];
		count = &t->counts.coef[inter][x->size][plane_type][band][ctx];
		if (ask) {
			count->more[0]++;
			if (!vp9_read_bool(&t->b, p[0])) {
				count->more[1]++;
				break;
			}
		}
		ask = vp9_read_bool(&t->b, p[1]);
		x->energy[x->scan[c]] = 0;
		if (!ask) {
			count->token[0]++;
			continue;
		}
		if (vp9_read_bool(&t->b, p[2])) {
			count->token[2]++;
			energy = read_large(&t->b, p[2]);
		} else {
			count->token[1]++;
		}
		vp9_read_bool(&t->b, 128);
		x->energy[x->scan[c]] = energy;
	}
	return c > 0;
}

static unsigned int any(const uint8_t *flags, unsigned int n)
{
	return memchr(flags, 1, n) != NULL;
}

/* The part outside of the picture counts as empty. */
static void set_flags(uint8_t *flags, unsigned int n, unsigned int inside, bool value)
{
	for (unsigned int i = 0; i < n; i++)
		flags[i] = value && i < inside;
}

static void select_scan(const struct vp9_tiles *t, const struct vp9_block *block,
			struct transform *x, unsigned int sub)
{
	unsigned int type = DCT_DCT;

	if (!x->plane && !vp9_is_inter(block) && !t->h->lossless && x->size < 3)
		type = mode_transforms[x->size ? block->mode : block->sub_modes[sub]];
	x->scan = vp9_scans[x->size][type];
	x->by_row = type == ADST_DCT;
	x->by_col = type == DCT_ADST;
}

static bool read_plane(struct vp9_tiles *t, struct vp9_block *block, struct transform *x)
{
	unsigned int ss = x->plane > 0, step = 1u << x->size;
	/* units of 4 samples of this plane */
	unsigned int w = vp9_block_w8[block->size] * 2 >> ss, h = vp9_block_h8[block->size] * 2 >> ss;
	unsigned int col = t->col * 2 >> ss, row = (t->row & 7) * 2 >> ss;
	unsigned int max_w = (t->cols - t->col) * 2 >> ss, max_h = (t->rows - t->row) * 2 >> ss;
	uint8_t *above = t->above_nonzero[x->plane] + col, *left = t->left_nonzero[x->plane] + row;
	bool ret = false;

	for (unsigned int i = 0; i < h && i < max_h; i += step) {
		for (unsigned int j = 0; j < w && j < max_w; j += step) {
			bool some;

			select_scan(t, block, x, block->size < BS_8X8 ? 2 * i + j : 0);
			some = read_tokens(t, x, vp9_is_inter(block),
					   any(above + j, step) + any(left + i, step));
			set_flags(above + j, step, max_w - j, some);
			set_flags(left + i, step, max_h - i, some);
			ret |= some;
		}
	}
	return ret;
}

bool vp9_read_residual(struct vp9_tiles *t, struct vp9_block *block)
{
	unsigned int w = vp9_block_w8[block->size], h = vp9_block_h8[block->size];
	unsigned int uv_size = block->size < BS_8X8 ? 0 : w < h ? w : h;
	struct transform x;
	bool ret = false;

	/* the largest of the chroma block: 4, 8, 16, 32 */
	uv_size = uv_size < 2 ? 0 : uv_size < 4 ? 1 : uv_size < 8 ? 2 : 3;
	for (x.plane = 0; x.plane < 3; x.plane++) {
		unsigned int ss = x.plane > 0;

		if (block->skip) {
			memset(t->above_nonzero[x.plane] + (t->col * 2 >> ss), 0, w * 2 >> ss);
			memset(t->left_nonzero[x.plane] + ((t->row & 7) * 2 >> ss), 0, h * 2 >> ss);
			continue;
		}
		x.size = ss && block->tx > uv_size ? uv_size : block->tx;
		ret |= read_plane(t, block, &x);
	}
	return ret;
}
