# SPDX-License-Identifier: BSD-3-Clause
"""The operator's telnet CLI (cli-password)."""

import select
import socket
import time

from tap import check


class Cli:
    """The operator's telnet CLI."""

    def __init__(self, lab, password):
        self._socket = lab.server.socket("127.0.0.1", 0, socket.SOCK_STREAM)
        self._socket.connect(("127.0.0.1", 5766))
        self._until("password")
        self._socket.sendall(password.encode() + b"\r\n")
        self._until("> ")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _until(self, word, seconds=3):
        text = ""
        end = time.monotonic() + seconds
        while word not in text and time.monotonic() < end:
            if select.select([self._socket], [], [], 0.2)[0]:
                data = self._socket.recv(65536)
                if not data:
                    break
                text += data.decode("latin-1")
        check(word in text, f"no {word!r} from the CLI: {text!r}")
        return text

    def say(self, line):
        self._socket.sendall(line.encode() + b"\r\n")

    def ask(self, line):
        self.say(line)
        return self._until("> ")
