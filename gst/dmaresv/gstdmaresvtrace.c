/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SECTION:gstdmaresvtrace
 * @title: fence events
 * @short_description: what happens to buffers and fences, told in one place
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvtrace.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gst/allocators/allocators.h>

gint _gst_dmaresv_trace_active = 0;
guint64 _gst_dmaresv_trace_last_id = 0;

/* Fields that only some events have; the others are told when they are set. */
enum
{
  HAS_WAITED = 1 << 0,
  HAS_KEY = 1 << 1,
  HAS_FRAME = 1 << 2,
  HAS_ERROR = 1 << 3
};

static const struct
{
  const gchar *name;
  GstDebugLevel level;
  guint has;
} kinds[] = {
  [GST_DMARESV_EVENT_EXPORT] = {"export", GST_LEVEL_LOG, 0},
  [GST_DMARESV_EVENT_IMPORT] = {"import", GST_LEVEL_LOG, 0},
  [GST_DMARESV_EVENT_WAIT_BEGIN] = {"wait-begin", GST_LEVEL_DEBUG, 0},
  [GST_DMARESV_EVENT_WAIT_END] = {"wait-end", GST_LEVEL_DEBUG, HAS_WAITED},
  [GST_DMARESV_EVENT_JOB_QUEUED] = {"job-queued", GST_LEVEL_LOG, HAS_KEY | HAS_FRAME},
  [GST_DMARESV_EVENT_JOB_DONE] = {"job-done", GST_LEVEL_LOG, HAS_ERROR},
  [GST_DMARESV_EVENT_HAND_OVER] = {"hand-over", GST_LEVEL_DEBUG, HAS_FRAME},
  [GST_DMARESV_EVENT_RELEASE] = {"release", GST_LEVEL_LOG, 0},
  [GST_DMARESV_EVENT_REUSE_DELAYED] = {"reuse-delayed", GST_LEVEL_DEBUG, 0},
  [GST_DMARESV_EVENT_REUSE_READY] = {"reuse-ready", GST_LEVEL_DEBUG, HAS_WAITED},
  [GST_DMARESV_EVENT_REUSED] = {"reused", GST_LEVEL_LOG, 0},
};

GstDebugCategory *
gst_dmaresv_trace_category (void)
{
  static gsize category = 0;

  if (g_once_init_enter (&category)) {
    GstDebugCategory *cat = _gst_debug_category_new ("dmaresvfence", 0,
        "implicit fences of dma-bufs");

    g_once_init_leave (&category, (gsize) cat);
  }

  return (GstDebugCategory *) category;
}

static const gchar *const causes[] = {
  [GST_DMARESV_CAUSE_NONE] = "",
  [GST_DMARESV_CAUSE_ACQUIRE] = "acquire",
  [GST_DMARESV_CAUSE_RELEASE] = "release",
  [GST_DMARESV_CAUSE_MAP] = "map",
  [GST_DMARESV_CAUSE_JOB] = "job",
  [GST_DMARESV_CAUSE_FENCE] = "fence",
  [GST_DMARESV_CAUSE_MEMORY] = "memory",
};

static const gchar *const states[] = {
  [GST_DMARESV_STATE_NONE] = "",
  [GST_DMARESV_STATE_PENDING] = "pending",
  [GST_DMARESV_STATE_SIGNALLED] = "signalled",
  [GST_DMARESV_STATE_FAILED] = "failed",
  [GST_DMARESV_STATE_TIMEOUT] = "timeout",
  [GST_DMARESV_STATE_CANCELLED] = "cancelled",
  [GST_DMARESV_STATE_EARLY] = "early",
  [GST_DMARESV_STATE_FINISHED] = "finished",
};

const gchar *
gst_dmaresv_trace_type_name (GstDmaResvEventType type)
{
  return kinds[type].name;
}

const gchar *
gst_dmaresv_trace_cause_name (GstDmaResvCause cause)
{
  return causes[cause];
}

const gchar *
gst_dmaresv_trace_state_name (GstDmaResvEventState state)
{
  return states[state];
}

/* Names */

static GMutex names_lock;
static gchar *names[G_MAXUINT8 + 1];    /* by number; they stay, so that nobody needs the lock to read one */
static guint n_names = 1;

guint8
gst_dmaresv_trace_name (const gchar * name)
{
  guint i;

  if (!name || !*name)
    return 0;
  g_mutex_lock (&names_lock);
  for (i = 1; i < n_names && strcmp (names[i], name) != 0; i++);
  if (i == G_N_ELEMENTS (names)) {
    i = 0;
  } else if (i == n_names) {
    names[i] = g_strdup (name);
    /* whoever sees the number sees the name */
    __atomic_store_n (&n_names, i + 1, __ATOMIC_RELEASE);
  }
  g_mutex_unlock (&names_lock);

  return i;
}

const gchar *
gst_dmaresv_trace_name_text (guint8 number)
{
  return number < __atomic_load_n (&n_names, __ATOMIC_ACQUIRE) ? names[number] : NULL;
}

/* Text */

typedef struct
{
  gchar *at;
  gchar *end;                   /* of what may be written, a zero less */
  gboolean typed;
} Text;

static void
text_add (Text * text, const gchar * what)
{
  gsize length = strlen (what);

  length = MIN (length, (gsize) (text->end - text->at));
  memcpy (text->at, what, length);
  text->at += length;
}

static void
text_add_number (Text * text, guint64 value)
{
  gchar digits[24], *first = digits + sizeof (digits) - 1;

  *first = '\0';
  do {
    *--first = '0' + value % 10;
    value /= 10;
  } while (value > 0);
  text_add (text, first);
}

/* Drivers name their timelines as they like: what would end a value, or needs quotes in a
 * GstStructure, becomes '_'. */
static void
text_add_word (Text * text, const gchar * word, gsize length)
{
  for (; length-- > 0 && *word && text->at < text->end; word++)
    *text->at++ = g_ascii_isalnum (*word) || strchr ("-+/:.", *word) ? *word : '_';
}

/* @key: with the separator and, in the typed form, @type */
static void
text_add_key (Text * text, const gchar * key, const gchar * type)
{
  text_add (text, ", ");
  text_add (text, key);
  text_add (text, text->typed ? type : "=");
}

static void
text_add_u64 (Text * text, const gchar * key, guint64 value)
{
  text_add_key (text, key, "=(guint64)");
  text_add_number (text, value);
}

static void
text_add_fd (Text * text, const gchar * key, gint fd)
{
  if (fd <= 0)
    return;
  text_add_key (text, key, "=(int)");
  text_add_number (text, fd);
}

static void
text_add_chars (Text * text, const gchar * key, const gchar * value, gsize length)
{
  if (!value || !*value)
    return;
  text_add_key (text, key, "=(string)");
  text_add_word (text, value, length);
}

static void
text_add_string (Text * text, const gchar * key, const gchar * value)
{
  text_add_chars (text, key, value, G_MAXSIZE);
}

/* A string that a GstStructure takes for one without quotes: "1:2:3". */
static void
text_add_reads (Text * text, const GstDmaResvEvent * event)
{
  const guint64 *reads = event->extra;
  gboolean first = TRUE;
  guint i;

  for (i = 0; i < event->n_extra; i++) {
    if (reads[i] == 0)
      continue;
    if (first)
      text_add_key (text, "reads", "=(string)");
    else
      text_add (text, ":");
    text_add_number (text, reads[i]);
    first = FALSE;
  }
}

static const gchar *
access_name (GstDmaAccess access)
{
  if (access & GST_DMA_ACCESS_WRITE)
    return access & GST_DMA_ACCESS_READ ? "rw" : "write";

  return access & GST_DMA_ACCESS_READ ? "read" : NULL;
}

/**
 * gst_dmaresv_trace_format:
 * @event: an event
 * @typed: %TRUE for a record, %FALSE for the log
 * @text: where to write
 *
 * What does not fit is cut off.
 *
 * Returns: the length of @text
 */
gsize
gst_dmaresv_trace_format (const GstDmaResvEvent * event, gboolean typed,
    gchar out[GST_DMARESV_TRACE_TEXT])
{
  /* room for the last ';' */
  Text text = {.at = out,.end = out + GST_DMARESV_TRACE_TEXT - 2,.typed = typed };
  guint has = kinds[event->type].has;

  text_add (&text, typed ? "dmaresv, event=(string)" : "");
  text_add (&text, kinds[event->type].name);
  text_add_u64 (&text, "ts", event->ts);
  if (event->id)
    text_add_u64 (&text, "id", event->id);
  text_add_string (&text, "unit", gst_dmaresv_trace_name_text (event->unit));
  text_add_string (&text, "cause", causes[event->cause]);
  if (!(has & HAS_ERROR))
    text_add_string (&text, "state", states[event->state]);
  if (event->inode)
    text_add_u64 (&text, "inode", event->inode);
  text_add_fd (&text, "fd", event->fd);
  text_add_string (&text, "access", access_name (event->access));
  text_add_fd (&text, "sync", event->sync_fd);
  if (!(has & HAS_KEY) && event->n_extra == GST_DMARESV_EXTRA_FENCE) {
    text_add_chars (&text, "driver", event->extra, 32);
    text_add_chars (&text, "timeline", (const gchar *) event->extra + 32, 32);
  }
  if (has & HAS_WAITED)
    text_add_u64 (&text, "waited", event->waited);
  if (has & HAS_KEY)
    text_add_reads (&text, event);
  if (has & HAS_KEY)
    text_add_u64 (&text, "key", event->key);
  if ((has & HAS_FRAME) && event->frame != GST_DMARESV_NO_FRAME)
    text_add_u64 (&text, "frame", event->frame);
  if (has & HAS_ERROR) {
    text_add_key (&text, "error", "=(int)");
    text_add_number (&text, event->state == GST_DMARESV_STATE_FAILED);
  }
  if (typed)
    *text.at++ = ';';
  *text.at = '\0';

  return text.at - out;
}

/* Telling */

guint64
gst_dmaresv_trace_inode (gint fd)
{
  struct stat st;

  return fd >= 0 && fstat (fd, &st) == 0 ? st.st_ino : 0;
}

static gint
buffer_fd (GstBuffer * buffer)
{
  GstMemory *mem = gst_buffer_n_memory (buffer) > 0 ? gst_buffer_peek_memory (buffer, 0) : NULL;

  return mem && gst_is_fd_memory (mem) ? gst_fd_memory_get_fd (mem) : -1;
}

guint64
gst_dmaresv_trace_buffer_inode (GstBuffer * buffer)
{
  return gst_dmaresv_trace_inode (buffer_fd (buffer));
}

/* Where events go. Nothing else in the process takes this lock, and never for longer than it takes to
 * copy one, or to exchange the sink. */
static GMutex sink_lock;
static GstDmaResvTraceSink the_sink;
static GstDebugCategory *records;       /* GST_TRACER */

/* Apart, as the text needs much of the stack. */
static void __attribute__((noinline))
    log_event (const GstDmaResvEvent * event)
{
  GstDebugCategory *cat = gst_dmaresv_trace_category ();
  GstDebugLevel level = kinds[event->type].level;
  gchar text[GST_DMARESV_TRACE_TEXT];

  if (gst_debug_category_get_threshold (cat) >= level) {
    gst_dmaresv_trace_format (event, FALSE, text);
    gst_debug_log (cat, level, __FILE__, kinds[event->type].name, __LINE__, NULL, "%s", text);
  }
  if (__atomic_load_n (&_gst_dmaresv_trace_active, __ATOMIC_ACQUIRE) > 0
      && gst_debug_category_get_threshold (records) >= GST_LEVEL_TRACE) {
    gst_dmaresv_trace_format (event, TRUE, text);
    gst_debug_log (records, GST_LEVEL_TRACE, __FILE__, "dmaresv", __LINE__, NULL, "%s", text);
  }
}

/* With the lock. */
static inline void
record_event (const GstDmaResvEvent * event)
{
  GstDmaResvEvent *out = (GstDmaResvEvent *) the_sink.at;
  guint i, n = event->n_extra;

  if (G_UNLIKELY (the_sink.end - the_sink.at < (gssize) GST_DMARESV_MAX_EVENT)) {
    the_sink.lost++;
    return;
  }
  memcpy (out, event, GST_DMARESV_EVENT_SIZE);
  if (n > 0) {
    if (G_UNLIKELY (n > GST_DMARESV_MAX_EXTRA))
      out->n_extra = n = GST_DMARESV_MAX_EXTRA;
    for (i = 0; i < n; i++)
      memcpy (the_sink.at + GST_DMARESV_EVENT_SIZE + 8 * i, (const gchar *) event->extra + 8 * i,
          8);
  }
  out->size = GST_DMARESV_EVENT_SIZE + 8 * n;
  the_sink.at += GST_DMARESV_EVENT_SIZE + 8 * n;
  if (G_UNLIKELY (the_sink.at > the_sink.wake_at))
    the_sink.wake (&the_sink);
}

/**
 * gst_dmaresv_trace_emit:
 * @event: what happened
 *
 * Tells it to the log, and to the tracer where there is one.  Use
 * GST_DMARESV_TRACE().
 */
void
gst_dmaresv_trace_emit (GstDmaResvEvent * event)
{
  /* as gst_util_get_timestamp() does it */
  if (event->ts == 0) {
    struct timespec now;

    clock_gettime (CLOCK_MONOTONIC, &now);
    event->ts = GST_TIMESPEC_TO_TIME (now);
  }
  if (event->inode == 0 && event->fd > 0)
    event->inode = gst_dmaresv_trace_inode (event->fd);
#ifndef GST_DISABLE_GST_DEBUG
  if (G_UNLIKELY (GST_LEVEL_DEBUG <= _gst_debug_min))
    log_event (event);
#endif

  g_mutex_lock (&sink_lock);
  record_event (event);
  g_mutex_unlock (&sink_lock);
}

/* Recording */

void
gst_dmaresv_trace_exchange (GstDmaResvTraceSink * sink)
{
  GstDmaResvTraceSink old;

  g_mutex_lock (&sink_lock);
  old = the_sink;
  the_sink = *sink;
  *sink = old;
  g_mutex_unlock (&sink_lock);
}

void
gst_dmaresv_trace_add_tracer (gint n)
{
  static gsize once = 0;

  if (g_once_init_enter (&once)) {
    GST_DEBUG_CATEGORY_GET (records, "GST_TRACER");
    g_once_init_leave (&once, 1);
  }
  __atomic_add_fetch (&_gst_dmaresv_trace_active, n, __ATOMIC_RELEASE);
}
