/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-dmaresvvp8alphadecodebin
 * @title: dmaresvvp8alphadecodebin
 * @short_description: V4L2 stateless VP8 decoder for video with alpha
 *
 * Decodes VP8 with an alpha channel, as WebM files carry it: a second stream whose luma is the
 * alpha.  Two dmaresvvp8dec decode the two streams, and alphacombine makes one frame of both, in
 * AV12, without a copy: its memory is that of the two decoded frames.
 *
 * The plugin codecalpha of gst-plugins-bad has to be installed.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=alpha.webm ! matroskademux ! dmaresvvp8alphadecodebin ! \
 *     videoconvert ! autovideosink
 * ]|
 *
 * Since: 0.1
 */
/**
 * SECTION:element-dmaresvvp9alphadecodebin
 * @title: dmaresvvp9alphadecodebin
 * @short_description: V4L2 stateless VP9 decoder for video with alpha
 *
 * Decodes VP9 with an alpha channel, as WebM files carry it: a second stream whose luma is the
 * alpha.  Two dmaresvvp9dec decode the two streams, and alphacombine makes one frame of both, in
 * AV12, without a copy: its memory is that of the two decoded frames.
 *
 * The plugin codecalpha of gst-plugins-bad has to be installed.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=alpha.webm ! matroskademux ! vp9parse ! \
 *     dmaresvvp9alphadecodebin ! videoconvert ! autovideosink
 * ]|
 *
 * Since: 0.1
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvalphadecodebin.h"

#include <gst/pbutils/pbutils.h>
#include <gst/video/video.h>

GST_DEBUG_CATEGORY_STATIC (alpha_decode_bin_debug);
#define GST_CAT_DEFAULT alpha_decode_bin_debug

/* Before decoders of any rank, as upstream's bins are: those would decode the picture alone. */
#define RANK_OFFSET 10

/*
 * Pairing
 *
 * alphacombine takes the frames of its two pads in pairs, in the order in which they come; it
 * compares neither times nor sizes.  A decoder drops what it cannot decode, and either stream may
 * end, or change its size, before the other.  So probes on both decoders' source pads see to it
 * that only true pairs get there: the picture's thread says which frame it brings, and the alpha's
 * thread lets pass what belongs to that, drops what is older, and fills what is missing with a
 * gap, for which alphacombine repeats the alpha before.
 *
 * Only the alpha's thread waits here.  A flush and PAUSED->READY end the wait.
 */
enum
{
  FLUSHING_COLOR = 1 << 0,
  FLUSHING_ALPHA = 1 << 1,
  FLUSHING_STOPPED = 1 << 2
};

typedef struct
{
  GstElement *demux;            /* the children belong to the bin; NULL: not constructed */
  GstElement *queue;
  GstElement *combine;
  const gchar *missing;         /* the factory that there is not */

  GMutex lock;
  GCond cond;
  guint flushing;               /* FLUSHING_* */
  gboolean have_color;          /* alphacombine has a picture without its alpha */
  GstClockTime color_time;
  gboolean color_eos;
  guint n_color_caps;           /* since the last flush: alphacombine waits for as many alpha caps */
  guint n_alpha_caps;
  gboolean resend_color_caps;
} GstDmaResvAlphaDecodeBinPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (GstDmaResvAlphaDecodeBin, gst_dmaresv_alpha_decode_bin,
    GST_TYPE_BIN,
    G_ADD_PRIVATE (GstDmaResvAlphaDecodeBin);
    GST_DEBUG_CATEGORY_INIT (alpha_decode_bin_debug, "dmaresvalphadecodebin", 0,
        "V4L2 stateless decoding of video with alpha"));

#define PRIV(self) \
  ((GstDmaResvAlphaDecodeBinPrivate *) gst_dmaresv_alpha_decode_bin_get_instance_private \
      (GST_DMARESV_ALPHA_DECODE_BIN (self)))

/* Takes the lock.  What the last frames left is forgotten with the end of all flushing. */
static void
set_flushing (GstDmaResvAlphaDecodeBin * self, guint flag, gboolean flushing)
{
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);

  g_mutex_lock (&priv->lock);
  if (flushing) {
    priv->flushing |= flag;
  } else if (priv->flushing && !(priv->flushing &= ~flag)) {
    priv->have_color = FALSE;
    priv->color_eos = FALSE;
    /* alphacombine counts from 0 again, too.  Where it has lost the alpha's caps in the flush, it
     * gets both once more. */
    priv->resend_color_caps = priv->n_color_caps != priv->n_alpha_caps;
    priv->n_color_caps = priv->n_alpha_caps = 0;
  }
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
}

static gboolean
pad_size (GstPad * pad, gint * width, gint * height)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const GstStructure *s = caps ? gst_caps_get_structure (caps, 0) : NULL;

  return s && gst_structure_get_int (s, "width", width)
      && gst_structure_get_int (s, "height", height);
}

/* alphacombine would describe a picture whose alpha ends too early. */
static gboolean
check_sizes (GstDmaResvAlphaDecodeBin * self, GstPad * alpha_pad)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (PRIV (self)->combine, "sink");
  gint width = 0, height = 0, alpha_width = 0, alpha_height = 0;

  if (pad_size (sink, &width, &height) && pad_size (alpha_pad, &alpha_width, &alpha_height)
      && width == alpha_width && height == alpha_height)
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, DECODE, ("The video's alpha channel cannot be used."),
      ("The picture is %dx%d, its alpha %dx%d", width, height, alpha_width, alpha_height));
  return FALSE;
}

/* From the alpha's thread, for alphacombine's pad. */
static void
send_alpha_gap (GstPad * alpha_pad, GstClockTime time)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (alpha_pad);

  GST_DEBUG_OBJECT (alpha_pad, "no alpha for %" GST_TIME_FORMAT, GST_TIME_ARGS (time));
  if (peer)
    gst_pad_send_event (peer, gst_event_new_gap (GST_CLOCK_TIME_IS_VALID (time) ? time : 0,
            GST_CLOCK_TIME_NONE));
}

/* Caps, and the segment, which comes after them. */
static void
send_alpha_caps (GstPad * alpha_pad)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (alpha_pad);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (alpha_pad);
  GstEvent *segment = gst_pad_get_sticky_event (alpha_pad, GST_EVENT_SEGMENT, 0);

  if (peer && caps)
    gst_pad_send_event (peer, gst_event_new_caps (caps));
  if (peer && segment)
    gst_pad_send_event (peer, gst_event_ref (segment));
  g_clear_pointer (&segment, gst_event_unref);
}

static gboolean
peer_has_caps (GstPad * pad)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);

  return peer && gst_pad_has_current_caps (peer);
}

/* Waits for the picture that the alpha of @time (none: any) belongs to, and gives gaps to those
 * that have no alpha.  TRUE: it is alphacombine's turn to get the alpha. */
static gboolean
pair_alpha (GstDmaResvAlphaDecodeBin * self, GstPad * alpha_pad, GstClockTime time, gboolean eos)
{
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);
  GstClockTime color_time;
  gboolean ret = FALSE, need_caps;

  g_mutex_lock (&priv->lock);
  while (TRUE) {
    while (!priv->have_color && !priv->color_eos && !priv->flushing)
      g_cond_wait (&priv->cond, &priv->lock);
    if (!priv->have_color || priv->flushing)
      break;
    color_time = priv->color_time;
    if (!eos && GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (color_time)
        && time < color_time) {
      GST_DEBUG_OBJECT (self, "no picture for the alpha of %" GST_TIME_FORMAT,
          GST_TIME_ARGS (time));
      break;
    }
    priv->have_color = FALSE;
    need_caps = priv->n_alpha_caps < priv->n_color_caps && gst_pad_has_current_caps (alpha_pad);
    if (need_caps)
      priv->n_alpha_caps = priv->n_color_caps;
    ret = !eos && (!GST_CLOCK_TIME_IS_VALID (time) || !GST_CLOCK_TIME_IS_VALID (color_time)
        || time == color_time);
    g_mutex_unlock (&priv->lock);
    if (need_caps)
      send_alpha_caps (alpha_pad);
    if (ret)
      return TRUE;
    send_alpha_gap (alpha_pad, color_time);
    g_mutex_lock (&priv->lock);
  }
  g_mutex_unlock (&priv->lock);
  return FALSE;
}

static GstPadProbeReturn
alpha_probe (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstDmaResvAlphaDecodeBin *self = user_data;
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);
  GstClockTime time;
  GstEvent *event;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
    if (!pair_alpha (self, pad, time, FALSE))
      return GST_PAD_PROBE_DROP;
    if (check_sizes (self, pad))
      return GST_PAD_PROBE_OK;
    GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_ERROR;
    gst_clear_buffer ((GstBuffer **) & GST_PAD_PROBE_INFO_DATA (info));
    return GST_PAD_PROBE_HANDLED;
  }
  event = GST_PAD_PROBE_INFO_EVENT (info);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      set_flushing (self, FLUSHING_ALPHA, GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START);
      return GST_PAD_PROBE_OK;
    case GST_EVENT_CAPS:
      /* Not before the picture's caps: downstream answers the allocation query that follows only
       * when it has those.  What alphacombine is to get, pair_alpha() sends. */
      g_mutex_lock (&priv->lock);
      while (!priv->have_color && !priv->color_eos && !priv->flushing)
        g_cond_wait (&priv->cond, &priv->lock);
      g_mutex_unlock (&priv->lock);
      break;
    case GST_EVENT_SEGMENT:
      if (peer_has_caps (pad))
        return GST_PAD_PROBE_OK;
      break;                    /* comes with the caps */
    case GST_EVENT_GAP:
      gst_event_parse_gap (event, &time, NULL);
      if (pair_alpha (self, pad, time, FALSE))
        return GST_PAD_PROBE_OK;
      break;
    case GST_EVENT_EOS:
      /* For the pictures that are left; returns when there are none. */
      pair_alpha (self, pad, GST_CLOCK_TIME_NONE, TRUE);
      return GST_PAD_PROBE_OK;
    default:
      return GST_PAD_PROBE_OK;
  }
  gst_event_unref (event);
  GST_PAD_PROBE_INFO_DATA (info) = NULL;
  return GST_PAD_PROBE_HANDLED;
}

static GstPadProbeReturn
color_probe (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstDmaResvAlphaDecodeBin *self = user_data;
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);
  gboolean resend = FALSE;
  GstEvent *event;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    g_mutex_lock (&priv->lock);
    resend = priv->resend_color_caps;
    priv->resend_color_caps = FALSE;
    g_mutex_unlock (&priv->lock);
    if (resend) {
      g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
      g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);

      if (peer && caps)
        gst_pad_send_event (peer, gst_event_new_caps (caps));
    }
    g_mutex_lock (&priv->lock);
    priv->have_color = TRUE;
    priv->color_time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
    g_cond_broadcast (&priv->cond);
    g_mutex_unlock (&priv->lock);
    return GST_PAD_PROBE_OK;
  }
  event = GST_PAD_PROBE_INFO_EVENT (info);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      set_flushing (self, FLUSHING_COLOR, GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START);
      break;
    case GST_EVENT_EOS:
      g_mutex_lock (&priv->lock);
      priv->color_eos = TRUE;
      g_cond_broadcast (&priv->cond);
      g_mutex_unlock (&priv->lock);
      break;
    default:
      break;
  }
  return GST_PAD_PROBE_OK;
}

/* Caps that alphacombine gets with the pictures, color_probe()'s as well. */
static GstPadProbeReturn
combine_probe (GstPad * pad G_GNUC_UNUSED, GstPadProbeInfo * info, gpointer user_data)
{
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (user_data);

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_CAPS) {
    g_mutex_lock (&priv->lock);
    priv->n_color_caps++;
    g_mutex_unlock (&priv->lock);
  }
  return GST_PAD_PROBE_OK;
}

static void
add_probe (GstDmaResvAlphaDecodeBin * self, GstElement * element, const gchar * name,
    GstPadProbeType type, GstPadProbeCallback callback)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, type, callback, self, NULL);
}

/* Exact, as the decoders': decodebin tries nothing else once this has said yes.  codecalphademux,
 * which takes anything, is not asked; it leaks its decoders' answers, too (GStreamer 1.22). */
static gboolean
sink_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  g_autoptr (GstCaps) template = gst_pad_get_pad_template_caps (pad);
  g_autoptr (GstCaps) result = NULL;
  GstCaps *caps;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_ACCEPT_CAPS:
      gst_query_parse_accept_caps (query, &caps);
      gst_query_set_accept_caps_result (query, gst_caps_is_fixed (caps)
          && gst_structure_has_field (gst_caps_get_structure (caps, 0), "codec-alpha")
          && gst_caps_can_intersect (caps, template));
      return TRUE;
    case GST_QUERY_CAPS:
      gst_query_parse_caps (query, &caps);
      result = caps ? gst_caps_intersect_full (caps, template, GST_CAPS_INTERSECT_FIRST) :
          gst_caps_ref (template);
      gst_query_set_caps_result (query, result);
      return TRUE;
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

static GstPad *
add_ghost_pad (GstDmaResvAlphaDecodeBin * self, const gchar * name, GstElement * target)
{
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (self);
  g_autoptr (GstPad) pad = target ? gst_element_get_static_pad (target, name) : NULL;
  GstPadTemplate *template = gst_element_class_get_pad_template (klass, name);
  GstPad *ghost = pad ? gst_ghost_pad_new_from_template (name, pad, template) :
      gst_ghost_pad_new_no_target_from_template (name, template);

  gst_element_add_pad (GST_ELEMENT (self), ghost);
  return ghost;
}

/* NULL, and @missing set, when there is no such element. */
static GstElement *
add_child (GstDmaResvAlphaDecodeBin * self, const gchar * factory, const gchar * name)
{
  GstElement *child = gst_element_factory_make (factory, name);

  if (!child)
    PRIV (self)->missing = factory;
  else
    gst_bin_add (GST_BIN (self), child);
  return child;
}

static gboolean
add_branch (GstDmaResvAlphaDecodeBin * self, guint n, const gchar * demux_pad,
    const gchar * combine_pad, const gchar * decoder_name, GstPadProbeCallback callback)
{
  const gchar *factory = GST_DMARESV_ALPHA_DECODE_BIN_GET_CLASS (self)->decoder;
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);
  GstElement *decoder = add_child (self, factory, decoder_name);
  g_autofree gchar *queue_sink = g_strdup_printf ("sink_%u", n);
  g_autofree gchar *queue_src = g_strdup_printf ("src_%u", n);

  if (!decoder)
    return FALSE;
  /* A frame that one decoder leaves out for its lateness is lost for both. */
  g_object_set (decoder, "qos", FALSE, NULL);
  add_probe (self, decoder, "src", GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
      GST_PAD_PROBE_TYPE_EVENT_FLUSH, callback);
  return gst_element_link_pads (priv->demux, demux_pad, priv->queue, queue_sink)
      && gst_element_link_pads (priv->queue, queue_src, decoder, "sink")
      && gst_element_link_pads (decoder, "src", priv->combine, combine_pad);
}

static void
gst_dmaresv_alpha_decode_bin_constructed (GObject * object)
{
  GstDmaResvAlphaDecodeBin *self = GST_DMARESV_ALPHA_DECODE_BIN (object);
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);
  GstPad *sink;

  G_OBJECT_CLASS (gst_dmaresv_alpha_decode_bin_parent_class)->constructed (object);
  priv->demux = add_child (self, "codecalphademux", NULL);
  priv->combine = add_child (self, "alphacombine", NULL);
  priv->queue = add_child (self, "multiqueue", NULL);
  /* One stream may need any number of frames for its next picture, while the other's thread waits
   * for that: a multiqueue takes what has to wait. */
  if (priv->queue)
    g_object_set (priv->queue, "max-size-buffers", 2, "max-size-bytes", 0, "max-size-time",
        G_GUINT64_CONSTANT (0), NULL);
  if (priv->demux && priv->combine && priv->queue
      && add_branch (self, 0, "src", "sink", "maindec", color_probe)
      && add_branch (self, 1, "alpha", "alpha", "alphadec", alpha_probe))
    add_probe (self, priv->combine, "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, combine_probe);
  else
    priv->demux = NULL;
  sink = add_ghost_pad (self, "sink", priv->demux);
  gst_pad_set_query_function (sink, sink_query);
  add_ghost_pad (self, "src", priv->demux ? priv->combine : NULL);
}

static gboolean
gst_dmaresv_alpha_decode_bin_open (GstDmaResvAlphaDecodeBin * self)
{
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);
  GstElement *element = GST_ELEMENT (self);

  if (priv->demux)
    return TRUE;
  if (priv->missing)
    gst_element_post_message (element, gst_missing_element_message_new (element, priv->missing));
  GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN, (NULL),
      ("%s%s", priv->missing ? "There is no element " : "The elements could not be linked",
          priv->missing ? priv->missing : ""));
  return FALSE;
}

static GstStateChangeReturn
gst_dmaresv_alpha_decode_bin_change_state (GstElement * element, GstStateChange transition)
{
  GstDmaResvAlphaDecodeBin *self = GST_DMARESV_ALPHA_DECODE_BIN (element);
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (self);

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !gst_dmaresv_alpha_decode_bin_open (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    g_mutex_lock (&priv->lock);
    priv->flushing = 0;
    priv->have_color = priv->color_eos = priv->resend_color_caps = FALSE;
    priv->n_color_caps = priv->n_alpha_caps = 0;
    g_mutex_unlock (&priv->lock);
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    set_flushing (self, FLUSHING_STOPPED, TRUE);
  }
  return GST_ELEMENT_CLASS (gst_dmaresv_alpha_decode_bin_parent_class)->change_state (element,
      transition);
}

static void
gst_dmaresv_alpha_decode_bin_finalize (GObject * object)
{
  GstDmaResvAlphaDecodeBinPrivate *priv = PRIV (object);

  g_mutex_clear (&priv->lock);
  g_cond_clear (&priv->cond);
  G_OBJECT_CLASS (gst_dmaresv_alpha_decode_bin_parent_class)->finalize (object);
}

static void
gst_dmaresv_alpha_decode_bin_init (GstDmaResvAlphaDecodeBin * self)
{
  g_mutex_init (&PRIV (self)->lock);
  g_cond_init (&PRIV (self)->cond);
}

static void
gst_dmaresv_alpha_decode_bin_class_init (GstDmaResvAlphaDecodeBinClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = gst_dmaresv_alpha_decode_bin_constructed;
  object_class->finalize = gst_dmaresv_alpha_decode_bin_finalize;
  GST_ELEMENT_CLASS (klass)->change_state = gst_dmaresv_alpha_decode_bin_change_state;
  gst_type_mark_as_plugin_api (GST_TYPE_DMARESV_ALPHA_DECODE_BIN, 0);
}

/* Registration */

typedef struct
{
  gchar *decoder;
  gchar *codec_name;
  GstCaps *sink_caps;
} ClassData;

static void
codec_class_init (gpointer klass, gpointer class_data)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const ClassData *data = class_data;
  g_autofree gchar *long_name = g_strdup_printf ("V4L2 stateless %s alpha decoder with implicit "
      "sync", data->codec_name);
  g_autofree gchar *description = g_strdup_printf ("Decodes %s with an alpha channel on stateless "
      "V4L2 hardware", data->codec_name);
  GstCaps *src_caps = gst_caps_from_string (GST_VIDEO_CAPS_MAKE ("AV12"));

  GST_MINI_OBJECT_FLAG_SET (src_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
  gst_element_class_set_metadata (element_class, long_name, "Codec/Decoder/Video/Hardware",
      description, "The gst-dmaresv developers");
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, data->sink_caps));
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, src_caps));
  gst_caps_unref (src_caps);
  GST_DMARESV_ALPHA_DECODE_BIN_CLASS (klass)->decoder = data->decoder;
}

gboolean
gst_dmaresv_alpha_decode_bin_register (GstPlugin * plugin, const gchar * prefix,
    const gchar * type_prefix, const gchar * codec_name, GstCaps * sink_caps, guint rank)
{
  g_autofree gchar *element = g_strconcat (prefix, "alphadecodebin", NULL);
  g_autofree gchar *type_name = g_strconcat (type_prefix, "AlphaDecodeBin", NULL);
  /* Class data of a type that is never unloaded. */
  ClassData *data = g_new0 (ClassData, 1);
  GTypeInfo info = {.class_init = codec_class_init,.class_data = data };
  GTypeQuery query;

  data->decoder = g_strconcat (prefix, "dec", NULL);
  data->codec_name = g_strdup (codec_name);
  data->sink_caps = gst_caps_copy (sink_caps);
  gst_caps_set_simple (data->sink_caps, "codec-alpha", G_TYPE_BOOLEAN, TRUE, NULL);
  /* The alpha belongs to what is shown: hidden frames must not come apart from it. */
  if (gst_structure_has_field (gst_caps_get_structure (data->sink_caps, 0), "alignment"))
    gst_caps_set_simple (data->sink_caps, "alignment", G_TYPE_STRING, "super-frame", NULL);
  GST_MINI_OBJECT_FLAG_SET (data->sink_caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);

  g_type_query (GST_TYPE_DMARESV_ALPHA_DECODE_BIN, &query);
  info.class_size = query.class_size;
  info.instance_size = query.instance_size;
  return gst_element_register (plugin, element, rank + RANK_OFFSET,
      g_type_register_static (GST_TYPE_DMARESV_ALPHA_DECODE_BIN, type_name, &info, 0));
}
