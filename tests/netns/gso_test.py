#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Senders that hand many datagrams to the kernel as one (UDP_SEGMENT): each of them
is relayed, whatever the mode of the offload and however large they are together.
"""

import contextlib
import socket

import turn
from kernel import Verdicts
from lab import Lab
from server import Server
from talk import Talk, Talk6
from tap import check, check_equal, note, run, test

_UDP_SEGMENT = 103
# Bytes of data in each, and how many.
BURSTS = ((100, 8), (100, 3), (1, 10), (1000, 20), (1400, 12))


def _datas(size, count):
    return [bytes([number]) * size for number in range(count)]


def _send(sock, datagrams, to=None):
    """As one, which the kernel divides again; the last may be shorter."""
    sock.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, len(datagrams[0]))
    body = b"".join(datagrams)
    if to:
        sock.sendto(body, to)
    else:
        sock.send(body)
    sock.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 0)


def _gets(receive, count):
    found = []
    while len(found) < count and (one := receive()) is not None:
        found.append(one)
    return found


def _bursts(lab, kind, mode):
    """Verdicts on all bursts, both ways; all of it has arrived."""
    options = [("xdp-mode", mode), ("xdp-required", None)] if mode else []
    with Server(lab, *options, offload=bool(mode)) as server, kind(lab) as talk:
        if mode == "native":
            talk.wait_kernel(server)
        talk.warm()
        with Verdicts(server.offload) if mode else contextlib.nullcontext() as verdicts:
            for size, count in BURSTS:
                datas = _datas(size, count)
                _send(talk.client.way.socket,
                      [turn.channel_data(talk.number, data) for data in datas])
                talk.peer.settimeout(1)
                check_equal(_gets(lambda: _or_none(talk.peer), count), datas,
                            f"{mode}: {count} of {size} bytes at the peer")
                _send(talk.peer, datas, talk.client.relayed)
                check_equal([one[1] for one in _gets(talk.client.receive_channel, count)], datas,
                            f"{mode}: {count} of {size} bytes at the client")
        return verdicts.changed() if mode else {}


def _or_none(sock):
    try:
        return sock.recv(65536)
    except TimeoutError:
        return None


@test("datagrams that are sent as one arrive, the offload off and on", seconds=90)
def bursts(lab):
    total = sum(count for _, count in BURSTS)
    for kind in (Talk, Talk6):
        check(_bursts(lab, kind, None) == {}, "verdicts without the offload")
        native = _bursts(lab, kind, "native")
        note(f"native: {native}")
        # A veth whose other end has a program is given them one by one.
        check_equal((native["TO_PEER"], native["TO_CLIENT"]), (total, total),
                    "relayed in the kernel, native")
        generic = _bursts(lab, kind, "generic")
        note(f"generic: {generic}")
        # One packet may be many datagrams there: none of them is for the kernel.
        check(generic, "the program has seen nothing, generic")
        check_equal([name for name in generic if name.startswith("TO_")], [],
                    "relayed in the kernel, generic")


if __name__ == "__main__":
    run(Lab("direct", ipv6=True))
