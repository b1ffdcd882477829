# SPDX-License-Identifier: BSD-3-Clause
"""A Redis server of a test's own, and a client for it."""

import contextlib
import shutil
import socket

from service import Service
from tap import skip

# Debian and Ubuntu have the server's binary in redis-tools, under this name;
# redis-server only has its proper name, and a service that would be started.
_BINARIES = ("redis-server", "redis-check-rdb")
PORT = 6379


class Redis(Service):
    """A server on the loopback of a namespace, from `with` to its end. Another one may have
    another address, and a password."""

    name = "redis-server"
    address = "127.0.0.1"
    password = None
    location = f"ip=127.0.0.1 dbname=0 port={PORT}"

    def binary(self):
        """The program, by its name."""
        found = next(filter(None, map(shutil.which, _BINARIES)), None)
        if not found:
            skip("there is no redis-server here: install redis-tools")
        binary = self.lab.folder / "redis-server"
        if not binary.exists():
            binary.symlink_to(found)
        return binary

    def prepare(self):
        return [self.binary(), "--port", PORT, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", self.lab.folder]

    def answers(self):
        # It says -LOADING as long as it reads what it had.
        with contextlib.suppress(OSError, RuntimeError):
            return self.ask("PING") == "PONG"
        return False

    def connection(self):
        return Connection(self.lab, self.address, self.password)

    def ask(self, *words):
        """One command and its reply: a string, a number, a list, or None."""
        with self.connection() as connection:
            return connection.ask(*words)

    def subscriber(self):
        """A connection that keeps all that is published from now on."""
        connection = self.connection()
        connection.ask("PSUBSCRIBE", "*")
        return connection


class Connection:
    """A connection to it (the protocol is Redis's RESP2)."""

    def __init__(self, lab, address="127.0.0.1", password=None):
        self._socket = lab.server.socket(address, 0, socket.SOCK_STREAM)
        self._socket.connect((address, PORT))
        self._file = self._socket.makefile("rb")
        if password:
            self.ask("AUTH", password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def ask(self, *words):
        encoded = [str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(encoded) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
        return self._read()

    def _read(self):
        line = self._file.readline().rstrip(b"\r\n").decode()
        kind, rest = line[:1], line[1:]
        if kind == "+":
            return rest
        if kind == ":":
            return int(rest)
        if kind == "$":
            return None if rest == "-1" else self._file.read(int(rest) + 2)[:-2].decode()
        if kind == "*":
            return [self._read() for _ in range(int(rest))]
        raise RuntimeError(f"redis-server says {line!r}")

    def messages(self, last, seconds=5):
        """For a subscriber: what was published of sessions, a list of (channel,
        text), up to and with the first on a channel that ends in `last`."""
        self._socket.settimeout(seconds)
        found = []
        while not found or not found[-1][0].endswith(last):
            channel, text = self._read()[2:]
            # coturn also publishes a ping, to keep the connection.
            if channel.startswith("turn/"):
                found.append((channel, text))
        return found
