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

With `bond` the server's card is a bond of two.
"""

import re
import socket
import struct
from pathlib import Path

from lab import CLIENT, PEER, RELAY, SERVER, Lab
from netns import command
from tap import Skipped
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


def linux():
    """(major, minor) of the kernel."""
    text = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii")
    return tuple(int(word) for word in re.match(r"(\d+)\.(\d+)", text).groups())


# The smallest XDP program: it passes everything.
_PASS = """
__attribute__((section("xdp"), used)) int pass(void *context) { return 2; }
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def take_redirects(host, name, folder):
    """Before Linux 5.13 GRO is not enough for a veth to take what an XDP program at its
    other end sends: it needs a program of its own."""
    if linux() >= (5, 13):
        return
    source, made = folder / "pass.c", folder / "pass.o"
    source.write_text(_PASS, encoding="ascii")
    command(["clang", "-O2", "-target", "bpf", "-c", source, "-o", made])
    host.run("ip", "link", "set", "dev", name, "xdp", "obj", made, "sec", "xdp")


class VlanLab(Lab):
    def __init__(self, client="", peer="", in_frame=True, bond=False, mtu=1500):
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
        command(["ip", "link", "add", name, "mtu", self._mtu, "netns", host.name, "type", "veth",
                 "peer", "name", port, "mtu", self._mtu, "netns", switch.name])
        switch.ip("link", "set", port, "master", "br0", "up")
        host.ip("link", "set", name, "up")
        # Without it a veth drops what an XDP program at its other end sends.
        switch.run("ethtool", "-K", port, "gro", "on")
        take_redirects(switch, port, self.folder)
        if self._in_frame:
            switch.run("ethtool", "-K", port, "tx-vlan-hw-insert", "off",
                       "tx-vlan-stag-hw-insert", "off")

    def _tie(self):
        server = self.server
        server.ip("link", "add", "bond0", "type", "bond", "mode", "active-backup", "miimon", "50")
        for name in ("nic", "nic1"):
            server.ip("link", "set", name, "down")
            server.ip("link", "set", name, "master", "bond0")
        server.ip("link", "set", "bond0", "up")

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
