#!/bin/sh
# Runs in a test machine: whether the kernel's verifier accepts the XDP program,
# and what it counted; then the packet tests. Prints TAP.
set -u
CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT

status=0
echo "# Linux $(uname -r), $(uname -v)"
build/vm/verifier build/turn.bpf.o || status=1
case $(uname -r) in
5.1[0-4].*)
	# No context is given to a test run there, and so no interface (Linux 5.15).
	echo "ok 2 # SKIP packet tests: BPF_PROG_TEST_RUN of this kernel takes no context for XDP"
	python3 tests/vm/relay_test.py || status=1
	tests/vm/privilege_test.sh || status=1
	exit "$status"
	;;
esac
for source in tests/packet/*_test.c; do
	name=$(basename "$source" .c)
	echo "# $name"
	"build/tests/$name" || status=1
done
# Some kernels of machines where tests run permit no tracing programs; these do.
python3 tests/netns/capture_test.py || status=1
exit "$status"
