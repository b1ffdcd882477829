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
# clang's libFuzzer inputs are made by chance, which finds less, and one result is a
# skip. What does not compile is a failure, and nothing that was built before runs.
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
rm -f "$out/replay" "$out/fuzz"
common="tests/fuzz/judge.c tests/fuzz/text.c tests/fuzz/machine.c tests/fuzz/oracle.c tests/fuzz/recipe.c
	tests/fuzz/seed.c tests/fuzz/trouble.c tests/fuzz/frame.c tests/fuzz/program.c"

# BPF has no alignment to keep.
compile() { # sanitizers, what else...
	sanitizers=$1
	shift
	# shellcheck disable=SC2086
	"$clang" -std=gnu11 -O2 -g -Wall -Wextra -Wno-address-of-packed-member -Werror -fno-omit-frame-pointer \
		-fsanitize="$sanitizers" -fno-sanitize=alignment -fno-sanitize-recover=all \
		-Itests/fuzz/shim -I"$bpf" -Itests/fuzz $common "$@"
}

n=0
result() { # 0 or 1, what
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

build() { # sanitizers, what else...
	compile "$@" >"$out/build.log" 2>&1 || {
		echo "1..1"
		sed 's/^/# /' "$out/build.log"
		result 1 "the packet path compiles for this machine"
		exit 1
	}
}

has_libfuzzer() {
	echo 'int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return size && *data ? 0 : -1; }' |
		"$clang" -x c -fsanitize=fuzzer,address - -o "$out/probe" >"$out/probe.log" 2>&1
}

build address,undefined tests/fuzz/replay.c -o "$out/replay"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
if [ "$replay" = yes ]; then
	exec "$out/replay" "$@"
fi

guided=no
if has_libfuzzer; then
	guided=yes
	build fuzzer,address,undefined tests/fuzz/fuzz.c -o "$out/fuzz"
fi
"$out/replay" --seeds "$out/seeds"
if [ "$guided" = yes ]; then echo "1..2"; else echo "1..3"; fi
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

found=0
if [ "$guided" = yes ]; then
	what="$seconds seconds of coverage-guided inputs"
	timeout -k 10 $((seconds + 120)) "$out/fuzz" -max_total_time="$seconds" -max_len=512 -len_control=0 \
		-print_final_stats=1 -artifact_prefix="$out/findings/" "$out/corpus" "$out/seeds" \
		>"$out/fuzz.log" 2>&1 </dev/null || found=1
	grep -E '^stat::|DONE' "$out/fuzz.log" | sed 's/^/# /' || :
else
	result 0 "coverage-guided inputs # SKIP clang has no libFuzzer here"
	what="$seconds seconds of inputs by chance"
	timeout -k 10 $((seconds + 120)) "$out/replay" --random "$seconds" >"$out/fuzz.log" 2>&1 || found=1
	grep '^# ' "$out/fuzz.log" || :
fi
if [ "$found" -ne 0 ]; then
	grep -vE '^#[0-9]+[[:space:]]|^INFO:|fuzzer::|/libc|^NOTE:|_start' "$out/fuzz.log" | tail -n 250 | sed 's/^/# /'
fi
result "$found" "$what find nothing"
[ "$status" -eq 0 ] && [ "$found" -eq 0 ]
