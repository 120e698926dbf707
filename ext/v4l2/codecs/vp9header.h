/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compressed header (VP9 specification, 6.3), which gstreamer-codecparsers
 * does not read, and what of the uncompressed header lasts over frames.
 */
#ifndef V4L2_CODEC_VP9_HEADER_H
#define V4L2_CODEC_VP9_HEADER_H

#include <gst/gst.h>
#ifndef GST_USE_UNSTABLE_API
#define GST_USE_UNSTABLE_API
#endif
#include <gst/codecparsers/gstvp9parser.h>
#include <linux/v4l2-controls.h>

G_BEGIN_DECLS

static inline gboolean
vp9_is_intra (const GstVp9FrameHdr * hdr)
{
  return hdr->frame_type == GST_VP9_KEY_FRAME || hdr->intra_only;
}

/*
 * vp9_parse_compressed_header:
 * @data: from the end of the uncompressed header on, first_partition_size bytes
 * @out: the updates as the control wants them: after inv_map_table, 0 for none
 * @reference_mode: V4L2_VP9_REFERENCE_MODE_*
 *
 * Returns: FALSE if the data is damaged or too short
 */
gboolean vp9_parse_compressed_header (const GstVp9FrameHdr * hdr, const guint8 * data, gsize size,
    struct v4l2_ctrl_vp9_compressed_hdr * out, guint8 * reference_mode);

/* Values that stay until a frame header changes them (7.2.8, 7.2.10). */
typedef struct
{
  gint8 ref_deltas[4];
  gint8 mode_deltas[2];
  gboolean seg_absolute;
  guint8 seg_enabled[8];
  gint16 seg_data[8][4];
} Vp9Persistent;

/* Takes over what @hdr sets or, in an intra or error resilient frame, resets. */
void     vp9_persistent_update (Vp9Persistent * self, const GstVp9FrameHdr * hdr);

/* All of V4L2_CID_STATELESS_VP9_FRAME but the reference timestamps and the reference mode. */
void     vp9_fill_frame_control (struct v4l2_ctrl_vp9_frame * ctrl, const GstVp9FrameHdr * hdr,
    const Vp9Persistent * persistent);

G_END_DECLS
#endif
