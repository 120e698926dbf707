#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs test suites and counts: run-suites.sh TOP BUILD [--list | SUITE...]
#
# A suite is an executable tests/suites/NAME; it prints one line per test,
#   ok NAME            not ok NAME: REASON            skip NAME: REASON
# and whatever else to standard error. A suite that ends with another status
# than 0, or prints no test at all, has failed.
set -uo pipefail
TOP=$1 BUILD=$2
shift 2
export TOP BUILD
. "$TOP/virt/lib.sh"

all=$(cd "$TOP/tests/suites" && ls | grep -v '\.')
if [ "${1:-}" = --list ]; then
	for s in $all; do
		printf '%-12s %s\n' "$s" "$(sed -n 's/^# Suite: //p' "$TOP/tests/suites/$s")"
	done
	exit 0
fi
passed=0 failed=0 skipped=0
[ $# -gt 0 ] || set -- $all
for suite in "$@"; do
	script=$TOP/tests/suites/$suite
	[ -x "$script" ] || die "no such suite: $suite (./dev test --list)"
	log=$BUILD/tests/$suite
	mkdir -p "$BUILD/tests"
	begin=$SECONDS
	printf '== %s: %s\n' "$suite" "$(sed -n 's/^# Suite: //p' "$script")"
	status=0
	"$script" >"$log.tap" 2>"$log.log" </dev/null || status=$?
	p=$(grep -c '^ok ' "$log.tap")
	f=$(grep -c '^not ok ' "$log.tap")
	s=$(grep -c '^skip ' "$log.tap")
	grep -E '^(not ok|skip|#) ' "$log.tap"
	if [ "$status" != 0 ] || [ $((p + f + s)) = 0 ]; then
		if [ "$status" = 0 ]; then
			printf 'not ok %s: it ran no test\n' "$suite"
		else
			printf 'not ok %s: the suite ended with status %d; the end of %s:\n' "$suite" "$status" "$log.log"
		fi
		f=$((f + 1))
	fi
	[ "$f" = 0 ] || tail -n 40 "$log.log" | sed 's/^/    | /'
	printf '   %s: %d passed, %d failed, %d skipped in %d s\n' "$suite" "$p" "$f" "$s" $((SECONDS - begin))
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
