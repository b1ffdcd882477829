/* SPDX-License-Identifier: BSD-3-Clause */
/* One way from an address of ours to another host, as the kernel would send. */
#ifndef OFFLOAD_RESOLVE_H
#define OFFLOAD_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct mnl_socket;

struct way {
	union abi_addr from, to;
	uint8_t family;
	bool known;       /* a hop was found, when last looked for */
	bool probed;      /* the neighbour was asked for since it was last known */
	uint32_t ifindex; /* the device out; 0 without a route */
	union abi_addr gateway;
};

/**
 * Looks for the next hop. Asks the kernel to resolve a neighbour that is not
 * known, once, and to confirm one that is stale. 0, or -errno with *hop zero.
 */
int way_find(struct mnl_socket *questions,
	     void (*abilities)(uint32_t ifindex, bool *redirect, bool *transmit), struct way *way,
	     struct hop *hop);

#endif
