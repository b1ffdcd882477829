/* SPDX-License-Identifier: BSD-3-Clause */
/* The way out: sent back by the interface itself, redirected, or not at all. */
#include <string.h>

#include "harness.h"

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

static void out_by(struct world *world, uint32_t ifindex, uint8_t flags)
{
	world_last_hop(world)->ifindex = ifindex;
	world_last_hop(world)->flags = flags;
}

/* The interface that the frame comes in by runs the program behind its driver. */
static void port_generic(struct world *world)
{
	world->port[1].generic = 1;
}

static void other_way_out(struct world *world)
{
	out_by(world, harness_other, HOP_REDIRECT);
}

static void in_and_out_by_other(struct world *world)
{
	memcpy(world->port[0].mac, model_port_mac, 6);
	world->ingress = harness_other;
	out_by(world, harness_other, HOP_TRANSMIT);
}

/* A device that sends no XDP_TX may still take its own packets by redirect. */
static void no_transmit(struct world *world)
{
	out_by(world, harness_lo, HOP_REDIRECT);
}

/* XDP_TX needs no leave to redirect, and no place in the table of devices. */
static void transmit_only(struct world *world)
{
	out_by(world, harness_lo, HOP_TRANSMIT);
	memset(world->device, 0, sizeof(world->device));
}

/* The stack sends for an skb, whatever its device is. */
static void generic_other(struct world *world)
{
	port_generic(world);
	out_by(world, harness_other, 0);
}

static void generic_back(struct world *world)
{
	port_generic(world);
	out_by(world, harness_lo, 0);
}

static void generic_transmit(struct world *world)
{
	port_generic(world);
	transmit_only(world);
}

/* This host has verified the checksum, and the receiver gets the same skb. */
static void generic_verified(struct world *world)
{
	generic_other(world);
	world->port[1].generic = GENERIC_SKB | GENERIC_VERIFIED;
	world_last_hop(world)->flags = HOP_HANDS_ON;
}

/* A network card sends the bytes alone. */
static void verified_to_card(struct world *world)
{
	generic_verified(world);
	world_last_hop(world)->flags = 0;
}

static void not_verified(struct world *world)
{
	generic_verified(world);
	world->port[1].generic = GENERIC_SKB;
}

static void native_hands_on(struct world *world)
{
	other_way_out(world);
	world_last_hop(world)->flags |= HOP_HANDS_ON;
}

static void native_to_generic_port(struct world *world)
{
	world->port[0].generic = 1;
	other_way_out(world);
}

static void generic_row_is_others(struct world *world)
{
	world->port[0].generic = 1;
}

static void other_takes_no_redirect(struct world *world)
{
	out_by(world, harness_other, 0);
}

/* Leave to send what its own program returns says nothing of others' packets. */
static void other_only_transmits(struct world *world)
{
	out_by(world, harness_other, HOP_TRANSMIT | HOP_FRAGS);
}

static void other_is_generic_port(struct world *world)
{
	world->port[0].generic = 1;
	other_takes_no_redirect(world);
}

static void neither(struct world *world)
{
	out_by(world, harness_lo, HOP_FRAGS);
}

static void not_among_devices(struct world *world)
{
	other_way_out(world);
	memset(world->device, 0, sizeof(world->device));
}

static void generic_not_among_devices(struct world *world)
{
	generic_other(world);
	memset(world->device, 0, sizeof(world->device));
}

static void unknown_interface(struct world *world)
{
	out_by(world, 12345, HOP_REDIRECT | HOP_TRANSMIT);
}

static void test_ways_out(void **state)
{
	static const struct row rows[] = {
		ALL_WAYS("redirect", .before = other_way_out),
		ALL_WAYS("in and out by another interface", .before = in_and_out_by_other),
		ALL_WAYS("back by redirect", .before = no_transmit),
		ALL_WAYS("no redirect needed", .before = transmit_only),
		ALL_WAYS("skb to another device", .before = generic_other),
		ALL_WAYS("skb back by redirect", .before = generic_back),
		ALL_WAYS("skb sent back", .before = generic_transmit),
		ALL_WAYS("skb with a verified checksum to a card", .before = verified_to_card),
		ALL_WAYS("skb to a device that hands it on", .before = not_verified),
		ALL_WAYS("from native to a device that hands skbs on", .before = native_hands_on),
		ALL_WAYS("from native to a generic port", .before = native_to_generic_port),
		ALL_WAYS("skb with trailing bytes", .before = generic_other, .trailer = 9),
		ALL_WAYS("skb without a checksum", .before = port_generic, .checksum = SUM_ZERO),
		ALL_WAYS("skb with a wrong checksum", .before = port_generic, .checksum = SUM_BAD),
		ALL_WAYS("partial, another port is generic", .before = generic_row_is_others,
			 .checksum = SUM_PARTIAL),
		FAULT("skb with a verified checksum, handed on", CHECKSUM, .before = generic_verified),
		FAULT("the same without a UDP checksum", CHECKSUM, .before = generic_verified, .checksum = SUM_ZERO),
		FAULT("no redirects taken", NO_REDIRECT, .before = other_takes_no_redirect),
		FAULT("sends only its own", NO_REDIRECT, .before = other_only_transmits),
		FAULT("only the device out is generic", NO_REDIRECT, .before = other_is_generic_port),
		FAULT("neither sent nor redirected", NO_REDIRECT, .before = neither),
		FAULT("not among the devices", NO_REDIRECT, .before = not_among_devices),
		FAULT("skb, not among the devices", NO_REDIRECT, .before = generic_not_among_devices),
		FAULT("way out is gone", NO_REDIRECT, .before = unknown_interface),
		FAULT("partial checksum of an skb", CHECKSUM, .checksum = SUM_PARTIAL,
		      .before = port_generic),
		FAULT("partial checksum of an skb that is redirected", CHECKSUM,
		      .checksum = SUM_PARTIAL, .before = generic_other),
		FAULT("like the partial checksum of an skb", CHECKSUM, .fill = FILL_LIKE_PARTIAL,
		      .before = port_generic),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Padding is cut off skbs as well. */
static void test_generic_padding(void **state)
{
	static const struct row rows[] = {
		{.name = "skb with padding", TO_PEER, .excess = 8, .before = port_generic},
		{.name = "skb with padding", TO_OTHER, .excess = 2, .before = port_generic},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void unknown(struct world *world)
{
	world->hop[world_last(world)] = (struct world_hop){0};
}

/* What was there before is left in the entry. */
static void lost(struct world *world)
{
	for (int i = 0; i < FLOWS; i++)
		world->hop[i].seq = 2;
}

static void lost_local(struct world *world)
{
	world_last_hop(world)->flags |= HOP_LOCAL;
	lost(world);
}

static void out_of_table(struct world *world)
{
	world->flow[world_last(world)].flow.hop = 1000;
}

static void just_behind_table(struct world *world)
{
	world->flow[world_last(world)].flow.hop = HOPS;
}

static void first_out_of_table(struct world *world)
{
	world->flow[FIRST].flow.hop = 0xffffffff;
}

static void local(struct world *world)
{
	world_last_hop(world)->flags |= HOP_LOCAL;
	world_last_hop(world)->ifindex = 0;
}

/* What is known besides of the way to this host does not count. */
static void local_by_device(struct world *world)
{
	world_last_hop(world)->flags |= HOP_LOCAL;
}

static void test_no_way(void **state)
{
	static const struct row rows[] = {
		FAULT("not known", NO_NEXT_HOP, .before = unknown),
		FAULT("lost", NO_NEXT_HOP, .before = lost),
		FAULT("no longer on this host", NO_NEXT_HOP, .before = lost_local),
		FAULT("out of the table", NO_NEXT_HOP, .before = out_of_table),
		FAULT("just behind the table", NO_NEXT_HOP, .before = just_behind_table),
		FAULT("out of the table, first", NO_NEXT_HOP, .before = first_out_of_table),
		FAULT("on this host", LOCAL, .before = local),
		FAULT("on this host, device known", LOCAL, .before = local_by_device),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways_out),
		cmocka_unit_test(test_generic_padding),
		cmocka_unit_test(test_no_way),
	};

	return harness_run("packet: ways out", tests, sizeof(tests) / sizeof(tests[0]));
}
