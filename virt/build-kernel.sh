#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Builds the virtual RK3399's kernel, or finds it in the cache, and links it
# to $BUILD/kernel/linux.
#
# The cache is by content: source version, patches, glue driver, configuration
# and compiler; a kernel is used only when all of these are the same.
#
#   KERNEL_PACKAGE  Debian's source package (default linux-source-7.2)
#   KERNEL_TREE     a kernel source tree to use instead (it is copied)
set -euo pipefail
TOP=$1 BUILD=$2 CACHE=$3
. "$TOP/virt/lib.sh"
KERNEL_PACKAGE=${KERNEL_PACKAGE:-linux-source-7.2}
here=$TOP/virt/kernel
out=$BUILD/kernel

# What is ours: changes here ask for another kernel.
ours() {
	(cd "$here" && cat config.fragment patches/*.patch vrk3399/* && gcc -dumpfullversion) |
		sha256sum | cut -c1-16
}

# A tree of the user's is known by its files' names, sizes and times.
tree_key() {
	(cd "$1" && find . -name .git -prune -o -type f -printf '%p %s %T@\n' | LC_ALL=C sort) |
		sha256sum | cut -c1-16
}

# Prints "SUITE VERSION" of the newest release that carries the package.
find_source() {
	local suite version
	for suite in trixie-backports forky sid; do
		quietly "$CACHE/apt/$suite.log" other_apt "$suite" apt-get update || continue
		version=$(other_apt "$suite" apt-cache policy "$KERNEL_PACKAGE" |
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
	for patch in "$here"/patches/*.patch; do
		patch -d "$tree" -p1 -s --no-backup-if-mismatch <"$patch" ||
			die "$(basename "$patch") does not apply to this kernel source"
	done
	mkdir -p "$tree/drivers/misc/vrk3399"
	cp "$here"/vrk3399/* "$tree/drivers/misc/vrk3399/"
}

configure() {
	local tree=$1 obj=$2 line
	make -s -C "$tree" ARCH=um O="$obj" tinyconfig
	(cd "$obj" && "$tree/scripts/kconfig/merge_config.sh" -m -O . .config "$here/config.fragment")
	make -s -C "$tree" ARCH=um O="$obj" olddefconfig
	# an option that did not survive is a hole in the fragment: say it now
	grep -E '^CONFIG_.*=' "$here/config.fragment" | while read -r line; do
		grep -qxF "$line" "$obj/.config" || { echo "not in the configuration: $line"; exit 1; }
	done
}

# Shows how far it is: the number of objects is known to within a few.
compile() {
	local tree=$1 obj=$2 log=$3 pid
	make -C "$tree" ARCH=um O="$obj" -j"$(nproc)" linux >"$log" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		if [ $((SECONDS % 15)) = 0 ]; then
			say "    kernel: $(grep -cE '^  (CC|AR|LD)' "$log" || true) of about 1400 objects"
		fi
	done
	if ! wait "$pid"; then
		grep -nE 'error|Error' "$log" | head -n 20 >&2
		die "the kernel did not build; see $log"
	fi
}

build() {
	local name=$1 origin=$2 work=$CACHE/work-$$ final=$CACHE/kernel-$1
	mkdir -p "$work/obj" "$out"
	if [ -n "${KERNEL_TREE:-}" ]; then
		step "copying $KERNEL_TREE" cp -a "$KERNEL_TREE/." "$work/src"
	else
		step "fetching and unpacking $KERNEL_PACKAGE ($origin)" unpack_debian "$work" "${origin% *}"
	fi
	prepare_tree "$work/src"
	quietly "$out/configure.log" configure "$work/src" "$work/obj"
	step "building the kernel" compile "$work/src" "$work/obj" "$out/build.log"
	mkdir -p "$final.new"
	cp "$work/obj/linux" "$work/obj/.config" "$final.new/"
	strip --strip-debug "$final.new/linux"
	rm -rf "$final"
	mv "$final.new" "$final"
	rm -rf "$work"
}

mkdir -p "$out" "$CACHE"
dtc -q -I dts -O dtb -o "$out/vrk3399.dtb" "$here/vrk3399.dts"
mine=$(ours)
stamp="$mine ${KERNEL_TREE:+tree} $KERNEL_PACKAGE"
if [ -n "${KERNEL_TREE:-}" ]; then
	origin="tree $(tree_key "$KERNEL_TREE")"
elif [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && [ -x "$out/linux" ]; then
	exit 0
else
	origin=$(find_source) || die "no Debian release here carries $KERNEL_PACKAGE"
fi
name=$(printf '%s %s' "$mine" "$origin" | sha256sum | cut -c1-16)
trap 'rm -rf "$CACHE/work-$$"' EXIT
[ -x "$CACHE/kernel-$name/linux" ] || build "$name" "$origin"
ln -sfn "$CACHE/kernel-$name/linux" "$out/linux"
echo "$stamp" >"$out/stamp"
