# SPDX-License-Identifier: BSD-3-Clause
"""The turnserver under test, with a user database and a log of its own."""

import functools
import itertools
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import turn
from kernel import Offload
from lab import CLIENT, SERVER, SERVER6
from netns import command
from tap import wait_until

_ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("TURNSERVER", _ROOT / "build" / "bin" / "turnserver")).absolute()
REALM = "example.org"
USER, PASSWORD = "user", "secret"

_serial = itertools.count()


def tool(name):
    """A program that is installed beside turnserver."""
    path = BINARY.parent / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built")
    return path


@functools.lru_cache
def version():
    """The coturn release of the server under test, as a tuple."""
    return tuple(map(int, command([BINARY, "--version"]).stdout.split()[0].split(".")))


def database(folder):
    """The SQLite user database of a lab, with its user."""
    path = folder / "turndb"
    if not path.exists():
        command([tool("turnadmin"), "-a", "-b", path, "-u", USER, "-r", REALM, "-p", PASSWORD])
        # SQLite writes beside the file, as whatever user the server runs.
        path.chmod(0o666)
    return path


class Server:
    """A turnserver in lab.server, from `with` to its end.

    It listens and relays at its IPv6 addresses too if the lab has them.
    `options` are lines of turnserver.conf, a list of (name, value) with value
    None for a bare one; `argv` is added to the command line and `prefix` put
    in front of it. `probe` is a client's and the server's address between which
    it must answer to be ready. `program` is another copy of the server.
    """

    def __init__(self, lab, *options, offload=True, argv=(), prefix=(), ready=True,
                 probe=(CLIENT, SERVER), program=BINARY):
        self.lab = lab
        self.folder = lab.folder / f"server-{next(_serial)}"
        self._options = list(options)
        self._argv = list(argv)
        self._prefix = list(prefix)
        self._ready = ready
        self._probe = probe
        self._program = program
        self._process = None
        self._may_end = False
        self.offload = None
        self.pid = None
        if offload:
            self._options.append(("xdp-offload", None))
        if not program.exists():
            raise FileNotFoundError(f"{program} is not built")

    def _configuration(self):
        given = {name for name, _ in self._options}
        lines = [("listening-ip", SERVER), ("relay-ip", self.lab.relay_address)]
        if self.lab.ipv6:
            lines += [("listening-ip", SERVER6), ("relay-ip", self.lab.relay_address6)]
        lines += [("listening-port", 3478), ("min-port", 49152), ("max-port", 65535),
                  ("lt-cred-mech", None), ("realm", REALM),
                  ("userdb", database(self.lab.folder)), ("no-tls", None), ("no-dtls", None),
                  ("no-cli", None), ("verbose", None), ("log-file", "stdout"),
                  ("pidfile", self.folder / "pid")]
        if "cli-password" in given:
            lines.remove(("no-cli", None))
            # Off unless asked for, in later releases.
            lines += [("cli", None)] if version() >= (4, 17) else []
        if "cert" in given:
            lines.remove(("no-tls", None))
        lines = [line for line in lines if line[0] not in given] + self._options
        return "".join(name + ("" if value is None else f"={value}") + "\n"
                       for name, value in lines)

    def __enter__(self):
        self.folder.mkdir()
        self.folder.chmod(0o777)
        path = self.folder / "turnserver.conf"
        path.write_text(self._configuration(), encoding="utf-8")
        with open(self.folder / "log", "wb") as log:
            self._process = self.lab.server.start(*self._prefix, self._program, "-c", path,
                                                  *self._argv, output=log)
        self._follow(self._process.pid)
        try:
            if self._ready:
                self.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, error=None, *_):
        # A server that ended by itself is a failure, whatever was tested.
        crashed = not (error or self._may_end) and not self.running()
        self.stop()
        if crashed:
            raise RuntimeError(f"the server ended by itself; its log:\n{self.log()[-8000:]}")

    def _follow(self, pid):
        self.pid = pid
        self.offload = Offload(pid)

    def follow_daemon(self):
        """For a server that forks: its pid is the one in the pidfile."""
        self._process.wait(10)
        pidfile = self.folder / "pid"
        wait_until(lambda: pidfile.exists() and pidfile.read_text().strip(), 5, "a pidfile")
        self._follow(int(pidfile.read_text()))

    def follow_child(self):
        """For a server that its prefix has started, in a PID namespace or not."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._follow(int(wait_until(lambda: children.read_text(encoding="ascii"), 5, "the server's process")))

    def running(self):
        if self._process.poll() is None:
            return True
        if self.pid == self._process.pid:
            return False
        return Path(f"/proc/{self.pid}").exists()

    def wait_ready(self, seconds=15):
        """Waits until the server answers."""
        end = time.monotonic() + seconds
        client, server = self._probe
        probe = self.lab.client.socket(client, 0)
        try:
            probe.connect((server, 3478))
            probe.settimeout(0.1)
            while time.monotonic() < end:
                if self.pid == self._process.pid and not self.running():
                    break
                try:
                    probe.send(turn.message(turn.REQUEST, turn.BINDING, b""))
                    if turn.is_message(probe.recv(2048)):
                        return
                except TimeoutError:
                    continue
                except ConnectionRefusedError:
                    time.sleep(0.05)
        finally:
            probe.close()
        raise RuntimeError(f"the server does not answer; its log:\n{self.log()}")

    def wait_end(self, seconds=10):
        """The exit status of a server that ends by itself."""
        self._may_end = True
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"the server did not end; its log:\n{self.log()}") from error

    def log(self):
        text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        for path in sorted(self.folder.glob("*.log")):
            text += path.read_text(encoding="utf-8", errors="replace")
        return text

    def log_lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def wait_log(self, pattern, seconds=5):
        return wait_until(lambda: self.log_lines(pattern), seconds, f"{pattern!r} in the log")

    def signal(self, number):
        self._may_end |= number in (signal.SIGTERM, signal.SIGKILL)
        os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self._process.wait(5)

    def stop(self):
        """Ends it: nicely, then not."""
        if self._process is None:
            return
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            try:
                self.signal(number)
            except ProcessLookupError:
                break
            if number == signal.SIGCONT:
                continue
            end = time.monotonic() + 6
            while self.running() and time.monotonic() < end:
                time.sleep(0.02)
            if not self.running():
                break
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(5)

    def cpu_seconds(self):
        """User and system time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
        words = fields.split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def xdp(self):
        """Names of the server's interfaces that carry an XDP program."""
        return attached(self.lab.server)


def attached(namespace):
    links = json.loads(command(["ip", "-n", namespace.name, "-j", "link"]).stdout)
    return sorted(link["ifname"] for link in links if link.get("xdp"))
