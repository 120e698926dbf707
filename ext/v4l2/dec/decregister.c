/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One element per device: what it may be called, and what its pad templates
 * say, are the driver's answers at registration.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/dmaresv/gstdmaresvcaps.h>

#include "../media.h"
#include "decformat.h"
#include "gstdmaresvalphadecodebin.h"
#include "gstdmaresvdecoder.h"

GST_DEBUG_CATEGORY_STATIC (dec_register_debug);
#define GST_CAT_DEFAULT dec_register_debug

#define DECODER_RANK (GST_RANK_PRIMARY + 2)

static gboolean
has_coded_format (V4l2M2m * m2m, guint32 coded_format)
{
  guint32 fourcc;
  guint i;

  for (i = 0; v4l2_m2m_enum_format (m2m, V4L2_M2M_OUTPUT, i, &fourcc); i++) {
    if (fourcc == coded_format)
      return TRUE;
  }
  return FALSE;
}

static GstCaps *
probe_src_caps (DecDevice * device, guint32 coded_format)
{
  GstVideoFormat formats[DEC_FORMAT_MAX];

  dec_format_probe_all (device, coded_format, formats);
  return formats[0] != GST_VIDEO_FORMAT_UNKNOWN ? gst_dmaresv_caps_template (formats) : NULL;
}

static void
set_range (GstCaps * caps, const gchar * field, guint min, guint max, guint step)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (min >= max) {
    gst_caps_set_simple (caps, field, G_TYPE_INT, (gint) max, NULL);
    return;
  }
  step = MAX (step, 1);
  /* GStreamer's stepped ranges start and end at multiples of the step. */
  if (min % step || max % step)
    step = 1;
  g_value_init (&value, GST_TYPE_INT_RANGE);
  gst_value_set_int_range_step (&value, min, max, step);
  gst_caps_set_value (caps, field, &value);
}

/* VIDIOC_ENUM_FRAMESIZES of the coded format.  A stateless decoder takes every size in between:
 * the stream's crop makes any number of pixels out of whole blocks, so the step is not applied to
 * the coded caps' (cropped) size. */
void
gst_dmaresv_decoder_set_sizes (GstCaps * caps, DecDevice * device, guint32 coded_format,
    gboolean exact)
{
  V4l2M2m *m2m = dec_device_get_m2m (device);
  struct v4l2_frmsizeenum size;
  guint i, max_width = 0, max_height = 0, min_width = 1, min_height = 1;

  for (i = 0; v4l2_m2m_enum_frame_size (m2m, coded_format, i, &size); i++) {
    if (size.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
      max_width = MAX (max_width, size.discrete.width);
      max_height = MAX (max_height, size.discrete.height);
    } else {
      max_width = MAX (max_width, size.stepwise.max_width);
      max_height = MAX (max_height, size.stepwise.max_height);
      if (exact) {
        min_width = size.stepwise.min_width - MIN (size.stepwise.min_width,
            size.stepwise.step_width) + 1;
        min_height = size.stepwise.min_height - MIN (size.stepwise.min_height,
            size.stepwise.step_height) + 1;
      }
      break;
    }
  }
  if (max_width && max_height) {
    set_range (caps, "width", min_width, max_width, 1);
    set_range (caps, "height", min_height, max_height, 1);
  }
}

static GstDmaResvDecoderClassData *
probe_device (const V4l2DeviceInfo * info, guint32 coded_format,
    GstDmaResvDecoderCapsFunc make_caps)
{
  GstDmaResvDecoderClassData *data = NULL;
  g_autoptr (GError) err = NULL;
  g_autoptr (GstCaps) sink_caps = NULL;
  g_autoptr (GstCaps) src_caps = NULL;
  DecDevice *device;

  if (!(device = dec_device_open (info, coded_format, &err))) {
    GST_WARNING ("%s", err->message);
    return NULL;
  }
  if (!has_coded_format (dec_device_get_m2m (device), coded_format)) {
    GST_INFO ("%s (%s) does not take %" GST_FOURCC_FORMAT, info->video_path, info->driver,
        GST_FOURCC_ARGS (coded_format));
  } else if (!(src_caps = probe_src_caps (device, coded_format))) {
    GST_INFO ("%s (%s) decodes to no known format", info->video_path, info->driver);
  } else if ((sink_caps = make_caps (device))) {
    sink_caps = gst_caps_make_writable (sink_caps);
    if (!gst_structure_has_field (gst_caps_get_structure (sink_caps, 0), "width"))
      gst_dmaresv_decoder_set_sizes (sink_caps, device, coded_format, FALSE);
    data = g_new0 (GstDmaResvDecoderClassData, 1);
    data->device = v4l2_device_info_copy (info);
    data->sink_caps = g_steal_pointer (&sink_caps);
    data->src_caps = g_steal_pointer (&src_caps);
    /* Class data of a type that is never unloaded. */
    GST_MINI_OBJECT_FLAG_SET (data->sink_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
    GST_MINI_OBJECT_FLAG_SET (data->src_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
  }
  dec_device_close (device);
  return data;
}

/* A codec whose streams may have an alpha channel beside them has to say that it takes none. */
static gboolean
has_alpha (const GstCaps * sink_caps)
{
  return gst_structure_has_field (gst_caps_get_structure (sink_caps, 0), "codec-alpha");
}

static gboolean
register_device (GstPlugin * plugin, const gchar * codec, const gchar * codec_type,
    GClassInitFunc class_init, GstDmaResvDecoderClassData * data)
{
  g_autofree gchar *node = g_path_get_basename (data->device->video_path);
  g_autofree gchar *type_prefix = NULL;
  g_autofree gchar *type_name = NULL;
  g_autofree gchar *prefix = NULL;
  g_autofree gchar *codec_name = NULL;
  g_autofree gchar *element = NULL;
  guint rank = DECODER_RANK;
  GTypeInfo info = {.class_size = sizeof (GstDmaResvDecoderClass),.class_init = class_init,
    .class_data = data
  };
  GTypeQuery query;
  GType type;

  if (data->first) {
    type_prefix = g_strdup_printf ("GstDmaResv%s", codec_type);
    prefix = g_strdup_printf ("dmaresv%s", codec);
  } else {
    type_prefix = g_strdup_printf ("GstDmaResv%s%s", node, codec_type);
    prefix = g_strdup_printf ("dmaresv%s%s", node, codec);
    /* Each further device ranks below the one before, so that autoplugging is stable. */
    rank--;
  }
  type_name = g_strconcat (type_prefix, "Dec", NULL);
  element = g_strconcat (prefix, "dec", NULL);
  g_type_query (GST_TYPE_DMARESV_DECODER, &query);
  info.instance_size = query.instance_size;
  type = g_type_register_static (GST_TYPE_DMARESV_DECODER, type_name, &info, 0);
  GST_INFO ("%s on %s (%s, %s)", element, data->device->video_path, data->device->driver,
      data->device->bus_info);
  if (!gst_element_register (plugin, element, rank, type))
    return FALSE;
  if (!has_alpha (data->sink_caps))
    return TRUE;
  codec_name = g_ascii_strup (codec, -1);
  return gst_dmaresv_alpha_decode_bin_register (plugin, prefix, type_prefix, codec_name,
      data->sink_caps, rank);
}

gboolean
gst_dmaresv_decoder_register (GstPlugin * plugin, const gchar * codec, const gchar * codec_type,
    guint32 coded_format, GClassInitFunc class_init, GstDmaResvDecoderCapsFunc make_caps)
{
  g_autoptr (GPtrArray) devices = NULL;
  gboolean first = TRUE, ret = TRUE;
  guint i;

  GST_DEBUG_CATEGORY_INIT (dec_register_debug, "dmaresvregister", 0,
      "Finding V4L2 stateless decoders");

  devices = v4l2_media_find_decoders ();
  for (i = 0; i < devices->len; i++) {
    GstDmaResvDecoderClassData *data;

    if (!(data = probe_device (g_ptr_array_index (devices, i), coded_format, make_caps)))
      continue;
    data->first = first;
    first = FALSE;
    ret &= register_device (plugin, codec, codec_type, class_init, data);
  }
  if (first)
    GST_INFO ("No element for %" GST_FOURCC_FORMAT ": none of %u stateless decoders that the media "
        "topology shows takes it", GST_FOURCC_ARGS (coded_format), devices->len);
  return ret;
}

gboolean
gst_dmaresv_decoder_has_modes (DecDevice * device, const V4l2Control * modes, guint n_modes)
{
  V4l2M2m *m2m = dec_device_get_m2m (device);
  guint i;

  for (i = 0; i < n_modes; i++) {
    if (!v4l2_m2m_has_menu_item (m2m, modes[i].id, *(const gint32 *) modes[i].data)) {
      GST_WARNING ("%s does not decode whole frames with start codes",
          v4l2_m2m_get_info (m2m)->video_path);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
gst_dmaresv_decoder_set_profiles (GstCaps * caps, DecDevice * device, guint32 menu,
    const GstDmaResvProfile * profiles, guint n_profiles)
{
  V4l2M2m *m2m = dec_device_get_m2m (device);
  g_auto (GValue) list = G_VALUE_INIT;
  guint i;

  g_value_init (&list, GST_TYPE_LIST);
  for (i = 0; i < n_profiles; i++) {
    g_auto (GValue) name = G_VALUE_INIT;

    if (!v4l2_m2m_has_menu_item (m2m, menu, profiles[i].v4l2))
      continue;
    g_value_init (&name, G_TYPE_STRING);
    g_value_set_static_string (&name, profiles[i].name);
    gst_value_list_append_value (&list, &name);
  }
  if (!gst_value_list_get_size (&list)) {
    GST_WARNING ("%s names no profile that is decoded here", v4l2_m2m_get_info (m2m)->video_path);
    return FALSE;
  }
  gst_caps_set_value (caps, "profile", &list);
  return TRUE;
}

void
gst_dmaresv_decoder_class_setup (GstDmaResvDecoderClass * klass,
    GstDmaResvDecoderClassData * data, const gchar * codec_name)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  g_autofree gchar *long_name = NULL;
  g_autofree gchar *description = NULL;
  g_autoptr (GstCaps) template_caps = gst_caps_copy (data->sink_caps);

  /* decodebin takes an element only where the stream's caps are a subset of the template, and
   * demuxers name the field only for streams that have alpha. */
  gst_structure_remove_field (gst_caps_get_structure (template_caps, 0), "codec-alpha");
  GST_MINI_OBJECT_FLAG_SET (template_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
  if (data->first)
    long_name = g_strdup_printf ("V4L2 stateless %s decoder with implicit sync", codec_name);
  else
    long_name = g_strdup_printf ("V4L2 stateless %s decoder with implicit sync (%s)", codec_name,
        data->device->video_path);
  description = g_strdup_printf ("Decodes %s on stateless V4L2 hardware (%s) into dma-bufs",
      codec_name, data->device->driver);
  gst_element_class_set_metadata (element_class, long_name, "Codec/Decoder/Video/Hardware",
      description, "The gst-dmaresv developers");
  gst_element_class_add_pad_template (element_class, gst_pad_template_new ("sink", GST_PAD_SINK,
          GST_PAD_ALWAYS, template_caps));
  gst_element_class_add_pad_template (element_class, gst_pad_template_new ("src", GST_PAD_SRC,
          GST_PAD_ALWAYS, data->src_caps));
  klass->device = data->device;
  klass->sink_caps = data->sink_caps;
}
