/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the decoder and downstream agree on: dma-bufs or system memory, the
 * pool that the pictures are decoded into, and a second one for copies where
 * downstream cannot read the hardware's layout.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/dmaresv/gstdmaresvcaps.h>
#include <gst/dmaresv/gstdmaresvpool.h>

#include "decframe.h"
#include "decprivate.h"

GST_DEBUG_CATEGORY_STATIC (dec_negotiate_debug);
#define GST_CAT_DEFAULT dec_negotiate_debug
GST_DEBUG_CATEGORY_STATIC (performance_debug);

static GstVideoDecoderClass *base_class;

#define PRIV(self) gst_dmaresv_decoder_get_private (GST_DMARESV_DECODER (self))

void
gst_dmaresv_decoder_set_pool (GstDmaResvDecoder * self, GstBufferPool ** slot, GstBufferPool * pool)
{
  GstBufferPool *old;

  GST_OBJECT_LOCK (self);
  old = *slot;
  *slot = pool;
  GST_OBJECT_UNLOCK (self);
  if (old) {
    /* Its buffers may still be downstream: it ends when the last one is back. */
    gst_buffer_pool_set_active (old, FALSE);
    gst_object_unref (old);
  }
}

/* What the caps leave open, the stream's own word fills. */
static void
gst_dmaresv_decoder_apply_vui (GstDmaResvDecoder * self, GstVideoInfo * info)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  const GstStructure *s = gst_caps_get_structure (priv->input_state->caps, 0);
  const CodecSequence *seq = &priv->sequence;

  if (!gst_structure_has_field (s, "framerate") && seq->fps_n > 0 && seq->fps_d > 0) {
    GST_VIDEO_INFO_FPS_N (info) = seq->fps_n;
    GST_VIDEO_INFO_FPS_D (info) = seq->fps_d;
  }
  if (!gst_structure_has_field (s, "pixel-aspect-ratio") && seq->par_n > 0 && seq->par_d > 0) {
    GST_VIDEO_INFO_PAR_N (info) = seq->par_n;
    GST_VIDEO_INFO_PAR_D (info) = seq->par_d;
  }
  if (!gst_structure_has_field (s, "colorimetry")) {
    const GstVideoColorimetry *from = &seq->colorimetry;

    if (from->range != GST_VIDEO_COLOR_RANGE_UNKNOWN)
      info->colorimetry.range = from->range;
    if (from->matrix != GST_VIDEO_COLOR_MATRIX_UNKNOWN)
      info->colorimetry.matrix = from->matrix;
    if (from->transfer != GST_VIDEO_TRANSFER_UNKNOWN)
      info->colorimetry.transfer = from->transfer;
    if (from->primaries != GST_VIDEO_COLOR_PRIMARIES_UNKNOWN)
      info->colorimetry.primaries = from->primaries;
  }
  if (!gst_structure_has_field (s, "chroma-site")
      && seq->chroma_site != GST_VIDEO_CHROMA_SITE_UNKNOWN)
    info->chroma_site = seq->chroma_site;
}

/* DMABuf where downstream names it; whoever takes ANY may not know what a dma-buf is, and gets
 * system memory. */
static gboolean
gst_dmaresv_decoder_choose_memory (GstDmaResvDecoder * self, const GstVideoInfo * info,
    gboolean * dmabuf)
{
  g_autoptr (GstCaps) peer = gst_pad_peer_query_caps (GST_VIDEO_DECODER_SRC_PAD (self), NULL);
  g_autoptr (GstCaps) dma_caps = gst_dmaresv_caps_from_info (info, TRUE);
  g_autoptr (GstCaps) system_caps = gst_dmaresv_caps_from_info (info, FALSE);

  GST_DEBUG_OBJECT (self, "downstream takes %" GST_PTR_FORMAT, peer);
  *dmabuf = FALSE;
  if (!peer || gst_caps_is_any (peer))
    return TRUE;
  if (dec_frame_needs_fix (PRIV (self)->fix)) {
    if (system_caps && gst_caps_can_intersect (system_caps, peer))
      return TRUE;
    return gst_dmaresv_decoder_unsupported (self, PRIV (self)->fix.neutral_chroma ?
        "Monochrome video has its chroma filled in a copy, and downstream takes dma-bufs only" :
        PRIV (self)->
        fix.unpack ? "GStreamer has had no packed format for 10-bit 4:2:2 before 1.28: frames "
        "are unpacked copies, and downstream takes dma-bufs only" :
        "The picture begins between the bytes of a 10-bit line, which takes a copy, and downstream "
        "takes dma-bufs only");
  }
  /* Backwards, the base class keeps all frames of a GOP until its end, and that may be more than
   * there are CAPTURE buffers: system memory can be copied to. */
  if (PRIV (self)->reverse && system_caps && gst_caps_can_intersect (system_caps, peer))
    return TRUE;
  if (dma_caps && gst_caps_can_intersect (dma_caps, peer)) {
    *dmabuf = TRUE;
    return TRUE;
  }
  if (system_caps && gst_caps_can_intersect (system_caps, peer))
    return TRUE;
  GST_WARNING_OBJECT (self, "downstream takes neither %" GST_PTR_FORMAT " nor %" GST_PTR_FORMAT,
      dma_caps, system_caps);
  return FALSE;
}

static gboolean
gst_dmaresv_decoder_negotiate (GstVideoDecoder * decoder)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  GstVideoCodecState *state;
  gboolean ok;

  if (!priv->have_sequence)
    return base_class->negotiate (decoder);

  state = gst_video_decoder_set_output_state (decoder,
      dec_frame_video_format (priv->capture.pixelformat),
      priv->sequence.width, priv->sequence.height, priv->input_state);
  if (!state)
    return FALSE;
  gst_dmaresv_decoder_apply_vui (self, &state->info);
  if (priv->sequence.interlaced)
    GST_VIDEO_INFO_INTERLACE_MODE (&state->info) = GST_VIDEO_INTERLACE_MODE_MIXED;
  priv->info = state->info;
  if ((ok = gst_dmaresv_decoder_choose_memory (self, &state->info, &priv->dmabuf))) {
    gst_clear_caps (&state->caps);
    state->caps = gst_dmaresv_caps_from_info (&state->info, priv->dmabuf);
    GST_INFO_OBJECT (self, "output is %" GST_PTR_FORMAT, state->caps);
  }
  gst_video_codec_state_unref (state);
  return ok && base_class->negotiate (decoder);
}

/* Our own pool: once per sequence, as the references are in its buffers. */
static gboolean
gst_dmaresv_decoder_ensure_pool (GstDmaResvDecoder * self, GstCaps * caps, guint downstream_min)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  g_autoptr (GError) err = NULL;
  GstBufferPool *pool;
  guint own, min;

  if (priv->pool)
    return TRUE;
  own = MIN (priv->sequence.dpb_size + 1 + EXTRA_BUFFERS, VIDEO_MAX_FRAME - 1);
  min = MIN (own + downstream_min, VIDEO_MAX_FRAME);
  if (!(pool = dec_device_create_pool (priv->device, caps, min, &err)) ||
      !gst_buffer_pool_set_active (pool, TRUE)) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, ("No buffers to decode into."),
        ("%u CAPTURE buffers could not be made%s%s", min, err ? ": " : "",
            err ? err->message : ""));
    gst_clear_object (&pool);
    priv->flow = GST_FLOW_ERROR;
    return FALSE;
  }
  gst_dmaresv_pool_set_timeout (GST_DMARESV_POOL (pool), ACQUIRE_TIMEOUT);
  gst_dmaresv_decoder_set_pool (self, &priv->pool, pool);
  g_clear_pointer (&priv->held, dec_frame_count_unref);
  priv->held = dec_frame_count_new ();
  priv->may_hold = VIDEO_MAX_FRAME - own;
  GST_DEBUG_OBJECT (self, "%u CAPTURE buffers, %u of them for downstream", min, downstream_min);
  return TRUE;
}

gboolean
gst_dmaresv_decoder_ensure_copy_pool (GstDmaResvDecoder * self, guint min_buffers)
{
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  g_autoptr (GstCaps) caps = NULL;
  GstStructure *config;
  GstBufferPool *pool;

  if (priv->copy_pool)
    return TRUE;
  caps = gst_dmaresv_caps_from_info (&priv->info, FALSE);
  pool = gst_video_buffer_pool_new ();
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, GST_VIDEO_INFO_SIZE (&priv->info),
      min_buffers, 0);
  if (!gst_buffer_pool_set_config (pool, config) || !gst_buffer_pool_set_active (pool, TRUE)) {
    GST_ERROR_OBJECT (self, "no pool for %" GST_PTR_FORMAT, caps);
    gst_object_unref (pool);
    return FALSE;
  }
  gst_dmaresv_decoder_set_pool (self, &priv->copy_pool, pool);
  return TRUE;
}

/* Downstream's pools are never taken: their buffers are not the CAPTURE queue's. */
static gboolean
gst_dmaresv_decoder_decide_allocation (GstVideoDecoder * decoder, GstQuery * query)
{
  GstDmaResvDecoder *self = GST_DMARESV_DECODER (decoder);
  GstDmaResvDecoderPrivate *priv = PRIV (self);
  gboolean video_meta, plain;
  guint downstream_min = 0, i;
  GstDmaResvHandOver hand_over;
  GstBufferPool *pool;
  GstCaps *caps = NULL;
  gsize size;

  if (!priv->have_sequence)
    return base_class->decide_allocation (decoder, query);

  gst_query_parse_allocation (query, &caps, NULL);
  video_meta = gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  for (i = 0; i < gst_query_get_n_allocation_pools (query); i++) {
    guint min = 0;

    gst_query_parse_nth_allocation_pool (query, i, NULL, NULL, &min, NULL);
    downstream_min = MAX (downstream_min, min);
  }
  if (!gst_dmaresv_decoder_ensure_pool (self, caps, downstream_min))
    return FALSE;

  gst_dmaresv_decoder_set_pool (self, &priv->copy_pool, NULL);

  size = dec_device_get_picture_size (priv->device);
  plain = dec_frame_layout_is_default (&priv->layout, size);
  priv->copy = dec_frame_needs_fix (priv->fix) || (!priv->dmabuf && !video_meta && !plain);
  pool = priv->pool;
  if (priv->copy) {
    GST_CAT_WARNING_OBJECT (performance_debug, self, "%s: every frame is copied",
        priv->fix.neutral_chroma ? "monochrome needs a chroma plane" : priv->fix.unpack ?
        "GStreamer has no packed format for 10-bit 4:2:2" : priv->
        fix.skip_x ? "the picture begins between bytes" : "downstream has no GstVideoMeta");
    if (!gst_dmaresv_decoder_ensure_copy_pool (self, downstream_min))
      return FALSE;
    pool = priv->copy_pool;
    size = GST_VIDEO_INFO_SIZE (&priv->info);
  } else if (!video_meta && !plain) {
    GST_WARNING_OBJECT (self, "downstream takes dma-bufs but no GstVideoMeta: it may misread "
        "strides and offsets");
  }

  GST_OBJECT_LOCK (self);
  hand_over = priv->hand_over;
  GST_OBJECT_UNLOCK (self);
  priv->early_allowed = gst_dmaresv_hand_over_allowed (hand_over,
      GST_VIDEO_DECODER_SRC_PAD (decoder), query);

  if (gst_query_get_n_allocation_pools (query) > 0)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, downstream_min, 0);
  else
    gst_query_add_allocation_pool (query, pool, size, downstream_min, 0);
  return TRUE;
}

gboolean
gst_dmaresv_decoder_tell_format (GstDmaResvDecoder * self, GError ** error)
{
  GstDmaResvDecoderPrivate *priv = gst_dmaresv_decoder_get_private (self);
  GstDmaResvDecoderClass *klass = GST_DMARESV_DECODER_GET_CLASS (self);
  GstBuffer *codec_data = priv->input_state->codec_data;
  GstMapInfo map = GST_MAP_INFO_INIT;
  gboolean ret;

  if (!klass->set_format)
    return TRUE;
  if (codec_data && !gst_buffer_map (codec_data, &map, GST_MAP_READ)) {
    g_set_error_literal (error, CODEC_ERROR, CODEC_ERROR_BITSTREAM, "codec_data cannot be mapped");
    return FALSE;
  }
  ret = klass->set_format (priv->codec, gst_caps_get_structure (priv->input_state->caps, 0),
      map.data, map.size, error);
  if (map.memory)
    gst_buffer_unmap (codec_data, &map);
  return ret;
}

static GstCaps *
gst_dmaresv_decoder_getcaps (GstVideoDecoder * decoder, GstCaps * filter)
{
  return gst_video_decoder_proxy_getcaps (decoder,
      GST_DMARESV_DECODER_GET_CLASS (decoder)->sink_caps, filter);
}

void
gst_dmaresv_decoder_negotiate_class_init (GstVideoDecoderClass * klass)
{
  GST_DEBUG_CATEGORY_INIT (dec_negotiate_debug, "dmaresvnegotiate", 0,
      "V4L2 stateless decoders: caps and pools");
  GST_DEBUG_CATEGORY_GET (performance_debug, "GST_PERFORMANCE");
  base_class = g_type_class_peek_parent (klass);
  klass->getcaps = gst_dmaresv_decoder_getcaps;
  klass->negotiate = gst_dmaresv_decoder_negotiate;
  klass->decide_allocation = gst_dmaresv_decoder_decide_allocation;
}
