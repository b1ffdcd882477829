/* SPDX-License-Identifier: BSD-3-Clause */
#include "route/watchdog.h"

#include <stdbool.h>

#include "base/log.h"
#include "table/status.h"

#define SECOND_NS 1000000000ull
#define SILENCE_NS (WATCHDOG_SILENCE_SECONDS * SECOND_NS)

static struct {
	uint64_t reported_ns;     /* when the monitor thread has reported last */
	uint64_t silent_since_ns; /* its last report when a relay thread has logged that it is silent; 0: it is not */
} watchdog;

void watchdog_report(uint64_t began, uint64_t now)
{
	uint64_t since;

	__atomic_store_n(&watchdog.reported_ns, began, __ATOMIC_RELAXED);
	status_monitor_put(began + SILENCE_NS);
	/* A thread that is slow all the time is silent still. */
	if (began + SILENCE_NS <= now)
		return;
	since = __atomic_exchange_n(&watchdog.silent_since_ns, 0, __ATOMIC_RELAXED);
	if (since)
		log_line(LOG_LEVEL_INFO,
			 "the offload's monitor thread reports again, after %llu seconds: channels are relayed in the kernel again",
			 (unsigned long long)((now - since) / SECOND_NS));
}

uint64_t watchdog_deadline(uint64_t now)
{
	uint64_t reported = __atomic_load_n(&watchdog.reported_ns, __ATOMIC_RELAXED);
	uint64_t until = (reported < now ? reported : now) + SILENCE_NS, not_silent = 0;

	if (until <= now && __atomic_compare_exchange_n(&watchdog.silent_since_ns, &not_silent, reported, false, __ATOMIC_RELAXED,
							__ATOMIC_RELAXED))
		log_line(LOG_LEVEL_WARNING,
			 "the offload's monitor thread has not reported for %d seconds, so next hops may be out of date: all "
			 "channels are relayed in userspace until it reports again; if it does not, look for what holds up "
			 "netlink on this host, and restart the server",
			 WATCHDOG_SILENCE_SECONDS);
	return until;
}
