#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What coturn decides at Allocate and at ChannelBind is decided as before: quotas,
bps-capacity, peers that are denied or allowed, realms by origin, and what an
admin changes meanwhile. Every test does the same with the offload off and on."""

import contextlib
import sqlite3
import time

import turn
from lab import PEER, Lab
from netns import command
from server import REALM, Server, tool
from talk import Talk
from tap import check_equal, note, run, test, wait_until
from turn import code_of

ORIGIN = 0x802F
OTHER_REALM, OTHER_ORIGIN = "example.net", "https://www.example.net"
REREAD = 5  # seconds after which coturn has read the database again


def compare(lab, story, options):
    """Runs story(server, offload) with the offload off and on and compares
    what it returns."""
    found = []
    for offload in (False, True):
        with Server(lab, *options, offload=offload) as server:
            found.append(story(server, offload))
    note(f"off {found[0]}")
    check_equal(found[1], found[0], "offload on against off")
    return found[0]


def quota(lab, options, room):
    """Allocations until one is refused, then one more in the place of the first."""
    def story(server, offload):
        with contextlib.ExitStack() as stack:
            talks = [stack.enter_context(Talk(lab)) for _ in range(room)]
            if offload:
                talks[0].wait_kernel(server)
            late = stack.enter_context(turn.Client(lab.client))
            codes = [code_of(late.allocate)]
            talks[0].client.refresh(0)
            # A deleted allocation is closed a second later.
            server.wait_log(r"session \d+: closed", 5)
            codes.append(code_of(late.allocate))
            another = stack.enter_context(turn.Client(lab.client))
            codes.append(code_of(another.allocate))
        return codes
    check_equal(compare(lab, story, options), [486, None, 486], "codes")


@test("user-quota: one allocation too many is refused; the quota comes back")
def user_quota(lab):
    quota(lab, [("user-quota", 2)], 2)


@test("total-quota: one allocation too many is refused; the quota comes back")
def total_quota(lab):
    quota(lab, [("total-quota", 2)], 2)


@test("bps-capacity: what max-bps takes of it is refused to the next, and comes back")
def capacity(lab):
    def story(server, _offload):
        with contextlib.ExitStack() as stack:
            talks = [stack.enter_context(Talk(lab)) for _ in range(2)]
            late = stack.enter_context(turn.Client(lab.client))
            codes = [code_of(late.allocate)]
            talks[0].client.refresh(0)
            server.wait_log(r"session \d+: closed", 5)
            codes.append(code_of(late.allocate))
        return codes
    found = compare(lab, story, [("max-bps", 100000), ("bps-capacity", 200000)])
    check_equal(found, [486, None], "codes")


@test("a quota that an admin sets later holds for the next allocation, not for those that are")
def changed_quota(lab):
    path = new_database(lab, "quota.db")

    def set_quota(number):
        command([tool("turnadmin"), "-g", "-b", path, "-r", REALM, f"--user-quota={number}"])

    def story(server, offload):
        with Talk(lab) as talk:
            if offload:
                talk.wait_kernel(server)
            codes = []
            for number, wanted in ((1, 486), (9, None)):
                set_quota(number)
                wait_until(lambda want=wanted: time.sleep(0.3) or attempt() == want, REREAD + 3,
                           f"user-quota {number}: the answer {wanted}")
                if offload:
                    talk.check_kernel(server, 3)
                codes.append((wanted, talk.works(), code_of(talk.bind)))
        return codes

    def attempt():
        with turn.Client(lab.client) as client:
            code = code_of(client.allocate)
            if code is None:
                client.refresh(0)
        return code

    check_equal(compare(lab, story, [("userdb", path)]), [(486, True, None), (None, True, None)],
                "answer, live channel, its refresh")


@test("denied and allowed peers are told apart at ChannelBind")
def peers(lab):
    addresses = (PEER, "198.51.100.9", "203.0.113.9", "127.0.0.1", "224.0.0.5", "0.0.0.0")

    def story(server, offload):
        codes = []
        with turn.Client(lab.client) as client:
            client.allocate()
            for number, address in enumerate(addresses):
                codes.append(code_of(client.bind, 0x4100 + number, address, 5000))
                codes.append(code_of(client.permit, address))
            with Talk(lab, client=client) as talk:
                if offload:
                    check_equal(len(server.offload.flows()), 6, "flows: only of those that are bound")
                    talk.wait_kernel(server)
                codes.append(talk.works())
        return codes
    found = compare(lab, story, [
        ("denied-peer-ip", "198.51.100.0-198.51.100.255"), ("allowed-peer-ip", PEER),
        ("no-multicast-peers", None)])
    check_equal(found, [None, None, 403, 403, None, None, 403, 403, 403, 403, 403, 403, True],
                "codes")


def new_database(lab, name):
    """A database with a user in each of two realms, and an origin of the other."""
    path = lab.folder / name
    for realm in (REALM, OTHER_REALM):
        command([tool("turnadmin"), "-a", "-b", path, "-u", "user", "-r", realm, "-p", "secret"])
    command([tool("turnadmin"), "--add-origin", "-b", path, "-o", OTHER_ORIGIN, "-r", OTHER_REALM])
    path.chmod(0o666)
    return path


@contextlib.contextmanager
def denied(path, realm, addresses):
    """An admin denies a realm peers, in the database, from `with` to its end."""
    with contextlib.closing(sqlite3.connect(path, timeout=5)) as database:
        for statement in ("insert into denied_peer_ip (realm, ip_range) values (?, ?)",
                          "delete from denied_peer_ip where realm = ? and ip_range = ?"):
            database.execute(statement, (realm, addresses))
            database.commit()
            if statement.startswith("insert"):
                yield


@test("peers denied in the database later: channels that are live on, new ones are refused")
def denied_later(lab):
    path = new_database(lab, "later.db")

    def story(server, offload):
        with Talk(lab) as talk, turn.Client(lab.client) as other:
            if offload:
                talk.wait_kernel(server)
            other.allocate()
            codes = [code_of(other.bind, 0x4200, PEER, 5000)]
            with denied(path, REALM, f"{PEER}-{PEER}"):
                wait_until(lambda: time.sleep(0.2) or code_of(other.permit, PEER), REREAD + 3,
                           "a refusal")
                if offload:
                    talk.check_kernel(server, 3)
                codes += [talk.works(), code_of(talk.bind), talk.works()]
                codes += [code_of(other.bind, 0x4201, PEER, 6000),
                          code_of(talk.client.permit, PEER)]
            talk.client.refresh(0)
            server.wait_log(r"session \d+: closed", 5)
            codes.append(talk.to_peer(seconds=0.3))
        return codes
    check_equal(compare(lab, story, [("userdb", path)]),
                [None, True, None, True, 403, 403, False], "codes")


@test("realms by origin: each has its users and its denied peers")
def realms(lab):
    path = new_database(lab, "realms.db")

    def story(server, offload):
        found = []
        for origin in (None, OTHER_ORIGIN):
            more = turn.attribute(ORIGIN, origin.encode()) if origin else b""
            with turn.Client(lab.client) as client:
                client.allocate(more=more)
                found.append(client.realm.decode())
                with Talk(lab, client=client) as talk:
                    if offload:
                        talk.wait_kernel(server).check_kernel(server, 3)
                    found.append(talk.works())
                found.append(code_of(client.bind, 0x4300, "198.51.100.3", 5000))
        return found
    with denied(path, OTHER_REALM, "198.51.100.3-198.51.100.3"):
        found = compare(lab, story, [("userdb", path)])
    check_equal(found, [REALM, True, None, OTHER_REALM, True, 403], "realms and codes")


if __name__ == "__main__":
    run(Lab("direct"))
