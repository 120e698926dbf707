# SPDX-License-Identifier: LGPL-2.1-or-later
"""The decoders of gst-dmaresv for Fluster.

Copy this file to the folder fluster/decoders/ of a Fluster checkout; Fluster
imports what is there.  docs/testing.md of gst-dmaresv says more.
"""

from fluster.codec import Codec
from fluster.decoder import register_decoder
from fluster.decoders import gstreamer

# It was GStreamer10Video in the older versions of Fluster.
_Video = getattr(gstreamer, "GStreamerVideo", None) or gstreamer.GStreamer10Video


class GStreamerDmaResv(_Video):
    """Base class for gst-dmaresv's decoders"""

    api = "DmaResv"
    hw_acceleration = True


# There, parsers were a part of decoder_bin, and the check of a decoder was made without, if told so.
def _chain(element):
    return element if hasattr(_Video, "parser") else f" parsebin ! {element}"


@register_decoder
class GStreamerDmaResvH264(GStreamerDmaResv):
    """gst-dmaresv's H.264 decoder"""

    codec = Codec.H264
    check_decoder_bin = " dmaresvh264dec "
    decoder_bin = _chain(check_decoder_bin)


@register_decoder
class GStreamerDmaResvH265(GStreamerDmaResv):
    """gst-dmaresv's H.265 decoder"""

    codec = Codec.H265
    check_decoder_bin = " dmaresvh265dec "
    decoder_bin = _chain(check_decoder_bin)


@register_decoder
class GStreamerDmaResvVP8(GStreamerDmaResv):
    """gst-dmaresv's VP8 decoder"""

    codec = Codec.VP8
    check_decoder_bin = " dmaresvvp8dec "
    decoder_bin = _chain(check_decoder_bin)


@register_decoder
class GStreamerDmaResvVP9(GStreamerDmaResv):
    """gst-dmaresv's VP9 decoder"""

    codec = Codec.VP9
    check_decoder_bin = " dmaresvvp9dec "
    decoder_bin = _chain(check_decoder_bin)


# Older versions of Fluster know no MPEG-2.
if hasattr(Codec, "MPEG2_VIDEO"):

    @register_decoder
    class GStreamerDmaResvMPEG2(GStreamerDmaResv):
        """gst-dmaresv's MPEG-2 video decoder"""

        codec = Codec.MPEG2_VIDEO
        check_decoder_bin = " dmaresvmpeg2dec "
        decoder_bin = _chain(check_decoder_bin)
