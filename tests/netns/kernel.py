# SPDX-License-Identifier: BSD-3-Clause
"""What a process holds in the kernel: BPF programs, links and maps, and the
tables of the offload, read with the bpf() system call.

The process's open descriptors say which objects are its own, so other servers
on the machine do not disturb, and nothing has to be pinned for a test.
"""

import ctypes
import mmap
import os
import platform
import re
import struct
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
_LOOKUP, _NEXT_KEY, _PROGRAM_FD_BY_ID, _FD_BY_ID, _INFO = 1, 4, 13, 14, 15
_PROG_TYPE_XDP = 6
_SLOT = 64  # bytes of struct flow_slot
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(number, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = _libc.syscall(_SYSCALL, number, buffer, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def verdict_names():
    """Names by number, as the header that the program is built from has them."""
    text = (_ROOT / "bpf" / "verdict.h").read_text(encoding="utf-8")
    return {int(number): name for number, name in re.findall(r"X\((\d+), (\w+),", text)}


def _exists(command, number):
    try:
        os.close(_bpf(command, struct.pack("=I", number)))
    except FileNotFoundError:
        return False
    return True


def map_exists(number):
    return _exists(_FD_BY_ID, number)


def program_exists(number):
    return _exists(_PROGRAM_FD_BY_ID, number)


class Map:
    """A map by its id."""

    def __init__(self, number):
        self.id = number
        self._fd = _bpf(_FD_BY_ID, struct.pack("=I", number))
        info = ctypes.create_string_buffer(256)
        _bpf(_INFO, struct.pack("=IIQ", self._fd, 256, ctypes.addressof(info)))
        (self.type, _, self.key_size, self.value_size, self.max_entries,
         _) = struct.unpack_from("=6I", info.raw)
        self.name = info.raw[24:40].split(b"\0")[0].decode()

    def close(self):
        os.close(self._fd)

    def get(self, key):
        value = ctypes.create_string_buffer(self.value_size + 8)
        held = ctypes.create_string_buffer(key, len(key))
        _bpf(_LOOKUP, struct.pack("=IIQQQ", self._fd, 0, ctypes.addressof(held),
                                  ctypes.addressof(value), 0))
        return value.raw[:self.value_size]

    def keys(self):
        found = []
        key = ctypes.create_string_buffer(self.key_size)
        following = ctypes.create_string_buffer(self.key_size)
        at = 0
        while True:
            try:
                _bpf(_NEXT_KEY, struct.pack("=IIQQ", self._fd, 0, at, ctypes.addressof(following)))
            except FileNotFoundError:
                return found
            found.append(following.raw)
            key.raw = following.raw
            at = ctypes.addressof(key)


    def memory(self):
        """An array that can be mapped, as the server sees it."""
        size = -(-self.max_entries * self.value_size // mmap.PAGESIZE) * mmap.PAGESIZE
        return mmap.mmap(self._fd, size, prot=mmap.PROT_READ)


class Hop:
    """A next hop (bpf/abi.h: struct hop), by the entry of the table that it stands in."""

    SIZE = 16
    _EGRESS = 24  # bytes of struct egress

    def __init__(self, entry, egresses):
        seq, self.mtu, egress, self.destination, self.ttl, self.flags = struct.unpack_from("=IHH6sBB", entry)
        self.ifindex, self.source = struct.unpack_from("=I2x6s", egresses, egress * self._EGRESS)
        self.known = bool(seq & 1)


class Offload:
    """The kernel side of one server process."""

    def __init__(self, pid):
        self.pid = pid
        self._maps = None

    def _ids(self, field, having=""):
        """The numbers in a field of all descriptors that also have a line which begins with `having`."""
        found = set()
        folder = Path(f"/proc/{self.pid}/fdinfo")
        for entry in folder.iterdir():
            try:
                text = entry.read_text(encoding="ascii")
            except OSError:
                continue
            if not re.search(rf"^{having}", text, re.M):
                continue
            found.update(int(number) for number in re.findall(rf"^{field}:\s*(\d+)", text, re.M))
        return found

    def programs(self):
        return self._ids("prog_id")

    def xdp_programs(self):
        """The same without those at tracepoints."""
        return self._ids("prog_id", rf"prog_type:\s*{_PROG_TYPE_XDP}$")

    def map_ids(self):
        return self._ids("map_id")

    def map(self, name):
        if self._maps is None:
            self._maps = {}
            for number in self.map_ids():
                one = Map(number)
                self._maps[one.name] = one
        if name not in self._maps:
            self._maps = None
            raise LookupError(f"process {self.pid} has no map {name!r}")
        return self._maps[name]

    def close(self):
        """Lets go of the maps that were looked at, which otherwise live on."""
        for one in (self._maps or {}).values():
            one.close()
        self._maps = None

    def flows(self):
        """The keys of the flows, as they stand in their rows (bpf/abi.h: struct flow_slot)."""
        with self.map("flows").memory() as memory:
            editions = memoryview(memory).cast("I")[::_SLOT // 4].tolist()
            return [memory[row * _SLOT + 8:row * _SLOT + 24]
                    for row, seq in enumerate(editions) if seq & 1]

    def hops(self, count=8):
        """Of the first next hops those that lead somewhere."""
        with self.map("hops").memory() as memory, self.map(".data.egress").memory() as egresses:
            found = [Hop(memory[Hop.SIZE * number:Hop.SIZE * (number + 1)], egresses) for number in range(count)]
        return [hop for hop in found if hop.known]

    def verdicts(self):
        """How many packets ended in each verdict, by name, over all CPUs."""
        table = self.map("verdicts")
        totals = dict.fromkeys(verdict_names().values(), 0)
        for cpu in range(table.max_entries):
            row = struct.unpack(f"={table.value_size // 8}Q", table.get(struct.pack("=I", cpu)))
            for number, name in verdict_names().items():
                totals[name] += row[number]
        return totals


class Verdicts:
    """The verdicts between entering and leaving a `with`."""

    def __init__(self, offload):
        self._offload = offload
        self._before = self._after = None

    def __enter__(self):
        self._before = self._offload.verdicts()
        return self

    def __exit__(self, *_):
        self._after = self._offload.verdicts()

    def __getitem__(self, name):
        now = self._after or self._offload.verdicts()
        return now[name] - self._before[name]

    def changed(self):
        now = self._after or self._offload.verdicts()
        return {name: count - self._before[name]
                for name, count in now.items() if count != self._before[name]}
