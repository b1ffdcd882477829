# SPDX-License-Identifier: BSD-3-Clause
"""One network namespace: commands, sockets and settings inside of it."""

import contextlib
import ctypes
import os
import socket
import subprocess
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _die_with_parent():
    # A test that is killed leaves nothing behind.
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def command(argv, seconds=20, check=True):
    """Runs a command to its end and returns what it said, with its status."""
    done = subprocess.run([str(word) for word in argv], timeout=seconds, text=True,
                          stdin=subprocess.DEVNULL, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: status {done.returncode}: {done.stdout}")
    return done


class Netns:
    """A namespace that lives from create() to remove()."""

    def __init__(self, name):
        self.name = name
        self.path = Path("/run/netns") / name

    def create(self):
        command(["ip", "netns", "add", self.name])
        # Router solicitations and the like would only be noise in captures.
        self.sysctl("net/ipv6/conf/all/disable_ipv6", 1)
        self.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
        self.ip("link", "set", "lo", "up")

    def remove(self):
        command(["ip", "netns", "delete", self.name], check=False)

    @contextlib.contextmanager
    def enter(self):
        """What is opened within belongs to this namespace."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            try:
                yield self
            finally:
                _setns(home)
        finally:
            os.close(there)
            os.close(home)

    def ip(self, *words):
        return command(["ip", "-n", self.name, *words]).stdout

    def run(self, *argv, seconds=20, check=True):
        return command(["ip", "netns", "exec", self.name, *argv], seconds, check)

    def start(self, *argv, output):
        """Starts a process; its pid is that of the command itself."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *[str(word) for word in argv]],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent)

    def sysctl(self, name, value):
        with self.enter():
            (Path("/proc/sys") / name).write_text(str(value), encoding="ascii")

    def sysctls(self):
        """All of net.* that can be read, by name."""
        found = {}
        with self.enter():
            for folder, _, names in os.walk("/proc/sys/net"):
                for name in names:
                    with contextlib.suppress(OSError):
                        path = Path(folder) / name
                        found[str(path)] = path.read_text(encoding="utf-8", errors="replace")
        return found

    def socket(self, address=None, port=0, kind=socket.SOCK_DGRAM, family=None):
        """A socket of the family of its address, if nothing else is said."""
        if family is None:
            family = socket.AF_INET6 if ":" in (address or "") else socket.AF_INET
        with self.enter():
            made = socket.socket(family, kind)
        if address is not None:
            if port:  # with it, two that may have any port may be given the same one
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
        made.settimeout(2)
        return made

    def mac(self, interface):
        with self.enter():
            # sysfs shows the namespace of its mount; netlink that of the caller.
            text = command(["ip", "-o", "link", "show", interface]).stdout
        words = text.split()
        return bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))
