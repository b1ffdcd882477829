#!/usr/bin/env bash
# Builds the server and shows it at work: the same TURN traffic relayed with the
# kernel offload off, then on. No packet leaves this machine. Only the installed packages
# and the build directory stay.
#
#   client namespace      server namespace        peer namespace
#   turnutils_uclient     turnserver              turnutils_peer
#   192.0.2.2 --- veth --- 192.0.2.1
#                          198.51.100.1 --- veth --- 198.51.100.2
#
# The server's namespace does not forward (ip_forward=0), so every packet that
# arrives was relayed by turnserver or by its XDP program.
set -eu -o pipefail
export LC_ALL=C

# Each session sends a packet a millisecond; uclient starts them one after the
# other over five seconds, so that the load rises, and falls again.
SESSIONS=50
MESSAGES=2000
LENGTH=200
# How long a command may run at most, in seconds. A measured half takes about ten.
LIMIT=60

usage() {
	cat <<'END'
Usage: sudo examples/quickstart.sh

Installs the packages that are missing, builds turnserver with the kernel
offload, and relays authenticated TURN channels between network namespaces of
its own, first with the offload off, then on. Ends with a table of both.
The first run takes a few minutes, the next ones about half a minute.
END
}

case ${1:-} in
'') ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin:/sbin

# --- progress, failure, clean-up ---------------------------------------------

step_open=
step_start=0

step() { # what begins now
	step_done
	printf '%-66s' "$1"
	step_open=yes
	step_start=$SECONDS
}

step_done() {
	[ -z "$step_open" ] || printf '%4d s\n' $((SECONDS - step_start))
	step_open=
}

fail() { # lines...
	[ -z "$step_open" ] || printf 'failed\n'
	step_open=
	printf 'quickstart: %s\n' "$@" >&2
	exit 1
}

quoted() { # file, lines: the end of a log, for an error
	tail -n "$2" "$1" | sed 's/^/  | /' >&2
}

xdp_log() { # the server's log: what it says of the offload
	{ grep -F 'xdp: ' "$1" || :; } | quoted - 8
}

if [ "$(id -u)" -ne 0 ]; then
	fail 'this needs root, for network namespaces and to load an XDP program' \
		'  run: sudo examples/quickstart.sh'
fi

scratch=$(mktemp -d)
id=$$
client=turn-client-$id
server=turn-server-$id
peer=turn-peer-$id
# Ends everything in the background, by the pid that was kept.
pids=()

stop() { # pid
	kill "$1" 2>/dev/null || return 0
	# Whatever does not end is killed by its own time limit's -k.
	wait "$1" 2>/dev/null || :
}

clean_up() {
	status=$?
	trap - EXIT
	trap '' INT TERM HUP
	for pid in ${pids[@]+"${pids[@]}"}; do
		stop "$pid"
	done
	for namespace in "$client" "$server" "$peer"; do
		[ ! -e "/run/netns/$namespace" ] || ip netns del "$namespace" || :
	done
	rm -rf "$scratch"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'printf "\ninterrupted\n" >&2; exit 130' INT
trap 'exit 143' TERM

# --- packages ----------------------------------------------------------------

step 'looking for missing packages'
missing=$(./configure --packages 2>"$scratch/configure.log") || {
	quoted "$scratch/configure.log" 10
	fail './configure --packages failed'
}
command -v ip >/dev/null || missing="$missing iproute2"
command -v ethtool >/dev/null || missing="$missing ethtool"
read -r -a packages <<<"$missing" || :
if [ ${#packages[@]} -gt 0 ]; then
	command -v apt-get >/dev/null ||
		fail 'these are missing, and there is no apt-get here to install them (names as in Debian):' \
			"  ${packages[*]}"
	step_done
	fold -s -w 72 <<<"${packages[*]}" | sed 's/^/  /'
	step "installing these packages: ${#packages[@]}"
	{
		apt-get update &&
			DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
	} </dev/null >"$scratch/apt.log" 2>&1 || {
		quoted "$scratch/apt.log" 10
		fail 'cannot install the packages; is there a network? By hand:' \
			"  apt-get update && apt-get install ${packages[*]}"
	}
fi

# --- build -------------------------------------------------------------------

# What is built belongs to whoever owns these sources, not to root.
hand_over() {
	local made=()
	for file in build Makefile; do
		[ ! -e "$file" ] || made+=("$file")
	done
	[ ${#made[@]} -eq 0 ] || chown -R -h --reference=. "${made[@]}"
}

if [ ! -f Makefile ] || [ -n "$(find configure Makefile.in upstream.ini -newer Makefile)" ]; then
	step 'obtaining and verifying coturn (./configure)'
	./configure >"$scratch/configure.log" 2>&1 || {
		hand_over
		quoted "$scratch/configure.log" 10
		fail './configure failed'
	}
fi
if grep -q '^xdp = no' Makefile; then
	fail 'this tree is configured --without-xdp; run ./configure again without it'
fi
version=$(sed -n 's/^version = //p' Makefile)
if [ -n "$(packaging/vulnerabilities.sh "$version")" ]; then
	step_done
	echo "  coturn $version has vulnerabilities, which packaging/vulnerabilities.sh $version names."
fi
if [ -x build/bin/turnserver ]; then
	step "building coturn $version with the kernel offload (make)"
else
	step "building coturn $version with the kernel offload (a minute or two)"
fi
make >"$scratch/make.log" 2>&1 || {
	hand_over
	quoted "$scratch/make.log" 12
	fail 'make failed'
}
hand_over
bpftool=$(sed -n 's/^BPFTOOL = //p' Makefile)

# --- network -----------------------------------------------------------------

step 'network namespaces: client, server, peer'
for namespace in "$client" "$server" "$peer"; do
	ip netns add "$namespace" 2>"$scratch/ip.log" || {
		quoted "$scratch/ip.log" 3
		fail 'cannot make a network namespace (in a container, it must be a privileged one)'
	}
	ip -n "$namespace" link set lo up
done
ip netns exec "$server" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'

wire() { # far namespace, its address, the server's interface, its address
	ip link add uplink netns "$1" type veth peer name "$3" netns "$server"
	ip -n "$1" addr add "$2/24" dev uplink
	ip -n "$server" addr add "$4/24" dev "$3"
	ip -n "$1" link set uplink up
	ip -n "$server" link set "$3" up
	# A veth takes frames from another device's XDP program only when the far
	# end has GRO (or a program of its own). A real network card always does.
	ip netns exec "$1" ethtool -K uplink gro on
}
wire "$client" 192.0.2.2 to-client 192.0.2.1
wire "$peer" 198.51.100.2 to-peer 198.51.100.1

step 'a SQLite user database, with one user'
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s\n' "$password" | turndb/setup-sqlite.sh "$scratch/turndb" example.org alice >"$scratch/db.log" 2>&1 || {
	quoted "$scratch/db.log" 5
	fail 'cannot make the user database'
}

cat >"$scratch/turnserver.conf" <<END
listening-ip=192.0.2.1
relay-ip=198.51.100.1
realm=example.org
lt-cred-mech
userdb=$scratch/turndb
no-tls
no-dtls
no-cli
no-rfc5780
log-file=stdout
pidfile=$scratch/turnserver.pid
END

# --- what is counted ---------------------------------------------------------

# Relayed packets that arrived at the client or the peer, and those of them that the
# program there had no room for.
udp_counters() { # namespace
	ip netns exec "$1" cat /proc/net/snmp | awk '
		$1 != "Udp:" { next }
		!header { for (i = 2; i <= NF; i++) column[$i] = i; header = 1; next }
		{ print $column["InDatagrams"] + $column["RcvbufErrors"], $column["RcvbufErrors"] }'
}
udp_received() { udp_counters "$1" | cut -d ' ' -f 1; }
udp_overrun() { udp_counters "$1" | cut -d ' ' -f 2; }

# User and system time of one program, in clock ticks.
cpu_ticks() { # pid
	sed 's/^.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# The XDP program on the server's interfaces: id and mode.
xdp_program() {
	ip netns exec "$server" "$bpftool" -j net show 2>/dev/null |
		grep -o '"xdp":\[{[^]]*' |
		sed -n 's/"mode":"driver"/"mode":"native"/g; s/.*"mode":"\([^"]*\)","id":\([0-9]*\).*/\2 \1/p'
}

# Its verdicts, as lines of number and packets, all CPUs together.
verdicts() { # id of the program
	local map
	for map in $("$bpftool" -j prog show id "$1" | grep -o '"map_ids":\[[0-9,]*' | grep -o '[0-9]*'); do
		case $("$bpftool" -j map show id "$map") in
		*'"name":"verdicts"'*)
			"$bpftool" -j map dump id "$map" |
				grep -o '"formatted":{"key":[0-9]*,"value":\[[0-9,]*' | sed 's/.*\[//' |
				awk -F , '{ for (i = 1; i <= NF; i++) sum[i - 1] += $i }
					END { for (i in sum) print i, sum[i] }' | sort -n
			;;
		esac
	done
}

# --- one half ----------------------------------------------------------------

background() { # namespace, log, command...
	local namespace=$1 log=$2
	shift 2
	# ip becomes timeout, so the pid kept is timeout's, which passes a signal on.
	ip netns exec "$namespace" timeout -k 5 "$LIMIT" "$@" >"$log" 2>&1 </dev/null &
	started=$!
	pids+=("$started")
}

listening() { # namespace, UDP port in hexadecimal
	ip netns exec "$1" grep -q ":$2 " /proc/net/udp
}

# Puts its results into these, each with the name of the half as its key.
declare -A relayed in_kernel kpps lost lost_there cpu

measure() { # off or on, options of the server...
	local half=$1 log=$scratch/server-$1.log client_log=$scratch/client-$1.log
	shift
	rm -f "$scratch/turnserver.pid"
	background "$peer" "$scratch/peer.log" build/bin/turnutils_peer -L 198.51.100.2
	local peer_job=$started
	background "$server" "$log" build/bin/turnserver -c "$scratch/turnserver.conf" "$@"
	local server_job=$started tries
	for ((tries = 0; ; tries++)); do
		if [ -s "$scratch/turnserver.pid" ] && listening "$server" 0D96 && listening "$peer" 0D98; then
			break
		fi
		if [ $tries -gt 50 ] || ! kill -0 "$server_job" 2>/dev/null; then
			quoted "$log" 10
			fail "turnserver did not start with the offload $half"
		fi
		sleep 0.1
	done
	local pid
	pid=$(<"$scratch/turnserver.pid")
	program='' mode=''
	if [ "$half" = on ]; then
		for ((tries = 0; tries < 30; tries++)); do
			read -r program mode < <(xdp_program) && break
			sleep 0.1
		done
		if [ -z "$program" ]; then
			xdp_log "$log"
			fail 'turnserver did not attach its XDP program; its log is above'
		fi
	else
		sleep 0.3
	fi

	local to_peer client_overrun peer_overrun ticks
	to_peer=$(udp_received "$peer")
	client_overrun=$(udp_overrun "$client")
	peer_overrun=$(udp_overrun "$peer")
	ticks=$(cpu_ticks "$pid")
	background "$client" "$client_log" build/bin/turnutils_uclient -c -u alice -w "$password" \
		-e 198.51.100.2 -m "$SESSIONS" -n "$MESSAGES" -l "$LENGTH" -z 1 192.0.2.1
	local client_job=$started sent=0 received=0 settled=0 line='' previous='' best=0
	# Samples two apart make about a second.
	local -a count=() moment=()
	local n=0
	while kill -0 "$client_job" 2>/dev/null; do
		sleep 0.45
		count[n]=$(($(udp_received "$peer") + $(udp_received "$client")))
		moment[n]=${EPOCHREALTIME/./}
		if [ $n -ge 2 ]; then
			local rate=$(((count[n] - count[n - 2]) * 10000 / (moment[n] - moment[n - 2])))
			[ $rate -le $best ] || best=$rate
		fi
		n=$((n + 1))
		line=$(grep 'tot_send_msgs' "$client_log" | tail -n 1) || continue
		[ "$line" != "$previous" ] || continue
		# uclient waits ten seconds for what was lost; two will do.
		if [ "${line#*msz}" = "${previous#*msz}" ] && [[ $line == *"tot_send_msgs=$((SESSIONS * MESSAGES)),"* ]]; then
			settled=$((settled + 1))
			[ $settled -lt 2 ] || break
		fi
		previous=$line
	done
	ticks=$(($(cpu_ticks "$pid") - ticks))
	in_kernel[$half]=0
	if [ -n "$program" ]; then
		verdicts "$program" >"$scratch/verdicts"
		in_kernel[$half]=$(awk '$1 < 2 { sum += $2 } END { print sum + 0 }' "$scratch/verdicts")
	fi
	stop "$client_job"
	stop "$server_job"
	stop "$peer_job"

	line=$(grep 'tot_send_msgs' "$client_log" | tail -n 1) || :
	if [[ $line =~ tot_send_msgs=([0-9]+),\ tot_recv_msgs=([0-9]+) ]]; then
		sent=${BASH_REMATCH[1]}
		received=${BASH_REMATCH[2]}
	fi
	if [ "$received" -eq 0 ]; then
		if grep -q 'same channel number' "$client_log"; then
			collided=yes
			return
		fi
		quoted "$client_log" 10
		quoted "$log" 10
		fail "no data came back through the relay with the offload $half"
	fi
	client_overrun=$(($(udp_overrun "$client") - client_overrun))
	peer_overrun=$(($(udp_overrun "$peer") - peer_overrun))
	relayed[$half]=$(($(udp_received "$peer") - to_peer + received + client_overrun))
	kpps[$half]=$((best / 10)).$((best % 10))
	lost[$half]=$((sent - received))
	lost_there[$half]=$((client_overrun + peer_overrun))
	cpu[$half]=$ticks
}

# uclient draws two channel numbers for each session at random, and gives up when
# they are the same. For all sessions together this happens about once in three hundred runs.
measure_again() {
	local try
	for try in 1 2 3; do
		collided=
		measure "$@"
		[ -n "$collided" ] || return 0
		[ "$try" = 3 ] || step '  again: uclient drew the same channel number twice'
	done
	fail "turnutils_uclient drew the same channel number twice, three times over"
}

step "relaying with the offload off: $SESSIONS channels, a packet a ms each"
measure_again off
step "relaying with the offload on: the same"
measure_again on --xdp-offload
step_done

# --- what came out -----------------------------------------------------------

# A packet that was lost on the wire after the kernel relayed it counts once.
tenths=$((in_kernel[on] * 1000 / relayed[on]))
[ $tenths -le 1000 ] || tenths=1000
hertz=$(getconf CLK_TCK)
seconds() { # clock ticks
	local hundredths=$(($1 * 100 / hertz))
	printf '%d.%02d s' $((hundredths / 100)) $((hundredths % 100))
}
row() {
	printf '  %-38s%14s%14s\n' "$1" "$2" "$3"
}

printf '\n'
row '' 'offload off' 'offload on'
row 'packets relayed' "${relayed[off]}" "${relayed[on]}"
row 'share relayed in the kernel' '0.0 %' "$((tenths / 10)).$((tenths % 10)) %"
row 'kpps, busiest second' "${kpps[off]}" "${kpps[on]}"
row 'lost packets (sent, no echo came back)' "${lost[off]}" "${lost[on]}"
row '  of them, no room in the tools'"'"' sockets' "${lost_there[off]}" "${lost_there[on]}"
row "turnserver's CPU time" "$(seconds "${cpu[off]}")" "$(seconds "${cpu[on]}")"
cat <<END

  In both halves upstream's turnutils_uclient sent $((SESSIONS * MESSAGES)) packets of $LENGTH
  bytes to turnutils_peer, which echoes each, at the same pace: kpps is this
  load, not the most that can be relayed (bench/run.sh measures that). The XDP
  program (mode: $mode) works in the network stack, so its own time is not in
  turnserver's.

END

if [ $tenths -lt 900 ]; then
	printf 'What the XDP program decided:\n' >&2
	while read -r number packets; do
		[ "$packets" -eq 0 ] || printf '  %10d  %s\n' "$packets" \
			"$(sed -n "s/.*X($number, [A-Z_]*, \"\(.*\)\").*/\1/p" bpf/verdict.h)" >&2
	done <"$scratch/verdicts"
	xdp_log "$scratch/server-on.log"
	fail "the kernel relayed only $((tenths / 10)).$((tenths % 10)) % of the channel data"
fi

cat <<END
It works. To start the server on a real interface:

  cp examples/etc/turnserver.conf /etc/turnserver-xdp.conf   # set your addresses in it
  mkdir -p /var/lib/turn
  turndb/setup-sqlite.sh /var/lib/turn/turndb example.org alice
  build/bin/turnserver -c /etc/turnserver-xdp.conf           # as root

\`make install\` installs it; man/turnserver-xdp.1 explains the options
(man -l man/turnserver-xdp.1), \`build/bin/turnserver -h\` lists them.
END
