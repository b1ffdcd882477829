/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How UDP datagrams leave from one of our addresses to another, as the kernel itself
 * would send them: by which device, with which VLAN tags, to which neighbour, with which
 * MTU and TTL. All of this is for one thread.
 */
#ifndef OFFLOAD_ROUTE_ROUTE_LOOKUP_H
#define OFFLOAD_ROUTE_ROUTE_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "netlink/link.h"

/* So many links are remembered at a time. */
#define ROUTE_LOOKUP_DEVICES 64

struct route_lookup_device {
	uint32_t ifindex; /* 0: this place remembers none */
	int error;        /* 0, or why `link` is not known or cannot be used */
	struct link link;
	bool fresh; /* it was read since route_lookup_forget */
	bool flags_known;
	uint8_t flags; /* HOP_REDIRECT, HOP_TRANSMIT, HOP_FRAGS and HOP_HANDS_ON */
};

/* So many of our own addresses are remembered at a time. */
#define ROUTE_LOOKUP_OWN_BITS 6
#define ROUTE_LOOKUP_OWN (1 << ROUTE_LOOKUP_OWN_BITS)

struct route_lookup_own {
	int family; /* 0: this place remembers none */
	bool ours;
	union abi_addr address;
};

/** What a lookup needs and what it remembers, which spares questions to the kernel. */
struct route_lookup {
	struct mnl_socket *questions; /* NULL: not open */
	uint8_t (*device_flags)(uint32_t ifindex);
	int socket;  /* of IPv4, to ask for the default TTL */
	uint8_t ttl; /* 0: not known */
	struct route_lookup_device devices[ROUTE_LOOKUP_DEVICES];
	struct route_lookup_own own[ROUTE_LOOKUP_OWN];
};

struct found_route {
	bool leaves;      /* the destination is not this host, also where the XDP program cannot follow the route */
	struct hop hop;   /* without the neighbour's MAC; or only mtu, ttl and HOP_LOCAL */
	uint32_t ifindex; /* the interface that the neighbour is on, which may be a VLAN */
	uint8_t gateway_family;
	union abi_addr gateway; /* the neighbour */
};

/**
 * Opens the sockets for lookups. `device_flags` is as in struct nexthop_callbacks. 0, or
 * -errno with nothing left open.
 */
int route_lookup_open(struct route_lookup *lookup, uint8_t (*device_flags)(uint32_t ifindex));

/** Closes the sockets. Does nothing to a lookup that is all zero, or closed. */
void route_lookup_close(struct route_lookup *lookup);

/**
 * Forgets what the kernel may have changed and told nobody of: some of the links' properties, how frames leave by
 * them, and the default TTL. `heard`: the kernel has told of some change not long ago, so that all of the links and our own
 * addresses are forgotten, too. From now on the kernel is asked again.
 */
void route_lookup_forget(struct route_lookup *lookup, bool heard);

/** 0 if packets to an address are for this host; -EADDRNOTAVAIL if not; -ETIMEDOUT if the kernel does not answer. */
int route_lookup_is_ours(struct route_lookup *lookup, int family, const union abi_addr *address);

/**
 * Looks for the route of UDP datagrams between two addresses. 0; -EHOSTUNREACH if there is
 * none; -ENETDOWN if a link on it is down; -EOPNOTSUPP if it is one that the XDP program
 * cannot follow; or another -errno. After an error all of `found` but `leaves` is undefined.
 */
int route_lookup_find(struct route_lookup *lookup, int family, const union abi_addr *from,
		      const union abi_addr *to, struct found_route *found);

#endif
