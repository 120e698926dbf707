// SPDX-License-Identifier: GPL-2.0
/*
 * Inter modes and motion vectors: VP9 bitstream specification, 6.4.19 to 6.4.21
 * (syntax) and 6.4.22 on (prediction).
 */
#include <stdlib.h>
#include <string.h>

#include "vp9-tile.h"

#define BORDER	(16 << 3)	/* how far predictions may point out of the frame */
#define HP_MAX	64		/* larger vectors have no eighths */

enum { NEARESTMV = 10, NEARMV, ZEROMV, NEWMV };

/* Rows and columns, units of 8 pixels */
static const int8_t neighbours[13][8][2] = {
	{ { -1, 0 }, { 0, -1 }, { -1, -1 }, { -2, 0 }, { 0, -2 }, { -2, -1 }, { -1, -2 }, { -2, -2 } },
	{ { -1, 0 }, { 0, -1 }, { -1, -1 }, { -2, 0 }, { 0, -2 }, { -2, -1 }, { -1, -2 }, { -2, -2 } },
	{ { -1, 0 }, { 0, -1 }, { -1, -1 }, { -2, 0 }, { 0, -2 }, { -2, -1 }, { -1, -2 }, { -2, -2 } },
	{ { -1, 0 }, { 0, -1 }, { -1, -1 }, { -2, 0 }, { 0, -2 }, { -2, -1 }, { -1, -2 }, { -2, -2 } },
	{ { 0, -1 }, { -1, 0 }, { 1, -1 }, { -1, -1 }, { 0, -2 }, { -2, 0 }, { -2, -1 }, { -1, -2 } },
	{ { -1, 0 }, { 0, -1 }, { -1, 1 }, { -1, -1 }, { -2, 0 }, { 0, -2 }, { -1, -2 }, { -2, -1 } },
	{ { -1, 0 }, { 0, -1 }, { -1, 1 }, { 1, -1 }, { -1, -1 }, { -3, 0 }, { 0, -3 }, { -3, -3 } },
	{ { 0, -1 }, { -1, 0 }, { 2, -1 }, { -1, -1 }, { -1, 1 }, { 0, -3 }, { -3, 0 }, { -3, -3 } },
	{ { -1, 0 }, { 0, -1 }, { -1, 2 }, { -1, -1 }, { 1, -1 }, { -3, 0 }, { 0, -3 }, { -3, -3 } },
	{ { -1, 1 }, { 1, -1 }, { -1, 2 }, { 2, -1 }, { -1, -1 }, { -3, 0 }, { 0, -3 }, { -3, -3 } },
	{ { 0, -1 }, { -1, 0 }, { 4, -1 }, { -1, 2 }, { -1, -1 }, { 0, -3 }, { -3, 0 }, { 2, -1 } },
	{ { -1, 0 }, { 0, -1 }, { -1, 4 }, { 2, -1 }, { -1, -1 }, { -3, 0 }, { 0, -3 }, { -1, 2 } },
	{ { -1, 3 }, { 3, -1 }, { -1, 4 }, { 4, -1 }, { -1, -1 }, { -1, 0 }, { 0, -1 }, { -1, 6 } },
};

struct candidates {
	struct vp9_mv mv[2];
	unsigned int n;
	int ref;
	const bool *sign_bias;
};

static bool same(struct vp9_mv a, struct vp9_mv b)
{
	return a.row == b.row && a.col == b.col;
}

/* True: the list is full. */
static bool add(struct candidates *list, struct vp9_mv mv)
{
	if (list->n == 2 || (list->n == 1 && same(list->mv[0], mv)))
		return list->n == 2;
	list->mv[list->n++] = mv;
	return list->n == 2;
}

static bool add_other(struct candidates *list, const struct vp9_mv mv[2], const int8_t ref[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		struct vp9_mv v = mv[i];

		if (ref[i] <= VP9_INTRA || ref[i] == list->ref || (i && same(mv[0], mv[1])))
			continue;
		if (list->sign_bias[ref[i] - 1] != list->sign_bias[list->ref - 1])
			v = (struct vp9_mv){ -v.row, -v.col };
		if (add(list, v))
			return true;
	}
	return false;
}

static const struct vp9_block *neighbour(const struct vp9_tiles *t, const int8_t at[2])
{
	int row = (int)t->row + at[0], col = (int)t->col + at[1];

	if (row < 0 || row >= (int)t->rows || col < (int)t->col_start || col >= (int)t->col_end)
		return NULL;
	return &t->blocks[row * t->cols + col];
}

/* @sub: of the current block, or negative */
static bool add_near(struct candidates *list, const struct vp9_block *b, int sub, bool same_col)
{
	static const uint8_t columns[4][2] = { { 1, 2 }, { 1, 3 }, { 3, 2 }, { 3, 3 } };
	unsigned int at = sub >= 0 && b->size < BS_8X8 ? columns[sub][same_col] : 3;

	for (unsigned int i = 0; i < 2; i++)
		if (b->ref[i] == list->ref)
			return add(list, b->mv[at][i]);
	return false;
}

static int clamp(int value, int min, int max)
{
	return value < min ? min : value > max ? max : value;
}

static void clamp_mv(const struct vp9_tiles *t, const struct vp9_block *block, struct vp9_mv *mv)
{
	int right = (int)(t->cols - t->col) - vp9_block_w8[block->size];
	int bottom = (int)(t->rows - t->row) - vp9_block_h8[block->size];

	mv->row = clamp(mv->row, -(int)t->row * 64 - BORDER, bottom * 64 + BORDER);
	mv->col = clamp(mv->col, -(int)t->col * 64 - BORDER, right * 64 + BORDER);
}

static void search(const struct vp9_tiles *t, const struct vp9_block *block, int sub,
		   struct candidates *list)
{
	const int8_t (*at)[2] = neighbours[block->size];
	const struct vp9_saved_mv *prev = NULL;
	const struct vp9_block *b;
	bool any = false;

	if (t->prev_mvs)
		prev = &t->prev_mvs[t->row * t->cols + t->col];
	for (unsigned int i = 0; i < 8; i++) {
		b = neighbour(t, at[i]);
		any |= !!b;
		if (b && add_near(list, b, i < 2 ? sub : -1, !at[i][1]))
			return;
	}
	for (unsigned int i = 0; prev && i < 2; i++) {
		if (prev->ref[i] == list->ref) {
			if (add(list, prev->mv[i]))
				return;
			break;
		}
	}
	for (unsigned int i = 0; any && i < 8; i++) {
		b = neighbour(t, at[i]);
		if (b && vp9_is_inter(b) && add_other(list, b->mv[3], b->ref))
			return;
	}
	if (prev)
		add_other(list, prev->mv, prev->ref);
}

static void find_mvs(const struct vp9_tiles *t, const struct vp9_block *block, int ref, int sub,
		     struct vp9_mv mvs[2])
{
	struct candidates list = { .ref = ref, .sign_bias = t->h->sign_bias };

	search(t, block, sub, &list);
	for (unsigned int i = 0; i < 2; i++) {
		clamp_mv(t, block, &list.mv[i]);
		mvs[i] = list.mv[i];
	}
}

static bool is_fine(const struct vp9_tiles *t, struct vp9_mv mv)
{
	return t->h->high_precision_mv && abs(mv.row) < HP_MAX && abs(mv.col) < HP_MAX;
}

static void lower_precision(const struct vp9_tiles *t, struct vp9_mv *mv)
{
	if (is_fine(t, *mv))
		return;
	if (mv->row & 1)
		mv->row += mv->row > 0 ? -1 : 1;
	if (mv->col & 1)
		mv->col += mv->col > 0 ? -1 : 1;
}

/* nearest and near of a block smaller than 8 x 8 */
static void find_sub_mvs(const struct vp9_tiles *t, const struct vp9_block *block, unsigned int i,
			 unsigned int sub, struct vp9_mv mvs[2])
{
	struct vp9_mv list[2], from[4];
	unsigned int n = 0;

	find_mvs(t, block, block->ref[i], sub, list);
	if (!sub) {
		memcpy(mvs, list, sizeof(list));
		return;
	}
	if (sub == 3) {
		from[n++] = block->mv[1][i];
		from[n++] = block->mv[0][i];
	}
	from[n++] = list[0];
	from[n++] = list[1];
	mvs[0] = block->mv[sub == 3 ? 2 : 0][i];
	mvs[1] = (struct vp9_mv){ 0, 0 };
	for (unsigned int k = 0; k < n; k++) {
		if (!same(from[k], mvs[0])) {
			mvs[1] = from[k];
			break;
		}
	}
}

/* ---- syntax -------------------------------------------------------------- */

static const int8_t joint_tree[] = { 0, 2, -1, 4, -2, -3 };	/* also the fractions' */
static const int8_t class_tree[] = {
	0, 2, -1, 4, 6, 8, -2, -3, 10, 12, -4, -5, -6, 14, 16, 18, -7, -8, -9, -10,
};

static int read_component(struct vp9_tiles *t, unsigned int comp, bool fine)
{
	const struct vp9_probs *p = &t->table->probs;
	struct vp9_counts *n = &t->counts;
	unsigned int sign, class, whole = 0, fr, hp = 1;
	int value;

	sign = vp9_read_bool(&t->b, p->mv_sign[comp]);
	n->mv_sign[comp][sign]++;
	class = vp9_read_tree(&t->b, class_tree, p->mv_classes[comp]);
	n->mv_classes[comp][class]++;
	if (class) {
		for (unsigned int i = 0; i < class; i++) {
			unsigned int bit = vp9_read_bool(&t->b, p->mv_bits[comp][i]);

			n->mv_bits[comp][i][bit]++;
			whole |= bit << i;
		}
		fr = vp9_read_tree(&t->b, joint_tree, p->mv_fr[comp]);
		n->mv_fr[comp][fr]++;
		if (fine)
			hp = vp9_read_bool(&t->b, p->mv_hp[comp]);
		/* also where it is not there */
		n->mv_hp[comp][hp]++;
	} else {
		whole = vp9_read_bool(&t->b, p->mv_class0_bit[comp]);
		n->mv_class0[comp][whole]++;
		fr = vp9_read_tree(&t->b, joint_tree, p->mv_class0_fr[comp][whole]);
		n->mv_class0_fr[comp][whole][fr]++;
		if (fine)
			hp = vp9_read_bool(&t->b, p->mv_class0_hp[comp]);
		n->mv_class0_hp[comp][hp]++;
	}
	value = (class ? 2 << (class + 2) : 0) + (whole << 3 | fr << 1 | hp) + 1;
	return sign ? -value : value;
}

static struct vp9_mv read_mv(struct vp9_tiles *t, struct vp9_mv best)
{
	unsigned int joint = vp9_read_tree(&t->b, joint_tree, t->table->probs.mv_joint);
	bool fine = is_fine(t, best);

	t->counts.mv_joint[joint]++;
	if (joint >= 2)
		best.row += read_component(t, 0, fine);
	if (joint & 1)
		best.col += read_component(t, 1, fine);
	return best;
}

static unsigned int mode_context(const struct vp9_tiles *t, const struct vp9_block *block)
{
	/* 9 for intra, 3 for zero, 1 for new vectors; the sum of two neighbours */
	static const uint8_t contexts[19] = { 2, 3, 4, 1, 3, 0, 0, 0, 0, 5, 5, 0, 5, 0, 0, 0, 0, 0, 6 };
	unsigned int sum = 0;

	for (unsigned int i = 0; i < 2; i++) {
		const struct vp9_block *b = neighbour(t, neighbours[block->size][i]);

		if (b)
			sum += b->mode < NEARESTMV ? 9 : b->mode == ZEROMV ? 3 : b->mode == NEWMV;
	}
	return contexts[sum];
}

static unsigned int read_mode(struct vp9_tiles *t, unsigned int ctx)
{
	static const int8_t tree[] = { -2, 2, 0, 4, -1, -3 };
	unsigned int offset = vp9_read_tree(&t->b, tree, t->table->probs.inter_mode[ctx]);

	t->counts.inter_mode[ctx][offset]++;
	return NEARESTMV + offset;
}

static void read_filter(struct vp9_tiles *t, struct vp9_block *block)
{
	static const int8_t tree[] = { 0, 2, -1, -2 };
	unsigned int a = t->above && vp9_is_inter(t->above) ? t->above->filter : 3;
	unsigned int l = t->left && vp9_is_inter(t->left) ? t->left->filter : 3;
	unsigned int ctx = a == l || a == 3 ? l : l == 3 ? a : 3;

	block->filter = t->h->interp_filter;
	if (block->filter != 4)
		return;
	block->filter = vp9_read_tree(&t->b, tree, t->table->probs.interp_filter[ctx]);
	t->counts.interp_filter[ctx][block->filter]++;
}

static void assign(struct vp9_tiles *t, struct vp9_block *block, unsigned int mode,
		   struct vp9_mv near[2][2], const struct vp9_mv best[2], struct vp9_mv mv[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		mv[i] = (struct vp9_mv){ 0, 0 };
		if (block->ref[i] <= VP9_INTRA)
			continue;
		if (mode == NEWMV)
			mv[i] = read_mv(t, best[i]);
		else if (mode != ZEROMV)
			mv[i] = near[i][mode - NEARESTMV];
	}
}

static void read_sub_blocks(struct vp9_tiles *t, struct vp9_block *block, unsigned int ctx,
			    const struct vp9_mv best[2])
{
	unsigned int w = block->size == BS_8X4 ? 2 : 1, h = block->size == BS_4X8 ? 2 : 1;

	for (unsigned int y = 0; y < 2; y += h) {
		for (unsigned int x = 0; x < 2; x += w) {
			unsigned int sub = 2 * y + x;
			struct vp9_mv near[2][2] = { 0 };

			block->mode = read_mode(t, ctx);
			for (unsigned int i = 0; i < 2 && block->mode <= NEARMV; i++)
				if (block->ref[i] > VP9_INTRA)
					find_sub_mvs(t, block, i, sub, near[i]);
			assign(t, block, block->mode, near, best, block->mv[sub]);
			if (w == 2)
				memcpy(block->mv[sub + 1], block->mv[sub], sizeof(block->mv[0]));
			if (h == 2)
				memcpy(block->mv[sub + 2], block->mv[sub], sizeof(block->mv[0]));
		}
	}
}

void vp9_read_mvs(struct vp9_tiles *t, struct vp9_block *block)
{
	bool seg_skip = t->h->seg_on &&
			t->h->state.seg_enabled[block->segment] & 1u << VP9_SEG_SKIP;
	unsigned int ctx = mode_context(t, block);
	struct vp9_mv near[2][2] = { 0 }, best[2] = { 0 };

	for (unsigned int i = 0; i < 2; i++) {
		if (block->ref[i] <= VP9_INTRA)
			continue;
		find_mvs(t, block, block->ref[i], -1, near[i]);
		lower_precision(t, &near[i][0]);
		lower_precision(t, &near[i][1]);
		best[i] = near[i][0];
	}
	block->mode = ZEROMV;
	if (!seg_skip && block->size >= BS_8X8)
		block->mode = read_mode(t, ctx);
	read_filter(t, block);
	if (block->size < BS_8X8 && !seg_skip) {
		read_sub_blocks(t, block, ctx, best);
		return;
	}
	assign(t, block, block->mode, near, best, block->mv[0]);
	for (unsigned int i = 1; i < 4; i++)
		memcpy(block->mv[i], block->mv[0], sizeof(block->mv[0]));
}
