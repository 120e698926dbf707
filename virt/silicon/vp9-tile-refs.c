// SPDX-License-Identifier: GPL-2.0
/* Reference frames of a block: VP9 bitstream specification, 6.4.18 and 9.3.2. */
#include "vp9-tile.h"

static bool is_comp(const struct vp9_block *b)
{
	return b->ref[1] > VP9_INTRA;
}

static bool uses(const struct vp9_block *b, int ref)
{
	return b->ref[0] == ref || b->ref[1] == ref;
}

static unsigned int comp_mode_context(const struct vp9_tiles *t)
{
	const struct vp9_block *a = t->above, *l = t->left, *edge = a ? a : l;
	int fixed = t->fixed_ref;

	if (!edge)
		return 1;
	if (!a || !l)
		return is_comp(edge) ? 3 : edge->ref[0] == fixed;
	if (!is_comp(a) && !is_comp(l))
		return (a->ref[0] == fixed) ^ (l->ref[0] == fixed);
	if (!is_comp(a))
		return 2 + (a->ref[0] == fixed || !vp9_is_inter(a));
	if (!is_comp(l))
		return 2 + (l->ref[0] == fixed || !vp9_is_inter(l));
	return 4;
}

static unsigned int comp_ref_context(const struct vp9_tiles *t)
{
	const struct vp9_block *a = t->above, *l = t->left, *edge = a ? a : l;
	unsigned int var = !t->h->sign_bias[t->fixed_ref - 1];
	int fixed = t->fixed_ref, var0 = t->var_ref[0], var1 = t->var_ref[1];
	int ra, rl, single, comp;

	if (!edge)
		return 2;
	if (!a || !l) {
		if (!vp9_is_inter(edge))
			return 2;
		return is_comp(edge) ? 4 * (edge->ref[var] != var1) : 3 * (edge->ref[0] != var1);
	}
	if (!vp9_is_inter(a) && !vp9_is_inter(l))
		return 2;
	if (!vp9_is_inter(a) || !vp9_is_inter(l)) {
		edge = vp9_is_inter(a) ? a : l;
		return 1 + 2 * (edge->ref[is_comp(edge) ? var : 0] != var1);
	}
	ra = a->ref[is_comp(a) ? var : 0];
	rl = l->ref[is_comp(l) ? var : 0];
	if (ra == rl && ra == var1)
		return 0;
	if (!is_comp(a) && !is_comp(l)) {
		if ((ra == fixed && rl == var0) || (rl == fixed && ra == var0))
			return 4;
		return ra == rl ? 3 : 1;
	}
	if (is_comp(a) && is_comp(l))
		return ra == rl ? 4 : 2;
	single = is_comp(a) ? rl : ra;
	comp = is_comp(a) ? ra : rl;
	if (comp == var1 && single != var1)
		return 1;
	return single == var1 && comp != var1 ? 2 : 4;
}

/* Is it the last frame? */
static unsigned int single_context_1(const struct vp9_tiles *t)
{
	const struct vp9_block *a = t->above, *l = t->left, *edge = a ? a : l;
	const struct vp9_block *single, *comp;

	if (!edge)
		return 2;
	if (!a || !l || !vp9_is_inter(a) || !vp9_is_inter(l)) {
		if (a && l)
			edge = vp9_is_inter(a) ? a : l;
		if (!vp9_is_inter(edge))
			return 2;
		return is_comp(edge) ? 1 + uses(edge, VP9_LAST) : 4 * (edge->ref[0] == VP9_LAST);
	}
	if (!is_comp(a) && !is_comp(l))
		return 2 * (a->ref[0] == VP9_LAST) + 2 * (l->ref[0] == VP9_LAST);
	if (is_comp(a) && is_comp(l))
		return 1 + (uses(a, VP9_LAST) || uses(l, VP9_LAST));
	single = is_comp(a) ? l : a;
	comp = is_comp(a) ? a : l;
	return 3 * (single->ref[0] == VP9_LAST) + uses(comp, VP9_LAST);
}

/* Two blocks that both are inter */
static unsigned int single_context_2_inter(const struct vp9_block *a, const struct vp9_block *l)
{
	const struct vp9_block *single, *comp, *other;

	if (is_comp(a) && is_comp(l)) {
		if (a->ref[0] != l->ref[0] || a->ref[1] != l->ref[1])
			return 2;
		return 3 * (uses(a, VP9_GOLDEN) || uses(l, VP9_GOLDEN));
	}
	if (!is_comp(a) && !is_comp(l)) {
		if (a->ref[0] == VP9_LAST && l->ref[0] == VP9_LAST)
			return 3;
		if (a->ref[0] == VP9_LAST || l->ref[0] == VP9_LAST) {
			other = a->ref[0] == VP9_LAST ? l : a;
			return 4 * (other->ref[0] == VP9_GOLDEN);
		}
		return 2 * (a->ref[0] == VP9_GOLDEN) + 2 * (l->ref[0] == VP9_GOLDEN);
	}
	single = is_comp(a) ? l : a;
	comp = is_comp(a) ? a : l;
	if (single->ref[0] == VP9_GOLDEN)
		return 3 + uses(comp, VP9_GOLDEN);
	if (single->ref[0] == VP9_ALTREF)
		return uses(comp, VP9_GOLDEN);
	return 1 + 2 * uses(comp, VP9_GOLDEN);
}

/* Golden or the alternative? */
static unsigned int single_context_2(const struct vp9_tiles *t)
{
	const struct vp9_block *a = t->above, *l = t->left, *edge = a ? a : l;

	if (!edge)
		return 2;
	if (!a || !l) {
		if (!vp9_is_inter(edge) || (edge->ref[0] == VP9_LAST && !is_comp(edge)))
			return 2;
		return is_comp(edge) ? 3 * uses(edge, VP9_GOLDEN) : 4 * (edge->ref[0] == VP9_GOLDEN);
	}
	if (vp9_is_inter(a) && vp9_is_inter(l))
		return single_context_2_inter(a, l);
	edge = vp9_is_inter(a) ? a : l;
	if (!vp9_is_inter(edge))
		return 2;
	if (is_comp(edge))
		return 1 + 2 * uses(edge, VP9_GOLDEN);
	return edge->ref[0] == VP9_LAST ? 3 : 4 * (edge->ref[0] == VP9_GOLDEN);
}

static unsigned int counted_bool(struct vp9_tiles *t, uint8_t probability, uint32_t counts[2])
{
	unsigned int bit = vp9_read_bool(&t->b, probability);

	counts[bit]++;
	return bit;
}

static void read_comp_refs(struct vp9_tiles *t, struct vp9_block *block)
{
	const struct vp9_probs *p = &t->table->probs;
	unsigned int ctx = comp_ref_context(t), fixed = t->h->sign_bias[t->fixed_ref - 1];

	block->ref[fixed] = t->fixed_ref;
	block->ref[!fixed] = t->var_ref[counted_bool(t, p->comp_ref[ctx], t->counts.comp_ref[ctx])];
}

static void read_single_ref(struct vp9_tiles *t, struct vp9_block *block)
{
	const struct vp9_probs *p = &t->table->probs;
	unsigned int ctx = single_context_1(t);

	block->ref[0] = VP9_LAST;
	if (!counted_bool(t, p->single_ref[ctx][0], t->counts.single_ref[ctx][0]))
		return;
	ctx = single_context_2(t);
	block->ref[0] = VP9_GOLDEN + counted_bool(t, p->single_ref[ctx][1],
						  t->counts.single_ref[ctx][1]);
}

void vp9_read_refs(struct vp9_tiles *t, struct vp9_block *block)
{
	const struct vp9_inherited *seg = &t->h->state;
	bool comp = t->c.reference_mode == 1;
	unsigned int ctx;

	block->ref[1] = VP9_NONE;
	if (t->h->seg_on && seg->seg_enabled[block->segment] & 1u << VP9_SEG_REF_FRAME) {
		block->ref[0] = seg->seg_data[block->segment][VP9_SEG_REF_FRAME];
		return;
	}
	if (t->c.reference_mode == 2) {
		ctx = comp_mode_context(t);
		comp = counted_bool(t, t->table->probs.comp_mode[ctx], t->counts.comp_mode[ctx]);
	}
	if (comp)
		read_comp_refs(t, block);
	else
		read_single_ref(t, block);
}
