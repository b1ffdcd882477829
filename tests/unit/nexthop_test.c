/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of next hops: who shares its entries, which are free, and the thread that
 * fills them. The network is the one of network.h.
 */
#include "network.h"

static void test_on_link(void **state)
{
	static const uint8_t eth[12] = { 2, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 1 };
	uint32_t entry = acquired("192.0.2.20");
	struct hop hop;

	(void)state;
	wait_for_hop(entry, true);
	hop = hop_of(entry);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.mtu, 1500);
	assert_int_equal(hop.flags, HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(hop.tag[0].protocol, 0);
	assert_int_equal(hop.ttl, default_ttl());
	assert_memory_equal(hop.eth, eth, sizeof(eth));
	assert_int_equal(net.neighbour_asked, address("192.0.2.20"));
	assert_int_equal(number(&net.probes), 0);
	assert_int_equal(number(&net.kept), 1);
}

static void test_behind_a_gateway(void **state)
{
	uint32_t entry = acquired("203.0.113.20");

	(void)state;
	wait_for_hop(entry, true);
	assert_int_equal(net.neighbour_asked, address("192.0.2.254"));
	assert_int_equal(hop_of(entry).ifindex, ETH);
}

static void test_entries_are_shared(void **state)
{
	uint32_t entry = acquired("192.0.2.20"), other;

	(void)state;
	wait_for_hop(entry, true);
	assert_int_equal(acquired("192.0.2.20"), entry);
	assert_int_equal(acquire("192.0.2.2", address("192.0.2.20"), &other), 0);
	assert_int_not_equal(other, entry);
	assert_int_not_equal(acquired("192.0.2.21"), entry);
	wait_for_hop(other, true);
	/* An entry leads nowhere once its last user has given it back. */
	nexthop_release(entry);
	assert_int_equal(hop_of(entry).ifindex, ETH);
	nexthop_release(entry);
	assert_int_equal(hop_of(entry).ifindex, 0);
	assert_int_equal(hop_of(other).ifindex, ETH);
}

/* Entries that differ only in our own address: as many as there is room for, so that some share a bucket. */
static void test_entries_of_each_source(void **state)
{
	char from[16];
	uint32_t entry;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < ENTRIES; i++) {
			snprintf(from, sizeof(from), "192.0.2.%u", 100 + i);
			assert_int_equal(acquire(from, address("192.0.2.20"), &entry), 0);
			assert_int_equal(entry, i);
		}
	}
}

/* Taking and giving back at random, compared with a plain list. There are few buckets, so chains are long. */
static void test_table(void **state)
{
	struct {
		bool used;
		__be32 to;
		uint32_t users;
	} model[ENTRIES] = { { 0 } };
	uint64_t seed = SEED;
	unsigned int refused = 0;

	(void)state;
	for (int step = 0; step < 50000; step++) {
		__be32 to = htonl(0xc0000200 + (uint32_t)(unit_random(&seed) % 90));
		bool known = false;
		uint32_t entry = UINT32_MAX, free = 0;
		int error;

		if (unit_random(&seed) % 2) {
			entry = (uint32_t)(unit_random(&seed) % ENTRIES);
			if (!model[entry].used)
				continue;
			nexthop_release(entry);
			model[entry].used = --model[entry].users > 0;
			continue;
		}
		for (uint32_t i = 0; i < ENTRIES; i++) {
			free += !model[i].used;
			known = known || (model[i].used && model[i].to == to);
		}
		error = acquire("192.0.2.1", to, &entry);
		if (!known && !free) {
			assert_int_equal(error, -ENOSPC);
			assert_int_equal(entry, UINT32_MAX);
			refused++;
			continue;
		}
		assert_int_equal(error, 0);
		assert_true(entry < ENTRIES);
		assert_int_equal(model[entry].used, known);
		if (known)
			assert_int_equal(model[entry].to, to);
		model[entry].used = true;
		model[entry].to = to;
		model[entry].users++;
	}
	assert_true(refused > 0);
}

static void test_full(void **state)
{
	uint32_t entry = 0, none = 12345;

	(void)state;
	for (uint32_t i = 0; i < ENTRIES; i++) {
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000200 + i), &entry), 0);
		assert_int_equal(entry, i);
	}
	assert_int_equal(acquire("192.0.2.1", address("192.0.2.250"), &none), -ENOSPC);
	assert_int_equal(none, 12345);
	/* An entry that is there can still be shared. */
	assert_int_equal(acquire("192.0.2.1", htonl(0xc0000200 + 5), &entry), 0);
	assert_int_equal(entry, 5);
	nexthop_release(9);
	assert_int_equal(acquire("192.0.2.1", address("192.0.2.250"), &entry), 0);
	assert_int_equal(entry, 9);
}

/* An entry leads where its present owner wants, not where the former did. */
static void test_reused_entry(void **state)
{
	uint32_t entry = acquired("192.0.2.20");

	uint32_t other = 0;

	(void)state;
	wait_for_hop(entry, true);
	nexthop_release(entry);
	assert_int_equal(hop_of(entry).ifindex, 0);
	/* An entry that was given back stays unused as long as there are entries that were never used. */
	for (uint32_t i = 1; i < ENTRIES; i++) {
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000300 + i), &other), 0);
		assert_int_not_equal(other, entry);
	}
	assert_int_equal(acquired("198.51.100.20"), entry);
	wait_for_hop(entry, true);
	assert_int_equal(hop_of(entry).ifindex, OTHER);
}

/* After the server's change of user the thread reduces its capabilities once. */
static void test_privileges_dropped(void **state)
{
	uint32_t entry = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(entry, true);
	assert_int_equal(number(&net.kept), 1);
	assert_int_equal(number(&net.privileges), 0);
	nexthop_privileges_dropped();
	wait_for_number(&net.privileges, 1);
	wait_until_updated();
	assert_int_equal(number(&net.privileges), 1);
	assert_int_equal(number(&net.kept), 1);
	assert_int_equal(hop_of(entry).ifindex, ETH);
	/* Without a thread it does nothing. */
	nexthop_stop();
	nexthop_privileges_dropped();
}

/* An entry that has not changed is not written again, and the kernel is not asked about free entries. */
static void test_no_needless_work(void **state)
{
	uint32_t entry = acquired("192.0.2.20"), gone = acquired("192.0.2.21");
	unsigned int puts, asked;

	(void)state;
	wait_for_hop(entry, true);
	wait_for_hop(gone, true);
	nexthop_release(gone);
	puts = number(&net.puts);
	asked = number(&net.asked[21]);
	event(RTM_NEWLINK);
	wait_for_number(&net.asked[20], 2);
	event(RTM_NEWLINK);
	wait_for_number(&net.asked[20], 3);
	wait_for_number(&net.links_changed, 2);
	assert_int_equal(number(&net.puts), puts);
	assert_int_equal(number(&net.asked[21]), asked);
	assert_int_equal(hop_of(entry).ifindex, ETH);
}

/* An entry that gets other destinations before the thread has updated it is updated for the last one. */
static void test_new_entry_twice(void **state)
{
	uint32_t entry;

	(void)state;
	for (uint32_t i = 0; i < ENTRIES; i++)
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000300 + i), &entry), 0);
	wait_for_hop(entry, true);
	nexthop_release(entry);
	wait_until_updated();
	/* The thread waits for the lock; meanwhile the only entry that is left gets four destinations. */
	pthread_mutex_lock(&net.lock);
	event(RTM_NEWROUTE);
	usleep(20000);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t one = 0;

		if (i)
			nexthop_release(entry);
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000220 + i), &one), 0);
		entry = one;
	}
	pthread_mutex_unlock(&net.lock);
	wait_for_hop(entry, true);
	usleep(50000);
	assert_true(number(&net.asked[0x23]) <= 8);
}

/* An entry whose question the kernel has not answered leads nowhere, and is asked about again, without an event. */
static void test_no_answer(void **state)
{
	uint32_t entry = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(entry, true);
	LOCKED(net.route_error = -ETIMEDOUT);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, false);
	LOCKED(net.route_error = 0);
	wait_for_hop(entry, true);
}

/*
 * Where examples were seen depends on the device: a move is told also if the entry leads nowhere in between, and nothing
 * is told if it comes back to where it was.
 */
static void test_generation(void **state)
{
	uint32_t entry = acquired("192.0.2.20"), before;

	(void)state;
	wait_for_hop(entry, true);
	wait_until_updated();
	before = nexthop_generation();
	LOCKED(net.route_error = -ENETUNREACH);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, false);
	LOCKED(net.route_error = 0);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, true);
	assert_int_equal(nexthop_generation(), before);

	LOCKED(net.device = OTHER; net.neighbour_error = -EHOSTUNREACH);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, false);
	LOCKED(net.neighbour_error = 0);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, true);
	assert_int_equal(hop_of(entry).ifindex, OTHER);
	assert_int_equal(nexthop_generation(), before + 1);
	/* Another destination gets the entry: that is no move. */
	nexthop_release(entry);
	LOCKED(net.device = 0);
	entry = acquired("192.0.2.21");
	wait_for_hop(entry, true);
	wait_until_updated();
	assert_int_equal(nexthop_generation(), before + 1);
}

/* That a destination is not this host is known of an entry that leads nowhere, too. To learn more of it is no move. */
static void test_leaves(void **state)
{
	uint32_t entry, before = nexthop_generation();

	(void)state;
	LOCKED(net.neighbour_error = -EHOSTUNREACH);
	entry = acquired("192.0.2.20");
	wait_until_updated();
	assert_int_equal(hop_of(entry).ifindex, 0);
	assert_true(nexthop_leaves(entry));
	LOCKED(net.neighbour_error = 0);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, true);
	assert_true(nexthop_leaves(entry));
	assert_int_equal(nexthop_generation(), before);
	/* A route that cannot be followed. */
	LOCKED(net.mtu_locked = true);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, false);
	assert_true(nexthop_leaves(entry));
	assert_int_equal(nexthop_generation(), before);
	/* To this host itself, and away again. */
	LOCKED(net.mtu_locked = false; net.local = true);
	event(RTM_NEWROUTE);
	wait_until_updated();
	assert_false(nexthop_leaves(entry));
	assert_int_equal(nexthop_generation(), before + 1);
	LOCKED(net.mtu_locked = true; net.local = false);
	event(RTM_NEWROUTE);
	wait_until_updated();
	assert_true(nexthop_leaves(entry));
	assert_int_equal(nexthop_generation(), before + 2);
	/* No route, and another destination: nothing is known. */
	LOCKED(net.route_error = -ENETUNREACH);
	event(RTM_NEWROUTE);
	wait_until_updated();
	assert_false(nexthop_leaves(entry));
	LOCKED(net.route_error = 0);
	event(RTM_NEWROUTE);
	wait_until_updated();
	assert_true(nexthop_leaves(entry));
	nexthop_release(entry);
	assert_false(nexthop_leaves(entry));
}

/* A neighbour that the kernel does not tell of in time is asked for again, as a route is. */
static void test_no_answer_of_neighbours(void **state)
{
	uint32_t entry;

	(void)state;
	LOCKED(net.neighbour_error = -ETIMEDOUT);
	entry = acquired("192.0.2.22");
	wait_for_number(&net.neighbours_asked, 3);
	assert_int_equal(hop_of(entry).ifindex, 0);
	LOCKED(net.neighbour_error = 0);
	wait_for_hop(entry, true);
}

/* The thread has reported by when an entry is filled, and goes on. */
static void test_reports(void **state)
{
	uint64_t first;

	(void)state;
	wait_for_hop(acquired("192.0.2.20"), true);
	first = __atomic_load_n(&monitor_deadline, __ATOMIC_RELAXED);
	assert_true(first > 0);
	pass_ms(1000);
	wait_until_updated();
	assert_true(__atomic_load_n(&monitor_deadline, __ATOMIC_RELAXED) >= first + 1000000000);
}

/* What the kernel said about a former destination is not written once the entry has another. */
static void test_destination_changes_meanwhile(void **state)
{
	uint32_t entry = 0, other = 0, same = 0;
	int errors = 0;

	(void)state;
	for (uint32_t i = 0; i < ENTRIES; i++)
		assert_int_equal(acquire("192.0.2.1", htonl(0xc0000300 + i), &entry), 0);
	wait_for_hop(entry, true);
	nexthop_release(entry);
	wait_until_updated();
	/* The thread waits for the lock while it looks for the first route, which leads by `other`. */
	pthread_mutex_lock(&net.lock);
	errors += acquire("192.0.2.1", address("198.51.100.20"), &other) != 0;
	usleep(20000);
	nexthop_release(other);
	errors += acquire("192.0.2.1", address("192.0.2.20"), &same) != 0;
	pthread_mutex_unlock(&net.lock);
	assert_int_equal(errors, 0);
	assert_int_equal(other, entry);
	assert_int_equal(same, entry);
	wait_for_hop(entry, true);
	assert_int_equal(hop_of(entry).ifindex, ETH);
	assert_int_equal(number(&net.other_hops), 0);
}

static void test_start_fails(void **state)
{
	(void)state;
	nexthop_stop();
	net.closed = 0;
	net.listen_error = EPERM;
	assert_int_equal(nexthop_start(ENTRIES, &callbacks), -EPERM);
	assert_int_equal(net.closed, 1);
	net.listen_error = 0;
	net.open_error = EMFILE;
	assert_int_equal(nexthop_start(ENTRIES, &callbacks), -EMFILE);
	assert_int_equal(net.closed, 1);
	/* Nothing was started, so nothing is stopped. */
	nexthop_stop();
	assert_int_equal(net.closed, 1);
}

static void test_start_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(acquired("192.0.2.20"), 0);
		wait_for_hop(0, true);
		nexthop_stop();
		nexthop_stop();
		/* The next table is another one. */
		LOCKED(memset(net.hop, 0, sizeof(net.hop)));
		assert_int_equal(nexthop_start(ENTRIES, &callbacks), 0);
	}
}

/* Entries come and go on several threads while events arrive. */
static void *take_and_give(void *argument)
{
	uint64_t seed = SEED + *(int *)argument;
	uintptr_t failures = 0;

	for (int i = 0; i < 3000; i++) {
		uint32_t entry;

		if (acquire("192.0.2.1", htonl(0xc0000200 + (uint32_t)(unit_random(&seed) % 12)), &entry))
			failures++;
		else
			nexthop_release(entry);
	}
	return (void *)failures;
}

static void test_threads(void **state)
{
	pthread_t thread[4];
	int which[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		which[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_give, &which[i]), 0);
	}
	for (int i = 0; i < 50; i++)
		event(RTM_NEWROUTE);
	for (int i = 0; i < 4; i++) {
		void *failures;

		assert_int_equal(pthread_join(thread[i], &failures), 0);
		assert_null(failures);
	}
	wait_until_updated();
	for (uint32_t entry = 0; entry < ENTRIES; entry++)
		assert_int_equal(hop_of(entry).ifindex, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_on_link),
		TEST(test_behind_a_gateway),
		TEST(test_entries_are_shared),
		TEST(test_entries_of_each_source),
		TEST(test_table),
		TEST(test_full),
		TEST(test_reused_entry),
		TEST(test_privileges_dropped),
		TEST(test_no_needless_work),
		TEST(test_reports),
		TEST(test_no_answer),
		TEST(test_generation),
		TEST(test_leaves),
		TEST(test_no_answer_of_neighbours),
		TEST(test_new_entry_twice),
		TEST(test_destination_changes_meanwhile),
		TEST(test_start_fails),
		TEST(test_start_again),
		TEST(test_threads),
	};

	return cmocka_run_group_tests_name("nexthop", tests, NULL, NULL);
}
