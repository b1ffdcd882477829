# SPDX-License-Identifier: BSD-3-Clause
"""What tests/run.sh does once Python is there: chooses tests, builds what they need,
runs them and counts."""

import os
import shlex
import signal
import subprocess
import sys
import time

from build import builds, complaint
from job import LOGS, ROOT, Job
from result import result_of
from schedule import Schedule
from suite import DEFAULT, GROUPS, MORE, in_order, tests_of

SHOWN = 150  # lines of a failed test's output
FLAGS = ("--no-install", "--list")


def stop(message):
    print(f"tests/run.sh: {message}", file=sys.stderr)
    sys.exit(2)


def chosen(words):
    """The tests that the words name, each once, with the cases that they name."""
    found, whole = {}, set()
    for word in words:
        group, slash, rest = word.partition("/")
        test, colon, case = rest.partition(":")
        if group not in GROUPS:
            stop(f"there is no group \"{group}\"; the groups are: {' '.join(GROUPS)}")
        matching = [one for one in tests_of(group) if not slash or one.name == f"{group}/{test}"]
        if not matching:
            stop(f"there is no test \"{word}\"; these are: {' '.join(one.name for one in tests_of(group))}")
        for one in matching:
            one = found.setdefault(one.name, one)
            if not colon:
                whole.add(one.name)
            elif not one.choosing or not case:
                stop(f"{one.name}: its cases cannot be run one by one" if case else f"{word}: which case?")
            one.cases.append(case)
    for one in found.values():
        if one.name in whole:
            one.cases = []
    return list(found.values())


def list_tests(words):
    """The tests of groups; the cases of tests, if their programs are built."""
    for test in chosen(words):
        if not any("/" in word for word in words):
            print(test.name)
        elif not test.choosing:
            print(f"{test.name} runs as a whole")
        elif test.target and not (ROOT / test.target).exists():
            print(f"{test.name}: its cases can be listed once it is built (make {test.target})")
        else:
            done = subprocess.run([*test.argv, "--list"], cwd=ROOT, env={**os.environ, **test.env}, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
            cases = [line for line in done.stdout.splitlines() if not line.startswith("#")]
            print("\n".join(f"{test.name}:{case}" for case in cases))


def again(test, result):
    """The command that runs what failed, and no more."""
    cases = list(dict.fromkeys(result.failed)) if test.choosing and not result.broken else test.cases
    words = [f"{test.name}:{case}" for case in cases] or [test.name]
    return "tests/run.sh --no-install " + " ".join(shlex.quote(word) for word in words)


class Report:
    """What is said of each job, whole, when it has ended; and counts."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self._failures = []
        self._times = []

    def _indent(self, lines):
        for line in lines:
            print("        " + line)

    def said(self, job):
        (self._build if job.kind in ("build", "install") else self._test)(job)
        sys.stdout.flush()
        self._times.append(f"{job.took:7.1f} {job.used:7.1f} {job.name}")

    def _build(self, job):
        if job.kind == "install":
            for line in job.output().splitlines():
                print(line)
        elif job.why_not or job.status:
            self.failed += 1
            self._failures.append(f"{job.name}: {job.why_not or 'does not build'}")
            print(f"FAILED  {self._failures[-1]}")
            if not job.why_not:
                self._indent(complaint(job.output(), job.errors()))
        else:
            print(f"built   {job.name} ({job.took:.0f} s)")

    def _test(self, job):
        result = result_of(job)
        self.passed += result.passed
        failures = len(result.failed) + len(result.refused()) + bool(result.broken)
        self.failed += failures
        self.skipped += len(result.skipped) - len(result.refused())
        for name, why in result.skipped:
            if (name, why) not in result.refused():
                print(f"skipped {job.name}: {name}: {why}")
        counts = f"{result.passed} passed" + (f", {failures} failed" if failures else "")
        if result.ok():
            print(f"ok      {job.name}: {counts} ({job.took:.1f} s)")
            return
        print(f"FAILED  {job.name}: {result.broken + '; ' if result.broken else ''}{counts} ({job.took:.1f} s)")
        self._failures.append(f"{job.name}: {again(job, result)}")
        for name, why in result.refused():
            self._indent([f"skipped, which CI does not allow: {name}: {why}"])
        if not job.why_not:
            self._indent(job.output().splitlines()[-SHOWN:] + job.errors().splitlines()[-60:])
        self._indent([f"run it again: {again(job, result)}"])

    def close(self, took):
        if self._failures:
            print("\nwhat failed:")
            self._indent(self._failures)
        LOGS.mkdir(parents=True, exist_ok=True)
        (LOGS / "times").write_text("seconds    cpu\n" + "\n".join(self._times) + "\n", encoding="utf-8")
        print(f"\n{took // 60:.0f} min {took % 60:.0f} s")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed + self.skipped else 0


def _on_end(number, _frame):
    # As an exception, so that what runs is ended.
    raise SystemExit(128 + number)


def run(words, install):
    began = time.monotonic()
    tests = chosen(words)
    jobs = builds(tests)
    if install:
        groups = sorted({test.group for test in tests})
        jobs.append(Job(MORE, ["tests/lib/install.sh", "more", *groups], 1800, cores=0.3, kind="install"))
    report = Report()
    Schedule(jobs + in_order(tests), report.said).run()
    return report.close(time.monotonic() - began)


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_end)
    words = [word for word in sys.argv[1:] if word not in FLAGS]
    for word in words:
        if word.startswith("-"):
            stop(f"there is no option {word}; see tests/run.sh --help")
    words = words or list(DEFAULT)
    if "--list" in sys.argv[1:]:
        return list_tests(words)
    return run(words, install="--no-install" not in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
