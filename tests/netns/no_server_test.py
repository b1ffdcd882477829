#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp on a machine where no turnserver relays channels in the kernel. It
finds servers wherever they are on the machine, so nothing else may run meanwhile."""

import os
import subprocess

from server import tool
from tap import check, check_equal, run, skip, test

NO_SERVER = 3


def ask(*words):
    """The exit status of the tool, and what it says."""
    done = subprocess.run([tool("turnutils_xdp"), *words], timeout=20, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


@test("without a server status says so and fails, and metrics counts none")
def no_server():
    if os.geteuid():
        skip("needs root")
    if '"servers":[]' not in ask("list", "--json")[1].replace(" ", ""):
        skip("other turnservers run on this machine")
    status, said = ask("status")
    check_equal(status, NO_SERVER, "exit status")
    check("no turnserver relays channels in the kernel here" in said, said)
    status, said = ask("metrics", "--once")
    check_equal(status, 0, "exit status of metrics")
    check("\nturn_xdp_servers 0\n" in said, said)


if __name__ == "__main__":
    run()
