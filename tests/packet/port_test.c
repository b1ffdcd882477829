/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interfaces by which frames come in (struct attachment): a frame that comes in by an alias of a device is
 * relayed as one of the device. The harness looks at the entries' notes of frames in all packet tests.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>

#include "harness.h"

#define DATA 40
#define FAULT(name_, verdict_, ...)                                                               \
	{.name = name_, .verdict = VERDICT_##verdict_, .data = DATA, __VA_ARGS__},                  \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_CLIENT, .data = DATA, __VA_ARGS__}, \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_OTHER, .data = DATA, __VA_ARGS__}
#define ALL_WAYS(name_, ...)                                                                                    \
	{.name = name_, .verdict = VERDICT_TO_PEER, .data = DATA, __VA_ARGS__},                                 \
	{.name = name_, .verdict = VERDICT_TO_CLIENT, .way = WAY_CLIENT, .data = DATA, __VA_ARGS__}, \
	{.name = name_, .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER, .data = DATA, __VA_ARGS__}

/* harness_lo, by which the frames come in, is an alias of this device, which has an entry of its own. */
#define DEVICE 1234
/* The entry of harness_lo, and its place: world_default(). */
#define ENTRY 1
#define PLACE 2u

static void alias(struct world *world)
{
	world->port[2] = world->port[ENTRY];
	world->port[2].ifindex = world->port[2].device = DEVICE;
	world->port[ENTRY].device = DEVICE;
	for (int i = 0; i < HOPS; i++)
		if (world->hop[i].hop.ifindex == harness_lo)
			world->hop[i].hop.ifindex = DEVICE;
	for (int i = 0; i < VLANS; i++)
		if (world->vlan[i].key.ifindex == harness_lo)
			world->vlan[i].key.ifindex = DEVICE;
}

static void alias_generic(struct world *world)
{
	alias(world);
	world->port[ENTRY].generic = 1;
}

/* Many others are before it. */
static void alias_last(struct world *world)
{
	alias(world);
	world->port[ABI_PORTS - 1] = world->port[ENTRY];
	for (int i = 0; i < ABI_PORTS - 1; i++)
		world->port[i].ifindex = world->port[i].device = 2000 + i;
}

static void alias_of_vlan(struct world *world)
{
	world_tag_in(world, 0x8100, 30);
	world_vlan(world, 30, 0);
	alias(world);
}

/* The VLAN is of the interface, and not of its device. */
static void vlan_of_alias(struct world *world)
{
	alias_of_vlan(world);
	world->vlan[0].key.ifindex = harness_lo;
}

/* The redirect is to the interface. It may be anywhere, as it has no hop of its own. */
static void hop_of_alias(struct world *world)
{
	alias(world);
	for (int i = 0; i < HOPS; i++)
		if (world->hop[i].hop.ifindex == DEVICE)
			world->hop[i].hop.ifindex = harness_lo;
}

static void gate_of_another(struct world *world)
{
	alias(world);
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, GATE_PLACES & ~PLACE);
}

static void gate_of_device(struct world *world)
{
	alias(world);
	world->flow[FIRST].gate = gate_of(MODEL_EPOCH, PLACE);
}

static void redirected(struct world *world)
{
	alias(world);
	for (int i = 0; i < HOPS; i++)
		world->hop[i].hop.flags &= ~HOP_TRANSMIT;
}

static void other_mac(struct world *world)
{
	alias(world);
	world->port[ENTRY].mac[5] ^= 1;
}

/* A lone entry, with no device of its own. */
static void device_elsewhere(struct world *world)
{
	alias(world);
	world->port[2].ifindex = 0;
}

static void test_alias(void **state)
{
	static const struct row rows[] = {
		ALL_WAYS("alias", .before = alias),
		ALL_WAYS("alias in generic mode", .before = alias_generic),
		ALL_WAYS("last entry", .before = alias_last),
		ALL_WAYS("VLAN of the device", .before = alias_of_vlan),
		ALL_WAYS("gate is open to the device", .before = gate_of_device),
		ALL_WAYS("no entry of the device", .before = device_elsewhere),
		FAULT("VLAN of the alias", NOT_OURS, .before = vlan_of_alias),
		FAULT("gate is open to others", PROBATION, .before = gate_of_another),
		FAULT("not the MAC of the entry", NOT_OURS, .before = other_mac),
		FAULT("device is not among those of redirects", NO_REDIRECT, .before = redirected),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Sends a row's frame into a world, where it comes to the row's verdict. */
static void send_row(const struct row *row, const struct world *world, struct outcome *outcome)
{
	static struct frame in;

	row_packet(row, world, &in);
	harness_send(world, &in, outcome);
	assert_int_equal(outcome->verdict, row->verdict);
}

/* What returns by the device leaves with XDP_TX; what leaves by the alias itself is redirected. */
static void test_actions(void **state)
{
	static const struct {
		void (*before)(struct world *world);
		int action;
	} cases[] = {{alias, XDP_TX}, {hop_of_alias, XDP_REDIRECT}};
	static const struct row row = {"action", VERDICT_TO_PEER, .data = DATA};
	const struct path path = {WAY_PEER, 4, 0, 6};
	static struct world world;
	static struct outcome outcome;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_default(&world, &path);
		cases[i].before(&world);
		send_row(&row, &world, &outcome);
		assert_int_equal(outcome.action, cases[i].action);
	}
}

static const struct path to_client = {WAY_CLIENT, 4, 0, 4};

/* Of every entry, the first and the last included: the frame is noted there and nowhere else. */
static void test_entries(void **state)
{
	static const struct row row = {"entry", VERDICT_TO_CLIENT, WAY_CLIENT, .data = DATA};
	static struct world world;
	static struct outcome outcome;

	(void)state;
	harness_need();
	for (int at = 0; at < ABI_PORTS; at++) {
		struct attachment port;

		world_default(&world, &to_client);
		port = world.port[ENTRY];
		for (int i = 0; i < ABI_PORTS; i++)
			world.port[i].ifindex = world.port[i].device = 2000 + i;
		world.port[at] = port;
		send_row(&row, &world, &outcome);
		for (int i = 0; i < ABI_PORTS; i++)
			assert_int_equal(outcome.seen[i], i == at);
		assert_int_equal(outcome.stray.count, 0);
	}
}

/* The interface by which a frame strays in is noted as it is, and not as its device. */
static void test_stray(void **state)
{
	static const struct row row = {"stray", VERDICT_NOT_OURS, WAY_CLIENT, .data = DATA};
	static struct world world;
	static struct outcome outcome;

	(void)state;
	harness_need();
	world_default(&world, &to_client);
	world.port[ENTRY].ifindex = 0;
	send_row(&row, &world, &outcome);
	assert_int_equal(outcome.stray.ifindex, harness_lo);
	assert_int_equal(outcome.stray.count, 1);
}

/* A frame that finds no room is counted at the alias by which it came in. */
static void test_no_room(void **state)
{
	static const struct row row = {"no room", VERDICT_NO_ROOM, WAY_CLIENT, .data = HARNESS_BUFFER - 42};
	static struct world world;
	static struct outcome outcome;

	(void)state;
	harness_need();
	world_default(&world, &to_client);
	alias(&world);
	world_last_hop(&world)->mtu = 9000;
	world.metadata = 216;
	if (!harness_takes(&world))
		harness_skip("no frame has too little room in this kernel's test runs (before 6.8)");
	send_row(&row, &world, &outcome);
	for (int i = 0; i < ABI_PORTS; i++)
		assert_int_equal(outcome.no_room[i], i == ENTRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_stray),
		cmocka_unit_test(test_no_room),
	};

	return harness_run("packet: interfaces", tests, sizeof(tests) / sizeof(tests[0]));
}
