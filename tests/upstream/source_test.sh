#!/bin/sh
# coturn's sources given as a directory, a tarball or a git checkout: the released ones
# are taken, and only what is used of them; all others are refused, by name.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
# shellcheck source=tests/upstream/tap.sh
. tests/upstream/tap.sh
# shellcheck source=packaging/pins.sh
. packaging/pins.sh

# The release that this tree is built on.
version=$(sed -n 's/^version = //p' Makefile)
release=$top/build/upstream/coturn-$version
pinned=$(ini "$version" tree)
[ -n "$pinned" ] || skip_all "sources" "upstream.ini does not pin coturn $version"

# A folder of its own, so that the build's sources are left alone.
mkdir "$scratch/tree"
cp -R packaging upstream.ini "$scratch/tree/"
taken=$scratch/tree/build/upstream/coturn-$version
source_of() { (cd "$scratch/tree" && timeout 60 packaging/coturn-source.sh "$@" </dev/null); }
sum_of() { source_of --list "$1" | sha256sum | cut -d ' ' -f 1; }

# What a refused directory may not do: stay, or take the place of what was there.
nothing_came_of_it() {
	[ ! -e "$scratch/tree/build/upstream/new/configure" ] || return 1
	[ ! -e "$taken" ] || [ "$(sum_of "$taken")" = "$pinned" ]
}

refuses() { # line that is printed, source
	if source_of "$2"; then
		return 1
	fi >"$scratch/said" 2>&1
	cat "$scratch/said"
	grep -qxF -e "configure: $1" "$scratch/said" && nothing_came_of_it
}

# --- the released sources ---
# With a build in it, and with files that nothing here uses.
cp -Rp "$release" "$scratch/built"
mkdir -p "$scratch/built/bin" "$scratch/built/sqlite" "$scratch/built/.git"
for unused in Makefile GNUmakefile make-man.sh bin/turnserver sqlite/turndb .git/config; do
	echo unused >"$scratch/built/$unused"
done
taken_alone() {
	[ "$(source_of "$1")" = "$version" ] && [ "$(sum_of "$taken")" = "$pinned" ] || return 1
	(cd "$taken" && find . ! -type d) | sed 's|^\./||' | LC_ALL=C sort >"$scratch/there"
	sed -e 's/^link \(.*\) -> .*/\1/' -e 's/^[a-z]* [0-9a-f]*  //' "$taken.list" | LC_ALL=C sort |
		diff - "$scratch/there"
}
holds "a directory with a build in it is taken, without what is not used" taken_alone "$scratch/built"
rm -rf "$scratch/built"
cp -Rp "$taken" "$scratch/coturn"
cp "$taken.list" "$scratch/list"

again() { rm -rf "$scratch/tree/build"; taken_alone "$@"; }
tar -cJf "$scratch/coturn.tar.xz" -C "$scratch" coturn
holds "a tarball of the same files is taken" again "$scratch/coturn.tar.xz"
# Other bits of the modes are those of who unpacked it.
cp -Rp "$scratch/coturn" "$scratch/private"
chmod -R go= "$scratch/private"
holds "a directory for its owner alone is taken" again "$scratch/private"
if command -v git >/dev/null; then
	(
		cd "$scratch/private"
		git init -q
		git add -A -f
		git -c user.name=test -c user.email=test@example.org commit -q -m release
	)
	git clone -q "$scratch/private" "$scratch/checkout" 2>/dev/null
	holds "a git checkout is taken" again "$scratch/checkout"
else
	skips "a git checkout is taken" "git is not installed"
fi

# --- a tree that was unpacked before ---
source_of "$scratch/coturn" >/dev/null
touch "$taken/kept"
source_of "$scratch/coturn" >/dev/null
holds "the second time nothing is copied" [ -e "$taken/kept" ]
replaced() { source_of "$scratch/coturn" && [ ! -e "$taken/kept" ] && [ "$(sum_of "$taken")" = "$pinned" ]; }
echo 'echo changed' >>"$taken/configure"
holds "an unpacked coturn whose configure was edited is replaced" replaced
touch "$taken/kept"
rm "$taken.list"
holds "so is one whose list is lost" replaced

# --- other sources ---
# The first path that differs is named, because the list of the release is known here.
differs() { # path, what is different, command in a copy of the released tree...
	path=$1
	name=$2
	shift 2
	rm -rf "$scratch/changed"
	cp -Rp "$scratch/coturn" "$scratch/changed"
	(cd "$scratch/changed" && "$@")
	holds "$name" refuses "  the first path that differs: $path" "$scratch/changed"
}
append() { echo >>"$1"; }
differs configure "another configure" append configure
differs Makefile.in "another Makefile.in" append Makefile.in
differs src/server/ns_turn_maps.c "another source" append src/server/ns_turn_maps.c
differs turndb/schema.sql "another schema" append turndb/schema.sql
differs examples/scripts/pack.sh "another example" append examples/scripts/pack.sh
differs src/apps/common/added.h "an added file" touch src/apps/common/added.h
differs examples/.added "an added file whose name begins with a dot" touch examples/.added
differs man/man1/turnadmin.1 "a removed file" rm man/man1/turnadmin.1
differs man/man1/coturn.1 "a link that leads elsewhere" ln -sf turnadmin.1 man/man1/coturn.1
differs man/man1/coturn.1 "a file in place of a link" cp --remove-destination man/man1/turnserver.1 man/man1/coturn.1
differs configure "a configure that is not executable" chmod a-x configure
differs LICENSE "an executable licence" chmod a+x LICENSE
differs src/pipe "a named pipe" mkfifo src/pipe
in_place_of() { mv "$1" "$scratch/moved" && ln -s "$scratch/moved" "$1"; }
differs configure "a link in place of a file, with the same content" in_place_of configure
rm -rf "$scratch/moved"
differs src "a link in place of a folder, with the same files" in_place_of src
differs INSTALL "of two paths the first" sh -c 'echo >>INSTALL; echo >>configure'
both_sums() {
	grep -qxF "configure:   SHA-256 found:    $(sum_of "$scratch/changed")" "$scratch/said" &&
		grep -qxF "configure:   SHA-256 expected: $pinned (upstream.ini)" "$scratch/said"
}
holds "both sums are printed as well" both_sums

tar -cf "$scratch/changed.tar" -C "$scratch" changed
holds "a tarball of other files" refuses "  the first path that differs: INSTALL" "$scratch/changed.tar"
rm "$scratch/changed/turndb/schema.sql" "$scratch/changed/LICENSE"
holds "a file that is needed at the top is missing" \
	refuses "there is no coturn in '$scratch/changed' (no LICENSE)" "$scratch/changed"
cp -p "$scratch/coturn/LICENSE" "$scratch/changed/"
# It could pass for the line of a file that is missing.
ln -sfn "turnserver.1
$(grep turndb/schema.sql "$scratch/list")" "$scratch/changed/man/man1/coturn.1"
holds "a link whose target has a line break" \
	refuses "a name in '$scratch/changed' has a line break: man/man1/coturn.1" "$scratch/changed"

# --- other sources, before any release was unpacked ---
rm -rf "$scratch/tree/build" "$scratch/changed"
cp -Rp "$scratch/coturn" "$scratch/changed"
echo >>"$scratch/changed/configure"
holds "no path is known: refused" refuses "'$scratch/changed' is not the released coturn $version" "$scratch/changed"
holds "with both sums" both_sums
unnamed() {
	refuses "'$scratch/changed' is not the released coturn $version" "$scratch/changed" &&
		! grep 'path that differs' "$scratch/said"
}
echo "file 0  src" >"$scratch/tree/build/upstream/coturn-$version.list"
holds "a list that is not the release's names no path" unnamed
plan
