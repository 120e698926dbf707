/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parameter sets that a decoder has, as they came: what H.264 and HEVC have
 * in common.  They are kept to know a repeated one, and to parse a PPS again
 * after its SPS changed.
 */
#ifndef V4L2_CODEC_PARAMSETS_H
#define V4L2_CODEC_PARAMSETS_H

#include "nalsplit.h"

G_BEGIN_DECLS

/* No real one is near this many bytes. */
#define PARAM_SET_MAX_SIZE 65535
/* What identifiers H.264 allows (7.4.2.1.1, 7.4.2.2); HEVC has fewer (7.4.3.2.1, 7.4.3.3.1). */
#define PARAM_SETS_MAX_SPS 32
#define PARAM_SETS_MAX_PPS 256

typedef struct
{
  GBytes *sps[PARAM_SETS_MAX_SPS];
  GBytes *pps[PARAM_SETS_MAX_PPS];
  gboolean pps_stale;           /* an SPS changed since they were parsed */
} ParamSets;

/* @data: the whole NAL unit, copied. TRUE if it is another than before; every PPS is stale then. */
gboolean param_sets_put_sps (ParamSets * self, guint id, const guint8 * data, gsize size);
void     param_sets_put_pps (ParamSets * self, guint id, const guint8 * data, gsize size);

/* Gives every PPS to @parse if an SPS changed since the last call. */
void     param_sets_refresh_pps (ParamSets * self, NalFunc parse, gpointer user_data);

void     param_sets_clear (ParamSets * self);

G_END_DECLS
#endif
