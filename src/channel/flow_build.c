/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/flow_build.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <string.h>

/* coturn passes the TTL on, less one. Where it does not learn the TTL, it assumes 64. */
#define MAPPED_TTL 63

/* The sum of the 16-bit words, each as it is in memory, without folding the carries: see bpf/checksum.h. */
static uint64_t sum_words(const uint32_t *word, int count)
{
	uint64_t sum = 0;

	while (count--)
		sum += (uint64_t)(word[count] & 0xffff) + (word[count] >> 16);
	return sum;
}

/* Adds the carries, which makes it a ones' complement sum (RFC 1071). */
static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint64_t sum_key(const struct built_flow *built)
{
	const struct flow_key6 *v6 = &built->key.v6;
	const struct flow_key *v4 = &built->key.v4;

	if (built->family == AF_INET6)
		return sum_words(v6->saddr, 4) + sum_words(v6->daddr, 4) + v6->sport + v6->dport;
	return sum_words(&v4->saddr, 1) + sum_words(&v4->daddr, 1) + v4->sport + v4->dport;
}

/* The unused words of an IPv4 address are 0, so they may be added too. */
static uint64_t sum_addresses(const struct flow *flow)
{
	return sum_words(flow->saddr.word, 4) + sum_words(flow->daddr.word, 4);
}

void flow_build_sum_ipv4(struct flow *flow)
{
	flow->ip_sum = fold(htons(0x4500) + (uint64_t)(flow->flags & FLOW_DF ? htons(IP_DF) : 0) + htons(IPPROTO_UDP) +
			    sum_addresses(flow));
}

/*
 * A flow label of 20 bits. As the kernel's own, it is the same in all packets of a five-tuple, and nobody can
 * predict it who does not know the secret (RFC 6437).
 */
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
		     struct built_flow *built)
{
	struct flow_key6 *v6 = &built->key.v6;
	struct flow_key *v4 = &built->key.v4;

	memset(&built->key, 0, sizeof(built->key));
	built->family = from->any.sa_family;
	if (built->family == AF_INET6) {
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

/* How the packets of a direction leave: from `from` to `to`. The key must have been made before. */
static void make_flow(const union endpoint *from, const union endpoint *to,
		      const struct flow_style *style, struct built_flow *built)
{
	struct flow *flow = &built->flow;

	put_address(from, &flow->saddr);
	put_address(to, &flow->daddr);
	flow->sport = port_of(from);
	flow->dport = port_of(to);
	/* New words less old ones: a subtraction is the addition of the ones' complement (RFC 1624). */
	flow->udp_delta = fold(sum_addresses(flow) + flow->sport + flow->dport +
			       (uint16_t)~fold(sum_key(built)));
	if (to->any.sa_family == AF_INET6) {
		flow->flags = FLOW_V6;
		flow->label = htonl(0x60000000 |
				    (style->flow_labels ? flow_label(flow, style->secret) : 0));
	}
}

void flow_build(const struct channel_request *request, const struct flow_style *style,
		struct built_flow built[DIRECTIONS])
{
	struct flow *to_peer = &built[TO_PEER].flow, *to_client = &built[TO_CLIENT].flow;
	__be16 number = htons(request->number);

	memset(built, 0, DIRECTIONS * sizeof(*built));
	make_key(&request->client, &request->server, number, &built[TO_PEER]);
	make_flow(&request->relay, &request->peer, style, &built[TO_PEER]);
	to_peer->ttl = to_peer->flags & FLOW_V6 ? style->ttl6 : style->ttl;

	make_key(&request->peer, &request->relay, 0, &built[TO_CLIENT]);
	make_flow(&request->server, &request->client, style, &built[TO_CLIENT]);
	to_client->channel = number;
	to_client->ttl = to_client->flags & FLOW_V6 ? style->ttl6 : style->ttl;
	if (style->client_ttl_fixed)
		to_client->flags |= FLOW_TTL_ROUTE;

	/*
	 * On an IPv6 socket coturn reads and sets the hop limit and the traffic class. The IPv4 packets of a
	 * mapped client have neither, so coturn assumes the TTL 64 and the TOS 0, and what it sets has
	 * no effect on them.
	 */
	if (request->mapped) {
		to_client->flags |= FLOW_TTL_ROUTE | FLOW_TOS_ZERO;
		to_peer->flags |= FLOW_TTL_CONSTANT | FLOW_TOS_ZERO;
		to_peer->ttl = to_peer->ttl < MAPPED_TTL ? to_peer->ttl : MAPPED_TTL;
	}
	if (!(to_peer->flags & FLOW_V6)) {
		to_peer->flags |= request->df ? FLOW_DF : 0;
		flow_build_sum_ipv4(to_peer);
	}
	if (!(to_client->flags & FLOW_V6)) {
		to_client->flags |= style->client_df ? FLOW_DF : 0;
		flow_build_sum_ipv4(to_client);
	}
	if (request->limited) {
		to_peer->flags |= FLOW_LIMITED;
		to_client->flags |= FLOW_LIMITED;
		if (built[TO_CLIENT].family == AF_INET6)
			to_client->flags |= FLOW_LIMITED_V6;
	}
}
