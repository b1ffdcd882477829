# SPDX-License-Identifier: BSD-3-Clause
"""The machine on which this runs, in words."""

import os
import subprocess
import sys
import time
from pathlib import Path


def busy_share(seconds=1.0):
    """Share of the machine that others use while we do nothing."""
    def read():
        words = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return sum(words), words[3] + words[4]
    before = read()
    time.sleep(seconds)
    after = read()
    return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])


def describe():
    """One line; a busy machine is warned of."""
    busy = busy_share()
    if busy > 0.05:
        print(f"bench: others use {busy:.0%} of this machine: the figures will be unsteady", file=sys.stderr)
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    try:
        virtual = subprocess.run(["systemd-detect-virt", "--vm"], stdout=subprocess.PIPE, text=True,
                                 check=False).stdout.strip()
    except OSError:
        virtual = ""
    name = os.uname()
    kind = f", virtual ({virtual})" if virtual not in ("", "none") else ""
    return (f"Linux {name.release.partition('-')[0]} {name.machine}, {model}, {os.cpu_count()} CPUs{kind}, "
            f"{busy:.0%} busy before the start.")
