/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP checksums: right, missing, partial and wrong ones on the way in, judged
 * by a full sum on the way out. 0 on the way in leaves as a right one, because
 * coturn's socket would send one; 0 on the way out is sent as 0xffff (RFC 768).
 */
#include <stdio.h>

#include "harness.h"

#define MTU_DATA 1472

static struct row row_of(const char *name, bool to_client, int data)
{
	return (struct row){
		.name = name,
		.verdict = to_client ? VERDICT_TO_CLIENT : VERDICT_TO_PEER,
		.to_client = to_client,
		.data = data,
	};
}

/* All small lengths, and then a stride that meets odd ones and block ends. */
static int sweep(const char *name, enum checksum checksum, enum fill fill, int from)
{
	int failed = 0;

	for (int data = from; data <= MTU_DATA - 4; data += data < 300 ? 1 : 7) {
		for (int to_client = 0; to_client < 2; to_client++) {
			struct row row = row_of(name, to_client, data);

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
	for (int i = 0; i < 4000; i++) {
		struct row row = row_of("random", i % 2, (i * 7919) % (MTU_DATA - 3));

		row.seed = i;
		row.tos = i * 31;
		row.ttl = 2 + i % 254;
		row.trailer = i % 3 ? 0 : i % 17;
		row.checksum = i / 2 % 4;
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
			struct row row = row_of("excess", false, data);

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
static void test_wrong_with_excess_is_not_made_right(void **state)
{
	static struct frame in, out;
	static struct outcome outcome;
	static struct world world;
	int failed = 0;

	(void)state;
	harness_need();
	harness_world(&world);
	for (int data = 0; data < 70; data++) {
		for (int excess = 1; excess < 9; excess++) {
			struct row row = row_of("wrong, excess", false, data);

			if (!excess_allowed(data, excess))
				continue;
			row.excess = excess;
			row.checksum = SUM_BAD;
			model_packets(&row, &world.flow[0].flow, world.hop[0].slot[0].eth, &in,
				      &out);
			harness_send(&world, &in, &outcome);
			failed += outcome.verdict < 0;
			failed += outcome.verdict <= (int)VERDICT_TO_CLIENT &&
				  model_udp_sum(&outcome.frame) == 0xffff;
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero),
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

	return cmocka_run_group_tests_name("packet: checksums", tests, harness_open, harness_close);
}
