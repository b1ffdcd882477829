#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that filter (nft, iptables): what arrives with the offload on is what arrives with
it off, and a channel of the same server that is not filtered is relayed in the kernel meanwhile.
"""

import contextlib

import family
import firewall
from firewall import ENOUGH, STATEFUL, Row, chain
from tap import run, skip


def _sizes(of, direction, tick):
    """Of peers some that leave room for the header of a channel, and some that do not."""
    return 160 if direction == "to_peer" else (20, 1470 if of.number == 4 else 1450)[tick % 2]


TO_PEER = "<ip> daddr <peer> udp dport 1-65535 drop"
FROM_PEER = "<ip> saddr <peer> udp sport 1-65535 drop"

# When a datagram of a relay cannot be sent, coturn receives nothing more there.
NOTHING = (False, False)

ROWS = (
    Row("no rules", kernel=(ENOUGH, ENOUGH)),
    Row("what is not asked for is dropped, and small and large answers come in", STATEFUL, size=_sizes,
        kernel=(ENOUGH, ENOUGH // 2)),
    Row("output to the peer is dropped", chain("filter", "output", TO_PEER), arrives=NOTHING),
    Row("output to the peer is dropped, in a table of both families", chain("filter", "output", TO_PEER, table="inet"),
        arrives=NOTHING),
    Row("what goes to the peer is dropped after its route is known", chain("filter", "postrouting", TO_PEER),
        arrives=NOTHING),
    Row("input from the peer is dropped", chain("filter", "input", FROM_PEER), arrives=(True, False)),
    Row("what comes from the peer is dropped before its route is known",
        chain("filter", "prerouting", FROM_PEER, priority=-300), arrives=(True, False)),
    Row("what comes from the peer is dropped at the interface",
        "table netdev test { chain c { type filter hook ingress device to-peer priority 0; "
        f"{FROM_PEER}; }}\n}}\n", arrives=(True, False)),
)


def _iptables(program, *rules):
    """Rules of iptables, each without -A or -D."""
    @contextlib.contextmanager
    def made(lab, of):
        name = firewall.program(program.replace("ip", "ip6", 1) if of.number == 6 else program)
        if lab.server.run(name, "-S", check=False).returncode:
            skip("this kernel has no ip_tables" if "legacy" in name else f"{name} does not work here")
        with contextlib.ExitStack() as stack:
            if "nft" in name:
                stack.callback(firewall.flush, lab.server)
            for table, rule in rules:
                words = of.rules(rule).split()
                lab.server.run(name, "-t", table, "-A", *words)
                stack.callback(lab.server.run, name, "-t", table, "-D", *words)
            yield ()
    return made


# Those of iptables-legacy come last, because its tables stay, empty.
IPTABLES = tuple(row for program in ("iptables-nft", "iptables-legacy") for row in (
    Row(f"output to the peer is dropped by {program}", arrives=NOTHING,
        setup=_iptables(program, ("filter", "OUTPUT -d <peer> -p udp -j DROP"))),
    Row(f"input from the peer is dropped by {program}", arrives=(True, False),
        setup=_iptables(program, ("filter", "INPUT -s <peer> -p udp -j DROP"))),
    Row(f"a port is redirected to the server's by {program}", server=("server", 443),
        setup=_iptables(program, ("nat", "PREROUTING -p udp --dport 443 -j REDIRECT --to-ports 3478"))),
))

firewall.cases((*ROWS, *IPTABLES))

if __name__ == "__main__":
    run(family.fixture())
