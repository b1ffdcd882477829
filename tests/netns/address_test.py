#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Which interfaces the server uses, as its addresses and the routes come, go
and move."""

import contextlib
import json

import turn
from kernel import Verdicts
from lab import CLIENT, CLIENT6, PEER, RELAY, SERVER, SERVER6, Lab
from netns import command
from server import Server, tool
from talk import Chatter, Talk, Talk6
from tap import check, check_equal, run, skip, test, wait_until

# An address that no interface has.
VIRTUAL = "203.0.113.77"


def problems(server):
    return json.loads(command([tool("turnutils_xdp"), "status", "--json", "--pid", server.pid,
                               "--interval", 0]).stdout)["problems"]


def waits_for(server, *addresses):
    """Whether the status names exactly these addresses as missing."""
    wanted = f"waiting for {', '.join(addresses)}: " if addresses else None
    lines = [line for line in problems(server) if line.startswith("waiting for")]
    return [line for line in lines if not wanted or not line.startswith(wanted)] == [] and bool(lines) == bool(wanted)


@contextlib.contextmanager
def fresh_lab(*missing):
    """A lab in which the server has these addresses not yet. It may bind sockets to them."""
    with Lab("direct") as lab:
        lab.server.sysctl("net/ipv4/ip_nonlocal_bind", 1)
        for name, address in missing:
            lab.server.ip("address", "delete", address + "/24", "dev", name)
        yield lab


@test("an address that comes after the start: the server waits, says for what, and uses its interface")
def later(_lab):
    with fresh_lab(("to-peer", RELAY)) as lab, Server(lab) as server:
        server.wait_log(f"xdp: waiting for {RELAY}: no interface has it")
        check(server.log_lines("on 1 of 1 interfaces, and waits for addresses"), server.log())
        check_equal(server.xdp(), ["to-client"], "interfaces with XDP")
        wait_until(lambda: waits_for(server, RELAY), 3, "the status names what is waited for")
        lab.server.ip("address", "add", RELAY + "/24", "dev", "to-peer")
        server.wait_log(f"xdp: {RELAY} is on to-peer now")
        server.wait_log("xdp: to-peer: native mode")
        wait_until(lambda: waits_for(server), 3, "the status waits for nothing")
        with Talk(lab) as talk:
            talk.wait_kernel(server).check_kernel(server)
        check_equal(len(server.log_lines("waiting for")), 1, "lines that say what is waited for")


@test("all addresses come after the start, as another user too")
def all_later(_lab):
    for options in ((), (("proc-user", "nobody"), ("proc-group", "nogroup"))):
        with fresh_lab(("to-client", SERVER), ("to-peer", RELAY)) as lab, \
                Server(lab, *options, ready=False) as server:
            server.wait_log("offload of UDP channels is on, .* but no interface carries the program yet")
            check_equal(len(server.log_lines("waiting for")), 2, server.log())
            check_equal(server.xdp(), [], "interfaces with XDP")
            wait_until(lambda: waits_for(server, SERVER, RELAY), 3, "the status names what is waited for")
            for name, address in (("to-client", SERVER), ("to-peer", RELAY)):
                lab.server.ip("address", "add", address + "/24", "dev", name)
                server.wait_log(f"xdp: {name}: native mode")
            server.wait_ready()
            with Talk(lab) as talk:
                talk.wait_kernel(server).check_kernel(server)


@test("xdp-required does not start a server whose addresses or interfaces are missing")
def required(_lab):
    with fresh_lab(("to-peer", RELAY)) as lab:
        for options in ((), (("xdp-interface", "to-client"), ("xdp-interface", "nonesuch"))):
            with Server(lab, ("xdp-required", None), *options, ready=False) as server:
                check(server.wait_end() != 0, f"it starts with {options}")
                check(server.log_lines("waiting for"), server.log())


@test("interfaces that are made after the start: all that were named")
def made_later(_lab):
    names = [("xdp-interface", name) for name in ("later-client", "later-peer")]
    with Lab("direct") as lab, Server(lab, *names) as server, Talk(lab) as talk:
        check_equal(len(server.log_lines("later-.*: waiting for it")), 2, server.log())
        talk.warm().check_userspace(server)
        for name in ("client", "peer"):
            lab.server.ip("link", "set", "to-" + name, "name", "later-" + name)
            server.wait_log(f"xdp: later-{name}: native mode")
        talk.wait_kernel(server).check_kernel(server)


@test("an interface that is made after the start, with an address of the server")
def made_with_address(_lab):
    with fresh_lab() as lab:
        lab.server.ip("link", "delete", "to-peer")
        with Server(lab) as server:
            server.wait_log(f"waiting for {RELAY}")
            Lab.link(lab.server, "made-later", RELAY + "/24", lab.peer, "eth0", PEER + "/24")
            lab.peer.ip("route", "add", "default", "via", RELAY)
            server.wait_log("made-later: (native|generic) mode")
            with Talk(lab, checksums=False) as talk:
                talk.wait_kernel(server, 10).check_kernel(server)


@test("an address that moves to another interface under traffic: the program follows it")
def moves(_lab):
    with fresh_lab() as lab:
        Lab.link(lab.server, "to-other", "203.0.113.1/24", lab.peer, "other", "203.0.113.2/24")
        with Server(lab) as server, Talk(lab) as talk, Chatter(talk):
            talk.wait_kernel(server)
            check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
            lab.server.ip("address", "delete", RELAY + "/24", "dev", "to-peer")
            server.wait_log(f"waiting for {RELAY}")
            lab.peer.ip("address", "delete", PEER + "/24", "dev", "eth0")
            lab.server.ip("address", "add", RELAY + "/24", "dev", "to-other")
            lab.peer.ip("address", "add", PEER + "/24", "dev", "other")
            lab.peer.ip("route", "replace", "default", "via", RELAY)
            server.wait_log("to-other: native mode")
            server.wait_log("to-peer: let go", 10)
            wait_until(lambda: server.xdp() == ["to-client", "to-other"], 3, "detached from to-peer")
        # The socket of that allocation has failed to send, which coturn does not forgive.
        with Server(lab) as server, Talk(lab) as talk:
            talk.wait_kernel(server).check_kernel(server)


def after_removal(ipv6, offload):
    """What reaches the peer, and the client, while the server has no longer the address that the client uses."""
    with Lab("direct", ipv6=ipv6) as lab:
        ours, spare = (SERVER6, "2001:db8:1::9") if ipv6 else (SERVER, "192.0.2.9")
        width = "/64" if ipv6 else "/24"
        extra = ("nodad",) if ipv6 else ()
        # The interface has another address, and so carries the program on, and the route to the client stays.
        lab.server.sysctl("net/ipv4/conf/all/promote_secondaries", 1)
        lab.server.ip("address", "add", spare + width, "dev", "to-client", *extra)
        # The client goes on sending to the server's MAC address, as a router would for some time.
        mac = lab.server.mac("to-client").hex(":")
        lab.client.ip("neighbour", "replace", ours, "lladdr", mac, "dev", "eth0", "nud", "permanent")
        listening = [("listening-ip", address) for address in (ours, spare)]
        with Server(lab, *listening, offload=offload, probe=(CLIENT6, SERVER6) if ipv6 else (CLIENT, SERVER)) as server, \
                (Talk6(lab) if ipv6 else Talk(lab)) as talk:
            talk.wait_kernel(server) if offload else talk.warm()
            lab.server.ip("address", "delete", ours + width, "dev", "to-client")
            wait_until(lambda: not talk.to_peer(seconds=0.2), 3, "nothing reaches the peer")
            gone = [talk.to_peer(seconds=0.2) for _ in range(5)]
            lab.server.ip("address", "add", ours + width, "dev", "to-client", *extra)
            wait_until(lambda: talk.to_peer(seconds=0.2), 3, "data reaches the peer again")
            if offload:
                wait_until(lambda: to_peer_by_kernel(server, talk), 3, "by the kernel")
                check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
                check_equal(len(server.log_lines("waiting for")), 1, "addresses that are missing")
            # What coturn cannot send ends the session, so this comes last.
            lab.server.ip("address", "delete", ours + width, "dev", "to-client")
            wait_until(lambda: not talk.to_peer(seconds=0.2), 3, "nothing reaches the peer again")
            return gone, [talk.to_client(seconds=0.2) for _ in range(5)]


def to_peer_by_kernel(server, talk):
    with Verdicts(server.offload) as verdicts:
        return talk.to_peer() and verdicts["TO_PEER"]


@test("packets for an address that the server has no longer: none is relayed, with the offload as without")
def address_gone(_lab):
    for ipv6 in (False, True):
        off, on = after_removal(ipv6, False), after_removal(ipv6, True)
        check_equal(on, off, f"packets that arrive at the peer and at the client, with ipv6={ipv6}")
        check_equal(off[0], [False] * 5, "packets that arrive at the peer without the offload")
        print(f"# without the address, IPv{6 if ipv6 else 4}, of five packets {sum(off[1])} reach the client")


@test("an interface that packets only leave by, as the default route says: in native mode or not at all")
def asymmetric(_lab):
    one_address = (("relay-ip", SERVER),)
    with Lab("direct") as lab:
        lab.server.ip("route", "add", "default", "via", PEER)
        with Server(lab, *one_address) as server, Talk(lab) as talk:
            check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
            talk.wait_kernel(server).check_kernel(server)
        # Here it would be generic only, and make the others generic.
        lab.peer.run("ethtool", "-K", "eth0", "gro", "off")
        with Server(lab, *one_address, ("xdp-required", None)) as server:
            check_equal(server.xdp(), ["to-client"], "interfaces with XDP")
            check(server.log_lines("to-client: native mode"), server.log())
            check(server.log_lines("on 1 of 1 interfaces"), server.log())
            check_equal(server.log_lines("to-peer"), [], "lines about the other")


BOTH = (("listening-ip", VIRTUAL), ("relay-ip", VIRTUAL))


def relays_to_peer(server, talk):
    with Verdicts(server.offload) as verdicts:
        check(talk.to_peer(), "data did not arrive")
    return verdicts["TO_PEER"]


def check_silent(lab, device):
    """The server's address is on a device that no packet comes in by."""
    lab.server.ip("route", "add", "default", "via", CLIENT)
    with Server(lab, *BOTH, probe=(CLIENT, VIRTUAL)) as server, turn.Client(lab.client, server=(VIRTUAL, 3478)) as client:
        check(server.log_lines(f"xdp: {VIRTUAL}: on no interface but {device}, "), server.log())
        check_equal(server.xdp(), ["to-client"], "interfaces with XDP")
        # It is not only used because packets leave by it.
        check(server.log_lines(r"on 1 of 1 interfaces \(xdp-mode"), server.log())
        client.allocate()
        with Talk(lab, client=client) as talk:
            talk.warm()
            wait_until(lambda: relays_to_peer(server, talk), 5, "the neighbour of the peer is known")
            with Verdicts(server.offload) as verdicts:
                check(talk.works(), "data did not arrive")
            # What the peer sends comes in by another interface.
            check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (1, 0), "packets through the kernel")
    with Server(lab, *BOTH, ("xdp-required", None), ready=False) as server:
        check(server.wait_end() != 0, "it starts in spite of xdp-required")
    named = [("xdp-interface", name) for name in ("to-client", "to-peer")]
    with Server(lab, *BOTH, *named, ("xdp-required", None), probe=(CLIENT, VIRTUAL)) as server:
        check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
    # Without the route the server waits for it.
    lab.server.ip("route", "delete", "default")
    with Server(lab, *BOTH, probe=(CLIENT, VIRTUAL)) as server:
        check_equal(server.xdp(), [], "interfaces with XDP")
        wait_until(lambda: waits_for(server, VIRTUAL), 3, "the status names what is waited for")
        lab.server.ip("route", "add", "default", "via", CLIENT)
        server.wait_log("to-client: native mode")
    lab.server.ip("route", "delete", "default")


@test("an address on the loopback, or with a local route only: the interface of the default route is used")
def silent(_lab):
    with Lab("direct") as lab:
        lab.server.ip("address", "add", VIRTUAL + "/32", "dev", "lo")
        check_silent(lab, "the loopback")
        lab.server.ip("address", "delete", VIRTUAL + "/32", "dev", "lo")
        lab.server.ip("route", "add", "local", VIRTUAL, "dev", "lo")
        check_silent(lab, "a local route")


@test("an address on a dummy interface: the interface of the default route is used")
def dummy(_lab):
    with Lab("direct") as lab:
        if lab.server.run("ip", "link", "add", "virtual", "type", "dummy", check=False).returncode:
            skip("this kernel has no dummy interfaces")
        lab.server.ip("link", "set", "virtual", "up")
        lab.server.ip("address", "add", VIRTUAL + "/32", "dev", "virtual")
        check_silent(lab, "virtual")
        # One that is named cannot carry packets.
        with Server(lab, ("xdp-interface", "virtual"), ("xdp-required", None), ready=False) as server:
            check(server.wait_end() != 0, "it starts with a dummy interface")
            check(server.log_lines("virtual: left out, .*dummy"), server.log())


@test("channels of which one direction is not relayed: turnutils_xdp says which, and why")
def one_sided(lab):
    with Server(lab, ("xdp-interface", "to-client")) as server, Talk(lab) as talk:
        wait_until(lambda: to_peer_by_kernel(server, talk), 5, "to the peer by the kernel")
        check(talk.to_client(), "data to the client did not arrive")
        # A channel that is ten seconds old.
        wait_until(lambda: problems(server), 15, "a line about the channel")
        lines = problems(server)
        check_equal(len(lines), 1, lines)
        check(lines[0].startswith("1 channels: packets of peers should come in by the interface with index"), lines)
    with Server(lab) as server, Talk(lab) as talk, Talk(lab, 0x4002, client=talk.client) as both:
        for one in (talk, both):
            one.wait_kernel(server)
        with Talk(lab, 0x4003, client=talk.client) as single:
            for _ in range(120):
                check(single.to_peer() and both.to_peer(), "data to the peer did not arrive")
            wait_until(lambda: problems(server), 15, "a line about the channel")
            lines = problems(server)
            check_equal(len(lines), 1, lines)
            check(lines[0].startswith("1 channels: packets of clients are relayed in the kernel, and none of peers"), lines)
            check(single.to_client(), "data to the client did not arrive")
            wait_until(lambda: not problems(server), 5, "no line once both directions are relayed")


@test("seventeen bridges or veths, and then the cards that routes lead out by: the cards carry the program")
def many(_lab):
    for kind in ("bridge", "veth"):
        with Lab("direct") as lab:
            addresses = [f"10.0.{number}.1" for number in range(17)]
            for number, address in enumerate(addresses):
                lab.server.ip("link", "add", f"other{number}", "type", kind)
                lab.server.ip("link", "set", f"other{number}", "up")
                lab.server.ip("address", "add", address + "/24", "dev", f"other{number}")
            lab.server.ip("route", "add", "default", "via", CLIENT)
            lab.server.ip("route", "add", "203.0.113.0/24", "via", PEER)
            listening = [("listening-ip", address) for address in (*addresses, SERVER)]
            with Server(lab, *listening) as server, Talk(lab, checksums=False) as talk:
                check_equal(len(server.xdp()), 16, "interfaces with XDP")
                check(server.log_lines("more than 16 interfaces"), server.log())
                check({"to-client", "to-peer"} <= set(server.xdp()), f"the cards are left out: {server.xdp()}")
                talk.wait_kernel(server).check_kernel(server)


if __name__ == "__main__":
    run(Lab("direct"))
