# SPDX-License-Identifier: BSD-3-Clause
"""A root whose systemd runs, in namespaces of its own and on the network of a lab's host."""

import os
from pathlib import Path

from netns import command
from tap import skip, wait_until

# What a container's engine gives an init: file systems of its own, and no device but these.
_BOOT = """
echo $$ >"$1/cgroup.procs"
exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup sh -e -c '
mount --rbind "$0" "$0"
cd "$0"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
	: >dev/$device
	mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p .old
pivot_root . .old
exec chroot . sh -c "umount -l /.old && exec env -i container=lab /sbin/init --log-target=console"
' "$0"
"""


def _cgroups():
    """Where the hierarchy of cgroup2 is mounted."""
    for line in Path("/proc/mounts").read_text(encoding="ascii").splitlines():
        _, place, kind = line.split()[:3]
        if kind == "cgroup2":
            return Path(place)
    return skip("no cgroup2 is mounted")


class Machine:
    """systemd in a root that has it, from `with` to its end."""

    def __init__(self, root, host):
        self.root = root
        self._host = host
        self._cgroup = _cgroups() / f"{host.name}-machine"
        self._outer = None
        self._pid = None
        # Its services are started by their packages' scripts.
        root.inside("/usr/sbin/policy-rc.d").unlink(missing_ok=True)

    def __enter__(self):
        self._cgroup.mkdir()
        with open(f"{self.root.path}.log", "wb") as log:
            self._outer = self._host.start("sh", "-c", _BOOT, self.root.path, self._cgroup, output=log)
        try:
            self._pid = wait_until(self._init, 10, "an init")
            self._settle()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _init(self):
        path = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        children = path.read_text(encoding="ascii").split()
        return children and os.readlink(f"/proc/{children[0]}/root") == "/" and int(children[0])

    def _settle(self):
        # "starting" until all units of the boot have started, or failed.
        wait_until(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip()
                   in ("running", "degraded"), 60, "a system that has started")

    def __exit__(self, *_):
        self._outer.kill()
        self._outer.wait(5)
        log = Path(f"{self.root.path}.log")
        log.unlink(missing_ok=True)
        folders = [Path(folder) for folder, _, _ in os.walk(self._cgroup, topdown=False)]
        wait_until(lambda: _removed(folders), 10, "a cgroup without processes")

    def run(self, *argv, seconds=300, check=True):
        """A command within, which has this machine's network, as apt needs it."""
        return command(["nsenter", f"--target={self._pid}", "--mount", "--pid", "--uts", "--ipc",
                        "--cgroup", "--root", "env", "-i", "-C", "/", "DEBIAN_FRONTEND=noninteractive",
                        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *argv], seconds, check)

    def shell(self, script, **more):
        return self.run("sh", "-e", "-c", script, **more)

    def main_process(self, unit):
        """The process of a unit, by its number on this machine; 0 if there is none."""
        inner = self.run("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
        if inner == "0":
            return 0
        space = os.readlink(f"/proc/{self._pid}/ns/pid")
        for process in Path("/proc").glob("[0-9]*"):
            try:
                numbers = [line for line in (process / "status").read_text("ascii", "replace").splitlines()
                           if line.startswith("NSpid:")][0].split()
                if numbers[-1] == inner and os.readlink(process / "ns/pid") == space:
                    return int(process.name)
            except OSError:
                continue
        return 0


def _removed(folders):
    try:
        for folder in folders:
            if folder.exists():
                folder.rmdir()
    except OSError:
        return False
    return True
