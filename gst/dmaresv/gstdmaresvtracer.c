/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:tracer-dmaresv
 * @short_description: records what happens to buffers and their fences
 *
 * Each event (see gstdmaresvtrace.h) becomes one line, a serialised
 * #GstStructure named "dmaresv", in the debug category GST_TRACER at level
 * TRACE, where all tracers write.  Text is what a log costs most, so a file gets
 * the same as bytes (docs/tracing.md has the layout).  A thread that has an event
 * to tell copies it into memory, and another one writes the file:
 *
 * ```
 * GST_TRACERS="dmaresv(file=/tmp/fences.trace)" gst-launch-1.0 ...
 * dmaresv-timeline /tmp/fences.trace -o fences.html
 * ```
 *
 * It holds itself until the process ends, instead of by a hook, as GStreamer
 * dispatches all its hooks, every reference of every object included, as soon as
 * one is registered.
 *
 * The text is the same as a #GstTracerRecord would log, without using that: it
 * formats all its fields each time whether they are set or not, and is
 * deprecated in newer GStreamer.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvtracer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "gstdmaresvtrace.h"

GST_DEBUG_CATEGORY_STATIC (dmaresv_tracer_debug);
#define GST_CAT_DEFAULT dmaresv_tracer_debug

/* Two pieces of memory: events go into one, while the other is written. */
#define PIECE (512 * 1024)
/* A piece is written when it is this full, or so long after its first event. */
#define FULL (PIECE / 2)
#define AGE (250 * G_TIME_SPAN_MILLISECOND)

/* What the file begins with, in the machine's byte order like all of it. */
static const struct
{
  gchar magic[8];
  guint32 version;
  guint32 order;
} file_header = { "DMARESV", 2, 0x01020304 };

/* What else the file has, in the place of an event. */
typedef struct
{
  guint16 size;                 /* with what follows */
  guint8 type;
  guint8 number;                /* NAME: of the name that follows, for the events after it */
  guint32 count;                /* LOST: so many events are missing here */
} FileNote;

enum
{
  NOTE_LOST = 254,
  NOTE_NAME = 255
};

G_STATIC_ASSERT (sizeof (FileNote) == 8);

/* Longer names are cut. */
#define NAME_SIZE 32

/*
 * Threads: whoever has an event to tell copies it into the sink
 * (gstdmaresvtrace.c), and tells the writer two times for each piece only:
 * tracer_wake().  The writer exchanges the sink, and has no lock while it writes.
 * It starts with the first event, so that a program may become a daemon (fork)
 * between gst_init() and its pipeline.
 */
struct _GstDmaResvTracer
{
  GstTracer parent;

  GThread *writer;
  pid_t pid;                    /* whose it is */
  GMutex lock;
  GCond cond;
  gboolean begun, full, stop;

  /* of the writer, and without it of whoever stops */
  gint fd;                      /* -1: none */
  guint n_names;                /* in the file */
  gchar *memory;                /* both pieces; NULL: no file */
  gchar *piece;                 /* the one in the sink */
};

G_DEFINE_TYPE_WITH_CODE (GstDmaResvTracer, gst_dmaresv_tracer, GST_TYPE_TRACER,
    GST_DEBUG_CATEGORY_INIT (dmaresv_tracer_debug, "dmaresvtracer", 0, "the tracer dmaresv"));

G_LOCK_DEFINE_STATIC (tracers);
static GSList *tracers;         /* those that record */

/* Writing */

/* A file that cannot be written ends the recording, not the program. */
static void
tracer_write (GstDmaResvTracer * self, gconstpointer data, gsize length)
{
  gsize done = 0;

  while (self->fd >= 0 && done < length) {
    gssize n = write (self->fd, (const gchar *) data + done, length - done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      GST_ERROR_OBJECT (self, "the trace ends here: %s", g_strerror (errno));
      g_close (self->fd, NULL);
      self->fd = -1;
    }
    done += n;
  }
}

/* Those that the file does not have; each was there before the events that use it. */
static void
tracer_write_names (GstDmaResvTracer * self)
{
  const gchar *name;

  while ((name = gst_dmaresv_trace_name_text (self->n_names + 1))) {
    struct
    {
      FileNote note;
      gchar name[NAME_SIZE];
    } out = { {sizeof (out), NOTE_NAME, ++self->n_names, 0}, "" };

    g_strlcpy (out.name, name, sizeof (out.name));
    tracer_write (self, &out, sizeof (out));
  }
}

static gpointer tracer_run (gpointer data);

/* A signal is for the program's own threads. With the tracer's lock. */
static void
tracer_start_writer (GstDmaResvTracer * self)
{
  g_autoptr (GError) error = NULL;
  sigset_t all, old;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  self->pid = getpid ();
  self->writer = g_thread_try_new ("dmaresvtracer", tracer_run, self, &error);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  if (!self->writer)
    GST_ERROR_OBJECT (self, "%s: the file is written at the end only", error->message);
}

/* Tells the writer when a piece begins, and again when it is full. */
static void
tracer_wake (GstDmaResvTraceSink * sink)
{
  GstDmaResvTracer *self = sink->user_data;
  gchar *piece = sink->end - PIECE;
  gboolean full = sink->wake_at > piece;

  sink->wake_at = full ? sink->end : piece + FULL;
  g_mutex_lock (&self->lock);
  if (!self->pid && !self->stop)
    tracer_start_writer (self);
  self->begun = TRUE;
  self->full = full;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
tracer_init_sink (GstDmaResvTracer * self, GstDmaResvTraceSink * sink, gchar * piece)
{
  sink->at = sink->wake_at = piece;
  sink->end = piece + PIECE;
  sink->wake = tracer_wake;
  sink->user_data = self;
}

/* Writes what there is. @last: nothing is recorded any more. */
static void
tracer_flush (GstDmaResvTracer * self, gboolean last)
{
  gchar *data = self->piece;
  gchar *next = data == self->memory ? data + PIECE : self->memory;
  GstDmaResvTraceSink sink = { 0, };

  /* before the exchange: what is told after it counts */
  g_mutex_lock (&self->lock);
  self->begun = self->full = FALSE;
  g_mutex_unlock (&self->lock);
  if (!last && self->fd >= 0)
    tracer_init_sink (self, &sink, next);
  gst_dmaresv_trace_exchange (&sink);
  self->piece = next;
  if (!sink.at)
    return;

  tracer_write_names (self);
  tracer_write (self, data, sink.at - data);
  /* there was no room for what came after the piece's last one */
  if (sink.lost > 0) {
    FileNote note = { sizeof (note), NOTE_LOST, 0, sink.lost };

    tracer_write (self, &note, sizeof (note));
  }
}

static gpointer
tracer_run (gpointer data)
{
  GstDmaResvTracer *self = data;

  g_mutex_lock (&self->lock);
  while (!self->stop) {
    gint64 until;

    while (!self->begun && !self->stop)
      g_cond_wait (&self->cond, &self->lock);
    until = g_get_monotonic_time () + AGE;
    while (!self->full && !self->stop && g_cond_wait_until (&self->cond, &self->lock, until));
    g_mutex_unlock (&self->lock);
    tracer_flush (self, FALSE);
    g_mutex_lock (&self->lock);
  }
  g_mutex_unlock (&self->lock);

  return NULL;
}

/* "file=NAME" is the only parameter. */
static gchar *
tracer_get_file (GstDmaResvTracer * self)
{
  g_autofree gchar *params = NULL, *text = NULL;
  g_autoptr (GstStructure) structure = NULL;

  g_object_get (self, "params", &params, NULL);
  if (!params || !*params)
    return NULL;
  text = g_strconcat ("dmaresv,", params, NULL);
  structure = gst_structure_from_string (text, NULL);
  if (!structure || !gst_structure_has_field_typed (structure, "file", G_TYPE_STRING)) {
    GST_WARNING_OBJECT (self, "not understood: \"%s\"; the only parameter is file=NAME", params);
    return NULL;
  }

  return g_strdup (gst_structure_get_string (structure, "file"));
}

static gint
has_file (gconstpointer tracer, gconstpointer unused)
{
  (void) unused;
  return GST_DMARESV_TRACER ((gpointer) tracer)->fd >= 0 ? 0 : 1;
}

/* A header alone is a trace as well, of nothing. With the lock of the tracers. */
static void
tracer_open (GstDmaResvTracer * self, const gchar * file)
{
  GstDmaResvTraceSink sink = { 0, };
  gpointer memory;

  if (g_slist_find_custom (tracers, NULL, has_file)) {
    GST_ERROR_OBJECT (self, "no trace in \"%s\": there is one already, in another file", file);
    return;
  }
  memory = mmap (NULL, 2 * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) {
    self->memory = memory;
    self->fd = g_open (file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (self->fd < 0) {
    GST_ERROR_OBJECT (self, "no trace in \"%s\": %s", file, g_strerror (errno));
    return;
  }
  tracer_write (self, &file_header, sizeof (file_header));
  self->piece = self->memory;
  tracer_init_sink (self, &sink, self->piece);
  gst_dmaresv_trace_exchange (&sink);
}

/* At exit; gst_deinit() tells only tracers with hooks. */
static void
tracers_stop (void)
{
  while (tracers) {
    GstDmaResvTracer *self = tracers->data;

    /* a child that was forked has no writer, and the file is its parent's */
    if (self->pid && self->pid != getpid ())
      tracers = g_slist_remove (tracers, self);
    else
      gst_dmaresv_tracer_stop (self);
  }
}

static void
gst_dmaresv_tracer_constructed (GObject * object)
{
  GstDmaResvTracer *self = GST_DMARESV_TRACER (object);
  g_autofree gchar *file = NULL;

  G_OBJECT_CLASS (gst_dmaresv_tracer_parent_class)->constructed (object);

  file = tracer_get_file (self);
  G_LOCK (tracers);
  if (file)
    tracer_open (self, file);
  if (!tracers)
    atexit (tracers_stop);
  tracers = g_slist_prepend (tracers, gst_object_ref (self));
  G_UNLOCK (tracers);
  gst_dmaresv_trace_add_tracer (1);
}

/**
 * gst_dmaresv_tracer_stop:
 * @self: (transfer full): a tracer that records
 *
 * Ends the recording; the file is complete then.
 */
void
gst_dmaresv_tracer_stop (GstDmaResvTracer * self)
{
  GThread *writer;

  g_return_if_fail (GST_IS_DMARESV_TRACER (self));

  G_LOCK (tracers);
  tracers = g_slist_remove (tracers, self);
  G_UNLOCK (tracers);
  gst_dmaresv_trace_add_tracer (-1);
  g_mutex_lock (&self->lock);
  self->stop = TRUE;
  writer = g_steal_pointer (&self->writer);
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  if (writer)
    g_thread_join (writer);
  if (self->piece)
    tracer_flush (self, TRUE);
  gst_object_unref (self);
}

static void
gst_dmaresv_tracer_finalize (GObject * object)
{
  GstDmaResvTracer *self = GST_DMARESV_TRACER (object);

  if (self->fd >= 0)
    g_close (self->fd, NULL);
  if (self->memory)
    munmap (self->memory, 2 * PIECE);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);

  G_OBJECT_CLASS (gst_dmaresv_tracer_parent_class)->finalize (object);
}

static void
gst_dmaresv_tracer_class_init (GstDmaResvTracerClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = gst_dmaresv_tracer_constructed;
  object_class->finalize = gst_dmaresv_tracer_finalize;
}

static void
gst_dmaresv_tracer_init (GstDmaResvTracer * self)
{
  GST_OBJECT_FLAG_SET (self, GST_OBJECT_FLAG_MAY_BE_LEAKED);
  self->fd = -1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
}

gboolean
gst_dmaresv_tracer_register (GstPlugin * plugin)
{
  return gst_tracer_register (plugin, "dmaresv", GST_TYPE_DMARESV_TRACER);
}
