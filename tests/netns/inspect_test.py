#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp and a running server: its figures against what was sent, to the packet
and the byte; several servers, none, one of another ABI version, and no privilege."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time

import turn
from books import end_session, session_of
from inspector import (NO_SERVER, Screen, abi_version, ask, ask_json, channel_of, parse_metrics,
                       sample, send, settled)
from kernel import Verdicts
from lab import CLIENT, CLIENT6, PEER, PEER6, RELAY, SERVER, SERVER6, Lab
from netns import command
from server import BINARY, REALM, USER, Server, tool
from talk import Talk
from tap import check, check_equal, run, skip, test, wait_until

HEADER = 4  # of ChannelData


def point(transport):
    return transport["address"], transport["port"]


@test("channels: addresses, packets and bytes are those that were sent")
def channels(lab):
    with Server(lab) as server, Talk(lab) as talk, Talk(lab, number=0x4abc) as other:
        talk.wait_kernel(server)
        other.wait_kernel(server)
        before, before_other = channel_of(talk, server), channel_of(other, server)
        check_equal(point(before["client"]), (CLIENT, talk.client.port), "client")
        check_equal(point(before["server"]), (SERVER, 3478), "server")
        check_equal(point(before["relay"]), tuple(talk.client.relayed), "relay")
        check_equal(point(before["peer"]), (PEER, talk.port), "peer")
        check(before["relay_thread_alive"], before)
        send(talk, 40, 160)
        send(other, 7, 11)
        for one, was, count, size in ((talk, before, 40, 160), (other, before_other, 7, 11)):
            now = channel_of(one, server)
            gained = {direction: {name: now[direction][name] - was[direction][name]
                                  for name in ("packets", "data_bytes", "received_bytes", "sent_bytes")}
                      for direction in ("to_peer", "to_client")}
            check_equal(gained, {
                "to_peer": {"packets": count, "data_bytes": count * size,
                            "received_bytes": count * (size + HEADER), "sent_bytes": count * size},
                "to_client": {"packets": count, "data_bytes": count * (size + 1),
                              "received_bytes": count * (size + 1),
                              "sent_bytes": count * (size + 1 + HEADER)}}, one.number)
            check(now["to_peer"]["next_hop_known"] and now["to_client"]["next_hop_known"], now)
            check(0 < now["age_seconds"] < 30, now)
        text, _ = ask("channels", "-p", server.pid, "-i", 0, "--number", "0x4abc")
        lines = text.splitlines()
        check_equal(len(lines), 2, text)
        check(f"{CLIENT}:{other.client.port}" in lines[1] and "0x4abc" in lines[1]
              and lines[1].endswith(" ok"), text)


@test("channels: those in a slot that another had before begin at zero, and go when it ends")
def taken_over(lab):
    # The same addresses and ports: their flows stand where the first one's stood.
    with Server(lab, ("xdp-max-channels", 1), ("min-port", 50000), ("max-port", 50000)) as server:
        for count in (30, 3):
            with Talk(lab, local=(CLIENT, 41000), port=5000) as talk:
                talk.wait_kernel(server)
                # What the wait has sent is the channel's own; so little that it shows.
                began = channel_of(talk, server)["to_peer"]["packets"]
                check(0 < began < 20, f"{began} packets at the beginning")
                send(talk, count, 50)
                check_equal(channel_of(talk, server)["to_peer"]["packets"], began + count, "packets")
                state = ask_json("status", server, "-i", 0)
                check_equal(state["tables"]["channels"], {"used": 1, "room": 1}, "table")
                check(any("full" in one for one in state["problems"]), state["problems"])
                with Talk(lab, number=0x4002, client=talk.client) as second:
                    second.warm()
                    check_equal(channel_of(second, server), None, "a channel too many")
                end_session(server, talk.client, session_of(server, talk.client.relayed))
                wait_until(lambda: not channel_of(talk, server), 5, "the channel is gone")
                # A slot rests for a while before it is used again.
                time.sleep(0.3)
        state = ask_json("status", server, "-i", 0)
        check_equal(state["channels_left_in_userspace"]["full"], 2, "left for want of room")
        check_equal(state["tables"]["channels"]["used"], 0, "channels")
        check_equal((state["tables"]["flows"]["used"], state["next_hops"]["used"]), (0, 0), "slots")


@test("channels: each with its session, user and realm, as the log has them, until the session ends")
def sessions(lab):
    with Server(lab) as server, Talk(lab) as talk, Talk(lab) as other:
        number, more = (session_of(server, one.client.relayed) for one in (talk, other))
        shown = channel_of(talk, server)
        check_equal((shown["session"], shown["user"], shown["realm"]), (number, USER, REALM), "session")
        for words, count in ((("--session", number), 1), (("--session", more.lstrip("0")), 1), (("--user", USER), 2),
                             (("--user", USER + "x"), 0), (("--user", USER, "--session", 7), 0)):
            check_equal(len(ask_json("channels", server, "-i", 0, *words)["channels"]), count, words)
        text, _ = ask("channels", "-p", server.pid, "-i", 0, "--session", number)
        check(number in text and USER in text and REALM in text, text)
        # A second channel of a session is the same session's.
        with Talk(lab, 0x4009, client=talk.client) as second:
            check_equal(channel_of(second, server)["session"], number, "session of the second channel")
        table = server.offload.map("sessions")
        check_equal(len(table.keys()), 2, "sessions in the table")
        end_session(server, talk.client, number)
        wait_until(lambda: len(table.keys()) == 1, 5, "the session leaves the table")


@test("status: how much of the data the kernel relays; what comes by TCP or in indications is coturn's")
def shares(lab):
    def counts():
        found = ask_json("status", server, "-i", 0)["data_packets"]
        return found["kernel"], found["userspace"]
    with Server(lab) as server, Talk(lab) as talk, \
            turn.Client(lab.client, tcp=True).allocate() as stream, \
            Talk(lab, client=stream, number=0x4003) as slow:
        talk.wait_kernel(server)
        slow.warm()
        wait_until(lambda: counts()[1] >= 2, 3, "what went before is counted")
        time.sleep(1.2)
        kernel, userspace = counts()
        for _ in range(30):
            check(talk.works(), "by UDP")
        for _ in range(10):
            check(slow.works(), "by TCP")
        wait_until(lambda: counts() == (kernel + 60, userspace + 20), 3, f"counts: {counts()}, {(kernel, userspace)} before")
        text, _ = ask("status", "-p", server.pid, "-i", 0)
        check(re.search(r"(?m)^in the kernel +\d+\.\d\d % of \d+ datagrams of data$", text), text)
        metrics = parse_metrics(ask("metrics", "--once", "-p", server.pid)[0])
        check_equal(tuple(sample(metrics, "data_packets_total", pid=str(server.pid), by=one) for one in ("kernel", "userspace")),
                    (kernel + 60, userspace + 20), "metrics")


@test("filters that a command does not have are mistakes, and not left out silently")
def wrong_filters(_lab):
    for words in (("status", "--client", CLIENT), ("metrics", "--number", "0x4000"), ("list", "--peer", PEER),
                  ("status", "--user", "alice"), ("capture", "--session", "1"), ("channels", "--session", "x"),
                  ("channels", "--session", "-1"), ("channels", "--session", "0")):
        done = command([tool("turnutils_xdp"), *words], check=False)
        check_equal(done.returncode, 2, f"status of {words}: {done.stdout}")


def younger(lab, server, talk):
    """A channel that is bound so much later that it shows: ages are told in hundredths of a second."""
    talk.wait_kernel(server)
    wait_until(lambda: ask_json("channels", server, "-i", 0)["channels"][0]["age_seconds"] >= 0.01, 3, "age of the first")
    return Talk(lab, number=0x4002)


@test("channels: sorted and filtered; rates are those of the traffic")
def rates(lab):
    with Server(lab) as server, Talk(lab) as busy, younger(lab, server, busy) as quiet:
        quiet.wait_kernel(server)
        looking = subprocess.Popen(
            [tool("turnutils_xdp"), "channels", "-p", str(server.pid), "-i", "2", "--json",
             "--sort", "rate"], stdout=subprocess.PIPE, text=True)
        with looking:
            end = time.monotonic() + 3
            while looking.poll() is None and time.monotonic() < end:
                busy.client.send_channel(busy.number, bytes(100))
                time.sleep(0.01)
            shown = json.loads(looking.stdout.read())
        first, last = shown["channels"]
        check_equal((first["number"], last["number"]), (busy.number, quiet.number), "order")
        rate = first["to_peer"]["packets_per_second"]
        check(40 < rate < 101, f"{rate} packets a second")
        check(abs(first["to_peer"]["data_bits_per_second"] - rate * 800) < 1, first)
        check_equal((first["to_client"]["packets_per_second"],
                     last["to_peer"]["packets_per_second"]), (0, 0), "silent directions")
        for words, wanted in ((("--peer", f"{PEER}:{quiet.port}"), [quiet]),
                              (("--relay", f"{RELAY}/32", "--sort", "number"), [busy, quiet]),
                              (("--sort", "number", "--reverse"), [quiet, busy]),
                              (("--sort", "age", "--lines", 1), [busy]),
                              (("--client", "203.0.113.0/24"), [])):
            shown = ask_json("channels", server, "-i", 0, *words)["channels"]
            check_equal([one["number"] for one in shown], [one.number for one in wanted], words)


@test("status: interfaces, their modes and why not, counters, the server's threads")
def status(lab):
    with Server(lab, ("xdp-interface", "to-client"), ("xdp-interface", "to-peer"),
                ("xdp-interface", "nonesuch")) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        before = settled(server)
        send(talk, 10, 20)
        after = settled(server)
        modes = {one["name"]: (one["mode"], one["device"]) for one in after["interfaces"]}
        check_equal(modes, {"to-client": ("native", "to-client"), "to-peer": ("native", "to-peer"),
                            "nonesuch": ("none", "")}, "interfaces")
        # What the log has said, word for word.
        for one in after["interfaces"]:
            check(server.log_lines(f"{one['name']}: " + re.escape(one["text"])), one)
        check_equal(after["problems"], ["nonesuch does not carry the program: its packets are relayed in userspace"], "problems")
        for name, gained in (("to-peer", 10), ("to-client", 10), ("bad-length", 0)):
            check_equal(after["packets"][name]["packets"] - before["packets"][name]["packets"],
                        gained, name)
        gained = {name: after["bytes"][name] - before["bytes"][name] for name in after["bytes"]}
        check_equal(gained, {"received": 10 * (24 + 21), "sent": 10 * (20 + 25)}, "bytes")
        check_equal((after["pid"], after["process_seen"], after["mode"]), (server.pid, True, "auto"),
                    "server")
        check(0 < after["uptime_seconds"] < 60, after["uptime_seconds"])
        check_equal(after["relay_threads"], {"alive": 1, "silent": 0}, "threads")
        check_equal(after["next_hops"], {"used": 2, "unresolved": 0}, "next hops")
        check_equal(after["tables"]["flows"]["used"], 2, "flows")
        text, _ = ask("status", "-p", server.pid, "-i", 0)
        check(re.search(r"(?m)^attention +nonesuch does not carry", text)
              and re.search(r"(?m)^ +to-peer +native mode, mtu 1500$", text), text)
        # A client by TCP is counted, by its reason; a hung server is silent.
        with turn.Client(lab.client, tcp=True) as client:
            client.allocate()
            client.bind(0x4005, PEER, 7)
        wait_until(lambda: ask_json("status", server, "-i", 0)["channels_left_in_userspace"]
                   ["client-not-udp"] == 1, 3, "a refusal is counted")
        server.signal(signal.SIGSTOP)
        wait_until(lambda: ask_json("status", server, "-i", 0)["relay_threads"]["silent"] == 1, 8,
                   "a thread is silent")
        check(not channel_of(talk, server)["relay_thread_alive"], "the channel's thread")
        once = parse_metrics(ask("metrics", "--once", "--pid", server.pid)[0])
        for state, count in (("alive", 0), ("silent", 1)):
            check_equal(sample(once, "relay_threads", pid=str(server.pid), state=state), count, f"{state} threads")
        server.signal(signal.SIGCONT)
        lab.peer.ip("link", "set", "eth0", "down")
        try:
            wait_until(lambda: ask_json("status", server, "-i", 0)["next_hops"]["unresolved"], 5,
                       "the next hop to the peer is not known")
            check(not channel_of(talk, server)["to_peer"]["next_hop_known"], "of the channel")
        finally:
            lab.peer.ip("link", "set", "eth0", "up")


@test("status: what of the host examines packets, while it comes and goes")
def host(lab):
    if not shutil.which("nft"):
        skip("there is no nft (package nftables)")
    with Server(lab) as server:
        def of_host():
            return ask_json("status", server, "-i", 0)["host"]

        def examined(flags, text):
            names = ("examines_ipv4", "examines_ipv6", "translates_ipv4", "translates_ipv6")
            wanted = {**{name: name in flags for name in names}, "text": text, "notes": 0}
            wait_until(lambda: of_host() == wanted, 3, f"{wanted}, and not {of_host()}")

        examined((), "")
        check(len(server.log_lines("this host is free: ")) == 1, server.log())
        check(re.search(r"(?m)^host +free$", ask("status", "-p", server.pid, "-i", 0)[0]), "the text of a free host")
        lab.server.run("nft", "add table ip mine; add chain ip mine in { type filter hook input priority 0; }")
        examined(("examines_ipv4",), "nf_tables: table ip mine chain in")
        lab.server.run("nft", "add table inet more; add chain inet more post { type nat hook postrouting priority 0; }")
        examined(("examines_ipv4", "examines_ipv6", "translates_ipv4", "translates_ipv6"),
                 "nf_tables: table ip mine chain in, table inet more chain post")
        once = parse_metrics(ask("metrics", "--once", "--pid", server.pid)[0])
        check_equal(sample(once, "host_translates", pid=str(server.pid), family="ipv6"), 1, "the metric")
        lab.server.run("nft", "flush ruleset")
        examined((), "")
        # What is on the way out is named: in the log once, and among the problems while it is there.
        rule = "packets that the kernel relays do not follow the routing rule \"fwmark 0x5 lookup 7\""
        for times in range(2):
            lab.server.ip("rule", "add", "fwmark", "5", "lookup", "7", "priority", "9")
            wait_until(lambda: ask_json("status", server, "-i", 0)["host"]["notes"] == 1, 3, f"a note, after {times}")
            check(ask_json("status", server, "-i", 0)["problems"][0].startswith(rule), "the note is a problem")
            check_equal(len(server.log_lines(re.escape(rule))), 1, "lines of the log")
            lab.server.ip("rule", "del", "priority", "9")
            wait_until(lambda: not ask_json("status", server, "-i", 0)["problems"], 3, f"no note, after {times}")


def index_of(lab, interface):
    return json.loads(lab.server.ip("-j", "link", "show", "dev", interface))[0]["ifindex"]


@test("status and metrics: each figure in its place, with numbers that differ")
def figures(_lab):
    with Lab("direct", ipv6=True) as lab, \
            Server(lab, ("xdp-max-channels", 5), ("xdp-interface", "to-client"), ("xdp-interface", "to-peer"),
                   ("xdp-interface", "nonesuch")) as server, contextlib.ExitStack() as stack:
        client = stack.enter_context(turn.Client(lab.client)).allocate(dual=True)
        client6 = stack.enter_context(turn.Client(lab.client, (SERVER6, 3478), (CLIENT6, 0))).allocate(family=6)
        short = stack.enter_context(turn.Client(lab.client)).allocate()
        short.bind(0x4001, PEER, 5000)
        # Nobody has the last one's address.
        for number, address in enumerate((PEER, PEER6, "198.51.100.77")):
            client.bind(0x4001 + number, address, 5001)
        client6.bind(0x4001, PEER6, 5002)
        # There is no room for three, and two are not by UDP.
        for number in range(3):
            client.bind(0x4100 + number, PEER, 5100 + number)
        tcp = stack.enter_context(turn.Client(lab.client, tcp=True)).allocate()
        for number in range(2):
            tcp.bind(0x4100 + number, PEER, 5200 + number)
        short.refresh(0)
        stack.enter_context(contextlib.closing(lab.peer.socket(PEER, 5001)))
        stack.enter_context(contextlib.closing(lab.peer.socket(PEER6, 5002)))
        for one, number in ((client, 0x4001), (client, 0x4002), (client6, 0x4001)):
            one.send_channel(number, b"finds the neighbours")

        def settled_down():
            shown = ask_json("status", server, "-i", 0)
            return (shown["next_hops"] == {"used": 7, "unresolved": 1}
                    and shown["tables"]["channels"]["used"] == 4)
        wait_until(settled_down, 5, "six of seven next hops are known, and the session that ended is gone")
        shown = ask_json("status", server, "-i", 0)
        check_equal(shown["tables"], {
            "channels": {"used": 4, "room": 5}, "flows": {"used": 8, "room": 10},
            "vlans": {"used": 0, "room": 256}, "devices": {"used": 2, "room": 64}}, "tables")
        left = {name: count for name, count in shown["channels_left_in_userspace"].items() if count}
        check_equal(left, {"full": 3, "client-not-udp": 2}, "channels left in userspace")
        # Since Linux 5.18 a server has a second one, for frames of several buffers.
        programs = server.offload.xdp_programs()
        check_equal((shown["ipsec"], shown["events_lost"], shown["programs"], shown["version"]),
                    (False, 0, len(programs), abi_version()), "server")
        check(shown["program_id"] in programs, f"{shown['program_id']} is among {programs}")
        check_equal([(one["name"], one["ifindex"], one["device_ifindex"], one["through_dispatcher"])
                     for one in shown["interfaces"]],
                    [(name, number, number, False) for name, number in (
                        ("to-client", index_of(lab, "to-client")), ("to-peer", index_of(lab, "to-peer")),
                        ("nonesuch", 0))], "interfaces")
        once = parse_metrics(ask("metrics", "--once", "--pid", server.pid)[0])
        pid = str(server.pid)
        for name, labels, value in (
                ("channels", {}, 4), ("channels_max", {}, 5),
                ("flows", {"family": "ipv4"}, 5), ("flows", {"family": "ipv6"}, 3),
                ("next_hops", {"state": "known"}, 6), ("next_hops", {"state": "unknown"}, 1),
                ("relay_threads", {"state": "silent"}, 0),
                ("relay_threads", {"state": "alive"}, shown["relay_threads"]["alive"]),
                ("interface_attached", {"interface": "nonesuch", "device": "", "mode": "none"}, 0),
                ("ipsec_blocked", {}, 0), ("events_lost_total", {}, 0),
                ("channels_left_total", {"reason": "full"}, 3),
                ("channels_left_total", {"reason": "failed"}, 0),
                ("channels_left_total", {"reason": "client-not-udp"}, 2),
                ("channels_left_total", {"reason": "relay-not-udp"}, 0)):
            check_equal(sample(once, name, pid=pid, **labels), value, f"{name} {labels}")


@test("channels: max-bps, and what each session loses to it")
def limits(lab):
    with Server(lab, ("max-bps", 20000)) as server, Talk(lab) as over, Talk(lab) as within:
        over.wait_kernel(server)
        within.wait_kernel(server)
        time.sleep(1.1)
        before = ask_json("status", server, "-i", 0)["packets"]["limited"]["packets"]
        with Verdicts(server.offload) as verdicts:
            for _ in range(100):
                over.peer.sendto(bytes(500), over.client.relayed)
            wait_until(lambda: verdicts["LIMITED"] + verdicts["TO_CLIENT"] == 100, 3, "all packets are seen")
        dropped = ask_json("status", server, "-i", 0)["packets"]["limited"]["packets"] - before
        check_equal(dropped, verdicts["LIMITED"], "packets dropped")
        check(dropped >= 50, f"{dropped} packets dropped")
        check_equal(channel_of(over, server)["session_packets_dropped"], dropped, "of the session")
        shown = channel_of(within, server)
        check_equal((shown["limit_bytes_per_second"], shown["session_packets_dropped"]), (20000, 0),
                    "the other session")
        text, _ = ask("channels", "-p", server.pid, "-i", 0, "--client", f":{over.client.port}")
        check(f"  20.0 kB/s  {dropped:>7}  ok" in text, text)
        once = parse_metrics(ask("metrics", "--once", "--channels", "--pid", server.pid)[0])
        for talk, lost in ((over, dropped), (within, 0)):
            labels = {"pid": str(server.pid), "client": f"{CLIENT}:{talk.client.port}",
                      "peer": f"{PEER}:{talk.port}", "relay": f"{RELAY}:{talk.client.relayed[1]}", "number": f"{talk.number:#x}",
                      "user": USER, "realm": REALM}
            check_equal((sample(once, "channel_limit_bytes", **labels),
                         sample(once, "channel_session_dropped_total", **labels)), (20000, lost), "metrics")


@test("two servers are told apart by their process; one that has ended is gone")
def two(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Lab("direct") as second, Server(second) as other:
            _, error = ask("status", status=2)
            check("--pid" in error and all(str(one.pid) in error for one in (server, other)), error)
            pids = {one["pid"] for one in json.loads(ask("list", "--json")[0])["servers"]}
            check({server.pid, other.pid} <= pids, pids)
            check_equal(ask_json("channels", other, "-i", 0)["channels"], [], "the other's channels")
            check_equal(len(ask_json("channels", server, "-i", 0)["channels"]), 1, "channels")
            both = parse_metrics(ask("metrics", "--once")[0])
            for one, count in ((server, 1), (other, 0)):
                check_equal(sample(both, "channels", pid=str(one.pid)), count, "channels")
            maps = other.offload.map_ids()
            other.kill()
            # Nothing of the tool keeps a dead server's tables.
            wait_until(lambda: not set(maps) & all_maps(), 5, "the tables are gone")
            ask("status", "--pid", other.pid, status=NO_SERVER)
    _, error = ask("status", "--pid", server.pid, status=NO_SERVER)
    check(f"process {server.pid} is no turnserver" in error, error)


def of_another_abi(lab, number):
    """A copy of the server whose program says that its tables have this ABI version."""
    program = (BINARY.parent.parent / "turn.bpf.o").read_bytes()
    symbols = command(["readelf", "-sW", BINARY.parent.parent / "turn.bpf.o"]).stdout
    sections = command(["readelf", "-SW", BINARY.parent.parent / "turn.bpf.o"]).stdout
    symbol = re.search(r"(?m)^\s*\d+: ([0-9a-f]+) +4 .* abi_version$", symbols).group(1)
    section = re.search(r"\] \.rodata +PROGBITS +[0-9a-f]+ ([0-9a-f]+) ", sections).group(1)
    server = bytearray(BINARY.read_bytes())
    check_equal(server.count(program), 1, "copies of the program in the server")
    at = server.index(program) + int(section, 16) + int(symbol, 16)
    server[at:at + 4] = number.to_bytes(4, sys.byteorder)
    copy = lab.folder / f"turnserver-abi-{number}"
    copy.write_bytes(server)
    copy.chmod(0o755)
    return copy


@test("a server of another ABI version is named, with what to do")
def abi(lab):
    for number in (1, 99):
        with Server(lab, program=of_another_abi(lab, number)) as server:
            wait_until(server.offload.programs, 5, "the server's program")
            for words in (["status"], ["channels", "--json"]):
                out, error = ask(*words, "--pid", server.pid, status=1)
                check_equal(out, "", words)
                check(f"turnserver (pid {server.pid}) has tables of ABI version {number}, " in error
                      and "use the turnutils_xdp that was built with this turnserver" in error, error)
            found = [one["version"] for one in json.loads(ask("list", "--json")[0])["servers"]
                     if one["process_seen"] and one["pid"] == server.pid]
            check_equal(found, [number], "version in the list")
            page = parse_metrics(ask("metrics", "--once", "--pid", server.pid)[0])
            check_equal(page, {("turn_xdp_servers", frozenset()): 1,
                               ("turn_xdp_up", frozenset({("pid", str(server.pid))})): 0}, "metrics")


def all_maps():
    """Ids of all maps of the machine, by the tool that everybody has."""
    done = subprocess.run(["bpftool", "map", "list", "-j"], capture_output=True, check=True)
    return {one["id"] for one in json.loads(done.stdout)}


@test("without privilege it says so")
def unprivileged(lab):
    with Server(lab) as server:
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        for words in (["status"], ["channels", "--json"], ["list"], ["metrics", "--once"], ["top"]):
            out, error = ask(*words, "--pid", server.pid, status=1, prefix=nobody)
            check_equal(out, "", words)
            check("CAP_SYS_ADMIN" in error and "root" in error, error)


@test("top: a screen that is drawn again, and ends by q")
def top(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Screen(100, 20, "top", "-p", str(server.pid), "-i", "0.3") as screen:
            wait_until(lambda: f"{CLIENT}:{talk.client.port}" in screen.text(), 5, "the channel")
            first = screen.text()
            check(first.splitlines()[0].startswith(f"turnserver {server.pid}, up "), first)
            check(all(len(line) <= 100 for line in first.splitlines()), first)
            packets = channel_of(talk, server)["to_client"]["packets"] + 300
            send(talk, 300, 10)
            wait_until(lambda: re.search(rf" {packets} ", screen.text()), 10,
                       f"it is drawn again, with {packets} packets to the client")
            screen.key("s")
            wait_until(lambda: "by packets" in screen.text(), 3, "another order")
            screen.key("q")
            wait_until(screen.ended, 3, "an end")
        _, error = ask("top", "-p", server.pid, status=1)
        check("needs a terminal" in error, error)


if __name__ == "__main__":
    run(Lab("direct"))
