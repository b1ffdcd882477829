/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coturn's metric of the datagrams that clients have sent, whose hook is not in the
 * build of coturn 4.6: what the kernel took is added once, by the thread that knows.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

/* The file under test; coturn's headers are those in standin/. */
#include "coturn/prometheus.c"

static struct prom_udp_counter_deltas flushed;
static unsigned int flushes;

void __real_prom_flush_udp_counters(const struct prom_udp_counter_deltas *deltas)
{
	flushed = *deltas;
	flushes++;
}

static void check_flush(const struct prom_udp_counter_deltas *deltas, uint64_t processed, uint64_t another)
{
	flushes = 0;
	__wrap_prom_flush_udp_counters(deltas);
	assert_int_equal(flushes, 1);
	assert_int_equal(flushed.packets_processed, processed);
	assert_int_equal(flushed.another, another);
}

static void test_added_once(void **state)
{
	struct prom_udp_counter_deltas own = { .packets_processed = 5, .another = 7 };

	(void)state;
	release_count_processed(100);
	release_count_processed(20);
	check_flush(&own, 125, 7);
	assert_int_equal(own.packets_processed, 5);
	check_flush(&own, 5, 7);
	release_count_processed(0);
	check_flush(&own, 5, 7);
	release_count_processed(UINT64_C(1) << 40);
	check_flush(&own, (UINT64_C(1) << 40) + 5, 7);
}

/* There is something to add although coturn has handled nothing itself. */
static void test_nothing_of_its_own(void **state)
{
	(void)state;
	release_count_processed(3);
	check_flush(NULL, 3, 0);
	check_flush(NULL, 0, 0);
}

static void *flush(void *deltas)
{
	__wrap_prom_flush_udp_counters(deltas);
	return NULL;
}

static void test_of_a_thread(void **state)
{
	struct prom_udp_counter_deltas own = { .packets_processed = 1 };
	pthread_t thread;

	(void)state;
	release_count_processed(10);
	assert_int_equal(pthread_create(&thread, NULL, flush, &own), 0);
	pthread_join(thread, NULL);
	assert_int_equal(flushed.packets_processed, 1);
	check_flush(&own, 11, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_added_once),
		cmocka_unit_test(test_nothing_of_its_own),
		cmocka_unit_test(test_of_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
