# SPDX-License-Identifier: LGPL-2.1-or-later
# For vectors.sh: a folder of streams without a MANIFEST.tsv, such as the official suites' or Fluster's resources.

# codec_of FILE: by what is in it, as ".bit" may be anything
codec_of() {
	local head
	head=$(head -c 4096 "$1" | od -An -v -tx1 | tr -d ' \n')
	case $head in
	444b4946????????56503830*) echo vp8; return ;;
	444b4946????????56503930*) echo vp9; return ;;
	*565f565039*) echo vp9; return ;; # V_VP9
	*565f565038*) echo vp8; return ;;
	esac
	case $1 in
	*.mp4 | *.mov | *.mkv)
		if grep -qaE 'hvc1|hev1|V_MPEGH' "$1"; then echo hevc; else echo h264; fi
		return ;;
	esac
	case $head in
	*000001b3*) echo mpeg2 ;;
	# a VPS, SPS, PPS, access unit delimiter or SEI of HEVC has the layer and temporal ids 0 and 0
	0000014[0246e]01* | 000000014[0246e]01*) echo hevc ;;
	000001* | 00000000*) echo h264 ;;
	*00000001*) echo h264 ;;
	esac
}

# sums_of FILE: the file of checksums that belongs to it
sums_of() {
	local base=${1%.*} dir=${1%/*} f
	for f in "$1.md5" "$base.md5" "${base}_yuv.md5" "$base.yuv.md5" "${base}.yuv_md5" "$dir"/*_yuv.md5 "$dir"/*.md5; do
		[ -f "$f" ] || continue
		# those with a star belong to the stream if it is alone in its folder
		case $f in "$base"* | "$1"*) ;; *) [ "$(find "$dir" -maxdepth 1 -name '*.md5' | wc -l)" = 1 ] || continue ;; esac
		echo "$f"
		return
	done
}

# fluster_of FILE: the result that a Fluster suite (any *.json of the folder) names for this input file
fluster_of() {
	find . -maxdepth 3 -name '*.json' -exec cat {} + 2>/dev/null | awk -v file="${1##*/}" -F'"' '
		$2 == "input_file" { n = split($4, part, "/"); hit = part[n] == file }
		$2 == "result" && hit { print tolower($4); exit }'
}

# PATH, codec, MD5 of all frames, file of the MD5 of each (or nothing)
list_folder() {
	local f codec md5 sums list
	find . -type f ! -name '*.md5' ! -name '*.yuv' ! -name '*.json' ! -name '*.txt' ! -name '*.zip' ! -name '*.pdf' \
		-size +0 -regextype posix-extended -iregex \
		'.*\.(264|h264|avc|jsv|jvt|26l|265|h265|hevc|bit|bits|bin|ivf|webm|mkv|mp4|mov|m2v|mpv|mpg|ts)' -printf '%P\n' |
		sort | while read -r f; do
		codec=$(codec_of "$f")
		[ -n "$codec" ] || { echo "skip $f: not a stream of a codec that is known" >&3; continue; }
		md5=$(fluster_of "$f") sums=
		if [ -z "$md5" ]; then
			list=$(sums_of "$f")
			if [ -n "$list" ]; then
				md5=$(grep -aoiE '\b[0-9a-f]{32}\b' "$list" | head -n 1 | tr A-F a-f)
				[ "$(grep -acE '^[0-9a-f]{32}' "$list")" -le 1 ] || sums=$list
			elif [ -f "${f%.*}.yuv" ]; then
				md5=$(md5sum "${f%.*}.yuv" | cut -d' ' -f1)
			fi
		fi
		[ -n "$md5" ] || { echo "skip $f: no MD5 beside it" >&3; continue; }
		printf '%s\t%s\t%s\t%s\n' "$f" "$codec" "$md5" "$sums"
	done
}
exec 3>&1
