#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Mobile allocations (RFC 8016) are relayed by the kernel, to where the client is
and from there only."""

import contextlib
import time

import turn
from books import Books, empty, end_session, exchange, logged, session_of
from kernel import Verdicts
from lab import Lab
from server import Server
from talk import Chatter, Talk
from tap import check, check_equal, note, run, test, wait_until

MOBILE = turn.attribute(turn.MOBILITY_TICKET, b"")
OTHER = "192.0.2.9"


class MobileTalk(Talk):
    """A channel of a mobile allocation."""

    def __init__(self, lab, *more, local=("192.0.2.2", 0), **options):
        super().__init__(lab, *more, client=turn.Client(lab.client, local=local), **options)

    def __enter__(self):
        self.client.allocate(more=MOBILE)
        check(self.client.ticket, "no ticket for a mobile allocation")
        return super().__enter__()

    def move(self, client):
        """The client is somewhere else now; what it was before."""
        before, self.client = self.client, client.take_over(self.client)
        # coturn 4.17 waits for the first data from there.
        self.client.send_channel(self.number, b"here I am")
        wait_until(lambda: self._peer_gets(0.2) == (b"here I am", self.client.relayed), 3, "data at the peer")
        return before

    def check_gone(self, before):
        """Where the client was, nothing comes from or goes to the peer."""
        for sock in (self.peer, self.client.way.socket, before.way.socket):
            empty(sock)
        self.client.inbox.clear()
        before.send_channel(self.number, b"from where it was")
        check(self._peer_gets(0.3) is None, "relayed from the old address")
        self.peer.sendto(b"to where it is", self.client.relayed)
        check_equal(self.client.receive_channel(), (self.number, b"to where it is"), "at the new address")
        check(before.receive_channel(0.1) is None, "relayed to the old address")


@test("a mobile allocation is relayed by the kernel, and goes with its client to other ports")
def ports(lab):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(lab, ("mobility", None)))
        talk = stack.enter_context(MobileTalk(lab))
        second = stack.enter_context(Talk(lab, 0x4002, client=talk.client))
        talk.wait_kernel(server).check_kernel(server)
        second.wait_kernel(server)
        for _ in range(3):
            before = talk.move(stack.enter_context(turn.Client(lab.client)))
            second.client = talk.client
            check_equal(len(server.offload.flows()), 4, "flows")
            talk.check_gone(before)
            talk.wait_kernel(server).check_kernel(server)
            second.wait_kernel(server).check_kernel(server)


@test("and to another address, in mid-traffic, on another relay thread")
def address(lab):
    lab.client.ip("address", "add", f"{OTHER}/24", "dev", "eth0")
    try:
        with Server(lab, ("mobility", None), ("relay-threads", 4)) as server, MobileTalk(lab) as talk, \
                turn.Client(lab.client, local=(OTHER, 0)) as client:
            talk.wait_kernel(server)
            with Chatter(talk):
                before = talk.move(client)
            talk.check_gone(before)
            talk.wait_kernel(server).check_kernel(server)
            with Verdicts(server.offload) as verdicts:
                before.send_channel(talk.number, b"from where it was")
                check(talk._peer_gets(0.3) is None, "relayed from the old address")
            check_equal(verdicts["TO_PEER"], 0, "through the kernel from the old address")
    finally:
        lab.client.ip("address", "delete", f"{OTHER}/24", "dev", "eth0")


@test("a channel that is bound after the move, and one that is refreshed, are the new client's")
def bound_after(lab):
    with Server(lab, ("mobility", None)) as server, MobileTalk(lab) as talk, \
            turn.Client(lab.client) as client:
        talk.wait_kernel(server)
        talk.move(client)
        talk.bind()
        with Talk(lab, 0x4005, client=client) as second:
            second.wait_kernel(server).check_kernel(server)
            talk.wait_kernel(server).check_kernel(server)
            check_equal(len(server.offload.flows()), 4, "flows")
            client.refresh(0)
            wait_until(lambda: not server.offload.flows(), 3, "flows removed")


@test("what the log says of a session that moved is of all its places, and its limit goes along")
def accounts(lab):
    with Server(lab, ("mobility", None), ("max-bps", 1000000)) as server, Books(lab) as books, \
            MobileTalk(lab) as talk, turn.Client(lab.client) as client:
        talk.wait_kernel(server)
        session = session_of(server, talk.client.relayed)
        exchange(talk, 100)
        talk.move(client)
        talk.wait_kernel(server)
        exchange(talk, 100)
        talk.check_kernel(server)
        end_session(server, client, session)
        seen, reported = books.totals(client.port, client.relayed[1])[1], logged(server, session)
        note(f"captured {seen}, reported {reported[1]}")
        check(seen["rp"] > 200 and seen["sp"] > 200, "too little traffic")
        # Bytes to peers are not compared: 4.17 adds headers, by the client's port.
        for name in ("rp", "rb", "sp"):
            check_equal(reported[1][name], seen[name], f"peer's side, {name}, log against capture")


@test("mobile sessions that have ended, which coturn keeps for a while, leave their room to others")
def room(lab):
    with Server(lab, ("mobility", None), ("max-bps", 1000000), ("xdp-max-channels", 2)) as server:
        for _ in range(4):
            with MobileTalk(lab) as talk, Talk(lab, 0x4002, client=talk.client):
                talk.wait_kernel(server)
                check_equal(len(server.offload.flows()), 4, "flows of a session that takes all the room")
                talk.client.refresh(0)
                wait_until(lambda: not server.offload.flows(), 3, "flows removed")
            # Rows are given back by the next second.
            time.sleep(1.2)
        check_equal(server.log_lines("tables are full"), [], "complaints about room")


@test("a family that was released leaves its room to others")
def released(_lab):
    with Lab("direct", ipv6=True) as lab, Server(lab, ("xdp-max-channels", 2)) as server, \
            turn.Client(lab.client) as client:
        client.allocate(dual=True)
        for number, address in ((0x4001, lab.peer_address), (0x4002, lab.peer_address6)):
            client.bind(number, address, 5000)
        check_equal(len(server.offload.flows()), 4, "flows")
        client.refresh(0, 4)
        wait_until(lambda: len(server.offload.flows()) == 2, 3, "flows of one family")
        time.sleep(1.2)
        client.bind(0x4003, lab.peer_address6, 5001)
        check_equal(len(server.offload.flows()), 4, "flows, with one in the released one's place")


if __name__ == "__main__":
    run(Lab("direct"))
