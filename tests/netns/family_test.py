#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Both families on either side, wildcard listeners, and clients of one server
that are each other's peers: what arrives with the offload off arrives with it on.

Packets are of ordinary sockets; what is compared of each is its payload, where it
is from, its TTL or hop limit, and its TOS or traffic class.
"""

import contextlib
import re
import socket
from pathlib import Path

import turn
from inspector import ask_json
from kernel import Verdicts
from lab import CLIENT, CLIENT6, PEER, PEER6, SERVER, SERVER6, Lab
from outcome import check_said
from server import Server
from tap import check, check_equal, run, test, wait_until
from upstream import ttl_to_client
from wire import is_ipv6

TOP = Path(__file__).resolve().parents[2]
CHANNEL = 0x4001
SIZES = (0, 1, 3, 160, 1200, 1432)
# TTL and TOS of what is sent; a TTL of 1 towards a peer is coturn's to decide.
MARKS = ((64, 0), (255, 0xB8), (2, 0x03), (33, 0x28))

TTLS = ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT))


def _mark(sock, ttl, tos):
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)


def _ask_for_marks(sock):
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
        sock.setsockopt(socket.IPPROTO_IP, 13, 1)  # IP_RECVTOS


def _get(sock, seconds=2.0):
    """(payload, sender, TTL, TOS), or None."""
    sock.settimeout(seconds)
    try:
        data, extra, _, sender = sock.recvmsg(65536, 256)
    except TimeoutError:
        return None
    marks = sorted((level, kind, int.from_bytes(value, "little")) for level, kind, value in extra)
    return data, sender[:2], marks


def _drain(sock):
    """Forgets what came late of what was sent before."""
    while _get(sock, 0.1):
        pass


def _meant(marks, sent):
    """Marks at the client, with the TTL or hop limit that the release means."""
    return [(level, kind, ttl_to_client(sent, value) if (level, kind) in TTLS else value)
            for level, kind, value in marks]


def _pair(client, server, peer, stack, lab):
    """An allocation with a channel to a peer's socket."""
    turner = stack.enter_context(turn.Client(lab.client, server=(server, 3478), local=(client, 0)))
    turner.allocate(family=6 if is_ipv6(peer) else 4)
    sock = stack.enter_context(lab.peer.socket(peer, 5000))
    turner.bind(CHANNEL, peer, 5000)
    return turner, sock


def _cross(turner, peer):
    """One packet each way, unmarked; whether both arrived."""
    turner.send_channel(CHANNEL, b"to peer")
    peer.sendto(b"to client", turner.relayed)
    peer.settimeout(0.3)
    try:
        there = peer.recv(65536)
    except TimeoutError:
        there = None
    return there == b"to peer" and turner.receive_channel(0.3) == (CHANNEL, b"to client")


def _in_kernel(server, cross):
    with Verdicts(server.offload) as verdicts:
        if not cross():
            return False
        changed = verdicts.changed()
    return sum(count for name, count in changed.items() if name.startswith("TO_")) >= 2


def _observe(lab, client, server_address, peer, offload, options=()):
    """What arrives at both ends, packet by packet."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(lab, *options, offload=offload,
                                            probe=(client, server_address)))
        turner, sock = _pair(client, server_address, peer, stack, lab)
        if offload:
            wait_until(lambda: _in_kernel(server, lambda: _cross(turner, sock)), 8,
                       f"relayed by the kernel; log:\n{server.log()}")
        else:
            wait_until(lambda: _cross(turner, sock), 8, "relayed")
        ours = turner.way.socket
        for one in (ours, sock):
            _ask_for_marks(one)
            _drain(one)
        # Ports differ from run to run; addresses do not.
        seen = []
        with (Verdicts(server.offload) if offload else contextlib.nullcontext()) as verdicts:
            for size in SIZES:
                for ttl, tos in MARKS:
                    data = bytes(size)
                    _mark(ours, ttl, tos)
                    ours.send(turn.channel_data(CHANNEL, data))
                    got = _get(sock)
                    check(got, f"{size} bytes to the peer, TTL {ttl}: nothing arrived")
                    check_equal(got[1], turner.relayed, "the peer's sender")
                    seen.append((got[0], got[1][0], got[2]))
                    _mark(sock, ttl, tos)
                    sock.sendto(data, turner.relayed)
                    got = _get(ours)
                    check(got, f"{size} bytes to the client, TTL {ttl}: nothing arrived")
                    seen.append((got[0], got[1], _meant(got[2], ttl)))
            if verdicts:
                count = len(SIZES) * len(MARKS)
                check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (count, count),
                            f"through the kernel; all: {verdicts.changed()}")
        return seen


def _compare(lab, client, server, peer, options=()):
    off = _observe(lab, client, server, peer, False, options)
    on = _observe(lab, client, server, peer, True, options)
    for index, (one, other) in enumerate(zip(off, on)):
        check_equal(other, one, f"packet {index} with the offload on")
    check_equal(len(on), len(off), "packets")


def _family_test(client, server, peer):
    name = f"{'IPv6' if is_ipv6(client) else 'IPv4'} client, {'IPv6' if is_ipv6(peer) else 'IPv4'} peer"

    @test(f"{name}: the same arrives", seconds=90)
    def _(lab):
        _compare(lab, client, server, peer)


for _client, _server in ((CLIENT, SERVER), (CLIENT6, SERVER6)):
    for _peer in (PEER, PEER6):
        _family_test(_client, _server, _peer)


@test("listener on 0.0.0.0: the same arrives, from the address that was used", seconds=90)
def wildcard(lab):
    _compare(lab, CLIENT, SERVER, PEER, (("listening-ip", "0.0.0.0"),))


@test("listener on ::, IPv6 client: the same arrives", seconds=90)
def wildcard6(lab):
    _compare(lab, CLIENT6, SERVER6, PEER6, (("listening-ip", "::"),))


@test("listener on ::, IPv4 client: the same arrives", seconds=90)
def wildcard6_ipv4(lab):
    for peer in (PEER, PEER6):
        _compare(lab, CLIENT, SERVER, peer, (("listening-ip", "::"),))


def _hairpin(lab, stack, first, second, server, known_as=None):
    """Two clients of one server, each other's peers, in one pass of the kernel."""
    ends = []
    for local, at in (first, second):
        end = stack.enter_context(turn.Client(lab.client, server=(at, 3478), local=(local, 0)))
        end.allocate(family=4)
        ends.append(end)
    numbers = (0x4001, 0x4222)
    for end, number, other in zip(ends, numbers, reversed(ends)):
        end.bind(number, *other.relayed)
    for end in ends:
        check_equal(end.relayed[0], known_as or lab.relay_address, "relayed address")

    def cross():
        for index in (0, 1):
            ends[index].send_channel(numbers[index], b"hello %d" % index)
            if ends[1 - index].receive_channel(0.3) != (numbers[1 - index], b"hello %d" % index):
                return False
        return True

    wait_until(lambda: _in_kernel(server, cross), 8, f"in one pass; log:\n{server.log()}")
    with Verdicts(server.offload) as verdicts:
        for _ in range(10):
            check(cross(), "something did not arrive")
        check_equal(verdicts["TO_OTHER_CLIENT"], 20, f"in one pass; all: {verdicts.changed()}")


@test("two clients of the server are each other's peers")
def hairpin(lab):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(lab))
        _hairpin(lab, stack, (CLIENT, SERVER), (CLIENT, SERVER), server)


@test("one of them is an IPv6 client")
def hairpin_mixed(lab):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(lab))
        _hairpin(lab, stack, (CLIENT6, SERVER6), (CLIENT, SERVER), server)


@test("they know each other by the server's public address (external-ip)")
def hairpin_external(lab):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            Server(lab, ("external-ip", f"203.0.113.77/{lab.relay_address}")))
        _hairpin(lab, stack, (CLIENT, SERVER), (CLIENT, SERVER), server, "203.0.113.77")


@test("an IPv4-mapped peer is left to coturn, for a reason of its own")
def mapped(lab):
    with Server(lab) as server, turn.Client(lab.client) as client:
        client.allocate(family=6)
        client.bind(CHANNEL, "::ffff:198.51.100.2", 5000)
        check_said(server, "channels stay in userspace where", "client or peer has an IPv4-mapped IPv6 address")
        check_equal(server.offload.flows(), [], "flows")
        left = ask_json("status", server, "-i", 0)["channels_left_in_userspace"]
        check_equal({reason: count for reason, count in left.items() if count}, {"mapped": 1}, "channels left")


@test("denied-peer-ip as upstream.ini advises it: no IPv4-mapped peer gets a channel or a permission")
def mapped_denied(lab):
    advice = re.search(r"denied-peer-ip=(\S+)", (TOP / "upstream.ini").read_text(encoding="utf-8")).group(1)
    with Server(lab, ("denied-peer-ip", advice), ("denied-peer-ip", "198.51.100.0-198.51.100.255")) as server, \
            turn.Client(lab.client) as client:
        client.allocate(family=6)
        for address in ("::ffff:198.51.100.2", "::ffff:127.0.0.1", "::ffff:0.0.0.1", "::ffff:255.255.255.254"):
            check_equal(turn.code_of(client.bind, CHANNEL, address, 5000), 403, f"channel to {address}")
            check_equal(turn.code_of(client.permit, address), 403, f"permission for {address}")
        check_equal(server.offload.flows(), [], "flows")


if __name__ == "__main__":
    run(Lab("direct", ipv6=True))
