/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rgacaps.h"

#include <gio/gio.h>

#include "gstdmaresvcaps.h"

#define MAX_FORMATS 64

static const GstVideoFormat *
formats_of (const RgaLimits * limits, GstPadDirection direction)
{
  return direction == GST_PAD_SINK ? limits->sink_formats : limits->src_formats;
}

static gboolean
is_rgb (GstVideoFormat format)
{
  return GST_VIDEO_FORMAT_INFO_IS_RGB (gst_video_format_get_info (format));
}

GstCaps *
rga_caps_template (const RgaLimits * limits, GstPadDirection direction)
{
  GstCaps *caps = gst_dmaresv_caps_template (formats_of (limits, direction));

  if (gst_caps_is_empty (caps))
    return caps;
  gst_caps_set_simple (caps, "width", GST_TYPE_INT_RANGE, limits->min_width, limits->max_width,
      "height", GST_TYPE_INT_RANGE, limits->min_height, limits->max_height, NULL);
  return caps;
}

/* The template of only the RGB or only the YUV formats: the hardware treats the two families
 * differently, and caps of a family can be intersected whatever form the format takes in them. */
static GstCaps *
family_template (const RgaLimits * limits, GstPadDirection direction, gboolean rgb)
{
  const GstVideoFormat *format = formats_of (limits, direction);
  GstVideoFormat family[MAX_FORMATS];
  guint n = 0;

  for (; *format != GST_VIDEO_FORMAT_UNKNOWN && n < MAX_FORMATS - 1; format++) {
    if (is_rgb (*format) == rgb)
      family[n++] = *format;
  }
  family[n] = GST_VIDEO_FORMAT_UNKNOWN;
  return gst_dmaresv_caps_template (family);
}

/* --- transform --- */

/* The smallest and largest integer that @field of @s may have. */
static gboolean
int_bounds (const GstStructure * s, const gchar * field, gint * min, gint * max)
{
  const GValue *value = gst_structure_get_value (s, field);
  guint i;

  *min = 1;
  *max = G_MAXINT;
  if (!value)
    return TRUE;
  if (G_VALUE_HOLDS_INT (value)) {
    *min = *max = g_value_get_int (value);
  } else if (GST_VALUE_HOLDS_INT_RANGE (value)) {
    *min = gst_value_get_int_range_min (value);
    *max = gst_value_get_int_range_max (value);
  } else if (GST_VALUE_HOLDS_LIST (value)) {
    *min = G_MAXINT;
    *max = 0;
    for (i = 0; i < gst_value_list_get_size (value); i++) {
      const GValue *item = gst_value_list_get_value (value, i);

      if (!G_VALUE_HOLDS_INT (item))
        return FALSE;
      *min = MIN (*min, g_value_get_int (item));
      *max = MAX (*max, g_value_get_int (item));
    }
  } else {
    return FALSE;
  }
  return *min <= *max;
}

/* The lengths that lengths @from_min..@from_max can be scaled to. */
static gboolean
scale_bounds (gint from_min, gint from_max, guint min, guint max, guint scale, gint * to_min,
    gint * to_max)
{
  guint64 largest, smallest;

  if (from_max < (gint) min || from_min > (gint) max)
    return FALSE;
  from_min = MAX (from_min, (gint) min);
  from_max = MIN (from_max, (gint) max);

  smallest = ((guint64) from_min + scale - 1) / scale;
  largest = scale * (guint64) from_max;
  *to_min = MAX (smallest, min);
  *to_max = MIN (largest, max);
  return *to_min <= *to_max;
}

static void
set_int_range (GstStructure * s, const gchar * field, gint min, gint max)
{
  if (min == max)
    gst_structure_set (s, field, G_TYPE_INT, min, NULL);
  else
    gst_structure_set (s, field, GST_TYPE_INT_RANGE, min, max, NULL);
}

/* RGA knows BT.601 and BT.709, both with limited range YCbCr (rga_cmd_set_trans_info() in the
 * driver sets *_CSC_MODE_BT601_R0 or BT709_R0, nothing else). */
static gboolean
colorimetry_convertible (const GstVideoColorimetry * c)
{
  return c->range != GST_VIDEO_COLOR_RANGE_0_255
      && (c->matrix == GST_VIDEO_COLOR_MATRIX_BT601 || c->matrix == GST_VIDEO_COLOR_MATRIX_BT709
      || c->matrix == GST_VIDEO_COLOR_MATRIX_UNKNOWN);
}

static gboolean
structure_convertible (const GstStructure * s)
{
  const gchar *str = gst_structure_get_string (s, "colorimetry");
  GstVideoColorimetry colorimetry;

  return !str || !gst_video_colorimetry_from_string (&colorimetry, str)
      || colorimetry_convertible (&colorimetry);
}

static void
set_yuv_colorimetries (GstStructure * s)
{
  static const gchar *const names[] = {
    GST_VIDEO_COLORIMETRY_BT709, GST_VIDEO_COLORIMETRY_BT601
  };
  GValue list = G_VALUE_INIT, item = G_VALUE_INIT;
  guint i;

  g_value_init (&list, GST_TYPE_LIST);
  g_value_init (&item, G_TYPE_STRING);
  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    g_value_set_static_string (&item, names[i]);
    gst_value_list_append_value (&list, &item);
  }
  gst_structure_take_value (s, "colorimetry", &list);
  g_value_unset (&item);
}

/* Sets in @to (one structure of a family's template) all but the format, from @from. FALSE where
 * no size is in reach. */
static gboolean
transform_fields (const RgaLimits * limits, const GstStructure * from, GstStructure * to,
    gboolean same_family, gboolean rgb_to_yuv)
{
  static const gchar *const own[] = { "format", "drm-format", "width", "height",
    "pixel-aspect-ratio", "chroma-site", "colorimetry"
  };
  gint min, max, to_min, to_max, i;

  for (i = 0; i < gst_structure_n_fields (from); i++) {
    const gchar *name = gst_structure_nth_field_name (from, i);
    guint j;

    for (j = 0; j < G_N_ELEMENTS (own) && !g_str_equal (name, own[j]); j++);
    /* Within YUV or RGB no colour is computed: what it means stays as it is. (The chroma's site
     * would be a preference only: scaling moves it anyway.) */
    if (j == G_N_ELEMENTS (own) || (same_family && g_str_equal (name, "colorimetry")))
      gst_structure_set_value (to, name, gst_structure_get_value (from, name));
  }

  if (!int_bounds (from, "width", &min, &max)
      || !scale_bounds (min, max, limits->min_width, limits->max_width, limits->max_scale,
          &to_min, &to_max))
    return FALSE;
  set_int_range (to, "width", to_min, to_max);
  if (!int_bounds (from, "height", &min, &max)
      || !scale_bounds (min, max, limits->min_height, limits->max_height, limits->max_scale,
          &to_min, &to_max))
    return FALSE;
  set_int_range (to, "height", to_min, to_max);

  if (gst_structure_has_field (from, "pixel-aspect-ratio"))
    gst_structure_set (to, "pixel-aspect-ratio", GST_TYPE_FRACTION_RANGE, 1, G_MAXINT, G_MAXINT,
        1, NULL);
  if (rgb_to_yuv)
    set_yuv_colorimetries (to);
  return TRUE;
}

/* One structure of the known caps to the other pad's family @rgb; with the known one's memory if
 * @same_memory, with the other memory if not. */
static void
transform_structure (const RgaLimits * limits, GstPadDirection direction, const GstCaps * known,
    gboolean known_rgb, gboolean rgb, gboolean same_memory, GstCaps ** result)
{
  GstPadDirection other = direction == GST_PAD_SINK ? GST_PAD_SRC : GST_PAD_SINK;
  g_autoptr (GstCaps) templ = family_template (limits, other, rgb);
  const GstStructure *from = gst_caps_get_structure (known, 0);
  gboolean dmabuf = gst_dmaresv_caps_has_dmabuf (known);
  guint i;

  if (known_rgb != rgb && !known_rgb && !structure_convertible (from))
    return;

  for (i = 0; i < gst_caps_get_size (templ); i++) {
    g_autoptr (GstCaps) part = gst_caps_copy_nth (templ, i);

    if ((gst_dmaresv_caps_has_dmabuf (part) == dmabuf) != same_memory)
      continue;
    if (transform_fields (limits, from, gst_caps_get_structure (part, 0), known_rgb == rgb,
            direction == GST_PAD_SINK && known_rgb && !rgb))
      *result = gst_caps_merge (*result, g_steal_pointer (&part));
  }
}

GstCaps *
rga_caps_transform (const RgaLimits * limits, GstPadDirection direction, const GstCaps * caps)
{
  g_autoptr (GstCaps) yuv = family_template (limits, direction, FALSE);
  g_autoptr (GstCaps) rgb = family_template (limits, direction, TRUE);
  GstCaps *result = gst_caps_new_empty ();
  guint i, step;

  /* What changes least comes first: the memory, then the family. */
  for (step = 0; step < 4; step++) {
    gboolean same_memory = step < 2, same_family = step % 2 == 0;

    for (i = 0; i < gst_caps_get_size (caps); i++) {
      g_autoptr (GstCaps) known = gst_caps_copy_nth (caps, i);
      gboolean is_yuv_caps = gst_caps_can_intersect (known, yuv);
      gboolean is_rgb_caps = gst_caps_can_intersect (known, rgb);

      if (is_yuv_caps)
        transform_structure (limits, direction, known, FALSE, !same_family, same_memory, &result);
      if (is_rgb_caps)
        transform_structure (limits, direction, known, TRUE, same_family, same_memory, &result);
    }
  }
  return result;
}

/* --- fixate --- */

/* How much of @from a picture in @to loses; 0 for nothing. */
static guint
format_loss (GstVideoFormat from, GstVideoFormat to)
{
  const GstVideoFormatInfo *a = gst_video_format_get_info (from);
  const GstVideoFormatInfo *b = gst_video_format_get_info (to);
  guint loss = 0;

  if (from == to)
    return 0;
  if (GST_VIDEO_FORMAT_INFO_HAS_ALPHA (a) && !GST_VIDEO_FORMAT_INFO_HAS_ALPHA (b))
    loss += 64;
  if (GST_VIDEO_FORMAT_INFO_DEPTH (b, 0) < GST_VIDEO_FORMAT_INFO_DEPTH (a, 0))
    loss += 32;
  if (GST_VIDEO_FORMAT_INFO_IS_RGB (a) != GST_VIDEO_FORMAT_INFO_IS_RGB (b))
    loss += 16;
  if (GST_VIDEO_FORMAT_INFO_W_SUB (b, 1) > GST_VIDEO_FORMAT_INFO_W_SUB (a, 1))
    loss += 4;
  if (GST_VIDEO_FORMAT_INFO_H_SUB (b, 1) > GST_VIDEO_FORMAT_INFO_H_SUB (a, 1))
    loss += 4;
  /* Not a loss, but more bytes than the picture needs. */
  if (GST_VIDEO_FORMAT_INFO_HAS_ALPHA (b) && !GST_VIDEO_FORMAT_INFO_HAS_ALPHA (a))
    loss += 1;
  return loss + 1;
}

/* The structure of @othercaps with the least loss among those with (or without) DMABuf. */
static GstCaps *
choose_structure (const RgaLimits * limits, GstPadDirection other, GstVideoFormat from,
    gboolean dmabuf, GstCaps * othercaps)
{
  const GstVideoFormat *format = formats_of (limits, other);
  g_autoptr (GstCaps) best = NULL;
  guint best_loss = G_MAXUINT;

  for (; *format != GST_VIDEO_FORMAT_UNKNOWN; format++) {
    GstVideoFormat one[] = { *format, GST_VIDEO_FORMAT_UNKNOWN };
    g_autoptr (GstCaps) templ = gst_dmaresv_caps_template (one);
    g_autoptr (GstCaps) caps = NULL;
    guint loss = format_loss (from, *format), i;

    if (loss >= best_loss)
      continue;
    caps = gst_caps_intersect_full (othercaps, templ, GST_CAPS_INTERSECT_FIRST);
    for (i = 0; i < gst_caps_get_size (caps); i++) {
      g_autoptr (GstCaps) part = gst_caps_copy_nth (caps, i);

      if (gst_dmaresv_caps_has_dmabuf (part) == dmabuf) {
        gst_caps_replace (&best, part);
        best_loss = loss;
        break;
      }
    }
  }
  return g_steal_pointer (&best);
}

/* @value * n1 * n2 / (d1 * d2), rounded; the terms are sizes and reduced ratios, so the products
 * fit. At least 1. */
static gint
scale_ratio (gint value, gint n1, gint d1, gint n2, gint d2)
{
  guint64 result = gst_util_uint64_scale_round ((guint64) value * n1, n2, (guint64) d1 * d2);

  return CLAMP (result, 1, G_MAXINT);
}

static gint
fixate_int (GstStructure * s, const gchar * field, gint target)
{
  gint value = target;

  if (gst_structure_has_field (s, field)) {
    gst_structure_fixate_field_nearest_int (s, field, target);
    gst_structure_get_int (s, field, &value);
  } else {
    gst_structure_set (s, field, G_TYPE_INT, target, NULL);
  }
  return value;
}

/* Fixes width and height for display ratio @dar_n/@dar_d and the aspect ratio @par_n/@par_d.
 * Returns whether that ratio could be met. */
static gboolean
fixate_lengths (GstStructure * s, gint from_w, gint from_h, gint dar_n, gint dar_d, gint par_n,
    gint par_d)
{
  gint fixed, want, got;

  if (gst_structure_get_int (s, "width", &fixed)) {
    if (gst_structure_get_int (s, "height", &got))
      return scale_ratio (fixed, par_n, par_d, dar_d, dar_n) == got;
    want = scale_ratio (fixed, par_n, par_d, dar_d, dar_n);
    return fixate_int (s, "height", want) == want;
  }
  if (gst_structure_get_int (s, "height", &fixed)) {
    want = scale_ratio (fixed, dar_n, dar_d, par_d, par_n);
    return fixate_int (s, "width", want) == want;
  }

  /* Neither is given: keep the height if the width can follow, else the width if the height can,
   * else the height with the nearest width. */
  {
    g_autoptr (GstStructure) by_width = gst_structure_copy (s);

    got = fixate_int (s, "height", from_h);
    want = scale_ratio (got, dar_n, dar_d, par_d, par_n);
    if (fixate_int (s, "width", want) == want)
      return TRUE;

    got = fixate_int (by_width, "width", from_w);
    want = scale_ratio (got, par_n, par_d, dar_d, dar_n);
    if (fixate_int (by_width, "height", want) != want)
      return FALSE;
    gst_structure_get_int (by_width, "height", &want);
    gst_structure_set (s, "width", G_TYPE_INT, got, "height", G_TYPE_INT, want, NULL);
    return TRUE;
  }
}

static void
fixate_size (const GstStructure * from, GstStructure * s)
{
  gint from_w = 0, from_h = 0, w = 0, h = 0, par_n = 1, par_d = 1, n, d, dar_n, dar_d;
  gboolean own_par = !gst_structure_has_field (s, "pixel-aspect-ratio");
  gboolean free_par;

  gst_structure_get_int (from, "width", &from_w);
  gst_structure_get_int (from, "height", &from_h);
  gst_structure_get_fraction (from, "pixel-aspect-ratio", &par_n, &par_d);
  if (par_n <= 0 || par_d <= 0)
    par_n = par_d = 1;
  if (!gst_util_fraction_multiply (from_w, from_h, par_n, par_d, &dar_n, &dar_d)) {
    dar_n = from_w;
    dar_d = from_h;
  }

  if (own_par)
    gst_structure_set (s, "pixel-aspect-ratio", GST_TYPE_FRACTION_RANGE, 1, G_MAXINT, G_MAXINT, 1,
        NULL);
  free_par = !gst_structure_get_fraction (s, "pixel-aspect-ratio", &n, &d);
  if (free_par) {
    g_autoptr (GstStructure) probe = gst_structure_copy (s);

    gst_structure_fixate_field_nearest_fraction (probe, "pixel-aspect-ratio", par_n, par_d);
    gst_structure_get_fraction (probe, "pixel-aspect-ratio", &n, &d);
  }

  if (!fixate_lengths (s, from_w, from_h, dar_n, dar_d, n, d) && free_par) {
    gst_structure_get_int (s, "width", &w);
    gst_structure_get_int (s, "height", &h);
    if (!gst_util_fraction_multiply (dar_n, dar_d, h, w, &n, &d))
      n = d = 1;
  }
  if (free_par)
    gst_structure_fixate_field_nearest_fraction (s, "pixel-aspect-ratio", n, d);

  /* Nobody asked for the field and it says nothing: without it, caps that are equal stay so. */
  if (own_par && gst_structure_get_fraction (s, "pixel-aspect-ratio", &n, &d) && n == d
      && !gst_structure_has_field (from, "pixel-aspect-ratio"))
    gst_structure_remove_field (s, "pixel-aspect-ratio");
}

/* Caps without colorimetry mean a default by size. Where YUV is scaled over that border, or comes
 * from RGB, the caps have to say what the pixels are. */
static void
fixate_colorimetry (const GstVideoInfo * from, const GstStructure * from_s, GstVideoFormat format,
    GstStructure * s)
{
  const GValue *site = gst_structure_get_value (from_s, "chroma-site");
  gboolean from_rgb = GST_VIDEO_INFO_IS_RGB (from);
  g_autofree gchar *colorimetry = NULL;
  gint height = 0, width = 0;
  GstVideoInfo info;

  gst_structure_get_int (s, "width", &width);
  gst_structure_get_int (s, "height", &height);
  if (is_rgb (format) || !gst_video_info_set_format (&info, format, width, height))
    return;

  if (!from_rgb && site && !gst_structure_has_field (s, "chroma-site"))
    gst_structure_set_value (s, "chroma-site", site);
  if (from_rgb && gst_structure_has_field (s, "colorimetry")) {
    gst_structure_fixate_field_string (s, "colorimetry",
        info.colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT601 ? GST_VIDEO_COLORIMETRY_BT601 :
        GST_VIDEO_COLORIMETRY_BT709);
  } else if (!from_rgb && !gst_structure_has_field (s, "colorimetry")
      && !gst_video_colorimetry_is_equal (&from->colorimetry, &info.colorimetry)) {
    colorimetry = gst_video_colorimetry_to_string (&from->colorimetry);
    if (colorimetry)
      gst_structure_set (s, "colorimetry", G_TYPE_STRING, colorimetry, NULL);
  }
}

GstCaps *
rga_caps_fixate (const RgaLimits * limits, GstPadDirection direction, const GstCaps * caps,
    GstCaps * othercaps)
{
  GstPadDirection other = direction == GST_PAD_SINK ? GST_PAD_SRC : GST_PAD_SINK;
  g_autoptr (GstCaps) result = NULL;
  g_autoptr (GstCaps) all = othercaps;
  GstVideoInfo from, to;
  gboolean dmabuf;

  if (gst_caps_is_empty (all) || !gst_dmaresv_caps_to_info (caps, &from, &dmabuf))
    return gst_caps_fixate (g_steal_pointer (&all));

  result = choose_structure (limits, other, GST_VIDEO_INFO_FORMAT (&from), dmabuf, all);
  if (!result)
    result = choose_structure (limits, other, GST_VIDEO_INFO_FORMAT (&from), !dmabuf, all);
  if (!result)
    return gst_caps_fixate (g_steal_pointer (&all));

  result = gst_caps_make_writable (result);
  fixate_size (gst_caps_get_structure (caps, 0), gst_caps_get_structure (result, 0));
  result = gst_caps_fixate (g_steal_pointer (&result));
  if (direction == GST_PAD_SINK && gst_dmaresv_caps_to_info (result, &to, NULL)) {
    result = gst_caps_make_writable (result);
    fixate_colorimetry (&from, gst_caps_get_structure (caps, 0), GST_VIDEO_INFO_FORMAT (&to),
        gst_caps_get_structure (result, 0));
  }
  return g_steal_pointer (&result);
}

/* --- checks --- */

static gboolean
check_length (const gchar * what, guint from, guint to, guint scale, GError ** error)
{
  if ((guint64) from * scale >= to && (guint64) to * scale >= from)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "%s %u cannot be scaled to %u: the hardware scales by at most %u", what, from, to, scale);
  return FALSE;
}

gboolean
rga_check_conversion (const RgaLimits * limits, const GstVideoInfo * in, const GstVideoInfo * out,
    GError ** error)
{
  if (!check_length ("Width", GST_VIDEO_INFO_WIDTH (in), GST_VIDEO_INFO_WIDTH (out),
          limits->max_scale, error)
      || !check_length ("Height", GST_VIDEO_INFO_HEIGHT (in), GST_VIDEO_INFO_HEIGHT (out),
          limits->max_scale, error))
    return FALSE;

  /* Two fields lie in one picture, and the filter would mix them. */
  if (GST_VIDEO_INFO_IS_INTERLACED (in)
      && GST_VIDEO_INFO_HEIGHT (in) != GST_VIDEO_INFO_HEIGHT (out)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "Interlaced video cannot be scaled vertically");
    return FALSE;
  }

  if (GST_VIDEO_INFO_IS_RGB (in) != GST_VIDEO_INFO_IS_RGB (out)) {
    const GstVideoInfo *yuv = GST_VIDEO_INFO_IS_RGB (in) ? out : in;

    if (!colorimetry_convertible (&yuv->colorimetry)) {
      g_autofree gchar *name = gst_video_colorimetry_to_string (&yuv->colorimetry);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
          "Colorimetry %s: the hardware converts BT.601 and BT.709 with limited range only",
          name ? name : "(custom)");
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
rga_uses_bt709 (const GstVideoInfo * in, const GstVideoInfo * out)
{
  const GstVideoInfo *yuv = GST_VIDEO_INFO_IS_RGB (in) ? out : in;

  return yuv->colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT709;
}

/* --- layouts --- */

guint
rga_active_size (const GstVideoFormatInfo * finfo, guint size)
{
  return GST_VIDEO_FORMAT_INFO_IS_YUV (finfo) ? GST_ROUND_UP_2 (size) : size;
}

/* v4l2_format_plane_stride() in the kernel, with RGA's alignment of 4 bytes for each plane. */
static gboolean
stride_reachable (const GstVideoFormatInfo * finfo, guint stride, guint pixel)
{
  guint n_planes = GST_VIDEO_FORMAT_INFO_N_PLANES (finfo);
  guint align = n_planes == 3 ? 4u << GST_VIDEO_FORMAT_INFO_W_SUB (finfo, 1) : 4;
  guint width = stride / pixel;

  /* YUV widths are even. */
  if (GST_VIDEO_FORMAT_INFO_IS_YUV (finfo))
    width &= ~1u;
  return width && GST_ROUND_UP_N (width * pixel, align) == stride;
}

/* Whether the chroma planes lie where the driver's get_plane_offset() and
 * rga_get_corner_addrs() look for them, with @coded_height lines before them. */
static gboolean
chroma_fits (const RgaLayout * l, const GstVideoFormatInfo * finfo, const gsize * offset,
    const gint * stride, guint coded_height)
{
  guint n_planes = GST_VIDEO_FORMAT_INFO_N_PLANES (finfo);
  guint w_sub = GST_VIDEO_FORMAT_INFO_W_SUB (finfo, 1);
  guint h_sub = GST_VIDEO_FORMAT_INFO_H_SUB (finfo, 1);
  guint chroma_stride = n_planes == 2 ? (l->stride * 2) >> w_sub : l->stride >> w_sub;
  gsize base = (gsize) l->stride * coded_height;
  guint plane;

  for (plane = 1; plane < n_planes; plane++) {
    gsize start = base + (gsize) (l->y >> h_sub) * chroma_stride;

    start += n_planes == 2 ? (l->x * 2) >> w_sub : l->x >> w_sub;
    if (stride[plane] != (gint) chroma_stride || offset[plane] != start)
      return FALSE;
    base += (coded_height >> h_sub) * (gsize) chroma_stride;
  }
  return TRUE;
}

gboolean
rga_layout_from_planes (RgaLayout * l, GstVideoFormat format, guint width, guint height,
    const gsize * offset, const gint * stride, const gchar ** reason)
{
  const GstVideoFormatInfo *finfo = gst_video_format_get_info (format);
  guint pixel = GST_VIDEO_FORMAT_INFO_PSTRIDE (finfo, 0);
  guint align = GST_VIDEO_FORMAT_INFO_IS_YUV (finfo) ? 2 : 1;
  gsize lines;

  *reason = NULL;
  if (stride[0] <= 0 || pixel == 0 || !stride_reachable (finfo, stride[0], pixel)) {
    *reason = "the driver derives another stride from every width";
    return FALSE;
  }

  l->format = format;
  l->width = width;
  l->height = height;
  l->stride = stride[0];
  l->coded_width = l->stride / pixel;
  l->coded_width -= l->coded_width % align;
  l->x = (offset[0] % l->stride) / pixel;
  l->y = offset[0] / l->stride;
  if (offset[0] % l->stride % pixel || l->x % align || l->y % align
      || offset[0] / l->stride > G_MAXUINT16) {
    *reason = "the picture does not start at a pixel that the hardware can start at";
    return FALSE;
  }
  if (l->x + rga_active_size (finfo, width) > l->coded_width) {
    *reason = "the lines do not hold the picture's width";
    return FALSE;
  }

  if (GST_VIDEO_FORMAT_INFO_N_PLANES (finfo) == 1) {
    l->coded_height = l->y + height;
    l->coded_height += l->coded_height % align;
    return TRUE;
  }

  /* Where plane 1 starts says how many lines plane 0 has, less the chroma lines and columns that
   * a cropped picture skips. */
  lines = offset[1] / l->stride;
  if (lines < l->y || lines > G_MAXUINT16) {
    *reason = "plane 1 does not follow plane 0";
    return FALSE;
  }
  if (GST_VIDEO_FORMAT_INFO_N_PLANES (finfo) == 2)
    lines -= l->y >> GST_VIDEO_FORMAT_INFO_H_SUB (finfo, 1);
  else
    lines -= (l->y >> GST_VIDEO_FORMAT_INFO_H_SUB (finfo, 1))
        >> GST_VIDEO_FORMAT_INFO_W_SUB (finfo, 1);
  l->coded_height = lines;
  if (l->coded_height % align || l->y + rga_active_size (finfo, height) > l->coded_height
      || !chroma_fits (l, finfo, offset, stride, l->coded_height)) {
    *reason = "the chroma planes are not where the driver derives them to be";
    return FALSE;
  }
  return TRUE;
}
