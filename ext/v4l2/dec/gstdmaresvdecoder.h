/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The base of all V4L2 stateless decoder elements: it ties a codec core
 * (ext/v4l2/codecs) to a device (decdevice.h) and to GstVideoDecoder, and
 * knows no codec's syntax.
 */
#ifndef GST_DMARESV_DECODER_H
#define GST_DMARESV_DECODER_H

#include <gst/video/video.h>

#include "../codecs/codec.h"
#include "../m2m.h"
#include "decdevice.h"

G_BEGIN_DECLS

#define GST_TYPE_DMARESV_DECODER (gst_dmaresv_decoder_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstDmaResvDecoder, gst_dmaresv_decoder, GST, DMARESV_DECODER,
    GstVideoDecoder)

/**
 * GstDmaResvDecoderClass:
 * @device: the device of this element.
 * @sink_caps: what ACCEPT_CAPS says yes to, which may be less than the pad template.
 * @coded_format: V4L2_PIX_FMT_* of the OUTPUT queue.
 * @mode_controls: how the codec hands over its jobs (decode mode, start code).
 * @codec: the codec core.
 * @set_format: tells the core what the sink caps say, @s and their codec_data (NULL if they have
 *   none).  NULL where all that
 *   matters is in the frames.
 *
 * They are set in the subclass's class_init and live as long as the class.
 */
struct _GstDmaResvDecoderClass
{
  GstVideoDecoderClass parent_class;

  const V4l2DeviceInfo *device;
  GstCaps *sink_caps;
  guint32 coded_format;
  const V4l2Control *mode_controls;
  guint n_mode_controls;
  const CodecCore *codec;
  gboolean (*set_format) (gpointer codec, const GstStructure * s, const guint8 * codec_data,
      gsize size, GError ** error);
};

/*
 * Registers one element per device that takes @coded_format: "dmaresv<codec>dec" for the first,
 * "dmaresv<node><codec>dec" for later ones; their types are "GstDmaResv[<node>]<codec_type>Dec".
 * Where the caps have the field "codec-alpha", "dmaresv[<node>]<codec>alphadecodebin" comes with
 * each (gstdmaresvalphadecodebin.h); the pad template leaves the field out.  @make_caps gives the sink caps (transfer full, NULL
 * skips the device) from the opened device.  Returns TRUE also when there is no device.
 */
typedef struct
{
  V4l2DeviceInfo *device;
  GstCaps *sink_caps;
  GstCaps *src_caps;
  gboolean first;
} GstDmaResvDecoderClassData;

typedef GstCaps *(*GstDmaResvDecoderCapsFunc) (DecDevice * device);

gboolean gst_dmaresv_decoder_register (GstPlugin * plugin, const gchar * codec,
    const gchar * codec_type, guint32 coded_format, GClassInitFunc class_init,
    GstDmaResvDecoderCapsFunc make_caps);

/* A profile's number in V4L2's menu, and its name in the caps. */
typedef struct
{
  gint64 v4l2;
  const gchar *name;
} GstDmaResvProfile;

/* For @make_caps: whether the driver knows every mode of @modes (menu controls with gint32 values),
 * with a warning that says which device does not. */
gboolean gst_dmaresv_decoder_has_modes (DecDevice * device, const V4l2Control * modes,
    guint n_modes);
/* For @make_caps: sets the caps' "profile" to those of @profiles that the menu control @menu has.
 * FALSE, with a warning, when it has none. */
gboolean gst_dmaresv_decoder_set_profiles (GstCaps * caps, DecDevice * device, guint32 menu,
    const GstDmaResvProfile * profiles, guint n_profiles);

/* For @make_caps: one structure for each bit depth that the driver decodes, with its
 * "chroma-format", "bit-depth-luma" and "bit-depth-chroma" as h264parse and h265parse name them.
 * FALSE when there is none. */
gboolean gst_dmaresv_decoder_set_depths (GstCaps ** caps, DecDevice * device,
    guint32 coded_format);

/* For @make_caps: width and height that the driver takes for @coded_format. @exact: the coded size
 * has to be one of its sizes; otherwise smaller ones are decoded into its smallest. */
void     gst_dmaresv_decoder_set_sizes (GstCaps * caps, DecDevice * device, guint32 coded_format,
    gboolean exact);

/* Pad templates, metadata and the device, from what gst_dmaresv_decoder_register() gave to the
 * subclass's class_init as class_data. @codec_name: as a user reads it, "H.264". */
void     gst_dmaresv_decoder_class_setup (GstDmaResvDecoderClass * klass,
    GstDmaResvDecoderClassData * data, const gchar * codec_name);

G_END_DECLS
#endif
