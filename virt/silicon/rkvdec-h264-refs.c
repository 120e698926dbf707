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
#define RPS_ENTRY_BOTTOM_FLAG(l, e) (293 + (l) * 7 * 32 + (e) * 7)

void h264_pic_drop(struct pic *pic)
{
	av_frame_free(&pic->frame);
	*pic = (struct pic){ 0 };
}

/* ---- references ---------------------------------------------------------- */

/* Bit i: some list has reference i, and the driver has a picture for it. */
static uint16_t listed_refs(const struct picture *p)
{
	uint16_t listed = 0;

	for (unsigned int l = 0; l < 3; l++) {
		for (unsigned int e = 0; e < H264_MAX_LIST; e++) {
			uint32_t info = table_field(p->rps, RPS_ENTRY_DPB_INFO(l, e), 5);

			if (info & RPS_ENTRY_VALID)
				listed |= 1u << (info & 15);
		}
	}
	return listed;
}

bool h264_read_refs(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	uint16_t listed;

	if (!bus_read(&p->run->bus, r[RKVDEC_RPS_BASE] & ~15u, p->rps, sizeof(p->rps)))
		return false;
	listed = listed_refs(p);
	for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
		uint32_t base = r[RKVDEC_REF_BASE(i)];
		uint8_t fields = (base & RKVDEC_REF_TOPFIELD_USED ? TOP_FIELD : 0) |
				 (base & RKVDEC_REF_BOTFIELD_USED ? BOTTOM_FIELD : 0);
		bool whole = p->structure == FRAME;

		p->refs[i] = (struct ref){
			.active = base & RKVDEC_REF_COLMV_USE &&
				  (whole ? fields == FRAME : fields != 0),
			.fields = fields,
			.addr = RKVDEC_REF_ADDR(base),
			.poc = { r[RKVDEC_REF_POC_TOP(i)], r[RKVDEC_REF_POC_BOTTOM(i)] },
			.long_term = p->ps[0].long_term >> i & 1,
			.frame_num = table_field(p->rps, RPS_FRAME_NUM(i), 16),
		};
		if (p->refs[i].addr != p->out)
			continue;
		/*
		 * For a picture it does not have, the driver gives the output.
		 * That is also where the other field of the frame is.
		 */
		p->refs[i].fields &= ~p->structure;
		p->refs[i].missing = !p->refs[i].fields || !(listed >> i & 1);
	}
	return true;
}

static bool pic_fits(const struct pic *pic, const struct ref *ref)
{
	return pic->frame && (pic->fields & ref->fields) == ref->fields &&
	       (!(ref->fields & TOP_FIELD) || pic->poc[0] == ref->poc[0]) &&
	       (!(ref->fields & BOTTOM_FIELD) || pic->poc[1] == ref->poc[1]) &&
	       pic->long_term == ref->long_term;
}

/* First by address and POCs, then by POCs: the bytes come from the address. */
void h264_match_refs(struct picture *p)
{
	struct h264_state *state = p->state;

	for (unsigned int k = 0; k < PICS; k++)
		state->pics[k].named = 0;
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
				pic->named |= ref->fields;
				if (pass)
					complain(p, "reference %u: POC %d is named at %08x, was written to %08x",
						 i, ref->poc[!(ref->fields & TOP_FIELD)], ref->addr,
						 pic->addr);
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
		if (state->pics[k].frame && !state->pics[k].named &&
		    &state->pics[k] != state->first.pic)
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

static bool host_long_term(const struct pic *pic)
{
	return pic->long_term && !pic->host_short;
}

/* The operation that makes libavcodec forget a picture. */
struct h264_mmco h264_mmco_remove(const struct pic *pic, uint32_t frame_num)
{
	if (host_long_term(pic))
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

/* A reference and which of its fields, as an entry of a list */
#define ENTRY(i, fields)	((int)((i) | (fields) << 4))
#define ENTRY_REF(entry)	((entry) & 15)
#define ENTRY_FIELDS(entry)	((entry) >> 4)
#define NO_REF			-1

/* num: picNum or LongTermPicNum, (8-28) to (8-33) */
static int find_ref(const struct picture *p, bool long_term, uint32_t num)
{
	uint8_t fields = FRAME;

	if (p->structure != FRAME) {
		fields = num & 1 ? p->structure : FRAME ^ p->structure;
		num = (uint32_t)((int32_t)num >> 1);
	}
	for (unsigned int i = 0; i < H264_DPB_SIZE; i++) {
		const struct ref *ref = &p->refs[i];

		if (ref->active && ref->long_term == long_term &&
		    (ref->fields & fields) == fields && ref->frame_num == (num & 0xffff))
			return ENTRY(i, fields);
	}
	return NO_REF;
}

/* The driver's initial list: 0 P, 1 B0, 2 B1 */
static void initial_list(const struct picture *p, unsigned int which,
			 int list[H264_MAX_LIST + 1])
{
	for (unsigned int e = 0; e < H264_MAX_LIST; e++) {
		uint32_t info = table_field(p->rps, RPS_ENTRY_DPB_INFO(which, e), 5);
		uint8_t fields = FRAME;

		if (p->structure != FRAME)
			fields = table_field(p->rps, RPS_ENTRY_BOTTOM_FLAG(which, e), 1) ?
				 BOTTOM_FIELD : TOP_FIELD;
		list[e] = info & RPS_ENTRY_VALID &&
			  (p->refs[info & 15].fields & fields) == fields ?
			  ENTRY(info & 15, fields) : NO_REF;
	}
	list[H264_MAX_LIST] = NO_REF;
}

/* CurrPicNum */
static uint32_t curr_pic_num(const struct picture *p, uint32_t frame_num)
{
	return p->structure == FRAME ? frame_num : 2 * frame_num + 1;
}

/* 8.2.4.3 */
static void modify_list(const struct picture *p, unsigned int slice,
			unsigned int l, int list[H264_MAX_LIST + 1])
{
	const struct h264_slice *s = &p->slices[slice];
	uint32_t max = 1u << (p->ps[slice].log2_max_frame_num_minus4 + 4 +
			      (p->structure != FRAME));
	uint32_t cur = curr_pic_num(p, s->frame_num), pred = cur;
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
			ref = find_ref(p, false, pred > cur ? pred - max : pred);
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

/*
 * What stands for a list entry with nothing behind it.  A blank picture cannot
 * come between two fields, they would be no frame then: a second field's list
 * that has an entry gets none.
 */
static struct list_entry poison_entry(struct picture *p, bool has_entry)
{
	struct pic *pic = h264_find_unnamed(p->state);
	struct list_entry entry = { NULL, p->structure };

	/* Of a lone field, a frame cannot predict. */
	if (p->structure == FRAME && pic && pic->fields != FRAME)
		pic = NULL;
	if (!pic && !(p->second && has_entry))
		pic = h264_add_blank(p, false, p->poc, false);
	if (!pic)
		return entry;
	if (!(pic->fields & entry.fields))
		entry.fields = pic->fields;
	if (pic->poisoned != FRAME) {
		avdec_poison(pic->frame);
		pic->poisoned = FRAME;
	}
	entry.pic = pic;
	return entry;
}

static bool check_col(struct picture *p, unsigned int slice, int entry)
{
	const struct ref *ref = &p->refs[ENTRY_REF(entry)];
	uint8_t fields = ENTRY_FIELDS(entry);

	/* A frame's motion is in both halves. */
	if (ref->pic->stamp[0] == ref->pic->stamp[1])
		fields = FRAME;
	for (unsigned int f = 0; f < 2; f++) {
		if (!(fields >> f & 1) || ref->pic->stamp[f])
			continue;
		complain(p, "slice %u: no motion for the co-located picture at %08x", slice,
			 ref->addr);
		return false;
	}
	return h264_check_colmv(p, ref, fields);
}

/* Resolves a slice's lists; may decode a blank picture. */
bool h264_resolve_lists(struct picture *p, unsigned int slice,
			struct list_entry lists[2][H264_MAX_LIST])
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
			if (list[e] != NO_REF)
				lists[l][e] = (struct list_entry){
					p->refs[ENTRY_REF(list[e])].pic, ENTRY_FIELDS(list[e]),
				};
			if (!lists[l][e].pic)
				lists[l][e] = poison_entry(p, e && lists[l][0].pic);
			if (!lists[l][e].pic)
				lists[l][e] = lists[l][0];
			if (!lists[l][e].pic) {
				complain(p, "slice %u: no reference for list %u", slice, l);
				return false;
			}
		}
		if (b && l && list[0] != NO_REF && p->refs[ENTRY_REF(list[0])].pic &&
		    !check_col(p, slice, list[0]))
			return false;
	}
	return true;
}

/* picNum or LongTermPicNum of an entry, in the rewritten stream */
static uint32_t out_pic_num(const struct picture *p, const struct pic *pic, uint8_t fields)
{
	uint32_t num = host_long_term(pic) ? pic->long_idx : pic->frame_num;

	return p->structure == FRAME ? num : 2 * num + (fields == p->structure);
}

/* Spells a list out as modifications of libavcodec's own. */
void h264_spell_list(const struct picture *p, const struct list_entry *list,
		       unsigned int size, struct h264_slice_out *out, unsigned int l)
{
	uint32_t max = MAX_FRAME_NUM << (p->structure != FRAME);
	uint32_t pred = curr_pic_num(p, p->frame_num);

	for (unsigned int e = 0; e < size; e++) {
		struct h264_list_mod *mod = &out->mods[l][e];
		uint32_t num = out_pic_num(p, list[e].pic, list[e].fields), back;

		if (host_long_term(list[e].pic)) {
			*mod = (struct h264_list_mod){ 2, num };
			continue;
		}
		back = (pred - num) & (max - 1);
		if (!back)
			back = max;
		*mod = (struct h264_list_mod){ 0, back - 1 };
		pred = num;
	}
	out->n_mods[l] = size;
}

/* ---- marking ------------------------------------------------------------- */

/* The stream takes a picture's mark away; a frame without any is forgotten. */
static void unmark(struct picture *p, bool long_term, uint32_t num)
{
	int entry = find_ref(p, long_term, num);
	struct pic *pics = p->state->pics, *pic;

	if (entry == NO_REF || !(pic = p->refs[ENTRY_REF(entry)].pic))
		return;
	p->unmark[pic - pics] |= ENTRY_FIELDS(entry);
	if (pic->fields & ~(pic->unmarked | p->unmark[pic - pics]) || pic == p->state->first.pic)
		return;
	p->removed[pic - pics] = true;
}

static void make_long_term(struct picture *p, uint32_t num, uint32_t idx)
{
	int entry = find_ref(p, false, num);
	struct pic *pic = entry == NO_REF ? NULL : p->refs[ENTRY_REF(entry)].pic;

	if (!pic || idx >= 16)
		return;
	/* Its own first field: for libavcodec, both fields are the one or the other. */
	if (p->second && pic == p->state->first.pic)
		p->cur_long_idx = idx;
	else
		p->new_long_idx[pic - p->state->pics] = idx;
}

/* The slice's own operations, in terms of the registers' numbers (8.2.5.4). */
static void apply_mmco(struct picture *p, const struct h264_mmco *m)
{
	const struct h264_slice *s = p->slices;
	struct pic *pics = p->state->pics;
	uint32_t num = curr_pic_num(p, s->frame_num) - (m->difference_of_pic_nums_minus1 + 1);

	switch (m->op) {
	case 1:
		unmark(p, false, num);
		break;
	case 2:
		unmark(p, true, m->long_term_pic_num);
		break;
	case 3:
		make_long_term(p, num, m->long_term_frame_idx);
		break;
	case 4:
		for (unsigned int k = 0; k < PICS; k++)
			if (pics[k].long_term && pics[k].long_idx >= m->long_term_frame_idx &&
			    &pics[k] != p->state->first.pic)
				p->removed[k] = true;
		break;
	case 5:
		/* Not in a second field, 7.4.3.3 */
		if (p->second)
			break;
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

		if (!ref->pic || p->removed[ref->pic - pics] || ref->long_term ||
		    ref->pic == p->state->first.pic)
			continue;
		if (!oldest || (int16_t)ref->frame_num < (int16_t)oldest->frame_num)
			oldest = ref;
	}
	for (unsigned int i = 0; i < H264_DPB_SIZE && !oldest; i++)
		if (p->refs[i].pic && !p->removed[p->refs[i].pic - pics] &&
		    p->refs[i].pic != p->state->first.pic)
			oldest = &p->refs[i];
	if (oldest)
		p->removed[oldest->pic - pics] = true;
}

/* Makes libavcodec forget a frame: with fields, one at a time. */
static void spell_removal(struct picture *p, const struct pic *pic)
{
	uint32_t max = MAX_FRAME_NUM << (p->structure != FRAME);
	uint32_t cur = curr_pic_num(p, p->frame_num);

	if (p->structure == FRAME) {
		p->mmcos[p->n_mmcos++] = h264_mmco_remove(pic, p->frame_num);
		return;
	}
	for (uint8_t field = TOP_FIELD; field <= BOTTOM_FIELD; field++) {
		uint32_t num = out_pic_num(p, pic, field);

		if (!(pic->fields & field))
			continue;
		p->mmcos[p->n_mmcos++] = (struct h264_mmco){
			.op = host_long_term(pic) ? 2 : 1,
			.long_term_pic_num = num,
			.difference_of_pic_nums_minus1 = (cur - num - 1) & (max - 1),
		};
	}
}

static void spell_long_term(struct picture *p, const struct pic *pic, uint32_t idx)
{
	uint32_t max = MAX_FRAME_NUM << (p->structure != FRAME);
	uint8_t field = pic->fields & p->structure ? p->structure : pic->fields;
	uint32_t num = out_pic_num(p, pic, field);

	/* Of a long-term one, the index changes: libavcodec finds it by the number that it had. */
	if (pic->long_term)
		return;
	p->mmcos[p->n_mmcos++] = (struct h264_mmco){
		.op = 3, .long_term_frame_idx = idx,
		.difference_of_pic_nums_minus1 =
			(curr_pic_num(p, p->frame_num) - num - 1) & (max - 1),
	};
}

/*
 * Of a frame whose first field is a long-term reference already, libavcodec
 * forgets that field when it marks the second one.  So the first field stays a
 * short-term one there, until the second makes both long-term: that libavcodec
 * does, with a complaint (avdec.c).
 */
static bool marks_long_term_later(const struct picture *p)
{
	return p->structure != FRAME && !p->second && p->cur_long_idx >= 0;
}

void h264_plan_marking(struct picture *p)
{
	const struct h264_slice *s = p->slices;
	struct pic *pics = p->state->pics, *first = p->second ? p->state->first.pic : NULL;
	unsigned int left = 0;

	p->cur_long_idx = -1;
	for (unsigned int k = 0; k < PICS; k++) {
		p->new_long_idx[k] = -1;
		p->removed[k] = pics[k].frame && !pics[k].named && &pics[k] != first;
	}
	if (!s->nal_ref_idc)
		return;
	if (s->nal_unit_type == H264_NAL_IDR_SLICE) {
		for (unsigned int k = 0; k < PICS; k++)
			p->removed[k] = true;
		p->cur_long_idx = s->long_term_reference_flag ? 0 : -1;
		for (unsigned int i = 0; marks_long_term_later(p) && i < p->n_slices; i++)
			p->slices[i].long_term_reference_flag = 0;
		return;
	}
	for (unsigned int i = 0; i < s->n_mmcos; i++)
		apply_mmco(p, &s->mmcos[i]);
	for (unsigned int k = 0; k < PICS; k++)
		if (!p->removed[k] && p->new_long_idx[k] >= 0)
			free_taken_idx(p, p->new_long_idx[k], k);
	if (first && first->long_term && p->cur_long_idx < 0)
		p->cur_long_idx = first->long_idx;
	if (p->cur_long_idx >= 0)
		free_taken_idx(p, p->cur_long_idx, first ? first - pics : PICS);
	for (unsigned int k = 0; k < PICS; k++)
		left += pics[k].frame && !p->removed[k];
	if (left >= H264_DPB_SIZE && !first)
		remove_oldest(p);

	for (unsigned int k = 0; k < PICS; k++)
		if (pics[k].frame && p->removed[k])
			spell_removal(p, &pics[k]);
	for (unsigned int k = 0; k < PICS; k++)
		if (pics[k].frame && !p->removed[k] && p->new_long_idx[k] >= 0)
			spell_long_term(p, &pics[k], p->new_long_idx[k]);
	if (p->cur_long_idx >= 0 && !marks_long_term_later(p))
		p->mmcos[p->n_mmcos++] = (struct h264_mmco){
			.op = 6, .long_term_frame_idx = p->cur_long_idx,
		};
}

/* The frame that the picture belongs to, if it is a reference. */
static struct pic *commit_current(struct picture *p, uint64_t stamp)
{
	struct h264_state *state = p->state;
	struct pic *cur = p->second ? state->first.pic : h264_find_free(state);
	int32_t base;

	if (!p->second)
		*cur = (struct pic){
			.frame = av_frame_clone(avdec_picture(state->dec)),
			.addr = p->out,
			.frame_num = p->frame_num,
		};
	if (!cur->frame)
		abort();
	cur->fields |= p->structure;
	cur->long_term = p->cur_long_idx >= 0;
	cur->host_short = marks_long_term_later(p);
	cur->long_idx = p->cur_long_idx >= 0 ? p->cur_long_idx : 0;
	for (unsigned int f = 0; f < 2; f++) {
		if (!(p->structure >> f & 1))
			continue;
		cur->poc[f] = p->poc[f];
		cur->stamp[f] = stamp;
	}
	if (!p->reset)
		return cur;

	/* tempPicOrderCnt, 8.2.1; the stream's own POCs just go on. */
	base = p->poc[p->structure == BOTTOM_FIELD];
	if (p->structure == FRAME && p->poc[1] < base)
		base = p->poc[1];
	cur->poc[0] = wrap_add(cur->poc[0], -(uint32_t)base);
	cur->poc[1] = wrap_add(cur->poc[1], -(uint32_t)base);
	state->poc_offset = wrap_add(state->poc_offset, base);
	return cur;
}

static struct pic *commit_reference(struct picture *p, uint64_t stamp)
{
	struct h264_state *state = p->state;

	for (unsigned int k = 0; k < PICS; k++) {
		if (p->removed[k]) {
			h264_pic_drop(&state->pics[k]);
			continue;
		}
		state->pics[k].unmarked |= p->unmark[k];
		if (p->new_long_idx[k] >= 0 && !state->pics[k].long_term) {
			state->pics[k].long_term = true;
			state->pics[k].long_idx = p->new_long_idx[k];
		}
	}
	state->prev_ref_frame_num = p->frame_num;
	if (p->slices->nal_unit_type == H264_NAL_IDR_SLICE)
		state->poc_offset = 0;
	return commit_current(p, stamp);
}

/* libavcodec has done the same. */
void h264_commit_marking(struct picture *p, uint64_t stamp)
{
	struct h264_state *state = p->state;
	struct pic *cur = NULL;

	/* Nothing written before is at this address any more. */
	for (unsigned int k = 0; k < PICS; k++)
		if (state->pics[k].addr == p->out && !p->second)
			state->pics[k].addr = 0;
	if (p->slices->nal_ref_idc)
		cur = commit_reference(p, stamp);
	memset(&state->first, 0, sizeof(state->first));
	if (p->structure == FRAME || p->second)
		return;
	state->first.structure = p->structure;
	state->first.addr = p->out;
	state->first.frame_num = p->frame_num;
	state->first.pic = cur;
}
