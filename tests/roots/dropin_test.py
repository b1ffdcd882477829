#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The distribution's coturn package, replaced by `make install` as docs/installation.md
says, in a root file system of this machine's distribution: the same configuration, the same
database, the same users; and the package again.
"""

import contextlib
import re
import subprocess
import tarfile

from root import TOP, Installed, Root, codename, mounted, tree
import capabilities
from lab import CLIENT, Lab
from netns import command
from server import PASSWORD, REALM, USER
from talk import Talk
from tap import check, check_equal, note, run, test

CONFIGURATION = "/etc/turnserver.conf"
DATABASE = "/var/lib/turn/turndb"
# What an administrator may have set.
SET_BEFORE = f"lt-cred-mech\nrealm={REALM}\nno-tls\nno-dtls\nno-cli\nlog-file=stdout\n"


def recipe():
    """The commands of the section, by lines."""
    text = (TOP / "docs/installation.md").read_text(encoding="utf-8")
    section = re.search(r"^## Over Debian's coturn, by hand\n(.*?)^## ", text, re.M | re.S).group(1)
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def configure_options():
    line = next(line for line in recipe() if line.startswith("./configure --prefix"))
    return line.split("#")[0].split()[1:]


class Debian:
    """The root with the package, and what it was before."""

    def __init__(self, root):
        self.root = root
        root.install("coturn")
        with root.inside(CONFIGURATION).open("a", encoding="utf-8") as conf:
            conf.write(SET_BEFORE)
        self.turnadmin("-a", "-u", USER, "-r", REALM, "-p", PASSWORD)
        listed = root.run("dpkg", "-L", "coturn").stdout.split()
        self.programs = [path for path in listed if re.match(r"/usr/bin/.", path)]
        self.configuration = root.read(CONFIGURATION)
        self.database = root.read(DATABASE)

    def turnadmin(self, *words):
        # As the user whose the database is, which the package makes.
        return self.root.run("setpriv", "--reuid=turnserver", "--regid=turnserver",
                             "--clear-groups", "turnadmin", "-b", DATABASE, *words).stdout

    def untouched(self):
        check_equal(self.root.read(CONFIGURATION), self.configuration, CONFIGURATION)
        check_equal(self.root.read(DATABASE), self.database, DATABASE)


def start(lab, added):
    prefix = capabilities.without(capabilities.NEEDED, "turnserver",
                                  f"--chroot={lab.debian.root.path}", user="turnserver")
    # In place of the unit's AmbientCapabilities.
    kept = ",".join(capabilities.NEEDED).lower()
    at = next(index for index, word in enumerate(prefix) if word.startswith("--user"))
    prefix = (*prefix[:at], "--keep=1", prefix[at], f"--inh={kept}", f"--addamb={kept}",
              *prefix[at + 1:])
    argv = ["--pidfile=", "--userdb=" + DATABASE] + added
    return Installed(lab, lab.debian.root, prefix=prefix, argv=argv)


@test("before: the package's server, the package's user", seconds=60)
def before(lab):
    with start(lab, []) as server, Talk(lab) as talk:
        talk.warm()
        check(not server.xdp(), "the package offloads")


@test("./configure --packages offers the databases that the package links", seconds=60)
def packages(lab):
    offered = lab.debian.root.run("sh", "-c", f"cd {lab.tree} && ./configure --packages").stdout.split()
    for package in ("libpq-dev", "libmariadb-dev", "libhiredis-dev"):
        check(package in offered, f"{package} is not among {offered}")


def make(lab, *words):
    return command(["make", "-C", lab.tree, f"DESTDIR={lab.debian.root.path}", *words],
                   seconds=900)


@test("installed over it: configuration and database as they were", seconds=900)
def install(lab):
    note(f"./configure {' '.join(configure_options())}")
    command(["sh", "-c", 'cd "$0" && ./configure "$@"', lab.tree, *configure_options()],
            seconds=300)
    make(lab, "install")
    lab.debian.untouched()
    libraries = command(["ldd", lab.debian.root.inside("/usr/bin/turnserver")]).stdout
    files = re.findall(r"=> (/\S+)", libraries)
    owners = command(["dpkg", "-S", *files, *[f"/usr{one}" for one in files]], check=False).stdout
    lab.debian.root.install(*sorted(set(re.findall(r"^(lib[^:\s]+):", owners, re.M))))


@test("after: the same user is served, and the kernel relays", seconds=60)
def after(lab):
    with start(lab, ["--xdp-offload"]) as server, Talk(lab) as talk:
        talk.wait_kernel(server).check_kernel(server)
    lab.debian.untouched()
    check_equal(USER in lab.debian.turnadmin("-l", "-r", REALM), True, "the user is listed")


@test("every program of the package is there, and answers", seconds=60)
def programs(lab):
    check(len(lab.debian.programs) >= 8, f"programs: {lab.debian.programs}")
    for path in lab.debian.programs:
        done = lab.debian.root.run("timeout", "5", path, "-h", check=False)
        check(done.returncode not in (124, 126, 127) and len(done.stdout) > 40,
              f"{path}: status {done.returncode}, {done.stdout[:200]!r}")


@test("make uninstall and the package again: as it was", seconds=120)
def again(lab):
    make(lab, "uninstall")
    lab.debian.root.run("apt-get", "install", "-y", "--reinstall", "coturn")
    lab.debian.untouched()
    # minbase has no manuals and no documents; nor has it their checksums wrong.
    changed = [line for line in lab.debian.root.run("dpkg", "--verify", "coturn",
                                                    check=False).stdout.splitlines()
               if " c /" not in line and "/usr/share/doc/" not in line and "/usr/share/man/" not in line]
    check_equal(changed, [], "files of the package that are not as it has them")
    left = subprocess.run(["find", lab.debian.root.path / "usr", "-name", "*xdp-offload*",
                           "-o", "-name", "turnserver-xdp*"], stdout=subprocess.PIPE,
                          check=True).stdout
    check_equal(left, b"", "files of ours that are left")
    with start(lab, []) as server, Talk(lab) as talk:
        talk.warm()
        check("xdp-offload" not in lab.debian.root.run("turnserver", "-h", check=False).stdout,
              "it is not the package's server")
        check(not server.xdp(), "it offloads")


@contextlib.contextmanager
def fixture():
    with Lab("direct") as lab, Root(codename(), "dropin") as root:
        lab.tree = lab.folder / "tree"
        lab.tree.mkdir()
        tree(lab.folder / "tree.tar")
        with tarfile.open(lab.folder / "tree.tar") as archive:
            archive.extractall(lab.tree)
        lab.debian = Debian(root)
        with mounted(root, lab.folder):
            yield lab


if __name__ == "__main__":
    note(f"{codename()}, a client at {CLIENT}")
    run(fixture())
