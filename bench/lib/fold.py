# SPDX-License-Identifier: BSD-3-Clause
"""What many channels cost turnserver while they are open: it looks at each of them once a second."""

import time

from profile_time import task_seconds
from rows import Case, prepared
from server import Failed

CASE = Case(clients=500, channels=200)
# Datagrams a second: each channel carries two of them between two looks. One would do.
RATE = 2 * CASE.flows
SECONDS, WARM_UP = 10, 3


def idle_share(pid):
    """Share of one CPU that all threads take while no datagram comes."""
    start, before = time.monotonic(), task_seconds(pid)
    time.sleep(SECONDS)
    return (task_seconds(pid) - before) / (time.monotonic() - start)


def active_share(row):
    """The same while the kernel relays datagrams of all channels."""
    found = row.throughput(rate=RATE, seconds=SECONDS, warm_up=WARM_UP)
    if found["offered_pps"] < CASE.flows:
        raise Failed(f"the generator sent only {found['offered_pps']:.0f} datagrams a second")
    return found["relay_share"]


def measure(lab, work, kind):
    """Shares of one CPU, idle and active."""
    with prepared(lab, work, kind, CASE) as row:
        time.sleep(WARM_UP)
        return {"idle_share": idle_share(row.server.pid), "active_share": active_share(row)}
