# SPDX-License-Identifier: BSD-3-Clause
"""Specs by chance: mostly plain in most ways and odd in one or two, as only a packet
that is nearly right gets far enough to go wrong. The n-th of a seed is always the same.
"""

import random
import struct

import wire
from spec import LEGS, Spec, ends, frames, layout, udp_right

_MAC = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2"
_TTLS = (0, 1, 2, 3, 63, 64, 65, 128, 254, 255)
_TOSES = (0x01, 0x02, 0x03, 0x10, 0x28, 0xB8, 0xBB, 0xFC, 0xFF)
_IPV4_OPTIONS = (b"\x01" * 4, b"\x94\x04\0\0", b"\x07\x07\x04\0\0\0\0\0", b"\x01" * 40,
                 b"\x83\x07\x04\xC6\x33\x64\x02\0")
# Destination options, hop-by-hop options, a routing header that has no hops left, an
# atomic fragment, one of an unknown number.
_IPV6_HEADERS = (b"\x3C\0\0\1\4\0\0\0\0", b"\0\0\0\1\4\0\0\0\0", b"\x2B\0\0\2\0\0\0\0\0",
                 b"\x2C\0\0\0\0\0\0\0\7", b"\xFD\0\0\1\4\0\0\0\0")


def _length(chance):
    small = chance.randrange(9), chance.randrange(70), chance.randrange(200)
    return chance.choice((*small, *small, chance.randrange(1300), chance.randrange(1300),
                          chance.randrange(1420, 1480), chance.randrange(1400, 4000)))


def _excess(chance, length):
    return chance.choice((-length % 4, chance.randrange(9), 4 * chance.randrange(12) + -length % 4,
                          chance.randrange(120)))


def _is_ipv6(choice):
    leg = LEGS[choice["leg"]]
    return wire.is_ipv6(leg.peer if choice["way"] == "client" else leg.client)


def _oddities(chance, choice):
    """What may be odd, each with a function that makes it so."""
    one, some = chance.randrange, chance.choice
    short = choice["length"] < 1200
    found = {
        "ttl": lambda: some((*_TTLS, one(256))),
        "tos": lambda: some((*_TOSES, one(256))),
        "flags": lambda: some((0, 0, wire.DF, 0x8000, 0xC000)),
        "ident": lambda: one(0x10000),
        "label": lambda: one(0x100000),
        "fill": lambda: some(("zeros", "ones", "channel", "stun")),
        "check": lambda: some(("zero", "partial", "wrong", "in", "out", "like-partial")),
        "trailer": lambda: one(40) if short else 0,
        "slack": lambda: one(1, 9),
        "cut": lambda: one(1, 70),
        "options": lambda: some(_IPV6_HEADERS if _is_ipv6(choice) else _IPV4_OPTIONS),
        "vlan": lambda: some((0, 0x2000, 7)),
        "flips": lambda: _flips(chance, choice["length"]) if short else (),
        # It may come as a Data indication, which is random if it is in fragments.
        "sport": lambda: some((1, 0xFFFF, one(0x10000))) if short else 0,
    }
    if choice["way"] != "client":
        found["number"] = lambda: some((1, 4, 0x3FFF, 0x8000, one(0x10000)))
        found["claimed"] = lambda: some((1, 3, 4, -1, -4, one(0x10000)))
        found["excess"] = lambda: _excess(chance, choice["length"]) if short else 0
    return found


def _flips(chance, length):
    """Most of them in the headers, where they matter."""
    return tuple((chance.choice((chance.randrange(64), chance.randrange(64 + length))),
                  chance.choice((1 << chance.randrange(8), chance.randrange(1, 256))))
                 for _ in range(chance.choice((1, 1, 2, 4))))


def _pieces(chance, size):
    """A datagram that is larger than a frame may be, or sometimes any, in fragments."""
    starts, at = [0], 0
    while size - at * 8 > 1400 or chance.randrange(3):
        at += chance.randrange(1, 1 + min(170, max(1, (size - at * 8) // 8)))
        if at * 8 >= size:
            break
        starts.append(at)
    return tuple(starts) if len(starts) > 1 else (0, max(1, size // 16))


def generate(seed, index):
    """The spec of that number."""
    chance = random.Random(f"{seed}/{index}")
    choice = {"leg": chance.randrange(4), "way": chance.choice(("peer", "client", "other")),
              "length": _length(chance), "seed": chance.randrange(1 << 32)}
    odd = _oddities(chance, choice)
    for name in chance.sample(sorted(odd), chance.choice((0, 0, 1, 1, 1, 2, 2, 3))):
        choice[name] = odd[name]()
    if "flips" in choice:
        choice["repaired"] = chance.randrange(3) > 0
    size = choice["length"] + choice.get("excess", 0) + (8 if choice["way"] == "client" else 12)
    if size > 1460 + (0 if _is_ipv6(choice) else 20) or (size > 24 and not chance.randrange(25)):
        choice["pieces"] = _pieces(chance, size)
        choice["backwards"] = not chance.randrange(4)
        choice["ident"] = chance.randrange(0x10000)
        for name in ("flips", "repaired", "options", "cut", "slack", "trailer", "vlan"):
            choice.pop(name, None)
    if choice.get("check") == "partial":
        # Of what is whole only: a device would write its sum where it should not.
        if not {"flips", "cut", "slack", "pieces", "options", "vlan"}.isdisjoint(choice):
            choice["check"] = "zero"
    return Spec(**choice)


def is_wrong(spec):
    """Whether it is a datagram whose UDP checksum is wrong: which the kernel drops,
    and the offload may pass on, for the receiver to drop."""
    if spec.check == "partial" or spec.pieces:
        return spec.check == "wrong"
    frame = frames(spec, *_MAC)[0].data
    right, at = udp_right(spec, frame), layout(spec)[1] + 6
    if right is None or frame[at:at + 2] == b"\0\0":
        return False
    # Two ways to write a sum of 0.
    return (int.from_bytes(frame[at:at + 2], "big") - int.from_bytes(right[at:at + 2], "big")) \
        % 0xFFFF != 0


def looks_partial(spec):
    """A wrong checksum that is that of a local socket by chance."""
    frame, at = frames(spec, *_MAC)[0].data, layout(spec)[1]
    if spec.pieces or len(frame) < at + 8:
        return False
    ip_at = layout(spec)[0]
    first, size = (ip_at + 8, 16) if frame[ip_at] >> 4 == 6 else (ip_at + 12, 4)
    pair = frame[first:first + 2 * size]
    total = int.from_bytes(pair + struct.pack("!H", wire.UDP) + frame[at + 4:at + 6], "big")
    return (total - int.from_bytes(frame[at + 6:at + 8], "big")) % 0xFFFF == 0


def loses_ttl(spec):
    """Whether the TTL that it leaves with, if it does, is that which coturn's socket had
    before: nothing is left of the one that was received, or nobody knows."""
    if spec.ttl <= (2 if spec.way == "other" else 1):
        return True
    at = layout(spec)[0]
    return any(at <= where < at + 10 for where, _ in spec.flips)


def may_offload(spec):
    """Whether there is nothing about its headers that the kernel leaves to coturn, or that
    cannot be told from the spec."""
    odd = (spec.pieces, spec.options, spec.slack, spec.cut, spec.flips, spec.sport, spec.number)
    return not any(odd) and spec.vlan in (None, 0, 0x2000)


def must_offload(spec):
    """Whether nothing is odd about it that the kernel would leave to coturn, in
    native mode and in generic mode."""
    sums = ("right", "in", "out") if wire.is_ipv6(ends(spec)[0]) else ("right", "in", "out", "zero")
    plain = Spec(leg=spec.leg, way=spec.way, length=spec.length, seed=spec.seed, tos=spec.tos,
                 label=spec.label, ident=spec.ident, trailer=spec.trailer, fill=spec.fill,
                 ttl=spec.ttl, check=spec.check)
    return spec == plain and spec.check in sums and spec.ttl > 2 and spec.length <= 1400
