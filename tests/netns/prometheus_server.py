# SPDX-License-Identifier: BSD-3-Clause
"""A Prometheus of a test's own, and a client for its HTTP interface."""

import contextlib
import itertools
import json
import re
import socket
import urllib.parse

from netns import command
from service import Service, find_program

PORT = 9090
_serial = itertools.count()


class Prometheus(Service):
    """A server with the configuration, and the alert rules, of a folder. It scrapes and evaluates
    every second, and its alerts fire at once."""

    name = "prometheus"

    def __init__(self, lab, folder):
        super().__init__(lab)
        self._programs = find_program("prometheus", "usr/bin", "usr/local/bin")
        self._folder = folder

    def check(self):
        """What promtool says of the configuration and the rules, and its exit status."""
        done = command([self._programs / "promtool", "check", "config", self._folder / "prometheus.yml"], check=False)
        return done.stdout, done.returncode

    def prepare(self):
        for name, pattern, value in (("prometheus.yml", r"_interval: \d+s", "_interval: 1s"),
                                     ("alerts.yml", r"for: \d+m", "for: 0s")):
            text = re.sub(pattern, value, (self._folder / name).read_text(encoding="utf-8"))
            (self.lab.folder / name).write_text(text, encoding="utf-8")
        return [self._programs / "prometheus", f"--config.file={self.lab.folder}/prometheus.yml",
                f"--storage.tsdb.path={self.lab.folder}/prometheus-{next(_serial)}", f"--web.listen-address=127.0.0.1:{PORT}"]

    def get(self, path, **words):
        """The data of an answer of its interface."""
        with self.lab.server.socket("127.0.0.1", 0, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(("127.0.0.1", PORT))
            connection.sendall(f"GET {path}?{urllib.parse.urlencode(words)} HTTP/1.0\r\n\r\n".encode())
            head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise OSError(f"{path} {words}: {head[:100]!r} {body[:500]!r}")
        return json.loads(body)["data"] if body[:1] == b"{" else body

    def answers(self):
        with contextlib.suppress(OSError):
            return bool(self.get("/-/ready"))
        return False

    def query(self, expression):
        """What an expression is now: a list of (labels, number)."""
        return [(one["metric"], float(one["value"][1]))
                for one in self.get("/api/v1/query", query=expression)["result"]]

    def number(self, expression):
        """The same of an expression with one value, or None."""
        found = self.query(expression)
        return found[0][1] if found else None

    def firing(self):
        """The alerts that fire: pairs of the name and the server."""
        return {(one["labels"]["alertname"], one["labels"].get("server"))
                for one in self.get("/api/v1/alerts")["alerts"] if one["state"] == "firing"}

    def names(self):
        """The names of all metrics that were scraped."""
        return set(self.get("/api/v1/label/__name__/values"))
