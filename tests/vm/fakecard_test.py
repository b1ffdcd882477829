#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Drivers that do not do what they say: which mode it comes to, and that data arrive.
tests/vm/fakecard/build.sh 6.12 && tests/vm/run.sh --kernel 6.12 -- tests/vm/fakecard_test.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

from card_lab import PatientServer
from carriers import GENERIC, NATIVE, RELEASE, modes
from fake_lab import FakeLab
from outcome import check_said, said
from server import Server, attached
from sizes import lost, wait_sizes
from talk import Chatter, Talk
from tap import check, check_equal, note, run, skip, test, wait_until

PATIENCE = 30
# Linux 6.3 tells what drivers can do. Before it, a driver that is not known to send is generic.
TELLS = RELEASE >= (6, 3)
TRUSTED = (("xdp-mode", "native"),)
BOTH_NATIVE, BOTH_GENERIC = (dict.fromkeys(("to-client", "to-peer"), mode) for mode in (NATIVE, GENERIC))


def comes_to(lab, server, wanted):
    """In these modes within seconds of traffic, of which a driver may lose all, and then all is relayed
    by the kernel."""
    with Talk(lab) as talk:
        try:
            with Chatter(talk):
                wait_until(lambda: modes(lab.server) == wanted, PATIENCE, f"modes {wanted}")
            talk.wait_kernel(server, PATIENCE)
        except Exception:
            note("\n".join(said(server, "")))
            note(f"modes {modes(lab.server)}")
            raise
        talk.check_kernel(server)
    note("\n".join(line.strip() for line in said(server, "to-")))


def card_comes_to(wanted, *options, topology="direct", **faults):
    """The same of a server that starts with cards that have these faults."""
    with FakeLab(topology, **faults) as lab, PatientServer(lab, *options) as server:
        comes_to(lab, server, wanted)


@test("a driver without a fault: native", seconds=120)
def sound():
    card_comes_to(BOTH_NATIVE, *(() if TELLS else TRUSTED))


@test("a driver that nobody knows: generic where the kernel does not tell what it can do", seconds=120)
def unknown():
    card_comes_to(BOTH_NATIVE if TELLS else BOTH_GENERIC)


@test("a driver that accepts the program and never runs it: generic within seconds", seconds=120)
def never_runs():
    card_comes_to(BOTH_GENERIC, runs=0)


@test("the same, and native is what the operator wants: a warning, and data arrive", seconds=120)
def never_runs_native():
    with FakeLab(runs=0) as lab, PatientServer(lab, *TRUSTED) as server, Talk(lab) as talk:
        before = said(server, "to-client", "xdp-mode=generic")

        def warned():
            talk.works(0.3)
            return said(server, "to-client", "xdp-mode=generic") != before

        wait_until(warned, PATIENCE, "a warning that names the cure")
        for _ in range(5):
            check(talk.works(), "data did not arrive")


@test("a driver that redirects, but to which nothing can be redirected: generic", seconds=120)
def no_xmit():
    card_comes_to(BOTH_GENERIC, xmit=0)


@test("the same, and the server has one interface: native, as XDP_TX is all that it needs", seconds=120)
def no_xmit_one_leg():
    card_comes_to({"to-client": NATIVE if TELLS else GENERIC}, topology="one_leg", xmit=0)


@test("a driver that refuses each redirect: generic within seconds", seconds=120)
def refuses_redirects():
    card_comes_to(BOTH_GENERIC, xmit=2)


@test("a driver that ignores XDP_TX: generic within seconds", seconds=120)
def ignores_tx():
    card_comes_to({"to-client": GENERIC}, topology="one_leg", sends=0)


@test("two bytes of headroom: native, and all is relayed by the kernel", seconds=120)
def little_headroom():
    for room in (2, 0):
        card_comes_to(BOTH_NATIVE, *(() if TELLS else TRUSTED), headroom=room)


@test("a driver that refuses the program at this MTU: generic, in the driver's own words", seconds=120)
def refuses():
    with FakeLab(largest=1400) as lab, PatientServer(lab) as server:
        comes_to(lab, server, BOTH_GENERIC)
        check_said(server, "to-peer: generic mode", "the MTU is too large for XDP" if TELLS else "")


@test("a lower MTU makes it native, and a higher one generic again", seconds=240)
def follows():
    if not TELLS:
        skip("auto has this driver in generic mode (Linux before 6.3)")
    with FakeLab(largest=1500) as lab, PatientServer(lab) as server:
        comes_to(lab, server, BOTH_NATIVE)
        lab.set_mtu(9000)
        comes_to(lab, server, BOTH_GENERIC)
        lab.set_mtu(1500)
        comes_to(lab, server, BOTH_NATIVE)


def raised(strict):
    """A driver that loses large frames while it has a program; a strict one does not give it back
    either, above this MTU. The server ends, or is killed, and other traffic is as it was."""
    for end in (Server.stop, Server.kill):
        with FakeLab(largest=1500, strict=strict) as lab:
            try:
                raise_and_end(lab, end)
            finally:
                lab.set_mtu(1500)


def raise_and_end(lab, end):
    with PatientServer(lab, *(() if TELLS else TRUSTED)) as server, Talk(lab) as talk:
        talk.wait_kernel(server, PATIENCE)
        lab.set_mtu(9000)
        wait_sizes(lab, talk, PATIENCE, "with the server")
        end(server)
    wait_until(lambda: attached(lab.server) == [], 10, "no XDP after the server")
    check_equal(lost(lab), [], "lost after the server")


@test("the MTU is raised above what the driver takes: nothing is lost, with the server and after it", seconds=400)
def raised_driver():
    raised(strict=0)


@test("the same, and above this MTU the driver does not give a program back", seconds=400)
def raised_strict():
    raised(strict=1)


if __name__ == "__main__":
    note(f"Linux {'.'.join(map(str, RELEASE))}")
    run()
