# SPDX-License-Identifier: BSD-3-Clause
"""A server with an allocation for each combination of families, and what leaves
it, in a form that can be compared with what leaves another one.
"""

import contextlib
import os
import struct
import time

import spec as specs
import turn
import upstream
import wire
from capture import Capture, OffloadInjector
from kernel import Verdicts
from lab import PEER, PEER6, Lab
from server import Server
from spec import LEGS, Frame, Spec
from tap import check, check_equal, wait_until

FENCE_PORT = 5100
FRAME_MAX = 1514
_OTHER_TYPES = {wire.ICMP: (11,), wire.ICMPV6: (3, *range(130, 138), 143)}


def _is_data_indication(payload):
    return turn.is_message(payload) and payload[:2] == b"\x00\x17" and \
        len(payload) == 20 + int.from_bytes(payload[2:4], "big")


def _indication(packet):
    """What a Data indication says, without its random transaction ID."""
    found = turn.Message(packet.payload)
    address = found.attributes.get(turn.XOR_PEER_ADDRESS)
    return (f"Data indication from {packet.source}:{packet.sport} to {packet.destination}:"
            f"{packet.dport}, ttl {packet.ttl}, tos {packet.tos}, df {packet.df}: "
            f"{address and turn.xor_address_parse(address, found.transaction)} "
            f"{found.attributes.get(turn.DATA_ATTRIBUTE, b'').hex()}")


def normal(packet):
    """The packet as it is compared, bytes or words: without what the IP layer may
    choose, and without what is random in it."""
    if packet.payload and not packet.more and _is_data_indication(packet.payload):
        return _indication(packet)
    return packet.normal()


def _of_interest(packet):
    """Neighbours are looked for, groups joined, and fragments waited for, in their own time."""
    if packet.protocol is None or packet.destination.startswith("ff02:"):
        return False
    return packet.segment[:1] not in [bytes([one]) for one in
                                      _OTHER_TYPES.get(packet.protocol, ())]


def _empty(sock):
    """Of datagrams, and of errors that ICMP has told of."""
    while True:
        try:
            sock.recv(1)
        except BlockingIOError:
            return
        except OSError:
            continue


class Quad:
    """From `with` to its end. `mode` is that of the offload; None is without."""

    def __init__(self, mode=None):
        self.mode = mode
        self._stack = contextlib.ExitStack()
        self._fences = 0
        self._renewed = 0
        self.lab = self.server = None
        self.clients, self._sockets = [], []

    def __enter__(self):
        enter = self._stack.enter_context
        with contextlib.ExitStack() as undo:
            undo.push(self._stack.__exit__)
            self.lab = lab = enter(Lab("direct", ipv6=True))
            for name in ("ipv4/icmp_ratemask", "ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
                lab.server.sysctl("net/" + name, 0)
            options = [("min-port", 50000), ("max-port", 50001), *upstream.nat_discovery()]
            if self.mode:
                options += [("xdp-mode", self.mode), ("xdp-required", None)]
            self.server = enter(Server(lab, *options, offload=bool(self.mode)))
            for leg in LEGS:
                self._allocate(leg)
            self._injectors = {"client": enter(OffloadInjector(lab.client)),
                               "peer": enter(OffloadInjector(lab.peer))}
            self._macs = {"client": (lab.client.mac("eth0"), lab.server.mac("to-client")),
                          "peer": (lab.peer.mac("eth0"), lab.server.mac("to-peer"))}
            self._bind()
            self._captures = {"client": enter(Capture(lab.client)),
                              "peer": enter(Capture(lab.peer))}
            self._warm()
            undo.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.__exit__(None, None, None)

    def _allocate(self, leg):
        client = self._stack.enter_context(turn.Client(
            self.lab.client, server=(leg.server, leg.server_port),
            local=(leg.client, leg.client_port)))
        # Of the two ports, the one that is asked for, and the one that is left.
        even = b"" if leg.relay_port % 2 else turn.attribute(turn.EVEN_PORT, b"\0")
        client.allocate(family=6 if wire.is_ipv6(leg.relay) else 4, more=even)
        check_equal(client.relayed, (leg.relay, leg.relay_port), "relayed address")
        self.clients.append(client)
        # Sockets, so that the peer does not answer with ICMP errors.
        for port in (leg.peer_port, FENCE_PORT + leg.index):
            self._sockets.append(self._stack.enter_context(contextlib.closing(
                self.lab.peer.socket(leg.peer, port))))

    def _bind(self):
        for leg, client in zip(LEGS, self.clients):
            client.permit(leg.peer)
            client.bind(leg.channel, leg.peer, leg.peer_port)
            client.bind(leg.other_channel, leg.other.relay, leg.other.relay_port)
        self._renewed = time.monotonic()

    def renew(self):
        """Keeps the allocations alive, now and then, and empties the sockets."""
        for sock in self._sockets + [client.way.socket for client in self.clients]:
            sock.setblocking(False)
            _empty(sock)
        if time.monotonic() - self._renewed > 100:
            for client in self.clients:
                client.refresh(600)
                client.inbox.clear()
            self._bind()
            self.fence()

    def _warm(self):
        """Neighbours and next hops are found before anything is compared."""
        pairs = [Spec(leg=leg.index, way=way) for leg in LEGS for way in ("peer", "client", "other")]

        def in_kernel():
            with Verdicts(self.server.offload) as verdicts:
                self.outcome(pairs)
            return verdicts["TO_PEER"] == verdicts["TO_CLIENT"] == verdicts["TO_OTHER_CLIENT"] == 4

        self.outcome(pairs)
        if self.mode:
            check(self.server.offload.map_ids(), f"no offload; log:\n{self.server.log()}")
            wait_until(in_kernel, 8, f"{self.mode}: all relayed in the kernel")

    def macs(self, side):
        """Of that side and of the server towards it."""
        return self._macs[side]

    def frames(self, spec):
        """What this side sends, or nothing of what its device does not take."""
        made = specs.frames(spec, *self.macs("peer" if spec.way == "client" else "client"))
        return [frame for frame in made if len(frame.data) <= FRAME_MAX]

    def overflows(self):
        """Datagrams that the kernel dropped as a socket of the server had no room."""
        four = [line.split() for line in self.lab.server.run(
            "cat", "/proc/net/snmp").stdout.splitlines() if line.startswith("Udp:")]
        six = dict(line.split() for line in self.lab.server.run(
            "cat", "/proc/net/snmp6").stdout.splitlines())
        return int(dict(zip(*four))["RcvbufErrors"]) + int(six["Udp6RcvbufErrors"])

    def outcome(self, wanted, twins=False):
        """Sends them all; the packets that arrived at the client and at the peer.
        `twins`: with the UDP checksum that they should have."""
        for spec in wanted:
            injector = self._injectors["peer" if spec.way == "client" else "client"]
            for frame in self.frames(spec):
                data = frame.data
                if twins:
                    data = specs.udp_right(spec, data) or data
                injector.send(data, frame.partial)
        return self.fence()

    def _fence_frame(self, leg, side, text):
        peer = PEER6 if wire.is_ipv6(leg.peer) else PEER
        if side == "peer":
            source, destination, sport, dport = (leg.client, leg.server, leg.client_port,
                                                 leg.server_port)
            text = turn.send_indication(peer, FENCE_PORT + leg.index, text)
        else:
            source, destination, sport, dport = (peer, leg.relay, FENCE_PORT + leg.index,
                                                 leg.relay_port)
        packet = wire.ip(source, destination, wire.udp(source, destination, sport, dport, text))
        own, server = self._macs["client" if side == "peer" else "peer"]
        return Frame(wire.ethernet(own, server, packet, wire.kind_of(packet)))

    def _await(self, side, texts, found):
        """Packets at a side until each of the texts has been in one."""
        left = set(texts)

        def wanted(packet):
            if packet.payload:
                left.difference_update([text for text in left if text in packet.payload])
            return not left

        arrived = self._captures[side].until(wanted)
        check(arrived is not None, f"{self.mode}: {len(left)} fences did not arrive at the {side}")
        found[side] += arrived

    def fence(self):
        """Packets until now, by the side at which they arrived: those that come before
        data that always goes through userspace, on all ways, twice, since what
        is for another client goes through it twice as well."""
        found = {"client": [], "peer": []}
        mark = struct.pack("!IQ", self._fences, int.from_bytes(os.urandom(8), "big"))
        self._fences += 1
        for turn_ in range(2):
            texts = {(leg, side): b"fence" + mark + bytes([turn_, leg.index, side == "peer"])
                     for leg in LEGS for side in ("client", "peer")}
            for (leg, side), text in texts.items():
                self._injectors["client" if side == "peer" else "peer"].send(
                    self._fence_frame(leg, side, text).data)
            for side in ("client", "peer"):
                self._await(side, [text for (_, where), text in texts.items() if where == side],
                            found)
        for side, capture in self._captures.items():
            found[side] += capture.drain()
        return {side: [packet for packet in packets if _of_interest(packet)
                       and mark not in (packet.payload or b"")]
                for side, packets in found.items()}
