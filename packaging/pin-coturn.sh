#!/bin/sh
# Adds a release of coturn to upstream.ini, with the checksums of its sources: the
# mechanical part of what docs/releases.md says.
#
# usage: pin-coturn.sh [--repository URL] VERSION [TARBALL | DIRECTORY]...
#
# The sources are those of the release's tag in upstream's repository, or in the mirror URL,
# and those that are named. All must have the same files. The checksum of the last tarball
# that is named is written too: name the distribution's.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=packaging/pins.sh
. packaging/pins.sh

fail() {
	printf 'pin-coturn: %s\n' "$@" >&2
	exit 1
}

repository=https://github.com/coturn/coturn
if [ "${1:-}" = --repository ]; then
	[ $# -ge 2 ] || fail "--repository wants a URL"
	repository=$2
	shift 2
fi
[ $# -ge 1 ] || fail "usage: packaging/pin-coturn.sh [--repository URL] VERSION [TARBALL | DIRECTORY]..."
version=$1
shift
[ -z "$(ini "$version" tree)" ] || fail "coturn $version is in upstream.ini already"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tree=
tarball=
compare() { # what, directory
	here=$(sed -n 's/^#define TURN_SERVER_VERSION "\(.*\)".*/\1/p' "$2/src/ns_turn_defs.h" | head -n 1)
	[ "$here" = "$version" ] || fail "$1 is coturn ${here:-of no version}, and not $version"
	packaging/coturn-source.sh --list "$2" >"$scratch/list"
	found=$(sum "$scratch/list")
	echo "$found  $1"
	if [ -n "$tree" ] && [ "$found" != "$tree" ]; then
		diff "$scratch/first" "$scratch/list" | sed 's/^/  /' >&2
		fail "$1 has other files: do not pin this release before you know why"
	fi
	tree=$found
	cp "$scratch/list" "$scratch/first"
}

packaging/repository-source.sh "$repository" "$version" "$scratch/clone" >"$scratch/message" ||
	fail "$(cat "$scratch/message")"
compare "tag $version of $repository" "$scratch/clone"
for source; do
	if [ -d "$source" ]; then
		compare "$source" "$source"
		continue
	fi
	rm -rf "$scratch/unpacked"
	mkdir "$scratch/unpacked"
	tar -xf "$source" --no-same-owner --strip-components=1 -C "$scratch/unpacked" || fail "cannot unpack $source"
	compare "$source" "$scratch/unpacked"
	tarball=$(sum "$source")
done

# The first section, which the first empty line comes before.
{
	echo "[$version]"
	[ -z "$tarball" ] || echo "tarball = $tarball"
	echo "tree = $tree"
	echo
} >"$scratch/section"
awk -v section="$scratch/section" '
	{ print }
	!done && /^$/ { while ((getline line <section) > 0) print line; done = 1 }' upstream.ini >"$scratch/ini"
cat "$scratch/ini" >upstream.ini
echo "coturn $version is in upstream.ini now. docs/releases.md says what to do next."
