/* SPDX-License-Identifier: GPL-2.0 */
/*
 * H.264 parameter sets and slice headers: what the rkvdec model needs to turn
 * registers and tables back into a byte stream.
 *
 * struct h264_ps is the SPS + PPS packet that the driver writes; its layout is
 * learnt from Linux 7.2, rkvdec/rkvdec-h264.c (the BW_FIELD list and
 * assemble_hw_pps).  Syntax element names and clauses are ITU-T H.264's.
 */
#ifndef SILICON_H264_SYNTAX_H
#define SILICON_H264_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

#include "bits.h"

#define H264_NAL_SLICE		1
#define H264_NAL_IDR_SLICE	5
#define H264_NAL_SPS		7
#define H264_NAL_PPS		8

#define H264_PS_PACKET_WORDS	8
#define H264_PS_MAX_BYTES	2048
#define H264_DPB_SIZE		16
#define H264_MAX_LIST		32
#define H264_MAX_MMCO		66

enum h264_slice_type { H264_P, H264_B, H264_I, H264_SP, H264_SI };

struct h264_ps {
	/* SPS */
	uint8_t sps_id, profile_idc, constraint_set3_flag, chroma_format_idc;
	uint8_t bit_depth_luma_minus8, bit_depth_chroma_minus8;
	uint8_t qpprime_y_zero_transform_bypass_flag;
	uint8_t log2_max_frame_num_minus4, max_num_ref_frames;
	uint8_t pic_order_cnt_type, log2_max_pic_order_cnt_lsb_minus4;
	uint8_t delta_pic_order_always_zero_flag;
	uint16_t width_in_mbs, height_in_map_units;
	uint8_t frame_mbs_only_flag, mb_adaptive_frame_field_flag;
	uint8_t direct_8x8_inference_flag;
	/* PPS */
	uint8_t pps_id, pps_sps_id, entropy_coding_mode_flag;
	uint8_t bottom_field_pic_order_in_frame_present_flag;
	uint8_t num_ref_idx_default_active_minus1[2];
	uint8_t weighted_pred_flag, weighted_bipred_idc;
	int8_t pic_init_qp_minus26, pic_init_qs_minus26;
	int8_t chroma_qp_index_offset, second_chroma_qp_index_offset;
	uint8_t deblocking_filter_control_present_flag;
	uint8_t constrained_intra_pred_flag, redundant_pic_cnt_present_flag;
	uint8_t transform_8x8_mode_flag, scaling_list_enable_flag;
	uint32_t scaling_list_address;
	/* picture */
	uint16_t long_term;	/* bit i: reference i */
};

/* In raster order, as the driver stores them (v4l2_ctrl_h264_scaling_matrix). */
struct h264_scaling {
	uint8_t list_4x4[6][16];
	uint8_t list_8x8[6][64];
};

struct h264_mmco {
	uint8_t op;
	uint32_t difference_of_pic_nums_minus1;
	uint32_t long_term_pic_num;
	uint32_t long_term_frame_idx;	/* or max_long_term_frame_idx_plus1 */
};

struct h264_list_mod {
	uint8_t idc;
	uint32_t value;
};

struct h264_slice {
	uint8_t nal_unit_type, nal_ref_idc;
	uint32_t first_mb_in_slice;
	uint32_t slice_type;		/* 0 to 9 */
	uint32_t pps_id;
	uint32_t frame_num;
	bool field_pic_flag, bottom_field_flag;
	uint32_t idr_pic_id;
	uint32_t pic_order_cnt_lsb;
	int32_t delta_pic_order_cnt_bottom;
	int32_t delta_pic_order_cnt[2];
	uint32_t redundant_pic_cnt;
	bool direct_spatial_mv_pred_flag;
	unsigned int num_ref_idx_active[2];
	unsigned int n_mods[2];
	struct h264_list_mod mods[2][H264_MAX_LIST + 1];
	/* pred_weight_table() as bits of the slice's RBSP */
	size_t weights_start, weights_end;
	bool no_output_of_prior_pics_flag, long_term_reference_flag;
	bool adaptive_ref_pic_marking_mode_flag;
	unsigned int n_mmcos;
	struct h264_mmco mmcos[H264_MAX_MMCO];
	/* cabac_init_idc up to the end of the header */
	size_t tail_start;
	size_t data_start;		/* slice_data(), before alignment */
};

static inline enum h264_slice_type h264_type(const struct h264_slice *slice)
{
	return slice->slice_type % 5;
}

void h264_ps_unpack(struct h264_ps *ps, const uint32_t packet[H264_PS_PACKET_WORDS]);

/*
 * The parameter sets for libavcodec, as complete NAL units with start codes;
 * return the size.  They differ from the source's in what the model rewrites:
 * 13-bit frame_num, 16 reference frames, POC type 0 with 16-bit lsb and
 * delta_pic_order_cnt_bottom present.  Level is not in the packet (6.2 here).
 */
#define H264_OUT_FRAME_NUM_BITS	13
#define H264_OUT_POC_LSB_BITS	16
size_t h264_write_sps(uint8_t *out, size_t size, const struct h264_ps *ps);
size_t h264_write_pps(uint8_t *out, size_t size, const struct h264_ps *ps,
		      const struct h264_scaling *scaling);

/* Peeks at pps_id of a slice's RBSP (first byte: NAL header). */
uint32_t h264_peek_pps_id(const uint8_t *rbsp, size_t size);
/* slice_header() (7.3.3); NULL or what is wrong with it. */
const char *h264_parse_slice(struct h264_slice *slice, const struct h264_ps *ps,
			     const uint8_t *rbsp, size_t size);

/* What the model puts into a slice header instead of the source's. */
struct h264_slice_out {
	uint32_t frame_num;
	int32_t poc[2];
	unsigned int n_mods[2];		/* 0: keep the initial list */
	struct h264_list_mod mods[2][H264_MAX_LIST + 1];
	unsigned int n_mmcos;		/* 0: sliding window */
	struct h264_mmco mmcos[H264_MAX_MMCO];
};

/* The header up to dec_ref_pic_marking(); source: RBSP for the weights. */
void h264_write_slice_start(struct bit_writer *w, const struct h264_slice *slice,
			    const struct h264_ps *ps,
			    const struct h264_slice_out *out,
			    const uint8_t *source, size_t source_size);
/* Appends the rest of the source: the header's tail and the slice data. */
void h264_write_slice_rest(struct bit_writer *w, const struct h264_slice *slice,
			   const struct h264_ps *ps, const uint8_t *source,
			   size_t source_size);

#endif
