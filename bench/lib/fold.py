# SPDX-License-Identifier: BSD-3-Clause
"""What many channels cost turnserver while they are open: it looks at each of them once a second."""

import time

from lab import LAST_CPU
from measure import check_rate
from profile_time import task_seconds
from rows import Case, prepared

CASE = Case(clients=500, channels=200)
# After so many packets of a session coturn reports its usage, for which it walks over all of its channels.
REPORT_PACKETS = 2048
# Datagrams a second. Each session has a report every 5 s, and at twice the rate every 2.5 s. Each channel carries two
# datagrams between two looks. One would do.
RATE = CASE.clients * REPORT_PACKETS // 5
# A whole number of reports at both rates: all sessions have theirs at once, and one more of each takes 0.6 % of a CPU.
SECONDS = 10
# No window begins or ends while reports are due: the first ones come 4.5 s after the first datagram.
WARM_UP = 2.7


def idle_share(pid):
    """Share of one CPU that all threads take while no datagram comes."""
    start, before = time.monotonic(), task_seconds(pid)
    time.sleep(SECONDS)
    return (task_seconds(pid) - before) / (time.monotonic() - start)


def active_share(row, rate):
    """The same while the kernel relays datagrams of all channels."""
    found = row.throughput(rate=rate, seconds=SECONDS, warm_up=WARM_UP)
    check_rate(found, rate)
    return found["relay_share"]


def measure(lab, work, kind):
    """Shares of one CPU: idle, active at both rates, and what is left of the active ones at no packets.

    The reports grow with the packets. The looks, which add the counters of all channels to coturn's, do not."""
    # Not on the generator's CPU, from which the reports would take time: all of a rate has to be sent.
    with prepared(lab, work, kind, CASE, set(range(LAST_CPU)) or {LAST_CPU}) as row:
        time.sleep(WARM_UP)
        idle = idle_share(row.server.pid)
        active, double = (active_share(row, rate) for rate in (RATE, 2 * RATE))
    return {"idle_share": idle, "active_share": active, "double_share": double, "fold_share": 2 * active - double}
