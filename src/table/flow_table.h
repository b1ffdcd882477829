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

/** The memory of a table, which the XDP program shares. */
struct flow_memory {
	struct flow_slot *slot;
	struct flow_words *words; /* as many as slots */
	union abi_addr *own6;     /* ABI_OWN6 addresses of this server, which are all zeros at first */
};

/**
 * Copies the key out of a slot, which may have ended. Returns the key's family, AF_INET or
 * AF_INET6. `slot` and `words` may be copies, with `own6` of the memory. The copy may be torn if the slot is written
 * meanwhile: see struct flow_slot.
 */
int flow_table_key(const struct flow_slot *slot, const struct flow_words *words, const union abi_addr *own6,
		   union flow_any_key *key);

/** Copies the flow out of a slot, under the same conditions. */
void flow_table_flow(const struct flow_slot *slot, const struct flow_words *words, const union abi_addr *own6,
		     struct flow *flow);

/** Packets and bytes that a flow has carried. */
struct flow_total {
	uint64_t packets;
	uint64_t data; /* bytes, without the headers of ChannelData */
};

/** Adds to a total what lies between two values of `usage`: fewer than 2^28 packets and 2^36 bytes. */
void flow_table_add(uint64_t before, uint64_t after, struct flow_total *total);

/** Returns what `halves` of a flow's note has to be when a total was counted. */
uint32_t flow_table_halves(const struct flow_total *total);

/**
 * Returns the total since the flow was added, from `usage` of its slot and `halves` of its note, if the server has
 * counted the flow not long ago (see flow_table_add). It is right up to 2^43 packets and 2^51 bytes.
 */
struct flow_total flow_table_total(uint64_t usage, uint32_t halves);

/** A table. Before flow_table_open, all zeros but the lock (PTHREAD_MUTEX_INITIALIZER). */
struct flow_table {
	pthread_mutex_t lock;
	struct flow_memory memory;
	const uint64_t *seed; /* the FLOW_SEEDS seeds of the hash, which are the XDP program's */
	uint32_t *freed;      /* of each slot: when it was given back, in milliseconds, or a mark */
	uint32_t slots;
	uint64_t stride; /* flow_stride(slots) */
	uint32_t room;   /* how many more flows are accepted */
};

/**
 * Opens a table over `slots` slots of zeros (their number is from flow_table_slots), for at
 * most `flows` flows. The memory and the seeds must stay until flow_table_close. Returns 0 or
 * -ENOMEM. Before other threads use the table.
 */
int flow_table_open(struct flow_table *table, const struct flow_memory *memory, uint32_t slots, uint32_t flows,
		    const uint64_t *seed);

/** Frees what flow_table_open has allocated, but not the slots. Does nothing if the table is not open. */
void flow_table_close(struct flow_table *table);

/**
 * Reserves a slot for a key of `family` and sets its counters to 0. Returns 0; -EEXIST if
 * the key has a slot already; -ENOSPC if the table is full, or no slot is free where the key
 * may stand; -EADDRNOTAVAIL if this server has too many IPv6 addresses (ABI_OWN6). Any thread.
 */
int flow_table_reserve(struct flow_table *table, int family, const union flow_any_key *key, uint32_t *index);

/**
 * Writes a flow into the slot that was reserved for it, or replaces the flow there; the
 * counters go on. While it is replaced, its packets go to coturn. Returns 0; or -EADDRNOTAVAIL if this server has too
 * many IPv6 addresses, and then nothing has changed. Any thread, but only one at a time for a slot.
 */
int flow_table_write(struct flow_table *table, uint32_t index, const struct flow *flow);

/** Ends the flow of a slot. Does nothing the second time. Any thread, but only one at a time for a slot. */
void flow_table_end(struct flow_table *table, uint32_t index);

/** Frees the slot of a flow that has ended. Another key gets it after 100 ms at the earliest. Any thread. */
void flow_table_free(struct flow_table *table, uint32_t index);

#endif
