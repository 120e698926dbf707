#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# display.sh TOP BUILD OBJECTS PARTS: shows frames, and looks at what became of them.
# DISPLAY_HAND_OVER: the elements' property hand-over.
TOP=$1 BUILD=$2 obj=$3 parts=$4
. "$TOP/tests/suites/lib.sh"
show=$obj/tests/display/display-show
compare=$obj/tools/dmaresv-compare
out=$BUILD/tests/display
version=$(gst-launch-1.0 --version | sed -n 's/.*version \(1\.[0-9]*\).*/\1/p')
hand_over=${DISPLAY_HAND_OVER:+hand-over=$DISPLAY_HAND_OVER}
rga="rgaconvert $hand_over"
# the clips' size, which is one of vkms' modes: nothing is scaled or padded
size=width=640,height=480
[ -w "$out" ] || out=$(mktemp -d)
cd "$out" || exit 1

codecs="H.264 HEVC VP9 VP8 MPEG-2"
# use_codec CODEC [MORE]: source, decoder and soft; MORE follows the parser
use_codec() {
	case $1 in
	H.264) source="demo.mp4 ! qtdemux ! h264parse" decoder=dmaresvh264dec soft=avdec_h264 ;;
	HEVC) source="demo-hevc.mp4 ! qtdemux ! h265parse" decoder=dmaresvh265dec soft=avdec_h265 ;;
	VP9) source="demo-vp9.webm ! matroskademux ! vp9parse" decoder=dmaresvvp9dec soft=avdec_vp9 ;;
	VP8) source="demo-vp8.webm ! matroskademux" decoder=dmaresvvp8dec soft=avdec_vp8 ;;
	MPEG-2) source="demo-mpeg2.m2v ! mpegvideoparse" decoder=dmaresvmpeg2dec soft=avdec_mpeg2video ;;
	esac
	source="filesrc location=$STREAMS/$source ${2:-}"
	decoder="$source ! $decoder $hand_over" soft="$source ! $soft ! videoconvert"
}

# sink_caps FORMAT FOURCC: as sinks take dma-bufs; before 1.24 kmssink does under caps of system memory
sink_caps() {
	case $version in
	1.22) echo "video/x-raw,format=$1,$size" ;;
	*) echo "video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=$2,$size" ;;
	esac
}

# same NAME FRAMES SHOWN WANTED: as many different lines as frames, and the same lines
same() {
	local frames right other
	frames=$(sort -u "$4" | wc -l)
	right=$(comm -12 <(sort -u "$3") <(sort -u "$4") | wc -l)
	other=$(comm -23 <(sort -u "$3") <(sort -u "$4") | wc -l)
	echo "# $1: $right of $2 frames were on the screen as they should be, and $other other pictures"
	if [ "$frames" != "$2" ]; then
		not_ok "$1" "the software decode gave $frames different frames instead of $2"
	elif cmp -s "$3" "$4"; then
		ok "$1"
	else
		not_ok "$1" "not all frames, or not only these, or not in this order"
	fi
}

kmssink="kmssink driver-name=vkms force-modesetting=true sync=false"
imported="grep -q imported=yes /sys/kernel/debug/dri/vkms/state"

# crcs NAME FRAMES: what vkms scanned out, beside the same conversion of a software decode
crcs() {
	local status
	"$show" --frames "$2" --crc --each "$imported" \
		"$decoder ! $rga ! $(sink_caps BGRx XR24) ! $kmssink" >"$1.shown" 2>"$1.stats"
	status=$?
	cat "$1.stats" >&2
	[ $status = 0 ] || return 1
	"$show" --frames "$2" --crc-of \
		"$soft ! video/x-raw,format=NV12 ! rgaconvert ! video/x-raw,format=BGRx" >"$1.wanted"
}

part_kms() {
	local codec name
	for codec in $codecs; do
		use_codec "$codec"
		name="$version: $codec -> rga -> kmssink, BGRx"
		crcs "kms-$codec" 10 && same "$name" 10 "kms-$codec.shown" "kms-$codec.wanted" ||
			not_ok "$name" "it could not be shown"
	done
	# no converted colours: the display does that, for the software decode's dma-bufs as well
	use_codec H.264
	name="$version: H.264 -> rga -> kmssink, I420"
	"$show" --frames 6 --crc --each "$imported" "$decoder ! $rga ! $(sink_caps I420 YU12) ! $kmssink" >kms-i420.shown &&
		"$show" --frames 6 --crc --from "$soft ! video/x-raw,format=I420" \
			"appsrc name=frames ! $kmssink" >kms-i420.wanted &&
		same "$name" 6 kms-i420.shown kms-i420.wanted || not_ok "$name" "it could not be shown"
}

# early_frames FILE ELEMENT: how many left an element before their job was done, by its statistics
early_frames() { sed -nE "s/^$2.*frames-early=\(guint64\)([0-9]+),.*/\1/p" "$1" | grep . || echo 0; }

# What has not been written yet may leave when a fence tells; the display waits for it.
part_early() {
	local codec name decoded converted
	for codec in H.264 MPEG-2; do
		use_codec "$codec"
		name="$version: $codec -> rga -> kmssink, handed over early"
		crcs "early-$codec" 15 || { not_ok "$name" "it could not be shown"; continue; }
		same "$name" 15 "early-$codec.shown" "early-$codec.wanted"
		decoded=$(early_frames "early-$codec.stats" dmaresv)
		converted=$(early_frames "early-$codec.stats" rgaconvert)
		echo "# $name: $decoded frames left the decoder unfinished, $converted the RGA"
		check "$name: frames are" test "$converted" -ge 15
	done
}

# The checksums can be wrong: nothing waits for these frames.
part_unproven() {
	local name="$version: unfinished frames on the screen are found out" other
	use_codec H.264
	crcs unproven 10 || { not_ok "$name" "nothing was shown"; return; }
	other=$(comm -23 <(sort -u unproven.shown) <(sort -u unproven.wanted) | wc -l)
	echo "# handed over early without a fence: $other pictures that are no frame, for 10 frames"
	if [ "$other" -gt 0 ]; then ok "$name"; else not_ok "$name" "all were right"; fi
}

# GL imports dma-bufs plane by plane, or as a whole; never by a copy of the CPU's
part_gl() {
	local codec method to_rgba
	# llvmpipe must not starve the models of the silicon, which are programs here
	renice -n 15 $BASHPID >&2
	export GST_GL_PLATFORM=egl GST_GL_WINDOW=surfaceless GST_GL_API=gles2 GST_DEBUG_NO_COLOR=1
	export MESA_SHADER_CACHE_DISABLE=true
	to_rgba="glupload ! glcolorconvert ! video/x-raw(memory:GLMemory),format=RGBA ! gldownload ! video/x-raw"
	for codec in $codecs; do
		use_codec "$codec"
		check "$version: $codec -> GL" "$compare" -n "$codec -> GL" -f 15 \
			"$decoder ! $to_rgba" "$soft ! video/x-raw,format=NV12 ! $to_rgba"
	done
	use_codec H.264 "! identity eos-after=5"
	# shellcheck disable=SC2086
	GST_DEBUG=glupload:5 timeout 60 gst-launch-1.0 -q $decoder ! $to_rgba ! \
		fakesink >gl.log 2>&1
	method=$(sed -n 's/.*attempting upload with uploader //p' gl.log | tail -n 1)
	echo "# $version: glupload's method for NV12 dma-bufs: $method"
	case $method in
	Dmabuf | DirectDmabuf*) ok "$version: GL imports the dma-bufs" ;;
	*) not_ok "$version: GL imports the dma-bufs" "it uploads by ${method:-nothing}" ;;
	esac
}

# shots FOLDER FRAMES SHOW-ARGUMENT...: a screenshot of each frame
shots() {
	local dir=$1 frames=$2
	shift 2
	rm -rf "$dir"
	mkdir -p "$dir/now"
	"$show" --frames "$frames" "$@" --each \
		"cd $dir/now && weston-screenshooter && mv wayland-screenshot-*.png ../\$FRAME.png"
}

pictures() {
	echo "multifilesrc location=$1/%03d.png caps=image/png,framerate=25/1 ! pngdec ! videoconvert ! video/x-raw,format=RGB"
}

part_wayland() {
	local codec name weston n=5 sink="waylandsink sync=false" i
	renice -n 15 $BASHPID >&2
	export XDG_RUNTIME_DIR=/run/user WAYLAND_DISPLAY=wayland-display GST_DEBUG_NO_COLOR=1
	export MESA_SHADER_CACHE_DISABLE=true
	mkdir -p -m 700 "$XDG_RUNTIME_DIR"
	# --debug lets any client take screenshots
	weston --debug --backend=headless --renderer=gl --shell=kiosk-shell.so --width=640 --height=480 \
		--socket=$WAYLAND_DISPLAY --idle-time=0 --no-config >weston.log 2>&1 &
	weston=$!
	for i in $(seq 100); do [ -S "$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY" ] || sleep 0.2; done
	sed -nE "s/^(\\[[^]]*\\])? *((GL renderer|dmabuf support):.*)/# weston: \2/p" weston.log
	for codec in $codecs; do
		use_codec "$codec"
		name="$version: $codec -> weston"
		GST_DEBUG=wl_dmabuf:5,wl_shm:5 shots "wayland-$codec" $n "$decoder ! $sink" 2>wayland.log
		cat wayland.log >&2
		check "$name, dma-bufs only" test "$(grep -c 'created linux_dmabuf wl_buffer' wayland.log)" -ge $n
		shots wayland-soft $n --from "$soft ! video/x-raw,format=NV12" "appsrc name=frames ! $sink" >&2
		for i in wayland-"$codec"/*.png; do md5sum <"$i"; done >wayland.shown
		for i in wayland-soft/*.png; do md5sum <"$i"; done >wayland.wanted
		same "$name, against a software decode shown likewise" $n wayland.shown wayland.wanted
		# the colours are GL's arithmetic: 3 of 255 steps, as with the RGA
		check "$name, against a software conversion" "$compare" -n "$name" -t 3 -f $n \
			"$(pictures "wayland-$codec")" \
			"$soft dither=none chroma-mode=none ! video/x-raw,format=ARGB64 !
			 videoconvert dither=none ! video/x-raw,format=RGB"
	done
	# converted by the RGA: nothing is left to GL but to place it
	use_codec H.264
	name="$version: H.264 -> rga -> weston, BGRx"
	shots wayland-rga $n "$decoder ! $rga ! $(sink_caps BGRx XR24) ! $sink" >&2
	check "$name" "$compare" -n "$name" -f $n "$(pictures wayland-rga)" \
		"$soft ! video/x-raw,format=NV12 ! rgaconvert ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=RGB"
	kill $weston
	wait $weston
}

for part in $parts; do ("part_$part"); done
