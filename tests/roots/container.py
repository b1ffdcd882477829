# SPDX-License-Identifier: BSD-3-Clause
"""Podman with a storage of its own, the image that docker/Dockerfile makes on a base
by debootstrap, and its containers as servers of a lab.
"""

import contextlib
import json
import os
import re
import resource
import shlex
import shutil
from pathlib import Path

from root import TOP, Root
from netns import command
from server import Server
from tap import check, check_equal, note, skip, wait_until

DOCKER = TOP / "docker"
IMAGE = "coturn-xdp"
_BASE = "docker.io/library/debian:bookworm-slim"

# podman would raise these limits, which not every machine lets even root do.
_LIMITS = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}


def _limits():
    for name, number in _LIMITS.items():
        hard = resource.getrlimit(number)[1]
        limit = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
        yield f"--ulimit={name}={limit}:{limit}"


# How a container is started. podman would have systemd run the health check: the test runs it.
RUN = ("run", "--rm", "--health-interval=disable", *_limits())

# `ip netns exec` leaves no control groups below /sys, without which no engine runs. So this goes back to
# the file systems of the test ($0) and mounts a /sys of the network namespace, with them.
_WITH_CONTROL_GROUPS = """
exec nsenter --mount="$0" unshare --mount sh -c '
mount --rbind /sys/fs/cgroup /mnt && mount -t sysfs sysfs /sys && mount --rbind /mnt /sys/fs/cgroup &&
umount --lazy /mnt && exec "$@"' sh "$@"
"""


class Podman:
    """The engine, from `with` to its end. Nothing of it is in the machine's own storage."""

    def __init__(self):
        self._folder = TOP / "build" / "roots" / "podman"
        self._argv = []

    def __enter__(self):
        if not shutil.which("podman"):
            skip("podman is not installed")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        filesystems = Path("/proc/filesystems").read_text(encoding="ascii")
        self._argv = ["podman", "--root", self._folder / "root", "--runroot", self._folder / "run",
                      "--network-config-dir", self._folder / "networks",
                      "--storage-driver", "overlay" if "\toverlay\n" in filesystems else "vfs",
                      "--cgroup-manager", "cgroupfs"]
        # crun refuses hosts with both versions of control groups.
        if shutil.which("runc"):
            self._argv += ["--runtime", "runc"]
        return self

    def __exit__(self, *_):
        self("rm", "--all", "--force", "--time", "0", check=False)
        self("rmi", "--all", "--force", check=False, seconds=120)
        command(["rm", "-rf", "--one-file-system", self._folder], seconds=120, check=False)

    def argv(self, *words):
        return [str(word) for word in (*self._argv, *words)]

    def argv_within(self, *words):
        """The same for a command that `ip netns exec` starts."""
        return ["sh", "-c", _WITH_CONTROL_GROUPS, f"/proc/{os.getpid()}/ns/mnt", *self.argv(*words)]

    def __call__(self, *words, seconds=60, check=True):
        """A command to its end; returns what it said, with its status."""
        return command(self.argv(*words), seconds, check)

    def inspect(self, what, *kind):
        text = self(*kind, "inspect", what).stdout
        # After what podman may have to say of its own.
        return json.loads(text[text.index("[\n"):])[0]

    def profile(self):
        """podman's seccomp profile, changed as README.md beside the Dockerfile says: podman's own allows
        bpf(2) to containers with SYS_ADMIN only."""
        path = self._folder / "seccomp.json"
        recipe = re.search(r"^    sudo (sed .*) >(\S*)$", (DOCKER / "README.md").read_text(encoding="utf-8"), re.M)
        path.write_text(command(["sh", "-c", recipe.group(1)]).stdout, encoding="utf-8")
        check(json.loads(path.read_text(encoding="utf-8"))["syscalls"], "the profile is empty")
        return path

    def build(self):
        """The image, on the base that debootstrap makes."""
        with Root("bookworm", "podman-base") as root:
            archive = self._folder / "base.tar"
            command(["tar", "-C", root.path, "-cf", archive, "."], seconds=120)
        self("import", archive, _BASE, seconds=120)
        archive.unlink()
        done = self("build", "--pull=never", "--isolation", "chroot", "--network", "host", "--format", "docker",
                    "-t", IMAGE, "-f", DOCKER / "Dockerfile", TOP, seconds=1800)
        note("\n".join(re.findall(r"^coturn .*|^configure: .*", done.stdout, re.M)))


def compose(service, key):
    """A value of a service in compose.yaml that is in one line, as text."""
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    section = re.search(rf"^  {service}:\n((?:    .*\n|\n)*)", text, re.M).group(1)
    return re.search(rf"^    {key}: (.*)$", section, re.M).group(1)


def words_of(service, key):
    """The same, of a list."""
    return compose(service, key).strip("[]").split(", ")


def options_of(service):
    """What compose.yaml gives to a container, as options of the engine."""
    options = ["--network", compose(service, "network_mode")]
    options += [f"--cap-drop={name.lower()}" for name in words_of(service, "cap_drop")]
    options += [f"--cap-add={name}" for name in words_of(service, "cap_add")]
    check_equal(compose(service, "read_only"), "true", "read_only")
    return [*options, "--read-only", "--tmpfs=/tmp"]


class Container(Server):
    """A server in a container, in the network namespace of lab.server unless the options say otherwise.
    `arguments` are those of the image's entrypoint."""

    def __init__(self, lab, *options, arguments=(), configuration=DOCKER / "turnserver.conf", **more):
        self.name = f"server-{id(self):x}"
        volume = ["-v", f"{configuration}:/etc/turnserver.conf:ro"] if configuration else []
        started = lab.podman.argv_within(*RUN, "--name", self.name, *volume, *options, IMAGE, *arguments)
        # In place of the program that the lab would start.
        super().__init__(lab, offload=False, prefix=("sh", "-c", f"exec {shlex.join(started)}", "sh"), **more)
        self._podman = lab.podman

    def wait_ready(self, seconds=20):
        super().wait_ready(seconds)
        self._follow(self._server_pid())

    def _server_pid(self):
        """On the host: the child of tini, which is process 1 in the container."""
        first = self._podman.inspect(self.name, "container")["State"]["Pid"]
        return int(Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()[0])

    def execute(self, *words, options=(), check=True):
        # A container with the host's network has no other network than that of the engine that is asked.
        return self.lab.server.run(*self._podman.argv_within("exec", *options, self.name, *words), check=check)

    def healthy(self):
        argv = self._podman.argv_within("healthcheck", "run", self.name)
        return not self.lab.server.run(*argv, check=False).returncode

    def end(self):
        """By the engine, which waits as long as compose.yaml says before it kills; what the engine said."""
        self._may_end = True
        seconds = compose("turnserver", "stop_grace_period").removesuffix("s")
        said = self._podman("stop", "--time", seconds, self.name).stdout
        self._process.wait(5)
        return said


@contextlib.contextmanager
def bridge_for_containers(namespace):
    """What Docker makes on a host: a bridge with an address, with a container at it."""
    namespace.ip("link", "add", "docker0", "type", "bridge")
    namespace.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    namespace.ip("link", "set", "veth0", "master", "docker0")
    namespace.ip("address", "add", "172.17.0.1/16", "dev", "docker0")
    for name in ("docker0", "veth0", "veth1"):
        namespace.ip("link", "set", name, "up")
    try:
        wait_until(lambda: "LOWER_UP" in namespace.ip("link", "show", "docker0"), 5, "the bridge is up")
        yield
    finally:
        namespace.ip("link", "delete", "docker0")
        namespace.ip("link", "delete", "veth0")
