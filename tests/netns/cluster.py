# SPDX-License-Identifier: BSD-3-Clause
"""The cluster of examples/cluster, between namespaces, with its own configuration files.

    client, router ---- switch ---- turn1, turn2, turn3   192.0.2.11 to .13, and 203.0.113.10
    192.0.2.2   .1        |
                          +--- front   192.0.2.10
                          +--- ops     192.0.2.20: Redis and Prometheus
                          +--- peer    192.0.2.3

What the client sends to 203.0.113.10 goes through the router. The answers need no router, because coturn 4.17.1
sends them with a TTL of 1.
"""

import contextlib
import random
import re
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import turn
from lab import Lab
from netns import command
from prometheus_server import Prometheus
from redis_server import Redis
from server import BINARY, REALM, Server, tool
from tap import wait_until

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "cluster"
SERVERS = ("192.0.2.11", "192.0.2.12", "192.0.2.13")
CLIENT, FRONT, OPS, PEER, ROUTER = "192.0.2.2", "192.0.2.10", "192.0.2.20", "192.0.2.3", "192.0.2.1"
SHARED = "203.0.113.10"
USER, PASSWORD = "alice", "in-redis"
# How long a client waits for an answer before it takes another server.
PATIENCE = 1.5


class ClusterLab(Lab):
    """The namespaces. `hosts` are those that have an address in 192.0.2.0/24, by the address."""

    def __init__(self):
        super().__init__("one_leg")
        self._topology = self.topology = "cluster"
        self.peer_address = PEER
        self.hosts = {}

    def _build_cluster(self):
        switch, gateway = self.add("switch"), self.add("router", forward=True)
        self.bridge(switch)
        self.link(gateway, "eth1", ROUTER + "/24", switch, "port0", None)
        gateway.sysctl("net/ipv4/conf/all/send_redirects", 0)
        gateway.sysctl("net/ipv4/conf/eth1/send_redirects", 0)
        names = ("turn1", "turn2", "turn3", "front", "ops", "peer", "client")
        for number, (name, address) in enumerate(zip(names, (*SERVERS, FRONT, OPS, PEER, CLIENT)), 1):
            host = self.hosts[address] = self.add(name)
            self.link(host, "to-net" if name.startswith("turn") else "eth0", address + "/24",
                      switch, f"port{number}", None)
            host.add_route("default", ROUTER)
        for address in SERVERS:
            self.hosts[address].ip("address", "add", SHARED + "/32", "dev", "to-net")

    def at(self, address):
        """As a server or service of one host sees the lab."""
        return SimpleNamespace(folder=self.folder, server=self.hosts[address], client=self.hosts[CLIENT],
                               relay_address=address, ipv6=False)


def has_prometheus():
    """Whether coturn was built with its exporter."""
    return "--prometheus" in command([BINARY, "-h"], check=False).stdout


def options_of(name, *replaced):
    """The lines of a configuration file of the example, with words of it replaced: pairs of the old and the new."""
    text = (EXAMPLE / name).read_text(encoding="utf-8")
    for old, new in replaced:
        text = text.replace(old, new)
    lines = [line.partition("=") for line in text.splitlines() if line and not line.startswith("#")]
    found = [(option, value if equals else None) for option, equals, value in lines]
    return [one for one in found if one[0] != "prometheus" or has_prometheus()]


def records(kind):
    """The fields of the records of a kind in the example's zone, by their names."""
    lines = (EXAMPLE / "example.org.zone").read_text(encoding="utf-8").splitlines()
    return [(name, value.split()) for name, value in re.findall(rf"(?m)^(\S+)\s+IN {kind}\s+(.*)$", "\n".join(lines))]


def srv_order():
    """The servers in the order in which a client takes them (RFC 2782): by priority and, of the same
    priority, at random by weight."""
    addresses = {name: fields[0] for name, fields in records("A") if name != "turn"}
    left = [(int(priority), int(weight), addresses[target])
            for _, (priority, weight, _, target) in records("SRV")]
    order = []
    while left:
        first = [one for one in left if one[0] == min(left)[0]]
        chosen = random.choices(first, [one[1] for one in first])[0]
        left.remove(chosen)
        order.append(chosen[2])
    return order


class _Redis(Redis):
    """That of the example, as its configuration says."""

    address, password = OPS, "CHANGE-ME"
    location = f"ip={OPS} port=6379 dbname=0 password={password}"

    def prepare(self):
        # A folder of its own, as it keeps what it has on the disk.
        return [self.binary(), EXAMPLE / "redis.conf", "--dir", tempfile.mkdtemp(dir=self.lab.folder)]


class Cluster:
    """Three servers, each with the exporter of the offload, a front, Redis and Prometheus."""

    def __init__(self, lab):
        self.lab = lab
        self._stack = contextlib.ExitStack()
        self.servers = {}
        self.redis = self.prometheus = None

    def __enter__(self):
        try:
            # First, because the test is skipped if there is none.
            self.prometheus = Prometheus(self.lab.at(OPS), EXAMPLE)
            self.redis = self._stack.enter_context(_Redis(self.lab.at(OPS)))
            self.lab.ops.run("env", f"TURNADMIN={tool('turnadmin')}", ROOT / "turndb" / "setup-redis.sh",
                             self.redis.location, REALM, USER, PASSWORD)
            for number, address in enumerate(SERVERS, 1):
                self.servers[address] = self._server(number, address)
            self._stack.enter_context(Server(self.lab.at(FRONT), *options_of("front.conf"), offload=False,
                                             probe=(CLIENT, FRONT)))
            self._stack.enter_context(self.prometheus)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *details):
        return self._stack.__exit__(*details)

    def _server(self, number, address):
        options = options_of("turnserver.conf", (SERVERS[0], address), ("dbname=1", f"dbname={number}"))
        options.append(("listening-ip", SHARED))
        server = self._stack.enter_context(Server(self.lab.at(address), *options, offload=False,
                                                  probe=(CLIENT, address)))
        self._run(address, tool("turnutils_xdp"), "metrics", "--listen", f"{address}:9642", "--pid", server.pid)
        return server

    def _run(self, address, *argv):
        return self._stack.enter_context(running(self.lab.hosts[address], self.lab.folder / f"{address}.log", *argv))

    def server_of(self, client):
        """The server that a client has its allocation at."""
        return self.servers[client.relayed[0]]


@contextlib.contextmanager
def running(namespace, log, *argv):
    """A program that runs until the end of `with`."""
    with open(log, "ab") as output:
        process = namespace.start("timeout", "-k", "5", "300", *argv, output=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


@contextlib.contextmanager
def router(lab):
    """The example's script on the router; its log, once the route is there."""
    log = lab.folder / "ecmp.log"
    log.unlink(missing_ok=True)
    with running(lab.router, log, "env", f"STUNCLIENT={tool('turnutils_stunclient')}", EXAMPLE / "ecmp.sh", SHARED,
                 "eth1", *SERVERS):
        wait_until(lambda: "is spread over:" in log.read_text(encoding="utf-8"), 5,
                   "the route of ecmp.sh")
        yield log
    lab.router.ip("route", "delete", SHARED)
    lab.router.ip("nexthop", "flush")


def _try(lab, address):
    """A client with an allocation at an address; or None, and the address that it is sent to if there is one."""
    client = turn.Client(lab.client, server=(address, 3478), local=(CLIENT, 0), user=USER, password=PASSWORD)
    try:
        return client.allocate(seconds=PATIENCE), None
    except TimeoutError:
        error = None
    except turn.TurnError as refused:
        error = refused
        # 403 (Forbidden): it drains.
        if error.code not in (300, 403):
            raise
    client.way.socket.close()
    if error and error.code == 300:
        return None, turn.address_parse(error.response.attributes[turn.ALTERNATE_SERVER])[0]
    return None, None


def _first(lab, addresses):
    """A client of the first of these that has an allocation for it."""
    for address in addresses:
        client, _ = _try(lab, address)
        if client:
            return client
    raise TimeoutError("no server has an allocation")


def by_list(lab):
    """A client that goes through the servers in the order of the SRV records."""
    return _first(lab, srv_order())


def by_front(lab):
    """A client that the front sends to a server; it asks again if that server does not answer."""
    for _ in range(5):
        _, address = _try(lab, FRONT)
        client, _ = _try(lab, address)
        if client:
            return client
    raise TimeoutError("no server that the front names has an allocation")


def by_route(lab):
    """A client of the address that all servers share; another port is another try."""
    return _first(lab, [SHARED] * 12)


def timed(way, lab):
    """A client with an allocation, and the seconds that it took."""
    began = time.monotonic()
    client = way(lab)
    return client, time.monotonic() - began
