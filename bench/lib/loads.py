# SPDX-License-Identifier: BSD-3-Clause
"""What many channels cost the XDP program, beside what one load from memory costs.

The program with one channel, with many, and a chain of dependent loads over memory of the size of
the table of flows take turns of some milliseconds, so that what the machine does besides hits all
three.

usage: loads.py CHANNELS STARTS"""

import contextlib
import statistics
import subprocess
import sys

from lab import BIN
from server import Failed

TURNS = 20
NAMES = ("one", "many", "load")  # channel, channels


def table_bytes(channels):
    """Of the table of flows, as the program's object file has it."""
    done = subprocess.run([BIN / "cost", "4", "4", str(channels), "table"], check=False, timeout=120, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return int(done.stdout)


class Asked:
    """A process within `with` that prints a figure for each line that it reads."""

    def __init__(self, *argv):
        self.process = subprocess.Popen(["timeout", "300", *map(str, argv)], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def figure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        if not said:
            raise Failed(f"{self.process.args[2]} ended")
        return float(said)


def measure(channels):
    """ns for a packet with one channel, for one with many, and for a load."""
    found = {name: [] for name in NAMES}
    with contextlib.ExitStack() as stack:
        asked = [stack.enter_context(Asked(*argv)) for argv in (
            (BIN / "cost", 4, 4, 1, 0), (BIN / "cost", 4, 4, channels, 0), (BIN / "loads", table_bytes(channels)))]
        for _ in range(TURNS):
            for name, process in zip(NAMES, asked):
                found[name].append(process.figure())
    return {f"{name}_ns": statistics.median(values) for name, values in found.items()}


def ratio(figures):
    """How many loads the packets of many channels wait for more than those of one; None if that was not measured."""
    one, many, load = (figures.get(f"{name}_ns") for name in NAMES)
    return None if None in (one, many, load) or not load else (many - one) / load


def main(channels, starts):
    found = [measure(channels) for _ in range(starts)]
    figures = {name: statistics.median(values[name] for values in found) for name in found[0]}
    print(f"In turns: {figures['one_ns']:.0f} ns a packet with 1 channel, {figures['many_ns']:.0f} ns with {channels}, "
          f"{figures['load_ns']:.0f} ns a load.\nThe difference is {ratio(figures):.2f} loads.")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
