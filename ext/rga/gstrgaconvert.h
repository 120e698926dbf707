/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_RGA_CONVERT_H
#define GST_RGA_CONVERT_H

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_RGA_CONVERT_BASE (gst_rga_convert_base_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstRgaConvertBase, gst_rga_convert_base, GST, RGA_CONVERT_BASE,
    GstBaseTransform)

struct _GstRgaConvertBaseClass
{
  GstBaseTransformClass parent_class;
};

/* Registers "rgaconvert" for the first RGA node, "rgaconvert<node>" for others; with none it
 * registers nothing and returns TRUE. */
gboolean gst_rga_convert_register (GstPlugin * plugin);

G_END_DECLS
#endif
