/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of flows, written: open addressing over slots that the XDP program
 * reads at the same time (struct flow_slot). It is memory alone: no change of it
 * is a system call, or can fail for want of a privilege.
 */
#ifndef OFFLOAD_TABLE_FLOW_TABLE_H
#define OFFLOAD_TABLE_FLOW_TABLE_H

#include <pthread.h>
#include <stdint.h>

#include "abi.h"

/** The key of a flow, of the family of the packets that come in. */
union flow_any_key {
	struct flow_key v4;
	struct flow_key6 v6;
};

/** What a slot has of a flow, also when it has ended: its key, whose family is returned. Pure. */
int flow_table_slot_key(const struct flow_slot *slot, union flow_any_key *key);

/** And the rest. Pure. */
void flow_table_slot_flow(const struct flow_slot *slot, struct flow *flow);

/** All zeros but for the lock (PTHREAD_MUTEX_INITIALIZER): not open. */
struct flow_table {
	pthread_mutex_t lock;
	struct flow_slot *slot; /* shared with the program */
	const uint64_t *seed;   /* FLOW_SEEDS of them, the program's */
	uint32_t *freed;        /* when a slot was given back, in milliseconds, or a mark */
	uint32_t slots;
	uint64_t stride;
	uint32_t room;          /* for so many more flows */
};

/**
 * Takes over `slots` slots (flow_table_slots) of zeros, for at most `flows` flows. The
 * slots and the seed must stay. 0 or -ENOMEM.
 */
int flow_table_open(struct flow_table *table, struct flow_slot *slot, uint32_t slots, uint32_t flows,
		    const uint64_t *seed);

/** Lets go of them. Does nothing if it is not open. */
void flow_table_close(struct flow_table *table);

/**
 * A slot for a flow, which is not there before it is written, and has counted nothing. 0;
 * -EEXIST if the key has one already; -ENOSPC. Any thread.
 */
int flow_table_reserve(struct flow_table *table, int family, const union flow_any_key *key, uint32_t *index);

/** Puts a flow into its slot, or another in its place. Any thread, but one at a time for a slot. */
void flow_table_write(struct flow_table *table, uint32_t index, const struct flow *flow);

/** Ends a flow: its key may be put again. The slot stays taken. Any thread. */
void flow_table_end(struct flow_table *table, uint32_t index);

/** Gives back the slot of a flow that was ended, to be used again after a while. Any thread. */
void flow_table_free(struct flow_table *table, uint32_t index);

#endif
