/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The decoded picture buffer of H.264: picture order count (clause 8.2.1),
 * reference marking (8.2.5) and output order (C.4).  It holds frames; a field
 * is a part of one.
 */
#ifndef V4L2_CODEC_H264_DPB_H
#define V4L2_CODEC_H264_DPB_H

#ifndef GST_USE_UNSTABLE_API
#define GST_USE_UNSTABLE_API
#endif
#include <gst/codecparsers/gsth264parser.h>

#include "codec.h"

G_BEGIN_DECLS

/* A.3.1 h): MaxDpbFrames never exceeds 16, and so does the uAPI's array. */
#define H264_DPB_MAX_FRAMES 16

/* Field masks; the values are those of V4L2_H264_{TOP_FIELD,BOTTOM_FIELD,FRAME}_REF. */
#define H264_TOP_FIELD 1
#define H264_BOTTOM_FIELD 2
#define H264_FRAME 3

/**
 * H264Frame:
 *
 * A frame, a complementary field pair, a field that waits for its other half
 * or stays alone, or a "non-existing" frame.
 */
typedef struct
{
  CodecPicture *picture;        /* owned */
  guint8 fields;                /* mask: decoded so far */
  guint8 short_term;            /* mask: "used for short-term reference" */
  guint8 long_term;             /* mask: "used for long-term reference" */
  gboolean field_coded;         /* its fields were coded as pictures of their own */
  gboolean non_existing;        /* 8.2.5.2 */
  gboolean wanted;              /* "needed for output" */
  guint16 frame_num;            /* FrameNum */
  gint32 frame_num_wrap;        /* FrameNumWrap, valid after h264_dpb_update_frame_num_wrap() */
  guint32 long_term_frame_idx;  /* LongTermFrameIdx, valid with long_term */
  gint32 poc[2];                /* TopFieldOrderCnt, BottomFieldOrderCnt */
} H264Frame;

H264Frame *h264_frame_new (CodecPicture * picture);
void       h264_frame_free (H264Frame * frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (H264Frame, h264_frame_free)

gint32     h264_frame_poc (const H264Frame * frame);
gboolean   h264_frame_is_reference (const H264Frame * frame);

/**
 * H264Dpb:
 *
 * Zero-initialised, then h264_dpb_configure(); the members are for reading.
 */
typedef struct
{
  H264Frame *frames[H264_DPB_MAX_FRAMES];       /* owned, in decoding order */
  guint n_frames;

  guint size;                   /* frame buffers, 1 to 16 */
  guint max_refs;               /* Max (max_num_ref_frames, 1) */
  guint reorder;                /* max_num_reorder_frames */
  gboolean immediate;           /* max_dec_frame_buffering is 0: nothing may be held back */
  gboolean low_latency;

  gboolean have_last_poc;
  gint32 last_poc;              /* the highest of the last output frame's counts */

  /* Gives a picture out; FALSE stops and is handed through. */
  gboolean (*output) (CodecPicture * picture, gpointer user_data);
  gpointer user_data;
} H264Dpb;

void     h264_dpb_configure (H264Dpb * dpb, guint size, guint max_num_ref_frames, guint reorder);
void     h264_dpb_clear (H264Dpb * dpb);
void     h264_dpb_update_frame_num_wrap (H264Dpb * dpb, guint frame_num, guint max_frame_num);
guint    h264_dpb_count_references (const H264Dpb * dpb, const H264Frame * except);
H264Frame *h264_dpb_nearest_reference (const H264Dpb * dpb);

void     h264_dpb_unmark_all (H264Dpb * dpb);
void     h264_dpb_slide_window (H264Dpb * dpb, const H264Frame * current);
gboolean h264_dpb_mark (H264Dpb * dpb, H264Frame * current, guint8 structure, gboolean idr,
    const GstH264DecRefPicMarking * marking);

gboolean h264_dpb_store (H264Dpb * dpb, H264Frame * frame, gboolean first_field);
gboolean h264_dpb_output_early (H264Dpb * dpb);
gboolean h264_dpb_output_all (H264Dpb * dpb);

/**
 * H264PocState:
 *
 * What picture order counts are predicted from (8.2.1.1 to 8.2.1.3).
 */
typedef struct
{
  gint32 prev_msb;              /* prevPicOrderCntMsb */
  gint32 prev_lsb;              /* prevPicOrderCntLsb */
  guint32 prev_frame_num;       /* prevFrameNum */
  gint64 prev_frame_num_offset; /* prevFrameNumOffset */

  /* of the picture that h264_poc_derive() saw last */
  gint32 msb, lsb;
  guint32 frame_num;
  gint64 frame_num_offset;
} H264PocState;

void     h264_poc_derive (H264PocState * state, const GstH264SPS * sps, const GstH264SliceHdr * hdr,
    gboolean idr, gboolean reference, gint32 poc[2]);
void     h264_poc_commit (H264PocState * state, gboolean reference, gboolean mmco5,
    guint8 structure, gint32 top_poc);

G_END_DECLS
#endif
