/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "codec.h"

G_DEFINE_QUARK (dmaresv - codec - error - quark, codec_error);

/**
 * codec_picture_new:
 * @key: the V4L2 reference timestamp, in ns and whole microseconds
 * @tag: the caller's name for the access unit
 *
 * Returns: (transfer full): a picture without flags or client data
 */
CodecPicture *
codec_picture_new (guint64 key, guint64 tag)
{
  CodecPicture *picture = g_new0 (CodecPicture, 1);

  picture->ref_count = 1;
  picture->key = key;
  picture->tag = tag;

  return picture;
}

/**
 * codec_picture_ref:
 *
 * Returns: (transfer full): @picture
 */
CodecPicture *
codec_picture_ref (CodecPicture * picture)
{
  g_return_val_if_fail (picture != NULL && picture->ref_count > 0, NULL);

  picture->ref_count++;

  return picture;
}

/**
 * codec_picture_unref:
 * @picture: (transfer full): the last reference runs client_destroy
 */
void
codec_picture_unref (CodecPicture * picture)
{
  g_return_if_fail (picture != NULL && picture->ref_count > 0);

  if (--picture->ref_count > 0)
    return;

  if (picture->client_destroy)
    picture->client_destroy (picture->client_data);
  g_free (picture);
}
