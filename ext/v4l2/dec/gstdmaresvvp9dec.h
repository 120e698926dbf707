/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_DMARESV_VP9_DEC_H
#define GST_DMARESV_VP9_DEC_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Registers "dmaresvvp9dec" for the first device that decodes VP9, "dmaresv<node>vp9dec" for each
 * other one. TRUE also when there is none. */
gboolean gst_dmaresv_vp9_dec_register (GstPlugin * plugin);

G_END_DECLS
#endif
