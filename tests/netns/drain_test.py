#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""A server that drains (SIGUSR1, since coturn 4.17) refuses new allocations, and
what lives goes on, in the kernel: until it ends in one of the usual ways, with the
last of which the server ends as well."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import turn
from books import exchange, logged, session_of
from capture import Capture
from cli import Cli
from kernel import Offload
from lab import Lab
from server import BINARY, Server, attached, version
from talk import Chatter, Talk
from tap import check, check_equal, note, run, skip, test, wait_until

# coturn looks every 5 seconds whether it has drained, and ends its threads.
END = 15
SCRIPT = Path(__file__).resolve().parents[2] / "docker" / "bin" / "turnserver-drain"


def draining(lab, *options, **more):
    """A server that can drain."""
    if version() < (4, 17):
        skip("this coturn does not drain")
    return Server(lab, *options, **more)


def drain(server):
    server.signal(signal.SIGUSR1)
    server.wait_log("Draining then terminating")


def refusal(lab):
    """The code with which a new allocation is refused, or None."""
    with turn.Client(lab.client) as client:
        try:
            client.allocate()
        except turn.TurnError as error:
            return error.code
    return None


def ends(server, seconds=END):
    """It ends, as it should, and takes the program with it."""
    check_equal(server.wait_end(seconds), 0, "exit status")
    wait_until(lambda: not attached(server.lab.server), 2, "the program detached")
    check(server.log_lines("Drain complete"), "nothing of the end in the log")


@test("what lives goes on in the kernel, and can have new channels; new allocations are refused")
def goes_on(lab):
    with draining(lab) as server, Talk(lab) as talk, Talk(lab) as other:
        talk.wait_kernel(server)
        other.wait_kernel(server)
        with Chatter(other):
            drain(server)
            check_equal(refusal(lab), 403, "answer to a new allocation")
        # Longer than coturn takes to look whether it may end.
        for _ in range(4):
            talk.check_kernel(server)
            time.sleep(1.5)
        talk.bind()
        talk.client.permit(talk.address)
        talk.client.refresh(600)
        check_equal(len(server.offload.flows()), 4, "flows after refreshes")
        with Talk(lab, 0x4002, client=talk.client) as second:
            second.wait_kernel(server).check_kernel(server)
            talk.check_kernel(server)
        check_equal(refusal(lab), 403, "answer to a new allocation")
        for one, left in ((talk, 2), (other, 0)):
            one.client.refresh(0)
            wait_until(lambda left=left: len(server.offload.flows()) == left, 2, "flows removed")
            check(not one.to_peer(seconds=0.3), "relayed after the end")
        ends(server)


@test("the books of a session that ends while the server drains have all of it")
def books(lab):
    reports = []
    for offload in (False, True):
        with draining(lab, offload=offload) as server, Talk(lab) as talk:
            talk.wait_kernel(server) if offload else talk.warm()
            session = session_of(server, talk.client.relayed)
            drain(server)
            exchange(talk, 300, size=lambda _: 100)
            talk.client.refresh(0)
            server.wait_log(rf"session {session}: (closed|delete)", 5)
            reports.append(logged(server, session))
            ends(server)
    note(f"off {reports[0]}, on {reports[1]}")
    for off, on in zip(*reports):
        check(off["rp"] >= 300 and abs(on["rp"] - off["rp"]) <= 20, f"received: {on}, {off} without the offload")


@test("an allocation that expires while the server drains takes its channels with it, and then the server")
def expires(lab):
    allocated = time.time()
    with draining(lab, ("max-allocate-lifetime", 6)) as server, Capture(lab.peer) as at_peer, Talk(lab) as talk:
        talk.wait_kernel(server, 3)
        drain(server)
        with Chatter(talk):
            wait_until(lambda: not server.offload.flows(), 6 + 2, "flows removed")
            removed = time.time()
            time.sleep(0.5)
        times = [packet.when for packet in at_peer.udp() if packet.payload == b"chatter"]
        note(f"flows were removed {removed - allocated:.2f} s after the start, the last packet "
             f"{removed - max(times):.2f} s before")
        check(removed - max(times) > -0.2, "relayed after the end")
        ends(server)


@test("a channel, and a permission, that expire while the server drains")
def channel_expires(lab):
    with draining(lab, ("channel-lifetime", 3), ("permission-lifetime", 60)) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        talk.bind()
        drain(server)
        wait_until(lambda: not server.offload.flows(), 3 + 2, "flows of the channel removed")
        check(not talk.to_peer(seconds=0.3), "relayed after the channel's end")
        talk.bind()
        talk.wait_kernel(server).check_kernel(server, 5)
        talk.client.refresh(0)
        ends(server)


@test("with drain-min-allocations it ends while one lives: nothing of that is relayed any more")
def ends_before(lab):
    with draining(lab, ("drain-min-allocations", 1)) as server, contextlib.ExitStack() as stack:
        kept = stack.enter_context(Talk(lab))
        other = stack.enter_context(Talk(lab))
        kept.wait_kernel(server)
        other.wait_kernel(server)
        drain(server)
        time.sleep(6)
        kept.check_kernel(server)
        at_peer = stack.enter_context(Capture(lab.peer))
        with Chatter(kept):
            other.client.refresh(0)
            ends(server)
            ended = time.time()
            time.sleep(2)
        times = [packet.when for packet in at_peer.udp() if packet.payload == b"chatter"]
        check(times and max(times) < ended + 0.2, "relayed after the end of the server")


@test("the CLI's drain is the same")
def by_cli(lab):
    with draining(lab, ("cli-password", "secret")) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        with Cli(lab, "secret") as cli:
            # It is answered by the end of the connection.
            cli.say("drain")
            server.wait_log("Drain command received")
            time.sleep(0.3)
        check_equal(refusal(lab), 403, "answer to a new allocation")
        talk.check_kernel(server)
        talk.client.refresh(0)
        ends(server)


@test("turnserver-drain of the container drains it, and ends with it")
def by_script(lab):
    # In a PID namespace of its own, as in a container: the script looks for servers in /proc.
    with draining(lab, prefix=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")) as server, Talk(lab) as talk:
        inner = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split()[0]
        server.offload = Offload(int(inner))
        talk.wait_kernel(server)
        with subprocess.Popen(["nsenter", "--target", inner, "--pid", "--mount", "env",
                               f"PATH={BINARY.parent}:/usr/bin:/bin", SCRIPT]) as script:
            server.wait_log("Draining then terminating")
            check_equal(refusal(lab), 403, "answer to a new allocation")
            talk.check_kernel(server)
            check_equal(script.poll(), None, "status of the script while a session lives")
            talk.client.refresh(0)
            # With process 1, which is the server, the kernel ends all others of the namespace.
            check(script.wait(END) in (0, -signal.SIGKILL), f"status of the script: {script.returncode}")
        ends(server)


if __name__ == "__main__":
    run(Lab("direct"))
