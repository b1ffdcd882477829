#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""max-bps in the kernel is max-bps as coturn enforces it: the same traffic gets
through, off or on, in each direction and beside what the session sends through
userspace; and no more than that."""

import collections
import contextlib
import json
import re
import time

import turn
from background import Background
from books import Books, close_books, empty, end_session, logged
from capture import Capture
from kernel import Verdicts
from lab import Lab
from netns import command
from server import Server, tool
from talk import Talk
from tap import check, check_equal, note, run, test, wait_until

LIMIT = 100000  # bytes per second
SIZE = 500      # of the data, unless said otherwise
SECONDS = 5.2
PAUSE = 0.15


class Pace(Background):
    """Calls send() `rate` times a second, from `with` to its end. `pause`: the
    longest time in which it could not, on a busy machine."""

    def __init__(self, rate, send):
        super().__init__(self._run)
        self._rate, self._send = rate, send
        self.pause = 0

    def _run(self):
        started, sent = time.monotonic(), 0
        last = started
        while not self._stop.is_set():
            now = time.monotonic()
            self.pause, last = max(self.pause, now - last), now
            for _ in range(int((now - started) * self._rate) - sent):
                with contextlib.suppress(OSError):
                    self._send()
                sent += 1
            time.sleep(0.002)


def bursts(packets, marks, header):
    """Bytes by the data's first byte, for each of the seconds of max-bps that were
    seen whole: what is over is dropped, which makes a pause."""
    found, last = [], 0
    for packet in packets:
        mark = packet.payload[4 * header:][:1]
        if mark not in marks:
            continue
        if packet.when - last > PAUSE:
            found.append(dict.fromkeys(marks, 0))
        found[-1][mark] += len(packet.payload)
        last = packet.when
    return found[1:-1]


@contextlib.contextmanager
def traffic(*paces):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Pace(rate, send)) for rate, send in paces]


def measure(lab, offload, **traffic_of):
    """See measure_once: again if the machine was too busy to send evenly."""
    for _ in range(4):
        pause, average, verdicts = measure_once(lab, offload, **traffic_of)
        if pause < PAUSE / 2:
            break
        note(f"nothing was sent for {pause:.2f} s: once more")
    return average, verdicts


def measure_once(lab, offload, *, rate, sends=0, back=0):
    """What gets through of `rate` ChannelData and `sends` Send indications a second
    from the client, and of `back` datagrams a second from the peer: bytes of their
    data in a second, with ChannelData's header at the client, on average; and the
    verdicts. First the longest pause of who sends."""
    with Server(lab, ("max-bps", LIMIT), offload=offload) as server, Talk(lab) as talk, \
            Capture(lab.peer) as at_peer, Capture(lab.client) as at_client:
        talk.warm()
        if offload:
            talk.wait_kernel(server)
        body = bytes(SIZE - 1)
        before = server.offload.verdicts() if offload else {}
        received = datagrams(lab.server)
        with traffic((rate, lambda: talk.client.send_channel(talk.number, b"c" + body)),
                     (sends, lambda: talk.client.send_data(talk.address, talk.port, b"s" + body)),
                     (back, lambda: talk.peer.sendto(b"b" + body, talk.client.relayed))) as paces:
            time.sleep(SECONDS)
        verdicts = {name: count - before[name] for name, count in
                    (server.offload.verdicts() if offload else {}).items()}
        verdicts["received"] = datagrams(lab.server) - received
        seconds = bursts(at_peer.udp(), (b"c", b"s"), False)
        average = {}
        for one in [seconds] + ([bursts(at_client.udp(), (b"b",), True)] if back else []):
            check(one, "no seconds to be seen")
            average |= {mark: sum(got[mark] for got in one) / len(one) for mark in one[0]}
            for got in one:
                check(sum(got.values()) <= LIMIT + SIZE, f"more than max-bps in a second: {got}")
        note(f"offload {'on' if offload else 'off'}: {average} bytes/s; "
             f"{ {name: count for name, count in verdicts.items() if count} }")
        return max(pace.pause for pace in paces), average, verdicts


def datagrams(host):
    """How many a host's sockets have received, or had no room for."""
    lines = [line.split() for line in host.run("cat", "/proc/net/snmp").stdout.splitlines()
             if line.startswith("Udp:")]
    counters = dict(zip(*lines))
    return int(counters["InDatagrams"]) + int(counters["InErrors"])


def check_same(on, off, mark, what, slack=0.03):
    check(abs(on[mark] - off[mark]) <= slack * off[mark] + SIZE,
          f"{what}: {on[mark]:.0f} bytes/s with the offload, {off[mark]:.0f} without")


@test("twice max-bps in both directions: as much gets through as without the offload")
def saturated(lab):
    rate = 2 * LIMIT // SIZE
    off, _ = measure(lab, False, rate=rate, back=rate)
    on, verdicts = measure(lab, True, rate=rate, back=rate)
    for mark, name in ((b"c", "to the peer"), (b"b", "to the client")):
        check_same(on, off, mark, name)
        check(on[mark] > 0.97 * LIMIT * SIZE / (SIZE + 4), f"{name}: less than there is room for")
    # All of it is the kernel's: what goes through, and what does not.
    check_equal((verdicts["NO_FLOW"], verdicts["received"]), (0, 0), "packets that went up")
    passed = SECONDS * LIMIT / SIZE
    for name in ("TO_PEER", "TO_CLIENT"):
        check(verdicts[name] > 0.8 * passed, f"{name}: {verdicts[name]}")
    check(verdicts["LIMITED"] > passed, f"LIMITED: {verdicts['LIMITED']}")


@test("Send indications of the session take from the same second, and get their part of it")
def shared(lab):
    rate = LIMIT // SIZE
    # Before a Send indication's data there are 36 bytes.
    def sum_of(got):
        return got[b"c"] * (SIZE + 4) / SIZE + got[b"s"] * (SIZE + 36) / SIZE
    off, _ = measure(lab, False, rate=rate, sends=rate // 2)
    on, verdicts = measure(lab, True, rate=rate, sends=rate // 2)
    check(sum_of(on) <= LIMIT + SIZE + 40, f"{sum_of(on):.0f} bytes/s together")
    check(abs(sum_of(on) - sum_of(off)) < 0.03 * LIMIT, f"{sum_of(on):.0f}, {sum_of(off):.0f} without")
    for mark, name in ((b"c", "ChannelData"), (b"s", "Send indications")):
        check_same(on, off, mark, name, 0.1)
    check(verdicts["TO_PEER"] and verdicts["NO_FLOW"], f"both ways: {verdicts}")


@test("what is within max-bps gets through whole, and a session over it disturbs no other")
def untouched(lab):
    with Server(lab, ("max-bps", LIMIT)) as server, Talk(lab) as over, Talk(lab) as within:
        over.wait_kernel(server)
        within.wait_kernel(server)
        time.sleep(1.1)
        with Capture(lab.peer) as at_peer, Capture(lab.client) as at_client, \
                Verdicts(server.offload) as verdicts:
            with traffic((4 * LIMIT // SIZE, lambda: over.client.send_channel(over.number, bytes(SIZE)))):
                for number in range(150):
                    within.client.send_channel(within.number, b"%04d" % number + bytes(SIZE))
                    within.peer.sendto(b"%04d" % number + bytes(SIZE), within.client.relayed)
                    time.sleep(0.01)
            packets = at_peer.udp(quiet=0.2)
            check_equal(sum(packet.dport == within.port for packet in packets), 150, "at the peer")
            check_equal(sum(packet.dport == within.client.port for packet in at_client.udp()), 150,
                        "at the client")
            check(sum(packet.dport == over.port for packet in packets) < 3 * LIMIT / SIZE, "not limited")
        check(verdicts["LIMITED"] > LIMIT / SIZE, verdicts.changed())


@test("each of many sessions has a limit of its own, in the kernel and for what it sends through userspace")
def own_limits(lab):
    rate = 6 * LIMIT // (10 * SIZE)
    with Server(lab, ("max-bps", LIMIT)) as server, contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(lab)) for _ in range(5)]
        for talk in talks:
            talk.wait_kernel(server)
        time.sleep(1.1)
        # The first has spent its second in userspace, the last in the kernel; those between are within it.
        greedy, *modest, over = talks
        at_peer, at_client = (stack.enter_context(Capture(host)) for host in (lab.peer, lab.client))
        sends = [(2 * LIMIT // SIZE, lambda: greedy.client.send_data(greedy.address, greedy.port, bytes(SIZE))),
                 (3 * LIMIT // SIZE, lambda: over.client.send_channel(over.number, bytes(SIZE))),
                 (rate, lambda: greedy.client.send_channel(greedy.number, bytes(SIZE + 1)))]
        counts = {}
        for talk in modest:
            sends += [(rate, _counted(counts, talk.port, talk.client.send_channel, talk.number, bytes(SIZE))),
                      (rate, _counted(counts, talk.client.port, talk.peer.sendto, bytes(SIZE),
                                      talk.client.relayed))]
        for _ in range(4):
            with Verdicts(server.offload) as verdicts, traffic(*sends) as paces:
                time.sleep(3)
            arrived = collections.Counter(packet.dport for capture in (at_peer, at_client)
                                          for packet in capture.udp(quiet=0.2))
            pause = max(pace.pause for pace in paces)
            # What was not sent meanwhile comes at once.
            if pause < 0.3:
                break
            note(f"nothing was sent for {pause:.2f} s: once more")
            counts.clear()
        note(f"{verdicts.changed()}; of {rate} a second: {counts}, arrived {dict(arrived)}")
        for port, count in counts.items():
            check_equal(arrived[port], count, f"to port {port}, of a session that is within its limit")
        # Four seconds can have begun.
        for talk in (greedy, over):
            check(arrived[talk.port] * SIZE <= 4 * LIMIT + SIZE, f"{arrived[talk.port]} packets of a session")
        check(verdicts["LIMITED"] > 3 * LIMIT / SIZE, "too few are refused")


def _counted(counts, port, send, *words):
    """send(*words), and one more in counts[port]."""
    def counted():
        send(*words)
        counts[port] = counts.get(port, 0) + 1
    return counted


@test("channels of one session have one limit, for both families of peers; each of its relays has one for "
      "what it receives")
def channels(lab):
    del lab
    with Lab("direct", ipv6=True) as both:
        off, on = (of_families(both, offload) for offload in (False, True))
    for name, wanted in off.items():
        check(abs(on[name] - wanted) < 0.1 * wanted, f"{name}: {on[name]:.0f} bytes/s, {wanted:.0f} without")
    for name in ("at the peers", "at the client"):
        check(on[name] < 1.25 * LIMIT, f"{name}: {on[name]:.0f} bytes/s")
    # All of what either relay received is within its limit, though there is no room for both on the way out.
    check(on["received of peers"] > 1.5 * LIMIT, f"{on['received of peers']:.0f} bytes/s received")


def of_families(lab, offload):
    """Bytes of data in a second, of as much on each of two channels as there is room for."""
    with Server(lab, ("max-bps", LIMIT), offload=offload) as server, turn.Client(lab.client) as client, \
            contextlib.ExitStack() as stack:
        client.allocate(dual=True)
        sends = []
        for number, address in ((0x4001, lab.peer_address), (0x4002, lab.peer_address6)):
            peer = stack.enter_context(lab.peer.socket(address, 5000))
            client.bind(number, address, 5000)
            peer.settimeout(0.1)
            with Verdicts(server.offload) if offload else contextlib.nullcontext() as verdicts:
                wait_until(lambda: _tried(client, number, peer) and (not offload or verdicts["TO_PEER"]), 5,
                           f"relayed to {address}")
            to = client.relayed_for(address)
            sends += [(LIMIT // SIZE, _sends(client, number)),
                      (0.9 * LIMIT / SIZE, lambda peer=peer, to=to: peer.sendto(bytes(SIZE), to))]
        time.sleep(1.1)
        session = re.search(r"session (\d+)", server.log_lines(r"session \d+: new, ")[0]).group(1)
        with Capture(lab.peer) as at_peer, Capture(lab.client) as at_client:
            with traffic(*sends):
                time.sleep(SECONDS)
            found = {"at the peers": sum(len(one.payload) == SIZE for one in at_peer.udp(quiet=0.2)),
                     "at the client": sum(len(one.payload) == SIZE + 4 for one in at_client.udp(quiet=0.2))}
        end_session(server, client, session)
        found["received of peers"] = logged(server, session)[1]["rp"]
        found = {name: count * SIZE / SECONDS for name, count in found.items()}
        note(f"offload {'on' if offload else 'off'}: {found}")
        return found


@test("a client whose peers are other clients of the server has its own limit, beside theirs")
def hairpin(lab):
    totals = []
    for offload in (False, True):
        with Server(lab, ("max-bps", LIMIT), offload=offload) as server, contextlib.ExitStack() as stack:
            sender, *others = [stack.enter_context(turn.Client(lab.client)).allocate() for _ in range(3)]
            for number, other in zip((0x4001, 0x4002), others):
                sender.bind(number, *other.relayed)
                other.bind(number, *sender.relayed)
                with Verdicts(server.offload) if offload else contextlib.nullcontext() as verdicts:
                    wait_until(lambda: _heard(sender, number, other) and
                               (not offload or verdicts["TO_OTHER_CLIENT"]), 5, "data of the other client")
            time.sleep(1.1)
            ports = {other.port for other in others}
            # As much for each of them as either may have: together twice what the sender may send.
            with Capture(lab.client) as at_client, traffic(
                    *((LIMIT // SIZE, _sends(sender, number)) for number in (0x4001, 0x4002))):
                time.sleep(SECONDS)
                arrived = sum(len(packet.payload) for packet in at_client.udp() if packet.dport in ports)
            note(f"offload {'on' if offload else 'off'}: {arrived / SECONDS:.0f} bytes/s")
            totals.append(arrived / SECONDS)
    for total in totals:
        check(0.8 * LIMIT < total < 1.3 * LIMIT, f"{total:.0f} bytes/s of {LIMIT}")


def _sends(client, number):
    return lambda: client.send_channel(number, bytes(SIZE))


def _heard(sender, number, other):
    sender.send_channel(number, b"try")
    return other.receive_channel(0.1) == (number, b"try")


def _tried(client, number, peer):
    client.send_channel(number, b"try")
    try:
        return peer.recv(100)
    except TimeoutError:
        return None


@test("the books of a limited session are coturn's: what is refused on the way in counts nowhere, "
      "what is refused on the way out is received")
def books(lab):
    # Small, so that the 4 bytes of ChannelData's header are several packets a second.
    size = 200
    reports = []
    for offload in (False, True):
        with Server(lab, ("max-bps", LIMIT), offload=offload) as server, Books(lab) as captured, \
                Talk(lab) as talk:
            if offload:
                talk.wait_kernel(server)
            rate = 2 * LIMIT // size
            with traffic((rate, lambda: talk.client.send_channel(talk.number, bytes(size))),
                         (rate, lambda: talk.peer.sendto(bytes(size), talk.client.relayed))):
                time.sleep(2.5)
            time.sleep(1.5)
            (client_side, peer_side), reported = close_books(server, captured, talk)
            # What came out is what was sent.
            for name in ("sp", "sb"):
                check_equal(reported[0][name], client_side[name], f"to the client, {name}")
                check_equal(reported[1][name], peer_side[name], f"to the peer, {name}")
            check(reported[0]["rp"] < 0.8 * client_side["rp"], "refused packets of the client count")
            check(reported[1]["rp"] < 0.8 * peer_side["rp"], "refused packets of peers count")
            reports.append(reported)
    # A peer's packet that does not fit any more on the way out still counts as received.
    for reported in reports:
        check(reported[1]["rp"] > reported[0]["sp"], f"received from peers: {reported}")


@test("what a session has spent before its channel is bound, counts")
def spent_before(lab):
    with Server(lab, ("max-bps", LIMIT)) as server:
        # A new second may begin in between, but hardly every time.
        for _ in range(3):
            with turn.Client(lab.client) as client, contextlib.closing(
                    lab.peer.socket(lab.peer_address, 0)) as peer, Capture(lab.peer) as at_peer:
                port = peer.getsockname()[1]
                client.allocate()
                client.permit(lab.peer_address)
                for _ in range(LIMIT // SIZE):
                    client.send_data(lab.peer_address, port, bytes(SIZE))
                client.bind(0x4001, lab.peer_address, port)
                check_equal(len(server.offload.flows()), 2, "flows")
                for _ in range(LIMIT // SIZE):
                    client.send_channel(0x4001, bytes(SIZE))
                packets = [one for one in at_peer.udp(quiet=0.2) if len(one.payload) == SIZE]
                client.refresh(0)
                wait_until(lambda: not server.offload.flows(), 3, "flows removed")
                if len(packets) * SIZE <= LIMIT:
                    break
        check(len(packets) * SIZE <= LIMIT, f"{len(packets)} packets in a second")
        check(len(packets) * SIZE > 0.9 * LIMIT, f"{len(packets)} packets only")


def check_limited(server, *talks):
    """Each session's max-bps holds in the kernel, and a new second begins for each."""
    for talk in talks:
        with Verdicts(server.offload) as verdicts:
            for _ in range(2 * LIMIT // SIZE):
                talk.peer.sendto(bytes(SIZE), talk.client.relayed)
            wait_until(lambda verdicts=verdicts: verdicts["LIMITED"], 3, "limited")
        empty(talk.client.way.socket)
    for talk in talks:
        # What was spent too much is taken off one second at most.
        wait_until(lambda talk=talk: talk.in_kernel(server), 4, "a new second")


def bind_in_vain(client, address, number):
    """A channel for which the tables have no room: coturn binds it, and it costs no room."""
    for tried in range(3):
        client.bind(number + tried, address, 6000 + number + tried)


@test("binds that found no room keep nothing of the limits, neither of their own session nor of others")
def no_room(lab):
    # There are as many limits as channels: one that is lost is missed.
    with Server(lab, ("max-bps", LIMIT), ("xdp-max-channels", 2)) as server:
        with Talk(lab) as full, Talk(lab, 0x4002, client=full.client) as second, \
                turn.Client(lab.client) as other:
            for talk in (full, second):
                talk.wait_kernel(server)
            other.allocate()
            # One that has a limit already, and one that is to get its first one.
            bind_in_vain(full.client, lab.peer_address, 0x4100)
            bind_in_vain(other, lab.peer_address, 0x4200)
            check_equal(len(server.offload.flows()), 4, "flows")
            check_limited(server, full)
            for client in (full.client, other):
                client.refresh(0)
            wait_until(lambda: not server.offload.flows(), 4, "flows removed")
        # Each of them has a limit of its own.
        with Talk(lab) as one, Talk(lab) as another:
            for talk in (one, another):
                talk.wait_kernel(server)
            check_limited(server, one, another)
            shown = json.loads(command([tool("turnutils_xdp"), "channels", "--json", "--pid", server.pid,
                                        "--interval", 0]).stdout)["channels"]
            check_equal([channel["limit_bytes_per_second"] for channel in shown], [LIMIT] * 2, "limits")



@test("requests of a limited session are answered for longer than a second: they have a limit of their own")
def requests(lab):
    # A request and its response are less than 300 bytes, and the second of them has room for several.
    with Server(lab, ("max-bps", 1500)) as server, Talk(lab) as talk:
        check_equal(len(server.offload.flows()), 2, "flows")
        for number in range(18):
            started = time.monotonic()
            talk.client.refresh(600)
            # Sent again, it would be late.
            check(time.monotonic() - started < 0.5, f"request {number} was not answered at once")
            time.sleep(0.25)


@test("sessions end in any order: those that are left have their seconds, and are counted")
def any_order(lab):
    # Freed memory is overwritten, so that whoever follows a pointer into it is seen to.
    with Server(lab, ("max-bps", LIMIT), ("relay-threads", 1),
                prefix=("env", "MALLOC_PERTURB_=165")) as server, \
            contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(lab)) for _ in range(4)]
        for talk in talks:
            talk.wait_kernel(server)
        # One between others, the last, the first.
        for index in (1, 3, 0):
            talks[index].client.refresh(0)
            talks[index] = None
            left = [talk for talk in talks if talk]
            wait_until(lambda count=2 * len(left): len(server.offload.flows()) == count, 4, "flows removed")
            check_limited(server, *left)
            check_told(server, left)


def check_told(server, talks):
    """What the kernel relays of channels is counted in its time."""
    def bytes_of():
        words = tool("turnutils_xdp"), "status", "--json", "--pid", server.pid, "--interval", 0
        return json.loads(command(words).stdout)["bytes"]["sent"]

    # What the kernel has relayed before is added within a second.
    time.sleep(1.1)
    before = bytes_of()
    with Verdicts(server.offload) as verdicts:
        for talk in talks:
            check(talk.to_client(bytes(300)), "data did not arrive")
    check_equal(verdicts["TO_CLIENT"], len(talks), "packets through the kernel")
    wait_until(lambda: bytes_of() >= before + 304 * len(talks), 3, "the sessions' bytes are counted")


if __name__ == "__main__":
    run(Lab("direct"))
