/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HEVC syntax to V4L2_CID_STATELESS_HEVC_* payloads and to a CodecSequence. */
#ifndef V4L2_CODEC_H265_CONTROLS_H
#define V4L2_CODEC_H265_CONTROLS_H

#include "h265dpb.h"

#include <linux/v4l2-controls.h>

G_BEGIN_DECLS

void     h265_controls_fill_sps (struct v4l2_ctrl_hevc_sps *ctrl, const GstH265SPS * sps);
void     h265_controls_fill_pps (struct v4l2_ctrl_hevc_pps *ctrl, const GstH265PPS * pps);
void     h265_controls_fill_scaling_matrix (struct v4l2_ctrl_hevc_scaling_matrix *ctrl,
    const GstH265PPS * pps, const GstH265SPS * sps);
void     h265_controls_fill_slice_params (struct v4l2_ctrl_hevc_slice_params *ctrl,
    const GstH265SliceHdr * hdr, const GstH265NalUnit * nalu);
void     h265_controls_fill_dpb (struct v4l2_ctrl_hevc_decode_params *ctrl, const H265Dpb * dpb,
    const H265Rps * rps);
void     h265_controls_fill_lists (struct v4l2_ctrl_hevc_slice_params *ctrl, const H265Dpb * dpb,
    const H265Rps * rps, const GstH265RefPicListModification * modification);

/* @error: CODEC_ERROR_UNSUPPORTED with what is not decoded here */
gboolean h265_sps_check (const GstH265SPS * sps, GError ** error);
void     h265_sps_to_sequence (const GstH265SPS * sps, CodecSequence * sequence);

G_END_DECLS
#endif
