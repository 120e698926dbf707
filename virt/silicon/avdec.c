// SPDX-License-Identifier: GPL-2.0
#include "avdec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct avdec {
	uint32_t n_pictures;	/* numbers the marks of untouched macroblocks */
	AVCodecContext *codec;
	AVFrame *picture;	/* the last one begun; no data: none yet */
	AVFrame *own;		/* libavcodec's, of the same picture */
	char error[160];
};

/*
 * Errors that libavcodec only logs count as errors, too.  The callback is
 * global, the models run one at a time.
 */
static struct avdec *logging;

/* What libavcodec says when it does as it is told (marks_long_term_later()). */
static const char both_terms[] = "mmco: cannot assign current picture to short and long";

static void log_callback(void *context, int level, const char *format,
			 va_list args)
{
	size_t n;

	if (level > AV_LOG_ERROR || !logging || context != logging->codec ||
	    *logging->error || !strncmp(format, both_terms, sizeof(both_terms) - 1))
		return;
	vsnprintf(logging->error, sizeof(logging->error), format, args);
	n = strcspn(logging->error, "\n");
	logging->error[n] = 0;
	if (!n)
		strcpy(logging->error, "unnamed error");
}

/* Loud (full green and magenta bands) and like nothing a codec puts out. */
static uint8_t poison_y(unsigned int x, unsigned int y)
{
	return (x * 7 + y * 13) & 4 ? 235 : 16 + ((x ^ y) & 3);
}

#define POISON_U	(uint8_t)255
#define POISON_V	(uint8_t)240

uint8_t avdec_poison_sample(unsigned int plane, unsigned int x, unsigned int y)
{
	return plane == 0 ? poison_y(x, y) : plane == 1 ? POISON_U : POISON_V;
}

/* 8 bits, or more in 16, where the poison is in the upper ones of depth. */
static unsigned int frame_depth(const AVFrame *frame)
{
	return frame->format == AV_PIX_FMT_YUV420P10 || frame->format == AV_PIX_FMT_YUV422P10 ?
	       10 : 8;
}

static bool frame_is_422(const AVFrame *frame)
{
	return frame->format == AV_PIX_FMT_YUV422P || frame->format == AV_PIX_FMT_YUV422P10;
}

static void put_sample(uint8_t *row, unsigned int depth, unsigned int x, uint8_t value)
{
	if (depth == 8)
		row[x] = value;
	else
		((uint16_t *)row)[x] = value << (depth - 8);
}

static bool has_sample(const uint8_t *row, unsigned int depth, unsigned int x, uint8_t value)
{
	return depth == 8 ? row[x] == value : ((const uint16_t *)row)[x] == value << (depth - 8);
}

static void poison_row(uint8_t *row, unsigned int depth, unsigned int plane, unsigned int y,
		       unsigned int width)
{
	const unsigned int bytes = depth == 8 ? 1 : 2, period = 8 * bytes;

	for (unsigned int x = 0; x < 8 && x < width; x++)
		put_sample(row, depth, x, avdec_poison_sample(plane, x, y));
	for (unsigned int x = period; x < width * bytes; x++)
		row[x] = row[x - period];
}

void avdec_poison(AVFrame *frame)
{
	unsigned int depth = frame_depth(frame);
	int chroma_lines = frame_is_422(frame) ? frame->height : (frame->height + 1) / 2;

	for (int y = 0; y < frame->height; y++)
		poison_row(frame->data[0] + (ptrdiff_t)y * frame->linesize[0], depth, 0, y,
			   frame->width);
	for (unsigned int plane = 1; plane < 3; plane++)
		for (int y = 0; y < chroma_lines; y++)
			poison_row(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane],
				   depth, plane, y, (frame->width + 1) / 2);
}


/*
 * What tells a macroblock that nobody decoded from one that was predicted from
 * poison: its interior carries a mark of its own in every picture.
 */
static uint8_t mark_at(uint32_t number, unsigned int x, unsigned int y)
{
	uint32_t v = number * 0x9e3779b1u + x * 0x85ebca6bu + y * 0xc2b2ae35u;

	v ^= v >> 15;
	v *= 0x2c1b3c6du;
	return v >> 24;
}

/* Deblocking of neighbours reaches three samples into a macroblock. */
#define MARK_FIRST	4
#define MARK_LAST	11

static void mark_untouched(AVFrame *frame, uint32_t number)
{
	unsigned int depth = frame_depth(frame);

	for (int y = 0; y < frame->height; y++) {
		uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];

		if (y % 16 < MARK_FIRST || y % 16 > MARK_LAST)
			continue;
		for (int x = 0; x < frame->width; x++)
			if (x % 16 >= MARK_FIRST && x % 16 <= MARK_LAST)
				put_sample(row, depth, x, mark_at(number, x, y));
	}
}

static bool line_is_untouched(const struct avdec *dec, unsigned int mb_x, unsigned int y)
{
	const uint8_t *row = dec->picture->data[0] +
			     (ptrdiff_t)y * dec->picture->linesize[0];
	unsigned int depth = frame_depth(dec->picture);

	for (unsigned int x = mb_x * 16 + MARK_FIRST; x <= mb_x * 16 + MARK_LAST; x++)
		if (!has_sample(row, depth, x, mark_at(dec->n_pictures, x, y)))
			return false;
	return true;
}

bool avdec_mb_is_untouched(const struct avdec *dec, unsigned int mb_x, unsigned int mb_y)
{
	for (unsigned int y = mb_y * 16 + MARK_FIRST; y <= mb_y * 16 + MARK_LAST; y++)
		if (!line_is_untouched(dec, mb_x, y))
			return false;
	return true;
}

bool avdec_field_mb_is_untouched(const struct avdec *dec, unsigned int field,
				 unsigned int mb_x, unsigned int mb_y)
{
	/* Deblocking of neighbours reaches three lines of the field. */
	for (unsigned int y = mb_y * 32 + 8 + field; y < mb_y * 32 + 24; y += 2)
		if (y % 16 >= MARK_FIRST && y % 16 <= MARK_LAST &&
		    !line_is_untouched(dec, mb_x, y))
			return false;
	return true;
}

static int get_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
{
	struct avdec *dec = codec->opaque;
	AVFrame whole;
	int ret;

	if (frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUV422P &&
	    frame->format != AV_PIX_FMT_YUV420P10 && frame->format != AV_PIX_FMT_YUV422P10) {
		av_log(codec, AV_LOG_ERROR, "pixel format %d\n", frame->format);
		return AVERROR(EINVAL);
	}
	ret = avcodec_default_get_buffer2(codec, frame, flags);
	if (ret)
		return ret;
	/* All that is coded, cropped or not. */
	whole = *frame;
	whole.width = (frame->width + 15) & ~15;
	whole.height = (frame->height + 15) & ~15;
	avdec_poison(&whole);
	mark_untouched(&whole, ++dec->n_pictures);
	av_frame_unref(dec->picture);
	dec->own = frame;
	return av_frame_ref(dec->picture, frame);
}

struct avdec *avdec_open(enum AVCodecID id)
{
	const AVCodec *codec = avcodec_find_decoder(id);
	struct avdec *dec = calloc(1, sizeof(*dec));

	if (!codec || !dec)
		goto fail;
	av_log_set_callback(log_callback);
	dec->picture = av_frame_alloc();
	dec->codec = avcodec_alloc_context3(codec);
	if (!dec->picture || !dec->codec)
		goto fail;
	dec->codec->opaque = dec;
	dec->codec->thread_count = 1;
	dec->codec->thread_type = FF_THREAD_SLICE;
	dec->codec->get_buffer2 = get_buffer;
	dec->codec->flags |= AV_CODEC_FLAG_LOW_DELAY | AV_CODEC_FLAG_OUTPUT_CORRUPT;
	dec->codec->flags2 |= AV_CODEC_FLAG2_SHOW_ALL;
	dec->codec->error_concealment = 0;
	dec->codec->export_side_data = AV_CODEC_EXPORT_DATA_VIDEO_ENC_PARAMS;
	if (avcodec_open2(dec->codec, codec, NULL) < 0)
		goto fail;
	return dec;
fail:
	avdec_close(dec);
	return NULL;
}

void avdec_close(struct avdec *dec)
{
	if (!dec)
		return;
	avcodec_free_context(&dec->codec);
	av_frame_free(&dec->picture);
	free(dec);
}

static void set_error(struct avdec *dec, const char *what, int ret)
{
	if (!*dec->error)
		snprintf(dec->error, sizeof(dec->error), "%s: %s", what,
			 av_err2str(ret));
}

static bool decode(struct avdec *dec, const uint8_t *data, size_t size)
{
	AVPacket *packet = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();
	int ret = AVERROR(ENOMEM);

	dec->error[0] = 0;
	logging = dec;
	if (packet && frame && size <= INT32_MAX)
		ret = av_new_packet(packet, size);
	if (!ret) {
		memcpy(packet->data, data, size);
		ret = avcodec_send_packet(dec->codec, packet);
	}
	if (ret < 0)
		set_error(dec, "send_packet", ret);
	while ((ret = avcodec_receive_frame(dec->codec, frame)) >= 0) {
		/*
		 * Without concealment, libavcodec flags sound pictures of several
		 * slices with FF_DECODE_ERROR_DECODE_SLICES.  Slices that do fail
		 * are logged, missing ones leave poison.
		 */
		if (frame->decode_error_flags & ~FF_DECODE_ERROR_DECODE_SLICES &&
		    frame->data[0] == dec->picture->data[0])
			set_error(dec, "damaged picture", AVERROR_INVALIDDATA);
		av_frame_unref(frame);
	}
	if (ret != AVERROR(EAGAIN))
		set_error(dec, "receive_frame", ret);
	if (!dec->picture->data[0])
		set_error(dec, "no picture", AVERROR_INVALIDDATA);
	logging = NULL;
	av_packet_free(&packet);
	av_frame_free(&frame);
	return !*dec->error;
}

bool avdec_decode(struct avdec *dec, const uint8_t *data, size_t size)
{
	av_frame_unref(dec->picture);
	return decode(dec, data, size);
}

bool avdec_decode_second_field(struct avdec *dec, const uint8_t *data, size_t size)
{
	const uint8_t *first = dec->picture->data[0];
	bool ok = decode(dec, data, size);

	if (dec->picture->data[0] != first) {
		set_error(dec, "second field taken for a first one", AVERROR_INVALIDDATA);
		return false;
	}
	return ok;
}

const char *avdec_error(const struct avdec *dec)
{
	return dec->error;
}

AVFrame *avdec_picture(struct avdec *dec)
{
	return dec->picture->data[0] ? dec->picture : NULL;
}

const AVVideoEncParams *avdec_blocks(struct avdec *dec)
{
	const AVFrameSideData *data = NULL;

	if (dec->picture->data[0] && dec->own->data[0] == dec->picture->data[0])
		data = av_frame_get_side_data(dec->own, AV_FRAME_DATA_VIDEO_ENC_PARAMS);
	return data ? (const AVVideoEncParams *)data->data : NULL;
}
