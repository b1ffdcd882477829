# SPDX-License-Identifier: BSD-3-Clause
"""What differs between coturn's releases, where tests have to know.

4.17.1 means to send to clients with the TTL of what came from the peer, less one,
and at most 64, but sends with 1, which later releases have mended. The offload
does what is meant.
"""

import functools

from netns import command
from server import BINARY


@functools.lru_cache
def version():
    """Of the turnserver under test, as a tuple."""
    return tuple(map(int, command([BINARY, "--version"]).stdout.split()[-1].split(".")))


def ttl_to_client(sent, arrived):
    """The TTL that is meant, of what a peer sent and what arrived at the client."""
    if version() == (4, 17, 1) and arrived == 1:
        return min(sent - 1, 64)
    return arrived


def console():
    """Options that switch the telnet console on."""
    return [("cli", None)] if version() >= (4, 17) else []
