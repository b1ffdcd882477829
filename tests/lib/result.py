# SPDX-License-Identifier: BSD-3-Clause
"""What a test that has ended says: results as TAP, or a status alone."""

import os
import re

IN_CI = os.environ.get("CI") == "true"

# With CI=true every other skip is a failure. These are what no machine can have: what
# another release of coturn has, libprom, which Debian and Ubuntu do not package, and
# what newer or smaller kernels can be without: the tables of iptables-legacy, VLANs, dummy
# interfaces, and tracing programs.
ALLOWED = re.compile(r"^this coturn (?:has no|does not) |built without prometheus"
                     r"|^this kernel has no (?:ip_tables|dummy interfaces)|^this kernel does not make interfaces like"
                     r"|^this kernel permits no tracing programs", re.I)

_PLAN = re.compile(r"^\s*1\.\.(\d+)(?:\s*#\s*skip\s*(.*))?", re.I)
_LINE = re.compile(r"^\s*(not )?ok\b\s*(\d*)[\s-]*(.*)$")
_SKIP = re.compile(r"^(.*?)\s*#\s*skip\s*(.*)$", re.I)


class Result:
    """passed: how many; failed: names of cases; skipped: (name, why); broken: what is
    wrong with the test as a whole."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.broken = None
        self._planned = self._plans = 0

    def ok(self):
        return not self.failed and not self.broken and not self.refused()

    def refused(self):
        """Skips that are failures here."""
        return [one for one in self.skipped if IN_CI and not ALLOWED.search(one[1])]

    def read(self, output):
        """A program may have several plans. cmocka calls what is skipped "not ok", and
        says why in the line before."""
        before = ""
        for line in output.splitlines():
            plan, found = _PLAN.match(line), _LINE.match(line)
            if plan:
                self._plans += 1
                self._planned += int(plan[1])
                if plan[2] is not None:
                    self.skipped.append(("all", plan[2]))
            elif found:
                self._add(found[1], found[3], before)
            before = line
        return self

    def _add(self, wrong, text, before):
        skip = _SKIP.match(text)
        if skip and skip[1]:
            self.skipped.append((skip[1], skip[2]))
        elif skip:
            self.skipped.append((skip[2], before.removeprefix("#").strip()))
        elif wrong:
            self.failed.append(text)
        else:
            self.passed += 1

    def judge(self, job):
        """What is wrong as a whole, with the status of the process."""
        seen = self.passed + len(self.failed) + len(self.skipped)
        if job.was_late():
            self.broken = f"no end after {job.seconds} s"
        elif job.status and not self.failed:
            self.broken = f"exit status {job.status}"
        elif self._planned and self._planned != seen:
            self.broken = f"{seen} results of {self._planned} planned"
        elif not seen:
            self.broken = "no results"
        return self


def result_of(job):
    """Of a test that has ended, or cannot run."""
    result = Result()
    if job.why_not:
        result.broken = job.why_not
    elif job.kind == "tap":
        result.read(job.output()).judge(job)
    elif job.was_late():
        result.broken = f"no end after {job.seconds} s"
    elif job.status:
        result.broken = f"exit status {job.status}"
    else:
        result.passed = 1
    return result
