/* SPDX-License-Identifier: BSD-3-Clause */
/* Offloaded channels, put together from the flows of the kernel's tables. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHANNELS_H
#define OFFLOAD_XDP_UTILS_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "channel/usage.h"

/** A transport address. */
struct transport {
	uint8_t family;
	uint16_t port; /* host order */
	union abi_addr address;
};

enum direction { TO_PEER, TO_CLIENT, DIRECTIONS };

/* A flow as it is in the table; IPv4 addresses are the first words. */
struct seen_flow {
	struct transport from, at; /* where a packet comes from, and where to */
	uint16_t number;           /* 0: it comes from a peer */
	struct flow flow;
	struct usage used;         /* since it was bound */
	uint64_t since;            /* CLOCK_BOOTTIME, ns */
};

/* Numbers of one direction. */
struct way {
	struct usage used;   /* since the channel was bound */
	bool resolved;       /* its next hop is known */
	double packets_rate; /* per second; 0 without an earlier look */
	double bits_rate;    /* of the data, without headers */
};

struct channel_row {
	struct transport client, server, relay, peer;
	uint16_t number;
	uint16_t owner;      /* relay thread */
	bool alive;          /* it has been heard of */
	uint32_t limit_row;
	uint32_t hop[DIRECTIONS];
	uint64_t since;      /* CLOCK_BOOTTIME, ns */
	bool limited;        /* max-bps limits the session, */
	uint64_t limit;      /* to so many bytes per second in each direction on each side, */
	uint64_t dropped;    /* for which so many packets of it were dropped */
	struct way way[DIRECTIONS];
};

struct flow_list {
	struct seen_flow *flow;
	size_t count, room;
};

struct channel_list {
	struct channel_row *row;
	size_t count;
};

/** Orders addresses, IPv4 first, then ports. As memcmp(3). */
int transport_compare(const struct transport *one, const struct transport *other);

/** A flow of the table, by a copy of its row. */
void flow_see(const struct flow_slot *slot, uint64_t since, struct seen_flow *seen);

/** Adds one to a list that is freed with free(). 0 or -ENOMEM. */
int flow_add(struct flow_list *list, const struct seen_flow *seen);

/**
 * The channels whose both flows are in the list, which is put in another order.
 * All but what other tables say of them. 0 with rows that are freed with free(), or
 * -ENOMEM.
 */
int channels_pair(struct flow_list *flows, struct channel_list *channels);

/** Bytes of data that a direction delivered, without the ChannelData headers. */
uint64_t way_data(const struct channel_row *row, enum direction direction);

/**
 * Rates since an earlier look, `seconds` ago; a channel that was not there then
 * has carried all it has since. `before` is put in another order.
 */
void channels_compare(struct channel_list *before, struct channel_list *after, double seconds);

#endif
