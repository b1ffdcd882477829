/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel relays depends on two threads: on the relay thread of the channel, and on the monitor
 * thread, which keeps next hops up to date. Each has to report every second. Five seconds after the
 * last report of one of them the flows end by themselves, and coturn relays until both report again.
 */
#ifndef OFFLOAD_ROUTE_WATCHDOG_H
#define OFFLOAD_ROUTE_WATCHDOG_H

#include <stdint.h>

/* When a thread has been silent for so long, the kernel no longer relays the flows that depend on it. */
#define WATCHDOG_SILENCE_SECONDS 5

/**
 * The monitor thread reports at `now`: all that it keeps up to date was so when it `began` to look (both
 * clock_monotonic_ns). Only the monitor thread, at least once a second.
 */
void watchdog_report(uint64_t began, uint64_t now);

/**
 * A relay thread reports at `now`. Returns until when its flows may be relayed: for
 * WATCHDOG_SILENCE_SECONDS after the older one of its report and the monitor thread's last. It may be
 * past; the log says so once. Any thread.
 */
uint64_t watchdog_deadline(uint64_t now);

#endif
