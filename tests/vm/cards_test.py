#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Real drivers, of the cards that qemu emulates: which mode is chosen, whether data arrive
whole, and what happens when the interface changes under traffic. For a guest with two pairs
of each card:
tests/vm/run.sh --kernel 6.12 --pair vmxnet3 --pair vmxnet3 -- tests/vm/cards_test.py
"""

import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

from card_lab import CardLab, PatientServer
from cards import pairs
from carriers import RELEASE
from kernel import Verdicts
from outcome import said
from server import Server, attached
from sizes import lost, pattern, wait_sizes
from talk import Chatter, Talk
from tap import check, check_equal, note, run, skip, test, wait_until

PATIENCE = 30
NATIVE, GENERIC = "native", "generic"

# What auto chooses for each card.
EXPECTED = {
    "virtio-net-pci": NATIVE,
    "virtio-net-pci,queues=2": NATIVE,
    # Its driver cannot switch off merged receiving, and so refuses the program in native mode. The
    # kernel complains of it in generic mode, and carries the program.
    "virtio-net-pci,ctrl_guest_offloads=off": GENERIC,
    # The driver has XDP from Linux 6.6 on, but runs no program any more after the card was down and up.
    "vmxnet3": GENERIC,
    # These drivers have no XDP.
    "e1000": GENERIC,
    "e1000e": GENERIC,
}
CARDS = list(dict.fromkeys(pairs())) or list(EXPECTED)


def can_be_native(card):
    """Whether xdp-mode=native finds a driver that takes the program."""
    return EXPECTED[card] == NATIVE or (card == "vmxnet3" and RELEASE >= (6, 12))


def card_test(name, seconds=240):
    """Marks a function of a card as a test for each of them."""
    def register(function):
        for card in CARDS:
            test(f"{card}: {name}", seconds)(lambda card=card: function(card))
        return function
    return register


def modes(server):
    """The modes that the server's last lines say, by interface."""
    found = {}
    for line in said(server, " mode, mtu "):
        words = line[line.index("xdp: ") + 5:].split()
        found[words[0].rstrip(":")] = words[1]
    note("\n".join(line.strip() for line in said(server, "to-")))
    return found


def both(mode):
    return {"to-client": mode, "to-peer": mode}


def talk_of(lab):
    """Generic mode leaves to coturn what has no checksum yet, as data from a virtio card of
    the same machine may have; without one they are relayed in every mode."""
    return Talk(lab, checksums=False)


def wait_kernel(talk, server):
    """Until the kernel relays again, both ways, and then 20 datagrams each way, all of them."""
    talk.wait_kernel(server, PATIENCE).check_kernel(server)


def check_new_talk(lab, server):
    """coturn ends relaying for a session when a send has failed because the interface was down or
    gone, with the offload off too; a session that begins later is relayed as before."""
    with talk_of(lab) as talk:
        wait_kernel(talk, server)
        check_equal(lost(lab, talk), [], "lost")


@card_test("the mode that auto chooses; data arrive whole and through the kernel")
def mode(card):
    with CardLab(card) as lab, PatientServer(lab) as server, talk_of(lab) as talk:
        check_equal(modes(server), both(EXPECTED[card]), "modes")
        check_equal(server.xdp(), ["to-client", "to-peer"], "interfaces with XDP")
        wait_kernel(talk, server)
        with Verdicts(server.offload) as verdicts:
            for size in range(0, 1400, 97):
                check(talk.to_peer(pattern(size)), f"{size} bytes to the peer did not arrive")
                check(talk.to_client(pattern(size)), f"{size} bytes to the client did not arrive")
        check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (15, 15), "through the kernel")


@card_test("down and up under traffic")
def down_up(card):
    with CardLab(card) as lab, PatientServer(lab) as server:
        for name in ("to-peer", "to-client", "to-peer"):
            with talk_of(lab) as talk:
                wait_kernel(talk, server)
                with Chatter(talk, 0.1):
                    lab.server.ip("link", "set", name, "down")
                    lab.server.ip("link", "set", name, "up")
            check_new_talk(lab, server)


@card_test("down and up, and native is what the operator wants: the program runs again")
def down_up_native(card):
    if not can_be_native(card):
        skip("this driver does not take the program in native mode")
    with CardLab(card) as lab, PatientServer(lab, ("xdp-mode", NATIVE)) as server:
        with talk_of(lab) as talk:
            wait_kernel(talk, server)
            with Chatter(talk, 0.1):
                lab.server.ip("link", "set", "to-peer", "down")
                lab.server.ip("link", "set", "to-peer", "up")
        check_new_talk(lab, server)
        check_equal(modes(server), both(NATIVE), "modes")


@card_test("the carrier goes and comes back under traffic")
def carrier(card):
    if card.startswith("e1000e"):
        skip("qemu's e1000e does not tell its driver that the cable is out")
    with CardLab(card) as lab, PatientServer(lab) as server, talk_of(lab) as talk:
        wait_kernel(talk, server)
        for near in (lab.near_peer, lab.near_client):
            with Chatter(talk, 0.1):
                near.cable(False)
                wait_until(lambda: near.state() == "down", PATIENCE, "the carrier is gone")
                near.cable(True)
                wait_until(lambda: near.state() == "up", PATIENCE, "the carrier is back")
            wait_kernel(talk, server)


@functools.lru_cache
def loses_without_lro(card):
    """Whether large frames are lost without any program when LRO is off. XDP has it off, in either
    mode. qemu's vmxnet3 is like that: its driver offers several buffers a frame only with LRO."""
    with CardLab(card) as lab:
        if "large-receive-offload: on\n" not in lab.server.run("ethtool", "-k", "to-peer").stdout:
            return False
        for name in ("to-client", "to-peer"):
            lab.server.run("ethtool", "-K", name, "lro", "off", check=False)
        lab.set_mtu(9000)
        wait_until(lambda: not lost(lab, sizes=(100,)), PATIENCE, "small datagrams at the new MTU")
        return bool(lost(lab, sizes=(8000,)))


def need_large_frames(card):
    if loses_without_lro(card):
        skip("without LRO, which XDP switches off, this card loses large frames without a program too")


@card_test("the MTU is raised and lowered under traffic, and data of all sizes arrive", 400)
def mtu(card):
    need_large_frames(card)
    with CardLab(card) as lab, PatientServer(lab) as server, talk_of(lab) as talk:
        wait_kernel(talk, server)
        for number in (9000, 1500):
            with Chatter(talk, 0.1):
                lab.set_mtu(number)
            wait_sizes(lab, talk, PATIENCE, f"at MTU {number}")
            wait_kernel(talk, server)


def ends_after_raise(card, end):
    need_large_frames(card)
    with CardLab(card) as lab:
        with PatientServer(lab) as server, talk_of(lab) as talk:
            wait_kernel(talk, server)
            lab.set_mtu(9000)
            wait_sizes(lab, talk, PATIENCE, "with the server")
            end(server)
        wait_until(lambda: attached(lab.server) == [], 10, "no XDP after the server")
        check_equal(lost(lab), [], "lost after the server")
        with PatientServer(lab, ("xdp-mode", "generic")) as server, talk_of(lab) as talk:
            wait_sizes(lab, talk, PATIENCE, "with a server in generic mode")


@card_test("the MTU is raised, and the server ends: other traffic is as it was", 400)
def mtu_end(card):
    ends_after_raise(card, Server.stop)


@card_test("the MTU is raised, and the server is killed: other traffic is as it was", 400)
def mtu_killed(card):
    ends_after_raise(card, Server.kill)


@card_test("a server was there, and the MTU is raised after it: nothing is lost", 300)
def mtu_later(card):
    need_large_frames(card)
    with CardLab(card) as lab:
        with PatientServer(lab) as server, talk_of(lab) as talk:
            wait_kernel(talk, server)
        lab.set_mtu(9000)
        wait_sizes(lab, None, PATIENCE, "after the server")


@card_test("started at MTU 9000, which is lowered and raised again", 400)
def jumbo(card):
    need_large_frames(card)
    with CardLab(card, mtu=9000) as lab, PatientServer(lab) as server, talk_of(lab) as talk:
        modes(server)
        wait_sizes(lab, talk, PATIENCE, "at the start")
        for number in (1500, 9000):
            lab.set_mtu(number)
            wait_sizes(lab, talk, PATIENCE, f"at MTU {number}")
            wait_kernel(talk, server)


@card_test("features and channels are changed by ethtool under traffic", 400)
def ethtool(card):
    changes = [("-K", "gro", "off"), ("-K", "gro", "on"), ("-K", "lro", "on"), ("-K", "lro", "off"),
               ("-K", "rx", "off"), ("-K", "rx", "on"), ("-L", "combined", "2"), ("-L", "combined", "1")]
    with CardLab(card) as lab, PatientServer(lab) as server, talk_of(lab) as talk:
        wait_kernel(talk, server)
        for option, *words in changes:
            with Chatter(talk, 0.1):
                done = lab.server.run("ethtool", option, "to-peer", *words, check=False)
            text = done.stdout.strip().replace("\n", "; ")
            note(f"ethtool {option} to-peer {' '.join(words)}: {text or 'done'}")
            wait_kernel(talk, server)
        check_equal(lost(lab, talk), [], "lost")


@card_test("the driver lets go of the card and takes it again under traffic")
def replug(card):
    with CardLab(card) as lab, PatientServer(lab) as server:
        with talk_of(lab) as talk:
            wait_kernel(talk, server)
            with Chatter(talk, 0.1):
                lab.near_peer.unbind()
                server.wait_log("to-peer: the interface is gone", PATIENCE)
                lab.near_peer.bind()
                lab.plug_server_peer()
        check_new_talk(lab, server)


if __name__ == "__main__":
    note(f"Linux {'.'.join(map(str, RELEASE))}; {', '.join(pairs()) or 'no pairs of cards'}")
    run()
