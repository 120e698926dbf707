// SPDX-License-Identifier: GPL-2.0
/*
 * Field pictures through the rkvdec H.264 model.  The streams are written here,
 * bit by bit: I pictures of I_PCM macroblocks, so that every sample is known,
 * and P pictures that skip all macroblocks, which are copies of the first entry
 * of their list.  So the expected pictures are worked out without any decoder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h264-syntax.h"
#include "rkvdec-regs.h"
#include "silicon.h"

#define DRAM_SIZE	(16u << 20)
#define MB_WIDTH	2
#define MB_HEIGHT	4	/* of the frame */
#define STRIDE		64
#define HEIGHT		(MB_HEIGHT * 16)
#define Y_SIZE		(STRIDE * HEIGHT)
#define COLMV_OFFSET	(Y_SIZE * 3 / 2)
#define PAGE		4096u
#define DIRECTORY	PAGE
#define PAGE_TABLE	(2 * PAGE)
#define STREAM		0x100000u
#define RPS		0x200000u
#define PACKETS		0x210000u
#define BUF(i)		(0x300000u + (i) * 0x10000u)

enum { TOP = 1, BOTTOM = 2, FRAME = 3 };

struct ref {
	uint32_t addr;
	uint32_t fields;	/* 0: none */
	uint16_t frame_num;
	int32_t poc[2];
	bool long_term;
};

struct test {
	const char *name;
	struct silicon soc;
	struct h264_ps ps;
	struct ref refs[16];
	/* the first entry of the initial P list */
	unsigned int first_ref, first_field;
	uint64_t number;
};

#define die(...) do { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); exit(1); } while (0)

/* Everything is mapped to itself. */
static uint8_t *mem(struct test *t, uint32_t addr)
{
	return t->soc.dram.base + addr;
}

static void init(struct test *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	t->name = name;
	t->soc.verbose = getenv("VERBOSE");
	t->soc.dram = (struct dram){ calloc(1, DRAM_SIZE), DRAM_SIZE };
	for (unsigned int i = 0; i < VRK_N_UNITS; i++)
		t->soc.regs[i] = calloc(1, VRK_REGS_SIZE);
	t->soc.regs[VRK_RKVDEC_MMU][0] = DIRECTORY;
	t->soc.regs[VRK_RKVDEC_MMU][1] = RK_MMU_STATUS_PAGING_ENABLED;
	for (uint32_t i = 0; i < DRAM_SIZE / PAGE; i++) {
		uint32_t table = PAGE_TABLE + (i >> 10) * PAGE, entry = i * PAGE | 7;

		memcpy(mem(t, table + (i & 1023) * 4), &entry, 4);
		table |= 1;
		memcpy(mem(t, DIRECTORY + (i >> 10) * 4), &table, 4);
	}
	t->ps = (struct h264_ps){
		.profile_idc = 77, .chroma_format_idc = 1, .log2_max_frame_num_minus4 = 4,
		.max_num_ref_frames = 4, .log2_max_pic_order_cnt_lsb_minus4 = 4,
		.width_in_mbs = MB_WIDTH, .height_in_map_units = MB_HEIGHT / 2,
		.direct_8x8_inference_flag = 1,
	};
}

static void finish(struct test *t)
{
	rkvdec_free(&t->soc);
	for (unsigned int i = 0; i < VRK_N_UNITS; i++)
		free((void *)t->soc.regs[i]);
	free(t->soc.dram.base);
	printf("%s: ok\n", t->name);
}

static void put(uint8_t *table, unsigned int offset, unsigned int n, uint32_t v)
{
	for (unsigned int i = 0; i < n; i++, offset++) {
		table[offset / 8] &= ~(1u << offset % 8);
		table[offset / 8] |= (v >> i & 1) << offset % 8;
	}
}

/* The packet of assemble_hw_pps() and the table of assemble_hw_rps() */
static void write_tables(struct test *t)
{
	uint8_t *w = mem(t, PACKETS), *rps = mem(t, RPS);

	memset(w, 0, 32);
	memset(rps, 0, 128);
	put(w, 4, 8, t->ps.profile_idc);
	put(w, 13, 2, 1);
	put(w, 22, 4, t->ps.log2_max_frame_num_minus4);
	put(w, 26, 5, t->ps.max_num_ref_frames);
	put(w, 33, 4, t->ps.log2_max_pic_order_cnt_lsb_minus4);
	put(w, 38, 9, t->ps.width_in_mbs);
	put(w, 47, 9, t->ps.height_in_map_units);
	put(w, 58, 1, 1);
	for (unsigned int i = 0; i < 16; i++) {
		put(w, 216 + i, 1, t->refs[i].long_term);
		put(rps, i * 16, 16, t->refs[i].frame_num);
	}
	if (!t->refs[t->first_ref].fields)
		return;
	for (unsigned int list = 0; list < 3; list++) {
		put(rps, 288 + list * 7 * 32, 5, t->first_ref | 16);
		put(rps, 293 + list * 7 * 32, 1, t->first_field == BOTTOM);
	}
}

static void write_registers(struct test *t, uint32_t out, const int32_t poc[2], size_t size)
{
	static const uint8_t top[] = { 25, 27, 29, 31 }, bottom[] = { 26, 28, 30, 32 };
	volatile uint32_t *r = t->soc.regs[VRK_RKVDEC];

	for (unsigned int i = 0; i < RKVDEC_N_REGS; i++)
		r[i] = 0;
	r[2] = RKVDEC_MODE_H264 << 20;
	r[3] = STRIDE / 16 | STRIDE / 16 << 12;
	r[4] = STREAM;
	r[5] = size;
	r[7] = out;
	r[8] = Y_SIZE / 16;
	r[9] = COLMV_OFFSET / 16;
	for (unsigned int i = 0; i < 16; i++)
		r[i < 15 ? 10 + i : 48] = out;
	for (unsigned int i = 0; i < 4; i++) {
		const struct ref *ref = &t->refs[i];

		if (!ref->fields)
			continue;
		r[10 + i] = ref->addr | 9 | ref->fields << 1;
		r[top[i]] = ref->poc[0];
		r[bottom[i]] = ref->poc[1];
	}
	r[40] = poc[0];
	r[74] = poc[1];
	r[42] = PACKETS;
	r[43] = RPS;
}

struct pic {
	unsigned int structure, frame_num;
	int32_t poc[2];
	uint32_t out;
	bool idr, reference;
	uint8_t pcm;			/* its samples start with this; 0: skips all macroblocks */
	int modify;			/* entries to spell out: -1 none, else the difference - 1 */
	bool long_term;			/* becomes one, with LongTermFrameIdx 0 */
	unsigned int holes;		/* in a P list, behind its one entry */
	bool b;				/* spatial direct mode in all macroblocks */
};

/* What macroblock n has at byte i of its I_PCM samples */
static uint8_t sample(uint8_t pcm, unsigned int n, unsigned int i)
{
	return 1 + (pcm * 31 + n * 17 + i * 5 + i / 16) % 250;
}

static size_t write_stream(struct test *t, const struct pic *pic)
{
	static uint8_t rbsp[1 << 16], stream[1 << 17];
	struct h264_slice slice = {
		.nal_unit_type = pic->idr ? H264_NAL_IDR_SLICE : H264_NAL_SLICE,
		.nal_ref_idc = pic->reference, .slice_type = pic->pcm ? H264_I : pic->b ? H264_B : H264_P,
		.field_pic_flag = pic->structure != FRAME,
		.bottom_field_flag = pic->structure == BOTTOM,
	};
	unsigned int n = MB_WIDTH * MB_HEIGHT >> (pic->structure != FRAME);
	struct bit_writer w;
	size_t size;

	bw_init(&w, rbsp, sizeof(rbsp));
	bw_u(&w, 8, slice.nal_ref_idc << 5 | slice.nal_unit_type);
	bw_ue(&w, 0);
	bw_ue(&w, slice.slice_type);
	bw_ue(&w, 0);
	bw_u(&w, 8, pic->frame_num);
	bw_u(&w, 1, slice.field_pic_flag);
	if (slice.field_pic_flag)
		bw_u(&w, 1, slice.bottom_field_flag);
	if (pic->idr)
		bw_ue(&w, 0);
	bw_u(&w, 8, pic->poc[pic->structure == BOTTOM]);
	if (pic->b) {
		bw_u(&w, 1, 1);		/* direct_spatial_mv_pred_flag */
		bw_u(&w, 3, 0);		/* num_ref_idx_active_override_flag, no modification */
	} else if (!pic->pcm) {
		bw_u(&w, 1, pic->holes > 0);
		if (pic->holes)
			bw_ue(&w, pic->holes);
		bw_u(&w, 1, pic->modify >= 0);
		if (pic->modify >= 0) {
			bw_ue(&w, 0);
			bw_ue(&w, pic->modify);
			bw_ue(&w, 3);
		}
	}
	if (pic->idr)
		bw_u(&w, 2, pic->long_term);
	else if (pic->reference)
		bw_u(&w, 1, pic->long_term);
	if (pic->long_term && !pic->idr) {
		bw_ue(&w, 6);
		bw_ue(&w, 0);
		bw_ue(&w, 0);
	}
	bw_se(&w, 0);			/* slice_qp_delta */
	if (!pic->pcm)
		bw_ue(&w, n);		/* mb_skip_run */
	for (unsigned int mb = 0; pic->pcm && mb < n; mb++) {
		bw_ue(&w, 25);
		bw_align(&w, 0);
		for (unsigned int i = 0; i < 384; i++)
			bw_u(&w, 8, sample(pic->pcm, mb, i));
	}
	bw_trailing(&w);
	size = nal_write(stream, sizeof(stream), rbsp, w.pos / 8);
	memcpy(mem(t, STREAM), stream, size);
	return size;
}

static bool run(struct test *t, const struct pic *pic)
{
	struct job job = { .number = ++t->number };
	size_t size = write_stream(t, pic);

	write_tables(t);
	write_registers(t, pic->out, pic->poc, size);
	rkvdec_run(&t->soc, &job);
	return job.status == JOB_OK;
}

static void run_ok(struct test *t, const struct pic *pic)
{
	if (!run(t, pic))
		die("%s: picture %llu ends with an error", t->name, (unsigned long long)t->number);
}

/* Line y of a field, luma or, from the field's height on, chroma */
static uint8_t *line(struct test *t, uint32_t buf, unsigned int field, unsigned int y)
{
	uint32_t base = buf;

	if (y >= HEIGHT / 2) {
		y -= HEIGHT / 2;
		base += Y_SIZE;
	}
	return mem(t, base + (2 * y + (field == BOTTOM)) * STRIDE);
}

#define LINES	(HEIGHT / 2 + HEIGHT / 4)

/* Chroma is copied between fields of one parity only: else its vectors are not 0 (Table 8-9). */
static bool same_field(struct test *t, uint32_t a, unsigned int a_field, uint32_t b,
		       unsigned int b_field)
{
	for (unsigned int y = 0; y < (a_field == b_field ? LINES : HEIGHT / 2); y++)
		if (memcmp(line(t, a, a_field, y), line(t, b, b_field, y), MB_WIDTH * 16))
			return false;
	return true;
}

static void expect_same(struct test *t, uint32_t a, unsigned int a_field, uint32_t b,
			unsigned int b_field, bool same)
{
	if (same_field(t, a, a_field, b, b_field) != same)
		die("%s: after picture %llu, field %u at %08x %s field %u at %08x", t->name,
		    (unsigned long long)t->number, a_field, a, same ? "is not" : "is",
		    b_field, b);
}

/* Luma of an I_PCM field */
static void expect_pcm(struct test *t, uint32_t buf, unsigned int field, uint8_t pcm)
{
	for (unsigned int y = 0; y < HEIGHT / 2; y++)
		for (unsigned int x = 0; x < MB_WIDTH * 16; x++)
			if (line(t, buf, field, y)[x] !=
			    sample(pcm, y / 16 * MB_WIDTH + x / 16, y % 16 * 16 + x % 16))
				die("%s: after picture %llu, sample %u,%u of field %u at %08x is %u",
				    t->name, (unsigned long long)t->number, x, y, field, buf,
				    line(t, buf, field, y)[x]);
}

static const struct pic idr_top = { TOP, 0, { 0, 0 }, BUF(0), true, true, 1, -1 };

/* Frame 0: two I fields of other samples */
static void start(struct test *t, const char *name)
{
	init(t, name);
	run_ok(t, &idr_top);
	run_ok(t, &(struct pic){ BOTTOM, 0, { 0, 1 }, BUF(0), false, true, 2, -1 });
	expect_pcm(t, BUF(0), TOP, 1);
	expect_pcm(t, BUF(0), BOTTOM, 2);
	t->refs[0] = (struct ref){ BUF(0), FRAME, 0, { 0, 1 } };
}

/* The second field from the first one, which is at the job's own output. */
static void test_second_from_first(struct test *t)
{
	init(t, "the second field predicts from the first");
	run_ok(t, &idr_top);
	t->refs[0] = (struct ref){ BUF(0), TOP, 0, { 0, 0 } };
	t->first_field = TOP;
	run_ok(t, &(struct pic){ BOTTOM, 0, { 0, 1 }, BUF(0), false, true, 0, -1 });
	expect_pcm(t, BUF(0), TOP, 1);
	expect_same(t, BUF(0), BOTTOM, BUF(0), TOP, true);
	finish(t);

	init(t, "the first field is not named");
	run_ok(t, &idr_top);
	t->refs[0] = (struct ref){ BUF(0), BOTTOM, 0, { 0, 0 } };
	t->first_field = TOP;
	run(t, &(struct pic){ BOTTOM, 0, { 0, 1 }, BUF(0), false, true, 0, -1 });
	expect_pcm(t, BUF(0), TOP, 1);
	expect_same(t, BUF(0), BOTTOM, BUF(0), TOP, false);
	finish(t);
}

/* Either field of a frame, by the table's bottom flag or by the stream's picNum. */
static void test_which_field(struct test *t)
{
	for (unsigned int field = TOP; field <= BOTTOM; field++) {
		start(t, field == TOP ? "the list has the top field" : "the list has the bottom field");
		t->first_field = field;
		run_ok(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, true, 0, -1 });
		expect_same(t, BUF(1), TOP, BUF(0), field, true);
		finish(t);

		start(t, field == TOP ? "picNum of the top field" : "picNum of the bottom field");
		t->first_field = FRAME ^ field;
		/* CurrPicNum 3; frame_num 0: 1 is the same parity, 0 the other one. */
		run_ok(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, true, 0,
					 field == TOP ? 1 : 2 });
		expect_same(t, BUF(1), TOP, BUF(0), field, true);
		finish(t);
	}
}

/* A frame's fields are references each by its bit, and with the bytes that memory has. */
static void test_poison(struct test *t)
{
	start(t, "a field that is not named");
	t->refs[0].fields = TOP;
	t->first_field = BOTTOM;
	run(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, true, 0, -1 });
	expect_same(t, BUF(1), TOP, BUF(0), BOTTOM, false);
	expect_same(t, BUF(1), TOP, BUF(0), TOP, false);
	expect_pcm(t, BUF(0), TOP, 1);
	expect_pcm(t, BUF(0), BOTTOM, 2);
	finish(t);

	start(t, "memory has the last word");
	for (unsigned int y = 0; y < LINES; y++)
		memset(line(t, BUF(0), BOTTOM, y), 77 + y, MB_WIDTH * 16);
	t->first_field = BOTTOM;
	run_ok(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, true, 0, -1 });
	expect_same(t, BUF(1), TOP, BUF(0), BOTTOM, true);
	finish(t);

	start(t, "another order count than it was decoded with");
	t->refs[0].poc[1] = 9;
	t->first_field = BOTTOM;
	/* not decoded here: its bytes are taken */
	run_ok(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, true, 0, -1 });
	expect_same(t, BUF(1), TOP, BUF(0), BOTTOM, true);
	finish(t);
}

/* The other field's lines of the output are left alone, whatever was there. */
static void test_lone(struct test *t)
{
	start(t, "fields without their other halves");
	memset(mem(t, BUF(1)), 99, COLMV_OFFSET);
	t->first_field = TOP;
	run_ok(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, true, 3, -1 });
	expect_pcm(t, BUF(1), TOP, 3);
	for (unsigned int y = 0; y < LINES; y++)
		for (unsigned int x = 0; x < MB_WIDTH * 16; x++)
			if (line(t, BUF(1), BOTTOM, y)[x] != 99)
				die("%s: the other field was written", t->name);
	/* Another top field, then a frame's bottom field first. */
	t->refs[1] = (struct ref){ BUF(1), TOP, 1, { 2, 2 } };
	t->first_ref = 1;
	run_ok(t, &(struct pic){ TOP, 2, { 4, 4 }, BUF(2), false, true, 0, -1 });
	expect_pcm(t, BUF(2), TOP, 3);
	t->refs[2] = (struct ref){ BUF(2), TOP, 2, { 4, 4 } };
	run_ok(t, &(struct pic){ BOTTOM, 3, { 7, 7 }, BUF(3), false, true, 4, -1 });
	expect_pcm(t, BUF(3), BOTTOM, 4);
	t->refs[3] = (struct ref){ BUF(3), BOTTOM, 3, { 7, 7 } };
	t->first_ref = 3;
	t->first_field = BOTTOM;
	run_ok(t, &(struct pic){ TOP, 3, { 8, 7 }, BUF(3), false, true, 0, -1 });
	expect_same(t, BUF(3), TOP, BUF(3), BOTTOM, true);
	finish(t);

	/* The rewritten stream must not pair these. */
	start(t, "two lone fields of one frame_num, no references");
	t->first_field = BOTTOM;
	run_ok(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, false, 5, -1 });
	run_ok(t, &(struct pic){ BOTTOM, 1, { 5, 5 }, BUF(2), false, false, 6, -1 });
	expect_pcm(t, BUF(1), TOP, 5);
	expect_pcm(t, BUF(2), BOTTOM, 6);
	run_ok(t, &(struct pic){ TOP, 1, { 4, 5 }, BUF(2), false, false, 0, -1 });
	expect_same(t, BUF(2), TOP, BUF(0), BOTTOM, true);
	expect_pcm(t, BUF(2), BOTTOM, 6);
	finish(t);
}

/* Fields, then a frame that predicts from the pair, then fields from that frame. */
static void test_frames(struct test *t)
{
	start(t, "a frame from a pair of fields");
	run_ok(t, &(struct pic){ FRAME, 1, { 2, 2 }, BUF(1), false, true, 0, -1 });
	expect_same(t, BUF(1), TOP, BUF(0), TOP, true);
	expect_same(t, BUF(1), BOTTOM, BUF(0), BOTTOM, true);
	t->refs[1] = (struct ref){ BUF(1), FRAME, 1, { 2, 2 } };
	t->first_ref = 1;
	t->first_field = BOTTOM;
	run_ok(t, &(struct pic){ TOP, 2, { 4, 4 }, BUF(2), false, true, 0, -1 });
	expect_pcm(t, BUF(2), TOP, 2);
	/* Half a frame is none: neither field of it may be in the result. */
	t->refs[1].fields = TOP;
	t->refs[0].fields = 0;
	run(t, &(struct pic){ FRAME, 3, { 6, 6 }, BUF(3), false, true, 0, -1 });
	expect_same(t, BUF(3), TOP, BUF(1), TOP, false);
	expect_same(t, BUF(3), BOTTOM, BUF(1), BOTTOM, false);
	finish(t);
}

/* The second field is no reference, the first one is. */
/* Both fields become long-term references, each by its own slices. */
static void long_term_pair(struct test *t, const char *name, unsigned int field, bool idr)
{
	unsigned int num = idr ? 0 : 1;

	init(t, name);
	if (!idr)
		run_ok(t, &idr_top);
	run_ok(t, &(struct pic){ TOP, num, { 0, 0 }, BUF(1), idr, true, 1, -1, true });
	t->refs[0] = (struct ref){ BUF(1), TOP, 0, { 0, 0 }, true };
	t->first_field = TOP;
	run_ok(t, &(struct pic){ BOTTOM, num, { 0, 1 }, BUF(1), false, true, 2, -1, true });
	t->refs[0] = (struct ref){ BUF(1), FRAME, 0, { 0, 1 }, true };
	t->first_field = field;
	run_ok(t, &(struct pic){ TOP, num + 1, { 4, 4 }, BUF(2), false, true, 0, -1 });
	expect_pcm(t, BUF(1), TOP, 1);
	expect_pcm(t, BUF(1), BOTTOM, 2);
	expect_same(t, BUF(2), TOP, BUF(1), field, true);
	finish(t);
}

static void test_long_term_pair(struct test *t)
{
	long_term_pair(t, "the first field of a long-term pair, IDR", TOP, true);
	long_term_pair(t, "the second field of a long-term pair, IDR", BOTTOM, true);
	long_term_pair(t, "the first field of a long-term pair", TOP, false);
	long_term_pair(t, "the second field of a long-term pair", BOTTOM, false);
}

/* A list may have more entries than there are references: no reason to part the fields. */
static void test_holes(struct test *t)
{
	init(t, "the second field's list has holes");
	run_ok(t, &idr_top);
	t->refs[0] = (struct ref){ BUF(0), TOP, 0, { 0, 0 } };
	t->first_field = TOP;
	run_ok(t, &(struct pic){ BOTTOM, 0, { 0, 1 }, BUF(0), false, true, 0, -1, .holes = 2 });
	expect_same(t, BUF(0), BOTTOM, BUF(0), TOP, true);

	/* Of a pair that was parted there is no motion. */
	t->refs[0] = (struct ref){ BUF(0), FRAME, 0, { 0, 1 } };
	run_ok(t, &(struct pic){ TOP, 1, { 4, 4 }, BUF(1), false, false, 0, -1, .b = true });
	expect_same(t, BUF(1), TOP, BUF(0), TOP, true);
	t->first_field = BOTTOM;
	run_ok(t, &(struct pic){ BOTTOM, 1, { 4, 5 }, BUF(1), false, false, 0, -1, .b = true });
	expect_same(t, BUF(1), BOTTOM, BUF(0), BOTTOM, true);
	finish(t);
}

static void test_half_reference(struct test *t)
{
	start(t, "a pair of which one field is a reference");
	run_ok(t, &(struct pic){ TOP, 1, { 2, 2 }, BUF(1), false, true, 7, -1 });
	t->first_field = BOTTOM;
	run_ok(t, &(struct pic){ BOTTOM, 1, { 2, 3 }, BUF(1), false, false, 0, -1 });
	expect_same(t, BUF(1), BOTTOM, BUF(0), BOTTOM, true);
	expect_pcm(t, BUF(1), TOP, 7);
	t->refs[1] = (struct ref){ BUF(1), TOP, 1, { 2, 2 } };
	t->first_ref = 1;
	t->first_field = TOP;
	run_ok(t, &(struct pic){ TOP, 2, { 4, 4 }, BUF(2), false, true, 0, -1 });
	expect_pcm(t, BUF(2), TOP, 7);
	finish(t);
}

/* Rows of macroblocks that the stream does not have are noticed in fields, too. */
static void test_cut_short(struct test *t)
{
	struct pic pic = { BOTTOM, 0, { 0, 1 }, BUF(0), false, true, 2, -1 };
	struct job job = { .number = 2 };
	size_t size;

	init(t, "a field cut short");
	run_ok(t, &idr_top);
	size = write_stream(t, &pic);
	write_tables(t);
	write_registers(t, pic.out, pic.poc, size / 2);
	rkvdec_run(&t->soc, &job);
	if (job.status != JOB_ERROR)
		die("%s: no error", t->name);
	expect_pcm(t, BUF(0), TOP, 1);
	finish(t);
}

int main(void)
{
	static struct test t;

	test_second_from_first(&t);
	test_which_field(&t);
	test_poison(&t);
	test_lone(&t);
	test_frames(&t);
	test_long_term_pair(&t);
	test_holes(&t);
	test_half_reference(&t);
	test_cut_short(&t);
	return 0;
}
