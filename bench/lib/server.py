# SPDX-License-Identifier: BSD-3-Clause
"""A turnserver in the server's namespace, and channels that clients hold on it."""

import json
import os
import subprocess
import time
from pathlib import Path

from lab import BIN, CLIENT, CLIENT_PORT, CPUS, PEER, PEER_PORT, PEERS, RELAY, SERVER, TURN_PORT

LIMIT = 600  # seconds that any process of the bench may live


class Failed(RuntimeError):
    """A measurement that could not be made; the text says why."""


class Server:
    """Runs within `with`, on these CPUs or all of them."""

    def __init__(self, lab, work, kind, threads=1, cpus=None):
        self.lab, self.work, self.kind, self.threads, self.cpus = lab, work, kind, threads, cpus
        self.process = None

    def __enter__(self):
        argv = [self.kind.path, "-n", "-z", "-m", str(self.threads), "-L", SERVER, "-E", RELAY, "-p", str(TURN_PORT),
                "--no-tls", "--no-dtls", "--no-cli", "--simple-log", "--log-file", str(self.work / "server.log"),
                "--no-stdout-log", "--userdb", str(self.work / "turndb"), "--pidfile", str(self.work / "pid"),
                *self.kind.options]
        words = ["taskset", "-c", ",".join(map(str, sorted(self.cpus or range(CPUS))))]
        words += ["env", f"LD_LIBRARY_PATH={self.kind.libraries}"] if self.kind.libraries else []
        with open(self.work / "server.out", "wb") as output:
            # All of these become the next one: the pid is the server's.
            self.process = self.lab.server.start(*words, *argv, output=output)
        return self

    def __exit__(self, *_):
        end(self.process)

    @property
    def pid(self):
        return self.process.pid

    def move(self, cpus):
        """All threads that there are, to these CPUs."""
        for task in os.listdir(f"/proc/{self.pid}/task"):
            os.sched_setaffinity(int(task), cpus)

    def left_in_userspace(self):
        """How many channel bindings the kernel does not relay, by the reason. Of a server with the offload on."""
        done = subprocess.run([Path(self.kind.path).with_name("turnutils_xdp"), "status", "--json", "--interval", "0",
                               "--pid", str(self.pid)], check=False, timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise Failed(f"turnutils_xdp shows no status: {done.stderr.strip()}")
        return {reason: count for reason, count in json.loads(done.stdout)["channels_left_in_userspace"].items() if count}

    def said(self):
        lines = []
        for name in ("server.out", "server.log"):
            path = self.work / name
            if path.exists():
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
        return "\n".join(lines)


def end(process):
    """Ends a process that we started, and waits for it."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Channels:
    """`clients` allocations with `channels` channels each, within `with`; their flows in a file."""

    def __init__(self, lab, work, clients, channels):
        self.lab, self.clients, self.channels = lab, clients, channels
        self.flows = work / "flows"
        self.process = None

    def __enter__(self):
        with open(self.flows, "wb") as output:
            self.process = subprocess.Popen(
                ["timeout", "-k", "5", str(LIMIT), "ip", "netns", "exec", self.lab.client.name, BIN / "turn_client",
                 CLIENT, str(CLIENT_PORT), SERVER, str(TURN_PORT), PEER, str(PEER_PORT), str(self.clients),
                 str(self.channels)], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE)
        for _ in range(3600):
            if self.flows.read_bytes()[-6:] == b"ready\n":
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        said = self.process.stderr.read().decode() if self.process.poll() is not None else "no answer in time"
        end(self.process)
        raise Failed(f"the server gave no allocations and channels: {said.strip()}")

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            end(self.process)
        self.process.stderr.close()


def plain_flows(work, clients, channels):
    """The same five-tuples without TURN: to the peer itself."""
    path = work / "flows"
    path.write_text("".join(
        f"{CLIENT} {CLIENT_PORT + i} {PEER} {port} 0 {port} {CLIENT_PORT + i}\n"
        for i in range(clients) for c in range(channels)
        for port in (PEER_PORT + (c * clients + i) % PEERS,)), encoding="ascii")
    return path
