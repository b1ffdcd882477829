#!/bin/sh
# coturn's own tests on our server, with the offload off and on, at the same time:
# most of their time is sleep. Every scenario of theirs is one result. TURNSERVER
# names another server of the release that is built here.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
bin=$top/build/bin
server=${TURNSERVER:-$bin/turnserver}
upstream=$(cd -P "$bin/.." && pwd)
# shellcheck source=tests/upstream/tap.sh
. tests/upstream/tap.sh

# The protocol's test vectors do not involve the server.
if (cd "$upstream" && "$bin/turnutils_rfc5769check") >&2; then
	result ok "rfc5769check"
else
	result "not ok" "rfc5769check"
fi

if [ "$(id -u)" -ne 0 ]; then
	for script in "$upstream"/examples/run_tests*.sh; do
		skips "$(basename "$script")" "needs root"
	done
	plan
	exit 0
fi

halves=
# shellcheck disable=SC2086 # one word for each
trap 'kill $halves 2>/dev/null || :; rm -rf "$scratch"' EXIT

# A place for their scripts, which call the programs by their own place.
prepare() { # place, offload
	mkdir -p "$1/bin"
	cp -Rp "$upstream/examples" "$1/examples"
	# Logs are named by the process number, which is the same in both namespaces.
	sed -i "s|/tmp/run_tests|$1/run_tests|g" "$1"/examples/run_tests*.sh
	for program in "$bin"/turnutils_*; do
		ln -s "$program" "$1/bin/"
	done
	{
		echo '#!/bin/sh'
		if [ "$2" = on ]; then
			echo "exec '$server' --xdp-offload \"\$@\""
		else
			echo "exec '$server' \"\$@\""
		fi
	} >"$1/bin/turnserver"
	chmod +x "$1/bin/turnserver"
}

# By chance the client asks for an even port, which such a server refuses. Their script
# tries again, but now and then not often enough; so the client does not ask.
no_even_port() { # place
	if "$bin/turnutils_uclient" -h 2>&1 | grep -q no-even-port; then
		rm "$1/bin/turnutils_uclient"
		printf '#!/bin/sh\nexec "%s" --no-even-port "$@"\n' "$bin/turnutils_uclient" >"$1/bin/turnutils_uclient"
		chmod +x "$1/bin/turnutils_uclient"
	fi
}

# Their scripts leave the server and the peer running: in namespaces of their
# own, everything ends with the script. A server told no address takes those
# that the machine has, and wants one besides loopback's.
run_script() { # place, script
	cd "$1/examples"
	# shellcheck disable=SC2016 # the inner shell expands it
	exec timeout -k 5 200 unshare --net --pid --fork --kill-child sh -c '
			PATH=$PATH:/usr/sbin:/sbin
			ip link set lo up
			ip link add here type veth peer name there
			ip addr add 192.0.2.1/24 dev here
			ip link set here up
			ip link set there up
			"./$1"' sh "$2" </dev/null 2>&1
}

run_half() { # place
	running=
	trap 'kill $running 2>/dev/null || :; exit 143' TERM
	for script in "$1"/examples/run_tests*.sh; do
		name=$(basename "$script")
		plain=$(readlink "$1/bin/turnutils_uclient" || :)
		[ "$name" != run_tests_multiplex_peer.sh ] || no_even_port "$1"
		status=0
		(run_script "$1" "$name") >"$1/$name.out" &
		running=$!
		wait "$running" || status=$?
		echo "$status" >"$1/$name.status"
		[ -z "$plain" ] || ln -sf "$plain" "$1/bin/turnutils_uclient"
	done
}

# Those of 4.17.1 that have no such scenarios, or name them in other words, tell
# by their status. So does run_tests.sh there; of 4.6.1 only the words count.
whole_script() { # name, offload, status, output
	if grep -q 'compiled without prometheus support' "$4"; then
		skips "$1, offload $2" "built without prometheus"
	elif [ "$3" -eq 0 ] && [ -s "$4" ] && ! grep -q '^FAIL' "$4"; then
		result ok "$1, offload $2"
	else
		result "not ok" "$1, offload $2 (status $3)"
	fi
}

scenarios() { # script: what it says it will run
	grep -v '^[[:space:]]*#' "$1" | grep -o "turn client [A-Z][^\"']*" | awk '!seen[$0]++' || :
}

for offload in off on; do
	prepare "$scratch/$offload" "$offload"
	run_half "$scratch/$offload" &
	halves="$halves $!"
done
for half in $halves; do
	wait "$half"
done
halves=

for offload in off on; do
	for script in "$scratch/$offload"/examples/run_tests*.sh; do
		name=$(basename "$script")
		output=$scratch/$offload/$name.out
		status=$(cat "$scratch/$offload/$name.status")
		# The end of it: a server that refuses to start prints its usage.
		tail -n 20 "$output" | sed "s/^/# $name, offload $offload: /" >&2
		if [ "$name" != run_tests.sh ]; then
			whole_script "$name" "$offload" "$status" "$output"
			continue
		fi
		scenarios "$script" >"$scratch/scenarios"
		if [ ! -s "$scratch/scenarios" ]; then
			result "not ok" "$name, offload $offload: no scenarios found in it"
		fi
		while IFS= read -r scenario; do
			verdict=$(awk -v want="Running $scenario" '
				/^Running / { here = ($0 == want) }
				here && /^(OK|FAIL)/ { print; exit }' "$output")
			case $verdict in
			OK*) result ok "$name, offload $offload: $scenario" ;;
			*) result "not ok" "$name, offload $offload: $scenario (${verdict:-not run})" ;;
			esac
		done <"$scratch/scenarios"
	done
done
plan
