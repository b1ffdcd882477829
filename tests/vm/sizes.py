# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams of many sizes, over TURN and beside it: which of them are lost."""

import time

from lab import CLIENT, PEER, RELAY, SERVER
from tap import check_equal, note

# Around a page, less what drivers keep of it, is where native XDP loses frames.
SIZES = (100, 1400, 3000, 3600, 8000)
_TRIES = 2


def pattern(size):
    return bytes(number * 7 % 251 for number in range(size))


def lost(lab, talk=None, sizes=SIZES):
    """What does not arrive whole, as [(route, size), …]: plain UDP between the server and either
    side, and a channel's data if there is a talk. A size is lost if it fails twice."""
    found = []
    with Plain(lab.server, SERVER, lab.client, CLIENT) as client, Plain(lab.server, RELAY, lab.peer, PEER) as peer:
        routes = [("server to client", client.down), ("client to server", client.up),
                  ("server to peer", peer.down), ("peer to server", peer.up)]
        if talk:
            routes += [("TURN to the peer", talk.to_peer), ("TURN to the client", talk.to_client)]
        for name, send in routes:
            found += [(name, size) for size in sizes if not any(send(pattern(size)) for _ in range(_TRIES))]
    return found


def wait_sizes(lab, talk, seconds, when):
    """All sizes arrive within so many seconds, and from then on."""
    end = time.monotonic() + seconds
    while (found := lost(lab, talk)) and time.monotonic() < end:
        note(f"lost {when}: {found}")
    check_equal(found, [], f"lost {when}, {seconds} s later")
    check_equal(lost(lab, talk), [], f"lost {when}, after all had arrived once")


class Plain:
    """UDP between two hosts, without TURN."""

    def __init__(self, near, near_address, far, far_address):
        self._near = near.socket(near_address, 0)
        self._far = far.socket(far_address, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._near.close()
        self._far.close()

    def down(self, data):
        return self._arrives(self._near, self._far, data)

    def up(self, data):
        return self._arrives(self._far, self._near, data)

    @staticmethod
    def _arrives(sender, receiver, data):
        receiver.settimeout(1)
        try:
            sender.sendto(data, receiver.getsockname())
            while receiver.recv(65536) != data:
                continue
        except OSError:
            return False
        return True
