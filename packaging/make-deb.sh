#!/bin/sh
# Makes the Debian source and binary package coturn-xdp, in build/deb. `make deb` runs it at
# the top of the tree, after configure has obtained coturn.
#
# usage: make-deb.sh VERSION VERSION-OF-COTURN
#
# The source package has two tarballs: this project, and the sources of coturn that are
# used, as they have been checked against upstream.ini. So it builds without a network.
set -eu

version=$1+coturn$2
coturn=build/upstream/coturn-$2
place=build/deb
tree=$place/coturn-xdp-$version

fail() {
	printf 'make deb: %s\n' "$@" >&2
	exit 1
}

for tool in dpkg-buildpackage dh; do
	command -v "$tool" >/dev/null ||
		fail "there is no $tool; install what the package needs:" "  sudo apt-get build-dep ./packaging"
done
[ -f "$coturn.list" ] || fail "a package is only made of a release of coturn that upstream.ini names, not of $coturn"

# In a checkout, what git ignores is not a part of the project.
our_files() {
	git ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . \( -path ./build -o -path ./Makefile -o -path ./.git -o -name __pycache__ \) -prune -o ! -type d -print
}

coturn_files() {
	sed -e 's/^link \(.*\) -> .*/\1/' -e 's/^[a-z]* [0-9a-f]\{64\}  //' "$coturn.list"
}

copy() { # from, to; the list of files comes in
	mkdir -p "$2"
	tar -C "$1" -T - -cf - | tar -C "$2" --no-same-owner -xf -
}

# The same files make the same tarball.
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y ChangeLog)}
pack() { # tarball, folder, words of tar...
	tarball=$1
	folder=$2
	shift 2
	tar -C "$place" --sort=name --mtime="@$date" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		"$@" -cJf "$place/$tarball" "$folder"
}

# A suffix for each release of Debian, so that packages for two of them are not taken for one.
release() { # name of a variable of os-release
	sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release
}
suffix=
[ -z "$(release VERSION_ID)" ] || suffix="~$(release ID)$(release VERSION_ID)"
suite=$(release VERSION_CODENAME)

rm -rf "$place"
our_files | copy . "$tree"
pack "coturn-xdp_$version.orig.tar.xz" "${tree##*/}"
coturn_files | copy "$coturn" "$tree/coturn"
pack "coturn-xdp_$version.orig-coturn.tar.xz" "${tree##*/}/coturn" --transform="s|^${tree##*/}/||S"

cp -R packaging/debian "$tree/debian"
echo "$2" >"$tree/debian/coturn-version"
cat >"$tree/debian/changelog" <<END
coturn-xdp ($version-1$suffix) ${suite:-unstable}; urgency=medium

  * coturn $2 with kernel offload $1.
  * What has changed is in the file ChangeLog.

 -- $(sed -n 's/^Maintainer: //p' packaging/debian/control)  $(date -u -R -d "@$date")
END

# Upstream's make must not see what make has put there for this one.
(cd "$tree" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc) >"$place/build.log" 2>&1 || {
	tail -n 20 "$place/build.log"
	exit 1
}
rm -rf "$tree"
ls "$place"/*.deb "$place"/*.dsc
