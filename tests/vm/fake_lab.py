# SPDX-License-Identifier: BSD-3-Clause
"""Topologies of tests/netns/lab.py over the cards of tests/vm/fakecard, which have the faults
that a test asks for. The server has the near ends.

direct      client ======== server ======== peer
              eth0   to-client  to-peer     eth0

one_leg     client ---- switch ---- peer
                          ||
                        server  to-client
"""

import ctypes
import os
import platform
from pathlib import Path

from card_lab import complaints
from lab import CLIENT, NEAR_PEER, PEER, RELAY, SERVER, Lab
from netns import command
from tap import Failed, skip

_ROOT = Path(__file__).resolve().parents[2]
_FINIT_MODULE, _DELETE_MODULE = 313, 176  # of x86_64
_libc = ctypes.CDLL(None, use_errno=True)


def _call(number, *arguments):
    if _libc.syscall(number, *arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _module():
    """The driver for the kernel that runs."""
    for folder in _ROOT.glob("build/vm/linux-*"):
        file = folder / "fakecard" / "fakecard.ko"
        if (folder / "lib" / "modules" / platform.release()).exists() and file.exists():
            return file
    return skip("needs a guest, and tests/vm/fakecard/build.sh for its kernel")


class FakeLab(Lab):
    """`parameters` are those of the driver. A kernel that complains is a failure."""

    def __init__(self, topology="direct", **parameters):
        super().__init__(topology)
        self._parameters = " ".join(f"{name}={value}" for name, value in parameters.items())
        self._loaded = False
        self._complaints = []

    def __enter__(self):
        module = _module()
        self._complaints = complaints()
        with open(module, "rb") as file:
            _call(_FINIT_MODULE, file.fileno(), self._parameters.encode(), 0)
        self._loaded = True
        return super().__enter__()

    def __exit__(self, error=None, *_):
        if self._loaded:
            self._loaded = False
            _call(_DELETE_MODULE, b"fakecard", 0)
        super().__exit__()
        new = [line for line in complaints() if line not in self._complaints]
        if new and not error:
            raise Failed("the kernel complains: " + "\n".join(new))

    @staticmethod
    def _plug(free, host, name, address=None):
        command(["ip", "link", "set", free, "netns", host.name, "name", name])
        if address:
            host.add_address(name, address + "/24")
        else:
            host.ip("link", "set", name, "master", "br0")
        host.ip("link", "set", name, "up")

    def _build_direct(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        self._plug("far0", client, "eth0", CLIENT)
        self._plug("far1", peer, "eth0", PEER)
        self._plug("near0", server, "to-client", SERVER)
        self._plug("near1", server, "to-peer", RELAY)
        client.add_route("default", SERVER)
        peer.add_route("default", RELAY)

    def _build_one_leg(self):
        client, server, peer = self.add("client"), self.add("server"), self.add("peer")
        switch = self.add("switch")
        self.bridge(switch)
        self._plug("far0", switch, "port0")
        self._plug("near0", server, "to-client", SERVER)
        self.link(client, "eth0", CLIENT + "/24", switch, "port1", None)
        self.link(peer, "eth0", NEAR_PEER + "/24", switch, "port2", None)
        for host in (client, peer):
            # A frame of the fake card has its checksum.
            host.run("ethtool", "-K", "eth0", "tx", "off")

    def set_mtu(self, mtu):
        """Of all cards of `direct`, the server's last when it grows and first when it shrinks."""
        hosts = [(self.client, "eth0"), (self.peer, "eth0"), (self.server, "to-client"), (self.server, "to-peer")]
        for host, name in hosts if mtu > 1500 else reversed(hosts):
            host.ip("link", "set", name, "mtu", str(mtu))
