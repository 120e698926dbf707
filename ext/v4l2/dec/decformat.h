/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bit depths and chroma formats: what the driver decodes to, and which of its
 * CAPTURE formats a sequence gets.
 */
#ifndef DEC_FORMAT_H
#define DEC_FORMAT_H

#include "decprivate.h"

G_BEGIN_DECLS

/* The first CAPTURE format of the device, as it is set up, that holds such samples as they are. */
GstVideoFormat dec_format_find (DecDevice * device, guint bit_depth, guint chroma_format_idc);

/* The same of a sequence that is made up for the question; the device is set up for it then. The
 * driver's formats depend on the SPS, where the codec has one. UNKNOWN: none, or the driver refuses
 * such a sequence. */
GstVideoFormat dec_format_probe (DecDevice * device, guint32 coded_format, guint bit_depth,
    guint chroma_format_idc);

/* All formats that dec_format_probe() finds, once each; ended by UNKNOWN. */
#define DEC_FORMAT_MAX 8
void           dec_format_probe_all (DecDevice * device, guint32 coded_format,
    GstVideoFormat formats[DEC_FORMAT_MAX]);

/* Chooses the CAPTURE format for priv->sequence, and sets priv->capture. FALSE: told why. */
gboolean       dec_format_configure_capture (GstDmaResvDecoder * self);
/* priv->layout and priv->fix: where the visible picture of @seq is in a CAPTURE buffer. */
gboolean       dec_format_set_layout (GstDmaResvDecoder * self, const CodecSequence * seq);

G_END_DECLS
#endif
