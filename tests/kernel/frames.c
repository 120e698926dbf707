// SPDX-License-Identifier: GPL-2.0
/*
 * See frames.h.  Both codecs: an intra picture without coefficients, predicted
 * from nothing, which is 128 everywhere.
 */
#include <sys/ioctl.h>
#include <linux/v4l2-controls.h>

#include "frames.h"

#define MBS	4		/* each way */

struct bits {
	uint8_t *data;
	size_t pos, size;	/* bits, bytes */
};

static void put(struct bits *b, unsigned int n, uint32_t value)
{
	EXPECT(b->pos + n <= b->size * 8, "the frame is larger than the buffer");
	while (n--) {
		uint8_t mask = 0x80 >> (b->pos & 7);

		if (value >> n & 1)
			b->data[b->pos / 8] |= mask;
		else
			b->data[b->pos / 8] &= ~mask;
		b->pos++;
	}
}

static void put_ue(struct bits *b, uint32_t value)
{
	unsigned int n = 0;

	while ((value + 1) >> (n + 1))
		n++;
	put(b, n, 0);
	put(b, n + 1, value + 1);
}

static void align(struct bits *b)
{
	while (b->pos & 7)
		put(b, 1, 0);
}

size_t h264_frame(uint8_t *data, size_t size)
{
	struct bits b = { data, 0, size };

	put(&b, 32, 1);			/* start code */
	put(&b, 8, 0x65);		/* IDR slice, nal_ref_idc 3 */
	put_ue(&b, 0);			/* first_mb_in_slice */
	put_ue(&b, 7);			/* I, as all slices of the picture */
	put_ue(&b, 0);			/* pic_parameter_set_id */
	put(&b, 4, 0);			/* frame_num */
	put_ue(&b, 0);			/* idr_pic_id */
	put(&b, 4, 0);			/* pic_order_cnt_lsb */
	put(&b, 2, 0);			/* dec_ref_pic_marking() */
	put_ue(&b, 0);			/* slice_qp_delta: se(0) */
	for (unsigned int mb = 0; mb < MBS * MBS; mb++) {
		put_ue(&b, 3);		/* I_16x16_2_0_0: DC prediction, no coefficients */
		put_ue(&b, 0);		/* intra_chroma_pred_mode: DC */
		put_ue(&b, 0);		/* mb_qp_delta: se(0) */
		put(&b, 1, 1);		/* coeff_token: none */
	}
	put(&b, 1, 1);			/* rbsp_stop_one_bit */
	align(&b);
	return b.pos / 8;
}

size_t mpeg2_frame(uint8_t *data, size_t size)
{
	struct bits b = { data, 0, size };

	for (unsigned int row = 0; row < MBS; row++) {
		put(&b, 32, 0x101 + row);	/* slice_start_code */
		put(&b, 5, 1);			/* quantiser_scale_code */
		put(&b, 1, 0);			/* extra_bit_slice */
		for (unsigned int mb = 0; mb < MBS; mb++) {
			put(&b, 1, 1);		/* macroblock_address_increment 1 */
			put(&b, 1, 1);		/* Intra */
			for (unsigned int i = 0; i < 4; i++)
				put(&b, 5, 0x12);	/* dct_dc_size_luminance 0, end of block */
			for (unsigned int i = 0; i < 2; i++)
				put(&b, 4, 0x2);	/* dct_dc_size_chrominance 0, end of block */
		}
		align(&b);
	}
	return b.pos / 8;
}

size_t raw_frame(uint8_t *data, size_t size)
{
	memset(data, FRAME_RAW, size);
	return size;
}

static void set(const struct m2m *c, int request, struct v4l2_ext_control *controls, unsigned int n)
{
	struct v4l2_ext_controls arg = { .count = n, .controls = controls };

	if (request >= 0) {
		arg.which = V4L2_CTRL_WHICH_REQUEST_VAL;
		arg.request_fd = request;
	}
	NEED(ioctl(c->fd, VIDIOC_S_EXT_CTRLS, &arg));
}

#define CONTROL(which, value) { .id = (which), .size = sizeof(value), .ptr = &(value) }

void h264_controls(const struct m2m *c, int request)
{
	struct v4l2_ctrl_h264_sps sps = {
		.profile_idc = 66, .level_idc = 10, .chroma_format_idc = 1,
		.max_num_ref_frames = 1,
		.pic_width_in_mbs_minus1 = MBS - 1, .pic_height_in_map_units_minus1 = MBS - 1,
		.flags = V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY | V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE,
	};
	struct v4l2_ctrl_h264_pps pps = { 0 };
	struct v4l2_ctrl_h264_scaling_matrix matrix;
	struct v4l2_ctrl_h264_decode_params params = {
		.nal_ref_idc = 3, .flags = V4L2_H264_DECODE_PARAM_FLAG_IDR_PIC,
	};
	struct v4l2_ext_control controls[] = {
		CONTROL(V4L2_CID_STATELESS_H264_SPS, sps),
		CONTROL(V4L2_CID_STATELESS_H264_PPS, pps),
		CONTROL(V4L2_CID_STATELESS_H264_SCALING_MATRIX, matrix),
		CONTROL(V4L2_CID_STATELESS_H264_DECODE_PARAMS, params),
	};

	memset(&matrix, 16, sizeof(matrix));
	set(c, request, controls, request < 0 ? 1 : ARRAY_SIZE(controls));
}

void mpeg2_controls(const struct m2m *c, int request)
{
	struct v4l2_ctrl_mpeg2_sequence sequence = {
		.horizontal_size = MBS * 16, .vertical_size = MBS * 16, .chroma_format = 1,
		.vbv_buffer_size = 65536, .profile_and_level_indication = 0x48,
		.flags = V4L2_MPEG2_SEQ_FLAG_PROGRESSIVE,
	};
	struct v4l2_ctrl_mpeg2_picture picture = {
		.picture_coding_type = V4L2_MPEG2_PIC_CODING_TYPE_I,
		.picture_structure = V4L2_MPEG2_PIC_FRAME,
		.f_code = { { 15, 15 }, { 15, 15 } },
		.flags = V4L2_MPEG2_PIC_FLAG_FRAME_PRED_DCT | V4L2_MPEG2_PIC_FLAG_PROGRESSIVE,
	};
	struct v4l2_ctrl_mpeg2_quantisation matrices;
	struct v4l2_ext_control controls[] = {
		CONTROL(V4L2_CID_STATELESS_MPEG2_SEQUENCE, sequence),
		CONTROL(V4L2_CID_STATELESS_MPEG2_PICTURE, picture),
		CONTROL(V4L2_CID_STATELESS_MPEG2_QUANTISATION, matrices),
	};

	memset(&matrices, 16, sizeof(matrices));
	set(c, request, controls, request < 0 ? 1 : ARRAY_SIZE(controls));
}
