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
