# SPDX-License-Identifier: BSD-3-Clause
"""What a session's traffic was on the wire, and what coturn's log says that it was."""

import contextlib
import re
import select

import upstream
from capture import Capture
from tap import note

REPORT = 4096  # coturn reports whenever a session's packets reach a multiple
NAMES = ("rp", "rb", "sp", "sb")


def counted(lines):
    """The sums of rp, rb, sp, sb over lines of the log or the CLI."""
    totals = dict.fromkeys(NAMES, 0)
    for line in lines:
        for name, value in re.findall(r"\b(rp|rb|sp|sb)=(\d+)", line):
            totals[name] += int(value)
    return totals


def logged(server, session):
    """What the log says that a session's traffic was, on the client's side and on the peer's."""
    return (counted(server.log_lines(rf"session {session}: usage:")),
            counted(server.log_lines(rf"session {session}: peer usage:")))


def session_of(server, relayed):
    """The number of the session that owns a relayed address, from the lines on its allocation."""
    lines = server.log_lines(r"session \d+: new, |Local relay addr")
    for before, line in zip(lines, lines[1:]):
        if f"{relayed[0]}:{relayed[1]}" in before:
            return re.search(r"session (\d+)", line).group(1)
    raise LookupError(f"no session for {relayed} in {lines}")


class Books:
    """Captures in both directions on both sides of one allocation."""

    def __init__(self, lab):
        self._stack = contextlib.ExitStack()
        self._sides = [(self._stack.enter_context(Capture(host, outgoing=True)), [])
                       for host in (lab.client, lab.peer)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def totals(self, client_port, relay_port):
        """The traffic until now, as coturn counts it, on the client's side and on the peer's."""
        sides = []
        for number, port in enumerate((client_port, relay_port)):
            capture, packets = self._sides[number]
            packets += capture.udp(quiet=0.3)
            totals = dict.fromkeys(NAMES, 0)
            for packet in packets:
                # What the server received on a side is what that side sent.
                received, sent = packet.sport == port, packet.dport == port
                if number:
                    received, sent = sent, received
                for flag, letter in ((received, "r"), (sent, "s")):
                    if flag:
                        totals[letter + "p"] += 1
                        totals[letter + "b"] += len(packet.payload)
            sides.append(totals)
        at_client, at_peer = (packets for _, packets in self._sides)
        upstream.book(*sides, [packet for packet in at_client if client_port in (packet.sport, packet.dport)],
                      [packet for packet in at_peer if packet.sport == relay_port])
        return tuple(sides)


def end_session(server, client, session):
    """Ends a session as its client does, and waits until coturn has ended it."""
    client.refresh(0)
    server.wait_log(rf"session {session}: (closed|delete)", 5)


def close_books(server, books, talk):
    """Ends the session of a talk. Its traffic as it was captured, and as it was logged;
    each of them on the client's side and on the peer's."""
    session = session_of(server, talk.client.relayed)
    end_session(server, talk.client, session)
    captured = books.totals(talk.client.port, talk.client.relayed[1])
    reported = logged(server, session)
    note(f"captured {captured[0]} {captured[1]}")
    note(f"reported {reported[0]} {reported[1]}")
    return captured, reported


BURST = 20  # datagrams that every socket on the way has room for


def exchange(talk, count, size=lambda number: number % 1400, to_peer=True, to_client=True):
    """Traffic in both directions, or in one, no faster than it arrives: what is sent is relayed,
    however busy the machine is."""
    ways = [(to_peer, talk.peer), (to_client, talk.client.way.socket)]
    receivers = [sock for used, sock in ways if used]
    for sock in receivers:
        empty(sock)
    for first in range(0, count, BURST):
        burst = range(first, min(count, first + BURST))
        for number in burst:
            body = bytes(size(number))
            if to_peer:
                talk.client.send_channel(talk.number, body)
            if to_client:
                talk.peer.sendto(body, talk.client.relayed)
        for sock in receivers:
            sock.settimeout(5)
            for _ in burst:
                sock.recv(65536)


def empty(sock):
    while select.select([sock], [], [], 0.002)[0]:
        sock.recv(65536)
