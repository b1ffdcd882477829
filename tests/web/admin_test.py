#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The web admin's page of sessions, in Chromium: what the kernel relays is on
it as if it were relayed in userspace, and its "cancel" ends a session there."""

import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

from books import Books, counted, exchange, session_of
from browser import chromium, visit
from cli import Cli
from ending import Ending, check_times
from lab import CLIENT, Lab
from netns import command
from server import Server, database, tool
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until

PORT = 8443
ADMIN, PASSWORD = "admin", "secret"
COUNT, SIZE = 2500, 120
TICK = 1.4


def admin_options(lab):
    """A certificate, an admin user, and the options of a server that has both."""
    certificate, key = lab.folder / "cert.pem", lab.folder / "key.pem"
    if not key.exists():
        command(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-subj", "/CN=turn.example.org", "-keyout", key, "-out", certificate])
        command([tool("turnadmin"), "-A", "-b", database(lab.folder), "-u", ADMIN, "-p", PASSWORD])
    return (("web-admin", None), ("web-admin-ip", "127.0.0.1"), ("web-admin-port", PORT),
            ("cert", certificate), ("pkey", key), ("cli-password", PASSWORD))


def visit_sessions(lab, session=""):
    """The page's table; with `session` that one is cancelled then, and when."""
    profile = lab.folder / f"profile-{time.monotonic_ns()}"
    found = visit(lab.server, profile, 50, "sessions.js", profile, f"https://127.0.0.1:{PORT}/", ADMIN, PASSWORD, session)
    return found["rows"], found.get("cancelled")


def masked(row, talk):
    """A row without what differs from run to run."""
    row = dict(row)
    for name in ("Session ID", "Age, secs", "Expires, secs", "Rate"):
        check(re.search(r"\d", row[name]), f"{name}: {row}")
        row[name] = "N"
    relayed = "%s:%d" % talk.client.relayed
    check_equal(row["Relay addr (IPv4)"], relayed, "relayed address")
    row["Relay addr (IPv4)"] = "RELAYED"
    return row


def row_of_session(lab, offload):
    with Server(lab, *admin_options(lab), offload=offload) as server, Books(lab) as books, \
            Talk(lab, local=(CLIENT, 40123), port=5000) as talk:
        # Neighbours are found, and the kernel relays from here on.
        exchange(talk, 5, size=lambda _: SIZE)
        time.sleep(TICK)
        before = server.offload.verdicts() if offload else {}
        for to_peer in (True, False):
            exchange(talk, COUNT, lambda _: SIZE, to_peer=to_peer, to_client=not to_peer)
            time.sleep(TICK)
        if offload:
            after = server.offload.verdicts()
            for name in ("TO_PEER", "TO_CLIENT"):
                check_equal(after[name] - before[name], COUNT, f"{name}, packets")
        client_side, _ = books.totals(talk.client.port, talk.client.relayed[1])
        with Cli(lab, PASSWORD) as cli:
            told = counted(re.findall(r"usage:.*", cli.ask("ps")))
        session = session_of(server, talk.client.relayed)
        rows, _ = visit_sessions(lab, session)
        check_equal(len(rows), 1, f"sessions on the page: {rows}")
        check_equal(rows[0]["Session ID"].split()[0], session, "session")
        check_equal(counted([rows[0]["Packets"]]), told, "the page against the CLI")
        missing = sum(client_side[name] - told[name] for name in ("rp", "sp"))
        note(f"captured {client_side}, shown {told}")
        check(0 <= missing <= 4096, f"{missing} packets are not on the page")
        # Its link was clicked on: the session is no more.
        server.wait_log(rf"session {session}: (closed|delete)", 5)
        if offload:
            wait_until(lambda: not server.offload.flows(), 2, "flows removed")
        check(not talk.to_peer(seconds=0.3), "relayed after the end")
        return masked(rows[0], talk)


@test("the page shows the same figures, offload off and on, and its link ends the session")
def page(lab):
    chromium()
    off, on = row_of_session(lab, offload=False), row_of_session(lab, offload=True)
    note(off)
    check_equal(on, off, "the session's row, offload on against off")


def end_of_session(lab, offload):
    """Seconds from the click to the last packet, each way. Another session goes on."""
    with Server(lab, *admin_options(lab), offload=offload) as server, Talk(lab) as kept, \
            Talk(lab) as talk, Ending(lab, talk) as ending:
        for one in (kept, talk):
            if offload:
                one.wait_kernel(server)
            one.warm()
        rows, clicked = visit_sessions(lab, session_of(server, talk.client.relayed))
        check_equal(len(rows), 2, "sessions on the page")
        ending.begin(clicked)
        times = ending.seen(2)
        if offload:
            check_equal(len(server.offload.flows()), 2, "flows: those of the other session")
            kept.check_kernel(server)
        check(kept.works(), "the other session")
        return times


@test("its link ends a session as soon as without the offload, and the other sessions go on")
def cancelled(lab):
    chromium()
    check_times(end_of_session(lab, offload=False), end_of_session(lab, offload=True), "after the click")


if __name__ == "__main__":
    run(Lab("direct"))
