#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Generated traffic leaves the server as the same packets with the offload off and on.

Off is the oracle. Exceptions, all of the IP layer: the IP ID, the flow label, whether the
UDP checksum is left to the device; the TTL of what came with one that is used up,
which is whatever coturn's socket had before, and with coturn 4.17.1 that of all that goes
to clients; and a wrong UDP checksum, with which the kernel drops a datagram and the offload
may pass it on, as long as it stays wrong. What is plain has to go through the kernel.

usage: generated_test.py [--seed N] [--seconds N] [--count N] [--first N] [--rows N]
  --seed     which traffic (default 1)
  --seconds  for how long (default 20)
  --count    end after so many packets
  --first    begin with this number
  --rows     print the first so many as rows for tests/packet/specimen_test.c, and compare nothing

What fails is made as simple as it can be and printed as such a row.
"""

import argparse
import collections
import contextlib
import dataclasses
import sys
import time

import generate
import specimen
import wire
from kernel import Verdicts
from quad import Quad, normal
from spec import Spec, ends
from tap import check, note, run, test
from upstream import ttl_means_something

BATCH = 40
# No more than coturn's sockets hold if it does not get to read them meanwhile.
BATCH_BYTES = 24000
FINDINGS = 5
MODES = ("native", "generic")


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name, default in (("seed", 1), ("seconds", 20), ("count", 1 << 60), ("first", 0),
                          ("rows", 0)):
        parser.add_argument("--" + name, type=int, default=default)
    found, sys.argv[1:] = parser.parse_known_args()
    return found


def without_ttl(data):
    if isinstance(data, str):
        return data
    if data[0] >> 4 == 6:
        return data[:7] + b"\0" + data[8:]
    return data[:8] + bytes(1) + data[9:10] + bytes(2) + data[12:]


def without_check(packet):
    """A datagram without its checksum, which is wrong."""
    data, at = packet.normal(), packet.header + 6
    return data[:at] + bytes(2) + data[at + 2:]


class Kind:
    """Specs that are compared in the same way are sent together."""

    def __init__(self, wrong, ttl, must):
        self.wrong, self._ttl, self.must = wrong, ttl, must

    @staticmethod
    def of(spec):
        return generate.is_wrong(spec), generate.loses_ttl(spec), generate.must_offload(spec)

    def _key(self, side, packet):
        data = without_check(packet) if self.wrong else normal(packet)
        lost = self._ttl or (side == "client" and not ttl_means_something())
        return without_ttl(data) if lost else data

    def counted(self, packets):
        # An ICMP error quotes the checksum, wrong or right.
        return collections.Counter((side, self._key(side, packet)) for side in packets
                                   for packet in packets[side]
                                   if not self.wrong or packet.sport is not None)

    def faults(self, off, on):
        """How they differ, as [(side, key, how often)], and what is wrong with those
        that left with the offload on."""
        wanted, got = self.counted(off), self.counted(on)
        difference = [(*key, count) for key, count in (got - wanted).items()]
        if not self.wrong:
            difference += [(*key, -count) for key, count in (wanted - got).items()]
        for side, packets in on.items():
            for packet in packets:
                found = packet.faults()
                if self.wrong and packet.sport is not None and not packet.more:
                    still = any("UDP checksum" in one for one in found)
                    found = [] if still else ["a wrong UDP checksum was made right"]
                difference += [(side, f"{one}: {packet!r}", 1) for one in found]
        return difference


def only_lost(faults):
    """Whether packets are missing, without the offload or with it, and nothing else is wrong."""
    return all(side in ("client", "peer") for side, *_ in faults) and \
        len({count > 0 for *_, count in faults}) == 1


def only_unresolved(faults):
    """Whether the same packets left, but some through coturn, as their next hop was not known."""
    return all(side == "next hop" for side, *_ in faults)


class Trial:
    """One server without the offload and one for each mode, all sent the same."""

    def __init__(self, stack):
        self.off = stack.enter_context(Quad())
        self.on = [stack.enter_context(Quad(mode)) for mode in MODES]
        self.compared = self.lost = self.unresolved = 0
        self.once = {}  # differences that did not come again, by their batches

    def faults(self, specs):
        """What is different, by mode. All of one kind."""
        kind = Kind(*Kind.of(specs[0]))
        off = self.off.outcome(specs, twins=kind.wrong)
        found = {}
        for quad in self.on:
            with Verdicts(quad.server.offload) as verdicts:
                faults = kind.faults(off, quad.outcome(specs))
            relayed = sum(count for name, count in verdicts.changed().items()
                          if name.startswith("TO_"))
            if kind.must and relayed != len(specs):
                unknown = verdicts.changed().get("NO_NEXT_HOP", 0)
                where = "next hop" if relayed + unknown == len(specs) else "server"
                faults.append((where, f"{relayed} of {len(specs)} packets went through the "
                               f"kernel: {verdicts.changed()}", relayed))
            if faults:
                found[quad.mode] = faults
        return found

    def judge(self, specs):
        """The specs of a batch with which something is wrong, alone; or the batch, if it
        is only in such company, or only now and then, as in a race. Two things that have
        another cause, and do not come again, are only counted: the kernel says that a full
        socket cost packets; the program says that a next hop was not known, as when a
        neighbour is asked for again, and coturn relayed the same packets."""
        self.compared += len(specs)
        before = self.overflows()
        once = self.faults(specs)
        if not once:
            return []
        overflowed = self.overflows() != before and all(map(only_lost, once.values()))
        unresolved = all(map(only_unresolved, once.values()))
        alone = [[spec] for spec in specs if self.faults([spec]) and self.faults([spec])]
        if alone:
            return alone
        if self.faults(specs) and self.faults(specs):
            return [self.smallest(specs)]
        if overflowed:
            self.lost += 1
            return []
        if unresolved:
            self.unresolved += 1
            return []
        self.once[tuple(specs)] = once
        return [specs]

    def overflows(self):
        """How many datagrams each server's full sockets cost."""
        return [quad.overflows() for quad in (self.off, *self.on)]

    def smallest(self, specs):
        """A part of a batch that fails as well."""
        for spec in list(specs):
            fewer = [one for one in specs if one != spec]
            if fewer and self.faults(fewer) and self.faults(fewer):
                specs = fewer
        return specs

    def simplest(self, spec):
        """The same failure with fewer oddities and less data."""
        def fails(other):
            return Kind.of(other) == Kind.of(spec) and bool(self.faults([other]))

        for field in dataclasses.fields(Spec):
            if field.name not in ("leg", "way", "length"):
                plain = dataclasses.replace(spec, **{field.name: field.default})
                if plain != spec and fails(plain):
                    spec = plain
        for length in (0, 1, 2, 3, 4, 5, 8, 16, 64, 256, 1024, 1400):
            shorter = dataclasses.replace(spec, length=length)
            if length < spec.length and not spec.pieces and fails(shorter):
                return shorter
        return spec

    def describe(self, specs, number):
        """What is known of a failure, for the reader."""
        note(f"number {number}:")
        for spec in specs[:6]:
            note(f"  {spec}")
        once = self.once.get(tuple(specs))
        if once:
            note("  it did not come again:")
        for mode, faults in (once or self.faults(specs)).items():
            note(f"  {mode}: {len(faults)} differences")
            for side, data, count in faults[:6]:
                text = data if isinstance(data, str) else data[:96].hex(" ", -2)
                note(f"  {mode}, at the {side}, {count:+d}: {text[:400]}")
        if len(specs) == 1:
            note("row for tests/packet/specimen_test.c:")
            note(self.row(specs[0], f"generated, number {number}"))

    def row(self, spec, name):
        """As coturn relays it alone, whole or not at all."""
        twins = generate.is_wrong(spec)
        outcome = self.off.outcome([spec], twins)
        relayed = [packet for packets in outcome.values() for packet in packets
                   if packet.sport is not None and not packet.more
                   and wire.address(packet.source) != wire.address(ends(spec)[0])]
        plain = len(relayed) == 1 and not twins and generate.may_offload(spec)
        frame = self.off.frames(spec)[0]
        macs = self.off.macs("peer" if spec.way == "client" else "client")
        return specimen.row(spec, frame.data, macs, relayed[0] if plain else None, name)


def batches(wanted):
    """(number of the last, specs of one kind), as they become full, and in the end what
    there is of each kind."""
    held = collections.defaultdict(list)
    end = time.monotonic() + wanted.seconds
    number = wanted.first
    while number < wanted.first + wanted.count and time.monotonic() < end:
        spec = generate.generate(wanted.seed, number)
        number += 1
        if generate.is_wrong(spec) and generate.looks_partial(spec):
            continue
        specs = held[Kind.of(spec)]
        specs.append(spec)
        if len(specs) == BATCH or sum(one.length for one in specs) > BATCH_BYTES:
            yield number - 1, held.pop(Kind.of(spec))
    for specs in held.values():
        yield number - 1, specs


def search(trial, wanted):
    """Findings, and how many packets the kernel had to relay."""
    findings = {}
    must = 0
    for number, specs in batches(wanted):
        must += sum(map(generate.must_offload, specs))
        for found in trial.judge(specs):
            simple = tuple(found)
            if len(found) == 1 and simple not in trial.once:
                simple = (trial.simplest(found[0]),)
            findings.setdefault(simple, number)
        if len(findings) >= FINDINGS:
            break
        for quad in (trial.off, *trial.on):
            quad.renew()
    return findings, must


OPTIONS = options()


@test("generated traffic: the same packets leave with the offload off and on",
      seconds=OPTIONS.seconds + 120)
def generated():
    with contextlib.ExitStack() as stack:
        trial = Trial(stack)
        if OPTIONS.rows:
            for number in range(OPTIONS.first, OPTIONS.first + OPTIONS.rows):
                note(trial.row(generate.generate(OPTIONS.seed, number), f"generated {number}"))
            return
        before = [stack.enter_context(Verdicts(quad.server.offload)) for quad in trial.on]
        findings, must = search(trial, OPTIONS)
        note(f"seed {OPTIONS.seed}: {trial.compared} packets, of which {must} had to be relayed by "
             f"the kernel; {trial.lost} batches overflowed a socket, {trial.unresolved} met a next hop "
             "that was not known")
        for specs, number in findings.items():
            trial.describe(specs, number)
        check(not findings, f"{len(findings)} differences")
        check(trial.compared > 0 and must > 0, "nothing was compared")
        for batches_, what in ((trial.lost, "overflowed a socket"),
                               (trial.unresolved, "met a next hop that was not known")):
            check(batches_ <= 2 + trial.compared // BATCH // 100, f"too many batches {what}")
        for verdicts, quad in zip(before, trial.on):
            note(f"{quad.mode}: {verdicts.changed()}")


if __name__ == "__main__":
    run()
