/* SPDX-License-Identifier: BSD-3-Clause */
/* The meters of max-bps, from which coturn and the XDP program both take. */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "table/meter.h"

#define BPS 10000
#define METER LIMIT_CLIENT_READ

static struct limit shared;
static struct meters meters;
static uint64_t counter; /* coturn's counter of the socket, in bytes */

static void open_limiter(uint64_t bps)
{
	memset(&shared, 0xee, sizeof(shared));
	meter_open(&meters, &shared, bps);
	counter = 0;
}

/* What coturn does for a packet: its own check (ioa_socket_check_bandwidth), and then our hook. */
static bool coturn_sends(uint64_t bytes)
{
	if (counter + bytes > BPS)
		return false;
	counter = meter_share(&meters, METER, counter + bytes);
	return true;
}

/* What the XDP program does for a packet (bpf/limit.h). */
static bool kernel_sends(int64_t bytes)
{
	if (shared.left[METER] < bytes)
		return false;
	shared.left[METER] -= (int32_t)bytes;
	return true;
}

static void second(void)
{
	counter = meter_begin_second(&meters, METER, counter);
}

static void test_open(void **state)
{
	static const uint64_t huge[] = { INT32_MAX, (uint64_t)INT32_MAX + 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX };
	struct limit want;

	(void)state;
	open_limiter(BPS);
	memset(&want, 0, sizeof(want));
	want.bps = BPS;
	for (int i = 0; i < LIMIT_METERS; i++)
		want.left[i] = BPS;
	assert_memory_equal(&shared, &want, sizeof(want));
	for (size_t i = 0; i < COUNT(huge); i++) {
		open_limiter(huge[i]);
		assert_int_equal(shared.left[METER], INT32_MAX);
		second();
		assert_int_equal(shared.left[METER], INT32_MAX);
		assert_int_equal(counter, 0);
	}
}

/* The meter is full again however much was spent of it, and the other meters stay as they are. */
static void test_lifted(void **state)
{
	(void)state;
	open_limiter(BPS);
	for (int i = 0; i < 3; i++) {
		shared.left[METER] = i ? -5 : 1;
		meter_lift(&meters, METER);
		assert_true(shared.left[METER] > (INT32_MAX >> 1));
	}
	for (int i = 0; i < LIMIT_METERS; i++) {
		if (i != METER)
			assert_int_equal(shared.left[i], BPS);
	}
}

static void test_what_coturn_spends_is_not_the_kernels(void **state)
{
	(void)state;
	open_limiter(BPS);
	assert_true(coturn_sends(4000));
	assert_int_equal(shared.left[METER], 6000);
	assert_false(kernel_sends(6001));
	assert_true(kernel_sends(6000));
	/* The other meters stay as they are. */
	assert_int_equal(shared.left[LIMIT_CLIENT_WRITE], BPS);
}

static void test_what_the_kernel_spends_is_not_coturns(void **state)
{
	(void)state;
	open_limiter(BPS);
	assert_true(kernel_sends(9000));
	counter = meter_share(&meters, METER, counter);
	assert_int_equal(counter, 9000);
	assert_false(coturn_sends(1001));
	assert_true(coturn_sends(1000));
	assert_int_equal(counter, BPS);
	assert_false(kernel_sends(1));
}

static void test_sharing_twice_charges_once(void **state)
{
	(void)state;
	open_limiter(BPS);
	assert_true(coturn_sends(3000));
	for (int i = 0; i < 3; i++)
		counter = meter_share(&meters, METER, counter);
	assert_int_equal(counter, 3000);
	assert_int_equal(shared.left[METER], 7000);
}

static void test_a_second_fills_the_meter(void **state)
{
	(void)state;
	open_limiter(BPS);
	assert_true(kernel_sends(8000));
	assert_true(coturn_sends(100));
	second();
	assert_int_equal(shared.left[METER], BPS);
	assert_int_equal(counter, 0);
	/* What is not used in a second is not saved for the next. */
	second();
	assert_int_equal(shared.left[METER], BPS);
}

/* What coturn has counted since the last update is taken off the second that ends. */
static void test_last_bytes_of_a_second(void **state)
{
	(void)state;
	open_limiter(BPS);
	assert_true(kernel_sends(9000));
	counter += 1500;
	second();
	assert_int_equal(shared.left[METER], BPS - 500);
	assert_int_equal(counter, 500);
}

/* coturn may accept one packet more than the XDP program has left room for. */
static void test_too_much_is_taken_off_the_next_second(void **state)
{
	(void)state;
	open_limiter(BPS);
	assert_true(coturn_sends(1000));
	assert_true(kernel_sends(9000));
	assert_true(coturn_sends(1500));
	assert_int_equal(shared.left[METER], -1500);
	assert_int_equal(counter, BPS + 1500);
	assert_false(coturn_sends(0 + 1));
	assert_false(kernel_sends(1));
	second();
	assert_int_equal(shared.left[METER], BPS - 1500);
	assert_int_equal(counter, 1500);
	second();
	assert_int_equal(shared.left[METER], BPS);
}

static void test_a_debt_can_take_several_seconds(void **state)
{
	(void)state;
	open_limiter(BPS);
	shared.left[METER] = -25000;
	second();
	assert_int_equal(shared.left[METER], -15000);
	second();
	second();
	assert_int_equal(shared.left[METER], 5000);
	second();
	assert_int_equal(shared.left[METER], BPS);
}

/* A debt that no meter can hold does not become room to send. */
static void test_a_debt_does_not_wrap(void **state)
{
	static const uint64_t spent[] = { INT32_MAX, (uint64_t)INT32_MAX + 1, UINT32_MAX, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(spent); i++) {
		open_limiter(BPS);
		for (int times = 0; times < 4; times++) {
			counter = 0;
			meter_share(&meters, METER, 0);
			meters.counted[METER] = 0;
			counter = meter_share(&meters, METER, spent[i]);
			assert_true(shared.left[METER] < 0);
			assert_true(counter > BPS);
			assert_false(kernel_sends(1));
		}
		second();
		assert_true(shared.left[METER] < 0);
		assert_false(kernel_sends(1));
	}
}

/* A counter that is lower than before is of another socket, or was cleared: all of it counts as new. */
static void test_counter_that_began_anew(void **state)
{
	(void)state;
	open_limiter(BPS);
	assert_true(coturn_sends(5000));
	counter = meter_share(&meters, METER, 300);
	assert_int_equal(shared.left[METER], 4700);
	assert_int_equal(counter, 5300);
	counter = meter_share(&meters, METER, 0);
	assert_int_equal(counter, 5300);
}

/* Over many seconds the two sides together never send more than the limit and one packet. */
static void test_never_more_than_the_limit(void **state)
{
	uint64_t random = 0x9e3779b97f4a7c15ULL, sent = 0;

	(void)state;
	open_limiter(BPS);
	for (uint64_t seconds = 1; seconds <= 2000; seconds++) {
		for (int i = 0; i < 40; i++) {
			uint64_t bytes = unit_random(&random) % 1500;

			if (unit_random(&random) % 3 ? kernel_sends((int64_t)bytes) : coturn_sends(bytes))
				sent += bytes;
		}
		assert_true(sent <= seconds * BPS + 1500);
		second();
	}
	/* Most of what the limit allows is sent. */
	assert_true(sent > 2000ULL * BPS * 9 / 10);
}

static void test_unsent(void **state)
{
	uint64_t packets, bytes;

	(void)state;
	open_limiter(BPS);
	meter_unsent(&meters, &packets, &bytes);
	assert_int_equal(packets + bytes, 0);
	shared.unsent_packets = 5;
	shared.unsent_bytes = 700;
	meter_unsent(&meters, &packets, &bytes);
	assert_int_equal(packets, 5);
	assert_int_equal(bytes, 700);
	shared.unsent_packets = 6;
	shared.unsent_bytes = 701;
	meter_unsent(&meters, &packets, &bytes);
	assert_int_equal(packets, 1);
	assert_int_equal(bytes, 1);
	meter_unsent(&meters, &packets, &bytes);
	assert_int_equal(packets + bytes, 0);
	/* The counters begin anew at 2^32. */
	shared.unsent_packets = shared.unsent_bytes = UINT32_MAX;
	meter_unsent(&meters, &packets, &bytes);
	shared.unsent_packets = 2;
	shared.unsent_bytes = 1499;
	meter_unsent(&meters, &packets, &bytes);
	assert_int_equal(packets, 3);
	assert_int_equal(bytes, 1500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_lifted),
		cmocka_unit_test(test_what_coturn_spends_is_not_the_kernels),
		cmocka_unit_test(test_what_the_kernel_spends_is_not_coturns),
		cmocka_unit_test(test_sharing_twice_charges_once),
		cmocka_unit_test(test_a_second_fills_the_meter),
		cmocka_unit_test(test_last_bytes_of_a_second),
		cmocka_unit_test(test_too_much_is_taken_off_the_next_second),
		cmocka_unit_test(test_a_debt_can_take_several_seconds),
		cmocka_unit_test(test_a_debt_does_not_wrap),
		cmocka_unit_test(test_counter_that_began_anew),
		cmocka_unit_test(test_never_more_than_the_limit),
		cmocka_unit_test(test_unsent),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
