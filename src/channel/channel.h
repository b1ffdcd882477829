/* SPDX-License-Identifier: BSD-3-Clause */
/* The channels that the kernel relays: two flows each, both or neither. */
#ifndef OFFLOAD_CHANNEL_CHANNEL_H
#define OFFLOAD_CHANNEL_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/eligibility.h"
#include "channel/flow_build.h"
#include "channel/usage.h"

struct channel;

/** How all channels that are opened from now on are sent. Before other threads are made. */
void channel_start(const struct flow_style *style);

/**
 * Has the kernel relay a channel that eligibility_check allowed, for relay thread
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

/** Frees a closed channel; its slots are used again for others. NULL is fine. */
void channel_free(struct channel *channel);

#endif
