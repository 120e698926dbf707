#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Builds one flavour of the virtual RK3399's kernel, or finds it in the cache,
# and links it to $BUILD/kernel/linux (stock) or linux-FLAVOUR; those of a
# KERNEL_PACKAGE that is not the default, in $BUILD/kernel/KERNEL_PACKAGE:
#
#   stock    the drivers as they are
#   fences   the same tree with the series that kernel/series lists, compiled in
#            the same object folder: only what the series touches
#   debug    fences with the checks of debug.fragment, in a folder of its own
#   arm64    no kernel: the folders that the series touches, compiled for the
#            RK3399 with W=1; what the compiler said is in build.log
#
# $BUILD/kernel/tree is the source; see series_on for what is in it. Status 77:
# no Debian release carries KERNEL_PACKAGE.
#
# The cache is by content: source version, patches, glue driver, configuration
# and compiler; a kernel is used only when all of these are the same.
#
#   KERNEL_PACKAGE  Debian's source package. Not set: the first of KERNEL_PACKAGES
#                   in lib.sh, or the next one when Debian has that no more
#   KERNEL_TREE     a kernel source tree to use instead (it is copied)
#   KERNEL_SERIES   another folder of patches instead of kernel/patches
set -euo pipefail
TOP=$1 BUILD=$2 CACHE=$3 FLAVOUR=${4:-stock}
. "$TOP/virt/lib.sh"
here=$TOP/virt/kernel
series=${KERNEL_SERIES:-$TOP/kernel/patches}
out=$(kernel_dir)
chosen=${KERNEL_PACKAGE:-}
CROSS=aarch64-linux-gnu-

# use PACKAGE: what is to be built of it.
use() {
	local kernel=${KERNEL_TREE:-${1#linux-source-}}
	KERNEL_PACKAGE=$1
	readarray -t patches < <("$TOP/kernel/series" "$kernel" "$series")
	readarray -t changes < <("$TOP/kernel/series" "$kernel" "$here/patches")
	[ "$FLAVOUR" = stock ] || [ ${#patches[@]} != 0 ] ||
		die "there is no patch series in $series: no kernel '$FLAVOUR'"
	[ ${#changes[@]} != 0 ] || die "no patches for the kernel of $KERNEL_PACKAGE"
	mine=$(ours)
	extra=$(flavour_key | sha256sum | cut -c1-16)
	stamp="$mine $extra ${KERNEL_TREE:+tree} $KERNEL_PACKAGE"
}

# What is ours in all flavours: changes here ask for another tree.
ours() {
	(cd "$here" && cat config.fragment "${changes[@]}" vrk3399/* && gcc -dumpfullversion) |
		sha256sum | cut -c1-16
}

# What a flavour has besides.
flavour_key() {
	[ "$FLAVOUR" = stock ] && return
	echo "$FLAVOUR"
	cat "${patches[@]}"
	case $FLAVOUR in
	debug) cat "$here/debug.fragment" ;;
	arm64) cat "$here/arm64.fragment" && "${CROSS}gcc" -dumpfullversion ;;
	esac
}

# A tree of the user's is known by its files' names, sizes and times.
tree_key() {
	(cd "$1" && find . -name .git -prune -o -type f -printf '%p %s %T@\n' | LC_ALL=C sort) |
		sha256sum | cut -c1-16
}

# Prints "SUITE VERSION" of the newest release that carries the package $1.
find_source() {
	local suite version
	for suite in trixie-backports forky sid; do
		quietly "$CACHE/apt/$suite.log" other_apt "$suite" apt-get update || continue
		version=$(other_apt "$suite" apt-cache policy "$1" |
			awk '/Candidate:/ { print $2 }')
		if [ -n "$version" ] && [ "$version" != "(none)" ]; then
			echo "$suite $version"
			return
		fi
	done
	return 1
}

# Makes $1/src from Debian's package.
unpack_debian() {
	local into=$1 suite=$2 deb
	mkdir -p "$into/deb" "$into/src"
	(cd "$into/deb" && quietly "$into/download.log" other_apt "$suite" apt-get download "$KERNEL_PACKAGE")
	deb=$(ls "$into"/deb/*.deb)
	dpkg-deb --fsys-tarfile "$deb" | tar -x -O "./usr/src/$KERNEL_PACKAGE.tar.xz" |
		xz -dc -T0 | tar -x -C "$into/src" --strip-components=1
	rm -r "$into/deb"
}

prepare_tree() {
	local tree=$1 patch
	for patch in "${changes[@]}"; do
		patch -d "$tree" -p1 -s --no-backup-if-mismatch <"$patch" ||
			die "$(basename "$patch") does not apply to this kernel source"
	done
	mkdir -p "$tree/drivers/misc/vrk3399"
	cp "$here"/vrk3399/* "$tree/drivers/misc/vrk3399/"
}

# configure ARCH TREE OBJ FRAGMENT...
configure() {
	local arch=$1 tree=$2 obj=$3 line
	shift 3
	make -s -C "$tree" ARCH="$arch" O="$obj" tinyconfig
	(cd "$obj" && "$tree/scripts/kconfig/merge_config.sh" -m -O . .config "$@")
	make -s -C "$tree" ARCH="$arch" O="$obj" olddefconfig
	# an option that did not survive is a hole in the fragment: say it now
	grep -hE '^CONFIG_.*=' "$@" | while read -r line; do
		grep -qxF "$line" "$obj/.config" || { echo "not in the configuration: $line"; exit 1; }
	done
}

# The files that patches change or make.
touched() { sed -nE 's,^(\+\+\+ b|--- a)/([^[:blank:]]+).*,\2,p' "$@" | LC_ALL=C sort -u; }

# series_on TREE [PATCH...]: makes $TREE/src what it was unpacked as, plus these patches.
# Only files whose text changes are written, so make compiles no others again.
# $TREE/pristine has the originals of what a series ever touched, $TREE/touched the names.
series_on() {
	local tree=$1 new=$1/new f patch
	shift
	rm -rf "$new"
	mkdir -p "$new" "$tree/pristine"
	[ $# = 0 ] || touched "$@" | while read -r f; do
		grep -qxF "$f" "$tree/touched" 2>/dev/null && continue
		[ ! -e "$tree/src/$f" ] || (cd "$tree/src" && cp -a --parents "$f" "$tree/pristine/")
		echo "$f" >>"$tree/touched"
	done
	cp -a "$tree/pristine/." "$new/"
	for patch in "$@"; do
		patch -d "$new" -p1 -s --no-backup-if-mismatch <"$patch" ||
			die "$(basename "$patch") does not apply to this kernel source"
	done
	[ -e "$tree/touched" ] || return 0
	while read -r f; do
		if [ ! -e "$new/$f" ]; then
			rm -f "$tree/src/$f"
		elif ! cmp -s "$new/$f" "$tree/src/$f"; then
			mkdir -p "$(dirname "$tree/src/$f")"
			cp "$new/$f" "$tree/src/$f"
		fi
	done <"$tree/touched"
	rm -rf "$new"
}

# Shows how far it is: the number of objects is known to within a few.
compile() {
	local tree=$1 obj=$2 log=$3 of=$4 pid
	make -C "$tree" ARCH=um O="$obj" -j"$(nproc)" linux >"$log" 2>&1 &
	pid=$! compiler=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		if [ $((SECONDS % 15)) = 0 ]; then
			say "    kernel: $(grep -cE '^  (CC|AR|LD)' "$log" || true) $of"
		fi
	done
	compiler=
	if ! wait "$pid"; then
		grep -nE 'error|Error' "$log" | head -n 20 >&2
		die "the kernel did not build; see $log"
	fi
}

# make_tree TREE ORIGIN: a source that is ours, without the series.
make_tree() {
	local tree=$1 origin=$2 work=$CACHE/work-$$
	# what was not used for a week was for sources that are gone
	find "$CACHE" -maxdepth 1 -name 'tree-*' -mtime +7 -exec rm -rf {} +
	mkdir -p "$work"
	if [ -n "${KERNEL_TREE:-}" ]; then
		step "copying $KERNEL_TREE" cp -a "$KERNEL_TREE/." "$work/src"
	else
		step "fetching and unpacking $KERNEL_PACKAGE ($origin)" unpack_debian "$work" "${origin% *}"
	fi
	prepare_tree "$work/src"
	mv "$work" "$tree"
}

# build FINAL TREE
build() {
	local final=$1 tree=$2 obj=$2/obj of="of about 1450 objects" fragments=("$here/config.fragment")
	if [ "$FLAVOUR" = debug ]; then
		obj=$tree/obj-debug
		fragments+=("$here/debug.fragment")
	fi
	if [ "$FLAVOUR" = stock ]; then series_on "$tree"; else series_on "$tree" "${patches[@]}"; fi
	mkdir -p "$obj"
	# the configuration is always the same in one object folder, but a series may add options
	quietly "$out/configure-$FLAVOUR.log" configure um "$tree/src" "$obj" "${fragments[@]}"
	[ ! -e "$obj/linux" ] || of="objects, of which most are there"
	step "building the kernel ($FLAVOUR)" compile "$tree/src" "$obj" "$out/build-$FLAVOUR.log" "$of"
	rm -rf "$final.new"
	mkdir -p "$final.new"
	cp "$obj/linux" "$obj/.config" "$final.new/"
	strip --strip-debug "$final.new/linux"
	rm -rf "$final"
	mv "$final.new" "$final"
}

# compile_arm64 FINAL TREE: always all of these folders, so that no warning is lost.
compile_arm64() {
	local final=$1 tree=$2 obj=$2/obj-arm64 folder
	local make=(make -C "$tree/src" ARCH=arm64 CROSS_COMPILE=$CROSS O="$obj" -j"$(nproc)")
	local folders=(drivers/media/common/videobuf2/ drivers/media/v4l2-core/ drivers/media/test-drivers/
		drivers/media/platform/verisilicon/ drivers/media/platform/rockchip/)
	series_on "$tree" "${patches[@]}"
	mkdir -p "$obj"
	for folder in "${folders[@]}"; do rm -rf "${obj:?}/$folder"; done
	quietly "$out/configure-arm64.log" configure arm64 "$tree/src" "$obj" "$here/arm64.fragment" || return
	quietly "$out/prepare-arm64.log" "${make[@]}" prepare || return
	mkdir -p "$final.new"
	"${make[@]}" W=1 "${folders[@]}" >"$final.new/build.log" 2>&1 || echo "make: *** failed" >>"$final.new/build.log"
	rm -rf "$final"
	mv "$final.new" "$final"
}

clean_up() {
	[ -z "${compiler:-}" ] || kill "$compiler" 2>/dev/null || true
	rm -rf "$CACHE/work-$$"
}

case $FLAVOUR in
stock) link=linux ;;
fences | debug | arm64) link=linux-$FLAVOUR ;;
*) die "no such kernel: '$FLAVOUR' (stock, fences, debug or arm64)" ;;
esac
mkdir -p "$out" "$CACHE"
dtc -q -I dts -O dtb -o "$out/vrk3399.dtb" "$here/vrk3399.dts"
use "${chosen:-$(cat "$out/package" 2>/dev/null || echo "${KERNEL_PACKAGES[0]}")}"
[ "$FLAVOUR" != arm64 ] || [ -d "$out/tree/src" ] || rm -f "$out/stamp-arm64"
if [ -n "${KERNEL_TREE:-}" ]; then
	origin="tree $(tree_key "$KERNEL_TREE")"
elif [ "$(cat "$out/stamp-$FLAVOUR" 2>/dev/null)" = "$stamp" ] && [ -e "$out/$link" ]; then
	exit 0
else
	exec 8>"$CACHE/lock"
	flock 8
	if ! origin=$(find_source "$KERNEL_PACKAGE"); then
		say "dev: no Debian release here carries $KERNEL_PACKAGE"
		[ -z "$chosen" ] && origin=$(find_source "${KERNEL_PACKAGES[1]}") || exit 77
		use "${KERNEL_PACKAGES[1]}"
		say "dev: the virtual RK3399 is built of $KERNEL_PACKAGE instead"
		echo "$KERNEL_PACKAGE" >"$out/package"
	fi
	exec 8>&-
fi
base=$(printf '%s %s' "$mine" "$origin" | sha256sum | cut -c1-16)
name=$base
[ "$FLAVOUR" = stock ] || name=$base-$FLAVOUR-$extra
tree=$CACHE/tree-$base
trap clean_up EXIT
trap 'exit 143' TERM HUP INT
final=$CACHE/kernel-$name
# one build at a time over all clones of this user; who needs none does not wait
if [ ! -e "$final" ] || { [ "$FLAVOUR" = arm64 ] && [ ! -d "$tree/src" ]; }; then
	exec 8>"$CACHE/lock-kernel"
	flock -n 8 || { say "    waiting for another ./dev that builds a kernel"; flock 8; }
	[ -d "$tree/src" ] || make_tree "$tree" "$origin"
	touch "$tree"
	if [ -e "$final" ]; then
		:
	elif [ "$FLAVOUR" = arm64 ]; then
		step "compiling the series for arm64" compile_arm64 "$final" "$tree"
	else
		build "$final" "$tree"
	fi
fi
ln -sfn "$tree" "$out/tree"
if [ "$FLAVOUR" = arm64 ]; then ln -sfn "$final" "$out/$link"; else ln -sfn "$final/linux" "$out/$link"; fi
echo "$stamp" >"$out/stamp-$FLAVOUR"
