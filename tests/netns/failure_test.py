#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Failure to offload is never failure to relay: with each cause the server
relays in userspace and says why in one line, or refuses to start if told to.
"""

import contextlib
import socket
import struct
import time
from pathlib import Path

import turn
from foreign import foreign_program, program_on
from kernel import Verdicts
from lab import CLIENT, PEER, SERVER, Lab
from outcome import check_refused, check_relays_without, check_said
from server import Server
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until

def old_kernel(part, error):
    return (str(Path(__file__).with_name("old_kernel.py")), part, error)


@test("a kernel without BPF")
def kernel_without_bpf(lab):
    prefix = old_kernel("none", "ENOSYS")
    check_relays_without(lab, words=["does not load the XDP program"], prefix=prefix)
    check_refused(lab, words=["does not load the XDP program"], prefix=prefix)


_BPF_PROG_LOAD, _BPF_LINK_CREATE = 5, 28


@test("a kernel whose verifier refuses the program")
def kernel_refuses(lab):
    prefix = old_kernel(str(_BPF_PROG_LOAD), "EINVAL")
    check_relays_without(lab, words=["does not load the XDP program"], prefix=prefix)


@test("a kernel that has no links for XDP")
def kernel_without_links(lab):
    prefix = old_kernel(str(_BPF_LINK_CREATE), "EINVAL")
    check_relays_without(lab, ("xdp-mode", "generic"), ("xdp-interface", "to-client"),
                         words=["to-client", "before 5.9"], prefix=prefix)


@test("a sandbox that forbids netlink")
def no_netlink(lab):
    prefix = old_kernel(f"socket={socket.AF_NETLINK}", "EAFNOSUPPORT")
    check_relays_without(lab, words=["RestrictAddressFamilies=AF_NETLINK"], prefix=prefix)
    check_refused(lab, words=["RestrictAddressFamilies=AF_NETLINK"], prefix=prefix)


@test("an interface that does not exist")
def no_interface(lab):
    check_relays_without(lab, ("xdp-interface", "nowhere0"), words=["nowhere0"])
    check_refused(lab, ("xdp-interface", "nowhere0"), words=["nowhere0"])


@test("an interface that is down")
def interface_down(lab):
    lab.server.ip("link", "add", "spare", "type", "veth", "peer", "name", "spare-end")
    try:
        with Server(lab, ("xdp-interface", "spare")) as server, Talk(lab) as talk:
            talk.warm()
            talk.check_userspace(server)
            check_said(server, "spare", "down")
    finally:
        lab.server.ip("link", "delete", "spare")


@test("an interface with another's XDP program: named, and left alone")
def occupied(lab):
    with foreign_program(lab, "to-peer") as number:
        check(number, "no program to begin with")
        with Server(lab) as server, Talk(lab) as talk:
            talk.warm()
            check(all(talk.works() for _ in range(5)), "data did not arrive")
            check_equal(program_on(lab.server, "to-peer"), number, "the other's program")
            check_said(server, "to-peer", "program")
        check_equal(program_on(lab.server, "to-peer"), number, "the other's program, afterwards")
        with Server(lab, ("xdp-required", None), ready=False) as server:
            check(server.wait_end() > 0, "started")
            check_said(server, "to-peer")
        check_equal(program_on(lab.server, "to-peer"), number, "the other's program, in the end")


@test("veth ends without GRO: generic mode, or a refusal of native")
def no_gro(_lab):
    # The kernel drops what a native program sends to such a veth.
    with Lab("direct") as lab:
        for end in (lab.client, lab.peer):
            end.run("ethtool", "-K", "eth0", "gro", "off")
        with Server(lab, ("xdp-mode", "auto")) as server, Talk(lab, checksums=False) as talk:
            talk.wait_kernel(server).check_kernel(server)
            for interface in ("to-client", "to-peer"):
                check_said(server, interface, "generic", "GRO")
        with Server(lab, ("xdp-mode", "native")) as server, Talk(lab) as talk:
            talk.warm()
            talk.check_userspace(server)
            for interface in ("to-client", "to-peer"):
                check_said(server, interface, "GRO")
        check_refused(lab, ("xdp-mode", "native"), words=["to-client", "GRO"])


@test("xdp-required and nothing wrong: the server starts")
def required(lab):
    with Server(lab, ("xdp-required", None)) as server, Talk(lab) as talk:
        talk.wait_kernel(server).check_kernel(server)


@test("a full table: further channels are relayed in userspace, said once")
def table_full(lab):
    with Server(lab, ("xdp-max-channels", 2)) as server, Talk(lab) as first, \
            contextlib.ExitStack() as stack:
        talks = [first] + [stack.enter_context(Talk(lab, 0x4002 + number, client=first.client))
                           for number in range(4)]
        for talk in talks[:2]:
            talk.wait_kernel(server).check_kernel(server)
        for talk in talks[2:]:
            talk.warm()
            talk.check_userspace(server)
        check_equal(len(server.offload.flows()), 4, "flows")
        check_said(server, "full")
        # None of them made room by forgetting another.
        for talk in talks[:2]:
            talk.check_kernel(server)
        # Room that becomes free is used.
        first.client.refresh(0)
        wait_until(lambda: not server.offload.flows(), 4, "flows removed")
        with Talk(lab) as again:
            again.wait_kernel(server).check_kernel(server)


@test("a thousand channels of one client", seconds=90)
def thousand(lab):
    count = 1000
    with Server(lab) as server, turn.Client(lab.client) as client, \
            contextlib.closing(lab.peer.socket(PEER, 5000)) as peer:
        client.allocate()
        started = time.monotonic()
        for number in range(count):
            client.bind(0x4000 + number, PEER, 5000 + number)
        note(f"{count} channels bound in {time.monotonic() - started:.2f} s")
        check_equal(len(server.offload.flows()), 2 * count, "flows")
        client.send_channel(0x4000, b"first")
        peer.settimeout(2)
        check_equal(peer.recv(100), b"first", "at the peer")
        # One socket hears all ports of the peer: a capture would, too.
        with contextlib.closing(all_udp(lab.peer)) as heard, Verdicts(server.offload) as verdicts:
            for number in range(count):
                client.send_channel(0x4000 + number, b"channel %d" % number)
            found = set()
            while len(found) < count:
                packet = heard.recv(2048)
                header = (packet[0] & 15) * 4
                port = struct.unpack_from("!H", packet, header + 2)[0]
                found.add((port, packet[header + 8:]))
            check_equal(found, {(5000 + number, b"channel %d" % number)
                                for number in range(count)}, "at the peer")
        check_equal(verdicts["TO_PEER"], count, "packets through the kernel")
        client.refresh(0)
        wait_until(lambda: not server.offload.flows(), 5, "flows removed")


def all_udp(namespace):
    """A raw socket that gets all UDP packets of a namespace."""
    with namespace.enter():
        made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    made.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    made.settimeout(3)
    return made


@test("multicast and broadcast peers are never offloaded")
def multicast(lab):
    everybody = ("224.0.1.1", "239.1.2.3", "255.255.255.255")
    # Broadcast addresses only by the server's routes.
    by_route = ("198.51.100.255", "198.51.100.0")
    with Server(lab) as server, turn.Client(lab.client) as client:
        client.allocate()
        # coturn itself refuses none of them: so there is a channel to be left to it.
        for number, address in enumerate(everybody):
            client.bind(0x4010 + number, address, 5000)
        check_equal(server.offload.flows(), [], f"flows with {everybody}")
        for number, address in enumerate(by_route):
            client.bind(0x4020 + number, address, 5000)
        check_equal(len(server.offload.flows()), 4, f"flows with {by_route}")
        with Talk(lab) as talk:
            talk.wait_kernel(server).check_kernel(server)
            with Verdicts(server.offload) as verdicts:
                for number in range(5):
                    for channel in [*range(0x4010, 0x4013), 0x4020, 0x4021]:
                        client.send_channel(channel, b"hello, all")
                # What was sent before has been seen by now.
                check(talk.to_peer(), "data to the peer did not arrive")
            check_equal([verdicts[name] for name in ("TO_PEER", "NO_FLOW", "NO_NEXT_HOP")], [1, 15, 10],
                        f"packets relayed, of no flow, and to no next hop; {verdicts.changed()}")


@test("clients over TCP are not offloaded, and are relayed")
def tcp_client(lab):
    with Server(lab) as server:
        with Talk(lab, tcp=True) as talk:
            talk.warm()
            talk.check_userspace(server)
            check_equal(len(server.offload.flows()), 0, "flows")
        with Talk(lab) as talk:
            talk.wait_kernel(server).check_kernel(server)


@test("a peer's own interface of the server is no next hop")
def own_address(lab):
    # The peer is a socket on the server's own host.
    with Server(lab), turn.Client(lab.client) as client, \
            contextlib.closing(lab.server.socket(SERVER, 5000)) as peer:
        client.allocate()
        client.bind(0x4001, SERVER, 5000)
        for number in range(5):
            client.send_channel(0x4001, b"%d" % number)
            check_equal(peer.recvfrom(100), (b"%d" % number, client.relayed), "at the peer")
            peer.sendto(b"%d" % number, client.relayed)
            check_equal(client.receive_channel(), (0x4001, b"%d" % number), "at the client")


@test("credentials are asked for as ever")
def credentials(lab):
    with Server(lab) as server:
        for user, password in (("user", "wrong"), ("nobody", "secret")):
            with turn.Client(lab.client, user=user, password=password) as client:
                try:
                    client.allocate()
                    check(False, f"{user} with {password} was let in")
                except turn.TurnError as error:
                    check_equal(error.code, 401, "error code")
        # ChannelData without an allocation.
        with turn.Client(lab.client, local=(CLIENT, 0)) as client:
            client.send_channel(0x4001, b"no allocation")
        check_equal(len(server.offload.flows()), 0, "flows")


if __name__ == "__main__":
    run(Lab("direct"))
