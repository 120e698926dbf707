#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh CLIP COMPARE-TOOL FOLDER: runs where the hardware is.
set -u
clip=$1 compare=$2 out=$3
source="filesrc location=$clip ! qtdemux ! h264parse"
hard="$source ! dmaresvh264dec"
soft="$source ! avdec_h264 ! videoconvert"
status=0

run() { "$compare" "$@" || status=1; }

run -n "rkvdec, mapped on the CPU" "$hard" "$soft ! video/x-raw,format=NV12"

# A copy through RGA moves every byte and changes none.
run -n "rkvdec -> rga (NV12 to I420)" \
	"$hard ! rgaconvert ! video/x-raw(ANY),format=I420" \
	"$soft ! video/x-raw,format=I420"

# Colour conversion is RGA's own arithmetic, which nobody has documented: it is
# compared with the same formula in 16-bit precision, to within 3 of 255 steps.
run -n "rkvdec -> rga (BGRA, converted colours)" -t 3 -p "$out/frame.png" --png-frame 30 \
	"$hard ! rgaconvert ! video/x-raw(ANY),format=BGRA" \
	"$soft dither=none chroma-mode=none ! video/x-raw,format=ARGB64 !
	 videoconvert dither=none ! video/x-raw,format=BGRA"
exit $status
