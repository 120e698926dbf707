#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check.sh TOP BUILD OBJECTS: every gst-check program of the guest, then the tracers leaks and dmaresv.
#   CHECK_PROGRAMS="NAME..."   these programs, and no more
TOP=$1 BUILD=$2 obj=$3
. "$TOP/tests/suites/lib.sh"
export DMARESV_TOP=$TOP TEMP=/tmp CK_DEFAULT_TIMEOUT=120 CK_RUN_MODE=normal
gst-inspect-1.0 --version | sed 's/^/# /' | head -n 1
for program in "$obj"/tests/check/guest_*; do
	case $program in */guest_playbin) continue ;; esac # a suite of its own
	[ -z "${CHECK_PROGRAMS:-}" ] || [[ " $CHECK_PROGRAMS " == *" ${program##*/guest_} "* ]] || continue
	[ -f "$program" ] && gst_check "$program"
done

[ -z "${CHECK_PROGRAMS:-}" ] || exit 0

# what is alive when the process ends has been leaked
leaks() {
	local name=$1
	shift
	out=$(GST_TRACERS="leaks;dmaresv(file=$trace)" GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1 \
		timeout 60 gst-launch-1.0 -q "$@" 2>&1) || { not_ok "leaks: $name" "$out"; return; }
	if printf '%s\n' "$out" | grep -a 'object-alive, type-name=(string)[^%]' >&2; then
		not_ok "leaks: $name" "objects are alive at the end"
	else
		ok "leaks: $name"
	fi
	# in the log, and in the file
	if [[ $out = *GST_TRACER*"dmaresv, event=(string)job-queued, "*"dmaresv, event=(string)release, "* ]] &&
		[ "$(head -c 7 "$trace")" = DMARESV ] && [ "$(stat -c %s "$trace")" -gt 1000 ]; then
		ok "traced: $name"
	else
		not_ok "traced: $name" "$(stat -c '%s bytes in the file' "$trace"), $(printf '%s' "$out" | grep -c 'dmaresv, event') in the log"
	fi
	rm -f "$trace"
}
trace=/tmp/dmaresv-trace-$$
leaks "decoder" filesrc location="$DMARESV_STREAMS/bframes.h264" ! h264parse ! dmaresvh264dec ! fakesink
leaks "decoder and converter" filesrc location="$DMARESV_STREAMS/resize.h264" ! h264parse ! dmaresvh264dec ! \
	rgaconvert ! "video/x-raw(ANY),format=BGRx,width=400,height=300" ! fakesink
for codec in vp8 vp9; do
	parse=identity
	[ $codec = vp8 ] || parse=vp9parse
	leaks "$codec with alpha" filesrc location="$DMARESV_STREAMS/alpha-$codec.webm" ! matroskademux ! $parse ! \
		dmaresv${codec}alphadecodebin ! videoconvert ! fakesink
done
leaks "HEVC" filesrc location="$DMARESV_STREAMS/wpp.h265" ! h265parse ! dmaresvh265dec ! fakesink
leaks "VP9" filesrc location="$DMARESV_STREAMS/altref.vp9.webm" ! matroskademux ! vp9parse ! dmaresvvp9dec ! fakesink
leaks "VP8" filesrc location="$DMARESV_STREAMS/altref.webm" ! matroskademux ! dmaresvvp8dec ! fakesink
leaks "MPEG-2" filesrc location="$DMARESV_STREAMS/interlaced.m2v" ! mpegvideoparse ! dmaresvmpeg2dec ! fakesink
