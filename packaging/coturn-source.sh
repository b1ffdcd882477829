#!/bin/sh
# Obtains the sources of a release of coturn that upstream.ini pins, checks them, and
# copies what is used of them into build/upstream. configure runs it at the top of the
# tree.
#
# usage: coturn-source.sh [OPTION]...                        the newest release that can be had
#        coturn-source.sh [OPTION]... DIRECTORY | TARBALL    from there
#        coturn-source.sh --list DIRECTORY                   only list what is used of these sources
#
#   --release VERSION  only this release
#   --repository URL   where upstream's tags are
#   --unchecked        also a release, or sources of it, that upstream.ini does not pin
#
# Prints the version of coturn, and "unchecked" if its sources are not the pinned ones; or
# the list. Otherwise prints why there is none, and ends with status 1.
set -eu
# shellcheck source=packaging/pins.sh
. packaging/pins.sh

# What coturn's configure, make, make install and make check read of its sources, and
# what our tests read. All of it is checked, and nothing else is copied, so that nothing
# unchecked can be run.
used='configure Makefile.in src turndb man examples INSTALL LICENSE
	README.turnadmin README.turnserver README.turnutils postinstall.txt'
new=build/upstream/new

fail() {
	printf 'configure: %s\n' "$@" >&2
	exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

refuse() { # what, version, sum found, sum wanted, the first path that differs if it is known
	fail "$1 is not the released coturn $2" ${5:+"  the first path that differs: $5"} \
		"  SHA-256 found:    $3" \
		"  SHA-256 expected: $4 (upstream.ini)"
}

# --- the files that are used -------------------------------------------------

# One sorted line for each file and each symbolic link. A file has its SHA-256, and
# whether its owner may execute it; all else of a mode depends on who unpacked it.
list() ( # what, directory
	cd "$2" || exit 1
	for path in $used; do
		[ -e "$path" ] || [ -L "$path" ] || fail "there is no coturn in $1 (no $path)"
	done
	# shellcheck disable=SC2086 # one word for each path
	set -- "$1" $used
	what=$1
	shift
	# A name or target with a line break could pass for several lines.
	odd=$(find "$@" \( -name '*
*' -o -lname '*
*' \) -print)
	[ -z "$odd" ] || fail "a name in $what has a line break: $odd"
	{
		find "$@" -type f -perm -100 -exec sha256sum {} + | sed 's/^/executable /'
		find "$@" -type f ! -perm -100 -exec sha256sum {} + | sed 's/^/file /'
		find "$@" -type l -printf 'link %p -> %l\n'
		find "$@" ! -type f ! -type l ! -type d -printf 'special %p\n'
	} | LC_ALL=C sort
)

first_difference() { # two lists
	LC_ALL=C comm -3 "$1" "$2" | sed -e 's/^\t//' -e 's/^link \(.*\) -> .*/\1/' -e 's/^special //' \
		-e 's/^[a-z]* [0-9a-f]\{64\}  //' | LC_ALL=C sort | head -n 1
}

# The list of a release is known where the release has been unpacked before. Its own
# checksum is the pinned one, so nobody can have changed it.
known_list() { # version
	known=build/upstream/coturn-$1.list
	[ -f "$known" ] && [ "$(sum "$known")" = "$(ini "$1" tree)" ]
}

# What is unpacked is used again only while it is as its list says.
is_intact() { # version
	known=build/upstream/coturn-$1.list
	[ -f "$known" ] && list it "build/upstream/coturn-$1" 2>/dev/null | cmp -s - "$known"
}

is_unpacked() { # version
	{ known_list "$1" || [ "$unchecked" = yes ]; } && is_intact "$1"
}

# Leaves the list in $scratch/list.
check() { # what, directory, version
	list "$1" "$2" >"$scratch/list"
	found=$(sum "$scratch/list")
	wanted=$(ini "$3" tree)
	if [ "$found" = "$wanted" ] || [ "$unchecked" = yes ]; then
		return 0
	fi
	first=
	! known_list "$3" || first=$(first_difference "$known" "$scratch/list")
	refuse "$1" "$3" "$found" "$wanted" "$first"
}

# --- one place that they come from -------------------------------------------

pinned() { pinned_releases | in_words; }

not_pinned() { # what is not
	fail "$1: this project has not been built on that release" \
		"  it knows: $(pinned) (upstream.ini)" \
		"  to try it all the same: add --coturn-unchecked; docs/releases.md says what to test then, and what to report"
}

take_directory() { # what, directory
	[ -f "$2/src/ns_turn_defs.h" ] || fail "there is no coturn in $1 (no src/ns_turn_defs.h)"
	version=$(sed -n 's/^#define TURN_SERVER_VERSION "\([0-9A-Za-z.+~-]*\)".*/\1/p' "$2/src/ns_turn_defs.h" |
		head -n 1)
	[ -n "$version" ] || fail "cannot tell the version of the coturn in $1"
	[ -z "$release" ] || [ "$version" = "$release" ] || fail "$1 is coturn $version, and not $release"
	[ -n "$(ini "$version" tree)" ] || [ "$unchecked" = yes ] || not_pinned "$1 is coturn $version"
	check "$1" "$2" "$version"
	if cmp -s "$scratch/list" "build/upstream/coturn-$version.list" && is_intact "$version"; then
		return 0
	fi
	rm -rf "$new"
	mkdir -p "$new"
	# shellcheck disable=SC2086 # one word for each path
	(cd "$2" && find $used ! -type d -print0 | tar --null -T - -cf -) |
		tar -xf - --no-same-owner --no-same-permissions -C "$new"
	# Again, because what was copied is what will be built.
	check "$1" "$new" "$version"
	rm -rf "build/upstream/coturn-$version"
	mv "$new" "build/upstream/coturn-$version"
	cp "$scratch/list" "build/upstream/coturn-$version.list"
}

take_tarball() { # tarball
	rm -rf "$scratch/unpacked"
	mkdir "$scratch/unpacked"
	if ! tar -xf "$1" --no-same-owner --strip-components=1 -C "$scratch/unpacked" 2>"$scratch/message"; then
		fail "'$1' is not a tarball, or not a whole one: $(grep -m 1 . "$scratch/message")" \
			"  SHA-256 found: $(sum "$1")"
	fi
	take_directory "'$1'" "$scratch/unpacked"
}

# --- the newest release that can be had ----------------------------------------
# Each of these returns 1 if it does not have release $release, and adds why to
# $scratch/why. Sources that come by the network and are not the released ones end everything.

because() { # why
	printf '  %s: %s\n' "$release" "$1" >>"$scratch/why"
}

take_at_hand() {
	for file in build/downloads/coturn_"$release".orig.tar.* build/downloads/coturn-"$release".tar.*; do
		[ -f "$file" ] || continue
		if (take_tarball "$file") 2>"$scratch/refused"; then
			return 0
		fi
		because "left out: $(sed 's/^configure: *//' "$scratch/refused" | in_words)"
	done
	return 1
}

repository_is_silent=no
take_from_repository() {
	[ "$repository_is_silent" = no ] || return 1
	echo "fetching coturn $release: $repository" >&2
	rm -rf "$scratch/clone"
	status=0
	packaging/repository-source.sh "$repository" "$release" "$scratch/clone" >"$scratch/message" || status=$?
	if [ "$status" -ne 0 ]; then
		because "$(cat "$scratch/message")"
		[ "$status" -eq 2 ] || repository_is_silent=yes
		return 1
	fi
	take_directory "tag $release of $repository" "$scratch/clone"
}

# Older releases that are wanted if this one cannot be had are downloaded in the same go.
take_from_distribution() { # older releases...
	echo "looking for coturn $release in the source packages of this distribution" >&2
	if ! tarball=$(packaging/apt-source.sh build/downloads "$release" "$@" 2>"$scratch/message"); then
		because "$(cat "$scratch/message")"
		return 1
	fi
	case ${tarball##*/} in
	coturn_"$release".*) ;;
	*)
		because "this distribution has ${tarball##*/}"
		return 1
		;;
	esac
	wanted=$(ini "$release" tarball)
	found=$(sum "$tarball")
	if [ -n "$wanted" ] && [ "$found" != "$wanted" ] && [ "$unchecked" = no ]; then
		refuse "'$tarball'" "$release" "$found" "$wanted"
	fi
	take_tarball "$tarball"
}

at_hand_or_unpacked() { # version
	is_unpacked "$1" || ls build/downloads/coturn_"$1".orig.tar.* >/dev/null 2>&1
}

take_newest() { # releases, the newest one first...
	: >"$scratch/why"
	for release; do
		shift
		missing=
		for older; do
			at_hand_or_unpacked "$older" || missing="$missing $older"
		done
		version=$release
		# shellcheck disable=SC2086 # one word for each
		if is_unpacked "$release" || take_at_hand || take_from_repository || take_from_distribution $missing; then
			return 0
		fi
	done
	return 1
}

report_newer() { # releases, the newest one first...
	[ "$1" != "$version" ] || return 0
	echo "configure: took coturn $version, because a newer release could not be had:"
	cat "$scratch/why"
	echo "configure: to build coturn $1, download it elsewhere and give it to me: ./configure --with-coturn=TARBALL"
}

take_any() {
	if [ -z "$release" ]; then
		# shellcheck disable=SC2046 # one word for each
		set -- $(pinned)
	else
		[ -n "$(ini "$release" tree)" ] || [ "$unchecked" = yes ] || not_pinned "coturn $release"
		set -- "$release"
	fi
	take_newest "$@" || fail "cannot get coturn $(echo "$@" | sed 's/ / or /g'):" "$(cat "$scratch/why")" \
		"download it elsewhere and give it to me: ./configure --with-coturn=TARBALL"
	report_newer "$@" >&2
}

if [ "${1:-}" = --list ]; then
	[ $# -eq 2 ] || fail "--list wants a directory"
	list "'$2'" "$2"
	exit
fi
release=
repository=
unchecked=no
while [ $# -gt 0 ]; do
	case $1 in
	--release) release=$2 && shift ;;
	--repository) repository=$2 && shift ;;
	--unchecked) unchecked=yes ;;
	*) break ;;
	esac
	shift
done
mkdir -p build/downloads build/upstream
if [ $# -eq 0 ]; then
	take_any
elif [ -d "$1" ]; then
	take_directory "'$1'" "$1"
else
	take_tarball "$1"
fi
known_list "$version" || version="$version unchecked"
printf '%s\n' "$version"
