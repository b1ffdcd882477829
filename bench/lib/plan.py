# SPDX-License-Identifier: BSD-3-Clause
"""What is measured, in which order: rounds alternate through all rows, and the first is dropped."""

import contextlib
import dataclasses
import subprocess
import sys
import time

import control
import fold
import loads
import profile_time
from lab import CPUS, LAST_CPU, ROOT, Lab
from measure import check_rate, throughput
from rows import BASELINE, REDIRECT, TESTER, Case, prepared
from server import Failed

SIZES = (64, 160, 320, 640, 1024, 1400)
CHANNELS = ((1, 1), (1, 10), (8, 125), (50, 200), (500, 200))  # clients, channels of each
THREADS = (1, 2, 4, 8)
MANY = 100000  # channels, of which almost nothing is in the caches
SWEEP_ROUNDS = 2  # measured ones; one more comes first here too
SAME_RATE = 50000  # datagrams per second that every row carries without loss
SECTIONS = ("main", "one-core", "card", "same", "control", "start", "cost", "loads", "profile", "examples", "fold",
            "size", "channels", "threads", "queues")
# Bytes that many drivers of cards leave before a frame (NET_SKB_PAD). Generic XDP wants 256, and copies each of these skbs.
CARD_HEADROOM = 64
# Many channels, all of which carry traffic in both directions.
EXAMPLES = Case(way="both", clients=50, channels=200)
# Three periods of the samples (20 s), so that all channels have had equally many, after all have had their example.
EXAMPLES_SECONDS, EXAMPLES_WARM_UP = 60, 5


@dataclasses.dataclass
class Effort:
    """How long things take; quick or full."""
    rounds: int
    seconds: float
    trip_seconds: float
    ways: tuple
    searched: tuple  # ways of which the lossless rate is looked for
    profile_seconds: float
    sweeps: bool
    limit: float  # seconds, after which nothing more is begun


QUICK = Effort(rounds=2, seconds=0.6, trip_seconds=0.5, ways=("up",), searched=("up",), profile_seconds=1.5,
               sweeps=False, limit=160)
FULL = Effort(rounds=5, seconds=1.0, trip_seconds=1.0, ways=("up", "down", "both"), searched=("up", "down", "both"),
              profile_seconds=4, sweeps=True, limit=39 * 60)


class Plan:
    """Runs all steps that are not in the results yet."""

    def __init__(self, results, work, kinds, effort):
        self.results, self.work, self.effort, self.failures = results, work, effort, []
        self.end, self.late = 0, 0
        self.kinds = {kind.name: kind for kind in (BASELINE, REDIRECT, *kinds)}
        self.sections = SECTIONS

    def run(self):
        """True if all has been measured."""
        self.end = time.monotonic() + self.effort.limit
        with Lab() as lab:
            for number in range(self.effort.rounds + 1):
                self.main(lab, number)
                self.one_core(lab, number)
                self.card(lab, number)
                self.same_traffic(lab, number)
                self.control(lab, number)
                self.cost(number)
                if number == 1:
                    self.profile(lab)
                if 0 < number <= SWEEP_ROUNDS and self.effort.sweeps:
                    self.examples(lab, number)
                    self.fold(lab, number)
                if number <= SWEEP_ROUNDS and self.effort.sweeps:
                    self.sweep(lab, number)
                    self.queues(number)
        return not self.failures and not self.late

    def only(self, names):
        self.kinds = {name: kind for name, kind in self.kinds.items() if name in names}

    def step(self, section, number, row, case, measure):
        """`measure` returns pairs of a case and figures. A failure is told, and the rest goes on."""
        if section not in self.sections or self.results.has(section, number, row, case):
            return
        if time.monotonic() > self.end:
            self.late += 1
            return
        start = time.monotonic()
        try:
            found = measure()
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            self.failures.append(f"{section}, {row}: {error}")
            print(f"bench: {section}, {row}, round {number}: {error}", file=sys.stderr)
            return
        self.results.add(section, number, row, found)
        first = ", ".join(f"{name} {value:.6g}" for name, value in list(found[0][1].items())[:4])
        dropped = " (dropped)" if number == 0 and self.effort.rounds else ""
        print(f"{section:9} round {number}{dropped} {row:10} {case.payload:5} B {case.flows:6} ch  {first}  "
              f"[{time.monotonic() - start:.1f} s]", file=sys.stderr)

    def picked(self, *names):
        return [self.kinds[name] for name in names if name in self.kinds]

    def turn_kinds(self):
        return [kind for kind in self.kinds.values() if kind.turn]

    def searches(self, way, number):
        return way in self.effort.searched and (number == 1 or self.effort.sweeps and number > 1)

    def main(self, lab, number):
        """Throughput, its loss and its CPU, and round trips."""
        effort, case = self.effort, Case()

        def measure(kind):
            found = []
            with prepared(lab, self.work, kind, case) as row:
                for way in effort.ways:
                    there = dataclasses.replace(case, way=way)
                    found.append((there, row.throughput(case=there, seconds=effort.seconds,
                                                        search=self.searches(way, number))))
                found.append((case, row.round_trips(effort.trip_seconds)))
            return found

        for kind in self.kinds.values():
            self.step("main", number, kind.name, case, lambda kind=kind: measure(kind))

    def simple(self, lab, section, number, kind, case, cpus=None, **options):
        def measure():
            with prepared(lab, self.work, kind, case, cpus) as row:
                return [(case, row.throughput(**options))]
        self.step(section, number, kind.name, case, measure)

    def one_core(self, lab, number):
        """Everything on one CPU, where the generator gives way to the server."""
        for kind in (TESTER, *self.kinds.values()):
            if kind.name != "off-4":
                self.simple(lab, "one-core", number, kind, Case(), {LAST_CPU}, seconds=self.effort.seconds,
                            yields=True)

    def card(self, lab, number):
        """The same with skbs as cards make them; without native mode, which makes none."""
        if not self.effort.sweeps and number != 1:
            return
        for kind in (TESTER, *self.picked("baseline", "off-1", "generic")):
            self.simple(lab, "card", number, kind, Case(), {LAST_CPU}, seconds=self.effort.seconds, yields=True,
                        headroom=CARD_HEADROOM, skbs=True)

    def same_traffic(self, lab, number):
        """The server's CPU at a rate that all carry."""
        for kind in self.turn_kinds():
            if kind.name not in ("off-4", "generic"):
                self.simple(lab, "same", number, kind, Case(), rate=SAME_RATE, seconds=2 * self.effort.seconds)

    def control(self, lab, number):
        """Requests, memory, and how long the start takes."""
        for kind in self.picked("stock", "off-1", "native"):
            if self.effort.sweeps or number == 0:
                self.step("control", number, kind.name, control.CASE,
                          lambda kind=kind: [(control.CASE, control.rates(lab, self.work, kind))])
            self.step("start", number, kind.name, Case(),
                      lambda kind=kind: [(Case(), control.start_time(lab, self.work, kind))])

    def cost(self, number):
        """The program alone."""
        binary = ROOT / "build" / "bench" / "cost"
        if not binary.exists() or "native" not in self.kinds:
            return
        pairs = ((4, 4), (6, 6), (4, 6), (6, 4)) if self.effort.sweeps else ((4, 4),)
        for channels in (1, 10, 1000, 10000, MANY) if self.effort.sweeps else (1, 1000, MANY):
            case = Case(channels=channels, clients=1)

            def measure(case=case):
                return [(dataclasses.replace(case, way=f"{client}-{peer}"),
                         {"ns": call_cost(binary, client, peer, case.channels)}) for client, peer in pairs]
            self.step("cost", number, "native", case, measure)
        many = Case(channels=MANY, clients=1)
        if self.effort.sweeps or number == 0:
            self.step("loads", number, "native", many, lambda: [(many, loads.measure(MANY))])

    def sweep(self, lab, number):
        for payload in SIZES:
            for kind in self.picked("baseline", "redirect", "off-1", "native"):
                self.simple(lab, "size", number, kind, Case(payload=payload), seconds=0.8)
        for clients, channels in CHANNELS:
            for kind in self.picked("redirect", "off-1", "native"):
                self.simple(lab, "channels", number, kind, Case(clients=clients, channels=channels), seconds=0.8)
        for threads in THREADS:
            for kind in self.picked("off-1", "native"):
                self.simple(lab, "threads", number, kind, Case(threads=threads), seconds=0.8)

    def queues(self, number):
        """One CPU that generates, two, and all, into one queue and into one for each."""
        for queues, cpus in dict.fromkeys(((1, 1), (1, CPUS), (2, 2), (CPUS, CPUS))):
            if cpus > CPUS or self.all_there("queues", number, Case(queues=queues, cpus=cpus), ("baseline", "redirect", "native")):
                continue
            with Lab(queues) as lab:
                for kind in self.picked("baseline", "redirect", "native"):
                    self.simple(lab, "queues", number, kind, Case(queues=queues, cpus=cpus), seconds=0.8)

    def all_there(self, section, number, case, names):
        return section not in self.sections or all(self.results.has(section, number, name, case) for name in names)

    def examples(self, lab, number):
        """What it costs to relay by example: the same server on a free host, and behind a stateful firewall."""
        for kind in self.picked("native"):
            for row, host in (("free", contextlib.nullcontext), ("firewall", lab.firewall)):
                def run(kind=kind, host=host):
                    with host(), prepared(lab, self.work, kind, EXAMPLES) as ready:
                        # Not by Row.throughput, which takes it for an error that samples go up.
                        found = throughput(lab, ready.flows, EXAMPLES, ready.server.pid, True, rate=SAME_RATE,
                                           seconds=EXAMPLES_SECONDS, warm_up=EXAMPLES_WARM_UP)
                    check_rate(found, SAME_RATE)
                    return [(EXAMPLES, found)]
                self.step("examples", number, row, EXAMPLES, run)

    def fold(self, lab, number):
        for kind in self.picked("native"):
            self.step("fold", number, kind.name, fold.CASE,
                      lambda kind=kind: [(fold.CASE, fold.measure(lab, self.work, kind))])

    def profile(self, lab):
        for kind in self.picked("off-1", "native"):
            self.step("profile", 0, kind.name, Case(),
                      lambda kind=kind: [
                          (Case(), profile_time.profile(lab, self.work, kind, self.effort.profile_seconds))])


def call_cost(binary, client, peer, channels):
    """ns per packet of the program alone."""
    done = subprocess.run([binary, str(client), str(peer), str(channels), "1000000"], check=False, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return float(done.stdout)
