# SPDX-License-Identifier: BSD-3-Clause
"""Which interfaces carry an XDP program, in which mode, and what the log says of it."""

import json
import platform
import re

NATIVE, GENERIC = 1, 2  # XDP_ATTACHED_DRV and XDP_ATTACHED_SKB
RELEASE = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))


def carriers(namespace):
    """The mode and the program's id of each interface that carries one, by name."""
    links = json.loads(namespace.ip("-j", "link"))
    return {link["ifname"]: (link["xdp"]["mode"], link["xdp"].get("prog", {}).get("id"))
            for link in links if link.get("xdp")}


def modes(namespace):
    """How interfaces carry an XDP program, by name."""
    return {name: mode for name, (mode, _) in carriers(namespace).items()}


def last_line(server, name):
    """What the log last said of an interface."""
    lines = [line for line in server.log_lines("xdp: ") if f"xdp: {name}: " in line]
    return lines[-1].partition(f"xdp: {name}: ")[2].strip() if lines else ""
