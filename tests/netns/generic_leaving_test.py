#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""How packets leave in generic mode, where the kernel checks the device before it takes the skb, and goes past its
queueing discipline: what arrives is what arrives without the offload.
"""

import contextlib
import socket

from kernel import Verdicts
from lab import Lab
from server import Server
from talk import Talk
from tap import check_equal, note, run, test, wait_until

COUNT = 20
SMALL, LARGE = 500, 1200
MODES = (None, "generic")


@contextlib.contextmanager
def _channel(lab, mode):
    options = [("xdp-mode", mode), ("xdp-required", None)] if mode else []
    with Server(lab, *options, offload=bool(mode)) as server, Talk(lab, checksums=False) as talk:
        talk.warm()
        if mode:
            talk.wait_kernel(server)
        yield server, talk


def _arrived(talk, size):
    """How many of COUNT datagrams to the peer arrive."""
    return sum(talk.to_peer(b"%04d" % number * (size // 4), 0.3) for number in range(COUNT))


def _relayed(server, talk, size):
    """How many the kernel has relayed."""
    with Verdicts(server.offload) as verdicts:
        arrived = _arrived(talk, size)
    return arrived, verdicts["TO_PEER"]


def _hop_mtu(lab, server):
    """The MTUs of the next hops by to-peer."""
    with lab.server.enter():
        index = socket.if_nametoindex("to-peer")
    return {hop.mtu for hop in server.offload.hops() if hop.ifindex == index}


@test("a device whose MTU is lowered: larger packets are coturn's, as without the offload", seconds=90)
def smaller_mtu(lab):
    found = {}
    for mode in MODES:
        with _channel(lab, mode) as (server, talk):
            try:
                lab.server.ip("link", "set", "to-peer", "mtu", 1000)
                if mode:
                    wait_until(lambda s=server: _hop_mtu(lab, s) == {1000}, 5, "the new MTU in the next hop")
                found[mode] = _arrived(talk, LARGE), _arrived(talk, SMALL)
                if mode:
                    check_equal(_relayed(server, talk, SMALL), (COUNT, COUNT), "small ones, by the kernel")
                    check_equal(_relayed(server, talk, LARGE)[1], 0, "large ones by the kernel")
            finally:
                lab.server.ip("link", "set", "to-peer", "mtu", 1500)
            if mode:
                wait_until(lambda s=server: _hop_mtu(lab, s) == {1500}, 5, "the old MTU in the next hop")
                check_equal(_relayed(server, talk, LARGE), (COUNT, COUNT), "large ones afterwards, by the kernel")
    note(f"large and small ones that arrived: {found}")
    check_equal(found["generic"], found[None], "arrived in generic mode, against off")


@test("a device that is down, and up again: relayed again", seconds=60)
def down_and_up(lab):
    for mode in MODES:
        with _channel(lab, mode) as (server, talk):
            # Nothing is sent meanwhile: a send that fails would end the allocation's relay in coturn itself.
            lab.server.ip("link", "set", "to-peer", "down")
            if mode:
                wait_until(lambda s=server: not _hop_mtu(lab, s), 5, "no next hop by the device")
            lab.server.ip("link", "set", "to-peer", "up")
            talk.warm()
            if mode:
                talk.wait_kernel(server)
                check_equal(_relayed(server, talk, SMALL), (COUNT, COUNT), "by the kernel")


@test("a device with a queueing discipline that delays: all arrive", seconds=60)
def queueing(lab):
    lab.server.run("tc", "qdisc", "add", "dev", "to-peer", "root", "tbf", "rate", "1mbit", "burst", "5000", "latency", "10s")
    try:
        for mode in MODES:
            with _channel(lab, mode) as (server, talk):
                check_equal(_arrived(talk, SMALL), COUNT, f"{mode}: arrived")
                if mode:
                    check_equal(_relayed(server, talk, SMALL), (COUNT, COUNT), "by the kernel")
    finally:
        lab.server.run("tc", "qdisc", "delete", "dev", "to-peer", "root")


if __name__ == "__main__":
    run(Lab("direct"))
