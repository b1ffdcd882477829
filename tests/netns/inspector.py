# SPDX-License-Identifier: BSD-3-Clause
"""Runs turnutils_xdp, and gives what it says as Python's values."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

from server import tool
from tap import check, check_equal, wait_until

TOP = Path(__file__).resolve().parents[2]
NO_SERVER = 3  # its exit status


def ask(*words, status=0, prefix=()):
    """Runs the tool to its end: what it wrote on standard output and on standard error."""
    done = subprocess.run([*prefix, tool("turnutils_xdp"), *map(str, words)], timeout=20, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if status is not None:
        check_equal(done.returncode, status, f"exit status of {words}: {done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def ask_json(command, server, *words):
    text, _ = ask(command, "--json", "--pid", server.pid, *words)
    check_equal(text.count("\n"), 1, f"lines of {text}")
    return json.loads(text)


def channel_of(talk, server, *words):
    """What the tool shows of a talk's channel; None if it does not show it."""
    shown = ask_json("channels", server, "--interval", 0, *words)["channels"]
    found = [one for one in shown if one["client"]["port"] == talk.client.port
             and one["number"] == talk.number]
    check(len(found) <= 1, f"shown twice: {found}")
    return found[0] if found else None


def send(talk, count, size):
    """Sends `count` datagrams in each direction, which all arrive."""
    for number in range(count):
        check(talk.to_peer(bytes([number & 255]) * size), "to the peer")
        check(talk.to_client(bytes([number & 255]) * (size + 1)), "to the client")


def settled(server):
    """The status of a server, whose sums of bytes have what its channels have carried. The
    server adds it up every second."""
    def caught_up():
        status = ask_json("status", server, "-i", 0)
        carried = [one[direction] for one in ask_json("channels", server, "-i", 0)["channels"]
                   for direction in ("to_peer", "to_client")]
        return status if status["bytes"] == {
            name: sum(one[f"{name}_bytes"] for one in carried) for name in ("received", "sent")} else None
    return wait_until(caught_up, 4, "the sums are those of the channels")


def parse_metrics(text):
    """Samples by (name, labels), after a strict look at the format."""
    label = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"'
    sample = re.compile(rf"([a-zA-Z_:][\w:]*)(\{{{label}(?:,{label})*\}})? (-?\d+(?:\.\d+)?)")
    types, found, current = {}, {}, None
    check(text.endswith("\n"), "the last line is not whole")
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if head := re.fullmatch(r"# HELP (\w+) [^\\]+", line):
            current = head.group(1)
            check(current not in types, f"{current} comes twice")
            check(lines[number + 1].startswith(f"# TYPE {current} "), f"no type after: {line}")
        elif kind := re.fullmatch(r"# TYPE (\w+) (counter|gauge)", line):
            check_equal(kind.group(1), current, "type of the metric before it")
            types[current] = kind.group(2)
        else:
            one = sample.fullmatch(line)
            check(one, f"no sample: {line!r}")
            check_equal(one.group(1), current, f"metric of {line!r}")
            check(current.endswith("_total") == (types[current] == "counter"), f"type of {line!r}")
            key = one.group(1), frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', one.group(2) or ""))
            check(key not in found, f"twice: {line!r}")
            found[key] = float(one.group(3))
    return found


def sample(metrics, name, **labels):
    return metrics[(f"turn_xdp_{name}", frozenset(labels.items()))]


def abi_version():
    text = (TOP / "bpf" / "abi.h").read_text(encoding="utf-8")
    return int(re.search(r"#define ABI_VERSION (\d+)u", text).group(1))


class Screen:
    """The tool in a terminal of a size; escape sequences are carried out, if they are ones."""

    def __init__(self, columns, rows, *words):
        self._size = rows, columns
        self._words = words
        self._process = self._master = None
        self._lines = []
        self._output = ""

    def __enter__(self):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", *self._size, 0, 0))
        os.set_blocking(self._master, False)
        self._process = subprocess.Popen([tool("turnutils_xdp"), *self._words], stdin=slave,
                                         stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(5)
        os.close(self._master)

    def key(self, key):
        os.write(self._master, key.encode())

    def ended(self):
        with contextlib.suppress(OSError):
            os.read(self._master, 65536)
        return self._process.poll() == 0

    def _draw(self, output):
        row = 0
        for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[^\x1b]+", output):
            if part == "\x1b[H":
                row, self._lines = 0, [""]
            elif part[0] != "\x1b":
                first, *rest = part.split("\r\n")
                self._lines[row] += first
                self._lines += rest
                row += len(rest)

    def text(self):
        """The last screen that was drawn to its end, which is where all below it is cleared."""
        with contextlib.suppress(BlockingIOError):
            self._output += os.read(self._master, 65536).decode()
        drawn, end, rest = self._output.rpartition("\x1b[J")
        if end:
            self._draw("\x1b[H" + drawn.rpartition("\x1b[H")[2])
            self._output = rest
        return "\n".join(self._lines)
