/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers of rkvdec as of the RK3399, indices of 32-bit words.  Learnt from
 * Linux 7.2: drivers/media/platform/rockchip/rkvdec/rkvdec-regs.h, and from
 * what rkvdec-h264.c (config_registers, set_poc_reg) writes where; the bank
 * layout of the IOMMU from drivers/iommu/rockchip-iommu.c.
 */
#ifndef SILICON_RKVDEC_REGS_H
#define SILICON_RKVDEC_REGS_H

#define RKVDEC_INTERRUPT		1
#define  RKVDEC_IRQ_DIS			BIT(4)
#define  RKVDEC_IRQ			BIT(8)
#define  RKVDEC_IRQ_RAW			BIT(9)
#define  RKVDEC_RDY_STA			BIT(12)
#define  RKVDEC_BUS_STA			BIT(13)
#define  RKVDEC_ERR_STA			BIT(14)
#define  RKVDEC_TIMEOUT_STA		BIT(15)
#define  RKVDEC_BUF_EMPTY_STA		BIT(16)
#define  RKVDEC_COLMV_REF_ERR_STA	BIT(17)
#define RKVDEC_SYSCTRL			2
#define  RKVDEC_DEC_MODE(r)		((r) >> 20 & 3)
#define  RKVDEC_MODE_HEVC		0
#define  RKVDEC_MODE_H264		1
#define  RKVDEC_MODE_VP9		2
#define RKVDEC_PICPAR			3
#define  RKVDEC_Y_HOR_VIRSTRIDE(r)	(((r) & 0x1ff) * 16)
#define  RKVDEC_UV_HOR_VIRSTRIDE(r)	(((r) >> 12 & 0x1ff) * 16)
#define RKVDEC_STRM_RLC_BASE		4
#define RKVDEC_STREAM_LEN		5
#define RKVDEC_CABACTBL_BASE		6
#define RKVDEC_DECOUT_BASE		7
#define RKVDEC_Y_VIRSTRIDE		8
#define  RKVDEC_Y_VIRSTRIDE_BYTES(r)	(((r) & 0xfffff) * 16)
#define RKVDEC_YUV_VIRSTRIDE		9
#define  RKVDEC_YUV_VIRSTRIDE_BYTES(r)	(((r) & 0x1fffff) * 16)

/* H.264 and HEVC; i: 0 to 15 */
#define RKVDEC_REF_BASE(i)		((i) < 15 ? 10 + (i) : 48)
#define  RKVDEC_REF_FIELD		BIT(0)
#define  RKVDEC_REF_TOPFIELD_USED	BIT(1)
#define  RKVDEC_REF_BOTFIELD_USED	BIT(2)
#define  RKVDEC_REF_COLMV_USE		BIT(3)
#define  RKVDEC_REF_ADDR(r)		((r) & ~15u)
/* Three regions, top and bottom alternating: 25-39, 49-63, 72 and 73 */
#define RKVDEC_REF_POC_TOP(i)		((i) < 8 ? 25 + 2 * (i) : \
					 (i) < 15 ? 49 + 2 * ((i) - 8) + 1 : 72)
#define RKVDEC_REF_POC_BOTTOM(i)	((i) < 7 ? 25 + 2 * (i) + 1 : \
					 (i) < 15 ? 49 + 2 * ((i) - 7) : 73)
/* HEVC: one each */
#define RKVDEC_HEVC_REF_POC(i)		(25 + (i))
#define RKVDEC_CUR_POC			40
#define RKVDEC_RLCWRITE_BASE		41
#define RKVDEC_PPS_BASE			42
#define RKVDEC_RPS_BASE			43
#define RKVDEC_CUR_POC1			74
#define RKVDEC_ERRORINFO_BASE		75

/* VP9; i: 0 to 2 (last, golden, altref), segments 0 to 7 */
#define RKVDEC_VP9_CPRHEADER_OFFSET	10
#define RKVDEC_VP9_REF_BASE(i)		(11 + (i))
#define RKVDEC_VP9_COUNT_BASE		14
#define RKVDEC_VP9_SEGIDLAST_BASE	15
#define RKVDEC_VP9_SEGIDCUR_BASE	16
#define RKVDEC_VP9_REF_SIZE(i)		(17 + (i))
#define  RKVDEC_VP9_REF_WIDTH(r)	((r) & 0xffff)
#define  RKVDEC_VP9_REF_HEIGHT(r)	((r) >> 16)
#define RKVDEC_VP9_SEGMENT(i)		(20 + (i))
#define RKVDEC_VP9_CPRHEADER		28
#define  RKVDEC_VP9_TX_MODE(r)		((r) & 7)
#define  RKVDEC_VP9_REFERENCE_MODE(r)	((r) >> 3 & 3)
#define RKVDEC_VP9_REF_SCALE(i)		(29 + (i))
#define RKVDEC_VP9_REF_DELTAS		32
#define RKVDEC_VP9_LASTFRAME		33
#define  RKVDEC_VP9_LAST_SEG_ENABLED	BIT(16)
#define  RKVDEC_VP9_LAST_SHOW_FRAME	BIT(17)
#define  RKVDEC_VP9_LAST_INTRA_ONLY	BIT(18)
#define  RKVDEC_VP9_LAST_SAME_SIZE	BIT(19)
#define RKVDEC_VP9_LASTTILE		36
#define  RKVDEC_VP9_LASTTILE_BYTES(r)	((r) & 0xffffff)
#define RKVDEC_VP9_REF_STRIDE(i)	(37 + (i))
#define RKVDEC_VP9_REF_Y_BYTES(i)	(48 + (i))
#define RKVDEC_VP9_REFCOLMV_BASE	52

#define RKVDEC_N_REGS			108

/* Written behind the picture: motion vectors, 128 bytes a macroblock. */
#define RKVDEC_COLMV_BYTES_PER_MB	128

/* rockchip,iommu: byte offsets; the second bank at + 0x40 */
#define RK_MMU_BANK_SIZE		0x40
#define RK_MMU_DTE_ADDR			0x00
#define RK_MMU_STATUS			0x04
#define  RK_MMU_STATUS_PAGING_ENABLED		BIT(0)
#define  RK_MMU_STATUS_PAGE_FAULT_ACTIVE	BIT(1)
#define  RK_MMU_STATUS_PAGE_FAULT_IS_WRITE	BIT(5)
#define RK_MMU_PAGE_FAULT_ADDR		0x0c
#define RK_MMU_INT_RAWSTAT		0x14
#define RK_MMU_INT_STATUS		0x20
#define  RK_MMU_IRQ_PAGE_FAULT			BIT(0)
#define RK_MMU_DTE_MASK			0xfffff000u

#endif
