/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that are cut, damaged, or whose lengths lie: swept, and at random. */
#include "harness.h"

static const enum verdict relayed[WAYS] = {VERDICT_TO_PEER, VERDICT_TO_CLIENT, VERDICT_TO_OTHER_CLIENT};

/* The end of the frame missing, from one byte to all but the Ethernet header. */
static void test_cut_frames(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int in = 4; in <= 6; in += 2) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			struct row row = {"cut", VERDICT_TRUNCATED, way, .in = in, .data = 50};
			int whole = (in == 6 ? 40 : 20) + 8 + row.data + (way == WAY_CLIENT ? 0 : 4);

			for (row.cut = 1; row.cut <= whole; row.cut++)
				failed += !harness_row(&row);
		}
	}
	assert_int_equal(failed, 0);
}

/*
 * As coturn reads ChannelData over UDP: bytes after the data are ignored in a
 * datagram of whole words; else they are padding, at most 3 of them, and data
 * there must be.
 */
static bool length_allowed(int datagram, int data)
{
	if (datagram < 4 + data)
		return false;
	if (datagram == 4 + data || datagram % 4 == 0)
		return true;
	return data != 0 && datagram - 4 - data <= 3;
}

static void test_channel_data_lengths(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int datagram = 4; datagram < 64; datagram++) {
		for (int data = 0; data < 72; data++) {
			enum way way = data % 2 ? WAY_PEER : WAY_OTHER;
			struct row row = {"ChannelData length", relayed[way], way, .data = data};

			row.excess = datagram - 4 - data;
			if (!length_allowed(datagram, data)) {
				row.verdict = VERDICT_BAD_LENGTH;
				row.data = datagram - 4;
				row.excess = 0;
				row.patch[0] = (struct patch){AT_CHANNEL_LENGTH, 2, data};
			}
			failed += !harness_row(&row);
		}
	}
	for (int bit = 6; bit < 16; bit++) {
		struct row row = {"ChannelData length", VERDICT_BAD_LENGTH, .data = 40,
				  .patch = {{AT_CHANNEL_LENGTH, 2, 1 << bit | 40}}};

		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

/* ---- damage ---- */

static bool was_relayed(const struct outcome *outcome)
{
	return outcome->verdict >= 0 && verdict_relays(outcome->verdict);
}

static const struct path paths[] = {
	{WAY_PEER, 4, 0, 4},   {WAY_PEER, 4, 0, 6},   {WAY_PEER, 6, 0, 4},   {WAY_PEER, 6, 0, 6},
	{WAY_CLIENT, 4, 0, 4}, {WAY_CLIENT, 4, 0, 6}, {WAY_CLIENT, 6, 0, 4}, {WAY_CLIENT, 6, 0, 6},
	{WAY_OTHER, 4, 4, 4},  {WAY_OTHER, 6, 6, 6},  {WAY_OTHER, 4, 6, 4},  {WAY_OTHER, 6, 4, 6},
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static struct frame in;
static struct expectation want;
static struct outcome outcome;
static struct world world;

static void packet_build(const struct row *row, const struct path *path)
{

	world_default(&world, path);
	row_packet(row, &world, &in);
}

/* One bit wrong in the IPv4 header, whose checksum sees it. */
static void test_damaged_ipv4_header(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t p = 0; p < PATHS; p++) {
		struct row row = {"one bit", .way = paths[p].way, .data = 33};

		if (paths[p].in != 4)
			continue;
		packet_build(&row, &paths[p]);
		for (int bit = 0; bit < 160; bit++) {
			uint8_t *byte = &in.byte[in.start[LAYER_IP] + bit / 8];

			*byte ^= 1 << bit % 8;
			failed += harness_judge(&world, &in, &want, &outcome) || was_relayed(&outcome);
			*byte ^= 1 << bit % 8;
		}
	}
	assert_int_equal(failed, 0);
}

/* Of all IPv4 header checksums one is right. */
static void test_every_ipv4_checksum(void **state)
{
	static const struct path path = {WAY_PEER, 4, 0, 4};
	const struct row row = {"header checksum", .data = 20};
	int sent = 0;

	(void)state;
	harness_need();
	packet_build(&row, &path);
	for (int sum = 0; sum < 0x10000; sum++) {
		frame_put(&in, AT_IP4_SUM, 2, sum);
		harness_send(&world, &in, &outcome);
		sent += was_relayed(&outcome);
	}
	assert_int_equal(sent, 1);
}

/* In the IPv6 header, only these may be wrong: traffic class, label, hop limit. */
static void test_damaged_ipv6_header(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t p = 0; p < PATHS; p++) {
		/* Any bit of this hop limit leaves enough of it. */
		struct row row = {"one bit", .way = paths[p].way, .data = 33, .ttl = 0xc3};

		if (paths[p].in != 6)
			continue;
		packet_build(&row, &paths[p]);
		for (int bit = 0; bit < 320; bit++) {
			uint8_t *byte = &in.byte[in.start[LAYER_IP] + bit / 8];
			bool may = (bit >= 8 && bit < 32) || bit < 4 || bit / 8 == 7;

			*byte ^= 1 << bit % 8;
			failed += harness_judge(&world, &in, &want, &outcome) || was_relayed(&outcome) != may;
			*byte ^= 1 << bit % 8;
		}
	}
	assert_int_equal(failed, 0);
}

static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state >> 8;
}

/* A place in the headers; not the ChannelData length, which says where the data ends. */
static uint16_t random_place(uint32_t *seed, int family)
{
	static const uint16_t layer[] = {AT_ETH, AT_IP, AT_UDP, AT_PAYLOAD};
	const int length[] = {14, family == 6 ? 40 : 20, 8, 2};
	int i = random_next(seed) % 4;

	return layer[i] + random_next(seed) % length[i];
}

/* Up to four bytes overwritten anywhere in the headers, IPv4 checksum made right. */
static void test_random_damage(void **state)
{
	uint32_t seed = 20;
	int failed = 0, sent = 0;

	(void)state;
	harness_need();
	for (int i = 0; i < 40000; i++) {
		const struct path *path = &paths[i / 50 % PATHS];
		struct row row = {"damage", .way = path->way, .data = i % 67};
		const char *complaint;

		row.trailer = random_next(&seed) % 8;
		for (int p = 0; p < ROW_PATCHES; p++)
			row.patch[p] = (struct patch){random_place(&seed, path->in), random_next(&seed) % 3,
						      random_next(&seed) & random_next(&seed)};
		row.checksum = random_next(&seed) % 2 ? SUM_GOOD : SUM_BAD;
		packet_build(&row, path);
		complaint = harness_judge(&world, &in, &want, &outcome);
		if (complaint)
			print_message("# packet %d: %s, %s\n", i, verdict_text(outcome.verdict), complaint);
		failed += complaint != NULL;
		sent += was_relayed(&outcome);
	}
	assert_int_equal(failed, 0);
	/* Both of its ways have to be tried. */
	assert_true(sent >= 4000 && sent <= 36000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_frames),
		cmocka_unit_test(test_channel_data_lengths),
		cmocka_unit_test(test_damaged_ipv4_header),
		cmocka_unit_test(test_every_ipv4_checksum),
		cmocka_unit_test(test_damaged_ipv6_header),
		cmocka_unit_test(test_random_damage),
	};

	return harness_run("packet: malformed", tests, sizeof(tests) / sizeof(tests[0]));
}
