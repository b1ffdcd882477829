/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels that the kernel relays. Each is made of two flows, one for each direction. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHANNELS_H
#define OFFLOAD_XDP_UTILS_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "seen_flow.h"
#include "transport.h"

enum direction {
	TO_PEER,
	TO_CLIENT,
	DIRECTIONS,
};

struct direction_figures {
	struct usage used; /* since the channel was bound */
	bool next_hop_known;
	double packets_per_second; /* 0 without an earlier snapshot, as is the next one */
	double bits_per_second;    /* of the data, without ChannelData headers */
	bool open;                 /* this host was seen to relay such packets, or is free */
};

struct channel_entry {
	struct transport client, server, relay, peer;
	uint16_t number;
	uint16_t owner;               /* slot of the deadlines: the relay thread */
	bool alive;                   /* the relay thread has moved its deadline ahead in time */
	uint32_t limit_slot;          /* slot of the limits, if `limited` */
	uint32_t hop[DIRECTIONS];     /* slots of the next hops */
	uint32_t device[DIRECTIONS];  /* by which packets leave; 0: not known, this host, or for a VLAN above it */
	uint32_t session_number;      /* in the table of sessions; 0: not known */
	struct session_entry session; /* all 0 if it is not known */
	uint64_t since;               /* when it was bound: CLOCK_BOOTTIME, ns */
	bool limited;                 /* max-bps limits its session */
	uint64_t limit;               /* bytes per second, in each direction on each side */
	uint64_t dropped;             /* packets of the session that the kernel dropped for max-bps */
	struct direction_figures direction[DIRECTIONS];
};

struct channel_list {
	struct channel_entry *entry;
	size_t count;
};

/**
 * Makes the list of the channels that have both flows in `flows`, whose order it
 * changes. A flow alone is a channel that is being bound or about to end, and is left
 * out. What only other tables know (device, next_hop_known, alive, session, limit, dropped) stays 0.
 * 0 with entries that the caller frees with free(), or -ENOMEM.
 */
int channels_pair(struct seen_flow_list *flows, struct channel_list *channels);

/** The bytes of data that a direction has relayed, without ChannelData headers. */
uint64_t channels_data(const struct channel_entry *entry, enum direction direction);

/**
 * Puts rates into `after`, a list that was taken `seconds` after `before`. What a
 * channel has carried that `before` lacks counts as carried in that time. Without
 * seconds above 0 it does nothing. Changes the order of `before`.
 */
void channels_compare(struct channel_list *before, struct channel_list *after, double seconds);

#endif
