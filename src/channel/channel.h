/* SPDX-License-Identifier: BSD-3-Clause */
/* The channels that the kernel relays: two flows each, both or neither. */
#ifndef OFFLOAD_CHANNEL_CHANNEL_H
#define OFFLOAD_CHANNEL_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/eligibility.h"
#include "table/maps.h"
#include "channel/usage.h"

/** How coturn's sockets send, where it is not the packet that says. */
struct channel_style {
	uint8_t ttl, ttl6;        /* the most that is sent to a peer, by IPv4 and by IPv6 */
	uint8_t client_ttl_fixed; /* 1: what clients get does not depend on what was received */
	bool client_df;           /* clients get IPv4 packets with DF set */
	bool flow_labels;         /* IPv6 packets have a flow label */
	uint32_t secret;          /* of the flow labels */
};

struct channel;

/** Room for `channels` channels. 0 or -ENOMEM. */
int channel_start(unsigned int channels, const struct channel_style *style);

/** Forgets the room; all channels must have been freed. */
void channel_stop(void);

/**
 * A row for a session that max-bps limits, for the requests of its channels, and
 * its memory, which is shared with the program. 0 or -ENOSPC. Any thread.
 */
int channel_limit_take(uint32_t *row, struct limit **limit);

/** Gives it back; the channels must have been freed. */
void channel_limit_give(uint32_t row);

/**
 * Has the kernel relay a channel that channel_check allowed, for relay thread
 * `owner`. 0; -ENOSPC if the tables are full; -EEXIST if one of its address
 * pairs is relayed already; or another -errno; then nothing was changed. Any thread.
 */
int channel_open(const struct channel_request *request, uint16_t owner, struct channel **channel);

/**
 * Ends the relaying, at once: no packet that arrives later is relayed. What it
 * carried can still be read. Does nothing if it has ended before. Any thread, but
 * one at a time for a channel.
 */
void channel_close(struct channel *channel);

/** From now on the peer gets packets without DF. As channel_close. */
void channel_clear_df(struct channel *channel);

/** What it carried since it was opened or last read, each way. As channel_close. */
void channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client);

/** Frees a closed channel; its rows are used again for others. NULL is fine. */
void channel_free(struct channel *channel);

/** One direction of a channel, as the kernel knows it. */
struct channel_flow {
	int family; /* of what comes in, and so of the key */
	union map_key key;
	struct flow flow;
};

/** Both flows of a channel, to the peer and to the client, without hop, usage and owner. Pure. */
void channel_flows(const struct channel_request *request, const struct channel_style *style,
		   struct channel_flow flow[2]);

#endif
