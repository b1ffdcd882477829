#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""turnutils_xdp check: what it says before the offload is on, held against what the
server then does, and what it says of a server that runs."""

import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
from pathlib import Path

from foreign import foreign_program, program_on
from inspector import NO_SERVER, ask_json
from lab import RELAY, SERVER, Lab
from netns import command
from server import Server, tool
from tap import check, check_equal, run, skip, test, wait_until

OK, STOP, USAGE = 0, 1, 2
LEVELS = ["ok", "note", "stop"]
KEYS = ["pid", "offload_runs", "file", "unit", "worst", "rows", "interfaces"]
ROW_KEYS = ["level", "topic", "text", "command"]
INTERFACE_KEYS = ["name", "ifindex", "mode", "device", "driver", "mtu", "queues", "queues_max", "up", "why_not_native",
                  "why_not_generic", "program_id", "program_name", "program_pid"]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
OLD_KERNEL = Path(__file__).with_name("old_kernel.py")
ADDRESSES = (("listening-ip", SERVER), ("relay-ip", RELAY))

_serial = itertools.count()


def configuration(lab, *options):
    """A turnserver.conf of these options, which anybody may read."""
    path = lab.folder / f"check-{next(_serial)}.conf"
    path.write_text("".join(name + ("" if value is None else f"={value}") + "\n" for name, value in options),
                    encoding="ascii")
    path.chmod(0o644)
    return path


def ask(lab, *words, prefix=(), program=None):
    """Runs the check in lab.server: its exit status and what it says."""
    # "ip netns exec" would hide the control groups.
    with lab.server.enter():
        done = subprocess.run([*prefix, program or tool("turnutils_xdp"), "check", *map(str, words)], timeout=20,
                              text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Said:
    """What the check says as JSON, of a file with these options or of other `words`."""

    def __init__(self, lab, *options, words=None, addresses=ADDRESSES, **how):
        if words is None:
            words = ("-c", configuration(lab, *addresses, *options))
        self.status, text = ask(lab, "--json", *words, **how)
        check_equal(text.count("\n"), 1, f"lines of {text}")
        self.all = json.loads(text)
        check_equal(list(self.all), KEYS, "keys")
        for one in self.all["interfaces"]:
            check_equal(list(one), INTERFACE_KEYS, "keys of an interface")
        for one in self.all["rows"]:
            check_equal((list(one), one["level"] in LEVELS), (ROW_KEYS, True), "keys and level of a row")
        self.rows = self.all["rows"]
        check_equal(self.all["worst"], max((row["level"] for row in self.rows), key=LEVELS.index),
                    "the worst of the rows")
        check_equal(self.status, STOP if self.all["worst"] == "stop" else OK, f"exit status of {text}")

    def modes(self):
        return {one["name"]: one["mode"] for one in self.all["interfaces"]}

    def find(self, level, topic, *words, command_=None):
        """The one row of a level and topic that has these words."""
        found = [row for row in self.rows if (row["level"], row["topic"]) == (level, topic)
                 and all(word in row["text"] for word in words)]
        check_equal(len(found), 1, f"rows '{level}' of {topic} with {words} in {self.rows}")
        if command_:
            check_equal(found[0]["command"], command_, f"command of {found[0]}")
        return found[0]


def modes_of(server):
    """The modes that a server's interfaces have, which it tells within a second."""
    def told():
        return {one["name"]: one["mode"] for one in ask_json("status", server, "-i", 0)["interfaces"]}
    return wait_until(told, 5, "the server tells of its interfaces")


def check_foretold(lab, *options, wanted=None):
    """The server gets the modes that the check foretells, and the check then says the same of it."""
    said = Said(lab, ("xdp-offload", None), *options)
    check_equal([row for row in said.rows if row["level"] == "stop"], [], "rows that stop it")
    if wanted:
        check_equal(said.modes(), wanted, "modes")
    with Server(lab, *options) as server:
        check_equal(said.modes(), modes_of(server), f"modes with {options}")
        running = Said(lab, words=("-p", server.pid))
        check_equal(running.modes(), said.modes(), "modes of the server that runs")
        check(running.all["offload_runs"], "it runs")
    return said, running


@contextlib.contextmanager
def feature(namespace, interface, name, state):
    """A feature is on or off, and the other way afterwards."""
    namespace.run("ethtool", "-K", interface, name, state)
    try:
        yield
    finally:
        namespace.run("ethtool", "-K", interface, name, "off" if state == "on" else "on")


NATIVE = {"to-client": "native", "to-peer": "native"}
GENERIC = {"to-client": "generic", "to-peer": "generic"}


@test("a host that has it all: all rows are ok, and both interfaces are native as foretold")
def all_well(lab):
    said, running = check_foretold(lab, wanted=NATIVE)
    check_equal({row["level"] for row in said.rows}, {"ok"}, f"levels of {said.rows}")
    said.find("ok", "kernel", "loads the XDP program")
    said.find("ok", "privileges", "root")
    said.find("ok", "to-client", "native mode is possible (veth, mtu 1500")
    said.find("ok", "memory", "16,384 channels")
    check_equal({row["level"] for row in running.rows}, {"ok"}, f"levels of {running.rows}")
    running.find("ok", "to-peer", "native mode, mtu 1500")
    check_equal(program_on(lab.server, "to-client"), None, "program after the checks")


@test("a veth without GRO at its other end: generic as foretold, and the command that changes it")
def without_gro(lab):
    with feature(lab.peer, "eth0", "gro", "off"):
        said, running = check_foretold(lab, wanted=GENERIC)
        said.find("note", "to-peer", "generic mode", "has neither GRO", "ethtool -K NAME gro on")
        said.find("note", "to-client", "to-peer can only use generic mode")
        running.find("note", "to-client", "generic mode", "to-peer can only use generic mode")
        check_foretold(lab, ("xdp-mode", "native"), wanted={"to-client": "native", "to-peer": "none"})
        said = Said(lab, ("xdp-offload", None), ("xdp-mode", "native"), ("xdp-required", None))
        said.find("stop", "to-peer", "left out", "has neither GRO")


@test("generic mode because it was asked for is nothing to be noted")
def asked_for(lab):
    said, running = check_foretold(lab, ("xdp-mode", "generic"), wanted=GENERIC)
    said.find("ok", "to-peer", "generic mode (veth, mtu 1500")
    running.find("ok", "to-peer", "generic mode, mtu 1500")


@test("jumbo frames and merged datagrams: the modes are those that the server gets")
def shapes(lab):
    for mtu in (9000, 1500):
        for namespace, interface in ((lab.server, "to-peer"), (lab.peer, "eth0")):
            namespace.ip("link", "set", "dev", interface, "mtu", mtu)
        check_foretold(lab)
    with feature(lab.server, "to-peer", "rx-udp-gro-forwarding", "on"):
        said, _ = check_foretold(lab, ("xdp-mode", "generic"), wanted={"to-client": "generic", "to-peer": "none"})
        said.find("note", "to-peer", "several received datagrams for one",
                  command_="ethtool -K to-peer rx-gro-list off rx-udp-gro-forwarding off")


@contextlib.contextmanager
def made(lab, name, *kind):
    """An interface of lab.server of a kind that this kernel may not have."""
    if lab.server.run("ip", "link", "add", "name", name, *kind, check=False).returncode:
        skip(f"this kernel does not make interfaces like: {' '.join(kind)}")
    lab.server.ip("link", "set", "dev", name, "up")
    try:
        yield
    finally:
        lab.server.ip("link", "delete", name)


@test("a bridge is generic, and the others with it, as foretold")
def bridge(lab):
    with made(lab, "bridge0", "type", "bridge"):
        said, _ = check_foretold(lab, ("xdp-interface", "to-client"), ("xdp-interface", "bridge0"),
                                 wanted={"to-client": "generic", "bridge0": "generic"})
        said.find("note", "to-client", "bridge0 can only use generic mode")


@test("a VLAN is native on the device below it, which cannot be generic, as foretold")
def vlan(lab):
    with made(lab, "vlan7", "link", "to-peer", "type", "vlan", "id", "7"):
        said, _ = check_foretold(lab, ("xdp-interface", "to-client"), ("xdp-interface", "vlan7"),
                                 wanted={"to-client": "native", "vlan7": "native"})
        said.find("ok", "vlan7", "native mode is possible (veth of to-peer, mtu 1500")
        said, _ = check_foretold(lab, ("xdp-mode", "generic"), wanted={"to-client": "generic", "to-peer": "none"})
        said.find("note", "to-peer", "frames of the VLANs above it")


@test("another's XDP program is named, with the command that detaches it; with all taken, nothing can start")
def occupied(lab):
    with foreign_program(lab, "to-peer", "xdpdrv") as foreign:
        said, _ = check_foretold(lab, wanted={"to-client": "native", "to-peer": "none"})
        row = said.find("note", "to-peer", "left out", f"(id {foreign}, name 'foreign')",
                        command_="ip link set dev to-peer xdpdrv off")
        one = [one for one in said.all["interfaces"] if one["name"] == "to-peer"][0]
        check_equal((one["program_id"], one["program_name"], one["program_pid"]), (foreign, "foreign", None), "program")
        Said(lab, ("xdp-offload", None), ("xdp-interface", "to-peer")).find("stop", "to-peer", "left out")
        # The command does what it says.
        lab.server.run(*row["command"].split())
        check_equal(Said(lab, ("xdp-offload", None)).modes(), NATIVE, "modes afterwards")


@test("the program of a server that runs is not another's")
def own_program(lab):
    with Server(lab) as server:
        said = Said(lab, ("xdp-offload", None))
        check_equal(said.modes(), NATIVE, "modes")
        said.find("ok", "to-peer", "native mode is possible", f"turnserver (pid {server.pid})")


@test("options that keep every channel out, options that are wrong, and an offload that is off")
def options(lab):
    for given, level, words in (
            ((("no-udp", None),), "stop", ("no-udp is set",)),
            ((("no-udp-relay", "yes"),), "stop", ("no-udp-relay is set",)),
            ((("stun-only", None),), "stop", ("stun-only is set",)),
            ((("listening-device", "to-client"),), "stop", ("listening-device is set", "use listening-ip")),
            ((("relay-device", "to-peer"),), "stop", ("relay-device is set", "use relay-ip")),
            ((("xdp-mode", "fast"),), "stop", ("xdp-mode: 'fast' is not one of auto, native, generic",)),
            ((("xdp-max-channels", "0"),), "stop", ("xdp-max-channels: '0' is not",)),
            ((("no-udp", "off"),), "ok", ("no option keeps channels from it",))):
        Said(lab, ("xdp-offload", None), *given).find(level, "options", *words)
    said = Said(lab, ("xdp-mode", "native"))
    row = said.find("note", "options", "the offload is off", "xdp-mode has no effect")
    # The command turns it on.
    command(["sh", "-c", row["command"]])
    Said(lab, words=("-c", said.all["file"])).find("ok", "options", "the offload is on")
    Said(lab, ("xdp-required", None)).find("stop", "options", "xdp-required is set")
    Said(lab, ("xdp-offload", None), ("xdp-interface", "none0")).find("stop", "none0", "there is no such interface")
    said = Said(lab, ("xdp-offload", None), addresses=(("listening-ip", "203.0.113.9"), ("relay-ip", RELAY),
                                                       ("relay-ip", "203.0.113.9")))
    said.find("note", "interfaces", "203.0.113.9", "no interface")
    check_equal(said.modes(), {"to-peer": "native"}, "modes")
    # Without addresses it is all interfaces, as the server does.
    check_equal(Said(lab, ("xdp-offload", None), addresses=()).modes(), NATIVE, "modes")


@test("an interface that is down")
def down(lab):
    lab.server.ip("link", "set", "dev", "to-peer", "down")
    try:
        Said(lab, ("xdp-offload", None), ("xdp-interface", "to-peer")).find(
            "note", "to-peer", "the interface is down", command_="ip link set dev to-peer up")
    finally:
        lab.server.ip("link", "set", "dev", "to-peer", "up")


@test("more channels than there is memory for")
def memory(lab):
    with open("/proc/meminfo", encoding="ascii") as file:
        available = [int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable")][0]
    said = Said(lab, ("xdp-offload", None), ("xdp-max-channels", "1048576"))
    said.find("ok" if available > 1.7e9 else "stop" if available < 7e8 else "note", "memory", "1,048,576 channels")


@test("nobody: it says which capabilities are missing, and what it could not see")
def nobody(lab):
    program = lab.folder / "turnutils_xdp"
    shutil.copy(tool("turnutils_xdp"), program)
    said = Said(lab, ("xdp-offload", None), prefix=NOBODY, program=program)
    said.find("stop", "privileges", "lacks CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON")
    said.find("note", "kernel", "was not seen: run this as root")
    said.find("note", "server", "was not seen: run this as root")
    said.find("note", "ipsec", "was not seen: run this as root")
    said.find("note", "host", "was not seen: run this as root")
    check_equal(said.modes(), NATIVE, "modes, which everybody can see")
    # With the capabilities of the file of turnserver beside it, nothing stops it.
    if not shutil.which("setcap"):
        return
    server = lab.folder / "turnserver"
    server.write_bytes(b"#!/bin/true\n")
    server.chmod(0o755)
    command(["setcap", "cap_bpf,cap_net_admin,cap_perfmon=p", server])
    said = Said(lab, ("xdp-offload", None), prefix=NOBODY, program=program)
    said.find("ok", "privileges", "has the capabilities of its file")
    check_equal(said.status, OK, "exit status")


@test("root without a capability")
def root_without(lab):
    prefix = ("setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin")
    said = Said(lab, ("xdp-offload", None), prefix=prefix)
    said.find("stop", "privileges", "root lacks CAP_BPF here", "--cap-add=BPF")


PROG_LOAD, LINK_CREATE = "5", "28"  # commands of bpf(2)
AF_NETLINK = "16"


@test("kernels and sandboxes that lack a part: the row names it")
def lacking(lab):
    def without(what, error):
        return Said(lab, ("xdp-offload", None), prefix=(OLD_KERNEL, what, error))
    without(LINK_CREATE, "EINVAL").find("stop", "kernel", "has no BPF links for XDP")
    without(PROG_LOAD, "EINVAL").find("stop", "kernel", "has no XDP programs")
    without("none", "EPERM").find("stop", "kernel", "denies bpf(2) to a process with all capabilities")
    said = without(f"socket={AF_NETLINK}", "EAFNOSUPPORT")
    said.find("stop", "privileges", "no netlink socket")
    said.find("stop", "interfaces", "cannot be listed")


@test("a unit of systemd, as systemctl shows it")
def unit(lab):
    fake = lab.folder / "bin"
    fake.mkdir()
    shown = fake / "shown"
    program = fake / "systemctl"
    program.write_text(f'#!/bin/sh\nexec cat {shown}\n', encoding="ascii")
    program.chmod(0o755)
    prefix = ("env", f"PATH={fake}:{os.environ['PATH']}")
    lines = ["LoadState=loaded", "User=turnserver", "AmbientCapabilities=",
             "CapabilityBoundingSet=cap_bpf cap_net_admin cap_perfmon",
             "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "PrivateUsers=no", "MemoryMax=infinity"]
    shown.write_text("\n".join(lines), encoding="ascii")
    said = Said(lab, ("xdp-offload", None), prefix=prefix)
    said.find("stop", "privileges",
              "coturn.service starts turnserver as turnserver without CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
              command_="systemctl edit coturn.service")
    said.find("stop", "privileges", "RestrictAddressFamilies=AF_NETLINK", command_="systemctl edit coturn.service")
    check_equal(said.all["unit"], "coturn.service", "unit")
    lines[2] = "AmbientCapabilities=cap_net_admin cap_perfmon cap_bpf"
    lines[4] += " AF_NETLINK"
    lines[6] = "MemoryMax=1000000"
    shown.write_text("\n".join(lines), encoding="ascii")
    said = Said(lab, ("xdp-offload", None), prefix=prefix)
    said.find("ok", "privileges", "coturn.service starts turnserver as turnserver with all capabilities")
    said.find("stop", "memory", "1.0 MB that the server's control group may have")
    shown.write_text("LoadState=not-found\n", encoding="ascii")
    check_equal(Said(lab, ("xdp-offload", None), prefix=prefix).all["unit"], None, "unit")


@test("IPsec policies stop it")
def ipsec(lab):
    policy = ("src", "203.0.113.0/24", "dst", "203.0.113.0/24", "dir", "out")
    if lab.server.run("ip", "xfrm", "policy", "add", *policy, "tmpl", "proto", "esp", "mode", "tunnel",
                      check=False).returncode:
        skip("this kernel has no IPsec")
    try:
        Said(lab, ("xdp-offload", None)).find("stop", "ipsec", "IPsec policies")
    finally:
        lab.server.ip("xfrm", "policy", "delete", *policy)
    Said(lab, ("xdp-offload", None)).find("ok", "ipsec", "no IPsec policies")


@test("a firewall is named, and what it means")
def firewall(lab):
    Said(lab, ("xdp-offload", None)).find("ok", "host", "this host is free")
    if not shutil.which("nft"):
        skip("nft is not installed")
    if lab.server.run("nft", "add table ip6 guard", check=False).returncode:
        skip("this kernel has no nf_tables")
    try:
        lab.server.run("nft", "add chain ip6 guard input { type filter hook input priority 0; }")
        said = Said(lab, ("xdp-offload", None))
        said.find("note", "host", "nf_tables: table ip6 guard chain input")
        said.find("note", "host", "this host examines IPv6:")
        check_equal(said.status, OK, "exit status")
        with Server(lab) as server:
            Said(lab, words=("-p", server.pid)).find("note", "host", "table ip6 guard chain input")
    finally:
        lab.server.run("nft", "delete table ip6 guard")


@test("routing rules and queueing disciplines that relayed packets do not pass are named")
def passed_by(lab):
    rule = ("fwmark", "7", "table", "100")
    if lab.server.run("ip", "rule", "add", *rule, check=False).returncode:
        skip("this kernel has no routing rules with marks")
    try:
        said = Said(lab, ("xdp-offload", None))
        said.find("note", "host", "fwmark")
        said.find("ok", "host", "this host is free")
    finally:
        lab.server.ip("rule", "delete", *rule)
    if not shutil.which("tc") or lab.server.run("tc", "qdisc", "add", "dev", "to-peer", "root", "tbf", "rate", "1mbit",
                                                "burst", "32kbit", "latency", "50ms", check=False).returncode:
        skip("this kernel has no tbf")
    try:
        Said(lab, ("xdp-offload", None)).find("note", "host", "to-peer", "tbf")
    finally:
        lab.server.run("tc", "qdisc", "delete", "dev", "to-peer", "root")


@test("a server that runs: from another namespace, by its command line, and with its offload off")
def running_server(lab):
    # The tool runs outside of the server's namespace here.
    def outside(*words):
        done = command([tool("turnutils_xdp"), "check", "--json", *words], check=False)
        return json.loads(done.stdout)
    with Server(lab, offload=False, argv=("--xdp-offload", "--xdp-mode", "generic")) as server:
        modes_of(server)
        said = outside("-p", server.pid)
        check_equal({one["name"]: one["mode"] for one in said["interfaces"]}, GENERIC, "modes")
        check_equal({one["driver"] for one in said["interfaces"]}, {"veth"}, "drivers")
        check("xdp-mode generic" in said["rows"][0]["text"], said["rows"][0])
        check_equal((said["pid"], said["worst"]), (server.pid, "ok"), f"of {said}")
        check_equal(said["file"], str(server.folder / "turnserver.conf"), "file")
    with Server(lab, offload=False) as server:
        said = Said(lab, words=("-p", server.pid))
        said.find("note", "options", "the offload is off")
        check_equal((said.all["offload_runs"], said.status), (False, OK), "of a server without the offload")
    with Server(lab, prefix=("setpriv", "--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin")) as server:
        Said(lab, words=("-p", server.pid)).find("stop", "server", "is not on")
        pid = server.pid
    for other in (pid, os.getpid()):
        status, text = ask(lab, "-p", other)
        check_equal(status, NO_SERVER, f"exit status: {text}")
        check(f"process {other} is no turnserver, or has ended" in text, text)


@test("the command line: a file that is not there, and mistakes")
def usage(lab):
    said = Said(lab, words=("-c", lab.folder / "missing"))
    said.find("stop", "seen", "missing cannot be read: No such file or directory")
    for words in (("-c", "x", "-p", "1"), ("-c",), ("--once",)):
        check_equal(ask(lab, *words)[0], USAGE, f"exit status of {words}")
    check_equal(command([tool("turnutils_xdp"), "status", "-c", "x"], check=False).returncode, USAGE, "exit status")


def on_terminal(lab, columns, *words):
    """What is written to a terminal that is so wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    with lab.server.enter():
        process = subprocess.Popen([tool("turnutils_xdp"), "check", *map(str, words)], stdin=subprocess.DEVNULL,
                                   stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    with contextlib.suppress(OSError), open(master, "rb", buffering=0) as file:
        while part := file.read(65536):
            text += part
    process.wait(10)
    return text.decode().replace("\r\n", "\n")


def without_available(text):
    """What this host has available is another figure at each reading."""
    return re.sub(r"\S+ \S+ that this host has available", "that this host has available", text)


@test("text: each row is there, and no line is longer than the terminal")
def text_fits(lab):
    with feature(lab.peer, "eth0", "gro", "off"), foreign_program(lab, "to-client", "xdpgeneric"):
        path = configuration(lab, *ADDRESSES, ("xdp-offload", None), ("no-udp", None))
        said = Said(lab, words=("-c", path))
        for columns in (80, 200):
            text = on_terminal(lab, columns, "-c", path)
            longest = max(len(line) for line in text.splitlines())
            check(longest <= min(columns, 100), f"{longest} columns in:\n{text}")
            flat = without_available(" ".join(text.split()))
            for row in said.rows:
                check(f"{row['level']} {row['topic']} {without_available(row['text'])}" in flat, f"{row} is not in:\n{text}")
                check(not row["command"] or f"$ {row['command']}" in flat, f"{row} has no command in:\n{text}")
            check(flat.endswith("stop: the offload cannot start, or relays nothing"), text)


if __name__ == "__main__":
    run(Lab("direct"))
