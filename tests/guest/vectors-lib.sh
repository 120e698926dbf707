# SPDX-License-Identifier: LGPL-2.1-or-later
# For the suites of vectors: from a stream to a pipeline, to a result, and to a table at the end.
# Set before: decode (the program), here (this folder), timeout.

parser_of() {
	case $1 in
	h264) echo h264parse ;;
	hevc) echo h265parse ;;
	vp9) echo vp9parse ;;
	mpeg2) echo mpegvideoparse ;;
	vp8) echo identity ;;
	esac
}

decoder_of() {
	case $1 in
	hevc) echo dmaresvh265dec ;;
	*) echo "dmaresv$1dec" ;;
	esac
}

# What has to come before the parser.
source_of() {
	case $1 in
	*.mp4 | *.mov) echo "filesrc location=\"$1\" ! qtdemux" ;;
	*.ts) echo "filesrc location=\"$1\" ! tsdemux" ;;
	*.mpg) echo "filesrc location=\"$1\" ! mpegpsdemux" ;;
	*.mkv | *.webm) echo "filesrc location=\"$1\" ! matroskademux" ;;
	*.ivf | *.vp8) echo "filesrc location=\"$1\" ! ivfparse" ;;
	*) echo "filesrc location=\"$1\"" ;;
	esac
}

readarray -t parsed_twice < <(grep -v '^#' "$here/parsed-twice.tsv")

# parsers_of CODEC PATH: a parser that loses the last picture to an error of its own comes twice: the first one then
# hands on each NAL unit by itself, and only the second collects access units.
parsers_of() {
	local rule parser
	parser=$(parser_of "$1")
	for rule in "${parsed_twice[@]}"; do
		# shellcheck disable=SC2053
		[[ $2 == ${rule%%$'\t'*} ]] || continue
		echo "$parser ! capsfilter caps=video/x-$1,stream-format=byte-stream,alignment=nal ! $parser"
		return
	done
	echo "$parser"
}

# pipeline_of CODEC PATH [PIXFMT [TAGS]]
# The sink knows no packed format of 10 bits, and no NV16: to these they convert without loss. A stream that nothing is
# known of ("-") may be one of them, and if not passes as it is.
pipeline_of() {
	local unpack=
	case ${3:-},${4:-} in
	*10le,* | *422p,* | *bitdepth-change* | -,-)
		unpack=" ! videoconvert dither=none chroma-mode=none ! video/x-raw,format={NV12,GRAY8,I420_10LE,Y42B,I422_10LE}" ;;
	esac
	echo "$(source_of "$2") ! $(parsers_of "$1" "$2") ! ${VECTOR_DECODER:-$(decoder_of "$1")}$unpack"
}

declare -A missing=()
# have_decoder CODEC: asked once.
have_decoder() {
	[ -n "${missing[$1]:-}" ] ||
		missing[$1]=$(gst-inspect-1.0 "${VECTOR_DECODER:-$(decoder_of "$1")}" >/dev/null 2>&1 && echo no || echo yes)
	[ "${missing[$1]}" = no ]
}

# wanted PATH CODEC: VECTOR_FILTER and VECTOR_CODECS.
wanted() {
	# shellcheck disable=SC2254
	case $1 in *${VECTOR_FILTER:-}*) ;; *) return 1 ;; esac
	[ -z "${VECTOR_CODECS:-}" ] || [[ " $VECTOR_CODECS " == *" $2 "* ]]
}

rules=()
# "#" begins a remark
readarray -t rules < <(grep -v '^#' "$here/unsupported.tsv")

# reason_of: why the stream in path, codec, notes, width, height, tags, pixfmt is not decoded; fails if it is to be.
reason_of() {
	local rule c column pattern why value
	for rule in "${rules[@]}"; do
		IFS=$'\t' read -r c column pattern why <<<"$rule"
		[ "$c" = "$codec" ] || continue
		case $column in
		pixfmt) value=$pixfmt ;;
		profile) value=$notes ;;
		path) value=$path ;;
		width) value=$width ;;
		height) value=$height ;;
		tag) value=",$tags," pattern="*,$pattern,*" ;;
		*) echo "not ok unsupported.tsv: no such column: $column" >&2; continue ;;
		esac
		case $pattern in
		'<='*) [ "$value" != - ] && [ "$value" -le "${pattern#<=}" ] || continue ;;
		# shellcheck disable=SC2053
		*) [[ $value == $pattern ]] || continue ;;
		esac
		echo "$why"
		return 0
	done
	return 1
}

# run_decode ARG...: the program's lines to $out, its other output to the log; its status.
run_decode() {
	local status=0
	out=$(timeout -k 5 "$timeout" "$decode" --timeout $((timeout - 5)) "$@" 2>/tmp/decode-$$) || status=$?
	return $status
}
# The end of what the last run_decode said, for the log.
said() {
	printf '%s\n' "--- $1" "$out" >&2
	tail -n 15 /tmp/decode-$$ >&2
}

# judge LINE STATUS: sets how, frames_got, md5_got, text; how is eos, error, hang, crash or critical
judge() {
	local criticals
	IFS=$'\t' read -r how frames_got _ md5_got criticals text <<<"$1"
	[ "${criticals:-0}" = 0 ] || how=critical
	case $2 in
	0) [ -n "$how" ] || how=crash ;;
	124 | 137) how=hang ;;
	*) how=crash ;;
	esac
}

declare -A n_passed=() n_survived=() n_failed=() n_unsupported=() n_reason=()
# count HOW: passed, survived, failed or unsupported
count() {
	local -n count=n_$1
	count[$codec]=$((${count[$codec]:-0} + 1))
}
pass() { count passed; echo "ok $1"; }
# what is damaged, and did no harm
survived() { count survived; echo "ok $1"; }
fail() { count failed; echo "not ok $1"; }
# unsupported NAME REASON: refused as it should be
unsupported() {
	count unsupported
	n_reason["$codec: $2"]=$((${n_reason["$codec: $2"]:-0} + 1))
	echo "ok refused: $1"
}

table() {
	local c
	printf '# %-14s %7s %7s %14s %22s\n' codec passed failed "not supported" "damaged and survived"
	for c in $(printf '%s\n' "${!n_passed[@]}" "${!n_survived[@]}" "${!n_failed[@]}" "${!n_unsupported[@]}" | sort -u); do
		printf '# %-14s %7d %7d %14d %22d\n' "$c" "${n_passed[$c]:-0}" "${n_failed[$c]:-0}" \
			"${n_unsupported[$c]:-0}" "${n_survived[$c]:-0}"
	done
	[ ${#n_reason[@]} = 0 ] || echo "# not supported:"
	for c in "${!n_reason[@]}"; do printf '#   %3d %s\n' "${n_reason[$c]}" "$c"; done | sort -k3
}
