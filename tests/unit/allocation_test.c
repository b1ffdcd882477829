/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channels the kernel may relay: every refusal, and both sides of each limit. */
#include "sample.h"

#include <stdio.h>

static struct channel_request good(void)
{
	return (struct channel_request){
		.client = endpoint("192.0.2.10", 40000),
		.server = endpoint("192.0.2.1", 3478),
		.relay = endpoint("198.51.100.1", 50000),
		.peer = endpoint("198.51.100.20", 4000),
		.number = 0x4000,
		.client_udp = true,
		.relay_udp = true,
	};
}

static void test_allowed(void **state)
{
	struct channel_request request = good();

	(void)state;
	assert_int_equal(channel_check(&request), CHANNEL_OK);
	/* Hosts of one network, or one and the same. */
	request.peer = request.client;
	assert_int_equal(channel_check(&request), CHANNEL_OK);
	request.relay = request.server;
	assert_int_equal(channel_check(&request), CHANNEL_OK);
}

static void test_transport(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.client_udp = false;
	assert_int_equal(channel_check(&request), CHANNEL_CLIENT_NOT_UDP);
	request = good();
	request.relay_udp = false;
	assert_int_equal(channel_check(&request), CHANNEL_RELAY_NOT_UDP);
}

static void test_bound(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.bound = true;
	assert_int_equal(channel_check(&request), CHANNEL_BOUND);
}

static void test_family(void **state)
{
	static const size_t fields[] = {
		offsetof(struct channel_request, client),
		offsetof(struct channel_request, server),
		offsetof(struct channel_request, relay),
		offsetof(struct channel_request, peer),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(combinations) * COUNT(fields); i++) {
		const struct combination *is = &combinations[i / COUNT(fields)];
		struct channel_request request = sample_request(is, 0);
		union endpoint *field = (union endpoint *)((char *)&request + fields[i % COUNT(fields)]);

		assert_int_equal(channel_check(&request), CHANNEL_OK);
		/* Not that of the other end of the same socket. */
		*field = endpoint(field->any.sa_family == AF_INET ? "2001:db8::99" : "192.0.2.99", 4000);
		assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
		/* coturn has no address there. */
		memset(field, 0, sizeof(*field));
		assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
		field->any.sa_family = AF_UNIX;
		assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
	}
}

/* Both ends of a socket of no family that is known. */
static void test_other_families(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.client.any.sa_family = request.server.any.sa_family = AF_UNIX;
	assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
	request = good();
	request.peer.any.sa_family = request.relay.any.sa_family = AF_UNIX;
	assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
}

static void test_peer6(void **state)
{
	static const struct {
		const char *address;
		enum channel_refusal refusal;
	} table[] = {
		{ "2001:db8:3::20", CHANNEL_OK },
		{ "::", CHANNEL_GROUP },
		{ "::1", CHANNEL_LOOPBACK },
		{ "::2", CHANNEL_OK },
		{ "::ffff:192.0.2.10", CHANNEL_FAMILY },
		{ "ff02::1", CHANNEL_GROUP },
		{ "ff3e::8000:1", CHANNEL_GROUP },
		{ "fe80::1", CHANNEL_LINK_LOCAL },
		{ "febf::1", CHANNEL_LINK_LOCAL },
		{ "fe7f::1", CHANNEL_OK },
		{ "fec0::1", CHANNEL_OK },
		{ "fd00::1", CHANNEL_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = sample_request(&combinations[1], 0);

		request.peer = endpoint(table[i].address, 4000);
		if (channel_check(&request) != table[i].refusal)
			fail_msg("%s: %s", table[i].address, channel_refusal_text(channel_check(&request)));
	}
}

/* Our own addresses; their interface is not in the packet either. */
static void test_link_local_server(void **state)
{
	struct channel_request request = sample_request(&combinations[3], 0);

	(void)state;
	request.server = endpoint("fe80::1", 3478);
	assert_int_equal(channel_check(&request), CHANNEL_LINK_LOCAL);
	request = sample_request(&combinations[3], 0);
	request.relay = endpoint("fe80::1", 50000);
	assert_int_equal(channel_check(&request), CHANNEL_LINK_LOCAL);
}

static void test_client6(void **state)
{
	static const struct {
		const char *address;
		enum channel_refusal refusal;
	} table[] = {
		{ "2001:db8:1::10", CHANNEL_OK },      { "::1", CHANNEL_LOOPBACK },
		{ "::ffff:192.0.2.10", CHANNEL_FAMILY }, { "fe80::1", CHANNEL_LINK_LOCAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = sample_request(&combinations[2], 0);

		request.client = endpoint(table[i].address, 40000);
		assert_int_equal(channel_check(&request), table[i].refusal);
	}
}

static void test_wildcard6(void **state)
{
	struct channel_request request = sample_request(&combinations[2], 0);

	(void)state;
	request.server = endpoint("::", 3478);
	assert_int_equal(channel_check(&request), CHANNEL_WILDCARD);
	request = sample_request(&combinations[1], 0);
	request.relay = endpoint("::", 50000);
	assert_int_equal(channel_check(&request), CHANNEL_WILDCARD);
}

struct address_row {
	const char *address;
	enum channel_refusal refusal;
};

static void test_wildcard(void **state)
{
	static const struct address_row table[] = {
		{ "0.0.0.0", CHANNEL_WILDCARD },
		{ "0.0.0.1", CHANNEL_OK },
		{ "1.0.0.0", CHANNEL_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = good();

		request.server = endpoint(table[i].address, 3478);
		assert_int_equal(channel_check(&request), table[i].refusal);
		request = good();
		request.relay = endpoint(table[i].address, 50000);
		assert_int_equal(channel_check(&request), table[i].refusal);
	}
}

static void test_peer(void **state)
{
	static const struct address_row table[] = {
		{ "0.0.0.0", CHANNEL_GROUP },
		{ "0.0.0.1", CHANNEL_OK },
		{ "126.255.255.255", CHANNEL_OK },
		{ "127.0.0.0", CHANNEL_LOOPBACK },
		{ "127.0.0.1", CHANNEL_LOOPBACK },
		{ "127.255.255.255", CHANNEL_LOOPBACK },
		{ "128.0.0.0", CHANNEL_OK },
		{ "223.255.255.255", CHANNEL_OK },
		{ "224.0.0.0", CHANNEL_GROUP },
		{ "224.0.0.1", CHANNEL_GROUP },
		{ "233.252.0.1", CHANNEL_GROUP },
		{ "239.255.255.255", CHANNEL_GROUP },
		{ "240.0.0.0", CHANNEL_GROUP },
		{ "255.255.255.254", CHANNEL_GROUP },
		{ "255.255.255.255", CHANNEL_GROUP },
		/* The same bytes the other way round are common hosts. */
		{ "1.0.0.127", CHANNEL_OK },
		{ "1.0.0.224", CHANNEL_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = good();

		request.peer = endpoint(table[i].address, 4000);
		if (channel_check(&request) != table[i].refusal)
			fail_msg("%s: %s", table[i].address, channel_refusal_text(channel_check(&request)));
	}
}

static void test_client(void **state)
{
	static const struct address_row table[] = {
		{ "126.255.255.255", CHANNEL_OK },     { "127.0.0.0", CHANNEL_LOOPBACK },
		{ "127.0.0.1", CHANNEL_LOOPBACK },     { "127.255.255.255", CHANNEL_LOOPBACK },
		{ "128.0.0.0", CHANNEL_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = good();

		request.client = endpoint(table[i].address, 40000);
		assert_int_equal(channel_check(&request), table[i].refusal);
	}
}

/* RFC 8656, section 12: 0x4000 to 0x7fff; upstream's releases bind parts of it. */
static void test_number(void **state)
{
	struct channel_request request = good();

	(void)state;
	for (unsigned int number = 0; number <= 0xffff; number++) {
		request.number = (uint16_t)number;
		assert_int_equal(channel_check(&request),
				 number >= 0x4000 && number <= 0x7fff ? CHANNEL_OK : CHANNEL_NUMBER);
	}
}

static void test_any_port(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.client = endpoint("192.0.2.10", 1);
	request.peer = endpoint("198.51.100.20", 65535);
	assert_int_equal(channel_check(&request), CHANNEL_OK);
}

/* A log line says it; no two reasons read the same. */
static void test_texts(void **state)
{
	(void)state;
	for (int i = 0; i < CHANNEL_REFUSALS; i++) {
		assert_non_null(channel_refusal_text(i));
		assert_true(strlen(channel_refusal_text(i)) > 10);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(channel_refusal_text(i), channel_refusal_text(k));
	}
	assert_non_null(strstr(channel_refusal_text(CHANNEL_CLIENT_NOT_UDP), "client"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_RELAY_NOT_UDP), "relay"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_FAMILY), "IPv4"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_WILDCARD), "wildcard"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_LINK_LOCAL), "link-local"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_GROUP), "multicast"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_LOOPBACK), "loopback"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_NUMBER), "number"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),  cmocka_unit_test(test_transport),
		cmocka_unit_test(test_bound),  cmocka_unit_test(test_family),
		cmocka_unit_test(test_other_families), cmocka_unit_test(test_peer6),
		cmocka_unit_test(test_client6), cmocka_unit_test(test_link_local_server), cmocka_unit_test(test_wildcard6),
		cmocka_unit_test(test_wildcard), cmocka_unit_test(test_peer),
		cmocka_unit_test(test_client),   cmocka_unit_test(test_number),
		cmocka_unit_test(test_any_port), cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests_name("allocation", tests, NULL, NULL);
}
