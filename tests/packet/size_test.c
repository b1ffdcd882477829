/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet grows by: 4 bytes for the header to a client, 20 from IPv4 to
 * IPv6, 4 for each tag. The MTU of the way out is asked for what leaves, and the
 * room before the frame for what it grows by.
 */
#include "harness.h"

static const enum verdict relayed[WAYS] = {VERDICT_TO_PEER, VERDICT_TO_CLIENT, VERDICT_TO_OTHER_CLIENT};

static void mtu_exact(struct world *world)
{
	world->mtu = FIT_EXACT;
}

static void mtu_short(struct world *world)
{
	world->mtu = FIT_SHORT;
}

static void test_mtu_of_every_size(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data < 3400; data += data < 80 ? 1 : 89) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			struct row exact = {"MTU exactly", relayed[way], way, .data = data,
					    .before = mtu_exact};
			struct row less = {"MTU less 1", VERDICT_TOO_BIG, way, .data = data,
					   .before = mtu_short};

			failed += !harness_row(&exact);
			failed += !harness_row(&less);
			less.checksum = SUM_PARTIAL;
			failed += !harness_row(&less);
		}
	}
	assert_int_equal(failed, 0);
}

/* What comes in filled its own MTU of 1500; by numbers, so that the model is judged. */
struct edge {
	enum way way;
	int in, out;
	int fits; /* bytes of data that an MTU of 1500 takes on the way out */
};

static void test_mtu_1500(void **state)
{
	static const struct edge edges[] = {
		{WAY_PEER, 4, 4, 1472},   {WAY_PEER, 4, 6, 1452},   {WAY_PEER, 6, 4, 1472},
		{WAY_PEER, 6, 6, 1452},   {WAY_CLIENT, 4, 4, 1468}, {WAY_CLIENT, 4, 6, 1448},
		{WAY_CLIENT, 6, 4, 1468}, {WAY_CLIENT, 6, 6, 1448}, {WAY_OTHER, 4, 4, 1468},
		{WAY_OTHER, 4, 6, 1448},  {WAY_OTHER, 6, 4, 1468},  {WAY_OTHER, 6, 6, 1448},
	};
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		const struct edge *edge = &edges[i];
		struct row row = {"MTU 1500", relayed[edge->way], edge->way, .in = edge->in,
				  .out = edge->out, .data = edge->fits};

		failed += !harness_row(&row);
		row.verdict = VERDICT_TOO_BIG;
		row.data++;
		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

static void mtu_0(struct world *world)
{
	world_last_hop(world)->mtu = 0;
}

static void mtu_at_most(struct world *world)
{
	world_last_hop(world)->mtu = 65535;
}

static void test_mtu_ends(void **state)
{
	static const struct row rows[] = {
		{"MTU 0", VERDICT_TOO_BIG, .before = mtu_0},
		{"MTU 0", VERDICT_TOO_BIG, WAY_CLIENT, .before = mtu_0},
		{"MTU 0", VERDICT_TOO_BIG, WAY_OTHER, .before = mtu_0},
		{"MTU 65535", VERDICT_TO_PEER, .data = 3000, .before = mtu_at_most},
		{"MTU 65535", VERDICT_TO_CLIENT, WAY_CLIENT, .data = 3000, .before = mtu_at_most},
		{"MTU 65535", VERDICT_TO_OTHER_CLIENT, WAY_OTHER, .data = 3000, .before = mtu_at_most},
		{"segments of a local socket", VERDICT_TOO_BIG, .data = 3000, .checksum = SUM_PARTIAL},
		{"segments of a local socket", VERDICT_TOO_BIG, WAY_CLIENT, .data = 3000,
		 .checksum = SUM_PARTIAL},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* ---- the room before the frame ---- */

static void room_exact(struct world *world)
{
	world->room = FIT_EXACT;
}

static void room_short(struct world *world)
{
	world->room = FIT_SHORT;
}

static void tags_put(struct world *world, int in, int out)
{
	for (int i = 0; i < in; i++)
		world_tag_in(world, 0x8100, 0);
	for (int i = 0; i < out; i++)
		world_tag_out(world, 0x8100, 7);
}

static void tags_out(struct world *world)
{
	tags_put(world, 0, 2);
}

static void tags_out_exact(struct world *world)
{
	tags_put(world, 0, 2);
	room_exact(world);
}

static void tags_out_short(struct world *world)
{
	tags_put(world, 0, 2);
	room_short(world);
}

static void tags_in_exact(struct world *world)
{
	tags_put(world, 2, 0);
	room_exact(world);
}

static void tags_in_short(struct world *world)
{
	tags_put(world, 2, 0);
	room_short(world);
}

/* 40 bytes of the 256 are XDP's, and the rest is another's as well. */
static void room_none(struct world *world)
{
	world->metadata = 216;
}

static void room_none_and_tags(struct world *world)
{
	tags_put(world, 2, 2);
	room_none(world);
}

static void test_room(void **state)
{
#define TO_PEER .verdict = VERDICT_TO_PEER
#define TO_CLIENT .verdict = VERDICT_TO_CLIENT, .way = WAY_CLIENT
#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER
	static const struct row rows[] = {
		{"just enough", TO_PEER, .data = 20, .before = room_exact},
		{"just enough", TO_CLIENT, .data = 20, .before = room_exact},
		{"just enough", TO_OTHER, .data = 20, .before = room_exact},
		{"just enough for tags", TO_PEER, .data = 20, .before = tags_out_exact},
		{"just enough for tags", TO_CLIENT, .data = 20, .before = tags_out_exact},
		{"just enough for tags", TO_OTHER, .data = 20, .before = tags_out_exact},
		{"just enough with the tags'", TO_CLIENT, .data = 20, .before = tags_in_exact},
		{"none needed", TO_PEER, .in = 6, .data = 20, .before = room_none},
		{"none needed", TO_PEER, .in = 4, .out = 4, .data = 20, .before = room_none},
		{"none needed", TO_CLIENT, .in = 6, .out = 4, .data = 20, .before = room_none},
		{"none needed", TO_OTHER, .in = 6, .data = 20, .before = room_none},
		{"none needed", TO_OTHER, .in = 4, .out = 4, .data = 20, .before = room_none},
		{"none needed for tags", TO_PEER, .in = 6, .data = 20, .before = room_none_and_tags},
		{"plenty for tags", TO_CLIENT, .data = 20, .before = tags_out},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Where data cannot move. */
static void test_no_room(void **state)
{
#define NO_ROOM(way_) .verdict = VERDICT_NO_ROOM, .way = WAY_##way_
	static const struct row rows[] = {
		{"short", NO_ROOM(PEER), .in = 4, .out = 6, .data = 20, .before = room_short},
		{"short", NO_ROOM(CLIENT), .in = 4, .data = 20, .before = room_short},
		{"short", NO_ROOM(CLIENT), .in = 6, .out = 6, .data = 20, .before = room_short},
		{"short", NO_ROOM(OTHER), .in = 4, .out = 6, .data = 20, .before = room_short},
		{"short for tags", NO_ROOM(PEER), .in = 4, .data = 20, .before = tags_out_short},
		{"short for tags", NO_ROOM(PEER), .in = 6, .out = 6, .data = 20,
		 .before = tags_out_short},
		{"short for tags", NO_ROOM(CLIENT), .in = 4, .data = 20, .before = tags_out_short},
		{"short for tags", NO_ROOM(OTHER), .in = 4, .data = 20, .before = tags_out_short},
		{"short even with the tags'", NO_ROOM(CLIENT), .in = 4, .out = 6, .data = 20,
		 .before = tags_in_short},
		{"none", NO_ROOM(CLIENT), .in = 4, .data = 41, .trailer = 5, .checksum = SUM_PARTIAL,
		 .before = room_none},
		{"none", NO_ROOM(PEER), .in = 4, .out = 6, .data = 41, .excess = 3, .trailer = 5,
		 .before = room_none},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

int main(void)
{
	const struct CMUnitTest old[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_no_room),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mtu_of_every_size),
		cmocka_unit_test(test_mtu_1500),
		cmocka_unit_test(test_mtu_ends),
		cmocka_unit_test(test_room),
	};

	return harness_run("packet: sizes", tests, sizeof(tests) / sizeof(tests[0])) +
	       cmocka_run_group_tests_name("packet: sizes, an old kernel", old, harness_open_old, harness_close);
}
