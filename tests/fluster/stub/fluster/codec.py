# SPDX-License-Identifier: LGPL-2.1-or-later
import os
from enum import Enum

_names = {"NONE": "None", "H264": "H.264", "H265": "H.265", "VP8": "VP8", "VP9": "VP9"}
if not os.environ.get("STUB_WITHOUT_MPEG2"):
    _names["MPEG2_VIDEO"] = "MPEG2_VIDEO"
Codec = Enum("Codec", _names)
