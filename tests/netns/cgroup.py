# SPDX-License-Identifier: BSD-3-Clause
"""A cgroup of the test's own for a server, and filters that are attached to it: what
systemd's IPAddressDeny= and RestrictNetworkInterfaces= do.
"""

import contextlib
import ctypes
import itertools
import os
import re
import socket
from pathlib import Path

import wire
from netns import command
from tap import skip

INGRESS, EGRESS = 0, 1
_ALLOW_MULTI = 2
_SOURCE = Path(__file__).with_name("cgroup_filter.c")
_serial = itertools.count()


def _root():
    """Where the hierarchy of version 2 is mounted."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(folder)
    return skip("cgroups of version 2 are not mounted")


class Cgroup:
    """A cgroup below the root, or below another one, from `with` to its end."""

    def __init__(self, below=None):
        self._parent = below.path if below else _root()
        self.name = f"turn-{os.getpid()}-{next(_serial)}"
        self.path = self._parent / self.name

    def __enter__(self):
        self.path.mkdir()
        return self

    def __exit__(self, *_):
        # What is left in it goes back to where the test is.
        for pid in (self.path / "cgroup.procs").read_text(encoding="ascii").split():
            with contextlib.suppress(OSError):
                (self._parent / "cgroup.procs").write_text(pid, encoding="ascii")
        self.path.rmdir()

    def prefix(self):
        """What is put in front of a command, which then runs in the cgroup. `ip netns exec` gives it
        a /sys of its own, where the cgroups have to be mounted again."""
        below = self.path.relative_to(_root())
        return ("sh", "-c", "mountpoint -q /sys/fs/cgroup || mount -t tmpfs none /sys/fs/cgroup; "
                "mount -t cgroup2 none /sys/fs/cgroup && "
                f"echo 0 >/sys/fs/cgroup/{below}/cgroup.procs && exec \"$@\"", "sh")


def _address(text, offset):
    return [f"-DADDRESS={','.join(map(str, wire.address(text)))}", f"-DOFFSET={offset}"]


def from_address(text):
    """What drops packets from an address; from_address and the like are for attached()."""
    return _address(text, 8 if wire.is_ipv6(text) else 12)


def to_address(text):
    return _address(text, 24 if wire.is_ipv6(text) else 16)


def by_interface(namespace, name, what):
    """Only of packets that come in or leave by this interface."""
    with namespace.enter():
        return [f"-DIFINDEX={socket.if_nametoindex(name)}", *what]


class _Library:
    """libbpf, as far as it is needed here."""

    def __init__(self):
        try:
            self._bpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
        except OSError:
            skip("libbpf.so.1 is not installed")
        for name in ("bpf_object__open_file", "bpf_object__find_program_by_name"):
            getattr(self._bpf, name).restype = ctypes.c_void_p

    def call(self, name, *arguments):
        result = getattr(self._bpf, name)(*[ctypes.c_void_p(one) if isinstance(one, int) and one > 1 << 31
                                            else one for one in arguments])
        if result is None or result < 0:
            raise OSError(-result if result else ctypes.get_errno(), f"{name} failed")
        return result


@contextlib.contextmanager
def attached(lab, cgroup, kind, what):
    """A filter is attached to a cgroup, INGRESS or EGRESS, while this lasts."""
    made = lab.folder / f"filter-{next(_serial)}.o"
    command(["clang", "-O2", "-target", "bpf", f"-I{_multiarch()}", *what, "-c", _SOURCE, "-o", made])
    library = _Library()
    loaded = library.call("bpf_object__open_file", str(made).encode(), None)
    folder = os.open(cgroup.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        library.call("bpf_object__load", loaded)
        program = library.call("bpf_program__fd", library.call("bpf_object__find_program_by_name", loaded, b"filter"))
        library.call("bpf_prog_attach", program, folder, kind, _ALLOW_MULTI)
        try:
            yield
        finally:
            library.call("bpf_prog_detach2", program, folder, kind)
    finally:
        os.close(folder)
        library._bpf.bpf_object__close(ctypes.c_void_p(loaded))


def _multiarch():
    """Where this machine's asm/ is, which clang does not look for when it compiles for BPF."""
    found = re.findall(r"^ (/\S+)$", command(["sh", "-c", "echo | cc -xc -E -v - 2>&1"]).stdout, re.M)
    return next((folder for folder in found if Path(folder, "asm/types.h").exists()), "/usr/include")
