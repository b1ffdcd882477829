#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""VLANs: what leaves is tagged as the way out wants it, whatever it
came with, and only frames of this server's own VLANs are relayed.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

import turn
import wire
from capture import Injector
from carriers import RELEASE
from kernel import Verdicts
from lab import CLIENT, PEER, RELAY, SERVER, SERVER6
from server import Server
from talk import Talk, Talk6
from tap import check, check_equal, note, run, test, wait_until
from vlan_lab import AD, Q, Tagged, VlanLab, check_tags, need, tagged

# From Linux 6.3 on, a veth says that it sends what the program relays; before,
# one has to say that it does.
NATIVE = () if RELEASE >= (6, 3) else (("xdp-mode", "native"),)
PATIENCE = 20


class NoVlans:
    """Skips all tests where there are no VLANs."""

    def __enter__(self):
        need("vlan")

    def __exit__(self, *_):
        pass


def relayed(client, peer, in_frame, options=NATIVE, **more):
    with VlanLab(client, peer, in_frame, **more) as lab, Server(lab, *options) as server:
        check_equal(server.xdp(), [lab.nic], "interfaces with XDP")
        for kind in (Talk, Talk6):
            with kind(lab) as talk:
                talk.wait_kernel(server, PATIENCE)
                check_tags(lab, server, talk)


def way_test(client, peer, in_frame):
    where = "in the frame" if in_frame else "taken out by the card"
    names = [vlan or "untagged" for vlan in (client, peer)]

    @test(f"from {names[0]} to {names[1]} and back, by IPv4 and IPv6; tags {where}", seconds=120)
    def _way(_):
        relayed(client, peer, in_frame)


for _client, _peer in (("10", "10"), ("10", "20"), ("10", ""), ("", "20"), ("ad100", "20"),
                       ("ad100.20", "ad100.30"), ("ad100.20", ""), ("", "10.20")):
    way_test(_client, _peer, True)
way_test("10", "20", False)
way_test("", "20", False)


@test("two tags of which the card takes out one: relayed by coturn")
def half_seen(_):
    with VlanLab("ad100.20", "", in_frame=False) as lab, Server(lab, *NATIVE) as server, \
            Talk(lab) as talk:
        talk.warm(PATIENCE)
        with Verdicts(server.offload) as verdicts:
            for _ in range(5):
                check(talk.to_peer(), "data to the peer did not arrive")
        check_equal((verdicts["TO_PEER"], verdicts["NOT_OURS"]), (0, 5), "verdicts")


class Frames:
    """ChannelData from the client's card, tagged at will."""

    def __init__(self, lab, talk):
        self._injector = Injector(lab.client)
        self._macs = lab.client.mac("eth0"), lab.server.mac("nic")
        self._talk = talk
        self.serial = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._injector.__exit__()

    def send(self, tags, mac=None):
        """Its data, which is not sent twice."""
        self.serial += 1
        data = b"frame %d" % self.serial
        packet = wire.ipv4(CLIENT, SERVER, wire.udp(
            CLIENT, SERVER, self._talk.client.port, 3478,
            turn.channel_data(self._talk.number, data)))
        self._injector.send(tagged(self._macs[0], mac or self._macs[1], tags, packet, wire.IPV4))
        return data

    def verdict(self, server, tags, mac=None):
        """What a frame ended in, and whether it came to the peer."""
        with Verdicts(server.offload) as verdicts:
            data = self.send(tags, mac)
            arrived = False
            end = time.monotonic() + 0.5
            while not arrived and time.monotonic() < end:
                got = self._talk._peer_gets(0.1)
                arrived = got is not None and got[0] == data
        # ARP (NOT_IP) may come in between.
        names = [name for name, count in verdicts.changed().items() for _ in range(count) if name != "NOT_IP"]
        return names, arrived


@test("tags of others: not relayed, neither by the kernel nor by coturn", seconds=120)
def foreign(_):
    with VlanLab("10", "20") as lab:
        # One that is down is nobody's, and so is one that only half of is here.
        lab.add_vlan(lab.server, "nic", "ad100.20")
        lab.add_vlan(lab.server, "nic", "30")
        lab.server.ip("link", "set", "nic.30", "down")
        lab.server.ip("link", "set", "nic.ad100.20", "down")
        with Server(lab, *NATIVE) as server, Talk(lab) as talk, Frames(lab, talk) as frames:
            talk.wait_kernel(server, PATIENCE)
            check_equal(frames.verdict(server, [(Q, 10)]), (["TO_PEER"], True), "its own VLAN")
            for name, tags in (("another VLAN", [(Q, 99)]),
                               ("the number of another protocol", [(AD, 10)]),
                               ("one that is down", [(Q, 30)]),
                               ("two, the inner one ours", [(AD, 100), (Q, 10)]),
                               ("two, the inner one down", [(AD, 100), (Q, 20)]),
                               ("two, the outer one ours", [(Q, 10), (Q, 20)]),
                               ("three", [(Q, 10), (Q, 20), (Q, 30)])):
                verdicts, arrived = frames.verdict(server, tags)
                check(not arrived, f"{name}: came to the peer, {verdicts}")
                check("TO_PEER" not in verdicts, f"{name}: {verdicts}")
            check_equal(frames.verdict(server, [(Q, 10)], b"\x02\0\0\0\xEE\xEE"),
                        (["NOT_OURS"], False), "another's MAC")


@test("priorities come with a VLAN, or without one, and change nothing")
def priorities(_):
    with VlanLab("10", "") as lab, Server(lab, *NATIVE) as server, Talk(lab) as talk, \
            Frames(lab, talk) as frames:
        talk.wait_kernel(server, PATIENCE)
        for tags in ([(Q, 5 << 13 | 10)], [(Q, 1 << 12 | 10)]):
            check_equal(frames.verdict(server, tags), (["TO_PEER"], True), f"tags {tags}")
    with VlanLab("", "10") as lab, Server(lab, *NATIVE) as server, Talk(lab) as talk, \
            Frames(lab, talk) as frames:
        talk.wait_kernel(server, PATIENCE)
        for tags in ([(Q, 0)], [(Q, 7 << 13)]):
            check_equal(frames.verdict(server, tags), (["TO_PEER"], True), f"tags {tags}")


@test("a VLAN's interface with an address of its own")
def own_mac(_):
    with VlanLab("10", "20") as lab:
        mac = b"\x02\0\0\0\x0A\x0A"
        lab.server.ip("link", "set", "nic.10", "address", mac.hex(":"))
        with Server(lab, *NATIVE) as server, Talk(lab) as talk, Frames(lab, talk) as frames:
            talk.wait_kernel(server, PATIENCE)
            check_tags(lab, server, talk)
            check_equal(frames.verdict(server, [(Q, 10)], mac), (["TO_PEER"], True), "its MAC")
            # That of the card is right as well, but only the kernel knows.
            check_equal(frames.verdict(server, [(Q, 10)]), (["NOT_OURS"], True),
                        "the card's MAC")
            with Tagged(lab.client) as capture:
                check(talk.to_client(), "data to the client did not arrive")
                sources = {packet.frame[6:12] for _, packet in capture.datagrams()}
            check_equal(sources, {mac}, "source of what the client gets")


@test("VLANs that go down, come up, and change their number under traffic", seconds=150)
def changes(_):
    with VlanLab("10", "20") as lab, Server(lab, *NATIVE) as server, Talk(lab) as talk:
        talk.wait_kernel(server, PATIENCE)
        lab.server.ip("link", "set", "nic.10", "down")
        check(not talk.to_peer(seconds=0.5), "data came in over a VLAN that is down")
        lab.server.ip("link", "set", "nic.10", "up")
        lab.server.ip("-6", "address", "replace", SERVER6 + "/64", "dev", "nic.10", "nodad")
        talk.wait_kernel(server, PATIENCE)
        check_tags(lab, server, talk)
        # An interface is known by its name; what it stands for may change.
        lab.vlans["peer"] = "40"
        for host, card, address in ((lab.server, "nic", RELAY), (lab.peer, "eth0", PEER)):
            host.ip("link", "delete", card + ".20")
            host.ip("link", "add", "link", card, "name", card + ".20", "type", "vlan", "id", "40")
            host.add_address(card + ".20", address + "/24")
            host.ip("link", "set", card + ".20", "up")
        lab.peer.add_route("default", RELAY)
        talk.wait_kernel(server, PATIENCE)
        check_tags(lab, server, talk)


@test("priorities that the way out maps from packets' own are left to coturn")
def quality(_):
    with VlanLab("10", "20") as lab:
        lab.server.ip("link", "set", "nic.20", "type", "vlan", "egress-qos-map", "0:5")
        with Server(lab, *NATIVE) as server, Talk(lab) as talk:
            talk.warm(PATIENCE)
            # The other way out has no map; its next hop may take a moment.
            wait_until(lambda: arrives(server, talk, 100, "TO_CLIENT")["TO_CLIENT"] == 1, PATIENCE,
                       "data to the client through the kernel")
            check_equal(arrives(server, talk, 100, "TO_PEER")["TO_PEER"], 0, "TO_PEER")


def arrives(server, talk, length, way):
    """The verdicts of one packet of so much data, which must arrive."""
    with Verdicts(server.offload) as verdicts:
        data = bytes(length)
        check(talk.to_peer(data) if way == "TO_PEER" else talk.to_client(data),
              f"{length} bytes did not arrive: {verdicts.changed()}")
    changed = verdicts.changed()
    return {name: changed.get(name, 0) for name in (way, "TOO_BIG")}


@test("as much as the MTU allows, with one tag and with two; more is left to coturn")
def sizes(_):
    whole = 1500 - 28
    through, left = {"TO_CLIENT": 1, "TOO_BIG": 0}, {"TO_CLIENT": 0, "TOO_BIG": 1}
    with VlanLab("10", "") as lab, Server(lab, *NATIVE) as server, Talk(lab) as talk:
        talk.wait_kernel(server, PATIENCE)
        check_equal(arrives(server, talk, whole - 4, "TO_CLIENT"), through, "up to the MTU")
        check_equal(arrives(server, talk, whole - 3, "TO_CLIENT"), left, "more than the MTU")
        lab.server.ip("link", "set", "nic.10", "mtu", "1000")
        wait_until(lambda: arrives(server, talk, 969, "TO_CLIENT") == left, PATIENCE,
                   "the VLAN's own MTU")
        check_equal(arrives(server, talk, 968, "TO_CLIENT"), through, "up to the VLAN's MTU")
    # Both tags have room on the cards, and the VLANs have the usual MTU.
    with VlanLab("ad100.20", "", mtu=1600) as lab:
        for host, card in ((lab.server, "nic"), (lab.client, "eth0")):
            host.ip("link", "set", card + ".ad100.20", "mtu", "1500")
        with Server(lab, *NATIVE) as server, Talk(lab) as talk:
            talk.wait_kernel(server, PATIENCE)
            check_equal(arrives(server, talk, whole - 4, "TO_CLIENT"), through, "with two tags")
            check_equal(arrives(server, talk, whole - 3, "TO_CLIENT"), left, "more, with two tags")


@test("generic mode: on the VLANs' own interfaces, not on the card below")
def generic(_):
    mode = ("xdp-mode", "generic")
    with VlanLab("10", "20") as lab, Server(lab, mode) as server:
        check_equal(server.xdp(), ["nic.10", "nic.20"], "interfaces with XDP")
        with Talk(lab, checksums=False) as talk:
            talk.wait_kernel(server, PATIENCE)
            check_tags(lab, server, talk)
    with VlanLab("10", "20") as lab, Server(lab, mode, ("xdp-interface", "nic")) as server:
        check_equal(server.xdp(), [], "interfaces with XDP")
        check(server.log_lines("nic: left out.*VLANs"), f"no reason in the log:\n{server.log()}")
        with Talk(lab) as talk:
            talk.warm(PATIENCE)


@test("the log says which card carries the program for a VLAN")
def said(_):
    with VlanLab("10", "ad100.20") as lab, Server(lab, *NATIVE) as server:
        for name in lab.interfaces():
            check(server.log_lines(f"{name}: native mode on nic,"), f"not for {name}:\n{server.log()}")


if __name__ == "__main__":
    note(f"Linux {'.'.join(map(str, RELEASE))}, native mode "
         f"{'asked for' if NATIVE else 'by itself'}")
    run(NoVlans())
