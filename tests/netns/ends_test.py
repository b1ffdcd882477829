#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Channels that end before their time: the kernel stops when coturn would have, and
what goes on beside them stays in the kernel. Each is done with the offload off and on."""

import contextlib
import socket
import struct
import sys
import time

import turn
from books import empty, session_of
from capture import Capture
from cli import Cli
from ending import SLACK, Ending, check_times
from kernel import Verdicts
from lab import Lab
from server import Server
from talk import Chatter, Talk
from tap import check, check_equal, run, test
from turn import code_of

MOBILE = turn.attribute(turn.MOBILITY_TICKET, b"")
PORT = 50000


def tables(server):
    """How many flows there are, to IPv4 and to IPv6 addresses of the server."""
    families = [int.from_bytes(key[14:16], sys.byteorder) for key in server.offload.flows()]
    return families.count(4), families.count(6)


def begin(talk, server, offload):
    """Traffic in both directions, by the kernel if the offload is on."""
    return talk.wait_kernel(server) if offload else talk.warm()


def go_on(talk, server, offload):
    """It is still relayed, as it was."""
    # Nobody has read what came meanwhile, and there is no room for more.
    for sock in (talk.peer, talk.client.way.socket):
        empty(sock)
    if offload:
        talk.check_kernel(server, 5)
    return talk.works()


def compare(lab, story, *options):
    """Runs story(server, offload, stack), which returns times and all else that it
    found, with the offload off and on."""
    found = []
    for offload in (False, True):
        with Server(lab, *options, offload=offload) as server, contextlib.ExitStack() as stack:
            found.append(story(server, offload, stack))
    (times_off, off), (times_on, on) = found
    check_equal(on, off, "offload on against off")
    check_times(times_off, times_on, "seconds")
    return off


def release(lab, family):
    """One family of an allocation of both is given back, and its port taken by another."""
    def story(server, offload, stack):
        client = stack.enter_context(turn.Client(lab.client)).allocate(dual=True)
        talks = [stack.enter_context(FamilyTalk(lab, number, client, address))
                 for number, address in ((0x4001, lab.peer_address), (0x4002, lab.peer_address6))]
        gone, kept = talks if family == 4 else reversed(talks)
        for talk in talks:
            begin(talk, server, offload)
        ending = stack.enter_context(Ending(lab, gone))
        with Chatter(kept, data=b"the other's"):
            ending.begin()
            client.refresh(0, family)
            times = ending.seen(4)
        if offload:
            # Of the other family's channel: from the client, and from the peer.
            check_equal(tables(server), (2, 0) if family == 6 else (1, 1), "flows")
        found = [go_on(kept, server, offload)]
        found += [code_of(gone.bind), code_of(client.bind, 0x4005, gone.address, 7)]
        other = stack.enter_context(turn.Client(lab.client)).allocate(family=family)
        found += [other.relayed[1] == PORT]
        with FamilyTalk(lab, 0x4001, other, gone.address) as new:
            begin(new, server, offload)
            found += [new.works(), gone.to_peer(seconds=0.3)]
            # The old peer has a permission here, but no channel; its chatter goes on.
            found += [other.receive_channel(0.3), go_on(new, server, offload)]
        found += [go_on(kept, server, offload)]
        return times, found
    found = compare(lab, story, ("min-port", PORT), ("max-port", PORT))
    check_equal(found, [True, 443, 443, True, True, False, None, True, True], "what goes on, codes")


class FamilyTalk(Talk):
    """A channel of a client's relayed address of the peer's family."""

    def __init__(self, lab, number, client, address):
        super().__init__(lab, number, client=client, address=address)

    def to_peer(self, data=None, seconds=1.0):
        data = b"to the peer %d" % time.monotonic_ns() if data is None else data
        self.client.send_channel(self.number, data)
        return self._arrives(self._from, (data, self.client.relayed_for(self.address)), seconds)

    def _from(self, seconds):
        found = self._peer_gets(seconds)
        return found and (found[0], found[1][:2])

    def to_client(self, data=None, seconds=1.0):
        data = b"to the client %d" % time.monotonic_ns() if data is None else data
        self.peer.sendto(data, self.client.relayed_for(self.address))
        return self._arrives(self.client.receive_channel, (self.number, data), seconds)


for _family in (4, 6):
    @test(f"one family of an allocation of both is released: IPv{_family} ends, its port is another's, "
          "the other family goes on", seconds=90)
    def _(lab, family=_family):
        release(lab, family)


@test("a session that the operator cancels (cs) ends as without the offload, the others go on")
def cancelled(lab):
    def story(server, offload, stack):
        kept, talk = [stack.enter_context(Talk(lab)) for _ in range(2)]
        begin(kept, server, offload)
        begin(talk, server, offload)
        session = session_of(server, talk.client.relayed)
        ending = stack.enter_context(Ending(lab, talk))
        with Cli(lab, "secret") as cli:
            ending.begin()
            cli.ask(f"cs {session}")
        times = ending.seen(2)
        if offload:
            check_equal(tables(server), (2, 0), "flows")
        return times, [go_on(kept, server, offload)]
    check_equal(compare(lab, story, ("cli-password", "secret")), [True], "the other session")


@test("a mobile session that is cancelled ends, and its client can take it up again")
def mobile_cancelled(lab):
    def story(server, offload, stack):
        client = stack.enter_context(turn.Client(lab.client)).allocate(more=MOBILE)
        talk = stack.enter_context(Talk(lab, client=client))
        begin(talk, server, offload)
        ending = stack.enter_context(Ending(lab, talk))
        with Cli(lab, "secret") as cli:
            ending.begin()
            cli.ask(f"cs {session_of(server, client.relayed)}")
        times = ending.seen(2)
        if offload:
            check_equal(tables(server), (0, 0), "flows")
        talk.client = stack.enter_context(turn.Client(lab.client)).take_over(client)
        begin(talk, server, offload)
        return times, [go_on(talk, server, offload)]
    check_equal(compare(lab, story, ("cli-password", "secret"), ("mobility", None)), [True], "taken up again")


@test("CreatePermission shortens a channel's life, keeps it while it is repeated, and ends it")
def permission(lab):
    lifetime = 3

    def story(server, offload, stack):
        talk = stack.enter_context(Talk(lab))
        begin(talk, server, offload)
        for _ in range(4):
            talk.client.permit(talk.address)
            time.sleep(lifetime / 2)
            check(go_on(talk, server, offload), "ended in spite of the permission")
        ending = stack.enter_context(Ending(lab, talk))
        ending.begin()
        talk.client.permit(talk.address)
        times = ending.seen(lifetime + SLACK)
        for way in times:
            check(way >= lifetime - 1.1, f"ended {way} s after a permission for {lifetime} s")
        if offload:
            check_equal(tables(server), (0, 0), "flows")
        # It can be had again, by the same number.
        talk.bind()
        begin(talk, server, offload)
        return times, [go_on(talk, server, offload)]
    check_equal(compare(lab, story, ("channel-lifetime", 60), ("permission-lifetime", lifetime)), [True],
                "bound again")


def reset(sock):
    """The connection is lost, without a goodbye."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@test("a client by TCP is relayed in userspace, and leaves nothing when its connection is lost")
def by_tcp(lab):
    def story(server, offload, stack):
        kept = stack.enter_context(Talk(lab))
        begin(kept, server, offload)
        found = []
        for lose in (reset, socket.socket.close):
            with Talk(lab, number=0x4003, tcp=True) as talk:
                talk.warm()
                if offload:
                    talk.check_userspace(server)
                    check_equal(tables(server), (2, 0), "flows")
                session = session_of(server, talk.client.relayed)
                lose(talk.client.way.socket)
                server.wait_log(rf"session {session}: closed \(2nd stage\)")
                with Capture(lab.client) as at_client:
                    talk.peer.sendto(b"too late", talk.client.relayed)
                    found.append(bool(at_client.udp(quiet=0.3)))
            if offload:
                check_equal(tables(server), (2, 0), "flows")
            found.append(go_on(kept, server, offload))
        return [], found
    check_equal(compare(lab, story), [False, True] * 2, "data after the end, the other client")


@test("a mobile client by TCP that moves to UDP is in the kernel, and leaves it when it goes back to TCP")
def mobile_tcp(lab):
    def story(server, offload, stack):
        wired = stack.enter_context(turn.Client(lab.client, tcp=True)).allocate(more=MOBILE)
        talk = stack.enter_context(Talk(lab, client=wired))
        talk.warm()
        if offload:
            check_equal(tables(server), (0, 0), "flows of a client by TCP")
            talk.check_userspace(server)
        old = talk.client = stack.enter_context(turn.Client(lab.client)).take_over(wired)
        begin(talk, server, offload)
        ending = stack.enter_context(Ending(lab, talk))
        again = stack.enter_context(turn.Client(lab.client, tcp=True))
        ending.begin()
        # 4.6.1 moves the allocation, but nothing comes back by TCP any more; 4.17 waits
        # for the first data from there.
        found = [answered(lambda: again.take_over(old).send_channel(talk.number, b"here I am"))]
        times = ending.seen(2)
        empty(talk.peer)
        again.relayed = old.relayed
        talk.client = again
        with Verdicts(server.offload) if offload else contextlib.nullcontext() as verdicts:
            found += [talk.to_peer(), talk.to_client()]
            old.send_channel(talk.number, b"from where it was")
            found += [talk._peer_gets(0.3)]
        if offload:
            check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (0, 0), "by the kernel")
            check_equal(tables(server), (0, 0), "flows of a client by TCP again")
        reset(again.way.socket)
        server.wait_log(r"closed \(1st stage\)")
        if offload:
            check_equal(tables(server), (0, 0), "flows of a client that is lost")
        talk.peer.sendto(b"too late", old.relayed)
        found += [bool(server.running())]
        return times, found
    found = compare(lab, story, ("mobility", None))
    check_equal((found[1], found[3:]), (True, [None, True]), "by TCP again, from where it was")


def answered(request):
    try:
        request()
    except TimeoutError:
        return False
    return True


@test("a mobile client that has released a family, moves: the other one goes along")
def mobile_family(lab):
    def story(server, offload, stack):
        client = stack.enter_context(turn.Client(lab.client)).allocate(dual=True, more=MOBILE)
        gone = stack.enter_context(FamilyTalk(lab, 0x4001, client, lab.peer_address))
        kept = stack.enter_context(FamilyTalk(lab, 0x4002, client, lab.peer_address6))
        for talk in (gone, kept):
            begin(talk, server, offload)
        ending = stack.enter_context(Ending(lab, gone))
        ending.begin()
        client.refresh(0, 4)
        times = ending.seen(4)
        for _ in range(2):
            kept.client = stack.enter_context(turn.Client(lab.client)).take_over(kept.client)
            begin(kept, server, offload)
        gone.client = kept.client
        if offload:
            check_equal(tables(server), (1, 1), "flows")
        return times, [go_on(kept, server, offload), gone.to_peer(seconds=0.3)]
    check_equal(compare(lab, story, ("mobility", None)), [True, False], "the family kept, and the other")


if __name__ == "__main__":
    run(Lab("direct", ipv6=True))
