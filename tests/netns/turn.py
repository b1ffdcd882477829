# SPDX-License-Identifier: BSD-3-Clause
"""A TURN client (RFC 8489, RFC 8656) that the tests can make do anything."""

import hashlib
import hmac
import secrets
import socket
import struct
import time

import wire

MAGIC = 0x2112A442
BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = (
    0x001, 0x003, 0x004, 0x006, 0x007, 0x008, 0x009)
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110

USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x0006, 0x0008, 0x0009
CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS, DATA_ATTRIBUTE = 0x000C, 0x000D, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT = 0x0014, 0x0015, 0x0016, 0x0019
DONT_FRAGMENT, SOFTWARE, FINGERPRINT = 0x001A, 0x8022, 0x8028
REQUESTED_FAMILY, EVEN_PORT = 0x0017, 0x0018
# coturn 4.6.1 has it by the draft's number. Who does not know one skips it.
ADDITIONAL_FAMILY, ADDITIONAL_FAMILY_DRAFT = 0x8000, 0x8032
ADDRESS_ERROR_CODE = 0x8001
MOBILITY_TICKET, RESERVATION_TOKEN = 0x8030, 0x0022
ALTERNATE_SERVER = 0x8023


class TurnError(Exception):
    """An error response, by its code (RFC 8656, section 19)."""

    def __init__(self, code, response=None):
        super().__init__(f"error response {code}")
        self.code = code
        self.response = response


def code_of(request, *words):
    """The error code that a Client's request is answered with, or None."""
    try:
        request(*words)
    except TurnError as error:
        return error.code
    return None


def _xor(packed, transaction):
    return bytes(one ^ other for one, other in
                 zip(packed, struct.pack("!I", MAGIC) + (transaction or b"")))


def xor_address(address, port, transaction=None):
    """The value of an XOR-…-ADDRESS; an IPv6 one needs the transaction ID."""
    family = 2 if wire.is_ipv6(address) else 1
    return struct.pack("!BBH", 0, family, port ^ MAGIC >> 16) + _xor(
        wire.address(address), transaction)


def xor_address_parse(value, transaction=None):
    family, port = struct.unpack_from("!xBH", value)
    family, size = (socket.AF_INET6, 16) if family == 2 else (socket.AF_INET, 4)
    return socket.inet_ntop(family, _xor(value[4:4 + size], transaction)), port ^ MAGIC >> 16


def address_parse(value):
    """The value of an attribute that has an IPv4 address as it is."""
    _, port, packed = struct.unpack("!HH4s", value)
    return socket.inet_ntoa(packed), port


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def message(kind, method, attributes, transaction=None):
    """A STUN message of attributes that are already encoded."""
    # The two class bits lie between the bits of the method (RFC 8489, section 5).
    number = (method & 0xF80) << 2 | (method & 0x70) << 1 | method & 0xF | kind
    return struct.pack("!HHI", number, len(attributes), MAGIC) + (
        transaction or secrets.token_bytes(12)) + attributes


class Message:
    """A STUN message that was received."""

    def __init__(self, data):
        number, length, _ = struct.unpack_from("!HHI", data)
        self.kind = number & 0x110
        self.method = (number & 0xF) | (number >> 1 & 0x70) | (number >> 2 & 0xF80)
        self.transaction = data[8:20]
        self.data = data
        self.attributes = {}
        self.relayed = []
        offset = 20
        while offset + 4 <= 20 + length:
            kind, size = struct.unpack_from("!HH", data, offset)
            value = data[offset + 4:offset + 4 + size]
            self.attributes.setdefault(kind, value)
            if kind == XOR_RELAYED_ADDRESS:
                self.relayed.append(xor_address_parse(value, self.transaction))
            offset += 4 + size + -size % 4

    @property
    def code(self):
        value = self.attributes.get(ERROR_CODE, b"\0\0\0\0")
        return value[2] * 100 + value[3]


def send_indication(address, port, data, *more, transaction=None):
    transaction = transaction or secrets.token_bytes(12)
    return message(INDICATION, SEND, attribute(XOR_PEER_ADDRESS, xor_address(
        address, port, transaction)) + attribute(DATA_ATTRIBUTE, data) + b"".join(more),
                   transaction)


def is_message(data):
    return len(data) >= 20 and data[0] < 4 and data[4:8] == struct.pack("!I", MAGIC)


def channel_data(number, data, length=None, trailing=b""):
    """A ChannelData message; `length` overrides the header's field."""
    return struct.pack("!HH", number, len(data) if length is None else length) + data + trailing


def channel_data_parse(datagram):
    """(number, data) of a ChannelData message, or None."""
    if len(datagram) < 4 or not 0x40 <= datagram[0] <= 0x7F:
        return None
    number, length = struct.unpack_from("!HH", datagram)
    return number, datagram[4:4 + length]


class _UdpWay:
    def __init__(self, namespace, local, server):
        self.socket = namespace.socket(*local)
        self.socket.connect(server)

    def send(self, data):
        self.socket.send(data)

    def receive(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65536)
        except (TimeoutError, ConnectionRefusedError):
            return None


class _TcpWay:
    """The same over TCP, where ChannelData is padded (RFC 8656, section 12.5)."""

    def __init__(self, namespace, local, server):
        self.socket = namespace.socket(*local, kind=socket.SOCK_STREAM)
        self.socket.connect(server)
        self._held = b""

    def send(self, data):
        self.socket.sendall(data + b"\0" * (-len(data) % 4))

    def receive(self, seconds):
        end = time.monotonic() + seconds
        while True:
            if len(self._held) >= 4:
                kind, length = struct.unpack_from("!HH", self._held)
                size = 4 + length if kind & 0xC000 else 20 + length
                if len(self._held) >= size + -size % 4:
                    found, self._held = self._held[:size], self._held[size + -size % 4:]
                    return found
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return None
            if not more:
                return None
            self._held += more


class Client:
    """A client with an allocation of its own.

    Replies to requests are waited for; anything else that arrives meanwhile is
    kept in `inbox` for receive().
    """

    def __init__(self, namespace, server=("192.0.2.1", 3478), local=("192.0.2.2", 0),
                 user="user", password="secret", tcp=False):
        self.way = (_TcpWay if tcp else _UdpWay)(namespace, local, server)
        self.port = self.way.socket.getsockname()[1]
        self.user, self.password = user, password
        self.realm = self.nonce = None
        self.relayed = self.relayed6 = self.ticket = self.response = None
        self.inbox = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.way.socket.close()

    def _signed(self, method, attributes):
        transaction = secrets.token_bytes(12)
        if callable(attributes):
            attributes = attributes(transaction)
        if self.nonce is None:
            return message(REQUEST, method, attributes, transaction)
        attributes += attribute(USERNAME, self.user.encode())
        attributes += attribute(REALM, self.realm) + attribute(NONCE, self.nonce)
        key = hashlib.md5(b":".join((self.user.encode(), self.realm,
                                     self.password.encode()))).digest()
        # The length already counts the attribute that is to come.
        covered = message(REQUEST, method, attributes + bytes(24), transaction)[:-24]
        value = hmac.new(key, covered, hashlib.sha1).digest()
        return covered + attribute(MESSAGE_INTEGRITY, value)

    def _exchange(self, method, attributes, seconds):
        data = self._signed(method, attributes)
        end = time.monotonic() + seconds
        wait = 0.5
        while time.monotonic() < end:
            self.way.send(data)
            retry = time.monotonic() + wait
            wait *= 2
            while (left := min(retry, end) - time.monotonic()) > 0:
                reply = self.way.receive(left)
                if reply is None:
                    continue
                if is_message(reply) and reply[8:20] == data[8:20]:
                    return Message(reply)
                self.inbox.append(reply)
        raise TimeoutError(f"no response to method {method:#x}")

    def request(self, method, attributes=b"", seconds=5):
        """Sends a request until it is answered, with credentials if asked for.
        `attributes` may be a function of the transaction ID."""
        for _ in range(3):
            reply = self._exchange(method, attributes, seconds)
            if reply.kind == SUCCESS:
                return reply
            # 401 Unauthenticated the first time, 438 Stale Nonce later.
            if reply.code not in (401, 438) or NONCE not in reply.attributes:
                break
            if reply.code == 401 and self.nonce is not None:
                break
            self.realm, self.nonce = reply.attributes[REALM], reply.attributes[NONCE]
        raise TurnError(reply.code, reply)

    def allocate(self, lifetime=None, family=None, dual=False, more=b"", seconds=5):
        """An allocation of the server's default family, of `family` (4 or 6),
        or of both (`dual`). The IPv6 relayed address of both is `relayed6`. Each
        response is waited for at most `seconds`."""
        attributes = attribute(REQUESTED_TRANSPORT, bytes([17, 0, 0, 0])) + more
        if lifetime is not None:
            attributes += attribute(LIFETIME, struct.pack("!I", lifetime))
        if family is not None:
            attributes += attribute(REQUESTED_FAMILY, bytes([2 if family == 6 else 1, 0, 0, 0]))
        if dual:
            for kind in (ADDITIONAL_FAMILY, ADDITIONAL_FAMILY_DRAFT):
                attributes += attribute(kind, bytes([2, 0, 0, 0]))
        self.response = response = self.request(ALLOCATE, attributes, seconds)
        relayed = response.relayed
        self.relayed = relayed[0]
        self.ticket = response.attributes.get(MOBILITY_TICKET)
        self.relayed6 = next((one for one in relayed if wire.is_ipv6(one[0])), None)
        if dual and len(relayed) != 2:
            raise ValueError(f"relayed addresses {relayed}, wanted two")
        return self

    def take_over(self, other):
        """Goes on with a mobile allocation that another client has (RFC 8016)."""
        response = self.request(REFRESH, attribute(MOBILITY_TICKET, other.ticket))
        self.ticket = response.attributes.get(MOBILITY_TICKET)
        self.relayed, self.relayed6 = other.relayed, other.relayed6
        return self

    def relayed_for(self, peer):
        """The relayed address of the family of a peer's address."""
        return self.relayed6 if wire.is_ipv6(peer) and self.relayed6 else self.relayed

    def refresh(self, lifetime, family=None):
        """Of the allocation, or of what it has of a family (4 or 6)."""
        attributes = attribute(LIFETIME, struct.pack("!I", lifetime))
        if family is not None:
            attributes += attribute(REQUESTED_FAMILY, bytes([2 if family == 6 else 1, 0, 0, 0]))
        return self.request(REFRESH, attributes)

    def permit(self, address):
        return self.request(CREATE_PERMISSION, lambda transaction: attribute(
            XOR_PEER_ADDRESS, xor_address(address, 0, transaction)))

    def bind(self, number, address, port):
        return self.request(CHANNEL_BIND, lambda transaction: attribute(
            CHANNEL_NUMBER, struct.pack("!HH", number, 0)) + attribute(
                XOR_PEER_ADDRESS, xor_address(address, port, transaction)))

    def send_data(self, address, port, data, *more):
        """A Send indication, with further attributes as given."""
        self.way.send(send_indication(address, port, data, *more))

    def send_channel(self, number, data):
        self.way.send(channel_data(number, data))

    def receive(self, seconds=1.0):
        """The next datagram that is not a response, or None."""
        if self.inbox:
            return self.inbox.pop(0)
        return self.way.receive(seconds)

    def receive_channel(self, seconds=1.0):
        """(number, data) of the next ChannelData message, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            data = self.receive(left)
            if data is not None and (found := channel_data_parse(data)):
                return found
        return None
