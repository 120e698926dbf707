// SPDX-License-Identifier: GPL-2.0
/*
 * rkvdec's H.264 mode: references, reference lists and marking.  See
 * rkvdec-h264.c for where the layouts were learnt: RPS table and its driver in
 * Linux 7.2, rkvdec/rkvdec-h264-common.[ch].
 */
#include <stdlib.h>
#include <string.h>

#include "rkvdec-h264.h"

#define RPS_FRAME_NUM(i)	((i) * 16)
#define RPS_ENTRY_DPB_INFO(l, e) (288 + (l) * 7 * 32 + (e) * 7)
#define RPS_ENTRY_VALID		BIT(4)

void h264_pic_drop(struct pic *pic)
{
	av_frame_free(&pic->frame);
	*pic = (struct pic){ 0 };
}

/* ---- references ---------------------------------------------------------- */

bool h264_read_refs(struct picture *p)
{
	const uint32_t *r = p->run->regs;

	if (!bus_read(&p->run->bus, r[RKVDEC_RPS_BASE] & ~15u, p->rps, sizeof(p->rps)))
		return false;
	for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
		uint32_t base = r[RKVDEC_REF_BASE(i)];

		p->refs[i] = (struct ref){
			.active = base & RKVDEC_REF_COLMV_USE,
			.addr = RKVDEC_REF_ADDR(base),
			.poc = { r[RKVDEC_REF_POC_TOP(i)], r[RKVDEC_REF_POC_BOTTOM(i)] },
			.long_term = p->ps[0].long_term >> i & 1,
			.frame_num = table_field(p->rps, RPS_FRAME_NUM(i), 16),
		};
		/* For a picture it does not have, the driver gives the output. */
		p->refs[i].missing = p->refs[i].addr == p->out;
	}
	return true;
}

static bool pic_fits(const struct pic *pic, const struct ref *ref)
{
	return pic->frame && pic->poc[0] == ref->poc[0] &&
	       pic->poc[1] == ref->poc[1] && pic->long_term == ref->long_term;
}

/* First by address and POCs, then by POCs: the bytes come from the address. */
void h264_match_refs(struct picture *p)
{
	struct h264_state *state = p->state;

	for (unsigned int k = 0; k < PICS; k++)
		state->pics[k].named = false;
	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
			struct ref *ref = &p->refs[i];

			if (!ref->active || ref->missing || ref->pic)
				continue;
			for (unsigned int k = 0; k < PICS && !ref->pic; k++) {
				struct pic *pic = &state->pics[k];

				if (!pic_fits(pic, ref) ||
				    (pass ? pic->named : pic->addr != ref->addr))
					continue;
				ref->pic = pic;
				pic->named = true;
				if (pass)
					complain(p, "reference %u: POC %d is named at %08x, was written to %08x",
						 i, ref->poc[0], ref->addr, pic->addr);
			}
		}
	}
}

unsigned int h264_count_pics(const struct h264_state *state)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < PICS; k++)
		n += state->pics[k].frame != NULL;
	return n;
}

struct pic *h264_find_unnamed(struct h264_state *state)
{
	for (unsigned int k = 0; k < PICS; k++)
		if (state->pics[k].frame && !state->pics[k].named)
			return &state->pics[k];
	return NULL;
}

struct pic *h264_find_free(struct h264_state *state)
{
	for (unsigned int k = 0; k < PICS; k++)
		if (!state->pics[k].frame)
			return &state->pics[k];
	return NULL;
}

/* The operation that makes libavcodec forget a picture. */
struct h264_mmco h264_mmco_remove(const struct pic *pic, uint32_t frame_num)
{
	if (pic->long_term)
		return (struct h264_mmco){ .op = 2, .long_term_pic_num = pic->long_idx };
	return (struct h264_mmco){
		.op = 1,
		.difference_of_pic_nums_minus1 =
			(frame_num - pic->frame_num - 1) & (MAX_FRAME_NUM - 1),
	};
}

int32_t h264_free_long_idx(const struct h264_state *state)
{
	uint32_t used = 0;

	for (unsigned int k = 0; k < PICS; k++)
		if (state->pics[k].frame && state->pics[k].long_term)
			used |= 1u << state->pics[k].long_idx;
	for (unsigned int i = 0; i < 16; i++)
		if (!(used >> i & 1))
			return i;
	return -1;
}

/* ---- reference lists ----------------------------------------------------- */

#define NO_REF	-1

static int find_ref(const struct picture *p, bool long_term, uint32_t num)
{
	for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
		const struct ref *ref = &p->refs[i];

		if (ref->active && ref->long_term == long_term &&
		    ref->frame_num == (num & 0xffff))
			return i;
	}
	return NO_REF;
}

/* The driver's initial list: 0 P, 1 B0, 2 B1 */
static void initial_list(const struct picture *p, unsigned int which,
			 int list[H264_MAX_LIST + 1])
{
	for (unsigned int e = 0; e < H264_MAX_LIST; e++) {
		uint32_t info = table_field(p->rps, RPS_ENTRY_DPB_INFO(which, e), 5);

		list[e] = info & RPS_ENTRY_VALID ? (int)(info & 15) : NO_REF;
	}
	list[H264_MAX_LIST] = NO_REF;
}

/* 8.2.4.3 */
static void modify_list(const struct picture *p, unsigned int slice,
			unsigned int l, int list[H264_MAX_LIST + 1])
{
	const struct h264_slice *s = &p->slices[slice];
	uint32_t max = 1u << (p->ps[slice].log2_max_frame_num_minus4 + 4);
	uint32_t pred = s->frame_num;
	unsigned int size = s->num_ref_idx_active[l];

	for (unsigned int m = 0; m < s->n_mods[l] && m < size; m++) {
		uint32_t value = s->mods[l][m].value;
		unsigned int to = m + 1;
		int ref;

		if (s->mods[l][m].idc == 2) {
			ref = find_ref(p, true, value);
		} else {
			pred += s->mods[l][m].idc ? value + 1 : -(value + 1);
			pred &= max - 1;
			ref = find_ref(p, false, pred > s->frame_num ? pred - max : pred);
		}
		if (ref == NO_REF)
			debug(p, "slice %u list %u: modification %u names no reference", slice, l, m);
		memmove(&list[m + 1], &list[m], (size - m) * sizeof(*list));
		list[m] = ref;
		for (unsigned int from = m + 1; from <= size; from++)
			if (ref == NO_REF || list[from] != ref)
				list[to < size ? to : size] = list[from], to++;
	}
}

/* The picture that stands for a list entry with nothing behind it. */
static struct pic *poison_pic(struct picture *p)
{
	struct pic *pic = h264_find_unnamed(p->state);

	if (!pic)
		pic = h264_add_blank(p, false, p->poc, false);
	if (pic && !pic->poisoned) {
		avdec_poison(pic->frame);
		pic->poisoned = true;
	}
	return pic;
}

/* Resolves a slice's lists; may decode a blank picture. */
bool h264_resolve_lists(struct picture *p, unsigned int slice,
			  struct pic *lists[2][H264_MAX_LIST])
{
	const struct h264_slice *s = &p->slices[slice];
	bool b = h264_type(s) == H264_B;

	for (unsigned int l = 0; l < 2; l++) {
		int list[H264_MAX_LIST + 1];

		if (!s->num_ref_idx_active[l])
			continue;
		initial_list(p, b ? 1 + l : 0, list);
		modify_list(p, slice, l, list);
		for (unsigned int e = 0; e < s->num_ref_idx_active[l]; e++) {
			lists[l][e] = list[e] == NO_REF ? NULL : p->refs[list[e]].pic;
			if (!lists[l][e])
				lists[l][e] = poison_pic(p);
			if (!lists[l][e])
				lists[l][e] = lists[l][0];
			if (!lists[l][e]) {
				complain(p, "slice %u: no reference for list %u", slice, l);
				return false;
			}
		}
		if (b && l && list[0] != NO_REF && p->refs[list[0]].pic) {
			if (!lists[l][0]->stamp) {
				complain(p, "slice %u: no motion for the co-located picture at %08x",
					 slice, p->refs[list[0]].addr);
				return false;
			}
			if (!h264_check_colmv(p, &p->refs[list[0]]))
				return false;
		}
	}
	return true;
}

/* Spells a list out as modifications of libavcodec's own. */
void h264_spell_list(const struct picture *p, struct pic *const *list,
		       unsigned int size, struct h264_slice_out *out, unsigned int l)
{
	uint32_t pred = p->frame_num;

	for (unsigned int e = 0; e < size; e++) {
		struct h264_list_mod *mod = &out->mods[l][e];
		uint32_t back;

		if (list[e]->long_term) {
			*mod = (struct h264_list_mod){ 2, list[e]->long_idx };
			continue;
		}
		back = (pred - list[e]->frame_num) & (MAX_FRAME_NUM - 1);
		if (!back)
			back = MAX_FRAME_NUM;
		*mod = (struct h264_list_mod){ 0, back - 1 };
		pred = list[e]->frame_num;
	}
	out->n_mods[l] = size;
}

/* ---- marking ------------------------------------------------------------- */

static struct pic *find_named(const struct picture *p, bool long_term, uint32_t num)
{
	int i = find_ref(p, long_term, num);

	return i == NO_REF ? NULL : p->refs[i].pic;
}

/* The slice's own operations, in terms of the registers' numbers (8.2.5.4). */
static void apply_mmco(struct picture *p, const struct h264_mmco *m)
{
	const struct h264_slice *s = p->slices;
	struct pic *pics = p->state->pics, *pic;
	uint32_t num = s->frame_num - (m->difference_of_pic_nums_minus1 + 1);

	switch (m->op) {
	case 1:
		pic = find_named(p, false, num);
		if (pic)
			p->removed[pic - pics] = true;
		break;
	case 2:
		pic = find_named(p, true, m->long_term_pic_num);
		if (pic)
			p->removed[pic - pics] = true;
		break;
	case 3:
		pic = find_named(p, false, num);
		if (pic && m->long_term_frame_idx < 16)
			p->new_long_idx[pic - pics] = m->long_term_frame_idx;
		break;
	case 4:
		for (unsigned int k = 0; k < PICS; k++)
			if (pics[k].long_term && pics[k].long_idx >= m->long_term_frame_idx)
				p->removed[k] = true;
		break;
	case 5:
		for (unsigned int k = 0; k < PICS; k++)
			p->removed[k] = true;
		p->reset = true;
		break;
	case 6:
		if (m->long_term_frame_idx < 16)
			p->cur_long_idx = m->long_term_frame_idx;
		break;
	}
}

/* Whoever holds a long-term index that is given away is no reference then. */
static void free_taken_idx(struct picture *p, int32_t idx, unsigned int except)
{
	const struct pic *pics = p->state->pics;

	for (unsigned int k = 0; k < PICS; k++)
		if (pics[k].frame && pics[k].long_term && k != except &&
		    (int32_t)pics[k].long_idx == idx)
			p->removed[k] = true;
}

/* The oldest short-term reference, by the registers' FrameNumWrap (8.2.5.3) */
static void remove_oldest(struct picture *p)
{
	const struct pic *pics = p->state->pics;
	const struct ref *oldest = NULL;

	for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
		const struct ref *ref = &p->refs[i];

		if (!ref->pic || p->removed[ref->pic - pics] || ref->long_term)
			continue;
		if (!oldest || (int16_t)ref->frame_num < (int16_t)oldest->frame_num)
			oldest = ref;
	}
	for (unsigned int i = 0; i < H264_DPB_SIZE && !oldest; i++)
		if (p->refs[i].pic && !p->removed[p->refs[i].pic - pics])
			oldest = &p->refs[i];
	if (oldest)
		p->removed[oldest->pic - pics] = true;
}

void h264_plan_marking(struct picture *p)
{
	const struct h264_slice *s = p->slices;
	struct pic *pics = p->state->pics;
	unsigned int left = 0;

	p->cur_long_idx = -1;
	for (unsigned int k = 0; k < PICS; k++) {
		p->new_long_idx[k] = -1;
		p->removed[k] = pics[k].frame && !pics[k].named;
	}
	if (!s->nal_ref_idc)
		return;
	if (s->nal_unit_type == H264_NAL_IDR_SLICE) {
		for (unsigned int k = 0; k < PICS; k++)
			p->removed[k] = true;
		p->cur_long_idx = s->long_term_reference_flag ? 0 : -1;
		return;
	}
	for (unsigned int i = 0; i < s->n_mmcos; i++)
		apply_mmco(p, &s->mmcos[i]);
	for (unsigned int k = 0; k < PICS; k++)
		if (!p->removed[k] && p->new_long_idx[k] >= 0)
			free_taken_idx(p, p->new_long_idx[k], k);
	if (p->cur_long_idx >= 0)
		free_taken_idx(p, p->cur_long_idx, PICS);
	for (unsigned int k = 0; k < PICS; k++)
		left += pics[k].frame && !p->removed[k];
	if (left >= H264_DPB_SIZE)
		remove_oldest(p);

	for (unsigned int k = 0; k < PICS; k++)
		if (pics[k].frame && p->removed[k])
			p->mmcos[p->n_mmcos++] = h264_mmco_remove(&pics[k], p->frame_num);
	for (unsigned int k = 0; k < PICS; k++) {
		struct h264_mmco m = h264_mmco_remove(&pics[k], p->frame_num);

		if (!pics[k].frame || p->removed[k] || p->new_long_idx[k] < 0)
			continue;
		m.op = 3;
		m.long_term_frame_idx = p->new_long_idx[k];
		p->mmcos[p->n_mmcos++] = m;
	}
	if (p->cur_long_idx >= 0)
		p->mmcos[p->n_mmcos++] = (struct h264_mmco){
			.op = 6, .long_term_frame_idx = p->cur_long_idx,
		};
}

/* libavcodec has done the same. */
void h264_commit_marking(struct picture *p, uint64_t stamp)
{
	struct h264_state *state = p->state;
	struct pic *cur;

	/* Nothing written before is at this address any more. */
	for (unsigned int k = 0; k < PICS; k++)
		if (state->pics[k].addr == p->out)
			state->pics[k].addr = 0;
	if (!p->slices->nal_ref_idc)
		return;
	for (unsigned int k = 0; k < PICS; k++) {
		if (p->removed[k]) {
			h264_pic_drop(&state->pics[k]);
		} else if (p->new_long_idx[k] >= 0) {
			state->pics[k].long_term = true;
			state->pics[k].long_idx = p->new_long_idx[k];
		}
	}
	state->prev_ref_frame_num = p->frame_num;
	if (p->slices->nal_unit_type == H264_NAL_IDR_SLICE)
		state->poc_offset = 0;
	cur = h264_find_free(state);
	*cur = (struct pic){
		.frame = av_frame_clone(avdec_picture(state->dec)),
		.addr = p->out,
		.poc = { p->poc[0], p->poc[1] },
		.frame_num = p->frame_num,
		.long_term = p->cur_long_idx >= 0,
		.long_idx = p->cur_long_idx >= 0 ? p->cur_long_idx : 0,
		.stamp = stamp,
	};
	if (!cur->frame)
		abort();
	if (p->reset) {
		/* tempPicOrderCnt, 8.2.1; the stream's own POCs just go on. */
		int32_t base = p->poc[0] < p->poc[1] ? p->poc[0] : p->poc[1];

		cur->poc[0] = wrap_add(cur->poc[0], -(uint32_t)base);
		cur->poc[1] = wrap_add(cur->poc[1], -(uint32_t)base);
		state->poc_offset = wrap_add(state->poc_offset, base);
	}
}

