#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What the log says when a load fails; what it says with coturn's option Verbose: the words of
libbpf and of the kernel's verifier; and what it says of a session with coturn's option verbose."""

import re

import turn
from foreign import foreign_program
from lab import PEER, Lab
from netns import command
from outcome import check_said, said
from preload import preload
from server import BINARY, Server
from talk import Talk
from tap import check, check_equal, run, skip, test


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


OLD_LIBXDP = "this kernel lets no program that changes packets run through the dispatcher of a libxdp before 1.5.5"
CHANGES = "Extension program changes packet data, while original does not"


def old_dispatcher(lab):
    """A prefix under which each interface with another's program carries a dispatcher that the kernel refuses the program
    in."""
    if "libxdp" not in command(["ldd", BINARY]).stdout:
        skip("this turnserver was built without libxdp")
    return preload(lab, "old_dispatcher")


@test("a program that the verifier refuses in libxdp's dispatcher: the log says why, and not in the verifier's words")
def refused_in_dispatcher(lab):
    with foreign_program(lab, "to-peer", "xdpdrv"), Server(lab, prefix=old_dispatcher(lab)) as server:
        check_said(server, "to-peer: left out, channels over it are relayed in userspace: " + OLD_LIBXDP)
        check_equal(said(server, "verifier"), [], "what only Verbose asks for")
        check_equal(said(server, CHANGES), [], "the verifier's words")


@test("the same with Verbose: what the verifier says follows, and not as an error")
def refused_in_dispatcher_verbose(lab):
    with foreign_program(lab, "to-peer", "xdpdrv"), \
            Server(lab, ("Verbose", None), prefix=old_dispatcher(lab)) as server:
        check_said(server, "to-peer: left out", OLD_LIBXDP)
        lines = [line.split("xdp: ", 1)[1].strip() for line in said(server)]
        first = lines.index("the last lines of the kernel's verifier:")
        check_equal(lines[first + 1], CHANGES, "the line after it")
        check_equal(server.log_lines(r"\bERROR:? xdp: .*verifier"), [], "errors")


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


def _sessions(server):
    """What the log says of each session's channels: {number of the session: [text...]}."""
    found = {}
    for line in said(server, "xdp: session "):
        number, text = re.search(r"session (\d{18}): (.*\S)", line).groups()
        found.setdefault(number, []).append(text)
    return found


def _bind_channels(lab):
    """One session with channels of UDP, to a peer and to a group; one with channels of TCP."""
    for _ in range(2):
        with Talk(lab) as talk, Talk(lab, number=0x4002, client=talk.client):
            for _ in range(3):
                talk.bind()
                talk.client.bind(0x4003, "224.0.1.1", 7)
            talk.client.refresh(0)
    with turn.Client(lab.client, tcp=True) as client:
        client.allocate()
        for number in (0x4005, 0x4006, 0x4005, 0x4006):
            client.bind(number, PEER, number)


@test("with verbose: once for a session that a channel is in the kernel, and once why one is not")
def sessions(lab):
    with Server(lab) as server:
        _bind_channels(lab)
        found = _sessions(server)
        kernel, group, tcp = ("a channel is in the kernel", "a channel stays in userspace: the peer is a multicast or "
                              "broadcast address", "a channel stays in userspace: the client does not use plain UDP")
        check_equal(sorted(found.values()), [[kernel, group], [kernel, group], [tcp]], "lines of the sessions")
        for number in found:
            check(server.log_lines(f"session {number}: .*realm"), f"coturn knows no session {number}")


@test("without verbose the log says nothing of a session's channels")
def no_sessions(lab):
    with Server(lab, ("verbose", "no")) as server:
        _bind_channels(lab)
        check(said(server, "channels stay in userspace where"), "no reason is logged")
        check_equal(_sessions(server), {}, "lines of the sessions")


if __name__ == "__main__":
    run(Lab("direct"))
