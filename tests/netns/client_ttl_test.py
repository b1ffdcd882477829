#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The TTL of what the server sends to UDP clients: routers pass it, and the offload does not change it."""

from capture import Capture
from lab import Lab
from server import Server
from talk import Talk, Talk6
from tap import check, check_equal, note, run, test

USUAL = 64  # net.ipv4.ip_default_ttl


def ttls(lab, offload, talk_of):
    """The TTLs of responses, and of data in ChannelData, as they arrive at a client."""
    with Server(lab, offload=offload) as server, Capture(lab.client) as capture, talk_of(lab) as talk:
        responses = {one.ttl for one in capture.udp(quiet=0.2) if one.sport == 3478}
        if offload:
            talk.wait_kernel(server)
        else:
            talk.warm()
        capture.udp(quiet=0.2)
        for _ in range(5):
            check(talk.to_client(), "data to the client")
        data = {one.ttl for one in capture.udp(quiet=0.2) if one.sport == 3478}
    return responses, data


@test("responses and data to a client: routers pass them, offload off and on, IPv4 and IPv6")
def to_client(lab):
    for talk_of in (Talk, Talk6):
        off, on = (ttls(lab, offload, talk_of) for offload in (False, True))
        note(f"off {off}, on {on}")
        check_equal(on, off, "TTLs of responses and of data, offload on against off")
        check_equal(off[0], {USUAL}, "TTLs of responses")
        check(off[1] <= {USUAL, USUAL - 1} and len(off[1]) == 1, f"TTLs of data: {off[1]}")


if __name__ == "__main__":
    run(Lab("direct", ipv6=True))
