# SPDX-License-Identifier: BSD-3-Clause
"""The plots that README.md shows, from a results.csv."""

import statistics

import chart
from plan import SAME_RATE
from svg import COLOURS

def throughput(results, titles):
    rows = []
    for row in results.known("main", "row"):
        values = [results.median(section, row, metric, way="up") for section, metric in
                  (("main", "peer_pps"), ("main", "lossless_pps"), ("one-core", "peer_pps"))]
        rows.append((titles.get(row, row), [value and value / 1000 for value in values]))
    return rows and chart.bars("Throughput, client to peer, 160-byte datagrams",
                               ("saturated", "at most 0.1 % lost", "all on one core"), rows,
                               "thousand datagrams per second (median)")


def round_trips(results, titles):
    rows = [(titles.get(row, row), [results.median("main", row, f"probe_{name}") for name in ("p50", "p99", "p999")])
            for row in results.known("main", "row") if results.median("main", row, "probe_p50")]
    return rows and chart.ranges("Round trip client – peer – client, between XDP programs",
                                 ("p50", "p99", "p99.9"), rows, "µs (median of the rounds, logarithmic)")


def swept(results, titles, section, x_of):
    """Lines of a sweep: kpps by row."""
    series = []
    for row in results.known(section, "row"):
        points = {}
        for line in results.lines:
            if (line["section"], line["row"], line["metric"]) == (section, row, "peer_pps") and line["round"] != "0":
                points.setdefault(x_of(line), []).append(float(line["value"]) / 1000)
        if points:
            series.append((titles.get(row, row),
                           [(x, statistics.median(found)) for x, found in sorted(points.items())]))
    return series


def colours_of(results, titles, section):
    """A row has the same colour in all plots."""
    return [COLOURS[list(titles).index(row) % len(COLOURS)] for row in results.known(section, "row")]


def sizes(results, titles):
    series = swept(results, titles, "size", lambda line: int(line["payload"]))
    return series and chart.lines("Throughput by packet size, saturated", series, "bytes of data in a datagram",
                                  "thousand datagrams per second (logarithmic)", log_y=True,
                                  colours=colours_of(results, titles, "size"))


def channels(results, titles):
    series = swept(results, titles, "channels", lambda line: int(line["clients"]) * int(line["channels"]))
    return series and chart.lines("Throughput by number of channels, in random order", series, "channels (logarithmic)",
                                  "thousand datagrams per second (logarithmic)", log_x=True, log_y=True,
                                  colours=colours_of(results, titles, "channels"))


def cost(results, _):
    counts = [int(count) for count in results.known("cost", "channels")]
    series = []
    for pair in results.known("cost", "way"):
        points = [(count, results.median("cost", "native", "ns", way=pair, channels=count)) for count in counts]
        series.append((f"IPv{pair[0]} client, IPv{pair[2]} peer", [(x, y) for x, y in points if y]))
    return series and chart.lines("The XDP program alone, channels in random order", series, "channels (logarithmic)",
                                  "ns per packet", log_x=True)


def profile(results, titles):
    causes = ("read", "write", "wait", "other", "softirq", "xdp")
    rows = []
    for row in results.known("profile", "row"):
        shares = [results.median("profile", row, f"share_{cause}") for cause in causes]
        whole = results.median("profile", row, "cpu_percent")
        if whole:
            rows.append((titles.get(row, row), [share * whole / 100 for share in shares]))
    return rows and chart.stacks(f"Where the time goes at {SAME_RATE // 1000} 000 datagrams per second",
                                 ("reads", "writes", "waits", "turnserver itself", "softirq", "XDP program"), rows,
                                 "percent of one CPU (perf samples)")


LABEL = 34  # characters
PLOTS = {"throughput": throughput, "round-trips": round_trips, "size": sizes, "channels": channels, "cost": cost,
         "profile": profile}


def short(title):
    """What a plot has room for; the tables have the options of a server too."""
    return title if len(title) <= LABEL else title.split(" --")[0] + " with its options"


def write(results, titles, folder):
    """An SVG for each plot that there are figures for."""
    titles = {row: short(title) for row, title in titles.items()}
    for name, draw in PLOTS.items():
        drawing = draw(results, titles)
        if drawing:
            drawing.write(folder / f"{name}.svg")
