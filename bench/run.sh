#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Measures the relay against itself: kernel forwarding without TURN, turnserver
# with the offload off and on, in turn, over several rounds, medians of them.
#
#   client netns            server netns                    peer netns
#   c0 192.0.2.2 ---------- s0 192.0.2.1
#   (generator)             s1 198.51.100.1 --------------- p0 198.51.100.2
#                           (turnserver)                    (sink, or echo)
#
# Throughput is saturated, client to peer. The generator (live frames of
# BPF_PROG_TEST_RUN) has the last CPU for itself, and because a veth hands
# frames over in the softirq of the CPU that sends them, whatever the kernel
# does for a packet on its way to the server runs there too: forwarding and the
# offload share that one CPU with generator and sink, all in all. turnserver's
# threads may use every CPU, so they have the other ones for themselves: that
# is to the advantage of the rows with the offload off.
#
# Round trips go one at a time, with prober, turnserver and echo all on the last
# CPU: no row waits for an idle CPU to wake up, which in a virtual machine takes
# longer than all the rest and differs from run to run. Only with the offload off
# a thread is woken on the way, so that this is to its advantage too; --probe-cpus
# 0-1 shows it without. Against the rows with the offload on, on the other hand,
# stands that a veth copies what a socket sends before XDP may see it, twice in a
# round trip; a network card's driver does not.
#
# All interfaces have GRO on: a veth takes redirected frames only if the far end
# has GRO or an XDP program. Checksum offload stays on, as it is by default.
set -eu

usage() {
	cat <<'END'
usage: sudo bench/run.sh [option ...]
  --rounds N       measured rounds; one more comes first and is dropped (5)
  --seconds S      window of a throughput measurement (3)
  --size BYTES     application data in a datagram, a multiple of 4 (160)
  --clients N      allocations of the throughput measurement (8)
  --channels N     channels of each allocation (1)
  --rows LIST      of baseline,off-1,off-4,on (all)
  --server-cpus L  CPUs of turnserver in the throughput measurement, as for
                   taskset (all)
  --probe-cpus L   CPUs of prober, turnserver and echo for the round trips (last)
  --csv FILE       where the rows go (build/bench.csv)
  --markdown       print the table in Markdown too
TURNSERVER names the server to measure (build/bin/turnserver).
END
}

die() {
	echo "bench/run.sh: $*" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
bin=$root/build/bench
cpus=$(nproc --all)
last_cpu=$((cpus - 1))

rounds=5 seconds=3 size=160 clients=8 channels=1 markdown=0
rows=baseline,off-1,off-4,on
csv=$root/build/bench.csv
server_cpus=0-$last_cpu probe_cpus=$last_cpu

while [ $# -gt 0 ]; do
	case $1 in
	--markdown) markdown=1 ;;
	-h | --help) usage && exit 0 ;;
	--rounds | --seconds | --size | --clients | --channels | --rows | --server-cpus | --probe-cpus | --csv)
		[ $# -ge 2 ] || die "$1 needs a value"
		name=${1#--}
		printf -v "${name//-/_}" %s "$2"
		shift
		;;
	*) usage >&2 && exit 2 ;;
	esac
	shift
done
for number in "$rounds" "$size" "$clients" "$channels"; do
	case $number in '' | *[!0-9]* | 0*) die "not a number from 1 on: '$number'" ;; esac
done
[[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "--seconds: not a number: '$seconds'"
if [ $((size % 4)) != 0 ] || [ "$size" -lt 16 ] || [ "$size" -gt 1468 ]; then
	die "--size: a multiple of 4 from 16 to 1468, not $size"
fi
[ $((clients * channels)) -le 100000 ] || die "at most 100000 channels in all"
IFS=, read -ra row_list <<<"$rows"
for row in "${row_list[@]}"; do
	case $row in baseline | off-[1-9] | off-[1-9][0-9] | on) ;; *) die "--rows: no such row: $row" ;; esac
done
[ "$(id -u)" = 0 ] || die "needs root, for network namespaces and BPF: run it with sudo"
missing=
for tool in ip:iproute2 ethtool:ethtool clang:clang bpftool:bpftool cc:gcc make:make \
	pkg-config:pkg-config timeout:coreutils taskset:util-linux awk:gawk; do
	command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
[ -z "$missing" ] || die "missing; install with: apt-get install$missing"
pkg-config --exists libbpf || die "missing; install with: apt-get install libbpf-dev"

# Builds what is not there.
make -s -C "$here" >&2
if [ -z "${TURNSERVER:-}" ]; then
	TURNSERVER=$root/build/bin/turnserver
	if [ ! -x "$TURNSERVER" ]; then
		(cd "$root" && ./configure && make) >&2 || die "the build failed"
	fi
fi
[ -x "$TURNSERVER" ] || die "no turnserver at $TURNSERVER"

work=$(mktemp -d)
client=bench-client-$$ server=bench-server-$$ peer=bench-peer-$$
client_ip=192.0.2.2 server_ip=192.0.2.1 relay_ip=198.51.100.1 peer_ip=198.51.100.2
turn_port=3478 peer_port=20000 echo_port=7000 client_port=30000 probe_port=50000
server_pid='' client_pid='' echo_pid=''

# Ends a process that we started and waits for it.
end() {
	[ -n "$1" ] || return 0
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

cleanup() {
	trap '' INT TERM
	end "$client_pid"
	end "$server_pid"
	end "$echo_pid"
	for netns in $client $server $peer; do
		ip netns del "$netns" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

topology_make() {
	for netns in $client $server $peer; do
		ip netns add "$netns"
		ip -n "$netns" link set lo up
	done
	ip link add c0 netns "$client" type veth peer name s0 netns "$server"
	ip link add p0 netns "$peer" type veth peer name s1 netns "$server"
	link_up "$client" c0 $client_ip
	link_up "$server" s0 $server_ip
	link_up "$server" s1 $relay_ip
	link_up "$peer" p0 $peer_ip
	# Only once all are up: a veth that comes up looks whether the other end
	# takes redirected frames, and GRO tells the other end only of a veth
	# that is up (Linux 6.18).
	gro_on "$client" c0
	gro_on "$server" s0
	gro_on "$server" s1
	gro_on "$peer" p0
	ip -n "$client" route add 198.51.100.0/24 via $server_ip
	ip -n "$peer" route add 192.0.2.0/24 via $relay_ip
	server_mac=$(ip netns exec "$server" cat /sys/class/net/s0/address)
}

link_up() {
	ip -n "$1" addr add "$3/24" dev "$2"
	ip -n "$1" link set "$2" up
}

gro_on() {
	ip netns exec "$1" ethtool -K "$2" gro on
}

forwarding_set() {
	ip netns exec "$server" sysctl -qw net.ipv4.ip_forward="$1"
}

# server_start THREADS [option ...]; server_relay becomes the server's own pid.
server_start() {
	local threads=$1
	shift
	rm -f "$work/server.pid" "$work/server.log"
	# shellcheck disable=SC2016 # the inner shell expands its own variables
	timeout -k 5 300 ip netns exec "$server" taskset -c "$server_cpus" \
		sh -c 'echo $$ >"$0"; exec "$@"' "$work/server.pid" \
		"$TURNSERVER" -n -z -m "$threads" -L $server_ip -E $relay_ip -p $turn_port \
		--no-tls --no-dtls --no-cli --simple-log --log-file "$work/server.log" \
		--no-stdout-log --userdb "$work/turndb" --pidfile "$work/turnserver.pid" "$@" \
		>"$work/server.out" 2>&1 </dev/null &
	server_pid=$!
}

server_stop() {
	end "$server_pid"
	server_pid=
}

server_said() {
	tail -n 20 "$work/server.out" "$work/server.log" "$work/client.out" >&2 2>/dev/null || true
	die "$1"
}

# Allocations and channels of the generator; they end when fd 9 is closed.
channels_hold() {
	rm -f "$work/hold"
	mkfifo "$work/hold"
	timeout -k 5 300 ip netns exec "$client" "$bin/turn_client" $client_ip $client_port \
		$server_ip $turn_port $peer_ip $peer_port "$clients" "$channels" \
		>"$work/flows" 2>"$work/client.out" <"$work/hold" &
	client_pid=$!
	exec 9>"$work/hold"
	for ((i = 0; i < 600; i++)); do
		grep -q '^ready' "$work/flows" && return
		kill -0 "$client_pid" 2>/dev/null || break
		sleep 0.05
	done
	server_said "the server gave no allocation and channels"
}

channels_release() {
	exec 9>&-
	wait "$client_pid" || true
	client_pid=
}

# The same five-tuples without TURN.
flows_plain() {
	local i c
	for ((i = 0; i < clients; i++)); do
		for ((c = 0; c < channels; c++)); do
			echo "$client_ip $((client_port + i)) $peer_ip $((peer_port + c)) 0"
		done
	done >"$work/flows"
}

throughput() {
	timeout --foreground -k 5 60 "$bin/throughput" -c "$client" -i c0 -s "$server" -j s0 -p "$peer" \
		-k p0 -m "$server_mac" -f "$work/flows" -a $peer_ip -b $peer_port -n "$channels" \
		-l "$size" -t "$seconds" -u "$last_cpu" "$@" >"$work/throughput"
}

round_trip() {
	timeout --foreground -k 5 60 taskset -c "$probe_cpus" "$bin/round_trip" -c "$client" -s "$server" -j s0 \
		-x $client_ip -y $probe_port -a $peer_ip -b $echo_port -l "$size" "$@" >"$work/round_trip"
}

measure_baseline() {
	forwarding_set 1
	flows_plain
	throughput || die "baseline: no throughput"
	round_trip || die "baseline: no round trips"
	forwarding_set 0
}

# measure_turn THREADS [option of the server ...]
measure_turn() {
	local offload=()
	[ $# = 1 ] || offload=(-o)
	server_start "$@"
	channels_hold
	throughput -r "$(cat "$work/server.pid")" "${offload[@]}" || server_said "$row: no throughput"
	channels_release
	taskset -acp "$probe_cpus" "$(cat "$work/server.pid")" >/dev/null
	round_trip -g $server_ip -h $turn_port "${offload[@]}" || server_said "$row: no round trips"
	server_stop
}

# A row "on" that the kernel did not carry would be another row "off".
offload_check() {
	value_set
	awk -v t="${value[kernel_share]}" -v r="${value[rtt_kernel_share]}" \
		'BEGIN { exit !(t >= 0.99 && r >= 0.99) }' ||
		server_said "the offload is on, but the kernel carried only a share of ${value[kernel_share]} of the datagrams (${value[rtt_kernel_share]} of the round trips)"
}

# Name=value words of both programs into the array `value`.
declare -A value
value_set() {
	local word words
	read -ra words <<<"$(cat "$work/throughput" "$work/round_trip" | tr '\n' ' ')"
	value=()
	for word in "${words[@]}"; do
		value[${word%%=*}]=${word#*=}
	done
}

columns='offered_pps peer_pps lost kernel_share relay_cpu softirq_cpu machine_cpu sums_full sums_partial rtt_avg rtt_sd rtt_p50 rtt_p99 jitter rtt_count rtt_lost rtt_kernel_share'

csv_row() {
	local column line="$1,$row,$size,$clients,$channels"
	value_set
	for column in $columns; do
		line="$line,${value[$column]:-}"
	done
	echo "$line" >>"$csv"
}

measure_row() {
	case $row in
	baseline) measure_baseline ;;
	off-*) measure_turn "${row#off-}" ;;
	on)
		measure_turn 1 --xdp-offload --xdp-required
		offload_check
		;;
	esac
}

row_title() {
	case $1 in
	baseline) echo 'kernel forwarding, no TURN' ;;
	off-1) echo 'turnserver, offload off, 1 relay thread' ;;
	off-*) echo "turnserver, offload off, ${1#off-} relay threads" ;;
	on) echo 'turnserver, offload on' ;;
	esac
}

# Percent of the machine that others use, over a second in which we do nothing.
machine_busy() {
	{
		sed -n '1p' /proc/stat
		sleep 1
		sed -n '1p' /proc/stat
	} | awk '{ all[NR] = $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9; idle[NR] = $5 + $6 }
		END { d = all[2] - all[1]; printf "%.0f", (d ? 100 * (1 - (idle[2] - idle[1]) / d) : 0) }'
}

machine_describe() {
	local model virt busy
	busy=$(machine_busy)
	if [ "$busy" -gt 5 ]; then
		echo "bench/run.sh: others use $busy% of this machine: the numbers will be unsteady" >&2
	fi
	model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	virt=$(systemd-detect-virt --vm 2>/dev/null || true)
	echo "Linux $(uname -r) $(uname -m), ${model:-unknown CPU}, $cpus CPUs${virt:+, virtual ($virt)}, $busy% busy before the start."
	echo "$size bytes of data in a datagram, $clients allocation(s) with $channels channel(s) each; medians of $rounds round(s), throughput over $seconds s."
	echo "turnserver on CPUs $server_cpus, generator and sink on CPU $last_cpu; round trips all on CPU $probe_cpus."
}

table_lines() {
	local row
	for row in "${row_list[@]}"; do
		echo "$row|$(row_title "$row")"
	done | awk -v csv="$csv" -f "$here/table.awk"
}

table_print() {
	cat "$work/machine"
	echo
	# Widths in characters, which awk and printf count as bytes: pad here.
	local line field i widths=() fields
	while IFS= read -r line; do
		IFS='|' read -ra fields <<<"$line"
		for i in "${!fields[@]}"; do
			[ "${#fields[i]}" -le "${widths[i]:-0}" ] || widths[i]=${#fields[i]}
		done
	done <"$work/table"
	while IFS= read -r line; do
		IFS='|' read -ra fields <<<"$line"
		for i in "${!fields[@]}"; do
			field=$(printf '%*s' $((widths[i] - ${#fields[i]})) '')
			if [ "$i" = 0 ]; then
				printf '%s%s' "${fields[i]}" "$field"
			else
				printf '  %s%s' "$field" "${fields[i]}"
			fi
		done
		echo
	done <"$work/table"
	echo
	echo "kpps: datagrams at the peer, saturated, client to peer. lost: share of the"
	echo "offered ones, at saturation. CPU s/Mpkt: CPU seconds of the turnserver process for"
	echo "a million datagrams relayed. RTT: client to peer and back; jitter as in RFC 3550."
	echo "off: the offload off with 1 relay thread; base: kernel forwarding without TURN."
	echo "Generator, softirq and sink share one CPU in all rows; see the head of bench/run.sh."
}

# For the README: without the spread and the percentiles.
markdown_print() {
	echo
	cat "$work/machine"
	echo
	cut -d'|' -f1,2,4-8,11-15 "$work/table" | awk -F'|' '{
		line = "|"; rule = "|"
		for (i = 1; i <= NF; i++) {
			line = line " " $i " |"
			rule = rule (i == 1 ? "---|" : "---:|")
		}
		print line
		if (NR == 1) print rule
	}'
}

topology_make
mkdir -p "$(dirname "$csv")"
echo "round,row,payload,clients,channels,${columns// /,}" >"$csv"
if [[ ,$rows, == *,on,* ]] && ! "$TURNSERVER" -h 2>&1 | grep -q -- --xdp-offload; then
	die "$TURNSERVER has no --xdp-offload; leave out the row \"on\" with --rows"
fi
timeout -k 5 3600 ip netns exec "$peer" taskset -c "$probe_cpus" "$bin/echo" $peer_ip $echo_port &
echo_pid=$!
machine_describe >"$work/machine"

for ((round = 0; round <= rounds; round++)); do
	for row in "${row_list[@]}"; do
		measure_row
		csv_row "$round"
		printf 'round %d%s  %-9s %8.0f kpps, round trip %7.1f µs\n' "$round" \
			"$([ "$round" != 0 ] || echo ' (dropped)')" "$row" \
			"$(awk -v x="${value[peer_pps]}" 'BEGIN { print x / 1000 }')" "${value[rtt_avg]}" >&2
	done
done
table_lines >"$work/table"
table_print
[ "$markdown" = 0 ] || markdown_print
echo
echo "rows: $csv"
