/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers of hantro VPU2's decoder as of the RK3399, indices of 32-bit words
 * from the decoder's base (+ 0x400).  Learnt from Linux 7.2:
 * drivers/media/platform/verisilicon, rockchip_vpu2_regs.h,
 * rockchip_vpu2_hw_vp8_dec.c and rockchip_vpu2_hw_mpeg2_dec.c.
 */
#ifndef SILICON_VPU2_REGS_H
#define SILICON_VPU2_REGS_H

#define VPU2_DEC_BASE		(0x400 / 4)
#define VPU2_N_REGS		159
#define VPU2_FIRST_REG		50

#define VDPU_DEC_CTRL0		50
#define  VDPU_SKIP_MODE			BIT(9)	/* no mb_skip_coeff flags */
#define  VDPU_FILTERING_DIS		BIT(8)
#define VDPU_STREAM_LEN		51
#define  VDPU_STREAM_LEN_BYTES(r)	((r) & 0xffffff)
#define VDPU_DEC_MODE		53
#define  VDPU_MODE_MPEG2		5
#define  VDPU_MODE_VP8			10
#define VDPU_INTERRUPT		55
#define  VDPU_INT_BUS			BIT(5)
#define  VDPU_INT_ERROR			BIT(12)
#define  VDPU_INT_RDY			BIT(4)
#define  VDPU_INT_IRQ			BIT(0)
#define VDPU_EN			57
#define  VDPU_EN_INTERLACE		BIT(17)
#define  VDPU_EN_FIELDMODE		BIT(16)
#define  VDPU_EN_PIC_B			BIT(15)
#define  VDPU_EN_PIC_INTER		BIT(14)
#define  VDPU_EN_TOPFIELD		BIT(13)
#define  VDPU_EN_DEC			BIT(0)
#define VDPU_QTABLE		61
#define VDPU_DST		63
#define VDPU_STREAM		64
#define VDPU_PIC_SIZE		120
#define  VDPU_MB_WIDTH(r)		((r) >> 23 | ((r) >> 3 & 7) << 9)
#define  VDPU_MB_HEIGHT(r)		(((r) >> 11 & 0xff) | ((r) & 7) << 8)

/* VP8 */
#define VP8_PRED_FLT(i)		((i) == 0 ? 59 : (i) < 7 ? 152 + (i) : 118 + (i))
#define VP8_DCT_START_BIT	121
#define  VP8_NOT_VERSION_3		BIT(13)
#define  VP8_BILIN_MC			BIT(12)
#define VP8_CTRL0		122
#define VP8_DATA_VAL		124
#define VP8_FILTER_LEVEL	129
#define VP8_QUANTER0		130
#define VP8_REF_LAST		131
#define VP8_FILTER_MB_ADJ	132
#define  VP8_FILTER_SIMPLE		BIT(31)
#define VP8_FILTER_REF_ADJ	133
#define VP8_REF_GOLDEN		136
#define VP8_REF_ALT		137
#define  VP8_REF_SIGN_BIAS		BIT(0)
#define VP8_DCT_BASE(i)		((i) == 0 ? VDPU_STREAM : (i) < 6 ? 139 + (i) : 140 + (i))
#define VP8_CTRL_PART		145
#define VP8_SEGMENT		149
#define  VP8_SEGMENT_UPDATE		BIT(1)
#define  VP8_SEGMENT_ENABLED		BIT(0)
#define VP8_DCT_START_BIT2	150
#define VP8_QUANTER1		151
#define VP8_QUANTER2		152

/* MPEG-2 */
#define  MPEG2_PIC_MB_WIDTH(r)		((r) >> 23)
#define  MPEG2_PIC_MB_HEIGHT(r)		((r) >> 11 & 0xff)
#define  MPEG2_ALT_SCAN			BIT(6)
#define  MPEG2_TOP_FIELD_FIRST		BIT(5)
#define MPEG2_PICTURE		122
#define  MPEG2_START_BIT(r)		((r) >> 26)
#define  MPEG2_QSCALE_TYPE		BIT(24)
#define  MPEG2_CON_MV			BIT(4)
#define  MPEG2_INTRA_DC_PREC(r)		((r) >> 2 & 3)
#define  MPEG2_INTRA_VLC		BIT(1)
#define  MPEG2_FRAME_PRED_DCT		BIT(0)
#define MPEG2_FCODES		136
#define  MPEG2_ALT_SCAN_FLAG		BIT(19)
#define  MPEG2_FCODE(r, i)		((r) >> (15 - 4 * (i)) & 15)
#define MPEG2_REF_FWD_TOP	131
#define MPEG2_REF_FWD_BOTTOM	148
#define MPEG2_REF_BWD_TOP	134
#define MPEG2_REF_BWD_BOTTOM	135

#endif
