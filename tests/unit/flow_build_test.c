/* SPDX-License-Identifier: BSD-3-Clause */
/* The two flows of a channel: their keys, and how the packets of each direction leave. */
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

static void check_key(const struct built_flow *built, int family, struct place from, struct place at,
		      uint16_t number)
{
	uint8_t bytes[sizeof(union flow_any_key)] = { 0 };
	size_t length = family == AF_INET6 ? 16 : 4;
	uint16_t ports[4] = { htons(from.port), htons(at.port), htons(number),
			      family == AF_INET6 ? FLOW_KEY_V6 : FLOW_KEY_V4 };

	/* Both keys have this layout: source and destination address, source and destination port, number, family. */
	assert_int_equal(inet_pton(family, from.address, bytes), 1);
	assert_int_equal(inet_pton(family, at.address, bytes + length), 1);
	memcpy(bytes + 2 * length, ports, sizeof(ports));
	assert_int_equal(built->family, family);
	assert_memory_equal(&built->key, bytes, sizeof(bytes));
}

static void check_flow(const struct flow *flow, int family, struct place from, struct place to,
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
	assert_int_equal(flow->flags & FLOW_V6, family == AF_INET6 ? FLOW_V6 : 0);
	/* channel_open sets these. */
	assert_int_equal(flow->hop, 0);
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
		struct built_flow built[2];

		print_message("# %s\n", is->name);
		flow_build(&what, &style, built);
		/* A flow to the peer is found by what the client sends, and leaves from the relay, without a header. */
		check_key(&built[0], is->client, client, server, 0x4005);
		check_flow(&built[0].flow, is->peer, relay, peer, 0);
		/*
		 * A flow to the client is found by what the peer sends, which has no number, and leaves from the
		 * address that the client sends to.
		 */
		check_key(&built[1], is->peer, peer, relay, 0);
		check_flow(&built[1].flow, is->client, server, client, 0x4005);
	}
}

/* Sets all bytes of an endpoint but family, address and port, as they may be in coturn's memory. */
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

/* Keys are compared byte by byte, so each byte that is not used must be 0. */
static void test_no_byte_is_left_unset(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(combinations); i++) {
		struct channel_request what = sample_request(&combinations[i], 5);
		struct built_flow zeros[2], ones[2];

		print_message("# %s\n", combinations[i].name);
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

/* Towards the peer, DF depends on the relay's socket; towards the client, on the host. IPv6 has no DF. */
static void test_df(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4 * COUNT(combinations); i++) {
		const struct combination *is = &combinations[i / 4];
		struct flow_style given = { .ttl = 64, .ttl6 = 64, .client_df = i & 1 };
		struct channel_request what = sample_request(is, 5);
		struct built_flow built[2];

		what.df = i & 2;
		flow_build(&what, &given, built);
		assert_entry_equal(is->name, built[0].flow.flags & FLOW_DF, i & 2 && is->peer == AF_INET ? FLOW_DF : 0);
		assert_entry_equal(is->name, built[1].flow.flags & FLOW_DF, i & 1 && is->client == AF_INET ? FLOW_DF : 0);
	}
}

#define TTL_RULES (FLOW_TTL_ROUTE | FLOW_TTL_CONSTANT)

static void test_ttl(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(combinations); i++) {
		const struct combination *is = &combinations[i / 2];
		struct flow_style given = { .ttl = 61, .ttl6 = 200, .client_ttl_fixed = i & 1 };
		struct channel_request what = sample_request(is, 5);
		struct built_flow built[2];

		flow_build(&what, &given, built);
		assert_entry_equal(is->name, built[0].flow.flags & TTL_RULES, 0);
		assert_entry_equal(is->name, built[0].flow.ttl, is->peer == AF_INET6 ? 200 : 61);
		if (i & 1) {
			assert_entry_equal(is->name, built[1].flow.flags & TTL_RULES, FLOW_TTL_ROUTE);
		} else {
			assert_entry_equal(is->name, built[1].flow.flags & TTL_RULES, 0);
			assert_entry_equal(is->name, built[1].flow.ttl, is->client == AF_INET6 ? 200 : 61);
		}
		assert_entry_equal(is->name, built[0].flow.flags & FLOW_TOS_ZERO, 0);
		assert_entry_equal(is->name, built[1].flow.flags & FLOW_TOS_ZERO, 0);
	}
}

/*
 * An IPv4 client of an IPv6 socket. coturn does not learn the TTL of its packets, assumes 64, and sends that less
 * one. It does not learn their TOS either, and sets the traffic class of the socket, which IPv4 packets do not have.
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
		struct built_flow built[2], plain[2];

		given.ttl = table[i].ttl;
		given.ttl6 = table[i].ttl6;
		given.client_ttl_fixed = i & 1;
		flow_build(&what, &given, plain);
		what.mapped = true;
		flow_build(&what, &given, built);
		print_message("# to IPv%d, TTL %u, hop limit %u\n", table[i].peer == AF_INET ? 4 : 6, table[i].ttl,
			      table[i].ttl6);
		assert_int_equal(built[0].flow.flags & TTL_RULES, FLOW_TTL_CONSTANT);
		assert_int_equal(built[0].flow.ttl, table[i].expected);
		assert_int_equal(built[1].flow.flags & TTL_RULES, FLOW_TTL_ROUTE);
		assert_true(built[0].flow.flags & FLOW_TOS_ZERO);
		assert_true(built[1].flow.flags & FLOW_TOS_ZERO);
		/* In everything else the flows are those of another client. */
		for (int k = 0; k < 2; k++) {
			built[k].flow.ttl = plain[k].flow.ttl;
			built[k].flow.flags = plain[k].flow.flags;
		}
		assert_memory_equal(built, plain, sizeof(built));
	}
}

/* ---- flow labels ---- */

static uint32_t label_to_peer(const struct channel_request *what, const struct flow_style *given)
{
	struct built_flow built[2];

	flow_build(what, given, built);
	return ntohl(built[0].flow.label);
}

/* The first word of an IPv6 header: version 6, traffic class 0, and 20 bits of label, which all vary. */
static void test_label_is_a_label(void **state)
{
	uint32_t ones = 0, zeros = 0;

	(void)state;
	for (uint16_t n = 0; n < 1000; n++) {
		struct channel_request what = sample_request(&combinations[3], n);
		struct built_flow built[2];

		flow_build(&what, &style, built);
		for (int i = 0; i < 2; i++) {
			uint32_t label = ntohl(built[i].flow.label);

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
		struct built_flow built[2];

		flow_build(&what, &given, built);
		for (int k = 0; k < 2; k++) {
			if (built[k].flow.flags & FLOW_V6)
				assert_entry_equal(combinations[i].name, built[k].flow.label, htonl(0x60000000));
		}
	}
}

/* A label depends on the five-tuple of the packets that leave, and on the secret, but on nothing else. */
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
	/* Each start of the server has another secret, and so other labels. */
	for (int bit = 0; bit < 32; bit++) {
		given = style;
		given.secret ^= 1U << bit;
		assert_int_not_equal(label_to_peer(&what, &given), label);
	}
}

/* The labels of consecutive ports are spread as if they were random. */
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
	/* Of 65536 random labels of 20 bits, 63500 are distinct on average. */
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
