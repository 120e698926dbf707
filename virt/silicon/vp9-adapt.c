// SPDX-License-Identifier: GPL-2.0
/*
 * The tables between the driver and the hardware (Linux 7.2, rkvdec-vp9.c), and
 * the adaptation of probabilities (VP9 bitstream specification, 8.4).
 */
#include <string.h>

#include "vp9-tile.h"

/* ---- tables -------------------------------------------------------------- */

static void take(void *to, size_t n, const uint8_t **from, size_t padding)
{
	memcpy(to, *from, n);
	*from += n + padding;
}

/* Rows of 27 and 5 bytes of padding */
static void take_rows(void *to, size_t n, const uint8_t *from)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)to)[i] = from[i / 27 * 32 + i % 27];
}

static void read_intra_table(struct vp9_table *t, const uint8_t *m)
{
	for (unsigned int i = 0; i < 8; i++, m += 128)
		take_rows(t->probs.coef[i / 2][i % 2][0], 108, m);
	for (unsigned int i = 0; i < 10; i++)
		take_rows(t->kf_y_mode[i], 90, m + i * 128);
	for (unsigned int i = 0; i < 90; i++)
		t->kf_uv_mode[i / 9][i % 9] = m[i / 23 * 128 + 105 + i % 23];
}

static void read_inter_table(struct vp9_probs *p, const uint8_t *m)
{
	take(p->y_mode, sizeof(p->y_mode), &m, 0);
	take(p->comp_mode, sizeof(p->comp_mode), &m, 0);
	take(p->comp_ref, sizeof(p->comp_ref), &m, 0);
	take(p->single_ref, sizeof(p->single_ref), &m, 0);
	take(p->inter_mode, sizeof(p->inter_mode), &m, 0);
	take(p->interp_filter, sizeof(p->interp_filter), &m, 11);
	for (unsigned int i = 0; i < 16; i++, m += 128)
		take_rows(p->coef[i % 8 / 2][i % 2][i / 8], 108, m);
	take_rows(p->uv_mode, 90, m);
	m += 4 * 32;
	take(p->mv_joint, sizeof(*p) - offsetof(struct vp9_probs, mv_joint), &m, 0);
}

void vp9_table_read(struct vp9_table *t, const struct vp9_header *h, const uint8_t *m)
{
	struct vp9_probs *p = &t->probs;

	memset(t, 0, sizeof(*t));
	take(p->partition, sizeof(p->partition), &m, 3 + 7);
	take(p->skip, sizeof(p->skip), &m, 0);
	take(p->tx32, sizeof(p->tx32), &m, 0);
	take(p->tx16, sizeof(p->tx16), &m, 0);
	take(p->tx8, sizeof(p->tx8), &m, 0);
	take(p->is_inter, sizeof(p->is_inter), &m, 3);
	if (vp9_is_intra(h))
		read_intra_table(t, m);
	else
		read_inter_table(p, m);
}

void vp9_counts_write(const struct vp9_counts *c, bool intra, uint8_t *m)
{
	memset(m, 0, VP9_COUNT_BYTES);
	if (!intra) {
		memcpy(m, c, sizeof(*c));
		return;
	}
	/* up to the transform sizes the same */
	memcpy(m, c, offsetof(struct vp9_counts, y_mode));
	memcpy(m + offsetof(struct vp9_counts, y_mode), c->coef, sizeof(c->coef));
}

/* ---- adaptation ---------------------------------------------------------- */

static uint8_t merge(uint8_t before, uint32_t zeros, uint32_t ones, uint32_t saturation,
		     uint32_t max_factor)
{
	uint32_t n = zeros + ones, prob, factor;

	if (!n)
		return before;
	prob = ((uint64_t)zeros * 256 + n / 2) / n;
	prob = prob < 1 ? 1 : prob > 255 ? 255 : prob;
	factor = max_factor * (n < saturation ? n : saturation) / saturation;
	return (before * (256 - factor) + prob * factor + 128) >> 8;
}

static void adapt_bool(uint8_t *prob, const uint32_t counts[2])
{
	*prob = merge(*prob, counts[0], counts[1], 20, 128);
}

/* The number of symbols below a node */
static uint32_t adapt_tree(uint8_t *probs, const int8_t *tree, const uint32_t *counts, unsigned int i)
{
	uint32_t n[2];

	for (unsigned int k = 0; k < 2; k++)
		n[k] = tree[i + k] > 0 ? adapt_tree(probs, tree, counts, tree[i + k]) :
					 counts[-tree[i + k]];
	probs[i >> 1] = merge(probs[i >> 1], n[0], n[1], 20, 128);
	return n[0] + n[1];
}

static const int8_t three_tree[] = { 0, 2, -1, -2 };
static const int8_t four_tree[] = { 0, 2, -1, 4, -2, -3 };
static const int8_t inter_mode_tree[] = { -2, 2, 0, 4, -1, -3 };
static const int8_t intra_mode_tree[] = {
	0, 2, -9, 4, -1, 6, 8, 12, -2, 10, -4, -5, -3, 14, -8, 16, -6, -7,
};
static const int8_t class_tree[] = {
	0, 2, -1, 4, 6, 8, -2, -3, 10, 12, -4, -5, -6, 14, 16, 18, -7, -8, -9, -10,
};

static void adapt_coefs(struct vp9_probs *p, const struct vp9_counts *c, uint32_t factor)
{
	for (unsigned int i = 0; i < 4 * 2 * 2 * 6 * 6; i++) {
		unsigned int ctx = i % 6, band = i / 6 % 6, inter = i / 36 % 2;
		unsigned int plane = i / 72 % 2, size = i / 144;
		const struct vp9_coef_count *n = &c->coef[inter][size][plane][band][ctx];
		uint8_t *q = p->coef[size][plane][inter][band][ctx];

		q[0] = merge(q[0], n->more[1], n->more[0] - n->more[1], 24, factor);
		q[1] = merge(q[1], n->token[0], n->token[1] + n->token[2], 24, factor);
		q[2] = merge(q[2], n->token[1], n->token[2], 24, factor);
	}
}

static void adapt_mvs(struct vp9_probs *p, const struct vp9_counts *c, bool high_precision)
{
	adapt_tree(p->mv_joint, four_tree, c->mv_joint, 0);
	for (unsigned int i = 0; i < 2; i++) {
		adapt_bool(&p->mv_sign[i], c->mv_sign[i]);
		adapt_tree(p->mv_classes[i], class_tree, c->mv_classes[i], 0);
		adapt_bool(&p->mv_class0_bit[i], c->mv_class0[i]);
		for (unsigned int j = 0; j < 10; j++)
			adapt_bool(&p->mv_bits[i][j], c->mv_bits[i][j]);
		for (unsigned int j = 0; j < 2; j++)
			adapt_tree(p->mv_class0_fr[i][j], four_tree, c->mv_class0_fr[i][j], 0);
		adapt_tree(p->mv_fr[i], four_tree, c->mv_fr[i], 0);
		if (!high_precision)
			continue;
		adapt_bool(&p->mv_class0_hp[i], c->mv_class0_hp[i]);
		adapt_bool(&p->mv_hp[i], c->mv_hp[i]);
	}
}

static void adapt_refs(struct vp9_probs *p, const struct vp9_counts *c)
{
	for (unsigned int i = 0; i < 4; i++)
		adapt_bool(&p->is_inter[i], c->is_inter[i]);
	for (unsigned int i = 0; i < 5; i++) {
		adapt_bool(&p->comp_mode[i], c->comp_mode[i]);
		adapt_bool(&p->comp_ref[i], c->comp_ref[i]);
		adapt_bool(&p->single_ref[i][0], c->single_ref[i][0]);
		adapt_bool(&p->single_ref[i][1], c->single_ref[i][1]);
	}
}

static void adapt_modes(struct vp9_probs *p, const struct vp9_counts *c, const struct vp9_header *h,
			const struct vp9_compressed *z)
{
	adapt_refs(p, c);
	for (unsigned int i = 0; i < 7; i++)
		adapt_tree(p->inter_mode[i], inter_mode_tree, c->inter_mode[i], 0);
	for (unsigned int i = 0; i < 4; i++)
		adapt_tree(p->y_mode[i], intra_mode_tree, c->y_mode[i], 0);
	for (unsigned int i = 0; i < 10; i++)
		adapt_tree(p->uv_mode[i], intra_mode_tree, c->uv_mode[i], 0);
	for (unsigned int i = 0; i < 16; i++)
		adapt_tree(p->partition[i], four_tree, c->partition[i], 0);
	for (unsigned int i = 0; i < 3; i++)
		adapt_bool(&p->skip[i], c->skip[i]);
	for (unsigned int i = 0; i < 4 && h->interp_filter == 4; i++)
		adapt_tree(p->interp_filter[i], three_tree, c->interp_filter[i], 0);
	for (unsigned int i = 0; i < 2 && z->tx_mode == 4; i++) {
		adapt_bool(p->tx8[i], c->tx8[i]);
		adapt_tree(p->tx16[i], three_tree, c->tx16[i], 0);
		adapt_tree(p->tx32[i], four_tree, c->tx32[i], 0);
	}
}

void vp9_probs_adapt(struct vp9_probs *p, const struct vp9_probs *decoded,
		     const struct vp9_counts *c, const struct vp9_header *h,
		     const struct vp9_compressed *z, bool after_key)
{
	bool intra = vp9_is_intra(h);

	adapt_coefs(p, c, after_key && !intra ? 128 : 112);
	if (!intra) {
		adapt_modes(p, c, h, z);
		adapt_mvs(p, c, h->high_precision_mv);
		return;
	}
	memcpy(p->tx8, decoded->tx8, sizeof(p->tx8));
	memcpy(p->tx16, decoded->tx16, sizeof(p->tx16));
	memcpy(p->tx32, decoded->tx32, sizeof(p->tx32));
	memcpy(p->skip, decoded->skip, sizeof(p->skip));
}
