# SPDX-License-Identifier: BSD-3-Clause
"""The bench's command line; see README.md."""

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import machine
import plan
import plot
import report
import stock
from lab import ROOT
from results import Results
from rows import BASELINE, REDIRECT, TESTER, Kind, own_kinds


def arguments():
    parser = argparse.ArgumentParser(prog="sudo bench/run.sh",
                                     description="Measures the relay against what else there is.")
    parser.add_argument("--full", action="store_true", help="all rows, ways and sweeps: half an hour")
    parser.add_argument("--rounds", type=int, help="measured rounds; one more comes first and is dropped")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench-results",
                        help="folder for results.csv, tables and plots (build/bench-results)")
    parser.add_argument("--resume", action="store_true", help="keep what results.csv has, and measure the rest")
    parser.add_argument("--server", action="append", default=[], metavar="NAME=PATH[,option...]",
                        help="one more turnserver, with options of its own; repeatable")
    parser.add_argument("--no-stock", action="store_true", help="without the distribution's coturn")
    parser.add_argument("--rows", help="only these, of baseline,redirect,stock,off-1,off-4,generic,native and "
                        "the names of --server")
    parser.add_argument("--report", action="store_true", help="measure nothing: tables and plots of what is there")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: at least 1")
    return options


def other_kind(text):
    """A Kind from NAME=PATH[,option...]."""
    name, mark, rest = text.partition("=")
    path, *words = rest.split(",")
    if not mark or not name.replace("-", "").replace(".", "").isalnum() or not os.access(path, os.X_OK):
        sys.exit(f"bench: --server: NAME=PATH[,option...] with a program at PATH, not '{text}'")
    return Kind(name, " ".join((name, *words)), path, tuple(words))


def kinds_of(options):
    kinds = [] if options.no_stock else stock.kinds()
    kinds += own_kinds(os.environ.get("TURNSERVER") or str(ROOT / "build" / "bin" / "turnserver"))
    return kinds + [other_kind(text) for text in options.server]


def main():
    options = arguments()
    # What is within `with` is put away however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = Results(options.out / "results.csv", options.resume or options.report)
    passed = True
    about = options.out / "about.json"
    known = json.loads(about.read_text(encoding="utf-8")) if results.lines and about.exists() else {"titles": {}}
    if not options.report:
        kinds = kinds_of(options)
        effort = plan.FULL if options.full else plan.QUICK
        if options.rounds:
            effort.rounds = options.rounds
        known["machine"] = machine.describe()
        known["titles"] |= {kind.name: kind.title for kind in (TESTER, BASELINE, REDIRECT, *kinds)}
        about.write_text(json.dumps(known, indent="\t", ensure_ascii=False) + "\n", encoding="utf-8")
        with tempfile.TemporaryDirectory() as work:
            order = plan.Plan(results, Path(work), kinds, effort)
            if options.rows:
                order.only(options.rows.split(","))
            passed = order.run()
            for failure in order.failures:
                print(f"bench: failed: {failure}", file=sys.stderr)
            if order.late:
                print(f"bench: no time for {order.late} steps more; --resume goes on with them", file=sys.stderr)
    text = report.write(results, known.get("machine", ""), known["titles"], options.out)
    print(text)
    plot.write(results, known["titles"], options.out)
    print(f"In {options.out}: results.csv, tables.md and the plots.")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
