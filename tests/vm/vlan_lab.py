# SPDX-License-Identifier: BSD-3-Clause
"""A server with one network card, on which VLANs arrive.

           client              peer
        eth0[.VLAN]         eth0[.VLAN]
             |                   |
             +----- switch ------+
                      |
                     nic
              nic[.VLAN], nic[.VLAN]
                    server

Addresses are those of the topology `direct`. The names of VLANs say how frames
are tagged, outermost first: "" not at all, "10" 802.1Q, "ad100" 802.1ad,
"ad100.20" both. The switch knows nothing of VLANs and lets all pass.

A card takes the tag out of the frame, or leaves it in: `in_frame`. What takes it
out here is the veth, as far as its other end does not put it in before.

With `bond` the server's card is a bond of two cards, `nic` and `nic1`, in that mode; further
options of ip-link(8) may follow. For a mode that wants it, the switch has a bond as well.
"""

import socket
import struct

from carriers import RELEASE
from kernel import Verdicts
from lab import CLIENT, PEER, RELAY, SERVER, Lab
from netns import command
from tap import Skipped, check, check_equal
from wire import Packet

Q, AD = 0x8100, 0x88A8

_ETH_P_ALL = 3
_SOL_PACKET, _AUXDATA, _IGNORE_OUTGOING = 263, 8, 23
_VLAN_VALID = 1 << 4


def tags_of(vlan):
    """[(protocol, identifier), …] of a VLAN's name."""
    return [(AD if name.startswith("ad") else Q, int(name.removeprefix("ad")))
            for name in vlan.split(".") if name]


def need(*kinds):
    """Skips where the kernel cannot make such interfaces."""
    for kind in kinds:
        # A VLAN says first that it wants a device; only its driver can say so.
        done = command(["unshare", "-n", "ip", "link", "add", "probe", "type", kind], check=False)
        if "Unknown device type" in done.stdout:
            raise Skipped(f"this kernel has no {kind} interfaces")


# The smallest XDP program: it passes everything.
_PASS = """
__attribute__((section("xdp"), used)) int pass(void *context) { return 2; }
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def take_redirects(host, name, folder):
    """Before Linux 5.13 GRO is not enough for a veth to take what an XDP program at its
    other end sends: it needs a program of its own."""
    if RELEASE >= (5, 13):
        return
    source, made = folder / "pass.c", folder / "pass.o"
    source.write_text(_PASS, encoding="ascii")
    command(["clang", "-O2", "-target", "bpf", "-c", source, "-o", made])
    host.run("ip", "link", "set", "dev", name, "xdp", "obj", made, "sec", "xdp")


class VlanLab(Lab):
    def __init__(self, client="", peer="", in_frame=True, bond=None, mtu=1500):
        super().__init__("direct", ipv6=True)
        self.vlans = {"client": client, "peer": peer}
        self._in_frame = in_frame
        self._bond = bond
        self._mtu = mtu
        self.nic = "bond0" if bond else "nic"

    def _build_direct(self):
        for name in ("client", "server", "peer", "switch"):
            self.add(name)
        self.bridge(self.switch)
        for number, (host, name) in enumerate(self._cards()):
            self._plug(host, name, f"port{number}")
        if self._bond:
            self._tie()
        for host, vlan, near, far in ((self.client, self.vlans["client"], SERVER, CLIENT),
                                      (self.peer, self.vlans["peer"], RELAY, PEER)):
            self.add_vlan(self.server, self.nic, vlan, near + "/24")
            self.add_vlan(host, "eth0", vlan, far + "/24")
            host.add_route("default", near)

    def _cards(self):
        cards = ("nic", "nic1") if self._bond else ("nic",)
        return [*((self.server, name) for name in cards),
                (self.client, "eth0"), (self.peer, "eth0")]

    def _plug(self, host, name, port):
        switch = self.switch
        # Made where it belongs: a card of the guest may have this name outside.
        host.ip("link", "add", name, "mtu", self._mtu, "type", "veth",
                "peer", "name", port, "mtu", self._mtu, "netns", switch.name)
        switch.ip("link", "set", port, "master", "br0", "up")
        host.ip("link", "set", name, "up")
        # Without it a veth drops what an XDP program at its other end sends.
        switch.run("ethtool", "-K", port, "gro", "on")
        take_redirects(switch, port, self.folder)
        if self._in_frame:
            switch.run("ethtool", "-K", port, "tx-vlan-hw-insert", "off",
                       "tx-vlan-stag-hw-insert", "off")

    def _tie(self):
        self._make_bond(self.server, "bond0", ("nic", "nic1"))
        self.server.ip("link", "set", "bond0", "up")
        if self._bond.split()[0] in ("balance-xor", "802.3ad"):
            self._make_bond(self.switch, "bond1", ("port0", "port1"))
            self.switch.ip("link", "set", "bond1", "master", "br0", "up")

    def _make_bond(self, host, name, members):
        host.ip("link", "add", name, "type", "bond", "miimon", "50", "mode", *self._bond.split())
        for member in members:
            self.join(host, name, member)

    @staticmethod
    def join(host, bond, member):
        """Makes a card a bond's member, which has to be down for it."""
        host.ip("link", "set", member, "nomaster")
        host.ip("link", "set", member, "down")
        host.ip("link", "set", member, "master", bond)
        host.ip("link", "set", member, "up")

    @staticmethod
    def vlan_name(card, vlan):
        return ".".join([card, *vlan.split(".")]) if vlan else card

    def add_vlan(self, host, card, vlan, address=None):
        """The VLAN's interface, and those below it; its name."""
        lower = card
        for name, (protocol, number) in zip(vlan.split("."), tags_of(vlan)):
            upper = f"{lower}.{name}"
            if host.run("ip", "link", "show", upper, check=False).returncode:
                host.ip("link", "add", "link", lower, "name", upper, "type", "vlan", "protocol",
                        "802.1ad" if protocol == AD else "802.1Q", "id", str(number))
                host.ip("link", "set", upper, "up")
            lower = upper
        if address:
            host.add_address(lower, address)
        return lower

    def interfaces(self):
        """Of the server, those that have the addresses."""
        return sorted({self.vlan_name(self.nic, vlan) for vlan in self.vlans.values()})


class Tagged:
    """Frames that arrive at a host's card, each as (tags, packet)."""

    def __init__(self, host, card="eth0"):
        with host.enter():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.setsockopt(_SOL_PACKET, _AUXDATA, 1)
            self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
            self._socket.bind((card, _ETH_P_ALL))
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _read(self):
        try:
            frame, extra, _, _ = self._socket.recvmsg(65600, 256)
        except BlockingIOError:
            return None
        tags = []
        for level, kind, data in extra:
            if (level, kind) == (_SOL_PACKET, _AUXDATA):
                # struct tpacket_auxdata: the kernel takes the outermost tag out.
                status, _, _, _, _, tci, protocol = struct.unpack("=IIIHHHH", data[:20])
                if status & _VLAN_VALID:
                    tags.append((protocol, tci & 0xFFF))
        while (protocol := struct.unpack_from("!H", frame, 12)[0]) in (Q, AD):
            tags.append((protocol, struct.unpack_from("!H", frame, 14)[0] & 0xFFF))
            frame = frame[:12] + frame[16:]
        return tags, Packet(frame)

    def datagrams(self):
        """All UDP datagrams until now."""
        found = []
        while (one := self._read()) is not None:
            if one[1].sport is not None:
                found.append(one)
        return found


def tagged(source, destination, tags, packet, kind):
    """A frame with these (protocol, TCI)."""
    head = b"".join(struct.pack("!HH", *tag) for tag in tags)
    return destination + source + head + struct.pack("!H", kind) + packet


def seen(lab, talk):
    """Sends five each way; how they were tagged where they arrived, and what was
    wrong with them."""
    tags, faults = {"client": set(), "peer": set()}, []
    with Tagged(lab.client) as client, Tagged(lab.peer) as peer:
        for number in range(5):
            check(talk.to_peer(b"seen %d" % number), "data to the peer did not arrive")
            check(talk.to_client(b"seen %d" % number), "data to the client did not arrive")
        for name, capture in (("client", client), ("peer", peer)):
            for found, packet in capture.datagrams():
                if b"seen " in packet.payload:
                    tags[name].add(tuple(found))
                    faults += packet.faults()
    return tags, faults


def check_tags(lab, server, talk):
    """Five packets each way: through the kernel, and tagged as they should be."""
    with Verdicts(server.offload) as verdicts:
        tags, faults = seen(lab, talk)
    check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (5, 5),
                f"packets through the kernel; all verdicts {verdicts.changed()}")
    check_equal(tags, {name: {tuple(tags_of(vlan))} for name, vlan in lab.vlans.items()}, "tags")
    check_equal(faults, [], "what is wrong with them")
