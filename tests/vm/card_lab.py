# SPDX-License-Identifier: BSD-3-Clause
"""The topology `direct` (tests/netns/lab.py) over cards of a guest: the server has the
near card of two pairs, client and peer have the far ones.

           client ======== server ======== peer
             eth0   to-client  to-peer     eth0
"""

import re

from cards import Card, need
from lab import CLIENT, PEER, RELAY, SERVER, Lab
from netns import command
from server import Server
from tap import Failed


def complaints():
    """What the kernel has complained of since it started. A card whose merged receiving cannot be
    switched off is a complaint of generic mode's, but does no harm to UDP."""
    return [line for line in command(["dmesg"]).stdout.splitlines()
            if re.search(r"BUG:|WARNING:|Oops|general protection|NETDEV WATCHDOG", line)
            and "generic_xdp_install" not in line]


class PatientServer(Server):
    """A server of a guest, whose kernel takes long to verify the program."""

    def wait_ready(self, seconds=90):
        super().wait_ready(seconds)


class CardLab(Lab):
    """With the cards as attributes: near_client, far_client, near_peer, far_peer. A kernel
    that complains meanwhile is a failure."""

    def __init__(self, card, mtu=1500):
        super().__init__("direct")
        self._card = card
        self._mtu = mtu
        self._complaints = None
        self.near_client = self.far_client = self.near_peer = self.far_peer = None

    def _build_direct(self):
        numbers = need(self._card, 2)
        self._complaints = complaints()
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        self.near_client, self.near_peer = (Card(number) for number in numbers)
        self.far_client, self.far_peer = (Card(number, near=False) for number in numbers)
        for card in self.cards():
            card.reset()
        self.plug(self.far_client, client, "eth0", CLIENT)
        self.plug(self.far_peer, peer, "eth0", PEER)
        self.plug(self.near_client, server, "to-client", SERVER)
        self.plug_server_peer()
        client.add_route("default", SERVER)
        peer.add_route("default", RELAY)

    def __exit__(self, error=None, *_):
        for card in self.cards():
            card.leave()
        super().__exit__()
        new = [line for line in complaints() if line not in (self._complaints or [])]
        if new and not error:
            raise Failed("the kernel complains: " + "\n".join(new))

    def cards(self):
        """All that are plugged in."""
        return [card for card in (self.near_client, self.near_peer, self.far_client, self.far_peer) if card]

    def plug(self, card, host, name, address):
        card.give(host, name)
        host.ip("link", "set", name, "mtu", str(self._mtu), "up")
        host.add_address(name, address + "/24")

    def plug_server_peer(self):
        """The near card of the peer's pair, after its driver has taken it again."""
        self.plug(self.near_peer, self.server, "to-peer", RELAY)

    def set_mtu(self, mtu):
        """Of all cards: those that send get the larger one last."""
        if mtu == self._mtu:
            return
        near, far = [self.near_client, self.near_peer], [self.far_client, self.far_peer]
        for card in far + near if mtu > self._mtu else near + far:
            card.host.ip("link", "set", card.name, "mtu", mtu)
        self._mtu = mtu
