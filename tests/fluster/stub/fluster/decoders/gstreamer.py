# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attributes that a decoder's class sets, and the pipeline of them."""


class GStreamer10Video:
    decoder_bin = ""
    api = ""
    caps = "video/x-raw"
    gst_api = "1.0"
    sink = "videocodectestsink"
    provider = "GStreamer"
    parser = ""
    name = ""

    def __init__(self):
        self.name = f"{self.provider}-{self.codec.value}-{self.api}-Gst{self.gst_api}"

    def gen_pipeline(self, path, pixels):
        return (
            f"filesrc location={path} ! {self.parser or 'parsebin'} ! {self.decoder_bin} ! {self.caps} ! "
            f"videoconvert dither=none ! video/x-raw,format={pixels} ! {self.sink}"
        )
