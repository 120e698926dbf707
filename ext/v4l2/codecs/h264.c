/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h264priv.h"

#include <string.h>

GST_DEBUG_CATEGORY (codec_h264_debug);
#define GST_CAT_DEFAULT codec_h264_debug

/* NAL units */

static void
init_nalu (GstH264NalUnit * nalu, const guint8 * data, gsize size)
{
  memset (nalu, 0, sizeof (*nalu));
  nalu->ref_idc = (data[0] >> 5) & 3;
  nalu->type = data[0] & 0x1f;
  nalu->idr_pic_flag = nalu->type == GST_H264_NAL_SLICE_IDR;
  nalu->size = size;
  nalu->header_bytes = 1;
  nalu->data = (guint8 *) data;
  nalu->valid = TRUE;
}

static GstH264ParserResult
parse_pps (CodecH264 * self, const guint8 * data, gsize size, guint * id)
{
  GstH264NalUnit nalu;
  GstH264PPS pps;
  GstH264ParserResult result;

  memset (&pps, 0, sizeof (pps));
  init_nalu (&nalu, data, size);
  result = gst_h264_parser_parse_pps (self->parser, &nalu, &pps);
  *id = pps.id;
  if (result == GST_H264_PARSER_OK)
    gst_h264_pps_clear (&pps);

  return result;
}

/* A PPS is parsed by its SPS and inherits lists from it: after another SPS, all again. */
static gboolean
parse_pps_again (gpointer user_data, const guint8 * data, gsize size)
{
  guint id;

  parse_pps (user_data, data, size, &id);

  return TRUE;
}

static void
handle_sps (CodecH264 * self, const guint8 * data, gsize size)
{
  GstH264NalUnit nalu;
  GstH264SPS sps;

  memset (&sps, 0, sizeof (sps));
  init_nalu (&nalu, data, size);
  if (size > PARAM_SET_MAX_SIZE || gst_h264_parse_sps (&nalu, &sps) != GST_H264_PARSER_OK
      || sps.id < 0 || sps.id >= GST_H264_MAX_SPS_COUNT) {
    h264_set_error (self, CODEC_ERROR_BITSTREAM, "Damaged sequence parameter set");
    return;
  }
  if (param_sets_put_sps (&self->sets, sps.id, data, size))
    gst_h264_parser_update_sps (self->parser, &sps);
  gst_h264_sps_clear (&sps);
}

/*
 * A PPS whose SPS is missing is no error yet: the SPS may follow, or be the
 * subset SPS of a layer that nobody decodes here.
 */
static void
handle_pps (CodecH264 * self, const guint8 * data, gsize size)
{
  GstH264ParserResult result;
  guint id = 0;

  if (size > PARAM_SET_MAX_SIZE) {
    h264_set_error (self, CODEC_ERROR_BITSTREAM, "Damaged picture parameter set");
    return;
  }
  result = parse_pps (self, data, size, &id);
  if (id >= GST_H264_MAX_PPS_COUNT
      || (result != GST_H264_PARSER_OK && result != GST_H264_PARSER_BROKEN_LINK)) {
    h264_set_error (self, CODEC_ERROR_BITSTREAM, "Damaged picture parameter set");
    return;
  }
  param_sets_put_pps (&self->sets, id, data, size);
}

/* Table D-1: how a frame is to be shown; ct_type (Table D-2) may say that it is progressive. */
static void
handle_pic_timing (CodecH264 * self, const GstH264PicTiming * timing)
{
  if (!timing->pic_struct_present_flag)
    return;
  self->au_pic_struct = timing->pic_struct;
  self->au_progressive = timing->clock_timestamp_flag[0]
      && timing->clock_timestamp[0].ct_type == GST_H264_CT_TYPE_PROGRESSIVE;
}

/* Of all SEI messages only recovery point (D.2.8) and picture timing (D.2.3) matter. */
static void
handle_sei (CodecH264 * self, const guint8 * data, gsize size)
{
  GstH264NalUnit nalu;
  GArray *messages = NULL;

  init_nalu (&nalu, data, size);
  gst_h264_parser_parse_sei (self->parser, &nalu, &messages);
  if (!messages)
    return;
  for (guint i = 0; i < messages->len; i++) {
    const GstH264SEIMessage *sei = &g_array_index (messages, GstH264SEIMessage, i);

    if (sei->payloadType == GST_H264_SEI_RECOVERY_POINT) {
      self->au_recovery_point = TRUE;
      self->au_recovery_frame_cnt = sei->payload.recovery_point.recovery_frame_cnt;
    } else if (sei->payloadType == GST_H264_SEI_PIC_TIMING) {
      handle_pic_timing (self, &sei->payload.pic_timing);
    }
  }
  g_array_unref (messages);
}

/* 7.4.1.2.4: whether the slice is the first of another primary coded picture. */
static gboolean
starts_picture (const CurrentPicture * pic, const GstH264SliceHdr * hdr,
    const GstH264NalUnit * nalu)
{
  const GstH264SliceHdr *last = &pic->hdr;
  gboolean idr = nalu->idr_pic_flag;

  if (hdr->frame_num != last->frame_num || (guint) hdr->pps->id != pic->pps_id
      || hdr->field_pic_flag != last->field_pic_flag
      || hdr->bottom_field_flag != last->bottom_field_flag
      || (nalu->ref_idc == 0) != (pic->nal_ref_idc == 0) || idr != pic->idr)
    return TRUE;
  if (idr && hdr->idr_pic_id != last->idr_pic_id)
    return TRUE;
  if (pic->sps.pic_order_cnt_type == 0)
    return hdr->pic_order_cnt_lsb != last->pic_order_cnt_lsb
        || hdr->delta_pic_order_cnt_bottom != last->delta_pic_order_cnt_bottom;
  if (pic->sps.pic_order_cnt_type == 1)
    return hdr->delta_pic_order_cnt[0] != last->delta_pic_order_cnt[0]
        || hdr->delta_pic_order_cnt[1] != last->delta_pic_order_cnt[1];

  return FALSE;
}

/*
 * What valid streams have and no device here decodes.  In a profile that does
 * not have it either, it is damage.
 */
static void
set_unsupported (CodecH264 * self, gboolean in_profile, const gchar * what)
{
  if (in_profile)
    h264_set_error (self, CODEC_ERROR_UNSUPPORTED, "%s not supported", what);
  else
    h264_set_error (self, CODEC_ERROR_BITSTREAM, "Damage: %s not in this profile", what);
}

static gboolean
check_supported (CodecH264 * self, const GstH264SliceHdr * hdr)
{
  const GstH264SPS *sps = hdr->pps->sequence;
  GError *error = NULL;

  if (hdr->pps->num_slice_groups_minus1 > 0) {
    /* Constrained Baseline has none either (A.2.1.1) */
    set_unsupported (self, sps->profile_idc == GST_H264_PROFILE_EXTENDED
        || (sps->profile_idc == GST_H264_PROFILE_BASELINE && !sps->constraint_set1_flag),
        "slice groups (FMO) are");
    return FALSE;
  }
  if (GST_H264_IS_SP_SLICE (hdr) || GST_H264_IS_SI_SLICE (hdr)) {
    set_unsupported (self, sps->profile_idc == GST_H264_PROFILE_EXTENDED,
        "switching slices (SP, SI) are");
    return FALSE;
  }
  if (!h264_sps_check (sps, &error)) {
    h264_set_error (self, CODEC_ERROR_UNSUPPORTED, "%s", error->message);
    g_clear_error (&error);
    return FALSE;
  }

  return TRUE;
}

static void
begin_picture (CodecH264 * self, const GstH264SliceHdr * hdr, const GstH264NalUnit * nalu)
{
  CurrentPicture *pic = &self->pic;
  const GstH264SPS *sps = hdr->pps->sequence;

  h264_reset_current (pic);
  pic->active = TRUE;
  pic->hdr = *hdr;
  pic->pps_id = hdr->pps->id;
  pic->nal_ref_idc = nalu->ref_idc;
  pic->idr = nalu->idr_pic_flag;
  pic->sps = *sps;
  pic->damaged = self->slice_lost;
  self->slice_lost = FALSE;
  pic->has_recovery_point = self->au_recovery_point;
  pic->recovery_frame_cnt = self->au_recovery_frame_cnt;
  self->au_recovery_point = FALSE;
  pic->pic_struct = self->au_pic_struct;
  pic->progressive = self->au_progressive;
  self->au_pic_struct = -1;

  h264_controls_fill_sps (&pic->sps_ctrl, sps);
  h264_controls_fill_pps (&pic->pps_ctrl, hdr->pps, sps);
  h264_controls_fill_scaling_matrix (&pic->scaling_ctrl, hdr->pps, sps);
}

static void
append_slice (CurrentPicture * pic, const GstH264SliceHdr * hdr, const guint8 * data, gsize size)
{
  Slice slice = {
    .first_mb = hdr->first_mb_in_slice,
    .offset = pic->data->len,
    .size = size + NAL_START_CODE_SIZE,
  };

  pic->has_p |= GST_H264_IS_P_SLICE (hdr);
  pic->has_b |= GST_H264_IS_B_SLICE (hdr);
  nal_append (pic->data, data, size);
  g_array_append_val (pic->slices, slice);
}

/* A slice that cannot be read: the picture around it has a hole. */
static void
lose_slice (CodecH264 * self)
{
  if (self->pic.active)
    self->pic.damaged = TRUE;
  else
    self->slice_lost = TRUE;
}

static gboolean
handle_slice (CodecH264 * self, const guint8 * data, gsize size)
{
  CurrentPicture *pic = &self->pic;
  GstH264NalUnit nalu;
  GstH264SliceHdr hdr;
  GstH264ParserResult result;

  param_sets_refresh_pps (&self->sets, parse_pps_again, self);
  memset (&hdr, 0, sizeof (hdr));
  init_nalu (&nalu, data, size);
  result = size < 2 ? GST_H264_PARSER_NO_NAL :
      gst_h264_parser_parse_slice_hdr (self->parser, &nalu, &hdr, TRUE, TRUE);
  if (result != GST_H264_PARSER_OK || !hdr.pps || !hdr.pps->sequence) {
    lose_slice (self);
    h264_set_error (self, CODEC_ERROR_BITSTREAM, result == GST_H264_PARSER_BROKEN_LINK ?
        "A slice refers to a parameter set that was not received" : "Damaged slice header");
    return TRUE;
  }
  if (hdr.redundant_pic_cnt > 0)
    return TRUE;
  if (!check_supported (self, &hdr)) {
    lose_slice (self);
    return TRUE;
  }

  if (pic->active && starts_picture (pic, &hdr, &nalu)) {
    if (!h264_finish_picture (self))
      return FALSE;
  }
  if (!pic->active)
    begin_picture (self, &hdr, &nalu);
  append_slice (pic, &hdr, data, size);

  return TRUE;
}

/*
 * Slices may come in any order in the Baseline and Extended profiles (A.2.1,
 * A.2.3), but parsers take the one with first_mb_in_slice 0 for the start of an
 * access unit, and h264parse then writes a delimiter before it.  So a picture
 * without that one may go on behind either.
 */
static gboolean
picture_may_go_on (const CodecH264 * self)
{
  const CurrentPicture *pic = &self->pic;

  if (!pic->active || (pic->sps.profile_idc != GST_H264_PROFILE_EXTENDED
          && (pic->sps.profile_idc != GST_H264_PROFILE_BASELINE || pic->sps.constraint_set1_flag)))
    return FALSE;
  for (guint i = 0; i < pic->slices->len; i++) {
    if (g_array_index (pic->slices, Slice, i).first_mb == 0)
      return FALSE;
  }

  return TRUE;
}

/* NalFunc; FALSE if the client failed. */
static gboolean
handle_nal (gpointer user_data, const guint8 * data, gsize size)
{
  CodecH264 *self = user_data;

  /* cabac_zero_words and trailing_zero_8bits are no part of the picture (7.4.2.10, B.1) */
  while (size > 0 && data[size - 1] == 0)
    size--;
  if (size == 0)
    return TRUE;
  if (data[0] & 0x80) {         /* forbidden_zero_bit: it may have been a slice */
    lose_slice (self);
    return TRUE;
  }

  switch (data[0] & 0x1f) {
    case GST_H264_NAL_SLICE:
    case GST_H264_NAL_SLICE_IDR:
      return handle_slice (self, data, size);
    case GST_H264_NAL_SLICE_DPA:
    case GST_H264_NAL_SLICE_DPB:
    case GST_H264_NAL_SLICE_DPC:
      lose_slice (self);
      set_unsupported (self, !self->have_sequence
          || self->sequence.profile == V4L2_MPEG_VIDEO_H264_PROFILE_EXTENDED,
          "data partitioning is");
      return TRUE;
    case GST_H264_NAL_SEI:
      handle_sei (self, data, size);
      return TRUE;
    case GST_H264_NAL_SPS:
      handle_sps (self, data, size);
      return TRUE;
    case GST_H264_NAL_PPS:
      handle_pps (self, data, size);
      return TRUE;
    case GST_H264_NAL_AU_DELIMITER:
      return picture_may_go_on (self) || h264_finish_picture (self);
    case GST_H264_NAL_SEQ_END:
    case GST_H264_NAL_STREAM_END:
      /* 7.4.1.2.1: the next picture is an IDR. If it is not, no reference to before is meant. */
      if (!h264_finish_picture (self) || !h264_end_sequence (self))
        return FALSE;
      self->need_access_point = TRUE;
      return TRUE;
    default:
      /* Filler, extensions' NAL units (SVC, MVC, depth), auxiliary pictures, unspecified. */
      return TRUE;
  }
}

static gboolean
split_unit (CodecH264 * self, const guint8 * data, gsize size)
{
  gboolean damaged = FALSE;
  gboolean ok = nal_split (data, size, self->nal_length_size, handle_nal, self, &damaged);

  if (damaged)
    h264_set_error (self, CODEC_ERROR_BITSTREAM, "A NAL unit is longer than what is left");

  return ok;
}

static gboolean
end_unit (CodecH264 * self, gboolean result, GError ** error)
{
  self->au_recovery_point = FALSE;
  self->au_pic_struct = -1;
  self->slice_lost = FALSE;

  return codec_take_error (&self->error, result, error);
}

static void
begin_unit (CodecH264 * self)
{
  g_clear_error (&self->error);
  self->n_submitted = 0;
}

/**
 * codec_h264_new:
 * @client: copied; all four callbacks are needed
 *
 * Returns: (transfer full): a decoder that expects a byte stream
 */
CodecH264 *
codec_h264_new (const CodecClient * client, gpointer user_data)
{
  CodecH264 *self = g_new0 (CodecH264, 1);

  GST_DEBUG_CATEGORY_INIT (codec_h264_debug, "dmaresvcodech264", 0, "H.264 syntax and DPB");

  self->client = *client;
  self->user_data = user_data;
  self->parser = gst_h264_nal_parser_new ();
  self->pic.slices = g_array_new (FALSE, FALSE, sizeof (Slice));
  self->pic.data = g_byte_array_new ();
  self->sorted = g_byte_array_new ();
  self->dpb.output = h264_output_picture;
  self->dpb.user_data = self;
  h264_dpb_configure (&self->dpb, 1, 1, 0);
  self->need_access_point = TRUE;
  self->au_pic_struct = -1;

  return self;
}

/**
 * codec_h264_free:
 *
 * Drops all pictures without output.
 */
void
codec_h264_free (CodecH264 * self)
{
  h264_drop_first_field (self);
  h264_dpb_clear (&self->dpb);
  param_sets_clear (&self->sets);
  gst_h264_nal_parser_free (self->parser);
  g_array_unref (self->pic.slices);
  g_byte_array_unref (self->pic.data);
  g_byte_array_unref (self->sorted);
  g_clear_error (&self->error);
  g_free (self);
}

/* NalFunc; anything else would be a picture outside of any access unit. */
static gboolean
handle_parameter_set (gpointer user_data, const guint8 * data, gsize size)
{
  guint type = data[0] & 0x1f;

  return (type != GST_H264_NAL_SPS && type != GST_H264_NAL_PPS)
      || handle_nal (user_data, data, size);
}

/* ISO 14496-15, 5.3.3.1 */
static gboolean
read_avcc (CodecH264 * self, const guint8 * data, gsize size)
{
  gsize pos = 5;

  if (!data || size < 7 || data[0] != 1)
    return FALSE;
  self->nal_length_size = (data[4] & 3) + 1;

  /* numOfSequenceParameterSets has 5 bits, numOfPictureParameterSets 8 */
  for (guint set = 0; set < 2; set++) {
    guint n;

    if (pos >= size)
      return FALSE;
    n = set == 0 ? data[pos] & 0x1f : data[pos];
    pos++;
    if (!nal_split_array (data, size, &pos, n, handle_parameter_set, self))
      return FALSE;
  }

  return TRUE;
}

gboolean
codec_h264_set_format (CodecH264 * self, CodecH264Format format, const guint8 * codec_data,
    gsize codec_data_size, GError ** error)
{
  begin_unit (self);
  self->nal_length_size = 0;
  if (format == CODEC_H264_AVC && !read_avcc (self, codec_data, codec_data_size)) {
    h264_set_error (self, CODEC_ERROR_BITSTREAM, "Missing or damaged avcC box (codec_data)");
    return end_unit (self, FALSE, error);
  }
  /* A damaged parameter set in it may never be used. */
  g_clear_error (&self->error);

  return end_unit (self, TRUE, error);
}

void
codec_h264_set_low_latency (CodecH264 * self, gboolean low_latency)
{
  self->dpb.low_latency = low_latency;
}

gboolean
codec_h264_decode (CodecH264 * self, const guint8 * data, gsize size, guint64 tag, GError ** error)
{
  begin_unit (self);
  self->tag = tag;
  /* What was collected is given up after the client failed. */
  if (!split_unit (self, data, size))
    h264_reset_current (&self->pic);
  else if (!picture_may_go_on (self))
    h264_finish_picture (self);

  return end_unit (self, self->n_submitted > 0, error);
}

gboolean
codec_h264_drain (CodecH264 * self, GError ** error)
{
  begin_unit (self);
  h264_finish_picture (self);
  h264_end_first_field (self);
  h264_dpb_output_all (&self->dpb);

  return end_unit (self, !self->error, error);
}

void
codec_h264_flush (CodecH264 * self)
{
  begin_unit (self);
  h264_drop_first_field (self);
  h264_dpb_clear (&self->dpb);
  h264_reset_current (&self->pic);
  memset (&self->poc, 0, sizeof (self->poc));
  self->recovering = FALSE;
  self->need_access_point = TRUE;
  end_unit (self, TRUE, NULL);
}

CODEC_DEFINE_CORE (CodecH264, codec_h264);
