#!/bin/sh
# Runs in a test machine: whether the kernel's verifier accepts the XDP program,
# and what it counted; then the packet tests. Prints TAP.
set -u
CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT

status=0
echo "# Linux $(uname -r), $(uname -v)"
build/vm/verifier build/turn.bpf.o || status=1
for source in tests/packet/*_test.c; do
	name=$(basename "$source" .c)
	echo "# $name"
	"build/tests/$name" || status=1
done
exit "$status"
