#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Netlink answers late, or not at all: the monitor thread is held up, and coturn relays meanwhile."""

import signal
import time

from inspector import ask, ask_json
from kernel import Verdicts
from lab import Lab
from outcome import check_said
from preload import preload
from server import Server
from talk import Chatter, Talk
from tap import check_equal, note, run, test, wait_until


class Netlink:
    """The server's netlink, which can be held up."""

    def __init__(self, lab):
        self._file = lab.folder / "late-netlink"
        self._file.unlink(missing_ok=True)
        self.prefix = (*preload(lab, "late_netlink"), f"LATE_NETLINK={self._file}")

    def hang(self):
        self._file.write_text("hang", encoding="ascii")

    def answer_nothing(self):
        self._file.write_text("no answer", encoding="ascii")

    def go_on(self):
        self._file.unlink()


def all_in_userspace(talk, server):
    """Whether coturn relays in both directions. The next hops of the two are lost one after the other."""
    with Verdicts(server.offload) as verdicts:
        works = talk.works(1)
    return works and not verdicts["TO_PEER"] and not verdicts["TO_CLIENT"]


def silent_in(server):
    """What the tool says of the monitor thread: as JSON, as a metric, and as a line."""
    metric = f'turn_xdp_monitor_silent{{pid="{server.pid}"}} '
    values = [line.removeprefix(metric) for line in ask("metrics", "--once")[0].splitlines() if line.startswith(metric)]
    return (ask_json("status", server, "-i", 0)["monitor_thread_silent"], values,
            "server's monitor thread has not reported" in ask("status", "--pid", server.pid, "-i", 0)[0])


@test("a monitor thread that hangs: flows end within five seconds, coturn relays, and the kernel again afterwards",
      seconds=60)
def hangs(lab):
    netlink = Netlink(lab)
    with Server(lab, prefix=netlink.prefix) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        check_equal(silent_in(server), (False, ["0"], False), "silent at first")
        netlink.hang()
        began = time.monotonic()
        with Chatter(talk):
            wait_until(lambda: not talk.in_kernel(server), 9, "relayed in userspace")
        note(f"the kernel relayed for {time.monotonic() - began:.2f} s after netlink hung")
        talk.check_userspace(server)
        server.wait_log("monitor thread has not reported for 5 seconds", 9)
        check_equal(silent_in(server), (True, ["1"], True), "silent")
        # A new channel is relayed, too.
        with Talk(lab, 0x4002, client=talk.client) as other:
            other.check_userspace(server)
        netlink.go_on()
        server.wait_log("monitor thread reports again, after")
        talk.wait_kernel(server).check_kernel(server)
        check_equal(silent_in(server), (False, ["0"], False), "silent afterwards")


@test("a server whose monitor thread hangs ends when it is told to", seconds=60)
def ends(lab):
    netlink = Netlink(lab)
    with Server(lab, prefix=netlink.prefix) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        netlink.hang()
        server.wait_log("monitor thread has not reported for 5 seconds", 9)
        server.signal(signal.SIGTERM)
        server.wait_end()


@test("netlink gives no answers while the server runs: coturn relays, and the kernel again afterwards", seconds=90)
def no_answers(lab):
    netlink = Netlink(lab)
    with Server(lab, prefix=netlink.prefix) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        netlink.answer_nothing()
        wait_until(lambda: all_in_userspace(talk, server), 15, "relayed in userspace")
        talk.check_userspace(server)
        netlink.go_on()
        talk.wait_kernel(server, 10).check_kernel(server)


@test("netlink gives no answers when the server starts: it starts without the offload, and says why", seconds=120)
def late_start(lab):
    netlink = Netlink(lab)
    netlink.answer_nothing()
    began = time.monotonic()
    with Server(lab, prefix=netlink.prefix, ready=False) as server:
        server.wait_ready(60)
        note(f"the server answered after {time.monotonic() - began:.1f} s")
        check_said(server, "ERROR", "Connection timed out")
        with Talk(lab) as talk:
            talk.check_userspace(server)


if __name__ == "__main__":
    run(Lab("direct"))
