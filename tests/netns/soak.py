#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Rulesets, addresses and filters of cgroups that come and go at random, under steady traffic
of several channels, for as long as wanted:

    sudo python3 -B tests/netns/soak.py --seconds 900 [--seed N] [--mode native|generic]

Each receiver looks at every datagram. Nothing may arrive that does not arrive with the offload
off, and nothing be lost that is not lost then; around a change either is right, for the second
in which it is followed and a margin. `--mode off` shows that this holds without the offload.
"""

import argparse
import contextlib
import random
import sys
import time

import cgroup
import family
import firewall
from family import IPV4, IPV6
from firewall import STATEFUL, chain
from framed import DIRECTIONS, Framed
from server import Server
from steady import Steady
from tap import Failed, Skipped, check, note, wait_until

MARGIN = 3       # seconds after a change in which either is right
PART = 480       # seconds for which one server runs: nobody refreshes the channels, which last 600
BEFORE = 0.5     # what was sent so long before a change may still be on its way


class Change:
    """Something that an operator does, and undoes. `stops` are the channels and directions whose
    data do not arrive meanwhile. `unsettles`: some data of any channel may be lost when it begins,
    as conntrack takes what a peer sends for new until its client has sent again."""

    def __init__(self, name, make, stops=(), unsettles=False):
        self.name, self.make, self.stops, self.unsettles = name, make, stops, unsettles


def _rules(lab, text):
    return lambda: firewall.ruleset(lab.server, text)


@contextlib.contextmanager
def _other_address(lab):
    lab.server.ip("address", "add", "192.0.2.200/24", "dev", "to-client")
    try:
        yield
    finally:
        lab.server.ip("address", "delete", "192.0.2.200/24", "dev", "to-client")


def changes(lab, own, names):
    """All of them; `names` are the channels of each family."""
    def incoming(of):
        return [(name, "to_client") for name in names[of.number]]

    found = [Change("a stateful ruleset", _rules(lab, STATEFUL), unsettles=True),
             Change("an address more", lambda: _other_address(lab))]
    for of in (IPV4, IPV6):
        rule = of.rules("<ip> saddr <peer> udp sport 1-65535 drop")
        for hook, priority in (("input", 0), ("prerouting", -300)):
            found.append(Change(f"{hook} drops what IPv{of.number} peers send", _rules(
                lab, chain("filter", hook, rule, priority=priority, table="inet")), incoming(of)))
        found.append(Change(f"a filter of the cgroup drops what IPv{of.number} peers send", lambda of=of: cgroup.attached(
            lab, own, cgroup.INGRESS, cgroup.from_address(of.peer)), incoming(of)))
        found.append(Change(f"a filter of the cgroup that lets all IPv{of.number} by", lambda of=of: cgroup.attached(
            lab, own, cgroup.EGRESS, cgroup.to_address(of.no_host))))
    return found


class Soak:
    """What is to arrive, by the time at which it was sent."""

    def __init__(self, channels):
        self.channels = channels  # Steady, by name
        now = time.monotonic()
        # Since when each channel and direction has been stopped, or not; the last change.
        self.state = {(name, direction): (True, now) for name in channels for direction in DIRECTIONS}
        self.checked = 0

    def changed(self, change, arrives, begun):
        """A change has been made: it has taken effect at some time after `begun`."""
        now = time.monotonic()
        for key, (was, since) in self.state.items():
            if key in change.stops or change.unsettles:
                self._judge(key, was, since, begun)
                self.state[key] = arrives or key not in change.stops, now

    def _judge(self, key, arrives, since, now):
        """Looks at what was sent from some time after one change to some time before the next."""
        name, direction = key
        begin, end = since + MARGIN, now - BEFORE
        if end <= begin:
            return
        late = self.channels[name].wrong(direction, begin, end, arrives)
        self.checked += sum(begin <= when < end for when in self.channels[name].sent[direction])
        check(not late, f"{name} {direction}: {'lost' if arrives else 'relayed'} {MARGIN + late:.2f} s after a change")

    def judge_all(self):
        now = time.monotonic()
        for key, (arrives, since) in self.state.items():
            self._judge(key, arrives, since, now)


def soak(lab, seconds, mode, seed):
    choice = random.Random(seed)
    options = [] if mode == "off" else [("xdp-mode", mode), ("xdp-required", None)]
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(cgroup.Cgroup())
        server = stack.enter_context(Server(lab, *options, offload=mode != "off", prefix=own.prefix()))
        channels, names = {}, {4: [], 6: []}
        for number, of in enumerate((IPV4, IPV6) * 2):
            name = f"channel {number}, IPv{of.number}"
            channel = stack.enter_context(Framed(lab, of, 0x4001 + number, (40001 + number, 5001 + number)))
            wait_until(channel.works, 5, f"{name} works")
            names[of.number].append(name)
            channels[name] = stack.enter_context(Steady(channel, interval=0.02))
        run = Soak(channels)
        possible = changes(lab, own, names)
        end = time.monotonic() + seconds
        count = 0
        try:
            while time.monotonic() < end:
                change = choice.choice(possible)
                note(f"{seconds - (end - time.monotonic()):.0f} s: {change.name}")
                begun = time.monotonic()
                with change.make():
                    run.changed(change, False, begun)
                    time.sleep(choice.uniform(0.01, 8))
                    begun = time.monotonic()
                run.changed(change, True, begun)
                time.sleep(choice.uniform(0.01, 6))
                count += 1
            time.sleep(MARGIN + BEFORE + 1)
            run.judge_all()
        except Failed:
            note(server.log()[-3000:])
            raise
        if mode != "off":
            for one in channels.values():
                one.wait_kernel(server, 10)
        note(f"{count} changes, {run.checked} datagrams checked, of {len(server.log().splitlines())} lines of log")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--mode", choices=("native", "generic", "off"), default="native")
    wanted = parser.parse_args()
    note(f"--seed {wanted.seed} --mode {wanted.mode} --seconds {wanted.seconds}")
    try:
        with family.fixture() as lab:
            for part, begin in enumerate(range(0, wanted.seconds, PART)):
                soak(lab, min(PART, wanted.seconds - begin), wanted.mode, wanted.seed + part)
    except Skipped as reason:
        print(f"ok 1 - soak # SKIP {reason}")
        return 0
    except Failed as failed:
        print(f"not ok 1 - soak: {failed}")
        return 1
    print("ok 1 - soak")
    return 0


if __name__ == "__main__":
    sys.exit(main())
