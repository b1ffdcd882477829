#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp on a machine where no turnserver relays channels in the kernel. It
finds servers wherever they are on the machine, so nothing else may run meanwhile."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from server import tool
from tap import check, check_equal, run, skip, test

NO_SERVER = 3


def ask(*words, folder=None):
    """The exit status of the tool, and what it says."""
    done = subprocess.run([tool("turnutils_xdp"), *words], timeout=20, text=True, stdin=subprocess.DEVNULL, cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def need_no_server():
    if os.geteuid():
        skip("needs root")
    if '"servers":[]' not in ask("list", "--json")[1].replace(" ", ""):
        skip("other turnservers run on this machine")


@test("without a server status says so and fails, and metrics counts none")
def no_server():
    need_no_server()
    status, said = ask("status")
    check_equal(status, NO_SERVER, "exit status")
    check("no turnserver relays channels in the kernel here" in said, said)
    status, said = ask("metrics", "--once")
    check_equal(status, 0, "exit status of metrics")
    check("\nturn_xdp_servers 0\n" in said, said)


@test("without a server check takes the turnserver.conf that turnserver would find")
def found_file():
    need_no_server()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("turnserver.conf", "etc/turnserver.conf")]
        paths[1].parent.mkdir()
        for path in paths:
            path.write_text("xdp-offload\n", encoding="ascii")
        for path in paths:
            said = json.loads(ask("check", "--json", folder=folder)[1])
            check_equal((said["pid"], said["file"]), (None, str(path.relative_to(folder))), "what was checked")
            path.unlink()


if __name__ == "__main__":
    run()
