#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# implicit.sh OBJECTS CASE STREAMS OTHER-STREAMS KERNEL: cases of the suite implicit-sync.
#
# Lines "ok ..." and "not ok ..." are findings, lines "figure TEXT: VALUE" go into the table.
obj=$1 case=$2 S=$3 streams=$4 kernel=$5
reader=$obj/tests/implicit/implicit-reader cases=$obj/tests/implicit/implicit-cases
compare=$obj/tools/dmaresv-compare
export GST_DEBUG_NO_COLOR=1
# virtual time has coarse timers for its first 10 ms
sleep 0.1
ok() { echo "ok $kernel: $1"; }
not_ok() { echo "not ok $kernel: $1: $2"; }
figure() { echo "figure $kernel | $1 | $2"; }

source="filesrc location=$S/thousand.h264 ! h264parse"
BGRX="video/x-raw(ANY),format=BGRx"

# tear WANTED NAME PIPELINE: 1,000 frames read for 100 ms each; WANTED is some or none
tear() {
	local out wanted=$1 name=$2 n all
	out=$(timeout -k 5 200 "$reader" --hold 100 "$3")
	read -r _ all _ n _ <<<"$out"
	[ "$all" = 1000 ] || { not_ok "$name" "${out:-no answer}"; return; }
	figure "$name" "$n of $all overwritten while read"
	case $wanted in
	none) [ "$n" = 0 ] && ok "$name: none overwritten while read" || not_ok "$name" "$n of $all overwritten while read" ;;
	some) [ "$n" -gt 0 ] && ok "$name: the test sees overwritten frames" || not_ok "$name" "the test sees nothing" ;;
	esac
}

# matches WANTED NAME EARLY PIPELINE REFERENCE: how many frames match; EARLY: at least so many must leave early
matches() {
	local out wanted=$1 name=$2 least=$3 n all early
	out=$(timeout -k 5 300 "$compare" --stats "$4" "$5" 2>&1)
	read -r n all <<<"$(sed -nE 's/.* ([0-9]+) of ([0-9]+) frames match.*/\1 \2/p' <<<"$out")"
	early=$(sed -nE 's/^dec: .*frames-early=\(guint64\)([0-9]+).*/\1/p' <<<"$out")
	[ -n "$all" ] && [ "$all" -gt 0 ] || { not_ok "$name" "$out"; return; }
	figure "$name" "$((all - n)) of $all wrong, $early left the decoder early"
	[ "${early:-0}" -ge "$least" ] || not_ok "$name" "$early frames left early, $least at least"
	case $wanted in
	right) [ "$n" = "$all" ] && ok "$name: all right" || not_ok "$name" "$n of $all match: $out" ;;
	wrong) [ "$n" -lt "$all" ] && ok "$name: the test sees wrong frames" || not_ok "$name" "the test sees nothing" ;;
	esac
}

# looks PIPELINE: a kernel without fences is looked at every ms of 20 for eight pictures, and then no more
looks() {
	local n
	n=$(env -u GST_DMARESV_TEST_UNPROVEN GST_DEBUG=dmaresvv4l2:6 timeout -k 5 100 gst-launch-1.0 -q $1 2>&1 |
		grep -c 'a CAPTURE buffer: timed out')
	[ "$n" -ge 8 ] && [ "$n" -le 160 ] && ok "nobody goes on looking for fences where there are none" ||
		not_ok "nobody goes on looking for fences where there are none" "looked $n times"
}

wait_fences() { echo "$1" >/sys/module/videobuf2_common/parameters/wait_fences; }

case $case in
tearing)
	tear none "dmaresvh264dec" "$source ! dmaresvh264dec name=last"
	tear none "dmaresvh264dec ! rgaconvert" "$source ! dmaresvh264dec ! rgaconvert name=last ! $BGRX"
	if [ "$kernel" = stock ]; then
		tear some "v4l2slh264dec" "$source ! v4l2slh264dec"
	else
		tear none "v4l2slh264dec, the kernel waits" "$source ! v4l2slh264dec"
		wait_fences N
		tear some "v4l2slh264dec, wait_fences=N" "$source ! v4l2slh264dec"
		tear none "dmaresvh264dec, wait_fences=N" "$source ! dmaresvh264dec hand-over=early name=last"
		tear none "dmaresvh264dec ! rgaconvert, wait_fences=N" \
			"$source ! dmaresvh264dec ! rgaconvert name=last hand-over=early ! $BGRX"
		wait_fences Y
	fi
	;;
acquire)
	# decoding takes 20 ms: an early frame is read while it is decoded, unless somebody waits
	want=right least=1
	if [ "$kernel" = stock ]; then
		want=wrong least=0
		export GST_DMARESV_TEST_UNPROVEN=1
	else
		wait_fences N
	fi
	for name in base bframes slices; do
		parse="filesrc location=$streams/$name.h264 ! h264parse"
		matches $want "early into the RGA ($name), userspace waits" $least \
			"$parse ! dmaresvh264dec name=dec hand-over=early ! queue ! rgaconvert hand-over=early ! video/x-raw(ANY),format=I420" \
			"$parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420"
		[ "$kernel" = stock ] && break
	done
	parse="filesrc location=$streams/base.h264 ! h264parse"
	[ "$kernel" = stock ] && looks "$parse ! dmaresvh264dec hand-over=early ! fakesink"
	matches $want "early into a CPU mapping" $least \
		"$parse ! dmaresvh264dec name=dec hand-over=early ! queue" \
		"$parse ! avdec_h264 ! videoconvert ! video/x-raw,format=NV12"
	;;
busy)
	# another context has the hardware most of the time
	(while :; do gst-launch-1.0 -q filesrc location="$S/thousand.h264" ! h264parse ! v4l2slh264dec ! fakesink; done) >&2 2>&1 &
	other=$!
	sleep 0.5
	matches right "busy hardware: 1,000 frames into the RGA" 500 \
		"$source ! dmaresvh264dec name=dec hand-over=early ! queue ! rgaconvert hand-over=early ! video/x-raw(ANY),format=I420" \
		"$source ! avdec_h264 ! videoconvert ! video/x-raw,format=I420"
	# without proof it goes wrong: what waits behind the other's jobs looks finished
	GST_DMARESV_TEST_UNPROVEN=1 matches wrong "busy hardware: 50 frames, handed over unproven" 1 \
		"filesrc location=$streams/bframes.h264 ! h264parse ! dmaresvh264dec name=dec hand-over=early ! queue ! rgaconvert hand-over=early ! video/x-raw(ANY),format=I420" \
		"filesrc location=$streams/bframes.h264 ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420"
	kill "$other"
	;;
error | lost)
	timeout -k 5 100 "$cases" "$case" "$streams/intra.h264" | sed "s/^\(ok\|not ok\) /\1 $kernel: /"
	;;
storm)
	log=$(mktemp)
	begin=$SECONDS
	GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_FILE=$log timeout -k 5 400 "$cases" storm "$streams/seek.mp4" ||
		not_ok storm "status $?"
	grep -q 'object-alive.class' "$log" || not_ok "leaks" "the tracer says nothing"
	alive=$(grep -c 'object-alive, type-name=(string)Gst' "$log")
	[ "$alive" = 0 ] && ok "no object is left" || not_ok "no object is left" "$alive: $(grep -m1 'object-alive, ' "$log")"
	rm -f "$log"
	;;
play)
	# in one boot for each row of the table: the silicon's job log is of one boot
	timeout -k 5 100 "$cases" play "$6"
	;;
esac
exit 0
