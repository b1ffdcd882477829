/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_text.h"

#include <string.h>

#include "unit.h"

#define INDENT 22
#define COLUMNS_MIN 60

/* How much of a text fits into `room` columns, if it is not to be broken within a word. */
static size_t fitting(const char *text, size_t room)
{
	size_t length = strlen(text), at = room;

	if (length <= room)
		return length;
	while (at && text[at] != ' ')
		at--;
	return at ? at : room;
}

/* Writes a text in lines of `room` columns behind INDENT ones, where the first line is begun already. */
static void write_wrapped(FILE *out, const char *text, size_t room)
{
	for (;;) {
		size_t length = fitting(text, room);

		fprintf(out, "%.*s\n", (int)length, text);
		text += length + strspn(text + length, " ");
		if (!*text)
			return;
		fprintf(out, "%*s", INDENT, "");
	}
}

/* A command is one that a shell takes: it is broken before a word only, with a backslash. */
static void write_command(FILE *out, const char *command, size_t room)
{
	const char *lead = "$ ";

	while (strlen(command) + 2 > room) {
		size_t length = fitting(command, room - 4);

		if (command[length] != ' ')
			break;
		fprintf(out, "%*s%s%.*s \\\n", INDENT, "", lead, (int)length, command);
		command += length + 1;
		lead = "  ";
	}
	fprintf(out, "%*s%s%s\n", INDENT, "", lead, command);
}

static void write_row(FILE *out, const struct check_row *row, size_t room)
{
	struct check_row clean = *row;

	unit_clean(clean.topic);
	unit_clean(clean.text);
	unit_clean(clean.command);
	fprintf(out, "%-6s%-16s", check_report_level_name(row->level), clean.topic);
	write_wrapped(out, clean.text, room);
	if (clean.command[0])
		write_command(out, clean.command, room);
}

void check_text_write(FILE *out, const char *heading, const struct check_report *report, unsigned int columns)
{
	static const char *const meanings[] = {
		[CHECK_OK] = "nothing is to be done",
		[CHECK_NOTE] = "the offload can work; see the notes",
		[CHECK_STOP] = "the offload cannot start, or relays nothing",
	};
	size_t room = (columns < COLUMNS_MIN ? COLUMNS_MIN : columns) - INDENT;

	fprintf(out, "%-22s", "checked");
	write_wrapped(out, heading, room);
	for (unsigned int i = 0; i < report->count; i++)
		write_row(out, &report->row[i], room);
	if (report->left_out)
		fprintf(out, "%-22s%u rows are left out\n", "", report->left_out);
	fprintf(out, "%u ok, %u note, %u stop: %s\n", check_report_count(report, CHECK_OK),
		check_report_count(report, CHECK_NOTE), check_report_count(report, CHECK_STOP),
		meanings[check_report_worst(report)]);
}
