#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Packets whose checksum this host has verified in software before the program sees them: the
kernel then remembers the sum over the bytes that were received, and does not forget it when the
program changes them in generic mode. A receiver that gets the same skb by way of a virtual
device would drop it.

bridged     client ---- br0 of the server ---- peer, with a rule that uses conntrack
            192.0.2.2   192.0.2.1              192.0.2.3

one_armed   the same, with a VXLAN of the server in the place of br0

tunnelled   client ---- server ==== VXLAN over a veth ==== peer
            192.0.2.2   192.0.2.1, 198.51.100.1            198.51.100.2

The senders have no checksum offload.
"""

import contextlib

import firewall
from kernel import Verdicts
from lab import CLIENT, NEAR_PEER, PEER, RELAY, SERVER, Lab
from netns import command
from server import Server
from talk import Talk, Talk6
from tap import check_equal, note, run, skip, test, wait_until

COUNT = 20
# A receiver sums up a datagram of at most 76 bytes itself, whatever the skb says (CHECKSUM_BREAK of Linux).
SIZES = (40, 160, 1000)
UNDER = "203.0.113"


def _feature(name, state, *devices):
    for host, device in devices:
        host.run("ethtool", "-K", device, name, state)


def _bridge_filter(host, value):
    for name in ("iptables", "ip6tables"):
        try:
            host.sysctl(f"net/bridge/bridge-nf-call-{name}", value)
        except FileNotFoundError:
            skip("this kernel has no br_netfilter")


class Bridged(Lab):
    """The server's own interface is a bridge, and both of the others are on it."""

    _filter = 1

    def _build_one_leg(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        self.bridge(server)
        server.add_address("br0", SERVER + "/24")
        self.link(client, "eth0", CLIENT + "/24", server, "port1", None)
        self.link(peer, "eth0", NEAR_PEER + "/24", server, "port2", None)
        _feature("tx", "off", (client, "eth0"), (peer, "eth0"))
        # GRO would verify the checksums, and remember only that they are right.
        _feature("gro", "off", (server, "port1"), (server, "port2"), (client, "eth0"), (peer, "eth0"))
        _bridge_filter(server, self._filter)
        firewall.load(server, firewall.chain("filter", "input", "ct state invalid drop", table="inet"))


class NotFiltered(Bridged):
    """The same without br_netfilter: conntrack sees nothing but what the server receives itself."""

    _filter = 0


class OneArmed(Lab):
    """Client and peer are behind VXLANs that lead to one of the server's."""

    def _build_one_leg(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        ends = ((client, CLIENT, 0), (peer, NEAR_PEER, 128))
        for host, address, base in ends:
            self.link(server, f"under{base}", f"{UNDER}.{base + 1}/25", host, "under", f"{UNDER}.{base + 2}/25")
            host.ip("link", "add", "eth0", "type", "vxlan", "id", 7, "dstport", 4789, "remote", f"{UNDER}.{base + 1}")
            host.add_address("eth0", address + "/24")
            host.ip("link", "set", "eth0", "up")
            _feature("tx", "off", (host, "under"), (host, "eth0"))
            _feature("gro", "off", (host, "under"), (server, f"under{base}"))
        server.ip("link", "add", "vxlan0", "type", "vxlan", "id", 7, "dstport", 4789)
        server.add_address("vxlan0", SERVER + "/24")
        server.ip("link", "set", "vxlan0", "up")
        _feature("gro", "off", (server, "vxlan0"))
        for _, _, base in ends:
            command(["bridge", "-n", server.name, "fdb", "append", "00:00:00:00:00:00", "dev", "vxlan0",
                     "dst", f"{UNDER}.{base + 2}"])


class Tunnelled(Lab):
    """The interface to the peer is a VXLAN."""

    def _build_direct(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        self.link(server, "to-client", SERVER + "/24", client, "eth0", CLIENT + "/24")
        self.link(server, "under", f"{UNDER}.1/24", peer, "eth0", f"{UNDER}.2/24")
        for host, number, name, address in ((server, 1, "to-peer", RELAY), (peer, 2, "tunnel", PEER)):
            host.ip("link", "add", name, "type", "vxlan", "id", 7, "dstport", 4789,
                    "local", f"{UNDER}.{number}", "remote", f"{UNDER}.{3 - number}", "udpcsum")
            host.add_address(name, address + "/24")
            host.ip("link", "set", name, "up")
        _feature("tx", "off", (client, "eth0"), (peer, "eth0"), (peer, "tunnel"))
        _feature("gro", "off", (server, "under"), (server, "to-peer"), (client, "eth0"), (peer, "eth0"))
        client.add_route("default", SERVER)
        peer.add_route("default", RELAY)


def _lost(lab, kind, mode, relayed):
    """How many datagrams in each direction do not arrive, COUNT of each size. The kernel has
    to relay those of the directions in `relayed`, and no others."""
    options = [("xdp-mode", mode), ("xdp-required", None)] if mode else []
    with Server(lab, *options, offload=bool(mode)) as server, kind(lab) as talk:
        talk.warm()
        if mode and relayed:
            wait_until(lambda: _relays(server, talk, relayed), 5, f"{relayed} by the kernel; log:\n{server.log()}")
        with Verdicts(server.offload) if mode else contextlib.nullcontext() as verdicts:
            found = [sum(not send(b"%04d" % number * (size // 4), 0.3) for size in SIZES for number in range(COUNT))
                     for send in (talk.to_peer, talk.to_client)]
        if mode:
            note(f"{kind.__name__}: lost {found}; verdicts {verdicts.changed()}")
            for name in ("TO_PEER", "TO_CLIENT"):
                check_equal(bool(verdicts[name]), name in relayed, f"{name} by the kernel")
        return found


def _relays(server, talk, names):
    with Verdicts(server.offload) as verdicts:
        talk.works()
    return all(verdicts[name] for name in names)


def _compare(lab, *relayed):
    for kind in (Talk, Talk6):
        for mode in (None, "generic"):
            check_equal(_lost(lab, kind, mode, relayed), [0, 0],
                        f"{kind.__name__}, {mode or 'off'}: lost to peer, to client")


@test("on a bridge whose packets conntrack verifies: all arrive", seconds=120)
def bridged():
    with Bridged("one_leg", ipv6=True) as lab:
        _compare(lab)


@test("on a bridge whose packets are not filtered: all arrive, relayed in the kernel", seconds=120)
def not_filtered():
    with NotFiltered("one_leg", ipv6=True) as lab:
        _compare(lab, "TO_PEER", "TO_CLIENT")


@test("through a VXLAN whose checksums are verified: all arrive", seconds=120)
def tunnelled():
    with Tunnelled("direct", ipv6=True) as lab:
        _compare(lab, "TO_PEER")


@test("in and out by a VXLAN, which takes back what was remembered: all arrive", seconds=120)
def one_armed():
    with OneArmed("one_leg", ipv6=True) as lab:
        _compare(lab, "TO_PEER", "TO_CLIENT")


if __name__ == "__main__":
    run()
