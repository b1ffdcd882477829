#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Relay threads side by side: many clients at once allocate, bind, move, talk and
go, and their ports are others' at once. Nobody gets or sends by what is another's
at that time, and the tables are empty at the end.

usage: races_test.py [--seed N] [--seconds N]
  --seconds  of traffic in each test (default 4)

With a turnserver that was built with a sanitizer (`make SANITIZE=thread`, and
TURNSERVER=build/thread/bin/turnserver) its reports are failures too.
"""

import argparse
import contextlib
import itertools
import random
import re
import struct
import sys
import threading
import time

import turn
from kernel import Verdicts
from lab import CLIENT, Lab
from server import BINARY, Server
from tap import check, check_equal, note, run, test, wait_until

CLIENTS = 14
PEERS = 4
FIRST_PORT, LAST_PORT = 50000, 50039
THREADS = 4
ROOM = 150  # for channels: three of each port at most, and some more
MOBILE = turn.attribute(turn.MOBILITY_TICKET, b"")
# Who touches memory, or has a function of the C library do it; others are named as
# well, such as who began a thread. Our sources are in no folder of src/; upstream's are.
STACKS = re.compile(r"(?s).*?(?=\n  (?:Location|Mutex|Thread|As if) |\nSUMMARY)")
OUR_SOURCE = r"\bsrc/(?:(?:coturn|channel|route|iface|table|netlink|base)/)?\w+\.[ch]:\d+"
OURS = re.compile(rf"#[01] .*{OUR_SOURCE}")


def options():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=4)
    found, sys.argv[1:] = parser.parse_known_args()
    return found


OPTIONS = options()


class Binding:
    """A channel, as who sends by it knows it. `over`: when it was certainly gone,
    as another had its relayed address or its client's by then."""

    def __init__(self, session, number, peer):
        self.session, self.number, self.peer = session, number, peer
        self.relay = session.relay
        self.over = float("inf")


class Arena:
    """What all clients and peers know of each other, and what they saw go wrong."""

    def __init__(self, lab):
        self.peers = [lab.peer.socket(lab.peer_address) for _ in range(PEERS)]
        self.stop = threading.Event()
        self.bindings = []
        self.owners = {}     # of relay ports: the session that had it last
        self.wrong = []
        self.reused = self.sessions = self.moves = self.to_peer = self.to_client = 0
        self._lock = threading.Lock()
        self._serial = itertools.count()

    def bound(self, session, number, peer):
        with self._lock:
            binding = Binding(session, number, peer)
            self.bindings.append(binding)
            return len(self.bindings) - 1

    def took(self, session, earlier):
        """A session has its relay port, and its client's address, by now."""
        with self._lock:
            now = time.monotonic()
            before = self.owners.get(session.relay)
            self.owners[session.relay] = session
            self.sessions += 1
            self.reused += before is not None
            for old in (before, earlier):
                for serial in old.serials if old else ():
                    binding = self.bindings[serial]
                    binding.over = min(binding.over, now)

    def complain(self, text):
        with self._lock:
            self.wrong.append(text)


class Session:
    """An allocation from its request on."""

    def __init__(self, arena, client, mobile):
        self.arena, self.client = arena, client
        self.asked = time.monotonic()
        client.allocate(more=MOBILE if mobile else b"")
        self.relay = client.relayed[1]
        self.began = time.monotonic()
        self.peer_of = {}    # number: peer
        self.serials = []
        self.mobile = mobile

    def bind(self, number, peer):
        self.client.bind(number, *self.arena.peers[peer].getsockname())
        # Data that comes with the answer counts from here on.
        self.peer_of[number] = peer
        self.serials.append(self.arena.bound(self, number, peer))

    def send(self):
        for serial, number in zip(self.serials, list(self.peer_of)):
            self.client.send_channel(number, struct.pack("=Id", serial, time.monotonic()))

    def receive(self, seconds):
        """All that comes, which must be ours."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            data = self.client.receive(left)
            found = data and turn.channel_data_parse(data)
            if not found:
                continue
            number, (peer, relay, sent) = found[0], struct.unpack("=HHd", found[1])
            if relay == self.relay and self.peer_of.get(number, peer) == peer and sent >= self.asked:
                self.arena.to_client += 1
            # Of an allocation that this address had before, data may be on its way.
            elif sent > self.began:
                self.arena.complain(f"at the client of relay port {self.relay}: {number:#x} of peer {peer} "
                                    f"to {relay}, {sent - self.began:.3f} s after it was allocated; "
                                    f"it has {self.peer_of}")


def client_life(lab, arena, index, mobile):
    """Allocations, one after the other, until the end; some by the same client port."""
    chance = random.Random(OPTIONS.seed * 1000 + index)
    same = index % 2
    earlier, local, old = None, (CLIENT, 41000 + index if same else 0), None
    with contextlib.ExitStack() as stack:
        while not arena.stop.is_set():
            client = stack.enter_context(turn.Client(lab.client, local=local))
            try:
                session = Session(arena, client, mobile=mobile and not same)
            except (turn.TurnError, TimeoutError):
                # The port's old allocation is not gone yet, or there is no port.
                client.way.socket.close()
                arena.stop.wait(0.1)
                continue
            arena.took(session, earlier if same else None)
            talk(arena, session, old, chance, lab, stack)
            earlier = session
            if old:
                old.client.way.socket.close()
            old = None
            if same:
                session.client.way.socket.close()
            else:
                # It goes on sending when its relay port is another's.
                old = session


def talk(arena, session, old, chance, lab, stack):
    peers = chance.sample(range(PEERS), chance.randint(1, 3))
    for peer in peers:
        number = 0x4000 + chance.randrange(64)
        if number in session.peer_of:
            continue
        with contextlib.suppress(TimeoutError):
            session.bind(number, peer)
    moves_left = int(session.mobile)
    end = time.monotonic() + chance.uniform(0.1, 0.9)
    while time.monotonic() < end:
        session.send()
        if old:
            with contextlib.suppress(OSError):
                old.send()
        session.receive(0.02)
        if moves_left and time.monotonic() > end - 0.2:
            moves_left -= 1
            with contextlib.suppress(turn.TurnError, TimeoutError):
                moved = stack.enter_context(turn.Client(lab.client))
                session.client = moved.take_over(session.client)
                arena.moves += 1
    with contextlib.suppress(turn.TurnError, TimeoutError):
        session.client.refresh(0)
    session.receive(0.05)


def peer_sends(lab, arena):
    """Every peer to every relay port, whoever has it."""
    while not arena.stop.is_set():
        for index, sock in enumerate(arena.peers):
            for port in range(FIRST_PORT, LAST_PORT + 1):
                sock.sendto(struct.pack("=HHd", index, port, time.monotonic()), (lab.relay_address, port))
        arena.stop.wait(0.05)


def peer_listens(arena, index):
    sock = arena.peers[index]
    sock.settimeout(0.2)
    while not arena.stop.is_set():
        try:
            data, (_, port) = sock.recvfrom(2048)
        except TimeoutError:
            continue
        serial, sent = struct.unpack("=Id", data)
        binding = arena.bindings[serial]
        if (port, index) == (binding.relay, binding.peer) and sent <= binding.over:
            arena.to_peer += 1
        else:
            arena.complain(f"at peer {index} from relay port {port}: of the channel of {binding.relay} to peer "
                           f"{binding.peer}, sent {sent - binding.over:.3f} s after another had its place")


def play(lab, arena, mobile):
    """All of them, for the time that is asked for."""
    failures = []

    def guarded(function, *words):
        try:
            function(*words)
        except Exception as error:
            failures.append(f"{function.__name__}: {error!r}")
            arena.stop.set()

    threads = [threading.Thread(target=guarded, args=words, daemon=True) for words in (
        [(client_life, lab, arena, index, mobile) for index in range(CLIENTS)]
        + [(peer_listens, arena, index) for index in range(PEERS)] + [(peer_sends, lab, arena)])]
    for thread in threads:
        thread.start()
    arena.stop.wait(OPTIONS.seconds)
    arena.stop.set()
    for thread in threads:
        thread.join(15)
        check(not thread.is_alive(), "a client hangs")
    check_equal(failures, [], "errors of clients and peers")


def check_room(lab, server):
    """All that channels take rows of is there again."""
    wait_until(lambda: not server.offload.flows(), 5, "flows removed")
    # By the next second rows are free that coturn has not deleted yet.
    time.sleep(1.2)
    with contextlib.ExitStack() as stack:
        for number in range(ROOM + 1):
            # Each session may have 16 channels as long as there is room.
            if number % 16 == 0:
                client = stack.enter_context(turn.Client(lab.client))
                client.allocate()
            client.bind(0x4000 + number, lab.peer_address, 1000 + number)
        check_equal(len(server.offload.flows()), 2 * ROOM, "flows of clients that take all the room")
    check_equal(len(server.log_lines("tables are full")), 1, "complaints about room, at the end")


def reports(server):
    """What a sanitizer says. Of threads, what concerns memory that we touch: upstream's
    share much without locks."""
    log = server.log()
    found = [one for one in re.findall(r"(?s)WARNING: ThreadSanitizer.*?\n={18}\n", log)
             if OURS.search(STACKS.match(one).group())]
    if "ThreadSanitizer" in log:
        note(f"{log.count('WARNING: ThreadSanitizer')} reports of the thread sanitizer in all")
    return found + server.log_lines(rf"ERROR: AddressSanitizer|{OUR_SOURCE}:\d+: runtime error")


def compete(lab, mobile, *more):
    prefix = ["setarch", "-R"] if "thread" in BINARY.parts else []
    with Server(lab, ("relay-threads", THREADS), ("min-port", FIRST_PORT), ("max-port", LAST_PORT),
                ("xdp-max-channels", ROOM), *more, prefix=prefix) as server:
        arena = Arena(lab)
        with Verdicts(server.offload) as verdicts:
            play(lab, arena, mobile)
        note(f"{arena.sessions} sessions, {arena.reused} on a port that another had, {arena.moves} moves; "
             f"{arena.to_peer} packets to peers, {arena.to_client} to clients; {verdicts.changed()}")
        for text in arena.wrong[:10]:
            note(text)
        check_equal(len(arena.wrong), 0, "packets that went astray")
        check_room(lab, server)
        found = reports(server)
        note("\n".join(found[:3]))
        check_equal(len(found), 0, "reports of the sanitizer")
        check(arena.reused > OPTIONS.seconds and arena.moves > OPTIONS.seconds * mobile - 1, "too few sessions")
        check(verdicts["TO_PEER"] > 100 and verdicts["TO_CLIENT"] > 100, "too few packets by the kernel")
        threads = {number[:3] for number in re.findall(r"session (\d{18}): new, ", server.log())}
        check(len(threads) > 1, f"all sessions were on relay thread {threads}")


@test("relay threads: ports change hands, and nothing of one reaches another", seconds=OPTIONS.seconds + 60)
def races(lab):
    compete(lab, False, ("max-bps", 10000000))


@test("the same with clients that move", seconds=OPTIONS.seconds + 60)
def mobile_races(lab):
    compete(lab, True, ("mobility", None))


if __name__ == "__main__":
    run(Lab("direct"))
