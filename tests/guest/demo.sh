#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh STREAMS COMPARE-TOOL FOLDER: runs where the hardware is.
set -u
clip=$1/demo.mp4 streams=$1 compare=$2 out=$3
source="filesrc location=$clip ! qtdemux ! h264parse"
hard="$source ! dmaresvh264dec"
soft="$source ! avdec_h264 ! videoconvert"
status=0

run() { "$compare" "$@" || status=1; }

run -n "H.264: rkvdec, mapped on the CPU" "$hard" "$soft ! video/x-raw,format=NV12"

# A copy through RGA moves every byte and changes none.
run -n "H.264: rkvdec -> rga (NV12 to I420)" \
	"$hard ! rgaconvert ! video/x-raw(ANY),format=I420" \
	"$soft ! video/x-raw,format=I420"

# Colour conversion is RGA's own arithmetic, which nobody has documented: it is
# compared with the same formula in 16-bit precision, to within 3 of 255 steps.
run -n "H.264: rkvdec -> rga (BGRA, converted colours)" -t 3 -p "$out/frame.png" --png-frame 30 \
	"$hard ! rgaconvert ! video/x-raw(ANY),format=BGRA" \
	"$soft dither=none chroma-mode=none ! video/x-raw,format=ARGB64 !
	 videoconvert dither=none ! video/x-raw,format=BGRA"

# The other codecs: decoded, and moved by RGA without a change.
codec() {
	local name=$1 element=$2 software=$3 source=$4
	gst-inspect-1.0 "$element" >/dev/null 2>&1 || return
	run -n "$name, mapped on the CPU" "$source ! $element" "$source ! $software ! videoconvert ! video/x-raw,format=NV12"
	run -n "$name -> rga (NV12 to I420)" "$source ! $element ! rgaconvert ! video/x-raw(ANY),format=I420" \
		"$source ! $software ! videoconvert ! video/x-raw,format=I420"
}
codec "HEVC: rkvdec" dmaresvh265dec avdec_h265 "filesrc location=$streams/demo-hevc.mp4 ! qtdemux ! h265parse"
codec "VP9: rkvdec" dmaresvvp9dec avdec_vp9 "filesrc location=$streams/demo-vp9.webm ! matroskademux ! vp9parse"
codec "VP8: hantro" dmaresvvp8dec avdec_vp8 "filesrc location=$streams/demo-vp8.webm ! matroskademux"
codec "MPEG-2: hantro" dmaresvmpeg2dec avdec_mpeg2video "filesrc location=$streams/demo-mpeg2.m2v ! mpegvideoparse"
exit $status
