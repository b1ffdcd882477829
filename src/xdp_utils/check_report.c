/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_report.h"

#include <stdarg.h>
#include <stdio.h>

void check_report_add(struct check_report *report, enum check_level level, const char *topic, const char *command,
		      const char *format, ...)
{
	struct check_row *row = &report->row[report->count];
	va_list args;

	if (report->count == CHECK_ROWS) {
		report->left_out++;
		return;
	}
	report->count++;
	row->level = level;
	snprintf(row->topic, sizeof(row->topic), "%s", topic);
	snprintf(row->command, sizeof(row->command), "%s", command ? command : "");
	va_start(args, format);
	vsnprintf(row->text, sizeof(row->text), format, args);
	va_end(args);
}

enum check_level check_report_worst(const struct check_report *report)
{
	enum check_level worst = CHECK_OK;

	for (unsigned int i = 0; i < report->count; i++) {
		if (report->row[i].level > worst)
			worst = report->row[i].level;
	}
	return worst;
}

unsigned int check_report_count(const struct check_report *report, enum check_level level)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < report->count; i++)
		count += report->row[i].level == level;
	return count;
}

const char *check_report_level_name(enum check_level level)
{
	static const char *const names[] = {
		[CHECK_OK] = "ok",
		[CHECK_NOTE] = "note",
		[CHECK_STOP] = "stop",
	};

	return names[level];
}
