/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of next hops: how packets leave for each destination that channels have.
 * A TURN server is an endpoint: the kernel's own FIB lookup for XDP (bpf_fib_lookup)
 * refuses where forwarding is off. So a thread here asks the kernel for routes and
 * neighbours, writes the entries that the XDP program reads, and writes them again
 * when routes, links or neighbours change.
 */
#ifndef OFFLOAD_ROUTE_NEXTHOP_H
#define OFFLOAD_ROUTE_NEXTHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "route/hop_path.h"
#include "route/monitor.h"

/** What the thread has to know of the interfaces. Only the thread calls these. */
struct nexthop_callbacks {
	/* HOP_REDIRECT, HOP_TRANSMIT, HOP_FRAGS and HOP_HANDS_ON: how frames can leave by a device that is no VLAN. */
	uint8_t (*device_flags)(uint32_t ifindex);
	/*
	 * Looks at the links, after events and once a second. `heard`: the kernel has told not long ago that links,
	 * addresses or routes have changed, so that these are to be read again.
	 */
	void (*look_at_links)(bool heard);
	struct monitor_host host;
};

/**
 * Starts the monitor thread, with room for `entries` destinations. 0, or -errno with nothing
 * left behind. Before the server changes its user: the thread keeps capabilities.
 */
int nexthop_start(uint32_t entries, const struct nexthop_callbacks *callbacks);

/**
 * Tells the monitor thread that the server has changed its user, so that it gives up the
 * capabilities that it no longer needs. Does nothing if not started. Only for the thread
 * that calls nexthop_start and nexthop_stop.
 */
void nexthop_privileges_dropped(void);

/** Ends the monitor thread and forgets all entries. Does nothing if not started. */
void nexthop_stop(void);

/**
 * Takes the entry of a path: packets that come in to one of our addresses leave from one of
 * our addresses to a client's or peer's address. All who ask for the same path share it. A new entry leads nowhere until the monitor
 * thread has filled it. That thread updates new entries before all others. An entry leads nowhere
 * while this host does not have the address that packets come in to. 0, or -ENOSPC with
 * `entry` untouched. Any thread; it does not wait for the kernel.
 */
int nexthop_acquire(const struct hop_path *path, uint32_t *entry);

/**
 * Returns a number that changes when the packets of an entry take another device, or go to this host and not to another any more,
 * or the other way round, also while the entry leads nowhere. Any thread.
 */
uint32_t nexthop_generation(void);

/**
 * Whether the destination of an entry is known not to be this host. That may be known of an entry that leads nowhere: the
 * neighbour is not resolved, or the XDP program cannot follow the route. Any thread that has taken the entry.
 */
bool nexthop_leaves(uint32_t entry);

/** Gives an entry back, once for each time that it was taken. Any thread. */
void nexthop_release(uint32_t entry);

#endif
