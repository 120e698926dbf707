/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding video hardware.  Node numbers move between boots, so decoders are
 * found by the media topology (MEDIA_IOC_G_TOPOLOGY: an entity with function
 * MEDIA_ENT_F_PROC_VIDEO_DECODER and the V4L interfaces linked to it), and
 * converters without a media device by VIDIOC_QUERYCAP's driver name.
 */
#ifndef V4L2_MEDIA_H
#define V4L2_MEDIA_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *media_path;            /* NULL where the driver has no media device */
  gchar *video_path;
  gchar *driver;                /* v4l2_capability.driver: "rkvdec", "hantro-vpu", "rockchip-rga" */
  gchar *card;                  /* v4l2_capability.card */
  gchar *bus_info;              /* v4l2_capability.bus_info: stable over boots */
  guint32 device_caps;          /* V4L2_CAP_* */
} V4l2DeviceInfo;

V4l2DeviceInfo *v4l2_device_info_copy (const V4l2DeviceInfo * info);
void            v4l2_device_info_free (V4l2DeviceInfo * info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (V4l2DeviceInfo, v4l2_device_info_free)

/* Both: transfer full, elements V4l2DeviceInfo, sorted by video_path; empty, never NULL. */
GPtrArray *v4l2_media_find_decoders (void);
GPtrArray *v4l2_media_find_m2m (const gchar * driver);

G_END_DECLS
#endif
