#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What the program is attached to, in which mode, and what becomes of it when
interfaces change under a running server."""

import contextlib
import json
import shutil
import time

from carriers import GENERIC, NATIVE, RELEASE, last_line, modes
from foreign import foreign_program, program_on
from kernel import Verdicts
from lab import PEER, RELAY, SERVER, Lab
from netns import command
from outcome import check_said, said
from server import Server
from talk import Talk
from tap import check, check_equal, run, skip, test, wait_until

# Linux 6.3 tells what drivers can do with XDP; before it, no veth is trusted unless told to.
TELLS = RELEASE >= (6, 3)
AUTO = () if TELLS else (("xdp-mode", "native"),)


def wait_said(server, *words):
    wait_until(lambda: said(server, *words), 5, f"{words} in the log")


def gro(namespace, state, *features):
    for feature in features or ("gro",):
        namespace.run("ethtool", "-K", "eth0", feature, state)


def need_features():
    if not TELLS:
        skip("this kernel does not say what drivers can do with XDP (before 6.3)")


@test("every interface whose driver can: native")
def native(lab):
    with Server(lab, *AUTO) as server, Talk(lab) as talk:
        check_equal(modes(lab.server), {"to-client": NATIVE, "to-peer": NATIVE}, "modes")
        check_said(server, "to-client: native mode, mtu 1500")
        check_said(server, "to-peer: native mode, mtu 1500")
        talk.wait_kernel(server).check_kernel(server)


@test("one that can only be generic, and takes no frames from a driver: all are generic")
def outsider(lab):
    need_features()
    gro(lab.peer, "off")
    try:
        with Server(lab) as server, Talk(lab, checksums=False) as talk:
            check_equal(modes(lab.server), {"to-client": GENERIC, "to-peer": GENERIC}, "modes")
            check_said(server, "to-peer: generic mode", "GRO")
            check_said(server, "to-client: generic mode", "to-peer can only use generic mode")
            talk.wait_kernel(server).check_kernel(server)
        with Server(lab, ("xdp-mode", "native")) as server, Talk(lab) as talk:
            check_equal(modes(lab.server), {"to-client": NATIVE}, "modes")
            check_said(server, "to-peer: left out", "GRO")
            talk.warm()
            with Verdicts(server.offload) as verdicts:
                check(talk.works(), "data did not arrive")
            check_equal(verdicts["TO_PEER"], 0, "sent to a device that takes no frames")
    finally:
        gro(lab.peer, "on")


def to_peer_by_kernel(server, talk):
    with Verdicts(server.offload) as verdicts:
        return talk.works(0.3) and verdicts["TO_PEER"]


@test("an interface that carries another's program is left alone, and the others are native")
def occupied(lab):
    with foreign_program(lab, "to-peer", "xdpdrv"):
        with Server(lab, *AUTO) as server, Talk(lab) as talk:
            check_said(server, "to-client: native mode")
            check_said(server, "to-peer: left out", "another XDP program", "foreign")
            wait_until(lambda: to_peer_by_kernel(server, talk), 5, "to the peer by the kernel")
            with Verdicts(server.offload) as verdicts:
                for _ in range(5):
                    check(talk.works(), "data did not arrive")
            # What the client sends is relayed by the kernel even so.
            check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (5, 0), "through the kernel")
            # When the other goes, the interface is used.
            lab.server.run("ip", "link", "set", "dev", "to-peer", "xdpdrv", "off")
            wait_said(server, "to-peer: native mode")
            talk.wait_kernel(server).check_kernel(server)


@test("another's program is never replaced, whatever the mode of either", seconds=150)
def never_replaced(lab):
    for kind in ("xdpdrv", "xdpgeneric"):
        for mode in ("auto", "native", "generic"):
            with foreign_program(lab, "to-peer", kind) as foreign:
                with Server(lab, ("xdp-mode", mode)) as server, Talk(lab) as talk:
                    check_said(server, "to-peer: left out",
                               f"another XDP program is attached (id {foreign}, name 'foreign')")
                    talk.warm()
                    # It looks again every second.
                    time.sleep(1.5)
                    check_equal(program_on(lab.server, "to-peer"), foreign, f"program beside {mode}")
                check_equal(program_on(lab.server, "to-peer"), foreign, "program after the server's end")
    # With all interfaces taken it relays in userspace, or does not start, as it is told.
    with foreign_program(lab, "to-peer", "xdpdrv") as foreign, \
            foreign_program(lab, "to-client", "xdpdrv") as other:
        with Server(lab) as server, Talk(lab) as talk:
            talk.warm().check_userspace(server)
            check_equal([program_on(lab.server, name) for name in ("to-peer", "to-client")], [foreign, other],
                        "programs")
        with Server(lab, ("xdp-required", None), ready=False) as server:
            check(server.wait_end() != 0, "it starts in spite of xdp-required")


@test("received UDP that is merged: not in generic mode, as long as it is")
def merged(lab):
    both = (("xdp-mode", "generic"),)
    for feature in ("rx-gro-list", "rx-udp-gro-forwarding"):
        lab.server.run("ethtool", "-K", "to-client", feature, "on")
        try:
            with Server(lab, *both) as server, Talk(lab, checksums=False) as talk:
                check_equal(modes(lab.server), {"to-peer": GENERIC}, "modes")
                check_said(server, "to-client: left out", feature)
                lab.server.run("ethtool", "-K", "to-client", feature, "off")
                wait_said(server, "to-client: generic mode")
                talk.wait_kernel(server).check_kernel(server)
                lab.server.run("ethtool", "-K", "to-client", feature, "on")
                wait_until(lambda: modes(lab.server) == {"to-peer": GENERIC}, 5, "detached")
                talk.warm()
        finally:
            lab.server.run("ethtool", "-K", "to-client", feature, "off")


@test("frames larger than a page: in native mode, with a program that takes several buffers")
def jumbo(_lab):
    with Lab("direct") as lab:
        for end, name in ((lab.server, "to-client"), (lab.server, "to-peer"),
                          (lab.client, "eth0"), (lab.peer, "eth0")):
            end.ip("link", "set", name, "mtu", "9000")
        with Server(lab, *AUTO) as server, Talk(lab) as talk:
            if RELEASE < (5, 18):
                skip("this kernel has no XDP for several buffers")
            check_equal(modes(lab.server), {"to-client": NATIVE, "to-peer": NATIVE}, "modes")
            check_said(server, "to-client: native mode", "mtu 9000")
            talk.wait_kernel(server).check_kernel(server)
            with Verdicts(server.offload) as verdicts:
                for size in (100, 1400, 3000, 3600, 4000, 5000, 8000, 8900):
                    check(talk.to_peer(pattern(size)),
                          f"{size} bytes to the peer")
                    check(talk.to_client(pattern(size)), f"{size} bytes to the client")
            check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (8, 8),
                        f"through the kernel; {verdicts.changed()}")


def pattern(size):
    return bytes(number * 7 % 251 for number in range(size))


@test("an interface that is removed and made again is used again")
def again(_lab):
    for options in ((), (("proc-user", "nobody"), ("proc-group", "nogroup"))):
        with Lab("direct") as lab, Server(lab, *AUTO, *options) as server, Talk(lab) as talk:
            talk.wait_kernel(server)
            lab.server.ip("link", "delete", "to-peer")
            wait_said(server, "to-peer: the interface is gone")
            Lab.link(lab.server, "to-peer", RELAY + "/24", lab.peer, "eth0", PEER + "/24")
            lab.peer.ip("route", "add", "default", "via", RELAY)
            wait_until(lambda: modes(lab.server) == {"to-client": NATIVE, "to-peer": NATIVE}, 5,
                       f"attached again; log: {server.log_lines('xdp: ')}")
            talk.wait_kernel(server).check_kernel(server)


@test("an interface that is renamed, set down and up, given another address")
def changed(_lab):
    with Lab("direct") as lab, Server(lab, *AUTO) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        lab.server.ip("link", "set", "to-peer", "down")
        lab.server.ip("link", "set", "to-peer", "name", "renamed")
        lab.server.ip("link", "set", "renamed", "up")
        wait_said(server, "to-peer: is now called renamed")
        talk.wait_kernel(server).check_kernel(server)
        lab.server.ip("link", "set", "renamed", "address", "02:00:00:00:77:01")
        talk.wait_kernel(server).check_kernel(server)
        check_equal(modes(lab.server), {"to-client": NATIVE, "renamed": NATIVE}, "modes")
        # Its line was written anew for each state.
        check_equal(len(said(server, "native mode, mtu 1500; the interface is down")), 1,
                    "it was said that it is down")
        check_equal(last_line(server, "renamed"), "native mode, mtu 1500", "what was said last")
        check_equal(len(said(server, "native mode")), 4, "lines, of which none is said twice")


@test("an interface that moves to another namespace is let go, and used when it is back")
def moved(_lab):
    with Lab("direct") as lab:
        elsewhere = lab.add("elsewhere")
        with Server(lab, *AUTO) as server, Talk(lab) as talk:
            talk.wait_kernel(server)
            lab.server.ip("link", "set", "to-peer", "netns", elsewhere.name)
            wait_said(server, "to-peer: the interface is gone")
            wait_until(lambda: not modes(elsewhere), 3, "detached where it is now")
            elsewhere.ip("link", "set", "to-peer", "netns", lab.server.name)
            lab.server.ip("address", "add", RELAY + "/24", "dev", "to-peer")
            lab.server.ip("link", "set", "to-peer", "up")
            talk.wait_kernel(server).check_kernel(server)


@test("a program that is detached from outside is attached again")
def detached(lab):
    if not shutil.which("bpftool"):
        skip("bpftool is not installed")
    with Server(lab, *AUTO) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        links = json.loads(command(["bpftool", "-j", "link"]).stdout)
        mine = server.offload.programs()
        number = next(link["id"] for link in links
                      if link["type"] == "xdp" and link["prog_id"] in mine)
        command(["bpftool", "link", "detach", "id", number])
        wait_said(server, "detached from outside")
        wait_until(lambda: modes(lab.server) == {"to-client": NATIVE, "to-peer": NATIVE}, 5,
                   "attached again")
        talk.wait_kernel(server).check_kernel(server)


@test("the server's address on a bridge: generic mode on the bridge")
def bridge(_lab):
    with Lab("direct") as lab:
        lab.server.ip("address", "flush", "dev", "to-client")
        Lab.bridge(lab.server)
        # What a filter of the bridge's ports has verified would be left to coturn.
        for name in ("iptables", "ip6tables"):
            with contextlib.suppress(FileNotFoundError):
                lab.server.sysctl(f"net/bridge/bridge-nf-call-{name}", 0)
        lab.server.ip("link", "set", "to-client", "master", "br0")
        lab.server.ip("address", "add", SERVER + "/24", "dev", "br0")
        with Server(lab) as server, Talk(lab, checksums=False) as talk:
            check_equal(modes(lab.server), {"br0": GENERIC, "to-peer": GENERIC}, "modes")
            check_said(server, "br0: generic mode")
            talk.wait_kernel(server).check_kernel(server)
            # What is merged in a member is merged in the bridge.
            lab.server.run("ethtool", "-K", "to-client", "rx-gro-list", "on")
            wait_said(server, "br0: left out", "rx-gro-list")
            if TELLS:
                wait_said(server, "to-peer: native mode")
            lab.server.run("ethtool", "-K", "to-client", "rx-gro-list", "off")
            talk.wait_kernel(server, 15)


@test("the server's address on a macvlan: generic mode on the macvlan")
def macvlan(_lab):
    with Lab("direct") as lab:
        lab.server.ip("address", "flush", "dev", "to-client")
        lab.server.ip("link", "add", "above", "link", "to-client", "type", "macvlan")
        lab.server.ip("address", "add", SERVER + "/24", "dev", "above")
        lab.server.ip("link", "set", "above", "up")
        with Server(lab) as server, Talk(lab, checksums=False) as talk:
            check_equal(modes(lab.server), {"above": GENERIC, "to-peer": GENERIC}, "modes")
            check_said(server, "above: generic mode")
            talk.wait_kernel(server, 15).check_kernel(server)


if __name__ == "__main__":
    run(Lab("direct"))
