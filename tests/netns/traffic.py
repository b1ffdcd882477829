# SPDX-License-Identifier: BSD-3-Clause
"""The packets of the differential test: what a client and a peer may send,
and with which verdict it should end when the offload is on."""

import os
import random
import struct
from dataclasses import dataclass, field

import turn
import wire
from lab import CLIENT, PEER, RELAY, SERVER

CLIENT_PORT, SERVER_PORT, RELAY_PORT = 40000, 3478, 50000
CHANNEL = 0x4001
BOUND_PORT = 5000    # a peer with a channel
PERMIT_PORT = 5001   # a peer with a permission only
STRANGER = "198.51.100.3"

LENGTHS = (0, 1, 2, 3, 4, 5, 20, 60, 100, 160, 1000, 1467, 1468)
TTLS = (1, 2, 64, 65, 128, 255)
TOSES = (0x00, 0x01, 0x02, 0x03, 0x10, 0x28, 0xB8, 0xBB, 0xFF)


@dataclass
class Case:
    """Frames that one side sends. `verdict` None: not relayed by the kernel,
    for whatever reason; "": either way. `partial`: the checksum is that of a
    local socket, to be filled in by a device, or looks like it."""

    name: str
    side: str
    frames: list = field(default_factory=list)
    verdict: str = None
    partial: bool = False

    @property
    def relayed(self):
        return self.verdict in ("TO_PEER", "TO_CLIENT")


def data(length, seed=1):
    """Bytes that look like nothing, the same in each run."""
    return random.Random(length * 1000 + seed).randbytes(length)


def _with_word(make, wanted):
    """The first of make(word), for all 16-bit words, whose checksum is `wanted`."""
    for word in range(0x10000):
        packet = make(struct.pack("!H", word))
        if struct.unpack_from("!H", packet, 6)[0] == wanted:
            return struct.pack("!H", word)
    raise LookupError("no such word")


def _pseudo_sum(source, destination, length):
    total = wire.address(source) + wire.address(destination) + struct.pack("!HH", 17, length)
    return ~wire.checksum(total) & 0xFFFF


class _Side:
    """One end of the relay, as the maker of frames."""

    def __init__(self, name, source, destination, sport, dport, own_mac, server_mac):
        self.name = name
        self.source, self.destination = source, destination
        self.sport, self.dport = sport, dport
        self.own_mac, self.server_mac = own_mac, server_mac
        self.verdict = "TO_PEER" if name == "client" else "TO_CLIENT"

    def segment(self, payload, **more):
        sport = more.pop("sport", self.sport)
        return wire.udp(self.source, self.destination, sport, self.dport, payload, **more)

    def packet(self, segment, source=None, **more):
        more.setdefault("ident", 0x1234)
        return wire.ipv4(source or self.source, self.destination, segment, **more)

    def frame(self, packet, to=None, kind=0x0800, after=b""):
        return wire.ethernet(self.own_mac, to or self.server_mac, packet, kind) + after

    def case(self, name, packets, verdict, after=b""):
        return Case(f"{self.name}: {name}", self.name,
                    [self.frame(one, after=after) for one in packets], verdict)

    def wrap(self, payload):
        """Application data as this side sends it."""
        return turn.channel_data(CHANNEL, payload) if self.name == "client" else payload

    def relayed_sum(self, payload):
        """The checksum that the relayed packet should have."""
        if self.name == "client":
            return struct.unpack_from("!H", wire.udp(RELAY, PEER, RELAY_PORT, BOUND_PORT,
                                                     payload), 6)[0]
        return struct.unpack_from("!H", wire.udp(SERVER, CLIENT, SERVER_PORT, CLIENT_PORT,
                                                 turn.channel_data(CHANNEL, payload)), 6)[0]


def _header_cases(side):
    """IP and UDP headers around data that is to be relayed."""
    good = side.segment(side.wrap(data(60)))
    for ttl in TTLS:
        # With TTL 1 to relay, coturn asks for a TTL of 0 and is refused.
        verdict = "TTL" if side.name == "client" and ttl == 1 else side.verdict
        yield side.case(f"TTL {ttl}", [side.packet(good, ttl=ttl)], verdict)
    for tos in TOSES:
        yield side.case(f"TOS {tos:#04x}", [side.packet(good, tos=tos)], side.verdict)
    for flags, name in ((0, "DF off"), (wire.DF, "DF on"), (0x8000, "reserved flag")):
        verdict = side.verdict if flags != 0x8000 else ""
        yield side.case(name, [side.packet(good, flags=flags, ident=0)], verdict)
    yield side.case("bytes after the packet", [side.packet(good)], side.verdict, after=b"\xAA" * 9)
    short = side.segment(side.wrap(b"x"))
    yield side.case("minimum frame", [side.packet(short)], side.verdict,
                    after=b"\xFF" * (46 - 20 - len(short)))
    yield side.case("IP header checksum wrong", [side.packet(good, check=0x1111)], "IP_CHECKSUM")
    yield side.case("IP options (no operation)", [side.packet(good, options=b"\x01\x01\x01\0")],
                    "IP_OPTIONS")
    yield side.case("IP options (router alert)", [side.packet(good, options=b"\x94\x04\0\0")],
                    "IP_OPTIONS")
    yield side.case("IP length beyond the frame",
                    [side.packet(good, length=20 + len(good) + 1)], "TRUNCATED")
    yield side.case("IP length below the UDP length",
                    [side.packet(good, length=20 + len(good) - 1)], "TRUNCATED")
    yield side.case("frame ends in the IP header", [side.packet(good)[:18]], None)
    yield side.case("frame ends in the UDP header", [side.packet(good)[:25]], None)
    yield side.case("IP header length 4", [b"\x44" + side.packet(good)[1:]], None)
    yield side.case("IP version 5", [b"\x55" + side.packet(good)[1:]], None)
    yield side.case("not UDP", [side.packet(good, protocol=132)], "NOT_UDP")
    for length in (0, 7, 8 + 63, 9000):
        wrong = side.segment(side.wrap(data(60)), length=length)
        yield side.case(f"UDP length {length}", [side.packet(wrong)], None)
    # UDP may end before the IP packet does; the rest is nobody's.
    shorter = side.segment(side.wrap(data(60)))
    yield side.case("UDP ends before the IP packet", [side.packet(shorter + b"\x77" * 5)], None)
    frame = side.frame(side.packet(good), to=b"\x02\0\0\0\xEE\xEE")
    yield Case(f"{side.name}: another's MAC", side.name, [frame], "NOT_OURS")
    frame = side.frame(side.packet(good), to=b"\xFF" * 6)
    yield Case(f"{side.name}: broadcast MAC", side.name, [frame], "NOT_OURS")
    # A priority tag names no VLAN; the other one this host does not have.
    for vlan, verdict in ((0, side.verdict), (7, "NOT_OURS")):
        tagged = struct.pack("!HH", vlan, 0x0800) + side.packet(good)
        yield Case(f"{side.name}: VLAN {vlan}", side.name, [side.frame(tagged, kind=0x8100)], verdict)


def _checksum_cases(side):
    body = data(80)
    yield side.case("UDP checksum zero", [side.packet(side.segment(side.wrap(body), check=0))],
                    side.verdict)
    yield side.case("UDP checksum zero, odd length",
                    [side.packet(side.segment(side.wrap(body[:61]), check=0))], side.verdict)

    def received(word):
        return side.segment(side.wrap(body + word))

    def relayed(word):
        return b"\0" * 6 + struct.pack("!H", side.relayed_sum(body + word))

    partial = _pseudo_sum(side.source, side.destination, len(received(b"\0\0")))
    for name, make, wanted in (("received UDP checksum 0xffff", received, 0xFFFF),
                               ("relayed UDP checksum 0xffff", relayed, 0xFFFF),
                               ("UDP checksum right and like a partial one", received, partial)):
        word = _with_word(make, wanted)
        made = side.case(name, [side.packet(side.segment(side.wrap(body + word)))], side.verdict)
        made.partial = wanted == partial
        yield made


def _fragment_cases(side):
    whole = side.segment(side.wrap(data(1000)))
    first = side.packet(whole[:512], flags=wire.MF, ident=0x7001)
    second = side.packet(whole[512:], flags=0, offset=64, ident=0x7001)
    yield side.case("fragments", [first, second], "FRAGMENT")
    yield side.case("fragments, last one first", [second, first], "FRAGMENT")
    yield side.case("first fragment only",
                    [side.packet(whole[:512], flags=wire.MF, ident=0x7002)], "FRAGMENT")


def _client_cases(side):
    """ChannelData, well formed and not, and everything else a client says."""
    def one(name, payload, verdict, **more):
        return side.case(name, [side.packet(side.segment(payload, **more))], verdict)

    for length in LENGTHS:
        body = data(length)
        yield one(f"length {length}", turn.channel_data(CHANNEL, body), "TO_PEER")
        if length % 4:
            yield one(f"length {length}, padded",
                      turn.channel_data(CHANNEL, body, trailing=bytes(-length % 4)), "TO_PEER")
            yield one(f"length {length}, padded with other bytes",
                      turn.channel_data(CHANNEL, body, trailing=b"\xA5" * (-length % 4)),
                      "TO_PEER")
    for length, more in ((4, 4), (5, 7), (60, 4), (61, 103), (0, 4), (0, 40), (1, 999)):
        # A multiple of 4 in all: any excess is cut off.
        yield one(f"length {length} and {more} bytes more",
                  turn.channel_data(CHANNEL, data(length), trailing=b"\x5A" * more), "TO_PEER")
    for length, more in ((60, 1), (60, 2), (60, 3), (61, 1), (61, 2), (2, 3)):
        yield one(f"length {length} and {more} bytes more",
                  turn.channel_data(CHANNEL, data(length), trailing=b"\x5A" * more), "TO_PEER")
    for length, more in ((60, 5), (61, 5), (0, 1), (0, 2), (0, 3), (0, 5), (100, 41)):
        yield one(f"length {length} and {more} bytes more, too many",
                  turn.channel_data(CHANNEL, data(length), trailing=b"\x5A" * more), "BAD_LENGTH")
    for length, claimed in ((0, 1), (4, 5), (60, 61), (60, 64), (60, 0xFFFF), (57, 58)):
        yield one(f"length {claimed} claimed, {length} there",
                  turn.channel_data(CHANNEL, data(length), length=claimed), "BAD_LENGTH")
    for number in (0x4000, 0x4002, 0x7FFF, 0x8001, 0x3FFF):
        yield one(f"channel {number:#x}, not bound", turn.channel_data(number, data(60)), "NO_FLOW")
    for size in range(4):
        yield one(f"{size} bytes of a header", turn.channel_data(CHANNEL, b"")[:size], "NO_FLOW")
    yield one("another port of the client", turn.channel_data(CHANNEL, data(60)), "NO_FLOW",
              sport=CLIENT_PORT + 1)
    yield side.case("another client's address", [wire.ipv4(
        "192.0.2.77", SERVER, wire.udp("192.0.2.77", SERVER, CLIENT_PORT, SERVER_PORT,
                                       turn.channel_data(CHANNEL, data(60))))], "NO_FLOW")
    transaction = b"same twelve."
    yield one("Binding request", turn.message(turn.REQUEST, turn.BINDING, b"", transaction),
              "NO_FLOW")
    for name, address, port in (("a peer with a channel", PEER, BOUND_PORT),
                                ("a peer with a permission", PEER, PERMIT_PORT),
                                ("a peer without permission", STRANGER, BOUND_PORT)):
        attributes = turn.attribute(turn.XOR_PEER_ADDRESS, turn.xor_address(address, port))
        attributes += turn.attribute(turn.DATA_ATTRIBUTE, data(61))
        yield one(f"Send indication to {name}", turn.message(
            turn.INDICATION, turn.SEND, attributes, transaction), "NO_FLOW")


def _peer_cases(side):
    """Data of peers with a channel, with a permission only and without."""
    for length in LENGTHS:
        yield side.case(f"length {length}", [side.packet(side.segment(data(length)))], "TO_CLIENT")
    for length in (1469, 1472):
        yield side.case(f"length {length}, over the MTU with a header",
                        [side.packet(side.segment(data(length)))], "TOO_BIG")
    yield side.case("data like ChannelData", [side.packet(side.segment(
        turn.channel_data(CHANNEL, data(20))))], "TO_CLIENT")
    yield side.case("data like STUN", [side.packet(side.segment(
        turn.message(turn.REQUEST, turn.BINDING, b"", b"same twelve.")))], "TO_CLIENT")
    for length in (0, 1, 60, 1000):
        yield side.case(f"permission only, length {length}", [side.packet(side.segment(
            data(length), sport=PERMIT_PORT))], "NO_FLOW")
    yield side.case("no permission", [wire.ipv4(STRANGER, RELAY, wire.udp(
        STRANGER, RELAY, BOUND_PORT, RELAY_PORT, data(60)))], "NO_FLOW")


def cases(client_macs, peer_macs):
    """The table of crafted frames, in the order in which they are sent."""
    client = _Side("client", CLIENT, SERVER, CLIENT_PORT, SERVER_PORT, *client_macs)
    peer = _Side("peer", PEER, RELAY, BOUND_PORT, RELAY_PORT, *peer_macs)
    found = [*_client_cases(client), *_peer_cases(peer)]
    for side in (client, peer):
        found += [*_header_cases(side), *_checksum_cases(side), *_fragment_cases(side)]
    return found


def wrong_checksum(side_macs, payload):
    """A client's frame whose UDP checksum is wrong."""
    segment = wire.udp(CLIENT, SERVER, CLIENT_PORT, SERVER_PORT, payload)
    check = struct.unpack_from("!H", segment, 6)[0] ^ 0x0101
    segment = segment[:6] + struct.pack("!H", check) + segment[8:]
    return wire.ethernet(*side_macs, wire.ipv4(CLIENT, SERVER, segment))


def fence(number):
    """Data that no case sends."""
    return b"fence %d " % number + os.urandom(8)
