/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channels the kernel may relay: every refusal, and both sides of each limit. */
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "allocation.h"

static union endpoint endpoint(const char *address, uint16_t port)
{
	union endpoint endpoint;

	memset(&endpoint, 0, sizeof(endpoint));
	if (inet_pton(AF_INET, address, &endpoint.v4.sin_addr) == 1) {
		endpoint.v4.sin_family = AF_INET;
		endpoint.v4.sin_port = htons(port);
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &endpoint.v6.sin6_addr), 1);
		endpoint.v6.sin6_family = AF_INET6;
		endpoint.v6.sin6_port = htons(port);
	}
	return endpoint;
}

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
		.limited = false,
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

static void test_limited(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.limited = true;
	assert_int_equal(channel_check(&request), CHANNEL_LIMITED);
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
	static const char *const addresses[] = { "2001:db8::10", "::ffff:192.0.2.10", "::", "::1", "ff02::1" };

	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct channel_request request = good();
		union endpoint *field = (union endpoint *)((char *)&request + fields[i]);

		for (size_t k = 0; k < COUNT(addresses); k++) {
			*field = endpoint(addresses[k], 4000);
			assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
		}
		/* coturn has no address there. */
		memset(field, 0, sizeof(*field));
		assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
		field->any.sa_family = AF_UNIX;
		assert_int_equal(channel_check(&request), CHANNEL_FAMILY);
	}
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
	assert_non_null(strstr(channel_refusal_text(CHANNEL_GROUP), "multicast"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_LOOPBACK), "loopback"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_LIMITED), "max-bps"));
	assert_non_null(strstr(channel_refusal_text(CHANNEL_NUMBER), "number"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),  cmocka_unit_test(test_transport),
		cmocka_unit_test(test_limited), cmocka_unit_test(test_bound),  cmocka_unit_test(test_family),
		cmocka_unit_test(test_wildcard), cmocka_unit_test(test_peer),
		cmocka_unit_test(test_client),   cmocka_unit_test(test_number),
		cmocka_unit_test(test_any_port), cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests_name("allocation", tests, NULL, NULL);
}
