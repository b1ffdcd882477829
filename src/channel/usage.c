/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/usage.h"

#include <string.h>

/* The size of ChannelData's header in bytes (RFC 8656, section 12.4). */
#define CHANNEL_HEADER 4

void usage_of_flow(bool to_client, uint64_t packets, uint64_t data, uint64_t trimmed, struct usage *usage)
{
	uint64_t headers = packets * CHANNEL_HEADER;

	usage->packets = packets;
	usage->bytes_in = to_client ? data : data + headers + trimmed;
	usage->bytes_out = to_client ? data + headers : data;
}

void usage_add(struct usage_sum *sum, const struct usage *to_peer, const struct usage *to_client,
	       unsigned int peer_header)
{
	sum->packets[USAGE_RECEIVED] += to_peer->packets;
	sum->bytes[USAGE_RECEIVED] += to_peer->bytes_in;
	sum->packets[USAGE_PEER_SENT] += to_peer->packets;
	sum->bytes[USAGE_PEER_SENT] += to_peer->bytes_out + peer_header * to_peer->packets;
	sum->packets[USAGE_PEER_RECEIVED] += to_client->packets;
	sum->bytes[USAGE_PEER_RECEIVED] += to_client->bytes_in;
	sum->packets[USAGE_SENT] += to_client->packets;
	sum->bytes[USAGE_SENT] += to_client->bytes_out;
}

static uint64_t packets_in(const struct usage_sum *sum)
{
	uint64_t packets = 0;

	for (int i = 0; i < USAGE_COUNTERS; i++)
		packets += sum->packets[i];
	return packets;
}

/*
 * The bytes are looked at as well: when a flow's counters are read while the XDP program counts, the padding of a
 * packet may be there without the packet.
 */
bool usage_empty(const struct usage_sum *sum)
{
	for (int i = 0; i < USAGE_COUNTERS; i++) {
		if (sum->packets[i] || sum->bytes[i])
			return false;
	}
	return true;
}

/* Moves `packets` packets of counter `i`, with the same share of its bytes, rounded down. */
static void move(struct usage_sum *rest, struct usage_sum *part, int i, uint64_t packets)
{
	uint64_t bytes;

	if (!packets)
		return;
	bytes = rest->bytes[i] / rest->packets[i] * packets +
		rest->bytes[i] % rest->packets[i] * packets / rest->packets[i];
	rest->packets[i] -= packets;
	rest->bytes[i] -= bytes;
	part->packets[i] += packets;
	part->bytes[i] += bytes;
}

bool usage_take(struct usage_sum *rest, uint32_t counted, struct usage_sum *part)
{
	uint64_t room = USAGE_REPORT_PACKETS - counted % USAGE_REPORT_PACKETS;
	uint64_t total = packets_in(rest);

	memset(part, 0, sizeof(*part));
	if (total <= room) {
		*part = *rest;
		memset(rest, 0, sizeof(*rest));
		return total == room;
	}
	/* Each counter gives its share, rounded down. Then the first counters give what is missing. */
	for (int i = 0; i < USAGE_COUNTERS; i++)
		move(rest, part, i, (uint64_t)((__uint128_t)rest->packets[i] * room / total));
	room -= packets_in(part);
	for (int i = 0; i < USAGE_COUNTERS && room; i++) {
		uint64_t packets = rest->packets[i] < room ? rest->packets[i] : room;

		move(rest, part, i, packets);
		room -= packets;
	}
	return true;
}
