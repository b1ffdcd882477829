/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The neighbours, by ARP or NDP, that entries of the next hop table lead by. Many
 * entries share a gateway: news of it cost one question, and entries are only touched
 * if its MAC is another. All of this is for one thread.
 */
#ifndef OFFLOAD_ROUTE_NEIGHBOUR_H
#define OFFLOAD_ROUTE_NEIGHBOUR_H

#include <stdint.h>

#include "abi.h"

struct mnl_socket;

/**
 * For so many entries. `changed` is called for each entry that leads by a neighbour
 * that has another MAC, or none (NULL); it may not call back. 0 or -ENOMEM.
 */
int neighbour_start(uint32_t entries, struct mnl_socket *questions,
		    void (*changed)(uint32_t entry, const uint8_t *mac));

/** Forgets all. */
void neighbour_stop(void);

/** From now on each neighbour is asked for anew, once. */
void neighbour_forget(void);

/**
 * From now on an entry leads by this neighbour, and by no other. Has the kernel
 * resolve one that is not known, once, and confirm one that is stale.
 * 0, or -EHOSTUNREACH if its MAC is not known now.
 */
int neighbour_join(uint32_t entry, int family, uint32_t ifindex, const union abi_addr *address,
		   uint8_t mac[6]);

/** An entry leads by no neighbour. */
void neighbour_leave(uint32_t entry);

/** The kernel told of a neighbour. */
void neighbour_changed(int family, uint32_t ifindex, const union abi_addr *address);

#endif
