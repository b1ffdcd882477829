# SPDX-License-Identifier: BSD-3-Clause
"""Rulesets of nft and iptables in a namespace, and the comparison that each of them is for:
what arrives with the offload off and on, once the kernel had every chance to take over.
"""

import contextlib
import errno
import shutil
import socket
import struct
from dataclasses import dataclass

from family import FAMILIES
from framed import DIRECTIONS, Framed, exchange
from server import Server
from tap import check, check_equal, note, skip, test

MODES = ("native", "generic")
COUNT = 60          # datagrams in each direction
ENOUGH = 40         # of them that the kernel has relayed, if it has taken over
ROW_PORTS, CONTROL_PORTS = (40001, 5001), (40002, 5002)


def program(name):
    """A program that the test needs."""
    if not shutil.which(name):
        skip(f"{name} is not installed")
    return name


def load(namespace, text):
    """Loads rules of nft, all of them or none."""
    namespace.run(program("nft"), text)


def flush(namespace):
    namespace.run(program("nft"), "flush ruleset")


def chain(kind, hook, *rules, priority=0, policy="accept", table="<ip>"):
    """A table with one chain, for Family.rules()."""
    return (f"table {table} test_{hook} {{ chain c {{ type {kind} hook {hook} priority {priority}; "
            f"policy {policy}; {'; '.join(rules)}; }}\n}}\n")


# All that an operator lets in who lets nothing in.
STATEFUL_RULES = ("ct state established,related accept", "udp dport 3478 accept", "meta l4proto ipv6-icmp accept")
STATEFUL = chain("filter", "input", *STATEFUL_RULES, policy="drop", table="inet")


@contextlib.contextmanager
def ruleset(namespace, text):
    """Rules of nft, while this lasts."""
    try:
        load(namespace, text)
        yield
    finally:
        flush(namespace)


def forget_connections(namespace):
    """Removes all entries of conntrack: those of an earlier run would still be translated."""
    subsystem, delete, flags = 1, 2, 1 | 4  # ctnetlink; NLM_F_REQUEST | NLM_F_ACK
    with namespace.enter(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
        netlink.send(struct.pack("=IHHII4x", 20, subsystem << 8 | delete, flags, 1, 0))
        error, = struct.unpack_from("=i", netlink.recv(4096), 16)
    # A kernel without conntrack has nothing to forget.
    check(error in (0, -errno.EINVAL), f"conntrack: {error}")


@dataclass
class Row:
    """What an operator may have set up, and what follows from it without the offload.

    `setup` is a context manager of a lab, a family and the server's options, or `rules` a
    ruleset of nft. `server` is the address and port that the client talks to, `relay`
    where the peer sends to, each named as in Family; `bound` is the port that the client knows
    its peer by. `arrives` says for each direction whether the data arrive, `kernel` how many of
    them the kernel must have relayed; `size` gives that of the data, of a family, a direction
    and the number of a datagram.
    """

    name: str
    rules: str = ""
    server: tuple = None
    relay: str = None
    bound: int = None
    answers: bool = False
    arrives: tuple = (True, True)
    kernel: tuple = (0, 0)
    size: object = None
    options: tuple = ()
    setup: object = None


def _field(family, name):
    return name and getattr(family, name)


@contextlib.contextmanager
def _set_up(lab, family, row):
    """The row's set-up; what is to be put in front of the server's command."""
    with contextlib.ExitStack() as stack:
        if row.rules:
            stack.enter_context(ruleset(lab.server, family.rules(row.rules)))
        yield stack.enter_context(row.setup(lab, family)) if row.setup else ()


def play(lab, family, row, mode):
    """What arrived of a row's channel with the offload in a mode (None: off), and how
    many packets the kernel relayed of it. Meanwhile a control channel of the same server,
    which the rules leave alone, must be relayed in the kernel."""
    options = [*row.options] + ([("xdp-mode", mode), ("xdp-required", None)] if mode else [])
    row_options = {"server": row.server and (_field(family, row.server[0]), row.server[1]),
                   "relay": _field(family, row.relay), "answers": row.answers, "bound": row.bound}
    forget_connections(lab.server)
    with _set_up(lab, family, row) as prefix, \
            Server(lab, *options, offload=bool(mode), prefix=prefix) as server, \
            Framed(lab, family, 0x4002, CONTROL_PORTS, peer=family.quiet_peer) as control, \
            Framed(lab, family, 0x4001, ROW_PORTS, **row_options) as channel:
        if mode:
            control.wait_kernel(server)
        before = mode and control.in_kernel(server)
        arrived = exchange([control, channel], COUNT, size=lambda one, direction, tick: row.size(family, direction, tick)
                           if one is channel and row.size else 160)
        check_equal([len(side) for side in arrived[control]], [COUNT, COUNT],
                    f"data of the control channel that arrived, {mode or 'off'}")
        if not mode:
            return _named(arrived[channel], channel), None
        taken = [now - then for now, then in zip(control.in_kernel(server), before)]
        check(min(taken) >= ENOUGH, f"the kernel has not relayed the control channel, {mode}: {taken} of "
              f"{COUNT}; log:\n{server.log()}")
        return _named(arrived[channel], channel), channel.in_kernel(server)


def _named(arrived, channel):
    """With the relay's port, which differs from run to run, by name."""
    at_peer, at_client = arrived
    return ([(data, source[0], "relay" if source[1] == channel.client.relayed[1] else source[1])
             for data, source in at_peer], at_client)


def _differences(off, on):
    """What arrived in one run and not in the other, in words; of each a few."""
    found = []
    for side, without, with_it in zip(("peer", "client"), off, on):
        for name, more, less in (("only with the offload off", without, with_it),
                                 ("only with the offload on", with_it, without)):
            only = [one for one in more if one not in less]
            if only:
                found.append(f"at the {side}, {name}: {len(only)} of {COUNT}, first {only[0]}")
    return found


def compare(lab, family, row):
    """Plays a row with the offload off and in both modes; all that arrives must be the same."""
    off, _ = play(lab, family, row, None)
    faults = []
    for side, name, arrives in zip(off, DIRECTIONS, row.arrives):
        check_equal(len(side), COUNT if arrives else 0, f"{name}, with the offload off")
    for mode in MODES:
        on, taken = play(lab, family, row, mode)
        note(f"{mode}: of {COUNT} {DIRECTIONS}, arrived {[len(side) for side in on]}, by the kernel {taken}")
        faults += [f"{mode}: {one}" for one in _differences(off, on)]
        faults += [f"{mode}: {name}: the kernel relayed {count} of {COUNT}"
                   for name, count, wanted in zip(DIRECTIONS, taken, row.kernel) if count < wanted]
    for fault in faults:
        note(fault)
    check(not faults, f"{len(faults)} differences")


def cases(rows):
    """A test of each row by IPv4 and one by IPv6."""
    for row in rows:
        for family in FAMILIES:
            @test(f"{row.name}, IPv{family.number}")
            def _compared(lab, family=family, row=row):
                compare(lab, family, row)
