# SPDX-License-Identifier: BSD-3-Clause
"""A packet of the network tests as a row of tests/packet/specimen_test.c: the same
bytes, but for addresses, ports and channel numbers, which are those of its model.

What is put in place of another value keeps the difference that the packet has to it,
and the checksums keep theirs to right ones; so a field that was spoilt is spoilt there
as well.
"""

import socket
import struct

import wire
from spec import LEGS, ends, ends_after, layout, number_after

_WAYS = {"peer": "PEER", "client": "CLIENT", "other": "OTHER"}
_SERVER_MAC = bytes.fromhex("020000000001")
_STATION_MAC = {"peer": bytes.fromhex("02000000000e"), "client": bytes.fromhex("02000000000c"),
                "other": bytes.fromhex("02000000000f")}
# The parties of tests/packet/row.c.
_V6 = "2001:db8:{:x}:fffe:{:x}fd:0:fc00:{:x}"
_PARTIES = {
    "client": (("198.51.100.10", 50000), (_V6.format(1, 0x12, 10), 50006)),
    "server": (("192.0.2.1", 3478), (_V6.format(2, 0xEE, 1), 3486)),
    "relay": (("192.0.2.2", 49152), (_V6.format(2, 0x34, 2), 49158)),
    "peer": (("203.0.113.20", 9000), (_V6.format(3, 0xF7, 20), 9006)),
    "other server": (("192.0.2.4", 5349), (_V6.format(2, 0x78, 4), 5356)),
    "other client": (("198.51.100.77", 40000), (_V6.format(1, 0x9A, 77), 40006)),
}
_CHANNEL, _OTHER_CHANNEL, _LABEL = 0x4001, 0x7ABC, 0xABCDE


def _model(source, destination, v6):
    """(source, destination, source port, destination port) of two parties."""
    (one, port), (other, other_port) = _PARTIES[source][v6], _PARTIES[destination][v6]
    return one, other, port, other_port


class _Bytes:
    """A frame whose fields are exchanged, and whose sums follow."""

    def __init__(self, data, ip_at, udp_at, v6):
        self.data = bytearray(data)
        self._v6 = v6
        self._ip = ip_at
        self._udp = udp_at

    def _adjust(self, at, old, new):
        """RFC 1624; what follows `old` in the sum is `new` now."""
        if at + 2 > len(self.data):
            return
        held = int.from_bytes(self.data[at:at + 2], "big")
        if at == self._udp + 6 and held == 0:
            return
        total = (0xFFFF - held) - int.from_bytes(old, "big") + int.from_bytes(new, "big")
        check = 0xFFFF - total % 0xFFFF
        self.data[at:at + 2] = struct.pack("!H", check if at == self._udp + 6 else check % 0xFFFF)

    def put(self, at, lab, model):
        """Exchanges a field, of whole words, where there are so many bytes left."""
        old = bytes(self.data[at:at + len(lab)])
        if len(old) < len(lab):
            return
        new = bytes(a ^ b ^ c for a, b, c in zip(old, lab, model))
        self.data[at:at + len(lab)] = new
        if self._ip <= at < self._udp and not self._v6:
            self._adjust(self._ip + 10, old, new)
        if at >= self._ip:
            self._adjust(self._udp + 6, old, new)

    def ends(self, lab, model):
        """Addresses and ports."""
        at = self._ip + (8 if self._v6 else 12)
        size = 16 if self._v6 else 4
        for index in (0, 1):
            self.put(at + size * index, wire.address(lab[index]), wire.address(model[index]))
            self.put(self._udp + 2 * index, struct.pack("!H", lab[2 + index]),
                     struct.pack("!H", model[2 + index]))

    def number(self, lab, model):
        self.put(self._udp + 8, struct.pack("!H", lab), struct.pack("!H", model))


def frame_in(spec, data, macs):
    """What was sent, as what the model's client or peer sends."""
    leg = LEGS[spec.leg]
    v6 = wire.is_ipv6(ends(spec)[0])
    made = _Bytes(data, *layout(spec), v6)
    made.put(0, macs[1] + macs[0], _SERVER_MAC + _STATION_MAC[
        {"peer": "client", "client": "peer", "other": "client"}[spec.way]])
    if spec.way == "client":
        made.ends(ends(spec), _model("peer", "relay", v6))
    else:
        made.ends(ends(spec), _model("client", "server", v6))
        made.number(leg.channel if spec.way == "peer" else leg.other_channel, _CHANNEL)
    return bytes(made.data)


def _ttl_after(spec):
    """The model's flows all send with what they received, less one, and at most 64; and with
    DF by IPv4."""
    ttl = min(spec.ttl - 1, 64)
    return ttl - 1 if spec.way == "other" else ttl


def frame_out(spec, packet):
    """What coturn relayed, as what the model's server sends."""
    v6 = packet.kind == wire.IPV6
    data = bytearray(packet.normal())
    if v6:
        data[1:4] = struct.pack("!I", data[1] >> 4 << 20 | _LABEL)[1:]
        data[7] = _ttl_after(spec)
    else:
        data[6:9] = struct.pack("!HB", wire.DF, _ttl_after(spec))
        data[10:12] = bytes(2)
        data[10:12] = struct.pack("!H", wire.checksum(bytes(data[:20])))
    made = _Bytes(wire.ethernet(_SERVER_MAC, _STATION_MAC[spec.way], bytes(data), packet.kind),
                  14, 14 + packet.header, v6)
    source, destination = {"peer": ("relay", "peer"), "client": ("server", "client"),
                           "other": ("other server", "other client")}[spec.way]
    made.ends(ends_after(spec), _model(source, destination, v6))
    if number_after(spec) is not None:
        made.number(number_after(spec), _CHANNEL if spec.way == "client" else _OTHER_CHANNEL)
    return bytes(made.data)


def _family(address):
    return socket.AF_INET6 if wire.is_ipv6(address) else socket.AF_INET


def _text(data):
    lines = [data[:14].hex(), *(data[at:at + 32].hex(" ", -2) for at in range(14, len(data), 32))]
    return "\n".join(f'\t "{line} "' for line in lines)


def row(spec, data, macs, relayed, name):
    """The row; `relayed` is the packet that coturn made of it, or None: then the row
    needs the verdict by which it goes up."""
    six = {socket.AF_INET: 4, socket.AF_INET6: 6}
    leg = LEGS[spec.leg]
    way_in, way_out = six[_family(ends(spec)[0])], six[_family(ends_after(spec)[0])]
    middle = six[_family(leg.relay)] if spec.way == "other" else 0
    verdict = {"peer": "TO_PEER", "client": "TO_CLIENT", "other": "TO_OTHER_CLIENT"}[spec.way]
    if relayed is None:
        verdict = "COUNT /* the one that it should have */"
    out = "NULL" if relayed is None else "\n" + _text(frame_out(spec, relayed)).rstrip()
    return (f'\t{{"{name}", VERDICT_{verdict}, '
            f'{{WAY_{_WAYS[spec.way]}, {way_in}, {middle}, {way_out}}},\n'
            f'{_text(frame_in(spec, data, macs))},\n\t {out.lstrip()}}},')
