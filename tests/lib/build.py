# SPDX-License-Identifier: BSD-3-Clause
"""What is built for the tests, as jobs. This file is the only one here that calls make."""

import os
import re
import subprocess

from job import ROOT, Job

CORES = os.cpu_count() or 1


def make(*words, keep_going=False):
    """The command line of make; words are targets and variables."""
    return ["make", f"-j{CORES}", *(["-k"] if keep_going else []), *words]


def _configured():
    """A Makefile of another configuration (another coturn, say) is kept, unless it
    leaves out what is to be tested."""
    makefile = ROOT / "Makefile"
    return makefile.exists() and re.search(r"^xdp = yes$", makefile.read_text(encoding="utf-8"), re.M)


def _job(name, argv, seconds, **more):
    return Job("build/" + name, argv, seconds, kind="build", **more)


def builds(tests):
    """The builds that these tests need, in order. A program of a test that does not
    compile does not keep the others from being built."""
    found = []
    tests = [test for test in tests if not test.skip]
    wanted = {name for test in tests for name in test.needs}
    first = ()
    if not _configured():
        found.append(_job("configure", ["./configure"], 600))
        first = ("build/configure",)
    # One after the other: they share files.
    order = []
    for name, sanitizers in (("", None), ("-thread", "thread"), ("-sanitize", "address,undefined")):
        variables = [f"SANITIZE={sanitizers}"] if sanitizers else []
        # The tests' own processes sleep most of the time, and go first when they do not.
        polite = ["nice", "-n", "5"] if sanitizers else []
        if "build/all" + name in wanted:
            found.append(_job("all" + name, [*polite, *make("all", *variables)], 1200,
                              needs=first, after=order, cores=0.7))
            order = ["build/all" + name]
        if "build/tests" + name in wanted:
            targets = sorted({test.target for test in tests if "build/tests" + name in test.needs})
            found.append(_job("tests" + name, [*polite, *make(*targets, *variables, keep_going=True)], 1200,
                              needs=first, after=order, cores=0.7))
            order = ["build/tests" + name]
    return found


def is_current(target):
    """Whether what make would build is there, and of the present sources."""
    variables = ["SANITIZE=address,undefined"] if target.startswith("build/sanitize/") else []
    done = subprocess.run(make("-q", target, *variables), cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def complaint(output, errors):
    """What a reader wants of the log of a build that failed."""
    lines = (output + errors).splitlines()
    hits = [number for number, line in enumerate(lines)
            if re.search(r"error:|undefined|\*\*\* |missing|need", line)]
    near = sorted({near for hit in hits for near in range(hit, hit + 4) if near < len(lines)})
    return [lines[number] for number in near][:60] or lines[-40:]
