/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the suites of codecs share: a client that writes down what a codec asks
 * of it, and checks meanwhile that references are pictures with contents, that
 * each picture is output once and that no more are alive than were announced.
 */
#ifndef REC_KIT_H
#define REC_KIT_H

#include <gst/check/gstcheck.h>

#include <linux/v4l2-controls.h>
#include <string.h>

#include "codec.h"

/* Pictures that are remembered; their numbers wrap around. */
#define MAX_PICTURES 256

typedef struct _Recorder Recorder;

struct _Recorder
{
  /* S sequence, N new, G gap, R repeat, J job, O output, and which picture, in decoding order */
  GString *log;
  guint n_pictures, n_decoded, n_output, n_alive;
  guint max_alive;              /* 0: what the sequence announced, the current one and a shown one */
  gboolean refuse_new;
  CodecSequence sequence;
  CodecPictureFlags flags[MAX_PICTURES], output_flags[MAX_PICTURES];    /* when new, when given out */
  guint64 tags[MAX_PICTURES];
  /* of the codec's own suite, may be NULL */
  void (*check_sequence) (Recorder * rec, const CodecSequence * sequence);
  void (*check_job) (Recorder * rec, const CodecJob * job);

  /* of the last job */
  guint64 key;
  GByteArray *data;
  guint n_controls, n_refs;
  gboolean first_field;
  struct v4l2_ctrl_h264_sps sps;
  struct v4l2_ctrl_h264_pps pps;
  struct v4l2_ctrl_h264_scaling_matrix scaling;
  struct v4l2_ctrl_h264_decode_params params;
  struct v4l2_ctrl_vp8_frame vp8;
  struct v4l2_ctrl_mpeg2_sequence mpeg2_sequence;
  struct v4l2_ctrl_mpeg2_picture mpeg2_picture;
  struct v4l2_ctrl_mpeg2_quantisation mpeg2_quant;
};

extern const CodecClient recorder_client;

Recorder *recorder_new (void);
/* Fails if any picture is still alive. */
void      recorder_free (Recorder * rec);
/* Compares what was written down, without the last blank, and forgets it. */
void      recorder_expect (Recorder * rec, const gchar * log);

#endif
