/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a user reads about the elements: gst-inspect-1.0's data, the SECTION
 * blocks of the sources, and every launch line in them, in README.md and in
 * docs/, which has to parse here.  DMARESV_TOP names the folder of the sources.
 */
#include <stdio.h>
#include <string.h>

#include <gst/check/gstcheck.h>

typedef struct
{
  const gchar *name;
  const gchar *type;
  const gchar *klass;
  guint rank;
} Element;

static const Element elements[] = {
  {"dmaresvh264dec", "GstDmaResvH264Dec", "Codec/Decoder/Video/Hardware", GST_RANK_PRIMARY + 2},
  {"dmaresvh265dec", "GstDmaResvH265Dec", "Codec/Decoder/Video/Hardware", GST_RANK_PRIMARY + 2},
  {"dmaresvmpeg2dec", "GstDmaResvMpeg2Dec", "Codec/Decoder/Video/Hardware", GST_RANK_PRIMARY + 2},
  {"dmaresvvp8alphadecodebin", "GstDmaResvVp8AlphaDecodeBin", "Codec/Decoder/Video/Hardware",
      GST_RANK_PRIMARY + 12},
  {"dmaresvvp8dec", "GstDmaResvVp8Dec", "Codec/Decoder/Video/Hardware", GST_RANK_PRIMARY + 2},
  {"dmaresvvp9alphadecodebin", "GstDmaResvVp9AlphaDecodeBin", "Codec/Decoder/Video/Hardware",
      GST_RANK_PRIMARY + 12},
  {"dmaresvvp9dec", "GstDmaResvVp9Dec", "Codec/Decoder/Video/Hardware", GST_RANK_PRIMARY + 2},
  {"rgaconvert", "GstRgaConvert", "Filter/Converter/Video/Scaler/Hardware", GST_RANK_NONE},
};

/* What one reads as a line: there is some, and it ends without a full stop. */
static void
check_line (const gchar * whose, const gchar * what, const gchar * line)
{
  fail_unless (line && *line, "%s has no %s", whose, what);
  fail_unless (g_ascii_isupper (line[0]), "%s: the %s \"%s\" begins in lower case", whose, what,
      line);
  fail_unless (!g_str_has_suffix (line, "."), "%s: the %s \"%s\" ends in a full stop", whose, what,
      line);
}

static gboolean
is_ours (GType type)
{
  return g_str_has_prefix (g_type_name (type), "GstDmaResv")
      || g_str_has_prefix (g_type_name (type), "GstRga");
}

static GstElementFactory *
load_factory (const gchar * name)
{
  GstElementFactory *factory = gst_element_factory_find (name);
  GstPluginFeature *loaded;

  fail_unless (factory != NULL, "there is no %s", name);
  loaded = gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory));
  fail_unless (loaded != NULL);
  gst_object_unref (factory);
  return GST_ELEMENT_FACTORY (loaded);
}

/* Elements that are not in the table would be looked at by none of the tests. */
GST_START_TEST (test_plugin)
{
  GstPlugin *plugin = gst_registry_find_plugin (gst_registry_get (), "dmaresv");
  GList *features, *l;
  GstDateTime *date;
  guint n_tracers = 0, i;

  fail_unless (plugin != NULL);
  check_line ("the plugin", "description", gst_plugin_get_description (plugin));
  fail_unless_equals_string (gst_plugin_get_license (plugin), "LGPL");
  fail_unless_equals_string (gst_plugin_get_source (plugin), "gst-dmaresv");
  fail_unless (gst_plugin_get_origin (plugin) && *gst_plugin_get_origin (plugin));
  fail_unless (gst_plugin_get_package (plugin) && *gst_plugin_get_package (plugin));
  fail_unless (gst_plugin_get_release_date_string (plugin) != NULL);
  date = gst_date_time_new_from_iso8601_string (gst_plugin_get_release_date_string (plugin));
  fail_unless (date && gst_date_time_has_day (date));
  gst_date_time_unref (date);

  features = gst_registry_get_feature_list_by_plugin (gst_registry_get (), "dmaresv");
  for (l = features; l; l = l->next) {
    if (GST_IS_TRACER_FACTORY (l->data)) {
      fail_unless_equals_string (GST_OBJECT_NAME (l->data), "dmaresv");
      n_tracers++;
      continue;
    }
    for (i = 0; i < G_N_ELEMENTS (elements); i++) {
      if (g_str_equal (GST_OBJECT_NAME (l->data), elements[i].name))
        break;
    }
    fail_unless (i < G_N_ELEMENTS (elements), "%s is not known here", GST_OBJECT_NAME (l->data));
  }
  fail_unless_equals_int (n_tracers, 1);
  fail_unless_equals_int (g_list_length (features), n_tracers + G_N_ELEMENTS (elements));
  gst_plugin_feature_list_free (features);
  gst_object_unref (plugin);
}

GST_END_TEST;

GST_START_TEST (test_factory)
{
  const Element *e = &elements[__i__];
  GstElementFactory *factory = load_factory (e->name);
  /* classes say what they are when they are made */
  GstElement *element = gst_element_factory_create (factory, NULL);
  const gchar *text;
  GType type;

  fail_unless (element != NULL);
  check_line (e->name, "long name",
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_LONGNAME));
  text = gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_DESCRIPTION);
  check_line (e->name, "description", text);
  fail_unless_equals_string (gst_element_factory_get_metadata (factory,
          GST_ELEMENT_METADATA_KLASS), e->klass);
  fail_unless_equals_string (gst_element_factory_get_metadata (factory,
          GST_ELEMENT_METADATA_AUTHOR), "The gst-dmaresv developers");
  fail_unless_equals_int (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)), e->rank);
  fail_unless_equals_string (g_type_name (gst_element_factory_get_element_type (factory)), e->type);
  /* The documentation links to what is marked; the element itself is linked anyway. */
  for (type = g_type_parent (gst_element_factory_get_element_type (factory)); is_ours (type);
      type = g_type_parent (type))
    fail_unless (gst_type_is_plugin_api (type, NULL), "%s is not marked as plugin API",
        g_type_name (type));
  gst_object_unref (element);
  gst_object_unref (factory);
}

GST_END_TEST;

GST_START_TEST (test_templates)
{
  const Element *e = &elements[__i__];
  GstElementFactory *factory = load_factory (e->name);
  const GList *l = gst_element_factory_get_static_pad_templates (factory);

  fail_unless_equals_int (g_list_length ((GList *) l), 2);
  for (; l; l = l->next) {
    GstStaticPadTemplate *template = l->data;
    GstCaps *caps = gst_static_pad_template_get_caps (template), *again;
    gchar *text = gst_caps_to_string (caps);

    fail_unless_equals_int (template->presence, GST_PAD_ALWAYS);
    fail_unless_equals_string (template->name_template,
        template->direction == GST_PAD_SINK ? "sink" : "src");
    fail_unless (!gst_caps_is_any (caps) && !gst_caps_is_empty (caps), "%s's %s takes %s", e->name,
        template->name_template, text);
    again = gst_caps_from_string (text);
    fail_unless (again && gst_caps_is_equal (again, caps), "%s", text);
    gst_caps_unref (again);
    gst_caps_unref (caps);
    g_free (text);
  }
  gst_object_unref (factory);
}

GST_END_TEST;

static gboolean
is_number (GParamSpec * spec)
{
  switch (G_TYPE_FUNDAMENTAL (spec->value_type)) {
    case G_TYPE_INT:
    case G_TYPE_UINT:
    case G_TYPE_INT64:
    case G_TYPE_UINT64:
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return TRUE;
    default:
      return FALSE;
  }
}

GST_START_TEST (test_properties)
{
  const Element *e = &elements[__i__];
  GstElement *element = gst_element_factory_make (e->name, NULL);
  guint n, i;
  GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

  for (i = 0; i < n; i++) {
    GValue value = G_VALUE_INIT;
    gchar *whose = g_strdup_printf ("%s:%s", e->name, specs[i]->name);

    if (is_ours (specs[i]->owner_type)) {
      check_line (whose, "nick", g_param_spec_get_nick (specs[i]));
      check_line (whose, "blurb", g_param_spec_get_blurb (specs[i]));
      fail_if (g_str_equal (g_param_spec_get_nick (specs[i]), specs[i]->name));
      fail_unless (!is_number (specs[i]) || g_regex_match_simple ("pixel|byte|\\bns\\b|"
              "nanosecond|second|degree|frame|buffer|percent|ARGB|factor|fraction",
              g_param_spec_get_blurb (specs[i]), G_REGEX_CASELESS, 0), "%s has no unit", whose);
      if (G_TYPE_IS_ENUM (specs[i]->value_type) || G_TYPE_IS_FLAGS (specs[i]->value_type))
        fail_unless (!g_str_has_prefix (g_type_name (specs[i]->value_type), "GstRga")
            || gst_type_is_plugin_api (specs[i]->value_type, NULL), "%s", whose);
      fail_unless (specs[i]->flags & G_PARAM_READABLE, "%s cannot be read", whose);
      fail_unless ((specs[i]->flags & G_PARAM_STATIC_STRINGS) == G_PARAM_STATIC_STRINGS, "%s",
          whose);
      /* before any stream, as gst-inspect-1.0 does */
      g_value_init (&value, specs[i]->value_type);
      g_object_get_property (G_OBJECT (element), specs[i]->name, &value);
      g_value_unset (&value);
    }
    g_free (whose);
  }
  g_free (specs);
  gst_object_unref (element);
}

GST_END_TEST;

/* The sources */

static gchar *
read_file (const gchar * name)
{
  gchar *path = g_build_filename (g_getenv ("DMARESV_TOP"), name, NULL), *text = NULL;

  fail_unless (g_file_get_contents (path, &text, NULL, NULL), "cannot read %s", path);
  g_free (path);
  return text;
}

/* All of @folder's files with @suffix, with what is below it. */
static void
list_files (const gchar * folder, const gchar * suffix, GPtrArray * files)
{
  gchar *path = g_build_filename (g_getenv ("DMARESV_TOP"), folder, NULL);
  GDir *dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  fail_unless (dir != NULL, "no folder %s", path);
  while ((name = g_dir_read_name (dir))) {
    gchar *child = g_build_filename (folder, name, NULL);
    gchar *full = g_build_filename (path, name, NULL);

    if (g_file_test (full, G_FILE_TEST_IS_DIR))
      list_files (child, suffix, files);
    else if (g_str_has_suffix (name, suffix))
      g_ptr_array_add (files, g_strdup (child));
    g_free (child);
    g_free (full);
  }
  g_dir_close (dir);
  g_free (path);
}

/* The SECTION block's text without what begins each line. NULL: there is none. */
static gchar *
find_section (const gchar * name)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  gchar *wanted = g_strdup_printf ("SECTION:element-%s\n", name), *section = NULL;
  guint i;

  list_files ("ext", ".c", files);
  for (i = 0; i < files->len; i++) {
    gchar *text = read_file (g_ptr_array_index (files, i)), *begin, *end;

    if ((begin = strstr (text, wanted)) && (end = strstr (begin, "*/"))) {
      GRegex *regex = g_regex_new ("^ \\* ?", G_REGEX_MULTILINE, 0, NULL);

      fail_unless (section == NULL, "%s has two SECTION blocks", name);
      section = g_regex_replace_literal (regex, begin, end - begin, 0, "", 0, NULL);
      g_regex_unref (regex);
    }
    g_free (text);
  }
  g_free (wanted);
  g_ptr_array_unref (files);
  return section;
}

/* Parses the launch line that begins at @text (an argv of gst-launch-1.0) and goes on where a line
 * ends in a backslash.  Returns what to say of it; NULL: it parsed. */
static gchar *
parse_launch_line (const gchar * text)
{
  GString *line = g_string_new (NULL);
  gchar **argv = NULL, *fault = NULL;
  const gchar **first;
  GError *error = NULL;
  GstElement *pipeline;

  for (; *text && *text != '\n'; text++) {
    if (text[0] == '\\' && text[1] == '\n')
      text++;
    else
      g_string_append_c (line, *text);
  }
  if (!g_shell_parse_argv (line->str, NULL, &argv, &error)) {
    fault = g_strdup_printf ("%s: %s", line->str, error->message);
  } else {
    for (first = (const gchar **) argv + 1; *first && **first == '-'; first++);
    pipeline = gst_parse_launchv_full (first, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (!pipeline)
      fault = g_strdup_printf ("%s: %s", line->str, error->message);
    gst_clear_object (&pipeline);
  }
  g_clear_error (&error);
  g_strfreev (argv);
  g_string_free (line, TRUE);
  return fault;
}

/* DMABuf caps are written in one of two ways, and this GStreamer knows one of them. */
static gboolean
is_for_this_version (const gchar * line)
{
  const gchar *end = line;
  gchar *text;
  gboolean drm, plain;
  guint major, minor, micro, nano;

  while ((end = strchr (end, '\n')) && end > line && end[-1] == '\\')
    end++;
  text = end ? g_strndup (line, end - line) : g_strdup (line);
  drm = strstr (text, "DMA_DRM") != NULL;
  plain = !drm && strstr (text, "(memory:DMABuf),format=");
  g_free (text);
  gst_version (&major, &minor, &micro, &nano);
  return minor >= 24 ? !plain : !drm;
}

static guint
parse_launch_lines (const gchar * where, const gchar * text)
{
  const gchar *line = text;
  guint n = 0;

  while ((line = strstr (line, "gst-launch-1.0 "))) {
    const gchar *after = line + strlen ("gst-launch-1.0 ");

    /* In a sentence it is no line to copy: "..." for what follows, or a backquote behind it. */
    if (!g_str_has_prefix (after, "...") && after[strcspn (after, "`\n")] != '`'
        && is_for_this_version (line)) {
      gchar *fault = parse_launch_line (line);

      fail_unless (fault == NULL, "%s: %s", where, fault);
      n++;
    }
    line = after;
  }
  return n;
}

GST_START_TEST (test_section)
{
  const Element *e = &elements[__i__];
  gchar *section = find_section (e->name), *title, *since;
  guint major, minor, our_major, our_minor;
  GstPlugin *plugin;

  fail_unless (section != NULL, "%s has no SECTION block", e->name);
  title = g_strdup_printf ("@title: %s\n", e->name);
  fail_unless (strstr (section, title) != NULL, "%s", e->name);
  fail_unless (strstr (section, "@short_description: ") != NULL, "%s", e->name);
  fail_unless (strstr (section, "## Example launch line") != NULL, "%s", e->name);
  fail_unless (strstr (section, "|[\ngst-launch-1.0 ") != NULL, "%s", e->name);
  fail_unless (strstr (strstr (section, "|["), e->name) != NULL, "%s's line is without it",
      e->name);
  fail_unless (parse_launch_lines (e->name, section) > 0, "%s has no launch line", e->name);

  /* no version that is still to come */
  since = strstr (section, "\nSince: ");
  fail_unless (since && sscanf (since, "\nSince: %u.%u", &major, &minor) == 2, "%s", e->name);
  plugin = gst_registry_find_plugin (gst_registry_get (), "dmaresv");
  fail_unless (sscanf (gst_plugin_get_version (plugin), "%u.%u", &our_major, &our_minor) == 2);
  fail_unless (major < our_major || (major == our_major && minor <= our_minor),
      "%s: Since: %u.%u, but this is %s", e->name, major, minor, gst_plugin_get_version (plugin));
  gst_object_unref (plugin);
  g_free (title);
  g_free (section);
}

GST_END_TEST;

GST_START_TEST (test_documents)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  guint i, n = 0;

  list_files ("docs", ".md", files);
  g_ptr_array_add (files, g_strdup ("README.md"));
  for (i = 0; i < files->len; i++) {
    gchar *text = read_file (g_ptr_array_index (files, i));

    n += parse_launch_lines (g_ptr_array_index (files, i), text);
    g_free (text);
  }
  fail_unless (n >= 8, "only %u launch lines were found", n);
  g_ptr_array_unref (files);
}

GST_END_TEST;

/* The guide has a section for each element, and names each of its properties. */
GST_START_TEST (test_guide)
{
  const Element *e = &elements[__i__];
  GstElement *element = gst_element_factory_make (e->name, NULL);
  gchar *guide = read_file ("docs/guide.md"), *name = g_strdup_printf ("`%s`", e->name);
  guint n, i;
  GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

  fail_unless (strstr (guide, name) != NULL, "docs/guide.md does not name %s", e->name);
  for (i = 0; i < n; i++) {
    g_free (name);
    name = g_strdup_printf ("`%s`", specs[i]->name);
    fail_unless (!is_ours (specs[i]->owner_type) || strstr (guide, name),
        "docs/guide.md does not name %s:%s", e->name, specs[i]->name);
  }
  g_free (specs);
  g_free (name);
  g_free (guide);
  gst_object_unref (element);
}

GST_END_TEST;

static Suite *
elements_suite (void)
{
  Suite *s = suite_create ("elements");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_plugin);
  tcase_add_loop_test (tc, test_factory, 0, G_N_ELEMENTS (elements));
  tcase_add_loop_test (tc, test_templates, 0, G_N_ELEMENTS (elements));
  tcase_add_loop_test (tc, test_properties, 0, G_N_ELEMENTS (elements));
  tcase_add_loop_test (tc, test_section, 0, G_N_ELEMENTS (elements));
  tcase_add_test (tc, test_documents);
  tcase_add_loop_test (tc, test_guide, 0, G_N_ELEMENTS (elements));
  return s;
}

GST_CHECK_MAIN (elements);
