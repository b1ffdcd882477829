#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The same traffic with the offload off and on leaves the server as the same
packets, byte for byte from the Ethernet payload on. What the IP layer may
choose is left out: the IP ID, and whether the UDP checksum is still to be
filled in by the device.

Off is the oracle. After each case a fence, a packet that always goes through
userspace, is waited for on both sides; it comes after all that coturn did.
"""

import contextlib
import functools

import firewall
import traffic
import turn
import wire
from capture import Capture, Injector
from kernel import Verdicts
from lab import CLIENT, PEER, RELAY, SERVER, Lab
from server import Server, version
from tap import check, check_equal, note, run, skip, test, wait_until
from traffic import (BOUND_PORT, CHANNEL, CLIENT_PORT, PERMIT_PORT, RELAY_PORT, STRANGER,
                     Case)
from upstream import ttl_to_client

CLIENT_FENCE, PEER_FENCE = 5009, 5008
MODES = ("native", "generic")


def normal(packet):
    """The packet as it is compared; a Data indication has a random transaction
    ID, and a checksum that depends on it."""
    data = bytearray(packet.normal())
    payload = packet.payload or b""
    if turn.is_message(payload) and turn.Message(payload).kind == turn.INDICATION:
        start = packet.header + 8
        data[start + 8:start + 20] = bytes(12)
        data[start - 2:start] = bytes(2)
    return bytes(data)


class Relay:
    """A server with one allocation and one channel, and what leaves it.
    `mode` is that of the offload; None is without. `more` are options of the server."""

    def __init__(self, lab, mode=None, more=()):
        self.lab = lab
        self._stack = contextlib.ExitStack()
        self._fences = 0
        self._named = ("multiplex-peer", None) in more
        options = [("min-port", RELAY_PORT), ("max-port", RELAY_PORT), *more]
        if mode:
            options += [("xdp-mode", mode), ("xdp-required", None)]
        self.server = Server(lab, *options, offload=bool(mode))

    def __enter__(self):
        enter, lab = self._stack.enter_context, self.lab
        with contextlib.ExitStack() as undo:
            undo.push(self._stack.__exit__)
            enter(self.server)
            self.client = enter(turn.Client(lab.client, local=(CLIENT, CLIENT_PORT)))
            self.client.allocate()
            check_equal(self.client.relayed, (RELAY, RELAY_PORT), "relayed address")
            # Sockets, so that the peer does not answer with ICMP errors.
            self.peers = [enter(contextlib.closing(lab.peer.socket(address, port)))
                          for address in (PEER, STRANGER)
                          for port in (BOUND_PORT, PERMIT_PORT, CLIENT_FENCE)]
            self.client.permit(PEER)
            self.client.bind(CHANNEL, PEER, BOUND_PORT)
            # A permission is for an address; who shares a relay has to name ports as well.
            for port in (PERMIT_PORT, PEER_FENCE) if self._named else ():
                self.client.send_data(PEER, port, b"named")
            self.captures = {"client": enter(Capture(lab.client)), "peer": enter(Capture(lab.peer))}
            self.injectors = {"client": enter(Injector(lab.client)),
                              "peer": enter(Injector(lab.peer))}
            self._warm()
            undo.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.__exit__(None, None, None)

    def _warm(self):
        """Neighbours and next hops are found before the first case."""
        self.fence()
        if self.server.offload.map_ids():
            wait_until(self._in_kernel, 5, "relayed by the kernel in both directions")

    def _in_kernel(self):
        """Whether the kernel relays, asked by one crafted packet each way."""
        with Verdicts(self.server.offload) as verdicts:
            self.send_pair(b"warm")
            self.fence()
        return verdicts["TO_PEER"] == 1 and verdicts["TO_CLIENT"] == 1

    def send_pair(self, text):
        """The same data from the client over the channel and from its peer."""
        client_macs, peer_macs = macs(self.lab)
        self.injectors["client"].send(wire.ethernet(*client_macs, wire.ipv4(
            CLIENT, SERVER, wire.udp(CLIENT, SERVER, CLIENT_PORT, 3478,
                                     turn.channel_data(CHANNEL, text)))))
        self.injectors["peer"].send(wire.ethernet(*peer_macs, wire.ipv4(
            PEER, RELAY, wire.udp(PEER, RELAY, BOUND_PORT, RELAY_PORT, text))))

    def send(self, case):
        for frame in case.frames:
            if callable(frame):
                frame(self)
            else:
                self.injectors[case.side].send(frame)

    def fence(self):
        """All packets until now, by the side at which they arrived."""
        self._fences += 1
        text = traffic.fence(self._fences)
        found = {"client": [], "peer": []}
        client_macs, peer_macs = macs(self.lab)
        to_peer = turn.message(turn.INDICATION, turn.SEND, turn.attribute(
            turn.XOR_PEER_ADDRESS, turn.xor_address(PEER, CLIENT_FENCE))
            + turn.attribute(turn.DATA_ATTRIBUTE, text))
        for side, frame in (("peer", wire.ethernet(*client_macs, wire.ipv4(
                CLIENT, SERVER, wire.udp(CLIENT, SERVER, CLIENT_PORT, 3478, to_peer)))),
                            ("client", wire.ethernet(*peer_macs, wire.ipv4(
                                PEER, RELAY, wire.udp(PEER, RELAY, PEER_FENCE, RELAY_PORT,
                                                      text))))):
            self.injectors["client" if side == "peer" else "peer"].send(frame)
            arrived = self.captures[side].until(
                lambda packet: packet.payload is not None and text in packet.payload)
            check(arrived is not None, f"the fence did not arrive at the {side}")
            found[side] += arrived[:-1]
        # What came to the client while the first fence was waited for is in
        # the second wait; what came to the peer during the second is not.
        found["peer"] += self.captures["peer"].drain()
        return {side: [packet for packet in packets if packet.kind == 0x0800]
                for side, packets in found.items()}


@functools.lru_cache
def macs(lab):
    return ((lab.client.mac("eth0"), lab.server.mac("to-client")),
            (lab.peer.mac("eth0"), lab.server.mac("to-peer")))


def outcome(relay, cases):
    """For each case: packets at the client and at the peer, and verdicts."""
    found = []
    offloaded = relay.server.offload.map_ids()
    for case in cases:
        if offloaded:
            with Verdicts(relay.server.offload) as verdicts:
                relay.send(case)
                packets = relay.fence()
        else:
            verdicts = None
            relay.send(case)
            packets = relay.fence()
        found.append((packets, verdicts))
    return found


def expected(case, mode):
    """The verdict on a case. In generic mode a partial checksum goes with its
    sk_buff, so that such packets are left to coturn."""
    if case.partial and case.relayed and mode == "generic":
        return "CHECKSUM"
    # Where the TTL towards clients is meant to be one less, 1 is coturn's to decide.
    if case.verdict == "TO_CLIENT" and sent_ttl(case.frames[0]) == 1 and version() >= (4, 17):
        return "TTL"
    return case.verdict


def sent_ttl(frame):
    """Of a frame, which may have a VLAN tag, or of an ordinary socket."""
    if callable(frame):
        return 64
    return frame[(18 if frame[12:14] == b"\x81\x00" else 14) + 8]


def meant(case, side, data):
    """The packet with the TTL that this release of coturn means it to have."""
    if side != "client" or case.side != "peer":
        return data
    ttl = ttl_to_client(sent_ttl(case.frames[0]), data[8])
    return data if ttl == data[8] else wire.with_ttl(data, ttl)


def difference(case, mode, off, on):
    """How a case's packets differ, in words."""
    found = []
    for side in ("client", "peer"):
        wanted = [meant(case, side, normal(packet)) for packet in off[side]]
        got = [meant(case, side, normal(packet)) for packet in on[side]]
        if wanted != got:
            found.append(f"at the {side}")
            found += [f"  off {one.hex()}" for one in wanted] or ["  off nothing"]
            found += [f"  on  {one.hex()}" for one in got] or ["  on  nothing"]
        for packet in on[side]:
            if packet.faults():
                found.append(f"at the {side}: {packet.faults()}: {packet.ip.hex()}")
            if not packet.check_ready and (expected(case, mode) or "").startswith("TO_"):
                found.append(f"at the {side}: from the kernel with a partial checksum")
    return found


def verdict_fault(case, mode, verdicts):
    """How the verdicts on a case are not the expected ones, in words."""
    changed = verdicts.changed()
    relayed = {name: count for name, count in changed.items() if name.startswith("TO_")}
    verdict = expected(case, mode)
    if verdict == "":
        return []
    if verdict in ("TO_PEER", "TO_CLIENT"):
        if relayed != {verdict: len(case.frames)}:
            return [f"not through the kernel: {changed}, wanted {verdict}"]
    elif relayed:
        return [f"relayed by the kernel: {changed}"]
    elif verdict and changed.get(verdict, 0) < len(case.frames):
        return [f"verdicts {changed}, wanted {verdict}"]
    return []


def relayed_share(cases, on):
    """How much of what the kernel can relay it has relayed."""
    found = [bool(verdicts[case.verdict]) for case, (_, verdicts) in zip(cases, on) if case.relayed]
    return sum(found) / len(found)


def compare(lab, cases, more=(), examined=False):
    """Runs cases both ways and fails with all differences. If the host examines packets
    (`examined`), some of those that the kernel could relay go to coturn, as samples."""
    with Relay(lab, more=more) as relay:
        off = outcome(relay, cases)
    silent = [case.name for case, (packets, _) in zip(cases, off) if not any(packets.values())]
    faults = [f"{case.name}: coturn itself did not relay it"
              for case in cases if case.relayed and case.name in silent]
    for mode in MODES:
        with Relay(lab, mode, more) as relay:
            check(relay.server.offload.map_ids(), f"no offload; log:\n{relay.server.log()}")
            on = outcome(relay, cases)
        check(not examined or relayed_share(cases, on) >= 0.9,
              f"{mode}: of the cases for the kernel it relayed {relayed_share(cases, on):.0%}")
        for case, (off_packets, _), (on_packets, verdicts) in zip(cases, off, on):
            faults += [f"{mode}: {case.name}: {fault}" for fault in (
                *difference(case, mode, off_packets, on_packets),
                *(() if examined else verdict_fault(case, mode, verdicts)))]
    note(f"{len(cases)} cases, {sum(case.relayed for case in cases)} of them through the kernel, "
         f"{len(silent)} without any packet out of coturn")
    for fault in faults:
        note(fault)
    check(not faults, f"{len(faults)} differences")


@test("crafted frames: the same bytes leave with the offload off and on", seconds=120)
def crafted(lab):
    compare(lab, traffic.cases(*macs(lab)))


@test("crafted frames, and a firewall that drops what was not asked for: the same bytes leave", seconds=120)
def stateful(lab):
    rules = *firewall.STATEFUL_RULES, f"udp sport {PEER_FENCE} accept"
    with firewall.ruleset(lab.server, firewall.chain("filter", "input", *rules, policy="drop", table="inet")):
        compare(lab, traffic.cases(*macs(lab)), examined=True)


@test("crafted frames over a relay that sessions share (--multiplex-peer)", seconds=120)
def multiplexed(lab):
    if version() < (4, 17):
        skip("this coturn has no --multiplex-peer")
    compare(lab, traffic.cases(*macs(lab)), [
        ("multiplex-peer", None), ("multiplex-peer-port", RELAY_PORT), ("relay-threads", 1)])


def from_socket(side, length, tos=0, discover=None):
    """A case sent by an ordinary socket, whose checksum is partial on a veth."""
    def send(relay):
        sock = relay.client.way.socket if side == "client" else relay.peers[0]
        sock.setsockopt(0, 1, tos)                       # IPPROTO_IP, IP_TOS
        sock.setsockopt(0, 10, 1 if discover is None else discover)  # IP_MTU_DISCOVER
        body = traffic.data(length)
        if side == "client":
            relay.client.send_channel(CHANNEL, body)
        else:
            sock.sendto(body, (RELAY, RELAY_PORT))
    size = length + (4 if side == "client" else 0)
    if size > 1472:
        verdict = "FRAGMENT"
    elif side == "peer" and length > 1468:
        verdict = "TOO_BIG"
    else:
        verdict = "TO_PEER" if side == "client" else "TO_CLIENT"
    return Case(f"{side}'s socket: length {length}, TOS {tos}, discover {discover}",
                side, [send], verdict, partial=True)


@test("ordinary sockets, with partial checksums: the same bytes leave", seconds=60)
def sockets(lab):
    cases = []
    for side in ("client", "peer"):
        cases += [from_socket(side, length) for length in
                  (*traffic.LENGTHS, 1469, 1471, 1472, 3000, 9000)]
        cases += [from_socket(side, 160, tos) for tos in (0x02, 0xB8)]
        cases += [from_socket(side, 160, discover=way) for way in (0, 2)]
    compare(lab, cases)


@test("a smaller MTU on the way to the peer: the same bytes leave", seconds=60)
def small_mtu(lab):
    lab.server.ip("link", "set", "to-peer", "mtu", "1300")
    try:
        cases = []
        for length in (1000, 1271, 1272, 1273, 1274, 1275, 1276, 1400, 1468):
            case = from_socket("client", length)
            case.verdict = "TO_PEER" if length <= 1272 else "TOO_BIG"
            cases.append(case)
            cases.append(from_socket("peer", min(length, 1272)))
        compare(lab, cases)
    finally:
        lab.server.ip("link", "set", "to-peer", "mtu", "1500")


@test("a burst keeps its order and loses nothing")
def order(lab):
    for mode in MODES:
        burst(lab, mode, 2000)


def burst(lab, mode, count):
    with Relay(lab, mode) as relay:
        with Verdicts(relay.server.offload) as verdicts:
            for number in range(count):
                relay.send_pair(b"%06d" % number)
            packets = relay.fence()
        wanted = [b"%06d" % number for number in range(count)]
        check_equal([packet.payload for packet in packets["peer"]], wanted, "at the peer")
        check_equal([turn.channel_data_parse(packet.payload)[1] for packet in packets["client"]],
                    wanted, "at the client")
        check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (count, count), "relayed")


@test("a wrong UDP checksum is never made a right one")
def wrong_checksum(lab):
    # The server's host would drop such a packet. The offload may pass it on,
    # but the peer's host must still be able to see that it is damaged.
    client_macs, _ = macs(lab)
    body = traffic.data(61)
    faults = []
    with Relay(lab, "native") as relay:
        for name, payload in (
                ("exact", turn.channel_data(CHANNEL, body)),
                ("padded", turn.channel_data(CHANNEL, body, trailing=bytes(3))),
                ("with excess", turn.channel_data(CHANNEL, body, trailing=bytes(43)))):
            relay.injectors["client"].send(traffic.wrong_checksum(client_macs, payload))
            for packet in relay.fence()["peer"]:
                if not any("UDP checksum" in fault for fault in packet.faults()):
                    faults.append(f"{name}: {packet!r}")
    check(not faults, "\n".join(faults))


@test("DF after a Send indication with DONT-FRAGMENT, of channels bound before and after it")
def dont_fragment(lab):
    # A relay socket of coturn starts with DF on. Once an indication has asked for
    # DF, the next packet without the wish switches it off for good.
    def channel(when, number, port, bind=True):
        def send(relay):
            if bind:
                relay.client.bind(number, PEER, port)
            relay.client.send_channel(number, traffic.data(100))
        return Case(f"bound {when}", "client", [send], "TO_PEER")

    wish = Case("DONT-FRAGMENT", "client", [lambda relay: relay.client.send_data(
        PEER, PERMIT_PORT, b"unfragmented", turn.attribute(turn.DONT_FRAGMENT, b""))])
    cases = [channel("first", CHANNEL, BOUND_PORT, bind=False), channel("second", 0x4002, PERMIT_PORT), wish,
             channel("third", 0x4003, CLIENT_FENCE), channel("first", CHANNEL, BOUND_PORT, bind=False),
             channel("second", 0x4002, PERMIT_PORT, bind=False)]
    for mode in (None, "native"):
        with Relay(lab, mode) as relay:
            found = outcome(relay, cases)
        check_equal([len(packets["peer"]) for packets, _ in found], [1] * len(cases), "packets at the peer")
        check_equal([packets["peer"][0].df for packets, _ in found], [True, True, True, False, False, False],
                    f"DF with the offload {mode or 'off'}")
        for case, (_, verdicts) in zip(cases, found):
            check(mode is None or not verdict_fault(case, mode, verdicts), f"{case.name}: {verdicts and verdicts.changed()}")


@contextlib.contextmanager
def fixture():
    with Lab("direct") as lab:
        lab.peer.ip("address", "add", STRANGER + "/24", "dev", "eth0")
        yield lab


if __name__ == "__main__":
    run(fixture())
