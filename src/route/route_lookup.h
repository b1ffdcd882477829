/* SPDX-License-Identifier: BSD-3-Clause */
/* The way from an address of ours to another, as the kernel would send. */
#ifndef OFFLOAD_ROUTE_ROUTE_LOOKUP_H
#define OFFLOAD_ROUTE_ROUTE_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "netlink/link.h"

/* Links that are remembered at a time. */
#define ROUTE_LOOKUP_DEVICES 64

struct device {
	uint32_t ifindex; /* 0: none */
	int error;        /* why it is not known; else: */
	struct link link;
	bool reached;     /* `flags` is known, too */
	uint8_t flags;
};

/** For one thread. What it remembers of links spares questions. */
struct route_lookup {
	struct mnl_socket *questions;
	uint8_t (*device_flags)(uint32_t ifindex);
	int socket; /* of IPv4, which is asked for its TTL */
	uint8_t ttl;
	struct device devices[ROUTE_LOOKUP_DEVICES];
};

struct found_route {
	struct hop hop;   /* all but the neighbour's MAC; or HOP_LOCAL */
	uint32_t ifindex; /* where the neighbour is */
	uint8_t gateway_family;
	union abi_addr gateway; /* the neighbour */
};

/** 0 or -errno. The callback is as in struct nexthop_callbacks. */
int route_lookup_open(struct route_lookup *resolver, uint8_t (*device_flags)(uint32_t ifindex));

/** Does nothing to one that is all zero. */
void route_lookup_close(struct route_lookup *resolver);

/** From now on links are asked for anew. */
void route_lookup_forget(struct route_lookup *resolver);

/** Looks for the way of UDP datagrams. 0, or -errno with *way undefined. */
int route_lookup_find(struct route_lookup *resolver, int family, const union abi_addr *from,
	     const union abi_addr *to, struct found_route *way);

#endif
