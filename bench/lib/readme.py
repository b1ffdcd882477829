# SPDX-License-Identifier: BSD-3-Clause
"""The figures in the project's README, between two marks."""

import report
from lab import ROOT
from rows import TESTER

BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def text_of(results, command, titles):
    kinds = [kind for kind in report.measured(results, titles) if kind.name != TESTER.name]
    table = report.summary_table(results, kinds).markdown().split("\n\n")[1]
    costs = [results.median("cost", "native", "ns", way="4-4", channels=channels) for channels in (1, 100000)]
    text = f"Medians of `{command}` ([all its tables](bench/results/tables.md)):\n\n{table}\n"
    if None not in costs:
        text += (f"\nThe XDP program alone takes {costs[0]:.0f} ns a packet from IPv4 to IPv4 with one channel, and\n"
                 f"{costs[1]:.0f} ns with 100000 in random order (the same command; `sudo bench/cost.sh` measures it "
                 "alone).\n")
    return text


def write(results, command, titles):
    path = ROOT / "README.md"
    before, mark, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise RuntimeError(f"{path} lacks the marks between which the figures belong")
    path.write_text(before + BEGIN + text_of(results, command, titles) + END + after, encoding="utf-8")
