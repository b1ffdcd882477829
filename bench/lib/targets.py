# SPDX-License-Identifier: BSD-3-Clause
"""What the offload is meant to achieve, nearly all as ratios within one run."""

import dataclasses
import math

import fold
import loads
from plan import CARD_HEADROOM, CHANNELS, EXAMPLES, MANY, SAME_RATE
from table import Table, number, ratio


@dataclasses.dataclass
class Target:
    what: str
    value: float  # None: not measured
    bound: float
    most: bool = False  # the bound is an upper one

    @property
    def reached(self):
        if self.value is None:
            return "not measured"
        return "yes" if (self.value <= self.bound if self.most else self.value >= self.bound) else "no"


def server_cost(results, row, section="one-core"):
    """ns that a packet takes on one core, less those that the tester takes alone."""
    whole, tester = (results.median(section, name, "peer_pps") for name in (row, "tester"))
    return 1e9 / whole - 1e9 / tester if whole and tester and row != "tester" else None


def loads_figures(results):
    """As loads.measure gives them, medians of the rounds."""
    return {f"{name}_ns": results.median("loads", "native", f"{name}_ns") for name in loads.NAMES}


def sample_share(results):
    """Share of a CPU that turnserver takes for samples: with a stateful firewall, less that on a free host."""
    examined, free = (results.median("examples", row, "relay_share") for row in ("firewall", "free"))
    return None if examined is None or free is None else examined - free


def targets(results, kinds):
    native = "native"

    def one(row):
        return results.median("one-core", row, "peer_pps")

    def main(row, metric, way="up"):
        return results.median("main", row, metric, way=way)

    def cpu(row):
        return results.median("same", row, "relay_cpu")

    def cores(count):
        return results.median("queues", native, "peer_pps", queues=count, cpus=count)

    def filled(index):
        clients, channels = CHANNELS[index]
        return results.median("channels", native, "peer_pps", clients=clients, channels=channels)

    def cost(channels):
        return results.median("cost", "native", "ns", way="4-4", channels=channels)

    found = [
        Target("throughput, all on one core: native ÷ offload off", ratio(one(native), one("off-1")), 20),
        Target("the same without the tester's share", ratio(server_cost(results, "off-1"),
                                                            server_cost(results, native)), 20),
        Target(f"throughput, all on one core, skbs with {CARD_HEADROOM} bytes of headroom: generic ÷ offload off",
               ratio(results.median("card", "generic", "peer_pps"), results.median("card", "off-1", "peer_pps")), 8),
        Target("the same without the tester's share", ratio(server_cost(results, "off-1", "card"),
                                                            server_cost(results, "generic", "card")), 8),
        Target("saturated throughput: native ÷ offload off, 1 relay thread",
               ratio(main(native, "peer_pps"), main("off-1", "peer_pps")), 20)]
    for kind in kinds:
        if kind.turn and kind.name not in ("off-1", "off-4", "generic", native, "tester"):
            found.append(Target(f"throughput, all on one core: native ÷ {kind.title}",
                                ratio(one(native), one(kind.name)), 20))
    return found + [
        Target("saturated throughput: native ÷ bare XDP redirect",
               ratio(main(native, "peer_pps"), main("redirect", "peer_pps")), 0.92),
        Target("saturated throughput, native: 2 CPUs with flows of their own ÷ 1 CPU", ratio(cores(2), cores(1)), 1.9),
        *(Target(f"saturated throughput, native: {math.prod(CHANNELS[index])} channels ÷ 1 channel",
                 ratio(filled(index), filled(0)), bound) for index, bound in ((-2, 0.95), (-1, 0.75))),
        Target("lossless throughput: native ÷ kernel forwarding",
               ratio(main(native, "lossless_pps"), main("baseline", "lossless_pps")), 1.0),
        Target("round trip, average: native ÷ kernel forwarding",
               ratio(main(native, "probe_avg"), main("baseline", "probe_avg")), 1.0, True),
        Target("round trip, standard deviation: native ÷ kernel forwarding",
               ratio(main(native, "probe_sd"), main("baseline", "probe_sd")), 1.0, True),
        Target(f"CPU of turnserver at {SAME_RATE} datagrams a second: on ÷ off", ratio(cpu(native), cpu("off-1")),
               1 / 500, True),
        Target(f"CPU of turnserver for the samples of {EXAMPLES.flows} channels ÷ one CPU", sample_share(results), 0.03,
               True),
        Target(f"CPU of turnserver for {fold.CASE.flows} idle channels, offload on ÷ one CPU",
               results.median("fold", native, "idle_share"), 0.01, True),
        Target(f"CPU of turnserver for {fold.CASE.flows} active channels, without coturn's reports, offload on ÷ one CPU",
               results.median("fold", native, "fold_share"), 0.01, True),
        Target(f"ns per packet: {MANY} channels ÷ 1 channel", ratio(cost(MANY), cost(1)), 1.5, True),
        Target(f"the difference, in ns of one load from memory: ({MANY} channels − 1 channel) ÷ load",
               loads.ratio(loads_figures(results)), 1.2, True),
        Target("bytes of the kernel's memory for each channel that the tables have room for",
               results.median("control", native, "kernel_bytes_per_channel"), 400, True),
        Target("ChannelBind rate: on ÷ off", ratio(results.median("control", native, "bind_rate"),
                                                   results.median("control", "off-1", "bind_rate")), 0.9)]


def table(results, kinds):
    lines = [[target.what, number(target.value), f"{'≤' if target.most else '≥'} {number(target.bound)}",
              target.reached] for target in targets(results, kinds)]
    return Table("Targets", "Each is made of medians of this run.", ["what", "figure", "target", "reached"], lines)
