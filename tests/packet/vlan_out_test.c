/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN tags (IEEE 802.1Q and 802.1ad) on what leaves: those of the way out,
 * whatever came in.
 */
#include "harness.h"

#define CTAG 0x8100
#define STAG 0x88a8
#define PRIORITY 0xe000 /* priority 7 */

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

static void in_5(struct world *world)
{
	world_tag_in(world, CTAG, 5);
	world_vlan(world, 5, 0);
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
	world_tag_in(world, CTAG, 6);
	world_vlan(world, 5, 6);
}

/* A tag with identifier 0 names no VLAN, so the frame is the interface's own. */
static void in_priority(struct world *world)
{
	world_tag_in(world, CTAG, PRIORITY);
}

static void out_7(struct world *world)
{
	world_tag_out(world, CTAG, PRIORITY | 7);
}

static void out_service_9(struct world *world)
{
	world_tag_out(world, STAG, 9);
}

static void out_two(struct world *world)
{
	world_tag_out(world, STAG, 0x2009);
	world_tag_out(world, CTAG, 0x3007);
}

static void from_5_to_7(struct world *world)
{
	in_5(world);
	out_7(world);
}

static void from_5_to_5(struct world *world)
{
	in_5(world);
	world_tag_out(world, CTAG, 5);
}

static void from_5_to_two(struct world *world)
{
	in_5(world);
	out_two(world);
}

static void from_two_to_7(struct world *world)
{
	in_service_9_5(world);
	out_7(world);
}

static void from_two_to_two(struct world *world)
{
	in_5_6(world);
	out_two(world);
}

static void from_priority_to_7(struct world *world)
{
	in_priority(world);
	out_7(world);
}

/* A flow that leaves by another device takes the tags of that one. */
static void two_by_redirect(struct world *world)
{
	from_5_to_two(world);
	world_last_hop(world)->ifindex = harness_other;
}

/* Tags are not part of what the MTU is for. */
static void two_mtu(struct world *world)
{
	out_two(world);
	world->mtu = FIT_EXACT;
}

static void two_mtu_short(struct world *world)
{
	out_two(world);
	world->mtu = FIT_SHORT;
}

static void test_tags_out(void **state)
{
	static const struct row rows[] = {
		ALL_WAYS("802.1Q", .before = out_7),
		ALL_WAYS("802.1ad", .before = out_service_9),
		ALL_WAYS("two tags", .before = out_two),
		ALL_WAYS("two tags, short data", .before = out_two, .minimum = 60),
		ALL_WAYS("from one VLAN to another", .before = from_5_to_7),
		ALL_WAYS("within a VLAN", .before = from_5_to_5),
		ALL_WAYS("from one tag to two", .before = from_5_to_two),
		ALL_WAYS("from two tags to one", .before = from_two_to_7),
		ALL_WAYS("from two tags to two", .before = from_two_to_two),
		ALL_WAYS("from a priority tag to a VLAN", .before = from_priority_to_7),
		ALL_WAYS("two tags by redirect", .before = two_by_redirect),
		ALL_WAYS("MTU exactly, and two tags", .before = two_mtu),
		ALL_WAYS("two tags, no checksum", .before = from_5_to_two, .checksum = SUM_ZERO),
		ALL_WAYS("two tags, partial checksum", .before = two_by_redirect, .checksum = SUM_PARTIAL),
		FAULT("MTU less 1, and two tags", TOO_BIG, .before = two_mtu_short),
		{.name = "no data at all", .verdict = VERDICT_TO_PEER, .before = out_two},
		{.name = "no data at all, untagged", .verdict = VERDICT_TO_PEER, .before = in_5_6},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tags_out),
	};

	return harness_run("packet: VLANs out", tests, sizeof(tests) / sizeof(tests[0]));
}
