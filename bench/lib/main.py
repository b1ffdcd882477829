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
import readme
import report
import stock
from lab import ROOT
from results import Results
from rows import BASELINE, REDIRECT, TESTER, Kind, own_kinds


def arguments():
    parser = argparse.ArgumentParser(prog="sudo bench/run.sh",
                                     description="Measures the relay against what else there is.")
    parser.add_argument("--full", action="store_true", help="all rows, ways and sweeps: 35 minutes")
    parser.add_argument("--rounds", type=int, help="measured rounds; one more comes first and is dropped")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench-results",
                        help="folder for results.csv, tables and plots (build/bench-results)")
    parser.add_argument("--resume", action="store_true", help="keep what results.csv has, and measure the rest")
    parser.add_argument("--server", action="append", default=[], metavar="NAME=PATH[,option...]",
                        help="one more turnserver, with options of its own; repeatable")
    parser.add_argument("--no-stock", action="store_true", help="without the distribution's coturn")
    parser.add_argument("--rows", help="only these, of baseline,redirect,stock,off-1,off-4,generic,native and "
                        "the names of --server")
    parser.add_argument("--sections", help=f"only these, of {','.join(plan.SECTIONS)}")
    parser.add_argument("--report", action="store_true", help="measure nothing: tables and plots of what is there")
    parser.add_argument("--readme", action="store_true", help="put the summary into the project's README.md")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: at least 1")
    unknown = set(options.sections.split(",") if options.sections else ()) - set(plan.SECTIONS)
    if unknown:
        parser.error(f"--sections: no such section: {', '.join(sorted(unknown))}")
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


def command_of(options):
    """The command line without where things are on this machine."""
    words = ["--full"] if options.full else []
    words += [f"--rounds {options.rounds}"] if options.rounds else []
    words += [f"--rows {options.rows}"] if options.rows else []
    words += [f"--sections {options.sections}"] if options.sections else []
    for text in options.server:
        name, _, rest = text.partition("=")
        words.append("--server " + ",".join([f"{name}=PATH", *rest.split(",")[1:]]))
    return " ".join(["sudo bench/run.sh", *words])


def main():
    options = arguments()
    # What is within `with` is put away however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kinds = [] if options.report else kinds_of(options)
    unknown = set(options.rows.split(",") if options.rows else ()) - {kind.name for kind in (BASELINE, REDIRECT, *kinds)}
    if unknown and not options.report:
        sys.exit(f"bench: --rows: no such row: {', '.join(sorted(unknown))}")
    results = Results(options.out / "results.csv", options.resume or options.report)
    passed = True
    about = options.out / "about.json"
    known = json.loads(about.read_text(encoding="utf-8")) if results.lines and about.exists() else {"titles": {}}
    if not options.report:
        effort = plan.FULL if options.full else plan.QUICK
        if options.rounds:
            effort.rounds = options.rounds
        known["machine"] = machine.describe()
        known["command"] = command_of(options)
        known["titles"] |= {kind.name: kind.title for kind in (TESTER, BASELINE, REDIRECT, *kinds)}
        about.write_text(json.dumps(known, indent="\t", ensure_ascii=False) + "\n", encoding="utf-8")
        with tempfile.TemporaryDirectory() as work:
            order = plan.Plan(results, Path(work), kinds, effort)
            if options.rows:
                order.only(options.rows.split(","))
            if options.sections:
                order.sections = options.sections.split(",")
            passed = order.run()
            for failure in order.failures:
                print(f"bench: failed: {failure}", file=sys.stderr)
            if order.late:
                print(f"bench: no time for {order.late} steps more; --resume goes on with them", file=sys.stderr)
    about = f"`{known.get('command', '')}`\n\n{known.get('machine', '')}\n"
    text = report.write(results, about, known["titles"], options.out)
    print(text)
    plot.write(results, known["titles"], options.out)
    if options.readme:
        readme.write(results, known.get("command", ""), known["titles"])
    print(f"In {options.out}: results.csv, tables.md and the plots.")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
