#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The options of the offload behave as an operator of coturn expects: a line means what the same
line means for an option of coturn, and what has no effect, or is not needed, is said once or not at all.
"""

import re
from pathlib import Path

from lab import RELAY, RELAY6, SERVER, Lab
from outcome import check_said, said
from netns import command
from server import BINARY, Server, database
from tap import check, check_equal, note, run, skip, test

TOP = Path(__file__).resolve().parents[2]

# What stands behind the name of a switch in turnserver.conf.
SPELLINGS = ("", "=yes", "=no", " yes", " no", "\toff", " = on", "==0", "=1", "=2", "=00", "=t", "=f", "=True",
             "=FALSE", "=y", "=N", "=Off", "=ON", "=\"no\"", "=\"yes\" \t", "=\"off", "=\"\"", "=", "  \t", "\f",
             "=no # not yet", "=yes # at last", "=no\r", "=none", "=yes;")
# Those that coturn does not know as a value of a switch: it ends.
UNKNOWN = ("=maybe", " # a comment", "=on # a comment", "='no'", "=-1", "=o", "=offf", "=\" no\"")
# Those on the command line.
ARGUMENTS = ("", "=no", "=yes", "=0", "=1", "=f", "=off", "=on", "=", "=no # not yet")


def _of_coturn(server):
    """Whether coturn's switch no-tcp-relay is on, which the log says."""
    return bool(server.log_lines("no-tcp-relay: TCP relay endpoints are not allowed"))


def _check_alike(server, spelling):
    """Our switch is on if and only if coturn's own is."""
    check_equal(bool(server.xdp()), _of_coturn(server), f"xdp-offload{spelling!r} is on")
    check_equal(server.log_lines("Bad configuration format|is not one of"), [], f"{spelling!r}: warnings")
    return _of_coturn(server)


@test("a switch in turnserver.conf is what coturn's own switch is, however it is spelt", seconds=400)
def switches(lab):
    on = []
    for spelling in SPELLINGS:
        with Server(lab, (f"xdp-offload{spelling}", None), (f"no-tcp-relay{spelling}", None),
                    offload=False) as server:
            on.append(_check_alike(server, spelling))
    check(5 < sum(on) < len(on) - 5, f"coturn's own switch: {on}")


@test("so is a switch on the command line", seconds=240)
def arguments(lab):
    on = []
    for value in ARGUMENTS:
        with Server(lab, argv=(f"--xdp-offload{value}", f"--no-tcp-relay{value}"), offload=False) as server:
            on.append(_check_alike(server, value))
    check(3 < sum(on) < len(on) - 3, f"coturn's own switch: {on}")


@test("a value that coturn's own switch does not know is an error that names the option", seconds=120)
def unknown_values(lab):
    for spelling in UNKNOWN:
        with Server(lab, (f"no-tcp-relay{spelling}", None), offload=False, ready=False) as server:
            check(server.wait_end() != 0, f"coturn takes {spelling!r}")
            check(server.log_lines("Unknown boolean value"), server.log())
        with Server(lab, (f"xdp-offload{spelling}", None), offload=False) as server:
            check_said(server, "xdp-offload: '", "is not one of yes, no, on, off, true, false, 1, 0")
            check_equal(bool(said(server, "a comment needs a line of its own")), "#" in spelling,
                        f"{spelling!r}: the log speaks of comments")
            check_equal(server.xdp(), [], f"{spelling!r}: interfaces with XDP")
            check_equal(server.log_lines("Bad configuration format"), [], f"{spelling!r}: warnings")


@test("xdp-required=0 and =false: the server starts although its interface is missing")
def not_required(lab):
    for value in ("0", "false", "No", "off", "n"):
        with Server(lab, ("xdp-required", value), ("xdp-interface", "nowhere0")) as server:
            check_said(server, "nowhere0: waiting for it")
            check(server.running(), f"xdp-required={value}")


@test("lines of turnserver.conf with spaces, quotes and comments give no warnings")
def lines(lab):
    with Server(lab, ("  xdp-offload = yes # in the kernel", None), ("\txdp-interface \"to-client\"", None),
                ("# xdp-interface=to-peer", None), ("xdp-mode\t=\tauto  ", None),
                ("xdp-max-channels=100 # a hundred", None), (" #xdp-required", None), offload=False) as server:
        check_equal(server.xdp(), ["to-client"], "interfaces with XDP")
        check_said(server, "for up to 100 channels", "on 1 of 1 interfaces (xdp-mode auto)")
        check_equal(server.log_lines("Bad configuration format|Check config"), [], "warnings")


def said_more(server):
    """Our lines in the log but the first one, which names the releases."""
    return [line for line in said(server) if "with kernel offload" not in line]


@test("options without xdp-offload: the log says once that they have no effect")
def without_effect(lab):
    for name, value in (("xdp-interface", "to-client"), ("xdp-mode", "native"), ("xdp-max-channels", "10")):
        for given, argv in ((((name, value),), ()), ((), (f"--{name}={value}",))):
            with Server(lab, *given, argv=argv, offload=False) as server:
                check_equal(len(said_more(server)), 1, "lines of ours")
                check_said(server, f"{name} has no effect", "set xdp-offload too")
                check_equal(server.xdp(), [], "interfaces with XDP")
    with Server(lab, ("xdp-interface", "to-client"), ("xdp-interface", "to-peer"), ("xdp-mode", "auto"),
                offload=False) as server:
        check_said(server, "no effect")


@test("xdp-offload=no: nothing is said of the other options")
def off_on_purpose(lab):
    for given, argv in (((("xdp-offload", "no"),), ()), ((), ("--xdp-offload=no",))):
        with Server(lab, ("xdp-interface", "to-client"), *given, argv=argv, offload=False) as server:
            check_equal(said_more(server), [], "lines of ours")
    with Server(lab, offload=False) as server:
        check_equal(said_more(server), [], "lines of ours, without our options")


@test("several interfaces in one xdp-interface: the log says to repeat the option")
def interface_list(lab):
    for value in ("to-client,to-peer", "to-client to-peer", "to-client, to-peer"):
        with Server(lab, ("xdp-interface", value)) as server:
            check_said(server, f"xdp-interface: '{value}'", "repeat the option, once for each interface")
            check_equal(server.xdp(), [], "interfaces with XDP")
    with Server(lab, argv=("--xdp-interface=to-client,to-peer",)) as server:
        check_said(server, "repeat the option, once for each interface")


@test("turnserver --version: coturn's release in the first line, and ours in the second")
def version_lines(lab):
    ours = (TOP / "VERSION").read_text(encoding="utf-8").strip()
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    release, note_of_release = (re.search(rf"(?m)^{name} = ?(.*)$", makefile).group(1) for name in ("version", "coturn_note"))
    both = f"coturn {release}{' ' if note_of_release else ''}{note_of_release} with kernel offload {ours}"
    check_equal(command([BINARY, "--version"]).stdout, f"{release}\n{both}\n", "--version")
    with Server(lab, offload=False) as server:
        check_said(server, f"this is {both}, which is off")
    # Started so, coturn does not look for --version.
    check("with kernel offload" not in command([BINARY, "-n", "--version", "--max-bps=x", "--bps-capacity=1"],
                                               check=False).stdout, "a server that ends prints its release")


@test("a database that this build lacks is an error that names its option, and the server starts")
def missing_databases(lab):
    usage = command([BINARY, "-h"]).stdout
    options = [name for name in ("psql-userdb", "mysql-userdb", "mongo-userdb", "redis-userdb", "redis-statsdb")
               if f"--{name}" not in usage]
    note(f"this build lacks: {options}")
    if not options:
        skip("this coturn does not lack any of them")
    with Server(lab, *((name, "\"host=192.0.2.9\"") for name in options), offload=False) as server:
        for name in options:
            check_said(server, f"{name} is set, but this server was built without", "install")
        check_equal(len(said(server, "was built without")), len(options), "lines about databases")


LOOPBACK = "on no interface but the loopback"
# An address that is on the loopback interface, but is no loopback address: it may be meant to be reached.
ANYCAST = "203.0.113.77"


@test("a server that listens on all addresses by default: nothing is said of the loopback")
def ordinary_start(_lab):
    with Lab("direct", ipv6=True) as lab:
        argv = ("-n", "--xdp-offload", "--no-cli", "--no-tls", "--no-dtls", "--log-file=stdout",
                f"--userdb={database(lab.folder)}", f"--pidfile={lab.folder / 'pid'}")
        with Server(lab, argv=argv, offload=False) as server:
            for address in ("127.0.0.1", "::1"):
                check(server.log_lines(f"Listener address to use: {address}$"), server.log())
            check_equal(said(server, LOOPBACK), [], "lines of the loopback")
            check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")


def _check_named(lab, listening, relays, named):
    addresses = [("listening-ip", one) for one in listening] + [("relay-ip", one) for one in relays]
    carries = SERVER in listening
    with Server(lab, *addresses, ready=carries) as server:
        server.wait_log("xdp: the offload is off|xdp: offload of UDP channels is on")
        found = [line.split("xdp: ")[1].split(": ")[0] for line in said(server, LOOPBACK)]
        check_equal(sorted(found), sorted(named), f"listening on {listening}, relays {relays}; {said(server)}")
        check_equal(bool(server.xdp()), carries, "interfaces carry the program")


@test("a loopback address is named, once, where its family has no other address")
def loopback_only(_lab):
    with Lab("direct", ipv6=True) as lab:
        lab.server.ip("address", "add", ANYCAST, "dev", "lo")
        # The listening addresses, the relay addresses, and those that the log has to name.
        for listening, relays, named in (
                ((SERVER, "127.0.0.1"), (RELAY,), ()),
                (("127.0.0.1", SERVER), (RELAY, "127.0.0.1"), ()),
                ((SERVER, "127.0.0.1", "::1"), (RELAY, RELAY6), ()),
                ((SERVER, "127.0.0.1", "::1"), (RELAY,), ("::1",)),
                ((SERVER, "::1"), (RELAY, "::1"), ("::1",)),
                ((SERVER, ANYCAST, "127.0.0.1"), (RELAY, ANYCAST), (ANYCAST,)),
                (("127.0.0.1", "::1"), ("127.0.0.1", "::1"), ("127.0.0.1", "::1"))):
            _check_named(lab, listening, relays, named)


if __name__ == "__main__":
    run(Lab("direct"))
