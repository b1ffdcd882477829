/* SPDX-License-Identifier: BSD-3-Clause */
#include "channels.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Orders by where packets come from and where they go to, then by channel number. */
static int compare_flows(const void *left, const void *right)
{
	const struct seen_flow *one = left, *other = right;
	int order = transport_compare(&one->from, &other->from);

	if (!order)
		order = transport_compare(&one->to, &other->to);
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

/* The flow of the other direction: from the peer that this one leads to, to the relay that it leaves from. */
static const struct seen_flow *find_reverse(const struct seen_flow_list *flows, const struct seen_flow *to_peer)
{
	struct seen_flow wanted = {
		.from = leaving(&to_peer->flow, false),
		.to = leaving(&to_peer->flow, true),
	};

	return bsearch(&wanted, flows->flow, flows->count, sizeof(wanted), compare_flows);
}

static void describe(const struct seen_flow *to_peer, const struct seen_flow *to_client, struct channel_entry *entry)
{
	*entry = (struct channel_entry){
		.client = to_peer->from,
		.server = to_peer->to,
		.relay = to_client->to,
		.peer = to_client->from,
		.number = to_peer->number,
		.owner = to_peer->flow.owner,
		.limit_slot = to_peer->session - 1,
		.hop = { to_peer->flow.hop, to_client->flow.hop },
		.session_number = to_peer->session,
		.limited = to_peer->flow.flags & FLOW_LIMITED,
		.since = to_peer->since > to_client->since ? to_peer->since : to_client->since,
		.direction = { { .used = to_peer->used, .open = to_peer->open },
			       { .used = to_client->used, .open = to_client->open } },
	};
}

int channels_pair(struct seen_flow_list *flows, struct channel_list *channels)
{
	struct channel_entry *entries = calloc(flows->count / 2 + 1, sizeof(*entries));
	size_t count = 0;

	if (!entries)
		return -ENOMEM;
	if (flows->count) /* an empty list has no memory, which qsort() may not be given */
		qsort(flows->flow, flows->count, sizeof(*flows->flow), compare_flows);
	for (size_t i = 0; i < flows->count; i++) {
		const struct seen_flow *to_peer = &flows->flow[i];
		const struct seen_flow *to_client = to_peer->number ? find_reverse(flows, to_peer) : NULL;

		/* A flow that has no other direction is being bound, or about to end. */
		if (to_client && count <= flows->count / 2)
			describe(to_peer, to_client, &entries[count++]);
	}
	channels->entry = entries;
	channels->count = count;
	return 0;
}

uint64_t channels_data(const struct channel_entry *entry, enum direction direction)
{
	const struct usage *used = &entry->direction[direction].used;

	return direction == TO_PEER ? used->bytes_out : used->bytes_in;
}

/* Entries are of one channel only if they were also bound at the same time: numbers are used again. */
static int compare_channels(const void *left, const void *right)
{
	const struct channel_entry *one = left, *other = right;
	int order = transport_compare(&one->client, &other->client);

	if (!order)
		order = transport_compare(&one->server, &other->server);
	if (!order)
		order = one->number - other->number;
	return order ? order : (one->since > other->since) - (one->since < other->since);
}

static void rate(struct channel_entry *entry, const struct channel_entry *had, double seconds)
{
	for (int i = 0; i < DIRECTIONS; i++) {
		uint64_t packets = entry->direction[i].used.packets - (had ? had->direction[i].used.packets : 0);
		uint64_t bytes = channels_data(entry, i) - (had ? channels_data(had, i) : 0);

		entry->direction[i].packets_per_second = (double)packets / seconds;
		entry->direction[i].bits_per_second = 8 * (double)bytes / seconds;
	}
}

void channels_compare(struct channel_list *before, struct channel_list *after, double seconds)
{
	if (seconds <= 0)
		return;
	qsort(before->entry, before->count, sizeof(*before->entry), compare_channels);
	for (size_t i = 0; i < after->count; i++)
		rate(&after->entry[i],
		     bsearch(&after->entry[i], before->entry, before->count, sizeof(*before->entry), compare_channels),
		     seconds);
}
