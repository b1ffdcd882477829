/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of the log: their prefix, their level, and where they are cut. */
#include "unit.h"

#include <string.h>

#include "base/log.h"

#define LONGEST 1023

static char last[4096];
static enum log_level last_level;
static int lines;

static void keep(enum log_level level, const char *line)
{
	strncpy(last, line, sizeof(last) - 1);
	last_level = level;
	lines++;
}

static void test_lines(void **state)
{
	static const enum log_level levels[] = { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

	(void)state;
	log_to(keep);
	for (size_t i = 0; i < COUNT(levels); i++) {
		lines = 0;
		log_line(levels[i], "%s: %d %%", "eth0", 7);
		assert_int_equal(lines, 1);
		assert_int_equal(last_level, levels[i]);
		assert_string_equal(last, "xdp: eth0: 7 %");
	}
}

static void test_long_lines_are_cut(void **state)
{
	static const size_t lengths[] = { 0, LONGEST - 6, LONGEST - 5, LONGEST - 4, 3000 };

	(void)state;
	log_to(keep);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		size_t whole = lengths[i] + 5, wanted = whole > LONGEST ? LONGEST : whole;
		char text[3001] = { 0 };

		print_message("# %zu characters\n", lengths[i]);
		memset(text, 'x', lengths[i]);
		memset(last, 0, sizeof(last));
		log_line(LOG_LEVEL_INFO, "%s", text);
		assert_int_equal(strlen(last), wanted);
		assert_memory_equal(last, "xdp: ", 5);
	}
}

/* Without a sink, lines go to standard error, and no sink is called. */
static void test_without_sink(void **state)
{
	(void)state;
	log_to(keep);
	lines = 0;
	log_to(NULL);
	log_line(LOG_LEVEL_INFO, "this line of the test is for standard error");
	assert_int_equal(lines, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines_are_cut),
		cmocka_unit_test(test_without_sink),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
