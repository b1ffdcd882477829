# SPDX-License-Identifier: BSD-3-Clause
"""A channel whose data travel as frames that are made by hand, with complete checksums:
generic mode relays these too, which it does not with what local sockets leave to a device.
"""

import functools
import socket
import time

import turn
import wire
from capture import Injector
from inspector import channel_of
from tap import check, wait_until

_SO_RCVBUFFORCE = 33
DIRECTIONS = ("to_peer", "to_client")


@functools.lru_cache
def _macs(lab):
    return {"client": (lab.client.mac("eth0"), lab.server.mac("to-client")),
            "peer": (lab.peer.mac("eth0"), lab.server.mac("to-peer"))}


def frame(lab, side, source, destination, payload):
    """A datagram as it comes to the server from the client's or the peer's side."""
    packet = wire.ip(source[0], destination[0], wire.udp(source[0], destination[0], source[1], destination[1], payload))
    return wire.ethernet(*_macs(lab)[side], packet, wire.kind_of(packet))


class Framed:
    """A client with one channel, and its peer, from `with` to its end.

    `server` is the address and port that the client talks to, `relay` the address that
    the peer sends to, if they are not the server's own, `bound` the port by which the client
    knows its peer. With `answers` the peer sends to
    where the client's data came from.
    """

    def __init__(self, lab, family, number, ports, *, server=None, relay=None, peer=None, bound=None,
                 answers=False):
        self.lab, self.family, self.number = lab, family, number
        self.client_port, self.peer_port = ports
        self.server = server or (family.server, 3478)
        self.peer_address = peer or family.peer
        self._bound = bound or self.peer_port
        self._relay, self._answers = relay, answers
        self.client = self.peer = None
        self._injectors = {}

    def __enter__(self):
        try:
            self._injectors = {"client": Injector(self.lab.client), "peer": Injector(self.lab.peer)}
            self.client = turn.Client(self.lab.client, self.server, (self.family.client, self.client_port))
            self.peer = self.lab.peer.socket(self.peer_address, self.peer_port)
            for sock in (self.client.way.socket, self.peer):
                sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
            self.client.allocate(family=self.family.number)
            self.bind()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for one in (self.client and self.client.way.socket, self.peer, *self._injectors.values()):
            if one:
                one.__exit__(None, None, None)

    def bind(self):
        self.client.bind(self.number, self.peer_address, self._bound)

    @property
    def target(self):
        """Where the peer sends to."""
        return (self._relay, self.client.relayed[1]) if isinstance(self._relay, str) else \
            self._relay or self.client.relayed

    def _send(self, side, source, destination, payload):
        self._injectors[side].send(frame(self.lab, side, source, destination, payload))

    def send_to_peer(self, data, side="client"):
        """From the client, or with its address from the peer's side."""
        self._send(side, (self.family.client, self.client_port), self.server,
                   turn.channel_data(self.number, data))

    def send_to_client(self, data, side="peer"):
        """From the peer, or with its address from the client's side."""
        self._send(side, (self.peer_address, self.peer_port), self.target, data)

    def at_peer(self, seconds):
        """The next datagram at the peer, with its source; None if there is none."""
        self.peer.settimeout(seconds)
        try:
            data, source = self.peer.recvfrom(65536)
        except TimeoutError:
            return None
        if self._answers:
            self._relay = source[:2]
        return data, source[:2]

    def at_client(self, seconds):
        """The next data of the channel at the client, and from which channel; or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            data = self.client.receive(left)
            if data is not None and (found := turn.channel_data_parse(data)):
                return found[1], found[0]
        return None

    def in_kernel(self, server):
        """How many packets the kernel has relayed in each direction."""
        found = channel_of(self, server)
        return [found[direction]["packets"] if found else 0 for direction in DIRECTIONS]

    def works(self, seconds=0.3):
        """Whether a datagram arrives in each direction."""
        data = b"works %f" % time.monotonic()
        self.send_to_peer(data)
        if not _until(self.at_peer, data, seconds):
            return False
        self.send_to_client(data)
        return _until(self.at_client, data, seconds)

    def wait_kernel(self, server, seconds=5):
        """Until the kernel relays it in both directions."""
        before = self.in_kernel(server)
        wait_until(lambda: self.works() and all(
            now > then for now, then in zip(self.in_kernel(server), before)), seconds,
                   f"channel {self.number:#x} relayed by the kernel in both directions; log:\n{server.log()}")
        return self


def _until(receive, wanted, seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        found = receive(left)
        if found and found[0] == wanted:
            return True
    return False


def _data(channel, direction, tick, size):
    return (b"%#x %s %05d " % (channel.number, direction.encode(), tick)).ljust(size, b".")


def drain(receive, quiet):
    """All that has arrived, once nothing has for so long."""
    found = []
    while (one := receive(quiet)) is not None:
        found.append(one)
    return found


def exchange(channels, count=60, interval=0.01, size=160, quiet=0.3):
    """Sends `count` datagrams in each direction of each channel at an even pace; what
    arrived, by channel: at the peer with its source, at the client with its channel. The peers
    begin when the first datagram of each client has arrived, or has not within a while. `size`
    is that of all data, or a function of a channel, a direction and the number of a datagram."""
    size_of = size if callable(size) else lambda *_: size
    arrived = {channel: ([], []) for channel in channels}
    start = None
    for tick in range(count):
        for channel in channels:
            channel.send_to_peer(_data(channel, "to peer", tick, size_of(channel, "to_peer", tick)))
            if tick == 0 and (first := channel.at_peer(0.5)):
                arrived[channel][0].append(first)
        for channel in channels:
            channel.send_to_client(_data(channel, "to client", tick, size_of(channel, "to_client", tick)))
        start = start or time.monotonic()
        time.sleep(max(0, start + tick * interval - time.monotonic()))
    for channel, (at_peer, at_client) in arrived.items():
        at_peer += drain(channel.at_peer, quiet)
        at_client += drain(channel.at_client, quiet)
        check(len(at_peer) <= count and len(at_client) <= count, "a datagram arrived twice")
    return {channel: (sorted(at_peer), sorted(at_client)) for channel, (at_peer, at_client) in arrived.items()}
