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

static void log_callback(void *context, int level, const char *format,
			 va_list args)
{
	size_t n;

	if (level > AV_LOG_ERROR || !logging || context != logging->codec ||
	    *logging->error)
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

static void poison_row(uint8_t *row, unsigned int y, size_t width)
{
	uint8_t period[8];

	for (unsigned int x = 0; x < 8; x++)
		period[x] = poison_y(x, y);
	for (size_t x = 0; x < width; x += 8)
		memcpy(row + x, period, width - x < 8 ? width - x : 8);
}

void avdec_poison(AVFrame *frame)
{
	for (int y = 0; y < frame->height; y++)
		poison_row(frame->data[0] + (ptrdiff_t)y * frame->linesize[0], y,
			   frame->width);
	for (int y = 0; y < (frame->height + 1) / 2; y++) {
		int w = (frame->width + 1) / 2;

		memset(frame->data[1] + (ptrdiff_t)y * frame->linesize[1], POISON_U, w);
		memset(frame->data[2] + (ptrdiff_t)y * frame->linesize[2], POISON_V, w);
	}
}

bool avdec_poison_nv12(struct bus *bus, uint32_t y, uint32_t uv, uint32_t stride,
		       unsigned int width, unsigned int height)
{
	uint8_t *row = malloc(width);
	bool ok = row;

	for (unsigned int i = 0; ok && i < height; i++) {
		poison_row(row, i, width);
		ok = bus_write(bus, y + i * stride, row, width);
	}
	for (unsigned int x = 0; ok && x < width; x++)
		row[x] = x & 1 ? POISON_V : POISON_U;
	for (unsigned int i = 0; ok && i < height / 2; i++)
		ok = bus_write(bus, uv + i * stride, row, width);
	free(row);
	return ok;
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
	for (int y = 0; y < frame->height; y++) {
		uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];

		if (y % 16 < MARK_FIRST || y % 16 > MARK_LAST)
			continue;
		for (int x = 0; x < frame->width; x++)
			if (x % 16 >= MARK_FIRST && x % 16 <= MARK_LAST)
				row[x] = mark_at(number, x, y);
	}
}

static bool line_is_untouched(const struct avdec *dec, unsigned int mb_x, unsigned int y)
{
	const uint8_t *row = dec->picture->data[0] +
			     (ptrdiff_t)y * dec->picture->linesize[0];

	for (unsigned int x = mb_x * 16 + MARK_FIRST; x <= mb_x * 16 + MARK_LAST; x++)
		if (row[x] != mark_at(dec->n_pictures, x, y))
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
	for (unsigned int y = mb_y * 32 + field; y < mb_y * 32 + 32; y += 2)
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

	if (frame->format != AV_PIX_FMT_YUV420P) {
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

bool avdec_decode(struct avdec *dec, const uint8_t *data, size_t size)
{
	AVPacket *packet = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();
	int ret = AVERROR(ENOMEM);

	dec->error[0] = 0;
	logging = dec;
	av_frame_unref(dec->picture);
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

bool avdec_load_nv12(AVFrame *frame, struct bus *bus, uint32_t y, uint32_t uv,
		     uint32_t stride, unsigned int width, unsigned int height)
{
	uint8_t *row = malloc(width);
	bool ok = row;

	for (unsigned int i = 0; ok && i < height; i++)
		ok = bus_read(bus, y + i * stride,
			      frame->data[0] + (ptrdiff_t)i * frame->linesize[0], width);
	for (unsigned int i = 0; ok && i < height / 2; i++) {
		uint8_t *u = frame->data[1] + (ptrdiff_t)i * frame->linesize[1];
		uint8_t *v = frame->data[2] + (ptrdiff_t)i * frame->linesize[2];

		ok = bus_read(bus, uv + i * stride, row, width);
		for (unsigned int x = 0; ok && x < width / 2; x++) {
			u[x] = row[2 * x];
			v[x] = row[2 * x + 1];
		}
	}
	free(row);
	return ok;
}

bool avdec_store_nv12(const AVFrame *frame, struct bus *bus, uint32_t y,
		      uint32_t uv, uint32_t stride, unsigned int width,
		      unsigned int height)
{
	uint8_t *row = malloc(width);
	bool ok = row;

	for (unsigned int i = 0; ok && i < height; i++)
		ok = bus_write(bus, y + i * stride,
			       frame->data[0] + (ptrdiff_t)i * frame->linesize[0], width);
	for (unsigned int i = 0; ok && i < height / 2; i++) {
		const uint8_t *u = frame->data[1] + (ptrdiff_t)i * frame->linesize[1];
		const uint8_t *v = frame->data[2] + (ptrdiff_t)i * frame->linesize[2];

		for (unsigned int x = 0; x < width / 2; x++) {
			row[2 * x] = u[x];
			row[2 * x + 1] = v[x];
		}
		ok = bus_write(bus, uv + i * stride, row, width);
	}
	free(row);
	return ok;
}
