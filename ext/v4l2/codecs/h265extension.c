/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h265extension.h"

/* Lengths in bits, of 9.2 and 9.2.2, and Ceil (Log2 (v)) */

static guint
ue_bits (guint32 v)
{
  return 2 * g_bit_storage (v + 1) - 1;
}

static guint
se_bits (gint32 v)
{
  return ue_bits (v > 0 ? 2 * v - 1 : -2 * v);
}

static guint
ceil_log2 (guint v)
{
  return v > 1 ? g_bit_storage (v - 1) : 0;
}

/* The slice header's length up to its extension: what was read is written in one way only. */

static guint
weights_bits (const GstH265PredWeightTable * t, guint n, gboolean chroma, guint list)
{
  const guint8 *luma_flag = list ? t->luma_weight_l1_flag : t->luma_weight_l0_flag;
  const guint8 *chroma_flag = list ? t->chroma_weight_l1_flag : t->chroma_weight_l0_flag;
  const gint8 *weight = list ? t->delta_luma_weight_l1 : t->delta_luma_weight_l0;
  const gint8 *offset = list ? t->luma_offset_l1 : t->luma_offset_l0;
  guint bits = 0;

  for (guint i = 0; i < n; i++) {
    bits += 1 + chroma;
    if (luma_flag[i])
      bits += se_bits (weight[i]) + se_bits (offset[i]);
    for (guint c = 0; chroma && chroma_flag[i] && c < 2; c++)
      bits += se_bits (list ? t->delta_chroma_weight_l1[i][c] : t->delta_chroma_weight_l0[i][c])
          + se_bits (list ? t->delta_chroma_offset_l1[i][c] : t->delta_chroma_offset_l0[i][c]);
  }

  return bits;
}

static guint
inter_bits (const GstH265SliceHdr * hdr)
{
  const GstH265PPS *pps = hdr->pps;
  const GstH265RefPicListModification *mod = &hdr->ref_pic_list_modification;
  gboolean b = GST_H265_IS_B_SLICE (hdr), chroma = pps->sps->chroma_array_type != 0;
  guint n0 = hdr->num_ref_idx_l0_active_minus1 + 1, n1 = hdr->num_ref_idx_l1_active_minus1 + 1;
  guint entry = ceil_log2 (hdr->NumPocTotalCurr), bits = 1;

  if (hdr->num_ref_idx_active_override_flag)
    bits += ue_bits (n0 - 1) + (b ? ue_bits (n1 - 1) : 0);
  if (pps->lists_modification_present_flag && hdr->NumPocTotalCurr > 1) {
    bits += 1 + b;
    if (mod->ref_pic_list_modification_flag_l0)
      bits += n0 * entry;
    if (b && mod->ref_pic_list_modification_flag_l1)
      bits += n1 * entry;
  }
  bits += b + (pps->cabac_init_present_flag ? 1 : 0);
  if (hdr->temporal_mvp_enabled_flag) {
    bits += b;
    if ((hdr->collocated_from_l0_flag ? n0 : n1) > 1)
      bits += ue_bits (hdr->collocated_ref_idx);
  }
  if (b ? pps->weighted_bipred_flag : pps->weighted_pred_flag) {
    const GstH265PredWeightTable *t = &hdr->pred_weight_table;

    bits += ue_bits (t->luma_log2_weight_denom);
    bits += chroma ? se_bits (t->delta_chroma_log2_weight_denom) : 0;
    bits += weights_bits (t, n0, chroma, 0) + (b ? weights_bits (t, n1, chroma, 1) : 0);
  }

  return bits + ue_bits (hdr->five_minus_max_num_merge_cand);
}

static guint
rps_bits (const GstH265SliceHdr * hdr)
{
  const GstH265SPS *sps = hdr->pps->sps;
  guint bits = sps->log2_max_pic_order_cnt_lsb_minus4 + 4 + 1;

  bits += hdr->short_term_ref_pic_set_sps_flag ? ceil_log2 (sps->num_short_term_ref_pic_sets)
      : hdr->short_term_ref_pic_set_size;
  bits += hdr->long_term_ref_pic_set_size;

  return bits + (sps->temporal_mvp_enabled_flag ? 1 : 0);
}

static guint
deblocking_bits (const GstH265SliceHdr * hdr)
{
  const GstH265PPS *pps = hdr->pps;
  guint bits = pps->deblocking_filter_override_enabled_flag ? 1 : 0;

  if (hdr->deblocking_filter_override_flag) {
    bits++;
    if (!hdr->deblocking_filter_disabled_flag)
      bits += se_bits (hdr->beta_offset_div2) + se_bits (hdr->tc_offset_div2);
  }
  if (pps->loop_filter_across_slices_enabled_flag && (hdr->sao_luma_flag || hdr->sao_chroma_flag
          || !hdr->deblocking_filter_disabled_flag))
    bits++;

  return bits;
}

static guint
independent_bits (const GstH265SliceHdr * hdr, guint type)
{
  const GstH265PPS *pps = hdr->pps;
  const GstH265SPS *sps = pps->sps;
  guint bits = pps->num_extra_slice_header_bits + ue_bits (hdr->type);

  bits += pps->output_flag_present_flag ? 1 : 0;
  if (!GST_H265_IS_NAL_TYPE_IDR (type))
    bits += rps_bits (hdr);
  if (sps->sample_adaptive_offset_enabled_flag)
    bits += sps->chroma_array_type ? 2 : 1;
  if (!GST_H265_IS_I_SLICE (hdr))
    bits += inter_bits (hdr);
  bits += se_bits (hdr->qp_delta);
  if (pps->slice_chroma_qp_offsets_present_flag)
    bits += se_bits (hdr->cb_qp_offset) + se_bits (hdr->cr_qp_offset);

  return bits + deblocking_bits (hdr);
}

static guint
header_bits (const GstH265SliceHdr * hdr, guint type)
{
  const GstH265PPS *pps = hdr->pps;
  guint bits = 1 + (GST_H265_IS_NAL_TYPE_IRAP (type) ? 1 : 0) + ue_bits (pps->id);

  if (!hdr->first_slice_segment_in_pic_flag)
    bits += (pps->dependent_slice_segments_enabled_flag ? 1 : 0)
        + ceil_log2 (pps->PicWidthInCtbsY * pps->PicHeightInCtbsY);
  if (!hdr->dependent_slice_segment_flag)
    bits += independent_bits (hdr, type);
  if (pps->tiles_enabled_flag || pps->entropy_coding_sync_enabled_flag) {
    bits += ue_bits (hdr->num_entry_point_offsets);
    if (hdr->num_entry_point_offsets)
      bits += ue_bits (hdr->offset_len_minus1)
          + hdr->num_entry_point_offsets * (hdr->offset_len_minus1 + 1);
  }

  return bits;
}

/* NAL unit <-> RBSP, 7.3.1.1 */

/* Appends up to @size bytes without emulation prevention; how many of @data they were */
static gsize
unescape (GByteArray * to, gsize size, const guint8 * data, gsize data_size)
{
  guint zeros = 0;
  gsize i;

  for (i = 0; i < data_size && to->len < size; i++) {
    if (zeros >= 2 && data[i] == 3) {
      zeros = 0;
      continue;
    }
    zeros = data[i] ? 0 : zeros + 1;
    g_byte_array_append (to, data + i, 1);
  }

  return i;
}

static void
escape (GByteArray * to, const guint8 * data, gsize size)
{
  static const guint8 prevention = 3;
  guint zeros = 0;

  for (gsize i = 0; i < size; i++) {
    if (zeros >= 2 && data[i] <= 3) {
      g_byte_array_append (to, &prevention, 1);
      zeros = 0;
    }
    zeros = data[i] ? 0 : zeros + 1;
    g_byte_array_append (to, data + i, 1);
  }
}

static gboolean
bit_at (const GByteArray * rbsp, guint bit)
{
  return bit / 8 < rbsp->len && (rbsp->data[bit / 8] >> (7 - bit % 8) & 1);
}

/* The header's length in bits with its extension and byte_alignment (), or 0. @pos: where the extension is */
static guint
find_end (const GByteArray * rbsp, guint pos)
{
  guint zeros = 0, length = 0;

  while (zeros < 16 && !bit_at (rbsp, pos + zeros))
    zeros++;
  pos += zeros;
  for (guint i = 0; i <= zeros; i++)
    length = length << 1 | bit_at (rbsp, pos++);
  if (length == 0 || length - 1 > 256)
    return 0;
  pos += 8 * (length - 1);
  if (!bit_at (rbsp, pos++))
    return 0;
  for (; pos % 8; pos++) {
    if (bit_at (rbsp, pos))
      return 0;
  }

  return pos / 8 <= rbsp->len ? pos : 0;
}

GByteArray *
h265_slice_without_extension (const GstH265NalUnit * nalu, const GstH265SliceHdr * hdr,
    guint * header_size)
{
  guint start = 8 * nalu->header_bytes + header_bits (hdr, nalu->type), end;
  g_autoptr (GByteArray) rbsp = g_byte_array_new ();
  GByteArray *out;
  gsize raw;

  /* the longest extension, its own length, and the alignment */
  unescape (rbsp, start / 8 + 256 + 8, nalu->data, nalu->size);
  end = find_end (rbsp, start);
  if (!end)
    return NULL;
  g_byte_array_set_size (rbsp, 0);
  raw = unescape (rbsp, end / 8, nalu->data, nalu->size);

  rbsp->data[start / 8] &= 0xff00 >> start % 8;
  rbsp->data[start / 8] |= 0x80 >> start % 8;
  out = g_byte_array_new ();
  escape (out, rbsp->data, start / 8 + 1);
  *header_size = 8 * (out->len - nalu->header_bytes);
  /* a header ends with a byte that is not 0: nothing of it matters to the escaping of what follows */
  g_byte_array_append (out, nalu->data + raw, nalu->size - raw);

  return out;
}
