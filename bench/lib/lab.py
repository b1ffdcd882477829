# SPDX-License-Identifier: BSD-3-Clause
"""The bench's topology: client, server and peer in network namespaces of their own.

  client netns            server netns                    peer netns
  c0 192.0.2.2 ---------- s0 192.0.2.1
                          s1 198.51.100.1 --------------- p0 198.51.100.2

All interfaces have GRO on: a veth takes redirected frames only if the far end
has GRO or an XDP program. Checksum offload stays on, as it is by default.
"""

import contextlib
import itertools
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.append(str(ROOT / "tests" / "netns"))
from netns import Netns, command

BIN = ROOT / "build" / "bench"
CLIENT, SERVER, RELAY, PEER = "192.0.2.2", "192.0.2.1", "198.51.100.1", "198.51.100.2"
TURN_PORT, CLIENT_PORT, PEER_PORT, PROBE_PORT, ECHO_PORT = 3478, 30000, 20000, 50000, 7000
PEERS = 32749  # CLIENTS_PEERS of clients.h
# A stateful firewall, as operators have it: it lets in what clients ask for, and answers to what the server has sent.
FIREWALL = """table inet bench {
	chain input {
		type filter hook input priority 0; policy drop
		ct state established,related accept
		udp dport 3478 accept
		iif lo accept
		meta l4proto icmpv6 accept
	}
	chain output {
		type filter hook output priority 0; policy accept
		ct state new accept
	}
}"""
CPUS = os.cpu_count()
LAST_CPU = CPUS - 1


_numbers = itertools.count()


class Lab:
    """One topology; `queues` is the number of queues of each interface and way."""

    def __init__(self, queues=1):
        self.queues = queues
        number = next(_numbers)
        self.client, self.server, self.peer = (
            Netns(f"bench-{end}-{os.getpid()}-{number}") for end in ("client", "server", "peer"))
        self.macs = {}

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for netns in (self.client, self.server, self.peer):
            netns.remove()

    def _make(self):
        for netns in (self.client, self.server, self.peer):
            netns.create()
        self._link(self.client, "c0", CLIENT, "s0", SERVER)
        self._link(self.peer, "p0", PEER, "s1", RELAY)
        # Only once all are up: a veth that comes up looks whether the other end takes
        # redirected frames, and GRO tells the other end only of a veth that is up (Linux 6.18).
        for netns, interface in self.interfaces():
            netns.run("ethtool", "-K", interface, "gro", "on")
            self.macs[interface] = ":".join(f"{byte:02x}" for byte in netns.mac(interface))
        self.client.ip("route", "add", "198.51.100.0/24", "via", SERVER)
        self.peer.ip("route", "add", "192.0.2.0/24", "via", RELAY)

    def interfaces(self):
        return ((self.client, "c0"), (self.server, "s0"), (self.server, "s1"), (self.peer, "p0"))

    def _link(self, netns, interface, address, server_interface, server_address):
        queues = ["numrxqueues", str(self.queues), "numtxqueues", str(self.queues)]
        command(["ip", "link", "add", interface, *queues, "netns", netns.name, "type", "veth", "peer", "name",
                 server_interface, *queues, "netns", self.server.name])
        for where, name, own in ((netns, interface, address), (self.server, server_interface, server_address)):
            where.ip("addr", "add", f"{own}/24", "dev", name)
            where.ip("link", "set", name, "up")

    @contextlib.contextmanager
    def firewall(self):
        """The server's host has a stateful firewall within `with`."""
        self.server.run("nft", FIREWALL)
        try:
            yield
        finally:
            self.server.run("nft", "delete table inet bench")

    def forwarding(self, on):
        self.server.sysctl("net/ipv4/ip_forward", int(on))
