/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where offloads of TURN and RTP have broken before, as far as a single packet
 * shows it; one test for each. What they name is swept in the other tests.
 */
#include <string.h>

#include "harness.h"

#define TO_PEER .verdict = VERDICT_TO_PEER
#define TO_CLIENT .verdict = VERDICT_TO_CLIENT, .way = WAY_CLIENT
#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER
#define UP(verdict_) .verdict = VERDICT_##verdict_
#define UP_TO_CLIENT(verdict_) .verdict = VERDICT_##verdict_, .way = WAY_CLIENT
#define UP_TO_OTHER(verdict_) .verdict = VERDICT_##verdict_, .way = WAY_OTHER

static void unbound(struct world *world)
{
	world->flow[FIRST].absent = true;
}

static void second_unbound(struct world *world)
{
	world->flow[SECOND].absent = true;
}

static void ended(struct world *world)
{
	world->flow[FIRST].ended = true;
}

static void silent(struct world *world)
{
	world->deadline[world->flow[FIRST].flow.owner] = 1;
}

/* A channel, a permission, an allocation has ended; or its server has. */
static void test_stale_entries(void **state)
{
	static const struct row rows[] = {
		{"stale entry", UP(NO_FLOW), .data = 20, .before = unbound},
		{"stale entry", UP_TO_CLIENT(NO_FLOW), .data = 20, .before = unbound},
		{"stale entry", UP_TO_OTHER(LOCAL), .data = 20, .before = second_unbound},
		{"ended entry", UP(NO_FLOW), .data = 20, .before = ended},
		{"ended entry", UP_TO_CLIENT(NO_FLOW), .data = 20, .before = ended},
		{"dead server", UP(SERVER_SILENT), .data = 20, .before = silent},
		{"dead server", UP_TO_CLIENT(SERVER_SILENT), .data = 20, .before = silent},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void hop_unknown(struct world *world)
{
	world->hop[world_last(world)].seq++;
}

static void mtu_short(struct world *world)
{
	world->mtu = FIT_SHORT;
}

static void room_short(struct world *world)
{
	world->room = FIT_SHORT;
}

static void no_redirect(struct world *world)
{
	world_last_hop(world)->flags = 0;
}

static void generic(struct world *world)
{
	world->port[1].generic = 1;
}

/* The rows of packets that go up compare them byte for byte. */
static void test_edited_then_passed_up(void **state)
{
	static const struct row rows[] = {
		{"next hop unknown", UP(NO_NEXT_HOP), .data = 20, .excess = 4, .before = hop_unknown},
		{"next hop unknown", UP_TO_CLIENT(NO_NEXT_HOP), .data = 20, .before = hop_unknown},
		{"MTU", UP(TOO_BIG), .data = 20, .excess = 4, .before = mtu_short},
		{"MTU", UP_TO_CLIENT(TOO_BIG), .data = 20, .trailer = 4, .before = mtu_short},
		{"MTU", UP_TO_OTHER(TOO_BIG), .data = 20, .trailer = 4, .before = mtu_short},
		{"checksum zero", UP_TO_CLIENT(CHECKSUM), .in = 6, .data = 20, .checksum = SUM_ZERO},
		{"checksum partial", UP_TO_CLIENT(CHECKSUM), .data = 20, .checksum = SUM_PARTIAL,
		 .before = generic},
		{"no redirect", UP(NO_REDIRECT), .data = 20, .excess = 4, .before = no_redirect},
		{"no second flow", UP_TO_OTHER(LOCAL), .data = 20, .excess = 4, .before = second_unbound},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_checksum(void **state)
{
	static const struct row rows[] = {
		{"header, lengths, addresses and ports", TO_PEER, .data = 201},
		{"header, lengths, addresses and ports", TO_CLIENT, .data = 201},
		{"header, lengths, addresses and ports", TO_OTHER, .data = 201},
		{"zero received", TO_PEER, .data = 201, .checksum = SUM_ZERO},
		{"zero received", TO_CLIENT, .data = 201, .checksum = SUM_ZERO},
		{"zero computed", TO_PEER, .data = 201, .fill = FILL_SUM_OUT_ZERO},
		{"zero computed", TO_CLIENT, .data = 201, .fill = FILL_SUM_OUT_ZERO},
		{"zero computed in full", TO_CLIENT, .data = 201, .fill = FILL_SUM_OUT_ZERO,
		 .checksum = SUM_ZERO},
		{"IPv6 never sends zero", UP(CHECKSUM), .in = 6, .data = 201, .checksum = SUM_ZERO},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_partial_checksum(void **state)
{
	static const struct row rows[] = {
		{"socket on the same host", TO_PEER, .data = 201, .checksum = SUM_PARTIAL},
		{"socket on the same host", TO_CLIENT, .data = 201, .checksum = SUM_PARTIAL},
		{"socket on the same host", TO_OTHER, .data = 201, .checksum = SUM_PARTIAL},
		{"right, but looks partial", TO_CLIENT, .data = 201, .fill = FILL_LIKE_PARTIAL},
		{"GSO frame", UP(TOO_BIG), .data = 3000, .checksum = SUM_PARTIAL},
		{"GSO frame", UP_TO_CLIENT(TOO_BIG), .data = 3000, .checksum = SUM_PARTIAL},
		{"skb", UP(CHECKSUM), .data = 201, .checksum = SUM_PARTIAL, .before = generic},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* DNS, peers without a channel, data that comes before its ChannelBind. */
static void test_dropping_on_a_miss(void **state)
{
	static const struct row rows[] = {
		{"DNS", UP_TO_CLIENT(NO_FLOW), .data = 40, .patch = {{AT_UDP_SPORT, 2, 53}}},
		{"unbound peer", UP_TO_CLIENT(NO_FLOW), .in = 4, .data = 40,
		 .patch = {{AT_IP4_SOURCE + 3, 1, 21}}},
		{"unbound peer", UP_TO_CLIENT(NO_FLOW), .in = 6, .data = 40,
		 .patch = {{AT_IP6_SOURCE + 15, 1, 21}}},
		{"before ChannelBind", UP(NO_FLOW), .data = 40,
		 .patch = {{AT_CHANNEL_NUMBER, 2, 0x4444}}},
		{"Binding request", UP(NO_FLOW), .data = 16, .patch = {{AT_CHANNEL_NUMBER, 4, 0x00010000}}},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Where data cannot move: resize_test.c has the others. */
static void test_too_little_headroom(void **state)
{
	static const struct row rows[] = {
		{"no room", UP_TO_CLIENT(NO_ROOM), .in = 4, .data = 20, .trailer = 9,
		 .before = room_short},
		{"no room", UP(NO_ROOM), .in = 4, .out = 6, .data = 20, .excess = 4, .trailer = 9,
		 .before = room_short},
		{"no 4 bytes", UP_TO_CLIENT(NO_ROOM), .in = 4, .out = 4, .data = 20, .before = room_short},
		{"no 24 bytes", UP_TO_CLIENT(NO_ROOM), .in = 4, .out = 6, .data = 20,
		 .before = room_short},
		{"redirect refused", UP_TO_CLIENT(NO_REDIRECT), .data = 20, .before = no_redirect},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Neither where the packet came from, nor the address that it came to. */
static void other_gateway(struct world *world)
{
	static const uint8_t eth[12] = {0x02, 0, 0, 0, 0, 0x63, 0x02, 0, 0, 0, 0, 0x64};

	memcpy(world_last_hop(world)->eth, eth, sizeof(eth));
}

static void test_swapped_addresses(void **state)
{
	static const struct row rows[] = {
		{"another gateway", TO_PEER, .data = 20, .before = other_gateway},
		{"another gateway", TO_CLIENT, .data = 20, .before = other_gateway},
		{"another gateway", TO_OTHER, .data = 20, .before = other_gateway},
		{"unresolved neighbour", UP(NO_NEXT_HOP), .data = 20, .before = hop_unknown},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_peer_is_this_server(void **state)
{
	static const struct row rows[] = {
		{"hairpin", TO_OTHER, .data = 20},
		{"hairpin to nobody", UP_TO_OTHER(LOCAL), .data = 20, .before = second_unbound},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_padding_and_short_frames(void **state)
{
	static const struct row rows[] = {
		{"60 byte frame", TO_PEER, .data = 1, .minimum = 60},
		{"60 byte frame", TO_CLIENT, .data = 1, .minimum = 60},
		{"frame's padding is not data", UP(BAD_LENGTH), .in = 4, .data = 4, .minimum = 60,
		 .patch = {{AT_CHANNEL_LENGTH, 2, 8}}},
		{"padded ChannelData", TO_PEER, .data = 5, .excess = 3},
		{"padding is never sent", TO_CLIENT, .data = 5},
		{"padding is never sent", TO_OTHER, .data = 5, .excess = 3},
		{"padding, 60 byte frame", TO_PEER, .data = 2, .excess = 2, .minimum = 60},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_mtu_of_the_way_out(void **state)
{
	static const struct row rows[] = {
		{"+4", TO_CLIENT, .in = 4, .out = 4, .data = 1468},
		{"+4", UP_TO_CLIENT(TOO_BIG), .in = 4, .out = 4, .data = 1469},
		{"+24", TO_CLIENT, .in = 4, .out = 6, .data = 1448},
		{"+24", UP_TO_CLIENT(TOO_BIG), .in = 4, .out = 6, .data = 1449},
		{"+16", TO_PEER, .in = 4, .out = 6, .data = 1452},
		{"+16", UP(TOO_BIG), .in = 4, .out = 6, .data = 1453},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Quota and usage: each row of a relayed packet looks at the counters. */
static void test_bytes_not_counted(void **state)
{
	static const struct row rows[] = {
		{"counted", TO_PEER, .data = 1000, .excess = 8},
		{"counted", TO_CLIENT, .data = 1000, .trailer = 8},
		{"counted for both", TO_OTHER, .data = 1000, .excess = 8},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void vlan_unknown(struct world *world)
{
	world_tag_in(world, 0x8100, 5);
}

static void test_guessing(void **state)
{
	static const struct row rows[] = {
		{"fragment", UP(FRAGMENT), .in = 4, .data = 20, .patch = {{AT_IP4_FRAG, 2, 0x2000}}},
		{"fragment", UP(FRAGMENT), .in = 6, .data = 20, .patch = {{AT_IP6_NEXT, 1, 44}},
		 .insert = {17, 0, 0, 1, 0, 0, 0, 9}, .inserted = 8},
		{"IP options", UP(IP_OPTIONS), .in = 4, .data = 20, .patch = {{AT_IP, 1, 0x46}},
		 .insert = {1, 1, 1, 1}, .inserted = 4},
		{"extension header", UP(IP_OPTIONS), .in = 6, .data = 20, .patch = {{AT_IP6_NEXT, 1, 60}},
		 .insert = {17, 0, 1, 4}, .inserted = 8},
		{"VLAN tag", UP(NOT_OURS), .data = 20, .before = vlan_unknown},
		{"UDP length 7", UP(TRUNCATED), .data = 20, .patch = {{AT_UDP_LENGTH, 2, 7}}},
		{"UDP length beyond the frame", UP(TRUNCATED), .data = 20, .cut = 1},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_undamped_loops(void **state)
{
	static const struct row rows[] = {
		{"TTL 2 leaves as 1", TO_PEER, .data = 20, .ttl = 2},
		{"TTL 2 leaves as 1", TO_CLIENT, .data = 20, .ttl = 2},
		{"TTL 3 leaves as 1", TO_OTHER, .data = 20, .ttl = 3},
		{"TTL 1", UP(TTL), .data = 20, .ttl = 1},
		{"TTL 1", UP_TO_CLIENT(TTL), .data = 20, .ttl = 1},
		{"TTL 2", UP_TO_OTHER(TTL), .data = 20, .ttl = 2},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void ports_unset(struct world *world)
{
	memset(world->port, 0, sizeof(world->port));
}

/* No interface of the table is interface 0, whose MAC address would be zeros. */
static void ports_unset_no_ingress(struct world *world)
{
	ports_unset(world);
	memset(world->in.mac, 0, 6);
}

static void deadlines_unset(struct world *world)
{
	memset(world->deadline, 0, sizeof(world->deadline));
}

static void hop_unset(struct world *world)
{
	world->hop[world_last(world)] = (struct world_hop){0};
}

static void mtu_unset(struct world *world)
{
	world_last_hop(world)->mtu = 0;
}

static void test_unset_read_as_zeros(void **state)
{
	static const struct row rows[] = {
		{"ports unset", UP(NOT_OURS), .data = 20, .before = ports_unset},
		{"ports unset, MAC of zeros", UP(NOT_OURS), .data = 20, .before = ports_unset_no_ingress},
		{"deadlines unset", UP(SERVER_SILENT), .data = 20, .before = deadlines_unset},
		{"next hop unset", UP(NO_NEXT_HOP), .data = 20, .before = hop_unset},
		{"MTU unset", UP(TOO_BIG), .data = 20, .before = mtu_unset},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

int main(void)
{
	const struct CMUnitTest old[] = {cmocka_unit_test(test_too_little_headroom)};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stale_entries),
		cmocka_unit_test(test_edited_then_passed_up),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_partial_checksum),
		cmocka_unit_test(test_dropping_on_a_miss),
		cmocka_unit_test(test_swapped_addresses),
		cmocka_unit_test(test_peer_is_this_server),
		cmocka_unit_test(test_padding_and_short_frames),
		cmocka_unit_test(test_mtu_of_the_way_out),
		cmocka_unit_test(test_bytes_not_counted),
		cmocka_unit_test(test_guessing),
		cmocka_unit_test(test_undamped_loops),
		cmocka_unit_test(test_unset_read_as_zeros),
	};

	return harness_run("packet: traps", tests, sizeof(tests) / sizeof(tests[0])) +
	       cmocka_run_group_tests_name("packet: traps, an old kernel", old, harness_open_old, harness_close);
}
