# SPDX-License-Identifier: BSD-3-Clause
"""Root file systems of Debian or Ubuntu, made by debootstrap with the mirror and
the proxies that this machine's apt uses, and commands that run in them."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "netns"))

from netns import command
from server import Server
from tap import skip

_MADE = TOP / "build" / "roots"

# The root is a mount, or `ip netns exec` could not make it private.
_OWN_MACHINE = """
mount --rbind "$0" "$0" && cd "$0" && mount --rbind /dev dev && mount -t proc proc proc &&
mount -t sysfs sysfs sys && mount -t bpf bpf sys/fs/bpf && mount -t tmpfs tmpfs run &&
exec chroot . sh -c '"$@"; exit $?' sh "$@"
"""


def _mirror():
    targets = command(["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)",
                       "Created-By: Packages"]).stdout
    found = re.search(r"^(?:Debian|Ubuntu) (\S+)", targets, re.M)
    return found.group(1) if found else skip("apt has no mirror of Debian or Ubuntu")


def codename():
    """Of this machine's distribution."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    return re.search(r"^VERSION_CODENAME=\"?(\w+)", release, re.M).group(1)


def _base(suite):
    """A root that is only copied; made once."""
    made = _MADE / suite
    if made.exists():
        return made
    if not shutil.which("debootstrap"):
        skip("debootstrap is not installed")
    _MADE.mkdir(parents=True, exist_ok=True)
    new = _MADE / f"{suite}.new"
    shutil.rmtree(new, ignore_errors=True)
    components = "main,universe" if "ubuntu" in _mirror() else "main"
    command(["debootstrap", "--variant=minbase", f"--components={components}", suite, new,
             _mirror()], seconds=600)
    new.rename(made)
    return made


class Root:
    """A root of a suite, from `with` to its end. What runs in it has a /proc."""

    def __init__(self, suite, name):
        self._suite = suite
        self.path = _MADE / f"{name}-{os.getpid()}"

    def __enter__(self):
        command(["cp", "-a", "--reflink=auto", _base(self._suite), self.path], seconds=120)
        shutil.copy("/etc/resolv.conf", self.path / "etc" / "resolv.conf")
        settings = command(["apt-config", "dump"]).stdout
        proxies = re.findall(r"^Acquire::https?::Proxy.*$", settings, re.M)
        # Unstable's lists are good for a week, and a mirror may stand still for longer.
        lines = [*proxies, 'Acquire::Check-Valid-Until "false";']
        (self.path / "etc/apt/apt.conf.d/90machine").write_text(
            "".join(f"{line}\n" for line in lines), encoding="utf-8")
        # Packages' services stay where they are.
        policy = self.path / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
        return self

    def __exit__(self, *_):
        command(["rm", "-rf", "--one-file-system", self.path], seconds=120, check=False)

    def run(self, *argv, seconds=600, check=True, environment=()):
        """A command within, to its end; returns what it said, with its status."""
        return command(["unshare", "--mount", "sh", "-c",
                        'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"', self.path,
                        "env", "DEBIAN_FRONTEND=noninteractive", *environment, *argv],
                       seconds, check)

    def run_as_machine(self, *argv, seconds=600, check=True):
        """The same with all that a machine has of its kernel: devices, /sys, the file system
        of BPF, network namespaces of its own, and processes that end with the command."""
        return command(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                        _OWN_MACHINE, self.path, "env", "DEBIAN_FRONTEND=noninteractive", *argv],
                       seconds, check)

    def install(self, *packages):
        self.run("apt-get", "update")
        self.run("apt-get", "install", "-y", "--no-install-recommends", *packages)

    def read(self, path):
        return self.inside(path).read_bytes()

    def inside(self, path):
        """The path of one of its files on this machine."""
        return self.path / str(path).lstrip("/")


@contextlib.contextmanager
def mounted(root, *paths):
    """Folders of this machine at the same paths within the root, and /sys and /proc."""
    with contextlib.ExitStack() as stack:
        for path in ("/sys", "/proc", *paths):
            there = root.inside(path)
            there.mkdir(parents=True, exist_ok=True)
            command(["mount", "--bind", path, there])
            stack.callback(command, ["umount", there])
        yield


class Installed(Server):
    """A server in a root, by the configuration that is there; `prefix` starts it."""

    def __init__(self, lab, root, **more):
        super().__init__(lab, offload=False, **more)
        self._root = root

    def _configuration(self):
        return self._root.read("/etc/turnserver.conf").decode()


def tree(target):
    """A copy of this project's files as they are, without what is built."""
    files = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "--cached", "--others",
                            "--exclude-standard"], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-C", TOP, "--null", "-T", "-", "-cf", target], input=files, check=True)
