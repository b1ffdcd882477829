#!/bin/sh
# Builds without XDP, and without libxdp: what they are linked with, and what they
# say to who asks for what they do not have.
set -eu
cd "$(dirname "$0")/../.."
release=$(cd -P build/bin/.. && pwd)
# shellcheck source=tests/upstream/tap.sh
. tests/upstream/tap.sh

build() { # option
	rm -rf "$scratch/tree"
	mkdir "$scratch/tree"
	cp -R bpf configure examples Makefile.in man packaging src upstream.ini VERSION "$scratch/tree/"
	(cd "$scratch/tree" && ./configure "$1" --with-coturn="$release" && make -j2 all) </dev/null
}

# What the server says until it ends, or is ended.
server() { # options...
	timeout 3 "$scratch/tree/build/bin/turnserver" -n -L 127.0.0.1 -E 127.0.0.1 -p 34780 --no-tls --no-dtls \
		--no-cli --userdb "$scratch/turndb" --pidfile "$scratch/pid" --log-file stdout "$@" 2>&1 </dev/null
}

says() { # words, options...
	words=$1
	shift
	server "$@" | grep -F "$words"
}

goes_on() { # options...
	status=0
	server "$@" >"$scratch/output" || status=$?
	[ "$status" -eq 124 ] || { cat "$scratch/output"; return 1; }
}

refuses() { # options...
	status=0
	server "$@" >"$scratch/output" || status=$?
	[ "$status" -eq 1 ] || { cat "$scratch/output"; return 1; }
}

linked_with() { ldd "$scratch/tree/build/bin/turnserver" | grep -q "$1"; }
not_linked_with() { ! linked_with "$1"; }

holds "builds without XDP" build --without-xdp
holds "without libbpf" not_linked_with libbpf
holds "--version says so" sh -c "'$scratch/tree/build/bin/turnserver' --version | grep -q 'which this build leaves out'"
holds "says so when the offload is asked for" says "built without XDP" --xdp-offload
holds "and relays in userspace" goes_on --xdp-offload
holds "or does not start, if that is required" refuses --xdp-offload --xdp-required
holds "starts as ever" goes_on

holds "builds without libxdp" build --without-libxdp
holds "without libxdp" not_linked_with libxdp
holds "with libbpf" linked_with libbpf
plan
