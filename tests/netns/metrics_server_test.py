#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The HTTP server of `turnutils_xdp metrics`: clients that are many, slow, or ask for something
else, few open files, what it keeps of its privileges, and how old a page may be."""

import contextlib
import os
import resource
import select
import signal
import threading
import time
from pathlib import Path

from exporter import Exporter
from inspector import parse_metrics, sample
from lab import Lab
from netns import command
from server import Server, tool
from talk import Talk
from tap import check, check_equal, run, test, wait_until

IDLE = 1200
CONNECTIONS = 64
OTHER_FILES = 32
UNIT = Path(__file__).resolve().parents[2] / "examples" / "systemd" / "turnutils-xdp-metrics.service"


@contextlib.contextmanager
def idle_clients(exporter, count):
    """Connections that say nothing, all of which the exporter has accepted: it has closed
    those that it has no room for."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(exporter.connect()) for _ in range(count)]
        poll = select.poll()
        for client in clients:
            poll.register(client, select.POLLIN)
        wait_until(lambda: len(poll.poll(0)) >= count - CONNECTIONS, 10, "idle connections are closed")
        closed = {number for number, _ in poll.poll(0)}
        check(clients[0].fileno() in closed and clients[-1].fileno() not in closed,
              "not those that were silent the longest are closed")
        yield


@test("1200 idle connections: a scrape is answered, few files are open, and SIGTERM ends it at once")
def idle(lab):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as stack:
        with Exporter(lab, prefix=("prlimit", f"--nofile={CONNECTIONS + OTHER_FILES}")) as exporter:
            # These are accepted all at once, and would take more files than it may open.
            os.kill(exporter.pid, signal.SIGSTOP)
            for _ in range(120):
                stack.enter_context(exporter.connect())
            os.kill(exporter.pid, signal.SIGCONT)
            stack.enter_context(idle_clients(exporter, IDLE))
            for _ in range(3):
                check("turn_xdp_servers" in exporter.page(), "the page")
                check(exporter.files() <= CONNECTIONS + OTHER_FILES, f"{exporter.files()} open files")
            check_equal(len(exporter.lines()), 1, "lines")


@test("a connection that makes requests stays, though others come that are more than there may be")
def busy(lab):
    with contextlib.ExitStack() as stack, Exporter(lab) as exporter:
        client = stack.enter_context(exporter.connect())
        for _ in range(4):
            client.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            check(client.recv(4096).startswith(b"HTTP/1.1 200 "), "an answer")
            for _ in range(CONNECTIONS // 2):
                stack.enter_context(exporter.connect())
            # The exporter accepts in order: it has accepted all of them.
            exporter.page()


@test("a connection that stays silent, or sends its request too slowly, is closed", seconds=90)
def slow(lab):
    def closed(client, first, more, seconds):
        """Whether the connection ends although something is sent now and then."""
        with client, contextlib.suppress(ConnectionError):
            client.sendall(first)
            client.settimeout(0.5)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    if not client.recv(4096):
                        return True
                except TimeoutError:
                    client.sendall(more)
            return False
        return True

    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    cases = {"silent": (b"", b"", 25), "slow request line": (b"", b"G", 25),
             "slow header": (b"GET / HTTP/1.1\r\nA: ", b"a", 25), "silent after a request": (request, b"", 48),
             "slow after a request": (request, b"G", 48)}
    results = {}

    def follow(name, client, how):
        results[name] = closed(client, *how)

    with Exporter(lab) as exporter:
        threads = [threading.Thread(target=follow, args=(name, exporter.connect(), how))
                   for name, how in cases.items()]
        for thread in threads:
            thread.start()
        exporter.page()
        for thread in threads:
            thread.join()
    check_equal({name for name in cases if not results.get(name)}, set(), "connections that stay open")


@test("no file can be opened: that is said once, nothing spins, and accepting goes on when one can")
def no_files(lab):
    with Exporter(lab) as exporter, contextlib.ExitStack() as stack:
        exporter.page()
        limits = resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        for _ in range(50):
            stack.enter_context(exporter.connect())
        wait_until(lambda: len(exporter.lines()) > 1, 5, "it says that it cannot accept")
        before = exporter.processor_seconds()
        # Not an event to wait for, but the period in which a loop would show: of work and of lines.
        time.sleep(3)
        used = exporter.processor_seconds() - before
        check(used < 0.5, f"{used} s of a processor in 3 s")
        check_equal(exporter.lines()[1:], [
            "turnutils_xdp: a connection cannot be accepted: Too many open files; connections wait, and each second "
            "one is tried again; let the process open more files ('ulimit -n', or LimitNOFILE= of its unit)"], "lines")
        resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, limits)
        exporter.page()


@test("a low limit of open files leaves room for the tables: the page is whole")
def low_limit(lab):
    with Server(lab) as server, Exporter(lab, "--pid", server.pid, prefix=("prlimit", "--nofile=40")) as exporter, \
            idle_clients(exporter, 150):
        page = exporter.scrape()
        check_equal(sample(page, "up", pid=str(server.pid)), 1, "the server")
        check_equal(len(exporter.lines()), 1, "lines")


# In a PID namespace the server knows another pid than the host: it is found in /proc.
@test("of its privileges it keeps three capabilities, and still finds servers of other users and PID namespaces")
def privileges(lab):
    prefix = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    user = (("proc-user", "nobody"), ("proc-group", "nogroup"))
    # CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH
    three, none = f"{1 << 21 | 1 << 19 | 1 << 2:016x}", "0" * 16
    with Server(lab, prefix=prefix) as inner, Exporter(lab) as exporter:
        inner.follow_child()
        check_equal({name: exporter.status(name) for name in
                     ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs")},
                    {"CapPrm": three, "CapEff": three, "CapInh": none, "CapBnd": none, "CapAmb": none,
                     "NoNewPrivs": "1"}, "privileges")
        check_equal(sample(exporter.scrape(), "up", pid=str(inner.pid)), 1, "the server of the PID namespace")
        # This release has no handler for SIGTERM, which the first process of a PID namespace needs.
        inner.kill()
    with Server(lab, *user) as server, Exporter(lab) as exporter:
        check_equal(sample(exporter.scrape(), "up", pid=str(server.pid)), 1, "the server of another user")


def unit_settings():
    """The settings of the example's [Service], by name; a repeated one has its last value."""
    text = UNIT.read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


# As systemd starts it, but without its namespaces and its filter of system calls.
@test("with the capabilities that the example for systemd gives, a user other than root finds the server")
def unit(lab):
    settings = unit_settings()
    names = settings["AmbientCapabilities"].split()
    check_equal(settings["CapabilityBoundingSet"].split(), names, "the bounding set")
    words = "-all," + ",".join("+" + name.removeprefix("CAP_").lower() for name in names)
    prefix = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", f"--bounding-set={words}",
              f"--inh-caps={words}", f"--ambient-caps={words}", "--no-new-privs")
    with Server(lab) as server, Exporter(lab, prefix=prefix) as exporter:
        check_equal(sample(exporter.scrape(), "up", pid=str(server.pid)), 1, "the server")
        check_equal(exporter.status("CapPrm"), f"{1 << 21 | 1 << 19 | 1 << 2:016x}", "capabilities")


@test("requests within a second get the same page, and later ones a new page")
def cached(lab):
    def packets(page):
        return sample(parse_metrics(page), "packets_total", pid=pid, verdict="to-peer")

    def pages():
        """Two pages with a packet between them, if both were asked for within a second."""
        start = time.monotonic()
        first = exporter.page()
        check(talk.to_peer(b"data"), "to the peer")
        second = exporter.page()
        return (first, second) if time.monotonic() - start < 0.9 else None

    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        pid = str(server.pid)
        with Exporter(lab, "--pid", pid) as exporter:
            first, second = wait_until(pages, 20, "two pages within a second")
            check_equal(second, first, "the second page")
            wait_until(lambda: packets(exporter.page()) > packets(first), 5, "a new page")


@test("GET and HEAD of /metrics and /, and the status of what is neither")
def methods(lab):
    with Exporter(lab) as exporter:
        for method, path, status in (
                ("GET", "/metrics", 200), ("HEAD", "/metrics", 200), ("GET", "/metrics?a=b", 200),
                ("GET", "/", 200), ("HEAD", "/", 200), ("GET", "/metricsx", 404), ("HEAD", "/x", 404),
                ("POST", "/metrics", 405), ("PUT", "/", 405), ("DELETE", "/metrics", 405), ("OPTIONS", "/", 405),
                ("PATCH", "/metrics", 405), ("TRACE", "/", 405), ("BREW", "/metrics", 501)):
            got, headers, _ = exporter.ask(method, path)
            check_equal(got, status, "status")
            check_equal(headers["Allow"], "GET, HEAD" if status == 405 else None, "Allow")
            if method == "HEAD":
                check(int(headers["Content-Length"]) > 0, "Content-Length")


@test("the page / links to the metrics; a port alone is one of 127.0.0.1")
def link(lab):
    with Exporter(lab, port_alone=True) as exporter:
        _, headers, text = exporter.ask(path="/")
        check(headers["Content-Type"].startswith("text/html"), headers["Content-Type"])
        check('<a href="/metrics">' in text, text)


@test("pages of the origin that is named may read the metrics, no others, and a bad one is refused")
def origin(lab):
    with Exporter(lab) as exporter:
        check_equal(exporter.ask()[1]["Access-Control-Allow-Origin"], None, "without --origin")
    with Exporter(lab, "--origin", "https://call.example.org") as exporter:
        check_equal(exporter.ask()[1]["Access-Control-Allow-Origin"], "https://call.example.org", "the header")
    for bad in ("call.example.org", "https://", "https://a/b", "https://a\r\nX: y", ""):
        done = command([tool("turnutils_xdp"), "metrics", "--origin", bad], check=False)
        check(done.returncode == 2 and "origin" in done.stdout, f"{bad!r}: {done.returncode} {done.stdout}")


def exchange(exporter, request):
    """What is answered to bytes, until the exporter closes the connection; this ends in "open"
    if it does not."""
    answer = b""
    with exporter.connect() as client:
        client.settimeout(2)
        client.sendall(request)
        try:
            while part := client.recv(65536):
                answer += part
        except TimeoutError:
            answer += b"open"
        except ConnectionError:
            pass
    return answer.decode()


@test("HTTP/1.0 and 1.1, with and without keep-alive; HEAD has no text; headers and bodies that are too long")
def protocol(lab):
    with Exporter(lab) as exporter:
        get = "GET / HTTP/1.1\r\nHost: x\r\n"
        for request, begins, answers, ends in (
                ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ", 1, "\n"),
                ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.0 200 ", 1, "open"),
                (f"{get}\r\n", "HTTP/1.1 200 ", 1, "open"),
                (f"{get}Connection: close\r\n\r\n", "HTTP/1.1 200 ", 1, "\n"),
                (f"{get}\r\n{get}Connection: close\r\n\r\n", "HTTP/1.1 200 ", 2, "\n"),
                ("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ", 1, "\r\n\r\n"),
                ("nothing\r\n\r\n", "HTTP/1.1 400 ", 1, "\n"),
                (f"{get}A: {'a' * 40000}\r\n\r\n", "HTTP/1.1 400 ", 1, ""),
                (f"GET /{'a' * 40000} HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", 1, ""),
                ("POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", "HTTP/1.1 413 ", 1, "\n")):
            answer = exchange(exporter, request.encode())
            what = request[:60]
            check(answer.startswith(begins) and answer.endswith(ends), f"{what!r}: {answer!r}")
            check_equal((answer.count("HTTP/1."), answer.endswith("open")), (answers, ends == "open"), what)


if __name__ == "__main__":
    run(Lab("direct"))
