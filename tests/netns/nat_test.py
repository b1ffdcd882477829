#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that translate addresses or ports (nft, iptables): what arrives with the offload
on is what arrives with it off, with the same addresses, and a channel of the same server
that is not translated is relayed in the kernel meanwhile.
"""

import family
import firewall
from firewall import Row, chain
from tap import run
from upstream import nat_discovery

# The clients know another port or address than the server's.
CLIENT_LEG = (
    Row("a port that is redirected to the server's",
        chain("nat", "prerouting", "udp dport 443 redirect to :3478"), server=("server", 443)),
    Row("another address of the host, translated to the server's",
        chain("nat", "prerouting", "<ip> daddr <other_server> udp dport 3478 dnat to <at server>:3478"),
        server=("other_server", 3478)),
    Row("a load balancer's port, translated to one of the server's two",
        chain("nat", "prerouting", "udp dport 30478 dnat to <server> : numgen inc mod 2 map { 0 : 3478, 1 : 3479 }"),
        server=("server", 30478), options=tuple(nat_discovery())),
    Row("the client's port is translated on its way to the server",
        chain("nat", "input", "<ip> saddr <client> udp sport 40001 snat to <at client>:41001")),
)

# The peers see another address or port than the relay's.
PEER_LEG = (
    Row("the relay's address is translated on the way out",
        chain("nat", "postrouting", "<ip> saddr <relay> <ip> daddr <peer> udp sport 49152-65535 snat to <other_relay>"),
        answers=True),
    Row("the relay's address is translated on the way out, and the peer sends to the relay",
        chain("nat", "postrouting", "<ip> saddr <relay> <ip> daddr <peer> udp sport 49152-65535 snat to <other_relay>"),
        arrives=(True, False)),
    Row("the relay's ports are masqueraded on the way out",
        chain("nat", "postrouting", "<ip> daddr <peer> udp sport 49152-65535 masquerade to :20001"),
        answers=True),
    Row("the relay's address is translated to another one of the host in both directions",
        chain("nat", "postrouting", "<ip> saddr <relay> <ip> daddr <peer> snat to <other_relay>")
        + chain("nat", "prerouting", "<ip> daddr <other_relay> dnat to <relay>"), relay="other_relay"),
    Row("the port that the peer is known by is translated on the way out",
        chain("nat", "output", "<ip> daddr <peer> udp dport 5009 dnat to <at peer>:5001"), bound=5009),
)

firewall.cases((*CLIENT_LEG, *PEER_LEG))

if __name__ == "__main__":
    run(family.fixture())
