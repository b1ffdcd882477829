/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one door between coturn/ and the rest: coturn/ calls these functions, and what the
 * headers below declare, which is arithmetic. A struct channel is only memory for it. offload_stub.c has the same functions for
 * a build without XDP.
 */
#ifndef OFFLOAD_OFFLOAD_H
#define OFFLOAD_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/option.h"
#include "channel/channel.h"
#include "channel/eligibility.h"
#include "channel/source_address.h"
#include "channel/usage.h"
#include "table/meter.h"

/** Whether this build has the offload: false with configure --without-xdp. Any thread. */
bool offload_is_built(void);

/**
 * Loads the XDP program, attaches it to the interfaces, and starts the monitor thread. `addresses` are the server's listening and relay addresses, in
 * text; `client_ttl_fixed` is not 0 if coturn sends to clients with the TTL of a new socket,
 * whatever it has received. Call it after the fork of a daemon, and before relay threads are made
 * and privileges are dropped. 0, or -errno with nothing started; the log has said why.
 */
int offload_start(const struct settings *settings, const char *const *addresses, unsigned int count,
		  int client_ttl_fixed);

/** Tells that the server runs as its user from now on: the monitor thread gives up what it no longer needs. */
void offload_privileges_dropped(void);

/**
 * Tells that a relay thread is alive. Each relay thread that owns channels calls it every second. Its flows end by
 * themselves if it does not, or if the monitor thread is silent (watchdog.h).
 */
void offload_beat(uint16_t owner);

/**
 * Has the kernel relay a channel that eligibility_check allowed, for relay thread
 * `owner`. 0, and `channel` is filled; -ENOSPC if the tables are full; -EEXIST if one of its address
 * pairs is relayed already; or another -errno; then nothing was changed. Any thread.
 */
int offload_channel_open(const struct channel_request *request, uint16_t owner, struct channel *channel);

/**
 * Ends the relaying at once: no packet that arrives later is relayed. What the channel
 * carried can still be read. Does nothing the second time. Any thread, but one at a time
 * for a channel.
 */
void offload_channel_close(struct channel *channel);

/** From now on the peer gets packets without DF. As offload_channel_close. */
void offload_channel_clear_df(struct channel *channel);

/**
 * Has the CPU fetch from memory what offload_channel_moved and offload_channel_look read, without waiting for it. As
 * offload_channel_close.
 */
void offload_channel_fetch(const struct channel *channel);

/** Whether the channel has carried packets since it was opened or last read. As offload_channel_close. */
bool offload_channel_moved(const struct channel *channel);

/** Fetches what offload_channel_read reads besides, of a channel that has moved. As offload_channel_fetch. */
void offload_channel_fetch_rest(const struct channel *channel);

/** What it carried since it was opened or last read, by direction. As offload_channel_close. */
void offload_channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client);

/**
 * Whether what coturn itself relays has to be told to offload_channel_relayed: something on this host may refuse or
 * translate packets, so that the kernel relays by example (channel/examples.h). Any thread.
 */
bool offload_wants_examples(void);

/**
 * Opens an eventfd(2) that can be read, without blocking, when something has happened on the host after which
 * offload_channel_look is due soon. It stays open as long as the process, and each relay thread may have one. Returns it, or
 * -errno. Any thread.
 */
int offload_host_listen(void);

/**
 * coturn has tried to send a packet of a channel, to the client or to the peer: `error` is 0 or the errno of its
 * system call. As offload_channel_close.
 */
void offload_channel_relayed(struct channel *channel, bool to_client, int error);

/**
 * Looks at whether this host still relays the channel's packets: `second` once a second, and without it more often
 * for two seconds after offload_host_listen() has told. Returns a reason for which the channel stays in
 * userspace, once for each reason, or REFUSAL_NONE. As offload_channel_close.
 */
enum refusal offload_channel_look(struct channel *channel, bool second);

/** Whether the tables are so full that channels which carry nothing should give up their slots. Any thread. */
bool offload_is_crowded(void);

/** Gives back what a closed channel holds: its slots are then used for others. NULL is fine. */
void offload_channel_free(struct channel *channel);

/**
 * Takes a number for a session that is to have channels in the kernel, for the requests of its channels, and tells
 * inspectors of the session. 0 or -ENOSPC. Any thread.
 */
int offload_session_take(const struct session_entry *session, uint32_t *number);

/** Gives the number back; the session's channels must have been freed. 0 is allowed. Any thread. */
void offload_session_give(uint32_t number);

/** The slot of the limits of a session with a number, in memory that is shared with the program. Any thread. */
struct limit *offload_session_limit(uint32_t number);

/** Adds UDP payload that the kernel has relayed since the last call, as received and as sent, for inspectors. Any thread. */
void offload_count_relayed(uint64_t bytes_in, uint64_t bytes_out);

/** Adds packets of data that coturn has sent itself since the last call, for inspectors. Any thread. */
void offload_count_userspace(uint64_t packets);

/** Counts a channel that stays in userspace, for inspectors, by its reason. Any thread. */
void offload_count_refusal(enum refusal refusal);

/** Counts a channel that stays in userspace because it could not be opened, by the -errno. Any thread. */
void offload_count_failure(int error);

#endif
