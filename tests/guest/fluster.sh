#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fluster.sh TOP BUILD LIST: each line's pipeline gives the checksum of the same with a software decoder.
TOP=$1 BUILD=$2 list=$3
. "$TOP/tests/suites/lib.sh"

# checksum PIPELINE: as Fluster reads it from videocodectestsink's message
checksum() {
	# shellcheck disable=SC2086
	timeout 120 gst-launch-1.0 -m --no-fault $1 2>&1 |
		sed -n 's/.*conformance\/checksum, checksum-type=(string)MD5, checksum=(string)\([0-9a-f]*\);.*/\1/p'
}

while IFS=$'\t' read -r name element pipeline; do
	case $element in
	dmaresvh264dec) soft=avdec_h264 ;;
	dmaresvh265dec) soft=avdec_h265 ;;
	dmaresvvp8dec) soft=avdec_vp8 ;;
	dmaresvvp9dec) soft=avdec_vp9 ;;
	dmaresvmpeg2dec) soft=avdec_mpeg2video ;;
	*) not_ok "$name" "$element has no software decoder here"; continue ;;
	esac
	ours=$(checksum "$pipeline") theirs=$(checksum "${pipeline/$element/$soft}")
	if [ -n "$ours" ] && [ "$ours" = "$theirs" ]; then
		ok "$name"
	else
		not_ok "$name" "checksum '$ours' instead of '$theirs': $pipeline"
	fi
	# what Fluster's check of a decoder does
	check "$name: runs without input" timeout 60 gst-launch-1.0 --no-fault appsrc num-buffers=0 ! "$element" ! fakesink
done <<<"$list"
