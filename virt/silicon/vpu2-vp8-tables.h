/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SILICON_VPU2_VP8_TABLES_H
#define SILICON_VPU2_VP8_TABLES_H

#include <stdint.h>

#define VP8_N_COEFF_PROBS	(4 * 8 * 3 * 11)
#define VP8_N_MV_PROBS		(2 * 19)

extern const uint8_t vp8_coeff_update_probs[VP8_N_COEFF_PROBS];
extern const uint8_t vp8_mv_update_probs[VP8_N_MV_PROBS];

#endif
