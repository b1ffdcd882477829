#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams with another's source address: what the host refuses with the offload off, it
refuses with it on, while the kernel relays what comes from where it should.

    rp_filter, or nft's fib    the client's five-tuple comes in from the peer's side, or the peer's
                               from the client's
    martians                   two clients are each other's peers, and a datagram with the
                               relayed transport address of one comes in from the wire
"""

import contextlib
import time

import family
import firewall
import turn
from capture import Injector
from family import IPV4, IPV6
from firewall import COUNT, ENOUGH, MODES
from framed import Framed, drain, frame
from kernel import Verdicts
from server import Server
from tap import check, check_equal, note, run, test, wait_until

FIB = ("table ip6 test { chain c { type filter hook prerouting priority -300; "
       "fib saddr . iif oif missing drop; }\n}\n")


def _options(mode):
    return [("xdp-mode", mode), ("xdp-required", None)] if mode else []


@contextlib.contextmanager
def strict(lab, of, on):
    """The source of a packet must be reached by the interface that it comes in by."""
    names = ("all", "to-client", "to-peer")
    if of is IPV6:
        with firewall.ruleset(lab.server, FIB) if on else contextlib.nullcontext():
            yield
        return
    try:
        for name in names:
            lab.server.sysctl(f"net/ipv4/conf/{name}/rp_filter", int(on))
        yield
    finally:
        for name in names:
            lab.server.sysctl(f"net/ipv4/conf/{name}/rp_filter", 0)


def spoofed(lab, of, mode, on):
    """How much arrived of what came from where it should and from elsewhere: [at the peer,
    at the client] each."""
    firewall.forget_connections(lab.server)
    with strict(lab, of, on), Server(lab, *_options(mode), offload=bool(mode)) as server, \
            Framed(lab, of, 0x4001, firewall.ROW_PORTS) as channel:
        if mode:
            channel.wait_kernel(server)
        else:
            wait_until(channel.works, 3, "data in both directions")
        before = channel.in_kernel(server) if mode else None
        for tick in range(COUNT):
            channel.send_to_peer(b"true %d" % tick)
            channel.send_to_peer(b"spoofed %d" % tick, side="peer")
            channel.send_to_client(b"true %d" % tick)
            channel.send_to_client(b"spoofed %d" % tick, side="client")
            time.sleep(0.01)
        arrived = [drain(channel.at_peer, 0.3), drain(channel.at_client, 0.3)]
        if mode:
            taken = [now - then for now, then in zip(channel.in_kernel(server), before)]
            note(f"{mode}: {taken} of {COUNT} relayed in the kernel")
            check(min(taken) >= ENOUGH, f"relayed in the kernel: {taken} of {COUNT}; log:\n{server.log()}")
    return [[sum(data.startswith(word) for data, _ in side) for side in arrived] for word in (b"true", b"spoofed")]


def compare_spoofed(lab, of):
    for on in (True, False):
        off = spoofed(lab, of, None, on)
        # Without the check all arrives: else it has shown nothing.
        check_equal(off, [[COUNT, COUNT], [0, 0] if on else [COUNT, COUNT]], f"off, with the check {on}")
        for mode in MODES:
            check_equal(spoofed(lab, of, mode, on), off,
                        f"arrived, true and spoofed, at the peer and at the client; {mode}, with the check {on}")


@test("strict rp_filter: the addresses of one side, from the other side")
def rp_filter(lab):
    compare_spoofed(lab, IPV4)


@test("nft's look at the route back, by IPv6: the addresses of one side, from the other side")
def fib(lab):
    compare_spoofed(lab, IPV6)


class Call:
    """Two clients of the server that are each other's peers."""

    def __init__(self, lab, of):
        self.lab, self.of = lab, of
        self.clients = []
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            undo.push(self._stack.__exit__)
            self._injectors = {side: self._stack.enter_context(Injector(getattr(self.lab, side)))
                               for side in ("client", "peer")}
            for port in (40001, 40002):
                client = turn.Client(self.lab.client, (self.of.server, 3478), (self.of.client, port))
                self.clients.append(self._stack.enter_context(client))
                client.allocate(family=self.of.number)
            for one, other in (self.clients, self.clients[::-1]):
                one.bind(0x4001, *other.relayed)
            undo.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.__exit__(None, None, None)

    def say(self, who, data):
        self._injectors["client"].send(frame(
            self.lab, "client", (self.of.client, self.clients[who].port), (self.of.server, 3478),
            turn.channel_data(0x4001, data)))

    def spoof(self, side, data):
        """To the second client's relay, with the first one's relayed transport address."""
        self._injectors[side].send(frame(self.lab, side, self.clients[0].relayed, self.clients[1].relayed, data))

    def heard(self, who, seconds=0.3):
        return drain(lambda left: self._one(who, left), seconds)

    def _one(self, who, seconds):
        found = self.clients[who].receive(seconds)
        return found and turn.channel_data_parse(found)[1]

    def works(self):
        for who in (0, 1):
            self.say(who, b"works")
        return all(b"works" in self.heard(who, 0.1) for who in (0, 1))


def martians(lab, of, mode):
    """How much arrived at both clients of what they said, and of what came from the wire."""
    with Server(lab, *_options(mode), offload=bool(mode)) as server, Call(lab, of) as call:
        wait_until(call.works, 3, "data between the clients")
        if mode:
            wait_until(lambda: _both_in_kernel(call, server), 5, f"the call in the kernel; log:\n{server.log()}")
        with Verdicts(server.offload) if mode else contextlib.nullcontext() as verdicts:
            for tick in range(COUNT):
                for who in (0, 1):
                    call.say(who, b"true %d" % tick)
                for side in ("peer", "client"):
                    call.spoof(side, b"spoofed %d" % tick)
                time.sleep(0.01)
            arrived = [call.heard(who) for who in (0, 1)]
        if mode:
            note(f"{mode}: {verdicts['TO_OTHER_CLIENT']} of {2 * COUNT} relayed in the kernel")
            check(verdicts["TO_OTHER_CLIENT"] >= 2 * ENOUGH, f"in the kernel: {verdicts.changed()}")
    return [[sum(data.startswith(word) for data in side) for side in arrived] for word in (b"true", b"spoofed")]


def _both_in_kernel(call, server):
    with Verdicts(server.offload) as verdicts:
        call.works()
    return verdicts["TO_OTHER_CLIENT"] >= 2


def compare_martians(lab, of, refused):
    off = martians(lab, of, None)
    check_equal(off, [[COUNT, COUNT], [0, 0 if refused else off[1][1]]], "off")
    for mode in MODES:
        check_equal(martians(lab, of, mode), off, f"arrived, true and spoofed, at both clients; {mode}")


@test("a call between two clients: the server's own address comes from the wire, IPv4")
def martian(lab):
    compare_martians(lab, IPV4, True)


@test("a call between two clients: the server's own address comes from the wire, IPv6")
def martian6(lab):
    compare_martians(lab, IPV6, False)


if __name__ == "__main__":
    run(family.fixture())
