/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel's netlink events mean for next hops. A changed neighbour concerns
 * the entries that lead to it, and a changed route those to addresses that it covers;
 * both are told by a callback. Any other event concerns more than that. All of this is
 * for one thread.
 */
#ifndef OFFLOAD_ROUTE_EVENTS_H
#define OFFLOAD_ROUTE_EVENTS_H

#include <stdint.h>

#include "abi.h"

struct mnl_socket;

struct events_callbacks {
	/* The kernel knows something new about a neighbour. `family` is AF_INET or AF_INET6. */
	void (*neighbour_changed)(int family, uint32_t ifindex, const union abi_addr *address);
	/* A route to the addresses with this prefix of `length` bits is new, changed or gone. */
	void (*route_changed)(int family, const union abi_addr *prefix, uint8_t length);
};

/** What has to be looked at again, besides what the callbacks were told. */
enum events_extent {
	EVENTS_NOTHING,
	EVENTS_ROUTES,  /* no more than the callbacks were told, but some route has changed */
	EVENTS_ENTRIES, /* the next hops of all entries: many routes changed, or a default route */
	EVENTS_ALL,     /* those, links and IPsec policies: something else changed, or events were lost */
};

/**
 * Reads all pending events of a socket of rtnetlink_listen, and calls the callbacks.
 * Events that were lost for want of room in the socket (ENOBUFS) are counted in the
 * status and may have been any.
 */
enum events_extent events_read_routing(struct mnl_socket *socket, const struct events_callbacks *callbacks);

/** Reads all pending events of another socket that does not block. Returns EVENTS_ALL. */
enum events_extent events_read_others(struct mnl_socket *socket);

#endif
