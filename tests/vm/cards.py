# SPDX-License-Identifier: BSD-3-Clause
"""The network cards that tests/vm/run.sh --pair plugs into a guest.

Each pair is two cards that are joined by a cable: the near one of the wanted
model, and the far one, a virtio card. run.sh gives them addresses that say which
is which. Outside of tests all cards are in the first network namespace.
"""

import json
from pathlib import Path

from netns import command
from tap import skip, wait_until

_PAIRS = Path("/run/vm/pairs")


def pairs():
    """The near card of each pair, as it was given to --pair; [] outside of a guest."""
    return _PAIRS.read_text(encoding="ascii").split() if _PAIRS.exists() else []


def need(card, count):
    """The numbers of `count` pairs of this kind; skips if there are fewer."""
    found = [number for number, one in enumerate(pairs()) if one == card]
    if len(found) < count:
        skip(f"needs a guest with --pair {card}, {count} times")
    return found[:count]


class Card:
    """One card. It is in the first namespace, or with a host under a name of the test's."""

    def __init__(self, number, near=True):
        self._identifier = f"{'near' if near else 'far'}{number}"
        self._address = f"52:54:00:00:{number:02x}:{1 if near else 2:02x}"
        self._device = self._driver = None
        self._unplugged = False
        self.host = self.name = None

    def _free_name(self):
        """Its name in the first namespace, None while it is not there."""
        for link in json.loads(command(["ip", "-j", "link"]).stdout):
            if link.get("permaddr", link.get("address")) == self._address:
                return link["ifname"]
        return None

    def give(self, host, name):
        """Moves it to a host's namespace; it is down there."""
        free = wait_until(self._free_name, 20, f"card {self._identifier} in the first namespace")
        self._device = Path(f"/sys/class/net/{free}/device").resolve()
        command(["ip", "link", "set", free, "down"])
        command(["ip", "link", "set", free, "netns", host.name, "name", name])
        self.host, self.name = host, name

    def reset(self):
        """Its driver lets go of it and takes it again: all settings are the driver's defaults,
        and it is in the first namespace, wherever it was."""
        free = self._free_name()
        if free:
            self._device = Path(f"/sys/class/net/{free}/device").resolve()
        if self._device is None:
            raise RuntimeError(f"card {self._identifier} is not there")
        self.unbind()
        self.bind()

    def unbind(self):
        self._driver = (self._device / "driver").resolve()
        (self._driver / "unbind").write_text(self._device.name, encoding="ascii")
        self.host = self.name = None

    def bind(self):
        (self._driver / "bind").write_text(self._device.name, encoding="ascii")
        wait_until(self._free_name, 20, f"card {self._identifier} after its driver took it")

    def leave(self):
        """Goes back to the first namespace with its cable plugged in, before its host ends."""
        if self._unplugged:
            self.cable(True)
        if self._driver and not (self._device / "driver").exists():
            self.bind()
        if self.host:
            self.host.run("ip", "link", "set", self.name, "down", "netns", "1", "name", self._identifier, check=False)
        self.host = self.name = None

    def driver(self):
        return (self._device / "driver").resolve().name

    def state(self):
        """Its operational state: "up", "down" and others."""
        return json.loads(self.host.ip("-j", "link", "show", self.name))[0]["operstate"].lower()

    def cable(self, plugged):
        """Plugs its cable in or out, as its driver sees it; the other end's does not change."""
        _monitor("set_link", name=self._identifier, up=plugged)
        self._unplugged = not plugged


def _monitor(word, **arguments):
    """Has qemu do something. Its monitor answers with lines of JSON."""
    with open(_port(), "r+b", buffering=0) as port:
        for one in ({"execute": "qmp_capabilities"}, {"execute": word, "arguments": arguments}):
            port.write(json.dumps(one).encode() + b"\n")
            answer = _answer(port)
        if "error" in answer:
            raise RuntimeError(f"qemu: {answer['error']}")


def _answer(port):
    line = b""
    while True:
        line += port.read(1)
        if not line.endswith(b"\n"):
            continue
        said = json.loads(line)
        if "return" in said or "error" in said:
            return said
        line = b""


def _port():
    for name in Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text(encoding="ascii").strip() == "monitor":
            return Path("/dev") / name.parent.name
    raise FileNotFoundError("this guest has no port to qemu's monitor")
