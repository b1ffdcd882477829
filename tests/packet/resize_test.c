/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames with little room before them (bpf/resize.h): where the start of a frame cannot move, its data
 * moves, and its tail grows or shrinks. size_test.c has the kernels that cannot move data.
 *
 * Test runs always leave enough room for a start that moves forward. So the tests run a second time, in a
 * program whose calls of bpf_xdp_adjust_head fail.
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define TO_PEER .verdict = VERDICT_TO_PEER
#define TO_CLIENT .verdict = VERDICT_TO_CLIENT, .way = WAY_CLIENT
#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER
#define NO_ROOM(way_) .verdict = VERDICT_NO_ROOM, .way = WAY_##way_
#define ALL_WAYS(name_, ...)                                                                         \
	{.name = name_, TO_PEER, __VA_ARGS__}, {.name = name_, TO_CLIENT, __VA_ARGS__}, \
	{.name = name_, TO_OTHER, __VA_ARGS__}

/* So much may stand before a frame, in steps of 4 bytes. 40 of the 256 bytes are XDP's. */
#define METADATA_MAX 216

/* For the sweep: what the rows' world has. */
static uint32_t metadata;
static int tags_in, tags_out;

static void tags_put(struct world *world)
{
	for (int i = 0; i < tags_in; i++)
		world_tag_in(world, 0x8100, 0); /* names no VLAN */
	for (int i = 0; i < tags_out; i++)
		world_tag_out(world, 0x8100, 7);
}

static void sweep(struct world *world)
{
	world->metadata = metadata;
	world_last_hop(world)->mtu = 9000;
	tags_put(world);
}

/* Every room before the frame, with every number of tags, in all families. */
static void test_every_headroom(void **state)
{
	static const struct row rows[] = {
		ALL_WAYS("even", .data = 160, .before = sweep),
		ALL_WAYS("odd, with trailing bytes", .data = 161, .trailer = 5, .before = sweep),
		ALL_WAYS("wrong checksum", .data = 33, .checksum = SUM_BAD, .before = sweep),
	};
	bool right = true;

	(void)state;
	harness_need();
	for (int tags = 0; tags < 9; tags++) {
		tags_in = tags / 3;
		tags_out = tags % 3;
		for (metadata = 0; metadata <= METADATA_MAX; metadata += 4)
			for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
				right &= harness_row(&rows[i]);
	}
	assert_true(right);
}

/* Blocks that move are of 2048 bytes: data that ends around them. */
static void test_every_length(void **state)
{
	static const int around[] = {0, 2, 30, 64, 1000, 1400, 2047, 2049, 3400, 3457};
	bool right = true;

	(void)state;
	harness_need();
	metadata = METADATA_MAX;
	for (tags_out = 0; tags_out <= 2; tags_out++) {
		for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
			for (int data = around[i]; data < around[i] + 3 && data < 3442; data++) {
				const struct row rows[] = {ALL_WAYS("length", .data = data, .before = sweep)};

				for (int way = 0; way < WAYS; way++)
					right &= harness_row(&rows[way]);
			}
		}
	}
	tags_out = 0;
	assert_true(right);
}

static void room_none(struct world *world)
{
	world->metadata = METADATA_MAX;
	world_last_hop(world)->mtu = 9000;
}

static void room_for_the_start(struct world *world)
{
	world->metadata = 216;
}

static void limited(struct world *world)
{
	room_none(world);
	for (int i = FIRST; i <= SECOND; i++) {
		world->flow[i].flow.flags |= FLOW_LIMITED;
		for (int meter = 0; meter < LIMIT_METERS; meter++)
			world->limit[i].left[meter] = 10000;
	}
}

static void used_up(struct world *world)
{
	limited(world);
	memset(world->limit[FIRST].left, 0, sizeof(world->limit[FIRST].left));
}

static void tags_two(struct world *world)
{
	room_none(world);
	world_tag_out(world, 0x88a8, 7);
	world_tag_out(world, 0x8100, 8);
}

static void test_rows(void **state)
{
	static const struct row rows[] = {
		ALL_WAYS("no data", .data = 0, .before = room_none),
		ALL_WAYS("data of ones", .data = 200, .fill = FILL_ONES, .before = room_none),
		ALL_WAYS("checksum of 0", .data = 200, .fill = FILL_SUM_OUT_ZERO, .before = room_none),
		ALL_WAYS("no checksum", .data = 41, .checksum = SUM_ZERO, .before = room_none),
		ALL_WAYS("partial checksum", .data = 41, .checksum = SUM_PARTIAL, .trailer = 5, .before = room_none),
		ALL_WAYS("partial checksum, start", .data = 41, .checksum = SUM_PARTIAL, .before = room_for_the_start),
		ALL_WAYS("as short as Ethernet has them", .data = 1, .minimum = 60, .before = room_none),
		ALL_WAYS("max-bps", .data = 300, .before = limited),
		ALL_WAYS("two tags", .data = 1399, .before = tags_two),
		{"padding", TO_PEER, .data = 41, .excess = 3, .before = room_none},
		{"padding of words", TO_PEER, .data = 42, .excess = 22, .before = room_none},
		{"padding, trailing bytes", TO_OTHER, .data = 43, .excess = 1, .trailer = 40, .before = room_none},
		{"padding is as much as tags", TO_PEER, .data = 44, .excess = 8, .before = tags_two},
		{"max-bps is used up", .verdict = VERDICT_LIMITED, .data = 300, .before = used_up},
		{"max-bps is used up", .verdict = VERDICT_LIMITED, .way = WAY_CLIENT, .data = 300, .before = used_up},
		{"max-bps is used up", .verdict = VERDICT_LIMITED, .way = WAY_OTHER, .data = 300, .before = used_up},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* The largest frame that may still grow, and one byte more: nothing is changed then. */
static void test_tail_ends(void **state)
{
#define FILLS(headers) .data = HARNESS_BUFFER - (headers)
	static const struct row rows[] = {
		{"grows by 4", TO_CLIENT, .in = 4, .out = 4, FILLS(42 + 4), .before = room_none},
		{"grows by 4", NO_ROOM(CLIENT), .in = 4, .out = 4, FILLS(42 + 3), .before = room_none},
		{"grows by 24", TO_CLIENT, .in = 4, .out = 6, FILLS(42 + 24), .before = room_none},
		{"grows by 24", NO_ROOM(CLIENT), .in = 4, .out = 6, FILLS(42 + 23), .before = room_none},
		{"grows by 16", TO_PEER, .in = 4, .out = 6, FILLS(46 + 16), .before = room_none},
		{"grows by 16", NO_ROOM(PEER), .in = 4, .out = 6, FILLS(46 + 15), .before = room_none},
		{"grows by 4, tags", TO_PEER, .in = 4, .out = 4, FILLS(46 + 4), .before = tags_two},
		{"grows by 4, tags", NO_ROOM(PEER), .in = 4, .out = 4, FILLS(46 + 3), .before = tags_two},
		{"stays as long", TO_OTHER, .in = 4, .middle = 4, .out = 4, FILLS(46), .before = room_none},
		{"shrinks", TO_PEER, .in = 4, .out = 4, FILLS(46), .before = room_none},
		{"shrinks", TO_PEER, .in = 6, .out = 4, FILLS(66), .before = room_none},
		{"takes the place of trailing bytes", TO_CLIENT, .in = 4, .out = 4, FILLS(46), .trailer = 4,
		 .before = room_none},
		{"trailing bytes are too few", NO_ROOM(CLIENT), .in = 4, .out = 4, FILLS(45), .trailer = 3,
		 .before = room_none},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void jumbo(struct world *world)
{
	room_none(world);
	for (int i = 0; i < 2; i++)
		world->hop[i].hop.mtu = 65535;
}

static void jumbo_tags(struct world *world)
{
	tags_two(world);
	jumbo(world);
}

static void test_several_buffers(void **state)
{
	static const struct row rows[] = {
		ALL_WAYS("two buffers", .data = 4000, .before = jumbo),
		ALL_WAYS("three buffers", .data = 8001, .before = jumbo),
		ALL_WAYS("three buffers, tags", .data = 8001, .before = jumbo_tags),
		ALL_WAYS("four buffers, trailing bytes", .data = 12000, .trailer = 3, .before = jumbo),
		ALL_WAYS("trailing buffer", .data = 3000, .trailer = 5000, .before = jumbo),
		ALL_WAYS("jumbo of 60000", .data = 60000, .before = jumbo),
		ALL_WAYS("wrong checksum", .data = 5001, .checksum = SUM_BAD, .before = jumbo),
		{"padding", TO_PEER, .data = 8001, .excess = 3, .before = jumbo},
		{"nearly all is padding", TO_PEER, .data = 10, .excess = 8002, .before = jumbo},
		{"the tail grows by its last byte", TO_CLIENT, .in = 4, .out = 4, FILLS(42 + 4 - 4096), .before = jumbo},
		{"the tail is full", NO_ROOM(CLIENT), .in = 4, .out = 4, FILLS(42 + 3 - 4096), .before = jumbo},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* The headers must fit into the first buffer, which does not grow. */
static void test_first_buffer_ends(void **state)
{
	static const struct row rows[] = {
		{"headers fit", TO_CLIENT, .in = 4, .out = 4, .data = 300, .linear = 46, .before = room_none},
		{"headers do not fit", NO_ROOM(CLIENT), .in = 4, .out = 4, .data = 300, .linear = 45, .before = room_none},
		{"headers fit", TO_CLIENT, .in = 4, .out = 6, .data = 300, .linear = 66, .before = room_none},
		{"headers do not fit", NO_ROOM(CLIENT), .in = 4, .out = 6, .data = 300, .linear = 65, .before = room_none},
		{"headers fit", TO_PEER, .in = 6, .out = 4, .data = 300, .linear = 66, .before = room_none},
		{"headers do not fit, trailing bytes", NO_ROOM(CLIENT), .in = 4, .out = 6, .data = 300, .linear = 65,
		 .trailer = 60, .before = room_none},
	};

	(void)state;
	harness_need_linear();
	harness_table(ROWS(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_headroom),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tail_ends),
	};
	const struct CMUnitTest several[] = {
		cmocka_unit_test(test_several_buffers),
		cmocka_unit_test(test_first_buffer_ends),
	};

	return harness_run("packet: little headroom", tests, sizeof(tests) / sizeof(tests[0])) +
	       cmocka_run_group_tests_name("packet: little headroom, several buffers", several, harness_open_frags,
					   harness_close) +
	       cmocka_run_group_tests_name("packet: no headroom", tests, harness_open_fixed, harness_close) +
	       cmocka_run_group_tests_name("packet: no headroom, frags", tests, harness_open_fixed_frags,
					   harness_close) +
	       cmocka_run_group_tests_name("packet: no headroom, several buffers", several,
					   harness_open_fixed_frags, harness_close);
}
