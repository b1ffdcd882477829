/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a next hop is made of: the route, the link and the VLANs that a packet leaves by.
 * The network is the one of network.h.
 */
#include "network.h"

#include "route/route_lookup.h"

static void test_no_route(void **state)
{
	static const int errors[] = { -EHOSTUNREACH, -ENETUNREACH, -EACCES, -ENODEV, -EPERM, -ENOBUFS };
	static const struct {
		const char *what;
		int *error;
		uint16_t gone, back; /* events */
	} questions[] = {
		{ "route", &net.route_error, RTM_DELROUTE, RTM_NEWROUTE },
		{ "link", &net.link_error, RTM_DELLINK, RTM_NEWLINK },
		{ "neighbour", &net.neighbour_error, RTM_NEWLINK, RTM_NEWLINK },
	};
	uint32_t entry = acquired("192.0.2.20");

	(void)state;
	wait_for_hop(entry, true);
	for (size_t i = 0; i < COUNT(errors) * COUNT(questions); i++) {
		size_t k = i % COUNT(questions);

		print_message("# %s: %s\n", questions[k].what, strerror(-errors[i / COUNT(questions)]));
		LOCKED(*questions[k].error = errors[i / COUNT(questions)]);
		event(questions[k].gone);
		wait_for_hop(entry, false);
		LOCKED(*questions[k].error = 0);
		event(questions[k].back);
		wait_for_hop(entry, true);
	}
	LOCKED(net.down = true);
	event(RTM_NEWLINK);
	wait_for_hop(entry, false);
	LOCKED(net.down = false);
	event(RTM_NEWLINK);
	wait_for_hop(entry, true);
	LOCKED(net.not_ethernet = true);
	event(RTM_NEWLINK);
	wait_for_hop(entry, false);
}

static void test_mtu(void **state)
{
	static const struct {
		uint32_t route, link;
		uint16_t mtu;
	} table[] = {
		{ 0, 1500, 1500 },    { 1400, 1500, 1400 },   { 1500, 1500, 1500 },   { 9000, 1500, 1500 },
		{ 0, 9000, 9000 },    { 576, 65535, 576 },    { 0, 65535, 65535 },    { 0, 65536, 65535 },
		{ 1280, 65536, 1280 }, { 0, 1000000, 65535 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint32_t entry;

		print_message("# mtu %u of the route, %u of the link\n", table[i].route, table[i].link);
		LOCKED(net.route_mtu = table[i].route; net.link_mtu = table[i].link);
		entry = acquired("192.0.2.20");
		wait_for_hop(entry, true);
		assert_int_equal(hop_of(entry).mtu, table[i].mtu);
		nexthop_release(entry);
	}
}

/* With a locked MTU coturn's IPv4 packets leave without DF, which the program cannot do. */
static void test_mtu_locked(void **state)
{
	uint32_t entry, entry6;

	(void)state;
	LOCKED(net.mtu_locked = true);
	entry = acquired("192.0.2.20");
	entry6 = acquired6("2001:db8::20");
	wait_for_hop(entry6, true);
	wait_until_updated();
	assert_int_equal(hop_of(entry).ifindex, 0);
	LOCKED(net.mtu_locked = false);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, true);
}

static void test_device_flags(void **state)
{
	(void)state;
	for (uint8_t flags = 0; flags < 32; flags++) {
		uint8_t expected = flags & 14;
		uint32_t entry;

		print_message("# flags %u of the device, %s in the map\n", expected, flags & 1 ? "not" : "and");
		LOCKED(net.flags = expected; net.device_error = flags & 1 ? -E2BIG : 0; net.devices = 0);
		entry = acquired("192.0.2.20");
		wait_for_hop(entry, true);
		/* Redirects need the device in their map; it is put there in any case. */
		if (flags & 1)
			expected &= (uint8_t)~HOP_REDIRECT;
		assert_int_equal(hop_of(entry).flags, expected);
		assert_true(number(&net.devices) > 0);
		nexthop_release(entry);
	}
}

static void test_ipv6(void **state)
{
	static const uint8_t eth[12] = { 2, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 1 };
	uint32_t near = acquired6("2001:db8::20"), far;
	struct hop hop;

	(void)state;
	wait_for_hop(near, true);
	hop = hop_of(near);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.mtu, 1492); /* the link's for IPv6 */
	assert_int_equal(hop.ttl, 77);
	assert_memory_equal(hop.eth, eth, sizeof(eth));
	assert_int_equal(net.asked_family, AF_INET6);
	assert_true(same_address(&net.gateway_asked, "2001:db8::20"));
	far = acquired6("2001:db8:1::20");
	assert_int_not_equal(far, near);
	wait_for_hop(far, true);
	assert_true(same_address(&net.gateway_asked, gateway6));

	/* A change of the gateway concerns the entries behind it only. */
	LOCKED(net.mac = 0x78);
	neighbour6_event(gateway6);
	wait_for_mac(far, 0x78);
	LOCKED(net.mac = 0x10);
}

/* Packets to an address that is not ours would not reach coturn, however they would leave. */
static void test_not_ours(void **state)
{
	uint32_t entry = acquired("192.0.2.20"), entry6 = acquired6("2001:db8::20");

	(void)state;
	wait_for_hop(entry, true);
	wait_for_hop(entry6, true);
	LOCKED(net.not_ours = true);
	event(RTM_DELADDR);
	wait_for_hop(entry, false);
	wait_for_hop(entry6, false);
	LOCKED(net.not_ours = false);
	route_event(COMES_IN_TO, 32);
	wait_for_hop(entry, true);
	wait_for_hop(entry6, true);
}

/* Many entries have the same address of ours: the kernel is asked once for a piece of them. */
static void test_ours_is_asked_once(void **state)
{
	unsigned int own, asked;
	char to[16];

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(to, sizeof(to), "192.0.2.%u", 100 + i);
		wait_for_hop(acquired(to), true);
	}
	/* It is not asked again when the start, of which nobody heard, is some time ago. */
	pass_ms(2000);
	wait_until_updated();
	own = number(&net.own_asked);
	asked = number(&net.asked[139]);
	pass_ms(1000);
	wait_for_number(&net.asked[139], asked + 1);
	assert_int_equal(number(&net.own_asked), own);
	asked = number(&net.asked[139]);
	event(RTM_NEWLINK);
	wait_for_number(&net.asked[139], asked + 1);
	assert_uint_in_range(number(&net.own_asked), own + 1, own + 3);
}

/* Addresses of ours that are alike but for a byte are remembered side by side. */
static void test_ours_with_like_bytes(void **state)
{
	static const char *const like[] = { "192.0.2.1", "192.0.3.1", "198.51.100.1", "10.0.0.1", "10.1.0.1",
					    "100.127.0.2", "100.127.0.3", "100.127.1.1" };
	const union abi_addr ours = { .v4 = address(COMES_IN_TO) };
	struct route_lookup lookup;
	unsigned int own;

	(void)state;
	assert_int_equal(route_lookup_open(&lookup, NULL), 0);
	assert_int_equal(route_lookup_is_ours(&lookup, AF_INET, &ours), 0);
	own = number(&net.own_asked);
	for (size_t i = 0; i < COUNT(like); i++)
		route_lookup_is_ours(&lookup, AF_INET, &(union abi_addr){ .v4 = address(like[i]) });
	assert_int_equal(route_lookup_is_ours(&lookup, AF_INET, &ours), 0);
	assert_int_equal(number(&net.own_asked), own);
	route_lookup_close(&lookup);
}

/* A link is asked for again after an event, and each second where something may change that no event tells of. */
static void test_links_are_remembered(void **state)
{
	uint32_t four = acquired("192.0.2.20"), six;
	unsigned int links, asked;

	(void)state;
	wait_for_hop(four, true);
	/* The start, of which nobody heard, is some time ago. */
	pass_ms(2000);
	wait_until_updated();
	links = number(&net.links_asked);
	asked = number(&net.asked[20]);
	pass_ms(1000);
	wait_for_number(&net.asked[20], asked + 1);
	wait_until_updated();
	assert_int_equal(number(&net.links_asked), links);
	LOCKED(net.link_mtu = 1400);
	event(RTM_NEWLINK);
	wait_for_number(&net.links_asked, links + 1);
	for (int i = 0; i < PATIENCE_MS && hop_of(four).mtu != 1400; i++)
		usleep(1000);
	assert_int_equal(hop_of(four).mtu, 1400);
	/* The hop limit of IPv6. */
	six = acquired6("2001:db8::20");
	wait_for_hop(six, true);
	pass_ms(2000);
	wait_until_updated();
	assert_int_equal(hop_of(six).ttl, 77);
	LOCKED(net.hop_limit6 = 55);
	pass_ms(1000);
	for (int i = 0; i < PATIENCE_MS && hop_of(six).ttl != 55; i++)
		usleep(1000);
	assert_int_equal(hop_of(six).ttl, 55);
}

/* A VLAN's map of priorities can be changed without an event. */
static void test_vlans_are_asked_for_again(void **state)
{
	uint32_t entry;

	(void)state;
	LOCKED(net.device = VLAN);
	entry = acquired("192.0.2.20");
	wait_for_hop(entry, true);
	pass_ms(2000);
	wait_until_updated();
	LOCKED(net.vlan_qos = true);
	pass_ms(1000);
	wait_for_hop(entry, false);
}

/* The same 16 bytes are not the same address in the other family. */
static void test_families_apart(void **state)
{
	union abi_addr from = { 0 }, to = { 0 };
	uint32_t four, six;

	(void)state;
	from.v4 = address("192.0.2.1");
	to.v4 = address("192.0.2.20");
	assert_int_equal(acquire_path(AF_INET, &from, &to, &four), 0);
	assert_int_equal(acquire_path(AF_INET6, &from, &to, &six), 0);
	assert_int_not_equal(four, six);
	wait_for_hop(four, true);
	wait_for_hop(six, true);
	assert_int_equal(hop_of(four).mtu, 1500);
	assert_int_equal(hop_of(six).mtu, 1492);
	/* Nor are they the same neighbour. */
	assert_true(net.asked_ipv4);
	assert_true(net.asked_ipv6);
}

static void test_ipv6_not_on_link(void **state)
{
	uint32_t entry;

	(void)state;
	LOCKED(net.mtu6 = 0);
	entry = acquired6("2001:db8::20");
	wait_until_updated();
	assert_true(number(&net.asked[0x20]) > 0);
	assert_int_equal(hop_of(entry).ifindex, 0);
	LOCKED(net.mtu6 = 1280);
	event(RTM_NEWLINK);
	wait_for_hop(entry, true);
	assert_int_equal(hop_of(entry).mtu, 1280);
}

/* A link-local address needs an interface with it, and to an IPv4-mapped one sockets send by IPv4. */
static void test_special_addresses(void **state)
{
	static const char *const to[] = { "fe80::20", "::ffff:192.0.2.20" };

	(void)state;
	for (size_t i = 0; i < COUNT(to); i++) {
		uint32_t entry = acquired6(to[i]);

		print_message("# %s\n", to[i]);
		wait_until_updated();
		assert_int_equal(hop_of(entry).ifindex, 0);
		assert_int_equal(hop_of(entry).flags, 0);
	}
}

static void test_ipv4_by_an_ipv6_gateway(void **state)
{
	uint32_t entry;

	(void)state;
	LOCKED(net.via6 = true);
	entry = acquired("203.0.113.20");
	wait_for_hop(entry, true);
	assert_int_equal(net.asked_family, AF_INET6);
	assert_true(same_address(&net.gateway_asked, gateway6));
	assert_int_equal(hop_of(entry).ttl, default_ttl());
	assert_int_equal(hop_of(entry).mtu, 1500);
	LOCKED(net.mac = 0x79);
	neighbour6_event(gateway6);
	wait_for_mac(entry, 0x79);
}

static void test_hop_limit(void **state)
{
	uint32_t four, six;

	(void)state;
	LOCKED(net.route_hop_limit = 9);
	four = acquired("192.0.2.20");
	six = acquired6("2001:db8::20");
	wait_for_hop(four, true);
	wait_for_hop(six, true);
	assert_int_equal(hop_of(four).ttl, 9);
	assert_int_equal(hop_of(six).ttl, 9);
}

static void wait_for_flags(uint32_t entry, uint8_t flags)
{
	for (int i = 0; i < PATIENCE_MS && hop_of(entry).flags != flags; i++)
		usleep(1000);
	assert_int_equal(hop_of(entry).flags, flags);
}

static void test_local(void **state)
{
	static const uint8_t none[12] = { 0 };
	uint32_t four, six;

	(void)state;
	LOCKED(net.local = true);
	four = acquired("192.0.2.2");
	six = acquired6("2001:db8::2");
	wait_for_flags(four, HOP_LOCAL);
	wait_for_flags(six, HOP_LOCAL);
	assert_int_equal(hop_of(four).ifindex, 0);
	assert_int_equal(hop_of(four).mtu, 65535);
	assert_int_equal(hop_of(four).ttl, default_ttl());
	assert_int_equal(hop_of(six).ttl, 33);
	assert_memory_equal(hop_of(six).eth, none, sizeof(none));
	assert_int_equal(number(&net.neighbours_asked), 0);
	assert_int_equal(number(&net.devices), 0);
	/* The address moves to another host, and back; while it is ours the neighbour does not matter. */
	LOCKED(net.local = false);
	event(RTM_DELADDR);
	wait_for_hop(four, true);
	assert_int_equal(hop_of(four).flags, HOP_REDIRECT | HOP_TRANSMIT);
	LOCKED(net.local = true);
	event(RTM_NEWADDR);
	wait_for_flags(four, HOP_LOCAL);
	LOCKED(net.mac = 0x55);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.2");
	wait_until_updated();
	assert_int_equal(hop_of(four).flags, HOP_LOCAL);
	assert_memory_equal(hop_of(four).eth, none, sizeof(none));
}

static void test_vlan(void **state)
{
	static const uint8_t eth[12] = { 2, 0, 0, 0, 1, 0x10, 2, 0, 0, 0, 0, 2 };
	uint32_t entry;
	struct hop hop;

	(void)state;
	LOCKED(net.device = VLAN);
	entry = acquired("192.0.2.20");
	wait_for_hop(entry, true);
	hop = hop_of(entry);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.tag[0].protocol, htons(0x88a8));
	assert_int_equal(hop.tag[0].tci, htons(100));
	assert_int_equal(hop.tag[1].protocol, 0);
	assert_memory_equal(hop.eth, eth, sizeof(eth));
	assert_int_equal(hop.mtu, 1500);
	/* The neighbour is on the VLAN. */
	LOCKED(net.mac = 0x66);
	neighbour_event(RTM_NEWNEIGH, ETH, "192.0.2.20");
	wait_until_updated();
	assert_int_equal(hop_of(entry).eth[5], 0x10);
	neighbour_event(RTM_NEWNEIGH, VLAN, "192.0.2.20");
	wait_for_mac(entry, 0x66);
}

static void test_vlan_in_vlan(void **state)
{
	uint32_t entry;
	struct hop hop;

	(void)state;
	LOCKED(net.device = INNER);
	entry = acquired("192.0.2.20");
	wait_for_hop(entry, true);
	hop = hop_of(entry);
	assert_int_equal(hop.ifindex, ETH);
	assert_int_equal(hop.tag[0].protocol, htons(0x88a8));
	assert_int_equal(hop.tag[0].tci, htons(100));
	assert_int_equal(hop.tag[1].protocol, htons(0x8100));
	assert_int_equal(hop.tag[1].tci, htons(200));
	/* A redirect allows for one tag more than the device's MTU. */
	assert_int_equal(hop.mtu, 1496);
	LOCKED(net.device = DEEP);
	event(RTM_NEWROUTE);
	wait_for_hop(entry, false);
}

static void test_vlan_mtu(void **state)
{
	static const struct {
		uint32_t device, route, vlan, lower;
		uint16_t mtu;
	} table[] = {
		{ VLAN, 0, 1500, 1500, 1500 },     { VLAN, 1400, 1500, 1500, 1400 }, { VLAN, 0, 1400, 1500, 1400 },
		{ VLAN, 0, 1500, 1400, 1400 },     { VLAN, 0, 9000, 9000, 9000 },    { INNER, 0, 1500, 1600, 1500 },
		{ INNER, 0, 1500, 1503, 1499 },    { INNER, 0, 1496, 1500, 1496 },   { VLAN, 0, 65535, 65535, 65535 },
		{ VLAN, 0, 70000, 70000, 65535 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		uint32_t entry;

		print_message("# link %u, mtu %u of the route, %u of the VLAN, %u below\n", table[i].device, table[i].route,
			      table[i].vlan, table[i].lower);
		LOCKED(net.device = table[i].device; net.route_mtu = table[i].route; net.vlan_mtu = table[i].vlan;
		       net.link_mtu = table[i].lower);
		entry = acquired("192.0.2.20");
		wait_for_hop(entry, true);
		assert_int_equal(hop_of(entry).mtu, table[i].mtu);
		nexthop_release(entry);
	}
}

static void test_vlan_is_left_to_coturn(void **state)
{
	static const struct {
		const char *what;
		bool *cause;
	} table[] = {
		{ "the VLAN is down", &net.vlan_down },
		{ "the device is down", &net.down },
		{ "the VLAN maps priorities", &net.vlan_qos },
		{ "the device is in another namespace", &net.vlan_elsewhere },
		{ "the tag's protocol is not known", &net.vlan_protocol_unknown },
	};
	uint32_t entry;

	(void)state;
	LOCKED(net.device = VLAN);
	entry = acquired("192.0.2.20");
	wait_for_hop(entry, true);
	for (size_t i = 0; i < COUNT(table); i++) {
		print_message("# %s\n", table[i].what);
		LOCKED(*table[i].cause = true);
		event(RTM_NEWLINK);
		wait_for_hop(entry, false);
		LOCKED(*table[i].cause = false);
		event(RTM_NEWLINK);
		wait_for_hop(entry, true);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_no_route),
		TEST(test_mtu),
		TEST(test_mtu_locked),
		TEST(test_device_flags),
		TEST(test_ipv6),
		TEST(test_not_ours),
		TEST(test_ours_is_asked_once),
		TEST(test_ours_with_like_bytes),
		TEST(test_links_are_remembered),
		TEST(test_vlans_are_asked_for_again),
		TEST(test_families_apart),
		TEST(test_ipv6_not_on_link),
		TEST(test_special_addresses),
		TEST(test_ipv4_by_an_ipv6_gateway),
		TEST(test_hop_limit),
		TEST(test_local),
		TEST(test_vlan),
		TEST(test_vlan_in_vlan),
		TEST(test_vlan_mtu),
		TEST(test_vlan_is_left_to_coturn),
	};

	return cmocka_run_group_tests_name("route_lookup", tests, NULL, NULL);
}
