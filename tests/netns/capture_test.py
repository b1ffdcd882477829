#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp capture: what it writes is what the ends have sent and received."""

import contextlib
import re
import shutil
import signal
import struct
import sys

from capture import Capture
from inspector import NO_SERVER, ask
from lab import CLIENT, Lab
from netns import command
from server import Server
from talk import Talk
from tap import check, check_equal, run, skip, test, wait_until
from tracing import Tracing

FIELDS = ("frame.comment", "frame.interface_name", "frame.packet_flags_direction", "frame.packet_id",
          "frame.cap_len", "frame.len", "frame.verdict")


def dissect(path):
    """Each frame of a file: its fields as tshark reads them, and its bytes."""
    if not shutil.which("tshark"):
        skip("tshark is not installed")
    words = [word for field in (*FIELDS, "frame.time_epoch") for word in ("-e", field)]
    text = command(["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|", *words]).stdout
    # It also says that it runs as root.
    frames = [dict(zip((*FIELDS, "time"), line.split("|"))) for line in text.splitlines() if "|" in line]
    # The bytes, by way of the older format, which is simple to read.
    pcap = path.with_suffix(".pcap")
    command(["tshark", "-n", "-r", path, "-F", "nsecpcap", "-w", pcap])
    data, at = pcap.read_bytes(), 24
    for frame in frames:
        kept = struct.unpack_from("=I", data, at + 8)[0]
        frame["bytes"] = data[at + 16:at + 16 + kept]
        at += 16 + kept
    check_equal(at, len(data), "bytes of the file")
    return frames


# Said, because a kernel before 6.3 does not say whether a veth can do it.
NATIVE = ("xdp-mode", "native")


def both_forms(lab, mode):
    """The frames are those that the ends' own interfaces have had."""
    with Server(lab, ("xdp-mode", mode)) as server, Talk(lab, checksums=mode == "native") as talk:
        talk.wait_kernel(server)
        path = lab.folder / f"{mode}.pcapng"
        with Tracing(server, "-w", path) as tracing, contextlib.ExitStack() as stack:
            client = stack.enter_context(Capture(lab.client, outgoing=True))
            peer = stack.enter_context(Capture(lab.peer, outgoing=True))
            check(talk.to_peer(b"to the peer" * 20), "to the peer")
            check(talk.to_client(b"to the client" * 30), "to the client")
            tracing.ends(signal.SIGINT)
            check_equal(tracing.counted(), (2, 0), "packets")
            wires = {"client": client.udp(), "peer": peer.udp()}
        frames = dissect(path)
        check_equal([frame["frame.interface_name"] for frame in frames],
                    ["to-client", "to-peer", "to-peer", "to-client"], "interfaces")
        check_equal([int(frame["frame.packet_flags_direction"], 0) for frame in frames], [1, 2, 1, 2], "directions")
        check_equal([int(frame["frame.packet_id"], 0) for frame in frames], [0, 0, 1, 1], "packets")
        for frame, wire in zip(frames, (wires["client"][0], wires["peer"][0], wires["peer"][1], wires["client"][1])):
            check_equal(frame["bytes"], wire.frame, "bytes")
        for frame, word in zip(frames, ("to-peer", "to-peer", "to-client", "to-client")):
            comment = frame["frame.comment"]
            check(comment.startswith(f"{word}: relayed to "), comment)
            check(f"channel {talk.number:#06x}, client {CLIENT}:{talk.client.port}, relay" in comment, comment)
        times = [float(frame["time"]) for frame in frames]
        check_equal(times, sorted(times), "times")
        check(abs(times[0] - wires["client"][0].when) < 1, times)


@test("both forms of packets in both directions, in native mode")
def native(lab):
    both_forms(lab, "native")


@test("both forms of packets in both directions, in generic mode")
def generic(lab):
    both_forms(lab, "generic")


@test("lines, filters and limits: client, peer, number, verdict, count, time, snap length")
def limits(lab):
    with Server(lab, NATIVE) as server, Talk(lab) as talk, Talk(lab, number=0x4abc) as other:
        talk.wait_kernel(server)
        other.wait_kernel(server)

        def both():
            check(talk.to_peer() and talk.to_client() and other.to_peer() and other.to_client(), "data")

        for words, wanted in (
                (("--number", "0x4abc"), ["to-peer 0x4abc", "to-client 0x4abc"]),
                (("--client", f"{CLIENT}:{talk.client.port}"), ["to-peer 0x4001", "to-client 0x4001"]),
                (("--peer", f":{other.port}"), ["to-peer 0x4abc", "to-client 0x4abc"]),
                (("--relay", "203.0.113.0/24"), []),
                (("--verdict", "to-client"), ["to-client 0x4001", "to-client 0x4abc"]),
                (("--verdict", "up"), [])):
            with Tracing(server, *words) as tracing:
                both()
                lines = tracing.ends(signal.SIGTERM).decode().splitlines()
                check_equal([" ".join(line.split()[1:3]) for line in lines], wanted, words)
                check_equal(tracing.counted(), (len(wanted), 0), words)
        # A STUN message belongs to no channel, and is shown if its verdict is asked for.
        with Tracing(server, "--verdict", "no-flow", "--client", CLIENT) as tracing:
            talk.client.refresh(600)
            both()
            lines = tracing.ends(signal.SIGINT).decode().splitlines()
            check(lines and all(" no-flow in to-client " in line and line.endswith(", up") for line in lines), lines)
        # Longer than the MTU of the way out: it goes up, and the server relays it.
        lab.server.ip("link", "set", "to-peer", "mtu", "1000")
        try:
            with Tracing(server, "--verdict", "too-big", "-c", 1) as tracing:
                def seen():
                    talk.client.send_channel(talk.number, bytes(1100))
                    return tracing.finished()
                wait_until(seen, 5, "a packet that is too big")
                line = tracing.ends().decode()
                check(re.search(r" too-big 0x4001 in to-client .* 1146 bytes, up$", line.strip()), line)
        finally:
            lab.server.ip("link", "set", "to-peer", "mtu", "1500")
        path = lab.folder / "short.pcapng"
        talk.warm()
        with Tracing(server, "-w", path, "-s", 50, "-c", 3) as tracing:
            for _ in range(5):
                check(talk.to_peer(bytes(500)), "data")
            tracing.ends()
            check_equal(tracing.counted()[0], 3, "packets")
        frames = dissect(path)
        check_equal([(frame["frame.cap_len"], frame["frame.len"]) for frame in frames],
                    [("50", "546"), ("50", "542")] * 3, "lengths")
        with Tracing(server, "-t", 0.5) as tracing:
            tracing.ends()


@test("a reader that is too slow loses records, and says how many; no packet is lost")
def slow(lab):
    with Server(lab, NATIVE) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Tracing(server, "-B", 4) as tracing:
            command(["kill", "-STOP", str(tracing.pid)])
            for _ in range(50):
                check(talk.to_peer(bytes(300)), "data")
            command(["kill", "-CONT", str(tracing.pid)])
            tracing.ends(signal.SIGINT)
            captured, lost = tracing.counted()
            check(0 < captured < 50 and captured + lost == 50, (captured, lost))
            check("raise --buffer" in tracing.said, tracing.said)


def attached():
    text = command(["bpftool", "prog", "list"]).stdout
    return len(re.findall(r": tracing  name frame_", text))


@test("nothing stays attached when it is killed; it ends with the server")
def ends(lab):
    before = attached()
    with Server(lab, NATIVE) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Tracing(server) as tracing:
            check_equal(attached(), before + 2 * len(server.offload.xdp_programs()), "programs")
            tracing.kill()
        wait_until(lambda: attached() == before, 5, "the programs are gone")
        talk.check_kernel(server, 3)
        with Tracing(server) as tracing:
            server.kill()
            tracing.ends(status=NO_SERVER)
            check("has ended" in tracing.said, tracing.said)


@test("mistakes on the command line are named")
def mistakes(_lab):
    for words, said in ((("-s", 0), "--snaplen cannot be '0'"), (("-B", 12), "--buffer cannot be '12'"),
                        (("--verdict", "nonesuch"), "--verdict cannot be 'nonesuch'"),
                        (("-c", 0), "--count cannot be '0'"), (("--json",), "capture writes no JSON")):
        _, text = ask("capture", *words, status=2)
        check(said in text, text)
    _, text = ask("channels", "--count", 3, status=2)
    check("are for the command capture" in text, text)
    # -c and -s are --count and --snaplen for capture only.
    for command_word, words, said in (("channels", ("-c", 3), "--config is for the command check"),
                                      ("channels", ("-s", 50), "--sort cannot be '50'"),
                                      ("capture", ("--config", "3"), "--config is for the command check")):
        _, text = ask(command_word, *words, status=2)
        check(said in text, text)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    run(Lab("direct"))
