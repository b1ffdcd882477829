/* SPDX-License-Identifier: BSD-3-Clause */
/* Until when flows may be relayed, by the reports of the relay thread and of the monitor thread. */
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "route/watchdog.h"
#include "table/status.h"

#define SECOND 1000000000ull

static uint64_t shown;
static unsigned int lines;
static char last_line[512];

void status_monitor_put(uint64_t deadline)
{
	shown = deadline;
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(last_line, sizeof(last_line), format, args);
	va_end(args);
	lines++;
}

static void test_both_report(void **state)
{
	(void)state;
	lines = 0;
	watchdog_report(100 * SECOND, 100 * SECOND);
	assert_int_equal(shown, 105 * SECOND);
	/* The older report counts, whichever thread's it is. */
	assert_int_equal(watchdog_deadline(100 * SECOND), 105 * SECOND);
	assert_int_equal(watchdog_deadline(101 * SECOND), 105 * SECOND);
	assert_int_equal(watchdog_deadline(99 * SECOND), 104 * SECOND);
	watchdog_report(101 * SECOND, 101 * SECOND);
	assert_int_equal(watchdog_deadline(102 * SECOND), 106 * SECOND);
	assert_int_equal(lines, 0);
}

static void test_monitor_is_silent(void **state)
{
	(void)state;
	lines = 0;
	watchdog_report(200 * SECOND, 200 * SECOND);
	assert_true(watchdog_deadline(205 * SECOND - 1) > 205 * SECOND - 1);
	assert_int_equal(lines, 0);
	assert_true(watchdog_deadline(205 * SECOND) <= 205 * SECOND);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "has not reported for 5 seconds"));
	/* Every relay thread finds out, again and again; the log has it once. */
	assert_int_equal(watchdog_deadline(209 * SECOND), 205 * SECOND);
	assert_int_equal(lines, 1);
	watchdog_report(212 * SECOND, 212 * SECOND);
	assert_int_equal(lines, 2);
	assert_non_null(strstr(last_line, "reports again, after 12 seconds"));
	assert_int_equal(watchdog_deadline(212 * SECOND), 217 * SECOND);
	watchdog_report(213 * SECOND, 213 * SECOND);
	assert_int_equal(lines, 2);
	/* The next silence is another one. */
	watchdog_deadline(230 * SECOND);
	assert_int_equal(lines, 3);
	watchdog_report(230 * SECOND, 230 * SECOND);
}

/* A loop of the thread that takes longer than that is silence, and its end is none of the silence. */
static void test_monitor_is_slow(void **state)
{
	(void)state;
	lines = 0;
	watchdog_report(300 * SECOND, 300 * SECOND);
	watchdog_deadline(306 * SECOND);
	assert_int_equal(lines, 1);
	watchdog_report(301 * SECOND, 320 * SECOND);
	watchdog_deadline(320 * SECOND);
	watchdog_report(320 * SECOND, 326 * SECOND);
	watchdog_deadline(326 * SECOND);
	assert_int_equal(lines, 1);
	watchdog_report(326 * SECOND, 327 * SECOND);
	assert_int_equal(lines, 2);
	assert_non_null(strstr(last_line, "reports again, after 27 seconds"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_report),
		cmocka_unit_test(test_monitor_is_silent),
		cmocka_unit_test(test_monitor_is_slow),
	};

	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
