/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HEVC decoded picture buffer: reference picture sets (8.3.2), output order
 * (C.5.2).  No syntax beyond what the slice header says of the RPS.
 */
#ifndef V4L2_CODEC_H265_DPB_H
#define V4L2_CODEC_H265_DPB_H

#include "codec.h"

#include <gst/codecparsers/gsth265parser.h>

G_BEGIN_DECLS

#define H265_DPB_MAX_FRAMES 16

typedef enum
{
  H265_UNUSED,                  /* for reference */
  H265_SHORT_TERM,
  H265_LONG_TERM
} H265Marking;

typedef struct
{
  CodecPicture *picture;
  gint32 poc;                   /* PicOrderCntVal */
  H265Marking marking;
  gboolean wanted;              /* needed for output */
  guint latency;                /* PicLatencyCount */
} H265Frame;

/* A list of RefPicSetStCurrBefore, ... ; frames are the DPB's. */
typedef struct
{
  H265Frame *frames[H265_DPB_MAX_FRAMES];
  guint n;
} H265RefSet;

typedef struct
{
  H265RefSet st_curr_before, st_curr_after, lt_curr;
  gboolean incomplete;          /* something was missing and is replaced by what is nearest */
} H265Rps;

typedef struct
{
  H265Frame *frames[H265_DPB_MAX_FRAMES + 1];   /* in decoding order */
  guint n_frames;
  guint size;                   /* sps_max_dec_pic_buffering_minus1 + 1 */
  guint max_reorder;            /* sps_max_num_reorder_pics, of HighestTid */
  guint max_latency;            /* SpsMaxLatencyPictures; 0: no limit */
  gboolean (*output) (CodecPicture * picture, gpointer user_data);
  gpointer user_data;
} H265Dpb;

/* picture: transfer full */
H265Frame *h265_frame_new (CodecPicture * picture, gint32 poc);

void       h265_dpb_configure (H265Dpb * dpb, const GstH265SPS * sps);
void       h265_dpb_clear (H265Dpb * dpb);
gboolean   h265_dpb_unmark_all (H265Dpb * dpb, gboolean discard);
gboolean   h265_dpb_output_all (H265Dpb * dpb);
gboolean   h265_dpb_apply_rps (H265Dpb * dpb, const GstH265SPS * sps, const GstH265SliceHdr * hdr,
    gint32 poc, H265Rps * rps);
gboolean   h265_dpb_make_room (H265Dpb * dpb);
gboolean   h265_dpb_store (H265Dpb * dpb, H265Frame * frame);
H265Frame *h265_dpb_nearest (const H265Dpb * dpb, gint32 poc);

G_END_DECLS
#endif
