/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that hears what the kernel tells of routes, links, neighbours,
 * devices and IPsec policies, and has next hops looked at again.
 */
#ifndef OFFLOAD_ROUTE_MONITOR_H
#define OFFLOAD_ROUTE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

/** All are called by the thread, and only by it. */
struct monitor_callbacks {
	void (*neighbour_changed)(int family, uint32_t ifindex, const union abi_addr *address);
	/* A route to the addresses of this prefix is new, another, or gone. */
	void (*route_changed)(int family, const union abi_addr *prefix, uint8_t length);
	void (*all_changed)(void);   /* anything may be new: all entries are to be updated */
	void (*links_changed)(void); /* some link may not be as it was */
	/* A piece of all entries is to be updated, each time the next; returns how many there are. */
	uint32_t (*refresh)(void);
	/* Does a piece of the work; returns whether there is more. */
	bool (*update)(void);
};

/** Starts the thread, of which there is one. 0 or -errno. */
int monitor_start(const struct monitor_callbacks *callbacks);

/** Ends it. Does nothing if not started. */
void monitor_stop(void);

/** There is something to update. Any thread. */
void monitor_wake(void);

/** The server has taken on its user: the thread gives up what it no longer needs. */
void monitor_privileges_dropped(void);

/** Whether the host has IPsec policies, so that nothing may be offloaded. The thread. */
bool monitor_blocked(void);

#endif
