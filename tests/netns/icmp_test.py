#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What ICMP says of packets that the kernel relays comes to coturn's sockets, as if
these had sent them.

The server's host counts errors, and apart from them those that it found no
socket for (InErrors: __udp4_lib_err, __udp6_lib_err).
"""

import struct

import wire
from capture import Injector
from kernel import Verdicts
from lab import Lab
from server import Server
from talk import Talk, Talk6
from tap import check, check_equal, run, test, wait_until

TALKS = (Talk, Talk6)


class Icmp:
    """What a host counted since `with`: errors, and those that were for nobody."""

    _NAMES = {4: ("InDestUnreachs", "InErrors"), 6: ("Icmp6InDestUnreachs", "Icmp6InErrors")}

    def __init__(self, host, family):
        self._host = host
        self._family = family
        self._before = None

    def _read(self):
        if self._family == 6:
            lines = self._host.run("cat", "/proc/net/snmp6").stdout.splitlines()
            counters = dict(line.split() for line in lines)
        else:
            names, values = [line.split()[1:] for line in self._host.run(
                "cat", "/proc/net/snmp").stdout.splitlines() if line.startswith("Icmp:")]
            counters = dict(zip(names, values))
        return [int(counters[name]) for name in self._NAMES[self._family]]

    def __enter__(self):
        self._before = self._read()
        return self

    def __exit__(self, *_):
        pass

    def counted(self):
        return tuple(now - before for now, before in zip(self._read(), self._before))


def _family(talk):
    return 6 if wire.is_ipv6(talk.address) else 4


def _check_errors(lab, talk, server, verdict, send):
    """Five packets go through the kernel to a closed port; their errors find a socket."""
    with Icmp(lab.server, _family(talk)) as icmp, Verdicts(server.offload) as verdicts:
        for _ in range(5):
            send()
        wait_until(lambda: icmp.counted()[0] >= 5, 3, "errors come back")
        check_equal(verdicts[verdict], 5, f"packets through the kernel; {verdicts.changed()}")
        check_equal(icmp.counted(), (5, 0), "errors, and those for nobody")


def _unreachable_peer(lab, kind):
    with Server(lab) as server, kind(lab, port=5000) as talk:
        talk.wait_kernel(server)
        talk.peer.close()
        _check_errors(lab, talk, server, "TO_PEER",
                      lambda: talk.client.send_channel(talk.number, b"closed"))
        talk.peer = lab.peer.socket(talk.address, 5000)
        talk.check_kernel(server)


def _unreachable_client(lab, kind):
    with Server(lab) as server, kind(lab) as talk:
        talk.wait_kernel(server)
        old = talk.client.way.socket
        local, remote = old.getsockname()[:2], old.getpeername()[:2]
        old.close()
        _check_errors(lab, talk, server, "TO_CLIENT",
                      lambda: talk.peer.sendto(b"closed", talk.client.relayed))
        talk.client.way.socket = lab.client.socket(*local)
        talk.client.way.socket.connect(remote)
        talk.check_kernel(server)


@test("a peer's port that is closed: the relay socket hears of it, and the channel goes on")
def peer(lab):
    for kind in TALKS:
        _unreachable_peer(lab, kind)


@test("a client's port that is closed: the client's socket hears of it, and the channel goes on")
def client(lab):
    for kind in TALKS:
        _unreachable_client(lab, kind)


@test("an error about a packet that no socket can have sent is counted apart")
def nobody(lab):
    # So that the tests above can fail.
    with Server(lab), Injector(lab.peer) as injector, Icmp(lab.server, 4) as icmp:
        quoted = wire.ipv4(lab.relay_address, lab.peer_address,
                           wire.udp(lab.relay_address, lab.peer_address, 1, 5000, b""))
        body = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
        body = body[:2] + struct.pack("!H", wire.checksum(body)) + body[4:]
        injector.send(wire.ethernet(
            lab.peer.mac("eth0"), lab.server.mac("to-peer"),
            wire.ipv4(lab.peer_address, lab.relay_address, body, protocol=wire.ICMP)))
        wait_until(lambda: icmp.counted()[0], 3, "the error comes")
        check_equal(icmp.counted(), (1, 1), "errors, and those for nobody")


@test("a path MTU that ICMPv6 tells of: what is larger goes to coturn, which fragments")
def too_big(_lab):
    with Lab("gateway", ipv6=True) as lab:
        lab.gw_a.ip("link", "set", "far", "mtu", "1300")
        with Server(lab) as server, Talk6(lab) as talk:
            talk.wait_kernel(server)
            large = bytes(1400)
            with Verdicts(server.offload) as verdicts:
                check(not talk.to_peer(large, seconds=0.3), "there is no bottleneck")
            check_equal(verdicts["TO_PEER"], 1, "the first goes through the kernel")
            wait_until(lambda: talk.to_peer(large, seconds=0.2), 5, "large packets arrive")
            with Verdicts(server.offload) as verdicts:
                check(talk.to_peer(large), "a large packet does not arrive")
            check_equal((verdicts["TO_PEER"], verdicts["TOO_BIG"]), (0, 1), "verdicts")
            talk.check_kernel(server)


if __name__ == "__main__":
    run(Lab("direct", ipv6=True))
