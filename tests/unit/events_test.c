/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is updated when the kernel tells of a change: the entries that it concerns, or all
 * of them. The network is the one of network.h.
 */
#include "network.h"

/* While there are IPsec policies nothing leads anywhere; any event has it looked at. */
static void test_ipsec(void **state)
{
	uint32_t entry = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(entry, true);
	__atomic_store_n(&ipsec, true, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, false);
	assert_true(blocked_shown);
	/* Not to be told is not to be told that there are none. */
	__atomic_store_n(&ipsec_unknown, true, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	wait_until_updated();
	assert_int_equal(hop_of(entry).ifindex, 0);
	__atomic_store_n(&ipsec_unknown, false, __ATOMIC_RELAXED);
	__atomic_store_n(&ipsec, false, __ATOMIC_RELAXED);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, true);
	assert_false(blocked_shown);
}

/* A neighbour's attribute of any size does no harm. */
static void test_odd_events(void **state)
{
	char buffer[1024] = { 0 }, bytes[512] = { 0 };
	uint32_t entry = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(entry, true);
	for (size_t size = 0; size <= sizeof(bytes); size += size < 20 ? 1 : 41) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

		message->nlmsg_type = RTM_NEWNEIGH;
		header->ndm_ifindex = ETH;
		mnl_attr_put(message, NDA_DST, size, bytes);
		send_event(message);
	}
	wait_until_updated();
	assert_int_equal(hop_of(entry).ifindex, ETH);
}

static void test_all_other_events(void **state)
{
	static const uint16_t types[] = { RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR,
					  RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWRULE, RTM_DELRULE };
	uint32_t here = acquired("192.0.2.20"), there = acquired("198.51.100.21");

	(void)state;
	wait_for_hop(here, true);
	wait_for_hop(there, true);
	wait_until_updated();
	for (size_t i = 0; i < COUNT(types); i++) {
		unsigned int changes = number(&net.links_changed);

		print_message("# event %u\n", types[i]);
		LOCKED(net.mac = (uint8_t)(0x80 + i));
		event(types[i]);
		wait_for_mac(here, (uint8_t)(0x80 + i));
		wait_for_mac(there, (uint8_t)(0x80 + i));
		/* A route is no link. */
		if (types[i] != RTM_NEWROUTE && types[i] != RTM_DELROUTE)
			assert_true(number(&net.links_changed) > changes);
	}
}

/* A route concerns the entries that it covers, and no others. */
static void test_route_events(void **state)
{
	enum { A = 1, B = 2, C = 4, D = 8, OTHERS = 16, ENTRIES_HERE = 5, TRIES = 5 };
	static const struct {
		const char *prefix;
		uint8_t length;
		unsigned int asked;
	} table[] = {
		{ "198.51.100.0", 24, A },   { "198.51.100.40", 32, A },   { "198.51.100.41", 32, 0 },
		{ "203.0.113.0", 24, B },    { "203.0.113.32", 27, B },    { "203.0.113.64", 26, 0 },
		{ "192.0.0.0", 4, A | B },   { "128.0.0.0", 2, 0 },        { "192.0.2.1", 32, A | B },
		{ "2001:db8::", 32, C | D }, { "2001:db8:1::", 48, D },    { "2001:db8::2a", 128, C },
		{ "2001:db8:1::20", 123, D }, { "2001:db8:1::60", 123, 0 }, { "2001:db8::1", 128, C | D },
		{ "2001:db8:3::", 48, 0 },   { "198.51.100.0", 0, A | B | C | D | OTHERS },
	};
	union abi_addr from = { .v4 = address("100.64.0.1") }, to = { .v4 = address("100.64.0.44") };
	unsigned int before[ENTRIES_HERE], asked;
	uint32_t entry;

	(void)state;
	wait_for_hop(acquired("198.51.100.40"), true);
	wait_for_hop(acquired("203.0.113.41"), true);
	wait_for_hop(acquired6("2001:db8::2a"), true);
	wait_for_hop(acquired6("2001:db8:1::2b"), true);
	assert_int_equal(nexthop_acquire(AF_INET, &from, &to, &entry), 0);
	wait_for_hop(entry, true);
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s/%u\n", table[i].prefix, table[i].length);
		/* All entries are looked at now and then, which may be just now. */
		asked = ~table[i].asked;
		for (int try = 0; try < TRIES && asked != table[i].asked; try++) {
			wait_until_updated();
			LOCKED(memcpy(before, &net.asked[40], sizeof(before)));
			route_event(table[i].prefix, table[i].length);
			wait_until_updated();
			asked = 0;
			for (unsigned int k = 0; k < ENTRIES_HERE; k++)
				asked |= (number(&net.asked[40 + k]) > before[k]) << k;
		}
		assert_int_equal(asked, table[i].asked);
	}
}

/* Many at a time concern all. */
static void test_route_events_at_once(void **state)
{
	uint32_t entry = acquired("198.51.100.40"), other = acquired("203.0.113.41");
	unsigned int changes;

	(void)state;
	wait_for_hop(entry, true);
	wait_for_hop(other, true);
	wait_until_updated();
	/* When all entries have just been looked at, it is a second to the next time. */
	wait_for_number(&net.asked[40], number(&net.asked[40]) + 1);
	changes = number(&net.links_changed);
	/* The thread waits for the lock when it looks for that entry; events gather. */
	pthread_mutex_lock(&net.lock);
	net.mac = 0x66;
	route_event("198.51.100.40", 32);
	usleep(20000);
	for (int i = 0; i < 50; i++)
		route_event("198.18.0.0", 24);
	pthread_mutex_unlock(&net.lock);
	for (int i = 0; i < 500 && hop_of(other).eth[5] != 0x66; i++)
		usleep(1000);
	assert_int_equal(hop_of(other).eth[5], 0x66);
	assert_true(number(&net.links_changed) <= changes + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_ipsec),
		TEST(test_odd_events),
		TEST(test_all_other_events),
		TEST(test_route_events),
		TEST(test_route_events_at_once),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
