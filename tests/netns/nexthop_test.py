#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The next hop follows the host's routes and neighbours: on-link, behind a
gateway, and when they change under traffic."""

import struct
import time

import turn
import wire
from capture import Capture, Injector
from kernel import Verdicts
from lab import (CLIENT, CLIENT6, GATEWAY_A, GATEWAY_A6, GATEWAY_B, GATEWAY_B6, PEER, PEER6, RELAY,
                 RELAY6, SERVER6, Lab)
from server import Server
from talk import Chatter, Talk
from tap import check, check_equal, note, run, test, wait_until

NOBODY = "198.51.100.77"


def set_mac(namespace, mac, interface="eth0"):
    """Without taking the link down, which would make the other end forget."""
    namespace.ip("link", "set", interface, "address", mac)


def announce(namespace, address, interface="eth0"):
    """A gratuitous ARP request (RFC 5944, section 4.6)."""
    mac = namespace.mac(interface)
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + wire.address(address) \
        + bytes(6) + wire.address(address)
    with Injector(namespace, interface) as injector:
        injector.send(wire.ethernet(mac, b"\xFF" * 6, body, 0x0806))


def quick_neighbours(lab):
    """Neighbours are asked for again after a second and not after half a minute."""
    for interface in ("to-client", "to-peer"):
        folder = f"net/ipv4/neigh/{interface}/"
        for name, value in (("base_reachable_time_ms", 1000), ("delay_first_probe_time", 1),
                            ("retrans_time_ms", 200), ("interval_probe_time_ms", 1000)):
            lab.server.sysctl(folder + name, value)


def relayed_again(talk, server, seconds, what):
    started = time.monotonic()
    wait_until(lambda: talk.in_kernel(server), seconds, f"relayed by the kernel again {what}")
    note(f"relayed by the kernel again after {time.monotonic() - started:.2f} s")
    talk.check_kernel(server)


class Talk6(Talk):
    """All of it by IPv6."""

    def __init__(self, lab, number=0x4001, client=None, **options):
        super().__init__(lab, number, client or turn.Client(
            lab.client, (SERVER6, 3478), (CLIENT6, 0)), address=lab.peer_address6, **options)
        self._own = client is None

    def __enter__(self):
        if self._own:
            self.client.allocate(family=6)
        self.bind()
        return self

    def _peer_gets(self, seconds):
        found = super()._peer_gets(seconds)
        return found and (found[0], found[1][:2])


def advertise(namespace, address, interface="eth0"):
    """An unsolicited neighbour advertisement (RFC 4861, section 7.2.6)."""
    mac = namespace.mac(interface)
    body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + wire.address(address) + b"\2\1" + mac
    pseudo = wire.address(address) + wire.address("ff02::1") + struct.pack("!II", len(body), wire.ICMPV6)
    body = body[:2] + struct.pack("!H", wire.checksum(pseudo + body)) + body[4:]
    with Injector(namespace, interface) as injector:
        injector.send(wire.ethernet(mac, b"\x33\x33\0\0\0\1", wire.ipv6(
            address, "ff02::1", body, ttl=255, protocol=wire.ICMPV6), wire.IPV6))


def link_local(lab):
    """Without such an address nothing is solicited from for what is not a packet
    of one's own: what a router forwards, and what is IPv4."""
    for host, number, interfaces in ((lab.gw_a, "a", ("near", "far")),
                                     (lab.gw_b, "b", ("near", "far")),
                                     (lab.server, "c", ("to-peer",))):
        for interface in interfaces:
            host.ip("address", "replace", f"fe80::{number}/64", "dev", interface, "nodad")


def sent_with(lab, source, destination, interface="to-peer"):
    """The TTL or hop limit of what a plain socket of the server sends."""
    with Capture(lab.server, interface, outgoing=True) as capture:
        with lab.server.socket(source) as plain:
            plain.sendto(b"plain", (destination, 9))
        found = capture.until(lambda packet: packet.payload == b"plain")
    check(found, "nothing was sent")
    return found[-1].ttl


@test("on-link: straight to the peer's own MAC")
def on_link(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Capture(lab.peer) as at_peer, Capture(lab.client) as at_client:
            talk.check_kernel(server)
            for capture, there, here in ((at_peer, lab.peer, "to-peer"),
                                         (at_client, lab.client, "to-client")):
                packets = [one for one in capture.udp() if one.payload and b"to " in one.payload]
                check(packets, "nothing captured")
                wanted = there.mac("eth0") + lab.server.mac(here)
                check_equal({packet.frame[:12] for packet in packets}, {wanted}, "MACs")


@test("behind a gateway: by the gateway's MAC")
def gateway(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Capture(lab.gw_a, "near") as at_gateway:
            talk.check_kernel(server)
            packets = [one for one in at_gateway.udp() if one.payload and b"to peer" in one.payload]
            check_equal(len(packets), 20, "packets at the gateway")
            wanted = lab.gw_a.mac("near") + lab.server.mac("to-peer")
            check_equal({packet.frame[:12] for packet in packets}, {wanted}, "MACs")


@test("the route is changed under traffic: by the new gateway")
def route_changed(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        try:
            with Chatter(talk):
                lab.server.ip("route", "replace", "203.0.113.0/24", "via", GATEWAY_B)
                time.sleep(2)
            with Capture(lab.gw_a, "near") as at_a, Capture(lab.gw_b, "near") as at_b:
                relayed_again(talk, server, 3, "by the other gateway")
                by_a = [one for one in at_a.udp() if one.destination == talk.address]
                by_b = [one for one in at_b.udp() if one.destination == talk.address]
            check(not by_a and by_b, f"{len(by_a)} by the old gateway, {len(by_b)} by the new")
        finally:
            lab.server.ip("route", "replace", "203.0.113.0/24", "via", GATEWAY_A)


@test("a more specific route appears and goes")
def route_more_specific(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        for change, gate in (("add", lab.gw_b), ("delete", lab.gw_a)):
            lab.server.ip("route", change, talk.address + "/32", "via", GATEWAY_B)
            time.sleep(1)
            with Capture(gate, "near") as capture:
                relayed_again(talk, server, 3, f"after route {change}")
                packets = [one for one in capture.udp() if one.destination == talk.address]
            check(packets, f"after route {change}: nothing by the right gateway")


@test("the route goes: coturn's own sends fail, and the kernel relays no longer")
def route_gone(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        try:
            lab.server.ip("route", "delete", "203.0.113.0/24")
            time.sleep(0.5)
            with Verdicts(server.offload) as verdicts:
                check(not talk.to_peer(seconds=0.3), "relayed without a route")
            check_equal((verdicts["TO_PEER"], verdicts["NO_NEXT_HOP"]), (0, 1), "verdicts")
        finally:
            lab.server.ip("route", "replace", "203.0.113.0/24", "via", GATEWAY_A)
        # A send that failed ends an allocation's relay in coturn itself.
        with Talk(lab) as another:
            relayed_again(another, server, 5, "with the route back")


@test("the peer's MAC changes under traffic and it says so")
def mac_announced(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Chatter(talk):
            set_mac(lab.peer, "02:00:00:00:77:01")
            announce(lab.peer, PEER)
        relayed_again(talk, server, 5, "to the new MAC")


@test("the peer's MAC changes under traffic and it says nothing", seconds=90)
def mac_silent(_lab):
    with Lab("direct") as lab:
        quick_neighbours(lab)
        with Server(lab) as server, Talk(lab) as talk:
            talk.wait_kernel(server)
            # The peer sends nothing, from which its MAC could be learned.
            lab.peer.sysctl("net/ipv4/conf/eth0/arp_notify", 0)
            set_mac(lab.peer, "02:00:00:00:77:02")
            started = time.monotonic()
            check(not talk.to_peer(seconds=0.1), "data to the old MAC arrived")
            wait_until(lambda: talk.to_peer(seconds=0.1), 20, "data to the new MAC")
            note(f"{time.monotonic() - started:.1f} s to find the new MAC")
            relayed_again(talk, server, 5, "to the new MAC")


@test("the client's MAC changes under traffic")
def client_mac(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Chatter(talk):
            set_mac(lab.client, "02:00:00:00:77:03")
            announce(lab.client, CLIENT)
        relayed_again(talk, server, 5, "to the client's new MAC")


@test("the server's own MAC changes under traffic")
def own_mac(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Chatter(talk):
            set_mac(lab.server, "02:00:00:00:77:04", "to-peer")
            announce(lab.server, RELAY, "to-peer")
        relayed_again(talk, server, 5, "from the new MAC")


@test("the interface goes down and comes up")
def interface_down(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        # Without traffic: a send that failed would end the allocation's relay
        # in coturn itself, and there would be nothing left to compare with.
        lab.server.ip("link", "set", "to-peer", "down")
        time.sleep(0.5)
        lab.server.ip("link", "set", "to-peer", "up")
        relayed_again(talk, server, 8, "after the interface came up")


@test("the interface goes down and comes up under traffic")
def interface_down_busy(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Chatter(talk):
            lab.server.ip("link", "set", "to-peer", "down")
            time.sleep(0.5)
            lab.server.ip("link", "set", "to-peer", "up")
        check(server.running(), "the server ended")
        with Talk(lab) as another:
            relayed_again(another, server, 8, "on a new allocation")


@test("the MTU of the way out changes under traffic")
def mtu_changed(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        large = bytes(1400)
        check(talk.to_peer(large), "1400 bytes with an MTU of 1500")
        lab.server.ip("link", "set", "to-peer", "mtu", "1200")
        time.sleep(0.5)
        with Verdicts(server.offload) as verdicts:
            check(talk.to_peer(large), "1400 bytes with an MTU of 1200")
        check_equal((verdicts["TOO_BIG"], verdicts["TO_PEER"]), (1, 0), "verdicts")
        lab.server.ip("link", "set", "to-peer", "mtu", "1500")
        time.sleep(0.5)
        with Verdicts(server.offload) as verdicts:
            check(talk.to_peer(large), "1400 bytes with an MTU of 1500 again")
        check_equal((verdicts["TOO_BIG"], verdicts["TO_PEER"]), (0, 1), "verdicts")


@test("a route's own MTU is kept to")
def route_mtu(_lab):
    with Lab("direct") as lab:
        lab.server.ip("route", "add", PEER + "/32", "dev", "to-peer", "mtu", "1000")
        with Server(lab) as server, Talk(lab) as talk:
            talk.wait_kernel(server)
            with Verdicts(server.offload) as verdicts:
                check(talk.to_peer(bytes(1100)), "1100 bytes over a route with an MTU of 1000")
            check_equal((verdicts["TOO_BIG"], verdicts["TO_PEER"]), (1, 0), "verdicts")


@test("a route whose MTU is locked: coturn sends without DF")
def route_mtu_locked(_lab):
    with Lab("direct") as lab:
        lab.server.ip("route", "add", PEER + "/32", "dev", "to-peer", "mtu", "lock", "1400")
        with Server(lab) as server, Talk(lab) as talk:
            with Capture(lab.peer) as capture, Verdicts(server.offload) as verdicts:
                # Until the client's next hop is resolved, the verdict is another one (PROBATION).
                wait_until(lambda: talk.to_peer(b"not locked up") and verdicts["NO_NEXT_HOP"], 5, "verdict NO_NEXT_HOP")
                found = capture.until(lambda packet: packet.payload == b"not locked up")
            check_equal(verdicts["TO_PEER"], 0, "verdict TO_PEER")
            check_equal(found[-1].frame[20], 0, "flags of the IPv4 header")
            # What the peer sends does not take that route.
            with Verdicts(server.offload) as verdicts:
                wait_until(lambda: talk.to_client(b"not locked down") and verdicts["TO_CLIENT"], 5, "verdict TO_CLIENT")
            lab.server.ip("route", "replace", PEER + "/32", "dev", "to-peer", "mtu", "1400")
            relayed_again(talk, server, 3, "with an MTU that is not locked")


@test("a peer that nobody is: counted, and other channels go on")
def nobody(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk, \
            Talk(lab, 0x4002, client=talk.client, address=NOBODY, port=5000,
                 silent=True) as lost:
        talk.wait_kernel(server)
        with Verdicts(server.offload) as verdicts:
            for _ in range(30):
                talk.client.send_channel(lost.number, b"is there anybody?")
                time.sleep(0.05)
        check_equal(verdicts["NO_NEXT_HOP"], 30, "verdict NO_NEXT_HOP")
        talk.check_kernel(server)
        # The one that nobody was appears.
        lab.peer.ip("address", "add", NOBODY + "/24", "dev", "eth0")
        with Talk(lab, 0x4002, client=talk.client, address=NOBODY, port=5000) as found:
            relayed_again(found, server, 15, "to a peer that appeared")


@test("the peer goes away for a while")
def peer_away(_lab):
    with Lab("direct") as lab:
        quick_neighbours(lab)
        with Server(lab) as server, Talk(lab) as talk, Talk(lab, 0x4002) as other:
            talk.wait_kernel(server)
            lab.peer.sysctl("net/ipv4/conf/eth0/arp_ignore", 8)
            with Chatter(talk):
                time.sleep(6)
            lab.peer.sysctl("net/ipv4/conf/eth0/arp_ignore", 0)
            relayed_again(talk, server, 10, "with the peer back")
            relayed_again(other, server, 5, "on another channel")


@test("IPv6, on-link: straight to the peer's own MAC")
def on_link6(_lab):
    with Lab("direct", ipv6=True) as lab, Server(lab) as server, Talk6(lab) as talk:
        talk.wait_kernel(server)
        with Capture(lab.peer) as at_peer, Capture(lab.client) as at_client:
            talk.check_kernel(server)
            for capture, there, here in ((at_peer, lab.peer, "to-peer"),
                                         (at_client, lab.client, "to-client")):
                packets = [one for one in capture.udp() if one.payload and b"to " in one.payload]
                check(packets, "nothing captured")
                wanted = there.mac("eth0") + lab.server.mac(here) + b"\x86\xDD"
                check_equal({packet.frame[:14] for packet in packets}, {wanted}, "MACs and type")


@test("IPv6: the peer's MAC changes under traffic and it says so")
def mac_announced6(_lab):
    with Lab("direct", ipv6=True) as lab, Server(lab) as server, Talk6(lab) as talk:
        talk.wait_kernel(server)
        with Chatter(talk):
            set_mac(lab.peer, "02:00:00:00:77:06")
            advertise(lab.peer, PEER6)
        relayed_again(talk, server, 5, "to the new MAC")
        check(lab.peer.mac("eth0") in {hop.destination for hop in server.offload.hops()}, "the new MAC")


@test("IPv6: the route is changed under traffic: by the new gateway, link-local too")
def route_changed6(_lab):
    with Lab("gateway", ipv6=True) as lab, Server(lab) as server, Talk6(lab) as talk:
        link_local(lab)
        talk.wait_kernel(server)
        for via, gate in (((GATEWAY_B6,), lab.gw_b), (("fe80::a", "dev", "to-peer"), lab.gw_a),
                          ((GATEWAY_B6,), lab.gw_b), ((GATEWAY_A6,), lab.gw_a)):
            with Chatter(talk):
                lab.server.ip("-6", "route", "replace", "2001:db8:3::/64", "via", *via)
                time.sleep(1)
            with Capture(gate, "near") as capture:
                relayed_again(talk, server, 3, f"by {via[0]}")
                packets = [one for one in capture.udp() if one.destination == talk.address]
            check(packets, f"nothing by {via[0]}")


@test("IPv6: a path MTU that a router tells of: what is larger goes to coturn, which fragments")
def path_mtu6(_lab):
    with Lab("gateway", ipv6=True) as lab:
        link_local(lab)
        lab.gw_a.ip("link", "set", "far", "mtu", "1300")
        with Server(lab) as server, Talk6(lab) as talk:
            talk.wait_kernel(server)
            large = bytes(1400)
            check(not talk.to_peer(large, seconds=0.2), "the first large packet arrives")
            wait_until(lambda: talk.to_peer(large, seconds=0.2), 4, "large packets arrive")
            check(1300 in {hop.mtu for hop in server.offload.hops()}, "the MTU that was learned")
            with Verdicts(server.offload) as verdicts:
                check(talk.to_peer(large), "1400 bytes over a path MTU of 1300")
            check_equal((verdicts["TOO_BIG"], verdicts["TO_PEER"]), (1, 0), "verdicts")
            talk.check_kernel(server)


@test("IPv6: an MTU that is lower for IPv6 alone")
def mtu6(_lab):
    with Lab("direct", ipv6=True) as lab, Server(lab) as server, Talk6(lab) as talk:
        talk.wait_kernel(server)
        # As a router advertisement would set it; no event tells.
        lab.server.sysctl("net/ipv6/conf/to-peer/mtu", 1300)
        wait_until(lambda: 1300 in {hop.mtu for hop in server.offload.hops()}, 5, "the MTU")
        with Verdicts(server.offload) as verdicts:
            check(talk.to_peer(bytes(1280)), "1280 bytes with an MTU of 1300")
        check_equal((verdicts["TOO_BIG"], verdicts["TO_PEER"]), (1, 0), "verdicts")


@test("the TTL of a way is what a plain socket sends with")
def way_ttl(_lab):
    with Lab("direct", ipv6=True) as lab, Server(lab) as server, Talk(lab) as talk, \
            Talk6(lab) as talk6:
        talk.wait_kernel(server)
        talk6.wait_kernel(server)

        def expect(wanted, what):
            there = lab.peer.mac("eth0")
            plain = sent_with(lab, RELAY, PEER), sent_with(lab, RELAY6, PEER6)
            check_equal(plain, wanted, f"plain sockets, {what}")
            wait_until(lambda: sorted(hop.ttl for hop in server.offload.hops() if hop.destination == there)
                       == sorted(wanted), 5, f"TTL and hop limit {wanted} in the table, {what}")

        expect((64, 64), "by default")
        lab.server.sysctl("net/ipv4/ip_default_ttl", 77)
        expect((77, 64), "with the host's default")
        # As a router advertisement would set it.
        lab.server.sysctl("net/ipv6/conf/to-peer/hop_limit", 33)
        expect((77, 33), "with the interface's")
        lab.server.ip("route", "add", PEER + "/32", "dev", "to-peer", "hoplimit", "9")
        lab.server.ip("-6", "route", "add", PEER6 + "/128", "dev", "to-peer", "hoplimit", "8")
        expect((9, 8), "with the routes'")


@test("IPv4 by an IPv6 gateway")
def via6(_lab):
    with Lab("gateway", ipv6=True) as lab:
        link_local(lab)
        lab.server.ip("route", "replace", "203.0.113.0/24", "via", "inet6", GATEWAY_A6)
        with Server(lab) as server, Talk(lab) as talk:
            talk.wait_kernel(server)
            with Capture(lab.gw_a, "near") as capture:
                talk.check_kernel(server)
                packets = [one for one in capture.udp() if one.payload and b"to peer" in one.payload]
            wanted = lab.gw_a.mac("near") + lab.server.mac("to-peer") + b"\x08\x00"
            check_equal({packet.frame[:14] for packet in packets}, {wanted}, "MACs and type")


@test("a peer's address becomes the server's own, and is another's again")
def local(_lab):
    with Lab("direct") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        there = lab.peer.mac("eth0")
        lab.server.ip("address", "add", PEER + "/32", "dev", "lo")
        wait_until(lambda: any(hop.flags & 1 for hop in server.offload.hops()), 5, "a local row")
        check(there not in {hop.destination for hop in server.offload.hops()}, "a row to the peer")
        lab.server.ip("address", "delete", PEER + "/32", "dev", "lo")
        relayed_again(talk, server, 5, "with the address gone")


if __name__ == "__main__":
    run(Lab("gateway"))
