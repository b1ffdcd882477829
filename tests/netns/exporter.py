# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp as it serves metrics by HTTP, and a client of it."""

import contextlib
import http.client
import itertools
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from inspector import parse_metrics
from server import tool
from tap import check, check_equal, wait_until

_serial = itertools.count()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Exporter:
    """The tool from `with` to its end, to which SIGTERM brings it at once."""

    def __init__(self, lab, *words, prefix=(), port_alone=False):
        self._log = lab.folder / f"exporter-{next(_serial)}"
        self.port = _free_port()
        self._argv = [*prefix, tool("turnutils_xdp"), "metrics", "--listen",
                      str(self.port) if port_alone else f"127.0.0.1:{self.port}",
                      *map(str, words)]
        self._process = None

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(self._argv, stderr=log)
        try:
            wait_until(lambda: self.lines() or self._process.poll() is not None, 5, "the exporter says something")
            check_equal(self.lines(), [f"turnutils_xdp: metrics are at http://127.0.0.1:{self.port}/metrics"],
                        "the exporter says")
        except BaseException:
            self._process.kill()
            self._process.wait(5)
            raise
        return self

    def __exit__(self, *_):
        running = self._process.poll() is None
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
            raise
        check_equal((running, status), (True, 0), "the exporter ran, and its exit status")

    @property
    def pid(self):
        return self._process.pid

    def lines(self):
        """What it has said on standard error, in whole lines."""
        return self._log.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()

    def files(self):
        """How many files it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def processor_seconds(self):
        """The processor time that it has used."""
        stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def status(self, name):
        """A field of its status in /proc."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return re.search(rf"(?m)^{name}:\s*(\S+)", text).group(1)

    def connect(self):
        """A connection that says nothing yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(self, method="GET", path="/metrics"):
        """The status, headers and text of an answer."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as client:
            client.request(method, path)
            answer = client.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def page(self):
        status, headers, text = self.ask()
        check_equal(status, 200, "status")
        check(headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers["Content-Type"])
        return text

    def scrape(self):
        return parse_metrics(self.page())
