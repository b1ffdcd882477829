#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""--multiplex-peer, where sessions share relay sockets and are told apart by their
peers: the kernel relays their channels, each peer's data to the client that has it,
and what leaves is what leaves with the offload off."""

import contextlib
import struct
import time

import turn
from books import Books, empty, exchange, logged
from capture import Capture
from kernel import Verdicts
from lab import CLIENT, CLIENT6, PEER, RELAY, SERVER6, Lab
from server import Server, version
from talk import Chatter, Talk
from tap import check, check_equal, note, run, skip, test, wait_until
from turn import code_of
from upstream import ttl_to_client

BASE = 35000  # of the shared relays' ports
MOBILE = turn.attribute(turn.MOBILITY_TICKET, b"")
WISH = turn.attribute(turn.DONT_FRAGMENT, b"")
LIMIT = 100000


def multiplexing(lab, *options, threads=1, **more):
    if version() < (4, 17):
        skip("this coturn has no --multiplex-peer")
    return Server(lab, ("multiplex-peer", None), ("multiplex-peer-port", BASE),
                  ("relay-threads", threads), *options, **more)


def told(packets, offset):
    """What packets are, for comparison: addresses, marks and data, in their order by
    client or peer. `offset`: where the data begins in the payload."""
    return sorted((packet.source, packet.sport, packet.destination, packet.dport, packet.tos, packet.df,
                   packet.payload[:offset], packet.payload[offset:]) for packet in packets)


def many_to_many(lab, offload):
    """Four clients with two channels each, all over the same relay; what left to both
    sides, and the verdicts."""
    with multiplexing(lab, offload=offload) as server, contextlib.ExitStack() as stack:
        talks = []
        for client in range(4):
            first = stack.enter_context(Talk(lab, 0x4001, local=(CLIENT, 40000 + client), port=5000 + client))
            # Numbers are the same in all sessions.
            second = stack.enter_context(Talk(lab, 0x4002, client=first.client, port=6000 + client))
            check_equal(first.client.relayed, (RELAY, BASE), "relayed address")
            talks += [first, second]
        for talk in talks:
            talk.wait_kernel(server) if offload else talk.warm()
        before = server.offload.verdicts() if offload else None
        with Capture(lab.client) as at_client, Capture(lab.peer) as at_peer:
            for number in range(30):
                for index, talk in enumerate(talks):
                    body = b"%d %d" % (index, number) + bytes(number)
                    talk.client.send_channel(talk.number, body)
                    talk.peer.sendto(body, talk.client.relayed)
            at_both = [capture.udp(quiet=0.5) for capture in (at_client, at_peer)]
        after = server.offload.verdicts() if offload else None
        for packet in at_both[0]:
            check_equal(ttl_to_client(64, packet.ttl), 63, "TTL at the client")
        for packet in at_both[1]:
            check_equal(packet.ttl, 63, "TTL at the peer")
        for packets in at_both:
            check_equal(len(packets), 30 * len(talks), "packets")
            check(not any(packet.faults() for packet in packets), "packets with faults")
        # Each client's packets are its own peers'.
        for packet in at_both[0]:
            number, data = turn.channel_data_parse(packet.payload)
            index = int(data.split()[0])
            check_equal((packet.dport, number), (talks[index].client.port, talks[index].number), f"data {data[:8]}")
        if offload:
            for name in ("TO_PEER", "TO_CLIENT"):
                check_equal(after[name] - before[name], 30 * len(talks), name)
        return told(at_both[0], 4), told(at_both[1], 0)


@test("four clients with two channels each over one relay: the same packets leave, off and on")
def shared(lab):
    off, on = many_to_many(lab, offload=False), many_to_many(lab, offload=True)
    for side, wanted, got in zip(("client", "peer"), off, on):
        check_equal(got, wanted, f"packets at the {side}")


@test("a peer is one session's: another cannot bind it, and gets none of its data")
def owned(lab):
    with multiplexing(lab) as server, Talk(lab, port=5000) as talk, turn.Client(lab.client) as thief:
        talk.wait_kernel(server)
        thief.allocate()
        check_equal(code_of(thief.bind, 0x4001, PEER, 5000), 400, "answer to the second")
        talk.check_kernel(server)
        check(thief.receive_channel(0.2) is None, "another's data")
        check_equal(len(server.offload.flows()), 2, "flows")


@test("nor can a mobile session take a peer that another has named")
def owned_from_mobile(lab):
    with multiplexing(lab, ("mobility", None)) as server, contextlib.ExitStack() as stack:
        owner, thief = (stack.enter_context(turn.Client(lab.client)) for _ in range(2))
        peer = stack.enter_context(contextlib.closing(lab.peer.socket(PEER, 5000)))
        owner.allocate()
        owner.permit(PEER)
        # By an indication: so there is no channel, and no flow.
        owner.send_data(PEER, 5000, b"hello")
        check_equal(peer.recvfrom(100), (b"hello", (RELAY, BASE)), "at the peer")
        thief.allocate(more=MOBILE)
        check_equal(code_of(thief.bind, 0x4001, PEER, 5000), 400, "answer to the second")
        check_equal(server.offload.flows(), [], "flows of what was refused")
        for _ in range(10):
            peer.sendto(b"for the owner", owner.relayed)
            check(owner.receive(1), "no data at the owner")
        check(thief.receive_channel(0.2) is None, "another's data")
        # It moves, which binds its channels anew: not this one.
        moved = stack.enter_context(turn.Client(lab.client)).take_over(thief)
        moved.send_channel(0x4001, b"here I am")
        time.sleep(0.3)
        check_equal(server.offload.flows(), [], "flows of what was refused, after a move")


@test("mobile sessions over a shared relay are in the kernel, and follow their clients")
def mobile(lab):
    with multiplexing(lab, ("mobility", None)) as server, contextlib.ExitStack() as stack:
        client = stack.enter_context(turn.Client(lab.client)).allocate(more=MOBILE)
        talk = stack.enter_context(Talk(lab, client=client))
        other = stack.enter_context(Talk(lab))
        talk.wait_kernel(server).check_kernel(server)
        other.wait_kernel(server)
        talk.client = stack.enter_context(turn.Client(lab.client)).take_over(client)
        # coturn waits for the first data from there.
        wait_until(lambda: talk.to_peer(seconds=0.3) and talk.to_client(seconds=0.3), 5, "data at the new place")
        talk.wait_kernel(server).check_kernel(server)
        other.check_kernel(server)
        check_equal(len(server.offload.flows()), 4, "flows")


@test("what ends a session ends its flows, and its peer can be another's at once")
def ended(lab):
    with multiplexing(lab) as server, Talk(lab, port=5000) as first, Talk(lab, port=5001) as kept:
        first.wait_kernel(server)
        kept.wait_kernel(server)
        with Chatter(kept), turn.Client(lab.client) as second:
            first.client.refresh(0)
            wait_until(lambda: len(server.offload.flows()) == 2, 2, "flows removed")
            second.allocate()
            wait_until(lambda: code_of(second.bind, 0x4003, PEER, 5000) is None, 2, "the peer is free")
            first.peer.sendto(b"to the second", second.relayed)
            check_equal(second.receive_channel(), (0x4003, b"to the second"), "at the second client")
            check(first.client.receive_channel(0.2) is None, "data of the peer at the first client")
        kept.check_kernel(server)


@test("a permission that ends takes its channels with it, and frees the peer")
def permission(lab):
    with multiplexing(lab, ("channel-lifetime", 60), ("permission-lifetime", 3)) as server, \
            Talk(lab, port=5000) as talk:
        talk.wait_kernel(server)
        talk.client.permit(PEER)
        with Chatter(talk):
            wait_until(lambda: not server.offload.flows(), 5, "flows removed")
        check(not talk.to_peer(seconds=0.3), "relayed without permission")
        with turn.Client(lab.client) as client:
            client.allocate()
            check_equal(code_of(client.bind, 0x4001, PEER, 5000), None, "the peer is free")


@test("one family of an allocation ends: its flows do, and its peer can be another's at once")
def family(lab):
    del lab
    with Lab("direct", ipv6=True) as both, multiplexing(both) as server, contextlib.ExitStack() as stack:
        client, other = (stack.enter_context(turn.Client(both.client)) for _ in range(2))
        client.allocate(dual=True)
        peers = {}
        for number, address in ((0x4001, both.peer_address), (0x4002, both.peer_address6)):
            peers[number] = stack.enter_context(both.peer.socket(address, 5000))
            client.bind(number, address, 5000)
        check_equal(len(server.offload.flows()), 4, "flows")
        for number, peer in peers.items():
            crosses(server, client, number, peer)
        client.request(turn.REFRESH, turn.attribute(turn.LIFETIME, struct.pack("!I", 0))
                       + turn.attribute(turn.REQUESTED_FAMILY, bytes([2, 0, 0, 0])))
        wait_until(lambda: len(server.offload.flows()) == 2, 2, "flows of the family removed")
        other.allocate(family=6)
        other.bind(0x4003, both.peer_address6, 5000)
        check_equal(len(server.offload.flows()), 4, "flows, with those of the other")
        peers[0x4002].sendto(b"to the other", other.relayed)
        check_equal(other.receive_channel(), (0x4003, b"to the other"), "at the other client")
        check(client.receive_channel(0.2) is None, "at the client whose family ended")
        crosses(server, client, 0x4001, peers[0x4001])


def crosses(server, client, number, peer):
    """Data reaches the peer through the kernel, in a while."""
    def tried():
        empty(peer)
        with Verdicts(server.offload) as verdicts:
            client.send_channel(number, b"across")
            peer.settimeout(0.3)
            try:
                arrived = peer.recv(100) == b"across"
            except TimeoutError:
                return False
        return arrived and verdicts["TO_PEER"] == 1
    wait_until(tried, 5, f"channel {number:#x} through the kernel")


@test("clients of one server that are each other's peers, on two threads")
def each_other(lab):
    with multiplexing(lab, threads=2) as server, contextlib.ExitStack() as stack:
        clients = {}
        for _ in range(20):
            client = stack.enter_context(turn.Client(lab.client)).allocate()
            clients.setdefault(client.relayed[1], client)
            if len(clients) == 2:
                break
        check_equal(sorted(clients), [BASE, BASE + 2], "relays of both threads")
        one, two = clients.values()
        one.bind(0x4001, *two.relayed)
        two.bind(0x4002, *one.relayed)

        def through():
            with Verdicts(server.offload) as verdicts:
                one.send_channel(0x4001, b"from one")
                two.send_channel(0x4002, b"from two")
                arrived = (two.receive_channel(0.3), one.receive_channel(0.3))
            return arrived == ((0x4002, b"from one"), (0x4001, b"from two")) and verdicts["TO_OTHER_CLIENT"] == 2
        wait_until(through, 5, "both ways by the kernel")


def limited(lab, offload):
    """Two sessions over their limit in turn; what came through of each, in bytes of
    a second, and the books of the first."""
    rate = 2 * LIMIT // 500
    found = []
    with multiplexing(lab, ("max-bps", LIMIT), offload=offload) as server, Books(lab), \
            Talk(lab) as first, Talk(lab) as second:
        for talk in (first, second):
            talk.wait_kernel(server) if offload else talk.warm()
        session = session_of_peer(server, first)
        with Capture(lab.client) as at_client, Capture(lab.peer) as at_peer:
            started = time.monotonic()
            for number in range(int(4 * rate)):
                while time.monotonic() < started + number / rate:
                    time.sleep(0.001)
                for talk in (first, second):
                    talk.client.send_channel(talk.number, bytes(500))
                    talk.peer.sendto(bytes(500), talk.client.relayed)
            time.sleep(1.2)
            to_client, to_peer = at_client.udp(), at_peer.udp()
        for talk in (first, second):
            found += [sum(packet.dport == talk.client.port for packet in to_client),
                      sum(packet.dport == talk.port for packet in to_peer)]
        first.client.refresh(0)
        server.wait_log(rf"session {session}: (closed|delete)", 5)
        note(f"offload {'on' if offload else 'off'}: {found}, {logged(server, session)}")
        return found, logged(server, session)


def session_of_peer(server, talk):
    """The session that has a peer: relays are shared."""
    line = server.log_lines(rf"peer {talk.address}:{talk.port} lifetime updated")[-1]
    return line.split("session ")[1][:18]


@test("max-bps: sessions that share a relay have each its own, and books as with the offload off", seconds=90)
def limits(lab):
    (off, off_books), (on, on_books) = limited(lab, offload=False), limited(lab, offload=True)
    for wanted, got in zip(off, on):
        check(abs(got - wanted) < 0.3 * wanted, f"packets through: {on}, {off} without the offload")
        check(wanted < 0.9 * 4 * 2 * LIMIT / 500, f"not limited: {off}")
    # A shared relay has no limit of its own: all that the peer sent was received.
    for name in ("rp", "rb"):
        check(abs(on_books[1][name] - off_books[1][name]) < 0.02 * off_books[1][name],
              f"received from peers, {name}: {on_books[1]}, {off_books[1]} without the offload")


def wish_and_after(lab, offload):
    """DF of a session's data, before and after another's Send indication asks for it."""
    with multiplexing(lab, offload=offload) as server, Talk(lab) as talk, Talk(lab) as other, \
            Capture(lab.peer) as at_peer:
        for one in (talk, other):
            one.wait_kernel(server) if offload else one.warm()
        at_peer.drain()
        found = []
        for text, wish in ((b"before", None), (b"the wish", WISH), (b"settles", None), (b"after", None)):
            if wish:
                other.client.send_data(other.address, other.port, text, wish)
            else:
                (other if text == b"settles" else talk).client.send_channel(talk.number, text)
            packets = at_peer.until(lambda packet, text=text: packet.payload == text)
            check(packets, f"{text} did not arrive")
            found.append(packets[-1].df)
        return found


@test("DF: another session's wish for it changes the shared relay for all")
def dont_fragment(lab):
    off, on = wish_and_after(lab, offload=False), wish_and_after(lab, offload=True)
    note(f"DF before, with, and twice after the wish: {off}, {on} with the offload")
    check_equal(on, off, "DF, offload on against off")


def joined_by_ipv6(lab, offload):
    """DF of a session's data, before and after a client over IPv6 has the same relay."""
    with multiplexing(lab, offload=offload) as server, Talk(lab) as talk, Capture(lab.peer) as at_peer, \
            turn.Client(lab.client, server=(SERVER6, 3478), local=(CLIENT6, 0)) as client:
        talk.wait_kernel(server) if offload else talk.warm()
        at_peer.drain()
        found = []
        for text in (b"before", b"after"):
            talk.client.send_channel(talk.number, text)
            packets = at_peer.until(lambda packet, text=text: packet.payload == text)
            check(packets, f"{text} did not arrive")
            found.append(packets[-1].df)
            if text == b"before":
                client.allocate(family=4)
                check_equal(client.relayed, talk.client.relayed, "relayed address")
        if offload:
            talk.check_kernel(server)
        return found


@test("DF: a client over IPv6 that has the same IPv4 relay ends it for all")
def dont_fragment_ipv6(lab):
    del lab
    with Lab("direct", ipv6=True) as both:
        off, on = joined_by_ipv6(both, offload=False), joined_by_ipv6(both, offload=True)
        note(f"DF before and after: {off}, {on} with the offload")
        check_equal(on, off, "DF, offload on against off")


@test("the books of sessions that share a relay are coturn's")
def books(lab):
    with multiplexing(lab) as server, Books(lab) as captured, Talk(lab) as talk, Talk(lab) as other:
        talk.wait_kernel(server)
        other.wait_kernel(server)
        exchange(talk, 300)
        exchange(other, 100)
        session = session_of_peer(server, talk)
        talk.client.refresh(0)
        server.wait_log(rf"session {session}: (closed|delete)", 5)
        client_side, _ = captured.totals(talk.client.port, talk.port)
        reported, _ = logged(server, session)
        check_equal(reported, client_side, "client's side, log against capture")


if __name__ == "__main__":
    run(Lab("direct"))
