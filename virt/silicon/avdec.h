/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libavcodec as the arithmetic of a decoder: one access unit in, the picture
 * that it decodes into known at once, no concealment.
 *
 * libavcodec keeps reference pictures of its own, which silicon does not have.
 * So the models overwrite those before each picture: with the bytes in the
 * guest's memory (planes_load, avdec_load_nv12) or with poison (avdec_poison).  The picture
 * being decoded starts as poison, too; what is not decoded stays so.
 */
#ifndef SILICON_AVDEC_H
#define SILICON_AVDEC_H

#include <libavcodec/avcodec.h>
#include <libavutil/video_enc_params.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"

struct avdec;

/* NULL when libavcodec lacks the decoder. */
struct avdec *avdec_open(enum AVCodecID codec);
void avdec_close(struct avdec *dec);

/*
 * Decodes one access unit.  False when libavcodec met any error; then
 * avdec_error() says what.  Either way the current picture, if one was begun,
 * is avdec_picture() until the next call.
 */
bool avdec_decode(struct avdec *dec, const uint8_t *data, size_t size);
/* The same for the other field of the last picture, which stays avdec_picture(). */
bool avdec_decode_second_field(struct avdec *dec, const uint8_t *data, size_t size);
const char *avdec_error(const struct avdec *dec);
AVFrame *avdec_picture(struct avdec *dec);
/* VP9: the blocks of that picture in coding order, NULL if libavcodec does not tell. */
const AVVideoEncParams *avdec_blocks(struct avdec *dec);

/* 8-bit 4:2:0 of width x height pixels, both even; false is a bus fault. */
bool avdec_load_nv12(AVFrame *frame, struct bus *bus, uint32_t y, uint32_t uv,
		     uint32_t stride, unsigned int width, unsigned int height);
bool avdec_store_nv12(const AVFrame *frame, struct bus *bus, uint32_t y,
		      uint32_t uv, uint32_t stride, unsigned int width,
		      unsigned int height);
void avdec_poison(AVFrame *frame);
/* Its sample in 8 bits, of plane 0 (Y) to 2 (Cr); with more bits it is in the upper ones. */
uint8_t avdec_poison_sample(unsigned int plane, unsigned int x, unsigned int y);
/* The same in NV12. */
bool avdec_poison_nv12(struct bus *bus, uint32_t y, uint32_t uv, uint32_t stride,
		       unsigned int width, unsigned int height);
/* Has no decoding touched this macroblock of the current picture? */
bool avdec_mb_is_untouched(const struct avdec *dec, unsigned int mb_x, unsigned int mb_y);
/* The same of a macroblock of one field (0 top, 1 bottom); mb_y counts those of the field. */
bool avdec_field_mb_is_untouched(const struct avdec *dec, unsigned int field,
				 unsigned int mb_x, unsigned int mb_y);

#endif
