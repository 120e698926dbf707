// SPDX-License-Identifier: GPL-2.0
#include "vpu2-vp8-header.h"

#include <stdlib.h>
#include <string.h>

/*
 * One boolean, or one update of a probability: a flag, then a literal.  Where
 * the value is what the decoder has, both are right.
 */
struct op {
	uint8_t prob;
	bool bit;		/* without a choice */
	bool choice;
	uint8_t literal_bits, literal;	/* follow a set flag */
};

#define MAX_OPS		2048
/* More choices than it takes to get from any range to any other. */
#define STEERED_OPS	400

struct ops {
	struct op op[MAX_OPS];
	unsigned int n;
	bool bad;
};

/* 7 bits, of which 0 stands for 1 (17.2) */
static bool mv_prob_is_codable(uint8_t p)
{
	return p == 1 || (p && !(p & 1));
}

bool vp8_probs_can_follow(const struct vp8_probs *probs, const struct vp8_probs *base)
{
	for (unsigned int i = 0; i < VP8_N_MV_PROBS; i++)
		if (probs->mv[i] != base->mv[i] && !mv_prob_is_codable(probs->mv[i]))
			return false;
	return true;
}

/* ---- the encoder --------------------------------------------------------- */

void vp8_writer_init(struct vp8_writer *w, uint8_t *data, size_t size)
{
	*w = (struct vp8_writer){ .data = data, .size = size, .range = 255 };
	memset(data, 0, size);
}

void vp8_writer_add(struct vp8_writer *w, uint8_t value)
{
	size_t i = w->pos / 8;
	uint32_t v = (uint32_t)value << (8 - w->pos % 8);

	if (i + 2 > w->size) {
		w->overrun = true;
		return;
	}
	v += w->data[i + 1] | w->data[i] << 8;
	w->data[i + 1] = v;
	w->data[i] = v >> 8;
	/* The number never grows beyond 1, so the carry ends before the start. */
	for (v >>= 16; v && i; i--)
		v = !++w->data[i - 1];
}

static unsigned int range_after(unsigned int range, uint8_t prob, bool bit)
{
	unsigned int split = 1 + ((range - 1) * prob >> 8);

	range = bit ? range - split : split;
	while (range < 128)
		range <<= 1;
	return range;
}

void vp8_write_bool(struct vp8_writer *w, uint8_t prob, bool bit)
{
	unsigned int split = 1 + ((w->range - 1) * prob >> 8);

	if (bit) {
		vp8_writer_add(w, split);
		w->range -= split;
	} else {
		w->range = split;
	}
	while (w->range < 128) {
		w->range <<= 1;
		w->pos++;
	}
}

/* ---- syntax -------------------------------------------------------------- */

static void add(struct ops *ops, struct op op)
{
	if (ops->n < MAX_OPS)
		ops->op[ops->n++] = op;
	else
		ops->bad = true;
}

static void add_literal(struct ops *ops, unsigned int bits, unsigned int value)
{
	if (value >> bits)
		ops->bad = true;
	while (bits--)
		add(ops, (struct op){ .prob = 128, .bit = value >> bits & 1 });
}

static void add_signed(struct ops *ops, unsigned int bits, int value)
{
	add_literal(ops, bits, abs(value));
	add_literal(ops, 1, value < 0);
}

/* A flag, and a value where it is not zero */
static void add_optional(struct ops *ops, unsigned int bits, int value)
{
	add_literal(ops, 1, value != 0);
	if (value)
		add_signed(ops, bits, value);
}

static void add_segmentation(struct ops *ops, const struct vp8_header *h)
{
	/*
	 * Always on, with equal values where the registers have it off: then
	 * libavcodec carries its map from frame to frame like the memory does.
	 */
	add_literal(ops, 1, 1);
	add_literal(ops, 1, h->update_map);
	add_literal(ops, 1, 1);
	add_literal(ops, 1, 1);		/* absolute values */
	for (unsigned int i = 0; i < 4; i++)
		add_optional(ops, 7, h->quant[i]);
	for (unsigned int i = 0; i < 4; i++)
		add_optional(ops, 6, h->level[i]);
	for (unsigned int i = 0; h->update_map && i < 3; i++) {
		add_literal(ops, 1, 1);
		add_literal(ops, 8, h->segment_probs[i]);
	}
}

static void add_filter(struct ops *ops, const struct vp8_header *h)
{
	add_literal(ops, 1, h->filter_simple);
	add_literal(ops, 6, h->filter_level);
	add_literal(ops, 3, h->sharpness);
	add_literal(ops, 2, 3);		/* deltas, which are updated */
	for (unsigned int i = 0; i < 8; i++) {
		add_literal(ops, 1, 1);
		add_signed(ops, 6, i < 4 ? h->ref_delta[i] : h->mode_delta[i - 4]);
	}
}

static void add_references(struct ops *ops, const struct vp8_header *h)
{
	if (!h->key) {
		add_literal(ops, 1, h->refresh_golden);
		add_literal(ops, 1, h->refresh_alt);
		if (!h->refresh_golden)
			add_literal(ops, 2, h->copy_to_golden);
		if (!h->refresh_alt)
			add_literal(ops, 2, h->copy_to_alt);
		add_literal(ops, 1, h->sign_bias_golden);
		add_literal(ops, 1, h->sign_bias_alt);
	}
	add_literal(ops, 1, h->refresh_probs);
	if (!h->key)
		add_literal(ops, 1, h->refresh_last);
}

static void add_coeff_probs(struct ops *ops, const struct vp8_header *h)
{
	for (unsigned int i = 0; i < VP8_N_COEFF_PROBS; i++) {
		uint8_t p = h->probs.coeff[i];

		add(ops, (struct op){
			.prob = vp8_coeff_update_probs[i], .bit = true,
			.choice = p == h->base->coeff[i],
			.literal_bits = 8, .literal = p,
		});
	}
}

static void add_mv_probs(struct ops *ops, const struct vp8_header *h)
{
	for (unsigned int i = 0; i < VP8_N_MV_PROBS; i++) {
		uint8_t p = h->probs.mv[i];
		bool is_base = p == h->base->mv[i], codable = mv_prob_is_codable(p);

		if (!codable && !is_base)
			ops->bad = true;
		add(ops, (struct op){
			.prob = vp8_mv_update_probs[i], .bit = codable,
			.choice = is_base && codable,
			.literal_bits = 7, .literal = p >> 1,
		});
	}
}

static void add_inter(struct ops *ops, const struct vp8_header *h)
{
	add_literal(ops, 8, h->prob_intra);
	add_literal(ops, 8, h->prob_last);
	add_literal(ops, 8, h->prob_golden);
	add_literal(ops, 1, 1);
	for (unsigned int i = 0; i < 4; i++)
		add_literal(ops, 8, h->y_mode_probs[i]);
	add_literal(ops, 1, 1);
	for (unsigned int i = 0; i < 3; i++)
		add_literal(ops, 8, h->uv_mode_probs[i]);
	add_mv_probs(ops, h);
}

static void add_header(struct ops *ops, const struct vp8_header *h)
{
	if (h->key)
		add_literal(ops, 2, 0);	/* color_space, clamping_type */
	add_segmentation(ops, h);
	add_filter(ops, h);
	add_literal(ops, 2, h->log2_partitions);
	add_literal(ops, 7, h->quant[0]);
	for (unsigned int i = 0; i < 5; i++)
		add_optional(ops, 4, h->quant_delta[i]);
	add_references(ops, h);
	add_coeff_probs(ops, h);
	add_literal(ops, 1, h->mb_skip);
	if (h->mb_skip)
		add_literal(ops, 8, h->prob_skip);
	if (!h->key)
		add_inter(ops, h);
}

/* ---- steering ------------------------------------------------------------ */

static unsigned int op_range(unsigned int range, const struct op *op, bool bit)
{
	range = range_after(range, op->prob, bit);
	for (unsigned int i = op->literal_bits; bit && i--;)
		range = range_after(range, 128, op->literal >> i & 1);
	return range;
}

/* Unset where there is a choice, up to the first steered one. */
static unsigned int choose_shortest(struct ops *ops, unsigned int n)
{
	unsigned int range = 255;

	for (unsigned int i = 0; i < n; i++) {
		if (ops->op[i].choice)
			ops->op[i].bit = false;
		range = op_range(range, &ops->op[i], ops->op[i].bit);
	}
	return range;
}

/* Which ranges can be reached after each operation, and from where. */
struct reach {
	uint8_t from;		/* 0: not reached */
	bool bit;
};

static bool choose_range(struct ops *ops, unsigned int target)
{
	unsigned int first = ops->n > STEERED_OPS ? ops->n - STEERED_OPS : 0;
	unsigned int n = ops->n - first;
	struct reach (*reach)[256] = calloc(n + 1, sizeof(*reach));
	bool ok;

	if (!reach)
		abort();
	reach[0][choose_shortest(ops, first)].from = 1;
	for (unsigned int i = 0; i < n; i++) {
		const struct op *op = &ops->op[first + i];

		for (unsigned int range = 128; range < 256; range++) {
			if (!reach[i][range].from)
				continue;
			for (unsigned int bit = op->choice ? 0 : op->bit;
			     bit <= (op->choice || op->bit); bit++)
				reach[i + 1][op_range(range, op, bit)] =
					(struct reach){ range, bit };
		}
	}
	ok = reach[n][target].from;
	for (unsigned int i = n; ok && i; i--) {
		ops->op[first + i - 1].bit = reach[i][target].bit;
		target = reach[i][target].from;
	}
	free(reach);
	return ok;
}

bool vp8_write_header(struct vp8_writer *w, const struct vp8_header *header,
		      unsigned int range)
{
	struct ops *ops = calloc(1, sizeof(*ops));
	bool ok;

	if (!ops)
		abort();
	add_header(ops, header);
	ok = !ops->bad;
	if (ok && range == VP8_ANY_RANGE)
		choose_shortest(ops, ops->n);
	else if (ok)
		ok = range > 127 && range < 256 && choose_range(ops, range);
	for (unsigned int i = 0; ok && i < ops->n; i++) {
		const struct op *op = &ops->op[i];

		vp8_write_bool(w, op->prob, op->bit);
		for (unsigned int bit = op->literal_bits; op->bit && bit--;)
			vp8_write_bool(w, 128, op->literal >> bit & 1);
	}
	free(ops);
	return ok && !w->overrun;
}
