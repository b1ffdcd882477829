# SPDX-License-Identifier: BSD-3-Clause
"""Capabilities of a process: started with some, and read from outside."""

import re
from pathlib import Path

NUMBERS = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}

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


def sets_of(path):
    """Permitted, effective and bounding set, as in a status file of /proc."""
    status = Path(path).read_text(encoding="ascii")
    return tuple(int(_field(status, f"Cap{name}"), 16) for name in ("Prm", "Eff", "Bnd"))


def of_threads(pid):
    """The permitted and effective sets of all threads that have any, sorted."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        permitted, effective, _ = sets_of(task / "status")
        if permitted or effective:
            found.append((permitted, effective))
    return sorted(found)


def user_of(pid):
    """The real user and group."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(_field(status, "Uid")), int(_field(status, "Gid"))
