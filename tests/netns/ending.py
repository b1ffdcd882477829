# SPDX-License-Identifier: BSD-3-Clause
"""When the traffic of a channel ended."""

import contextlib
import time

from capture import Capture
from talk import Chatter
from tap import check, note

# coturn's timers have a resolution of a second, and may take it twice (sweeps).
SLACK = 2.0


class Ending:
    """Traffic of a talk, from `with` until seen(): when it ended."""

    def __init__(self, lab, talk):
        self._stack = contextlib.ExitStack()
        self._captures = [self._stack.enter_context(Capture(host)) for host in (lab.peer, lab.client)]
        self._ports = talk.port, talk.client.port
        self._chatter = Chatter(talk)
        self._began = None

    def __enter__(self):
        self._stack.enter_context(self._chatter)
        time.sleep(0.2)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """No more traffic."""
        self._stack.close()

    def begin(self, when=None):
        """What ends the channel happens now, or did at a time (time.time())."""
        self._began = when or time.time()

    def seen(self, seconds, quiet=1.0):
        """Seconds from begin() to the last packet at the peer and at the client, once
        none has come for `quiet` seconds. It must end within `seconds`."""
        last = [self._began] * 2
        end = time.time() + seconds + quiet
        while time.time() < max(last) + quiet:
            check(time.time() < end, f"still relayed after {seconds} s")
            time.sleep(0.05)
            for way, (capture, port) in enumerate(zip(self._captures, self._ports)):
                last[way] = max([last[way]] + [one.when for one in capture.udp()
                                               if one.dport == port and b"chatter" in one.payload])
        # What follows counts its own packets.
        self.stop()
        return [round(one - self._began, 2) for one in last]


def check_times(off, on, what):
    """Times of an end, off and on: as early and as late as coturn's own."""
    note(f"{what}: off {off}, on {on}")
    for one, other in zip(off, on):
        check(abs(one - other) <= SLACK, f"{what}: ends {one} s after it without the offload, {other} with")
