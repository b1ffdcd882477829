# SPDX-License-Identifier: BSD-3-Clause
"""Frames by hand: build, take apart, and the Internet checksum (RFC 1071)."""

import socket
import struct

UDP = 17
ICMP, ICMPV6, FRAGMENT = 1, 58, 44
IPV4, IPV6 = 0x0800, 0x86DD
DF = 0x4000
MF = 0x2000


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = int.from_bytes(data, "big")
    # The sum of 16-bit words with its carries is the residue of 65535, but for a
    # sum of 0, which only zeros have.
    return 0xFFFF - (total % 0xFFFF or min(total, 0xFFFF))


def is_ipv6(text):
    return ":" in text


def address(text):
    return socket.inet_pton(socket.AF_INET6 if is_ipv6(text) else socket.AF_INET, text)


def _pseudo_header(source, destination, length):
    """Of packed addresses: RFC 768, and RFC 8200, section 8.1."""
    if len(source) == 16:
        return source + destination + struct.pack("!II", length, UDP)
    return source + destination + struct.pack("!HH", UDP, length)


def pseudo_sum(source, destination, length):
    """What a local socket leaves in the checksum field for its device."""
    return ~checksum(_pseudo_header(address(source), address(destination), length)) & 0xFFFF


def udp_checksum(source, destination, segment):
    """Over a UDP segment whose own checksum field is left out of the sum."""
    pseudo = _pseudo_header(source, destination, len(segment))
    return checksum(pseudo + segment[:6] + b"\0\0" + segment[8:]) or 0xFFFF


def udp(source, destination, sport, dport, payload, check=None, length=None):
    """A UDP segment; `check` and `length` override what is right."""
    size = 8 + len(payload) if length is None else length
    segment = struct.pack("!HHHH", sport, dport, size, 0) + payload
    if check is None:
        check = udp_checksum(address(source), address(destination), segment)
    return segment[:6] + struct.pack("!H", check) + payload


def ipv4(source, destination, body, *, ttl=64, tos=0, flags=DF, ident=0, options=b"",
         protocol=UDP, length=None, offset=0, check=None):
    """An IPv4 packet; `flags` is DF and MF, `offset` in units of 8 bytes."""
    words = 5 + len(options) // 4
    size = words * 4 + len(body) if length is None else length
    header = struct.pack("!BBHHHBBH4s4s", 0x40 | words, tos, size, ident, flags | offset,
                         ttl, protocol, 0, address(source), address(destination)) + options
    if check is None:
        check = checksum(header)
    return header[:10] + struct.pack("!H", check) + header[12:] + body


def ipv6(source, destination, body, *, ttl=64, tos=0, label=0, protocol=UDP, length=None):
    """An IPv6 packet; `body` begins with what `protocol` says."""
    return struct.pack("!IHBB16s16s", 6 << 28 | tos << 20 | label,
                       len(body) if length is None else length, protocol, ttl,
                       address(source), address(destination)) + body


def with_ttl(packet, ttl):
    """The same IPv4 packet with another TTL."""
    data = bytearray(packet)
    header = (data[0] & 15) * 4
    data[8] = ttl
    data[10:12] = bytes(2)
    data[10:12] = struct.pack("!H", checksum(bytes(data[:header])))
    return bytes(data)


def ip(source, destination, body, **fields):
    """A packet of the family that the addresses are of."""
    return (ipv6 if is_ipv6(source) else ipv4)(source, destination, body, **fields)


def fragment_header(protocol, offset, more, ident):
    """IPv6's; `offset` in units of 8 bytes."""
    return struct.pack("!BBHI", protocol, 0, offset << 3 | more, ident)


def kind_of(packet):
    """The EtherType of an IP packet."""
    return IPV6 if packet[0] >> 4 == 6 else IPV4


def ethernet(source, destination, body, kind=0x0800):
    return destination + source + struct.pack("!H", kind) + body


class Packet:
    """A frame from a capture. Fields are None where the frame has none; those
    of both families have IPv4's names."""

    def __init__(self, frame, check_ready=True, when=0.0):
        self.frame = frame
        self.when = when
        self.check_ready = check_ready
        self.kind = struct.unpack_from("!H", frame, 12)[0]
        self.ip = frame[14:]
        self.protocol = self.sport = self.dport = self.payload = None
        self.tos = self.ttl = self.fragment = self.ident = self.label = None
        if self.kind == IPV4 and len(self.ip) >= 20:
            self._parse_ipv4()
        elif self.kind == IPV6 and len(self.ip) >= 40:
            self._parse_ipv6()
        else:
            return
        if self.protocol == UDP and not self.offset and len(self.segment) >= 8:
            self.sport, self.dport = struct.unpack_from("!HH", self.segment)
            self.payload = self.segment[8:]

    def _parse_ipv4(self):
        (first, self.tos, self.length, self.ident, self.fragment, self.ttl, self.protocol,
         _) = struct.unpack_from("!BBHHHBBH", self.ip)
        self.header = (first & 15) * 4
        self.offset, self.more = self.fragment & 0x1FFF, bool(self.fragment & MF)
        self._addresses(self.ip[12:16], self.ip[16:20])

    def _parse_ipv6(self):
        first, length, self.protocol, self.ttl = struct.unpack_from("!IHBB", self.ip)
        self.tos, self.label = first >> 20 & 0xFF, first & 0xFFFFF
        self.length, self.header = length + 40, 40
        self.offset, self.more = 0, False
        if self.protocol == FRAGMENT and len(self.ip) >= 48:
            self.protocol, _, word, self.ident = struct.unpack_from("!BBHI", self.ip, 40)
            self.offset, self.more = word >> 3, bool(word & 1)
            self.header = 48
        self._addresses(self.ip[8:24], self.ip[24:40])

    def _addresses(self, source, destination):
        family = socket.AF_INET6 if len(source) == 16 else socket.AF_INET
        self.packed = source, destination
        self.source, self.destination = (socket.inet_ntop(family, one) for one in self.packed)
        self.segment = self.ip[self.header:self.length]

    @property
    def df(self):
        """Whether routers may not fragment it."""
        return self.kind == IPV6 or bool(self.fragment & DF)

    def faults(self):
        """What is wrong with the packet's sums and lengths."""
        found = []
        if self.kind == IPV4 and checksum(self.ip[:self.header]):
            found.append("IP checksum")
        if self.length != len(self.ip):
            found.append(f"{len(self.ip) - self.length} bytes after the IP packet")
        if self.sport is not None and not self.more:
            length, check = struct.unpack_from("!HH", self.segment, 4)
            if length != len(self.segment):
                found.append("UDP length")
            right = udp_checksum(*self.packed, self.segment)
            if self.check_ready and check != right:
                found.append(f"UDP checksum {check:#06x} instead of {right:#06x}")
        return found

    def normal(self):
        """The IP packet without what the IP layer may choose: its ID, the flow
        label unless it is 0, and whether the UDP checksum is left to the device."""
        data = bytearray(self.ip)
        if self.kind == IPV4:
            data[4:6] = data[10:12] = b"\0\0"
            data[10:12] = struct.pack("!H", checksum(bytes(data[:self.header])))
        else:
            data[1:4] = bytes([data[1] & 0xF0, 0, int(self.label != 0)])
            if self.header == 48:
                data[44:48] = bytes(4)
        if self.sport is not None and not self.check_ready and not self.more:
            right = udp_checksum(*self.packed, self.segment)
            data[self.header + 6:self.header + 8] = struct.pack("!H", right)
        return bytes(data)

    def __repr__(self):
        if self.protocol is None:
            return f"{self.kind:#06x} {self.ip.hex()}"
        return (f"{self.source}:{self.sport} > {self.destination}:{self.dport} "
                f"ttl={self.ttl} tos={self.tos:#04x} {self.ip.hex()}")
