# SPDX-License-Identifier: BSD-3-Clause
"""One command that tests/run.sh runs: a build, or a test, with a log of its own."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "tests" / "logs"
GRACE = 10  # seconds from SIGTERM to SIGKILL


class Job:
    """`seconds` is its time limit. `needs` are names of jobs without whose success
    there is nothing to run, `after` those that must have ended if they run at all.
    `cores` is how much of the machine it uses, on average. `target` is what make
    builds for it."""

    def __init__(self, name, argv, seconds, *, needs=(), after=(), cores=0.5, env=None, kind="tap", target=None,
                 choosing=False):
        self.name, self.argv, self.seconds = name, [str(word) for word in argv], seconds
        self.needs, self.after, self.cores = tuple(needs), tuple(after), cores
        self.env, self.kind, self.target = env or {}, kind, target
        self.choosing = choosing  # whether words choose some of its cases
        self.cases = []           # those words
        self.skip = None          # why it is skipped on this machine
        self.why_not = None       # why it cannot run, which is a failure
        self.took = self.used = 0.0  # seconds of time, and of all processors
        self.status = None
        self._process = self._started = self._ending = None

    @property
    def group(self):
        return self.name.partition("/")[0]

    def _log(self, end):
        return LOGS / f"{self.name.replace('/', '-')}.{end}"

    def output(self):
        return self._log("out").read_text(encoding="utf-8", errors="replace")

    def errors(self):
        return self._log("err").read_text(encoding="utf-8", errors="replace")

    def _command(self):
        return ["echo", f"1..0 # SKIP {self.skip}"] if self.skip else self.argv + self.cases

    def start(self):
        LOGS.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic()
        with open(self._log("out"), "wb") as out, open(self._log("err"), "wb") as err:
            self._process = subprocess.Popen(
                self._command(), cwd=ROOT, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True)

    def ended(self):
        """Whether it has; its status is then known. It is ended when its time is over."""
        self.took = time.monotonic() - self._started
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if pid:
            self._process.returncode = self.status = os.waitstatus_to_exitcode(status)
            self.used = usage.ru_utime + usage.ru_stime
            if self._ending:
                self._signal(signal.SIGKILL)  # what it has left behind
            return True
        if self.took > self.seconds and not self._ending:
            self._ending = "late"
            self._signal(signal.SIGTERM)
        elif self.took > self.seconds + GRACE:
            self._signal(signal.SIGKILL)
        return False

    def was_late(self):
        return self._ending == "late"

    def tell_end(self):
        """The run is over: it is to clean up, and end."""
        self._ending = "told"
        self._signal(signal.SIGTERM)

    def wait_end(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
