/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * implicit-reader: a consumer that reads each frame for a while after it has
 * dropped the GstBuffer, as a GPU does, and says so in the dma-buf's dma_resv.
 *
 *   implicit-reader [--hold MS] [--early] [--no-fence] 'PIPELINE'
 *
 * On reception of a frame it waits for its writers, attaches a reader's fence
 * (sw_sync) to each of its dma-bufs, computes a checksum of all bytes, and lets
 * go of the buffer.  MS milliseconds later it computes the checksum again, from
 * a mapping of its own, and only then signals the fence.  A frame whose
 * checksums differ was overwritten while it was read.
 *
 * Prints "frames N overwritten N early N"; exit status 0 when all frames came,
 * however many were overwritten: whoever started it judges that.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fcntl.h>

#include <gst/allocators/allocators.h>
#include <gst/video/video.h>

#include "gstdmafence.h"
#include "gstdmafencemeta.h"
#include "kit.h"

#define WAIT (10 * GST_SECOND)

/* One frame that is being read. */
typedef struct
{
  gint64 until;                 /* g_get_monotonic_time() */
  guint n;
  gint fds[GST_VIDEO_MAX_PLANES];
  guint8 *data[GST_VIDEO_MAX_PLANES];
  gsize sizes[GST_VIDEO_MAX_PLANES];
  guint64 sum;
} Reading;

typedef struct
{
  GAsyncQueue *queue;           /* of Reading; a Reading of until 0 ends it */
  gint timeline;
  guint32 value;
  guint frames, overwritten, unfinished;
  gchar *error;
} Reader;

static gint opt_hold = 60;
static gint opt_timeout = 300;
static gboolean opt_early = FALSE;
static gboolean opt_no_fence = FALSE;

static const GOptionEntry entries[] = {
  {"hold", 0, 0, G_OPTION_ARG_INT, &opt_hold, "How long each frame is read (60)", "MS"},
  {"early", 0, 0, G_OPTION_ARG_NONE, &opt_early, "Say that unfinished frames are welcome", NULL},
  {"no-fence", 0, 0, G_OPTION_ARG_NONE, &opt_no_fence, "Read without telling the kernel", NULL},
  {"timeout", 0, 0, G_OPTION_ARG_INT, &opt_timeout, "Give up after this time (300)", "S"},
  {NULL}
};

/* FNV-1a over words: every bit counts, and it is fast. */
static guint64
checksum (const Reading * r)
{
  guint64 sum = G_GUINT64_CONSTANT (0xcbf29ce484222325);
  guint i;

  for (i = 0; i < r->n; i++) {
    const guint64 *words = (const guint64 *) r->data[i];
    gsize k;

    for (k = 0; k < r->sizes[i] / sizeof (guint64); k++)
      sum = (sum ^ words[k]) * G_GUINT64_CONSTANT (0x100000001b3);
  }

  return sum;
}

static void
reading_free (Reading * r)
{
  guint i;

  for (i = 0; i < r->n; i++) {
    if (r->data[i])
      munmap (r->data[i], r->sizes[i]);
    if (r->fds[i] >= 0)
      close (r->fds[i]);
  }
  g_free (r);
}

/* Maps by itself: the buffer's own mapping goes away with the buffer. */
static Reading *
reading_new (GstBuffer * buffer, const gchar ** why)
{
  Reading *r = g_new0 (Reading, 1);
  guint i;

  *why = NULL;
  for (i = 0; i < gst_buffer_n_memory (buffer) && i < G_N_ELEMENTS (r->fds); i++) {
    GstMemory *mem = gst_buffer_peek_memory (buffer, i);

    if (!gst_is_dmabuf_memory (mem)) {
      *why = "a frame is no dma-buf";
      break;
    }
    r->n = i + 1;
    r->sizes[i] = mem->offset + mem->size;
    r->fds[i] = fcntl (gst_dmabuf_memory_get_fd (mem), F_DUPFD_CLOEXEC, 3);
    r->data[i] = mmap (NULL, r->sizes[i], PROT_READ, MAP_SHARED, r->fds[i], 0);
    if (r->data[i] == MAP_FAILED) {
      r->data[i] = NULL;
      *why = "a dma-buf cannot be mapped";
      break;
    }
  }
  if (*why)
    g_clear_pointer (&r, reading_free);

  return r;
}

static gboolean
attach_fence (Reader * self, GstBuffer * buffer, GError ** error)
{
  gint fence = timeline_fence (self->timeline, ++self->value);
  gboolean ret;

  g_return_val_if_fail (fence >= 0, FALSE);
  ret = gst_dma_fence_import_buffer (buffer, fence, GST_DMA_ACCESS_READ, error);
  close (fence);

  return ret;
}

static void
on_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad, gpointer user_data)
{
  GstDmaFenceMeta *meta = gst_buffer_get_dma_fence_meta (buffer);
  g_autoptr (GError) error = NULL;
  Reader *self = user_data;
  const gchar *why = NULL;
  Reading *r;

  (void) pad;
  if (self->error)
    return;
  if (meta && gst_dma_fence_state_get (meta->state) == 0)
    self->unfinished++;
  if (!gst_dma_fence_wait_buffer (buffer, GST_DMA_ACCESS_READ, WAIT, NULL, NULL, &error)
      || !(r = reading_new (buffer, &why))
      || (!opt_no_fence && !attach_fence (self, buffer, &error))) {
    self->error = g_strdup (error ? error->message : why);
    GST_ELEMENT_ERROR (sink, RESOURCE, READ, ("%s", self->error), (NULL));
    return;
  }
  r->sum = checksum (r);
  r->until = g_get_monotonic_time () + opt_hold * G_TIME_SPAN_MILLISECOND;
  self->frames++;
  g_async_queue_push (self->queue, r);
}

static gpointer
read_again (gpointer user_data)
{
  Reader *self = user_data;
  Reading *r;

  while ((r = g_async_queue_pop (self->queue))->until) {
    gint64 left = r->until - g_get_monotonic_time ();

    if (left > 0)
      g_usleep (left);
    if (checksum (r) != r->sum)
      self->overwritten++;
    if (!opt_no_fence)
      timeline_advance (self->timeline, 1);
    reading_free (r);
  }
  reading_free (r);

  return NULL;
}

static gint
run (const gchar * description)
{
  Reader self = {.queue = g_async_queue_new (),.timeline = timeline_new () };
  g_autoptr (GstElement) sink = NULL;
  g_autofree gchar *error = NULL;
  GstElement *pipeline;
  GThread *thread;
  guint64 early;

  if (self.timeline < 0) {
    g_printerr ("there is no sw_sync in /sys/kernel/debug/sync\n");
    return 2;
  }
  pipeline = pipeline_new (description, "sync=false signal-handoffs=true");
  if (!pipeline)
    return 2;
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  sink_prepare (sink, opt_early);
  g_signal_connect (sink, "handoff", G_CALLBACK (on_frame), &self);
  thread = g_thread_new ("reader", read_again, &self);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = pipeline_wait (pipeline, opt_timeout * GST_SECOND);
  early = stat_of (pipeline, "last", "frames-early");
  g_async_queue_push (self.queue, g_new0 (Reading, 1));
  g_thread_join (thread);
  if (!pipeline_end (pipeline, 10 * GST_SECOND) && !error)
    error = g_strdup ("it did not stop within 10 s");
  close (self.timeline);
  g_async_queue_unref (self.queue);
  g_free (self.error);

  g_print ("frames %u overwritten %u early %" G_GUINT64_FORMAT " unfinished %u\n", self.frames,
      self.overwritten, early, self.unfinished);
  if (error)
    g_printerr ("%s\n", error);

  return error ? 2 : 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("PIPELINE");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("%s\n", error ? error->message : "a pipeline is needed; see --help");
    return 2;
  }

  return run (argv[1]);
}
