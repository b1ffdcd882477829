/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN tags (IEEE 802.1Q and 802.1ad) on what comes in: the frame is for the
 * interface of its VLAN, if there is one.
 */
#include <string.h>

#include "harness.h"

#define CTAG 0x8100
#define STAG 0x88a8
#define PRIORITY 0xe000 /* priority 7 */
#define DROP 0x1000     /* may be dropped before others */

#define TO_PEER .verdict = VERDICT_TO_PEER, .data = 40
#define TO_CLIENT .verdict = VERDICT_TO_CLIENT, .way = WAY_CLIENT, .data = 41
#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER, .data = 42
#define ALL_WAYS(name_, ...)                                                                      \
	{.name = name_, TO_PEER, __VA_ARGS__}, {.name = name_, TO_CLIENT, __VA_ARGS__},           \
	{.name = name_, TO_OTHER, __VA_ARGS__}
#define FAULT(name_, verdict_, ...)                                                               \
	{.name = name_, .verdict = VERDICT_##verdict_, .data = 40, __VA_ARGS__},                  \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_CLIENT, .data = 41, __VA_ARGS__}, \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_OTHER, .data = 42, __VA_ARGS__}

/* ---- tags in ---- */

static void in_5(struct world *world)
{
	world_tag_in(world, CTAG, 5);
	world_vlan(world, 5, 0);
}

static void in_5_with_priority(struct world *world)
{
	world_tag_in(world, CTAG, PRIORITY | DROP | 5);
	world_vlan(world, 5, 0);
}

static void in_4094(struct world *world)
{
	world_tag_in(world, CTAG, 4094);
	world_vlan(world, 4094, 0);
}

static void in_service_9(struct world *world)
{
	world_tag_in(world, STAG, PRIORITY | 9);
	world_vlan(world, VLAN_8021AD | 9, 0);
}

static void in_service_9_5(struct world *world)
{
	world_tag_in(world, STAG, 9);
	world_tag_in(world, CTAG, 5);
	world_vlan(world, VLAN_8021AD | 9, 5);
}

static void in_5_6(struct world *world)
{
	world_tag_in(world, CTAG, 5);
	world_tag_in(world, CTAG, DROP | 6);
	world_vlan(world, 5, 6);
}

static void in_5_service_6(struct world *world)
{
	world_tag_in(world, CTAG, 5);
	world_tag_in(world, STAG, 6);
	world_vlan(world, 5, VLAN_8021AD | 6);
}

/* A tag with identifier 0 names no VLAN, so the frame is the interface's own. */
static void in_priority(struct world *world)
{
	world_tag_in(world, CTAG, PRIORITY);
}

static void in_service_priority(struct world *world)
{
	world_tag_in(world, STAG, PRIORITY | DROP);
}

static void in_two_priorities(struct world *world)
{
	world_tag_in(world, STAG, PRIORITY);
	world_tag_in(world, CTAG, 0);
}

static void in_priority_5(struct world *world)
{
	world_tag_in(world, CTAG, PRIORITY);
	world_tag_in(world, CTAG, 5);
	world_vlan(world, 5, 0);
}

static void in_5_priority(struct world *world)
{
	world_tag_in(world, CTAG, 5);
	world_tag_in(world, CTAG, PRIORITY);
	world_vlan(world, 5, 0);
}

static void in_5_of_several(struct world *world)
{
	world_vlan(world, 6, 0);
	memset(world->vlan[0].vlan.mac, 0xdd, 6);
	world_vlan(world, 6, 5);
	memset(world->vlan[1].vlan.mac, 0xdc, 6);
	in_5(world);
}

/* The same VLAN of the first interface has another address. */
static void in_by_other(struct world *world)
{
	memcpy(world->port[0].mac, model_port_mac, 6);
	world->ingress = harness_lo;
	world_vlan(world, 5, 0);
	memset(world->vlan[0].vlan.mac, 0xdd, 6);
	world->ingress = harness_other;
	in_5(world);
	world_last_hop(world)->ifindex = harness_other;
}

static void test_tags_in(void **state)
{
	static const struct row rows[] = {
		ALL_WAYS("802.1Q", .before = in_5),
		ALL_WAYS("802.1Q with priority", .before = in_5_with_priority),
		ALL_WAYS("last VLAN", .before = in_4094),
		ALL_WAYS("802.1ad", .before = in_service_9),
		ALL_WAYS("802.1ad and 802.1Q", .before = in_service_9_5),
		ALL_WAYS("802.1Q twice", .before = in_5_6),
		ALL_WAYS("802.1ad inside", .before = in_5_service_6),
		ALL_WAYS("priority tag", .before = in_priority),
		ALL_WAYS("802.1ad priority tag", .before = in_service_priority),
		ALL_WAYS("two priority tags", .before = in_two_priorities),
		ALL_WAYS("priority tag, VLAN", .before = in_priority_5),
		ALL_WAYS("VLAN, priority tag", .before = in_5_priority),
		ALL_WAYS("one of several VLANs", .before = in_5_of_several),
		ALL_WAYS("VLAN of another interface", .before = in_by_other),
		ALL_WAYS("no checksum", .before = in_service_9_5, .checksum = SUM_ZERO),
		ALL_WAYS("partial checksum", .before = in_5, .checksum = SUM_PARTIAL),
		ALL_WAYS("partial checksum, two tags", .before = in_5_6, .checksum = SUM_PARTIAL),
		ALL_WAYS("wrong checksum", .before = in_5_6, .checksum = SUM_BAD),
		ALL_WAYS("trailing bytes", .before = in_service_9_5, .trailer = 5),
		{.name = "padding", TO_PEER, .before = in_5_6, .excess = 4},
		{.name = "padding, odd data", .verdict = VERDICT_TO_PEER, .data = 41, .excess = 3,
		 .before = in_5},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* ---- whose frame it is ---- */

static void unknown_5(struct world *world)
{
	world_tag_in(world, CTAG, 5);
}

static void unknown_service_9(struct world *world)
{
	world_tag_in(world, STAG, 9);
	world_vlan(world, 9, 0);
}

static void unknown_not_service(struct world *world)
{
	world_tag_in(world, CTAG, 9);
	world_vlan(world, VLAN_8021AD | 9, 0);
}

static void unknown_inner(struct world *world)
{
	in_5(world);
	world_tag_in(world, CTAG, 7);
}

static void unknown_inner_service(struct world *world)
{
	in_5_6(world);
	world->in.tag[1].protocol = STAG;
}

static void unknown_outer(struct world *world)
{
	world_tag_in(world, CTAG, 7);
	in_5(world);
}

static void swapped(struct world *world)
{
	in_5_6(world);
	world->in.tag[0].tci = 6;
	world->in.tag[1].tci = 5;
}

static void identifier_differs_in_one_bit(struct world *world)
{
	in_5(world);
	world->in.tag[0].tci = 0x805;
}

static void vlan_of_other_interface(struct world *world)
{
	in_5(world);
	world->vlan[0].key.ifindex = harness_other;
}

static void mac_of_port(struct world *world)
{
	in_5(world);
	memcpy(world->in.mac, model_port_mac, 6);
}

static void mac_ends_otherwise(struct world *world)
{
	in_5(world);
	world->in.mac[5] ^= 1;
}

static void mac_begins_otherwise(struct world *world)
{
	in_5_6(world);
	world->in.mac[0] ^= 4;
}

static void priority_with_mac_of_vlan(struct world *world)
{
	world_vlan(world, 5, 0);
	world_tag_in(world, CTAG, PRIORITY);
}

static void untagged_with_mac_of_vlan(struct world *world)
{
	world_vlan(world, 5, 0);
}

static void broadcast(struct world *world)
{
	in_5(world);
	memset(world->in.mac, 0xff, 6);
}

static void not_a_port(struct world *world)
{
	in_5(world);
	memset(world->port, 0, sizeof(world->port));
}

static void three_tags(struct world *world)
{
	in_5_6(world);
	world_tag_in(world, CTAG, 7);
}

static void three_with_priority(struct world *world)
{
	in_priority_5(world);
	world_tag_in(world, CTAG, 6);
}

/* Neither is an 802.1Q tag; there is such a VLAN all the same. */
static void old_service_tag(struct world *world)
{
	world_tag_in(world, 0x9100, 5);
	world_vlan(world, 5, 0);
}

static void not_ip(struct world *world)
{
	in_5(world);
}

static void test_whose_frame(void **state)
{
	static const struct row rows[] = {
		FAULT("unknown VLAN", NOT_OURS, .before = unknown_5),
		FAULT("known by 802.1Q only", NOT_OURS, .before = unknown_service_9),
		FAULT("known by 802.1ad only", NOT_OURS, .before = unknown_not_service),
		FAULT("unknown inner VLAN", NOT_OURS, .before = unknown_inner),
		FAULT("inner VLAN of 802.1Q only", NOT_OURS, .before = unknown_inner_service),
		FAULT("unknown outer VLAN", NOT_OURS, .before = unknown_outer),
		FAULT("inside out", NOT_OURS, .before = swapped),
		FAULT("VLAN 0x805 for 5", NOT_OURS, .before = identifier_differs_in_one_bit),
		FAULT("VLAN of another interface", NOT_OURS, .before = vlan_of_other_interface),
		FAULT("MAC of the port in a VLAN", NOT_OURS, .before = mac_of_port),
		FAULT("MAC that ends otherwise", NOT_OURS, .before = mac_ends_otherwise),
		FAULT("MAC that begins otherwise", NOT_OURS, .before = mac_begins_otherwise),
		FAULT("MAC of a VLAN, priority tag", NOT_OURS, .before = priority_with_mac_of_vlan),
		FAULT("MAC of a VLAN, no tag", NOT_OURS, .before = untagged_with_mac_of_vlan),
		FAULT("broadcast in a VLAN", NOT_OURS, .before = broadcast),
		FAULT("VLAN, no port", NOT_OURS, .before = not_a_port),
		FAULT("three tags", NOT_IP, .before = three_tags),
		FAULT("three tags, one priority", NOT_IP, .before = three_with_priority),
		FAULT("tag 0x9100", NOT_IP, .before = old_service_tag),
		FAULT("ARP in a VLAN", NOT_IP, .before = not_ip, .patch = {{AT_IP_TYPE, 2, 0x0806}}),
		FAULT("nothing in a VLAN", TRUNCATED, .before = in_5_6, .cut = 1),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Cut within tags and headers. */
static void test_cut(void **state)
{
	static void (*const before[])(struct world *) = {in_5, in_5_6, in_priority};
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		int tags = before[i] == in_5_6 ? 2 : 1;

		for (int in = 4; in <= 6; in += 2) {
			int whole = 14 + 4 * tags + (in == 6 ? 40 : 20) + 8 + 4 + 8;
			struct row row = {"cut", VERDICT_TRUNCATED, .in = in, .out = 4, .data = 8,
					  .before = before[i]};

			for (row.cut = 1; row.cut <= whole - 14; row.cut++)
				failed += !harness_row(&row);
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tags_in),
		cmocka_unit_test(test_whose_frame),
		cmocka_unit_test(test_cut),
	};

	return harness_run("packet: VLANs in", tests, sizeof(tests) / sizeof(tests[0]));
}
