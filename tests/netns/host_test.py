#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What the host says about packets besides their route holds for those that
the kernel relays: sockets bound to a device, IPsec policies, what a device can
send, and which names an interface has."""

import contextlib
import ctypes
import itertools
import json
import os
import resource
import socket
import time
from pathlib import Path

import turn
from capture import Capture
from kernel import Verdicts
from lab import PEER, RELAY, SERVER, Lab
from netns import command
from server import Server, tool
from talk import Talk
from tap import check, check_equal, run, test, wait_until

_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


@test("options that leave no channel for the kernel: the log says so, and xdp-required does not start the server")
def nothing_to_relay(lab):
    for option, value in (("no-udp", None), ("no-udp-relay", None), ("listening-device", "to-client"),
                          ("relay-device", "to-peer")):
        with Server(lab, (option, value), ready=False) as server:
            server.wait_log("the offload is off")
            check_equal(len(server.log_lines(f"xdp: {option} is set, so no channel can be relayed")), 1, server.log())
            check_equal(server.log_lines("offload of UDP channels is on"), [], "lines")
            check_equal(server.xdp(), [], "interfaces with XDP")
        with Server(lab, (option, value), ("xdp-required", None), ready=False) as server:
            check(server.wait_end() != 0, f"it starts with {option} in spite of xdp-required")


@test("IPsec policies end the offload while they are there")
def ipsec(lab):
    selector = ("src", RELAY + "/32", "dst", PEER + "/32", "dir", "out")
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        lab.server.ip("xfrm", "policy", "add", *selector, "action", "block")
        wait_until(lambda: not talk.to_peer(seconds=0.2), 3, "the policy blocks")
        with Verdicts(server.offload) as verdicts:
            check(not talk.to_peer(seconds=0.3), "relayed past a policy that blocks")
        check_equal(verdicts["TO_PEER"], 0, "relayed by the kernel")
        lab.server.ip("xfrm", "policy", "delete", *selector)
        # The socket of that allocation has failed to send, which coturn does not forgive.
        with Talk(lab, number=0x4002) as other:
            other.wait_kernel(server)


# No packet that is relayed, so that coturn can do it while there is such a policy.
NOT_RELAYED = ("src", "203.0.113.1/32", "dst", "203.0.113.2/32", "dir")


def wait_userspace(talk, server):
    wait_until(lambda: not talk.in_kernel(server) and talk.works(), 3, "relayed by coturn")
    talk.check_userspace(server)


@test("IPsec policies of every direction end the offload, whatever packets they are about")
def ipsec_directions(lab):
    with Server(lab) as server, Talk(lab) as talk:
        for direction in ("out", "in", "fwd"):
            talk.wait_kernel(server).check_kernel(server)
            check_equal(status(server)["ipsec"], False, f"policies before one with dir {direction}")
            lab.server.ip("xfrm", "policy", "add", *NOT_RELAYED, direction, "action", "block")
            wait_userspace(talk, server)
            check_equal(status(server)["ipsec"], True, f"policies with dir {direction}")
            check_equal(command([tool("turnutils_xdp"), "metrics", "--once", "--pid", server.pid]).stdout.count(
                f'turn_xdp_ipsec_blocked{{pid="{server.pid}"}} 1\n'), 1, "the metric")
            lab.server.ip("xfrm", "policy", "delete", *NOT_RELAYED, direction)
        talk.wait_kernel(server)


@test("a server that can open nothing more hears of IPsec policies all the same")
def out_of_descriptors(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with no_descriptors(server):
            # It cannot look for firewalls then: such a host counts as examined, and wants an example.
            talk.wait_kernel(server).check_kernel(server)
            lab.server.ip("xfrm", "policy", "add", *NOT_RELAYED, "out", "action", "block")
            wait_userspace(talk, server)
            lab.server.ip("xfrm", "policy", "delete", *NOT_RELAYED, "out")
            talk.wait_kernel(server).check_kernel(server)
        talk.wait_kernel(server).check_kernel(server)


def status(server):
    return json.loads(command([tool("turnutils_xdp"), "status", "--json", "--pid", server.pid,
                               "--interval", 0]).stdout)


@contextlib.contextmanager
def no_descriptors(server):
    """While this lasts, the server can open nothing more."""
    def lowest_free():
        numbers = {int(entry.name) for entry in Path(f"/proc/{server.pid}/fd").iterdir()}
        return next(number for number in itertools.count() if number not in numbers)

    # One that is open for a moment only is not to be counted.
    limit = min(lowest_free() for _ in range(50))
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)


def server_sockets(server, port):
    """The server's own UDP sockets of a port."""
    process = os.pidfd_open(server.pid)
    try:
        for entry in Path(f"/proc/{server.pid}/fd").iterdir():
            if not os.readlink(entry).startswith("socket:"):
                continue
            number = _libc.syscall(_PIDFD_GETFD, process, int(entry.name), 0)
            check(number >= 0, "pidfd_getfd")
            with socket.socket(fileno=number) as found:
                if found.type == socket.SOCK_DGRAM and found.family == socket.AF_INET and \
                        found.getsockname()[1] == port:
                    yield found
    finally:
        os.close(process)


@test("sockets that are marked or bound to a device, when a channel is bound: left to coturn")
def special_sockets(lab):
    for option, value, plain in ((socket.SO_MARK, 7, 0), (socket.SO_BINDTODEVICE, b"to-client", b"")):
        with Server(lab) as server, Talk(lab) as talk:
            talk.wait_kernel(server)
            count = set_all(server, 3478, option, value)
            check(count, "no listening socket")
            # Listeners are looked at once a second.
            time.sleep(1.2)
            with Talk(lab, 0x4002) as later:
                later.warm()
                later.check_userspace(server)
            set_all(server, 3478, option, plain)
            with Talk(lab, 0x4003) as later:
                later.wait_kernel(server)
    for option, value in ((socket.SO_MARK, 7), (socket.SO_BINDTODEVICE, b"to-peer")):
        with Server(lab) as server, turn.Client(lab.client) as client:
            client.allocate()
            check_equal(set_all(server, client.relayed[1], option, value), 1, "relay sockets")
            with Talk(lab, client=client) as talk:
                talk.warm()
                talk.check_userspace(server)
            check_equal(server.offload.flows(), [], "flows")


def set_all(server, port, option, value):
    """Sets an option of the server's sockets of a port; of how many."""
    count = 0
    for found in server_sockets(server, port):
        found.setsockopt(socket.SOL_SOCKET, option, value)
        count += 1
    return count


def df_of(lab, offload):
    """DF in what reaches the peer by two channels of one relay, and the client."""
    with Server(lab, offload=offload) as server, Talk(lab) as talk, \
            Talk(lab, 0x4002, client=talk.client) as second:
        for one in (talk, second):
            one.wait_kernel(server) if offload else one.warm()
        with Capture(lab.peer) as at_peer, Capture(lab.client) as at_client:
            with Verdicts(server.offload) if offload else contextlib.nullcontext() as verdicts:
                for one in (talk, second):
                    check(one.to_peer(b"flags") and one.to_client(b"flags"), "data did not arrive")
            if offload:
                check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (2, 2), "packets through the kernel")
            return [[packet.df for packet in capture.udp() if packet.payload.endswith(b"flags")]
                    for capture in (at_peer, at_client)]


@test("DF is that of coturn's sockets, towards peers and clients, also where the host sends none "
      "(net.ipv4.ip_no_pmtu_disc)")
def df(lab):
    seen = []
    try:
        for value in (0, 1):
            lab.server.sysctl("net/ipv4/ip_no_pmtu_disc", value)
            off, on = df_of(lab, False), df_of(lab, True)
            check_equal(on, off, f"DF at the peer and at the client, with ip_no_pmtu_disc={value}")
            seen += [off]
    finally:
        lab.server.sysctl("net/ipv4/ip_no_pmtu_disc", 0)
    # Else the setting has shown nothing.
    check(seen[0] != seen[1], f"DF whatever the host is told: {seen}")


@test("the first channel of a relay thread: from its first packet on")
def first_second(lab):
    with Server(lab, ("relay-threads", 1)) as server, Talk(lab) as talk, Verdicts(server.offload) as verdicts:
        talk.wait_kernel(server)
        check_equal(verdicts["SERVER_SILENT"], 0, "packets of a thread that was not heard of")


@test("a device that takes no redirected frames any longer: coturn relays")
def redirect_lost(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        lab.peer.run("ethtool", "-K", "eth0", "gro", "off")
        wait_until(lambda: talk.to_peer(seconds=0.2), 3, "relayed to the peer by coturn")
        for _ in range(10):
            check(talk.to_peer(), "data to the peer did not arrive")
        lab.peer.run("ethtool", "-K", "eth0", "gro", "on")
        talk.wait_kernel(server)


@test("a path MTU that ICMP tells of: what is larger goes to coturn, which fragments")
def path_mtu(_lab):
    with Lab("gateway") as lab:
        lab.gw_a.ip("link", "set", "far", "mtu", "1300")
        with Server(lab) as server, Talk(lab) as talk:
            talk.wait_kernel(server)
            large = bytes(1400)

            def arrives(turn=iter(range(1000))):
                # Events that never cease must not keep the thread from looking.
                lab.server.ip("neighbour", "replace", "192.0.2.77", "lladdr",
                              f"02:00:00:00:00:{next(turn) % 256:02x}", "dev", "to-client",
                              "nud", "reachable")
                return talk.to_peer(large, seconds=0.2)

            check(not arrives(), "the first large packet arrives: there is no bottleneck")
            wait_until(arrives, 4, "large packets arrive")
            talk.check_kernel(server)


@test("an interface by two names is one interface")
def label(lab):
    lab.server.ip("address", "add", "192.0.2.9/24", "dev", "to-client", "label", "to-client:1")
    try:
        with Server(lab, ("listening-ip", SERVER), ("listening-ip", "192.0.2.9"),
                    ("xdp-required", None)) as server:
            check_equal(server.log_lines("another XDP program"), [], server.log())
            check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
    finally:
        lab.server.ip("address", "delete", "192.0.2.9/24", "dev", "to-client")


@test("an interface that is removed: the others go on")
def removed(lab):
    Lab.link(lab.server, "to-spare", "203.0.113.1/24", lab.client, "spare", "203.0.113.2/24")
    interfaces = [("xdp-interface", name) for name in ("to-client", "to-peer", "to-spare")]
    with Server(lab, *interfaces) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        lab.server.ip("link", "delete", "to-spare")
        check_equal(len(server.wait_log("is gone")), 1, server.log())
        talk.check_kernel(server)


if __name__ == "__main__":
    run(Lab("direct"))
