/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* memfd_create() */
#endif

#include "dmaresvkit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

/* drivers/dma-buf/sw_sync.c has no uAPI header */
struct sw_sync_create_fence_data
{
  guint32 value;
  gchar name[32];
  gint32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE \
    _IOWR ('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW ('W', 1, guint32)

void
skip (const gchar * what)
{
  if (g_strcmp0 (g_getenv ("DMARESV_REQUIRE_KERNEL"), "1") == 0)
    fail ("DMARESV_REQUIRE_KERNEL=1, but: %s", what);
  g_print ("SKIP dmaresv: %s\n", what);
}

/* dma-bufs and fences of the kernel */

gint
memfd_new (gsize size)
{
  gint fd = memfd_create ("dmaresv-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  fail_unless (fd >= 0);
  fail_unless_equals_int (ftruncate (fd, size), 0);

  return fd;
}

static gint
udmabuf_new (gsize size)
{
  struct udmabuf_create create;
  gint dev, memfd, fd;

  dev = open ("/dev/udmabuf", O_RDWR | O_CLOEXEC);
  if (dev < 0)
    return -1;

  memfd = memfd_new (size);
  fail_unless_equals_int (fcntl (memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);

  memset (&create, 0, sizeof (create));
  create.memfd = memfd;
  create.flags = UDMABUF_FLAGS_CLOEXEC;
  create.size = size;
  fd = ioctl (dev, UDMABUF_CREATE, &create);
  close (memfd);
  close (dev);

  return fd;
}

static gint
heap_buffer_new (gsize size)
{
  struct dma_heap_allocation_data data;
  gint dev, ret;

  dev = open ("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
  if (dev < 0)
    return -1;

  memset (&data, 0, sizeof (data));
  data.len = size;
  data.fd_flags = O_RDWR | O_CLOEXEC;
  ret = ioctl (dev, DMA_HEAP_IOCTL_ALLOC, &data);
  close (dev);

  return ret < 0 ? -1 : (gint) data.fd;
}

gint
dmabuf_new (gsize size)
{
  gint fd = udmabuf_new (size);

  return fd >= 0 ? fd : heap_buffer_new (size);
}

gint
timeline_new (void)
{
  return open ("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
}

gint
timeline_fence (gint timeline, guint32 value)
{
  struct sw_sync_create_fence_data data;

  memset (&data, 0, sizeof (data));
  data.value = value;
  g_strlcpy (data.name, "dmaresv-test", sizeof (data.name));
  data.fence = -1;
  fail_unless (ioctl (timeline, SW_SYNC_IOC_CREATE_FENCE, &data) == 0,
      "SW_SYNC_IOC_CREATE_FENCE: %s", g_strerror (errno));

  return data.fence;
}

void
timeline_advance (gint timeline)
{
  guint32 one = 1;

  fail_unless_equals_int (ioctl (timeline, SW_SYNC_IOC_INC, &one), 0);
}

void
dmabuf_attach (gint dmabuf, gint timeline, guint32 value, GstDmaAccess access)
{
  gint fence = timeline_fence (timeline, value);
  GError *error = NULL;

  fail_unless (gst_dma_fence_import (dmabuf, fence, access, &error),
      "%s", error ? error->message : "?");
  close (fence);
}

gboolean
have_kernel (void)
{
  gint dmabuf = dmabuf_new (BUFFER_SIZE), timeline = timeline_new ();
  gint sync_fd = -1;
  gboolean ret = FALSE;

  if (dmabuf < 0)
    skip ("neither /dev/udmabuf nor /dev/dma_heap/system gives a dma-buf");
  else if (timeline < 0)
    skip ("no sw_sync in /sys/kernel/debug/sync");
  else if ((sync_fd = gst_dma_fence_export (dmabuf, GST_DMA_ACCESS_RW, NULL)) < 0)
    skip ("DMA_BUF_IOCTL_EXPORT_SYNC_FILE does not work");
  else
    ret = TRUE;

  if (sync_fd >= 0)
    close (sync_fd);
  if (timeline >= 0)
    close (timeline);
  if (dmabuf >= 0)
    close (dmabuf);

  return ret;
}

/* Something done by another thread, a while later */

typedef struct
{
  void (*func) (gpointer);
  gpointer data;
  GstClockTime delay;
} Later;

static gpointer
later_thread (gpointer data)
{
  Later *later = data;

  g_usleep (later->delay / 1000);
  later->func (later->data);
  g_free (later);

  return NULL;
}

GThread *
later_do (GstClockTime delay, void (*func) (gpointer), gpointer data)
{
  Later *later = g_new0 (Later, 1);

  later->func = func;
  later->data = data;
  later->delay = delay;

  return g_thread_new ("later", later_thread, later);
}
