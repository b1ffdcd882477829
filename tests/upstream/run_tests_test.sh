#!/bin/sh
# coturn's own tests on our server, first with the offload off, then on.
# Every scenario of theirs is one result. TURNSERVER names another server.
set -eu
cd "$(dirname "$0")/../.."
top=$(pwd)
bin=$top/build/bin
server=${TURNSERVER:-$bin/turnserver}
upstream=$(cd -P "$bin/.." && pwd)

number=0
result() { # ok or not ok, name
	number=$((number + 1))
	echo "$1 $number - $2"
}

# The protocol's test vectors do not involve the server.
if (cd "$upstream" && "$bin/turnutils_rfc5769check") >&2; then
	result ok "rfc5769check"
else
	result "not ok" "rfc5769check"
fi

if [ "$(id -u)" -ne 0 ]; then
	for script in "$upstream"/examples/run_tests*.sh; do
		result ok "$(basename "$script") # SKIP needs root"
	done
	echo "1..$number"
	exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cp -Rp "$upstream/examples" "$scratch/examples"
mkdir "$scratch/bin"
for program in "$bin"/turnutils_*; do
	ln -s "$program" "$scratch/bin/"
done

# Their scripts leave the server and the peer running: in namespaces of their
# own, everything ends with the script. A server told no address takes those
# that the machine has, and wants one besides loopback's.
run_script() { # script
	# shellcheck disable=SC2016 # the inner shell expands it
	(cd "$scratch/examples" &&
		timeout -k 5 200 unshare --net --pid --fork --kill-child sh -c '
			PATH=$PATH:/usr/sbin:/sbin
			ip link set lo up
			ip link add here type veth peer name there
			ip addr add 192.0.2.1/24 dev here
			ip link set here up
			ip link set there up
			"./$1"' sh "$1") </dev/null 2>&1
}

# Those of 4.17.1 that have no such scenarios, or name them in other words, tell
# by their status. So does run_tests.sh there; of 4.6.1 only the words count.
whole_script() { # name, offload, status, output
	if grep -q 'compiled without prometheus support' "$4"; then
		result ok "$1, offload $2 # SKIP built without prometheus"
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
	# Their scripts call the server by its place, so that place decides.
	{
		echo '#!/bin/sh'
		if [ "$offload" = on ]; then
			echo "exec '$server' --xdp-offload \"\$@\""
		else
			echo "exec '$server' \"\$@\""
		fi
	} >"$scratch/bin/turnserver"
	chmod +x "$scratch/bin/turnserver"
	for script in "$scratch"/examples/run_tests*.sh; do
		name=$(basename "$script")
		output=$scratch/$name.$offload
		status=0
		run_script "$name" >"$output" || status=$?
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
echo "1..$number"
