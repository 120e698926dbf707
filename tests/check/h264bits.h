/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes H.264 headers bit by bit, so that tests say what a stream holds.
 * Slices get headers and a few bits of data: a pure codec never reads more.
 */
#ifndef H264_BITS_H
#define H264_BITS_H

#include <glib.h>

typedef struct
{
  guint8 profile_idc, constraint_flags, level_idc;      /* constraint_flags: set0 is 0x80 */
  guint id;
  guint chroma_format_idc, bit_depth;   /* high profiles only */
  const gint *scaling_8x8_inter;        /* 64 values in zigzag order: a matrix with this one list */
  guint log2_max_frame_num, poc_type, log2_max_poc_lsb;
  gint offset_for_non_ref_pic, offset_for_ref_frame[2];
  guint num_ref_frames_in_cycle;
  guint num_ref_frames;
  gboolean gaps_allowed;
  guint width_mbs, height_mbs;
  guint crop[4];                /* left, right, top, bottom in crop units */
  gboolean bitstream_restriction;
  guint num_reorder_frames, max_dec_frame_buffering;
  gboolean interlaced, mbaff;   /* frame_mbs_only_flag is 0; height_mbs counts the frame's */
  gboolean pic_struct_present;
} BitsSps;

/* 4x4 macroblocks, High, level 4, POC type 0, 4 references, no VUI */
extern const BitsSps BITS_SPS;

typedef struct
{
  guint id, sps_id;
  gboolean redundant_pic_cnt_present;
  guint num_slice_groups;       /* 1 or 2 */
  gboolean transform_8x8;       /* writes the extension; with scaling a matrix without any list */
  gboolean scaling;
} BitsPps;

typedef struct
{
  guint op, a, b;
} BitsMmco;

typedef struct
{
  guint nal_type, ref_idc;
  guint type;                   /* 0 P, 1 B, 2 I */
  guint first_mb, pps_id, frame_num, idr_pic_id, poc_lsb, redundant_pic_cnt;
  gboolean long_term_reference;
  gboolean no_output_of_prior_pics;
  const BitsMmco *mmco;         /* ends with op 0 */
  guint n_modifications;        /* that many entries in ref_pic_list_modification() */
  guint payload;                /* bytes of slice data */
  guint structure;              /* 0 frame, 1 top field, 2 bottom field */
} BitsSlice;

void bits_sps (GByteArray * out, const BitsSps * sps);
void bits_pps (GByteArray * out, const BitsPps * pps);
void bits_slice (GByteArray * out, const BitsSps * sps, const BitsPps * pps,
    const BitsSlice * slice);
void bits_recovery_point (GByteArray * out, guint recovery_frame_cnt);
/* pic_timing() without HRD; @ct_type -1: no clock timestamp. */
void bits_pic_timing (GByteArray * out, guint pic_struct, gint ct_type);
/* A NAL unit of any type with this many bytes of nothing */
void bits_nal (GByteArray * out, guint8 header, guint size);

#endif
