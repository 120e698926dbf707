/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the H.264 suites share: a codec on the recorder of reckit.h, and a
 * stream to write bit by bit.
 */
#ifndef H264_KIT_H
#define H264_KIT_H

#include <gst/check/gstcheck.h>

#include <linux/videodev2.h>
#include <linux/v4l2-controls.h>
#include <string.h>

#include "h264.h"
#include "h264bits.h"
#include "h264dpb.h"
#include "reckit.h"

/* What most tests use, between setup() and teardown(): a codec, its client, a stream to write. */
extern Recorder *rec;
extern CodecH264 *codec;
extern GByteArray *stream;
extern BitsSps sps;
extern BitsPps pps;

/* A recorder that checks what every H.264 job has. */
Recorder *h264_recorder_new (void);

void setup (void);
void teardown (void);

/* The stream as one access unit; it is empty afterwards. */
gboolean decode (GError ** error);
void decode_ok (void);
void decode_fails (CodecError code);
void drain (void);
void expect_log (const gchar * log);

/* Writers of the stream */
void headers (void);
void idr (void);
/* A picture of one slice; type as slice_type. */
void picture (guint type, gboolean reference, guint frame_num, guint poc_lsb,
    const BitsMmco * mmco);
/* P B b b: order counts base + 8, 4, 2, 6 */
void write_pyramid (guint first_frame_num, guint base);

/* Has the last job these references, given as number of the picture, in any order? */
void expect_refs (guint n, ...);
const struct v4l2_h264_dpb_entry *find_ref (guint number);

#endif
