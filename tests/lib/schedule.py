# SPDX-License-Identifier: BSD-3-Clause
"""Runs jobs side by side, as far as the processors and what they wait for allow."""

import time

from build import CORES, is_current


class Schedule:
    """`said` is called with each job that has ended, or cannot run."""

    def __init__(self, jobs, said):
        self._waiting = list(jobs)
        self._said = said
        self._running = []
        self._names = {job.name for job in jobs}
        self._done = {}  # name: whether it succeeded

    def run(self):
        try:
            while self._waiting or self._running:
                self._begin()
                for job in [job for job in self._running if job.ended()]:
                    self._running.remove(job)
                    self._finish(job)
                time.sleep(0.03)
        finally:
            for job in self._running:
                job.tell_end()
            for job in self._running:
                job.wait_end()

    def _finish(self, job):
        self._done[job.name] = not job.why_not and job.status == 0 and not job.was_late()
        self._said(job)

    def _free(self):
        return CORES - sum(job.cores for job in self._running)

    def _ready(self, job):
        return all(name in self._done for name in (*job.needs, *job.after) if name in self._names)

    def _begin(self):
        for job in list(self._waiting):
            if not self._ready(job):
                continue
            job.why_not = self._missing(job)
            if not job.why_not and self._running and job.cores > self._free() + 0.01:
                continue
            self._waiting.remove(job)
            if job.why_not:
                self._finish(job)
                continue
            job.start()
            self._running.append(job)

    def _missing(self, job):
        """Nothing runs that an earlier build has left: why this job does not, or None."""
        for need in job.needs:
            if self._done.get(need, True):
                continue
            if not job.target:
                return f"not run, because {need} failed"
            if not is_current(job.target):
                return "not run, because it does not build"
        return None
