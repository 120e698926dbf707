#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vectors-pairs.sh OBJECTS FOLDER: the streams of a MANIFEST.tsv, two at a time: each with one of the
# same codec, then each with one of another codec; in turn as two pipelines of one process and as two
# processes.  Both have to be right to the last bit.  What is damaged or not supported is left out.
set -u
here=$(dirname "$(readlink -f "$0")")
decode=$1/tests/check/decode timeout=${VECTOR_TIMEOUT:-240}
cd "$2" || exit 1
. "$here/vectors-lib.sh"

# right LINE STATUS FRAMES MD5
right() {
	judge "$1" "$2"
	[ "$how" = eos ] && [ "$md5_got" = "$4" ] && { [ "$3" = - ] || [ "$frames_got" = "$3" ]; }
}

declare -A md5_of=() frames_of=() codec_of=() description_of=()
turn=0
# pair A B
pair() {
	local codec="${codec_of[$1]}+${codec_of[$2]}" name="$1 + $2" one two status=0 status2=0 kind out1 pid
	turn=$((turn + 1))
	[ "${codec_of[$1]}" != "${codec_of[$2]}" ] || codec=${codec_of[$1]}
	if [ $((turn % 2)) = 0 ]; then
		kind="one process"
		run_decode "${description_of[$1]}" "${description_of[$2]}" || status=$?
		status2=$status
		one=$(sed -n 1p <<<"$out") two=$(sed -n 2p <<<"$out")
	else
		kind="two processes"
		timeout -k 5 "$timeout" "$decode" --timeout $((timeout - 5)) "${description_of[$1]}" \
			>/tmp/first-$$ 2>&1 &
		pid=$!
		run_decode "${description_of[$2]}" || status2=$?
		wait $pid || status=$?
		out1=$(</tmp/first-$$) two=$out
		one=$(tail -n 1 <<<"$out1") out="$out1"$'\n'"$two"
	fi
	if right "$one" $status "${frames_of[$1]}" "${md5_of[$1]}" && right "$two" $status2 "${frames_of[$2]}" "${md5_of[$2]}"; then
		pass "$kind: $name"
	else
		fail "$kind: $name: $how, $frames_got frames, $md5_got, $text"
		said "$name"
	fi
}

declare -A list=()
while IFS=$'\t' read -r path codec notes width height frames md5 _ tags pixfmt _ expect _; do
	[ "$path" != path ] && [ "$expect" != robust ] && wanted "$path" "$codec" || continue
	reason_of >/dev/null && continue
	have_decoder "$codec" || { echo "skip $path: there is no $(decoder_of "$codec") here"; continue; }
	md5_of[$path]=$md5 frames_of[$path]=$frames codec_of[$path]=$codec
	description_of[$path]=$(pipeline_of "$codec" "$path" "$pixfmt" "$tags")
	list[$codec]+="$path"$'\n'
done <MANIFEST.tsv

# of the same codec; an odd one out goes with the first
mixed=()
for codec in h264 hevc vp9 vp8 mpeg2; do
	readarray -t paths < <(printf %s "${list[$codec]:-}")
	[ ${#paths[@]} = 0 ] && continue
	for ((i = 0; i < ${#paths[@]}; i += 2)); do pair "${paths[i]}" "${paths[i + 1]:-${paths[0]}}"; done
	mixed+=("$codec")
done
# of two codecs: the longest list against the others, one after the other
[ ${#mixed[@]} -gt 1 ] || { table; exit 0; }
for ((c = 0; c < ${#mixed[@]}; c++)); do
	a=${mixed[c]} b=${mixed[(c + 1) % ${#mixed[@]}]}
	[ ${#mixed[@]} -gt 2 ] || [ "$c" = 0 ] || break
	readarray -t first < <(printf %s "${list[$a]}")
	readarray -t second < <(printf %s "${list[$b]}")
	# half of each: the other half meets the codec on the other side
	for ((i = c % 2; i < ${#first[@]}; i += 2)); do pair "${first[i]}" "${second[i % ${#second[@]}]}"; done
done
table
rm -f /tmp/decode-$$ /tmp/first-$$
