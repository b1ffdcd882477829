/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A relay thread of coturn with the channels of its sessions that are in the kernel. coturn keeps a
 * session on one thread for its whole life, so the state here is of the calling thread and needs no
 * lock. All functions are for the relay thread of the session, or of the engine.
 */
#ifndef OFFLOAD_COTURN_RELAY_THREAD_H
#define OFFLOAD_COTURN_RELAY_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "ns_turn_session.h"

#include "coturn/bandwidth.h"
#include "coturn/share.h"
#include "offload.h"

/** A channel that the kernel relays or has relayed, until coturn deletes it. It stands in the pool of channel_pool.h. */
struct hooked_channel {
	ts_ur_super_session *session;
	struct channel *channel;     /* `memory`, or NULL after it was closed and its slots were given back */
	struct bandwidth *bandwidth; /* NULL without max-bps, or if `channel` is NULL */
	struct share *share;         /* the session's; NULL if `channel` is NULL */
	ioa_socket_handle relay;     /* the socket of its relayed transport address; NULL if closed */
	uint64_t next_try_ms;        /* resting: before this it does not try to get slots (clock_coarse_ms) */
	uint32_t idle_seconds;       /* for so long the kernel has relayed nothing */
	bool taken;                  /* false: its place in the pool is free */
	bool closed;                 /* nothing is relayed any more */
	bool resting;                /* it has given up its slots, and gets some again with its next packet */
	bool df;                     /* the relay's socket sends IPv4 packets with DF */
	struct hooked_channel *next; /* of the free places */
	struct channel memory;
} __attribute__((aligned(64))); /* in as few cache lines as can be */

/**
 * Registers the calling thread, whose engine is given, with the offload, and starts its timer of one second,
 * which renews the thread's deadline and adds what the kernel counted to the sessions. Does nothing the
 * second time. Returns 0; -EUSERS if there are more than ABI_OWNERS threads; or -ENOMEM.
 */
int relay_thread_start(ioa_engine_handle engine);

/** Returns the thread's slot of the deadlines, which is valid after relay_thread_start. */
uint16_t relay_thread_owner(void);

/** Gives back everything that a closed channel holds, and its place in the pool. */
void relay_thread_remove(struct hooked_channel *hooked);

/** Counts a packet of data that coturn sends itself, on this thread. */
void relay_thread_count_userspace(void);

/** Returns whether a channel of the thread is resting. */
bool relay_thread_has_resting(void);

/** A resting channel has slots again. */
void relay_thread_wake(struct hooked_channel *hooked);

/** Ends the relaying of a channel at once, and adds what it carried last to its session. */
void relay_thread_close(struct hooked_channel *hooked);

/** Calls `act` for each channel of the thread, with `data`. `act` must not add channels. */
void relay_thread_each(void (*act)(struct hooked_channel *hooked, void *data), void *data);

#endif
