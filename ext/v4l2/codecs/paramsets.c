/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "paramsets.h"

static gboolean
replace_nal (GBytes ** slot, const guint8 * data, gsize size)
{
  GBytes *bytes = g_bytes_new (data, size);

  if (*slot && g_bytes_equal (*slot, bytes)) {
    g_bytes_unref (bytes);
    return FALSE;
  }
  g_clear_pointer (slot, g_bytes_unref);
  *slot = bytes;

  return TRUE;
}

gboolean
param_sets_put_sps (ParamSets * self, guint id, const guint8 * data, gsize size)
{
  g_return_val_if_fail (id < PARAM_SETS_MAX_SPS, FALSE);

  if (!replace_nal (&self->sps[id], data, size))
    return FALSE;
  self->pps_stale = TRUE;

  return TRUE;
}

void
param_sets_put_pps (ParamSets * self, guint id, const guint8 * data, gsize size)
{
  g_return_if_fail (id < PARAM_SETS_MAX_PPS);

  replace_nal (&self->pps[id], data, size);
}

void
param_sets_refresh_pps (ParamSets * self, NalFunc parse, gpointer user_data)
{
  if (!self->pps_stale)
    return;
  self->pps_stale = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (self->pps); i++) {
    gsize size;
    gconstpointer data;

    if (!self->pps[i])
      continue;
    data = g_bytes_get_data (self->pps[i], &size);
    parse (user_data, data, size);
  }
}

void
param_sets_clear (ParamSets * self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sps); i++)
    g_clear_pointer (&self->sps[i], g_bytes_unref);
  for (guint i = 0; i < G_N_ELEMENTS (self->pps); i++)
    g_clear_pointer (&self->pps[i], g_bytes_unref);
}
