#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Measures the relay against what else there is; README.md in this folder says
# how to read it. This script sees to it that everything is there and built;
# lib/main.py measures.
set -eu

die() {
	echo "bench/run.sh: $*" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

command -v python3 >/dev/null || die "missing; install with: apt-get install python3"
case " $* " in *" -h "* | *" --help "* | *" --report "*) exec python3 -B "$here/lib/main.py" "$@" ;; esac
[ "$(id -u)" = 0 ] || die "needs root, for network namespaces and BPF: run it with sudo"
missing=
for tool in ip:iproute2 ethtool:ethtool clang:clang bpftool:bpftool cc:gcc make:make \
	nft:nftables pkg-config:pkg-config timeout:coreutils taskset:util-linux; do
	command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
[ -z "$missing" ] || die "missing; install with: apt-get install$missing"
pkg-config --exists libbpf || die "missing; install with: apt-get install libbpf-dev"

if [ -z "${TURNSERVER:-}" ] && [ ! -x "$root/build/bin/turnserver" ]; then
	(cd "$root" && ./configure && make) >&2 || die "the build failed"
fi
make -s -C "$here" >&2
# The program of the build, if it is the one that is measured.
[ ! -f "$root/build/turn.skel.h" ] || make -s -C "$here" ../build/bench/cost >&2
exec python3 -B "$here/lib/main.py" "$@"
