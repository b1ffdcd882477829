/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check has found: rows, each with a level, and the command that changes it. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_REPORT_H
#define OFFLOAD_XDP_UTILS_CHECK_REPORT_H

#include <stdbool.h>

#define CHECK_ROWS 128

enum check_level {
	CHECK_OK,   /* nothing is to be done */
	CHECK_NOTE, /* the offload works, but relays less, or more slowly, than it could; or something was not seen */
	CHECK_STOP, /* the offload cannot start, or relays nothing */
};

struct check_row {
	enum check_level level;
	char topic[20];    /* what the row is about: "kernel", or the name of an interface */
	char text[512];    /* whole clauses for people, without a full stop */
	char command[160]; /* a shell command that changes it; "": there is none */
};

struct check_report {
	unsigned int count;
	struct check_row row[CHECK_ROWS];
	unsigned int left_out; /* rows that there was no room for */
};

/** Adds a row. `command` may be NULL. The text is cut off where there is no room for it. */
void check_report_add(struct check_report *report, enum check_level level, const char *topic, const char *command,
		      const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Returns the gravest level of all rows. */
enum check_level check_report_worst(const struct check_report *report);

/** Returns how many rows have a level. */
unsigned int check_report_count(const struct check_report *report, enum check_level level);

/** Returns "ok", "note" or "stop", which are valid for ever. */
const char *check_report_level_name(enum check_level level);

#endif
