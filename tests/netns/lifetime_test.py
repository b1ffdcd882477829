#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel relays a channel as long as it lives, and not longer: expiry,
refresh, deletion, and a server that dies or hangs."""

import signal
import socket
import threading
import time
from pathlib import Path

import turn
from books import session_of
from capture import Capture
from cli import Cli
from kernel import Verdicts, map_exists, program_exists
from lab import Lab
from netns import command
from server import Server, attached
from talk import Chatter, Talk
from tap import check, check_equal, note, run, test, wait_until

MOBILE = turn.attribute(turn.MOBILITY_TICKET, b"")
LIFETIME = 4
# coturn's timers have a resolution of a second.
SLACK = 1.6


def last_arrival(capture, since, wanted=b"chatter"):
    """Seconds from `since` to the last packet with such data."""
    times = [packet.when for packet in capture.udp() if packet.payload
             and wanted in packet.payload]
    return max(times) - since if times else 0.0


@test("an expired channel is not relayed any longer, in either direction")
def expiry(lab):
    # The channel sets the permission's lifetime too.
    with Server(lab, ("channel-lifetime", LIFETIME), ("permission-lifetime", LIFETIME)) as server:
        with Talk(lab) as talk, Capture(lab.client) as at_client, Capture(lab.peer) as at_peer:
            talk.wait_kernel(server)
            talk.bind()
            bound = time.time()
            with Chatter(talk):
                wait_until(lambda: not server.offload.flows(), LIFETIME + SLACK, "flows removed")
                time.sleep(1)
            for capture, name in ((at_client, "client"), (at_peer, "peer")):
                last = last_arrival(capture, bound)
                note(f"last packet at the {name} {last:.2f} s after the binding")
                check(LIFETIME - 1.1 <= last <= LIFETIME + SLACK, f"at the {name}: {last}")


def slow_close(lab):
    """A prefix that makes the server wait for a second after it has closed a relay's socket."""
    made = lab.folder / "slow_close.so"
    if not made.exists():
        command(["cc", "-shared", "-fPIC", "-O1", "-o", made, Path(__file__).with_name("slow_close.c"), "-ldl"])
    return ("env", f"LD_PRELOAD={made}")


def is_open(lab, port):
    """Whether a UDP socket of the server has this port."""
    return f":{port:04X} " in lab.server.run("cat", "/proc/net/udp").stdout


@test("flows end before the relay's socket is closed, whose port others may have next")
def before_close(lab):
    def end_of_family(client):
        client.refresh(0, 4)

    def end_of_session(client):
        client.refresh(0)

    def cancel(client):
        with Cli(both, "secret") as cli:
            cli.ask(f"cs {session_of(server, client.relayed)}")

    with Lab("direct", ipv6=True) as both, Server(both, ("mobility", None), ("cli-password", "secret"),
                                                  prefix=slow_close(lab)) as server:
        for end, words in ((cancel, {}), (end_of_session, {}), (end_of_session, {"more": MOBILE}),
                           (end_of_family, {"dual": True})):
            with turn.Client(both.client) as client:
                client.allocate(**words)
                client.bind(0x4001, both.peer_address, 5000)
                check_equal(len(server.offload.flows()), 2, "flows")
                port = client.relayed[1]
                check(is_open(both, port), "no socket of the relay")
                end_it = threading.Thread(target=end, args=(client,))
                end_it.start()
                wait_until(lambda port=port: not is_open(both, port), 5, "the relay's socket is closed")
                check_equal(server.offload.flows(), [], f"flows of a closed relay, {words}")
                end_it.join()


@test("a channel that is bound again lives on in the kernel")
def refreshed(lab):
    with Server(lab, ("channel-lifetime", LIFETIME)) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        end = time.monotonic() + 2 * LIFETIME
        while time.monotonic() < end:
            talk.bind()
            check_equal(len(server.offload.flows()), 2, "flows")
            talk.check_kernel(server, 5)
            time.sleep(LIFETIME / 2)


@test("a channel that expired and is bound again is in the kernel again")
def bound_again(lab):
    with Server(lab, ("channel-lifetime", 2)) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        wait_until(lambda: not server.offload.flows(), 2 + SLACK, "flows removed")
        check(not talk.to_peer(seconds=0.3), "relayed after the expiry")
        talk.bind()
        check_equal(len(server.offload.flows()), 2, "flows before the response")
        # The next hop is looked up by another thread, in its own time.
        talk.wait_kernel(server, 1).check_kernel(server)


@test("a permission that expires first ends the channel")
def shortened(lab):
    with Server(lab, ("channel-lifetime", 60), ("permission-lifetime", 3)) as server, \
            Talk(lab) as talk, Capture(lab.peer) as at_peer:
        talk.wait_kernel(server)
        talk.client.permit(talk.address)
        permitted = time.time()
        with Chatter(talk):
            wait_until(lambda: not server.offload.flows(), 3 + SLACK, "flows removed")
            time.sleep(0.5)
        last = last_arrival(at_peer, permitted)
        check(1.9 <= last <= 3 + SLACK, f"last packet {last:.2f} s after the permission")


@test("Refresh with lifetime 0 removes all channels of the allocation, only of it")
def deleted(lab):
    with Server(lab) as server, Talk(lab) as kept, Talk(lab) as talk, \
            Talk(lab, 0x4002, client=talk.client):
        kept.wait_kernel(server)
        talk.wait_kernel(server)
        check_equal(len(server.offload.flows()), 6, "flows")
        with Chatter(talk):
            talk.client.refresh(0)
            wait_until(lambda: len(server.offload.flows()) == 2, 1 + SLACK, "flows removed")
            check(not talk.to_peer(seconds=0.3), "relayed after the end")
        kept.check_kernel(server)


@test("an allocation that expires takes its channels with it")
def allocation_expiry(lab):
    with Server(lab, ("max-allocate-lifetime", LIFETIME)) as server, Talk(lab) as talk:
        talk.wait_kernel(server, 2)
        wait_until(lambda: not server.offload.flows(), LIFETIME + 2 * SLACK, "flows removed")
        check(not talk.to_peer(seconds=0.3), "relayed after the end")


@test("the tables do not leak: many sessions, one after the other")
def churn(lab):
    with Server(lab, ("xdp-max-channels", 4)) as server:
        for number in range(12):
            with Talk(lab, 0x4000 + number) as talk:
                check_equal(len(server.offload.flows()), 2, f"flows of session {number}")
                if number % 4 == 0:
                    talk.wait_kernel(server)
                talk.client.refresh(0)
                wait_until(lambda: not server.offload.flows(), 1 + SLACK, "flows removed")
        check(not server.log_lines("full"), server.log())


@test("a client that comes back from the same port gets none of its old channels")
def same_port(lab):
    local = ("192.0.2.2", 40123)
    with Server(lab) as server:
        with Talk(lab, local=local, port=5000) as talk:
            talk.wait_kernel(server)
            old = talk.client.relayed
            talk.client.refresh(0)
            wait_until(lambda: not server.offload.flows(), 1 + SLACK, "flows removed")
            server.wait_log("session .*: delete: ")
        with turn.Client(lab.client, local=local) as client:
            client.allocate()
            client.send_channel(0x4001, b"old channel")
            peer = lab.peer.socket(talk.address, 5000)
            peer.settimeout(0.3)
            try:
                check(not peer.recvfrom(100), "relayed on a channel that is not bound")
            except TimeoutError:
                pass
            if old != client.relayed:
                peer.sendto(b"to the old address", old)
                check(client.receive(0.3) is None, "data of the old relayed address")
            peer.close()


@test("a relay port that another allocation has at once: nothing of the old one is left")
def same_relay_port(lab):
    with Server(lab, ("min-port", 50000), ("max-port", 50000)) as server, \
            Talk(lab, port=5000) as talk, turn.Client(lab.client) as client:
        talk.wait_kernel(server)
        with Chatter(talk):
            talk.client.refresh(0)
            server.wait_log("session .*: delete: ")
            client.allocate()
            check_equal(client.relayed, talk.client.relayed, "relayed address")
            check_equal(server.offload.flows(), [], "flows")
            check(client.receive(0.3) is None, "data of a peer that has no permission here")
        # The same peer and number, of which the old client knows as well.
        with Talk(lab, client=client, address=talk.address, port=5001) as other:
            other.wait_kernel(server)
            with Chatter(talk):
                other.check_kernel(server)
                check(not talk.to_client(seconds=0.3), "data of the old channel to its client")
            check(not talk.to_peer(seconds=0.3), "data of the old channel to its peer")
            client.bind(0x4002, talk.address, 5000)
            talk.peer.sendto(b"to the new one", client.relayed)
            wait_until(lambda: client.receive_channel(0.2) == (0x4002, b"to the new one"), 2,
                       "data of the old peer to the new client")
            other.check_kernel(server)


@test("killed in mid-traffic: the program is detached, nothing stays in the kernel, and traffic ends")
def killed(lab):
    with Server(lab) as server, Talk(lab) as talk, Capture(lab.client) as at_client, \
            Capture(lab.peer) as at_peer:
        talk.wait_kernel(server)
        maps, programs = server.offload.map_ids(), server.offload.programs()
        check(maps and programs, "no maps or programs to begin with")
        server.offload.close()
        with Chatter(talk):
            time.sleep(0.3)
            server.kill()
            killed_at = time.time()
            wait_until(lambda: not attached(lab.server), 3, "the program detached")
            wait_until(lambda: not any(map(map_exists, maps)) and not any(map(program_exists, programs)), 3,
                       "the flows and all other maps gone, and the program")
            time.sleep(0.7)
        # The server's host echoes a part of the data in its ICMP errors.
        for capture, name in ((at_client, "client"), (at_peer, "peer")):
            last = last_arrival(capture, killed_at)
            check(-0.2 < last < 0.3, f"last packet at the {name} {last:.2f} s after the end")


@test("a server that hangs: the kernel stops within its deadline, then resumes")
def hung(lab):
    with Server(lab) as server, Talk(lab) as talk, Capture(lab.peer) as at_peer:
        talk.wait_kernel(server)
        with Chatter(talk):
            server.signal(signal.SIGSTOP)
            stopped = time.time()
            with Verdicts(server.offload) as verdicts:
                wait_until(lambda: verdicts["SERVER_SILENT"], 7, "packets not relayed")
                time.sleep(0.5)
            with Verdicts(server.offload) as verdicts:
                time.sleep(0.5)
            check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (0, 0), "relayed since")
            last = last_arrival(at_peer, stopped)
            note(f"the kernel relayed for {last:.2f} s after the server stopped")
            # 5 seconds after the last report of the relay thread or of the monitor thread, whichever was earlier.
            check(2.5 <= last <= 5.5, f"the last packet came {last:.2f} s after the stop")
            server.signal(signal.SIGCONT)
        wait_until(lambda: talk.in_kernel(server), 4, "relayed by the kernel again")
        talk.check_kernel(server)


@test("a session that the operator cancels is removed from the kernel")
def cancelled(lab):
    with Server(lab, ("cli-password", "secret")) as server, Talk(lab) as talk:
        talk.wait_kernel(server)
        number = server.log_lines("CHANNEL_BIND processed, success")[-1].split("session ")[1][:18]
        with lab.server.socket("127.0.0.1", 0, socket.SOCK_STREAM) as line:
            line.connect(("127.0.0.1", 5766))
            time.sleep(0.3)
            line.sendall(b"secret\r\n")
            time.sleep(0.3)
            line.sendall(b"cs " + number.encode() + b"\r\n")
            wait_until(lambda: not server.offload.flows(), 4, "flows removed")


if __name__ == "__main__":
    run(Lab("direct"))
