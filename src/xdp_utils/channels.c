/* SPDX-License-Identifier: BSD-3-Clause */
#include "channels.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "table/flow_table.h"

void flow_see(const struct flow_slot *slot, uint64_t since, struct seen_flow *seen)
{
	union flow_any_key key;
	int family = flow_table_slot_key(slot, &key);

	memset(seen, 0, sizeof(*seen));
	flow_table_slot_flow(slot, &seen->flow);
	usage_of_flow(seen->flow.channel, slot->packets, slot->data, slot->trimmed, &seen->used);
	seen->since = since;
	seen->from.family = seen->at.family = (uint8_t)family;
	if (family == AF_INET6) {
		memcpy(&seen->from.address, key.v6.saddr, sizeof(key.v6.saddr));
		memcpy(&seen->at.address, key.v6.daddr, sizeof(key.v6.daddr));
	} else {
		seen->from.address.v4 = key.v4.saddr;
		seen->at.address.v4 = key.v4.daddr;
	}
	seen->from.port = ntohs(slot->key_sport);
	seen->at.port = ntohs(slot->key_dport);
	seen->number = ntohs(slot->key_channel);
}

int flow_add(struct flow_list *list, const struct seen_flow *seen)
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

int transport_compare(const struct transport *one, const struct transport *other)
{
	int order = one->family - other->family;

	if (!order)
		order = memcmp(&one->address, &other->address, sizeof(one->address));
	return order ? order : one->port - other->port;
}

/* By where packets come from and where they go to; those of clients by number, too. */
static int compare_flows(const void *left, const void *right)
{
	const struct seen_flow *one = left, *other = right;
	int order = transport_compare(&one->from, &other->from);

	if (!order)
		order = transport_compare(&one->at, &other->at);
	return order ? order : one->number - other->number;
}

static struct transport leaving(const struct flow *flow, bool source)
{
	return (struct transport){
		.family = flow->flags & FLOW_V6 ? AF_INET6 : AF_INET,
		.port = ntohs(source ? flow->sport : flow->dport),
		.address = source ? flow->saddr : flow->daddr,
	};
}

/* The flow back from a peer: to the relay, from where this one goes to. */
static const struct seen_flow *find_back(const struct flow_list *flows, const struct seen_flow *there)
{
	struct seen_flow wanted = {
		.from = leaving(&there->flow, false),
		.at = leaving(&there->flow, true),
	};

	return bsearch(&wanted, flows->flow, flows->count, sizeof(wanted), compare_flows);
}

static void describe(const struct seen_flow *there, const struct seen_flow *back, struct channel_row *row)
{
	*row = (struct channel_row){
		.client = there->from,
		.server = there->at,
		.relay = back->at,
		.peer = back->from,
		.number = there->number,
		.owner = there->flow.owner,
		.limit_row = there->flow.limit,
		.hop = { there->flow.hop, back->flow.hop },
		.limited = there->flow.flags & FLOW_LIMITED,
		.since = there->since > back->since ? there->since : back->since,
		.way = { { .used = there->used }, { .used = back->used } },
	};
}

int channels_pair(struct flow_list *flows, struct channel_list *channels)
{
	struct channel_row *rows = calloc(flows->count / 2 + 1, sizeof(*rows));
	size_t count = 0;

	if (!rows)
		return -ENOMEM;
	if (flows->count) /* an empty list has no memory */
		qsort(flows->flow, flows->count, sizeof(*flows->flow), compare_flows);
	for (size_t i = 0; i < flows->count; i++) {
		const struct seen_flow *there = &flows->flow[i];
		const struct seen_flow *back = there->number ? find_back(flows, there) : NULL;

		/* One that has no way back is about to end. */
		if (back && count <= flows->count / 2)
			describe(there, back, &rows[count++]);
	}
	channels->row = rows;
	channels->count = count;
	return 0;
}

uint64_t way_data(const struct channel_row *row, enum direction direction)
{
	const struct usage *used = &row->way[direction].used;

	return direction == TO_PEER ? used->bytes_out : used->bytes_in;
}

/* Rows are of one channel if they were bound at the same time, too. */
static int compare_channels(const void *left, const void *right)
{
	const struct channel_row *one = left, *other = right;
	int order = transport_compare(&one->client, &other->client);

	if (!order)
		order = transport_compare(&one->server, &other->server);
	if (!order)
		order = one->number - other->number;
	return order ? order : (one->since > other->since) - (one->since < other->since);
}

static void rate(struct channel_row *row, const struct channel_row *had, double seconds)
{
	for (int i = 0; i < DIRECTIONS; i++) {
		uint64_t packets = row->way[i].used.packets - (had ? had->way[i].used.packets : 0);
		uint64_t bytes = way_data(row, i) - (had ? way_data(had, i) : 0);

		row->way[i].packets_rate = (double)packets / seconds;
		row->way[i].bits_rate = 8 * (double)bytes / seconds;
	}
}

void channels_compare(struct channel_list *before, struct channel_list *after, double seconds)
{
	if (seconds <= 0)
		return;
	qsort(before->row, before->count, sizeof(*before->row), compare_channels);
	for (size_t i = 0; i < after->count; i++)
		rate(&after->row[i],
		     bsearch(&after->row[i], before->row, before->count, sizeof(*before->row), compare_channels),
		     seconds);
}
