# SPDX-License-Identifier: BSD-3-Clause
"""Frames by hand: build, take apart, and the Internet checksum (RFC 1071)."""

import socket
import struct

UDP = 17
DF = 0x4000
MF = 0x2000


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return socket.inet_aton(text)


def udp_checksum(source, destination, segment):
    """Over a UDP segment whose own checksum field is left out of the sum."""
    pseudo = source + destination + struct.pack("!BBH", 0, UDP, len(segment))
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


def ethernet(source, destination, body, kind=0x0800):
    return destination + source + struct.pack("!H", kind) + body


class Packet:
    """A frame from a capture. Fields are None where the frame has none."""

    def __init__(self, frame, check_ready=True, when=0.0):
        self.frame = frame
        self.when = when
        self.check_ready = check_ready
        self.kind = struct.unpack_from("!H", frame, 12)[0]
        self.ip = frame[14:]
        self.protocol = self.sport = self.dport = self.payload = None
        if self.kind != 0x0800 or len(self.ip) < 20:
            return
        (first, self.tos, self.length, self.ident, self.fragment, self.ttl, self.protocol,
         _) = struct.unpack_from("!BBHHHBBH", self.ip)
        self.header = (first & 15) * 4
        self.source = socket.inet_ntoa(self.ip[12:16])
        self.destination = socket.inet_ntoa(self.ip[16:20])
        self.segment = self.ip[self.header:self.length]
        if self.protocol == UDP and not self.fragment & 0x1FFF and len(self.segment) >= 8:
            self.sport, self.dport = struct.unpack_from("!HH", self.segment)
            self.payload = self.segment[8:]

    @property
    def df(self):
        return bool(self.fragment & DF)

    def faults(self):
        """What is wrong with the packet's sums and lengths."""
        found = []
        if checksum(self.ip[:self.header]):
            found.append("IP checksum")
        if self.length != len(self.ip):
            found.append(f"{len(self.ip) - self.length} bytes after the IP packet")
        if self.sport is not None and not self.fragment & MF:
            length, check = struct.unpack_from("!HH", self.segment, 4)
            if length != len(self.segment):
                found.append("UDP length")
            right = udp_checksum(self.ip[12:16], self.ip[16:20], self.segment)
            if self.check_ready and check != right:
                found.append(f"UDP checksum {check:#06x} instead of {right:#06x}")
        return found

    def normal(self):
        """The IP packet without what the IP layer may choose: its ID, and
        whether the UDP checksum is left to the device."""
        data = bytearray(self.ip)
        data[4:6] = data[10:12] = b"\0\0"
        data[10:12] = struct.pack("!H", checksum(bytes(data[:self.header])))
        if self.sport is not None and not self.check_ready:
            right = udp_checksum(self.ip[12:16], self.ip[16:20], self.segment)
            data[self.header + 6:self.header + 8] = struct.pack("!H", right)
        return bytes(data)

    def __repr__(self):
        return (f"{self.source}:{self.sport} > {self.destination}:{self.dport} "
                f"ttl={self.ttl} {self.ip.hex()}")
