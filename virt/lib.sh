# SPDX-License-Identifier: GPL-2.0
# What the scripts behind ./dev share.  Sourced; TOP, BUILD and CACHE are set.

# Everything that is said goes to standard error: `dev run` must leave
# standard output to the command.
say() { printf '%s\n' "$*" >&2; }
die() { say "dev: $*"; exit 1; }

# step TEXT CMD...: says what it does and how long it took.
step() {
	local text=$1 begin=$SECONDS status=0
	shift
	printf '==> %s\n' "$text" >&2
	"$@" || status=$?
	if [ "$status" = 0 ]; then
		printf '    %s: %d s\n' "$text" $((SECONDS - begin)) >&2
	else
		printf '    %s: failed after %d s\n' "$text" $((SECONDS - begin)) >&2
	fi
	return "$status"
}

# as_root CMD...: through sudo where we are not root.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

# Debian's source packages of the kernels that the series is for. The first is the virtual RK3399's, unless
# KERNEL_PACKAGE names another.
KERNEL_PACKAGES=(linux-source-7.2 linux-source-7.3)

# Those whose source the series is tested on.
kernel_packages() {
	if [ -n "${KERNEL_PACKAGE:-}${KERNEL_TREE:-}" ]; then
		echo "${KERNEL_PACKAGE:-${KERNEL_PACKAGES[0]}}"
	else
		echo "${KERNEL_PACKAGES[@]}"
	fi
}

# Where the kernels of KERNEL_PACKAGE are.
kernel_dir() {
	case ${KERNEL_PACKAGE:-} in
	'' | "${KERNEL_PACKAGES[0]}") echo "$BUILD/kernel" ;;
	*) echo "$BUILD/kernel/$KERNEL_PACKAGE" ;;
	esac
}

# quietly LOG CMD...: keeps the output in LOG and shows its end on failure.
quietly() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	if ! "$@" >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		say "    (all of it: $log)"
		return 1
	fi
}

# Where the sources of this checkout lie in a root folder; "-build" behind it is where they are built.
# Checkouts share roots, but not these: one must not rebuild what another runs.
root_sources() {
	printf '/usr/src/gst-dmaresv-%s' "$(printf '%s' "$TOP" | sha256sum | cut -c1-8)"
}

# The Debian mirror that this machine's apt uses (nothing is hard-coded).
debian_mirror() {
	local codename mirror
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v r="$codename" '$2 == r && $3 == "main" { print $1; exit }')
	[ -n "$mirror" ] || die "no Debian mirror for $codename in this machine's apt sources"
	printf '%s\n' "${mirror%/}"
}

# other_apt SUITE COMMAND...: apt-get or apt-cache on another Debian release,
# with lists of its own: the machine's stay as they are.
other_apt() {
	local suite=$1 tool=$2 dir=$CACHE/apt/$1
	shift 2
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) $suite main" \
		>"$dir/sources.list"
	"$tool" -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" \
		-o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}

# alone FILE CMD...: one at a time, over all clones of this user.
alone() {
	local lock=$1
	shift
	mkdir -p "$(dirname "$lock")"
	flock -n "$lock" true || say "    waiting for another ./dev that builds"
	flock "$lock" "$@"
}
