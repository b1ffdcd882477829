#!/bin/sh
# Makes build/vm/linux-VERSION: vmlinuz, modules and an initramfs, from Debian's
# packages. apt asks for them by name, with lists and caches of its own, at the
# mirror that this machine uses; what apt knows of this machine is not touched.
#
# usage: tests/vm/kernel.sh VERSION [headers]
#   headers  and build/vm/linux-VERSION/headers, to build modules against:
#            make -C build/vm/linux-VERSION/headers M=FOLDER
# The last line of what it says is why it failed.
set -eu
cd "$(dirname "$0")/../.."
umask 022
export LC_ALL=C

case ${1:-} in
5.10) suite=bullseye ;;
6.1) suite=bookworm ;;
6.12) suite=trixie ;;
7) suite=trixie-backports ;;
*) echo "no such kernel: ${1:-none}"; exit 2 ;;
esac
version=$1
tools_suite=bookworm
top=$PWD/build/vm
linux=$top/linux-$version
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "$*" >&2; }
die() { say "$*"; exit 1; }

[ "$(uname -m)" = x86_64 ] || die "kernels of amd64 only"
mkdir -p "$top"
# Another run may be at the same.
if [ "${VM_LOCKED:-}" != yes ] && command -v flock >/dev/null; then
	exec env VM_LOCKED=yes flock -w 900 "$top/lock" tests/vm/kernel.sh "$@"
fi

# --- packages --------------------------------------------------------------

private_apt() { # suite, limit in seconds, command...
	private=$top/apt/$1
	limit=$2
	program=$3
	shift 3
	timeout "$limit" "$program" -o Dir::Etc::SourceList="$private/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$private" -o Dir::State::Status="$private/status" -o Dir::Cache="$private" \
		-o APT::Architecture=amd64 -o Acquire::Languages=none -o APT::Sandbox::User=root \
		-o Acquire::http::Timeout=60 -o Acquire::Retries=2 "$@" </dev/null
}

mirror() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's/^Debian //p' | head -n 1
}

# The list of what a suite has, fetched once.
packages_list() { # suite
	private=$top/apt/$1
	[ ! -e "$private/complete" ] || return 0
	command -v apt-get >/dev/null || die "needs apt"
	[ -f "$keyring" ] || die "needs debian-archive-keyring"
	url=${DEBIAN_MIRROR:-$(mirror)}
	[ -n "$url" ] || die "apt has no mirror of Debian"
	mkdir -p "$private/lists/partial" "$private/archives/partial"
	: >"$private/status"
	echo "deb [signed-by=$keyring] $url $1 main" >"$private/sources.list"
	private_apt "$1" 300 apt-get update --error-on=any >&2 || die "the mirror does not have $1"
	: >"$private/complete"
}

depends() { # suite, package
	private_apt "$1" 60 apt-cache depends "$2" | sed -n 's/^ *Depends: //p'
}

# A package, as $top/package.deb.
package_get() { # suite, package
	packages_list "$1"
	rm -rf "$top/new" "$top/package.deb"
	mkdir "$top/new"
	(cd "$top/new" && private_apt "$1" 600 apt-get download "$2" >&2) || die "cannot download $2"
	mv "$top"/new/*.deb "$top/package.deb"
	rmdir "$top/new"
}

# One static program that is a shell, makes archives and loads modules.
busybox=$top/busybox
if [ ! -x "$busybox" ]; then
	package_get "$tools_suite" busybox-static
	dpkg-deb --fsys-tarfile "$top/package.deb" | tar -xO ./bin/busybox >"$busybox.new"
	chmod +x "$busybox.new"
	"$busybox.new" true || die "busybox does not run"
	mv "$busybox.new" "$busybox"
fi

# --- the kernel and its modules --------------------------------------------

# What tests may want; all of the modules would be 400 MB.
wanted() {
	for folder in net fs/9p fs/netfs fs/fscache fs/overlayfs lib crypto drivers/virtio drivers/net/bonding \
		drivers/net/team drivers/net/netdevsim; do
		echo "*/kernel/$folder/*"
	done
	for module in veth dummy macvlan ifb virtio_net net_failover ethernet/intel/e1000/e1000 \
		ethernet/intel/e1000e/e1000e vmxnet3/vmxnet3; do
		echo "*/kernel/drivers/net/$module.ko*"
	done
	echo '*/kernel/drivers/char/virtio_console.ko*'
	printf '%s\n' '*/modules.builtin*' '*/modules.order' '*/vmlinuz*'
}

# What it does not have is not unpacked; whether that matters shows in the guest.
unpack() { # package
	package_get "$suite" "$1"
	dpkg-deb --fsys-tarfile "$top/package.deb" |
		tar -x -C "$linux.new" --wildcards -T "$top/wanted" 2>"$top/unpack.log" || :
	rm -f "$top/package.deb"
}

wanted >"$top/wanted"
if [ ! -e "$linux/vmlinuz" ] || ! cmp -s "$top/wanted" "$linux/wanted"; then
	rm -rf "$linux" "$linux.new"
	mkdir -p "$linux.new/lib"
	cp "$top/wanted" "$linux.new/wanted"
	packages_list "$suite"
	package=$(depends "$suite" linux-image-amd64 | grep -E '^linux-image-[0-9]' || :)
	[ -n "$package" ] || die "$suite has no linux-image-amd64"
	unpack "$package"
	# Of later kernels the image and the modules are packages of their own.
	for part in $(depends "$suite" "$package" | grep -E '^linux-(binary|modules)-[0-9]' || :); do
		unpack "$part"
	done
	find "$linux.new" -name 'vmlinuz*' -exec mv {} "$linux.new/vmlinuz" \;
	[ -f "$linux.new/vmlinuz" ] || die "$package has no kernel"
	[ ! -d "$linux.new/usr/lib/modules" ] || mv "$linux.new/usr/lib/modules" "$linux.new/lib/modules"
	rm -rf "$linux.new/boot" "$linux.new/usr"
	find "$linux.new/lib" -name '*.ko.xz' -exec xz -d {} +
	for folder in "$linux.new"/lib/modules/*; do
		(cd "$linux.new" && "$busybox" depmod -b "$linux.new" "${folder##*/}")
	done
	mv "$linux.new" "$linux"
fi

# --- the initramfs ---------------------------------------------------------

# The modules that the root needs, and those that these need.
closure() { # modules.dep, module...
	awk -F: -v want="$2" '
		{ name = $1; sub(/.*\//, "", name); sub(/\.ko$/, "", name); path[name] = $1; needs[$1] = $2 }
		function take(file, i, n, part) {
			if (file == "" || (file in taken))
				return
			taken[file] = 1
			print file
			n = split(needs[file], part, " ")
			for (i = 1; i <= n; i++)
				take(part[i])
		}
		END { n = split(want, names, " "); for (i = 1; i <= n; i++) take(path[names[i]]) }' "$1"
}

if [ -z "$(find "$linux/initramfs" -newer tests/vm/init -newer tests/vm/kernel.sh 2>/dev/null)" ]; then
	root=$linux/root
	release=$(basename "$linux"/lib/modules/*)
	modules=lib/modules/$release
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/$modules" "$root/dev" "$root/proc" "$root/sys" "$root/mnt"
	cp "$busybox" "$root/bin/busybox"
	cp tests/vm/init "$root/init"
	cp "$linux/$modules"/modules.* "$root/$modules/"
	closure "$linux/$modules/modules.dep" 'virtio_pci 9pnet_virtio 9p overlay' | while read -r file; do
		mkdir -p "$root/$modules/${file%/*}"
		cp "$linux/$modules/$file" "$root/$modules/$file"
	done
	(cd "$root" && find . | "$busybox" cpio -o -H newc) | gzip -1 >"$linux/initramfs.new"
	rm -rf "$root"
	mv "$linux/initramfs.new" "$linux/initramfs"
fi

# --- headers, if they are wanted -------------------------------------------

# All files of a package.
headers_unpack() { # package
	package_get "$suite" "$1"
	dpkg-deb -x "$top/package.deb" "$linux/packages"
	rm -f "$top/package.deb"
}

# Has a program run with the C library of its release.
library_use() { # program
	libc=$linux/packages/usr/lib/x86_64-linux-gnu
	[ -e "$libc/libc.so.6" ] || headers_unpack libc6
	mv "$1" "$1.program"
	printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' "$libc/ld-linux-x86-64.so.2" "$libc" "$1.program" >"$1"
	chmod +x "$1"
}

headers_get() {
	release=$(basename "$linux"/lib/modules/*)
	rm -rf "$linux/packages"
	mkdir "$linux/packages"
	headers_unpack "linux-headers-$release"
	for part in $(depends "$suite" "linux-headers-$release" | grep -E '^linux-(headers-.*-common|kbuild)' || :); do
		headers_unpack "$part"
	done
	sed -i "s|/usr/src|$linux/packages/usr/src|" "$linux/packages/usr/src/linux-headers-$release/Makefile"
	# Its programs may want a newer C library than this machine has: they get their own release's.
	for program in "$linux"/packages/usr/lib/linux-kbuild-*/*/*/*; do
		case $program in
		*/objtool*|*/modpost*|*/fixdep) ;;
		*) continue ;;
		esac
		"$program" </dev/null 2>&1 | grep -q 'GLIBC_.* not found' || continue
		library_use "$program"
	done
	ln -sfn "packages/usr/src/linux-headers-$release" "$linux/headers"
}

if [ "${2:-}" = headers ] && [ ! -e "$linux/headers" ]; then
	headers_get
fi
