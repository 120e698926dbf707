#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Makes a root folder of another Debian release, once, and builds the plugin
# in it: make-root.sh TOP BUILD CACHE NAME [PACKAGE...]
set -euo pipefail
TOP=$1 BUILD=$2 CACHE=$3 NAME=$4
shift 4
. "$TOP/virt/lib.sh"
root=$CACHE/root-$NAME

in_root() {
	as_root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

bootstrap() {
	as_root rm -rf "$root.new"
	# newer releases have no script of their own where debootstrap is old: all are like sid's
	local script=/usr/share/debootstrap/scripts/$NAME
	[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
	as_root debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		"$NAME" "$root.new" "$(debian_mirror)" "$script"
	as_root mv "$root.new" "$root"
}

install_packages() {
	in_root apt-get update
	in_root apt-get install -y --no-install-recommends "$@"
	in_root apt-get clean
}

# What is there counts, not what was asked for before: other clones ask for other packages.
have_packages() {
	local p
	for p in "$@"; do
		dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Status}\n' "$p" 2>/dev/null | grep -q ' installed$' ||
			return
	done
}

copy_sources() {
	local src
	src=$(root_sources)
	as_root mkdir -p "$root$src"
	(cd "$TOP" && git ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done |
		tar -c --null -T - -f -) | as_root tar -x -f - -C "$root$src" --no-same-owner
}

compile() {
	local src obj
	src=$(root_sources)
	obj=$src-build
	[ -e "$root$obj/build.ninja" ] || in_root meson setup "$obj" "$src"
	in_root ninja -C "$obj"
}

can_be_root || die "a root folder needs root or sudo (debootstrap)"
[ -d "$root" ] || step "bootstrapping Debian $NAME" quietly "$BUILD/root-$NAME/bootstrap.log" bootstrap
have_packages "$@" ||
	step "installing packages in Debian $NAME" quietly "$BUILD/root-$NAME/packages.log" install_packages "$@"
copy_sources
step "building the plugin in Debian $NAME" quietly "$BUILD/root-$NAME/build.log" compile
