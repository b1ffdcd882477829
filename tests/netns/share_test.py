#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""A session that binds very many channels leaves room in the kernel's tables for others."""

import itertools

import turn
from inspector import ask_json
from lab import Lab
from server import Server
from talk import Chatter, Talk
from tap import check_equal, run, test, wait_until

CHANNELS = 100


@test("one session alone gets half of the tables, and another one is relayed in the kernel too")
def shares(lab):
    with Server(lab, ("xdp-max-channels", CHANNELS)) as server, turn.Client(lab.client) as greedy, \
            turn.Client(lab.client) as modest:
        greedy.allocate()
        for number in range(CHANNELS):
            greedy.bind(0x4001 + number, lab.peer_address, 20000 + number)
        check_equal(len(server.offload.flows()), CHANNELS, "flows of half of the channels")
        modest.allocate()
        numbers = itertools.count(20)

        def bind_again():
            """Binds one more channel; whether the session has half of the tables' channels in the kernel."""
            number = next(numbers)
            modest.bind(0x4001 + number, lab.peer_address, 30000 + number)
            return len(server.offload.flows()) == CHANNELS

        for number in range(20):
            modest.bind(0x4001 + number, lab.peer_address, 30000 + number)
        check_equal(len(server.offload.flows()), CHANNELS + 40, "flows with those of the other session")
        status = ask_json("status", server, "-i", 0)
        check_equal(status["channels_left_in_userspace"]["share"], CHANNELS // 2, "channels over the share")
        check_equal(status["channels_left_in_userspace"]["full"], 0, "channels without room")
        # A session that ends gives its places back with its slots, within a second or two.
        greedy.refresh(0)
        wait_until(lambda: len(server.offload.flows()) == 40, 5, "the flows of the session that ended are gone")
        wait_until(bind_again, 10, "places that were given back")


@test("crowded tables: idle channels give up their slots, and get some again with their next packet")
def resting(lab):
    with Server(lab, ("xdp-max-channels", 16)) as server, turn.Client(lab.client) as idle, Talk(lab) as talk:
        idle.allocate()
        # With the channel that talks, the tables are full.
        for number in range(15):
            idle.bind(0x4101 + number, lab.peer_address, 20000 + number)
        with Chatter(talk):
            check_equal(len(server.offload.flows()), 32, "flows in the full tables")
            wait_until(lambda: len(server.offload.flows()) < 32, 45, "idle channels give up their slots")
            # No more of them rest than are in the way.
            wait_until(lambda: len(server.offload.flows()) == 28, 5, "an eighth of the tables is free")
            keys = set(map(bytes, server.offload.flows()))
            resting = [number for number in range(15)
                       if not any(key[12:14] == (0x4101 + number).to_bytes(2, "big") for key in keys)]
            check_equal(len(resting), 2, "channels that rest")
            idle.send_channel(0x4101 + resting[0], b"awake")
            wait_until(lambda: len(server.offload.flows()) == 30, 5, "its flows are back")


if __name__ == "__main__":
    run(Lab("direct"))
