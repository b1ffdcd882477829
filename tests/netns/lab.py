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

The server has ip_forward=0 in all of them, checksum offload is on everywhere,
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

_serial = itertools.count()


class Lab:
    """Namespaces as attributes (lab.server, lab.client, …), and a folder."""

    def __init__(self, topology="direct"):
        self._topology = topology
        self._made = []
        self._folder = None
        self.folder = None
        self.topology = topology
        self.relay_address = SERVER if topology == "one_leg" else RELAY
        self.peer_address = {"direct": PEER, "gateway": FAR_PEER, "one_leg": NEAR_PEER}[topology]

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
        namespace = Netns(f"turn-{os.getpid()}-{next(_serial)}-{name}")
        self._made.append(namespace)
        namespace.create()
        namespace.sysctl("net/ipv4/ip_forward", int(forward))
        # The same traffic twice must meet the same answers.
        namespace.sysctl("net/ipv4/icmp_ratelimit", 0)
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
                namespace.ip("address", "add", address, "dev", name)
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
        client.ip("route", "add", "default", "via", SERVER)
        peer.ip("route", "add", "default", "via", RELAY)

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
        peer.ip("address", "add", FAR_PEER + "/24", "dev", "br0")
        self.link(server, "to-client", SERVER + "/24", client, "eth0", CLIENT + "/24")
        self.link(server, "to-peer", RELAY + "/24", switch, "port0", None)
        for number, (gateway, near, far) in enumerate(zip(
                gateways, (GATEWAY_A, GATEWAY_B), ("203.0.113.254", "203.0.113.253")), 1):
            self.link(gateway, "near", near + "/24", switch, f"port{number}", None)
            self.link(gateway, "far", far + "/24", peer, f"port{number}", None)
            # A router that says "redirect" would change the test's routes.
            gateway.sysctl("net/ipv4/conf/all/send_redirects", 0)
            gateway.ip("route", "add", "192.0.2.0/24", "via", RELAY)
        peer.ip("route", "add", "default", "via", "203.0.113.254")
        server.ip("route", "add", "203.0.113.0/24", "via", GATEWAY_A)
        client.ip("route", "add", "default", "via", SERVER)
