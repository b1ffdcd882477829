/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sums of a flow (udp_delta and ip_sum), checked with packets whose checksums are computed from their bytes, as they
 * arrive and as they leave, in all combinations of address families.
 */
#include "sample.h"

#include "channel/channel.h"

#define SEED 0x2545f4914f6cdd1dULL
#define ROUNDS 20000

static const struct flow_style style = { .ttl = 64, .ttl6 = 64, .flow_labels = true, .client_df = true };

/* The sum of RFC 1071 as it is written there: bytes in pairs, high byte first. It is not complemented. */
static uint32_t sum_bytes(const uint8_t *bytes, size_t count, uint32_t sum)
{
	for (size_t i = 0; i < count; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

/* The addresses and ports of a packet, in network order. */
struct five_tuple {
	int family;
	const void *saddr, *daddr;
	uint16_t sport, dport;
};

static struct five_tuple tuple_in(const struct built_flow *built)
{
	if (built->family == AF_INET6)
		return (struct five_tuple){ AF_INET6, built->key.v6.saddr, built->key.v6.daddr,
					    built->key.v6.sport, built->key.v6.dport };
	return (struct five_tuple){ AF_INET, &built->key.v4.saddr, &built->key.v4.daddr, built->key.v4.sport,
				    built->key.v4.dport };
}

static struct five_tuple tuple_out(const struct flow *flow)
{
	return (struct five_tuple){ flow->flags & FLOW_V6 ? AF_INET6 : AF_INET, &flow->saddr, &flow->daddr,
				    flow->sport, flow->dport };
}

/* The correct checksum of a UDP datagram (RFC 768; RFC 8200, section 8.1). 0 is sent as all ones. */
static uint16_t udp_checksum(const struct five_tuple *tuple, const uint8_t *payload, uint16_t length)
{
	uint8_t pseudo[40] = { 0 }, udp[8] = { 0 };
	uint8_t high = (uint8_t)((length + 8) >> 8), low = (uint8_t)(length + 8);
	uint32_t sum;

	if (tuple->family == AF_INET6) {
		memcpy(pseudo, tuple->saddr, 16);
		memcpy(pseudo + 16, tuple->daddr, 16);
		pseudo[34] = high;
		pseudo[35] = low;
		pseudo[39] = IPPROTO_UDP;
	} else {
		memcpy(pseudo, tuple->saddr, 4);
		memcpy(pseudo + 4, tuple->daddr, 4);
		pseudo[9] = IPPROTO_UDP;
		pseudo[10] = high;
		pseudo[11] = low;
	}
	memcpy(udp, &tuple->sport, 2);
	memcpy(udp + 2, &tuple->dport, 2);
	udp[4] = high;
	udp[5] = low;
	sum = sum_bytes(pseudo, sizeof(pseudo), 0);
	sum = sum_bytes(udp, sizeof(udp), sum);
	sum = sum_bytes(payload, length, sum);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

/* Computes the new checksum from the old one, as the XDP program does: adds new words, and complements of old ones. */
static uint16_t by_difference(uint16_t check, const struct flow *flow, uint16_t number, uint16_t data)
{
	uint16_t bare = htons((uint16_t)(data + 8)), full = htons((uint16_t)(data + 12));
	uint16_t length = htons(data);
	uint64_t sum = (uint16_t)~check;

	sum += flow->udp_delta;
	if (flow->channel)
		sum += 2 * (uint64_t)(uint16_t)~bare + 2 * (uint64_t)full + number + length;
	else
		sum += 2 * (uint64_t)(uint16_t)~full + 2 * (uint64_t)bare + (uint16_t)~number + (uint16_t)~length;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

/* A random endpoint, which often has words that are all zeros or all ones, because those make carries. */
static void random_endpoint(uint64_t *seed, int family, union endpoint *endpoint)
{
	static const uint32_t extremes[] = { 0x00000000, 0x00000001, 0xffffffff, 0xffff0000,
					     0x0000ffff, 0x00010001, 0xfffefffe };
	uint32_t word[4];
	uint64_t drawn = unit_random(seed);
	uint16_t port = drawn % 4 ? (uint16_t)(drawn >> 16) : drawn % 8 ? 0xffff : 0x0100;

	for (int i = 0; i < 4; i++) {
		drawn = unit_random(seed);
		word[i] = drawn % 4 ? (uint32_t)(drawn >> 16) : extremes[(drawn >> 2) % COUNT(extremes)];
	}
	memset(endpoint, 0, sizeof(*endpoint));
	if (family == AF_INET6) {
		endpoint->v6.sin6_family = AF_INET6;
		endpoint->v6.sin6_port = port;
		memcpy(&endpoint->v6.sin6_addr, word, sizeof(word));
	} else {
		endpoint->v4.sin_family = AF_INET;
		endpoint->v4.sin_port = port;
		endpoint->v4.sin_addr.s_addr = word[0];
	}
}

static struct channel_request random_request(uint64_t *seed, const struct combination *families)
{
	struct channel_request what = { .number = (uint16_t)(0x4000 + unit_random(seed) % 0x4000) };

	random_endpoint(seed, families->client, &what.client);
	random_endpoint(seed, families->client, &what.server);
	random_endpoint(seed, families->peer, &what.relay);
	random_endpoint(seed, families->peer, &what.peer);
	return what;
}

static void test_udp_delta(void **state)
{
	static uint8_t bytes[4 + 1500];
	uint64_t seed = SEED;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct channel_request what = random_request(&seed, &combinations[round % 4]);
		uint16_t data = (uint16_t)(unit_random(&seed) % 1469), number = htons(what.number);
		struct built_flow built[2];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = round / 4 % 16 == 0 ? 0 :
				   round / 4 % 16 == 1 ? 0xff : (uint8_t)(unit_random(&seed) >> 24);
		bytes[0] = (uint8_t)(what.number >> 8);
		bytes[1] = (uint8_t)what.number;
		bytes[2] = (uint8_t)(data >> 8);
		bytes[3] = (uint8_t)data;
		flow_build(&what, &style, built);

		for (int i = 0; i < 2; i++) {
			struct five_tuple in = tuple_in(&built[i]), out = tuple_out(&built[i].flow);
			uint16_t before, after;

			before = udp_checksum(&in, i ? bytes + 4 : bytes, (uint16_t)(data + (i ? 0 : 4)));
			after = udp_checksum(&out, i ? bytes : bytes + 4, (uint16_t)(data + (i ? 4 : 0)));
			if (ntohs(by_difference(htons(before), &built[i].flow, number, data)) != after)
				fail_msg("%s, direction %d, round %d", combinations[round % 4].name, i, round);
		}
	}
}

static void check_ip_sum(const struct flow *flow, bool df, uint64_t drawn)
{
	uint8_t header[20] = { 0x45, (uint8_t)drawn, (uint8_t)(drawn >> 8), (uint8_t)(drawn >> 16),
			       (uint8_t)(drawn >> 24), (uint8_t)(drawn >> 32) };
	uint64_t sum = flow->ip_sum;
	uint16_t word, check;

	header[6] = df ? 0x40 : 0;
	header[8] = (uint8_t)(drawn >> 40);
	header[9] = IPPROTO_UDP;
	memcpy(header + 12, &flow->saddr.v4, 4);
	memcpy(header + 16, &flow->daddr.v4, 4);

	/* The XDP program adds what differs from packet to packet. */
	sum += htons(header[1]);
	memcpy(&word, header + 2, 2);
	sum += word;
	memcpy(&word, header + 4, 2);
	sum += word;
	sum += htons((uint16_t)(header[8] << 8));
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	check = (uint16_t)~sum;
	assert_int_equal(ntohs(check), (uint16_t)~sum_bytes(header, sizeof(header), 0));
	/* A receiver finds the header correct. */
	memcpy(header + 10, &check, 2);
	assert_int_equal(sum_bytes(header, sizeof(header), 0), 0xffff);
}

static void test_ip_sum(void **state)
{
	uint64_t seed = SEED;
	int checked = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct channel_request what = random_request(&seed, &combinations[round % 4]);
		struct flow_style given = style;
		struct built_flow built[2];

		given.client_df = round & 4;
		what.df = round & 8;
		flow_build(&what, &given, built);
		for (int i = 0; i < 2; i++) {
			if (built[i].flow.flags & FLOW_V6)
				continue;
			check_ip_sum(&built[i].flow, i ? given.client_df : what.df, unit_random(&seed));
			checked++;
		}
	}
	assert_int_equal(checked, ROUNDS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_delta),
		cmocka_unit_test(test_ip_sum),
	};

	return cmocka_run_group_tests_name("flow_build_sum", tests, NULL, NULL);
}
