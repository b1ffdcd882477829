#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""A stateful firewall whose memory is short. What the kernel relays does not pass conntrack,
which would forget the call, and drop what comes up later. It does not: from time to time a packet
of each flow is relayed by coturn.
"""

import contextlib
import subprocess
import time

import family
import firewall
from family import IPV4, IPV6
from firewall import STATEFUL, STATEFUL_RULES, chain
from framed import DIRECTIONS, Framed
from server import Server
from steady import Steady
from tap import check, check_equal, note, run, test, wait_until

# Seconds until conntrack forgets what has no answer, and what has.
TIMEOUT, STREAM = 4, 6
MODES = (None, "native", "generic")


@contextlib.contextmanager
def short_memory(lab, rules=STATEFUL):
    names = (("udp_timeout", TIMEOUT, 30), ("udp_timeout_stream", STREAM, 120))
    with firewall.ruleset(lab.server, rules):
        # The sysctls are there once a rule needs conntrack.
        for name, value, _ in names:
            lab.server.sysctl(f"net/netfilter/nf_conntrack_{name}", value)
        try:
            yield
        finally:
            for name, _, value in names:
                lab.server.sysctl(f"net/netfilter/nf_conntrack_{name}", value)


@contextlib.contextmanager
def host(lab, of, mode):
    """A server with a channel, whose client has spoken."""
    firewall.forget_connections(lab.server)
    options = [("xdp-mode", mode), ("xdp-required", None)] if mode else []
    with Server(lab, *options, offload=bool(mode)) as server, \
            Framed(lab, of, 0x4001, firewall.ROW_PORTS) as channel:
        wait_until(channel.works, 5, "data in both directions")
        yield server, channel


def steady(lab, of, mode, directions, seconds=15):
    """Traffic in these directions for a while: all of it arrives, by the kernel."""
    with host(lab, of, mode) as (server, channel):
        # Without the offload a peer is forgotten if its client says nothing.
        with Steady(channel, directions=directions) as traffic:
            if mode:
                traffic.wait_kernel(server)
            before = mode and channel.in_kernel(server)
            begin = time.monotonic()
            time.sleep(seconds)
            end = time.monotonic()
            # What is on its way arrives.
            wait_until(lambda: all(traffic.wrong(name, begin, end, True) == 0 for name in directions) or
                       time.monotonic() > end + 1, 3, "the end of the traffic")
            lost = {name: traffic.wrong(name, begin, end, True) for name in directions}
            sent = {name: sum(begin <= when < end for when in traffic.sent[name]) for name in directions}
        if mode:
            taken = dict(zip(DIRECTIONS, (now - then for now, then in zip(channel.in_kernel(server), before))))
            note(f"{mode}: {taken} of {sent} relayed in the kernel")
            for name in directions:
                check(taken[name] >= sent[name] * 0.8, f"{mode}: {name}: {taken[name]} of {sent[name]} relayed "
                      f"in the kernel; log:\n{server.log()[-2000:]}")
        check_equal(lost, dict.fromkeys(directions, 0), f"{mode or 'off'}: seconds after which data was lost last")


for _of in (IPV4, IPV6):
    @test(f"conntrack forgets after {TIMEOUT} s, and nothing is lost in 15 s: both directions, IPv{_of.number}",
          seconds=120)
    def both(lab, of=_of):
        with short_memory(lab):
            for mode in MODES:
                steady(lab, of, mode, DIRECTIONS)


@test(f"conntrack forgets after {TIMEOUT} s, and nothing is lost in 15 s: only to the peer", seconds=120)
def to_peer(lab):
    with short_memory(lab):
        for mode in MODES:
            steady(lab, IPV4, mode, ["to_peer"])


@test(f"conntrack forgets after {TIMEOUT} s, and nothing is lost in 15 s: only to the client", seconds=120)
def to_client(lab):
    with short_memory(lab):
        for mode in MODES:
            steady(lab, IPV4, mode, ["to_client"])


@test("after 12 s in the kernel all that comes up is known: the other direction, and requests", seconds=120)
def afterwards(lab):
    with short_memory(lab):
        for mode in MODES:
            with host(lab, IPV4, mode) as (server, channel):
                with Steady(channel, directions=["to_peer"]) as traffic:
                    if mode:
                        traffic.wait_kernel(server)
                    time.sleep(12)
                    # The peer has said nothing for long, and may, because its client speaks. What leaves no
                    # room for the header of a channel is for coturn, and has to pass the firewall.
                    for number in range(20):
                        channel.send_to_client((b"%d to_client" % number).ljust((20, 1470)[number % 2], b"."))
                        traffic.sent["to_client"].append(time.monotonic())
                        time.sleep(0.01)
                    wait_until(lambda: traffic.count("to_client") == 20, 2,
                               f"{mode or 'off'}: what the peer sends arrives; log:\n{server.log()[-2000:]}")
                channel.client.refresh(600)


@test("a peer that sends a packet each 3 s, to a client that sends one each 3 s", seconds=120)
def slow(lab):
    with short_memory(lab):
        for mode in MODES:
            with host(lab, IPV4, mode) as (_, channel), Steady(channel, interval=3) as traffic:
                time.sleep(16)
                wait_until(lambda: all(traffic.count(name) == len(traffic.sent[name]) for name in DIRECTIONS), 2,
                           f"{mode or 'off'}: all that was sent arrives: {[traffic.count(name) for name in DIRECTIONS]}")
                check(traffic.count("to_client") >= 5, "too little was sent")


@test("a firewall that drops the client's requests only: its data are relayed until the channel ends", seconds=120)
def requests(lab):
    # A STUN message has a magic cookie 4 bytes behind its begin; ChannelData has other bytes there.
    rules = chain("filter", "input", "udp dport 3478 @th,96,32 0x2112a442 drop", table="inet")
    for mode in MODES:
        with host(lab, IPV4, mode) as (server, channel), Steady(channel) as traffic:
            if mode:
                traffic.wait_kernel(server)
            with firewall.ruleset(lab.server, rules):
                begin = time.monotonic()
                time.sleep(5)
                end = time.monotonic()
                wait_until(lambda: traffic.wrong("to_peer", begin, end, True) == 0
                           and traffic.wrong("to_client", begin, end, True) == 0, 2, f"{mode or 'off'}: all arrives")
                if mode:
                    traffic.wait_kernel(server)


@test("a ruleset that is reloaded all the time: all is relayed, and the log stays short", seconds=120)
def reloaded(lab):
    for mode in MODES:
        with firewall.ruleset(lab.server, STATEFUL), host(lab, IPV4, mode) as (server, channel), \
                Steady(channel) as traffic:
            before = len(server.log().splitlines())
            begin, count = time.monotonic(), reload_for(lab, 6)
            end = time.monotonic()
            time.sleep(0.5)
            lines = len(server.log().splitlines()) - before
            note(f"{mode or 'off'}: {count} times in {end - begin:.1f} s, {lines} lines of log")
            check(lines <= 20, f"{lines} lines of log:\n{server.log()[-4000:]}")
            check(count >= 300, f"only {count} times")
            for name in DIRECTIONS:
                check_equal(traffic.wrong(name, begin, end, True), 0, f"{mode or 'off'}: {name}: data was lost until")
            if mode:
                traffic.wait_kernel(server)


def reload_for(lab, seconds):
    """Replaces the rules of the chain, a hundred times a second if the machine can; how often. Each line
    is a transaction, so that the chain is never without rules."""
    line = "flush chain inet test_input c; " + "; ".join(f"add rule inet test_input c {rule}" for rule in STATEFUL_RULES) + "\n"
    count, end = 0, time.monotonic() + seconds
    with subprocess.Popen(["ip", "netns", "exec", lab.server.name, firewall.program("nft"), "-i"],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as nft:
        while time.monotonic() < end:
            nft.stdin.write(line)
            nft.stdin.flush()
            count += 1
            time.sleep(0.01)
        nft.stdin.close()
        check_equal(nft.wait(10), 0, "status of nft")
    return count


if __name__ == "__main__":
    run(family.fixture())
