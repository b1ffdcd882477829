/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one door between coturn/ and the rest: coturn/ calls these functions, and what the
 * headers below declare, which is arithmetic. offload_stub.c has the same functions for
 * a build without XDP.
 */
#ifndef OFFLOAD_OFFLOAD_H
#define OFFLOAD_OFFLOAD_H

#include <stdint.h>

#include "base/option.h"
#include "channel/eligibility.h"
#include "channel/source_address.h"
#include "channel/usage.h"
#include "table/meter.h"

struct channel;

/* A relay thread's flows end when it has not been heard of for so long. */
#define OFFLOAD_SILENCE_SECONDS 5

/**
 * Loads, attaches and starts; after the daemon's fork, before relay threads run
 * and privileges are dropped. `addresses` are the server's, in text. 0, or
 * -errno when nothing was started; the log has said why.
 */
int offload_start(const struct settings *settings, const char *const *addresses, unsigned int count,
		  int client_ttl_fixed);

/** The server has taken on its user: threads of the offload give up what they no longer need. */
void offload_privileges_dropped(void);

/** A relay thread is alive; to be called every second. */
void offload_beat(uint16_t owner);

/**
 * Has the kernel relay a channel that eligibility_check allowed, for relay thread
 * `owner`. 0; -ENOSPC if the tables are full; -EEXIST if one of its address
 * pairs is relayed already; or another -errno; then nothing was changed. Any thread.
 */
int offload_channel_open(const struct channel_request *request, uint16_t owner, struct channel **channel);

/**
 * Ends the relaying at once: no packet that arrives later is relayed. What the channel
 * carried can still be read. Does nothing the second time. Any thread, but one at a time
 * for a channel.
 */
void offload_channel_close(struct channel *channel);

/** From now on the peer gets packets without DF. As offload_channel_close. */
void offload_channel_clear_df(struct channel *channel);

/** What it carried since it was opened or last read, by direction. As offload_channel_close. */
void offload_channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client);

/** Frees a closed channel, whose slots are then used for others. NULL is fine. */
void offload_channel_free(struct channel *channel);

/**
 * Takes a slot for a session that max-bps limits, for the requests of its channels, and
 * its memory, which is shared with the program. 0 or -ENOSPC. Any thread.
 */
int offload_limit_take(uint32_t *slot, struct limit **limit);

/** Gives the slot back; the session's channels must have been freed. Any thread. */
void offload_limit_give(uint32_t slot);

/** Counts a channel that stays in userspace, for inspectors, by the word of eligibility_check. Any thread. */
void offload_count_refusal(enum refusal refusal);

/** Counts one that offload_channel_open has refused with -errno. Any thread. */
void offload_count_failure(int error);

#endif
