/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dmaresv-probe: which video hardware of this machine the plugin can use.
 * Exit status 0 when there is a stateless decoder or an RGA, 1 when not.
 */
#include <stdio.h>
#include <gst/gst.h>
#include <linux/videodev2.h>

#include "m2m.h"

static void
print_formats (V4l2M2m * m2m, V4l2M2mDir dir, const gchar * name)
{
  guint32 fourcc;

  g_print ("  %s:", name);
  for (guint i = 0; v4l2_m2m_enum_format (m2m, dir, i, &fourcc); i++)
    g_print (" %" GST_FOURCC_FORMAT, GST_FOURCC_ARGS (fourcc & ~(1u << 31)));
  g_print ("\n");
}

static void
print_device (const V4l2DeviceInfo * info, const gchar * what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (V4l2M2m) m2m = NULL;

  g_print ("%s %s (%s, %s) at %s%s%s\n", what, info->driver, info->card,
      info->bus_info, info->video_path, info->media_path ? ", " : "",
      info->media_path ? info->media_path : "");
  m2m = v4l2_m2m_open (info, &error);
  if (!m2m) {
    g_print ("  cannot be opened: %s\n", error->message);
    return;
  }
  print_formats (m2m, V4L2_M2M_OUTPUT, "takes");
  print_formats (m2m, V4L2_M2M_CAPTURE, "gives");
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) decoders = NULL;
  g_autoptr (GPtrArray) converters = NULL;

  gst_init (&argc, &argv);
  decoders = v4l2_media_find_decoders ();
  converters = v4l2_media_find_m2m ("rockchip-rga");
  for (guint i = 0; i < decoders->len; i++)
    print_device (g_ptr_array_index (decoders, i), "decoder");
  for (guint i = 0; i < converters->len; i++)
    print_device (g_ptr_array_index (converters, i), "converter");
  if (decoders->len + converters->len == 0) {
    g_print ("no V4L2 stateless decoder and no RGA on this machine\n");
    return 1;
  }
  return 0;
}
