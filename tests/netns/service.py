# SPDX-License-Identifier: BSD-3-Clause
"""A server of another kind, for a test of its own. tests/run.sh unpacks those that
are not installed, so that none runs as a service."""

from pathlib import Path

from tap import skip, wait_until

UNPACKED = Path(__file__).resolve().parents[2] / "build" / "databases"


def find_program(name, *folders):
    """The folder of a program, unpacked or installed."""
    for root in (UNPACKED, Path("/")):
        for folder in folders:
            for found in sorted(root.glob(f"{folder}/{name}"), reverse=True):
                return found.parent
    skip(f"there is no {name} here")
    return None


class Service:
    """A server on the loopback of a namespace, from `with` to its end."""

    name = ""  # what it is called

    def __init__(self, lab):
        self.lab = lab
        self._process = None

    def prepare(self):
        """What there is to do before it starts; its command line."""
        raise NotImplementedError

    def answers(self):
        """Whether it does."""
        raise NotImplementedError

    def ready(self):
        """What there is to do when it answers."""

    def __enter__(self):
        argv = self.prepare()
        log = self.lab.folder / f"{self.name}.log"
        with open(log, "ab") as output:
            self._process = self.lab.server.start("timeout", "-k", "5", "300", *argv, output=output)
        try:
            wait_until(self.answers, 60, f"an answer of {self.name}")
            self.ready()
        except BaseException as error:
            self.__exit__()
            raise RuntimeError(f"{self.name} says: {log.read_text(errors='replace')[-2000:]}") from error
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)
