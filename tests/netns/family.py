# SPDX-License-Identifier: BSD-3-Clause
"""The addresses of a lab by family, for tests that are run once for each.

Besides the lab's own addresses the server has one more on each side, OTHER_SERVER and
OTHER_RELAY, and the peer has another one, QUIET_PEER, which no rule of a test is about.
"""

import contextlib
from dataclasses import dataclass

import lab as addresses
from lab import Lab, ipv6_of

OTHER_SERVER, OTHER_RELAY, QUIET_PEER = "192.0.2.9", "198.51.100.9", "198.51.100.3"
NO_HOST = "192.0.2.77"


@dataclass(frozen=True)
class Family:
    """Of IPv4 or IPv6; `ip` is the name of its tables and headers in nft."""

    number: int
    ip: str
    client: str
    server: str
    relay: str
    peer: str
    quiet_peer: str
    other_server: str
    other_relay: str
    no_host: str

    def rules(self, text):
        """A ruleset in which names in angle brackets are replaced by those of the family."""
        for name, value in vars(self).items():
            text = text.replace(f"<{name}>", str(value))
            # With a port an IPv6 address needs brackets.
            text = text.replace(f"<at {name}>", f"[{value}]" if self.number == 6 else str(value))
        return text


def _family(number, ip, of):
    return Family(number, ip, *map(of, (
        addresses.CLIENT, addresses.SERVER, addresses.RELAY, addresses.PEER, QUIET_PEER,
        OTHER_SERVER, OTHER_RELAY, NO_HOST)))


IPV4 = _family(4, "ip", str)
IPV6 = _family(6, "ip6", ipv6_of)
FAMILIES = (IPV4, IPV6)


@contextlib.contextmanager
def fixture():
    """A lab of both families with the further addresses."""
    with Lab("direct", ipv6=True) as made:
        # An interface that loses its first address keeps the other one.
        made.server.sysctl("net/ipv4/conf/all/promote_secondaries", 1)
        made.server.add_address("to-client", OTHER_SERVER + "/24")
        # IPv6's redirect takes the address of the interface that was added last.
        made.server.ip("address", "delete", ipv6_of(addresses.SERVER) + "/64", "dev", "to-client")
        made.server.ip("address", "add", ipv6_of(addresses.SERVER) + "/64", "dev", "to-client", "nodad")
        made.server.add_address("to-peer", OTHER_RELAY + "/24")
        made.peer.add_address("eth0", QUIET_PEER + "/24")
        # Without them IPv6 never finds a neighbour again that it has to ask for without a packet.
        for number, (host, interface) in enumerate(((made.client, "eth0"), (made.server, "to-client"),
                                                    (made.server, "to-peer"), (made.peer, "eth0")), 1):
            host.ip("address", "add", f"fe80::{number}/64", "dev", interface, "nodad")
        yield made
