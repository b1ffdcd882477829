#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp's metrics by HTTP against what was sent, and its man page, its help and
its completion against what it does."""

import json
import re
import time

from exporter import Exporter
from inspector import TOP, abi_version, ask, parse_metrics, sample, send, settled
from lab import CLIENT, PEER, RELAY, Lab
from server import REALM, USER, Server, version
from talk import Talk
from tap import check, check_equal, run, test, wait_until


@test("metrics: by HTTP and once, what was sent, in Prometheus' format")
def metrics(lab):
    with Server(lab) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        pid = str(server.pid)

        def newer(page):
            carried = [sample(one, "received_bytes_total", pid=pid) for one in (before, page)]
            return page if carried[1] > carried[0] else None

        with Exporter(lab, "--pid", pid, "--channels") as exporter:
            settled(server)
            before = exporter.scrape()
            send(talk, 25, 100)
            settled(server)
            # A page may be a second old.
            after = wait_until(lambda: newer(exporter.scrape()), 5, "a page with what was sent")
        once = parse_metrics(ask("metrics", "--once", "--pid", pid)[0])
        labels = {"pid": pid, "client": f"{CLIENT}:{talk.client.port}", "peer": f"{PEER}:{talk.port}",
                  "relay": f"{RELAY}:{talk.client.relayed[1]}", "number": "0x4001",
                  "user": USER, "realm": REALM}
        for name, these, gained in (
                ("packets_total", {"pid": pid, "verdict": "to-peer"}, 25),
                ("packets_total", {"pid": pid, "verdict": "to-client"}, 25),
                ("received_bytes_total", {"pid": pid}, 25 * (104 + 101)),
                ("sent_bytes_total", {"pid": pid}, 25 * (100 + 105)),
                ("channel_packets_total", {**labels, "direction": "to-peer"}, 25),
                ("channel_data_bytes_total", {**labels, "direction": "to-client"}, 25 * 101)):
            check_equal(sample(after, name, **these) - sample(before, name, **these), gained, name)
            if not name.startswith("channel_"):
                check_equal(sample(once, name, **these), sample(after, name, **these), name)
        check(not any(name.startswith("turn_xdp_channel_") for name, _ in once), "series of channels")
        check_equal((sample(once, "up", pid=pid), sample(once, "channels", pid=pid),
                     sample(once, "channels_max", pid=pid)), (1, 1, 16384), "gauges")
        check(abs(sample(once, "start_time_seconds", pid=pid) - time.time()) < 60, "start")
        check_equal(sample(once, "interface_attached", pid=pid, interface="to-peer", device="to-peer",
                           mode="native"), 1, "interface")


# ---- the man page -----------------------------------------------------------

def man_section(title):
    """The lines of one section of the man page."""
    page = (TOP / "man" / "turnutils_xdp.1").read_text(encoding="utf-8")
    return re.search(rf"(?ms)^\.Sh {title}\n(.*?)(?=^\.Sh )", page).group(1)


def man_names(section):
    """The names that are items of lists in a section."""
    found = []
    for line in re.findall(r"(?m)^\.It Va (.*)$", section):
        found += line.split(" , ")
    return found


def check_same(documented, real, what):
    """Both sides, as lists in which nothing may come twice."""
    for names, where in ((documented, "the man page"), (real, "the program")):
        twice = sorted({name for name in names if names.count(name) > 1})
        check(not twice, f"{what} that {where} has twice: {twice}")
    check_equal(sorted(set(real) - set(documented)), [], f"{what} that the man page lacks")
    check_equal(sorted(set(documented) - set(real)), [], f"{what} that the program lacks")


def fields(value, path=""):
    """The paths of all values in a document, with [] for the elements of arrays."""
    if isinstance(value, dict):
        return {name for key, one in value.items() for name in fields(one, f"{path}.{key}".lstrip("."))}
    if isinstance(value, list):
        return {name for one in value for name in fields(one, path + "[]")}
    return {path}


# Objects whose keys are words of a list that grows: the man page has one name for all.
GENERAL = ((r"^packets\.[^.]+\.", "packets.VERDICT."),
           (r"^channels_left_in_userspace\.[^.]+$", "channels_left_in_userspace.REASON"),
           (r"^channels\[\]\.to_(peer|client)\.", "channels[].DIRECTION."))


def general(names):
    for pattern, name in GENERAL:
        names = {re.sub(pattern, name, one) for one in names}
    return names


@test("the man page has every metric and every JSON field, and no other")
def documented(lab):
    with Server(lab, ("xdp-interface", "to-client"), ("xdp-interface", "to-peer"),
                ("xdp-interface", "nonesuch")) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        said = {command: json.loads(ask(command, "--json", "--pid", server.pid, "-i", 0)[0])
                for command in ("status", "channels")}
        said["list"] = json.loads(ask("list", "--json")[0])
        said["check"] = json.loads(ask("check", "--json", "--pid", server.pid)[0])
        page, _ = ask("metrics", "--once", "--channels", "--pid", server.pid)
    check_same(man_names(man_section("METRICS")), re.findall(r"(?m)^# HELP (\w+) ", page), "metrics")
    # Parts of the section: the server, then the commands, in this order.
    of_server, of_status, of_channels, of_check = (
        man_names(part) for part in re.split(r"(?m)^\.Cm (?:status|channels|check)$", man_section("JSON")))
    check(min(map(len, (of_server, of_status, of_channels, of_check))) > 3, "the parts of the section")
    check_same(of_server, sorted({name for one in said["list"]["servers"] for name in fields(one)}),
               "fields of a server")
    check_equal(list(said["list"]), ["servers"], "fields of the list")
    check_same(of_server + of_status, sorted(general(fields(said["status"]))), "fields of status")
    check_same(of_server + of_channels, sorted(general(fields(said["channels"]))), "fields of channels")
    check_same(of_check, sorted(fields(said["check"])), "fields of check")


@test("help, man page and completion have the same options; --version is one plain line")
def options(_):
    text, _ = ask("--help")
    real = sorted(set(re.findall(r"(?<![\w-])--[a-z]+", text)))
    listed = re.findall(r"(?:Fl|,) -([a-z]+)", "\n".join(re.findall(r"(?m)^\.It Fl .*$", man_section("OPTIONS"))))
    check_same([f"--{one}" for one in listed], real, "options")
    completion = (TOP / "completions" / "turnutils_xdp").read_text(encoding="utf-8")
    offered = re.search(r"local options='([^']*)'", completion).group(1).split()
    check_equal(sorted(offered), real, "options of the completion")
    text, _ = ask("--version")
    ours = (TOP / "VERSION").read_text(encoding="utf-8").strip()
    coturn = ".".join(map(str, version()))
    check_equal(text, f"turnutils_xdp {ours}, for tables of ABI version {abi_version()}, built with coturn {coturn}\n",
                "the version")


if __name__ == "__main__":
    run(Lab("direct"))
