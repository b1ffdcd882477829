/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two flows of a channel: their keys, and all that is the same in every packet of
 * a flow and is computed once, when the channel is bound.
 */
#ifndef OFFLOAD_CHANNEL_FLOW_BUILD_H
#define OFFLOAD_CHANNEL_FLOW_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/eligibility.h"
#include "table/flow_table.h"

/* The directions of a channel, which are indices of its flows. */
enum { TO_PEER, TO_CLIENT, DIRECTIONS };

/** How coturn's sockets send, where it is not the packet that says. */
struct flow_style {
	uint8_t ttl, ttl6;        /* the most that is sent to a peer, by IPv4 and by IPv6 */
	uint8_t client_ttl_fixed; /* 1: what clients get does not depend on what was received */
	bool client_df;           /* clients get IPv4 packets with DF set */
	bool flow_labels;         /* IPv6 packets have a flow label */
	uint32_t secret;          /* of the flow labels */
};

/** One direction of a channel, as the kernel knows it. */
struct built_flow {
	int family; /* of what comes in, and so of the key */
	union flow_any_key key;
	struct flow flow;
};

/** Both flows of a channel, to the peer and to the client, without hop, usage and owner. Pure. */
void flow_build(const struct channel_request *request, const struct flow_style *style,
		   struct built_flow flow[2]);

/** Computes the sum of the IPv4 header again, after frag_off was changed. Pure. */
void flow_build_sum_ipv4(struct flow *flow);

#endif
