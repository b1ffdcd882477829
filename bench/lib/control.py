# SPDX-License-Identifier: BSD-3-Clause
"""The control plane: rates of requests, memory of channels, time to start."""

import json
import socket
import subprocess
import time

from lab import BIN, CLIENT, CLIENT_PORT, LAST_CPU, PEER, PEER_PORT, SERVER, TURN_PORT
from measure import call
from rows import DEFAULT_ROOM, Case
from server import Failed, Server

# Not more than the kernel's tables have room for if nothing is said, see Case.room.
CASE = Case(clients=100, channels=160)
# A STUN Binding request (RFC 8489).
BINDING = bytes.fromhex("000100002112a442") + b"bench-start!"


def await_answer(lab, process, seconds=15):
    """Asks every millisecond until the server answers."""
    asker = lab.client.socket(CLIENT, 0)
    asker.settimeout(0.001)
    limit = time.monotonic() + seconds
    with asker:
        asker.connect((SERVER, TURN_PORT))
        while time.monotonic() < limit and process.poll() is None:
            try:
                asker.send(BINDING)
                if asker.recv(2048)[8:20] == BINDING[8:]:
                    return
            except ConnectionRefusedError:
                time.sleep(0.001)
            except (socket.timeout, BlockingIOError):
                pass
    raise Failed("the server does not answer")


def start_time(lab, work, kind):
    """Seconds from the start of the process to its first answer."""
    start = time.monotonic()
    with Server(lab, work, kind, kind.threads) as server:
        await_answer(lab, server.process)
        return {"start_s": time.monotonic() - start}


def map_bytes(lab):
    """Kernel memory of the maps of the program on s0."""
    shown = json.loads(lab.server.run("ip", "-j", "link", "show", "dev", "s0").stdout)[0]
    program = shown.get("xdp", {}).get("prog", {}).get("id")
    if not program:
        return 0
    done = subprocess.run(["bpftool", "-j", "prog", "show", "id", str(program)], check=True, text=True,
                          stdout=subprocess.PIPE)
    total = 0
    for number in json.loads(done.stdout)["map_ids"]:
        shown = json.loads(subprocess.run(["bpftool", "-j", "map", "show", "id", str(number)], check=True, text=True,
                                          stdout=subprocess.PIPE).stdout)
        total += shown.get("bytes_memlock", 0)
    return total


def rates(lab, work, kind):
    """Requests pipelined by a client on the last CPU, the server on the others where there are any."""
    cpus = set(range(LAST_CPU)) or {LAST_CPU}
    with Server(lab, work, kind, kind.threads, cpus) as server:
        await_answer(lab, server.process)
        found = call(["ip", "netns", "exec", lab.client.name, "taskset", "-c", LAST_CPU, BIN / "rates", CLIENT,
                      CLIENT_PORT, SERVER, TURN_PORT, PEER, PEER_PORT, CASE.clients, CASE.channels, server.pid])
        # The server has the default number of channels.
        found["kernel_bytes_per_channel"] = map_bytes(lab) / DEFAULT_ROOM
    found["user_bytes_per_channel"] = 1024 * (found["bind_rss"] - found["allocate_rss"]) / CASE.flows
    return found
