#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job on real input: demo.sh TOP BUILD
# Decodes and converts a clip on the hardware (the virtual RK3399, or the
# board's own) and compares every frame with a software decode.
set -euo pipefail
TOP=$1 BUILD=$2
. "$TOP/virt/lib.sh"
out=$BUILD/demo
mkdir -p "$out"
step "encoding the clips" "$TOP/tests/streams/make.sh" "$BUILD/streams"

say "==> decoding through rkvdec and hantro, converting through rga"
cd "$out"
"$TOP/dev" run --timeout 300 -- "$TOP/tests/guest/demo.sh" "$BUILD/streams" "$BUILD/host/tools/dmaresv-compare" "$out" || {
	status=$?
	say "dev: not everything matched (status $status)"
	exit 1
}
say "    a decoded and converted frame: $out/frame.png"

# Where jobs take as long as on a board, and time is exact; a board has its own.
slow=(--virtual-time --latency "rkvdec=6000,rga=3000" --jobs timeline.csv)
jobs=(--jobs timeline.csv)
if "$BUILD/host/tools/dmaresv-probe" >/dev/null 2>&1; then slow=() jobs=(); fi
say "==> tracing a run${slow:+ whose jobs take 6 ms (rkvdec) and 3 ms (rga)}"
GST_TRACERS="dmaresv(file=$out/timeline.trace)" "$TOP/dev" run --timeout 120 "${slow[@]}" -- \
	gst-launch-1.0 -q filesrc location="$BUILD/streams/demo.mp4" ! qtdemux ! h264parse ! dmaresvh264dec ! queue ! \
	rgaconvert ! 'video/x-raw(ANY),format=BGRx' ! fakesink
"$TOP/tools/dmaresv-timeline" timeline.trace "${jobs[@]}" --quiet -o timeline.html --svg timeline.svg \
	--title "A decoded and converted clip, frame by frame"
say "    what happened to each frame and buffer: $out/timeline.html, .svg"
