# SPDX-License-Identifier: BSD-3-Clause
"""A client and a peer that talk over one channel."""

import itertools
import socket
import time

import turn
from background import Background
from kernel import Verdicts
from lab import CLIENT6, SERVER6
from tap import check, check_equal, wait_until

_SO_NO_CHECK = 11
_serial = itertools.count()


class Talk:
    """An allocation with a channel to a peer's socket, from `with` to its end.

    With `client` it is a further channel of that client; a `silent` peer has no
    socket (it may not exist). Without `checksums` both send UDP checksums of 0:
    those that sockets leave to the device are not relayed in generic mode.
    """

    def __init__(self, lab, number=0x4001, client=None, port=0, address=None, silent=False,
                 checksums=True, **client_options):
        self.lab = lab
        self.number = number
        self._own = client is None
        self.client = client or turn.Client(lab.client, **client_options)
        self.address = address or lab.peer_address
        self.peer = None if silent else lab.peer.socket(self.address, port)
        self.port = port if silent else self.peer.getsockname()[1]
        if not checksums:
            for sock in (self.peer, self.client.way.socket):
                sock.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)

    def __enter__(self):
        try:
            if self._own:
                self.client.allocate()
            self.bind()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.peer:
            self.peer.close()
        if self._own:
            self.client.way.socket.close()

    def bind(self):
        self.client.bind(self.number, self.address, self.port)

    def to_peer(self, data=None, seconds=3.0):
        """Sends to the peer; whether exactly that arrived, from the relay."""
        data = b"to peer %d" % next(_serial) if data is None else data
        self.client.send_channel(self.number, data)
        return self._arrives(self._peer_gets, (data, self.client.relayed), seconds)

    def to_client(self, data=None, seconds=3.0):
        data = b"to client %d" % next(_serial) if data is None else data
        self.peer.sendto(data, self.client.relayed)
        return self._arrives(self.client.receive_channel, (self.number, data), seconds)

    def _peer_gets(self, seconds):
        self.peer.settimeout(max(seconds, 0.001))
        try:
            return self.peer.recvfrom(65536)
        except TimeoutError:
            return None

    @staticmethod
    def _arrives(receive, wanted, seconds):
        # What was sent before may still be on its way.
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if receive(left) == wanted:
                return True
        return False

    def works(self, seconds=3.0):
        """Whether data arrives in both directions."""
        return self.to_peer(seconds=seconds) and self.to_client(seconds=seconds)

    def warm(self, seconds=5):
        """Until data arrives both ways: a first packet finds the neighbours."""
        wait_until(lambda: self.works(0.3), seconds, "data in both directions")
        return self

    def in_kernel(self, server):
        """Whether the kernel relays, asked by one packet in each direction."""
        with Verdicts(server.offload) as verdicts:
            if not self.works(0.5):
                return False
        return verdicts["TO_PEER"] >= 1 and verdicts["TO_CLIENT"] >= 1

    def wait_kernel(self, server, seconds=5):
        wait_until(lambda: self.in_kernel(server), seconds,
                   f"relayed by the kernel in both directions; log:\n{server.log()}")
        return self

    def check_kernel(self, server, count=20):
        """`count` packets each way arrive, all of them through the kernel."""
        with Verdicts(server.offload) as verdicts:
            for _ in range(count):
                check(self.to_peer(), "data to the peer did not arrive")
                check(self.to_client(), "data to the client did not arrive")
        check_equal((verdicts["TO_PEER"], verdicts["TO_CLIENT"]), (count, count),
                    f"packets through the kernel; all verdicts {verdicts.changed()}")

    def check_userspace(self, server, count=5):
        """`count` packets each way arrive, none of them through the kernel."""
        before = server.offload.verdicts() if server.offload.map_ids() else None
        for _ in range(count):
            check(self.to_peer(), "data to the peer did not arrive")
            check(self.to_client(), "data to the client did not arrive")
        if before:
            after = server.offload.verdicts()
            for name in ("TO_PEER", "TO_CLIENT"):
                check_equal(after[name], before[name], f"{name} of a channel not offloaded")


class Talk6(Talk):
    """The same by IPv6, all the way."""

    def __init__(self, lab, port=0):
        client = turn.Client(lab.client, server=(SERVER6, 3478), local=(CLIENT6, 0))
        super().__init__(lab, client=client, port=port, address=lab.peer_address6)

    def __enter__(self):
        self.client.allocate(family=6)
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        self.client.way.socket.close()

    def _peer_gets(self, seconds):
        found = super()._peer_gets(seconds)
        # Without flow and scope.
        return found and (found[0], found[1][:2])


class Chatter(Background):
    """Traffic both ways in the background, from `with` to its end."""

    def __init__(self, talk, interval=0.01, data=b"chatter"):
        super().__init__(self._run)
        self._talk = talk
        self._data = data
        self._interval = interval
        self.sent = 0

    def __exit__(self, *_):
        super().__exit__()
        # What is still on its way is not to be counted with what comes next.
        time.sleep(0.1)

    def _run(self):
        while not self._stop.wait(self._interval):
            try:
                client = self._talk.client
                client.send_channel(self._talk.number, self._data)
                self._talk.peer.sendto(self._data, client.relayed_for(self._talk.address))
                self.sent += 1
            except OSError:
                # The server's socket is gone, or an interface is down.
                continue


