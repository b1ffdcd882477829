# SPDX-License-Identifier: BSD-3-Clause
"""Another's XDP program."""

import contextlib
import json
import shutil

from netns import command
from tap import skip

# The smallest that there is; other maps and sections are not needed.
_SOURCE = """
__attribute__((section("xdp"), used)) int foreign(void *context) { return 2; }
char _license[] __attribute__((section("license"), used)) = "GPL";
"""


def program_on(namespace, interface):
    """The id of the XDP program that an interface carries, or None."""
    link = json.loads(namespace.ip("-j", "link", "show", interface))[0]
    return link.get("xdp", {}).get("prog", {}).get("id")


@contextlib.contextmanager
def foreign_program(lab, interface, mode="xdp"):
    """It is on an interface of lab.server, in `mode` (xdp, xdpdrv, xdpgeneric); its id."""
    if not shutil.which("clang"):
        skip("clang is not installed")
    source, made = lab.folder / "foreign.c", lab.folder / "foreign.o"
    source.write_text(_SOURCE, encoding="ascii")
    command(["clang", "-O2", "-target", "bpf", "-c", source, "-o", made])
    lab.server.run("ip", "link", "set", "dev", interface, mode, "obj", made, "sec", "xdp")
    try:
        yield program_on(lab.server, interface)
    finally:
        # It may be gone already.
        lab.server.run("ip", "link", "set", "dev", interface, mode, "off", check=False)
