#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vectors.sh OBJECTS FOLDER: decodes every stream of a folder and compares videocodectestsink's MD5
# of all frames, in their order, and their number with the reference.  Every stream is decoded; what
# is "not supported" was refused by the element, and says why.
#
# A folder has a MANIFEST.tsv, or else streams with checksums beside them (see docs/testing.md).
#   VECTOR_FILTER=TEXT    only paths with TEXT in them
#   VECTOR_CODECS="C..."  only these codecs
#   VECTOR_DECODER=NAME   another element in place of ours, such as v4l2slh264dec
#   VECTOR_TIMEOUT=S      seconds for one stream
set -u
here=$(dirname "$(readlink -f "$0")")
decode=$1/tests/check/decode timeout=${VECTOR_TIMEOUT:-120}
cd "$2" || exit 1
. "$here/vectors-lib.sh"

# A damaged stream: it ends by itself and in time, with or without an error.
robust() {
	case $how in
	eos | error) survived "$path" ;;
	*) fail "$path: $how"; said "$path" ;;
	esac
}

# Whether the stream ended as it should when the element refuses it: its caps, or by a message of its own.
is_refusal() {
	case $how,$text in
	error,*not-negotiated* | error,*not-linked* | error,dmaresv* | eos,dmaresv*) ;;
	*) return 1 ;;
	esac
}

# refused REASON
refused() {
	if [ "$md5_got" = "$md5" ]; then
		fail "$path: decodes right, though: $1"
	elif is_refusal; then
		unsupported "$path" "$1"
		echo "    $text" >&2
	else
		fail "$path: is not refused ($1), but: $how, $text"
		said "$path"
	fi
}

exact() {
	if [ "$how" = eos ] && [ "$md5_got" = "$md5" ] && { [ "$frames" = - ] || [ "$frames_got" = "$frames" ]; }; then
		pass "$path"
	else
		fail "$path: $how, $frames_got of $frames frames, MD5 $md5_got instead of $md5; $text"
		said "$path"
	fi
}

# A stream of a plain folder: what is refused before the first frame was found to be unsupported.
plain() {
	if [ "$how" = error ] && [ "$frames_got" = 0 ] && is_refusal; then
		case $text in
		dmaresv*) unsupported "$path" "$(sed 's/ (.*//' <<<"$text")" ;;
		*) unsupported "$path" "its caps are not accepted" ;;
		esac
	else
		exact
	fi
}

# per_frame FILE: libvpx's, one MD5 a frame; then $md5_got is wrong unless they are the same ones.
per_frame() {
	sed -nE 's/^([0-9a-f]{32}).*/\1/p' "$1" | cmp -s - /tmp/frames-$$ && md5_got=$md5
}

one_stream() {
	local why status=0 args=() line
	wanted "$path" "$codec" || return
	if ! have_decoder "$codec"; then
		echo "skip $path: there is no ${VECTOR_DECODER:-$(decoder_of "$codec")} here"
		return
	fi
	[ -z "${sums:-}" ] || args=(--frames /tmp/frames-$$)
	run_decode "${args[@]}" "$(pipeline_of "$codec" "$path" "$pixfmt" "$tags")" || status=$?
	judge "$out" "$status"
	[ -z "${sums:-}" ] || per_frame "$sums"
	case $expect in
	robust) robust ;;
	plain) plain ;;
	*) if why=$(reason_of); then refused "$why"; else exact; fi ;;
	esac
}

if [ -f MANIFEST.tsv ]; then
	while IFS=$'\t' read -r path codec notes width height frames md5 _ tags pixfmt _ expect _; do
		[ "$path" = path ] || one_stream
	done <MANIFEST.tsv
else
	. "$here/vectors-folder.sh"
	notes=- width=- height=- frames=- tags=- pixfmt=- expect=plain
	while IFS=$'\t' read -r path codec md5 sums; do one_stream; done < <(list_folder)
fi
table
rm -f /tmp/decode-$$ /tmp/frames-$$
