#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# compliance.sh KNOWN-FAILURES: one line for each test of v4l2-compliance on each video node.
known=$1
echo "# $(v4l2-compliance --version | head -n 1)"
for node in /dev/video*; do
	card=$(v4l2-ctl -d "$node" --info | sed -n 's/.*Card type *: //p' | head -n 1)
	v4l2-compliance -d "$node" >/tmp/compliance-$$ 2>&1
	cat /tmp/compliance-$$ >&2
	while IFS=$'\t' read -r test result; do
		if [ "$result" = FAIL ]; then
			reason=$(awk -F'\t' -v c="$card" -v t="$test" '$1 == c && $2 == t { print $3 }' "$known")
			if [ -n "$reason" ]; then
				echo "# $card: $test fails as in stock drivers: $reason"
				echo "ok compliance: $card: $test fails as known"
			else
				echo "not ok compliance: $card: $test: it fails"
			fi
		else
			echo "ok compliance: $card: $test"
		fi
	done < <(sed -nE 's/^[[:blank:]]*test (.*): (OK|FAIL).*/\1\t\2/p' /tmp/compliance-$$)
	grep -q '^Total for' /tmp/compliance-$$ || echo "not ok compliance: $card: v4l2-compliance did not finish"
done
rm -f /tmp/compliance-$$
