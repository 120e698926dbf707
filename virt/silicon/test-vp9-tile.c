// SPDX-License-Identifier: GPL-2.0
/*
 * The parser of VP9's tiles against libavcodec: after each frame of a stream,
 * the blocks must be the same, with probabilities that only this parser's own
 * counts have adapted.  Streams: IVF files named on the command line, or what
 * libvpx makes of a moving pattern with many options.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/dict.h>

#include "avdec.h"
#include "test-vp9-kf.h"
#include "vp9-tile.h"

struct stream {
	struct avdec *dec;
	struct vp9_inherited inherited;
	struct vp9_probs contexts[4];
	struct vp9_ref_size slots[VP9_REF_SLOTS];
	struct vp9_saved_mv *mvs;
	uint8_t *segments;
	unsigned int width, height, n_frames, n_adapted;
	bool show_frame, intra, key;
	bool no_counts;		/* what the hardware counted is lost */
};

static const char *compare(struct stream *s, const struct vp9_tiles *t)
{
	const AVVideoEncParams *blocks = avdec_blocks(s->dec);

	if (!blocks)
		return "libavcodec tells no blocks";
	/* libavcodec 59 tells them only where there are segments */
	if (!t->h->seg_on && !blocks->nb_blocks)
		return NULL;
	if (blocks->nb_blocks != t->n_pieces)
		return "another number of blocks";
	for (unsigned int i = 0; i < t->n_pieces; i++) {
		const AVVideoBlockParams *b = av_video_enc_params_block((AVVideoEncParams *)blocks, i);
		const struct vp9_piece *p = &t->pieces[i];

		if (b->src_x != p->col * 8 || b->src_y != p->row * 8 || b->w != p->w * 8 ||
		    b->h != p->h * 8)
			return "another block";
	}
	return NULL;
}

static void reset(struct stream *s, const struct vp9_header *h, unsigned int *context)
{
	*context = h->frame_context_idx;
	if (!vp9_is_intra(h) && !h->error_resilient)
		return;
	for (unsigned int i = 0; i < 4; i++)
		if (h->key_frame || h->error_resilient || h->reset_frame_context == 3 ||
		    (h->reset_frame_context == 2 && i == h->frame_context_idx))
			vp9_probs_default(&s->contexts[i]);
	*context = 0;
}

static void keep(struct stream *s, struct vp9_tiles *t, const struct vp9_header *h,
		 const struct vp9_probs *probs, unsigned int context)
{
	if (s->no_counts)
		memset(&t->counts, 0, sizeof(t->counts));
	if (h->refresh_frame_context && h->frame_parallel)
		s->contexts[context] = *probs;
	if (h->refresh_frame_context && !h->frame_parallel) {
		vp9_probs_adapt(&s->contexts[context], probs, &t->counts, h, &t->c, s->key);
		s->n_adapted++;
	}
	free(s->mvs);
	s->mvs = t->mvs;
	t->mvs = NULL;
	if (h->seg_on) {
		free(s->segments);
		s->segments = t->segments;
		t->segments = NULL;
	}
	for (unsigned int i = 0; i < VP9_REF_SLOTS; i++)
		if (h->refresh_flags & 1u << i)
			s->slots[i] = (struct vp9_ref_size){ h->width, h->height };
	s->inherited = h->state;
	s->width = h->width;
	s->height = h->height;
	s->show_frame = h->show_frame;
	s->intra = vp9_is_intra(h);
	s->key = h->key_frame;
	s->n_frames++;
}

static const char *frame(struct stream *s, const uint8_t *data, size_t size)
{
	struct vp9_ref_size refs[VP9_REFS] = { 0 };
	struct vp9_tiles t = { 0 };
	struct vp9_table table;
	struct vp9_probs probs;
	struct vp9_header h;
	const char *error;
	unsigned int context;
	size_t n;

	/* The slots are in the header: twice, for the sizes. */
	if ((data[0] & 0x0c) == 0x08)
		return NULL;		/* shows an existing one */
	vp9_parse_header(&h, &s->inherited, refs, data, size);
	for (unsigned int i = 0; i < VP9_REFS; i++)
		refs[i] = s->slots[h.ref_slot[i]];
	error = vp9_parse_header(&h, &s->inherited, refs, data, size);
	if (error)
		return error;
	reset(s, &h, &context);
	probs = s->contexts[context];
	if (!vp9_probs_update(&probs, &t.c, &h, data + h.size, h.compressed_size))
		return "compressed header";
	table.probs = probs;
	memcpy(table.kf_y_mode, kf_y_mode, sizeof(kf_y_mode));
	memcpy(table.kf_uv_mode, kf_uv_mode, sizeof(kf_uv_mode));
	if (vp9_is_intra(&h))
		memcpy(table.probs.partition, kf_partition, sizeof(kf_partition));
	n = (size_t)((h.width + 7) / 8) * ((h.height + 7) / 8);
	if (!s->segments || (s->width + 7) / 8 != (h.width + 7) / 8 ||
	    (s->height + 7) / 8 != (h.height + 7) / 8 || vp9_is_intra(&h) || h.error_resilient) {
		free(s->segments);
		s->segments = calloc(n, 1);
	}
	t.h = &h;
	t.table = &table;
	t.prev_segments = s->segments;
	if (s->width == h.width && s->height == h.height && s->show_frame && !s->intra &&
	    !h.error_resilient)
		t.prev_mvs = s->mvs;
	if (!avdec_decode(s->dec, data, size))
		return avdec_error(s->dec);
	error = vp9_tiles_decode(&t, data + h.size + h.compressed_size, size - h.size - h.compressed_size);
	if (!error)
		error = compare(s, &t);
	if (!error)
		keep(s, &t, &h, &probs, context);
	vp9_tiles_free(&t);
	return error;
}

static const char *unit(struct stream *s, const uint8_t *data, size_t size)
{
	uint8_t last = size ? data[size - 1] : 0;
	unsigned int n = (last & 7) + 1, bytes = (last >> 3 & 3) + 1;
	size_t index = 2 + n * bytes;
	const char *error = NULL;

	if ((last & 0xe0) != 0xc0 || size < index || data[size - index] != last)
		return size ? frame(s, data, size) : NULL;
	for (unsigned int i = 0; i < n && !error; i++) {
		size_t length = 0;

		for (unsigned int k = 0; k < bytes; k++)
			length |= (size_t)(data + size)[k - index + 1 + i * bytes] << 8 * k;
		if (length > size)
			return "superframe";
		if (length)
			error = frame(s, data, length);
		data += length;
		size -= length;
	}
	return error;
}

static void finish(struct stream *s)
{
	avdec_close(s->dec);
	free(s->mvs);
	free(s->segments);
	memset(s, 0, sizeof(*s));
}

static int ivf(const char *name)
{
	struct stream s = { .dec = avdec_open(AV_CODEC_ID_VP9) };
	FILE *file = fopen(name, "rb");
	const char *error = NULL;
	uint8_t head[32];

	if (!file || fread(head, 32, 1, file) != 1)
		return 1;
	while (!error && fread(head, 12, 1, file) == 1) {
		size_t size = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
		uint8_t *data = malloc(size + 1);

		if (fread(data, 1, size, file) != size)
			error = "cut off";
		else
			error = unit(&s, data, size);
		free(data);
	}
	fclose(file);
	printf("%s: %s (%u frames, %u adapted)\n", name, error ? error : "ok", s.n_frames, s.n_adapted);
	finish(&s);
	return error != NULL;
}

/* ---- streams of libvpx --------------------------------------------------- */

static const struct {
	const char *options;
	int width, height, frames;
	bool adapts;
} cases[] = {
	{ "deadline=good:cpu-used=4:auto-alt-ref=1:lag-in-frames=12:b=300000:frame-parallel=0", 176, 144, 24, true },
	{ "deadline=good:cpu-used=1:b=900000:frame-parallel=0", 130, 98, 10, true },
	{ "deadline=realtime:cpu-used=7:b=200000:frame-parallel=0", 178, 146, 16, true },
	{ "deadline=realtime:cpu-used=5:aq-mode=3:b=200000:frame-parallel=0", 176, 144, 16, true },
	{ "deadline=good:cpu-used=4:aq-mode=1:b=300000:frame-parallel=0", 176, 144, 12, true },
	{ "deadline=good:cpu-used=4:lossless=1:frame-parallel=0", 66, 50, 6, true },
	{ "deadline=good:cpu-used=4:b=100000:frame-parallel=0", 1, 1, 6, true },
	{ "deadline=good:cpu-used=4:b=100000:frame-parallel=0", 65, 9, 8, true },
	{ "deadline=good:cpu-used=5:tile-columns=2:tile-rows=2:b=500000:frame-parallel=0", 1030, 136, 5, true },
	{ "deadline=good:cpu-used=5:error-resilient=1:b=300000:frame-parallel=0", 176, 144, 8, false },
	{ "deadline=good:cpu-used=5:frame-parallel=1:b=300000", 176, 144, 8, false },
	{ "deadline=good:cpu-used=5:g=4:b=300000:frame-parallel=0", 176, 144, 12, true },
};

/* A pattern that moves, with a corner of noise */
static void draw(AVFrame *frame, int number)
{
	uint32_t noise = number * 0x9e3779b1u + 1;

	for (unsigned int plane = 0; plane < 3; plane++) {
		int w = plane ? (frame->width + 1) / 2 : frame->width;
		int h = plane ? (frame->height + 1) / 2 : frame->height;

		for (int y = 0; y < h; y++) {
			uint8_t *row = frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane];

			for (int x = 0; x < w; x++) {
				int v = (x * 3 + number * 5) ^ (y * 2 - number * 3 / 2);

				noise = noise * 1664525u + 1013904223u;
				row[x] = x < w / 4 && y < h / 4 ? noise >> 24 : (v & 127u) + 64;
			}
		}
	}
	frame->pts = number;
}

/* Encodes a frame, NULL at the end, and gives what comes out to the parser. */
static const char *encode(AVCodecContext *encoder, AVFrame *frame, struct stream *s)
{
	AVPacket *packet = av_packet_alloc();
	const char *error = avcodec_send_frame(encoder, frame) < 0 ? "the encoder failed" : NULL;

	while (!error && !avcodec_receive_packet(encoder, packet)) {
		error = unit(s, packet->data, packet->size);
		av_packet_unref(packet);
	}
	av_packet_free(&packet);
	return error;
}

static AVCodecContext *open_encoder(unsigned int i)
{
	AVCodecContext *encoder = avcodec_alloc_context3(avcodec_find_encoder_by_name("libvpx-vp9"));
	AVDictionary *options = NULL;

	encoder->width = cases[i].width;
	encoder->height = cases[i].height;
	encoder->pix_fmt = AV_PIX_FMT_YUV420P;
	encoder->time_base = (AVRational){ 1, 25 };
	encoder->thread_count = 1;
	av_dict_parse_string(&options, cases[i].options, "=", ":", 0);
	if (avcodec_open2(encoder, NULL, &options) < 0)
		avcodec_free_context(&encoder);
	av_dict_free(&options);
	return encoder;
}

static const char *run_case(unsigned int i, struct stream *s)
{
	AVCodecContext *encoder = open_encoder(i);
	AVFrame *frame = av_frame_alloc();
	const char *error = encoder ? NULL : "cannot open the encoder";

	s->dec = avdec_open(AV_CODEC_ID_VP9);
	for (int n = 0; !error && n < cases[i].frames; n++) {
		frame->width = cases[i].width;
		frame->height = cases[i].height;
		frame->format = AV_PIX_FMT_YUV420P;
		if (av_frame_get_buffer(frame, 0) < 0)
			abort();
		draw(frame, n);
		error = encode(encoder, frame, s);
		av_frame_unref(frame);
	}
	if (!error)
		error = encode(encoder, NULL, s);
	av_frame_free(&frame);
	avcodec_free_context(&encoder);
	return error;
}

static int test_case(unsigned int i)
{
	struct stream s = { 0 }, lost = { .no_counts = true };
	const char *error = run_case(i, &s), *without;

	if (!error && (int)s.n_frames < cases[i].frames)
		error = "too few frames";
	if (!error && cases[i].adapts != (s.n_adapted > 0))
		error = "adaptation where there should be none, or none";
	/* Without counts, what adapts must go wrong, and only that. */
	without = run_case(i, &lost);
	if (!error && cases[i].adapts != !!without)
		error = without ? without : "lost counts were not noticed";
	printf("%dx%d %s: %s (%u frames, %u adapted; without counts: %s)\n", cases[i].width,
	       cases[i].height, cases[i].options, error ? error : "ok", s.n_frames, s.n_adapted,
	       without ? without : "ok");
	finish(&s);
	finish(&lost);
	return error != NULL;
}

#define SKIPPED	77

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= ivf(argv[i]);
	if (argc > 1)
		return failed;
	if (!avcodec_find_encoder_by_name("libvpx-vp9")) {
		printf("libavcodec has no libvpx-vp9: nothing was tested\n");
		return SKIPPED;
	}
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		failed |= test_case(i);
	return failed;
}
