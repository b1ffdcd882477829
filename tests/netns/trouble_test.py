#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Trouble that comes while the server runs, and other servers beside it: relaying
goes on, and the kernel relays again when it can, without anybody's help.

What becomes of interfaces is in attach_test.py, of routes and neighbours in
nexthop_test.py, of a start that fails in failure_test.py.
"""

import contextlib
import errno
import json
import re
import signal
import time
from pathlib import Path

import turn
from lab import FAR_PEER, GATEWAY_A, GATEWAY_A6, GATEWAY_B, GATEWAY_B6, RELAY, SERVER, Lab
from netns import command
from outcome import check_relays_without, check_said
from server import Server, tool
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


MANY = 6000


@test("more events than its socket holds: all that they told of is looked at again, and at once", seconds=120)
def overrun(_lab):
    with Lab("gateway", ipv6=True) as lab, Server(lab) as server, contextlib.ExitStack() as stack:
        for address, gateway in ((GATEWAY_A6, lab.gw_a), (GATEWAY_B6, lab.gw_b)):
            lab.server.ip("-6", "neighbour", "replace", address, "lladdr", gateway.mac("near").hex(":"),
                          "dev", "to-peer", "nud", "permanent")
        started = time.monotonic()
        # coturn takes its time for sessions of very many channels.
        for first in range(0, MANY, 200):
            client = stack.enter_context(turn.Client(lab.client)).allocate(family=6)
            for number in range(200):
                client.bind(0x4000 + number, f"2001:db8:3::1:{first + number:x}", 5000)
        note(f"{MANY} channels to as many peers after {time.monotonic() - started:.2f} s")
        # Without any event, all next hops are looked at in turn.
        all_lead(server, "destination", lab.gw_a.mac("near"))
        lab.server.sysctl("net/ipv6/conf/to-peer/hop_limit", 33)
        slowly = all_lead(server, "ttl", 33)
        before = drops(server), status(server)["events_lost"]
        server.signal(signal.SIGSTOP)
        try:
            # These events concern none of the next hops: only that some are lost does.
            batch = lab.folder / "batch"
            batch.write_text("".join(
                f"neighbour replace 192.0.2.77 lladdr 02:00:00:00:{number // 256:02x}:{number % 256:02x} "
                "dev to-client nud reachable\n" for number in range(4000)), encoding="ascii")
            lab.server.run("ip", "-batch", batch)
            lost = drops(server) - before[0]
            lab.server.ip("-6", "route", "replace", "2001:db8:3::/64", "via", GATEWAY_B6)
        finally:
            server.signal(signal.SIGCONT)
        check(lost > 0, "no event was lost: nothing is shown")
        at_once = all_lead(server, "destination", lab.gw_b.mac("near"))
        note(f"{lost} events lost; all next hops after {at_once:.2f} s, and without events after {slowly:.2f} s")
        check(at_once < slowly / 2, "the next hops were looked at as if nothing had been lost")
        counted = status(server)["events_lost"]
        check(counted > before[1], "lost events are not counted")
        check_equal(command([tool("turnutils_xdp"), "metrics", "--once", "--pid", server.pid]).stdout.count(
            f'turn_xdp_events_lost_total{{pid="{server.pid}"}} {counted}\n'), 1, "the metric")


def all_lead(server, name, value):
    """Waits until so it is with all next hops to the peers; how long it took."""
    def lead():
        return sum(getattr(hop, name) == value for hop in server.offload.hops(MANY + 1)) >= MANY

    started = time.monotonic()
    wait_until(lead, 40, f"{name} {value!r} of all next hops")
    return time.monotonic() - started


def status(server):
    return json.loads(command([tool("turnutils_xdp"), "status", "--json", "--pid", server.pid,
                               "--interval", 0]).stdout)


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
