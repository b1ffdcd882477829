# SPDX-License-Identifier: BSD-3-Clause
"""Capabilities of a process: started with some, and read from outside."""

import collections
import re
from pathlib import Path

NUMBERS = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}

# What the README and the example for systemd name.
NEEDED = ("CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON")


def mask(names):
    return sum(1 << NUMBERS[name] for name in names)


def _drop(names):
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    return "--drop=" + ",".join(str(number) for number in range(last + 1)
                                if not mask(names) & 1 << number)


def with_only(names):
    """A prefix of a command: as nobody, with these capabilities and no way to others."""
    kept = ",".join(names).lower()
    return ("capsh", _drop(names), "--keep=1", "--user=nobody", f"--inh={kept}",
            f"--addamb={kept}", "--", "-c", 'exec "$@"', "sh")


def without(names, program, *before, user="nobody"):
    """A prefix that runs another program in place of the command: as a user without
    capabilities, who may have these of a file, as a container starts its command."""
    return ("capsh", *before, _drop(names), f"--user={user}", "--", "-c",
            f'shift; exec {program} "$@"', "sh")


def _field(status, name):
    return re.search(rf"^{name}:\s*(\S+)", status, re.M).group(1)


Sets = collections.namedtuple("Sets", "permitted effective inheritable ambient")


def bounding_of(pid):
    """The bounding set of a process."""
    return int(_field(Path(f"/proc/{pid}/status").read_text(encoding="ascii"), "CapBnd"), 16)


def _sets(path):
    status = (path / "status").read_text(encoding="ascii")
    return Sets(*(int(_field(status, f"Cap{name}"), 16) for name in ("Prm", "Eff", "Inh", "Amb")))


def of_process(pid):
    """The sets of a process's first thread; "self": of this one."""
    return _sets(Path(f"/proc/{pid}"))


def of_threads(pid):
    """The sets of each thread."""
    return [_sets(task) for task in Path(f"/proc/{pid}/task").iterdir()]


def user_of(pid):
    """The real user and group."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(_field(status, "Uid")), int(_field(status, "Gid"))
