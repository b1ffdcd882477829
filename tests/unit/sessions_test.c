/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of the table of limits, and the pool of free indices below them. This file defines maps_limit() itself, so
 * that the linker leaves out the library's, which needs the kernel's table.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "table/index_pool.h"
#include "table/limits.h"
#include "table/maps.h"

#define SLOTS 5

static struct limit memory[SLOTS];

struct limit *maps_limit(uint32_t index)
{
	assert_true(index < SLOTS);
	return &memory[index];
}

static int close_limits(void **state)
{
	(void)state;
	limits_close();
	return 0;
}

static uint32_t take(void)
{
	struct limit *limit = NULL;
	uint32_t slot = UINT32_MAX;

	assert_int_equal(limits_take(&slot, &limit), 0);
	assert_ptr_equal(limit, &memory[slot]);
	return slot;
}

/* All slots are given out, each once, and then there is none: the outputs stay as they are. */
static void test_take_all(void **state)
{
	bool taken[SLOTS] = { false };
	struct limit *limit = &memory[3];
	uint32_t slot = 77;

	(void)state;
	for (int opened = 0; opened < 2; opened++) {
		assert_int_equal(limits_open(SLOTS), 0);
		for (int i = 0; i < SLOTS; i++) {
			uint32_t got = take();

			assert_false(taken[got]);
			taken[got] = true;
		}
		assert_int_equal(limits_take(&slot, &limit), -ENOSPC);
		assert_int_equal(slot, 77);
		assert_ptr_equal(limit, &memory[3]);
		limits_close();
		for (int i = 0; i < SLOTS; i++)
			taken[i] = false;
	}
	/* There is none either when the table is not open. */
	assert_int_equal(limits_take(&slot, &limit), -ENOSPC);
}

/* The slot that has been free for longest is given out first, also where the ring wraps around. */
static void test_order(void **state)
{
	uint32_t held[SLOTS - 2];

	(void)state;
	assert_int_equal(limits_open(SLOTS), 0);
	for (int i = 0; i < SLOTS - 2; i++) {
		held[i] = take();
		assert_int_equal(held[i], i);
	}
	for (uint32_t round = 0; round < 4 * SLOTS; round++) {
		int oldest = (int)(round % (SLOTS - 2));

		/* Two slots are free, so a slot that comes back is the third to be taken. */
		uint32_t back = held[oldest], first, second;

		limits_give(back);
		first = take();
		second = take();
		assert_int_not_equal(first, back);
		assert_int_not_equal(second, back);
		assert_int_equal(take(), back);
		limits_give(first);
		limits_give(second);
	}
}

/* ---- threads ---- */

enum { THREADS = 4, TIMES = 20000 };

static struct index_pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER };
static unsigned int users[THREADS];

static void *take_and_give(void *unused)
{
	uintptr_t failures = 0;
	uint32_t index;

	(void)unused;
	for (int i = 0; i < TIMES; i++) {
		if (index_pool_take(&pool, &index)) {
			failures++;
			continue;
		}
		failures += __atomic_fetch_add(&users[index], 1, __ATOMIC_RELAXED) != 0;
		__atomic_fetch_sub(&users[index], 1, __ATOMIC_RELAXED);
		index_pool_give(&pool, index);
	}
	return (void *)failures;
}

/* As many threads as indices always find a free index, which no other thread has. */
static void test_threads(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	assert_int_equal(index_pool_open(&pool, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_give, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failures;

		assert_int_equal(pthread_join(thread[i], &failures), 0);
		assert_null(failures);
	}
	assert_int_equal(pool.free, THREADS);
	index_pool_close(&pool);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_take_all, close_limits),
		cmocka_unit_test_teardown(test_order, close_limits),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
