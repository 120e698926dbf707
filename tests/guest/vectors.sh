#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Decodes every stream of MANIFEST.tsv that is within reach (so far: H.264,
# progressive, 8-bit 4:2:0) and compares videocodectestsink's MD5 of all frames.
set -u
cd "$1"
total=0 passed=0

# The demuxer that a container needs.
source_of() {
	case $1 in
	*.mp4 | *.mov) echo "filesrc location=$1 ! qtdemux" ;;
	*.ts) echo "filesrc location=$1 ! tsdemux" ;;
	*.mkv) echo "filesrc location=$1 ! matroskademux" ;;
	*) echo "filesrc location=$1" ;;
	esac
}

# An MPEG-TS or MP4 says nothing that a raw stream does not: same parser, same element.
decode() {
	# shellcheck disable=SC2046
	timeout -k 5 "${VECTOR_TIMEOUT:-120}" gst-launch-1.0 -m --no-fault $(source_of "$1") ! h264parse ! "${VECTOR_DECODER:-dmaresvh264dec}" ! \
		videocodectestsink 2>&1
}

within_reach() {
	[ "$codec" = h264 ] && [ "$expect" = exact ] && [ "$pixfmt" = yuv420p ] || return 1
	case ",$tags," in
	*,interlaced,* | *,monochrome,* | *bitdepth-change* | \
		*progressive-interlaced-switch*) return 1 ;;
	esac
}

while IFS=$'\t' read -r path codec _ _ _ _ md5 _ tags pixfmt _ expect _; do
	within_reach || continue
	[ -z "${VECTOR_FILTER:-}" ] || [[ $path == *$VECTOR_FILTER* ]] || continue
	total=$((total + 1))
	out=$(decode "$path")
	got=$(printf '%s\n' "$out" | sed -n 's/.*checksum=(string)\([0-9a-f]*\).*/\1/p' | tail -n 1)
	if [ "$got" = "$md5" ]; then
		passed=$((passed + 1))
		echo "ok $path"
	else
		echo "not ok $path: MD5 ${got:-none} instead of $md5"
		printf '%s\n%s\n' "--- $path" "$out" | grep -vE '^Got message' | tail -n 15 >&2
	fi
done <MANIFEST.tsv
echo "# h264: $passed of $total progressive 8-bit 4:2:0 streams are bit-exact"
