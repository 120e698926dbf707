/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What h265.c (NAL units, parameter sets, slices into pictures) and
 * h265picture.c (pictures into jobs, references and output) share.
 */
#ifndef V4L2_CODEC_H265_PRIV_H
#define V4L2_CODEC_H265_PRIV_H

#include "h265.h"
#include "h265controls.h"
#include "h265dpb.h"
#include "paramsets.h"

G_BEGIN_DECLS

/* What drivers take (V4L2_CID_STATELESS_HEVC_SLICE_PARAMS of rkvdec has 600 elements), and what
 * level 6.2 allows. */
#define H265_MAX_SLICE_SEGMENTS 600

/*
 * The picture whose slice segments are being collected.  Nothing of it is
 * decoded before all are there.  Parameter sets are copied, as others may come
 * in the meantime.
 */
typedef struct
{
  gboolean active;
  GstH265SliceHdr hdr;          /* of the first independent one; never follow its pps */
  guint8 nal_type;
  guint8 temporal_id;
  GstH265SPS sps;
  guint8 pps_id;
  struct v4l2_ctrl_hevc_sps sps_ctrl;
  struct v4l2_ctrl_hevc_pps pps_ctrl;
  struct v4l2_ctrl_hevc_scaling_matrix scaling_ctrl;

  gboolean damaged;             /* a slice segment of it could not be used */
  gboolean has_first;           /* first_slice_segment_in_pic_flag was seen */
  GArray *slices;               /* of struct v4l2_ctrl_hevc_slice_params */
  GArray *modifications;        /* of GstH265RefPicListModification, one each */
  GByteArray *data;
} H265Current;

struct _CodecH265
{
  CodecClient client;
  gpointer user_data;

  GstH265Parser *parser;
  ParamSets sets;
  guint16 version1_sps;         /* a bit for each SPS of a profile without extensions */
  guint nal_length_size;        /* bytes; 0 for a byte stream */

  CodecSequence sequence;
  gboolean have_sequence;

  H265Current pic;
  H265Dpb dpb;
  gint32 prev_tid0_poc;         /* prevTid0Pic's (8.3.1) */
  guint64 n_pictures;           /* what keys are made from */

  gboolean need_irap;           /* nothing decodes before one */
  gboolean first_after_eos;     /* the next picture starts a coded video sequence */
  gboolean skip_rasl;           /* NoRaslOutputFlag of the last IRAP picture */

  /* Of the access unit at hand. */
  guint64 tag;
  guint n_submitted;
  GError *error;                /* the first one */
  gboolean slice_lost;          /* before the picture's first good one */
};

/* (self, CodecError code, const gchar * format, ...) */
#define h265_set_error(self, ...) codec_set_error (GST_CAT_DEFAULT, &(self)->error, __VA_ARGS__)

gboolean h265_output_picture (CodecPicture * picture, gpointer user_data);

gboolean h265_finish_picture (CodecH265 * self);
void     h265_reset_current (H265Current * pic);

G_END_DECLS
#endif
