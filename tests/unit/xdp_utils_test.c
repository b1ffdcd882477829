/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp without a kernel: flows become channels, channels become text. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "channel/eligibility.h"
#include "table/flow_table.h"
#include "xdp_utils/channels.h"
#include "xdp_utils/json.h"
#include "xdp_utils/metrics.h"
#include "xdp_utils/problem.h"
#include "xdp_utils/select.h"
#include "xdp_utils/show.h"
#include "xdp_utils/unit.h"

#define SECOND 1000000000ULL

static struct transport transport(const char *address, uint16_t port)
{
	struct transport made = { .family = strchr(address, ':') ? AF_INET6 : AF_INET, .port = port };

	assert_int_equal(inet_pton(made.family, address, &made.address), 1);
	return made;
}

static void assert_same_transport(struct transport one, struct transport other)
{
	assert_string_equal(unit_transport(&one).text, unit_transport(&other).text);
}

/* ---- pairing ---- */

struct sample {
	const char *client, *server, *relay, *peer;
	uint16_t client_port, relay_port, peer_port, number;
};

static void put(struct transport to, bool v6, uint32_t *word, __be16 *port)
{
	memcpy(word, &to.address, v6 ? 16 : 4);
	*port = htons(to.port);
}

/* As the server writes it, with so many packets of 10 bytes. */
static void add_flow(struct flow_list *list, struct transport from, struct transport at, uint16_t number,
		     struct transport source, struct transport target, uint16_t put_on, uint32_t packets)
{
	static struct flow_slot slots[FLOW_SLOTS_MIN];
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
	struct seen_flow seen;
	uint32_t row;

	if (from.family == AF_INET6) {
		key.v6 = (struct flow_key6){ .channel = htons(number), .family = FLOW_KEY_V6 };
		put(from, true, key.v6.saddr, &key.v6.sport);
		put(at, true, key.v6.daddr, &key.v6.dport);
	} else {
		put(from, false, &key.v4.saddr, &key.v4.sport);
		put(at, false, &key.v4.daddr, &key.v4.dport);
	}
	memset(slots, 0, sizeof(slots));
	assert_int_equal(flow_table_open(&table, slots, FLOW_SLOTS_MIN, 1, seed), 0);
	assert_int_equal(flow_table_reserve(&table, from.family, &key, &row), 0);
	flow_table_write(&table, row, &flow);
	slots[row].packets = packets;
	slots[row].data = 10 * packets;
	slots[row].trimmed = number ? 3 : 0;
	flow_see(&slots[row], packets + 5, &seen);
	flow_table_close(&table);
	assert_int_equal(flow_add(list, &seen), 0);
}

static void add_sample(struct flow_list *list, const struct sample *sample, uint32_t row, bool there, bool back)
{
	struct transport client = transport(sample->client, sample->client_port);
	struct transport server = transport(sample->server, 3478);
	struct transport relay = transport(sample->relay, sample->relay_port);
	struct transport peer = transport(sample->peer, sample->peer_port);

	if (there)
		add_flow(list, client, server, sample->number, relay, peer, 0, row);
	if (back)
		add_flow(list, peer, relay, 0, server, client, sample->number, row + 1);
}

static const struct sample samples[] = {
	{ "192.0.2.2", "192.0.2.1", "198.51.100.1", "198.51.100.2", 40000, 50000, 7000, 0x4001 },
	/* Another channel and another peer's port of the same relay. */
	{ "192.0.2.2", "192.0.2.1", "198.51.100.1", "198.51.100.2", 40000, 50000, 7001, 0x4002 },
	{ "2001:db8::2", "2001:db8::1", "2001:db8:2::1", "2001:db8:2::2", 40000, 50000, 7000, 0x4001 },
	{ "192.0.2.2", "192.0.2.1", "2001:db8:2::1", "2001:db8:2::2", 40001, 50001, 7000, 0x4001 },
	{ "2001:db8::2", "2001:db8::1", "198.51.100.1", "198.51.100.2", 40001, 50001, 7000, 0x7fff },
	/* Two that are each other's peer. */
	{ "192.0.2.3", "192.0.2.1", "198.51.100.1", "198.51.100.1", 40000, 51000, 51001, 0x4001 },
	{ "192.0.2.4", "192.0.2.1", "198.51.100.1", "198.51.100.1", 40000, 51001, 51000, 0x4001 },
};

static void test_pairs(void **state)
{
	struct flow_list flows = { 0 };
	struct channel_list channels;
	bool found[COUNT(samples)] = { false };
	const struct usage *there, *back;

	(void)state;
	for (uint32_t i = COUNT(samples); i-- > 0;)
		add_sample(&flows, &samples[i], 10 * i, true, true);
	assert_int_equal(channels_pair(&flows, &channels), 0);
	assert_int_equal(channels.count, COUNT(samples));
	for (size_t i = 0; i < channels.count; i++) {
		const struct channel_row *row = &channels.row[i];
		const struct sample *sample = &samples[row->way[TO_PEER].used.packets / 10];

		assert_false(found[row->way[TO_PEER].used.packets / 10]);
		found[row->way[TO_PEER].used.packets / 10] = true;
		assert_same_transport(row->client, transport(sample->client, sample->client_port));
		assert_same_transport(row->server, transport(sample->server, 3478));
		assert_same_transport(row->relay, transport(sample->relay, sample->relay_port));
		assert_same_transport(row->peer, transport(sample->peer, sample->peer_port));
		assert_int_equal(row->number, sample->number);
		there = &row->way[TO_PEER].used;
		back = &row->way[TO_CLIENT].used;
		assert_int_equal(back->packets, there->packets + 1);
		assert_int_equal(row->hop[TO_CLIENT], back->packets + 1000);
		assert_int_equal(row->since, back->packets + 5);
		/* ChannelData's header is on the client's side, and what was cut off. */
		assert_int_equal(there->bytes_in, 14 * there->packets + 3);
		assert_int_equal(there->bytes_out, 10 * there->packets);
		assert_int_equal(back->bytes_in, 10 * back->packets);
		assert_int_equal(back->bytes_out, 14 * back->packets);
		assert_int_equal(row->owner, 7);
	}
	free(channels.row);
	free(flows.flow);
}

/* A flow alone is a channel that is being bound, or about to end. */
static void test_halves(void **state)
{
	struct flow_list flows = { 0 };
	struct channel_list channels;

	(void)state;
	assert_int_equal(channels_pair(&flows, &channels), 0);
	assert_int_equal(channels.count, 0);
	free(channels.row);
	for (uint32_t i = 0; i < COUNT(samples); i++)
		add_sample(&flows, &samples[i], 10 * i, i % 3 != 1, i % 3 != 2);
	assert_int_equal(channels_pair(&flows, &channels), 0);
	assert_int_equal(channels.count, 3);
	for (size_t i = 0; i < channels.count; i++)
		assert_int_equal(channels.row[i].way[TO_PEER].used.packets / 10 % 3, 0);
	free(channels.row);
	free(flows.flow);
}

/* ---- rates ---- */

static struct channel_row row_of(uint16_t port, uint64_t since, uint64_t packets)
{
	struct channel_row row = {
		.client = transport("192.0.2.2", port),
		.server = transport("192.0.2.1", 3478),
		.relay = transport("198.51.100.1", (uint16_t)(port + 10000)),
		.peer = transport("198.51.100.2", (uint16_t)(60000 - port / 2)),
		.number = 0x4001,
		.alive = true,
		.since = since,
	};

	row.way[TO_PEER].resolved = row.way[TO_CLIENT].resolved = true;
	row.way[TO_PEER].used = (struct usage){ packets, 104 * packets, 100 * packets };
	row.way[TO_CLIENT].used = (struct usage){ 2 * packets, 2 * 50 * packets, 2 * 54 * packets };
	return row;
}

static void test_rates(void **state)
{
	/* The second was not there; the third's place was another's. */
	struct channel_row old[] = { row_of(3, 5, 1000), row_of(1, 5, 10) };
	struct channel_row new[] = { row_of(1, 5, 50), row_of(2, 9, 20), row_of(3, 9, 40) };
	struct channel_list before = { old, 2 }, after = { new, 3 };
	static const double packets[] = { 20, 10, 20 };

	(void)state;
	channels_compare(&before, &after, 0);
	assert_true(new[0].way[TO_PEER].packets_rate == 0);
	channels_compare(&before, &after, 2);
	for (size_t i = 0; i < COUNT(new); i++) {
		assert_true(new[i].way[TO_PEER].packets_rate == packets[i]);
		assert_true(new[i].way[TO_PEER].bits_rate == packets[i] * 800);
		assert_true(new[i].way[TO_CLIENT].packets_rate == 2 * packets[i]);
		assert_true(new[i].way[TO_CLIENT].bits_rate == 2 * packets[i] * 400);
	}
}

/* ---- patterns and order ---- */

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *address;
		uint16_t port;
		bool fits;
	} cases[] = {
		{ "192.0.2.2", "192.0.2.2", 9, true },       { "192.0.2.2", "192.0.2.3", 9, false },
		{ "192.0.2.0/24", "192.0.2.255", 9, true },  { "192.0.2.0/24", "192.0.3.0", 9, false },
		{ "192.0.2.0/25", "192.0.2.127", 9, true },  { "192.0.2.0/25", "192.0.2.128", 9, false },
		{ "0.0.0.0/0", "203.0.113.9", 9, true },     { "0.0.0.0/0", "2001:db8::1", 9, false },
		{ "192.0.2.2:9", "192.0.2.2", 9, true },     { "192.0.2.2:9", "192.0.2.2", 10, false },
		{ ":9", "2001:db8::1", 9, true },            { ":9", "192.0.2.2", 10, false },
		{ "2001:db8::/32", "2001:db8:ffff::", 9, true }, { "2001:db8::/32", "2001:db9::", 9, false },
		{ "[2001:db8::1]:9", "2001:db8::1", 9, true },   { "[2001:db8::1]:9", "2001:db8::1", 8, false },
		{ "2001:db8::1", "2001:db8::1", 1, true },       { "::/0", "2001:db8::1", 1, true },
	};
	static const char *const bad[] = {
		"", "x", "192.0.2", "192.0.2.2/33", "192.0.2.2/", "192.0.2.2:0", "192.0.2.2:65536", "192.0.2.2:-1",
		"192.0.2.0/24:9", "[2001:db8::1]", "[2001:db8::1]9", "[192.0.2.2]:9", "2001:db8::/129", ":", "[::]:",
		"[2001:db8::/32]:9", "192.0.2.2:9x", "2001:db8::1::2",
		"1111:2222:3333:4444:5555:6666:7777:8888:1111:2222:3333:4444:5555:6666:7777:8888:1:1:1",
	};
	struct pattern pattern;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct channel_row row = { .peer = transport(cases[i].address, cases[i].port) };
		struct channel_list list = { &row, 1 };
		struct filter filter = { .number = 0 };

		assert_int_equal(pattern_parse(cases[i].pattern, &filter.peer), 0);
		channels_filter(&list, &filter);
		if (list.count != cases[i].fits)
			fail_msg("%s and %s", cases[i].pattern, cases[i].address);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (pattern_parse(bad[i], &pattern) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	}
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", "0x3fff", "0x8000", "16383", "0x4000 ", "-1", "x", "+16384" };
	uint16_t number = 0;
	enum sort_key key;

	(void)state;
	assert_int_equal(number_parse("0x4000", &number), 0);
	assert_int_equal(number, 0x4000);
	assert_int_equal(number_parse("32767", &number), 0);
	assert_int_equal(number, 0x7fff);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(number_parse(bad[i], &number), -EINVAL);
	for (int i = 0; i < SORT_KEYS; i++) {
		assert_int_equal(sort_key_parse(sort_key_name(i), &key), 0);
		assert_int_equal(key, i);
	}
	assert_null(sort_key_name(SORT_KEYS));
	assert_int_equal(sort_key_parse("", &key), -EINVAL);
}

static void test_order(void **state)
{
	static const struct {
		enum sort_key key;
		uint16_t first[3]; /* clients' ports */
	} cases[] = {
		{ SORT_RATE, { 1, 3, 2 } },  { SORT_PACKETS, { 2, 3, 1 } }, { SORT_BYTES, { 2, 3, 1 } },
		{ SORT_AGE, { 3, 2, 1 } },   { SORT_CLIENT, { 1, 2, 3 } },  { SORT_RELAY, { 1, 2, 3 } },
		{ SORT_PEER, { 3, 1, 2 } },  { SORT_NUMBER, { 2, 1, 3 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct channel_row rows[] = { row_of(2, 20, 30), row_of(3, 10, 20), row_of(1, 30, 10) };
		struct channel_list list = { rows, 3 };

		rows[2].way[TO_CLIENT].bits_rate = 1e6;
		rows[1].way[TO_PEER].bits_rate = 1;
		rows[1].peer.port = 1;
		rows[0].peer.port = 3;
		rows[2].peer.port = 2;
		rows[2].number++;
		rows[1].number += 2;
		channels_sort(&list, cases[i].key, false);
		for (int k = 0; k < 3; k++)
			assert_int_equal(rows[k].client.port, cases[i].first[k]);
		channels_sort(&list, cases[i].key, true);
		for (int k = 0; k < 3; k++)
			assert_int_equal(rows[2 - k].client.port, cases[i].first[k]);
	}
}

/* ---- units ---- */

static void test_units(void **state)
{
	static const struct {
		uint64_t number;
		const char *count, *bytes, *time;
	} cases[] = {
		{ 0, "0", "0 B", "0s" },
		{ 999, "999", "999 B", "16m 39s" },
		{ 1000, "1,000", "1.0 kB", "16m 40s" },
		{ 59, "59", "59 B", "59s" },
		{ 60, "60", "60 B", "1m 00s" },
		{ 3600, "3,600", "3.6 kB", "1h 00m" },
		{ 172799, "172,799", "172.8 kB", "47h 59m" },
		{ 172800, "172,800", "172.8 kB", "2d 0h" },
		{ 999949, "999,949", "999.9 kB", "11d 13h" },
		{ 999950, "999,950", "1.0 MB", "11d 13h" },
		{ 1234567, "1,234,567", "1.2 MB", "14d 6h" },
	};
	static const struct {
		double rate;
		const char *packets, *bits;
	} rates[] = {
		{ 0, "0", "0 bit/s" },           { 0.04, "0", "0 bit/s" },        { 0.5, "0.5", "0 bit/s" },
		{ 12.34, "12.3", "12 bit/s" },   { 99.96, "100", "100 bit/s" },   { 1234.5, "1,235", "1.2 kbit/s" },
		{ 999.6, "1,000", "1.0 kbit/s" }, { 1e10, "10,000,000,000", "10.0 Gbit/s" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_string_equal(unit_count(cases[i].number).text, cases[i].count);
		assert_string_equal(unit_bytes(cases[i].number).text, cases[i].bytes);
		assert_string_equal(unit_time(cases[i].number * SECOND + SECOND - 1).text, cases[i].time);
	}
	assert_string_equal(unit_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(unit_bytes(UINT64_MAX).text, "18.4 EB");
	for (size_t i = 0; i < COUNT(rates); i++) {
		assert_string_equal(unit_rate(rates[i].rate).text, rates[i].packets);
		assert_string_equal(unit_bits(rates[i].rate).text, rates[i].bits);
	}
	assert_string_equal(unit_word("TO_OTHER_CLIENT").text, "to-other-client");
}

/* ---- JSON ---- */

static void test_json(void **state)
{
	static const char *const texts[][2] = {
		{ "plain", "plain" },
		{ "\"\\/", "\\\"\\\\/" },
		{ "a\nb\tc\x01\x7f", "a\\u000ab\\u0009c\\u0001\\u007f" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xff" "a\xc3", "\\ufffda\\ufffd" },
		{ "\xc0\x80\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
	};
	char *text, wanted[256];
	size_t length;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct json json = { .out = open_memstream(&text, &length) };

		json_string(&json, NULL, texts[i][0]);
		fclose(json.out);
		snprintf(wanted, sizeof(wanted), "\"%s\"", texts[i][1]);
		assert_string_equal(text, wanted);
		free(text);
	}
	struct json json = { .out = open_memstream(&text, &length) };

	json_open(&json, NULL, '{');
	json_open(&json, "empty", '[');
	json_close(&json, '[');
	json_number(&json, "most", UINT64_MAX);
	json_real(&json, "real", 1.5);
	json_real(&json, "none", 0.0 / 0.0);
	json_open(&json, "list", '[');
	json_bool(&json, NULL, true);
	json_open(&json, NULL, '{');
	json_close(&json, '{');
	json_null(&json, NULL);
	json_close(&json, '[');
	json_close(&json, '{');
	fclose(json.out);
	assert_string_equal(text, "{\"empty\": [], \"most\": 18446744073709551615, \"real\": 1.500, \"none\": null, "
				  "\"list\": [true, {}, null]}");
	free(text);
}

/* ---- what is shown ---- */

static void make_snapshot(struct snapshot *snapshot, struct channel_row *rows, size_t count)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->server = (struct server){ .pid = 42, .seen = true, .program = 7, .programs = 1, .version = 1 };
	snapshot->taken = 100 * SECOND;
	snapshot->state.started = 10 * SECOND;
	snapshot->state.channels = 16;
	snapshot->state.interfaces = 1;
	snapshot->state.interface[0].mode = STATUS_MODE_NATIVE;
	strcpy(snapshot->state.interface[0].name, "eth0");
	strcpy(snapshot->state.interface[0].line, "native mode, mtu 1500");
	snapshot->relays_alive = 2;
	snapshot->channels = (struct channel_list){ rows, count };
	snapshot->bound = (unsigned int)count;
}

static void keep(const char *line, void *all)
{
	strcat(all, line);
	strcat(all, "\n");
}

static void test_problems(void **state)
{
	static struct snapshot snapshot;
	char all[4096] = "";

	(void)state;
	make_snapshot(&snapshot, NULL, 0);
	problems_each(&snapshot, keep, all);
	assert_string_equal(all, "");
	snapshot.server.seen = false;
	snapshot.state.blocked = 1;
	snapshot.relays_silent = 1;
	snapshot.state.interface[0].mode = STATUS_MODE_NONE;
	/* A name may fill its field. */
	memset(snapshot.state.interface[0].name, 'n', STATUS_NAME);
	snapshot.bound = 16;
	snapshot.hops = 3;
	snapshot.hops_unresolved = 2;
	problems_each(&snapshot, keep, all);
	assert_non_null(strstr(all, "no process"));
	assert_non_null(strstr(all, "IPsec"));
	assert_non_null(strstr(all, "1 of 3 relay threads"));
	assert_non_null(strstr(all, "\nnnnnnnnnnnnnnnnn does not carry"));
	assert_non_null(strstr(all, "tables are full"));
	assert_non_null(strstr(all, "2 of 3 next hops"));
}

static char *shown_channels(const struct snapshot *snapshot, size_t lines, int room)
{
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	show_channels(out, snapshot, lines, room);
	fclose(out);
	return text;
}

/* Where a word of the heading begins or ends is where the columns below do. */
static void test_columns(void **state)
{
	struct channel_row rows[] = { row_of(1, 5 * SECOND, 1), row_of(40000, 99 * SECOND, 123456789) };
	static struct snapshot snapshot;
	char *text, *line, *rest, *age;
	size_t place;

	(void)state;
	make_snapshot(&snapshot, rows, COUNT(rows));
	rows[1].way[TO_PEER].resolved = false;
	text = rest = shown_channels(&snapshot, 0, 0);
	line = strsep(&rest, "\n");
	age = strstr(line, "age");
	place = (size_t)(age - line);
	assert_true(strncmp(line, "client ", 7) == 0 && strstr(line, "rate>client"));
	line = strsep(&rest, "\n");
	assert_memory_equal(line + place - 4, " 1m 35s", 7);
	assert_non_null(strstr(line, "  ok"));
	line = strsep(&rest, "\n");
	assert_memory_equal(line + place + 1, "1s", 2);
	assert_non_null(strstr(line, "123,456,789 "));
	assert_non_null(strstr(line, "  no way to peer"));
	assert_string_equal(rest, "");
	free(text);
	text = shown_channels(&snapshot, 1, 0);
	assert_null(strstr(text, "40000"));
	free(text);
	/* A narrow terminal loses columns, not ends of lines. */
	text = rest = shown_channels(&snapshot, 0, 80);
	assert_null(strstr(text, "relay"));
	assert_non_null(strstr(text, "rate>client"));
	while ((line = strsep(&rest, "\n")))
		assert_true(strlen(line) <= 80);
	free(text);
}

/* Names of interfaces are whatever root likes. */
static void test_odd_names(void **state)
{
	static struct snapshot snapshot;
	struct measured measured = { &snapshot.server, &snapshot };
	char *text;
	size_t length;
	FILE *out;

	(void)state;
	make_snapshot(&snapshot, NULL, 0);
	strcpy(snapshot.state.interface[0].name, "\x1b[2J\"\\\xff");
	out = open_memstream(&text, &length);
	metrics_write(out, &measured, 1, true);
	show_status(out, &snapshot, true);
	fclose(out);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "turn_xdp_interface_attached{pid=\"42\",interface=\"?[2J\\\"\\\\?\","));
	free(text);
}

/* Every reason and verdict has words that programs can rely on. */
static void test_words(void **state)
{
	(void)state;
	assert_true(REFUSAL_COUNT <= STATUS_REFUSALS);
	for (int i = 0; i < REFUSAL_COUNT; i++) {
		assert_non_null(eligibility_refusal_name(i));
		assert_non_null(eligibility_refusal_text(i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(eligibility_refusal_name(i), eligibility_refusal_name(k));
	}
	assert_string_equal(verdict_name(VERDICT_TO_CLIENT), "TO_CLIENT");
	assert_string_equal(verdict_text(VERDICT_TO_CLIENT), "relayed to client");
	for (int i = 0; i < VERDICT_COUNT; i++)
		assert_true(verdict_name(i) && verdict_text(i));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),    cmocka_unit_test(test_halves),   cmocka_unit_test(test_rates),
		cmocka_unit_test(test_patterns), cmocka_unit_test(test_numbers),  cmocka_unit_test(test_order),
		cmocka_unit_test(test_units),    cmocka_unit_test(test_json),     cmocka_unit_test(test_problems),
		cmocka_unit_test(test_columns),  cmocka_unit_test(test_odd_names), cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("xdp_utils", tests, NULL, NULL);
}
