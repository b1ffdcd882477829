/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp: flows become channels, and two lists of them rates. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "table/flow_table.h"
#include "xdp_utils.h"
#include "xdp_utils/channels.h"
#include "xdp_utils/unit.h"

static void assert_transport(const char *name, struct transport one, struct transport other)
{
	assert_text(name, unit_transport(&one).text, unit_transport(&other).text);
}

struct sample {
	const char *name;
	const char *client, *server, *relay, *peer;
	uint16_t client_port, relay_port, peer_port, number;
};

static void put(struct transport to, bool v6, uint32_t *word, __be16 *port)
{
	memcpy(word, &to.address, v6 ? 16 : 4);
	*port = htons(to.port);
}

/* Adds a flow as the server writes it, with so many packets of 10 bytes. */
static void add_flow(struct seen_flow_list *list, struct transport from, struct transport to, uint16_t number,
		     struct transport source, struct transport target, uint16_t put_on, uint32_t packets)
{
	static struct flow_slot slots[FLOW_SLOTS_MIN];
	static struct flow_words words[FLOW_SLOTS_MIN];
	static union abi_addr own6[ABI_OWN6];
	static const struct flow_memory memory = { slots, words, own6 };
	static const uint64_t seed[FLOW_SEEDS] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	struct flow_table table = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct flow flow = {
		.saddr = source.address,
		.daddr = target.address,
		.sport = htons(source.port),
		.dport = htons(target.port),
		.channel = htons(put_on),
		.flags = target.family == AF_INET6 ? FLOW_V6 : 0,
		.hop = packets + 1000,
		.owner = 7,
	};
	union flow_any_key key = { .v4 = { .channel = htons(number), .family = FLOW_KEY_V4 } };
	struct flow_note note = { .begun = packets + 5, .trimmed = number ? 3 : 0 };
	struct flow_parts parts;
	struct seen_flow seen;
	uint32_t index;

	if (from.family == AF_INET6) {
		key.v6 = (struct flow_key6){ .channel = htons(number), .family = FLOW_KEY_V6 };
		put(from, true, key.v6.saddr, &key.v6.sport);
		put(to, true, key.v6.daddr, &key.v6.dport);
	} else {
		put(from, false, &key.v4.saddr, &key.v4.sport);
		put(to, false, &key.v4.daddr, &key.v4.dport);
	}
	memset(slots, 0, sizeof(slots));
	assert_int_equal(flow_table_open(&table, &memory, FLOW_SLOTS_MIN, 1, seed), 0);
	assert_int_equal(flow_table_reserve(&table, from.family, &key, &index), 0);
	assert_int_equal(flow_table_write(&table, index, &flow), 0);
	slots[index].usage = packets * (USAGE_PACKET + 10);
	parts = (struct flow_parts){ &slots[index], &words[index], own6, &note };
	seen_flow_read(&parts, SECOND, &seen);
	flow_table_close(&table);
	assert_int_equal(seen_flow_add(list, &seen), 0);
}

static void add_sample(struct seen_flow_list *list, const struct sample *sample, uint32_t packets, bool to_peer,
		       bool to_client)
{
	struct transport client = transport(sample->client, sample->client_port);
	struct transport server = transport(sample->server, 3478);
	struct transport relay = transport(sample->relay, sample->relay_port);
	struct transport peer = transport(sample->peer, sample->peer_port);

	if (to_peer)
		add_flow(list, client, server, sample->number, relay, peer, 0, packets);
	if (to_client)
		add_flow(list, peer, relay, 0, server, client, sample->number, packets + 1);
}

static const struct sample samples[] = {
	{ "IPv4 to IPv4",
	  "192.0.2.2", "192.0.2.1", "198.51.100.1", "198.51.100.2", 40000, 50000, 7000, 0x4001 },
	{ "another channel and another port of the peer, at the same relay",
	  "192.0.2.2", "192.0.2.1", "198.51.100.1", "198.51.100.2", 40000, 50000, 7001, 0x4002 },
	{ "IPv6 to IPv6",
	  "2001:db8::2", "2001:db8::1", "2001:db8:2::1", "2001:db8:2::2", 40000, 50000, 7000, 0x4001 },
	{ "IPv4 to IPv6",
	  "192.0.2.2", "192.0.2.1", "2001:db8:2::1", "2001:db8:2::2", 40001, 50001, 7000, 0x4001 },
	{ "IPv6 to IPv4",
	  "2001:db8::2", "2001:db8::1", "198.51.100.1", "198.51.100.2", 40001, 50001, 7000, 0x7fff },
	{ "the first of two clients that are each other's peer",
	  "192.0.2.3", "192.0.2.1", "198.51.100.1", "198.51.100.1", 40000, 51000, 51001, 0x4001 },
	{ "the second of these",
	  "192.0.2.4", "192.0.2.1", "198.51.100.1", "198.51.100.1", 40000, 51001, 51000, 0x4001 },
};

static void assert_sample(const struct channel_entry *entry, const struct sample *sample)
{
	const struct usage *to_peer = &entry->direction[TO_PEER].used, *to_client = &entry->direction[TO_CLIENT].used;
	const char *name = sample->name;

	assert_transport(name, entry->client, transport(sample->client, sample->client_port));
	assert_transport(name, entry->server, transport(sample->server, 3478));
	assert_transport(name, entry->relay, transport(sample->relay, sample->relay_port));
	assert_transport(name, entry->peer, transport(sample->peer, sample->peer_port));
	assert_number(name, entry->number, sample->number);
	assert_number(name, (double)to_client->packets, (double)to_peer->packets + 1);
	assert_number(name, entry->hop[TO_PEER], (double)to_peer->packets + 1000);
	assert_number(name, entry->hop[TO_CLIENT], (double)to_client->packets + 1000);
	assert_number(name, (double)entry->since, (double)FLOW_BEGUN_NS * ((double)to_client->packets + 5));
	/* The client's side has ChannelData's header, and the padding that was cut off. */
	assert_number(name, (double)to_peer->bytes_in, 14 * (double)to_peer->packets + 3);
	assert_number(name, (double)to_peer->bytes_out, 10 * (double)to_peer->packets);
	assert_number(name, (double)to_client->bytes_in, 10 * (double)to_client->packets);
	assert_number(name, (double)to_client->bytes_out, 14 * (double)to_client->packets);
	assert_number(name, entry->owner, 7);
}

static void test_pairs(void **state)
{
	struct seen_flow_list flows = { 0 };
	struct channel_list channels;
	bool found[COUNT(samples)] = { false };

	(void)state;
	for (uint32_t i = COUNT(samples); i-- > 0;)
		add_sample(&flows, &samples[i], 10 * i, true, true);
	assert_int_equal(channels_pair(&flows, &channels), 0);
	assert_int_equal(channels.count, COUNT(samples));
	for (size_t i = 0; i < channels.count; i++) {
		/* Each sample has its own number of packets. */
		size_t which = channels.entry[i].direction[TO_PEER].used.packets / 10;

		assert_uint_in_range(which, 0, COUNT(samples) - 1);
		if (found[which])
			fail_msg("%s: found twice", samples[which].name);
		found[which] = true;
		assert_sample(&channels.entry[i], &samples[which]);
	}
	free(channels.entry);
	free(flows.flow);
}

/* The note has 32 bits of the time, and the host may have been up for longer than these can say. */
static void test_begun(void **state)
{
	static const uint64_t wrap = 1ULL << 32;
	static const struct {
		const char *name;
		uint64_t begun, now; /* in units of FLOW_BEGUN_NS */
	} cases[] = {
		{ "at once", 500, 500 },
		{ "when the host came up", 0, 500 },
		{ "a minute ago", wrap - 9000, wrap - 3000 },
		{ "the last before 0", wrap - 1, wrap },
		{ "before and after 0", wrap - 3000, wrap + 3000 },
		{ "after 0", wrap + 1, wrap + 6001 },
		{ "as long ago as can be told", 5 * wrap + 77, 6 * wrap + 76 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct flow_note note = { .begun = (uint32_t)cases[i].begun };
		const struct flow_slot slot = { .key_family = FLOW_KEY_V4 };
		const struct flow_parts parts = { .slot = &slot, .note = &note };
		struct seen_flow seen;

		seen_flow_read(&parts, cases[i].now * FLOW_BEGUN_NS + FLOW_BEGUN_NS - 1, &seen);
		assert_number(cases[i].name, (double)seen.since, (double)(cases[i].begun * FLOW_BEGUN_NS));
	}
}

/* What a flow has carried is more than its slot can hold. The note says how often it has passed. */
static void test_long_flow(void **state)
{
	const struct flow_slot slot = { .key_family = FLOW_KEY_V4, .usage = 9 * USAGE_PACKET + 77 };
	const struct flow_note note = { .halves = 4 << 16 | 6 };
	const struct flow_parts parts = { .slot = &slot, .note = &note };
	struct seen_flow seen;

	(void)state;
	seen_flow_read(&parts, SECOND, &seen);
	/* Each time that the bytes passed their range, they were one packet more in the slot. */
	assert_number("packets", (double)seen.used.packets, 2 * (double)(1 << 28) + 9 - 3);
	assert_number("bytes", (double)seen.used.bytes_out, 3 * (double)(UINT64_C(1) << 36) + 77);
}

/* A flow of which a sample is wanted is not on probation. */
static void test_open(void **state)
{
	static const struct {
		const char *name;
		uint32_t gate;
		bool open;
	} cases[] = {
		{ "closed", 0, false },
		{ "closed, and GATE_ASK", GATE_ASK, false },
		{ "open to a device", 1u << GATE_EPOCH_SHIFT | 1, true },
		{ "the same, and GATE_ASK", 1u << GATE_EPOCH_SHIFT | GATE_ASK | 1, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct flow_slot slot = { .key_family = FLOW_KEY_V4, .gate = cases[i].gate };
		const struct flow_note note = { 0 };
		const struct flow_parts parts = { .slot = &slot, .note = &note };
		struct seen_flow seen;

		seen_flow_read(&parts, SECOND, &seen);
		assert_number(cases[i].name, seen.open, cases[i].open);
	}
}

/* A flow alone is a channel that is being bound, or about to end. It is not shown. */
static void test_single_flows(void **state)
{
	struct seen_flow_list flows = { 0 };
	struct channel_list channels;

	(void)state;
	assert_int_equal(channels_pair(&flows, &channels), 0);
	assert_int_equal(channels.count, 0);
	free(channels.entry);
	for (uint32_t i = 0; i < COUNT(samples); i++)
		add_sample(&flows, &samples[i], 10 * i, i % 3 != 1, i % 3 != 2);
	assert_int_equal(channels_pair(&flows, &channels), 0);
	assert_int_equal(channels.count, 3);
	for (size_t i = 0; i < channels.count; i++)
		assert_int_equal(channels.entry[i].direction[TO_PEER].used.packets / 10 % 3, 0);
	free(channels.entry);
	free(flows.flow);
}

static void test_rates(void **state)
{
	/* The second client had no channel before, the third one had another. */
	struct channel_entry old[] = { simple_channel(3, 5, 1000), simple_channel(1, 5, 10) };
	struct channel_entry new[] = { simple_channel(1, 5, 50), simple_channel(2, 9, 20), simple_channel(3, 9, 40) };
	struct channel_list before = { old, 2 }, after = { new, 3 };
	static const char *const names[] = { "the same channel", "a new channel", "another one in its place" };
	static const double packets[] = { 20, 10, 20 };

	(void)state;
	channels_compare(&before, &after, 0);
	assert_number("no time between the lists", new[0].direction[TO_PEER].packets_per_second, 0);
	channels_compare(&before, &after, 2);
	for (size_t i = 0; i < COUNT(new); i++) {
		assert_number(names[i], new[i].direction[TO_PEER].packets_per_second, packets[i]);
		assert_number(names[i], new[i].direction[TO_PEER].bits_per_second, packets[i] * 800);
		assert_number(names[i], new[i].direction[TO_CLIENT].packets_per_second, 2 * packets[i]);
		assert_number(names[i], new[i].direction[TO_CLIENT].bits_per_second, 2 * packets[i] * 400);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_begun),
		cmocka_unit_test(test_long_flow),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_single_flows),
		cmocka_unit_test(test_rates),
	};

	return cmocka_run_group_tests_name("xdp_utils_channels", tests, NULL, NULL);
}
