#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Whether a change of the XDP program pays: nanoseconds per packet of two builds
# that take turns, some milliseconds each, so that what the machine does besides
# hits both. They start anew several times, as the places that their tables get
# in memory differ. Medians are printed, and their ratio, the second to the first.
set -eu

usage() {
	cat <<'END'
usage: sudo bench/compare.sh [option ...] COST COST
COST is build/bench/cost of a build (make -C bench ../build/bench/cost).
  --families LIST  of client and peer (44,66,46,64)
  --channels LIST  how many channels (1,100000)
  --starts N       how often both start (5)
  --turns N        turns of each, of 65536 packets (40)
END
}

die() {
	echo "bench/compare.sh: $*" >&2
	exit 1
}

families=44,66,46,64 channels=1,100000 starts=5 turns=40
while [ $# -gt 0 ]; do
	case $1 in
	--families | --channels | --starts | --turns)
		[ $# -ge 2 ] || die "$1 needs a value"
		printf -v "${1#--}" %s "$2"
		shift
		;;
	-h | --help) usage && exit 0 ;;
	-*) usage >&2 && exit 2 ;;
	*) break ;;
	esac
	shift
done
[ $# = 2 ] || { usage >&2 && exit 2; }
for number in "$starts" "$turns" ${channels//,/ } ${families//,/ }; do
	case $number in '' | *[!0-9]* | 0*) die "not a number from 1 on: '$number'" ;; esac
done
[ "$(id -u)" = 0 ] || die "needs root, for BPF: run it with sudo"
for build; do [ -x "$build" ] || die "build it first: $build"; done

to_a='' to_b=''
work=$(mktemp -d)
mkfifo "$work/a" "$work/b"
trap 'rm -rf "$work"' EXIT

# start PROGRAM FIFO NAME: its standard input is then the descriptor $NAME.
start() {
	local to
	exec {to}> >(exec timeout 300 "$1" "${pair:0:1}" "${pair:1:1}" "$count" 0 >"$work/$2")
	printf -v "$3" %s "$to"
}

median() {
	cut -d' ' -f"$1" "$work/turns" | sort -n | sed -n "$((starts * turns / 2 + 1))p"
}

printf '%-9s%10s%12s%12s%8s\n' families channels "first (ns)" "second (ns)" ratio
for pair in ${families//,/ }; do
	for count in ${channels//,/ }; do
		for ((i = 0; i < starts; i++)); do
			start "$1" a to_a
			exec {from_a}<"$work/a"
			start "$2" b to_b
			exec {from_b}<"$work/b"
			for ((turn = 0; turn < turns; turn++)); do
				echo >&"$to_a"
				read -r a <&"$from_a" || die "$1 failed"
				echo >&"$to_b"
				read -r b <&"$from_b" || die "$2 failed"
				echo "$a $b"
			done
			exec {to_a}>&- {to_b}>&- {from_a}<&- {from_b}<&-
		done >"$work/turns"
		a=$(median 1) b=$(median 2)
		printf '%-9s%10s%12s%12s%8s\n' "$pair" "$count" "$a" "$b" \
			"$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.3f", b / a }')"
	done
done
