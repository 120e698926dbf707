/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SECTION:gstdmafencemeta
 * @title: GstDmaFenceMeta
 * @short_description: the job that still writes a buffer
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmafencemeta.h"

#include <unistd.h>

#include "gstdmafence.h"

struct _GstDmaFenceState
{
  gint sync_fd;
  gint error;                   /* atomic; the owner's word, 0 none */
};

/**
 * gst_dma_fence_state_new:
 * @sync_fd: (transfer full): the job's sync_file
 *
 * Returns: (transfer full): a state that is shared by reference; thread-safe
 */
GstDmaFenceState *
gst_dma_fence_state_new (gint sync_fd)
{
  GstDmaFenceState *state = g_atomic_rc_box_new0 (GstDmaFenceState);

  state->sync_fd = sync_fd;

  return state;
}

GstDmaFenceState *
gst_dma_fence_state_ref (GstDmaFenceState * state)
{
  return g_atomic_rc_box_acquire (state);
}

static void
fence_state_clear (gpointer data)
{
  GstDmaFenceState *state = data;

  if (state->sync_fd >= 0)
    close (state->sync_fd);
}

void
gst_dma_fence_state_unref (GstDmaFenceState * state)
{
  g_atomic_rc_box_release_full (state, fence_state_clear);
}

/**
 * gst_dma_fence_state_fail:
 * @state: a #GstDmaFenceState
 * @error: a negative errno
 *
 * Says that the job failed, where its fence does not; the first word counts.
 */
void
gst_dma_fence_state_fail (GstDmaFenceState * state, gint error)
{
  g_return_if_fail (error < 0);

  g_atomic_int_compare_and_exchange (&state->error, 0, error);
}

gint
gst_dma_fence_state_get (GstDmaFenceState * state)
{
  gint error = g_atomic_int_get (&state->error);
  GstDmaFenceInfo info;

  if (error != 0)
    return error;
  /* No answer is no reason to wait for ever. */
  if (!gst_dma_fence_get_info (state->sync_fd, &info, NULL))
    return 1;

  return info.status;
}

gint
gst_dma_fence_state_get_fd (GstDmaFenceState * state)
{
  return state->sync_fd;
}

/* The meta */

GType
gst_dma_fence_meta_api_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const gchar *tags[] = { GST_META_TAG_MEMORY_STR, NULL };
    /* The library is linked statically: another module's copy may have been here before. */
    GType api = g_type_from_name ("GstDmaFenceMetaAPI");

    if (!api)
      api = gst_meta_api_type_register ("GstDmaFenceMetaAPI", tags);
    g_once_init_leave (&type, api);
  }

  return type;
}

static gboolean
dma_fence_meta_init (GstMeta * meta, gpointer params, GstBuffer * buffer)
{
  (void) params;
  (void) buffer;
  ((GstDmaFenceMeta *) meta)->state = NULL;

  return TRUE;
}

static void
dma_fence_meta_free (GstMeta * meta, GstBuffer * buffer)
{
  (void) buffer;
  g_clear_pointer (&((GstDmaFenceMeta *) meta)->state, gst_dma_fence_state_unref);
}

/* Copies share the memory, or were made by a mapping that waited; a failure concerns both. */
static gboolean
dma_fence_meta_transform (GstBuffer * dest, GstMeta * meta, GstBuffer * buffer, GQuark type,
    gpointer data)
{
  (void) buffer;
  (void) data;
  if (!GST_META_TRANSFORM_IS_COPY (type))
    return FALSE;
  gst_buffer_add_dma_fence_meta (dest, ((GstDmaFenceMeta *) meta)->state);

  return TRUE;
}

const GstMetaInfo *
gst_dma_fence_meta_get_info (void)
{
  static const GstMetaInfo *info = NULL;

  if (g_once_init_enter ((GstMetaInfo **) & info)) {
    const GstMetaInfo *mi = gst_meta_get_info ("GstDmaFenceMeta");

    if (!mi)
      mi = gst_meta_register (GST_DMA_FENCE_META_API_TYPE, "GstDmaFenceMeta",
          sizeof (GstDmaFenceMeta), dma_fence_meta_init, dma_fence_meta_free,
          dma_fence_meta_transform);

    g_once_init_leave ((GstMetaInfo **) & info, (GstMetaInfo *) mi);
  }

  return info;
}

/**
 * gst_buffer_add_dma_fence_meta:
 * @buffer: a writable buffer
 * @state: (transfer none): the job that writes its memory
 *
 * Returns: (transfer none): the meta
 */
GstDmaFenceMeta *
gst_buffer_add_dma_fence_meta (GstBuffer * buffer, GstDmaFenceState * state)
{
  GstDmaFenceMeta *meta;

  meta = (GstDmaFenceMeta *) gst_buffer_add_meta (buffer, gst_dma_fence_meta_get_info (), NULL);
  meta->state = gst_dma_fence_state_ref (state);

  return meta;
}
