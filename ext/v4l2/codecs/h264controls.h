/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * H.264 syntax and reference state -> V4L2_CID_STATELESS_H264_* payloads, and
 * what a sequence is to a device.
 */
#ifndef V4L2_CODEC_H264_CONTROLS_H
#define V4L2_CODEC_H264_CONTROLS_H

#include <linux/videodev2.h>
#include <linux/v4l2-controls.h>

#include "h264dpb.h"

G_BEGIN_DECLS

void     h264_controls_fill_sps (struct v4l2_ctrl_h264_sps * ctrl, const GstH264SPS * sps);
void     h264_controls_fill_pps (struct v4l2_ctrl_h264_pps * ctrl, const GstH264PPS * pps,
    const GstH264SPS * sps);
void     h264_controls_fill_scaling_matrix (struct v4l2_ctrl_h264_scaling_matrix * ctrl,
    const GstH264PPS * pps, const GstH264SPS * sps);

/* What decode_params takes from the slices of a picture. */
typedef struct
{
  const GstH264SliceHdr *hdr;   /* of any of them */
  guint nal_ref_idc;
  gboolean idr;
  gboolean has_p, has_b;        /* any of them is a P, B slice */
} H264PictureSyntax;

void     h264_controls_fill_decode_params (struct v4l2_ctrl_h264_decode_params * ctrl,
    const H264PictureSyntax * syntax, const H264Frame * current);
guint    h264_controls_fill_dpb (struct v4l2_ctrl_h264_decode_params * ctrl, const H264Dpb * dpb,
    guint8 structure, gboolean skip_non_existing, CodecPicture * refs[H264_DPB_MAX_FRAMES]);

guint    h264_sps_dpb_size (const GstH264SPS * sps);
guint    h264_sps_reorder (const GstH264SPS * sps, guint dpb_size);
gboolean h264_sps_check (const GstH264SPS * sps, GError ** error);
void     h264_sps_to_sequence (const GstH264SPS * sps, CodecSequence * sequence);

G_END_DECLS
#endif
