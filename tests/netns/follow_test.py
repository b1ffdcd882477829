#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What changes on the host while the server runs, under traffic. What is heard of, and the
filters of cgroups, which are looked at each second, are followed within a second; rules of
iptables-legacy within the time from one sample to the next, which is about 20 seconds. That is
promised to operators, so here the times are what is tested, with a margin for a slow machine.
"""

import contextlib
import time

import cgroup
import family
import firewall
from family import FAMILIES, IPV4
from firewall import chain
from framed import DIRECTIONS, Framed
from lab import Lab
from server import Server
from steady import Steady
from tap import check, note, run, skip, test

HEARD, SAMPLED = 3, 30  # seconds
# Without the offload a change holds at once.
AT_ONCE = 0.5
FROM_PEER = "<ip> saddr <peer> udp sport 1-65535 drop"
TO_PEER = "<ip> daddr <peer> udp dport 1-65535 drop"
MODES = (None, "native", "generic")
SPARE_SERVER, SPARE_PEER = "203.0.113.1", "203.0.113.2"
SPARE_SERVER6, SPARE_PEER6 = "2001:db8:3::1", "2001:db8:3::2"


class Host:
    """A server with a channel under traffic, and what follows from each change of the host."""

    def __init__(self, lab, of, mode, margin, directions=DIRECTIONS, prefix=(), options=()):
        self.lab, self.of, self.mode = lab, of, mode
        self.margin = margin if mode else AT_ONCE
        self._stack = contextlib.ExitStack()
        self._new = mode, directions, prefix, options
        self.server = self.traffic = self.channel = None

    def __enter__(self):
        mode, directions, prefix, options = self._new
        with contextlib.ExitStack() as undo:
            undo.push(self._stack.__exit__)
            enter = self._stack.enter_context
            firewall.forget_connections(self.lab.server)
            more = [("xdp-mode", mode), ("xdp-required", None)] if mode else []
            self.server = enter(Server(self.lab, *options, *more, offload=bool(mode), prefix=prefix))
            self.channel = enter(Framed(self.lab, self.of, 0x4001, firewall.ROW_PORTS))
            self.traffic = enter(Steady(self.channel, directions=directions))
            for name in directions:
                self.traffic.arriving(name)
            self.kernel()
            undo.pop_all()
        return self

    def __exit__(self, *what):
        self._stack.__exit__(*what)
        firewall.flush(self.lab.server)

    def kernel(self):
        if self.mode:
            return self.traffic.wait_kernel(self.server, self.margin + 2)
        return 0

    def changed(self, what, change, **arrives):
        """Makes a change, and checks from when on the traffic of the directions arrives, or does not."""
        change()
        begin = time.monotonic()
        # What is sent after the time that is promised shows that it holds from then on.
        time.sleep(self.margin + 1)
        end = time.monotonic()
        time.sleep(0.3)
        for name, wanted in arrives.items():
            late = self.traffic.wrong(name, begin, end, wanted)
            note(f"{self.mode or 'off'}: {what}: {name} {'arrives' if wanted else 'does not arrive'} after {late:.2f} s")
            check(late <= self.margin, f"{self.mode or 'off'}, {what}: {name} "
                  f"{'lost' if wanted else 'relayed'} for {late:.2f} s; log:\n{self.server.log()[-2000:]}")


def _nft(lab, text):
    firewall.load(lab.server, text)


for _of in FAMILIES:
    @test(f"a ruleset is loaded, and flushed, IPv{_of.number}", seconds=120)
    def loaded(lab, of=_of):
        rules = of.rules(chain("filter", "input", FROM_PEER))
        for mode in MODES:
            with Host(lab, of, mode, HEARD) as host:
                host.changed("loaded", lambda: _nft(lab, rules), to_peer=True, to_client=False)
                host.changed("flushed", lambda: firewall.flush(lab.server), to_peer=True, to_client=True)
                note(f"{mode}: relayed in the kernel again {host.kernel():.2f} s later")

    @test(f"a rule is added to a chain that is there, IPv{_of.number}", seconds=120)
    def added(lab, of=_of):
        for mode in MODES:
            with firewall.ruleset(lab.server, "table inet t { chain c { type filter hook input priority 0; }\n}\n"), \
                    Host(lab, of, mode, HEARD) as host:
                host.changed("added", lambda: _nft(lab, of.rules(f"add rule inet t c {FROM_PEER}")),
                             to_peer=True, to_client=False)
                host.changed("removed", lambda: _nft(lab, "flush chain inet t c"), to_peer=True, to_client=True)
                note(f"{mode}: relayed in the kernel again {host.kernel():.2f} s later")


@test("a rule for what goes out is added; what it stops is not sent", seconds=120)
def output(lab):
    for mode in MODES:
        # coturn no longer receives by a socket that has failed to send, so there is one direction.
        with Host(lab, IPV4, mode, HEARD, ["to_peer"]) as host:
            host.changed("loaded", lambda: _nft(lab, IPV4.rules(chain("filter", "output", TO_PEER))), to_peer=False)


@test("an element is added to a set that a rule looks into", seconds=120)
def elements(lab):
    rules = ("table inet t { set refused { type ipv4_addr; }\nchain c { type filter hook input priority 0; "
             "ip saddr @refused drop; }\n}\n")
    for mode in MODES:
        with firewall.ruleset(lab.server, rules), Host(lab, IPV4, mode, HEARD) as host:
            host.changed("added", lambda: _nft(lab, IPV4.rules("add element inet t refused { <peer> }")),
                         to_peer=True, to_client=False)
            host.changed("removed", lambda: _nft(lab, IPV4.rules("delete element inet t refused { <peer> }")),
                         to_peer=True, to_client=True)


@test("a filter is attached to the server's cgroup, and detached", seconds=120)
def filters(lab):
    for mode in MODES:
        with cgroup.Cgroup() as above, cgroup.Cgroup(above) as own, \
                Host(lab, IPV4, mode, HEARD, prefix=own.prefix()) as host, contextlib.ExitStack() as stack:
            for place in (own, above):
                host.changed("attached", lambda at=place: stack.enter_context(cgroup.attached(
                    lab, at, cgroup.INGRESS, cgroup.from_address(IPV4.peer))), to_peer=True, to_client=False)
                host.changed("detached", stack.pop_all().close, to_peer=True, to_client=True)
                note(f"{mode}: relayed in the kernel again {host.kernel():.2f} s later")


@test("strict rp_filter is turned on for a peer whose route leads elsewhere", seconds=120)
def path_filter(_lab):
    with spare() as lab:
        def strict(value):
            for name in ("all", "to-peer"):
                lab.server.sysctl(f"net/ipv4/conf/{name}/rp_filter", value)
        lab.server.ip("route", "replace", IPV4.peer, "via", SPARE_PEER)
        for mode in MODES:
            with Host(lab, IPV4, mode, HEARD, options=INTERFACES) as host:
                try:
                    host.changed("strict", lambda: strict(1), to_peer=True, to_client=False)
                finally:
                    strict(0)


INTERFACES = [("xdp-interface", name) for name in ("to-client", "to-peer", "to-spare")]


@contextlib.contextmanager
def spare():
    """A lab in which the peer is reached by a second interface as well."""
    with Lab("direct") as lab:
        Lab.link(lab.server, "to-spare", SPARE_SERVER + "/24", lab.peer, "eth1", SPARE_PEER + "/24")
        yield lab


@test("the peer's route leads by another interface, and the peer sends by it", seconds=120)
def route(_lab):
    with spare() as lab:
        for mode in MODES:
            options = INTERFACES if mode else ()
            with Host(lab, IPV4, mode, HEARD, options=options) as host:
                for what, words in (("by the other", ("replace", IPV4.peer, "via", SPARE_PEER)),
                                    ("as before", ("delete", IPV4.peer))):
                    host.changed(what, lambda words=words: lab.server.ip("route", *words), to_peer=True, to_client=True)
                    host.kernel()


@test("the relay's address is removed, and comes back", seconds=120)
def address(lab):
    network = ("198.51.100.0/24", "dev", "to-peer")
    for mode in MODES:
        with Host(lab, IPV4, mode, HEARD, ["to_client"]) as host:
            try:
                host.changed("removed", lambda: (
                    lab.server.ip("address", "delete", IPV4.relay + "/24", "dev", "to-peer")), to_client=False)
            finally:
                lab.server.ip("address", "add", IPV4.relay + "/24", "dev", "to-peer")
            host.changed("added", lambda: lab.server.ip("route", "replace", *network), to_client=True)


@test("the relay's address moves to another interface", seconds=120)
def moved(lab):
    for mode in MODES:
        with Host(lab, IPV4, mode, HEARD) as host:
            for what, here, there in (("moved", "to-peer", "lo"), ("moved back", "lo", "to-peer")):
                def move(here=here, there=there):
                    # The other interface has it before this one loses it.
                    length = {"to-peer": "/24", "lo": "/32"}
                    lab.server.ip("address", "add", IPV4.relay + length[there], "dev", there)
                    lab.server.ip("address", "delete", IPV4.relay + length[here], "dev", here)
                host.changed(what, move, to_peer=True, to_client=True)
                host.kernel()


@test("a rule of iptables-legacy is added, and removed", seconds=240)
def legacy(lab):
    name = firewall.program("iptables-legacy")
    if lab.server.run(name, "-S", check=False).returncode:
        skip("this kernel has no ip_tables")
    rule = ("INPUT", "-s", IPV4.peer, "-p", "udp", "-j", "DROP")
    for mode in MODES[:2]:
        with Host(lab, IPV4, mode, SAMPLED) as host:
            host.changed("added", lambda: lab.server.run(name, "-A", *rule), to_peer=True, to_client=False)
            host.changed("removed", lambda: lab.server.run(name, "-D", *rule), to_peer=True, to_client=True)


if __name__ == "__main__":
    run(family.fixture())
