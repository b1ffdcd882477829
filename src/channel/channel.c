/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "route/nexthop.h"
#include "table/index_pool.h"

/* What coturn passes on of the TTL 64 that it takes for granted. */
#define MAPPED_TTL 63

enum direction { TO_PEER, TO_CLIENT, DIRECTIONS };

/* One way of a channel. */
struct half {
	struct channel_flow way;
	uint32_t row;           /* of the table of flows */
	struct flow_count seen; /* when last read */
	bool in_kernel;
};

struct channel {
	struct half half[DIRECTIONS];
};

static struct channel_style own_style;
/* Rows of sessions that max-bps limits. */
static struct ring limits = { .lock = PTHREAD_MUTEX_INITIALIZER };

int channel_start(unsigned int channels, const struct channel_style *style)
{
	/* Such a session has one channel at least. */
	int error = ring_start(&limits, channels);

	if (!error)
		own_style = *style;
	return error;
}

void channel_stop(void)
{
	ring_stop(&limits);
}

int channel_limit_take(uint32_t *row, struct limit **limit)
{
	int error = ring_take(&limits, row);

	if (!error)
		*limit = map_limit(*row);
	return error;
}

void channel_limit_give(uint32_t row)
{
	ring_give(&limits, row);
}

/* Sums of 16-bit words as in bpf/checksum.h: in memory order, not folded. */
static uint64_t sum_words(const uint32_t *word, int count)
{
	uint64_t sum = 0;

	while (count--)
		sum += (uint64_t)(word[count] & 0xffff) + (word[count] >> 16);
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint64_t sum_key(const struct channel_flow *way)
{
	const struct flow_key6 *v6 = &way->key.v6;
	const struct flow_key *v4 = &way->key.v4;

	if (way->family == AF_INET6)
		return sum_words(v6->saddr, 4) + sum_words(v6->daddr, 4) + v6->sport + v6->dport;
	return sum_words(&v4->saddr, 1) + sum_words(&v4->daddr, 1) + v4->sport + v4->dport;
}

/* The unused words of an IPv4 address are 0. */
static uint64_t sum_addresses(const struct flow *flow)
{
	return sum_words(flow->saddr.word, 4) + sum_words(flow->daddr.word, 4);
}

static void sum_ipv4(struct flow *flow)
{
	flow->ip_sum = fold(htons(0x4500) + (uint64_t)flow->frag_off + htons(IPPROTO_UDP) +
			    sum_addresses(flow));
}

/* As the kernel's: the same in all packets of a five-tuple, and not to be foreseen. */
static uint32_t flow_label(const struct flow *flow, uint32_t secret)
{
	uint64_t hash = secret;

	for (int i = 0; i < 4; i++)
		hash = (hash ^ flow->saddr.word[i] ^ ((uint64_t)flow->daddr.word[i] << 32)) *
		       0x9e3779b97f4a7c15ULL;
	hash = (hash ^ flow->sport ^ ((uint64_t)flow->dport << 32)) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(hash >> 44);
}

static void put_address(const union endpoint *endpoint, union abi_addr *address)
{
	memset(address, 0, sizeof(*address));
	if (endpoint->any.sa_family == AF_INET6)
		memcpy(address->v6, &endpoint->v6.sin6_addr, sizeof(address->v6));
	else
		address->v4 = endpoint->v4.sin_addr.s_addr;
}

static __be16 port_of(const union endpoint *endpoint)
{
	return endpoint->any.sa_family == AF_INET6 ? endpoint->v6.sin6_port : endpoint->v4.sin_port;
}

static void make_key(const union endpoint *from, const union endpoint *at, __be16 number,
		     struct channel_flow *way)
{
	struct flow_key6 *v6 = &way->key.v6;
	struct flow_key *v4 = &way->key.v4;

	memset(&way->key, 0, sizeof(way->key));
	way->family = from->any.sa_family;
	if (way->family == AF_INET6) {
		memcpy(v6->saddr, &from->v6.sin6_addr, sizeof(v6->saddr));
		memcpy(v6->daddr, &at->v6.sin6_addr, sizeof(v6->daddr));
		v6->sport = from->v6.sin6_port;
		v6->dport = at->v6.sin6_port;
		v6->channel = number;
		v6->family = FLOW_KEY_V6;
	} else {
		v4->saddr = from->v4.sin_addr.s_addr;
		v4->daddr = at->v4.sin_addr.s_addr;
		v4->sport = from->v4.sin_port;
		v4->dport = at->v4.sin_port;
		v4->channel = number;
		v4->family = FLOW_KEY_V4;
	}
}

/* What is the same in every packet of a flow is computed here, once. */
static void make_flow(const union endpoint *from, const union endpoint *to,
		      const struct channel_style *style, struct channel_flow *way)
{
	struct flow *flow = &way->flow;

	put_address(from, &flow->saddr);
	put_address(to, &flow->daddr);
	flow->sport = port_of(from);
	flow->dport = port_of(to);
	flow->tos_mask = 0xff;
	flow->udp_delta = fold(sum_addresses(flow) + flow->sport + flow->dport +
			       (uint16_t)~fold(sum_key(way)));
	if (to->any.sa_family == AF_INET6) {
		flow->flags = FLOW_V6;
		flow->label = htonl(0x60000000 |
				    (style->flow_labels ? flow_label(flow, style->secret) : 0));
	}
}

void channel_flows(const struct channel_request *request, const struct channel_style *style,
		   struct channel_flow way[2])
{
	struct flow *to_peer = &way[TO_PEER].flow, *to_client = &way[TO_CLIENT].flow;
	__be16 number = htons(request->number);

	memset(way, 0, DIRECTIONS * sizeof(*way));
	make_key(&request->client, &request->server, number, &way[TO_PEER]);
	make_flow(&request->relay, &request->peer, style, &way[TO_PEER]);
	to_peer->ttl = to_peer->flags & FLOW_V6 ? style->ttl6 : style->ttl;

	make_key(&request->peer, &request->relay, 0, &way[TO_CLIENT]);
	make_flow(&request->server, &request->client, style, &way[TO_CLIENT]);
	to_client->channel = number;
	to_client->ttl = to_client->flags & FLOW_V6 ? style->ttl6 : style->ttl;
	if (style->client_ttl_fixed)
		to_client->ttl_from = FLOW_TTL_WAY;

	/*
	 * coturn asks and tells its IPv6 sockets IPv6's hop limit and traffic class,
	 * which an IPv4 packet has not: it takes the TTL for 64, the TOS for 0.
	 */
	if (request->mapped) {
		to_client->ttl_from = FLOW_TTL_WAY;
		to_peer->ttl_from = FLOW_TTL_CONSTANT;
		to_peer->ttl = to_peer->ttl < MAPPED_TTL ? to_peer->ttl : MAPPED_TTL;
		to_peer->tos_mask = to_client->tos_mask = 0;
	}
	if (!(to_peer->flags & FLOW_V6)) {
		to_peer->frag_off = request->df ? htons(IP_DF) : 0;
		sum_ipv4(to_peer);
	}
	if (!(to_client->flags & FLOW_V6)) {
		to_client->frag_off = style->client_df ? htons(IP_DF) : 0;
		sum_ipv4(to_client);
	}
	if (request->limited) {
		to_peer->flags |= FLOW_LIMITED;
		to_client->flags |= FLOW_LIMITED;
		if (way[TO_CLIENT].family == AF_INET6)
			to_client->flags |= FLOW_LIMITED_V6;
	}
}

/* A half whose key and flow are set, but for the rows. */
static int half_open(struct half *half, const struct channel_request *request, uint16_t owner)
{
	struct flow *flow = &half->way.flow;
	int error = nexthop_acquire(flow->flags & FLOW_V6 ? AF_INET6 : AF_INET, &flow->saddr, &flow->daddr,
				    &flow->hop);

	if (error)
		return error;
	flow->owner = owner;
	if (request->limited)
		flow->limit = request->limit;
	if (!(flow->flags & FLOW_V6))
		flow->id_first = (uint16_t)random();
	error = map_flow_put(half->way.family, &half->way.key, flow, &half->row);
	if (error) {
		nexthop_release(flow->hop);
		return error;
	}
	half->in_kernel = true;
	return 0;
}

static void half_close(struct half *half)
{
	if (half->in_kernel)
		map_flow_end(half->row);
	half->in_kernel = false;
}

static void half_free(struct half *half)
{
	nexthop_release(half->way.flow.hop);
	map_flow_free(half->row);
}

int channel_open(const struct channel_request *request, uint16_t owner, struct channel **channel)
{
	struct channel_flow way[DIRECTIONS];
	struct channel *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return -ENOMEM;
	channel_flows(request, &own_style, way);
	for (int i = 0; i < DIRECTIONS; i++)
		new->half[i].way = way[i];
	/* Before the client can be answered through it, the way back is there. */
	error = half_open(&new->half[TO_CLIENT], request, owner);
	if (error)
		goto failed;
	error = half_open(&new->half[TO_PEER], request, owner);
	if (error)
		goto undo;
	*channel = new;
	return 0;
undo:
	half_close(&new->half[TO_CLIENT]);
	half_free(&new->half[TO_CLIENT]);
failed:
	free(new);
	return error;
}

void channel_close(struct channel *channel)
{
	half_close(&channel->half[TO_PEER]);
	half_close(&channel->half[TO_CLIENT]);
}

void channel_clear_df(struct channel *channel)
{
	struct half *half = &channel->half[TO_PEER];
	struct flow *flow = &half->way.flow;

	if (!half->in_kernel || !flow->frag_off)
		return;
	flow->frag_off = 0;
	sum_ipv4(flow);
	map_flow_replace(half->row, flow);
}

static void half_read(struct half *half, struct usage *since)
{
	struct flow_count now;

	map_flow_read(half->row, &now);
	usage_of_flow(half->way.flow.channel, now.packets - half->seen.packets, now.data - half->seen.data,
		      (uint32_t)(now.trimmed - half->seen.trimmed), since);
	half->seen = now;
	if (since->packets || since->bytes_in)
		map_total_count(since->bytes_in, since->bytes_out);
}

void channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client)
{
	half_read(&channel->half[TO_PEER], to_peer);
	half_read(&channel->half[TO_CLIENT], to_client);
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	half_free(&channel->half[TO_PEER]);
	half_free(&channel->half[TO_CLIENT]);
	free(channel);
}
