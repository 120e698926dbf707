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
	case $name in
	yuv444.h264 | refused-*) continue ;;
	# of a format of their own, see below
	high10.h264 | *422*.h264 | crop10.h264 | formats.h264 | main10.h265) continue ;;
	esac
	check "decoder: $name" "$compare" -n "$name" "$(hard "$file")" "$(soft "$file") ! video/x-raw,format=NV12"
	# RGA wants at least 34 pixels and even sizes; a copy through it changes no byte
	case $name in
	# monochrome comes in system memory
	resize.h264 | gray.h264) ;;
	*) check "decoder, rga: $name" "$compare" -n "$name" "$(hard "$file") ! rgaconvert ! video/x-raw(ANY),format=I420" \
		"$(soft "$file") ! video/x-raw,format=I420" ;;
	esac
done

# samples of 10 bits, packed, and 4:2:2; unpacking them loses nothing
planar() { echo "videoconvert dither=none ! video/x-raw,format=$1"; }
for name in high10.h264 main10.h265; do
	check "decoder: $name" "$compare" -n "$name" "$(hard "$STREAMS/$name") ! $(planar I420_10LE)" \
		"$(source_of "$STREAMS/$name") ! avdec_${name##*.} ! video/x-raw,format=I420_10LE"
done
check "decoder: high422.h264" "$compare" -n high422 "$(hard "$STREAMS/high422.h264") ! $(planar Y42B)" \
	"$(source_of "$STREAMS/high422.h264") ! avdec_h264 ! video/x-raw,format=Y42B"
check "decoder: crop10.h264" "$compare" -n crop10 "$(hard "$STREAMS/crop10.h264") ! $(planar I420_10LE)" \
	"filesrc location=$STREAMS/crop10.yuv ! rawvideoparse format=i420-10le width=168 height=132 framerate=25/1"
for name in high422-10 intra422-10 mbaff422-10; do
	check "decoder: $name.h264" "$compare" -n "$name" "$(hard "$STREAMS/$name.h264") ! $(planar I422_10LE)" \
		"$(source_of "$STREAMS/$name.h264") ! avdec_h264 ! video/x-raw,format=I422_10LE"
done
check "decoder: crop422-10.h264" "$compare" -n crop422-10 "$(hard "$STREAMS/crop422-10.h264") ! $(planar I422_10LE)" \
	"filesrc location=$STREAMS/crop422-10.yuv ! rawvideoparse format=i422-10le width=168 height=134 framerate=25/1"
check "decoder: formats.h264" "$compare" -n formats "$(hard "$STREAMS/formats.h264") ! $(planar '{I420_10LE,I422_10LE,Y42B}')" \
	"$(source_of "$STREAMS/formats.h264") ! avdec_h264 ! video/x-raw,format={I420_10LE,I422_10LE,Y42B}"

# the packed samples themselves: mapped, and as dma-bufs
packed() { # packed NAME DRM-FORMAT FORMAT
	local caps="video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=$2"
	[ "$version" -ge 24 ] || caps="video/x-raw(memory:DMABuf),format=$3"
	check "packed: $1" "$compare" -n "$1" "$(hard "$STREAMS/$1") ! video/x-raw,format=$3" \
		"$(source_of "$STREAMS/$1") ! avdec_${1##*.} ! videoconvert dither=none ! video/x-raw,format=$3"
	check "packed, dma-bufs: $1" "$compare" -n "$1" "$(hard "$STREAMS/$1") ! $caps" \
		"$(source_of "$STREAMS/$1") ! avdec_${1##*.} ! videoconvert dither=none ! video/x-raw,format=$3"
}
version=$(gst-launch-1.0 --version | sed -n 's/.*version 1\.\([0-9]*\).*/\1/p')
packed high10.h264 NV15 NV12_10LE40
packed main10.h265 NV15 NV12_10LE40
# NV20 has a name in GStreamer since 1.28; before, frames are unpacked copies
if [ "$version" -ge 28 ]; then
	packed high422-10.h264 NV20 NV16_10LE40
	packed mbaff422-10.h264 NV20 NV16_10LE40
else
	check_status "dma-bufs of 10-bit 4:2:2 are refused" 2 "$compare" -n high422-10 \
		"$(hard "$STREAMS/high422-10.h264") ! video/x-raw(memory:DMABuf)" "$(soft "$STREAMS/high422-10.h264")"
fi
check_status "dma-bufs of monochrome are refused" 2 "$compare" -n gray \
	"$(hard "$STREAMS/gray.h264") ! video/x-raw(memory:DMABuf)" "$(soft "$STREAMS/gray.h264")"
# caps that say what the stream is not: the driver's word counts
lie='video/x-h264,stream-format=byte-stream,alignment=au,profile=high,chroma-format=4:2:0,bit-depth-luma=(uint)8,bit-depth-chroma=(uint)8,width=320,height=240,framerate=25/1'
check_status "4:4:4 under wrong caps is refused" 2 "$compare" -n lie "filesrc location=$STREAMS/yuv444.h264 ! h264parse ! \
	video/x-h264,stream-format=byte-stream ! capssetter join=false replace=true caps=\"$lie\" ! dmaresvh264dec" \
	"$(soft "$STREAMS/yuv444.h264")"
check_status "rga refuses 10 bits" 2 "$compare" -n rga10 "$(hard "$STREAMS/high10.h264") ! rgaconvert" \
	"$(soft "$STREAMS/high10.h264")"

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
case $version in
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
