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


def resting_of(server, first, count):
    """Those of a session's channels that are not in the kernel, by their number."""
    keys = [bytes(key) for key in server.offload.flows()]
    return [number for number in range(first, first + count)
            if not any(key[12:14] == number.to_bytes(2, "big") for key in keys)]


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
            resting = resting_of(server, 0x4101, 15)
            check_equal(len(resting), 2, "channels that rest")
            idle.send_channel(resting[0], b"awake")
            wait_until(lambda: len(server.offload.flows()) == 30, 5, "its flows are back")


@test("a resting channel that finds no room is relayed by coturn, and gets slots when there is some", seconds=120)
def no_room(lab):
    with Server(lab, ("xdp-max-channels", 16)) as server, turn.Client(lab.client) as idle, Talk(lab) as talk, \
            turn.Client(lab.client) as other:
        idle.allocate()
        other.allocate()
        for number in range(15):
            idle.bind(0x4101 + number, lab.peer_address, 20000 + number)
        with Chatter(talk):
            wait_until(lambda: len(server.offload.flows()) == 28, 50, "idle channels give up their slots")
            number, asleep = resting_of(server, 0x4101, 15)
            # Within a second others of the idle channels rest. Until then there is no room.
            for more in range(2):
                other.bind(0x4201 + more, lab.peer_address, 30000 + more)
            with lab.peer.socket(lab.peer_address, 20000 + number - 0x4101) as peer:
                idle.send_channel(asleep, b"no room, and it ends like this")
                idle.send_channel(number, b"no room")
                check_equal(peer.recv(100), b"no room", "relayed by coturn")

                def woken():
                    idle.send_channel(number, b"room")
                    return number not in resting_of(server, 0x4101, 15)
                wait_until(woken, 5, "slots for the channel")
            # Each place is given back once.
            idle.refresh(0)
            wait_until(lambda: len(server.offload.flows()) == 6, 5, "the flows of the idle session are gone")
            other.refresh(0)
            wait_until(lambda: len(server.offload.flows()) == 2, 5, "the flows of the other session are gone")
        check_equal(server.log_lines("AddressSanitizer"), [], "reports of the sanitizer")


if __name__ == "__main__":
    run(Lab("direct"))
