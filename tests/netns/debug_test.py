#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What the log says when a load fails, and what it says with coturn's option Verbose: the
words of libbpf and of the kernel's verifier."""

from lab import Lab
from outcome import said
from preload import preload
from server import Server
from tap import check, check_equal, run, test


def refusing(lab):
    """A prefix under which the kernel's verifier refuses the program."""
    return preload(lab, "refusing_verifier")


def check_verifier_lines(server):
    check_equal(len(said(server, "does not load the XDP program")), 1, "lines that say what follows")
    words = [line.split("xdp: ", 1)[1].strip() for line in server.log_lines(r"\bERROR:? xdp: ")]
    first = words.index("the last lines of the kernel's verifier:") + 1
    lines = words[first:first + 20]
    check_equal(lines[-1], "invalid access to packet, off=0 size=1", "the last line")
    check_equal(lines[0], "82: (b7) r0 = 82", "the first of 20 lines")


@test("a program that the verifier refuses: its last 20 lines are in the log")
def refused(lab):
    with Server(lab, prefix=refusing(lab)) as server:
        check_verifier_lines(server)
        check_equal(said(server, "libbpf: map"), [], "what only Verbose asks for")


@test("the same with Verbose: they are there too, and what libbpf says")
def refused_verbose(lab):
    with Server(lab, ("Verbose", None), prefix=refusing(lab)) as server:
        check_verifier_lines(server)
        check(said(server, "libbpf: map"), "libbpf's words are missing")


@test("with Verbose a load that succeeds says how many instructions the verifier walked")
def loaded(lab):
    with Server(lab, ("Verbose", None)) as server:
        check(said(server, "processed", "insns"), f"no count: {said(server)[-5:]}")
        check(said(server, "offload", "is on"), "the offload is not on")


@test("without Verbose none of it is in the log")
def quiet(lab):
    with Server(lab) as server:
        check_equal(said(server, "libbpf"), [], "libbpf's words")
        check_equal(said(server, "insns"), [], "the verifier's words")


if __name__ == "__main__":
    run(Lab("direct"))
