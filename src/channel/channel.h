/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The channels that the XDP program relays. Each has two flows, one towards the peer and one towards
 * the client, and either both are in the kernel or none.
 */
#ifndef OFFLOAD_CHANNEL_CHANNEL_H
#define OFFLOAD_CHANNEL_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/eligibility.h"
#include "channel/examples.h"
#include "channel/flow_build.h"
#include "channel/usage.h"
#include "table/maps.h"

/** One direction of a channel. */
struct channel_direction {
	struct flow_count seen; /* what was read last */
	uint32_t trimmed;       /* likewise */
	uint32_t slot;          /* of the table of flows */
	bool in_kernel;
};

/**
 * A channel in the kernel. It stands in memory of whoever has opened it, who does not look inside: so all that is read
 * of a channel every second can stand together.
 */
struct channel {
	struct channel_direction direction[DIRECTIONS];
	struct examples examples;
	struct built_flow *built; /* of both directions, in memory of their own */
};

/** Sets how packets of all channels are sent that are opened later. Before other threads are made. */
void channel_start(const struct flow_style *style);

/**
 * Starts to relay a channel in the kernel. eligibility_check must have allowed it; `owner` is
 * the relay thread's slot of the deadlines. Returns 0 and fills `channel`; -ENOSPC if the tables
 * are full; -EEXIST if one of its two flows exists already; or another -errno. After an error
 * nothing was changed. Any thread.
 */
int channel_open(const struct channel_request *request, uint16_t owner, struct channel *channel);

/**
 * Ends the relaying at once: no packet that arrives later is relayed. channel_read can still
 * read what the channel carried. Does nothing the second time. Any thread, but only one at a time for
 * a channel.
 */
void channel_close(struct channel *channel);

/**
 * From now on the peer's IPv4 packets are sent without DF. Does nothing if the channel is closed or has no
 * DF. Threads as for channel_close.
 */
void channel_clear_df(struct channel *channel);

/**
 * Has the CPU fetch from memory what channel_moved and channel_look read, without waiting for it. Threads as for
 * channel_close.
 */
void channel_fetch(const struct channel *channel);

/** Returns whether the channel has carried packets since it was opened or last read. Threads as for channel_close. */
bool channel_moved(const struct channel *channel);

/** Fetches what channel_read reads besides, of a channel that has moved. As channel_fetch. */
void channel_fetch_rest(const struct channel *channel);

/** Reads what each direction has carried since the channel was opened or last read. Threads as for channel_close. */
void channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client);

/**
 * coturn has tried to send a packet of a direction (TO_PEER or TO_CLIENT): `error` is 0 or the errno of its
 * system call. Threads as for channel_close.
 */
void channel_relayed(struct channel *channel, unsigned int which, int error);

/**
 * Looks at whether this host still relays the channel's packets (examples_look). `second`: a second has passed
 * since this was last given. Returns a reason why the kernel does not relay them, or REFUSAL_NONE.
 * Threads as for channel_close.
 */
enum refusal channel_look(struct channel *channel, bool second);

/**
 * Gives back all that a closed channel holds: its slots, which other channels then get, and memory. NULL is allowed.
 * Threads as for channel_close.
 */
void channel_free(struct channel *channel);

#endif
