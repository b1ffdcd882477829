#!/bin/sh
# For the router in front of the cluster (Linux 5.13 or newer): spreads what comes to one address
# over the servers, by addresses and ports, and keeps each client at its server when the number
# of servers changes. A server that does not answer STUN is taken out until it answers again.
#
# usage: ecmp.sh [ADDRESS DEVICE SERVER...]    as root; it runs until it is ended
#   ADDRESS  the address that all servers share
#   DEVICE   the interface that leads to the servers
set -eu
[ $# -gt 0 ] || set -- 203.0.113.10 eth1 192.0.2.11 192.0.2.12 192.0.2.13
address=$1
device=$2
shift 2
stun=${STUNCLIENT:-turnutils_stunclient}
group=100 # the next hops of the servers are 101, 102, ...

alive() { timeout 1 "$stun" "$1" >/dev/null 2>&1; }
numbers() { for number; do printf '%s%s' "$separator" "$number"; separator=/; done; }

# Where one next hop is taken out of a resilient group, only its own clients move.
set_group() { # numbers of next hops...
	separator=''
	ip nexthop replace id "$group" group "$(numbers "$@")" type resilient \
		buckets 1024 idle_timer 60 unbalanced_timer 0
}

# Hash ports too: many clients have the address of one NAT.
sysctl -q -w net.ipv4.fib_multipath_hash_policy=1

members=''
number=$group
for server; do
	number=$((number + 1))
	ip nexthop replace id "$number" via "$server" dev "$device"
	members="$members $number"
done
# shellcheck disable=SC2086 # a list of words
set_group $members
ip route replace "$address/32" nhid "$group"
echo "$address is spread over: $*"

while sleep 1; do
	found=''
	number=$group
	for server; do
		number=$((number + 1))
		# The second question is for a server whose first answer was lost.
		if alive "$server" || alive "$server"; then
			found="$found $number"
		fi
	done
	# If none answers, the fault may be here: everything stays as it is.
	if [ -n "$found" ] && [ "$found" != "$members" ]; then
		members=$found
		# shellcheck disable=SC2086
		set_group $members
		echo "$address is spread over the next hops:$members"
	fi
done
