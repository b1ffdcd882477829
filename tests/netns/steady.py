# SPDX-License-Identifier: BSD-3-Clause
"""Steady traffic in both directions of a channel, and when it began or ceased to arrive."""

import time

from background import Background
from framed import DIRECTIONS
from tap import check, wait_until


class Steady(Background):
    """Traffic over a Framed channel in the background, from `with` to its end. Each datagram has
    a number; who receives it twice, or what was never sent, is a fault."""

    def __init__(self, channel, interval=0.01, directions=DIRECTIONS):
        super().__init__(self._send, self._receive_at_peer, self._receive_at_client)
        self.channel = channel
        self._interval = interval
        self._directions = directions
        self.sent = {name: [] for name in DIRECTIONS}      # when, by number
        self._arrived = {name: {} for name in DIRECTIONS}  # when, by number
        self.faults = []

    def __exit__(self, error, *_):
        super().__exit__()
        check(error or not self.faults, f"faults: {self.faults[:5]}")

    def _send(self):
        begin = time.monotonic()
        send = {"to_peer": self.channel.send_to_peer, "to_client": self.channel.send_to_client}
        while not self._stop.is_set():
            for name in self._directions:
                self.sent[name].append(time.monotonic())
                send[name](b"%d %s" % (len(self.sent[name]) - 1, name.encode()))
            begin = max(begin + self._interval, time.monotonic() - 0.1)
            time.sleep(max(0, begin - time.monotonic()))

    def _receive_at_peer(self):
        self._receive("to_peer", self.channel.at_peer)

    def _receive_at_client(self):
        self._receive("to_client", self.channel.at_client)

    def _receive(self, name, receive):
        while not self._stop.is_set():
            if (found := receive(0.2)) is None:
                continue
            number, _, kind = found[0].partition(b" ")
            if kind.rstrip(b".") != name.encode() or int(number) in self._arrived[name]:
                if not found[0].startswith(b"works "):
                    self.faults.append(found)
            else:
                self._arrived[name][int(number)] = time.monotonic()

    def count(self, name):
        return len(self._arrived[name])

    def arriving(self, name, count=20):
        """Waits until the traffic of a direction arrives."""
        before = self.count(name)
        wait_until(lambda: self.count(name) >= before + count, 5, f"traffic {name} arrives")

    def wait_kernel(self, server, seconds=5, count=20):
        """Waits until the kernel relays in all directions; how long that took."""
        begin = time.monotonic()
        before = self.channel.in_kernel(server)

        def relayed():
            return all(name not in self._directions or now >= then + count for name, now, then in
                       zip(DIRECTIONS, self.channel.in_kernel(server), before))
        wait_until(relayed, seconds, f"relayed by the kernel; log:\n{server.log()}")
        return time.monotonic() - begin

    def wrong(self, name, begin, end, arrives):
        """When the last datagram was sent, of those from `begin` to `end`, that arrived and should not
        have, or the other way round: in seconds after `begin`, 0 for none."""
        found = [when for number, when in enumerate(self.sent[name]) if begin <= when < end
                 and (number in self._arrived[name]) != arrives]
        check(any(begin <= when < end for when in self.sent[name]), f"nothing was sent {name}")
        return max(found) - begin if found else 0
