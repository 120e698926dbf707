/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:tracer-dmaresv
 * @short_description: records what happens to buffers and their fences
 *
 * Each event (see gstdmaresvtrace.h) becomes one line, a serialised
 * #GstStructure named "dmaresv", in the debug category GST_TRACER at level
 * TRACE, where all tracers write.  Text is what a log costs most, so a file gets
 * the same as bytes (docs/tracing.md has the layout):
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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "gstdmaresvtrace.h"

GST_DEBUG_CATEGORY_STATIC (dmaresv_tracer_debug);
#define GST_CAT_DEFAULT dmaresv_tracer_debug

/* The file is written in pieces of this size, and when the last piece is this old. */
#define PIECE 65536
#define AGE (500 * GST_MSECOND)

/* What the file begins with, in the machine's byte order like all of it. */
static const struct
{
  gchar magic[8];
  guint32 version;
  guint32 order;
} file_header = { "DMARESV", 1, 0x01020304 };

/* One event; its reads follow, then its unit, driver and timeline, each with a terminating zero, then
 * zeros to a multiple of 8 bytes. */
typedef struct
{
  guint16 size;                 /* with what follows */
  guint8 type, cause, state, access;
  guint8 n_reads, failed;
  gint32 fd, sync_fd;
  guint64 ts, id, inode;
  guint64 waited;               /* or the key */
  guint64 frame;
} FileEvent;

G_STATIC_ASSERT (sizeof (FileEvent) == 56);

/* Longer names are cut. */
#define NAME_SIZE 32
#define MAX_READS 32
#define MAX_EVENT (sizeof (FileEvent) + 3 * NAME_SIZE + MAX_READS * sizeof (guint64) + 8)

struct _GstDmaResvTracer
{
  GstTracer parent;

  GstDebugCategory *records;    /* GST_TRACER */

  /* events come one at a time */
  gint fd;                      /* -1: no file */
  gsize length;
  GstClockTime written;
  gchar *piece;
};

G_DEFINE_TYPE_WITH_CODE (GstDmaResvTracer, gst_dmaresv_tracer, GST_TYPE_TRACER,
    GST_DEBUG_CATEGORY_INIT (dmaresv_tracer_debug, "dmaresvtracer", 0, "the tracer dmaresv"));

G_LOCK_DEFINE_STATIC (tracers);
static GSList *tracers;         /* those that record */

/* A file that cannot be written ends the recording, not the program. */
static void
tracer_write (GstDmaResvTracer * self)
{
  gsize done = 0;

  while (self->fd >= 0 && done < self->length) {
    gssize n = write (self->fd, self->piece + done, self->length - done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      GST_ERROR_OBJECT (self, "the trace ends here: %s", g_strerror (errno));
      g_close (self->fd, NULL);
      self->fd = -1;
      break;
    }
    done += n;
  }
  self->length = 0;
}

static gchar *
add_name (gchar * at, const gchar * name)
{
  gsize length = name ? strnlen (name, NAME_SIZE - 1) : 0;

  if (length > 0)
    memcpy (at, name, length);
  at[length] = '\0';

  return at + length + 1;
}

static void
tracer_add (GstDmaResvTracer * self, const GstDmaResvEvent * event)
{
  guint n_reads = MIN (event->n_reads, MAX_READS);
  FileEvent *out;
  gchar *at;

  if (self->length + MAX_EVENT > PIECE)
    tracer_write (self);
  out = (FileEvent *) (self->piece + self->length);
  out->type = event->type;
  out->cause = event->cause;
  out->state = event->state;
  out->access = event->access;
  out->n_reads = n_reads;
  out->failed = event->error != 0;
  out->fd = event->fd;
  out->sync_fd = event->sync_fd;
  out->ts = event->ts;
  out->id = event->id;
  out->inode = event->inode;
  out->waited = event->type == GST_DMARESV_EVENT_JOB_QUEUED ? event->key : event->waited;
  out->frame = event->frame;

  at = (gchar *) (out + 1);
  if (n_reads > 0)
    memcpy (at, event->reads, n_reads * sizeof (guint64));
  at = add_name (at + n_reads * sizeof (guint64), event->unit);
  at = add_name (at, event->driver);
  at = add_name (at, event->timeline);
  /* whole words, so that the next one is aligned */
  while ((at - self->piece) % sizeof (guint64))
    *at++ = '\0';
  out->size = at - (gchar *) out;
  self->length += out->size;

  if (event->ts - self->written > AGE) {
    tracer_write (self);
    self->written = event->ts;
  }
}

static void
tracer_event (const GstDmaResvEvent * event, gpointer user_data)
{
  GstDmaResvTracer *self = user_data;

  if (self->piece)
    tracer_add (self, event);
  if (G_UNLIKELY (gst_debug_category_get_threshold (self->records) >= GST_LEVEL_TRACE)) {
    gchar text[GST_DMARESV_TRACE_TEXT];

    gst_dmaresv_trace_format (event, TRUE, text);
    gst_debug_log (self->records, GST_LEVEL_TRACE, __FILE__, "dmaresv", __LINE__, NULL, "%s", text);
  }
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

/* At exit; gst_deinit() tells only tracers with hooks. */
static void
tracers_stop (void)
{
  while (tracers)
    gst_dmaresv_tracer_stop (tracers->data);
}

static void
gst_dmaresv_tracer_constructed (GObject * object)
{
  GstDmaResvTracer *self = GST_DMARESV_TRACER (object);
  g_autofree gchar *file = NULL;

  G_OBJECT_CLASS (gst_dmaresv_tracer_parent_class)->constructed (object);

  file = tracer_get_file (self);
  if (file) {
    self->fd = g_open (file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (self->fd < 0)
      GST_ERROR_OBJECT (self, "no trace in \"%s\": %s", file, g_strerror (errno));
    else
      self->piece = g_malloc (PIECE);
    if (self->piece) {
      memcpy (self->piece, &file_header, sizeof (file_header));
      self->length = sizeof (file_header);
    }
  }

  G_LOCK (tracers);
  if (!tracers)
    atexit (tracers_stop);
  tracers = g_slist_prepend (tracers, gst_object_ref (self));
  G_UNLOCK (tracers);
  gst_dmaresv_trace_add_func (tracer_event, self);
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
  g_return_if_fail (GST_IS_DMARESV_TRACER (self));

  G_LOCK (tracers);
  tracers = g_slist_remove (tracers, self);
  G_UNLOCK (tracers);
  gst_dmaresv_trace_remove_func (tracer_event, self);
  tracer_write (self);
  gst_object_unref (self);
}

static void
gst_dmaresv_tracer_finalize (GObject * object)
{
  GstDmaResvTracer *self = GST_DMARESV_TRACER (object);

  if (self->fd >= 0)
    g_close (self->fd, NULL);
  g_free (self->piece);

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
  self->written = gst_util_get_timestamp ();
  GST_DEBUG_CATEGORY_GET (self->records, "GST_TRACER");
}

gboolean
gst_dmaresv_tracer_register (GstPlugin * plugin)
{
  return gst_tracer_register (plugin, "dmaresv", GST_TYPE_DMARESV_TRACER);
}
