/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A relay thread of coturn's, with the channels of its sessions that the kernel relays.
 * coturn keeps a session on one thread, so all here is for that thread.
 */
#ifndef OFFLOAD_COTURN_RELAY_THREAD_H
#define OFFLOAD_COTURN_RELAY_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "ns_turn_session.h"

#include "coturn/bandwidth.h"
#include "offload.h"

/** A channel that the kernel relays or has relayed, until coturn deletes it. */
struct hooked_channel {
	ts_ur_super_session *session;
	struct channel *channel;     /* NULL: it was closed a while ago, and coturn has yet to delete it */
	struct bandwidth *bandwidth; /* NULL: no max-bps, or `channel` is NULL */
	bool closed;
	ioa_socket_handle relay;     /* its relay's socket; NULL: closed, or soon to be */
	bool df;                     /* the relay's socket sends with DF, to IPv4 peers */
	struct hooked_channel *previous, *next; /* of the same relay thread */
};

/**
 * Makes this thread known to the offload, with a timer that beats and folds once a
 * second; does nothing the second time. 0, or -errno: -ENOSPC if there are more
 * threads than ABI_OWNERS.
 */
int relay_thread_start(ioa_engine_handle engine);

/** Its slot of the deadlines. */
uint16_t relay_thread_owner(void);

/** Adds a channel to the thread's list. */
void relay_thread_add(struct hooked_channel *hooked);

/** Takes a channel out of the list, gives back all that it has, and frees it. */
void relay_thread_remove(struct hooked_channel *hooked);

/** Ends the relaying of a channel, at once, and counts the last that it carried. */
void relay_thread_close(struct hooked_channel *hooked);

/** Calls `act` for each channel of the thread. */
void relay_thread_each(void (*act)(struct hooked_channel *hooked, void *data), void *data);

#endif
