// SPDX-License-Identifier: GPL-2.0
/*
 * Drives the rkvdec H.264 model as the driver and a decoder above it would:
 * parameter sets packed, DPB kept (clause 8.2), registers and tables written,
 * pictures behind an IOMMU with scattered pages.  The streams are made by
 * libx264 here; the pictures must be what libavcodec's own decoder puts out,
 * bit by bit.  Then the model must notice what a driver could do wrong.
 */
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h264-syntax.h"
#include "rkvdec-regs.h"
#include "silicon.h"

#define DRAM_SIZE	(96u << 20)
#define IOVA_BASE	0x10000000u
#define N_BUFS		20
#define FRAMES		40
#define MAX_SHOWN	4096
#define SKIP		77

struct entry {
	bool used, long_term;
	bool missing;			/* filled a gap in frame_num */
	uint32_t frame_num, long_idx;
	int32_t wrap, poc[2];
	uint32_t addr;
};

struct shown {
	uint64_t order;
	uint64_t hash;
};

struct test {
	const char *name;
	struct silicon soc;
	struct job job;
	uint32_t next_iova, next_page;
	/* buffers, IOVAs */
	uint32_t stream, tables, bufs[N_BUFS], buf_size;
	struct h264_ps sps, ps[256];
	struct h264_scaling sps_scaling, scaling[256];
	bool sps_lists;
	bool have_pps[256];
	struct entry dpb[16];
	uint64_t epoch;
	int32_t prev_msb, prev_lsb;
	uint32_t prev_frame_num, frame_num_offset;
	unsigned int crop_w, crop_h, crop_x, crop_y;
	int32_t poc1_non_ref, poc1_bottom, poc1_cycle[256];
	unsigned int poc1_n;
	bool after_reset;
	int32_t reset_top;
	uint64_t number;
	struct shown model[MAX_SHOWN], reference[MAX_SHOWN];
	unsigned int n_model, n_reference, errors;
	/* what to do wrong */
	uint64_t swap_at, wipe_mv_at, reuse_at, unmap_at, poc_at, cut_at;
	bool damage;
	uint32_t seed;
};

#define die(...) do { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); exit(1); } while (0)

static uint64_t hash_bytes(uint64_t h, const uint8_t *p, size_t n)
{
	while (n--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}

/* ---- memory -------------------------------------------------------------- */

static uint32_t *dram32(struct test *t, uint32_t addr)
{
	return (uint32_t *)(t->soc.dram.base + addr);
}

/* Pages from the top, every third first: neighbours in IOVA are not in DRAM. */
static uint32_t new_page(struct test *t)
{
	uint32_t n = DRAM_SIZE / 4096 - 16, i = t->next_page++;

	if (i >= n)
		die("test is out of DRAM");
	return (16 + (uint32_t)((uint64_t)i * 7919 % n)) * 4096;
}

static uint32_t alloc(struct test *t, uint32_t size)
{
	uint32_t iova = t->next_iova, end = iova + ((size + 4095) & ~4095u);
	uint32_t directory = t->soc.regs[VRK_RKVDEC_MMU][0];

	for (uint32_t a = iova; a < end; a += 4096) {
		uint32_t *dte = dram32(t, directory) + (a >> 22);

		if (!(*dte & 1))
			*dte = new_page(t) | 1;
		dram32(t, *dte & ~4095u)[a >> 12 & 1023] = new_page(t) | 7;
	}
	t->next_iova = end + 4096;	/* a hole behind each */
	return iova;
}

static uint32_t *pte(struct test *t, uint32_t iova)
{
	uint32_t dte = dram32(t, t->soc.regs[VRK_RKVDEC_MMU][0])[iova >> 22];

	return dram32(t, dte & ~4095u) + (iova >> 12 & 1023);
}

static void copy_in(struct test *t, uint32_t iova, const void *data, size_t n)
{
	struct bus bus;

	bus_init(&bus, &t->soc.dram, BUS_RK_IOMMU, t->soc.regs[VRK_RKVDEC_MMU][0]);
	if (!bus_write(&bus, iova, data, n))
		die("test's own write to %08x", iova);
}

static void copy_out(struct test *t, uint32_t iova, void *data, size_t n)
{
	struct bus bus;

	bus_init(&bus, &t->soc.dram, BUS_RK_IOMMU, t->soc.regs[VRK_RKVDEC_MMU][0]);
	if (!bus_read(&bus, iova, data, n))
		die("test's own read from %08x", iova);
}

/* ---- parameter sets ------------------------------------------------------ */

static const uint8_t zz4[16] = { 0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15 };

static unsigned int zz8(unsigned int i)
{
	/* the zig-zag walk itself, not a table: another source than the model's */
	unsigned int x = 0, y = 0;

	while (i--) {
		if ((x + y) % 2 == 0) {
			if (x == 7)
				y++;
			else if (!y)
				x++;
			else
				x++, y--;
		} else {
			if (y == 7)
				x++;
			else if (!x)
				y++;
			else
				y++, x--;
		}
	}
	return y * 8 + x;
}

static void read_list(struct bit_reader *r, uint8_t *list, unsigned int n,
		      const uint8_t *fallback)
{
	int last = 8;

	if (!br_u(r, 1)) {
		if (!fallback)
			die("default scaling lists are not in this test");
		memcpy(list, fallback, n);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		int next = (last + br_se(r) + 256) % 256;

		if (!next && !i)
			die("default scaling lists are not in this test");
		if (next)
			last = next;
		list[n == 16 ? zz4[i] : zz8(i)] = last;
	}
}

static void read_lists(struct bit_reader *r, struct h264_scaling *s, bool t8,
		       const struct h264_scaling *base)
{
	for (unsigned int i = 0; i < 6; i++)
		read_list(r, s->list_4x4[i], 16,
			  i % 3 ? s->list_4x4[i - 1] : base ? base->list_4x4[i] : NULL);
	for (unsigned int i = 0; t8 && i < 2; i++)
		read_list(r, s->list_8x8[i], 64, base ? base->list_8x8[i] : NULL);
}

static unsigned int frame_height(const struct h264_ps *s)
{
	return s->height_in_map_units * 16 * (2 - s->frame_mbs_only_flag);
}

static void alloc_buffers(struct test *t)
{
	unsigned int w = t->sps.width_in_mbs * 16, h = frame_height(&t->sps);
	uint32_t size = ((w + 63) & ~63u) * h * 3 / 2 + w * h / 256 * 128;

	if (size <= t->buf_size)
		return;
	t->buf_size = size;
	for (unsigned int i = 0; i < N_BUFS; i++)
		t->bufs[i] = alloc(t, size);
}

static void read_sps(struct test *t, struct bit_reader *r)
{
	struct h264_ps *s = &t->sps;

	memset(s, 0, sizeof(*s));
	s->profile_idc = br_u(r, 8);
	br_u(r, 16);
	s->sps_id = br_ue(r);
	s->chroma_format_idc = 1;
	t->sps_lists = false;
	if (s->profile_idc >= 100) {
		s->chroma_format_idc = br_ue(r);
		br_ue(r);
		br_ue(r);
		br_u(r, 1);
		t->sps_lists = br_u(r, 1);
		if (t->sps_lists)
			read_lists(r, &t->sps_scaling, true, NULL);
	}
	s->log2_max_frame_num_minus4 = br_ue(r);
	s->pic_order_cnt_type = br_ue(r);
	if (s->pic_order_cnt_type == 0)
		s->log2_max_pic_order_cnt_lsb_minus4 = br_ue(r);
	if (s->pic_order_cnt_type == 1) {
		s->delta_pic_order_always_zero_flag = br_u(r, 1);
		t->poc1_non_ref = br_se(r);
		t->poc1_bottom = br_se(r);
		t->poc1_n = br_ue(r) & 255;
		for (unsigned int i = 0; i < t->poc1_n; i++)
			t->poc1_cycle[i] = br_se(r);
	}
	s->max_num_ref_frames = br_ue(r);
	br_u(r, 1);
	s->width_in_mbs = br_ue(r) + 1;
	s->height_in_map_units = br_ue(r) + 1;
	s->frame_mbs_only_flag = br_u(r, 1);
	if (!s->frame_mbs_only_flag)
		s->mb_adaptive_frame_field_flag = br_u(r, 1);
	s->direct_8x8_inference_flag = br_u(r, 1);
	t->crop_w = s->width_in_mbs * 16;
	t->crop_h = frame_height(s);
	if (br_u(r, 1)) {
		unsigned int unit = 2 * (2 - s->frame_mbs_only_flag);

		t->crop_x = br_ue(r) * 2;
		t->crop_w -= t->crop_x + br_ue(r) * 2;
		t->crop_y = br_ue(r) * unit;
		t->crop_h -= t->crop_y + br_ue(r) * unit;
	}
	alloc_buffers(t);
}

static void read_pps(struct test *t, struct bit_reader *r, size_t end)
{
	struct h264_ps ps = t->sps;
	uint32_t id = br_ue(r);

	ps.pps_id = id;
	ps.pps_sps_id = br_ue(r);
	ps.entropy_coding_mode_flag = br_u(r, 1);
	ps.bottom_field_pic_order_in_frame_present_flag = br_u(r, 1);
	br_ue(r);
	ps.num_ref_idx_default_active_minus1[0] = br_ue(r);
	ps.num_ref_idx_default_active_minus1[1] = br_ue(r);
	ps.weighted_pred_flag = br_u(r, 1);
	ps.weighted_bipred_idc = br_u(r, 2);
	ps.pic_init_qp_minus26 = br_se(r);
	ps.pic_init_qs_minus26 = br_se(r);
	ps.chroma_qp_index_offset = br_se(r);
	ps.deblocking_filter_control_present_flag = br_u(r, 1);
	ps.constrained_intra_pred_flag = br_u(r, 1);
	ps.redundant_pic_cnt_present_flag = br_u(r, 1);
	ps.second_chroma_qp_index_offset = ps.chroma_qp_index_offset;
	ps.scaling_list_enable_flag = t->sps_lists;
	t->scaling[id] = t->sps_scaling;
	if (r->pos < end) {
		ps.transform_8x8_mode_flag = br_u(r, 1);
		if (br_u(r, 1)) {
			ps.scaling_list_enable_flag = 1;
			read_lists(r, &t->scaling[id], ps.transform_8x8_mode_flag,
				   t->sps_lists ? &t->sps_scaling : NULL);
		}
		ps.second_chroma_qp_index_offset = br_se(r);
	}
	t->ps[id] = ps;
	t->have_pps[id] = true;
}

static size_t rbsp_end(const uint8_t *rbsp, size_t n)
{
	size_t bits = n * 8;

	while (bits && !(rbsp[(bits - 1) / 8] >> (7 - (bits - 1) % 8) & 1))
		bits--;
	return bits - 1;
}

static void put(uint32_t *table, unsigned int offset, unsigned int n, uint32_t v)
{
	for (unsigned int i = 0; i < n; i++, offset++) {
		table[offset / 32] &= ~(1u << offset % 32);
		table[offset / 32] |= (v >> i & 1) << offset % 32;
	}
}

/* The packet of assemble_hw_pps() */
static void write_packet(struct test *t, const struct h264_ps *s, uint32_t scaling)
{
	uint32_t w[H264_PS_PACKET_WORDS] = { 0 };

	put(w, 0, 4, s->sps_id);
	put(w, 4, 8, s->profile_idc);
	put(w, 13, 2, s->chroma_format_idc);
	put(w, 22, 4, s->log2_max_frame_num_minus4);
	put(w, 26, 5, s->max_num_ref_frames);
	put(w, 31, 2, s->pic_order_cnt_type);
	put(w, 33, 4, s->log2_max_pic_order_cnt_lsb_minus4);
	put(w, 37, 1, s->delta_pic_order_always_zero_flag);
	put(w, 38, 9, s->width_in_mbs);
	put(w, 47, 9, s->height_in_map_units);
	put(w, 56, 1, s->frame_mbs_only_flag);
	put(w, 57, 1, s->mb_adaptive_frame_field_flag);
	put(w, 58, 1, s->direct_8x8_inference_flag);
	put(w, 128, 8, s->pps_id);
	put(w, 136, 5, s->pps_sps_id);
	put(w, 141, 1, s->entropy_coding_mode_flag);
	put(w, 142, 1, s->bottom_field_pic_order_in_frame_present_flag);
	put(w, 143, 5, s->num_ref_idx_default_active_minus1[0]);
	put(w, 148, 5, s->num_ref_idx_default_active_minus1[1]);
	put(w, 153, 1, s->weighted_pred_flag);
	put(w, 154, 2, s->weighted_bipred_idc);
	put(w, 156, 7, s->pic_init_qp_minus26);
	put(w, 163, 6, s->pic_init_qs_minus26);
	put(w, 169, 5, s->chroma_qp_index_offset);
	put(w, 174, 1, s->deblocking_filter_control_present_flag);
	put(w, 175, 1, s->constrained_intra_pred_flag);
	put(w, 176, 1, s->redundant_pic_cnt_present_flag);
	put(w, 177, 1, s->transform_8x8_mode_flag);
	put(w, 178, 5, s->second_chroma_qp_index_offset);
	put(w, 183, 1, s->scaling_list_enable_flag);
	put(w, 184, 32, scaling);
	for (unsigned int i = 0; i < 16; i++)
		put(w, 216 + i, 1, t->dpb[i].used && t->dpb[i].long_term);
	copy_in(t, t->tables + 16384 + s->pps_id * 32, w, sizeof(w));
}

/* ---- DPB ----------------------------------------------------------------- */

static void decode_poc(struct test *t, const struct h264_slice *s,
		       const struct h264_ps *ps, int32_t poc[2])
{
	bool idr = s->nal_unit_type == H264_NAL_IDR_SLICE;

	if (ps->pic_order_cnt_type == 0) {
		int32_t max = 1 << (ps->log2_max_pic_order_cnt_lsb_minus4 + 4);
		int32_t lsb = s->pic_order_cnt_lsb, msb;

		if (idr)
			t->prev_msb = t->prev_lsb = 0;
		if (t->after_reset) {
			t->prev_msb = 0;
			t->prev_lsb = t->reset_top;
		}
		msb = t->prev_msb;
		if (lsb < t->prev_lsb && t->prev_lsb - lsb >= max / 2)
			msb += max;
		else if (lsb > t->prev_lsb && lsb - t->prev_lsb > max / 2)
			msb -= max;
		poc[0] = msb + lsb;
		poc[1] = poc[0] + s->delta_pic_order_cnt_bottom;
		if (s->nal_ref_idc) {
			t->prev_msb = msb;
			t->prev_lsb = lsb;
		}
	} else {
		if (t->after_reset)
			t->frame_num_offset = t->prev_frame_num = 0;
		if (idr)
			t->frame_num_offset = 0;
		else if (t->prev_frame_num > s->frame_num)
			t->frame_num_offset += 1u << (ps->log2_max_frame_num_minus4 + 4);
	}
	if (ps->pic_order_cnt_type == 1) {
		uint32_t abs = t->poc1_n ? t->frame_num_offset + s->frame_num : 0;
		int32_t sum = 0, expected = 0;

		if (!s->nal_ref_idc && abs)
			abs--;
		for (unsigned int i = 0; i < t->poc1_n; i++)
			sum += t->poc1_cycle[i];
		if (abs) {
			expected = (int32_t)((abs - 1) / t->poc1_n) * sum;
			for (unsigned int i = 0; i <= (abs - 1) % t->poc1_n; i++)
				expected += t->poc1_cycle[i];
		}
		if (!s->nal_ref_idc)
			expected += t->poc1_non_ref;
		poc[0] = expected + s->delta_pic_order_cnt[0];
		poc[1] = poc[0] + t->poc1_bottom + s->delta_pic_order_cnt[1];
	} else if (ps->pic_order_cnt_type == 2) {
		poc[0] = poc[1] = 2 * (t->frame_num_offset + s->frame_num) - !s->nal_ref_idc;
	}
	t->prev_frame_num = s->frame_num;
	t->after_reset = false;
}

static int32_t poc_of(const struct entry *e)
{
	return e->poc[0] < e->poc[1] ? e->poc[0] : e->poc[1];
}

static struct entry *find(struct test *t, bool long_term, int32_t num)
{
	for (unsigned int k = 0; k < 16; k++) {
		struct entry *e = &t->dpb[k];

		if (e->used && e->long_term == long_term &&
		    (long_term ? (int32_t)e->long_idx : e->wrap) == num)
			return e;
	}
	return NULL;
}

static void drop_long(struct test *t, uint32_t idx)
{
	struct entry *e = find(t, true, idx);

	if (e)
		e->used = false;
}

static void mmco(struct test *t, const struct h264_slice *s, const struct h264_mmco *m,
		 struct entry *cur)
{
	struct entry *e = NULL;

	if (m->op == 1 || m->op == 3)
		e = find(t, false, s->frame_num - m->difference_of_pic_nums_minus1 - 1);
	if (m->op == 2)
		e = find(t, true, m->long_term_pic_num);
	if (m->op < 3 && e)
		e->used = false;
	if (m->op == 3) {
		drop_long(t, m->long_term_frame_idx);
		if (e) {
			e->long_term = true;
			e->long_idx = m->long_term_frame_idx;
		}
	}
	for (unsigned int k = 0; k < 16 && m->op == 4; k++)
		if (t->dpb[k].long_term && t->dpb[k].long_idx >= m->long_term_frame_idx)
			t->dpb[k].used = false;
	if (m->op == 5) {
		int32_t base = poc_of(cur);

		memset(t->dpb, 0, sizeof(t->dpb));
		cur->poc[0] -= base;
		cur->poc[1] -= base;
		cur->frame_num = 0;
		t->after_reset = true;
		t->reset_top = cur->poc[0];
		t->epoch++;
	}
	if (m->op == 6) {
		drop_long(t, m->long_term_frame_idx);
		cur->long_term = true;
		cur->long_idx = m->long_term_frame_idx;
	}
}

static void slide(struct test *t, const struct h264_ps *ps)
{
	struct entry *oldest = NULL;
	unsigned int n = 0;

	for (unsigned int k = 0; k < 16; k++) {
		struct entry *e = &t->dpb[k];

		n += e->used;
		if (e->used && !e->long_term && (!oldest || e->wrap < oldest->wrap))
			oldest = e;
	}
	if (n >= (ps->max_num_ref_frames ? ps->max_num_ref_frames : 1) && oldest)
		oldest->used = false;
}

static void insert(struct test *t, const struct entry *cur)
{
	for (unsigned int k = 0; k < 16; k++) {
		if (!t->dpb[k].used) {
			t->dpb[k] = *cur;
			return;
		}
	}
	die("DPB is full");
}

static void mark(struct test *t, const struct h264_slice *s, const struct h264_ps *ps,
		 int32_t poc[2], uint32_t addr)
{
	struct entry cur = {
		.used = true, .frame_num = s->frame_num, .poc = { poc[0], poc[1] }, .addr = addr,
	};

	if (!s->nal_ref_idc)
		return;
	if (s->nal_unit_type == H264_NAL_IDR_SLICE) {
		memset(t->dpb, 0, sizeof(t->dpb));
		cur.long_term = s->long_term_reference_flag;
	} else if (s->adaptive_ref_pic_marking_mode_flag) {
		for (unsigned int i = 0; i < s->n_mmcos; i++)
			mmco(t, s, &s->mmcos[i], &cur);
	} else {
		slide(t, ps);
	}
	insert(t, &cur);
	memcpy(poc, cur.poc, sizeof(cur.poc));
}

static void set_wraps(struct test *t, uint32_t frame_num, uint32_t max)
{
	for (unsigned int i = 0; i < 16; i++)
		t->dpb[i].wrap = t->dpb[i].frame_num > frame_num ?
				 (int32_t)(t->dpb[i].frame_num - max) :
				 (int32_t)t->dpb[i].frame_num;
}

/* 8.2.5.2: entries with no picture, as a decoder above the driver has them */
static void fill_gap(struct test *t, const struct h264_slice *s, const struct h264_ps *ps)
{
	uint32_t max = 1u << (ps->log2_max_frame_num_minus4 + 4);
	uint32_t n = t->after_reset ? 0 : t->prev_frame_num;

	if (s->nal_unit_type == H264_NAL_IDR_SLICE || s->frame_num == n)
		return;
	for (n = (n + 1) % max; n != s->frame_num; n = (n + 1) % max) {
		struct entry e = { .used = true, .missing = true, .frame_num = n };

		set_wraps(t, n, max);
		slide(t, ps);
		insert(t, &e);
		if (ps->pic_order_cnt_type && n < t->prev_frame_num)
			t->frame_num_offset += max;
		t->prev_frame_num = n;
	}
}

/* P: descending FrameNumWrap; B: by distance to the current POC; long-term last */
static bool before(const struct entry *a, const struct entry *b, unsigned int list,
		   int32_t cur)
{
	bool a_past = poc_of(a) < cur, b_past = poc_of(b) < cur;

	if (a->long_term || b->long_term)
		return a->long_term != b->long_term ? b->long_term :
		       a->long_idx < b->long_idx;
	if (!list)
		return a->wrap > b->wrap;
	if (a_past != b_past)
		return a_past == (list == 1);
	return a_past ? poc_of(a) > poc_of(b) : poc_of(a) < poc_of(b);
}

static void write_rps(struct test *t, int32_t cur)
{
	uint32_t rps[32] = { 0 };
	unsigned int lists[3][16], n = 0;

	for (unsigned int i = 0; i < 16; i++) {
		if (!t->dpb[i].used)
			continue;
		put(rps, i * 16, 16, t->dpb[i].long_term ? (int32_t)t->dpb[i].long_idx : t->dpb[i].wrap);
		for (unsigned int l = 0; l < 3; l++) {
			unsigned int k = n;

			while (k && before(&t->dpb[i], &t->dpb[lists[l][k - 1]], l, cur)) {
				lists[l][k] = lists[l][k - 1];
				k--;
			}
			lists[l][k] = i;
		}
		n++;
	}
	if (n > 1 && !memcmp(lists[1], lists[2], n * sizeof(**lists))) {
		unsigned int a = lists[2][0];

		lists[2][0] = lists[2][1];
		lists[2][1] = a;
	}
	for (unsigned int l = 0; l < 3; l++)
		for (unsigned int e = 0; e < n; e++)
			put(rps, 288 + l * 7 * 32 + e * 7, 5, lists[l][e] | (t->dpb[lists[l][e]].missing ? 0 : 16));
	copy_in(t, t->tables + 8192, rps, sizeof(rps));
}

static uint32_t free_buffer(const struct test *t)
{
	for (unsigned int i = 0; i < N_BUFS; i++) {
		bool used = false;

		for (unsigned int k = 0; k < 16; k++)
			used |= t->dpb[k].used && t->dpb[k].addr == t->bufs[i];
		if (!used)
			return t->bufs[i];
	}
	die("no free buffer");
}

/* ---- one picture --------------------------------------------------------- */

static void write_registers(struct test *t, const struct h264_ps *ps, uint32_t out,
			    const int32_t poc[2], size_t len)
{
	volatile uint32_t *r = t->soc.regs[VRK_RKVDEC];
	uint32_t stride = (ps->width_in_mbs * 16 + 63) & ~63u, h = frame_height(ps);

	for (unsigned int i = 0; i < RKVDEC_N_REGS; i++)
		r[i] = 0;
	r[2] = RKVDEC_MODE_H264 << 20;
	r[3] = stride / 16 | 1 << 11 | stride / 16 << 12 | 0x7ffu << 21;
	r[4] = t->stream;
	r[5] = len;
	r[6] = t->tables;
	r[7] = out;
	r[8] = stride * h / 16;
	r[9] = stride * h * 3 / 2 / 16;
	for (unsigned int i = 0; i < 16; i++) {
		const struct entry *e = &t->dpb[i];
		static const uint8_t top[16] = { 25, 27, 29, 31, 33, 35, 37, 39, 50, 52, 54, 56, 58, 60, 62, 72 };
		static const uint8_t bottom[16] = { 26, 28, 30, 32, 34, 36, 38, 49, 51, 53, 55, 57, 59, 61, 63, 73 };

		r[i < 15 ? 10 + i : 48] = e->used ? (e->missing ? out : e->addr) | 0xe : out;
		r[top[i]] = e->used ? e->poc[0] : 0;
		r[bottom[i]] = e->used ? e->poc[1] : 0;
	}
	r[40] = poc[0];
	r[74] = poc[1];
	r[42] = t->tables + 16384;
	r[43] = t->tables + 8192;
	if (t->number == t->poc_at)
		for (unsigned int i = 0; i < 16; i++)
			if (t->dpb[i].used)
				r[i < 8 ? 25 + 2 * i : 50 + 2 * (i - 8)] += 1000;
}

/* Flips bits anywhere in the stream, the tables and the registers. */
static void damage(struct test *t, size_t au_size)
{
	static const uint16_t table_at[] = { 4096, 8192, 16384 };

	for (unsigned int i = 0; i < 24; i++) {
		uint32_t what, at;
		uint8_t byte;

		t->seed = t->seed * 1664525 + 1013904223;
		what = t->seed >> 30;
		at = t->seed >> 8;
		if (what == 3 && i % 8 == 0) {
			t->soc.regs[VRK_RKVDEC][3 + at % 72] ^= 1u << at % 31;
			continue;
		}
		at = what ? t->tables + table_at[what - 1] + at / 8 % (what == 3 ? 32 : 128) :
			    t->stream + at / 8 % (i % 3 ? au_size : 24);
		if (what && i % 4)
			continue;
		copy_out(t, at, &byte, 1);
		byte ^= 1 << t->seed % 8;
		copy_in(t, at, &byte, 1);
	}
}

static void hash_picture(struct test *t, uint32_t out, uint32_t stride, uint32_t uv,
			 uint64_t order)
{
	uint64_t h = 0xcbf29ce484222325ull;
	uint8_t row[4096];

	for (unsigned int y = 0; y < t->crop_h; y++) {
		copy_out(t, out + (t->crop_y + y) * stride + t->crop_x, row, t->crop_w);
		h = hash_bytes(h, row, t->crop_w);
	}
	for (unsigned int y = 0; y < t->crop_h / 2; y++) {
		copy_out(t, out + uv + (t->crop_y / 2 + y) * stride + t->crop_x, row, t->crop_w);
		h = hash_bytes(h, row, t->crop_w);
	}
	t->model[t->n_model++] = (struct shown){ order, h };
}

static void picture(struct test *t, const uint8_t *rbsp, size_t size, const uint8_t *au,
		    size_t au_size)
{
	struct h264_slice s;
	const struct h264_ps *ps = &t->ps[h264_peek_pps_id(rbsp, size) & 255];
	uint32_t out, max = 1u << (ps->log2_max_frame_num_minus4 + 4), status = 0;
	int32_t poc[2];

	if (h264_parse_slice(&s, ps, rbsp, size))
		die("slice header");
	t->number++;
	if (s.nal_unit_type == H264_NAL_IDR_SLICE) {
		memset(t->dpb, 0, sizeof(t->dpb));
		t->epoch++;
	}
	fill_gap(t, &s, ps);
	set_wraps(t, s.frame_num, max);
	decode_poc(t, &s, ps, poc);
	out = free_buffer(t);
	if (t->number == t->reuse_at) {
		for (unsigned int i = 0; i < 16; i++)
			if (t->dpb[i].used)
				out = t->dpb[i].addr;
	}
	copy_in(t, t->stream, au, au_size);
	if (t->number == t->cut_at)
		au_size = au_size / 2;
	copy_in(t, t->tables + 4096, &t->scaling[s.pps_id], sizeof(struct h264_scaling));
	write_packet(t, ps, t->tables + 4096);
	write_rps(t, poc[0] < poc[1] ? poc[0] : poc[1]);
	write_registers(t, ps, out, poc, au_size);
	if (t->number == t->wipe_mv_at) {
		static const uint8_t junk[65536];
		uint32_t mv = t->soc.regs[VRK_RKVDEC][9] * 16;

		for (unsigned int i = 0; i < 16; i++)
			if (t->dpb[i].used)
				copy_in(t, t->dpb[i].addr + mv, junk, t->buf_size - mv);
	}
	if (t->number == t->unmap_at)
		*pte(t, out + 4096) = 0;

	if (t->damage)
		damage(t, au_size);

	t->job = (struct job){ .number = t->number, .swap_refs = t->number == t->swap_at };
	rkvdec_run(&t->soc, &t->job);
	for (unsigned int i = 0; i < t->job.done.n_regs; i++)
		if (t->job.done.regs[i].unit == VRK_RKVDEC)
			status = t->job.done.regs[i].value;
	if (!(t->job.done.irq_mask & BIT(VRK_IRQ_RKVDEC)) ||
	    !!(status & RKVDEC_RDY_STA) != (t->job.status == JOB_OK))
		die("%s: picture %llu: status %08x", t->name, (unsigned long long)t->number, status);
	t->errors += t->job.status != JOB_OK;
	if (t->number == t->unmap_at) {
		if (t->job.status != JOB_FAULT ||
		    !(t->job.done.irq_mask & BIT(VRK_IRQ_RKVDEC_MMU)) ||
		    t->job.done.regs[1].value != out + 4096)
			die("%s: no page fault", t->name);
		exit(0);
	}
	/* Registers may be damaged; and marking may move the picture's POC. */
	mark(t, &s, ps, poc, out);
	hash_picture(t, out, (ps->width_in_mbs * 16 + 63) & ~63u,
		     ((ps->width_in_mbs * 16 + 63) & ~63u) * frame_height(ps),
		     t->epoch << 32 | (uint32_t)(poc_of(&(struct entry){ .poc = { poc[0], poc[1] } }) + (1 << 20)));
}

static void access_unit(struct test *t, const uint8_t *data, size_t size)
{
	static uint8_t rbsp[1 << 20];
	uint8_t first[512];
	size_t first_size = 0;

	for (size_t i = 0, next; i + 3 < size; i = next) {
		unsigned int type;
		struct bit_reader r;
		size_t n;

		for (next = i; next + 3 < size; next++)
			if (!data[next] && !data[next + 1] && data[next + 2] == 1)
				break;
		i = next + 3;
		if (i >= size)
			break;
		for (next = i; next + 2 < size; next++)
			if (!data[next] && !data[next + 1] && data[next + 2] <= 1)
				break;
		if (next + 2 >= size)
			next = size;
		n = nal_unescape(rbsp, data + i, next - i);
		type = rbsp[0] & 31;
		br_init(&r, rbsp, n);
		br_u(&r, 8);
		if (type == H264_NAL_SPS)
			read_sps(t, &r);
		else if (type == H264_NAL_PPS)
			read_pps(t, &r, rbsp_end(rbsp, n));
		else if ((type == 1 || type == 5) && !first_size)
			memcpy(first, rbsp, first_size = n < sizeof(first) ? n : sizeof(first));
	}
	if (!first_size)
		die("no slice");
	picture(t, first, first_size, data, size);
}

/* ---- streams ------------------------------------------------------------- */

static void paint(AVFrame *f, int n)
{
	uint32_t seed = 1;

	for (int y = 0; y < f->height; y++)
		for (int x = 0; x < f->width; x++) {
			int v = 60 + ((x + 3 * n) ^ (y + n)) % 96 + 40 * (((x - 5 * n) / 24 + y / 24) & 1);

			seed = seed * 1664525 + 1013904223;
			f->data[0][y * f->linesize[0] + x] = (v + (seed >> 29)) * (30 + n % 20) / 40;
		}
	for (int y = 0; y < f->height / 2; y++)
		for (int x = 0; x < f->width / 2; x++) {
			f->data[1][y * f->linesize[1] + x] = 128 + (x + 2 * n) % 64 - 32;
			f->data[2][y * f->linesize[2] + x] = 128 + (y + x / 2 + n) % 64 - 32;
		}
}

static void reference_frames(struct test *t, AVCodecContext *dec, AVFrame *f)
{
	while (avcodec_receive_frame(dec, f) >= 0) {
		uint64_t h = 0xcbf29ce484222325ull;

		for (int y = 0; y < f->height; y++)
			h = hash_bytes(h, f->data[0] + y * f->linesize[0], f->width);
		for (int y = 0; y < f->height / 2; y++) {
			uint8_t row[4096];

			for (int x = 0; x < f->width / 2; x++) {
				row[2 * x] = f->data[1][y * f->linesize[1] + x];
				row[2 * x + 1] = f->data[2][y * f->linesize[2] + x];
			}
			h = hash_bytes(h, row, f->width);
		}
		t->reference[t->n_reference] = (struct shown){ t->n_reference, h };
		t->n_reference++;
	}
}

static void feed(struct test *t, AVCodecContext *enc, AVCodecContext *dec, AVFrame *in)
{
	AVPacket *p = av_packet_alloc();
	AVFrame *out = av_frame_alloc();

	if (avcodec_send_frame(enc, in))
		die("encoder");
	while (!avcodec_receive_packet(enc, p)) {
		if (avcodec_send_packet(dec, p))
			die("reference decoder");
		reference_frames(t, dec, out);
		access_unit(t, p->data, p->size);
		av_packet_unref(p);
	}
	if (!in) {
		avcodec_send_packet(dec, NULL);
		reference_frames(t, dec, out);
	}
	av_frame_free(&out);
	av_packet_free(&p);
}

static void init(struct test *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	t->name = name;
	t->soc.verbose = getenv("VERBOSE");
	t->soc.dram = (struct dram){ .base = calloc(1, DRAM_SIZE), .size = DRAM_SIZE };
	for (unsigned int i = 0; i < VRK_N_UNITS; i++)
		t->soc.regs[i] = calloc(1, VRK_REGS_SIZE);
	t->soc.regs[VRK_RKVDEC_MMU][0] = 4096;
	t->soc.regs[VRK_RKVDEC_MMU][1] = RK_MMU_STATUS_PAGING_ENABLED;
	t->next_iova = IOVA_BASE;
	t->stream = alloc(t, 1 << 20);
	t->tables = alloc(t, 65536);
}

static void finish(struct test *t)
{
	rkvdec_free(&t->soc);
	for (unsigned int i = 0; i < VRK_N_UNITS; i++)
		free((void *)t->soc.regs[i]);
	free(t->soc.dram.base);
}

static int by_order(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

/* Encodes, decodes both ways; returns the number of pictures that differ. */
static unsigned int run(struct test *t, const char *params, int width, int height)
{
	const AVCodec *encoder = avcodec_find_encoder_by_name("libx264");
	AVCodecContext *enc = avcodec_alloc_context3(encoder);
	AVCodecContext *dec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	AVFrame *f = av_frame_alloc();
	unsigned int differ = 0;

	enc->width = f->width = width;
	enc->height = f->height = height;
	enc->pix_fmt = f->format = AV_PIX_FMT_YUV420P;
	enc->time_base = (AVRational){ 1, 25 };
	enc->thread_count = dec->thread_count = 1;
	av_opt_set(enc->priv_data, "preset", "medium", 0);
	av_opt_set(enc->priv_data, "x264-params", params, 0);
	if (avcodec_open2(enc, encoder, NULL) || avcodec_open2(dec, dec->codec, NULL) ||
	    av_frame_get_buffer(f, 0))
		die("cannot open the encoder or the reference decoder");
	for (int n = 0; n < FRAMES; n++) {
		av_frame_make_writable(f);
		f->pts = n;
		paint(f, n);
		feed(t, enc, dec, f);
	}
	feed(t, enc, dec, NULL);
	qsort(t->model, t->n_model, sizeof(*t->model), by_order);
	if (t->n_model != FRAMES || t->n_reference != FRAMES)
		die("%s: %u pictures, reference %u", t->name, t->n_model, t->n_reference);
	for (unsigned int i = 0; i < FRAMES; i++)
		differ += t->model[i].hash != t->reference[i].hash;
	avcodec_free_context(&enc);
	avcodec_free_context(&dec);
	av_frame_free(&f);
	return differ;
}

/* Byte streams from elsewhere, by hand: prints what comes out. */
static void run_file(struct test *t, const char *path)
{
	AVCodecContext *dec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	AVCodecContext *info = avcodec_alloc_context3(dec->codec);
	AVCodecParserContext *parser = av_parser_init(AV_CODEC_ID_H264);
	AVPacket *p = av_packet_alloc();
	AVFrame *f = av_frame_alloc();
	FILE *file = fopen(path, "rb");
	uint8_t *data = calloc(1, 64 << 20), *next = data, *au;
	size_t left = file ? fread(data, 1, (64 << 20) - 64, file) : 0;
	unsigned int differ = 0;
	int n;

	dec->thread_count = 1;
	/* Reorder by what the level allows, do not guess and drop pictures. */
	dec->strict_std_compliance = FF_COMPLIANCE_STRICT;
	if (!left || avcodec_open2(dec, dec->codec, NULL))
		die("%s", path);
	do {
		int used = av_parser_parse2(parser, info, &au, &n, next, left, AV_NOPTS_VALUE,
					    AV_NOPTS_VALUE, 0);

		if (!n && !left)
			break;
		next += used;
		left -= used;
		if (!n)
			continue;
		p->data = au;
		p->size = n;
		avcodec_send_packet(dec, p);
		reference_frames(t, dec, f);
		access_unit(t, au, n);
	} while (true);
	avcodec_send_packet(dec, NULL);
	reference_frames(t, dec, f);
	qsort(t->model, t->n_model, sizeof(*t->model), by_order);
	for (unsigned int i = 0; i < t->n_model && i < t->n_reference; i++)
		differ += t->model[i].hash != t->reference[i].hash;
	printf("%s: %u pictures, reference %u, %u differ, %u errors\n", path, t->n_model,
	       t->n_reference, differ, t->errors);
}

#define GOOD	"keyint=20:bframes=3:b-adapt=0:b-pyramid=normal:ref=4:weightp=2:" \
		"weightb=1:direct=temporal:8x8dct=1:threads=1"

#define CQM8 \
	"8,10,12,14,16,18,20,22,11,13,15,17,19,21,23,25," \
	"14,16,18,20,22,24,26,28,17,19,21,23,25,27,29,31," \
	"20,22,24,26,28,30,32,34,23,25,27,29,31,33,35,37," \
	"26,28,30,32,34,36,38,40,29,31,33,35,37,39,41,43"

static const struct {
	const char *name, *params;
	int width, height;
} streams[] = {
	{ "baseline",
	  "cabac=0:bframes=0:8x8dct=0:weightp=0:slices=4:ref=3:keyint=15:threads=1", 176, 144 },
	{ "cavlc-b",
	  "cabac=0:bframes=2:b-adapt=0:slices=3:ref=5:weightp=2:threads=1", 208, 160 },
	{ "temporal", GOOD, 176, 144 },
	{ "spatial",
	  "keyint=30:bframes=4:b-adapt=0:b-pyramid=strict:ref=6:direct=spatial:slices=2:threads=1", 178, 146 },
	{ "ref16", "ref=16:bframes=0:keyint=infinite:mixed-refs=1:threads=1", 128, 96 },
	{ "ref16-b",
	  "ref=16:bframes=5:b-adapt=0:b-pyramid=normal:keyint=infinite:threads=1", 128, 96 },
	{ "scaling", "cqm4=6,12,19,26,12,19,26,31,19,26,31,35,26,31,35,39:cqm8=" CQM8
	  ":bframes=1:threads=1", 176, 144 },
	{ "open-gop",
	  "keyint=12:min-keyint=4:open-gop=1:bframes=3:b-adapt=0:threads=1", 176, 144 },
	{ "intra-refresh",
	  "intra-refresh=1:keyint=10:bframes=0:threads=1", 176, 144 },
	{ "constrained",
	  "constrained-intra=1:deblock=-2,-2:chroma-qp-offset=3:bframes=1:threads=1", 176, 144 },
};

static void expect(struct test *t, unsigned int differ, bool want_differ, bool want_error)
{
	printf("%s: %u differ, %u errors\n", t->name, differ, t->errors);
	if ((differ > 0) != want_differ || (t->errors > 0) != want_error)
		die("%s: expected %s pictures, %s", t->name, want_differ ? "other" : "equal",
		    want_error ? "errors" : "no errors");
	finish(t);
}

int main(int argc, char **argv)
{
	static struct test t;

	if (argc == 2) {
		init(&t, argv[1]);
		run_file(&t, argv[1]);
		return 0;
	}

	if (!avcodec_find_encoder_by_name("libx264"))
		return SKIP;
	for (unsigned int i = 0; i < ARRAY_SIZE(streams); i++) {
		init(&t, streams[i].name);
		expect(&t, run(&t, streams[i].params, streams[i].width, streams[i].height),
		       false, false);
	}
	init(&t, "swapped references");
	t.swap_at = 8;
	expect(&t, run(&t, "bframes=0:ref=3:threads=1", 176, 144), true, false);
	init(&t, "output over a reference");
	t.reuse_at = 8;
	expect(&t, run(&t, "bframes=0:ref=1:threads=1", 176, 144), true, false);
	init(&t, "motion overwritten");
	t.wipe_mv_at = 11;	/* a B picture */
	expect(&t, run(&t, GOOD, 176, 144), true, true);
	init(&t, "wrong reference POCs");
	t.poc_at = 11;
	expect(&t, run(&t, GOOD, 176, 144), true, true);
	init(&t, "stream cut short");
	t.cut_at = 5;
	expect(&t, run(&t, "bframes=0:ref=1:threads=1", 176, 144), true, true);
	for (unsigned int n = 1; n <= 8; n++) {
		init(&t, "damage everywhere");
		t.damage = true;
		t.seed = n * 2654435761u;
		expect(&t, run(&t, n & 1 ? GOOD : streams[0].params, 176, 144), true, true);
	}
	/* ends the program in picture() */
	init(&t, "unmapped output");
	t.unmap_at = 3;
	run(&t, GOOD, 176, 144);
	die("no page fault seen");
}
