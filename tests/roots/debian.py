# SPDX-License-Identifier: BSD-3-Clause
"""This project on a release of Debian: its files as they are, in a root file
system of that release and on this machine's kernel. What a new user does not have,
it does not have either.
"""

import contextlib
import re
import tarfile
import tempfile
from pathlib import Path

from root import TOP, Root, tree
from tap import Failed, note, skip

# Below a folder that other users cannot enter, as a home is.
HOME = "/root/turn"
TARBALL = "/root/coturn.tar.gz"


def host_tarball():
    """The pinned release, as this machine's ./configure has fetched it."""
    found = sorted((TOP / "build" / "downloads").glob("coturn_*.orig.tar.*"))
    return found[0] if found else skip("this machine has no coturn tarball (run ./configure)")


class Debian:
    """A root with the tree in it."""

    def __init__(self, root):
        self.root = root

    def run(self, *argv, seconds=600, check=True):
        """A command in the tree, as root and not in CI: what is skipped there is no failure here."""
        return self.root.run_as_machine("env", "-u", "CI", "-C", HOME, *argv, seconds=seconds,
                                        check=check)

    def use_host_tarball(self):
        tarball = host_tarball()
        note(f"coturn: this machine's {tarball.name}, by --with-coturn")
        self.root.inside(TARBALL).write_bytes(tarball.read_bytes())
        self.run("./configure", f"--with-coturn={TARBALL}")

    def do(self, *argv, seconds=600):
        """A command that may have to configure. Where no pinned release can be had, what the
        message says is done, and the command repeated."""
        had_coturn = self.root.inside(f"{HOME}/build/upstream").exists()
        done = self.run(*argv, seconds=seconds, check=False)
        refused = re.search(r"configure: (cannot get coturn .*)", done.stdout)
        if done.returncode and refused and "--with-coturn=TARBALL" in done.stdout:
            note(refused.group(1))
            self.use_host_tarball()
            done = self.run(*argv, seconds=seconds, check=False)
        elif not had_coturn and not done.returncode:
            note("coturn: what ./configure has obtained")
        if done.returncode:
            raise Failed(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout[-6000:]}")
        return done.stdout


@contextlib.contextmanager
def debian_root(codename, name):
    with Root(codename, name) as root, tempfile.TemporaryDirectory() as folder:
        tree(Path(folder) / "tree.tar")
        with tarfile.open(Path(folder) / "tree.tar") as archive:
            archive.extractall(root.inside(HOME))
        root.run("apt-get", "update")
        yield Debian(root)
