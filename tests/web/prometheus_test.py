#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The Prometheus exporter, where upstream's build has it, scraped over HTTP:
a session's traffic is counted as it was captured, the offload off and on."""

import re
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

from books import NAMES, Books, exchange
from lab import CLIENT, Lab
from netns import command
from server import BINARY, REALM, Server
from talk import Talk
from tap import check, check_equal, note, run, skip, test, wait_until

PORT = 9641
COUNT, SIZE = 2500, 120
TICKS = 2.5  # by then a thread has asked the kernel, and told the exporter
# System calls, of which the kernel makes none; and what is asked until the server answers.
APART = "turn_udp_|stun_binding_|turn_packet_processed"
PROCESSED = "turn_packet_processed"
METRICS = {"rp": "rcvp", "rb": "rcvb", "sp": "sentp", "sb": "sentb"}


def metrics(lab):
    """What the exporter says: a dictionary of numbers."""
    with lab.server.socket("127.0.0.1", 0, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(("127.0.0.1", PORT))
        connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        text = connection.makefile("rb").read().decode()
    check(text.split(None, 2)[1] == "200", f"the exporter says {text[:200]}")
    return {name: float(value) for name, value in re.findall(
        r"^([a-z]\w*(?:\{[^}]*\})?) (\S+)\s*$", text, re.M)}


def allocations(found):
    """Those that live; 4.17.1 has a number for each kind of client."""
    return sum(value for name, value in found.items() if name.startswith("turn_total_allocations"))


def side(found, prefix, labels=""):
    return {name: round(found.get(f"{prefix}_{METRICS[name]}{labels}", 0)) for name in NAMES}


def processed(lab):
    """Datagrams that clients have sent; None: this release does not count them."""
    return metrics(lab).get(PROCESSED)


def check_processed(lab, before, count):
    """That they have become so many more, once each thread has told of its own."""
    if before is None:
        return
    time.sleep(TICKS)
    check_equal(processed(lab) - before, count, PROCESSED)


def count_session(lab, offload):
    """(captured, as all sessions', as the realm's), each of both sides, and all else."""
    with Server(lab, ("prometheus", None), offload=offload) as server, Books(lab) as books, \
            Talk(lab, local=(CLIENT, 40123), port=5000) as talk:
        # Neighbours are found, and the kernel relays from here on.
        exchange(talk, 5, size=lambda _: SIZE)
        time.sleep(TICKS)
        before = server.offload.verdicts() if offload else {}
        processed_before = processed(lab)
        exchange(talk, COUNT, size=lambda _: SIZE)
        check_equal(allocations(metrics(lab)), 1, "allocations that live")
        check_processed(lab, processed_before, COUNT)
        if offload:
            after = server.offload.verdicts()
            for name in ("TO_PEER", "TO_CLIENT"):
                check_equal(after[name] - before[name], COUNT, f"{name}, packets")
        talk.client.refresh(0)
        wait_until(lambda: not allocations(metrics(lab)), 5,
                   "no allocation any more")
        # With the request that ended it.
        check_processed(lab, processed_before, COUNT + 1)
        captured = books.totals(talk.client.port, talk.client.relayed[1])
        found = metrics(lab)
        labels = f'{{realm="{REALM}"}}'
        return (captured,
                (side(found, "turn_total_traffic"), side(found, "turn_total_traffic_peer")),
                (side(found, "turn_traffic", labels), side(found, "turn_traffic_peer", labels)),
                {name: value for name, value in found.items() if not re.match(APART, name)})


@test("a session's traffic is counted to the packet, offload off and on")
def traffic(lab):
    if "--prometheus" not in command([BINARY, "-h"], check=False).stdout:
        skip("this coturn was built without Prometheus")
    off, on = count_session(lab, offload=False), count_session(lab, offload=True)
    check_equal(on, off, "offload on against off")
    note(f"{len(on[3])} metrics are the same")
    captured, total, realm, _ = on
    note(f"captured {captured}, counted {total}")
    check_equal(realm, total, "the realm's against all sessions'")
    # 4.17.1 leaves out the request that is answered 401, and counts the
    # ChannelData header too in what it sends to peers.
    check(captured[0]["rp"] - total[0]["rp"] in (0, 1), f"client's side: {total[0]}")
    check(captured[0]["sp"] - total[0]["sp"] in (0, 1), f"client's side: {total[0]}")
    for name in ("rp", "rb", "sp"):
        check_equal(total[1][name], captured[1][name], f"peer's side, {name}")
    check(total[1]["sb"] - captured[1]["sb"] in (0, 4 * captured[1]["sp"]),
          f"peer's side: {total[1]}")


if __name__ == "__main__":
    run(Lab("direct"))
