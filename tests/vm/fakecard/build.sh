#!/bin/sh
# Makes build/vm/linux-VERSION/fakecard/fakecard.ko.
#
# usage: tests/vm/fakecard/build.sh VERSION
# The last line of what it says is why it failed.
set -eu
cd "$(dirname "$0")/../../.."
version=${1:?}
here=$PWD/build/vm/linux-$version/fakecard

tests/vm/kernel.sh "$version" headers
mkdir -p "$here"
cp tests/vm/fakecard/Kbuild tests/vm/fakecard/fakecard.c "$here/"
# This machine's compiler may be older than the kernel's and lack one of its options, and it
# may have no pahole.
make -C "build/vm/linux-$version/headers" M="$here" CC=gcc CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= \
	CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$here/log" 2>&1 || {
	cat "$here/log" >&2
	echo "fakecard does not build ($here/log)" >&2
	exit 1
}
