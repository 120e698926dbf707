/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_DMARESV_MPEG2_DEC_H
#define GST_DMARESV_MPEG2_DEC_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Registers "dmaresvmpeg2dec" for the first device that decodes MPEG-2, "dmaresv<node>mpeg2dec" for each
 * other one. TRUE also when there is none. */
gboolean gst_dmaresv_mpeg2_dec_register (GstPlugin * plugin);

G_END_DECLS
#endif
