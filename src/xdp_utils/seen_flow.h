/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows as they were seen in the kernel's table. Pure. */
#ifndef OFFLOAD_XDP_UTILS_SEEN_FLOW_H
#define OFFLOAD_XDP_UTILS_SEEN_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "channel/usage.h"
#include "transport.h"

/** Copies of all that the tables have of a flow, and the server's own addresses. */
struct flow_parts {
	const struct flow_slot *slot;
	const struct flow_words *words;
	const union abi_addr *own6;
	const struct flow_note *note;
};

struct seen_flow {
	struct transport from; /* where a packet of the flow comes from */
	struct transport to;   /* the server's address that it comes to */
	uint16_t number;       /* the channel number in the packet; 0: it comes from a peer */
	struct flow flow;
	struct usage used; /* since the flow was bound */
	uint64_t since;    /* when it was bound: CLOCK_BOOTTIME, ns, a multiple of FLOW_BEGUN_NS */
	uint32_t session;  /* its number in the table of sessions; 0: not known */
	bool open;         /* the kernel relays its packets: this host was seen to do so, or has nothing against it */
};

struct seen_flow_list {
	struct seen_flow *flow;
	size_t count, room;
};

/**
 * Reads a flow, of which slot and words do not change meanwhile. `now` is CLOCK_BOOTTIME in nanoseconds, read after
 * they were copied. A flow that is older than 497 days seems to be younger by a multiple of that.
 */
void seen_flow_read(const struct flow_parts *parts, uint64_t now, struct seen_flow *seen);

/** Adds a flow to a list, whose memory the caller frees with free(list->flow). 0 or -ENOMEM. */
int seen_flow_add(struct seen_flow_list *list, const struct seen_flow *seen);

#endif
