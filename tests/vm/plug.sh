#!/bin/sh
# qemu runs this for each tap that it makes, in its own network namespace, and it
# joins the two ends of a cable. The bridge learns no addresses: it passes what comes
# in at one end on to the other. What is meant for bridges (LACP) needs the mask.
#
# usage: tests/vm/plug.sh near0|far0|near1...
set -eu
PATH=$PATH:/usr/sbin:/sbin
cable=cable${1##*[a-z]}

echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
[ -e "/proc/sys/net/ipv4/conf/$cable" ] || ip link add "$cable" type bridge ageing_time 0 mcast_snooping 0
ip link set "$1" mtu 16000 master "$cable" up
ip link set "$1" type bridge_slave group_fwd_mask 0xfffd
ip link set "$cable" up
