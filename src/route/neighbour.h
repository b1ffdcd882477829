/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The neighbours, by ARP or NDP, that entries of the table of next hops lead to. Many
 * entries share a gateway: a change of it costs one question to the kernel, and its
 * entries are touched only if it has another MAC. All of this is for one thread.
 */
#ifndef OFFLOAD_ROUTE_NEIGHBOUR_H
#define OFFLOAD_ROUTE_NEIGHBOUR_H

#include <stdint.h>

#include "abi.h"

struct mnl_socket;

/**
 * Makes room for `entries` entries. `questions` is a socket of rtnetlink_open, which
 * stays the caller's. `changed` is called for each entry whose neighbour has another MAC,
 * or none (NULL); it must not call back. 0 or -ENOMEM.
 */
int neighbour_start(uint32_t entries, struct mnl_socket *questions,
		    void (*changed)(uint32_t entry, const uint8_t *mac));

/** Forgets everything. Does nothing if not started. */
void neighbour_stop(void);

/** From now on the kernel is asked again about each neighbour, once, when an entry joins it. */
void neighbour_forget(void);

/**
 * From now on the entry leads to this neighbour, and to no other. Has the kernel resolve
 * a neighbour that it does not know, once, and confirm a stale one. 0 with the neighbour's
 * address in `mac`; -EHOSTUNREACH if it is not known now: `changed` is called when it is; or
 * -ETIMEDOUT if the kernel did not answer, so that it is to be asked again.
 */
int neighbour_join(uint32_t entry, int family, uint32_t ifindex, const union abi_addr *address,
		   uint8_t mac[6]);

/** From now on the entry leads to no neighbour. */
void neighbour_leave(uint32_t entry);

/** The kernel has told of a change of this neighbour. Does nothing if no entry leads to it. */
void neighbour_changed(int family, uint32_t ifindex, const union abi_addr *address);

#endif
