/* SPDX-License-Identifier: BSD-3-Clause */
/* All links at one time, from a kernel that is made up here, which may interrupt its answers. */
#include "unit.h"

#include <errno.h>

#include "netlink/links.h"

#define LINKS 100

static unsigned int asked, interruptions;
static int answer_error;

static int setup(void **state)
{
	(void)state;
	asked = interruptions = 0;
	answer_error = 0;
	return 0;
}

int link_each(void (*each)(const struct link *link, void *data), void *data)
{
	struct link link = { .ifindex = 0 };

	asked++;
	if (interruptions) {
		interruptions--;
		link.ifindex = 4000;
		each(&link, data);
		return -EINTR;
	}
	for (uint32_t i = 0; !answer_error && i < LINKS; i++) {
		link.ifindex = 10 + i;
		each(&link, data);
	}
	return answer_error;
}

static void check_whole(void)
{
	struct links links;

	assert_int_equal(links_read(&links), 0);
	assert_int_equal(links.count, LINKS);
	for (uint32_t i = 0; i < LINKS; i++)
		assert_int_equal(links_find(&links, 10 + i)->ifindex, 10 + i);
	assert_null(links_find(&links, 4000));
	assert_null(links_find(&links, 0));
	links_free(&links);
}

static void test_read(void **state)
{
	(void)state;
	check_whole();
	assert_int_equal(asked, 1);
}

/* Links of an answer that was interrupted are forgotten. */
static void test_interrupted(void **state)
{
	(void)state;
	interruptions = 3;
	check_whole();
	assert_int_equal(asked, 4);
}

static void check_error(int expected)
{
	struct links links;

	assert_int_equal(links_read(&links), expected);
	assert_int_equal(links.count, 0);
	assert_null(links.link);
}

static void test_errors(void **state)
{
	(void)state;
	answer_error = -ENOBUFS;
	check_error(-ENOBUFS);
	assert_int_equal(asked, 1);
	/* Links that change at each try. */
	answer_error = 0;
	interruptions = 1000;
	check_error(-EINTR);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_read, setup),
		cmocka_unit_test_setup(test_interrupted, setup),
		cmocka_unit_test_setup(test_errors, setup),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
