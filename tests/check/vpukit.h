/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the suites of VP8 and MPEG-2 share: a client that writes down what the
 * codec asks of it, and checks that references are pictures with contents.
 */
#ifndef VPU_KIT_H
#define VPU_KIT_H

#include <gst/check/gstcheck.h>

#include <linux/v4l2-controls.h>
#include <string.h>

#include "codec.h"

#define MAX_PICTURES 64

typedef struct
{
  GString *log;                 /* S sequence, N new, J job, R repeat, O output, and which picture */
  guint n_pictures, n_alive;
  CodecSequence sequence;
  CodecPictureFlags flags[MAX_PICTURES];        /* as of now, or the end */
  guint64 tags[MAX_PICTURES];
  /* of the last job */
  guint64 key;
  GByteArray *data;
  struct v4l2_ctrl_vp8_frame vp8;
  struct v4l2_ctrl_mpeg2_sequence mpeg2_sequence;
  struct v4l2_ctrl_mpeg2_picture mpeg2_picture;
  struct v4l2_ctrl_mpeg2_quantisation mpeg2_quant;
} VpuRecorder;

extern const CodecClient vpu_client;

VpuRecorder *vpu_recorder_new (void);
/* Fails if any picture is still alive. */
void         vpu_recorder_free (VpuRecorder * rec);
/* Compares what was written down, and forgets it. */
void         vpu_expect (VpuRecorder * rec, const gchar * log);

#endif
