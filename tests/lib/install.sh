#!/bin/sh
# Installs what the tests need and the machine does not have (Debian, Ubuntu).
#
# usage: tests/lib/install.sh base|more [GROUP...]
#   base  what must be there before anything is built
#   more  what only some tests of these groups need, while others run already: clang's
#         sanitizers, servers of databases, a browser
# Without a group: for those that run if none is named, which is all but roots.
#
# Without root it installs nothing and says what is missing: the tests that need it
# are then skipped.
set -eu
cd "$(dirname "$0")/../.."
part=$1
shift
groups=" $* "
PATH=$PATH:/usr/sbin:/sbin

wanted() { # group
	case $groups in
	*" $1 "*) return 0 ;;
	"  ") [ "$1" != roots ] ;;
	*) return 1 ;;
	esac
}

# The package of each program that is not here.
packages_of() { # program:package...
	for pair; do
		command -v "${pair%:*}" >/dev/null 2>&1 || echo "${pair#*:}"
	done
}

updated=no
install() { # what it says, packages and options of apt-get...
	said=$1
	shift
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		echo "missing, and not installed without root: $said"
		return 0
	fi
	echo "installing: $said"
	mkdir -p build
	export DEBIAN_FRONTEND=noninteractive
	# A package index that cannot be renewed may still do.
	[ "$updated" = yes ] || timeout 300 apt-get update </dev/null >"build/install-$part.log" 2>&1 || :
	updated=yes
	timeout 900 apt-get install -y --no-install-recommends "$@" </dev/null >>"build/install-$part.log" 2>&1 ||
		{ tail -n 20 "build/install-$part.log"; echo "cannot install: $said"; }
}

install_packages() { # packages...
	[ $# -eq 0 ] || install "$*" "$@"
}

base_packages() {
	./configure --packages
	packages_of ip:iproute2 ethtool:ethtool nft:nftables iptables-legacy:iptables python3:python3 unshare:util-linux redis-check-rdb:redis-tools \
		capsh:libcap2-bin tshark:tshark shellcheck:shellcheck cppcheck:cppcheck pylint:pylint clang-format:clang-format
	[ -e /usr/include/cmocka.h ] || echo libcmocka-dev
	# What coturn is built with where it is there; the tests want it to be.
	pkg-config --exists libpq 2>/dev/null || echo libpq-dev
	pkg-config --exists mariadb 2>/dev/null || pkg-config --exists mysqlclient 2>/dev/null ||
		echo default-libmysqlclient-dev
	! wanted upstream || packages_of systemd-analyze:systemd
	! wanted roots || packages_of debootstrap:debootstrap podman:podman runc:runc
	! wanted roots || [ -e /usr/lib/podman/netavark ] || echo netavark
}

# The sanitizers and libFuzzer, which clang's package only recommends.
clang_packages() {
	resources=$("${CLANG:-clang}" -print-resource-dir 2>/dev/null) || return 0
	[ -e "$resources/include/sanitizer/asan_interface.h" ] ||
		echo "libclang-rt-$("${CLANG:-clang}" -dumpversion | cut -d. -f1)-dev"
}

# What is missing of the databases that users can be in, and of Prometheus.
database_packages() {
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ||
		apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: \(postgresql-[0-9]*\)$/\1/p'
	packages_of "mariadbd:mariadb-server-core mariadb-client-core" prometheus:prometheus
}

# Unpacks packages of servers below build/databases, with what they need and is
# not here: installed, they would start services, or take the place of others.
unpack_packages() { # packages...
	[ $# -gt 0 ] || return 0
	# What was unpacked earlier may lack what a newer test needs.
	! echo "$*" | cmp -s - build/databases/packages || return 0
	rm -rf build/databases.new
	mkdir -p build/databases.new/archives/partial
	install "$*, below build/databases" --download-only \
		-o Dir::Cache::archives="$(pwd)/build/databases.new/archives" "$@"
	for archive in build/databases.new/archives/*.deb; do
		[ -f "$archive" ] || return 0
		dpkg -x "$archive" build/databases.new
	done
	rm -rf build/databases.new/archives build/databases
	echo "$*" >build/databases.new/packages
	mv build/databases.new build/databases
}

# What only the browser needs is large, and installed for its test alone. Without it
# the test says what it misses.
prepare_browser() {
	# shellcheck disable=SC2046
	install_packages $(packages_of chromium:chromium node:nodejs npm:npm openssl:openssl)
	if ! cmp -s tests/web/package.json build/web/package.json && command -v npm >/dev/null 2>&1; then
		echo "installing: playwright-core, by npm"
		mkdir -p build/web
		cp tests/web/package.json build/web/
		(cd build/web && timeout 300 npm install --no-audit --no-fund \
			--no-package-lock --ignore-scripts) </dev/null >build/web/install.log 2>&1 ||
			{ tail -n 5 build/web/install.log; rm -f build/web/package.json; }
	fi
}

# shellcheck disable=SC2046
case $part in
base) install_packages $(base_packages) ;;
more)
	! wanted fuzz || install_packages $(clang_packages)
	! wanted netns || unpack_packages $(database_packages)
	! wanted web || prepare_browser
	;;
esac
