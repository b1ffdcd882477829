#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The cluster of examples/cluster: Prometheus and Redis have all that its clients sent, and clients
find another server when one drains or dies."""

import contextlib
import json
import random
import re
import signal
import time
from collections import Counter

import turn
from cluster import (CLIENT, EXAMPLE, PASSWORD, REALM, SERVERS, SHARED, USER, Cluster, ClusterLab, by_front, by_list, by_route,
                     has_prometheus, records, router, srv_order, timed)
from prometheus_server import Prometheus
from server import attached, version
from talk import Talk
from tap import check, check_equal, note, run, skip, test, wait_until

CLIENTS = 30
# Of any new allocation while a server is missing. It is far above what is measured.
BOUND = 30
WAYS = {"SRV": by_list, "front": by_front, "route": by_route}
# coturn's own, as against those of the tool.
COTURNS = re.compile(r"(?!turn_xdp_)turn_|stun_")


def talk_of(lab, stack, client):
    """A channel of a client that has an allocation."""
    stack.callback(client.way.socket.close)
    return stack.enter_context(Talk(lab, client=client))


def spread(lab, stack, way, least=2):
    """Talks of clients that came one way, at least so many at each server."""
    talks = []
    while min(Counter(talk.client.relayed[0] for talk in talks)[address] for address in SERVERS) < least:
        check(len(talks) < 60, f"not spread over all servers: {Counter(talk.client.relayed[0] for talk in talks)}")
        talks.append(talk_of(lab, stack, way(lab)))
    return talks


def exchange(talks):
    """Each talk's own number of datagrams in each direction, all of which arrive; how many they were."""
    sent = 0
    for talk in talks:
        for _ in range(random.randint(20, 60)):
            check(talk.to_peer() and talk.to_client(), "data did not arrive")
            sent += 2
    return sent


def arrivals(lab, stack, kind, at_half):
    """Clients that come one after the other, with something that happens when a half have come: their
    talks and the longest that one took for its allocation before and after it."""
    found, worst = [], {False: 0, True: 0}
    for number in range(CLIENTS):
        after = number >= CLIENTS // 2
        if number == CLIENTS // 2:
            at_half()
        client, seconds = timed(WAYS[kind], lab)
        worst[after] = max(worst[after], seconds)
        found.append(talk_of(lab, stack, client))
    note(f"{kind}: {CLIENTS} clients of {CLIENTS} have an allocation, after at most {worst[False]:.2f} s before the event, "
         f"and {worst[True]:.2f} s after it")
    check(worst[True] < BOUND, f"an allocation took {worst[True]:.1f} s")
    return found


@test("the zone, the front and the alert rules name the same three servers; promtool accepts the rules")
def files(lab):
    check_equal(sorted(srv_order()), sorted(SERVERS), "SRV")
    check_equal(sorted(fields[0] for name, fields in records("A") if name == "turn"), sorted(SERVERS), "A")
    front = re.findall(r"(?m)^alternate-server=(.*):3478$", (EXAMPLE / "front.conf").read_text(encoding="utf-8"))
    check_equal(sorted(front), sorted(SERVERS), "front.conf")
    said, status = Prometheus(lab.at("192.0.2.20"), EXAMPLE).check()
    check_equal(status, 0, said)


@test("sums over the servers, as Prometheus and Redis have them, are what clients and peers sent", seconds=180)
def sums(lab):
    with Cluster(lab) as cluster, router(lab), contextlib.ExitStack() as stack:
        subscriber = cluster.redis.subscriber()
        talks = [talk for way in WAYS.values() for talk in spread(lab, stack, way, least=1)]
        for way in WAYS:
            note(f"{way}: spread over all servers")
        prometheus = cluster.prometheus
        sent = exchange(talks)
        where = Counter(talk.client.relayed[0] for talk in talks)
        note(f"{len(talks)} clients, {dict(where)}, {sent} datagrams")
        wait_sum(prometheus, "sum(turn_xdp_data_packets_total)", sent)
        kernel = prometheus.number('sum(turn_xdp_data_packets_total{by="kernel"})')
        note(f"{kernel:.0f} of them by the kernel")
        check(kernel > 0.5 * sent, f"only {kernel} by the kernel")
        wait_sum(prometheus, "sum(turn_xdp_channels)", len(talks))
        check_equal({labels["server"]: round(value) for labels, value in prometheus.query("turn_xdp_channels")},
                    {f"turn{SERVERS.index(address) + 1}": count for address, count in where.items()}, "by server")
        # Nothing is counted later.
        time.sleep(3)
        check_equal(prometheus.number("sum(turn_xdp_data_packets_total)"), sent, "datagrams in Prometheus")
        check_redis(cluster, subscriber, talks, where, sent)


def wait_sum(prometheus, expression, wanted):
    """Servers add up once a second, and Prometheus asks them once a second."""
    end = time.monotonic() + 10
    while prometheus.number(expression) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    check_equal(prometheus.number(expression), wanted, expression)


def check_redis(cluster, subscriber, talks, where, sent):
    """Redis has a key of each session, in its server's database, and the figures of those that end."""
    for number, address in enumerate(SERVERS, 1):
        with cluster.redis.connection() as connection:
            connection.ask("SELECT", number)
            keys = connection.ask("KEYS", f"turn/realm/{REALM}/user/{USER}/allocation/*/status")
        check_equal(len(keys), where[address], f"sessions of {address} in Redis")
    totals = Counter()
    for talk in talks:
        talk.client.refresh(0)
        for channel, text in subscriber.messages("total_traffic/peer"):
            if channel.endswith("total_traffic/peer"):
                totals.update({name: int(value) for name, value in re.findall(r"(rcvp|sentp)=(\d+)", text)})
    check_equal(totals, Counter(rcvp=sent // 2, sentp=sent // 2), "datagrams from and to peers in Redis")


@test("a server that drains keeps what lives, and no new allocation is lost", seconds=240)
def drained(lab):
    if version() < (4, 17):
        skip("this coturn does not drain")
    with Cluster(lab) as cluster, router(lab), contextlib.ExitStack() as stack:
        talks = spread(lab, stack, by_list)
        gone = SERVERS[0]
        server = cluster.servers[gone]
        mine = [talk for talk in talks if talk.client.relayed[0] == gone]

        def drain():
            if not server.log_lines("Draining then terminating"):
                server.signal(signal.SIGUSR1)
                server.wait_log("Draining then terminating")

        for kind in WAYS:
            for talk in arrivals(lab, stack, kind, drain)[CLIENTS // 2:]:
                check(talk.client.relayed[0] != gone, f"{kind}: an allocation at a server that drains")
                check(talk.works(), f"{kind}: data of a new allocation")
        for talk in mine:
            talk.wait_kernel(server).check_kernel(server, 5)
        end_of_drain(cluster, server, gone)


def end_of_drain(cluster, server, gone):
    """An operator does not wait any longer, and ends it with what lives; an alert says so."""
    server.signal(signal.SIGTERM)
    check_equal(server.wait_end(15), 0, "exit status")
    wait_until(lambda: not attached(cluster.lab.hosts[gone]), 5, "the program detached")
    check_alerts(cluster, {("TurnServerGone", "turn1")})


def killed(lab, kind):
    with Cluster(lab) as cluster, router(lab) as log, contextlib.ExitStack() as stack:
        # Of many clients, some would move if the route was spread anew.
        talks = spread(lab, stack, WAYS[kind], least=6)
        gone = SERVERS[0]
        lost = next(talk for talk in talks if talk.client.relayed[0] == gone)
        wait_until(lambda: cluster.prometheus.number("sum(turn_xdp_servers)") == 3, 10, "all servers in Prometheus")
        check_equal(cluster.prometheus.firing(), set(), "alerts before")
        talks += arrivals(lab, stack, kind, cluster.servers[gone].kill)
        check(not lost.to_peer(seconds=0.3), "the killed server relays")
        again, seconds = timed(WAYS[kind], lab)
        check(talk_of(lab, stack, again).warm(), "data of a client that has allocated anew")
        note(f"{kind}: a client of the killed server has data again {seconds:.2f} s after it has noticed")
        if kind == "route":
            wait_until(lambda: "the next hops: 102 103" in log.read_text(encoding="utf-8"), 20, "the route without it")
            check_quick(lab)
        # The others' clients stay where they are.
        for talk in talks:
            if talk.client.relayed[0] != gone:
                server = cluster.server_of(talk.client)
                talk.wait_kernel(server).check_kernel(server, 3)
        check_alerts(cluster, {("TurnServerGone", "turn1")})


def check_alerts(cluster, wanted):
    """These fire, and no other."""
    wait_until(lambda: cluster.prometheus.firing() >= wanted, 10, f"alerts {wanted}")
    check_equal(cluster.prometheus.firing() - wanted, set(), "other alerts")


for one in WAYS:
    test(f"a server that is killed, clients by {one}: no new allocation is lost, its clients allocate anew elsewhere",
         seconds=150)(lambda lab, kind=one: killed(lab, kind))


def check_quick(lab):
    """Nobody is sent to a server that the route does not have."""
    for _ in range(10):
        with turn.Client(lab.client, server=(SHARED, 3478), local=(CLIENT, 0), user=USER, password=PASSWORD) as client:
            client.allocate(seconds=1.5)
            check(client.relayed[0] != SERVERS[0], "a killed server")


def expressions():
    """Those of the dashboard and of the alert rules, with Grafana's variables replaced."""
    dashboard = json.loads((EXAMPLE / "dashboard.json").read_text(encoding="utf-8"))
    found = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    found = [one.replace("$__rate_interval", "1m").replace("$server", ".*") for one in found]
    rules = (EXAMPLE / "alerts.yml").read_text(encoding="utf-8")
    return found, re.findall(r"(?m)^ +expr: (?:>\n)?((?: {10,}.*\n)+|.*)", rules)


def names_in(texts):
    """The names of metrics in expressions."""
    return set(re.findall(r"\b(?:turn|stun)_\w+|\bup\b", "\n".join(texts)))


@contextlib.contextmanager
def scraped(lab):
    """What a Prometheus has that has scraped each server while clients talk."""
    with Cluster(lab) as cluster, contextlib.ExitStack() as stack:
        talks = spread(lab, stack, by_list, least=1)
        exchange(talks)
        # coturn adds up what a session has carried when it ends.
        talks.pop().client.refresh(0)
        prometheus = cluster.prometheus
        wait_until(lambda: prometheus.number("sum(turn_xdp_channels)"), 10, "channels in Prometheus")
        # Rates take two scrapes.
        time.sleep(3)
        yield prometheus


@test("each metric of the dashboard and the alert rules is in a scrape, and each query of the dashboard works",
      seconds=120)
def dashboard_names(lab):
    queries, rules = expressions()
    check(len(queries) > 10 and len(rules) > 8, f"{len(queries)} queries, {len(rules)} rules")
    wanted = {name for name in names_in(queries + rules) if not COTURNS.match(name)}
    with scraped(lab) as prometheus:
        check_equal(wanted - prometheus.names(), set(), "names that no scrape has")
        for query in queries:
            found = prometheus.query(query)
            # Those may be empty: nothing that they count has happened.
            check(found or "> 0" in query or COTURNS.search(query), f"no value: {query}")
    note(f"{len(wanted)} metrics, {len(queries)} queries, {len(rules)} rules")


@test("each metric of coturn's in the dashboard is in a scrape", seconds=120)
def coturns_names(lab):
    if not has_prometheus():
        skip("this coturn was built without Prometheus")
    wanted = {name for name in names_in(sum(expressions(), [])) if COTURNS.match(name)}
    check(wanted, "none")
    with scraped(lab) as prometheus:
        check_equal(wanted - prometheus.names(), set(), "names that no scrape has")


if __name__ == "__main__":
    run(ClusterLab())
