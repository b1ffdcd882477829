/* SPDX-License-Identifier: BSD-3-Clause */
#include "seen_flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "table/flow_table.h"

/* The note has the lower 32 bits of this time. The flow was bound at the last time before `now` that has them. */
static uint64_t bound_at(uint32_t begun, uint64_t now)
{
	uint64_t tick = now / FLOW_BEGUN_NS;

	return (tick - (uint32_t)(tick - begun)) * FLOW_BEGUN_NS;
}

void seen_flow_read(const struct flow_parts *parts, uint64_t now, struct seen_flow *seen)
{
	const struct flow_slot *slot = parts->slot;
	const struct flow_note *note = parts->note;
	struct flow_total total = flow_table_total(slot->usage, note->halves);
	union flow_any_key key;
	int family = flow_table_key(slot, parts->words, parts->own6, &key);

	memset(seen, 0, sizeof(*seen));
	flow_table_flow(slot, parts->words, parts->own6, &seen->flow);
	usage_of_flow(seen->flow.channel, total.packets, total.data, note->trimmed,
		      &seen->used);
	seen->since = bound_at(note->begun, now);
	seen->open = slot->gate & ~GATE_ASK;
	seen->session = note->session;
	seen->from.family = seen->to.family = (uint8_t)family;
	if (family == AF_INET6) {
		memcpy(&seen->from.address, key.v6.saddr, sizeof(key.v6.saddr));
		memcpy(&seen->to.address, key.v6.daddr, sizeof(key.v6.daddr));
	} else {
		seen->from.address.v4 = key.v4.saddr;
		seen->to.address.v4 = key.v4.daddr;
	}
	seen->from.port = ntohs(slot->key_sport);
	seen->to.port = ntohs(slot->key_dport);
	seen->number = ntohs(slot->key_channel);
}

int seen_flow_add(struct seen_flow_list *list, const struct seen_flow *seen)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 256;
		struct seen_flow *more = realloc(list->flow, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->flow = more;
		list->room = room;
	}
	list->flow[list->count++] = *seen;
	return 0;
}
