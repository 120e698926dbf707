#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fluster.sh TOP BUILD FOLDER RELEASE: Fluster in FOLDER/python runs the suites in FOLDER/suites, each with our decoder.
TOP=$1 BUILD=$2 folder=$3 release=$4
. "$TOP/tests/suites/lib.sh"
export PYTHONPATH=$folder/python PYTHONDONTWRITEBYTECODE=1

fluster() {
	timeout -k 5 120 python3 -c 'from fluster.main import Main; Main().run()' -ne -tsd "$folder/suites" \
		-r "$folder/resources" -o /tmp/fluster-out "$@" 2>&1
}

# decoders_of SUITE: by the codec that it names
decoder_of() {
	local codec
	codec=$(sed -n 's/.*"codec": "\(.*\)".*/\1/p' "$1")
	sed -n "s/^ *\(GStreamer-$codec-DmaResv[^:]*\):.*/\1/p" <<<"$list"
}

python3 -c 'from fluster.codec import Codec; Codec.MPEG2_VIDEO' 2>/dev/null || rm "$folder/suites/mpeg2.json"
list=$(fluster list -c)
printf '%s\n' "$list" | grep DmaResv >&2
for suite in "$folder"/suites/*.json; do
	name=$(basename "$suite" .json) decoder=$(decoder_of "$suite")
	[ -n "$decoder" ] || { not_ok "$release: $name" "Fluster lists no decoder of ours for it"; continue; }
	if grep -F "$decoder:" <<<"$list" | grep -q 'OK$'; then
		ok "$release: $decoder is found to run"
	else
		not_ok "$release: $decoder is found to run" "$(grep -F "$decoder:" <<<"$list")"
	fi
	out=$(fluster run -j 1 -t 100 -ts "$name" -d "$decoder")
	printf '%s\n' "$out" >&2
	wanted=Success
	[ "$name" != wrong ] || wanted=Fail
	while read -r vector; do
		got=$(sed -nE "s/^\[$name *\] \($decoder *\) $vector +\.\.\. (\w+).*/\1/p" <<<"$out")
		if [ "$got" = $wanted ]; then ok "$release: $name/$vector"; else not_ok "$release: $name/$vector" "${got:-no result}"; fi
	done < <(sed -n 's/^            "name": "\(.*\)",/\1/p' "$suite")
done
