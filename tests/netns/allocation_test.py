#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Relay addresses that are not got in the ordinary way: pairs of ports (RFC 8656,
section 7.2), and relays that take data of peers without permission."""

import turn
from lab import Lab
from server import Server
from talk import Talk
from tap import check, check_equal, run, test, wait_until

# RFC 8656, section 18.6: R, keep the next port for another.
RESERVE = turn.attribute(turn.EVEN_PORT, b"\x80")
STRANGER = "198.51.100.77"


@test("a port and the one after it, kept for another client: each is relayed by the kernel as its own")
def port_pair(lab):
    with Server(lab) as server, turn.Client(lab.client) as first, turn.Client(lab.client) as second:
        token = first.allocate(more=RESERVE).response.attributes.get(turn.RESERVATION_TOKEN)
        check(token, "no token for the port that was reserved")
        check_equal(first.relayed[1] % 2, 0, "the first port, modulo 2")
        second.allocate(more=turn.attribute(turn.RESERVATION_TOKEN, token))
        check_equal(second.relayed[1], first.relayed[1] + 1, "the second port")
        with Talk(lab, client=first) as one, Talk(lab, client=second) as other:
            for talk in (one, other):
                talk.wait_kernel(server).check_kernel(server)
            first.refresh(0)
            wait_until(lambda: len(server.offload.flows()) == 2, 4, "the first one's flows removed")
            other.check_kernel(server)


@test("server-relay: data of any peer, and channels by the kernel")
def any_peer(lab):
    lab.peer.ip("address", "add", STRANGER + "/24", "dev", "eth0")
    with Server(lab, ("server-relay", None)) as server, Talk(lab) as talk, \
            lab.peer.socket(STRANGER) as stranger:
        talk.wait_kernel(server).check_kernel(server)
        stranger.sendto(b"not asked for", talk.client.relayed)
        data = talk.client.receive()
        check(data and turn.is_message(data) and b"not asked for" in data, f"no Data indication: {data!r}")
        talk.check_kernel(server)


if __name__ == "__main__":
    run(Lab("direct"))
