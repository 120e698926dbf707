/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Suite for gst/dmaresv: fence events and the tracer that records them. See dmaresvkit.h. */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <gst/allocators/allocators.h>

#include "dmaresvkit.h"
#include "gstdmaresvallocator.h"
#include "gstdmaresvhandover.h"
#include "gstdmaresvpool.h"
#include "gstdmaresvtrace.h"
#include "gstdmaresvtracer.h"

/* Text */

GST_START_TEST (test_format_record)
{
  const guint64 reads[] = { 7, 0, 8 };
  GstDmaResvEvent event = {.type = GST_DMARESV_EVENT_JOB_QUEUED,.ts = G_MAXUINT64,.id = 3,
    .unit = gst_dmaresv_trace_name ("rkvdec"),.inode = 42,.fd = 9,.extra = reads,.n_extra = 3,.key =
        5000,.frame = 11
  };
  gchar text[GST_DMARESV_TRACE_TEXT];
  g_autoptr (GstStructure) s = NULL;
  guint64 ts, id, inode, key, frame;
  gint fd;

  fail_unless_equals_int (gst_dmaresv_trace_format (&event, TRUE, text), strlen (text));
  s = gst_structure_from_string (text, NULL);
  fail_unless (s != NULL, "not a structure: %s", text);
  fail_unless_equals_string (gst_structure_get_name (s), "dmaresv");
  fail_unless_equals_string (gst_structure_get_string (s, "event"), "job-queued");
  fail_unless_equals_string (gst_structure_get_string (s, "unit"), "rkvdec");
  fail_unless_equals_string (gst_structure_get_string (s, "reads"), "7:8");
  fail_unless (gst_structure_get (s, "ts", G_TYPE_UINT64, &ts, "id", G_TYPE_UINT64, &id, "inode",
          G_TYPE_UINT64, &inode, "fd", G_TYPE_INT, &fd, "key", G_TYPE_UINT64, &key, "frame",
          G_TYPE_UINT64, &frame, NULL), "%s", text);
  fail_unless (ts == G_MAXUINT64 && id == 3 && inode == 42 && fd == 9 && key == 5000
      && frame == 11);
  fail_if (gst_structure_has_field (s, "waited"));

  event.frame = GST_DMARESV_NO_FRAME;
  gst_dmaresv_trace_format (&event, TRUE, text);
  fail_if (strstr (text, "frame"), "%s", text);
}

GST_END_TEST;

GST_START_TEST (test_format_log)
{
  GstDmaResvEvent event = {.type = GST_DMARESV_EVENT_WAIT_END,.ts = 1,.cause =
        GST_DMARESV_CAUSE_MAP,.state = GST_DMARESV_STATE_SIGNALLED,.access = GST_DMA_ACCESS_RW
  };
  gchar text[GST_DMARESV_TRACE_TEXT];

  gst_dmaresv_trace_format (&event, FALSE, text);
  fail_unless_equals_string (text,
      "wait-end, ts=1, cause=map, state=signalled, access=rw, waited=0");
}

GST_END_TEST;

/* A driver's names are its own: nothing in them ends a value or a record. */
GST_START_TEST (test_format_hostile_names)
{
  GstDmaFenceInfo info = {.driver = "a, b=(int)3;\n\"",.timeline = "\xff\xfe{[<" };
  GstDmaResvEvent event = {.type = GST_DMARESV_EVENT_WAIT_BEGIN,.extra = info.driver,.n_extra =
        GST_DMARESV_EXTRA_FENCE
  };
  gchar text[GST_DMARESV_TRACE_TEXT];
  g_autoptr (GstStructure) s = NULL;

  gst_dmaresv_trace_format (&event, TRUE, text);
  s = gst_structure_from_string (text, NULL);
  fail_unless (s != NULL, "not a structure: %s", text);
  fail_unless_equals_string (gst_structure_get_string (s, "driver"), "a__b__int_3___");
  fail_unless_equals_string (gst_structure_get_string (s, "timeline"), "_____");
  fail_if (gst_structure_has_field (s, "state"));
}

GST_END_TEST;

GST_START_TEST (test_format_too_long)
{
  guint64 reads[100];
  GstDmaResvEvent event = {.type = GST_DMARESV_EVENT_JOB_QUEUED,.extra = reads,.n_extra = 100 };
  gchar text[GST_DMARESV_TRACE_TEXT];
  guint i;

  for (i = 0; i < 100; i++)
    reads[i] = G_MAXUINT64 - i;
  fail_unless_equals_int (gst_dmaresv_trace_format (&event, TRUE, text), strlen (text));
  fail_unless_equals_int (strlen (text), GST_DMARESV_TRACE_TEXT - 1);
  fail_unless (g_str_has_suffix (text, ";"));
}

GST_END_TEST;

/* Off and on */

GST_START_TEST (test_off_evaluates_nothing)
{
  GstDmaResvTracer *tracer;
  gint evaluated = 0;
  guint i;

  for (i = 0; i < 2; i++) {
    if (!gst_dmaresv_trace_is_on ()) {
      GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED,.id = ++evaluated);
      fail_unless_equals_int (evaluated, i);
      fail_unless (gst_dmaresv_trace_next_id () == 0);
      fail_unless (gst_dmaresv_trace_now () == 0);
    }
    tracer = g_object_new (GST_TYPE_DMARESV_TRACER, NULL);
    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED,.id = ++evaluated);
    fail_unless_equals_int (evaluated, i + 1);
    fail_unless (gst_dmaresv_trace_next_id () != gst_dmaresv_trace_next_id ());
    fail_unless (gst_dmaresv_trace_now () > 0);
    gst_dmaresv_tracer_stop (tracer);
    gst_object_unref (tracer);
  }
}

GST_END_TEST;

#define N_THREADS 4
#define N_EVENTS 2000

static gpointer
tell_many (gpointer data)
{
  guint i;

  for (i = 0; i < N_EVENTS; i++)
    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED,.inode = i + 1);
  return NULL;
}

/* What the tracer tells: the text in GST_TRACER, and the file, which has as many. */

typedef struct
{
  gchar *name;
  GstDmaResvTracer *tracer;
} Recording;

static GMutex records_lock;
static GPtrArray *records_seen;

static void
take_record (GstDebugCategory * category, GstDebugLevel level, const gchar * file,
    const gchar * function, gint line, GObject * object, GstDebugMessage * message, gpointer data)
{
  const gchar *text = gst_debug_message_get (message);
  GstStructure *s;

  if (g_strcmp0 (gst_debug_category_get_name (category), "GST_TRACER") != 0)
    return;
  s = gst_structure_from_string (text, NULL);
  if (!s || !gst_structure_has_name (s, "dmaresv")) {
    g_clear_pointer (&s, gst_structure_free);
    return;
  }
  g_mutex_lock (&records_lock);
  g_ptr_array_add (records_seen, s);
  g_mutex_unlock (&records_lock);
}

static void
recording_begin (Recording * rec)
{
  g_autofree gchar *params = NULL;
  gint fd = g_file_open_tmp ("dmaresvtrace-XXXXXX", &rec->name, NULL);

  fail_unless (fd >= 0);
  close (fd);
  records_seen = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  params = g_strdup_printf ("file=\"%s\"", rec->name);
  rec->tracer = g_object_new (GST_TYPE_DMARESV_TRACER, "params", params, NULL);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (take_record, NULL, NULL);
  gst_debug_set_threshold_for_name ("GST_TRACER", GST_LEVEL_TRACE);
}

/* How many events the file has, and is said to have lost; each begins with its size. */
static guint
count_events (const gchar * data, gsize length, guint * lost)
{
  gsize at = 16;
  guint n = 0;

  *lost = 0;
  fail_unless (length >= at);
  fail_unless_equals_string (data, "DMARESV");
  while (at < length) {
    guint16 size;
    guint8 type = data[at + 2];

    memcpy (&size, data + at, sizeof (size));
    fail_unless (size >= (type < 254 ? 56 : 8) && size % 8 == 0
        && at + size <= length, "event %u of %u bytes", n, size);
    if (type == 254) {
      guint32 count;

      memcpy (&count, data + at + 4, sizeof (count));
      *lost += count;
    }
    n += type < 254;
    at += size;
  }
  return n;
}

/* The records, in order. */
static GPtrArray *
recording_end (Recording * rec)
{
  g_autofree gchar *data = NULL;
  gsize length;
  guint lost;

  gst_dmaresv_tracer_stop (rec->tracer);
  gst_object_unref (rec->tracer);
  gst_debug_remove_log_function (take_record);
  fail_unless (g_file_get_contents (rec->name, &data, &length, NULL));
  g_unlink (rec->name);
  g_free (rec->name);
  fail_unless_equals_int (count_events (data, length, &lost), records_seen->len);
  fail_unless_equals_int (lost, 0);
  return g_steal_pointer (&records_seen);
}

/* The next record of that event from *at on, which moves behind it. */
static const GstStructure *
expect (GPtrArray * records, guint * at, const gchar * event)
{
  while (*at < records->len) {
    const GstStructure *s = g_ptr_array_index (records, (*at)++);

    if (g_strcmp0 (gst_structure_get_string (s, "event"), event) == 0)
      return s;
  }
  fail ("no further %s among %u records", event, records->len);
  return NULL;
}

static guint64
number (const GstStructure * s, const gchar * field)
{
  guint64 value = 0;

  fail_unless (gst_structure_get_uint64 (s, field, &value), "no %s", field);
  return value;
}

#define assert_string(s, field, value) \
  fail_unless_equals_string (gst_structure_get_string (s, field), value)

GST_START_TEST (test_threads)
{
  GThread *threads[N_THREADS];
  g_autoptr (GPtrArray) records = NULL;
  Recording rec;
  guint i;

  recording_begin (&rec);
  for (i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new (NULL, tell_many, NULL);
  for (i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  records = recording_end (&rec);
  fail_unless_equals_int (records->len, N_THREADS * N_EVENTS);
}

GST_END_TEST;

/* What is left when the process is killed: it is written without a further event, and without an end. */
GST_START_TEST (test_file_is_written_meanwhile)
{
  guint8 unit = gst_dmaresv_trace_name ("a unit");
  guint i, lost, n = 0;
  Recording rec;

  recording_begin (&rec);
  for (i = 0; i < 2; i++) {
    gint64 until = g_get_monotonic_time () + 5 * G_TIME_SPAN_SECOND;

    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED,.unit = unit);
    while (n == i && g_get_monotonic_time () < until) {
      g_autofree gchar *data = NULL;
      gsize length;

      g_usleep (20000);
      fail_unless (g_file_get_contents (rec.name, &data, &length, NULL));
      n = count_events (data, length, &lost);
      fail_unless (n == 0 || memmem (data, length, "a unit", 7) != NULL);
    }
    fail_unless_equals_int (n, i + 1);
  }
  g_ptr_array_unref (recording_end (&rec));
}

GST_END_TEST;

static gpointer
read_all (gpointer data)
{
  GByteArray *all = g_byte_array_new ();
  guint8 part[4096];
  gssize n;

  while ((n = read (GPOINTER_TO_INT (data), part, sizeof (part))) > 0)
    g_byte_array_append (all, part, n);
  return all;
}

#define N_TOO_MANY 50000        /* 2.8 MB, more than there is room for */

/* A file that takes nothing holds nobody up, and the trace tells what it misses. */
GST_START_TEST (test_file_that_blocks)
{
  g_autofree gchar *folder = g_dir_make_tmp ("dmaresvtrace-XXXXXX", NULL);
  g_autofree gchar *name = g_build_filename (folder, "pipe", NULL);
  g_autofree gchar *params = g_strdup_printf ("file=\"%s\"", name);
  g_autoptr (GByteArray) all = NULL;
  GstDmaResvTracer *tracer;
  GThread *thread;
  guint i, n, lost;
  gint fd;

  fail_unless (mkfifo (name, 0600) == 0);
  fd = open (name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  tracer = g_object_new (GST_TYPE_DMARESV_TRACER, "params", params, NULL);
  fail_unless (fcntl (fd, F_SETFL, 0) == 0);
  for (i = 0; i < N_TOO_MANY; i++)
    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED);
  thread = g_thread_new (NULL, read_all, GINT_TO_POINTER (fd));
  gst_dmaresv_tracer_stop (tracer);
  gst_object_unref (tracer);
  all = g_thread_join (thread);
  n = count_events ((const gchar *) all->data, all->len, &lost);
  fail_unless (n > 1000 && lost > 1000);
  fail_unless_equals_int (n + lost, N_TOO_MANY);
  close (fd);
  g_unlink (name);
  g_rmdir (folder);
}

GST_END_TEST;

GST_START_TEST (test_names)
{
  guint8 one = gst_dmaresv_trace_name ("one"), two = gst_dmaresv_trace_name ("two");
  guint i, last = 1;

  fail_unless (one != 0 && two != 0 && one != two);
  fail_unless_equals_int (gst_dmaresv_trace_name ("one"), one);
  fail_unless_equals_string (gst_dmaresv_trace_name_text (two), "two");
  fail_unless_equals_int (gst_dmaresv_trace_name (""), 0);
  fail_unless_equals_int (gst_dmaresv_trace_name (NULL), 0);
  fail_unless (gst_dmaresv_trace_name_text (0) == NULL);
  for (i = 0; i < 300; i++) {
    g_autofree gchar *name = g_strdup_printf ("name %u", i);

    last = gst_dmaresv_trace_name (name);
  }
  fail_unless_equals_int (last, 0);
  fail_unless_equals_int (gst_dmaresv_trace_name ("two"), two);
}

GST_END_TEST;

GST_START_TEST (test_bad_parameters)
{
  static const gchar *const params[] =
      { "file=/nonexistent/folder/x", "nothing", "file=(int)5", "" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (params); i++) {
    GstDmaResvTracer *tracer = g_object_new (GST_TYPE_DMARESV_TRACER, "params", params[i], NULL);

    GST_DMARESV_TRACE (.type = GST_DMARESV_EVENT_REUSED);
    gst_dmaresv_tracer_stop (tracer);
    gst_object_unref (tracer);
  }
}

GST_END_TEST;

/* A producer whose job's fence is pending, and the reader that waits for it. */
GST_START_TEST (test_record_waits)
{
  g_autoptr (GPtrArray) records = NULL;
  const GstStructure *begin, *end, *s;
  gint timeline, dmabuf, sync;
  GError *error = NULL;
  Recording rec;
  guint64 inode;
  guint at = 0;

  if (!have_kernel ())
    return;
  timeline = timeline_new ();
  dmabuf = dmabuf_new (BUFFER_SIZE);
  inode = gst_dmaresv_trace_inode (dmabuf);
  fail_unless (inode != 0);

  recording_begin (&rec);
  dmabuf_attach (dmabuf, timeline, 1, GST_DMA_ACCESS_WRITE);
  fail_if (gst_dma_fence_wait_dmabuf (dmabuf, GST_DMA_ACCESS_READ, 5 * MS, NULL, NULL, &error));
  g_clear_error (&error);
  timeline_advance (timeline);
  fail_unless (gst_dma_fence_wait_dmabuf (dmabuf, GST_DMA_ACCESS_READ, MS, NULL, NULL, NULL));
  fail_unless (gst_dma_fence_wait_cpu (dmabuf, GST_DMA_ACCESS_READ, MS, NULL));
  sync = gst_dma_fence_export (dmabuf, GST_DMA_ACCESS_WRITE, NULL);
  close (sync);
  records = recording_end (&rec);

  s = expect (records, &at, "import");
  assert_string (s, "access", "write");
  begin = expect (records, &at, "wait-begin");
  assert_string (begin, "cause", "acquire");
  fail_unless (gst_structure_has_field (begin, "timeline"));
  end = expect (records, &at, "wait-end");
  assert_string (end, "state", "timeout");
  fail_unless (number (end, "id") == number (begin, "id"));
  fail_unless (number (end, "inode") == inode);
  fail_unless (number (end, "waited") >= 5 * MS);
  fail_unless (number (end, "ts") > number (begin, "ts"));

  end = expect (records, &at, "wait-end");
  assert_string (end, "state", "signalled");
  fail_if (gst_structure_has_field (end, "driver"));
  fail_unless (number (end, "waited") == 0);
  end = expect (records, &at, "wait-end");
  assert_string (end, "cause", "map");
  s = expect (records, &at, "export");
  assert_string (s, "access", "write");
  fail_unless (number (s, "inode") == inode);

  close (dmabuf);
  close (timeline);
}

GST_END_TEST;

static GstBuffer *
alloc_dmabuf (GstDmaResvPool * pool, gpointer user_data, GError ** error)
{
  GstBuffer *buffer = gst_buffer_new ();

  gst_buffer_append_memory (buffer, gst_dmaresv_allocator_wrap (user_data,
          dmabuf_new (BUFFER_SIZE), BUFFER_SIZE));
  return buffer;
}

static GstBufferPool *
pool_new (GstAllocator * allocator)
{
  GstBufferPool *pool = gst_dmaresv_pool_new (alloc_dmabuf, allocator, NULL);
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, NULL, BUFFER_SIZE, 1, 1);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  fail_unless (gst_buffer_pool_set_active (pool, TRUE));
  return pool;
}

static void
later_advance (gpointer data)
{
  timeline_advance (GPOINTER_TO_INT (data));
}

/* A reader's fence is pending when the buffer comes back, and somebody wants it. */
GST_START_TEST (test_record_reuse)
{
  GstAllocator *allocator;
  GstBufferPool *pool;
  GstBuffer *buffer = NULL;
  g_autoptr (GPtrArray) records = NULL;
  const GstStructure *s;
  GThread *thread;
  Recording rec;
  guint64 inode;
  gint timeline;
  guint at = 0;

  if (!have_kernel ())
    return;
  timeline = timeline_new ();
  allocator = gst_dmaresv_allocator_new ();
  pool = pool_new (allocator);

  recording_begin (&rec);
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (pool, &buffer, NULL), GST_FLOW_OK);
  inode = gst_dmaresv_trace_buffer_inode (buffer);
  gst_dmaresv_trace_hand_over (buffer, 0, 4, TRUE);
  dmabuf_attach (gst_dmabuf_memory_get_fd (gst_buffer_peek_memory (buffer, 0)), timeline, 1,
      GST_DMA_ACCESS_READ);
  gst_buffer_unref (buffer);
  thread = later_do (20 * MS, later_advance, GINT_TO_POINTER (timeline));
  fail_unless_equals_int (gst_buffer_pool_acquire_buffer (pool, &buffer, NULL), GST_FLOW_OK);
  g_thread_join (thread);
  gst_buffer_unref (buffer);
  records = recording_end (&rec);

  s = expect (records, &at, "reused");
  fail_unless (number (s, "inode") == inode);
  s = expect (records, &at, "hand-over");
  assert_string (s, "state", "early");
  fail_unless (number (s, "frame") == 4);
  expect (records, &at, "release");
  s = expect (records, &at, "reuse-delayed");
  assert_string (s, "cause", "fence");
  s = expect (records, &at, "wait-begin");
  assert_string (s, "cause", "release");
  fail_unless (gst_structure_has_field (s, "driver"));
  s = expect (records, &at, "reuse-ready");
  fail_unless (number (s, "inode") == inode);
  fail_unless (number (s, "waited") >= 10 * MS);
  s = expect (records, &at, "wait-end");
  assert_string (s, "state", "signalled");
  expect (records, &at, "reused");
  expect (records, &at, "release");

  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
  gst_object_unref (allocator);
  close (timeline);
}

GST_END_TEST;

static Suite *
dmaresvtrace_suite (void)
{
  Suite *s = suite_create ("dmaresvtrace");
  TCase *tc = tcase_create ("trace");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_format_record);
  tcase_add_test (tc, test_format_log);
  tcase_add_test (tc, test_format_hostile_names);
  tcase_add_test (tc, test_format_too_long);
  tcase_add_test (tc, test_off_evaluates_nothing);
  tcase_add_test (tc, test_threads);
  tcase_add_test (tc, test_file_is_written_meanwhile);
  tcase_add_test (tc, test_file_that_blocks);
  tcase_add_test (tc, test_names);
  tcase_add_test (tc, test_bad_parameters);
  tcase_add_test (tc, test_record_waits);
  tcase_add_test (tc, test_record_reuse);

  return s;
}

GST_CHECK_MAIN (dmaresvtrace);
