#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the streams of the suite implicit-sync: streams.sh FOLDER
set -euo pipefail
out=$1
self=$(readlink -f "$0")
stamp=$(sha256sum <"$self" | cut -c1-16)
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
mkdir -p "$out"
rm -f "$out"/*

encode() {
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=$2:rate=25" -frames:v "$3" -pix_fmt yuv420p \
		-c:v libx264 -threads 1 -x264-params "$4" "${@:5}" "$out/$1"
}

# each picture refers to the one before it: nothing waits for another
encode lowdelay.h264 640x480 120 "bframes=0:ref=1:rc-lookahead=0:keyint=60" -tune zerolatency -profile:v high
# two pictures between; one frame waits
encode reorder.mp4 640x480 120 "bframes=2:b-pyramid=none:b-adapt=0:ref=2:keyint=60" -profile:v high
ffmpeg -v error -nostdin -y -i "$out/reorder.mp4" -c copy -bsf:v h264_mp4toannexb "$out/reorder.h264"
# presentation times in decode order, and how many frames may wait
ffprobe -v error -select_streams v -show_entries packet=pts -of csv=p=0 "$out/reorder.mp4" | tr -d , >"$out/reorder.order"
ffprobe -v error -select_streams v -show_entries stream=has_b_frames -of csv=p=0 "$out/reorder.mp4" | tr -d , >"$out/reorder.depth"
# a thousand frames, small and with few buffers
encode part.h264 176x144 100 "bframes=0:ref=1:keyint=50" -profile:v baseline
for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$out/part.h264"; done >"$out/thousand.h264"
rm "$out/part.h264"
echo "$stamp" >"$out/stamp"
