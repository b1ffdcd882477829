#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The Dockerfile without Docker: its lines, exactly as they stand, in root file
systems; then its server, as its user and with the capabilities of compose.yaml,
with its configuration and users in a Redis.
"""

import contextlib
import json
import re
import shutil
import tarfile
from pathlib import Path

from root import TOP, Installed, Root, mounted, tree
import capabilities
import turn
from lab import Lab
from netns import command
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until

DOCKER = TOP / "docker"


def instructions():
    """The Dockerfile's lines as (word, rest), continued lines made one."""
    text = re.sub(r"^\s*#.*\n", "", (DOCKER / "Dockerfile").read_text(encoding="utf-8"),
                  flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


class Stage:
    """What a stage has come to."""

    def __init__(self, root):
        self.root = root
        self.folder = "/"
        self.environment = []
        self.user = "root"
        self.command = {}

    def copy(self, words, stages, context):
        source, target = words[-2:]
        origin = context
        if words[0].startswith("--from="):
            origin = stages[words[0].removeprefix("--from=")].root.path
        source = origin / source.lstrip("/")
        if source.is_dir():
            source = f"{source}/."
        there = self.root.inside(Path(self.folder) / target)
        # To a folder, if the name ends so.
        command(["cp", "-a" if target.endswith("/") else "-aT", source, there], seconds=120)

    def do(self, word, rest, stages, context):
        """One instruction other than FROM; one that is not known fails."""
        if word == "ENV":
            self.environment.append(rest)
        elif word == "WORKDIR":
            self.folder = rest
            self.root.inside(rest).mkdir(parents=True, exist_ok=True)
        elif word == "RUN":
            note(f"RUN {' '.join(rest.split())[:90]}")
            check_equal(self.user, "root", "the user of RUN")
            self.root.run("sh", "-c", f"cd {self.folder} && {rest}", seconds=900,
                          environment=self.environment)
        elif word == "COPY":
            self.copy(rest.split(), stages, context)
        elif word == "USER":
            self.user = rest
        elif word in ("ENTRYPOINT", "CMD"):
            self.command[word] = json.loads(rest)
        elif word != "EXPOSE":
            raise ValueError(f"{word} is not known")


def build(stack, context):
    """Runs the Dockerfile; returns its last stage."""
    stages = {}
    stage = None
    for word, rest in instructions():
        if word != "FROM":
            stage.do(word, rest, stages, context)
            continue
        image, _, name = rest.partition(" AS ")
        suite = re.fullmatch(r"debian:(\w+)-slim", image).group(1)
        name = name or "last"
        stage = stages[name] = Stage(stack.enter_context(Root(suite, f"docker-{name}")))
    return stage


def compose(key):
    """A list of compose.yaml that is in one line."""
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    return re.search(rf"^\s*{key}: \[(.*)\]", text, re.M).group(1).split(", ")


def start(lab, names):
    """As a container does it: chroot, bounds, the user, and then the command."""
    stage = lab.image
    program, *words = stage.command["ENTRYPOINT"]
    check_equal((program, words, stage.command["CMD"]),
                ("turnserver", [], ["-c", "/etc/turnserver.conf"]), "the command")
    prefix = capabilities.without(names, program, f"--chroot={stage.root.path}", user=stage.user)
    return Installed(lab, stage.root, prefix=prefix)


@test("its users are in Redis, its capabilities those of compose.yaml: the kernel relays",
      seconds=60)
def offloads(lab):
    granted = [f"CAP_{name}" for name in compose("cap_add")]
    check_equal(sorted(granted), sorted(capabilities.NEEDED), "cap_add")
    check_equal(compose("cap_drop"), ["ALL"], "cap_drop")
    with start(lab, granted) as server, Talk(lab) as talk:
        check(capabilities.user_of(server.pid)[0], "it runs as root")
        talk.wait_kernel(server).check_kernel(server)
        with turn.Client(lab.client, user="nobody") as stranger:
            with contextlib.suppress(turn.TurnError):
                stranger.allocate()
                check(False, "a user that is not in Redis was let in")


@test("no capabilities: it relays in userspace and says what is missing", seconds=60)
def without(lab):
    with start(lab, ()) as server, Talk(lab) as talk:
        talk.warm()
        talk.check_userspace(server)
        server.wait_log("takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON:")


@contextlib.contextmanager
def redis(lab, root):
    """A Redis on the loopback of the server's namespace, with one user in it."""
    root.install("redis-server")
    with open(lab.folder / "redis.log", "wb") as log:
        process = lab.server.start("timeout", "600", "chroot", root.path, "redis-server",
                                   "--bind", "127.0.0.1", "--save", "", output=log)
    try:
        ask = ("chroot", root.path, "redis-cli", "ping")
        wait_until(lambda: "PONG" in lab.server.run(*ask, check=False).stdout, 10, "a Redis")
        lab.server.run("chroot", lab.image.root.path, "turnadmin", "-a", "-N",
                       "ip=127.0.0.1 dbname=0", "-r", "example.org", "-u", "user", "-p", "secret")
        yield
    finally:
        process.kill()
        process.wait(5)


@contextlib.contextmanager
def fixture():
    with Lab("direct") as lab, contextlib.ExitStack() as stack:
        context = lab.folder / "context"
        context.mkdir()
        tree(lab.folder / "context.tar")
        with tarfile.open(lab.folder / "context.tar") as archive:
            archive.extractall(context)
        lab.image = build(stack, context)
        shutil.rmtree(context)
        stack.enter_context(mounted(lab.image.root, lab.folder))
        stack.enter_context(redis(lab, stack.enter_context(Root("bookworm", "redis"))))
        yield lab


if __name__ == "__main__":
    run(fixture())
