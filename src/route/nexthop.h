/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way to each address that channels lead to. A TURN server is an endpoint:
 * the kernel's own FIB lookup for XDP refuses where forwarding is off, so a
 * thread here asks for route and neighbour, writes the entry that the XDP program
 * reads, and writes it again when routes, links or neighbours change.
 */
#ifndef OFFLOAD_ROUTE_NEXTHOP_H
#define OFFLOAD_ROUTE_NEXTHOP_H

#include <stdint.h>

#include "abi.h"

/** What the thread has to know of the interfaces; it is the only caller. */
struct nexthop_callbacks {
	uint8_t (*device_flags)(uint32_t ifindex); /* HOP_REDIRECT, HOP_TRANSMIT, HOP_FRAGS */
	void (*links_changed)(void);               /* some link may not be as it was */
};

/** Starts the thread, with room for `entries` destinations. 0 or -errno. */
int nexthop_start(uint32_t entries, const struct nexthop_callbacks *callbacks);

/** The server has taken on its user: the thread gives up what it no longer needs. */
void nexthop_privileges_dropped(void);

/** Ends the thread and forgets all entries. Does nothing if not started. */
void nexthop_stop(void);

/**
 * An entry that leads from one of our addresses to another, shared with all who
 * ask for the same. It may lead nowhere at first: the thread fills it, new entries
 * first. 0, or -ENOSPC. Any thread; does not wait for the kernel.
 */
int nexthop_acquire(int family, const union abi_addr *from, const union abi_addr *to, uint32_t *entry);

/** Gives an entry back. Any thread. */
void nexthop_release(uint32_t entry);

#endif
