#!/bin/sh
# configure given bad input: one clear message each, and never another coturn
# than the released one. And the build's own check of the hooks.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
# shellcheck source=tests/upstream/tap.sh
. tests/upstream/tap.sh
# shellcheck source=packaging/pins.sh
. packaging/pins.sh

# A source tree of its own, so that the real one's build is left alone.
mkdir "$scratch/tree"
cp -R configure packaging Makefile.in upstream.ini VERSION "$scratch/tree/"
# Nothing is asked of upstream's repository here: releases_test.sh has mirrors of it.
configure() {
	(cd "$scratch/tree" && timeout 200 ./configure --coturn-repository="$scratch/no-mirror" "$@") \
		>"$scratch/output" 2>&1 </dev/null
}

succeeds() { # name, options...
	name=$1
	shift
	verify "$name" configure "$@"
}

fails() { # name, words that the message has, options...
	name=$1
	words=$2
	shift 2
	if configure "$@"; then
		result "not ok" "$name: it succeeds"
		return
	fi
	for word in $words; do
		if ! grep -qF -e "$word" "$scratch/output"; then
			result "not ok" "$name: no '$word' in the message"
			return
		fi
	done
	result ok "$name"
}

# --- options ---
fails "an unknown option is named" "--frob" --frob
fails "an option without its value is named" "--prefix" --prefix
fails "a relative prefix is refused" "--prefix here" --prefix here
fails "a missing --with-coturn is named" "$scratch/none" --with-coturn="$scratch/none"
fails "a directory without coturn is refused" "$scratch" --with-coturn="$scratch"

# --- sources that are not the released ones ---
# The release that this tree is built on.
version=$(sed -n 's/^version = //p' Makefile)
release=$top/build/upstream/coturn-$version
tree=$(ini "$version" tree)

echo "not a tarball" >"$scratch/text.tar.gz"
fails "a file that is no tarball: its sum" "$(sum "$scratch/text.tar.gz") text.tar.gz" \
	--with-coturn="$scratch/text.tar.gz"

if [ -n "$tree" ]; then
	cp -Rp "$release" "$scratch/changed"
	echo >>"$scratch/changed/configure"
	tar -czf "$scratch/changed.tar.gz" -C "$scratch" changed
	found=$(packaging/coturn-source.sh --list "$scratch/changed" | sha256sum | cut -d ' ' -f 1)
	fails "a changed tarball: both sums" "$found $tree changed.tar.gz" --with-coturn="$scratch/changed.tar.gz"
	fails "a changed tree: both sums" "$found $tree $scratch/changed" --with-coturn="$scratch/changed"
	holds "no Makefile comes of it" [ ! -e "$scratch/tree/Makefile" ]
	sed -i 's/^\(#define TURN_SERVER_VERSION\) .*/\1 "9.9.9"/' "$scratch/changed/src/ns_turn_defs.h"
	fails "an unknown version: it, the known ones, and how to try it" "9.9.9 $(pinned_releases | in_words) --coturn-unchecked" \
		--with-coturn="$scratch/changed"
	succeeds "the released tree is taken" --with-coturn="$release"
	holds "without its build products" [ ! -e "$scratch/tree/build/upstream/coturn-$version/bin" ]
	rm -rf "$scratch/tree/build"

	tarball=$scratch/coturn.tar.gz
	tar -czf "$tarball" -C "$top/build/upstream" "coturn-$version"
	succeeds "the released tarball is taken, options in two words" \
		--with-coturn "$tarball" --prefix /opt/turn --mandir=/opt/man
	holds "coturn's options reach coturn" grep -q -e '--prefix=/opt/turn --manprefix=/opt/man' "$scratch/tree/Makefile"
	unpacked=$scratch/tree/build/upstream/coturn-$version
	touch "$unpacked/kept"
	configure --with-coturn "$tarball" || :
	holds "a second configure unpacks nothing" [ -e "$unpacked/kept" ]
	# A pkg-config that has heard of no PostgreSQL but what is in a file.
	cat >"$scratch/pkg-config" <<END
#!/bin/sh
case \$* in *libpq*) exec test -e "$scratch/libpq" ;; esac
exec $(command -v pkg-config) "\$@"
END
	chmod +x "$scratch/pkg-config"
	PKGCONFIG=$scratch/pkg-config configure --with-coturn "$tarball" || :
	touch -d 2020-01-01 "$scratch/tree/Makefile"
	PKGCONFIG=$scratch/pkg-config configure --with-coturn "$tarball" || :
	holds "an unchanged Makefile keeps its date" [ -n "$(find "$scratch/tree/Makefile" ! -newermt 2020-01-02)" ]
	touch "$scratch/libpq"
	PKGCONFIG=$scratch/pkg-config configure --with-coturn "$tarball" || :
	holds "a database's library that is installed later makes another" \
		[ -n "$(find "$scratch/tree/Makefile" -newermt 2020-01-02)" ]
	echo >>"$unpacked/src/ns_turn_defs.h"
	configure --with-coturn "$tarball" || :
	holds "an unpacked coturn that was edited is replaced" [ ! -e "$unpacked/kept" ]
	rm -rf "$scratch/tree/build"
else
	skips sources "upstream.ini does not pin coturn $version"
fi

# --- what is missing ---
mkdir "$scratch/bin"
for directory in /bin /usr/bin; do
	find "$directory/" -maxdepth 1 ! -type d ! -name 'clang*' -exec ln -sf {} "$scratch/bin/" \;
done
saved=$PATH
PATH=$scratch/bin
fails "no clang: its package, and the build without it" "clang --without-xdp"
configure --packages || :
holds "--packages names it alone" [ "$(cat "$scratch/output")" = clang ]
PATH=$saved

mkdir "$scratch/broken-bpftool"
printf '#!/bin/sh\nexit 1\n' >"$scratch/broken-bpftool/bpftool"
chmod +x "$scratch/broken-bpftool/bpftool"
PATH=$scratch/broken-bpftool:$saved
fails "no bpftool that works: its package" "bpftool apt-get"
PATH=$saved

# --- the hooks ---
cat >"$scratch/hook.c" <<'END'
#include <stdio.h>
char *__wrap_fgets(char *text, int size, FILE *file);
char *__wrap_fgets(char *text, int size, FILE *file)
{
	(void)file;
	return size ? text : NULL;
}
END
cat >"$scratch/main.c" <<'END'
#include <stdio.h>
int main(void)
{
	char text[80];
	return fgets(text, 79, stdin) == NULL;
}
END
for source in hook main; do
	"${CC:-cc}" -O1 -c "$scratch/$source.c" -o "$scratch/$source.o"
done
"${CC:-cc}" -Wl,--wrap=fgets "$scratch/main.o" "$scratch/hook.o" -o "$scratch/whole"
"${CC:-cc}" "$scratch/main.o" "$scratch/hook.o" -o "$scratch/broken"
holds "hooks that are there pass" src/coturn/check-hooks.sh "$scratch/whole" fgets '' "$scratch/hook.o"
name="a lost hook fails, and is named"
if src/coturn/check-hooks.sh "$scratch/broken" fgets '' "$scratch/hook.o" >"$scratch/output" 2>&1; then
	result "not ok" "$name"
elif grep -q 'hook lost: fgets' "$scratch/output"; then
	result ok "$name"
else
	result "not ok" "$name"
fi
plan
