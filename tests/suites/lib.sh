# SPDX-License-Identifier: LGPL-2.1-or-later
# For the suites; TOP and BUILD are set by run-suites.sh.
set -uo pipefail
HOST=$BUILD/host
STREAMS=$BUILD/streams
. "$TOP/virt/lib.sh"

ok() { printf 'ok %s\n' "$1"; }
not_ok() { printf 'not ok %s: %s\n' "$1" "$2"; }
skip() { printf 'skip %s: %s\n' "$1" "$2"; }

# check NAME CMD...: one test, by exit status.
check() {
	local name=$1 status=0
	shift
	"$@" >&2 || status=$?
	if [ "$status" = 0 ]; then ok "$name"; else not_ok "$name" "status $status: $*"; fi
}

# check_status NAME WANTED CMD...
check_status() {
	local name=$1 wanted=$2 status=0
	shift 2
	"$@" >&2 || status=$?
	if [ "$status" = "$wanted" ]; then ok "$name"; else not_ok "$name" "status $status instead of $wanted"; fi
}

make_streams() { "$TOP/tests/streams/make.sh" "$STREAMS"; }

# gst_check BINARY...: runs gst-check programs, one line per program's tests.
# What they skip they say themselves, in lines "SKIP: NAME: REASON".
gst_check() {
	local binary out status name checks bad
	for binary in "$@"; do
		name=$(basename "$binary")
		status=0
		out=$(timeout -k 5 "${CHECK_TIMEOUT:-600}" "$binary" 2>&1) || status=$?
		printf '%s\n' "$out" >&2
		printf '%s\n' "$out" | sed -n 's/^SKIP:* /skip /p'
		checks=$(printf '%s\n' "$out" | sed -n 's/.*Checks: \([0-9]*\),.*/\1/p' | awk '{ n += $1 } END { if (NR) print n }')
		bad=$(printf '%s\n' "$out" | sed -n 's/.*Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2/p' | awk '{ n += $1 + $2 } END { print n + 0 }')
		if [ -z "$checks" ]; then
			not_ok "$name" "ended with status $status before it counted"
			continue
		fi
		for i in $(seq $((checks - bad))); do ok "$name $i"; done
		[ "$bad" = 0 ] || printf '%s\n' "$out" | grep -aE ':[FE]:' | sed "s|^|not ok $name: |"
		[ "$bad" != 0 ] || [ "$status" = 0 ] || not_ok "$name" "status $status"
	done
}

# meson_tests FOLDER [OPTION...]: the suites that meson knows, one line each.
meson_tests() {
	local obj=$1
	shift
	H264_STREAMS=$STREAMS meson test -C "$obj" --no-rebuild --print-errorlogs "$@" >"$obj/tests.out" 2>&1
	cat "$obj/tests.out" >&2
	sed -nE 's/^ *[0-9]+\/[0-9]+ +(.*[^ ]) +(OK|EXPECTEDFAIL) .*/ok \1/p
		s/^ *[0-9]+\/[0-9]+ +(.*[^ ]) +SKIP .*/skip \1: it said so/p
		s/^ *[0-9]+\/[0-9]+ +(.*[^ ]) +(FAIL|TIMEOUT|ERROR|UNEXPECTEDPASS) .*/not ok \1: \2/p' "$obj/tests.out"
}

# in_guest [OPTION...] -- CMD...: in the virtual RK3399, on GStreamer of $DMARESV_ROOT.
in_guest() { "$TOP/dev" run ${DMARESV_ROOT:+--root "$DMARESV_ROOT"} --timeout "${GUEST_TIMEOUT:-900}" "$@"; }

# Where the guest finds what was built.
guest_build() {
	if [ -n "${DMARESV_ROOT:-}" ]; then echo "$(root_sources)-build"; else echo "$HOST"; fi
}
