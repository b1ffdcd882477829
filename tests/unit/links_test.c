/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All links at one time, from a kernel that is made up here: sockets are numbers, and on one
 * whose last answer was interrupted the kernel refuses another (EBUSY).
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>

#include "netlink/links.h"
#include "netlink/rtnetlink.h"

#define SOCKETS 16
#define LINKS 100

static char sockets[SOCKETS + 1];
static unsigned int opened, closed, interruptions;
static int open_error, answer_error;
static bool busy;

static int setup(void **state)
{
	(void)state;
	opened = closed = interruptions = 0;
	open_error = answer_error = 0;
	busy = false;
	return 0;
}

struct mnl_socket *rtnetlink_open(void)
{
	if (open_error) {
		errno = open_error;
		return NULL;
	}
	assert_true(opened < SOCKETS);
	busy = false;
	return (struct mnl_socket *)(void *)&sockets[++opened];
}

void rtnetlink_close(struct mnl_socket *socket)
{
	closed += socket != NULL;
}

int link_each(struct mnl_socket *socket, void (*each)(const struct link *link, void *data), void *data)
{
	struct link link = { .ifindex = 0 };

	assert_ptr_equal(socket, &sockets[opened]);
	if (busy)
		return -EBUSY;
	if (interruptions) {
		interruptions--;
		busy = true;
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
	assert_int_equal(opened, closed);
}

static void test_read(void **state)
{
	(void)state;
	check_whole();
	assert_int_equal(opened, 1);
}

/* Links of an answer that was interrupted are forgotten. */
static void test_interrupted(void **state)
{
	(void)state;
	interruptions = 3;
	check_whole();
}

static void check_error(int expected)
{
	struct links links;

	assert_int_equal(links_read(&links), expected);
	assert_int_equal(links.count, 0);
	assert_null(links.link);
	assert_int_equal(opened, closed);
}

static void test_errors(void **state)
{
	(void)state;
	answer_error = -ENOBUFS;
	check_error(-ENOBUFS);
	assert_int_equal(opened, 1);
	answer_error = 0;
	open_error = EMFILE;
	check_error(-EMFILE);
	/* Links that change at each try. */
	open_error = 0;
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
