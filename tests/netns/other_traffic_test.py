#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Traffic on the server's interface that is not TURN: a flood of pings and a TCP download go on
through all that the offload does to the interface. No ping is lost but those that the same
change loses without the server, and the download is whole.
"""

import contextlib
import hashlib
import select
import socket
import struct
import time

from background import Background
from carriers import GENERIC, NATIVE, RELEASE, modes
from lab import CLIENT, SERVER, Lab
from server import Server, attached
from talk import Talk
from tap import check, check_equal, note, run, skip, test, wait_until

SO_RCVBUFFORCE = 33
ECHO, REPLY = 8, 0
INTERVAL = 0.0005   # between two pings
SIZES = (56, 1000)  # of their data
PORT = 8000
BLOCK = 65536
ENOUGH = 200        # pings that have to come back after a change


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Flood(Background):
    """Pings from a namespace to an address, from `with` to its end."""

    def __init__(self, namespace, address):
        super().__init__(self._send, self._receive)
        with namespace.enter():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self._socket.connect((address, 0))
        self._identifier = id(self) & 0xFFFF
        self.sent = 0
        self.refused = set()
        self.back = set()

    def __exit__(self, *_):
        super().__exit__()
        self._socket.close()

    def _send(self):
        begin = time.monotonic()
        while not self._stop.is_set():
            data = struct.pack("!Q", self.sent).ljust(SIZES[self.sent % len(SIZES)], b".")
            head = struct.pack("!BBHHH", ECHO, 0, 0, self._identifier, self.sent & 0xFFFF)
            head = head[:2] + struct.pack("!H", _checksum(head + data)) + head[4:]
            try:
                self._socket.send(head + data)
            except OSError:
                self.refused.add(self.sent)
            self.sent += 1
            begin = max(begin + INTERVAL, time.monotonic() - 0.01)
            time.sleep(max(0, begin - time.monotonic()))

    def _receive(self):
        while not self._stop.is_set():
            if not select.select([self._socket], [], [], 0.1)[0]:
                continue
            packet = self._socket.recv(4096)[20:]
            if packet[0] == REPLY and struct.unpack_from("!H", packet, 4)[0] == self._identifier:
                self.back.add(struct.unpack_from("!Q", packet, 8)[0])

    def lost(self, first, last):
        return [number for number in range(first, last) if number not in self.back]


class Download(Background):
    """Bytes that the server's host sends to the client by TCP, from `with` to its end."""

    def __init__(self, lab):
        super().__init__(self._send, self._receive, patience=35)
        self._listener = lab.server.socket(SERVER, PORT, socket.SOCK_STREAM)
        self._listener.listen()
        self._client = lab.client.socket(CLIENT, 0, socket.SOCK_STREAM)
        self._client.settimeout(30)
        self._client.connect((SERVER, PORT))
        self._server, _ = self._listener.accept()
        self._server.settimeout(30)
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.count = 0

    def __exit__(self, error, *_):
        super().__exit__()
        for one in (self._server, self._client, self._listener):
            one.close()
        if not error:
            check_equal(self.received.digest(), self.sent.digest(), "what the download has received")

    def _send(self):
        number = 0
        while not self._stop.is_set():
            block = hashlib.sha256(b"%d" % number).digest() * (BLOCK // 32)
            self._server.sendall(block)
            self.sent.update(block)
            number += 1
            # It is to go on, not to take all of the machine.
            time.sleep(0.002)
        self._server.shutdown(socket.SHUT_WR)

    def _receive(self):
        while block := self._client.recv(BLOCK):
            self.received.update(block)
            self.count += len(block)


class Others:
    """Both, and what each change has lost."""

    def __init__(self, lab):
        self._flood = Flood(lab.client, SERVER)
        self._download = Download(lab)
        self.lost = {}

    def __enter__(self):
        self._download.__enter__()
        self._flood.__enter__()
        self._goes_on()
        return self

    def __exit__(self, *what):
        self._flood.__exit__(*what)
        self._download.__exit__(*what)

    def _goes_on(self):
        pings, count = len(self._flood.back), self._download.count
        wait_until(lambda: len(self._flood.back) >= pings + ENOUGH and self._download.count > count + 4 * BLOCK, 20,
                   "pings and the download go on")

    @contextlib.contextmanager
    def during(self, what):
        """Counts the pings that are lost by what is done here."""
        first = self._flood.sent
        yield
        self._goes_on()
        last = self._flood.sent
        # Pings that come back later than those sent after them are not lost.
        end = time.monotonic() + 2
        while self._flood.lost(first, last) and time.monotonic() < end:
            time.sleep(0.02)
        lost = self._flood.lost(first, last)
        self.lost[what] = len(lost)
        note(f"{what}: {len(lost)} of {last - first} pings lost")


def _started(lab, others, what, mode, *options):
    server = Server(lab, ("xdp-mode", mode), *options)
    with others.during(what):
        server.__enter__()
    return server


def _no_more(with_server, without):
    for what, lost in with_server.items():
        check(lost <= without.get(what, 0), f"{what}: {lost} pings lost, without the server {without.get(what, 0)}")


def _mtu(lab, others):
    for mtu in (1400, 1500):
        with others.during(f"mtu {mtu}"):
            lab.server.ip("link", "set", "to-client", "mtu", mtu)


def _set_gro(lab, state):
    lab.client.run("ethtool", "-K", "eth0", "gro", state)


def _gro(lab, others, state):
    with others.during(f"gro {state}"):
        _set_gro(lab, state)


def _without(lab):
    """What the changes lose that are not the server's own."""
    with Others(lab) as others:
        _mtu(lab, others)
        _gro(lab, others, "off")
        _gro(lab, others, "on")
        return others.lost


def _wait_mode(lab, mode):
    wait_until(lambda: modes(lab.server).get("to-client") == mode, 15, f"mode {mode} of to-client")


@test("attach, MTU, detach, and SIGKILL, in native and generic mode", seconds=180)
def attached_and_detached(lab):
    without = _without(lab)
    for mode, number in (("native", NATIVE), ("generic", GENERIC)):
        with Others(lab) as others:
            server = _started(lab, others, f"{mode}: attach", mode)
            try:
                check_equal(modes(lab.server), {"to-client": number, "to-peer": number}, "modes")
                with Talk(lab, checksums=False) as talk:
                    talk.wait_kernel(server)
                _mtu(lab, others)
            finally:
                with others.during(f"{mode}: detach"):
                    server.stop()
            check(not attached(lab.server), "the program is still attached")
            server = _started(lab, others, f"{mode}: attach again", mode)
            try:
                with others.during(f"{mode}: SIGKILL"):
                    server.kill()
                    wait_until(lambda: not attached(lab.server), 5, "the program is gone")
            finally:
                server.stop()
        _no_more(others.lost, without)


@test("the mode changes while the server runs", seconds=120)
def mode_changes(lab):
    if RELEASE < (6, 3):
        skip("this kernel does not say what drivers can do with XDP (before 6.3)")
    without = _without(lab)
    names = [("xdp-interface", name) for name in ("to-client", "to-peer", "late")]
    with Others(lab) as others:
        _gro(lab, others, "off")
        server = _started(lab, others, "attach", "auto", *names)
        try:
            check_equal(modes(lab.server)["to-client"], GENERIC, "mode of to-client")
            with others.during("gro on"):
                _set_gro(lab, "on")
                _wait_mode(lab, NATIVE)
            # An interface that can only be generic makes the others generic.
            with others.during("another interface comes"):
                lab.server.ip("link", "add", "late", "type", "bridge")
                _wait_mode(lab, GENERIC)
            with others.during("another interface goes"):
                lab.server.ip("link", "delete", "late")
                _wait_mode(lab, NATIVE)
        finally:
            server.stop()
            lab.server.run("ip", "link", "delete", "late", check=False)
            _set_gro(lab, "on")
    _no_more(others.lost, without)


if __name__ == "__main__":
    run(Lab("direct"))
