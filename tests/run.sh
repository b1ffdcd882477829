#!/bin/sh
# Installs what is missing, builds, and runs the tests (tests/README.md).
#
# usage: sudo tests/run.sh [--no-install] [--list] [GROUP | GROUP/TEST[:CASE]]...
#   --no-install  installs nothing
#   --list        lists the tests of the groups, or the cases of the tests; runs nothing
#   CASE          a case by its name or, if none has this name, by a part of it
#
# groups: all of them but the last, if nothing is named
#   unit      C, without privileges
#   packet    the XDP program, by BPF_PROG_TEST_RUN
#   netns     the server between namespaces
#   web       calls between pages in a browser; what coturn shows of its sessions in
#             one, and to Prometheus
#   fuzz      the program's C source, compiled for the host, against a model, for 40 seconds
#   upstream  coturn's own tests, the offload off and on; the configure script
#   lint      make lint: C, shell, Python, and the documents
#   sanitize  unit and packet tests, coturn's own tests and two network tests, under ASan
#             and UBSan; relay threads that race, under TSan
#   roots     only if it is named: the build and tests on Debian 12, 13 and unstable, each
#             of their compilers, Debian's coturn replaced, by our package and by hand, in
#             root file systems made by debootstrap; the image of docker/Dockerfile, run
#             by podman; the manifests for Kubernetes
#
# tests/vm/run.sh is apart: it boots other kernels under qemu.
#
# Without root it installs nothing, and what needs root is skipped. With CI=true a
# skipped test is a failed one, unless no such machine can have what it needs
# (tests/lib/result.py has the list).
set -eu
cd "$(dirname "$0")/.."

install=yes
groups=
for word; do
	case $word in
	-h | --help)
		sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' tests/run.sh
		exit 0
		;;
	--no-install | --list) install=no ;;
	*) groups="$groups ${word%%/*}" ;;
	esac
done
# Our own files have no warnings, whichever compiler builds them.
export WERROR=-Werror
# shellcheck disable=SC2086
[ "$install" = no ] || tests/lib/install.sh base $groups
exec python3 -B tests/lib/main.py "$@"
