#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Bonds: the program runs on the members, and relays what comes in by any of them.

The members are veths; and virtio cards, which send by XDP_TX, if the guest has two pairs:
tests/vm/run.sh --kernel 6.12 --pair virtio-net-pci --pair virtio-net-pci -- tests/vm/bond_test.py
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

from card_lab import PatientServer
from cards import Card
from cards import need as need_cards
from carriers import RELEASE
from kernel import Verdicts
from netns import command
from server import attached, tool
from talk import Chatter, Talk, Talk6
from tap import check, check_equal, note, run, skip, test, wait_until
from tracing import Tracing
from vlan_lab import VlanLab, check_tags, need

# From Linux 6.3 on, a veth says that it sends what the program relays, and a bond says what its
# members can do; before, one has to say that a veth does.
TELLS = RELEASE >= (6, 3)
NATIVE = () if TELLS else (("xdp-mode", "native"),)
PATIENCE = 30


class CardLab(VlanLab):
    """With virtio cards as the members, whose other ends are the switch's."""

    def __init__(self, **options):
        super().__init__(**options)
        self._numbers, self._plugged = [], []

    def _build_direct(self):
        self._numbers = need_cards("virtio-net-pci", 2)
        super()._build_direct()

    def _plug(self, host, name, port):
        if host is not self.server:
            super()._plug(host, name, port)
            return
        number = self._numbers.pop(0)
        for card, there, called in ((Card(number), host, name),
                                    (Card(number, near=False), self.switch, port)):
            card.reset()
            card.give(there, called)
            self._plugged.append(card)
            # They do not say; 802.3ad wants to know.
            there.run("ethtool", "-s", called, "speed", "1000", "duplex", "full")
        self.switch.ip("link", "set", port, "master", "br0", "up")
        host.ip("link", "set", name, "up")

    def __exit__(self, *error):
        for card in self._plugged:
            card.leave()
        super().__exit__(*error)


class NoBonds:
    """Skips all tests where there are no bonds."""

    def __enter__(self):
        need("bond", "vlan")

    def __exit__(self, *_):
        pass


def need_native():
    if RELEASE < (5, 15):
        skip("bonds have no XDP before Linux 5.15")


def said(server, pattern):
    check(server.log_lines(pattern), f"no line {pattern!r}:\n{server.log()}")


def check_families(lab, server):
    for kind in (Talk, Talk6):
        with kind(lab) as talk:
            talk.wait_kernel(server, PATIENCE).check_kernel(server, 10)


def set_cable(lab, card, state):
    """At both ends: a virtio card does not see that the other one is down."""
    lab.server.ip("link", "set", card, state)
    lab.switch.ip("link", "set", {"nic": "port0", "nic1": "port1"}[card], state)


def mode_test(mode, kind, lab_of):
    @test(f"{mode}, {kind}: native, by either member, by IPv4 and IPv6", seconds=480)
    def _mode(_):
        need_native()
        with lab_of(bond=mode) as lab, PatientServer(lab, *NATIVE) as server:
            check_equal(server.xdp(), ["bond0"], "interfaces with XDP")
            said(server, "bond0: native mode by nic, nic1, mtu 1500")
            check_families(lab, server)
            for lost, back in (("nic", None), ("nic1", "nic")):
                if back:
                    set_cable(lab, back, "up")
                set_cable(lab, lost, "down")
                check_families(lab, server)


for _mode in ("active-backup", "active-backup fail_over_mac active", "balance-rr", "balance-xor",
              "balance-xor xmit_hash_policy layer3+4", "802.3ad lacp_rate fast"):
    mode_test(_mode, "veths", VlanLab)
for _mode in ("active-backup", "balance-xor", "802.3ad lacp_rate fast"):
    mode_test(_mode, "virtio cards", CardLab)


@test("VLANs above a bond: native, on the bond", seconds=360)
def vlans(_):
    need_native()
    with VlanLab("10", "20", bond="active-backup") as lab, PatientServer(lab, *NATIVE) as server:
        check_equal(server.xdp(), ["bond0"], "interfaces with XDP")
        said(server, "bond0.10: native mode on bond0 by nic, nic1, mtu 1500")
        said(server, "bond0.20: native mode on bond0 by nic, nic1, mtu 1500")
        for kind in (Talk, Talk6):
            with kind(lab) as talk:
                talk.wait_kernel(server, PATIENCE)
                check_tags(lab, server, talk)
                lab.server.ip("link", "set", "nic", "down")
                talk.wait_kernel(server, PATIENCE)
                check_tags(lab, server, talk)
                lab.server.ip("link", "set", "nic", "up")


@test("turnutils_xdp capture names the member that a packet came in by, and the bond that it leaves by", seconds=240)
def captured(_):
    need_native()
    with VlanLab(bond="active-backup") as lab, PatientServer(lab, *NATIVE) as server, Talk(lab) as talk:
        talk.wait_kernel(server, PATIENCE)
        with Tracing(server, "-c", 1) as tracing:
            check(talk.to_peer(b"to the peer"), "to the peer")
            line = tracing.ends().decode()
        check(re.search(r" in nic .*, out bond0 ", line), line)


@test("copies that a backup member receives are not relayed", seconds=240)
def copies(_):
    need_native()
    with VlanLab(bond="active-backup") as lab, PatientServer(lab, *NATIVE) as server, Talk(lab) as talk:
        talk.wait_kernel(server, PATIENCE)
        # The switch knows no longer where the server is, and sends by both ports.
        for port in ("port0", "port1"):
            lab.switch.ip("link", "set", port, "type", "bridge_slave", "learning", "off")
        lab.switch.ip("link", "set", "br0", "type", "bridge", "fdb_flush")

        def flooded():
            with Verdicts(server.offload) as verdicts:
                check(talk.works(), "data did not arrive")
            return verdicts["NOT_OURS"] >= 2
        wait_until(flooded, PATIENCE, "copies at the backup member")
        talk.check_kernel(server, 20)


def check_changes(lab, server, talk):
    """Members go and come, one by one, then all."""
    for leaves, stays in (("nic", "nic1"), ("nic1", "nic")):
        lab.server.ip("link", "set", leaves, "nomaster")
        talk.wait_kernel(server, PATIENCE)
        server.wait_log(f"bond0: native mode by {stays}, mtu 1500", PATIENCE)
        VlanLab.join(lab.server, "bond0", leaves)
        talk.wait_kernel(server, PATIENCE)
    for name in ("nic", "nic1"):
        lab.server.ip("link", "set", name, "nomaster")
    server.wait_log("bond0: native mode, mtu 1500", PATIENCE)
    VlanLab.join(lab.server, "bond0", "nic1")
    talk.wait_kernel(server, PATIENCE)


@test("members come and go under traffic", seconds=480)
def members(_):
    need_native()
    with VlanLab(bond="active-backup") as lab:
        with PatientServer(lab, *NATIVE) as server, Talk(lab) as talk, \
                Talk(lab, number=0x4002, client=talk.client) as other:
            talk.wait_kernel(server, PATIENCE)
            with Chatter(other):
                check_changes(lab, server, talk)
            talk.check_kernel(server, 20)
            check_equal(server.xdp(), ["bond0"], "interfaces with XDP")
            shown = command([tool("turnutils_xdp")]).stdout
            check("native mode by nic1, mtu 1500" in shown, f"not shown:\n{shown}")
        check_equal(attached(lab.server), [], "interfaces with XDP after the server")


def generic(client, peer, names):
    with VlanLab(client, peer, bond="active-backup") as lab, \
            PatientServer(lab, ("xdp-mode", "generic")) as server:
        check_equal(server.xdp(), names, "interfaces with XDP")
        with Talk(lab, checksums=False) as talk:
            talk.wait_kernel(server, PATIENCE)
            check_tags(lab, server, talk)
            # The other member takes over, and its frames are the bond's as well.
            lab.server.ip("link", "set", "nic", "down")
            talk.wait_kernel(server, PATIENCE)
            check_tags(lab, server, talk)


@test("generic mode, where it is wanted: on the bond", seconds=240)
def wanted(_):
    generic("", "", ["bond0"])


@test("generic mode, where it is wanted: on the VLANs above a bond", seconds=240)
def wanted_vlans(_):
    generic("10", "20", ["bond0.10", "bond0.20"])


@test("a member without XDP: generic, as long as it is one", seconds=360)
def without(_):
    need("dummy")
    with VlanLab(bond="active-backup") as lab:
        lab.server.ip("link", "add", "dummy0", "type", "dummy")
        VlanLab.join(lab.server, "bond0", "dummy0")
        with PatientServer(lab) as server, Talk(lab, checksums=False) as talk:
            said(server, "bond0: generic mode, mtu 1500: .*dummy0" if TELLS else "bond0: generic mode")
            talk.wait_kernel(server, PATIENCE).check_kernel(server, 10)
            if not TELLS:
                return
            lab.server.ip("link", "set", "dummy0", "nomaster")
            server.wait_log("bond0: native mode by nic, nic1", PATIENCE)
            talk.wait_kernel(server, PATIENCE).check_kernel(server, 10)
            # The kernel does not take it while the program is there.
            lab.server.ip("link", "set", "dummy0", "down")
            done = lab.server.run("ip", "link", "set", "dummy0", "master", "bond0", check=False)
            check(done.returncode, "a member without XDP came in")
            talk.check_kernel(server, 10)


@test("a mode that has no XDP: generic", seconds=240)
def no_xdp(_):
    with VlanLab(bond="balance-alb") as lab, PatientServer(lab) as server:
        said(server, "bond0: generic mode, mtu 1500: the mode of the bond has no XDP")
        with Talk(lab, checksums=False) as talk:
            talk.wait_kernel(server, PATIENCE).check_kernel(server, 10)


@test("a member by name: left out, and the log names the bond", seconds=240)
def by_name(_):
    need_native()
    with VlanLab(bond="active-backup") as lab, \
            PatientServer(lab, *NATIVE, ("xdp-interface", "nic"), ("xdp-interface", "bond0")) as server:
        said(server, "nic: left out.*nic is a member of bond0.*name bond0 with xdp-interface")
        check_equal(server.xdp(), ["bond0"], "interfaces with XDP")
        with Talk(lab) as talk:
            talk.wait_kernel(server, PATIENCE).check_kernel(server, 10)


if __name__ == "__main__":
    note(f"Linux {'.'.join(map(str, RELEASE))}")
    run(NoBonds())
