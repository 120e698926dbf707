/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_DMARESV_H264_DEC_H
#define GST_DMARESV_H264_DEC_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Registers "dmaresvh264dec" for the first device that decodes H.264, "dmaresv<node>h264dec" for
 * each other one. TRUE also when there is none. */
gboolean gst_dmaresv_h264_dec_register (GstPlugin * plugin);

G_END_DECLS
#endif
