# SPDX-License-Identifier: BSD-3-Clause
"""Topologies of network namespaces that remove themselves.

direct      client ---- server ---- peer
            192.0.2.2   192.0.2.1
                        198.51.100.1  198.51.100.2

gateway     client ---- server ---- switch ---- gw-a ---- peer
            192.0.2.2   192.0.2.1         |     .254      203.0.113.2
                        198.51.100.1      +---- gw-b -----+
                                                .253
            The way to 203.0.113.0/24 is by 198.51.100.254.

one_leg     client ---- switch ---- peer
            192.0.2.2     |         192.0.2.3
                        server
                        192.0.2.1

With `ipv6` all have IPv6 addresses as well, of the same shape: 2001:db8:1::/64
for 192.0.2.0/24, 2001:db8:2::/64 for 198.51.100.0/24, 2001:db8:3::/64 for
203.0.113.0/24; routers end in ::fe and ::fd.

In each of these topologies the server has ip_forward=0, checksum offload is on everywhere,
and all ends but the server's have GRO on, without which a veth drops frames
that an XDP program on its other end sends.
"""

import itertools
import os
import tempfile
from pathlib import Path

from netns import Netns, command
from tap import Skipped

CLIENT = "192.0.2.2"
SERVER = "192.0.2.1"
RELAY = "198.51.100.1"
PEER = "198.51.100.2"
FAR_PEER = "203.0.113.2"
GATEWAY_A = "198.51.100.254"
GATEWAY_B = "198.51.100.253"
NEAR_PEER = "192.0.2.3"

CLIENT6 = "2001:db8:1::2"
SERVER6 = "2001:db8:1::1"
RELAY6 = "2001:db8:2::1"
PEER6 = "2001:db8:2::2"
FAR_PEER6 = "2001:db8:3::2"
GATEWAY_A6 = "2001:db8:2::fe"
GATEWAY_B6 = "2001:db8:2::fd"
NEAR_PEER6 = "2001:db8:1::3"

_NETWORKS = {"192.0.2": "2001:db8:1", "198.51.100": "2001:db8:2", "203.0.113": "2001:db8:3"}

_serial = itertools.count()


def ipv6_of(address):
    """The IPv6 address, or prefix, in the place of an IPv4 one."""
    host, slash, _ = address.partition("/")
    network, _, number = host.rpartition(".")
    number = "" if number == "0" else f"{int(number):x}"
    return f"{_NETWORKS[network]}::{number}" + (slash and "/64")


class Host(Netns):
    """A namespace of either family."""

    ipv6 = False

    def enable_ipv6(self, forward):
        self.ipv6 = True
        # Addresses are given by hand and used at once; nothing else is said.
        for name, value in (("disable_ipv6", 0), ("accept_ra", 0), ("accept_dad", 0),
                            ("router_solicitations", 0), ("addr_gen_mode", int(not forward))):
            for which in ("all", "default"):
                self.sysctl(f"net/ipv6/conf/{which}/{name}", value)
        self.sysctl("net/ipv6/conf/all/forwarding", int(forward))
        self.sysctl("net/ipv6/icmp/ratelimit", 0)
        self.sysctl("net/ipv6/conf/lo/disable_ipv6", 0)

    def add_address(self, name, address):
        """An IPv4 address, and the IPv6 one in its place if there is IPv6."""
        self.ip("address", "add", address, "dev", name)
        if self.ipv6:
            self.ip("address", "add", ipv6_of(address), "dev", name, "nodad")

    def add_route(self, destination, via):
        self.ip("route", "add", destination, "via", via)
        if self.ipv6:
            self.ip("-6", "route", "add", destination if destination == "default"
                    else ipv6_of(destination), "via", ipv6_of(via))


class Lab:
    """Namespaces as attributes (lab.server, lab.client, …), and a folder."""

    def __init__(self, topology="direct", ipv6=False):
        self._topology = topology
        self._made = []
        self._folder = None
        self.folder = None
        self.ipv6 = ipv6
        self.topology = topology
        self.relay_address = SERVER if topology == "one_leg" else RELAY
        self.peer_address = {"direct": PEER, "gateway": FAR_PEER, "one_leg": NEAR_PEER}[topology]
        self.relay_address6 = ipv6_of(self.relay_address)
        self.peer_address6 = ipv6_of(self.peer_address)

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skipped("network namespaces need root")
        self._folder = tempfile.TemporaryDirectory(prefix="netns-test-")
        self.folder = Path(self._folder.name)
        # The server may run as another user.
        self.folder.chmod(0o777)
        try:
            getattr(self, "_build_" + self._topology)()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in reversed(self._made):
            namespace.remove()
        self._made.clear()
        self._folder.cleanup()

    def add(self, name, forward=False):
        """A namespace more, as lab.NAME."""
        namespace = Host(f"turn-{os.getpid()}-{next(_serial)}-{name}")
        self._made.append(namespace)
        namespace.create()
        namespace.sysctl("net/ipv4/ip_forward", int(forward))
        # The same traffic twice must meet the same answers.
        namespace.sysctl("net/ipv4/icmp_ratelimit", 0)
        if self.ipv6:
            namespace.enable_ipv6(forward)
        setattr(self, name.replace("-", "_"), namespace)
        return namespace

    @staticmethod
    def link(left, left_name, left_address, right, right_name, right_address):
        """A veth pair; an end without an address joins the bridge `br0`."""
        command(["ip", "link", "add", left_name, "netns", left.name, "type", "veth",
                 "peer", "name", right_name, "netns", right.name])
        ends = ((left, left_name, left_address), (right, right_name, right_address))
        for namespace, name, address in ends:
            if address is None:
                namespace.ip("link", "set", name, "master", "br0")
            else:
                namespace.add_address(name, address)
            namespace.ip("link", "set", name, "up")
        # Once both are up: a veth looks at its other end only then.
        for namespace, name, _ in ends:
            if not name.startswith("to-"):
                namespace.run("ethtool", "-K", name, "gro", "on")

    @staticmethod
    def bridge(namespace):
        namespace.ip("link", "add", "br0", "type", "bridge")
        namespace.ip("link", "set", "br0", "type", "bridge", "mcast_snooping", "0")
        namespace.ip("link", "set", "br0", "up")

    def _build_direct(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        self.link(server, "to-client", SERVER + "/24", client, "eth0", CLIENT + "/24")
        self.link(server, "to-peer", RELAY + "/24", peer, "eth0", PEER + "/24")
        client.add_route("default", SERVER)
        peer.add_route("default", RELAY)

    def _build_one_leg(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        switch = self.add("switch")
        self.bridge(switch)
        self.link(server, "to-client", SERVER + "/24", switch, "port0", None)
        self.link(client, "eth0", CLIENT + "/24", switch, "port1", None)
        self.link(peer, "eth0", NEAR_PEER + "/24", switch, "port2", None)

    def _build_gateway(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        switch = self.add("switch")
        gateways = self.add("gw-a", forward=True), self.add("gw-b", forward=True)
        self.bridge(switch)
        self.bridge(peer)
        peer.add_address("br0", FAR_PEER + "/24")
        self.link(server, "to-client", SERVER + "/24", client, "eth0", CLIENT + "/24")
        self.link(server, "to-peer", RELAY + "/24", switch, "port0", None)
        for number, (gateway, near, far) in enumerate(zip(
                gateways, (GATEWAY_A, GATEWAY_B), ("203.0.113.254", "203.0.113.253")), 1):
            self.link(gateway, "near", near + "/24", switch, f"port{number}", None)
            self.link(gateway, "far", far + "/24", peer, f"port{number}", None)
            # A router that says "redirect" would change the test's routes.
            gateway.sysctl("net/ipv4/conf/all/send_redirects", 0)
            gateway.add_route("192.0.2.0/24", RELAY)
        peer.add_route("default", "203.0.113.254")
        server.add_route("203.0.113.0/24", GATEWAY_A)
        client.add_route("default", SERVER)
