/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media.h"

#include <errno.h>
#include <linux/media.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "v4l2-ioctl.h"

#define GST_CAT_DEFAULT v4l2_debug_category ()

V4l2DeviceInfo *
v4l2_device_info_copy (const V4l2DeviceInfo * info)
{
  V4l2DeviceInfo *copy = g_new0 (V4l2DeviceInfo, 1);

  copy->media_path = g_strdup (info->media_path);
  copy->video_path = g_strdup (info->video_path);
  copy->driver = g_strdup (info->driver);
  copy->card = g_strdup (info->card);
  copy->bus_info = g_strdup (info->bus_info);
  copy->device_caps = info->device_caps;
  return copy;
}

void
v4l2_device_info_free (V4l2DeviceInfo * info)
{
  if (!info)
    return;
  g_free (info->media_path);
  g_free (info->video_path);
  g_free (info->driver);
  g_free (info->card);
  g_free (info->bus_info);
  g_free (info);
}

/* video2 before video10: the shorter path first. */
static gint
compare_paths (const gchar * a, const gchar * b)
{
  gsize la = strlen (a), lb = strlen (b);

  return la != lb ? (la < lb ? -1 : 1) : strcmp (a, b);
}

static gint
compare_path_items (gconstpointer a, gconstpointer b)
{
  return compare_paths (*(const gchar * const *) a, *(const gchar * const *) b);
}

static gint
compare_infos (gconstpointer a, gconstpointer b)
{
  return compare_paths ((*(const V4l2DeviceInfo * const *) a)->video_path,
      (*(const V4l2DeviceInfo * const *) b)->video_path);
}

/* The nodes /dev/<prefix>N, sorted. */
static GPtrArray *
list_nodes (const gchar * prefix)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open ("/dev", 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    if (g_str_has_prefix (name, prefix) && g_ascii_isdigit (name[strlen (prefix)]))
      g_ptr_array_add (paths, g_build_filename ("/dev", name, NULL));
  }
  g_ptr_array_sort (paths, compare_path_items);
  return paths;
}

/* What VIDIOC_QUERYCAP says of @path, or NULL where it is no streaming mem2mem node. */
static V4l2DeviceInfo *
query_video_node (const gchar * path, const gchar * media_path)
{
  struct v4l2_capability cap = { 0 };
  g_autoptr (GError) error = NULL;
  V4l2DeviceInfo *info;
  guint32 caps;
  gint fd;

  fd = v4l2_node_open (path, &error);
  if (fd < 0) {
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
      GST_WARNING ("%s (is the user in the group that owns it?)", error->message);
    return NULL;
  }
  if (!V4L2_IOCTL (fd, path, VIDIOC_QUERYCAP, &cap, NULL)) {
    v4l2_node_close (&fd);
    return NULL;
  }
  v4l2_node_close (&fd);

  caps = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;
  if (!(caps & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE)) || !(caps & V4L2_CAP_STREAMING))
    return NULL;

  info = g_new0 (V4l2DeviceInfo, 1);
  info->media_path = g_strdup (media_path);
  info->video_path = g_strdup (path);
  info->driver = g_strndup ((const gchar *) cap.driver, sizeof (cap.driver));
  info->card = g_strndup ((const gchar *) cap.card, sizeof (cap.card));
  info->bus_info = g_strndup ((const gchar *) cap.bus_info, sizeof (cap.bus_info));
  info->device_caps = caps;
  return info;
}

typedef struct
{
  struct media_v2_topology counts;
  struct media_v2_entity *entities;
  struct media_v2_interface *interfaces;
  struct media_v2_pad *pads;
  struct media_v2_link *links;
} Topology;

static void
topology_clear (Topology * t)
{
  g_clear_pointer (&t->entities, g_free);
  g_clear_pointer (&t->interfaces, g_free);
  g_clear_pointer (&t->pads, g_free);
  g_clear_pointer (&t->links, g_free);
  memset (&t->counts, 0, sizeof (t->counts));
}

/* MEDIA_IOC_G_TOPOLOGY is asked twice, for the numbers and for the objects; ENOSPC says that the
 * graph grew in between. */
static gboolean
topology_read (Topology * t, gint fd, const gchar * path)
{
  guint tries;

  for (tries = 0; tries < 4; tries++) {
    topology_clear (t);
    if (!V4L2_IOCTL (fd, path, MEDIA_IOC_G_TOPOLOGY, &t->counts, NULL))
      return FALSE;

    t->entities = g_new0 (struct media_v2_entity, t->counts.num_entities);
    t->interfaces = g_new0 (struct media_v2_interface, t->counts.num_interfaces);
    t->pads = g_new0 (struct media_v2_pad, t->counts.num_pads);
    t->links = g_new0 (struct media_v2_link, t->counts.num_links);
    t->counts.ptr_entities = (guintptr) t->entities;
    t->counts.ptr_interfaces = (guintptr) t->interfaces;
    t->counts.ptr_pads = (guintptr) t->pads;
    t->counts.ptr_links = (guintptr) t->links;

    if (V4L2_IOCTL (fd, path, MEDIA_IOC_G_TOPOLOGY, &t->counts, NULL))
      return TRUE;
    if (errno != ENOSPC)
      return FALSE;
  }
  return FALSE;
}

static guint32
topology_pad_entity (const Topology * t, guint32 pad_id)
{
  guint i;

  for (i = 0; i < t->counts.num_pads; i++) {
    if (t->pads[i].id == pad_id)
      return t->pads[i].entity_id;
  }
  return 0;
}

/* Whether @entity has an interface link from @interface. */
static gboolean
topology_drives (const Topology * t, guint32 interface, guint32 entity)
{
  guint i;

  for (i = 0; i < t->counts.num_links; i++) {
    const struct media_v2_link *link = &t->links[i];

    if ((link->flags & MEDIA_LNK_FL_LINK_TYPE) == MEDIA_LNK_FL_INTERFACE_LINK
        && link->source_id == interface && link->sink_id == entity)
      return TRUE;
  }
  return FALSE;
}

/* Whether @interface drives @decoder, or an IO entity whose pads are linked to it: a mem2mem
 * device is source -> decoder -> sink, and the video node is linked to source and sink. */
static gboolean
topology_reaches (const Topology * t, guint32 interface, guint32 decoder)
{
  guint i;

  if (topology_drives (t, interface, decoder))
    return TRUE;

  for (i = 0; i < t->counts.num_links; i++) {
    const struct media_v2_link *link = &t->links[i];
    guint32 from, to;

    if ((link->flags & MEDIA_LNK_FL_LINK_TYPE) != MEDIA_LNK_FL_DATA_LINK)
      continue;
    from = topology_pad_entity (t, link->source_id);
    to = topology_pad_entity (t, link->sink_id);
    if ((to == decoder && topology_drives (t, interface, from))
        || (from == decoder && topology_drives (t, interface, to)))
      return TRUE;
  }
  return FALSE;
}

/* The /dev/videoN with this device number; transfer full. */
static gchar *
find_video_path (guint32 major, guint32 minor)
{
  g_autoptr (GPtrArray) paths = list_nodes ("video");
  guint i;

  for (i = 0; i < paths->len; i++) {
    const gchar *path = g_ptr_array_index (paths, i);
    struct stat st;

    if (stat (path, &st) == 0 && S_ISCHR (st.st_mode) && st.st_rdev == makedev (major, minor))
      return g_strdup (path);
  }
  return NULL;
}

static gboolean
have_video_path (const GPtrArray * infos, const gchar * path)
{
  guint i;

  for (i = 0; i < infos->len; i++) {
    const V4l2DeviceInfo *info = g_ptr_array_index (infos, i);

    if (strcmp (info->video_path, path) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
add_interface (GPtrArray * infos, const Topology * t, guint interface, const gchar * media_path)
{
  const struct media_v2_intf_devnode *node = &t->interfaces[interface].devnode;
  g_autofree gchar *path = find_video_path (node->major, node->minor);
  V4l2DeviceInfo *info;

  if (!path) {
    GST_WARNING ("%s: no /dev/video* has the device number %u:%u", media_path, node->major,
        node->minor);
    return;
  }
  if (have_video_path (infos, path))
    return;
  info = query_video_node (path, media_path);
  if (info)
    g_ptr_array_add (infos, info);
}

static void
add_decoders (GPtrArray * infos, const Topology * t, const gchar * media_path)
{
  guint e, i;

  for (e = 0; e < t->counts.num_entities; e++) {
    if (t->entities[e].function != MEDIA_ENT_F_PROC_VIDEO_DECODER)
      continue;
    for (i = 0; i < t->counts.num_interfaces; i++) {
      if (t->interfaces[i].intf_type == MEDIA_INTF_T_V4L_VIDEO
          && topology_reaches (t, t->interfaces[i].id, t->entities[e].id))
        add_interface (infos, t, i, media_path);
    }
  }
}

/**
 * v4l2_media_find_decoders:
 *
 * Every video node behind an entity MEDIA_ENT_F_PROC_VIDEO_DECODER of any media device.
 *
 * Returns: (transfer full): V4l2DeviceInfo items sorted by video_path; empty where there is none.
 */
GPtrArray *
v4l2_media_find_decoders (void)
{
  GPtrArray *infos = g_ptr_array_new_with_free_func ((GDestroyNotify) v4l2_device_info_free);
  g_autoptr (GPtrArray) nodes = list_nodes ("media");
  guint i;

  for (i = 0; i < nodes->len; i++) {
    const gchar *path = g_ptr_array_index (nodes, i);
    g_autoptr (GError) error = NULL;
    Topology topology = { 0 };
    gint fd = v4l2_node_open (path, &error);

    if (fd < 0) {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
        GST_WARNING ("%s (is the user in the group that owns it?)", error->message);
      continue;
    }
    if (topology_read (&topology, fd, path))
      add_decoders (infos, &topology, path);
    topology_clear (&topology);
    v4l2_node_close (&fd);
  }

  g_ptr_array_sort (infos, compare_infos);
  GST_INFO ("%u decoder nodes", infos->len);
  return infos;
}

/**
 * v4l2_media_find_m2m:
 * @driver: v4l2_capability.driver, or %NULL for all
 *
 * Every mem2mem video node of a driver, with or without a media device (media_path is %NULL).
 *
 * Returns: (transfer full): V4l2DeviceInfo items sorted by video_path; empty where there is none.
 */
GPtrArray *
v4l2_media_find_m2m (const gchar * driver)
{
  GPtrArray *infos = g_ptr_array_new_with_free_func ((GDestroyNotify) v4l2_device_info_free);
  g_autoptr (GPtrArray) nodes = list_nodes ("video");
  guint i;

  for (i = 0; i < nodes->len; i++) {
    V4l2DeviceInfo *info = query_video_node (g_ptr_array_index (nodes, i), NULL);

    if (info && (!driver || strcmp (info->driver, driver) == 0))
      g_ptr_array_add (infos, info);
    else
      v4l2_device_info_free (info);
  }

  g_ptr_array_sort (infos, compare_infos);
  GST_INFO ("%u mem2mem nodes of the driver %s", infos->len, driver ? driver : "(any)");
  return infos;
}
