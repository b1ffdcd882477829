# SPDX-License-Identifier: BSD-3-Clause
"""What is compared: each row is a way through the server, set up within `with`."""

import contextlib
import dataclasses
import subprocess

import measure
from lab import BIN, LAST_CPU
from server import Channels, Failed, Server, end, plain_flows


# Channels that the kernel's tables have room for if nothing is said.
DEFAULT_ROOM = 16384


@dataclasses.dataclass(frozen=True)
class Kind:
    """A server's program and options."""
    name: str
    title: str
    path: str = ""
    options: tuple = ()
    libraries: str = ""
    threads: int = 1
    offload: str = ""  # "", "native" or "generic"
    turn: bool = True


@dataclasses.dataclass(frozen=True)
class Case:
    """What is sent."""
    way: str = "up"
    payload: int = 160
    clients: int = 8
    channels: int = 1
    threads: int = 0  # 0: the kind's own
    queues: int = 1
    cpus: int = 1     # that generate

    @property
    def flows(self):
        return self.clients * self.channels

    @property
    def room(self):
        """Channels that the tables are made for: a session may have only as many as there is room left for others."""
        return self.flows + self.channels


BASELINE = Kind("baseline", "kernel forwarding, no TURN", turn=False)
TESTER = Kind("tester", "generator and sink alone", turn=False)
REDIRECT = Kind("redirect", "bare XDP redirect, no TURN", turn=False)


def own_kinds(path):
    """Our build: with the offload off and on."""
    on = ("--xdp-offload", "--xdp-required")
    return [
        Kind("off-1", "offload off, 1 relay thread", path),
        Kind("off-4", "offload off, 4 relay threads", path, threads=4),
        Kind("generic", "offload on, generic", path, (*on, "--xdp-mode=generic"), offload="generic"),
        Kind("native", "offload on, native", path, (*on, "--xdp-mode=native"), offload="native"),
    ]


class Row:
    """One kind, ready to be measured."""

    def __init__(self, lab, work, kind, case, server, flows):
        self.lab, self.work, self.kind, self.case, self.server, self.flows = lab, work, kind, case, server, flows

    def throughput(self, **options):
        value = measure.throughput(self.lab, self.flows, options.pop("case", self.case),
                                   self.server.pid if self.server else None, bool(self.kind.offload),
                                   near=self.kind == TESTER, **options)
        return self._carried(value, "kernel_share")

    def _carried(self, value, name):
        # A row with the offload that the kernel did not carry would be another row without.
        if self.kind.offload and value.get(name, 1) < 0.99:
            raise Failed(f"{self.kind.name}: the kernel carried a share of {value[name]} only")
        return value

    def round_trips(self, seconds):
        """Both ways to measure them, with all that takes part on the last CPU."""
        if self.server:
            self.server.move({LAST_CPU})
        relay, offload = bool(self.server), bool(self.kind.offload)
        value = self._carried(measure.probe(self.lab, self.case, relay, offload, seconds), "probe_kernel_share")
        # What a socket sends on a veth has half a checksum: the bare redirect does not complete it,
        # and generic mode leaves it to the server.
        if self.kind == REDIRECT:
            return value
        there = measure.sockets(self.lab, self.case, relay, offload, seconds)
        return value | (there if self.kind.offload == "generic" else self._carried(there, "socket_kernel_share"))


@contextlib.contextmanager
def redirect(lab):
    """The bare XDP redirect between the server's interfaces."""
    argv = ["timeout", "-k", "5", "600", "ip", "netns", "exec", lab.server.name, BIN / "redirect",
            "s0", lab.macs["s0"], lab.macs["c0"], "s1", lab.macs["s1"], lab.macs["p0"]]
    with subprocess.Popen([str(word) for word in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            said = process.stdout.readline()
            if said != b"ready\n":
                raise Failed(f"the bare redirect did not start: {said.decode().strip()}")
            yield
        finally:
            end(process)


@contextlib.contextmanager
def prepared(lab, work, kind, case=Case(), cpus=None):
    """A Row of this kind; its server may use these CPUs, or all."""
    with contextlib.ExitStack() as stack:
        if kind.turn:
            if kind.offload and case.room > DEFAULT_ROOM:
                kind = dataclasses.replace(kind, options=(*kind.options, f"--xdp-max-channels={case.room}"))
            server = stack.enter_context(Server(lab, work, kind, case.threads or kind.threads, cpus))
            try:
                channels = stack.enter_context(Channels(lab, work, case.clients, case.channels))
            except Failed as error:
                raise Failed(f"{error}\n{server.said()}") from None
            left = server.left_in_userspace() if kind.offload else None
            if left:
                raise Failed(f"{kind.name}: channels were left in userspace: {left}")
            yield Row(lab, work, kind, case, server, channels.flows)
            return
        if kind.name == REDIRECT.name:
            stack.enter_context(redirect(lab))
        else:
            lab.forwarding(True)
            stack.callback(lab.forwarding, False)
        yield Row(lab, work, kind, case, None, plain_flows(work, case.clients, case.channels))
