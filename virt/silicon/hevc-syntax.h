/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HEVC syntax for the rkvdec model: unpacking the driver's parameter packet,
 * RPS table and scaling lists (layouts: Linux 7.2, rkvdec/rkvdec-hevc.c and
 * rkvdec-hevc-common.c), writing parameter sets, rewriting slice headers
 * (ITU-T H.265, 7.3).
 */
#ifndef SILICON_HEVC_SYNTAX_H
#define SILICON_HEVC_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bits.h"

#define HEVC_DPB_SIZE		15	/* what there are registers for */
#define HEVC_MAX_PICS		15	/* references in the rewritten stream */
#define HEVC_MAX_LIST		15
#define HEVC_PS_PACKET_WORDS	20
#define HEVC_RPS_WORDS		8
#define HEVC_PS_MAX_BYTES	8192
#define HEVC_POC_LSB_BITS	16	/* in the rewritten stream */

#define HEVC_NAL_TRAIL_R	1
#define HEVC_NAL_IDR_W_RADL	19
#define HEVC_NAL_IDR_N_LP	20
#define HEVC_IS_IDR(type)	((type) == HEVC_NAL_IDR_W_RADL || (type) == HEVC_NAL_IDR_N_LP)
#define HEVC_IS_IRAP(type)	((type) >= 16 && (type) <= 23)

enum { HEVC_B, HEVC_P, HEVC_I };

/* The packet's fields, by their names in the standard. */
struct hevc_ps {
	uint32_t chroma_format_idc, width, height, bit_depth_luma, bit_depth_chroma;
	uint32_t log2_max_poc_lsb, log2_diff_max_min_cb, log2_min_cb;
	uint32_t log2_min_tb, log2_diff_max_min_tb;
	uint32_t max_transform_hierarchy_depth_inter, max_transform_hierarchy_depth_intra;
	uint32_t scaling_list_enabled_flag, amp_enabled_flag, sao_enabled_flag;
	uint32_t pcm_enabled_flag, pcm_depth_luma, pcm_depth_chroma;
	uint32_t pcm_loop_filter_disabled_flag, log2_diff_max_min_pcm_cb, log2_min_pcm_cb;
	uint32_t temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag;
	uint32_t pps_id, dependent_slice_segments_enabled_flag, output_flag_present_flag;
	uint32_t num_extra_slice_header_bits, sign_data_hiding_enabled_flag;
	uint32_t cabac_init_present_flag, num_ref_idx_default[2];
	int32_t init_qp_minus26;
	uint32_t constrained_intra_pred_flag, transform_skip_enabled_flag;
	uint32_t cu_qp_delta_enabled_flag, log2_min_cu_qp_delta_size;
	int32_t cb_qp_offset, cr_qp_offset;
	uint32_t slice_chroma_qp_offsets_present_flag, weighted_pred_flag, weighted_bipred_flag;
	uint32_t transquant_bypass_enabled_flag, tiles_enabled_flag;
	uint32_t entropy_coding_sync_enabled_flag;
	uint32_t loop_filter_across_slices_enabled_flag, loop_filter_across_tiles_enabled_flag;
	uint32_t deblocking_filter_override_enabled_flag, deblocking_filter_disabled_flag;
	int32_t beta_offset_div2, tc_offset_div2;
	uint32_t lists_modification_present_flag, log2_parallel_merge_level;
	uint32_t slice_header_extension_present_flag;
	uint32_t num_tile_columns, num_tile_rows;
	uint32_t column_width[20], row_height[22];
	uint32_t scaling_list_address;
};

/* struct scaling_factor of the driver */
struct hevc_scaling {
	uint8_t list_4x4[6][16];	/* each transposed: [x][y] */
	uint8_t list_8x8[6][64];
	uint8_t list_16x16[6][64];
	uint8_t list_32x32_0[64];
	uint8_t pad0[128];
	uint8_t list_32x32_1[64];
	uint8_t pad1[128];
	uint8_t list_4x4_raster[6][16];
	uint8_t dc[12];			/* 16x16: 0 to 5; 32x32: 6 and 9 */
	uint8_t reserved[4];
};

/* One slice's entry of the RPS table. */
struct hevc_rps {
	struct {
		bool long_term;
		uint8_t idx;
	} list[2][HEVC_MAX_LIST];
	uint32_t bits;			/* of the RPS syntax that silicon skips */
	uint32_t num_poc;		/* NumPicTotalCurr */
};

/* What the model has to know of a slice segment. */
struct hevc_slice {
	uint32_t nal_unit_type, type;
	bool first, dependent;
	uint32_t pps_id, address;
	uint32_t num_ref_idx[2];	/* 0: no such list */
	bool temporal_mvp, collocated_from_l0;
	uint32_t collocated_ref_idx;
};

/* What the rewritten slice says in place of its own RPS and lists. */
struct hevc_slice_out {
	int32_t poc;
	struct {
		int32_t poc;
		bool used, long_term;
	} pics[HEVC_MAX_PICS];
	unsigned int n_pics;
	unsigned int list[2][HEVC_MAX_LIST];	/* indices of pics */
};

void hevc_ps_unpack(struct hevc_ps *ps, const uint32_t packet[HEVC_PS_PACKET_WORDS]);
void hevc_rps_unpack(struct hevc_rps *rps, const uint32_t table[HEVC_RPS_WORDS]);
/* slice_pic_parameter_set_id of a NAL unit; above 63 when there is none. */
uint32_t hevc_peek_pps_id(const uint8_t *rbsp, size_t size);

/* Parameter sets as NAL units; 0: does not fit. scaling is NULL without lists. */
size_t hevc_write_vps_sps(uint8_t *out, size_t size, const struct hevc_ps *ps);
size_t hevc_write_pps(uint8_t *out, size_t size, const struct hevc_ps *ps,
		      const struct hevc_scaling *scaling);

/* Parses a slice segment header. NULL, or what is bad. */
const char *hevc_parse_slice(struct hevc_slice *slice, const struct hevc_ps *ps,
			     const struct hevc_rps *rps, const uint8_t *rbsp, size_t size);
/* The slice segment as a NAL unit of a trailing picture. Returns its bytes; 0: does not fit. */
size_t hevc_rewrite_slice(uint8_t *out, size_t out_size, const struct hevc_ps *ps,
			  const struct hevc_rps *rps, const struct hevc_slice_out *with,
			  const uint8_t *rbsp, size_t size);

#endif
