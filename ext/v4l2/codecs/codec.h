/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every codec has in common: bitstream in; sequences, jobs for the
 * hardware and pictures in output order out, through a client's callbacks.
 *
 * A codec is pure: it opens nothing, waits for nothing and knows no device.
 * It is driven from one thread, and calls its client from within
 * codec_*_decode(), codec_*_drain() and codec_*_flush().
 */
#ifndef V4L2_CODEC_H
#define V4L2_CODEC_H

#include <gst/gst.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

#define CODEC_ERROR (codec_error_quark ())
GQuark codec_error_quark (void);

/**
 * CodecError:
 * @CODEC_ERROR_BITSTREAM: this access unit is damaged; what could be kept was, go on.
 * @CODEC_ERROR_UNSUPPORTED: valid, but nothing of the kind is decoded here; the message says what.
 * @CODEC_ERROR_SKIPPED: valid, but the device cannot do it; the message says what. Frames are dropped
 *    up to the next access point, then decoding goes on by itself. Set for the first frame only.
 * @CODEC_ERROR_CLIENT: a callback returned FALSE (it keeps the reason).
 */
typedef enum
{
  CODEC_ERROR_BITSTREAM,
  CODEC_ERROR_UNSUPPORTED,
  CODEC_ERROR_SKIPPED,
  CODEC_ERROR_CLIENT
} CodecError;

/* A V4L2 control payload; owned by the codec, valid during the callback. */
typedef struct
{
  guint32 id;                   /* V4L2_CID_STATELESS_* */
  gsize size;                   /* bytes */
  gconstpointer data;
} CodecControl;

#define CODEC_MAX_CONTROLS 8

typedef struct
{
  guint coded_width, coded_height;      /* pixels, whole macroblocks */
  /* The device knows the coded size from the OUTPUT format alone: where its driver makes it larger,
   * something else is decoded. */
  gboolean exact_size;
  guint crop_x, crop_y;                 /* pixels, inside the coded size */
  guint width, height;                  /* pixels, after cropping */
  guint bit_depth;                      /* luma; equal to chroma's */
  guint chroma_format_idc;              /* 0 mono, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
  gboolean keeps_references;            /* only what is visible changes: formats, buffers and references stay */
  gboolean interlaced;                  /* may hold field or MBAFF pictures */
  gint profile;                         /* V4L2_MPEG_VIDEO_*_PROFILE_*, -1 where V4L2 names none */
  gint level;                           /* V4L2_MPEG_VIDEO_*_LEVEL_*, -1 unknown */
  guint dpb_size;                       /* pictures that the codec may hold at once, current excluded */
  guint reorder;                        /* pictures that may precede one in decoding and follow in output */
  gint fps_n, fps_d;                    /* 0/1 unknown */
  gint par_n, par_d;                    /* 1/1 unknown */
  GstVideoColorimetry colorimetry;      /* UNKNOWN members where not signalled */
  GstVideoChromaSite chroma_site;
  /* To be set without a request before CAPTURE formats are enumerated (an SPS). */
  CodecControl controls[CODEC_MAX_CONTROLS];
  guint n_controls;
} CodecSequence;

typedef enum
{
  CODEC_PICTURE_NONE = 0,
  CODEC_PICTURE_CORRUPT = 1 << 0,       /* a reference is missing, or slices are */
  CODEC_PICTURE_GAP = 1 << 1,           /* made for a gap in frame_num: needs a buffer, has no job, is never output */
  CODEC_PICTURE_KEY = 1 << 2,           /* an IDR */
  CODEC_PICTURE_REFERENCE = 1 << 3,     /* later pictures may predict from it */
  CODEC_PICTURE_HIDDEN = 1 << 4,        /* is never output itself, only by a REPEAT */
  CODEC_PICTURE_REPEAT = 1 << 5,        /* shows @conceal of new_picture again: its buffer, and no job */
  CODEC_PICTURE_INTERLACED = 1 << 6,    /* two fields of different times */
  CODEC_PICTURE_TOP_FIELD_FIRST = 1 << 7,
  CODEC_PICTURE_REPEAT_FIELD = 1 << 8,
  CODEC_PICTURE_ONE_FIELD = 1 << 9      /* the other one never came */
} CodecPictureFlags;

/*
 * A picture from its first slice until the codec neither predicts from it nor
 * has it to output.  Reference-counted; not atomic (one thread).
 */
typedef struct
{
  gint ref_count;
  guint64 key;                  /* the V4L2 reference timestamp, ns, whole microseconds, unique, never a PTS */
  guint64 tag;                  /* what the caller gave codec_*_decode() for this access unit */
  CodecPictureFlags flags;
  gpointer client_data;         /* the client's (the CAPTURE buffer) */
  GDestroyNotify client_destroy;
} CodecPicture;

CodecPicture *codec_picture_new (guint64 key, guint64 tag);
CodecPicture *codec_picture_ref (CodecPicture * picture);
void          codec_picture_unref (CodecPicture * picture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CodecPicture, codec_picture_unref)

gboolean           codec_sequence_equal (const CodecSequence * a, const CodecSequence * b);
void               codec_sequence_set_colours (CodecSequence * sequence, guint primaries,
    guint transfer, guint matrix);
GstVideoChromaSite codec_chroma_site (guint chroma_sample_loc_type);

/* One job: everything that one request needs. Valid during the callback. */
typedef struct
{
  const guint8 *data;           /* the bitstream for the OUTPUT buffer */
  gsize size;                   /* bytes */
  CodecControl controls[CODEC_MAX_CONTROLS];
  guint n_controls;
  guint64 capture_key;          /* = picture->key */
  gboolean first_field;         /* of a picture whose other field may follow, or never come */
  CodecPicture *refs[17];       /* every picture that the job may read, for whoever tracks buffers */
  guint n_refs;
} CodecJob;

typedef struct
{
  /* A sequence starts or changes: all earlier pictures have been given to output and every
   * reference is dropped (but see keeps_references). Reconfigure the device. */
  gboolean (*new_sequence) (const CodecSequence * sequence, gpointer user_data);
  /* Get a CAPTURE buffer for the picture (client_data). For a GAP picture the client may conceal
   * (copy @conceal, the nearest earlier reference, which may be NULL). */
  gboolean (*new_picture) (CodecPicture * picture, CodecPicture * conceal, gpointer user_data);
  /* Queue the job that decodes into the picture; for fields, there are two jobs. */
  gboolean (*submit) (CodecPicture * picture, const CodecJob * job, gpointer user_data);
  /* The picture is next in output order; called once per picture, never for GAP and HIDDEN ones. */
  gboolean (*output) (CodecPicture * picture, gpointer user_data);
} CodecClient;

/* A codec's entry points, for who drives any of them; the codec's own header says what they promise. */
typedef struct
{
  gpointer (*create) (const CodecClient * client, gpointer user_data);
  void     (*destroy) (gpointer codec);
  gboolean (*decode) (gpointer codec, const guint8 * data, gsize size, guint64 tag,
      GError ** error);
  gboolean (*drain) (gpointer codec, GError ** error);
  void     (*flush) (gpointer codec);
} CodecCore;

/* Defines @prefix_core, a CodecCore, from @prefix_new(), _free(), _decode(), _drain() and _flush(). */
#define CODEC_DEFINE_CORE(Type, prefix) \
static gpointer \
prefix##_core_create (const CodecClient * client, gpointer user_data) \
{ \
  return prefix##_new (client, user_data); \
} \
static void \
prefix##_core_destroy (gpointer codec) \
{ \
  prefix##_free ((Type *) codec); \
} \
static gboolean \
prefix##_core_decode (gpointer codec, const guint8 * data, gsize size, guint64 tag, \
    GError ** error) \
{ \
  return prefix##_decode ((Type *) codec, data, size, tag, error); \
} \
static gboolean \
prefix##_core_drain (gpointer codec, GError ** error) \
{ \
  return prefix##_drain ((Type *) codec, error); \
} \
static void \
prefix##_core_flush (gpointer codec) \
{ \
  prefix##_flush ((Type *) codec); \
} \
const CodecCore prefix##_core = { \
  prefix##_core_create, prefix##_core_destroy, prefix##_core_decode, prefix##_core_drain, \
  prefix##_core_flush \
}

/*
 * For codecs: what a call runs into.  codec_set_error() logs it and keeps it in @slot, where the
 * first one stays, except that what ends decoding replaces CODEC_ERROR_BITSTREAM.
 * codec_take_error() moves it to @error and returns FALSE; without one it returns @result.  With
 * @result TRUE, CODEC_ERROR_BITSTREAM is forgotten: a picture that went out damaged says so itself
 * (CODEC_PICTURE_CORRUPT).
 */
void     codec_set_error (GstDebugCategory * category, GError ** slot, CodecError code,
    const gchar * format, ...) G_GNUC_PRINTF (4, 5);
gboolean codec_take_error (GError ** slot, gboolean result, GError ** error);

/* For codecs: makes a copy of @sequence the @active one, with the control that carries its SPS (which
 * stays the caller's), and tells the client. FALSE if that refused. */
gboolean codec_activate_sequence (GstDebugCategory * category, const CodecClient * client,
    gpointer user_data, CodecSequence * active, const CodecSequence * sequence, guint32 id,
    gconstpointer sps, gsize size);

/* @data stays the caller's. */
void     codec_job_add_control (CodecJob * job, guint32 id, gconstpointer data, gsize size);

G_END_DECLS
#endif
