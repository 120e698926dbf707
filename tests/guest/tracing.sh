#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tracing.sh CASE TOP STREAMS: cases of the suite tracing. STREAMS has N.h264: base.h264, N times.
case=$1 TOP=$2 S=$3
. "$TOP/tests/suites/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
BGRX="video/x-raw(ANY),format=BGRx"
FRAMES=40 # of base.h264
# percent; what tells events is seven tenths, as those pipelines show which always take the same way
LIMIT=2 LIMIT_OWN=1.4

# instructions NAME N ELEMENT...: of all the process in user space, and those of the C library's allocator,
# whose way through its lists depends on where the first object happened to be; then those that tell
# events, with all that they call.
instructions() {
	local name=$1 stream=$S/$2.h264
	shift 2
	valgrind --tool=callgrind --callgrind-out-file="$work/$name" --quiet \
		gst-launch-1.0 -q filesrc location="$stream" ! h264parse ! "$@" >"$work/$name.log" 2>&1 || cat "$work/$name.log" >&2
	annotate "$name" no | awk '/PROGRAM TOTALS/ { all = $1 }
		/:(malloc|calloc|realloc|free|_int_(malloc|free|realloc).*|malloc_consolidate|unlink_chunk.*|sysmalloc|systrim.*|__malloc_arena_thread_freeres|tcache_.*) \[/ { heap += $1 }
		END { printf "%d %d ", all, heap }'
	annotate "$name" yes | awk '/:gst_dmaresv_trace_emit / { emit = $1; exit } END { print emit + 0 }'
}

annotate() { callgrind_annotate --auto=no --inclusive="$2" --threshold=100 "$work/$1" | sed -E ':a; s/^( *[0-9]+),/\1/; ta'; }

# cost HOW NAME ELEMENT...: what a further frame costs, traced and not. HOW: all counts all instructions.
# own counts only those that tell events, as a part of the same run's: where jobs take no time, a pipeline
# asks for buffers more or less often in vain, each of which costs 3,000.
cost() {
	local how=$1 name=$2 off on figures
	shift 2
	off="$(instructions off1 1 "$@") $(instructions off4 4 "$@")"
	if grep -q 'gst_dmaresv_trace_emit' "$work/off4"; then not_ok "off: $name" "events are told"; else ok "off: $name"; fi
	export GST_TRACERS="dmaresv(file=$work/trace)"
	on="$(instructions on1 1 "$@") $(instructions on4 4 "$@")"
	unset GST_TRACERS
	figures=$(awk -v limit=$LIMIT -v limit_own=$LIMIT_OWN -v how="$how" -v n=$((3 * FRAMES)) -v off="$off" -v on="$on" 'BEGIN {
		# all, heap, emit of the short run; then of the long one
		if (split(off, a) != 6 || split(on, b) != 6) exit
		frame = (a[4] - a[1]) / n; heap = ((b[5] - b[2]) - (a[5] - a[2])) / n
		more = ((b[4] - b[1]) - (a[4] - a[1])) / n - heap; emit = (b[6] - b[3]) / n
		if (how == "own") frame = (b[4] - b[1]) / n
		good = frame > 10000 && emit > 100 && 100 * emit / frame < limit_own
		if (how == "all") good = good && more > emit && 100 * more / frame < limit
		printf "%s %d instructions a frame, ", good ? "ok" : "bad", frame
		if (how == "all") printf "tracing %+.2f %% (and %+.2f %% in the heap), ", 100 * more / frame, 100 * heap / frame
		printf "telling events %+.2f %%; the whole run %+.2f %%\n", 100 * emit / frame, 100 * (b[4] / a[4] - 1)
	}')
	echo "figure $name | ${figures#* }"
	case $figures in
	ok*) ok "cost: $name" ;;
	*) not_ok "cost: $name" "${figures:-no figures: $off, $on}; wanted: less than $LIMIT %, for telling events $LIMIT_OWN %" ;;
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
