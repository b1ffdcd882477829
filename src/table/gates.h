/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gates of the places from which packets come (struct gate of abi.h), and what all threads have to
 * know of the host before they open a flow's gate: one word, which they read without a lock.
 */
#ifndef OFFLOAD_TABLE_GATES_H
#define OFFLOAD_TABLE_GATES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

/* What stands in the way of packets on this host, by address family. */
enum gates_host {
	GATES_EXAMINED_V4 = STATUS_EXAMINED_V4, /* something may refuse packets */
	GATES_EXAMINED_V6 = STATUS_EXAMINED_V6,
	GATES_NAT_V4 = STATUS_NAT_V4, /* something may translate their addresses */
	GATES_NAT_V6 = STATUS_NAT_V6,
	GATES_HOST_ALL = GATES_EXAMINED_V4 | GATES_EXAMINED_V6 | GATES_NAT_V4 | GATES_NAT_V6,
};

/**
 * The state of the gates in one word: the flags of enum gates_host, how often another example of all flows was
 * asked for (which wraps around), and the epoch. Two words are equal as long as nothing has happened.
 */
typedef uint32_t gates_state;

/**
 * Takes the memory that is shared with the XDP program, ABI_PORTS entries and the gate of the hairpin, and closes
 * all gates. The entries keep the places that they have. Before other threads are made.
 */
void gates_open(struct attachment *attachments, struct gate *hairpin);

/** Forgets the memory. No other thread may use it any more. */
void gates_close(void);

/** Returns the place of an entry of the memory, one of the bits GATE_DEVICES; 0: it has none yet. */
uint32_t gates_place(const struct gate *gate);

/**
 * Gives an entry a place, in the present epoch: before the entry has an interface, and also before gates_open. Entries of one
 * device have the same place. For the thread that calls gates_next_epoch.
 */
void gates_place_put(struct gate *gate, uint32_t place);

/** Returns the state. Any thread. */
gates_state gates_now(void);

/**
 * Opens an eventfd(2) that can be read when the state has changed, without blocking. It stays open as long as the process.
 * Returns it; -EUSERS if more than ABI_OWNERS are asked for; or another -errno. Any thread.
 */
int gates_listen(void);

/**
 * Closes the gates of all flows at once. A flow's thread opens it again by the next epoch. For the monitor thread, or
 * before it is made.
 */
void gates_next_epoch(void);

/**
 * Tells what stands in the way of packets from now on (enum gates_host). What was not there before closes all
 * gates at once. If there was as much before, an example of each flow is asked for. As gates_next_epoch.
 */
void gates_host_changed(uint32_t host);

/** Returns the flags of enum gates_host in a state. */
static inline uint32_t gates_host(gates_state state)
{
	return state & GATES_HOST_ALL;
}

/** Returns the gate that is open to `places` (bits of abi.h) in the epoch of a state. */
static inline uint32_t gates_gate(gates_state state, uint32_t places)
{
	return state >> GATE_EPOCH_SHIFT << GATE_EPOCH_SHIFT | places;
}

/** Returns whether both states are of the same epoch. */
static inline bool gates_same_epoch(gates_state one, gates_state other)
{
	return !((one ^ other) >> GATE_EPOCH_SHIFT);
}

#endif
