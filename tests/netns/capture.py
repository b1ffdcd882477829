# SPDX-License-Identifier: BSD-3-Clause
"""What arrives at an interface, as raw frames, and raw frames sent from it."""

import select
import socket
import struct
import time

from wire import UDP, Packet

_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_AUXDATA = 8
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_CHECK_NOT_READY = 1 << 3


class Capture:
    """Keeps the frames that arrive, and with `outgoing` those that are sent.

    The kernel holds them until they are asked for. Losing one is an error, so
    that "nothing arrived" can be believed.
    """

    def __init__(self, namespace, interface="eth0", outgoing=False):
        with namespace.enter():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 256 << 20)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, int(not outgoing))
            self._socket.bind((interface, _ETH_P_ALL))
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _read(self):
        try:
            frame, extra, _, _ = self._socket.recvmsg(65600, 256)
        except BlockingIOError:
            return None
        ready, when = True, time.time()
        for level, kind, data in extra:
            if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA):
                ready = not struct.unpack_from("=I", data)[0] & _CHECK_NOT_READY
            elif (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                seconds, nanoseconds = struct.unpack("=qq", data)
                when = seconds + nanoseconds / 1e9
        return Packet(frame, ready, when)

    def drain(self):
        """All frames until now."""
        found = []
        while (packet := self._read()) is not None:
            found.append(packet)
        _, lost = struct.unpack("=II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        if lost:
            raise RuntimeError(f"the capture lost {lost} frames")
        return found

    def udp(self, quiet=0.0, seconds=10):
        """The UDP packets so far; with `quiet`, once none came for so long."""
        found = self.drain()
        end = time.monotonic() + seconds
        while quiet and time.monotonic() < end:
            if not select.select([self._socket], [], [], quiet)[0]:
                break
            found += self.drain()
        return [packet for packet in found if packet.protocol == UDP]

    def until(self, wanted, seconds=3):
        """Packets up to and with the first that wanted(packet) accepts, or
        None if it does not come in time."""
        found = []
        end = time.monotonic() + seconds
        while True:
            while (packet := self._read()) is not None:
                found.append(packet)
                if packet.protocol is not None and wanted(packet):
                    return found
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                return None


class Injector:
    """Sends frames as they are."""

    def __init__(self, namespace, interface="eth0"):
        with namespace.enter():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.bind((interface, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, frame):
        self._socket.send(frame)


class OffloadInjector(Injector):
    """The same, and it can leave work to the device as local sockets do."""

    def __init__(self, namespace, interface="eth0"):
        super().__init__(namespace, interface)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)

    def send(self, frame, partial=None):
        """`partial`: where the UDP header begins whose checksum is to be finished."""
        # struct virtio_net_hdr: VIRTIO_NET_HDR_F_NEEDS_CSUM, no segmentation.
        head = struct.pack("=BBHHHH", int(partial is not None), 0, 0, 0, partial or 0,
                           0 if partial is None else 6)
        self._socket.send(head + frame)
