#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp and servers in PID namespaces of their own, as containers have them: each
server has the process ID 1 there."""

import contextlib
import json

from inspector import NO_SERVER, ask, parse_metrics, sample
from lab import Lab
from server import Server
from talk import Talk
from tap import check, check_equal, run, test

APART = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def within(server):
    """What begins a command that runs where the server's process is."""
    return ("nsenter", "--target", str(server.pid), "--pid", "--mount")


def ask_channels(*words, prefix):
    text, _ = ask("channels", "--json", "--interval", 0, *words, prefix=prefix)
    shown = json.loads(text)
    return shown["pid"], shown["process_seen"], len(shown["channels"])


@contextlib.contextmanager
def apart(lab):
    """A server, with the ID that its process has on the host."""
    with Server(lab, prefix=APART) as server:
        server.follow_child()
        try:
            yield server
        finally:
            # The first process of a PID namespace gets no SIGTERM if it has no handler for it.
            with contextlib.suppress(ProcessLookupError):
                server.kill()


@contextlib.contextmanager
def two_servers(lab):
    """The first has a channel, the other has none."""
    with apart(lab) as server, Talk(lab) as talk, Lab("direct") as second, apart(second) as other:
        talk.wait_kernel(server)
        yield server, other


def listed(prefix=()):
    return json.loads(ask("list", "--json", prefix=prefix)[0])["servers"]


@test("from within a server's PID namespace it is that server that is looked at, with its ID or without")
def own(lab):
    with two_servers(lab) as (server, other):
        for one, count in ((server, 1), (other, 0)):
            for words in (("--pid", 1), ()):
                check_equal(ask_channels(*words, prefix=within(one)), (1, True, count), f"channels {words}")
            page = parse_metrics(ask("metrics", "--once", "--pid", 1, prefix=within(one))[0])
            check_equal([value for (name, _), value in page.items() if name == "turn_xdp_channels"], [count],
                        "the metric")


@test("from elsewhere, servers with the same ID are not taken for one another, and no series comes twice")
def elsewhere(lab):
    with two_servers(lab) as (server, other):
        both = {one["program_id"]: one["pid"] for one in listed() if one["pid"] in (server.pid, other.pid)}
        shown = {one["program_id"]: (one["pid"], one["process_seen"]) for one in listed(APART)}
        check_equal([shown[program] for program in both], 2 * [(1, False)], "both, from elsewhere")
        _, error = ask("status", status=2, prefix=APART)
        check("--pid where their processes can be seen" in error, error)
        ask("status", "--pid", 1, status=NO_SERVER, prefix=APART)
        # parse_metrics() allows no series twice.
        page = parse_metrics(ask("metrics", "--once", prefix=APART)[0])
        found = {pid: sample(page, "channels", pid="1", program_id=str(program)) for program, pid in both.items()}
        check_equal(found, {server.pid: 1, other.pid: 0}, "channels by the program's ID")


if __name__ == "__main__":
    run(Lab("direct"))
