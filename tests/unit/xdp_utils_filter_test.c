/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp: which channels are shown, and in which order. */
#include "unit.h"

#include <errno.h>

#include "xdp_utils.h"
#include "xdp_utils/filter.h"
#include "xdp_utils/pattern.h"
#include "xdp_utils/sort.h"

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
		struct channel_entry entry = { .peer = transport(cases[i].address, cases[i].port) };
		struct channel_list list = { &entry, 1 };
		struct filter filter = { .number = 0 };

		if (pattern_parse(cases[i].pattern, &filter.peer))
			fail_msg("'%s' is not taken", cases[i].pattern);
		filter_channels(&list, &filter);
		if (list.count != cases[i].fits)
			fail_msg("'%s' %s %s port %u", cases[i].pattern, list.count ? "matches" : "does not match",
				 cases[i].address, cases[i].port);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (pattern_parse(bad[i], &pattern) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint16_t number; /* 0: it is refused */
	} cases[] = {
		{ "0x4000", 0x4000 }, { "32767", 0x7fff }, { "", 0 },   { "0x3fff", 0 }, { "0x8000", 0 },
		{ "16383", 0 },       { "0x4000 ", 0 },    { "-1", 0 }, { "x", 0 },      { "+16384", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint16_t number = 1;
		int error = filter_number_parse(cases[i].text, &number);

		if (error != (cases[i].number ? 0 : -EINVAL) || number != (cases[i].number ? cases[i].number : 1))
			fail_msg("'%s': error %d, number %#x", cases[i].text, error, number);
	}
}

static void test_keys(void **state)
{
	enum sort_key key = SORT_KEYS;

	(void)state;
	for (int i = 0; i < SORT_KEYS; i++) {
		if (sort_key_parse(sort_key_name(i), &key) || key != (enum sort_key)i)
			fail_msg("the key %s is read as %s", sort_key_name(i), sort_key_name(key));
	}
	assert_null(sort_key_name(SORT_KEYS));
	assert_int_equal(sort_key_parse("", &key), -EINVAL);
}

static void assert_ports(const char *name, const struct channel_entry *entries, const uint16_t *ports, bool reverse)
{
	for (int i = 0; i < 3; i++) {
		if (entries[reverse ? 2 - i : i].client.port != ports[i])
			fail_msg("sorted by %s%s: client %d is %u", name, reverse ? ", reversed" : "", i,
				 entries[reverse ? 2 - i : i].client.port);
	}
}

static void test_order(void **state)
{
	static const struct {
		enum sort_key key;
		uint16_t ports[3]; /* of the clients, in order */
	} cases[] = {
		{ SORT_RATE, { 1, 3, 2 } },  { SORT_PACKETS, { 2, 3, 1 } }, { SORT_BYTES, { 2, 3, 1 } },
		{ SORT_AGE, { 3, 2, 1 } },   { SORT_CLIENT, { 1, 2, 3 } },  { SORT_RELAY, { 1, 2, 3 } },
		{ SORT_PEER, { 3, 1, 2 } },  { SORT_NUMBER, { 2, 1, 3 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct channel_entry entries[] = { simple_channel(2, 20, 30), simple_channel(3, 10, 20),
						   simple_channel(1, 30, 10) };
		struct channel_list list = { entries, 3 };

		entries[2].direction[TO_CLIENT].bits_per_second = 1e6;
		entries[1].direction[TO_PEER].bits_per_second = 1;
		entries[1].peer.port = 1;
		entries[0].peer.port = 3;
		entries[2].peer.port = 2;
		entries[2].number++;
		entries[1].number += 2;
		sort_channels(&list, cases[i].key, false);
		assert_ports(sort_key_name(cases[i].key), entries, cases[i].ports, false);
		sort_channels(&list, cases[i].key, true);
		assert_ports(sort_key_name(cases[i].key), entries, cases[i].ports, true);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests_name("xdp_utils_filter", tests, NULL, NULL);
}
