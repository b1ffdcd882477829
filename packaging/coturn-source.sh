#!/bin/sh
# Obtains the sources of a release of coturn that upstream.ini pins, checks them, and
# copies what is used of them into build/upstream. configure runs it at the top of the
# tree.
#
# usage: coturn-source.sh                      the default release, from the distribution
#        coturn-source.sh DIRECTORY | TARBALL  from there
#        coturn-source.sh --list DIRECTORY     only list what is used of these sources
#
# Prints the version of coturn, or the list. Otherwise prints why there is none, and
# ends with status 1.
set -eu

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

ini() { # section, key ('' is the part before the first section)
	awk -v section="$1" -v key="$2" '
		/^\[/ { here = substr($0, 2, index($0, "]") - 2); next }
		here == section && $1 == key && $2 == "=" { print $3; exit }' upstream.ini
}
known_versions() { sed -n 's/^\[\(.*\)\]$/\1/p' upstream.ini | paste -s -d ' ' -; }
sum() { sha256sum <"$1" | cut -d ' ' -f 1; }

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

# Leaves the list in $scratch/list.
check() { # what, directory, version
	list "$1" "$2" >"$scratch/list"
	found=$(sum "$scratch/list")
	wanted=$(ini "$3" tree)
	[ "$found" != "$wanted" ] || return 0
	first=
	! known_list "$3" || first=$(first_difference "$known" "$scratch/list")
	refuse "$1" "$3" "$found" "$wanted" "$first"
}

# --- where they come from ----------------------------------------------------

# What is already unpacked is used again only while it is intact.
already_unpacked() { # version
	known_list "$1" && list it "build/upstream/coturn-$1" 2>/dev/null | cmp -s - "$known"
}

take_directory() { # what, directory
	[ -f "$2/src/ns_turn_defs.h" ] || fail "there is no coturn in $1 (no src/ns_turn_defs.h)"
	version=$(sed -n 's/^#define TURN_SERVER_VERSION "\(.*\)".*/\1/p' "$2/src/ns_turn_defs.h" | head -n 1)
	[ -n "$version" ] || fail "cannot tell the version of the coturn in $1"
	[ -n "$(ini "$version" tree)" ] ||
		fail "$1 is coturn $version, which this project has not been built on" \
			"it knows: $(known_versions) (see upstream.ini)"
	check "$1" "$2" "$version"
	! already_unpacked "$version" || return 0
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
	mkdir "$scratch/unpacked"
	if ! tar -xf "$1" --no-same-owner --strip-components=1 -C "$scratch/unpacked" 2>"$scratch/message"; then
		sed 's/^/  /' "$scratch/message" >&2
		default=$(ini '' default)
		refuse "'$1' is not a tarball, and" "$default" "$(sum "$1")" "$(ini "$default" tarball)"
	fi
	take_directory "'$1'" "$scratch/unpacked"
}

take_default() {
	default=$(ini '' default)
	wanted=$(ini "$default" tarball)
	tarball=
	for file in build/downloads/coturn_"$default".orig.tar.*; do
		if [ -f "$file" ] && [ "$(sum "$file")" = "$wanted" ]; then
			tarball=$file
		fi
	done
	if [ -z "$tarball" ]; then
		echo "fetching coturn $default: the source package of this distribution" >&2
		tarball=$(packaging/apt-source.sh "$default" build/downloads 2>"$scratch/message") ||
			fail "$(cat "$scratch/message")" \
				"download coturn $default elsewhere and give it to me: ./configure --with-coturn=TARBALL"
	fi
	found=$(sum "$tarball")
	[ "$found" = "$wanted" ] || refuse "'$tarball'" "$default" "$found" "$wanted"
	take_tarball "$tarball"
}

if [ "${1:-}" = --list ]; then
	[ $# -eq 2 ] || fail "--list wants a directory"
	list "'$2'" "$2"
	exit
fi
mkdir -p build/downloads build/upstream
if [ $# -eq 0 ]; then
	take_default
elif [ -d "$1" ]; then
	take_directory "'$1'" "$1"
else
	take_tarball "$1"
fi
printf '%s\n' "$version"
