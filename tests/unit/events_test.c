/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is updated when the kernel tells of a change: the entries that it concerns, or all
 * of them. The network is the one of network.h.
 */
#define ENTRIES 600 /* more than two pieces of what is updated at a time */
#include "network.h"

static void set_ipsec(bool policies)
{
	__atomic_store_n(&ipsec, policies, __ATOMIC_RELAXED);
}

/*
 * While there are IPsec policies nothing leads anywhere. They are looked for each second,
 * and at events that may concern anything.
 */
static void test_ipsec(void **state)
{
	uint32_t entry = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(entry, true);
	set_ipsec(true);
	event(RTM_NEWLINK);
	wait_for_hop(entry, false);
	assert_true(blocked_shown);
	/* Without an answer what was known stays. */
	__atomic_store_n(&ipsec_unknown, true, __ATOMIC_RELAXED);
	event(RTM_NEWLINK);
	pass_ms(1000);
	wait_until_updated();
	assert_int_equal(hop_of(entry).ifindex, 0);
	__atomic_store_n(&ipsec_unknown, false, __ATOMIC_RELAXED);
	set_ipsec(false);
	event(RTM_NEWLINK);
	wait_for_hop(entry, true);
	assert_false(blocked_shown);

	set_ipsec(true);
	pass_ms(999);
	wait_until_updated();
	assert_int_equal(hop_of(entry).ifindex, ETH);
	pass_ms(1);
	wait_for_hop(entry, false);
	set_ipsec(false);
	pass_ms(1000);
	wait_for_hop(entry, true);
}

/* Where the kernel tells of policies, it is asked when it does, and as long as there are any, because they may expire. */
static void test_ipsec_events(void **state)
{
	uint32_t entry = acquired("192.0.2.20");
	char buffer[64] = { 0 };
	unsigned int asked;

	(void)state;
	nexthop_stop();
	ipsec_events = true;
	assert_int_equal(nexthop_start(ENTRIES, &callbacks), 0);
	entry = acquired("192.0.2.20");
	wait_for_hop(entry, true);
	pass_ms(2000);
	wait_until_updated();
	asked = number(&net.policies_asked);
	assert_true(asked > 0);
	set_ipsec(true);
	pass_ms(1000);
	wait_until_updated();
	assert_int_equal(number(&net.policies_asked), asked);
	send_event_to(ipsec_socket, mnl_nlmsg_put_header(buffer));
	wait_for_hop(entry, false);
	set_ipsec(false);
	pass_ms(1000);
	wait_for_hop(entry, true);
	/* A question without an answer is asked again, however long ago the event was. */
	pass_ms(2000);
	wait_until_updated();
	set_ipsec(true);
	__atomic_store_n(&ipsec_unknown, true, __ATOMIC_RELAXED);
	asked = number(&net.policies_asked);
	memset(buffer, 0, sizeof(buffer));
	send_event_to(ipsec_socket, mnl_nlmsg_put_header(buffer));
	wait_for_number(&net.policies_asked, asked + 1);
	pass_ms(2000);
	wait_until_updated();
	assert_int_equal(hop_of(entry).ifindex, ETH);
	__atomic_store_n(&ipsec_unknown, false, __ATOMIC_RELAXED);
	pass_ms(1000);
	wait_for_hop(entry, false);
}

/* The look at the links knows whether it is worth while to look at addresses and routes. */
static void test_heard(void **state)
{
	uint32_t entry = acquired("192.0.2.20");
	unsigned int heard, looks;

	(void)state;
	wait_for_hop(entry, true);
	/* Nobody has listened before the start. The next look is told the same: the kernel may tell before it acts. */
	assert_int_equal(number(&net.links_heard), 1);
	for (heard = 0; heard < 2; heard++) {
		pass_ms(1000);
		wait_until_updated();
		assert_int_equal(number(&net.links_heard), 2);
	}
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.99");
	pass_ms(1000);
	wait_until_updated();
	assert_int_equal(number(&net.links_heard), 2);
	/* A route is heard of at the next look, which is not at once. */
	looks = number(&net.links_changed);
	route_event("203.0.113.0", 24);
	wait_until_updated();
	assert_int_equal(number(&net.links_changed), looks);
	for (heard = 0; heard < 2; heard++) {
		pass_ms(1000);
		wait_until_updated();
		assert_int_equal(number(&net.links_heard), 3);
	}
	event(RTM_NEWADDR);
	wait_for_number(&net.links_heard, 4);
	pass_ms(1000);
	wait_for_number(&net.links_heard, 5);
}

/* An address of any size in a neighbour's event does no harm. */
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
	enum { A = 1, B = 2, C = 4, D = 8, OTHERS = 16, ENTRIES_HERE = 5 };
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
		{ COMES_IN_TO, 32, A | B | C | D | OTHERS },
	};
	union abi_addr from = { .v4 = address("100.64.0.1") }, to = { .v4 = address("100.64.0.44") };
	unsigned int before[ENTRIES_HERE], asked;
	uint32_t entry;

	(void)state;
	wait_for_hop(acquired("198.51.100.40"), true);
	wait_for_hop(acquired("203.0.113.41"), true);
	wait_for_hop(acquired6("2001:db8::2a"), true);
	wait_for_hop(acquired6("2001:db8:1::2b"), true);
	assert_int_equal(acquire_path(AF_INET, &from, &to, &entry), 0);
	wait_for_hop(entry, true);
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s/%u\n", table[i].prefix, table[i].length);
		wait_until_updated();
		LOCKED(memcpy(before, &net.asked[40], sizeof(before)));
		route_event(table[i].prefix, table[i].length);
		wait_until_updated();
		asked = 0;
		for (unsigned int k = 0; k < ENTRIES_HERE; k++)
			asked |= (number(&net.asked[40 + k]) > before[k]) << k;
		assert_int_equal(asked, table[i].asked);
	}
}

/* Many route events at a time have all entries updated. */
static void test_route_events_at_once(void **state)
{
	uint32_t entry = acquired("198.51.100.40"), other = acquired("203.0.113.41");
	unsigned int changes;

	(void)state;
	wait_for_hop(entry, true);
	wait_for_hop(other, true);
	wait_until_updated();
	changes = number(&net.links_changed);
	/* The thread waits for the lock when it looks for that entry, and events gather meanwhile. */
	pthread_mutex_lock(&net.lock);
	net.mac = 0x66;
	route_event("198.51.100.40", 32);
	usleep(20000);
	for (int i = 0; i < 50; i++)
		route_event("198.18.0.0", 24);
	pthread_mutex_unlock(&net.lock);
	wait_for_mac(other, 0x66);
	assert_int_equal(number(&net.links_changed), changes);
}

static void wait_for_mtu(uint32_t entry, uint16_t mtu)
{
	for (int i = 0; i < PATIENCE_MS && hop_of(entry).mtu != mtu; i++)
		usleep(1000);
	assert_int_equal(hop_of(entry).mtu, mtu);
}

/* ---- a full table: the last entry leads to 198.51.100.1, the others to 192.0.8.0 and on ---- */

static unsigned int count_mtu(uint16_t mtu)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < ENTRIES - 1; i++)
		count += hop_of(i).mtu == mtu;
	return count;
}

/* As wait_until_updated, without a new entry: an entry of a changed route goes before the others too. */
static void wait_until_updated_full(void)
{
	for (int i = 0; i < 3; i++) {
		unsigned int before = number(&net.other_asked);

		route_event("198.51.100.1", 32);
		wait_for_number(&net.other_asked, before + 1);
	}
}

static void fill(void)
{
	uint32_t entry;

	assert_int_equal(acquire("192.0.2.1", htonl(0xc0000800), &entry), 0);
	/* Then the thread has started, and will next look at all entries after a second. */
	wait_for_mtu(0, 1500);
	/* It waits for the lock at the next entry, so the others are there before it has heard of them. */
	pthread_mutex_lock(&net.lock);
	for (uint32_t i = 1; i < ENTRIES - 1; i++) {
		if (acquire("192.0.2.1", htonl(0xc0000800 + i), &entry) || entry != i)
			break;
	}
	pthread_mutex_unlock(&net.lock);
	assert_int_equal(entry, ENTRIES - 2);
	for (uint32_t i = 0; i < ENTRIES - 1; i++)
		wait_for_mtu(i, 1500);
	assert_int_equal(acquired("198.51.100.1"), ENTRIES - 1);
	wait_until_updated_full();
}

/* An event that was lost may have been any, so all entries are updated at once, and links too. */
static void test_lost_events(void **state)
{
	unsigned int changes, overruns = overruns_shown;

	(void)state;
	fill();
	changes = number(&net.links_changed);
	LOCKED(net.route_mtu = 1400);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.99");
	wait_until_updated_full();
	assert_int_equal(count_mtu(1500), ENTRIES - 1);
	assert_int_equal(number(&net.links_changed), changes);
	assert_int_equal(number(&overruns_shown), overruns);

	__atomic_store_n(&events_lost, true, __ATOMIC_RELAXED);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.99");
	for (uint32_t i = 0; i < ENTRIES - 1; i++)
		wait_for_mtu(i, 1400);
	assert_int_equal(number(&overruns_shown), overruns + 1);
	assert_int_equal(number(&net.links_changed), changes + 1);
}

/* A route that covers many entries has all updated. */
static void test_wide_route(void **state)
{
	(void)state;
	fill();
	LOCKED(net.route_mtu = 1400);
	route_event("192.0.8.0", 22);
	for (uint32_t i = 0; i < ENTRIES - 1; i++)
		wait_for_mtu(i, 1400);
}

/* Without an event all entries are updated within a second, a piece of 256 at a time. */
static void test_refresh(void **state)
{
	static const struct {
		unsigned int ms, updated, looks; /* entries and looks at links since the first step */
		int timeout;                     /* to the next one, rounded up */
	} steps[] = { { 999, 0, 0, 2 },		    { 1, 256, 1, 334 },		{ 333, 256, 1, 1 },
		      { 1, 512, 1, 334 },	    { 333, 512, 1, 1 },		{ 1, ENTRIES - 1, 1, 333 },
		      { 331, ENTRIES - 1, 1, 2 }, { 1, ENTRIES - 1, 2, 2 } };
	unsigned int changes;

	(void)state;
	fill();
	changes = number(&net.links_changed);
	LOCKED(net.route_mtu = 1400);
	for (size_t i = 0; i < COUNT(steps); i++) {
		print_message("# step %zu\n", i);
		pass_ms(steps[i].ms);
		wait_until_updated_full();
		assert_int_equal(count_mtu(1400), steps[i].updated);
		assert_int_equal(__atomic_load_n(&poll_timeout, __ATOMIC_RELAXED), steps[i].timeout);
		assert_int_equal(number(&net.links_changed), changes + steps[i].looks);
	}
}

/* Where that takes long, it has a twentieth of the time, but a round takes 30 seconds at most. */
static void test_slow_refresh(void **state)
{
	static const struct {
		unsigned int lookup_us, period_ms;
	} table[] = { { 1000, 5120 }, { 1500, 7680 }, { 10000, 10000 } };

	(void)state;
	fill();
	for (size_t i = 0; i < COUNT(table); i++) {
		uint16_t mtu = (uint16_t)(1400 - i);
		unsigned int one;

		print_message("# %u us for an entry\n", table[i].lookup_us);
		LOCKED(net.route_mtu = mtu);
		LOCKED(lookup_ns = table[i].lookup_us * 1000ULL; slow_lookups = 256);
		pass_ms(30000);
		/* One piece; the last entry, which is not counted, may be in it. */
		for (int k = 0; k < PATIENCE_MS && number(&slow_lookups); k++)
			usleep(1000);
		wait_until_updated_full();
		one = count_mtu(mtu);
		assert_uint_in_range(one, 255, 256);
		/* The next one comes that long after the start of this one. */
		pass_ms(table[i].period_ms - 256 * table[i].lookup_us / 1000 - 1);
		wait_until_updated_full();
		assert_int_equal(count_mtu(mtu), one);
		pass_ms(2);
		wait_until_updated_full();
		assert_uint_in_range(count_mtu(mtu), one + 255, one + 256);
	}
}

/* The socket that hears of the host may come later. The host is looked at when it wants to be. */
static void test_host(void **state)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_USERSOCK, SOCK_NONBLOCK | SOCK_CLOEXEC);
	char buffer[64] = { 0 };
	unsigned int listens, looks;

	(void)state;
	assert_non_null(socket);
	assert_int_equal(mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID), 0);
	wait_for_number(&host_looks, 1);
	listens = number(&host_listens);
	assert_true(listens > 0);
	LOCKED(host_socket = socket);
	pass_ms(1000);
	wait_for_number(&host_listens, listens + 1);
	pass_ms(1000);
	wait_until_updated();
	assert_int_equal(number(&host_listens), listens + 1);
	looks = number(&host_looks);
	send_event_to(socket, mnl_nlmsg_put_header(buffer));
	wait_for_number(&host_events, 1);
	wait_for_number(&host_looks, looks + 1);
	/* It is the first of all that the thread waits for. */
	LOCKED(host_next_ns = clock_monotonic_ns() + 50000000);
	monitor_wake();
	for (int i = 0; i < PATIENCE_MS && __atomic_load_n(&poll_timeout, __ATOMIC_RELAXED) != 51; i++)
		usleep(1000);
	assert_int_equal(__atomic_load_n(&poll_timeout, __ATOMIC_RELAXED), 51);
}

static void reset_host(void)
{
	LOCKED(host_told = 0; host_ahead_ns = 0);
}

/* The host is told what was heard, and looked at a little too soon only if something else is due as well. */
static void test_host_is_told(void **state)
{
	uint64_t ahead;

	(void)state;
	/* The start, of which nobody heard, is some time ago. */
	pass_ms(2000);
	wait_until_updated();
	reset_host();
	wait_until_updated();
	LOCKED(ahead = host_ahead_ns);
	assert_int_equal(ahead, 0);
	pass_ms(1000);
	wait_until_updated();
	LOCKED(ahead = host_ahead_ns);
	assert_int_equal(ahead, 20000000);
	assert_int_equal(number(&host_told), 0);
	event(RTM_NEWRULE);
	wait_for_number(&host_told, 1);
}

/* What was heard is read once at least, even if it took very long until then. */
static void test_slow_look(void **state)
{
	uint32_t entry = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(entry, true);
	pass_ms(2000);
	wait_until_updated();
	LOCKED(net.link_mtu = 1300);
	__atomic_store_n(&links_take_ns, 5000000000, __ATOMIC_RELAXED);
	event(RTM_NEWLINK);
	for (int i = 0; i < PATIENCE_MS && hop_of(entry).mtu != 1300; i++)
		usleep(1000);
	assert_int_equal(hop_of(entry).mtu, 1300);
	wait_for_number(&host_told, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_ipsec),
		TEST(test_ipsec_events),
		TEST(test_heard),
		TEST(test_odd_events),
		TEST(test_all_other_events),
		TEST(test_route_events),
		TEST(test_route_events_at_once),
		TEST(test_lost_events),
		TEST(test_wide_route),
		TEST(test_refresh),
		TEST(test_slow_refresh),
		TEST(test_host),
		TEST(test_host_is_told),
		TEST(test_slow_look),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
