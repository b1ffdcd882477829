/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/databases.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"

static const char users[] = "so users are looked up in SQLite, or in the database that another option names";

static struct {
	const char *option, *database, *package, *instead;
	bool named, known;
} databases[] = {
	{ .option = "psql-userdb", .database = "PostgreSQL", .package = "libpq-dev", .instead = users },
	{ .option = "sql-userdb", .database = "PostgreSQL", .package = "libpq-dev", .instead = users },
	{ .option = "mysql-userdb", .database = "MySQL", .package = "libmariadb-dev", .instead = users },
	{ .option = "mongo-userdb", .database = "MongoDB", .package = "libmongoc-dev", .instead = users },
	{ .option = "redis-userdb", .database = "Redis", .package = "libhiredis-dev", .instead = users },
	{ .option = "redis-statsdb",
	  .database = "Redis",
	  .package = "libhiredis-dev",
	  .instead = "so no statistics are written there" },
};
#define DATABASES (sizeof(databases) / sizeof(databases[0]))

void databases_note_table(const struct option *longs)
{
	for (; longs->name; longs++) {
		for (size_t i = 0; i < DATABASES; i++) {
			if (!strcmp(longs->name, databases[i].option))
				databases[i].known = true;
		}
	}
}

void databases_note_line(const char *line)
{
	const char *name = line + strspn(line, " \t");
	size_t length = strcspn(name, " \t=\r\n");

	for (size_t i = 0; i < DATABASES; i++) {
		if (length == strlen(databases[i].option) && !strncmp(name, databases[i].option, length))
			databases[i].named = true;
	}
}

void databases_log_missing(void)
{
	for (size_t i = 0; i < DATABASES; i++) {
		if (!databases[i].named || databases[i].known)
			continue;
		log_line(LOG_LEVEL_ERROR,
			 "%s is set, but this server was built without %s, %s; install %s, and then run ./configure, make and "
			 "make install again",
			 databases[i].option, databases[i].database, databases[i].instead, databases[i].package);
	}
}
