/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channels the kernel may relay: every reason for a refusal, and both sides of each limit. */
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
	assert_int_equal(eligibility_check(&request), REFUSAL_NONE);
	/* Client and peer may have the same address, and server and relay too. */
	request.peer = request.client;
	assert_int_equal(eligibility_check(&request), REFUSAL_NONE);
	request.relay = request.server;
	assert_int_equal(eligibility_check(&request), REFUSAL_NONE);
}

static void test_transport(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.client_udp = false;
	assert_int_equal(eligibility_check(&request), REFUSAL_CLIENT_NOT_UDP);
	request = good();
	request.relay_udp = false;
	assert_int_equal(eligibility_check(&request), REFUSAL_RELAY_NOT_UDP);
}

static void test_bound(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.bound = true;
	assert_int_equal(eligibility_check(&request), REFUSAL_BOUND);
}

static void test_family(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{ "client", offsetof(struct channel_request, client) },
		{ "server", offsetof(struct channel_request, server) },
		{ "relay", offsetof(struct channel_request, relay) },
		{ "peer", offsetof(struct channel_request, peer) },
	};
	char entry[64];

	(void)state;
	for (size_t i = 0; i < COUNT(combinations) * COUNT(fields); i++) {
		const struct combination *is = &combinations[i / COUNT(fields)];
		struct channel_request request = sample_request(is, 0);
		union endpoint *field = (union endpoint *)((char *)&request + fields[i % COUNT(fields)].offset);

		snprintf(entry, sizeof(entry), "%s, %s", is->name, fields[i % COUNT(fields)].name);
		assert_entry_equal(entry, eligibility_check(&request), REFUSAL_NONE);
		/* The two ends of a socket have different families. */
		*field = endpoint(field->any.sa_family == AF_INET ? "2001:db8::99" : "192.0.2.99", 4000);
		assert_entry_equal(entry, eligibility_check(&request), REFUSAL_FAMILY);
		/* coturn knows no address. */
		memset(field, 0, sizeof(*field));
		assert_entry_equal(entry, eligibility_check(&request), REFUSAL_FAMILY);
		field->any.sa_family = AF_UNIX;
		assert_entry_equal(entry, eligibility_check(&request), REFUSAL_FAMILY);
	}
}

/* Both ends of a socket have the same family, which is neither IPv4 nor IPv6. */
static void test_other_families(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.client.any.sa_family = request.server.any.sa_family = AF_UNIX;
	assert_int_equal(eligibility_check(&request), REFUSAL_FAMILY);
	request = good();
	request.peer.any.sa_family = request.relay.any.sa_family = AF_UNIX;
	assert_int_equal(eligibility_check(&request), REFUSAL_FAMILY);
}

static void test_peer6(void **state)
{
	static const struct {
		const char *address;
		enum refusal refusal;
	} table[] = {
		{ "2001:db8:3::20", REFUSAL_NONE },
		{ "::", REFUSAL_GROUP },
		{ "::1", REFUSAL_LOOPBACK },
		{ "::2", REFUSAL_NONE },
		{ "::ffff:192.0.2.10", REFUSAL_MAPPED },
		{ "::ffff:0.0.0.0", REFUSAL_MAPPED },
		{ "::fffe:192.0.2.10", REFUSAL_NONE },
		{ "ff02::1", REFUSAL_GROUP },
		{ "ff3e::8000:1", REFUSAL_GROUP },
		{ "fe80::1", REFUSAL_LINK_LOCAL },
		{ "febf::1", REFUSAL_LINK_LOCAL },
		{ "fe7f::1", REFUSAL_NONE },
		{ "fec0::1", REFUSAL_NONE },
		{ "fd00::1", REFUSAL_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = sample_request(&combinations[1], 0);

		request.peer = endpoint(table[i].address, 4000);
		assert_entry_equal(table[i].address, eligibility_check(&request), table[i].refusal);
	}
}

/* The server and the relay may not have link-local addresses either. */
static void test_link_local_server(void **state)
{
	struct channel_request request = sample_request(&combinations[3], 0);

	(void)state;
	request.server = endpoint("fe80::1", 3478);
	assert_int_equal(eligibility_check(&request), REFUSAL_LINK_LOCAL);
	request = sample_request(&combinations[3], 0);
	request.relay = endpoint("fe80::1", 50000);
	assert_int_equal(eligibility_check(&request), REFUSAL_LINK_LOCAL);
}

static void test_client6(void **state)
{
	static const struct {
		const char *address;
		enum refusal refusal;
	} table[] = {
		{ "2001:db8:1::10", REFUSAL_NONE },      { "::1", REFUSAL_LOOPBACK },
		{ "::ffff:192.0.2.10", REFUSAL_MAPPED }, { "fe80::1", REFUSAL_LINK_LOCAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = sample_request(&combinations[2], 0);

		request.client = endpoint(table[i].address, 40000);
		assert_entry_equal(table[i].address, eligibility_check(&request), table[i].refusal);
	}
}

static void test_wildcard6(void **state)
{
	struct channel_request request = sample_request(&combinations[2], 0);

	(void)state;
	request.server = endpoint("::", 3478);
	assert_int_equal(eligibility_check(&request), REFUSAL_WILDCARD);
	request = sample_request(&combinations[1], 0);
	request.relay = endpoint("::", 50000);
	assert_int_equal(eligibility_check(&request), REFUSAL_WILDCARD);
}

struct address_entry {
	const char *address;
	enum refusal refusal;
};

static void test_wildcard(void **state)
{
	static const struct address_entry table[] = {
		{ "0.0.0.0", REFUSAL_WILDCARD },
		{ "0.0.0.1", REFUSAL_NONE },
		{ "1.0.0.0", REFUSAL_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = good();

		request.server = endpoint(table[i].address, 3478);
		assert_entry_equal(table[i].address, eligibility_check(&request), table[i].refusal);
		request = good();
		request.relay = endpoint(table[i].address, 50000);
		assert_entry_equal(table[i].address, eligibility_check(&request), table[i].refusal);
	}
}

static void test_peer(void **state)
{
	static const struct address_entry table[] = {
		{ "0.0.0.0", REFUSAL_GROUP },
		{ "0.0.0.1", REFUSAL_NONE },
		{ "126.255.255.255", REFUSAL_NONE },
		{ "127.0.0.0", REFUSAL_LOOPBACK },
		{ "127.0.0.1", REFUSAL_LOOPBACK },
		{ "127.255.255.255", REFUSAL_LOOPBACK },
		{ "128.0.0.0", REFUSAL_NONE },
		{ "223.255.255.255", REFUSAL_NONE },
		{ "224.0.0.0", REFUSAL_GROUP },
		{ "224.0.0.1", REFUSAL_GROUP },
		{ "233.252.0.1", REFUSAL_GROUP },
		{ "239.255.255.255", REFUSAL_GROUP },
		{ "240.0.0.0", REFUSAL_GROUP },
		{ "255.255.255.254", REFUSAL_GROUP },
		{ "255.255.255.255", REFUSAL_GROUP },
		/* Hosts whose bytes are those of a loopback or group address in reverse order. */
		{ "1.0.0.127", REFUSAL_NONE },
		{ "1.0.0.224", REFUSAL_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = good();

		request.peer = endpoint(table[i].address, 4000);
		assert_entry_equal(table[i].address, eligibility_check(&request), table[i].refusal);
	}
}

static void test_client(void **state)
{
	static const struct address_entry table[] = {
		{ "126.255.255.255", REFUSAL_NONE },     { "127.0.0.0", REFUSAL_LOOPBACK },
		{ "127.0.0.1", REFUSAL_LOOPBACK },     { "127.255.255.255", REFUSAL_LOOPBACK },
		{ "128.0.0.0", REFUSAL_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct channel_request request = good();

		request.client = endpoint(table[i].address, 40000);
		assert_entry_equal(table[i].address, eligibility_check(&request), table[i].refusal);
	}
}

/* RFC 5766 allows 0x4000 to 0x7fff, RFC 8656 a part of that. */
static void test_number(void **state)
{
	struct channel_request request = good();

	(void)state;
	for (unsigned int number = 0; number <= 0xffff; number++) {
		char entry[16];

		snprintf(entry, sizeof(entry), "0x%04x", number);
		request.number = (uint16_t)number;
		assert_entry_equal(entry, eligibility_check(&request),
				   number >= 0x4000 && number <= 0x7fff ? REFUSAL_NONE : REFUSAL_NUMBER);
	}
}

static void test_any_port(void **state)
{
	struct channel_request request = good();

	(void)state;
	request.client = endpoint("192.0.2.10", 1);
	request.peer = endpoint("198.51.100.20", 65535);
	assert_int_equal(eligibility_check(&request), REFUSAL_NONE);
}

/* Each reason has a text of its own, which names the cause. */
static void test_texts(void **state)
{
	(void)state;
	for (int i = 0; i < REFUSAL_COUNT; i++) {
		assert_non_null(eligibility_refusal_text(i));
		assert_true(strlen(eligibility_refusal_text(i)) > 10);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(eligibility_refusal_text(i), eligibility_refusal_text(k));
	}
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_CLIENT_NOT_UDP), "client"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_RELAY_NOT_UDP), "relay"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_FAMILY), "IPv4"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_WILDCARD), "wildcard"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_LINK_LOCAL), "link-local"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_GROUP), "multicast"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_LOOPBACK), "loopback"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_NUMBER), "number"));
	assert_non_null(strstr(eligibility_refusal_text(REFUSAL_MAPPED), "IPv4-mapped"));
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
