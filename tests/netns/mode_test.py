#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""How a mode is chosen and followed: MTUs that are raised, drivers that refuse, lines that stay
current. Drivers that this machine does not have are veths by another name (other_driver.c)."""

import json

from carriers import GENERIC, NATIVE, RELEASE, carriers, last_line, modes
from inspector import ask_json
from lab import Lab
from outcome import check_said, said
from preload import preload
from server import Server
from talk import Talk
from tap import check, check_equal, run, skip, test, wait_until

BOTH = ("to-client", "to-peer")
NOBODY = (("proc-user", "nobody"), ("proc-group", "nogroup"))


def mtus(namespace):
    return {link["ifname"]: link["mtu"] for link in json.loads(namespace.ip("-j", "link"))}


def set_mtu(lab, mtu):
    for name in BOTH:
        lab.server.ip("link", "set", name, "mtu", mtu)


def wait_line(server, name, *words):
    wait_until(lambda: all(word in last_line(server, name) for word in words), 5,
               f"{words} of {name}; it is {last_line(server, name)!r}")


def wait_relayed(server, talk, *words):
    """Until the last line of to-client has the words, and the kernel relays."""
    wait_line(server, "to-client", *words)
    talk.wait_kernel(server).check_kernel(server)


def disguise(lab, driver, silent=True):
    """A prefix under which veths are of another driver; silent: on a kernel before 6.3."""
    return (*preload(lab, "other_driver"), f"DRIVER={driver}", f"SILENT={'yes' if silent else 'no'}")


def need_several_buffers():
    if RELEASE < (6, 3):
        skip("this kernel does not say which drivers take several buffers (before 6.3)")


def pattern(size):
    return bytes(number * 7 % 251 for number in range(size))


@test("an MTU that is raised: the program for several buffers takes over, and large datagrams are relayed")
def raised(_lab):
    need_several_buffers()
    for options in ((), NOBODY):
        with Lab("direct") as lab:
            # Without it, the program for several buffers would not be loaded for veths.
            lab.server.ip("link", "set", "to-peer", "mtu", "1600")
            follow_raise(lab, options)


def follow_raise(lab, options):
    with Server(lab, *options) as server, Talk(lab) as talk:
        talk.wait_kernel(server).check_kernel(server)
        before = carriers(lab.server)
        check_equal(modes(lab.server), dict.fromkeys(BOTH, NATIVE), "modes")
        set_mtu(lab, 9000)
        for name in BOTH:
            wait_line(server, name, "native mode, mtu 9000")
        after = carriers(lab.server)
        check_equal(modes(lab.server), dict.fromkeys(BOTH, NATIVE), "modes")
        check(all(before[name][1] != after[name][1] for name in BOTH), "it is the other program")
        # A veth lets its other end have no more than this while a program is attached.
        for end in (lab.client, lab.peer):
            end.ip("link", "set", "eth0", "mtu", "3506")
        talk.wait_kernel(server)
        for size in (100, 3400):
            check(talk.to_peer(pattern(size)), f"{size} bytes to the peer")
            check(talk.to_client(pattern(size)), f"{size} bytes to the client")
        talk.check_kernel(server)
        # Back, and up again: the program stays.
        set_mtu(lab, 1500)
        wait_line(server, "to-peer", "native mode, mtu 1500")
        set_mtu(lab, 9000)
        wait_line(server, "to-peer", "native mode, mtu 9000")
        check_equal(carriers(lab.server), after, "programs")


@test("a driver that keeps the program at a large MTU: the MTU is lowered for the moment of detaching")
def kept_by_driver(_lab):
    for options in ((), NOBODY):
        with Lab("direct") as lab:
            lab.server.ip("link", "add", "link", "to-peer", "name", "above", "type", "macvlan")
            with Server(lab, *options, prefix=disguise(lab, "virtio_net")) as server:
                check_equal(modes(lab.server), dict.fromkeys(BOTH, NATIVE), "modes")
                lab.server.ip("link", "set", "to-client", "mtu", "9000")
                wait_line(server, "to-client", "generic mode, mtu 9000",
                          "ip link set dev to-client mtu 3490")
                check_said(server, "to-client: mtu 9000 was set to 4064 for a moment")
                check_equal(mtus(lab.server)["to-client"], 9000, "the MTU")
                # Interfaces above follow their device down, and are raised again.
                for name in ("to-peer", "above"):
                    lab.server.ip("link", "set", name, "mtu", "9000")
                wait_until(lambda: said(server, "to-peer: mtu 9000 was set to"), 5, "it was lowered")
                wait_until(lambda: (mtus(lab.server)["to-peer"], mtus(lab.server)["above"]) ==
                           (9000, 9000), 5, "both MTUs are as before")
                # The driver can take this one. They are native when both can be.
                lab.server.ip("link", "set", "to-client", "mtu", "1500")
                wait_line(server, "to-client", "mtu 1500: to-peer can only use generic mode")
                lab.server.ip("link", "set", "to-peer", "mtu", "1500")
                for name in BOTH:
                    wait_line(server, name, "native mode, mtu 1500")


@test("a kernel that does not tell: native mode is for drivers that are known to send")
def not_told(_lab):
    rows = (("e1000e", (), GENERIC, "the driver (e1000e) is not among those that are known to send"),
            ("e1000e", (("xdp-mode", "native"),), NATIVE, "before 6.3"),
            ("nfp", (), GENERIC, "the driver (nfp) does not send what is redirected to it"),
            ("mlx5_core", (), NATIVE, "native mode"))
    for driver, options, mode, words in rows:
        with Lab("direct") as lab, Server(lab, *options, prefix=disguise(lab, driver)) as server:
            check_equal(modes(lab.server), dict.fromkeys(BOTH, mode), f"modes with {driver}")
            check_said(server, "to-client: ", words)


@test("a driver that sends back only is native while there is one interface")
def sends_back(_lab):
    with Lab("direct") as lab:
        with Server(lab, ("xdp-interface", "to-client"), prefix=disguise(lab, "nfp")) as server:
            check_equal(modes(lab.server), {"to-client": NATIVE}, "modes")
            check_said(server, "to-client: native mode")


@test("a veth with too few channels is generic, and native when it has enough")
def channels(_lab):
    need_several_buffers()
    with Lab("direct") as lab:
        lab.server.run("ethtool", "-L", "to-client", "rx", "1")
        lab.client.run("ethtool", "-L", "eth0", "tx", "2")
        with Server(lab) as server, Talk(lab, checksums=False) as talk:
            check_said(server, "to-client: generic mode", "the veth has fewer queues to receive",
                       "ethtool -L to-client rx N")
            talk.wait_kernel(server).check_kernel(server)
            lab.server.run("ethtool", "-L", "to-client", "rx", "2")
            wait_relayed(server, talk, "native mode")


@test("a driver that refuses: its own sentence and what changes it; it is asked again when that has changed")
def refused(_lab):
    need_several_buffers()
    with Lab("direct") as lab:
        lab.server.ip("link", "set", "to-client", "mtu", "4000")
        lab.client.ip("link", "set", "eth0", "mtu", "4000")
        with Server(lab, prefix=(*preload(lab, "other_driver"), "LINEAR=yes")) as server, Talk(lab, checksums=False) as talk:
            check_said(server, "the XDP program for frames of several buffers is not loaded")
            check_said(server, "to-client: generic mode, mtu 4000",
                       'the driver (veth) refuses native mode: "', "Peer MTU is too large to set XDP",
                       "ip link set dev OTHER-END mtu 3506")
            talk.wait_kernel(server).check_kernel(server)
            before = carriers(lab.server)["to-client"]
            lab.server.ip("link", "set", "to-client", "address", "02:00:00:00:77:02")
            talk.wait_kernel(server)
            check_equal(carriers(lab.server)["to-client"], before, "nothing was different for the driver")
            check_equal(len(said(server, "to-client: generic mode")), 1, "lines")
            for end, name in ((lab.client, "eth0"), (lab.server, "to-client")):
                end.ip("link", "set", name, "mtu", "1500")
            wait_relayed(server, talk, "native mode, mtu 1500")
            # Raised again, without that program: asked by attaching anew.
            lab.server.ip("link", "set", "to-client", "mtu", "2000")
            wait_relayed(server, talk, "native mode, mtu 2000")


@test("the line says when an interface goes down, and when it is up again")
def current(lab):
    lab.peer.ip("link", "set", "eth0", "down")
    with Server(lab) as server:
        down = "; the interface is down: channels over it are relayed once it is up"
        check_equal(last_line(server, "to-peer").endswith(down), True, "at the start it is down")
        lab.peer.ip("link", "set", "eth0", "up")
        wait_until(lambda: down not in last_line(server, "to-peer"), 5, "its carrier is there")
        lab.peer.ip("link", "set", "eth0", "down")
        wait_until(lambda: last_line(server, "to-peer").endswith(down), 5, "its carrier is lost")
        told = ask_json("status", server, "-i", 0)["interfaces"]
        check([one for one in told if one["name"] == "to-peer" and down in json.dumps(one)],
              f"the status says it, too: {told}")
    lab.peer.ip("link", "set", "eth0", "up")


if __name__ == "__main__":
    run(Lab("direct"))
