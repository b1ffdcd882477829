# SPDX-License-Identifier: BSD-3-Clause
"""One thing that a client or a peer sends, as a handful of choices, and the
frames that they come to. Each choice has a plain value, so that a failure can be
made simpler by taking the others back.
"""

import random
import struct
from dataclasses import dataclass, fields

import turn
import wire
from lab import (CLIENT, CLIENT6, PEER, PEER6, RELAY, RELAY6, SERVER, SERVER6)



@dataclass(frozen=True)
class Leg:
    """An allocation: its client, its relayed address, the peer of its channel, and a
    further channel that leads to another client of the server."""

    index: int
    client: str
    server: str
    relay: str
    peer: str

    @property
    def client_port(self):
        return 40000 + self.index

    @property
    def server_port(self):
        """A listener of its own: coturn sends to all clients of one from one socket, whose
        TTL and TOS it remembers for each client, so that they get each other's."""
        return 3478 + self.index % 2

    @property
    def relay_port(self):
        return 50001 if wire.is_ipv6(self.client) else 50000

    @property
    def peer_port(self):
        return 5000 + self.index

    @property
    def channel(self):
        return 0x4001 + self.index

    @property
    def other_channel(self):
        return 0x4101 + self.index

    @property
    def other(self):
        """The leg at whose relayed address the other client is."""
        return LEGS[self.index ^ 2]


LEGS = (Leg(0, CLIENT, SERVER, RELAY, PEER), Leg(1, CLIENT, SERVER, RELAY6, PEER6),
        Leg(2, CLIENT6, SERVER6, RELAY, PEER), Leg(3, CLIENT6, SERVER6, RELAY6, PEER6))


@dataclass(frozen=True)
class Spec:
    """`way` is where it goes: "peer", "client", or "other" (client of the server)."""

    leg: int = 0
    way: str = "peer"
    flips: tuple = ()       # (byte of the frame, what to XOR it with)
    repaired: bool = False  # checksums made right after that
    cut: int = 0            # bytes missing at the end
    pieces: tuple = ()      # fragments, by the multiple of 8 that each begins at
    backwards: bool = False # last fragment first
    vlan: int = None
    options: bytes = b""    # of IPv4; of IPv6 the number of an extension header, and it
    trailer: int = 0        # bytes after the IP packet
    slack: int = 0          # bytes after the datagram in the IP packet
    check: str = "right"    # zero, partial, wrong; sums that come to 0: in, out; like-partial
    sport: int = 0          # added to the port
    number: int = 0         # added to the channel number
    claimed: int = 0        # added to ChannelData's length
    excess: int = 0         # bytes after the data
    ttl: int = 64
    tos: int = 0
    flags: int = wire.DF
    ident: int = 0x1234
    label: int = 0
    fill: str = "random"    # zeros, ones, channel, stun
    length: int = 20
    seed: int = 0

    def __str__(self):
        """What is not plain about it."""
        return " ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self)
                        if getattr(self, one.name) != one.default or one.name in ("leg", "way"))


class Frame:
    """`partial`: the checksum is left to a device, and begins there."""

    def __init__(self, data, partial=None):
        self.data = data
        self.partial = partial


def ends(spec):
    """(source, destination, source port, destination port) of what is sent."""
    leg = LEGS[spec.leg]
    if spec.way == "client":
        return leg.peer, leg.relay, leg.peer_port, leg.relay_port
    return leg.client, leg.server, leg.client_port, leg.server_port


def ends_after(spec):
    """The same of what is relayed."""
    leg = LEGS[spec.leg]
    if spec.way == "peer":
        return leg.relay, leg.peer, leg.relay_port, leg.peer_port
    if spec.way == "other":
        leg = leg.other
    return leg.server, leg.client, leg.server_port, leg.client_port


def number_after(spec):
    """The channel number of what is relayed, None to a peer."""
    leg = LEGS[spec.leg]
    return {"peer": None, "client": leg.channel, "other": leg.other.other_channel}[spec.way]


def _number(spec):
    leg = LEGS[spec.leg]
    return (leg.channel if spec.way == "peer" else leg.other_channel) + spec.number


def _filled(spec):
    if spec.fill == "zeros":
        return bytes(spec.length)
    if spec.fill == "ones":
        return b"\xFF" * spec.length
    made = random.Random(spec.seed).randbytes(spec.length)
    if spec.fill == "channel":
        made = struct.pack("!HH", LEGS[spec.leg].channel, max(spec.length - 4, 0)) + made[4:]
    elif spec.fill == "stun":
        made = struct.pack("!HHI", 1, 0, turn.MAGIC) + made[8:]
    return made[:spec.length]


def _sum(ends_, payload):
    """Of a datagram with its pseudo-header, as residue of 65535."""
    source, destination, sport, dport = ends_
    length = len(payload) + 8
    return (int.from_bytes(wire.address(source) + wire.address(destination)
                           + struct.pack("!HHHHH", length, wire.UDP, sport, dport, length)
                           + payload + bytes(len(payload) % 2), "big")) % 0xFFFF


def _steered(spec, data):
    """Data whose first word makes the sum what `check` says."""
    if len(data) < 2:
        return data
    data = b"\0\0" + data[2:]
    if spec.check == "out":
        number = number_after(spec)
        payload = data if number is None else turn.channel_data(number, data)
        word = -_sum(ends_after(spec), payload)
    else:
        payload = _payload(spec, data)
        word = -_sum(ends(spec), payload)
        if spec.check == "like-partial":
            word -= wire.pseudo_sum(*ends(spec)[:2], len(payload) + 8)
    return struct.pack("!H", word % 0xFFFF) + data[2:]


def _payload(spec, data):
    if spec.way == "client":
        return data
    return turn.channel_data(_number(spec) & 0xFFFF, data, (len(data) + spec.claimed) & 0xFFFF,
                             random.Random(spec.seed + 1).randbytes(spec.excess))


def _datagram(spec):
    source, destination, sport, dport = ends(spec)
    data = _filled(spec)
    if spec.check in ("in", "out", "like-partial"):
        data = _steered(spec, data)
    payload = _payload(spec, data)
    check = None
    if spec.check == "zero":
        check = 0
    elif spec.check == "partial":
        check = wire.pseudo_sum(source, destination, len(payload) + 8)
    made = wire.udp(source, destination, (sport + spec.sport) & 0xFFFF, dport, payload, check)
    if spec.check == "wrong":
        made = made[:7] + bytes([made[7] ^ 0x41]) + made[8:]
    return made


def _packet(spec, body, protocol=wire.UDP, **more):
    source, destination = ends(spec)[:2]
    if wire.is_ipv6(source):
        if spec.options:
            body = bytes([protocol]) + spec.options[2:] + body
            protocol = spec.options[0]
        return wire.ipv6(source, destination, body, ttl=spec.ttl, tos=spec.tos, label=spec.label,
                         protocol=protocol)
    return wire.ipv4(source, destination, body, ttl=spec.ttl, tos=spec.tos, ident=spec.ident,
                     options=spec.options, **{"flags": spec.flags, **more})


def _packets(spec):
    body = _datagram(spec) + b"\x5A" * spec.slack
    if not spec.pieces:
        return [_packet(spec, body)]
    made = []
    for start, end in zip(spec.pieces, (*spec.pieces[1:], None)):
        piece, more = body[start * 8:None if end is None else end * 8], end is not None
        if wire.is_ipv6(ends(spec)[0]):
            header = wire.fragment_header(wire.UDP, start, more, spec.ident)
            made.append(_packet(spec, header + piece, protocol=wire.FRAGMENT))
        else:
            made.append(_packet(spec, piece, flags=wire.MF if more else 0, offset=start))
    return made[::-1] if spec.backwards else made


def layout(spec):
    """Where the IP header and the UDP header are in a frame that is not in pieces."""
    at = 14 if spec.vlan is None else 18
    if wire.is_ipv6(ends(spec)[0]):
        return at, at + 40 + max(len(spec.options) - 1, 0)
    return at, at + 20 + len(spec.options)


def _flipped(frame, flips):
    made = bytearray(frame)
    for at, bits in flips:
        if at < len(made):
            made[at] ^= bits
    return bytes(made)


def _addresses(spec, frame):
    """Packed, from the IP header."""
    at, size = (8, 16) if wire.is_ipv6(ends(spec)[0]) else (12, 4)
    at += layout(spec)[0]
    return frame[at:at + size], frame[at + size:at + 2 * size]


def udp_right(spec, frame):
    """The frame with the UDP checksum that it should have; None if its lengths are
    not those of a datagram."""
    udp_at = layout(spec)[1]
    if len(frame) < udp_at + 8:
        return None
    length = int.from_bytes(frame[udp_at + 4:udp_at + 6], "big")
    if not 8 <= length <= len(frame) - udp_at:
        return None
    check = wire.udp_checksum(*_addresses(spec, frame), frame[udp_at:udp_at + length])
    return frame[:udp_at + 6] + struct.pack("!H", check) + frame[udp_at + 8:]


def _repaired(spec, frame):
    """The frame with checksums as they should be, as far as it has them."""
    ip_at, udp_at = layout(spec)
    if not wire.is_ipv6(ends(spec)[0]) and len(frame) >= udp_at:
        head = frame[ip_at:ip_at + 10] + b"\0\0" + frame[ip_at + 12:udp_at]
        frame = frame[:ip_at] + head[:10] + struct.pack("!H", wire.checksum(head)) + \
            head[12:] + frame[udp_at:]
    return udp_right(spec, frame) or frame


def frames(spec, own_mac, server_mac):
    """What goes onto the wire, in this order."""
    made = []
    for packet in _packets(spec):
        kind = wire.kind_of(packet)
        if spec.vlan is not None:
            packet, kind = struct.pack("!HH", spec.vlan, kind) + packet, 0x8100
        frame = wire.ethernet(own_mac, server_mac, packet, kind) + b"\xA5" * spec.trailer
        frame = _flipped(frame[:max(14, len(frame) - spec.cut)], spec.flips)
        if spec.repaired:
            frame = _repaired(spec, frame)
        partial = layout(spec)[1] if spec.check == "partial" else None
        made.append(Frame(frame, partial))
    return made
