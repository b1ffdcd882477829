# SPDX-License-Identifier: BSD-3-Clause
"""The tests of a release of Debian, from the README's first command to the tests
of the project.
"""

import re
import time

from debian import debian_root
from tap import check, note, test
import tap

# What another distribution may change: the kernel interfaces by libbpf, libxdp and the tools.
NETWORK_TESTS = ("relay", "attach", "privilege", "inspect", "family")


def timed(debian, *argv, seconds=600):
    start = time.monotonic()
    output = debian.do(*argv, seconds=seconds)
    note(f"{' '.join(argv)}: {time.monotonic() - start:.0f} s")
    return output


def suite(debian, *groups):
    """tests/run.sh with these; its summary, and what it skipped, is noted."""
    output = timed(debian, "tests/run.sh", *groups)
    note("\n".join(re.findall(r"^skipped .*", output, re.M)))
    summary = re.search(r"^(\d+) passed, 0 failed, \d+ skipped$", output, re.M)
    check(summary and int(summary.group(1)) > 0, output[-3000:])
    note(summary.group(0))


@test("examples/quickstart.sh", seconds=600)
def quickstart(debian):
    output = timed(debian, "examples/quickstart.sh")
    note("\n".join(line for line in output.splitlines() if re.match(r"  \S.*\d$|.*mode: ", line)))
    check("It works." in output, output[-3000:])


@test("tests/run.sh unit", seconds=400)
def unit(debian):
    # Again, by the rules of the tests, which allow no warning.
    debian.run("sh", "-c", "rm -rf build/tests build/*.o build/*.a; "
                           "find build/obj -name '*.o' -delete 2>/dev/null || :")
    suite(debian, "unit")


@test("tests/run.sh packet", seconds=400)
def packet(debian):
    suite(debian, "packet")


@test("tests/run.sh lint", seconds=400)
def lint(debian):
    suite(debian, "lint")


@test("network tests", seconds=600)
def network(debian):
    debian.do("make")
    for name in NETWORK_TESTS:
        output = timed(debian, "python3", f"tests/netns/{name}_test.py")
        results = re.findall(r"^(?:not )?ok .*", output, re.M)
        skipped = [line for line in results if "# SKIP" in line]
        note("\n".join(skipped))
        check(len(results) > len(skipped), f"{name}: nothing was tested:\n{output}")


def run(codename):
    tap.run(debian_root(codename, codename))
