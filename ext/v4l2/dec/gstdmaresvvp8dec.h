/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_DMARESV_VP8_DEC_H
#define GST_DMARESV_VP8_DEC_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Registers "dmaresvvp8dec" for the first device that decodes VP8, "dmaresv<node>vp8dec" for each
 * other one. TRUE also when there is none. */
gboolean gst_dmaresv_vp8_dec_register (GstPlugin * plugin);

G_END_DECLS
#endif
