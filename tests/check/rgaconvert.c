/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rgaconvert on a device: real hardware, or the virtual RK3399.
 *
 * Streams come from the folder that DMARESV_STREAMS names.  What pixels ought to be is computed
 * here, by GStreamer's software elements in the same process.  VRK_FAULT tells which fault the
 * modelled silicon was started with ("rga:lost@3", "rga:error@3"), VRK_LATENCY how long RGA's jobs
 * take ("rga=400000", "rga=15000", microseconds); then only the tests of that run.
 *
 * After a lost interrupt the process cannot end (see the element's documentation): with "lost", set
 * CK_FORK=no, take the suite's result from its output, and stop the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gst/allocators/allocators.h>

#include "dmaresvkit.h"
#include "rgakit.h"

#define DECODER "dmaresvh264dec"
/* What the element allows a fence and a job. */
#define BOUND (3 * GST_SECOND)

/* --- zero copy, seen from outside --- */

static guint64
inode_of (GstBuffer * buffer)
{
  GstMemory *memory = gst_buffer_peek_memory (buffer, 0);
  struct stat st;

  fail_unless (gst_buffer_n_memory (buffer) == 1 && gst_is_dmabuf_memory (memory),
      "not one dma-buf");
  fail_unless_equals_int (fstat (gst_dmabuf_memory_get_fd (memory), &st), 0);
  return st.st_ino;
}

/* Whether the kernel has a device whose name contains @device attached to the dma-buf: the table of
 * drivers/dma-buf/dma-buf.c, dma_buf_debug_show(). */
static gboolean
is_attached (guint64 inode, const gchar * device)
{
  gchar *table = NULL, **lines;
  gboolean here = FALSE, found = FALSE;
  guint i;

  fail_unless (g_file_get_contents ("/sys/kernel/debug/dma_buf/bufinfo", &table, NULL, NULL));
  lines = g_strsplit (table, "\n", -1);
  for (i = 0; lines[i]; i++) {
    gchar exporter[64];
    guint64 ino;

    if (sscanf (lines[i], "%*u %*x %*x %*d %63s %" G_GINT64_MODIFIER "u", exporter, &ino) == 2)
      here = ino == inode;
    else if (here && g_str_has_prefix (lines[i], "\t") && strstr (lines[i], device))
      found = TRUE;
  }
  g_strfreev (lines);
  g_free (table);
  return found;
}

typedef struct
{
  GArray *decoded, *imported;   /* guint64 inodes, by frame */
  guint out, attached;
  gboolean have_table;
} Flow;

static void
collect_log (GstDebugCategory * category, GstDebugLevel level, const gchar * file,
    const gchar * function, gint line, GObject * object, GstDebugMessage * message, gpointer data)
{
  Flow *flow = data;
  guint64 inode;

  if (level == GST_LEVEL_DEBUG && g_str_equal (gst_debug_category_get_name (category), CONVERTER)
      && sscanf (gst_debug_message_get (message), "importing dma-buf inode %" G_GINT64_MODIFIER "u",
          &inode) == 1)
    g_array_append_val (flow->imported, inode);
}

static GstPadProbeReturn
decoded_probe (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  Flow *flow = data;
  guint64 inode = inode_of (GST_PAD_PROBE_INFO_BUFFER (info));

  g_array_append_val (flow->decoded, inode);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
converted_probe (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  Flow *flow = data;
  guint64 inode = inode_of (GST_PAD_PROBE_INFO_BUFFER (info)), source;
  guint i;

  for (i = 0; i < flow->decoded->len; i++)
    fail_unless (g_array_index (flow->decoded, guint64, i) != inode, "not a frame of its own");
  source = g_array_index (flow->decoded, guint64, flow->decoded->len - 1);
  if (flow->have_table)
    flow->attached += is_attached (source, "rga");
  flow->out++;
  return GST_PAD_PROBE_OK;
}

/* Every frame that the decoder pushes is imported as it is, and comes out in a dma-buf. What the
 * element says of its imports is compared with the kernel's table of attachments. */
GST_START_TEST (test_zero_copy)
{
  static const gchar *const names[] = { "base.h264", "bframes.h264", "odd.h264" };
  gchar *src = source (names[__i__]), *caps = dmabuf_caps (GST_VIDEO_FORMAT_BGRx);
  gchar *desc = g_strdup_printf ("%s ! " DECODER " name=dec ! " CONVERTER " name=rga ! %s ! "
      "fakesink", src, caps);
  Flow flow = {.decoded = g_array_new (FALSE, FALSE, 8),.imported = g_array_new (FALSE, FALSE, 8) };
  GstElement *pipeline = parse (desc), *rga;
  gchar *error;
  guint i;

  flow.have_table = g_file_test ("/sys/kernel/debug/dma_buf/bufinfo", G_FILE_TEST_EXISTS);
  if (!flow.have_table)
    skip ("no /sys/kernel/debug/dma_buf/bufinfo: the element's word alone is checked");
  rga = gst_bin_get_by_name (GST_BIN (pipeline), "rga");
  add_probe (pipeline, "dec", "src", GST_PAD_PROBE_TYPE_BUFFER, decoded_probe, &flow);
  add_probe (pipeline, "rga", "src", GST_PAD_PROBE_TYPE_BUFFER, converted_probe, &flow);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (collect_log, &flow, NULL);
  gst_debug_set_threshold_for_name (CONVERTER, GST_LEVEL_DEBUG);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = wait_end (pipeline);

  gst_debug_unset_threshold_for_name (CONVERTER);
  gst_debug_remove_log_function (collect_log);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
  fail_unless (!error, "%s", error);
  fail_unless (flow.decoded->len > 0);
  fail_unless_equals_int (flow.imported->len, flow.decoded->len);
  for (i = 0; i < flow.decoded->len; i++)
    fail_unless_equals_uint64 (g_array_index (flow.imported, guint64, i),
        g_array_index (flow.decoded, guint64, i));
  fail_unless_equals_int (flow.out, flow.decoded->len);
  if (flow.have_table)
    fail_unless_equals_int (flow.attached, flow.decoded->len);
  fail_unless_equals_uint64 (stat_of (rga, "frames-imported"), flow.decoded->len);
  fail_unless_equals_uint64 (stat_of (rga, "frames-copied"), 0);

  gst_object_unref (rga);
  end_pipeline (pipeline);
  g_array_unref (flow.decoded);
  g_array_unref (flow.imported);
  g_free (desc);
  g_free (caps);
  g_free (src);
}

GST_END_TEST;

/* --- pixels --- */

/* The same samples in another order come out exactly. */
GST_START_TEST (test_exact)
{
  static const gchar *const formats[][2] = {
    {"NV12", "I420"}, {"I420", "NV12"}, {"NV12", "NV21"}, {"YV12", "NV12"}, {"NV16", "Y42B"},
    {"ARGB", "BGRA"}, {"BGRx", "BGRA"}, {"RGB", "BGR"},
  };
  static const gchar *const sizes[] = { "width=64,height=48", "width=190,height=110" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    gchar *in = g_strdup_printf ("format=%s,%s", formats[__i__][0], sizes[i]);
    gchar *out = g_strdup_printf ("format=%s,%s", formats[__i__][1], sizes[i]);
    Difference d = compare_with_software ("smpte75", in, out);

    fail_unless (d.max == 0, "%s to %s: differs by %u", in, out, d.max);
    g_free (in);
    g_free (out);
  }
}

GST_END_TEST;

/* Colours, on areas of one colour, where filters of chroma do not matter. */
GST_START_TEST (test_colours)
{
  static const gchar *const patterns[] = { "white", "black", "red", "green", "blue", "solid-color "
        "foreground-color=0xff3090d0"
  };
  static const gchar *const matrices[] = { "bt601", "bt709" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (patterns); i++) {
    gchar *yuv = g_strdup_printf ("format=NV12,width=64,height=64,colorimetry=%s",
        matrices[__i__]);
    Difference d = compare_with_software (patterns[i], yuv, "format=BGRx,width=64,height=64");

    fail_unless (d.max <= 6, "%s %s to RGB: off by %u", matrices[__i__], patterns[i], d.max);
    d = compare_with_software (patterns[i], "format=BGRx,width=64,height=64", yuv);
    fail_unless (d.max <= 6, "%s %s from RGB: off by %u", matrices[__i__], patterns[i], d.max);
    g_free (yuv);
  }
}

GST_END_TEST;

/* Scaled pictures have their size, and look like those that software scales. */
GST_START_TEST (test_scale)
{
  static const gchar *const sizes[] = {
    "width=320,height=240", "width=640,height=480", "width=160,height=120", "width=200,height=160",
    "width=1280,height=60",
  };
  gchar *out = g_strdup_printf ("format=NV12,%s,pixel-aspect-ratio=1/1", sizes[__i__]);
  Difference d = compare_with_software ("smpte75", "format=NV12,width=320,height=240", out);

  fail_unless (d.mean < 6, "%s: %.1f off in the mean", sizes[__i__], d.mean);
  g_free (out);
}

GST_END_TEST;

/* --- one buffer at a time --- */

/* The same caps on both sides: the buffer itself goes through. */
GST_START_TEST (test_passthrough)
{
  GstHarness *h = harness (PIC_CAPS, PIC_CAPS);
  GstBuffer *in = system_picture (1), *out;

  fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
  out = gst_harness_pull (h);
  fail_unless (out == in);
  fail_unless_equals_uint64 (stat_of (h->element, "frames-passed"), 1);
  fail_unless_equals_uint64 (stat_of (h->element, "frames-copied"), 0);
  gst_buffer_unref (out);

  /* and on to a conversion and back, without a restart */
  gst_harness_set_sink_caps_str (h, "video/x-raw,format=I420,width=128,height=64");
  fail_unless_equals_int (gst_harness_push (h, system_picture (2)), GST_FLOW_OK);
  out = gst_harness_pull (h);
  fail_unless_equals_int (luma_errors (h, out, 0, 0, 2), 0);
  gst_buffer_unref (out);
  gst_harness_set_sink_caps_str (h, PIC_CAPS);
  in = system_picture (3);
  fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
  out = gst_harness_pull (h);
  fail_unless (out == in);
  gst_buffer_unref (out);
  fail_unless_equals_uint64 (stat_of (h->element, "frames-passed"), 2);
  fail_unless_equals_uint64 (stat_of (h->element, "frames-copied"), 1);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A crop meta is applied, from system memory and from a dma-buf, and is gone afterwards. */
GST_START_TEST (test_crop)
{
  GstHarness *h = harness ("video/x-raw,format=NV12,width=64,height=40,framerate=0/1",
      "video/x-raw,format=I420,width=64,height=40");
  GstVideoCropMeta *crop;
  GstBuffer *buffer;
  gint fd = -1;

  if (__i__ == 1) {
    fd = dmabuf_new (BUFFER_SIZE);
    if (fd < 0) {
      skip ("crop: nothing allocates dma-bufs");
      gst_harness_teardown (h);
      return;
    }
    draw_dmabuf (fd, 9);
  }
  buffer = fd < 0 ? system_picture (9) : dmabuf_picture (fd);
  crop = gst_buffer_add_video_crop_meta (buffer);
  crop->x = 16;
  crop->y = 8;
  crop->width = 64;
  crop->height = 40;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  buffer = gst_harness_pull (h);
  fail_if (gst_buffer_get_video_crop_meta (buffer));
  fail_unless_equals_int (luma_errors (h, buffer, 16, 8, 9), 0);
  fail_unless_equals_uint64 (stat_of (h->element, "frames-imported"), __i__);
  fail_unless_equals_uint64 (stat_of (h->element, "frames-copied"), !__i__);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A crop meta that leaves the picture, and a meta that leaves the memory, are errors, not
 * overruns. */
GST_START_TEST (test_hostile_metas)
{
  GstHarness *h = harness ("video/x-raw,format=NV12,width=64,height=40,framerate=0/1",
      "video/x-raw,format=I420,width=64,height=40");
  GstVideoCropMeta *crop;
  GstBuffer *buffer = system_picture (1);

  crop = gst_buffer_add_video_crop_meta (buffer);
  crop->x = 100;
  crop->y = G_MAXUINT - 8;
  crop->width = crop->height = 64;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_ERROR);

  buffer = system_picture (1);
  gst_buffer_get_video_meta (buffer)->offset[1] = PIC_SIZE + 4096;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_ERROR);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A reader of system memory, an encoder's lookahead, keeps more frames than videobuf2 has buffers. */
GST_START_TEST (test_kept)
{
  GstHarness *h = harness (PIC_CAPS, "video/x-raw,format=I420,width=128,height=64");
  GstBuffer *out;
  guint i;

  for (i = 0; i < 80; i++) {
    GstBuffer *in = system_picture (i);

    GST_BUFFER_PTS (in) = i * GST_SECOND;
    fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_OK);
  }
  for (i = 0; i < 80; i++) {
    out = gst_harness_pull (h);
    fail_unless_equals_int (luma_errors (h, out, 0, 0, i), 0);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * GST_SECOND);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* --- caps --- */

/* Which widths the sink pad takes when downstream has a fixed size. */
GST_START_TEST (test_caps_query)
{
  GstHarness *h = gst_harness_new (CONVERTER);
  GstPad *pad = gst_element_get_static_pad (h->element, "sink");
  static const gint widths[] = { 99, 99, 100, 100, 8192, 8192 };
  GstCaps *caps, *wanted;
  gchar *dmabuf = dmabuf_caps (GST_VIDEO_FORMAT_NV12);
  guint i;

  gst_harness_set_sink_caps_str (h, "video/x-raw,format=BGRx,width=1600,height=800");
  caps = gst_pad_query_caps (pad, NULL);
  for (i = 0; i < G_N_ELEMENTS (widths); i++) {
    gchar *text = g_strdup_printf ("%s,width=%d,height=50", i & 1 ? dmabuf :
        "video/x-raw,format=NV12", widths[i]);

    wanted = gst_caps_from_string (text);
    fail_unless (gst_caps_can_intersect (caps, wanted) == (widths[i] >= 100), "%s in %s", text,
        gst_caps_to_string (caps));
    gst_caps_unref (wanted);
    g_free (text);
  }
  gst_caps_unref (caps);

  wanted = gst_caps_from_string ("video/x-raw,format=NV12,width=100,height=100,framerate=1/1");
  fail_unless (gst_pad_query_accept_caps (pad, wanted));
  gst_caps_unref (wanted);
  wanted = gst_caps_from_string ("video/x-raw,format=NV12,width=1,height=1,framerate=1/1");
  fail_if (gst_pad_query_accept_caps (pad, wanted), "a picture of one pixel");
  gst_caps_unref (wanted);
  wanted = gst_caps_from_string ("video/x-raw,format=NV12,width=20000,height=100,framerate=1/1");
  fail_if (gst_pad_query_accept_caps (pad, wanted), "a picture 20000 pixels wide");
  gst_caps_unref (wanted);

  g_free (dmabuf);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Caps that mean no picture, or none that the hardware reads, are refused; then good ones work. */
GST_START_TEST (test_hostile_caps)
{
  static const gchar *const strings[] = {
    "video/x-raw", "video/x-raw,format=NV12", "video/x-raw,format=NV12,width=0,height=0",
    "video/x-raw,format=NV12,width=-64,height=64",
    "video/x-raw,format=P010_10LE,width=64,height=64",
    "video/x-raw,format=NV12,width=2147483647,height=2147483647",
    "video/x-raw,format=NV12,width=[64,128],height=64",
    "video/x-raw(memory:DMABuf),format=DMA_DRM,width=64,height=64",
    "video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=(string)NV12:0x0800000000000001,"
        "width=64,height=64",
    "video/x-raw(memory:GLMemory),format=NV12,width=64,height=64", "video/x-h264", "ANY", "EMPTY",
  };
  GstHarness *h = gst_harness_new (CONVERTER);
  GstPad *pad = gst_element_get_static_pad (h->element, "sink");
  GstBuffer *out;
  guint i;

  gst_harness_set_sink_caps_str (h, "video/x-raw,format=I420,width=128,height=64");
  gst_harness_play (h);
  for (i = 0; i < G_N_ELEMENTS (strings); i++) {
    GstCaps *caps = gst_caps_from_string (strings[i]);

    if (gst_caps_is_fixed (caps)) {
      fail_if (gst_pad_query_accept_caps (pad, caps), "%s", strings[i]);
      fail_if (gst_pad_send_event (pad, gst_event_new_caps (caps)), "%s", strings[i]);
    }
    /* The others no event can have, but as a filter they may come. */
    gst_caps_unref (gst_pad_query_caps (pad, caps));
    gst_caps_unref (caps);
  }
  gst_harness_set_src_caps_str (h, PIC_CAPS);
  fail_unless_equals_int (gst_harness_push (h, system_picture (4)), GST_FLOW_OK);
  out = gst_harness_pull (h);
  fail_unless_equals_int (luma_errors (h, out, 0, 0, 4), 0);
  gst_buffer_unref (out);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* More than 16 times as large or as small: nobody promises it, at the time of linking or later. */
GST_START_TEST (test_unreachable_scale)
{
  static const gchar *const sizes[][2] = {
    {"width=64,height=64", "width=1040,height=64"}, {"width=64,height=1040", "width=64,height=64"},
  };
  gchar *desc = g_strdup_printf ("videotestsrc num-buffers=1 ! capsfilter name=in ! " CONVERTER
      " ! video/x-raw,format=NV12,%s ! fakesink", sizes[__i__][1]);
  gchar *in = g_strdup_printf ("video/x-raw,format=NV12,%s", sizes[__i__][0]);
  GstElement *pipeline = parse (desc);
  GstElement *filter = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  GstCaps *caps = gst_caps_from_string (in);
  gchar *error;

  g_object_set (filter, "caps", caps, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = wait_end (pipeline);
  fail_unless (error && strstr (error, "negotiat"), "%s", error ? error : "it was converted");
  g_free (error);
  gst_object_unref (filter);
  end_pipeline (pipeline);

  gst_caps_unref (caps);
  g_free (in);
  g_free (desc);
}

GST_END_TEST;

/* The first instance's name is what users expect. */
GST_START_TEST (test_name)
{
  GstElement *a = gst_element_factory_make (CONVERTER, NULL);
  GstElement *b = gst_element_factory_make (CONVERTER, NULL);
  gchar *path = NULL;

  fail_unless_equals_string (GST_OBJECT_NAME (a), "rgaconvert0");
  fail_unless_equals_string (GST_OBJECT_NAME (b), "rgaconvert1");
  g_object_get (a, "device-path", &path, NULL);
  fail_unless (path && g_str_has_prefix (path, "/dev/video"));
  g_free (path);
  gst_object_unref (a);
  gst_object_unref (b);
}

GST_END_TEST;

/* --- fences --- */

typedef struct
{
  GstHarness *h;
  gint dmabuf, timeline;
} Producer;

/* What a GPU does: the pixels, then the signal. */
static void
produce (gpointer data)
{
  Producer *p = data;

  draw_dmabuf (p->dmabuf, 77);
  timeline_advance (p->timeline);
}

/* A dma-buf with an old picture, and a writer at work on the next one. */
static gboolean
producer_init (Producer * p)
{
  if (!have_kernel ())
    return FALSE;
  p->dmabuf = dmabuf_new (PIC_SIZE);
  p->timeline = timeline_new ();
  draw_dmabuf (p->dmabuf, 5);
  dmabuf_attach (p->dmabuf, p->timeline, 1, GST_DMA_ACCESS_WRITE);
  p->h = harness (PIC_CAPS, "video/x-raw,format=I420,width=128,height=64");
  return TRUE;
}

/* The writer's fence is waited for: what comes out is what it wrote. */
GST_START_TEST (test_fence)
{
  Producer p;
  GstClockTime start;
  GThread *later;
  GstBuffer *out;

  if (!producer_init (&p))
    return;
  later = later_do (150 * MS, produce, &p);
  start = gst_util_get_timestamp ();
  fail_unless_equals_int (gst_harness_push (p.h, dmabuf_picture (dup (p.dmabuf))), GST_FLOW_OK);
  fail_unless (gst_util_get_timestamp () - start >= 150 * MS, "the fence was not waited for");
  out = gst_harness_pull (p.h);
  fail_unless_equals_int (luma_errors (p.h, out, 0, 0, 77), 0);
  fail_unless_equals_uint64 (stat_of (p.h->element, "frames-imported"), 1);
  gst_buffer_unref (out);
  g_thread_join (later);
  gst_harness_teardown (p.h);
  close (p.dmabuf);
  close (p.timeline);
}

GST_END_TEST;

/* A fence that never signals costs the bound, and an error that says so. */
GST_START_TEST (test_fence_bound)
{
  GstBus *bus = gst_bus_new ();
  GstClockTime start;
  GstMessage *msg;
  GError *error;
  gchar *debug;
  Producer p;

  if (!producer_init (&p)) {
    gst_object_unref (bus);
    return;
  }
  gst_element_set_bus (p.h->element, bus);
  start = gst_util_get_timestamp ();
  fail_unless_equals_int (gst_harness_push (p.h, dmabuf_picture (dup (p.dmabuf))), GST_FLOW_ERROR);
  assert_took (gst_util_get_timestamp () - start, BOUND - 10 * MS);
  msg = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (msg != NULL, "no error message");
  gst_message_parse_error (msg, &error, &debug);
  fail_unless (strstr (error->message, "ready"), "%s (%s)", error->message, debug);
  g_error_free (error);
  g_free (debug);
  gst_message_unref (msg);
  gst_element_set_bus (p.h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (p.h);
  close (p.dmabuf);
  close (p.timeline);
}

GST_END_TEST;

static void
flush_start (gpointer data)
{
  gst_harness_push_event (data, gst_event_new_flush_start ());
}

static void
go_to_ready (gpointer data)
{
  gst_element_set_state (((GstHarness *) data)->element, GST_STATE_READY);
}

static void
flush_stop (GstHarness * h)
{
  GstSegment segment;

  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

/* Flushing, and stopping, end the wait for a fence; after a flush the next frame is converted. */
GST_START_TEST (test_fence_interrupted)
{
  GstClockTime start, took;
  GThread *later;
  GstBuffer *out;
  Producer p;
  guint fds = count_fds ();

  if (!producer_init (&p))
    return;
  later = later_do (100 * MS, __i__ ? go_to_ready : flush_start, p.h);
  start = gst_util_get_timestamp ();
  fail_unless_equals_int (gst_harness_push (p.h, dmabuf_picture (dup (p.dmabuf))),
      GST_FLOW_FLUSHING);
  took = gst_util_get_timestamp () - start;
  fail_unless (took >= 100 * MS && took < BOUND / 2, "took %" GST_TIME_FORMAT,
      GST_TIME_ARGS (took));
  g_thread_join (later);
  if (!__i__) {
    flush_stop (p.h);
    fail_unless_equals_int (gst_harness_push (p.h, system_picture (3)), GST_FLOW_OK);
    out = gst_harness_pull (p.h);
    fail_unless_equals_int (luma_errors (p.h, out, 0, 0, 3), 0);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (p.h);
  close (p.dmabuf);
  close (p.timeline);
  fail_unless (count_fds () <= fds + 1, "%u descriptors, %u before", count_fds (), fds);
}

GST_END_TEST;

/* --- streams --- */

typedef struct
{
  guint frames, other_size, not_dmabuf;
  GstVideoInfo info;
} Count;

static GstPadProbeReturn
count_probe (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  Count *count = data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

    count->frames++;
    count->other_size += !meta || meta->width != 160 || meta->height != 120;
    count->not_dmabuf += !gst_is_dmabuf_memory (gst_buffer_peek_memory (buffer, 0));
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP) {
    count->frames = 0;
  }
  return GST_PAD_PROBE_OK;
}

/* decoder and converter to 160x120 BGRx in dma-bufs */
static GstElement *
chain (const gchar * name, const gchar * sink, Count * count)
{
  gchar *src = source (name), *caps = dmabuf_caps (GST_VIDEO_FORMAT_BGRx);
  gchar *desc = g_strdup_printf ("%s ! " DECODER " ! " CONVERTER " name=rga ! "
      "%s,width=160,height=120 ! %s", src, caps, sink);
  GstElement *pipeline = parse (desc);

  memset (count, 0, sizeof (*count));
  add_probe (pipeline, "rga", "src", GST_PAD_PROBE_TYPE_BUFFER
      | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH, count_probe, count);
  g_free (desc);
  g_free (caps);
  g_free (src);
  return pipeline;
}

/* The stream changes its size twice; what comes out does not. */
GST_START_TEST (test_resize)
{
  Count count;
  GstElement *pipeline = chain ("resize.h264", "fakesink", &count);
  GstElement *rga = gst_bin_get_by_name (GST_BIN (pipeline), "rga");
  gchar *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = wait_end (pipeline);
  fail_unless (!error, "%s", error);
  fail_unless_equals_int (count.frames, 30);
  fail_unless_equals_int (count.other_size, 0);
  fail_unless_equals_int (count.not_dmabuf, 0);
  fail_unless_equals_uint64 (stat_of (rga, "frames-imported"), 30);
  fail_unless_equals_uint64 (stat_of (rga, "frames-copied"), 0);
  gst_object_unref (rga);
  end_pipeline (pipeline);
}

GST_END_TEST;

static void
seek_to (GstElement * pipeline, GstClockTime position)
{
  fail_unless (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, position));
}

/* Flushes in a row, with sinks that hold frames and sinks that do not; then everything from the
 * start; and nothing is left open. */
GST_START_TEST (test_seek_storm)
{
  GRand *rand = g_rand_new_with_seed (99);
  guint before = 0, round, i;

  for (round = 0; round < 4; round++) {
    Count count;
    GstElement *pipeline = chain ("seek.mp4", round & 1 ? "queue ! fakesink" : "fakesink", &count);
    gchar *error;

    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL, TIMEOUT),
        GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    for (i = 0; i < 20; i++) {
      seek_to (pipeline, g_rand_int_range (rand, 0, 4000) * GST_MSECOND);
      g_usleep (g_rand_int_range (rand, 0, 20000));
    }
    seek_to (pipeline, 0);
    /* an EOS from before the last seek */
    gst_bus_set_flushing (GST_ELEMENT_BUS (pipeline), TRUE);
    gst_bus_set_flushing (GST_ELEMENT_BUS (pipeline), FALSE);
    error = wait_end (pipeline);
    fail_unless (!error, "%s", error);
    fail_unless_equals_int (count.frames, 100);
    fail_unless_equals_int (count.other_size, 0);
    end_pipeline (pipeline);
    /* GLib and GStreamer make descriptors of their own in the first rounds. */
    if (round == 1)
      before = count_fds ();
  }
  fail_unless (count_fds () <= before, "%u descriptors, %u before", count_fds (), before);
  g_rand_free (rand);
}

GST_END_TEST;

/* Stopped at any moment, also while the sink keeps every frame. */
GST_START_TEST (test_state_storm)
{
  guint before = 0, i;

  for (i = 0; i < 12; i++) {
    Count count;
    GstElement *pipeline = chain ("seek.mp4", i & 1 ? "fakesink" :
        "queue max-size-buffers=64 max-size-bytes=0 max-size-time=0 ! fakesink sync=true", &count);
    GstClockTime start;

    gst_element_set_state (pipeline, i % 4 ? GST_STATE_PLAYING : GST_STATE_PAUSED);
    g_usleep (i % 4 ? i * 9000 : 600000);
    start = gst_util_get_timestamp ();
    end_pipeline (pipeline);
    fail_unless (gst_util_get_timestamp () - start < 5 * GST_SECOND);
    if (i == 3)
      before = count_fds ();
  }
  fail_unless (count_fds () <= before, "%u descriptors, %u before", count_fds (), before);
}

GST_END_TEST;

static GstElement *
checksum_pipeline (const gchar * name, const gchar * decoder)
{
  gchar *src = source (name);
  gchar *desc = g_strdup_printf ("%s ! %s ! video/x-raw,format=I420 ! videocodectestsink", src,
      decoder);
  GstElement *pipeline = parse (desc);

  g_free (desc);
  g_free (src);
  return pipeline;
}

static gchar *
wait_checksum (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  gchar *checksum = NULL;

  while (!checksum) {
    GstMessage *msg = gst_bus_timed_pop_filtered (bus, TIMEOUT,
        GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);

    fail_unless (msg && GST_MESSAGE_TYPE (msg) != GST_MESSAGE_ERROR, "no checksum");
    if (gst_message_has_name (msg, "conformance/checksum"))
      checksum = g_strdup (gst_structure_get_string (gst_message_get_structure (msg), "checksum"));
    gst_message_unref (msg);
  }
  gst_object_unref (bus);
  return checksum;
}

/* Two streams at once, each through its own decoder and converter: all pixels as in software. */
GST_START_TEST (test_two_at_once)
{
  static const gchar *const names[] = { "bframes.h264", "main.h264" };
  GstElement *hw[2], *sw;
  gchar *wanted, *got;
  guint i;

  for (i = 0; i < 2; i++) {
    hw[i] = checksum_pipeline (names[i], DECODER " ! " CONVERTER);
    gst_element_set_state (hw[i], GST_STATE_PLAYING);
  }
  for (i = 0; i < 2; i++) {
    sw = checksum_pipeline (names[i], "avdec_h264 max-threads=1");
    gst_element_set_state (sw, GST_STATE_PLAYING);
    wanted = wait_checksum (sw);
    got = wait_checksum (hw[i]);
    fail_unless (g_str_equal (wanted, got), "%s: %s instead of %s", names[i], got, wanted);
    end_pipeline (sw);
    end_pipeline (hw[i]);
    g_free (wanted);
    g_free (got);
  }
}

GST_END_TEST;

/* --- leaks --- */

/* What GST_TRACERS=leaks says when a process of its own ends. */
GST_START_TEST (test_no_leaks)
{
  gchar *src = source ("resize.h264"), *caps = dmabuf_caps (GST_VIDEO_FORMAT_BGRx);
  gchar *command = g_strdup_printf ("gst-launch-1.0 -q %s ! " DECODER " ! " CONVERTER " ! "
      "%s,width=160,height=120 ! queue ! fakesink videotestsrc num-buffers=5 ! video/x-raw,"
      "format=NV12,width=190,height=110 ! " CONVERTER " ! video/x-raw,format=I420,width=90,"
      "height=50 ! fakesink", src, caps);
  gchar **argv = NULL, **env = g_get_environ (), *log = NULL, *alive;
  gint status = -1;

  env = g_environ_setenv (env, "GST_TRACERS", "leaks", TRUE);
  env = g_environ_setenv (env, "GST_DEBUG", "GST_TRACER:7", TRUE);
  env = g_environ_setenv (env, "GST_DEBUG_NO_COLOR", "1", TRUE);
  env = g_environ_unsetenv (env, "GST_DEBUG_FILE");
  fail_unless (g_shell_parse_argv (command, NULL, &argv, NULL));
  if (!g_spawn_sync (NULL, argv, env, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &log, &status, NULL)) {
    skip ("leaks: no gst-launch-1.0");
  } else {
    fail_unless (status == 0, "status %d: %.2000s", status, log);
    /* the tracer's registration of what it may log */
    fail_unless (strstr (log, "object-alive.class") != NULL, "no tracer: %.2000s", log);
    alive = strstr (log, "object-alive, type-name=(string)Gst");
    fail_unless (!alive, "%.400s", alive);
  }
  g_free (log);
  g_strfreev (argv);
  g_strfreev (env);
  g_free (command);
  g_free (caps);
  g_free (src);
}

GST_END_TEST;

/* --- slow and faulty silicon --- */

/* Flushing does not sit the job out; the frame after it is right, and so is stopping at once. */
GST_START_TEST (test_slow_job)
{
  GstHarness *h = harness (PIC_CAPS, "video/x-raw,format=I420,width=128,height=64");
  GstClockTime start, took;
  GstBuffer *out;
  GThread *later;
  guint i;

  for (i = 0; i < 3; i++) {
    later = later_do (50 * MS, flush_start, h);
    start = gst_util_get_timestamp ();
    fail_unless_equals_int (gst_harness_push (h, system_picture (1)), GST_FLOW_FLUSHING);
    took = gst_util_get_timestamp () - start;
    fail_unless (took < 200 * MS, "flushing took %" GST_TIME_FORMAT, GST_TIME_ARGS (took));
    g_thread_join (later);
    flush_stop (h);
    fail_unless_equals_int (gst_harness_push (h, system_picture (20 + i)), GST_FLOW_OK);
    out = gst_harness_pull (h);
    fail_unless_equals_int (luma_errors (h, out, 0, 0, 20 + i), 0);
    gst_buffer_unref (out);
  }
  later = later_do (50 * MS, go_to_ready, h);
  fail_unless_equals_int (gst_harness_push (h, system_picture (1)), GST_FLOW_FLUSHING);
  g_thread_join (later);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A job that never ends, at its third frame: an error within the bound that names the converter,
 * and the pipeline still gets to NULL. */
GST_START_TEST (test_lost_job)
{
  GstElement *pipeline = parse ("videotestsrc num-buffers=10 ! video/x-raw,format=NV12,width=64,"
      "height=64 ! " CONVERTER " name=rga ! video/x-raw,format=BGRx ! fakesink");
  GstClockTime start = gst_util_get_timestamp ();
  gchar *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = wait_end (pipeline);
  fail_unless (gst_util_get_timestamp () - start < BOUND + SLACK);
  fail_unless (error && g_str_has_prefix (error, "rga: ") && strstr (error, "does not finish"),
      "%s", error ? error : "no error");
  start = gst_util_get_timestamp ();
  end_pipeline (pipeline);
  fail_unless (gst_util_get_timestamp () - start < SLACK);
  g_print ("%s\n", error);
  g_free (error);
}

GST_END_TEST;

/* --- suite --- */

static Suite *
rgaconvert_suite (void)
{
  Suite *s = suite_create (CONVERTER);
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 300);
  if (g_getenv ("VRK_FAULT")) {
    tcase_add_test (tc, test_lost_job);
    return s;
  }
  if (g_getenv ("VRK_LATENCY")) {
    /* Jobs long enough to be flushed away under, and ones short enough for a whole stream. */
    if (atoi (strchr (g_getenv ("VRK_LATENCY"), '=') + 1) >= 200000) {
      tcase_add_test (tc, test_slow_job);
    } else {
      tcase_add_test (tc, test_seek_storm);
      tcase_add_test (tc, test_state_storm);
    }
    return s;
  }
  tcase_add_test (tc, test_name);
  tcase_add_loop_test (tc, test_zero_copy, 0, 3);
  tcase_add_loop_test (tc, test_exact, 0, 8);
  tcase_add_loop_test (tc, test_colours, 0, 2);
  tcase_add_loop_test (tc, test_scale, 0, 5);
  tcase_add_test (tc, test_passthrough);
  tcase_add_test (tc, test_kept);
  tcase_add_loop_test (tc, test_crop, 0, 2);
  tcase_add_test (tc, test_hostile_metas);
  tcase_add_test (tc, test_caps_query);
  tcase_add_test (tc, test_hostile_caps);
  tcase_add_loop_test (tc, test_unreachable_scale, 0, 2);
  tcase_add_test (tc, test_fence);
  tcase_add_test (tc, test_fence_bound);
  tcase_add_loop_test (tc, test_fence_interrupted, 0, 2);
  tcase_add_test (tc, test_resize);
  tcase_add_test (tc, test_seek_storm);
  tcase_add_test (tc, test_state_storm);
  tcase_add_test (tc, test_two_at_once);
  tcase_add_test (tc, test_no_leaks);
  return s;
}

int
main (int argc, char **argv)
{
  GstPluginFeature *feature;

  gst_check_init (&argc, &argv);
  if (!g_getenv ("DMARESV_STREAMS")) {
    g_print ("SKIP: rgaconvert: DMARESV_STREAMS does not name a folder of streams\n");
    return 77;
  }
  feature = gst_registry_lookup_feature (gst_registry_get (), CONVERTER);
  if (!feature) {
    g_printerr ("There is no " CONVERTER ": no device, or the plugin is not on the path\n");
    return 1;
  }
  gst_object_unref (feature);
  return gst_check_run_suite (rgaconvert_suite (), CONVERTER, __FILE__);
}
