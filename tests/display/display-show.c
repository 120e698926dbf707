/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * display-show: plays a pipeline frame by frame and looks at what each one became on the display.
 *
 *   display-show --crc 'filesrc ... ! dmaresvh264dec ! rgaconvert ! kmssink driver-name=vkms'
 *       prints the checksums of what vkms scans out, one line for each that differs from the one
 *       before: whatever is visible for a refresh of the display shows, torn pictures included
 *   display-show --crc-of 'filesrc ... ! avdec_h264 ! videoconvert ! video/x-raw,format=BGRx'
 *       prints the checksum that vkms has to have for each frame of a pipeline without a sink
 *   display-show --each CMD '... ! waylandsink'
 *       runs CMD after each frame, with its number in $FRAME
 *   display-show --from SOURCE ... 'appsrc name=frames ! waylandsink'
 *       takes the frames of SOURCE, copies them into dma-bufs of the system heap, and shows those
 *
 * Exit status 0 when all frames were shown and looked at, 2 when not.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-heap.h>
#include <xf86drm.h>

#include <gst/allocators/gstdmabuf.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "gstdmaresvcaps.h"

#define CRC_FOLDER "/sys/kernel/debug/dri/vkms/crtc-0/crc/"
/* Refreshes that are looked at after each frame; each takes 17 ms. */
#define REFRESHES 2
/* How long vkms may take for one, in ms: it composes on the CPU. */
#define REFRESH_TIMEOUT 5000
/* rkvdec's lines are padded alike, so that consumers meet the same layout. */
#define HEAP_ALIGN 64

typedef struct
{
  GMainLoop *loop;
  GstElement *pipeline;
  GstElement *source;
  GstElement *frames;
  GstPadChainFunction chain;
  GstAllocator *dmabufs;
  gint heap;
  gint crc;
  gint card;
  gchar *last;
  guint shown;
  gboolean failed;
} Show;

static gboolean opt_crc = FALSE;
static gboolean opt_crc_of = FALSE;
static gchar *opt_each = NULL;
static gchar *opt_from = NULL;
static gint opt_frames = G_MAXINT;
static gint opt_timeout = 120;

static const GOptionEntry entries[] = {
  {"crc", 0, 0, G_OPTION_ARG_NONE, &opt_crc, "Print the checksums of what vkms scans out", NULL},
  {"crc-of", 0, 0, G_OPTION_ARG_NONE, &opt_crc_of, "Print what they have to be", NULL},
  {"each", 0, 0, G_OPTION_ARG_STRING, &opt_each, "A shell command after each frame", "CMD"},
  {"from", 0, 0, G_OPTION_ARG_STRING, &opt_from, "Where appsrc's frames come from", "PIPELINE"},
  {"frames", 0, 0, G_OPTION_ARG_INT, &opt_frames, "End after so many frames", "N"},
  {"timeout", 0, 0, G_OPTION_ARG_INT, &opt_timeout, "Seconds for everything (120)", "S"},
  {NULL}
};

static void
show_fail (Show * show, const gchar * what)
{
  g_printerr ("display-show: frame %u: %s\n", show->shown, what);
  show->failed = TRUE;
  g_main_loop_quit (show->loop);
}

/* crc32_le() of the kernel: no inversion at either end. */
static guint32
crc32_le (guint32 crc, const guint8 * data, gsize size)
{
  static guint32 table[256];

  if (!table[1]) {
    for (guint i = 0; i < 256; i++) {
      guint32 c = i;

      for (guint bit = 0; bit < 8; bit++)
        c = c & 1 ? (c >> 1) ^ 0xedb88320 : c >> 1;
      table[i] = c;
    }
  }
  for (gsize i = 0; i < size; i++)
    crc = (crc >> 8) ^ table[(crc ^ data[i]) & 0xff];

  return crc;
}

/* As vkms' blend() has it: lines of struct pixel_argb_u16, opaque. */
static guint32
crc_of_frame (const GstVideoFrame * frame)
{
  gint width = GST_VIDEO_FRAME_WIDTH (frame);
  g_autofree guint16 *line = g_new (guint16, width * 4);
  guint32 crc = 0;

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (frame); y++) {
    const guint8 *p = (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 0)
        + y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

    for (gint x = 0; x < width; x++, p += 4) {
      line[4 * x] = 0xffff;
      line[4 * x + 1] = GUINT16_TO_LE (p[2] * 257);
      line[4 * x + 2] = GUINT16_TO_LE (p[1] * 257);
      line[4 * x + 3] = GUINT16_TO_LE (p[0] * 257);
    }
    crc = crc32_le (crc, (const guint8 *) line, width * 8);
  }

  return crc;
}

/* CRCs exist only while the display is on, which the first frame does. */
static gboolean
crc_open (Show * show)
{
  gint control = open (CRC_FOLDER "control", O_WRONLY | O_CLOEXEC);
  gboolean set = control >= 0 && write (control, "auto", 4) == 4;

  if (control >= 0)
    close (control);
  if (set)
    show->crc = open (CRC_FOLDER "data", O_RDONLY | O_CLOEXEC);
  /* the sink has opened it before, and is the master */
  show->card = drmOpen ("vkms", NULL);
  if (show->crc < 0 || show->card < 0)
    show_fail (show, "no vkms, or no checksums at " CRC_FOLDER);

  return show->crc >= 0 && show->card >= 0;
}

/* The number of the refresh that the display is at, as the CRCs count them. */
static gboolean
crc_now (Show * show, guint32 * refresh)
{
  drmVBlank vblank = {.request = {.type = DRM_VBLANK_RELATIVE} };

  if (drmWaitVBlank (show->card, &vblank))
    return FALSE;
  *refresh = vblank.reply.sequence;

  return TRUE;
}

/* One line for each read: the number of the refresh, and its CRC. */
static gboolean
crc_read (Show * show, guint32 * refresh)
{
  struct pollfd pfd = {.fd = show->crc,.events = POLLIN };
  gchar text[256], crc[16];
  gssize n;

  if (poll (&pfd, 1, REFRESH_TIMEOUT) != 1 || (n = read (show->crc, text, sizeof text - 1)) <= 0)
    return FALSE;
  text[n] = 0;
  if (sscanf (text, "0x%x %15s", refresh, crc) != 2)
    return FALSE;
  if (g_strcmp0 (crc, show->last) != 0) {
    g_free (show->last);
    show->last = g_strdup (crc);
    g_print ("%s\n", crc);
  }

  return TRUE;
}

/* All refreshes since the last frame, up to those that are sure to show this one: vkms may lag. */
static gboolean
crc_watch (Show * show)
{
  guint32 shown, refresh;

  if ((show->crc < 0 && !crc_open (show)))
    return FALSE;
  if (!crc_now (show, &shown)) {
    show_fail (show, g_strerror (errno));
    return FALSE;
  }
  do {
    if (!crc_read (show, &refresh)) {
      show_fail (show, "the display does not refresh");
      return FALSE;
    }
  } while ((gint32) (refresh - shown) < REFRESHES);

  return TRUE;
}

static gboolean
run_command (Show * show)
{
  g_autofree gchar *number = g_strdup_printf ("%03u", show->shown);
  const gchar *argv[] = { "sh", "-c", opt_each, NULL };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) env = g_environ_setenv (g_get_environ (), "FRAME", number, TRUE);
  gint status;

  if (g_spawn_sync (NULL, (gchar **) argv, env, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
          &status, &error) && g_spawn_check_wait_status (status, &error))
    return TRUE;
  show_fail (show, error->message);

  return FALSE;
}

/* In place of the sink's own: what follows it sees exactly this frame on the display. */
static GstFlowReturn
show_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Show *show = g_object_get_data (G_OBJECT (pad), "display-show");
  GstFlowReturn ret = show->chain (pad, parent, buffer);

  if (ret != GST_FLOW_OK)
    return ret;
  if (show->shown >= (guint) opt_frames)
    return GST_FLOW_EOS;
  if ((opt_crc && !crc_watch (show)) || (opt_each && !run_command (show)))
    return GST_FLOW_ERROR;
  show->shown++;

  return GST_FLOW_OK;
}

static GstFlowReturn
print_crc (GstAppSink * sink, gpointer data)
{
  Show *show = data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstVideoInfo info;
  GstVideoFrame frame;

  if (!sample)
    return GST_FLOW_EOS;
  if (show->shown >= (guint) opt_frames)
    return GST_FLOW_EOS;
  if (!gst_dmaresv_caps_to_info (gst_sample_get_caps (sample), &info, NULL)
      || GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_BGRx
      || !gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ)) {
    show_fail (show, "no BGRx that can be mapped");
    return GST_FLOW_ERROR;
  }
  g_print ("0x%08x\n", crc_of_frame (&frame));
  gst_video_frame_unmap (&frame);
  show->shown++;

  return GST_FLOW_OK;
}

static GstMemory *
heap_memory (Show * show, gsize size)
{
  struct dma_heap_allocation_data data = {.len = size,.fd_flags = O_RDWR | O_CLOEXEC };

  if (show->heap < 0)
    show->heap = open ("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
  if (show->heap < 0 || ioctl (show->heap, DMA_HEAP_IOCTL_ALLOC, &data)) {
    show_fail (show, g_strerror (errno));
    return NULL;
  }

  return gst_dmabuf_allocator_alloc (show->dmabufs, data.fd, size);
}

/* (transfer full) (nullable) */
static GstBuffer *
heap_copy (Show * show, GstSample * sample, GstVideoInfo * info)
{
  GstBuffer *from = gst_sample_get_buffer (sample), *to = NULL;
  GstVideoAlignment align;
  GstVideoInfo layout = *info;
  GstVideoFrame src, dst;
  GstMemory *memory;

  gst_video_alignment_reset (&align);
  for (guint i = 0; i < GST_VIDEO_MAX_PLANES; i++)
    align.stride_align[i] = HEAP_ALIGN - 1;
  if (!gst_video_info_align (&layout, &align)
      || !(memory = heap_memory (show, layout.size)))
    return NULL;
  to = gst_buffer_new ();
  gst_buffer_append_memory (to, memory);
  gst_buffer_add_video_meta_full (to, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT (&layout),
      layout.width, layout.height, GST_VIDEO_INFO_N_PLANES (&layout), layout.offset, layout.stride);
  gst_buffer_copy_into (to, from, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  if (gst_video_frame_map (&src, info, from, GST_MAP_READ)) {
    if (gst_video_frame_map (&dst, &layout, to, GST_MAP_WRITE)) {
      gst_video_frame_copy (&dst, &src);
      gst_video_frame_unmap (&dst);
      gst_video_frame_unmap (&src);
      return to;
    }
    gst_video_frame_unmap (&src);
  }
  gst_buffer_unref (to);
  show_fail (show, "it cannot be copied");

  return NULL;
}

static GstFlowReturn
feed_frame (GstAppSink * sink, gpointer data)
{
  Show *show = data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GstPad) pad = NULL;
  GstVideoInfo info;
  GstBuffer *buffer;

  if (!sample)
    return GST_FLOW_EOS;
  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (sample))) {
    show_fail (show, "no video");
    return GST_FLOW_ERROR;
  }
  caps = gst_dmaresv_caps_from_info (&info, TRUE);
  pad = gst_element_get_static_pad (show->frames, "src");
  /* kmssink knows no such caps before 1.24, and imports dma-bufs all the same */
  if (!caps || !gst_pad_peer_query_accept_caps (pad, caps)) {
    gst_clear_caps (&caps);
    caps = gst_dmaresv_caps_from_info (&info, FALSE);
  }
  gst_app_src_set_caps (GST_APP_SRC (show->frames), caps);
  buffer = heap_copy (show, sample, &info);

  return buffer ? gst_app_src_push_buffer (GST_APP_SRC (show->frames), buffer) : GST_FLOW_ERROR;
}

static void
feed_eos (GstAppSink * sink, gpointer data)
{
  gst_app_src_end_of_stream (GST_APP_SRC (((Show *) data)->frames));
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer data)
{
  Show *show = data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    g_main_loop_quit (show->loop);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *debug = NULL;

    gst_message_parse_error (message, &error, &debug);
    g_printerr ("%s\n", debug ? debug : "");
    show_fail (show, error->message);
  }

  return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout (gpointer data)
{
  show_fail (data, "it takes too long");

  return G_SOURCE_REMOVE;
}

/* (transfer full) (nullable): a pipeline whose messages go to @show */
static GstElement *
make_pipeline (Show * show, const gchar * description, const gchar * end)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_strconcat (description, end, NULL);
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  g_autoptr (GstBus) bus = NULL;

  if (error || !GST_IS_BIN (pipeline)) {
    g_printerr ("display-show: %s\n", error ? error->message : "this is no pipeline");
    return NULL;
  }
  bus = gst_element_get_bus (pipeline);
  gst_bus_add_watch (bus, on_message, show);

  return g_steal_pointer (&pipeline);
}

/* (transfer full) (nullable): @description, with every frame given to @callback */
static GstElement *
make_source (Show * show, const gchar * description, const GstAppSinkCallbacks * callbacks)
{
  GstElement *pipeline = make_pipeline (show, description,
      " ! appsink name=out sync=false max-buffers=1");
  g_autoptr (GstElement) sink = NULL;

  if (pipeline) {
    sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
    gst_app_sink_set_callbacks (GST_APP_SINK (sink), (GstAppSinkCallbacks *) callbacks, show, NULL);
  }

  return pipeline;
}

static gboolean
watch_sink (Show * show)
{
  g_autoptr (GstIterator) sinks = gst_bin_iterate_sinks (GST_BIN (show->pipeline));
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GstPad) pad = NULL;

  if (gst_iterator_next (sinks, &value) == GST_ITERATOR_OK)
    pad = gst_element_get_static_pad (g_value_get_object (&value), "sink");
  if (!pad || !GST_PAD_CHAINFUNC (pad)) {
    g_printerr ("display-show: the pipeline has no sink to look at\n");
    return FALSE;
  }
  show->chain = GST_PAD_CHAINFUNC (pad);
  g_object_set_data (G_OBJECT (pad), "display-show", show);
  gst_pad_set_chain_function (pad, show_chain);

  return TRUE;
}

static gboolean
build (Show * show, const gchar * description)
{
  static const GstAppSinkCallbacks feed = {.eos = feed_eos,.new_sample = feed_frame };
  static const GstAppSinkCallbacks print = {.new_sample = print_crc };

  if (opt_crc_of)
    return (show->pipeline = make_source (show, description, &print)) != NULL;
  if (!(show->pipeline = make_pipeline (show, description, "")) || !watch_sink (show))
    return FALSE;
  if (!opt_from)
    return TRUE;
  show->frames = gst_bin_get_by_name (GST_BIN (show->pipeline), "frames");
  if (!GST_IS_APP_SRC (show->frames)) {
    g_printerr ("display-show: --from needs an appsrc name=frames\n");
    return FALSE;
  }
  g_object_set (show->frames, "format", GST_FORMAT_TIME, "block", TRUE, "max-bytes",
      (guint64) 1, NULL);
  show->dmabufs = gst_dmabuf_allocator_new ();

  return (show->source = make_source (show, opt_from, &feed)) != NULL;
}

static void
stop (GstElement ** pipeline)
{
  if (*pipeline)
    gst_element_set_state (*pipeline, GST_STATE_NULL);
  gst_clear_object (pipeline);
}

/* How many frames left before their job was done, where elements count them. */
static void
print_stats (Show * show)
{
  g_autoptr (GstIterator) it = gst_bin_iterate_recurse (GST_BIN (show->pipeline));
  g_auto (GValue) value = G_VALUE_INIT;

  while (gst_iterator_next (it, &value) == GST_ITERATOR_OK) {
    GObject *element = g_value_get_object (&value);
    g_autoptr (GstStructure) stats = NULL;
    g_autofree gchar *text = NULL;

    if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "hand-over")) {
      g_object_get (element, "stats", &stats, NULL);
      text = stats ? gst_structure_to_string (stats) : NULL;
      g_printerr ("%s: %s\n", GST_OBJECT_NAME (element), text ? text : "no statistics");
    }
    g_value_reset (&value);
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("PIPELINE");
  g_autoptr (GError) error = NULL;
  Show show = {.heap = -1,.crc = -1,.card = -1 };

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("%s\n", error ? error->message : "one pipeline is needed; see --help");
    return 2;
  }
  show.loop = g_main_loop_new (NULL, FALSE);
  show.failed = !build (&show, argv[1]);
  if (!show.failed) {
    g_timeout_add_seconds (opt_timeout, on_timeout, &show);
    gst_element_set_state (show.pipeline, GST_STATE_PLAYING);
    if (show.source)
      gst_element_set_state (show.source, GST_STATE_PLAYING);
    g_main_loop_run (show.loop);
    print_stats (&show);
  }
  /* the one that is waited on first */
  stop (&show.pipeline);
  stop (&show.source);
  g_printerr ("%u frames\n", show.shown);

  return !show.failed && show.shown > 0 ? 0 : 2;
}
