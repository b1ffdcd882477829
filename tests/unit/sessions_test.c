/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The numbers of sessions, and the pool of free indices below them. This file defines maps_limit() and
 * maps_session_put() itself, so that the linker leaves out the library's, which need the kernel's tables.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "table/index_pool.h"
#include "table/maps.h"
#include "table/sessions.h"

#define NUMBERS 5

static struct limit memory[NUMBERS];

struct limit *maps_limit(uint32_t index)
{
	assert_true(index < NUMBERS);
	return &memory[index];
}

/* By number: the session that inspectors are told of, or 0. */
static uint64_t told[NUMBERS + 1];

void maps_session_put(uint32_t number, const struct session_entry *session)
{
	assert_in_range(number, 1, NUMBERS);
	assert_true(!session != !told[number]);
	told[number] = session ? session->id : 0;
}

static int close_sessions(void **state)
{
	(void)state;
	sessions_close();
	memset(told, 0, sizeof(told));
	return 0;
}

static uint32_t take(void)
{
	static struct session_entry session;
	uint32_t number = UINT32_MAX;

	session.id++;
	assert_int_equal(sessions_take(&session, &number), 0);
	assert_int_equal(told[number], session.id);
	assert_ptr_equal(sessions_limit(number), &memory[number - 1]);
	return number;
}

static void check_none(void)
{
	const struct session_entry session = { .id = 1 };
	uint32_t number = 77;

	assert_int_equal(sessions_take(&session, &number), -ENOSPC);
	assert_int_equal(number, 77);
}

/* All numbers are given out, each once and none of them 0, and then there is none: the output stays as it is. */
static void test_take_all(void **state)
{
	(void)state;
	for (int opened = 0; opened < 2; opened++) {
		bool taken[NUMBERS + 1] = { true };

		assert_int_equal(sessions_open(NUMBERS), 0);
		for (int i = 0; i < NUMBERS; i++) {
			uint32_t got = take();

			assert_false(taken[got]);
			taken[got] = true;
		}
		check_none();
		close_sessions(state);
	}
	/* There is none either when they are not open. */
	check_none();
}

/* The number that has been free for longest is given out first, also where the ring wraps around. */
static void test_order(void **state)
{
	uint32_t held[NUMBERS - 2];

	(void)state;
	assert_int_equal(sessions_open(NUMBERS), 0);
	for (uint32_t i = 0; i < NUMBERS - 2; i++) {
		held[i] = take();
		assert_int_equal(held[i], i + 1);
	}
	for (uint32_t round = 0; round < 4 * NUMBERS; round++) {
		int oldest = (int)(round % (NUMBERS - 2));

		/* Two numbers are free, so one that comes back is the third to be taken. */
		uint32_t back = held[oldest], first, second;

		sessions_give(0);
		sessions_give(back);
		assert_int_equal(told[back], 0);
		first = take();
		second = take();
		assert_int_not_equal(first, back);
		assert_int_not_equal(second, back);
		assert_int_equal(take(), back);
		sessions_give(first);
		sessions_give(second);
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
		cmocka_unit_test_teardown(test_take_all, close_sessions),
		cmocka_unit_test_teardown(test_order, close_sessions),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
