/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames in several buffers (jumbo frames, Linux 5.18): headers are read in the
 * first, lengths and sums go over all. A test run fills a page before it begins
 * the next buffer, or divides where it is told to.
 */
#include <linux/bpf.h>
#include <unistd.h>

#include "harness.h"

#define TO_PEER .verdict = VERDICT_TO_PEER
#define TO_CLIENT .verdict = VERDICT_TO_CLIENT, .way = WAY_CLIENT
#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER
#define FAULT(name_, verdict_, ...)                                                               \
	{.name = name_, .verdict = VERDICT_##verdict_, __VA_ARGS__},                              \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_CLIENT, __VA_ARGS__},           \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_OTHER, __VA_ARGS__}

static const enum verdict relayed[WAYS] = {VERDICT_TO_PEER, VERDICT_TO_CLIENT, VERDICT_TO_OTHER_CLIENT};

static void need_small_pages(void)
{
	harness_need();
	if (getpagesize() <= 8192)
		return;
	print_message("# skipped: a page takes the whole frame\n");
	skip();
}

static void mtu_put(struct world *world, uint16_t mtu)
{
	world_last_hop(world)->mtu = mtu;
}

static void jumbo(struct world *world)
{
	mtu_put(world, 9200);
}

static void largest(struct world *world)
{
	mtu_put(world, 65535);
}

/* ---- the program that is loaded for one buffer ---- */

/* A driver gives it none; it does not mistake a part for the whole. */
static void test_not_for_several(void **state)
{
	static const struct row rows[] = {
		FAULT("several buffers", TRUNCATED, .data = 9000, .before = jumbo),
		FAULT("several buffers", TRUNCATED, .data = 9000, .checksum = SUM_PARTIAL, .before = jumbo),
	};

	(void)state;
	need_small_pages();
	harness_table(ROWS(rows));
}

/* ---- the one for several ---- */

static void test_jumbo_lengths(void **state)
{
	int failed = 0;

	(void)state;
	need_small_pages();
	for (int data = 3300; data <= 9100; data += data < 3600 || data > 8990 ? 1 : 101) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			struct row row = {"jumbo", relayed[way], way, .data = data, .before = jumbo};

			failed += !harness_row(&row);
			row.checksum = data % 2 ? SUM_ZERO : SUM_PARTIAL;
			failed += !harness_row(&row);
		}
	}
	assert_int_equal(failed, 0);
}

static void other(struct world *world)
{
	jumbo(world);
	world_last_hop(world)->ifindex = harness_other;
}

static void other_without_frags(struct world *world)
{
	other(world);
	world_last_hop(world)->flags = HOP_REDIRECT | HOP_TRANSMIT;
}

static void back_without_frags(struct world *world)
{
	jumbo(world);
	world_last_hop(world)->flags = HOP_REDIRECT;
}

/* What came in by an interface in several buffers goes out by it as well. */
static void transmit_without_frags(struct world *world)
{
	jumbo(world);
	world_last_hop(world)->flags = HOP_TRANSMIT;
}

static void no_redirect(struct world *world)
{
	other(world);
	world_last_hop(world)->flags = HOP_FRAGS | HOP_TRANSMIT;
}

static void generic_without_frags(struct world *world)
{
	other_without_frags(world);
	world->port[1].generic = 1;
}

static void generic(struct world *world)
{
	jumbo(world);
	world->port[1].generic = 1;
}

static void tags(struct world *world)
{
	jumbo(world);
	world_tag_in(world, 0x88a8, 0);
	world_tag_in(world, 0x8100, 7);
	world_vlan(world, 7, 0);
	world_tag_out(world, 0x8100, 8);
}

static void mtu_exact(struct world *world)
{
	world->mtu = FIT_EXACT;
}

static void mtu_short(struct world *world)
{
	world->mtu = FIT_SHORT;
}

static void room_exact(struct world *world)
{
	jumbo(world);
	world->room = FIT_EXACT;
}

/* A frame that fills both of its buffers. */
#define FULL (HARNESS_BUFFER + 4096)

static void room_short(struct world *world)
{
	jumbo(world);
	world->room = FIT_SHORT;
}

static void one_row_silent(struct world *world)
{
	jumbo(world);
	world->deadline[world->flow[FIRST].flow.owner] = 0;
}

static void test_several_buffers(void **state)
{
	static const struct row rows[] = {
		{"redirect", TO_PEER, .data = 8000, .before = other},
		{"redirect", TO_CLIENT, .data = 8000, .before = other},
		{"redirect", TO_OTHER, .data = 8000, .before = other},
		{"one buffer", TO_PEER, .data = 2000, .before = other_without_frags},
		{"one buffer", TO_CLIENT, .data = 2000, .before = back_without_frags},
		{"one buffer", TO_OTHER, .data = 2000, .before = other_without_frags},
		{"sent back", TO_PEER, .data = 8000, .before = transmit_without_frags},
		{"sent back", TO_CLIENT, .data = 8000, .before = transmit_without_frags},
		{"skb", TO_PEER, .data = 8000, .before = generic_without_frags},
		{"skb", TO_CLIENT, .data = 8000, .before = generic_without_frags},
		{"wrong checksum", TO_PEER, .data = 8000, .checksum = SUM_BAD, .before = jumbo},
		{"wrong checksum", TO_CLIENT, .data = 8000, .checksum = SUM_BAD, .before = jumbo},
		{"0 out", TO_CLIENT, .data = 8000, .fill = FILL_SUM_OUT_ZERO, .before = jumbo},
		{"0 out", TO_OTHER, .data = 8000, .fill = FILL_SUM_OUT_ZERO, .before = jumbo},
		{"padding", TO_PEER, .data = 8001, .excess = 3, .before = jumbo},
		{"padding of words", TO_PEER, .data = 5001, .excess = 3999, .before = jumbo},
		{"nearly all is padding", TO_PEER, .data = 10, .excess = 8002, .before = jumbo},
		{"nearly all is padding", TO_OTHER, .data = 11, .excess = 8001, .before = jumbo},
		{"padding, no checksum", TO_PEER, .data = 8001, .excess = 3, .checksum = SUM_ZERO,
		 .before = jumbo},
		{"padding, wrong", TO_PEER, .data = 8000, .excess = 8, .checksum = SUM_PARTIAL,
		 .before = jumbo},
		{"trailing bytes", TO_PEER, .data = 7001, .trailer = 7, .before = jumbo},
		{"trailing bytes", TO_CLIENT, .data = 7001, .trailer = 7, .before = jumbo},
		{"trailing buffer", TO_CLIENT, .data = 3000, .trailer = 5000, .before = jumbo},
		{"trailing buffer", TO_PEER, .data = 0, .trailer = 8500, .before = jumbo},
		{"tags", TO_PEER, .data = 8000, .before = tags},
		{"tags", TO_CLIENT, .data = 8000, .before = tags},
		{"MTU exactly", TO_PEER, .data = 8000, .before = mtu_exact},
		{"MTU exactly", TO_CLIENT, .data = 8000, .before = mtu_exact},
		{"MTU exactly", TO_OTHER, .data = 8000, .before = mtu_exact},
		{"just enough room", TO_CLIENT, .data = 8000, .before = room_exact},
		{"as long as a full sum can be", TO_CLIENT, .data = 9216, .checksum = SUM_PARTIAL, .before = largest},
		{"as long as a full sum can be", TO_PEER, .data = 9216, .checksum = SUM_PARTIAL, .before = largest},
		{"jumbo of 60000", TO_PEER, .data = 60000, .before = largest},
		{"jumbo of 60000", TO_CLIENT, .data = 60000, .before = largest},
		{"jumbo of 60000", TO_OTHER, .data = 60000, .before = largest},
	};

	(void)state;
	need_small_pages();
	harness_table(ROWS(rows));
}

static void test_left_to_coturn(void **state)
{
	static const struct row rows[] = {
		FAULT("device takes one buffer", FRAGS, .data = 8000, .before = other_without_frags),
		FAULT("device takes one buffer, back", FRAGS, .data = 8000, .before = back_without_frags),
		FAULT("device takes one buffer, a little more", FRAGS, .data = 4096,
		      .before = other_without_frags),
		FAULT("no redirects taken", NO_REDIRECT, .data = 8000, .before = no_redirect),
		FAULT("MTU less 1", TOO_BIG, .data = 8000, .before = mtu_short),
		FAULT("relay thread silent", SERVER_SILENT, .data = 8000, .before = one_row_silent),
		FAULT("byte missing", TRUNCATED, .data = 8000, .cut = 1, .before = jumbo),
		FAULT("last buffers missing", TRUNCATED, .data = 8000, .cut = 5000, .before = jumbo),
		FAULT("byte after the datagram", TRUNCATED, .data = 8000, .slack = 1, .before = jumbo),
		FAULT("partial checksum of an skb", CHECKSUM, .data = 8000, .checksum = SUM_PARTIAL,
		      .before = generic),
		FAULT("a byte too long for a full sum", CHECKSUM, .data = 9217, .checksum = SUM_PARTIAL,
		      .before = largest),
		FAULT("too long for a full sum", CHECKSUM, .data = 10000, .checksum = SUM_PARTIAL,
		      .before = largest),
		/* Longer than IPv4 can say: the length that stands there is 0. */
		{"IP length wraps", VERDICT_TRUNCATED, .in = 4, .out = 4, .data = 65504, .before = largest},
		{"IP length wraps", VERDICT_TRUNCATED, .in = 4, .out = 4, .data = 65507, .before = largest},
		{"no room", VERDICT_NO_ROOM, WAY_CLIENT, .in = 4, .data = FULL - 14 - 20 - 8, .before = room_short},
		{"no room", VERDICT_NO_ROOM, .in = 4, .out = 6, .data = FULL - 14 - 20 - 8 - 4 - 3, .excess = 3,
		 .before = room_short},
		{"too much padding for a sum", VERDICT_CHECKSUM, .data = 100, .excess = 20000,
		 .before = jumbo},
		{"padding too far behind for a sum", VERDICT_CHECKSUM, .data = 20001, .excess = 3,
		 .before = largest},
	};

	(void)state;
	need_small_pages();
	harness_table(ROWS(rows));
}

/*
 * The end of the first buffer anywhere: in the tags, in the headers, in the
 * ChannelData header, in the data. What is read is read in the first one; then
 * coturn gets what does not stand there.
 */
static int linear;

static void divided_tags(struct world *world)
{
	world_tag_in(world, 0x8100, 0);
	world_tag_in(world, 0x8100, 7);
	world_vlan(world, 7, 0);
}

static bool divided_row(enum way way, int in, int data, int checksum, bool tagged)
{
	int headers = 14 + (tagged ? 8 : 0) + (in == 6 ? 40 : 20) + 8;
	bool read = linear >= headers + (way == WAY_CLIENT ? 0 : 4);
	struct row row = {"divided", relayed[way], way, .in = in, .middle = way == WAY_OTHER ? 4 : 0,
			  .data = data, .checksum = checksum, .linear = linear,
			  .before = tagged ? divided_tags : NULL};

	if (!read && linear < headers)
		row.verdict = VERDICT_TRUNCATED;
	else if (!read)
		row.verdict = VERDICT_NO_FLOW;
	return harness_row(&row);
}

static void test_divided_anywhere(void **state)
{
	int failed = 0;

	(void)state;
	harness_need_linear();
	for (linear = 14; linear < 200; linear++) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			failed += !divided_row(way, 4, 150, SUM_GOOD, linear % 2);
			failed += !divided_row(way, 4, 150, SUM_ZERO, linear % 3 == 0);
			failed += !divided_row(way, 6, 133, SUM_GOOD, linear % 2);
			failed += !divided_row(way, 6, 133, SUM_PARTIAL, linear % 3 == 0);
		}
	}
	assert_int_equal(failed, 0);
}

/* A sum that does not begin or end where a buffer does. */
static void test_divided_sums(void **state)
{
	int failed = 0;

	(void)state;
	harness_need_linear();
	for (int data = 1; data < 300; data += 2) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			for (int in = 4; in <= 6; in += 2) {
				linear = 66 + (data * 7) % (data + 8);
				failed += !divided_row(way, in, data, SUM_PARTIAL, false);
				linear++;
				failed += !divided_row(way, in, data + 1, SUM_PARTIAL, false);
			}
		}
	}
	assert_int_equal(failed, 0);
}

/* What is cut off may reach back into the first buffer. */
static void test_divided_padding(void **state)
{
	int failed = 0;

	(void)state;
	harness_need_linear();
	for (linear = 70; linear < 190; linear++) {
		struct row row = {"divided padding", TO_PEER, .in = linear % 2 ? 6 : 4, .data = 40,
				  .excess = 60, .trailer = 3, .linear = linear};

		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest one[] = {
		cmocka_unit_test(test_not_for_several),
	};
	const struct CMUnitTest several[] = {
		cmocka_unit_test(test_jumbo_lengths),
		cmocka_unit_test(test_several_buffers),
		cmocka_unit_test(test_left_to_coturn),
		cmocka_unit_test(test_divided_anywhere),
		cmocka_unit_test(test_divided_sums),
		cmocka_unit_test(test_divided_padding),
	};

	return cmocka_run_group_tests_name("packet: one buffer", one, harness_open, harness_close) +
	       cmocka_run_group_tests_name("packet: several buffers", several, harness_open_frags,
					   harness_close);
}
