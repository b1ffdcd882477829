/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel is told of a channel: both keys, and how each direction leaves. */
#include "sample.h"

#include "channel/channel.h"

#define SEED 0x2545f4914f6cdd1dULL

static const struct flow_style style = {
	.ttl = 64, .ttl6 = 64, .client_ttl_fixed = 1, .client_df = true, .flow_labels = true, .secret = 0x5ec2e7,
};

/* ---- keys and addresses ---- */

struct place {
	const char *address;
	uint16_t port;
};

static void check_key(const struct built_flow *way, int family, struct place from, struct place at,
		      uint16_t number)
{
	uint8_t bytes[sizeof(union flow_any_key)] = { 0 };
	size_t length = family == AF_INET6 ? 16 : 4;
	uint16_t ports[4] = { htons(from.port), htons(at.port), htons(number),
			      family == AF_INET6 ? FLOW_KEY_V6 : FLOW_KEY_V4 };

	/* The layout of both: address, address, port, port, number, family. */
	assert_int_equal(inet_pton(family, from.address, bytes), 1);
	assert_int_equal(inet_pton(family, at.address, bytes + length), 1);
	memcpy(bytes + 2 * length, ports, sizeof(ports));
	assert_int_equal(way->family, family);
	assert_memory_equal(&way->key, bytes, sizeof(bytes));
}

static void check_way_out(const struct flow *flow, int family, struct place from, struct place to,
			  uint16_t number)
{
	uint8_t saddr[16] = { 0 }, daddr[16] = { 0 };

	assert_int_equal(inet_pton(family, from.address, saddr), 1);
	assert_int_equal(inet_pton(family, to.address, daddr), 1);
	assert_memory_equal(flow->saddr.v6, saddr, sizeof(saddr));
	assert_memory_equal(flow->daddr.v6, daddr, sizeof(daddr));
	assert_int_equal(flow->sport, htons(from.port));
	assert_int_equal(flow->dport, htons(to.port));
	assert_int_equal(flow->channel, htons(number));
	assert_int_equal(flow->flags, family == AF_INET6 ? FLOW_V6 : 0);
	/* These are for whoever opens it. */
	assert_int_equal(flow->hop, 0);
	assert_int_equal(flow->limit, 0);
	assert_int_equal(flow->owner, 0);
}

static void test_keys_and_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(combinations); i++) {
		const struct combination *is = &combinations[i];
		struct channel_request what = sample_request(is, 5);
		struct place client = { client_address(is->client), 40000 };
		struct place server = { server_address(is->client), 3478 };
		struct place relay = { relay_address(is->peer), 50000 };
		struct place peer = { peer_address(is->peer), 4005 };
		struct built_flow way[2];

		flow_build(&what, &style, way);
		/* Found by what the client sends; leaves from the relay, without a header. */
		check_key(&way[0], is->client, client, server, 0x4005);
		check_way_out(&way[0].flow, is->peer, relay, peer, 0);
		/* Found by what the peer sends, which has no number; leaves from where the client sends to. */
		check_key(&way[1], is->peer, peer, relay, 0);
		check_way_out(&way[1].flow, is->client, server, client, 0x4005);
	}
}

/* Bytes that are not address or port, as coturn's sockets may have them. */
static void litter(union endpoint *endpoint)
{
	union endpoint kept = *endpoint;

	memset(endpoint, 0xff, sizeof(*endpoint));
	if (kept.any.sa_family == AF_INET6) {
		endpoint->v6.sin6_family = AF_INET6;
		endpoint->v6.sin6_port = kept.v6.sin6_port;
		endpoint->v6.sin6_addr = kept.v6.sin6_addr;
	} else {
		endpoint->v4.sin_family = AF_INET;
		endpoint->v4.sin_port = kept.v4.sin_port;
		endpoint->v4.sin_addr = kept.v4.sin_addr;
	}
}

/* A key that differs in a byte of padding is another key: it is found never. */
static void test_no_byte_is_left_unset(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(combinations); i++) {
		struct channel_request what = sample_request(&combinations[i], 5);
		struct built_flow zeros[2], ones[2];

		memset(zeros, 0, sizeof(zeros));
		flow_build(&what, &style, zeros);
		memset(ones, 0xff, sizeof(ones));
		litter(&what.client);
		litter(&what.server);
		litter(&what.relay);
		litter(&what.peer);
		flow_build(&what, &style, ones);
		assert_memory_equal(zeros, ones, sizeof(zeros));
	}
}

/* ---- DF, TTL and TOS ---- */

/* Towards the peer the relay's socket says it, towards the client the listener's. IPv6 has none. */
static void test_df(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4 * COUNT(combinations); i++) {
		const struct combination *is = &combinations[i / 4];
		struct flow_style given = { .ttl = 64, .ttl6 = 64, .client_df = i & 1 };
		struct channel_request what = sample_request(is, 5);
		struct built_flow way[2];

		what.df = i & 2;
		flow_build(&what, &given, way);
		assert_int_equal(way[0].flow.frag_off, i & 2 && is->peer == AF_INET ? htons(0x4000) : 0);
		assert_int_equal(way[1].flow.frag_off, i & 1 && is->client == AF_INET ? htons(0x4000) : 0);
	}
}

static void test_ttl(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(combinations); i++) {
		const struct combination *is = &combinations[i / 2];
		struct flow_style given = { .ttl = 61, .ttl6 = 200, .client_ttl_fixed = i & 1 };
		struct channel_request what = sample_request(is, 5);
		struct built_flow way[2];

		flow_build(&what, &given, way);
		assert_int_equal(way[0].flow.ttl_from, FLOW_TTL_RECEIVED);
		assert_int_equal(way[0].flow.ttl, is->peer == AF_INET6 ? 200 : 61);
		if (i & 1) {
			assert_int_equal(way[1].flow.ttl_from, FLOW_TTL_ROUTE);
		} else {
			assert_int_equal(way[1].flow.ttl_from, FLOW_TTL_RECEIVED);
			assert_int_equal(way[1].flow.ttl, is->client == AF_INET6 ? 200 : 61);
		}
		assert_int_equal(way[0].flow.tos_mask, 0xff);
		assert_int_equal(way[1].flow.tos_mask, 0xff);
	}
}

/*
 * An IPv4 client of an IPv6 socket: coturn learns neither its TTL, which it takes
 * for 64 and sends less one, nor its TOS; what it says of TOS to that socket is for
 * IPv6 packets only.
 */
static void test_mapped_client(void **state)
{
	static const struct {
		int peer;
		uint8_t ttl, ttl6, expected;
	} table[] = {
		{ AF_INET, 64, 1, 63 },  { AF_INET, 255, 1, 63 }, { AF_INET, 63, 1, 63 },
		{ AF_INET, 62, 1, 62 },  { AF_INET, 1, 99, 1 },   { AF_INET6, 1, 64, 63 },
		{ AF_INET6, 1, 255, 63 }, { AF_INET6, 1, 63, 63 }, { AF_INET6, 1, 62, 62 },
		{ AF_INET6, 99, 7, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct combination is = { "", AF_INET, table[i].peer };
		struct flow_style given = style;
		struct channel_request what = sample_request(&is, 5);
		struct built_flow way[2], plain[2];

		given.ttl = table[i].ttl;
		given.ttl6 = table[i].ttl6;
		given.client_ttl_fixed = i & 1;
		flow_build(&what, &given, plain);
		what.mapped = true;
		flow_build(&what, &given, way);
		assert_int_equal(way[0].flow.ttl_from, FLOW_TTL_CONSTANT);
		assert_int_equal(way[0].flow.ttl, table[i].expected);
		assert_int_equal(way[1].flow.ttl_from, FLOW_TTL_ROUTE);
		assert_int_equal(way[0].flow.tos_mask, 0);
		assert_int_equal(way[1].flow.tos_mask, 0);
		/* In all else it is a client as others are. */
		for (int k = 0; k < 2; k++) {
			way[k].flow.ttl = plain[k].flow.ttl;
			way[k].flow.ttl_from = plain[k].flow.ttl_from;
			way[k].flow.tos_mask = plain[k].flow.tos_mask;
		}
		assert_memory_equal(way, plain, sizeof(way));
	}
}

/* ---- flow labels ---- */

static uint32_t label_to_peer(const struct channel_request *what, const struct flow_style *given)
{
	struct built_flow way[2];

	flow_build(what, given, way);
	return ntohl(way[0].flow.label);
}

/* Version 6, traffic class 0, 20 bits of label, in each packet that leaves by IPv6. */
static void test_label_is_a_label(void **state)
{
	uint32_t ones = 0, zeros = 0;

	(void)state;
	for (uint16_t n = 0; n < 1000; n++) {
		struct channel_request what = sample_request(&combinations[3], n);
		struct built_flow way[2];

		flow_build(&what, &style, way);
		for (int i = 0; i < 2; i++) {
			uint32_t label = ntohl(way[i].flow.label);

			assert_int_equal(label >> 20, 0x600);
			ones |= label & 0xfffff;
			zeros |= ~label & 0xfffff;
		}
	}
	assert_int_equal(ones, 0xfffff);
	assert_int_equal(zeros, 0xfffff);
}

static void test_no_labels(void **state)
{
	struct flow_style given = style;

	(void)state;
	given.flow_labels = false;
	for (size_t i = 0; i < COUNT(combinations); i++) {
		struct channel_request what = sample_request(&combinations[i], 5);
		struct built_flow way[2];

		flow_build(&what, &given, way);
		for (int k = 0; k < 2; k++) {
			if (way[k].flow.flags & FLOW_V6)
				assert_int_equal(way[k].flow.label, htonl(0x60000000));
		}
	}
}

/* The five-tuple that leaves makes it, and nothing else: the kernel's labels are a socket's. */
static void test_label_is_of_the_five_tuple(void **state)
{
	struct flow_style given = style;
	struct channel_request what = sample_request(&combinations[3], 5), other;
	uint32_t label = label_to_peer(&what, &style);

	(void)state;
	assert_int_equal(label_to_peer(&what, &style), label);
	other = sample_request(&combinations[1], 5);
	other.number = 0x7fff;
	other.df = false;
	other.mapped = true;
	given.ttl = given.ttl6 = 1;
	given.client_df = false;
	assert_int_equal(label_to_peer(&other, &given), label);

	for (int bit = 0; bit < 128; bit++) {
		other = what;
		other.relay.v6.sin6_addr.s6_addr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(label_to_peer(&other, &style), label);
		other = what;
		other.peer.v6.sin6_addr.s6_addr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(label_to_peer(&other, &style), label);
	}
	for (int bit = 0; bit < 16; bit++) {
		other = what;
		other.relay.v6.sin6_port ^= (uint16_t)(1 << bit);
		assert_int_not_equal(label_to_peer(&other, &style), label);
		other = what;
		other.peer.v6.sin6_port ^= (uint16_t)(1 << bit);
		assert_int_not_equal(label_to_peer(&other, &style), label);
	}
	/* Another server start, other labels. */
	for (int bit = 0; bit < 32; bit++) {
		given = style;
		given.secret ^= 1U << bit;
		assert_int_not_equal(label_to_peer(&what, &given), label);
	}
}

/* Neighbouring ports, as calls have them, are spread over all labels. */
static void test_labels_are_spread(void **state)
{
	static uint8_t seen[1 << 20];
	unsigned int distinct = 0;

	(void)state;
	for (uint32_t port = 0; port < 65536; port++) {
		struct channel_request what = sample_request(&combinations[3], 0);
		uint32_t label;

		what.relay.v6.sin6_port = htons((uint16_t)port);
		label = label_to_peer(&what, &style) & 0xfffff;
		distinct += !seen[label];
		seen[label] = 1;
	}
	/* Of as many drawn at random, 63500 would be distinct. */
	assert_true(distinct > 60000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_and_addresses),
		cmocka_unit_test(test_no_byte_is_left_unset),
		cmocka_unit_test(test_df),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_mapped_client),
		cmocka_unit_test(test_label_is_a_label),
		cmocka_unit_test(test_no_labels),
		cmocka_unit_test(test_label_is_of_the_five_tuple),
		cmocka_unit_test(test_labels_are_spread),
	};

	return cmocka_run_group_tests_name("flow_build", tests, NULL, NULL);
}
