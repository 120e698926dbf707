// SPDX-License-Identifier: GPL-2.0
#include "vp9-syntax.h"

#include <string.h>

#include "bits.h"

#define SYNC_CODE	0x498342

static int32_t read_signed(struct bit_reader *r, unsigned int bits)
{
	int32_t value = br_u(r, bits);

	return br_u(r, 1) ? -value : value;
}

static void past_independence(struct vp9_inherited *s)
{
	memset(s, 0, sizeof(*s));
	s->ref_deltas[0] = 1;
	s->ref_deltas[2] = -1;
	s->ref_deltas[3] = -1;
}

static void read_frame_size(struct vp9_header *h, struct bit_reader *r)
{
	h->width = br_u(r, 16) + 1;
	h->height = br_u(r, 16) + 1;
}

static void read_render_size(struct bit_reader *r)
{
	if (br_u(r, 1))
		br_u(r, 32);
}

static const char *read_intra(struct vp9_header *h, struct bit_reader *r)
{
	if (br_u(r, 24) != SYNC_CODE)
		return "frame sync code";
	if (h->key_frame) {
		unsigned int color_space = br_u(r, 3);

		if (color_space == 7)
			return "colour space for profile 0";
		br_u(r, 1);
		h->refresh_flags = 0xff;
	} else {
		h->refresh_flags = br_u(r, 8);
	}
	read_frame_size(h, r);
	read_render_size(r);
	return NULL;
}

static void read_inter(struct vp9_header *h, struct bit_reader *r,
		       const struct vp9_ref_size refs[VP9_REFS])
{
	static const uint8_t filters[4] = { 1, 0, 2, 3 };
	bool found = false;

	h->refresh_flags = br_u(r, 8);
	for (unsigned int i = 0; i < VP9_REFS; i++) {
		h->ref_slot[i] = br_u(r, 3);
		h->sign_bias[i] = br_u(r, 1);
	}
	for (unsigned int i = 0; i < VP9_REFS && !found; i++) {
		found = br_u(r, 1);
		h->width = refs[i].width;
		h->height = refs[i].height;
	}
	if (!found)
		read_frame_size(h, r);
	read_render_size(r);
	h->high_precision_mv = br_u(r, 1);
	h->interp_filter = br_u(r, 1) ? 4 : filters[br_u(r, 2)];
}

static void read_loop_filter(struct vp9_header *h, struct bit_reader *r)
{
	br_u(r, 6 + 3);
	if (!br_u(r, 1) || !br_u(r, 1))
		return;
	for (unsigned int i = 0; i < 4; i++)
		if (br_u(r, 1))
			h->state.ref_deltas[i] = read_signed(r, 6);
	for (unsigned int i = 0; i < 2; i++)
		if (br_u(r, 1))
			h->state.mode_deltas[i] = read_signed(r, 6);
}

static int read_delta_q(struct bit_reader *r)
{
	return br_u(r, 1) ? read_signed(r, 4) : 0;
}

static void read_quantizer(struct vp9_header *h, struct bit_reader *r)
{
	int deltas = 0;

	h->base_q_idx = br_u(r, 8);
	for (unsigned int i = 0; i < 3; i++)
		deltas |= read_delta_q(r);
	h->lossless = !h->base_q_idx && !deltas;
}

static void read_segmentation(struct vp9_header *h, struct bit_reader *r)
{
	static const uint8_t bits[VP9_SEG_FEATURES] = { 8, 6, 2, 0 };

	memset(h->tree_probs, 255, sizeof(h->tree_probs));
	memset(h->pred_probs, 255, sizeof(h->pred_probs));
	h->seg_on = br_u(r, 1);
	if (!h->seg_on)
		return;
	h->seg_update_map = br_u(r, 1);
	if (h->seg_update_map) {
		for (unsigned int i = 0; i < 7; i++)
			h->tree_probs[i] = br_u(r, 1) ? br_u(r, 8) : 255;
		h->seg_temporal_update = br_u(r, 1);
		for (unsigned int i = 0; i < 3; i++)
			h->pred_probs[i] = h->seg_temporal_update && br_u(r, 1) ? br_u(r, 8) : 255;
	}
	if (!br_u(r, 1))
		return;
	h->state.seg_abs = br_u(r, 1);
	for (unsigned int i = 0; i < VP9_SEGMENTS; i++) {
		h->state.seg_enabled[i] = 0;
		for (unsigned int j = 0; j < VP9_SEG_FEATURES; j++) {
			h->state.seg_data[i][j] = 0;
			if (!br_u(r, 1))
				continue;
			h->state.seg_enabled[i] |= 1u << j;
			h->state.seg_data[i][j] = j < VP9_SEG_REF_FRAME ?
						  read_signed(r, bits[j]) : (int)br_u(r, bits[j]);
		}
	}
}

static void read_tiles(struct vp9_header *h, struct bit_reader *r)
{
	unsigned int sb64 = (h->width + 63) / 64, min = 0, max = 1;

	while ((64u << min) < sb64)
		min++;
	while ((sb64 >> max) >= 4)
		max++;
	max--;
	h->tile_cols_log2 = min;
	while (h->tile_cols_log2 < max && br_u(r, 1))
		h->tile_cols_log2++;
	h->tile_rows_log2 = br_u(r, 1);
	if (h->tile_rows_log2)
		h->tile_rows_log2 += br_u(r, 1);
}

const char *vp9_parse_header(struct vp9_header *h, const struct vp9_inherited *before,
			     const struct vp9_ref_size refs[VP9_REFS],
			     const uint8_t *data, size_t size)
{
	const char *error;
	struct bit_reader r;

	memset(h, 0, sizeof(*h));
	h->state = *before;
	br_init(&r, data, size);
	if (br_u(&r, 2) != 2)
		return "frame marker";
	if (br_u(&r, 2))
		return "profile";
	if (br_u(&r, 1))
		return "show_existing_frame: nothing to decode";
	h->key_frame = !br_u(&r, 1);
	h->show_frame = br_u(&r, 1);
	h->error_resilient = br_u(&r, 1);
	if (!h->key_frame) {
		h->intra_only = !h->show_frame && br_u(&r, 1);
		h->reset_frame_context = h->error_resilient ? 0 : br_u(&r, 2);
	}
	if (vp9_is_intra(h)) {
		error = read_intra(h, &r);
		if (error)
			return error;
	} else {
		read_inter(h, &r, refs);
	}
	if (h->error_resilient) {
		h->frame_parallel = true;
	} else {
		h->refresh_frame_context = br_u(&r, 1);
		h->frame_parallel = br_u(&r, 1);
	}
	h->frame_context_idx = br_u(&r, 2);
	if (vp9_is_intra(h) || h->error_resilient)
		past_independence(&h->state);
	read_loop_filter(h, &r);
	read_quantizer(h, &r);
	read_segmentation(h, &r);
	read_tiles(h, &r);
	h->compressed_size = br_u(&r, 16);
	h->size = (r.pos + 7) / 8;
	if (r.overrun || !h->compressed_size || h->size + h->compressed_size > size)
		return "header size";
	return NULL;
}
