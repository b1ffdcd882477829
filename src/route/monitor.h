/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The monitor thread, which keeps next hops up to date. It waits for events of routes, links,
 * neighbours, devices, IPsec policies and nf_tables, and for new entries; what no event tells
 * of, it looks at about once a second.
 */
#ifndef OFFLOAD_ROUTE_MONITOR_H
#define OFFLOAD_ROUTE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "route/events.h"

struct mnl_socket;

/** How the thread follows what the host does with packets. Only the monitor thread calls these. */
struct monitor_host {
	/* Opens a socket that hears when it changes; NULL: the kernel has no such events now, and is asked again. */
	struct mnl_socket *(*listen)(void);
	/* Reads the pending events of that socket. */
	void (*heard)(struct mnl_socket *socket);
	/* Looks at the host if it is due by `now_ns`, which may be a little in the future. Returns when to be called again (CLOCK_MONOTONIC). */
	uint64_t (*look)(uint64_t now_ns, bool heard);
};

/** Only the monitor thread calls these. */
struct monitor_callbacks {
	struct events_callbacks events;
	/* All entries are to be updated: anything may have changed. */
	void (*all_changed)(void);
	/*
	 * Looks at the links, after events and once a second. `heard`: the kernel has told not long ago that links,
	 * addresses, routes or rules have changed, so that these are to be read again.
	 */
	void (*look_at_links)(bool heard);
	/* The next piece of all entries is to be updated; returns how many pieces there are. */
	uint32_t (*refresh)(void);
	/* Updates a piece of what is to be updated; returns whether there is more. `heard` as above. */
	bool (*update)(bool heard);
	struct monitor_host host;
};

/**
 * Starts the monitor thread, of which there is one. Returns once it has marked the
 * capabilities that it is to keep, so the server may change its user then. 0, or -errno
 * with nothing left behind.
 */
int monitor_start(const struct monitor_callbacks *callbacks);

/** Ends the monitor thread and waits for that. Does nothing if not started. */
void monitor_stop(void);

/** Has the monitor thread call `update`. Any thread, after monitor_start. */
void monitor_wake(void);

/**
 * Tells the monitor thread that the server has changed its user, so that it gives up the
 * capabilities that it no longer needs. Does nothing if not started. Only for the thread
 * that calls monitor_start and monitor_stop.
 */
void monitor_privileges_dropped(void);

#endif
