#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The server relays in the kernel, on whichever kernel this is. What it must say
where it cannot do the best, as older kernels cannot.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

from carriers import RELEASE
from kernel import Verdicts
from lab import Lab
from server import Server
from talk import Talk, Talk6
from tap import check, check_equal, note, run, test, wait_until
from vlan_lab import take_redirects

PATIENCE = 20
TELLS = RELEASE >= (6, 3)


@test("native mode, where a veth is known, or said, to send what is relayed", seconds=120)
def native(lab):
    options = () if TELLS else (("xdp-mode", "native"),)
    for host in (lab.client, lab.peer):
        take_redirects(host, "eth0", lab.folder)
    with Server(lab, *options) as server:
        lines = server.log_lines("to-client: native mode")
        check(lines, f"not native:\n{server.log()}")
        check_equal("does not say" in lines[0], not TELLS, "a warning that nobody knows")
        for kind in (Talk, Talk6):
            with kind(lab) as talk:
                talk.wait_kernel(server, PATIENCE).check_kernel(server, 10)


@test("auto: generic mode where nobody knows", seconds=120)
def auto(lab):
    with Server(lab) as server:
        mode = "native" if TELLS else "generic"
        check(server.log_lines(f"to-client: {mode} mode"), f"not {mode}:\n{server.log()}")


@test("generic mode", seconds=120)
def generic(lab):
    with Server(lab, ("xdp-mode", "generic")) as server, Talk(lab, checksums=False) as talk:
        talk.wait_kernel(server, PATIENCE).check_kernel(server, 10)


@test("generic mode and checksums left to the device: relayed by coturn", seconds=120)
def partial(lab):
    with Server(lab, ("xdp-mode", "generic")) as server, Talk(lab) as talk:
        talk.warm(PATIENCE)

        def left_to_coturn():
            with Verdicts(server.offload) as verdicts:
                check(talk.to_peer() and talk.to_client(), "data did not arrive")
            check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (0, 0), "relayed")
            return verdicts["CHECKSUM"] == 2

        # Until its next hop is known, that is the reason.
        wait_until(left_to_coturn, PATIENCE, "for its checksum")


@test("jumbo frames", seconds=120)
def jumbo(_):
    with Lab("direct", ipv6=True) as lab:
        for host, names in ((lab.server, ("to-client", "to-peer")), (lab.client, ("eth0",)),
                            (lab.peer, ("eth0",))):
            for name in names:
                host.ip("link", "set", name, "mtu", "9000")
        mode = () if TELLS else (("xdp-mode", "native"),)
        with Server(lab, *mode) as server, Talk(lab) as talk:
            note(server.log_lines("xdp: to-client")[0])
            talk.warm(PATIENCE)
            for length in (100, 1400, 4000, 8900):
                check(talk.to_peer(bytes(length)), f"{length} bytes to the peer did not arrive")
                check(talk.to_client(bytes(length)), f"{length} bytes to the client did not arrive")


@test("what the server holds in the kernel is gone after it")
def ends(lab):
    with Server(lab) as server:
        check(server.offload.programs(), "no program")
    check_equal(server.xdp(), [], "interfaces with XDP")


if __name__ == "__main__":
    note(f"Linux {'.'.join(map(str, RELEASE))}")
    run(Lab("direct", ipv6=True))
