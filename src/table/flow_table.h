/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server's side of the table of flows. The table uses open addressing (struct flow_slot
 * of abi.h describes it), and the XDP program reads it while it is written here. It is memory
 * that both share, so a change is no system call and needs no capability.
 *
 * A slot is in one of these states: free; reserved, so that its key is taken but no packet
 * finds it; written, so that packets are relayed by it; ended, so that no packet finds it and
 * its key is free, but its counters can still be read.
 */
#ifndef OFFLOAD_TABLE_FLOW_TABLE_H
#define OFFLOAD_TABLE_FLOW_TABLE_H

#include <pthread.h>
#include <stdint.h>

#include "abi.h"

/** The key of a flow, of the address family of the packets that arrive. Bytes that it does not use are 0. */
union flow_any_key {
	struct flow_key v4;
	struct flow_key6 v6;
};

/**
 * Copies the key out of a slot, which may have ended. Returns the key's family, AF_INET or
 * AF_INET6. The copy may be torn if the slot is written meanwhile: see struct flow_slot.
 */
int flow_table_slot_key(const struct flow_slot *slot, union flow_any_key *key);

/** Copies the flow out of a slot, under the same conditions. */
void flow_table_slot_flow(const struct flow_slot *slot, struct flow *flow);

/** A table. Before flow_table_open, all zeros but the lock (PTHREAD_MUTEX_INITIALIZER). */
struct flow_table {
	pthread_mutex_t lock;
	struct flow_slot *slot; /* shared with the XDP program */
	const uint64_t *seed;   /* the FLOW_SEEDS seeds of the hash, which are the XDP program's */
	uint32_t *freed;        /* of each slot: when it was given back, in milliseconds, or a mark */
	uint32_t slots;
	uint64_t stride; /* flow_stride(slots) */
	uint32_t room;   /* how many more flows are accepted */
};

/**
 * Opens a table over `slots` slots of zeros (their number is from flow_table_slots), for at
 * most `flows` flows. The slots and the seeds must stay until flow_table_close. Returns 0 or
 * -ENOMEM. Before other threads use the table.
 */
int flow_table_open(struct flow_table *table, struct flow_slot *slot, uint32_t slots, uint32_t flows,
		    const uint64_t *seed);

/** Frees what flow_table_open has allocated, but not the slots. Does nothing if the table is not open. */
void flow_table_close(struct flow_table *table);

/**
 * Reserves a slot for a key of `family` and sets its counters to 0. Returns 0; -EEXIST if
 * the key has a slot already; -ENOSPC if the table is full or no slot is free where the key
 * may stand. Any thread.
 */
int flow_table_reserve(struct flow_table *table, int family, const union flow_any_key *key, uint32_t *index);

/**
 * Writes a flow into the slot that was reserved for it, or replaces the flow there; the
 * counters go on. While it is replaced, its packets go to coturn. Any thread, but only one at a
 * time for a slot.
 */
void flow_table_write(struct flow_table *table, uint32_t index, const struct flow *flow);

/** Ends the flow of a slot. Does nothing the second time. Any thread, but only one at a time for a slot. */
void flow_table_end(struct flow_table *table, uint32_t index);

/** Frees the slot of a flow that has ended. Another key gets it after 100 ms at the earliest. Any thread. */
void flow_table_free(struct flow_table *table, uint32_t index);

#endif
