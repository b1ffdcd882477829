/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds the two flows of a channel: their keys, and everything that is the same in every packet of a flow. It is
 * computed once, when the channel is bound, so that the XDP program need not. The functions work on their
 * arguments alone.
 */
#ifndef OFFLOAD_CHANNEL_FLOW_BUILD_H
#define OFFLOAD_CHANNEL_FLOW_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/eligibility.h"
#include "table/flow_table.h"

/* The directions of a channel, which are the indices of its flows. */
enum {
	TO_PEER,
	TO_CLIENT,
	DIRECTIONS,
};

/** How coturn's sockets send, as far as it does not depend on the packet that was received. */
struct flow_style {
	uint8_t ttl, ttl6;        /* the largest TTL, and hop limit, that a packet leaves with */
	uint8_t client_ttl_fixed; /* 1: the TTL towards clients does not depend on the packet received */
	bool client_df;           /* IPv4 packets to clients have DF set */
	bool flow_labels;         /* IPv6 packets have a flow label */
	uint32_t secret;          /* random; flow labels are computed from it */
};

/** One direction of a channel, as it goes into the table of flows. */
struct built_flow {
	int family; /* of the packets that arrive, and so of the key: AF_INET or AF_INET6 */
	union flow_any_key key;
	struct flow flow;
};

/**
 * Builds both flows of a channel that eligibility_check allows. The fields hop, limit, owner and
 * id_first of the flows are 0: channel_open sets them.
 */
void flow_build(const struct channel_request *request, const struct flow_style *style,
		struct built_flow built[DIRECTIONS]);

/** Computes ip_sum of an IPv4 flow again. To be called after FLOW_DF was changed. */
void flow_build_sum_ipv4(struct flow *flow);

#endif
