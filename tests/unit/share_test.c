/* SPDX-License-Identifier: BSD-3-Clause */
/* How many of the kernel's channels one session may have. */
#include "unit.h"

#include <errno.h>

#include "coturn/share.c"

static uint32_t given_back;

int offload_session_take(const struct session_entry *session, uint32_t *number)
{
	if (!session->id)
		return -ENOSPC;
	*number = (uint32_t)session->id;
	return 0;
}

void offload_session_give(uint32_t number)
{
	given_back = number;
}

/* Takes up to `most` places, and returns how many were given. */
static unsigned int take(struct share **share, unsigned int most)
{
	unsigned int count = 0;

	while (count < most && !share_take(share))
		count++;
	return count;
}

static void give(struct share *share, unsigned int count)
{
	while (count--)
		share_give(share);
}

/* One session alone gets half of the tables, the next half of what is left, and so on; each may have a few. */
static void test_shares(void **state)
{
	static const unsigned int wanted[] = { 500, 250, 125 };
	struct share *share[3] = { NULL }, *small = NULL;

	(void)state;
	share_start(1000);
	for (size_t i = 0; i < COUNT(wanted); i++)
		assert_int_equal(take(&share[i], 1000), wanted[i]);
	assert_int_equal(share_take(&share[0]), -EDQUOT);
	/* What the first gives back is room for the others, up to their shares, and for itself. */
	give(share[0], 400);
	assert_int_equal(take(&share[1], 1000), 138);
	assert_int_equal(take(&share[0], 1000), 144);
	assert_int_equal(take(&small, SHARE_ALWAYS), SHARE_ALWAYS);
	give(share[0], 244);
	give(share[1], 388);
	give(share[2], 125);
	give(small, SHARE_ALWAYS);
	assert_int_equal(taken, 0);
}

/* In small tables a session may have all; whether there is room is not decided here. */
static void test_small_table(void **state)
{
	struct share *share = NULL;

	(void)state;
	share_start(2);
	assert_int_equal(take(&share, 100), SHARE_ALWAYS);
	give(share, SHARE_ALWAYS);
	share_give(NULL);
	assert_int_equal(taken, 0);
}

/* The session keeps its number until the last of its channels is given back. */
static void test_number(void **state)
{
	const struct session_entry none = { .id = 0 }, session = { .id = 7 };
	struct share *share = NULL;

	(void)state;
	share_start(10);
	given_back = 99;
	assert_int_equal(take(&share, 2), 2);
	assert_int_equal(share_name(share, &session), 0);
	assert_int_equal(share_session(share), 7);
	give(share, 1);
	assert_int_equal(given_back, 99);
	give(share, 1);
	assert_int_equal(given_back, 7);

	/* If there is none, none is given back. */
	share = NULL;
	assert_int_equal(take(&share, 1), 1);
	assert_int_equal(share_name(share, &none), -ENOSPC);
	give(share, 1);
	assert_int_equal(given_back, 0);
	assert_int_equal(taken, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_small_table),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
