#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vectors.sh FOLDER: decodes every stream of MANIFEST.tsv that is within reach, and compares
# videocodectestsink's MD5 of all frames with the reference.
#   VECTOR_FILTER=TEXT    only paths with TEXT in them
#   VECTOR_CODECS="C..."  only these codecs
#   VECTOR_DECODER=NAME   another element in place of ours, such as v4l2slh264dec
set -u
cd "$1" || exit 1
declare -A total passed have

parser_of() {
	case $1 in
	h264) echo h264parse ;;
	hevc) echo h265parse ;;
	vp9) echo vp9parse ;;
	mpeg2) echo mpegvideoparse ;;
	vp8) echo identity ;;
	esac
}

decoder_of() {
	case $1 in
	hevc) echo dmaresvh265dec ;;
	*) echo "dmaresv$1dec" ;;
	esac
}

# What has to come before the parser.
source_of() {
	case $1 in
	*.mp4 | *.mov) echo "filesrc location=$1 ! qtdemux" ;;
	*.ts) echo "filesrc location=$1 ! tsdemux" ;;
	*.mpg) echo "filesrc location=$1 ! mpegpsdemux" ;;
	*.mkv | *.webm) echo "filesrc location=$1 ! matroskademux" ;;
	*.ivf | *.vp8) echo "filesrc location=$1 ! ivfparse" ;;
	*) echo "filesrc location=$1" ;;
	esac
}

decode() {
	# shellcheck disable=SC2046
	timeout -k 5 "${VECTOR_TIMEOUT:-120}" gst-launch-1.0 -m --no-fault $(source_of "$1") ! \
		$(parser_of "$codec") ! "$decoder" ! $(unpack) videocodectestsink 2>&1
}

# The sink knows no packed 10-bit format; to these, which it knows, they convert without loss
# (suite v4l2formats). 8 bits pass through unchanged.
unpack() {
	case $pixfmt,$tags in
	*10le,* | *bitdepth-change*)
		echo "videoconvert dither=none ! video/x-raw,format={NV12,I420_10LE,Y42B,I422_10LE} !"
		;;
	esac
}

# What the hardware and the plugin can decode today. MPEG-2's references were made by
# libavcodec, which the model decodes with: there "tolerance" is exact.
within_reach() {
	case "$codec,$expect" in
	h264,exact)
		case $pixfmt in yuv420p | yuv420p10le | yuv422p | gray) ;; *) return 1 ;; esac
		case ",$tags," in
		esac
		;;
	hevc,exact)
		case $pixfmt in yuv420p | yuv420p10le) ;; *) return 1 ;; esac
		;;
	# hantro's smallest picture has 48 x 48 pixels, and its macroblocks are the stream's
	vp8,exact | mpeg2,tolerance | mpeg2,exact)
		[ "$width" -gt 32 ] && [ "$height" -gt 32 ]
		;;
	vp9,exact)
		# rkvdec: profile 0
		[ "$pixfmt" = yuv420p ] || return 1
		case ",$tags," in
		*bitdepth-change* | *,ref-scaling\?,*) return 1 ;;
		esac
		;;
	*) return 1 ;;
	esac
}

while IFS=$'\t' read -r path codec _ width height _ md5 _ tags pixfmt _ expect _; do
	within_reach || continue
	[ -z "${VECTOR_FILTER:-}" ] || [[ $path == *$VECTOR_FILTER* ]] || continue
	[ -z "${VECTOR_CODECS:-}" ] || [[ " $VECTOR_CODECS " == *" $codec "* ]] || continue
	decoder=${VECTOR_DECODER:-$(decoder_of "$codec")}
	[ -n "${have[$codec]:-}" ] || have[$codec]=$(gst-inspect-1.0 "$decoder" >/dev/null 2>&1 && echo yes || echo no)
	if [ "${have[$codec]}" = no ]; then
		echo "skip $path: there is no $decoder here"
		continue
	fi
	total[$codec]=$((${total[$codec]:-0} + 1))
	out=$(decode "$path")
	got=$(printf '%s\n' "$out" | sed -n 's/.*checksum=(string)\([0-9a-f]*\).*/\1/p' | tail -n 1)
	if [ "$got" = "$md5" ]; then
		passed[$codec]=$((${passed[$codec]:-0} + 1))
		echo "ok $path"
	else
		echo "not ok $path: MD5 ${got:-none} instead of $md5"
		printf '%s\n%s\n' "--- $path" "$out" | grep -vE '^Got message' | tail -n 15 >&2
	fi
done <MANIFEST.tsv

# VP9 whose size changes between key frames: the driver takes one size of buffers at a time, so the
# references of another size are gone. That has to be told, and the stream has to end as any other.
while IFS=$'\t' read -r path codec _ _ _ _ _ _ tags _ _ expect _; do
	[ "$codec,$expect" = vp9,exact ] && [[ ",$tags," == *,ref-scaling\?,* ]] || continue
	[ -z "${VECTOR_FILTER:-}" ] || [[ $path == *$VECTOR_FILTER* ]] || continue
	[ -z "${VECTOR_CODECS:-}" ] || [[ " $VECTOR_CODECS " == *" vp9 "* ]] || continue
	[ "${have[vp9]:-no}" = yes ] && [ -z "${VECTOR_DECODER:-}" ] || continue
	decoder=dmaresvvp9dec
	out=$(decode "$path")
	status=$?
	told=$(printf '%s\n' "$out" | grep -c '(warning).*size.*without.*key')
	if [ "$status" = 0 ] && [ "$told" -ge 1 ]; then
		echo "ok $path: a size that changes between key frames is told"
	else
		echo "not ok $path: status $status, $told warning(s) of a size that changes between key frames"
	fi
done <MANIFEST.tsv
for codec in "${!total[@]}"; do
	echo "# $codec: ${passed[$codec]:-0} of ${total[$codec]} streams within reach are bit-exact"
done
