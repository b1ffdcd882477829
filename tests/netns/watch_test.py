#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""A native attachment that does not do what it should: it is noticed, said, and left.
The driver that takes the program and does not run it is idle_driver.c."""

import shutil
import time

from carriers import GENERIC, NATIVE, modes
from foreign import program_on
from inspector import ask, ask_json
from lab import Lab
from outcome import check_said, said
from preload import preload
from server import Server
from talk import Chatter, Talk
from tap import check, check_equal, run, skip, test, wait_until


def idle(lab, how):
    return (*preload(lab, "idle_driver"), f"IDLE_DRIVER={how}")


def wait_said(server, *words, seconds=20):
    wait_until(lambda: said(server, *words), seconds, f"{words} in the log:\n{server.log()}")


def wait_judged(server):
    """Until the server has certainly looked at as many seconds as it takes to notice a fault."""
    time.sleep(8)
    check_equal(said(server, "does not work") + said(server, "has seen none"), [], "lines about faults")


def interface(server, name):
    return next(one for one in ask_json("status", server)["interfaces"] if one["name"] == name)


def metric(server, name, *labels):
    text, _ = ask("metrics", "--once", "--pid", server.pid)
    lines = [line for line in text.splitlines() if line.startswith(name + "{") and all(label in line for label in labels)]
    check_equal(len(lines), 1, f"lines of {name} with {labels} in {text}")
    return float(lines[0].split()[-1])


@test("a driver that never runs the program: attached anew, then generic")
def never_runs(lab):
    with Server(lab, prefix=idle(lab, "99,to-client")) as server, Talk(lab, checksums=False) as talk:
        check_equal(modes(lab.server)["to-client"], NATIVE, "mode at first")
        with Chatter(talk):
            wait_said(server, "to-client: the program is attached in native mode and has seen none", "attached anew")
            wait_said(server, "to-client: native mode does not work", "the driver (veth)", "does not run it")
            wait_said(server, "to-client: generic mode", "native mode does not work")
        check_equal(modes(lab.server), {"to-client": GENERIC, "to-peer": NATIVE}, "modes")
        talk.wait_kernel(server)
        check_equal(interface(server, "to-client")["fault"], "never-runs", "fault")
        check_equal(interface(server, "to-peer")["fault"], "none", "fault")
        check_equal(metric(server, "turn_xdp_interface_fault", 'interface="to-client"', 'fault="never-runs"'), 1, "metric")
        check_equal(metric(server, "turn_xdp_interface_fault", 'interface="to-peer"', 'fault="never-runs"'), 0, "metric")
        text, _ = ask("status", "--pid", server.pid)
        check("attention       to-client: native mode does not work" in text, text)


@test("a driver that loses the program once: attached anew, and native")
def loses_once(lab):
    with Server(lab, prefix=idle(lab, "1,to-client")) as server, Talk(lab) as talk:
        with Chatter(talk):
            wait_said(server, "to-client: the program is attached in native mode and has seen none", "attached anew")
        talk.wait_kernel(server).check_kernel(server)
        check_equal(modes(lab.server), {"to-client": NATIVE, "to-peer": NATIVE}, "modes")
        wait_until(lambda: interface(server, "to-client")["fault"] == "none", 5, "no fault")


@test("a server that has given up its privileges notices it as soon")
def as_nobody(lab):
    user = (("proc-user", "nobody"), ("proc-group", "nogroup"))
    with Server(lab, *user, prefix=idle(lab, "99,to-client")) as server, Talk(lab, checksums=False) as talk:
        with Chatter(talk):
            wait_said(server, "to-client: the program is attached in native mode and has seen none", seconds=8)
            wait_said(server, "to-client: generic mode", seconds=8)
        talk.wait_kernel(server)


@test("xdp-mode=native: one warning, and native mode stays")
def native_only(lab):
    with Server(lab, ("xdp-mode", "native"), prefix=idle(lab, "99,to-client")) as server, Talk(lab) as talk:
        with Chatter(talk):
            wait_said(server, "to-client: native mode does not work", "use xdp-mode=auto or xdp-mode=generic")
            # It is looked at further.
            time.sleep(6)
        check_said(server, "to-client: native mode does not work")
        check_equal(modes(lab.server), {"to-client": NATIVE, "to-peer": NATIVE}, "modes")
        # What was not read until now fills the sockets.
        talk.warm()


@test("no false alarm: traffic of channels, none, and a link that is down")
def nothing_wrong(lab):
    with Server(lab) as server, Talk(lab) as talk:
        with Chatter(talk):
            wait_judged(server)
        wait_judged(server)
        lab.client.ip("link", "set", "eth0", "down")
        try:
            with Chatter(talk):
                wait_judged(server)
        finally:
            lab.client.ip("link", "set", "eth0", "up")
            lab.client.add_route("default", "192.0.2.1")
        talk.wait_kernel(server)
        check_equal(modes(lab.server), {"to-client": NATIVE, "to-peer": NATIVE}, "modes")


@test("the program on an interface that the server does not know: one warning")
def stray(lab):
    if not shutil.which("bpftool"):
        skip("bpftool is not installed")
    lab.link(lab.server, "other", "203.0.113.1/24", lab.peer, "more", "203.0.113.2/24")
    try:
        with Server(lab, ("xdp-interface", "to-client"), ("xdp-interface", "to-peer")) as server:
            program = program_on(lab.server, "to-client")
            lab.server.run("bpftool", "net", "attach", "xdpdrv", "id", program, "dev", "other")
            sock = lab.peer.socket("203.0.113.2")
            end = time.monotonic() + 20
            while not said(server, "other: the program gets frames") and time.monotonic() < end:
                sock.sendto(b"stray", ("203.0.113.1", 9))
                time.sleep(0.02)
            check_said(server, "other: the program gets frames that come in by this interface", "relayed in userspace")
            wait_until(lambda: ask_json("status", server)["stray_ifindex"], 5, "shown")
    finally:
        lab.server.ip("link", "del", "other")


if __name__ == "__main__":
    run(Lab("direct"))
