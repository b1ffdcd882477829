#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Authenticated channels are relayed in the kernel: with upstream's own
clients, in every way of starting the server, and without a trace on the host.
"""

import contextlib
import re
import signal
import time

import turn
from kernel import Verdicts, map_exists
from lab import CLIENT, PEER, RELAY, SERVER, Lab
from netns import command
from server import BINARY, PASSWORD, USER, Server, attached, tool
from tap import check, check_equal, note, run, test, wait_until
from talk import Talk
from upstream import nat_discovery

OPTIONS = ("xdp-offload", "xdp-interface", "xdp-mode", "xdp-max-channels", "xdp-required")


def run_upstream(lab, clients, messages):
    """Upstream's client and peer over channels: (sent, received)."""
    with open(lab.folder / "peer.log", "wb") as log:
        peer = lab.peer.start(tool("turnutils_peer"), "-L", PEER, "-p", "3480", output=log)
    try:
        time.sleep(0.2)
        text = lab.client.run(
            tool("turnutils_uclient"), "-u", USER, "-w", PASSWORD, "-e", PEER, "-r", "3480",
            "-n", messages, "-m", clients, "-l", "170", "-z", "5", "-c", SERVER,
            seconds=60).stdout
    finally:
        peer.kill()
        peer.wait(5)
    found = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
    check(found, f"no totals from turnutils_uclient: {text}")
    return tuple(map(int, found[-1]))


@test("upstream's client and peer: all messages arrive, relayed in the kernel")
def upstream_tools(lab):
    clients, messages = 4, 250
    with Server(lab) as server:
        used = server.cpu_seconds()
        with Verdicts(server.offload) as verdicts:
            sent, received = run_upstream(lab, clients, messages)
        check_equal((sent, received), (clients * messages, clients * messages), "messages")
        note(f"{server.cpu_seconds() - used:.2f} s of CPU time")
        share = (verdicts["TO_PEER"] + verdicts["TO_CLIENT"]) / (2 * sent)
        note(f"{100 * share:.1f} % through the kernel; verdicts {verdicts.changed()}")
        # The first packets to a neighbour that is not known yet may go up.
        check(share >= 0.98, "most packets did not go through the kernel")


@test("upstream's client and peer: the same with the offload off")
def upstream_tools_off(lab):
    with Server(lab, offload=False) as server:
        used = server.cpu_seconds()
        check_equal(run_upstream(lab, 4, 250), (1000, 1000), "messages")
        note(f"{server.cpu_seconds() - used:.2f} s of CPU time")
        check_equal((server.offload.programs(), server.offload.map_ids(), server.xdp()),
                    (set(), set(), []), "programs, maps, interfaces with XDP")


@test("no sysctl of the host is changed and forwarding stays off")
def sysctls(lab):
    # Counters and limits that the kernel itself moves are no settings.
    def settings():
        return {name: value for name, value in lab.server.sysctls().items()
                if not re.search(r"conntrack_count|somaxconn_used|unix/|dirty", name)}
    before = settings()
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        during = settings()
        check_equal(during["/proc/sys/net/ipv4/ip_forward"].strip(), "0", "ip_forward")
    after = settings()
    for when, snapshot in (("while it runs", during), ("after it", after)):
        changed = {name: (before.get(name), snapshot.get(name))
                   for name in before.keys() | snapshot.keys()
                   if before.get(name) != snapshot.get(name)}
        check(not changed, f"changed {when}: {changed}")


@test("the default interfaces are those that own the server's addresses")
def default_interfaces(lab):
    lab.server.ip("link", "add", "other", "type", "veth", "peer", "name", "other-end")
    try:
        lab.server.ip("link", "set", "other", "up")
        with Server(lab) as server, Talk(lab) as talk:
            check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
            talk.wait_kernel(server).check_kernel(server)
    finally:
        lab.server.ip("link", "delete", "other")
    check_equal(attached(lab.server), [], "interfaces with XDP after the server")


@test("xdp-interface chooses; the way that is not covered is relayed as ever")
def one_interface(lab):
    with Server(lab, ("xdp-interface", "to-client")) as server, Talk(lab) as talk:
        check_equal(server.xdp(), ["to-client"], "interfaces with XDP")
        talk.warm()
        for _ in range(10):
            check(talk.works(), "data did not arrive")


@test("xdp-mode native, generic and auto")
def modes(lab):
    for mode, wanted in (("native", {1}), ("generic", {2}), ("auto", {1, 2})):
        with Server(lab, ("xdp-mode", mode), ("xdp-interface", "to-client"),
                    ("xdp-interface", "to-peer")) as server, \
                Talk(lab, checksums=False) as talk:
            text = lab.server.ip("-j", "link")
            # The kernel's XDP_ATTACHED_DRV and XDP_ATTACHED_SKB.
            found = set(map(int, re.findall(r'"xdp":\{"mode":(\d)', text)))
            check(found and found <= wanted, f"{mode}: attached in mode {found}; {server.log()}")
            talk.wait_kernel(server).check_kernel(server)


@test("the options on the command line work like those in the file")
def command_line(lab):
    with Server(lab, offload=False, argv=["--xdp-offload", "--xdp-interface", "to-client",
                                          "--xdp-interface=to-peer", "--xdp-mode=auto",
                                          "--xdp-max-channels", "100",
                                          "--xdp-required"]) as server, Talk(lab) as talk:
        check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
        talk.wait_kernel(server).check_kernel(server)
    with Server(lab, argv=["--xdp-offload=no"]) as server:
        check_equal(server.xdp(), [], "interfaces with XDP, switched off on the command line")


@test("the options in turnserver.conf give no warnings")
def file_options(lab):
    with Server(lab, ("xdp-interface", "to-client"), ("xdp-interface", "to-peer"),
                ("xdp-mode", "auto"), ("xdp-max-channels", "100"), ("xdp-required", None),
                ("no-such-option", None)) as server:
        check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
        bad = server.log_lines("Bad configuration format")
        check(all("no-such-option" in line for line in bad), f"warnings: {bad}")
        check(bad, "coturn's own check of the file is gone")


@test("-h shows the options")
def usage_text(_lab):
    text = command([BINARY, "-h"], check=False).stdout
    for option in ("--listening-port", *(f"--{name}" for name in OPTIONS)):
        check(option in text, f"-h does not show {option}")


@test("a wrong value names the option and the values allowed", seconds=180)
def wrong_values(lab):
    for name, value, allowed in (
            ("xdp-mode", "fast", ("auto", "native", "generic")),
            ("xdp-mode", "", ("auto", "native", "generic")),
            ("xdp-max-channels", "many", ("1",)), ("xdp-max-channels", "0", ("1",)),
            ("xdp-max-channels", "-3", ("1",)), ("xdp-max-channels", "5x", ("1",)),
            ("xdp-max-channels", "99999999999999999999", ("1",)),
            ("xdp-interface", "a-name-longer-than-any-interface", ())):
        for options, argv in (((((name, value)),), ()), ((), (f"--{name}={value}",))):
            with Server(lab, *options, argv=argv) as server:
                lines = server.wait_log(rf"xdp.*{name}.*", 3)
                check_equal(len(lines), 1, f"{name}={value}: lines in the log, {lines}")
                check(all(word in lines[0] for word in allowed), f"{name}={value}: {lines}")
                check(server.running(), "the server ended")


@test("a wrong value and xdp-required: the server does not start")
def wrong_value_required(lab):
    for name, value, required in (("xdp-mode", "fast", None), ("xdp-required", "maybe", "maybe")):
        options = (("xdp-required", required),)
        if name != "xdp-required":
            options += ((name, value),)
        with Server(lab, *options, ready=False) as server:
            check(server.wait_end() != 0, "exit status 0")
            check(server.log_lines(f"{name}: '{value}'"), server.log())


@test("daemon: the program is attached after the fork, and stays")
def daemon(lab):
    with Server(lab, ("log-file", lab.folder / "daemon.log"), argv=["-o"],
                ready=False) as server:
        server.follow_daemon()
        server.wait_ready()
        with Talk(lab) as talk:
            talk.wait_kernel(server).check_kernel(server)
        check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
    wait_until(lambda: not attached(lab.server), 3, "the program detached")


@test("SIGTERM: the program is detached")
def terminated(lab):
    with Server(lab) as server:
        check(server.xdp(), "not attached")
        maps = server.offload.map_ids()
        server.signal(signal.SIGTERM)
        wait_until(lambda: not attached(lab.server), 8, "the program detached")
        server.wait_end()
        wait_until(lambda: not any(map_exists(number) for number in maps), 3, "the maps gone")


def answers_by(lab, address):
    """Whether a client that uses this address of the server is served by it;
    the client's socket is connected, so another source is not heard."""
    with turn.Client(lab.client, server=(address, 3478)) as client:
        try:
            client.request(turn.BINDING, seconds=1)
        except TimeoutError:
            return False
    with Talk(lab, server=(address, 3478)) as talk:
        talk.warm()
        return all(talk.works() for _ in range(10))


@test("a wildcard listener serves the addresses that it serves without the offload")
def wildcard(lab):
    second = "192.0.2.10"
    lab.server.ip("address", "add", second + "/24", "dev", "to-client")
    try:
        found = []
        for offload in (False, True):
            with Server(lab, ("listening-ip", "0.0.0.0"), offload=offload):
                found.append([answers_by(lab, address) for address in (SERVER, second)])
        note(f"served by {SERVER} and {second}: {found[0]}")
        check(found[0][0], "not served by the first address")
        check_equal(found[1], found[0], "offload on, against off")
    finally:
        lab.server.ip("address", "delete", second + "/24", "dev", "to-client")


@test("a peer that is another allocation of the same server")
def hairpin(lab):
    with Server(lab), turn.Client(lab.client) as left, turn.Client(lab.client) as right:
        left.allocate()
        right.allocate()
        left.bind(0x4001, *right.relayed)
        right.bind(0x4002, *left.relayed)
        for number in range(10):
            left.send_channel(0x4001, b"left %d" % number)
            check_equal(right.receive_channel(), (0x4002, b"left %d" % number), "at the right")
            right.send_channel(0x4002, b"right %d" % number)
            check_equal(left.receive_channel(), (0x4001, b"right %d" % number), "at the left")


@test("external-ip: the relayed address that is told is not the one on the wire")
def external_address(lab):
    with Server(lab, ("external-ip", f"203.0.113.7/{RELAY}")) as server, \
            turn.Client(lab.client) as client, \
            contextlib.closing(lab.peer.socket(PEER, 5000)) as peer:
        client.allocate()
        address, port = client.relayed
        check_equal(address, "203.0.113.7", "relayed address")
        client.bind(0x4001, PEER, 5000)

        def both_ways():
            client.send_channel(0x4001, b"out")
            check_equal(peer.recvfrom(100), (b"out", (RELAY, port)), "at the peer")
            peer.sendto(b"back", (RELAY, port))
            check_equal(client.receive_channel(), (0x4001, b"back"), "at the client")

        def in_kernel():
            with Verdicts(server.offload) as verdicts:
                both_ways()
            return verdicts["TO_PEER"] == verdicts["TO_CLIENT"] == 1

        # The next hops are looked up by another thread, in its own time.
        wait_until(in_kernel, 2, "relayed by the kernel")
        for _ in range(10):
            check(in_kernel(), "not relayed by the kernel")


@test("two clients to the same peer, two channels of one client")
def several(lab):
    with Server(lab) as server, Talk(lab, port=5000) as first, \
            Talk(lab, 0x4FFF, client=first.client) as second, \
            Talk(lab, 0x4001, local=(CLIENT, 0)) as third:
        for talk in (first, second, third):
            talk.wait_kernel(server).check_kernel(server)
        check_equal(len(server.offload.flows()), 6, "flows")


@test("a second address and the alternate port (RFC 5780): each answers as itself")
def alternate(lab):
    second = "192.0.2.10"
    lab.server.ip("address", "add", second + "/24", "dev", "to-client")
    try:
        with Server(lab, ("listening-ip", SERVER), ("listening-ip", second),
                    ("alt-listening-port", 3481), *nat_discovery()) as server:
            for address in (SERVER, second):
                for port in (3478, 3481):
                    # The client's socket is connected: another source is not heard.
                    with Talk(lab, server=(address, port)) as talk:
                        talk.wait_kernel(server).check_kernel(server)
                        talk.client.refresh(0)
    finally:
        lab.server.ip("address", "delete", second + "/24", "dev", "to-client")


@test("many allocations of one client's address, all with the same channel number and peer")
def many_allocations(lab):
    count = 60
    with Server(lab) as server, contextlib.ExitStack() as stack:
        peer = stack.enter_context(contextlib.closing(lab.peer.socket(PEER, 5000)))
        clients = [stack.enter_context(turn.Client(lab.client)) for _ in range(count)]
        for client in clients:
            client.allocate()
            client.bind(0x4001, PEER, 5000)
        check_equal(len(server.offload.flows()), 2 * count, "flows")

        def exchange():
            for number, client in enumerate(clients):
                client.send_channel(0x4001, b"%d" % number)
                check_equal(peer.recvfrom(100), (b"%d" % number, client.relayed), "at the peer")
            for number, client in enumerate(clients):
                peer.sendto(b"%d" % number, client.relayed)
            for number, client in enumerate(clients):
                check_equal(client.receive_channel(), (0x4001, b"%d" % number), "at a client")

        def in_kernel():
            with Verdicts(server.offload) as verdicts:
                exchange()
            return (verdicts["TO_PEER"], verdicts["TO_CLIENT"]) == (count, count)

        # The next hops are looked up by another thread, in its own time.
        wait_until(in_kernel, 5, "all relayed by the kernel")
        # One that ends takes nothing of the others with it.
        clients.pop().refresh(0)
        count -= 1
        wait_until(lambda: len(server.offload.flows()) == 2 * count, 4, "its flows removed")
        check(in_kernel(), "the others are not relayed by the kernel")


def one_leg(mode):
    with Lab("one_leg") as lab, Server(lab, ("xdp-mode", mode)) as server, \
            Talk(lab, checksums=mode == "native") as talk:
        check_equal(server.xdp(), ["to-client"], "interfaces with XDP")
        talk.wait_kernel(server).check_kernel(server, 50)


@test("client and peer by the same interface: sent back out of it, native")
def one_leg_native(_lab):
    one_leg("native")


@test("client and peer by the same interface: sent back out of it, generic")
def one_leg_generic(_lab):
    one_leg("generic")


if __name__ == "__main__":
    run(Lab("direct"))
