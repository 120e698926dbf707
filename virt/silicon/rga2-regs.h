/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers of RGA2, byte offsets.  Learnt from Linux 7.2:
 * drivers/media/platform/rockchip/rga/rga-hw.h and rga-hw.c.  The driver only
 * knows the "command finished" bit of RGA_INT; the others are the RK3399 TRM's.
 */
#ifndef SILICON_RGA2_REGS_H
#define SILICON_RGA2_REGS_H

#define RGA_SYS_CTRL			0x00
#define RGA_CMD_CTRL			0x04
#define RGA_CMD_BASE			0x08
#define RGA_INT				0x10
#define  RGA_INT_ERROR			BIT(0)
#define  RGA_INT_MMU			BIT(1)
#define  RGA_INT_COMMAND_FINISHED	BIT(2)

/* The command buffer: the registers from here on */
#define RGA_MODE_BASE_REG		0x100
#define RGA_CMDBUF_SIZE			0x80

#define RGA_MODE_CTRL			0x100
#define  RGA_MODE_RENDER(r)		((r) & 7)
#define  RGA_MODE_RENDER_BITBLT		0
#define  RGA_MODE_BITBLT(r)		((r) >> 3 & 1)
#define RGA_SRC_INFO			0x104
#define  RGA_INFO_FORMAT(r)		((r) & 15)
#define  RGA_INFO_SWAP(r)		((r) >> 4 & 7)
#define  RGA_SRC_CSC_MODE(r)		((r) >> 8 & 3)
#define  RGA_SRC_ROT_MODE(r)		((r) >> 10 & 3)
#define  RGA_SRC_MIR_MODE(r)		((r) >> 12 & 3)
#define  RGA_SRC_HSCL_MODE(r)		((r) >> 14 & 3)
#define  RGA_SRC_VSCL_MODE(r)		((r) >> 16 & 3)
#define RGA_SRC_Y_RGB_BASE_ADDR		0x108
#define RGA_SRC_CB_BASE_ADDR		0x10c
#define RGA_SRC_CR_BASE_ADDR		0x110
#define RGA_SRC_VIR_INFO		0x118
#define  RGA_VIR_STRIDE(r)		(((r) & 0x7fff) * 4)
#define RGA_SRC_ACT_INFO		0x11c
#define  RGA_SRC_ACT_WIDTH(r)		(((r) & 0x1fff) + 1)
#define  RGA_SRC_ACT_HEIGHT(r)		(((r) >> 16 & 0x1fff) + 1)
#define RGA_SRC_X_FACTOR		0x120
#define RGA_SRC_Y_FACTOR		0x124
#define  RGA_FACTOR_DOWN(r)		((r) & 0xffff)
#define  RGA_FACTOR_UP(r)		((r) >> 16)
#define RGA_DST_INFO			0x138
#define  RGA_DST_CSC_MODE(r)		((r) >> 16 & 3)
#define RGA_DST_Y_RGB_BASE_ADDR		0x13c
#define RGA_DST_CB_BASE_ADDR		0x140
#define RGA_DST_CR_BASE_ADDR		0x144
#define RGA_DST_VIR_INFO		0x148
#define RGA_DST_ACT_INFO		0x14c
#define  RGA_DST_ACT_WIDTH(r)		(((r) & 0xfff) + 1)
#define  RGA_DST_ACT_HEIGHT(r)		(((r) >> 16 & 0xfff) + 1)
#define RGA_ALPHA_CTRL0			0x150
#define RGA_MMU_CTRL1			0x16c
#define  RGA_MMU_SRC_ENABLE		BIT(0)
#define  RGA_MMU_DST_ENABLE		BIT(8)
#define RGA_MMU_SRC_BASE		0x170
#define RGA_MMU_DST_BASE		0x178
#define  RGA_MMU_TABLE(r)		((uint64_t)(r) << 4)

#define RGA_COLOR_FMT_ABGR8888		0
#define RGA_COLOR_FMT_XBGR8888		1
#define RGA_COLOR_FMT_RGB888		2
#define RGA_COLOR_FMT_BGR565		4
#define RGA_COLOR_FMT_ABGR1555		5
#define RGA_COLOR_FMT_ABGR4444		6
#define RGA_COLOR_FMT_YUV422SP		8
#define RGA_COLOR_FMT_YUV422P		9
#define RGA_COLOR_FMT_YUV420SP		10
#define RGA_COLOR_FMT_YUV420P		11

#define RGA_COLOR_RB_SWAP		BIT(0)
#define RGA_COLOR_ALPHA_SWAP		BIT(1)
#define RGA_COLOR_UV_SWAP		BIT(2)

#define RGA_CSC_BYPASS			0
#define RGA_CSC_BT601_R0		1	/* limited range */
#define RGA_CSC_BT601_R1		2	/* full range */
#define RGA_CSC_BT709_R0		3	/* limited range */

#define RGA_ROT_0			0
#define RGA_ROT_90			1
#define RGA_ROT_180			2
#define RGA_ROT_270			3

#define RGA_MIRROR_X			BIT(0)
#define RGA_MIRROR_Y			BIT(1)

#define RGA_SCL_NO			0
#define RGA_SCL_DOWN			1
#define RGA_SCL_UP			2

#endif
