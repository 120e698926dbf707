# SPDX-License-Identifier: LGPL-2.1-or-later
"""The decoders of gst-dmaresv for Fluster.

Copy this file to the folder fluster/decoders/ of a Fluster checkout; Fluster
imports what is there.  docs/testing.md of gst-dmaresv says more.
"""

from fluster.codec import Codec
from fluster.decoder import register_decoder
from fluster.decoders.gstreamer import GStreamer10Video


class GStreamerDmaResv(GStreamer10Video):
    """Base class for gst-dmaresv's decoders"""

    api = "DmaResv"
    hw_acceleration = True


@register_decoder
class GStreamerDmaResvH264(GStreamerDmaResv):
    """gst-dmaresv's H.264 decoder"""

    codec = Codec.H264
    decoder_bin = " dmaresvh264dec "


@register_decoder
class GStreamerDmaResvH265(GStreamerDmaResv):
    """gst-dmaresv's H.265 decoder"""

    codec = Codec.H265
    decoder_bin = " dmaresvh265dec "


@register_decoder
class GStreamerDmaResvVP8(GStreamerDmaResv):
    """gst-dmaresv's VP8 decoder"""

    codec = Codec.VP8
    decoder_bin = " dmaresvvp8dec "


@register_decoder
class GStreamerDmaResvVP9(GStreamerDmaResv):
    """gst-dmaresv's VP9 decoder"""

    codec = Codec.VP9
    decoder_bin = " dmaresvvp9dec "


# Older versions of Fluster know no MPEG-2.
if hasattr(Codec, "MPEG2_VIDEO"):

    @register_decoder
    class GStreamerDmaResvMPEG2(GStreamerDmaResv):
        """gst-dmaresv's MPEG-2 video decoder"""

        codec = Codec.MPEG2_VIDEO
        decoder_bin = " dmaresvmpeg2dec "
