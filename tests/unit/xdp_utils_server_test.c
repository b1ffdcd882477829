/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of several servers is meant. */
#include "unit.h"

#include "xdp_utils.h"
#include "xdp_utils/server.h"

#define SEEN(number, id) { .pid = (number), .program = (id), .seen = true }
#define NOT_SEEN(number, id) { .pid = (number), .program = (id) }

static void test_choose(void **state)
{
	static const struct {
		const char *name;
		struct server_list list;
		uint32_t pid;
		unsigned int count;
		uint32_t program; /* of the first that is meant */
	} cases[] = {
		{ "no server", { 0 }, 0, 0, 0 },
		{ "no server with this ID", { 1, { SEEN(42, 7) } }, 1, 0, 0 },
		{ "the only one", { 1, { SEEN(42, 7) } }, 0, 1, 7 },
		{ "the only one, with its ID", { 1, { SEEN(42, 7) } }, 42, 1, 7 },
		{ "the only one, which is not seen", { 1, { NOT_SEEN(1, 7) } }, 0, 1, 7 },
		{ "one that is not seen, with its ID", { 1, { NOT_SEEN(1, 7) } }, 1, 0, 0 },
		{ "the only one that is seen", { 3, { NOT_SEEN(1, 7), SEEN(1, 8), NOT_SEEN(1, 9) } }, 0, 1, 8 },
		{ "the same, with its ID", { 3, { NOT_SEEN(1, 7), SEEN(1, 8), NOT_SEEN(1, 9) } }, 1, 1, 8 },
		{ "two that are seen", { 3, { NOT_SEEN(1, 7), SEEN(42, 8), SEEN(43, 9) } }, 0, 2, 8 },
		{ "the second of them, with its ID", { 3, { NOT_SEEN(1, 7), SEEN(42, 8), SEEN(43, 9) } }, 43, 1, 9 },
		{ "two that are not seen", { 2, { NOT_SEEN(1, 7), NOT_SEEN(1, 8) } }, 0, 2, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct server *first = NULL;

		assert_number(cases[i].name, server_choose(&cases[i].list, cases[i].pid, &first), cases[i].count);
		assert_number(cases[i].name, first ? first->program : 0, cases[i].program);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
