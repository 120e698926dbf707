#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the test streams with Debian's encoders: make.sh FOLDER
# Small on purpose: the virtual machine decodes every one twice.
set -euo pipefail
out=$1
self=$(readlink -f "$0")
stamp=$(sha256sum <"$self" | cut -c1-16)
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
mkdir -p "$out"
rm -f "$out"/*

# encode NAME SIZE FRAMES X264-PARAMS [FFMPEG-OPTION...]
encode() {
	local name=$1 size=$2 frames=$3 params=$4
	shift 4
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=$size:rate=25" -frames:v "$frames" \
		-pix_fmt yuv420p -c:v libx264 -threads 1 "$@" -x264-params "$params" "$out/$name"
}

# a moving picture with detail, so that inter prediction has something to do
encode base.h264 320x240 40 "keyint=20:bframes=0" -profile:v baseline
encode bframes.h264 320x240 50 "keyint=25:bframes=3:b-pyramid=normal:ref=4:weightp=2" -profile:v high
encode main.h264 320x240 30 "bframes=2:weightb=1:direct=temporal:8x8dct=0" -profile:v main
encode cavlc.h264 176x144 30 "cabac=0:bframes=2:8x8dct=1" -profile:v high
encode slices.h264 320x240 30 "slices=5:bframes=2" -profile:v high
encode cqm.h264 320x240 20 "cqm=jvt:bframes=2" -profile:v high
encode refs16.h264 176x144 60 "ref=16:bframes=0:keyint=60" -profile:v high
encode intra.h264 176x144 10 "keyint=1" -profile:v high
encode refresh.h264 320x240 40 "intra-refresh=1:keyint=20:bframes=0" -profile:v high
encode lowdelay.h264 320x240 40 "bframes=0:rc-lookahead=0:sync-lookahead=0:sliced-threads=0:ref=1" \
	-tune zerolatency -profile:v high
encode odd.h264 178x146 20 "bframes=2" -profile:v high
encode crop.h264 320x240 20 "crop-rect=16,8,6,10:bframes=1" -profile:v high
# the reference for it: FFmpeg rounds the left edge unless told not to
ffmpeg -v error -nostdin -y -flags unaligned -i "$out/crop.h264" -pix_fmt yuv420p -f yuv4mpegpipe "$out/crop.y4m"
ffmpeg -v error -nostdin -flags unaligned -i "$out/crop.h264" -pix_fmt yuv420p -f md5 - >"$out/crop.md5"
encode hd.h264 1280x720 6 "bframes=1" -profile:v high
encode weightp.h264 320x240 30 "weightp=2:bframes=0:ref=3" -vf "fade=in:0:25" -profile:v high
encode fade-b.h264 320x240 30 "weightb=1:bframes=3:b-adapt=0" -vf "fade=in:0:25" -profile:v high

# the size changes in mid-stream, by an SPS of the same id
encode part-b.h264 176x144 10 "bframes=2" -profile:v high
encode part-a.h264 320x240 10 "bframes=2" -profile:v high
cat "$out/part-a.h264" "$out/part-b.h264" "$out/part-a.h264" >"$out/resize.h264"
rm "$out"/part-?.h264

# 10 bits, 4:2:2 and none: depth NAME PIXEL-FORMAT PROFILE X264-PARAMS
depth() {
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=178x146:rate=25" -frames:v 16 -pix_fmt "$2" \
		-c:v libx264 -threads 1 -profile:v "$3" -x264-params "$4" "${@:5}" "$out/$1"
}
depth high10.h264 yuv420p10le high10 "bframes=2:ref=4:weightp=2"
depth high422.h264 yuv422p high422 "bframes=2"
depth high422-10.h264 yuv422p10le high422 "bframes=2"
depth intra422-10.h264 yuv422p10le high422 "keyint=1:cabac=0"
depth mbaff422-10.h264 yuv422p10le high422 "tff=1:bframes=2:weightp=2:ref=4" -flags +ilme+ildct
depth gray.h264 gray high "bframes=2"
# the picture begins between two bytes of a line; its lines are as long as rawvideoparse expects
depth crop10.h264 yuv420p10le high10 "crop-rect=2,4,8,10:keyint=1"
ffmpeg -v error -nostdin -y -flags unaligned -i "$out/crop10.h264" -pix_fmt yuv420p10le -f rawvideo "$out/crop10.yuv"
depth crop422-10.h264 yuv422p10le high422 "crop-rect=2,3,8,9:keyint=1"
ffmpeg -v error -nostdin -y -flags unaligned -i "$out/crop422-10.h264" -f rawvideo "$out/crop422-10.yuv"
# from one format to the next and back, at key frames
cat "$out/high10.h264" "$out/high422-10.h264" "$out/high422.h264" "$out/high10.h264" >"$out/formats.h264"

# containers: avc with codec_data, seekable
encode seek.mp4 320x240 100 "keyint=25:bframes=2" -profile:v high
ffmpeg -v error -nostdin -y -i "$out/bframes.h264" -c copy "$out/avc.mp4" 2>/dev/null ||
	ffmpeg -v error -nostdin -y -fflags +genpts -r 25 -i "$out/bframes.h264" -c copy "$out/avc.mp4"

# interlaced (MBAFF): both orders of fields, both kinds of direct prediction and of entropy coding;
# the last has progressive frames in a sequence that allows fields
encode interlaced.h264 320x240 20 "tff=1:bframes=3:b-pyramid=normal:ref=4:weightp=2" -profile:v high -flags +ilme+ildct
encode mbaff-bff.h264 176x160 20 "bff=1:bframes=2:direct=temporal:slices=3:cabac=0:b-adapt=0:ref=5" -profile:v high \
	-flags +ilme+ildct
encode fake-interlaced.h264 178x148 15 "fake-interlaced=1:bframes=2:pic-struct=1" -profile:v main

# what must be refused with a clear error, not decoded wrong
ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=320x240:rate=25" -frames:v 5 \
	-pix_fmt yuv444p -c:v libx264 -profile:v high444 "$out/yuv444.h264"

# other NAME FFMPEG-OPTION...: the other codecs' streams
other() {
	local name=$1
	shift
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=${size:-320x240}:rate=25" -frames:v "${frames:-40}" \
		-pix_fmt yuv420p "$@" "$out/$name"
}

other altref.webm -c:v libvpx -b:v 300k -auto-alt-ref 1 -lag-in-frames 12 -deadline good -cpu-used 4
size=178x146 other odd.webm -c:v libvpx -b:v 200k -deadline realtime -cpu-used 5 -slices 4
other frames.m2v -c:v mpeg2video -q:v 4 -bf 2
other interlaced.m2v -c:v mpeg2video -q:v 4 -bf 2 -flags +ilme+ildct -alternate_scan 1 -intra_vlc 1 \
	-non_linear_quant 1 -qmax 28 -field_order tt
size=178x146 frames=20 other odd.m2v -c:v mpeg2video -q:v 4 -bf 2
hevc() { other "$1" -c:v libx265 -x265-params "log-level=none:pools=none:frame-threads=1:$2"; }
hevc wpp.h265 "wpp=1:bframes=3:keyint=20"
# several slices need --wpp, which needs a pool
other slices.h265 -c:v libx265 -x265-params "log-level=none:pools=1:frame-threads=1:slices=3:bframes=2:ctu=32"
hevc rasl.h265 "wpp=0:open-gop=1:keyint=10:bframes=4:b-pyramid=1:ref=4"
size=178x146 frames=20 hevc odd.h265 "scaling-list=default:bframes=2"
# Sequences that start without an IDR picture, and order counts (of 4 bits here) that start again with them: CRA
# pictures made BLA ones, after which POCs come back that 16 pictures before had; and CRA pictures after an end of
# sequence, with what they discard and what cannot be decoded.
size=176x144 hevc bla.h265 "open-gop=1:keyint=16:bframes=0:log2-max-poc-lsb=4:scenecut=0"
perl -0777 -pi -e 's/\x00\x00\x01\x2a\x01/\x00\x00\x01\x20\x01/g' "$out/bla.h265"
hevc eos.h265 "open-gop=1:keyint=9:bframes=4:ref=3:log2-max-poc-lsb=4"
perl -0777 -pi -e 's/(?<=.)(?=\x00\x00\x00\x01\x40\x01)/\x00\x00\x01\x48\x01/gs' "$out/eos.h265"
size=320x240 frames=40
ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=320x240:rate=25" -frames:v 20 -pix_fmt yuv420p10le \
	-c:v libx265 -x265-params "log-level=none:pools=none:frame-threads=1:bframes=3" "$out/main10.h265"

# the demo's clips
encode demo.mp4 640x480 60 "keyint=30:bframes=3" -profile:v high
size=640x480
other demo-hevc.mp4 -c:v libx265 -x265-params "log-level=none:pools=none:frame-threads=1:bframes=3"
other demo-vp9.webm -c:v libvpx-vp9 -b:v 1M -deadline realtime -cpu-used 5 -frame-parallel 0
other demo-vp8.webm -c:v libvpx -b:v 1M -deadline realtime -cpu-used 5 -auto-alt-ref 1
other demo-mpeg2.m2v -c:v mpeg2video -q:v 4 -bf 2

# VP9: hidden frames, several references; adaptation off; tiles; segmentation; odd size. FFmpeg
# turns backward adaptation off (frame-parallel) unless told not to.
vp9() {
	local name=$1 s=$2 n=$3
	shift 3
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=$s:rate=25" -frames:v "$n" -pix_fmt yuv420p \
		-c:v libvpx-vp9 -b:v 400k -threads 1 -deadline good -cpu-used 5 -frame-parallel 0 "$@" "$out/$name"
}
vp9 altref.vp9.webm 320x240 40 -auto-alt-ref 1 -lag-in-frames 16 -g 20
vp9 parallel.vp9.webm 320x240 20 -frame-parallel 1 -error-resilient 1
vp9 aq.vp9.webm 178x146 20 -aq-mode 3 -deadline realtime
vp9 tiles.vp9.webm 1024x256 6 -tile-columns 2 -tile-rows 1
vp9 tilerows.vp9.webm 1030x136 6 -tile-columns 2 -tile-rows 2
vp9 small.vp9.webm 35x33 20 -aq-mode 1 -auto-alt-ref 1 -lag-in-frames 10
vp9 lossless.vp9.webm 176x144 10 -lossless 1

# alpha in a second stream, and both planes' truth as libavcodec decodes them with libvpx
alpha() {
	local name=$1 size=$2 codec=$3
	shift 3
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=$size:rate=25" -frames:v 20 -vf \
		"format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='mod(3*X+2*Y+9*N,256)'" \
		-c:v "$codec" -b:v 400k -deadline realtime -cpu-used 5 -auto-alt-ref 0 -g 8 "$@" "$out/$name.webm"
	ffmpeg -v error -nostdin -y -c:v "$codec" -i "$out/$name.webm" -pix_fmt yuva420p -f rawvideo "$out/$name.yuva"
}
alpha alpha-vp8 176x144 libvpx
alpha alpha-vp9 178x146 libvpx-vp9

# refused NAME PIXELS SIZE FFMPEG-OPTION...: what no decoder here may say yes to
refused() {
	local name=refused$1 pixels=$2 size=$3
	shift 3
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=$size:rate=25" -frames:v 3 -pix_fmt "$pixels" "$@" "$out/$name"
}
refused -444.h265 yuv444p 176x144 -c:v libx265 -x265-params "log-level=none:pools=none:frame-threads=1"
refused -12.h265 yuv420p12le 176x144 -c:v libx265 -x265-params "log-level=none:pools=none:frame-threads=1"
refused -1.vp9.webm yuv444p 176x144 -c:v libvpx-vp9 -deadline realtime -cpu-used 5
refused -2.vp9.webm yuv420p10le 176x144 -c:v libvpx-vp9 -deadline realtime -cpu-used 5
refused -3.vp9.webm yuv444p10le 176x144 -c:v libvpx-vp9 -deadline realtime -cpu-used 5
refused -small.webm yuv420p 32x32 -c:v libvpx -deadline realtime -cpu-used 5
refused .m1v yuv420p 176x144 -c:v mpeg1video
refused -422.m2v yuv422p 176x144 -c:v mpeg2video

# for players: every codec in every container it is found in, four seconds with a key frame each one
size=320x240 frames=100
other clip-h264.mp4 -c:v libx264 -threads 1 -profile:v high -x264-params "keyint=25:bframes=2"
other clip-hevc.mp4 -tag:v hvc1 -c:v libx265 -x265-params "log-level=none:pools=none:frame-threads=1:keyint=25:bframes=2:open-gop=0"
other clip-vp9.webm -c:v libvpx-vp9 -b:v 400k -threads 1 -deadline realtime -cpu-used 5 -g 25
other clip-vp8.webm -c:v libvpx -b:v 400k -threads 1 -deadline realtime -cpu-used 5 -g 25
other clip-mpeg2.ts -c:v mpeg2video -q:v 4 -bf 2 -g 25
remux() { ffmpeg -v fatal -nostdin -y -i "$out/$1" -c copy "$out/$2"; }
for codec in h264 hevc; do
	remux clip-$codec.mp4 clip-$codec.mkv
	remux clip-$codec.mp4 clip-$codec.ts
done
remux clip-vp9.webm clip-vp9.mkv
remux clip-vp8.webm clip-vp8.mkv
remux clip-mpeg2.ts clip-mpeg2.mkv
remux clip-mpeg2.ts clip-mpeg2.mpg

# what players have to take another decoder for: VP9 profile 2, H.264 4:4:4, HEVC 4:4:4
odd_one() {
	ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=size=320x240:rate=25" -frames:v 10 "${@:2}" "$out/$1"
}
odd_one soft-h264.mp4 -pix_fmt yuv444p -c:v libx264 -profile:v high444
odd_one soft-hevc.mkv -pix_fmt yuv444p -c:v libx265 -x265-params "log-level=none:pools=none:frame-threads=1"
odd_one soft-vp9.webm -pix_fmt yuv420p10le -c:v libvpx-vp9 -profile:v 2 -threads 1 -deadline realtime -cpu-used 5

# The MANIFEST.tsv of a folder of test vectors, with FFmpeg's checksums.
manifest() {
	local path=$1 codec=$2 pixels=${3:-yuv420p} sum
	sum=$(ffmpeg -v error -nostdin -flags unaligned -i "$out/$path" -pix_fmt "$pixels" -fps_mode passthrough -f md5 -)
	printf '%s\t%s\t-\t-\t-\t%s\t%s\town\t-\t%s\t-\texact\n' "$path" "$codec" \
		"$(ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 "$out/$path" | head -n 1 | tr -d ,)" \
		"${sum#MD5=}" "$pixels"
}
{
	printf 'path\tcodec\tnotes\twidth\theight\tframes\tmd5\torigin\ttags\tpixfmt\tmd5_nv12\texpect\n'
	for name in bframes cavlc slices refs16 odd crop fade-b; do manifest $name.h264 h264; done
	manifest high10.h264 h264 yuv420p10le
	for name in high422-10 intra422-10 mbaff422-10; do manifest $name.h264 h264 yuv422p10le; done
	for name in wpp slices rasl odd bla eos; do manifest $name.h265 hevc; done
	manifest main10.h265 hevc yuv420p10le
	for name in altref parallel aq lossless; do manifest $name.vp9.webm vp9; done
	for name in altref odd; do manifest $name.webm vp8; done
	for name in frames interlaced odd; do manifest $name.m2v mpeg2; done
} >"$out/MANIFEST.tsv"
echo "$stamp" >"$out/stamp"
