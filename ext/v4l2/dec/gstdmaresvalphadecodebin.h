/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VP8 and VP9 with an alpha channel: codecalphademux, two of the plugin's
 * decoders, alphacombine.
 */
#ifndef GST_DMARESV_ALPHA_DECODE_BIN_H
#define GST_DMARESV_ALPHA_DECODE_BIN_H

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DMARESV_ALPHA_DECODE_BIN (gst_dmaresv_alpha_decode_bin_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstDmaResvAlphaDecodeBin, gst_dmaresv_alpha_decode_bin, GST,
    DMARESV_ALPHA_DECODE_BIN, GstBin)

struct _GstDmaResvAlphaDecodeBinClass
{
  GstBinClass parent_class;

  const gchar *decoder;         /* the factory that decodes both streams */
};

/* Registers "<prefix>alphadecodebin" for the element "<prefix>dec", which decodes what its
 * @sink_caps say but for "codec-alpha"; its rank is @rank and what puts it before every decoder
 * that would lose the alpha.  @codec_name: as a user reads it, "VP8".  @type_prefix: the GType's
 * name up to "AlphaDecodeBin". */
gboolean gst_dmaresv_alpha_decode_bin_register (GstPlugin * plugin, const gchar * prefix,
    const gchar * type_prefix, const gchar * codec_name, GstCaps * sink_caps, guint rank);

G_END_DECLS
#endif
