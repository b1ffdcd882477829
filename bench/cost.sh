#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the XDP program alone costs: nanoseconds per packet for each pair of
# families, with one channel (all in the caches) and with many, visited in random
# order. Half of the packets go to peers, half to clients. Rounds alternate
# through all rows; the median is printed, with the fastest and the slowest.
# Then what the most channels cost more than one, in loads from memory.
set -eu

usage() {
	cat <<'END'
usage: sudo bench/cost.sh [option ...]
  --rounds N       measured rounds; one more comes first and is dropped (5)
  --channels LIST  how many channels (1,1000,100000)
  --packets N      of a measurement (2000000)
  --markdown       print the table in Markdown
END
}

die() {
	echo "bench/cost.sh: $*" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
rounds=5 channels=1,1000,100000 packets=2000000 markdown=0

while [ $# -gt 0 ]; do
	case $1 in
	--markdown) markdown=1 ;;
	-h | --help) usage && exit 0 ;;
	--rounds | --channels | --packets)
		[ $# -ge 2 ] || die "$1 needs a value"
		printf -v "${1#--}" %s "$2"
		shift
		;;
	*) usage >&2 && exit 2 ;;
	esac
	shift
done
for number in "$rounds" "$packets" ${channels//,/ }; do
	case $number in '' | *[!0-9]* | 0*) die "not a number from 1 on: '$number'" ;; esac
done
[ "$(id -u)" = 0 ] || die "needs root, for BPF: run it with sudo"
[ -f "$root/build/turn.skel.h" ] || die "build it first: ./configure && make"
make -s -C "$here" ../build/bench/cost ../build/bench/loads >&2

results=$(mktemp)
trap 'rm -f "$results"' EXIT
for ((round = 0; round <= rounds; round++)); do
	for pair in "4 4" "6 6" "4 6" "6 4"; do
		for count in ${channels//,/ }; do
			# shellcheck disable=SC2086 # two arguments
			cost=$(timeout 120 "$root/build/bench/cost" $pair "$count" "$packets")
			[ "$round" = 0 ] || echo "$pair $count $cost" >>"$results"
		done
	done
done

awk -v markdown="$markdown" -v rounds="$rounds" '
function sort(list, n,    i, j, keep) {
	for (i = 2; i <= n; i++) {
		keep = list[i]
		for (j = i - 1; j > 0 && list[j] > keep; j--)
			list[j + 1] = list[j]
		list[j + 1] = keep
	}
}
{
	row = $1 " " $2 " " $3
	if (!(row in seen)) {
		seen[row] = 1
		order[++rows] = row
	}
	value[row, ++count[row]] = $4 + 0
}
END {
	if (markdown)
		print "| client | peer | channels | ns per packet | fastest | slowest |\n|---|---|---:|---:|---:|---:|"
	else
		printf "%-8s%-8s%10s%16s%10s%10s\n", "client", "peer", "channels", "ns per packet", "fastest", "slowest"
	for (r = 1; r <= rows; r++) {
		split(order[r], name, " ")
		n = count[order[r]]
		for (i = 1; i <= n; i++)
			list[i] = value[order[r], i]
		sort(list, n)
		printf markdown ? "| IPv%s | IPv%s | %s | %.0f | %.0f | %.0f |\n" : "IPv%-5sIPv%-5s%10s%16.0f%10.0f%10.0f\n", \
			name[1], name[2], name[3], (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2, list[1], list[n]
	}
}' "$results"
most=$(printf '%s\n' ${channels//,/ } | sort -n | tail -n 1)
[ "$most" = 1 ] || { echo && python3 -B "$here/lib/loads.py" "$most" "$rounds"; }
