/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_DMARESV_H265_DEC_H
#define GST_DMARESV_H265_DEC_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Registers "dmaresvh265dec" for the first device that decodes HEVC, "dmaresv<node>h265dec" for
 * each other one. TRUE also when there is none. */
gboolean gst_dmaresv_h265_dec_register (GstPlugin * plugin);

G_END_DECLS
#endif
