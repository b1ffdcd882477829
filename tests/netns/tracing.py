# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp capture while it runs."""

import re
import subprocess

from server import tool
from tap import check_equal, skip


class Tracing:
    """The tool while it captures, from `with` to its end."""

    def __init__(self, server, *words, stdout=subprocess.PIPE):
        self._process = subprocess.Popen([tool("turnutils_xdp"), "capture", "-p", str(server.pid), *map(str, words)],
                                         stdout=stdout, stderr=subprocess.PIPE)
        self.said = ""

    def __enter__(self):
        line = self._process.stderr.readline().decode()
        if "capturing" not in line:
            self.said = line + self._process.stderr.read().decode()
            self._process.wait(5)
            # What the verifier refuses is another error.
            if "(Operation not permitted)" in self.said:
                skip("this kernel permits no tracing programs, even to root; tests/vm/run.sh has kernels that do")
            raise AssertionError(self.said)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(5)

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        self._process.kill()
        self._process.wait(5)

    def ends(self, number=None, status=0):
        """What it wrote; with `number` it gets this signal."""
        if number:
            self._process.send_signal(number)
        out, said = self._process.communicate(timeout=15)
        self.said = said.decode()
        check_equal(self._process.returncode, status, f"exit status: {self.said}")
        return out

    def finished(self):
        return self._process.poll() is not None

    def counted(self):
        return tuple(map(int, re.search(r"(\d+) packets captured, (\d+) lost", self.said).groups()))
