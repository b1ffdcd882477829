/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP checksums: right, missing, partial and wrong ones on the way in, judged
 * by a full sum on the way out. 0 on the way in leaves as a right one, because
 * coturn's socket would send one; 0 on the way out is sent as 0xffff (RFC 768).
 */
#include <stdio.h>

#include "harness.h"

/* What fits into 1500 bytes on all paths. */
#define MTU_DATA 1448

static const enum verdict relayed[WAYS] = {VERDICT_TO_PEER, VERDICT_TO_CLIENT, VERDICT_TO_OTHER_CLIENT};

static struct row row_of(const char *name, enum way way, int data)
{
	return (struct row){.name = name, .verdict = relayed[way], .way = way, .data = data};
}

/* All small lengths, and then a stride that meets odd ones and block ends. */
static int sweep(const char *name, enum checksum checksum, enum fill fill, int from)
{
	int failed = 0;

	for (int data = from; data <= MTU_DATA; data += data < 300 ? 1 : 7) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			struct row row = row_of(name, way, data);

			row.checksum = checksum;
			row.fill = fill;
			failed += !harness_row(&row);
		}
	}
	return failed;
}

static void test_zero(void **state)
{
	(void)state;
	harness_need();
	assert_int_equal(sweep("no checksum", SUM_ZERO, FILL_RANDOM, 0), 0);
}

/* IPv6's receivers drop what has none (RFC 8200, section 8.1), whatever it is. */
static void test_zero_of_ipv6(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data <= MTU_DATA; data += data < 70 ? 1 : 70) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			struct row row = {"no checksum", VERDICT_CHECKSUM, way, .in = 6, .data = data,
					  .checksum = SUM_ZERO};

			failed += !harness_row(&row);
		}
	}
	assert_int_equal(failed, 0);
}

static void test_partial(void **state)
{
	(void)state;
	harness_need();
	assert_int_equal(sweep("partial checksum", SUM_PARTIAL, FILL_RANDOM, 0), 0);
}

/* By difference, the error of a wrong checksum reaches the receiver as it is. */
static void test_wrong(void **state)
{
	(void)state;
	harness_need();
	assert_int_equal(sweep("wrong checksum", SUM_BAD, FILL_RANDOM, 0), 0);
}

static void test_uniform_data(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int checksum = SUM_GOOD; checksum <= SUM_BAD; checksum++) {
		failed += sweep("zeros", checksum, FILL_ZEROS, 0);
		failed += sweep("ones", checksum, FILL_ONES, 0);
	}
	assert_int_equal(failed, 0);
}

static void test_result_of_zero_is_sent_as_ones(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int checksum = SUM_GOOD; checksum <= SUM_PARTIAL; checksum++)
		failed += sweep("0 out", checksum, FILL_SUM_OUT_ZERO, 2);
	assert_int_equal(failed, 0);
}

static void test_ones_received(void **state)
{
	(void)state;
	harness_need();
	assert_int_equal(sweep("0xffff in", SUM_GOOD, FILL_SUM_IN_ZERO, 2), 0);
}

static void test_right_that_looks_partial(void **state)
{
	(void)state;
	harness_need();
	assert_int_equal(sweep("like a partial one", SUM_GOOD, FILL_LIKE_PARTIAL, 2), 0);
}

static void test_random(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int i = 0; i < 3000; i++) {
		struct row row = row_of("random", i % WAYS, (i * 7919) % MTU_DATA);

		row.seed = i;
		row.tos = i * 31;
		row.ttl = 3 + i % 253;
		row.trailer = i % 4 ? 0 : i % 17;
		row.checksum = i / WAYS % 4;
		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

/* Bytes after the data that coturn takes: see test_channel_data_lengths. */
static bool excess_allowed(int data, int excess)
{
	if ((data + excess) % 4 == 0)
		return true;
	return data > 0 && excess <= 3;
}

/* What is cut off is not in the sum that leaves, whatever its alignment. */
static void test_excess(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data < 140; data++) {
		for (int excess = 1; excess < 70; excess++) {
			struct row row = row_of("excess", excess / 4 % 2 ? WAY_OTHER : WAY_PEER, data);

			if (!excess_allowed(data, excess))
				continue;
			row.excess = excess;
			row.trailer = data % 3;
			for (row.checksum = SUM_GOOD; row.checksum < SUM_BAD; row.checksum++)
				failed += !harness_row(&row);
		}
	}
	assert_int_equal(failed, 0);
}

/* Else a datagram that was damaged on its way would be made to look whole. */
static int wrong_made_right(const struct row *row, const struct path *path)
{
	static struct frame in;
	static struct outcome outcome;
	static struct world world;

	world_default(&world, path);
	row_packet(row, &world, &in);
	harness_send(&world, &in, &outcome);
	if (outcome.verdict < 0 || !verdict_relays(outcome.verdict))
		return outcome.verdict < 0;
	return frame_read(&outcome.frame) || frame_udp_sum(&outcome.frame) == 0xffff;
}

static void test_wrong_with_excess_is_not_made_right(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data < 70; data++) {
		for (int excess = 1; excess < 9; excess++) {
			struct row row = row_of("wrong, excess", data % 2 ? WAY_PEER : WAY_OTHER, data);
			struct path path = {0};

			if (!excess_allowed(data, excess))
				continue;
			row.excess = excess;
			row.checksum = SUM_BAD;
			while (harness_path_next(&row, &path))
				failed += wrong_made_right(&row, &path);
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_zero_of_ipv6),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_uniform_data),
		cmocka_unit_test(test_result_of_zero_is_sent_as_ones),
		cmocka_unit_test(test_ones_received),
		cmocka_unit_test(test_right_that_looks_partial),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_excess),
		cmocka_unit_test(test_wrong_with_excess_is_not_made_right),
	};

	return harness_run("packet: checksums", tests, sizeof(tests) / sizeof(tests[0]));
}
