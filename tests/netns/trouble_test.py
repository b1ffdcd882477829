#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Trouble that comes while the server runs, and other servers beside it: relaying
goes on, and the kernel relays again when it can, without anybody's help.

What becomes of interfaces is in attach_test.py, of routes and neighbours in
nexthop_test.py, of a start that fails in failure_test.py.
"""

import errno
import re
import signal
import time
from pathlib import Path

from lab import FAR_PEER, GATEWAY_A, GATEWAY_B, RELAY, SERVER, Lab
from outcome import check_relays_without, check_said
from server import Server
from talk import Chatter, Talk
from tap import check, check_equal, note, run, test, wait_until


def second_server(lab, *options, **more):
    """Beside one that has the usual ports."""
    return Server(lab, ("listening-port", 3479), ("min-port", 40000), ("max-port", 40999),
                  *options, **more)


SECOND = (SERVER, 3479)


@test("a second server on the same interfaces: in userspace, until the first has ended")
def second(lab):
    with Server(lab, ("max-port", 60000)) as first, Talk(lab) as talk:
        talk.wait_kernel(first)
        with second_server(lab) as other:
            other.wait_log("until an interface is free")
            for interface in ("to-client", "to-peer"):
                check_said(other, f"{interface}: left out", "another XDP program", "'turn'")
            with Talk(lab, 0x4002, server=SECOND) as its:
                its.warm()
                its.check_userspace(other)
                talk.check_kernel(first)
                # Its program is released with it, and the channel that is there is offloaded.
                first.signal(signal.SIGTERM)
                first.wait_end()
                its.wait_kernel(other, 8).check_kernel(other)


@test("a second server that must offload does not start, and leaves the first alone")
def second_required(lab):
    with Server(lab, ("max-port", 60000)) as first, Talk(lab) as talk:
        talk.wait_kernel(first)
        with second_server(lab, ("xdp-required", None), ready=False) as other:
            check(other.wait_end() > 0, "started")
            check_said(other, "to-client: left out", "another XDP program")
        talk.check_kernel(first)


@test("a second server on other interfaces: each relays what comes in by its own")
def apart(lab):
    with Server(lab, ("max-port", 60000), ("xdp-interface", "to-client")) as first, \
            second_server(lab, ("xdp-interface", "to-peer")) as other, \
            Talk(lab) as talk, Talk(lab, 0x4002, server=SECOND) as its:
        for one, server, verdict in ((talk, first, "TO_PEER"), (its, other, "TO_CLIENT")):
            one.warm()

            def relays(one=one, server=server, verdict=verdict):
                before = server.offload.verdicts()
                check(one.works(), "data did not arrive")
                after = server.offload.verdicts()
                return {name: after[name] - before[name]
                        for name in ("TO_PEER", "TO_CLIENT")} == {
                            "TO_PEER": int(verdict == "TO_PEER"),
                            "TO_CLIENT": int(verdict == "TO_CLIENT")}
            wait_until(relays, 5, f"{verdict} alone by the kernel")


@test("no memory for the tables: said, and relayed in userspace")
def memory(lab):
    old_kernel = Path(__file__).with_name("old_kernel.py")
    map_create = "0"
    check_relays_without(lab, words=["no memory for the tables", "xdp-max-channels"],
                         prefix=(str(old_kernel), map_create, errno.errorcode[errno.ENOMEM]))


@test("no BPF file system, and none is needed")
def no_bpffs(lab):
    with Server(lab) as server, Talk(lab) as talk:
        mounts = Path(f"/proc/{server.pid}/mounts").read_text(encoding="utf-8")
        check(not re.search(r" bpf ", mounts), "the server has a BPF file system")
        talk.wait_kernel(server).check_kernel(server)


@test("ip link set … xdp off takes nothing away")
def xdp_off(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        for mode in ("xdp", "xdpdrv", "xdpgeneric"):
            lab.server.run("ip", "link", "set", "dev", "to-peer", mode, "off", check=False)
        talk.check_kernel(server)
        check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")


@test("the server's own address goes and comes back")
def address(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        lab.server.ip("address", "delete", RELAY + "/24", "dev", "to-peer")
        wait_until(lambda: not talk.to_peer(seconds=0.2), 3,
                   "nothing leaves from an address that is not there")
        lab.server.ip("address", "add", RELAY + "/24", "dev", "to-peer")
        # coturn gives up a socket that has failed to send; the kernel does not ask it.
        with Talk(lab, 0x4002) as other:
            other.wait_kernel(server).check_kernel(server)


def drops(server):
    """Events that netlink sockets of the server have lost."""
    with server.lab.server.enter():
        lines = Path("/proc/self/net/netlink").read_text(encoding="ascii").splitlines()
    name = lines[0].split().index("Drops")
    return sum(int(line.split()[name]) for line in lines[1:])


@test("more events than its socket holds: what they told of is found all the same", seconds=90)
def overrun(_lab):
    with Lab("gateway") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        batch = lab.folder / "batch"
        batch.write_text("".join(
            f"{verb} 203.0.113.{number % 200 + 20}/32 via {GATEWAY_A}\n"
            for _ in range(20) for verb in ("route add", "route delete") for number in range(200)),
            encoding="ascii")
        before = drops(server)
        server.signal(signal.SIGSTOP)
        try:
            lab.server.run("ip", "-batch", batch)
            lost = drops(server) - before
            lab.server.ip("route", "replace", "203.0.113.0/24", "via", GATEWAY_B)
        finally:
            server.signal(signal.SIGCONT)
        note(f"{lost} events lost")
        check(lost > 0, "no event was lost: nothing is shown")
        started = time.monotonic()
        wait_until(lambda: by_gateway(talk, lab.gw_b), 3, "relayed by the new gateway")
        note(f"by the new gateway after {time.monotonic() - started:.2f} s")
        talk.wait_kernel(server).check_kernel(server)


def by_gateway(talk, gateway):
    """Whether data to the peer goes by that gateway."""
    def forwarded():
        text = gateway.run("cat", "/proc/net/dev").stdout
        return int(re.search(r"^\s*far:(.*)$", text, re.M).group(1).split()[9])

    before = forwarded()
    return all(talk.to_peer(seconds=0.5) for _ in range(5)) and forwarded() - before >= 5


@test("a route that flaps under traffic: no row is left behind")
def flapping(_lab):
    with Lab("gateway") as lab, Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Chatter(talk, 0.002):
            for number in range(60):
                lab.server.ip("route", "replace", "203.0.113.0/24", "via",
                              (GATEWAY_B, GATEWAY_A)[number % 2])
                if number % 20 == 9:
                    lab.server.ip("route", "delete", "203.0.113.0/24")
                    lab.server.ip("route", "add", "203.0.113.0/24", "via", GATEWAY_A)
        # An allocation whose socket failed to send without a route is coturn's to end.
        with Talk(lab, 0x4002, address=FAR_PEER) as other:
            other.wait_kernel(server).check_kernel(server)
            wait_until(lambda: by_gateway(other, lab.gw_a), 3, "by the last gateway")


if __name__ == "__main__":
    run(Lab("direct"))
