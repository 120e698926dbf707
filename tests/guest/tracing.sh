#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tracing.sh CASE TOP STREAMS: cases of the suite tracing. STREAMS has N.h264: base.h264, N times.
case=$1 TOP=$2 S=$3
. "$TOP/tests/suites/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
BGRX="video/x-raw(ANY),format=BGRx"
FRAMES=40 # of base.h264
# percent; what tells events is two thirds, as the pipelines show that always take the same way
LIMIT=2 LIMIT_OWN=1.3

# instructions NAME N ELEMENT...: of all the process in user space; leaves $work/NAME for callgrind_annotate
instructions() {
	local name=$1 stream=$S/$2.h264
	shift 2
	valgrind --tool=callgrind --callgrind-out-file="$work/$name" --quiet \
		gst-launch-1.0 -q filesrc location="$stream" ! h264parse ! "$@" >"$work/$name.log" 2>&1 || cat "$work/$name.log" >&2
	sed -n 's/^totals: //p' "$work/$name"
}

# in_emit NAME: how many of them tell events, with what that calls
in_emit() {
	callgrind_annotate --auto=no --inclusive=yes --threshold=100 "$work/$1" |
		awk '/:gst_dmaresv_trace_emit / { gsub(",", "", $1); print $1; exit }'
}

# cost HOW NAME ELEMENT...: what a further frame costs, traced and not. HOW: all counts all instructions.
# own counts only those that tell events: where jobs take no time, a pipeline asks for buffers more or
# less often in vain, each of which costs 3,000.
cost() {
	local how=$1 name=$2 off on own figures limit=$LIMIT
	shift 2
	[ "$how" = all ] || limit=$LIMIT_OWN
	off="$(instructions off1 1 "$@") $(instructions off4 4 "$@")"
	if grep -q 'gst_dmaresv_trace_emit' "$work/off4"; then not_ok "off: $name" "events are told"; else ok "off: $name"; fi
	export GST_TRACERS="dmaresv(file=$work/trace)"
	on="$(instructions on1 1 "$@") $(instructions on4 4 "$@")"
	unset GST_TRACERS
	own="$(in_emit on1) $(in_emit on4)"
	figures=$(awk -v limit=$limit -v how="$how" -v n=$((3 * FRAMES)) -v off="$off" -v on="$on" -v own="$own" 'BEGIN {
		if (split(off, a) + split(on, b) + split(own, c) != 6) exit
		frame = (a[2] - a[1]) / n; more = ((b[2] - b[1]) - (a[2] - a[1])) / n; emit = (c[2] - c[1]) / n
		cost = 100 * (how == "all" ? more : emit) / frame
		good = frame > 10000 && emit > 100 && cost < limit
		printf "%s %d instructions a frame, tracing %+.2f %%", good ? "ok" : "bad", frame, 100 * more / frame
		printf " (telling events: %d, %.2f %%); the whole run %+.2f %%\n", emit, 100 * emit / frame, 100 * (b[2] / a[2] - 1)
	}')
	echo "figure $name | ${figures#* }"
	case $figures in
	ok*) ok "cost: $name" ;;
	*) not_ok "cost: $name" "${figures:-no figures: $off, $on, $own}, less than $limit % wanted" ;;
	esac
}

case $case in
all | own)
	# the first process of a boot looks at all the plugins
	gst-launch-1.0 -q filesrc location="$S/1.h264" ! h264parse ! dmaresvh264dec ! fakesink >&2
	cost "$case" "${4}decoder" dmaresvh264dec ! fakesink
	cost "$case" "${4}decoder, converter" dmaresvh264dec ! rgaconvert ! "$BGRX" ! fakesink
	cost "$case" "${4}decoder, queue, converter" dmaresvh264dec ! queue ! rgaconvert ! "$BGRX" ! fakesink
	;;
killed)
	# what is in the file when the process gets no chance to write it
	GST_TRACERS="dmaresv(file=$work/trace)" gst-launch-1.0 -q filesrc location="$S/4.h264" ! h264parse ! \
		dmaresvh264dec ! fakesink sync=true &
	sleep 3
	read -r now _ </proc/uptime
	kill -KILL $!
	wait $! 2>/dev/null
	missing=$(python3 - "$TOP/tools/dmaresv-timeline" "$work/trace" "$now" <<-'TEXT'
		import runpy, sys
		tool = runpy.run_path(sys.argv[1])
		trace = tool['parse_file'](tool['read'](sys.argv[2]))
		if len(trace.events) > 100 and not trace.broken:
		    print(round(float(sys.argv[3]) * 1000 - trace.events[-1]['ts'] / 1e6))
	TEXT
	)
	echo "figure killed | the file lacks the last ${missing:-?} ms"
	if [ -n "$missing" ] && [ "$missing" -lt 350 ]; then ok "killed"; else not_ok "killed" "${missing:-?} ms are missing"; fi
	check "killed: the tool reads the file" "$TOP/tools/dmaresv-timeline" "$work/trace" -o "$work/page.html"
	;;
esac
exit 0
