/* SPDX-License-Identifier: GPL-2.0 */
/* One 64x64 frame, all of one grey, for each unit: coded bits and their controls. */
#ifndef KERNEL_FRAMES_H
#define KERNEL_FRAMES_H

#include "m2m.h"

#define FRAME_CODED	128	/* every byte of a decoded frame */
#define FRAME_RAW	0x5a	/* of one that is converted */

size_t h264_frame(uint8_t *data, size_t size);
size_t mpeg2_frame(uint8_t *data, size_t size);
size_t raw_frame(uint8_t *data, size_t size);

/* In a request; with request < 0, what the device starts streaming with. */
void h264_controls(const struct m2m *c, int request);
void mpeg2_controls(const struct m2m *c, int request);

#endif
