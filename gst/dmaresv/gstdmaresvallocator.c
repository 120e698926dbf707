/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SECTION:gstdmaresvallocator
 * @title: GstDmaResvAllocator
 * @short_description: dma-buf memory whose mapping honours implicit fences
 *
 * A mapping does, in this order: wait for the fences that concern it (writers
 * when reading, everybody when writing), bounded by a timeout; mmap();
 * DMA_BUF_IOCTL_SYNC with DMA_BUF_SYNC_START.  Unmapping ends the CPU access
 * and gives the mapping back.
 *
 * #GstDmaBufAllocator's own mem_map_full issues DMA_BUF_IOCTL_SYNC as well, but
 * neither restarts it when a signal interrupts it nor fails the mapping, and
 * the kernel waits in it without a bound.  So this class replaces the
 * mem_map_full / mem_unmap_full pair and goes straight to the plain mem_map /
 * mem_unmap that #GstFdAllocator set up: each mapping synchronises once.
 *
 * Sub-memories (gst_memory_share()) come back to the same functions; their
 * descriptor is their parent's, whose mapping #GstFdAllocator counts.  A
 * nested mapping opens and closes its own bracket, which the kernel allows.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstdmaresvallocator.h"

#include <glib/gstdio.h>

#include "gstdmafence.h"

GST_DEBUG_CATEGORY_STATIC (dmaresv_allocator_debug);
#define GST_CAT_DEFAULT dmaresv_allocator_debug

#define DEFAULT_TIMEOUT (3 * GST_SECOND)

struct _GstDmaResvAllocator
{
  GstDmaBufAllocator parent;

  GstClockTime timeout;         /* object lock */

  GstMemoryMapFunction fd_map;
  GstMemoryUnmapFunction fd_unmap;
};

G_DEFINE_TYPE_WITH_CODE (GstDmaResvAllocator, gst_dmaresv_allocator,
    GST_TYPE_DMABUF_ALLOCATOR,
    GST_DEBUG_CATEGORY_INIT (dmaresv_allocator_debug, "dmaresvallocator", 0,
        "implicit-sync dma-buf allocator"));

static GstDmaAccess
map_flags_to_access (GstMapFlags flags)
{
  GstDmaAccess access = 0;

  if (flags & GST_MAP_READ)
    access |= GST_DMA_ACCESS_READ;
  if (flags & GST_MAP_WRITE)
    access |= GST_DMA_ACCESS_WRITE;

  return access;
}

/* TRUE when synchronised or when the descriptor has nothing to synchronise (no
 * dma-buf, as with a memfd in a test or a software pipeline). */
static gboolean
allocator_cpu_access (GstDmaResvAllocator * self, gint fd, GstDmaAccess access, gboolean begin)
{
  g_autoptr (GError) error = NULL;

  if (gst_dma_fence_cpu_access (fd, access, begin, &error))
    return TRUE;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
    GST_LOG_OBJECT (self, "no dma-buf, nothing to synchronise: %s", error->message);
    return TRUE;
  }

  GST_WARNING_OBJECT (self, "could not %s CPU access: %s", begin ? "begin" : "end", error->message);

  return FALSE;
}

static gpointer
dmaresv_mem_map_full (GstMemory * mem, GstMapInfo * info, gsize maxsize)
{
  GstDmaResvAllocator *self = GST_DMARESV_ALLOCATOR (mem->allocator);
  GstDmaAccess access = map_flags_to_access (info->flags);
  gint fd = gst_fd_memory_get_fd (mem);
  g_autoptr (GError) error = NULL;
  GstClockTime timeout;
  gpointer data;

  GST_OBJECT_LOCK (self);
  timeout = self->timeout;
  GST_OBJECT_UNLOCK (self);

  if (access != 0 && !gst_dma_fence_wait_cpu (fd, access, timeout, &error)) {
    GST_WARNING_OBJECT (self, "not mapping memory %p: %s", mem, error->message);
    return NULL;
  }

  data = self->fd_map (mem, maxsize, info->flags);
  if (data == NULL) {
    GST_WARNING_OBJECT (self, "could not map memory %p (descriptor %d, %"
        G_GSIZE_FORMAT " bytes) with flags 0x%x", mem, fd, maxsize, (guint) info->flags);
    return NULL;
  }

  if (access != 0 && !allocator_cpu_access (self, fd, access, TRUE)) {
    self->fd_unmap (mem);
    return NULL;
  }

  return data;
}

static void
dmaresv_mem_unmap_full (GstMemory * mem, GstMapInfo * info)
{
  GstDmaResvAllocator *self = GST_DMARESV_ALLOCATOR (mem->allocator);
  GstDmaAccess access = map_flags_to_access (info->flags);

  if (access != 0)
    allocator_cpu_access (self, gst_fd_memory_get_fd (mem), access, FALSE);

  self->fd_unmap (mem);
}

static void
gst_dmaresv_allocator_class_init (GstDmaResvAllocatorClass * klass)
{
  (void) klass;
}

static void
gst_dmaresv_allocator_init (GstDmaResvAllocator * self)
{
  GstAllocator *allocator = GST_ALLOCATOR_CAST (self);

  self->timeout = DEFAULT_TIMEOUT;

  self->fd_map = allocator->mem_map;
  self->fd_unmap = allocator->mem_unmap;
  allocator->mem_map_full = dmaresv_mem_map_full;
  allocator->mem_unmap_full = dmaresv_mem_unmap_full;
}

/**
 * gst_dmaresv_allocator_new:
 *
 * Returns: (transfer full): a new allocator; gst_object_unref() after usage
 */
GstAllocator *
gst_dmaresv_allocator_new (void)
{
  GstAllocator *allocator = g_object_new (GST_TYPE_DMARESV_ALLOCATOR, NULL);

  return gst_object_ref_sink (allocator);
}

/**
 * gst_dmaresv_allocator_wrap:
 * @allocator: a #GstDmaResvAllocator
 * @fd: (transfer full): a dma-buf, closed with the memory; also when wrapping
 *     fails
 * @size: the dma-buf's size in bytes
 *
 * Wraps a dma-buf that somebody else allocated.  The first mapping is kept until
 * the memory goes, as mmap() and the page faults after it cost more than the
 * synchronisation.
 *
 * Returns: (transfer full) (nullable): the memory, or %NULL when @fd is negative
 *     or @size is 0
 */
GstMemory *
gst_dmaresv_allocator_wrap (GstAllocator * allocator, gint fd, gsize size)
{
  g_return_val_if_fail (GST_IS_DMARESV_ALLOCATOR (allocator), NULL);

  if (fd < 0 || size == 0) {
    GST_WARNING_OBJECT (allocator, "not wrapping descriptor %d of %"
        G_GSIZE_FORMAT " bytes", fd, size);
    if (fd >= 0)
      g_close (fd, NULL);
    return NULL;
  }

  return gst_dmabuf_allocator_alloc_with_flags (allocator, fd, size,
      GST_FD_MEMORY_FLAG_KEEP_MAPPED);
}

/**
 * gst_dmaresv_allocator_set_timeout:
 * @self: a #GstDmaResvAllocator
 * @timeout: ns
 *
 * Sets how long one mapping may wait for fences before it fails; 3 seconds at
 * first.  0 never waits: a mapping that would have to fails at once.
 */
void
gst_dmaresv_allocator_set_timeout (GstDmaResvAllocator * self, GstClockTime timeout)
{
  g_return_if_fail (GST_IS_DMARESV_ALLOCATOR (self));

  GST_OBJECT_LOCK (self);
  self->timeout = timeout;
  GST_OBJECT_UNLOCK (self);
}
