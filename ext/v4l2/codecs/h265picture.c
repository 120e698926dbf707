/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "h265priv.h"

#include <string.h>

GST_DEBUG_CATEGORY_EXTERN (codec_h265_debug);
#define GST_CAT_DEFAULT codec_h265_debug

gboolean
h265_output_picture (CodecPicture * picture, gpointer user_data)
{
  CodecH265 *self = user_data;

  GST_LOG ("output key %" G_GUINT64_FORMAT, picture->key);
  if (self->client.output (picture, self->user_data))
    return TRUE;
  h265_set_error (self, CODEC_ERROR_CLIENT, "The client refused a picture for output");

  return FALSE;
}

/* Sequences */

/* Makes the picture's SPS the active one. FALSE if the client failed. */
static gboolean
activate_sps (CodecH265 * self, const CodecSequence * sequence)
{
  H265Current *pic = &self->pic;

  h265_dpb_configure (&self->dpb, &pic->sps);
  if (self->have_sequence && codec_sequence_equal (sequence, &self->sequence))
    return TRUE;

  self->have_sequence = codec_activate_sequence (GST_CAT_DEFAULT, &self->client, self->user_data,
      &self->sequence, sequence, V4L2_CID_STATELESS_HEVC_SPS, &pic->sps_ctrl,
      sizeof (pic->sps_ctrl));
  if (!self->have_sequence)
    h265_set_error (self, CODEC_ERROR_CLIENT, "The client refused the sequence");

  return self->have_sequence;
}

/* An IRAP picture that starts a coded video sequence: 8.3.2, C.5.2.2. */
static gboolean
start_sequence (CodecH265 * self, const CodecSequence * sequence)
{
  H265Current *pic = &self->pic;
  /* What a CRA picture follows is another stream, of which nothing is known. */
  gboolean discard = GST_H265_IS_NAL_TYPE_CRA (pic->nal_type)
      || pic->hdr.no_output_of_prior_pics_flag;

  self->skip_rasl = TRUE;

  return h265_dpb_unmark_all (&self->dpb, discard) && activate_sps (self, sequence);
}

/* Order counts, 8.3.1 */

static gint32
derive_poc (CodecH265 * self, gboolean starts_sequence)
{
  H265Current *pic = &self->pic;
  gint32 max_lsb = 1 << (pic->sps.log2_max_pic_order_cnt_lsb_minus4 + 4);
  gint32 lsb = GST_H265_IS_NAL_TYPE_IDR (pic->nal_type) ? 0 : pic->hdr.pic_order_cnt_lsb;
  gint32 prev_lsb = self->prev_tid0_poc & (max_lsb - 1);
  gint64 msb = (gint64) self->prev_tid0_poc - prev_lsb;
  gint32 poc;

  if (starts_sequence)
    msb = 0;
  else if (lsb < prev_lsb && prev_lsb - lsb >= max_lsb / 2)
    msb += max_lsb;
  else if (lsb > prev_lsb && lsb - prev_lsb > max_lsb / 2)
    msb -= max_lsb;
  poc = CLAMP (msb + lsb, G_MININT32, G_MAXINT32);

  /* Neither leading pictures nor sub-layer non-reference ones (even types below 16). */
  if (pic->temporal_id == 0 && !GST_H265_IS_NAL_TYPE_RASL (pic->nal_type)
      && !GST_H265_IS_NAL_TYPE_RADL (pic->nal_type) && (pic->nal_type >= 16 || pic->nal_type % 2))
    self->prev_tid0_poc = poc;

  return poc;
}

/* Jobs */

static void
fill_decode_params (CodecH265 * self, struct v4l2_ctrl_hevc_decode_params *ctrl, gint32 poc,
    const H265Rps * rps)
{
  const H265Current *pic = &self->pic;

  memset (ctrl, 0, sizeof (*ctrl));
  ctrl->pic_order_cnt_val = poc;
  if (!pic->hdr.short_term_ref_pic_set_sps_flag) {
    ctrl->short_term_ref_pic_set_size = pic->hdr.short_term_ref_pic_set_size;
    ctrl->num_delta_pocs_of_ref_rps_idx = pic->hdr.short_term_ref_pic_sets.NumDeltaPocsOfRefRpsIdx;
  }
  ctrl->long_term_ref_pic_set_size = pic->hdr.long_term_ref_pic_set_size;
  if (GST_H265_IS_NAL_TYPE_IRAP (pic->nal_type))
    ctrl->flags |= V4L2_HEVC_DECODE_PARAM_FLAG_IRAP_PIC;
  if (GST_H265_IS_NAL_TYPE_IDR (pic->nal_type))
    ctrl->flags |= V4L2_HEVC_DECODE_PARAM_FLAG_IDR_PIC;
  if (GST_H265_IS_NAL_TYPE_IRAP (pic->nal_type) && pic->hdr.no_output_of_prior_pics_flag)
    ctrl->flags |= V4L2_HEVC_DECODE_PARAM_FLAG_NO_OUTPUT_OF_PRIOR;
  h265_controls_fill_dpb (ctrl, &self->dpb, rps);
}

/* A dependent slice segment has the lists of the slice that it is in. */
static void
fill_slices (CodecH265 * self, gint32 poc, const H265Rps * rps)
{
  H265Current *pic = &self->pic;
  struct v4l2_ctrl_hevc_slice_params *last = NULL;

  for (guint i = 0; i < pic->slices->len; i++) {
    struct v4l2_ctrl_hevc_slice_params *slice =
        &g_array_index (pic->slices, struct v4l2_ctrl_hevc_slice_params, i);

    slice->slice_pic_order_cnt = poc;
    if (last && slice->flags & V4L2_HEVC_SLICE_PARAMS_FLAG_DEPENDENT_SLICE_SEGMENT) {
      memcpy (slice->ref_idx_l0, last->ref_idx_l0, sizeof (slice->ref_idx_l0));
      memcpy (slice->ref_idx_l1, last->ref_idx_l1, sizeof (slice->ref_idx_l1));
      continue;
    }
    h265_controls_fill_lists (slice, &self->dpb, rps,
        &g_array_index (pic->modifications, GstH265RefPicListModification, i));
    last = slice;
  }
}

static gboolean
submit_picture (CodecH265 * self, H265Frame * frame, const H265Rps * rps)
{
  H265Current *pic = &self->pic;
  struct v4l2_ctrl_hevc_decode_params decode_params;
  CodecJob job = { 0, };

  fill_decode_params (self, &decode_params, frame->poc, rps);
  fill_slices (self, frame->poc, rps);
  for (guint i = 0; i < self->dpb.n_frames; i++) {
    if (self->dpb.frames[i]->marking != H265_UNUSED && job.n_refs < G_N_ELEMENTS (job.refs))
      job.refs[job.n_refs++] = self->dpb.frames[i]->picture;
  }
  job.data = pic->data->data;
  job.size = pic->data->len;
  job.capture_key = frame->picture->key;
  codec_job_add_control (&job, V4L2_CID_STATELESS_HEVC_SPS, &pic->sps_ctrl, sizeof (pic->sps_ctrl));
  codec_job_add_control (&job, V4L2_CID_STATELESS_HEVC_PPS, &pic->pps_ctrl, sizeof (pic->pps_ctrl));
  codec_job_add_control (&job, V4L2_CID_STATELESS_HEVC_SCALING_MATRIX, &pic->scaling_ctrl,
      sizeof (pic->scaling_ctrl));
  codec_job_add_control (&job, V4L2_CID_STATELESS_HEVC_SLICE_PARAMS, pic->slices->data,
      pic->slices->len * sizeof (struct v4l2_ctrl_hevc_slice_params));
  codec_job_add_control (&job, V4L2_CID_STATELESS_HEVC_DECODE_PARAMS, &decode_params,
      sizeof (decode_params));

  GST_LOG ("submit key %" G_GUINT64_FORMAT " type %u POC %d slice segments %u refs %u",
      job.capture_key, pic->nal_type, frame->poc, pic->slices->len, job.n_refs);
  if (!self->client.submit (frame->picture, &job, self->user_data)) {
    h265_set_error (self, CODEC_ERROR_CLIENT, "The client could not submit a picture");
    return FALSE;
  }
  self->n_submitted++;

  return TRUE;
}

/* Pictures */

static gboolean
has_inter_slices (const H265Current * pic)
{
  for (guint i = 0; i < pic->slices->len; i++) {
    if (g_array_index (pic->slices, struct v4l2_ctrl_hevc_slice_params, i).slice_type
        != GST_H265_I_SLICE)
        return TRUE;
  }

  return FALSE;
}

static H265Frame *
new_frame (CodecH265 * self, gint32 poc, gboolean corrupt)
{
  const H265Current *pic = &self->pic;
  H265Frame *nearest = h265_dpb_nearest (&self->dpb, poc);
  /* A number of its own: two pictures may share a time stamp, but no two share a key. */
  g_autoptr (CodecPicture) picture = codec_picture_new (++self->n_pictures * 1000, self->tag);
  H265Frame *frame;

  picture->flags = CODEC_PICTURE_REFERENCE;
  if (corrupt)
    picture->flags |= CODEC_PICTURE_CORRUPT;
  if (GST_H265_IS_NAL_TYPE_IRAP (pic->nal_type))
    picture->flags |= CODEC_PICTURE_KEY;
  if (!self->client.new_picture (picture, nearest ? nearest->picture : NULL, self->user_data)) {
    h265_set_error (self, CODEC_ERROR_CLIENT, "The client has no buffer for a picture");
    return NULL;
  }
  frame = h265_frame_new (g_steal_pointer (&picture), poc);
  frame->wanted = pic->hdr.pic_output_flag;

  return frame;
}

/* FALSE: not to be decoded, without error. @starts: NoRaslOutputFlag */
static gboolean
check_random_access (CodecH265 * self, gboolean * starts)
{
  const H265Current *pic = &self->pic;
  gboolean irap = GST_H265_IS_NAL_TYPE_IRAP (pic->nal_type);

  *starts = irap && (GST_H265_IS_NAL_TYPE_IDR (pic->nal_type)
      || GST_H265_IS_NAL_TYPE_BLA (pic->nal_type) || self->need_irap || self->first_after_eos);
  if (irap) {
    self->need_irap = FALSE;
    self->first_after_eos = FALSE;
    self->skip_rasl = FALSE;
    return TRUE;
  }
  if (self->need_irap || self->first_after_eos) {
    GST_DEBUG ("picture of type %u dropped: no IRAP picture yet", pic->nal_type);
    return FALSE;
  }
  if (self->skip_rasl && GST_H265_IS_NAL_TYPE_RASL (pic->nal_type)) {
    GST_LOG ("RASL picture skipped: what it refers to is not in the stream");
    return FALSE;
  }

  return TRUE;
}

static gboolean
decode_picture (CodecH265 * self, gboolean corrupt)
{
  H265Current *pic = &self->pic;
  CodecSequence sequence;
  H265Rps rps = { {{NULL,}, 0}, };
  gboolean starts;
  H265Frame *frame;
  gint32 poc;

  h265_sps_to_sequence (&pic->sps, &sequence);
  /* Only an IRAP picture may activate another SPS: one was lost. */
  if (!GST_H265_IS_NAL_TYPE_IRAP (pic->nal_type) && self->have_sequence
      && !codec_sequence_equal (&sequence, &self->sequence))
    self->need_irap = TRUE;
  if (!check_random_access (self, &starts))
    return TRUE;
  poc = derive_poc (self, starts);
  if (starts) {
    if (!start_sequence (self, &sequence))
      return FALSE;
  } else if (!h265_dpb_apply_rps (&self->dpb, &pic->sps, &pic->hdr, poc, &rps)) {
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "Picture with POC %d has no reference", poc);
    return TRUE;
  } else if (has_inter_slices (pic)
      && rps.st_curr_before.n + rps.st_curr_after.n + rps.lt_curr.n == 0) {
    h265_set_error (self, CODEC_ERROR_BITSTREAM, "Picture with POC %d names no reference", poc);
    return TRUE;
  }
  if (!h265_dpb_make_room (&self->dpb))
    return FALSE;

  frame = new_frame (self, poc, corrupt || rps.incomplete);
  if (!frame)
    return FALSE;
  if (!submit_picture (self, frame, &rps)) {
    codec_picture_unref (frame->picture);
    g_free (frame);
    return FALSE;
  }

  return h265_dpb_store (&self->dpb, frame);
}

void
h265_reset_current (H265Current * pic)
{
  pic->active = pic->damaged = pic->has_first = FALSE;
  g_array_set_size (pic->slices, 0);
  g_array_set_size (pic->modifications, 0);
  g_byte_array_set_size (pic->data, 0);
}

/* All slice segments of the picture have been seen. FALSE if the client failed. */
gboolean
h265_finish_picture (CodecH265 * self)
{
  H265Current *pic = &self->pic;
  gboolean ok;

  if (!pic->active)
    return TRUE;
  ok = decode_picture (self, pic->damaged || !pic->has_first);
  h265_reset_current (pic);

  return ok;
}
