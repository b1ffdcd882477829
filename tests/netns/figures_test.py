#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""One session's traffic, with the offload off and on: coturn's log, its CLI and
its statistics in Redis must say the same of it, word by word."""

import re
import time

from books import NAMES, REPORT, Books, counted, exchange, logged, session_of
from cli import Cli
from lab import CLIENT, Lab
from redis_server import Redis
from server import Server
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until

COUNT = 3000  # of packets each way: several reports
SIZE = 120
TICK = 1.4  # by then the server has asked the kernel for its counters
REDIS_KEYS = {"rcvp": "rp", "rcvb": "rb", "sentp": "sp", "sentb": "sb"}


class Account:
    """What coturn says of a session, without what differs from run to run."""

    def __init__(self, server, talk):
        self._talk = talk
        self.session = session_of(server, talk.client.relayed)
        self.sides = None
        self.said = {}

    def _masked(self, text):
        relayed = "%s:%d" % self._talk.client.relayed
        text = text.replace(self.session, "SESSION").replace(relayed, "RELAYED")
        text = re.sub(r"(started|expiring in) \d+ secs", r"\1 N secs", text)
        # Rates are by the seconds since the start.
        return re.sub(r"rate: .*", "rate", text)

    def add(self, name, text):
        self.said[name] = self._masked(text).replace("\r", "").splitlines()


def one_way(talk, to_peer):
    """Packets in one direction, then as long as the counters need."""
    exchange(talk, COUNT, size=lambda _: SIZE, to_peer=to_peer, to_client=not to_peer)
    time.sleep(TICK)


def account(lab, offload):
    """The same session every time."""
    with Redis(lab) as redis, redis.subscriber() as subscriber, \
            Server(lab, ("redis-statsdb", f'"{redis.location}"'), ("cli-password", "secret"),
                   offload=offload) as server, \
            Books(lab) as books, Talk(lab, local=(CLIENT, 40123), port=5000) as talk:
        found = Account(server, talk)
        # Neighbours are found, and the kernel relays from here on.
        exchange(talk, 5, size=lambda _: SIZE)
        time.sleep(TICK)
        before = server.offload.verdicts() if offload else {}
        one_way(talk, to_peer=True)
        one_way(talk, to_peer=False)
        if offload:
            after = server.offload.verdicts()
            for name in ("TO_PEER", "TO_CLIENT"):
                check_equal(after[name] - before[name], COUNT, f"{name}, packets")
        with Cli(lab, "secret") as cli:
            for words in ("ps", "ps user", "psp use", "ps nobody", "pu", "pu udp", "pu tcp"):
                found.add(words, cli.ask(words))
        keys = redis.ask("KEYS", "*")
        found.add("keys", "\n".join(f"{key} {redis.ask('GET', key)}" for key in sorted(keys)))
        # Some of it by userspace, in the same session.
        for number in range(50):
            talk.client.send_data(talk.address, talk.port, b"indication %d" % number)
        one_way(talk, to_peer=True)
        shown = books.totals(talk.client.port, talk.client.relayed[1])
        check_running(found, shown)
        # The last of it, less than a second before the end: cancelled, as a
        # session that its client deletes lives for a second more.
        with Cli(lab, "secret") as cli:
            for _ in range(40):
                check(talk.to_peer(bytes(SIZE)) and talk.to_client(bytes(SIZE)),
                      "data did not arrive")
            cli.ask(f"cs {found.session}")
        server.wait_log(rf"session {found.session}: (closed|delete)", 5)
        found.sides = books.totals(talk.client.port, talk.client.relayed[1])
        found.add("log", "\n".join(re.sub(r"^.*?(?=session \d+: )", "", line) for line in server.log_lines(
            rf"session {found.session}: (peer )?usage:")))
        messages = subscriber.messages("total_traffic/peer")
        found.add("published", "\n".join(" ".join(message) for message in messages))
        wait_until(lambda: not redis.ask("KEYS", "*"), 3, "the session's keys deleted")
        check_end(found, logged(server, found.session))
        return found


def published(found, last):
    """The sums of what was published on channels that end in `last`."""
    totals = dict.fromkeys(NAMES, 0)
    for line in found.said["published"]:
        if line.split()[0].endswith(last):
            for name, value in re.findall(r"\b(rcvp|rcvb|sentp|sentb)=(\d+)", line):
                totals[REDIS_KEYS[name]] += int(value)
    return totals


def check_running(found, sides):
    """Of a session that lives, coturn tells up to its last report."""
    shown = counted(found.said["ps"])
    note(f"shown {shown} of {sides[0]}")
    for name in NAMES:
        check(0 < shown[name] <= sides[0][name], f"{name}: shown {shown}, captured {sides[0]}")
    missing = sum(sides[0][name] - shown[name] for name in ("rp", "sp"))
    # What was sent since the CLI was asked: COUNT, 50 indications.
    check(missing <= REPORT + COUNT + 50, f"{missing} packets are not in {shown}")
    check(any("user: <user>, 1 sessions" in line for line in found.said["pu udp"]),
          f"pu: {found.said['pu udp']}")


def check_end(found, log):
    """Of one that ended, all of it, to the packet, everywhere."""
    check_equal(log, found.sides, "the log against the captures")
    check_equal((published(found, "/traffic"), published(found, "/traffic/peer")), found.sides,
                "Redis: traffic against the captures")
    check_equal((published(found, "/total_traffic"), published(found, "/total_traffic/peer")),
                found.sides, "Redis: total_traffic against the captures")
    check(any("/status deleted" in line for line in found.said["published"]),
          f"no status of the end: {found.said['published']}")
    check(len(found.said["keys"]) == 1 and "/status" in found.said["keys"][0],
          f"keys of a live session: {found.said['keys']}")


@test("log, CLI and Redis say the same of a session, offload off and on, to the packet")
def equal(lab):
    off, on = account(lab, offload=False), account(lab, offload=True)
    check_equal(on.sides, off.sides, "the traffic itself")
    for name, lines in off.said.items():
        note(f"{name}: {len(lines)} lines")
        check_equal(on.said[name], lines, f"{name}, offload on against off")
    check(len([line for line in off.said["log"] if "peer" not in line]) >= 4,
          f"too few reports: {off.said['log']}")


if __name__ == "__main__":
    run(Lab("direct"))
