#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# chain.sh TOP BUILD OBJECTS
TOP=$1 BUILD=$2 obj=$3
. "$TOP/tests/suites/lib.sh"
compare=$obj/tools/dmaresv-compare

source_of() {
	case $1 in
	*.mp4) echo "filesrc location=$1 ! qtdemux ! h264parse" ;;
	*.h265) echo "filesrc location=$1 ! h265parse" ;;
	*) echo "filesrc location=$1 ! h264parse" ;;
	esac
}
hard() {
	case $1 in
	*.h265) echo "$(source_of "$1") ! dmaresvh265dec" ;;
	*) echo "$(source_of "$1") ! dmaresvh264dec" ;;
	esac
}
soft() {
	case $1 in
	# avdec_h264 rounds the left edge of the cropping; the reference was made without that
	*/crop.h264) echo "filesrc location=${1%.h264}.y4m ! y4mdec ! videoconvert" ;;
	*.h265) echo "$(source_of "$1") ! avdec_h265 ! videoconvert" ;;
	*) echo "$(source_of "$1") ! avdec_h264 ! videoconvert" ;;
	esac
}

for file in "$STREAMS"/*.h264 "$STREAMS"/*.h265 "$STREAMS"/avc.mp4; do
	name=$(basename "$file")
	case $name in yuv444.h264 | refused-*) continue ;; esac
	check "decoder: $name" "$compare" -n "$name" "$(hard "$file")" "$(soft "$file") ! video/x-raw,format=NV12"
	# RGA wants at least 34 pixels and even sizes; a copy through it changes no byte
	case $name in
	resize.h264) ;;
	*) check "decoder, rga: $name" "$compare" -n "$name" "$(hard "$file") ! rgaconvert ! video/x-raw(ANY),format=I420" \
		"$(soft "$file") ! video/x-raw,format=I420" ;;
	esac
done

for file in "$STREAMS"/{altref,odd}.webm "$STREAMS"/{frames,interlaced}.m2v; do
	name=$(basename "$file")
	case $name in
	*.webm) source="filesrc location=$file ! matroskademux" codec=vp8 soft=avdec_vp8 ;;
	*.m2v) source="filesrc location=$file ! mpegvideoparse" codec=mpeg2 soft=avdec_mpeg2video ;;
	esac
	check "decoder: $name" "$compare" -n "$name" "$source ! dmaresv${codec}dec" \
		"$source ! $soft ! videoconvert ! video/x-raw,format=NV12"
done
for file in "$STREAMS"/*.vp9.webm; do
	name=$(basename "$file")
	case $name in refused-*) continue ;; esac
	check "decoder: $name" "$compare" -n "$name" "filesrc location=$file ! matroskademux ! vp9parse ! dmaresvvp9dec" \
		"filesrc location=$file ! matroskademux ! vp9parse ! avdec_vp9 ! videoconvert ! video/x-raw,format=NV12"
done

# the caps that the peers fail with: everything a dma-buf
case $(gst-launch-1.0 --version | sed -n 's/.*version 1\.\([0-9]*\).*/\1/p') in
22) dmabuf='video/x-raw(memory:DMABuf),format=BGRx' ;;
*) dmabuf='video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=XR24' ;;
esac
check "dma-bufs to the end" timeout 60 gst-launch-1.0 -q $(hard "$STREAMS/base.h264") ! rgaconvert ! "$dmabuf" ! fakesink
status=0
timeout 60 gst-launch-1.0 -q $(source_of "$STREAMS/base.h264") ! v4l2slh264dec ! v4l2convert output-io-mode=dmabuf-import ! \
	'video/x-raw(memory:DMABuf),format=BGRx' ! fakesink >&2 2>&1 || status=$?
echo "# v4l2slh264dec ! v4l2convert with dma-bufs ends with status $status"

# two contexts on the same silicon, at the same time
"$compare" -n one "$(hard "$STREAMS/bframes.h264")" "$(soft "$STREAMS/bframes.h264") ! video/x-raw,format=NV12" >&2 &
one=$!
"$compare" -n two "$(hard "$STREAMS/slices.h264")" "$(soft "$STREAMS/slices.h264") ! video/x-raw,format=NV12" >&2 &
two=$!
wait $one && wait $two && ok "two decoders at once" || not_ok "two decoders at once" "frames differ"
"$compare" -n one "$(hard "$STREAMS/bframes.h264") ! rgaconvert ! video/x-raw(ANY),format=I420" \
	"$(soft "$STREAMS/bframes.h264") ! video/x-raw,format=I420" >&2 &
one=$!
"$compare" -n two "$(hard "$STREAMS/cavlc.h264") ! rgaconvert ! video/x-raw(ANY),format=I420" \
	"$(soft "$STREAMS/cavlc.h264") ! video/x-raw,format=I420" >&2 &
two=$!
wait $one && wait $two && ok "two chains at once" || not_ok "two chains at once" "frames differ"
