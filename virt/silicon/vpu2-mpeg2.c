// SPDX-License-Identifier: GPL-2.0
/*
 * hantro VPU2's MPEG-2 mode.
 *
 * Registers and the table of quantiser matrices (raster order: intra,
 * non-intra, chroma's) learnt from Linux 7.2, drivers/media/platform/verisilicon:
 * rockchip_vpu2_hw_mpeg2_dec.c, hantro_mpeg2.c.  Chroma's matrices are not used
 * in 4:2:0, which is all that the mode does.
 *
 * Sequence and picture headers are written from the registers; of the stream,
 * slices alone are taken, and anything else in it is an error.  libavcodec's two
 * references are filled before each picture, each field from the address that
 * its register names, or with poison where that is what is being decoded.
 *
 * A field picture is decoded as the first field of a frame of its own, with a
 * blank second one, so that what it predicts from is what the registers name
 * also where that is the other field of its frame.
 *
 * Inverse DCT: silicon differs from libavcodec by up to 3 levels.
 */
#include <stdlib.h>
#include <string.h>

#include "avdec.h"
#include "bits.h"
#include "vpu2.h"

#define MAX_HEADERS	512	/* bytes */
#define SLICE_FIRST	0x01
#define SLICE_LAST	0xaf

enum { TYPE_I = 1, TYPE_P, TYPE_B };
enum { TOP_FIELD = 1, BOTTOM_FIELD, FRAME };

struct mpeg2_state {
	struct avdec *dec;
	uint8_t sequence[MAX_HEADERS];
	size_t sequence_size;
	AVFrame *last, *next;		/* libavcodec's references */
};

struct picture {
	struct vpu2_run *run;
	struct mpeg2_state *state;
	unsigned int mb_width, mb_height, type, structure;
	bool interlaced;
	uint32_t out, uv_offset, stride;	/* of the frame */
	uint8_t sequence[MAX_HEADERS];
	size_t sequence_size;
	uint8_t *packet;
	size_t size, capacity;
};

static void state_reset(struct mpeg2_state *state)
{
	avdec_close(state->dec);
	av_frame_free(&state->last);
	av_frame_free(&state->next);
	*state = (struct mpeg2_state){ 0 };
}

static void state_free(void *data)
{
	state_reset(data);
	free(data);
}

/* ---- headers ------------------------------------------------------------- */

static bool read_geometry(struct picture *p)
{
	const uint32_t *r = p->run->regs;

	p->mb_width = MPEG2_PIC_MB_WIDTH(r[VDPU_PIC_SIZE]);
	p->mb_height = MPEG2_PIC_MB_HEIGHT(r[VDPU_PIC_SIZE]);
	p->interlaced = r[VDPU_EN] & VDPU_EN_INTERLACE;
	p->structure = !(r[VDPU_EN] & VDPU_EN_FIELDMODE) ? FRAME :
		       r[VDPU_EN] & VDPU_EN_TOPFIELD ? TOP_FIELD : BOTTOM_FIELD;
	p->type = r[VDPU_EN] & VDPU_EN_PIC_B ? TYPE_B :
		  r[VDPU_EN] & VDPU_EN_PIC_INTER ? TYPE_P : TYPE_I;
	p->stride = p->mb_width * 16;
	p->uv_offset = p->stride * p->mb_height * 16;
	/* The bottom field's output starts at its first line. */
	p->out = r[VDPU_DST] - (p->structure == BOTTOM_FIELD ? p->stride : 0);
	if (!p->mb_width || !p->mb_height || p->mb_height > SLICE_LAST || p->out & 15 ||
	    (p->structure != FRAME && (p->mb_height & 1 || !p->interlaced)) ||
	    p->out + (uint64_t)p->uv_offset * 3 / 2 > 1ull << 32) {
		vpu2_complain(p->run, "%ux%u macroblocks, picture structure %u%s, at %08x",
			      p->mb_width, p->mb_height, p->structure,
			      p->interlaced ? ", interlaced" : "", p->out);
		return false;
	}
	return true;
}

static const uint8_t zigzag[64] = {
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
};

/* 6.2.2.1, 6.2.2.3; false is a fault. */
static bool write_sequence(struct picture *p)
{
	unsigned int width = p->mb_width * 16, height = p->mb_height * 16;
	uint8_t table[128];
	struct bit_writer w;

	if (!bus_read(&p->run->bus, p->run->regs[VDPU_QTABLE], table, sizeof(table)))
		return false;
	bw_init(&w, p->sequence, sizeof(p->sequence));
	bw_u(&w, 32, 0x1b3);
	bw_u(&w, 12, width & 0xfff);
	bw_u(&w, 12, height & 0xfff);
	bw_u(&w, 4, 1);			/* square samples */
	bw_u(&w, 4, 3);			/* 25 frames/s */
	bw_u(&w, 18, 0x3ffff);
	bw_u(&w, 1, 1);
	bw_u(&w, 10, 112);
	bw_u(&w, 1, 0);
	for (unsigned int m = 0; m < 2; m++) {
		bw_u(&w, 1, 1);
		for (unsigned int i = 0; i < 64; i++)
			bw_u(&w, 8, table[m * 64 + zigzag[i]]);
	}
	bw_align(&w, 0);
	bw_u(&w, 32, 0x1b5);
	bw_u(&w, 4, 1);
	bw_u(&w, 8, 0x44);		/* Main profile, High level */
	bw_u(&w, 1, !p->interlaced);
	bw_u(&w, 2, 1);			/* 4:2:0 */
	bw_u(&w, 2, width >> 12);
	bw_u(&w, 2, height >> 12);
	bw_u(&w, 12, 0);
	bw_u(&w, 1, 1);
	bw_u(&w, 16, 0);		/* vbv_buffer_size, low_delay, frame rate */
	bw_align(&w, 0);
	p->sequence_size = w.pos / 8;
	return true;
}

struct picture_header {
	unsigned int type, structure;
	uint32_t f_codes;		/* 4 of 4 bits */
	unsigned int dc_precision;
	bool top_field_first, frame_pred_dct, concealment, q_scale_type, intra_vlc;
	bool alternate_scan, progressive;
};

/* 6.2.3, 6.2.3.1 */
static void write_picture_header(struct bit_writer *w, const struct picture_header *h)
{
	bw_u(w, 32, 0x100);
	bw_u(w, 10, 0);
	bw_u(w, 3, h->type);
	bw_u(w, 16, 0xffff);
	for (unsigned int i = TYPE_I; i < h->type; i++)
		bw_u(w, 4, 7);
	bw_u(w, 1, 0);
	bw_align(w, 0);
	bw_u(w, 32, 0x1b5);
	bw_u(w, 4, 8);
	bw_u(w, 16, h->f_codes);
	bw_u(w, 2, h->dc_precision);
	bw_u(w, 2, h->structure);
	bw_u(w, 1, h->top_field_first);
	bw_u(w, 1, h->frame_pred_dct);
	bw_u(w, 1, h->concealment);
	bw_u(w, 1, h->q_scale_type);
	bw_u(w, 1, h->intra_vlc);
	bw_u(w, 1, h->alternate_scan);
	bw_u(w, 1, 0);
	bw_u(w, 1, h->progressive);	/* chroma_420_type */
	bw_u(w, 1, h->progressive);
	bw_u(w, 1, 0);
	bw_align(w, 0);
}

static bool read_picture_header(const struct picture *p, struct picture_header *h)
{
	const uint32_t *r = p->run->regs;
	uint32_t scan = r[VDPU_PIC_SIZE] & MPEG2_ALT_SCAN;

	*h = (struct picture_header){
		.type = p->type, .structure = p->structure,
		.f_codes = r[MPEG2_FCODES] >> 3 & 0xffff,
		.dc_precision = MPEG2_INTRA_DC_PREC(r[MPEG2_PICTURE]),
		.top_field_first = p->structure == FRAME &&
				   r[VDPU_PIC_SIZE] & MPEG2_TOP_FIELD_FIRST,
		.frame_pred_dct = r[MPEG2_PICTURE] & MPEG2_FRAME_PRED_DCT,
		.concealment = r[MPEG2_PICTURE] & MPEG2_CON_MV,
		.q_scale_type = r[MPEG2_PICTURE] & MPEG2_QSCALE_TYPE,
		.intra_vlc = r[MPEG2_PICTURE] & MPEG2_INTRA_VLC,
		.alternate_scan = scan,
		.progressive = !p->interlaced,
	};
	if (!scan != !(r[MPEG2_FCODES] & MPEG2_ALT_SCAN_FLAG)) {
		vpu2_complain(p->run, "the registers disagree about the scan");
		return false;
	}
	return true;
}

/* ---- slices -------------------------------------------------------------- */

/* Only slices, from the first byte on. */
static bool check_slices(const struct picture *p, const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i + 3 < size; i++) {
		if (data[i] || data[i + 1] || data[i + 2] != 1)
			continue;
		if (data[i + 3] < SLICE_FIRST || data[i + 3] > SLICE_LAST ||
		    (!n && i > 1)) {
			vpu2_complain(p->run, "start code %02x at byte %zu", data[i + 3], i);
			return false;
		}
		n++;
		i += 3;
	}
	if (!n)
		vpu2_complain(p->run, "%zu bytes without a slice", size);
	return n;
}

/* Intra macroblocks without coefficients (6.2.4 to 6.2.6) */
static void write_blank_slices(struct bit_writer *w, unsigned int mb_width,
			       unsigned int mb_height)
{
	for (unsigned int y = 0; y < mb_height; y++) {
		bw_u(w, 32, 0x100 + SLICE_FIRST + y);
		bw_u(w, 6, 1 << 1);	/* quantiser_scale_code 1, no extra bit */
		for (unsigned int x = 0; x < mb_width; x++) {
			bw_u(w, 2, 3);	/* address increment 1, Intra */
			for (unsigned int block = 0; block < 6; block++)
				bw_u(w, block < 4 ? 5 : 4, block < 4 ? 0x12 : 0x2);
		}
		bw_align(w, 0);
	}
}

static size_t blank_size(const struct picture *p)
{
	return MAX_HEADERS + p->mb_height * (8 + (size_t)p->mb_width * 5);
}

static void write_blank(const struct picture *p, struct bit_writer *w, unsigned int structure)
{
	struct picture_header h = {
		.type = TYPE_I, .structure = structure, .f_codes = 0xffff,
		.frame_pred_dct = structure == FRAME, .progressive = !p->interlaced,
	};

	write_picture_header(w, &h);
	write_blank_slices(w, p->mb_width, p->mb_height >> (structure != FRAME));
}

static bool write_packet(struct picture *p)
{
	const uint32_t *r = p->run->regs;
	uint32_t size = VDPU_STREAM_LEN_BYTES(r[VDPU_STREAM_LEN]);
	struct picture_header h;
	struct bit_writer w;
	uint8_t *slices;

	if (!size || MPEG2_START_BIT(r[MPEG2_PICTURE])) {
		vpu2_complain(p->run, "%u bytes from bit %u on", size,
			      MPEG2_START_BIT(r[MPEG2_PICTURE]));
		return false;
	}
	p->capacity = p->sequence_size + MAX_HEADERS + size + blank_size(p) + 64;
	p->packet = calloc(1, p->capacity);
	if (!p->packet)
		abort();
	bw_init(&w, p->packet, p->capacity);
	memcpy(p->packet, p->sequence, p->sequence_size);
	w.pos = p->sequence_size * 8;
	if (!read_picture_header(p, &h))
		return false;
	write_picture_header(&w, &h);
	slices = p->packet + w.pos / 8;
	if (!bus_read(&p->run->bus, r[VDPU_STREAM], slices, size) ||
	    !check_slices(p, slices, size))
		return false;
	w.pos += size * 8;
	if (p->structure != FRAME)
		write_blank(p, &w, TOP_FIELD + BOTTOM_FIELD - p->structure);
	p->size = w.pos / 8;
	return !w.overrun;
}

/* ---- references ---------------------------------------------------------- */

/* libavcodec makes each picture but B its next reference. */
static void rotate(struct mpeg2_state *state)
{
	av_frame_free(&state->last);
	state->last = state->next;
	state->next = av_frame_clone(avdec_picture(state->dec));
}

static bool decode_blank(struct picture *p)
{
	size_t size = p->sequence_size + blank_size(p) + 64;
	uint8_t *packet = calloc(1, size);
	struct bit_writer w;
	bool ok;

	if (!packet)
		abort();
	bw_init(&w, packet, size);
	memcpy(packet, p->sequence, p->sequence_size);
	w.pos = p->sequence_size * 8;
	write_blank(p, &w, FRAME);
	ok = avdec_decode(p->state->dec, packet, w.pos / 8);
	free(packet);
	if (!ok)
		vpu2_complain(p->run, "blank picture: %s", avdec_error(p->state->dec));
	else
		rotate(p->state);
	return ok && p->state->next;
}

static bool open_decoder(struct picture *p)
{
	struct mpeg2_state *state = p->state;

	if (state->dec && state->next && p->sequence_size == state->sequence_size &&
	    !memcmp(p->sequence, state->sequence, p->sequence_size))
		return true;
	state_reset(state);
	state->dec = avdec_open(AV_CODEC_ID_MPEG2VIDEO);
	if (!state->dec) {
		vpu2_complain(p->run, "cannot open libavcodec's MPEG-2 decoder");
		return false;
	}
	memcpy(state->sequence, p->sequence, p->sequence_size);
	state->sequence_size = p->sequence_size;
	return decode_blank(p) && decode_blank(p);
}

/* The lines of one field as a picture of their own */
static AVFrame field_of(const AVFrame *frame, unsigned int field)
{
	AVFrame view = *frame;

	for (unsigned int i = 0; i < 3; i++) {
		view.data[i] += field * (ptrdiff_t)frame->linesize[i];
		view.linesize[i] *= 2;
	}
	view.height /= 2;
	return view;
}

static bool load_field(struct picture *p, AVFrame *frame, unsigned int field, uint32_t addr)
{
	AVFrame view = field_of(frame, field);
	uint32_t offset = field * p->stride;

	/*
	 * For a picture it does not have, the driver gives the output.  Of that,
	 * what is not being decoded may be read: the first field by the second.
	 */
	if (addr == p->out && (p->structure == FRAME || p->structure == TOP_FIELD + field)) {
		avdec_poison(&view);
		return true;
	}
	return avdec_load_nv12(&view, &p->run->bus, addr + offset, addr + p->uv_offset + offset,
			       p->stride * 2, p->mb_width * 16, p->mb_height * 8);
}

static bool load_refs(struct picture *p)
{
	static const unsigned int fwd[2] = { MPEG2_REF_FWD_TOP, MPEG2_REF_FWD_BOTTOM };
	static const unsigned int bwd[2] = { MPEG2_REF_BWD_TOP, MPEG2_REF_BWD_BOTTOM };
	const uint32_t *r = p->run->regs;
	struct mpeg2_state *state = p->state;

	if (p->type == TYPE_I)
		return true;
	/* With a P picture, the next one becomes the last, before it is read. */
	for (unsigned int field = 0; field < 2; field++) {
		if (!load_field(p, p->type == TYPE_B ? state->last : state->next, field,
				r[fwd[field]]))
			return false;
		if (p->type == TYPE_B && !load_field(p, state->next, field, r[bwd[field]]))
			return false;
	}
	return true;
}

/* ---- decoding ------------------------------------------------------------ */

static bool all_decoded(struct picture *p)
{
	bool frame = p->structure == FRAME;

	for (unsigned int y = 0; y < p->mb_height >> !frame; y++) {
		for (unsigned int x = 0; x < p->mb_width; x++) {
			if (frame ? !avdec_mb_is_untouched(p->state->dec, x, y) :
				    !avdec_field_mb_is_untouched(p->state->dec,
								 p->structure - TOP_FIELD, x, y))
				continue;
			vpu2_complain(p->run, "macroblock %u,%u is not in the stream", x, y);
			return false;
		}
	}
	return true;
}

static bool store(struct picture *p, const AVFrame *frame)
{
	unsigned int field = p->structure == BOTTOM_FIELD, height = p->mb_height * 16;
	uint32_t stride = p->stride, y = p->out, uv = p->out + p->uv_offset;
	AVFrame view = *frame;

	if (p->structure != FRAME) {
		view = field_of(frame, field);
		y += field * stride;
		uv += field * stride;
		stride *= 2;
		height /= 2;
	}
	/* What an error interrupts is written only in part. */
	if (p->run->job->inject_error)
		height = (height / 2) & ~15u;
	return avdec_store_nv12(&view, &p->run->bus, y, uv, stride, p->mb_width * 16, height);
}

static bool run_picture(struct picture *p)
{
	AVFrame *frame;
	bool ok;

	if (!read_geometry(p) || !write_sequence(p) || !open_decoder(p) || !load_refs(p) ||
	    !write_packet(p))
		return false;
	ok = avdec_decode(p->state->dec, p->packet, p->size);
	frame = avdec_picture(p->state->dec);
	if (!ok)
		vpu2_complain(p->run, "libavcodec: %s", avdec_error(p->state->dec));
	if (!frame) {
		state_reset(p->state);
		return false;
	}
	ok = ok && all_decoded(p);
	ok = store(p, frame) && ok;
	/* After an error nobody knows which references libavcodec has. */
	if (!ok)
		state_reset(p->state);
	else if (p->type != TYPE_B)
		rotate(p->state);
	return ok;
}

bool vpu2_mpeg2_run(struct vpu2_run *run)
{
	struct picture p = { .run = run };
	bool ok;

	p.state = hw_context_state(run->context, sizeof(struct mpeg2_state), state_free);
	ok = run_picture(&p);
	free(p.packet);
	return ok;
}
