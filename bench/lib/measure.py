# SPDX-License-Identifier: BSD-3-Clause
"""The bench's programs, called: each gives a dictionary of what it printed."""

import subprocess

from lab import (BIN, CLIENT, CLIENT_PORT, ECHO_PORT, LAST_CPU, PEER, PEER_PORT, PEERS, PROBE_PORT, RELAY, SERVER,
                 TURN_PORT)
from server import Failed

WAYS = {"up": 1, "down": 2, "both": 3}


def words_of(text):
    found = {}
    for word in text.split():
        name, mark, value = word.partition("=")
        if mark:
            found[name] = float(value)
    return found


def call(argv, seconds=120):
    try:
        done = subprocess.run([str(word) for word in argv], timeout=seconds, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.TimeoutExpired:
        raise Failed(f"{argv[0]} did not end within {seconds} s") from None
    if done.returncode:
        raise Failed(done.stderr.strip() or f"{argv[0]}: status {done.returncode}")
    return words_of(done.stdout)


def throughput(lab, flows, case, relay=None, offload=False, seconds=1.0, rate=0, search=False, yields=False,
               near=False, warm_up=0, headroom=0, skbs=False):
    """Datagrams per second of a case (see rows.Case); `relay` is the pid of the server.

    `warm_up`: seconds of traffic before the measured ones, 0 for what most rows need.
    `headroom`: bytes before a frame, 0 for what XDP has.
    `skbs`: the sink is a filter of tc.
    `near`: the sink is at the server's interface, so that nothing is left but the tester."""
    # Without TURN what comes from peers goes to the client itself.
    argv = [BIN / "throughput", "-c", f"{lab.client.name},c0,{lab.macs['s0']}",
            "-p", f"{lab.server.name},s0,{lab.macs['c0']}" if near else f"{lab.peer.name},p0,{lab.macs['s1']}", "-s", f"{lab.server.name},s0",
            "-C", f"{CLIENT},{CLIENT_PORT},{case.clients}", "-P", f"{PEER},{PEER_PORT},{min(case.flows, PEERS)}",
            "-y", RELAY if relay else CLIENT, "-f", flows, "-w", WAYS[case.way], "-l", case.payload,
            "-u", f"{LAST_CPU - case.cpus + 1},{case.cpus}", "-t", seconds]
    argv += ["-r", relay] if relay else []
    argv += ["-o"] if offload else []
    argv += ["-R", rate] if rate else []
    argv += ["-W", warm_up] if warm_up else []
    argv += ["-H", headroom] if headroom else []
    argv += ["-S"] if skbs else []
    argv += ["-x"] if search else []
    argv += ["-I"] if yields else []
    return call(argv)


def check_rate(found, rate):
    """What was measured with fewer datagrams than there should have been is no figure."""
    if found["offered_pps"] < 0.97 * rate:
        raise Failed(f"the generator sent only {found['offered_pps']:.0f} datagrams a second of {rate}")


def _trip(lab, case, program, which, relay, offload, seconds, cpu):
    argv = ["taskset", "-c", cpu, BIN / program, "-c", lab.client.name, "-i", "c0", "-m", lab.macs["s0"],
            "-p", lab.peer.name, "-k", "p0", "-s", lab.server.name, "-j", "s0", "-x", CLIENT, "-y", PROBE_PORT + which,
            "-a", PEER, "-b", ECHO_PORT + which, "-l", case.payload, "-t", seconds]
    argv += ["-g", SERVER, "-h", TURN_PORT] if relay else []
    argv += ["-o"] if offload else []
    return call(argv)


def probe(lab, case, relay=False, offload=False, seconds=1.0, cpu=LAST_CPU):
    """Round trips between XDP programs."""
    return _trip(lab, case, "probe", 0, relay, offload, seconds, cpu)


def sockets(lab, case, relay=False, offload=False, seconds=1.0, cpu=LAST_CPU):
    """Round trips between sockets; of other ports, since coturn keeps ended allocations for a while."""
    with lab.peer.start("taskset", "-c", cpu, "timeout", "60", BIN / "echo", PEER, ECHO_PORT + 1,
                        output=subprocess.DEVNULL) as echo:
        try:
            return _trip(lab, case, "round_trip", 1, relay, offload, seconds, cpu)
        finally:
            echo.terminate()
