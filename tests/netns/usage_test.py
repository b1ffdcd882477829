#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Traffic that the kernel relays is in coturn's own books, to the packet: the
`usage:` lines of the log and the sessions that the operator's CLI prints,
against what captures at the client and at the peer show."""

import re
import time

from books import NAMES, REPORT, Books, close_books, counted, exchange, logged, session_of
from cli import Cli
from kernel import Verdicts
from lab import SERVER, Lab
from server import Server
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until


def one_session(lab, offload):
    with Server(lab, offload=offload) as server, Books(lab) as books, Talk(lab) as talk:
        if offload:
            talk.wait_kernel(server)
        before = server.offload.verdicts() if offload else None
        exchange(talk, 3000)
        # Some of it goes by userspace, in the same session.
        for number in range(50):
            talk.client.send_data(talk.address, talk.port, b"indication %d" % number)
        for number in range(50):
            check_equal(talk.peer.recv(100), b"indication %d" % number, "at the peer")
        talk.client.send_channel(0x4010, b"no such channel")
        exchange(talk, 200, size=lambda number: 1)
        if offload:
            after = server.offload.verdicts()
            for name in ("TO_PEER", "TO_CLIENT"):
                check_equal(after[name] - before[name], 3200, f"{name}, packets")
        captured, reported = close_books(server, books, talk)
        check_equal(reported[0], captured[0], "client's side, log against capture")
        check_equal(reported[1], captured[1], "peer's side, log against capture")
        lines = server.log_lines(r"session \d+: usage:")
        check(len(lines) >= 3, f"reports only at the end: {lines}")


@test("a session's usage lines are what was captured, offload off")
def session_off(lab):
    one_session(lab, offload=False)


@test("a session's usage lines are what was captured, offload on")
def session_on(lab):
    one_session(lab, offload=True)


@test("a session that takes over another's place in the tables starts at zero")
def fresh_rows(lab):
    with Server(lab, ("xdp-max-channels", 1)) as server:
        for round_number, count in enumerate((500, 7, 90)):
            with Books(lab) as books, Talk(lab) as talk:
                talk.wait_kernel(server)
                exchange(talk, count)
                captured, reported = close_books(server, books, talk)
                wait_until(lambda: not server.offload.flows(), 3, "flows removed")
                check_equal(reported, captured, f"round {round_number}")


@test("a channel that expires in mid-session is counted once")
def expired_channel(lab):
    with Server(lab, ("channel-lifetime", 2)) as server, Books(lab) as books, \
            Talk(lab) as talk:
        for _ in range(2):
            talk.wait_kernel(server)
            exchange(talk, 300)
            wait_until(lambda: not server.offload.flows(), 5, "flows removed")
            talk.bind()
        exchange(talk, 300)
        captured, reported = close_books(server, books, talk)
        check_equal(reported, captured, "totals")


@test("the last packets of a session that the operator cancels are in its usage lines")
def cancelled(lab):
    with Server(lab, ("cli-password", "secret")) as server, Books(lab) as books, \
            Talk(lab) as talk, Cli(lab, "secret") as cli:
        talk.wait_kernel(server)
        session = session_of(server, talk.client.relayed)
        exchange(talk, 300)
        # It is closed at once: a session that its client ends has a second more, in which all is counted.
        cli.ask(f"cs {session}")
        server.wait_log(rf"session {session}: closed", 5)
        captured = books.totals(talk.client.port, talk.client.relayed[1])
        check_equal(logged(server, session), captured, "totals")


@test("the CLI's ps shows offloaded traffic while the session lives")
def operator(lab):
    with Server(lab, ("cli-password", "secret")) as server, Books(lab) as books, \
            Talk(lab) as talk:
        talk.wait_kernel(server)
        with Verdicts(server.offload) as verdicts:
            exchange(talk, 4000)
            time.sleep(2.5)
        check(verdicts["TO_PEER"] >= 4000, verdicts.changed())
        client_side, _ = books.totals(talk.client.port, talk.client.relayed[1])
        with Cli(lab, "secret") as cli:
            text = cli.ask("ps")
        shown = counted(re.findall(r"usage:.*", text))
        note(f"captured {client_side}, shown {shown}")
        check(SERVER in text and shown["rp"], f"no session: {text}")
        for name in NAMES:
            check(shown[name] <= client_side[name], f"{name}: more than was captured")
        # As without the offload, up to a report's worth is still to be told.
        missing = sum(client_side[name] - shown[name] for name in ("rp", "sp"))
        check(missing <= REPORT, f"{missing} packets of {client_side} are not in {shown}")


if __name__ == "__main__":
    run(Lab("direct"))
