#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Calls between two pages in Chromium that may only use relays: audio, video and
a data channel. All of it arrives, and the kernel carries it."""

import json
import select
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "tests" / "netns"))

from books import counted
from browser import node, visit
from kernel import Verdicts
from lab import CLIENT, RELAY, SERVER, SERVER6, Lab
from server import PASSWORD, USER, Server, tool
from tap import check, check_equal, note, run, test, wait_until

BYTES = 6 << 20
SHARE = 0.99
MOVED = "192.0.2.77"
METRICS = SERVER + ":9642"


class Call:
    """Two pages that call each other, from `with` to its end. The second is on the
    peer's host and uses no relay if `direct`."""

    def __init__(self, lab, server_address=SERVER, direct=False):
        config = {"iceTransportPolicy": "relay",
                  "iceServers": [{"urls": f"turn:{server_address}:3478?transport=udp",
                                  "username": USER, "credential": PASSWORD}]}
        self._job = {"sides": [self._side(lab, lab.client, config),
                               self._side(lab, lab.peer, {}) if direct else
                               self._side(lab, lab.client, config)]}
        self._process = None

    @staticmethod
    def _side(lab, namespace, config):
        profile = lab.folder / f"browser-{namespace.name}"
        profile.mkdir(exist_ok=True)
        return {"profile": str(profile), "namespace": namespace.name, "config": config}

    def __enter__(self):
        self._process = subprocess.Popen(
            node(Path(self._job["sides"][0]["profile"]), 150, "call.js", json.dumps(self._job)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return self

    def __exit__(self, error=None, *_):
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if error:
            note(self._process.stderr.read().decode(errors="replace")[-4000:])
        for pipe in (self._process.stdout, self._process.stderr):
            pipe.close()

    def ask(self, what, seconds=40, **more):
        """What the pages answer to a command of call.js."""
        self._process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
        self._process.stdin.flush()
        check(select.select([self._process.stdout], [], [], seconds)[0], f"no answer to {what!r}")
        line = self._process.stdout.readline()
        check(line, f"the browser ended after {what!r}")
        return json.loads(line)


def in_kernel(server):
    """Datagrams that the kernel has relayed, as turnutils_xdp counts them; one that goes from a
    client to another is sent to a peer and received from one."""
    done = server.lab.server.run(tool("turnutils_xdp"), "status", "--json", "-i", "0", "-p", server.pid)
    packets = json.loads(done.stdout)["packets"]
    return sum(times * packets[name]["packets"] for name, times in (
        ("to-peer", 1), ("to-client", 1), ("to-other-client", 2)))


def relayed(server):
    """Datagrams to peers and from peers, by the log's lines on sessions that have ended."""
    totals = counted(server.log_lines(r"session \d+: peer usage:"))
    return totals["rp"] + totals["sp"]


def check_media(call):
    """Audio and video arrive on both sides, and go on arriving."""
    def counts():
        return [side.get(kind, {}).get("packets", 0) for side in call.ask("media")
                for kind in ("audio", "video")]
    before = counts()
    wait_until(lambda: all(now > then for now, then in zip(counts(), before)), 20,
               "audio and video on both sides")


def check_data(call, total):
    found = call.ask("send", bytes=BYTES)
    check_equal(found, {"wrong": [0, 0], "received": [total, total]}, "bytes of the data channels")


def check_sessions(server):
    """The sessions have ended: what their lines say, and the kernel's share of it."""
    def ended():
        return len(server.log_lines(r"session \d+: closed")) >= \
            len(server.log_lines(r"session \d+: new, "))
    wait_until(ended, 10, f"the end of all sessions:\n{server.log()[-3000:]}")
    total, carried = relayed(server), in_kernel(server)
    note(f"{carried} of {total} datagrams in the kernel, {carried / total:.2%}")
    check(carried <= total, "the log's lines on usage lack what the kernel has relayed")
    check(carried >= SHARE * total, f"less than {SHARE:.0%} in the kernel")


def begin(call):
    pairs = call.ask("call")["pairs"]
    note(pairs)
    check_equal(pairs[0]["local"]["type"], "relay", "the first side's candidate")
    # The browser binds a channel with its first packets, and sends these in indications: much data at
    # once would make the request wait behind it.
    check_media(call)
    check_data(call, BYTES)


def one_call(lab, address=SERVER, direct=False):
    # IPv6 on both sides of the relay: its address is of the family that the client came by.
    with Server(lab, ("allocation-default-address-family", "keep")) as server:
        with Call(lab, address, direct) as call:
            begin(call)
        check_sessions(server)


@test("both sides are relayed by the server: a hairpin")
def hairpin(lab):
    one_call(lab)


@test("one side is relayed, the other is a peer without a relay")
def direct_peer(lab):
    one_call(lab, direct=True)


@test("both sides are relayed by IPv6")
def hairpin6(lab):
    one_call(lab, f"[{SERVER6}]")


@test("one side is relayed by IPv6, the other is a peer without a relay")
def direct_peer6(lab):
    one_call(lab, f"[{SERVER6}]", direct=True)


def readdress(lab, old, new):
    lab.client.ip("address", "delete", old + "/24", "dev", "eth0")
    lab.client.ip("address", "add", new + "/24", "dev", "eth0")


@test("the client's address changes, and an ICE restart follows: the call goes on in the kernel")
def moved(lab):
    with Server(lab) as server:
        with Call(lab, direct=True) as call:
            begin(call)
            readdress(lab, CLIENT, MOVED)
            try:
                after = call.ask("restart")["pairs"]
                note(after)
                check_media(call)
                with Verdicts(server.offload) as verdicts:
                    check_data(call, 2 * BYTES)
            finally:
                readdress(lab, MOVED, CLIENT)
        # The session of the address that is gone ends with its lifetime only, and so do its
        # lines on usage: this data was carried by the new one alone.
        sent = BYTES // 1200
        check(min(verdicts["TO_PEER"], verdicts["TO_CLIENT"]) >= sent,
              f"fewer than {sent} datagrams each way in the kernel: {verdicts.changed()}")


@test("an ICE restart in mid-call: the call goes on in the kernel")
def restarted(lab):
    with Server(lab) as server:
        with Call(lab) as call:
            begin(call)
            call.ask("restart")
            check_media(call)
            with Verdicts(server.offload) as verdicts:
                check_data(call, 2 * BYTES)
            sent = 2 * BYTES // 1200
            check(verdicts["TO_OTHER_CLIENT"] >= sent, f"fewer than {sent} in the kernel: {verdicts.changed()}")


def visit_page(lab, **fields):
    """What examples/call shows after a call with these fields of its form."""
    return visit(lab.client, lab.folder / "visitor", 80, "page.js", _ROOT / "examples" / "call" / "index.html",
                 _ROOT / "build" / "web" / "call.png",
                 json.dumps({"server": f"{SERVER}:3478", "username": USER, **fields}))


@test("the page in examples/call: it calls itself, and shows the path and the kernel's share")
def example(lab):
    with Server(lab) as server, open(lab.folder / "metrics.log", "wb") as log:
        exporter = lab.server.start(tool("turnutils_xdp"), "metrics", "-p", server.pid,
                                    "--listen", METRICS, "--origin", "null", output=log)
        try:
            found = visit_page(lab, credential=PASSWORD, metrics=f"http://{METRICS}/metrics")
        finally:
            exporter.terminate()
            exporter.wait(5)
    note(found)
    check_equal(found["state"], "The call is connected.", "state")
    check(found["path"].count("(relay by udp)") == 1 and found["path"].count(RELAY) == 2, found["path"])
    check(float(found["figures"]["By the kernel"].split()[0]) >= 95, "the kernel's share")
    check(float(found["figures"]["Received"].split()[0]) > 0, "received")


@test("the page in examples/call: a wrong password is said")
def example_wrong(lab):
    with Server(lab):
        found = visit_page(lab, credential="wrong")
    note(found)
    check(found["state"].startswith("No call: "), found["state"])
    check("401" in found["state"], found["state"])


if __name__ == "__main__":
    run(Lab("direct", ipv6=True))
