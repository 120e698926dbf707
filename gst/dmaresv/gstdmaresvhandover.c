/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SECTION:gstdmaresvhandover
 * @title: early hand-over
 * @short_description: when a buffer may leave before its job is done
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvhandover.h"

#include <unistd.h>

#include <gst/allocators/allocators.h>

#include "gstdmafence.h"

GST_DEBUG_CATEGORY_STATIC (hand_over_debug);
#define GST_CAT_DEFAULT hand_over_debug

/*
 * For the tests: hands over without proof, which a kernel that publishes no
 * fences turns into wrong pictures. It shows that the tests would notice.
 */
#define UNPROVEN_ENV "GST_DMARESV_TEST_UNPROVEN"

/* Elements that pass buffers on as they are, whose one source pad leads to who reads them. */
static const gchar *const transparent[] = { "queue", "queue2", "capsfilter", "identity", NULL };

/* Sinks that leave reading to the kernel, which waits for implicit fences
 * (drm_gem_plane_helper_prepare_fb()). Where one falls back to the CPU, mapping our memory waits as
 * well. */
static const gchar *const respectful[] = { "kmssink", NULL };

/* The same, where a GPU reads: its kernel driver waits. A GL in software maps the dma-buf itself, and
 * waits for nothing. */
static const gchar *const respectful_gpu[] = { "waylandsink", "glupload", NULL };

/* Drivers that have a render node, but no GPU behind it. */
static const gchar *const no_gpu[] = { "vgem", "vkms", "faux_driver", NULL };

static void
hand_over_init_debug (void)
{
  static gsize done = 0;

  if (g_once_init_enter (&done)) {
    GST_DEBUG_CATEGORY_INIT (hand_over_debug, "dmaresvhandover", 0,
        "hand-over of unfinished buffers");
    g_once_init_leave (&done, 1);
  }
}

GType
gst_dmaresv_hand_over_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
      {GST_DMARESV_HAND_OVER_AUTO,
          "Early where downstream is known to respect implicit fences", "auto"},
      {GST_DMARESV_HAND_OVER_FINISHED, "Never before the job is done", "finished"},
      {GST_DMARESV_HAND_OVER_EARLY, "Early whatever is downstream, where a fence was seen",
          "early"},
      {0, NULL, NULL}
    };
    GType new_type = g_enum_register_static ("GstDmaResvHandOver", values);

    g_once_init_leave (&type, new_type);
  }

  return type;
}

GParamSpec *
gst_dmaresv_hand_over_param_spec (void)
{
  return g_param_spec_enum ("hand-over", "Hand-over",
      "When frames leave, where the kernel publishes fences", GST_TYPE_DMARESV_HAND_OVER,
      GST_DMARESV_HAND_OVER_AUTO,
      G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY | G_PARAM_STATIC_STRINGS);
}

/* Through ghost pads to the pad of a real element. (transfer full, nullable) */
static GstPad *
real_peer (GstPad * srcpad)
{
  GstPad *pad = gst_pad_get_peer (srcpad);

  while (pad && GST_IS_PROXY_PAD (pad)) {
    GstPad *next;

    if (GST_IS_GHOST_PAD (pad)) {
      next = gst_ghost_pad_get_target (GST_GHOST_PAD (pad));
    } else {
      GstProxyPad *ghost = gst_proxy_pad_get_internal (GST_PROXY_PAD (pad));

      next = ghost ? gst_pad_get_peer (GST_PAD (ghost)) : NULL;
      gst_clear_object (&ghost);
    }
    gst_object_unref (pad);
    pad = next;
  }

  return pad;
}

/* Whether there is a GPU: a render node of a driver that is more than memory. */
static gboolean
have_gpu (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/sys/class/drm", 0, NULL);
  const gchar *node;

  while (dir && (node = g_dir_read_name (dir))) {
    g_autofree gchar *link = g_build_filename ("/sys/class/drm", node, "device", "driver", NULL);
    g_autofree gchar *driver = NULL, *name = NULL;

    if (!g_str_has_prefix (node, "renderD") || !(driver = g_file_read_link (link, NULL)))
      continue;
    name = g_path_get_basename (driver);
    if (!g_strv_contains (no_gpu, name))
      return TRUE;
  }

  return FALSE;
}

/* Whether the reader behind @srcpad is one of those known. */
static gboolean
reader_is_respectful (GstPad * srcpad)
{
  GstPad *src = gst_object_ref (srcpad);
  gboolean ret = FALSE;
  guint steps;

  /* Bounded: a loop of queues is somebody's mistake, not ours to follow. */
  for (steps = 0; src && steps < 16; steps++) {
    GstPad *sink = real_peer (src);
    GstElement *element = sink ? gst_pad_get_parent_element (sink) : NULL;
    GstElementFactory *factory = element ? gst_element_get_factory (element) : NULL;
    const gchar *name = factory ? GST_OBJECT_NAME (factory) : NULL;

    gst_clear_object (&src);
    if (name && (g_strv_contains (respectful, name) || (g_strv_contains (respectful_gpu, name)
                && have_gpu ())))
      ret = TRUE;
    else if (name && g_strv_contains (transparent, name))
      src = gst_element_get_static_pad (element, "src");
    gst_clear_object (&sink);
    gst_clear_object (&element);
  }
  gst_clear_object (&src);

  return ret;
}

/**
 * gst_dmaresv_hand_over_allowed:
 * @mode: what the user wants
 * @srcpad: where the buffers leave
 * @allocation: (nullable): the allocation query that downstream has answered
 *
 * An element that knows implicit fences says so with an allocation meta of
 * %GST_DMA_FENCE_META_API_TYPE; of some that cannot say it, it is known.
 *
 * Returns: whether unfinished buffers may be pushed
 */
gboolean
gst_dmaresv_hand_over_allowed (GstDmaResvHandOver mode, GstPad * srcpad, GstQuery * allocation)
{
  gboolean ret = FALSE;

  hand_over_init_debug ();
  if (mode == GST_DMARESV_HAND_OVER_EARLY)
    ret = TRUE;
  else if (mode == GST_DMARESV_HAND_OVER_AUTO)
    ret = (allocation && gst_query_find_allocation_meta (allocation, GST_DMA_FENCE_META_API_TYPE,
            NULL)) || reader_is_respectful (srcpad);
  GST_DEBUG_OBJECT (srcpad, "unfinished buffers %s be handed over", ret ? "may" : "may not");

  return ret;
}

/* -1: nothing is pending there. */
static gint
export_pending (gint dmabuf_fd)
{
  GstDmaFenceInfo info;
  gint fd = gst_dma_fence_export (dmabuf_fd, GST_DMA_ACCESS_READ, NULL);

  if (fd < 0)
    return -1;
  if (!gst_dma_fence_get_info (fd, &info, NULL) || (info.status != 0 && !g_getenv (UNPROVEN_ENV))) {
    close (fd);
    return -1;
  }
  GST_DEBUG ("dma-buf %d: sync_file %d is pending (%s/%s)", dmabuf_fd, fd, info.driver,
      info.timeline);

  return fd;
}

/**
 * gst_dmaresv_hand_over_prove:
 * @buffer: a buffer whose job has been queued
 *
 * Looks, without waiting, whether a writer's fence is pending on each dma-buf of
 * @buffer.  Whoever queued the job must have made sure before that no earlier
 * fence is left (as #GstDmaResvPool does); then it is the job's own.
 *
 * Returns: (transfer full) (nullable): the fence to keep, or %NULL
 */
GstDmaFenceState *
gst_dmaresv_hand_over_prove (GstBuffer * buffer)
{
  guint i, n = gst_buffer_n_memory (buffer);
  gint all = -1;

  hand_over_init_debug ();
  for (i = 0; i < n; i++) {
    GstMemory *mem = gst_buffer_peek_memory (buffer, i);
    gint fd = gst_is_dmabuf_memory (mem) ? export_pending (gst_dmabuf_memory_get_fd (mem)) : -1;

    if (!gst_dma_fence_collect (&all, fd, NULL))
      return NULL;
  }

  return all >= 0 ? gst_dma_fence_state_new (all) : NULL;
}
