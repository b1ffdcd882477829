#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What the host says about packets besides their route holds for those that
the kernel relays: sockets bound to a device, IPsec policies, what a device can
send, and which names an interface has."""

from kernel import Verdicts
from lab import PEER, RELAY, SERVER, Lab
from server import Server
from talk import Talk
from tap import check, check_equal, run, test, wait_until


@test("a relay that is bound to a device is left to coturn")
def relay_device(lab):
    with Server(lab, ("relay-device", "to-peer")) as server, Talk(lab) as talk:
        talk.warm()
        talk.check_userspace(server)
        check_equal(len(server.log_lines("bound to a device")), 1, server.log())


@test("a listener that is bound to a device, for every channel of a client")
def listening_device(lab):
    with Server(lab, ("listening-device", "to-client")) as server, Talk(lab) as talk:
        for number in (0x4002, 0x4003):
            with Talk(lab, number, client=talk.client) as more:
                more.warm()
                more.check_userspace(server)
        talk.check_userspace(server)


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
