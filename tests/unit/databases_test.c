/* SPDX-License-Identifier: BSD-3-Clause */
/* Databases that turnserver.conf names and this build of coturn lacks. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "coturn/databases.c"

static char lines[8][256];
static size_t count;

static void keep(enum log_level level, const char *line)
{
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_true(count < COUNT(lines));
	snprintf(lines[count++], sizeof(lines[0]), "%s", line);
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < DATABASES; i++)
		databases[i].named = databases[i].known = false;
	count = 0;
	log_to(keep);
	return 0;
}

/* coturn's table of a build with SQLite and Redis alone. */
static const struct option small[] = {
	{ "listening-port", required_argument, NULL, 'p' }, { "userdb", required_argument, NULL, 'b' },
	{ "redis-userdb", required_argument, NULL, 'N' },   { "redis-statsdb", required_argument, NULL, 'O' },
	{ NULL, 0, NULL, 0 },
};

static void test_missing(void **state)
{
	static const struct {
		const char *line, *option;
	} table[] = {
		{ "psql-userdb=\"host=127.0.0.1\"\n", "psql-userdb" },
		{ "\t sql-userdb host=127.0.0.1\n", "sql-userdb" },
		{ "mysql-userdb\thost=127.0.0.1\n", "mysql-userdb" },
		{ "mongo-userdb\r\n", "mongo-userdb" },
		{ "redis-userdb=ip=127.0.0.1\n", NULL },
		{ "redis-statsdb=ip=127.0.0.1\n", NULL },
		{ "userdb=/var/lib/turn/turndb\n", NULL },
		{ "#psql-userdb=host=127.0.0.1\n", NULL },
		{ "psql-userdb-other=1\n", NULL },
		{ "psql\n", NULL },
		{ "\n", NULL },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char beginning[64];

		setup(state);
		databases_note_table(small);
		/* coturn reads the file three times. */
		for (int pass = 0; pass < 3; pass++)
			databases_note_line(table[i].line);
		databases_log_missing();
		assert_entry_equal(table[i].line, count, table[i].option != NULL);
		if (!table[i].option)
			continue;
		snprintf(beginning, sizeof(beginning), "xdp: %s is set, but this server was built without ", table[i].option);
		assert_memory_equal(lines[0], beginning, strlen(beginning));
	}
}

/* Each option has a line of its own, also those of one database. */
static void test_several(void **state)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };

	(void)state;
	databases_note_table(none);
	databases_note_line("redis-statsdb=ip=127.0.0.1\n");
	databases_note_line("redis-userdb=ip=127.0.0.1\n");
	databases_log_missing();
	assert_int_equal(count, 2);
	assert_non_null(strstr(lines[0], "redis-userdb is set"));
	assert_non_null(strstr(lines[0], "users are looked up in SQLite"));
	assert_non_null(strstr(lines[1], "redis-statsdb is set"));
	assert_non_null(strstr(lines[1], "no statistics are written"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_missing, setup),
		cmocka_unit_test_setup(test_several, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
