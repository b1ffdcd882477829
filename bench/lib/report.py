# SPDX-License-Identifier: BSD-3-Clause
"""Tables of a run's results."""

import statistics

import fold
import loads
import targets
from plan import CARD_HEADROOM, EXAMPLES, SAME_RATE
from rows import BASELINE, REDIRECT, TESTER, Kind
from table import Table, number, ratio

NO_TURN = (TESTER.name, BASELINE.name, REDIRECT.name)
WAY = {"up": "client → peer", "down": "peer → client", "both": "both ways"}


def spread(values, scale):
    return f"{number(min(values) / scale)}–{number(max(values) / scale)}" if values else "–"


def same_share(results, row):
    """Share of a CPU that turnserver takes at SAME_RATE."""
    cpu = results.median("same", row, "relay_cpu")
    return None if cpu is None else cpu * SAME_RATE / 1e6


def summary_table(results, kinds):
    """The one that the project's README has."""
    def main(row, metric):
        return results.median("main", row, metric, way="up")

    lines = []
    for kind in kinds:
        one = results.median("one-core", kind.name, "peer_pps")
        share = same_share(results, kind.name)
        rates = (main(kind.name, "peer_pps"), main(kind.name, "lossless_pps"), one)
        kilo = [value and value / 1000 for value in rates]
        if not any(kilo):
            continue
        lines.append([kind.title, *map(number, kilo),
                      number(ratio(one, results.median("one-core", "off-1", "peer_pps"))),
                      number(share and 100 * share), number(main(kind.name, "probe_avg")),
                      number(main(kind.name, "probe_sd")), number(main(kind.name, "probe_jitter"))])
    return Table("Summary",
                 f"kpps client → peer; CPU of turnserver at {SAME_RATE} datagrams a second; round trips in µs.",
                 ["", "kpps saturated", "lossless", "on one core", "× offload off", "CPU %", "round trip", "std dev",
                  "jitter"], lines)


def throughput_table(results, kinds, way):
    def get(row, metric):
        return results.median("main", row, metric, way=way)

    lines = []
    for kind in kinds:
        pps = get(kind.name, "peer_pps")
        lossless = get(kind.name, "lossless_pps")
        lost = get(kind.name, "lost")
        lines.append([kind.title, number(pps and pps / 1000), spread(results.values("main", kind.name, "peer_pps",
                                                                                    way=way), 1000),
                      "–" if lost is None else f"{100 * lost:.1f} %", number(lossless and lossless / 1000),
                      number(ratio(pps, get("off-1", "peer_pps"))), number(ratio(pps, get("baseline", "peer_pps"))),
                      number(ratio(pps, get("redirect", "peer_pps"))),
                      number(get(kind.name, "relay_cpu")) if kind.turn else "–",
                      number(get(kind.name, "softirq_cpu")), number(get(kind.name, "machine_cpu"))])
    return Table(f"Throughput, {WAY[way]}",
                 "kpps that arrive at saturation, their spread over the rounds, what is lost then, and kpps at a rate "
                 "of which at most 0.1 % is lost. CPU: seconds for a million datagrams that arrive, at saturation.",
                 ["", "kpps", "min–max", "lost", "lossless kpps", "÷ off-1", "÷ forwarding", "÷ redirect",
                  "turnserver CPU", "softirq CPU", "machine CPU"], lines)


def trips_table(results, kinds, prefix, title, note):
    names = ("avg", "sd", "p50", "p99", "p999", "jitter")

    def get(row, name):
        return results.median("main", row, f"{prefix}_{name}")

    lines = [[kind.title, *(number(get(kind.name, name)) for name in names), number(ratio(
        get(kind.name, "avg"), get("baseline", "avg"))), number(ratio(get(kind.name, "sd"), get("baseline", "sd")))]
             for kind in kinds if get(kind.name, "avg") is not None]
    return Table(title, note, ["µs", "average", "std dev", "p50", "p99", "p99.9", "jitter", "average ÷ forwarding",
                               "sd ÷ forwarding"], lines)


def cores_table(results, kinds):
    def one(row):
        return results.median("one-core", row, "peer_pps")

    lines = []
    for kind in kinds:
        share = same_share(results, kind.name)
        if one(kind.name) is None and share is None:
            continue
        pps, cost = one(kind.name), targets.server_cost(results, kind.name)
        lines.append([kind.title, number(pps and pps / 1000),
                      spread(results.values("one-core", kind.name, "peer_pps"), 1000),
                      number(ratio(pps, one("off-1"))), number(cost),
                      number(ratio(targets.server_cost(results, "off-1"), cost)), number(share and 100 * share),
                      number(ratio(share, same_share(results, "off-1")))])
    return Table("One core, and the same traffic",
                 "kpps with generator, kernel, turnserver and sink on one CPU, where the generator gives way. "
                 "Server: ns a packet without those that generator and sink take alone. CPU: what "
                 f"turnserver's threads take at {SAME_RATE} datagrams a second, in percent of one CPU.",
                 ["", "kpps on one core", "min–max", "÷ off-1", "server ns", "off-1 ÷ server ns", "CPU %",
                  "CPU ÷ off-1"], lines)


def card_table(results, kinds):
    def card(row):
        return results.median("card", row, "peer_pps")

    lines = []
    for kind in kinds:
        pps = card(kind.name)
        if pps is None:
            continue
        cost = targets.server_cost(results, kind.name, "card")
        lines.append([kind.title, number(pps / 1000), spread(results.values("card", kind.name, "peer_pps"), 1000),
                      number(ratio(pps, card("off-1"))), number(cost),
                      number(ratio(targets.server_cost(results, "off-1", "card"), cost))])
    return Table("One core, skbs with a card's headroom",
                 f"As above, but what comes in has {CARD_HEADROOM} bytes before the frame, and generic mode copies it. The "
                 "sink is a filter of tc, for which a veth copies nothing.",
                 ["", "kpps on one core", "min–max", "÷ off-1", "server ns", "off-1 ÷ server ns"], lines)


def control_table(results, kinds):
    names = ("allocate_rate", "bind_rate", "rebind_rate", "refresh_rate", "delete_rate", "bind_cpu", "rebind_cpu",
             "delete_cpu", "user_bytes_per_channel", "kernel_bytes_per_channel")
    lines = []
    for kind in kinds:
        start = results.median("start", kind.name, "start_s")
        found = [results.median("control", kind.name, name) for name in names]
        if start is None and found[0] is None:
            continue
        lines.append([kind.title, *(number(value) for value in found), number(start and 1000 * start)])
    return Table("Control plane",
                 "Requests a second, pipelined: Allocate, ChannelBind, the same again, Refresh, Refresh to 0. CPU µs of "
                 "turnserver for a channel that is bound, bound again, deleted. Bytes for a channel: turnserver's "
                 "resident memory, and the kernel's tables for each channel that they have room for. Start: ms to the "
                 "first answer.",
                 ["", "allocate", "bind", "rebind", "refresh", "end", "bind µs", "rebind µs", "delete µs", "bytes",
                  "kernel bytes", "start ms"], lines)


def examples_table(results):
    def get(row, metric):
        return results.median("examples", row, metric)

    lines = []
    for row, title in (("free", "free host"), ("firewall", "stateful firewall")):
        if get(row, "relay_share") is None:
            continue
        lines.append([title, f"{100 * get(row, 'kernel_share'):.2f}", number(get(row, "sample_pps")),
                      number(get(row, "probation_pps")), number(100 * get(row, "relay_share")),
                      spread(results.values("examples", row, "relay_share"), 0.01), number(get(row, "softirq_cpu")),
                      f"{100 * get(row, 'lost'):.3f}"])
    return Table("Relayed by example",
                 f"{EXAMPLES.flows} channels, {SAME_RATE} datagrams a second in both directions together, offload on, "
                 "native. Percent that the kernel relays; packets a second that go up as samples, and those that go "
                 "up because no example is there; turnserver in percent of one CPU; softirq as in Throughput.",
                 ["", "in the kernel %", "samples", "no example", "CPU %", "min–max", "softirq CPU", "lost %"], lines)


def fold_table(results, kinds):
    lines = []
    for kind in kinds:
        idle, active, double, rest = (results.median("fold", kind.name, f"{name}_share")
                                      for name in ("idle", "active", "double", "fold"))
        if idle is not None:
            lines.append([kind.title, number(100 * idle), spread(results.values("fold", kind.name, "idle_share"), 0.01),
                          number(active and 100 * active), number(double and 100 * double), number(rest and 100 * rest),
                          spread(results.values("fold", kind.name, "fold_share"), 0.01)])
    return Table(f"{fold.CASE.flows} open channels",
                 "turnserver in percent of one CPU: while no datagram comes, and while the kernel relays "
                 f"{fold.RATE} datagrams a second, two of each channel, and twice as many. What grows with the datagrams are "
                 f"coturn's usage reports, one for each {fold.REPORT_PACKETS} packets of a session, which it makes with the "
                 "offload off too. Without reports: twice the share at the lower rate less that at the higher one.",
                 ["", "idle, CPU %", "min–max", f"{fold.RATE} a second, CPU %", f"{2 * fold.RATE} a second, CPU %",
                  "without reports, CPU %", "min–max"], lines)


def sweep_table(results, section, column, title, note, scale=None):
    rows = results.known(section, "row")
    points = list(dict.fromkeys(scale(line) for line in results.lines if line["section"] == section))
    lines = []
    for point in points:
        cells = []
        for row in rows:
            found = [float(line["value"]) for line in results.lines
                     if line["section"] == section and line["row"] == row and scale(line) == point
                     and line["metric"] == "peer_pps" and line["round"] != "0"]
            cells.append(number(statistics.median(found) / 1000) if found else "–")
        lines.append([str(point), *cells])
    return Table(title, note, [column, *rows], lines)


def cost_table(results):
    pairs = results.known("cost", "way")
    lines = []
    for channels in results.known("cost", "channels"):
        lines.append([channels, *(number(results.median("cost", "native", "ns", way=pair, channels=channels))
                                  for pair in pairs)])
    return Table("The program alone", "ns per packet by BPF_PROG_TEST_RUN, half of them to peers and half to clients, "
                 "channels in random order: one is always in the caches, 100000 are not.",
                 ["channels", *(f"IPv{pair[0]} client, IPv{pair[2]} peer" for pair in pairs)], lines)


def loads_table(results):
    figures = targets.loads_figures(results)
    lines = [[channels, *(number(figures[f"{name}_ns"]) for name in loads.NAMES), number(loads.ratio(figures))]
             for channels in results.known("loads", "channels")]
    return Table("A packet of many channels, and one load from memory",
                 "ns for a packet of the program alone, IPv4 to IPv4, and ns for a load of a chain of dependent loads in "
                 "random order over memory of the size of the table of flows, in turns. The last column is the "
                 "difference of the packets in loads.",
                 ["channels", "packet, 1 channel", "packet, so many", "load", "difference ÷ load"], lines)


def profile_table(results, kinds):
    names = ("share_read", "share_write", "share_wait", "share_other", "share_softirq", "share_xdp", "cpu_percent",
             "relay_percent", "program_percent")
    lines = [[kind.title, *(number(results.median("profile", kind.name, name)) for name in names)] for kind in kinds
             if results.median("profile", kind.name, "relay_percent") is not None]
    return Table("Where the time goes",
                 "At 50000 datagrams a second. Percent of all samples (perf, 997 Hz) that are spent on relaying, the "
                 "generator's own left out; what that is of one CPU; and by the kernel's accounts, the turnserver's "
                 "threads and the XDP program in percent of one CPU.",
                 ["", "read", "write", "wait", "rest of turnserver", "softirq", "XDP program", "all, % of a CPU",
                  "threads %", "program %"], lines)


def growth(results):
    """What one more channel, packet or byte costs."""
    few, many = (results.median("cost", "native", "ns", way="4-4", channels=channels) for channels in (1, 100000))
    small, large = (results.median("size", "native", "peer_pps", payload=size) for size in (64, 1400))
    off, on = (results.median("main", row, "relay_cpu", way="up") for row in ("off-1", "native"))
    user, kernel = (results.median("control", "native", f"{where}_bytes_per_channel") for where in ("user", "kernel"))
    found = []
    if few and many:
        found.append(f"A packet takes the program {few:.0f} ns with one channel and {many:.0f} ns with 100000 in random "
                     f"order: {1000 * (many - few) / 99999:.2f} ns for a thousand channels more.")
    if small and large:
        found.append(f"From 64 to 1400 bytes a packet takes {1e9 / large - 1e9 / small:.0f} ns longer from end to end.")
    if off and on is not None:
        found.append(f"A packet more costs turnserver {off:.2f} µs with the offload off, {on:.4f} µs with it on.")
    if user and kernel:
        found.append(f"A channel more takes {user:.0f} bytes of turnserver's memory with the offload on, and {kernel:.0f} of "
                     "the kernel's for each that the tables have room for.")
    return " ".join(found) + "\n"


def tables(results, every):
    through = [kind for kind in every if kind.name != TESTER.name]
    found = [summary_table(results, through)]
    found += [throughput_table(results, through, way) for way in WAY if way in results.known("main", "way")]
    found += [
        trips_table(results, every, "probe", "Round trips between XDP programs",
                    "One at a time, one every 100 µs, all on one CPU."),
        trips_table(results, every, "socket", "Round trips between sockets",
                    "The same between two processes; a veth copies what a local socket sends before XDP sees it."),
        cores_table(results, every), card_table(results, every), control_table(results, every)]
    for section, column, title, scale in (
            ("size", "bytes", "Packet size, saturated kpps", lambda line: int(line["payload"])),
            ("channels", "channels", "Channels in random order, saturated kpps",
             lambda line: int(line["clients"]) * int(line["channels"])),
            ("threads", "relay threads", "Relay threads, saturated kpps", lambda line: int(line["threads"])),
            ("queues", "queues, CPUs", "Receive queues and CPUs that generate, saturated kpps",
             lambda line: f"{line['queues']}, {line['cpus']}")):
        if results.known(section, "row"):
            found.append(sweep_table(results, section, column, title, "Client → peer, medians.", scale))
    if results.known("cost", "row"):
        found.append(cost_table(results))
    if results.known("loads", "row"):
        found.append(loads_table(results))
    if results.known("examples", "row"):
        found.append(examples_table(results))
    if results.known("fold", "row"):
        found.append(fold_table(results, every))
    if results.known("profile", "row"):
        found.append(profile_table(results, every))
    return found


def measured(results, titles):
    """The kinds that there are figures of."""
    return [Kind(name, title, turn=name not in NO_TURN) for name, title in titles.items()
            if any(results.values(section, name, metric) for section, metric in (
                ("main", "peer_pps"), ("one-core", "peer_pps"), ("card", "peer_pps"), ("fold", "idle_share")))]


def write(results, machine, titles, folder):
    """tables.md in the folder; returns the same as text."""
    every = measured(results, titles)
    found = [*tables(results, every), targets.table(results, every)]
    found = [table for table in found if table.lines]
    (folder / "tables.md").write_text("\n".join([machine, *(table.markdown() for table in found), growth(results)]),
                                      encoding="utf-8")
    return "\n".join([machine, *(table.text() for table in found), growth(results)])
