/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What h264.c (NAL units, parameter sets, slices into pictures) and
 * h264picture.c (pictures into jobs, references and output) share.
 */
#ifndef V4L2_CODEC_H264_PRIV_H
#define V4L2_CODEC_H264_PRIV_H

#include "h264.h"
#include "h264controls.h"
#include "h264dpb.h"
#include "paramsets.h"

G_BEGIN_DECLS

/* One slice of the current picture, in CurrentPicture.data. */
typedef struct
{
  guint32 first_mb;             /* first_mb_in_slice */
  gsize offset, size;           /* bytes, with the start code */
} Slice;

/*
 * The picture whose slices are being collected.  Nothing of it is decoded
 * before all are there: only then is it known whether it can start a stream,
 * what slice types it has and whether its first slice is missing.  Parameter
 * sets are copied, as others may come in the meantime.
 */
typedef struct
{
  gboolean active;
  GstH264SliceHdr hdr;          /* of the slice that came first; never follow its pps */
  guint pps_id;
  guint nal_ref_idc;
  gboolean idr;
  GstH264SPS sps;
  struct v4l2_ctrl_h264_sps sps_ctrl;
  struct v4l2_ctrl_h264_pps pps_ctrl;
  struct v4l2_ctrl_h264_scaling_matrix scaling_ctrl;

  gboolean has_p, has_b;
  gboolean damaged;             /* a slice of it could not be used */
  gboolean has_recovery_point;
  guint recovery_frame_cnt;
  gint pic_struct;              /* D.2.3; -1: not said */
  gboolean progressive;         /* ct_type, where it is said */
  GArray *slices;               /* of Slice */
  GByteArray *data;
} CurrentPicture;

struct _CodecH264
{
  CodecClient client;
  gpointer user_data;

  GstH264NalParser *parser;
  ParamSets sets;
  guint nal_length_size;        /* bytes; 0 for a byte stream */

  CodecSequence sequence;
  gboolean have_sequence;

  CurrentPicture pic;
  GByteArray *sorted;           /* scratch for slices in arbitrary order */
  H264Dpb dpb;
  H264PocState poc;
  H264Frame *first_field;       /* waits for its second field */
  gboolean first_field_stored;  /* the DPB owns it */
  guint prev_ref_frame_num;     /* PrevRefFrameNum, 7.4.3 */
  guint64 n_pictures;           /* what keys are made from */

  /* Random access: nothing decodes until a picture that can. */
  gboolean need_access_point;
  gboolean recovering;          /* started at a picture that is no IDR */
  gboolean have_recovery_poc;
  guint recovery_start;         /* its frame_num */
  guint recovery_frame_cnt;
  gint32 recovery_poc;          /* pictures before it, in output order, are not whole */

  /* Of the access unit at hand. */
  guint64 tag;
  guint n_submitted;
  GError *error;                /* the first one */
  gboolean slice_lost;          /* before the picture's first good one */
  gboolean au_recovery_point;
  guint au_recovery_frame_cnt;
  gint au_pic_struct;
  gboolean au_progressive;
};

/* (self, CodecError code, const gchar * format, ...) */
#define h264_set_error(self, ...) codec_set_error (GST_CAT_DEFAULT, &(self)->error, __VA_ARGS__)

gboolean h264_output_picture (CodecPicture * picture, gpointer user_data);

gboolean h264_finish_picture (CodecH264 * self);
void     h264_reset_current (CurrentPicture * pic);
gboolean h264_end_first_field (CodecH264 * self);
void     h264_drop_first_field (CodecH264 * self);
gboolean h264_end_sequence (CodecH264 * self);

G_END_DECLS
#endif
