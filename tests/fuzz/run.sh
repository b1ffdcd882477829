#!/bin/sh
# Fuzzes the XDP program's packet path, compiled for this machine, against a model.
#
# usage: tests/fuzz/run.sh [--seconds N] [--bpf DIRECTORY] [--out DIRECTORY] [--replay FILE...]
#   --seconds N      how long (default 40)
#   --bpf DIRECTORY  another copy of bpf/
#   --out DIRECTORY  where it is built and the corpus is kept (default build/fuzz)
#   --replay FILE... says what becomes of inputs that were found, and does not fuzz
#
# Prints TAP. A finding is printed as C and kept in DIRECTORY/findings. Without
# clang's libFuzzer inputs are made by chance, which finds less.
set -eu
cd "$(dirname "$0")/../.."

seconds=40
bpf=bpf
out=build/fuzz
replay=no
while [ $# -gt 0 ]; do
	case $1 in
	--seconds) seconds=$2 && shift ;;
	--bpf) bpf=$2 && shift ;;
	--out) out=$2 && shift ;;
	--replay)
		replay=yes
		shift
		break
		;;
	*)
		sed -n '/^# usage/,/^#   --replay/s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
	shift
done

clang=${CLANG:-clang}
if ! command -v "$clang" >/dev/null 2>&1; then
	echo "1..0 # SKIP no clang"
	exit 0
fi
mkdir -p "$out/corpus" "$out/findings"
common="tests/model/frame.c tests/model/world.c tests/model/model.c tests/model/judge.c tests/fuzz/machine.c
	tests/fuzz/packet.c tests/fuzz/race.c tests/fuzz/scenario.c tests/fuzz/seed.c tests/fuzz/text.c
	tests/fuzz/trial.c tests/fuzz/trouble.c"

# Whether clang compiles, with these options, a program that does nothing.
can() { # the program, options...
	printf '%s\n' "$1" >"$out/can.c"
	shift
	"$clang" "$@" "$out/can.c" -o "$out/can" >"$out/can.log" 2>&1
}

# A table can change between the program's loads only if those are traced (clang 14).
races=
if can 'int main(void) { return 0; }' -fsanitize-coverage=inline-8bit-counters,trace-loads; then
	races=-fsanitize-coverage=inline-8bit-counters,trace-loads
fi

# BPF has no alignment to keep. The loads of the program alone are traced.
build() { # sanitizers, of the program, the file with the start, what it is called
	options="-std=gnu11 -O2 -g -Wall -Wextra -Wno-address-of-packed-member -Werror -fno-omit-frame-pointer
		-Itests/fuzz/shim -I$bpf -Itests -Itests/fuzz"
	sanitize="-fno-sanitize=alignment -fno-sanitize-recover=all"
	# shellcheck disable=SC2086
	"$clang" $options -fsanitize="$2" $sanitize $races -c tests/fuzz/program.c -o "$out/program.o" &&
		"$clang" $options -fsanitize="$1" $sanitize $common "$3" "$out/program.o" -o "$out/$4"
}

n=0
result() { # 0 or 1, what
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

does_not_compile() { # log
	echo "1..1"
	sed 's/^/# /' "$1"
	result 1 "the packet path compiles for this machine"
	exit 1
}

build address,undefined address,undefined tests/fuzz/replay.c replay >"$out/build.log" 2>&1 ||
	does_not_compile "$out/build.log"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
if [ "$replay" = yes ]; then
	exec "$out/replay" "$@"
fi

fuzzer=no
if can '#include <stdint.h>
#include <stddef.h>
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length) { return input && length ? 0 : 0; }' \
	-fsanitize=fuzzer,address,undefined; then
	fuzzer=yes
	build fuzzer,address,undefined fuzzer-no-link,address,undefined tests/fuzz/fuzz.c fuzz >"$out/build-fuzz.log" 2>&1 ||
		does_not_compile "$out/build-fuzz.log"
fi

"$out/replay" --seeds "$out/seeds"
echo "1..3"
status=0
"$out/replay" "$out"/seeds/* >"$out/seeds.log" 2>&1 || status=1
if [ "$status" -ne 0 ]; then
	# The first that is wrong, in full.
	for seed in "$out"/seeds/*; do
		"$out/replay" "$seed" >"$out/one.log" 2>&1 || break
	done
	sed 's/^/# /' "$out/one.log"
fi
result "$status" "every seed comes out as the model says"

# Seeds that end before the change show nothing.
unchanged=0
changed=$(sed -n 's/^.* a table changed in \([0-9]*\) runs .*/\1/p' "$out/seeds.log")
what="tables changed while the program read them"
if [ -z "$races" ]; then
	result 0 "$what # SKIP clang does not trace loads (clang 14)"
elif [ "${changed:-0}" -ge 50 ]; then
	result 0 "$what, in ${changed} seeds"
else
	unchanged=1
	result 1 "$what, in ${changed:-0} seeds"
fi

found=0
if [ "$fuzzer" = yes ]; then
	what="$seconds seconds of coverage-guided inputs"
	timeout -k 10 $((seconds + 120)) "$out/fuzz" -max_total_time="$seconds" -max_len=512 -len_control=0 \
		-print_final_stats=1 -artifact_prefix="$out/findings/" "$out/corpus" "$out/seeds" \
		>"$out/fuzz.log" 2>&1 </dev/null || found=1
	grep -E '^stat::|DONE' "$out/fuzz.log" | sed 's/^/# /' || :
else
	what="$seconds seconds of inputs by chance (no libFuzzer here)"
	timeout -k 10 $((seconds + 120)) "$out/replay" --random "$seconds" >"$out/fuzz.log" 2>&1 || found=1
	grep '^# ' "$out/fuzz.log" || :
fi
if [ "$found" -ne 0 ]; then
	grep -vE '^#[0-9]+[[:space:]]|^INFO:|fuzzer::|/libc|^NOTE:|_start' "$out/fuzz.log" | tail -n 250 | sed 's/^/# /'
fi
result "$found" "$what find nothing"
[ "$status" -eq 0 ] && [ "$unchanged" -eq 0 ] && [ "$found" -eq 0 ]
