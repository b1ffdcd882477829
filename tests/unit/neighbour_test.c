/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The neighbours that next hops lead to: they become known, change and age, and many
 * entries share one. The network is the one of network.h.
 */
#include "network.h"

/* The kernel is made to resolve a neighbour once; it says by an event that it has. */
static void test_neighbour_comes_and_goes(void **state)
{
	unsigned int asked;
	uint32_t entry;

	(void)state;
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	entry = acquired("203.0.113.20");
	wait_for_number(&net.probes, 1);
	assert_int_equal(net.neighbour_probed, address("192.0.2.254"));
	assert_int_equal(net.probed_ifindex, ETH);
	assert_int_equal(hop_of(entry).ifindex, 0);
	/* Not again for each event that says that it is not known yet. */
	asked = number(&net.neighbours_asked);
	for (int i = 0; i < 5; i++)
		neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	wait_until_updated();
	/* wait_until_updated() itself asks for three. */
	assert_int_equal(number(&net.neighbours_asked), asked + 5 + 3);
	assert_int_equal(number(&net.gateway_probes), 1);
	assert_int_equal(hop_of(entry).ifindex, 0);
	LOCKED(net.neighbour_error = 0);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	wait_for_hop(entry, true);
	assert_int_equal(number(&net.gateway_probes), 1);

	LOCKED(net.mac = 0x77);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	wait_for_mac(entry, 0x77);

	/* When it is gone the entry leads nowhere, and the kernel is made to resolve it again. */
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	neighbour_event(RTM_DELNEIGH, ETH, "192.0.2.254");
	wait_for_hop(entry, false);
	assert_int_equal(number(&net.gateway_probes), 2);
}

static void test_stale_neighbour_is_confirmed(void **state)
{
	uint32_t entry;

	(void)state;
	LOCKED(net.stale = true);
	entry = acquired("192.0.2.20");
	wait_for_hop(entry, true);
	assert_int_equal(number(&net.probes), 1);
	assert_int_equal(net.neighbour_probed, address("192.0.2.20"));
}

/* Without the privilege for it, the kernel resolves a neighbour for coturn's own packets. */
static void test_probe_without_privilege(void **state)
{
	uint32_t entry;

	(void)state;
	LOCKED(net.neighbour_error = -EHOSTUNREACH; net.probe_error = -EPERM);
	entry = acquired("192.0.2.20");
	wait_for_number(&net.probes, 1);
	LOCKED(net.neighbour_error = 0);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.20");
	wait_for_hop(entry, true);
	assert_int_equal(number(&net.probes), 1);
}

static void test_events_of_other_neighbours(void **state)
{
	uint32_t entry = acquired("192.0.2.20");
	unsigned int puts, changes;

	(void)state;
	wait_for_hop(entry, true);
	wait_until_updated();
	puts = number(&net.asked[20]);
	changes = number(&net.links_changed);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.21");
	neighbour_event(RTM_NEWNEIGH, OTHER, "192.0.2.20");
	neighbour_event(RTM_DELNEIGH, ETH, "192.0.2.19");
	wait_until_updated();
	assert_int_equal(number(&net.asked[20]), puts);
	assert_int_equal(number(&net.links_changed), changes);
}

/* Entries behind one gateway share the questions about it. */
static void test_shared_gateway(void **state)
{
	unsigned int links, neighbours, puts, routes;
	uint32_t entry[32];

	(void)state;
	for (uint32_t i = 0; i < COUNT(entry); i++)
		assert_int_equal(acquire("192.0.2.1", htonl(0xcb007100 + i), &entry[i]), 0);
	for (uint32_t i = 0; i < COUNT(entry); i++)
		wait_for_hop(entry[i], true);
	wait_until_updated();
	links = number(&net.links_asked);
	neighbours = number(&net.neighbours_asked);
	event(RTM_NEWROUTE);
	wait_until_updated();
	/* wait_until_updated() itself asks for three. */
	assert_true(number(&net.links_asked) - links < COUNT(entry));
	assert_true(number(&net.neighbours_asked) - neighbours < COUNT(entry));

	/* An event of the gateway without a change writes nothing. */
	puts = number(&net.puts);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	wait_until_updated();
	assert_true(number(&net.puts) - puts <= 6); /* wait_until_updated()'s own */
	/* A new MAC is written everywhere, without a question about routes. */
	routes = number(&net.asked[5]);
	for (uint8_t mac = 0x42; mac < 0x48; mac++) {
		LOCKED(net.mac = mac);
		neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
		for (uint32_t i = 0; i < COUNT(entry); i++)
			wait_for_mac(entry[i], mac);
	}
	assert_int_equal(number(&net.asked[5]), routes);
	/* Without a MAC all of them lead nowhere. */
	nexthop_release(entry[3]);
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	for (uint32_t i = 0; i < COUNT(entry); i++)
		wait_for_hop(entry[i], false);
	assert_int_equal(number(&net.gateway_probes), 1);
	/* For a new entry behind it the kernel is made to try once more. */
	acquired("203.0.113.99");
	wait_for_number(&net.gateway_probes, 2);
	LOCKED(net.neighbour_error = 0);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	for (uint32_t i = 0; i < COUNT(entry); i++)
		wait_for_hop(entry[i], i != 3);
}

/* Entries leave a neighbour one by one, from the middle on; those that are left are still told. */
static void test_entries_leave(void **state)
{
	static const uint32_t order[] = { 3, 2, 4, 0, 6 };
	uint32_t entry[7];

	(void)state;
	for (uint32_t i = 0; i < COUNT(entry); i++) {
		assert_int_equal(acquire("192.0.2.1", htonl(0xcb007100 + i), &entry[i]), 0);
		wait_for_hop(entry[i], true);
	}
	for (size_t i = 0; i < COUNT(order); i++) {
		print_message("# without entry %u\n", order[i]);
		nexthop_release(entry[order[i]]);
		/* The thread sees it when it updates all. */
		event(RTM_NEWROUTE);
		wait_until_updated();
		LOCKED(net.mac++);
		neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
		wait_for_mac(entry[1], net.mac);
		wait_for_mac(entry[5], net.mac);
	}
}

/* Entries move from one neighbour to the next, leave, and come back. */
static void test_neighbours_of_entries(void **state)
{
	uint64_t seed = SEED;
	uint32_t entry[24];

	(void)state;
	for (uint32_t i = 0; i < COUNT(entry); i++)
		assert_int_equal(acquire("192.0.2.1", htonl((i % 2 ? 0xcb007100 : 0xc0000200) + i), &entry[i]), 0);
	for (int step = 0; step < 300; step++) {
		switch (unit_random(&seed) % 6) {
		case 0:
			LOCKED(net.via6 = !net.via6);
			event(RTM_NEWROUTE);
			break;
		case 1:
			LOCKED(net.device = net.device ? 0 : OTHER);
			event(RTM_NEWROUTE);
			break;
		case 2:
			LOCKED(net.local = !net.local);
			event(RTM_NEWADDR);
			break;
		case 3: {
			uint32_t i = (uint32_t)(unit_random(&seed) % COUNT(entry));

			nexthop_release(entry[i]);
			assert_int_equal(acquire("192.0.2.1", htonl((i % 2 ? 0xcb007100 : 0xc0000200) + i), &entry[i]), 0);
			break;
		}
		case 4:
			LOCKED(net.mac++);
			neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
			neighbour6_event(gateway6);
			break;
		case 5:
			usleep((useconds_t)(unit_random(&seed) % 3000));
			break;
		}
	}
	LOCKED(net.via6 = net.local = false; net.device = 0; net.mac = 0x31);
	event(RTM_NEWROUTE);
	for (uint32_t i = 0; i < COUNT(entry); i++) {
		wait_for_mac(entry[i], 0x31);
		assert_int_equal(hop_of(entry[i]).ifindex, ETH);
	}
	LOCKED(net.mac = 0x32);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.254");
	for (uint32_t i = 1; i < COUNT(entry); i += 2)
		wait_for_mac(entry[i], 0x32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_neighbour_comes_and_goes),
		TEST(test_stale_neighbour_is_confirmed),
		TEST(test_probe_without_privilege),
		TEST(test_events_of_other_neighbours),
		TEST(test_shared_gateway),
		TEST(test_entries_leave),
		TEST(test_neighbours_of_entries),
	};

	return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
