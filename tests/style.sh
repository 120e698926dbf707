#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# style.sh [--fix]: GStreamer's C style (GNU indent, see .indent.pro) for the plugin's
# sources; prints one line a file. virt/ and tests/kernel/ are in the kernel's style.
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
git ls-files --cached --others --exclude-standard 'gst/*.c' 'ext/*.c' 'tools/*.c' 'tests/*.c' ':!tests/kernel' | while read -r f; do
	# a second pass settles what the first has moved
	indent -o "$tmp/1.c" "$f" 2>/dev/null && indent -o "$tmp/2.c" "$tmp/1.c" 2>/dev/null
	if cmp -s "$f" "$tmp/2.c"; then
		echo "ok style: $f"
	elif [ "${1:-}" = --fix ]; then
		cat "$tmp/2.c" >"$f"
		echo "# formatted: $f"
	else
		echo "not ok style: $f: $(diff "$f" "$tmp/2.c" | sed -n 1,2p | tr '\n' ' ') (tests/style.sh --fix)"
	fi
done
