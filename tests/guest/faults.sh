#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# faults.sh OBJECTS CASE STREAM: one injected fault, and what must come of it.
obj=$1 case=$2 stream=$3
ok() { echo "ok $case: $1"; }
not_ok() { echo "not ok $case: $1: $2"; }
decode="filesrc location=$stream ! h264parse ! dmaresvh264dec"
case $stream in
*.h264) frames=$(gst-launch-1.0 -v filesrc location="$stream" ! h264parse ! avdec_h264 ! fakesink silent=false 2>&1 | grep -c 'chain  ') ;;
esac

# Buffers that reach a sink, with their flags.
show() { GST_DEBUG_NO_COLOR=1 timeout -k 2 "$1" gst-launch-1.0 -v $2 ! fakesink name=s silent=false 2>&1; }

case $case in
error | lost)
	# the driver gives up on the job (a lost one: after its watchdog's 2 s) and says so in the buffer
	begin=$SECONDS
	out=$(show 30 "$decode")
	took=$((SECONDS - begin))
	got=$(printf '%s\n' "$out" | grep -c 'chain  ')
	bad=$(printf '%s\n' "$out" | grep 'chain  ' | grep -c 'corrupted')
	[ "$got" = "$frames" ] && ok "the stream goes on" || not_ok "the stream goes on" "$got of $frames frames"
	[ "$bad" -ge 1 ] && ok "$bad frame(s) flagged CORRUPTED" || not_ok "flagged CORRUPTED" "none"
	[ "$took" -lt 15 ] && ok "bounded ($took s)" || not_ok "bounded" "$took s"
	;;
late)
	out=$(show 30 "$decode")
	got=$(printf '%s\n' "$out" | grep -c 'chain  ')
	bad=$(printf '%s\n' "$out" | grep 'chain  ' | grep -c 'corrupted')
	[ "$got/$bad" = "$frames/0" ] && ok "a late job is no error" || not_ok "a late job is no error" "$got frames, $bad corrupted"
	;;
rga-lost)
	GST_DEBUG_NO_COLOR=1 gst-launch-1.0 $decode ! rgaconvert ! "video/x-raw(ANY),format=BGRx" ! fakesink >/tmp/rga-lost-$$ 2>&1 &
	for i in $(seq 80); do grep -q '^ERROR' /tmp/rga-lost-$$ && break; sleep 0.1; done
	grep -q '^ERROR' /tmp/rga-lost-$$ && ok "an error after $((i / 10)) s: $(grep -m1 '^ERROR' /tmp/rga-lost-$$)" ||
		not_ok "a clear error after a bounded time" "$(tail -n 3 /tmp/rga-lost-$$)"
	rm -f /tmp/rga-lost-$$
	;;
vp9-counts)
	# symbol counts that got lost: the driver adapts to other probabilities than the stream's
	out=$(GST_DEBUG_NO_COLOR=1 timeout -k 2 30 gst-launch-1.0 -v filesrc location="$stream" ! matroskademux ! vp9parse ! \
		dmaresvvp9dec ! fakesink name=s silent=false 2>&1)
	bad=$(printf '%s\n' "$out" | grep 'chain  ' | grep -c 'corrupted')
	[ "$bad" -ge 1 ] && ok "$bad frame(s) flagged CORRUPTED" || not_ok "flagged CORRUPTED" "none"
	;;
rga-late)
	out=$(show 30 "$decode ! rgaconvert ! video/x-raw(ANY),format=BGRx")
	got=$(printf '%s\n' "$out" | grep -c 'chain  ')
	[ "$got" = "$frames" ] && ok "a late job is no error" || not_ok "a late job is no error" "$got of $frames frames"
	;;
esac
