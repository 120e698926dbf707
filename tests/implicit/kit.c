/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "kit.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <gst/video/video.h>

#include "gstdmafencemeta.h"

/* drivers/dma-buf/sw_sync.c has no uAPI header */
struct sw_sync_create_fence_data
{
  guint32 value;
  gchar name[32];
  gint32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR ('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW ('W', 1, guint32)

static GstPadProbeReturn
answer_allocation (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);

  (void) pad;
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  if (user_data)
    gst_query_add_allocation_meta (query, GST_DMA_FENCE_META_API_TYPE, NULL);

  return GST_PAD_PROBE_HANDLED;
}

void
sink_prepare (GstElement * sink, gboolean early)
{
  GstPad *pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer_allocation,
      GINT_TO_POINTER (early), NULL);
  gst_object_unref (pad);
}

GstElement *
pipeline_new (const gchar * description, const gchar * sink_options)
{
  g_autofree gchar *text = g_strdup_printf ("%s ! fakesink name=sink enable-last-sample=false %s",
      description, sink_options);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  if (error) {
    g_printerr ("%s: %s\n", text, error->message);
    gst_clear_object (&pipeline);
  }

  return pipeline;
}

gchar *
pipeline_wait (GstElement * pipeline, GstClockTime timeout)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, timeout,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;

  if (!message)
    return g_strdup ("it hangs: neither EOS nor an error");
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    return NULL;
  gst_message_parse_error (message, &error, &debug);

  return g_strdup_printf ("%s: %s (%s)", GST_MESSAGE_SRC_NAME (message), error->message,
      debug ? debug : "");
}

gboolean
pipeline_end (GstElement * pipeline, GstClockTime bound)
{
  GstClockTime start = gst_util_get_timestamp ();
  gboolean ret = gst_element_set_state (pipeline, GST_STATE_NULL) == GST_STATE_CHANGE_SUCCESS;

  gst_object_unref (pipeline);

  return ret && gst_util_get_timestamp () - start <= bound;
}

guint64
stat_of (GstElement * pipeline, const gchar * name, const gchar * field)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstStructure *stats = NULL;
  guint64 value = 0;

  if (!element || !g_object_class_find_property (G_OBJECT_GET_CLASS (element), "stats"))
    return 0;
  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, field, &value);
  gst_structure_free (stats);

  return value;
}

guint
count_fds (void)
{
  GDir *dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (dir && g_dir_read_name (dir))
    n++;
  if (dir)
    g_dir_close (dir);

  return n;
}

gint
timeline_new (void)
{
  return open ("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
}

gint
timeline_fence (gint timeline, guint32 value)
{
  struct sw_sync_create_fence_data data = {.value = value,.name = "reader",.fence = -1 };

  return ioctl (timeline, SW_SYNC_IOC_CREATE_FENCE, &data) == 0 ? data.fence : -1;
}

void
timeline_advance (gint timeline, guint32 by)
{
  if (ioctl (timeline, SW_SYNC_IOC_INC, &by) != 0)
    g_error ("SW_SYNC_IOC_INC failed");
}
