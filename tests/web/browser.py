# SPDX-License-Identifier: BSD-3-Clause
"""Chromium, as scripts of Node.js drive it by Playwright."""

import json
import shutil
from pathlib import Path

from tap import skip

MODULES = Path(__file__).resolve().parents[2] / "build" / "web" / "node_modules"


def chromium():
    """The browser; skips the test if what it needs is not here."""
    for name in ("node", "chromium"):
        if not shutil.which(name):
            skip(f"there is no {name} here")
    if not (MODULES / "playwright-core").is_dir():
        skip("there is no playwright-core (tests/run.sh web installs it)")
    return shutil.which("chromium")


def node(home, seconds, script, *words):
    """The command of a script of this folder, whose first argument is the browser. It ends within so many seconds;
    the browser's profile, sockets and caches go to `home`."""
    home.mkdir(exist_ok=True)
    return ["env", f"NODE_PATH={MODULES}", f"HOME={home}", "timeout", "-k", "5", str(seconds), "node",
            Path(__file__).with_name(script), chromium(), *words]


def visit(namespace, home, seconds, script, *words):
    """What a script that runs in a namespace prints as JSON, on its last line."""
    done = namespace.run(*node(home, seconds, script, *words), seconds=seconds + 10)
    return json.loads(done.stdout.splitlines()[-1])
