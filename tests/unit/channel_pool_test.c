/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the channels of a relay thread stand, while others come and go. */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The file under test gets no memory where a test says so. */
static bool no_memory;

static void *take_memory(size_t alignment, size_t size)
{
	return no_memory ? NULL : aligned_alloc(alignment, size);
}
#define aligned_alloc take_memory
#include "coturn/channel_pool.c"
#undef aligned_alloc

#define MANY (3 * CHANNEL_POOL_BLOCK)

static int tear_down(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < pool.blocks; i++)
		free(pool.block[i]);
	free(pool.block);
	memset(&pool, 0, sizeof(pool));
	no_memory = false;
	return 0;
}

/* How many channels a walk through the blocks finds, and the sum of their idle_seconds. */
static unsigned int walk(unsigned int *sum)
{
	unsigned int found = 0;

	*sum = 0;
	for (uint32_t i = 0; i < channel_pool_blocks(); i++) {
		for (unsigned int j = 0; j < CHANNEL_POOL_BLOCK; j++) {
			const struct hooked_channel *hooked = &channel_pool_block(i)[j];

			found += hooked->taken;
			*sum += hooked->idle_seconds;
		}
	}
	return found;
}

static void test_come_and_go(void **state)
{
	struct hooked_channel *have[MANY] = { NULL };
	unsigned int count = 0, wanted = 0, sum;
	uint64_t seed = 0x9d2c5680a3b1f7e5;

	(void)state;
	for (unsigned int turn = 1; turn < 20000; turn++) {
		unsigned int i = (unsigned int)(unit_random(&seed) % MANY);

		if (have[i]) {
			wanted -= have[i]->idle_seconds;
			channel_pool_give(have[i]);
			have[i] = NULL;
			count--;
		} else {
			struct hooked_channel empty = { .taken = true };

			have[i] = channel_pool_take();
			assert_non_null(have[i]);
			assert_memory_equal(have[i], &empty, sizeof(empty));
			have[i]->idle_seconds = turn;
			wanted += turn;
			count++;
		}
		assert_int_equal(walk(&sum), count);
		assert_int_equal(sum, wanted);
	}
	/* Places are used again. */
	assert_true(channel_pool_blocks() <= MANY / CHANNEL_POOL_BLOCK);
}

static void test_no_memory(void **state)
{
	struct hooked_channel *first;
	unsigned int sum;

	(void)state;
	no_memory = true;
	assert_null(channel_pool_take());
	assert_int_equal(channel_pool_blocks(), 0);
	no_memory = false;
	first = channel_pool_take();
	assert_non_null(first);
	for (unsigned int i = 1; i < CHANNEL_POOL_BLOCK; i++)
		assert_non_null(channel_pool_take());
	no_memory = true;
	assert_null(channel_pool_take());
	assert_int_equal(walk(&sum), CHANNEL_POOL_BLOCK);
	channel_pool_give(first);
	assert_ptr_equal(channel_pool_take(), first);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_come_and_go, tear_down),
		cmocka_unit_test_teardown(test_no_memory, tear_down),
	};

	return cmocka_run_group_tests_name("channel_pool", tests, NULL, NULL);
}
