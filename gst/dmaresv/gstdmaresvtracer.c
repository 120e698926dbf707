/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:tracer-dmaresv
 * @short_description: records what happens to buffers and their fences
 *
 * Each event (see gstdmaresvtrace.h) becomes one line, a serialised
 * #GstStructure named "dmaresv", in the debug category GST_TRACER at level
 * TRACE, where all tracers write.  With a file it goes there as well, which
 * costs far less than the debug log:
 *
 * ```
 * GST_TRACERS="dmaresv(file=/tmp/fences.log)" gst-launch-1.0 ...
 * dmaresv-timeline /tmp/fences.log -o fences.html
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

struct _GstDmaResvTracer
{
  GstTracer parent;

  GstDebugCategory *records;    /* GST_TRACER */

  GMutex lock;                  /* all below */
  gint fd;                      /* -1: no file */
  gsize length;
  GstClockTime written;
  gchar *piece;
};

G_DEFINE_TYPE_WITH_CODE (GstDmaResvTracer, gst_dmaresv_tracer, GST_TYPE_TRACER,
    GST_DEBUG_CATEGORY_INIT (dmaresv_tracer_debug, "dmaresvtracer", 0, "the tracer dmaresv"));

G_LOCK_DEFINE_STATIC (tracers);
static GSList *tracers;         /* those that record */

/* Called with the lock. A file that cannot be written ends the recording, not the program. */
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

static void
tracer_add (GstDmaResvTracer * self, const gchar * text, gsize length, GstClockTime now)
{
  g_mutex_lock (&self->lock);
  if (self->length + length + 1 > PIECE)
    tracer_write (self);
  memcpy (self->piece + self->length, text, length);
  self->length += length;
  self->piece[self->length++] = '\n';
  if (now - self->written > AGE) {
    tracer_write (self);
    self->written = now;
  }
  g_mutex_unlock (&self->lock);
}

static void
tracer_event (const GstDmaResvEvent * event, gpointer user_data)
{
  GstDmaResvTracer *self = user_data;
  gboolean log = gst_debug_category_get_threshold (self->records) >= GST_LEVEL_TRACE;
  gchar text[GST_DMARESV_TRACE_TEXT];
  gsize length;

  if (!log && !self->piece)
    return;
  length = gst_dmaresv_trace_format (event, TRUE, text);
  if (self->piece)
    tracer_add (self, text, length, event->ts);
  if (log)
    gst_debug_log (self->records, GST_LEVEL_TRACE, __FILE__, "dmaresv", __LINE__, NULL, "%s", text);
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
  g_mutex_lock (&self->lock);
  tracer_write (self);
  g_mutex_unlock (&self->lock);
  gst_object_unref (self);
}

static void
gst_dmaresv_tracer_finalize (GObject * object)
{
  GstDmaResvTracer *self = GST_DMARESV_TRACER (object);

  if (self->fd >= 0)
    g_close (self->fd, NULL);
  g_free (self->piece);
  g_mutex_clear (&self->lock);

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
  g_mutex_init (&self->lock);
  self->fd = -1;
  self->written = gst_util_get_timestamp ();
  GST_DEBUG_CATEGORY_GET (self->records, "GST_TRACER");
}

gboolean
gst_dmaresv_tracer_register (GstPlugin * plugin)
{
  return gst_tracer_register (plugin, "dmaresv", GST_TYPE_DMARESV_TRACER);
}
