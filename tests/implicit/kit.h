/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs of the suite implicit-sync share. */
#ifndef IMPLICIT_KIT_H
#define IMPLICIT_KIT_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* A consumer of dma-bufs: a fakesink that takes GstVideoMeta, and (@early) unfinished frames. */
void     sink_prepare (GstElement * sink, gboolean early);

/* gst_parse_launch() of @description with "! fakesink name=sink" behind it; NULL: it was told. */
GstElement *pipeline_new (const gchar * description, const gchar * sink_options);

/* Until EOS (NULL) or an error (its text, transfer full); at most @timeout. */
gchar   *pipeline_wait (GstElement * pipeline, GstClockTime timeout);

/* To NULL; FALSE when that took longer than @bound. */
gboolean pipeline_end (GstElement * pipeline, GstClockTime bound);

/* "early" and "finished" frames of the element @name, 0 when it does not say. */
guint64  stat_of (GstElement * pipeline, const gchar * name, const gchar * field);

guint    count_fds (void);

/* sw_sync (debugfs): -1 when there is none; @value: when the fence signals. */
gint     timeline_new (void);
gint     timeline_fence (gint timeline, guint32 value);
void     timeline_advance (gint timeline, guint32 by);

G_END_DECLS
#endif
