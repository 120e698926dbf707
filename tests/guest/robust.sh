#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# robust.sh OBJECTS STREAMS: our own streams, damaged here; damaged test vectors are in the suite vectors
compare=$1/tools/dmaresv-compare streams=$2

chain_of() {
	case $1 in
	hevc) echo "h265parse ! dmaresvh265dec" ;;
	vp8) echo "ivfparse ! dmaresvvp8dec" ;;
	vp9) echo "ivfparse ! vp9parse ! dmaresvvp9dec" ;;
	mpeg2) echo "mpegvideoparse ! dmaresvmpeg2dec" ;;
	*) echo "h264parse ! dmaresvh264dec" ;;
	esac
}

# survives NAME FILE [CODEC]
# Whatever it makes of the stream, it ends by itself, with or without an error, and is not killed by
# a signal.  Not gst-launch: that of 1.22 may hang itself when a pipeline is not negotiated.
survives() {
	local status=0
	timeout -k 5 90 "$compare" "filesrc location=$2 ! $(chain_of "${3:-h264}")" "videotestsrc num-buffers=1" \
		>/tmp/robust-$$ 2>&1 || status=$?
	case $status in
	0 | 1 | 2)
		if grep -q 'no frame within' /tmp/robust-$$; then
			echo "not ok $1: it hangs"
		elif grep -qi critical /tmp/robust-$$; then
			echo "not ok $1: $(grep -i -m1 critical /tmp/robust-$$)"
		else
			echo "ok $1"
		fi
		;;
	124 | 137) echo "not ok $1: it hangs" ;;
	*) echo "not ok $1: status $status" ;;
	esac
	rm -f /tmp/robust-$$
}

refused() {
	local out status=0
	out=$(timeout -k 5 60 "$compare" "filesrc location=$2 ! h264parse ! dmaresvh264dec" "videotestsrc num-buffers=1" 2>&1) || status=$?
	if [ "$status" = 2 ] && printf '%s' "$out" | grep -q '^first pipeline: .*:'; then
		echo "ok refused: $1"
	else
		echo "not ok refused: $1: status $status: $out"
	fi
}
refused "4:4:4" "$streams/yuv444.h264"

# our own: cut off, bits flipped (the same ones each time), no key frame
tmp=$(mktemp -d)
head -c 20000 "$streams/bframes.h264" >"$tmp/cut"
survives "cut off" "$tmp/cut"
tail -c 40000 "$streams/bframes.h264" >"$tmp/nokey"
survives "no key frame" "$tmp/nokey"
for seed in 1 2 3 4 5 6; do
	awk -v seed="$seed" 'BEGIN { srand(seed); for (i = 0; i < 40; i++) print int(rand() * 60000), int(rand() * 256) }' |
		{
			cp "$streams/base.h264" "$tmp/flip"
			while read -r at value; do
				printf "\\x$(printf %x "$value")" | dd of="$tmp/flip" bs=1 seek="$at" conv=notrunc status=none
			done
		}
	survives "bytes overwritten, seed $seed" "$tmp/flip"
done
rm -rf "$tmp"
exit 0
