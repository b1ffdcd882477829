/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nexthop.h"

enum direction { TO_PEER, TO_CLIENT, DIRECTIONS };

/* One way of a channel. */
struct half {
	struct flow_key key;
	struct flow flow;
	struct usage seen; /* of that row, when last read */
	bool in_kernel;
};

struct channel {
	struct half half[DIRECTIONS];
};

/*
 * Rows of the usage table, which are given out in a ring: the one that was
 * given back longest ago comes first, when no CPU can be counting in it still.
 */
static struct {
	pthread_mutex_t lock;
	struct channel_style style;
	uint32_t *ring;
	uint32_t rows, first, free;
} rows = { .lock = PTHREAD_MUTEX_INITIALIZER };

int channel_start(unsigned int channels, const struct channel_style *style)
{
	rows.rows = rows.free = DIRECTIONS * channels;
	rows.first = 0;
	rows.style = *style;
	rows.ring = calloc(rows.rows, sizeof(*rows.ring));
	if (!rows.ring)
		return -ENOMEM;
	for (uint32_t i = 0; i < rows.rows; i++)
		rows.ring[i] = i;
	return 0;
}

void channel_stop(void)
{
	free(rows.ring);
	rows.ring = NULL;
	rows.rows = rows.free = 0;
}

static int row_take(uint32_t *row)
{
	int error = -ENOSPC;

	pthread_mutex_lock(&rows.lock);
	if (rows.free) {
		*row = rows.ring[rows.first];
		rows.first = (rows.first + 1) % rows.rows;
		rows.free--;
		error = 0;
	}
	pthread_mutex_unlock(&rows.lock);
	return error;
}

static void row_give(uint32_t row)
{
	pthread_mutex_lock(&rows.lock);
	rows.ring[(rows.first + rows.free) % rows.rows] = row;
	rows.free++;
	pthread_mutex_unlock(&rows.lock);
}

/* Sums of 16-bit words as in bpf/checksum.h: in memory order, not folded. */
static uint64_t sum_address(__be32 address)
{
	return (uint64_t)(address & 0xffff) + (address >> 16);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* What is the same in every packet of a flow is summed here, once. */
static void precompute(const struct flow_key *key, struct flow *flow)
{
	uint64_t added = sum_address(flow->saddr.v4) + sum_address(flow->daddr.v4) + flow->sport +
			 flow->dport;
	uint64_t removed = sum_address(key->saddr) + sum_address(key->daddr) + key->sport + key->dport;

	flow->udp_delta = fold(added + (uint16_t)~fold(removed));
	flow->ip_sum = fold(htons(0x4500) + (uint64_t)flow->frag_off + htons(IPPROTO_UDP) +
			    sum_address(flow->saddr.v4) + sum_address(flow->daddr.v4));
}

static void half_flow(const union endpoint *from, const union endpoint *at, const union endpoint *out_from,
		      const union endpoint *out_to, uint8_t ttl, bool df, struct flow_key *key,
		      struct flow *flow)
{
	memset(key, 0, sizeof(*key));
	key->saddr = from->v4.sin_addr.s_addr;
	key->sport = from->v4.sin_port;
	key->daddr = at->v4.sin_addr.s_addr;
	key->dport = at->v4.sin_port;

	memset(flow, 0, sizeof(*flow));
	flow->saddr.v4 = out_from->v4.sin_addr.s_addr;
	flow->sport = out_from->v4.sin_port;
	flow->daddr.v4 = out_to->v4.sin_addr.s_addr;
	flow->dport = out_to->v4.sin_port;
	flow->ttl = ttl;
	flow->frag_off = df ? htons(IP_DF) : 0;
	precompute(key, flow);
}

void channel_flows(const struct channel_request *request, const struct channel_style *style,
		   struct flow_key key[2], struct flow flow[2])
{
	half_flow(&request->client, &request->server, &request->relay, &request->peer, style->ttl,
		  request->df, &key[TO_PEER], &flow[TO_PEER]);
	key[TO_PEER].channel = htons(request->number);
	flow[TO_PEER].key_mark = flow_key_mark(&key[TO_PEER]);

	half_flow(&request->peer, &request->relay, &request->server, &request->client, style->ttl,
		  style->client_df, &key[TO_CLIENT], &flow[TO_CLIENT]);
	flow[TO_CLIENT].channel = htons(request->number);
	flow[TO_CLIENT].ttl_fixed = style->client_ttl_fixed;
	flow[TO_CLIENT].key_mark = flow_key_mark(&key[TO_CLIENT]);
}

/* A half whose key and flow are set, but for the rows. */
static int half_open(struct half *half, uint16_t owner)
{
	int error = row_take(&half->flow.usage);

	if (error)
		return error;
	error = nexthop_acquire(AF_INET, &half->flow.saddr, &half->flow.daddr, &half->flow.hop);
	if (error)
		goto row;
	map_usage_read(half->flow.usage, &half->seen);
	half->flow.owner = owner;
	half->flow.id_first = (uint16_t)random();
	error = map_flow_put(&half->key, &half->flow);
	if (error)
		goto hop;
	half->in_kernel = true;
	return 0;
hop:
	nexthop_release(half->flow.hop);
row:
	row_give(half->flow.usage);
	return error == -E2BIG ? -ENOSPC : error;
}

static int half_close(struct half *half)
{
	int error;

	if (!half->in_kernel)
		return 0;
	error = map_flow_delete(&half->key);
	if (error && error != -ENOENT)
		return error;
	half->in_kernel = false;
	return 0;
}

static void half_free(struct half *half)
{
	nexthop_release(half->flow.hop);
	row_give(half->flow.usage);
}

int channel_open(const struct channel_request *request, uint16_t owner, struct channel **channel)
{
	struct flow_key key[DIRECTIONS];
	struct flow flow[DIRECTIONS];
	struct channel *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return -ENOMEM;
	channel_flows(request, &rows.style, key, flow);
	for (int i = 0; i < DIRECTIONS; i++) {
		new->half[i].key = key[i];
		new->half[i].flow = flow[i];
	}
	/* Before the client can be answered through it, the way back is there. */
	error = half_open(&new->half[TO_CLIENT], owner);
	if (error)
		goto failed;
	error = half_open(&new->half[TO_PEER], owner);
	if (error)
		goto undo;
	*channel = new;
	return 0;
undo:
	/* Rows that a flow in the kernel refers to are never given to another. */
	if (half_close(&new->half[TO_CLIENT]))
		error = -ENOTRECOVERABLE;
	else
		half_free(&new->half[TO_CLIENT]);
failed:
	free(new);
	return error;
}

int channel_close(struct channel *channel)
{
	int to_peer = half_close(&channel->half[TO_PEER]);
	int to_client = half_close(&channel->half[TO_CLIENT]);

	return to_peer ? to_peer : to_client;
}

int channel_clear_df(struct channel *channel)
{
	struct half *half = &channel->half[TO_PEER];
	struct flow flow = half->flow;
	int error;

	if (!half->in_kernel || !flow.frag_off)
		return 0;
	flow.frag_off = 0;
	precompute(&half->key, &flow);
	error = map_flow_replace(&half->key, &flow);
	if (!error)
		half->flow = flow;
	return error;
}

static void half_read(struct half *half, struct usage *since)
{
	struct usage now;

	map_usage_read(half->flow.usage, &now);
	since->packets = now.packets - half->seen.packets;
	since->bytes_in = now.bytes_in - half->seen.bytes_in;
	since->bytes_out = now.bytes_out - half->seen.bytes_out;
	half->seen = now;
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
