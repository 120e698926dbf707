/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h265priv.h"

#include "h265extension.h"

#include <string.h>

GST_DEBUG_CATEGORY (codec_h265_debug);
#define GST_CAT_DEFAULT codec_h265_debug

/* Parameter sets */

static void
init_nalu (GstH265NalUnit * nalu, const guint8 * data, gsize size)
{
  memset (nalu, 0, sizeof (*nalu));
  nalu->type = (data[0] >> 1) & 0x3f;
  nalu->layer_id = (data[0] & 1) << 5 | data[1] >> 3;
  nalu->temporal_id_plus1 = data[1] & 7;
  nalu->size = size;
  nalu->header_bytes = 2;
  nalu->data = (guint8 *) data;
  nalu->valid = TRUE;
}

/*
 * To version 1 of the standard all extensions are bits to be ignored (sps_extension_data_flag), and
 * its profiles have got no tool since (A.3.2 to A.3.4): what looks like one is not meant.
 */
static void
ignore_sps_extensions (CodecH265 * self, GstH265SPS * sps)
{
  guint16 bit = 1 << sps->id;

  self->version1_sps &= ~bit;
  if (sps->profile_tier_level.profile_idc > GST_H265_PROFILE_IDC_MAIN_STILL_PICTURE)
    return;
  self->version1_sps |= bit;
  sps->sps_extension_flag = sps->sps_range_extension_flag = sps->sps_multilayer_extension_flag = 0;
  sps->sps_3d_extension_flag = sps->sps_scc_extension_flag = sps->sps_extension_4bits = 0;
  memset (&sps->sps_extension_params, 0, sizeof (sps->sps_extension_params));
  memset (&sps->sps_scc_extension_params, 0, sizeof (sps->sps_scc_extension_params));
}

/* @pps: the parser's own.  Returns whether it changed, and with it the syntax of slice headers. */
static gboolean
ignore_pps_extensions (CodecH265 * self, GstH265PPS * pps)
{
  if (!pps->pps_extension_flag || !(self->version1_sps >> pps->sps_id & 1))
    return FALSE;
  pps->pps_extension_flag = pps->pps_range_extension_flag = pps->pps_multilayer_extension_flag = 0;
  pps->pps_3d_extension_flag = pps->pps_scc_extension_flag = pps->pps_extension_4bits = 0;
  memset (&pps->pps_extension_params, 0, sizeof (pps->pps_extension_params));
  memset (&pps->pps_scc_extension_params, 0, sizeof (pps->pps_scc_extension_params));

  return TRUE;
}

static GstH265ParserResult
parse_pps (CodecH265 * self, const guint8 * data, gsize size, guint * id)
{
  GstH265NalUnit nalu;
  GstH265PPS pps;
  GstH265ParserResult result;

  memset (&pps, 0, sizeof (pps));
  init_nalu (&nalu, data, size);
  result = gst_h265_parser_parse_pps (self->parser, &nalu, &pps);
  *id = pps.id;

  return result;
}

/* A PPS is parsed by its SPS: after another SPS, all again. */
static gboolean
parse_pps_again (gpointer user_data, const guint8 * data, gsize size)
{
  guint id;

  parse_pps (user_data, data, size, &id);

  return TRUE;
}

static void
handle_sps (CodecH265 * self, const guint8 * data, gsize size)
{
  GstH265NalUnit nalu;
  g_autofree GstH265SPS *sps = g_new0 (GstH265SPS, 1);

  init_nalu (&nalu, data, size);
  if (size > PARAM_SET_MAX_SIZE
      || gst_h265_parse_sps (self->parser, &nalu, sps, TRUE) != GST_H265_PARSER_OK
      || sps->id >= GST_H265_MAX_SPS_COUNT) {
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "Damaged sequence parameter set");
    return;
  }
  ignore_sps_extensions (self, sps);
  if (param_sets_put_sps (&self->sets, sps->id, data, size))
    gst_h265_parser_update_sps (self->parser, sps);
}

/* A PPS whose SPS is missing is no error yet: the SPS may follow. */
static void
handle_pps (CodecH265 * self, const guint8 * data, gsize size)
{
  GstH265ParserResult result;
  guint id = GST_H265_MAX_PPS_COUNT;

  result = size > PARAM_SET_MAX_SIZE ? GST_H265_PARSER_ERROR : parse_pps (self, data, size, &id);
  if (id >= GST_H265_MAX_PPS_COUNT
      || (result != GST_H265_PARSER_OK && result != GST_H265_PARSER_BROKEN_LINK)) {
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "Damaged picture parameter set");
    return;
  }
  param_sets_put_pps (&self->sets, id, data, size);
}

/* Slices */

static gboolean
check_supported (CodecH265 * self, const GstH265PPS * pps)
{
  GError *error = NULL;

  if (!h265_sps_check (pps->sps, &error)) {
    h265_set_error (self, CODEC_ERROR_UNSUPPORTED, "%s", error->message);
    g_clear_error (&error);
    return FALSE;
  }
  if (pps->pps_range_extension_flag
      && (pps->pps_extension_params.cross_component_prediction_enabled_flag
          || pps->pps_extension_params.chroma_qp_offset_list_enabled_flag
          || pps->pps_extension_params.log2_sao_offset_scale_luma
          || pps->pps_extension_params.log2_sao_offset_scale_chroma)) {
    h265_set_error (self, CODEC_ERROR_UNSUPPORTED, "range extensions' tools are not supported");
    return FALSE;
  }

  return TRUE;
}

static void
begin_picture (CodecH265 * self, const GstH265SliceHdr * hdr, const GstH265NalUnit * nalu)
{
  H265Current *pic = &self->pic;
  const GstH265PPS *pps = hdr->pps;

  h265_reset_current (pic);
  pic->active = TRUE;
  pic->hdr = *hdr;
  pic->hdr.entry_point_offset_minus1 = NULL;
  pic->nal_type = nalu->type;
  pic->temporal_id = nalu->temporal_id_plus1 - 1;
  pic->sps = *pps->sps;
  pic->pps_id = pps->id;
  pic->damaged = self->slice_lost;
  self->slice_lost = FALSE;

  h265_controls_fill_sps (&pic->sps_ctrl, pps->sps);
  h265_controls_fill_pps (&pic->pps_ctrl, pps);
  pic->pps_ctrl.flags &= ~V4L2_HEVC_PPS_FLAG_SLICE_SEGMENT_HEADER_EXTENSION_PRESENT;
  h265_controls_fill_scaling_matrix (&pic->scaling_ctrl, pps, pps->sps);
}

static void
append_slice (CodecH265 * self, const GstH265SliceHdr * hdr, const GstH265NalUnit * nalu)
{
  H265Current *pic = &self->pic;
  struct v4l2_ctrl_hevc_slice_params params = { 0, };

  if (hdr->dependent_slice_segment_flag)
    params = g_array_index (pic->slices, struct v4l2_ctrl_hevc_slice_params, pic->slices->len - 1);
  h265_controls_fill_slice_params (&params, hdr, nalu);
  params.bit_size += 8 * NAL_START_CODE_SIZE;
  params.data_byte_offset += pic->data->len + NAL_START_CODE_SIZE;
  g_array_append_val (pic->slices, params);
  g_array_append_val (pic->modifications, hdr->ref_pic_list_modification);
  nal_append (pic->data, nalu->data, nalu->size);
  pic->has_first |= hdr->first_slice_segment_in_pic_flag;
}

/* A slice segment that cannot be read: the picture around it has a hole. */
static void
lose_slice (CodecH265 * self)
{
  if (self->pic.active)
    self->pic.damaged = TRUE;
  else
    self->slice_lost = TRUE;
}

/* Whether it is the first of another picture; the flag's own slice segment may be lost. */
static gboolean
starts_picture (const H265Current * pic, const GstH265SliceHdr * hdr, const GstH265NalUnit * nalu)
{
  if (hdr->first_slice_segment_in_pic_flag)
    return TRUE;
  if (nalu->type != pic->nal_type || nalu->temporal_id_plus1 - 1 != pic->temporal_id)
    return TRUE;

  return !hdr->dependent_slice_segment_flag && !GST_H265_IS_NAL_TYPE_IDR (nalu->type)
      && hdr->pic_order_cnt_lsb != pic->hdr.pic_order_cnt_lsb;
}

/* FALSE if the client failed. */
static gboolean
add_slice (CodecH265 * self, const GstH265SliceHdr * hdr, const GstH265NalUnit * nalu)
{
  H265Current *pic = &self->pic;

  if (pic->active && starts_picture (pic, hdr, nalu)) {
    if (!h265_finish_picture (self))
      return FALSE;
  }
  if (!check_supported (self, hdr->pps)) {
    lose_slice (self);
    return TRUE;
  }
  if (hdr->dependent_slice_segment_flag ? !pic->active : pic->active && pic->pps_id != hdr->pps->id) {
    lose_slice (self);
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "A slice segment fits to none before it");
    return TRUE;
  }
  if (!pic->active)
    begin_picture (self, hdr, nalu);
  if (pic->slices->len >= H265_MAX_SLICE_SEGMENTS) {
    pic->damaged = TRUE;
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "More than %u slice segments in a picture",
        H265_MAX_SLICE_SEGMENTS);
    return TRUE;
  }
  append_slice (self, hdr, nalu);

  return TRUE;
}

static gboolean
add_slice_without_extension (CodecH265 * self, const GstH265SliceHdr * hdr,
    const GstH265NalUnit * nalu)
{
  GstH265SliceHdr plain_hdr = *hdr;
  GstH265NalUnit plain = *nalu;
  g_autoptr (GByteArray) data = h265_slice_without_extension (nalu, hdr, &plain_hdr.header_size);

  if (!data) {
    lose_slice (self);
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "Damaged slice header extension");
    return TRUE;
  }
  plain.data = data->data;
  plain.size = data->len;

  return add_slice (self, &plain_hdr, &plain);
}

static GstH265ParserResult
parse_slice (CodecH265 * self, const GstH265NalUnit * nalu, GstH265SliceHdr * hdr)
{
  GstH265NalUnit copy = *nalu;

  memset (hdr, 0, sizeof (*hdr));

  return gst_h265_parser_parse_slice_hdr (self->parser, &copy, hdr);
}

static gboolean
handle_slice (CodecH265 * self, const GstH265NalUnit * nalu)
{
  GstH265SliceHdr hdr;
  GstH265ParserResult result;
  gboolean ok = TRUE;

  param_sets_refresh_pps (&self->sets, parse_pps_again, self);
  result = parse_slice (self, nalu, &hdr);
  /* Which SPS a PPS belongs to is known here at last. */
  if (hdr.pps && ignore_pps_extensions (self, hdr.pps)) {
    gst_h265_slice_hdr_free (&hdr);
    result = parse_slice (self, nalu, &hdr);
  }
  if (result != GST_H265_PARSER_OK || !hdr.pps || !hdr.pps->sps) {
    lose_slice (self);
    h265_set_error (self, CODEC_ERROR_BITSTREAM, result == GST_H265_PARSER_BROKEN_LINK ?
        "A slice refers to a parameter set that was not received" : "Damaged slice header");
  } else if (hdr.pps->slice_segment_header_extension_present_flag) {
    ok = add_slice_without_extension (self, &hdr, nalu);
  } else {
    ok = add_slice (self, &hdr, nalu);
  }
  gst_h265_slice_hdr_free (&hdr);

  return ok;
}

/* NAL units */

/* NalFunc; FALSE if the client failed. */
static gboolean
handle_nal (gpointer user_data, const guint8 * data, gsize size)
{
  CodecH265 *self = user_data;
  GstH265NalUnit nalu;

  /* cabac_zero_words and trailing_zero_8bits are no part of the picture (7.4.3.10, B.1) */
  while (size > 0 && data[size - 1] == 0)
    size--;
  if (size < 2)
    return TRUE;
  init_nalu (&nalu, data, size);
  if (data[0] & 0x80 || nalu.temporal_id_plus1 == 0) {  /* it may have been a slice segment */
    lose_slice (self);
    return TRUE;
  }
  if (nalu.layer_id > 0)
    return TRUE;

  switch (nalu.type) {
    case GST_H265_NAL_SPS:
      handle_sps (self, data, size);
      return TRUE;
    case GST_H265_NAL_PPS:
      handle_pps (self, data, size);
      return TRUE;
    case GST_H265_NAL_AUD:
      return h265_finish_picture (self);
    case GST_H265_NAL_EOS:
    case GST_H265_NAL_EOB:
      if (!h265_finish_picture (self))
        return FALSE;
      self->first_after_eos = TRUE;
      return TRUE;
    default:
      if (nalu.type <= GST_H265_NAL_SLICE_RASL_R
          || (nalu.type >= GST_H265_NAL_SLICE_BLA_W_LP && nalu.type <= GST_H265_NAL_SLICE_CRA_NUT))
        return size > 2 ? handle_slice (self, &nalu) : TRUE;
      /* VPS, SEI, filler, reserved and unspecified types */
      return TRUE;
  }
}

static gboolean
split_unit (CodecH265 * self, const guint8 * data, gsize size)
{
  gboolean damaged = FALSE;
  gboolean ok = nal_split (data, size, self->nal_length_size, handle_nal, self, &damaged);

  if (damaged)
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "A NAL unit is longer than what is left");

  return ok;
}

/* Gives up what was collected, after the client failed. */
static gboolean
end_unit (CodecH265 * self, gboolean result, GError ** error)
{
  h265_reset_current (&self->pic);
  self->slice_lost = FALSE;

  return codec_take_error (&self->error, result, error);
}

static void
begin_unit (CodecH265 * self)
{
  g_clear_error (&self->error);
  self->n_submitted = 0;
}

/*
 * The parser insists on the VPS of every SPS, of which nothing is needed: a lost
 * or damaged one shall lose no picture.
 */
static void
fill_vps (GstH265Parser * parser)
{
  g_autofree GstH265VPS *vps = g_new0 (GstH265VPS, 1);

  vps->valid = TRUE;
  for (guint i = 0; i < GST_H265_MAX_VPS_COUNT; i++) {
    vps->id = i;
    gst_h265_parser_update_vps (parser, vps);
  }
}

/**
 * codec_h265_new:
 * @client: copied; all four callbacks are needed
 *
 * Returns: (transfer full): a decoder that expects a byte stream
 */
CodecH265 *
codec_h265_new (const CodecClient * client, gpointer user_data)
{
  CodecH265 *self = g_new0 (CodecH265, 1);

  GST_DEBUG_CATEGORY_INIT (codec_h265_debug, "dmaresvcodech265", 0, "HEVC syntax and DPB");

  self->client = *client;
  self->user_data = user_data;
  self->parser = gst_h265_parser_new ();
  fill_vps (self->parser);
  self->pic.slices = g_array_new (FALSE, FALSE, sizeof (struct v4l2_ctrl_hevc_slice_params));
  self->pic.modifications = g_array_new (FALSE, FALSE, sizeof (GstH265RefPicListModification));
  self->pic.data = g_byte_array_new ();
  self->dpb.output = h265_output_picture;
  self->dpb.user_data = self;
  self->dpb.size = 1;
  self->need_irap = TRUE;

  return self;
}

/**
 * codec_h265_free:
 *
 * Drops all pictures without output.
 */
void
codec_h265_free (CodecH265 * self)
{
  h265_dpb_clear (&self->dpb);
  param_sets_clear (&self->sets);
  gst_h265_parser_free (self->parser);
  g_array_unref (self->pic.slices);
  g_array_unref (self->pic.modifications);
  g_byte_array_unref (self->pic.data);
  g_clear_error (&self->error);
  g_free (self);
}

/* NalFunc; anything else would be a picture outside of any access unit. */
static gboolean
handle_parameter_set (gpointer user_data, const guint8 * data, gsize size)
{
  guint type = (data[0] >> 1) & 0x3f;

  return (type != GST_H265_NAL_SPS && type != GST_H265_NAL_PPS)
      || handle_nal (user_data, data, size);
}

/* ISO 14496-15, 8.3.3.1 */
static gboolean
read_hvcc (CodecH265 * self, const guint8 * data, gsize size)
{
  gsize pos = 23;

  if (!data || size < pos)
    return FALSE;
  self->nal_length_size = (data[21] & 3) + 1;

  for (guint arrays = data[22]; arrays > 0; arrays--) {
    guint n;

    if (size - pos < 3)
      return FALSE;
    n = nal_read_u16 (data + pos + 1);
    pos += 3;
    if (!nal_split_array (data, size, &pos, n, handle_parameter_set, self))
      return FALSE;
  }

  return TRUE;
}

gboolean
codec_h265_set_format (CodecH265 * self, CodecH265Format format, const guint8 * codec_data,
    gsize codec_data_size, GError ** error)
{
  begin_unit (self);
  self->nal_length_size = 0;
  if (format == CODEC_H265_HVC && !read_hvcc (self, codec_data, codec_data_size)) {
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "Missing or damaged hvcC box (codec_data)");
    return end_unit (self, FALSE, error);
  }
  /* A damaged parameter set in it may never be used. */
  g_clear_error (&self->error);

  return end_unit (self, TRUE, error);
}

gboolean
codec_h265_decode (CodecH265 * self, const guint8 * data, gsize size, guint64 tag, GError ** error)
{
  gboolean ok;

  begin_unit (self);
  self->tag = tag;
  ok = split_unit (self, data, size);
  if (ok)
    h265_finish_picture (self);

  return end_unit (self, self->n_submitted > 0, error);
}

gboolean
codec_h265_drain (CodecH265 * self, GError ** error)
{
  begin_unit (self);
  h265_dpb_output_all (&self->dpb);

  return end_unit (self, !self->error, error);
}

void
codec_h265_flush (CodecH265 * self)
{
  begin_unit (self);
  h265_dpb_clear (&self->dpb);
  h265_reset_current (&self->pic);
  self->prev_tid0_poc = 0;
  self->need_irap = TRUE;
  end_unit (self, TRUE, NULL);
}

CODEC_DEFINE_CORE (CodecH265, codec_h265);
